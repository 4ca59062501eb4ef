"""`Function`: an operation whose forward and backward the user writes."""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable
from time import perf_counter
from typing import Any, NamedTuple

from ..ops.apply import _attach, _several
from ..ops.registry import Op
from ..record.slot import slot
from ..tensor import Tensor, wrap
from . import engine, layers
from .grad_mode import is_grad_enabled, no_grad


class Context:
    """What ``forward`` leaves for ``backward``; PyTorch's ``ctx``."""

    def __init__(self) -> None:
        self.needs_input_grad: tuple[bool, ...] = ()
        self._saved: list[Any] | None = []
        self._stamps: list[Any] = []
        self._changed: tuple[Any, ...] = ()
        self._constant: set[int] = set()
        self._materialize = True
        self.function: Any = None
        self.shapes: list[Any] = []
        self.gives_tensor: list[bool] = []
        self._forward: tuple[Any, ...] = ()  # what save_for_forward kept
        self._node: Any = lambda: None

    def save_for_backward(self, *tensors: Tensor | None) -> None:
        """Keeps tensors for ``backward``, where they are ``ctx.saved_tensors``."""
        for i, t in enumerate(tensors):
            if t is not None and not isinstance(t, Tensor):
                raise TypeError(
                    f"save_for_backward keeps Tensors, and argument {i} is of type "
                    f"{type(t).__name__}; other values can be attributes: ctx.value = value"
                )
        self._saved = [(t, None if t is None else t._counter) for t in tensors]
        self._stamps = [None if c is None else c[0] for _, c in self._saved]

    def mark_dirty(self, *tensors: Tensor) -> None:
        """Says which inputs ``forward`` has written into."""
        self._changed = tensors

    def mark_non_differentiable(self, *tensors: Tensor) -> None:
        """Says which outputs have no gradient."""
        self._constant |= {id(t) for t in tensors}

    def set_materialize_grads(self, value: bool) -> None:
        """Whether the gradient of an output that was not used arrives as zeros, or as None."""
        self._materialize = value

    def save_for_forward(self, *tensors: Tensor | None) -> None:
        """Keeps tensors for ``jvp``, where they are ``ctx.saved_tensors``."""
        for i, t in enumerate(tensors):
            if t is not None and not isinstance(t, Tensor):
                raise TypeError(
                    f"save_for_forward keeps Tensors, and argument {i} is of type "
                    f"{type(t).__name__}"
                )
        self._forward = tensors

    @property
    def dirty_tensors(self) -> tuple[Any, ...]:
        """What `mark_dirty` named."""
        return self._changed

    def name(self) -> str:
        """The name of its node in the graph."""
        return f"{self.function.__name__}Backward"

    @property
    def next_functions(self) -> tuple[Any, ...]:
        """The parents of its node in the graph."""
        node = self._node()
        return () if node is None else node.next_functions

    @property
    def metadata(self) -> dict[Any, Any]:
        """A dict for the user's own notes."""
        return self.__dict__.setdefault("_notes", {})

    def _let_go_of_outputs(self, outs: tuple[Tensor, ...]) -> None:
        """An output kept by its own node would be a cycle: keep its array instead."""
        outputs = {id(t) for t in outs}
        saved = self._saved or []
        self._saved = [((t.array,), c) if id(t) in outputs else (t, c) for t, c in saved]
        if layers.on():
            self._pack()

    def _pack(self) -> None:
        """Hands what is kept to the hooks on saved tensors, where there are any."""
        from .graph import Packed, current_hooks

        hooks = current_hooks()
        if hooks is None:
            return
        for i, (t, _) in enumerate(self._saved or ()):
            if t is not None:
                array = t[0] if isinstance(t, tuple) else t.array
                packed = Packed(array, None if isinstance(t, tuple) else t, hooks)
                history = (
                    () if isinstance(t, tuple) else (t._node or (t if t._needs_grad else None),)
                )
                self._saved[i] = ((packed, *history), None)  # type: ignore[index]

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        """The tensors that ``save_for_backward`` kept."""
        if self._saved is None:
            name = type(self).__name__.removesuffix("Context")
            raise RuntimeError(
                f"a backward has already run through {name}, and what it saved "
                "was freed; backward(retain_graph=True) keeps it for a second one"
            )
        found = []
        for (t, counter), stamp in zip(self._saved, self._stamps, strict=True):
            if counter is not None and counter[0] != stamp:
                raise RuntimeError(
                    "one of the variables needed for gradient computation has been modified by an "
                    f"inplace operation: a tensor saved by {type(self).__name__} was written to"
                )
            found.append(self._again(*t) if isinstance(t, tuple) else t)
        return tuple(found)

    def _again(self, value: Any, *history: Any) -> Tensor:
        """An output of its own, or a value that hooks have packed, in its place in the graph."""
        node = history[0] if history else self._node()
        if isinstance(node, Tensor):
            return engine.standing(value.array(), node)
        t = wrap(value if hasattr(value, "dtype") else value.array())
        t._node, t._needs_grad = node, node is not None
        return t


def _rule(ns: Any, g: Any, ctx: Any) -> list[Any]:
    """Hands the gradients to the user's ``backward`` as Tensors, and takes them back."""
    given = iter(g if isinstance(g, list) else [g])
    sent = [next(given) if is_tensor else None for is_tensor in ctx.gives_tensor]
    tensors = [x if x is None or isinstance(x, Tensor) else wrap(x) for x in sent]
    made = ctx.function.backward(ctx, *tensors)
    made = list(made) if isinstance(made, (tuple, list)) else [made]
    count = len(ctx.needs_input_grad)
    if len(made) < count or any(x is not None for x in made[count:]):
        raise RuntimeError(
            f"{ctx.function.__name__}.backward returned {len(made)} gradients, and forward took "
            f"{count} arguments: one is due for each (None where it has none)"
        )
    for i, (x, shape) in enumerate(zip(made[:count], ctx.shapes, strict=True)):
        if x is not None and shape is not None:
            _check_gradient(ctx, i, x, shape)
    made = [x for x, shape in zip(made[:count], ctx.shapes, strict=True) if shape is not None]
    return [x if x is None or ns.taped else x.array for x in made]


def _check_gradient(ctx: Any, i: int, x: Any, shape: tuple[int, ...]) -> None:
    """RuntimeError if it cannot be the gradient of an argument of this shape."""
    name = ctx.function.__name__
    if not isinstance(x, Tensor):
        raise RuntimeError(
            f"{name}.backward returned {type(x).__name__} as gradient {i}; expected a Tensor or "
            "None"
        )
    got = x.array.shape
    if got != shape and not _broadcasts(shape, got):
        raise RuntimeError(
            f"{name}.backward returned an invalid gradient at index {i}: its shape is {got}, and "
            f"argument {i} of forward has shape {shape}"
        )


def _broadcasts(small: tuple[int, ...], large: tuple[int, ...]) -> bool:
    pairs = zip(reversed(small), reversed(large), strict=False)
    return len(small) <= len(large) and all(m in (n, 1) for m, n in pairs)


def _let_go(kept: tuple[Any, ...]) -> tuple[Any, ...]:
    """After a backward: what was saved is freed."""
    (ctx,) = kept
    if ctx._saved:
        ctx._saved = None
    return kept


FunctionCtx = Context


class VmapInfo(NamedTuple):
    """What a Function's ``vmap`` is told of the vmap that runs it."""

    batch_size: int
    randomness: str


def once_differentiable(backward: Callable[..., Any]) -> Callable[..., Any]:
    """Says of a Function's ``backward`` that there are no gradients through it.

    Mirrors ``torch.autograd.function.once_differentiable``.
    """

    @functools.wraps(backward)
    def wrapped(ctx: Any, *gradients: Any) -> Any:
        with no_grad():
            made = backward(ctx, *gradients)
        wanted = any(isinstance(g, Tensor) and g.requires_grad for g in gradients)
        if not is_grad_enabled() or not wanted:
            return made
        several = isinstance(made, tuple)
        blocked = [
            _Once.apply(g.detach().requires_grad_()) if isinstance(g, Tensor) else g
            for g in (made if several else (made,))
        ]
        return tuple(blocked) if several else blocked[0]

    return wrapped


class Function:
    """Subclass it with static ``forward(ctx, ...)`` and ``backward(ctx, *gradients)``.

    Call it as ``MyFunction.apply(...)``. With a static ``setup_context(ctx, inputs, output)``,
    ``forward`` takes no ``ctx``. A static ``jvp(ctx, *tangents)`` serves forward mode, and a static
    ``vmap(info, in_dims, *args)`` returns (output, out_dims); with ``generate_vmap_rule = True``
    each slice is run by itself. Mirrors ``torch.autograd.Function``.

    >>> class Double(fb.autograd.Function):
    ...     forward = staticmethod(lambda ctx, x: x * 2)
    ...     backward = staticmethod(lambda ctx, g: g * 2)
    >>> Double.apply(fb.ones(2, requires_grad=True))
    tensor([2., 2.], grad_fn=<DoubleBackward>)
    """

    generate_vmap_rule = False

    _op: Op | None = None
    _context: type[Context] = Context

    @staticmethod
    def forward(ctx: Any, *args: Any, **kwargs: Any) -> Any:
        """Computes the output; runs without recording."""
        raise NotImplementedError("a Function needs a static forward(ctx, ...)")

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        """Computes one gradient for each argument of ``forward``."""
        raise NotImplementedError("a Function needs a static backward(ctx, *gradients)")

    @staticmethod
    def jvp(ctx: Any, *grad_inputs: Any) -> Any:
        """Computes the tangents of the outputs from those of the arguments."""
        raise NotImplementedError(
            "You must implement the jvp function for custom autograd.Function to use it with "
            "forward mode AD."
        )

    @staticmethod
    def vmap(info: VmapInfo, in_dims: tuple[Any, ...], *args: Any) -> Any:
        """Runs on all slices of its arguments: returns (output, out_dims)."""
        raise NotImplementedError(
            "To use autograd.Function with vmap, you must either override the vmap staticmethod or "
            "set generate_vmap_rule=True."
        )

    @classmethod
    def _operation(cls) -> Op:
        if "_op" not in cls.__dict__ or cls._op is None:

            def forward(xp, *tensors, ctx):  # type: ignore[no-untyped-def]
                raise AssertionError("a Function's forward is run by apply")

            cls._op = Op(forward, name=cls.__name__)
            cls._context = type(f"{cls.__name__}Context", (Context,), {})
            cls._op.source_function = cls.forward
            cls._op.__doc__ = cls.__doc__
            cls._op.backward_name = f"{cls.__name__}Backward"
            cls._op.gradient()(_rule)
            cls._op.release = _let_go
            cls._op.gaps = lambda kept: kept is not None and not kept[0]._materialize
        return cls._op

    @classmethod
    def apply(cls, *args: Any) -> Any:
        """Runs ``forward`` on the arguments and records it."""
        if layers.on():
            return cls._under_modes(args)
        return cls._apply(args)[0]

    @classmethod
    def _under_modes(cls, args: tuple[Any, ...]) -> Any:
        """The same while vmap, forward mode or another mode is on."""
        from ..func.slices import mapped_function
        from . import anomaly_mode, forward_ad

        made = mapped_function(cls, args)
        if made is not NotImplemented:
            return made
        made, ctx = cls._apply(args)
        if anomaly_mode.is_anomaly_enabled():
            for t in made if isinstance(made, tuple) else (made,):
                anomaly_mode.note(t._node if isinstance(t, Tensor) else None)
        forward_ad.push_function(cls, ctx, args, made)
        return made

    @classmethod
    def _apply(cls, args: tuple[Any, ...]) -> tuple[Any, Context]:
        """What ``forward`` gives, recorded, and its context."""
        op = cls._operation()
        ctx = cls._context()
        ctx.function = cls
        ctx.shapes = [a.array.shape if isinstance(a, Tensor) else None for a in args]
        ctx.needs_input_grad = tuple(isinstance(a, Tensor) and a.requires_grad for a in args)
        inputs = tuple(a for a in args if isinstance(a, Tensor))
        new_style = "setup_context" in cls.__dict__
        started = perf_counter()
        with no_grad():
            result = cls.forward(*args) if new_style else cls.forward(ctx, *args)
            if new_style:
                cls.setup_context(ctx, args, result)  # type: ignore[attr-defined]
        every = result if isinstance(result, tuple) else (result,)
        ctx.gives_tensor = [isinstance(t, Tensor) for t in every]
        outs = tuple(t for t in every if isinstance(t, Tensor))
        if not outs:
            return result, ctx
        wanted = is_grad_enabled() and any(t._needs_grad for t in inputs)
        made = cls._finish(op, ctx, inputs, outs, wanted, started)
        if slot.recorder is not None and len(made) == 1:
            given = [t.array for t in inputs]
            slot.recorder.finish(op, inputs, given, made, (), started, depth=2)
        passed = iter(made)
        made = tuple(next(passed) if isinstance(t, Tensor) else t for t in every)
        return (made if isinstance(result, tuple) else made[0]), ctx

    @classmethod
    def _finish(
        cls,
        op: Op,
        ctx: Any,
        inputs: tuple[Tensor, ...],
        outs: tuple[Any, ...],
        wanted: bool,
        started: float,
    ) -> tuple[Any, ...]:
        """Hangs the node on the outputs; an input returned as it is becomes a view of itself."""
        changed = {id(t) for t in ctx._changed}
        given = {id(t) for t in inputs} - changed
        fresh = [wrap(t.array) if id(t) in given else t for t in outs]
        for t in fresh:
            if id(t) in changed and t._counter is not None:
                t._counter[0] += 1
        if not wanted:
            return tuple(fresh)
        if any(id(t) in changed and t._needs_grad and t._node is None for t in inputs):
            raise RuntimeError(
                f"{cls.__name__}: a leaf Variable that requires grad has been used in an in-place "
                "operation (mark_dirty). Use a copy of it: x.clone()"
            )
        parents = [(t._node or t) if t._needs_grad else None for t in inputs]
        mask = int("1" + "".join("0" if p is None else "1" for p in parents), 2)
        arrays = [t.array for t in inputs]
        ctx._let_go_of_outputs(outs)
        if len(fresh) == 1 and id(outs[0]) in ctx._constant:
            return tuple(fresh)
        if len(fresh) == 1:
            _attach(op, mask, inputs, parents, arrays, fresh[0], (), (ctx,))
            ctx._node = weakref.ref(fresh[0]._node)
            return tuple(fresh)
        results = [t.array for t in fresh]
        made = _several(op, mask, inputs, parents, arrays, results, (), (ctx,), True, started)
        for t, before in zip(made, outs, strict=True):
            if id(before) in ctx._constant:
                t._node, t._needs_grad = None, False
        return made


class _Once(Function):
    """Hands a gradient on, and refuses to be differentiated."""

    @staticmethod
    def forward(ctx: Any, g: Any) -> Any:
        """The gradient itself."""
        return g.clone()

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        """RuntimeError."""
        raise RuntimeError(
            "trying to differentiate twice a function that was marked with @once_differentiable"
        )
