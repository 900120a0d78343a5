# SPDX-License-Identifier: MIT
"""What all distributions have in common."""

from __future__ import annotations

import warnings
from typing import Any, ClassVar

from .. import _core
from .._core import ArgumentError, Size, Tensor
from ..autograd.grad_mode import no_grad
from . import constraints
from .utils import lazy_property

__all__ = ["Distribution"]


class Distribution:
    """Base of all distributions.

    ``batch_shape`` is the shape of the parameters: so many independent distributions; ``event_shape`` that of one
    sample of one of them. A sample has the shape ``sample_shape + batch_shape + event_shape``.

    Args:
        batch_shape: the shape of the parameters. Default: none.
        event_shape: the shape of one sample. Default: none.
        validate_args: whether parameters and values are checked. Default: as ``set_default_validate_args`` was told.

    Raises:
        ValueError: a parameter outside its constraint.

    Example:
        >>> import plait
        >>> d = plait.distributions.Normal(plait.zeros(3), plait.ones(3))
        >>> d.batch_shape, d.sample((2,)).shape
        (plait.Size([3]), plait.Size([2, 3]))
    """

    has_rsample = False
    has_enumerate_support = False
    _validate_args = __debug__
    # The parameters that expand() repeats over a new batch shape, with the number of their event dimensions. A class
    # that defines __init__ says so itself.
    _parameter_dims: ClassVar[dict[str, int]] = {}

    def __init__(
        self,
        batch_shape: Any = (),
        event_shape: Any = (),
        validate_args: bool | None = None,
    ) -> None:
        self._batch_shape, self._event_shape = Size(batch_shape), Size(event_shape)
        if validate_args is not None:
            self._validate_args = validate_args
        if self._validate_args:
            self._validate_parameters()
        super().__init__()

    def _validate_parameters(self) -> None:
        try:
            known = self.arg_constraints
        except NotImplementedError:
            warnings.warn(
                f"{type(self).__name__} does not define arg_constraints: its parameters are not checked", stacklevel=4
            )
            return
        for name, constraint in known.items():
            if constraints.is_dependent(constraint):
                continue
            if name not in self.__dict__ and isinstance(getattr(type(self), name, None), lazy_property):
                continue  # computed from parameters that are checked
            value = getattr(self, name)
            inside = constraint.check(value)
            if not bool(inside.all()):
                raise ArgumentError(
                    f"{type(self).__name__}: expected parameter {name} of shape {tuple(value.shape)} to satisfy "
                    f"{constraint!r}, got {_outside(value, inside)}"
                )

    @staticmethod
    def set_default_validate_args(value: bool) -> None:
        """Whether parameters and values are checked where ``validate_args`` is not given.

        Args:
            value: True, as at first, to check.

        Raises:
            ValueError: something else than True and False.
        """
        if value not in (True, False):
            raise ArgumentError(f"set_default_validate_args: expected True or False, got {value!r}")
        Distribution._validate_args = value

    def _expanding_class(self) -> type[Distribution]:
        """The class whose __init__ made the parameters that expand() knows."""
        return next(c for c in type(self).__mro__ if "_parameter_dims" in vars(c))

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        """The same distribution with its parameters expanded to a batch shape; nothing is copied or checked.

        Args:
            batch_shape: the new shape.
        """
        owner = self._expanding_class()
        if owner is Distribution:
            raise NotImplementedError(f"{type(self).__name__}.expand: expected the class to define it")
        new = self._get_checked_instance(owner, _instance)
        batch_shape = Size(batch_shape)
        for name, dims in owner._parameter_dims.items():
            if name in self.__dict__:
                value = self.__dict__[name]
                event = value.shape[value.dim() - dims :]
                setattr(new, name, value.expand([*batch_shape, *event]))
        self._finish_expanded(new, batch_shape)
        return new

    def _finish_expanded(self, new: Any, batch_shape: Any, event_shape: Any = None) -> None:
        """Set what an expanded distribution has besides its parameters."""
        Distribution.__init__(
            new, batch_shape, self._event_shape if event_shape is None else event_shape, validate_args=False
        )
        new._validate_args = self._validate_args

    @property
    def batch_shape(self) -> Size:
        """The shape of the parameters."""
        return self._batch_shape

    @property
    def event_shape(self) -> Size:
        """The shape of one sample of one distribution."""
        return self._event_shape

    @property
    def arg_constraints(self) -> dict[str, constraints.Constraint]:
        """The constraint of each parameter by its name."""
        raise NotImplementedError

    @property
    def support(self) -> Any:
        """The set of possible values."""
        raise NotImplementedError

    @property
    def mean(self) -> Tensor:
        """The mean, of batch and event shape."""
        raise NotImplementedError

    @property
    def mode(self) -> Tensor:
        """The most likely value, of batch and event shape."""
        raise NotImplementedError(f"{type(self).__name__} does not implement mode")

    @property
    def variance(self) -> Tensor:
        """The variance, of batch and event shape."""
        raise NotImplementedError

    @property
    def stddev(self) -> Tensor:
        """The standard deviation, of batch and event shape."""
        return self.variance.sqrt()

    def sample(self, sample_shape: Any = ()) -> Tensor:
        """Samples without gradient.

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
        """``n`` samples. The old form of ``sample((n,))``."""
        warnings.warn("sample_n(n) is deprecated; use sample((n,))", FutureWarning, stacklevel=2)
        return self.sample(Size((n,)))

    def log_prob(self, value: Tensor) -> Tensor:
        """The logarithm of the density or mass at ``value``, of batch shape."""
        raise NotImplementedError

    def cdf(self, value: Tensor) -> Tensor:
        """The probability of at most ``value``."""
        raise NotImplementedError

    def icdf(self, value: Tensor) -> Tensor:
        """The value that a sample is below with probability ``value``."""
        raise NotImplementedError

    def enumerate_support(self, expand: bool = True) -> Tensor:
        """All values, along a first dimension.

        Args:
            expand: whether the batch shape is repeated. Default: ``True``.
        """
        raise NotImplementedError

    def entropy(self) -> Tensor:
        """The entropy in nats, of batch shape."""
        raise NotImplementedError

    def perplexity(self) -> Tensor:
        """e to the power of the entropy, of batch shape."""
        return self.entropy().exp()

    def _extended_shape(self, sample_shape: Any = ()) -> Size:
        return Size((*sample_shape, *self._batch_shape, *self._event_shape))

    def _enumerated(self, values: Tensor, expand: bool) -> Tensor:
        """The values of enumerate_support for events of no dimensions."""
        values = values.reshape([-1] + [1] * len(self._batch_shape))
        return values.expand([-1, *self._batch_shape]) if expand else values

    def _full(self, value: float, like: Tensor) -> Tensor:
        """A moment that is the same for all parameters."""
        return _core.full(self._extended_shape(), value, dtype=like.dtype)

    def _validate_sample(self, value: Tensor) -> None:
        name = type(self).__name__
        if not isinstance(value, Tensor):
            raise ArgumentError(f"{name}: expected value to be a Tensor, got {type(value).__name__}")
        events = len(self._event_shape)
        if value.dim() < events or value.shape[value.dim() - events :] != self._event_shape:
            raise ArgumentError(
                f"{name}: expected a value whose last sizes are the event shape {tuple(self._event_shape)}, got shape "
                f"{tuple(value.shape)}"
            )
        expected = self._extended_shape()
        for size, wanted in zip(reversed(value.shape), reversed(expected)):
            if size != 1 and wanted != 1 and size != wanted:
                raise ArgumentError(
                    f"{name}: expected a value that broadcasts against batch and event shape {tuple(expected)}, got "
                    f"shape {tuple(value.shape)}"
                )
        try:
            support = self.support
        except NotImplementedError:
            warnings.warn(f"{name} does not define support: values are not checked", stacklevel=3)
            return
        inside = support.check(value)
        if not bool(inside.all()):
            raise ArgumentError(
                f"{name}: expected value of shape {tuple(value.shape)} to be within the support {support!r}, got "
                f"{_outside(value, inside)}"
            )

    def _get_checked_instance(self, cls: type, _instance: Any = None) -> Any:
        if _instance is None and type(self).__init__ is not cls.__init__:  # type: ignore[misc]
            raise NotImplementedError(
                f"{type(self).__name__}.expand: a subclass of {cls.__name__} with an __init__ of its own needs an "
                "expand() of its own"
            )
        return type(self).__new__(type(self)) if _instance is None else _instance

    def __repr__(self) -> str:
        given = {k: self.__dict__[k] for k in self.arg_constraints if k in self.__dict__}
        parts = [f"{k}: {v if v.numel() == 1 else v.size()}" for k, v in given.items()]
        return f"{type(self).__name__}({', '.join(parts)})"


def _outside(value: Tensor, inside: Tensor) -> str:
    """The first values that a constraint excludes, for an error; where an event has dimensions, the first event."""
    value = value.detach()
    if value.shape == inside.shape:
        return str(value[~inside][:8].tolist())
    event = value.reshape([-1, *value.shape[inside.dim() :]])[~inside.reshape(-1)]
    return str(event[0].tolist()) if event.numel() else f"shape {tuple(value.shape)}"
