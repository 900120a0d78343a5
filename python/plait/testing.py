# SPDX-License-Identifier: MIT
"""Comparing tensors in tests."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from . import _core
from ._core import ArgumentError, ArgumentTypeError, Tensor

__all__ = ["assert_allclose", "assert_close", "make_tensor"]

# The larger of the two dtypes' tolerances counts.
_TOLERANCES = {
    "float16": (1e-3, 1e-5),
    "bfloat16": (1.6e-2, 1e-5),
    "float32": (1.3e-6, 1e-5),
    "float64": (1e-7, 1e-7),
}


def _compare(actual: Any, expected: Any, path: str, rtol: float | None, atol: float | None, options: Any) -> None:
    where = f" at {path}" if path else ""
    if isinstance(actual, Mapping) and isinstance(expected, Mapping):
        if set(actual) != set(expected):
            raise AssertionError(f"assert_close: keys differ{where}: {sorted(actual)} and {sorted(expected)}")
        for key in expected:
            _compare(actual[key], expected[key], f"{path}[{key!r}]", rtol, atol, options)
        return
    sequences = [isinstance(v, Sequence) and not isinstance(v, str) for v in (actual, expected)]
    if all(sequences):
        if len(actual) != len(expected):
            raise AssertionError(f"assert_close: lengths differ{where}: {len(actual)} and {len(expected)}")
        for i, (a, e) in enumerate(zip(actual, expected)):
            _compare(a, e, f"{path}[{i}]", rtol, atol, options)
        return
    arrays = [isinstance(v, Tensor | np.ndarray) for v in (actual, expected)]
    if any(sequences) and any(arrays):
        raise ArgumentTypeError(
            f"assert_close: cannot compare {type(actual).__name__} and {type(expected).__name__}{where}"
        )
    if not options["allow_subclasses"] and type(actual) is not type(expected):
        raise ArgumentTypeError(f"assert_close: types differ{where}: {type(actual)} and {type(expected)}")
    if actual is None and expected is None:
        return
    try:
        a, e = _core.as_tensor(actual), _core.as_tensor(expected)
    except (TypeError, ValueError) as error:
        raise ArgumentTypeError(
            f"assert_close: expected tensors, arrays or numbers{where}, got {type(actual).__name__} and "
            f"{type(expected).__name__}"
        ) from error
    if a.shape != e.shape:
        raise AssertionError(f"assert_close: shapes differ{where}: {tuple(a.shape)} and {tuple(e.shape)}")
    numbers = not any(arrays)
    if options["check_dtype"] and a.dtype != e.dtype:
        raise AssertionError(f"assert_close: dtypes differ{where}: {a.dtype} and {e.dtype}")
    if options["check_stride"] and a.stride() != e.stride():
        raise AssertionError(f"assert_close: strides differ{where}: {a.stride()} and {e.stride()}")
    if rtol is None or atol is None:
        both = [_TOLERANCES.get("float64" if numbers else t.dtype.to_real().name, (0.0, 0.0)) for t in (a, e)]
        rtol, atol = (max(pair) for pair in zip(*both))
    x, y = (t.detach().double().numpy() if t.is_floating_point() else t.detach().numpy() for t in (a, e))
    wide = np.complex128 if a.is_complex() or e.is_complex() else np.float64
    with np.errstate(invalid="ignore", over="ignore"):
        off = np.abs(x.astype(wide) - y.astype(wide))
        near = np.isfinite(x) & np.isfinite(y) & (off <= atol + rtol * np.abs(y.astype(wide)))
    wrong = ~((x == y) | near)
    if options["equal_nan"]:
        wrong &= ~(np.isnan(x) & np.isnan(y))
    if not wrong.any():
        return
    if callable(options["msg"]):
        raise AssertionError(options["msg"](_report(x, y, off, wrong, where, rtol, atol)))
    raise AssertionError(options["msg"] or _report(x, y, off, wrong, where, rtol, atol))


def _report(x: Any, y: Any, off: Any, wrong: Any, where: str, rtol: float, atol: float) -> str:
    if x.ndim == 0:
        return (
            f"Scalars are not close!{where}\n\nExpected {y} but got {x}: difference {off} "
            f"(up to {atol + rtol * abs(y)} allowed)"
        )
    worst = np.unravel_index(int(np.argmax(np.where(wrong, np.nan_to_num(off, nan=np.inf), -1))), x.shape)
    index = tuple(int(i) for i in worst)
    return (
        f"Tensor-likes are not close!{where}\n\nMismatched elements: {int(wrong.sum())} / {x.size} "
        f"({100 * wrong.mean():.1f}%)\nGreatest difference: {off[index]} at index {index} "
        f"(rtol {rtol}, atol {atol} allowed)"
    )


def assert_close(
    actual: Any,
    expected: Any,
    *,
    allow_subclasses: bool = True,
    rtol: float | None = None,
    atol: float | None = None,
    equal_nan: bool = False,
    check_device: bool = True,
    check_dtype: bool = True,
    check_layout: bool = True,
    check_stride: bool = False,
    msg: str | Callable[[str], str] | None = None,
) -> None:
    """Raise AssertionError unless ``|actual - expected| <= atol + rtol * |expected|`` everywhere.

    Args:
        actual: a tensor, an array, a number, or sequences and mappings of them.
        expected: the same.
        allow_subclasses: whether the types may differ.
        rtol: relative tolerance, given together with ``atol``. Default: by dtype, 1.3e-6 for float32.
        atol: absolute tolerance. Default: by dtype, 1e-5 for float32.
        equal_nan: whether NaN equals NaN. Default: ``False``.
        check_device: no effect: there is one device.
        check_dtype: whether the dtypes must be equal. Default: ``True``.
        check_layout: no effect: there is one layout.
        check_stride: whether the strides must be equal. Default: ``False``.
        msg: the message, or a function that makes one of the usual message.

    Example:
        >>> import plait
        >>> plait.testing.assert_close(plait.tensor([1.0]), plait.tensor([1.0 + 1e-6]))
    """
    if (rtol is None) != (atol is None):
        raise ArgumentError(f"assert_close: expected both rtol and atol or neither, got {rtol} and {atol}")
    options = {
        "allow_subclasses": allow_subclasses,
        "equal_nan": equal_nan,
        "check_dtype": check_dtype,
        "check_stride": check_stride,
        "msg": msg,
    }
    _compare(actual, expected, "", rtol, atol, options)


def assert_allclose(
    actual: Any,
    expected: Any,
    rtol: float | None = None,
    atol: float | None = None,
    equal_nan: bool = True,
    msg: str = "",
) -> None:
    """See :func:`assert_close`, which takes the place of this function.

    Args:
        actual: a tensor or what becomes one.
        expected: the same.
        rtol: relative tolerance. Default: by the dtype.
        atol: absolute tolerance. Default: by the dtype.
        equal_nan: whether NaN equals NaN. Default: ``True``.
        msg: the error's text.
    """
    as_tensor = lambda v: v if isinstance(v, Tensor) else _core.as_tensor(v)  # noqa: E731
    first, second = as_tensor(actual), as_tensor(expected)
    assert_close(
        first, second.to(first.dtype), rtol=rtol, atol=atol, equal_nan=equal_nan, check_dtype=False, msg=msg or None
    )


def make_tensor(
    *shape: Any,
    dtype: Any,
    device: Any = None,
    low: float | None = None,
    high: float | None = None,
    requires_grad: bool = False,
    noncontiguous: bool = False,
    exclude_zero: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """A tensor of random values for a test.

    Args:
        shape: the sizes.
        dtype: its dtype.
        device: the CPU.
        low: the smallest value. Default: -9, for unsigned integers and bool 0.
        high: the values are below this. Default: 9 for floats, 10 for integers, 2 for bool.
        requires_grad: whether it is a leaf with a gradient. Default: ``False``.
        noncontiguous: whether every second element of memory is left out. Default: ``False``.
        exclude_zero: whether zeros become the smallest value, or 1. Default: ``False``.
        memory_format: accepted and ignored.

    Returns:
        A tensor.

    Raises:
        ValueError: ``low`` is not below ``high``.

    Example:
        >>> import plait
        >>> plait.testing.make_tensor(2, 3, dtype=plait.int8, low=0, high=3).shape
        plait.Size([2, 3])
    """
    sizes = tuple(shape[0]) if len(shape) == 1 and not isinstance(shape[0], int) else shape
    floats = dtype.is_floating_point or dtype.is_complex
    start = low if low is not None else -9 if dtype.is_signed else 0
    end = high if high is not None else 9 if floats else 2 if dtype == _core.bool else 10
    if start >= end:
        raise ArgumentError(f"make_tensor: expected low < high, got {start} and {end}")
    wanted = (*sizes[:-1], 2 * sizes[-1]) if noncontiguous and sizes else sizes
    if floats:
        part = lambda: _core.rand(wanted, dtype=_core.float64) * (end - start) + start  # noqa: E731
        values = _core.complex(part(), part()) if dtype.is_complex else part()
        result = values.to(dtype)
    else:
        result = _core.randint(int(start), int(end), wanted).to(dtype)
    if noncontiguous and sizes:
        result = result[..., ::2]
    if exclude_zero:
        result[result == 0] = _smallest(dtype)
    return result.requires_grad_(requires_grad) if requires_grad else result


def _smallest(dtype: Any) -> float:
    if not dtype.is_floating_point:
        return 1
    from ._tensor import finfo

    return finfo(dtype).tiny
