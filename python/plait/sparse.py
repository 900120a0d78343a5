# SPDX-License-Identifier: MIT
"""Functions of sparse tensors; see :func:`plait.sparse_coo_tensor` and :func:`plait.sparse_csr_tensor`."""

from __future__ import annotations

from typing import Any

from . import _core, _sparse, _sparse_ops
from ._core import ArgumentError, ArgumentTypeError, Tensor
from ._sparse import check_sparse_tensor_invariants

__all__ = [
    "BFloat16Tensor",
    "ByteTensor",
    "CharTensor",
    "DoubleTensor",
    "FloatTensor",
    "HalfTensor",
    "IntTensor",
    "LongTensor",
    "ShortTensor",
    "addmm",
    "check_sparse_tensor_invariants",
    "log_softmax",
    "mm",
    "sampled_addmm",
    "softmax",
    "spdiags",
    "sum",
]


def _check(op: str, t: Any) -> Any:
    if not isinstance(t, _sparse.SparseTensor):
        raise ArgumentTypeError(f"{op}: expected a sparse tensor, got {type(t).__name__}\nhint: use to_sparse()")
    return t


def mm(mat1: Tensor, mat2: Tensor, reduce: str = "sum") -> Tensor:
    """The product of two matrices, one or both of them sparse; sparse when both are.

    Args:
        mat1: (n, k).
        mat2: (k, m).
        reduce: what becomes of the products of a row: "sum", or with a dense ``mat2`` "mean", "amax" or "amin" of
            those that there are. Default: "sum".

    Returns:
        (n, m).

    Raises:
        ValueError: shapes that do not fit, another ``reduce``.
        TypeError: no sparse matrix, or different dtypes.

    Example:
        >>> a = plait.sparse_coo_tensor([[0, 1], [1, 0]], [2.0, 3.0], (2, 2))
        >>> plait.sparse.mm(a, plait.ones(2, 2))
        tensor([[2., 2.],
                [3., 3.]])
    """
    if not isinstance(mat2, _sparse.SparseTensor):
        _check("sparse.mm", mat1)
    if reduce == "sum":
        return mat1 @ mat2
    if reduce not in ("mean", "amax", "amin"):
        raise ArgumentError(f"sparse.mm: expected reduce 'sum', 'mean', 'amax' or 'amin', got {reduce!r}")
    if isinstance(mat2, _sparse.SparseTensor):
        raise ArgumentTypeError(f"sparse.mm: expected a dense mat2 with reduce={reduce!r}, got a sparse one")
    return _sparse_ops.reduced_mm(mat1, mat2, reduce)


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
    return _sparse_ops.call(addmm, (mat, _check("sparse.addmm", mat1), mat2), {"beta": beta, "alpha": alpha})


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
    return _sparse_ops.call(sum, (_check("sparse.sum", input), dim), {"dtype": dtype})


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
    return _sparse_ops.call(softmax, (_check("sparse.softmax", input), dim), {"dtype": dtype})


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
    return _sparse_ops.call(log_softmax, (_check("sparse.log_softmax", input), dim), {"dtype": dtype})


def sampled_addmm(
    input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: float = 1.0, alpha: float = 1.0, out: Tensor | None = None
) -> Tensor:
    """``beta * input + alpha * (mat1 @ mat2)`` at the entries of ``input`` alone.

    Args:
        input: (n, m), sparse in CSR.
        mat1: (n, k), dense.
        mat2: (k, m), dense.
        beta: factor of ``input``. Default: 1.
        alpha: factor of the product. Default: 1.
        out: a sparse tensor in CSR that becomes the result.

    Returns:
        A tensor in CSR with the places of ``input``.

    Raises:
        ValueError: shapes that do not fit.
        TypeError: ``input`` is not in CSR.

    Example:
        >>> a = plait.sparse_csr_tensor([0, 1, 1], [1], [5.0], (2, 2))
        >>> plait.sparse.sampled_addmm(a, plait.ones(2, 3), plait.ones(3, 2)).values()
        tensor([8.])
    """
    if _check("sparse.sampled_addmm", input).layout != "sparse_csr":
        raise ArgumentTypeError(
            f"sparse.sampled_addmm: expected input in CSR, got {input.layout}\nhint: to_sparse_csr()"
        )
    if mat1.dim() != 2 or mat2.dim() != 2 or tuple(input.shape) != (mat1.shape[0], mat2.shape[1]):
        raise ArgumentError(
            "sparse.sampled_addmm: expected shapes (n, m), (n, k) and (k, m), got "
            f"{tuple(input.shape)}, {tuple(mat1.shape)} and {tuple(mat2.shape)}"
        )
    t: Any = input
    values = _core._ops._csr_sampled(mat1, mat2.t(), t.crow_indices(), t.col_indices())
    values = values if alpha == 1 else values * alpha
    if beta != 0:
        values = values + (t._values() if beta == 1 else t._values() * beta)
    result = t._with(values)
    return result if out is None else out._replace(result)


def spdiags(diagonals: Tensor, offsets: Tensor, shape: tuple[int, int], layout: Any = None) -> Tensor:
    """A sparse matrix of diagonals: element (j - offset, j) is ``diagonals[i, j]`` for the i-th offset.

    Args:
        diagonals: (n, length), or (length) for a single one.
        offsets: (n), integers that differ; above 0 for diagonals above the main one.
        shape: (rows, columns).
        layout: ``plait.sparse_coo`` or ``plait.sparse_csr``. Default: COO.

    Returns:
        A sparse matrix.

    Raises:
        ValueError: shapes that do not fit, an offset twice.

    Example:
        >>> plait.sparse.spdiags(plait.tensor([1.0, 2.0]), plait.tensor([1]), (2, 2)).to_dense()
        tensor([[0., 2.],
                [0., 0.]])
    """
    rows, columns = shape
    values = diagonals.unsqueeze(0) if diagonals.dim() == 1 else diagonals
    at = offsets.reshape(-1).to(_core.int64)
    if values.dim() != 2 or offsets.dim() > 1 or at.shape[0] != values.shape[0]:
        raise ArgumentError(
            "spdiags: expected diagonals (n, length) and offsets (n), got shapes "
            f"{tuple(diagonals.shape)} and {tuple(offsets.shape)}"
        )
    if at.unique().shape[0] != at.shape[0]:
        raise ArgumentError(f"spdiags: expected offsets that differ, got {at.tolist()}")
    column = _core.arange(min(values.shape[1], columns)).expand(at.shape[0], -1)
    row = column - at.unsqueeze(1)
    inside = (row >= 0) & (row < rows)
    entries = values[:, : column.shape[1]][inside]
    result = _sparse.coo(_core.stack([row[inside], column[inside]]), entries, [rows, columns])
    return result.to_sparse(layout=layout)


def _typed(name: str, dtype: Any) -> type:
    """An old constructor."""
    doc = f"""``{name}(indices, values, size)``: see :func:`plait.sparse_coo_tensor`; the form of old programs.

    Example:
        >>> plait.sparse.{name}(plait.tensor([[1]]), plait.ones(1), plait.Size([2])).dtype
        {dtype}
    """

    def new(cls: Any, indices: Any = None, values: Any = None, size: Any = None) -> Tensor:
        if values is None:
            return _sparse.sparse_coo_tensor(size=() if indices is None else indices, dtype=dtype)
        return _sparse.sparse_coo_tensor(indices, values, size, dtype=dtype)

    return type(name, (), {"__new__": new, "__doc__": doc, "__module__": __name__})


BFloat16Tensor = _typed("BFloat16Tensor", _core.bfloat16)
ByteTensor = _typed("ByteTensor", _core.uint8)
CharTensor = _typed("CharTensor", _core.int8)
DoubleTensor = _typed("DoubleTensor", _core.float64)
FloatTensor = _typed("FloatTensor", _core.float32)
HalfTensor = _typed("HalfTensor", _core.float16)
IntTensor = _typed("IntTensor", _core.int32)
LongTensor = _typed("LongTensor", _core.int64)
ShortTensor = _typed("ShortTensor", _core.int16)
