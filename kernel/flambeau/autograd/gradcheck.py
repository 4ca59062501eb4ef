"""Gradients against numerical differentiation; mirrors ``torch.autograd.gradcheck``."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from ..device import module_of
from ..ops.registry import OPS
from ..tensor import Tensor, wrap
from . import grad
from .comparison import (
    Comparison,
    GradcheckError,
    along_one_direction,
    differentiable,
    entry_by_entry,
    flat,
    mismatch,
    tensors_in,
    unit,
    wanted_of,
)
from .grad_mode import enable_grad

__all__ = ["GradcheckError", "gradcheck", "gradgradcheck"]


def _check_inputs(inputs: Any) -> None:
    wanted = wanted_of(inputs)
    if not wanted:
        raise ValueError(
            "gradcheck expects at least one input tensor to require gradient, but none of the them "
            "have requires_grad=True."
        )
    for i, t in wanted:
        if t.array.dtype.name not in ("float64", "complex128"):
            warnings.warn(
                f"Input #{i} requires gradient and is not a double precision floating point or "
                "complex. This check will likely fail if all the inputs are not of double "
                "precision floating point or complex. ",
                stacklevel=4,
            )
        if any(step == 0 and n > 1 for step, n in zip(t.stride(), t.shape, strict=True)):
            raise RuntimeError(
                f"The {i}th input has a dimension with stride 0. gradcheck only supports inputs "
                "that are non-overlapping to be able to compute the numerical gradients correctly. "
                "You should call .contiguous on the input before passing it to gradcheck."
            )


def _check_undefined(check: Comparison) -> None:
    """An output whose gradient nothing sent counts as one whose gradient is zero."""
    zeros = [wrap(module_of(t.array).zeros_like(t.array)) for _, t in check.outs]
    every = [t for _, t in check.outs]
    for i, t in check.wanted:
        for k, out in enumerate(every):
            seeds = [OPS["add"](z, 1) if j == k else z for j, z in enumerate(zeros)]
            alone = grad(out, t, seeds[k], retain_graph=True, allow_unused=True)[0]
            among = grad(every, t, seeds, retain_graph=True, allow_unused=True)[0]
            first, second = (0.0 if g is None else flat(g) for g in (alone, among))
            if not np.allclose(first, second, check.rtol, check.atol):
                raise GradcheckError(
                    "Expected backward function to handle undefined output grads: the gradient "
                    f"of output {k} with respect to input {i} is another where the other outputs "
                    "have gradients of zeros than where they have none"
                )


def _check_batched(check: Comparison) -> None:
    """Gradients of several seeds at once are those of each."""
    from ..func import vmap

    rng = np.random.default_rng(1)
    for i, t in check.wanted:
        for k, (_, out) in enumerate(check.outs):
            seeds: Any = wrap(np.stack([unit(rng, out.array) for _ in range(2)]))
            each = [grad(out, t, s, retain_graph=True, allow_unused=True)[0] for s in seeds]
            if each[0] is None:
                continue
            pull: Any = lambda s, out=out, t=t: grad(out, t, s, retain_graph=True)[0]  # noqa: E731
            for got, wanted in zip(vmap(pull)(seeds), each, strict=True):
                if not np.allclose(flat(got), flat(wanted), check.rtol, check.atol):
                    raise GradcheckError(
                        f"While checking batched gradients, got a mismatch for output {k} with "
                        f"respect to input {i}: expected {wanted}, got {got}"
                    )


def _check_forward(check: Comparison) -> None:
    """Tangents of the outputs are what numerical differentiation gives."""
    from . import forward_ad

    rng = np.random.default_rng(2)
    for i, t in check.wanted:
        u = unit(rng, t.array)
        numerical = check.along(t, u)
        with forward_ad.dual_level():
            given = list(check.inputs)
            given[i] = forward_ad.make_dual(t, wrap(module_of(t.array).asarray(u)))
            outs = tensors_in(check.func(*given))
            tangents = [forward_ad.unpack_dual(outs[k]).tangent for k, _ in check.outs]
        for k, tangent in enumerate(tangents):
            ours = 0 * numerical[k] if tangent is None else flat(tangent)
            if not check.close(ours, numerical[k]):
                raise GradcheckError(
                    mismatch(check, k, i, numerical[k], ours, "computed with forward mode ")
                )


def _check_batched_forward(check: Comparison) -> None:
    """Tangents for several directions at once are those for each."""
    from ..func import jvp, vmap

    rng = np.random.default_rng(4)
    for i, t in check.wanted:
        directions = wrap(np.stack([unit(rng, t.array) for _ in range(2)]))

        def push(d: Any, i: int = i, t: Tensor = t) -> Any:
            given = list(check.inputs)

            def of_one(x: Tensor) -> Any:
                given[i] = x
                outs = tensors_in(check.func(*given))
                return tuple(outs[k] for k, _ in check.outs)

            return jvp(of_one, (t.detach(),), (d,))[1]

        rows: Any = vmap(push)(directions)
        for k, several in enumerate(rows):
            for d, got in zip(directions.array, several.array, strict=True):
                if not np.allclose(got, push(wrap(d))[k].array, check.rtol, check.atol):
                    raise GradcheckError(
                        f"While computing batched gradients in forward mode, got a mismatch for "
                        f"output {k} with respect to input {i}"
                    )


def gradcheck(
    func: Callable[..., Any],
    inputs: Any,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_batched_forward_grad: bool = False,
    check_forward_ad: bool = False,
    check_backward_ad: bool = True,
    fast_mode: bool = False,
    masked: bool | None = None,
) -> bool:
    """Whether the gradients of ``func`` are what small steps of its inputs say.

    ``inputs`` are a tensor or a tuple; those that require gradients should be float64 or
    complex128. A difference larger than ``atol + rtol · |numerical|`` is a GradcheckError that
    shows both Jacobians, or False without ``raise_exception``. ``fast_mode`` compares one random
    direction instead of all entries. Types of gradients are always compared, and ``masked`` is of
    no account, as there are no sparse tensors.

    >>> x = fb.randn(3, dtype=fb.float64, requires_grad=True)
    >>> fb.autograd.gradcheck(fb.sin, x)
    True
    """
    if not (check_forward_ad or check_backward_ad):
        raise AssertionError(
            "Expected at least one of check_forward_ad or check_backward_ad to be True"
        )
    if check_batched_grad and not check_backward_ad:
        raise AssertionError(
            "Setting check_batched_grad=True requires check_backward_ad to be True"
        )
    if check_batched_forward_grad and not check_forward_ad:
        raise AssertionError(
            "Setting check_batched_forward_grad=True requires check_forward_ad to be True"
        )
    try:
        given = tensors_in(inputs)
        _check_inputs(given)
        check = Comparison(func, given, eps, atol, rtol)
        check.nondet_tol = nondet_tol
        if not check.outs:
            _check_constant(check)
            return True
        if check_forward_ad:
            _check_forward(check)
            if check_batched_forward_grad:
                _check_batched_forward(check)
        if check_backward_ad:
            (along_one_direction if fast_mode else entry_by_entry)(check)
            if check_batched_grad:
                _check_batched(check)
            if check_undefined_grad:
                _check_undefined(check)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def _check_constant(check: Comparison) -> None:
    """Outputs without gradients may not depend on the inputs."""
    results = tensors_in(check.func(*check.inputs))
    if not any(isinstance(t, Tensor) for t in results):
        raise ValueError("gradcheck expects the function to return at least one Tensor")
    check.outs = [(i, t) for i, t in enumerate(results) if isinstance(t, Tensor)]
    for _, t in check.wanted:
        if any(abs(slope).max(initial=0) > check.atol for slope in check.numerical(t)):
            raise GradcheckError("Numerical gradient for function expected to be zero")


def _seed(rng: Any, like: Any, gaps: bool) -> Tensor:
    """A random gradient of an output, to differentiate by."""
    made = module_of(like).asarray(unit(rng, like))
    if gaps and made.ndim:
        made = made.repeat(2, -1)[..., ::2]
    return wrap(made).requires_grad_()


def gradgradcheck(
    func: Callable[..., Any],
    inputs: Any,
    grad_outputs: Any = None,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    gen_non_contig_grad_outputs: bool = False,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_fwd_over_rev: bool = False,
    check_rev_over_rev: bool = True,
    fast_mode: bool = False,
    masked: bool = False,
) -> bool:
    """`gradcheck` of the gradients of ``func``: by its inputs and by the gradients of its outputs.

    Those are ``grad_outputs``, or random ones, with gaps in memory where that is asked for.
    """
    if not (check_fwd_over_rev or check_rev_over_rev):
        raise AssertionError(
            "Expected at least one of check_fwd_over_rev or check_rev_over_rev to be True"
        )
    given = tensors_in(inputs)
    outs = differentiable(func(*given))
    if grad_outputs is None:
        rng = np.random.default_rng(3)
        seeds = tuple(_seed(rng, t.array, gen_non_contig_grad_outputs) for _, t in outs)
    else:
        seeds = tensors_in(grad_outputs)
    count = len(seeds)

    def first(*args: Any) -> Any:
        own, gs = args[:-count], args[-count:]
        with enable_grad():
            made = [t for _, t in differentiable(func(*own))]
            wanted = [t for _, t in wanted_of(own)]
            found = grad(made, wanted, gs, create_graph=True, allow_unused=True)
        return tuple(g for g in found if g is not None)

    return gradcheck(
        first,
        (*given, *seeds),
        eps=eps,
        atol=atol,
        rtol=rtol,
        raise_exception=raise_exception,
        nondet_tol=nondet_tol,
        check_undefined_grad=check_undefined_grad,
        check_grad_dtypes=check_grad_dtypes,
        check_batched_grad=check_batched_grad,
        check_forward_ad=check_fwd_over_rev,
        check_backward_ad=check_rev_over_rev,
        fast_mode=fast_mode,
        masked=masked,
    )
