# SPDX-License-Identifier: MIT
"""Attention whose scores and mask are functions of positions.

The functions get whole tensors of positions that broadcast against the scores, so that each is called once.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import plait
from plait import Tensor

__all__ = [
    "AuxOutput",
    "AuxRequest",
    "BlockMask",
    "and_masks",
    "create_block_mask",
    "create_mask",
    "flex_attention",
    "noop_mask",
    "or_masks",
]

_DEFAULT_SPARSE_BLOCK_SIZE = 128


class AuxRequest(NamedTuple):
    """What else the caller wants."""

    lse: bool = False
    max_scores: bool = False


class AuxOutput(NamedTuple):
    """What else there is: logarithms of the sums of exponentials, and largest scores, (B, H, Q) each."""

    lse: Tensor | None = None
    max_scores: Tensor | None = None


def _positions(*sizes: int | None) -> list[Tensor]:
    """For each axis its positions, shaped to broadcast against the others."""
    shapes = [[-1 if i == k else 1 for i in range(len(sizes))] for k in range(len(sizes))]
    return [plait.arange(size or 1).reshape(shape) for size, shape in zip(sizes, shapes)]


def noop_mask(batch: Tensor, head: Tensor, token_q: Tensor, token_kv: Tensor) -> Tensor:
    """Every query sees every key."""
    return plait.ones((), dtype=plait.bool)


def and_masks(*mask_mods: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The mask where all of them are true."""

    def both(*at: Tensor) -> Tensor:
        result = noop_mask(*at)
        for mask_mod in mask_mods:
            result = result & mask_mod(*at)
        return result

    return both


def or_masks(*mask_mods: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The mask where one of them is true."""

    def either(*at: Tensor) -> Tensor:
        result = plait.zeros((), dtype=plait.bool)
        for mask_mod in mask_mods:
            result = result | mask_mod(*at)
        return result

    return either


def create_mask(
    mod_fn: Callable[..., Tensor], B: int | None, H: int | None, Q_LEN: int, KV_LEN: int, device: Any = "cpu"
) -> Tensor:
    """The mask of a function of (batch, head, query, key): booleans of shape (B, H, Q_LEN, KV_LEN)."""
    shape = (B or 1, H or 1, Q_LEN, KV_LEN)
    return mod_fn(*_positions(*shape)).expand(shape)


class BlockMask:
    """A mask that is made when it is needed.

    Args:
        mask_mod: true where a query sees a key: a function of (batch, head, query, key).
        shape: (B, H, Q_LEN, KV_LEN); 1 where all batches or heads have one mask.
        block_size: accepted; the mask is not cut into blocks.
    """

    def __init__(self, mask_mod: Callable[..., Tensor], shape: tuple[int, int, int, int], block_size: Any) -> None:
        self.mask_mod = mask_mod
        self.shape = shape
        self.seq_lengths = shape[2:]
        self.BLOCK_SIZE = (block_size, block_size) if isinstance(block_size, int) else tuple(block_size)
        self._dense: Tensor | None = None

    def dense(self, q_len: int, kv_len: int) -> Tensor:
        """The booleans for the first queries and keys."""
        if self._dense is None or self._dense.shape[2:] != (q_len, kv_len):
            self._dense = create_mask(self.mask_mod, *self.shape[:2], q_len, kv_len)
        return self._dense

    def to(self, device: Any) -> BlockMask:
        """The mask itself."""
        return self


def create_block_mask(
    mask_mod: Callable[..., Tensor],
    B: int | None,
    H: int | None,
    Q_LEN: int,
    KV_LEN: int,
    device: Any = None,
    BLOCK_SIZE: Any = _DEFAULT_SPARSE_BLOCK_SIZE,
    _compile: bool = False,
    **options: Any,
) -> BlockMask:
    """A :class:`BlockMask`."""
    return BlockMask(mask_mod, (B or 1, H or 1, Q_LEN, KV_LEN), BLOCK_SIZE)


def flex_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    score_mod: Callable[..., Tensor] | None = None,
    block_mask: BlockMask | None = None,
    scale: float | None = None,
    enable_gqa: bool = False,
    return_lse: bool = False,
    kernel_options: Any = None,
    *,
    return_aux: AuxRequest | None = None,
) -> Any:
    """softmax(score_mod(query key^T scale)) value, with a mask.

    Args:
        query: (B, H, Q, E).
        key: (B, H, K, E), with fewer heads if ``enable_gqa``.
        value: (B, H, K, V).
        score_mod: a function of (score, batch, head, query, key).
        block_mask: which queries see which keys.
        scale: of the scores. Default: 1 / sqrt(E).
        enable_gqa: whether several heads of queries share one of keys.
        return_lse: whether to return the logarithms of the sums of exponentials too.
        kernel_options: accepted.
        return_aux: what else to return.
    """
    if enable_gqa and key.shape[1] != query.shape[1]:
        repeats = query.shape[1] // key.shape[1]
        key, value = (t.repeat_interleave(repeats, dim=1) for t in (key, value))
    q_len, kv_len = query.shape[-2], key.shape[-2]
    scores = query @ key.transpose(-2, -1) * (1 / math.sqrt(query.shape[-1]) if scale is None else scale)
    if score_mod is not None:
        scores = score_mod(scores, *_positions(*scores.shape))
    if block_mask is not None:
        scores = scores.masked_fill(~block_mask.dense(q_len, kv_len), -math.inf)
    # A query that sees no key gets zeros.
    output = scores.softmax(-1).nan_to_num(0.0) @ value if block_mask is not None else scores.softmax(-1) @ value
    if return_aux is not None:
        lse = scores.logsumexp(-1) if return_aux.lse else None
        return output, AuxOutput(lse, scores.amax(-1) if return_aux.max_scores else None)
    return (output, scores.logsumexp(-1)) if return_lse else output
