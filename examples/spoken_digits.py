# SPDX-License-Identifier: MIT
"""Writes down strings of spoken digits: mel features, a small recurrent net, the CTC loss, beam search.

    python examples/spoken_digits.py --data DIR

DIR holds fsdd.npz, 3,000 recordings of single digits by six speakers (the default is the folder fsdd in $PLAIT_DATA).
Recordings of one speaker are joined to strings of 1 to 5 digits with pauses between. The net sees 50 slices of sound a
second and gives each the probabilities of ten digits and of "blank"; nobody tells it where a digit begins. The CTC loss
(Graves et al., 2006) sums the probabilities of all ways to spread the string over the slices, and beam search finds the
string with the largest such sum. The recordings 0 to 4 of each digit and speaker are never trained on.
Writes spoken_digits.safetensors (the weights) and spoken_digits.png (curves, errors, a string and its alignment).
"""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.ticker import ScalarFormatter
from tqdm import tqdm

import plait as torch
import plait.nn as nn
import plait.nn.functional as F
from plait.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from _report import STYLE, plt
from _speech import BLANK, HOP, MELS, RATE, beam_search, error_rate, features, greedy, hide
from _training import EpochBar, data_folder, options, save_and_reload, start

Recording = tuple[np.ndarray, int]  # the sound and the digit
Batch = tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]


@dataclass
class String:
    """A sound (samples,), its digits, where each begins and ends (in samples), and who speaks."""

    sound: torch.Tensor
    digits: list[int]
    spans: list[tuple[int, int]]
    speaker: str


def load(file: Path, train: bool) -> dict[str, list[Recording]]:
    """The recordings of each speaker."""
    data = np.load(file)
    sounds = np.split(data["audio"].astype(np.float32), np.cumsum(data["length"])[:-1])
    spoken = defaultdict(list)
    for sound, digit, speaker, index in zip(sounds, data["label"], data["speaker"], data["index"], strict=True):
        if (index >= 5) == train:
            spoken[str(speaker)].append((sound / np.abs(sound).max(), int(digit)))
    return spoken


def join(rng: np.random.Generator, speaker: str, recordings: list[Recording], longest: int, vary: bool) -> String:
    """1 to `longest` recordings with pauses; `vary` changes speed (and with it pitch) and loudness."""
    parts, digits, spans, at = [], [], [], 0
    for index in rng.integers(len(recordings), size=rng.integers(1, longest + 1)):
        sound, digit = recordings[index]
        if vary:
            steps = np.arange(0, len(sound) - 1, rng.uniform(0.88, 1.14))
            sound = np.interp(steps, np.arange(len(sound)), sound) * rng.uniform(0.4, 1)
        pause = np.zeros(rng.integers(0, RATE // 5))
        parts += [pause, sound]
        spans.append((at + len(pause), at := at + len(pause) + len(sound)))
        digits.append(digit)
    whole = np.concatenate(parts)
    whole += rng.normal(scale=rng.uniform(1e-4, 2e-3) if vary else 3e-4, size=len(whole))
    return String(torch.from_numpy(whole.astype(np.float32)), digits, spans, speaker)


def strings(recordings: Any, count: int, longest: int, seed: int, vary: bool) -> list[String]:
    rng = np.random.default_rng(seed)
    return [join(rng, who, recordings[who], longest, vary) for who in rng.choice(sorted(recordings), size=count)]


def collate(batch: list[String]) -> Batch:
    """Features, their lengths, all digits end to end, and how many belong to each string."""
    counts = torch.tensor([len(one.digits) for one in batch])
    return *features([one.sound for one in batch]), torch.tensor([d for one in batch for d in one.digits]), counts


class Listener(nn.Module):
    """Features (N, MELS, T) with their lengths to log probabilities (T / 2, N, 11)."""

    def __init__(self, width: int = 96) -> None:
        super().__init__()
        self.ears = nn.Sequential(
            nn.Conv1d(MELS, width, 5, padding=2, bias=False), nn.BatchNorm1d(width), nn.ReLU(),
            nn.Conv1d(width, width, 5, stride=2, padding=2, bias=False), nn.BatchNorm1d(width), nn.ReLU(),
        )  # fmt: skip
        self.dropout = nn.Dropout(0.2)
        self.gru = nn.GRU(width, width, num_layers=2, bidirectional=True, batch_first=True, dropout=0.2)
        self.head = nn.Linear(2 * width, BLANK + 1)

    def forward(self, mel: torch.Tensor, lengths: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        heard = self.dropout(self.ears(mel)).transpose(1, 2)
        lengths = (lengths + 1) // 2
        packed = pack_padded_sequence(heard, lengths, batch_first=True, enforce_sorted=False)
        states, _ = pad_packed_sequence(self.gru(packed)[0])
        return F.log_softmax(self.head(states), dim=2), lengths


def ctc(log_p: torch.Tensor, lengths: torch.Tensor, digits: torch.Tensor, counts: torch.Tensor) -> torch.Tensor:
    return F.ctc_loss(log_p, digits, lengths, counts, blank=BLANK, zero_infinity=True)


@torch.no_grad()
def listen(model: Listener, spoken: list[String]) -> list[torch.Tensor]:
    """The log probabilities (T, 11) of each string, in evaluation mode, one at a time: padding has no say."""
    model.eval()
    return [model(*features([one.sound]))[0][:, 0] for one in spoken]


def fit(model: Listener, recordings: Any, test: list[String], args: Any) -> tuple[list[float], list[float]]:
    """AdamW with a rate that rises, then falls; new strings in every epoch. Returns losses and test errors."""
    steps = -(-args.strings // args.batch_size)
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, args.lr, args.epochs * steps, pct_start=0.15)
    said, losses, errors = [one.digits for one in test], [], []
    for epoch in range(1, args.epochs + 1):
        model.train()
        # Single digits first, then longer strings: while the net knows no digit, it learns more from short ones.
        train, total = strings(recordings, args.strings, min(epoch, args.longest), args.seed + epoch, vary=True), 0.0
        with EpochBar(range(0, args.strings, args.batch_size), epoch, args.epochs) as bar:
            for first in bar:
                mel, lengths, digits, counts = collate(train[first : first + args.batch_size])
                loss = ctc(*model(hide(mel), lengths), digits, counts)
                optimizer.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(model.parameters(), 5.0)
                optimizer.step()
                schedule.step()
                total += loss.item() / steps
            errors.append(error_rate(said, [greedy(log_p) for log_p in listen(model, test)]))
            losses.append(total)
            bar.set_postfix_str(f"loss {total:.3f}, test error {errors[-1]:.1%}")
    return losses, errors


def alignment(model: Listener, one: String) -> torch.Tensor:
    """The probability that a slice says a digit, given the string: (T, 10).

    The gradient of the CTC loss by the scores is softmax minus this probability, so autograd gives it away.
    """
    mel, lengths, digits, counts = collate([one])
    log_p, lengths = model.eval()(mel, lengths)
    scores = log_p.detach().requires_grad_()  # log_softmax of log probabilities changes nothing
    F.ctc_loss(F.log_softmax(scores, dim=2), digits, lengths, counts, blank=BLANK, reduction="sum").backward()
    return (scores.exp() - scores.grad)[:, 0, :BLANK].detach()


def draw(path: Path, model: Listener, losses: list[float], errors: list[float], test: list[String],
         heard: list[list[int]], rate: float) -> None:  # fmt: skip
    """Upper: a string, as the net hears it, and its alignment. Lower: curves, and errors by speaker."""
    shown = max(range(len(test)), key=lambda index: len(test[index].digits))
    one, seconds = test[shown], len(test[shown].sound) / RATE
    with plt.rc_context(STYLE):
        figure = plt.figure(figsize=(12, 7.4), layout="constrained")
        upper, lower = figure.subfigures(2, 1, height_ratios=[1.7, 1])
        sound, aligned = upper.subplots(2, 1, sharex=True, height_ratios=[1.1, 1])
        sound.imshow(
            features([one.sound])[0][0], origin="lower", aspect="auto", cmap="magma", extent=(0, seconds, 0, MELS)
        )
        said, read = (" ".join(map(str, digits)) for digits in (one.digits, heard[shown]))
        sound.set_title(f"Mel spectrogram of “{said}” spoken by {one.speaker}; read as “{read}”")
        sound.set_ylabel("mel band")
        ways = alignment(model, one)
        times = (np.arange(len(ways)) + 0.5) * 2 * HOP / RATE
        for digit in sorted(set(one.digits)):
            color = plt.get_cmap("tab10")(digit)
            aligned.fill_between(times, ways[:, digit], color=color, alpha=0.8, step="mid")
        for (begin, end), digit in zip(one.spans, one.digits, strict=True):
            for axes in (sound, aligned):
                axes.axvspan(begin / RATE, end / RATE, color="#8a94a6", alpha=0.16 if axes is aligned else 0)
                axes.axvline(begin / RATE, color="#8a94a6", linewidth=1, linestyle=":")
            aligned.text((begin + end) / 2 / RATE, 1.04, str(digit), ha="center", fontsize=12, fontweight="bold")
        # It hears in both directions: CTC does not ask when it says a digit, only that the order is right.
        aligned.set_title(
            "Where the net says each digit, of all ways to say this string (grey: the recordings)", pad=16
        )
        aligned.set(xlabel="seconds", ylim=(0, 1.02), xlim=(0, seconds))
        for axes in (sound, aligned):
            axes.grid(False)

        loss, wrong, speakers = lower.subplots(1, 3)
        epochs = range(1, len(losses) + 1)
        loss.plot(epochs, losses, color="#8a94a6")
        loss.set(title="CTC loss (training)", xlabel="epoch", ylim=(0, None))
        wrong.plot(epochs, [100 * e for e in errors], color="#1f5fbf", linewidth=2, marker="o", markersize=3.5)
        wrong.axhline(100 * rate, color="#c0392b", linewidth=1, linestyle="--", label="by beam search")
        wrong.set(title="Character error, %, 100 test strings, greedy", xlabel="epoch", yscale="log")
        wrong.yaxis.set_major_formatter(ScalarFormatter())
        wrong.legend()
        names = sorted({other.speaker for other in test})
        values = [
            100 * error_rate(*zip(*((t.digits, h) for t, h in zip(test, heard) if t.speaker == name))) for name in names
        ]
        bars = speakers.barh(names, values, color="#1f5fbf")
        speakers.bar_label(bars, fmt="%.1f", padding=3, fontsize=9)
        speakers.set(title="Character error by speaker, %", xlim=(0, 1.2 * max(*values, 0.5)))
        speakers.grid(axis="y", visible=False)
        figure.suptitle(
            f"Spoken digits: {rate:.1%} of characters wrong in {len(test)} strings", fontsize=14, x=0.01, ha="left"
        )
        figure.savefig(path, dpi=75)
        plt.close(figure)


def main() -> None:
    short = {"epochs": 5, "strings": 900, "batch_size": 10, "longest": 2, "tested": 100}
    parser = options("spoken_digits.py", "Write down spoken digits.", short=short,
                     epochs=11, batch_size=20, lr=4e-3)  # fmt: skip
    parser.add_argument("--data", type=Path, default=data_folder("fsdd"), help="folder of fsdd.npz")
    parser.add_argument("--strings", type=int, default=1500, help="strings in an epoch")
    parser.add_argument("--longest", type=int, default=5, help="digits of a string at most")
    parser.add_argument("--tested", type=int, default=300, help="strings to test with")
    args = parser.parse_args()
    start(args)

    test = strings(load(args.data / "fsdd.npz", train=False), args.tested, args.longest, seed=1000, vary=False)
    model = Listener()
    began = time.perf_counter()
    losses, errors = fit(model, load(args.data / "fsdd.npz", train=True), test[:100], args)
    seconds = time.perf_counter() - began

    before = listen(model, test)
    model = save_and_reload(model, Listener(), args.output / "spoken_digits.safetensors")
    after = listen(model, test)
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True)), "other numbers after reloading"
    heard = [beam_search(log_p) for log_p in tqdm(after, desc="beam search", unit="string", ncols=100)]
    said = [one.digits for one in test]
    rate, plain = error_rate(said, heard), error_rate(said, [greedy(log_p) for log_p in after])
    figure = args.output / "spoken_digits.png"
    draw(figure, model, losses, errors, test, heard, rate)
    whole = np.mean([a == b for a, b in zip(said, heard, strict=True)])
    print(
        f"spoken_digits: character error {rate:.2%} by beam search, {plain:.2%} greedy, {whole:.1%} of "
        f"{len(test)} strings without a mistake, the same after reloading; {args.epochs} epochs in {seconds:.1f} s, "
        f"figure in {figure}"
    )


if __name__ == "__main__":
    main()
