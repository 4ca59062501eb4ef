"""Einstein's summation: products named by letters, taken two operands at a time."""

from __future__ import annotations

from functools import lru_cache
from math import prod

from .convert import result_type
from .matrix import conjugate
from .promote import alike
from .registry import function, op


@lru_cache(maxsize=512)
def _layout(equation):
    """For ``ab,bc->ac``: the letters in both and out, in both but not out, of one alone."""
    left, out = equation.split("->")
    a, b = left.split(",")
    batch = "".join(c for c in a if c in b and c in out)
    summed = "".join(c for c in a if c in b and c not in out)
    only_a = "".join(c for c in a if c not in b)
    only_b = "".join(c for c in b if c not in a)
    made = batch + only_a + only_b
    return (
        [a.index(c) for c in batch + only_a + summed],
        [b.index(c) for c in batch + summed + only_b],
        (len(batch), len(only_a), len(summed)),
        [made.index(c) for c in out],
    )


@op(on="", promote=alike)
def contract(xp, x, y, /, equation):
    """The sum of products that ``equation`` names, as one batched matrix product.

    A letter stands once in an operand, and in the other one or in the output as well.
    """
    order_x, order_y, (batch, only, summed), order = _layout(equation)
    x, y = x.transpose(order_x), y.transpose(order_y)
    split = batch + only
    many, inner = x.shape[:batch], prod(x.shape[split:])
    left, right = x.shape[batch:split], y.shape[batch + summed :]
    product = xp.matmul(
        x.reshape(prod(many), prod(left), inner), y.reshape(prod(many), inner, prod(right))
    )
    return product.reshape((*many, *left, *right)).transpose(order)


def _swapped(equation, wanted):
    left, out = equation.split("->")
    a, b = left.split(",")
    return f"{out},{b}->{a}" if wanted == 0 else f"{a},{out}->{b}"


contract.gradients(
    x=lambda ns, g, y, equation: ns.contract(g, conjugate(ns, y), _swapped(equation, 0)),
    y=lambda ns, g, x, equation: ns.contract(conjugate(ns, x), g, _swapped(equation, 1)),
)


@function(on="fb")
def einsum(equation, *operands):
    """Sums of products along named dimensions: ``einsum("bij,bjk->bik", x, y)``.

    A letter names a dimension; one that is missing after ``->`` is summed over, one that an operand
    has twice is its diagonal, ``...`` are dimensions that broadcast. Without ``->`` the letters
    that occur once are kept, in alphabetical order. Mirrors ``torch.einsum``.

    >>> x = fb.tensor([[1, 2], [3, 4]])
    >>> fb.einsum("ij,ij->i", x, x), fb.einsum("ii", x)
    (tensor([ 5, 25]), tensor(5))
    """
    if not operands:
        raise ValueError("einsum(): must specify the equation string and at least one operand")
    if not isinstance(equation, str):
        equation, operands = _from_lists(equation, *operands)
    if len(operands) == 1 and isinstance(operands[0], (list, tuple)):
        operands = tuple(operands[0])
    names, out = _parse(equation.replace(" ", ""), [t.ndim for t in operands])
    sizes = _sizes(equation, names, operands)
    first, *rest = [_prepared(t, n, sizes) for t, n in zip(operands, names, strict=True)]
    while rest:
        first = _merged(first, rest.pop(0), rest, out)
    x, a = _summed(*first, set(out))
    return x.permute([a.index(c) for c in out]) if a != out else x


def _merged(left, right, rest, out):
    """Two operands made one, with the letters that the rest or the output still want."""
    kept = set(out).union(*(n for _, n in rest))
    x, a = _summed(*left, kept | set(right[1]))
    y, b = _summed(*right, kept | set(left[1]))
    made = "".join(dict.fromkeys(c for c in a + b if c in kept))
    if not rest:
        made = "".join(c for c in out if c in made)
    if x.dtype is not y.dtype and not (set(a) & set(b)) - set(made):
        x, y = x.to(result_type(x, y)), y.to(result_type(x, y))  # no sum: multiplied as by `mul`
    return contract(x, y, f"{a},{b}->{made}"), made


def _from_lists(*args):
    """The form with lists of numbers: ``einsum(x, [0, 1], y, [1, 2], [0, 2])``."""
    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

    def text(numbers):
        if any(n is not Ellipsis and not 0 <= n < len(letters) for n in numbers):
            raise ValueError(f"einsum(): a number in {numbers} is not within [0, {len(letters)})")
        return "".join("..." if n is Ellipsis else letters[n] for n in numbers)

    split = len(args) // 2 * 2
    equation = ",".join(text(n) for n in args[1:split:2])
    if len(args) > split:
        equation += "->" + text(args[-1])
    return equation, args[:split:2]


def _parse(equation, ndims):
    """The letters of each operand and of the output; for ``...`` those that nobody writes."""
    left, arrow, out = equation.partition("->")
    terms = left.split(",")
    if len(terms) != len(ndims):
        raise RuntimeError(
            f"einsum: {equation!r} names {len(terms)} operands, {len(ndims)} were given"
        )
    extras = [_unnamed(equation, i, *one) for i, one in enumerate(zip(terms, ndims, strict=True))]
    widest = max(extras)
    hidden = "".join(chr(0x100 + i) for i in range(widest))
    named = [t.replace("...", hidden[widest - n :]) for t, n in zip(terms, extras, strict=True)]
    every = "".join(named)
    if not arrow:
        return named, hidden + "".join(
            sorted(c for c in every if every.count(c) == 1 and c.isascii())
        )
    out = out.replace("...", hidden)
    if not set(out) <= set(every) or len(set(out)) != len(out):
        raise RuntimeError(
            f"einsum: the output of {equation!r} names a letter that no operand has, or one twice"
        )
    return named, out


def _unnamed(equation, i, term, ndim):
    """How many dimensions the ``...`` of an operand stands for."""
    letters = term.replace("...", "")
    extra = ndim - len(letters)
    if extra < 0 or (extra and "..." not in term) or not (letters.isalpha() or not letters):
        raise RuntimeError(
            f"einsum: {term!r} in {equation!r} does not fit operand {i}, "
            f"which has {ndim} dimensions"
        )
    return extra


def _sizes(equation, names, operands):
    sizes = {}
    for i, (t, term) in enumerate(zip(operands, names, strict=True)):
        for c, n in zip(term, t.shape, strict=True):
            if sizes.setdefault(c, n) != n:
                if 1 not in (sizes[c], n):
                    raise RuntimeError(
                        f"einsum: in {equation!r} the sizes {sizes[c]} and {n} (operand {i}, shape "
                        f"{tuple(t.shape)}) of one letter, {c!r}, do not broadcast"
                    )
                sizes[c] = max(sizes[c], n)
    return sizes


def _prepared(t, term, sizes):
    """The operand without repeated letters, and without those it has broadcast over."""
    while len(set(term)) < len(term):
        c = next(c for c in term if term.count(c) > 1)
        i, j = [k for k, d in enumerate(term) if d == c][:2]
        if t.shape[i] != t.shape[j]:
            raise RuntimeError(f"einsum: the diagonal of {c!r} has sizes {t.shape[i], t.shape[j]}")
        t = t.diagonal(0, i, j)
        term = "".join(d for k, d in enumerate(term) if k not in (i, j)) + c
    for k in reversed(range(len(term))):
        if t.shape[k] == 1 and sizes[term[k]] != 1:
            t, term = t.squeeze(k), term[:k] + term[k + 1 :]
    return t, term


def _summed(t, term, wanted):
    """Sums over the letters that nothing else wants."""
    gone = [k for k, c in enumerate(term) if c not in wanted]
    return (t.sum(gone), "".join(c for c in term if c in wanted)) if gone else (t, term)
