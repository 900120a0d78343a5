# SPDX-License-Identifier: MIT
"""What a worker of a loader knows of itself."""

from plait.utils.data import get_worker_info
from plait.utils.data._worker import WorkerInfo

__all__ = ["WorkerInfo", "get_worker_info"]
