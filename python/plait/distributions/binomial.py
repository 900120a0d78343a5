# SPDX-License-Identifier: MIT
"""The binomial distribution."""

from __future__ import annotations

from typing import Any

from .. import _core
from .._core import Size, Tensor
from ..autograd.grad_mode import no_grad
from . import constraints
from .distribution import Distribution
from .utils import broadcast_all, lazy_property, logits_to_probs, only_one, probs_to_logits

__all__ = ["Binomial"]


class Binomial(Distribution):
    """The number of successes among ``total_count`` trials.

    Args:
        total_count: the number of trials, at least 0. Default: 1.
        probs: of a success, in [0, 1]; or
        logits: ``log(probs / (1 - probs))``.
        validate_args: whether arguments are checked. Default: as ``set_default_validate_args`` was told.

    Example:
        >>> import plait
        >>> d = plait.distributions.Binomial(4, plait.tensor(0.5))
        >>> d.mean, d.log_prob(plait.tensor(2.0)).exp()
        (tensor(2.), tensor(0.3750))
    """

    arg_constraints = {
        "total_count": constraints.nonnegative_integer,
        "probs": constraints.unit_interval,
        "logits": constraints.real,
    }
    has_enumerate_support = True
    _parameter_dims = {"total_count": 0, "probs": 0, "logits": 0}

    def __init__(
        self,
        total_count: Tensor | int = 1,
        probs: Tensor | float | None = None,
        logits: Tensor | float | None = None,
        validate_args: bool | None = None,
    ) -> None:
        only_one("Binomial", probs=probs, logits=logits)
        if not isinstance(total_count, Tensor):
            total_count = float(total_count)
        if probs is not None:
            self.probs, self.total_count = broadcast_all(probs, total_count)
        else:
            self.logits, self.total_count = broadcast_all(logits, total_count)
        self.total_count = self.total_count.type_as(self._param)
        super().__init__(self._param.shape, (), validate_args)

    @property
    def _param(self) -> Tensor:
        return self.__dict__["probs" if "probs" in self.__dict__ else "logits"]

    @constraints.dependent_property(is_discrete=True, event_dim=0)
    def support(self) -> Any:
        return constraints.integer_interval(0, self.total_count)

    @lazy_property
    def logits(self) -> Tensor:
        """The log-odds of a success."""
        return probs_to_logits(self.probs, is_binary=True)

    @lazy_property
    def probs(self) -> Tensor:
        """The probability of a success."""
        return logits_to_probs(self.logits, is_binary=True)

    @property
    def param_shape(self) -> Size:
        """The shape of the parameter."""
        return self._param.shape

    @property
    def mean(self) -> Tensor:
        return self.total_count * self.probs

    @property
    def mode(self) -> Tensor:
        return ((self.total_count + 1) * self.probs).floor().clamp(max=self.total_count)

    @property
    def variance(self) -> Tensor:
        return self.total_count * self.probs * (1 - self.probs)

    def sample(self, sample_shape: Any = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        with no_grad():
            return _core.binomial(self.total_count.expand(shape), self.probs.expand(shape))

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        n, logits = self.total_count, self.logits
        ways = (n + 1).lgamma() - (value + 1).lgamma() - (n - value + 1).lgamma()
        # log(1 + e^logits), without overflow
        log_normalizer = logits.clamp(min=0) + (-logits.abs()).exp().log1p()
        return ways + value * logits - n * log_normalizer

    def _one_count(self, name: str) -> int:
        total = int(self.total_count.max())
        if not self.total_count.min() == total:
            raise NotImplementedError(f"Binomial.{name}: the values differ where total_count does")
        return total

    def entropy(self) -> Tensor:
        self._one_count("entropy")
        log_prob = self.log_prob(self.enumerate_support(False))
        return -(log_prob.exp() * log_prob).sum(0)

    def enumerate_support(self, expand: bool = True) -> Tensor:
        total = self._one_count("enumerate_support")
        return self._enumerated(_core.arange(1 + total, dtype=self._param.dtype), expand)
