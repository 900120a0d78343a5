# SPDX-License-Identifier: MIT
"""Quantiles, covariances, integrals and combinations, against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

import plait as torch


@pytest.mark.parametrize("interpolation", ["linear", "lower", "higher", "midpoint", "nearest"])
@pytest.mark.parametrize("dim", [None, 0, -1])
def test_quantile(interpolation, dim):
    x = np.random.default_rng(0).standard_normal((4, 7))
    for q in (0.0, 0.3, 1.0, np.array([0.1, 0.5])):
        expected = np.quantile(x, q, axis=dim, method=interpolation)
        q = torch.from_numpy(q) if isinstance(q, np.ndarray) else q
        actual = torch.quantile(torch.from_numpy(x), q, dim, interpolation=interpolation)
        np.testing.assert_allclose(actual.numpy(), expected, rtol=1e-12)
    x[1, 2] = np.nan
    expected = np.nanquantile(x, 0.4, axis=dim, keepdims=True, method=interpolation)
    actual = torch.from_numpy(x).nanquantile(0.4, dim, True, interpolation=interpolation)
    np.testing.assert_allclose(actual.numpy(), expected, rtol=1e-12)
    assert torch.from_numpy(x).quantile(0.4).isnan()


def test_quantile_refuses():
    with pytest.raises(ValueError, match="between 0 and 1"):
        torch.quantile(torch.ones(3), 1.5)
    with pytest.raises(ValueError, match="at least one element"):
        torch.quantile(torch.ones(0), 0.5)
    with pytest.raises(TypeError, match="floating"):
        torch.quantile(torch.tensor([1, 2]), 0.5)
    x = torch.tensor([3.0, 1.0, 2.0], requires_grad=True)
    torch.quantile(x, 0.25).backward()
    assert x.grad.tolist() == [0.0, 0.5, 0.5]


def test_covariance():
    x = np.random.default_rng(0).standard_normal((3, 6))
    f, a = np.array([1, 2, 1, 3, 1, 1]), np.array([0.5, 1.0, 2.0, 1.0, 0.2, 0.7])
    t = torch.from_numpy(x)
    np.testing.assert_allclose(torch.cov(t).numpy(), np.cov(x), rtol=1e-12)
    np.testing.assert_allclose(torch.cov(t, correction=0).numpy(), np.cov(x, ddof=0), rtol=1e-12)
    actual = torch.cov(t, fweights=torch.from_numpy(f), aweights=torch.from_numpy(a))
    np.testing.assert_allclose(actual.numpy(), np.cov(x, fweights=f, aweights=a), rtol=1e-12)
    np.testing.assert_allclose(t.corrcoef().numpy(), np.corrcoef(x), rtol=1e-12)
    np.testing.assert_allclose(torch.cov(t[0]).numpy(), np.cov(x[0]), rtol=1e-12)


def test_integrals_and_shapes():
    y, x = np.array([[1.0, 2.0, 4.0], [0.0, 1.0, 3.0]]), np.array([0.0, 0.5, 2.0])
    np.testing.assert_allclose(
        torch.trapezoid(torch.from_numpy(y), torch.from_numpy(x)).numpy(), [0.75 + 4.5, 0.25 + 3.0]
    )
    np.testing.assert_allclose(torch.trapz(torch.from_numpy(y), dim=0).numpy(), y.mean(0))
    assert torch.cumulative_trapezoid(torch.tensor([1, 2, 3])).tolist() == [1.5, 4.0]
    assert torch.broadcast_shapes((2, 1), (3,), ()) == (2, 3)
    with pytest.raises(RuntimeError):
        torch.broadcast_shapes((2,), (3,))
    i = np.array([0, 5, 23])
    for a, b in zip(torch.unravel_index(torch.from_numpy(i), (2, 3, 4)), np.unravel_index(i, (2, 3, 4))):
        assert a.tolist() == b.tolist()
    assert torch.combinations(torch.tensor([1, 2, 3]), 2, True).tolist()[1:3] == [[1, 2], [1, 3]]
    assert torch.vander(torch.tensor([2, 3]), 3, True).tolist() == np.vander([2, 3], 3, True).tolist()
    assert torch.dist(torch.zeros(2), torch.ones(2), 1).item() == 2.0
    assert torch.renorm(torch.full((2, 2), 3.0), 1, 0, 3.0).sum(1).tolist() == pytest.approx([3.0, 3.0])
    assert torch.is_nonzero(torch.tensor([2.0])) and torch.typename(torch.ones(1)) == "plait.FloatTensor"


@pytest.mark.parametrize("edge_order", [1, 2])
def test_gradient(edge_order):
    x = np.random.default_rng(0).standard_normal((5, 7))
    places = [np.cumsum(np.random.default_rng(n).uniform(0.5, 1.5, n)) for n in x.shape]
    t = torch.from_numpy(x)
    for spacing, expected in (
        (1, np.gradient(x, edge_order=edge_order)),
        ([0.5, 2.0], np.gradient(x, 0.5, 2.0, edge_order=edge_order)),
        ([torch.from_numpy(p) for p in places], np.gradient(x, *places, edge_order=edge_order)),
    ):
        for a, b in zip(torch.gradient(t, spacing=spacing, edge_order=edge_order), expected):
            np.testing.assert_allclose(a.numpy(), b, rtol=1e-12)
    (one,) = torch.gradient(t, dim=-1, edge_order=edge_order)
    np.testing.assert_allclose(one.numpy(), np.gradient(x, axis=-1, edge_order=edge_order))
    assert torch.autograd.gradcheck(lambda v: torch.gradient(v, edge_order=edge_order), t.clone().requires_grad_())


def test_gradient_refuses():
    assert torch.gradient(torch.arange(4))[0].tolist() == [1, 1, 1, 1]
    for wrong, error in (
        ({"edge_order": 3}, ValueError),
        ({"dim": (0, 0)}, ValueError),
        ({"dim": 2}, IndexError),
        ({"spacing": [1.0, 2.0]}, ValueError),
        ({"spacing": torch.ones(4)}, TypeError),
        ({"spacing": [torch.ones(3)]}, ValueError),
    ):
        with pytest.raises(error, match="gradient"):
            torch.gradient(torch.ones(4), **wrong)
    with pytest.raises(ValueError, match="at least 3"):
        torch.gradient(torch.ones(2), edge_order=2)


def test_histogram_in_several_dimensions():
    rng = np.random.default_rng(0)
    points, weights = rng.standard_normal((50, 3)), rng.uniform(0, 1, 50)
    edges = [np.array([-1.0, 0.0, 2.0]), np.array([-2.0, -0.5, 0.5, 1.0]), np.array([-1.0, 1.0])]
    for bins, options in (
        ([3, 2, 4], {}),
        (2, {"range": [-1.0, 1.0, -2.0, 0.5, 0.0, 1.0]}),
        ([torch.from_numpy(e) for e in edges], {"density": True}),
    ):
        limits = options.get("range")
        pairs = None if limits is None else list(zip(limits[0::2], limits[1::2]))
        expected, places = np.histogramdd(
            points, edges if isinstance(bins, list) and not isinstance(bins[0], int) else bins, pairs,
            options.get("density", False), weights,
        )  # fmt: skip
        actual = torch.histogramdd(torch.from_numpy(points), bins, weight=torch.from_numpy(weights), **options)
        np.testing.assert_allclose(actual.hist.numpy(), expected, rtol=1e-12)
        for a, b in zip(actual.bin_edges, places):
            np.testing.assert_allclose(a.numpy(), b, rtol=1e-12)
    nothing = torch.histogramdd(torch.zeros(0, 2), [2, 3])
    assert nothing.hist.shape == (2, 3) and nothing.hist.sum() == 0
    for wrong in ((torch.ones(3), [2]), (torch.ones(3, 2), [2]), (torch.ones(3, 2, dtype=torch.int64), [2, 2])):
        with pytest.raises((ValueError, TypeError), match="histogramdd"):
            torch.histogramdd(*wrong)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_next_float(dtype):
    """Up and down again, and to the infinities."""
    limits = torch.finfo(dtype)
    x = torch.tensor([1.0, -1.0, 2.5, limits.max, -0.5, limits.smallest_normal], dtype=dtype)
    up, down = torch.full_like(x, float("inf")), torch.full_like(x, -float("inf"))
    higher = torch.nextafter(x, up)
    assert (higher > x).tolist() == [True] * 6 and higher[3] == float("inf")
    assert torch.nextafter(higher, down).tolist() == x.tolist()
    assert (higher[0] - 1).item() == limits.eps
    bits = {2: torch.int16, 4: torch.int32, 8: torch.int64}[x.itemsize]
    assert torch.nextafter(torch.zeros_like(x), up).view(bits).tolist() == [1] * 6
    assert torch.nextafter(x, x).tolist() == x.tolist()
    assert torch.nextafter(x, x * float("nan")).isnan().all()
