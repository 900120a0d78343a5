# SPDX-License-Identifier: MIT
"""Making tensors: from data, filled, ranges, like others; and moving their values out again."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import plait


def check(t: plait.Tensor, values: Any, dtype: plait.dtype, shape: tuple[int, ...] | None = None) -> None:
    assert t.dtype == dtype
    assert tuple(t.shape) == (np.shape(values) if shape is None else shape)
    np.testing.assert_array_equal(t.double().numpy(), np.asarray(values, dtype=np.float64))


# ---------------------------------------------------------------- tensor()


@pytest.mark.tiny
@pytest.mark.parametrize(
    ("data", "dtype"),
    [
        (1, "int64"), (1.5, "float32"), (True, "bool"), ([], "float32"), ([[], []], "float32"), ([1, 2], "int64"),
        ([1, 2.5], "float32"), ([True, False], "bool"), ([True, 2], "int64"), ([[1, 2], [3, 4]], "int64"),
        ((1.0, 2.0), "float32"), ([(1, 2), (3, 4)], "int64"), (range(4), "int64"), (np.float32(2), "float32"),
        (np.arange(3), "int64"), (np.arange(3.0), "float64"), (np.ones((2, 2), np.int8), "int8"),
        (np.float64(1.5), "float64"),
        ([np.float32(1), np.float32(2)], "float32"), ([np.arange(2), np.arange(2)], "int64"), (np.bool_(True), "bool"),
    ],
    ids=str,
)  # fmt: skip
def test_tensor_infers_dtype(data: Any, dtype: str) -> None:
    check(plait.tensor(data), list(data) if isinstance(data, range) else data, getattr(plait, dtype))


def test_tensor_options() -> None:
    check(plait.tensor([1, 2], dtype=plait.float64), [1.0, 2.0], plait.float64)
    check(plait.tensor([1.9, -1.9], dtype=plait.int32), [1, -1], plait.int32)
    assert plait.tensor([1.0], requires_grad=True).requires_grad
    assert plait.tensor([1.0], device="cpu").device.type == "cpu"
    x = plait.tensor([plait.tensor(1.0), plait.tensor(2.0)])
    check(x, [1.0, 2.0], plait.float32)
    a = np.zeros(3, np.float32)
    t = plait.tensor(a)
    a[0] = 5
    assert t[0].item() == 0  # always a copy


@pytest.mark.parametrize(
    "data",
    [[[1, 2], [3]], [1, [2]], ["a"], "text", {"a": 1}, None, [None], object, [[1], 2], np.array(["a"])],
    ids=str,
)
def test_tensor_refuses(data: Any) -> None:
    with pytest.raises((ValueError, TypeError, RuntimeError)):
        plait.tensor(data)


def test_tensor_out_of_range() -> None:
    with pytest.raises((OverflowError, RuntimeError, ValueError)):
        plait.tensor(2**63)
    assert plait.tensor(2**63 - 1).item() == 2**63 - 1
    assert plait.tensor([-(2**63)]).item() == -(2**63)
    assert math.isinf(plait.tensor(1e300).item())


def test_as_tensor_shares_when_it_can() -> None:
    a = np.zeros(3, np.float32)
    t = plait.as_tensor(a)
    a[0] = 5
    assert t[0].item() == 5
    assert plait.as_tensor(t) is t
    assert plait.as_tensor([1, 2]).dtype == plait.int64
    assert plait.as_tensor(a, dtype=plait.float64).dtype == plait.float64
    assert plait.asarray(a)[0].item() == 5


def test_typed_constructors() -> None:
    check(plait.FloatTensor([1, 2]), [1.0, 2.0], plait.float32)
    check(plait.LongTensor([1, 2]), [1, 2], plait.int64)
    assert plait.Tensor(2, 3).shape == (2, 3)
    check(plait.Tensor([1, 2]), [1.0, 2.0], plait.float32)


# ---------------------------------------------------------------- filled


@pytest.mark.parametrize("make", ["zeros", "ones", "empty", "rand", "randn"])
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 0, 3), (2, 3, 4)])
def test_sizes(make: str, shape: tuple[int, ...]) -> None:
    f = getattr(plait, make)
    for t in (f(shape), f(list(shape)), f(*shape) if shape else f(()), f(plait.Size(shape)), f(size=shape)):
        assert tuple(t.shape) == shape and t.dtype == plait.float32 and t.is_contiguous()
    assert f(shape, dtype=plait.float64).dtype == plait.float64
    assert f(shape, requires_grad=True).requires_grad


@pytest.mark.parametrize(
    "name",
    [
        "float32",
        "float64",
        "float16",
        "bfloat16",
        "uint8",
        "uint16",
        "uint32",
        "uint64",
        "int8",
        "int16",
        "int32",
        "int64",
        "bool",
    ],
)
def test_filled_dtypes(name: str) -> None:
    dtype = getattr(plait, name)
    check(plait.zeros(3, dtype=dtype), [0, 0, 0], dtype)
    check(plait.ones(33, dtype=dtype), np.ones(33), dtype)
    check(plait.full((2, 2), 1, dtype=dtype), np.ones((2, 2)), dtype)
    check(plait.eye(2, 3, dtype=dtype), np.eye(2, 3), dtype)
    x = plait.ones(2, 3, dtype=dtype)
    for t in (plait.zeros_like(x), x.new_zeros(2, 3), x.new_zeros((2, 3))):
        check(t, np.zeros((2, 3)), dtype)
    for t in (plait.ones_like(x), x.new_ones(2, 3), plait.full_like(x, 1), x.new_full((2, 3), 1)):
        check(t, np.ones((2, 3)), dtype)
    assert plait.empty_like(x).shape == x.new_empty((2, 3)).shape == (2, 3)
    check(x.new_tensor([0, 1]), [0, 1], dtype)


def test_full_infers_dtype() -> None:
    assert plait.full((2,), 1).dtype == plait.int64
    assert plait.full((2,), 1.0).dtype == plait.float32
    assert plait.full((2,), True).dtype == plait.bool
    check(plait.full((), 7.0), 7.0, plait.float32)


def test_like_keeps_dtype_but_not_history() -> None:
    x = plait.ones(2, 3, dtype=plait.float64, requires_grad=True)
    y = plait.zeros_like(x)
    assert y.dtype == plait.float64 and not y.requires_grad
    assert plait.zeros_like(x, dtype=plait.int8).dtype == plait.int8
    assert plait.zeros_like(x.t()).shape == (3, 2)


def test_eye() -> None:
    check(plait.eye(3), np.eye(3), plait.float32)
    check(plait.eye(4, 2), np.eye(4, 2), plait.float32)
    check(plait.eye(0), np.zeros((0, 0)), plait.float32)
    with pytest.raises((ValueError, RuntimeError)):
        plait.eye(-1)


@pytest.mark.parametrize("make", ["zeros", "ones", "empty", "rand", "randn"])
@pytest.mark.parametrize("shape", [(-1,), (2, -3), (2**62, 4), (2**63 - 1, 2), (2**31, 2**31, 2**31)])
def test_impossible_sizes(make: str, shape: tuple[int, ...]) -> None:
    with pytest.raises((ValueError, RuntimeError, MemoryError, OverflowError)):
        getattr(plait, make)(shape)


def test_more_than_the_machine_has() -> None:
    with pytest.raises((MemoryError, RuntimeError)):
        plait.zeros(2**50)
    assert plait.ones(2).sum().item() == 2


# ---------------------------------------------------------------- ranges


@pytest.mark.parametrize(
    ("args", "dtype"),
    [
        ((5,), "int64"), ((2, 7), "int64"), ((1, 10, 3), "int64"), ((10, 0, -3), "int64"), ((0,), "int64"),
        ((1.0, 2.0, 0.25), "float32"), ((5.0,), "float32"), ((0, 1, 0.1), "float32"), ((1, 0, -0.25), "float32"),
        ((-3, 4), "int64"), ((3, 3), "int64"),
    ],
)  # fmt: skip
def test_arange(args: tuple, dtype: str) -> None:
    t = plait.arange(*args)
    expected = np.arange(*args)
    assert t.dtype == getattr(plait, dtype) and tuple(t.shape) == expected.shape
    np.testing.assert_allclose(t.double().numpy(), expected.astype(np.float64), rtol=1e-6, atol=1e-7)


def test_arange_errors() -> None:
    for args in ((0, 5, 0), (0, 5, -1), (5, 0, 1), (0, float("inf")), (0, float("nan"))):
        with pytest.raises((ValueError, RuntimeError)):
            plait.arange(*args)
    assert plait.arange(3, dtype=plait.float64).dtype == plait.float64
    assert plait.arange(0, 5, 2, dtype=plait.uint8).tolist() == [0, 2, 4]


@pytest.mark.parametrize(
    ("a", "b", "n"), [(0, 1, 5), (-2.5, 3.5, 7), (3, 3, 4), (5, -5, 11), (0, 1, 1), (0, 1, 0), (0, 10, 1001)]
)
def test_linspace(a: float, b: float, n: int) -> None:
    t = plait.linspace(a, b, n)
    np.testing.assert_allclose(t.double().numpy(), np.linspace(a, b, n), rtol=2e-7, atol=3e-7)
    if n > 1:
        assert t[0].item() == a and t[-1].item() == b
    assert plait.linspace(a, b, steps=n, dtype=plait.float64).dtype == plait.float64


def test_logspace() -> None:
    np.testing.assert_allclose(plait.logspace(-1, 2, 4).numpy(), [0.1, 1, 10, 100], rtol=1e-6)
    np.testing.assert_allclose(plait.logspace(0, 3, 4, base=2).numpy(), [1, 2, 4, 8], rtol=1e-6)


@pytest.mark.parametrize("k", [-2, 0, 1, 5])
def test_triangle_indices(k: int) -> None:
    assert plait.tril_indices(3, 4, k).tolist() == [list(r) for r in np.tril_indices(3, k, 4)]
    assert plait.triu_indices(3, 4, k).tolist() == [list(r) for r in np.triu_indices(3, k, 4)]


# ---------------------------------------------------------------- values out


@pytest.mark.tiny
def test_item_and_tolist() -> None:
    assert plait.tensor(3).item() == 3 and isinstance(plait.tensor(3).item(), int)
    assert isinstance(plait.tensor(True).item(), bool)
    assert isinstance(plait.tensor([[2.5]]).item(), float)
    assert plait.tensor([[1, 2], [3, 4]]).tolist() == [[1, 2], [3, 4]]
    assert plait.tensor(1.5).tolist() == 1.5
    assert plait.zeros(2, 0).tolist() == [[], []]
    assert plait.tensor([0.5]).half().tolist() == [0.5]
    assert plait.tensor([1.5]).bfloat16().item() == 1.5
    for wrong in (plait.zeros(2), plait.zeros(0)):
        with pytest.raises((ValueError, RuntimeError)):
            wrong.item()


@pytest.mark.parametrize("convert", [int, float, bool, complex])
def test_python_numbers(convert: Callable) -> None:
    for value in (2, 2.0, 0, True):
        assert convert(plait.tensor(value)) == convert(value)
    for wrong in (plait.zeros(2), plait.zeros(0)):
        with pytest.raises((ValueError, RuntimeError, TypeError)):
            convert(wrong)


def test_truth_is_refused_for_more_than_one() -> None:
    with pytest.raises((ValueError, RuntimeError)):
        bool(plait.ones(2))
    assert bool(plait.ones(1, 1))
    assert not bool(plait.tensor(0.0))


def test_format_and_index() -> None:
    assert f"{plait.tensor(1.23456):.2f}" == "1.23"
    assert f"{plait.tensor(7):03d}" == "007"
    assert [10, 20, 30][plait.tensor(1)] == 20
    assert list(range(plait.tensor(3))) == [0, 1, 2]
    assert math.sqrt(plait.tensor(4.0)) == 2.0
    with pytest.raises(TypeError):
        [1, 2][plait.tensor(1.0)]  # type: ignore[call-overload]


def test_operators_with_python_numbers() -> None:
    x = plait.tensor([1.0, 2.0, 4.0])
    assert (1 - x).tolist() == [0.0, -1.0, -3.0]
    assert (8 / x).tolist() == [8.0, 4.0, 2.0]
    assert (2**x).tolist() == [2.0, 4.0, 16.0]
    assert (x**2).tolist() == [1.0, 4.0, 16.0]
    assert (7 // x).tolist() == [7.0, 3.0, 1.0]
    assert (7 % x).tolist() == [0.0, 1.0, 3.0]
    assert (-x).tolist() == [-1.0, -2.0, -4.0]
    assert (+x).tolist() == x.tolist()
    assert abs(-x).tolist() == x.tolist()
    assert (x > 1).tolist() == [False, True, True]
    assert (x > 1).tolist() == [False, True, True]
    assert (~(x > 1)).tolist() == [True, False, False]
    b = plait.tensor([True, False])
    assert (b & True).tolist() == [True, False]
    assert (b | plait.tensor([False, True])).tolist() == [True, True]
    assert (b ^ b).tolist() == [False, False]
    i = plait.tensor([1, 2, 3])
    assert (i << 1).tolist() == [2, 4, 6] and (i >> 1).tolist() == [0, 1, 1]
    assert (i @ i).item() == 14
    assert (x == 2).sum().item() == 1 and (x != 2).sum().item() == 2
    assert plait.tensor(3.0) == 3.0
    y = x.clone()
    y += 1
    y -= 0.5
    y *= 2
    y /= 3
    y **= 2
    np.testing.assert_allclose(y.numpy(), ((x.numpy() + 0.5) * 2 / 3) ** 2, rtol=1e-6)


def test_hash_and_identity() -> None:
    a, b = plait.ones(2), plait.ones(2)
    assert len({a, b}) == 2 and a in {a}
    assert {a: 1}[a] == 1


def test_to_and_device() -> None:
    x = plait.ones(2)
    assert x.to("cpu") is x and x.to(plait.device("cpu")) is x and x.cpu() is x
    assert x.to(plait.float64).dtype == plait.float64
    assert x.to("cpu", plait.int64).dtype == plait.int64
    assert x.to(plait.zeros(1, dtype=plait.int8)).dtype == plait.int8
    assert x.type(plait.int32).dtype == plait.int32
    assert x.type_as(plait.zeros(1).double()).dtype == plait.float64
    assert x.device == plait.device("cpu") and str(x.device) == "cpu"
    assert not plait.cuda.is_available()
    assert not x.is_cuda
    device = plait.device("cuda" if plait.cuda.is_available() else "cpu")
    assert plait.zeros(1, device=device).device.type == "cpu"
    with pytest.raises((RuntimeError, AssertionError, ValueError)):
        x.to("cuda")
    for f, d in (("float", "float32"), ("double", "float64"), ("half", "float16"), ("bfloat16", "bfloat16"),
                 ("long", "int64"), ("int", "int32"), ("short", "int16"), ("char", "int8"), ("byte", "uint8"),
                 ("bool", "bool")):  # fmt: skip
        assert getattr(x, f)().dtype == getattr(plait, d)


def test_copy_and_fill() -> None:
    x = plait.zeros(2, 3)
    assert x.fill_(2) is x and x.sum().item() == 12
    x.copy_(plait.arange(3))
    assert x.tolist() == [[0.0, 1.0, 2.0]] * 2
    x.zero_()
    assert not x.any()
    with pytest.raises((RuntimeError, ValueError)):
        x.copy_(plait.ones(4))
    x[:, 1].fill_(5)
    assert x.sum().item() == 10


def test_empty_strided_range_scalar_tensor_fill() -> None:
    x = plait.empty_strided((2, 3), (1, 2), dtype=plait.int32)
    assert x.shape == (2, 3) and x.stride() == (1, 2) and x.dtype == plait.int32
    x = plait.empty_permuted((2, 3, 4), (1, 0, 2))
    assert x.shape == (2, 3, 4) and x.stride() == (4, 8, 1) and x.dtype == plait.float32
    with pytest.raises(ValueError, match="empty_permuted"):
        plait.empty_permuted((2, 3), (0, 0))
    x = plait.arange(2).new_empty_strided((2, 3), (1, 2))
    assert x.stride() == (1, 2) and x.dtype == plait.int64
    check(plait.range(1, 2, 0.5), [1.0, 1.5, 2.0], plait.float32)
    check(plait.scalar_tensor(3), 3.0, plait.float32)
    y = plait.zeros(2, dtype=plait.int64)
    check(plait.fill(y, 4), [4, 4], plait.int64)
    for shape, wrap in (((3, 5), False), ((7, 3), False), ((7, 3), True)):
        expected = np.zeros(shape)
        np.fill_diagonal(expected, 2, wrap)
        assert plait.zeros(shape).fill_diagonal_(2, wrap=wrap).tolist() == expected.tolist()
    assert y.tolist() == [0, 0]


def test_type_checks() -> None:
    x = plait.ones(1)
    assert plait.is_tensor(x) and not plait.is_tensor([1])
    assert plait.is_floating_point(x) and x.is_floating_point()
    assert not plait.is_floating_point(x.long())
    assert not x.is_complex()
    assert x.long().is_signed() and not x.byte().is_signed()
    assert plait.numel(plait.ones(2, 3)) == 6
    assert plait.equal(x, x.clone()) and not plait.equal(x, x + 1) and not plait.equal(x, plait.ones(2))
    assert plait.allclose(x, x + 1e-7) and not plait.allclose(x, x + 1)
    assert x.is_same_size(plait.zeros(1)) if hasattr(x, "is_same_size") else True


def test_tensors_among_items_are_numbers() -> None:
    x = plait.tensor([plait.tensor([1.5]), plait.tensor([[2.5]]), 3])
    check(x, [1.5, 2.5, 3.0], plait.float32)
    assert plait.tensor([[plait.tensor([1])], [plait.tensor(2)]]).shape == (2, 1)
    assert (
        plait.tensor([plait.tensor([1], dtype=plait.int32), plait.tensor([2], dtype=plait.int8)]).dtype == plait.int32
    )
    part = plait.arange(6.0)[3:4]  # its first element is not the first of the memory
    check(plait.tensor([part, part]), [3.0, 3.0], plait.float32)
    assert plait.tensor([np.array([1.0]), np.array([2.0])]).shape == (2, 1)
    for items in ([plait.ones(2), plait.ones(2)], [plait.zeros(0)], [[plait.ones(1, 2)]]):
        with pytest.raises(ValueError, match="only one element tensors"):
            plait.tensor(items)
