# SPDX-License-Identifier: MIT
"""Programs over graphs."""

from __future__ import annotations

from . import shape_prop as shape_prop

__all__ = ["shape_prop"]
