# SPDX-License-Identifier: MIT
"""What the op table of the core shows in ``plait.special``; ``_native.pyi`` is written from the table too."""

from __future__ import annotations

from .._core import _special

__all__ = list(_special.__all__)

globals().update({name: getattr(_special, name) for name in __all__})
