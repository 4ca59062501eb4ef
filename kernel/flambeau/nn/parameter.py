"""`Parameter`: a tensor that a module learns; and what stands for one before its shape is known."""

from __future__ import annotations

from typing import Any

from .. import dtypes
from ..device import device as device_kind
from ..device import of as device_of
from ..ops.creation import empty
from ..printing import tensor_text
from ..subclasses import disabled_torch_function
from ..tensor import Size, Tensor, _fill, _new, wrap, wrap_as


class Parameter(Tensor):
    """A tensor that a module registers when it is assigned to it; mirrors ``nn.Parameter``.

    It shares the memory of ``data``, and wants gradients unless told otherwise.

    >>> layer = nn.Module()
    >>> layer.scale = nn.Parameter(fb.ones(2))
    >>> [name for name, _ in layer.named_parameters()]
    ['scale']
    """

    __slots__ = ()

    __torch_function__ = disabled_torch_function  # type: ignore[assignment]

    def __new__(cls, data: Tensor | None = None, requires_grad: bool = True) -> Any:
        """A leaf on the memory of ``data``."""
        if data is None:
            data = Tensor()
        if not isinstance(data, Tensor):
            raise TypeError(f"a Parameter is made of a Tensor, not of {type(data).__name__}")
        return wrap_as(cls, data.array).requires_grad_(requires_grad)

    def __repr__(self, *, tensor_contents: Any = None) -> str:  # type: ignore[override]
        return "Parameter containing:\n" + tensor_text(self, tensor_contents=tensor_contents)


class Buffer(Tensor):
    """A tensor that a module registers as a buffer when it is assigned; mirrors ``nn.Buffer``.

    >>> layer = nn.Module()
    >>> layer.mean = nn.Buffer(fb.zeros(2))
    >>> list(layer.state_dict()), list(layer.parameters())
    (['mean'], [])
    """

    __slots__ = ()

    __torch_function__ = disabled_torch_function  # type: ignore[assignment]
    persistent: bool

    def __new__(cls, data: Tensor | None = None, *, persistent: bool = True) -> Any:
        """A buffer on the memory of ``data``."""
        made = wrap_as(cls, (Tensor() if data is None else data).array)
        made.persistent = persistent
        return made


_ARRAY: Any = Tensor.__dict__["array"]  # where a tensor keeps its array


class UninitializedTensorMixin(Tensor):
    """A tensor whose shape is not known yet: it has a type and a device, and no values.

    ``materialize(shape)`` makes an ordinary one of it. Until then RuntimeError is raised for its
    shape, and ValueError when an operation is to use it.
    """

    __slots__ = ()

    __torch_function__ = disabled_torch_function  # type: ignore[assignment]
    cls_to_become: type[Tensor]

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        """An empty one; ``__init__`` does the rest."""
        return _new(cls)

    def _begin(self, device: Any, dtype: Any) -> None:
        _fill(self, empty(0, device=device, dtype=dtype).array)

    @property
    def array(self) -> Any:
        """Nothing yet: ValueError."""
        raise ValueError(
            "Attempted to use an uninitialized parameter: its shape is not known yet. Run a batch "
            "through the lazy module first, or call materialize(shape)"
        )

    @array.setter
    def array(self, value: Any) -> None:
        _ARRAY.__set__(self, value)  # an empty one, for its type and device alone

    @property
    def data(self) -> Any:
        """It has no memory to share: itself."""
        return self

    @data.setter
    def data(self, value: Any) -> None:
        _ARRAY.__set__(self, _ARRAY.__get__(value))

    @property
    def shape(self) -> Size:
        """Not known yet: RuntimeError."""
        raise RuntimeError(
            "Can't access the shape of an uninitialized parameter or buffer. This error usually "
            "happens in `load_state_dict` when trying to load an uninitialized parameter into an "
            "initialized one. Call `forward` to initialize the parameters before accessing their "
            "attributes."
        )

    @property
    def dtype(self) -> dtypes.dtype:
        """The type that its elements will have."""
        return dtypes.OF_NUMPY[_ARRAY.__get__(self).dtype]

    @property
    def device(self) -> device_kind:
        """Where its memory will be."""
        return device_of(_ARRAY.__get__(self))

    @property
    def is_cuda(self) -> bool:
        """Whether it will lie on a CUDA device."""
        return self.device.type == "cuda"

    def detach(self) -> Any:
        """It takes part in no graph: itself."""
        return self

    def materialize(self, shape: Any, device: Any = None, dtype: Any = None) -> None:
        """Makes it an ordinary tensor of that shape, its values still to be set."""
        device = self.device if device is None else device
        dtype = self.dtype if dtype is None else dtype
        self.__class__ = self.cls_to_become  # type: ignore[assignment]
        self.array = empty(tuple(shape), device=device, dtype=dtype).array

    def _like(self, array: Any) -> Any:
        made = wrap_as(type(self), array)
        made._needs_grad = self._needs_grad
        made.__dict__.update(self.__dict__)
        return made

    def to(self, *args: Any, **kwargs: Any) -> Any:
        """One with another type or on another device."""
        return self._like(wrap(_ARRAY.__get__(self)).to(*args, **kwargs).array)  # type: ignore[attr-defined]

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        memo[id(self)] = made = self._like(_ARRAY.__get__(self))
        return made

    def __reduce_ex__(self, protocol: Any) -> Any:
        return type(self), (self.requires_grad, str(self.device), self.dtype)

    def __repr__(self, *, tensor_contents: Any = None) -> str:  # type: ignore[override]
        return f"<{type(self).__name__}>"


class UninitializedParameter(UninitializedTensorMixin, Parameter):  # type: ignore[misc]
    """A parameter whose shape the first forward will tell."""

    __slots__ = ()

    cls_to_become = Parameter

    def __init__(self, requires_grad: bool = True, device: Any = None, dtype: Any = None) -> None:
        self._begin(device, dtype)
        self.requires_grad_(requires_grad)


class UninitializedBuffer(UninitializedTensorMixin, Buffer):
    """A buffer whose shape the first forward will tell."""

    __slots__ = ()

    cls_to_become = Buffer

    def __init__(
        self,
        requires_grad: bool = False,
        device: Any = None,
        dtype: Any = None,
        persistent: bool = True,
    ) -> None:
        self._begin(device, dtype)
        self.requires_grad_(requires_grad)
        self.persistent = persistent


def is_lazy(param: Any) -> bool:
    """Whether a parameter's or buffer's shape is not known yet."""
    return isinstance(param, UninitializedTensorMixin)
