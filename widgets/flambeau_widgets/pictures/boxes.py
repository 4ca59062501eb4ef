"""Which boxes the picture of a graph is made of: modules, loose operations, the input."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from flambeau.record.graph import Graph, GraphNode, forward_graph
from flambeau.record.schema import CATEGORIES
from flambeau.record.trace import Trace

from .layout import Box
from .svg import wrap

MOST = 40  # boxes
FEW = 5  # with fewer, modules are opened one level deeper ...
ENOUGH = 14  # ... as long as no more than these are shown
DATA = CATEGORIES.index("data")
INPUT, REST = -(2**40), -(2**41)  # keys of the boxes that stand for no one operation

_DEFAULTS = (
    "stride=1|padding=0|dilation=1|groups=1|bias=True|ceil_mode=False|inplace=False|eps=1e-05|"
    "momentum=0.1|affine=True|elementwise_affine=True|track_running_stats=True|approximate='none'|"
    "start_dim=1|end_dim=-1"
)
_SHORTER = (
    (re.compile(r"in_features=(\d+), out_features=(\d+)"), r"\1 → \2"),
    (re.compile(r"\((\d+), (\d+), kernel_size"), r"(\1 → \2, kernel_size"),
    (re.compile(r"\((\d+),\)"), r"\1"),
    (re.compile(r"=\((\d+)(?:, \1)+\)"), r"=\1"),
    (re.compile(r"(2d\(.*?)kernel_size=(\d+)"), r"\1\2×\2"),
    (re.compile(r"kernel_size=\((\d+), (\d+)\)"), r"\1×\2"),
    (re.compile(rf"(?<=[(,])\s?({_DEFAULTS})(?=[,)])"), ""),
    (re.compile(r",(?=[,)])|(?<=\(),\s?"), ""),
    (re.compile(r"\(,*\)$"), ""),
)


@dataclass
class Shown(Box):
    """A box and what is written in it."""

    title: str = ""
    note: str = ""
    shape: str = ""
    count: int = 1
    error: str = ""
    small: bool = False

    @property
    def message(self) -> list[str]:
        """The error in lines that fit."""
        return wrap(self.error, self.width - 32, 11.5, 7)


def boxes_of(trace: Trace, iteration: int) -> tuple[list[Shown], list[tuple[int, int]]]:
    """At most about forty boxes in the order in which they ran, and the edges between them."""
    graph = fitting(trace, iteration)
    nodes = list(graph.nodes.values())
    alone = Counter(call for node in nodes for call in node.inside[1:])
    root = next((graph.calls[n.inside[0]][0] for n in nodes if n.inside), "")
    hidden = nodes[24:-12] if len(nodes) > MOST else []
    boxes = [
        _box_of(node, graph, root, alone)
        for node in (nodes[:24] + nodes[-12:] if hidden else nodes)
    ]
    edges = list(graph.edges)
    if hidden:
        boxes.insert(24, _rest(hidden))
        edges = _without({node.key for node in hidden}, edges)
    return _with_input(trace, iteration, boxes, edges)


def _box_of(node: GraphNode, graph: Graph, root: str, alone: Counter[int]) -> Shown:
    """The box of a node; an operation that is all its module does is drawn as the module."""
    title, note, small = node.label, node.kind, not node.is_module
    if node.is_module:
        title = node.path
    elif node.inside and alone[node.inside[-1]] == 1:
        (title, note), small = graph.calls[node.inside[-1]], False
    title = title.removeprefix(f"{root}.")
    return _box(node.key, title, note, node.shape, node.count, node.error, small)


def _rest(hidden: list[GraphNode]) -> Shown:
    """One box for all those in the middle that there is no room for."""
    error = next((node.error for node in hidden if node.error), "")
    count = sum(node.count for node in hidden)
    return _box(REST, f"… {count:,} more operations", "", "", 1, error, True)


def _without(hidden: set[int], edges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The edges with the hidden boxes as one."""
    moved = {(REST if a in hidden else a, REST if b in hidden else b): None for a, b in edges}
    return [edge for edge in moved if edge != (REST, REST)]


def fitting(trace: Trace, iteration: int) -> Graph:
    """The graph at the depth of modules that gives a legible number of boxes."""
    graph = forward_graph(trace, iteration, 1)
    if len(graph.nodes) > MOST and graph.calls:
        return forward_graph(trace, iteration, 0)
    for depth in (2, 3, 4):
        if len(graph.nodes) >= FEW or not any(n.is_module for n in graph.nodes.values()):
            break
        deeper = forward_graph(trace, iteration, depth)
        if len(deeper.nodes) > ENOUGH:
            break
        graph = deeper
    return graph


def _box(key: int, title: str, note: str, shape: str, count: int, error: str, small: bool) -> Shown:
    box = Shown(key, 190.0 if small else 230.0, 28.0 if small else 46.0)
    box.title, box.note, box.shape, box.small = title, shorter(note), shape, small
    box.count, box.error = count, error
    if error:
        box.width = 320.0
        box.height += 16 + 15 * len(box.message)
    return box


def shorter(kind: str) -> str:
    """A module's class with its arguments in short: ``Conv2d(1 → 16, 3×3, padding=1)``."""
    for pattern, replacement in _SHORTER:
        kind = pattern.sub(replacement, kind)
    return kind


def _with_input(
    trace: Trace, iteration: int, boxes: list[Shown], edges: list[tuple[int, int]]
) -> tuple[list[Shown], list[tuple[int, int]]]:
    """A box for the data that the first operation was given, if it was given any."""
    ops, uses, tensors = trace["ops"], trace["uses"], trace["tensors"]
    ran = np.flatnonzero((ops["iteration"] == iteration) & (ops["phase"] == 0))
    given = uses["tensor"][np.isin(uses["op"], ran[:1]) & (uses["role"] == 0)]
    block = tensors["block"][given]
    given = given[(block >= 0) & (trace["blocks"]["category"][block] == DATA)]
    if not (len(given) and boxes):
        return boxes, edges
    row = given[0]
    shape = trace.strings[tensors["shape"][row]].replace(",", "×") or "scalar"
    name = trace.strings[tensors["name"][row]] or "input"
    box = _box(INPUT, name, trace.strings[tensors["dtype"][row]], shape, 1, "", True)
    users = np.intersect1d(uses["op"][(uses["tensor"] == row) & (uses["role"] == 0)], ran)
    keys = {box.key for box in boxes}
    drawn_as = _box_of_op(trace, keys)
    fed = dict.fromkeys(drawn_as(op) for op in users[:MOST].tolist())
    return [box, *boxes], [*((INPUT, key) for key in fed if key in keys), *edges]


def _box_of_op(trace: Trace, keys: set[int]) -> Callable[[int], int]:
    """Which box an operation is drawn as: its own, that of a module around it, or the rest."""
    calls, parents = trace["ops"]["call"], trace["calls"]["parent"]

    def find(op: int) -> int:
        call, found = int(calls[op]), op
        while found not in keys and call >= 0:
            found, call = -1 - call, int(parents[call])
        return found if found in keys else REST

    return find
