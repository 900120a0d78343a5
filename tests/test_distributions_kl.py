# SPDX-License-Identifier: MIT
"""Divergences against the mean of log p - log q over samples, and the choice by class."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import plait
import plait.distributions as D
from plait.distributions import kl


def f64(*values: float) -> Any:
    return plait.tensor(values, dtype=plait.float64)


COVARIANCE = plait.tensor([[2.0, 0.5, 0.0], [0.5, 1.0, 0.2], [0.0, 0.2, 1.5]], dtype=plait.float64)

# Two distributions of each family.
FAMILIES: dict[str, tuple[Any, Any]] = {
    "Bernoulli": (D.Bernoulli(f64(0.3)), D.Bernoulli(f64(0.6))),
    "Beta": (D.Beta(f64(2.0), f64(3.0)), D.Beta(f64(3.5), f64(2.5))),
    "Binomial": (D.Binomial(6, f64(0.3)), D.Binomial(6, f64(0.5))),
    "Categorical": (D.Categorical(f64(0.2, 0.3, 0.5)), D.Categorical(f64(0.4, 0.4, 0.2))),
    "Cauchy": (D.Cauchy(f64(0.0), f64(1.0)), D.Cauchy(f64(1.0), f64(1.5))),
    "ContinuousBernoulli": (D.ContinuousBernoulli(f64(0.2)), D.ContinuousBernoulli(f64(0.7))),
    "Dirichlet": (D.Dirichlet(f64(1.0, 2.0, 3.0)), D.Dirichlet(f64(2.0, 2.0, 1.0))),
    "Exponential": (D.Exponential(f64(1.5)), D.Exponential(f64(0.7))),
    "Gamma": (D.Gamma(f64(2.0), f64(3.0)), D.Gamma(f64(2.5), f64(1.5))),
    "Geometric": (D.Geometric(f64(0.3)), D.Geometric(f64(0.5))),
    "Gumbel": (D.Gumbel(f64(0.0), f64(1.0)), D.Gumbel(f64(0.5), f64(2.0))),
    "HalfNormal": (D.HalfNormal(f64(1.0)), D.HalfNormal(f64(2.0))),
    "Laplace": (D.Laplace(f64(0.0), f64(1.0)), D.Laplace(f64(0.5), f64(2.0))),
    "LogNormal": (D.LogNormal(f64(0.0), f64(0.5)), D.LogNormal(f64(0.3), f64(0.7))),
    "LowRankMultivariateNormal": (
        D.LowRankMultivariateNormal(f64(0.0, 1.0, 2.0), f64(1.0, 0.5, 0.2).unsqueeze(-1), f64(0.5, 1.0, 2.0)),
        D.LowRankMultivariateNormal(f64(0.5, 1.0, 1.0), f64(0.1, 1.0, 0.4).unsqueeze(-1), f64(1.5, 1.0, 1.0)),
    ),
    "MultivariateNormal": (
        D.MultivariateNormal(f64(0.0, 1.0, 2.0), scale_tril=COVARIANCE.tril()),
        D.MultivariateNormal(f64(0.5, 0.5, 1.0), COVARIANCE),
    ),
    "Normal": (D.Normal(f64(0.0), f64(1.0)), D.Normal(f64(0.5), f64(2.0))),
    "OneHotCategorical": (D.OneHotCategorical(f64(0.2, 0.3, 0.5)), D.OneHotCategorical(f64(0.4, 0.4, 0.2))),
    "Pareto": (D.Pareto(f64(1.5), f64(4.0)), D.Pareto(f64(0.5), f64(2.0))),
    "Poisson": (D.Poisson(f64(2.0)), D.Poisson(f64(3.0))),
    "Wishart": (D.Wishart(f64(4.0), COVARIANCE), D.Wishart(f64(5.5), COVARIANCE + plait.eye(3))),
    "Uniform": (D.Uniform(f64(0.6), f64(0.9)), D.Uniform(f64(-0.1), f64(1.2))),
}
PAIRS = [("Wishart", "Wishart")]
PAIRS += [(a.__name__, b.__name__) for a, b in kl._KL_REGISTRY if a.__name__ in FAMILIES and b.__name__ in FAMILIES]


@pytest.mark.parametrize(("a", "b"), PAIRS)
def test_divergence_is_the_mean_of_log_ratios(a: str, b: str) -> None:
    p, q = FAMILIES[a][0], FAMILIES[b][1]
    got = D.kl_divergence(p, q)
    assert got.shape == p.batch_shape
    plait.manual_seed(0)
    x = p.sample((200_000,))
    if got.isinf().all():  # p has values that q cannot have
        assert not bool(q.support.check(x).all())
    else:
        expected = (p.log_prob(x) - q.log_prob(x)).mean().item()
        assert got.item() == pytest.approx(expected, abs=0.02, rel=0.02)


@pytest.mark.parametrize("name", FAMILIES)
def test_divergence_from_itself_is_0(name: str) -> None:
    p = FAMILIES[name][0]
    assert D.kl_divergence(p, p).abs().max().item() < 1e-9


def test_exponential_families_in_general() -> None:
    """The formula of the log-normaliser, against those of the families."""
    for name in ("Bernoulli", "Beta", "Dirichlet", "Exponential", "Gamma", "Normal", "Poisson", "ContinuousBernoulli"):
        p, q = FAMILIES[name]
        expected = D.kl_divergence(p, q)
        assert kl._exponential_family(p, q).item() == pytest.approx(expected.item(), rel=1e-8)
    for name in ("Exponential", "Gamma", "Normal", "Bernoulli", "ContinuousBernoulli"):
        p = FAMILIES[name][0]
        assert D.ExponentialFamily.entropy(p).item() == pytest.approx(p.entropy().item(), rel=1e-8) or name == "Normal"


def test_gradients() -> None:
    for name, make in {
        "Normal": D.Normal,
        "Gamma": D.Gamma,
        "Beta": D.Beta,
        "Laplace": D.Laplace,
        "Gumbel": D.Gumbel,
    }.items():
        q = FAMILIES[name][1]
        parameters = tuple(f64(v).requires_grad_() for v in (1.3, 2.1))
        assert plait.autograd.gradcheck(lambda *p, make=make, q=q: D.kl_divergence(make(*p), q), parameters)


def test_zero_probabilities() -> None:
    p, q = D.Categorical(plait.tensor([0.0, 1.0])), D.Categorical(plait.tensor([0.5, 0.5]))
    assert D.kl_divergence(p, q).item() == pytest.approx(math.log(2), rel=1e-5)
    assert D.kl_divergence(q, p).item() == math.inf
    assert D.kl_divergence(D.Bernoulli(0.0), D.Bernoulli(0.5)).item() == pytest.approx(math.log(2), rel=1e-5)
    assert D.kl_divergence(D.Bernoulli(0.5), D.Bernoulli(0.0)).item() == math.inf
    assert D.kl_divergence(D.Poisson(0.0), D.Poisson(2.0)).item() == 2.0
    assert D.kl_divergence(D.Binomial(5, plait.tensor(0.5)), D.Binomial(3, plait.tensor(0.5))).item() == math.inf


def test_batches_of_normal_vectors() -> None:
    """A batch of p against one q and the other way around, for every mixture of the two classes."""
    loc = plait.from_numpy(np.random.default_rng(0).normal(size=(4, 3)))
    ones = plait.ones(3, dtype=plait.float64)
    low = D.LowRankMultivariateNormal(loc, loc.unsqueeze(-1), ones)
    full = D.MultivariateNormal(loc, low.covariance_matrix)
    one = D.MultivariateNormal(ones, COVARIANCE)
    for q in (one, D.LowRankMultivariateNormal(ones, ones.unsqueeze(-1), ones)):
        np.testing.assert_allclose(D.kl_divergence(low, q).numpy(), D.kl_divergence(full, q).numpy(), rtol=1e-9)
        np.testing.assert_allclose(D.kl_divergence(q, low).numpy(), D.kl_divergence(q, full).numpy(), rtol=1e-9)
    assert D.kl_divergence(low, full).abs().max().item() < 1e-9
    with pytest.raises(ValueError, match="one shape"):
        D.kl_divergence(one, D.MultivariateNormal(plait.zeros(2), plait.eye(2)))


def test_independent_and_transformed() -> None:
    p, q = D.Normal(plait.zeros(3), plait.ones(3)), D.Normal(plait.ones(3), plait.ones(3))
    a, b = D.Independent(p, 1), D.Independent(q, 1)
    assert D.kl_divergence(a, b).item() == pytest.approx(1.5)
    with pytest.raises(NotImplementedError):
        D.kl_divergence(a, D.Independent(q, 0))
    exp = [D.ExpTransform()]
    assert D.kl_divergence(D.TransformedDistribution(p, exp), D.TransformedDistribution(q, exp)).tolist() == [0.5] * 3
    with pytest.raises(NotImplementedError):
        D.kl_divergence(D.TransformedDistribution(p, exp), D.TransformedDistribution(q, [D.TanhTransform()]))
    with pytest.raises(NotImplementedError, match="Normal to Categorical"):
        D.kl_divergence(p, D.Categorical(plait.ones(3)))


def test_the_nearest_classes_decide() -> None:
    class A(D.Normal):
        pass

    class B(A):
        pass

    before = dict(kl._KL_REGISTRY)
    try:
        D.register_kl(A, D.Normal)(lambda p, q: plait.tensor(1.0))
        D.register_kl(D.Normal, B)(lambda p, q: plait.tensor(2.0))
        assert D.kl_divergence(B(0.0, 1.0), A(0.0, 1.0)).item() == 1
        assert D.kl_divergence(D.Normal(0.0, 1.0), B(0.0, 1.0)).item() == 2
        with pytest.warns(RuntimeWarning, match="ambiguous"):
            D.kl_divergence(A(0.0, 1.0), B(0.0, 1.0))
        D.register_kl(A, B)(lambda p, q: plait.tensor(3.0))
        assert D.kl_divergence(A(0.0, 1.0), B(0.0, 1.0)).item() == 3
        with pytest.raises(TypeError, match="classes"):
            D.register_kl(A, 3)
    finally:
        kl._KL_REGISTRY.clear()
        kl._KL_REGISTRY.update(before)
