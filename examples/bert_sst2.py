# SPDX-License-Identifier: MIT
"""BERT's way in small: guess hidden words first, then learn praise from blame from few labels.

    python -m plait examples/bert_sst2.py --data DIR

DIR holds sst2.train, sst2.dev and sst2.test, a sentence a line after its label: 1 (praise) or 0. The default is the
folder sst2 in $PLAIT_DATA. The net is Hugging Face's BertForMaskedLM, in small; transformers is written for PyTorch,
which is plait here. Needs `pip install transformers`.

First, some words of all training sentences are hidden and guessed from the others; no label is needed for that. The
weights are written as a Hugging Face checkpoint (the folder bert_sst2: config.json, model.safetensors, vocab.txt).
BertForSequenceClassification reads the folder and is tuned on a few sentences with labels. The same net from random
weights is trained on the same sentences in the same way. The test sentences say which of the two is better.
Writes the folder, bert_sst2_tuned (the classifier, likewise) and bert_sst2.png.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import BertConfig, BertForMaskedLM, BertForSequenceClassification

from _report import STYLE, draw_curves, plt
from _text import PAD, UNKNOWN, Vocabulary, pad, run_epochs
from _training import accuracy, data_folder, options, start

MASK = 4  # the first number of the vocabulary after PAD, BEGIN, END and UNKNOWN
MASK_TOKEN = "[MASK]"
GUESSED = ("a [MASK] and funny film", "the acting is [MASK]", "one of the [MASK] movies of the year")
Labelled = tuple[list[int], int]


def read(file: Path) -> list[tuple[list[str], int]]:
    """The words and the label of each line."""
    pairs = (line.split(maxsplit=1) for line in file.read_text(encoding="utf-8").splitlines())
    return [(words.lower().split(), int(label)) for label, words in pairs]


def hide(words: Tensor, size: int, share: float) -> tuple[Tensor, Tensor]:
    """A share of the words is to be guessed: of those, 80% become MASK, 10% another word, 10% stay as they are.

    Returns the words so changed and the targets, -100 (which the loss leaves out) where nothing is guessed.
    """
    chosen = (torch.rand(words.shape) < share) & (words > UNKNOWN)
    kind = torch.rand(words.shape)
    changed = words.masked_fill(chosen & (kind < 0.8), MASK)
    random = torch.randint(MASK + 1, size, words.shape)
    changed = torch.where(chosen & (kind > 0.9), random, changed)
    return changed, words.masked_fill(~chosen, -100)


def pretrain(model: BertForMaskedLM, sentences: list[list[int]], held_out: list[list[int]], args: Any) -> Any:
    """Masked words; the loss by epoch on sentences learned from and on others."""
    size = model.config.vocab_size

    def loss_of(part: list[tuple[list[int]]]) -> Tensor:
        words = pad(sentence for (sentence,) in part)
        hidden, targets = hide(words, size, share=0.2)
        return model(input_ids=hidden, attention_mask=words != PAD, labels=targets).loss

    curve: tuple[list[float], list[float]] = [], []
    settings = {"epochs": args.epochs, "batch_size": args.batch_size, "lr": args.lr, "name": "masked words"}
    settings["inside"] = model.bert.encoder
    for loss in run_epochs(model, [(sentence,) for sentence in sentences], loss_of, **settings):
        curve[0].append(loss)
        model.eval()
        with torch.no_grad(), torch.random.fork_rng():
            torch.manual_seed(1)  # the same words hidden each time
            curve[1].append(loss_of([(sentence,) for sentence in held_out]).item())
    return curve


@torch.no_grad()
def scores_of(model: BertForSequenceClassification, sentences: list[list[int]]) -> Tensor:
    model.eval()
    parts = [pad(sentences[at : at + 200]) for at in range(0, len(sentences), 200)]
    return torch.cat([model(input_ids=words, attention_mask=words != PAD).logits for words in parts])


def tune(model: BertForSequenceClassification, train: list[Labelled], dev: list[Labelled], args: Any, name: str) -> Any:
    """Accuracy on dev by epoch; the weights of the best epoch are kept."""
    sentences, labels = [sentence for sentence, _ in dev], torch.tensor([label for _, label in dev])

    def loss_of(part: list[Labelled]) -> Tensor:
        words = pad(sentence for sentence, _ in part)
        scores = model(input_ids=words, attention_mask=words != PAD).logits
        return F.cross_entropy(scores, torch.tensor([label for _, label in part]))

    curve, best = [], {}
    settings = {"epochs": args.tune_epochs, "batch_size": args.batch_size, "lr": args.lr / 2, "name": name}
    settings["inside"] = model.bert.encoder
    for _ in run_epochs(model, train, loss_of, **settings):
        curve.append(accuracy(scores_of(model, sentences), labels))
        if curve[-1] == max(curve):
            best = {key: value.clone() for key, value in model.state_dict().items()}
    model.load_state_dict(best)
    return curve


@torch.no_grad()
def guesses(model: BertForMaskedLM, vocabulary: Vocabulary, sentence: str, count: int = 6) -> list[tuple[str, float]]:
    """The likeliest words for the hidden one."""
    model.eval()
    words = vocabulary.encode(sentence.split())
    scores = model(input_ids=torch.tensor([words])).logits[0, words.index(MASK)]
    scores[: MASK + 1] = float("-inf")
    chance, number = scores.softmax(dim=0).topk(count)
    return list(zip(vocabulary.decode(number.tolist()), chance.tolist()))


def draw(path: Path, model: Any, vocabulary: Vocabulary, masked: Any, curves: Any, shares: Any, labels: int) -> None:
    """Writes the figure as a PNG to `path`: both trainings, and what the net guesses for hidden words."""
    with plt.rc_context(STYLE):
        figure = plt.figure(figsize=(12, 4.6), layout="constrained")
        left, right = figure.subfigures(1, 2, width_ratios=[1.9, 1])
        loss, share = left.subplots(1, 2)
        draw_curves(loss, "Hidden words: loss", *masked)
        for (name, curve), colour in zip(curves.items(), ("#1f5fbf", "#d97706")):
            text = f"{name}: {shares[name]:.1%} of the test"
            share.plot(range(1, len(curve) + 1), curve, color=colour, marker="o", markersize=3, label=text)
        share.set(title=f"Praise or blame, {labels:,} labels: right on dev", xlabel="epoch")
        share.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
        share.legend(loc="lower right")
        for axes, sentence in zip(right.subplots(len(GUESSED), 1), GUESSED):
            found = guesses(model, vocabulary, sentence)[::-1]
            axes.barh([word for word, _ in found], [chance for _, chance in found], color="#1f5fbf", height=0.7)
            axes.set_title(sentence.replace(MASK_TOKEN, "____"), fontsize=10)
            axes.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
            axes.tick_params(labelsize=8)
            axes.grid(False, axis="y")
        figure.suptitle("Masked words first, labels second", x=0.01, ha="left", fontsize=14)
        figure.savefig(path, dpi=80)
        plt.close(figure)


def main() -> None:
    short = {"epochs": 3, "tune_epochs": 4, "width": 64, "layers": 1, "labels": 1500}
    parser = options("bert_sst2.py", "Masked words, then praise or blame.", short=short, epochs=10, batch_size=32,
                     lr=2e-3)  # fmt: skip
    parser.add_argument("--data", type=Path, default=data_folder("sst2"), help="folder of the three files")
    parser.add_argument("--tune-epochs", type=int, default=6, help="passes over the sentences with labels")
    parser.add_argument("--labels", type=int, default=1000, help="sentences with labels")
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--layers", type=int, default=2)
    args = parser.parse_args()
    start(args)

    texts = {part: read(args.data / f"sst2.{part}") for part in ("train", "dev", "test")}
    vocabulary = Vocabulary((words for words, _ in texts["train"]), least=4, extra=[MASK_TOKEN])
    train, dev, test = ([(vocabulary.encode(words), label) for words, label in texts[p]] for p in texts)
    few = [train[i] for i in torch.randperm(len(train))[: args.labels].tolist()]
    config = BertConfig(
        vocab_size=len(vocabulary), hidden_size=args.width, num_hidden_layers=args.layers, num_attention_heads=4,
        intermediate_size=4 * args.width, max_position_embeddings=64, pad_token_id=PAD, num_labels=2,
        initializer_range=args.width**-0.5,  # the usual 0.02 is for a width of 768
    )  # fmt: skip
    began = time.perf_counter()
    masked = BertForMaskedLM(config)
    print(f"{len(train):,} sentences, {len(few):,} of them with labels; {masked.num_parameters():,} weights")
    curve = pretrain(masked, [sentence for sentence, _ in train], [sentence for sentence, _ in dev[:200]], args)
    folder = args.output / "bert_sst2"
    masked.save_pretrained(folder)
    (folder / "vocab.txt").write_text("\n".join(vocabulary.tokens), encoding="utf-8")

    curves, shares = {}, {}
    labels = torch.tensor([label for _, label in test])
    sentences = [sentence for sentence, _ in test]
    for name in ("masked words first", "from scratch"):
        torch.manual_seed(args.seed + 1)
        scratch = name == "from scratch"
        build = BertForSequenceClassification if scratch else BertForSequenceClassification.from_pretrained
        model = build(config if scratch else folder)
        curves[name] = tune(model, few, dev, args, name)
        scores = scores_of(model, sentences)
        shares[name] = accuracy(scores, labels)
        if not scratch:
            model.save_pretrained(args.output / "bert_sst2_tuned")
            again = BertForSequenceClassification.from_pretrained(args.output / "bert_sst2_tuned")
            assert torch.equal(scores_of(again, sentences), scores), "the loaded weights give other numbers"

    figure = args.output / "bert_sst2.png"
    draw(figure, BertForMaskedLM.from_pretrained(folder), vocabulary, curve, curves, shares, len(few))
    gain = 100 * (shares["masked words first"] - shares["from scratch"])
    print(
        f"bert sst2: test accuracy {shares['masked words first']:.1%} with masked words first, "
        f"{shares['from scratch']:.1%} from scratch, gain {gain:.1f} points with {len(few)} labels, "
        f"{time.perf_counter() - began:.1f} s, figure in {figure}"
    )


if __name__ == "__main__":
    main()
