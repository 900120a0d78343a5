# SPDX-License-Identifier: MIT
"""DataLoader: batches of a dataset, in order, loaded ahead by workers."""

from __future__ import annotations

import os
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic, TypeVar

from ... import _core
from ..._core import ArgumentError, Generator
from ._collate import default_collate, default_convert
from ._fetch import End, Recipe, index_tensors
from ._worker import Failure, Job, draw_from, part_seed
from .dataset import Dataset, IterableDataset
from .sampler import BatchSampler, RandomSampler, Sampler, SequentialSampler

__all__ = ["DataLoader"]

T_co = TypeVar("T_co", covariant=True)


def _check_workers(num_workers: int, timeout: float, prefetch_factor: int | None, persistent_workers: bool) -> None:
    if num_workers < 0:
        raise ArgumentError(f"DataLoader: expected num_workers >= 0, got {num_workers}")
    if timeout < 0:
        raise ArgumentError(f"DataLoader: expected timeout >= 0, got {timeout}")
    if num_workers == 0 and prefetch_factor is not None:
        raise ArgumentError("DataLoader: expected num_workers > 0 with prefetch_factor, got 0")
    if num_workers == 0 and persistent_workers:
        raise ArgumentError("DataLoader: expected num_workers > 0 with persistent_workers, got 0")
    if prefetch_factor is not None and prefetch_factor <= 0:
        raise ArgumentError(f"DataLoader: expected prefetch_factor > 0, got {prefetch_factor}")


def _check_context(value: Any, num_workers: int) -> Any:
    from ._processes import context_of

    if num_workers == 0:
        raise ArgumentError("DataLoader: expected num_workers > 0 with multiprocessing_context, got 0")
    return context_of(value)


def _check_order(
    iterable: bool, batch_size: int | None, shuffle: bool | None, sampler: Any, batch_sampler: Any, drop_last: bool
) -> None:
    """Refuse arguments about order and batches that exclude each other."""
    if iterable and (shuffle or sampler is not None or batch_sampler is not None):
        raise ArgumentError(
            "DataLoader: expected no shuffle, sampler or batch_sampler with an IterableDataset, which has its own order"
        )
    if sampler is not None and shuffle:
        raise ArgumentError("DataLoader: expected sampler or shuffle, got both")
    if batch_sampler is not None:
        if batch_size != 1 or shuffle or sampler is not None or drop_last:
            raise ArgumentError("DataLoader: expected batch_sampler without batch_size, shuffle, sampler and drop_last")
    elif batch_size is None and drop_last:
        raise ArgumentError("DataLoader: expected drop_last=False with batch_size=None")
    elif iterable and batch_size is not None:
        BatchSampler((), batch_size, drop_last)  # checks both


class DataLoader(Generic[T_co]):
    """Iterate over a dataset in batches.

    Without workers, batches are loaded when they are asked for; samples draw from the global generator.

    Workers are threads by default: they start at once and run side by side wherever the loading releases Python's
    lock (tensor operations, NumPy, reading files, decoding images). As a process would, each has its own

    - dataset (with ``collate_fn`` and ``worker_init_fn``): a copy as of the beginning of the pass. Objects,
      containers, arrays and tensors of up to 16 MiB are copied, files open for reading are opened again; larger
      arrays and tensors, those of lists that hold more than 16 and 16 MiB of them, the entries of containers of
      more than 10,000, and objects of types written in C are shared. A dataset that writes to one of those, or
      to global variables, wants processes.
    - random numbers, of plait, ``random`` and ``numpy.random``, seeded from the pass and the worker's number:
      seeding them there does not touch the main program. Plait's are the same for a batch at any ``num_workers``
      above 0, unless the user's code seeds.
    - one thread for operations, and the modes (``no_grad``, ``autocast``) of the code that began the pass.

    ``multiprocessing_context="fork"`` (or "spawn", "forkserver") makes the workers processes: for loading that is
    mostly Python code, and for datasets that threads cannot have copies of. A dataset that holds a running
    generator, a database connection or a socket gets forked processes by itself. Tensors come back through
    shared memory, other things pickled.

    Worker ``i`` loads every ``num_workers``-th batch; batches come in order. A pass draws one number from
    ``generator``, or from the global one, for the seeds.

    Args:
        dataset: a :class:`Dataset` or anything with ``__getitem__`` and ``__len__``, or an
            :class:`IterableDataset`.
        batch_size: samples in a batch, default 1; None: the dataset gives batches itself.
        shuffle: new random order in each pass, default False.
        sampler: the order, an iterable of indices; not together with ``shuffle``.
        batch_sampler: an iterable of lists of indices; not together with the four arguments before and
            ``drop_last``.
        num_workers: workers that load ahead; 0: load when asked.
        collate_fn: makes a batch out of a list of samples, default :func:`default_collate`.
        pin_memory, pin_memory_device: accepted; there is nothing to do.
        drop_last: leave out a last, smaller batch.
        timeout: seconds to wait for a batch of a worker; 0: for ever.
        worker_init_fn: called with the worker's number in each worker before its first batch.
        multiprocessing_context: how to start worker processes, a start method or a context of ``multiprocessing``;
            default None: threads.
        generator: of the shuffling and of the seeds.
        prefetch_factor: batches that each worker loads ahead, default 2.
        persistent_workers: keep the workers, with their datasets, for the next pass.
        in_order: accepted; batches always come in order.

    Raises:
        ValueError: arguments that exclude each other or are out of range.
        RuntimeError: (in the loop) a worker process died, or a batch took longer than ``timeout``.

    Example:
        >>> import plait
        >>> data = plait.utils.data.TensorDataset(plait.arange(5), plait.arange(5) * 10)
        >>> for x, y in plait.utils.data.DataLoader(data, batch_size=2):
        ...     print(x.tolist(), y.tolist())
        [0, 1] [0, 10]
        [2, 3] [20, 30]
        [4] [40]
    """

    def __init__(
        self,
        dataset: Dataset[T_co],
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Sampler[Any] | Iterable[Any] | None = None,
        batch_sampler: Sampler[list[Any]] | Iterable[list[Any]] | None = None,
        num_workers: int = 0,
        collate_fn: Callable[[list[Any]], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable[[int], None] | None = None,
        multiprocessing_context: Any = None,
        generator: Any = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        pin_memory_device: str = "",
        in_order: bool = True,
    ) -> None:
        _check_workers(num_workers, timeout, prefetch_factor, persistent_workers)
        if multiprocessing_context is not None:
            multiprocessing_context = _check_context(multiprocessing_context, num_workers)
        iterable = isinstance(dataset, IterableDataset)
        _check_order(iterable, batch_size, shuffle, sampler, batch_sampler, drop_last)
        self.dataset = dataset
        self.num_workers = num_workers
        self.prefetch_factor = 2 if num_workers and prefetch_factor is None else prefetch_factor
        self.pin_memory = pin_memory
        self.pin_memory_device = pin_memory_device
        self.timeout = timeout
        self.worker_init_fn = worker_init_fn
        self.multiprocessing_context = multiprocessing_context
        self.generator = generator
        self.persistent_workers = persistent_workers
        self.in_order = in_order
        self.batch_size = batch_size = None if batch_sampler is not None else batch_size
        self.drop_last = drop_last
        self._iterable = iterable
        if sampler is None and not iterable and batch_sampler is None:
            sampler = RandomSampler(dataset, generator=generator) if shuffle else SequentialSampler(dataset)  # type: ignore[arg-type]
        if batch_size is not None and not iterable:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)  # type: ignore[arg-type]
        self.sampler = sampler
        self.batch_sampler = batch_sampler
        batches = batch_sampler is not None or (iterable and batch_size is not None)
        self.collate_fn = collate_fn or (default_collate if batches else default_convert)
        self._pool: Any = None  # of persistent workers
        self._resume: dict[str, Any] | None = None
        self._current: Callable[[], _Pass | None] = lambda: None

    def __iter__(self) -> Iterator[Any]:
        """A pass over the dataset."""
        resume, self._resume = self._resume, None
        this_pass = _Pass(self, resume)
        self._current = weakref.ref(this_pass)
        return this_pass

    def __len__(self) -> int:
        """Batches in a pass."""
        if not self._iterable:
            return len(self.batch_sampler if self.batch_sampler is not None else self.sampler)  # type: ignore[arg-type]
        n = len(self.dataset)  # type: ignore[arg-type]
        if self.batch_size is None:
            return n
        return n // self.batch_size if self.drop_last else -(-n // self.batch_size)

    # ---- resuming ---------------------------------------------------------------------------------------

    def _generators(self) -> list[Any]:
        """The generators that a pass may draw from, besides the global one."""
        inner = getattr(self.batch_sampler, "sampler", None)
        owners = (self, self.sampler, self.batch_sampler, inner)
        found = [g for g in (getattr(o, "generator", None) for o in owners) if isinstance(g, Generator)]
        return list({id(g): g for g in found}.values())

    def state_dict(self) -> dict[str, Any]:
        """Where the present pass stands: the batches handed out, and what its random order came from.

        ``plait.save`` can write it. A loader that takes it over with :meth:`load_state_dict`, in this or
        another process and with any ``num_workers``, continues with the next batch, without fetching the ones
        before (for an IterableDataset they are fetched and thrown away).

        Example:
            >>> import plait
            >>> loader = plait.utils.data.DataLoader(range(6), batch_size=2, shuffle=True)
            >>> it = iter(loader)
            >>> _ = next(it)
            >>> state = loader.state_dict()
            >>> rest = [batch.tolist() for batch in it]
            >>> loader.load_state_dict(state)
            >>> rest == [batch.tolist() for batch in loader]
            True
        """
        current = self._current()
        if current is not None and not current.finished:
            return current.state_dict()
        if self._resume is not None:
            return dict(self._resume)
        states = [g.get_state() for g in self._generators()]
        return {"version": 1, "base_seed": None, "batches": 0, "generators": states}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Make the next pass continue where :meth:`state_dict` was called. The global generator stays alone.

        Raises:
            ValueError: the state is not one of a loader like this.
        """
        if state_dict.get("version") != 1 or len(state_dict["generators"]) != len(self._generators()):
            raise ArgumentError(
                f"DataLoader.load_state_dict: expected a state of a loader with {len(self._generators())} "
                f"generators, got {state_dict}"
            )
        self._resume = dict(state_dict)

    def _recipe(self) -> Recipe:
        stream_size = self.batch_size if self._iterable else None
        in_batches = self.batch_sampler is not None
        return Recipe(self.dataset, self.collate_fn, self._iterable, stream_size, self.drop_last, in_batches)

    def _pool_for_pass(self, recipe: Recipe, base_seed: int) -> Any:
        if self.num_workers == 0:
            return None
        if self._pool is not None and self._pool.alive:
            self._pool.begin(base_seed)
            return self._pool
        job = Job(recipe, self.worker_init_fn, self.num_workers, base_seed)
        pool = _make_pool(job, self.multiprocessing_context, self.prefetch_factor or 2)
        if self.persistent_workers:
            self._pool = pool
            weakref.finalize(self, pool.stop)
        return pool


def _make_pool(job: Job, context: Any, ahead: int) -> Any:
    """Threads; processes if they are wished for, or if the dataset is none for threads."""
    if context is None:
        from ._private_copy import CannotCopy
        from ._threads import ThreadPool

        try:
            return ThreadPool(job)
        except CannotCopy as problem:
            context = "fork"
            if not hasattr(os, "fork"):
                raise RuntimeError(f"DataLoader: worker threads cannot have copies of {problem}") from None
    from ._processes import ProcessPool, context_of

    return ProcessPool(job, context_of(context), ahead)


class _Pass:
    """One pass over a loader: the iterator. Tasks do not refer to it, so that an abandoned one can go."""

    def __init__(self, loader: DataLoader[Any], resume: dict[str, Any] | None) -> None:
        self.finished = False
        self._loader = loader  # which would stop persistent workers when it goes
        self._batches = 0  # handed out
        self._timeout = loader.timeout
        self._pool: Any = None
        self._persistent = loader.persistent_workers
        self._generators = loader._generators()
        if resume is not None:
            for generator, state in zip(self._generators, resume["generators"]):
                generator.set_state(state)
        self._start_states = [g.get_state() for g in self._generators]
        base_seed = None if resume is None else resume["base_seed"]
        if base_seed is None or loader.generator is not None:  # restored generators give the same one again
            base_seed = int(_core.randint(2**63 - 1, (), generator=loader.generator))
        self._base_seed: int = base_seed
        skip = resume["batches"] if resume is not None else 0

        recipe = loader._recipe()
        self._sampler_generator = _core.Generator().manual_seed(part_seed(base_seed, -1))
        with draw_from(self._sampler_generator):
            self._indices = _indices(loader, recipe)
        self._pool = loader._pool_for_pass(recipe, base_seed)
        if self._pool is None:
            self._fetch = recipe.fetcher()
        else:
            self._generation = self._pool.generation
            self._ahead = loader.prefetch_factor or 2
            self._active = deque(range(loader.num_workers))  # in turn; workers whose stream is not used up
            self._pending: deque[tuple[int, int]] = deque()  # (number, worker) in the order of submission
        self._next_number = 0
        self._skip(skip)

    def _skip(self, batches: int) -> None:
        if self._indices is None:
            for _ in range(batches):
                next(self, None)
            return
        with draw_from(self._sampler_generator):
            for _ in range(batches):
                next(self._indices, None)
        self._batches = self._next_number = batches
        if self._pool is not None:
            self._active.rotate(-batches)

    def state_dict(self) -> dict[str, Any]:
        return {
            "version": 1,
            "base_seed": self._base_seed,
            "batches": self._batches,
            "generators": self._start_states,
        }

    def __iter__(self) -> _Pass:
        return self

    def __next__(self) -> Any:
        if self.finished:
            raise StopIteration
        try:
            batch = self._load_here() if self._pool is None else self._load_ahead()
        except StopIteration:
            self._finish()
            raise
        self._batches += 1
        return batch

    def _index(self) -> Any:
        """The indices of the next batch; StopIteration when there is none."""
        with draw_from(self._sampler_generator):
            return next(self._indices) if self._indices is not None else None

    def _load_here(self) -> Any:
        batch = self._fetch(self._index())
        self._next_number += 1
        if batch is End:
            raise StopIteration
        return batch

    def _load_ahead(self) -> Any:
        while True:
            self._submit()
            if not self._pending:
                raise StopIteration
            number, worker = self._pending[0]
            try:
                result = self._pool.take(number, self._generation, self._timeout)
            except TimeoutError:
                raise RuntimeError(f"DataLoader timed out after {self._timeout} seconds") from None
            self._pending.popleft()
            if result is End:
                if worker in self._active:
                    self._active.remove(worker)
                continue
            self._submit()
            if isinstance(result, Failure):
                result.throw()
            return result

    def _submit(self) -> None:
        """Keep the workers busy."""
        while self._active and len(self._pending) < self._ahead * len(self._active):
            try:
                indices = self._index()
            except StopIteration:
                self._active.clear()
                return
            number = self._next_number
            worker = self._active[0]
            self._active.rotate(-1)
            self._pool.submit(number, indices, worker)
            self._pending.append((number, worker))
            self._next_number += 1

    def _finish(self) -> None:
        self.finished = True
        if self._pool is not None:
            if not self._persistent:
                self._pool.stop()
            elif self._pool.alive and self._pool.generation == self._generation:
                self._pool.forget()

    def __del__(self) -> None:
        if not getattr(self, "finished", True):
            self._finish()


def _indices(loader: DataLoader[Any], recipe: Recipe) -> Iterator[Any] | None:
    """What the tasks of a pass name; None for a stream."""
    if recipe.is_stream:
        return None
    if not recipe.in_batches:
        return iter(loader.sampler)  # type: ignore[arg-type]
    in_tensors = index_tensors(loader.batch_sampler) if recipe.source() is not None else None
    return in_tensors if in_tensors is not None else iter(loader.batch_sampler)  # type: ignore[arg-type]
