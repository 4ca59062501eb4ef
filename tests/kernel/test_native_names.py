"""The functions that PyTorch shows on the package by its inner names, with their own arguments."""

from __future__ import annotations

import numpy as np
import pytest

import flambeau as fb

torch = pytest.importorskip("torch")


def randn(*shape: int) -> np.ndarray:
    return np.random.default_rng(sum(shape) + len(shape)).standard_normal(shape)


def test_dropout_in_place_writes_into_the_tensor() -> None:
    for name in ("dropout_", "alpha_dropout_", "feature_dropout_", "feature_alpha_dropout_"):
        x = fb.ones(4, 50)
        assert getattr(fb, name)(x, 0.5, True) is x
        assert len(np.unique(x.numpy())) == 2


def test_native_dropout_says_which_entries_stayed() -> None:
    out, kept = fb.native_dropout(fb.ones(1000), 0.25, True)
    assert kept.dtype is fb.bool
    np.testing.assert_allclose(out.numpy(), kept.numpy() / 0.75, rtol=1e-6)
    back = fb.native_dropout_backward(fb.ones(1000), kept, 2.0)
    np.testing.assert_allclose(back.numpy(), kept.numpy() * 2.0)


def test_embedding_renorm_shortens_the_rows_that_are_named() -> None:
    tables = [package.from_numpy(randn(5, 3).copy()) for package in (fb, torch)]
    for package, table in zip((fb, torch), tables, strict=True):
        package.embedding_renorm_(table, package.tensor([0, 2, 2]), 0.5, 2.0)
    np.testing.assert_allclose(tables[0].numpy(), tables[1].numpy(), rtol=1e-6)


@pytest.mark.parametrize("name", ["dropout", "alpha_dropout", "feature_dropout"])
def test_a_probability_above_one_is_a_runtime_error(name: str) -> None:
    for package in (fb, torch):
        with pytest.raises(RuntimeError, match="probability"):
            getattr(package, name)(package.ones(2, 2), 1.5, True)
