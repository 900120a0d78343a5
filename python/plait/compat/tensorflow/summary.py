# SPDX-License-Identifier: MIT
"""``tensorflow.summary``: event files for TensorBoard, as loops of training and Keras' callback write them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from plait.utils.tensorboard import SummaryWriter, _records

__all__ = [
    "create_file_writer",
    "experimental",
    "flush",
    "histogram",
    "image",
    "record_if",
    "scalar",
    "should_record_summaries",
    "text",
    "write",
]


@dataclass(frozen=True)
class _State:
    """Where summaries go, at which step, and whether."""

    writer: FileWriter | None = None
    step: Any = None
    condition: bool | Callable[[], bool] = True


_nowhere = _State()
_current: ContextVar[_State] = ContextVar("summary", default=_nowhere)


@contextlib.contextmanager
def _within(**changes: Any) -> Iterator[Any]:
    token = _current.set(replace(_current.get(), **changes))
    try:
        yield changes.get("writer")
    finally:
        _current.reset(token)


class FileWriter:
    """An event file in a folder."""

    def __init__(self, logdir: str, filename_suffix: str = ".v2") -> None:
        self._file = SummaryWriter(logdir, filename_suffix=filename_suffix)

    def as_default(self, step: Any = None) -> contextlib.AbstractContextManager[Any]:
        """A context in which summaries go to this file."""
        return _within(writer=self, **({} if step is None else {"step": step}))

    def set_as_default(self, step: Any = None) -> None:
        """Let summaries go to this file from now on."""
        state = _current.get()
        _current.set(replace(state, writer=self, step=state.step if step is None else step))

    def flush(self) -> None:
        """Write what waits."""
        self._file.flush()

    def close(self) -> None:
        """Write what waits and close the file."""
        self._file.close()


def create_file_writer(
    logdir: str, max_queue: int | None = None, flush_millis: int | None = None, filename_suffix: str = ".v2"
) -> FileWriter:
    """A writer of an event file in a folder, which is made if needed."""
    return FileWriter(logdir, filename_suffix)


def record_if(condition: bool | Callable[[], bool]) -> contextlib.AbstractContextManager[Any]:
    """A context in which summaries are written if the condition, or what it returns, holds."""
    return _within(condition=condition)


def should_record_summaries() -> bool:
    """Whether there is a writer and summaries are on."""
    state = _current.get()
    return state.writer is not None and bool(state.condition() if callable(state.condition) else state.condition)


def _add(name: str, step: Any, add: Callable[[SummaryWriter, int], Any]) -> bool:
    state = _current.get()
    if state.writer is None:
        return False
    step = state.step if step is None else step
    if step is None:
        raise ValueError(f"summary {name!r}: expected a step, here or of the writer's context, got None")
    if not should_record_summaries():
        return False
    add(state.writer._file, int(_numbers(step)))
    return True


def _numbers(values: Any) -> np.ndarray:
    return np.asarray(values.detach() if hasattr(values, "detach") else values)


def scalar(name: str, data: Any, step: Any = None, description: str | None = None) -> bool:
    """Write a number; whether it was written."""
    return _add(name, step, lambda file, at: file.add_scalar(name, float(_numbers(data)), at))


def histogram(name: str, data: Any, step: Any = None, buckets: int = 30, description: str | None = None) -> bool:
    """Write the distribution of numbers; whether it was written."""
    return _add(name, step, lambda file, at: file.add_histogram(name, _numbers(data), at, bins=buckets))


def image(name: str, data: Any, step: Any = None, max_outputs: int = 3, description: str | None = None) -> bool:
    """Write pictures (k, height, width, channels), uint8 or between 0 and 1; whether they were written."""

    def add(file: SummaryWriter, at: int) -> None:
        for i, picture in enumerate(_numbers(data)[:max_outputs]):
            file.add_image(f"{name}/{i}", picture, at, dataformats="HWC")

    return _add(name, step, add)


def text(name: str, data: Any, step: Any = None, description: str | None = None) -> bool:
    """Write a text in Markdown; whether it was written."""
    return _add(name, step, lambda file, at: file.add_text(name, str(data), at))


def write(tag: str, tensor: Any, step: Any = None, metadata: Any = None, name: str | None = None) -> bool:
    """Write a text for a plugin of TensorBoard that the metadata name; whether it was written."""
    plugin = metadata.plugin_data if metadata is not None else None
    named = (plugin.plugin_name, plugin.content) if plugin is not None else ("text", b"")
    return _add(tag, step, lambda file, at: file._add(_records.text_value(tag, str(tensor), *named), at, None))


def flush(writer: FileWriter | None = None, name: str | None = None) -> None:
    """Write what waits in a writer, or in the one of the context."""
    writer = writer or _current.get().writer
    if writer is not None:
        writer.flush()


class experimental:
    """Names that ``tensorflow.summary.experimental`` has."""

    @staticmethod
    def get_step() -> Any:
        """The step of the context."""
        return _current.get().step

    @staticmethod
    def set_step(step: Any) -> None:
        """Let summaries have this step unless they are given one."""
        _current.set(replace(_current.get(), step=step))

    @staticmethod
    @contextlib.contextmanager
    def summary_scope(name: str, default_name: str = "summary", values: Any = None) -> Iterator[tuple[str, str]]:
        """The tag of a summary, and the scope of what computes it."""
        yield name or default_name, name or default_name
