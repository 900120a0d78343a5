# SPDX-License-Identifier: MIT
"""What the op table of the core shows in ``plait.fft``; ``_native.pyi`` is written from the table too."""

from __future__ import annotations

from .._core import _fft

__all__ = list(_fft.__all__)

globals().update({name: getattr(_fft, name) for name in __all__})
