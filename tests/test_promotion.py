# SPDX-License-Identifier: MIT
"""Which dtype an op on mixed operands gives: tensors, 0-d tensors and Python numbers."""

from __future__ import annotations

from itertools import product

import pytest
from references.dtypes import CATEGORY, ORDER, promote, result_type, scalar_dtype

import plait

FLOATS = [d for d in ORDER if CATEGORY[d] == 2]
INTS = [d for d in ORDER if CATEGORY[d] == 1]


def dtype(name: str) -> plait.dtype:
    return getattr(plait, name)


def name_of(t: plait.Tensor) -> str:
    return str(t.dtype).removeprefix("plait.").removeprefix("torch.")


@pytest.mark.tiny
@pytest.mark.parametrize("a", ORDER)
@pytest.mark.parametrize("b", ORDER)
def test_tensor_and_tensor(a: str, b: str) -> None:
    x, y = plait.ones(2, dtype=dtype(a)), plait.ones(2, dtype=dtype(b))
    expected = dtype(promote(a, b))
    assert plait.promote_types(dtype(a), dtype(b)) == expected
    assert plait.result_type(x, y) == expected
    for op in (plait.add, plait.mul, plait.maximum):
        assert op(x, y).dtype == expected, op
    assert (x == y).dtype == plait.bool
    assert plait.cat([x, y]).dtype == expected
    assert plait.where(x == y, x, y).dtype == expected


@pytest.mark.parametrize("a", ORDER)
@pytest.mark.parametrize("b", ORDER)
def test_tensor_and_zero_dim(a: str, b: str) -> None:
    x, y = plait.ones(2, dtype=dtype(a)), plait.ones((), dtype=dtype(b))
    expected = dtype(result_type([("tensor", a), ("zero_dim", b)]))
    assert plait.result_type(x, y) == expected
    assert (x + y).dtype == expected
    assert (y * x).dtype == expected


@pytest.mark.parametrize("a", ORDER)
@pytest.mark.parametrize("b", ORDER)
def test_zero_dim_and_zero_dim(a: str, b: str) -> None:
    x, y = plait.ones((), dtype=dtype(a)), plait.ones((), dtype=dtype(b))
    assert (x + y).dtype == dtype(promote(a, b))


@pytest.mark.parametrize("a", ORDER)
@pytest.mark.parametrize("scalar", [True, 2, 2.5])
@pytest.mark.parametrize("shape", [(2,), ()])
def test_tensor_and_number(a: str, scalar: float, shape: tuple[int, ...]) -> None:
    x = plait.ones(shape, dtype=dtype(a))
    kind = "tensor" if shape else "zero_dim"
    expected = dtype(result_type([(kind, a), ("scalar", scalar_dtype(scalar))]))
    assert plait.result_type(x, scalar) == expected
    assert (x + scalar).dtype == expected
    assert (scalar * x).dtype == expected
    assert (x == scalar).dtype == plait.bool


@pytest.mark.parametrize("a", ORDER)
def test_division_is_floating(a: str) -> None:
    x = plait.ones(2, dtype=dtype(a))
    expected = dtype(a) if CATEGORY[a] == 2 else plait.float32
    assert (x / x).dtype == expected
    assert (x / 2).dtype == expected
    assert (2 / x).dtype == expected
    assert plait.exp(x).dtype == expected
    assert x.mean().dtype == expected if CATEGORY[a] == 2 else True


@pytest.mark.parametrize(("a", "b"), list(product(ORDER, ORDER)))
def test_in_place_casts_only_within_a_category(a: str, b: str) -> None:
    """x += y writes into x: allowed unless the result's category is above that of x."""
    x, y = plait.ones(2, dtype=dtype(a)), plait.ones(2, dtype=dtype(b))
    if CATEGORY[promote(a, b)] > CATEGORY[a]:
        with pytest.raises(RuntimeError):
            x += y
        assert x.tolist() == plait.ones(2, dtype=dtype(a)).tolist()
    else:
        x += y
        assert x.dtype == dtype(a)


def test_can_cast() -> None:
    assert plait.can_cast(plait.int32, plait.float32)
    assert plait.can_cast(plait.float64, plait.float16)
    assert not plait.can_cast(plait.float32, plait.int64)
    assert not plait.can_cast(plait.int8, plait.bool)


@pytest.mark.parametrize("a", ORDER)
def test_sums_of_integers_are_int64(a: str) -> None:
    x = plait.ones(3, dtype=dtype(a))
    expected = dtype(a) if CATEGORY[a] == 2 else plait.int64
    assert x.sum().dtype == expected
    assert x.prod().dtype == expected
    assert x.cumsum(0).dtype == expected
    assert x.sum(dtype=plait.float64).dtype == plait.float64


def test_default_dtype_rules_scalars_and_factories() -> None:
    plait.set_default_dtype(plait.float64)
    assert plait.ones(2).dtype == plait.float64
    assert plait.tensor(1.5).dtype == plait.float64
    assert (plait.ones(2, dtype=plait.int64) + 1.5).dtype == plait.float64
    assert (plait.ones(2, dtype=plait.int64) / 2).dtype == plait.float64
    assert (plait.ones(2, dtype=plait.float32) + 1.5).dtype == plait.float32
    plait.set_default_dtype(plait.float32)
    for wrong in (plait.int64, plait.bool):
        with pytest.raises(TypeError):
            plait.set_default_dtype(wrong)


@pytest.mark.parametrize("a", INTS)
def test_integers_wrap(a: str) -> None:
    info = plait.iinfo(dtype(a))
    assert (plait.tensor([info.max], dtype=dtype(a)) + 1).item() == info.min
    assert (plait.tensor([info.min], dtype=dtype(a)) - 1).item() == info.max


def test_casts() -> None:
    x = plait.tensor([1.9, -1.9, 0.0, 300.0])
    assert x.to(plait.int32).tolist() == [1, -1, 0, 300]
    assert x.long().tolist() == [1, -1, 0, 300]
    assert x.bool().tolist() == [True, True, False, True]
    assert x.to(plait.int64).to(plait.uint8).tolist() == [1, 255, 0, 44]
    assert plait.tensor([float("nan")]).bool().item() is True
    assert plait.tensor([70000.0]).half().item() == float("inf")
    assert plait.tensor([1.0 + 2.0**-8]).bfloat16().item() == 1.0  # ties to even
    assert plait.tensor([1.0 + 3 * 2.0**-8]).bfloat16().item() == 1.0 + 2.0**-6
    assert plait.tensor([2049.0]).half().item() == 2048.0


@pytest.mark.parametrize("name", FLOATS)
def test_finfo(name: str) -> None:
    bits, eps, largest = {
        "float16": (16, 2.0**-10, 65504.0),
        "bfloat16": (16, 2.0**-7, 3.3895313892515355e38),
        "float32": (32, 2.0**-23, 3.4028234663852886e38),
        "float64": (64, 2.0**-52, 1.7976931348623157e308),
    }[name]
    info = plait.finfo(dtype(name))
    assert (info.bits, info.eps, info.max, info.min) == (bits, eps, largest, -largest)
    assert dtype(name).is_floating_point
    assert dtype(name).itemsize == bits // 8


@pytest.mark.parametrize("name", INTS)
def test_iinfo(name: str) -> None:
    bits = int(name.lstrip("uint"))
    info = plait.iinfo(dtype(name))
    low = 0 if name.startswith("uint") else -(2 ** (bits - 1))
    assert (info.bits, info.min, info.max) == (bits, low, low + 2**bits - 1)
    assert not dtype(name).is_floating_point


def test_aliases() -> None:
    assert plait.float is plait.float32
    assert plait.double is plait.float64
    assert plait.half is plait.float16
    assert plait.long is plait.int64
    assert plait.int is plait.int32
    assert plait.short is plait.int16
