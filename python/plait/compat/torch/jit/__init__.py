# SPDX-License-Identifier: MIT
"""``plait.jit`` with the classes that packages look for. Nothing is compiled.

A module that is given to ``script`` or ``trace`` comes back as a :class:`ScriptModule`, which computes what it did and
can be saved: the file holds the names of classes and their attributes, never code, so that the program which loads it
has to have the classes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import plait
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
    "fork",
    "freeze",
    "ignore",
    "interface",
    "is_scripting",
    "is_tracing",
    "isinstance",
    "load",
    "optimize_for_inference",
    "save",
    "script",
    "script_if_tracing",
    "script_method",
    "strict_fusion",
    "trace",
    "trace_module",
    "unused",
    "wait",
]


_is = isinstance  # Python's own: this module has a function of the same name


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
    """What ``script`` and ``trace`` make of a module: parameters and parts are those of the module itself."""

    @property
    def original_name(self) -> str:
        """The name of the module's class."""
        return type(self).__name__

    @property
    def graph(self) -> Any:
        """The calls of ``forward``, as :mod:`torch.fx` finds them.

        Raises:
            torch.fx.proxy.TraceError: they depend on values.
        """
        return plait.fx.symbolic_trace(_original(self)).graph

    @property
    def code(self) -> str:
        """Python for them."""
        return plait.fx.symbolic_trace(_original(self)).code

    def save(self, f: Any, _extra_files: Any = None) -> None:
        """Write the module to a file that ``torch.jit.load`` reads.

        Raises:
            TypeError: something of the module is no data.
            NotImplementedError: for ``_extra_files``.
        """
        if _extra_files:
            raise NotImplementedError("ScriptModule.save: expected no _extra_files; save them beside the file")
        plait.save(_original(self), f)

    def __reduce__(self) -> Any:
        return _scripted, (_original(self), _kind(self))


class RecursiveScriptModule(ScriptModule):
    """Of ``script``."""


class TracedModule(ScriptModule):
    """Of ``trace``."""


class TopLevelTracedModule(TracedModule):
    """Of ``trace``."""


_classes: dict[tuple[type, type], type] = {}  # by the class of modules and the kind they get


def _kind(module: ScriptModule) -> type:
    return type(module).__bases__[0]


def _scripted(module: Module, kind: type) -> Any:
    if _is(module, ScriptModule):
        return module
    cls = type(module)
    if (cls, kind) not in _classes:
        names = {"__module__": cls.__module__, "__qualname__": cls.__qualname__, "__doc__": cls.__doc__}
        _classes[cls, kind] = type(cls.__name__, (kind, cls), names)
    made = _classes[cls, kind].__new__(_classes[cls, kind])
    made.__dict__.update(module.__dict__)
    return made


def _original(module: ScriptModule) -> Module:
    cls = type(module).__bases__[1]  # see _scripted()
    plain = cls.__new__(cls)
    plain.__dict__.update(module.__dict__)
    return plain


def script(obj: Any, *args: Any, **options: Any) -> Any:
    """Return a function or a class unchanged, a module as a :class:`ScriptModule`."""
    return _scripted(obj, RecursiveScriptModule) if _is(obj, Module) else obj


def trace(func: Any, example_inputs: Any = None, *args: Any, **options: Any) -> Any:
    """Return a function unchanged, a module as a :class:`ScriptModule`; what depends on values stays as it is."""
    return _scripted(func, TopLevelTracedModule) if _is(func, Module) else func


def freeze(mod: Any, preserved_attrs: Any = None, optimize_numerics: bool = True) -> Any:
    """Return a module that is in eval mode unchanged.

    Raises:
        RuntimeError: it is in training mode.
    """
    if mod.training:
        raise RuntimeError("jit.freeze: expected a module in eval mode\nhint: call eval() first")
    return mod


def optimize_for_inference(mod: Any, other_methods: Any = None) -> Any:
    """As :func:`freeze`."""
    return mod if not mod.training else freeze(mod.eval())


def save(m: Any, f: Any, _extra_files: Any = None) -> None:
    """Write what ``script`` or ``trace`` made of a module; see :meth:`ScriptModule.save`."""
    m.save(f, _extra_files)


def load(f: Any, map_location: Any = None, _extra_files: Any = None) -> Any:
    """Read what :func:`save` wrote.

    Files of PyTorch's TorchScript hold code, which is not run.

    Raises:
        FileFormatError: the file holds no module, or one of a class that is not named safe
            (``torch.serialization.add_safe_globals``).
    """
    module = plait.load(f, map_location)
    if not _is(module, Module):
        raise plait.serialization.FileFormatError(f"jit.load: expected a module, got {type(module).__name__}")
    return _scripted(module, RecursiveScriptModule)


def fork(func: Any, *args: Any, **kwargs: Any) -> Any:
    """A future with the result of a call, which is made at once, as PyTorch makes it outside of scripts."""
    from torch.futures import Future

    future: Any = Future()
    future.set_result(func(*args, **kwargs))
    return future


def wait(future: Any) -> Any:
    """The result of :func:`fork`."""
    return future.wait()


def Attribute(value: Any, type: Any) -> Any:
    """The value."""
    return value


def annotate(the_type: Any, the_value: Any) -> Any:
    """The value."""
    return the_value


def isinstance(obj: Any, target_type: Any) -> bool:
    """Python's own."""
    return _is(obj, target_type)


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
    """As :func:`trace`."""
    return trace(mod)


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
