# SPDX-License-Identifier: MIT
"""The exponential distribution, one-sided and two-sided."""

from __future__ import annotations

from typing import Any

from .. import _core
from .._core import Tensor
from .distribution import Distribution, broadcast

__all__ = ["Exponential", "Laplace"]


class Exponential(Distribution):
    """The exponential distribution of density ``rate * exp(-rate * x)``.

    Args:
        rate: > 0.
        validate_args: whether parameters and values are checked. Default: as ``set_default_validate_args`` was told.

    Example:
        >>> import plait
        >>> d = plait.distributions.Exponential(plait.tensor(2.0))
        >>> d.mean, d.log_prob(plait.tensor(0.0))
        (tensor(0.5000), tensor(0.6931))
    """

    has_rsample = True

    def __init__(self, rate: float | Tensor, validate_args: bool | None = None) -> None:
        (self.rate,) = broadcast(rate)
        super().__init__(self.rate.shape, (), validate_args)
        self._check("rate", self.rate, self.rate > 0, "> 0")

    @property
    def mean(self) -> Tensor:
        """The mean, of batch and event shape."""
        return self.rate.reciprocal()

    @property
    def variance(self) -> Tensor:
        """The variance, of batch and event shape."""
        return self.rate.pow(-2)

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        return _core.empty(self._shape(sample_shape), dtype=self.rate.dtype).exponential_() / self.rate

    def log_prob(self, value: Tensor) -> Tensor:
        value = _core.as_tensor(value)
        self._check_value(value, value >= 0, ">= 0")
        return self.rate.log() - self.rate * value

    def cdf(self, value: Tensor) -> Tensor:
        return 1 - (-self.rate * value).exp()

    def entropy(self) -> Tensor:
        return 1.0 - self.rate.log()

    def _parameters(self) -> dict[str, Tensor]:
        return {"rate": self.rate}


class Laplace(Distribution):
    """The Laplace distribution of density ``exp(-|x - loc| / scale) / (2 * scale)``.

    Args:
        loc: the mean.
        scale: > 0.
        validate_args: whether parameters and values are checked. Default: as ``set_default_validate_args`` was told.

    Example:
        >>> import plait
        >>> plait.distributions.Laplace(0.0, 1.0).variance
        tensor(2.)
    """

    has_rsample = True

    def __init__(self, loc: float | Tensor, scale: float | Tensor, validate_args: bool | None = None) -> None:
        self.loc, self.scale = broadcast(loc, scale)
        super().__init__(self.loc.shape, (), validate_args)
        self._check("scale", self.scale, self.scale > 0, "> 0")

    @property
    def mean(self) -> Tensor:
        """The mean, of batch and event shape."""
        return self.loc

    @property
    def variance(self) -> Tensor:
        """The variance, of batch and event shape."""
        return 2 * self.scale.pow(2)

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        shape = self._shape(sample_shape)
        sides = 2 * _core.randint(2, shape).to(self.loc.dtype) - 1
        return self.loc + self.scale * sides * _core.empty(shape, dtype=self.loc.dtype).exponential_()

    def log_prob(self, value: Tensor) -> Tensor:
        value = _core.as_tensor(value)
        self._check_value(value, value == value, "to be numbers")
        return -(2 * self.scale).log() - (value - self.loc).abs() / self.scale

    def cdf(self, value: Tensor) -> Tensor:
        z = (value - self.loc) / self.scale
        return 0.5 - 0.5 * z.sign() * (-z.abs()).expm1()

    def entropy(self) -> Tensor:
        return 1 + (2 * self.scale).log()

    def _parameters(self) -> dict[str, Tensor]:
        return {"loc": self.loc, "scale": self.scale}
