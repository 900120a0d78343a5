# SPDX-License-Identifier: MIT
"""A function as a list of operations that programs can read and change."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from ._codegen import CodeGen, PythonCode
from ._names import Namespace, snake_case
from .node import Argument, Node, Target, map_arg

if TYPE_CHECKING:
    from .graph_module import GraphModule

__all__ = ["CodeGen", "Graph", "PythonCode"]

_Namespace = Namespace
_snake_case = snake_case


class _NodeList:
    """The nodes of a graph in order. Nodes may be taken out, put in and moved while it is gone through."""

    def __init__(self, graph: Graph, reverse: bool = False) -> None:
        self._graph = graph
        self._reverse = reverse

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __iter__(self) -> Iterator[Node]:
        root = self._graph._root
        node = root._prev if self._reverse else root._next
        while node is not root:
            if not node._erased:
                yield node
            node = node._prev if self._reverse else node._next

    def __reversed__(self) -> _NodeList:
        return _NodeList(self._graph, not self._reverse)


class _InsertPoint:
    """Where new nodes go from now on; leaving the ``with`` block restores the place before."""

    def __init__(self, graph: Graph, insert: Callable[[Node], None]) -> None:
        self._graph = graph
        self._before = graph._insert
        graph._insert = insert

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        self._graph._insert = self._before


class Graph:
    """A function as a list of :class:`Node`: inputs, calls, and an output.

    :func:`symbolic_trace` makes graphs of functions and modules; a :class:`GraphModule` runs them.

    Args:
        owning_module: the module that runs it. Default: none yet.
        tracer_cls: the class of the tracer that makes it. Default: :class:`Tracer`.
        tracer_extras: what that tracer notes for copies of the graph. Default: nothing.

    Example:
        >>> graph = plait.fx.Graph()
        >>> x = graph.placeholder("x")
        >>> _ = graph.output(graph.call_function(plait.relu, (x,)))
        >>> print(graph)
        graph():
            %x : [num_users=1] = placeholder[target=x]
            %relu : [num_users=1] = call_function[target=plait.relu](args = (%x,), kwargs = {})
            return relu
        >>> plait.fx.GraphModule(nn.Module(), graph)(plait.tensor([-1.0, 1.0]))
        tensor([0., 1.])
    """

    def __init__(
        self,
        owning_module: GraphModule | None = None,
        tracer_cls: Any = None,
        tracer_extras: dict[str, Any] | None = None,
    ) -> None:
        self._root = Node(self, "", "root", "", (), {})
        self._graph_namespace = Namespace()
        self._insert: Callable[[Node], None] = self._root.prepend
        self._owning_module = owning_module
        self._tracer_cls = tracer_cls
        self._tracer_extras = tracer_extras
        self._codegen = CodeGen()

    @property
    def owning_module(self) -> GraphModule | None:
        """The module that runs the graph, or None."""
        return self._owning_module

    @owning_module.setter
    def owning_module(self, module: GraphModule | None) -> None:
        self._owning_module = module

    @property
    def nodes(self) -> Any:
        """The nodes in order; has a length, goes forwards and, in ``reversed()``, backwards."""
        return _NodeList(self)

    # -- making nodes ----------------------------------------------------------------------------------------

    def create_node(
        self,
        op: str,
        target: Target,
        args: tuple[Argument, ...] | None = None,
        kwargs: dict[str, Argument] | None = None,
        name: str | None = None,
        type_expr: Any = None,
    ) -> Node:
        """Add a node at the place for new nodes, which is the end unless :meth:`inserting_before` says otherwise.

        Args:
            op, target, args, kwargs: see :class:`Node`.
            name: the name wanted. Default: made of the target.
            type_expr: the annotation of the result. Default: none.

        Returns:
            The node.
        """
        args, kwargs = args or (), kwargs or {}
        for node in _nodes_in(args, kwargs):
            if node.graph is not self:
                raise RuntimeError(f"Graph.create_node: expected arguments of this graph, got {node} of another one")
        candidate = name if name is not None else self._target_to_str(target)
        node = Node(self, self._graph_namespace.create_name(candidate), op, target, args, kwargs, type_expr)
        self._insert(node)
        return node

    @staticmethod
    def _target_to_str(target: Target) -> str:
        name = target if isinstance(target, str) else getattr(target, "__name__", type(target).__name__)
        if name.startswith("__") and name.endswith("__"):
            name = name[2:-2]
        return snake_case(name)

    def placeholder(self, name: str, type_expr: Any = None, default_value: Any = inspect.Signature.empty) -> Node:
        """Add an input.

        Args:
            name: its name; ``*name`` and ``**name`` take the further arguments.
            type_expr: its annotation. Default: none.
            default_value: its value where the caller gives none. Default: the caller must.
        """
        args = () if default_value is inspect.Signature.empty else (default_value,)
        return self.create_node("placeholder", name, args, type_expr=type_expr)

    def get_attr(self, qualified_name: str, type_expr: Any = None) -> Node:
        """Add a look-up of a parameter, buffer or another attribute of the module.

        Args:
            qualified_name: its path, such as ``"layer.weight"``.
            type_expr: its annotation. Default: none.
        """
        return self.create_node("get_attr", qualified_name, type_expr=type_expr)

    def call_module(
        self,
        module_name: str,
        args: tuple[Argument, ...] | None = None,
        kwargs: dict[str, Argument] | None = None,
        type_expr: Any = None,
    ) -> Node:
        """Add a call of the module at the path ``module_name``; other arguments as there: :meth:`create_node`."""
        return self.create_node("call_module", module_name, args, kwargs, type_expr=type_expr)

    def call_method(
        self,
        method_name: str,
        args: tuple[Argument, ...] | None = None,
        kwargs: dict[str, Argument] | None = None,
        type_expr: Any = None,
    ) -> Node:
        """Add a call of ``args[0].method_name``; other arguments as there: :meth:`create_node`."""
        return self.create_node("call_method", method_name, args, kwargs, type_expr=type_expr)

    def call_function(
        self,
        the_function: Callable[..., Any],
        args: tuple[Argument, ...] | None = None,
        kwargs: dict[str, Argument] | None = None,
        type_expr: Any = None,
        name: str | None = None,
    ) -> Node:
        """Add a call of ``the_function``; other arguments as there: :meth:`create_node`."""
        return self.create_node("call_function", the_function, args, kwargs, name, type_expr)

    def output(self, result: Argument, type_expr: Any = None) -> Node:
        """Add the output.

        Args:
            result: nodes and constants, also nested.
            type_expr: its annotation. Default: none.
        """
        return self.create_node("output", "output", (result,), type_expr=type_expr)

    def inserting_before(self, n: Node | None = None) -> _InsertPoint:
        """Put new nodes in front of ``n``, or at the start; as a context manager, only within it."""
        return self._insert_at(self._root, self._root.append) if n is None else self._insert_at(n, n.prepend)

    def inserting_after(self, n: Node | None = None) -> _InsertPoint:
        """Put each new node right behind ``n``, or at the end; as a context manager, only within it."""
        return self._insert_at(self._root, self._root.prepend) if n is None else self._insert_at(n, n.append)

    def _insert_at(self, n: Node, insert: Callable[[Node], None]) -> _InsertPoint:
        if n.graph is not self:
            raise ValueError(f"Graph: expected {n} to be a node of this graph")
        return _InsertPoint(self, insert)

    # -- copying and removing --------------------------------------------------------------------------------

    def node_copy(self, node: Node, arg_transform: Callable[[Node], Argument] = lambda x: x) -> Node:
        """Add a copy of a node of another graph.

        Args:
            node: the node.
            arg_transform: gives for a node among its arguments the one of this graph. Default: the same.

        Returns:
            The copy.
        """
        args, kwargs = map_arg(node.args, arg_transform), map_arg(node.kwargs, arg_transform)
        copy = self.create_node(node.op, node.target, args, kwargs, node.name, node.type)
        copy.meta = dict(node.meta)
        return copy

    def graph_copy(self, g: Graph, val_map: dict[Node, Node], return_output_node: bool = False) -> Any:
        """Add copies of all nodes of a graph but its output.

        Args:
            g: the graph.
            val_map: nodes of ``g`` that have a counterpart here already; takes those of the others.
            return_output_node: also returns the output of ``g``.

        Returns:
            What the output of ``g`` would be here, None if it has none.
        """
        for node in g.nodes:
            if node.op == "output":
                result = map_arg(node.args[0], lambda n: val_map[n])
                return (result, node) if return_output_node else result
            if node not in val_map:
                val_map[node] = self.node_copy(node, lambda n: val_map[n])
        return None

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Graph:
        memo = {} if memo is None else memo
        new = Graph(tracer_cls=self._tracer_cls, tracer_extras=self._tracer_extras)
        memo[id(self)] = new
        new._codegen = self._codegen
        val_map: dict[Node, Node] = {}
        found = new.graph_copy(self, val_map, return_output_node=True)
        for old, node in val_map.items():
            memo[id(old)] = node
        if found is not None:
            result, old = found
            node = new.output(result, old.type)
            node.meta = dict(old.meta)
            memo[id(old)] = node
        return new

    def __reduce__(self) -> tuple[Any, ...]:
        nodes = list(self.nodes)
        numbers = {node: _Number(i) for i, node in enumerate(nodes)}
        records = [
            (
                n.op,
                n.target,
                map_arg(n.args, numbers.__getitem__),
                map_arg(n.kwargs, numbers.__getitem__),
                n.name,
                n.type,
                n.meta.get("is_wrapped", False),
            )
            for n in nodes
        ]
        return _from_records, (records, self._codegen, self._tracer_cls)

    def erase_node(self, to_erase: Node) -> None:
        """Take a node out of the graph.

        Args:
            to_erase: a node that no other uses.

        Raises:
            RuntimeError: if another one uses it.
        """
        if to_erase.users:
            users = ", ".join(map(str, to_erase.users))
            raise RuntimeError(
                f"Graph.erase_node: expected a node that nothing uses, got {to_erase}, which {users} use\n"
                "hint: node.replace_all_uses_with(other) first"
            )
        if to_erase.graph is not self:
            raise RuntimeError(f"Graph.erase_node: expected a node of this graph, got {to_erase} of another one")
        if to_erase._erased:
            return
        to_erase._unlink()
        to_erase._erased = True
        to_erase._update_args_kwargs((), {})

    def eliminate_dead_code(self, is_impure_node: Callable[[Node], bool] | None = None) -> bool:
        """Take out the nodes whose results nothing uses.

        Args:
            is_impure_node: whether a node stays though nothing uses it. Default: :meth:`Node.is_impure`.

        Returns:
            Whether any was taken out.
        """
        self.lint()
        changed = False
        for node in reversed(self.nodes):
            impure = is_impure_node(node) if is_impure_node is not None else node.is_impure()
            if not node.users and not impure:
                self.erase_node(node)
                changed = True
        return changed

    # -- reading ---------------------------------------------------------------------------------------------

    def output_node(self) -> Node:
        """The output of the graph; StopIteration if there is none."""
        return next(node for node in reversed(self.nodes) if node.op == "output")

    def find_nodes(self, *, op: str, target: Target | None = None, sort: bool = True) -> list[Node]:
        """The nodes of one kind, in order.

        Args:
            op: the kind.
            target: only those with this target; needed for ``"call_function"``.
            sort: the order is that of the graph either way.
        """
        return [node for node in self.nodes if node.op == op and (target is None or node.target == target)]

    def lint(self) -> None:
        """Check that names are unique, nodes come before their users, and modules and attributes exist.

        Raises:
            RuntimeError: for the first fault.
        """
        seen: set[Node] = set()
        names: set[str] = set()
        for node in self.nodes:
            for used in node.all_input_nodes:
                if used.graph is not self:
                    raise RuntimeError(f"Graph.lint: {node} uses {used}, a node of another graph")
                if used not in seen:
                    raise RuntimeError(f"Graph.lint: {node} uses {used}, which comes later or was taken out")
            if node.name in names:
                raise RuntimeError(f"Graph.lint: two nodes have the name {node.name}")
            seen.add(node)
            names.add(node.name)
            if self.owning_module is not None and node.op in ("get_attr", "call_module"):
                _check_target(self.owning_module, node)

    def print_tabular(self) -> None:
        """Print the nodes as a table."""
        rows = [["opcode", "name", "target", "args", "kwargs"]]
        rows += [[n.op, n.name, str(n.target), str(n.args), str(n.kwargs)] for n in self.nodes]
        widths = [max(map(len, column)) for column in zip(*rows)]
        rows.insert(1, ["-" * width for width in widths])
        for row in rows:
            print("  ".join(text.ljust(width) for text, width in zip(row, widths)).rstrip())

    def python_code(self, root_module: str, **options: Any) -> PythonCode:
        """The graph as the text of a method.

        Args:
            root_module: what the text calls the module, such as ``"self"``.
            options: accepted for PyTorch's sake.

        Returns:
            The text and the objects that it refers to.

        Example:
            >>> graph = plait.fx.Graph()
            >>> _ = graph.output(graph.call_method("relu", (graph.placeholder("x"),)))
            >>> print(graph.python_code("self").src.strip())
            def forward(self, x):
                relu = x.relu();  x = None
                return relu
        """
        return self._codegen.python_code(self, root_module)

    def set_codegen(self, codegen: CodeGen) -> None:
        """Let ``codegen`` write the text."""
        self._codegen = codegen

    def process_inputs(self, *args: Any) -> Any:
        """The values of the inputs, from the arguments ``args`` of the function."""
        return self._codegen.process_inputs(*args)

    def process_outputs(self, out: Any) -> Any:
        """What the function returns, from the value ``out`` of the output."""
        return self._codegen.process_outputs(out)

    def __str__(self) -> str:
        lines = [node.format_node() for node in self.nodes]
        return "\n    ".join(["graph():", *(line for line in lines if line)])


class _Number:
    """Stands for a node in a pickled graph."""

    def __init__(self, index: int) -> None:
        self.index = index


def _from_records(records: list[tuple[Any, ...]], codegen: CodeGen, tracer_cls: Any) -> Graph:
    from .node import map_aggregate

    graph = Graph(tracer_cls=tracer_cls)
    graph._codegen = codegen
    nodes: list[Node] = []

    def back(arg: Any) -> Any:
        return nodes[arg.index] if isinstance(arg, _Number) else arg

    for op, target, args, kwargs, name, annotation, is_wrapped in records:
        args, kwargs = map_aggregate(args, back), map_aggregate(kwargs, back)
        nodes.append(graph.create_node(op, target, args, kwargs, name, annotation))
        if is_wrapped:
            nodes[-1].meta["is_wrapped"] = True
    return graph


def _nodes_in(args: Any, kwargs: Any) -> list[Node]:
    found: list[Node] = []
    map_arg((args, kwargs), lambda node: found.append(node) or node)  # type: ignore[func-returns-value]
    return found


def _check_target(module: Any, node: Node) -> None:
    from ..nn import Module

    value = module
    for name in str(node.target).split("."):
        if not hasattr(value, name):
            raise RuntimeError(f"Graph.lint: {node} refers to {node.target}, which the module does not have")
        value = getattr(value, name)
    if node.op == "call_module" and not isinstance(value, Module):
        raise RuntimeError(f"Graph.lint: {node} calls {node.target}, which is no module")
