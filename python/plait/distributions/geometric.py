# SPDX-License-Identifier: MIT
"""The geometric distribution."""

from __future__ import annotations

from typing import Any

from .. import _core
from .._core import Tensor
from ..autograd.grad_mode import no_grad
from . import constraints
from .distribution import Distribution
from .utils import (
    _uniform_inside,
    binary_entropy_with_logits,
    broadcast_all,
    lazy_property,
    logits_to_probs,
    only_one,
    probs_to_logits,
)

__all__ = ["Geometric"]


class Geometric(Distribution):
    """The number of failures before the first success.

    Args:
        probs: of a success, in (0, 1]; or
        logits: ``log(probs / (1 - probs))``.
        validate_args: whether arguments are checked. Default: as ``set_default_validate_args`` was told.

    Raises:
        ValueError: a parameter out of range.

    Example:
        >>> import plait
        >>> plait.distributions.Geometric(plait.tensor(0.25)).mean
        tensor(3.)
    """

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.nonnegative_integer
    _parameter_dims = {"probs": 0, "logits": 0}

    def __init__(
        self,
        probs: Tensor | float | None = None,
        logits: Tensor | float | None = None,
        validate_args: bool | None = None,
    ) -> None:
        only_one("Geometric", probs=probs, logits=logits)
        if probs is not None:
            (self.probs,) = broadcast_all(probs)
        else:
            (self.logits,) = broadcast_all(logits)
        super().__init__((self.logits if probs is None else self.probs).shape, (), validate_args)
        if self._validate_args and probs is not None:
            constraint = constraints.greater_than(0.0)
            if not bool(constraint.check(self.probs).all()):
                raise _core.ArgumentError(f"Geometric: expected parameter probs to satisfy {constraint!r}, got 0")

    @property
    def mean(self) -> Tensor:
        return 1.0 / self.probs - 1.0

    @property
    def mode(self) -> Tensor:
        return _core.zeros_like(self.probs)

    @property
    def variance(self) -> Tensor:
        return (1.0 / self.probs - 1.0) / self.probs

    @lazy_property
    def logits(self) -> Tensor:
        """The log-odds of a success."""
        return probs_to_logits(self.probs, is_binary=True)

    @lazy_property
    def probs(self) -> Tensor:
        """The probability of a success."""
        return logits_to_probs(self.logits, is_binary=True)

    def sample(self, sample_shape: Any = ()) -> Tensor:
        with no_grad():
            u = _uniform_inside(self._extended_shape(sample_shape), self.probs.dtype)
            return (u.log() / (-self.probs).log1p()).floor()

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        value, probs = _core.broadcast_tensors(value, self.probs)
        # 0 log(1 - 1) is 0
        failures = _core.where((probs == 1) & (value == 0), 0.0, probs)
        return value * (-failures).log1p() + probs.log()

    def entropy(self) -> Tensor:
        return binary_entropy_with_logits(self.logits, self.probs) / self.probs
