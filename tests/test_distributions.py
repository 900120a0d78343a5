# SPDX-License-Identifier: MIT
"""Distributions: densities against their formulas, moments of samples, divergences."""

from __future__ import annotations

import math

import numpy as np
import pytest

import plait as torch
from plait.distributions import Bernoulli, Categorical, Normal, kl_divergence


def test_normal():
    d = Normal(torch.tensor([0.0, 1.0], dtype=torch.float64), torch.tensor([1.0, 2.0], dtype=torch.float64))
    x = np.array([0.5, -1.0])
    loc, scale = np.array([0.0, 1.0]), np.array([1.0, 2.0])
    density = np.exp(-(((x - loc) / scale) ** 2) / 2) / (scale * math.sqrt(2 * math.pi))
    np.testing.assert_allclose(d.log_prob(torch.from_numpy(x)).numpy(), np.log(density), rtol=1e-12)
    np.testing.assert_allclose(d.entropy().numpy(), np.log(scale * math.sqrt(2 * math.pi * math.e)), rtol=1e-12)
    np.testing.assert_allclose(d.icdf(d.cdf(torch.from_numpy(x))).numpy(), x, rtol=1e-9)
    torch.manual_seed(0)
    sample = d.sample((20000,))
    assert sample.shape == (20000, 2) and not sample.requires_grad
    np.testing.assert_allclose(sample.mean(0).numpy(), loc, atol=0.05)
    np.testing.assert_allclose(sample.std(0).numpy(), scale, atol=0.05)
    mu = torch.zeros(3, requires_grad=True)
    Normal(mu, 1.0).rsample().sum().backward()
    assert mu.grad.tolist() == [1.0, 1.0, 1.0]
    with pytest.raises(ValueError, match="scale"):
        Normal(0.0, -1.0)


def test_categorical():
    logits = torch.tensor([[0.0, 1.0, 2.0], [3.0, 3.0, 3.0]], dtype=torch.float64)
    p = np.exp(logits.numpy()) / np.exp(logits.numpy()).sum(1, keepdims=True)
    for d in (Categorical(logits=logits), Categorical(torch.from_numpy(5 * p))):
        np.testing.assert_allclose(d.probs.numpy(), p, rtol=1e-12)
        np.testing.assert_allclose(d.log_prob(torch.tensor([2, 0])).numpy(), np.log([p[0, 2], p[1, 0]]), rtol=1e-12)
        np.testing.assert_allclose(d.entropy().numpy(), -(p * np.log(p)).sum(1), rtol=1e-12)
        assert d.log_prob(torch.zeros(4, 1).long()).shape == (4, 2)
    torch.manual_seed(0)
    sample = d.sample((20000,))
    counts = np.stack([(sample.numpy() == k).mean(0) for k in range(3)], 1)
    np.testing.assert_allclose(counts, p, atol=0.02)
    assert Categorical(torch.ones(4)).sample().shape == () and d.sample((2, 3)).shape == (2, 3, 2)
    with pytest.raises(ValueError, match="probs or logits"):
        Categorical()
    with pytest.raises(ValueError, match="value"):
        d.log_prob(torch.tensor(3))


def test_one_probability_of_zero():
    d = Categorical(torch.tensor([0.0, 1.0]))
    assert d.sample((50,)).sum() == 50 and d.entropy().item() == pytest.approx(0.0, abs=1e-5)
    assert Categorical(logits=torch.tensor([-math.inf, 0.0])).entropy().item() == 0.0


@pytest.mark.parametrize(
    ("p", "q", "expected"),
    [
        (Normal(0.0, 1.0), Normal(1.0, 2.0), math.log(2) + (1 + 1) / 8 - 0.5),
        (Bernoulli(0.3), Bernoulli(0.5), 0.3 * math.log(0.6) + 0.7 * math.log(1.4)),
        (Categorical(torch.tensor([0.5, 0.5])), Categorical(torch.tensor([0.25, 0.75])), 0.5 * math.log(4 / 3)),
        (torch.distributions.Exponential(2.0), torch.distributions.Exponential(1.0), math.log(2) - 0.5),
        (torch.distributions.Uniform(0.0, 1.0), torch.distributions.Uniform(0.0, 2.0), math.log(2)),
        (torch.distributions.Uniform(0.0, 2.0), torch.distributions.Uniform(0.0, 1.0), math.inf),
        (torch.distributions.Laplace(0.0, 1.0), torch.distributions.Laplace(0.0, 1.0), 0.0),
    ],
)
def test_divergence(p, q, expected):
    assert kl_divergence(p, q).item() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    "d",
    [
        Normal(0.5, 2.0),
        torch.distributions.LogNormal(0.0, 0.3),
        torch.distributions.Uniform(-1.0, 2.0),
        torch.distributions.Exponential(1.5),
        torch.distributions.Laplace(1.0, 0.5),
        Bernoulli(0.3),
        torch.distributions.Geometric(0.4),
    ],
    ids=lambda d: type(d).__name__,
)
def test_samples_have_the_moments_and_the_entropy(d):
    torch.manual_seed(1)
    sample = d.sample((40000,))
    assert sample.mean().item() == pytest.approx(d.mean.item(), abs=0.05)
    assert sample.std().item() == pytest.approx(d.stddev.item(), abs=0.06)
    assert -d.log_prob(sample).mean().item() == pytest.approx(d.entropy().item(), abs=0.03)


def test_one_hot_categorical():
    d = torch.distributions.OneHotCategorical(torch.tensor([0.2, 0.8]))
    sample = d.sample((10,))
    assert sample.shape == (10, 2) and (sample.sum(1) == 1).all()
    assert d.log_prob(torch.tensor([0.0, 1.0])).item() == pytest.approx(math.log(0.8))
