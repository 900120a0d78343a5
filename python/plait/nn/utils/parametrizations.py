# SPDX-License-Identifier: MIT
"""Parametrizations of weights: weight normalisation, spectral normalisation, orthogonal matrices."""

from __future__ import annotations

from typing import Any

from ... import _core
from ..._core import ArgumentError, ArgumentIndexError, Tensor
from ...autograd.grad_mode import no_grad
from .. import functional as F
from ..modules.module import Module
from .parametrize import register_parametrization

__all__ = ["orthogonal", "spectral_norm", "weight_norm"]


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
            self.register_buffer("_u", F.normalize(weight.new_empty(height).normal_(), dim=0, eps=eps))
            self.register_buffer("_v", F.normalize(weight.new_empty(width).normal_(), dim=0, eps=eps))
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


class _Orthogonal(Module):
    """A matrix with orthonormal columns (rows, where it is wide) from one without constraints.

    matrix_exp: the exponential of A = X - X^T, which is skew-symmetric; cayley: (I + A/2) (I - A/2)^-1 of it;
    householder: the product of reflections whose vectors are the columns of X below its diagonal. ``base``, an
    orthogonal matrix, is multiplied from the left: any orthogonal matrix is reached from one near it.
    """

    base: Tensor | None

    def __init__(self, weight: Tensor, method: str, use_trivialization: bool) -> None:
        super().__init__()
        if method == "householder" and use_trivialization:
            raise ArgumentError("orthogonal: use_trivialization is not possible with the householder map")
        self.method = method
        self.shape = weight.shape
        self.register_buffer("base", self._orthonormal(weight) if use_trivialization else None)

    @staticmethod
    def _orthonormal(weight: Tensor) -> Tensor:
        """A square orthogonal matrix whose first columns span those of the weight."""
        with no_grad():
            tall = weight if weight.shape[-2] >= weight.shape[-1] else weight.mT
            q, r = _linalg().qr(tall, mode="complete")
            # The sign that makes the diagonal of R positive.
            signs = q.new_ones(*q.shape[:-2], 1, q.shape[-1])
            k = tall.shape[-1]
            diagonal = r.diagonal(0, -2, -1).sign()
            signs[..., 0, :k] = _core.where(diagonal == 0, 1, diagonal)
            return q * signs

    def _skew(self, x: Tensor) -> Tensor:
        n, k = x.shape[-2:]
        lower = x.tril(-1 if self.base is not None or n == k else 0)
        if n != k:  # square, with zeros behind the columns that are free
            lower = _core.cat([lower, x.new_zeros(*x.shape[:-1], n - k)], -1)
        return lower - lower.mT

    def forward(self, X: Tensor) -> Tensor:
        wide = X.shape[-2] < X.shape[-1]
        x = X.mT if wide else X
        n, k = x.shape[-2:]
        if self.method == "householder":
            reflections = x.tril(-1) + _core.eye(n, k, dtype=x.dtype, device=x.device)
            tau = 2.0 / (reflections * reflections).sum(-2)
            y = _linalg().householder_product(reflections, tau)
            y = y * x.diagonal(0, -2, -1).sign().unsqueeze(-2).where(x.diagonal(0, -2, -1).unsqueeze(-2) != 0, 1)
        else:
            a = self._skew(x)
            eye = _core.eye(n, dtype=x.dtype, device=x.device)
            y = _core.matrix_exp(a) if self.method == "matrix_exp" else _linalg().solve(eye - a / 2, eye + a / 2)
            y = y[..., :k] if self.base is None else (self.base @ y)[..., :k]
        return y.mT if wide else y

    def right_inverse(self, Q: Tensor) -> Tensor:
        if Q.shape != self.shape:
            raise ArgumentError(f"orthogonal: expected a weight of shape {tuple(self.shape)}, got {tuple(Q.shape)}")
        wide = Q.shape[-2] < Q.shape[-1]
        q = Q.mT if wide else Q
        if self.method == "householder":
            factors, tau = _core.geqrf(q)
            x = factors.tril(-1)
            # A reflection by a vector that begins with 1 has tau = 2 / |v|^2; the diagonal keeps the signs.
            signs = factors.diagonal(0, -2, -1).sign()
            x.diagonal(0, -2, -1).copy_(_core.where(signs == 0, 1, signs) * _core.where(tau == 0, -1, 1))
        elif self.base is not None:
            self.base.copy_(self._orthonormal(Q))
            x = _core.zeros_like(q)
        else:
            # No inverse of these maps is needed: a random orthogonal matrix to start from will do.
            x = _core.randn_like(q)
        return x.mT if wide else x


def _linalg() -> Any:
    from ... import linalg

    return linalg


def orthogonal(
    module: Module,
    name: str = "weight",
    orthogonal_map: str | None = None,
    *,
    use_trivialization: bool = True,
) -> Module:
    """Keep a weight orthogonal, or its columns (rows, where it is wide) orthonormal, while it is trained.

    Args:
        module: has the weight, of at least 2 dimensions; leading ones are a batch.
        name: the weight's name. Default: ``"weight"``.
        orthogonal_map: how the matrix is made from parameters without constraints: ``"matrix_exp"``, ``"cayley"`` or
            ``"householder"``. Default: ``"matrix_exp"`` for square weights, else ``"householder"``.
        use_trivialization: whether a fixed orthogonal matrix near the weight is multiplied, so that training starts
            from the weight made orthogonal; not for ``"householder"``. Default: ``True``.

    Returns:
        The module.

    Raises:
        ValueError: the module has no such weight of 2 or more dimensions, or another map.

    Source: Lezcano-Casado, "Trivializations for Gradient-Based Optimization on Manifolds", NeurIPS 2019.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> layer = nn.utils.parametrizations.orthogonal(nn.Linear(3, 3))
        >>> plait.allclose(layer.weight @ layer.weight.T, plait.eye(3), atol=1e-5)
        True
    """
    weight = getattr(module, name, None)
    if not isinstance(weight, Tensor) or weight.dim() < 2:
        raise ArgumentError(
            f"orthogonal: expected {type(module).__name__} to have a tensor '{name}' of at least 2 dimensions"
        )
    square = weight.shape[-2] == weight.shape[-1]
    method = orthogonal_map or ("matrix_exp" if square else "householder")
    if method not in ("matrix_exp", "cayley", "householder"):
        raise ArgumentError(f"orthogonal: expected a map 'matrix_exp', 'cayley' or 'householder', got {method!r}")
    trivial = use_trivialization and method != "householder"
    register_parametrization(module, name, _Orthogonal(weight, method, trivial), unsafe=True)
    return module
