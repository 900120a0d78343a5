# SPDX-License-Identifier: MIT
"""Similarities and distances as modules."""

from __future__ import annotations

from ..._core import Tensor
from .. import functional as F
from ._arguments import NonNegativeReal, checks_arguments
from .module import Module

__all__ = ["CosineSimilarity", "PairwiseDistance"]


class CosineSimilarity(Module):
    """The cosine of the angle between vectors along ``dim``.

    Args:
        dim: Default: 1.
        eps: smallest norm. Default: 1e-8.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.CosineSimilarity(dim=0)(plait.tensor([1.0, 0.0]), plait.tensor([1.0, 1.0]))
        tensor(0.7071)
    """

    @checks_arguments
    def __init__(self, dim: int = 1, eps: NonNegativeReal = 1e-8) -> None:
        super().__init__()
        self.dim = dim
        self.eps = eps

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        return F.cosine_similarity(x1, x2, self.dim, self.eps)


class PairwiseDistance(Module):
    """``norm(x1 - x2 + eps, p)`` along the last dimension.

    Args:
        p: order of the norm. Default: 2.
        eps: added to every difference. Default: 1e-6.
        keepdim: whether the last dimension stays, with size 1. Default: ``False``.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.PairwiseDistance()(plait.tensor([[3.0, 0.0]]), plait.tensor([[0.0, 4.0]]))
        tensor([5.])
    """

    @checks_arguments
    def __init__(self, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> None:
        super().__init__()
        self.norm = p
        self.eps = eps
        self.keepdim = keepdim

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        return F.pairwise_distance(x1, x2, self.norm, self.eps, self.keepdim)
