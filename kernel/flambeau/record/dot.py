"""The forward graph in Graphviz's DOT language."""

from __future__ import annotations

from .graph import Graph, GraphNode, forward_graph
from .trace import Trace


def to_dot(trace: Trace, iteration: int | None = None, depth: int = 99) -> str:
    """DOT text: modules as clusters, operations as boxes, the failed one in red."""
    graph = forward_graph(trace, iteration, depth)
    lines = [
        "digraph trace {",
        '  graph [rankdir=TB, fontname="Helvetica", fontsize=10, compound=true];',
        '  node [shape=box, style="rounded,filled", fillcolor="#f5f7fa", color="#7f8c9b",'
        ' fontname="Helvetica", fontsize=10];',
        '  edge [color="#7f8c9b", arrowsize=0.6];',
    ]
    lines += _clusters(graph)
    lines += [f"  {_id(a)} -> {_id(b)};" for a, b in graph.edges]
    return "\n".join([*lines, "}", ""])


def _clusters(graph: Graph) -> list[str]:
    """Nodes, each inside the clusters of the modules around it."""
    lines: list[str] = []
    opened: tuple[int, ...] = ()
    for node in graph.nodes.values():
        shared = 0
        while shared < min(len(opened), len(node.inside)) and opened[shared] == node.inside[shared]:
            shared += 1
        lines += ["  " * (len(opened) - i) + "}" for i in range(len(opened) - shared)]
        for i, call in enumerate(node.inside[shared:], shared + 1):
            path, kind = graph.calls[call]
            lines.append(f"{'  ' * i}subgraph cluster_{-call} {{")
            lines.append(f'{"  " * i}  label={_quote(f"{path}: {kind}")}; color="#b6c2cf";')
        opened = node.inside
        lines.append("  " * (len(opened) + 1) + _node(node))
    return lines + ["  " * (len(opened) - i) + "}" for i in range(len(opened))]


def _node(node: GraphNode) -> str:
    label = "\n".join(p for p in (node.label, node.kind, node.shape) if p)
    colour = ""
    if node.error:
        label += f"\n✗ {node.error}"
        colour = ', color="#c0392b", fillcolor="#fdecea", penwidth=2'
    return f"{_id(node.key)} [label={_quote(label)}{colour}];"


def _id(key: int) -> str:
    return f"op{key}" if key >= 0 else f"call{-key}"


def _quote(text: str) -> str:
    inside = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{inside}"'
