# SPDX-License-Identifier: MIT
"""Look-up tables: rows of a matrix by index, singly or in bags."""

from __future__ import annotations

from ... import _core
from ..._core import ArgumentError, Tensor
from ...autograd.grad_mode import no_grad

__all__ = ["embedding", "embedding_bag"]


def embedding(
    input: Tensor,
    weight: Tensor,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """Rows of ``weight`` by index.

    Args:
        input: indices, any shape, int32 or int64.
        weight: (V, D).
        padding_idx: a row that gets no gradient; negative counts from the end. Default: none.
        max_norm: rows with a larger norm are scaled down to it, in place in ``weight``, before the look-up.
        norm_type: order of that norm. Default: 2.
        scale_grad_by_freq: divide the gradient of a row by the number of its uses. Default: ``False``.
        sparse: whether the gradient of ``weight`` is a sparse tensor of the rows used. Default: ``False``.

    Returns:
        A tensor of shape ``(*input.shape, D)``.

    Raises:
        IndexError: if an index lies outside ``[0, V)``.
        ValueError: if ``weight`` is not 2-D or ``padding_idx`` is out of range.
        TypeError: for indices that are not integers.

    Example:
        >>> import plait
        >>> plait.nn.functional.embedding(plait.tensor([1, 0]), plait.tensor([[1.0, 2.0], [3.0, 4.0]]))
        tensor([[3., 4.],
                [1., 2.]])
    """
    if max_norm is not None:
        renormalise_rows(weight, input, max_norm, norm_type)
    return _core._ops.embedding(input, weight, padding_idx, scale_grad_by_freq, sparse)


def renormalise_rows(weight: Tensor, rows: Tensor, max_norm: float, norm_type: float) -> None:
    """Scale the rows of ``weight`` that ``rows`` names down to ``max_norm``, in place."""
    with no_grad():
        index = rows.reshape(-1).unique()
        chosen = weight.detach().index_select(0, index)
        norms = chosen.norm(norm_type, 1, keepdim=True)
        # 1e-7 keeps a row just scaled from being scaled again.
        scale = _core.where(norms > max_norm, max_norm / (norms + 1e-7), _core.ones_like(norms))
        weight.detach().index_copy_(0, index, chosen * scale)


def embedding_bag(
    input: Tensor,
    weight: Tensor,
    offsets: Tensor | None = None,
    max_norm: float | None = None,
    norm_type: float = 2,
    scale_grad_by_freq: bool = False,
    mode: str = "mean",
    sparse: bool = False,
    per_sample_weights: Tensor | None = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> Tensor:
    """Sum, mean or maximum of the rows of ``weight`` in each bag of indices.

    Args:
        input: indices; (B, L) with one bag per row, or (N) cut into bags by ``offsets``.
        weight: (V, D).
        offsets: (B) start of each bag in a 1-D ``input``; the first is 0.
        max_norm: as for :func:`embedding`.
        norm_type: as for :func:`embedding`.
        scale_grad_by_freq: as for :func:`embedding`; not with ``mode="max"``.
        mode: ``"sum"``, ``"mean"`` or ``"max"``. Default: ``"mean"``. An empty bag gives zeros.
        sparse: whether the gradient of ``weight`` is a sparse tensor of the rows used. Default: ``False``.
        per_sample_weights: of the shape of ``input``, multiplied to the rows; only with ``mode="sum"``.
        include_last_offset: whether ``offsets`` ends with the length of ``input``. Default: ``False``.
        padding_idx: an index that is left out of its bag. Default: none.

    Returns:
        A tensor of shape (B, D).

    Raises:
        ValueError: if shapes, ``mode`` or ``offsets`` do not fit together.
        IndexError: if an index lies outside ``[0, V)``.

    Example:
        >>> import plait
        >>> from plait.nn import functional as F
        >>> table = plait.tensor([[1.0], [10.0], [100.0]])
        >>> F.embedding_bag(plait.tensor([0, 1, 2]), table, plait.tensor([0, 2]), mode="sum").tolist()
        [[11.0], [100.0]]
    """
    if mode not in ("sum", "mean", "max"):
        raise ArgumentError(f"embedding_bag: expected mode 'sum', 'mean' or 'max', got {mode!r}")
    if per_sample_weights is not None:
        if mode != "sum":
            raise ArgumentError(f"embedding_bag: expected mode 'sum' with per_sample_weights, got {mode!r}")
        if per_sample_weights.shape != input.shape:
            raise ArgumentError(
                f"embedding_bag: expected per_sample_weights of shape {tuple(input.shape)}, "
                f"got {tuple(per_sample_weights.shape)}"
            )
    if scale_grad_by_freq and mode == "max":
        raise ArgumentError("embedding_bag: expected scale_grad_by_freq=False with mode 'max'")
    flat, bounds = _bounds(input, offsets, include_last_offset)
    plain = per_sample_weights is None and padding_idx is None and max_norm is None
    if plain and mode != "max":
        total = _core._ops._embedding_bag_sum(weight, flat, bounds, scale_grad_by_freq, sparse)
        if mode == "sum":
            return total
    sizes = bounds[1:] - bounds[:-1]
    if plain and mode == "mean":
        return total / sizes.clamp(min=1).unsqueeze(1)
    count = sizes.shape[0]
    bags = _core.arange(count, device=flat.device).repeat_interleave(sizes, output_size=flat.shape[0])
    rows = embedding(flat, weight, padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse)
    if per_sample_weights is not None:
        rows = rows * per_sample_weights.reshape(-1, 1)
    if padding_idx is not None:
        kept = flat != padding_idx % weight.shape[0]
        rows, bags = rows[kept], bags[kept]
    width = weight.shape[1]
    index = bags.unsqueeze(1).expand(-1, width)
    sizes = rows.new_zeros(count).index_add(0, bags, rows.new_ones(bags.shape))
    if mode == "max":
        return _bag_max(rows, index, sizes, count)
    total = rows.new_zeros(count, width).scatter_add(0, index, rows)
    return total if mode == "sum" else total / sizes.clamp(min=1).unsqueeze(1)


def _bounds(input: Tensor, offsets: Tensor | None, include_last: bool) -> tuple[Tensor, Tensor]:
    """Indices in a row, and where each bag begins and the last one ends."""
    if input.dim() == 2:
        if offsets is not None:
            raise ArgumentError("embedding_bag: expected no offsets with a 2-D input, whose rows are the bags")
        count, length = input.shape
        return input.reshape(-1), _core.arange(count + 1, device=input.device) * length
    if input.dim() != 1:
        raise ArgumentError(f"embedding_bag: expected a 1-D or 2-D input, got {tuple(input.shape)}")
    if offsets is None or offsets.dim() != 1:
        raise ArgumentError("embedding_bag: expected 1-D offsets with a 1-D input")
    length = input.shape[0]
    bounds = offsets.long()
    if not include_last or bounds.shape[0] == 0:
        bounds = _core.cat([bounds, bounds.new_tensor([0 if include_last else length])])
    falls = bool((bounds[1:] < bounds[:-1]).any()) or int(bounds[-1]) > length
    if falls or (offsets.shape[0] and int(bounds[0]) != 0):
        raise ArgumentError(
            f"embedding_bag: expected offsets that rise from 0 to at most {length}, got {offsets.tolist()}"
        )
    return input[: int(bounds[-1])], bounds


def _bag_max(rows: Tensor, index: Tensor, sizes: Tensor, count: int) -> Tensor:
    """Maximum of each bag; the gradient goes to the first row that attains it."""
    if rows.numel() == 0 or rows.is_meta:
        return rows.new_zeros(count, index.shape[1])
    longest = int(sizes.max()) if count else 0
    bags = index[:, 0]
    first = sizes.long().cumsum(0) - sizes.long()
    place = _core.arange(rows.shape[0], device=rows.device) - first[bags]
    padded = rows.new_full((count, longest, rows.shape[1]), float("-inf"))
    padded = padded.index_put((bags, place), rows)
    return padded.max(1)[0].masked_fill((sizes == 0).unsqueeze(1), 0)
