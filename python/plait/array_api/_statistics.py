# SPDX-License-Identifier: MIT
"""Sums, means, extremes, truth."""

from __future__ import annotations

from typing import Any

from .._core import ArgumentError, Tensor, dtype
from ._package import plait

__all__ = [
    "all",
    "any",
    "argmax",
    "argmin",
    "count_nonzero",
    "cumulative_prod",
    "cumulative_sum",
    "diff",
    "max",
    "mean",
    "min",
    "prod",
    "std",
    "sum",
    "var",
]


def _axes(x: Tensor, axis: Any) -> tuple[int, ...]:
    return tuple(range(x.dim())) if axis is None else (axis,) if isinstance(axis, int) else tuple(axis)


def _wide(x: Tensor) -> dtype:
    """The dtype sums are in: integers as int64, unsigned ones as uint64."""
    if x.is_floating_point() or x.is_complex():
        return x.dtype
    return plait.int64 if x.is_signed() or x.dtype == plait.bool else plait.uint64


def sum(x: Tensor, /, *, axis: Any = None, dtype: dtype | None = None, keepdims: bool = False) -> Tensor:
    result = dtype or _wide(x)
    axes = _axes(x, axis)
    if not axes:  # nothing is summed
        return x.to(result, copy=True)
    return plait.sum(x, axes, keepdims, dtype=result)


def prod(x: Tensor, /, *, axis: Any = None, dtype: dtype | None = None, keepdims: bool = False) -> Tensor:
    y = x.to(dtype or _wide(x))
    axes = sorted((a % x.dim() for a in _axes(x, axis)), reverse=True) if x.dim() else []
    if not axes:
        return y.clone()
    for a in axes:
        y = plait.prod(y, a, keepdims, dtype=y.dtype)
    return y


def mean(x: Tensor, /, *, axis: Any = None, keepdims: bool = False) -> Tensor:
    axes = _axes(x, axis)
    return plait.mean(x, axes, keepdims) if axes else x.clone()


def var(x: Tensor, /, *, axis: Any = None, correction: float = 0.0, keepdims: bool = False) -> Tensor:
    axes = _axes(x, axis)
    if not axes:
        return x - x if correction < 1 else plait.full_like(x, float("nan"))  # NaN stays NaN
    return plait.var(x, axes, correction=correction, keepdim=keepdims)


def std(x: Tensor, /, *, axis: Any = None, correction: float = 0.0, keepdims: bool = False) -> Tensor:
    return plait.sqrt(var(x, axis=axis, correction=correction, keepdims=keepdims))


def max(x: Tensor, /, *, axis: Any = None, keepdims: bool = False) -> Tensor:
    axes = _axes(x, axis)
    return plait.amax(x, axes, keepdims) if axes else x.clone()


def min(x: Tensor, /, *, axis: Any = None, keepdims: bool = False) -> Tensor:
    axes = _axes(x, axis)
    return plait.amin(x, axes, keepdims) if axes else x.clone()


def any(x: Tensor, /, *, axis: Any = None, keepdims: bool = False) -> Tensor:
    axes = _axes(x, axis)
    return plait.any(x != 0, axes, keepdims) if axes else x.to(plait.bool, copy=True)


def all(x: Tensor, /, *, axis: Any = None, keepdims: bool = False) -> Tensor:
    axes = _axes(x, axis)
    return plait.all(x != 0, axes, keepdims) if axes else x.to(plait.bool, copy=True)


def count_nonzero(x: Tensor, /, *, axis: Any = None, keepdims: bool = False) -> Tensor:
    return sum((x != 0).to(plait.int64), axis=axis, keepdims=keepdims)


def argmax(x: Tensor, /, *, axis: int | None = None, keepdims: bool = False) -> Tensor:
    return _place(plait.argmax, x, axis, keepdims)


def argmin(x: Tensor, /, *, axis: int | None = None, keepdims: bool = False) -> Tensor:
    return _place(plait.argmin, x, axis, keepdims)


def _place(f: Any, x: Tensor, axis: int | None, keepdims: bool) -> Tensor:
    y = x.to(plait.uint8) if x.dtype == plait.bool else x
    if axis is None:
        place = f(y.reshape(-1), 0)
        return place.reshape((1,) * x.dim()) if keepdims else place
    return f(y, axis, keepdims)


def _cumulative(
    name: str, f: Any, first: int, x: Tensor, axis: int | None, dtype: dtype | None, include_initial: bool
) -> Tensor:
    if axis is None:
        if x.dim() > 1:
            raise ArgumentError(f"{name}: expected an axis for a tensor of shape {tuple(x.shape)}")
        axis = 0
    y = f(x, axis, dtype=dtype or _wide(x))
    if not include_initial:
        return y
    shape = list(y.shape)
    shape[axis] = 1
    return plait.cat([plait.full(shape, first, dtype=y.dtype), y], axis)


def cumulative_sum(
    x: Tensor, /, *, axis: int | None = None, dtype: dtype | None = None, include_initial: bool = False
) -> Tensor:
    return _cumulative("cumulative_sum", plait.cumsum, 0, x, axis, dtype, include_initial)


def cumulative_prod(
    x: Tensor, /, *, axis: int | None = None, dtype: dtype | None = None, include_initial: bool = False
) -> Tensor:
    return _cumulative("cumulative_prod", plait.cumprod, 1, x, axis, dtype, include_initial)


def diff(
    x: Tensor, /, *, axis: int = -1, n: int = 1, prepend: Tensor | None = None, append: Tensor | None = None
) -> Tensor:
    return plait.diff(x, n, axis, prepend, append)
