# SPDX-License-Identifier: MIT
"""The Dirichlet distribution."""

from __future__ import annotations

from typing import Any

from .. import _core
from .._core import ArgumentError, Size, Tensor, _ops
from . import constraints
from .exp_family import ExponentialFamily

__all__ = ["Dirichlet"]


class Dirichlet(ExponentialFamily):
    """Vectors of probabilities, of density ``prod(x_i^(a_i - 1)) / B(a)``.

    ``rsample`` differentiates each element along the quantiles of its beta distribution.

    Args:
        concentration: a > 0 along the last dimension.
        validate_args: whether arguments are checked. Default: as ``set_default_validate_args`` was told.

    Raises:
        ValueError: a concentration of no dimension.

    Source: Figurnov, Mohamed and Mnih, "Implicit reparameterization gradients", NeurIPS 2018.

    Example:
        >>> import plait
        >>> plait.distributions.Dirichlet(plait.tensor([1.0, 3.0])).mean
        tensor([0.2500, 0.7500])
    """

    arg_constraints = {"concentration": constraints.independent(constraints.positive, 1)}
    support = constraints.simplex
    has_rsample = True
    _parameter_dims = {"concentration": 1}

    def __init__(self, concentration: Tensor, validate_args: bool | None = None) -> None:
        if not isinstance(concentration, Tensor) or concentration.dim() < 1:
            raise ArgumentError(f"Dirichlet: expected a concentration of at least one dimension, got {concentration!r}")
        self.concentration = concentration
        super().__init__(concentration.shape[:-1], concentration.shape[-1:], validate_args)

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        return _ops._sample_dirichlet(self.concentration.expand(self._extended_shape(Size(sample_shape))))

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        a = self.concentration
        return _core.xlogy(a - 1.0, value).sum(-1) + a.sum(-1).lgamma() - a.lgamma().sum(-1)

    @property
    def mean(self) -> Tensor:
        return self.concentration / self.concentration.sum(-1, True)

    @property
    def mode(self) -> Tensor:
        # Where all a are below 1 the density has no maximum but a pole in each corner; the highest is taken.
        excess = (self.concentration - 1).clamp(min=0.0)
        mode = excess / excess.sum(-1, True)
        corner = (self.concentration < 1).all(-1, keepdim=True)
        highest = self.concentration.argmax(-1, keepdim=True)
        at_corner = (_core.arange(mode.shape[-1]) == highest).to(mode.dtype)
        return _core.where(corner, at_corner, mode)

    @property
    def variance(self) -> Tensor:
        total = self.concentration.sum(-1, True)
        return self.concentration * (total - self.concentration) / (total.pow(2) * (total + 1))

    def entropy(self) -> Tensor:
        a, k = self.concentration, self.concentration.shape[-1]
        total = a.sum(-1)
        spread = (k - total) * total.digamma() + ((a - 1.0) * a.digamma()).sum(-1)
        return a.lgamma().sum(-1) - total.lgamma() - spread

    @property
    def _natural_params(self) -> tuple[Tensor]:
        return (self.concentration,)

    def _log_normalizer(self, x: Tensor) -> Tensor:  # type: ignore[override]
        return x.lgamma().sum(-1) - x.sum(-1).lgamma()
