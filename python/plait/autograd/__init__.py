# SPDX-License-Identifier: MIT
"""Automatic differentiation: backward passes, gradient modes, custom functions, numerical checks."""

import importlib
from typing import TYPE_CHECKING, Any

from .._core import Node
from .grad_mode import enable_grad, inference_mode, no_grad, set_grad_enabled
from .gradcheck import GradcheckError, gradcheck, gradgradcheck  # the function takes the place of its module
from .run import backward, detect_anomaly, grad, set_detect_anomaly

if TYPE_CHECKING:
    from . import forward_ad, functional, graph
    from .function import Function
    from .variable import Variable

_SUBMODULES = ("forward_ad", "function", "functional", "grad_mode", "graph", "variable")
_LAZY = {"Function": "function", "Variable": "variable"}


def __getattr__(name: str) -> Any:
    """What not every program uses is imported when it is used, so that ``import plait`` stays quick."""
    if name in _LAZY:
        value = getattr(importlib.import_module(f"{__name__}.{_LAZY[name]}"), name)
        globals()[name] = value
        return value
    if name in _SUBMODULES:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_SUBMODULES, *_LAZY})


__all__ = [
    "Function",
    "GradcheckError",
    "Node",
    "Variable",
    "backward",
    "detect_anomaly",
    "enable_grad",
    "forward_ad",
    "functional",
    "grad",
    "gradcheck",
    "gradgradcheck",
    "graph",
    "inference_mode",
    "no_grad",
    "set_detect_anomaly",
    "set_grad_enabled",
]
