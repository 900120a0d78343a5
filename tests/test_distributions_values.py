# SPDX-License-Identifier: MIT
"""Densities, distribution functions, entropies and moments of distributions of numbers, against SciPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from distribution_cases import BY_NAME, CASES, Case, points

import plait
import plait.distributions as D

NAMES = [case.name for case in CASES]


def per_parameter(case: Case) -> list[tuple[int, Any]]:
    return list(enumerate(case.references()))


@pytest.mark.parametrize("name", NAMES)
def test_log_prob(name: str) -> None:
    case = BY_NAME[name]
    d = case.distribution(validate_args=False)  # not all points are possible at all parameters
    for i, reference in per_parameter(case):
        x = points(case, reference)
        expected = reference.logpmf(x) if case.discrete else reference.logpdf(x)
        got = d.log_prob(plait.from_numpy(x).unsqueeze(-1))[:, i].numpy()
        np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-11)


def implements(d: Any, method: str) -> bool:
    try:
        getattr(d, method)(plait.full((1,), 0.5, dtype=plait.float64))
    except NotImplementedError:
        return False
    return True


@pytest.mark.parametrize("name", [case.name for case in CASES if not case.discrete])
def test_cdf_and_icdf(name: str) -> None:
    case = BY_NAME[name]
    d = case.distribution(validate_args=False)
    if not implements(d, "cdf"):
        pytest.skip("no distribution function, as in PyTorch")
    inverse = implements(d, "icdf")
    for i, reference in per_parameter(case):
        x = points(case, reference)
        got = d.cdf(plait.from_numpy(x).unsqueeze(-1))[:, i]
        np.testing.assert_allclose(got.numpy(), reference.cdf(x), rtol=1e-6 if name == "Gumbel" else 1e-9, atol=1e-9)
        if inverse:
            back = d.icdf(got.unsqueeze(-1))[:, i].numpy()
            np.testing.assert_allclose(back, x, rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("name", [n for n in NAMES if n not in ("Cauchy", "HalfCauchy", "VonMises")])
def test_moments(name: str) -> None:
    case = BY_NAME[name]
    d = case.distribution()
    for i, reference in per_parameter(case):
        np.testing.assert_allclose(d.mean[i].item(), reference.mean(), rtol=1e-7)
        np.testing.assert_allclose(d.variance[i].item(), reference.var(), rtol=1e-6)
        np.testing.assert_allclose(d.stddev[i].item(), reference.std(), rtol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_entropy(name: str) -> None:
    case = BY_NAME[name]
    if name == "Binomial":  # one number of trials at a time
        case = Case(name, case.make, case.reference, [(8.0, 0.2), (8.0, 0.6)], True)
    d = case.distribution()
    try:
        got = d.entropy()
    except NotImplementedError:
        pytest.skip("no entropy, as in PyTorch")
    for i, reference in per_parameter(case):
        np.testing.assert_allclose(got[i].item(), float(reference.entropy()), rtol=1e-6, atol=1e-9)
        np.testing.assert_allclose(d.perplexity()[i].item(), np.exp(float(reference.entropy())), rtol=1e-6)


@pytest.mark.parametrize("name", [n for n in NAMES if n not in ("Uniform", "ContinuousBernoulli")])
def test_mode_is_the_most_likely_value(name: str) -> None:
    case = BY_NAME[name]
    d = case.distribution(validate_args=False)
    for i, reference in per_parameter(case):
        mode = d.mode[i].item()
        if np.isnan(mode):
            continue
        x = points(case, reference, 41)
        mass = reference.pmf if case.discrete else reference.pdf
        with np.errstate(divide="ignore"):
            assert mass(mode) >= mass(x).max() * (1 - 1e-9) or np.isinf(mass(mode))


@pytest.mark.parametrize("name", ["Bernoulli", "Binomial", "Geometric", "NegativeBinomial", "RelaxedBernoulli"])
def test_logits_stand_for_probabilities(name: str) -> None:
    probs = plait.tensor([0.2, 0.5, 0.9], dtype=plait.float64)
    first = {"Binomial": (4,), "NegativeBinomial": (4,), "RelaxedBernoulli": (plait.tensor(0.7),)}.get(name, ())
    kind = getattr(D, name)
    a, b = kind(*first, probs=probs), kind(*first, logits=probs.logit())
    np.testing.assert_allclose(b.probs.numpy(), probs.numpy(), rtol=1e-12)
    np.testing.assert_allclose(a.logits.numpy(), b.logits.numpy(), rtol=1e-12, atol=1e-15)
    value = plait.full((3,), 0.3 if name == "RelaxedBernoulli" else 1.0, dtype=plait.float64)
    np.testing.assert_allclose(a.log_prob(value).numpy(), b.log_prob(value).numpy(), rtol=1e-10)
    for wrong in ({}, {"probs": probs, "logits": probs}):
        with pytest.raises(ValueError, match="probs or logits"):
            kind(*first, **wrong)


@pytest.mark.parametrize("name", ["Bernoulli", "Binomial", "Categorical", "OneHotCategorical"])
def test_supports_that_can_be_listed(name: str) -> None:
    probs = plait.tensor([[0.2, 0.8], [0.5, 0.5]], dtype=plait.float64)
    d = D.Binomial(3, probs) if name == "Binomial" else getattr(D, name)(probs)
    assert d.has_enumerate_support
    values = d.enumerate_support()
    assert values.shape[1:] == (*d.batch_shape, *d.event_shape)
    np.testing.assert_allclose(d.log_prob(values).exp().sum(0).numpy(), np.ones(d.batch_shape), rtol=1e-9)
    short = d.enumerate_support(expand=False)
    assert short.numel() * plait.Size(d.batch_shape).numel() == values.numel()


def test_multinomial_against_scipy() -> None:
    from scipy import stats

    p = np.array([0.2, 0.3, 0.5])
    d = D.Multinomial(6, plait.from_numpy(p))
    for x in ([1.0, 2.0, 3.0], [6.0, 0.0, 0.0]):
        expected = stats.multinomial(6, p).logpmf(x)
        np.testing.assert_allclose(d.log_prob(plait.tensor(x, dtype=plait.float64)).item(), expected, rtol=1e-12)
    np.testing.assert_allclose(d.entropy().item(), stats.multinomial(6, p).entropy(), rtol=1e-10)
    assert d.mean.tolist() == pytest.approx((6 * p).tolist())
    assert D.Multinomial(2, plait.tensor([0.0, 1.0])).log_prob(plait.tensor([0.0, 2.0])).abs() < 1e-6


def test_dirichlet_against_scipy() -> None:
    from scipy import stats

    a = np.array([0.5, 2.0, 3.5])
    d, reference = D.Dirichlet(plait.from_numpy(a)), stats.dirichlet(a)
    x = np.array([0.1, 0.3, 0.6])
    np.testing.assert_allclose(d.log_prob(plait.from_numpy(x)).item(), reference.logpdf(x), rtol=1e-12)
    np.testing.assert_allclose(d.entropy().item(), reference.entropy(), rtol=1e-12)
    np.testing.assert_allclose(d.mean.numpy(), reference.mean(), rtol=1e-12)
    np.testing.assert_allclose(d.variance.numpy(), reference.var(), rtol=1e-12)


def test_relaxed_densities_are_those_of_the_transformed_samples() -> None:
    """Against the density by numerical integration: it is 1 in all."""
    d = D.RelaxedBernoulli(plait.tensor(0.7, dtype=plait.float64), plait.tensor(0.3, dtype=plait.float64))
    x = np.linspace(1e-6, 1 - 1e-6, 200001)
    assert np.trapezoid(np.exp(d.log_prob(plait.from_numpy(x)).numpy()), x) == pytest.approx(1, abs=1e-3)
    c = D.RelaxedOneHotCategorical(
        plait.tensor(1.3, dtype=plait.float64), plait.tensor([0.3, 0.7], dtype=plait.float64)
    )
    pairs = plait.from_numpy(np.stack([x, 1 - x], -1))
    assert np.trapezoid(np.exp(c.log_prob(pairs).numpy()), x) == pytest.approx(1, abs=1e-3)


def test_continuous_bernoulli_is_smooth_around_one_half() -> None:
    p = plait.tensor([0.49, 0.4989, 0.4991, 0.5, 0.5009, 0.5011, 0.51], dtype=plait.float64)
    d = D.ContinuousBernoulli(p)
    for name in ("mean", "variance"):
        got = getattr(d, name).numpy()
        exact = [_continuous_bernoulli_moment(x, name) for x in p.tolist()]
        np.testing.assert_allclose(got, exact, rtol=1e-6)


def _continuous_bernoulli_moment(p: float, name: str) -> float:
    x = np.linspace(0, 1, 20001)
    density = p**x * (1 - p) ** (1 - x)
    density /= np.trapezoid(density, x)
    mean = np.trapezoid(density * x, x)
    return float(mean if name == "mean" else np.trapezoid(density * (x - mean) ** 2, x))
