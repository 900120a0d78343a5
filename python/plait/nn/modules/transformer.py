# SPDX-License-Identifier: MIT
"""Transformers (Vaswani et al. 2017).

Masks are named as in attention: ``*_mask`` is (L, S) or (N * heads, L, S), ``*_key_padding_mask`` is (N, S). A boolean
mask is true where attention is forbidden; any other is added to the scores.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from ... import _core
from ..._core import ArgumentError, ArgumentTypeError, Tensor
from .. import functional as F
from .. import init
from ._arguments import Count, Fraction, Positive, checks_arguments
from .attention import MultiheadAttention
from .container import ModuleList
from .dropout import Dropout
from .linear import Linear
from .module import Module
from .normalization import LayerNorm

__all__ = [
    "Transformer",
    "TransformerDecoder",
    "TransformerDecoderLayer",
    "TransformerEncoder",
    "TransformerEncoderLayer",
]

Activation = str | Callable[[Tensor], Tensor]


def _activation(value: Activation) -> Callable[[Tensor], Tensor]:
    if callable(value):
        return value
    if value == "relu":
        return F.relu
    if value == "gelu":
        return F.gelu
    raise ArgumentError(f"activation should be relu/gelu, not {value}")


def _causal_mask(size: int, dtype: Any = None, device: Any = None) -> Tensor:
    """-inf above the diagonal, 0 elsewhere."""
    return _core.full((size, size), float("-inf"), dtype=dtype, device=device).triu(1)


def _is_causal(mask: Tensor | None, hint: bool | None, size: int) -> bool:
    """The hint if there is one, else whether ``mask`` is the causal mask of ``size``."""
    if hint is not None or mask is None:
        return bool(hint)
    if tuple(mask.shape) != (size, size) or mask.is_meta:
        return False
    causal = (
        _causal_mask(size, mask.dtype, mask.device)
        if mask.is_floating_point()
        else mask.new_ones(size, size).triu(1).bool()
    )
    return bool((mask == causal).all())


def _sequence_length(x: Tensor, batch_first: bool) -> int:
    return x.shape[0] if x.dim() == 2 else x.shape[1 if batch_first else 0]


def _layers(owner: Module, layer: Any, count: int) -> ModuleList:
    if not isinstance(layer, Module):
        raise ArgumentTypeError(f"{type(owner).__name__}: expected a layer, got {type(layer).__name__}")
    return ModuleList([copy.deepcopy(layer) for _ in range(count)])


class TransformerEncoderLayer(Module):
    """Self-attention and a feed-forward net, each with dropout, a residual and layer normalisation.

    Args:
        d_model: width E.
        nhead: number of heads.
        dim_feedforward: width of the feed-forward net. Default: 2048.
        dropout: Default: 0.1.
        activation: ``"relu"`` (default), ``"gelu"`` or a function.
        layer_norm_eps: Default: 1e-5.
        batch_first: whether the batch is the first dimension. Default: ``False``.
        norm_first: normalise before attention and feed-forward instead of after. Default: ``False``.
        bias: whether linear layers and norms have biases. Default: ``True``.
        device: the CPU or "meta"; ``None`` is the default device.
        dtype: of the parameters. Default: the default dtype.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> layer = nn.TransformerEncoderLayer(d_model=16, nhead=4, dim_feedforward=32)
        >>> tuple(layer(plait.randn(10, 3, 16)).shape)
        (10, 3, 16)
    """

    @checks_arguments
    def __init__(
        self,
        d_model: Positive,
        nhead: Positive,
        dim_feedforward: Count = 2048,
        dropout: Fraction = 0.1,
        activation: Activation = F.relu,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.activation = _activation(activation)
        options = {"device": device, "dtype": dtype}
        self.self_attn = MultiheadAttention(
            d_model, nhead, dropout=dropout, bias=bias, batch_first=batch_first, **options
        )
        self.linear1 = Linear(d_model, dim_feedforward, bias=bias, **options)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, bias=bias, **options)
        self.norm_first = norm_first
        self.norm1 = LayerNorm(d_model, eps=layer_norm_eps, bias=bias, **options)
        self.norm2 = LayerNorm(d_model, eps=layer_norm_eps, bias=bias, **options)
        self.dropout1 = Dropout(dropout)
        self.dropout2 = Dropout(dropout)

    def forward(
        self,
        src: Tensor,
        src_mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        is_causal: bool = False,
    ) -> Tensor:
        """Encode (L, N, E), (N, L, E) with ``batch_first``, or (L, E); the shape is unchanged.

        Args:
            src: (S, N, E), or (N, S, E) with ``batch_first``.
            src_mask: (S, S), added to or masking the scores of the source.
            src_key_padding_mask: (N, S), true where the source is padding.
            is_causal: whether the mask is the causal one.
        """
        x = src
        if self.norm_first:
            x = x + self._sa_block(self.norm1(x), src_mask, src_key_padding_mask, is_causal)
            return x + self._ff_block(self.norm2(x))
        x = self.norm1(x + self._sa_block(x, src_mask, src_key_padding_mask, is_causal))
        return self.norm2(x + self._ff_block(x))

    def _sa_block(self, x: Tensor, mask: Tensor | None, padding: Tensor | None, is_causal: bool = False) -> Tensor:
        x = self.self_attn(x, x, x, attn_mask=mask, key_padding_mask=padding, need_weights=False, is_causal=is_causal)[
            0
        ]
        return self.dropout1(x)

    def _ff_block(self, x: Tensor) -> Tensor:
        return self.dropout2(self.linear2(self.dropout(self.activation(self.linear1(x)))))


class TransformerDecoderLayer(Module):
    """Self-attention, attention to the encoder's output and a feed-forward net.

    Arguments as for :class:`TransformerEncoderLayer`.

    Args:
        device, dtype: of the parameters.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> layer = nn.TransformerDecoderLayer(8, 2)
        >>> layer(plait.ones(5, 1, 8), plait.ones(3, 1, 8)).shape
        plait.Size([5, 1, 8])
    """

    @checks_arguments
    def __init__(
        self,
        d_model: Positive,
        nhead: Positive,
        dim_feedforward: Count = 2048,
        dropout: Fraction = 0.1,
        activation: Activation = F.relu,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.activation = _activation(activation)
        options = {"device": device, "dtype": dtype}
        self.self_attn = MultiheadAttention(
            d_model, nhead, dropout=dropout, bias=bias, batch_first=batch_first, **options
        )
        self.multihead_attn = MultiheadAttention(
            d_model, nhead, dropout=dropout, bias=bias, batch_first=batch_first, **options
        )
        self.linear1 = Linear(d_model, dim_feedforward, bias=bias, **options)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, bias=bias, **options)
        self.norm_first = norm_first
        self.norm1 = LayerNorm(d_model, eps=layer_norm_eps, bias=bias, **options)
        self.norm2 = LayerNorm(d_model, eps=layer_norm_eps, bias=bias, **options)
        self.norm3 = LayerNorm(d_model, eps=layer_norm_eps, bias=bias, **options)
        self.dropout1 = Dropout(dropout)
        self.dropout2 = Dropout(dropout)
        self.dropout3 = Dropout(dropout)

    def forward(
        self,
        tgt: Tensor,
        memory: Tensor,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        tgt_is_causal: bool = False,
        memory_is_causal: bool = False,
    ) -> Tensor:
        """Decode ``tgt``, attending to ``memory``, the encoder's output; the shape is that of ``tgt``.

        Args:
            tgt_mask: (T, T), the same for the target.
            memory_mask: (T, S), from the target to the source.
            tgt_key_padding_mask: (N, T), true where the target is padding.
            memory_key_padding_mask: (N, S), true where the memory is padding.
            tgt_is_causal: whether ``tgt_mask`` is the causal one.
            memory_is_causal: whether ``memory_mask`` is the causal one.
        """
        x = tgt
        if self.norm_first:
            x = x + self._sa_block(self.norm1(x), tgt_mask, tgt_key_padding_mask, tgt_is_causal)
            x = x + self._mha_block(self.norm2(x), memory, memory_mask, memory_key_padding_mask, memory_is_causal)
            return x + self._ff_block(self.norm3(x))
        x = self.norm1(x + self._sa_block(x, tgt_mask, tgt_key_padding_mask, tgt_is_causal))
        x = self.norm2(x + self._mha_block(x, memory, memory_mask, memory_key_padding_mask, memory_is_causal))
        return self.norm3(x + self._ff_block(x))

    def _sa_block(self, x: Tensor, mask: Tensor | None, padding: Tensor | None, is_causal: bool = False) -> Tensor:
        x = self.self_attn(x, x, x, attn_mask=mask, key_padding_mask=padding, is_causal=is_causal, need_weights=False)[
            0
        ]
        return self.dropout1(x)

    def _mha_block(
        self,
        x: Tensor,
        memory: Tensor,
        mask: Tensor | None,
        padding: Tensor | None,
        is_causal: bool = False,
    ) -> Tensor:
        x = self.multihead_attn(
            x,
            memory,
            memory,
            attn_mask=mask,
            key_padding_mask=padding,
            is_causal=is_causal,
            need_weights=False,
        )[0]
        return self.dropout2(x)

    def _ff_block(self, x: Tensor) -> Tensor:
        return self.dropout3(self.linear2(self.dropout(self.activation(self.linear1(x)))))


class TransformerEncoder(Module):
    """A stack of encoder layers.

    Args:
        encoder_layer: copied ``num_layers`` times, values included.
        num_layers: number of layers.
        norm: applied at the end. Default: none.
        enable_nested_tensor: accepted for existing programs.
        mask_check: accepted for existing programs.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> layer = nn.TransformerEncoderLayer(16, 4, 32, batch_first=True)
        >>> tuple(nn.TransformerEncoder(layer, 2)(plait.randn(3, 10, 16)).shape)
        (3, 10, 16)
    """

    @checks_arguments
    def __init__(
        self,
        encoder_layer: TransformerEncoderLayer,
        num_layers: Count,
        norm: Module | None = None,
        enable_nested_tensor: bool = True,
        mask_check: bool = True,
    ) -> None:
        super().__init__()
        self.layers = _layers(self, encoder_layer, num_layers)
        self.num_layers = num_layers
        self.norm = norm
        self.enable_nested_tensor = enable_nested_tensor
        self.mask_check = mask_check

    def forward(
        self,
        src: Tensor,
        mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        is_causal: bool | None = None,
    ) -> Tensor:
        """Encode ``src`` with every layer in turn; arguments as for the layer.

        Args:
            mask: (S, S), added to or masking the scores.
            src_key_padding_mask: (N, S), true where the source is padding.
            is_causal: whether the mask is the causal one.
        """
        output = src
        causal = self._causal(src, mask, is_causal)
        for layer in self.layers:
            output = layer(output, src_mask=mask, src_key_padding_mask=src_key_padding_mask, is_causal=causal)
        return output if self.norm is None else self.norm(output)

    def _causal(self, src: Tensor, mask: Tensor | None, hint: bool | None) -> bool:
        attention = getattr(self.layers[0], "self_attn", None) if len(self.layers) else None
        return _is_causal(mask, hint, _sequence_length(src, getattr(attention, "batch_first", False)))


class TransformerDecoder(Module):
    """A stack of decoder layers.

    Args:
        decoder_layer: copied ``num_layers`` times, values included.
        num_layers: number of layers.
        norm: applied at the end. Default: none.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> layer = nn.TransformerDecoderLayer(8, 2, dropout=0.0)
        >>> decoder = nn.TransformerDecoder(layer, num_layers=2)
        >>> decoder(plait.ones(5, 1, 8), plait.ones(3, 1, 8)).shape
        plait.Size([5, 1, 8])
    """

    @checks_arguments
    def __init__(self, decoder_layer: TransformerDecoderLayer, num_layers: Count, norm: Module | None = None) -> None:
        super().__init__()
        self.layers = _layers(self, decoder_layer, num_layers)
        self.num_layers = num_layers
        self.norm = norm

    def forward(
        self,
        tgt: Tensor,
        memory: Tensor,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Tensor:
        """Decode ``tgt`` with every layer in turn; arguments as for the layer.

        Args:
            memory: (S, N, E), what the encoder returned.
            tgt_mask: (T, T), the same for the target.
            memory_mask: (T, S), from the target to the source.
            tgt_key_padding_mask: (N, T), true where the target is padding.
            memory_key_padding_mask: (N, S), true where the memory is padding.
            tgt_is_causal: whether ``tgt_mask`` is the causal one.
            memory_is_causal: whether ``memory_mask`` is the causal one.
        """
        output = tgt
        attention = getattr(self.layers[0], "self_attn", None) if len(self.layers) else None
        length = _sequence_length(tgt, getattr(attention, "batch_first", False))
        causal = _is_causal(tgt_mask, tgt_is_causal, length)
        for layer in self.layers:
            output = layer(
                output,
                memory,
                tgt_mask=tgt_mask,
                memory_mask=memory_mask,
                tgt_key_padding_mask=tgt_key_padding_mask,
                memory_key_padding_mask=memory_key_padding_mask,
                tgt_is_causal=causal,
                memory_is_causal=memory_is_causal,
            )
        return output if self.norm is None else self.norm(output)


class Transformer(Module):
    """Encoder and decoder.

    Args:
        d_model: width E. Default: 512.
        nhead: number of heads. Default: 8.
        num_encoder_layers: Default: 6.
        num_decoder_layers: Default: 6.
        dim_feedforward: width of the feed-forward nets. Default: 2048.
        dropout: Default: 0.1.
        activation: ``"relu"`` (default), ``"gelu"`` or a function.
        custom_encoder: used instead of the encoder described. Default: none.
        custom_decoder: used instead of the decoder described. Default: none.
        layer_norm_eps: Default: 1e-5.
        batch_first: whether the batch is the first dimension. Default: ``False``.
        norm_first: normalise before attention and feed-forward instead of after. Default: ``False``.
        bias: whether linear layers and norms have biases. Default: ``True``.
        device: the CPU or "meta"; ``None`` is the default device.
        dtype: of the parameters. Default: the default dtype.

    Matrices start from the Xavier uniform distribution.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> model = nn.Transformer(16, 4, 1, 1, 32)
        >>> tuple(model(plait.randn(10, 2, 16), plait.randn(7, 2, 16)).shape)
        (7, 2, 16)
    """

    @checks_arguments
    def __init__(
        self,
        d_model: Positive = 512,
        nhead: Positive = 8,
        num_encoder_layers: Count = 6,
        num_decoder_layers: Count = 6,
        dim_feedforward: Count = 2048,
        dropout: Fraction = 0.1,
        activation: Activation = F.relu,
        custom_encoder: Any = None,
        custom_decoder: Any = None,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        options: dict[str, Any] = {"device": device, "dtype": dtype}
        shared = (
            d_model,
            nhead,
            dim_feedforward,
            dropout,
            activation,
            layer_norm_eps,
            batch_first,
            norm_first,
            bias,
        )
        if custom_encoder is not None:
            self.encoder = custom_encoder
        else:
            self.encoder = TransformerEncoder(
                TransformerEncoderLayer(*shared, **options),
                num_encoder_layers,
                LayerNorm(d_model, eps=layer_norm_eps, bias=bias, **options),
            )
        if custom_decoder is not None:
            self.decoder = custom_decoder
        else:
            self.decoder = TransformerDecoder(
                TransformerDecoderLayer(*shared, **options),
                num_decoder_layers,
                LayerNorm(d_model, eps=layer_norm_eps, bias=bias, **options),
            )
        self._reset_parameters()
        self.d_model = d_model
        self.nhead = nhead
        self.batch_first = batch_first

    def _reset_parameters(self) -> None:
        for param in self.parameters():
            if param.dim() > 1:
                init.xavier_uniform_(param)

    def forward(
        self,
        src: Tensor,
        tgt: Tensor,
        src_mask: Tensor | None = None,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        src_is_causal: bool | None = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Tensor:
        """Encode ``src``, (S, N, E), and decode ``tgt``, (T, N, E), attending to it; returns (T, N, E).

        Args:
            src_mask: (S, S), added to or masking the scores of the source.
            tgt_mask: (T, T), the same for the target.
            memory_mask: (T, S), from the target to the source.
            src_key_padding_mask: (N, S), true where the source is padding.
            tgt_key_padding_mask: (N, T), true where the target is padding.
            memory_key_padding_mask: (N, S), true where the memory is padding.
            src_is_causal: whether ``src_mask`` is the causal one.
            tgt_is_causal: whether ``tgt_mask`` is the causal one.
            memory_is_causal: whether ``memory_mask`` is the causal one.

        Raises:
            RuntimeError: if the batch sizes differ or a width is not ``d_model``.
        """
        batched = src.dim() == 3
        axis = 0 if self.batch_first else 1
        if batched and src.shape[axis] != tgt.shape[axis]:
            raise ArgumentError(
                f"Transformer: expected src and tgt of one batch size, got {tuple(src.shape)} and {tuple(tgt.shape)}"
            )
        if src.shape[-1] != self.d_model or tgt.shape[-1] != self.d_model:
            raise ArgumentError(
                f"Transformer: expected src and tgt of width d_model={self.d_model}, got "
                f"{tuple(src.shape)} and {tuple(tgt.shape)}"
            )
        memory = self.encoder(src, mask=src_mask, src_key_padding_mask=src_key_padding_mask, is_causal=src_is_causal)
        return self.decoder(
            tgt,
            memory,
            tgt_mask=tgt_mask,
            memory_mask=memory_mask,
            tgt_key_padding_mask=tgt_key_padding_mask,
            memory_key_padding_mask=memory_key_padding_mask,
            tgt_is_causal=tgt_is_causal,
            memory_is_causal=memory_is_causal,
        )

    @staticmethod
    def generate_square_subsequent_mask(sz: int, device: Any = None, dtype: Any = None) -> Tensor:
        """The causal mask: (sz, sz), 0 on and below the diagonal, -inf above.

        Args:
            device, dtype: of the parameters.
        """
        return _causal_mask(sz, dtype)
