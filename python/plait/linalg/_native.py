# SPDX-License-Identifier: MIT
"""What the op table of the core shows in ``plait.linalg``; ``_native.pyi`` is written from the table too."""

from __future__ import annotations

from .._core import _linalg

__all__ = list(_linalg.__all__)

globals().update({name: getattr(_linalg, name) for name in __all__})
