# SPDX-License-Identifier: MIT
"""One operation of a graph, and functions over its arguments."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from ._names import is_ours, qualified_name
from .immutable_collections import immutable_dict, immutable_list

if TYPE_CHECKING:
    from .graph import Graph

__all__ = ["Node", "has_side_effect", "map_aggregate", "map_arg"]

Target = Callable[..., Any] | str
Argument = Any
F = TypeVar("F", bound=Callable[..., Any])

OPS = ("placeholder", "call_method", "call_module", "call_function", "get_attr", "output", "root")

_side_effectful_functions: set[Callable[..., Any]] = set()  # calls that stay without a user


def has_side_effect(fn: F) -> F:
    """Let calls of ``fn`` stay in a graph though nothing uses their results; also a decorator.

    Args:
        fn: the function.

    Returns:
        The function.

    Example:
        >>> _ = plait.fx.has_side_effect(print)
    """
    _side_effectful_functions.add(fn)
    return fn


def map_aggregate(a: Any, fn: Callable[[Any], Any]) -> Any:
    """A copy of a nest of tuples, lists, dicts and slices with ``fn(leaf)`` in place of each leaf.

    Args:
        a: the nest, or a leaf.
        fn: takes a leaf.

    Returns:
        The same structure; its lists and dicts refuse changes.

    Example:
        >>> plait.fx.node.map_aggregate((1, [2, {"a": 3}]), lambda x: x * 10)
        (10, [20, {'a': 30}])
    """
    if isinstance(a, tuple):
        items = [map_aggregate(x, fn) for x in a]
        if type(a) is tuple:
            return tuple(items)
        return type(a)(*items) if hasattr(a, "_fields") else tuple(items)
    if isinstance(a, list):
        return immutable_list([map_aggregate(x, fn) for x in a])
    if isinstance(a, dict):
        return immutable_dict([(k, map_aggregate(v, fn)) for k, v in a.items()])
    if isinstance(a, slice):
        return slice(map_aggregate(a.start, fn), map_aggregate(a.stop, fn), map_aggregate(a.step, fn))
    return fn(a)


def map_arg(a: Any, fn: Callable[[Node], Any]) -> Any:
    """A copy of a nest of arguments with ``fn(node)`` in place of each node.

    Args:
        a: tuples, lists, dicts and slices of nodes and constants.
        fn: takes a node.

    Returns:
        The same structure; its lists and dicts refuse changes.

    Example:
        >>> graph = plait.fx.Graph()
        >>> x = graph.placeholder("x")
        >>> plait.fx.map_arg((x, [x, 1]), lambda node: node.name)
        ('x', ['x', 1])
    """
    return map_aggregate(a, lambda x: fn(x) if isinstance(x, Node) else x)


class Node:
    """One operation of a :class:`Graph`: what is called, with which arguments, and who uses the result.

    Nodes are made by the methods of a graph.

    Args:
        graph: the graph.
        name: the name of the result; unique in the graph.
        op: ``"placeholder"`` (an input), ``"get_attr"`` (a parameter or another attribute of the module),
            ``"call_function"``, ``"call_module"``, ``"call_method"`` or ``"output"``.
        target: the function, or the name of the method, the path of the module or attribute, the name of the input.
        args: the arguments: nodes, constants, and tuples, lists, dicts and slices of them.
        kwargs: the arguments by keyword.
        return_type: the annotation of the result. Default: none.

    Attributes:
        users: the nodes that use this one, a dict in the order in which they came.
        meta: what passes note about the node.
        type: the annotation of the result, or None.

    Raises:
        ValueError: for another ``op``, or a target that does not go with it.

    Example:
        >>> graph = plait.fx.Graph()
        >>> x = graph.placeholder("x")
        >>> y = graph.call_function(plait.relu, (x,))
        >>> y.op, y.args, list(x.users)
        ('call_function', (x,), [relu])
    """

    def __init__(
        self,
        graph: Graph,
        name: str,
        op: str,
        target: Target,
        args: tuple[Argument, ...],
        kwargs: dict[str, Argument],
        return_type: Any = None,
    ) -> None:
        if op not in OPS:
            raise ValueError(f"Node: expected op to be one of {', '.join(OPS[:-1])}, got {op!r}")
        if op == "call_function" and not callable(target):
            raise ValueError(f"Node: expected a function as the target of a call_function, got {target!r}")
        if op != "call_function" and not isinstance(target, str):
            raise ValueError(f"Node: expected a string as the target of a {op}, got {target!r}")
        self.graph = graph
        self.name = name
        self.op = op
        self.target = target
        self.type = return_type
        self.users: dict[Node, None] = {}
        self.meta: dict[str, Any] = {}
        self._input_nodes: dict[Node, None] = {}
        self._args: tuple[Argument, ...] = ()
        self._kwargs: dict[str, Argument] = immutable_dict()
        self._prev = self._next = self
        self._erased = False
        self._update_args_kwargs(args, kwargs)

    # -- the list of nodes -----------------------------------------------------------------------------------

    @property
    def next(self) -> Node:
        """The node behind this one; the last one's is a node with ``op == "root"``."""
        return self._next

    @property
    def prev(self) -> Node:
        """The node before this one; the first one's is a node with ``op == "root"``."""
        return self._prev

    def prepend(self, x: Node) -> None:
        """Move the node ``x`` of the same graph in front of this one."""
        if x.graph is not self.graph:
            raise ValueError(f"Node.prepend: expected {x} to be a node of the same graph")
        if x is self:
            return
        x._unlink()
        before = self._prev
        before._next, x._prev = x, before
        x._next, self._prev = self, x

    def append(self, x: Node) -> None:
        """Move the node ``x`` of the same graph behind this one."""
        if x is not self:
            self._next.prepend(x)

    def _unlink(self) -> None:
        self._prev._next, self._next._prev = self._next, self._prev

    # -- arguments -------------------------------------------------------------------------------------------

    @property
    def args(self) -> tuple[Argument, ...]:
        """The arguments. They are replaced by assignment, which keeps the lists of users."""
        return self._args

    @args.setter
    def args(self, value: tuple[Argument, ...]) -> None:
        self._update_args_kwargs(value, self._kwargs)

    @property
    def kwargs(self) -> dict[str, Argument]:
        """The arguments by keyword; see :attr:`args`."""
        return self._kwargs

    @kwargs.setter
    def kwargs(self, value: dict[str, Argument]) -> None:
        self._update_args_kwargs(self._args, value)

    @property
    def all_input_nodes(self) -> list[Node]:
        """The nodes among the arguments, each once, in order."""
        return list(self._input_nodes)

    def _update_args_kwargs(self, args: tuple[Argument, ...], kwargs: dict[str, Argument]) -> None:
        for node in self._input_nodes:
            node.users.pop(self, None)
        self._input_nodes = {}

        def use(node: Node) -> Node:
            self._input_nodes.setdefault(node)
            node.users.setdefault(self)
            return node

        self._args = map_arg(tuple(args), use)
        self._kwargs = map_arg(dict(kwargs), use)

    def update_arg(self, idx: int, arg: Argument) -> None:
        """Put ``arg`` in the place ``idx`` of the arguments."""
        args = list(self.args)
        args[idx] = arg
        self.args = tuple(args)

    def insert_arg(self, idx: int, arg: Argument) -> None:
        """Put ``arg`` before the argument ``idx``, from 0 to their number."""
        if not 0 <= idx <= len(self.args):
            raise ValueError(f"Node.insert_arg: expected idx from 0 to {len(self.args)}, got {idx}")
        self.args = (*self.args[:idx], arg, *self.args[idx:])

    def update_kwarg(self, key: str, arg: Argument) -> None:
        """Put ``arg`` under the keyword ``key``."""
        self.kwargs = {**self.kwargs, key: arg}

    def replace_input_with(self, old_input: Node, new_input: Node) -> None:
        """Use ``new_input`` wherever ``old_input`` is among the arguments."""

        def replace(node: Node) -> Node:
            return new_input if node is old_input else node

        self._update_args_kwargs(map_arg(self.args, replace), map_arg(self.kwargs, replace))

    def replace_all_uses_with(
        self,
        replace_with: Node,
        delete_user_cb: Callable[[Node], bool] | None = None,
        *,
        propagate_meta: bool = False,
    ) -> list[Node]:
        """Let the users of this node use another one.

        Args:
            replace_with: the other node.
            delete_user_cb: takes a user; False leaves it as it is. Default: all are changed.
            propagate_meta: also gives the notes of this node to the other one, which must have none.

        Returns:
            The users that were changed.
        """
        if propagate_meta:
            if replace_with.meta:
                raise ValueError(f"Node.replace_all_uses_with: expected {replace_with} to have no meta to overwrite")
            replace_with.meta.update(self.meta)
        changed = [user for user in self.users if delete_user_cb is None or delete_user_cb(user)]
        for user in changed:
            user.replace_input_with(self, replace_with)
        return changed

    # -- questions -------------------------------------------------------------------------------------------

    @property
    def stack_trace(self) -> str | None:
        """Where the program called the operation, if a pass noted it."""
        return self.meta.get("stack_trace")

    @stack_trace.setter
    def stack_trace(self, trace: str | None) -> None:
        self.meta["stack_trace"] = trace

    def is_impure(self, impure_random: bool = True) -> bool:
        """Whether the node stays when nothing uses it.

        That are inputs, outputs, assertions, ``operator.setitem``, functions marked by :func:`has_side_effect` and
        modules with an attribute ``is_impure``. An operation in place counts by its result, like any other.

        Args:
            impure_random: random operators count too: leaving one out would change what the next ones draw.
        """
        if self.op in ("placeholder", "output"):
            return True
        if self.op == "call_function":
            name = getattr(self.target, "__name__", "")
            if impure_random and name in _RANDOM and is_ours(str(getattr(self.target, "__module__", ""))):
                return True
            return self.target in _side_effectful_functions or _is_assertion(self.target)
        module = self.graph.owning_module
        if self.op == "call_module" and module is not None:
            return bool(getattr(module.get_submodule(str(self.target)), "is_impure", False))
        return False

    # -- text ------------------------------------------------------------------------------------------------

    def _pretty_print_target(self, target: Any) -> str:
        if isinstance(target, str):
            return target
        name = qualified_name(target)
        return f"builtins.{name}" if "." not in name else name.replace("_operator.", "operator.", 1)

    def format_node(
        self, placeholder_names: list[str] | None = None, maybe_return_typename: list[str] | None = None
    ) -> str | None:
        """The node as a line of text, as in ``print(graph)``.

        Args:
            placeholder_names: takes the names of inputs, which then have no line. Default: they have.
            maybe_return_typename: its first element becomes the annotation of the output. Default: none.

        Returns:
            The line, or None for an input that went into ``placeholder_names``.
        """
        annotation = "" if self.type is None else f"{type_repr(self.type)} "
        head = f"%{self.name} : {annotation}[num_users={len(self.users)}] = {self.op}"
        target = self._pretty_print_target(self.target)
        if self.op == "placeholder":
            if placeholder_names is not None:
                text = str(self.target) + (f" : {annotation.strip()}" if annotation else "")
                placeholder_names.append(f"{text} = {self.args[0]}" if self.args else text)
                return None
            default = f"(default={self.args[0]})" if self.args else ""
            return f"{head}[target={target}]{default}"
        if self.op == "get_attr":
            return f"{head}[target={target}]"
        if self.op == "output":
            if self.type is not None and maybe_return_typename:
                maybe_return_typename[0] = f" -> {type_repr(self.type)}"
            return f"return {self.args[0]}"
        args, kwargs = _format_arg(self.args), _format_arg(self.kwargs)
        return f"{head}[target={target}](args = {args}, kwargs = {kwargs})"

    def __repr__(self) -> str:
        return self.name


# Operators that draw from the generator.
_RANDOM = frozenset(
    [
        "bernoulli",
        "multinomial",
        "normal",
        "poisson",
        "rand",
        "rand_like",
        "randint",
        "randint_like",
        "randn",
        "randn_like",
        "randperm",
    ]
)


def _is_assertion(target: Any) -> bool:
    from .._functions import _assert

    return target is _assert


def _format_arg(arg: Any) -> str:
    if isinstance(arg, Node):
        return f"%{arg}"
    if isinstance(arg, list):
        return f"[{', '.join(map(_format_arg, arg))}]"
    if isinstance(arg, tuple):
        return f"({', '.join(map(_format_arg, arg))}{',' if len(arg) == 1 else ''})"
    if isinstance(arg, dict):
        return "{" + ", ".join(f"{k}: {_format_arg(v)}" for k, v in arg.items()) + "}"
    return str(arg)


def type_repr(kind: Any) -> str:
    """An annotation as text."""
    if isinstance(kind, type) and not hasattr(kind, "__args__"):
        return kind.__qualname__ if kind.__module__ == "builtins" else qualified_name(kind)
    return repr(kind)


_side_effectful_functions |= {operator.setitem, operator.delitem}
