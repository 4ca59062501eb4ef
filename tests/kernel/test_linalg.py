"""Factors that are unique up to signs, complex gradients, and errors, against PyTorch."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import flambeau as fb

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
RNG = np.random.default_rng(5)
TALL, WIDE, WEIGHT = (RNG.standard_normal(s) for s in ((4, 3), (2, 4), (4, 4)))
SYMMETRIC = np.diag([1.0, 2.0, 4.0]) + 0.3 * np.ones((3, 3))
Z = RNG.standard_normal((3, 4)) + 1j * RNG.standard_normal((3, 4))


def gradients(package: Any, f: Callable[..., Any], value: np.ndarray) -> list[np.ndarray]:
    """f, its gradient, and the gradient of that times a fixed direction."""
    x = package.from_numpy(value.copy()).requires_grad_()
    out = f(package, x)
    (first,) = package.autograd.grad(out, x, create_graph=True)
    along = package.from_numpy(np.random.default_rng(1).standard_normal(value.shape))
    (second,) = package.autograd.grad((first * along).sum(), x)
    return [t.detach().numpy() for t in (out, first, second)]


def between(package: Any, left: Any, values: Any, right: Any) -> Any:
    """A function of factors that their signs do not change."""
    w = package.from_numpy(WEIGHT)
    middle = left @ package.diag(values.exp()) @ right
    return (middle * w[: middle.shape[0], : middle.shape[1]]).sum() + (values**3).sum()


def of_svd(package: Any, x: Any) -> Any:
    u, s, vh = package.linalg.svd(x, full_matrices=False)
    return between(package, u, s, vh)


def of_eigh(package: Any, x: Any) -> Any:
    values, v = package.linalg.eigh((x + x.T) / 2)
    return between(package, v, values, v.T)


@pytest.mark.parametrize(
    ("f", "value"), [(of_svd, TALL), (of_svd, WIDE), (of_svd, WEIGHT), (of_eigh, SYMMETRIC)]
)
def test_factors_have_torchs_gradients(f: Any, value: np.ndarray) -> None:
    for ours, theirs in zip(gradients(fb, f, value), gradients(torch, f, value), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-8, atol=1e-8)


def test_factors_multiply_to_the_matrix() -> None:
    for full in (False, True):
        u, s, vh = fb.linalg.svd(fb.from_numpy(TALL), full_matrices=full)
        np.testing.assert_allclose((u[:, :3] * s @ vh).numpy(), TALL, atol=1e-12)
    u, s, v = fb.svd(fb.from_numpy(WIDE))
    np.testing.assert_allclose((u * s @ v.T).numpy(), WIDE, atol=1e-12)
    values, v = fb.linalg.eigh(fb.from_numpy(SYMMETRIC))
    np.testing.assert_allclose((v * values @ v.T).numpy(), SYMMETRIC, atol=1e-12)


def squared(p: Any, z: Any) -> Any:
    """Σ w |z|² by its parts, with weights that tell the entries apart."""
    parts = p.view_as_real(p.resolve_conj(z))
    return (parts * parts * p.arange(1, parts.numel() + 1).reshape(parts.shape)).sum()


OF_COMPLEX = {
    "conj": lambda p, z: squared(p, z.conj()),
    "real": lambda p, z: (z.real * z.imag).sum(),
    "angle": lambda p, z: (p.angle(z) ** 2).sum(),
    "sgn": lambda p, z: squared(p, p.sgn(z)),
    "complex": lambda p, z: squared(p, p.complex(z.imag, z.real)),
    "matmul": lambda p, z: squared(p, z @ z.mH),
    "fft": lambda p, z: squared(p, p.fft.fft(z, norm="ortho")),
    "irfft": lambda p, z: (p.fft.irfft(z) ** 3).sum(),
    "hfft2": lambda p, z: (p.fft.hfft2(z) ** 3).sum(),
    "inv": lambda p, z: squared(p, p.linalg.inv(z[:, :3])),
    "solve": lambda p, z: squared(p, p.linalg.solve(z[:, :3], z)),
    "svdvals": lambda p, z: (p.linalg.svdvals(z) ** 3).sum(),
}


@pytest.mark.parametrize("name", OF_COMPLEX)
def test_complex_gradients_are_torchs(name: str) -> None:
    found = []
    for package in (fb, torch):
        z = package.from_numpy(Z.copy()).requires_grad_()
        out = OF_COMPLEX[name](package, z)
        out.backward()
        found.append((out.detach().numpy(), package.resolve_conj(z.grad).numpy()))
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-9)


BAD = {
    "not square": lambda p: p.linalg.inv(p.ones(2, 3)),
    "singular": lambda p: p.linalg.inv(p.zeros(2, 2)),
    "integers": lambda p: p.linalg.det(p.ones(2, 2, dtype=p.int64)),
    "vector": lambda p: p.linalg.svd(p.ones(3)),
    "not definite": lambda p: p.linalg.cholesky(-p.eye(2)),
    "shapes": lambda p: p.linalg.solve(p.eye(2), p.ones(3, 1)),
    "mode": lambda p: p.linalg.qr(p.eye(2), "thin"),
    "norm": lambda p: p.linalg.matrix_norm(p.eye(2), 5),
    "fft size": lambda p: p.fft.fft(p.ones(3), 0),
    "fft mode": lambda p: p.fft.fft(p.ones(3), norm="none"),
    "fft dim": lambda p: p.fft.fft(p.ones(3), dim=2),
    "rfft of complex": lambda p: p.fft.rfft(p.ones(3, dtype=p.complex64)),
    "kthvalue": lambda p: p.kthvalue(p.ones(3), 4),
    "unfold": lambda p: p.ones(3).unfold(0, 4, 1),
    "strides": lambda p: p.as_strided(p.ones(3), (3,), (2,)),
    "bincount": lambda p: p.bincount(p.tensor([-1])),
    "imag of real": lambda p: p.imag(p.ones(2)),
    "sections": lambda p: p.tensor_split(p.ones(3), 0),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_raises_as_torch_does(name: str) -> None:
    with pytest.raises(Exception) as theirs:  # noqa: PT011
        BAD[name](torch)
    kinds = (IndexError, TypeError, ValueError, RuntimeError)
    kind = next(k for k in kinds if isinstance(theirs.value, k))
    with pytest.raises(kind):
        BAD[name](fb)


def test_singular_matrices_raise_lin_alg_error() -> None:
    with pytest.raises(fb.linalg.LinAlgError, match="singular"):
        fb.linalg.solve(fb.zeros(2, 2), fb.ones(2))


@pytest.mark.parametrize("name", ["linalg", "fft", "special"])
def test_names_are_importable(name: str) -> None:
    module = importlib.import_module(f"flambeau.{name}")
    assert all(hasattr(getattr(torch, name), n) for n in module.__all__)


def test_writes_through_strided_views_reach_the_base() -> None:
    base = fb.arange(6.0)
    base.as_strided((2, 2), (3, 1)).zero_()
    base.unfold(0, 2, 2)[1] = 9.0
    assert base.tolist() == [0, 0, 9, 9, 0, 5]
    z = fb.zeros(2, dtype=fb.complex64)
    fb.view_as_real(z)[0, 1] = 2
    z.real[1] = 3
    assert z.tolist() == [2j, 3]
