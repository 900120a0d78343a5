# SPDX-License-Identifier: MIT
"""Queues between processes; Python's own send tensors by sharing their memory."""

from multiprocessing.queues import Queue, SimpleQueue

__all__ = ["Queue", "SimpleQueue"]
