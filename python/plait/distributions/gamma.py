# SPDX-License-Identifier: MIT
"""The gamma distribution."""

from __future__ import annotations

from typing import Any

from .. import _core
from .._core import Size, Tensor, _ops
from .._tensor import finfo
from . import constraints
from .exp_family import ExponentialFamily
from .utils import broadcast_all

__all__ = ["Gamma"]


def _standard_gamma(concentration: Tensor) -> Tensor:
    return _ops._standard_gamma(concentration)


class Gamma(ExponentialFamily):
    """The gamma distribution of density ``rate^a x^(a - 1) exp(-rate x) / Gamma(a)``.

    Samples by Marsaglia and Tsang's method; ``rsample`` differentiates them along the quantiles.

    Args:
        concentration: a > 0, the shape.
        rate: > 0, the inverse of the scale.
        validate_args: whether arguments are checked. Default: as ``set_default_validate_args`` was told.

    Source: Figurnov, Mohamed and Mnih, "Implicit reparameterization gradients", NeurIPS 2018.

    Example:
        >>> import plait
        >>> d = plait.distributions.Gamma(plait.tensor(3.0), plait.tensor(2.0))
        >>> d.mean, d.variance
        (tensor(1.5000), tensor(0.7500))
    """

    arg_constraints = {"concentration": constraints.positive, "rate": constraints.positive}
    support = constraints.nonnegative
    has_rsample = True
    _parameter_dims = {"concentration": 0, "rate": 0}
    _mean_carrier_measure = 0

    def __init__(self, concentration: Tensor | float, rate: Tensor | float, validate_args: bool | None = None) -> None:
        self.concentration, self.rate = broadcast_all(concentration, rate)
        super().__init__(self.concentration.shape, (), validate_args)

    @property
    def mean(self) -> Tensor:
        return self.concentration / self.rate

    @property
    def mode(self) -> Tensor:
        return ((self.concentration - 1) / self.rate).clamp(min=0)

    @property
    def variance(self) -> Tensor:
        return self.concentration / self.rate.pow(2)

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        shape = self._extended_shape(Size(sample_shape))
        value = _standard_gamma(self.concentration.expand(shape)) / self.rate.expand(shape)
        value.detach().clamp_(min=finfo(value.dtype).tiny)  # log_prob is infinite at 0
        return value

    def log_prob(self, value: Tensor) -> Tensor:
        value = _core.as_tensor(value, dtype=self.rate.dtype)
        if self._validate_args:
            self._validate_sample(value)
        a, rate = self.concentration, self.rate
        return _core.xlogy(a, rate) + _core.xlogy(a - 1, value) - rate * value - a.lgamma()

    def entropy(self) -> Tensor:
        a = self.concentration
        return a - self.rate.log() + a.lgamma() + (1.0 - a) * a.digamma()

    @property
    def _natural_params(self) -> tuple[Tensor, Tensor]:
        return self.concentration - 1, -self.rate

    def _log_normalizer(self, x: Tensor, y: Tensor) -> Tensor:  # type: ignore[override]
        return (x + 1).lgamma() - (x + 1) * y.neg().log()

    def cdf(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        from ..special import gammainc

        return gammainc(self.concentration, self.rate * value)
