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


# ---- What all distributions promise ----

D = torch.distributions


def f64(*values):
    return torch.tensor(*values, dtype=torch.float64)


def every_distribution():
    """One of each class, with a batch of 2 where the parameters have one."""
    p = [[0.2, 0.3, 0.5], [0.6, 0.3, 0.1]]
    two, near = f64([1.5, 2.5]), f64([0.0, 1.0])
    made = {
        "Bernoulli": D.Bernoulli(f64([0.2, 0.7])),
        "Beta": D.Beta(two, two),
        "Binomial": D.Binomial(4, f64([0.2, 0.7])),
        "Categorical": D.Categorical(f64(p)),
        "Cauchy": D.Cauchy(near, two),
        "Chi2": D.Chi2(two),
        "ContinuousBernoulli": D.ContinuousBernoulli(f64([0.2, 0.7])),
        "Dirichlet": D.Dirichlet(f64(p) * 4),
        "Exponential": D.Exponential(two),
        "FisherSnedecor": D.FisherSnedecor(two, two),
        "Gamma": D.Gamma(two, two),
        "GeneralizedPareto": D.GeneralizedPareto(near, two, f64([0.1, -0.2])),
        "Geometric": D.Geometric(f64([0.2, 0.7])),
        "Gumbel": D.Gumbel(near, two),
        "HalfCauchy": D.HalfCauchy(two),
        "HalfNormal": D.HalfNormal(two),
        "Independent": D.Independent(D.Normal(torch.zeros(2, 3), torch.ones(2, 3)), 1),
        "InverseGamma": D.InverseGamma(two, two),
        "Kumaraswamy": D.Kumaraswamy(two, two),
        "LKJCholesky": D.LKJCholesky(3, two),
        "Laplace": D.Laplace(near, two),
        "LogNormal": D.LogNormal(near, two),
        "LowRankMultivariateNormal": D.LowRankMultivariateNormal(f64(p), f64([[1.0], [0.5], [2.0]]), f64(p)),
        "LogisticNormal": D.LogisticNormal(f64(p), f64(p)),
        "MixtureSameFamily": D.MixtureSameFamily(D.Categorical(f64(p)), D.Normal(f64(p), 1.0)),
        "Multinomial": D.Multinomial(4, f64(p)),
        "MultivariateNormal": D.MultivariateNormal(f64(p), f64([[2.0, 0.5, 0.0], [0.5, 1.0, 0.1], [0.0, 0.1, 1.0]])),
        "NegativeBinomial": D.NegativeBinomial(two, f64([0.2, 0.7])),
        "Normal": D.Normal(near, two),
        "OneHotCategorical": D.OneHotCategorical(f64(p)),
        "OneHotCategoricalStraightThrough": D.OneHotCategoricalStraightThrough(f64(p)),
        "Pareto": D.Pareto(two, two),
        "Poisson": D.Poisson(two),
        "RelaxedBernoulli": D.RelaxedBernoulli(f64(0.7), f64([0.2, 0.7])),
        "RelaxedOneHotCategorical": D.RelaxedOneHotCategorical(f64(0.7), f64(p)),
        "StudentT": D.StudentT(two, near, two),
        "TransformedDistribution": D.TransformedDistribution(D.Normal(near, two), [D.ExpTransform()]),
        "Uniform": D.Uniform(near, near + two),
        "VonMises": D.VonMises(near, two),
        "Weibull": D.Weibull(two, two),
        "Wishart": D.Wishart(two + 2, f64([[2.0, 0.5], [0.5, 1.0]])),
    }
    return made


EVERY = every_distribution()


def test_every_class_is_here():
    abstract = {"Distribution", "ExponentialFamily"}
    named = {n for n in D.__all__ if isinstance(getattr(D, n), type) and issubclass(getattr(D, n), D.Distribution)}
    assert named - abstract == set(EVERY)


@pytest.mark.parametrize("name", EVERY)
def test_shapes(name):
    d = EVERY[name]
    assert d.batch_shape == (2,)
    for shape in ((), (4,), (3, 1), (0,)):
        torch.manual_seed(0)
        x = d.sample(shape)
        assert x.shape == (*shape, *d.batch_shape, *d.event_shape)
        assert bool(d.support.check(x).all())
        log_prob = d.log_prob(x)
        assert log_prob.shape == (*shape, *d.batch_shape)
        assert not bool(log_prob.isnan().any())


@pytest.mark.parametrize("name", EVERY)
def test_expand(name):
    d = EVERY[name]
    wide = d.expand((5, 2))
    assert type(wide) is type(d) and wide.batch_shape == (5, 2) and wide.event_shape == d.event_shape
    x = d.sample((5,))
    np.testing.assert_allclose(wide.log_prob(x).numpy(), d.log_prob(x).numpy(), rtol=1e-12)
    assert wide.sample((3,)).shape == (3, 5, 2, *d.event_shape)
    again = wide.expand((4, 5, 2))
    assert again.batch_shape == (4, 5, 2) and again.sample().shape[:3] == (4, 5, 2)
    for moment in ("mean", "variance"):
        try:
            expected = getattr(d, moment)
        except NotImplementedError:
            continue
        assert getattr(wide, moment).shape == (5, *expected.shape)
    with pytest.raises((ValueError, RuntimeError)):
        d.expand((5, 3))


@pytest.mark.parametrize("name", EVERY)
def test_values_outside_the_support(name):
    d = EVERY[name]
    x = d.sample()
    with pytest.raises(ValueError, match="value"):
        d.log_prob(torch.full_like(x, math.nan, dtype=torch.float64))
    if name not in ("Chi2", "Gamma"):  # these take numbers, as in PyTorch
        with pytest.raises(ValueError, match="Tensor"):
            d.log_prob(0.5)
    with pytest.raises(ValueError, match="shape"):
        d.log_prob(torch.zeros(3, *x.shape[1:]))


@pytest.mark.parametrize(
    ("make", "parameter"),
    [
        (lambda: D.Normal(math.nan, 1.0), "loc"),
        (lambda: D.Normal(0.0, torch.tensor([1.0, 0.0])), "scale"),
        (lambda: D.Gamma(-1.0, 1.0), "concentration"),
        (lambda: D.Beta(1.0, -1.0), "concentration0"),
        (lambda: D.Bernoulli(1.5), "probs"),
        (lambda: D.Binomial(-1, torch.tensor(0.5)), "total_count"),
        (lambda: D.Categorical(torch.tensor([-0.5, 1.5])), "probs"),
        (lambda: D.Dirichlet(torch.tensor([1.0, 0.0])), "concentration"),
        (lambda: D.Uniform(1.0, 0.0), "low"),
        (lambda: D.Poisson(-1.0), "rate"),
        (lambda: D.StudentT(0.0), "df"),
        (lambda: D.Geometric(torch.tensor([0.0, 0.5])), "probs"),
        (lambda: D.ContinuousBernoulli(1.5), "probs"),
        (lambda: D.NegativeBinomial(1, 1.0), "probs"),
        (lambda: D.Pareto(1.0, -1.0), "alpha|rate"),
    ],
)
def test_parameters_out_of_range(make, parameter):
    with pytest.raises(ValueError, match=parameter):
        make()


def test_wrong_parameters():
    for make, text in [
        (lambda: D.Categorical(torch.tensor(0.5)), "dimension"),
        (lambda: D.Dirichlet(torch.tensor(0.5)), "dimension"),
        (lambda: D.Independent(D.Normal(0.0, 1.0), 1), "dimensions"),
        (lambda: D.LKJCholesky(1), "dim"),
        (lambda: D.Normal("a", 1.0), "numbers and tensors"),
        (lambda: D.MixtureSameFamily(D.Categorical(torch.ones(2)), D.Normal(torch.zeros(3), 1.0)), "2 components"),
        (lambda: D.MixtureSameFamily(D.Categorical(torch.ones(2)), D.Normal(0.0, 1.0)), "batch shape"),
        (lambda: D.Multinomial(torch.tensor(2), torch.ones(2)), "int"),
        (lambda: D.Distribution.set_default_validate_args(3), "True or False"),
    ]:
        with pytest.raises(ValueError, match=text):
            make()


def test_checks_can_be_left_out():
    D.Normal(0.0, -1.0, validate_args=False)
    assert D.Uniform(0.0, 1.0, validate_args=False).log_prob(torch.tensor(2.0)).item() == -math.inf
    D.Distribution.set_default_validate_args(False)
    try:
        D.Normal(0.0, -1.0)
    finally:
        D.Distribution.set_default_validate_args(True)
    with pytest.raises(ValueError, match="scale"):
        D.Normal(0.0, -1.0)


def test_numbers_take_the_dtype_of_the_tensors():
    assert D.Normal(0, f64(1.0)).sample().dtype == torch.float64
    assert D.Normal(0, 1).loc.dtype == torch.get_default_dtype()
    assert D.Bernoulli(1).sample().dtype == torch.get_default_dtype()
    assert D.Beta(1, 2).sample().shape == ()


def test_text():
    assert repr(D.Normal(0.0, 1.0)) == "Normal(loc: 0.0, scale: 1.0)"
    assert repr(D.Gamma(torch.ones(2), 1.0)) == "Gamma(concentration: plait.Size([2]), rate: plait.Size([2]))"
    assert repr(D.Independent(D.Normal(0.0, torch.ones(2)), 1)).startswith("Independent(Normal(loc")
    assert "Categorical" in repr(EVERY["MixtureSameFamily"])


def test_a_class_of_ones_own():
    class Squared(D.Distribution):
        arg_constraints = {"scale": D.constraints.positive}
        support = D.constraints.nonnegative
        has_rsample = True

        def __init__(self, scale, validate_args=None):
            (self.scale,) = D.utils.broadcast_all(scale)
            super().__init__(self.scale.shape, validate_args=validate_args)

        def rsample(self, sample_shape=torch.Size()):  # noqa: B008
            shape = self._extended_shape(sample_shape)
            return (D.utils._standard_normal(shape, self.scale.dtype, None) * self.scale) ** 2

    d = Squared(torch.ones(3))
    assert d.sample((2,)).shape == (2, 3) and repr(d) == "Squared(scale: plait.Size([3]))"
    with pytest.raises(ValueError, match="scale"):
        Squared(-1.0)
    with pytest.raises(NotImplementedError):
        d.expand((2, 3))

    class Wide(D.Normal):
        def __init__(self, loc):
            super().__init__(loc, 10.0)

    with pytest.raises(NotImplementedError, match="expand"):
        Wide(torch.zeros(2)).expand((3, 2))

    class Named(D.Normal):
        pass

    assert type(Named(torch.zeros(2), 1.0).expand((3, 2))) is Named


@pytest.mark.filterwarnings("ignore:.*does not define")
def test_a_class_without_constraints():
    class Plain(D.Distribution):
        pass

    d = Plain()
    for f in (d.sample, d.entropy, lambda: d.mean, lambda: d.support, lambda: d.log_prob(torch.ones(1))):
        with pytest.raises(NotImplementedError):
            f()


def test_mixture():
    weights, means = f64([0.3, 0.7]), f64([[0.0, 0.0], [3.0, 1.0]])
    d = D.MixtureSameFamily(D.Categorical(weights), D.Independent(D.Normal(means, f64(0.5)), 1))
    torch.manual_seed(0)
    x = d.sample((50_000,))
    np.testing.assert_allclose(x.mean(0).numpy(), d.mean.numpy(), atol=0.02)
    np.testing.assert_allclose(x.var(0).numpy(), d.variance.numpy(), atol=0.03)
    parts = sum(
        w * D.Independent(D.Normal(m, f64(0.5)), 1).log_prob(x[:5]).exp() for w, m in zip(weights.tolist(), means)
    )
    np.testing.assert_allclose(d.log_prob(x[:5]).exp().numpy(), parts.numpy(), rtol=1e-10)
    one = D.MixtureSameFamily(D.Categorical(weights), D.Normal(f64([0.0, 3.0]), f64(1.0)))
    assert one.cdf(f64(100.0)).item() == pytest.approx(1.0)


@pytest.mark.parametrize("dim", [2, 3, 5])
@pytest.mark.parametrize("concentration", [0.5, 1.0, 4.0])
def test_correlations_have_their_marginals(dim, concentration):
    """Lewandowski, Kurowicka and Joe (2009): (r + 1) / 2 has a beta distribution, the same for every pair."""
    from scipy import stats

    torch.manual_seed(0)
    factor = D.LKJCholesky(dim, f64(concentration)).sample((8000,))
    correlation = (factor @ factor.mT).numpy()
    a = concentration + (dim - 2) / 2
    for i in range(dim):
        for j in range(i):
            assert stats.kstest((correlation[:, i, j] + 1) / 2, stats.beta(a, a).cdf).pvalue > 1e-4


def test_the_density_of_correlations_integrates_to_1():
    r = np.linspace(-1, 1, 20001)[1:-1]
    factor = np.zeros((r.size, 2, 2))
    factor[:, 0, 0], factor[:, 1, 0], factor[:, 1, 1] = 1, r, np.sqrt(1 - r * r)
    density = D.LKJCholesky(2, f64(1.7)).log_prob(torch.from_numpy(factor)).exp().numpy()
    assert np.trapezoid(density, r) == pytest.approx(1, abs=1e-4)


def test_modules_carry_pytorchs_names():
    import importlib

    for name, held in {
        "normal": "Normal",
        "studentT": "StudentT",
        "half_normal": "HalfNormal",
        "relaxed_bernoulli": "LogitRelaxedBernoulli",
        "relaxed_categorical": "ExpRelaxedCategorical",
        "fishersnedecor": "FisherSnedecor",
        "exp_family": "ExponentialFamily",
        "transforms": "Transform",
        "constraints": "Constraint",
        "constraint_registry": "biject_to",
        "kl": "kl_divergence",
        "utils": "broadcast_all",
    }.items():
        assert hasattr(importlib.import_module(f"plait.distributions.{name}"), held)


def test_import_of_plait_does_not_load_them():
    import subprocess
    import sys

    code = "import sys, plait; print(any(m.startswith('plait.distributions') for m in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "False"
