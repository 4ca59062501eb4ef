"""Every entry of PyTorch's own tables, measured again: the coverage page says what is so."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="PyTorch's tables are what is run")
pytest.importorskip("expecttest", reason="PyTorch's test tables need it")
if not torch.__version__.startswith("2.13"):
    pytest.skip("the coverage page is about PyTorch 2.13", allow_module_level=True)

from . import coverage, modules, ops, optimizers  # noqa: E402

ROWS = coverage.rows()
ops.SAMPLES = 10  # of one type; the page is made with more, and the suite is to stay short


def _compare(verdict: ops.Verdict) -> None:
    assert verdict.name in ROWS, "docs/coverage.md lacks it: make coverage-table"
    if ROWS[verdict.name]:
        assert verdict.agrees, coverage.difference(verdict)
    else:
        assert not verdict.agrees, "it agrees by now: make coverage-table"


@pytest.mark.parametrize("info", ops.table(), ids=ops.label)
def test_operation_is_as_the_coverage_page_says(info: object) -> None:
    _compare(ops.check(info))


@pytest.mark.parametrize("info", modules.table(), ids=modules.label)
def test_module_is_as_the_coverage_page_says(info: object) -> None:
    _compare(modules.check(info))


@pytest.mark.parametrize("info", optimizers.table(), ids=optimizers.label)
def test_optimizer_is_as_the_coverage_page_says(info: object) -> None:
    _compare(optimizers.check(info))


def test_the_coverage_page_has_no_other_rows() -> None:
    kinds = (ops, modules, optimizers)
    assert set(ROWS) == {kind.label(info) for kind in kinds for info in kind.table()}
