# SPDX-License-Identifier: MIT
"""Whole modules in files: the name of the class and the attributes, never code.

``{"$module": NAME, "state": ...}`` in the tree of a file stands for a module, ``{"$again": N}`` for the N-th one once
more, ``{"$function": NAME}`` for a function of ``nn.functional``. A name is looked up among plait's own layers and the
classes that the program calls safe; nothing is imported for a file, and no constructor runs.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from ._core import ArgumentTypeError, Tensor
from .nn.modules.module import Module
from .nn.parameter import Parameter
from .serialization import FileFormatError, _safe

__all__ = ["function_name", "pack", "unpack", "unpack_function"]

_TABLES: dict[str, type] = {"_parameters": Parameter, "_buffers": Tensor, "_modules": Module}


def _class_name(cls: type) -> str:
    """The name of a class in files; plait's classes may call themselves torch's."""
    root, _, rest = f"{cls.__module__}.{cls.__qualname__}".partition(".")
    return f"plait.{rest}" if _own_class(rest) is cls else f"{root}.{rest}"


def _check_class(cls: type) -> None:
    """A class that its module does not have, such as one of a parametrized layer, cannot be found for a file."""
    found: Any = sys.modules.get(cls.__module__)
    for name in cls.__qualname__.split("."):
        found = getattr(found, name, None)
    own = _own_class(f"{cls.__module__}.{cls.__qualname__}".partition(".")[2]) is cls
    if found is not cls and not own and "<locals>" not in cls.__qualname__:
        raise ArgumentTypeError(
            f"save: expected modules of classes with a name, got {cls.__name__}, which {cls.__module__} does not have\n"
            "hint: save the state instead: plait.save(model.state_dict(), path)"
        )


def _own_class(path: str) -> Any:
    """The layer of this name, without ``plait.``, of a module of ``plait.nn`` that is loaded."""
    home, _, name = path.rpartition(".")
    cls = vars(sys.modules.get(f"plait.{home}", sys)).get(name) if path.startswith("nn.") else None
    if not (isinstance(cls, type) and issubclass(cls, Module)):
        return None
    return cls if f"{cls.__module__}.{cls.__qualname__}".partition(".")[2] == path else None


def _find_class(name: Any) -> type[Module]:
    root, _, path = str(name).partition(".")
    cls = _safe.get(str(name)) or (_own_class(path) if root == "plait" else None)
    if cls is None:
        short = path.rpartition(".")[2]
        raise FileFormatError(
            f"load: expected modules of plait.nn and of classes named safe, got {name!r:.200}\n"
            f"hint: plait.serialization.add_safe_globals([{short:.100}]) lets plait.load make it; a file that holds "
            "model.state_dict() needs no such trust"
        )
    if not (isinstance(cls, type) and issubclass(cls, Module)):
        raise FileFormatError(f"load: expected the class of a module under the name {name!r:.200}, got something else")
    return cls


def function_name(obj: Any) -> str | None:
    """The name in ``nn.functional`` of a function, which is how modules refer to activations."""
    from .nn import functional

    name = getattr(obj, "__name__", "")
    return name if callable(obj) and name in functional.__all__ and getattr(functional, name) is obj else None


def unpack_function(name: Any) -> Any:
    from .nn import functional

    if not isinstance(name, str) or name not in functional.__all__:
        raise FileFormatError(f"load: expected a function of nn.functional, got {name!r:.200}")
    return getattr(functional, name)


def pack(module: Module, path: tuple[str, ...], number: dict[int, int], value: Callable[..., Any]) -> dict[str, Any]:
    """The tree of a module. Its tensors are named as in its state dict.

    Args:
        module: the module.
        path: where it stands.
        number: of each module that was met, by identity.
        value: packs an attribute, given its path.
    """
    if id(module) in number:
        return {"$again": number[id(module)]}
    _check_class(type(module))
    number[id(module)] = len(number)
    state = module.__getstate__()
    if not isinstance(state, dict) or not all(isinstance(name, str) for name in state):
        kind = type(module).__name__
        raise ArgumentTypeError(f"save: expected {kind}.__getstate__ to return a dict of attributes, got another state")
    tree = {}
    for name, attribute in state.items():
        if name in _TABLES:
            tree[name] = {key: value(part, (*path, key)) for key, part in attribute.items()}
        else:
            tree[name] = value(attribute, (*path, name))
    return {"$module": _class_name(type(module)), "state": tree}


def unpack(node: dict[str, Any], made: list[Module], value: Callable[[Any], Any]) -> Module:
    """The module of a tree.

    Args:
        node: of the tree.
        made: the modules so far, in the order in which they were packed.
        value: unpacks an attribute.
    """
    if node.keys() == {"$again"}:
        number = node["$again"]
        if type(number) is not int or not 0 <= number < len(made):
            raise FileFormatError(f"load: expected the number of a module, got {str(number)[:100]}")
        return made[number]
    if node.keys() != {"$module", "state"} or not isinstance(node["state"], dict):
        raise FileFormatError(f"load: expected a module with its state, got {str(node)[:200]}")
    cls = _find_class(node["$module"])
    module = cls.__new__(cls)
    made.append(module)
    state = {}
    for name, attribute in node["state"].items():
        if name in _TABLES and isinstance(attribute, dict):
            state[name] = {key: value(part) for key, part in attribute.items()}
        else:
            state[name] = value(attribute)
    for name, kind in _TABLES.items():
        table = state.get(name)
        if not isinstance(table, dict) or not all(part is None or isinstance(part, kind) for part in table.values()):
            raise FileFormatError(
                f"load: expected {name} of a module to be a table of {kind.__name__}, got another one"
            )
    try:
        module.__setstate__(state)
    except (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError) as error:
        raise FileFormatError(
            f"load: expected the state of {cls.__name__}, got one that it refuses ({error})"
        ) from None
    return module
