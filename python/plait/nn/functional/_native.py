# SPDX-License-Identifier: MIT
"""What the op table of the core shows in ``plait.nn.functional``; ``_native.pyi`` is written from the table too."""

from __future__ import annotations

from ..._core import _nn

__all__ = list(_nn.__all__)

globals().update({name: getattr(_nn, name) for name in __all__})
