# SPDX-License-Identifier: MIT
"""Graphs run node by node, with methods that a subclass may change."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

from ..nn import Module
from ._symbolic_trace import Tracer
from .graph import Graph
from .graph_module import GraphModule
from .node import Argument, Node, Target, map_arg
from .proxy import Proxy

__all__ = ["Interpreter", "Transformer"]


class Interpreter:
    """A run of a graph node by node.

    A subclass may change what a kind of node does (:meth:`call_function` and so on), or look at each value
    (:meth:`run_node`).

    Args:
        module: the module whose graph runs, with the attributes that the graph refers to.
        garbage_collect_values: drop each value after its last use. Default: ``True``.
        graph: another graph to run. Default: ``module.graph``.

    Attributes:
        env: the values so far, by node.

    Example:
        >>> class Shapes(plait.fx.Interpreter):
        ...     def run_node(self, n):
        ...         value = super().run_node(n)
        ...         print(n.name, tuple(value.shape))
        ...         return value
        >>> _ = Shapes(plait.fx.symbolic_trace(lambda x: x.t().sum(0))).run(plait.ones(2, 3))
        x (2, 3)
        t (3, 2)
        sum_1 (2,)
        output (2,)
    """

    def __init__(self, module: Module, garbage_collect_values: bool = True, graph: Graph | None = None) -> None:
        self.module = module
        self.submodules = dict(module.named_modules())
        self.graph: Graph = graph if graph is not None else module.graph  # type: ignore[assignment]
        self.env: dict[Node, Any] = {}
        self.name = "Interpreter"
        self.garbage_collect_values = garbage_collect_values
        self.extra_traceback = True
        self.args_iter: Iterator[Any] = iter(())

    def run(self, *args: Any, initial_env: dict[Node, Any] | None = None, enable_io_processing: bool = True) -> Any:
        """Run the graph.

        Args:
            args: its arguments, by position.
            initial_env: values of nodes that are known, which do not run. Default: none.
            enable_io_processing: nested arguments and results stand for their leaves, as in the module's ``forward``.
                Default: ``True``.

        Returns:
            The result.
        """
        self.env = dict(initial_env or {})
        self.args_iter = iter(self.graph.process_inputs(*args) if enable_io_processing else args)
        last_uses = _last_uses(self.graph) if self.garbage_collect_values else {}
        for node in self.graph.nodes:
            if node in self.env:
                continue
            try:
                self.env[node] = self.run_node(node)
            except Exception as error:
                if self.extra_traceback and not getattr(error, "_fx_noted", False):
                    error.add_note(f"while running {node.format_node()}")
                    error._fx_noted = True  # type: ignore[attr-defined]
                raise
            if node.op == "output":
                result = self.env[node]
                return self.graph.process_outputs(result) if enable_io_processing else result
            for used in last_uses.get(node, ()):
                self.env.pop(used, None)
        return None

    def boxed_run(self, args_list: list[Any]) -> Any:
        """Run the graph with the arguments in a list, which is emptied so that it keeps none alive.

        Args:
            args_list: the arguments.
        """
        args = list(args_list)
        args_list.clear()
        return self.run(*args, enable_io_processing=False)

    def run_node(self, n: Node) -> Any:
        """The value of the node ``n``: the method named like its ``op``, with the values of its arguments."""
        args, kwargs = self.fetch_args_kwargs_from_env(n)
        return getattr(self, n.op)(n.target, args, kwargs)

    def placeholder(self, target: Target, args: tuple[Argument, ...], kwargs: dict[str, Any]) -> Any:
        """The value of an input.

        Args:
            target: its name.
            args: its default, if it has one.
            kwargs: empty.
        """
        if str(target).startswith("*"):
            return list(self.args_iter)
        for value in self.args_iter:
            return value
        if args:
            return args[0]
        raise RuntimeError(f"Interpreter.run: expected an argument for {target}, which has no default")

    def get_attr(self, target: Target, args: tuple[Argument, ...], kwargs: dict[str, Any]) -> Any:
        """The attribute at the path ``target``; ``args`` and ``kwargs`` are empty."""
        return self.fetch_attr(str(target))

    def call_function(self, target: Target, args: tuple[Argument, ...], kwargs: dict[str, Any]) -> Any:
        """What the function ``target`` gives for ``args`` and ``kwargs``."""
        return target(*args, **kwargs)  # type: ignore[operator]

    def call_method(self, target: Target, args: tuple[Argument, ...], kwargs: dict[str, Any]) -> Any:
        """What the method ``target`` of ``args[0]`` gives for the rest of ``args`` and ``kwargs``."""
        return getattr(args[0], str(target))(*args[1:], **kwargs)

    def call_module(self, target: Target, args: tuple[Argument, ...], kwargs: dict[str, Any]) -> Any:
        """What the module at the path ``target`` gives for ``args`` and ``kwargs``."""
        return self.fetch_attr(str(target))(*args, **kwargs)

    def output(self, target: Target, args: tuple[Argument, ...], kwargs: dict[str, Any]) -> Any:
        """The result, ``args[0]``; ``target`` and ``kwargs`` mean nothing."""
        return args[0]

    def fetch_attr(self, target: str) -> Any:
        """The attribute of the module at the path ``target``; RuntimeError if it has none."""
        value: Any = self.module
        for name in target.split("."):
            if not hasattr(value, name):
                raise RuntimeError(f"Interpreter: the graph refers to {target}, which the module does not have")
            value = getattr(value, name)
        return value

    def fetch_args_kwargs_from_env(self, n: Node) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The values of the arguments of the node ``n``."""
        return self.map_nodes_to_values(n.args, n), self.map_nodes_to_values(n.kwargs, n)

    def map_nodes_to_values(self, args: Argument, n: Node) -> Any:
        """The arguments with values in place of nodes.

        Args:
            args: the arguments.
            n: the node that they belong to.
        """

        def value(node: Node) -> Any:
            if node not in self.env:
                raise RuntimeError(f"Interpreter: {n} uses {node}, which has no value yet")
            return self.env[node]

        return map_arg(args, value)


def _last_uses(graph: Graph) -> dict[Node, list[Node]]:
    last: dict[Node, Node] = {}
    for user in graph.nodes:
        for node in user.all_input_nodes:
            last[node] = user
    dead: dict[Node, list[Node]] = {}
    for node, user in last.items():
        dead.setdefault(user, []).append(node)
    return dead


class _LeafTracer(Tracer):
    def is_leaf_module(self, m: Module, module_qualified_name: str) -> bool:
        return True


class Transformer(Interpreter):
    """The making of a new graph from a graph, node by node.

    A subclass changes what a kind of node becomes; its methods get proxies and return them.

    Args:
        module: the module whose graph is gone through.

    Example:
        >>> class TanhForRelu(plait.fx.Transformer):
        ...     def call_function(self, target, args, kwargs):
        ...         target = plait.tanh if target is plait.relu else target
        ...         return super().call_function(target, args, kwargs)
        >>> net = TanhForRelu(plait.fx.symbolic_trace(lambda x: plait.relu(x))).transform()
        >>> print(net.code.strip())
        def forward(self, x):
            tanh = plait.tanh(x);  x = None
            return tanh
    """

    def __init__(self, module: GraphModule) -> None:
        super().__init__(module)
        self.new_graph = Graph()
        self.new_graph.set_codegen(module.graph._codegen)
        self.tracer = _LeafTracer()
        self.tracer.graph = self.new_graph
        self.tracer.root = module

    def placeholder(self, target: Target, args: tuple[Argument, ...], kwargs: dict[str, Any]) -> Proxy:
        """A proxy for the input ``target`` with the default ``args``; ``kwargs`` is empty."""
        default = args[0] if args else inspect.Signature.empty
        return Proxy(self.new_graph.placeholder(str(target), default_value=default), self.tracer)

    def get_attr(self, target: Target, args: tuple[Argument, ...], kwargs: dict[str, Any]) -> Proxy:
        """A proxy for the attribute at the path ``target``; ``args`` and ``kwargs`` are empty."""
        return self.tracer.create_proxy("get_attr", target, args, kwargs)

    def call_module(self, target: Target, args: tuple[Argument, ...], kwargs: dict[str, Any]) -> Any:
        """A proxy for what the module at the path ``target`` gives for ``args`` and ``kwargs``."""
        return self.tracer.create_proxy("call_module", target, args, kwargs)

    def call_function(self, target: Target, args: tuple[Argument, ...], kwargs: dict[str, Any]) -> Any:
        """A proxy for what the function ``target`` gives for ``args`` and ``kwargs``."""
        return self.tracer.create_proxy("call_function", target, args, kwargs)

    def transform(self) -> GraphModule:
        """The module with the new graph."""
        result = self.run_graph()
        if result is not None:
            old, value = result
            node = self.new_graph.output(map_proxies(value), old.type)
            node.meta = dict(old.meta)
        assert isinstance(self.module, GraphModule)
        return GraphModule(self.module, self.new_graph, type(self.module).__name__)

    def run_graph(self) -> tuple[Node, Any] | None:
        """Go through the nodes; the output and what becomes of it, or None if there is none."""
        self.env = {}
        for node in self.graph.nodes:
            value = self.run_node(node)
            self.env[node] = value
            if isinstance(value, Proxy) and node.op != "output":
                value.node.meta = {**node.meta, **value.node.meta}
                value.node.type = value.node.type or node.type
            if node.op == "output":
                return node, value
        return None


def map_proxies(value: Any) -> Any:
    """A nest of values with nodes in place of proxies."""
    from .node import map_aggregate

    return map_aggregate(value, lambda x: x.node if isinstance(x, Proxy) else x)
