# SPDX-License-Identifier: MIT
"""There is no device of this kind."""

from __future__ import annotations

from plait.compat import _absent_device
from plait.compat._absent_device import *  # noqa: F403

__all__ = [*_absent_device.__all__, "seed"]


def seed() -> None:
    """Do nothing."""
