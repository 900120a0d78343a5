# SPDX-License-Identifier: MIT
"""Success and failure."""

from __future__ import annotations

from typing import Any

from .. import _core
from .._core import Tensor
from ..autograd.grad_mode import no_grad
from .distribution import Distribution, broadcast, one_of

__all__ = ["Bernoulli", "Geometric"]


def _binary_logits(probs: Tensor) -> Tensor:
    eps = {"float64": 2.0**-52, "float32": 2.0**-23, "float16": 2.0**-10}.get(probs.dtype.name, 2.0**-7)
    clamped = probs.clamp(eps, 1 - eps)
    return clamped.log() - (-clamped).log1p()


class _Binary(Distribution):
    """A distribution with a probability of success."""

    def __init__(
        self,
        probs: float | Tensor | None = None,
        logits: float | Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        one_of(type(self).__name__, probs, logits)
        (given,) = broadcast(logits if probs is None else probs)
        super().__init__(given.shape, (), validate_args)
        self._by_probs = probs is not None
        if probs is not None:
            self._check("probs", given, (given >= 0) & (given <= 1), "between 0 and 1")
        self.probs = given if probs is not None else given.sigmoid()
        self.logits = _binary_logits(given) if probs is not None else given

    def _parameters(self) -> dict[str, Tensor]:
        return {"probs": self.probs} if self._by_probs else {"logits": self.logits}


class Bernoulli(_Binary):
    """1 with probability ``probs``, else 0.

    Args:
        probs: in [0, 1]; or
        logits: ``log(probs / (1 - probs))``.
        validate_args: whether parameters and values are checked. Default: as ``set_default_validate_args`` was told.

    Example:
        >>> import plait
        >>> plait.distributions.Bernoulli(plait.tensor([0.25])).log_prob(plait.ones(1))
        tensor([-1.3863])
    """

    @property
    def mean(self) -> Tensor:
        """The mean, of batch and event shape."""
        return self.probs

    @property
    def variance(self) -> Tensor:
        """The variance, of batch and event shape."""
        return self.probs * (1 - self.probs)

    def sample(self, sample_shape: Any = ()) -> Tensor:
        with no_grad():
            return _core.bernoulli(self.probs.expand(self._shape(sample_shape)))

    def log_prob(self, value: Tensor) -> Tensor:
        value = _core.as_tensor(value)
        self._check_value(value, (value == 0) | (value == 1), "0 or 1")
        from ..nn.functional import binary_cross_entropy_with_logits

        logits, value = _core.broadcast_tensors(self.logits, value.to(self.logits.dtype))
        return -binary_cross_entropy_with_logits(logits, value, reduction="none")

    def entropy(self) -> Tensor:
        from ..nn.functional import binary_cross_entropy_with_logits

        return binary_cross_entropy_with_logits(self.logits, self.probs, reduction="none")


class Geometric(_Binary):
    """The number of failures before the first success.

    Args:
        probs: of a success, in (0, 1]; or
        logits: ``log(probs / (1 - probs))``.
        validate_args: whether parameters and values are checked. Default: as ``set_default_validate_args`` was told.

    Example:
        >>> import plait
        >>> plait.distributions.Geometric(plait.tensor(0.25)).mean
        tensor(3.)
    """

    @property
    def mean(self) -> Tensor:
        """The mean, of batch and event shape."""
        return 1.0 / self.probs - 1.0

    @property
    def variance(self) -> Tensor:
        """The variance, of batch and event shape."""
        return (1.0 / self.probs - 1.0) / self.probs

    def sample(self, sample_shape: Any = ()) -> Tensor:
        with no_grad():
            u = 1 - _core.rand(self._shape(sample_shape), dtype=self.probs.dtype)  # in (0, 1]
            return (u.log() / (-self.probs).log1p()).floor()

    def log_prob(self, value: Tensor) -> Tensor:
        value = _core.as_tensor(value)
        self._check_value(value, value >= 0, ">= 0")
        value, probs = _core.broadcast_tensors(value, self.probs)
        probs = _core.where((probs == 1) & (value == 0), 0.0, probs)
        return value * (-probs).log1p() + self.probs.log()

    def entropy(self) -> Tensor:
        p = self.probs
        return (_core.xlogy(p, p) + _core.xlogy(1 - p, 1 - p)) / -p
