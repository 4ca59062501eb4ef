"""Nested tuples, lists and dicts as flat lists and back: what functions take and give."""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Callable
from typing import Any, NamedTuple


class Tree(NamedTuple):
    """The structure of a nested value without its leaves; None for a leaf itself."""

    kind: Any
    context: Any
    children: tuple[Any, ...]

    def __repr__(self) -> str:
        return "*" if self.kind is None else f"{self.kind.__name__}{list(self.children)}"


LEAF = Tree(None, None, ())
_DICTS = (dict, OrderedDict, defaultdict)


def flatten(value: Any) -> tuple[list[Any], Tree]:
    """The leaves of a nested value in order, and its structure."""
    leaves: list[Any] = []
    return leaves, _flatten(value, leaves)


def _flatten(value: Any, leaves: list[Any]) -> Tree:
    kind = type(value)
    if kind in _DICTS:
        context = (tuple(value), getattr(value, "default_factory", None))
        children: Any = value.values()
    elif kind in (list, tuple) or (isinstance(value, tuple) and _is_record(kind)):
        context, children = None, value
    else:
        leaves.append(value)
        return LEAF
    return Tree(kind, context, tuple(_flatten(child, leaves) for child in children))


def _is_record(kind: type) -> bool:
    return hasattr(kind, "_fields") or kind.__module__.endswith("return_types")


def unflatten(leaves: Any, tree: Tree) -> Any:
    """The nested value with these leaves; what `flatten` took apart."""
    return _unflatten(iter(leaves), tree)


def _unflatten(leaves: Any, tree: Tree) -> Any:
    if tree.kind is None:
        return next(leaves)
    children = [_unflatten(leaves, child) for child in tree.children]
    if tree.kind in _DICTS:
        keys, factory = tree.context
        pairs = zip(keys, children, strict=True)
        return defaultdict(factory, pairs) if tree.kind is defaultdict else tree.kind(pairs)
    return tree.kind(*children) if hasattr(tree.kind, "_fields") else tree.kind(children)


def map_leaves(function: Callable[[Any], Any], value: Any) -> Any:
    """The nested value with ``function`` applied to every leaf."""
    leaves, tree = flatten(value)
    return unflatten([function(leaf) for leaf in leaves], tree)


def spread(prefix: Any, tree: Tree) -> list[Any] | None:
    """One entry of ``prefix`` for each leaf of ``tree``; None where they do not fit.

    A leaf of the prefix stands for all leaves below it: ``(0, None)`` for ``(x, {"a": y, "b": z})``
    gives ``[0, None, None]``.
    """
    if tree.kind is None or not isinstance(prefix, (list, tuple, dict)):
        return [prefix] * count(tree) if not isinstance(prefix, (list, tuple, dict)) else None
    if type(prefix) is not tree.kind or len(prefix) != len(tree.children):
        return None
    if isinstance(prefix, dict):
        if set(prefix) != set(tree.context[0]):
            return None
        prefix = [prefix[key] for key in tree.context[0]]
    parts = [spread(p, child) for p, child in zip(prefix, tree.children, strict=True)]
    return None if any(p is None for p in parts) else [x for p in parts for x in p or ()]


def count(tree: Tree) -> int:
    """How many leaves a structure has."""
    return 1 if tree.kind is None else sum(map(count, tree.children))
