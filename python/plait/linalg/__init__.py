# SPDX-License-Identifier: MIT
"""Norms and products under ``linalg``'s names."""

from __future__ import annotations

import math
from collections.abc import Sequence

from .._arguments import explains_arguments
from .._core import ArgumentError, Tensor, dtype, matmul
from .._products import chain_matmul
from .._products import cross as _cross

__all__ = ["cross", "matmul", "matrix_norm", "multi_dot", "norm", "vecdot", "vector_norm"]


@explains_arguments
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

    Returns:
        The shape of ``x`` without ``dim``.

    Example:
        >>> import plait
        >>> plait.linalg.vector_norm(plait.tensor([3.0, 4.0]))
        tensor(5.)
    """
    return x.norm(ord, dim, keepdim, dtype=dtype)


@explains_arguments
def matrix_norm(
    A: Tensor,
    ord: float | str = "fro",
    dim: tuple[int, int] = (-2, -1),
    keepdim: bool = False,
    *,
    dtype: dtype | None = None,
) -> Tensor:
    """A norm of the matrices in two dimensions of ``A``.

    Args:
        A: (*, m, n), floating point.
        ord: ``"fro"`` (root of the sum of squares), ``1`` or ``-1`` (largest or smallest column sum of ``|A|``),
            ``inf`` or ``-inf`` (row sum). Default: ``"fro"``.
        dim: the dimensions of rows and columns. Default: the last two.
        keepdim: whether they stay, with size 1. Default: ``False``.
        dtype: compute in this dtype. Default: that of ``A``.

    Raises:
        ValueError: for other orders, which need singular values.

    Example:
        >>> import plait
        >>> plait.linalg.matrix_norm(plait.ones(2, 2), ord=1)
        tensor(2.)
    """
    if ord == "fro":
        return vector_norm(A, 2, dim, keepdim, dtype=dtype)
    if ord not in (1, -1, math.inf, -math.inf):
        raise ArgumentError(f"matrix_norm: expected ord 'fro', 1, -1, inf or -inf, got {ord!r}")
    rows, columns = (d % A.dim() for d in dim)
    summed, kept = (rows, columns) if abs(ord) == 1 else (columns, rows)
    sums = vector_norm(A, 1, summed, True, dtype=dtype)
    result = sums.amax(kept, True) if ord > 0 else sums.amin(kept, True)
    return result if keepdim else result.squeeze((rows, columns))


@explains_arguments
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
def cross(input: Tensor, other: Tensor, *, dim: int = -1) -> Tensor:
    """The vector product of two tensors of 3 elements along ``dim``; see :func:`plait.cross`.

    Example:
        >>> import plait
        >>> plait.linalg.cross(plait.tensor([1.0, 0.0, 0.0]), plait.tensor([0.0, 1.0, 0.0]))
        tensor([0., 0., 1.])
    """
    return _cross(input, other, dim=dim)


@explains_arguments
def vecdot(x: Tensor, y: Tensor, *, dim: int = -1) -> Tensor:
    """``sum(x * y)`` along ``dim``, after broadcasting.

    Returns:
        The shape that the two broadcast to, without ``dim``.

    Example:
        >>> import plait
        >>> plait.linalg.vecdot(plait.tensor([1.0, 2.0]), plait.tensor([3.0, 4.0]))
        tensor(11.)
    """
    return (x * y).sum(dim)


@explains_arguments
def multi_dot(tensors: Sequence[Tensor]) -> Tensor:
    """The product of a chain of matrices, in the order that takes fewest multiplications.

    Args:
        tensors: at least two matrices; the first and the last may be vectors.

    Example:
        >>> import plait
        >>> plait.linalg.multi_dot([plait.ones(2, 3), plait.ones(3, 4), plait.ones(4, 1)]).shape
        plait.Size([2, 1])
    """
    return chain_matmul(*tensors)
