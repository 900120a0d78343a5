# SPDX-License-Identifier: MIT
"""Multi-head attention."""

from __future__ import annotations

from typing import Any

from ... import _core
from ..._core import ArgumentError, Tensor
from .. import functional as F
from .. import init
from ..functional.attention import additive_mask
from ..parameter import Parameter
from ._arguments import Count, Fraction, Positive, checks_arguments
from .linear import NonDynamicallyQuantizableLinear
from .module import Module

__all__ = ["MultiheadAttention"]


class MultiheadAttention(Module):
    """Attention of queries to keys and values in several learned projections (Vaswani et al. 2017).

    Args:
        embed_dim: width E of the model.
        num_heads: number of heads; divides ``embed_dim``.
        dropout: probability of dropping an attention weight in training. Default: 0.
        bias: whether the projections have biases. Default: ``True``.
        add_bias_kv: whether a learned key and value are appended. Default: ``False``.
        add_zero_attn: whether a zero key and value are appended. Default: ``False``.
        kdim: width of the keys. Default: ``embed_dim``.
        vdim: width of the values. Default: ``embed_dim``.
        batch_first: whether the batch is the first dimension: (N, L, E) instead of (L, N, E).
        device: the CPU or "meta"; ``None`` is the default device.
        dtype: of the parameters. Default: the default dtype.

    Attributes:
        in_proj_weight: (3E, E), or ``None`` if keys or values have another width; then ``q_proj_weight``,
            ``k_proj_weight`` and ``v_proj_weight`` hold the projections.
        in_proj_bias: (3E) or ``None``.
        out_proj: the linear layer behind the heads.

    Raises:
        ValueError: if ``embed_dim`` or ``num_heads`` is not positive or does not divide.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> attention = nn.MultiheadAttention(8, 2, batch_first=True)
        >>> x = plait.randn(3, 5, 8)
        >>> out, weights = attention(x, x, x)
        >>> tuple(out.shape), tuple(weights.shape)
        ((3, 5, 8), (3, 5, 5))
    """

    batch_first: bool
    in_proj_weight: Tensor | None
    in_proj_bias: Tensor | None
    bias_k: Tensor | None
    bias_v: Tensor | None

    @checks_arguments
    def __init__(
        self,
        embed_dim: Positive,
        num_heads: Positive,
        dropout: Fraction = 0.0,
        bias: bool = True,
        add_bias_kv: bool = False,
        add_zero_attn: bool = False,
        kdim: Count | None = None,
        vdim: Count | None = None,
        batch_first: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        if embed_dim <= 0 or num_heads <= 0:
            raise ArgumentError(
                f"MultiheadAttention: expected embed_dim and num_heads greater than 0, got {embed_dim} and {num_heads}"
            )
        if embed_dim % num_heads:
            raise ArgumentError(
                f"MultiheadAttention: expected embed_dim in multiples of num_heads, got {embed_dim} and {num_heads}"
            )
        super().__init__()
        self.embed_dim = embed_dim
        self.kdim = embed_dim if kdim is None else kdim
        self.vdim = embed_dim if vdim is None else vdim
        self._qkv_same_embed_dim = self.kdim == embed_dim and self.vdim == embed_dim
        self.num_heads = num_heads
        self.dropout = dropout
        self.batch_first = batch_first
        self.head_dim = embed_dim // num_heads

        def new(*shape: int) -> Parameter:
            return Parameter(_core.empty(*shape, device=device, dtype=dtype))

        if self._qkv_same_embed_dim:
            self.in_proj_weight = new(3 * embed_dim, embed_dim)
            for name in ("q_proj_weight", "k_proj_weight", "v_proj_weight"):
                self.register_parameter(name, None)
        else:
            self.q_proj_weight = new(embed_dim, embed_dim)
            self.k_proj_weight = new(embed_dim, self.kdim)
            self.v_proj_weight = new(embed_dim, self.vdim)
            self.register_parameter("in_proj_weight", None)
        if bias:
            self.in_proj_bias = new(3 * embed_dim)
        else:
            self.register_parameter("in_proj_bias", None)
        self.out_proj = NonDynamicallyQuantizableLinear(embed_dim, embed_dim, bias=bias, device=device, dtype=dtype)
        if add_bias_kv:
            self.bias_k = new(1, 1, embed_dim)
            self.bias_v = new(1, 1, embed_dim)
        else:
            self.bias_k = self.bias_v = None
        self.add_zero_attn = add_zero_attn
        self._reset_parameters()

    def _reset_parameters(self) -> None:
        if self.in_proj_weight is not None:
            init.xavier_uniform_(self.in_proj_weight)
        else:
            for weight in (self.q_proj_weight, self.k_proj_weight, self.v_proj_weight):
                init.xavier_uniform_(weight)
        if self.in_proj_bias is not None:
            init.zeros_(self.in_proj_bias)
            init.zeros_(self.out_proj.bias)  # type: ignore[arg-type]
        if self.bias_k is not None:
            init.xavier_normal_(self.bias_k)
        if self.bias_v is not None:
            init.xavier_normal_(self.bias_v)

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        key_padding_mask: Tensor | None = None,
        need_weights: bool = True,
        attn_mask: Tensor | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """Attend.

        Args:
            query: (L, N, E), with ``batch_first`` (N, L, E), or (L, E).
            key: (S, N, kdim), (N, S, kdim) or (S, kdim).
            value: (S, N, vdim), (N, S, vdim) or (S, vdim).
            key_padding_mask: (N, S) or (S); true (or -inf) where a key is to be ignored.
            need_weights: whether the attention weights are returned; ``False`` is faster. Default: ``True``.
            attn_mask: (L, S) or (N * num_heads, L, S); true where attention is forbidden, or added to the
                scores.
            average_attn_weights: whether the weights are averaged over the heads. Default: ``True``.
            is_causal: a hint that ``attn_mask`` is the causal mask; needs ``attn_mask``.

        Returns:
            The output, of the shape of ``query``, and the weights, (N, L, S) or (N, num_heads, L, S)
            (without N for inputs without it), or ``None``.

        Raises:
            ValueError: if the shapes do not fit.
        """
        transposed = self.batch_first and query.dim() == 3
        if transposed:
            # Inputs that are one tensor must stay one: they are then projected by a single product.
            q = query.transpose(1, 0)
            k = q if key is query else key.transpose(1, 0)
            value = k if value is key else q if value is query else value.transpose(1, 0)
            query, key = q, k
        separate = not self._qkv_same_embed_dim
        out, weights = F.multi_head_attention_forward(
            query,
            key,
            value,
            self.embed_dim,
            self.num_heads,
            self.in_proj_weight,
            self.in_proj_bias,
            self.bias_k,
            self.bias_v,
            self.add_zero_attn,
            self.dropout,
            self.out_proj.weight,
            self.out_proj.bias,
            training=self.training,
            key_padding_mask=key_padding_mask,
            need_weights=need_weights,
            attn_mask=attn_mask,
            use_separate_proj_weight=separate,
            q_proj_weight=self.q_proj_weight if separate else None,
            k_proj_weight=self.k_proj_weight if separate else None,
            v_proj_weight=self.v_proj_weight if separate else None,
            average_attn_weights=average_attn_weights,
            is_causal=is_causal,
        )
        return (out.transpose(1, 0) if transposed else out), weights

    def merge_masks(
        self, attn_mask: Tensor | None, key_padding_mask: Tensor | None, query: Tensor
    ) -> tuple[Tensor | None, int | None]:
        """One mask (N, num_heads, L, S) out of both, and its kind: 0 attention only, 1 padding only, 2 both.

        Args:
            attn_mask: (L, S) or one a head, or ``None``.
            key_padding_mask: (N, S) or ``None``.
            query: gives the batch size.
        """
        if attn_mask is None and key_padding_mask is None:
            return None, None
        kind, merged = 0, attn_mask
        if key_padding_mask is not None:
            kind, merged = 1, key_padding_mask
        if attn_mask is not None:
            batch, length = query.shape[:2]
            mask = additive_mask("merge_masks", "attn_mask", attn_mask, query.dtype)
            assert mask is not None
            kind = 0 if key_padding_mask is None else 2
            wide = mask.view(batch, -1, length, length) if mask.dim() == 3 else mask.view(1, 1, length, length)
            merged = wide.expand(batch, self.num_heads, -1, -1)
            if key_padding_mask is not None:
                padding = additive_mask("merge_masks", "key_padding_mask", key_padding_mask, query.dtype)
                assert padding is not None
                merged = merged + padding.view(batch, 1, 1, length)
        return merged, kind
