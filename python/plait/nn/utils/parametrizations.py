# SPDX-License-Identifier: MIT
"""Parametrizations of weights: weight normalisation, spectral normalisation, orthogonal matrices."""

from __future__ import annotations

from ... import _core
from ..._core import ArgumentError, ArgumentIndexError, Tensor
from ...autograd.grad_mode import no_grad
from .. import functional as F
from ..modules.module import Module
from .parametrize import register_parametrization

__all__ = ["spectral_norm", "weight_norm"]


def norm_except(weight: Tensor, dim: int | None) -> Tensor:
    """The 2-norm of every slice of ``weight`` along ``dim``; of all of it for ``None`` or -1."""
    if dim is None or dim == -1:
        return weight.norm()
    others = [d for d in range(weight.dim()) if d != dim % weight.dim()]
    return weight.norm(2, others, keepdim=True) if others else weight.abs()


class _WeightNorm(Module):
    """``g * v / |v|`` with one norm per slice along ``dim``."""

    def __init__(self, dim: int | None = 0) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, g: Tensor, v: Tensor) -> Tensor:
        return v * (g / norm_except(v, self.dim))

    def right_inverse(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        return norm_except(weight, self.dim), weight


def weight_norm(module: Module, name: str = "weight", dim: int | None = 0) -> Module:
    """Train length and direction of a weight apart: ``w = g * v / |v|`` (Salimans & Kingma 2016).

    ``g`` is ``module.parametrizations.<name>.original0``, ``v`` is ``original1``.

    Args:
        module: has the weight.
        name: the weight's name. Default: ``"weight"``.
        dim: the dimension whose slices have a norm each; ``None`` for one norm. Default: 0.

    Returns:
        The module.

    Example:
        >>> from plait import nn
        >>> layer = nn.utils.parametrizations.weight_norm(nn.Linear(4, 3))
        >>> tuple(layer.parametrizations.weight.original0.shape)
        (3, 1)
    """
    register_parametrization(module, name, _WeightNorm(dim), unsafe=True)
    return module


class _SpectralNorm(Module):
    """``w / sigma`` with the largest singular value sigma estimated by power iteration."""

    def __init__(self, weight: Tensor, n_power_iterations: int = 1, dim: int = 0, eps: float = 1e-12) -> None:
        super().__init__()
        if n_power_iterations <= 0:
            raise ArgumentError(f"spectral_norm: expected n_power_iterations > 0, got {n_power_iterations}")
        if not -weight.dim() <= dim < weight.dim():
            raise ArgumentIndexError(
                f"spectral_norm: expected dim within the weight's {weight.dim()} dimensions, got {dim}"
            )
        self.dim = dim % weight.dim()
        self.eps = eps
        self.n_power_iterations = n_power_iterations
        if weight.dim() > 1:
            matrix = self._matrix(weight.detach())
            height, width = matrix.shape
            self.register_buffer("_u", F.normalize(_core.empty(height, dtype=weight.dtype).normal_(), dim=0, eps=eps))
            self.register_buffer("_v", F.normalize(_core.empty(width, dtype=weight.dtype).normal_(), dim=0, eps=eps))
            self._iterate(matrix, 15)

    def _matrix(self, weight: Tensor) -> Tensor:
        return weight.movedim(self.dim, 0).flatten(1)

    def _iterate(self, matrix: Tensor, count: int) -> None:
        with no_grad():
            for _ in range(count):
                self._u.copy_(F.normalize(matrix.mv(self._v), dim=0, eps=self.eps))
                self._v.copy_(F.normalize(matrix.T.mv(self._u), dim=0, eps=self.eps))

    def forward(self, weight: Tensor) -> Tensor:
        if weight.dim() == 1:
            return F.normalize(weight, dim=0, eps=self.eps)
        matrix = self._matrix(weight)
        if self.training:
            self._iterate(matrix.detach(), self.n_power_iterations)
        # Copies: the buffers change in place before backward may need them.
        sigma = self._u.clone().dot(matrix.mv(self._v.clone()))
        return weight / sigma

    def right_inverse(self, value: Tensor) -> Tensor:
        return value


def spectral_norm(
    module: Module,
    name: str = "weight",
    n_power_iterations: int = 1,
    eps: float = 1e-12,
    dim: int | None = None,
) -> Module:
    """Divide a weight by its largest singular value (Miyato et al. 2018).

    Args:
        module: has the weight.
        name: the weight's name. Default: ``"weight"``.
        n_power_iterations: steps of power iteration per forward in training. Default: 1.
        eps: smallest norm divided by. Default: 1e-12.
        dim: the dimension of the outputs. Default: 1 for transposed convolutions, else 0.

    Returns:
        The module.

    Raises:
        ValueError: if the module has no such tensor or ``n_power_iterations`` is not positive.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> layer = nn.utils.parametrizations.spectral_norm(nn.Linear(2, 3))
        >>> nn.utils.parametrize.is_parametrized(layer, "weight")
        True
    """
    weight = getattr(module, name, None)
    if not isinstance(weight, Tensor):
        raise ArgumentError(f"spectral_norm: expected {type(module).__name__} to have a tensor '{name}'")
    if dim is None:
        dim = 1 if getattr(module, "transposed", False) else 0
    register_parametrization(module, name, _SpectralNorm(weight, n_power_iterations, dim, eps))
    return module
