"""``grad``, ``vjp``, ``jvp`` and ``linearize``: a function's derivatives as functions."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from ..autograd.grad_mode import enable_grad, is_grad_enabled
from ..ops.registry import OPS
from ..tensor import Tensor
from .tape import fresh, gradients, is_taped, let_go, tensors_of, variables_of
from .trees import flatten, map_leaves, unflatten


def split_argnums(args: Any, argnums: Any) -> tuple[list[int], bool]:
    """The places of the arguments to differentiate by, and whether there is just one."""
    alone = isinstance(argnums, int)
    if not alone and not isinstance(argnums, tuple):
        raise RuntimeError(f"argnums must be int or Tuple[int, ...], got: {type(argnums)}")
    places = [argnums] if alone else list(argnums)
    if not places:
        raise RuntimeError("argnums must be non-empty")
    for i in places:
        if not isinstance(i, int) or not -len(args) <= i < len(args):
            raise RuntimeError(f"Got argnum={i}, but only {len(args)} positional inputs")
    places = [i % len(args) for i in places]
    if len(set(places)) < len(places):
        raise RuntimeError(f"argnums elements must be unique, got {argnums}")
    return places, alone


def replaced(args: Any, places: list[int], values: Any) -> list[Any]:
    """The arguments with those at some places replaced."""
    made = list(args)
    for i, value in zip(places, values, strict=True):
        made[i] = value
    return made


def with_aux(name: str, result: Any, has_aux: bool) -> tuple[Any, Any]:
    """What a function gave as (output, aux)."""
    if not has_aux:
        return result, None
    if not isinstance(result, tuple) or len(result) != 2:
        raise RuntimeError(
            f"{name}(f)(*args): output of function f should be a tuple: (output, aux) if has_aux "
            f"is True, got {type(result).__name__}"
        )
    return result


def _aux_out(aux: Any, taped: bool) -> Any:
    return map_leaves(lambda t: let_go(t, taped) if isinstance(t, Tensor) else t, aux)


def grad_and_value(
    func: Callable[..., Any], argnums: int | tuple[int, ...] = 0, has_aux: bool = False
) -> Callable[..., Any]:
    """A function that gives the gradient of ``func`` and its value: ``(gradient, value)``.

    With ``has_aux``, ``func`` returns (output, aux), and this (gradient, (value, aux)). Mirrors
    ``torch.func.grad_and_value``.

    >>> fb.func.grad_and_value(lambda x: x**3)(fb.tensor(2.0))
    (tensor(12.), tensor(8.))
    """

    @functools.wraps(func)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        outside = is_grad_enabled()
        places, alone = split_argnums(args, argnums)
        leaves, tree = variables_of(tuple(args[i] for i in places))
        with enable_grad():
            own = [fresh(t) for t in leaves]
            result = func(*replaced(args, places, unflatten(own, tree)), **kwargs)
            output, aux = with_aux("grad_and_value", result, has_aux)
            _check_scalar(output)
            taped = outside and is_taped([output], own)
            found = gradients([output], own, [None], taped)
        made = unflatten(found, tree)
        value = let_go(output, taped)
        return (
            made[0] if alone else made,
            (value, _aux_out(aux, taped)) if has_aux else value,
        )

    return wrapper


def _check_scalar(output: Any) -> None:
    start = "grad_and_value(f)(*args): Expected f(*args) to return a scalar tensor, got "
    if not isinstance(output, Tensor):
        raise RuntimeError(f"{start}type {type(output)}")
    if output.dim():
        raise RuntimeError(
            f"{start}tensor with {output.dim()} dims. Maybe you wanted to use the vjp or jacrev "
            "APIs instead?"
        )


def grad(
    func: Callable[..., Any], argnums: int | tuple[int, ...] = 0, has_aux: bool = False
) -> Callable[..., Any]:
    """A function that gives the gradient of a scalar function; mirrors ``torch.func.grad``.

    >>> fb.func.grad(fb.func.grad(lambda x: x**3))(fb.tensor(2.0))
    tensor(12.)
    """
    both = grad_and_value(func, argnums, has_aux)

    @functools.wraps(func)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        found, value = both(*args, **kwargs)
        return (found, value[1]) if has_aux else found

    return wrapper


def vjp(func: Callable[..., Any], *primals: Any, has_aux: bool = False) -> Any:
    """The output of ``func``, and the function from its cotangents to the tuple of those of
    ``primals``.

    Mirrors ``torch.func.vjp``.

    >>> out, back = fb.func.vjp(fb.square, fb.tensor([1.0, 3.0]))
    >>> back(fb.tensor([1.0, 10.0]))
    (tensor([ 2., 60.]),)
    """
    outside = is_grad_enabled()
    leaves, tree = variables_of(primals)
    with enable_grad():
        own = [fresh(t) for t in leaves]
        result = func(*unflatten(own, tree))
    output, aux = with_aux("vjp", result, has_aux)
    outs, shape = tensors_of("vjp(f, *primals): Expected f to return only tensors", output)
    taped = outside and is_taped(outs, own)

    def vjp_fn(*cotangents: Any, retain_graph: bool = True, create_graph: Any = None) -> Any:
        given = cotangents[0] if len(cotangents) == 1 else cotangents
        seeds, got = flatten(given)
        if got != shape and not (len(cotangents) == 1 and flatten(cotangents)[1] == shape):
            raise RuntimeError(
                "Expected pytree structure of cotangents to be the same as pytree structure of "
                f"outputs to the function. cotangents: {got}, primal output: {shape}"
            )
        if create_graph is None:
            create_graph = is_grad_enabled() and (taped or any(s.requires_grad for s in seeds))
        return unflatten(gradients(outs, own, seeds, create_graph), tree)

    value = unflatten([let_go(t, taped) for t in outs], shape)
    return (value, vjp_fn, _aux_out(aux, taped)) if has_aux else (value, vjp_fn)


class Linear:
    """A function's linear part at a point: its gradient as a function of the cotangent ``g``.

    That is linear in ``g``, so differentiating it once more, with respect to ``g``, gives the
    product of the Jacobian with any tangents: forward mode from reverse mode.
    """

    def __init__(self, name: str, func: Any, primals: Any, has_aux: bool = False) -> None:
        outside = is_grad_enabled()
        leaves, self.tree = variables_of(primals)
        with enable_grad():
            own = [fresh(t) for t in leaves]
            result = func(*unflatten(own, self.tree))
            output, aux = with_aux(name, result, has_aux)
            self.outs, self.shape = tensors_of(f"{name}: Expected f to return only tensors", output)
            self.taped = outside and is_taped(self.outs, own)
            self.seeds = [fresh(OPS["zeros_of"](t.detach())) for t in self.outs]
            self.pulled = gradients(self.outs, own, self.seeds, True)
        self.own = own
        self.aux = _aux_out(aux, self.taped)
        self.output = unflatten([let_go(t, self.taped) for t in self.outs], self.shape)

    def push(self, tangents: list[Tensor]) -> list[Tensor]:
        """The tangents of the outputs."""
        taped = is_grad_enabled() and (self.taped or any(t.requires_grad for t in tangents))
        with enable_grad():
            return gradients(self.pulled, self.seeds, tangents, taped)


def _check_tangents(name: str, linear: Linear, primals: Any, tangents: Any) -> list[Tensor]:
    leaves, tree = tensors_of(f"{name}: tangents", tangents)
    if tree != linear.tree:
        raise RuntimeError(
            f"{name}: Expected primals and tangents to have the same python structure. For "
            f"example, if primals is a tuple of 3 tensors, tangents also must be."
        )
    for x, t in zip(linear.own, leaves, strict=True):
        if tuple(x.shape) != tuple(t.shape):
            raise RuntimeError(
                f"{name}: a tangent has shape {tuple(t.shape)}, its primal {tuple(x.shape)}"
            )
    return leaves


def jvp(
    func: Callable[..., Any],
    primals: Any,
    tangents: Any,
    *,
    strict: bool = False,
    has_aux: bool = False,
) -> Any:
    """The output of ``func``, and its derivative in the direction of ``tangents``.

    Mirrors ``torch.func.jvp``.

    >>> fb.func.jvp(fb.square, (fb.tensor([3.0]),), (fb.tensor([1.0]),))
    (tensor([9.]), tensor([6.]))
    """
    if not isinstance(primals, tuple):
        raise RuntimeError(
            f"jvp(f, primals, tangents): Expected primals to be a tuple. E.g. it should be valid "
            f"to call f(*primals), got {type(primals).__name__}"
        )
    linear = Linear("jvp(f, primals, tangents)", func, primals, has_aux)
    given = _check_tangents("jvp(f, primals, tangents)", linear, primals, tuple(tangents))
    pushed = unflatten(linear.push(given), linear.shape)
    return (linear.output, pushed, linear.aux) if has_aux else (linear.output, pushed)


def linearize(func: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[..., Any]]:
    """The output of ``func``, and the function from tangents of ``primals`` to those of the output.

    Cheaper than ``jvp`` for several tangents at one point. Mirrors ``torch.func.linearize``.
    """
    linear = Linear("linearize(f, *primals)", func, primals)

    def jvp_fn(*tangents: Any) -> Any:
        given = _check_tangents("linearize(f, *primals)", linear, primals, tangents)
        return unflatten(linear.push(given), linear.shape)

    return linear.output, jvp_fn
