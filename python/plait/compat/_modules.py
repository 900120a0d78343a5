# SPDX-License-Identifier: MIT
"""Which module answers to a name below ``torch``.

A file of ``plait/compat/torch`` comes first. Every other name is that of the module of plait which has the same place:
``torch.nn`` *is* ``plait.nn``. The classes of such modules say that they come from torch, as programs expect of
``type(x).__module__`` and as the files that they pickle need.
"""

from __future__ import annotations

import importlib
import importlib.machinery
import importlib.util
import os
import sys
from collections.abc import Mapping, Sequence
from types import MappingProxyType, ModuleType

__all__ = ["MARK", "VERSION", "extend", "find_spec", "rename_classes", "renaming_spec"]

VERSION = "2.13.0+plait"  # the release of PyTorch whose names these are
MARK = "# plait answers to this name"  # how the file begins that an environment finds as torch

_FOLDER = os.path.dirname(os.path.abspath(__file__))


class _Alias:
    """Loads a module of plait, or of Keras, under a second name."""

    def __init__(self, name: str) -> None:
        self.name = name

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> None:
        return None  # the empty module that the machinery makes is dropped below

    def exec_module(self, module: ModuleType) -> None:
        sys.modules[module.__name__] = real = importlib.import_module(self.name)
        _reach_files(real, module.__name__)


def _reach_files(module: ModuleType, name: str) -> None:
    """Let a module of plait find what lies in the folder of its other name, without an import."""
    if not os.path.isdir(os.path.join(_FOLDER, *name.split("."))) or hasattr(module, "__getattr__"):
        return

    def __getattr__(key: str) -> object:
        if not key.startswith("_") and _file_spec(f"{name}.{key}") is not None:
            return importlib.import_module(f"{name}.{key}")
        raise AttributeError(f"module {module.__name__!r} has no attribute {key!r}")

    module.__getattr__ = __getattr__  # type: ignore[method-assign]


def _file_spec(name: str) -> importlib.machinery.ModuleSpec | None:
    place = os.path.join(_FOLDER, *name.split("."))
    package = os.path.join(place, "__init__.py")
    if os.path.isfile(package):
        return importlib.util.spec_from_file_location(name, package, submodule_search_locations=[place])
    if os.path.isfile(place + ".py"):
        return importlib.util.spec_from_file_location(name, place + ".py")
    return None


def _exists(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:  # a parent that is not there, or is no package
        return False


def find_spec(name: str) -> importlib.machinery.ModuleSpec | None:
    """The spec for ``torch.*``, ``functorch`` or ``tensorflow*``; None if nothing answers to the name."""
    root, _, rest = name.partition(".")
    if root == "functorch":
        return None if rest else _file_spec(name)
    if root == "tensorflow":
        return _keras_spec(name, rest)
    spec = _file_spec(name)
    if spec is None and _exists(f"plait.{rest}") and not rest.startswith("_"):
        spec = importlib.machinery.ModuleSpec(name, _Alias(f"plait.{rest}"))  # type: ignore[arg-type]
    return spec


_OF_TENSORFLOW = ("summary", "compat", "compat.v1")  # beside Keras: what its callback for TensorBoard writes with


def _keras_spec(name: str, rest: str) -> importlib.machinery.ModuleSpec | None:
    """``tensorflow`` is Keras. It is there for programs, if Keras is, not for packages that probe."""
    if not rest:
        if _asked_by_package() or importlib.machinery.PathFinder.find_spec("tensorflow") or not _exists("keras"):
            return None
        return _file_spec(name)
    if getattr(sys.modules.get("tensorflow"), "__path__", None) != [os.path.join(_FOLDER, "tensorflow")]:
        return None  # TensorFlow itself
    if rest in _OF_TENSORFLOW:
        return _file_spec(name)
    if rest.partition(".")[0] != "keras":
        return None
    return importlib.machinery.ModuleSpec(name, _Alias(rest))  # type: ignore[arg-type]


def _asked_by_package() -> bool:
    """Whether an installed package, not a program, imports ``tensorflow`` itself, as one that looks for it does."""
    frame, asked = sys._getframe(1), "tensorflow"
    while frame is not None and frame.f_globals.get("__name__", "").split(".")[0] in (
        "importlib",
        "plait",
        "_plait_torch",
    ):
        if frame.f_code.co_name == "_find_and_load":
            asked = frame.f_locals.get("name", asked)  # the outermost names what the import statement does
        frame = frame.f_back  # type: ignore[assignment]
    if asked.partition(".")[2] in _OF_TENSORFLOW:
        return False
    file = os.path.abspath(frame.f_code.co_filename) if frame is not None else ""
    return not {"site-packages", "dist-packages"}.isdisjoint(file.split(os.sep))


def _is_public(module: str) -> bool:
    return not any(part.startswith("_") for part in module.split("."))


def rename_classes() -> None:
    """Let the classes of all modules of plait that are loaded say that they come from torch."""
    for name in list(sys.modules):
        if name.split(".", 1)[0] == "plait" and not name.startswith("plait.compat"):
            _rename_classes_of(sys.modules[name])


def _rename_classes_of(module: ModuleType) -> None:
    """``sys.modules`` has the module under torch's name too: annotations of a class are read there.

    The module gets that name as its own, which programs compare with the ``__module__`` of its classes.
    """
    name = module.__name__
    other_name = "torch" + name[len("plait") :]
    if other_name != "torch" and _is_public(name) and _file_spec(other_name) is None:
        sys.modules.setdefault(other_name, module)
        _reach_files(module, other_name)
        module.__name__ = other_name
    for value in list(vars(module).values()):
        if not isinstance(value, type):
            continue
        home = value.__module__
        if (home == "plait" or home.startswith("plait.")) and _is_public(home):
            value.__module__ = "torch" + home[len("plait") :]


class _RenamingLoader(importlib.machinery.SourceFileLoader):
    """Loads a module of plait while torch is loaded."""

    def exec_module(self, module: ModuleType) -> None:
        super().exec_module(module)
        _rename_classes_of(module)


def renaming_spec(name: str, path: Sequence[str] | None) -> importlib.machinery.ModuleSpec | None:
    """The spec for ``plait.*``, whose classes will say that they come from torch."""
    spec = importlib.machinery.PathFinder.find_spec(name, path)
    if spec is not None and isinstance(spec.loader, importlib.machinery.SourceFileLoader):
        spec.loader = _RenamingLoader(name, spec.loader.path)
    return spec


def extend(namespace: dict[str, object], real: str, lazy: Mapping[str, str] = MappingProxyType({})) -> None:
    """Give a module of this package the names of a module of plait, and its submodules on demand.

    Args:
        namespace: ``globals()`` of the module, whose own names stay.
        real: the name of plait's module.
        lazy: more names, by the module that is imported when they are used.
    """
    module = importlib.import_module(real)
    name = namespace["__name__"]
    for key, value in vars(module).items():
        if not (key.startswith("__") or isinstance(value, ModuleType)):
            namespace.setdefault(key, value)

    def __getattr__(key: str) -> object:
        if not key.startswith("__"):
            if "__path__" in namespace and importlib.util.find_spec(f"{name}.{key}") is not None:
                namespace[key] = value = importlib.import_module(f"{name}.{key}")
                return value
            home = importlib.import_module(lazy[key]) if key in lazy else module
            if hasattr(home, key):
                namespace[key] = value = getattr(home, key)
                return value
        raise AttributeError(f"module {name!r} has no attribute {key!r}: plait has none of this name")

    namespace["__getattr__"] = __getattr__
    namespace.setdefault("__dir__", lambda: sorted({*namespace, *dir(module), *lazy}))
    namespace.setdefault("__all__", list(getattr(module, "__all__", ())))
