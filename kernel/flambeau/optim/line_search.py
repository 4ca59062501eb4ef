"""The search for a step size that fulfils the strong Wolfe conditions."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

SUFFICIENT, CURVATURE = 1e-4, 0.9  # Wolfe's c₁ and c₂


class Point(NamedTuple):
    """A step size t with the loss, gradient and slope that were found there."""

    t: float
    loss: float
    g: Any
    slope: float


def cubic_minimum(a: Point, b: Point, bounds: tuple[float, float] | None = None) -> float:
    """Where the cubic through two points with their slopes is least, within bounds.

    Half way where it has no minimum (Nocedal & Wright, Numerical Optimization, eq. 3.59).
    """
    low, high = bounds or (min(a.t, b.t), max(a.t, b.t))
    d1 = a.slope + b.slope - 3 * (a.loss - b.loss) / (a.t - b.t)
    square = d1 * d1 - a.slope * b.slope
    if not square >= 0:
        return (low + high) / 2
    left, right = (a, b) if a.t <= b.t else (b, a)
    d2 = math.sqrt(square)
    width = right.slope - left.slope + 2 * d2
    share = (right.slope + d2 - d1) / width if width else math.nan
    found = right.t - (right.t - left.t) * share
    return min(max(found, low), high)


def strong_wolfe(
    look: Callable[[float], tuple[float, Any]],
    t: Any,
    d: Any,
    loss: float,
    g: Any,
    slope: float,
    most: int,
) -> tuple[float, Any, float, int]:
    """A step size along d, with its loss and gradient and the number of evaluations it took.

    ``look(t)`` gives loss and gradient there. First the size grows until an acceptable one lies
    between two that were tried; then these two close in on it (Nocedal & Wright, 3.5 and 3.6).
    """
    search = _Search(look, d, Point(0.0, loss, g, slope), most)
    found = search.bracket(search.at(float(t)))
    best = search.narrow(*found) if len(found) == 2 else found[0]
    return best.loss, best.g, best.t, search.used


class _Search:
    def __init__(self, look: Any, d: Any, start: Point, most: int) -> None:
        self.look, self.d, self.start, self.most = look, d, start, most
        self.size = float(abs(d).max())
        self.used = 0

    def at(self, t: float) -> Point:
        """The point there."""
        loss, g = self.look(t)
        self.used += 1
        return Point(t, loss, g, float(g @ self.d))

    @property
    def rounds(self) -> int:
        """How many points were tried beyond the first."""
        return self.used - 1

    def too_high(self, point: Point) -> bool:
        """Whether the loss fell by less than the slope at the start promises."""
        return point.loss > self.start.loss + SUFFICIENT * point.t * self.start.slope

    def flat_enough(self, point: Point) -> bool:
        """Whether the slope is small against that at the start."""
        return abs(point.slope) <= -CURVATURE * self.start.slope

    def bracket(self, point: Point) -> tuple[Point, ...]:
        """An acceptable point, or two with an acceptable one between them."""
        before = self.start
        while self.rounds < self.most:
            if self.too_high(point) or (self.rounds > 1 and point.loss >= before.loss):
                return before, point
            if self.flat_enough(point):
                return (point,)
            if point.slope >= 0:
                return before, point
            bounds = (point.t + 0.01 * (point.t - before.t), point.t * 10)
            before, point = point, self.at(cubic_minimum(before, point, bounds))
        return self.start, point

    def narrow(self, a: Point, b: Point) -> Point:
        """The best point between two."""
        stalled = False
        low, high = (a, b) if a.loss <= b.loss else (b, a)
        while self.rounds < self.most and abs(b.t - a.t) * self.size >= 1e-9:
            t, stalled = self._inside(cubic_minimum(a, b), a.t, b.t, stalled)
            point = self.at(t)
            if self.too_high(point) or point.loss >= low.loss:
                a, b = (a, point) if high is b else (point, b)
                low, high = (a, b) if a.loss <= b.loss else (b, a)
                continue
            if self.flat_enough(point):
                return point
            turn = point.slope * (high.t - low.t) >= 0
            other = low if turn else high
            a, b = (point, other) if low is a else (other, point)
            low, high = point, other
        return low

    def _inside(self, t: float, a: float, b: float, stalled: bool) -> tuple[float, bool]:
        """Keeps a size off both ends when it came near one of them twice."""
        least, most = min(a, b), max(a, b)
        margin = 0.1 * (most - least)
        if min(most - t, t - least) >= margin:
            return t, False
        if stalled or t >= most or t <= least:
            return (most - margin if abs(t - most) < abs(t - least) else least + margin), False
        return t, True
