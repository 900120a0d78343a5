# SPDX-License-Identifier: MIT
"""Shapes, joining, indexing, searching, sets and order."""

from __future__ import annotations

from typing import Any, NamedTuple

from .._core import ArgumentError, ArgumentIndexError, Tensor
from ._package import plait

__all__ = [
    "argsort",
    "broadcast_arrays",
    "broadcast_to",
    "concat",
    "expand_dims",
    "flip",
    "moveaxis",
    "nonzero",
    "permute_dims",
    "repeat",
    "reshape",
    "roll",
    "searchsorted",
    "size",
    "sort",
    "squeeze",
    "stack",
    "take",
    "take_along_axis",
    "tile",
    "unique_all",
    "unique_counts",
    "unique_inverse",
    "unique_values",
    "unstack",
    "where",
]


def size(x: Tensor, /) -> int:
    return x.numel()


def _axis(name: str, axis: int, ndim: int) -> int:
    if not -ndim <= axis < ndim:
        raise ArgumentIndexError(f"{name}: axis {axis} is out of range for {ndim} dimensions")
    return axis % ndim


def broadcast_arrays(*arrays: Tensor) -> list[Tensor]:
    return list(plait.broadcast_tensors(*arrays)) if arrays else []


def broadcast_to(x: Tensor, /, shape: Any) -> Tensor:
    return plait.broadcast_to(x, tuple(shape))


def concat(arrays: Any, /, *, axis: int | None = 0) -> Tensor:
    dtype = plait.array_api.result_type(*arrays)
    arrays = [a.to(dtype) for a in arrays]
    return plait.cat([a.reshape(-1) for a in arrays], 0) if axis is None else plait.cat(arrays, axis)


def stack(arrays: Any, /, *, axis: int = 0) -> Tensor:
    dtype = plait.array_api.result_type(*arrays)
    return plait.stack([a.to(dtype) for a in arrays], axis)


def expand_dims(x: Tensor, /, axis: int) -> Tensor:
    if not -x.dim() - 1 <= axis <= x.dim():
        raise ArgumentIndexError(f"expand_dims: axis {axis} is out of range for {x.dim()} dimensions")
    return x.unsqueeze(axis)


def flip(x: Tensor, /, *, axis: Any = None) -> Tensor:
    axes = range(x.dim()) if axis is None else (axis,) if isinstance(axis, int) else axis
    return x.flip(tuple(axes))


def moveaxis(x: Tensor, source: Any, destination: Any, /) -> Tensor:
    return plait.moveaxis(x, source, destination)


def permute_dims(x: Tensor, /, axes: Any) -> Tensor:
    return x.permute(tuple(axes))


def reshape(x: Tensor, /, shape: Any, *, copy: bool | None = None) -> Tensor:
    shape = tuple(shape)
    if copy is False:
        return x.view(shape)
    result = x.reshape(shape)
    return result.clone() if copy else result


def repeat(x: Tensor, repeats: Any, /, *, axis: int | None = None) -> Tensor:
    if axis is None:
        x, axis = x.reshape(-1), 0
    return x.repeat_interleave(repeats.to(plait.int64) if isinstance(repeats, Tensor) else repeats, axis)


def roll(x: Tensor, /, shift: Any, *, axis: Any = None) -> Tensor:
    if axis is None:
        return x.roll(shift) if isinstance(shift, int) else x.roll(sum(shift))
    axes = (axis,) if isinstance(axis, int) else tuple(axis)
    shifts = (shift,) * len(axes) if isinstance(shift, int) else tuple(shift)
    if x.dim() == 0:
        return x.clone()
    # The same axis may be named several times: its shifts add up.
    for s, a in zip(shifts, axes):
        x = x.roll(s, a)
    return x


def squeeze(x: Tensor, /, axis: Any) -> Tensor:
    axes = (axis,) if isinstance(axis, int) else tuple(axis)
    for a in axes:
        if x.shape[_axis("squeeze", a, x.dim())] != 1:
            raise ArgumentError(f"squeeze: expected a size of 1 at axis {a}, got shape {tuple(x.shape)}")
    return x.squeeze(axes)


def tile(x: Tensor, repetitions: Any, /) -> Tensor:
    return x.tile(tuple(repetitions))


def unstack(x: Tensor, /, *, axis: int = 0) -> tuple[Tensor, ...]:
    return x.unbind(axis)


# ---- Indexing and searching -----------------------------------------------------------------------------


def take(x: Tensor, indices: Tensor, /, *, axis: int | None = None) -> Tensor:
    if axis is None:
        if x.dim() != 1:
            raise ArgumentError(f"take: expected an axis for a tensor of shape {tuple(x.shape)}")
        axis = 0
    axis = _axis("take", axis, x.dim())
    flat = plait.where(indices < 0, indices + x.shape[axis], indices).reshape(-1)
    picked = x.index_select(axis, flat)
    return picked.reshape(*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :])


def take_along_axis(x: Tensor, indices: Tensor, /, *, axis: int = -1) -> Tensor:
    axis = _axis("take_along_axis", axis, x.dim())
    places = plait.where(indices < 0, indices + x.shape[axis], indices).to(plait.int64)
    return plait.take_along_dim(x, places, axis)


def nonzero(x: Tensor, /) -> tuple[Tensor, ...]:
    if x.dim() == 0:
        raise ArgumentError("nonzero: expected at least one dimension, got a 0-d tensor")
    return x.nonzero(as_tuple=True)


def searchsorted(x1: Tensor, x2: Any, /, *, side: str = "left", sorter: Tensor | None = None) -> Tensor:
    values = x2 if isinstance(x2, Tensor) else plait.tensor(x2, dtype=x1.dtype)
    common = plait.array_api.result_type(x1, values)
    order = None if sorter is None else sorter.to(plait.int64)
    return plait.searchsorted(x1.to(common), values.to(common), side=side, sorter=order)


def where(condition: Tensor, x1: Any, x2: Any, /) -> Tensor:
    if isinstance(x1, Tensor) and isinstance(x2, Tensor):
        common = plait.array_api.result_type(x1, x2)
        x1, x2 = x1.to(common), x2.to(common)
    elif isinstance(x1, Tensor):
        x2 = plait.full((), x2, dtype=plait.array_api.result_type(x1, x2))
        x1 = x1.to(x2.dtype)
    elif isinstance(x2, Tensor):
        x1 = plait.full((), x1, dtype=plait.array_api.result_type(x2, x1))
        x2 = x2.to(x1.dtype)
    return plait.where(condition, x1, x2)


# ---- Sets -----------------------------------------------------------------------------------------------


class UniqueAll(NamedTuple):
    """What :func:`unique_all` gives."""

    values: Tensor
    indices: Tensor
    inverse_indices: Tensor
    counts: Tensor


class UniqueCounts(NamedTuple):
    """What :func:`unique_counts` gives."""

    values: Tensor
    counts: Tensor


class UniqueInverse(NamedTuple):
    """What :func:`unique_inverse` gives."""

    values: Tensor
    inverse_indices: Tensor


def _unique(x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    if not x.is_complex():
        return plait.unique(x, return_inverse=True, return_counts=True)
    parts = plait.view_as_real(x.reshape(-1))
    values, inverse, counts = plait.unique(parts, return_inverse=True, return_counts=True, dim=0)
    return plait.view_as_complex(values), inverse.reshape(x.shape), counts


def unique_all(x: Tensor, /) -> UniqueAll:
    values, inverse, counts = _unique(x)
    # The first place of each value.
    n = inverse.numel()
    first = plait.full(values.shape, n, dtype=plait.int64)
    first = first.scatter_reduce(0, inverse.reshape(-1), plait.arange(n), "amin")
    return UniqueAll(values, first, inverse, counts)


def unique_counts(x: Tensor, /) -> UniqueCounts:
    values, _, counts = _unique(x)
    return UniqueCounts(values, counts)


def unique_inverse(x: Tensor, /) -> UniqueInverse:
    values, inverse, _ = _unique(x)
    return UniqueInverse(values, inverse)


def unique_values(x: Tensor, /) -> Tensor:
    return _unique(x)[0]


# ---- Order ----------------------------------------------------------------------------------------------


def sort(x: Tensor, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Tensor:
    return plait.sort(x, axis, descending, stable)[0]


def argsort(x: Tensor, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Tensor:
    return plait.argsort(x, axis, descending, stable)
