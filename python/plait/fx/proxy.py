# SPDX-License-Identifier: MIT
"""Stand-ins for values: what a function does with them is recorded instead of done."""

from __future__ import annotations

import dis
import inspect
import operator
import sys
from collections.abc import Callable, Iterator
from types import FrameType, MappingProxyType
from typing import Any

from .. import _core
from .._layouts import layout, memory_format
from ..overrides import is_tensor_method_or_property
from .graph import Graph
from .node import Argument, Node, Target, map_aggregate

__all__ = ["Attribute", "GraphAppendingTracer", "ParameterProxy", "Proxy", "TraceError", "TracerBase"]


class TraceError(ValueError):
    """What a program does with a traced value depends on the value itself, which is not known while tracing.

    Example:
        >>> try:
        ...     plait.fx.symbolic_trace(lambda x: x if x.sum() > 0 else -x)
        ... except plait.fx.proxy.TraceError:
        ...     print("the branch depends on x")
        the branch depends on x
    """


_CONSTANTS = (str, int, float, complex, bool, bytes, type(None), type(Ellipsis), _core.Tensor, _core.dtype)
_CONSTANTS += (_core.device, layout, memory_format, range)


class TracerBase:
    """What records operations in a graph; :class:`Tracer` traces modules and functions by it.

    Attributes:
        graph: the graph that is made.
        trace_asserts, record_stack_traces, check_mutable_operations: accepted for PyTorch's sake.
        proxy_buffer_attributes: whether reading a buffer of a module gives a proxy. Default: ``False``.
    """

    graph: Graph
    record_stack_traces: bool = False
    check_mutable_operations: bool = False
    trace_asserts: bool = False
    proxy_buffer_attributes: bool = False
    traced_func_name: str = "forward"

    def create_node(
        self,
        kind: str,
        target: Target,
        args: tuple[Argument, ...],
        kwargs: dict[str, Argument],
        name: str | None = None,
        type_expr: Any = None,
    ) -> Node:
        """Add a node of the ``kind``; other arguments as there: :meth:`Graph.create_node`."""
        return self.graph.create_node(kind, target, args, kwargs, name, type_expr)

    def proxy(self, node: Node) -> Proxy:
        """The proxy that stands for the value of ``node``."""
        return Proxy(node, self)

    def create_proxy(
        self,
        kind: str,
        target: Target,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        name: str | None = None,
        type_expr: Any = None,
        proxy_factory_fn: Callable[[Node], Proxy] | None = None,
    ) -> Proxy:
        """Record an operation.

        Args:
            kind, target: see :class:`Node`.
            args, kwargs: the arguments: proxies, tensors and constants, also nested.
            name: the name wanted. Default: made of the target.
            type_expr: the annotation of the result. Default: none.
            proxy_factory_fn: makes the proxy. Default: :meth:`proxy`.

        Returns:
            The proxy that stands for the result.
        """
        new_args, new_kwargs = self.create_arg(tuple(args)), self.create_arg(dict(kwargs))
        node = self.create_node(kind, target, new_args, new_kwargs, name, type_expr)
        return self.proxy(node) if proxy_factory_fn is None else proxy_factory_fn(node)

    def create_arg(self, a: Any) -> Argument:
        """The argument of a node that stands for an argument of a call.

        Args:
            a: a proxy, a constant, a function, or a nest of them.

        Returns:
            The same with nodes in place of proxies.

        Raises:
            NotImplementedError: for an object that no graph can have as a constant.
        """
        if isinstance(a, Proxy):
            return a.node
        if isinstance(a, tuple) and type(a) is not tuple and not hasattr(a, "_fields"):
            return (
                type(a)(self.create_arg(x) for x in a) if isinstance(a, _core.Size) else tuple(map(self.create_arg, a))
            )
        if isinstance(a, tuple):
            items = [self.create_arg(x) for x in a]
            return type(a)(*items) if hasattr(a, "_fields") else tuple(items)
        if isinstance(a, list):
            return [self.create_arg(x) for x in a]
        if isinstance(a, (dict, MappingProxyType)):
            return {self._key(k): self.create_arg(v) for k, v in a.items()}
        if isinstance(a, slice):
            return slice(self.create_arg(a.start), self.create_arg(a.stop), self.create_arg(a.step))
        if isinstance(a, (Node, *_CONSTANTS)) or callable(a):
            return a
        raise NotImplementedError(
            f"tracing: an argument of type {type(a).__name__} cannot be a constant of a graph\n"
            "hint: plait.fx.wrap(function) keeps a function whole, with what it makes inside"
        )

    @staticmethod
    def _key(key: Any) -> Any:
        if isinstance(key, Proxy):
            raise TraceError(f"tracing: expected keys of a dict that are known, got {key}")
        return key

    def to_bool(self, obj: Proxy) -> bool:
        """What ``bool(obj)`` gives; a subclass may know better than to raise TraceError."""
        raise TraceError(
            f"tracing: {obj} is not known yet, so no branch or loop can depend on it\n"
            "hint: pass what decides by concrete_args, use plait.where, or keep the function whole by plait.fx.wrap"
        )

    def iter(self, obj: Proxy) -> Iterator[Any]:
        """What ``iter(obj)`` gives. Only ``a, b = obj`` tells how many elements there are.

        Raises:
            TraceError: anywhere else.
        """
        count = _unpacked(sys._getframe(2))
        if count is not None:
            return iter([obj[i] for i in range(count)])
        raise TraceError(
            f"tracing: {obj} cannot be iterated: its length is not known yet\n"
            "hint: unpack it, a, b = x, or take elements, x[0]; f(*x) and loops over x need a length"
        )

    def keys(self, obj: Proxy) -> Any:
        """What ``obj.keys()`` gives, also for ``**obj``."""
        return Attribute(obj, "keys")()


class GraphAppendingTracer(TracerBase):
    """What records at the end of a graph that exists.

    Args:
        graph: the graph.

    Example:
        >>> graph = plait.fx.Graph()
        >>> tracer = plait.fx.proxy.GraphAppendingTracer(graph)
        >>> tracer.create_proxy("placeholder", "x", (), {})
        Proxy(x)
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph


def _unpacked(frame: FrameType) -> int | None:
    """How many names the statement that ``frame`` is at unpacks its value to; None if it does something else."""
    for instruction in dis.get_instructions(frame.f_code):
        if instruction.offset == frame.f_lasti:
            return instruction.argval if instruction.opname == "UNPACK_SEQUENCE" else None
    return None


class Proxy:
    """A value that is not known yet: operators, methods, attributes and functions of tensors are recorded.

    Args:
        node: the node whose value it is.
        tracer: what records. Default: the end of the node's graph.

    Example:
        >>> graph = plait.fx.Graph()
        >>> x = plait.fx.Proxy(graph.placeholder("x"))
        >>> y = plait.relu(x + 1).sum()
        >>> y.node.op, [node.name for node in graph.nodes]
        ('call_method', ['x', 'add', 'relu', 'sum_1'])
    """

    def __init__(self, node: Node, tracer: TracerBase | None = None) -> None:
        self.tracer = GraphAppendingTracer(node.graph) if tracer is None else tracer
        self.node = node

    def __repr__(self) -> str:
        return f"Proxy({self.node.name})"

    def __getattr__(self, name: str) -> Any:
        if name in ("node", "tracer"):  # an object that __init__ has not made
            raise AttributeError(name)
        return Attribute(self, name)

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__ = state

    def __deepcopy__(self, memo: dict[int, Any]) -> Proxy:
        import copy

        new = type(self).__new__(type(self))
        memo[id(self)] = new
        new.__dict__ = {name: copy.deepcopy(value, memo) for name, value in self.__dict__.items()}
        return new

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.tracer.create_proxy("call_method", "__call__", (self, *args), kwargs)

    def __iter__(self) -> Iterator[Any]:
        return self.tracer.iter(self)

    def __bool__(self) -> bool:
        return self.tracer.to_bool(self)

    def keys(self) -> Any:
        """The keys of the value, recorded; see :meth:`TracerBase.keys`."""
        return self.tracer.keys(self)

    def __len__(self) -> int:
        raise RuntimeError(
            f"tracing: the length of {self} is not known yet\n"
            "hint: plait.fx.wrap('len') at the top level of the module records the call; or use x.shape[0]"
        )

    def __int__(self) -> int:
        raise self._no_number("int")

    def __float__(self) -> float:
        raise self._no_number("float")

    def __complex__(self) -> complex:
        raise self._no_number("complex")

    def __index__(self) -> int:
        raise self._no_number("range or an index")

    def _no_number(self, kind: str) -> TypeError:
        return TypeError(
            f"tracing: {self} is not known yet, so it cannot become a number ({kind})\n"
            f"hint: plait.fx.wrap keeps a function that needs it whole, for example plait.fx.wrap('{kind.split()[0]}')"
        )

    def __setitem__(self, key: Any, value: Any) -> None:
        raise TypeError(
            f"tracing: {self} does not take assignments to its elements\n"
            "hint: use plait.where, index_put or scatter, or keep the function whole by plait.fx.wrap"
        )

    def __contains__(self, item: Any) -> bool:
        return bool(self.tracer.to_bool(self))

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = {} if kwargs is None else kwargs
        tracers: dict[int, TracerBase] = {}

        def note(x: Any) -> Any:
            if isinstance(x, Proxy):
                tracers[id(x.tracer)] = x.tracer
            return x

        map_aggregate(args, note)
        map_aggregate(kwargs, note)
        if len(tracers) != 1:
            raise RuntimeError(f"tracing: expected proxies of one tracer, got {len(tracers)} in a call of {func}")
        (tracer,) = tracers.values()
        if is_tensor_method_or_property(func):
            return tracer.create_proxy("call_method", func.__name__, args, kwargs)
        args, kwargs = _spelled_out(func, args, kwargs)
        return tracer.create_proxy("call_function", func, args, kwargs)


# Functions of nn.functional that are recorded as they are called.
_AS_CALLED = frozenset(
    [
        "adaptive_avg_pool1d",
        "avg_pool1d",
        "avg_pool2d",
        "avg_pool3d",
        "bilinear",
        "channel_shuffle",
        "conv1d",
        "conv2d",
        "conv3d",
        "conv_tbc",
        "conv_transpose1d",
        "conv_transpose2d",
        "conv_transpose3d",
        "cosine_similarity",
        "gelu",
        "hardshrink",
        "linear",
        "logsigmoid",
        "native_channel_shuffle",
        "one_hot",
        "pairwise_distance",
        "pdist",
        "pixel_shuffle",
        "pixel_unshuffle",
        "prelu",
        "scaled_dot_product_attention",
        "softplus",
        "softshrink",
    ]
)
_UNSAID = ("cudnn_enable",)  # parameters that change nothing


def _spelled_out(func: Any, args: Any, kwargs: Any) -> tuple[Any, Any]:
    """The arguments of a function of nn.functional in one form, whatever the form of the call.

    Those without a default stand by position, all others by keyword, so that programs over graphs, and patterns, need
    to know one form only.
    """
    module, name = str(getattr(func, "__module__", "")), getattr(func, "__name__", "")
    if not module.startswith("plait.nn.functional") or name in _AS_CALLED or name.endswith("_"):
        return args, kwargs
    signature = inspect.signature(func)
    try:
        given = signature.bind(*args, **kwargs).arguments
    except TypeError:  # the call itself will say what is wrong
        return args, kwargs
    positional, by_keyword = [], {}
    for parameter in signature.parameters.values():
        if parameter.kind is not parameter.POSITIONAL_OR_KEYWORD:
            return args, kwargs
        if parameter.default is parameter.empty:
            positional.append(given[parameter.name])
        elif parameter.name not in _UNSAID or parameter.name in given:
            by_keyword[parameter.name] = given.get(parameter.name, parameter.default)
    return tuple(positional), by_keyword


class Attribute(Proxy):
    """An attribute of a proxy. Called, it is a method; used in another way, it is recorded as a look-up.

    Args:
        root: the proxy.
        attr: the name of the attribute.

    Example:
        >>> graph = plait.fx.Graph()
        >>> x = plait.fx.Proxy(graph.placeholder("x"))
        >>> x.shape[0], x.exp()
        (Proxy(getitem), Proxy(exp))
        >>> [node.name for node in graph.nodes]
        ['x', 'getattr_1', 'getitem', 'exp']
    """

    def __init__(self, root: Proxy, attr: str) -> None:
        self.root = root
        self.attr = attr
        self.tracer = root.tracer
        self._node: Node | None = None

    @property
    def node(self) -> Node:  # type: ignore[override]
        """The look-up; added to the graph when it is first asked for."""
        if self._node is None:
            self._node = self.tracer.create_proxy("call_function", getattr, (self.root, self.attr), {}).node
        return self._node

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.tracer.create_proxy("call_method", self.attr, (self.root, *args), kwargs)


class ParameterProxy(Proxy):
    """The proxy of a parameter, whose shape and number of dimensions are known.

    Args:
        tracer: what records.
        node: the node whose value it is.
        name: the path of the parameter.
        param: the parameter.

    Example:
        >>> net = nn.Linear(2, 3)
        >>> tracer = plait.fx.Tracer(param_shapes_constant=True)
        >>> tracer.root, tracer.graph = net, plait.fx.Graph()
        >>> weight = tracer.getattr("weight", net.weight, {})
        >>> weight, tuple(weight.shape)
        (ParameterProxy(weight), (3, 2))
    """

    def __init__(self, tracer: TracerBase, node: Node, name: str, param: Any) -> None:
        super().__init__(node, tracer)
        self.name = name
        self.param = param

    def __repr__(self) -> str:
        return f"ParameterProxy({self.name})"

    @property
    def shape(self) -> Any:
        """The shape of the parameter."""
        return self.param.shape

    def size(self, dim: int | None = None) -> Any:
        """The shape of the parameter, or its size in the dimension ``dim``."""
        return self.param.size() if dim is None else self.param.size(dim)

    def dim(self) -> int:
        """The number of dimensions of the parameter."""
        return self.param.dim()

    @property
    def ndim(self) -> int:
        """The number of dimensions of the parameter."""
        return self.param.ndim

    def numel(self) -> int:
        """The number of elements of the parameter."""
        return self.param.numel()

    def nelement(self) -> int:
        """The number of elements of the parameter."""
        return self.param.nelement()


def _recorder(function: Callable[..., Any], reflected: bool) -> Callable[..., Any]:
    if reflected:
        return lambda self, other: self.tracer.create_proxy("call_function", function, (other, self), {})
    return lambda self, *args: self.tracer.create_proxy("call_function", function, (self, *args), {})


_BINARY = ["add", "sub", "mul", "floordiv", "truediv", "mod", "pow", "lshift", "rshift", "and_", "or_", "xor", "matmul"]
for _name in [*_BINARY, "getitem", "eq", "ne", "lt", "gt", "le", "ge", "pos", "neg", "invert", "abs"]:
    _special = _name.strip("_")
    setattr(Proxy, f"__{_special}__", _recorder(getattr(operator, _name), reflected=False))
    if _name in _BINARY:
        setattr(Proxy, f"__r{_special}__", _recorder(getattr(operator, _name), reflected=True))
Proxy.__round__ = _recorder(round, reflected=False)  # type: ignore[attr-defined]
Proxy.__divmod__ = _recorder(divmod, reflected=False)  # type: ignore[attr-defined]
Proxy.__hash__ = object.__hash__  # type: ignore[assignment]  # == is recorded; each proxy is itself
del _name, _special
