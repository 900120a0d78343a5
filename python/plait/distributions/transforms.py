# SPDX-License-Identifier: MIT
"""Invertible functions of tensors with the logarithms of their Jacobians' determinants."""

from __future__ import annotations

import functools
import math
import operator
import weakref
from collections.abc import Sequence
from typing import Any

from .. import _core
from .._core import ArgumentError, Size, Tensor, _nn
from .._tensor import finfo
from . import constraints
from ._transform import PlainTransform, Transform, _InverseTransform  # noqa: F401  (packages look for it here)
from .utils import _sum_rightmost, broadcast_all, tril_matrix_to_vec, vec_to_tril_matrix

__all__ = [
    "AbsTransform",
    "AffineTransform",
    "CatTransform",
    "ComposeTransform",
    "CorrCholeskyTransform",
    "CumulativeDistributionTransform",
    "ExpTransform",
    "IndependentTransform",
    "LowerCholeskyTransform",
    "PositiveDefiniteTransform",
    "PowerTransform",
    "ReshapeTransform",
    "SigmoidTransform",
    "SoftmaxTransform",
    "SoftplusTransform",
    "StackTransform",
    "StickBreakingTransform",
    "TanhTransform",
    "Transform",
    "identity_transform",
]


def _as_event(constraint: Any, event_dim: int) -> Any:
    """A constraint whose events have at least so many dimensions."""
    missing = event_dim - constraint.event_dim
    return constraints.independent(constraint, missing) if missing > 0 else constraint


class ComposeTransform(Transform):
    """Several transforms one after the other.

    Args:
        parts: the transforms, the first one first.
        cache_size: as for :class:`Transform`. Default: 0.

    Example:
        >>> import plait
        >>> from plait.distributions import AffineTransform, ComposeTransform, ExpTransform
        >>> ComposeTransform([AffineTransform(1.0, 2.0), ExpTransform()])(plait.tensor([-0.5]))
        tensor([1.])
    """

    def __init__(self, parts: Sequence[Transform], cache_size: int = 0) -> None:
        self.parts = [part.with_cache(cache_size) for part in parts] if cache_size else list(parts)
        super().__init__(cache_size=cache_size)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ComposeTransform) and self.parts == other.parts

    def __hash__(self) -> int:
        return hash(tuple(self.parts))

    def _event_dims(self) -> list[int]:
        """The dimensions of an event before each part and after the last, the fewest that serve all parts."""
        dims = [0] * (len(self.parts) + 1)
        for i in reversed(range(len(self.parts))):
            before, after = self.parts[i].domain.event_dim, self.parts[i].codomain.event_dim
            dims[i] = max(before, before - after + dims[i + 1])
        for i, part in enumerate(self.parts):
            before, after = part.domain.event_dim, part.codomain.event_dim
            dims[i + 1] = max(dims[i + 1], after, dims[i] + after - before)
        return dims

    @property
    def domain(self) -> Any:  # type: ignore[override]
        """The constraint of x."""
        if not self.parts:
            return constraints.real
        return _as_event(self.parts[0].domain, self._event_dims()[0])

    @property
    def codomain(self) -> Any:  # type: ignore[override]
        """The constraint of y."""
        if not self.parts:
            return constraints.real
        return _as_event(self.parts[-1].codomain, self._event_dims()[-1])

    @property
    def bijective(self) -> bool:  # type: ignore[override]
        return all(part.bijective for part in self.parts)

    @property
    def sign(self) -> Any:
        return functools.reduce(operator.mul, (part.sign for part in self.parts), 1)

    @property
    def inv(self) -> Transform:
        inverse = self._inv() if self._inv is not None else None
        if inverse is None:
            inverse = ComposeTransform([part.inv for part in reversed(self.parts)])
            self._inv = weakref.ref(inverse)
            inverse._inv = weakref.ref(self)
        return inverse

    def with_cache(self, cache_size: int = 1) -> Transform:
        return self if self._cache_size == cache_size else ComposeTransform(self.parts, cache_size=cache_size)

    def __call__(self, x: Tensor) -> Tensor:
        for part in self.parts:
            x = part(x)
        return x

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        if not self.parts:
            return _core.zeros_like(x)
        values = [x]
        for part in self.parts[:-1]:
            values.append(part(values[-1]))
        values.append(y)
        total: Any = 0
        for part, before, after, dims in zip(self.parts, values, values[1:], self._event_dims()):
            term = part.log_abs_det_jacobian(before, after)
            total = total + _sum_rightmost(term, dims - part.domain.event_dim)
        return total

    def forward_shape(self, shape: Any) -> Any:
        for part in self.parts:
            shape = part.forward_shape(shape)
        return shape

    def inverse_shape(self, shape: Any) -> Any:
        for part in reversed(self.parts):
            shape = part.inverse_shape(shape)
        return shape

    def __repr__(self) -> str:
        parts = ",\n    ".join(repr(part) for part in self.parts)
        return f"{type(self).__name__}(\n    {parts}\n)"


identity_transform = ComposeTransform([])
identity_transform.__doc__ = """The transform that leaves ``x`` as it is.

Example:
    >>> import plait
    >>> plait.distributions.identity_transform(plait.ones(1))
    tensor([1.])
"""


class IndependentTransform(Transform):
    """A transform some of whose batch dimensions count as part of the event.

    Args:
        base_transform: the transform.
        reinterpreted_batch_ndims: the number of dimensions.
        cache_size: as for :class:`Transform`. Default: 0.

    Example:
        >>> import plait
        >>> from plait.distributions import ExpTransform, IndependentTransform
        >>> x = plait.tensor([1.0, 2.0])
        >>> IndependentTransform(ExpTransform(), 1).log_abs_det_jacobian(x, x.exp())
        tensor(3.)
    """

    def __init__(self, base_transform: Transform, reinterpreted_batch_ndims: int, cache_size: int = 0) -> None:
        super().__init__(cache_size=cache_size)
        self.base_transform = base_transform.with_cache(cache_size)
        self.reinterpreted_batch_ndims = reinterpreted_batch_ndims

    def with_cache(self, cache_size: int = 1) -> Transform:
        if self._cache_size == cache_size:
            return self
        return IndependentTransform(self.base_transform, self.reinterpreted_batch_ndims, cache_size=cache_size)

    @property
    def domain(self) -> Any:  # type: ignore[override]
        """The constraint of x."""
        return constraints.independent(self.base_transform.domain, self.reinterpreted_batch_ndims)

    @property
    def codomain(self) -> Any:  # type: ignore[override]
        """The constraint of y."""
        return constraints.independent(self.base_transform.codomain, self.reinterpreted_batch_ndims)

    @property
    def bijective(self) -> bool:  # type: ignore[override]
        return self.base_transform.bijective

    @property
    def sign(self) -> Any:
        return self.base_transform.sign

    def _check_dims(self, value: Tensor, constraint: Any) -> Tensor:
        if value.dim() < constraint.event_dim:
            raise ArgumentError(
                f"IndependentTransform: expected at least {constraint.event_dim} dimensions, got shape "
                f"{tuple(value.shape)}"
            )
        return value

    def _call(self, x: Tensor) -> Tensor:
        return self.base_transform(self._check_dims(x, self.domain))

    def _inverse(self, y: Tensor) -> Tensor:
        return self.base_transform.inv(self._check_dims(y, self.codomain))

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return _sum_rightmost(self.base_transform.log_abs_det_jacobian(x, y), self.reinterpreted_batch_ndims)

    def forward_shape(self, shape: Any) -> Any:
        return self.base_transform.forward_shape(shape)

    def inverse_shape(self, shape: Any) -> Any:
        return self.base_transform.inverse_shape(shape)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.base_transform!r}, {self.reinterpreted_batch_ndims})"


class ReshapeTransform(Transform):
    """The same elements in another shape of the event.

    Args:
        in_shape: the shape of an event before.
        out_shape: its shape after.
        cache_size: as for :class:`Transform`. Default: 0.

    Raises:
        ValueError: shapes of different numbers of elements.

    Example:
        >>> import plait
        >>> plait.distributions.ReshapeTransform((4,), (2, 2))(plait.zeros(3, 4)).shape
        plait.Size([3, 2, 2])
    """

    bijective = True

    def __init__(self, in_shape: Any, out_shape: Any, cache_size: int = 0) -> None:
        self.in_shape, self.out_shape = Size(in_shape), Size(out_shape)
        if self.in_shape.numel() != self.out_shape.numel():
            raise ArgumentError(
                f"ReshapeTransform: expected shapes of as many elements, got {tuple(in_shape)} and {tuple(out_shape)}"
            )
        super().__init__(cache_size=cache_size)

    @property
    def domain(self) -> Any:  # type: ignore[override]
        """The constraint of x."""
        return constraints.independent(constraints.real, len(self.in_shape))

    @property
    def codomain(self) -> Any:  # type: ignore[override]
        """The constraint of y."""
        return constraints.independent(constraints.real, len(self.out_shape))

    def with_cache(self, cache_size: int = 1) -> Transform:
        if self._cache_size == cache_size:
            return self
        return ReshapeTransform(self.in_shape, self.out_shape, cache_size=cache_size)

    def _call(self, x: Tensor) -> Tensor:
        return x.reshape([*x.shape[: x.dim() - len(self.in_shape)], *self.out_shape])

    def _inverse(self, y: Tensor) -> Tensor:
        return y.reshape([*y.shape[: y.dim() - len(self.out_shape)], *self.in_shape])

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return x.new_zeros(x.shape[: x.dim() - len(self.in_shape)])

    @staticmethod
    def _replaced(shape: Any, old: Size, new: Size) -> Any:
        at = len(shape) - len(old)
        if at < 0 or tuple(shape[at:]) != tuple(old):
            raise ArgumentError(f"ReshapeTransform: expected a shape that ends with {tuple(old)}, got {tuple(shape)}")
        return Size((*shape[:at], *new))

    def forward_shape(self, shape: Any) -> Any:
        return self._replaced(shape, self.in_shape, self.out_shape)

    def inverse_shape(self, shape: Any) -> Any:
        return self._replaced(shape, self.out_shape, self.in_shape)


class ExpTransform(PlainTransform):
    """``y = exp(x)``.

    Args:
        cache_size: as for :class:`Transform`. Default: 0.

    Example:
        >>> import plait
        >>> plait.distributions.ExpTransform()(plait.zeros(1))
        tensor([1.])
    """

    domain = constraints.real
    codomain = constraints.positive
    bijective = True
    sign = 1

    def _call(self, x: Tensor) -> Tensor:
        return x.exp()

    def _inverse(self, y: Tensor) -> Tensor:
        return y.log()

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return x


class PowerTransform(Transform):
    """``y = x ** exponent`` of positive numbers.

    Args:
        exponent: a number or a tensor that broadcasts against x.
        cache_size: as for :class:`Transform`. Default: 0.

    Example:
        >>> import plait
        >>> plait.distributions.PowerTransform(2.0)(plait.tensor([3.0]))
        tensor([9.])
    """

    domain = constraints.positive
    codomain = constraints.positive
    bijective = True

    def __init__(self, exponent: Any, cache_size: int = 0) -> None:
        super().__init__(cache_size=cache_size)
        (self.exponent,) = broadcast_all(exponent)

    def with_cache(self, cache_size: int = 1) -> Transform:
        return self if self._cache_size == cache_size else PowerTransform(self.exponent, cache_size=cache_size)

    @property
    def sign(self) -> Any:
        return self.exponent.sign()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PowerTransform) and bool(self.exponent.eq(other.exponent).all())

    __hash__ = object.__hash__

    def _call(self, x: Tensor) -> Tensor:
        return x.pow(self.exponent)

    def _inverse(self, y: Tensor) -> Tensor:
        return y.pow(1 / self.exponent)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return (self.exponent * y / x).abs().log()

    def forward_shape(self, shape: Any) -> Any:
        return _core.Size(_broadcast(shape, self.exponent.shape))

    def inverse_shape(self, shape: Any) -> Any:
        return _core.Size(_broadcast(shape, self.exponent.shape))


def _broadcast(*shapes: Any) -> Any:
    from .._functions import broadcast_shapes

    return broadcast_shapes(*shapes)


def _clipped_sigmoid(x: Tensor) -> Tensor:
    """The sigmoid, kept apart from 0 and 1."""
    info = finfo(x.dtype)
    return x.sigmoid().clamp(info.tiny, 1 - info.eps)


class SigmoidTransform(PlainTransform):
    """``y = 1 / (1 + exp(-x))``; its inverse is the logit.

    Args:
        cache_size: as for :class:`Transform`. Default: 0.

    Example:
        >>> import plait
        >>> plait.distributions.SigmoidTransform()(plait.zeros(1))
        tensor([0.5000])
    """

    domain = constraints.real
    codomain = constraints.unit_interval
    bijective = True
    sign = 1

    def _call(self, x: Tensor) -> Tensor:
        return _clipped_sigmoid(x)

    def _inverse(self, y: Tensor) -> Tensor:
        info = finfo(y.dtype)
        y = y.clamp(info.tiny, 1 - info.eps)
        return y.log() - (-y).log1p()

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return -_nn.softplus(-x) - _nn.softplus(x)


class SoftplusTransform(PlainTransform):
    """``y = log(1 + exp(x))``, x itself where it is above 20.

    Args:
        cache_size: as for :class:`Transform`. Default: 0.

    Example:
        >>> import plait
        >>> plait.distributions.SoftplusTransform()(plait.zeros(1))
        tensor([0.6931])
    """

    domain = constraints.real
    codomain = constraints.positive
    bijective = True
    sign = 1

    def _call(self, x: Tensor) -> Tensor:
        return _nn.softplus(x)

    def _inverse(self, y: Tensor) -> Tensor:
        return (-y).expm1().neg().log() + y

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return -_nn.softplus(-x)


class TanhTransform(PlainTransform):
    """``y = tanh(x)``.

    A cache (``cache_size=1``) is advised: the inverse of a y near 1 or -1 is inexact.

    Args:
        cache_size: as for :class:`Transform`. Default: 0.

    Example:
        >>> import plait
        >>> plait.distributions.TanhTransform()(plait.zeros(1))
        tensor([0.])
    """

    domain = constraints.real
    codomain = constraints.interval(-1.0, 1.0)
    bijective = True
    sign = 1

    def _call(self, x: Tensor) -> Tensor:
        return x.tanh()

    def _inverse(self, y: Tensor) -> Tensor:
        return y.atanh()

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        # log(1 - tanh(x)^2) without the cancellation
        return 2.0 * (math.log(2.0) - x - _nn.softplus(-2.0 * x))


class AbsTransform(PlainTransform):
    """``y = |x|``; the inverse is y itself.

    Args:
        cache_size: as for :class:`Transform`. Default: 0.

    Example:
        >>> import plait
        >>> plait.distributions.AbsTransform()(plait.tensor([-2.0]))
        tensor([2.])
    """

    domain = constraints.real
    codomain = constraints.positive

    def _call(self, x: Tensor) -> Tensor:
        return x.abs()

    def _inverse(self, y: Tensor) -> Tensor:
        return y


class AffineTransform(Transform):
    """``y = loc + scale * x``.

    Args:
        loc: a number or a tensor that broadcasts against x.
        scale: likewise; negative ones turn the order around.
        event_dim: the number of dimensions of one event. Default: 0.
        cache_size: as for :class:`Transform`. Default: 0.

    Example:
        >>> import plait
        >>> plait.distributions.AffineTransform(1.0, 2.0)(plait.tensor([3.0]))
        tensor([7.])
    """

    bijective = True

    def __init__(self, loc: Any, scale: Any, event_dim: int = 0, cache_size: int = 0) -> None:
        super().__init__(cache_size=cache_size)
        self.loc, self.scale, self._event_dim = loc, scale, event_dim

    @property
    def event_dim(self) -> int:
        return self._event_dim

    @property
    def domain(self) -> Any:  # type: ignore[override]
        """The constraint of x."""
        return _as_event(constraints.real, self.event_dim)

    @property
    def codomain(self) -> Any:  # type: ignore[override]
        """The constraint of y."""
        return _as_event(constraints.real, self.event_dim)

    def with_cache(self, cache_size: int = 1) -> Transform:
        if self._cache_size == cache_size:
            return self
        return AffineTransform(self.loc, self.scale, self.event_dim, cache_size=cache_size)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, AffineTransform):
            return False

        def same(a: Any, b: Any) -> bool:
            if isinstance(a, Tensor) or isinstance(b, Tensor):
                return bool(_core.as_tensor(a == b).all())
            return a == b

        return same(self.loc, other.loc) and same(self.scale, other.scale)

    __hash__ = object.__hash__

    @property
    def sign(self) -> Any:
        if isinstance(self.scale, Tensor):
            return self.scale.sign()
        return (self.scale > 0) - (self.scale < 0)

    def _call(self, x: Tensor) -> Tensor:
        return self.loc + self.scale * x

    def _inverse(self, y: Tensor) -> Tensor:
        return (y - self.loc) / self.scale

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        scale = self.scale
        if isinstance(scale, Tensor):
            result = scale.abs().log().expand(_broadcast(x.shape, scale.shape))
        else:
            result = _core.full_like(x, math.log(abs(scale)) if scale else -math.inf)
        return _sum_rightmost(result, self.event_dim)

    def _parameter_shapes(self) -> list[Any]:
        return [getattr(p, "shape", ()) for p in (self.loc, self.scale)]

    def forward_shape(self, shape: Any) -> Any:
        return Size(_broadcast(shape, *self._parameter_shapes()))

    def inverse_shape(self, shape: Any) -> Any:
        return Size(_broadcast(shape, *self._parameter_shapes()))


class CorrCholeskyTransform(PlainTransform):
    """Vectors of D (D - 1) / 2 numbers to Cholesky factors of D x D correlation matrices.

    Row by row the hyperbolic tangents z of the numbers are partial correlations: an element is z times the root of what
    the squares before it leave of 1, and the diagonal takes the rest.

    Args:
        cache_size: as for :class:`Transform`. Default: 0.

    Source: Lewandowski, Kurowicka and Joe, "Generating random correlation matrices based on vines and extended onion
    method", Journal of Multivariate Analysis 100, 2009.

    Example:
        >>> import plait
        >>> plait.distributions.CorrCholeskyTransform()(plait.zeros(1))
        tensor([[1., 0.],
                [0., 1.]])
    """

    domain = constraints.real_vector
    codomain = constraints.corr_cholesky
    bijective = True

    def _call(self, x: Tensor) -> Tensor:
        eps = finfo(x.dtype).eps
        z = vec_to_tril_matrix(x.tanh().clamp(-1 + eps, 1 - eps), diag=-1)
        # root of (1 - z^2) of the elements before this one, and of none for the first
        rest = (1 - z * z).sqrt().cumprod(-1)
        z = z + _core.eye(z.shape[-1], dtype=z.dtype)
        return z * _nn.pad(rest[..., :-1], [1, 0], value=1)

    def _inverse(self, y: Tensor) -> Tensor:
        z = tril_matrix_to_vec(y, diag=-1) / self._left(y).sqrt()
        return z.log1p() / 2 - z.neg().log1p() / 2

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        # dy / dz = root of what is left; dz / dx = 1 - tanh(x)^2
        stick = 0.5 * self._left(y).log().sum(-1)
        tanh = -2 * (x + _nn.softplus(-2 * x) - math.log(2.0)).sum(-1)
        return stick + tanh

    @staticmethod
    def _left(y: Tensor) -> Tensor:
        """What the squares of a row leave of 1 before each element below the diagonal, row by row."""
        left = 1 - (y * y).cumsum(-1)
        return tril_matrix_to_vec(_nn.pad(left[..., :-1], [1, 0], value=1), diag=-1)

    def forward_shape(self, shape: Any) -> Any:
        if len(shape) < 1:
            raise ArgumentError("CorrCholeskyTransform: expected a shape of at least one dimension")
        n = shape[-1]
        size = round((0.25 + 2 * n) ** 0.5 + 0.5)
        if size * (size - 1) // 2 != n:
            raise ArgumentError(f"CorrCholeskyTransform: expected the elements of a flattened triangle, got {n}")
        return Size((*shape[:-1], size, size))

    def inverse_shape(self, shape: Any) -> Any:
        _check_square("CorrCholeskyTransform", shape)
        return Size((*shape[:-2], shape[-1] * (shape[-1] - 1) // 2))


def _check_square(name: str, shape: Any) -> None:
    if len(shape) < 2 or shape[-1] != shape[-2]:
        raise ArgumentError(f"{name}: expected a shape of square matrices, got {tuple(shape)}")


class SoftmaxTransform(PlainTransform):
    """``y = softmax(x)``; the inverse is the logarithm.

    It is not a bijection: for that see :class:`StickBreakingTransform`.

    Args:
        cache_size: as for :class:`Transform`. Default: 0.

    Example:
        >>> import plait
        >>> plait.distributions.SoftmaxTransform()(plait.zeros(2))
        tensor([0.5000, 0.5000])
    """

    domain = constraints.real_vector
    codomain = constraints.simplex

    def _call(self, x: Tensor) -> Tensor:
        return x.softmax(-1)

    def _inverse(self, y: Tensor) -> Tensor:
        return y.log()

    def _vector(self, shape: Any) -> Any:
        if len(shape) < 1:
            raise ArgumentError("SoftmaxTransform: expected a shape of at least one dimension")
        return shape

    def forward_shape(self, shape: Any) -> Any:
        return self._vector(shape)

    def inverse_shape(self, shape: Any) -> Any:
        return self._vector(shape)


class StickBreakingTransform(PlainTransform):
    """Vectors of K numbers to the simplex of K + 1 probabilities, one to one.

    Each number breaks a share ``sigmoid(x - log(K - i))`` off what is left of a stick of length 1.

    Args:
        cache_size: as for :class:`Transform`. Default: 0.

    Example:
        >>> import plait
        >>> plait.distributions.StickBreakingTransform()(plait.zeros(1))
        tensor([0.5000, 0.5000])
    """

    domain = constraints.real_vector
    codomain = constraints.simplex
    bijective = True

    @staticmethod
    def _offsets(x: Tensor) -> Tensor:
        """The logarithms of how many pieces are still to come: K, K - 1, ..., 1."""
        return _core.arange(x.shape[-1], 0, -1, dtype=x.dtype).log()

    def _call(self, x: Tensor) -> Tensor:
        z = (x - self._offsets(x)).sigmoid()
        left = (1 - z).cumprod(-1)
        return _nn.pad(z, [0, 1], value=1) * _nn.pad(left, [1, 0], value=1)

    def _inverse(self, y: Tensor) -> Tensor:
        parts = y[..., :-1]
        left = (1 - parts.cumsum(-1)).clamp(min=finfo(y.dtype).tiny)
        return parts.log() - left.log() + self._offsets(parts)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        shifted = x - self._offsets(x)
        # dy / dx = y (1 - z), with log(1 - z) = -shifted + log(z)
        return (-shifted + _nn.logsigmoid(shifted) + y[..., :-1].log()).sum(-1)

    def forward_shape(self, shape: Any) -> Any:
        if len(shape) < 1:
            raise ArgumentError("StickBreakingTransform: expected a shape of at least one dimension")
        return Size((*shape[:-1], shape[-1] + 1))

    def inverse_shape(self, shape: Any) -> Any:
        if len(shape) < 1:
            raise ArgumentError("StickBreakingTransform: expected a shape of at least one dimension")
        return Size((*shape[:-1], shape[-1] - 1))


class LowerCholeskyTransform(PlainTransform):
    """Matrices to lower triangular ones with a positive diagonal, by taking exponentials on the diagonal.

    Args:
        cache_size: as for :class:`Transform`. Default: 0.

    Example:
        >>> import plait
        >>> plait.distributions.LowerCholeskyTransform()(plait.zeros(2, 2))
        tensor([[1., 0.],
                [0., 1.]])
    """

    domain = constraints.independent(constraints.real, 2)
    codomain = constraints.lower_cholesky

    def _call(self, x: Tensor) -> Tensor:
        return x.tril(-1) + x.diagonal(dim1=-2, dim2=-1).exp().diag_embed()

    def _inverse(self, y: Tensor) -> Tensor:
        return y.tril(-1) + y.diagonal(dim1=-2, dim2=-1).log().diag_embed()


class PositiveDefiniteTransform(PlainTransform):
    """Matrices to positive definite ones: ``L L^T`` with L of :class:`LowerCholeskyTransform`.

    Args:
        cache_size: as for :class:`Transform`. Default: 0.

    Example:
        >>> import plait
        >>> plait.distributions.PositiveDefiniteTransform()(plait.zeros(2, 2))
        tensor([[1., 0.],
                [0., 1.]])
    """

    domain = constraints.independent(constraints.real, 2)
    codomain = constraints.positive_definite

    def _call(self, x: Tensor) -> Tensor:
        factor = LowerCholeskyTransform()(x)
        return factor @ factor.mT

    def _inverse(self, y: Tensor) -> Tensor:
        from ..linalg import cholesky

        return LowerCholeskyTransform().inv(cholesky(y))


class _Parts(Transform):
    """Several transforms, each for a part of the value along a dimension."""

    transforms: list[Transform]
    dim: int

    @property
    def bijective(self) -> bool:  # type: ignore[override]
        return all(t.bijective for t in self.transforms)


class CatTransform(_Parts):
    """Several transforms along a dimension, each for as many elements as its length says.

    Args:
        tseq: the transforms.
        dim: the dimension. Default: 0.
        lengths: numbers of elements. Default: 1 each.
        cache_size: as for :class:`Transform`. Default: 0.

    Raises:
        ValueError: another number of lengths than of transforms.

    Example:
        >>> import plait
        >>> from plait.distributions import CatTransform, ExpTransform, identity_transform
        >>> CatTransform([ExpTransform(), identity_transform], 0, [1, 2])(plait.zeros(3))
        tensor([1., 0., 0.])
    """

    def __init__(
        self, tseq: Sequence[Transform], dim: int = 0, lengths: Sequence[int] | None = None, cache_size: int = 0
    ) -> None:
        super().__init__(cache_size=cache_size)
        self.transforms = [t.with_cache(cache_size) for t in tseq] if cache_size else list(tseq)
        self.lengths = [1] * len(self.transforms) if lengths is None else list(lengths)
        if len(self.lengths) != len(self.transforms):
            raise ArgumentError(f"CatTransform: expected {len(self.transforms)} lengths, got {self.lengths}")
        self.dim = dim

    @property
    def event_dim(self) -> int:
        return max(t.event_dim for t in self.transforms)

    @property
    def length(self) -> int:
        """The number of elements along the dimension."""
        return sum(self.lengths)

    def with_cache(self, cache_size: int = 1) -> Transform:
        if self._cache_size == cache_size:
            return self
        return CatTransform(self.transforms, self.dim, self.lengths, cache_size)

    def _split(self, x: Tensor) -> Sequence[Tensor]:
        if not -x.dim() <= self.dim < x.dim() or x.shape[self.dim] != self.length:
            raise ArgumentError(
                f"CatTransform: expected {self.length} elements along dimension {self.dim}, got shape {tuple(x.shape)}"
            )
        return x.split(self.lengths, self.dim)

    def _call(self, x: Tensor) -> Tensor:
        return _core.cat([t(part) for t, part in zip(self.transforms, self._split(x))], self.dim)

    def _inverse(self, y: Tensor) -> Tensor:
        return _core.cat([t.inv(part) for t, part in zip(self.transforms, self._split(y))], self.dim)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        terms = [
            _sum_rightmost(t.log_abs_det_jacobian(a, b), self.event_dim - t.event_dim)
            for t, a, b in zip(self.transforms, self._split(x), self._split(y))
        ]
        dim = self.dim - x.dim() if self.dim >= 0 else self.dim
        dim += self.event_dim
        return _core.cat(terms, dim) if dim < 0 else sum(terms[1:], terms[0])

    @property
    def domain(self) -> Any:  # type: ignore[override]
        """The constraint of x."""
        return constraints.cat([t.domain for t in self.transforms], self.dim, self.lengths)

    @property
    def codomain(self) -> Any:  # type: ignore[override]
        """The constraint of y."""
        return constraints.cat([t.codomain for t in self.transforms], self.dim, self.lengths)


class StackTransform(_Parts):
    """Several transforms along a dimension, each for one slice.

    Args:
        tseq: the transforms.
        dim: the dimension. Default: 0.
        cache_size: as for :class:`Transform`. Default: 0.

    Example:
        >>> import plait
        >>> from plait.distributions import ExpTransform, StackTransform, identity_transform
        >>> StackTransform([ExpTransform(), identity_transform])(plait.zeros(2))
        tensor([1., 0.])
    """

    def __init__(self, tseq: Sequence[Transform], dim: int = 0, cache_size: int = 0) -> None:
        super().__init__(cache_size=cache_size)
        self.transforms = [t.with_cache(cache_size) for t in tseq] if cache_size else list(tseq)
        self.dim = dim

    def with_cache(self, cache_size: int = 1) -> Transform:
        if self._cache_size == cache_size:
            return self
        return StackTransform(self.transforms, self.dim, cache_size)

    def _slices(self, x: Tensor) -> Sequence[Tensor]:
        if not -x.dim() <= self.dim < x.dim() or x.shape[self.dim] != len(self.transforms):
            raise ArgumentError(
                f"StackTransform: expected {len(self.transforms)} slices along dimension {self.dim}, got shape "
                f"{tuple(x.shape)}"
            )
        return x.unbind(self.dim)

    def _call(self, x: Tensor) -> Tensor:
        return _core.stack([t(part) for t, part in zip(self.transforms, self._slices(x))], self.dim)

    def _inverse(self, y: Tensor) -> Tensor:
        return _core.stack([t.inv(part) for t, part in zip(self.transforms, self._slices(y))], self.dim)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        parts = zip(self.transforms, self._slices(x), self._slices(y))
        return _core.stack([t.log_abs_det_jacobian(a, b) for t, a, b in parts], self.dim)

    @property
    def domain(self) -> Any:  # type: ignore[override]
        """The constraint of x."""
        return constraints.stack([t.domain for t in self.transforms], self.dim)

    @property
    def codomain(self) -> Any:  # type: ignore[override]
        """The constraint of y."""
        return constraints.stack([t.codomain for t in self.transforms], self.dim)


class CumulativeDistributionTransform(Transform):
    """``y = F(x)``, the distribution function of a distribution over numbers: uniform y for x drawn from it.

    Args:
        distribution: with ``cdf``, ``icdf`` and ``log_prob``.
        cache_size: as for :class:`Transform`. Default: 0.

    Example:
        >>> import plait
        >>> from plait.distributions import CumulativeDistributionTransform, Normal
        >>> CumulativeDistributionTransform(Normal(0.0, 1.0))(plait.zeros(1))
        tensor([0.5000])
    """

    bijective = True
    codomain = constraints.unit_interval
    sign = 1

    def __init__(self, distribution: Any, cache_size: int = 0) -> None:
        super().__init__(cache_size=cache_size)
        self.distribution = distribution

    @property
    def domain(self) -> Any:  # type: ignore[override]
        """The constraint of x."""
        return self.distribution.support

    def _call(self, x: Tensor) -> Tensor:
        return self.distribution.cdf(x)

    def _inverse(self, y: Tensor) -> Tensor:
        return self.distribution.icdf(y)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return self.distribution.log_prob(x)

    def with_cache(self, cache_size: int = 1) -> Transform:
        if self._cache_size == cache_size:
            return self
        return CumulativeDistributionTransform(self.distribution, cache_size=cache_size)
