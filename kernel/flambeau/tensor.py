"""`Tensor`: a thin face over an array. Its operations are attached by the op registry."""

from __future__ import annotations

import weakref
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import numpy as np

from . import device as devices
from . import dtypes, left_out
from .attributes import Attributes
from .autograd.node import shown
from .protocols import ArrayProtocols
from .size import Size
from .subclasses import Subclassing, trust

# What an operation takes besides tensors where a tensor may stand.
NUMBERS = frozenset((float, int, bool, complex, type(None)))
_size: Any = tuple.__new__  # without the checks that other people's sizes need


class Tensor(ArrayProtocols, Attributes, Subclassing):
    """An array that remembers how it was made; mirrors ``torch.Tensor``.

    ``array`` is the NumPy or CuPy array underneath, sharing memory with the tensor.
    ``Tensor(2, 3)`` gives uninitialised float32 of that shape and ``Tensor([1, 2])`` those values,
    as ``torch.Tensor`` does; ``tensor([1, 2])`` is the better spelling. In here, arrays become
    tensors by `wrap`, which takes them as they are.
    """

    __slots__ = (
        "__dict__",
        "__weakref__",
        "_counter",  # [number of in-place writes], one list shared by all views; None: inference
        "_grad",
        "_hooks",  # of a leaf: list of functions of the gradient
        "_needs_grad",
        "_node",  # what made it, None for a leaf
        "_seen",  # the counter when `_node` was last right (views only)
        "_view",  # (tensor it is a view of, op, params), or None
        "array",
    )
    array: Any
    _grad: Tensor | None
    _counter: Any  # list[int] | None
    _needs_grad: bool
    _node: Any
    _view: Any
    _seen: Any
    _hooks: Any

    def __new__(cls, *data: Any, device: Any = None) -> Any:
        """A tensor (of the subclass) of a shape, or of values."""
        from .ops.legacy import legacy_array

        return wrap_as(cls, legacy_array(data, dtypes.get_default_dtype(), device))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        pass  # `__new__` has done it, and subclasses take what they like

    @staticmethod
    def _make_subclass(cls: Any, data: Tensor, require_grad: bool = False, **options: Any) -> Any:
        """An instance of a subclass on the memory of ``data``: a leaf."""
        made = wrap_as(cls, data.array)
        made._counter = data._counter
        return made.requires_grad_() if require_grad else made

    if TYPE_CHECKING:  # the registry attaches operations

        def __getattr__(self, name: str) -> Any: ...

    def __dir__(self) -> list[str]:
        return sorted(set(object.__dir__(self)) - _left_out.keys())

    # What it is

    @property
    def shape(self) -> Size:
        """The sizes of its dimensions."""
        return _size(Size, self.array.shape)

    def size(self, dim: int | None = None) -> Any:
        """The shape, or the size of one dimension."""
        if dim is None:
            return self.shape
        try:
            return self.array.shape[dim]
        except IndexError:
            raise IndexError(
                f"size: dimension {dim} of a tensor of shape {self.array.shape}; "
                f"it has {self.ndim} dimensions"
            ) from None

    # Its place in the graph

    def _take_grad(self, value: Any) -> None:
        if value is not None:
            if not isinstance(value, Tensor):
                raise TypeError(
                    f"grad is a Tensor or None, not {type(value).__name__}; torch.tensor(...) "
                    "makes one of numbers"
                )
            mine, given = self.array, value.array
            if given.shape != mine.shape or given.dtype != mine.dtype:
                raise RuntimeError(
                    f"a gradient is like its tensor: shape {mine.shape} and {mine.dtype}; this one "
                    f"has shape {given.shape} and {given.dtype}"
                )
        self._grad = value

    grad = property(attrgetter("_grad"), _take_grad, doc="What backward has added up, or None.")

    @property
    def requires_grad(self) -> bool:
        """Whether gradients are computed with respect to it."""
        _refresh(self)
        return self._needs_grad

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        if value.__class__ is not bool and not isinstance(value, np.bool_):
            raise RuntimeError(f"requires_grad must be a bool, not {type(value).__name__}")
        self.requires_grad_(value)

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Asks for gradients with respect to this leaf, or no longer; returns it."""
        if requires_grad and not (self.dtype.is_floating_point or self.dtype.is_complex):
            raise RuntimeError(
                f"only tensors of floating point and complex dtype can require gradients, "
                f"this one holds {self.dtype.name}; x.float() makes a copy that can"
            )
        if requires_grad and self._counter is None and not _in_inference_mode():
            raise RuntimeError(
                "a tensor made in inference_mode cannot require gradients outside of it; "
                "x.clone() can"
            )
        if self._node is not None and not requires_grad:
            raise RuntimeError(
                "requires_grad can be changed only on leaf tensors, and this one was computed by "
                f"{self._node.plan.op.name}; x.detach() gives one that takes no part in the graph"
            )
        self._needs_grad = bool(requires_grad)
        return self

    @property
    def grad_fn(self) -> Any:
        """The node of the operation that made it, None for a leaf."""
        _refresh(self)
        return shown(self._node)

    @property
    def is_leaf(self) -> bool:
        """Whether no recorded operation made it."""
        _refresh(self)
        return self._node is None

    @property
    def _version(self) -> int:
        if self._counter is None:
            raise RuntimeError("tensors made in inference_mode do not count their versions")
        return self._counter[0]

    @property
    def _base(self) -> Tensor | None:
        found = self
        while found._view is not None:
            found = found._view[0]
        return None if found is self else found

    def is_inference(self) -> bool:
        """Whether it was made inside ``inference_mode``."""
        return self._counter is None

    def detach(self) -> Tensor:
        """The same memory outside the graph; writes to either are seen by both."""
        out = wrap(self.array)
        out._counter = self._counter
        return out

    def detach_(self) -> Tensor:
        """Takes this tensor itself out of the graph."""
        if self._view is not None:
            raise RuntimeError("a view cannot be detached in place; use detach()")
        self._node, self._needs_grad = None, False
        return self

    @property
    def data(self) -> Tensor:
        """The same memory outside the graph, with a version counter of its own."""
        return wrap(self.array)

    @data.setter
    def data(self, value: Tensor) -> None:
        if not isinstance(value, Tensor):
            raise TypeError(f"data must be a Tensor, not {type(value).__name__}")
        self.array = value.array

    def register_hook(self, hook: Any) -> Any:
        """Calls ``hook(gradient)`` in each backward; what it returns replaces the gradient."""
        from .autograd.hooks import LeafHooks, add_hook

        if not self.requires_grad:
            raise RuntimeError("cannot register a hook on a tensor that does not require gradients")
        if self._node is not None:
            return self._node.watch(hook)
        if self._hooks is None:
            self._hooks = LeafHooks()
        return add_hook(self._hooks, hook)

    def register_post_accumulate_grad_hook(self, hook: Any) -> Any:
        """Calls ``hook(tensor)`` whenever a backward has added to the ``grad`` of this leaf."""
        from .autograd.hooks import LeafHooks, add_hook

        if not self.requires_grad or not self.is_leaf:
            raise RuntimeError(
                "post accumulate grad hooks cannot be registered on non-leaf tensors"
            )
        if self._hooks is None:
            self._hooks = LeafHooks()
        return add_hook(self._hooks.after, hook)

    def retain_grad(self) -> None:
        """Has backward keep the gradient of this tensor in ``grad``, though it is no leaf."""
        if not self.requires_grad:
            raise RuntimeError("can't retain_grad on Tensor that has requires_grad=False")
        if self._node is None or self.retains_grad:
            return
        here = weakref.ref(self)  # the node must not keep its own tensor alive

        def keep(g: Tensor) -> None:
            t: Any = here()
            if t is not None:
                g = wrap(g.array.copy()) if g._node is None else g
                t.grad = g if t.grad is None else t.grad + g

        keep.retains = True  # type: ignore[attr-defined]
        self._node.watch(keep)

    @property
    def retains_grad(self) -> bool:
        """Whether backward keeps the gradient of this tensor, which is no leaf."""
        hooks = self._node.hooks if self.grad_fn is not None else None
        return any(getattr(hook, "retains", False) for hook in hooks or ())

    def backward(
        self,
        gradient: Tensor | None = None,
        retain_graph: bool | None = None,
        create_graph: bool = False,
        inputs: Any = None,
    ) -> None:
        """Adds d(self)/d(leaf) to ``leaf.grad`` for every leaf that wants a gradient.

        ``gradient`` stands for the gradient of what comes after; it may be left out for a tensor
        of one element, where it is 1. Mirrors ``torch.Tensor.backward``.
        """
        from .autograd import backward

        backward((self,), (gradient,), retain_graph, create_graph, inputs=inputs)

    # To Python and NumPy

    def item(self) -> Any:
        """The value of a tensor of one element, as a Python number."""
        if self.array.size != 1:
            raise RuntimeError(
                f"a tensor of shape {self.array.shape} has {self.array.size} elements and cannot "
                "be converted to a Python number; only one of 1 element can"
            )
        return self.array.item()

    def tolist(self) -> Any:
        """Its values as nested Python lists (a number for a scalar)."""
        return self.array.tolist()

    def __len__(self) -> int:
        if self.ndim == 0:
            raise TypeError("len() of a 0-d tensor")
        return self.array.shape[0]

    def __bool__(self) -> bool:
        if self.array.size != 1:
            raise RuntimeError(
                f"the truth of a tensor of shape {self.array.shape} is ambiguous; "
                "use .any() or .all()"
            )
        return bool(self.array.item())

    def _number(self) -> Any:
        if self.array.size != 1:
            raise ValueError(
                f"a tensor of shape {self.array.shape} has {self.array.size} elements; only one of "
                "1 element can be converted to a Python number"
            )
        return self.array.item()

    def __float__(self) -> float:
        return float(self._number())

    def __int__(self) -> int:
        return int(self._number())

    def __index__(self) -> int:
        if self.array.size != 1 or self.array.dtype.kind not in "iub":
            raise TypeError("only integer tensors of a single element can be converted to an index")
        return int(self.array.item())

    def __complex__(self) -> complex:
        return complex(self._number())

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if self.ndim == 0 else object.__format__(self, spec)

    def __hash__(self) -> int:
        return id(self)

    def __repr__(self, *, tensor_contents: str | None = None) -> str:
        from .printing import tensor_text

        return tensor_text(self, tensor_contents=tensor_contents)

    def __contains__(self, value: Any) -> bool:
        if not isinstance(value, (Tensor, int, float, complex, np.generic)):
            raise RuntimeError(
                f"a tensor contains numbers; it cannot be asked for a {type(value).__name__}"
            )
        return bool((self.array == getattr(value, "array", value)).any())

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        if not self.is_leaf:
            raise RuntimeError(
                "only leaf tensors can be deep-copied; this one was computed by "
                f"{self._node.plan.op.name}: copy x.detach()"
            )
        made = wrap_as(type(self), self.array.copy())
        made._needs_grad = self._needs_grad
        made.__dict__.update(self.__dict__)
        memo[id(self)] = made
        if self.grad is not None:
            made.grad = self.grad.detach().__deepcopy__(memo)
        return made

    def __reduce_ex__(self, protocol: Any) -> Any:
        return _rebuild, (type(self), devices.move(self.array, devices.CPU), self._needs_grad)


_left_out = {name: left_out.LeftOut(name) for name in left_out.METHODS.split()}
for _name, _stand_in in _left_out.items():
    setattr(Tensor, _name, _stand_in)

trust(Tensor)
_new = object.__new__


def wrap(array: Any) -> Tensor:
    """A tensor over an array, as it is and without a copy: how every tensor is made in here."""
    t = _new(Tensor)
    t.array = array
    t._counter = [0]
    t._grad = None
    t._node = None
    t._needs_grad = False
    t._view = None
    t._hooks = None
    return t


def _fill(t: Tensor, array: Any) -> None:
    t.array = array
    t._counter = [0]
    t._grad = t._node = t._view = t._hooks = None
    t._needs_grad = False


def wrap_as(kind: type[Tensor], array: Any) -> Any:
    """As `wrap`, for a subclass of Tensor."""
    t = _new(kind)
    _fill(t, array)
    return t


def _rebuild(kind: type[Tensor], array: np.ndarray, needs_grad: bool) -> Tensor:
    made = wrap_as(kind, array)
    made._needs_grad = needs_grad
    return made


def _in_inference_mode() -> bool:
    from .autograd.grad_mode import is_inference_mode_enabled

    return is_inference_mode_enabled()


def _refresh(t: Tensor) -> None:
    if t._view is not None:
        from .ops.apply import refresh

        refresh(t)
