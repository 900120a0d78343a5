# SPDX-License-Identifier: MIT
"""How plait was built."""

from plait import show_config

__all__ = ["parallel_info", "show"]


def show() -> str:
    """Instruction set, BLAS, threads."""
    return str(show_config())


def parallel_info() -> str:
    """As :func:`show`."""
    return show()
