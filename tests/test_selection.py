# SPDX-License-Identifier: MIT
"""Sets of values, order statistics of lines of many lengths, and histograms, against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

import plait

RNG = np.random.default_rng(0)
SETS = {
    "narrow": (RNG.integers(-50, 50, 999), RNG.integers(-20, 20, 30)),
    "wide": (RNG.integers(-(2**62), 2**62, 999), RNG.integers(-(2**62), 2**62, 100)),
    "extreme": (
        np.array([-(2**63), 2**63 - 1, 0, -1, 1]),
        np.array([2**63 - 1, -(2**63)]),
    ),
    "bytes": (RNG.integers(0, 256, 999).astype(np.uint8), np.array([0, 255, 7], np.uint8)),
    "bools": (np.array([True, False]), np.array([True])),
    "floats": (RNG.integers(0, 100, 999) / 8, RNG.integers(0, 100, 40) / 8),
    "float32": ((RNG.integers(0, 100, 999) / 8).astype(np.float32), (RNG.integers(0, 100, 40) / 8).astype(np.float32)),
    "signs of zero": (np.array([0.0, -0.0, 1.0, np.nan, np.inf]), np.array([-0.0, np.nan, np.inf])),
    "no set": (np.arange(5.0), np.empty(0)),
    "nothing": (np.empty((0, 3)), np.arange(3.0)),
}


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("invert", [False, True])
def test_isin(name: str, invert: bool) -> None:
    x, among = SETS[name]
    got = plait.isin(plait.from_numpy(x), plait.from_numpy(among), invert=invert)
    np.testing.assert_array_equal(got.numpy(), np.isin(x, among, invert=invert))
    if among.size:
        members = plait.isin(plait.from_numpy(among), plait.from_numpy(among)).numpy()
        np.testing.assert_array_equal(members, among == among)  # all but NaN


LINES = {
    "distinct": RNG.permutation(40_000).astype(np.float32),
    "few values": RNG.integers(0, 3, 40_000).astype(np.int64),
    "one value": np.full(5000, 7, np.int32),
    "one exponent": (1 + RNG.random(40_000) / 2).astype(np.float32),
    "doubles": RNG.standard_normal(40_000),
    "both signs": RNG.integers(-(2**62), 2**62, 40_000),
    "bytes": RNG.integers(0, 256, 40_000).astype(np.uint8),
    "short": RNG.standard_normal(1000).astype(np.float32),
}


@pytest.mark.parametrize("name", LINES)
def test_order_statistics_of_long_lines(name: str) -> None:
    x = LINES[name]
    n, t, stable = len(x), plait.from_numpy(x), np.argsort(x, kind="stable")
    for k in (1, 2, n // 3, (n + 1) // 2, n):
        value, index = t.kthvalue(k)
        assert value.item() == x[stable[k - 1]]
        assert index.item() == stable[k - 1]  # of equal ones in their order
    assert t.median().item() == np.sort(x)[(n - 1) // 2]
    values, counts = np.unique(x, return_counts=True)
    assert t.mode().values.item() == values[np.argmax(counts)]


def test_median_of_lines_with_nan() -> None:
    x = RNG.standard_normal((3, 5000)).astype(np.float32)
    x[1, 77] = np.nan
    t = plait.from_numpy(x)
    assert np.isnan(t.median(1).values.numpy()).tolist() == [False, True, False]
    assert t.median(1).indices[1].item() == 77
    assert t.nanmedian(1).values[1].item() == np.sort(x[1])[4998 // 2]


@pytest.mark.parametrize("k", [10, 20_000, 150_000])
@pytest.mark.parametrize("largest", [False, True])
def test_topk_of_a_long_line(k: int, largest: bool) -> None:
    x = RNG.integers(0, 50_000, (2, 150_000)).astype(np.float32)
    values, indices = plait.from_numpy(x).topk(k, largest=largest)
    order = np.argsort(-x if largest else x, axis=1, kind="stable")[:, :k]
    np.testing.assert_array_equal(indices.numpy(), order)
    np.testing.assert_array_equal(values.numpy(), np.take_along_axis(x, order, 1))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("bins", [1, 7, 50])
def test_histogram_at_its_edges(dtype: type, bins: int) -> None:
    """Elements at an edge belong to the bin above it, those at the last one to the last bin."""
    x = np.concatenate([RNG.random(1000), np.linspace(0, 1, bins + 1), [-1, 2, np.nan]]).astype(dtype)
    counts, edges = plait.histogram(plait.from_numpy(x), bins, range=(0, 1))
    inside = x[(x >= 0) & (x <= 1)]
    np.testing.assert_array_equal(counts.numpy(), np.histogram(inside, edges.numpy())[0])
    again, _ = plait.histogram(plait.from_numpy(x), edges)
    np.testing.assert_array_equal(again.numpy(), counts.numpy())


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_nextafter(dtype: type) -> None:
    v = np.array([0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.finfo(dtype).max, 5e-40, np.nan], dtype)
    a, b = np.meshgrid(v, v)
    got = plait.nextafter(plait.from_numpy(a), plait.from_numpy(b)).numpy()
    with np.errstate(over="ignore"):
        want = np.nextafter(a, b)
    np.testing.assert_array_equal(got, want)
    numbers = ~np.isnan(want)
    np.testing.assert_array_equal(np.signbit(got)[numbers], np.signbit(want)[numbers])


def test_trapezoid_of_infinite_ends() -> None:
    assert plait.trapezoid(plait.tensor([np.inf, 1.0, 2.0])).item() == np.inf
    assert plait.trapezoid(plait.tensor([1, 2])).item() == 1.5


@pytest.mark.parametrize("with_replacement", [False, True])
def test_combinations_of_two(with_replacement: bool) -> None:
    import itertools

    choose = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    for n in (0, 1, 5):
        got = plait.combinations(plait.arange(n), 2, with_replacement)
        assert got.tolist() == [list(c) for c in choose(range(n), 2)]
        assert got.shape[1] == 2
