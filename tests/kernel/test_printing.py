"""``repr`` of tensors, character for character as PyTorch's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import flambeau as fb

torch = pytest.importorskip("torch")
RNG = np.random.default_rng(0)


def both(array: np.ndarray) -> tuple[str, str]:
    return repr(fb.from_numpy(array)), repr(torch.from_numpy(array))


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "complex64", "complex128"])
@pytest.mark.parametrize("scale", [1e-12, 1e-5, 1e-3, 1.0, 50.0, 2e3, 1e5, 3e9])
def test_random_floats(dtype: str, scale: float) -> None:
    if dtype == "float16":
        scale = min(max(scale, 1e-5), 2e3)
    for shape in ((), (1,), (3,), (40,), (2, 3), (2, 2, 3), (1, 1, 2, 2)):
        values = RNG.standard_normal(shape) * scale
        if dtype.startswith("c"):
            values = values + 1j * RNG.standard_normal(shape)
        for array in (values, np.round(values)):
            ours, theirs = both(np.asarray(array).astype(dtype))
            assert ours == theirs


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int8", "int16", "int32", "int64"])
def test_random_integers(dtype: str) -> None:
    for shape in ((), (1,), (30,), (2, 3), (3, 2, 2)):
        for top in (2, 100):
            ours, theirs = both(RNG.integers(0, top, shape).astype(dtype))
            assert ours == theirs


@pytest.mark.parametrize(
    "values",
    [
        [np.nan, 1.0],
        [np.inf, -np.inf],
        [np.inf, 1.5, -2.0],
        [np.nan],
        [0.0, -0.0],
        [0.0, 1e-6],
        [1e-6, 1e6],
        [1e9, 1.0],
        [1e9],
        [123456.0, 0.5],
        [np.nan, 1e-9],
    ],
)
def test_odd_values(values: list[float]) -> None:
    for dtype in ("float32", "float64"):
        ours, theirs = both(np.array(values, dtype))
        assert ours == theirs


@pytest.mark.parametrize("shape", [(0,), (0, 3), (2, 0), (0, 0)])
@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "bool"])
def test_empty(shape: tuple[int, ...], dtype: str) -> None:
    ours, theirs = both(np.zeros(shape, dtype))
    assert ours == theirs


@pytest.mark.parametrize("shape", [(1001,), (40, 40), (8, 2, 100), (2000, 1), (7, 7, 7, 7)])
def test_long_ones_are_shortened(shape: tuple[int, ...]) -> None:
    for array in (RNG.standard_normal(shape), RNG.integers(0, 999, shape)):
        ours, theirs = both(array)
        assert ours == theirs


TEXTS = [
    "T.ones(2, requires_grad=True)",
    "T.ones(2, requires_grad=True) * 2",
    "T.ones(2, dtype=T.float64, requires_grad=True)",
    "(T.ones(30, requires_grad=True) * 2.5)",
    "T.arange(30.).reshape(5, 6).double().requires_grad_()",
    "T.ones(2, 2, requires_grad=True).t()",
    "T.ones(3, requires_grad=True).exp().sum()",
    "T.ones(2, 3).max(1)",
    "T.tensor([3, 1]).sort()",
    "T.tensor([3., 1.]).topk(1)",
    "T.ones(2).shape",
    "T.float32",
    "T.device('cpu')",
    "str(T.tensor(1.5))",
    "f'{T.tensor(1.5)}'",
    "f'{T.tensor(1.5):.3f}'",
    "[T.tensor(1), T.tensor([1.5])]",
    "T.finfo(T.float32)",
    "T.iinfo(T.int8)",
]


@pytest.mark.parametrize("text", TEXTS)
def test_texts(text: str) -> None:
    assert repr(eval(text, {"T": fb})) == repr(eval(text, {"T": torch}))


@pytest.mark.parametrize(
    "options",
    [
        {"precision": 2},
        {"precision": 8, "sci_mode": False},
        {"sci_mode": True},
        {"threshold": 5, "edgeitems": 1},
        {"linewidth": 40},
        {"profile": "short"},
        {"profile": "full"},
    ],
)
def test_print_options(options: dict[str, Any]) -> None:
    arrays = [RNG.standard_normal(7), RNG.standard_normal((9, 9)) * 1e-5, np.arange(30.0)]
    try:
        for package in (fb, torch):
            package.set_printoptions(**options)
        for array in arrays:
            ours, theirs = both(array)
            assert ours == theirs
    finally:
        for package in (fb, torch):
            package.set_printoptions(profile="default")


def test_the_default_dtype_is_not_shown() -> None:
    try:
        for package in (fb, torch):
            package.set_default_dtype(package.float64)
        for text in ("T.ones(2)", "T.ones(2).float()", "T.zeros(0)", "T.tensor(1j)"):
            assert repr(eval(text, {"T": fb})) == repr(eval(text, {"T": torch}))
    finally:
        for package in (fb, torch):
            package.set_default_dtype(package.float32)


@pytest.mark.parametrize("scale", [1e-6, 0.01, 1.0, 1e3, 1e30])
def test_bfloat16(scale: float) -> None:
    for shape in ((), (3,), (0, 2), (2, 3), (40,), (50, 50)):
        numbers = torch.from_numpy(np.asarray(RNG.standard_normal(shape) * scale)).bfloat16()
        ours = fb.from_numpy(numbers.float().numpy()).bfloat16()
        assert repr(ours) == repr(numbers)


def test_options_together() -> None:
    numbers = RNG.standard_normal((4, 9)) * 100
    for options in (
        {"edgeitems": 0, "threshold": 5},
        {"precision": 0, "sci_mode": False},
        {"profile": "short", "threshold": 10},
        {"linewidth": 30, "sci_mode": True},
        {"profile": "full", "precision": 8},
    ):
        for m in (fb, torch):
            m.set_printoptions(profile="default")
            m.set_printoptions(**options)
        try:
            ours, theirs = both(numbers)
            assert ours == theirs
        finally:
            for m in (fb, torch):
                m.set_printoptions(profile="default")


def test_subclasses_meta_and_formats() -> None:
    for code in (
        "m.ones(2, device='meta')", "m.ones((), device='meta', dtype=m.int64)",
        "m.nn.Parameter(m.ones(2, device='meta'))", "m.ones(2).__repr__(tensor_contents='here')",
        "f'{m.tensor(2.5):.2f}'", "f'{m.tensor([2.5])}'", "f'{m.tensor(3):>5d}'",
    ):  # fmt: skip
        assert str(eval(code, {"m": fb})) == str(eval(code, {"m": torch}))
    with pytest.raises(TypeError):
        f"{fb.ones(2):.2f}"
