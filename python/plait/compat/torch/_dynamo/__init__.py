# SPDX-License-Identifier: MIT
"""What packages ask of a compiler that is not there."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from torch.compiler import allow_in_graph, assume_constant_result, disable, is_compiling, list_backends, reset

from . import config, eval_frame
from .eval_frame import OptimizedModule

__all__ = [
    "OptimizedModule",
    "allow_in_graph",
    "assume_constant_result",
    "config",
    "disable",
    "eval_frame",
    "external_utils",
    "graph_break",
    "is_compiling",
    "list_backends",
    "mark_dynamic",
    "mark_static",
    "mark_static_address",
    "maybe_mark_dynamic",
    "reset",
]

external_utils = SimpleNamespace(is_compiling=is_compiling)


def mark_dynamic(t: Any, index: Any, **bounds: Any) -> None:
    """Do nothing: every size may change."""


def maybe_mark_dynamic(t: Any, index: Any) -> None:
    """Do nothing."""


def mark_static(t: Any, index: Any = None) -> None:
    """Do nothing."""


def mark_static_address(t: Any, guard: bool = True) -> None:
    """Do nothing."""


def graph_break(msg: str = "") -> None:
    """Do nothing: there is no graph to break."""
