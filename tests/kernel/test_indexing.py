"""``x[...]`` in all its forms, reading and writing, against PyTorch."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

import flambeau as fb

torch = pytest.importorskip("torch")


def entry(rng: random.Random, n: int, ellipsis: bool) -> Any:
    """One random entry of an index into a dimension of size n; sometimes out of range."""
    kind = rng.choice(["int", "slice", "slice", "none", "dots", "list", "row", "grid", "mask"])
    place = lambda: rng.randrange(-n, n)  # noqa: E731
    if kind == "int":
        return rng.randrange(-n - 1, n + 1)
    if kind == "slice":
        ends = [rng.choice([None, rng.randrange(-n - 1, n + 2)]) for _ in range(2)]
        return slice(*ends, rng.choice([None, 1, 2]))
    if kind == "list":
        return [place(), place()]
    if kind == "row":
        return np.array([place(), place()])
    if kind == "grid":
        return np.array([[place(), place()]])
    if kind == "mask":
        return np.array([rng.random() < 0.5 for _ in range(n)])
    return Ellipsis if kind == "dots" and ellipsis else None


def draw(seed: int) -> tuple[np.ndarray, list[Any]]:
    """A random array and an index into it."""
    rng = random.Random(seed)
    shape = [rng.randrange(1, 4) for _ in range(rng.randrange(1, 4))]
    key: list[Any] = []
    used = 0
    for _ in range(rng.randrange(1, 4)):
        ellipsis = all(k is not Ellipsis for k in key)
        key.append(entry(rng, shape[min(used, len(shape) - 1)], ellipsis))
        used += key[-1] is not None and key[-1] is not Ellipsis
    return np.random.default_rng(seed).standard_normal(shape), key


def tensors(package: Any, key: list[Any]) -> Any:
    made = tuple(package.from_numpy(k) if isinstance(k, np.ndarray) else k for k in key)
    return made[0] if len(made) == 1 else made


def noise(package: Any, seed: int, shape: Any) -> Any:
    return package.from_numpy(np.random.default_rng(seed).standard_normal(tuple(shape)))


def read_and_write(package: Any, array: np.ndarray, key: list[Any]) -> list[Any]:
    """Value and gradient of reading, value and gradients of writing, or the error."""
    at = tensors(package, key)
    x = package.from_numpy(array.copy()).requires_grad_()
    try:
        y = x[at]
    except (IndexError, TypeError, ValueError) as error:
        return [type(error).__mro__]
    grad = package.autograd.grad
    (slope,) = grad((y * noise(package, 1, y.shape)).sum(), [x])
    z, v = x * 1, noise(package, 2, y.shape).requires_grad_()
    z[at] = v
    slopes = grad((z * noise(package, 3, array.shape)).sum(), [x, v])
    w = package.from_numpy(array.copy())
    w[at] = 1.5
    return [t.detach().numpy() for t in (y, slope, z, *slopes, w)]


def repeats(key: list[Any]) -> bool:
    """Whether an index may name an element twice; which write wins is then left open."""
    return any(isinstance(k, list) or (hasattr(k, "dtype") and k.dtype != bool) for k in key)


@pytest.mark.parametrize("start", range(0, 1500, 100))
def test_random_indices(start: int) -> None:
    for seed in range(start, start + 100):
        array, key = draw(seed)
        theirs, ours = read_and_write(torch, array, key), read_and_write(fb, array, key)
        if isinstance(theirs[0], tuple):
            assert isinstance(ours[0], tuple), f"PyTorch refuses {key} for shape {array.shape}"
            assert theirs[0][0] in ours[0]
            continue
        for i, (a, b) in enumerate(zip(ours, theirs, strict=True)):
            if not (repeats(key) and i in (2, 3, 4)):
                assert a.shape == b.shape, (array.shape, key)
                np.testing.assert_allclose(a, b, atol=1e-12, err_msg=f"{array.shape} {key} {i}")


SPECIAL = [
    "x[T.tensor(True)]",
    "x[True]",
    "x[False]",
    "x[T.tensor(1)]",
    "x[..., T.tensor(2)]",
    "x[np.int64(1)]",
    "x[range(2)]",
    "x[1.5]",
    "x[T.tensor([1.5])]",
    "x['a']",
    "x[10]",
    "x[:, 10]",
    "x[0, 0, 0]",
    "x[::-1]",
    "x[[0, 1], [1, 2]]",
    "x[[[0, 1], [1, 0]]]",
    "x[[True, False]]",
    "x[T.tensor([], dtype=T.long)]",
    "x[[]]",
    "x[x > 2]",
    "x[x[:, 0] > 2]",
    "x[T.tensor([True, False, True])]",
    "x[T.tensor([[1, 0, 1], [0, 1, 0]], dtype=T.uint8)]",
    "x[None, :, None]",
    "x[0][None]",
    "T.tensor(5)[...]",
    "T.tensor(5)[None]",
    "T.tensor(5)[0]",
    "list(x)",
    "[int(v) for v in x[0]]",
    "x[0, T.tensor([2, 0])]",
    "x[T.tensor([0, 1]), None]",
    "x[1:, ..., :2]",
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("text", SPECIAL)
def test_special_indices(text: str) -> None:
    results = []
    for package in (torch, fb):
        x = package.arange(6).reshape(2, 3)
        try:
            results.append(repr(eval(text, {"T": package, "x": x, "np": np})))
        except Exception as error:
            results.append(type(error).__mro__)
    theirs, ours = results
    assert theirs == ours or theirs[0] in ours


def test_views_share_memory_and_copies_do_not() -> None:
    x = fb.arange(12.0).reshape(3, 4)
    for view in (x[1], x[1:], x[:, 2], x[None], x[..., 0], x[::2], x[1, 2], x[:]):
        assert view._base is not None
        view.fill_(-1)
    assert x[1].tolist() == [-1.0] * 4
    before = x.tolist()
    for copy in (x[[0]], x[fb.tensor([1])], x[x > 0], x[fb.tensor([0]), :]):
        copy.fill_(5)
    assert x.tolist() == before


def test_writing_broadcasts_and_casts() -> None:
    x = fb.zeros(2, 3, dtype=fb.int64)
    x[0] = 1.7
    x[1] = fb.tensor([1.9, 2.9, 3.9])
    assert x.tolist() == [[1, 1, 1], [1, 2, 3]]
    x[:, 0] = fb.tensor(7)
    x[x == 1] = 9
    assert x.tolist() == [[7, 9, 9], [7, 2, 3]]
    with pytest.raises(RuntimeError):
        x[0] = fb.ones(4)


def test_writing_into_a_leaf_that_wants_a_gradient_is_refused() -> None:
    x = fb.zeros(3, requires_grad=True)
    with pytest.raises(RuntimeError, match="leaf"):
        x[0] = 1
    with fb.no_grad():
        x[0] = 1
    assert x.tolist() == [1, 0, 0]


def test_repeated_indices_add_up_in_the_gradient() -> None:
    x = fb.zeros(3, 2, requires_grad=True)
    x[fb.tensor([0, 2, 0, 0])].sum().backward()
    assert x.grad.tolist() == [[3, 3], [0, 0], [1, 1]]
