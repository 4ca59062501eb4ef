"""Families of orthogonal polynomials, each by the recurrence that makes it.

P₀ = 1, P₁ = ax + b and Pₖ₊₁ = (aₖx + bₖ) Pₖ - cₖ Pₖ₋₁. The slopes follow the same recurrence, once
differentiated, so one operation gives values and derivatives of all families.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .promote import same_float, some_tensor
from .registry import function, op

# For each family the factors (a, b, c) of step k, which goes from degree k to k + 1.
_Step = Callable[[int], tuple[float, float, float]]
_STEPS: dict[str, _Step] = {
    "chebyshev_polynomial_t": lambda k: (2 if k else 1, 0, 1),
    "chebyshev_polynomial_u": lambda k: (2, 0, 1),
    "chebyshev_polynomial_v": lambda k: (2, 0 if k else -1, 1),
    "chebyshev_polynomial_w": lambda k: (2, 0 if k else 1, 1),
    "shifted_chebyshev_polynomial_t": lambda k: (4, -2, 1) if k else (2, -1, 1),
    "shifted_chebyshev_polynomial_u": lambda k: (4, -2, 1),
    "shifted_chebyshev_polynomial_v": lambda k: (4, -2, 1) if k else (4, -3, 1),
    "shifted_chebyshev_polynomial_w": lambda k: (4, -2, 1) if k else (4, -1, 1),
    "hermite_polynomial_h": lambda k: (2, 0, 2 * k),
    "hermite_polynomial_he": lambda k: (1, 0, k),
    "laguerre_polynomial_l": lambda k: (-1 / (k + 1), (2 * k + 1) / (k + 1), k / (k + 1)),
    "legendre_polynomial_p": lambda k: ((2 * k + 1) / (k + 1), 0, k / (k + 1)),
}


@op(on="", promote=some_tensor(same_float))
def orthogonal(xp, x, n, /, family, slope=0):
    """The polynomial of degree n (0 where that is negative), or its ``slope``-th slope."""
    dtype = next(a.dtype for a in (x, n) if hasattr(a, "dtype"))
    x, degree = xp.broadcast_arrays(xp.asarray(x, "float64"), xp.trunc(xp.asarray(n)))
    step = _STEPS[family]
    # Row m holds the m-th slope, of the degree before and of this one.
    before = [xp.zeros(x.shape) for _ in range(slope + 1)]
    now = [xp.ones(x.shape), *before[1:]]
    out = xp.where(degree == 0, now[slope], 0.0)
    for k in range(int(xp.max(degree, initial=0))):
        a, b, c = step(k)
        after = [(a * x + b) * now[m] - c * before[m] for m in range(slope + 1)]
        for m in range(1, slope + 1):
            after[m] = after[m] + m * a * now[m - 1]
        before, now = now, after
        out = xp.where(degree == k + 1, now[slope], out)
    return out.astype(dtype)


orthogonal.gradients(
    x=lambda ns, g, x, n, family, slope: g * ns.orthogonal(x, n, family, slope + 1)
)


def _public(family: str) -> None:
    first, second = _STEPS[family](0), _STEPS[family](1)

    def polynomial(input: Any, n: Any) -> Any:
        return orthogonal(input, n, family)

    polynomial.__name__ = family
    polynomial.__doc__ = (
        f"The {family.replace('_polynomial_', ' polynomial ')} of degree n at each input: "
        f"P₁ = {first[0]:g}x + {first[1]:g}, P₂ = ({second[0]:g}x + {second[1]:g}) P₁ - "
        f"{second[2]:g}. Either may be a number; a negative degree gives 0."
    )
    function(on="special")(polynomial)


for _family in _STEPS:
    _public(_family)
