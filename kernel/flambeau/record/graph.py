"""The forward graph of one iteration, for pictures: operations nested in module calls."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from .trace import Trace

DEEPEST = 100  # calls within calls that a picture shows; a recording may have any number


@dataclass
class GraphNode:
    """An operation, or a module call drawn as one box."""

    key: int
    label: str  # "conv2d", or the module's own name
    kind: str  # the operation's arguments, or the module's class
    path: str  # of the module: "net.conv1"
    inside: tuple[int, ...]  # keys of the calls around it, outermost first
    shape: str = ""  # of its last output
    count: int = 1  # operations it stands for
    error: str = ""
    is_module: bool = False


@dataclass
class Graph:
    """Nodes in the order they ran, and edges between their keys."""

    nodes: dict[int, GraphNode] = field(default_factory=dict)
    edges: dict[tuple[int, int], None] = field(default_factory=dict)
    calls: dict[int, tuple[str, str]] = field(default_factory=dict)  # key -> path, kind


def last_whole_iteration(trace: Trace) -> int:
    """The iteration to show where none is named.

    The last one that an optimizer's step completed, unless something failed or ran since that
    is all there is; else the last in which anything ran.
    """
    ops, steps = trace["ops"], trace["steps"]
    if not len(ops):
        return 0
    last = int(ops["iteration"][-1])
    if len(trace["errors"]) or not len(steps):
        return last
    before = ops["iteration"][ops["tick"] <= steps["tick"][-1]]
    return int(before[-1]) if len(before) else last


def call_chains(trace: Trace) -> list[tuple[int, ...]]:
    """For each call, the calls from the outermost down to it, the outermost `DEEPEST` of them."""
    chains: list[tuple[int, ...]] = []
    for row, parent in enumerate(trace["calls"]["parent"].tolist()):
        above = chains[parent] if 0 <= parent < row else ()
        chains.append((*above, row) if len(above) < DEEPEST else above)
    return chains


def forward_graph(trace: Trace, iteration: int | None = None, depth: int = 99) -> Graph:
    """The graph of an iteration; module calls nested deeper than ``depth`` become one node each.

    In an iteration with a backward, passes that take no part in it (evaluations between two
    steps) are left out. Keys of operations are their rows, of calls -1 minus their row.
    """
    if iteration is None:
        iteration = last_whole_iteration(trace)
    ops, graph, chains = trace["ops"], Graph(), call_chains(trace)
    rows = np.flatnonzero((ops["iteration"] == iteration) & (ops["phase"] == 0))
    node_of: dict[int, int] = {}
    for row in taking_part(trace, rows.tolist()):
        call = int(ops["call"][row])
        chain = chains[call] if call >= 0 else ()
        node_of[row] = _node(trace, graph, row, chain, depth)
    _edges(trace, graph, node_of)
    _errors(trace, graph, node_of)
    return graph


def taking_part(trace: Trace, rows: list[int]) -> list[int]:
    """The forward operations that hang together with one that has a backward, or came after it.

    They hang together where one uses what another has made. All of them, where none has a
    backward or one has failed. What ran after the last backward is what the user did last.
    """
    with_backward = set(trace["ops"]["forward"].tolist()) & set(rows)
    if not with_backward or set(trace["errors"]["op"].tolist()) & set(rows):
        return rows
    group = {row: row for row in rows}  # a forest: each points towards the first of its group

    def first(row: int) -> int:
        while group[row] != row:
            group[row] = row = group[group[row]]
        return row

    maker: dict[int, int] = {}
    uses = trace["uses"]
    for op, tensor, role in zip(*(uses[c].tolist() for c in ("op", "tensor", "role")), strict=True):
        if op in group and role == 1:
            maker[tensor] = op
        elif op in group and role == 0 and tensor in maker:
            group[first(op)] = first(maker[tensor])
    ops = trace["ops"]
    of_rows = np.isin(ops["forward"], rows)
    last = int(ops["tick"][of_rows].max())
    newest = [row for row in rows if ops["tick"][row] > last]
    kept = {first(row) for row in (*with_backward, *newest)}
    return [row for row in rows if first(row) in kept]


def _node(trace: Trace, graph: Graph, row: int, chain: tuple[int, ...], depth: int) -> int:
    """Adds the node that an operation is drawn as, or counts it in; returns its key."""
    strings, ops = trace.strings, trace.tables["ops"]
    around = tuple(-1 - c for c in chain)
    for c in chain:
        graph.calls.setdefault(-1 - c, _module(trace, c))
    if len(chain) > depth:
        key = around[depth]
        if key in graph.nodes:
            graph.nodes[key].count += 1
        else:
            path, kind = graph.calls[key]
            label = path.rsplit(".", 1)[-1]
            node = GraphNode(key, label, kind, path, around[:depth], is_module=True)
            graph.nodes[key] = node
        return key
    path = graph.calls[around[-1]][0] if around else ""
    name, arguments = strings[ops["name"][row]], strings[ops["arguments"][row]]
    graph.nodes[row] = GraphNode(row, name, arguments, path, around)
    return row


def _module(trace: Trace, call: int) -> tuple[str, str]:
    module = trace.tables["calls"]["module"][call]
    modules = trace.tables["modules"]
    return trace.strings[modules["path"][module]], trace.strings[modules["kind"][module]]


def _edges(trace: Trace, graph: Graph, node_of: dict[int, int]) -> None:
    """Edges run from the node that made a tensor to those that use it."""
    uses, shapes = trace["uses"], trace["tensors"]["shape"]
    maker: dict[int, int] = {}
    for op, tensor, role in zip(*(uses[c].tolist() for c in ("op", "tensor", "role")), strict=True):
        if op not in node_of:
            continue
        node = node_of[op]
        if role == 1:
            maker[tensor] = node
            graph.nodes[node].shape = trace.strings[shapes[tensor]].replace(",", "×")
        elif role == 0 and maker.get(tensor, node) != node:
            graph.edges[maker[tensor], node] = None


def _errors(trace: Trace, graph: Graph, node_of: dict[int, int]) -> None:
    errors = trace["errors"]
    for op, message in zip(errors["op"].tolist(), errors["message"].tolist(), strict=True):
        if op in node_of:
            graph.nodes[node_of[op]].error = trace.strings[message]
