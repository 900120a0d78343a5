# SPDX-License-Identifier: MIT
"""The continuous Bernoulli distribution."""

from __future__ import annotations

import math
from typing import Any

from .. import _core
from .._core import Size, Tensor
from . import constraints
from .exp_family import ExponentialFamily
from .utils import (
    binary_entropy_with_logits,
    broadcast_all,
    clamp_probs,
    lazy_property,
    logits_to_probs,
    only_one,
    probs_to_logits,
)

__all__ = ["ContinuousBernoulli"]


class ContinuousBernoulli(ExponentialFamily):
    """Numbers of [0, 1] of density ``C(p) p^x (1 - p)^(1 - x)``; p is not the mean.

    Near p = 1/2 formulas lose their digits, and Taylor's series in p - 1/2 take their place.

    Args:
        probs: p in (0, 1); or
        logits: ``log(p / (1 - p))``.
        lims: where the series are used. Default: (0.499, 0.501).
        validate_args: whether arguments are checked. Default: as ``set_default_validate_args`` was told.

    Source: Loaiza-Ganem and Cunningham, "The continuous Bernoulli: fixing a pervasive error in variational
    autoencoders", NeurIPS 2019.

    Example:
        >>> import plait
        >>> plait.distributions.ContinuousBernoulli(plait.tensor([0.5, 0.9])).mean
        tensor([0.5000, 0.6699])
    """

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.unit_interval
    has_rsample = True
    _parameter_dims = {"probs": 0, "logits": 0}
    _mean_carrier_measure = 0

    def __init__(
        self,
        probs: Tensor | float | None = None,
        logits: Tensor | float | None = None,
        lims: tuple[float, float] = (0.499, 0.501),
        validate_args: bool | None = None,
    ) -> None:
        only_one("ContinuousBernoulli", probs=probs, logits=logits)
        if probs is not None:
            (probs,) = broadcast_all(probs)
            if self._validate_args if validate_args is None else validate_args:
                self._check_probs(probs)  # before they are clamped
            self.probs = clamp_probs(probs)
        else:
            (self.logits,) = broadcast_all(logits)
        self._lims = lims
        super().__init__(self._param.shape, (), validate_args)

    def _check_probs(self, probs: Tensor) -> None:
        if not bool(self.arg_constraints["probs"].check(probs).all()):
            raise _core.ArgumentError("ContinuousBernoulli: expected parameter probs in [0, 1]")

    @property
    def _param(self) -> Tensor:
        return self.__dict__["probs" if "probs" in self.__dict__ else "logits"]

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        new = super().expand(batch_shape, _instance)
        new._lims = self._lims
        return new

    def _outside(self) -> Tensor:
        """Where the formulas hold."""
        return (self.probs <= self._lims[0]) | (self.probs > self._lims[1])

    def _cut_probs(self) -> Tensor:
        """Probabilities for the formulas; where they are not used, one for which they are finite."""
        return _core.where(self._outside(), self.probs, self._lims[0])

    def _cont_bern_log_norm(self) -> Tensor:
        """log C(p) = log(2 artanh(1 - 2 p) / (1 - 2 p))."""
        p = self._cut_probs()
        # |log(1 - p) - log p| / |1 - 2 p|
        log_norm = ((-p).log1p() - p.log()).abs().log() - (1 - 2 * p).abs().log()
        x = (self.probs - 0.5).pow(2)
        return _core.where(self._outside(), log_norm, math.log(2.0) + (4.0 / 3.0 + 104.0 / 45.0 * x) * x)

    @property
    def mean(self) -> Tensor:
        p = self._cut_probs()
        mean = p / (2 * p - 1) + 1 / ((-p).log1p() - p.log())
        x = self.probs - 0.5
        return _core.where(self._outside(), mean, 0.5 + (1.0 / 3.0 + 16.0 / 45.0 * x.pow(2)) * x)

    @property
    def stddev(self) -> Tensor:
        return self.variance.sqrt()

    @property
    def variance(self) -> Tensor:
        p = self._cut_probs()
        variance = p * (p - 1) / (1 - 2 * p).pow(2) + 1 / ((-p).log1p() - p.log()).pow(2)
        x = (self.probs - 0.5).pow(2)
        return _core.where(self._outside(), variance, 1.0 / 12.0 - (1.0 / 15.0 - 128.0 / 945.0 * x) * x)

    @lazy_property
    def logits(self) -> Tensor:
        """The log-odds of p."""
        return probs_to_logits(self.probs, is_binary=True)

    @lazy_property
    def probs(self) -> Tensor:
        """p."""
        return clamp_probs(logits_to_probs(self.logits, is_binary=True))

    @property
    def param_shape(self) -> Size:
        """The shape of the parameter."""
        return self._param.shape

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        return self.icdf(_core.rand(self._extended_shape(sample_shape), dtype=self.probs.dtype))

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        return -binary_entropy_with_logits(self.logits, value) + self._cont_bern_log_norm()

    def cdf(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        p = self._cut_probs()
        cdf = (p.pow(value) * (1 - p).pow(1 - value) + p - 1) / (2 * p - 1)
        cdf = _core.where(self._outside(), cdf, value)
        return _core.where(value <= 0, 0.0, _core.where(value >= 1, 1.0, cdf))

    def icdf(self, value: Tensor) -> Tensor:
        p = self._cut_probs()
        icdf = ((-p + value * (2 * p - 1)).log1p() - (-p).log1p()) / (p.log() - (-p).log1p())
        return _core.where(self._outside(), icdf, value)

    def entropy(self) -> Tensor:
        log_0, log_1 = (-self.probs).log1p(), self.probs.log()
        return self.mean * (log_0 - log_1) - self._cont_bern_log_norm() - log_0

    @property
    def _natural_params(self) -> tuple[Tensor]:
        return (self.logits,)

    def _log_normalizer(self, x: Tensor) -> Tensor:  # type: ignore[override]
        # log((e^x - 1) / x), and its series near 0
        outside = (x <= self._lims[0] - 0.5) | (x > self._lims[1] - 0.5)
        cut = _core.where(outside, x, self._lims[0] - 0.5)
        log_norm = cut.expm1().abs().log() - cut.abs().log()
        return _core.where(outside, log_norm, 0.5 * x + x.pow(2) / 24.0 - x.pow(4) / 2880.0)
