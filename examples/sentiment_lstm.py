# SPDX-License-Identifier: MIT
"""Tells praise from blame in sentences of film reviews, with a bidirectional LSTM over packed sequences.

    python examples/sentiment_lstm.py --data DIR

DIR holds sst2.train, sst2.dev and sst2.test, a sentence a line after its label: 1 (praise) or 0. The default is the
folder sst2 in $PLAIT_DATA. Sentences have 2 to 50 words. Padded to one length, the LSTM would run over nothing most of
the time, and its last state would be that of the padding; packed, each sentence ends where it ends.
Writes sentiment_lstm.safetensors (the weights) and sentiment_lstm.png (curves, and the verdict word by word).
"""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.ticker import MaxNLocator, PercentFormatter

import plait
import plait.nn as nn
import plait.nn.functional as F
from plait.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence
from plait.utils.data import DataLoader

from _report import STYLE
from _training import EpochBar, History, accuracy, data_folder, options, save_and_reload, start

PAD, UNKNOWN = 0, 1
Sentence = tuple[plait.Tensor, int]  # the words' indices (length,), and the label
Batch = tuple[plait.Tensor, plait.Tensor, plait.Tensor]
SHOWN = (
    "a gorgeous , witty and deeply moving film",
    "a dull , lifeless mess with a bad script",
    "the actors are good but the story is a tedious waste of time",
    "it starts slow and silly , but the ending is powerful and touching",
)


def read(file: Path) -> list[tuple[list[str], int]]:
    """The words and the label of each line."""
    pairs = (line.split(maxsplit=1) for line in file.read_text(encoding="utf-8").splitlines())
    return [(words.lower().split(), int(label)) for label, words in pairs]


def collate(batch: list[Sentence]) -> Batch:
    """Sentences of any lengths to words (N, longest), lengths (N,) and labels (N,)."""
    words, labels = zip(*batch)
    lengths = plait.tensor([len(sentence) for sentence in words])
    return pad_sequence(words, batch_first=True, padding_value=PAD), lengths, plait.tensor(labels)


class Reader(nn.Module):
    """Words (N, longest) with their lengths (N,) to scores (N, 2)."""

    def __init__(self, vocabulary: int, width: int = 100, hidden: int = 100) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width, padding_idx=PAD)
        self.lstm = nn.LSTM(width, hidden, batch_first=True, bidirectional=True)
        self.dropout = nn.Dropout(0.4)
        self.head = nn.Linear(2 * hidden, 2)

    def forward(self, words: plait.Tensor, lengths: plait.Tensor) -> plait.Tensor:
        vectors = self.dropout(self.embedding(words))
        packed = pack_padded_sequence(vectors, lengths, batch_first=True, enforce_sorted=False)
        states, _ = pad_packed_sequence(self.lstm(packed)[0], batch_first=True)  # (N, longest, 2 * hidden)
        # The strongest state of the sentence counts, wherever it stands; padding must not be the strongest.
        padding = (words == PAD).unsqueeze(2)
        strongest = states.masked_fill(padding, float("-inf")).max(dim=1).values
        return self.head(self.dropout(strongest))


@plait.no_grad()
def predict(model: Reader, sentences: list[Sentence]) -> plait.Tensor:
    """The scores (N, 2), in evaluation mode."""
    model.eval()
    return plait.cat([model(words, lengths) for words, lengths, _ in DataLoader(sentences, 200, collate_fn=collate)])


def fit(model: Reader, train: list[Sentence], dev: list[Sentence], epochs: int, batch: int, lr: float) -> History:
    """Adam under a cosine schedule. What is kept are the weights of the epoch best on the dev sentences."""
    loader = DataLoader(train, batch, shuffle=True, collate_fn=collate)
    optimizer = plait.optim.AdamW(model.parameters(), lr=lr, weight_decay=1e-2)
    schedule = plait.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=epochs * len(loader))
    labels = plait.tensor([label for _, label in dev])
    history, best = History(), {}
    began = time.perf_counter()
    for epoch in range(1, epochs + 1):
        model.train()
        seen, right, total = 0, 0.0, 0.0
        with EpochBar(loader, epoch, epochs) as bar:
            for words, lengths, targets in bar:
                # Some words are hidden, so that unknown ones are no surprise later.
                hidden = (plait.rand(words.shape) < 0.1) & (words != PAD)
                scores = model(words.masked_fill(hidden, UNKNOWN), lengths)
                loss = F.cross_entropy(scores, targets)
                optimizer.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                optimizer.step()
                schedule.step()
                seen += len(targets)
                right += accuracy(scores, targets) * len(targets)
                total += loss.item() * len(targets)
                bar.set_postfix_str(f"loss {total / seen:.3f}, accuracy {right / seen:.1%}", refresh=False)
            scores = predict(model, dev)
            bar.set_postfix_str(f"loss {total / seen:.3f}, dev accuracy {accuracy(scores, labels):.1%}")
        history.train_loss.append(total / seen)
        history.train_accuracy.append(right / seen)
        history.test_loss.append(F.cross_entropy(scores, labels).item())
        history.test_accuracy.append(accuracy(scores, labels))
        if history.test_accuracy[-1] == max(history.test_accuracy):
            best = {name: value.clone() for name, value in model.state_dict().items()}
    model.load_state_dict(best)
    history.seconds = time.perf_counter() - began
    return history


def draw(path: Path, history: History, model: Reader, index: dict[str, int], test_accuracy: float) -> None:
    """Curves, and for some sentences how the verdict moves while the sentence grows."""
    with plt.rc_context(STYLE):
        figure = plt.figure(figsize=(12, 5.4), layout="constrained")
        left, right = figure.subfigures(1, 2, width_ratios=[1, 1.9])
        loss, share = left.subplots(2, 1, sharex=True)
        epochs = range(1, len(history.train_loss) + 1)
        for axes, title, train, dev in (
            (loss, "Loss", history.train_loss, history.test_loss),
            (share, "Accuracy", history.train_accuracy, history.test_accuracy),
        ):
            axes.plot(epochs, train, color="#8a94a6", label="training (while it learns)")
            axes.plot(epochs, dev, color="#1f5fbf", linewidth=2, marker="o", markersize=3.5, label="dev")
            axes.set_title(title)
        share.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        share.xaxis.set_major_locator(MaxNLocator(integer=True))
        share.set_xlabel("epoch")
        loss.legend()
        figure.suptitle(
            f"Film reviews: {test_accuracy:.1%} of the test sentences right", x=0.01, ha="left", fontsize=14
        )
        for axes, sentence in zip(right.subplots(len(SHOWN), 1), SHOWN):
            words = sentence.split()
            numbers = plait.tensor([index.get(word, UNKNOWN) for word in words])
            beginnings = [(numbers[: length + 1], 0) for length in range(len(words))]
            praise = F.softmax(predict(model, beginnings), dim=1)[:, 1]
            colours = plt.get_cmap("RdBu")(praise.numpy())
            axes.bar(range(len(words)), praise - 0.5, bottom=0.5, color=colours, edgecolor="#667", linewidth=0.6)
            axes.axhline(0.5, color="#667", linewidth=0.8)
            axes.set(ylim=(0, 1), yticks=[0, 0.5, 1], xlim=(-0.6, 12.6))
            axes.set_yticklabels(["blame", "", "praise"], fontsize=8)
            axes.set_xticks(range(len(words)), words, fontsize=9)
            axes.grid(False)
        right.axes[0].set_title("The verdict after each word")
        figure.savefig(path, dpi=80)
        plt.close(figure)


def main() -> None:
    parser = options("sentiment_lstm.py", "Tell praise from blame in film reviews.", short={"epochs": 2},
                     epochs=10, batch_size=32, lr=3e-3)  # fmt: skip
    parser.add_argument("--data", type=Path, default=data_folder("sst2"), help="folder of the three files")
    args = parser.parse_args()
    start(args)

    texts = {part: read(args.data / f"sst2.{part}") for part in ("train", "dev", "test")}
    counts = Counter(word for words, _ in texts["train"] for word in words)
    known = [word for word, count in counts.items() if count > 1]
    index = {word: number for number, word in enumerate(known, start=2)}
    train, dev, test = (
        [(plait.tensor([index.get(word, UNKNOWN) for word in words]), label) for words, label in texts[part]]
        for part in ("train", "dev", "test")
    )
    print(f"{len(train):,} sentences to learn from, {len(index):,} words known")

    model = Reader(len(index) + 2)
    history = fit(model, train, dev, args.epochs, args.batch_size, args.lr)
    scores = predict(model, test)
    share = accuracy(scores, plait.tensor([label for _, label in test]))

    reloaded = save_and_reload(model, Reader(len(index) + 2), args.output / "sentiment_lstm.safetensors")
    assert plait.equal(predict(reloaded, test), scores), "the loaded weights give other numbers"
    figure = args.output / "sentiment_lstm.png"
    draw(figure, history, reloaded, index, share)
    print(
        f"sentiment lstm: test accuracy {share:.1%} (best on dev {max(history.test_accuracy):.1%}), "
        f"{args.epochs} epochs in {history.seconds:.1f} s, figure in {figure}"
    )


if __name__ == "__main__":
    main()
