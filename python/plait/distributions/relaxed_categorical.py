# SPDX-License-Identifier: MIT
"""The relaxed categorical distribution."""

from __future__ import annotations

from typing import Any

from .. import _core
from .._core import Size, Tensor
from . import constraints
from .categorical import Categorical
from .distribution import Distribution
from .transformed_distribution import TransformedDistribution
from .transforms import ExpTransform
from .utils import _uniform_inside, broadcast_all, clamp_probs

__all__ = ["ExpRelaxedCategorical", "RelaxedOneHotCategorical"]


class ExpRelaxedCategorical(Distribution):
    """The logarithms of :class:`RelaxedOneHotCategorical`.

    Args:
        temperature: > 0.
        probs: (*, K), at least 0; their sum is made 1; or
        logits: (*, K), unnormalised log-probabilities.
        validate_args: whether arguments are checked. Default: as ``set_default_validate_args`` was told.

    Source: Maddison, Mnih and Teh, "The concrete distribution", ICLR 2017.

    Example:
        >>> import plait
        >>> from plait.distributions.relaxed_categorical import ExpRelaxedCategorical
        >>> ExpRelaxedCategorical(plait.tensor(1.0), logits=plait.zeros(3)).rsample().logsumexp(-1).abs() < 1e-6
        tensor(True)
    """

    arg_constraints = {"probs": constraints.simplex, "logits": constraints.real_vector}
    support = constraints.real_vector  # those whose exponentials add up to 1
    has_rsample = True
    _parameter_dims: dict[str, int] = {}

    def __init__(
        self,
        temperature: Tensor | float,
        probs: Tensor | None = None,
        logits: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        self._categorical = Categorical(probs, logits)
        self.temperature = temperature
        super().__init__(self._categorical.batch_shape, self._categorical.param_shape[-1:], validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        new = self._get_checked_instance(ExpRelaxedCategorical, _instance)
        new.temperature = self.temperature
        new._categorical = self._categorical.expand(batch_shape)
        self._finish_expanded(new, batch_shape)
        return new

    @property
    def param_shape(self) -> Size:
        """The shape of the parameter."""
        return self._categorical.param_shape

    @property
    def logits(self) -> Tensor:
        """The normalised log-probabilities."""
        return self._categorical.logits

    @property
    def probs(self) -> Tensor:
        """The probabilities."""
        return self._categorical.probs

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        gumbels = -(-clamp_probs(_uniform_inside(shape, self.logits.dtype)).log()).log()
        return ((self.logits + gumbels) / self.temperature).log_softmax(-1)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        k = self._event_shape[0]
        logits, value = broadcast_all(self.logits, value)
        temperature = _core.as_tensor(self.temperature, dtype=logits.dtype)
        log_scale = _core.tensor(float(k), dtype=logits.dtype).lgamma() + (k - 1) * temperature.log()
        return (logits - value * temperature).log_softmax(-1).sum(-1) + log_scale


class RelaxedOneHotCategorical(TransformedDistribution):
    """Vectors of the simplex near its corners, a differentiable stand-in for :class:`OneHotCategorical`.

    Args:
        temperature: > 0; the smaller, the nearer to the corners.
        probs: (*, K), at least 0; their sum is made 1; or
        logits: (*, K), unnormalised log-probabilities.
        validate_args: whether arguments are checked. Default: as ``set_default_validate_args`` was told.

    Source: Maddison, Mnih and Teh, "The concrete distribution", ICLR 2017; Jang, Gu and Poole, "Categorical
    reparameterization with Gumbel-softmax", ICLR 2017.

    Example:
        >>> import plait
        >>> d = plait.distributions.RelaxedOneHotCategorical(plait.tensor(2.0), plait.tensor([0.1, 0.9]))
        >>> d.rsample().shape
        plait.Size([2])
    """

    arg_constraints = {"probs": constraints.simplex, "logits": constraints.real_vector}
    support = constraints.simplex
    has_rsample = True
    _parameter_dims: dict[str, int] = {}
    base_dist: ExpRelaxedCategorical

    def __init__(
        self,
        temperature: Tensor | float,
        probs: Tensor | None = None,
        logits: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        base = ExpRelaxedCategorical(temperature, probs, logits, validate_args=validate_args)
        super().__init__(base, ExpTransform(), validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        return super().expand(batch_shape, _instance=self._get_checked_instance(RelaxedOneHotCategorical, _instance))

    @property
    def temperature(self) -> Any:
        """The temperature."""
        return self.base_dist.temperature

    @property
    def logits(self) -> Tensor:
        """The normalised log-probabilities."""
        return self.base_dist.logits

    @property
    def probs(self) -> Tensor:
        """The probabilities."""
        return self.base_dist.probs
