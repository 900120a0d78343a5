# SPDX-License-Identifier: MIT
"""The handle that every ``register_*hook`` returns."""

from __future__ import annotations

from .._hooks import RemovableHandle

__all__ = ["RemovableHandle"]
