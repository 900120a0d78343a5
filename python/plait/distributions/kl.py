# SPDX-License-Identifier: MIT
"""Kullback-Leibler divergences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from .. import _core
from .._core import Tensor
from .bernoulli import Bernoulli
from .categorical import Categorical
from .distribution import Distribution, Independent
from .exponential import Exponential, Laplace
from .normal import LogNormal, Normal
from .uniform import Uniform

__all__ = ["kl_divergence", "register_kl"]

F = TypeVar("F", bound=Callable[..., Any])
_TABLE: dict[tuple[type, type], Callable[..., Tensor]] = {}


def register_kl(type_p: type, type_q: type) -> Callable[[F], F]:
    """Decorate a function of two distributions of these types to make it their divergence.

    Args:
        type_p: the class of the first distribution.
        type_q: the class of the second.

    Returns:
        A decorator of the function that computes the divergence.

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

    def register(f: F) -> F:
        _TABLE[type_p, type_q] = f
        return f

    return register


def kl_divergence(p: Distribution, q: Distribution) -> Tensor:
    """The divergence KL(p, q): the mean under p of ``log p - log q``.

    Raises:
        NotImplementedError: where no closed form is known for the two types.

    Example:
        >>> import plait
        >>> from plait.distributions import Normal, kl_divergence
        >>> kl_divergence(Normal(0.0, 1.0), Normal(1.0, 1.0))
        tensor(0.5000)
    """
    for a in type(p).__mro__:
        for b in type(q).__mro__:
            if (a, b) in _TABLE:
                return _TABLE[a, b](p, q)
    raise NotImplementedError(f"kl_divergence: none is known from {type(p).__name__} to {type(q).__name__}")


@register_kl(Normal, Normal)
def _normal(p: Normal, q: Normal) -> Tensor:
    ratio = (p.scale / q.scale).pow(2)
    return 0.5 * (ratio + ((p.loc - q.loc) / q.scale).pow(2) - 1 - ratio.log())


@register_kl(LogNormal, LogNormal)
def _log_normal(p: LogNormal, q: LogNormal) -> Tensor:
    return _normal(p.base_dist, q.base_dist)


@register_kl(Categorical, Categorical)
def _categorical(p: Categorical, q: Categorical) -> Tensor:
    t = p.probs * (p.logits - q.logits)
    t = _core.where(q.probs == 0, float("inf"), t)
    return _core.where((p.probs == 0).expand_as(t), 0.0, t).sum(-1)


@register_kl(Bernoulli, Bernoulli)
def _bernoulli(p: Bernoulli, q: Bernoulli) -> Tensor:
    def part(a: Tensor, b: Tensor) -> Tensor:
        t = a * (a / b).log()
        return _core.where(a == 0, 0.0, _core.where(b == 0, float("inf"), t))

    return part(p.probs, q.probs) + part(1 - p.probs, 1 - q.probs)


@register_kl(Uniform, Uniform)
def _uniform(p: Uniform, q: Uniform) -> Tensor:
    inside = (q.low <= p.low) & (p.high <= q.high)
    return _core.where(inside, ((q.high - q.low) / (p.high - p.low)).log(), float("inf"))


@register_kl(Exponential, Exponential)
def _exponential(p: Exponential, q: Exponential) -> Tensor:
    ratio = q.rate / p.rate
    return ratio - 1 - ratio.log()


@register_kl(Laplace, Laplace)
def _laplace(p: Laplace, q: Laplace) -> Tensor:
    ratio, distance = p.scale / q.scale, (p.loc - q.loc).abs()
    return -ratio.log() + distance / q.scale + ratio * (-distance / p.scale).exp() - 1


@register_kl(Independent, Independent)
def _independent(p: Independent, q: Independent) -> Tensor:
    if p.reinterpreted_batch_ndims != q.reinterpreted_batch_ndims:
        raise NotImplementedError("kl_divergence: the two count different dimensions as the event")
    return p._added(kl_divergence(p.base_dist, q.base_dist))
