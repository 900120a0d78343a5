# SPDX-License-Identifier: MIT
"""``torch._utils``: tensors joined and cut apart, tensors put together from their storage."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import plait

__all__ = ["_element_size", "_flatten_dense_tensors", "_rebuild_parameter", "_rebuild_tensor", "_rebuild_tensor_v2"]


def _flatten_dense_tensors(tensors: Sequence[plait.Tensor]) -> plait.Tensor:
    """All elements of several tensors, in one 1-D tensor."""
    return plait.cat([t.contiguous().view(-1) for t in tensors]) if tensors else plait.empty(0)


def _unflatten_dense_tensors(flat: plait.Tensor, tensors: Sequence[plait.Tensor]) -> tuple[plait.Tensor, ...]:
    """Views of ``flat`` with the shapes of several tensors: what :func:`_flatten_dense_tensors` joined."""
    parts = flat.split([t.numel() for t in tensors])
    return tuple(part.view(t.shape) for part, t in zip(parts, tensors))


def _element_size(dtype: plait.dtype) -> int:
    """Bytes of an element."""
    return dtype.itemsize


def _rebuild_tensor(storage: Any, storage_offset: int, size: Any, stride: Any) -> plait.Tensor:
    """A tensor of a storage's memory."""
    return plait.empty(0, dtype=storage.dtype).set_(storage, storage_offset, size, stride)


def _rebuild_tensor_v2(
    storage: Any,
    storage_offset: int,
    size: Any,
    stride: Any,
    requires_grad: bool,
    backward_hooks: Any,
    metadata: Any = None,
) -> plait.Tensor:
    """:func:`_rebuild_tensor` with what autograd knows of it."""
    return _rebuild_tensor(storage, storage_offset, size, stride).requires_grad_(requires_grad)


def _rebuild_parameter(data: plait.Tensor, requires_grad: bool, backward_hooks: Any) -> plait.nn.Parameter:
    """A parameter of a tensor."""
    return plait.nn.Parameter(data, requires_grad)
