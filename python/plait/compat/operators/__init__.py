# SPDX-License-Identifier: MIT
"""Operators that packages define in C++ for PyTorch's binary interface: plait's own take their place.

A module stands for a namespace of operators and is imported when the namespace is first used. Its ``OPERATORS`` are
functions by the operator's name, with the parameters that the package gives them and, where there is one, a derivative.
"""

from __future__ import annotations

import importlib.util

__all__ = ["is_served"]


def is_served(namespace: str) -> bool:
    """Whether there is a module for a namespace.

    Example:
        >>> from plait.compat import operators
        >>> operators.is_served("torchvision"), operators.is_served("mine")
        (True, False)
    """
    return namespace.isidentifier() and importlib.util.find_spec(f"{__name__}.{namespace}") is not None
