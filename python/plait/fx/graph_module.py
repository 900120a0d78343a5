# SPDX-License-Identifier: MIT
"""A graph as a module that runs it."""

from __future__ import annotations

import copy
import itertools
import linecache
from typing import Any

from .. import _core
from ..nn import Module, Parameter
from .graph import Graph
from .graph import PythonCode as PythonCode

__all__ = ["GraphModule", "reduce_graph_module"]

_USER_PRESERVED_ATTRIBUTES_KEY = "_user_preserved_attributes"
_numbers = itertools.count()


def _forward_from_src(src: str, names: dict[str, Any]) -> Any:
    """The function ``forward`` of a text, whose lines tracebacks can show."""
    file = f"<graph {next(_numbers)}>"
    linecache.cache[file] = (len(src), None, src.splitlines(keepends=True), file)
    namespace = dict(names)
    exec(compile(src, file, "exec"), namespace)
    return namespace["forward"]


def _get_attr(module: Any, path: str) -> Any:
    """The attribute at a path, None if there is none."""
    for name in path.split("."):
        module = getattr(module, name, None)
    return module


def _copy_attr(from_module: Module, to_module: Module, target: str) -> None:
    """Put the attribute at the path ``target`` of one module into another, with the modules on the way to it."""
    *prefix, name = target.split(".")
    source: Any = from_module
    place: Any = to_module
    for part in prefix:
        if not hasattr(source, part):
            return
        inner = getattr(source, part)
        there = getattr(place, part, None)
        if there is inner:
            return  # the module as a whole is there already
        if there is None:
            there = Module()
            setattr(place, part, there)
        source, place = inner, there
    if hasattr(source, name):
        _put(place, name, getattr(source, name))


def _assign_attr(from_obj: Any, to_module: Module, target: str) -> None:
    """Put an object at the path ``target`` of a module."""
    *prefix, name = target.split(".")
    place: Any = to_module
    for part in prefix:
        if getattr(place, part, None) is None:
            setattr(place, part, Module())
        place = getattr(place, part)
    _put(place, name, from_obj)


def _put(module: Any, name: str, value: Any) -> None:
    if isinstance(value, _core.Tensor) and not isinstance(value, Parameter):
        module.register_buffer(name, value)
    else:
        setattr(module, name, value)


class _CodeOnlyModule(Module):
    """The attributes of a module without its class."""

    def __init__(self, body: dict[str, Any]) -> None:
        super().__init__()
        self.__dict__ = body


class GraphModule(Module):
    """A module that runs a graph: ``forward`` is Python code made of it.

    The code is made again when a graph is assigned to :attr:`graph`, and by :meth:`recompile` after changes of it.

    Args:
        root: has the modules, parameters and buffers that the graph refers to, which the new module shares; or a dict
            of them by path.
        graph: the graph.
        class_name: the name of the class that the module gets. Default: ``"GraphModule"``.

    Raises:
        RuntimeError: if ``root`` is a dict that lacks something that the graph refers to.

    Example:
        >>> net = plait.fx.symbolic_trace(nn.Sequential(nn.Linear(2, 2), nn.ReLU()))
        >>> for node in net.graph.nodes:
        ...     if node.op == "call_module" and isinstance(net.get_submodule(node.target), nn.ReLU):
        ...         with net.graph.inserting_after(node):
        ...             node.replace_all_uses_with(net.graph.call_function(plait.tanh, node.args))
        ...         net.graph.erase_node(node)
        [output]
        >>> code = net.recompile()
        >>> print(net.code.strip())
        def forward(self, input):
            input_1 = input
            _0 = getattr(self, "0")(input_1);  input_1 = None
            tanh = plait.tanh(_0);  _0 = None
            return tanh
    """

    _graph: Graph
    _code: str

    def __new__(cls, *args: Any, **kwargs: Any) -> GraphModule:
        # Each object has a class of its own, for the name and the method forward. Copies of it derive from the same.
        base = next(c for c in cls.__mro__ if "_made_by_graph_module" not in c.__dict__)
        return super().__new__(type(base.__name__, (base,), {"_made_by_graph_module": True, "__doc__": base.__doc__}))

    def __init__(self, root: Module | dict[str, Any], graph: Graph, class_name: str = "GraphModule") -> None:
        super().__init__()
        type(self).__name__ = class_name
        self.meta: dict[str, Any] = {}
        targets = [str(n.target) for n in graph.nodes if n.op in ("get_attr", "call_module")]
        if isinstance(root, Module):
            self.training = getattr(root, "training", True)
            self.meta.update(getattr(root, "meta", {}) if isinstance(root, (GraphModule, _CodeOnlyModule)) else {})
            for target in targets:
                _copy_attr(root, self, target)
        elif isinstance(root, dict):
            for target in targets:
                if target not in root:
                    raise RuntimeError(f"GraphModule: expected root to have {target!r}, which the graph refers to")
            for target in sorted(targets, key=lambda path: path.count(".")):
                _assign_attr(root[target], self, target)
        else:
            raise RuntimeError(f"GraphModule: expected root to be a Module or a dict, got {type(root).__name__}")
        self.graph = graph
        tracer_cls = graph._tracer_cls
        self._tracer_cls = tracer_cls if tracer_cls and "<locals>" not in tracer_cls.__qualname__ else None

    @property
    def graph(self) -> Graph:
        """The graph. Assigning another one makes the code anew."""
        return self._graph

    @graph.setter
    def graph(self, g: Graph) -> None:
        if not isinstance(g, Graph):
            raise AssertionError(f"GraphModule.graph: expected a Graph, got {type(g).__name__}")
        self._graph = g
        g.owning_module = self
        self.recompile()

    @property
    def code(self) -> str:
        """The Python code of ``forward``."""
        return self._code

    def recompile(self) -> PythonCode:
        """Make the code anew, after changes of the graph; returns it."""
        codegen = self._graph._codegen
        for name in ("in_spec", "out_spec"):
            if hasattr(codegen, name):
                setattr(self, f"_{name}", getattr(codegen, name))
        python_code = self._graph.python_code(root_module="self")
        self._code = python_code.src
        type(self).forward = _forward_from_src(self._code, python_code.globals)  # type: ignore[method-assign]
        return python_code

    # -- parts -----------------------------------------------------------------------------------------------

    def add_submodule(self, target: str, m: Module) -> bool:
        """Add a module at a path, with empty modules on the way.

        Args:
            target: the path.
            m: the module.

        Returns:
            False if something that is no module stands in the way.
        """
        *prefix, name = target.split(".")
        place: Module = self
        for part in prefix:
            inner = getattr(place, part, None)
            if inner is None:
                inner = Module()
                setattr(place, part, inner)
            if not isinstance(inner, Module):
                return False
            place = inner
        place.add_module(name, m)
        return True

    def delete_submodule(self, target: str) -> bool:
        """Delete the module at the path ``target``; False if there is none."""
        *prefix, name = target.split(".")
        place: Any = self
        for part in prefix:
            place = getattr(place, part, None)
            if not isinstance(place, Module):
                return False
        if not isinstance(getattr(place, name, None), Module):
            return False
        delattr(place, name)
        return True

    def delete_all_unused_submodules(self) -> None:
        """Delete the modules of which the graph uses neither themselves nor anything inside."""
        used: set[str] = set()
        for node in self.graph.nodes:
            if node.op in ("call_module", "get_attr"):
                parts = str(node.target).split(".")
                used |= {".".join(parts[:n]) for n in range(1, len(parts) + 1)}
                target = _get_attr(self, str(node.target))
                if isinstance(target, Module):
                    used |= {f"{node.target}.{path}" for path, _ in target.named_modules() if path}
        for path in [path for path, _ in self.named_modules(remove_duplicate=False)]:
            if path and path not in used:
                self.delete_submodule(path)

    # -- copies and text -------------------------------------------------------------------------------------

    def _deepcopy_init(self) -> Any:
        return GraphModule.__init__

    def __deepcopy__(self, memo: dict[int, Any]) -> GraphModule:
        new = type(self).__new__(type(self))
        memo[id(self)] = new
        body = _CodeOnlyModule(copy.deepcopy(self.__dict__, memo))
        self._deepcopy_init()(new, body, body.__dict__["_graph"], type(self).__name__)
        for name, value in body.__dict__.items():
            # What a subclass or a program has put there besides what the graph refers to.
            if name not in new.__dict__ and name not in body._modules and name not in body._parameters:
                new.__dict__[name] = value
        return new

    def __copy__(self) -> GraphModule:
        new = GraphModule(self, self.graph, type(self).__name__)
        self.graph.owning_module = self
        return new

    def __reduce__(self) -> Any:
        state = self.__getstate__()
        for name in ("_graph", "_code", "_in_spec", "_out_spec"):
            state.pop(name, None)
        return reduce_graph_module, (state, self._graph, type(self).__name__)

    def print_readable(self, print_output: bool = True, **options: Any) -> str:
        """The code of this module and of the graph modules in it, as classes.

        Args:
            print_output: also prints it. Default: ``True``.
            options: accepted for PyTorch's sake.

        Returns:
            The text.
        """
        from ._names import root_name

        body = "\n".join(f"    {line}".rstrip() for line in self._code.strip("\n").rstrip().split("\n"))
        text = f"class {type(self).__name__}({root_name()}.nn.Module):\n{body}\n"
        for _, child in self.named_children():
            if isinstance(child, GraphModule):
                inner = child.print_readable(print_output=False)
                text += "\n" + "\n".join(f"    {line}".rstrip() for line in inner.split("\n"))
        if print_output:
            print(text)
        return text

    def __str__(self) -> str:
        hint = "# To see more debug info, please use `graph_module.print_readable()`"
        return f"{super().__repr__()}\n\n{self._code}\n{hint}"


def reduce_graph_module(state: dict[str, Any], graph: Graph, class_name: str) -> GraphModule:
    """The graph module with these attributes; what pickle calls.

    Args:
        state: the attributes.
        graph: the graph.
        class_name: the name of its class.

    Returns:
        The module.

    Example:
        >>> import pickle
        >>> double = plait.fx.symbolic_trace(plait.fx.GraphModule(nn.Module(), plait.fx.Graph()))
        >>> type(pickle.loads(pickle.dumps(double))).__name__
        'GraphModule'
    """
    body = Module()
    body.__setstate__(state)
    new = GraphModule(body, graph, class_name)
    new.__setstate__({**state, "meta": new.meta})
    return new
