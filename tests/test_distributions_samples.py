# SPDX-License-Identifier: MIT
"""Samples: Kolmogorov and Smirnov's test against SciPy, gradients along the quantiles, the same bits everywhere."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from distribution_cases import BY_NAME, CASES
from scipy import special, stats

import plait
import plait.distributions as D
from plait import _core

NAMES = [case.name for case in CASES]
N = 20_000


def chi_squared_p(sample: np.ndarray, reference: Any) -> float:
    """The p-value of counts, in bins of at least 10 expected events."""
    edges = np.unique(reference.ppf(np.linspace(0.001, 0.999, 40)))
    expected = np.diff(np.concatenate([[0.0], reference.cdf(edges), [1.0]])) * len(sample)
    counts = np.diff(np.concatenate([[0], [(sample <= e).sum() for e in edges], [len(sample)]]))
    keep = expected > 10
    expected = np.append(expected[keep], max(expected[~keep].sum(), 1e-9))
    counts = np.append(counts[keep], counts[~keep].sum())
    if expected[-1] < 5:
        expected, counts = expected[:-1], counts[:-1]
    if len(counts) < 2:
        return 1.0
    return float(stats.chi2.sf(((counts - expected) ** 2 / expected).sum(), len(counts) - 1))


@pytest.mark.parametrize("name", NAMES)
def test_samples_follow_the_distribution(name: str) -> None:
    case = BY_NAME[name]
    plait.manual_seed(1)
    sample = case.distribution().sample((N,)).numpy()
    for i, reference in enumerate(case.references()):
        x = sample[:, i]
        if name == "VonMises":
            x = (x - case.parameters[i][0] + math.pi) % (2 * math.pi) - math.pi + case.parameters[i][0]
        p = chi_squared_p(x, reference) if case.discrete else stats.kstest(x, reference.cdf).pvalue
        assert p > 1e-4, (case.parameters[i], p)


@pytest.mark.parametrize("alpha", [1e-3, 0.05, 0.9, 1.0, 30.0, 1e4, 1e8])
def test_gamma_of_every_shape(alpha: float) -> None:
    plait.manual_seed(2)
    x = _core._ops._standard_gamma(plait.full((N,), alpha, dtype=plait.float64)).numpy()
    assert (x >= np.finfo(np.float64).tiny).all()
    x = x[x > 1e-300]  # where small shapes end at the smallest number
    below = special.gammainc(alpha, 1e-300)
    assert stats.kstest(x, lambda t: (special.gammainc(alpha, t) - below) / (1 - below)).pvalue > 1e-4


@pytest.mark.parametrize("kappa", [1e-9, 1e-6, 1e-3, 1.0, 1e3, 1e7, 1e9])
def test_angles_of_every_concentration(kappa: float) -> None:
    plait.manual_seed(3)
    x = D.VonMises(plait.zeros((), dtype=plait.float64), kappa).sample((N,)).numpy()
    if kappa > 1e5:  # normal
        assert stats.kstest(x * math.sqrt(kappa), "norm").pvalue > 1e-4
    elif kappa < 1e-5:
        assert stats.kstest(x, stats.uniform(-math.pi, 2 * math.pi).cdf).pvalue > 1e-4
    else:
        assert stats.kstest(x, stats.vonmises(kappa).cdf).pvalue > 1e-4


@pytest.mark.parametrize("rate", [1e-4, 0.5, 9.99, 10.0, 50.0, 1e4, 1e12])
def test_poisson_of_every_rate(rate: float) -> None:
    plait.manual_seed(4)
    x = plait.poisson(plait.full((N,), rate, dtype=plait.float64)).numpy()
    assert (x == np.floor(x)).all() and (x >= 0).all()
    if rate > 1e9:
        assert stats.kstest((x - rate) / math.sqrt(rate), "norm").pvalue > 1e-4
    else:
        assert chi_squared_p(x, stats.poisson(rate)) > 1e-4


@pytest.mark.parametrize(
    ("n", "p"), [(1, 0.5), (10, 0.01), (10, 0.99), (40, 0.3), (1000, 0.5), (1000, 0.995), (10**6, 1e-6), (10**9, 0.25)]
)
def test_binomial_of_every_size(n: int, p: float) -> None:
    plait.manual_seed(5)
    x = plait.binomial(plait.full((N,), float(n), dtype=plait.float64), plait.tensor(p, dtype=plait.float64)).numpy()
    assert (x == np.floor(x)).all() and (x >= 0).all() and (x <= n).all()
    assert chi_squared_p(x, stats.binom(n, p)) > 1e-4


@pytest.mark.parametrize("alpha", [[0.01, 0.02, 0.005], [0.5, 1.0, 4.0], [100.0, 300.0, 1000.0]])
def test_dirichlet_marginals(alpha: list[float]) -> None:
    plait.manual_seed(6)
    x = D.Dirichlet(plait.tensor(alpha, dtype=plait.float64)).sample((N,)).numpy()
    np.testing.assert_allclose(x.sum(-1), 1, rtol=1e-12)
    assert (x > 0).all() and (x < 1).all()
    np.testing.assert_allclose(x.mean(0), np.array(alpha) / sum(alpha), atol=0.02)
    if min(alpha) > 0.1:
        for i, a in enumerate(alpha):
            assert stats.kstest(x[:, i], stats.beta(a, sum(alpha) - a).cdf).pvalue > 1e-4


# ---- The same bits ----

SAMPLERS = {
    "gamma": lambda n: _core._ops._standard_gamma(plait.linspace(0.01, 40, n)),
    "dirichlet": lambda n: _core._ops._sample_dirichlet(plait.linspace(0.01, 4, n - n % 3).reshape(-1, 3)),
    "poisson": lambda n: plait.poisson(plait.linspace(0, 40, n)),
    "binomial": lambda n: plait.binomial(plait.linspace(0, 400, n).floor(), plait.linspace(0, 1, n)),
    "von_mises": lambda n: _core._ops._sample_von_mises(plait.linspace(0.01, 40, n)),
}


@pytest.mark.parametrize("name", SAMPLERS)
def test_any_number_of_threads_gives_the_same_bits(name: str) -> None:
    before = plait.get_num_threads()
    results = []
    try:
        for threads in (1, 2, 3):
            plait.set_num_threads(threads)
            plait.manual_seed(7)
            results.append(SAMPLERS[name](9001))
    finally:
        plait.set_num_threads(before)
    assert all(plait.equal(results[0], r) for r in results[1:])


@pytest.mark.parametrize("name", ["Gamma", "Beta", "StudentT", "VonMises", "NegativeBinomial", "LKJCholesky"])
def test_seed(name: str) -> None:
    d = D.LKJCholesky(3, 1.0) if name == "LKJCholesky" else BY_NAME[name].distribution()
    plait.manual_seed(3)
    a, b = d.sample((5,)), d.sample((5,))
    plait.manual_seed(3)
    assert plait.equal(d.sample((5,)), a) and plait.equal(d.sample((5,)), b)
    assert not plait.equal(a, b)


@pytest.mark.parametrize("dtype", [plait.float16, plait.bfloat16, plait.float32, plait.float64])
def test_every_float_dtype(dtype: Any) -> None:
    plait.manual_seed(0)
    half = plait.full((50,), 0.5, dtype=dtype)
    draws = [
        _core._ops._standard_gamma(half),
        _core._ops._sample_dirichlet(half),
        plait.poisson(half),
        plait.binomial(half * 8, half),
        _core._ops._sample_von_mises(half),
    ]
    for x in draws:
        assert x.dtype == dtype and bool(x.isfinite().all())
    assert bool((draws[0] > 0).all()) and bool(((draws[1] > 0) & (draws[1] < 1)).all())


def test_nan_infinity_and_nothing() -> None:
    nan = plait.tensor([math.nan, 1.0])
    for f in (
        lambda x: _core._ops._standard_gamma(x),
        lambda x: plait.poisson(x),
        lambda x: plait.binomial(x, plait.tensor(0.5)),
        lambda x: plait.binomial(plait.tensor(4.0), x),
        lambda x: _core._ops._sample_von_mises(x),
    ):
        got = f(nan)
        assert math.isnan(got[0]) and not math.isnan(got[1])
        assert f(plait.empty(0, 3)).shape == (0, 3)
        assert f(plait.tensor(1.0)).shape == ()
    assert _core._ops._sample_dirichlet(nan).isnan().all()
    assert _core._ops._sample_dirichlet(plait.empty(2, 0)).shape == (2, 0)
    assert _core._ops._standard_gamma(plait.tensor(math.inf)).item() == math.inf
    assert plait.poisson(plait.tensor(math.inf)).item() == math.inf
    assert plait.poisson(plait.zeros(4)).sum() == 0
    assert plait.binomial(plait.tensor([0.0, 7.0, 7.0]), plait.tensor([0.5, 0.0, 1.0])).tolist() == [0, 0, 7]


def test_refused() -> None:
    for f in (
        lambda: plait.poisson(plait.tensor([-1.0])),
        lambda: plait.binomial(plait.tensor([-1.0]), plait.tensor(0.5)),
        lambda: plait.binomial(plait.tensor([1.0]), plait.tensor(1.5)),
        lambda: _core._ops._standard_gamma(plait.tensor([-1.0])),
        lambda: _core._ops._sample_dirichlet(plait.tensor(1.0)),
    ):
        with pytest.raises(ValueError, match="expected"):
            f()
    for f in (
        lambda: plait.poisson(plait.tensor([1])),
        lambda: plait.binomial(plait.tensor([1]), plait.tensor(0.5)),
        lambda: _core._ops._standard_gamma(plait.tensor([1])),
    ):
        with pytest.raises(TypeError, match="floating-point"):
            f()


def test_a_generator_of_its_own() -> None:
    g = plait.Generator().manual_seed(3)
    a = plait.poisson(plait.full((20,), 30.0), generator=g)
    assert plait.equal(plait.poisson(plait.full((20,), 30.0), generator=g.manual_seed(3)), a)
    assert not plait.equal(plait.poisson(plait.full((20,), 30.0), generator=g), a)


def test_strides_do_not_matter() -> None:
    a = plait.rand(6, 5) + 0.5
    plait.manual_seed(1)
    expected = _core._ops._standard_gamma(a.t().contiguous())
    plait.manual_seed(1)
    assert plait.equal(_core._ops._standard_gamma(a.t()), expected)


# ---- Gradients ----


def quantile_slope(quantile: Any, probability: np.ndarray, parameter: float) -> np.ndarray:
    """The derivative of a quantile by the parameter, by central differences."""
    h = 1e-5 * max(1.0, parameter)
    return (quantile(probability, parameter + h) - quantile(probability, parameter - h)) / (2 * h)


@pytest.mark.parametrize("alpha", [0.2, 0.7, 1.0, 2.5, 10.0, 39.0, 41.0, 150.0, 3000.0])
def test_gradient_of_gamma(alpha: float) -> None:
    p = np.linspace(0.01, 0.99, 15)
    x = special.gammaincinv(alpha, p)
    expected = quantile_slope(lambda q, a: special.gammaincinv(a, q), p, alpha)
    got = _core._ops._standard_gamma_grad(plait.full((15,), alpha, dtype=plait.float64), plait.from_numpy(x)).numpy()
    np.testing.assert_allclose(got, expected, rtol=1e-5)


def test_gradient_of_gamma_far_from_the_mean_is_smooth() -> None:
    """Where one formula takes over from another."""
    for alpha in (0.5, 5.0, 39.999, 40.0, 100.0, 1e5):
        edges = np.array([alpha + 1, (alpha - 1) * 0.6, (alpha - 1) * 1.4])
        edges = edges[edges > 0]
        pairs = np.stack([edges * (1 - 1e-12), edges * (1 + 1e-12)])
        got = _core._ops._standard_gamma_grad(plait.tensor(alpha, dtype=plait.float64), plait.from_numpy(pairs))
        np.testing.assert_allclose(got[0].numpy(), got[1].numpy(), rtol=1e-9)


def test_float32_ends_its_sums_early_enough() -> None:
    """Sums of float32 results end where they have float32's digits."""
    alpha = plait.from_numpy(np.geomspace(0.01, 1000, 200)).float()
    plait.manual_seed(0)
    x = _core._ops._standard_gamma(alpha)
    y = _core._ops._sample_dirichlet(plait.stack([alpha, alpha.flip(0)], -1))[:, 0]
    total = alpha + alpha.flip(0)
    for short, exact in (
        (_core._ops._standard_gamma_grad(alpha, x), _core._ops._standard_gamma_grad(alpha.double(), x.double())),
        (
            _core._ops._dirichlet_grad(y, alpha, total),
            _core._ops._dirichlet_grad(y.double(), alpha.double(), total.double()),
        ),
    ):
        np.testing.assert_allclose(short.numpy(), exact.numpy(), rtol=1e-6)


@pytest.mark.parametrize("a", [0.3, 1.0, 4.0, 60.0])
@pytest.mark.parametrize("b", [0.4, 1.0, 5.0, 200.0])
def test_gradient_of_beta(a: float, b: float) -> None:
    p = np.linspace(0.02, 0.98, 9)
    x = special.betaincinv(a, b, p)
    keep = (x > 1e-12) & (x < 1 - 1e-9)
    p, x = p[keep], x[keep]
    by_a = quantile_slope(lambda q, t: special.betaincinv(t, b, q), p, a)
    by_b = quantile_slope(lambda q, t: special.betaincinv(a, t, q), p, b)
    concentration = plait.tensor([a, b], dtype=plait.float64)
    both = np.stack([x, 1 - x], -1)
    d = _core._ops._dirichlet_grad(plait.from_numpy(both), concentration, concentration.sum()).numpy()
    np.testing.assert_allclose(d[:, 0] * (1 - x), by_a, rtol=2e-5, atol=1e-9)
    # The second element 1 - x goes up with b as x goes down.
    np.testing.assert_allclose(-d[:, 1] * x, by_b, rtol=2e-5, atol=1e-9)


@pytest.mark.parametrize("name", ["Gamma", "Beta", "Chi2", "InverseGamma", "FisherSnedecor", "StudentT", "Dirichlet"])
def test_gradient_of_the_mean(name: str) -> None:
    """The mean of the samples' gradients is the gradient of the mean."""
    values = {
        "Gamma": [2.0, 3.0], "Beta": [2.0, 3.0], "Chi2": [3.0], "InverseGamma": [6.0, 2.0],
        "FisherSnedecor": [3.0, 12.0], "StudentT": [6.0, 1.0, 2.0], "Dirichlet": [1.0, 2.0, 0.5],
    }[name]  # fmt: skip
    plait.manual_seed(8)
    parameters = [plait.tensor(v, dtype=plait.float64, requires_grad=True) for v in values]

    def make() -> Any:
        return D.Dirichlet(plait.stack(parameters)) if name == "Dirichlet" else getattr(D, name)(*parameters)

    def statistic(x: Any) -> Any:
        return x[..., 0] if name == "Dirichlet" else x

    sample = make().rsample((100_000,))
    got = plait.autograd.grad(statistic(sample).mean(), parameters, allow_unused=True)
    expected = plait.autograd.grad(statistic(make().mean).sum(), parameters, allow_unused=True)
    for g, e in zip(got, expected):
        wanted = 0.0 if e is None else e.item()
        assert g.item() == pytest.approx(wanted, abs=0.03 * max(1, abs(wanted)))


def test_second_derivatives_are_refused_and_counts_have_gradient_0() -> None:
    a = plait.tensor([2.0], requires_grad=True)
    x = D.Gamma(a, 1.0).rsample()
    with pytest.raises((RuntimeError, NotImplementedError), match="create_graph"):
        plait.autograd.grad(x.sum(), a, create_graph=True)
    for y in (plait.poisson(a), plait.binomial(a.detach(), (a / 4))):
        (g,) = plait.autograd.grad(y.sum(), a)
        assert g.tolist() == [0.0]


@pytest.mark.parametrize("name", [n for n in NAMES if getattr(D, n).has_rsample is not False])
def test_rsample_gives_gradients_to_every_parameter(name: str) -> None:
    case = BY_NAME[name]
    columns = [plait.tensor(c, dtype=plait.float64, requires_grad=True) for c in zip(*case.parameters)]
    plait.manual_seed(9)
    d = case.make(*columns)
    assert d.has_rsample
    x = d.rsample((3,))
    grads = plait.autograd.grad(x.sum(), columns)
    for g in grads:
        assert bool(g.isfinite().all()) and bool((g != 0).any())
    assert not d.sample((3,)).requires_grad


def test_straight_through() -> None:
    logits = plait.tensor([0.3, 1.0, -0.5], requires_grad=True)
    d = D.OneHotCategoricalStraightThrough(logits=logits)
    x = d.rsample()
    assert sorted(x.tolist()) == [0.0, 0.0, 1.0]
    weights = plait.tensor([1.0, 2.0, 3.0])
    (got,) = plait.autograd.grad((x * weights).sum(), logits)
    (expected,) = plait.autograd.grad((logits.softmax(-1) * weights).sum(), logits)
    np.testing.assert_allclose(got.numpy(), expected.numpy(), rtol=1e-6)
