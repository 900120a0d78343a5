# SPDX-License-Identifier: MIT
"""Functions of sparse tensors; see :func:`plait.sparse_coo_tensor` and :func:`plait.sparse_csr_tensor`."""

from __future__ import annotations

from typing import Any

from . import _sparse
from ._core import ArgumentTypeError, Tensor

__all__ = ["addmm", "log_softmax", "mm", "softmax", "sum"]


def _check(op: str, t: Any) -> Any:
    if not isinstance(t, _sparse.SparseTensor):
        raise ArgumentTypeError(f"{op}: expected a sparse tensor, got {type(t).__name__}\nhint: use to_sparse()")
    return t


def mm(mat1: Tensor, mat2: Tensor) -> Tensor:
    """The product of two matrices, one or both of them sparse; sparse when both are.

    Args:
        mat1: (n, k).
        mat2: (k, m).

    Returns:
        (n, m).

    Raises:
        ValueError: shapes that do not fit.
        TypeError: no sparse matrix, or different dtypes.

    Example:
        >>> a = plait.sparse_coo_tensor([[0, 1], [1, 0]], [2.0, 3.0], (2, 2))
        >>> plait.sparse.mm(a, plait.ones(2, 2))
        tensor([[2., 2.],
                [3., 3.]])
    """
    if not isinstance(mat2, _sparse.SparseTensor):
        _check("sparse.mm", mat1)
    return mat1 @ mat2


def addmm(mat: Tensor, mat1: Tensor, mat2: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """``beta * mat + alpha * (mat1 @ mat2)`` for a sparse ``mat1``.

    Args:
        mat: (n, m).
        mat1: (n, k), sparse.
        mat2: (k, m).
        beta: factor of ``mat``. Default: 1.
        alpha: factor of the product. Default: 1.

    Returns:
        A dense tensor (n, m); sparse where all three are.

    Raises:
        TypeError: ``mat1`` is dense.

    Example:
        >>> a = plait.sparse_coo_tensor([[0], [1]], [2.0], (1, 2))
        >>> plait.sparse.addmm(plait.ones(1, 1), a, plait.ones(2, 1))
        tensor([[3.]])
    """
    return _sparse.call(addmm, (mat, _check("sparse.addmm", mat1), mat2), {"beta": beta, "alpha": alpha})


def sum(input: Tensor, dim: int | tuple[int, ...] | None = None, dtype: Any = None) -> Tensor:
    """The sum of a sparse tensor: of all elements a 0-d tensor, else sparse where a sparse dimension is left.

    Args:
        input: a sparse tensor.
        dim: what is summed over. Default: all dimensions.
        dtype: of the result. Default: that of ``input``.

    Returns:
        A tensor.

    Raises:
        TypeError: ``input`` is dense.

    Example:
        >>> a = plait.sparse_coo_tensor([[0, 1], [1, 0]], [2.0, 3.0], (2, 2))
        >>> plait.sparse.sum(a)
        tensor(5.)
    """
    return _sparse.call(sum, (_check("sparse.sum", input), dim), {"dtype": dtype})


def softmax(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """Softmax along a dimension over the entries of a sparse tensor; other elements stay 0.

    Args:
        input: a sparse tensor.
        dim: the dimension.
        dtype: of the result. Default: that of ``input``.

    Returns:
        A sparse tensor with the places of ``input``.

    Raises:
        TypeError: ``input`` is dense.

    Example:
        >>> a = plait.sparse_coo_tensor([[0, 0], [0, 2]], [1.0, 1.0], (1, 3))
        >>> plait.sparse.softmax(a, 1).to_dense()
        tensor([[0.5000, 0.0000, 0.5000]])
    """
    return _sparse.call(softmax, (_check("sparse.softmax", input), dim), {"dtype": dtype})


def log_softmax(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """The logarithm of :func:`softmax` at the entries.

    Args:
        input: a sparse tensor.
        dim: the dimension.
        dtype: of the result. Default: that of ``input``.

    Returns:
        A sparse tensor with the places of ``input``.

    Raises:
        TypeError: ``input`` is dense.

    Example:
        >>> a = plait.sparse_coo_tensor([[0, 0], [0, 2]], [1.0, 1.0], (1, 3))
        >>> plait.sparse.log_softmax(a, 1).values()
        tensor([-0.6931, -0.6931])
    """
    return _sparse.call(log_softmax, (_check("sparse.log_softmax", input), dim), {"dtype": dtype})
