# SPDX-License-Identifier: MIT
"""The Wishart distribution."""

from __future__ import annotations

import math
import warnings
from typing import Any

from .. import _core
from .._core import ArgumentError, Size, Tensor
from .._functions import broadcast_shapes
from .._tensor import finfo
from . import constraints
from .chi2 import Chi2
from .exp_family import ExponentialFamily
from .multivariate_normal import _cholesky, _half_log_det, _inverse_of_factor, _precision_to_scale_tril, _solve_lower
from .utils import lazy_property, only_one

__all__ = ["Wishart"]


def _halves(a: Tensor, p: int) -> Tensor:
    """a, a - 1/2, ..., a - (p - 1) / 2 along a new last dimension."""
    return a.unsqueeze(-1) - 0.5 * _core.arange(p, dtype=a.dtype)


def _log_multigamma(a: Tensor, p: int) -> Tensor:
    return _halves(a, p).lgamma().sum(-1) + 0.25 * p * (p - 1) * math.log(math.pi)


class Wishart(ExponentialFamily):
    """Positive definite matrices ``sum of x x^T`` for ``df`` normal vectors x of mean 0 and the given covariance.

    Samples by Bartlett's decomposition.

    Args:
        df: the degrees of freedom, above n - 1; it need not be whole.
        covariance_matrix: of the vectors, (*, n, n); or
        precision_matrix: its inverse; or
        scale_tril: its lower Cholesky factor.
        validate_args: whether arguments are checked. Default: as ``set_default_validate_args`` was told.

    Raises:
        ValueError: none or several of the three matrices; a matrix of fewer than two dimensions; df of at most n - 1.

    Source: Bartlett, "On the theory of statistical regression", Proceedings of the Royal Society of Edinburgh 53, 1933.

    Example:
        >>> import plait
        >>> plait.distributions.Wishart(plait.tensor(3.0), covariance_matrix=plait.eye(2)).mean
        tensor([[3., 0.],
                [0., 3.]])
    """

    support = constraints.positive_definite
    has_rsample = True
    _mean_carrier_measure = 0
    _parameter_dims = {"df": 0, "covariance_matrix": 2, "precision_matrix": 2, "scale_tril": 2}

    @property
    def arg_constraints(self) -> dict[str, constraints.Constraint]:
        return {
            "covariance_matrix": constraints.positive_definite,
            "precision_matrix": constraints.positive_definite,
            "scale_tril": constraints.lower_cholesky,
            "df": constraints.greater_than(self._event_shape[-1] - 1),
        }

    def __init__(
        self,
        df: Tensor | float,
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
        only_one("Wishart", **matrices)
        name, matrix = next((k, m) for k, m in matrices.items() if m is not None)
        if matrix.dim() < 2:
            raise ArgumentError(f"Wishart: expected {name} of at least two dimensions, got {tuple(matrix.shape)}")
        df = df if isinstance(df, Tensor) else _core.tensor(float(df), dtype=matrix.dtype)
        batch, event = broadcast_shapes(matrix.shape[:-2], df.shape), matrix.shape[-2:]
        if bool((df <= event[-1] - 1).any()):
            raise ArgumentError(f"Wishart: expected df greater than {event[-1] - 1}, got {df.tolist()}")
        self.df = df.expand(batch)
        setattr(self, name, matrix.expand([*batch, *event]))
        super().__init__(batch, event, validate_args)
        if bool((self.df < event[-1]).any()):
            warnings.warn(f"Wishart: samples are nearly singular for df below {event[-1]}", stacklevel=2)
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
        return matrix.expand(self._extended_shape())

    @property
    def _n(self) -> int:
        return self._event_shape[-1]

    @lazy_property
    def scale_tril(self) -> Tensor:
        """The lower Cholesky factor of the covariance."""
        return self._expanded_matrix(self._unbroadcasted_scale_tril)

    @lazy_property
    def covariance_matrix(self) -> Tensor:
        """The covariance of the vectors."""
        factor = self._unbroadcasted_scale_tril
        return self._expanded_matrix(factor @ factor.mT)

    @lazy_property
    def precision_matrix(self) -> Tensor:
        """The inverse of the covariance."""
        return self._expanded_matrix(_inverse_of_factor(self._unbroadcasted_scale_tril))

    def _column(self, x: Tensor) -> Tensor:
        return x.reshape([*x.shape, 1, 1])

    @property
    def mean(self) -> Tensor:
        return self._column(self.df) * self.covariance_matrix

    @property
    def mode(self) -> Tensor:
        """The most likely matrix; NaN for df up to n + 1."""
        factor = self.df - self._n - 1
        return self._column(factor.masked_fill(factor <= 0, math.nan)) * self.covariance_matrix

    @property
    def variance(self) -> Tensor:
        covariance = self.covariance_matrix
        diagonal = covariance.diagonal(dim1=-2, dim2=-1)
        products = diagonal.unsqueeze(-1) * diagonal.unsqueeze(-2)
        return self._column(self.df) * (covariance.pow(2) + products)

    def _bartlett_sampling(self, sample_shape: Any = ()) -> Tensor:
        n, sample_shape = self._n, Size(sample_shape)
        # Row i has the root of chi-squared of df - i on the diagonal and normal numbers before it.
        shape = [*sample_shape, *self._batch_shape, n, n]
        df = self.df.unsqueeze(-1) - _core.arange(n, dtype=self.df.dtype)
        diagonal = Chi2(df, validate_args=False).rsample(sample_shape).clamp(min=finfo(self.df.dtype).tiny).sqrt()
        noise = _core.randn(shape, dtype=self.df.dtype).tril(-1) + diagonal.diag_embed()
        factor = self._unbroadcasted_scale_tril @ noise
        return factor @ factor.mT

    def rsample(self, sample_shape: Any = (), max_try_correction: int | None = None) -> Tensor:
        """Samples that are differentiable functions of the parameters.

        Args:
            sample_shape: dimensions in front of the batch and event shape. Default: none.
            max_try_correction: how often matrices that rounding has made singular are drawn anew. Default: 10 for one
                matrix, 3 for a batch.
        """
        if max_try_correction is None:
            max_try_correction = 3 if self._batch_shape else 10
        sample = self._bartlett_sampling(sample_shape)
        for _ in range(max_try_correction):
            singular = ~self.support.check(sample.detach())
            if not bool(singular.any()):
                break
            again = self._bartlett_sampling(sample_shape)
            sample = _core.where(self._column(singular.expand(sample.shape[:-2])), again, sample)
        return sample

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        df, n = self.df, self._n
        factor = self._unbroadcasted_scale_tril
        root = _cholesky(value)
        trace = _solve_lower(factor, root).square().sum([-2, -1])  # of V^-1 X
        log_normalizer = df * (_half_log_det(factor) + 0.5 * n * math.log(2)) + _log_multigamma(df / 2, n)
        return (df - n - 1) * _half_log_det(root) - 0.5 * trace - log_normalizer

    def entropy(self) -> Tensor:
        df, n = self.df, self._n
        half_log_det = _half_log_det(self._unbroadcasted_scale_tril)
        log_normalizer = df * (half_log_det + 0.5 * n * math.log(2)) + _log_multigamma(df / 2, n)
        mean_log_det = _halves(df / 2, n).digamma().sum(-1) + n * math.log(2) + 2 * half_log_det
        return log_normalizer - 0.5 * (df - n - 1) * mean_log_det + 0.5 * n * df

    @property
    def _natural_params(self) -> tuple[Tensor, Tensor]:
        return -0.5 * self.precision_matrix, 0.5 * (self.df - self._n - 1)

    def _log_normalizer(self, x: Tensor, y: Tensor) -> Tensor:  # type: ignore[override]
        n = self._n
        half = y + 0.5 * (n + 1)  # df / 2
        return half * (-2 * _half_log_det(_cholesky(-2 * x)) + n * math.log(2)) + _log_multigamma(half, n)
