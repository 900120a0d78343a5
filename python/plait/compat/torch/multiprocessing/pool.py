# SPDX-License-Identifier: MIT
"""Pools of processes; Python's own send tensors by sharing their memory."""

from multiprocessing.pool import Pool, ThreadPool

__all__ = ["Pool", "ThreadPool"]
