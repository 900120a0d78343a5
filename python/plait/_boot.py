# SPDX-License-Identifier: MIT
"""Load the core.

The OpenMP runtime reads its settings when it is loaded, which is now. Left alone, its threads spin for 9 ms after each
operator, at the cost of whoever shares the cores; 0.5 ms bridge the gaps between the operators of a program as well.
"""

from __future__ import annotations

import os

_ours = not {"GOMP_SPINCOUNT", "OMP_WAIT_POLICY"} & set(os.environ)
if _ours:
    os.environ["GOMP_SPINCOUNT"] = "20000"
try:
    from . import _core as _core
finally:
    if _ours:
        del os.environ["GOMP_SPINCOUNT"]

__all__ = ["_core"]
