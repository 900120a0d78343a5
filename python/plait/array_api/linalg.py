# SPDX-License-Identifier: MIT
"""The standard's linear algebra: the four functions of the main namespace and the extension."""

from __future__ import annotations

from typing import Any, NamedTuple

from .._core import ArgumentError, Tensor, dtype
from ._package import plait

__all__ = [
    "cholesky",
    "cross",
    "det",
    "diagonal",
    "eig",
    "eigh",
    "eigvals",
    "eigvalsh",
    "inv",
    "matmul",
    "matrix_norm",
    "matrix_power",
    "matrix_rank",
    "matrix_transpose",
    "outer",
    "pinv",
    "qr",
    "slogdet",
    "solve",
    "svd",
    "svdvals",
    "tensordot",
    "trace",
    "vecdot",
    "vector_norm",
]


def _promoted(x1: Tensor, x2: Tensor) -> tuple[Tensor, Tensor]:
    common = plait.array_api.result_type(x1, x2)
    return x1.to(common), x2.to(common)


def matmul(x1: Tensor, x2: Tensor, /) -> Tensor:
    return plait.matmul(*_promoted(x1, x2))


def matrix_transpose(x: Tensor, /) -> Tensor:
    return x.mT


def tensordot(x1: Tensor, x2: Tensor, /, *, axes: Any = 2) -> Tensor:
    x1, x2 = _promoted(x1, x2)
    if not isinstance(axes, int):
        first, second = (list(a) for a in axes)
        axes = [[a % x1.dim() for a in first], [a % x2.dim() for a in second]]
    return plait.tensordot(x1, x2, dims=axes)


def vecdot(x1: Tensor, x2: Tensor, /, *, axis: int = -1) -> Tensor:
    x1, x2 = _promoted(x1, x2)
    if axis >= 0 or axis < -min(x1.dim(), x2.dim()):
        raise ArgumentError(f"vecdot: expected a negative axis of both, got {axis}")
    a, b = plait.broadcast_tensors(x1.movedim(axis, -1), x2.movedim(axis, -1)) if x1.dim() and x2.dim() else (x1, x2)
    if x1.shape[axis] != x2.shape[axis]:
        raise ArgumentError(f"vecdot: expected equal sizes at axis {axis}, got {tuple(x1.shape)} and {tuple(x2.shape)}")
    a = plait.array_api.conj(a)
    return plait.matmul(a.unsqueeze(-2), b.unsqueeze(-1)).squeeze((-2, -1))


def outer(x1: Tensor, x2: Tensor, /) -> Tensor:
    x1, x2 = _promoted(x1, x2)
    return x1.unsqueeze(1) * x2.unsqueeze(0)


def cross(x1: Tensor, x2: Tensor, /, *, axis: int = -1) -> Tensor:
    x1, x2 = _promoted(x1, x2)
    if x1.dim() != x2.dim():  # axes count from the end then
        ndim = max(x1.dim(), x2.dim())
        x1, x2 = (t.reshape((1,) * (ndim - t.dim()) + tuple(t.shape)) for t in (x1, x2))
    return plait.linalg.cross(x1, x2, dim=axis)


def diagonal(x: Tensor, /, *, offset: int = 0) -> Tensor:
    return x.diagonal(offset, -2, -1)


def trace(x: Tensor, /, *, offset: int = 0, dtype: dtype | None = None) -> Tensor:
    return plait.array_api.sum(x.diagonal(offset, -2, -1), axis=-1, dtype=dtype)


def vector_norm(x: Tensor, /, *, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Tensor:
    if isinstance(axis, tuple) and not axis:
        return (x != 0).to(x.dtype) if ord == 0 else x.abs()
    return plait.linalg.vector_norm(x, ord, axis if axis is None or isinstance(axis, int) else tuple(axis), keepdims)


def matrix_norm(x: Tensor, /, *, keepdims: bool = False, ord: Any = "fro") -> Tensor:
    return plait.linalg.matrix_norm(x, ord, (-2, -1), keepdims)


class EighResult(NamedTuple):
    """Eigenvalues in ascending order and eigenvectors."""

    eigenvalues: Tensor
    eigenvectors: Tensor


class EigResult(NamedTuple):
    """Eigenvalues and eigenvectors."""

    eigenvalues: Tensor
    eigenvectors: Tensor


class QRResult(NamedTuple):
    """An orthonormal and an upper triangular factor."""

    Q: Tensor
    R: Tensor


class SlogdetResult(NamedTuple):
    """The sign and the logarithm of the size of a determinant."""

    sign: Tensor
    logabsdet: Tensor


class SVDResult(NamedTuple):
    """Left singular vectors, singular values, right singular vectors."""

    U: Tensor
    S: Tensor
    Vh: Tensor


def cholesky(x: Tensor, /, *, upper: bool = False) -> Tensor:
    return plait.linalg.cholesky(x, upper=upper)


def det(x: Tensor, /) -> Tensor:
    return plait.linalg.det(x)


def eig(x: Tensor, /) -> EigResult:
    return EigResult(*plait.linalg.eig(x))


def eigvals(x: Tensor, /) -> Tensor:
    return plait.linalg.eigvals(x)


def eigh(x: Tensor, /) -> EighResult:
    return EighResult(*plait.linalg.eigh(x))


def eigvalsh(x: Tensor, /) -> Tensor:
    return plait.linalg.eigvalsh(x)


def inv(x: Tensor, /) -> Tensor:
    return plait.linalg.inv(x)


def matrix_power(x: Tensor, n: int, /) -> Tensor:
    return plait.linalg.matrix_power(x, n)


def matrix_rank(x: Tensor, /, *, rtol: Any = None) -> Tensor:
    return plait.linalg.matrix_rank(x, rtol=rtol)


def pinv(x: Tensor, /, *, rtol: Any = None) -> Tensor:
    return plait.linalg.pinv(x, rtol=rtol)


def qr(x: Tensor, /, *, mode: str = "reduced") -> QRResult:
    return QRResult(*plait.linalg.qr(x, mode))


def slogdet(x: Tensor, /) -> SlogdetResult:
    return SlogdetResult(*plait.linalg.slogdet(x))


def solve(x1: Tensor, x2: Tensor, /) -> Tensor:
    x1, x2 = _promoted(x1, x2)
    if x2.dim() == 1:  # a vector, whatever the batch of matrices is
        return plait.linalg.solve(x1, x2.unsqueeze(-1)).squeeze(-1)
    return plait.linalg.solve(x1, x2)


def svd(x: Tensor, /, *, full_matrices: bool = True) -> SVDResult:
    return SVDResult(*plait.linalg.svd(x, full_matrices=full_matrices))


def svdvals(x: Tensor, /) -> Tensor:
    return plait.linalg.svdvals(x)
