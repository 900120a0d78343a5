# SPDX-License-Identifier: MIT
"""Exponential families."""

from __future__ import annotations

from typing import Any

from .._core import Tensor
from ..autograd import grad
from ..autograd.grad_mode import enable_grad
from .distribution import Distribution
from .utils import _sum_rightmost

__all__ = ["ExponentialFamily"]


class ExponentialFamily(Distribution):
    """Base of distributions with density ``exp(<t(x), theta> - F(theta) + k(x))``.

    A family tells its natural parameters theta, the log-normaliser F and the mean of the carrier measure k; entropy and
    divergence follow by differentiating F: Nielsen and Nock, "Entropies and cross-entropies of exponential families"
    (ICIP 2010).

    Args:
        batch_shape: as there. Default: none.
        event_shape: as there. Default: none.
        validate_args: as for :class:`Distribution`.

    Example:
        >>> import plait
        >>> isinstance(plait.distributions.Gamma(1.0, 1.0), plait.distributions.ExponentialFamily)
        True
    """

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        raise NotImplementedError

    def _log_normalizer(self, *natural_params: Tensor) -> Tensor:
        raise NotImplementedError

    @property
    def _mean_carrier_measure(self) -> Any:
        raise NotImplementedError

    def _differentiated(self) -> tuple[tuple[Tensor, ...], Tensor, tuple[Tensor, ...]]:
        """theta, F(theta) and dF / dtheta, all of which can be differentiated again."""
        with enable_grad():
            theta = tuple(p if p.requires_grad else p.detach().requires_grad_() for p in self._natural_params)
            normalizer = self._log_normalizer(*theta)
            return theta, normalizer, grad(normalizer.sum(), theta, create_graph=True)

    def entropy(self) -> Tensor:
        # F - <theta, dF / dtheta> - E[k]
        theta, result, slopes = self._differentiated()
        result = result - self._mean_carrier_measure
        for parameter, slope in zip(theta, slopes):
            result = result - _sum_rightmost(parameter * slope, parameter.dim() - len(self._batch_shape))
        return result
