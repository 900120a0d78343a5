# SPDX-License-Identifier: MIT
"""Arrays made of numbers."""

from __future__ import annotations

from typing import Any

from .._core import ArgumentError, Tensor, dtype
from ._package import plait

__all__ = [
    "arange",
    "asarray",
    "empty",
    "empty_like",
    "eye",
    "from_dlpack",
    "full",
    "full_like",
    "linspace",
    "meshgrid",
    "ones",
    "ones_like",
    "tril",
    "triu",
    "zeros",
    "zeros_like",
]


def _has_tensor(obj: Any) -> bool:
    return isinstance(obj, Tensor) or (isinstance(obj, list | tuple) and any(_has_tensor(o) for o in obj))


def asarray(obj: Any, /, *, dtype: dtype | None = None, device: Any = None, copy: bool | None = None) -> Tensor:
    if (
        copy is False
        and not isinstance(obj, Tensor)
        and not hasattr(obj, "__dlpack__")
        and not hasattr(obj, "__array__")
    ):
        try:
            memoryview(obj)
        except TypeError:
            raise ArgumentError(f"asarray: a {type(obj).__name__} cannot become a tensor without a copy") from None
    if isinstance(obj, Tensor):
        if copy is False and dtype is not None and dtype != obj.dtype:
            raise ArgumentError(f"asarray: a tensor of {obj.dtype} cannot become {dtype} without a copy")
        result = obj if dtype is None else obj.to(dtype)
        return result.clone() if copy and result is obj else result
    if isinstance(obj, list | tuple) and _has_tensor(obj):
        rows = [asarray(o) for o in obj]
        wanted = plait.array_api.result_type(*rows) if dtype is None else dtype
        return plait.stack([r.to(wanted) for r in rows])
    return plait.asarray(obj, dtype=dtype, device=device, copy=copy)


def from_dlpack(x: Any, /, *, device: Any = None, copy: bool | None = None) -> Tensor:
    result = plait.from_dlpack(x)
    return result.clone() if copy else result


def arange(
    start: float, /, stop: float | None = None, step: float = 1, *, dtype: dtype | None = None, device: Any = None
) -> Tensor:
    if stop is None:
        start, stop = 0, start
    if step == 0:
        raise ArgumentError("arange: expected a step other than 0")
    if (stop - start) * step <= 0:
        integers = all(isinstance(v, int) for v in (start, stop, step))
        return plait.empty(0, dtype=dtype or (plait.int64 if integers else plait.get_default_dtype()))
    return plait.arange(start, stop, step, dtype=dtype, device=device)


def _shape(shape: Any) -> tuple[int, ...]:
    return (shape,) if isinstance(shape, int) else tuple(shape)


def empty(shape: Any, *, dtype: dtype | None = None, device: Any = None) -> Tensor:
    return plait.empty(_shape(shape), dtype=dtype, device=device)


def zeros(shape: Any, *, dtype: dtype | None = None, device: Any = None) -> Tensor:
    return plait.zeros(_shape(shape), dtype=dtype, device=device)


def ones(shape: Any, *, dtype: dtype | None = None, device: Any = None) -> Tensor:
    return plait.ones(_shape(shape), dtype=dtype, device=device)


def full(shape: Any, fill_value: Any, *, dtype: dtype | None = None, device: Any = None) -> Tensor:
    return plait.full(_shape(shape), fill_value, dtype=dtype, device=device)


def empty_like(x: Tensor, /, *, dtype: dtype | None = None, device: Any = None) -> Tensor:
    return plait.empty_like(x, dtype=dtype, device=device)


def zeros_like(x: Tensor, /, *, dtype: dtype | None = None, device: Any = None) -> Tensor:
    return plait.zeros_like(x, dtype=dtype, device=device)


def ones_like(x: Tensor, /, *, dtype: dtype | None = None, device: Any = None) -> Tensor:
    return plait.ones_like(x, dtype=dtype, device=device)


def full_like(x: Tensor, /, fill_value: Any, *, dtype: dtype | None = None, device: Any = None) -> Tensor:
    return plait.full_like(x, fill_value, dtype=dtype, device=device)


def eye(
    n_rows: int, n_cols: int | None = None, /, *, k: int = 0, dtype: dtype | None = None, device: Any = None
) -> Tensor:
    columns = n_rows if n_cols is None else n_cols
    result = plait.zeros(n_rows, columns, dtype=dtype, device=device)
    if -n_rows < k < columns:
        result.diagonal(k).fill_(1)
    return result


def linspace(
    start: Any,
    stop: Any,
    /,
    num: int,
    *,
    dtype: dtype | None = None,
    device: Any = None,
    endpoint: bool = True,
) -> Tensor:
    if dtype is None and isinstance(start, complex) | isinstance(stop, complex):
        dtype = plait.array_api.__array_namespace_info__().default_dtypes()["complex floating"]
    if not endpoint:
        return plait.linspace(start, stop, num + 1, dtype=dtype, device=device)[:num]
    return plait.linspace(start, stop, num, dtype=dtype, device=device)


def meshgrid(*arrays: Tensor, indexing: str = "xy") -> list[Tensor]:
    return list(plait.meshgrid(*arrays, indexing=indexing)) if arrays else []


def tril(x: Tensor, /, *, k: int = 0) -> Tensor:
    return plait.tril(x, k)


def triu(x: Tensor, /, *, k: int = 0) -> Tensor:
    return plait.triu(x, k)
