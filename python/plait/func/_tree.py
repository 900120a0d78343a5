# SPDX-License-Identifier: MIT
"""Nested containers as lists of leaves: dicts, lists, tuples and named tuples."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

__all__ = ["flatten", "map_leaves", "spread", "unflatten"]

_LEAF = object()


def _children(tree: Any) -> list[Any] | None:
    if isinstance(tree, dict):
        return list(tree.values())
    return list(tree) if type(tree) is list or _is_tuple(tree) else None


def _is_tuple(tree: Any) -> bool:
    """Plain tuples, named tuples and what ops return; other subclasses, such as sizes, are leaves."""
    return type(tree) is tuple or (isinstance(tree, tuple) and (hasattr(tree, "_fields") or hasattr(tree, "n_fields")))


def _rebuild(tree: Any, children: list[Any]) -> Any:
    if isinstance(tree, dict):
        return (OrderedDict if isinstance(tree, OrderedDict) else dict)(zip(tree, children))
    return type(tree)(*children) if hasattr(tree, "_fields") else type(tree)(children)


def flatten(tree: Any) -> tuple[list[Any], Any]:
    """The leaves in order, and the structure for :func:`unflatten`."""
    children = _children(tree)
    if children is None:
        return [tree], _LEAF
    leaves: list[Any] = []
    specs = []
    for child in children:
        found, spec = flatten(child)
        leaves += found
        specs.append(spec)
    return leaves, (_rebuild(tree, list(range(len(children)))), specs)


def unflatten(leaves: list[Any], spec: Any) -> Any:
    """The tree of this structure with these leaves."""
    rest = iter(leaves)

    def build(spec: Any) -> Any:
        if spec is _LEAF:
            return next(rest)
        tree, specs = spec
        return _rebuild(tree, [build(s) for s in specs])

    return build(spec)


def map_leaves(f: Callable[[Any], Any], tree: Any) -> Any:
    """The tree with ``f(leaf)`` in place of each leaf."""
    leaves, spec = flatten(tree)
    return unflatten([f(leaf) for leaf in leaves], spec)


def spread(prefix: Any, tree: Any) -> list[Any] | None:
    """A value for each leaf of ``tree``: those of ``prefix``, each for all leaves below it; None where it differs."""
    children, given = _children(tree), _children(prefix)
    if given is None:
        return [prefix] * len(flatten(tree)[0])
    if children is None or len(children) != len(given) or (isinstance(tree, dict) and list(tree) != list(prefix)):
        return None
    parts = [spread(p, t) for p, t in zip(given, children)]
    return None if any(p is None for p in parts) else [v for p in parts if p for v in p]
