# SPDX-License-Identifier: MIT
"""The older place of :mod:`plait.amp`."""

from __future__ import annotations

from typing import Any

import plait.amp

__all__ = ["GradScaler", "autocast", "custom_bwd", "custom_fwd"]

custom_fwd = plait.amp.custom_fwd
custom_bwd = plait.amp.custom_bwd


class autocast(plait.amp.autocast):
    """:class:`plait.amp.autocast` without the device."""

    def __init__(self, enabled: bool = True, dtype: Any = None, cache_enabled: bool = True) -> None:
        super().__init__("cuda", dtype, enabled, cache_enabled)


class GradScaler(plait.amp.GradScaler):
    """:class:`plait.amp.GradScaler` without the device."""

    def __init__(
        self,
        init_scale: float = 2.0**16,
        growth_factor: float = 2.0,
        backoff_factor: float = 0.5,
        growth_interval: int = 2000,
        enabled: bool = True,
    ) -> None:
        super().__init__("cuda", init_scale, growth_factor, backoff_factor, growth_interval, enabled)
