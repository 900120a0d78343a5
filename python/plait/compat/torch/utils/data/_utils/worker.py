# SPDX-License-Identifier: MIT
"""What a worker of a loader knows of itself, and what its random numbers begin with."""

import numpy as np

from plait.utils.data import get_worker_info
from plait.utils.data._worker import WorkerInfo

__all__ = ["WorkerInfo", "get_worker_info"]


def _generate_state(base_seed: int, worker_id: int) -> list[int]:
    """A state for ``numpy.random.seed``: four 32-bit numbers."""
    return np.random.SeedSequence((base_seed, worker_id)).generate_state(4).tolist()
