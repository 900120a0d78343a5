# SPDX-License-Identifier: MIT
"""What all distributions have in common."""

from __future__ import annotations

from typing import Any

from .. import _core
from .._core import ArgumentError, Size, Tensor
from ..autograd.grad_mode import no_grad

__all__ = ["Distribution", "Independent", "broadcast", "one_of"]


def broadcast(*values: Any) -> tuple[Tensor, ...]:
    """Parameters as tensors of one shape; numbers take the dtype of the tensors, or the default one.

    Args:
        values: numbers or tensors.

    Returns:
        Tensors of one shape.

    Example:
        >>> import plait
        >>> a, b = plait.distributions.distribution.broadcast(0.0, plait.ones(2))
        >>> a
        tensor([0., 0.])
    """
    tensors = [v for v in values if isinstance(v, Tensor)]
    dtype = tensors[0].dtype if tensors else _core.get_default_dtype()
    full = [v if isinstance(v, Tensor) else _core.tensor(float(v), dtype=dtype) for v in values]
    return tuple(_core.broadcast_tensors(*full))


def one_of(name: str, probs: Any, logits: Any) -> None:
    """Raise unless one of the two is given.

    Args:
        name: of the distribution, for the error.
        probs: probabilities or None.
        logits: their logarithms or None.

    Example:
        >>> import plait
        >>> plait.distributions.distribution.one_of("Bernoulli", 0.5, None)
    """
    if (probs is None) == (logits is None):
        raise ArgumentError(f"{name}: expected probs or logits, got {'neither' if probs is None else 'both'}")


class Distribution:
    """Base of all distributions.

    ``batch_shape`` is the shape of the parameters: so many independent distributions; ``event_shape`` that of one
    sample of one of them. A sample has the shape ``sample_shape + batch_shape + event_shape``.

    Args:
        validate_args: whether parameters and values are checked. Default: as ``set_default_validate_args`` was told.

    Example:
        >>> import plait
        >>> d = plait.distributions.Normal(plait.zeros(3), plait.ones(3))
        >>> d.batch_shape, d.sample((2,)).shape
        (plait.Size([3]), plait.Size([2, 3]))
    """

    has_rsample = False
    has_enumerate_support = False
    _validate = True

    def __init__(self, batch_shape: Any = (), event_shape: Any = (), validate_args: bool | None = None) -> None:
        self._batch_shape, self._event_shape = Size(batch_shape), Size(event_shape)
        if validate_args is not None:
            self._validate = validate_args

    @classmethod
    def set_default_validate_args(cls, value: bool) -> None:
        """Whether parameters and values are checked where ``validate_args`` is not given.

        Args:
            value: True, as at first, to check.
        """
        Distribution._validate = value

    @property
    def batch_shape(self) -> Size:
        """The shape of the parameters."""
        return self._batch_shape

    @property
    def event_shape(self) -> Size:
        """The shape of one sample of one distribution."""
        return self._event_shape

    def _check(self, name: str, value: Tensor, valid: Tensor, wanted: str) -> None:
        if self._validate and not bool(valid.all()):
            raise ArgumentError(
                f"{type(self).__name__}: expected {name} {wanted}, got {value.detach().reshape(-1)[:8].tolist()}"
            )

    def _check_value(self, value: Tensor, valid: Tensor, wanted: str) -> None:
        self._check("value", value, valid, wanted)

    def _shape(self, sample_shape: Any) -> list[int]:
        return [*Size(sample_shape), *self._batch_shape, *self._event_shape]

    def sample(self, sample_shape: Any = ()) -> Tensor:
        """Sample without gradient.

        Args:
            sample_shape: dimensions in front of the batch and event shape. Default: none.
        """
        with no_grad():
            return self.rsample(sample_shape)

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        """Samples that are differentiable functions of the parameters.

        Args:
            sample_shape: dimensions in front of the batch and event shape. Default: none.
        """
        raise NotImplementedError(f"{type(self).__name__}.rsample: there is no reparameterised sample")

    def sample_n(self, n: int) -> Tensor:
        """``n`` samples."""
        return self.sample((n,))

    def log_prob(self, value: Tensor) -> Tensor:
        """The logarithm of the density or mass at ``value``."""
        raise NotImplementedError

    def cdf(self, value: Tensor) -> Tensor:
        """The probability of at most ``value``."""
        raise NotImplementedError

    def entropy(self) -> Tensor:
        """The entropy in nats."""
        raise NotImplementedError

    def perplexity(self) -> Tensor:
        """e to the power of the entropy, of batch shape."""
        return self.entropy().exp()

    @property
    def mean(self) -> Tensor:
        """The mean, of batch and event shape."""
        raise NotImplementedError

    @property
    def variance(self) -> Tensor:
        """The variance, of batch and event shape."""
        raise NotImplementedError

    @property
    def stddev(self) -> Tensor:
        """The standard deviation, of batch and event shape."""
        return self.variance.sqrt()

    def _parameters(self) -> dict[str, Tensor]:
        return {}

    def __repr__(self) -> str:
        parts = [f"{k}: {v.item() if v.numel() == 1 else v.size()}" for k, v in self._parameters().items()]
        return f"{type(self).__name__}({', '.join(parts)})"


class Independent(Distribution):
    """A distribution whose last batch dimensions count as one event: their log-probabilities are added.

    Args:
        base_distribution: the distribution.
        reinterpreted_batch_ndims: how many dimensions of its batch become part of the event.
        validate_args: whether parameters and values are checked. Default: as ``set_default_validate_args`` was told.

    Raises:
        ValueError: more dimensions than the batch shape has.

    Example:
        >>> import plait
        >>> from plait.distributions import Independent, Normal
        >>> d = Independent(Normal(plait.zeros(3), plait.ones(3)), 1)
        >>> d.log_prob(plait.zeros(3)).shape
        plait.Size([])
    """

    def __init__(
        self,
        base_distribution: Distribution,
        reinterpreted_batch_ndims: int,
        validate_args: bool | None = None,
    ) -> None:
        n, batch = reinterpreted_batch_ndims, base_distribution.batch_shape
        if not 0 <= n <= len(batch):
            raise ArgumentError(f"Independent: expected 0 to {len(batch)} dimensions of batch {tuple(batch)}, got {n}")
        self.base_dist, self.reinterpreted_batch_ndims = base_distribution, n
        at = len(batch) - n
        super().__init__(batch[:at], (*batch[at:], *base_distribution.event_shape), validate_args)
        self.has_rsample = base_distribution.has_rsample

    def _added(self, x: Tensor) -> Tensor:
        return x.sum(list(range(-self.reinterpreted_batch_ndims, 0))) if self.reinterpreted_batch_ndims else x

    def sample(self, sample_shape: Any = ()) -> Tensor:
        return self.base_dist.sample(sample_shape)

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        return self.base_dist.rsample(sample_shape)

    def log_prob(self, value: Tensor) -> Tensor:
        return self._added(self.base_dist.log_prob(value))

    def entropy(self) -> Tensor:
        return self._added(self.base_dist.entropy())

    @property
    def mean(self) -> Tensor:
        """The mean, of batch and event shape."""
        return self.base_dist.mean

    @property
    def variance(self) -> Tensor:
        """The variance, of batch and event shape."""
        return self.base_dist.variance

    def __repr__(self) -> str:
        return f"Independent({self.base_dist}, {self.reinterpreted_batch_ndims})"
