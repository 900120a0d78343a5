# SPDX-License-Identifier: MIT
"""DataLoader: batches of a dataset, in order, loaded ahead by threads."""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic, TypeVar

from ... import _core
from ..._core import ArgumentError, Generator, Tensor
from ._collate import default_collate, default_convert
from ._worker import (
    Failure,
    Pool,
    WorkerInfo,
    batch_generator,
    draw_from,
    get_worker_info,
    set_worker_info,
)
from .dataset import Dataset, IterableDataset, batch_source
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

    Workers are threads: they start at once, share the dataset's memory, and run side by side wherever the
    loading releases Python's lock (tensor operations, NumPy, reading files, decoding images). Order and
    contents of the batches do not depend on ``num_workers``: plait's random numbers drawn while a sample is
    fetched are seeded by the pass and the batch's number (those of ``random`` and ``numpy.random`` are shared
    by all threads). A pass draws one number from ``generator``, or from the global one.

    Args:
        dataset: a :class:`Dataset` or anything with ``__getitem__`` and ``__len__``, or an
            :class:`IterableDataset`.
        batch_size: samples in a batch, default 1; None: the dataset gives batches itself.
        shuffle: new random order in each pass, default False.
        sampler: the order, an iterable of indices; not together with ``shuffle``.
        batch_sampler: an iterable of lists of indices; not together with the four arguments before and
            ``drop_last``.
        num_workers: threads that load ahead; 0: load when asked.
        collate_fn: makes a batch out of a list of samples, default :func:`default_collate`.
        pin_memory, pin_memory_device, multiprocessing_context: accepted; there is nothing to do.
        drop_last: leave out a last, smaller batch.
        timeout: seconds to wait for a batch of a worker; 0: for ever.
        worker_init_fn: called with the worker's number in each worker before its first batch.
        generator: of the shuffling and of the seeds.
        prefetch_factor: batches that each worker loads ahead, default 2.
        persistent_workers: keep the threads for the next pass.
        in_order: accepted; batches always come in order.

    Raises:
        ValueError: arguments that exclude each other or are out of range.

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
        self._pool: Pool | None = None
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

    def _pool_for_pass(self, base_seed: int) -> Pool | None:
        if self.num_workers == 0:
            return None
        if self._pool is not None and self._pool.alive:
            self._pool.reset()
            return self._pool
        init = functools.partial(_init_worker, self.dataset, self.num_workers, self.worker_init_fn, base_seed)
        pool = Pool(self.num_workers, init)
        if self.persistent_workers:
            self._pool = pool
            weakref.finalize(self, pool.stop)
        return pool


def _init_worker(
    dataset: Any, num_workers: int, user_init: Callable[[int], None] | None, base_seed: int, worker: int
) -> None:
    set_worker_info(WorkerInfo(worker, num_workers, base_seed + worker, dataset))
    if user_init is not None:
        user_init(worker)


class _End:
    """The result of a worker whose stream is used up."""


class _Pass:
    """One pass over a loader: the iterator. Tasks do not refer to it, so that an abandoned one can go."""

    def __init__(self, loader: DataLoader[Any], resume: dict[str, Any] | None) -> None:
        self.finished = False
        self._loader = loader  # which would stop persistent workers when it goes
        self._batches = 0  # handed out
        self._timeout = loader.timeout
        self._pool: Pool | None = None
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

        self._fetch: Callable[[Any], Any]
        self._sampler_generator = batch_generator(base_seed, -1)
        with draw_from(self._sampler_generator):
            if loader._iterable:
                self._indices: Iterator[Any] | None = None
                self._fetch = _StreamFetcher(loader)
            else:
                self._fetch, self._indices = _index_fetcher(loader)
        self._pool = loader._pool_for_pass(base_seed)
        if self._pool is not None:
            self._generation = self._pool.generation
            self._limit = loader.num_workers * (loader.prefetch_factor or 2)
            self._active = list(range(loader.num_workers))  # workers whose stream is not used up
            self._pending: list[tuple[int, int]] = []  # (number, worker) in the order of submission
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
        task = functools.partial(_load, self._fetch, self._index(), self._base_seed, self._next_number)
        self._next_number += 1
        batch = task()
        if batch is _End:
            raise StopIteration
        return batch

    def _load_ahead(self) -> Any:
        assert self._pool is not None
        while True:
            self._submit()
            if not self._pending:
                raise StopIteration
            number, worker = self._pending[0]
            try:
                result = self._pool.take(number, self._generation, self._timeout)
            except TimeoutError:
                raise RuntimeError(f"DataLoader timed out after {self._timeout} seconds") from None
            self._pending.pop(0)
            if result is _End:
                if worker in self._active:
                    self._active.remove(worker)
                continue
            self._submit()
            if isinstance(result, Failure):
                result.throw()
            return result

    def _submit(self) -> None:
        """Keep the workers busy."""
        assert self._pool is not None
        while len(self._pending) < self._limit and self._active:
            try:
                indices = self._index()
            except StopIteration:
                self._active.clear()
                return
            number = self._next_number
            task = functools.partial(_load, self._fetch, indices, self._base_seed, number)
            # A stream belongs to one worker; batches of indices go to whoever is free.
            worker = self._active[number % len(self._active)] if self._indices is None else -1
            self._pool.submit(number, task, worker if worker >= 0 else None)
            self._pending.append((number, worker))
            self._next_number += 1

    def _finish(self) -> None:
        self.finished = True
        if self._pool is not None:
            if not self._persistent:
                self._pool.stop()
            elif self._pool.alive and self._pool.generation == self._generation:
                self._pool.reset()

    def __del__(self) -> None:
        if not getattr(self, "finished", True):
            self._finish()


def _load(fetch: Callable[[Any], Any], indices: Any, base_seed: int, number: int) -> Any:
    """Batch ``number``, with its own random numbers."""
    info = get_worker_info()
    if info is not None:
        info.seed = base_seed + info.id
    with draw_from(batch_generator(base_seed, number)):
        return fetch(indices)


def _index_fetcher(loader: DataLoader[Any]) -> tuple[Callable[[Any], Any], Iterator[Any]]:
    """How batches are made from indices, and the indices of a pass."""
    dataset, collate, batches = loader.dataset, loader.collate_fn, loader.batch_sampler
    if batches is None:
        return (lambda index: collate(dataset[index])), iter(loader.sampler)  # type: ignore[arg-type]
    source = batch_source(dataset) if collate is default_collate else None
    if source is not None:
        in_tensors = _index_tensors(batches)
        if in_tensors is not None:
            return source, in_tensors
        return (lambda indices: source(_core.as_tensor(indices, dtype=_core.int64))), iter(batches)
    several = getattr(dataset, "__getitems__", None)
    if callable(several):
        return (lambda indices: collate(several(indices))), iter(batches)
    return (lambda indices: collate([dataset[i] for i in indices])), iter(batches)


def _index_tensors(batches: Any) -> Iterator[Tensor] | None:
    """What the common batch samplers give, as tensors cut from the whole order; None for others."""
    if type(batches) is not BatchSampler or type(batches.sampler) not in (SequentialSampler, RandomSampler):
        return None
    sampler: Any = batches.sampler
    order = sampler._order()
    size = batches.batch_size
    end = len(order) - len(order) % size if batches.drop_last else len(order)
    return (order[i : min(i + size, end)] for i in range(0, end, size))


class _StreamFetcher:
    """Batches of an IterableDataset: one stream for each thread that asks."""

    def __init__(self, loader: DataLoader[Any]) -> None:
        self._dataset, self._collate = loader.dataset, loader.collate_fn
        self._size, self._drop_last = loader.batch_size, loader.drop_last
        self._streams: dict[int, Iterator[Any]] = {}

    def __call__(self, _: None) -> Any:
        info = get_worker_info()
        worker = info.id if info is not None else 0
        if worker not in self._streams:
            self._streams[worker] = iter(self._dataset)  # type: ignore[call-overload]
        stream = self._streams[worker]
        if self._size is None:
            sample = next(stream, _End)
            return _End if sample is _End else self._collate(sample)  # type: ignore[arg-type]
        samples = []
        for sample in stream:
            samples.append(sample)
            if len(samples) == self._size:
                break
        if not samples or (self._drop_last and len(samples) < self._size):
            return _End
        return self._collate(samples)
