# SPDX-License-Identifier: MIT
"""What the examples on texts share: vocabularies, padding, batches of like lengths, a font for what is drawn."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

import matplotlib.ft2font
from matplotlib import font_manager
from tqdm import tqdm

import plait
import plait.nn as nn
from plait.nn.utils.rnn import pad_sequence

PAD, BEGIN, END, UNKNOWN = range(4)
Item = TypeVar("Item")


class Vocabulary:
    """Numbers, from 4 on, for the tokens `extra` and those that occur at least `least` times, the commonest first."""

    def __init__(self, texts: Iterable[Iterable[str]], least: int = 1, extra: Iterable[str] = ()) -> None:
        counts = Counter(token for text in texts for token in text)
        found = [token for token, count in counts.most_common() if count >= least]
        self.tokens = ["", "", "", "?", *extra, *found]
        self.number = {token: number for number, token in enumerate(self.tokens[4:], start=4)}

    def __len__(self) -> int:
        return len(self.tokens)

    def encode(self, tokens: Iterable[str]) -> list[int]:
        """BEGIN, the numbers, END."""
        return [BEGIN, *(self.number.get(token, UNKNOWN) for token in tokens), END]

    def decode(self, numbers: Iterable[int]) -> list[str]:
        return [self.tokens[number] for number in numbers]


def pad(sequences: Iterable[list[int]]) -> plait.Tensor:
    """Sequences of any lengths as (N, longest), filled up with PAD."""
    return pad_sequence([plait.tensor(s) for s in sequences], batch_first=True, padding_value=PAD)


def batches(items: list[Item], size: int, length: Callable[[Item], Any]) -> list[list[Item]]:
    """Shuffled batches of items of like lengths, so that little of a batch is padding."""
    order = plait.randperm(len(items)).tolist()
    pools = [order[at : at + 40 * size] for at in range(0, len(order), 40 * size)]
    order = [i for pool in pools for i in sorted(pool, key=lambda i: length(items[i]))]
    result = [[items[i] for i in order[at : at + size]] for at in range(0, len(order), size)]
    return [result[i] for i in plait.randperm(len(result)).tolist()]


def two_optimizers(model: nn.Module, inside: nn.Module | None, lr: float) -> list[plait.optim.Optimizer]:
    """AdamW for all weights but the matrices of `inside`; for these Muon, its steps scaled to the size of AdamW's."""
    matrices = [p for p in inside.parameters() if p.dim() == 2] if inside is not None else []
    others = [p for p in model.parameters() if all(p is not m for m in matrices)]
    optimizers = [plait.optim.AdamW(others, lr=lr, betas=(0.9, 0.98), weight_decay=0.01)]
    if matrices:
        optimizers.append(plait.optim.Muon(matrices, lr=lr, weight_decay=0.1, adjust_lr_fn="match_rms_adamw"))
    return optimizers


def run_epochs(
    model: nn.Module,
    items: list[Item],
    loss_of: Callable[[list[Item]], plait.Tensor],
    *,
    epochs: int,
    batch_size: int,
    lr: float,
    inside: nn.Module | None = None,
    name: str = "epoch",
) -> Iterator[float]:
    """Trains, the rate up for a sixth of the steps and down along a cosine; yields each epoch's mean loss.

    `items` are tuples of sequences, and batches are made of like ones; `loss_of` gives the loss of a batch. AdamW
    trains all but the matrices of `inside`, the part between embeddings and scores: Muon learns those faster.
    """

    def length(item: Any) -> int:
        return sum(len(part) for part in item if hasattr(part, "__len__"))

    def rate(progress: float) -> float:
        return min(6 * progress + 1e-2, 0.5 + 0.5 * math.cos(math.pi * max(0.0, progress - 1 / 6) * 6 / 5))

    optimizers = two_optimizers(model, inside, lr)
    steps = epochs * -(-len(items) // batch_size)
    schedules = [
        plait.optim.lr_scheduler.LambdaLR(optimizer, lambda step: rate(step / steps)) for optimizer in optimizers
    ]
    for epoch in range(1, epochs + 1):
        model.train()
        total = 0.0
        parts = batches(items, batch_size, length)
        with tqdm(parts, desc=f"{name} {epoch:2d}/{epochs}", unit="batch", ncols=100) as bar:
            for count, part in enumerate(bar, start=1):
                loss = loss_of(part)
                model.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                for update in (*optimizers, *schedules):
                    update.step()
                total += loss.item()
                bar.set_postfix_str(f"loss {total / count:.3f}", refresh=False)
        yield total / len(parts)


def font_with(letters: str) -> font_manager.FontProperties | None:
    """A font of this machine that has all the letters, if there is one."""
    wanted = {ord(letter) for letter in letters}
    for entry in font_manager.fontManager.ttflist:
        if entry.name.startswith("Last Resort"):  # it has a box for every letter
            continue
        try:
            font = matplotlib.ft2font.FT2Font(entry.fname)
        except (OSError, RuntimeError):
            continue
        if all(font.get_char_index(code) for code in wanted):
            return font_manager.FontProperties(fname=entry.fname)
    return None
