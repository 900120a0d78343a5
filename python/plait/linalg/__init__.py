# SPDX-License-Identifier: MIT
"""Linear algebra under ``torch.linalg``'s names. Matrices are the last two dimensions, all others a batch.

What has a kernel of its own comes from the core's op table (``_native``); the rest is composed of tensor operators.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from .._arguments import explains_arguments, takes_out
from .._core import ArgumentError, ArgumentIndexError, LinAlgError, Tensor, concatenate, dtype, matmul
from .._products import chain_matmul
from .._products import cross as _cross
from . import _native
from ._native import *  # noqa: F403
from ._native import inv, solve, svdvals

__all__ = [
    "LinAlgError",
    "cond",
    "cross",
    "diagonal",
    "matmul",
    "matrix_norm",
    "multi_dot",
    "norm",
    "tensorinv",
    "tensorsolve",
    "vander",
    "vecdot",
    "vector_norm",
]
__all__ += _native.__all__


@explains_arguments
@takes_out
def vector_norm(
    x: Tensor,
    ord: float = 2,
    dim: int | Sequence[int] | None = None,
    keepdim: bool = False,
    *,
    dtype: dtype | None = None,
) -> Tensor:
    """``sum(|x|**ord)**(1 / ord)`` over ``dim``; the largest or smallest ``|x|`` for ``ord=inf`` and ``-inf``.

    Args:
        x: any shape, floating point.
        ord: the order; 0 counts the elements that are not 0. Default: 2.
        dim: one or several dimensions. Default: all.
        keepdim: whether they stay, with size 1. Default: ``False``.
        dtype: compute in this dtype. Default: that of ``x``.
        out: takes the result. Default: a new tensor.

    Returns:
        The shape of ``x`` without ``dim``.

    Example:
        >>> import plait
        >>> plait.linalg.vector_norm(plait.tensor([3.0, 4.0]))
        tensor(5.)
    """
    return x.norm(ord, dim, keepdim, dtype=dtype)


def _matrix_dims(name: str, A: Tensor, dim: Sequence[int]) -> tuple[int, int]:
    """The dimensions of rows and columns, from 0."""
    if A.dim() < 2:
        raise ArgumentError(f"{name}: expected at least 2 dimensions, got shape {tuple(A.shape)}")
    if len(dim) != 2:
        raise ArgumentError(f"{name}: expected two dimensions, got dim={tuple(dim)}")
    if not all(-A.dim() <= d < A.dim() for d in dim):
        raise ArgumentIndexError(f"{name}: expected dimensions of shape {tuple(A.shape)}, got dim={tuple(dim)}")
    rows, columns = (d % A.dim() for d in dim)
    if rows == columns:
        raise ArgumentError(f"{name}: expected two different dimensions, got dim={tuple(dim)}")
    return rows, columns


@explains_arguments
@takes_out
def matrix_norm(
    A: Tensor,
    ord: float | str = "fro",
    dim: Sequence[int] = (-2, -1),
    keepdim: bool = False,
    *,
    dtype: dtype | None = None,
) -> Tensor:
    """A norm of the matrices in two dimensions of ``A``.

    Args:
        A: (*, m, n), floating point.
        ord: ``"fro"`` (root of the sum of squares), ``"nuc"`` (sum of the singular values), ``2`` or ``-2`` (largest
            or smallest singular value), ``1`` or ``-1`` (largest or smallest column sum of ``|A|``), ``inf`` or
            ``-inf`` (row sum). Default: ``"fro"``.
        dim: the dimensions of rows and columns. Default: the last two.
        keepdim: whether they stay, with size 1. Default: ``False``.
        dtype: compute in this dtype. Default: that of ``A``.
        out: takes the result. Default: a new tensor.

    Raises:
        ValueError: for other orders.

    Example:
        >>> import plait
        >>> plait.linalg.matrix_norm(plait.ones(2, 2), ord=1)
        tensor(2.)
    """
    rows, columns = _matrix_dims("matrix_norm", A, dim)
    if ord == "fro":
        return vector_norm(A, 2, (rows, columns), keepdim, dtype=dtype)
    if ord in ("nuc", 2, -2):
        values = svdvals((A if dtype is None else A.to(dtype)).movedim((rows, columns), (-2, -1)))
        result = values.sum(-1) if ord == "nuc" else values.amax(-1) if ord == 2 else values.amin(-1)
        return result.unsqueeze(min(rows, columns)).unsqueeze(max(rows, columns)) if keepdim else result
    if ord not in (1, -1, math.inf, -math.inf):
        raise ArgumentError(f"matrix_norm: expected ord 'fro', 'nuc', 1, -1, 2, -2, inf or -inf, got {ord!r}")
    summed, kept = (rows, columns) if abs(float(ord)) == 1 else (columns, rows)
    sums = vector_norm(A, 1, summed, True, dtype=dtype)
    result = sums.amax(kept, True) if float(ord) > 0 else sums.amin(kept, True)
    return result if keepdim else result.squeeze((rows, columns))


@explains_arguments
@takes_out
def norm(
    A: Tensor,
    ord: float | str | None = None,
    dim: int | Sequence[int] | None = None,
    keepdim: bool = False,
    *,
    dtype: dtype | None = None,
) -> Tensor:
    """:func:`matrix_norm` where ``ord`` is given and two dimensions are meant, else :func:`vector_norm`.

    Raises:
        ValueError: a norm that does not go with the number of dimensions.

    Example:
        >>> import plait
        >>> plait.linalg.norm(plait.tensor([[3.0, 0.0], [0.0, 4.0]]))
        tensor(5.)
    """
    dims = dim if isinstance(dim, int) or dim is None else tuple(dim)
    two = (isinstance(dims, tuple) and len(dims) == 2) or (dims is None and A.dim() == 2)
    if ord is not None and two:
        pair = (dims[0], dims[1]) if isinstance(dims, tuple) else (-2, -1)
        return matrix_norm(A, ord, pair, keepdim, dtype=dtype)
    if isinstance(ord, str):
        raise ArgumentError(f"norm: ord={ord!r} is a norm of matrices, got shape {tuple(A.shape)} and dim={dim}")
    return vector_norm(A, 2 if ord is None else ord, dim, keepdim, dtype=dtype)


@explains_arguments
@takes_out
def cross(input: Tensor, other: Tensor, *, dim: int = -1) -> Tensor:
    """The vector product of two tensors of 3 elements along ``dim``; see :func:`plait.cross`.

    Raises:
        ValueError: another size along ``dim``, or different numbers of dimensions.

    Example:
        >>> import plait
        >>> plait.linalg.cross(plait.tensor([1.0, 0.0, 0.0]), plait.tensor([0.0, 1.0, 0.0]))
        tensor([0., 0., 1.])
    """
    if input.dim() != other.dim():
        raise ArgumentError(
            f"cross: expected as many dimensions of both tensors, got shapes {tuple(input.shape)} and "
            f"{tuple(other.shape)}"
        )
    if -input.dim() <= dim < input.dim() and other.shape[dim] != 3:
        raise ArgumentError(
            f"cross: expected size 3 in dim {dim}, got shapes {tuple(input.shape)} and {tuple(other.shape)}"
        )
    return _cross(input, other, dim=dim)


@explains_arguments
@takes_out
def vecdot(x: Tensor, y: Tensor, *, dim: int = -1) -> Tensor:
    """``sum(conj(x) * y)`` along ``dim``, after broadcasting.

    Args:
        x, y: any shapes that broadcast.
        dim: Default: the last.
        out: takes the result. Default: a new tensor.

    Returns:
        The shape that the two broadcast to, without ``dim``.

    Example:
        >>> import plait
        >>> plait.linalg.vecdot(plait.tensor([1.0, 2.0]), plait.tensor([3.0, 4.0]))
        tensor(11.)
    """
    return (x.conj() * y).sum(dim)


@explains_arguments
@takes_out
def multi_dot(tensors: Sequence[Tensor]) -> Tensor:
    """The product of a chain of matrices, in the order that takes fewest multiplications.

    Args:
        tensors: at least two matrices; the first and the last may be vectors.
        out: takes the result. Default: a new tensor.

    Example:
        >>> import plait
        >>> plait.linalg.multi_dot([plait.ones(2, 3), plait.ones(3, 4), plait.ones(4, 1)]).shape
        plait.Size([2, 1])
    """
    return chain_matmul(*tensors)


@explains_arguments
@takes_out
def cond(A: Tensor, p: float | str | None = None) -> Tensor:
    """The condition number of matrices: a norm of the matrix times that of its inverse.

    Args:
        A: (*, m, n), floating point; square unless ``p`` is ``None``, ``2`` or ``-2``.
        p: an order of :func:`matrix_norm`. Default: 2, the ratio of the largest and the smallest singular value.
        out: takes the result. Default: a new tensor.

    Returns:
        (*); infinity for singular matrices.

    Raises:
        ValueError: matrices that are not square, where they have to be.

    Example:
        >>> import plait
        >>> plait.linalg.cond(plait.tensor([[4.0, 0.0], [0.0, 1.0]]))
        tensor(4.)
    """
    _matrix_dims("cond", A, (-2, -1))
    if p is None or p in (2, -2):
        values = svdvals(A)
        if values.shape[-1] == 0:
            return values.new_zeros(values.shape[:-1])
        return values[..., -1] / values[..., 0] if p == -2 else values[..., 0] / values[..., -1]
    if A.shape[-1] != A.shape[-2]:
        raise ArgumentError(f"cond: expected square matrices for p={p!r}, got shape {tuple(A.shape)}")
    if A.numel() == 0:
        return A.new_zeros(A.shape[:-2])
    inverse, info = _native.inv_ex(A)
    result = matrix_norm(A, p) * matrix_norm(inverse.masked_fill((info != 0)[..., None, None], 0.0), p)
    return result.masked_fill(info != 0, math.inf)


@explains_arguments
def diagonal(A: Tensor, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """A view of the diagonals of matrices.

    Args:
        A: (*, m, n).
        offset: which one: above the main one if positive. Default: 0.
        dim1: the dimension of rows. Default: -2.
        dim2: the dimension of columns. Default: -1.

    Example:
        >>> import plait
        >>> plait.linalg.diagonal(plait.tensor([[1.0, 2.0], [3.0, 4.0]]))
        tensor([1., 4.])
    """
    return A.diagonal(offset, dim1, dim2)


@explains_arguments
def vander(x: Tensor, *, N: int | None = None) -> Tensor:
    """The Vandermonde matrix of vectors: column ``k`` is ``x**k``.

    Args:
        x: (*, n).
        N: the number of columns, at least 2. Default: n.

    Returns:
        (*, n, N).

    Raises:
        ValueError: no dimension and no ``N``, or ``N`` is below 2.

    Example:
        >>> import plait
        >>> plait.linalg.vander(plait.tensor([2, 3]), N=3)
        tensor([[1, 2, 4],
                [1, 3, 9]])
    """
    if x.dim() == 0 and N is None:
        raise ArgumentError("vander: expected at least 1 dimension, or N, got shape ()")
    if N is not None and N <= 1:
        raise ArgumentError(f"vander: expected N to be at least 2, got {N}")
    x = x.reshape(1) if x.dim() == 0 else x
    columns = x.shape[-1] if N is None else N
    powers = x.unsqueeze(-1).expand(*x.shape, max(columns - 1, 0)).cumprod(-1)
    return concatenate((x.new_ones((*x.shape, min(columns, 1)), dtype=powers.dtype), powers), -1)


@explains_arguments
@takes_out
def tensorinv(A: Tensor, ind: int = 2) -> Tensor:
    """The inverse of the map that :func:`plait.tensordot` with ``A`` is.

    Args:
        A: a tensor whose first ``ind`` sizes multiply to the product of the others.
        ind: how many dimensions are rows. Default: 2.
        out: takes the result. Default: a new tensor.

    Returns:
        The shape ``A.shape[ind:] + A.shape[:ind]``.

    Raises:
        LinAlgError: the map is singular.
        ValueError: the sizes do not fit, or ``ind`` is not positive.

    Example:
        >>> import plait
        >>> plait.linalg.tensorinv(plait.eye(4).reshape(2, 2, 2, 2)).shape
        plait.Size([2, 2, 2, 2])
    """
    if ind <= 0:
        raise ArgumentError(f"tensorinv: expected ind to be positive, got {ind}")
    rows, columns = A.shape[:ind], A.shape[ind:]
    if math.prod(rows) != math.prod(columns):
        raise ArgumentError(
            f"tensorinv: expected the first {ind} sizes to multiply to the product of the others, got shape "
            f"{tuple(A.shape)}"
        )
    return inv(A.reshape(math.prod(rows), math.prod(columns))).reshape(*columns, *rows)


@explains_arguments
@takes_out
def tensorsolve(A: Tensor, B: Tensor, dims: Sequence[int] | None = None) -> Tensor:
    """The solution ``X`` of ``tensordot(A, X, X.dim()) == B``.

    Args:
        A: a tensor whose first sizes are those of ``B`` and whose others multiply to as much.
        B: the right side.
        dims: dimensions of ``A`` that are moved to its end first. Default: none.
        out: takes the result. Default: a new tensor.

    Returns:
        The shape ``A.shape[B.dim():]``, after moving.

    Raises:
        LinAlgError: the map is singular.
        ValueError: the sizes do not fit.

    Example:
        >>> import plait
        >>> plait.linalg.tensorsolve(plait.eye(4).reshape(2, 2, 4), plait.ones(2, 2))
        tensor([1., 1., 1., 1.])
    """
    if dims is not None:
        A = A.movedim(tuple(dims), tuple(range(A.dim() - len(dims), A.dim())))
    result = A.shape[B.dim() :]
    if math.prod(result) != math.prod(A.shape[: B.dim()]) or math.prod(result) != B.numel():
        raise ArgumentError(
            f"tensorsolve: expected sizes of A that multiply to those of B twice, got shapes {tuple(A.shape)} and "
            f"{tuple(B.shape)}"
        )
    return solve(A.reshape(-1, math.prod(result)), B.reshape(-1)).reshape(result)
