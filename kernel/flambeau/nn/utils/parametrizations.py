"""Parametrizations that are used often: orthogonal weights, weight and spectral normalisation."""

from __future__ import annotations

from typing import Any

from ... import linalg
from ...autograd.grad_mode import no_grad
from ...ops.creation import empty, eye, zeros_like
from ...ops.join import cat
from .. import functional as F
from ..module import Module
from ..parameter import is_lazy
from . import parametrize
from .weights import length_but

__all__ = ["orthogonal", "spectral_norm", "weight_norm"]

_MAPS = ("matrix_exp", "cayley", "householder")


def _weight_of(module: Any, name: str) -> Any:
    weight = getattr(module, name, None)
    if weight is None or not hasattr(weight, "array"):
        raise ValueError(f"Module '{module}' has no parameter or buffer with name '{name}'")
    return weight


# Orthogonal


def _factor(a: Any) -> Any:
    """The Q of a = Q R with a positive diagonal in R, which makes it unique."""
    packed, tau = a.geqrf()
    q = linalg.householder_product(packed, tau)
    return q * packed.diagonal(0, -2, -1).sgn().unsqueeze(-2)


def _is_orthogonal(q: Any) -> bool:
    n = q.shape[-1]
    near = (q.mH @ q - eye(n, dtype=q.dtype, device=q.device)).abs()
    eps = {"float32": 1.2e-7, "complex64": 1.2e-7}.get(q.dtype.name, 2.3e-16)
    return bool((near <= 10 * n * eps).all())


class _Orthogonal(Module):
    """Orthogonal matrices (unitary ones, for complex numbers) from unconstrained ones.

    A wide matrix has orthogonal rows, a tall one orthogonal columns.
    """

    def __init__(
        self, weight: Any, orthogonal_map: str, *, use_trivialization: bool = True
    ) -> None:
        super().__init__()
        if weight.is_complex() and orthogonal_map == "householder":
            raise ValueError("The householder parametrization does not support complex tensors.")
        self.shape, self.orthogonal_map = weight.shape, orthogonal_map
        if use_trivialization:
            self.register_buffer("base", None)

    def forward(self, x: Any) -> Any:
        """The orthogonal matrix."""
        wide = x.shape[-2] < x.shape[-1]
        x = x.mT if wide else x
        q = self._reflected(x) if self.orthogonal_map == "householder" else self._turned(x)
        if hasattr(self, "base"):
            q = self.base @ q
        return q.mT if wide else q

    def _turned(self, x: Any) -> Any:
        """exp A or (I - A/2)⁻¹ (I + A/2), where A is skew-symmetric: x minus its transpose."""
        n, k = x.shape[-2:]
        x = x.tril()
        if n != k:
            x = cat([x, x.new_zeros((*x.shape[:-1], n - k))], -1)
        a = x - x.mH
        if self.orthogonal_map == "matrix_exp":
            q = a.matrix_exp()
        else:
            one = eye(n, dtype=a.dtype, device=a.device)
            q = linalg.solve(one - a * 0.5, one + a * 0.5)
        return q[..., :k] if n != k else q

    def _reflected(self, x: Any) -> Any:
        """A product of reflections, one for each column below the diagonal."""
        a = x.tril(-1)
        tau = 2.0 / (1.0 + (a * a).sum(-2))
        q = linalg.householder_product(a, tau)
        return q * x.diagonal(0, -2, -1).int().unsqueeze(-2)

    def right_inverse(self, q: Any) -> Any:
        """What `forward` makes the nearest orthogonal matrix of."""
        if q.shape != self.shape:
            raise ValueError(
                f"Expected a matrix or batch of matrices of shape {self.shape}. Got a tensor of "
                f"shape {q.shape}."
            )
        wide = q.shape[-2] < q.shape[-1]
        tall = q.mT if wide else q
        if hasattr(self, "base"):
            self.base = self._based(tall)
            start = zeros_like(q)
            start.diagonal(0, -2, -1).fill_(-1.0)
            return start
        if self.orthogonal_map != "householder":
            raise NotImplementedError(
                "It is not possible to assign to the matrix exponential or the Cayley "
                "parametrizations when use_trivialization=False."
            )
        a, tau = tall.geqrf()
        diagonal = a.diagonal(0, -2, -1)
        diagonal.copy_(diagonal.sgn() * (1 - 2 * (tau == 0).to(a.dtype)))
        return a.mT if wide else a

    def _based(self, q: Any) -> Any:
        """An orthogonal square matrix that begins with the columns of q, made orthogonal."""
        n, k = q.shape[-2:]
        if n == k:
            return q.clone() if _is_orthogonal(q) else _factor(q)
        more = empty(*q.shape[:-1], n - k, dtype=q.dtype, device=q.device).normal_()
        return _factor(cat([q, more], -1))


def orthogonal(
    module: Any,
    name: str = "weight",
    orthogonal_map: str | None = None,
    *,
    use_trivialization: bool = True,
) -> Any:
    """Keeps a matrix orthogonal: Qᵀ Q = I, or Q Qᵀ = I where it is wide.

    ``orthogonal_map``: "matrix_exp", "cayley" or "householder" makes it of an ordinary matrix;
    with ``use_trivialization`` it starts from the matrix that is there.

    >>> Q = nn.utils.parametrizations.orthogonal(nn.Linear(3, 3)).weight
    >>> fb.allclose(Q @ Q.T, fb.eye(3), atol=1e-5)
    True
    """
    weight = _weight_of(module, name)
    if weight.ndim < 2:
        raise ValueError(
            f"Expected a matrix or batch of matrices. Got a tensor of {weight.ndim} dimensions."
        )
    if orthogonal_map is None:
        square = weight.shape[-2] == weight.shape[-1]
        orthogonal_map = "matrix_exp" if square or weight.is_complex() else "householder"
    if orthogonal_map not in _MAPS:
        raise ValueError(
            'orthogonal_map has to be one of "matrix_exp", "cayley", "householder". '
            f"Got: {orthogonal_map}"
        )
    made = _Orthogonal(weight, orthogonal_map, use_trivialization=use_trivialization)
    return parametrize.register_parametrization(module, name, made, unsafe=True)


# Weight normalisation


class _WeightNorm(Module):
    def __init__(self, dim: int | None = 0) -> None:
        super().__init__()
        self.dim = None if dim == -1 else dim

    def forward(self, weight_g: Any, weight_v: Any) -> Any:
        """g · v / ‖v‖."""
        return weight_v * (weight_g / length_but(weight_v, self.dim))

    def right_inverse(self, weight: Any) -> Any:
        """The length and the direction."""
        return length_but(weight, self.dim), weight


def weight_norm(module: Any, name: str = "weight", dim: int | None = 0) -> Any:
    """Makes a weight of its length g, ``original0``, and its direction v, ``original1``.

    weight = g · v / ‖v‖ (Salimans & Kingma 2016); one length for each entry along ``dim``.

    >>> layer = nn.utils.parametrizations.weight_norm(nn.Linear(4, 2))
    >>> layer.parametrizations.weight.original0.shape
    torch.Size([2, 1])
    """
    parametrize.register_parametrization(module, name, _WeightNorm(dim), unsafe=True)

    def take_old_names(state_dict: Any, prefix: str, *_: Any) -> None:
        for i, old in enumerate((f"{prefix}{name}_g", f"{prefix}{name}_v")):
            if old in state_dict:
                value = state_dict.pop(old)
                state_dict[f"{prefix}parametrizations.{name}.original{i}"] = value

    module._register_load_state_dict_pre_hook(take_old_names)
    return module


# Spectral normalisation


class _SpectralNorm(Module):
    """The weight divided by its largest singular value, which power iteration follows."""

    _u: Any
    _v: Any

    def __init__(
        self, weight: Any, n_power_iterations: int = 1, dim: int = 0, eps: float = 1e-12
    ) -> None:
        super().__init__()
        ndim = weight.ndim
        if not -ndim <= dim < ndim:
            raise IndexError(
                "Dimension out of range (expected to be in range of "
                f"[-{ndim}, {ndim - 1}] but got {dim})"
            )
        if n_power_iterations <= 0:
            raise ValueError(
                "Expected n_power_iterations to be positive, but got "
                f"n_power_iterations={n_power_iterations}"
            )
        self.dim, self.eps, self.n_power_iterations = dim % ndim, eps, n_power_iterations
        if ndim > 1:
            with no_grad():
                matrix = self._matrix(weight)
                for name, n in zip(("_u", "_v"), matrix.shape, strict=True):
                    drawn = matrix.new_empty((n,)).normal_()
                    self.register_buffer(name, F.normalize(drawn, dim=0, eps=eps))
                self._iterate(matrix, 15)

    def _matrix(self, weight: Any) -> Any:
        return weight.movedim(self.dim, 0).flatten(1)

    def _iterate(self, matrix: Any, steps: int) -> None:
        for _ in range(steps):
            self._u.copy_(F.normalize(matrix @ self._v, dim=0, eps=self.eps))
            self._v.copy_(F.normalize(matrix.mH @ self._u, dim=0, eps=self.eps))

    def forward(self, weight: Any) -> Any:
        """W / (uᵀ W v)."""
        if weight.ndim == 1:
            return F.normalize(weight, dim=0, eps=self.eps)
        matrix = self._matrix(weight)
        if self.training:
            with no_grad():
                self._iterate(matrix, self.n_power_iterations)
        u, v = self._u.clone(), self._v.clone()  # the next forward overwrites the buffers
        return weight / u.vdot(matrix @ v)

    def right_inverse(self, value: Any) -> Any:
        """The value itself: it may have any length."""
        return value


def spectral_norm(
    module: Any,
    name: str = "weight",
    n_power_iterations: int = 1,
    eps: float = 1e-12,
    dim: int | None = None,
) -> Any:
    """Divides a weight by its largest singular value (Miyato et al. 2018)."""
    weight = _weight_of(module, name)
    if is_lazy(weight):
        raise ValueError("run a batch through the lazy module before normalising its weight")
    if dim is None:
        dim = int("ConvTranspose" in parametrize.type_before_parametrizations(module).__name__)
    made = _SpectralNorm(weight, n_power_iterations, dim, eps)
    return parametrize.register_parametrization(module, name, made)
