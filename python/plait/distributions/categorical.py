# SPDX-License-Identifier: MIT
"""One of several values, as an index or as a one-hot vector."""

from __future__ import annotations

from typing import Any

from .. import _core
from .._core import ArgumentError, Tensor
from ..autograd.grad_mode import no_grad
from .distribution import Distribution, one_of

__all__ = ["Categorical", "OneHotCategorical"]


class Categorical(Distribution):
    """0, ..., K - 1 with the probabilities along the last dimension.

    Args:
        probs: (*, K), at least 0; their sum is made 1; or
        logits: (*, K), unnormalised log-probabilities.
        validate_args: whether parameters and values are checked. Default: as ``set_default_validate_args`` was told.

    Raises:
        ValueError: a parameter of no dimension, or out of range.

    Example:
        >>> import plait
        >>> d = plait.distributions.Categorical(plait.tensor([0.25, 0.25, 0.5]))
        >>> d.log_prob(plait.tensor(2)), d.entropy()
        (tensor(-0.6931), tensor(1.0397))
    """

    has_enumerate_support = True

    def __init__(
        self, probs: Tensor | None = None, logits: Tensor | None = None, validate_args: bool | None = None
    ) -> None:
        name = type(self).__name__
        one_of(name, probs, logits)
        given = logits if probs is None else probs
        if not isinstance(given, Tensor) or given.dim() < 1:
            raise ArgumentError(f"{name}: expected a tensor of at least one dimension, got {given!r}")
        super().__init__(given.shape[:-1], self._event(given), validate_args)
        self._by_probs = probs is not None
        if probs is not None:
            sums = probs.sum(-1, keepdim=True)
            self._check("probs", probs, (probs >= 0) & (sums > 0), "at least 0 with a sum above 0")
            self.probs = probs / sums
            eps = {"float64": 2.0**-52, "float16": 2.0**-10, "bfloat16": 2.0**-7}.get(probs.dtype.name, 2.0**-23)
            self.logits = self.probs.clamp(eps, 1 - eps).log()
        else:
            self._check("logits", given, given == given, "to be numbers")
            self.logits = given - given.logsumexp(-1, keepdim=True)
            self.probs = self.logits.softmax(-1)

    @staticmethod
    def _event(given: Tensor) -> tuple[int, ...]:
        return ()

    @property
    def param_shape(self) -> Any:
        """The shape of the probabilities."""
        return self.probs.shape

    @property
    def _num_events(self) -> int:
        return self.probs.shape[-1]

    @property
    def mean(self) -> Tensor:
        """The mean, of batch and event shape."""
        return _core.full(self._batch_shape, float("nan"), dtype=self.probs.dtype)

    @property
    def variance(self) -> Tensor:
        """The variance, of batch and event shape."""
        return self.mean

    @property
    def mode(self) -> Tensor:
        """The most likely value, of batch and event shape."""
        return self.probs.argmax(-1)

    def _indices(self, sample_shape: Any) -> Tensor:
        with no_grad():
            n = 1
            for s in sample_shape:
                n *= s
            rows = self.probs.reshape(-1, self._num_events)
            drawn = _core.multinomial(rows, n, True) if n else _core.empty(rows.shape[0], 0, dtype=_core.int64)
            return drawn.t().reshape([*sample_shape, *self._batch_shape])

    def sample(self, sample_shape: Any = ()) -> Tensor:
        return self._indices(_core.Size(sample_shape))

    def log_prob(self, value: Tensor) -> Tensor:
        value = _core.as_tensor(value)
        self._check_value(value, (value >= 0) & (value < self._num_events), f"in 0..{self._num_events - 1}")
        index, logits = _core.broadcast_tensors(value.long().unsqueeze(-1), self.logits)
        return logits.gather(-1, index[..., :1]).squeeze(-1)

    def entropy(self) -> Tensor:
        smallest = -3.4e38 if self.logits.dtype != _core.float16 else -65504.0
        return -(self.logits.clamp(min=smallest) * self.probs).sum(-1)

    def enumerate_support(self, expand: bool = True) -> Tensor:
        """All values, along a first dimension.

        Args:
            expand: whether the batch shape is repeated. Default: ``True``.
        """
        values = _core.arange(self._num_events).reshape([-1] + [1] * len(self._batch_shape))
        return values.expand(-1, *self._batch_shape) if expand else values

    def _parameters(self) -> dict[str, Tensor]:
        return {"probs": self.probs} if self._by_probs else {"logits": self.logits}


class OneHotCategorical(Categorical):
    """:class:`Categorical` whose values are one-hot vectors."""

    has_enumerate_support = False

    @staticmethod
    def _event(given: Tensor) -> tuple[int, ...]:
        return (given.shape[-1],)

    @property
    def mean(self) -> Tensor:
        """The mean, of batch and event shape."""
        return self.probs

    @property
    def variance(self) -> Tensor:
        """The variance, of batch and event shape."""
        return self.probs * (1 - self.probs)

    def _one_hot(self, index: Tensor) -> Tensor:
        return (index.unsqueeze(-1) == _core.arange(self._num_events)).to(self.probs.dtype)

    @property
    def mode(self) -> Tensor:
        """The most likely value, of batch and event shape."""
        return self._one_hot(self.probs.argmax(-1))

    def sample(self, sample_shape: Any = ()) -> Tensor:
        return self._one_hot(self._indices(_core.Size(sample_shape)))

    def log_prob(self, value: Tensor) -> Tensor:
        return super().log_prob(value.argmax(-1))
