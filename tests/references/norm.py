# SPDX-License-Identifier: MIT
"""Normalisations: subtract a mean, divide by a standard deviation, scale and shift."""

from __future__ import annotations

from typing import Any

import numpy as np


def standardise(x: np.ndarray, axis: tuple[int, ...], eps: float) -> np.ndarray:
    mean = x.mean(axis=axis, keepdims=True)
    var = ((x - mean) ** 2).mean(axis=axis, keepdims=True)
    return (x - mean) / np.sqrt(var + eps)


def per_channel(v: np.ndarray | None, x: np.ndarray, default: float) -> Any:
    return default if v is None else v.reshape(1, -1, *(1,) * (x.ndim - 2))


def batch_norm(
    x: np.ndarray,
    running_mean: np.ndarray | None,
    running_var: np.ndarray | None,
    weight: np.ndarray | None = None,
    bias: np.ndarray | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> np.ndarray:
    if training:
        y = standardise(x, (0, *range(2, x.ndim)), eps)
    else:
        mean, var = per_channel(running_mean, x, 0.0), per_channel(running_var, x, 1.0)
        y = (x - mean) / np.sqrt(var + eps)
    return y * per_channel(weight, x, 1.0) + per_channel(bias, x, 0.0)


def layer_norm(
    x: np.ndarray,
    normalized_shape: Any,
    weight: np.ndarray | None = None,
    bias: np.ndarray | None = None,
    eps: float = 1e-5,
) -> np.ndarray:
    y = standardise(x, tuple(range(-len(normalized_shape), 0)), eps)
    return y * (1.0 if weight is None else weight) + (0.0 if bias is None else bias)


def rms_norm(x: np.ndarray, normalized_shape: Any, weight: np.ndarray | None = None, eps: float | None = None):
    axis = tuple(range(-len(normalized_shape), 0))
    y = x / np.sqrt((x * x).mean(axis=axis, keepdims=True) + (2.0**-52 if eps is None else eps))
    return y * (1.0 if weight is None else weight)


def group_norm(
    x: np.ndarray,
    num_groups: int,
    weight: np.ndarray | None = None,
    bias: np.ndarray | None = None,
    eps: float = 1e-5,
) -> np.ndarray:
    grouped = x.reshape(x.shape[0], num_groups, -1)
    y = standardise(grouped, (2,), eps).reshape(x.shape)
    return y * per_channel(weight, x, 1.0) + per_channel(bias, x, 0.0)


def instance_norm(x: np.ndarray, **kwargs: Any) -> np.ndarray:
    y = standardise(x, tuple(range(2, x.ndim)), kwargs.get("eps", 1e-5))
    return y * per_channel(kwargs.get("weight"), x, 1.0) + per_channel(kwargs.get("bias"), x, 0.0)
