# SPDX-License-Identifier: MIT
"""Summaries by a pointer-generator: a net that writes words of its own and copies others from the text.

    python -m plait examples/summarise.py

The texts are short reports which the program makes up: who beat whom, who opened what, who won which prize, among
sentences that matter less. Their names are new in each text, and most of those in the test were never seen in training:
no list of words holds them. So at each step the net mixes two distributions (See et al., 2017):

    P(word) = g * P_written(word) + (1 - g) * (attention on the places where the word stands in the text)

ROUGE-1 is the F1 of the words that summary and reference share; torchmetrics computes it, which is written for
PyTorch, which is plait here. The baseline takes the first words of the text, as many as the reference has.
Needs `pip install torchmetrics`. Writes summarise.safetensors (the weights) and summarise.png.
"""

from __future__ import annotations

import random
import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torchmetrics.functional.text.rouge import rouge_score
from tqdm import tqdm

from _report import STYLE, draw_curves, plt
from _text import BEGIN, END, PAD, UNKNOWN, Vocabulary, pad, run_epochs
from _training import options, save_and_reload, start

LONGEST = 16
Report = tuple[list[str], list[str]]  # the words of a text and of its summary

EVENTS = [
    ("{a} beat {b} {n} to {m} in {town} on {day}", "{a} beat {b} {n} to {m}"),
    ("on {day} {a} lost to {b} by {n} to {m}", "{b} beat {a} {n} to {m}"),
    ("{person} of {a} opened a new {thing} in {town} on {day}", "{a} opens a {thing} in {town}"),
    ("in {town} the company {a} said it would close its {thing}", "{a} closes its {thing} in {town}"),
    ("the prize for the best {thing} went to {person} of {town}", "{person} wins prize for {thing}"),
    ("{person} was chosen on {day} to lead the council of {town}", "{person} to lead council of {town}"),
    ("a fire in {town} destroyed the {thing} of {person}", "fire destroys {thing} in {town}"),
    ("after {n} years {person} leaves {a} for {b}", "{person} moves from {a} to {b}"),
]
ASIDES = [
    "it had rained in {other} since {before}",
    "the weather in {other} was fine",
    "many people from {other} came to see it",
    "{friend} of {other} said it was no surprise",
    "{friend} could not be asked",
    "some of them had waited since {before}",
    "nobody in {other} had expected it",
    "a year ago {friend} beat them {more} to {less} in {other}",
    "{friend} closed another {place} on {before}",
    "the prize had gone to {friend} of {other} before",
    "the mayor {friend} was not there",
]
THINGS = ["bridge", "library", "factory", "school", "museum", "theatre", "garden", "harbour", "bakery", "cinema"]
DAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


def name(source: random.Random) -> str:
    """A name of two or three syllables."""
    return "".join(
        source.choice("bdfgklmnprstvz") + source.choice("aeiou") + source.choice(["", "", "n", "r", "l", "s"])
        for _ in range(source.choice([2, 2, 3]))
    )


def report(source: random.Random) -> Report:
    """A text of an event among two or three asides, in any order, and the event's summary."""
    fill = {key: name(source) for key in ("a", "b", "town", "person", "other", "friend")}
    fill |= {"n": str(source.randint(3, 9)), "m": str(source.randint(0, 2))}
    fill |= {"more": str(source.randint(3, 9)), "less": str(source.randint(0, 2))}
    thing, place = source.sample(THINGS, 2)
    day, before = source.sample(DAYS, 2)
    fill |= {"thing": thing, "place": place, "day": day, "before": before}
    event, summary = source.choice(EVENTS)
    sentences = [event, *source.sample(ASIDES, source.choice([2, 3]))]
    source.shuffle(sentences)
    return " . ".join(sentences).format(**fill).split(), summary.format(**fill).split()


class Summariser(nn.Module):
    """GRU over the text in both directions, GRU that writes, attention, and the mixture of writing and copying."""

    def __init__(self, vocabulary: Vocabulary, width: int) -> None:
        super().__init__()
        self.size = len(vocabulary)
        self.embedding = nn.Embedding(self.size, width, padding_idx=PAD)
        self.reader = nn.GRU(width, width // 2, batch_first=True, bidirectional=True)
        self.writer = nn.GRU(width, width, batch_first=True)
        self.query = nn.Linear(width, width, bias=False)
        self.mix = nn.Sequential(nn.Linear(2 * width, width), nn.Tanh())
        self.words = nn.Linear(width, self.size)
        self.gate = nn.Linear(width, 1)

    def read(self, text: Tensor) -> tuple[Tensor, Tensor]:
        """What the text (N, S) says at each place (N, S, D), and the state to begin to write with (1, N, D)."""
        states, last = self.reader(self.embedding(known(text, self.size)))
        return states, torch.cat([last[0], last[1]], dim=1).unsqueeze(0)

    def write(self, text: Tensor, read: Tensor, state: Tensor, written: Tensor) -> tuple[Tensor, ...]:
        """Chances of the next word (N, T, size + names) after each of `written` (N, T), the new state, the attention
        (N, T, S), and the gate (N, T, 1). Words of the text that have no number are numbered from `size` on."""
        hidden, state = self.writer(self.embedding(known(written, self.size)), state)
        scores = self.query(hidden) @ read.transpose(1, 2)
        attention = scores.masked_fill((text == PAD).unsqueeze(1), float("-inf")).softmax(dim=2)
        mixed = self.mix(torch.cat([hidden, attention @ read], dim=2))
        gate = self.gate(mixed).sigmoid()
        own = gate * self.words(mixed).softmax(dim=2)
        names = max(int(text.max()) + 1 - self.size, 0)
        chances = torch.cat([own, torch.zeros(*own.shape[:2], names)], dim=2)
        places = text.unsqueeze(1).expand(attention.shape)
        return chances.scatter_add(2, places, (1 - gate) * attention), state, attention, gate

    def forward(self, text: Tensor, written: Tensor) -> Tensor:
        return self.write(text, *self.read(text), written)[0]


def known(numbers: Tensor, size: int) -> Tensor:
    """Words that have no number of their own become UNKNOWN."""
    return numbers.masked_fill(numbers >= size, UNKNOWN)


def encode(vocabulary: Vocabulary, item: Report) -> tuple[list[int], list[int], list[str]]:
    """The numbers of the text and of the summary; names get those after the vocabulary's, and are listed."""
    text, summary = item
    names = list(dict.fromkeys(word for word in text if word not in vocabulary.number))
    number = vocabulary.number | {word: len(vocabulary) + index for index, word in enumerate(names)}
    return [number[word] for word in text], [BEGIN, *(number[word] for word in summary), END], names


def loss_of(model: Summariser, part: list[Any]) -> Tensor:
    text, summary = pad(item[0] for item in part), pad(item[1] for item in part)
    chance = model(text, summary[:, :-1]).gather(2, summary[:, 1:].unsqueeze(2)).squeeze(2)
    real = summary[:, 1:] != PAD
    return -(chance.clamp(min=1e-9).log() * real).sum() / real.sum()


@torch.no_grad()
def summarise(model: Summariser, vocabulary: Vocabulary, item: Any) -> tuple[list[str], Tensor, Tensor]:
    """The likeliest word each time; with it the attention (T, S) and the gate (T,)."""
    model.eval()
    text = torch.tensor([item[0]])
    read, state = model.read(text)
    tokens = vocabulary.tokens + item[2]
    words, attentions, gates = [BEGIN], [], []
    while len(words) < LONGEST and words[-1] != END:
        chances, state, attention, gate = model.write(text, read, state, torch.tensor([words[-1:]]))
        words.append(int(chances[0, 0].argmax()))
        attentions.append(attention[0, 0])
        gates.append(gate[0, 0, 0])
    written = [word for word in words[1:] if word != END]
    count = len(written)
    return [tokens[word] for word in written], torch.stack(attentions)[:count], torch.stack(gates)[:count]


def draw(path: Path, curve: Any, scores: dict[str, float], text: list[str], found: Any) -> None:
    """Writes the figure as a PNG to `path`: losses, scores, and one summary with what it looked at."""
    words, attention, gate = found
    with plt.rc_context(STYLE):
        figure = plt.figure(figsize=(12, 6.4), layout="constrained")
        upper, lower = figure.subfigures(2, 1)
        loss, bars = upper.subplots(1, 2)
        draw_curves(loss, "Loss in nats a word", *curve)
        bars.barh(list(scores), list(scores.values()), color=["#8a94a6", "#8a94a6", "#1f5fbf"], height=0.6)
        bars.set(title="ROUGE-1 (F1) on new texts", xlim=(0, 1))
        axes = lower.subplots(1, 1)
        axes.imshow(attention, cmap="Blues", vmin=0, vmax=1, aspect="auto")
        axes.set_xticks(range(len(text)), text, fontsize=8, rotation=50, ha="right", rotation_mode="anchor")
        labels = [f"{word}  {1 - share:.0%}" for word, share in zip(words, gate.tolist())]
        axes.set_yticks(range(len(words)), labels, fontsize=9)
        axes.set_title("Where it looked for each word; the percentage is the weight of copying")
        axes.tick_params(length=0)
        axes.grid(False)
        figure.suptitle("A pointer-generator on reports about people never heard of", x=0.01, ha="left", fontsize=14)
        figure.savefig(path, dpi=80)
        plt.close(figure)


def main() -> None:
    parser = options("summarise.py", "Summarise short reports.", short={"epochs": 2, "reports": 2000},
                     epochs=3, batch_size=32, lr=4e-3)  # fmt: skip
    parser.add_argument("--data", type=Path, help="file of texts, a tab and their summaries, instead of made-up ones")
    parser.add_argument("--reports", type=int, default=4000, help="texts to learn from")
    parser.add_argument("--tests", type=int, default=300, help="texts held out")
    parser.add_argument("--width", type=int, default=96)
    args = parser.parse_args()
    start(args)

    source = random.Random(args.seed)
    if args.data is None:
        items = [report(source) for _ in range(args.reports + args.tests)]
    else:
        lines = args.data.read_text(encoding="utf-8").lower().splitlines()
        items = [(text.split(), summary.split()) for text, summary in (line.split("\t") for line in lines)]
        source.shuffle(items)
    test, train = items[: args.tests], items[args.tests :][: args.reports]

    # Words of many texts get a number; a name of one text is copied from there.
    vocabulary = Vocabulary((text + summary for text, summary in train), least=max(5, len(train) // 100))
    train_items, test_items = ([encode(vocabulary, item) for item in part] for part in (train, test))
    model = Summariser(vocabulary, args.width)
    print(
        f"{len(train):,} texts, {len(vocabulary)} words known, {sum(p.numel() for p in model.parameters()):,} weights"
    )

    began = time.perf_counter()
    curve: tuple[list[float], list[float]] = [], []
    settings = {"epochs": args.epochs, "batch_size": args.batch_size, "lr": args.lr}
    for loss in run_epochs(model, train_items, lambda part: loss_of(model, part), **settings):
        curve[0].append(loss)
        model.eval()
        with torch.no_grad():
            curve[1].append(loss_of(model, test_items).item())
    seconds = time.perf_counter() - began
    reloaded = save_and_reload(model, Summariser(vocabulary, args.width), args.output / "summarise.safetensors")
    with torch.no_grad():
        assert loss_of(reloaded.eval(), test_items).item() == curve[1][-1], "the loaded weights give other numbers"

    found = [summarise(reloaded, vocabulary, item) for item in tqdm(test_items, desc="summaries")]
    wanted = [" ".join(summary) for _, summary in test]
    candidates = {
        "first words": [" ".join(text[: len(summary)]) for text, summary in test],
        "first sentence": [" ".join(text).split(" . ")[0] for text, _ in test],
        "pointer-generator": [" ".join(words) for words, _, _ in found],
    }
    scores = {
        which: rouge_score(texts, wanted, rouge_keys="rouge1")["rouge1_fmeasure"].item()
        for which, texts in candidates.items()
    }
    for (text, summary), (words, _, _) in list(zip(test, found))[:4]:
        print(f"{' '.join(text)}\n    {' '.join(words)}    ({' '.join(summary)})")
    figure = args.output / "summarise.png"
    # The one that copies least on the whole shows best where words are written and where they are copied.
    shown = max(range(len(test)), key=lambda i: found[i][2].mean().item())
    draw(figure, curve, scores, test[shown][0], found[shown])
    print(
        f"summarise: ROUGE-1 {scores['pointer-generator']:.3f} on {len(test)} texts held out, the first words "
        f"{scores['first words']:.3f}, {args.epochs} epochs in {seconds:.1f} s, figure in {figure}"
    )


if __name__ == "__main__":
    main()
