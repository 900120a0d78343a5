# SPDX-License-Identifier: MIT
"""Convolution as sliding windows and one einsum; transposed convolution as its adjoint, by scattering."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view


def per_dim(value: Any, dims: int) -> tuple[int, ...]:
    return tuple(value) if isinstance(value, (list, tuple)) else (value,) * dims


def same_padding(kernel: tuple[int, ...], dilation: tuple[int, ...]) -> list[tuple[int, int]]:
    totals = [d * (k - 1) for k, d in zip(kernel, dilation)]
    return [(t // 2, t - t // 2) for t in totals]  # an odd one goes to the end


def dilated_windows(x: np.ndarray, kernel: tuple[int, ...], stride: tuple[int, ...], dilation: tuple[int, ...]):
    """(n, c, *out, *kernel): the patch of x that each output position sees."""
    dims = len(kernel)
    spans = tuple(d * (k - 1) + 1 for k, d in zip(kernel, dilation))
    windows = sliding_window_view(x, spans, axis=tuple(range(2, 2 + dims)))
    steps = tuple(slice(None, None, s) for s in stride) + tuple(slice(None, None, d) for d in dilation)
    return windows[(slice(None), slice(None), *steps)]


def conv(
    x: np.ndarray,  # (n, c, *size) or (c, *size)
    w: np.ndarray,  # (o, c / groups, *kernel)
    b: np.ndarray | None = None,  # (o,)
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> np.ndarray:
    dims = w.ndim - 2
    if x.ndim == dims + 1:
        return conv(x[None], w, b, stride, padding, dilation, groups)[0]
    kernel = w.shape[2:]
    stride, dilation = per_dim(stride, dims), per_dim(dilation, dims)
    if padding == "same":
        pads = same_padding(kernel, dilation)
    else:
        pads = [(p, p) for p in per_dim(0 if padding == "valid" else padding, dims)]
    x = np.pad(x, [(0, 0), (0, 0), *pads])
    windows = dilated_windows(x, kernel, stride, dilation)
    n, c = x.shape[:2]
    o = w.shape[0]
    out_size = windows.shape[2 : 2 + dims]
    patches = windows.reshape(n, groups, c // groups, int(np.prod(out_size)), int(np.prod(kernel)))
    weights = w.reshape(groups, o // groups, c // groups, int(np.prod(kernel)))
    y = np.einsum("ngcpk,gock->ngop", patches, weights).reshape(n, o, *out_size)
    return y if b is None else y + b.reshape(1, o, *(1,) * dims)


def conv_transpose(
    x: np.ndarray,  # (n, c, *size) or (c, *size)
    w: np.ndarray,  # (c, o / groups, *kernel)
    b: np.ndarray | None = None,  # (o,)
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> np.ndarray:
    dims = w.ndim - 2
    if x.ndim == dims + 1:
        return conv_transpose(x[None], w, b, stride, padding, output_padding, groups, dilation)[0]
    kernel, size = w.shape[2:], x.shape[2:]
    stride, padding = per_dim(stride, dims), per_dim(padding, dims)
    extra, dilation = per_dim(output_padding, dims), per_dim(dilation, dims)
    full = [(i - 1) * s + d * (k - 1) + 1 + e for i, s, d, k, e in zip(size, stride, dilation, kernel, extra)]
    n, c = x.shape[:2]
    per_group = w.shape[1]
    y = np.zeros((n, groups * per_group, *full), dtype=np.result_type(x, w))
    xg = x.reshape(n, groups, c // groups, *size)
    wg = w.reshape(groups, c // groups, per_group, *kernel)
    for offset in np.ndindex(*kernel):  # every input position adds w[offset] times itself
        value = np.einsum("ngc...,gco->ngo...", xg, wg[(slice(None),) * 3 + offset])
        where = tuple(slice(o * d, o * d + (i - 1) * s + 1, s) for o, d, i, s in zip(offset, dilation, size, stride))
        y[(slice(None), slice(None), *where)] += value.reshape(n, groups * per_group, *size)
    crop = tuple(slice(p, f - p) for p, f in zip(padding, full))
    y = y[(slice(None), slice(None), *crop)]
    return y if b is None else y + b.reshape(1, -1, *(1,) * dims)
