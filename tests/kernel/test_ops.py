"""Every operation against PyTorch and against numerical differentiation; see `op_table.py`."""

from __future__ import annotations

from typing import Any

import numpy as np
import op_table as table
import pytest
from op_table import Call, Sample, flat, look_up, to_array, weighted, weights

import flambeau as fb
from flambeau.ops.registry import SPACES, InPlace

try:
    import torch
except ImportError:
    torch = None

ALL = table.load()
against_torch = pytest.mark.skipif(torch is None, reason="PyTorch is not installed")


def which(**wanted: bool) -> Any:
    """The samples of which these options are as said."""
    found = [s for s in ALL if all(bool(getattr(s, k)) == v for k, v in wanted.items())]
    return pytest.mark.parametrize("sample", found, ids=repr)


TOLERANCE = {"float16": 4e-3, "float32": 2e-5, "float64": 1e-9}


def close(ours: Any, theirs: Any, tolerance: float) -> None:
    """Equal up to a tolerance relative to the largest value; NaN and infinities in place."""
    ours, theirs = np.asarray(ours, np.float64), np.asarray(theirs, np.float64)
    finite = theirs[np.isfinite(theirs)]
    scale = max(1.0, float(abs(finite).max())) if finite.size else 1.0
    np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance * scale)


def same(sample: Sample, ours: Any, theirs: Any, what: str = "result") -> None:
    """One result against PyTorch's: kind, shape, type and values."""
    if not hasattr(theirs, "dtype"):
        assert ours == theirs or str(ours) == str(theirs), what
        return
    assert tuple(ours.shape) == tuple(theirs.shape), f"{what}: shape"
    assert repr(ours.dtype) == repr(theirs.dtype), f"{what}: dtype"
    if sample.random:
        return
    a, b = to_array(ours), to_array(theirs)
    if a.dtype.kind == "f":
        close(a, b, max(sample.tolerance, TOLERANCE[str(a.dtype)]))
    elif a.dtype.kind == "c":
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)
    else:
        np.testing.assert_array_equal(a, b)


@against_torch
@which(torch=True)
def test_value_is_torchs(sample: Sample) -> None:
    theirs = Call(sample, torch, dtype="float64").run()
    ours = Call(sample, fb, dtype="float64").run()
    if type(theirs) in (tuple, list):
        assert type(ours) is type(theirs)
    ours, theirs = flat(ours), flat(theirs)
    assert len(ours) == len(theirs)
    for i, (a, b) in enumerate(zip(ours, theirs, strict=True)):
        same(sample, a, b, f"result {i}")


def gradients(call: Call, package: Any) -> list[Any]:
    """The gradient of the weighted sum of the outputs for each float input."""
    outs = call.reals()
    ws = [None if w is None else package.from_numpy(w) for w in weights(outs)]
    total = weighted(package, outs, ws)
    return list(package.autograd.grad(total, call.leaves, allow_unused=True))


@against_torch
@which(torch=True, grad=True)
def test_gradient_is_torchs(sample: Sample) -> None:
    call = Call(sample, torch, grad=True)
    try:
        theirs = gradients(call, torch)
    except RuntimeError as error:
        pytest.skip(f"PyTorch has no gradient here: {str(error)[:60]}")
    ours = gradients(Call(sample, fb, grad=True), fb)
    for i, (a, b) in enumerate(zip(ours, theirs, strict=True)):
        if b is None:
            assert a is None or not to_array(a).any(), f"input {i}: PyTorch has no gradient"
        else:
            same(sample, a, b, f"gradient of input {i}")


def value_at(sample: Sample, shift: Any) -> float:
    """The weighted sum of the outputs with the inputs shifted."""
    with fb.no_grad():
        outs = Call(sample, fb, shift=shift).reals()
    ws = weights(outs)
    return sum(
        float((to_array(o) * w).sum()) for o, w in zip(outs, ws, strict=True) if w is not None
    )


def direction(call: Call, seed: int) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(tuple(t.shape)) for t in call.leaves]


def along(sample: Sample, f: Any, v: list[np.ndarray], step: float) -> float:
    """The slope of f along v by central differences."""
    ahead, behind = ([d * s for d in v] for s in (step, -step))
    return (f(sample, ahead) - f(sample, behind)) / (2 * step)


@which(grad=True, smooth=True)
def test_gradient_is_numerical(sample: Sample) -> None:
    call = Call(sample, fb, grad=True)
    found = gradients(call, fb)
    for seed in (1, 2):
        v = direction(call, seed)
        slope = along(sample, value_at, v, 1e-6)
        ours = sum(
            float((to_array(g) * d).sum()) for g, d in zip(found, v, strict=True) if g is not None
        )
        close(ours, slope, 2e-6)


def slope_of_gradient(call: Call, package: Any, v: list[np.ndarray]) -> tuple[Any, list[Any]]:
    """<gradient, v>, in the graph, and what it depends on: the inputs and the output weights."""
    outs = call.reals()
    ws = [None if w is None else package.from_numpy(w).requires_grad_() for w in weights(outs)]
    total = weighted(package, outs, ws)
    first = package.autograd.grad(total, call.leaves, create_graph=True, allow_unused=True)
    slope = sum(
        (g * package.from_numpy(d)).sum() for g, d in zip(first, v, strict=True) if g is not None
    )
    return slope, [*call.leaves, *(w for w in ws if w is not None)]


def second(call: Call, package: Any, v: list[np.ndarray]) -> list[Any]:
    """The gradient of <gradient, v>."""
    slope, inputs = slope_of_gradient(call, package, v)
    if not (hasattr(slope, "requires_grad") and slope.requires_grad):
        return [None] * len(inputs)
    return list(package.autograd.grad(slope, inputs, allow_unused=True))


@against_torch
@which(torch=True, grad=True, second=True)
def test_second_gradient_is_torchs(sample: Sample) -> None:
    theirs = Call(sample, torch, grad=True)
    v = direction(theirs, 3)
    try:
        expected = second(theirs, torch, v)
    except (RuntimeError, NotImplementedError) as error:
        pytest.skip(f"PyTorch has no second gradient here: {str(error)[:60]}")
    ours = second(Call(sample, fb, grad=True), fb, v)
    for a, b in zip(ours, expected, strict=True):
        a = np.zeros(()) if a is None else to_array(a)
        b = np.zeros(()) if b is None else to_array(b)
        a, b = np.broadcast_arrays(a, b)
        close(a, b, max(sample.tolerance, 1e-8))


def slope_at(sample: Sample, shift: Any) -> float:
    call = Call(sample, fb, grad=True, shift=shift)
    return float(slope_of_gradient(call, fb, direction(call, 3))[0])


@which(grad=True, second=True, smooth=True)
def test_second_gradient_is_numerical(sample: Sample) -> None:
    call = Call(sample, fb, grad=True)
    found = second(call, fb, direction(call, 3))[: len(call.leaves)]
    v = direction(call, 4)
    ours = sum(
        float((to_array(g) * d).sum()) for g, d in zip(found, v, strict=True) if g is not None
    )
    close(ours, along(sample, slope_at, v, 1e-6), 5e-6)


@against_torch
@pytest.mark.parametrize(
    ("sample", "dtype"),
    [(s, d) for s in ALL if s.torch for d in s.dtypes if s.takes_floats],
    ids=lambda v: str(v),
)
def test_dtype_is_torchs(sample: Sample, dtype: str) -> None:
    try:
        expected = Call(sample, torch, dtype=dtype).outputs()
    except (RuntimeError, TypeError):
        return  # PyTorch has none in this type: nothing to agree with
    for i, (a, b) in enumerate(zip(Call(sample, fb, dtype=dtype).outputs(), expected, strict=True)):
        same(sample, a, b, f"result {i}")


@which(random=False, layout=True)
def test_layout_does_not_matter(sample: Sample) -> None:
    grad = sample.grad
    plain = Call(sample, fb, grad=grad)
    spread = Call(sample, fb, grad=grad, layout=table.non_contiguous)
    for a, b in zip(spread.outputs(), plain.outputs(), strict=True):
        same(sample, a, b)
    if grad:
        for a, b in zip(gradients(spread, fb), gradients(plain, fb), strict=True):
            if b is not None:
                same(sample, a, b)


@which(writes=False)
def test_inputs_are_untouched(sample: Sample) -> None:
    call = Call(sample, fb, grad=sample.grad)
    before = [to_array(t).tobytes() for t in call.tensors]
    outs = gradients(call, fb) if sample.grad else call.outputs()
    assert [to_array(t).tobytes() for t in call.tensors] == before
    if not sample.shares and sample.grad:
        for leaf, g in zip(call.leaves, outs, strict=True):
            assert g is None or not np.may_share_memory(to_array(g), to_array(leaf))


_SHARED = ("", "F", "Tensor")  # where a name means what the method of that name does


@which(random=False, on_tensor=True)
def test_method_and_inplace_twin_agree(sample: Sample) -> None:
    expected = Call(sample, fb).outputs()
    if sample.method and sample.space in _SHARED and sample.name in SPACES["Tensor"]:
        for a, b in zip(
            Call(sample, fb).outputs(getattr(fb.Tensor, sample.name)), expected, strict=True
        ):
            same(sample, a, b, "as a method")
    twin = getattr(fb.Tensor, f"{sample.name}_", None)
    want = expected[0]
    if twin is None or not sample.inplace or not sample.grad or want.shape != sample.args[0].shape:
        return
    call = Call(sample, fb, grad=True)
    leaf = call.args[0]
    call.args = (leaf * 1, *call.args[1:])
    out = call.run(twin)
    assert out is call.args[0]
    assert out._version == 1
    same(sample, out, want, "in place")
    w = fb.from_numpy(weights([out])[0])
    ours = fb.autograd.grad((out * w).sum(), [leaf], allow_unused=True)[0]
    theirs = gradients(Call(sample, fb, grad=True), fb)[0]
    if theirs is not None:
        same(sample, ours, theirs, "gradient in place")


@pytest.mark.gpu
@which(random=False)
def test_cuda_agrees_with_cpu(sample: Sample) -> None:
    host = Call(sample, fb, grad=sample.grad)
    card = Call(sample, fb, grad=sample.grad, device="cuda")
    for a, b in zip(card.outputs(), host.outputs(), strict=True):
        if hasattr(a, "cpu"):
            same(sample, a.cpu(), b)
    if sample.grad:
        outs = card.reals()
        ws = [None if w is None else fb.from_numpy(w).cuda() for w in weights(outs)]
        found = fb.autograd.grad(weighted(fb, outs, ws), card.leaves, allow_unused=True)
        for a, b in zip(found, gradients(host, fb), strict=True):
            if b is not None:
                same(sample, a.cpu(), b)


# What takes no tensor, needs a device, or is a setting: `test_creation.py`, `test_dtypes.py` and
# `test_cuda_agrees_with_cpu`.
ELSEWHERE = {"from_numpy", "cuda", "set_default_tensor_type"}


def test_every_public_operation_has_a_sample() -> None:
    covered = {id(look_up(s, fb)) for s in ALL}
    missing = {
        f"{space}.{name}"
        for space, things in SPACES.items()
        for name, thing in things.items()
        if not isinstance(thing, InPlace) and id(thing) not in covered and name not in ELSEWHERE
    }
    assert not missing, "add a line to tests/kernel/samples/ for: " + ", ".join(sorted(missing))


def test_every_public_operation_says_what_it_does() -> None:
    silent = {n for things in SPACES.values() for n, thing in things.items() if not thing.__doc__}
    assert not silent
