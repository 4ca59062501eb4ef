"""What an operation is: one forward, its gradient rules, and the names it goes by.

    @op
    def tanh(xp, x):
        "Hyperbolic tangent of each element."
        return xp.tanh(x)

    @tanh.gradient()
    def _(g, out):
        return g * (1 - out * out)

The forward works on plain arrays; ``xp`` is ``numpy`` or ``cupy``. Its arguments before a ``/``
(all of them where there is none) are tensors, those after it are plain values.

A rule's own argument names say what the node keeps for it: an input's name, ``out``, an entry of
``extras``, a plain argument, or ``x_shape`` for the shape of ``x`` alone. ``g`` is the gradient of
the output. Rules run on arrays in an ordinary backward and on Tensors under ``create_graph``: what
is not an operator they take from ``ns``, which has every operation by name for either.
``op.gradient("x")`` registers a rule for one input, so that what it alone needs is kept only when
``x`` wants a gradient; without names one rule returns a tuple, one gradient for each input.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from ..autograd.rules import OPS
from ..errors import ValuesNeeded, misused, out_of_memory
from ..subclasses import KNOWN, Overridden, dispatch, involved
from .apply import apply
from .binding import ALIASES, order_of
from .layers import AROUND, LAYERS
from .out import SPACES_WITH_OUT, called_with_out, slice_by_slice
from .plans import Plan, Rule
from .short import apply_one, apply_two, apply_written
from .signature import MISSING as _MISSING
from .signature import Argument, arguments_of

FUNCTIONS: dict[str, Any] = {}  # composites, which are made of operations
# Where a name is shown: on the package, on Tensor, in nn.functional, in a package of its own.
SPACES: dict[str, dict[str, Any]] = {
    space: {} for space in ("fb", "Tensor", "F", "linalg", "fft", "special")
}

_PUBLIC_NAME = {"x": "input", "y": "other"}


class Op:
    """A registered operation; calling it runs it on Tensors and extends the dynamic graph."""

    def __init__(self, forward: Callable[..., Any], **options: Any) -> None:
        self.name: str = options.get("name") or forward.__name__
        self.__name__ = self.name
        self.__doc__ = forward.__doc__
        self.forward = self.source_function = forward
        self.view: bool = options.get("view", False)  # the output shares the input's memory
        self.extras: tuple[str, ...] = tuple(options.get("extras", ()))
        self.outputs: int = options.get("outputs", 1)  # 0: a list of any length
        self.use_promotion(options.get("promote"))
        # Of complex numbers, the gradient is g times the *conjugate* of the derivative; for these
        # it is enough that the engine conjugates what the rule is given.
        self.holomorphic: bool = options.get("holomorphic", False)
        self.reads: int = options.get("reads", 0)
        self.rules: list[Rule] = []
        self.plans: dict[int, Plan] = {}
        self.backward_name: str = (
            options.get("backward") or f"{self.name.title().replace('_', '')}Backward0"
        )
        self.packs: bool = options.get("packs", False)
        self.takes_out = False  # `show` says so
        self.write: Callable[..., Any] | None = None  # its own in-place forward, if it has one
        self.problem: Callable[..., str | None] | None = None
        self.release: Callable[..., Any] | None = None  # what remains kept after a backward
        # Whether its rule takes None for the gradient of an output that was not used.
        self.gaps: Callable[[Any], bool] = lambda kept: False
        self._read_signature()

    def use_promotion(self, rule: Callable[..., Any] | None) -> None:
        """Sets the rule that brings the inputs to their type, as autocast does for a while."""
        self.promote = rule
        # Whether the short way will do for floats of one type: see `ops.short`.
        as_they_are = rule is None or getattr(rule, "keeps_floats", False)
        self.direct = as_they_are and self.outputs == 1 and not self.extras
        # What `takes_number` finds out when the first number comes.
        self.number_second = self.number_first = 0

    def takes_number(self, turned: bool) -> int:
        """Whether a number may stand beside floats, as the second input or (turned) the first.

        1 if it may come as an array of no dimensions, 2 if the forward wants it as it is, else -1.
        """
        given = [np.ones(1, np.float32), 2.0]
        given = given[::-1] if turned else given
        try:
            brought = self.promote(given) if self.promote is not None else ()
        except Exception:
            brought = ()
        if [*map(id, brought)] != [*map(id, given)]:
            found = -1
        else:
            found = 2 if getattr(self.promote, "wants_numbers", False) else 1
        if turned:
            self.number_first = found
        else:
            self.number_second = found
        return found

    def _read_signature(self) -> None:
        (_, *names), (_, *defaults), before_slash, listed = arguments_of(self.forward)
        self.variadic = bool(names) and names[0] == listed
        marked = 1 if self.variadic else before_slash - 1  # without xp
        self.count = marked if marked > 0 else len(names)
        self.inputs, self.param_names = names[: self.count], names[self.count :]
        self.names = [_PUBLIC_NAME.get(n, n) for n in self.inputs] + self.param_names
        self.defaults = defaults
        self.params = list(map(Argument, self.param_names, defaults[self.count :]))
        self.simple = -1 if self.params else self.count  # so many arguments are tensors and no more
        # The defaults that complete a call with so many positional arguments.
        self.tails = {
            given: tuple(self.defaults[given:])
            for given in range(len(self.names) + 1)
            if _MISSING not in self.defaults[given:]
        }
        # What puts a call in order, by its number of positional arguments and its keywords.
        self.orders: dict[tuple[Any, ...], Callable[..., tuple[Any, ...]]] = {}
        if self.variadic:
            self.forward = _spread(self.forward, self.param_names)

    def source(self, name: str, count: int) -> tuple[int, bool]:
        """Where a rule's argument stands among (inputs, output, extras, params); is it a shape?"""
        places = [f"input{i}" for i in range(count)] if self.variadic else list(self.inputs)
        places += ["out", *self.extras, *self.param_names]
        if name in places:
            return places.index(name), False
        if name.endswith("_shape") and name[:-6] in places:
            return places.index(name[:-6]), True
        raise TypeError(f"{self.name}: its rule names {name!r}; there are {', '.join(places)}")

    def plan(self, mask: int) -> Plan:
        """The plan for a mask: a 1, then a bit for each input that says if it wants a gradient."""
        wanted = tuple(bit == "1" for bit in bin(mask)[3:])
        made = self.plans[mask] = Plan(self, len(wanted), wanted)
        return made

    def gradient(self, *names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Registers the gradient rule of the named inputs (all of them where none is named)."""

        def register(function: Callable[..., Any]) -> Callable[..., Any]:
            self.rules.append(Rule(self, names or tuple(self.inputs), function))
            return function

        return register

    def gradients(self, **rules: Callable[..., Any]) -> Op:
        """Registers one rule for each named input: ``mul.gradients(x=lambda g, y: g * y, ...)``."""
        for name, function in rules.items():
            self.gradient(name)(function)
        return self

    def writes(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Registers an in-place forward ``(xp, x, ...)`` that writes into x without a copy.

        What it returns NotImplemented for is copied from the ordinary forward's result.
        """
        self.write = function
        return function

    def explains(self, function: Callable[..., str | None]) -> Callable[..., str | None]:
        """Registers what to say of bad input; called only after the forward has failed."""
        self.problem = function
        return function

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Runs it, with the arguments that PyTorch's function of that name takes."""
        try:
            full = args
            if kwargs:
                if "out" in kwargs and self.takes_out:
                    return called_with_out(self, args, kwargs)
                full = self.bind(args, kwargs)
            elif len(args) != self.simple:
                tail = self.tails.get(len(args))
                full = self.bind(args, kwargs) if tail is None else args + tail
            n = self.count
            if n == 1:
                return apply_one(self, full[0], full[1:])
            if n == 2:
                return apply_two(self, full[0], full[1], full[2:])
            return apply(self, full[:n], full[n:])
        except Overridden:
            return dispatch(self, args, kwargs)

    def as_method(self) -> Callable[..., Any]:
        """The operation as a method of Tensor: a function, which Python binds at no cost."""
        call, tails, bind = self.__call__, self.tails, self.bind

        def method_of_one(*args: Any, **kwargs: Any) -> Any:
            tail = None if kwargs else tails.get(len(args))
            if tail is None and "out" in kwargs:
                return call(*args, **kwargs)
            full = bind(args, kwargs) if tail is None else args + tail
            try:
                return apply_one(self, full[0], full[1:])
            except Overridden:
                return dispatch(self, args, kwargs)

        def method_of_two(*args: Any, **kwargs: Any) -> Any:
            tail = None if kwargs else tails.get(len(args))
            if tail is None and "out" in kwargs:
                return call(*args, **kwargs)
            full = bind(args, kwargs) if tail is None else args + tail
            try:
                return apply_two(self, full[0], full[1], full[2:])
            except Overridden:
                return dispatch(self, args, kwargs)

        ways = {} if self.variadic else {1: method_of_one, 2: method_of_two}
        return _named_as(self, ways[self.count]) if self.count in ways else _as_function(self)

    def bind(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
        """Puts positional and keyword arguments in order and fills in the defaults."""
        order = self.orders.get((len(args), *kwargs))
        if order is None:
            order = self.orders[len(args), *kwargs] = order_of(self, len(args), tuple(kwargs))
        return order(args, kwargs)

    def __repr__(self) -> str:
        return f"<op {self.name}({', '.join(self.names)})>"

    @property
    def __signature__(self) -> inspect.Signature:
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        return inspect.Signature(
            [
                inspect.Parameter(n, kind, default=d)
                for n, d in zip(self.names, self.defaults, strict=True)
            ]
        )


def _spread(forward: Callable[..., Any], names: list[str]) -> Callable[..., Any]:
    """A forward of ``*tensors`` and keywords, taking all in one row."""
    split = -len(names)
    if len(names) == 1:  # as for cat and stack
        (name,) = names
        return lambda xp, *all_: forward(xp, *all_[:-1], **{name: all_[-1]})
    if not names:
        return forward
    named = lambda last: dict(zip(names, last, strict=True))  # noqa: E731
    return lambda xp, *all_: forward(xp, *all_[:split], **named(all_[split:]))


class ListOp(Op):
    """An operation on any number of tensors, called with a list of them: ``cat([a, b], 1)``."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Runs it on a list of tensors."""
        if "out" in kwargs and self.takes_out:
            return called_with_out(self, args, kwargs)
        tail = None if kwargs else self.tails.get(len(args))
        tensors, *params = self.bind(args, kwargs) if tail is None else args + tail
        if not isinstance(tensors, (list, tuple)):
            raise TypeError(
                f"{self.name}(): argument {self.names[0]!r} must be a tuple of Tensors, "
                f"not {type(tensors).__name__}"
            )
        try:
            return apply(self, tuple(tensors), tuple(params))
        except Overridden:
            return dispatch(self, args, kwargs)


class InPlace:
    """The in-place twin of an operation, ``Tensor.add_``: same forward, written into the input."""

    def __init__(self, op: Op) -> None:
        self.op = op
        self.__name__ = f"{op.name}_"
        self.__doc__ = f"In-place version of ``{op.name}``: writes into the tensor, returns it."

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Writes what the operation gives into its first argument, and returns that."""
        op = self.op
        tail = None if kwargs else op.tails.get(len(args))
        full = op.bind(args, kwargs) if tail is None else args + tail
        n = op.count
        try:
            return apply_written(op, full[:n], full[n:])
        except Overridden:
            return dispatch(self, args, kwargs)

    def as_method(self) -> Callable[..., Any]:
        """The operation as a method of Tensor, as `Op.as_method`."""
        op = self.op
        tails, n = op.tails, op.count

        def method(*args: Any, **kwargs: Any) -> Any:
            tail = None if kwargs else tails.get(len(args))
            full = op.bind(args, kwargs) if tail is None else args + tail
            try:
                return apply_written(op, full[:n], full[n:])
            except Overridden:
                return dispatch(self, args, kwargs)

        return _named_as(self, method)


def _as_function(thing: Any) -> Callable[..., Any]:
    call = thing.__call__

    def method(*args: Any, **kwargs: Any) -> Any:
        return call(*args, **kwargs)

    return _named_as(thing, method)


def _named_as(thing: Any, method: Callable[..., Any]) -> Callable[..., Any]:
    method.__name__ = method.__qualname__ = thing.__name__
    method.__doc__ = thing.__doc__
    method.__wrapped__ = thing  # type: ignore[attr-defined]  # whose signature it has
    return method


def show(name: str, thing: Any, on: str) -> None:
    """Shows a thing under a name in the spaces listed: ``"fb Tensor F"``."""
    for space in on.split():
        SPACES[space][name] = thing
        if space in SPACES_WITH_OUT and isinstance(thing, Op):
            thing.takes_out = not thing.view


def op(forward: Callable[..., Any] | None = None, **options: Any) -> Any:
    """Registers an operation.

    Options: ``on`` the spaces that show it ("fb Tensor"; "" for an internal one), ``name``,
    ``aliases``, ``inplace`` for an ``x_`` twin, ``view`` for an output that shares memory,
    ``promote`` a rule of `promote.py`, ``extras`` names of further values that the forward
    returns for the gradient rule, ``outputs`` how many tensors it returns (0: any number),
    ``reads`` the output of several that the rule reads, so the one not to be written to,
    ``packs`` to take ``x.view(2, 3)`` as well as ``x.view((2, 3))``, ``backward`` the name of its
    node where PyTorch's is not made of the op's own. ``*tensors`` in the forward stand for a list.
    """
    if forward is None:
        return lambda f: op(f, **options)
    on, aliases = options.pop("on", "fb Tensor"), options.pop("aliases", ())
    inplace = options.pop("inplace", False)
    made = (ListOp if arguments_of(forward).listed else Op)(forward, **options)
    if made.name in OPS:
        raise ValueError(f"the operation {made.name!r} is registered twice")
    OPS[made.name] = made
    for layer in LAYERS:
        made.forward = layer.forward(made)
    for name in (made.name, *aliases):
        show(name, made, on)
        if inplace:
            show(f"{name}_", InPlace(made), " ".join(s for s in on.split() if s != "special"))
    return made


def function(
    body: Callable[..., Any] | None = None,
    *,
    on: str = "fb Tensor",
    name: str = "",
    aliases: Any = (),
) -> Any:
    """Registers a composite: a function of Tensors made of operations, with no rule of its own."""
    if body is None:
        return lambda f: function(f, on=on, name=name, aliases=aliases)
    name = name or body.__name__
    names = set(arguments_of(body).names)
    takes_out = "out" not in names and not SPACES_WITH_OUT.isdisjoint(on.split())
    renamed = ALIASES.keys() - names

    @functools.wraps(body)
    def called(*args: Any, **kwargs: Any) -> Any:
        if kwargs:
            if not KNOWN.issuperset(map(type, (*args, *kwargs.values()))) and (
                involved((*args, *kwargs.values()))
            ):
                return dispatch(called.shown, args, kwargs)  # type: ignore[attr-defined]
            if takes_out and "out" in kwargs:
                return called_with_out(called, args, kwargs)
            for old in renamed & kwargs.keys():
                kwargs[ALIASES[old]] = kwargs.pop(old)
        elif not KNOWN.issuperset(map(type, args)) and involved(args):
            return dispatch(called.shown, args, kwargs)  # type: ignore[attr-defined]
        try:
            if AROUND and name in AROUND:
                return AROUND[name](body, args, kwargs)
            return body(*args, **kwargs)
        except AttributeError as error:
            raise misused(name, error, (*args, *kwargs.values())) from None
        except MemoryError as error:
            raise out_of_memory(name, error) from None
        except ValuesNeeded as error:
            return slice_by_slice(name, body, args, kwargs, error)

    called.__name__ = name
    called.shown = called  # type: ignore[attr-defined]
    FUNCTIONS.setdefault(name, called)
    for known in (name, *aliases):
        show(known, called, on)
    return called


def in_front(composite: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Puts a function before a composite, shown in its place: it answers what is usual, cheaply.

    It calls the composite for all else; so for arguments of which the class is not in `PLAIN`.
    """

    def register(usual: Callable[..., Any]) -> Callable[..., Any]:
        functools.update_wrapper(usual, composite)
        composite.shown = usual
        for names in SPACES.values():
            names.update({name: usual for name, thing in names.items() if thing is composite})
        return usual

    return register
