# SPDX-License-Identifier: MIT
"""What a worker of a DataLoader is and does, whether it is a thread or a process.

A worker has a dataset, random numbers and a place in :func:`get_worker_info` of its own. Batches are numbered,
and worker ``number % num_workers`` loads a batch, so that runs can be repeated.
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable
from typing import Any

from ... import _core
from ...autograd.grad_mode import inference_mode
from ._fetch import Recipe

__all__ = ["Failure", "Job", "Worker", "WorkerInfo", "draw_from", "get_worker_info", "part_seed"]

_local = threading.local()


class WorkerInfo:
    """What :func:`get_worker_info` tells.

    Attributes:
        id: number of the worker, from 0.
        num_workers: how many there are.
        seed: the seed of the worker's random numbers: that of the pass plus ``id``.
        dataset: the worker's own copy of the dataset.
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


class draw_from:
    """Within it, ops of this thread draw from ``generator`` when none is given."""

    def __init__(self, generator: Any) -> None:
        self._generator = generator

    def __enter__(self) -> None:
        self._before = _core._set_thread_generator(self._generator)

    def __exit__(self, *exc: object) -> None:
        _core._set_thread_generator(self._before)


def part_seed(base_seed: int, number: int) -> int:
    """The seed of the random numbers of batch ``number``; -1 is the sampler. Near seeds are put far apart."""
    return (base_seed + 0x9E3779B97F4A7C15 * (number + 2)) % 2**64


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


class _Modes:
    """The modes of the thread that makes the workers, as a forked process would have them."""

    def __init__(self) -> None:
        self._grad = _core.is_grad_enabled()
        self._inference = _core.is_inference_mode_enabled()
        self._autocast = (_core._autocast_enabled(), _core._autocast_dtype())

    def apply(self) -> None:
        if self._inference:
            inference_mode().__enter__()
        _core._set_grad_enabled(self._grad)
        enabled, dtype = self._autocast
        _core._set_autocast_dtype(dtype)
        _core._set_autocast_enabled(enabled)


@dataclasses.dataclass
class Job:
    """What a pool of workers is for."""

    recipe: Recipe
    init: Callable[[int], None] | None
    num_workers: int
    base_seed: int
    modes: _Modes = dataclasses.field(default_factory=_Modes)


class Worker:
    """One worker. Its methods run in its own thread or process.

    Args:
        job: with the worker's own copy of the dataset.
        id: its number.
        seed_modules: seeds the streams of ``random`` and ``numpy.random``.
    """

    def __init__(self, job: Job, id: int, seed_modules: Callable[[int], None]) -> None:
        self._job, self._id, self._seed_modules = job, id, seed_modules
        self._broken: BaseException | None = None

    def start(self) -> None:
        """Seed, call the user's function. An error is kept for the first batch."""
        job = self._job
        job.modes.apply()
        _core._set_thread_serial(True)
        seed = job.base_seed + self._id
        _local.info = self._info = WorkerInfo(self._id, job.num_workers, seed, job.recipe.dataset)
        self._generator: Any = _core.Generator().manual_seed(seed)
        _core._set_thread_generator(self._generator)
        self._seed_modules(seed)
        self.begin(job.base_seed)
        if job.init is not None:
            try:
                job.init(self._id)
            except BaseException as error:
                self._broken = error

    def begin(self, base_seed: int) -> None:
        """A new pass."""
        if self._keeps_seed():
            self._generator.manual_seed(base_seed + self._id)
        self._info.seed, self._base_seed = base_seed + self._id, base_seed
        self._fetch = self._job.recipe.fetcher()

    def _keeps_seed(self) -> bool:
        """Whether the user's code has not seeded the generator."""
        return self._generator.initial_seed() == self._info.seed

    def load(self, number: int, indices: Any) -> Any:
        """Batch ``number``, or a :class:`Failure`."""
        try:
            if self._broken is not None:
                raise self._broken
            if self._keeps_seed():  # the same numbers for this batch, whichever worker and pass load it
                self._generator._start_part(part_seed(self._base_seed, number))
            return self._fetch(indices)
        except BaseException as error:
            return Failure(error, f"raised in DataLoader worker {self._id} while it loaded batch {number}")
