# SPDX-License-Identifier: MIT
"""What torchaudio's library says of how it was built."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["OPERATORS"]

OPERATORS: dict[str, Callable[..., Any]] = {"is_align_available": lambda: True, "cuda_version": lambda: None}
