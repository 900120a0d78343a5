# SPDX-License-Identifier: MIT
"""Exchange of tensors without copies (DLPack)."""

from __future__ import annotations

from typing import Any

from plait import Tensor, from_dlpack

__all__ = ["from_dlpack", "to_dlpack"]


def to_dlpack(tensor: Tensor) -> Any:
    """The capsule that another library takes."""
    return tensor.__dlpack__()
