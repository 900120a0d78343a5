# SPDX-License-Identifier: MIT
"""The relaxed Bernoulli distribution."""

from __future__ import annotations

from typing import Any

from .._core import Size, Tensor, _nn
from . import constraints
from .distribution import Distribution
from .transformed_distribution import TransformedDistribution
from .transforms import SigmoidTransform
from .utils import (
    _uniform_inside,
    broadcast_all,
    clamp_probs,
    lazy_property,
    logits_to_probs,
    only_one,
    probs_to_logits,
)

__all__ = ["LogitRelaxedBernoulli", "RelaxedBernoulli"]


class LogitRelaxedBernoulli(Distribution):
    """The logits of :class:`RelaxedBernoulli`: a logistic number around ``logits``, over the temperature.

    Args:
        temperature: > 0.
        probs: in (0, 1); or
        logits: ``log(probs / (1 - probs))``.
        validate_args: whether arguments are checked. Default: as ``set_default_validate_args`` was told.

    Source: Maddison, Mnih and Teh, "The concrete distribution", ICLR 2017.

    Example:
        >>> import plait
        >>> from plait.distributions.relaxed_bernoulli import LogitRelaxedBernoulli
        >>> LogitRelaxedBernoulli(plait.tensor(1.0), logits=plait.zeros(2)).log_prob(plait.zeros(2)).exp()
        tensor([0.2500, 0.2500])
    """

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.real
    has_rsample = True
    _parameter_dims = {"probs": 0, "logits": 0}

    def __init__(
        self,
        temperature: Tensor | float,
        probs: Tensor | float | None = None,
        logits: Tensor | float | None = None,
        validate_args: bool | None = None,
    ) -> None:
        self.temperature = temperature
        only_one("LogitRelaxedBernoulli", probs=probs, logits=logits)
        if probs is not None:
            (self.probs,) = broadcast_all(probs)
        else:
            (self.logits,) = broadcast_all(logits)
        super().__init__(self._param.shape, (), validate_args)

    @property
    def _param(self) -> Tensor:
        return self.__dict__["probs" if "probs" in self.__dict__ else "logits"]

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        new = super().expand(batch_shape, _instance)
        new.temperature = self.temperature
        return new

    @lazy_property
    def logits(self) -> Tensor:
        """The log-odds."""
        return probs_to_logits(self.probs, is_binary=True)

    @lazy_property
    def probs(self) -> Tensor:
        """The probability of a value above 1/2."""
        return logits_to_probs(self.logits, is_binary=True)

    @property
    def param_shape(self) -> Size:
        """The shape of the parameter."""
        return self._param.shape

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        probs = clamp_probs(self.probs.expand(shape))
        u = clamp_probs(_uniform_inside(shape, probs.dtype))
        return (u.log() - (-u).log1p() + probs.log() - (-probs).log1p()) / self.temperature

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        logits, value = broadcast_all(self.logits, value)
        (temperature,) = broadcast_all(self.temperature)
        difference = logits - value * temperature
        return temperature.log() + difference - 2 * _nn.softplus(difference)


class RelaxedBernoulli(TransformedDistribution):
    """Numbers of (0, 1) near 0 and 1, a differentiable stand-in for :class:`Bernoulli`.

    Args:
        temperature: > 0; the smaller, the nearer to 0 and 1.
        probs: in (0, 1); or
        logits: ``log(probs / (1 - probs))``.
        validate_args: whether arguments are checked. Default: as ``set_default_validate_args`` was told.

    Source: Maddison, Mnih and Teh, "The concrete distribution", ICLR 2017; Jang, Gu and Poole, "Categorical
    reparameterization with Gumbel-softmax", ICLR 2017.

    Example:
        >>> import plait
        >>> d = plait.distributions.RelaxedBernoulli(plait.tensor(2.0), plait.tensor([0.1, 0.9]))
        >>> d.rsample().shape
        plait.Size([2])
    """

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.unit_interval
    has_rsample = True
    _parameter_dims: dict[str, int] = {}
    base_dist: LogitRelaxedBernoulli

    def __init__(
        self,
        temperature: Tensor | float,
        probs: Tensor | float | None = None,
        logits: Tensor | float | None = None,
        validate_args: bool | None = None,
    ) -> None:
        super().__init__(LogitRelaxedBernoulli(temperature, probs, logits), SigmoidTransform(), validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        return super().expand(batch_shape, _instance=self._get_checked_instance(RelaxedBernoulli, _instance))

    @property
    def temperature(self) -> Any:
        """The temperature."""
        return self.base_dist.temperature

    @property
    def logits(self) -> Tensor:
        """The log-odds."""
        return self.base_dist.logits

    @property
    def probs(self) -> Tensor:
        """The probability of a value above 1/2."""
        return self.base_dist.probs
