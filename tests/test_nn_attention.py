# SPDX-License-Identifier: MIT
"""Attention and transformers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import plait
import plait.nn.functional as F
from plait import nn

F64 = plait.float64


def array(t: plait.Tensor) -> np.ndarray:
    return t.detach().numpy()


def randn(*shape: int) -> plait.Tensor:
    return plait.randn(*shape, dtype=F64)


def softmax(x: np.ndarray) -> np.ndarray:
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


@pytest.fixture(autouse=True)
def _seed() -> None:
    plait.manual_seed(0)


# ---- scaled dot product ----------------------------------------------------------------------------------


def test_scaled_dot_product() -> None:
    q, k, v = randn(2, 3, 5, 4), randn(2, 3, 7, 4), randn(2, 3, 7, 6)
    scores = array(q) @ array(k).swapaxes(-1, -2)
    got = F.scaled_dot_product_attention(q, k, v)
    np.testing.assert_allclose(array(got), softmax(scores / 2) @ array(v))
    got = F.scaled_dot_product_attention(q, k, v, scale=0.1)
    np.testing.assert_allclose(array(got), softmax(scores * 0.1) @ array(v))
    causal = np.where(np.tril(np.ones((5, 7))) > 0, scores / 2, -np.inf)
    got = F.scaled_dot_product_attention(q, k, v, is_causal=True)
    np.testing.assert_allclose(array(got), softmax(causal) @ array(v))
    bias = randn(5, 7)
    got = F.scaled_dot_product_attention(q, k, v, attn_mask=bias)
    np.testing.assert_allclose(array(got), softmax(scores / 2 + array(bias)) @ array(v))
    mask = bias > -0.5
    got = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
    np.testing.assert_allclose(array(got), softmax(np.where(mask.numpy(), scores / 2, -np.inf)) @ array(v))


def test_a_row_with_nothing_allowed_is_zero() -> None:
    q = randn(1, 3, 4).requires_grad_()
    mask = plait.tensor([[True, True, True], [False, False, False], [True, False, False]])
    out = F.scaled_dot_product_attention(q, q, q, attn_mask=mask)
    assert array(out)[0, 1].tolist() == [0.0] * 4
    out.sum().backward()
    assert np.isfinite(array(q.grad)).all()


def test_grouped_queries() -> None:
    q, k, v = randn(2, 6, 5, 4), randn(2, 3, 5, 4), randn(2, 3, 5, 4)
    got = F.scaled_dot_product_attention(q, k, v, enable_gqa=True)
    wide = F.scaled_dot_product_attention(q, k.repeat_interleave(2, 1), v.repeat_interleave(2, 1))
    np.testing.assert_allclose(array(got), array(wide))


def test_scaled_dot_product_gradients_and_errors() -> None:
    q, k, v = (randn(2, 3, 4).requires_grad_() for _ in range(3))
    assert plait.autograd.gradcheck(lambda *a: F.scaled_dot_product_attention(*a, is_causal=True), (q, k, v))
    with pytest.raises(ValueError, match="expected query"):
        F.scaled_dot_product_attention(q, k[..., :2], v)
    assert not np.array_equal(
        array(F.scaled_dot_product_attention(q, k, v, dropout_p=0.5)), array(F.scaled_dot_product_attention(q, k, v))
    )


# ---- multi-head attention --------------------------------------------------------------------------------


def heads_reference(layer: nn.MultiheadAttention, q: Any, k: Any, v: Any, bias: Any = 0.0) -> tuple[Any, Any]:
    """Outputs and weights per head of (N, L, E) inputs; ``bias`` is added to the scores."""
    width, count = layer.embed_dim, layer.num_heads
    w, b = array(layer.in_proj_weight), array(layer.in_proj_bias)
    q, k, v = (x @ w[i * width : (i + 1) * width].T + b[i * width : (i + 1) * width] for i, x in enumerate((q, k, v)))
    q, k, v = (x.reshape(*x.shape[:2], count, -1).swapaxes(1, 2) for x in (q, k, v))
    weights = softmax(q @ k.swapaxes(-1, -2) / math.sqrt(width // count) + bias)
    joined = (weights @ v).swapaxes(1, 2).reshape(q.shape[0], -1, width)
    return joined @ array(layer.out_proj.weight).T + array(layer.out_proj.bias), weights


@pytest.mark.parametrize("shape", [(4, 6), (1, 6), (4, 1), (2, 3, 4, 6)])
@pytest.mark.parametrize("boolean", [True, False])
def test_a_mask_and_the_causal_one_hold_together(shape: tuple[int, ...], boolean: bool) -> None:
    q, k, v = (plait.randn(2, 3, n, 5, dtype=plait.float64) for n in (4, 6, 6))
    mask = plait.rand(shape, dtype=plait.float64)
    mask = mask > 0.4 if boolean else mask
    got = F.scaled_dot_product_attention(q, k, v, mask, is_causal=True)
    earlier = np.tril(np.ones((4, 6), bool))
    scores = q.numpy() @ np.swapaxes(k.numpy(), -1, -2) / np.sqrt(5)
    scores = (
        np.where(earlier & mask.numpy(), scores, -np.inf)
        if boolean
        else np.where(earlier, scores + mask.numpy(), -np.inf)
    )
    weights = np.exp(scores - np.nan_to_num(scores.max(-1, keepdims=True), neginf=0))
    total = weights.sum(-1, keepdims=True)
    np.testing.assert_allclose(got.numpy(), weights / np.where(total > 0, total, 1) @ v.numpy(), atol=1e-12)


def test_multi_head_attention() -> None:
    layer = nn.MultiheadAttention(8, 2, batch_first=True, dtype=F64)
    layer.in_proj_bias.data.normal_()
    q, k, v = randn(3, 5, 8), randn(3, 7, 8), randn(3, 7, 8)
    expected, weights = heads_reference(layer, array(q), array(k), array(v))
    out, mean = layer(q, k, v)
    np.testing.assert_allclose(array(out), expected, atol=1e-12)
    np.testing.assert_allclose(array(mean), weights.mean(1), atol=1e-12)
    _, each = layer(q, k, v, average_attn_weights=False)
    np.testing.assert_allclose(array(each), weights, atol=1e-12)
    fast, none = layer(q, k, v, need_weights=False)
    assert none is None
    np.testing.assert_allclose(array(fast), expected, atol=1e-12)
    same, _ = layer(q, q, q)
    np.testing.assert_allclose(array(same), heads_reference(layer, *(array(q),) * 3)[0], atol=1e-12)
    shared, _ = layer(q, k, k)
    np.testing.assert_allclose(array(shared), heads_reference(layer, array(q), array(k), array(k))[0], atol=1e-12)


def test_attention_layouts_agree() -> None:
    layer = nn.MultiheadAttention(8, 2, dtype=F64)
    q, k = randn(5, 3, 8), randn(7, 3, 8)
    out, weights = layer(q, k, k)
    layer.batch_first = True
    first, first_weights = layer(q.transpose(0, 1), k.transpose(0, 1), k.transpose(0, 1))
    np.testing.assert_allclose(array(first), array(out).swapaxes(0, 1))
    np.testing.assert_allclose(array(first_weights), array(weights))
    alone, alone_weights = layer(q[:, 1], k[:, 1], k[:, 1])
    np.testing.assert_allclose(array(alone), array(out)[:, 1])
    np.testing.assert_allclose(array(alone_weights), array(weights)[1])


def test_attention_masks() -> None:
    layer = nn.MultiheadAttention(8, 2, batch_first=True, dtype=F64)
    x = randn(3, 4, 8)
    forbidden = np.triu(np.ones((4, 4), dtype=bool), 1)
    expected, _ = heads_reference(layer, *(array(x),) * 3, bias=np.where(forbidden, -np.inf, 0))
    for need_weights in (True, False):
        for mask in (plait.from_numpy(forbidden), plait.full((4, 4), -math.inf, dtype=F64).triu(1)):
            out, _ = layer(x, x, x, attn_mask=mask, need_weights=need_weights)
            np.testing.assert_allclose(array(out), expected, atol=1e-12)
    padding = plait.tensor([[False] * 4, [False, False, True, True], [False, False, False, True]])
    expected, _ = heads_reference(layer, *(array(x),) * 3, bias=np.where(padding.numpy()[:, None, None], -np.inf, 0))
    for need_weights in (True, False):
        out, _ = layer(x, x, x, key_padding_mask=padding, need_weights=need_weights)
        np.testing.assert_allclose(array(out), expected, atol=1e-12)
    per_head = randn(6, 4, 4)
    expected, _ = heads_reference(layer, *(array(x),) * 3, bias=array(per_head).reshape(3, 2, 4, 4))
    np.testing.assert_allclose(array(layer(x, x, x, attn_mask=per_head)[0]), expected, atol=1e-12)


def test_attention_options() -> None:
    layer = nn.MultiheadAttention(8, 2, kdim=3, vdim=5, add_bias_kv=True, add_zero_attn=True)
    assert list(layer.state_dict()) == [
        "q_proj_weight",
        "k_proj_weight",
        "v_proj_weight",
        "in_proj_bias",
        "bias_k",
        "bias_v",
        "out_proj.weight",
        "out_proj.bias",
    ]
    out, weights = layer(plait.randn(4, 2, 8), plait.randn(6, 2, 3), plait.randn(6, 2, 5))
    assert tuple(out.shape) == (4, 2, 8)
    assert tuple(weights.shape) == (2, 4, 8)
    np.testing.assert_allclose(array(weights).sum(-1), 1, atol=1e-5)
    plain = nn.MultiheadAttention(8, 2, bias=False)
    assert list(plain.state_dict()) == ["in_proj_weight", "out_proj.weight"]
    bound = math.sqrt(6 / (24 + 8))
    assert plain.in_proj_weight.abs().max().item() <= bound


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m, x: nn.MultiheadAttention(8, 3), "multiples of num_heads"),
        (lambda m, x: nn.MultiheadAttention(0, 1), "greater than 0"),
        (lambda m, x: m(x[..., :4], x, x), "width 8"),
        (lambda m, x: m(x, x[:, :1], x), "one length and batch size"),
        (lambda m, x: m(x, x, x, attn_mask=plait.zeros(2, 2)), "attn_mask of shape"),
        (lambda m, x: m(x, x, x, key_padding_mask=plait.zeros(2, 2)), "key_padding_mask of shape"),
        (lambda m, x: m(x, x, x, is_causal=True), "expected attn_mask with is_causal"),
        (lambda m, x: m(x, x[0], x), "2 or 3 dimensions"),
    ],
)
def test_attention_errors(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call(nn.MultiheadAttention(8, 2), plait.zeros(5, 3, 8))


# ---- transformers ----------------------------------------------------------------------------------------


def layer_norm(x: np.ndarray) -> np.ndarray:
    return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5)


@pytest.mark.parametrize("norm_first", [False, True])
def test_encoder_layer(norm_first: bool) -> None:
    layer = nn.TransformerEncoderLayer(8, 2, 16, 0.0, batch_first=True, norm_first=norm_first, dtype=F64)
    x = array(randn(3, 5, 8))

    def attend(x: np.ndarray) -> np.ndarray:
        return heads_reference(layer.self_attn, x, x, x)[0]

    def feed_forward(x: np.ndarray) -> np.ndarray:
        hidden = np.maximum(x @ array(layer.linear1.weight).T + array(layer.linear1.bias), 0)
        return hidden @ array(layer.linear2.weight).T + array(layer.linear2.bias)

    if norm_first:
        y = x + attend(layer_norm(x))
        y = y + feed_forward(layer_norm(y))
    else:
        y = layer_norm(x + attend(x))
        y = layer_norm(y + feed_forward(y))
    np.testing.assert_allclose(array(layer(plait.from_numpy(x))), y, atol=1e-10)


def test_causal_encoder_does_not_see_the_future() -> None:
    encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 2).eval()
    mask = nn.Transformer.generate_square_subsequent_mask(6)
    assert mask[0].tolist() == [0.0] + [-math.inf] * 5
    x = plait.randn(2, 6, 8)
    y = x.clone()
    y[:, 4:] = 9.0
    before, after = array(encoder(x, mask)), array(encoder(y, mask, is_causal=True))
    np.testing.assert_allclose(before[:, :4], after[:, :4], atol=1e-5)
    assert not np.allclose(before[:, 4:], after[:, 4:])


def test_layers_of_a_stack_are_copies() -> None:
    layer = nn.TransformerDecoderLayer(8, 2, 16)
    stack = nn.TransformerDecoder(layer, 2, nn.LayerNorm(8))
    assert stack.layers[0].linear1.weight is not stack.layers[1].linear1.weight
    np.testing.assert_array_equal(array(stack.layers[0].linear1.weight), array(layer.linear1.weight))
    assert tuple(stack(plait.randn(4, 2, 8), plait.randn(6, 2, 8)).shape) == (4, 2, 8)


def test_transformer() -> None:
    model = nn.Transformer(8, 2, 1, 2, 16, dropout=0.0, activation="gelu", batch_first=True, bias=False)
    src, tgt = plait.randn(3, 6, 8), plait.randn(3, 4, 8)
    mask = model.generate_square_subsequent_mask(4)
    out = model(src, tgt, tgt_mask=mask, src_key_padding_mask=plait.zeros(3, 6, dtype=plait.bool))
    assert tuple(out.shape) == (3, 4, 8)
    out.sum().backward()
    assert all(p.grad is not None for p in model.parameters())
    assert "encoder.layers.0.self_attn.in_proj_weight" in model.state_dict()
    assert "decoder.layers.1.multihead_attn.out_proj.weight" in model.state_dict()
    assert not any(name.endswith("bias") for name in model.state_dict())
    with pytest.raises(RuntimeError, match="one batch size"):
        model(src[:2], tgt)
    with pytest.raises(RuntimeError, match="d_model=8"):
        model(plait.zeros(3, 6, 4), tgt)
    with pytest.raises(RuntimeError, match="relu/gelu"):
        nn.TransformerEncoderLayer(8, 2, activation="tanh")
