# SPDX-License-Identifier: MIT
"""Mixtures of distributions of one family."""

from __future__ import annotations

from typing import Any

from .._core import ArgumentError, Size, Tensor
from ..autograd.grad_mode import no_grad
from . import constraints
from .categorical import Categorical
from .constraints import MixtureSameFamilyConstraint
from .distribution import Distribution

__all__ = ["MixtureSameFamily"]


class MixtureSameFamily(Distribution):
    """A mixture: a component is drawn, then a value of it.

    Args:
        mixture_distribution: a :class:`Categorical` of K components.
        component_distribution: a distribution whose last batch dimension counts the components.
        validate_args: whether arguments are checked. Default: as ``set_default_validate_args`` was told.

    Raises:
        ValueError: no Categorical first, no distribution second, shapes and numbers of components that do not fit.

    Example:
        >>> import plait
        >>> from plait.distributions import Categorical, MixtureSameFamily, Normal
        >>> mixture = MixtureSameFamily(Categorical(plait.ones(2)), Normal(plait.tensor([-1.0, 1.0]), 0.1))
        >>> mixture.mean, mixture.variance
        (tensor(0.), tensor(1.0100))
    """

    arg_constraints: dict[str, constraints.Constraint] = {}
    has_rsample = False
    _parameter_dims: dict[str, int] = {}

    def __init__(
        self,
        mixture_distribution: Categorical,
        component_distribution: Distribution,
        validate_args: bool | None = None,
    ) -> None:
        if not isinstance(mixture_distribution, Categorical) or not isinstance(component_distribution, Distribution):
            raise ArgumentError(
                "MixtureSameFamily: expected a Categorical and a Distribution, got "
                f"{type(mixture_distribution).__name__} and {type(component_distribution).__name__}"
            )
        weights, batch = mixture_distribution.batch_shape, component_distribution.batch_shape
        if not batch or any(a not in (1, b) and b != 1 for a, b in zip(reversed(weights), reversed(batch[:-1]))):
            raise ArgumentError(
                f"MixtureSameFamily: expected a batch shape of components that ends with them after {tuple(weights)}, "
                f"got {tuple(batch)}"
            )
        n = mixture_distribution.param_shape[-1]
        if batch[-1] != n:
            raise ArgumentError(f"MixtureSameFamily: expected {n} components, got batch shape {tuple(batch)}")
        self._mixture_distribution, self._component_distribution = mixture_distribution, component_distribution
        self._num_component = n
        self._event_ndims = len(component_distribution.event_shape)
        super().__init__(batch[:-1], component_distribution.event_shape, validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        new = self._get_checked_instance(MixtureSameFamily, _instance)
        batch_shape = Size(batch_shape)
        new._component_distribution = self._component_distribution.expand((*batch_shape, self._num_component))
        new._mixture_distribution = self._mixture_distribution.expand(batch_shape)
        new._num_component, new._event_ndims = self._num_component, self._event_ndims
        self._finish_expanded(new, batch_shape)
        return new

    @constraints.dependent_property
    def support(self) -> Any:
        return MixtureSameFamilyConstraint(self._component_distribution.support)

    @property
    def mixture_distribution(self) -> Categorical:
        """The distribution of the components."""
        return self._mixture_distribution

    @property
    def component_distribution(self) -> Distribution:
        """The components."""
        return self._component_distribution

    def _weights(self) -> Tensor:
        """The components' probabilities, with dimensions for an event behind."""
        probs = self.mixture_distribution.probs
        return probs.reshape([*probs.shape, *[1] * self._event_ndims])

    @property
    def _component_dim(self) -> int:
        return -1 - self._event_ndims

    @property
    def mean(self) -> Tensor:
        return (self._weights() * self.component_distribution.mean).sum(self._component_dim)

    @property
    def variance(self) -> Tensor:
        # mean of the variances, and variance of the means
        weights, dim = self._weights(), self._component_dim
        inside = (weights * self.component_distribution.variance).sum(dim)
        distance = self.component_distribution.mean - self.mean.unsqueeze(dim)
        return inside + (weights * distance.pow(2)).sum(dim)

    def cdf(self, x: Tensor) -> Tensor:  # type: ignore[override]
        cdf = self.component_distribution.cdf(x.unsqueeze(self._component_dim))
        return (cdf * self.mixture_distribution.probs).sum(-1)

    def log_prob(self, x: Tensor) -> Tensor:  # type: ignore[override]
        if self._validate_args:
            self._validate_sample(x)
        log_prob = self.component_distribution.log_prob(x.unsqueeze(self._component_dim))
        return (log_prob + self.mixture_distribution.logits.log_softmax(-1)).logsumexp(-1)

    def sample(self, sample_shape: Any = ()) -> Tensor:
        with no_grad():
            sample_shape = Size(sample_shape)
            at = len(sample_shape) + len(self._batch_shape)  # where the components are
            chosen = self.mixture_distribution.expand(self._batch_shape).sample(sample_shape)
            values = self.component_distribution.sample(sample_shape)
            index = chosen.reshape([*chosen.shape, 1, *[1] * self._event_ndims])
            index = index.expand([*chosen.shape, 1, *self._event_shape])
            return values.gather(at, index).squeeze(at)

    def __repr__(self) -> str:
        return f"MixtureSameFamily(\n  {self.mixture_distribution},\n  {self.component_distribution})"
