# SPDX-License-Identifier: MIT
"""Products and distances that are composed of other operators, or take more than tensors and numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from . import _core
from ._arguments import explains_arguments
from ._autocast import float32_in_autocast
from ._core import ArgumentError, ArgumentTypeError, Tensor, _ops, broadcast_tensors

__all__ = ["cdist", "chain_matmul", "cross", "einsum", "tensordot"]

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def einsum(*args: Any) -> Tensor:
    """Sums of products of tensors over named dimensions.

    Args:
        args: an equation such as ``"bij,bjk->bik"`` and one tensor per term (or one list of them). Every letter
            names a dimension; letters that the result lacks are summed over; a letter that occurs twice in a term
            takes the diagonal; ``...`` stands for dimensions that broadcast. Without ``->`` the result has, after
            the dimensions of ``...``, the letters that occur once, in alphabetical order (capitals first).
            Alternatively tensors and lists of dimension numbers in turn, ``einsum(a, [0, 1], b, [1, 2], [0, 2])``,
            where ``Ellipsis`` may stand in a list.

    Returns:
        The contracted tensor. Sums are matrix products; three and more operands are contracted pairwise, those
        first that save most memory.

    Raises:
        ValueError: if the equation cannot be read or does not fit the shapes.
        TypeError: if tensors that are multiplied and summed have different dtypes; products alone promote them.

    Example:
        >>> import plait
        >>> plait.einsum("ij,ij->i", plait.ones(2, 3), plait.ones(2, 3))
        tensor([3., 3.])
    """
    if _core._has_torch_function(args):
        return _core._call_taken_over(einsum, args, {})
    if args and isinstance(args[0], str):
        operands = args[1:]
        if len(operands) == 1 and isinstance(operands[0], (list, tuple)):
            operands = tuple(operands[0])
        return _ops._einsum(args[0], list(operands))
    if len(args) < 2:
        raise ArgumentError("einsum: expected an equation and its operands, or tensors and lists of dimensions in turn")
    if not isinstance(args[0], Tensor):
        raise ArgumentTypeError(f"einsum: expected an equation or a Tensor first, got {type(args[0]).__name__}")
    terms = [_term(labels) for labels in args[1::2]]
    equation = ",".join(terms)
    if len(args) % 2:
        equation += "->" + _term(args[-1])
    return _ops._einsum(equation, list(args[: len(args) // 2 * 2 : 2]))


def _term(labels: Sequence[Any]) -> str:
    text = ""
    for label in labels:
        if label is Ellipsis:
            text += "..."
        elif 0 <= label < len(_LETTERS):
            text += _LETTERS[label]
        else:
            raise ArgumentError(f"einsum: expected dimension numbers from 0 to {len(_LETTERS) - 1}, got {label}")
    return text


@explains_arguments
def tensordot(a: Tensor, b: Tensor, dims: int | Sequence[Sequence[int]] | Tensor = 2) -> Tensor:
    """Sum products of two tensors over pairs of dimensions.

    Args:
        a: any tensor.
        b: a tensor of the same dtype.
        dims: how many of the last dimensions of ``a`` meet as many first ones of ``b``, or two lists: the
            dimensions of ``a`` and those of ``b`` that they meet. A dimension of size 1 meets one of any size.

    Returns:
        The other dimensions of ``a`` followed by those of ``b``.

    Raises:
        ValueError: if dimensions that meet have different sizes.

    Example:
        >>> import plait
        >>> plait.tensordot(plait.ones(2, 3, 4), plait.ones(4, 3, 5), dims=([1, 2], [1, 0])).shape
        plait.Size([2, 5])
    """
    if isinstance(dims, Tensor):
        dims = dims.tolist()
    if isinstance(dims, int):
        if dims < 0 or dims > min(a.dim(), b.dim()):
            raise ArgumentError(
                f"tensordot: expected dims from 0 to {min(a.dim(), b.dim())} for shapes {tuple(a.shape)} and "
                f"{tuple(b.shape)}, got {dims}"
            )
        return _ops._tensordot(a, b, list(range(a.dim() - dims, a.dim())), list(range(dims)))
    dims_a, dims_b = ([d] if isinstance(d, int) else list(d) for d in dims)
    for i, j in zip(dims_a, dims_b):  # a dimension of size 1 stands for as many as it meets
        if -a.dim() <= i < a.dim() and -b.dim() <= j < b.dim() and a.shape[i] != b.shape[j]:
            a = a.sum(i, keepdim=True) if b.shape[j] == 1 else a
            b = b.sum(j, keepdim=True) if a.shape[i] == 1 else b
    return _ops._tensordot(a, b, dims_a, dims_b)


def chain_matmul(*matrices: Tensor) -> Tensor:
    """The product of several matrices, in the order that needs the fewest multiplications.

    Args:
        matrices: matrices of shapes (a, b), (b, c), (c, d), ...; the first and last may be vectors.

    Returns:
        The product of all of them.

    Raises:
        ValueError: if neighbours cannot be multiplied.

    Example:
        >>> import plait
        >>> plait.chain_matmul(plait.ones(2, 3), plait.ones(3, 4), plait.ones(4, 5)).shape
        plait.Size([2, 5])
    """
    return _ops._multi_dot(list(matrices))


@explains_arguments
def cross(input: Tensor, other: Tensor, dim: int | None = None) -> Tensor:
    """The vector product of two tensors of 3 elements along ``dim``.

    Args:
        input: any shape with size 3 at ``dim``.
        other: broadcasts with ``input``.
        dim: Default: the first dimension of size 3.

    Raises:
        ValueError: if there is no such dimension.

    Example:
        >>> import plait
        >>> plait.cross(plait.tensor([1.0, 0.0, 0.0]), plait.tensor([0.0, 1.0, 0.0]))
        tensor([0., 0., 1.])
    """
    a, b = broadcast_tensors(input, other)
    if dim is None:
        dim = next((d for d, size in enumerate(a.shape) if size == 3), None)
    if dim is None or not -a.dim() <= dim < a.dim() or a.shape[dim] != 3:
        raise ArgumentError(f"cross: expected a dimension of size 3, got shape {tuple(a.shape)} and dim={dim}")
    return a.roll(-1, dim) * b.roll(-2, dim) - a.roll(-2, dim) * b.roll(-1, dim)


# Whether Euclidean distances come from a matrix product: PyTorch's modes. By default from 26 rows on.
_CDIST_MODES = {
    "use_mm_for_euclid_dist_if_necessary": lambda rows: rows > 25,
    "use_mm_for_euclid_dist": lambda rows: True,
    "donot_use_mm_for_euclid_dist": lambda rows: False,
}


@explains_arguments
@float32_in_autocast
def cdist(
    x1: Tensor, x2: Tensor, p: float = 2.0, compute_mode: str | None = "use_mm_for_euclid_dist_if_necessary"
) -> Tensor:
    """The p-norm distances between all rows of ``x1`` and all rows of ``x2``.

    Args:
        x1: (*, P, M), floating point.
        x2: (*, R, M); leading dimensions broadcast.
        p: order of the norm. Default: 2.
        compute_mode: for ``p=2``, ``"use_mm_for_euclid_dist"`` takes ``|a|^2 + |b|^2 - 2 a b``, many times
            faster for many rows and less exact for rows that nearly agree; ``"donot_use_mm_for_euclid_dist"``
            sums squared differences. Default: the first where ``P`` or ``R`` is above 25.

    Returns:
        A tensor (*, P, R).

    Raises:
        ValueError: if ``p`` is negative, ``compute_mode`` unknown or the shapes do not fit.

    Example:
        >>> import plait
        >>> plait.cdist(plait.zeros(1, 2), plait.tensor([[3.0, 4.0]]))
        tensor([[5.]])
    """
    if x1.is_complex() or x2.is_complex():
        raise ArgumentTypeError(f"cdist: expected real numbers, got {x1.dtype} and {x2.dtype}")
    if p < 0:
        raise ArgumentError(f"cdist: expected p >= 0, got {p}")
    if x1.dim() < 2 or x2.dim() < 2 or x1.shape[-1] != x2.shape[-1]:
        raise ArgumentError(
            f"cdist: expected (*, P, M) and (*, R, M), got shapes {tuple(x1.shape)} and {tuple(x2.shape)}"
        )
    uses_product = _CDIST_MODES.get(compute_mode or "use_mm_for_euclid_dist_if_necessary")
    if uses_product is None:
        raise ArgumentError(f"cdist: expected a compute_mode of {list(_CDIST_MODES)}, got {compute_mode!r}")
    if p == 2 and uses_product(max(x1.shape[-2], x2.shape[-2])):
        return _euclidean_by_product(x1, x2)
    return (x1.unsqueeze(-2) - x2.unsqueeze(-3)).norm(p, -1)


def _euclidean_by_product(x1: Tensor, x2: Tensor) -> Tensor:
    squares = (x1 * x1).sum(-1, keepdim=True) + (x2 * x2).sum(-1).unsqueeze(-2)
    squares = squares - 2 * (x1 @ x2.mT)
    if not squares.requires_grad:
        return squares.clamp_(min=0).sqrt_()
    # No gradient where the distance is 0, nor where rounding made its square negative.
    apart = squares > 0
    return squares.where(apart, 1).sqrt().where(apart, 0)
