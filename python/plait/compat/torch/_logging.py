# SPDX-License-Identifier: MIT
"""What a compiler would log. Nothing is compiled, so there is nothing to log."""

from __future__ import annotations

from typing import Any

__all__ = ["set_logs"]


def set_logs(**levels: Any) -> None:
    """Do nothing."""
