"""To and from PyTorch, and any library that speaks DLPack: sharing memory where it can be."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import dtypes
from .device import cupy
from .tensor import Tensor, wrap


def from_dlpack(ext_tensor: Any) -> Tensor:
    """A tensor on the memory of another library's array; mirrors ``torch.from_dlpack``.

    ``ext_tensor`` has ``__dlpack__`` (NumPy, CuPy, PyTorch, JAX, ...). Nothing is copied.

    >>> array = np.zeros(2)
    >>> fb.from_dlpack(array)[0] = 1.0
    >>> array
    array([1., 0.])
    """
    if isinstance(ext_tensor, Tensor):
        ext_tensor = ext_tensor.array
    if not hasattr(ext_tensor, "__dlpack__"):
        raise TypeError(
            f"from_dlpack(): {type(ext_tensor).__name__} has no __dlpack__; an array of NumPy, "
            "CuPy, PyTorch or JAX has"
        )
    kind, _ = ext_tensor.__dlpack_device__()
    array = np.from_dlpack(ext_tensor) if kind == 1 else cupy().from_dlpack(ext_tensor)
    dtypes.of(array.dtype)
    return wrap(array)


def to_dlpack(tensor: Tensor) -> Any:
    """A DLPack capsule of the tensor's memory; mirrors ``torch.utils.dlpack.to_dlpack``."""
    return tensor.__dlpack__()


def from_torch(data: Any) -> Any:
    """PyTorch's tensors as ours, in a container of any depth: a whole ``state_dict`` too.

    Memory is shared where both can address it (dense, in main memory); a change on one side is
    seen on the other. Leaves that want gradients want them here; the graph stays behind. What is
    no tensor stays as it is.
    """
    if _is_torch(data):
        return _tensor_from_torch(data)
    return _mapped(data, from_torch)


def to_torch(data: Any) -> Any:
    """Our tensors as PyTorch's, in a container of any depth; the way back of `from_torch`."""
    if isinstance(data, Tensor):
        return _tensor_to_torch(data)
    return _mapped(data, to_torch)


def _is_torch(value: Any) -> bool:
    """Whether it is a tensor of PyTorch's, without importing that."""
    return any(
        k.__name__ == "Tensor" and k.__module__ in ("torch", "torch._tensor")
        for k in type(value).__mro__
    )


def _mapped(data: Any, each: Any) -> Any:
    if isinstance(data, dict):
        made: Any = type(data)() if type(data).__name__ == "OrderedDict" else {}
        made.update((k, each(v)) for k, v in data.items())
        if hasattr(data, "_metadata"):  # of a state_dict
            made._metadata = data._metadata
        return made
    if isinstance(data, tuple) and hasattr(data, "_fields"):
        return type(data)(*map(each, data))
    if isinstance(data, (list, tuple, set)):
        return type(data)(map(each, data))
    return data


def _tensor_from_torch(t: Any) -> Tensor:
    import torch

    if t.layout is not torch.strided or t.is_quantized:
        raise TypeError(
            f"from_torch(): a tensor of layout {t.layout} cannot be taken over; "
            "x.to_dense() or x.dequantize() can"
        )
    plain = t.detach().resolve_conj().resolve_neg()
    if plain.dtype is torch.bfloat16:
        bits = plain.cpu().contiguous().view(torch.uint16).numpy()
        made = wrap(bits.view(dtypes.bfloat16.numpy))  # type: ignore[attr-defined]
    elif plain.device.type == "cuda":
        made = from_dlpack(plain)
    else:
        made = wrap(plain.cpu().numpy())
    if type(t).__name__ == "Parameter":
        from .nn import Parameter

        return Parameter(made, requires_grad=t.requires_grad)
    return made.requires_grad_(t.requires_grad)


def _tensor_to_torch(t: Tensor) -> Any:
    try:
        import torch
    except ImportError:
        raise ImportError("to_torch() needs PyTorch: pip install torch") from None
    array = t.array
    if t.is_cuda:
        made = torch.from_dlpack(array)
    elif array.dtype.name == "bfloat16":
        made = torch.from_numpy(np.ascontiguousarray(array).view(np.uint16)).view(torch.bfloat16)
    else:
        positive = all(step >= 0 for step in array.strides) and array.flags.writeable
        made = torch.from_numpy(array if positive else array.copy())
    if type(t).__name__ == "Parameter":
        return torch.nn.Parameter(made, requires_grad=t.requires_grad)
    return made.requires_grad_(t.requires_grad)
