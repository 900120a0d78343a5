# SPDX-License-Identifier: MIT
"""The categorical distribution."""

from __future__ import annotations

from typing import Any

from .. import _core
from .._core import ArgumentError, Size, Tensor
from .._tensor import finfo
from ..autograd.grad_mode import no_grad
from . import constraints
from .distribution import Distribution
from .utils import lazy_property, logits_to_probs, only_one, probs_to_logits

__all__ = ["Categorical"]


class Categorical(Distribution):
    """0, ..., K - 1 with the probabilities along the last dimension.

    Args:
        probs: (*, K), at least 0; their sum is made 1; or
        logits: (*, K), unnormalised log-probabilities.
        validate_args: whether arguments are checked. Default: as ``set_default_validate_args`` was told.

    Raises:
        ValueError: a parameter of no dimension, or out of range.

    Example:
        >>> import plait
        >>> d = plait.distributions.Categorical(plait.tensor([0.25, 0.25, 0.5]))
        >>> d.log_prob(plait.tensor(2)), d.entropy()
        (tensor(-0.6931), tensor(1.0397))
    """

    arg_constraints = {"probs": constraints.simplex, "logits": constraints.real_vector}
    has_enumerate_support = True
    _parameter_dims = {"probs": 1, "logits": 1}

    def __init__(
        self, probs: Tensor | None = None, logits: Tensor | None = None, validate_args: bool | None = None
    ) -> None:
        only_one("Categorical", probs=probs, logits=logits)
        given = logits if probs is None else probs
        if not isinstance(given, Tensor) or given.dim() < 1:
            raise ArgumentError(f"Categorical: expected a parameter of at least one dimension, got {given!r}")
        if probs is not None:
            self.probs = probs / probs.sum(-1, keepdim=True)
        else:
            self.logits = given - given.logsumexp(-1, keepdim=True)
        super().__init__(given.shape[:-1], (), validate_args)

    @property
    def _param(self) -> Tensor:
        return self.__dict__["probs" if "probs" in self.__dict__ else "logits"]

    @property
    def _num_events(self) -> int:
        return self._param.shape[-1]

    @constraints.dependent_property(is_discrete=True, event_dim=0)
    def support(self) -> Any:
        return constraints.integer_interval(0, self._num_events - 1)

    @lazy_property
    def logits(self) -> Tensor:
        """The normalised log-probabilities."""
        return probs_to_logits(self.probs)

    @lazy_property
    def probs(self) -> Tensor:
        """The probabilities."""
        return logits_to_probs(self.logits)

    @property
    def param_shape(self) -> Size:
        """The shape of the parameter."""
        return self._param.shape

    @property
    def mean(self) -> Tensor:
        """NaN: categories have no mean."""
        return self._full(float("nan"), self.probs)

    @property
    def mode(self) -> Tensor:
        return self.probs.argmax(-1)

    @property
    def variance(self) -> Tensor:
        """NaN: categories have no variance."""
        return self._full(float("nan"), self.probs)

    def sample(self, sample_shape: Any = ()) -> Tensor:
        sample_shape = Size(sample_shape)
        n = sample_shape.numel()
        with no_grad():
            rows = self.probs.reshape([Size(self._batch_shape).numel(), self._num_events])
            if rows.shape[0] == 0 or n == 0:
                return _core.empty(self._extended_shape(sample_shape), dtype=_core.int64)
            return _core.multinomial(rows, n, True).t().reshape(self._extended_shape(sample_shape))

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        index, logits = _core.broadcast_tensors(value.long().unsqueeze(-1), self.logits)
        return logits.gather(-1, index[..., :1]).squeeze(-1)

    def entropy(self) -> Tensor:
        # 0 log 0 is 0
        return -(self.logits.clamp(min=finfo(self.logits.dtype).min) * self.probs).sum(-1)

    def enumerate_support(self, expand: bool = True) -> Tensor:
        return self._enumerated(_core.arange(self._num_events), expand)
