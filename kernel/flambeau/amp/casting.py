"""Which operations autocast runs in which type, and how it gets between them and their inputs.

While some thread is inside `autocast`, the listed operations have another rule of promotion, and
outside they have their own again: an ordinary program pays nothing. The cast belongs to the
operation, whose gradients come in the type of what it was given.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from ..autograd.rules import OPS
from ..dtypes import NARROW
from ..ops.layers import AROUND
from ..ops.registry import FUNCTIONS
from ..tensor import Tensor
from .state import state

_PRODUCTS = """matmul mm bmm addmm baddbmm addbmm linear contract prelu vecdot lstm_layer
conv1d conv2d conv3d conv_tbc conv_transpose1d conv_transpose2d conv_transpose3d
scaled_dot_product_attention"""
_LOSSES = """binary_cross_entropy binary_cross_entropy_with_logits cosine_embedding_loss
cross_entropy ctc_loss gaussian_nll_loss hinge_embedding_loss huber_loss kl_div l1_loss
margin_ranking_loss mse_loss multi_margin_loss multilabel_margin_loss nll_loss poisson_nll_loss
smooth_l1_loss soft_margin_loss triplet_margin_loss"""
_LINALG = """cholesky cholesky_ex cholesky_inverse cholesky_solve cond eig eigh eigvals eigvalsh
geqrf householder_product inv inv_ex inverse lstsq lu_solve matrix_rank orgqr ormqr pinverse qr
solve svd svdvals tensorinv tensorsolve triangular_solve"""
_FFT = """fft ifft fft2 ifft2 fftn ifftn rfft irfft rfft2 irfft2 rfftn irfftn hfft ihfft stft"""
_POOLS = """avg_pool3d adaptive_avg_pool3d adaptive_max_pool3d max_pool3d max_unpool2d
max_unpool3d fractional_max_pool2d fractional_max_pool3d grid_sample grid_sampler"""
_CPU_WIDE = f"""{_LOSSES} {_LINALG} {_FFT} {_POOLS}
cdist nanquantile polar prod quantile trace view_as_complex"""
_CUDA_WIDE = f"""{_LOSSES} {_FFT} acos asin cosh erfinv exp expm1 log log10 log1p log2 reciprocal
rsqrt sinh tan pow softplus layer_norm group_norm norm cosine_similarity cdist pdist renorm
logsumexp softmax log_softmax cumprod cumsum dist prod sum trace"""

_LOWER = {"cpu": frozenset(_PRODUCTS.split()), "cuda": frozenset(f"{_PRODUCTS} mv addmv".split())}
_WIDE = {
    # binary cross entropy of probabilities cannot be trusted in 16 bits: PyTorch refuses it there
    "cpu": frozenset(_CPU_WIDE.split()) - {"gaussian_nll_loss"},
    "cuda": frozenset(_CUDA_WIDE.split()) - {"gaussian_nll_loss", "binary_cross_entropy"},
}
# Made of products here, and of one piece in PyTorch, in the type of what they are given.
_LEFT_ALONE = frozenset(("bilinear", "embedding_bag"))
_MEET = frozenset(("gru_layer", "rnn_tanh_layer", "rnn_relu_layer"))  # in the input's type
_FLOAT32 = np.dtype("float32")


def _target(name: str, kind: str) -> np.dtype | None:
    """The type that an operation is to run in on this type of device; None: any."""
    if not state.enabled[kind]:
        return None
    if name in _LOWER[kind]:
        return state.types[kind].numpy
    return _FLOAT32 if name in _WIDE[kind] else None


def _eligible(found: np.dtype, to: np.dtype) -> bool:
    return found != to and (found == _FLOAT32 or found in NARROW or found == np.float16)


def _promote(op: Any) -> Callable[[list[Any]], list[Any]]:
    plain, name = op.promote, op.name

    def promote(arrays: list[Any]) -> list[Any]:
        kind = next((_device(a) for a in arrays if hasattr(a, "strides")), "cpu")
        to = _target(name, kind)
        if name in _MEET and state.enabled[kind]:
            to = arrays[0].dtype
        if to is not None:
            arrays = [
                a.astype(to) if hasattr(a, "strides") and _eligible(a.dtype, to) else a
                for a in arrays
            ]
        return arrays if plain is None else plain(arrays)

    return promote


def _device(array: Any) -> str:
    return "cpu" if isinstance(array, (np.ndarray, np.generic)) else "cuda"


def _around(name: str, before: Callable[..., Any] | None) -> Callable[..., Any]:
    """The same for a function made of several operations, which run as they are."""

    def run(body: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        given = [v for v in (*args, *kwargs.values()) if isinstance(v, Tensor)]
        kind = _device(given[0].array) if given else "cpu"
        to, was = _target(name, kind), state.enabled[kind]
        if to is not None:
            args, kwargs = cast_all(args, to), cast_all(kwargs, to)
        state.enabled[kind] = was and to is None and name not in _LEFT_ALONE
        try:
            return body(*args, **kwargs) if before is None else before(body, args, kwargs)
        finally:
            state.enabled[kind] = was

    return run


def cast_all(value: Any, to: np.dtype) -> Any:
    """Every float tensor of at most 32 bits in a type, also inside lists and dicts."""
    if isinstance(value, Tensor):
        return OPS["cast"](value, to) if _eligible(value.array.dtype, to) else value
    if isinstance(value, dict):
        return {k: cast_all(v, to) for k, v in value.items()}
    if value.__class__ in (list, tuple):
        return value.__class__(cast_all(v, to) for v in value)
    return value


_lock = threading.Lock()
_inside = 0  # how many times `autocast` has been entered and not left, in all threads
_restore: list[Callable[[], None]] = []


def enter() -> None:
    """Notes that a thread wants casts; the first one puts them in place."""
    global _inside
    with _lock:
        _inside += 1
        if _inside > 1:
            return
        for name in set().union(_LEFT_ALONE, _MEET, *_LOWER.values(), *_WIDE.values()):
            if name in OPS:
                _swap(OPS[name])
            if name in FUNCTIONS:
                _wrap(name)


def leave() -> None:
    """Notes that it no longer does; the last one takes them away."""
    global _inside
    with _lock:
        _inside = max(0, _inside - 1)
        while not _inside and _restore:
            _restore.pop()()


def _swap(op: Any) -> None:
    plain = op.promote
    op.use_promotion(_promote(op))
    _restore.append(lambda: op.use_promotion(plain))


def _wrap(name: str) -> None:
    before = AROUND.get(name)
    AROUND[name] = _around(name, before)
    _restore.append(lambda: _unwrap(name, before))


def _unwrap(name: str, before: Callable[..., Any] | None) -> None:
    AROUND.pop(name)
    if before is not None:
        AROUND[name] = before
