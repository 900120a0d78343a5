# SPDX-License-Identifier: MIT
"""A small GPT that learns to write Shakespeare, letter by letter, and then writes some.

    python examples/tiny_gpt.py --data FILE

FILE is any text; the default is tinyshakespeare/input.txt in $PLAIT_DATA.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

from tqdm import tqdm

import plait
import plait.nn as nn
import plait.nn.functional as F


class Block(nn.Module):
    """Causal self-attention, then an MLP, each with LayerNorm and a residual: (B, T, D) to (B, T, D)."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1 = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def attend(self, x: plait.Tensor) -> plait.Tensor:
        b, t, d = x.shape
        q, k, v = (part.view(b, t, self.heads, d // self.heads).transpose(1, 2) for part in self.qkv(x).split(d, dim=2))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.out(y.transpose(1, 2).reshape(b, t, d))

    def forward(self, x: plait.Tensor) -> plait.Tensor:
        x = x + self.attend(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class GPT(nn.Module):
    """Tokens (B, T) to scores of the next token (B, T, vocabulary)."""

    def __init__(self, vocabulary: int, context: int, width: int, heads: int, layers: int) -> None:
        super().__init__()
        self.context = context
        self.tokens = nn.Embedding(vocabulary, width)
        self.positions = nn.Embedding(context, width)
        self.blocks = nn.Sequential(*(Block(width, heads) for _ in range(layers)))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, vocabulary, bias=False)
        for table in (self.tokens, self.positions):
            nn.init.normal_(table.weight, std=0.02)

    def forward(self, tokens: plait.Tensor) -> plait.Tensor:
        x = self.tokens(tokens) + self.positions(plait.arange(tokens.shape[1]))
        return self.head(self.norm(self.blocks(x)))

    @plait.no_grad()
    def write(self, tokens: plait.Tensor, length: int, temperature: float = 0.8) -> plait.Tensor:
        """Appends `length` tokens to (1, T), each drawn from the scores."""
        for _ in range(length):
            scores = self(tokens[:, -self.context :])[:, -1] / temperature
            tokens = plait.cat([tokens, plait.multinomial(F.softmax(scores, dim=1), 1)], dim=1)
        return tokens


def batch(text: plait.Tensor, size: int, context: int) -> tuple[plait.Tensor, plait.Tensor]:
    """`size` random pieces of the text (size, context), and the same one letter further."""
    starts = plait.randint(0, len(text) - context, (size, 1))
    pieces = text[starts + plait.arange(context + 1)]
    return pieces[:, :-1], pieces[:, 1:]


def main() -> None:
    default = Path(os.environ.get("PLAIT_DATA", "."), "tinyshakespeare", "input.txt")
    parser = argparse.ArgumentParser(description="Train a small GPT on a text and let it write.")
    parser.add_argument("--data", type=Path, default=default)
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--context", type=int, default=128)
    parser.add_argument("--width", type=int, default=128)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--heads", type=int, default=4)
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--letters", type=int, default=400, help="letters to write in the end")
    args = parser.parse_args()
    plait.manual_seed(args.seed)
    if args.threads is not None:
        plait.set_num_threads(args.threads)

    source = args.data.read_text(encoding="utf-8")
    letters = sorted(set(source))
    number = {letter: index for index, letter in enumerate(letters)}
    text = plait.tensor([number[letter] for letter in source])
    train, held_out = text[: len(text) * 9 // 10], text[len(text) * 9 // 10 :]

    model = GPT(len(letters), args.context, args.width, args.heads, args.layers)
    optimizer = plait.optim.AdamW(model.parameters(), lr=args.lr, weight_decay=0.1)
    schedule = plait.optim.lr_scheduler.OneCycleLR(optimizer, args.lr, total_steps=args.steps, pct_start=0.1)

    began = time.perf_counter()
    with tqdm(range(args.steps), unit="step", ncols=100) as bar:
        for _ in bar:
            x, y = batch(train, args.batch_size, args.context)
            loss = F.cross_entropy(model(x).flatten(0, 1), y.flatten())
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            bar.set_postfix_str(f"loss {loss.item():.3f}", refresh=False)
    seconds = time.perf_counter() - began

    model.eval()
    with plait.no_grad():
        x, y = batch(held_out, 200, args.context)
        loss = F.cross_entropy(model(x).flatten(0, 1), y.flatten())
    start = plait.tensor([[number["\n"]]])
    print("".join(letters[index] for index in model.write(start, args.letters)[0].tolist()))
    print(f"\ntiny gpt: loss on text held out {loss.item():.3f}, {args.steps} steps in {seconds:.1f} s")


if __name__ == "__main__":
    main()
