# SPDX-License-Identifier: MIT
"""``tensorflow.compat``: the place of ``v1``."""

from __future__ import annotations

__all__: list[str] = []
