# SPDX-License-Identifier: MIT
"""Normal vectors, Wishart and correlation matrices: densities against SciPy, parameters, samples, gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

import plait
import plait.distributions as D
from plait.distributions import constraints as C

RNG = np.random.default_rng(0)
ROOT = RNG.normal(size=(3, 3))
COVARIANCE = ROOT @ ROOT.T + np.eye(3)
LOC = np.array([0.0, 1.0, -2.0])


def tensor(x: Any) -> Any:
    return plait.tensor(x, dtype=plait.float64)


def normals() -> dict[str, Any]:
    c = tensor(COVARIANCE)
    return {
        "covariance_matrix": D.MultivariateNormal(tensor(LOC), covariance_matrix=c),
        "precision_matrix": D.MultivariateNormal(tensor(LOC), precision_matrix=plait.linalg.inv(c)),
        "scale_tril": D.MultivariateNormal(tensor(LOC), scale_tril=plait.linalg.cholesky(c)),
        "low rank": D.LowRankMultivariateNormal(tensor(LOC), tensor(ROOT), tensor(np.ones(3))),
    }


@pytest.mark.parametrize("name", normals())
def test_normal_vectors(name: str) -> None:
    d, reference = normals()[name], stats.multivariate_normal(LOC, COVARIANCE)
    x = RNG.normal(size=(5, 4, 3))
    np.testing.assert_allclose(d.log_prob(tensor(x)).numpy(), reference.logpdf(x), rtol=1e-9)
    np.testing.assert_allclose(d.entropy().item(), reference.entropy(), rtol=1e-10)
    np.testing.assert_allclose(d.covariance_matrix.numpy(), COVARIANCE, rtol=1e-9)
    np.testing.assert_allclose(d.precision_matrix.numpy(), np.linalg.inv(COVARIANCE), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(d.scale_tril.numpy(), np.linalg.cholesky(COVARIANCE), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(d.variance.numpy(), np.diag(COVARIANCE), rtol=1e-9)
    plait.manual_seed(0)
    sample = d.sample((40_000,)).numpy()
    np.testing.assert_allclose(sample.mean(0), LOC, atol=0.06)
    np.testing.assert_allclose(np.cov(sample.T), COVARIANCE, atol=0.2)


@pytest.mark.parametrize("loc_batch", [(), (4,), (2, 1)])
@pytest.mark.parametrize("matrix_batch", [(), (4,), (2, 4)])
def test_batches(loc_batch: tuple[int, ...], matrix_batch: tuple[int, ...]) -> None:
    loc = RNG.normal(size=(*loc_batch, 3))
    matrices = RNG.normal(size=(*matrix_batch, 3, 3))
    matrices = matrices @ np.swapaxes(matrices, -1, -2) + np.eye(3)
    d = D.MultivariateNormal(tensor(loc), tensor(matrices))
    batch = np.broadcast_shapes(loc_batch, matrix_batch)
    assert d.batch_shape == batch and d.scale_tril.shape == (*batch, 3, 3)
    x = RNG.normal(size=(6, *batch, 3))
    got = d.log_prob(tensor(x)).numpy()
    assert got.shape == (6, *batch)
    loc, matrices = np.broadcast_to(loc, (*batch, 3)), np.broadcast_to(matrices, (*batch, 3, 3))
    for i in np.ndindex(*batch):
        expected = stats.multivariate_normal(loc[i], matrices[i]).logpdf(x[(slice(None), *i)])
        np.testing.assert_allclose(got[(slice(None), *i)], expected, rtol=1e-8)
    assert d.sample((2,)).shape == (2, *batch, 3) and d.log_prob(tensor(x[0, ..., :])).shape == batch


def test_gradients_of_normal_vectors() -> None:
    x, lower = tensor(RNG.normal(size=(2, 3))), tensor(np.linalg.cholesky(COVARIANCE)).requires_grad_()
    loc, c = tensor(LOC).requires_grad_(), tensor(COVARIANCE).requires_grad_()
    off = {"validate_args": False}
    assert plait.autograd.gradcheck(
        lambda m, s: D.MultivariateNormal(m, scale_tril=s.tril(), **off).log_prob(x), (loc, lower)
    )
    assert plait.autograd.gradcheck(lambda m, s: D.MultivariateNormal(m, (s + s.mT) / 2, **off).log_prob(x), (loc, c))
    factor, diag = tensor(RNG.normal(size=(3, 2))).requires_grad_(), tensor([1.0, 0.5, 2.0]).requires_grad_()
    assert plait.autograd.gradcheck(
        lambda m, w, d: D.LowRankMultivariateNormal(m, w, d, **off).log_prob(x), (loc, factor, diag)
    )
    sample = D.MultivariateNormal(loc, c).rsample((2,))
    assert all(g is not None for g in plait.autograd.grad(sample.sum(), (loc, c)))


@pytest.mark.parametrize("df", [3.0, 4.5, 20.0])
def test_wishart(df: float) -> None:
    c = tensor(COVARIANCE)
    reference = stats.wishart(df, COVARIANCE)
    x = reference.rvs(size=4, random_state=1)
    for options in (
        {"covariance_matrix": c},
        {"precision_matrix": plait.linalg.inv(c)},
        {"scale_tril": plait.linalg.cholesky(c)},
    ):
        d = D.Wishart(tensor(df), **options)
        np.testing.assert_allclose(d.log_prob(tensor(x)).numpy(), [reference.logpdf(m) for m in x], rtol=1e-8)
        np.testing.assert_allclose(d.entropy().item(), reference.entropy(), rtol=1e-8)
        np.testing.assert_allclose(d.mean.numpy(), reference.mean(), rtol=1e-9)
        np.testing.assert_allclose(d.variance.numpy(), reference.var(), rtol=1e-9)
    plait.manual_seed(0)
    sample = d.sample((20_000,)).numpy()
    np.testing.assert_allclose(sample.mean(0), reference.mean(), rtol=0.1, atol=0.6)
    # A diagonal element is chi-squared, scaled.
    assert stats.kstest(sample[:, 1, 1] / COVARIANCE[1, 1], stats.chi2(df).cdf).pvalue > 1e-4
    if df > 4:
        np.testing.assert_allclose(d.mode.numpy(), (df - 4) * COVARIANCE, rtol=1e-9)
    else:
        assert d.mode.isnan().all()


def test_gradients_of_wishart() -> None:
    df, c = tensor(5.0).requires_grad_(), tensor(COVARIANCE).requires_grad_()
    x = tensor(COVARIANCE * 4)
    assert plait.autograd.gradcheck(lambda n, s: D.Wishart(n, (s + s.mT) / 2, validate_args=False).log_prob(x), (df, c))
    plait.manual_seed(0)
    sample = D.Wishart(df, c).rsample((3000,))
    got = plait.autograd.grad(sample[:, 0, 0].mean(), df)[0].item()
    assert got == pytest.approx(COVARIANCE[0, 0], rel=0.1)  # the mean is df C


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: D.MultivariateNormal(plait.zeros(2)), "one of covariance_matrix"),
        (lambda: D.MultivariateNormal(plait.zeros(2), plait.eye(2), scale_tril=plait.eye(2)), "covariance_matrix and"),
        (lambda: D.MultivariateNormal(plait.zeros(2), -plait.eye(2)), "covariance_matrix"),
        (lambda: D.MultivariateNormal(plait.zeros(2), plait.tensor([[1.0, 0.5], [0.0, 1.0]])), "covariance_matrix"),
        (lambda: D.MultivariateNormal(plait.zeros(2), scale_tril=plait.ones(2, 2)), "scale_tril"),
        (lambda: D.MultivariateNormal(plait.tensor(0.0), plait.eye(2)), "dimension"),
        (lambda: D.MultivariateNormal(plait.zeros(2), plait.ones(2)), "two"),
        (lambda: D.LowRankMultivariateNormal(plait.zeros(2), plait.zeros(3, 1), plait.ones(2)), "shapes"),
        (lambda: D.LowRankMultivariateNormal(plait.zeros(2), plait.zeros(2, 1), -plait.ones(2)), "cov_diag"),
        (lambda: D.Wishart(plait.tensor(1.0), plait.eye(2)), "df"),
        (lambda: D.Wishart(plait.tensor(3.0)), "one of covariance_matrix"),
        (lambda: D.Wishart(plait.tensor(3.0), -plait.eye(2)), "covariance_matrix"),
    ],
)
def test_refused(make: Any, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        make()


def test_definite_constraints() -> None:
    semi = plait.tensor([[1.0, 1.0], [1.0, 1.0]], dtype=plait.float64)
    assert C.positive_definite.check(plait.eye(2)).item() and not C.positive_definite.check(-plait.eye(2)).item()
    assert C.positive_semidefinite.check(plait.eye(2)).item()
    assert not C.positive_semidefinite.check(semi - 3 * plait.eye(2)).item()
    assert C.positive_definite.check(plait.stack([plait.eye(2), -plait.eye(2)])).tolist() == [True, False]
    t = D.transform_to(C.positive_definite)
    y = t(tensor(ROOT))
    assert bool(C.positive_definite.check(y))
    np.testing.assert_allclose(t(t.inv(y)).numpy(), y.numpy(), rtol=1e-9, atol=1e-12)
