# SPDX-License-Identifier: MIT
"""The uniform distribution."""

from __future__ import annotations

from typing import Any

from .. import _core
from .._core import Tensor
from .distribution import Distribution, broadcast

__all__ = ["Uniform"]


class Uniform(Distribution):
    """The uniform distribution on [low, high).

    Args:
        low: the smallest value.
        high: the end, > ``low``.
        validate_args: whether parameters and values are checked. Default: as ``set_default_validate_args`` was told.

    Example:
        >>> import plait
        >>> plait.distributions.Uniform(0.0, 4.0).log_prob(plait.tensor(1.0)).exp()
        tensor(0.2500)
    """

    has_rsample = True

    def __init__(self, low: float | Tensor, high: float | Tensor, validate_args: bool | None = None) -> None:
        self.low, self.high = broadcast(low, high)
        super().__init__(self.low.shape, (), validate_args)
        self._check("high", self.high, self.low < self.high, "above low")

    @property
    def mean(self) -> Tensor:
        """The mean, of batch and event shape."""
        return (self.high + self.low) / 2

    @property
    def variance(self) -> Tensor:
        """The variance, of batch and event shape."""
        return (self.high - self.low).pow(2) / 12

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        return self.low + _core.rand(self._shape(sample_shape), dtype=self.low.dtype) * (self.high - self.low)

    def log_prob(self, value: Tensor) -> Tensor:
        value = _core.as_tensor(value)
        inside = (self.low <= value) & (value < self.high)
        self._check_value(value, (self.low <= value) & (value <= self.high), "between low and high")
        return inside.to(self.low.dtype).log() - (self.high - self.low).log()

    def cdf(self, value: Tensor) -> Tensor:
        return ((value - self.low) / (self.high - self.low)).clamp(0, 1)

    def entropy(self) -> Tensor:
        return (self.high - self.low).log()

    def _parameters(self) -> dict[str, Tensor]:
        return {"low": self.low, "high": self.high}
