# SPDX-License-Identifier: MIT
"""``plait.utils.checkpoint`` with the states of generators of devices that are not there."""

from __future__ import annotations

from typing import Any

from plait.compat._modules import extend


def get_device_states(*args: Any) -> tuple[list[int], list[Any]]:
    """Two empty lists: the CPU's generator is not one of a device."""
    return [], []


def set_device_states(devices: Any, states: Any, *, device_type: str | None = None) -> None:
    """Do nothing."""


extend(globals(), "plait.utils.checkpoint")
