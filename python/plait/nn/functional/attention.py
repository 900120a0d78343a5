# SPDX-License-Identifier: MIT
"""Scaled dot-product attention and multi-head attention (Vaswani et al. 2017)."""

from __future__ import annotations

import math
from typing import Any

from ... import _core
from ..._autocast import cast_tensor
from ..._core import ArgumentError, ArgumentTypeError, Tensor, _nn

__all__ = ["multi_head_attention_forward", "scaled_dot_product_attention"]


def scaled_dot_product_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    *,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """``softmax(query @ key.T * scale + mask) @ value``.

    Args:
        query: (..., L, E), floating point.
        key: (..., S, E).
        value: (..., S, Ev).
        attn_mask: broadcasts to (..., L, S). A boolean mask is true where attention is allowed; any other is
            added to the scores. Default: none.
        dropout_p: probability of dropping an attention weight; applied whenever it is greater than 0.
        is_causal: whether position i attends to positions up to i only, of those that ``attn_mask`` allows.
        scale: factor of the scores. Default: ``1 / sqrt(E)``.
        enable_gqa: whether query may have a multiple of the heads of key and value (third dimension from the
            end). Default: ``False``.

    Returns:
        (..., L, Ev).

    Raises:
        ValueError: if the shapes do not fit.

    Example:
        >>> import plait
        >>> from plait.nn import functional as F
        >>> q = plait.randn(2, 4, 5, 8)
        >>> tuple(F.scaled_dot_product_attention(q, q, q, is_causal=True).shape)
        (2, 4, 5, 8)
    """
    if _core._autocast_enabled():
        dtype = _core._autocast_dtype()
        query, key, value, attn_mask = (cast_tensor(t, dtype) for t in (query, key, value, attn_mask))
    for name, tensor in (("query", query), ("key", key), ("value", value)):
        if tensor.dim() < 2:
            raise ArgumentError(
                f"scaled_dot_product_attention: expected {name} of at least 2 dimensions, got {tuple(tensor.shape)}"
            )
    if query.shape[-1] != key.shape[-1] or key.shape[-2] != value.shape[-2]:
        raise ArgumentError(
            "scaled_dot_product_attention: expected query (..., L, E), key (..., S, E) and value (..., S, Ev), "
            f"got {tuple(query.shape)}, {tuple(key.shape)} and {tuple(value.shape)}"
        )
    if attn_mask is not None:
        _check_mask(attn_mask, query, key)
    if enable_gqa:
        groups, rest = divmod(query.shape[-3], key.shape[-3])
        if rest:
            raise ArgumentError(
                "scaled_dot_product_attention: expected the heads of query in multiples of those of key, got "
                f"{query.shape[-3]} and {key.shape[-3]}"
            )
        key = key.repeat_interleave(groups, -3)
        value = value.repeat_interleave(groups, -3)
    length, source = query.shape[-2], key.shape[-2]
    factor = 1.0 / math.sqrt(max(1, query.shape[-1])) if scale is None else scale  # no terms: any factor
    if attn_mask is None and dropout_p == 0.0 and _is_plain(query, key, value):
        return _core._ops.attention(query, key, value, is_causal, factor)
    if is_causal:
        attn_mask = _causal(query.new_ones(length, source, dtype=_core.bool).tril(), attn_mask)
    scores = (query * factor) @ key.transpose(-2, -1)
    if attn_mask is None:
        weights = scores.softmax(-1)
    elif attn_mask.dtype == _core.bool:
        weights = scores.masked_fill(~attn_mask, float("-inf")).softmax(-1)
        # A row in which nothing is allowed attends to nothing.
        weights = weights.masked_fill(~attn_mask.any(-1, keepdim=True), 0.0)
    else:
        weights = (scores + attn_mask).softmax(-1)
    if dropout_p > 0.0:
        weights = _nn.dropout(weights, dropout_p, True)
    return weights @ value


def _check_mask(mask: Tensor, query: Tensor, key: Tensor) -> None:
    shape = (*query.shape[:-1], key.shape[-2])
    pairs = list(zip(reversed(getattr(mask, "shape", ())), reversed(shape)))
    fits = all(a in (1, b) for a, b in pairs[:2]) and all(1 in (a, b) or a == b for a, b in pairs[2:])
    if not isinstance(mask, Tensor) or not fits:
        got = tuple(mask.shape) if isinstance(mask, Tensor) else type(mask).__name__
        raise ArgumentError(
            f"scaled_dot_product_attention: expected attn_mask to broadcast to (..., L, S) = (..., {shape[-2]}, "
            f"{shape[-1]}) for query {tuple(query.shape)} and key {tuple(key.shape)}, got {got}"
        )


def _causal(earlier: Tensor, mask: Tensor | None) -> Tensor:
    """A mask, or none, that also keeps attention to earlier positions."""
    if mask is None:
        return earlier
    return mask & earlier if mask.dtype == _core.bool else _core.where(earlier, mask, float("-inf"))


def _is_plain(query: Tensor, key: Tensor, value: Tensor) -> bool:
    """Whether the fused kernel serves: one float32 or float64 dtype and equal leading sizes."""
    return (
        query.dtype == key.dtype == value.dtype
        and query.dtype in (_core.float32, _core.float64)
        and query.shape[:-2] == key.shape[:-2] == value.shape[:-2]
    )


def additive_mask(op: str, name: str, mask: Tensor | None, dtype: Any) -> Tensor | None:
    """A boolean mask, true where attention is forbidden, as one that is added to the scores."""
    if mask is None:
        return None
    if mask.dtype == _core.bool:
        return mask.new_zeros(mask.shape, dtype=dtype).masked_fill(mask, float("-inf"))
    if not mask.is_floating_point():
        raise ArgumentTypeError(f"{op}: expected {name} to be boolean or floating point, got {mask.dtype}")
    return mask.to(dtype)


def multi_head_attention_forward(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    embed_dim_to_check: int,
    num_heads: int,
    in_proj_weight: Tensor | None,
    in_proj_bias: Tensor | None,
    bias_k: Tensor | None,
    bias_v: Tensor | None,
    add_zero_attn: bool,
    dropout_p: float,
    out_proj_weight: Tensor,
    out_proj_bias: Tensor | None,
    training: bool = True,
    key_padding_mask: Tensor | None = None,
    need_weights: bool = True,
    attn_mask: Tensor | None = None,
    use_separate_proj_weight: bool = False,
    q_proj_weight: Tensor | None = None,
    k_proj_weight: Tensor | None = None,
    v_proj_weight: Tensor | None = None,
    static_k: Tensor | None = None,
    static_v: Tensor | None = None,
    average_attn_weights: bool = True,
    is_causal: bool = False,
) -> tuple[Tensor, Tensor | None]:
    """Multi-head attention with explicit parameters; :class:`~plait.nn.MultiheadAttention` holds them.

    Args:
        query: (L, N, E) or (L, E).
        key: (S, N, Ek) or (S, Ek).
        value: (S, N, Ev) or (S, Ev).
        embed_dim_to_check: the E expected.
        num_heads: number of heads; divides E.
        in_proj_weight: (3E, E), the projections of query, key and value above each other.
        in_proj_bias: (3E).
        bias_k: (1, 1, E), appended to the projected keys.
        bias_v: (1, 1, E), appended to the projected values.
        add_zero_attn: whether a zero key and value are appended.
        dropout_p: probability of dropping an attention weight in training.
        out_proj_weight: (E, E).
        out_proj_bias: (E).
        training: whether dropout applies. Default: ``True``.
        key_padding_mask: (N, S) or (S); true (or -inf) where a key is to be ignored.
        need_weights: whether the attention weights are returned. Default: ``True``.
        attn_mask: (L, S) or (N * num_heads, L, S); true where attention is forbidden, or added to the scores.
        use_separate_proj_weight: whether the three weights below replace ``in_proj_weight``.
        q_proj_weight: (E, E).
        k_proj_weight: (E, Ek).
        v_proj_weight: (E, Ev).
        static_k: (N * num_heads, S, E / num_heads), used instead of the projected keys.
        static_v: likewise for the values.
        average_attn_weights: whether the weights are averaged over the heads. Default: ``True``.
        is_causal: a hint that ``attn_mask`` is the causal mask; needs ``attn_mask``.

    Returns:
        The output, (L, N, E) or (L, E), and the weights, (N, L, S) or (N, num_heads, L, S) (without N for
        inputs without it), or ``None``.

    Raises:
        ValueError: if the shapes do not fit.
        TypeError: if a mask is neither boolean nor floating point.

    Example:
        >>> import plait
        >>> from plait.nn import functional as F
        >>> attention = plait.nn.MultiheadAttention(4, 2)
        >>> x = plait.ones(3, 1, 4)
        >>> y, weights = F.multi_head_attention_forward(
        ...     x, x, x, 4, 2, attention.in_proj_weight, attention.in_proj_bias, None, None, False, 0.0,
        ...     attention.out_proj.weight, attention.out_proj.bias,
        ... )
        >>> y.shape, weights.shape
        (plait.Size([3, 1, 4]), plait.Size([1, 3, 3]))
    """
    batched = query.dim() == 3
    _check_ranks(query, key, value)
    if not batched:
        query, key, value = _add_batch(query, key, value)
        key_padding_mask = None if key_padding_mask is None else key_padding_mask.unsqueeze(0)
    _check_sizes(query, key, value, embed_dim_to_check, num_heads)
    if is_causal and attn_mask is None:
        raise ArgumentError(f"{_OP}: expected attn_mask with is_causal=True, which is only a hint about the mask")
    q, k, v = _project(
        query, key, value, in_proj_weight, in_proj_bias, use_separate_proj_weight,
        (q_proj_weight, k_proj_weight, v_proj_weight),
    )  # fmt: skip
    length, batch, width = query.shape
    mask, padding = _masks(attn_mask, key_padding_mask, (batch, num_heads, length, key.shape[0]), q.dtype)

    q = _split_heads(q, num_heads)
    k = _source(k, bias_k if bias_v is not None else None, static_k, add_zero_attn, num_heads)
    v = _source(v, bias_v if bias_k is not None else None, static_v, add_zero_attn, num_heads)
    mask = _merge_masks(mask, padding, (bias_k is not None and bias_v is not None) + add_zero_attn)
    attended, weights = _attend(q, k, v, mask, dropout_p if training else 0.0, need_weights)
    out = _nn.linear(attended.permute(2, 0, 1, 3).reshape(length, batch, width), out_proj_weight, out_proj_bias)
    if weights is not None and average_attn_weights:
        weights = weights.mean(1)
    if not batched:
        return out.squeeze(1), None if weights is None else weights.squeeze(0)
    return out, weights


_OP = "multi_head_attention"


def _check_ranks(query: Tensor, key: Tensor, value: Tensor) -> None:
    if query.dim() not in (2, 3) or key.dim() != query.dim() or value.dim() != query.dim():
        raise ArgumentError(
            f"{_OP}: expected query, key and value of 2 or 3 dimensions each, got {tuple(query.shape)}, "
            f"{tuple(key.shape)} and {tuple(value.shape)}"
        )


def _check_sizes(query: Tensor, key: Tensor, value: Tensor, embed_dim: int, heads: int) -> None:
    _, batch, width = query.shape
    if width != embed_dim:
        raise ArgumentError(f"{_OP}: expected query of width {embed_dim}, got {tuple(query.shape)}")
    if width % heads:
        raise ArgumentError(f"{_OP}: expected a width in multiples of {heads} heads, got {width}")
    if tuple(key.shape[:2]) != tuple(value.shape[:2]) or key.shape[1] != batch:
        raise ArgumentError(
            f"{_OP}: expected key and value of one length and batch size {batch}, got {tuple(key.shape)} and "
            f"{tuple(value.shape)}"
        )


def _masks(
    attn_mask: Tensor | None, key_padding_mask: Tensor | None, sizes: tuple[int, int, int, int], dtype: Any
) -> tuple[Tensor | None, Tensor | None]:
    """Both masks as what is added to the scores, checked against ``sizes``: (N, heads, L, S)."""
    batch, _, _, source = sizes
    mask = additive_mask(_OP, "attn_mask", attn_mask, dtype)
    if mask is not None:
        mask = _shaped_mask(_OP, mask, *sizes)
    padding = additive_mask(_OP, "key_padding_mask", key_padding_mask, dtype)
    if padding is not None and tuple(padding.shape) != (batch, source):
        raise ArgumentError(
            f"{_OP}: expected key_padding_mask of shape ({batch}, {source}), got {tuple(padding.shape)}"
        )
    return mask, padding


def _split_heads(x: Tensor, heads: int) -> Tensor:
    """(T, N, E) as (N, heads, T, E / heads)."""
    length, batch, width = x.shape
    return x.reshape(length, batch, heads, width // heads).permute(1, 2, 0, 3)


def _source(x: Tensor, bias: Tensor | None, static: Tensor | None, add_zero: bool, heads: int) -> Tensor:
    """Keys or values (N, heads, S, E / heads), with what is appended to them along S."""
    _, batch, width = x.shape
    if static is not None:
        x = static.view(batch, heads, -1, width // heads)
    else:
        x = _split_heads(x if bias is None else _core.cat([x, bias.expand(1, batch, width)]), heads)
    if add_zero:
        x = _core.cat([x, x.new_zeros(batch, heads, 1, width // heads)], 2)
    return x


def _merge_masks(mask: Tensor | None, padding: Tensor | None, appended: int) -> Tensor | None:
    """One mask that broadcasts to (N, heads, L, S + appended); what is appended is never masked."""
    if appended:
        mask = None if mask is None else _nn.pad(mask, (0, appended))
        padding = None if padding is None else _nn.pad(padding, (0, appended))
    if padding is None:
        return mask
    padding = padding.unsqueeze(1).unsqueeze(1)
    return padding if mask is None else mask + padding


def _attend(
    q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, dropout: float, need_weights: bool
) -> tuple[Tensor, Tensor | None]:
    """softmax(q k^T / sqrt(width) + mask) v, and the weights if they are asked for."""
    if not need_weights:
        return scaled_dot_product_attention(q, k, v, mask, dropout), None
    scores = (q * (1.0 / math.sqrt(q.shape[-1]))) @ k.transpose(-2, -1)
    weights = (scores if mask is None else scores + mask).softmax(-1)
    if dropout > 0.0:
        weights = _nn.dropout(weights, dropout, True)
    return weights @ v, weights


def _add_batch(query: Tensor, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The inputs with a batch of 1; inputs that are one tensor stay one tensor."""
    q = query.unsqueeze(1)
    k = q if key is query else key.unsqueeze(1)
    return q, k, k if value is key else value.unsqueeze(1)


def _project(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    separate: bool,
    weights: tuple[Tensor | None, Tensor | None, Tensor | None],
) -> tuple[Tensor, Tensor, Tensor]:
    """Queries, keys and values of all heads side by side; one product where the inputs are the same tensor."""
    if not separate:
        assert weight is not None
        if query is key and key is value:
            return _nn.linear(query, weight, bias).chunk(3, -1)
        width = query.shape[-1]
        if key is value:
            q = _nn.linear(query, weight[:width], None if bias is None else bias[:width])
            k, v = _nn.linear(key, weight[width:], None if bias is None else bias[width:]).chunk(2, -1)
            return q, k, v
        q_weight, k_weight, v_weight = weight.chunk(3)
        weights = (q_weight, k_weight, v_weight)
    biases = (None, None, None) if bias is None else bias.chunk(3)
    q, k, v = (_nn.linear(x, w, b) for x, w, b in zip((query, key, value), weights, biases))
    return q, k, v


def _shaped_mask(op: str, mask: Tensor, batch: int, heads: int, length: int, source: int) -> Tensor:
    """(L, S) or (N * heads, L, S) as something that broadcasts to (N, heads, L, S)."""
    if mask.dim() == 2 and tuple(mask.shape) == (length, source):
        return mask
    if mask.dim() == 3 and tuple(mask.shape) == (batch * heads, length, source):
        return mask.view(batch, heads, length, source)
    raise ArgumentError(
        f"{op}: expected attn_mask of shape ({length}, {source}) or ({batch * heads}, {length}, {source}), "
        f"got {tuple(mask.shape)}"
    )
