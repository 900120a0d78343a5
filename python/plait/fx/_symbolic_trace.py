# SPDX-License-Identifier: MIT
"""Graphs of functions and modules: run them once with proxies in place of values."""

from __future__ import annotations

import functools
import inspect
import math
import operator
import sys
from collections.abc import Callable
from types import FunctionType, ModuleType
from typing import Any

from .. import _core
from .._functions import _assert
from ..nn import Module, Parameter, Sequential
from . import _patches
from ._codegen import TreeCodeGen
from ._compatibility import compatibility
from ._names import is_ours, root_name
from ._patches import Patcher, autowrap, patch_wrapped
from ._pytree import Tree
from .graph import Graph
from .graph_module import GraphModule
from .node import Argument
from .proxy import ParameterProxy, Proxy, TracerBase

__all__ = ["PH", "Tracer", "is_fx_tracing", "symbolic_trace", "wrap"]

# Names under which tracers of other packages find what theirs is made of.
_Patcher = Patcher
_autowrap_check = autowrap
_patch_wrapped_functions = patch_wrapped
_orig_module_call = _patches.call_module
_orig_module_getattr = Module.__getattr__
_KEPT = (compatibility, functools, FunctionType)


class ScriptObject:
    """Objects of TorchScript, of which plait has none."""


class _Placeholder:
    def __repr__(self) -> str:
        return "PH"


PH = _Placeholder()  # in nested concrete_args: this one stays an input

_tracing = 0


def is_fx_tracing() -> bool:
    """Whether a trace is under way."""
    return _tracing > 0


class Tracer(TracerBase):
    """What makes the graph of a module or function, by running it once with proxies.

    A subclass decides what is kept whole (:meth:`is_leaf_module`) and may record more.

    Args:
        autowrap_modules: Python modules whose functions are recorded as a whole when they get a proxy.
            Default: ``(math,)``.
        autowrap_functions: functions that are recorded as a whole. Default: none.
        param_shapes_constant: shapes of parameters are numbers, also where a parameter is recorded, so that branches
            may depend on them. Default: ``False``.

    Attributes:
        root: the module that is traced; for a function, an empty one that takes its constant tensors.
        graph: the graph.

    Example:
        >>> class Whole(plait.fx.Tracer):
        ...     def is_leaf_module(self, m, module_qualified_name):
        ...         return True
        >>> net = nn.Sequential(nn.Sequential(nn.Linear(2, 2), nn.ReLU()))
        >>> [node.name for node in Whole().trace(net).nodes]
        ['input_1', '_0', 'output']
        >>> [node.name for node in plait.fx.Tracer().trace(net).nodes]
        ['input_1', '_0_0', '_0_1', 'output']
    """

    root: Module

    def __init__(
        self,
        autowrap_modules: tuple[ModuleType, ...] = (math,),
        autowrap_functions: tuple[Callable[..., Any], ...] = (),
        param_shapes_constant: bool = False,
    ) -> None:
        super().__init__()
        self._autowrap_function_ids: set[int] = {
            id(value)
            for module in autowrap_modules
            for name, value in vars(module).items()
            if not name.startswith("_") and callable(value)
        } | {id(function) for function in autowrap_functions}
        self._autowrap_search: list[ModuleType] = list(autowrap_modules)
        self.param_shapes_constant = param_shapes_constant
        self.submodule_paths: dict[Module, str] | None = None
        self.tensor_attrs: dict[Any, str] = {}

    # -- decisions -------------------------------------------------------------------------------------------

    def is_leaf_module(self, m: Module, module_qualified_name: str) -> bool:
        """Whether a module is recorded as one call; by default plait's own are, but Sequential.

        Args:
            m: the module.
            module_qualified_name: its path.
        """
        return m.__module__.startswith(("plait.nn", f"{root_name()}.nn")) and not isinstance(m, Sequential)

    def path_of_module(self, mod: Module) -> str:
        """The path of the module ``mod`` in the root; NameError if it is not there."""
        if self.submodule_paths is not None and mod in self.submodule_paths:
            return self.submodule_paths[mod]
        for path, module in self.root.named_modules():
            if module is mod:
                return path
        raise NameError(
            f"tracing: the {type(mod).__name__} that is called is not part of the module that is traced\n"
            "hint: make it an attribute of the module"
        )

    def call_module(self, m: Module, forward: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """What a call of a module gives: a recorded call of a leaf, otherwise what its ``forward`` does.

        Args:
            m: the module.
            forward: runs it.
            args, kwargs: the arguments of the call.
        """
        path = self.path_of_module(m)
        if not self.is_leaf_module(m, path):
            return forward(*args, **kwargs)
        return self.create_proxy("call_module", path, args, kwargs)

    def getattr(self, attr: str, attr_val: Any, parameter_proxy_cache: dict[str, Any]) -> Any:
        """What reading a parameter, buffer or child of a module gives.

        Args:
            attr: the name.
            attr_val: the value.
            parameter_proxy_cache: the proxies of parameters and buffers so far, by path.

        Returns:
            A proxy for a parameter, otherwise the value.
        """
        members: Any = None
        if isinstance(attr_val, Parameter):
            members = self.root.named_parameters()
        elif self.proxy_buffer_attributes and isinstance(attr_val, _core.Tensor):
            members = self.root.named_buffers()
        for path, value in members or ():
            if value is attr_val:
                if path not in parameter_proxy_cache:
                    parameter_proxy_cache[path] = self._attribute_proxy(path, attr_val)
                return parameter_proxy_cache[path]
        return attr_val

    def _attribute_proxy(self, path: str, value: Any) -> Proxy:
        if not (self.param_shapes_constant and isinstance(value, Parameter)):
            return self.create_proxy("get_attr", path, (), {})
        return self.create_proxy(
            "get_attr", path, (), {}, proxy_factory_fn=lambda node: ParameterProxy(self, node, path, value)
        )

    def get_fresh_qualname(self, prefix: str) -> str:
        """``prefix`` with the first number behind it that makes no attribute of the root."""
        number = 0
        while hasattr(self.root, f"{prefix}{number}"):
            number += 1
        return f"{prefix}{number}"

    def create_arg(self, a: Any) -> Argument:
        """The argument of a node; tensors become look-ups of attributes of the root.

        Args:
            a: see :meth:`TracerBase.create_arg`; also parameters, buffers and modules of the root.

        Raises:
            NameError: for a parameter that the root does not have.
        """
        if isinstance(a, Parameter):
            path = _path_of(a, self.root.named_parameters())
            if path is None:
                raise NameError(
                    "tracing: a parameter that is used is not part of the module that is traced\n"
                    "hint: make it an attribute of the module"
                )
            return self.create_node("get_attr", path, (), {})
        if isinstance(a, _core.Tensor):
            return self.create_node("get_attr", self._path_of_tensor(a), (), {})
        if isinstance(a, tuple) and hasattr(a, "_fields"):
            return self.create_node("call_function", type(a), tuple(map(self.create_arg, a)), {})
        if isinstance(a, Module):
            path = _path_of(a, self.root.named_modules())
            if path:
                return self.create_node("get_attr", path, (), {})
        return super().create_arg(a)

    def _path_of_tensor(self, tensor: Any) -> str:
        path = _path_of(tensor, self.root.named_buffers()) or self.tensor_attrs.get(tensor)
        if path is None:
            path = self.get_fresh_qualname("_tensor_constant")
            self.tensor_attrs[tensor] = path
            setattr(self.root, path, tensor)
        return path

    # -- the run ---------------------------------------------------------------------------------------------

    def trace(self, root: Module | Callable[..., Any], concrete_args: dict[str, Any] | None = None) -> Graph:
        """The graph of a module or a function.

        Args:
            root: the module or function.
            concrete_args: values of arguments that branches and loops may depend on. The graph is that of these
                values. Default: none; all arguments are inputs.

        Returns:
            The graph; :class:`GraphModule` runs it with the attributes of :attr:`root`.

        Raises:
            TraceError: if a branch or loop depends on an input.
        """
        if isinstance(root, Module):
            self.root = root
            fn = getattr(type(root), self.traced_func_name)
            self.submodule_paths = {module: path for path, module in root.named_modules()}
        else:
            self.root = Module()
            fn = root
        self.graph = Graph(tracer_cls=type(self))
        self.tensor_attrs = dict(_tensor_attributes(self.root))
        namespace = getattr(inspect.unwrap(fn), "__globals__", {})
        run, args = self.create_args_for_root(fn, isinstance(root, Module), concrete_args)
        global _tracing
        _tracing += 1
        try:
            with Patcher() as patcher:
                self._patch(patcher, namespace)
                result = self.create_arg(run(*args))
                annotation = _annotations(fn).get("return")
                self.create_node("output", "output", (result,), {}, type_expr=annotation)
        finally:
            _tracing -= 1
            self.submodule_paths = None
        return self.graph

    def _patch(self, patcher: Patcher, namespace: dict[str, Any]) -> None:
        cache: dict[str, Any] = {}
        look_up, call = _patches.look_up, _patches.call_module

        @functools.wraps(look_up)
        def look_up_member(module: Module, name: str) -> Any:
            value = look_up(module, name)
            if isinstance(value, (_core.Tensor, Module)):
                return self.getattr(name, value, cache)
            return value

        @functools.wraps(call)
        def call_member(module: Module, *args: Any, **kwargs: Any) -> Any:
            def forward(*args: Any, **kwargs: Any) -> Any:
                return call(module, *args, **kwargs)

            autowrap(patcher, getattr(module.forward, "__globals__", {}), self._autowrap_function_ids)
            return self.call_module(module, forward, args, kwargs)

        patcher.patch_method(Module, "__getattribute__", look_up_member)
        patcher.patch_method(Module, "__call__", call_member)
        patch_wrapped(patcher)
        autowrap(patcher, namespace, self._autowrap_function_ids)
        for module in self._autowrap_search:
            autowrap(patcher, vars(module), self._autowrap_function_ids)

    # -- arguments -------------------------------------------------------------------------------------------

    def create_args_for_root(
        self,
        root_fn: Callable[..., Any],
        is_module: bool,
        concrete_args: dict[str, Any] | tuple[Any, ...] | None = None,
    ) -> tuple[Any, list[Any]]:
        """The inputs of a graph.

        Args:
            root_fn: the function that is traced.
            is_module: whether it is a method, whose first argument is :attr:`root`.
            concrete_args: see :meth:`trace`.

        Returns:
            The function to run and its arguments.
        """
        code = inspect.unwrap(root_fn).__code__
        count = code.co_argcount + code.co_kwonlyargcount
        names = list(code.co_varnames[:count])
        first = [self.root] if is_module else []
        if is_module:
            if not names:
                raise RuntimeError("tracing: expected a forward with a parameter self")
            names = names[1:]
        if isinstance(concrete_args, tuple):
            if len(concrete_args) != len(names):
                raise RuntimeError(f"tracing: expected {len(names)} concrete_args, got {len(concrete_args)}")
            concrete_args = dict(zip(names, concrete_args))
        inputs = _Inputs(self, root_fn, concrete_args or {})
        args = [inputs.argument(name) for name in names]
        run: Any = root_fn
        if code.co_flags & inspect.CO_VARARGS:
            args.append(inputs.argument(f"*{code.co_varnames[count]}"))
            count += 1
        if code.co_flags & inspect.CO_VARKEYWORDS:
            args.append(inputs.argument(f"**{code.co_varnames[count]}"))
        if code.co_kwonlyargcount or code.co_flags & (inspect.CO_VARARGS | inspect.CO_VARKEYWORDS):
            run = _plain_call(root_fn)
        if inputs.is_nested:
            run = self._run_flat(run, names, args, inputs, is_module)
        return run, [*first, *args]

    def _run_flat(self, run: Any, names: list[str], args: list[Any], inputs: _Inputs, is_module: bool) -> Any:
        """Lets the graph take nested arguments and return a nested result."""
        codegen = TreeCodeGen(names, Tree([inputs.examples[name] for name in names]))
        self.graph.set_codegen(codegen)

        def flat(*values: Any) -> Any:
            result = run(*values)
            codegen.out_spec = Tree(result)
            return codegen.out_spec.leaves(result)

        return flat


class _Inputs:
    """Makes the inputs of a graph."""

    def __init__(self, tracer: Tracer, fn: Callable[..., Any], concrete: dict[str, Any]) -> None:
        self.tracer = tracer
        self.concrete = concrete
        self.annotations = _annotations(fn)
        self.parameters = inspect.signature(fn).parameters
        self.examples: dict[str, Any] = {}
        self.is_nested = any(isinstance(value, (list, tuple, dict)) for value in concrete.values())
        self.count = 0

    def argument(self, name: str) -> Any:
        """What the function gets for a parameter: a proxy, or the concrete value."""
        if name in self.concrete:
            self.examples[name] = self.concrete[name]
            return self._concrete(name, self.concrete[name])
        self.examples[name] = PH
        default: tuple[Any, ...] = ()
        if name[0] != "*":
            value = self.parameters[name].default
            default = () if value is inspect.Parameter.empty else (value,)
        annotation = self.annotations.get(name)
        return self.tracer.create_proxy("placeholder", name, default, {}, type_expr=annotation)

    def _concrete(self, name: str, value: Any) -> Any:
        """A nest of values; each leaf is an input too, which is checked where it can be."""
        if isinstance(value, dict):
            return {key: self._concrete(name, x) for key, x in value.items()}
        if isinstance(value, (list, tuple)):
            items = [self._concrete(name, x) for x in value]
            return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)
        self.count += 1
        proxy = self.tracer.create_proxy("placeholder", f"{name}_{self.count}", (), {})
        if value is PH:
            return proxy
        if isinstance(value, (bool, int, float, str)) and not isinstance(value, _core.Tensor):
            message = f"{name} has been specialized to have value {value} but got another value"
            _assert(operator.eq(proxy, value), message)
        elif value is None:
            message = f"{name} has been specialized to have value None but got another value"
            self.tracer.create_proxy("call_function", _assert_is_none, (proxy, message), {})
        return value


def _assert_is_none(value: Any, message: str) -> None:
    _assert(value is None, message)


def _plain_call(fn: Callable[..., Any]) -> Any:
    """``fn`` with all its parameters, also ``*args``, ``**kwargs`` and those by keyword only, by position."""
    code = inspect.unwrap(fn).__code__
    flags = code.co_flags & ~(inspect.CO_VARARGS | inspect.CO_VARKEYWORDS)
    extra = bool(code.co_flags & inspect.CO_VARARGS) + bool(code.co_flags & inspect.CO_VARKEYWORDS)
    count = code.co_argcount + code.co_kwonlyargcount + extra
    plain = code.replace(co_argcount=count, co_kwonlyargcount=0, co_posonlyargcount=0, co_flags=flags)
    inner: Any = inspect.unwrap(fn)
    return FunctionType(plain, inner.__globals__, inner.__name__, inner.__defaults__, inner.__closure__)


def _annotations(fn: Callable[..., Any]) -> dict[str, Any]:
    inner = inspect.unwrap(fn)
    try:
        found = inspect.get_annotations(inner, eval_str=True)
    except Exception:  # names that are there for type checkers only
        found = dict(getattr(inner, "__annotations__", {}))
    if is_ours(getattr(inner, "__module__", None) or ""):
        return {name: kind for name, kind in found.items() if kind is not Any}
    return found


def _path_of(value: Any, members: Any) -> str | None:
    return next((path for path, member in members if member is value), None)


def _tensor_attributes(root: Module) -> Any:
    """The tensors that are plain attributes of modules, with their paths."""
    for path, module in root.named_modules():
        tables = {*module._parameters, *module._buffers}
        for name, value in vars(module).items():
            if isinstance(value, _core.Tensor) and name not in tables:
                yield value, f"{path}.{name}" if path else name


def symbolic_trace(root: Module | Callable[..., Any], concrete_args: dict[str, Any] | None = None) -> GraphModule:
    """The graph of a module or function as a module that runs and prints it.

    Args:
        root: the module, which keeps its parameters: the result shares them; or the function.
        concrete_args: values of arguments that branches and loops may depend on. The graph is that of these values.
            Default: none; all arguments are inputs.

    Returns:
        The module.

    Raises:
        TraceError: if a branch or loop depends on an input.

    Example:
        >>> traced = plait.fx.symbolic_trace(lambda x, y: plait.relu(x) + y.sum(0))
        >>> print(traced.code.strip())
        def forward(self, x, y):
            relu = plait.relu(x);  x = None
            sum_1 = y.sum(0);  y = None
            add = relu + sum_1;  relu = sum_1 = None
            return add
        >>> traced(plait.tensor([-1.0, 1.0]), plait.ones(2, 2))
        tensor([2., 3.])
    """
    tracer = Tracer()
    graph = tracer.trace(root, concrete_args)
    name = type(root).__name__ if isinstance(root, Module) else root.__name__
    return GraphModule(tracer.root, graph, name)


def wrap(fn_or_name: str | Callable[..., Any]) -> Any:
    """Let calls of a function be recorded as a whole when they get a proxy; at the top level of a module.

    Args:
        fn_or_name: a function, also of Python, or its name in the module that calls ``wrap``. As a decorator, the
            function below.

    Returns:
        What it was given.

    Raises:
        RuntimeError: for something else.
        NotImplementedError: inside a function or class, where the name means nothing to other functions.

    Example:
        >>> plait.fx.wrap("len")
        'len'
        >>> print(plait.fx.symbolic_trace(eval("lambda x: len(x)", globals())).code.strip())  # doctest: +SKIP
        plait.fx._symbolic_trace.wrap("len")
        <BLANKLINE>
        def forward(self, x):
            len_1 = len(x);  x = None
            return len_1
    """
    if callable(fn_or_name):
        name = getattr(fn_or_name, "__name__", type(fn_or_name).__name__)
    elif isinstance(fn_or_name, str):
        name = fn_or_name
    else:
        raise RuntimeError(f"fx.wrap: expected a function or its name, got {type(fn_or_name).__name__}")
    frame = sys._getframe(1)
    if frame.f_code.co_name != "<module>":
        raise NotImplementedError("fx.wrap: expected a call at the top level of a module")
    _patches.wrapped_functions[id(frame.f_globals), name] = frame.f_globals
    return fn_or_name
