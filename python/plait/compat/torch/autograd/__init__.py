# SPDX-License-Identifier: MIT
"""``plait.autograd`` with the older names of the profiler."""

from __future__ import annotations

from plait.compat._modules import extend

extend(globals(), "plait.autograd")
