# SPDX-License-Identifier: MIT
"""Decorators of functions that translate ops for ONNX; there is no exporter that would call them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["parse_args"]


def parse_args(*arg_descriptors: str) -> Callable[[Any], Any]:
    """A decorator that returns the function."""
    return lambda fn: fn
