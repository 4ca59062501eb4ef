"""``out=``: a result written into a tensor that is there already, as in PyTorch."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from ..autograd.grad_mode import is_grad_enabled, no_grad
from ..tensor import Tensor

# The spaces whose functions take `out`; methods do not.
SPACES_WITH_OUT = frozenset(("fb", "F", "linalg", "fft", "special"))


# Their results need an `out` of just their own type.
_EXACT = frozenset(("aminmax", "complex", "gather", "index_select", "multinomial", "polar", "take"))
# Their results may not lie where an input does, whole or in part.
_APART = frozenset(("cat", "stack", "take", "masked_select", "gather", "index_select"))


def write_to(out: Any, call: Callable[..., Any], args: Any, kwargs: dict[str, Any]) -> Any:
    """Calls a function and writes what it gives into ``out``, which is returned.

    ``out`` is a tensor, or a tuple of them for several results. It gets the result's shape, and
    keeps its own type: RuntimeError if that cannot hold the result, or if a gradient is asked for.
    """
    name = getattr(call, "__name__", str(call))
    targets = tuple(out) if isinstance(out, (list, tuple)) else (out,)
    for t in targets:
        if not isinstance(t, Tensor):
            raise TypeError(f"{name}(): argument 'out' must be a Tensor, not {type(t).__name__}")
    _check_no_gradient(name, (*args, *kwargs.values(), *targets))
    if name in _APART:
        _check_apart(name, targets, args)
    if "dtype" in inspect.signature(call).parameters and kwargs.get("dtype") is None:
        complex_given = any(isinstance(a, Tensor) and a.is_complex() for a in args)
        if not complex_given or targets[0].is_complex():
            kwargs["dtype"] = targets[0].dtype
    with no_grad():
        made = call(*args, **kwargs)
        results = (made,) if isinstance(made, Tensor) else tuple(made)
        if len(results) != len(targets):
            raise TypeError(
                f"{name}() gives {len(results)} tensors, and `out` has {len(targets)} for them"
            )
        for target, result in zip(targets, results, strict=True):
            _fill(name, target, result)
    if isinstance(made, Tensor):
        return out
    return type(made)(*targets) if hasattr(made, "_fields") else type(made)(targets)


def _check_no_gradient(name: str, values: Any) -> None:
    if not is_grad_enabled():
        return
    for v in values:
        every = v if isinstance(v, (list, tuple)) else (v,)
        if any(isinstance(t, Tensor) and t._needs_grad for t in every):
            raise RuntimeError(
                f"{name}(): functions with out=... arguments don't support automatic "
                "differentiation, but one of the arguments requires grad. Leave `out` away, or "
                "call it under no_grad()"
            )


def _check_apart(name: str, targets: Any, args: Any) -> None:
    given = [t for a in args for t in (a if isinstance(a, (list, tuple)) else (a,))]
    arrays = [t.array for t in given if isinstance(t, Tensor)]
    for target in targets:
        if any(isinstance(a, np.ndarray) and np.may_share_memory(a, target.array) for a in arrays):
            raise RuntimeError(
                f"{name}(): unsupported operation: `out` lies in the memory of an input, which is "
                "still read while `out` is written; clone one of them"
            )


def _fill(name: str, target: Tensor, result: Tensor) -> None:
    from .convert import can_cast

    if name in _EXACT and target.dtype is not result.dtype:
        raise RuntimeError(
            f"{name}(): expected `out` to have dtype {result.dtype}, but got {target.dtype} instead"
        )
    if not can_cast(result.dtype, target.dtype):
        raise RuntimeError(
            f"{name}(): result type {result.dtype} can't be cast to the desired output type "
            f"{target.dtype}"
        )
    if target.device != result.device:
        raise RuntimeError(
            f"{name}(): expected `out` on {result.device}, where the result is, and it is on "
            f"{target.device}"
        )
    steps = zip(target.shape, target.array.strides, strict=True)
    if target.numel() and any(step == 0 and n > 1 for n, step in steps):
        raise RuntimeError(
            f"{name}(): unsupported operation: several elements of `out` lie in one place in "
            "memory (it is an expanded tensor); `out.clone()` has a place for each"
        )
    if target.shape != result.shape:
        if target.numel():
            warnings.warn(
                f"{name}(): an output of shape {tuple(target.shape)} was resized to "
                f"{tuple(result.shape)}; give one of that shape, or an empty one",
                stacklevel=4,
            )
        target.array = result.array.astype(target.array.dtype)
        target._view = None
        return
    target.copy_(result)


def called_with_out(call: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    """Calls a function that knows nothing of `out`, and writes what it gives into it."""
    out = kwargs.pop("out")
    return call(*args, **kwargs) if out is None else write_to(out, call, args, kwargs)


def slice_by_slice(*call: Any) -> Any:
    """Runs a composite under vmap on each slice, as it asked for their values."""
    from ..func.slices import composite

    return composite(*call)
