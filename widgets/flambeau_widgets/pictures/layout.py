"""Where boxes lie: layers by longest path, cut into columns, and lanes for the edges that skip."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

BETWEEN = 30.0  # layers
BESIDE = 18.0  # boxes of a layer
LANE = 9.0
GUTTER = 30.0
TALL = 620.0  # a column that is higher is cut
WIDE = 940.0  # all columns together
MOST_IN_LAYER = 4


@dataclass
class Box:
    """A box to be placed."""

    key: int
    width: float
    height: float
    x: float = 0.0
    y: float = 0.0
    layer: int = 0
    column: int = 0

    @property
    def middle(self) -> float:
        """The middle of its upper and lower sides."""
        return self.x + self.width / 2


@dataclass
class Layout:
    """The size of the whole, and the corners of each edge."""

    width: float = 0.0
    height: float = 0.0
    routes: dict[tuple[int, int], list[tuple[float, float]]] = field(default_factory=dict)


def arrange(boxes: Sequence[Box], edges: Iterable[tuple[int, int]]) -> Layout:
    """Places the boxes (given in the order in which they ran) and routes the edges."""
    of = {box.key: box for box in boxes}
    place = {box.key: i for i, box in enumerate(boxes)}
    forward = [(of[a], of[b]) for a, b in edges if place[a] < place[b]]
    columns = _columns(_layers(boxes, forward))
    layout = Layout(height=max(_fill(column, len(columns) > 1) for column in columns))
    layout.height += 10.0 * (len(columns) > 1)  # edges to the next column run below the last box
    skips = [(a, b) for a, b in forward if not _adjacent(a, b)]
    lanes = _lanes(skips, columns)
    starts = _spread_columns(columns, lanes)
    layout.width = starts.pop()
    for a, b in forward:
        layout.routes[a.key, b.key] = [(a.middle, a.y + a.height), (b.middle, b.y)]
    for a, b in skips:
        lane = starts[a.column] + lanes[a.key, b.key]
        layout.routes[a.key, b.key] = _around(a, b, lane, starts[b.column], columns)
    return layout


def _adjacent(a: Box, b: Box) -> bool:
    return a.column == b.column and b.layer == a.layer + 1


def _layers(boxes: Sequence[Box], edges: list[tuple[Box, Box]]) -> list[list[Box]]:
    """Each box below all that it needs; one that needs nothing just above what needs it."""
    before: dict[int, list[Box]] = {box.key: [] for box in boxes}
    after: dict[int, list[Box]] = {box.key: [] for box in boxes}
    for a, b in edges:
        before[b.key].append(a)
        after[a.key].append(b)
    layers: list[list[Box]] = []
    for box in boxes:
        box.layer = max((b.layer + 1 for b in before[box.key]), default=0)
        while box.layer < len(layers) and len(layers[box.layer]) >= MOST_IN_LAYER:
            box.layer += 1
        layers += [[] for _ in range(box.layer + 1 - len(layers))]
        layers[box.layer].append(box)
    for box in boxes[1:]:
        if not before[box.key] and after[box.key]:
            _lower(box, min(b.layer for b in after[box.key]) - 1, layers)
    layers = [layer for layer in layers if layer]
    for number, layer in enumerate(layers):
        for box in layer:
            box.layer = number
    _order(layers, before)
    return layers


def _lower(box: Box, lowest: int, layers: list[list[Box]]) -> None:
    """Moves a box down to a layer, if there is room."""
    if lowest > box.layer and len(layers[lowest]) < MOST_IN_LAYER:
        layers[box.layer].remove(box)
        layers[lowest].append(box)
        box.layer = lowest


def _order(layers: list[list[Box]], before: dict[int, list[Box]]) -> None:
    """Boxes of a layer lie in the order of what they come from."""
    share: dict[int, float] = {}
    for layer in layers:
        for i, box in enumerate(layer):
            above = [share[b.key] for b in before[box.key] if b.key in share]
            share[box.key] = sum(above) / len(above) if above else (i + 0.5) / len(layer)
        layer.sort(key=lambda box: share[box.key])
        for i, box in enumerate(layer):
            share[box.key] = (i + 0.5) / len(layer)


def _width(layer: list[Box]) -> float:
    return sum(box.width for box in layer) + BESIDE * (len(layer) - 1)


def _tall(layer: list[Box]) -> float:
    return max(box.height for box in layer) + BETWEEN


def _columns(layers: list[list[Box]]) -> list[list[list[Box]]]:
    """The layers cut into columns of about the same height, as many as there is room for."""
    height = sum(map(_tall, layers))
    room = int(WIDE // (max(map(_width, layers)) + GUTTER + 2 * LANE))
    count = max(1, min(room, round(height / TALL + 0.3)))
    columns: list[list[list[Box]]] = [[]]
    filled = 0.0
    for layer in layers:
        if filled + _tall(layer) / 2 > height / count * len(columns) and len(columns) < count:
            columns.append([])
        filled += _tall(layer)
        columns[-1].append(layer)
        for box in layer:
            box.column = len(columns) - 1
    return columns


def _fill(column: list[list[Box]], below_a_track: bool) -> float:
    """Places the boxes of a column, as if it began at 0; returns how far down it reaches."""
    wide, y = max(map(_width, column)), 14.0 if below_a_track else 0.0
    for layer in column:
        left = (wide - _width(layer)) / 2
        for box in layer:
            box.x, box.y = left, y
            left += box.width + BESIDE
        y += _tall(layer)
    return y - BETWEEN


def _lanes(
    skips: list[tuple[Box, Box]], columns: list[list[list[Box]]]
) -> dict[tuple[int, int], float]:
    """For each edge that skips a layer, where in its column it runs; the shorter further in."""
    taken: list[tuple[int, float, int, int]] = []
    lanes = {}
    for a, b in sorted(skips, key=lambda e: (e[0].column != e[1].column, e[1].layer - e[0].layer)):
        x, first, last = _passed(a, b, columns[a.column])
        while any(
            c == a.column and abs(x - other) < LANE and low < last and first < high
            for c, other, low, high in taken
        ):
            x += LANE
        taken.append((a.column, x, first, last))
        lanes[a.key, b.key] = x
    return lanes


def _passed(a: Box, b: Box, column: list[list[Box]]) -> tuple[float, int, int]:
    """The nearest place beside what an edge passes, and the layers between which it runs."""
    first, last, passed = -1, 10**6, column  # to another column it may run up beside all of this
    if a.column == b.column:
        first, last, top = a.layer, b.layer, column[0][0].layer
        passed = column[first - top + 1 : last - top]
    return max(layer[-1].x + layer[-1].width for layer in passed) + 14.0, first, last


def _spread_columns(
    columns: list[list[list[Box]]], lanes: dict[tuple[int, int], float]
) -> list[float]:
    """Moves each column to its place; returns where they begin, and where the last one ends."""
    column_of = {box.key: box.column for column in columns for layer in column for box in layer}
    starts = [0.0]
    for number, column in enumerate(columns):
        start, wide = starts[-1], max(map(_width, column))
        for layer in column:
            for box in layer:
                box.x += start
        outer = [x + 1.0 for (a, _), x in lanes.items() if column_of[a] == number]
        reach = max([wide, *outer])
        more = number + 1 < len(columns)
        starts.append(start + (max(reach + 18.0, wide + GUTTER) if more else reach))
    return starts


def _around(
    a: Box, b: Box, lane: float, start: float, columns: list[list[list[Box]]]
) -> list[tuple[float, float]]:
    """The corners of an edge that goes round what lies between its ends."""
    column = columns[a.column]
    beside = column[a.layer - column[0][0].layer]
    under = max(box.y + box.height for box in beside) + 9.0
    over = b.y - 14.0
    corners = [(a.middle, a.y + a.height), (a.middle, under), (lane, under)]
    if b.column > a.column + 1:  # over the columns in between
        corners += [(lane, -4.0), (start - 9.0, -4.0), (start - 9.0, over)]
    else:
        corners += [(lane, over)]
    return [*corners, (b.middle, over), (b.middle, b.y)]
