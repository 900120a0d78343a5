# SPDX-License-Identifier: MIT
"""``plait.jit`` with the classes that packages look for. Nothing is compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from plait.compat._modules import extend
from plait.nn import Module

__all__ = [
    "Attribute",
    "CompilationUnit",
    "Error",
    "Final",
    "RecursiveScriptModule",
    "ScriptFunction",
    "ScriptModule",
    "TopLevelTracedModule",
    "TracedModule",
    "TracerWarning",
    "TracingCheckError",
    "annotate",
    "export",
    "ignore",
    "interface",
    "is_scripting",
    "is_tracing",
    "isinstance",
    "script",
    "script_if_tracing",
    "script_method",
    "strict_fusion",
    "trace",
    "trace_module",
    "unused",
]


class Error(RuntimeError):
    """What a compiled program raises."""


class TracerWarning(Warning):
    """What tracing would say of a value that it took for a constant."""


class TracingCheckError(Exception):
    """What checking a trace raises."""


class ScriptFunction:
    """There is no object of this class: ``script`` returns the function itself."""


class CompilationUnit:
    """There is no object of this class."""


class ScriptModule(Module):
    """``script`` returns the module itself, which is no object of this class."""


class RecursiveScriptModule(ScriptModule):
    """See :class:`ScriptModule`."""


class TracedModule(ScriptModule):
    """See :class:`ScriptModule`."""


class TopLevelTracedModule(TracedModule):
    """See :class:`ScriptModule`."""


def Attribute(value: Any, type: Any) -> Any:
    """The value."""
    return value


def annotate(the_type: Any, the_value: Any) -> Any:
    """The value."""
    return the_value


def isinstance(obj: Any, target_type: Any) -> bool:
    """Python's own."""
    return __builtins__["isinstance"](obj, target_type)  # type: ignore[index]


def interface(obj: Any) -> Any:
    """Return the class unchanged."""
    return obj


def script_method(fn: Any) -> Any:
    """Return the method unchanged."""
    return fn


def script_if_tracing(fn: Any) -> Any:
    """Return the function unchanged."""
    return fn


def trace_module(mod: Any, inputs: Any, *args: Any, **options: Any) -> Any:
    """Return the module unchanged."""
    return mod


class strict_fusion:
    """A context without an effect."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, *error: Any) -> None:
        pass


def _overload(func: Callable[..., Any]) -> Callable[..., Any]:
    return func


_overload_method = _overload
_script_if_tracing = script_if_tracing

extend(globals(), "plait.jit")
