# SPDX-License-Identifier: MIT
"""Tensors as text."""

from __future__ import annotations

from typing import Any

from plait import Tensor
from plait._tensor_str import _body, printoptions
from plait._tensor_str import _options as PRINT_OPTS

__all__ = ["PRINT_OPTS", "printoptions"]


def _tensor_str(self: Tensor, indent: int) -> str:
    return _body(self, indent)


def _add_suffixes(tensor_str: str, suffixes: list[Any], indent: int, force_newline: bool) -> str:
    joined = ", ".join([tensor_str, *suffixes]) if suffixes else tensor_str
    return joined + ")"
