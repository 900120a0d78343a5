# SPDX-License-Identifier: MIT
"""The class that a compiled module would have."""

from plait.nn import Module

__all__ = ["OptimizedModule"]


class OptimizedModule(Module):
    """There is no object of this class: ``compile`` returns the module itself."""
