# SPDX-License-Identifier: MIT
"""Wrappers that programs for several devices or processes use; here there is one of each."""

from .data_parallel import DataParallel
from .distributed import DistributedDataParallel
from .scatter_gather import gather, scatter

__all__ = ["DataParallel", "DistributedDataParallel", "gather", "scatter"]
