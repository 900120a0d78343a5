# SPDX-License-Identifier: MIT
"""Mixed precision: autocast to bfloat16 or float16, and gradient scaling."""

from .autocast_mode import autocast, custom_bwd, custom_fwd, is_autocast_available
from .grad_scaler import GradScaler

__all__ = ["GradScaler", "autocast", "custom_bwd", "custom_fwd", "is_autocast_available"]
