"""Gradients against numerical differentiation; mirrors ``torch.autograd.gradcheck``."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from ..device import module_of
from ..func import vmap
from ..tensor import Tensor, wrap
from . import grad
from .grad_mode import enable_grad, no_grad

__all__ = ["GradcheckError", "gradcheck", "gradgradcheck"]


class GradcheckError(RuntimeError):
    """A gradient that is not what numerical differentiation gives."""


def _tensors(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, (tuple, list)) else (value,)


def _checked(value: Any) -> list[tuple[int, Tensor]]:
    """The inputs that gradients are checked of, with their numbers."""
    return [(i, t) for i, t in enumerate(value) if isinstance(t, Tensor) and t.requires_grad]


def _differentiable(outputs: Any) -> list[tuple[int, Tensor]]:
    return _checked(_tensors(outputs))


class _Check:
    """One comparison: a function at a point, and how close its gradients have to be."""

    def __init__(self, func: Any, inputs: Any, eps: float, atol: float, rtol: float) -> None:
        self.func, self.inputs = func, inputs
        self.eps, self.atol, self.rtol = eps, atol, rtol
        self.nondet_tol = 0.0
        self.wanted = _checked(inputs)
        self.outs = _differentiable(func(*inputs))

    def values(self) -> list[np.ndarray]:
        """The outputs at the inputs' present values, as flat arrays."""
        with no_grad():
            found = _tensors(self.func(*self.inputs))
        return [_flat(found[i]).copy() for i, _ in self.outs]

    def numerical(self, t: Tensor) -> list[np.ndarray]:
        """The Jacobian of each output by one input: a row for each element of the input.

        For complex outputs and inputs it is the derivative along the real and imaginary axis,
        combined as PyTorch does: half of (d/dx + i d/dy) and so on, doubled by convention.
        """
        array = t.array
        rows: list[list[Any]] = [[] for _ in self.outs]
        for place in np.ndindex(*array.shape):
            for step in (self.eps, self.eps * 1j) if array.dtype.kind == "c" else (self.eps,):
                for k, slope in enumerate(self._slope(array, place, step)):
                    rows[k].append(slope)
        return [np.array(r).reshape(len(r), -1) for r in rows]

    def _slope(self, array: Any, place: Any, step: Any) -> list[np.ndarray]:
        before = array[place].copy()
        array[place] = before + step
        above = self.values()
        array[place] = before - step
        below = self.values()
        array[place] = before
        return [(a - b) / (2 * abs(step)) for a, b in zip(above, below, strict=True)]

    def analytical(self, t: Tensor, k: int) -> np.ndarray:
        """The same Jacobian from gradients of output ``k``."""
        out = self.outs[k][1]
        columns = []
        for place in range(out.numel()):
            for unit in (1, 1j) if out.array.dtype.kind == "c" else (1,):
                seed = np.zeros(out.array.size, out.array.dtype)
                seed[place] = unit
                columns.append(self.pulled(out, t, seed))
        found = np.array(columns).reshape(len(columns), -1).T
        return _as_derivative(found, out.array.dtype.kind == "c", t.array.dtype.kind == "c")

    def pulled(self, out: Tensor, t: Tensor, seed: np.ndarray) -> np.ndarray:
        """The gradient of an input, from a gradient of an output; twice, to see if it is stable."""
        xp = module_of(out.array)
        given = wrap(xp.asarray(seed.reshape(out.array.shape)))
        twice = [grad(out, t, given, retain_graph=True, allow_unused=True)[0] for _ in range(2)]
        if twice[0] is None:
            return np.zeros(t.array.size, t.array.dtype)
        first, second = (_flat(g) for g in twice)
        if abs(first - second).max(initial=0) > self.nondet_tol:
            raise GradcheckError(
                "Backward is not reentrant, i.e., running backward with same input and grad_output "
                "multiple times gives different values, although analytical gradient matches "
                f"numerical gradient. The tolerance for nondeterminism was {self.nondet_tol}."
            )
        if tuple(twice[0].shape) != tuple(t.shape) or twice[0].dtype is not t.dtype:
            raise GradcheckError("grad is incorrect size or type")
        return first.copy()

    def along(self, t: Tensor, u: np.ndarray) -> list[np.ndarray]:
        """How the outputs move when an input moves along ``u``."""
        before = t.array.copy()
        step = module_of(t.array).asarray(u) * self.eps
        t.array[...] = before + step
        above = self.values()
        t.array[...] = before - step
        below = self.values()
        t.array[...] = before
        return [(a - b) / (2 * self.eps) for a, b in zip(above, below, strict=True)]

    def close(self, a: np.ndarray, b: np.ndarray) -> bool:
        """Whether two Jacobians agree."""
        return a.shape == b.shape and np.allclose(a, b, self.rtol, self.atol)


def _flat(t: Any) -> np.ndarray:
    return np.asarray(t.detach().cpu().numpy(force=True)).reshape(-1)


def _as_derivative(pulled: np.ndarray, of_complex: bool, by_complex: bool) -> np.ndarray:
    """Gradients for seeds 1 (and i) as derivatives along the real (and imaginary) axis.

    A gradient g answers the seed s with sum(conj(s) dL): its real part is how Re(out) moves with
    Re(in) for s = 1, its imaginary part with Im(in); s = i asks for Im(out).
    """
    if of_complex:
        re, im = pulled[:, 0::2], pulled[:, 1::2]
        along_x = re.real + 1j * im.real
        along_y = re.imag + 1j * im.imag
    else:
        along_x, along_y = pulled.real, pulled.imag
    if not by_complex:
        return along_x
    made = np.empty((2 * pulled.shape[0], along_x.shape[1]), along_x.dtype)
    made[0::2], made[1::2] = along_x, along_y
    return made


def _mismatch(check: _Check, k: int, i: int, numerical: Any, analytical: Any, how: str) -> str:
    note = ""
    if check.inputs[i].is_complex():
        note = " Rows come in pairs: along the real and the imaginary axis of the input."
    return (
        f"Jacobian {how}mismatch for output {check.outs[k][0]} with respect to input {i},\n"
        f"numerical:{wrap(np.asarray(numerical))}\nanalytical:{wrap(np.asarray(analytical))}\n{note}"
    )


def _slow(check: _Check) -> None:
    """Compares all entries of all Jacobians."""
    for i, t in check.wanted:
        numerical = check.numerical(t)
        for k in range(len(check.outs)):
            analytical = check.analytical(t, k)
            if not check.close(analytical, numerical[k]):
                raise GradcheckError(_mismatch(check, k, i, numerical[k], analytical, ""))


def _fast(check: _Check) -> None:
    """Compares one number for each output and input: u · J · v for random directions."""
    rng = np.random.default_rng(0)
    for i, t in check.wanted:
        numerical = check.along(t, u := _unit(rng, t.array))
        for k, (_, out) in enumerate(check.outs):
            v = _unit(rng, out.array)
            pulled = check.pulled(out, t, v.reshape(-1))
            ours = np.real(np.vdot(pulled, u.reshape(-1)))
            theirs = np.real(np.vdot(v.reshape(-1), numerical[k]))
            if not np.allclose(ours, theirs, check.rtol, check.atol * max(1, t.array.size**0.5)):
                _slow(check)  # says which entries are wrong
                raise GradcheckError(_mismatch(check, k, i, theirs, ours, "(fast mode) "))


def _unit(rng: Any, like: Any) -> np.ndarray:
    made = rng.standard_normal(like.shape)
    if like.dtype.kind == "c":
        made = made + 1j * rng.standard_normal(like.shape)
    norm = np.linalg.norm(made.reshape(-1))
    return (made / (norm or 1)).astype(like.dtype)


def _check_inputs(inputs: Any, check_batched: bool) -> None:
    wanted = _checked(inputs)
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


def _check_undefined(check: _Check) -> None:
    """Gradients that nothing sent count as zeros."""
    for _, t in check.wanted:
        for k, (_, out) in enumerate(check.outs):
            found = grad(
                [o for _, o in check.outs],
                t,
                [wrap(module_of(o.array).zeros_like(o.array)) for _, o in check.outs],
                retain_graph=True,
                allow_unused=True,
            )[0]
            if found is not None and bool((found.array != 0).any()):
                raise GradcheckError(
                    f"Expected backward function to handle undefined output grads: output {k} of "
                    f"shape {tuple(out.shape)}"
                )


def _check_batched(check: _Check) -> None:
    """Gradients of several seeds at once are those of each."""
    rng = np.random.default_rng(1)
    for i, t in check.wanted:
        for k, (_, out) in enumerate(check.outs):
            seeds = wrap(np.stack([_unit(rng, out.array) for _ in range(2)]))
            each = [grad(out, t, s, retain_graph=True, allow_unused=True)[0] for s in seeds]
            if each[0] is None:
                continue
            pull: Any = lambda s, out=out, t=t: grad(out, t, s, retain_graph=True)[0]  # noqa: E731
            for got, wanted in zip(vmap(pull)(seeds), each, strict=True):
                if not np.allclose(_flat(got), _flat(wanted), check.rtol, check.atol):
                    raise GradcheckError(
                        f"While checking batched gradients, got a mismatch for output {k} with "
                        f"respect to input {i}: expected {wanted}, got {got}"
                    )


def _check_forward(check: _Check) -> None:
    """Tangents of the outputs are what numerical differentiation gives."""
    from . import forward_ad

    rng = np.random.default_rng(2)
    for i, t in check.wanted:
        u = _unit(rng, t.array)
        numerical = check.along(t, u)
        with forward_ad.dual_level():
            given = list(check.inputs)
            given[i] = forward_ad.make_dual(t, wrap(module_of(t.array).asarray(u)))
            outs = _tensors(check.func(*given))
            tangents = [forward_ad.unpack_dual(outs[k]).tangent for k, _ in check.outs]
        for k, tangent in enumerate(tangents):
            ours = 0 * numerical[k] if tangent is None else _flat(tangent)
            if not check.close(ours, numerical[k]):
                raise GradcheckError(
                    _mismatch(check, k, i, numerical[k], ours, "computed with forward mode ")
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
    direction instead of all entries.
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
        given = _tensors(inputs)
        _check_inputs(given, check_batched_grad)
        check = _Check(func, given, eps, atol, rtol)
        check.nondet_tol = nondet_tol
        if not check.outs:
            _check_constant(check)
            return True
        if check_forward_ad:
            _check_forward(check)
        if check_backward_ad:
            (_fast if fast_mode else _slow)(check)
            if check_batched_grad:
                _check_batched(check)
            if check_undefined_grad:
                _check_undefined(check)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def _check_constant(check: _Check) -> None:
    """Outputs without gradients may not depend on the inputs."""
    results = _tensors(check.func(*check.inputs))
    if not any(isinstance(t, Tensor) for t in results):
        raise ValueError("gradcheck expects the function to return at least one Tensor")
    check.outs = [(i, t) for i, t in enumerate(results) if isinstance(t, Tensor)]
    for _, t in check.wanted:
        if any(abs(slope).max(initial=0) > check.atol for slope in check.numerical(t)):
            raise GradcheckError("Numerical gradient for function expected to be zero")


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

    Those are ``grad_outputs``, or random ones.
    """
    if not (check_fwd_over_rev or check_rev_over_rev):
        raise AssertionError(
            "Expected at least one of check_fwd_over_rev or check_rev_over_rev to be True"
        )
    given = _tensors(inputs)
    outs = _differentiable(func(*given))
    if grad_outputs is None:
        rng = np.random.default_rng(3)
        xps = [module_of(t.array) for _, t in outs]
        seeds = tuple(
            wrap(xp.asarray(_unit(rng, t.array))).requires_grad_()
            for xp, (_, t) in zip(xps, outs, strict=True)
        )
    else:
        seeds = _tensors(grad_outputs)
    count = len(seeds)

    def first(*args: Any) -> Any:
        own, gs = args[:-count], args[-count:]
        with enable_grad():
            made = [t for _, t in _differentiable(func(*own))]
            wanted = [t for _, t in _checked(own)]
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
