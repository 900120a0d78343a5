# SPDX-License-Identifier: MIT
"""The older place of :mod:`plait.amp`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import amp

__all__ = ["GradScaler", "autocast", "custom_bwd", "custom_fwd"]


def custom_fwd(fwd: Callable[..., Any] | None = None, *, cast_inputs: Any = None) -> Callable[..., Any]:
    """Decorate as :func:`plait.amp.custom_fwd` for a device that is not there: autocast is never on."""
    return amp.custom_fwd(fwd, device_type="cuda", cast_inputs=cast_inputs)


def custom_bwd(bwd: Callable[..., Any] | None = None) -> Callable[..., Any]:
    """Decorate as :func:`plait.amp.custom_bwd` for a device that is not there."""
    return amp.custom_bwd(bwd, device_type="cuda")


class autocast(amp.autocast):
    """:class:`plait.amp.autocast` without the device."""

    def __init__(self, enabled: bool = True, dtype: Any = None, cache_enabled: bool = True) -> None:
        super().__init__("cuda", dtype, enabled, cache_enabled)


class GradScaler(amp.GradScaler):
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
