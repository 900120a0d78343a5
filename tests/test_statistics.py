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
