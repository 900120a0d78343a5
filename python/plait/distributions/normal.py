# SPDX-License-Identifier: MIT
"""The normal distribution, and that of its exponential."""

from __future__ import annotations

import math
from typing import Any

from .. import _core
from .._core import Tensor
from .distribution import Distribution, broadcast

__all__ = ["LogNormal", "Normal"]


class Normal(Distribution):
    """The normal distribution of mean ``loc`` and standard deviation ``scale``.

    Args:
        loc: the mean, a tensor or a number.
        scale: the standard deviation, > 0.
        validate_args: whether parameters and values are checked. Default: ``True``.

    Example:
        >>> import plait
        >>> plait.distributions.Normal(0.0, 1.0).log_prob(plait.tensor(0.0))
        tensor(-0.9189)
    """

    has_rsample = True

    def __init__(self, loc: float | Tensor, scale: float | Tensor, validate_args: bool | None = None) -> None:
        self.loc, self.scale = broadcast(loc, scale)
        super().__init__(self.loc.shape, (), validate_args)
        self._check("loc", self.loc, self.loc == self.loc, "to be numbers")
        self._check("scale", self.scale, self.scale > 0, "> 0")

    @property
    def mean(self) -> Tensor:
        """The mean, of batch and event shape."""
        return self.loc

    @property
    def mode(self) -> Tensor:
        """The most likely value, of batch and event shape."""
        return self.loc

    @property
    def stddev(self) -> Tensor:
        """The standard deviation, of batch and event shape."""
        return self.scale

    @property
    def variance(self) -> Tensor:
        """The variance, of batch and event shape."""
        return self.scale.pow(2)

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        return self.loc + _core.randn(self._shape(sample_shape), dtype=self.loc.dtype) * self.scale

    def log_prob(self, value: Tensor) -> Tensor:
        value = _core.as_tensor(value)
        self._check_value(value, value == value, "to be numbers")
        return -((value - self.loc) ** 2) / (2 * self.variance) - self.scale.log() - math.log(math.sqrt(2 * math.pi))

    def cdf(self, value: Tensor) -> Tensor:
        return 0.5 * (1 + ((value - self.loc) / (self.scale * math.sqrt(2))).erf())

    def icdf(self, value: Tensor) -> Tensor:
        """The value that a sample is below with probability ``value``."""
        return self.loc + self.scale * (2 * value - 1).erfinv() * math.sqrt(2)

    def entropy(self) -> Tensor:
        return 0.5 + 0.5 * math.log(2 * math.pi) + self.scale.log()

    def _parameters(self) -> dict[str, Tensor]:
        return {"loc": self.loc, "scale": self.scale}


class LogNormal(Distribution):
    """The distribution of ``exp(x)`` for x of Normal(loc, scale).

    Args:
        loc: the mean of the logarithm.
        scale: the standard deviation of the logarithm, > 0.
        validate_args: whether parameters and values are checked. Default: as ``set_default_validate_args`` was told.

    Example:
        >>> import plait
        >>> plait.distributions.LogNormal(0.0, 1.0).mean
        tensor(1.6487)
    """

    has_rsample = True

    def __init__(self, loc: float | Tensor, scale: float | Tensor, validate_args: bool | None = None) -> None:
        self.base_dist = Normal(loc, scale, validate_args)
        self.loc, self.scale = self.base_dist.loc, self.base_dist.scale
        super().__init__(self.loc.shape, (), validate_args)

    @property
    def mean(self) -> Tensor:
        """The mean, of batch and event shape."""
        return (self.loc + self.scale.pow(2) / 2).exp()

    @property
    def variance(self) -> Tensor:
        """The variance, of batch and event shape."""
        v = self.scale.pow(2)
        return v.expm1() * (2 * self.loc + v).exp()

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        return self.base_dist.rsample(sample_shape).exp()

    def log_prob(self, value: Tensor) -> Tensor:
        self._check_value(value, value > 0, "> 0")
        return self.base_dist.log_prob(value.log()) - value.log()

    def cdf(self, value: Tensor) -> Tensor:
        return self.base_dist.cdf(value.log())

    def entropy(self) -> Tensor:
        return self.base_dist.entropy() + self.loc

    def _parameters(self) -> dict[str, Tensor]:
        return {"loc": self.loc, "scale": self.scale}
