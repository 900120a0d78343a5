# SPDX-License-Identifier: MIT
"""Look-up tables."""

from __future__ import annotations

from typing import Annotated, Any, Self, TypeAlias

from ... import _core
from ..._core import ArgumentError, Tensor
from ...autograd.grad_mode import no_grad
from .. import functional as F
from .. import init
from ..parameter import Parameter
from ._arguments import Choice, Count, checks_arguments
from .module import Module

__all__ = ["Embedding", "EmbeddingBag"]


def _padding_index(name: str, padding_idx: int | None, count: int) -> int | None:
    if padding_idx is None:
        return None
    if not -count <= padding_idx < count:
        raise ArgumentError(f"{name}: expected padding_idx within {-count}..{count - 1}, got {padding_idx}")
    return padding_idx % count


_Mode: TypeAlias = Annotated[str, Choice("sum", "mean", "max")]

# Arguments with these values are left out of the text form.
_USUAL = {"norm_type": 2.0, "scale_grad_by_freq": False, "sparse": False}


class _Table(Module):
    """The matrix, its initial values and its text form."""

    weight: Tensor
    _shown: tuple[str, ...]

    def _set_weight(self, count: int, width: int, weight: Tensor | None, freeze: bool, device: Any, dtype: Any) -> None:
        if weight is None:
            self.weight = Parameter(_core.empty(count, width, device=device, dtype=dtype), not freeze)
            self.reset_parameters()
        else:
            if tuple(weight.shape) != (count, width):
                raise ArgumentError(
                    f"{type(self).__name__}: expected weight of shape ({count}, {width}), got {tuple(weight.shape)}"
                )
            self.weight = Parameter(weight, not freeze)

    def reset_parameters(self) -> None:
        """Draw new values from the standard normal distribution; the row ``padding_idx`` becomes 0."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            with no_grad():
                self.weight[self.padding_idx].fill_(0)

    def extra_repr(self) -> str:
        text = f"{self.num_embeddings}, {self.embedding_dim}"
        for name in self._shown:
            value = getattr(self, name)
            if value != _USUAL.get(name):
                text += f", {name}={value!r}"
        return text


class Embedding(_Table):
    """Rows of a learned matrix by index.

    Shape: indices of any shape (int32 or int64) to ``(*, embedding_dim)``.

    Args:
        num_embeddings: number of rows.
        embedding_dim: length of a row.
        padding_idx: a row that starts as 0 and gets no gradient; negative counts from the end.
        max_norm: rows with a larger norm are scaled down to it when they are used, in place. Default: none.
        norm_type: order of that norm. Default: 2.
        scale_grad_by_freq: divide the gradient of a row by its number of uses. Default: ``False``.
        sparse: whether the gradient of ``weight`` is a sparse tensor of the rows used. Default: ``False``.
        device: the CPU or "meta"; ``None`` is the default device.
        dtype: of the parameter. Default: the default dtype.

    Attributes:
        weight: (num_embeddings, embedding_dim), standard normal.

    Raises:
        ValueError: if ``padding_idx`` is out of range.
        IndexError: in forward, if an index is out of range.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> tuple(nn.Embedding(10, 3)(plait.tensor([[1, 2], [4, 9]])).shape)
        (2, 2, 3)
    """

    padding_idx: int | None
    _shown = ("padding_idx", "max_norm", "norm_type", "scale_grad_by_freq", "sparse")

    @checks_arguments
    def __init__(
        self,
        num_embeddings: Count,
        embedding_dim: Count,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
        _weight: Tensor | None = None,
        _freeze: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.num_embeddings = num_embeddings
        self.embedding_dim = embedding_dim
        self.padding_idx = _padding_index("Embedding", padding_idx, num_embeddings)
        self.max_norm = max_norm
        self.norm_type = norm_type
        self.scale_grad_by_freq = scale_grad_by_freq
        self.sparse = sparse
        self._set_weight(num_embeddings, embedding_dim, _weight, _freeze, device, dtype)

    def forward(self, input: Tensor) -> Tensor:
        return F.embedding(
            input,
            self.weight,
            self.padding_idx,
            self.max_norm,
            self.norm_type,
            self.scale_grad_by_freq,
            self.sparse,
        )

    @classmethod
    def from_pretrained(
        cls,
        embeddings: Tensor,
        freeze: bool = True,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
    ) -> Self:
        """A table with given values; ``freeze`` (default) keeps it from being trained.

        Args:
            embeddings: (V, D).
            freeze: whether the table needs no gradient. Default: ``True``.
            padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse: as for :class:`Embedding`.

        Raises:
            ValueError: if ``embeddings`` is not 2-D.

        Example:
            >>> import plait
            >>> from plait import nn
            >>> table = nn.Embedding.from_pretrained(plait.tensor([[1.0, 2.0], [3.0, 4.0]]))
            >>> table(plait.tensor([1])).tolist()
            [[3.0, 4.0]]
        """
        if embeddings.dim() != 2:
            raise ArgumentError(f"Embedding.from_pretrained: expected a 2-D tensor, got {tuple(embeddings.shape)}")
        rows, columns = embeddings.shape
        return cls(
            rows,
            columns,
            padding_idx,
            max_norm,
            norm_type,
            scale_grad_by_freq,
            sparse,
            _weight=embeddings,
            _freeze=freeze,
        )


class EmbeddingBag(_Table):
    """Sum, mean or maximum of rows of a learned matrix, bag by bag.

    Shape: indices (B, L), or (N) with ``offsets`` (B), to (B, embedding_dim).

    Args:
        num_embeddings: number of rows.
        embedding_dim: length of a row.
        max_norm: as for :class:`Embedding`.
        norm_type: as for :class:`Embedding`.
        scale_grad_by_freq: as for :class:`Embedding`; not with ``mode="max"``.
        mode: ``"sum"``, ``"mean"`` (default) or ``"max"``.
        sparse: whether the gradient of ``weight`` is a sparse tensor of the rows used. Default: ``False``.
        include_last_offset: whether ``offsets`` ends with the length of the input. Default: ``False``.
        padding_idx: an index that is left out of its bag. Default: none.
        device: the CPU or "meta"; ``None`` is the default device.
        dtype: of the parameter. Default: the default dtype.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> bag = nn.EmbeddingBag(10, 3, mode="sum")
        >>> tuple(bag(plait.tensor([1, 2, 4, 5]), plait.tensor([0, 3])).shape)
        (2, 3)
    """

    padding_idx: int | None
    _shown = ("max_norm", "norm_type", "scale_grad_by_freq", "mode", "padding_idx")

    @checks_arguments
    def __init__(
        self,
        num_embeddings: Count,
        embedding_dim: Count,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        mode: _Mode = "mean",
        sparse: bool = False,
        _weight: Tensor | None = None,
        include_last_offset: bool = False,
        padding_idx: int | None = None,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.num_embeddings = num_embeddings
        self.embedding_dim = embedding_dim
        self.max_norm = max_norm
        self.norm_type = norm_type
        self.scale_grad_by_freq = scale_grad_by_freq
        self.padding_idx = _padding_index("EmbeddingBag", padding_idx, num_embeddings)
        self.mode = mode
        self.sparse = sparse
        self.include_last_offset = include_last_offset
        self._set_weight(num_embeddings, embedding_dim, _weight, False, device, dtype)

    def forward(self, input: Tensor, offsets: Tensor | None = None, per_sample_weights: Tensor | None = None) -> Tensor:
        return F.embedding_bag(
            input,
            self.weight,
            offsets,
            self.max_norm,
            self.norm_type,
            self.scale_grad_by_freq,
            self.mode,
            self.sparse,
            per_sample_weights,
            self.include_last_offset,
            self.padding_idx,
        )

    @classmethod
    def from_pretrained(
        cls,
        embeddings: Tensor,
        freeze: bool = True,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        mode: _Mode = "mean",
        sparse: bool = False,
        include_last_offset: bool = False,
        padding_idx: int | None = None,
    ) -> Self:
        """A table with given values; ``freeze`` (default) keeps it from being trained.

        Args:
            embeddings: (V, D).
            freeze: whether the table needs no gradient. Default: ``True``.
            max_norm, norm_type, scale_grad_by_freq, mode, sparse, include_last_offset, padding_idx: as for
                :class:`EmbeddingBag`.

        Raises:
            ValueError: if ``embeddings`` is not 2-D.
        """
        if embeddings.dim() != 2:
            raise ArgumentError(f"EmbeddingBag.from_pretrained: expected a 2-D tensor, got {tuple(embeddings.shape)}")
        rows, columns = embeddings.shape
        bag = cls(
            rows,
            columns,
            max_norm,
            norm_type,
            scale_grad_by_freq,
            mode,
            sparse,
            embeddings,
            include_last_offset,
            padding_idx,
        )
        bag.weight.requires_grad_(not freeze)
        return bag
