# SPDX-License-Identifier: MIT
"""The threads that load batches ahead of the training loop.

One :class:`Pool` belongs to one pass over a loader, or to all passes with ``persistent_workers``. Batches are
numbered; the pass asks for them in order, and each one is fetched with random numbers seeded by its number,
so that neither their order nor their contents depend on how many threads there are.
"""

from __future__ import annotations

import atexit
import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable
from typing import Any

from ... import _core

__all__ = [
    "Failure",
    "Pool",
    "WorkerInfo",
    "batch_generator",
    "draw_from",
    "get_worker_info",
    "set_worker_info",
]

_local = threading.local()


class WorkerInfo:
    """What :func:`get_worker_info` tells.

    Attributes:
        id: number of the worker, from 0.
        num_workers: how many there are.
        seed: the seed of the worker: that of the pass plus ``id``.
        dataset: the dataset; threads share one object.
    """

    def __init__(self, id: int, num_workers: int, seed: int, dataset: Any) -> None:
        self.id, self.num_workers, self.seed, self.dataset = id, num_workers, seed, dataset

    def __repr__(self) -> str:
        return f"WorkerInfo(id={self.id}, num_workers={self.num_workers}, seed={self.seed})"


def get_worker_info() -> WorkerInfo | None:
    """The DataLoader worker that this code runs in, or None outside of workers.

    Example:
        >>> import plait
        >>> plait.utils.data.get_worker_info() is None
        True
    """
    return getattr(_local, "info", None)


def set_worker_info(info: WorkerInfo) -> None:
    """Make :func:`get_worker_info` of this thread return ``info``."""
    _local.info = info


class draw_from:
    """Within it, ops of this thread draw from ``generator`` when none is given."""

    def __init__(self, generator: Any) -> None:
        self._generator = generator

    def __enter__(self) -> None:
        self._before = _core._set_thread_generator(self._generator)

    def __exit__(self, *exc: object) -> None:
        _core._set_thread_generator(self._before)


def batch_generator(base_seed: int, number: int) -> Any:
    """The random numbers of batch ``number``; -1 are those of the sampler. Near seeds are put far apart."""
    return _core.Generator().manual_seed((base_seed + 0x9E3779B97F4A7C15 * (number + 2)) % 2**64)


class Failure:
    """An exception on its way from a worker to the loop."""

    def __init__(self, error: BaseException, where: str) -> None:
        self.error, self.where = error, where

    def throw(self) -> None:
        """Raise it, with the worker's own traceback and a note that says where it came from."""
        self.error.add_note(self.where)
        if isinstance(self.error, StopIteration):  # which would end the loop as if the data were used up
            raise RuntimeError(f"StopIteration {self.where}") from self.error
        raise self.error


class Pool:
    """Threads that run numbered tasks; results are handed out by number.

    Args:
        num_workers: how many threads.
        init: called by each worker with its number before its first task.
    """

    def __init__(self, num_workers: int, init: Callable[[int], None]) -> None:
        self._changed = threading.Condition()
        self._tasks: list[deque[tuple[int, int, Callable[[], Any]]]] = [deque() for _ in range(num_workers)]
        self._shared: deque[tuple[int, int, Callable[[], Any]]] = deque()
        self._results: dict[int, Any] = {}
        self._generation = 0  # of the pass: what an abandoned pass still gets done is thrown away
        self._stopped = False
        self._process = os.getpid()
        self._init = init
        self._threads = [
            threading.Thread(target=_work, args=(self, i), name=f"plait-data-{i}", daemon=True)
            for i in range(num_workers)
        ]
        _pools.add(self)
        for thread in self._threads:
            thread.start()

    def submit(self, number: int, task: Callable[[], Any], worker: int | None = None) -> None:
        """Queues a task; ``worker`` ties it to one thread."""
        with self._changed:
            queue = self._shared if worker is None else self._tasks[worker]
            queue.append((self._generation, number, task))
            self._changed.notify_all()

    @property
    def generation(self) -> int:
        """The number of the present pass."""
        return self._generation

    @property
    def alive(self) -> bool:
        """Whether the threads run: not after :meth:`stop`, and not in a forked child."""
        return not self._stopped and self._process == os.getpid()

    def take(self, number: int, generation: int, timeout: float) -> Any:
        """Wait for the result of task ``number``; a timeout of 0 means for ever.

        Raises:
            TimeoutError: it took longer.
            RuntimeError: it will never come.
        """
        if not self.alive:
            raise RuntimeError("DataLoader: expected running workers, got workers that ended (in a forked child?)")
        deadline = time.monotonic() + timeout if timeout else None
        with self._changed:
            while number not in self._results:
                if self._stopped or generation != self._generation:
                    raise RuntimeError("DataLoader: this pass was ended by a newer one or by shutting down")
                left = None if deadline is None else deadline - time.monotonic()
                if left is not None and left <= 0:
                    raise TimeoutError
                self._changed.wait(left)
            return self._results.pop(number)

    def reset(self) -> None:
        """Forget all tasks and results: for the next pass."""
        with self._changed:
            self._generation += 1
            self._changed.notify_all()
            self._results.clear()
            self._shared.clear()
            for queue in self._tasks:
                queue.clear()

    def stop(self) -> None:
        """Tell the threads to end; do not wait for them."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def join(self, timeout: float) -> None:
        """Wait for the threads, at most ``timeout`` seconds in all."""
        deadline = time.monotonic() + timeout
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _next(self, worker: int) -> tuple[int, int, Callable[[], Any]] | None:
        with self._changed:
            while True:
                if self._stopped:
                    return None
                if self._tasks[worker]:
                    return self._tasks[worker].popleft()
                if self._shared:
                    return self._shared.popleft()
                self._changed.wait()

    def _deliver(self, generation: int, number: int, result: Any) -> None:
        with self._changed:
            if generation == self._generation:
                self._results[number] = result
                self._changed.notify_all()


def _work(pool: Pool, worker: int) -> None:
    _core._set_thread_serial(True)
    broken: BaseException | None = None
    try:
        pool._init(worker)
    except BaseException as error:
        broken = error
    while (task := pool._next(worker)) is not None:
        generation, number, run = task
        try:
            if broken is not None:
                raise broken
            result = run()
        except BaseException as error:
            result = Failure(error, f"raised in DataLoader worker {worker} while it loaded batch {number}")
        pool._deliver(generation, number, result)
        del task, run, result  # a batch must not live on in an idle worker


_pools: weakref.WeakSet[Pool] = weakref.WeakSet()


@atexit.register
def _stop_all() -> None:
    # Daemon threads must not be inside a kernel when the interpreter goes away.
    pools = list(_pools)
    for pool in pools:
        pool.stop()
    for pool in pools:
        pool.join(5.0)
