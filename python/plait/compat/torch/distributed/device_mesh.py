# SPDX-License-Identifier: MIT
"""Devices of several processes in a grid: there is one device."""

from __future__ import annotations

from typing import Any

__all__ = ["DeviceMesh", "init_device_mesh"]


class DeviceMesh:
    """There is no object of this class."""

    def __init__(self, *args: Any, **options: Any) -> None:
        raise RuntimeError("DeviceMesh: plait runs in one process on one device")


def init_device_mesh(*args: Any, **options: Any) -> DeviceMesh:
    """Raise RuntimeError."""
    return DeviceMesh()
