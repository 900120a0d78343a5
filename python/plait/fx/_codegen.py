# SPDX-License-Identifier: MIT
"""The Python text of a graph."""

from __future__ import annotations

import enum
import re
import sys
import types
import typing
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .. import _core
from .._layouts import layout, memory_format
from ._names import Namespace, is_ours, qualified_name, root_name
from ._pytree import Tree
from .node import Argument, Node

if TYPE_CHECKING:
    from .graph import Graph

__all__ = ["CodeGen", "PythonCode", "TreeCodeGen"]

# Functions of ``operator`` that have a sign.
OPERATORS = {
    **{name: f"{{}} {sign} {{}}" for name, sign in {
        "eq": "==", "ne": "!=", "lt": "<", "gt": ">", "le": "<=", "ge": ">=",
        "add": "+", "sub": "-", "mul": "*", "floordiv": "//", "truediv": "/", "mod": "%", "pow": "**",
        "matmul": "@", "lshift": "<<", "rshift": ">>", "and_": "&", "or_": "|", "xor": "^",
    }.items()},
    "pos": "+{}", "neg": "-{}", "invert": "~{}", "getitem": "{}[{}]",
}  # fmt: skip


@dataclass
class PythonCode:
    """The text of a graph as a method ``forward``, and what its names mean: ``src`` and ``globals``.

    Attributes:
        src: the text.
        globals: the objects that the text refers to, by name.

    Example:
        >>> from plait.fx.graph import PythonCode
        >>> PythonCode("def forward(self): ...").globals
        {}
    """

    src: str
    globals: dict[str, Any] = field(default_factory=dict)


class CodeGen:
    """The way from a graph to the text of a function; a subclass may change its head and its end.

    Example:
        >>> graph = plait.fx.Graph()
        >>> _ = graph.output(graph.placeholder("x"))
        >>> print(plait.fx.graph.CodeGen().python_code(graph, "self").src.strip())
        def forward(self, x):
            return x
    """

    def gen_fn_def(self, free_vars: list[str], maybe_return_annotation: str) -> str:
        """The head of the function.

        Args:
            free_vars: the parameters, as text.
            maybe_return_annotation: `` -> type`` or nothing.
        """
        if not free_vars or free_vars[0] != "self":
            free_vars = ["self", *free_vars]
        return f"def forward({', '.join(free_vars)}){maybe_return_annotation}:"

    def generate_output(self, output_args: str) -> str:
        """The statement that returns the result.

        Args:
            output_args: the result, as text.
        """
        return f"return {output_args}"

    def process_inputs(self, *args: Any) -> Any:
        """The values of the graph's inputs, from the arguments ``args`` of the function."""
        return args

    def process_outputs(self, outputs: Any) -> Any:
        """What the function returns, from the value ``outputs`` of the graph's output."""
        return outputs

    def additional_globals(self) -> list[tuple[str, Any]]:
        """Further names for the text, and what they mean."""
        return []

    def python_code(self, graph: Graph, root_module: str) -> PythonCode:
        """The text of a graph and its globals.

        Args:
            graph: the graph.
            root_module: what the text calls the module whose attributes it uses.
        """
        return _Writer(self, root_module).write(list(graph.nodes))


class TreeCodeGen(CodeGen):
    """The code of a graph whose inputs are the leaves of nested arguments, and whose output is a list of leaves.

    Args:
        names: the parameters of the function.
        in_spec: their structure.
    """

    def __init__(self, names: list[str], in_spec: Tree) -> None:
        self.names = names
        self.in_spec = in_spec
        self.out_spec: Tree | None = None

    def gen_fn_def(self, free_vars: list[str], maybe_return_annotation: str) -> str:
        names = [name for name in self.names if name != "self"]
        head = super().gen_fn_def(names, maybe_return_annotation)
        if not free_vars:
            return head
        # Annotations and defaults stay with the flat inputs, where they would be no Python.
        flat = [re.split(r"\s*[:=]", name)[0] for name in free_vars]
        return f"{head}\n    {', '.join(flat)}, = fx_pytree.tree_flatten_spec([{', '.join(names)}], self._in_spec)"

    def generate_output(self, output_args: str) -> str:
        if self.out_spec is None:
            return super().generate_output(output_args)
        return f"return pytree.tree_unflatten({output_args}, self._out_spec)"

    def process_inputs(self, *args: Any) -> Any:
        return self.in_spec.leaves(list(args))

    def process_outputs(self, outputs: Any) -> Any:
        return outputs if self.out_spec is None else self.out_spec.build(outputs)


class _Writer:
    """Writes the text of one graph."""

    def __init__(self, codegen: CodeGen, root_module: str) -> None:
        from . import _pytree

        self.codegen = codegen
        self.root_module = root_module
        self.namespace = Namespace()
        self.wrapped: list[str] = []
        self.parameters: list[str] = []
        self.returns = ""
        self.body: list[str] = []
        package = _package()
        self.globals: dict[str, Any] = {
            "inf": float("inf"),
            "nan": float("nan"),
            "NoneType": type(None),
            root_name(): package,
            "device": _core.device,
            "fx_pytree": _pytree,
            "pytree": _pytree,
            **dict(codegen.additional_globals()),
        }

    def write(self, nodes: list[Node]) -> PythonCode:
        for node in nodes:
            # All nodes first, so that no global takes the name of one.
            self.namespace.create_name(node.name, node)
        dead = _last_uses(nodes)
        for node in nodes:
            getattr(self, f"_write_{node.op}")(node)
            if node.op not in ("placeholder", "output"):
                unused = [*dead.get(node, ()), *([] if node.users else [node])]
                self.body[-1] += f";  {' = '.join(map(repr, unused))} = None" if unused else ""
        if not self.body:
            self.body.append("pass")
        head = self.codegen.gen_fn_def(self.parameters, self.returns)
        wraps = "\n".join(f'{root_name()}.fx._symbolic_trace.wrap("{name}")' for name in self.wrapped)
        body = "".join(f"    {line}\n" for line in self.body)
        return PythonCode(f"\n{wraps}\n\n{head}\n{body}    ", self.globals)

    # -- statements ------------------------------------------------------------------------------------------

    def _annotation(self, node: Node) -> str:
        return "" if node.type is None else f" : {self.type_text(node.type)}"

    def _assign(self, node: Node, text: str) -> None:
        self.body.append(f"{node}{self._annotation(node)} = {text}")

    def _write_placeholder(self, node: Node) -> None:
        default = f" = {self.text(node.args[0])}" if node.args else ""
        self.parameters.append(f"{node.target}{self._annotation(node)}{default}")
        name = str(node.target).replace("*", "")
        if name != node.name:
            self.body.append(f"{node} = {name}")

    def _write_get_attr(self, node: Node) -> None:
        self._assign(node, _access(self.root_module, str(node.target)))

    def _write_call_module(self, node: Node) -> None:
        self._assign(node, f"{_access(self.root_module, str(node.target))}({self.arguments(node.args, node.kwargs)})")

    def _write_call_method(self, node: Node) -> None:
        method = _access(self.text(node.args[0]), str(node.target))
        self._assign(node, f"{method}({self.arguments(node.args[1:], node.kwargs)})")

    def _write_call_function(self, node: Node) -> None:
        function: Any = node.target
        name = getattr(function, "__name__", "")
        if getattr(function, "__module__", None) == "_operator" and name in OPERATORS and not node.kwargs:
            self._assign(node, OPERATORS[name].format(*(self.text(a) for a in node.args)))
        elif function is getattr and len(node.args) == 2 and isinstance(node.args[1], str):
            self._assign(node, _access(self.text(node.args[0]), node.args[1], dots=False))
        else:
            path = self.global_name(qualified_name(function), function)
            if node.meta.get("is_wrapped") and path not in self.wrapped:
                self.wrapped.append(path)
            self._assign(node, f"{path}({self.arguments(node.args, node.kwargs)})")

    def _write_output(self, node: Node) -> None:
        if node.type is not None:
            self.returns = f" -> {self.type_text(node.type)}"
        self.body.append(self.codegen.generate_output(self.text(node.args[0])))

    # -- expressions -----------------------------------------------------------------------------------------

    def arguments(self, args: Iterable[Argument], kwargs: dict[str, Argument]) -> str:
        return ", ".join([*map(self.text, args), *(f"{name} = {self.text(arg)}" for name, arg in kwargs.items())])

    def text(self, arg: Argument) -> str:
        """An argument as an expression."""
        if isinstance(arg, tuple):
            if hasattr(arg, "_fields"):
                return f"{self.global_name(qualified_name(type(arg)), type(arg))}({', '.join(map(self.text, arg))})"
            if type(arg) is not tuple:  # a size
                return f"{self.global_name(qualified_name(type(arg)), type(arg))}([{', '.join(map(self.text, arg))}])"
            return f"({', '.join(map(self.text, arg))}{',' if len(arg) == 1 else ''})"
        if isinstance(arg, list):
            return f"[{', '.join(map(self.text, arg))}]"
        if isinstance(arg, dict):
            return "{" + ", ".join(f"{k!r}: {self.text(v)}" for k, v in arg.items()) + "}"
        if isinstance(arg, slice):
            return f"slice({self.text(arg.start)}, {self.text(arg.stop)}, {self.text(arg.step)})"
        if arg is None or isinstance(arg, (Node, str, bytes, int, float, complex, range, type(Ellipsis))):
            return f"{type(arg).__name__}.{arg.name}" if isinstance(arg, enum.Enum) else repr(arg)
        if isinstance(arg, _core.device):
            return f"device(type={arg.type!r})" if arg.index is None else f"device({str(arg)!r})"
        if isinstance(arg, (_core.dtype, layout, memory_format)):
            return f"{root_name()}.{str(arg).rpartition('.')[2]}"
        if isinstance(arg, type) or callable(arg):
            return self.global_name(qualified_name(arg), arg)
        return self.global_name(f"_{type(arg).__name__}", arg)

    def global_name(self, name: str, obj: Any) -> str:
        """How the text refers to an object: names of this package through it, others by a global of their own."""
        if is_ours(name) and _is_reached(name, obj):
            return name
        name = name.replace(".", "_")
        for known, value in self.globals.items():
            if value is obj and known.startswith(name):
                return known
        name = self.namespace.create_name(name, obj)
        self.globals[name] = obj
        return name

    def type_text(self, kind: Any) -> str:
        """An annotation as an expression."""
        if kind in (None, type(None)):
            return "NoneType"
        if kind is Ellipsis:
            return "..."
        args = typing.get_args(kind)
        if not args or typing.get_origin(kind) is typing.Literal or any(isinstance(a, list) for a in args):
            return self.global_name(_type_name(kind), kind)
        inner = [self.type_text(a) for a in args]
        if isinstance(kind, types.UnionType):
            return "|".join(inner)
        origin = typing.get_origin(kind)
        named = getattr(typing, getattr(kind, "_name", None) or "", None) if kind.__module__ == "typing" else None
        if origin is typing.Union:
            named = typing.Union
        name = "Union" if named is typing.Union else getattr(named, "_name", "")
        origin_name = f"typing.{name}" if named is not None else qualified_name(origin)
        return f"{self.global_name(origin_name, named or origin)}[{','.join(inner)}]"


def _package() -> Any:
    return sys.modules.get(root_name()) or sys.modules["plait"]


def _is_reached(path: str, obj: Any) -> bool:
    """Whether the dotted path leads to the object."""
    value = _package()
    for name in path.split(".")[1:]:
        value = getattr(value, name, None)
    return value is obj


def _type_name(kind: Any) -> str:
    if isinstance(kind, type):
        return qualified_name(kind)
    if getattr(kind, "__module__", "") == "typing":
        return repr(kind)
    return repr(kind) if isinstance(kind, str) else re.sub(r"\W", "_", repr(kind))


def _access(base: str, path: str, dots: bool = True) -> str:
    """The text that looks up ``path`` in ``base``; names that are no words of Python by ``getattr``."""
    for name in path.split(".") if dots else [path]:
        base = (
            f"{base}.{name}"
            if name.isidentifier()
            else f'getattr({base}, "{name}")'
            if dots
            else (f"getattr({base}, {name!r})")
        )
    return base


def _last_uses(nodes: list[Node]) -> dict[Node, list[Node]]:
    """The nodes that each node is the last to use: their values are dropped behind it."""
    seen: set[Node] = set()
    dead: dict[Node, list[Node]] = {}
    for user in reversed(nodes):
        for node in user.all_input_nodes:
            if node not in seen:
                seen.add(node)
                dead.setdefault(user, []).append(node)
    return dead
