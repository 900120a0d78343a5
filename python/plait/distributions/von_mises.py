# SPDX-License-Identifier: MIT
"""The von Mises distribution."""

from __future__ import annotations

import math
from typing import Any

from .._core import Tensor, _ops
from ..autograd.grad_mode import no_grad
from . import constraints
from .distribution import Distribution
from .utils import broadcast_all, lazy_property

__all__ = ["VonMises"]


class VonMises(Distribution):
    """Angles around ``loc``, of density ``exp(concentration cos(x - loc)) / (2 pi I0(concentration))``.

    Samples lie in [-pi, pi).

    Args:
        loc: the mean angle in radians.
        concentration: > 0; near 0 all angles are as likely, for large ones the variance is 1 / concentration.
        validate_args: whether arguments are checked. Default: as ``set_default_validate_args`` was told.

    Source: Best and Fisher, "Efficient simulation of the von Mises distribution", Applied Statistics 28, 1979.

    Example:
        >>> import plait
        >>> plait.distributions.VonMises(plait.tensor(1.0), plait.tensor(1.0)).mode
        tensor(1.)
    """

    arg_constraints = {"loc": constraints.real, "concentration": constraints.positive}
    support = constraints.real
    has_rsample = False
    _parameter_dims = {"loc": 0, "concentration": 0}

    def __init__(self, loc: Tensor | float, concentration: Tensor | float, validate_args: bool | None = None) -> None:
        self.loc, self.concentration = broadcast_all(loc, concentration)
        super().__init__(self.loc.shape, (), validate_args)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        from ..special import i0e

        # i0e is exp(-concentration) I0: the exponent is at most 0.
        exponent = self.concentration * ((value - self.loc).cos() - 1)
        return exponent - math.log(2 * math.pi) - i0e(self.concentration).log()

    def sample(self, sample_shape: Any = ()) -> Tensor:
        with no_grad():
            angle = _ops._sample_von_mises(self.concentration.expand(self._extended_shape(sample_shape)))
            return (angle + math.pi + self.loc) % (2 * math.pi) - math.pi

    @property
    def mean(self) -> Tensor:
        """The circular mean."""
        return self.loc

    @property
    def mode(self) -> Tensor:
        return self.loc

    @lazy_property
    def variance(self) -> Tensor:  # type: ignore[override]
        """The circular variance, ``1 - I1(concentration) / I0(concentration)``."""
        from ..special import i0e, i1e

        return 1 - i1e(self.concentration) / i0e(self.concentration)
