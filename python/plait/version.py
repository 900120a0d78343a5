# SPDX-License-Identifier: MIT
"""The version, and the versions of what plait does not use."""

from __future__ import annotations

__all__ = ["__version__", "cuda", "hip"]

__version__ = "0.1.0"

cuda: str | None = None
hip: str | None = None
