# SPDX-License-Identifier: MIT
"""Tensors on the device "meta", which have a geometry and no data: how they travel."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from . import _core
from ._core import Tensor

__all__ = ["make_meta", "makes_on_device", "reduce_meta"]


def makes_on_device(f: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """``f``, a function that makes a tensor with others, with all of them on the device of its keyword ``device``."""

    @functools.wraps(f)
    def made(*args: Any, device: Any = None, **kwargs: Any) -> Tensor:
        if device is None:
            return f(*args, **kwargs)
        with _core._check_device(f.__name__, device):
            return f(*args, device=device, **kwargs)

    return made


def make_meta(dtype: Any, shape: Any, stride: Any) -> Tensor:
    """A tensor without data of this geometry."""
    return _core.empty_strided(shape, stride, dtype=dtype, device="meta")


def reduce_meta(t: Tensor) -> tuple[Any, ...]:
    """What pickle writes of a tensor without data."""
    state = (t.dtype, tuple(t.shape), t.stride(), t.requires_grad and t.is_leaf, t.__dict__ or None)
    return _rebuild, (t.__class__, *state)


def _rebuild(cls: Any, dtype: Any, shape: Any, stride: Any, requires_grad: bool, attributes: Any) -> Tensor:
    data = make_meta(dtype, shape, stride)
    t = data if cls is Tensor else _core._make_subclass(cls, data)
    if requires_grad:
        t.requires_grad_()
    t.__dict__.update(attributes or {})
    return t
