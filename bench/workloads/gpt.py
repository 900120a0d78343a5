# SPDX-License-Identifier: MIT
"""A small GPT: 4 layers, width 256, 8 heads, 128 tokens."""

from __future__ import annotations

from typing import Any

from . import Case, Data, train_step, workload

_LAYERS, _WIDTH, _HEADS, _TOKENS, _VOCABULARY = 4, 256, 8, 128, 1000
# Per token: the four weight matrices of a layer, the head; per sequence: causal attention, half of it needed.
_FORWARD = 2 * _TOKENS * (_LAYERS * 12 * _WIDTH**2 + _WIDTH * _VOCABULARY) + 2 * _LAYERS * _TOKENS**2 * _WIDTH


def gpt(torch: Any) -> Any:
    nn, F = torch.nn, torch.nn.functional

    class Attention(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.qkv = nn.Linear(_WIDTH, 3 * _WIDTH)
            self.out = nn.Linear(_WIDTH, _WIDTH)

        def forward(self, x: Any) -> Any:
            b, t, d = x.shape
            q, k, v = (part.view(b, t, _HEADS, d // _HEADS).transpose(1, 2) for part in self.qkv(x).split(d, dim=2))
            y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
            return self.out(y.transpose(1, 2).reshape(b, t, d))

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm1 = nn.LayerNorm(_WIDTH)
            self.attention = Attention()
            self.norm2 = nn.LayerNorm(_WIDTH)
            self.mlp = nn.Sequential(nn.Linear(_WIDTH, 4 * _WIDTH), nn.GELU(), nn.Linear(4 * _WIDTH, _WIDTH))

        def forward(self, x: Any) -> Any:
            x = x + self.attention(self.norm1(x))
            return x + self.mlp(self.norm2(x))

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.tokens = nn.Embedding(_VOCABULARY, _WIDTH)
            self.positions = nn.Embedding(_TOKENS, _WIDTH)
            self.blocks = nn.Sequential(*(Block() for _ in range(_LAYERS)))
            self.norm = nn.LayerNorm(_WIDTH)
            self.head = nn.Linear(_WIDTH, _VOCABULARY, bias=False)

        def forward(self, tokens: Any) -> Any:
            x = self.tokens(tokens) + self.positions(torch.arange(tokens.shape[1]))
            return self.head(self.norm(self.blocks(x)))

    return Model()


@workload("train", "gpt 4 x 256, 8 heads, AdamW, batch 8 x 128", flops=8 * 3 * _FORWARD)
def training(torch: Any, data: Data) -> Case:
    model = gpt(torch)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-4)
    x, y = data.integers(_VOCABULARY, 8, _TOKENS), data.integers(_VOCABULARY, 8, _TOKENS)

    def loss() -> Any:
        return torch.nn.functional.cross_entropy(model(x).flatten(0, 1), y.flatten())

    return Case(train_step(optimizer, loss), [model])


@workload("inference", "gpt 4 x 256, inference, batch 1 x 128", flops=_FORWARD)
def inference(torch: Any, data: Data) -> Case:
    model = gpt(torch).eval()
    x = data.integers(_VOCABULARY, 1, _TOKENS)

    def step() -> Any:
        with torch.no_grad():
            return model(x)

    return Case(step, [model])
