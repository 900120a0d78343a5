# SPDX-License-Identifier: MIT
"""The package itself, by whatever name it was imported."""

from __future__ import annotations

import sys
from typing import Any

__all__ = ["plait"]

plait: Any = sys.modules[__name__.rpartition(".array_api")[0]]
