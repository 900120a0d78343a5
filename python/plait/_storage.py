# SPDX-License-Identifier: MIT
"""Memory blocks of tensors: views of them, exchanging them, and the methods of Tensor that do so."""

from __future__ import annotations

import gc
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from . import _core
from ._core import ArgumentError, Tensor, dtype

__all__ = ["all_tensors", "exchange_memory", "memory_methods", "resize_memory", "tensors_on", "view_of_bytes"]


def view_of_bytes(memory: Tensor, dtype: dtype, shape: Any, strides: Any, first: int) -> Tensor:
    """The tensor of this geometry whose first element is at byte ``first`` of a uint8 tensor."""
    part = memory[first : first + (memory.numel() - first) // dtype.itemsize * dtype.itemsize]
    whole = part.view(dtype)
    return whole.as_strided(shape, strides, whole.storage_offset()).detach()


@contextmanager
def _as_plain_tensors() -> Iterator[None]:
    before = _core._turn_off_torch_function(2)
    try:
        yield
    finally:
        _core._turn_off_torch_function(before)


def all_tensors() -> list[Any]:
    """All tensors that Python knows."""
    return [o for o in gc.get_objects() if issubclass(type(o), Tensor)]


def tensors_on(
    memory: Tensor, known: Sequence[Tensor] = (), every: Callable[[], list[Any]] = all_tensors
) -> list[Tensor]:
    """All tensors of the program that show the memory of ``memory``, but for it; the graph's own are not found.

    Args:
        memory: a tensor that is used for nothing else.
        known: those that are known, each once. All objects of the program are searched if there are more.
        every: gives the tensors to search.
    """
    if memory._storage_uses() <= len(known) + 1:  # type: ignore[attr-defined]
        return list(known)
    return [t for t in every() if t is not memory and t._shares_storage(memory)]


def exchange_memory(shown: Sequence[Tensor], target: Tensor) -> None:
    """Let tensors show ``target``, a uint8 tensor that is long enough, at the places where they show their memory."""
    with _as_plain_tensors():
        for t in shown:
            first = min(t.storage_offset() * t.itemsize, target.numel())
            t.data = view_of_bytes(target, t.dtype, t.shape, t.stride(), first)


def _bytes_needed(t: Tensor) -> int:
    last = sum((n - 1) * step for n, step in zip(t.shape, t.stride()))
    return (t.storage_offset() + last + 1) * t.itemsize if t.numel() else 0


def resize_memory(t: Tensor, nbytes: int) -> None:
    """Let the memory block of ``t`` have ``nbytes`` bytes, for all tensors that show it; new ones are uninitialised.

    Raises:
        ValueError: if a tensor shows more than that.
    """
    memory: Any = t._storage_bytes()  # type: ignore[attr-defined]
    shown = tensors_on(memory, [t])
    needed = max(map(_bytes_needed, shown))
    if needed > nbytes:
        raise ArgumentError(
            f"resize_: expected at least the {needed} bytes that a tensor on this memory shows, got {nbytes}\n"
            "hint: t.data = t.new_empty(0) lets the memory of t go"
        )
    target = _core.empty(nbytes, dtype=_core.uint8, device=memory.device)
    kept = min(nbytes, memory.numel())
    target[:kept] = memory[:kept]
    exchange_memory(shown, target)


# ---- methods of Tensor -------------------------------------------------------------------------------------


def _refuse_gradient(t: Tensor, name: str, hint: str) -> None:
    if t.requires_grad and (_core.is_grad_enabled() or not t.is_leaf):
        raise RuntimeError(f"{name}: expected a tensor that does not require grad, got one that does\nhint: {hint}")


def _strides_of(shape: Sequence[int]) -> list[int]:
    return [math.prod(max(n, 1) for n in shape[d + 1 :]) for d in range(len(shape))]


def resize_(self: Tensor, *sizes: Any, memory_format: Any = None) -> Tensor:
    """Give the tensor another size in place: the elements in memory order, those beyond them uninitialised.

    Memory that is too short grows, for all tensors that show it. Raises RuntimeError for a tensor that requires grad.

    Args:
        memory_format: accepted and ignored.
        sizes: the new sizes, one by one or as a sequence.

    Example:
        >>> plait.arange(4).resize_(2, 2)
        tensor([[0, 1],
                [2, 3]])
    """
    if self.requires_grad:
        raise RuntimeError("resize_: cannot resize a tensor that requires grad\nhint: use reshape() or view()")
    shape = sizes[0] if len(sizes) == 1 and not isinstance(sizes[0], int) else sizes
    if tuple(shape) != tuple(self.shape):
        _show(self, self, self.storage_offset(), shape, None)
    return self


def _show(t: Tensor, memory: Any, offset: int, shape: Any, strides: Any) -> None:
    """Let ``t`` show a part of the memory of another tensor, which grows if it is too short."""
    shape = (shape,) if isinstance(shape, int) else tuple(shape)
    strides = _strides_of(shape) if strides is None else (strides,) if isinstance(strides, int) else tuple(strides)
    if len(strides) != len(shape) or offset < 0 or min((*shape, *strides), default=0) < 0:
        raise ArgumentError(f"set_: expected sizes, strides and an offset, got {shape}, {strides} and {offset}")
    extent = sum((n - 1) * step for n, step in zip(shape, strides)) + 1
    needed = 0 if 0 in shape else (offset + extent) * t.itemsize
    if needed > memory._storage_nbytes():
        resize_memory(memory, needed)
    with _as_plain_tensors():
        if 0 in shape:
            t.data = t.detach().new_empty(shape)
        else:
            t.data = view_of_bytes(memory._storage_bytes(), t.dtype, shape, strides, offset * t.itemsize)


def resize_as_(self: Tensor, the_template: Tensor, *, memory_format: Any = None) -> Tensor:
    """``resize_`` to the shape of another tensor.

    Args:
        memory_format: accepted and ignored.
        the_template: whose shape is taken.
    """
    return self.resize_(the_template.shape)


def set_(self: Tensor, source: Any = None, storage_offset: int = 0, size: Any = None, stride: Any = None) -> Tensor:
    """Show the memory of another tensor, or a storage, from now on; without one, become empty.

    Raises RuntimeError for a tensor that requires grad, TypeError for a source of another dtype.

    Args:
        source: a tensor, whose shape is taken too, or what ``storage()`` or ``untyped_storage()`` gives.
        storage_offset: the first element to show. Default: 0.
        size: the shape. Default: all of a storage.
        stride: steps between elements. Default: those of a contiguous tensor.

    Example:
        >>> plait.zeros(2).set_(plait.ones(3))
        tensor([1., 1., 1.])
        >>> plait.zeros(0).set_(plait.arange(6.0).untyped_storage(), 1, (2,), (3,))
        tensor([1., 4.])
    """
    _refuse_gradient(self, "set_", "t.data = other does what is meant")
    if source is None:
        self.data = self.detach().new_empty(0)
        return self
    of = getattr(source, "dtype", self.dtype)
    if of != self.dtype:
        raise _core.ArgumentTypeError(f"set_: expected a source of {self.dtype}, got {of}")
    if isinstance(source, Tensor):
        if size is None:
            self.data = source.detach()
            return self
        memory = source
    else:
        memory = source.untyped()._t
        if size is None:
            size = (memory._storage_nbytes() // self.itemsize - storage_offset,)
    _show(self, memory, storage_offset, size, stride)
    return self


def untyped_storage(self: Tensor) -> Any:
    """The memory block, as bytes: a :class:`plait.UntypedStorage`."""
    from .storage import UntypedStorage

    return UntypedStorage._of(self)


def storage(self: Tensor) -> Any:
    """The memory block, as elements: a :class:`plait.TypedStorage`."""
    from .storage import TypedStorage

    return TypedStorage(wrap_storage=self.untyped_storage(), dtype=self.dtype)


def storage_type(self: Tensor) -> Any:
    """The old name of the storage's type.

    Example:
        >>> plait.ones(2).storage_type().__name__
        'FloatStorage'
    """
    from . import storage

    return getattr(storage, self.storage().pickle_storage_type())


def share_memory_(self: Tensor) -> Tensor:
    """Move the memory to where other processes see it: forked ones, and those that the tensor is sent to.

    All tensors that show the memory move with it.

    Returns:
        The tensor itself.

    Source: PyTorch, ``Tensor.share_memory_``.

    Example:
        >>> import plait
        >>> plait.zeros(2).share_memory_().is_shared()
        True
    """
    from ._shared_memory import share

    share([self])
    return self


def is_shared(self: Tensor) -> bool:
    """Whether the memory is shared with other processes, see ``share_memory_``."""
    shared = sys.modules.get("plait._shared_memory")  # who has shared something has imported it
    return shared is not None and shared.is_shared(self)


memory_methods = (resize_, resize_as_, set_, untyped_storage, storage, storage_type, share_memory_, is_shared)
