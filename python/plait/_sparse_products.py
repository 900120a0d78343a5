# SPDX-License-Identifier: MIT
"""Older names of products with a sparse matrix; see :mod:`plait.sparse`."""

from __future__ import annotations

from typing import Any

from . import sparse
from ._core import ArgumentTypeError, Tensor
from ._sparse import layout_of, sparse_csr_tensor, to_coo

__all__ = ["dsmm", "hspmm", "saddmm", "smm", "sparse_compressed_tensor", "spmm", "sspaddmm"]


def spmm(input: Tensor, mat2: Tensor) -> Tensor:
    """``input @ mat2`` for a sparse ``input``: the same as :func:`plait.sparse.mm`.

    Args:
        input: (n, k), sparse.
        mat2: (k, m).

    Returns:
        (n, m).

    Example:
        >>> plait.spmm(plait.eye(2).to_sparse(), plait.ones(2, 1))
        tensor([[1.],
                [1.]])
    """
    return sparse.mm(input, mat2)


def dsmm(input: Tensor, mat2: Tensor) -> Tensor:
    """The same as :func:`spmm`.

    Args:
        input: (n, k), sparse.
        mat2: (k, m).

    Example:
        >>> plait.dsmm(plait.eye(1).to_sparse(), plait.ones(1, 1))
        tensor([[1.]])
    """
    return sparse.mm(input, mat2)


def smm(input: Tensor, mat2: Tensor) -> Tensor:
    """:func:`spmm` with a sparse result.

    Args:
        input: (n, k), sparse.
        mat2: (k, m).

    Returns:
        (n, m), sparse in COO.

    Example:
        >>> plait.smm(plait.eye(2).to_sparse(), plait.ones(2, 1)).is_sparse
        True
    """
    return sparse.mm(input, mat2).to_sparse()


def hspmm(mat1: Tensor, mat2: Tensor) -> Tensor:
    """:func:`spmm` with a result whose rows are sparse and whose columns are dense.

    Args:
        mat1: (n, k), sparse.
        mat2: (k, m), dense.

    Returns:
        (n, m), in COO with one sparse dimension.

    Example:
        >>> plait.hspmm(plait.eye(2).to_sparse(), plait.ones(2, 3)).values().shape
        plait.Size([2, 3])
    """
    return sparse.mm(mat1, mat2).to_sparse(1)


def saddmm(input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """The same as :func:`plait.sparse.addmm`.

    Args:
        input: (n, m).
        mat1: (n, k), sparse.
        mat2: (k, m).
        beta: factor of ``input``. Default: 1.
        alpha: factor of the product. Default: 1.

    Example:
        >>> plait.saddmm(plait.ones(1, 1), plait.eye(1).to_sparse(), plait.ones(1, 1))
        tensor([[2.]])
    """
    return sparse.addmm(input, mat1, mat2, beta=beta, alpha=alpha)


def sspaddmm(input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """``beta * input + alpha * (mat1 @ mat2)`` as a sparse tensor.

    Args:
        input: (n, m), sparse.
        mat1: (n, k), sparse.
        mat2: (k, m).
        beta: factor of ``input``. Default: 1.
        alpha: factor of the product. Default: 1.

    Returns:
        (n, m), sparse in COO.

    Example:
        >>> one = plait.eye(1).to_sparse()
        >>> plait.sspaddmm(one, one, plait.ones(1, 1)).values()
        tensor([2.])
    """
    return to_coo(sparse._check("sspaddmm", input)) * beta + to_coo(sparse.mm(mat1, mat2)) * alpha


def sparse_compressed_tensor(
    compressed_indices: Any, plain_indices: Any, values: Any, size: Any = None, *, layout: Any = None, **options: Any
) -> Tensor:
    """:func:`plait.sparse_csr_tensor` under the name for all compressed layouts, of which CSR is there.

    Args:
        compressed_indices: where each row begins, and where the last ends.
        plain_indices: the column of each entry.
        values: the value of each entry.
        size: (rows, columns). Default: the smallest.
        layout: ``plait.sparse_csr``.
        options: as there.

    Raises:
        NotImplementedError: another layout.

    Example:
        >>> plait.sparse_compressed_tensor([0, 1], [0], [2.0], layout=plait.sparse_csr).to_dense()
        tensor([[2.]])
    """
    if layout is None or layout_of("sparse_compressed_tensor", layout) != "csr":
        raise ArgumentTypeError(f"sparse_compressed_tensor: expected layout plait.sparse_csr, got {layout}")
    return sparse_csr_tensor(compressed_indices, plain_indices, values, size, **options)
