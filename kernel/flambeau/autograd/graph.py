"""What one can do with the graph itself: hooks on what is kept, nodes, edges, versions.

Mirrors ``torch.autograd.graph``.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import numpy as np

from ..left_out import explain_all
from ..tensor import Tensor, wrap
from . import grad_mode
from .layers import Layer
from .node import Edge as GradientEdge
from .node import Leaf, Node, Output

__all__ = [
    "GradientEdge",
    "Node",
    "allow_mutation_on_saved_tensors",
    "disable_saved_tensors_hooks",
    "get_gradient_edge",
    "increment_version",
    "register_multi_grad_hook",
    "save_on_cpu",
    "saved_tensors_hooks",
]


class _Here(threading.local):
    """The hooks on saved tensors in this thread, the innermost last; and why there may be none."""

    def __init__(self) -> None:
        self.hooks: list[tuple[Any, Any]] = []
        self.disabled: str | None = None


_here = _Here()


class Packed:
    """A value that a node kept, as the pack hook returned it."""

    __slots__ = ("unpack", "value")

    def __init__(self, array: Any, tensor: Tensor | None, hooks: tuple[Any, Any]) -> None:
        pack, self.unpack = hooks
        given = wrap(array) if tensor is None else tensor
        version = given._counter[0] if given._counter is not None else 0
        with grad_mode.no_grad():
            self.value = pack(given)
        if given._counter is not None and given._counter[0] != version:
            raise RuntimeError(
                "A saved tensor pack hook is modifying its input in place. Tensors provided as "
                "input to pack hook can not be modified by in-place operations as this can lead "
                "to unexpected side-effects. Please open an issue if you need to perform in-place "
                "operations on the input to a pack hook."
            )

    def array(self) -> Any:
        """The value again."""
        given = self.unpack(self.value)
        if not isinstance(given, Tensor):
            raise TypeError(
                "Output of saved tensor unpack_hook expected to be a Tensor but got result of "
                f"type {type(given).__name__}"
            )
        return given.array


def _is_array(value: Any) -> bool:
    return hasattr(value, "strides") and not isinstance(value, np.generic)


class PackedNode(Node):
    """A node that keeps what the hooks made of its values."""

    __slots__ = ()

    @property
    def kept(self) -> Any:  # type: ignore[override]
        """What the gradient rules named, unpacked."""
        found = _kept.__get__(self)
        if found is None:
            return None
        return tuple(v.array() if isinstance(v, Packed) else v for v in found)

    @kept.setter
    def kept(self, value: Any) -> None:
        _kept.__set__(self, value)


_kept: Any = Node.__dict__["kept"]


def pack_node(node: Node, tensors: Sequence[Any], outs: Sequence[Tensor]) -> None:
    """Hands everything that a node keeps to the innermost hooks."""
    if node.__class__ is not Node or node.kept is None:
        return
    hooks = _here.hooks[-1]
    values = []
    for kind, value in zip(node.plan.kinds, node.kept, strict=False):
        if _is_array(value):
            source = tensors[kind] if 0 <= kind < len(tensors) else outs[0] if kind == -1 else None
            same = isinstance(source, Tensor) and source.array is value
            # An output that a node of its own kept would be a cycle: it is handed on by itself.
            given = source if same and kind >= 0 else None
            value = Packed(value, given, hooks)
        values.append(value)
    node.__class__ = PackedNode
    node.kept = tuple(values)
    node.counters, node.stamp = (), 0


class Packing(Layer):
    """Has the hooks of this thread pack what each operation keeps."""

    rank = 40

    def apply(self, inner: Any, op: Any, inputs: Any, params: Any = ()) -> Any:
        """Runs an operation, and packs what it keeps."""
        out = inner(op, inputs, params)
        if _here.hooks:
            outs = out if out.__class__ is tuple else (out,)
            self._pack(outs, inputs)
        return out

    def apply_inplace(self, inner: Any, op: Any, inputs: Any, params: Any = ()) -> Any:
        """The same for an operation that writes into its first input."""
        before = inputs[0]._node if isinstance(inputs[0], Tensor) else None
        out = inner(op, inputs, params)
        if _here.hooks and out._node is not before:
            self._pack((out,), (None, *inputs[1:]))
        return out

    @staticmethod
    def _pack(outs: Any, inputs: Any) -> None:
        for t in outs:
            node = t._node
            if node is not None:
                main = node.parents[0] if node.__class__ is Output else node
                pack_node(main, inputs, outs)


_packing = Packing()


class saved_tensors_hooks:  # noqa: N801
    """Inside it, ``pack_hook`` sees every tensor kept for a backward and says what to keep instead.

    ``unpack_hook`` makes the tensor of that again when the backward needs it.

    >>> x = fb.ones(2, requires_grad=True)
    >>> with saved_tensors_hooks(lambda t: print("kept", tuple(t.shape)), lambda kept: kept):
    ...     y = x.exp()
    kept (2,)
    """

    def __init__(
        self, pack_hook: Callable[[Tensor], Any], unpack_hook: Callable[[Any], Tensor]
    ) -> None:
        self.pack_hook, self.unpack_hook = pack_hook, unpack_hook

    def __enter__(self) -> None:
        if _here.disabled is not None:
            raise RuntimeError(_here.disabled)
        _here.hooks.append((self.pack_hook, self.unpack_hook))
        _packing.switch_on()

    def __exit__(self, *_: object) -> None:
        _here.hooks.pop()
        _packing.switch_off()


def current_hooks() -> tuple[Any, Any] | None:
    """The innermost hooks of this thread."""
    return _here.hooks[-1] if _here.hooks else None


class save_on_cpu(saved_tensors_hooks):  # noqa: N801
    """Inside it, what is kept for a backward waits in the CPU's memory."""

    def __init__(self, pin_memory: bool = False, device_type: str = "cuda") -> None:
        def pack(t: Tensor) -> Any:
            return t.device, t.detach().cpu() if t.is_cuda else t.detach().clone()

        def unpack(packed: Any) -> Tensor:
            device, t = packed
            return t.to(device)

        super().__init__(pack, unpack)


@contextmanager
def disable_saved_tensors_hooks(error_message: str) -> Iterator[None]:
    """Inside it, `saved_tensors_hooks` is an error with this message."""
    before = _here.disabled
    if _here.hooks:
        raise RuntimeError(error_message)
    _here.disabled = error_message
    try:
        yield
    finally:
        _here.disabled = before


def increment_version(tensor: Any) -> None:
    """Counts a write to a tensor (or several) that autograd did not see."""
    for t in (tensor,) if isinstance(tensor, Tensor) else tensor:
        if t._counter is None:
            raise RuntimeError("tensors made in inference_mode do not count their versions")
        t._counter[0] += 1


def get_gradient_edge(tensor: Tensor) -> GradientEdge:
    """The place in the graph where the gradient of a tensor is known.

    ``torch.autograd.grad`` and ``backward`` take it in place of the tensor.
    """
    if not tensor.requires_grad:
        raise RuntimeError(
            "It is not possible to get the gradient edge for a Tensor that does "
            "not require gradients"
        )
    node = tensor._node
    if node is None:
        return GradientEdge(Leaf(tensor), 0)
    if node.__class__ is Output:
        return GradientEdge(node.parents[0], node.index, node)
    return GradientEdge(node, 0)


class _Several:
    """The handle of hooks on several tensors."""

    def __init__(self, handles: Any) -> None:
        self.handles = tuple(handles)

    def remove(self) -> None:
        """Takes the hooks away."""
        for handle in self.handles:
            handle.remove()

    def __enter__(self) -> _Several:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()


def register_multi_grad_hook(
    tensors: Sequence[Tensor],
    fn: Any,
    *,
    mode: Literal["all", "any"] = "all",
) -> Any:
    """Calls ``fn`` once in a backward: with all gradients, or with the first that is known.

    With ``"all"`` it gets a list, with None for tensors that the backward does not reach.
    """
    if mode not in ("all", "any"):
        raise ValueError(f"Expects mode to be one of ('all', 'any') but got {mode}")
    if not tensors:
        raise RuntimeError("register_multi_grad_hook: expected at least one tensor")
    from .multi_grad import MultiHook

    hook = MultiHook(tensors, fn, mode)
    return _Several(t.register_hook(hook.for_one(i)) for i, t in enumerate(tensors))


@contextmanager
def allow_mutation_on_saved_tensors() -> Iterator[Any]:
    """Inside it, a tensor that a backward needs may be written to: its old values are kept."""
    from .mutation import Mutations

    with Mutations() as mutations:
        yield mutations


explain_all(__name__)
