# SPDX-License-Identifier: MIT
"""The version, and the versions of what plait does not use."""

from __future__ import annotations

__all__ = ["cuda", "hip"]

cuda: str | None = None
hip: str | None = None
