# SPDX-License-Identifier: MIT
"""Similarities and distances between vectors."""

from __future__ import annotations

from ... import _core
from ..._core import ArgumentError, ArgumentTypeError, Tensor
from ._common import widened

__all__ = ["cosine_similarity", "pairwise_distance", "pdist"]


def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """``sum(x1 * x2) / (max(|x1|, eps) * max(|x2|, eps))`` along ``dim``.

    Args:
        x1: any shape, floating point.
        x2: broadcasts with ``x1``.
        dim: the dimension of the vectors. Default: 1.
        eps: smallest norm. Default: 1e-8.

    Example:
        >>> import plait
        >>> from plait.nn import functional as F
        >>> F.cosine_similarity(plait.tensor([1.0, 0.0]), plait.tensor([0.0, 2.0]), dim=0).item()
        0.0
    """
    if x1.is_complex() or x2.is_complex():
        raise ArgumentTypeError(f"cosine_similarity: expected real numbers, got {x1.dtype} and {x2.dtype}")
    a, b = widened(x1), widened(x2)  # 16-bit floats have no 1e-8
    if a.shape != b.shape:  # which may differ along dim too
        a, b = _core.broadcast_tensors(a, b)
    if not eps >= 0:
        raise ArgumentError(f"cosine_similarity: expected eps of at least 0, got {eps}")
    unit_a = a / a.norm(2, dim, keepdim=True).clamp_min(eps)
    unit_b = b / b.norm(2, dim, keepdim=True).clamp_min(eps)
    return (unit_a * unit_b).sum(dim).to(_core.promote_types(x1.dtype, x2.dtype))


def pairwise_distance(x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Tensor:
    """``norm(x1 - x2 + eps, p)`` along the last dimension.

    Args:
        x1: (N, D) or (D), floating point.
        x2: broadcasts with ``x1``.
        p: order of the norm. Default: 2.
        eps: added to every difference, so that the gradient exists everywhere. Default: 1e-6.
        keepdim: whether the last dimension stays, with size 1. Default: ``False``.

    Example:
        >>> import plait
        >>> from plait.nn import functional as F
        >>> F.pairwise_distance(plait.tensor([[3.0, 0.0]]), plait.tensor([[0.0, 4.0]]))
        tensor([5.])
    """
    return (x1 - x2 + eps).norm(p, -1, keepdim=keepdim)


def pdist(input: Tensor, p: float = 2.0) -> Tensor:
    """Distances between all pairs of rows, as a vector of length N * (N - 1) / 2.

    Args:
        input: (N, D), floating point.
        p: order of the norm. Default: 2.

    Raises:
        ValueError: if the input is not 2-D or ``p`` is negative.

    Example:
        >>> import plait
        >>> from plait.nn import functional as F
        >>> F.pdist(plait.tensor([[0.0, 0.0], [3.0, 4.0], [0.0, 1.0]]))
        tensor([5.0000, 1.0000, 4.2426])
    """
    if input.dim() != 2:
        raise ArgumentError(f"pdist: expected a 2-D input, got {tuple(input.shape)}")
    if p < 0:
        raise ArgumentError(f"pdist: expected p >= 0, got {p}")
    rows, columns = _core.triu_indices(input.shape[0], input.shape[0], 1)
    return (input[rows] - input[columns]).norm(p, -1)
