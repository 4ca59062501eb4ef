"""Gradients through complex numbers: g times the conjugate of the derivative, as in PyTorch."""

from __future__ import annotations

import numpy as np
import pytest

import flambeau as fb

torch = pytest.importorskip("torch")

FUNCTIONS = {
    "mul": lambda lib, z, w: z * w,
    "div": lambda lib, z, w: z / w,
    "pow": lambda lib, z, w: z**3 + w**0.5,
    "pow of two": lambda lib, z, w: z**w,
    "number": lambda lib, z, w: (2 - 1j) * z * z - w * w / 2j,
    "alpha": lambda lib, z, w: lib.add(z * z, w * w, alpha=2j),
    "exp log": lambda lib, z, w: lib.exp(z) + lib.log(w),
    "trigonometry": lambda lib, z, w: lib.sin(z) * lib.cos(w) + lib.tanh(z) + lib.tan(w),
    "roots": lambda lib, z, w: lib.sqrt(z) + lib.rsqrt(w) + lib.reciprocal(z),
    "matmul": lambda lib, z, w: z @ w.transpose(0, 1),
    "real part": lambda lib, z, w: lib.real(z * w) * w,
    "abs": lambda lib, z, w: lib.abs(z * w) * z,
    "prod": lambda lib, z, w: z.prod() * w,
    "with reals": lambda lib, z, w: z.real * w + w.imag,
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_gradients_of_complex_functions_are_torchs(name: str) -> None:
    rng = np.random.default_rng(0)
    values = [rng.standard_normal((3, 3)) + 1j * rng.standard_normal((3, 3)) for _ in range(2)]
    seeds = rng.standard_normal((2, 3, 3))
    found = []
    for lib in (fb, torch):
        z, w = (lib.tensor(v, requires_grad=True) for v in values)
        out = FUNCTIONS[name](lib, z, w)
        a, b = (lib.tensor(s) for s in seeds)
        loss = (lib.real(out) * a + lib.imag(out) * b).sum() if out.is_complex() else out.sum()
        first = lib.autograd.grad(loss, (z, w), create_graph=True)
        total = sum(lib.abs(g).sum() for g in first)
        second = lib.autograd.grad(total, (z, w), allow_unused=True, materialize_grads=True)
        found.append([np.array(g.tolist()) for g in (*first, *second)])
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-8, atol=1e-8)


def test_a_real_leaf_gets_a_real_gradient() -> None:
    x = fb.tensor([1.0, 2.0], requires_grad=True)
    fb.abs(x * (1 + 1j)).sum().backward()
    assert x.grad.dtype is fb.float32
    np.testing.assert_allclose(x.grad.numpy(), 2**0.5, rtol=1e-6)
