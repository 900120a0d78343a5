# SPDX-License-Identifier: MIT
"""Some of the singular values and eigenvalues, by iterations on few vectors; and older forms of LU factors."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from .._arguments import explains_arguments
from .._core import ArgumentError, Tensor, cat, randn
from ._native import cholesky, eigh, lu_factor, lu_factor_ex, qr, solve_triangular, svd

__all__ = ["lobpcg", "lu", "pca_lowrank", "svd_lowrank"]


@explains_arguments
def lu(A: Tensor, pivot: bool = True, get_infos: bool = False, out: None = None) -> tuple[Tensor, ...]:
    """The older form of :func:`plait.linalg.lu_factor`.

    Args:
        A: (*, m, n), floating point.
        pivot: ``True``.
        get_infos: return ``info`` as a third tensor in place of raising. Default: ``False``.
        out: not supported.

    Returns:
        The factors in one matrix (*, m, n), the pivots (*, min(m, n)), and ``info`` (*) if asked for.

    Raises:
        LinAlgError: U has a zero on its diagonal, without ``get_infos``.

    Example:
        >>> import plait
        >>> plait.lu(plait.tensor([[0.0, 2.0], [1.0, 3.0]]))[1]
        tensor([2, 2], dtype=plait.int32)
    """
    return tuple(lu_factor_ex(A, pivot=pivot)) if get_infos else tuple(lu_factor(A, pivot=pivot))


def _range_of(A: Tensor, q: int, niter: int, M: Tensor | None) -> Tensor:
    """Orthonormal columns whose span holds most of that of ``A - M``, by powers of it on random vectors."""

    def times(X: Tensor) -> Tensor:
        return A @ X if M is None else A @ X - M @ X

    def transposed_times(X: Tensor) -> Tensor:
        return A.mT @ X if M is None else A.mT @ X - M.mT @ X

    Q = qr(times(randn(A.shape[-1], q, dtype=A.dtype, device=A.device)))[0]
    for _ in range(niter):
        Q = qr(transposed_times(Q))[0]
        Q = qr(times(Q))[0]
    return Q


@explains_arguments
def svd_lowrank(
    A: Tensor, q: int | None = 6, niter: int | None = 2, M: Tensor | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """The largest singular values and vectors of ``A - M``, ``U diag(S) V^T``, by random projections.

    Args:
        A: (*, m, n), floating point.
        q: how many; a few more than are wanted. Default: 6.
        niter: power iterations: more of them where singular values fall slowly. Default: 2.
        M: subtracted, broadcasts with ``A``. Default: nothing.

    Returns:
        ``U`` (*, m, q), ``S`` (*, q) and ``V`` (*, n, q).

    Source: Halko, Martinsson and Tropp, "Finding structure with randomness", 2009

    Example:
        >>> import plait
        >>> U, S, V = plait.svd_lowrank(plait.diag(plait.tensor([3.0, 2.0, 0.0, 0.0])), q=2)
        >>> S
        tensor([3.0000, 2.0000])
    """
    q = 6 if q is None else q
    niter = 2 if niter is None else niter
    M = None if M is None else M.expand(A.shape)
    if A.shape[-2] < A.shape[-1]:
        U, S, V = svd_lowrank(A.mT, q, niter, None if M is None else M.mT)
        return V, S, U
    Q = _range_of(A, q, niter, M)
    B = Q.mT @ (A if M is None else A - M)
    U, S, Vh = svd(B, full_matrices=False)
    return Q @ U, S, Vh.mT


@explains_arguments
def pca_lowrank(A: Tensor, q: int | None = None, center: bool = True, niter: int = 2) -> tuple[Tensor, Tensor, Tensor]:
    """The principal components of the rows of ``A``, by :func:`svd_lowrank`.

    Args:
        A: (*, m, n): m samples of n features.
        q: how many. Default: ``min(6, m, n)``.
        center: subtract the means of the columns first. Default: ``True``.
        niter: power iterations. Default: 2.

    Returns:
        ``U`` (*, m, q), ``S`` (*, q) and ``V`` (*, n, q), whose columns are the principal directions.

    Raises:
        ValueError: ``q`` or ``niter`` out of range.

    Source: Halko, Martinsson and Tropp, "Finding structure with randomness", 2009

    Example:
        >>> import plait
        >>> plait.pca_lowrank(plait.randn(20, 4), q=2)[2].shape
        plait.Size([4, 2])
    """
    m, n = A.shape[-2:]
    if q is None:
        q = min(6, m, n)
    elif not 0 <= q <= min(m, n):
        raise ArgumentError(f"pca_lowrank: expected q between 0 and {min(m, n)}, got {q}")
    if niter < 0:
        raise ArgumentError(f"pca_lowrank: expected niter to be at least 0, got {niter}")
    return svd_lowrank(A - A.mean(-2, keepdim=True) if center else A, q, niter)


def _ritz(S: Tensor, A: Tensor, B: Tensor | None, k: int, largest: bool) -> tuple[Tensor, Tensor]:
    """The ``k`` outer eigenvalues of ``A x = w B x`` in the span of orthonormal columns, and vectors within it."""
    a = S.mT @ (A @ S)
    if B is None:
        w, v = eigh((a + a.mT) / 2)
    else:  # L^-1 a L^-T with b = L L^T
        L = cholesky(S.mT @ (B @ S))
        half = solve_triangular(L, solve_triangular(L, a, upper=False).mT, upper=False)
        w, v = eigh((half + half.mT) / 2)
        v = solve_triangular(L.mT, v, upper=True)
    if largest:
        w, v = w.flip(-1), v.flip(-1)
    return w[..., :k], v[..., :k]


@explains_arguments
def lobpcg(
    A: Tensor,
    k: int | None = None,
    B: Tensor | None = None,
    X: Tensor | None = None,
    n: int | None = None,
    iK: Tensor | None = None,
    niter: int | None = None,
    tol: float | None = None,
    largest: bool | None = None,
    method: str | None = None,
    tracker: Callable[[Any], None] | None = None,
    ortho_iparams: Any = None,
    ortho_fparams: Any = None,
    ortho_bparams: Any = None,
) -> tuple[Tensor, Tensor]:
    """The largest or smallest eigenvalues of symmetric matrices, by locally optimal conjugate gradients.

    Where a gradient is wanted, all eigenvalues are computed, by :func:`plait.linalg.eigh`.

    Args:
        A: (*, m, m), symmetric.
        k: how many. Default: the columns of ``X``, or 1.
        B: symmetric positive-definite, for ``A x = w B x``. Default: the identity.
        X: the first approximation of the vectors, (*, m, n). Default: random.
        n: how many columns to start from, if there is no ``X``. Default: ``k``.
        iK: a preconditioner, (*, m, m). Default: none.
        niter: the most iterations; -1 is no limit. Default: 1000.
        tol: the residual, relative to the sizes of ``A`` and the eigenvalue, that ends it. Default: the root of eps.
        largest: whether the largest are meant, else the smallest. Default: ``True``.
        method: ``"basic"`` or ``"ortho"``; accepted, there is one method.
        tracker: not supported.
        ortho_iparams, ortho_fparams, ortho_bparams: accepted and ignored.

    Returns:
        Eigenvalues (*, k), from the outermost on, and eigenvectors (*, m, k).

    Raises:
        ValueError: the shapes do not fit.

    Source: Knyazev, "Toward the optimal preconditioned eigensolver", SIAM J. Sci. Comput. 2001

    Example:
        >>> import plait
        >>> plait.lobpcg(plait.diag(plait.arange(1.0, 10.0)), k=1)[0].round(decimals=3)
        tensor([9.])
    """
    m = A.shape[-1]
    if A.dim() < 2 or A.shape[-2] != m:
        raise ArgumentError(f"lobpcg: expected square matrices, got shape {tuple(A.shape)}")
    k = (1 if X is None else X.shape[-1]) if k is None else k
    if not 0 < 3 * k <= m:
        raise ArgumentError(f"lobpcg: expected k of at most a third of {m} rows, got {k}")
    if tracker is not None:
        raise ArgumentError("lobpcg: expected no tracker, got one")
    largest = True if largest is None else largest
    if A.requires_grad or (B is not None and B.requires_grad):
        eye = A.new_ones(m).diag()
        return _ritz(eye.expand(A.shape), A, B, k, largest)
    size = k if n is None else max(n, k)
    X = randn(*A.shape[:-2], m, size, dtype=A.dtype, device=A.device) if X is None else X
    tol = math.sqrt(2.0**-23 if A.itemsize == 4 else 2.0**-52) if tol is None else tol
    steps = 1000 if niter is None else math.inf if niter < 0 else niter
    norm = A.norm(dim=(-2, -1)).unsqueeze(-1)
    S, P, count = qr(X)[0], None, 0
    while True:
        w, v = _ritz(S, A, B, X.shape[-1], largest)
        found = S @ v
        if P is not None:  # the part of the step that the old vectors do not have
            P = S[..., X.shape[-1] :] @ v[..., X.shape[-1] :, :]
        R = A @ found - (found if B is None else B @ found) * w.unsqueeze(-2)
        sizes = found.norm(dim=-2)
        done = R.norm(dim=-2) <= tol * sizes * (norm + w.abs())
        if count >= steps or bool(done[..., :k].all()):
            return w[..., :k], found[..., :k]
        count += 1
        W = R if iK is None else iK @ R
        S = qr(cat([found, W] if P is None else [found, W, P], -1))[0]
        P = W if P is None else P
