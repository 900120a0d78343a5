# SPDX-License-Identifier: MIT
"""uint16, uint32 and uint64 where they differ from signed integers: the upper half of their range."""

from __future__ import annotations

import copy
import operator
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from references.dtypes import CATEGORY, ORDER

import plait

WIDTHS = {"uint16": 16, "uint32": 32, "uint64": 64}
UNSIGNED = pytest.mark.parametrize("name", WIDTHS)
INTEGERS = [d for d in ORDER if CATEGORY[d] == 1]


def dtype(name: str) -> plait.dtype:
    return getattr(plait, name)


def extremes(name: str) -> np.ndarray:
    """Numbers at both ends and in the middle of the range, in no order, more than any vector holds."""
    top = 2 ** WIDTHS[name]
    some = [top - 1, 0, top // 2, 1, top // 2 - 1, 2, top - 2, 7, top // 2 + 1, 100]
    return np.array([some[(3 * i) % 10] for i in range(67)] + some, dtype=name)


def both(name: str) -> tuple[plait.Tensor, np.ndarray]:
    x = extremes(name)
    return plait.from_numpy(x.copy()), x


def same(got: plait.Tensor, want: np.ndarray) -> None:
    assert str(got.dtype).removeprefix("plait.") == want.dtype.name
    np.testing.assert_array_equal(got.numpy(), want)


# ---------------------------------------------------------------- in and out


@UNSIGNED
def test_python_numbers(name: str) -> None:
    top = 2 ** WIDTHS[name] - 1
    x = plait.tensor([0, top, top // 2 + 1], dtype=dtype(name))
    assert x.tolist() == [0, top, top // 2 + 1]
    assert x[1].item() == top and int(x[1]) == top and operator.index(x[1]) == top and float(x[1]) == float(top)
    assert bool(x[1]) and not bool(x[0])
    assert plait.full((2,), top, dtype=dtype(name)).tolist() == [top, top]
    assert plait.full_like(x, top).tolist() == [top] * 3
    assert plait.tensor(top, dtype=dtype(name)).item() == top
    assert x.new_full((1,), top).item() == top
    assert x.clone().fill_(top).tolist() == [top] * 3
    assert x.masked_fill(x == 0, top).tolist() == [top, top, top // 2 + 1]
    y = x.clone()
    y[0] = top
    y[plait.tensor([2])] = top
    assert y.tolist() == [top] * 3
    assert plait.tensor([-1], dtype=dtype(name)).item() == top  # wraps, as in PyTorch
    for call in (
        lambda: plait.tensor([top + 1], dtype=dtype(name)),
        lambda: plait.full((1,), top + 1, dtype=dtype(name)),
        lambda: x.clone().fill_(float(2 * top + 2)),
        lambda: y.__setitem__(0, -top - 2),
    ):
        with pytest.raises((ValueError, RuntimeError)):
            call()


@UNSIGNED
def test_limits_and_names(name: str) -> None:
    d = dtype(name)
    assert not d.is_signed and not d.is_floating_point and d.itemsize == WIDTHS[name] // 8
    assert plait.iinfo(d).max == 2 ** WIDTHS[name] - 1 and plait.iinfo(d).min == 0
    assert repr(d).endswith(name) and pickle.loads(pickle.dumps(d)) is d
    x = plait.tensor([1, 2 ** WIDTHS[name] - 1], dtype=d)
    assert repr(x) == f"tensor([{1:>{len(str(x[1].item()))}}, {x[1].item()}], dtype={d})"
    assert x.type(x.type()).dtype == d and not x.is_signed()
    assert plait.arange(5, dtype=d).tolist() == [0, 1, 2, 3, 4]
    start = 2 ** WIDTHS[name] - 3
    assert plait.arange(start, start + 2, dtype=d).tolist() == [start, start + 1]
    assert plait.zeros(2, dtype=d).tolist() == [0, 0] and plait.ones(2, dtype=d).tolist() == [1, 1]


@UNSIGNED
def test_exchange(name: str, tmp_path: Path) -> None:
    x, values = both(name)
    same(x, values)
    same(plait.from_dlpack(values), values)
    np.testing.assert_array_equal(np.from_dlpack(x), values)
    np.testing.assert_array_equal(np.asarray(memoryview(x)), values)
    same(plait.frombuffer(values.tobytes(), dtype=dtype(name)), values)
    same(pickle.loads(pickle.dumps(x)), values)
    same(copy.deepcopy(x), values)
    same(plait.tensor(list(values)), values)
    plait.save({"x": x}, tmp_path / "x.safetensors")
    same(plait.load(tmp_path / "x.safetensors")["x"], values)


@pytest.mark.parametrize("a", WIDTHS)
@pytest.mark.parametrize("b", [d for d in ORDER if d != "bfloat16"])
def test_conversions(a: str, b: str) -> None:
    """Every length takes another way through the vectors of a kernel."""
    values = extremes(a)
    for n in (1, 3, 8, 17, len(values)):
        with np.errstate(over="ignore"):
            want = values[:n].astype(b)
        same(plait.from_numpy(values[:n]).to(dtype(b)), want)
    if b in INTEGERS:
        low, high = np.iinfo(b).min, np.iinfo(b).max
        back = np.array([low, high, 0, 1, high // 2 + 1, high - 1] * 9, dtype=b)
        same(plait.from_numpy(back).to(dtype(a)), back.astype(a))


@UNSIGNED
@pytest.mark.parametrize("source", ["float16", "bfloat16", "float32", "float64"])
def test_from_floats(name: str, source: str) -> None:
    top = 2.0 ** WIDTHS[name]
    values = [0.0, 1.5, 2.0, 100.0, top / 2, top / 2 + top / 8, top / 4, -1.0, -2.5, top - top / 8] * 7
    x = plait.tensor(values, dtype=dtype(source))
    finite = [v for v in x.tolist() if abs(v) != float("inf")]
    kept = plait.tensor(finite, dtype=dtype(source))
    for n in (1, 5, 16, len(finite)):
        assert kept[:n].to(dtype(name)).tolist() == [int(v) % 2 ** WIDTHS[name] for v in finite[:n]]


# ---------------------------------------------------------------- arithmetic and order

BINARY: list[tuple[Callable[..., Any], Callable[..., Any]]] = [
    (operator.add, np.add),
    (operator.sub, np.subtract),
    (operator.mul, np.multiply),
    (operator.and_, np.bitwise_and),
    (operator.or_, np.bitwise_or),
    (operator.xor, np.bitwise_xor),
    (operator.eq, np.equal),
    (operator.ne, np.not_equal),
    (operator.lt, np.less),
    (operator.le, np.less_equal),
    (operator.gt, np.greater),
    (operator.ge, np.greater_equal),
    (plait.maximum, np.maximum),
    (plait.minimum, np.minimum),
    (plait.fmax, np.fmax),
    (plait.fmin, np.fmin),
    (plait.gcd, np.gcd),
    (plait.logical_xor, np.logical_xor),
]


@UNSIGNED
@pytest.mark.parametrize(("op", "ref"), BINARY, ids=lambda f: f.__name__)
def test_of_two(name: str, op: Callable[..., Any], ref: Callable[..., Any]) -> None:
    a = extremes(name)
    b = np.roll(a, 5)
    with np.errstate(over="ignore"):
        want = ref(a, b)
    same(op(plait.from_numpy(a), plait.from_numpy(b)), want)


@UNSIGNED
@pytest.mark.parametrize(
    ("op", "ref"),
    [
        (operator.floordiv, np.floor_divide),
        (operator.mod, np.remainder),
        (plait.fmod, np.fmod),
        (lambda a, b: plait.div(a, b, rounding_mode="trunc"), np.floor_divide),
    ],
)
def test_quotients(name: str, op: Callable[..., Any], ref: Callable[..., Any]) -> None:
    a = extremes(name)
    b = np.where(np.roll(a, 3) == 0, 5, np.roll(a, 3)).astype(name)
    same(op(plait.from_numpy(a), plait.from_numpy(b)), ref(a, b))
    np.testing.assert_allclose((plait.from_numpy(a) / plait.from_numpy(b)).numpy(), a / b, rtol=1e-6)


@UNSIGNED
def test_of_one(name: str) -> None:
    x, values = both(name)
    with np.errstate(over="ignore"):
        for op, want in (
            (operator.neg, (0 - values.astype(object)) % 2 ** WIDTHS[name]),
            (operator.invert, ~values),
            (abs, values),
            (plait.sign, np.sign(values)),
            (plait.square, values * values),
            (plait.relu, values),
            (plait.floor, values),
            (plait.logical_not, values == 0),
        ):
            got = op(x)
            same(got, np.asarray(want, dtype=str(got.dtype).rsplit(".", 1)[-1]))
        same(x**2, values**2)
    assert not plait.signbit(x).any() and plait.isfinite(x).all()
    for places in range(0, WIDTHS[name] + 3, 5):
        shift = np.full_like(values, places)
        inside = places < WIDTHS[name]
        zero = np.zeros_like(values)
        same(x >> plait.from_numpy(shift), values >> shift if inside else values >> (WIDTHS[name] - 1))
        same(x << plait.from_numpy(shift), values << shift if inside else zero)


@UNSIGNED
def test_beside_numbers(name: str) -> None:
    top = 2 ** WIDTHS[name] - 1
    x, values = both(name)
    for number in (0, 1, top // 2, top // 2 + 1, top):
        for op in (operator.eq, operator.lt, operator.ge, operator.ne):
            assert op(x, number).tolist() == op(values.astype(object), number).tolist()
        assert (x + number).tolist() == [(v + number) % (top + 1) for v in values.tolist()]
        assert plait.clamp(x, max=number).tolist() == [min(v, number) for v in values.tolist()]
        assert plait.clamp(x, min=number).tolist() == [max(v, number) for v in values.tolist()]
        assert plait.maximum(x, plait.tensor(number, dtype=dtype(name))).dtype == dtype(name)
    assert (x + 1.5).dtype == plait.float32
    assert plait.where(x > top // 2, x, top).tolist() == [v if v > top // 2 else top for v in values.tolist()]


def test_an_int_beyond_int64_counts_as_a_float_beside_other_integers() -> None:
    x = plait.tensor([1, -(2**63)])
    assert (x == 2**63).tolist() == [False, False] and (x < 2**63).tolist() == [True, True]
    assert (x + 2**63).dtype == plait.float32
    assert (plait.tensor([True]) + 2**63).dtype == plait.float32
    assert (plait.tensor([1.0]) + 2**63).tolist() == [2.0**63]
    assert plait.searchsorted(x.flip(0), 2**63).item() == 2
    with pytest.raises(ValueError, match="overflow"):
        plait.full((1,), 2**63)
    with pytest.raises(ValueError, match="overflow"):
        plait.tensor([2**63])
    with pytest.raises(ValueError, match="range of int64"):
        x.clamp(max=2**63)


# ---------------------------------------------------------------- reductions, sorting, positions


@UNSIGNED
@pytest.mark.parametrize("shape", [(77,), (7, 11), (11, 7)])
def test_reductions(name: str, shape: tuple[int, ...]) -> None:
    values = extremes(name).reshape(shape)
    x = plait.from_numpy(values)
    for dim in range(len(shape)):
        same(x.amax(dim), values.max(dim))
        same(x.amin(dim), values.min(dim))
        same(x.max(dim).values, values.max(dim))
        same(x.argmax(dim), values.argmax(dim))
        same(x.argmin(dim), values.argmin(dim))
        same(x.cummax(dim).values, np.maximum.accumulate(values, dim))
        same(x.cummin(dim).values, np.minimum.accumulate(values, dim))
        with np.errstate(over="ignore"):
            same(x.sum(dim), values.astype(np.int64).sum(dim))
            same(x.sum(dim, dtype=plait.uint64), values.astype(np.uint64).sum(dim))
            same(x.prod(dim), values.astype(np.int64).prod(dim))
            same(x.cumsum(dim), values.astype(np.int64).cumsum(dim))
        np.testing.assert_allclose(x.sum(dim, dtype=plait.float64).numpy(), values.astype(np.float64).sum(dim))
        np.testing.assert_allclose(x.double().mean(dim).numpy(), values.astype(np.float64).mean(dim))
        same(x.any(dim), values.any(dim))
        same(x.count_nonzero(dim), np.count_nonzero(values, axis=dim))
    assert x.max().item() == values.max() and x.min().item() == values.min()
    with pytest.raises(TypeError, match="mean: expected a floating-point"):
        x.mean()


@UNSIGNED
def test_sorting(name: str) -> None:
    x, values = both(name)
    order = np.argsort(values, kind="stable")
    same(x.sort(stable=True).values, values[order])
    same(x.argsort(stable=True), order)
    same(x.sort(descending=True).values, values[order][::-1])
    long = np.tile(values, 2000)
    same(plait.from_numpy(long).sort().values, np.sort(long))
    same(x.topk(5).values, values[order][::-1][:5])
    same(x.topk(5, largest=False).values, values[order][:5])
    assert x.kthvalue(3).values.item() == values[order][2] and x.median().item() == values[order][38]
    same(x.mode().values, np.array(max(set(values.tolist()), key=lambda v: (np.sum(values == v), -v)), dtype=name))
    unique, inverse, counts = x.unique(return_inverse=True, return_counts=True)
    want = np.unique(values, return_inverse=True, return_counts=True)
    same(unique, want[0])
    same(inverse, want[1])
    same(counts, want[2])
    same(x.reshape(7, 11).unique(dim=0), np.unique(values.reshape(7, 11), axis=0))
    same(plait.searchsorted(unique, x), np.searchsorted(want[0], values))
    same(plait.isin(x, x[:3]), np.isin(values, values[:3]))
    same(x.msort(), np.sort(values))


@UNSIGNED
def test_places(name: str) -> None:
    x, values = both(name)
    d = dtype(name)
    index = np.array([3, 0, 70, 3])
    places = plait.from_numpy(index)
    same(x[places], values[index])
    same(x.take(places), values[index])
    same(plait.gather(x, 0, places), values[index])
    same(x[x > 100], values[values > 100])
    same(x.nonzero()[:, 0], np.nonzero(values)[0])
    same(x[plait.from_numpy(index.astype(name))], values[index])  # as indices
    added = values.copy()
    with np.errstate(over="ignore"):
        np.add.at(added, index, np.full(4, 2 ** WIDTHS[name] - 1, dtype=name))
    top = plait.full((4,), 2 ** WIDTHS[name] - 1, dtype=d)
    same(x.index_add(0, places, top), added)
    same(x.scatter_add(0, places, top), added)
    same(x.index_put((places,), top, accumulate=True), added)
    for how, ref in (("amax", np.maximum), ("amin", np.minimum)):
        want = values.copy()
        ref.at(want, index, values[:4])
        same(x.scatter_reduce(0, places, x[:4], how), want)
        fresh = np.array(values)
        fresh[index] = values[:4]
        got = x.scatter_reduce(0, places[1:3], x[1:3], how, include_self=False)
        same(got[places[1:3]], fresh[index[1:3]])
    same(plait.cat([x, x]), np.concatenate([values, values]))
    same(x.roll(3), np.roll(values, 3))
    same(x.flip(0), values[::-1].copy())
    same(plait.nn.functional.pad(x, (1, 2), value=7), np.pad(values, (1, 2), constant_values=7))
    same(x.reshape(7, 11).t().contiguous(), np.ascontiguousarray(values.reshape(7, 11).T))
    matrix = x.reshape(7, 11)
    with np.errstate(over="ignore"):
        same(matrix @ matrix.t(), values.reshape(7, 11) @ values.reshape(7, 11).T)
    if name == "uint64":
        with pytest.raises(IndexError, match="out of bounds"):
            x[plait.tensor([2**64 - 1], dtype=d)]


@UNSIGNED
def test_random(name: str) -> None:
    plait.manual_seed(3)
    top = 2 ** WIDTHS[name] - 1
    x = plait.zeros(1000, dtype=dtype(name)).random_()
    assert x.max().item() > top * 0.98 and x.min().item() < top * 0.02
    y = plait.randint(3, 9, (100,), dtype=dtype(name))
    assert y.dtype == dtype(name) and set(y.tolist()) == set(range(3, 9))
    assert sorted(plait.randperm(9, dtype=dtype(name)).tolist()) == list(range(9))
    assert set(plait.zeros(50, dtype=dtype(name)).bernoulli_(0.5).tolist()) == {0, 1}
    with pytest.raises(ValueError, match="does not fit"):
        plait.randint(-1, 9, (2,), dtype=dtype(name))
