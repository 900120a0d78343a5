# SPDX-License-Identifier: MIT
"""Kullback-Leibler divergences."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any, TypeVar

from .. import _core
from .._core import ArgumentTypeError, Tensor, _nn
from .bernoulli import Bernoulli
from .beta import Beta
from .binomial import Binomial
from .categorical import Categorical
from .cauchy import Cauchy
from .continuous_bernoulli import ContinuousBernoulli
from .dirichlet import Dirichlet
from .distribution import Distribution
from .exp_family import ExponentialFamily
from .exponential import Exponential
from .gamma import Gamma
from .geometric import Geometric
from .gumbel import Gumbel
from .half_normal import HalfNormal
from .independent import Independent
from .laplace import Laplace
from .lowrank_multivariate_normal import LowRankMultivariateNormal, _log_det, _mahalanobis
from .multivariate_normal import MultivariateNormal, _batch_mahalanobis, _half_log_det, _solve_lower
from .normal import Normal
from .one_hot_categorical import OneHotCategorical
from .pareto import Pareto
from .poisson import Poisson
from .transformed_distribution import TransformedDistribution
from .uniform import Uniform
from .utils import _sum_rightmost, euler_constant

__all__ = ["kl_divergence", "register_kl"]

F = TypeVar("F", bound=Callable[..., Any])
_KL_REGISTRY: dict[tuple[type, type], Callable[..., Tensor]] = {}


def register_kl(type_p: type, type_q: type) -> Callable[[F], F]:
    """Decorate a function of two distributions of these types to make it their divergence.

    :func:`kl_divergence` looks the types up by the order of their base classes; where the order of p's and that of q's
    lead to different functions, the first is taken, with a warning. Registering for the pair resolves it.

    Args:
        type_p: the class of the first distribution.
        type_q: the class of the second.

    Returns:
        A decorator of the function that computes the divergence.

    Raises:
        TypeError: something else than two classes of distributions.

    Example:
        >>> import plait
        >>> from plait.distributions import Normal, kl_divergence, register_kl
        >>> class Mine(Normal):
        ...     pass
        ...
        >>> @register_kl(Mine, Mine)
        ... def zero(p, q):
        ...     return plait.zeros(())
        ...
        >>> kl_divergence(Mine(0.0, 1.0), Mine(1.0, 1.0))
        tensor(0.)
    """
    for kind in (type_p, type_q):
        if not isinstance(kind, type):
            raise ArgumentTypeError(f"register_kl: expected classes of distributions, got {kind!r}")

    def register(f: F) -> F:
        _KL_REGISTRY[type_p, type_q] = f
        return f

    return register


def _divergence_of(type_p: type, type_q: type) -> Callable[..., Tensor] | None:
    pairs = [(a, b) for a in type_p.__mro__ for b in type_q.__mro__ if (a, b) in _KL_REGISTRY]
    if not pairs:
        return None
    left = pairs[0]
    right = min(pairs, key=lambda pair: (type_q.__mro__.index(pair[1]), type_p.__mro__.index(pair[0])))
    if _KL_REGISTRY[left] is not _KL_REGISTRY[right]:
        warnings.warn(
            f"kl_divergence({type_p.__name__}, {type_q.__name__}) is ambiguous; register_kl({left[0].__name__}, "
            f"{right[1].__name__}) would decide",
            RuntimeWarning,
            stacklevel=3,
        )
    return _KL_REGISTRY[left]


def kl_divergence(p: Distribution, q: Distribution) -> Tensor:
    """The divergence KL(p, q): the mean under p of ``log p - log q``, of batch shape.

    Raises:
        NotImplementedError: where no closed form is known for the two types.

    Example:
        >>> import plait
        >>> from plait.distributions import Normal, kl_divergence
        >>> kl_divergence(Normal(0.0, 1.0), Normal(1.0, 1.0))
        tensor(0.5000)
    """
    found = _divergence_of(type(p), type(q))
    if found is None:
        raise NotImplementedError(f"kl_divergence: none is known from {type(p).__name__} to {type(q).__name__}")
    return found(p, q)


def _infinite_where(condition: Tensor, value: Tensor) -> Tensor:
    return _core.where(condition, math.inf, value)


# ---- Of one family ----


@register_kl(Bernoulli, Bernoulli)
def _bernoulli(p: Bernoulli, q: Bernoulli) -> Tensor:
    def part(a: Tensor, b: Tensor, logits_a: Tensor, logits_b: Tensor) -> Tensor:
        term = a * (_nn.softplus(-logits_b) - _nn.softplus(-logits_a))
        return _core.where(a == 0, 0.0, _infinite_where(b == 0, term))

    return part(p.probs, q.probs, p.logits, q.logits) + part(1 - p.probs, 1 - q.probs, -p.logits, -q.logits)


@register_kl(Binomial, Binomial)
def _binomial(p: Binomial, q: Binomial) -> Tensor:
    if bool((p.total_count < q.total_count).any()):
        raise NotImplementedError("kl_divergence: none is known between binomials where q counts more trials than p")
    one = p.probs * (p.logits - q.logits) + (-p.probs).log1p() - (-q.probs).log1p()
    return _infinite_where(p.total_count > q.total_count, p.total_count * one)


@register_kl(Categorical, Categorical)
def _categorical(p: Categorical, q: Categorical) -> Tensor:
    term = _infinite_where(q.probs == 0, p.probs * (p.logits - q.logits))
    return _core.where((p.probs == 0).expand_as(term), 0.0, term).sum(-1)


@register_kl(OneHotCategorical, OneHotCategorical)
def _one_hot(p: OneHotCategorical, q: OneHotCategorical) -> Tensor:
    return _categorical(p._categorical, q._categorical)


@register_kl(Beta, Beta)
def _beta(p: Beta, q: Beta) -> Tensor:
    p1, p0, q1, q0 = p.concentration1, p.concentration0, q.concentration1, q.concentration0
    total = p1 + p0
    normalizers = q1.lgamma() + q0.lgamma() + total.lgamma() - p1.lgamma() - p0.lgamma() - (q1 + q0).lgamma()
    slopes = (p1 - q1) * p1.digamma() + (p0 - q0) * p0.digamma() + (q1 + q0 - total) * total.digamma()
    return normalizers + slopes


@register_kl(Dirichlet, Dirichlet)
def _dirichlet(p: Dirichlet, q: Dirichlet) -> Tensor:
    a, b = p.concentration, q.concentration
    total = a.sum(-1)
    normalizers = total.lgamma() - b.sum(-1).lgamma() + (b.lgamma() - a.lgamma()).sum(-1)
    return normalizers + ((a - b) * (a.digamma() - total.digamma().unsqueeze(-1))).sum(-1)


@register_kl(Cauchy, Cauchy)
def _cauchy(p: Cauchy, q: Cauchy) -> Tensor:
    distance = (p.scale + q.scale).pow(2) + (p.loc - q.loc).pow(2)
    return distance.log() - (4 * p.scale * q.scale).log()


@register_kl(ContinuousBernoulli, ContinuousBernoulli)
def _continuous_bernoulli(p: ContinuousBernoulli, q: ContinuousBernoulli) -> Tensor:
    normalizers = p._cont_bern_log_norm() + (-p.probs).log1p() - q._cont_bern_log_norm() - (-q.probs).log1p()
    return p.mean * (p.logits - q.logits) + normalizers


@register_kl(Exponential, Exponential)
def _exponential(p: Exponential, q: Exponential) -> Tensor:
    ratio = q.rate / p.rate
    return ratio - 1 - ratio.log()


@register_kl(Gamma, Gamma)
def _gamma(p: Gamma, q: Gamma) -> Tensor:
    a, b = p.concentration, q.concentration
    normalizers = b * (p.rate / q.rate).log() + b.lgamma() - a.lgamma()
    return normalizers + (a - b) * a.digamma() + (q.rate - p.rate) * (a / p.rate)


@register_kl(Geometric, Geometric)
def _geometric(p: Geometric, q: Geometric) -> Tensor:
    return -p.entropy() - (-q.probs).log1p() / p.probs - q.logits


@register_kl(Gumbel, Gumbel)
def _gumbel(p: Gumbel, q: Gumbel) -> Tensor:
    ratio, shift = p.scale / q.scale, (p.loc - q.loc) / q.scale
    growth = (ratio.add(1).lgamma() - shift).exp()
    return shift - ratio.log() + growth - (1 + euler_constant) + ratio * euler_constant


@register_kl(HalfNormal, HalfNormal)
def _half_normal(p: HalfNormal, q: HalfNormal) -> Tensor:
    return _normal(p.base_dist, q.base_dist)


@register_kl(Laplace, Laplace)
def _laplace(p: Laplace, q: Laplace) -> Tensor:
    ratio, distance = p.scale / q.scale, (p.loc - q.loc).abs()
    return -ratio.log() + distance / q.scale + ratio * (-distance / p.scale).exp() - 1


@register_kl(Normal, Normal)
def _normal(p: Normal, q: Normal) -> Tensor:
    ratio = (p.scale / q.scale).pow(2)
    return 0.5 * (ratio + ((p.loc - q.loc) / q.scale).pow(2) - 1 - ratio.log())


@register_kl(Pareto, Pareto)
def _pareto(p: Pareto, q: Pareto) -> Tensor:
    ratio = q.alpha / p.alpha
    value = q.alpha * (p.scale / q.scale).log() - ratio.log() + ratio - 1
    return _infinite_where(p.scale < q.scale, value)


@register_kl(Poisson, Poisson)
def _poisson(p: Poisson, q: Poisson) -> Tensor:
    # 0 log 0 is 0, also against a rate of 0
    return _core.xlogy(p.rate, p.rate) - _core.xlogy(p.rate, q.rate) - (p.rate - q.rate)


@register_kl(Uniform, Uniform)
def _uniform(p: Uniform, q: Uniform) -> Tensor:
    value = ((q.high - q.low) / (p.high - p.low)).log()
    return _infinite_where((q.low > p.low) | (q.high < p.high), value)


@register_kl(ExponentialFamily, ExponentialFamily)
def _exponential_family(p: ExponentialFamily, q: ExponentialFamily) -> Tensor:
    if type(p) is not type(q):
        raise NotImplementedError(
            f"kl_divergence: none is known from {type(p).__name__} to {type(q).__name__}, exponential families both"
        )
    # F(theta_q) - F(theta_p) - <theta_q - theta_p, dF / dtheta_p>
    theta_p, normalizer_p, slopes = p._differentiated()
    theta_q = q._natural_params
    result = q._log_normalizer(*theta_q) - normalizer_p
    for a, b, slope in zip(theta_p, theta_q, slopes):
        result = result - _sum_rightmost((b - a) * slope, slope.dim() - len(q.batch_shape))
    return result


@register_kl(Independent, Independent)
def _independent(p: Independent, q: Independent) -> Tensor:
    if p.reinterpreted_batch_ndims != q.reinterpreted_batch_ndims:
        raise NotImplementedError("kl_divergence: the two count different dimensions as the event")
    return _sum_rightmost(kl_divergence(p.base_dist, q.base_dist), p.reinterpreted_batch_ndims)


@register_kl(TransformedDistribution, TransformedDistribution)
def _transformed(p: TransformedDistribution, q: TransformedDistribution) -> Tensor:
    if p.transforms != q.transforms or p.event_shape != q.event_shape:
        raise NotImplementedError("kl_divergence: none is known between distributions of different transforms")
    return kl_divergence(p.base_dist, q.base_dist)


# ---- Normal vectors ----
# KL = (log det S_q - log det S_p + tr(S_q^-1 S_p) + (m_p - m_q)^T S_q^-1 (m_p - m_q) - n) / 2


def _squares(x: Tensor) -> Tensor:
    return x.square().sum([-2, -1])


def _roots(p: Any) -> list[Tensor]:
    """Matrices B of which the sum of B B^T is the covariance."""
    if isinstance(p, MultivariateNormal):
        return [p._unbroadcasted_scale_tril]
    return [p._unbroadcasted_cov_factor, p._unbroadcasted_cov_diag.sqrt().diag_embed()]


def _log_determinant(p: Any) -> Tensor:
    if isinstance(p, MultivariateNormal):
        return 2 * _half_log_det(p._unbroadcasted_scale_tril)
    return _log_det(p._unbroadcasted_cov_diag, p._capacitance_tril)


@register_kl(MultivariateNormal, MultivariateNormal)
@register_kl(LowRankMultivariateNormal, MultivariateNormal)
def _to_multivariate_normal(p: Any, q: MultivariateNormal) -> Tensor:
    _check_same_event(p, q)
    factor = q._unbroadcasted_scale_tril
    trace = sum(_squares(_solve_lower(*_same_batch(factor, root))) for root in _roots(p))
    distance = _batch_mahalanobis(factor, q.loc - p.loc)
    return 0.5 * (_log_determinant(q) - _log_determinant(p) + trace + distance - p.event_shape[0])


@register_kl(LowRankMultivariateNormal, LowRankMultivariateNormal)
@register_kl(MultivariateNormal, LowRankMultivariateNormal)
def _to_low_rank(p: Any, q: LowRankMultivariateNormal) -> Tensor:
    _check_same_event(p, q)
    factor, diag = q._unbroadcasted_cov_factor, q._unbroadcasted_cov_diag
    # S_q^-1 = D^-1 - A^T A
    a = _solve_lower(q._capacitance_tril, factor.mT / diag.unsqueeze(-2))
    trace = sum(_squares(root / diag.sqrt().unsqueeze(-1)) - _squares(a @ root) for root in _roots(p))
    distance = _mahalanobis(factor, diag, q.loc - p.loc, q._capacitance_tril)
    return 0.5 * (_log_determinant(q) - _log_determinant(p) + trace + distance - p.event_shape[0])


def _check_same_event(p: Distribution, q: Distribution) -> None:
    if p.event_shape != q.event_shape:
        raise _core.ArgumentError(
            f"kl_divergence: expected events of one shape, got {tuple(p.event_shape)} and {tuple(q.event_shape)}"
        )


def _same_batch(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    from .._functions import broadcast_shapes

    batch = broadcast_shapes(a.shape[:-2], b.shape[:-2])
    return a.expand([*batch, *a.shape[-2:]]), b.expand([*batch, *b.shape[-2:]])


# ---- Of different families: -H(p) - E_p log q ----


def _mean_log(p: Any) -> Tensor:
    """E_p log x."""
    if isinstance(p, Beta):
        return p.concentration1.digamma() - (p.concentration1 + p.concentration0).digamma()
    if isinstance(p, Exponential):
        return -p.rate.log() - euler_constant
    if isinstance(p, Pareto):
        return p.scale.log() + p.alpha.reciprocal()
    return _mean_log_between(p.low, p.high)


def _mean_log_between(low: Tensor, high: Tensor) -> Tensor:
    return (_core.xlogy(high, high) - _core.xlogy(low, low)) / (high - low) - 1


def _outside(p: Uniform, low: float, high: float = math.inf) -> Tensor:
    return (p.low < low) | (p.high > high)


@register_kl(Bernoulli, Poisson)
def _bernoulli_poisson(p: Bernoulli, q: Poisson) -> Tensor:
    return -p.entropy() - (p.probs * q.rate.log() - q.rate)


def _cross_normal(p: Any, q: Normal) -> Tensor:
    square = p.variance + (p.mean - q.loc).pow(2)
    return -p.entropy() + (math.sqrt(2 * math.pi) * q.scale).log() + 0.5 * square / q.scale.pow(2)


@register_kl(Pareto, Normal)
def _pareto_normal(p: Pareto, q: Normal) -> Tensor:
    return _infinite_where(p.alpha <= 2, _cross_normal(p, q))


def _cross_exponential(p: Any, q: Exponential) -> Tensor:
    return -p.entropy() - q.rate.log() + q.rate * p.mean


@register_kl(Uniform, Exponential)
def _uniform_exponential(p: Uniform, q: Exponential) -> Tensor:
    return _infinite_where(_outside(p, 0), _cross_exponential(p, q))


@register_kl(Gamma, Exponential)
def _gamma_exponential(p: Gamma, q: Exponential) -> Tensor:
    return _cross_exponential(p, q)


def _cross_gamma(p: Any, q: Gamma) -> Tensor:
    a = q.concentration
    return -p.entropy() - a * q.rate.log() + a.lgamma() - (a - 1) * _mean_log(p) + q.rate * p.mean


@register_kl(Uniform, Gamma)
def _uniform_gamma(p: Uniform, q: Gamma) -> Tensor:
    return _infinite_where(_outside(p, 0), _cross_gamma(p, q))


def _cross_uniform(p: Any, q: Uniform) -> Tensor:
    """p on [0, 1]."""
    return _infinite_where((q.low > 0) | (q.high < 1), -p.entropy() + (q.high - q.low).log())


def _cross_continuous_bernoulli(p: Any, q: ContinuousBernoulli) -> Tensor:
    return -p.entropy() - p.mean * q.logits - (-q.probs).log1p() - q._cont_bern_log_norm()


@register_kl(Uniform, ContinuousBernoulli)
def _uniform_continuous_bernoulli(p: Uniform, q: ContinuousBernoulli) -> Tensor:
    return _infinite_where(_outside(p, 0, 1), _cross_continuous_bernoulli(p, q))


@register_kl(Uniform, Beta)
def _uniform_beta(p: Uniform, q: Beta) -> Tensor:
    a, b = q.concentration1, q.concentration0
    means = (a - 1) * _mean_log(p) + (b - 1) * _mean_log_between(1 - p.high, 1 - p.low)
    value = -p.entropy() - means + a.lgamma() + b.lgamma() - (a + b).lgamma()
    return _infinite_where(_outside(p, 0, 1), value)


@register_kl(Uniform, Pareto)
def _uniform_pareto(p: Uniform, q: Pareto) -> Tensor:
    value = -p.entropy() - (q.alpha * q.scale.pow(q.alpha)).log() + (q.alpha + 1) * _mean_log(p)
    return _infinite_where(p.low < q.scale, value)


@register_kl(Normal, Laplace)
def _normal_laplace(p: Normal, q: Laplace) -> Tensor:
    # E |x - m| of a normal x
    distance, spread = p.loc - q.loc, p.scale * math.sqrt(2)
    ratio = distance / spread
    mean = p.scale * math.sqrt(2 / math.pi) * (-ratio.pow(2)).exp() + distance * ratio.erf()
    return -p.entropy() + (2 * q.scale).log() + mean / q.scale


def _cross_gumbel(p: Any, q: Gumbel, mean_exp: Tensor) -> Tensor:
    """With mean_exp = E_p exp(-(x - loc) / scale)."""
    return -p.entropy() + q.scale.log() + (p.mean - q.loc) / q.scale + mean_exp


@register_kl(Exponential, Gumbel)
def _exponential_gumbel(p: Exponential, q: Gumbel) -> Tensor:
    product = p.rate * q.scale
    return _cross_gumbel(p, q, (q.loc / q.scale).exp() * product / (product + 1))


@register_kl(Gamma, Gumbel)
def _gamma_gumbel(p: Gamma, q: Gumbel) -> Tensor:
    product = p.rate * q.scale
    return _cross_gumbel(p, q, (q.loc / q.scale).exp() * (1 + product.reciprocal()).pow(-p.concentration))


@register_kl(Normal, Gumbel)
def _normal_gumbel(p: Normal, q: Gumbel) -> Tensor:
    return _cross_gumbel(p, q, ((q.loc - p.loc) / q.scale + 0.5 * (p.scale / q.scale).pow(2)).exp())


@register_kl(Uniform, Gumbel)
def _uniform_gumbel(p: Uniform, q: Gumbel) -> Tensor:
    width = (p.high - p.low) / q.scale
    return _cross_gumbel(p, q, -((q.loc - p.low) / q.scale).exp() * (-width).expm1() / width)


for _type in (Beta, ContinuousBernoulli, Exponential, Gamma, Gumbel, Laplace, Uniform):
    register_kl(_type, Normal)(_cross_normal)
for _type in (Beta, ContinuousBernoulli, Pareto):
    register_kl(_type, Exponential)(_cross_exponential)
for _type in (Beta, Exponential, Pareto):
    register_kl(_type, Gamma)(_cross_gamma)
for _type in (Beta, ContinuousBernoulli):
    register_kl(_type, Uniform)(_cross_uniform)
register_kl(Beta, ContinuousBernoulli)(_cross_continuous_bernoulli)


# ---- Infinite: p has values that q cannot have ----


def _infinite(p: Any, q: Any) -> Tensor:
    shape = _core.broadcast_tensors(*(_core.empty(d.batch_shape) for d in (p, q)))[0].shape
    return _core.full(shape, math.inf, dtype=p.mean.dtype)


for _type in (Poisson,):
    register_kl(_type, Bernoulli)(_infinite)
    register_kl(_type, Binomial)(_infinite)
for _type in (Exponential, Gamma, Gumbel, Laplace, Normal, Pareto):
    for _bounded in (Beta, ContinuousBernoulli, Uniform):
        register_kl(_type, _bounded)(_infinite)
for _type in (Gumbel, Laplace, Normal):
    for _bounded in (Exponential, Gamma):
        register_kl(_type, _bounded)(_infinite)
for _type in (Beta, ContinuousBernoulli, Exponential, Gamma, Gumbel, Laplace, Normal):
    register_kl(_type, Pareto)(_infinite)
