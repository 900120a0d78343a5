# SPDX-License-Identifier: MIT
"""A distribution seen through transforms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .._core import ArgumentError, Size, Tensor
from ..autograd.grad_mode import no_grad
from . import constraints
from .distribution import Distribution
from .independent import Independent
from .transforms import ComposeTransform, Transform
from .utils import _sum_rightmost

__all__ = ["TransformedDistribution"]


class TransformedDistribution(Distribution):
    """The distribution of ``y = f(x)`` for x of a base distribution and a transform f.

    Its density follows from the base's: ``log p(y) = log p(x) - log |dy / dx|``.

    Args:
        base_distribution: the distribution of x.
        transforms: one transform or a list of them, the first one applied first.
        validate_args: whether arguments are checked. Default: as ``set_default_validate_args`` was told.

    Raises:
        ValueError: something else than transforms; a base of fewer dimensions than the transforms work on.

    Example:
        >>> import plait
        >>> from plait.distributions import AffineTransform, SigmoidTransform, TransformedDistribution, Uniform
        >>> logistic = TransformedDistribution(Uniform(0.0, 1.0), [SigmoidTransform().inv, AffineTransform(1.0, 2.0)])
        >>> logistic.cdf(plait.tensor(1.0))
        tensor(0.5000)
    """

    arg_constraints: dict[str, constraints.Constraint] = {}
    _parameter_dims: dict[str, int] = {}

    def __init__(
        self,
        base_distribution: Distribution,
        transforms: Transform | Sequence[Transform],
        validate_args: bool | None = None,
    ) -> None:
        self.transforms = [transforms] if isinstance(transforms, Transform) else list(transforms)
        if not all(isinstance(t, Transform) for t in self.transforms):
            raise ArgumentError(f"TransformedDistribution: expected transforms, got {transforms!r}")
        # Events as large as the transforms work on, after and before them.
        base_shape = Size((*base_distribution.batch_shape, *base_distribution.event_shape))
        base_event = len(base_distribution.event_shape)
        whole = ComposeTransform(self.transforms)
        if len(base_shape) < whole.domain.event_dim:
            raise ArgumentError(
                f"TransformedDistribution: expected a base of at least {whole.domain.event_dim} dimensions, got shape "
                f"{tuple(base_shape)}"
            )
        shape = Size(whole.forward_shape(base_shape))
        expanded = Size(whole.inverse_shape(shape))
        if expanded != base_shape:
            base_batch = expanded[: len(expanded) - base_event]
            base_distribution = base_distribution.expand(base_batch)
        missing = whole.domain.event_dim - base_event
        self.base_dist = Independent(base_distribution, missing) if missing > 0 else base_distribution
        event = self._event_dim(whole, base_event)
        super().__init__(shape[: len(shape) - event], shape[len(shape) - event :], validate_args)

    @staticmethod
    def _event_dim(whole: Transform, base_event: int) -> int:
        """The dimensions of an event of y: those of the transform, and what the base's has beyond them."""
        before, after = whole.domain.event_dim, whole.codomain.event_dim
        return after + max(base_event - before, 0)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        new = self._get_checked_instance(TransformedDistribution, _instance)
        batch_shape = Size(batch_shape)
        whole = ComposeTransform(self.transforms)
        before = whole.inverse_shape(Size((*batch_shape, *self.event_shape)))
        base_batch = before[: len(before) - len(self.base_dist.event_shape)]
        new.base_dist = self.base_dist.expand(base_batch)
        new.transforms = self.transforms
        self._finish_expanded(new, batch_shape)
        return new

    @constraints.dependent_property(is_discrete=False)
    def support(self) -> Any:
        if not self.transforms:
            return self.base_dist.support
        support = self.transforms[-1].codomain
        missing = len(self.event_shape) - support.event_dim
        return constraints.independent(support, missing) if missing > 0 else support

    @property
    def has_rsample(self) -> bool:  # type: ignore[override]
        """Whether the base has reparameterised samples."""
        return self.base_dist.has_rsample

    def _transformed(self, x: Tensor) -> Tensor:
        for transform in self.transforms:
            x = transform(x)
        return x

    def sample(self, sample_shape: Any = ()) -> Tensor:
        with no_grad():
            return self._transformed(self.base_dist.sample(sample_shape))

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        return self._transformed(self.base_dist.rsample(sample_shape))

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        event = len(self.event_shape)
        log_prob: Any = 0.0
        y = value
        for transform in reversed(self.transforms):
            x = transform.inv(y)
            event += transform.domain.event_dim - transform.codomain.event_dim
            slope = transform.log_abs_det_jacobian(x, y)
            log_prob = log_prob - _sum_rightmost(slope, event - transform.domain.event_dim)
            y = x
        return log_prob + _sum_rightmost(self.base_dist.log_prob(y), event - len(self.base_dist.event_shape))

    def _increasing(self, probability: Tensor) -> Tensor:
        """A probability of at most x, as one of at most y and back: a falling transform turns the order around."""
        sign: Any = 1
        for transform in self.transforms:
            sign = sign * transform.sign
        if isinstance(sign, int) and sign == 1:
            return probability
        return sign * (probability - 0.5) + 0.5

    def cdf(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        for transform in reversed(self.transforms):
            value = transform.inv(value)
        if self.base_dist._validate_args:
            self.base_dist._validate_sample(value)
        return self._increasing(self.base_dist.cdf(value))

    def icdf(self, value: Tensor) -> Tensor:
        return self._transformed(self.base_dist.icdf(self._increasing(value)))
