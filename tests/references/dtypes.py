# SPDX-License-Identifier: MIT
"""Dtypes without the library under test: promotion written out, rounding and spacing of every float."""

from __future__ import annotations

import math

import numpy as np

CATEGORY = {
    "bool": 0, "uint8": 1, "int8": 1, "int16": 1, "int32": 1, "int64": 1, "uint16": 1, "uint32": 1, "uint64": 1,
    "float16": 2, "bfloat16": 2, "float32": 2, "float64": 2,
}  # fmt: skip
MANTISSA = {"float16": 10, "bfloat16": 7, "float32": 23, "float64": 52}
MIN_EXPONENT = {"float16": -14, "bfloat16": -126, "float32": -126, "float64": -1022}
MAX_FINITE = {
    "float16": 65504.0,
    "bfloat16": 3.3895313892515355e38,
    "float32": 3.4028234663852886e38,
    "float64": 1.7976931348623157e308,
}

# Row and column order: the promotion of two tensors that both have dimensions.
ORDER = (
    "bool", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64",
    "float16", "bfloat16", "float32", "float64",
)  # fmt: skip
_B, _U1, _U2, _U4, _U8, _I1, _I2, _I4, _I8, _F2, _BF, _F4, _F8 = ORDER
PROMOTION = (
    (_B, _U1, _U2, _U4, _U8, _I1, _I2, _I4, _I8, _F2, _BF, _F4, _F8),
    (_U1, _U1, _U2, _U4, _U8, _I2, _I2, _I4, _I8, _F2, _BF, _F4, _F8),
    (_U2, _U2, _U2, _U4, _U8, _I4, _I4, _I4, _I8, _F2, _BF, _F4, _F8),
    (_U4, _U4, _U4, _U4, _U8, _I8, _I8, _I8, _I8, _F2, _BF, _F4, _F8),
    (_U8, _U8, _U8, _U8, _U8, _F8, _F8, _F8, _F8, _F2, _BF, _F4, _F8),
    (_I1, _I2, _I4, _I8, _F8, _I1, _I2, _I4, _I8, _F2, _BF, _F4, _F8),
    (_I2, _I2, _I4, _I8, _F8, _I2, _I2, _I4, _I8, _F2, _BF, _F4, _F8),
    (_I4, _I4, _I4, _I8, _F8, _I4, _I4, _I4, _I8, _F2, _BF, _F4, _F8),
    (_I8, _I8, _I8, _I8, _F8, _I8, _I8, _I8, _I8, _F2, _BF, _F4, _F8),
    (_F2, _F2, _F2, _F2, _F2, _F2, _F2, _F2, _F2, _F2, _F4, _F4, _F8),
    (_BF, _BF, _BF, _BF, _BF, _BF, _BF, _BF, _BF, _F4, _BF, _F4, _F8),
    (_F4, _F4, _F4, _F4, _F4, _F4, _F4, _F4, _F4, _F4, _F4, _F4, _F8),
    (_F8, _F8, _F8, _F8, _F8, _F8, _F8, _F8, _F8, _F8, _F8, _F8, _F8),
)


def promote(a: str, b: str) -> str:
    return PROMOTION[ORDER.index(a)][ORDER.index(b)]


def result_type(operands: list[tuple[str, str]], default: str = "float32") -> str:
    """Dtype of an op on operands (kind, dtype), kind one of "tensor", "zero_dim", "scalar".

    Tensors with dimensions decide, unless a 0-d tensor or a Python scalar has a higher category; scalars count
    with bool, int64 and the default float.
    """
    best = {"tensor": None, "zero_dim": None, "scalar": None}
    for kind, dtype in operands:
        best[kind] = dtype if best[kind] is None else promote(best[kind], dtype)
    if best["scalar"] is not None and CATEGORY[best["scalar"]] == 2:
        best["scalar"] = default
    result = best["tensor"]
    for kind in ("zero_dim", "scalar"):
        if best[kind] is None:
            continue
        if result is None or CATEGORY[best[kind]] > CATEGORY[result]:
            result = best[kind]
    assert result is not None
    return result


def scalar_dtype(value: object) -> str:
    return {bool: "bool", int: "int64", float: "float64"}[type(value)]


def round_to(values: np.ndarray, dtype: str) -> np.ndarray:
    """Float64 values rounded to the nearest value of `dtype` (ties to even), kept as float64."""
    values = np.asarray(values, dtype=np.float64)
    if dtype == "float64":
        return values
    with np.errstate(all="ignore"):
        single = values.astype(np.float32)
        if dtype == "float32":
            return np.asarray(single.astype(np.float64))
        if dtype == "float16":
            return np.asarray(single.astype(np.float16).astype(np.float64))
    bits = np.asarray(single).reshape(-1).view(np.uint32).astype(np.uint64)
    rounded = ((bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000).astype(np.uint32).view(np.float32)
    rounded = np.where(np.isnan(single.reshape(-1)), np.float32(np.nan), rounded)
    return np.asarray(rounded.astype(np.float64).reshape(values.shape))


def to_integers(values: np.ndarray, dtype: str) -> np.ndarray:
    """Small integers (or booleans) made from float samples: 4 x, NaN to 0, clipped to the dtype."""
    values = np.nan_to_num(np.asarray(values), nan=0.0, posinf=25.0, neginf=-25.0)
    if dtype == "bool":
        return np.asarray(values > 0)
    if dtype.startswith("uint"):
        return np.asarray(np.clip(np.rint(np.abs(values) * 4), 0, 120).astype(dtype))
    return np.asarray(np.clip(np.rint(values * 4), -100, 100).astype(dtype))


def spacing(values: np.ndarray, dtype: str) -> np.ndarray:
    """Distance between neighbours of `dtype` at |values|."""
    exponent = np.full(np.shape(values), float(MIN_EXPONENT[dtype]))
    finite = np.isfinite(values) & (values != 0)
    np.copyto(exponent, np.frexp(np.where(finite, values, 1.0))[1] - 1.0, where=finite)
    return np.exp2(np.maximum(exponent, MIN_EXPONENT[dtype]) - MANTISSA[dtype])


def eps(dtype: str) -> float:
    return math.ldexp(1.0, -MANTISSA[dtype])
