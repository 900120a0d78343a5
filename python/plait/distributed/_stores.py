# SPDX-License-Identifier: MIT
"""Stores of keys and values through which processes meet. One process has its stores in its own memory."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

__all__ = ["DistStoreError", "FileStore", "HashStore", "PrefixStore", "Store", "TCPStore"]


class DistStoreError(RuntimeError):
    """A store has no such key, or is in no reach.

    Example:
        >>> import plait
        >>> issubclass(plait.distributed.DistStoreError, RuntimeError)
        True
    """


class _Memory:
    def __init__(self) -> None:
        self.values: dict[str, bytes] = {}
        self.changed = threading.Condition()


def _as_bytes(value: str | bytes) -> bytes:
    return value.encode() if isinstance(value, str) else bytes(value)


class Store:
    """What all stores do. Values are bytes; a str is encoded.

    Example:
        >>> import plait
        >>> store = plait.distributed.HashStore()
        >>> store.set("name", "value")
        >>> store.get("name")
        b'value'
        >>> store.add("count", 2), store.add("count", 3)
        (2, 5)
    """

    _prefix = ""

    def __init__(self) -> None:
        self._memory = _Memory()
        self.timeout = timedelta(minutes=5)

    def _when(self, keys: Sequence[str], read: Callable[[dict[str, bytes]], Any], timeout: timedelta | None) -> Any:
        names = [self._prefix + key for key in keys]
        seconds = (self.timeout if timeout is None else timeout).total_seconds()
        with self._memory.changed:
            values = self._memory.values
            if not self._memory.changed.wait_for(lambda: all(n in values for n in names), seconds):
                raise DistStoreError(f"Store: expected the keys {keys} within {seconds} s, got none")
            return read(values)

    def set(self, key: str, value: str | bytes) -> None:
        """Give ``key`` a ``value``."""
        with self._memory.changed:
            self._memory.values[self._prefix + key] = _as_bytes(value)
            self._memory.changed.notify_all()

    def get(self, key: str) -> bytes:
        """The value of ``key``; it waits for one.

        Raises:
            DistStoreError: none came in time.
        """
        return self._when([key], lambda values: values[self._prefix + key], None)  # type: ignore[no-any-return]

    def add(self, key: str, amount: int) -> int:
        """Add ``amount`` to the number of ``key``, 0 at first; returns the sum."""
        with self._memory.changed:
            total = int(self._memory.values.get(self._prefix + key, b"0")) + amount
            self._memory.values[self._prefix + key] = str(total).encode()
            self._memory.changed.notify_all()
            return total

    def append(self, key: str, value: str | bytes) -> None:
        """Append ``value`` to the value of ``key``."""
        with self._memory.changed:
            name = self._prefix + key
            self._memory.values[name] = self._memory.values.get(name, b"") + _as_bytes(value)
            self._memory.changed.notify_all()

    def compare_set(self, key: str, expected_value: str | bytes, desired_value: str | bytes) -> bytes:
        """Set ``desired_value`` if ``key`` has ``expected_value``, or is new; returns what it has then."""
        with self._memory.changed:
            name, expected = self._prefix + key, _as_bytes(expected_value)
            if self._memory.values.get(name, b"" if not expected else None) == expected:
                self._memory.values[name] = _as_bytes(desired_value)
                self._memory.changed.notify_all()
            return self._memory.values.get(name, expected)

    def check(self, keys: Sequence[str]) -> bool:
        """Whether all ``keys`` are there."""
        with self._memory.changed:
            return all(self._prefix + key in self._memory.values for key in keys)

    def wait(self, keys: Sequence[str], timeout: timedelta | None = None) -> None:
        """Wait until all ``keys`` are there, at most ``timeout``.

        Raises:
            DistStoreError: they did not come in time.
        """
        self._when(keys, lambda values: None, timeout)

    def delete_key(self, key: str) -> bool:
        """Forget ``key``; returns whether it was there."""
        with self._memory.changed:
            return self._memory.values.pop(self._prefix + key, None) is not None

    def num_keys(self) -> int:
        """How many keys there are."""
        return len(self._memory.values)

    def set_timeout(self, timeout: timedelta) -> None:
        """Wait for keys at most ``timeout``; 5 minutes at first."""
        self.timeout = timeout


class HashStore(Store):
    """A store in the memory of this process.

    Example:
        >>> import plait
        >>> plait.distributed.HashStore().num_keys()
        0
    """


_files: dict[str, _Memory] = {}
_ports: dict[int, _Memory] = {}


class FileStore(Store):
    """A store with the name of a file. All of this process that have one name have one content; no file is written.

    Args:
        file_name: the name.
        world_size: how many processes use it: 1.

    Example:
        >>> import plait
        >>> plait.distributed.FileStore("/tmp/a_store", 1).path
        '/tmp/a_store'
    """

    def __init__(self, file_name: str, world_size: int = -1) -> None:
        super().__init__()
        self.path = os.fspath(file_name)
        self._memory = _files.setdefault(os.path.realpath(file_name), self._memory)


class TCPStore(Store):
    """A store with the number of a port. All of this process that have one number have one content.

    Args:
        host_name: the name of this machine.
        port: its number; 0 takes one that is free.
        world_size: how many processes use it: 1.
        is_master: whether this is the first store of the port. Default: False.
        timeout: how long to wait for keys. Default: 5 minutes.
        options: accepted for existing programs.

    Raises:
        DistStoreError: this process has no first store of the port.

    Example:
        >>> import plait
        >>> plait.distributed.TCPStore("localhost", 0, 1, is_master=True).port > 0
        True
    """

    def __init__(
        self,
        host_name: str,
        port: int,
        world_size: int | None = None,
        is_master: bool = False,
        timeout: timedelta = timedelta(minutes=5),
        **options: Any,
    ) -> None:
        super().__init__()
        if not is_master and port not in _ports:
            raise DistStoreError(
                f"TCPStore: expected a first store of port {port} in this process, got none\n"
                "hint: groups of several processes are not there yet"
            )
        if port == 0:
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                port = free.getsockname()[1]
        self.host, self.port, self.timeout = host_name, port, timeout
        if is_master:
            _ports[port] = self._memory
        self._memory = _ports[port]


class PrefixStore(Store):
    """A part of another store: keys get a prefix.

    Args:
        prefix: what comes before each key, and a slash.
        store: the other one.

    Example:
        >>> import plait
        >>> store = plait.distributed.HashStore()
        >>> plait.distributed.PrefixStore("a", store).set("key", "value")
        >>> store.get("a/key")
        b'value'
    """

    def __init__(self, prefix: str, store: Store) -> None:
        super().__init__()
        self.underlying_store = store
        self._memory, self.timeout = store._memory, store.timeout
        self._prefix = f"{store._prefix}{prefix}/"
