"""Initial values of parameters. Each function writes into the tensor it is given and returns it."""

from __future__ import annotations

import functools
import math
import warnings
from typing import Any

from ..autograd.grad_mode import no_grad
from ..device import module_of
from ..tensor import Tensor

_GAINS = {"sigmoid": 1.0, "tanh": 5.0 / 3, "relu": math.sqrt(2.0), "selu": 3.0 / 4}
_LINEAR = ("linear", *(f"conv{t}{n}d" for t in ("", "_transpose") for n in (1, 2, 3)))


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """The factor that keeps the variance through a nonlinearity: √2 for relu.

    ``param`` is the slope of leaky_relu, 0.01 where it is left out.

    >>> round(nn.init.calculate_gain("leaky_relu", 1.0), 6)
    1.0
    """
    if nonlinearity in _LINEAR:
        return 1.0
    if nonlinearity in _GAINS:
        return _GAINS[nonlinearity]
    if nonlinearity == "leaky_relu":
        if param is None:
            param = 0.01
        elif isinstance(param, bool) or not isinstance(param, (int, float)):
            raise ValueError(f"negative_slope {param} not a valid number")
        return math.sqrt(2.0 / (1 + param**2))
    raise ValueError(f"Unsupported nonlinearity {nonlinearity}")


def _calculate_fan_in_and_fan_out(tensor: Tensor) -> tuple[int, int]:
    if tensor.dim() < 2:
        raise ValueError(
            "Fan in and fan out can not be computed for tensor with fewer than 2 dimensions"
        )
    field = math.prod(tensor.shape[2:])
    return tensor.shape[1] * field, tensor.shape[0] * field


def _calculate_correct_fan(tensor: Tensor, mode: str) -> int:
    if mode.lower() not in ("fan_in", "fan_out"):
        raise ValueError(f"Mode {mode} not supported, please use one of ['fan_in', 'fan_out']")
    fan_in, fan_out = _calculate_fan_in_and_fan_out(tensor)
    return fan_in if mode.lower() == "fan_in" else fan_out


def _put(tensor: Tensor, values: Any) -> Tensor:
    """Writes an array into the tensor."""
    tensor.array[...] = values
    if tensor._counter is not None:
        tensor._counter[0] += 1
    return tensor


def uniform_(tensor: Any, a: float = 0.0, b: float = 1.0, generator: Any = None) -> Tensor:
    """Values from U(a, b).

    >>> w = nn.init.uniform_(fb.empty(100), a=2.0, b=3.0)
    >>> w.min() >= 2, w.max() <= 3
    (tensor(True), tensor(True))
    """
    with no_grad():
        return tensor.uniform_(a, b, generator=generator)


def normal_(tensor: Any, mean: float = 0.0, std: float = 1.0, generator: Any = None) -> Tensor:
    """Values from N(mean, std²).

    >>> nn.init.normal_(fb.empty(2, 3), mean=5.0, std=0.01).round()
    tensor([[5., 5., 5.],
            [5., 5., 5.]])
    """
    with no_grad():
        return tensor.normal_(mean, std, generator=generator)


def trunc_normal_(
    tensor: Tensor,
    mean: float = 0.0,
    std: float = 1.0,
    a: float = -2.0,
    b: float = 2.0,
    generator: Any = None,
) -> Tensor:
    """Values from N(mean, std²) cut off to [a, b]: those outside are drawn again."""
    far = mean < a - 2 * std or mean > b + 2 * std
    if far:
        warnings.warn(
            "mean is more than 2 std from [a, b] in nn.init.trunc_normal_. "
            "The distribution of values may be incorrect.",
            stacklevel=2,
        )
    xp = module_of(tensor.array)
    values = xp.empty(tensor.numel(), tensor.array.dtype)
    left = xp.arange(tensor.numel())
    nearest = min(max(mean, a), b)  # the most probable value in [a, b]
    while count := len(left):
        if far:  # a normal value is hardly ever inside: take uniform ones, the probable more often
            new = uniform_(Tensor(count), a, b, generator).array
            chance = xp.exp(((nearest - mean) ** 2 - (new - mean) ** 2) / (2 * std**2))
            fits = uniform_(Tensor(count), 0.0, 1.0, generator).array <= chance
        else:
            new = normal_(Tensor(count), mean, std, generator).array
            fits = (new >= a) & (new <= b)
        values[left[fits]] = new[fits]
        left = left[~fits]
    return _put(tensor, xp.clip(values, a, b).reshape(tensor.shape))


def constant_(tensor: Tensor, val: float) -> Tensor:
    """The same value everywhere.

    >>> nn.init.constant_(fb.empty(2, 3), 0.5)
    tensor([[0.5000, 0.5000, 0.5000],
            [0.5000, 0.5000, 0.5000]])
    """
    return _put(tensor, val)


def ones_(tensor: Tensor) -> Tensor:
    """Ones."""
    return _put(tensor, 1)


def zeros_(tensor: Tensor) -> Tensor:
    """Zeros.

    >>> layer = nn.Linear(2, 3)
    >>> nn.init.zeros_(layer.bias).tolist()
    [0.0, 0.0, 0.0]
    """
    return _put(tensor, 0)


def eye_(tensor: Tensor) -> Tensor:
    """The identity matrix.

    >>> nn.init.eye_(fb.empty(2, 3))
    tensor([[1., 0., 0.],
            [0., 1., 0.]])
    """
    if tensor.ndim != 2:
        raise ValueError("Only tensors with 2 dimensions are supported")
    return _put(tensor, module_of(tensor.array).eye(*tensor.shape))


def dirac_(tensor: Tensor, groups: int = 1) -> Tensor:
    """Convolution kernels that hand their input on unchanged."""
    if tensor.ndim not in (3, 4, 5):
        raise ValueError("Only tensors with 3, 4, or 5 dimensions are supported")
    if tensor.shape[0] % groups != 0:
        raise ValueError("dim 0 must be divisible by groups")
    out = tensor.shape[0] // groups
    centre = tuple(n // 2 for n in tensor.shape[2:])
    zeros_(tensor)
    for g in range(groups):
        for i in range(min(out, tensor.shape[1])):
            tensor.array[(g * out + i, i, *centre)] = 1
    return tensor


def xavier_uniform_(tensor: Tensor, gain: float = 1.0, generator: Any = None) -> Tensor:
    """U(-a, a) with a = gain · √(6 / (fan_in + fan_out)) (Glorot & Bengio 2010).

    >>> w = nn.init.xavier_uniform_(fb.empty(4, 2))
    >>> w.abs().max() <= 1
    tensor(True)
    """
    bound = gain * math.sqrt(6.0 / sum(_calculate_fan_in_and_fan_out(tensor)))
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: Any = None) -> Tensor:
    """N(0, std²) with std = gain · √(2 / (fan_in + fan_out)) (Glorot & Bengio 2010)."""
    std = gain * math.sqrt(2.0 / sum(_calculate_fan_in_and_fan_out(tensor)))
    return normal_(tensor, 0.0, std, generator)


def kaiming_uniform_(
    tensor: Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Any = None,
) -> Tensor:
    """U(-b, b) with b = gain · √(3 / fan), gain from the nonlinearity (He et al. 2015).

    >>> w = nn.init.kaiming_uniform_(fb.empty(5, 6), nonlinearity="relu")
    >>> w.abs().max() <= 1
    tensor(True)
    """
    if 0 in tensor.shape:
        warnings.warn("Initializing zero-element tensors is a no-op", stacklevel=2)
        return tensor
    bound = calculate_gain(nonlinearity, a) * math.sqrt(3.0 / _calculate_correct_fan(tensor, mode))
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(
    tensor: Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Any = None,
) -> Tensor:
    """N(0, std²) with std = gain / √fan, gain from the nonlinearity (He et al. 2015).

    >>> w = nn.init.kaiming_normal_(fb.empty(400, 200), nonlinearity="relu")
    >>> round(w.std().item(), 2)
    0.1
    """
    if 0 in tensor.shape:
        warnings.warn("Initializing zero-element tensors is a no-op", stacklevel=2)
        return tensor
    std = calculate_gain(nonlinearity, a) / math.sqrt(_calculate_correct_fan(tensor, mode))
    return normal_(tensor, 0.0, std, generator)


def orthogonal_(tensor: Tensor, gain: float = 1, generator: Any = None) -> Tensor:
    """A (semi-)orthogonal matrix times ``gain`` (Saxe et al. 2013): the Q of a random matrix.

    >>> Q = nn.init.orthogonal_(fb.empty(3, 3))
    >>> fb.allclose(Q @ Q.T, fb.eye(3), atol=1e-5)
    True
    """
    if tensor.ndim < 2:
        raise ValueError("Only tensors with 2 or more dimensions are supported")
    if tensor.numel() == 0:
        return tensor
    xp = module_of(tensor.array)
    rows, columns = tensor.shape[0], tensor.numel() // tensor.shape[0]
    normal_(tensor, 0.0, 1.0, generator)
    flat = tensor.array.reshape(rows, columns).astype("float64")
    q, r = xp.linalg.qr(flat.T if rows < columns else flat)
    q *= xp.sign(xp.diagonal(r))  # makes it uniform over all orthogonal matrices
    q = q.T if rows < columns else q
    return _put(tensor, gain * q.reshape(tensor.shape))


def sparse_(tensor: Tensor, sparsity: float, std: float = 0.01, generator: Any = None) -> Tensor:
    """N(0, std²) with a share ``sparsity`` of each column set to zero (Martens 2010)."""
    if tensor.ndim != 2:
        raise ValueError("Only tensors with 2 dimensions are supported")
    rows, columns = tensor.shape
    zeros = math.ceil(sparsity * rows)
    normal_(tensor, 0.0, std, generator)
    order = uniform_(Tensor(rows, columns), generator=generator).array.argsort(axis=0)
    for column in range(columns):
        tensor.array[order[:zeros, column], column] = 0
    return tensor


def _renamed(function: Any) -> Any:
    """The function under its old name, which has no underscore at the end."""
    name = function.__name__.removesuffix("_")

    @functools.wraps(function)
    def old(*args: Any, **kwargs: Any) -> Tensor:
        warnings.warn(
            f"`nn.init.{name}` is now deprecated in favor of `nn.init.{name}_`.",
            FutureWarning,
            stacklevel=2,
        )
        return function(*args, **kwargs)

    old.__name__ = name
    old.__doc__ = f"The old name of `{name}_`."
    return old


uniform, normal, constant = _renamed(uniform_), _renamed(normal_), _renamed(constant_)
eye, dirac, sparse = _renamed(eye_), _renamed(dirac_), _renamed(sparse_)
xavier_uniform, xavier_normal = _renamed(xavier_uniform_), _renamed(xavier_normal_)
kaiming_uniform, kaiming_normal = _renamed(kaiming_uniform_), _renamed(kaiming_normal_)
orthogonal = _renamed(orthogonal_)
