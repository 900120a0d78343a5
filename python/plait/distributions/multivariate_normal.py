# SPDX-License-Identifier: MIT
"""The multivariate normal distribution."""

from __future__ import annotations

import math
from typing import Any

from .. import _core
from .._core import ArgumentError, Size, Tensor
from . import constraints
from .distribution import Distribution
from .utils import lazy_property, only_one

__all__ = ["MultivariateNormal"]


def _batch_mv(matrix: Tensor, vector: Tensor) -> Tensor:
    """Products of matrices (*, n, m) and vectors (*, m)."""
    return (matrix @ vector.unsqueeze(-1)).squeeze(-1)


def _solve_lower(factor: Tensor, right: Tensor) -> Tensor:
    from ..linalg import solve_triangular

    return solve_triangular(factor, right, upper=False)


def _identity_like(matrix: Tensor) -> Tensor:
    return _core.eye(matrix.shape[-1], dtype=matrix.dtype)


def _cholesky(matrix: Tensor) -> Tensor:
    from ..linalg import cholesky

    return cholesky(matrix)


def _batch_mahalanobis(factor: Tensor, x: Tensor) -> Tensor:
    """x^T (L L^T)^-1 x for lower triangular L (*, n, n) and vectors x (*, n) that broadcast.

    Leading dimensions of x that L lacks become columns of one system, so that L is not repeated for them.
    """
    n, batch = x.shape[-1], factor.shape[:-2]
    lead = x.shape[: max(0, x.dim() - 1 - len(batch))]
    from .._functions import broadcast_shapes

    batch = broadcast_shapes(batch, x.shape[len(lead) : -1])
    columns = x.expand([*lead, *batch, n]).reshape([Size(lead).numel(), *batch, n]).movedim(0, -1)
    solved = _solve_lower(factor.expand([*batch, n, n]), columns)
    return solved.square().sum(-2).movedim(-1, 0).reshape([*lead, *batch])


def _precision_to_scale_tril(precision: Tensor) -> Tensor:
    """The lower triangular L with L L^T = P^-1, without inverting P."""
    # P = U U^T with U upper triangular is the factorisation of P in reversed order; then L = U^-T.
    upper = _cholesky(precision.flip([-2, -1])).flip([-2, -1])
    return _solve_lower(upper.mT, _identity_like(precision))


def _inverse_of_factor(factor: Tensor) -> Tensor:
    """(L L^T)^-1."""
    inverse = _solve_lower(factor, _identity_like(factor))
    return inverse.mT @ inverse


def _half_log_det(factor: Tensor) -> Tensor:
    """log det(L L^T) / 2."""
    return factor.diagonal(dim1=-2, dim2=-1).log().sum(-1)


class MultivariateNormal(Distribution):
    """The normal distribution of vectors.

    Args:
        loc: (*, n), the mean.
        covariance_matrix: (*, n, n), positive definite; or
        precision_matrix: its inverse; or
        scale_tril: its lower Cholesky factor, with a positive diagonal, which all computations use.
        validate_args: whether arguments are checked. Default: as ``set_default_validate_args`` was told.

    Raises:
        ValueError: a mean of no dimension; none or several of the three matrices; one that is not positive definite.

    Example:
        >>> import plait
        >>> d = plait.distributions.MultivariateNormal(plait.zeros(2), plait.eye(2))
        >>> d.log_prob(plait.zeros(2))
        tensor(-1.8379)
    """

    arg_constraints = {
        "loc": constraints.real_vector,
        "covariance_matrix": constraints.positive_definite,
        "precision_matrix": constraints.positive_definite,
        "scale_tril": constraints.lower_cholesky,
    }
    support = constraints.real_vector
    has_rsample = True
    _parameter_dims = {"loc": 1, "covariance_matrix": 2, "precision_matrix": 2, "scale_tril": 2}

    def __init__(
        self,
        loc: Tensor,
        covariance_matrix: Tensor | None = None,
        precision_matrix: Tensor | None = None,
        scale_tril: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        matrices = {
            "covariance_matrix": covariance_matrix,
            "precision_matrix": precision_matrix,
            "scale_tril": scale_tril,
        }
        only_one("MultivariateNormal", **matrices)
        name, matrix = next((k, m) for k, m in matrices.items() if m is not None)
        if loc.dim() < 1 or matrix.dim() < 2:
            raise ArgumentError(
                f"MultivariateNormal: expected loc of at least one dimension and {name} of two, got shapes "
                f"{tuple(loc.shape)} and {tuple(matrix.shape)}"
            )
        from .._functions import broadcast_shapes

        batch = broadcast_shapes(matrix.shape[:-2], loc.shape[:-1])
        setattr(self, name, matrix.expand([*batch, *matrix.shape[-2:]]))
        self.loc = loc.expand([*batch, loc.shape[-1]])
        super().__init__(batch, loc.shape[-1:], validate_args)
        if scale_tril is not None:
            self._unbroadcasted_scale_tril = scale_tril
        elif covariance_matrix is not None:
            self._unbroadcasted_scale_tril = _cholesky(covariance_matrix)
        else:
            self._unbroadcasted_scale_tril = _precision_to_scale_tril(matrix)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        new = super().expand(batch_shape, _instance)
        new._unbroadcasted_scale_tril = self._unbroadcasted_scale_tril
        return new

    def _expanded_matrix(self, matrix: Tensor) -> Tensor:
        return matrix.expand([*self._batch_shape, *self._event_shape, *self._event_shape])

    @lazy_property
    def scale_tril(self) -> Tensor:
        """The lower Cholesky factor of the covariance."""
        return self._expanded_matrix(self._unbroadcasted_scale_tril)

    @lazy_property
    def covariance_matrix(self) -> Tensor:
        """The covariance."""
        factor = self._unbroadcasted_scale_tril
        return self._expanded_matrix(factor @ factor.mT)

    @lazy_property
    def precision_matrix(self) -> Tensor:
        """The inverse of the covariance."""
        return self._expanded_matrix(_inverse_of_factor(self._unbroadcasted_scale_tril))

    @property
    def mean(self) -> Tensor:
        return self.loc

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        return self._unbroadcasted_scale_tril.pow(2).sum(-1).expand(self._extended_shape())

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        eps = _core.randn(self._extended_shape(sample_shape), dtype=self.loc.dtype)
        return self.loc + _batch_mv(self._unbroadcasted_scale_tril, eps)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        distance = _batch_mahalanobis(self._unbroadcasted_scale_tril, value - self.loc)
        n = self._event_shape[0]
        return -0.5 * (n * math.log(2 * math.pi) + distance) - _half_log_det(self._unbroadcasted_scale_tril)

    def entropy(self) -> Tensor:
        n = self._event_shape[0]
        entropy = 0.5 * n * (1.0 + math.log(2 * math.pi)) + _half_log_det(self._unbroadcasted_scale_tril)
        return entropy.expand(self._batch_shape)
