# SPDX-License-Identifier: MIT
"""The multivariate normal distribution of low-rank covariance."""

from __future__ import annotations

import math
from typing import Any

from .. import _core
from .._core import ArgumentError, Tensor
from .._functions import broadcast_shapes
from . import constraints
from .distribution import Distribution
from .multivariate_normal import (
    _batch_mahalanobis,
    _batch_mv,
    _cholesky,
    _half_log_det,
    _identity_like,
    _solve_lower,
)
from .utils import lazy_property

__all__ = ["LowRankMultivariateNormal"]


def _capacitance_tril(factor: Tensor, diag: Tensor) -> Tensor:
    """The Cholesky factor of I + W^T D^-1 W, (*, m, m)."""
    weighted = factor.mT / diag.unsqueeze(-2)
    capacitance = weighted @ factor
    return _cholesky(capacitance + _identity_like(capacitance))


def _log_det(diag: Tensor, capacitance_tril: Tensor) -> Tensor:
    """log det(W W^T + D), by the matrix determinant lemma."""
    return 2 * _half_log_det(capacitance_tril) + diag.log().sum(-1)


def _mahalanobis(factor: Tensor, diag: Tensor, x: Tensor, capacitance_tril: Tensor) -> Tensor:
    """x^T (W W^T + D)^-1 x, by Woodbury's identity."""
    projected = _batch_mv(factor.mT / diag.unsqueeze(-2), x)
    return (x.pow(2) / diag).sum(-1) - _batch_mahalanobis(capacitance_tril, projected)


class LowRankMultivariateNormal(Distribution):
    """The normal distribution of vectors with covariance ``W W^T + D``, W of few columns and D diagonal.

    Nothing of size n x n is factorised: Woodbury's identity and the matrix determinant lemma leave m x m matrices.

    Args:
        loc: (*, n), the mean.
        cov_factor: W, (*, n, m).
        cov_diag: the diagonal of D, (*, n), > 0.
        validate_args: whether arguments are checked. Default: as ``set_default_validate_args`` was told.

    Raises:
        ValueError: parameters of too few dimensions or of sizes that do not fit.

    Example:
        >>> import plait
        >>> from plait.distributions import LowRankMultivariateNormal
        >>> d = LowRankMultivariateNormal(plait.zeros(2), plait.tensor([[1.0], [0.0]]), plait.ones(2))
        >>> d.covariance_matrix
        tensor([[2., 0.],
                [0., 1.]])
    """

    arg_constraints = {
        "loc": constraints.real_vector,
        "cov_factor": constraints.independent(constraints.real, 2),
        "cov_diag": constraints.independent(constraints.positive, 1),
    }
    support = constraints.real_vector
    has_rsample = True
    _parameter_dims = {
        "loc": 1,
        "cov_factor": 2,
        "cov_diag": 1,
        "covariance_matrix": 2,
        "scale_tril": 2,
        "precision_matrix": 2,
    }

    def __init__(self, loc: Tensor, cov_factor: Tensor, cov_diag: Tensor, validate_args: bool | None = None) -> None:
        n = loc.shape[-1:]
        if loc.dim() < 1 or cov_factor.dim() < 2 or cov_factor.shape[-2:-1] != n or cov_diag.shape[-1:] != n:
            raise ArgumentError(
                f"LowRankMultivariateNormal: expected loc (*, n), cov_factor (*, n, m) and cov_diag (*, n), got shapes "
                f"{tuple(loc.shape)}, {tuple(cov_factor.shape)} and {tuple(cov_diag.shape)}"
            )
        batch = broadcast_shapes(loc.shape[:-1], cov_factor.shape[:-2], cov_diag.shape[:-1])
        self.loc = loc.expand([*batch, *n])
        self.cov_factor = cov_factor.expand([*batch, *cov_factor.shape[-2:]])
        self.cov_diag = cov_diag.expand([*batch, *n])
        super().__init__(batch, n, validate_args)
        self._unbroadcasted_cov_factor, self._unbroadcasted_cov_diag = cov_factor, cov_diag
        self._capacitance_tril = _capacitance_tril(cov_factor, cov_diag)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        new = super().expand(batch_shape, _instance)
        for name in ("_unbroadcasted_cov_factor", "_unbroadcasted_cov_diag", "_capacitance_tril"):
            setattr(new, name, getattr(self, name))
        return new

    def _expanded_matrix(self, matrix: Tensor) -> Tensor:
        return matrix.expand([*self._batch_shape, *self._event_shape, *self._event_shape])

    @property
    def mean(self) -> Tensor:
        return self.loc

    @property
    def mode(self) -> Tensor:
        return self.loc

    @lazy_property
    def variance(self) -> Tensor:  # type: ignore[override]
        """The diagonal of the covariance."""
        variance = self._unbroadcasted_cov_factor.pow(2).sum(-1) + self._unbroadcasted_cov_diag
        return variance.expand(self._extended_shape())

    @lazy_property
    def covariance_matrix(self) -> Tensor:
        """The covariance."""
        factor = self._unbroadcasted_cov_factor
        return self._expanded_matrix(factor @ factor.mT + self._unbroadcasted_cov_diag.diag_embed())

    @lazy_property
    def scale_tril(self) -> Tensor:
        """The lower Cholesky factor of the covariance."""
        # W W^T + D = D^1/2 (I + D^-1/2 W W^T D^-1/2) D^1/2
        root = self._unbroadcasted_cov_diag.sqrt().unsqueeze(-1)
        scaled = self._unbroadcasted_cov_factor / root
        inner = scaled @ scaled.mT
        return self._expanded_matrix(root * _cholesky(inner + _identity_like(inner)))

    @lazy_property
    def precision_matrix(self) -> Tensor:
        """The inverse of the covariance."""
        # (W W^T + D)^-1 = D^-1 - A^T A with A = L^-1 W^T D^-1
        diag = self._unbroadcasted_cov_diag
        a = _solve_lower(self._capacitance_tril, self._unbroadcasted_cov_factor.mT / diag.unsqueeze(-2))
        return self._expanded_matrix(diag.reciprocal().diag_embed() - a.mT @ a)

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        shape, dtype = self._extended_shape(sample_shape), self.loc.dtype
        eps_factor = _core.randn([*shape[:-1], self.cov_factor.shape[-1]], dtype=dtype)
        eps_diag = _core.randn(shape, dtype=dtype)
        spread = _batch_mv(self._unbroadcasted_cov_factor, eps_factor)
        return self.loc + spread + self._unbroadcasted_cov_diag.sqrt() * eps_diag

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        factor, diag = self._unbroadcasted_cov_factor, self._unbroadcasted_cov_diag
        distance = _mahalanobis(factor, diag, value - self.loc, self._capacitance_tril)
        log_det = _log_det(diag, self._capacitance_tril)
        return -0.5 * (self._event_shape[0] * math.log(2 * math.pi) + log_det + distance)

    def entropy(self) -> Tensor:
        log_det = _log_det(self._unbroadcasted_cov_diag, self._capacitance_tril)
        entropy = 0.5 * (self._event_shape[0] * (1.0 + math.log(2 * math.pi)) + log_det)
        return entropy.expand(self._batch_shape)
