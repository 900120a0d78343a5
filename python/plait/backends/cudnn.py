# SPDX-License-Identifier: MIT
"""cuDNN's switches, for programs that set them. None of them changes anything."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

__all__ = [
    "allow_tf32",
    "benchmark",
    "benchmark_limit",
    "deterministic",
    "enabled",
    "flags",
    "is_available",
    "set_flags",
    "version",
]

enabled = False
benchmark = False
benchmark_limit = 10
deterministic = True
allow_tf32 = False


def is_available() -> bool:
    """False."""
    return False


def version() -> None:
    """None: there is no cuDNN."""


def set_flags(
    _enabled: bool | None = None,
    _benchmark: bool | None = None,
    _benchmark_limit: int | None = None,
    _deterministic: bool | None = None,
    _allow_tf32: bool | None = None,
    _fp32_precision: str = "none",
) -> tuple[bool, bool, int, bool, bool, str]:
    """Set the switches that are not None.

    Args:
        _enabled, _benchmark, _benchmark_limit, _deterministic, _allow_tf32: values of the switches.
        _fp32_precision: accepted.

    Returns:
        What they were before.

    Example:
        >>> before = plait.backends.cudnn.set_flags(_benchmark=True)
        >>> plait.backends.cudnn.set_flags(*before)[1]
        True
    """
    given = dict(
        enabled=_enabled,
        benchmark=_benchmark,
        benchmark_limit=_benchmark_limit,
        deterministic=_deterministic,
        allow_tf32=_allow_tf32,
    )
    before = (enabled, benchmark, benchmark_limit, deterministic, allow_tf32, "none")
    globals().update({name: value for name, value in given.items() if value is not None})
    return before


@contextlib.contextmanager
def flags(
    enabled: bool = False,
    benchmark: bool = False,
    benchmark_limit: int = 10,
    deterministic: bool = False,
    allow_tf32: bool = True,
    fp32_precision: str = "none",
) -> Iterator[None]:
    """Set the switches inside a block.

    Args:
        enabled, benchmark, benchmark_limit, deterministic, allow_tf32: values of the switches.
        fp32_precision: accepted.

    Example:
        >>> with plait.backends.cudnn.flags(deterministic=True):
        ...     plait.backends.cudnn.deterministic
        True
    """
    before = set_flags(enabled, benchmark, benchmark_limit, deterministic, allow_tf32, fp32_precision)
    try:
        yield
    finally:
        set_flags(*before)
