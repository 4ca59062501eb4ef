"""Nested tuples, lists and dicts; mirrors the main functions of ``torch.utils._pytree``."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ..func.trees import Tree as TreeSpec
from ..func.trees import count, flatten, map_leaves, unflatten

__all__ = [
    "TreeSpec",
    "tree_all",
    "tree_any",
    "tree_flatten",
    "tree_iter",
    "tree_leaves",
    "tree_map",
    "tree_map_",
    "tree_map_only",
    "tree_structure",
    "tree_unflatten",
]


def tree_flatten(tree: Any, is_leaf: Callable[[Any], bool] | None = None) -> Any:
    """The leaves of a nested value as a list, and its structure.

    >>> leaves, structure = tree_flatten({"a": [1, 2], "b": (3,)})
    >>> leaves
    [1, 2, 3]
    """
    if is_leaf is None:
        return flatten(tree)
    return _flatten_until(tree, is_leaf)


class _Whole:
    """Holds a value that counts as one leaf."""

    def __init__(self, value: Any) -> None:
        self.value = value


def _flatten_until(tree: Any, is_leaf: Callable[[Any], bool]) -> Any:
    def closed(value: Any) -> Any:
        if is_leaf(value):
            return _Whole(value)
        if isinstance(value, dict):
            made = value.copy()
            made.update({key: closed(v) for key, v in value.items()})
            return made
        if isinstance(value, (list, tuple)):
            parts = [closed(v) for v in value]
            return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
        return value

    leaves, structure = flatten(closed(tree))
    return [v.value if isinstance(v, _Whole) else v for v in leaves], structure


def tree_unflatten(leaves: Iterable[Any], treespec: TreeSpec) -> Any:
    """The nested value of a structure with these leaves; ValueError if their number differs."""
    leaves = list(leaves)
    if len(leaves) != count(treespec):
        raise ValueError(
            f"tree_unflatten(leaves, treespec): `leaves` has length {len(leaves)} but the spec "
            f"refers to a pytree that holds {count(treespec)} items"
        )
    return unflatten(leaves, treespec)


def tree_leaves(tree: Any, is_leaf: Callable[[Any], bool] | None = None) -> list[Any]:
    """The leaves of a nested value."""
    return tree_flatten(tree, is_leaf)[0]


tree_iter = tree_leaves


def tree_structure(tree: Any, is_leaf: Callable[[Any], bool] | None = None) -> TreeSpec:
    """The structure of a nested value."""
    return tree_flatten(tree, is_leaf)[1]


def tree_map(func: Callable[..., Any], tree: Any, *rests: Any, is_leaf: Any = None) -> Any:
    """The nested value with ``func`` applied to each leaf (and those of the others beside it).

    >>> tree_map(lambda x: 10 * x, {"a": [1, 2], "b": (3,)})
    {'a': [10, 20], 'b': (30,)}
    """
    if not rests and is_leaf is None:
        return map_leaves(func, tree)
    leaves, structure = tree_flatten(tree, is_leaf)
    others = [tree_flatten(rest, is_leaf)[0] for rest in rests]
    return unflatten([func(*each) for each in zip(leaves, *others, strict=True)], structure)


def tree_map_(func: Callable[..., Any], tree: Any, *rests: Any, is_leaf: Any = None) -> Any:
    """Calls ``func`` on each leaf for what it does; returns the nested value itself."""
    tree_map(func, tree, *rests, is_leaf=is_leaf)
    return tree


def tree_map_only(kind: Any, func: Callable[[Any], Any], tree: Any, is_leaf: Any = None) -> Any:
    """`tree_map` on the leaves of a type (or that a function says True of) alone."""
    if isinstance(kind, (type, tuple)):
        return tree_map(lambda x: func(x) if isinstance(x, kind) else x, tree, is_leaf=is_leaf)
    return tree_map(lambda x: func(x) if kind(x) else x, tree, is_leaf=is_leaf)


def tree_all(pred: Callable[[Any], bool], tree: Any, is_leaf: Any = None) -> bool:
    """Whether ``pred`` holds of every leaf."""
    return all(map(pred, tree_leaves(tree, is_leaf)))


def tree_any(pred: Callable[[Any], bool], tree: Any, is_leaf: Any = None) -> bool:
    """Whether ``pred`` holds of some leaf."""
    return any(map(pred, tree_leaves(tree, is_leaf)))
