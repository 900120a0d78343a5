# SPDX-License-Identifier: MIT
"""From which of 18 languages a surname comes, letter by letter: a plain recurrent net, an LSTM and a GRU.

    python examples/names_rnn.py --data DIR

DIR holds one file per language (Arabic.txt, Chinese.txt, ...) with one surname per line; the default is the
folder `names` in $PLAIT_DATA. A tenth of the names is held out for the test. The three nets differ in their cell alone:
the plain one mixes its state anew at each letter, the other two have gates that say what to keep.
Writes names_rnn.safetensors (the best net) and names_rnn.png (learning curves, accuracy by language, single names).
"""

from __future__ import annotations

import unicodedata
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import MaxNLocator, PercentFormatter

import plait
import plait.nn as nn
import plait.nn.functional as F
from plait.utils.data import DataLoader, TensorDataset

from _report import STYLE
from _training import History, accuracy, data_folder, fit, options, predict, save_and_reload, start

ALPHABET = " 'abcdefghijklmnopqrstuvwxyz-"  # index 0 pads
LENGTH = 20
CELLS = {"RNN": nn.RNN, "LSTM": nn.LSTM, "GRU": nn.GRU}
COLOURS = {"RNN": "#8a94a6", "LSTM": "#d97706", "GRU": "#1f5fbf"}
SHOWN = ("Nakamura", "Kowalczyk", "O'Brien", "Papadopoulos")


def encode(name: str) -> list[int]:
    """Letters as indices, accents dropped, padded or cut to LENGTH."""
    plain = unicodedata.normalize("NFD", name.strip().lower())
    indices = [ALPHABET.index(letter) for letter in plain if letter in ALPHABET[1:]][:LENGTH]
    return indices + [0] * (LENGTH - len(indices))


def read(folder: Path) -> tuple[list[str], plait.Tensor, plait.Tensor]:
    """The languages, all names (N, LENGTH), and the index of the language of each (N,)."""
    files = sorted(folder.glob("*.txt"))
    names, languages = [], []
    for language, file in enumerate(files):
        for name in file.read_text(encoding="utf-8").splitlines():
            names.append(encode(name))
            languages.append(language)
    return [file.stem for file in files], plait.tensor(names), plait.tensor(languages)


class Reader(nn.Module):
    """Embedding, a recurrent net in both directions, and a linear layer on its output averaged over the letters."""

    def __init__(self, cell: str, languages: int, hidden: int = 128) -> None:
        super().__init__()
        self.embedding = nn.Embedding(len(ALPHABET), 32, padding_idx=0)
        self.recurrent = CELLS[cell](32, hidden, batch_first=True, bidirectional=True)
        self.dropout = nn.Dropout(0.3)
        self.head = nn.Linear(2 * hidden, languages)

    def forward(self, letters: plait.Tensor) -> plait.Tensor:
        states, _ = self.recurrent(self.embedding(letters))
        real = (letters != 0).unsqueeze(2)
        mean = (states * real).sum(dim=1) / real.sum(dim=1).clamp(min=1)
        return self.head(self.dropout(mean))


def draw_curves(axes: Any, histories: dict[str, History], most_common: float) -> None:
    """Accuracy on the names held out, one line a cell."""
    for cell, history in histories.items():
        epochs = range(1, len(history.test_accuracy) + 1)
        axes.plot(epochs, history.test_accuracy, color=COLOURS[cell], marker="o", markersize=3.5, label=cell)
    axes.axhline(most_common, color="#667", linewidth=0.8, linestyle=":")
    axes.text(
        0.98,
        most_common,
        "always the most common language",
        fontsize=8,
        color="#667",
        va="bottom",
        ha="right",
        transform=axes.get_yaxis_transform(),
    )
    axes.set(title="Right of the names held out", xlabel="epoch")
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.legend(loc="center right")


def draw_languages(axes: Any, languages: list[str], truth: np.ndarray, guess: np.ndarray, cell: str) -> None:
    """Share right by language, the ones with most names on top."""
    counts = np.bincount(truth, minlength=len(languages))
    order = np.argsort(counts)
    share = [np.mean(guess[truth == language] == language) if counts[language] else 0.0 for language in order]
    axes.barh(range(len(order)), share, color=COLOURS[cell], height=0.7)
    axes.set_yticks(range(len(order)), [f"{languages[i]} ({counts[i]})" for i in order], fontsize=8)
    axes.set(title=f"{cell} by language (names tested)", xlim=(0, 1))
    axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.grid(False, axis="y")


def draw_name(axes: Any, name: str, model: Reader, languages: list[str], kept: int = 4) -> None:
    """How the belief in the languages that matter moves while the name grows."""
    beginnings = plait.tensor([encode(name[: length + 1]) for length in range(len(name))])
    chances = F.softmax(predict(model, beginnings), dim=1).numpy()
    best = np.argsort(-chances.max(axis=0) - chances[-1])[:kept]
    axes.imshow(chances[:, best].T, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    axes.set_xticks(range(len(name)), list(name), fontsize=9)
    axes.set_yticks(range(len(best)), [languages[index] for index in best], fontsize=8)
    axes.tick_params(length=0)
    axes.grid(False)
    for place, index in enumerate(best):
        value = chances[-1, index]
        colour = "white" if value > 0.6 else "#334"
        axes.text(len(name) - 1, place, f"{value:.0%}", ha="center", va="center", fontsize=7, color=colour)


def draw(
    path: Path, histories: dict[str, History], languages: list[str], best: str, model: Reader, test: Any, common: float
) -> None:
    """Writes the figure as a PNG to `path`."""
    letters, truth = test
    guess = predict(model, letters).argmax(dim=1)
    with plt.rc_context(STYLE):
        figure = plt.figure(figsize=(12, 5.2), layout="constrained")
        left, right = figure.subfigures(1, 2, width_ratios=[2, 1])
        curves, bars = left.subplots(1, 2, width_ratios=[1, 0.9])
        draw_curves(curves, histories, common)
        draw_languages(bars, languages, truth.numpy(), guess.numpy(), best)
        for axes, name in zip(right.subplots(len(SHOWN), 1), SHOWN):
            draw_name(axes, name, model, languages)
        right.axes[0].set_title(f"{best}'s belief after each letter")
        share = histories[best].test_accuracy[-1]
        figure.suptitle(f"Surnames: {share:.1%} of {len(truth):,} held out are right", x=0.01, ha="left", fontsize=14)
        figure.savefig(path, dpi=80)
        plt.close(figure)


def main() -> None:
    parser = options("names_rnn.py", "Tell the language of a surname.", short={"epochs": 1}, epochs=4, batch_size=64,
                     lr=3e-3)  # fmt: skip
    parser.add_argument("--data", type=Path, default=data_folder("names"), help="folder with one file per language")
    args = parser.parse_args()
    start(args)

    languages, names, truth = read(args.data)
    order = plait.randperm(len(names))
    names, truth = names[order], truth[order]
    held_out = len(names) // 10
    test = names[:held_out], truth[:held_out]
    loader = DataLoader(TensorDataset(names[held_out:], truth[held_out:]), args.batch_size, shuffle=True)
    common = np.bincount(test[1].numpy()).max() / held_out

    histories, models = {}, {}
    for cell in CELLS:
        print(f"{cell}:")
        plait.manual_seed(args.seed)
        models[cell] = Reader(cell, len(languages))
        histories[cell] = fit(models[cell], loader, test, epochs=args.epochs, lr=args.lr)
    shares = {cell: history.test_accuracy[-1] for cell, history in histories.items()}
    print(f"\n{'cell':6} {'weights':>8} {'held out':>9} {'seconds':>8}")
    for cell, model in models.items():
        weights = sum(p.numel() for p in model.parameters())
        print(f"{cell:6} {weights:>8,} {shares[cell]:>9.1%} {histories[cell].seconds:>8.1f}")

    best = max(shares, key=shares.__getitem__)
    fresh = Reader(best, len(languages))
    reloaded = save_and_reload(models[best], fresh, args.output / "names_rnn.safetensors")
    again = accuracy(predict(reloaded, test[0]), test[1])
    assert again == shares[best], "the loaded weights give other numbers"
    figure = args.output / "names_rnn.png"
    draw(figure, histories, languages, best, reloaded, test, common)
    table = ", ".join(f"{cell} {share:.1%}" for cell, share in shares.items())
    print(
        f"names rnn: best {shares[best]:.1%} of {held_out} names held out, {table}, {args.epochs} epochs in "
        f"{sum(history.seconds for history in histories.values()):.1f} s, figure in {figure}"
    )


if __name__ == "__main__":
    main()
