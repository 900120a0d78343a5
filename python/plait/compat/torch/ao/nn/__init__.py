# SPDX-License-Identifier: MIT
"""Modules of networks that would be quantised."""

from . import quantized as quantized

__all__ = ["quantized"]
