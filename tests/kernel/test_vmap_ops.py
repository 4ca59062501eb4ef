"""Every operation under vmap against the same operation on each slice."""

from __future__ import annotations

from typing import Any

import numpy as np
import op_table as table
import pytest
from op_table import Sample, look_up, map_nested, to_array

import flambeau as fb

ALL = [s for s in table.load() if not s.random and not s.writes]


def arrays_of(sample: Sample) -> list[np.ndarray]:
    """The tensors of a sample, as arrays."""
    found: list[Any] = []
    map_nested(found.append, (sample.args, sample.kwargs))
    return [v for v in found if isinstance(v, np.ndarray)]


def call(sample: Sample, tensors: list[Any]) -> list[Any]:
    """What the operation gives for these tensors: the tensors in it."""
    given = iter(tensors)
    put = lambda v: next(given) if isinstance(v, np.ndarray) else v  # noqa: E731
    args, kwargs = map_nested(put, (sample.args, sample.kwargs))
    results = table.flat(look_up(sample, fb)(*args, **kwargs))
    if not all(isinstance(t, fb.Tensor) for t in results):
        pytest.skip("gives no tensors")
    return results


def two(array: np.ndarray) -> np.ndarray:
    """Two slices with the same values in another order; of booleans and integers the same."""
    if array.dtype.kind not in "fc":
        return np.stack([array, array])
    return np.stack([array, np.roll(array.reshape(-1), 1).reshape(array.shape)])


@pytest.mark.parametrize("which", ["all", "first", "last"])
@pytest.mark.parametrize("sample", ALL, ids=repr)
def test_vmap_is_the_operation_on_each_slice(sample: Sample, which: str) -> None:
    if repr(sample).startswith("Tensor.as_subclass"):
        pytest.skip("gives a tensor another class, and slices have none of their own")
    arrays = arrays_of(sample)
    floats = [i for i, a in enumerate(arrays) if a.dtype.kind in "fc"]
    chosen = set(range(len(arrays)) if which == "all" else [])
    if which != "all" and len(arrays) > 1 and floats:
        chosen = {floats[0 if which == "first" else -1]}
    if not chosen:
        pytest.skip("the same as with all of them")
    batch = [two(a) if i in chosen else np.array(a) for i, a in enumerate(arrays)]
    tensors = [fb.from_numpy(b) for b in batch]
    one_by_one = []
    for k in range(2):
        row = [t[k].clone() if i in chosen else t.clone() for i, t in enumerate(tensors)]
        try:
            one_by_one.append(call(sample, row))
        except RuntimeError:  # the other order is no input for it
            batch = [np.stack([a, a]) if i in chosen else a for i, a in enumerate(arrays)]
            tensors = [fb.from_numpy(np.array(b)) for b in batch]
            one_by_one = [
                call(sample, [t[0] if i in chosen else t for i, t in enumerate(tensors)])
            ] * 2
            break
    if any(a.shape != b.shape for a, b in zip(*one_by_one, strict=True)):
        pytest.skip("slices of several sizes")
    dims = tuple(0 if i in chosen else None for i in range(len(arrays)))
    mapped = fb.vmap(lambda *ts: tuple(call(sample, list(ts))), dims, randomness="same")(*tensors)
    for ours, *each in zip(mapped, *one_by_one, strict=True):
        assert ours.dtype is each[0].dtype
        expected = np.stack([to_array(t) for t in each])
        np.testing.assert_allclose(to_array(ours), expected, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("sample", [s for s in ALL if s.grad and s.second], ids=repr)
def test_gradients_under_vmap_are_those_of_each_slice(sample: Sample) -> None:
    arrays = arrays_of(sample)
    at = next(i for i, a in enumerate(arrays) if a.dtype.kind in "fc")

    def total(x: Any) -> Any:
        tensors = [x if i == at else fb.from_numpy(np.array(a)) for i, a in enumerate(arrays)]
        outs = call(sample, tensors)
        return sum((t * t).sum() for t in outs if t.dtype.is_floating_point)

    slices = fb.from_numpy(np.stack([arrays[at], arrays[at]]))
    single = total(slices[0])
    if arrays[at].dtype.kind == "c" or not isinstance(single, fb.Tensor):
        pytest.skip("no real number to differentiate")
    mapped = fb.vmap(fb.func.grad(total), randomness="same")(slices)
    expected = to_array(fb.func.grad(total)(slices[0]))
    for row in to_array(mapped):
        np.testing.assert_allclose(row, expected, rtol=1e-5, atol=1e-7)
