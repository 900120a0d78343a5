# SPDX-License-Identifier: MIT
"""Workers that are threads of this process."""

from __future__ import annotations

import atexit
import dataclasses
import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Sequence
from typing import Any

from ._private_copy import private_copy
from ._thread_random import seed_thread
from ._worker import Job, Worker

__all__ = ["ThreadPool"]


class ThreadPool:
    """Threads that load numbered batches.

    Args:
        job: what they do; each gets its own copy of the dataset.

    Raises:
        CannotCopy: the dataset holds what threads can neither copy nor share.
    """

    def __init__(self, job: Job) -> None:
        parts = (job.recipe.dataset, job.recipe.collate, job.init)
        copies = [private_copy(*parts) for _ in range(job.num_workers)]
        self._changed = threading.Condition()
        self._tasks: list[deque[tuple[Any, ...]]] = [deque() for _ in copies]
        self._results: dict[int, Any] = {}
        self._generation = 0  # of the pass: what an abandoned pass still gets done is thrown away
        self._stopped = False
        self._process = os.getpid()
        self._threads = [
            threading.Thread(
                target=_work, args=(self, _job_of_worker(job, own), i), name=f"plait-data-{i}", daemon=True
            )
            for i, own in enumerate(copies)
        ]
        _pools.add(self)
        for thread in self._threads:
            thread.start()

    def submit(self, number: int | None, indices: Any, worker: int) -> None:
        """Ask ``worker`` for batch ``number``; None begins a pass."""
        with self._changed:
            self._tasks[worker].append((self._generation, number, indices))
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
        """Wait for batch ``number``; a timeout of 0 means for ever.

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

    def forget(self) -> None:
        """End the present pass."""
        with self._changed:
            self._generation += 1
            self._results.clear()
            for tasks in self._tasks:
                tasks.clear()
            self._changed.notify_all()

    def begin(self, base_seed: int) -> None:
        """Begin the next pass."""
        self.forget()
        for worker in range(len(self._tasks)):
            self.submit(None, base_seed, worker)

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

    def _next(self, worker: int) -> tuple[Any, ...] | None:
        with self._changed:
            while not self._stopped:
                if self._tasks[worker]:
                    return self._tasks[worker].popleft()
                self._changed.wait()
            return None

    def _deliver(self, generation: int, number: int, result: Any) -> None:
        with self._changed:
            if generation == self._generation:
                self._results[number] = result
                self._changed.notify_all()


def _job_of_worker(job: Job, own: Sequence[Any]) -> Job:
    dataset, collate, init = own
    recipe = dataclasses.replace(job.recipe, dataset=dataset, collate=collate)
    return dataclasses.replace(job, recipe=recipe, init=init)


def _work(pool: ThreadPool, job: Job, id: int) -> None:
    worker = Worker(job, id, seed_thread)
    worker.start()
    while (task := pool._next(id)) is not None:
        generation, number, what = task
        if number is None:
            worker.begin(what)
            continue
        result = worker.load(number, what)
        pool._deliver(generation, number, result)
        del task, what, result  # a batch must not live on in an idle worker


_pools: weakref.WeakSet[ThreadPool] = weakref.WeakSet()


@atexit.register
def _stop_all() -> None:
    # Daemon threads must not be inside a kernel when the interpreter goes away.
    pools = list(_pools)
    for pool in pools:
        pool.stop()
    for pool in pools:
        pool.join(5.0)
