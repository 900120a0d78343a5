# SPDX-License-Identifier: MIT
"""The structure of nested arguments, for graphs whose inputs are their leaves."""

from __future__ import annotations

from typing import Any

__all__ = ["Tree", "tree_flatten_spec", "tree_unflatten"]


class Tree:
    """The structure of a nest of lists, tuples and dicts, without its leaves.

    Args:
        nest: any object.
    """

    def __init__(self, nest: Any) -> None:
        self.kind: Any = type(nest)
        self.keys: list[Any] | None = None
        self.children: list[Tree] = []
        if isinstance(nest, dict):
            self.keys = list(nest)
            self.children = [Tree(x) for x in nest.values()]
        elif isinstance(nest, list) or self.kind is tuple or (isinstance(nest, tuple) and hasattr(nest, "_fields")):
            self.children = [Tree(x) for x in nest]
        else:
            self.kind = None

    def leaves(self, nest: Any) -> list[Any]:
        """The leaves of a nest of this structure, in order; a dict may have further keys."""
        if self.kind is None:
            return [nest]
        if not isinstance(nest, dict if self.keys is not None else (list, tuple)):
            raise ValueError(f"expected a {self.kind.__name__} where the function was traced with one, got {nest!r}")
        values = list(nest) if self.keys is None else [nest[key] for key in self.keys]
        if len(values) != len(self.children):
            raise ValueError(f"expected {len(self.children)} elements as when the function was traced, got {nest!r}")
        return [leaf for child, value in zip(self.children, values) for leaf in child.leaves(value)]

    def build(self, leaves: list[Any]) -> Any:
        """The nest of this structure with these leaves."""
        rest = iter(leaves)

        def build(tree: Tree) -> Any:
            if tree.kind is None:
                return next(rest)
            children = [build(child) for child in tree.children]
            if tree.keys is not None:
                return dict(zip(tree.keys, children))
            return tree.kind(*children) if hasattr(tree.kind, "_fields") else tree.kind(children)

        return build(self)


def tree_flatten_spec(nest: Any, spec: Tree) -> list[Any]:
    """The leaves of a nest of the structure ``spec``."""
    return spec.leaves(nest)


def tree_unflatten(leaves: list[Any], spec: Tree) -> Any:
    """The nest of the structure ``spec`` with these leaves."""
    return spec.build(leaves)
