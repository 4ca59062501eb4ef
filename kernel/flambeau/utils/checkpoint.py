"""Checkpoints: what a backward needs is computed a second time rather than kept.

Mirrors ``torch.utils.checkpoint``.
"""

from __future__ import annotations

import contextlib
import warnings
import weakref
from collections.abc import Callable, Iterator
from typing import Any

from .. import autograd, random
from ..autograd import graph, is_grad_enabled
from ..autograd.function import Function
from ..func.trees import flatten
from ..left_out import explain_all
from ..tensor import Tensor, wrap

__all__ = [
    "CheckpointError",
    "CheckpointFunction",
    "checkpoint",
    "checkpoint_sequential",
    "noop_context_fn",
    "set_checkpoint_early_stop",
]

_DEFAULT_DETERMINISM_CHECK = "default"
_early_stop: list[bool] = [True]


class CheckpointError(RuntimeError):
    """The second run of a function did not do what its first run did."""


class _Enough(Exception):
    """Ends the second run once everything that was kept in the first is there again."""


@contextlib.contextmanager
def set_checkpoint_early_stop(enable: bool) -> Iterator[None]:
    """Whether a second run ends as soon as all that the backward needs is there (the default)."""
    _early_stop.append(enable)
    try:
        yield
    finally:
        _early_stop.pop()


def noop_context_fn() -> tuple[Any, Any]:
    """Two contexts that do nothing: for the first run and the second."""
    return contextlib.nullcontext(), contextlib.nullcontext()


class _Randomness:
    """The state of the random generators, to have a function draw the same numbers again."""

    def __init__(self, preserve: bool) -> None:
        self.state = random.get_rng_state() if preserve else None

    @contextlib.contextmanager
    def again(self) -> Iterator[None]:
        """Inside it, the generators go on from that state."""
        with random.fork_rng(enabled=self.state is not None):
            if self.state is not None:
                random.set_rng_state(self.state)
            yield


def checkpoint(
    function: Callable[..., Any],
    *args: Any,
    use_reentrant: bool | None = None,
    context_fn: Callable[[], tuple[Any, Any]] = noop_context_fn,
    determinism_check: str = _DEFAULT_DETERMINISM_CHECK,
    debug: bool = False,
    early_stop: bool = True,
    **kwargs: Any,
) -> Any:
    """Calls ``function``, keeping only its inputs; the backward calls it again for the rest.

    ``use_reentrant=False`` is the way to prefer: it allows keyword arguments, ``autograd.grad``
    and inputs without gradients. ``preserve_rng_state`` (True) has it draw the same random numbers
    again; ``context_fn`` gives a context for either run; ``determinism_check="default"`` compares
    shapes, types and devices of the two runs, and an error names all that differ, so ``debug`` adds
    nothing here.

    >>> x = fb.ones(2, requires_grad=True)
    >>> checkpoint(lambda x: x.exp().log(), x, use_reentrant=False).sum().backward()
    >>> x.grad
    tensor([1., 1.])
    """
    if use_reentrant is None:
        warnings.warn(
            "torch.utils.checkpoint: the use_reentrant parameter should be passed explicitly. "
            "use_reentrant=False is recommended.",
            stacklevel=2,
        )
        use_reentrant = True
    preserve = kwargs.pop("preserve_rng_state", True)
    if use_reentrant:
        if kwargs:
            raise ValueError("Unexpected keyword arguments: " + ",".join(kwargs))
        if context_fn is not noop_context_fn or debug is not False:
            raise ValueError(
                "Passing `context_fn` or `debug` is only supported when use_reentrant=False."
            )
        return CheckpointFunction.apply(function, preserve, *args)
    if determinism_check not in ("default", "none"):
        raise ValueError(
            f"determinism_check should be one of ('default', 'none') but got {determinism_check}"
        )
    first, second = context_fn()
    frame = _Frame(function, args, kwargs, preserve, determinism_check == "default", second)
    frame.early_stop = early_stop and _early_stop[-1]
    if not is_grad_enabled():
        return function(*args, **kwargs)
    with graph.saved_tensors_hooks(frame.pack, frame.unpack), first:
        return function(*args, **kwargs)


# Without re-entering: the hooks on saved tensors keep a number for each, and run again for all.


class _Holder:
    """Stands for one kept value."""

    __slots__ = ("__weakref__", "number")

    def __init__(self, number: int) -> None:
        self.number = number


def _looks(t: Tensor) -> tuple[Any, ...]:
    return tuple(t.shape), t.dtype, str(t.device)


class _Frame:
    """One call under a checkpoint: how to run it again, and what its backward needs."""

    early_stop = True

    def __init__(
        self, function: Any, args: Any, kwargs: Any, preserve: bool, check: bool, second: Any
    ) -> None:
        self.function, self.args, self.kwargs = function, args, kwargs
        self.randomness = _Randomness(preserve)
        self.check, self.second = check, second
        self.looks: list[tuple[Any, ...]] = []
        self.holders: list[weakref.ref[_Holder]] = []
        self.values: dict[int, Any] = {}

    def pack(self, t: Tensor) -> _Holder:
        """Keeps a number instead of a value."""
        holder = _Holder(len(self.looks))
        self.looks.append(_looks(t))
        self.holders.append(weakref.ref(holder))
        return holder

    def unpack(self, holder: _Holder) -> Tensor:
        """The value, after a second run if that is needed."""
        if holder.number not in self.values:
            self._run_again()
        if holder.number not in self.values:
            raise CheckpointError(
                "torch.utils.checkpoint: A different number of tensors was saved during the "
                f"original forward and recomputation.\nNumber of tensors saved during forward: "
                f"{len(self.looks)}\nNumber of tensors saved during recomputation: "
                f"{len(self.values)}."
            )
        return wrap(self.values.pop(holder.number).array)

    def _run_again(self) -> None:
        values: dict[int, Any] = {}
        total = len(self.looks)
        args = [_detached(a) for a in self.args]
        kwargs = {k: _detached(v) for k, v in self.kwargs.items()}

        def pack(t: Tensor) -> Tensor:
            number = len(values)
            if number >= total and self.early_stop is False:
                raise self._too_many()
            values[number] = t.detach()
            if self.early_stop and len(values) == total:
                raise _Enough
            return t.detach()

        with (
            autograd.enable_grad(),
            self.randomness.again(),
            contextlib.suppress(_Enough),
            graph.saved_tensors_hooks(pack, lambda t: t),
            self.second,
        ):
            self.function(*args, **kwargs)
        self._compare(values)
        self.values = values

    def _too_many(self) -> CheckpointError:
        return CheckpointError(
            "torch.utils.checkpoint: trying to save more tensors during recomputation than during "
            f"the original forward pass ({len(self.looks)})."
        )

    def _compare(self, values: dict[int, Any]) -> None:
        """CheckpointError if the second run kept other things than the first."""
        if len(values) != len(self.looks):
            raise CheckpointError(
                "torch.utils.checkpoint: A different number of tensors was saved during the "
                f"original forward and recomputation.\nNumber of tensors saved during forward: "
                f"{len(self.looks)}\nNumber of tensors saved during recomputation: {len(values)}."
            )
        if not self.check:
            return
        wrong = [
            f"tensor at position {i}:\nsaved metadata: {was}\nrecomputed metadata: {now}"
            for i, was in enumerate(self.looks)
            if was != (now := _looks(values[i]))
        ]
        if wrong:
            raise CheckpointError(
                "torch.utils.checkpoint: Recomputed values for the following tensors have "
                "different metadata than during the forward pass.\n" + "\n".join(wrong)
            )


def _detached(value: Any) -> Any:
    if not isinstance(value, Tensor):
        return value
    made = value.detach()
    return made.requires_grad_() if value.requires_grad else made


# Re-entering: a Function whose backward runs a backward of its own.


class CheckpointFunction(Function):
    """Runs a function without a graph, and again with one in its backward."""

    @staticmethod
    def forward(ctx: Any, run_function: Any, preserve_rng_state: bool, *args: Any) -> Any:
        """What the function gives, and no graph."""
        _warn_if_nothing_requires_grad(args)
        ctx.run_function = run_function
        ctx.randomness = _Randomness(preserve_rng_state)
        ctx.places = [i for i, a in enumerate(args) if isinstance(a, Tensor)]
        ctx.inputs = [None if isinstance(a, Tensor) else a for a in args]
        ctx.save_for_backward(*(args[i] for i in ctx.places))
        return run_function(*args)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        """Runs the function again, and back through it."""
        running = autograd.engine.running()
        if running is not None and running.captured is not None:
            raise RuntimeError(
                "When use_reentrant=True, torch.utils.checkpoint is incompatible with .grad() or "
                "passing an `inputs` parameter to .backward(). To resolve this error, you can "
                "either set use_reentrant=False, or call .backward() without passing the `inputs` "
                "argument."
            )
        inputs = list(ctx.inputs)
        for i, t in zip(ctx.places, ctx.saved_tensors, strict=True):
            inputs[i] = _detached(t)
        with autograd.enable_grad(), ctx.randomness.again():
            made = ctx.run_function(*inputs)
        outs = made if isinstance(made, tuple) else (made,)
        pairs = [
            (t, g)
            for t, g in zip(outs, grads, strict=False)
            if isinstance(t, Tensor) and t.requires_grad
        ]
        if not pairs:
            raise RuntimeError(
                "none of output has requires_grad=True, this checkpoint() is not necessary"
            )
        roots, seeds = zip(*pairs, strict=True)
        autograd.backward(roots, seeds)
        return None, None, *(t.grad if isinstance(t, Tensor) else None for t in inputs)


def _warn_if_nothing_requires_grad(args: Any) -> None:
    if not any(isinstance(t, Tensor) and t.requires_grad for t in flatten(args)[0]):
        warnings.warn(
            "None of the inputs have requires_grad=True. Gradients will be None", stacklevel=4
        )


def checkpoint_sequential(
    functions: Any, segments: int, input: Any, use_reentrant: bool | None = None, **kwargs: Any
) -> Any:
    """Runs modules one after another in parts, each but the last under a checkpoint.

    >>> net = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 2))
    >>> checkpoint_sequential(net, 2, fb.ones(3, 4), use_reentrant=False).shape
    torch.Size([3, 2])
    """
    from ..nn import Sequential

    if use_reentrant is None:
        warnings.warn(
            "torch.utils.checkpoint.checkpoint_sequential: the use_reentrant parameter should be "
            "passed explicitly. use_reentrant=False is recommended.",
            stacklevel=2,
        )
        use_reentrant = True
    preserve = kwargs.pop("preserve_rng_state", True)
    if kwargs:
        raise ValueError("Unexpected keyword arguments: " + ",".join(kwargs))
    steps = list(functions.children()) if isinstance(functions, Sequential) else list(functions)
    length = len(steps) // segments

    def part(start: int, end: int) -> Any:
        def run(x: Any) -> Any:
            for step in steps[start:end]:
                x = step(x)
            return x

        return run

    end = 0
    for start in range(0, length * (segments - 1), length):
        end = start + length
        input = checkpoint(
            part(start, end), input, use_reentrant=use_reentrant, preserve_rng_state=preserve
        )
    return part(end, len(steps))(input)


explain_all(__name__)
