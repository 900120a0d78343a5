# SPDX-License-Identifier: MIT
"""Pooling by explicit windows."""

from __future__ import annotations

from typing import Any

import numpy as np

from .conv import dilated_windows, per_dim


def output_size(size: int, kernel: int, stride: int, padding: int, dilation: int, ceil_mode: bool) -> int:
    room = size + 2 * padding - dilation * (kernel - 1) - 1
    count = (-(-room // stride) if ceil_mode else room // stride) + 1
    if ceil_mode and (count - 1) * stride >= size + padding:  # a window may not start in the right padding
        count -= 1
    return count


def _batched(pool, x: np.ndarray, dims: int, *args: Any, **kwargs: Any):
    result = pool(x[None], dims, *args, **kwargs)
    return tuple(r[0] for r in result) if isinstance(result, tuple) else result[0]


def max_pool(
    x: np.ndarray,
    dims: int,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    if x.ndim == dims + 1:
        return _batched(max_pool, x, dims, kernel_size, stride, padding, dilation, ceil_mode, return_indices)
    kernel, padding = per_dim(kernel_size, dims), per_dim(padding, dims)
    stride = kernel if stride is None else per_dim(stride, dims)
    dilation = per_dim(dilation, dims)
    size = x.shape[2:]
    outs = [output_size(*a, ceil_mode) for a in zip(size, kernel, stride, padding, dilation)]
    needed = [(o - 1) * s + d * (k - 1) + 1 for o, s, d, k in zip(outs, stride, dilation, kernel)]
    pads = [(p, max(0, n - i - p)) for p, n, i in zip(padding, needed, size)]
    low = -np.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).min
    padded = np.pad(x, [(0, 0), (0, 0), *pads], constant_values=low)
    windows = dilated_windows(padded, kernel, stride, dilation)
    windows = windows[(slice(None), slice(None), *(slice(0, o) for o in outs))]
    flat = windows.reshape(*windows.shape[: 2 + dims], -1)
    values = np.max(flat, axis=-1)
    if not return_indices:
        return values
    # Position in the input of the first maximum of each window.
    place = np.full(x.shape[2:], 0, dtype=np.int64) + np.arange(int(np.prod(size))).reshape(size)
    place = np.broadcast_to(place, x.shape)
    padded_place = np.pad(place, [(0, 0), (0, 0), *pads], constant_values=-1)
    places = dilated_windows(padded_place, kernel, stride, dilation)
    places = places[(slice(None), slice(None), *(slice(0, o) for o in outs))].reshape(flat.shape)
    best = np.where(np.isnan(flat).any(-1), np.argmax(np.isnan(flat), -1), np.argmax(flat, -1))
    return values, np.take_along_axis(places, best[..., None], -1)[..., 0]


def avg_pool(
    x: np.ndarray,
    dims: int,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> np.ndarray:
    if x.ndim == dims + 1:
        args = (kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)
        return _batched(avg_pool, x, dims, *args)
    kernel, padding = per_dim(kernel_size, dims), per_dim(padding, dims)
    stride = kernel if stride is None else per_dim(stride, dims)
    size = x.shape[2:]
    outs = [output_size(i, k, s, p, 1, ceil_mode) for i, k, s, p in zip(size, kernel, stride, padding)]
    y = np.zeros((*x.shape[:2], *outs))
    for place in np.ndindex(*outs):
        starts = [o * s - p for o, s, p in zip(place, stride, padding)]
        ends = [min(a + k, i + p) for a, k, i, p in zip(starts, kernel, size, padding)]
        padded_count = int(np.prod([e - a for a, e in zip(starts, ends)]))
        inside = tuple(slice(max(a, 0), min(e, i)) for a, e, i in zip(starts, ends, size))
        window = x[(slice(None), slice(None), *inside)]
        count = int(np.prod(window.shape[2:]))
        divisor = divisor_override or (padded_count if count_include_pad else count)
        y[(slice(None), slice(None), *place)] = window.sum(axis=tuple(range(2, 2 + dims))) / divisor
    return y


def adaptive(x: np.ndarray, dims: int, output: Any, reduce) -> np.ndarray:
    outs = tuple(i if o is None else o for o, i in zip(per_dim(output, dims), x.shape[-dims:]))
    lead = x.shape[:-dims]
    y = np.zeros((*lead, *outs))
    for place in np.ndindex(*outs):
        # window i of n covers [floor(i * size / n), ceil((i + 1) * size / n))
        inside = tuple(slice(p * i // o, -(-(p + 1) * i // o)) for p, o, i in zip(place, outs, x.shape[-dims:]))
        y[(..., *place)] = reduce(x[(..., *inside)], axis=tuple(range(-dims, 0)))
    return y
