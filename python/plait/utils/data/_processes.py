# SPDX-License-Identifier: MIT
"""Workers that are processes.

A message between the loop and a worker is a few numbers in a pipe; what it is about lies in a slot, a block of
memory that both map. A worker has as many slots as it may be given tasks ahead, and a slot is used again only
when its batch has been taken. So pipes never fill, slots keep their pages from batch to batch, and the loop copies
each tensor once, into memory of its own. What is not a tensor is pickled.
"""

from __future__ import annotations

import io
import mmap
import multiprocessing
import multiprocessing.connection
import os
import pickle
import signal
import tempfile
import time
import traceback
import warnings
import weakref
from collections import deque
from types import ModuleType
from typing import Any

import numpy as np

from ... import _core
from ..._core import ArgumentError, Tensor
from ...serialization import _tensor_bytes
from ._thread_random import seed_process
from ._worker import Failure, Job, Worker

__all__ = ["ProcessPool", "context_of"]

_ALIGN = 64
_POLL = 5.0  # seconds between looks whether the main process lives
_GRACE = 0.5  # seconds that processes get to end by themselves, then when they are told to


def context_of(value: Any) -> Any:
    """The context of ``multiprocessing`` that an argument names.

    Raises:
        ValueError: an unknown name.
        TypeError: neither a name nor a context.
    """
    if isinstance(value, str):
        names = multiprocessing.get_all_start_methods()
        if value not in names:
            raise ArgumentError(f"DataLoader: expected multiprocessing_context among {names}, got {value!r}")
        return multiprocessing.get_context(value)
    if isinstance(value, ModuleType) and hasattr(value, "get_context"):  # multiprocessing itself
        value = value.get_context()
    if not isinstance(value, multiprocessing.context.BaseContext):
        raise TypeError(
            "DataLoader: expected multiprocessing_context to be a start method or a context of multiprocessing, got "
            f"{type(value).__name__}"
        )
    return value


# ---- objects in shared memory ------------------------------------------------------------------------------


class _Pickler(pickle.Pickler):
    """Tensors and large buffers are put aside; the rest becomes bytes."""

    def __init__(self, file: Any) -> None:
        self.tensors: list[memoryview] = []
        self.buffers: list[memoryview] = []
        self._alive: list[Any] = []
        self._seen: dict[int, tuple[Any, ...]] = {}
        super().__init__(file, 5, buffer_callback=self._put_aside)

    def _put_aside(self, buffer: pickle.PickleBuffer) -> None:
        self.buffers.append(buffer.raw())

    def persistent_id(self, obj: Any) -> Any:
        if type(obj) is not Tensor:
            return None
        if id(obj) not in self._seen:
            if obj.requires_grad and not obj.is_leaf:
                raise RuntimeError(
                    "a tensor that is the result of recorded operations cannot leave a worker process; detach() it"
                )
            data = _tensor_bytes(obj.detach()) if obj.numel() else memoryview(b"")
            self._alive.append(obj)
            self.tensors.append(data)
            shape = tuple(int(n) for n in obj.shape)
            self._seen[id(obj)] = (len(self.tensors) - 1, str(obj.dtype), shape, obj.requires_grad)
        return self._seen[id(obj)]


class _Unpickler(pickle.Unpickler):
    def __init__(self, data: Any, tensors: list[memoryview], buffers: list[memoryview]) -> None:
        self._tensors = tensors
        self._made: dict[int, Tensor] = {}
        super().__init__(io.BytesIO(data), buffers=map(bytearray, buffers))

    def persistent_load(self, pid: Any) -> Tensor:
        place, dtype, shape, requires_grad = pid
        if place not in self._made:
            t = _core.empty(shape, dtype=getattr(_core, dtype.rpartition(".")[2]))
            if t.numel():
                np.frombuffer(_tensor_bytes(t), np.uint8)[:] = np.frombuffer(self._tensors[place], np.uint8)
            self._made[place] = t.requires_grad_() if requires_grad else t
        return self._made[place]


class _Slot:
    """A block of shared memory that grows. One side writes an object, the other reads it."""

    def __init__(self, descriptor: int | None = None) -> None:
        if descriptor is None:
            if hasattr(os, "memfd_create"):
                descriptor = os.memfd_create("plait-data")
            else:
                with tempfile.TemporaryFile() as file:
                    descriptor = os.dup(file.fileno())
        self._descriptor = descriptor
        self._map: mmap.mmap | None = None

    def __reduce__(self) -> Any:  # to a process that is not forked
        from multiprocessing import reduction

        return _slot_from, (reduction.DupFd(self._descriptor),)  # type: ignore[attr-defined]

    def _mapped(self, size: int) -> memoryview:
        if self._map is None or len(self._map) < size:
            self._map = mmap.mmap(self._descriptor, os.fstat(self._descriptor).st_size)
        return memoryview(self._map)

    def write(self, obj: Any) -> tuple[int, tuple[int, ...]]:
        """Put an object in; returns the number of tensors and the sizes of all pieces, for :meth:`read`."""
        file = io.BytesIO()
        pickler = _Pickler(file)
        pickler.dump(obj)
        pieces = [file.getbuffer(), *pickler.tensors, *pickler.buffers]
        sizes = tuple(piece.nbytes for piece in pieces)
        total = sum(-(-n // _ALIGN) * _ALIGN for n in sizes)
        if os.fstat(self._descriptor).st_size < total:
            os.ftruncate(self._descriptor, max(total, mmap.PAGESIZE))
        view, at = self._mapped(total), 0
        for piece, n in zip(pieces, sizes):
            if n:
                np.frombuffer(view, np.uint8, n, at)[:] = np.frombuffer(piece, np.uint8)
            at += -(-n // _ALIGN) * _ALIGN
        return len(pickler.tensors), sizes

    def read(self, layout: tuple[int, tuple[int, ...]]) -> Any:
        """Take the object out."""
        tensors, sizes = layout
        view, at, pieces = self._mapped(sum(-(-n // _ALIGN) * _ALIGN for n in sizes)), 0, []
        for n in sizes:
            pieces.append(view[at : at + n])
            at += -(-n // _ALIGN) * _ALIGN
        return _Unpickler(pieces[0], pieces[1 : tensors + 1], pieces[tensors + 1 :]).load()

    def close(self) -> None:
        """Give the memory back."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor, self._map = -1, None


def _slot_from(duplicate: Any) -> _Slot:
    return _Slot(duplicate.detach())


# ---- the process -------------------------------------------------------------------------------------------


def _portable(failure: Failure) -> Failure:
    """A failure that another process can read: exceptions of unusual make become a RuntimeError with the text."""
    error = failure.error
    where = f"{failure.where}\n{''.join(traceback.format_exception(error)).rstrip()}"
    notes = getattr(error, "__notes__", [])
    try:
        error.__traceback__ = error.__context__ = error.__cause__ = None
        again = pickle.loads(pickle.dumps(error))
        if type(again) is not type(error) or str(again) != str(error):
            raise TypeError
    except Exception:
        error = RuntimeError(f"{type(error).__name__}: {error}")
        for note in notes:
            error.add_note(note)
    return Failure(error, where)


def _run(job: Job, id: int, pipe: Any, slots: list[tuple[_Slot, _Slot]], others: list[Any], parent: int) -> None:
    """The worker's side: tasks come until the pipe ends or the parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the loop gets it, and ends the workers
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    for other in others:
        other.close()
    _core.set_num_threads(1)
    worker = Worker(job, id, seed_process)
    worker.start()
    try:
        while True:
            while not pipe.poll(_POLL):
                if os.getppid() != parent:
                    return
            generation, number, slot, what = pipe.recv()
            if number is None:
                worker.begin(what)
                continue
            tasks, results = slots[slot]
            result = worker.load(number, tasks.read(what))
            if isinstance(result, Failure):
                result = _portable(result)
            try:
                layout = results.write(result)
            except Exception as error:
                note = f"raised in DataLoader worker {id} while it sent batch {number}"
                layout = results.write(_portable(Failure(error, note)))
            pipe.send((generation, number, slot, layout))
            del result
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return


class _Process:
    """The loop's side of one worker."""

    def __init__(self, context: Any, job: Job, id: int, ahead: int, others: list[_Process]) -> None:
        self.slots = [(_Slot(), _Slot()) for _ in range(ahead)]
        self.free = deque(range(ahead))
        self.pipe, end = context.Pipe()
        forks = context.get_start_method() == "fork"
        inherited = [self.pipe, *(other.pipe for other in others)] if forks else []
        arguments = (job, id, end, self.slots, inherited, os.getpid())
        self.process = context.Process(target=_run, args=arguments, name=f"plait-data-{id}", daemon=True)
        with warnings.catch_warnings():  # our threads do nothing while a process forks
            warnings.filterwarnings("ignore", message=".*multi-threaded.*fork", category=DeprecationWarning)
            self.process.start()
        end.close()

    def death(self, id: int) -> RuntimeError:
        """What to say of a worker that is gone."""
        self.process.join(10 * _GRACE)
        code = self.process.exitcode
        text = f"exited with code {code}"
        if code is not None and code < 0:
            text = f"was killed by {signal.Signals(-code).name}"
        hint = "\nhint: the kernel kills processes when memory ends" if code == -signal.SIGKILL else ""
        return RuntimeError(f"DataLoader worker {id} (pid {self.process.pid}) {text} unexpectedly{hint}")


class ProcessPool:
    """Processes that load numbered batches; the interface is that of ``ThreadPool``.

    Args:
        job: what they do. Forked processes have a copy of everything; others get it pickled.
        context: of ``multiprocessing``.
        ahead: how many batches a worker is asked for at once.
    """

    def __init__(self, job: Job, context: Any, ahead: int) -> None:
        self._process = os.getpid()
        self._generation = 0
        self._stopped = False
        self._results: dict[int, Any] = {}
        self._worker_of: dict[int, int] = {}
        self._workers: list[_Process] = []
        self._end = weakref.finalize(self, _end, self._workers, os.getpid())
        for i in range(job.num_workers):
            self._workers.append(_Process(context, job, i, ahead, self._workers))

    @property
    def generation(self) -> int:
        """The number of the present pass."""
        return self._generation

    @property
    def alive(self) -> bool:
        """Whether the pool can be used: not after :meth:`stop`, and not in a forked child."""
        return not self._stopped and self._process == os.getpid()

    def submit(self, number: int, indices: Any, worker: int) -> None:
        """Ask ``worker`` for batch ``number``."""
        w = self._workers[worker]
        while not w.free:  # an abandoned pass has tasks under way
            self._receive(worker, None)
        slot = w.free.popleft()
        self._worker_of[number] = worker
        self._send(worker, (self._generation, number, slot, w.slots[slot][0].write(indices)))

    def take(self, number: int, generation: int, timeout: float) -> Any:
        """Wait for batch ``number``; a timeout of 0 means for ever.

        Raises:
            TimeoutError: it took longer.
            RuntimeError: it will never come.
        """
        if not self.alive:
            raise RuntimeError("DataLoader: expected running workers, got workers that ended (in a forked child?)")
        if generation != self._generation:
            raise RuntimeError("DataLoader: this pass was ended by a newer one or by shutting down")
        deadline = time.monotonic() + timeout if timeout else None
        while number not in self._results:
            self._receive(self._worker_of[number], deadline)
        self._worker_of.pop(number)
        return self._results.pop(number)

    def forget(self) -> None:
        """End the present pass."""
        self._generation += 1
        self._results.clear()
        self._worker_of.clear()

    def begin(self, base_seed: int) -> None:
        """Begin the next pass."""
        self.forget()
        for i in range(len(self._workers)):
            self._send(i, (self._generation, None, None, base_seed))

    def stop(self) -> None:
        """End the processes."""
        self._stopped = True
        if self._process == os.getpid():
            self._end()

    def _send(self, worker: int, message: Any) -> None:
        try:
            self._workers[worker].pipe.send(message)
        except (BrokenPipeError, ConnectionResetError):
            error = self._workers[worker].death(worker)
            self.stop()
            raise error from None

    def _receive(self, worker: int, deadline: float | None) -> None:
        """Wait for one message of a worker."""
        w = self._workers[worker]
        left = None if deadline is None else max(0.0, deadline - time.monotonic())
        ready = multiprocessing.connection.wait([w.pipe, w.process.sentinel], left)
        if not ready:
            raise TimeoutError
        try:
            if w.pipe not in ready and not w.pipe.poll():
                raise EOFError
            generation, number, slot, layout = w.pipe.recv()
        except (EOFError, ConnectionResetError):
            error = w.death(worker)
            self.stop()
            raise error from None
        if generation == self._generation:
            self._results[number] = w.slots[slot][1].read(layout)
        w.free.append(slot)


def _end(workers: list[_Process], owner: int) -> None:
    """Close the pipes, at which idle workers end; terminate the ones that stay busy."""
    if os.getpid() != owner:
        return
    for w in workers:
        w.pipe.close()
    for finish in (None, "terminate", "kill"):
        deadline = time.monotonic() + _GRACE
        for w in workers:
            if finish is not None and w.process.exitcode is None:
                getattr(w.process, finish)()
            w.process.join(max(0.0, deadline - time.monotonic()))
    for w in workers:
        for pair in w.slots:
            for slot in pair:
                slot.close()
    workers.clear()
