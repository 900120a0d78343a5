# SPDX-License-Identifier: MIT
"""A small GPT that learns to write Shakespeare, letter by letter, and then writes some.

    python examples/tiny_gpt.py --data FILE

FILE is any text; the default is tinyshakespeare/input.txt in $PLAIT_DATA. The last tenth is held out. The net reads
a piece of text and, after each letter, says how likely each letter is to come next. The loss is the mean of -log of the
chance given to the one that came: log 65 = 4.17 for pure guessing among 65 letters.
Writes tiny_gpt.safetensors (the weights) and tiny_gpt.png (loss, where heads look, a text by its certainty).
"""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from tqdm import tqdm

import plait
import plait.nn as nn
import plait.nn.functional as F

from _report import STYLE
from _training import data_folder, options, save_and_reload, start


class Block(nn.Module):
    """Causal self-attention, then an MLP, each with LayerNorm and a residual: (B, T, D) to (B, T, D)."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1 = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        self.norm2 = nn.LayerNorm(width)
        self.up = nn.Linear(width, 4 * width, bias=False)
        self.down = nn.Linear(4 * width, width, bias=False)
        for last in (self.out, self.down):
            nn.init.zeros_(last.weight)  # at first each block passes on what it gets

    def queries_keys_values(self, x: plait.Tensor) -> list[plait.Tensor]:
        """Three of (B, heads, T, D / heads); a letter's place turns its queries and keys, as rotate() says."""
        b, t, d = x.shape
        parts = self.qkv(self.norm1(x)).split(d, dim=2)
        q, k, v = (part.view(b, t, self.heads, d // self.heads).transpose(1, 2) for part in parts)
        return [rotate(q), rotate(k), v]

    def forward(self, x: plait.Tensor) -> plait.Tensor:
        y = F.scaled_dot_product_attention(*self.queries_keys_values(x), is_causal=True)
        x = x + self.out(y.transpose(1, 2).reshape(x.shape))
        return x + self.down(F.gelu(self.up(self.norm2(x)), approximate="tanh"))

    def weights(self, x: plait.Tensor) -> plait.Tensor:
        """How much each letter looks at each earlier one: (B, heads, T, T), rows sum to 1."""
        q, k, _ = self.queries_keys_values(x)
        scores = q @ k.transpose(2, 3) / math.sqrt(q.shape[3])
        later = plait.ones(scores.shape[2:], dtype=plait.bool).triu(1)
        return scores.masked_fill(later, float("-inf")).softmax(dim=3)


def rotate(x: plait.Tensor) -> plait.Tensor:
    """Turns the pairs (x_i, x_{i+n/2}) of (B, heads, T, n) by angles t / 1000^(2i/n), so that a query times a key
    depends on their distance alone (Su et al., "RoFormer", 2021)."""
    t, half = x.shape[2], x.shape[3] // 2
    angle = plait.arange(t).float().unsqueeze(1) * 1000.0 ** (-plait.arange(half).float() / half)
    cos, sin = angle.cos(), angle.sin()
    a, b = x.chunk(2, dim=3)
    return plait.cat([a * cos - b * sin, a * sin + b * cos], dim=3)


class GPT(nn.Module):
    """Letters (B, T) to scores of the next letter (B, T, vocabulary)."""

    def __init__(self, vocabulary: int, width: int, heads: int, layers: int) -> None:
        super().__init__()
        self.vocabulary = vocabulary
        self.letters = nn.Embedding(vocabulary, width)
        self.pairs = nn.Embedding(vocabulary * vocabulary, width)  # a letter together with the one before it
        self.blocks = nn.Sequential(*(Block(width, heads) for _ in range(layers)))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, vocabulary, bias=False)
        nn.init.normal_(self.letters.weight, std=0.1)
        nn.init.normal_(self.pairs.weight, std=0.02)
        nn.init.zeros_(self.head.weight)

    def embed(self, letters: plait.Tensor) -> plait.Tensor:
        before = F.pad(letters[:, :-1], (1, 0))
        return self.letters(letters) + self.pairs(before * self.vocabulary + letters)

    def forward(self, letters: plait.Tensor) -> plait.Tensor:
        return self.head(self.norm(self.blocks(self.embed(letters))))

    @plait.no_grad()
    def write(self, letters: list[int], length: int, context: int, temperature: float) -> list[float]:
        """Appends `length` letters, each drawn from the scores; returns the chance each one had."""
        chances = []
        for _ in range(length):
            chance = F.softmax(self(plait.tensor([letters[-context:]]))[0, -1] / temperature, dim=0)
            letters.append(int(plait.multinomial(chance, 1)))
            chances.append(chance[letters[-1]].item())
        return chances


def batch(text: plait.Tensor, size: int, context: int) -> tuple[plait.Tensor, plait.Tensor]:
    """`size` random pieces of the text (size, context), and the same one letter further."""
    starts = plait.randint(0, len(text) - context, (size, 1))
    pieces = text[starts + plait.arange(context + 1)]
    return pieces[:, :-1], pieces[:, 1:]


@plait.no_grad()
def loss_on(model: GPT, text: plait.Tensor, context: int) -> float:
    """The mean loss over the text, cut into pieces of `context` letters."""
    model.eval()
    count = (len(text) - 1) // context
    read, target = (text[shift : shift + count * context].view(count, context) for shift in (0, 1))
    losses = [
        F.cross_entropy(model(x).flatten(0, 1), y.flatten(), reduction="sum").item()
        for x, y in zip(read.split(100), target.split(100))
    ]
    return sum(losses) / (count * context)


def fit(model: GPT, train: plait.Tensor, held_out: plait.Tensor, args: Any) -> dict[int, tuple[float, float]]:
    """Training and validation loss (on a part of the text held out) after some steps, by step."""
    matrices = [p for p in model.blocks.parameters() if p.dim() == 2]
    others = [p for p in model.parameters() if all(p is not m for m in matrices)]
    optimizers = [
        # Muon learns the matrices inside faster than Adam does; its steps are scaled to the size of Adam's.
        plait.optim.Muon(matrices, lr=args.lr, weight_decay=0.1, adjust_lr_fn="match_rms_adamw"),
        plait.optim.AdamW(others, lr=args.lr, betas=(0.9, 0.99), weight_decay=0.01),
    ]
    steps = args.epochs * len(train) // (args.batch_size * args.context)
    every = max(1, steps // 20)
    # Up in the first steps, level, then straight down to nothing.
    rate = [min(1.0, (step + 1) / 20, (steps - step) / (0.7 * steps)) for step in range(steps + 1)]
    schedules = [plait.optim.lr_scheduler.LambdaLR(optimizer, lambda step: rate[step]) for optimizer in optimizers]
    curve, losses, held_out_loss = {}, [], math.nan
    with tqdm(range(1, steps + 1), unit="step", ncols=100) as bar:
        for step in bar:
            model.train()
            x, y = batch(train, args.batch_size, args.context)
            loss = F.cross_entropy(model(x).flatten(0, 1), y.flatten())
            model.zero_grad()
            loss.backward()
            for update in (*optimizers, *schedules):
                update.step()
            losses.append(loss.item())
            if step % every == 0 or step == steps:
                held_out_loss = loss_on(model, held_out[: 50 * args.context + 1], args.context)
                curve[step] = sum(losses[-every:]) / every, held_out_loss
            bar.set_postfix_str(f"loss {losses[-1]:.3f}, held out {held_out_loss:.3f}", refresh=False)
    return curve


def draw_attention(axes: Any, letters: str, weights: plait.Tensor, title: str) -> None:
    axes.imshow(weights.sqrt(), cmap="Blues", vmin=0, vmax=1)
    for ticks in (axes.set_xticks, axes.set_yticks):
        ticks(range(len(letters)), letters.replace("\n", "¶"), fontsize=7)
    axes.set_title(title)
    axes.tick_params(length=0)
    axes.grid(False)


def draw_text(axes: Any, letters: str, chances: list[float], columns: int = 62, rows: int = 12) -> None:
    """The letters on a ground that is the darker the less certain the net was."""
    row = column = 0
    for letter, chance in zip(letters, chances):
        if letter == "\n" or column == columns:
            row, column = row + 1, 0
        if row == rows:
            break
        if letter != "\n":
            axes.add_patch(plt.Rectangle((column, row), 1, 1, color=plt.get_cmap("Oranges")(0.6 * (1 - chance))))
            axes.text(column + 0.5, row + 0.55, letter, ha="center", va="center", family="monospace", fontsize=9)
            column += 1
    axes.set(xlim=(0, columns), ylim=(rows, 0), title="What it writes; the darker, the less it was sure of the letter")
    axes.set_axis_off()


@plait.no_grad()
def draw(path: Path, model: GPT, curve: Any, loss: float, piece: str, numbers: Any, text: str, chances: Any) -> None:
    """Writes the figure as a PNG to `path`. `numbers` are the letters of `piece`."""
    heads = model.blocks[-1].weights(model.blocks[:-1](model.embed(numbers)))[0]
    near = [head.diagonal(-1).mean().item() for head in heads]  # how much each looks at the letter before
    with plt.rc_context(STYLE):
        figure = plt.figure(figsize=(12, 7.2), layout="constrained")
        upper, lower = figure.subfigures(2, 1, height_ratios=[1.7, 1])
        axes = upper.subplots(1, 3)
        for part, colour in enumerate(("#8a94a6", "#1f5fbf")):
            label = ("training (while it learns)", "held out, its first pieces")[part]
            axes[0].plot(list(curve), [both[part] for both in curve.values()], color=colour, label=label)
        axes[0].set(title="Loss in nats a letter", xlabel="step")
        axes[0].legend()
        draw_attention(axes[1], piece, heads[near.index(max(near))], "A head that looks close by (last block)")
        draw_attention(axes[2], piece, heads[near.index(min(near))], "A head that looks further")
        draw_text(lower.subplots(1, 1), text, chances)
        figure.suptitle(f"Letters of Shakespeare: {loss:.3f} nats on text held out", x=0.01, ha="left", fontsize=14)
        figure.savefig(path, dpi=80)
        plt.close(figure)


def main() -> None:
    short = {"epochs": 1, "width": 64, "layers": 2, "context": 64, "letters": 100}
    parser = options("tiny_gpt.py", "Train a small GPT on a text and let it write.", short=short,
                     epochs=5, batch_size=32, lr=4e-3)  # fmt: skip
    parser.add_argument("--data", type=Path, default=data_folder("tinyshakespeare") / "input.txt", help="a text")
    parser.add_argument("--context", type=int, default=128, help="letters it looks back at most")
    for name, default in (("width", 192), ("layers", 4), ("heads", 4)):
        parser.add_argument(f"--{name}", type=int, default=default, help="of the net")
    parser.add_argument("--temperature", type=float, default=0.8, help="below 1 it writes what it is surer of")
    parser.add_argument("--letters", type=int, default=600, help="letters to write in the end")
    args = parser.parse_args()
    start(args)

    source = args.data.read_text(encoding="utf-8")
    letters = sorted(set(source))
    number = {letter: index for index, letter in enumerate(letters)}
    text = plait.tensor([number[letter] for letter in source])
    train, held_out = text[: len(text) * 9 // 10], text[len(text) * 9 // 10 :]
    model = GPT(len(letters), args.width, args.heads, args.layers)
    print(f"{len(train):,} letters to learn from, {sum(p.numel() for p in model.parameters()):,} weights")

    began = time.perf_counter()
    curve = fit(model, train, held_out, args)
    seconds = time.perf_counter() - began
    loss = loss_on(model, held_out, args.context)
    fresh = GPT(len(letters), args.width, args.heads, args.layers)
    reloaded = save_and_reload(model, fresh, args.output / "tiny_gpt.safetensors")
    assert loss_on(reloaded, held_out, args.context) == loss, "the loaded weights give other numbers"

    written = [number["\n"]] if "\n" in number else [0]
    chances = reloaded.write(written, args.letters, args.context, args.temperature)
    words = "".join(letters[index] for index in written[1:])
    print(words)
    figure = args.output / "tiny_gpt.png"
    start_of_it = source[len(train) : len(train) + 36]
    draw(figure, reloaded, curve, loss, start_of_it, held_out[None, :36], words, chances)
    print(f"\ntiny gpt: validation loss {loss:.3f}, {max(curve)} steps in {seconds:.1f} s, figure in {figure}")


if __name__ == "__main__":
    main()
