# SPDX-License-Identifier: MIT
"""The generalised Pareto distribution."""

from __future__ import annotations

import math
from typing import Any

from .. import _core
from .._core import Tensor
from . import constraints
from .distribution import Distribution
from .utils import broadcast_all

__all__ = ["GeneralizedPareto"]


class GeneralizedPareto(Distribution):
    """What lies beyond a high threshold: ``P(x > loc + scale z) = (1 + concentration z)^(-1 / concentration)``.

    At concentration 0 it is exponential; below 0 the values end at ``loc - scale / concentration``.

    Args:
        loc: the threshold.
        scale: > 0.
        concentration: the shape; from 0.5 on there is no variance, from 1 on no mean.
        validate_args: whether arguments are checked. Default: as ``set_default_validate_args`` was told.

    Source: Pickands, "Statistical inference using extreme order statistics", Annals of Statistics 3, 1975.

    Example:
        >>> import plait
        >>> plait.distributions.GeneralizedPareto(0.0, 1.0, plait.tensor([-1.0, 0.5])).mean
        tensor([0.5000, 2.0000])
    """

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive, "concentration": constraints.real}
    has_rsample = True
    _parameter_dims = {"loc": 0, "scale": 0, "concentration": 0}

    def __init__(
        self,
        loc: Tensor | float,
        scale: Tensor | float,
        concentration: Tensor | float,
        validate_args: bool | None = None,
    ) -> None:
        self.loc, self.scale, self.concentration = broadcast_all(loc, scale, concentration)
        super().__init__(self.loc.shape, (), validate_args)

    @constraints.dependent_property(is_discrete=False, event_dim=0)
    def support(self) -> Any:
        end = self.loc - self.scale / self.concentration
        return constraints.interval(self.loc, _core.where(self.concentration < 0, end, math.inf))

    def _split(self) -> tuple[Tensor, Tensor]:
        """Whether the distribution is exponential, and a concentration by which one can divide."""
        exponential = self.concentration == 0
        return exponential, _core.where(exponential, 1.0, self.concentration)

    def _z(self, value: Tensor) -> Tensor:
        return (value - self.loc) / self.scale

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        return self.icdf(_core.rand(self._extended_shape(sample_shape), dtype=self.loc.dtype))

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        z = self._z(value)
        exponential, k = self._split()
        tail = _core.where(exponential, z, (1 + 1 / k) * (k * z).log1p())
        return -self.scale.log() - tail

    def log_survival_function(self, value: Tensor) -> Tensor:
        """The logarithm of the probability of more than ``value``."""
        if self._validate_args:
            self._validate_sample(value)
        z = self._z(value)
        exponential, k = self._split()
        return -_core.where(exponential, z, (k * z).log1p() / k)

    def log_cdf(self, value: Tensor) -> Tensor:
        """The logarithm of the probability of at most ``value``."""
        return (-self.log_survival_function(value).exp()).log1p()

    def cdf(self, value: Tensor) -> Tensor:
        return -self.log_survival_function(value).expm1()

    def icdf(self, value: Tensor) -> Tensor:
        exponential, k = self._split()
        log_tail = (-value).log1p()
        z = _core.where(exponential, -log_tail, (-k * log_tail).expm1() / k)
        return self.loc + self.scale * z

    @property
    def mean(self) -> Tensor:
        k = self.concentration
        return _core.where(k < 1, self.loc + self.scale / (1 - k), math.nan)

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        k = self.concentration
        return _core.where(k < 0.5, self.scale.pow(2) / ((1 - k).pow(2) * (1 - 2 * k)), math.nan)

    def entropy(self) -> Tensor:
        return self.scale.log() + self.concentration + 1
