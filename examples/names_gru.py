# SPDX-License-Identifier: MIT
"""Learns from which of 18 languages a surname comes, letter by letter, with a bidirectional GRU.

    python examples/names_gru.py --data DIR

DIR holds one file per language (Arabic.txt, Chinese.txt, ...) with one surname per line; the default is the
folder `names` in $PLAIT_DATA.
"""

from __future__ import annotations

import argparse
import os
import time
import unicodedata
from pathlib import Path

from tqdm import tqdm

import plait
import plait.nn as nn
import plait.nn.functional as F
from plait.utils.data import DataLoader, TensorDataset, random_split

ALPHABET = " 'abcdefghijklmnopqrstuvwxyz-"  # index 0 pads
LENGTH = 20


def encode(name: str) -> list[int]:
    """Letters as indices, accents dropped, padded or cut to LENGTH."""
    plain = unicodedata.normalize("NFD", name.strip().lower())
    indices = [ALPHABET.index(letter) for letter in plain if letter in ALPHABET[1:]][:LENGTH]
    return indices + [0] * (LENGTH - len(indices))


def read(folder: Path) -> tuple[list[str], TensorDataset]:
    """The languages, and all names (N, LENGTH) with the index of their language (N,)."""
    files = sorted(file for file in folder.glob("*.txt"))
    names, languages = [], []
    for language, file in enumerate(files):
        for name in file.read_text(encoding="utf-8").splitlines():
            names.append(encode(name))
            languages.append(language)
    return [file.stem for file in files], TensorDataset(plait.tensor(names), plait.tensor(languages))


class Reader(nn.Module):
    """Embedding, bidirectional GRU, and a linear layer on its output averaged over the letters."""

    def __init__(self, languages: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(len(ALPHABET), 32, padding_idx=0)
        self.gru = nn.GRU(32, 128, batch_first=True, bidirectional=True)
        self.dropout = nn.Dropout(0.3)
        self.head = nn.Linear(256, languages)

    def forward(self, letters: plait.Tensor) -> plait.Tensor:
        states, _ = self.gru(self.embedding(letters))
        real = (letters != 0).unsqueeze(2)
        mean = (states * real).sum(dim=1) / real.sum(dim=1).clamp(min=1)
        return self.head(self.dropout(mean))


def main() -> None:
    parser = argparse.ArgumentParser(description="Tell the language of a surname.")
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("PLAIT_DATA", "."), "names"))
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int)
    args = parser.parse_args()
    plait.manual_seed(args.seed)
    if args.threads is not None:
        plait.set_num_threads(args.threads)

    languages, names = read(args.data)
    held_out = len(names) // 10
    train, test = random_split(names, [len(names) - held_out, held_out])
    loader = DataLoader(train, batch_size=args.batch_size, shuffle=True)
    model = Reader(len(languages))
    optimizer = plait.optim.AdamW(model.parameters(), lr=args.lr)
    schedule = plait.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=args.epochs)

    began = time.perf_counter()
    for epoch in range(1, args.epochs + 1):
        model.train()
        with tqdm(loader, desc=f"epoch {epoch:2d}/{args.epochs}", unit="batch", ncols=100) as bar:
            for letters, language in bar:
                loss = F.cross_entropy(model(letters), language)
                optimizer.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                optimizer.step()
                bar.set_postfix_str(f"loss {loss.item():.3f}", refresh=False)
        schedule.step()

    model.eval()
    with plait.no_grad():
        right = sum(
            (model(letters).argmax(dim=1) == language).sum().item()
            for letters, language in DataLoader(test, batch_size=500)
        )
        for name in ("Nakamura", "Kowalczyk", "O'Brien", "Rossi", "Papadopoulos", "Schneider"):
            chances = F.softmax(model(plait.tensor([encode(name)])), dim=1)[0]
            best = chances.argmax().item()
            print(f"{name:14} {languages[best]} ({chances[best].item():.0%})")
    print(
        f"names: {right / len(test):.1%} of {len(test)} names held out are right, "
        f"{args.epochs} epochs in {time.perf_counter() - began:.1f} s"
    )


if __name__ == "__main__":
    main()
