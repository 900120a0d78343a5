# SPDX-License-Identifier: MIT
"""``plait.utils.data`` with what packages ask beyond it."""

from __future__ import annotations

from plait.compat._modules import extend

extend(globals(), "plait.utils.data")
