# SPDX-License-Identifier: MIT
"""A Transformer that translates English sentences into Chinese ones, character by character.

    python -m plait examples/translate.py --data FILE

FILE has an English sentence, a tab and a Chinese one in each line; the default is tatoeba-eng-cmn/cmn.txt in
$PLAIT_DATA. Some English sentences are held out, each with all its translations. The result is BLEU over characters:
the geometric mean of the shares of runs of 1, 2, 3 and 4 characters that also stand in one of the translations, less
if the whole is shorter than they are. torchmetrics computes it (`sacre_bleu_score`, tokenize "char"); it is written for
PyTorch, which is plait here. Needs `pip install torchmetrics`.
Writes translate.safetensors (the weights) and translate.png (loss, and which words each character looked at).
"""

from __future__ import annotations

import math
import re
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchmetrics.functional.text import sacre_bleu_score
from tqdm import tqdm

from _report import STYLE, draw_curves, plt
from _text import BEGIN, END, PAD, UNKNOWN, Vocabulary, font_with, pad, run_epochs
from _training import data_folder, options, save_and_reload, start

LONGEST = 40  # characters of a translation
Pair = tuple[list[int], list[int]]


def words(english: str) -> list[str]:
    return re.findall(r"[a-z0-9']+|[^\sa-z0-9']", english.lower().replace("’", "'"))


def read(file: Path) -> dict[str, list[str]]:
    """The Chinese translations of each English sentence, in an order that is always the same."""
    translations = defaultdict(list)
    for line in file.read_text(encoding="utf-8").splitlines():
        english, chinese = line.split("\t")[:2]
        translations[english].append(chinese.replace(" ", ""))
    return translations


class DecoderLayer(nn.Module):
    """Self-attention over what is written, attention over the English words, MLP: each with a residual."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(3))
        self.own = nn.MultiheadAttention(width, heads, dropout, batch_first=True)
        self.cross = nn.MultiheadAttention(width, heads, dropout, batch_first=True)
        self.mlp = nn.Sequential(nn.Linear(width, 2 * width), nn.ReLU(), nn.Linear(2 * width, width))
        self.dropout = nn.Dropout(dropout)
        self.looked: Tensor | None = None  # the weights of the last attention over the words, when asked for

    def forward(self, x: Tensor, read: Tensor, padding: Tensor, later: Tensor, look: bool) -> Tensor:
        y = self.norms[0](x)
        x = x + self.dropout(self.own(y, y, y, attn_mask=later, need_weights=False)[0])
        y, self.looked = self.cross(self.norms[1](x), read, read, key_padding_mask=padding, need_weights=look)
        x = x + self.dropout(y)
        return x + self.dropout(self.mlp(self.norms[2](x)))


class Translator(nn.Module):
    """English (N, S) and the beginning of the Chinese (N, T) to scores of the next character (N, T, characters)."""

    def __init__(self, english: Vocabulary, chinese: Vocabulary, width: int, layers: int, dropout: float = 0.1) -> None:
        super().__init__()
        heads = 4
        self.chinese = chinese
        self.source = nn.Embedding(len(english), width, padding_idx=PAD)
        self.target = nn.Embedding(len(chinese), width, padding_idx=PAD)
        for table in (self.source, self.target):
            nn.init.normal_(table.weight, std=width**-0.5)
        layer = nn.TransformerEncoderLayer(width, heads, 2 * width, dropout, batch_first=True, norm_first=True)
        encoder = nn.TransformerEncoder(layer, layers, nn.LayerNorm(width), enable_nested_tensor=False)
        decoder = nn.ModuleList(DecoderLayer(width, heads, dropout) for _ in range(layers))
        self.layers = nn.ModuleDict({"encoder": encoder, "decoder": decoder})
        self.norm = nn.LayerNorm(width)
        self.scores = nn.Linear(width, len(chinese))
        nn.init.zeros_(self.scores.weight)
        self.dropout = nn.Dropout(dropout)
        self.register_buffer("places", sinusoids(100, width), persistent=False)

    def place(self, vectors: Tensor) -> Tensor:
        return self.dropout(vectors * math.sqrt(vectors.shape[2]) + self.places[: vectors.shape[1]])

    def encode(self, words: Tensor) -> Tensor:
        return self.layers["encoder"](self.place(self.source(words)), src_key_padding_mask=words == PAD)

    def decode(self, written: Tensor, read: Tensor, padding: Tensor, look: bool = False) -> Tensor:
        later = torch.ones(written.shape[1], written.shape[1], dtype=torch.bool).triu(1)
        x = self.place(self.target(written))
        for layer in self.layers["decoder"]:
            x = layer(x, read, padding, later, look)
        return self.scores(self.norm(x))

    def forward(self, words: Tensor, written: Tensor) -> Tensor:
        return self.decode(written, self.encode(words), words == PAD)


def sinusoids(length: int, width: int) -> Tensor:
    angle = torch.arange(length).unsqueeze(1) / 10000 ** (torch.arange(0, width, 2) / width)
    return torch.stack([angle.sin(), angle.cos()], dim=2).flatten(1)


@torch.no_grad()
def beam_search(model: Translator, sentence: list[int], beams: int) -> list[int]:
    """The best of `beams` translations grown together, by the mean of the logarithms of their chances."""
    model.eval()
    words = torch.tensor([sentence])
    read = model.encode(words).expand(beams, -1, -1)
    padding = torch.zeros(beams, len(sentence), dtype=torch.bool)
    growing: list[tuple[float, list[int]]] = [(0.0, [BEGIN])]
    ended: list[tuple[float, list[int]]] = []
    while growing and len(growing[0][1]) < LONGEST:
        written = torch.tensor([numbers for _, numbers in growing])
        scores = model.decode(written, read[: len(growing)], padding[: len(growing)])[:, -1]
        scores[:, [PAD, BEGIN, UNKNOWN]] = float("-inf")
        best, number = F.log_softmax(scores, dim=1).topk(beams, dim=1)
        grown = [
            (total + gain, [*numbers, new])
            for (total, numbers), gains, news in zip(growing, best.tolist(), number.tolist())
            for gain, new in zip(gains, news)
        ]
        grown = sorted(grown, reverse=True)[: beams - len(ended)]
        ended += [(total / len(numbers), numbers[1:-1]) for total, numbers in grown if numbers[-1] == END]
        growing = [entry for entry in grown if entry[1][-1] != END]
    ended += [(total / len(numbers), numbers[1:]) for total, numbers in growing]
    return max(ended)[1]


def loss_of(model: Translator, pairs: list[Pair]) -> Tensor:
    """Each character is guessed from those before it; a tenth of the target's chance is spread over all."""
    words, target = (pad(side) for side in zip(*pairs))
    scores = model(words, target[:, :-1]).flatten(0, 1)
    return F.cross_entropy(scores, target[:, 1:].flatten(), ignore_index=PAD, label_smoothing=0.1)


@torch.no_grad()
def loss_on(model: Translator, pairs: list[Pair]) -> float:
    model.eval()
    return loss_of(model, pairs).item()


@torch.no_grad()
def draw_attention(axes: Any, model: Translator, english: Vocabulary, sentence: str, translation: list[str]) -> None:
    """Which words each character looked at before it was written, in the last layer."""
    shown = words(sentence)
    read = torch.tensor([english.encode(shown)])
    written = model.chinese.encode(translation)[:-1]
    model.decode(torch.tensor([written]), model.encode(read), read == PAD, look=True)
    weights = (
        model.layers["decoder"][-1].looked[0, :-1, 1:-1]
        if len(written) > 1
        else model.layers["decoder"][-1].looked[0, :, 1:-1]
    )
    axes.imshow(weights, cmap="Blues", vmin=0, aspect="auto")
    axes.set_xticks(range(len(shown)), shown, fontsize=8, rotation=40, ha="right", rotation_mode="anchor")
    font = font_with("".join(translation))
    # Without a font for Chinese, the number of a character stands for it: better than an empty box.
    labels = translation if font else [f"U+{ord(character):04X}" for character in translation]
    axes.set_yticks(range(len(labels)), labels, fontproperties=font, fontsize=11 if font else 7)
    axes.tick_params(length=0)
    axes.grid(False)


def draw(path: Path, model: Translator, english: Vocabulary, curve: Any, bleu: float, shown: list[Any]) -> None:
    """Writes the figure as a PNG to `path`. `shown` are sentences with their translations."""
    with plt.rc_context(STYLE):
        figure = plt.figure(figsize=(12, 4.6), layout="constrained")
        left, *others = figure.subplots(1, 1 + len(shown), squeeze=False)[0]
        draw_curves(left, "Loss", *curve)
        for axes, (sentence, translation) in zip(others, shown):
            draw_attention(axes, model, english, sentence, translation)
        others[0].set_title("Words looked at for each character")
        figure.suptitle(f"English to Chinese: BLEU {bleu:.1f} over characters", x=0.01, ha="left", fontsize=14)
        figure.savefig(path, dpi=80)
        plt.close(figure)


def main() -> None:
    short = {"epochs": 3, "pairs": 6000, "tests": 50, "width": 128, "layers": 1}
    parser = options("translate.py", "Translate English into Chinese.", short=short, epochs=5, batch_size=64,
                     lr=3e-3)  # fmt: skip
    file = data_folder("tatoeba-eng-cmn") / "cmn.txt"
    parser.add_argument("--data", type=Path, default=file, help="file of English, tab, Chinese")
    parser.add_argument("--pairs", type=int, help="pairs to learn from, if not all")
    parser.add_argument("--tests", type=int, default=500, help="English sentences held out")
    parser.add_argument("--width", type=int, default=192)
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--beams", type=int, default=4, help="translations grown together; 1 is greedy")
    args = parser.parse_args()
    start(args)

    translations = read(args.data)
    sentences = list(translations)
    sentences = [sentences[i] for i in torch.randperm(len(sentences)).tolist()]
    tests = sentences[: args.tests]
    train = [(words(s), list(chinese)) for s in sentences[args.tests :] for chinese in translations[s]][: args.pairs]
    english, chinese = Vocabulary((pair[0] for pair in train), 2), Vocabulary((pair[1] for pair in train), 2)
    pairs = [(english.encode(one), chinese.encode(other)[: LONGEST + 2]) for one, other in train]
    held_out = [(english.encode(words(s)), chinese.encode(list(translations[s][0]))) for s in tests]
    model = Translator(english, chinese, args.width, args.layers)
    print(f"{len(pairs):,} pairs of {len(english):,} words and {len(chinese):,} characters to learn from, "
          f"{sum(p.numel() for p in model.parameters()):,} weights")  # fmt: skip

    began = time.perf_counter()
    losses: tuple[list[float], list[float]] = [], []
    settings = {"epochs": args.epochs, "batch_size": args.batch_size, "lr": args.lr, "inside": model.layers}
    for loss in run_epochs(model, pairs, lambda part: loss_of(model, part), **settings):
        losses[0].append(loss)
        losses[1].append(loss_on(model, held_out))
    seconds = time.perf_counter() - began
    fresh = Translator(english, chinese, args.width, args.layers)
    reloaded = save_and_reload(model, fresh, args.output / "translate.safetensors")
    assert loss_on(reloaded, held_out) == losses[1][-1], "the loaded weights give other numbers"

    found = [chinese.decode(beam_search(reloaded, one, args.beams)) for one, _ in tqdm(held_out, desc="beam search")]
    most = max(len(translations[s]) for s in tests)
    references = [[translations[s][min(i, len(translations[s]) - 1)] for i in range(most)] for s in tests]
    bleu = 100 * sacre_bleu_score(["".join(f) for f in found], references, tokenize="char").item()
    for sentence, translation in list(zip(tests, found))[:8]:
        print(f"{sentence}\n    {''.join(translation)}    ({translations[sentence][0]})")
    figure = args.output / "translate.png"
    middling = [both for both in zip(tests, found) if 5 <= len(words(both[0])) <= 9 and 2 <= len(both[1]) <= 12]
    draw(figure, reloaded, english, losses, bleu, middling[:3])
    print(
        f"translate: BLEU {bleu:.1f} over characters on {len(tests)} sentences held out, {args.beams} beams, "
        f"{args.epochs} epochs in {seconds:.1f} s, figure in {figure}"
    )


if __name__ == "__main__":
    main()
