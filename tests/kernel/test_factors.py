"""Factors of real and complex matrices against PyTorch, by what their signs do not change."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import flambeau as fb

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
RNG = np.random.default_rng(3)
SHAPES = {"square": (4, 4), "tall": (4, 3), "wide": (3, 4), "batch": (2, 3, 3)}


def matrix(shape: tuple[int, ...], is_complex: bool) -> np.ndarray:
    x = RNG.standard_normal(shape)
    return x + 1j * RNG.standard_normal(shape) if is_complex else x


def of_svd(lib: Any, x: Any) -> Any:
    u, s, vh = lib.linalg.svd(x, full_matrices=False)
    return (u * s.sqrt().unsqueeze(-2)) @ vh


def of_qr(lib: Any, x: Any) -> Any:
    q, r = lib.linalg.qr(x)
    return (q @ q.mH @ x).abs() + (r.abs() ** 2).sum()


def of_eigh(lib: Any, x: Any) -> Any:
    values, v = lib.linalg.eigh(x @ x.mH / 8)
    return (v * values.exp().unsqueeze(-2)) @ v.mH


def of_eig(lib: Any, x: Any) -> Any:
    values, v = lib.linalg.eig(x @ x.mT)
    return v @ lib.diag_embed(values**3) @ lib.linalg.inv(v)


def of_lu(lib: Any, x: Any) -> Any:
    p, lower, upper = lib.linalg.lu(x)
    return p @ (lower**2) @ (upper**2)


def of_cholesky(lib: Any, x: Any) -> Any:
    upper = lib.linalg.cholesky(x @ x.mH + lib.eye(x.shape[-2], dtype=x.dtype), upper=True)
    return upper**2


def of_lstsq(lib: Any, x: Any) -> Any:
    return lib.linalg.lstsq(x, x[..., :2] ** 2, driver="gels").solution


FUNCTIONS = [of_svd, of_qr, of_eigh, of_eig, of_lu, of_cholesky, of_lstsq]


@pytest.mark.parametrize("is_complex", [False, True], ids=["real", "complex"])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("f", FUNCTIONS)
def test_values_and_gradients_are_torchs(f: Any, shape: str, is_complex: bool) -> None:
    value = matrix(SHAPES[shape], is_complex)
    found = []
    for lib in (fb, torch):
        x = lib.from_numpy(value.copy()).requires_grad_()
        out = f(lib, x)
        loss = (lib.abs(out) ** 2).sum()
        (gradient,) = lib.autograd.grad(loss, x)
        found.append([out.detach().numpy(), gradient.numpy()])
    for ours, theirs in zip(*found, strict=True):
        scale = max(1.0, float(np.abs(theirs).max()))
        np.testing.assert_allclose(ours / scale, theirs / scale, rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("f", [of_svd, of_qr, of_eigh, of_lu, of_cholesky])
def test_second_gradients_are_torchs(f: Any) -> None:
    value, found = matrix((3, 3), False), []
    for lib in (fb, torch):
        x = lib.from_numpy(value.copy()).requires_grad_()
        (first,) = lib.autograd.grad((f(lib, x) ** 2).sum(), x, create_graph=True)
        found.append(lib.autograd.grad((first**2).sum(), x)[0].numpy())
    scale = max(1.0, float(np.abs(found[1]).max()))
    np.testing.assert_allclose(found[0] / scale, found[1] / scale, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("is_complex", [False, True], ids=["real", "complex"])
def test_factors_multiply_to_the_matrix(is_complex: bool) -> None:
    value = matrix((2, 4, 4), is_complex)
    x = fb.from_numpy(value)
    values, v = fb.linalg.eig(x)
    np.testing.assert_allclose((v * values.unsqueeze(-2)).numpy(), (x + 0j) @ v, atol=1e-10)
    p, lower, upper = fb.linalg.lu(x)
    np.testing.assert_allclose((p @ lower @ upper).numpy(), value, atol=1e-10)
    vectors, tau = fb.geqrf(x)
    q = fb.linalg.householder_product(vectors, tau)
    np.testing.assert_allclose((q @ vectors.triu()).numpy(), value, atol=1e-10)
    np.testing.assert_allclose(fb.ormqr(vectors, tau, x).numpy(), (q @ x).numpy(), atol=1e-10)


@pytest.mark.parametrize("hermitian", [False, True])
def test_ldl_factors_solve(hermitian: bool) -> None:
    value = matrix((3, 3), True)
    value = value + (value.conj().T if hermitian else value.T)
    b = matrix((3, 2), True)
    packed, pivots = fb.linalg.ldl_factor(fb.from_numpy(value), hermitian=hermitian)
    x = fb.linalg.ldl_solve(packed, pivots, fb.from_numpy(b), hermitian=hermitian)
    np.testing.assert_allclose(value @ x.numpy(), b, atol=1e-10)


@pytest.mark.parametrize("left", [False, True])
@pytest.mark.parametrize("adjoint", [False, True])
def test_lu_solve_solves_with_the_matrix_or_its_adjoint(left: bool, adjoint: bool) -> None:
    a, b = matrix((4, 4), True), matrix((4, 4), True)
    packed, pivots = fb.linalg.lu_factor(fb.from_numpy(a))
    x = fb.linalg.lu_solve(packed, pivots, fb.from_numpy(b), left=left, adjoint=adjoint).numpy()
    a = a.conj().T if adjoint else a
    np.testing.assert_allclose(a @ x if left else x @ a, b, atol=1e-9)


def test_lobpcg_finds_the_outer_eigenvalues() -> None:
    value, other = matrix((9, 9), False), matrix((9, 9), False)
    a, b = value @ value.T, other @ other.T + 9 * np.eye(9)
    for largest in (True, False):
        found, v = fb.lobpcg(fb.from_numpy(a), 2, B=fb.from_numpy(b), largest=largest)
        np.testing.assert_allclose(a @ v.numpy(), b @ v.numpy() * found.numpy(), atol=1e-8)
        every = np.sort(np.linalg.eigvals(np.linalg.solve(b, a)).real)
        np.testing.assert_allclose(found.numpy(), every[::-1][:2] if largest else every[:2])
    with pytest.raises(ValueError, match="smaller than 3 x"):
        fb.lobpcg(fb.eye(4), 2)


def test_few_singular_values_are_those_of_a_matrix_of_low_rank() -> None:
    value = matrix((7, 2), False) @ matrix((2, 5), False)
    u, s, v = fb.svd_lowrank(fb.from_numpy(value), 2)
    np.testing.assert_allclose((u * s @ v.mT).numpy(), value, atol=1e-10)
    u, s, v = fb.pca_lowrank(fb.from_numpy(value.T), 2)
    centred = value.T - value.T.mean(0)
    np.testing.assert_allclose((u * s @ v.mT).numpy(), centred, atol=1e-10)
    with pytest.raises(ValueError, match="not greater than"):
        fb.pca_lowrank(fb.from_numpy(value), 6)


SINGULAR = np.array([[[1.0, 2.0], [2.0, 4.0]], [[2.0, 1.0], [1.0, 2.0]]])


def test_ex_twins_say_which_matrices_are_singular() -> None:
    x = fb.from_numpy(SINGULAR)
    for name, wanted in (("inv_ex", 2), ("cholesky_ex", 2), ("lu_factor_ex", 2)):
        assert getattr(fb.linalg, name)(x).info.tolist() == [wanted, 0], name
    inverse = fb.linalg.inv_ex(x).inverse
    np.testing.assert_allclose(inverse[1].numpy(), np.linalg.inv(SINGULAR[1]))
    solved = fb.linalg.solve_ex(x, fb.ones(2, 2, 1).double())
    assert solved.info.tolist() == [2, 0]
    assert solved.result[0].isnan().all()
    with pytest.raises(fb.linalg.LinAlgError):
        fb.linalg.inv_ex(x, check_errors=True)


@pytest.mark.parametrize("name", ["eig", "eigh", "svd"])
def test_a_loss_of_phases_is_refused(name: str) -> None:
    x = fb.from_numpy(matrix((3, 3), True)).requires_grad_()
    x = x + x.mH if name == "eigh" else x
    vectors = getattr(fb.linalg, name)(x)[0 if name == "svd" else 1]
    with pytest.raises(RuntimeError, match="ill-defined"):
        (vectors * (1 + 2j)).real.sum().backward()


@pytest.mark.parametrize("name", ["inv", "cholesky", "lu_factor"])
def test_singular_matrices_are_refused(name: str) -> None:
    with pytest.raises(RuntimeError, match=r"singular|positive-definite"):
        getattr(fb.linalg, name)(fb.ones(2, 2))


ERRORS = {
    "linalg.inv": lambda lib: lib.linalg.inv(lib.ones(2, 3)),
    "linalg.inv of integers": lambda lib: lib.linalg.inv(lib.eye(2).long()),
    "linalg.eig": lambda lib: lib.linalg.eig(lib.full((2, 2), float("nan"))),
    "linalg.eigh": lambda lib: lib.linalg.eigh(lib.eye(2), "X"),
    "linalg.eigh of halves": lambda lib: lib.linalg.eigh(lib.eye(2).half()),
    "linalg.qr": lambda lib: lib.linalg.qr(lib.eye(2), "full"),
    "linalg.svd": lambda lib: lib.linalg.svd(lib.eye(2), driver="gesvd"),
    "linalg.lu": lambda lib: lib.linalg.lu(lib.eye(2), pivot=False),
    "lu_unpack": lambda lib: lib.lu_unpack(lib.eye(2), lib.ones(2).long()),
    "linalg.lu_solve": lambda lib: lib.linalg.lu_solve(
        lib.eye(2), lib.ones(2).int(), lib.ones(3, 1)
    ),
    "linalg.lstsq": lambda lib: lib.linalg.lstsq(lib.ones(3, 2), lib.ones(2, 2)),
    "linalg.lstsq driver": lambda lib: lib.linalg.lstsq(lib.eye(2), lib.eye(2), driver="x"),
    "householder_product": lambda lib: lib.linalg.householder_product(lib.ones(2, 3), lib.ones(2)),
    "ormqr": lambda lib: lib.ormqr(lib.ones(3, 2), lib.ones(2), lib.ones(2, 2)),
    "linalg.cond": lambda lib: lib.linalg.cond(lib.eye(2), "x"),
    "linalg.norm": lambda lib: lib.linalg.norm(lib.ones(2, 2, 2), 2),
    "linalg.norm dtype": lambda lib: lib.linalg.norm(lib.eye(2).double(), dtype=lib.float32),
    "linalg.matrix_norm": lambda lib: lib.linalg.matrix_norm(lib.eye(2), 3),
    "linalg.vector_norm": lambda lib: lib.linalg.vector_norm(lib.eye(2), "fro"),
    "empty norm": lambda lib: lib.linalg.vector_norm(lib.ones(0), float("inf")),
    "multi_dot": lambda lib: lib.linalg.multi_dot([lib.eye(2), lib.eye(3)]),
    "matrix_power": lambda lib: lib.linalg.matrix_power(lib.eye(2), 2.5),
    "tensorinv": lambda lib: lib.linalg.tensorinv(lib.ones(2, 3), ind=1),
    "linalg.cross": lambda lib: lib.linalg.cross(lib.ones(3), lib.ones(2, 3)),
    "cdist": lambda lib: lib.cdist(lib.ones(2, 3), lib.ones(2, 4)),
    "cdist mode": lambda lib: lib.cdist(lib.ones(2, 3), lib.ones(2, 3), compute_mode="x"),
    "pdist": lambda lib: lib.pdist(lib.ones(2)),
    "addmm": lambda lib: lib.addmm(lib.ones(3, 2), lib.eye(2), lib.eye(2)),
    "addmm alpha": lambda lib: lib.addmm(lib.eye(2), lib.eye(2), lib.eye(2), alpha=1j),
    "addr": lambda lib: lib.addr(
        lib.eye(2).long(), lib.ones(2).long(), lib.ones(2).long(), alpha=0.5
    ),
    "einsum": lambda lib: lib.einsum("ij,jk->im", lib.eye(2), lib.eye(2)),
    "einsum of nothing": lambda lib: lib.einsum("ij"),
    "tensordot": lambda lib: lib.tensordot(lib.ones(2, 3), lib.ones(2, 3), 1),
}


@pytest.mark.parametrize("name", ERRORS)
def test_bad_input_raises_what_torch_raises(name: str) -> None:
    with pytest.raises(Exception) as theirs:  # noqa: PT011  (whatever PyTorch raises)
        ERRORS[name](torch)
    kind = fb.linalg.LinAlgError if "LinAlg" in theirs.type.__name__ else theirs.type
    with pytest.raises(kind):
        ERRORS[name](fb)


@pytest.mark.parametrize("order", ["fro", "nuc", 2, 1, float("inf")])
def test_norms_of_empty_matrices_are_0(order: Any) -> None:
    for shape in ((0, 0), (0, 3), (2, 3, 0)):
        ours = fb.linalg.matrix_norm(fb.ones(shape), order)
        theirs = torch.linalg.matrix_norm(torch.ones(shape), order)
        np.testing.assert_array_equal(ours.numpy(), theirs.numpy())


def test_coinciding_points_have_distance_and_slope_0() -> None:
    x = fb.zeros(3, 2, requires_grad=True)
    for p in (0.5, 1.0, 2.0, 3.0, float("inf")):
        for found in (fb.cdist(x, x.detach(), p), fb.pdist(x, p)):
            (slope,) = fb.autograd.grad(found.sum(), x)
            assert not found.any(), p
            assert not slope.any(), p


def test_many_distances_are_those_of_few() -> None:
    a, b = (fb.from_numpy(RNG.standard_normal((40, 3))) for _ in range(2))
    exact = fb.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist")
    np.testing.assert_allclose(fb.cdist(a, b).numpy(), exact.numpy(), atol=1e-7)


def test_complex_factors_turn_gradients_back() -> None:
    values = [matrix((3, 3), True) for _ in range(3)]
    found = []
    for lib in (fb, torch):
        x, a, b = (lib.from_numpy(v).requires_grad_() for v in values)
        out = lib.addmm(x, a, b, beta=1 + 2j, alpha=2 - 1j)
        out = out + lib.einsum("ij,kj->ik", a, b) + lib.nn.functional.linear(a, b)
        found.append(lib.autograd.grad(lib.abs(out).sum(), (x, a, b)))
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(ours.numpy(), theirs.numpy(), atol=1e-10)
