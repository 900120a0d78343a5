# SPDX-License-Identifier: MIT
"""The LKJ distribution of correlation matrices."""

from __future__ import annotations

import math
from typing import Any

from .. import _core
from .._core import ArgumentError, Size, Tensor
from .._tensor import finfo
from ..autograd.grad_mode import no_grad
from . import constraints
from .beta import Beta
from .distribution import Distribution
from .utils import broadcast_all

__all__ = ["LKJCholesky"]


class LKJCholesky(Distribution):
    """Lower Cholesky factors of random correlation matrices M with density proportional to ``det(M)^(eta - 1)``.

    ``log_prob`` is that of the factor, with the Jacobian of ``M = L L^T``. Samples by the onion method: row after row,
    of a beta-distributed length and a uniform direction.

    Args:
        dim: the number of rows, at least 2.
        concentration: eta > 0; 1 makes all correlation matrices as likely, larger ones weak correlations more. Default:
            1.
        validate_args: whether arguments are checked. Default: as ``set_default_validate_args`` was told.

    Raises:
        ValueError: a ``dim`` below 2.

    Source: Lewandowski, Kurowicka and Joe, "Generating random correlation matrices based on vines and extended onion
    method", Journal of Multivariate Analysis 100, 2009.

    Example:
        >>> import plait
        >>> factor = plait.distributions.LKJCholesky(3, 0.5).sample()
        >>> bool(((factor @ factor.mT).diagonal() - 1).abs().max() < 1e-6)
        True
    """

    arg_constraints = {"concentration": constraints.positive}
    support = constraints.corr_cholesky
    _parameter_dims = {"concentration": 0}

    def __init__(self, dim: int, concentration: Tensor | float = 1.0, validate_args: bool | None = None) -> None:
        if dim < 2:
            raise ArgumentError(f"LKJCholesky: expected dim of at least 2, got {dim}")
        self.dim = dim
        (self.concentration,) = broadcast_all(concentration)
        super().__init__(self.concentration.shape, (dim, dim), validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        new = self._get_checked_instance(LKJCholesky, _instance)
        new.dim = self.dim
        return super().expand(batch_shape, _instance=new)

    def _rows(self) -> Tensor:
        """1, ..., dim - 1: the numbers of elements below the diagonal."""
        return _core.arange(1, self.dim, dtype=self.concentration.dtype)

    def sample(self, sample_shape: Any = ()) -> Tensor:
        with no_grad():
            rows, eta = self._rows(), self.concentration.unsqueeze(-1)
            # The squared length of row k below the diagonal.
            length = Beta(rows / 2, eta + (self.dim - 1 - rows) / 2, validate_args=False)
            square = length.sample(Size(sample_shape)).unsqueeze(-1)  # (*, dim - 1, 1)
            normal = _core.randn([*square.shape[:-1], self.dim], dtype=square.dtype).tril()[..., : self.dim - 1]
            direction = normal / normal.norm(dim=-1, keepdim=True)
            below = square.sqrt() * direction  # (*, dim - 1, dim - 1)
            first = below.new_zeros([*below.shape[:-2], 1, self.dim - 1])
            last = below.new_zeros([*below.shape[:-2], self.dim, 1])
            factor = _core.cat([_core.cat([first, below], -2), last], -1)
            rest = (1 - factor.square().sum(-1)).clamp(min=finfo(factor.dtype).tiny)
            return factor + rest.sqrt().diag_embed()

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        # det(M)^(eta - 1) = prod L_kk^(2 eta - 2); the Jacobian of M = L L^T has L_kk^(dim - 1 - k), k from 0.
        rows, eta = self._rows(), self.concentration.unsqueeze(-1)
        exponents = 2 * (eta - 1) + self.dim - 1 - rows
        unnormalized = (exponents * value.diagonal(dim1=-1, dim2=-2)[..., 1:].log()).sum(-1)
        # Row by row the integral over a ball: pi^(k / 2) Gamma(eta + (dim - 1 - k) / 2) / Gamma(eta + (dim - 1) / 2)
        whole = (eta + (self.dim - 1) / 2).lgamma()
        log_integral = 0.5 * math.log(math.pi) * rows + (eta + (self.dim - 1 - rows) / 2).lgamma() - whole
        return unnormalized - log_integral.sum(-1)
