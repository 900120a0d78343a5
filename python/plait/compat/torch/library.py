# SPDX-License-Identifier: MIT
"""Operators written in Python: registered by name, called through :mod:`torch.ops`."""

from __future__ import annotations

import ast
import importlib
import inspect
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from torch._C import excluded_keys

import plait
from plait.autograd import Function

__all__ = [
    "CustomOpDef",
    "Library",
    "custom_op",
    "define",
    "fallthrough_kernel",
    "get_ctx",
    "impl",
    "infer_schema",
    "opcheck",
    "register_autocast",
    "register_autograd",
    "register_fake",
    "register_kernel",
    "register_torch_dispatch",
    "register_vmap",
]

# Which kernel serves the CPU: its own before one that is made of other ops.
_KEYS = ("CPU", "CompositeExplicitAutograd", "CompositeImplicitAutograd", "")
_AUTOCAST = "AutocastCPU"  # the kernel that calls the operator again with other dtypes, within autocast


def _parameters(schema: str) -> inspect.Signature:
    """The signature that a schema such as ``(Tensor x, *, float eps=1e-5) -> Tensor`` describes."""
    inner = schema[schema.index("(") + 1 : schema.rindex(")", 0, schema.rindex("->") if "->" in schema else None)]
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    parameters = []
    for part in filter(None, map(str.strip, _split(inner))):
        if part == "*":
            kind = inspect.Parameter.KEYWORD_ONLY
            continue
        declared, _, default = part.partition("=")
        name = declared.split()[-1]
        parameters.append(inspect.Parameter(name, kind, default=_default(default) if default else inspect._empty))
    return inspect.Signature(parameters)


def _split(text: str) -> list[str]:
    """The parts between the commas that stand outside of brackets."""
    parts, depth = [""], 0
    for c in text:
        depth += (c in "([") - (c in ")]")
        if c == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += c
    return parts


def _default(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return {"true": True, "false": False}.get(text.lower(), text)


class Operator:
    """One operator: its kernels by dispatch key, and its derivative."""

    def __init__(self, name: str, signature: inspect.Signature | None, schema: str = "") -> None:
        self.qualified_name = name
        self.signature = signature
        self.schema = schema
        self.mutates: Any = ()  # names of arguments that are written in place
        self.kernels: dict[str, Callable[..., Any]] = {}
        self.fake: Callable[..., Any] | None = None
        self.backward: Callable[..., Any] | None = None
        self.setup_context: Callable[..., Any] | None = None

    def kernel(self) -> tuple[str, Callable[..., Any]]:
        """The key and the function that serve a call.

        Raises:
            NotImplementedError: if there is no kernel for the CPU.
        """
        if _AUTOCAST in self.kernels and plait.is_autocast_enabled("cpu") and _AUTOCAST not in excluded_keys.get():
            return _AUTOCAST, self.kernels[_AUTOCAST]
        for key in _KEYS:
            if key in self.kernels:
                return key, self.kernels[key]
        raise NotImplementedError(f"{self.qualified_name}: no kernel is registered for the CPU")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        key, kernel = self.kernel()
        if self.signature is None:
            return kernel(*args, **kwargs)
        bound = self.signature.bind(*args, **kwargs)
        bound.apply_defaults()
        made_of_ops = key == _AUTOCAST or (key == "CompositeImplicitAutograd" and self.backward is None)
        if made_of_ops or not (plait.is_grad_enabled() and _requires_grad(bound.args)):
            return kernel(*bound.args, **bound.kwargs)
        return _Call.apply(self, kernel, bound.kwargs, *bound.args)


def _requires_grad(args: Iterable[Any]) -> bool:
    for arg in args:
        if isinstance(arg, list | tuple):
            if _requires_grad(arg):
                return True
        elif isinstance(arg, plait.Tensor) and arg.requires_grad:
            return True
    return False


class _Call(Function):
    """A call whose derivative the operator's author gives."""

    @staticmethod
    def forward(ctx: Any, op: Operator, kernel: Any, keywords: dict[str, Any], *args: Any) -> Any:
        output = kernel(*args, **keywords)
        ctx.op = op
        if op.setup_context is not None:
            if "keyword_only_inputs" in inspect.signature(op.setup_context).parameters:
                op.setup_context(ctx, args, keywords, output)
            else:
                op.setup_context(ctx, args, output)
        return output

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        if ctx.op.backward is None:
            raise RuntimeError(
                f"{ctx.op.qualified_name}: no derivative is registered\nhint: torch.library.register_autograd gives one"
            )
        results = ctx.op.backward(ctx, *grads)
        results = results if isinstance(results, tuple) else (results,)
        return None, None, None, *results


_operators: dict[str, Operator] = {}


_loaded: set[str] = set()  # namespaces whose operators of plait's own, if any, are registered


def serves(namespace: str) -> bool:
    """Whether plait has operators of its own in a namespace; they are registered then."""
    from plait.compat import operators

    if namespace not in _loaded and operators.is_served(namespace):
        _loaded.add(namespace)
        module = importlib.import_module(f"{operators.__name__}.{namespace}")
        for name, function in module.OPERATORS.items():
            signature = inspect.signature(function)
            op = _operators[f"{namespace}::{name}"] = Operator(f"{namespace}::{name}", signature, str(signature))
            op.kernels["CompositeImplicitAutograd"] = function
    return namespace in _loaded


def find(name: str) -> Operator | None:
    """The operator of a name such as ``ns::op``, or None."""
    serves(name.partition("::")[0])
    return _operators.get(name)


def _qualified(op: Any) -> str:
    name = op if isinstance(op, str) else getattr(op, "qualified_name", None) or op.name()
    name = name.partition(".")[0] if "::" in name else name.replace(".", "::", 1)
    if "::" not in name:
        raise ValueError(f"torch.library: expected an operator's name such as 'namespace::name', got {op!r}")
    return name


def _operator(op: Any) -> Operator:
    name = _qualified(op)
    if find(name) is None:
        _operators[name] = Operator(name, None)
    return _operators[name]


def define(qualname: str, schema: str, *, lib: Any = None, tags: Any = ()) -> None:
    """Declare an operator, ``define("ns::op", "(Tensor x) -> Tensor")``.

    Raises:
        ValueError: if the name has no namespace.
    """
    op = _operator(qualname)
    op.signature, op.schema = _parameters(schema), schema


def impl(qualname: str, types: str | Sequence[str], func: Any = None, *, lib: Any = None) -> Any:
    """Give an operator its kernel for device types or dispatch keys; a decorator without ``func``."""

    def register(fn: Callable[..., Any]) -> Callable[..., Any]:
        for key in (types,) if isinstance(types, str) else types:
            _operator(qualname).kernels["CPU" if key.lower() in ("cpu", "default") else key] = fn
        return fn

    return register if func is None else register(func)


def register_kernel(op: Any, device_types: str | Sequence[str], func: Any = None, /, *, lib: Any = None) -> Any:
    """As :func:`impl`."""
    return impl(_qualified(op), device_types, func)


def register_fake(op: Any, func: Any = None, /, *, lib: Any = None, **options: Any) -> Any:
    """Note the function that computes shapes alone."""

    def register(fn: Callable[..., Any]) -> Callable[..., Any]:
        _operator(op).fake = fn
        return fn

    return register if func is None else register(func)


impl_abstract = register_fake


def register_autograd(op: Any, backward: Any, /, *, setup_context: Any = None, lib: Any = None) -> None:
    """Give an operator its derivative.

    Args:
        op: the operator or its name.
        backward: ``backward(ctx, *grads)`` returns the gradients of the inputs.
        setup_context: ``setup_context(ctx, inputs, output)`` keeps what ``backward`` needs.
    """
    entry = _operator(op)
    entry.backward, entry.setup_context = backward, setup_context


def register_vmap(op: Any, func: Any = None, /, *, lib: Any = None) -> Any:
    """Accepted: operators are mapped by a loop."""
    return (lambda fn: fn) if func is None else func


def register_autocast(op: Any, device_type: str, cast_inputs: Any, /, *, lib: Any = None) -> None:
    """Accepted: operators get their inputs as they are."""


def register_torch_dispatch(op: Any, torch_dispatch_class: Any, func: Any = None, /, *, lib: Any = None) -> Any:
    """Accepted: there is no dispatch below ``__torch_function__``."""
    return (lambda fn: fn) if func is None else func


def infer_schema(prototype_function: Callable[..., Any], /, *, mutates_args: Any, op_name: str | None = None) -> str:
    """The parameters of a function as a schema."""
    return (op_name or "") + str(inspect.signature(prototype_function))


_CHECKS = ("test_schema", "test_autograd_registration", "test_faketensor", "test_aot_dispatch_dynamic")


def opcheck(
    op: Any,
    args: tuple[Any, ...],
    kwargs: dict[str, Any] | None = None,
    *,
    test_utils: str | Sequence[str] = _CHECKS,
    raise_exception: bool = True,
    atol: float | None = None,
    rtol: float | None = None,
) -> dict[str, str]:
    """Try an operator: it keeps its arguments as they are, and has a derivative where one is asked for.

    Args:
        op: the operator.
        args, kwargs: of a call.
        test_utils: names of checks. "test_schema" compares the arguments before and after the call, and two results
            with each other; "test_autograd_registration" and "test_aot_dispatch_dynamic" run backward where an
            argument requires grad; "test_faketensor" compares shapes and dtypes with those of ``register_fake``.
        raise_exception: raise what a check finds; otherwise it is the value in the result.
        atol, rtol: of the comparison of two results.

    Returns:
        ``"SUCCESS"`` or the error, by the name of the check.

    Raises:
        RuntimeError: what a check found.
    """
    chosen = (test_utils,) if isinstance(test_utils, str) else tuple(test_utils)
    if unknown := set(chosen) - set(_CHECKS):
        raise RuntimeError(f"opcheck: expected names of checks among {', '.join(_CHECKS)}, got {sorted(unknown)}")
    found: dict[str, str] = {}
    for name in chosen:
        try:
            _run_check(name, op, args, kwargs or {}, atol, rtol)
            found[name] = "SUCCESS"
        except Exception as error:
            if raise_exception:
                raise RuntimeError(f"opcheck({_qualified(op)}): {name} failed: {error}") from error
            found[name] = str(error)
    return found


def _run_check(name: str, op: Any, args: Any, kwargs: Any, atol: float | None, rtol: float | None) -> None:
    from torch.utils._pytree import tree_leaves, tree_map

    from plait.testing import assert_close

    def copies(value: Any) -> Any:
        copy = lambda x: x.detach().clone().requires_grad_(x.requires_grad)  # noqa: E731
        return tree_map(lambda x: copy(x) if isinstance(x, plait.Tensor) else x, value)

    def tensors(value: Any) -> list[plait.Tensor]:
        return [x for x in tree_leaves(value) if isinstance(x, plait.Tensor)]

    given = copies((args, kwargs))
    results = tensors(op(*given[0], **given[1]))
    entry = _operator(op)
    if name == "test_schema":
        if not entry.mutates and "!" not in entry.schema:  # Tensor(a!) in a schema is written in place
            assert_close(tensors(given), tensors((args, kwargs)), equal_nan=True)
        second = copies((args, kwargs))
        tolerance = {} if atol is None or rtol is None else {"atol": atol, "rtol": rtol}
        assert_close(tensors(op(*second[0], **second[1])), results, equal_nan=True, **tolerance)
    elif name == "test_faketensor":
        if entry.fake is None:
            return
        shapes = tensors(entry.fake(*given[0], **given[1]))
        if [(t.shape, t.dtype) for t in shapes] != [(t.shape, t.dtype) for t in results]:
            raise RuntimeError("the shapes and dtypes of register_fake's function are not those of the results")
    elif asked := [t for t in tensors(given) if t.requires_grad]:
        ys = [y for y in results if y.is_floating_point() or y.is_complex()]
        if not any(y.requires_grad for y in ys):
            raise RuntimeError(
                "an argument requires grad, and no result does\nhint: register_autograd gives a derivative"
            )
        plait.autograd.grad([y.sum() for y in ys if y.requires_grad], asked, allow_unused=True)


def fallthrough_kernel(*args: Any) -> None:
    """Raise NotImplementedError: there are no layers to fall through."""
    raise NotImplementedError("torch.library.fallthrough_kernel: there are no layers to fall through")


def get_ctx() -> Any:
    """Raise RuntimeError: shapes are computed with the values."""
    raise RuntimeError("torch.library.get_ctx: expected a call from a function of register_fake")


class CustomOpDef:
    """An operator made by :func:`custom_op`: call it, and register what belongs to it."""

    def __init__(self, op: Operator, function: Callable[..., Any]) -> None:
        self._op = op
        self._init_fn = function
        self.qualified_name = op.qualified_name
        self.__name__ = op.qualified_name.partition("::")[2]
        self.__doc__ = function.__doc__

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._op(*args, **kwargs)

    def register_kernel(self, device_types: Any, fn: Any = None, /) -> Any:
        """See :func:`register_kernel`."""
        return register_kernel(self.qualified_name, device_types, fn)

    def register_fake(self, fn: Any, /) -> Any:
        """See :func:`register_fake`."""
        return register_fake(self.qualified_name, fn)

    def register_autograd(self, backward: Any, /, *, setup_context: Any = None) -> None:
        """See :func:`register_autograd`."""
        register_autograd(self.qualified_name, backward, setup_context=setup_context)

    def register_vmap(self, func: Any = None) -> Any:
        """See :func:`register_vmap`."""
        return register_vmap(self.qualified_name, func)


def custom_op(
    name: str,
    fn: Any = None,
    /,
    *,
    mutates_args: Any,
    device_types: Any = None,
    schema: str | None = None,
    tags: Any = None,
) -> Any:
    """Make an operator of a function; a decorator without ``fn``.

    Args:
        name: such as ``'namespace::name'``.
        fn: the kernel.
        mutates_args: names of the arguments written in place, or ``'unknown'``.
        device_types: the device types it serves; ``None`` for all.
        schema: the parameters; by default those of the function.
        tags: accepted.
    """

    def make(function: Callable[..., Any]) -> CustomOpDef:
        op = _operator(name)
        op.signature = _parameters(schema) if schema else inspect.signature(function)
        op.schema = schema or infer_schema(function, mutates_args=mutates_args)
        op.mutates = mutates_args
        types = (device_types,) if isinstance(device_types, str) else device_types
        if types is None or "cpu" in types:
            op.kernels["CPU"] = function
        return CustomOpDef(op, function)

    return make if fn is None else make(fn)


class Library:
    """The operators of one namespace.

    Args:
        ns: the namespace.
        kind: ``'DEF'``, ``'FRAGMENT'`` or ``'IMPL'``.
        dispatch_key: the key of kernels that name none.
    """

    def __init__(self, ns: str, kind: str, dispatch_key: str = "") -> None:
        if kind not in ("DEF", "FRAGMENT", "IMPL"):
            raise ValueError(f"Library: expected kind to be 'DEF', 'FRAGMENT' or 'IMPL', got {kind!r}")
        self.ns, self.kind, self.dispatch_key = ns, kind, dispatch_key
        self._names: list[str] = []

    def define(self, schema: str, alias_analysis: str = "", *, tags: Any = ()) -> str:
        """Declare ``name(parameters) -> results``; the name."""
        name = schema[: schema.index("(")].strip().partition(".")[0]
        define(f"{self.ns}::{name}", schema)
        self._names.append(name)
        return name

    def impl(self, op_name: Any, fn: Any, dispatch_key: str = "", **options: Any) -> None:
        """Give an operator its kernel."""
        name = op_name if isinstance(op_name, str) else op_name.name().partition("::")[2]
        name = name.partition("::")[2] or name
        impl(f"{self.ns}::{name.partition('.')[0]}", dispatch_key or self.dispatch_key, fn)

    def _register_fake(self, op_name: str, fn: Any, *args: Any, **options: Any) -> None:
        register_fake(f"{self.ns}::{op_name}", fn)

    def _destroy(self) -> None:
        for name in self._names:
            _operators.pop(f"{self.ns}::{name}", None)
