# SPDX-License-Identifier: MIT
"""Occurrences of a pattern in a graph, replaced by something else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ._symbolic_trace import symbolic_trace
from .graph import Graph
from .graph_module import GraphModule, _copy_attr
from .node import Node

__all__ = ["Match", "replace_pattern"]


class Match(NamedTuple):
    """An occurrence of a pattern.

    Args:
        anchor: the node that gives the result of the pattern.
        nodes_map: the node of the graph for each node of the pattern.

    Example:
        >>> net = plait.fx.symbolic_trace(lambda x: plait.relu(x))
        >>> (match,) = plait.fx.replace_pattern(net, lambda a: plait.relu(a), lambda a: plait.tanh(a))
        >>> match.anchor
        relu
    """

    anchor: Node
    nodes_map: dict[Node, Node]


@dataclass
class _Matcher:
    """Compares a pattern with a graph, from the result backwards."""

    pattern: Graph
    module: GraphModule
    pattern_module: Any
    found: dict[Node, Node] = field(default_factory=dict)

    def match(self, results: list[Node], node: Node) -> dict[Node, Node] | None:
        """The nodes of an occurrence whose result is ``node``."""
        self.found = {}
        if not self._same_node(results[0], node):
            return None
        inner = {self.found[p] for p in self.found if p.op not in ("placeholder", "get_attr")}
        for p, n in self.found.items():
            # What the occurrence computes on the way must not be needed elsewhere: it goes.
            if p.op not in ("placeholder", "get_attr") and p not in results and not set(n.users) <= inner:
                return None
        return dict(self.found)

    def _same_node(self, p: Node, n: Node) -> bool:
        if p in self.found:
            return self.found[p] is n
        if p.op != "placeholder":
            if p.op != n.op or not self._same_target(p, n):
                return False
            if len(p.args) != len(n.args) or set(p.kwargs) != set(n.kwargs):
                return False
        self.found[p] = n
        if p.op == "placeholder":
            return True
        return self._same(p.args, n.args) and all(self._same(p.kwargs[k], n.kwargs[k]) for k in p.kwargs)

    def _same_target(self, p: Node, n: Node) -> bool:
        if p.op not in ("call_module", "get_attr"):
            return p.target == n.target
        if p.op == "call_module":
            theirs = self.pattern_module.get_submodule(str(p.target))
            return type(theirs) is type(self.module.get_submodule(str(n.target)))
        return p.target == n.target

    def _same(self, p: Any, n: Any) -> bool:
        if isinstance(p, Node):
            if isinstance(n, Node):
                return self._same_node(p, n)
            # An input of the pattern stands for a constant too.
            return False
        if isinstance(p, (list, tuple)):
            return isinstance(n, (list, tuple)) and len(p) == len(n) and all(map(self._same, p, n))
        if isinstance(p, dict):
            return isinstance(n, dict) and set(p) == set(n) and all(self._same(p[k], n[k]) for k in p)
        return type(p) is type(n) and bool(p == n)


def replace_pattern(
    gm: GraphModule,
    pattern: Callable[..., Any] | GraphModule,
    replacement: Callable[..., Any] | GraphModule,
) -> list[Match]:
    """Replace each occurrence of a pattern in the graph of a module.

    Args:
        gm: the module; its graph and code are changed.
        pattern: a function or module whose graph is looked for: the same calls with the same constants. Its inputs
            stand for any values.
        replacement: what takes its place; with the same inputs in the same order, and one result as there.

    Returns:
        The occurrences, as they were.

    Raises:
        ValueError: if the pattern has several results, or the numbers of inputs differ.

    Example:
        >>> net = plait.fx.symbolic_trace(lambda x: plait.relu(x + 1))
        >>> len(plait.fx.replace_pattern(net, lambda a: plait.relu(a), lambda a: a.clamp(0, 6)))
        1
        >>> print(net.code.strip())
        def forward(self, x):
            add = x + 1;  x = None
            clamp = add.clamp(0, 6);  add = None
            return clamp
    """
    pattern_module, new_module = _traced(pattern), _traced(replacement)
    results = pattern_module.graph.output_node().all_input_nodes
    inputs = [n for n in pattern_module.graph.nodes if n.op == "placeholder"]
    new_inputs = [n for n in new_module.graph.nodes if n.op == "placeholder"]
    if len(results) != 1 or not isinstance(pattern_module.graph.output_node().args[0], Node):
        raise ValueError(f"fx.replace_pattern: expected a pattern with one result, got {len(results)}")
    if len(inputs) != len(new_inputs):
        raise ValueError(
            f"fx.replace_pattern: expected as many inputs in pattern and replacement, got {len(inputs)} "
            f"and {len(new_inputs)}"
        )
    matcher = _Matcher(pattern_module.graph, gm, pattern_module)
    matches = _disjoint_matches(gm.graph, matcher, results)
    replaced: dict[Node, Node] = {}
    for match in matches:
        nodes = {p: replaced.get(n, n) for p, n in match.nodes_map.items()}
        _replace(gm, match, dict(zip(new_inputs, (nodes[p] for p in inputs if p in nodes))), new_module, replaced)
    gm.recompile()
    return matches


def _traced(function: Any) -> GraphModule:
    return function if isinstance(function, GraphModule) else symbolic_trace(function)


def _disjoint_matches(graph: Graph, matcher: _Matcher, results: list[Node]) -> list[Match]:
    matches: list[Match] = []
    taken: set[Node] = set()
    for node in graph.nodes:
        found = matcher.match(results, node) if node.op not in ("placeholder", "output") else None
        if found is None:
            continue
        inner = {n for p, n in found.items() if p.op not in ("placeholder", "get_attr")}
        if not inner & taken:
            taken |= inner
            matches.append(Match(node, found))
    return matches


def _replace(
    gm: GraphModule, match: Match, values: dict[Node, Node], new: GraphModule, replaced: dict[Any, Any]
) -> None:
    """Put the replacement in front of the result of an occurrence, whose nodes go."""
    for node in new.graph.nodes:
        if node.op in ("call_module", "get_attr"):
            _copy_attr(new, gm, str(node.target))
    with gm.graph.inserting_before(match.anchor):
        result = gm.graph.graph_copy(new.graph, values)
    match.anchor.replace_all_uses_with(result)
    replaced[match.anchor] = result
    inner = {n for p, n in match.nodes_map.items() if p.op not in ("placeholder", "get_attr")}
    for node in reversed(list(gm.graph.nodes)):
        if node in inner and not node.users:
            gm.graph.erase_node(node)
