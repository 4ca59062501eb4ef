"""Operations on inputs that chance has made: shapes, layouts, types and extreme values.

PyTorch is the oracle. Shapes may be empty or without dimensions, memory may be transposed, stepped
or reversed, values may be infinite, huge, tiny or no number at all.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="it is what results are compared with")
hypothesis = pytest.importorskip("hypothesis")
from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from hypothesis.extra import numpy as hnp  # noqa: E402

import flambeau as fb  # noqa: E402

SETTINGS = settings(max_examples=25, deadline=None, derandomize=True, database=None)
FLOATS = ("float32", "float64")
TYPES = (*FLOATS, "int64", "int32", "uint8", "bool")
LAYOUTS = ("plain", "transposed", "stepped", "reversed")

UNARY = [
    "abs",
    "ceil",
    "floor",
    "round",
    "trunc",
    "frac",
    "sign",
    "sgn",
    "neg",
    "exp",
    "expm1",
    "exp2",
    "log",
    "log1p",
    "log2",
    "log10",
    "sqrt",
    "rsqrt",
    "reciprocal",
    "square",
    "sin",
    "cos",
    "tan",
    "asin",
    "acos",
    "atan",
    "sinh",
    "cosh",
    "tanh",
    "asinh",
    "acosh",
    "atanh",
    "sigmoid",
    "erf",
    "erfc",
    "isnan",
    "isinf",
    "isfinite",
    "isposinf",
    "isneginf",
    "signbit",
    "logical_not",
    "relu",
    "nan_to_num",
    "deg2rad",
    "rad2deg",
    "sinc",
    "clone",
    "flatten",
    "t_last",
    "positive",
]
BINARY = [
    "add",
    "sub",
    "mul",
    "div",
    "maximum",
    "minimum",
    "fmax",
    "fmin",
    "atan2",
    "hypot",
    "copysign",
    "remainder",
    "fmod",
    "floor_divide",
    "eq",
    "ne",
    "lt",
    "le",
    "gt",
    "ge",
    "logical_and",
    "logical_or",
    "logical_xor",
    "bitwise_and",
    "bitwise_or",
    "bitwise_xor",
    "xlogy",
    "logaddexp",
    "heaviside",
    "isclose",
    "nextafter",
    "where_positive",
]
REDUCTIONS = [
    "sum",
    "mean",
    "prod",
    "amax",
    "amin",
    "all",
    "any",
    "argmax",
    "argmin",
    "std",
    "var",
    "logsumexp",
    "nansum",
    "median",
    "cumsum",
    "cumprod",
    "count_nonzero",
    "softmax",
    "log_softmax",
    "sort",
]
# Their gradients are compared too, where all values are ordinary.
SMOOTH_UNARY = [
    "exp",
    "expm1",
    "sin",
    "cos",
    "tanh",
    "sigmoid",
    "square",
    "erf",
    "atan",
    "sinh",
    "asinh",
    "log1p_abs",
    "sqrt_abs",
    "sinc",
    "neg",
    "abs",
    "relu",
]
SMOOTH_BINARY = [
    "add",
    "sub",
    "mul",
    "maximum",
    "minimum",
    "atan2",
    "hypot",
    "logaddexp",
    "div_shifted",
]

_ODD = {
    "t_last": lambda t, x: x.transpose(0, -1) if x.ndim > 1 else x,
    "where_positive": lambda t, x, y: t.where(x > 0, x, y),
    "log1p_abs": lambda t, x: t.log1p(t.abs(x)),
    "sqrt_abs": lambda t, x: t.sqrt(t.abs(x) + 0.5),
    "div_shifted": lambda t, x, y: x / (y * y + 0.5),
    "sort": lambda t, x, dim=-1: t.sort(x, dim=dim, stable=True)[1],
    "median": lambda t, x, dim=None: t.median(x) if dim is None else t.median(x, dim)[0],
}


def run(lib: Any, name: str, *args: Any, **kwargs: Any) -> Any:
    """An operation of one of the libraries; what it raises is a result too."""
    try:
        if name in _ODD:
            return _ODD[name](lib, *args, **kwargs)
        return getattr(lib, name)(*args, **kwargs)
    except Exception as error:
        return error


def values(dtype: str, extreme: bool) -> Any:
    kind = np.dtype(dtype)
    if kind.kind == "f":
        if not extreme:
            return st.floats(-3, 3, width=32).filter(lambda v: abs(v) > 1e-3)
        return st.floats(width=8 * kind.itemsize, allow_subnormal=False)
    if kind.kind == "b":
        return st.booleans()
    return st.integers(max(np.iinfo(kind).min, -(2**40)), min(np.iinfo(kind).max, 2**40))


@st.composite
def laid_out(draw: Any, shape: Any, types: Any = TYPES, extreme: bool = True) -> np.ndarray:
    """An array of some type, in some order in memory."""
    dtype = draw(st.sampled_from(types))
    array = draw(hnp.arrays(dtype, shape, elements=values(dtype, extreme)))
    layout = draw(st.sampled_from(LAYOUTS))
    if layout == "transposed":
        return array.T.copy().T
    if layout == "stepped" and array.ndim:
        wide = np.zeros((*array.shape[:-1], 2 * array.shape[-1]), dtype)
        wide[..., ::2] = array
        return wide[..., ::2]
    if layout == "reversed" and array.ndim:
        return array[::-1].copy()[::-1]
    return array


SHAPES = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)
PAIRS = hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=3, min_side=0, max_side=4)


def both(array: np.ndarray) -> tuple[Any, Any]:
    """The array as a tensor of each library; PyTorch knows no reversed memory."""
    return fb.from_numpy(array), torch.from_numpy(array.copy())


def agree(mine: Any, theirs: Any) -> None:
    """Both have failed alike, or have given the same values in the same type and shape."""
    if isinstance(theirs, Exception) or isinstance(mine, Exception):
        assert isinstance(mine, Exception), f"nothing raised, but there: {theirs}"
        assert isinstance(theirs, Exception), f"there nothing raised, here {mine!r}"
        assert isinstance(mine, type(theirs)), (mine, theirs)
        return
    assert str(mine.dtype) == str(theirs.dtype)
    assert tuple(mine.shape) == tuple(theirs.shape)
    a, b = mine.detach().numpy(), theirs.numpy(force=True)
    tolerance = 1e-5 if b.dtype == np.float32 else 1e-9
    np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance * 10)


@pytest.fixture(autouse=True)
def silent():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@pytest.mark.parametrize("name", UNARY)
def test_functions_of_one_input(name: str) -> None:
    @SETTINGS
    @given(SHAPES.flatmap(laid_out))
    def check(array: np.ndarray) -> None:
        mine, theirs = both(array)
        before = array.copy()
        agree(run(fb, name, mine), run(torch, name, theirs))
        np.testing.assert_array_equal(array, before)

    check()


@pytest.mark.parametrize("name", BINARY)
def test_functions_of_two_inputs(name: str) -> None:
    @SETTINGS
    @given(
        PAIRS.flatmap(lambda p: st.tuples(laid_out(p.input_shapes[0]), laid_out(p.input_shapes[1])))
    )
    def check(arrays: Any) -> None:
        (x, tx), (y, ty) = map(both, arrays)
        if name in ("remainder", "fmod", "floor_divide") and _undefined(*arrays):
            return
        agree(run(fb, name, x, y), run(torch, name, tx, ty))

    check()


def _undefined(a: np.ndarray, b: np.ndarray) -> bool:
    """Dividing integers by zero, or what is infinite or beyond a float's digits."""
    if a.dtype.kind in "biu" and b.dtype.kind in "biu":
        return bool((b == 0).any())
    wide = np.nan_to_num(np.abs(np.concatenate([a.ravel(), b.ravel()]).astype(float)), nan=np.inf)
    return bool((wide > 2.0**20).any() or (wide < 2.0**-10).any())


@pytest.mark.parametrize("name", REDUCTIONS)
def test_reductions(name: str) -> None:
    @SETTINGS
    @given(SHAPES.flatmap(lambda s: st.tuples(laid_out(s, extreme=False), st.integers(-3, 2))))
    def check(drawn: Any) -> None:
        array, dim = drawn
        if name in ("softmax", "log_softmax") and array.dtype.kind != "f":
            return  # of two things that are wrong either may be told
        if name in ("argmax", "argmin") and len(np.unique(array)) < array.size:
            return  # which of equal values is found is left open
        mine, theirs = both(array)
        if name not in ("softmax", "log_softmax", "cumsum", "cumprod", "logsumexp"):
            agree(run(fb, name, mine), run(torch, name, theirs))
        agree(run(fb, name, mine, dim=dim), run(torch, name, theirs, dim=dim))

    check()


@pytest.mark.parametrize("name", SMOOTH_UNARY + SMOOTH_BINARY)
def test_gradients_first_and_second(name: str) -> None:
    count = 2 if name in SMOOTH_BINARY else 1

    @SETTINGS
    @given(
        PAIRS.flatmap(
            lambda p: st.tuples(
                *(laid_out(s, ("float64",), extreme=False) for s in p.input_shapes[:count])
            )
        )
    )
    def check(arrays: Any) -> None:
        pairs = [both(a) for a in arrays]
        found = []
        for lib, inputs in ((fb, [p[0] for p in pairs]), (torch, [p[1] for p in pairs])):
            inputs = [t.clone().requires_grad_() for t in inputs]
            out = run(lib, name, *inputs)
            first = lib.autograd.grad(out.sum(), inputs, create_graph=True)
            again = sum((g * g).sum() for g in first)
            second = [None] * count
            if again.requires_grad:
                second = lib.autograd.grad(again, inputs, allow_unused=True)
            second = [
                lib.zeros_like(t) if g is None else g for g, t in zip(second, inputs, strict=True)
            ]
            found.append([*first, *second])
        for mine, theirs in zip(*found, strict=True):
            agree(mine, theirs)

    check()


@SETTINGS
@given(
    hnp.arrays("float64", (3, 4), elements=values("float64", False)),
    hnp.arrays("float64", (3, 4), elements=values("float64", False)),
    st.floats(-2, 2),
)
def test_a_backward_is_linear_in_what_it_is_given(a: Any, b: Any, factor: float) -> None:
    x = fb.rand(3, 4, dtype=fb.float64, requires_grad=True)
    y = fb.tanh(x @ x.T) @ x
    grads = [
        fb.autograd.grad(y, x, fb.from_numpy(v), retain_graph=True)[0]
        for v in (a, b, a + factor * b)
    ]
    np.testing.assert_allclose(
        grads[2].numpy(), grads[0].numpy() + factor * grads[1].numpy(), rtol=1e-9, atol=1e-9
    )


@SETTINGS
@given(hnp.arrays("float64", st.integers(1, 6), elements=values("float64", False)))
def test_the_chain_rule_holds(array: np.ndarray) -> None:
    x = fb.from_numpy(array).requires_grad_()
    inner = fb.sin(x)
    outer = fb.exp(inner).sum()
    (whole,) = fb.autograd.grad(outer, x)
    u = inner.detach().requires_grad_()
    (du,) = fb.autograd.grad(fb.exp(u).sum(), u)
    (dx,) = fb.autograd.grad(fb.sin(x), x, du)
    np.testing.assert_allclose(whole.numpy(), dx.numpy(), rtol=1e-12)


# Indexing

_PART = st.one_of(
    st.integers(-5, 5),
    st.slices(5),
    st.none(),
    st.just(Ellipsis),
    st.booleans(),
    st.lists(st.integers(-4, 4), max_size=3),
    hnp.arrays(
        "int64",
        hnp.array_shapes(min_dims=0, max_dims=2, max_side=3),
        elements=st.integers(-4, 4),
    ),
    hnp.arrays("bool", hnp.array_shapes(min_dims=1, max_dims=2, max_side=4)),
)


def _index(lib: Any, part: Any) -> Any:
    if isinstance(part, tuple):
        return tuple(_index(lib, p) for p in part)
    return lib.tensor(part) if isinstance(part, np.ndarray) else part


@settings(SETTINGS, max_examples=300)
@given(
    hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
    st.one_of(_PART, st.lists(_PART, max_size=4).map(tuple)),
)
def test_any_index_reads_as_in_pytorch_or_fails_clearly(shape: Any, index: Any) -> None:
    array = np.arange(float(np.prod(shape, dtype=int))).reshape(shape)
    found = []
    for lib in (fb, torch):
        try:
            found.append(lib.from_numpy(array.copy())[_index(lib, index)])
        except Exception as error:
            found.append(error)
    mine, theirs = found
    if isinstance(theirs, Exception):
        assert isinstance(mine, (IndexError, TypeError, ValueError, RuntimeError)), (mine, theirs)
    elif not (isinstance(mine, IndexError) and theirs.numel() == 0):  # out of range, of nothing
        agree(mine, theirs)


@settings(SETTINGS, max_examples=200)
@given(
    hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=4),
    st.one_of(_PART, st.lists(_PART, max_size=3).map(tuple)),
    st.sampled_from([1.5, "row", "whole"]),
)
def test_any_index_writes_as_in_pytorch_or_fails_clearly(shape: Any, index: Any, kind: Any) -> None:
    array = np.arange(float(np.prod(shape, dtype=int))).reshape(shape)
    found = []
    for lib in (fb, torch):
        t = lib.from_numpy(array.copy())
        doubles = {"dtype": lib.float64}
        given_ = {"row": lib.ones(shape[-1], **doubles), "whole": lib.ones(shape, **doubles)}
        try:
            t[_index(lib, index)] = given_.get(kind, kind)
            found.append(t)
        except Exception as error:
            found.append(error)
    mine, theirs = found
    if isinstance(theirs, Exception):
        assert isinstance(mine, (IndexError, TypeError, ValueError, RuntimeError)), (mine, theirs)
    else:
        assert not isinstance(mine, Exception), mine
        if not _writes_twice(shape, index):
            agree(mine, theirs)


def _writes_twice(shape: Any, index: Any) -> bool:
    """Whether one place is written more than once: which value stays is left open."""
    try:
        places = np.arange(np.prod(shape)).reshape(shape)[index]
    except IndexError:
        return True
    return len(np.unique(places)) < np.size(places)
