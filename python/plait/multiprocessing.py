# SPDX-License-Identifier: MIT
"""Python's ``multiprocessing``, whose queues, pipes and arguments send tensors by sharing their memory.

All names of that module are here too. A tensor that is sent moves to shared memory, and the process that gets it
sees the same elements; so do forked processes after :meth:`~plait.Tensor.share_memory_`.
"""

from __future__ import annotations

import multiprocessing as _multiprocessing
import multiprocessing.connection as _connection
import signal as _signal
import time as _time
import traceback as _traceback
from collections.abc import Callable as _Callable
from multiprocessing import *  # noqa: F403
from typing import Any as _Any

from ._core import ArgumentError as _ArgumentError
from ._shared_memory import register_reducers as _register_reducers

__all__ = [
    "ProcessContext",
    "ProcessException",
    "ProcessExitedException",
    "ProcessRaisedException",
    "SpawnContext",
    "get_all_sharing_strategies",
    "get_sharing_strategy",
    "set_sharing_strategy",
    "spawn",
    "start_processes",
]

_register_reducers()


class ProcessException(Exception):
    """A process of :func:`spawn` failed.

    Args:
        msg: what happened.
        error_index: the number of the process.
        pid: its id.

    Example:
        >>> import plait
        >>> plait.multiprocessing.ProcessException("ended", 0, 7).pid
        7
    """

    def __init__(self, msg: str, error_index: int, pid: int | None) -> None:
        super().__init__(msg)
        self.msg, self.error_index, self.pid = msg, error_index, pid


class ProcessRaisedException(ProcessException):
    """A process raised an exception; the text holds its traceback.

    Args:
        msg, error_index, pid: see :class:`ProcessException`.

    Example:
        >>> import plait
        >>> issubclass(plait.multiprocessing.ProcessRaisedException, plait.multiprocessing.ProcessException)
        True
    """


class ProcessExitedException(ProcessException):
    """A process ended with an exit code other than 0, or by a signal.

    Args:
        msg, error_index, pid: see :class:`ProcessException`.
        exit_code: how it ended; below 0: the number of the signal.
        signal_name: of a signal.

    Example:
        >>> import plait
        >>> plait.multiprocessing.ProcessExitedException("ended", 0, 7, exit_code=3).exit_code
        3
    """

    def __init__(
        self, msg: str, error_index: int, pid: int | None, exit_code: int, signal_name: str | None = None
    ) -> None:
        super().__init__(msg, error_index, pid)
        self.exit_code, self.signal_name = exit_code, signal_name


def _run(function: _Callable[..., _Any], number: int, args: tuple[_Any, ...], pipe: _Any) -> None:
    try:
        function(number, *args)
    except KeyboardInterrupt:
        pass  # the parent gets it too
    except BaseException:
        pipe.send(_traceback.format_exc())
        raise SystemExit(1) from None


class ProcessContext:
    """The processes that :func:`start_processes` has started.

    Args:
        processes: the processes.
        pipes: where each tells of an exception.

    Attributes:
        processes: the processes.

    Example:
        >>> import plait
        >>> plait.multiprocessing.ProcessContext([], []).join()
        True
    """

    def __init__(self, processes: list[_Any], pipes: list[_Any]) -> None:
        self.processes, self._pipes = processes, pipes

    def pids(self) -> list[int]:
        """Ids of the processes."""
        return [p.pid for p in self.processes]

    def join(self, timeout: float | None = None, grace_period: float | None = None) -> bool:
        """Wait until one more process, or all, has ended; end the others when one failed.

        Args:
            timeout: seconds to wait. Default: for ever.
            grace_period: seconds that the others have to end by themselves. Default: none.

        Returns:
            Whether all have ended.

        Raises:
            ProcessRaisedException: a process raised an exception.
            ProcessExitedException: a process ended in another way.
        """
        running = [p for p in self.processes if p.exitcode is None]
        if running:
            _connection.wait([p.sentinel for p in running], timeout)
        for number, process in enumerate(self.processes):
            process.join(0)
            if process.exitcode:
                self._fail(number, grace_period)
        return all(p.exitcode == 0 for p in self.processes)

    def _fail(self, number: int, grace_period: float | None) -> None:
        failed, pipe = self.processes[number], self._pipes[number]
        end = _time.monotonic() + (grace_period or 0)
        for process in self.processes if grace_period else ():
            process.join(max(0.0, end - _time.monotonic()))
        for process in self.processes:
            if process.is_alive():
                process.terminate()
        for process in self.processes:
            process.join(5)
            if process.is_alive():
                process.kill()
                process.join()
        text: str | None = None
        if pipe.poll():
            try:
                text = pipe.recv()
            except EOFError:
                text = None
        if text is not None:
            raise ProcessRaisedException(
                f"\n\n-- Process {number} terminated with the following error:\n{text}", number, failed.pid
            )
        code = failed.exitcode
        if code < 0:
            name = _signal.Signals(-code).name
            raise ProcessExitedException(
                f"process {number} terminated with signal {name}", number, failed.pid, code, name
            )
        raise ProcessExitedException(f"process {number} terminated with exit code {code}", number, failed.pid, code)


SpawnContext = ProcessContext


def start_processes(
    fn: _Callable[..., _Any],
    args: tuple[_Any, ...] = (),
    nprocs: int = 1,
    join: bool = True,
    daemon: bool = False,
    start_method: str = "spawn",
) -> ProcessContext | None:
    """Run ``fn(i, *args)`` in ``nprocs`` processes.

    Args:
        fn: a function; with the start method "spawn" one that can be pickled.
        args: further arguments.
        nprocs: how many processes, numbered from 0. Default: 1.
        join: wait for them. Default: True.
        daemon: end them with this process. Default: False.
        start_method: "spawn", "fork" or "forkserver".

    Returns:
        None, or without ``join`` a :class:`ProcessContext`.

    Raises:
        ValueError: ``nprocs`` is not positive, or the start method is unknown.
        ProcessException: a process failed; the others are ended.

    Example:
        >>> import plait
        >>> t = plait.zeros(2).share_memory_()
        >>> plait.multiprocessing.start_processes(lambda i: t[i].fill_(i + 1), nprocs=2, start_method="fork")
        >>> t
        tensor([1., 2.])
    """
    if nprocs < 1:
        raise _ArgumentError(f"start_processes: expected nprocs of at least 1, got {nprocs}")
    methods = _multiprocessing.get_all_start_methods()
    if start_method not in methods:
        raise _ArgumentError(f"start_processes: expected start_method among {methods}, got {start_method!r}")
    context: _Any = _multiprocessing.get_context(start_method)
    processes, pipes = [], []
    for number in range(nprocs):
        mine, its = context.Pipe(duplex=False)
        process = context.Process(target=_run, args=(fn, number, args, its), daemon=daemon)
        process.start()
        its.close()
        processes.append(process)
        pipes.append(mine)
    made = ProcessContext(processes, pipes)
    if not join:
        return made
    while not made.join():
        pass
    return None


def spawn(
    fn: _Callable[..., _Any],
    args: tuple[_Any, ...] = (),
    nprocs: int = 1,
    join: bool = True,
    daemon: bool = False,
    start_method: str = "spawn",
) -> ProcessContext | None:
    """Run ``fn(i, *args)`` in ``nprocs`` fresh processes; arguments as there: :func:`start_processes`.

    Args:
        fn, args, nprocs, join, daemon, start_method: see :func:`start_processes`.

    Returns:
        None, or without ``join`` a :class:`ProcessContext`.

    Example:
        >>> import plait
        >>> plait.multiprocessing.spawn(print, nprocs=0)
        Traceback (most recent call last):
            ...
        plait.ArgumentError: start_processes: expected nprocs of at least 1, got 0
    """
    return start_processes(fn, args, nprocs, join, daemon, start_method)


def get_all_sharing_strategies() -> set[str]:
    """The ways to share memory: "file_descriptor" and "file_system"."""
    return {"file_descriptor", "file_system"}


_strategy = "file_descriptor"


def get_sharing_strategy() -> str:
    """The way to share memory that :func:`set_sharing_strategy` was told; "file_descriptor" at first."""
    return _strategy


def set_sharing_strategy(new_strategy: str) -> None:
    """Set the way to share memory. Both mean the same here: files in memory without a name, which nobody has to remove.

    Args:
        new_strategy: "file_descriptor" or "file_system".

    Raises:
        ValueError: another one.

    Example:
        >>> import plait
        >>> plait.multiprocessing.set_sharing_strategy("file_system")
        >>> plait.multiprocessing.get_sharing_strategy()
        'file_system'
        >>> plait.multiprocessing.set_sharing_strategy("file_descriptor")
    """
    global _strategy
    if new_strategy not in get_all_sharing_strategies():
        raise _ArgumentError(f"set_sharing_strategy: expected 'file_descriptor' or 'file_system', got {new_strategy!r}")
    _strategy = new_strategy
