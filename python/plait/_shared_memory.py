# SPDX-License-Identifier: MIT
"""Tensors in memory that several processes map.

A block is a file without a name in memory. A forked process maps it already; another one gets its descriptor when a
tensor is sent to it (``multiprocessing`` passes descriptors).
"""

from __future__ import annotations

import functools
import mmap
import os
import tempfile
import weakref
from collections.abc import Iterable
from typing import Any

import numpy as np

from . import _core
from ._core import Tensor
from ._storage import all_tensors, exchange_memory, tensors_on, view_of_bytes

__all__ = ["is_shared", "reduce_shared", "register_reducers", "share"]

_ALIGN = 64


class _Block:
    """A mapped block. It lives as long as a tensor shows it."""

    def __init__(self, descriptor: int, size: int) -> None:
        self.descriptor, self.size = descriptor, size
        mapped = mmap.mmap(descriptor, size)
        self._mapped = weakref.ref(mapped)  # which the storages of the tensors keep
        array = np.frombuffer(mapped, np.uint8)
        self.address = array.__array_interface__["data"][0]
        self.whole: Any = array  # until the first tensor shows it
        key = os.fstat(descriptor).st_ino
        _by_address[self.address], _by_inode[key] = self, self
        weakref.finalize(mapped, _forget, self.address, key, descriptor)

    def part(self, first: int, size: int) -> Tensor:
        """Some of its bytes as a tensor, with a storage of its own."""
        mapped = self._mapped()
        assert mapped is not None
        self.whole = None
        return _core.from_numpy(np.frombuffer(mapped, np.uint8, size, first))


_by_address: dict[int, _Block] = {}
_by_inode: dict[int, _Block] = {}


def _forget(address: int, key: int, descriptor: int) -> None:
    _by_address.pop(address, None)
    _by_inode.pop(key, None)
    os.close(descriptor)


def _new_block(size: int) -> _Block:
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("plait-shared")
    else:
        with tempfile.TemporaryFile() as file:
            descriptor = os.dup(file.fileno())
    os.ftruncate(descriptor, size)
    return _Block(descriptor, size)


def _block_of(t: Tensor) -> _Block | None:
    address = t.data_ptr()
    for block in _by_address.values():
        if block.address <= address < block.address + block.size:
            return block
    return None


def is_shared(t: Tensor) -> bool:
    """Whether the memory of a tensor is shared with other processes."""
    return bool(_by_address) and _block_of(t) is not None


def share(tensors: Iterable[Tensor]) -> None:
    """Move the memory of tensors to one shared block, with all tensors that show the same memory."""
    memories: dict[int, tuple[Any, list[Tensor]]] = {}
    for t in tensors:
        if t._storage_nbytes() and not is_shared(t):  # type: ignore[attr-defined]
            memory: Any = t._storage_bytes()  # type: ignore[attr-defined]
            shown = memories.setdefault(memory.data_ptr(), (memory, []))[1]
            if not any(s is t for s in shown):
                shown.append(t)
    total = sum(-(-memory.numel() // _ALIGN) * _ALIGN for memory, _ in memories.values())
    if not total:
        return
    block, first = _new_block(total), 0
    every = functools.cache(all_tensors)  # one search for all
    register_reducers()
    for memory, shown in memories.values():
        target = block.part(first, memory.numel())
        target.copy_(memory)
        exchange_memory(tensors_on(memory, shown, every), target)
        first += -(-memory.numel() // _ALIGN) * _ALIGN


# ---- sending to other processes ----------------------------------------------------------------------------


def reduce_shared(t: Tensor) -> Any:
    """How ``multiprocessing`` sends a tensor: its memory becomes shared, the other process maps it."""
    if t.requires_grad and not t.is_leaf:
        raise RuntimeError(
            "a tensor that requires grad and is the result of recorded operations cannot be sent to another process\n"
            "hint: send t.detach()"
        )
    if not t.numel():
        return t.__reduce_ex__(2)
    share([t])
    block = _block_of(t)
    assert block is not None
    memory: Any = t._storage_bytes()  # type: ignore[attr-defined]
    start = memory.data_ptr() - block.address
    first = t.storage_offset() * t.itemsize
    layout = (str(t.dtype).rpartition(".")[2], tuple(t.shape), tuple(t.stride()), first)
    place = (block.size, start, memory.numel())
    return _map_shared, (type(t), _duplicate(block.descriptor), place, layout, t.requires_grad, t.__dict__ or None)


def _duplicate(descriptor: int) -> Any:
    """A descriptor for another process. A process that is being started gets each one once."""
    from multiprocessing import context, reduction

    popen: Any = context.get_spawning_popen()
    if popen is None:
        return reduction.DupFd(descriptor)  # type: ignore[attr-defined]
    inherited = popen.__dict__.setdefault("_plait_descriptors", {})
    if descriptor not in inherited:
        inherited[descriptor] = reduction.DupFd(descriptor)  # type: ignore[attr-defined]
    return inherited[descriptor]


def _map_shared(
    kind: type,
    duplicate: Any,
    place: tuple[int, int, int],
    layout: tuple[Any, ...],
    requires_grad: bool,
    attributes: Any,
) -> Tensor:
    size, start, length = place
    descriptor = duplicate.detach()
    block = _by_inode.get(os.fstat(descriptor).st_ino)
    if block is None:
        block = _Block(descriptor, size)
        register_reducers()
    elif block.descriptor != descriptor:
        os.close(descriptor)
    memory = block.part(start, length)
    dtype, shape, strides, first = layout
    t = view_of_bytes(memory, getattr(_core, dtype), shape, strides, first)
    made = t if kind is Tensor else _core._make_subclass(kind, t)
    if made.requires_grad != requires_grad:
        made.requires_grad_(requires_grad)
    if attributes:
        made.__dict__.update(attributes)
    return made


def register_reducers() -> None:
    """From now on ``multiprocessing`` sends tensors by sharing their memory."""
    from multiprocessing.reduction import ForkingPickler

    from .nn.parameter import Buffer, Parameter

    for kind in (Tensor, Parameter, Buffer):
        ForkingPickler.register(kind, reduce_shared)
