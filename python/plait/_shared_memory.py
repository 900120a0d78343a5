# SPDX-License-Identifier: MIT
"""Tensors in memory that several processes map.

A block is a file without a name in memory. A forked process maps it already; another one gets its descriptor when a
tensor is sent to it (``multiprocessing`` passes descriptors).
"""

from __future__ import annotations

import mmap
import os
import tempfile
import weakref
from collections.abc import Iterable
from typing import Any

import numpy as np

from . import _core
from ._core import Tensor
from ._tensor import _view_of_bytes

__all__ = ["is_shared", "reduce_shared", "register_reducers", "share"]

_ALIGN = 64


class _Block:
    """A mapped block. It lives as long as a tensor shows it."""

    def __init__(self, descriptor: int, size: int) -> None:
        self.descriptor, self.size = descriptor, size
        array = np.frombuffer(mmap.mmap(descriptor, size), np.uint8)
        self.address = array.__array_interface__["data"][0]
        self.array = weakref.ref(array)  # which the storage of the tensors keeps
        self.first = _core.from_numpy(array)
        key = os.fstat(descriptor).st_ino
        _by_address[self.address], _by_inode[key] = self, self
        weakref.finalize(array, _forget, self.address, key, descriptor)

    def bytes(self) -> Tensor:
        """All of it as a tensor."""
        array = self.array()
        assert array is not None
        return _core.from_numpy(array)


_by_address: dict[int, _Block] = {}
_by_inode: dict[int, _Block] = {}


def _forget(address: int, key: int, descriptor: int) -> None:
    _by_address.pop(address, None)
    _by_inode.pop(key, None)
    os.close(descriptor)


def _new_block(size: int) -> tuple[_Block, Tensor]:
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("plait-shared")
    else:
        with tempfile.TemporaryFile() as file:
            descriptor = os.dup(file.fileno())
    os.ftruncate(descriptor, size)
    return _open_block(descriptor, size)


def _open_block(descriptor: int, size: int) -> tuple[_Block, Tensor]:
    block = _Block(descriptor, size)
    first = block.first
    del block.first  # the tensors keep the block, not the block itself
    return block, first


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
    """Move the memory of tensors to one shared block; what they have in common stays common."""
    moved: list[Tensor] = [t for t in tensors if t.numel() and not is_shared(t)]
    sizes: dict[int, Any] = {}
    for t in moved:
        memory: Any = t._storage_bytes()  # type: ignore[attr-defined]
        sizes.setdefault(memory.data_ptr(), memory)
    total = sum(-(-m.numel() // _ALIGN) * _ALIGN for m in sizes.values())
    if not total:
        return
    _, target = _new_block(total)
    places, at = {}, 0
    for address, memory in sizes.items():
        places[address] = at
        target[at : at + memory.numel()].copy_(memory)
        at += -(-memory.numel() // _ALIGN) * _ALIGN
    register_reducers()
    for t in moved:
        address = t._storage_bytes().data_ptr()  # type: ignore[attr-defined]
        first = places[address] + t.data_ptr() - address
        t.data = _view_of_bytes(target, t.dtype, t.shape, t.stride(), first)


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
    from multiprocessing import reduction

    block = _block_of(t)
    assert block is not None
    first = t.data_ptr() - block.address
    layout = (str(t.dtype).rpartition(".")[2], tuple(t.shape), tuple(t.stride()), first)
    duplicate = reduction.DupFd(block.descriptor)  # type: ignore[attr-defined]
    return _map_shared, (type(t), duplicate, block.size, layout, t.requires_grad, t.__dict__ or None)


def _map_shared(
    kind: type, duplicate: Any, size: int, layout: tuple[Any, ...], requires_grad: bool, attributes: Any
) -> Tensor:
    descriptor = duplicate.detach()
    known = _by_inode.get(os.fstat(descriptor).st_ino)
    if known is not None:
        os.close(descriptor)
        memory = known.bytes()
    else:
        _, memory = _open_block(descriptor, size)
        register_reducers()
    dtype, shape, strides, first = layout
    t = _view_of_bytes(memory, getattr(_core, dtype), shape, strides, first)
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
