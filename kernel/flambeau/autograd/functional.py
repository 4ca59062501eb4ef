"""Jacobians, Hessians and their products with vectors; mirrors ``torch.autograd.functional``.

``func`` takes Tensors and returns one or a tuple of them. Without ``create_graph`` results stand
outside the graph. ``strict`` makes it an error that an output does not depend on an input; else
such derivatives are zeros.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..func.jacobians import basis_of
from ..func.tape import for_each_row
from ..left_out import explain_all
from ..ops.registry import OPS
from ..tensor import Tensor
from . import grad
from .grad_mode import enable_grad


def _as_tuple(value: Any, what: str, name: str) -> tuple[bool, tuple[Tensor, ...]]:
    """Whether there were several, and all of them in a tuple."""
    several = isinstance(value, tuple)
    given = value if several else (value,)
    for i, t in enumerate(given):
        if not isinstance(t, Tensor):
            of = "given to" if what == "inputs" else "of the user-provided function given to"
            raise TypeError(
                f"The {what} {of} {name} must be either a Tensor or a tuple of Tensors but the "
                f"value at index {i} has type {type(t)}."
            )
    return several, given


def _own(inputs: tuple[Tensor, ...], create_graph: bool) -> tuple[Tensor, ...]:
    """The inputs as variables of their own, with their history under ``create_graph``."""
    return tuple(
        OPS["alias"](t) if create_graph and t.requires_grad else t.detach().requires_grad_()
        for t in inputs
    )


def _out(several: bool, tensors: Any, create_graph: bool) -> Any:
    made = tuple(t if create_graph else t.detach() for t in tensors)
    return made if several else made[0]


def _need(tensors: Any, what: str, strict: bool) -> None:
    """RuntimeError if anything does not depend on the inputs, where that is not allowed."""
    for i, t in enumerate(tensors):
        if strict and (t is None or not t.requires_grad):
            raise RuntimeError(
                f"Output {i} of the user-provided function does not require gradients: {what} is "
                "independent of the inputs. This is not allowed in strict mode."
            )


def _pull(outs: Any, inputs: Any, seeds: Any, create_graph: bool, strict: str = "") -> list[Tensor]:
    """The gradients of those outputs that have any; zeros elsewhere, or an error."""
    pairs = [(t, g) for t, g in zip(outs, seeds, strict=True) if t.requires_grad]
    found: Any = (None,) * len(inputs)
    if pairs:
        some, gs = zip(*pairs, strict=True)
        found = grad(some, inputs, gs, True, create_graph, allow_unused=True)
    if strict:
        for i, g in enumerate(found):
            if g is None:
                raise RuntimeError(
                    f"{strict} of the user-provided function is independent of input {i}. This "
                    "is not allowed in strict mode."
                )
            if create_graph and not g.requires_grad:
                raise RuntimeError(
                    f"The derivative of {strict} of the user-provided function is independent of "
                    f"input {i}. This is not allowed in strict mode when create_graph=True."
                )
    pairs_in = zip(found, inputs, strict=True)
    return [OPS["zeros_of"](x.detach()) if g is None else g for g, x in pairs_in]


def _vector(v: Any, like: tuple[Tensor, ...], several: bool, name: str) -> tuple[Tensor, ...]:
    """The vector ``v``, checked: as many tensors as ``like``, of the same shapes."""
    if v is None:
        if len(like) != 1 or like[0].numel() != 1:
            what = "returns" if name == "vjp" else "has as input"
            raise RuntimeError(
                f"The vector v can only be None if the user-provided function {what} a single "
                "Tensor with a single element."
            )
        return (OPS["zeros_of"](like[0].detach()) + 1,)
    _, given = _as_tuple(v, "inputs", name)
    if len(given) != len(like):
        raise RuntimeError(
            f"v is a tuple of invalid length: should be {len(like)} but got {len(given)}."
        )
    for i, (a, t) in enumerate(zip(given, like, strict=True)):
        if a.shape != t.shape:
            raise RuntimeError(
                f"Entry {i} in v has invalid size: should be {tuple(t.shape)} but got "
                f"{tuple(a.shape)}."
            )
    return given


def vjp(
    func: Callable[..., Any],
    inputs: Any,
    v: Any = None,
    create_graph: bool = False,
    strict: bool = False,
) -> tuple[Any, Any]:
    """The outputs, and the product of ``v`` (in their shapes) with the Jacobian.

    >>> out, back = vjp(lambda x: x * x, fb.tensor([1.0, 3.0]), fb.tensor([1.0, 10.0]))
    >>> back
    tensor([ 2., 60.])
    """
    with enable_grad():
        several, given = _as_tuple(inputs, "inputs", "vjp")
        own = _own(given, create_graph)
        many, outs = _as_tuple(func(*own), "outputs", "vjp")
        _need(outs, "it", strict)
        v = _vector(v, outs, many, "vjp")
        found = _pull(outs, own, v, create_graph or strict, "The output" if strict else "")
    return _out(many, outs, create_graph), _out(several, found, create_graph)


def jvp(
    func: Callable[..., Any],
    inputs: Any,
    v: Any = None,
    create_graph: bool = False,
    strict: bool = False,
) -> tuple[Any, Any]:
    """The outputs, and the product of the Jacobian with ``v`` (in the inputs' shapes).

    The gradient is linear in the vector it starts from; its own gradient with respect to that is
    the Jacobian once more.

    >>> out, ahead = jvp(lambda x: x * x, fb.tensor([1.0, 3.0]), fb.tensor([0.0, 1.0]))
    >>> ahead
    tensor([0., 6.])
    """
    with enable_grad():
        several, given = _as_tuple(inputs, "inputs", "jvp")
        v = _vector(v, given, several, "jvp")
        own = _own(given, create_graph)
        many, outs = _as_tuple(func(*own), "outputs", "jvp")
        _need(outs, "it", strict)
        seeds = tuple(OPS["zeros_of"](t.detach()).requires_grad_() for t in outs)
        pulled = _pull(outs, own, seeds, True)
        _need(pulled, "its gradient", strict)
        found = _pull(
            pulled, seeds, v, create_graph, "The output" if strict and create_graph else ""
        )
    return _out(many, outs, create_graph), _out(many, found, create_graph)


def _check_strategy(strategy: str, create_graph: bool, strict: bool, vectorize: bool) -> None:
    name = "torch.autograd.functional.jacobian"
    if strategy not in ("forward-mode", "reverse-mode"):
        raise AssertionError(
            'Expected strategy to be either "forward-mode" or "reverse-mode". Hint: If your '
            'function has more outputs than inputs, "forward-mode" tends to be more performant. '
            f"Got {strategy!r}."
        )
    if strategy == "forward-mode":
        if create_graph:
            raise NotImplementedError(
                f'{name}: `create_graph=True` and `strategy="forward-mode"` are not supported '
                "together (yet). Please either set `create_graph=False` or "
                '`strategy="reverse-mode"`.'
            )
        if strict:
            raise RuntimeError(
                f'{name}: `strict=True` and `strategy="forward-mode"` are not supported together '
                '(yet). Please either set `strict=False` or `strategy="reverse-mode"`.'
            )
        if not vectorize:
            raise NotImplementedError(
                f'{name}: `vectorize=False` and `strategy="forward-mode"` are not supported '
                'together (yet). Please either set `vectorize=True` or `strategy="reverse-mode"`.'
            )
    if vectorize and strict:
        raise RuntimeError(
            f"{name}: `strict=True` and `vectorized=True` are not supported together. Please "
            "either set `strict=False` or `vectorize=False`."
        )


def jacobian(
    func: Callable[..., Any],
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    strategy: str = "reverse-mode",
) -> Any:
    """All derivatives of all outputs by all inputs, each of shape (*output, *input).

    A tuple for several inputs, a tuple of them for several outputs. ``vectorize`` computes all
    rows at once.

    >>> fb.autograd.functional.jacobian(lambda x: x * x, fb.tensor([1.0, 3.0]))
    tensor([[2., 0.],
            [0., 6.]])
    """
    _check_strategy(strategy, create_graph, strict, vectorize)
    if strategy == "forward-mode":
        return _forward_jacobian(func, inputs)
    with enable_grad():
        several, given = _as_tuple(inputs, "inputs", "jacobian")
        own = _own(given, create_graph)
        many, outs = _as_tuple(func(*own), "outputs", "jacobian")
        _need(outs, "it", strict)
        rows = []
        for i, out in enumerate(outs):
            which = f"Output {i}" if strict else ""
            rows.append(_rows(out, own, create_graph, vectorize, which))
    made = [_out(several, row, create_graph) for row in rows]
    return tuple(made) if many else made[0]


def _rows(out: Tensor, own: Any, create_graph: bool, vectorize: bool, strict: str) -> list[Tensor]:
    """The Jacobians of one output by each input."""
    basis: Any
    (basis,) = basis_of([out.detach()])

    def row(seed: Tensor) -> list[Tensor]:
        return _pull([out], own, [seed], create_graph, strict)

    if vectorize and len(basis):
        found: Any = for_each_row(row, [basis])
    elif len(basis):
        each = [row(basis[i]) for i in range(len(basis))]
        found = [OPS["stack"](list(column), 0) for column in zip(*each, strict=True)]
    else:
        found = [x.new_zeros((0, *x.shape)) for x in own]
    pairs = zip(found, own, strict=True)
    return [OPS["reshape"](g, (*out.shape, *x.shape)) for g, x in pairs]


def _forward_jacobian(func: Any, inputs: Any) -> Any:
    from ..func import jacfwd

    several, given = _as_tuple(inputs, "inputs", "jacobian")
    many = False

    def of_all(*own: Tensor) -> Any:
        nonlocal many
        many, outs = _as_tuple(func(*own), "outputs", "jacobian")
        return outs

    found = jacfwd(of_all, tuple(range(len(given))))(*given)
    made = [_out(several, row, True) for row in found]
    return tuple(made) if many else made[0]


def _scalar(func: Any, own: Any, name: str) -> Tensor:
    """The only output of a function, a single number."""
    many, outs = _as_tuple(func(*own), "outputs", name)
    if many and len(outs) != 1:
        raise RuntimeError(f"The function given to {name} should return a single Tensor")
    if outs[0].numel() != 1:
        raise RuntimeError(
            f"The Tensor returned by the function given to {name} should contain a single element"
        )
    return outs[0]


def hessian(
    func: Callable[..., Any],
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    outer_jacobian_strategy: str = "reverse-mode",
) -> Any:
    """All second derivatives of a function that returns a single number.

    >>> fb.autograd.functional.hessian(lambda x: (x**3).sum(), fb.tensor([1.0, 2.0]))
    tensor([[ 6.,  0.],
            [ 0., 12.]])
    """
    several, given = _as_tuple(inputs, "inputs", "hessian")
    if outer_jacobian_strategy not in ("forward-mode", "reverse-mode"):
        raise AssertionError('Expected strategy to be either "forward-mode" or "reverse-mode".')

    def first(*own: Tensor) -> Any:
        if outer_jacobian_strategy == "forward-mode":
            own = tuple(t if t.requires_grad else t.requires_grad_() for t in own)
        out = _scalar(func, own, "hessian")
        _need([out], "it", strict)
        return tuple(_pull([out.reshape(())], own, [None], True, "Output 0" if strict else ""))

    found = jacobian(first, given, create_graph, strict, vectorize, outer_jacobian_strategy)
    return found if several else found[0][0]


def vhp(
    func: Callable[..., Any],
    inputs: Any,
    v: Any = None,
    create_graph: bool = False,
    strict: bool = False,
) -> tuple[Any, Any]:
    """The output (a single number), and the product of ``v`` with its Hessian."""
    with enable_grad():
        several, given = _as_tuple(inputs, "inputs", "vhp")
        v = _vector(v, given, several, "vhp")
        own = _own(given, create_graph)
        out = _scalar(func, own, "vhp")
        _need([out], "it", strict)
        first = _pull([out], own, [None], True, "The output" if strict else "")
        found = _pull(first, own, v, create_graph, "The Jacobian" if strict else "")
    return _out(False, [out], create_graph), _out(several, found, create_graph)


def hvp(
    func: Callable[..., Any],
    inputs: Any,
    v: Any = None,
    create_graph: bool = False,
    strict: bool = False,
) -> tuple[Any, Any]:
    """The output (a single number), and the product of its Hessian with ``v``.

    The Hessian is symmetric, so it is `vhp`; PyTorch takes another way to the same values.

    >>> value, product = hvp(lambda x: (x**3).sum(), fb.tensor([1.0, 2.0]), fb.ones(2))
    >>> product
    tensor([ 6., 12.])
    """
    return vhp(func, inputs, v, create_graph, strict)


__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]

explain_all(__name__)
