"""The comparison behind ``gradcheck``: numerical Jacobians and those from gradients."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..device import module_of
from ..tensor import Tensor, wrap
from . import grad
from .grad_mode import no_grad


class GradcheckError(RuntimeError):
    """A gradient that is not what numerical differentiation gives."""


def tensors_in(value: Any) -> tuple[Any, ...]:
    """A value, or several of them, as a tuple."""
    return tuple(value) if isinstance(value, (tuple, list)) else (value,)


def wanted_of(value: Any) -> list[tuple[int, Tensor]]:
    """The inputs that gradients are checked of, with their numbers."""
    return [(i, t) for i, t in enumerate(value) if isinstance(t, Tensor) and t.requires_grad]


def differentiable(outputs: Any) -> list[tuple[int, Tensor]]:
    """The outputs that have gradients, with their numbers."""
    return wanted_of(tensors_in(outputs))


class Comparison:
    """One comparison: a function at a point, and how close its gradients have to be."""

    def __init__(self, func: Any, inputs: Any, eps: float, atol: float, rtol: float) -> None:
        self.func, self.inputs = func, inputs
        self.eps, self.atol, self.rtol = eps, atol, rtol
        self.nondet_tol = 0.0
        self.wanted = wanted_of(inputs)
        self.outs = differentiable(func(*inputs))

    def values(self) -> list[np.ndarray]:
        """The outputs at the inputs' present values, as flat arrays."""
        with no_grad():
            found = tensors_in(self.func(*self.inputs))
        return [flat(found[i]).copy() for i, _ in self.outs]

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
        first, second = (flat(g) for g in twice)
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


def flat(t: Any) -> np.ndarray:
    """A tensor's values as a flat NumPy array."""
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


def mismatch(check: Comparison, k: int, i: int, numerical: Any, analytical: Any, how: str) -> str:
    """What to say of two Jacobians that differ: both, and of what."""
    note = ""
    if check.inputs[i].is_complex():
        note = " Rows come in pairs: along the real and the imaginary axis of the input."
    return (
        f"Jacobian {how}mismatch for output {check.outs[k][0]} with respect to input {i},\n"
        f"numerical:{wrap(np.asarray(numerical))}\nanalytical:{wrap(np.asarray(analytical))}\n{note}"
    )


def entry_by_entry(check: Comparison) -> None:
    """Compares all entries of all Jacobians."""
    for i, t in check.wanted:
        numerical = check.numerical(t)
        for k in range(len(check.outs)):
            analytical = check.analytical(t, k)
            if not check.close(analytical, numerical[k]):
                raise GradcheckError(mismatch(check, k, i, numerical[k], analytical, ""))


def along_one_direction(check: Comparison) -> None:
    """Compares one number for each output and input: u · J · v for random directions."""
    rng = np.random.default_rng(0)
    for i, t in check.wanted:
        numerical = check.along(t, u := unit(rng, t.array))
        for k, (_, out) in enumerate(check.outs):
            v = unit(rng, out.array)
            pulled = check.pulled(out, t, v.reshape(-1))
            ours = np.real(np.vdot(pulled, u.reshape(-1)))
            theirs = np.real(np.vdot(v.reshape(-1), numerical[k]))
            if not np.allclose(ours, theirs, check.rtol, check.atol * max(1, t.array.size**0.5)):
                entry_by_entry(check)  # says which entries are wrong
                raise GradcheckError(mismatch(check, k, i, theirs, ours, "(fast mode) "))


def unit(rng: Any, like: Any) -> np.ndarray:
    """A random direction of length 1, like an array."""
    made = rng.standard_normal(like.shape)
    if like.dtype.kind == "c":
        made = made + 1j * rng.standard_normal(like.shape)
    norm = np.linalg.norm(made.reshape(-1))
    return (made / (norm or 1)).astype(like.dtype)
