# SPDX-License-Identifier: MIT
"""What a program about speech needs around its net: mel features, decoding of CTC's probabilities, edit distance."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence

import plait as torch
from plait.nn.utils.rnn import pad_sequence

RATE, HOP, WINDOW, MELS = 8000, 80, 256, 40  # sounds a second, a slice of the spectrogram every 10 ms, 40 bands
BLANK = 10


def mel_filters() -> torch.Tensor:
    """Triangles over the frequencies, evenly spaced and overlapping by half on the mel scale, on which steps of equal
    size sound equal: (frequencies, MELS)."""
    mel = torch.linspace(0, 2595 * math.log10(1 + RATE / 2 / 700), MELS + 2)
    corners = 700 * (10 ** (mel / 2595) - 1)
    frequencies = torch.linspace(0, RATE / 2, WINDOW // 2 + 1).unsqueeze(1)
    rising = (frequencies - corners[:-2]) / (corners[1:-1] - corners[:-2])
    falling = (corners[2:] - frequencies) / (corners[2:] - corners[1:-1])
    return torch.minimum(rising, falling).clamp(min=0)


def features(sounds: list[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    """Log mel spectrograms (N, MELS, longest) and lengths (N,). Each band has mean 0 and deviation 1 in each sound."""
    padded = pad_sequence(sounds, batch_first=True)
    lengths = torch.tensor([len(sound) // HOP for sound in sounds])
    spectrum = torch.stft(padded, WINDOW, HOP, window=torch.hann_window(WINDOW), return_complex=True).abs().square()
    mel = (spectrum.transpose(1, 2) @ mel_filters() + 1e-5).log().transpose(1, 2)[..., : int(lengths.max())]
    inside = (torch.arange(mel.shape[2]) < lengths.unsqueeze(1)).unsqueeze(1)
    count = lengths.reshape(-1, 1, 1)
    mel = (mel - (mel * inside).sum(dim=2, keepdim=True) / count) * inside
    return mel / (mel.square().sum(dim=2, keepdim=True) / count + 1e-5).sqrt(), lengths


def hide(mel: torch.Tensor) -> torch.Tensor:
    """SpecAugment (Park et al., 2019): a few bands and a short time are hidden, so that no cue is relied on alone."""
    for axis, most in ((1, 8), (2, 12)):
        shape = [1, 1, 1]
        shape[axis] = mel.shape[axis]
        position = torch.arange(mel.shape[axis]).reshape(shape)
        begin = torch.rand(len(mel), 1, 1) * mel.shape[axis]
        mel = mel.masked_fill((position >= begin) & (position < begin + most * torch.rand(len(mel), 1, 1)), 0.0)
    return mel


def greedy(log_p: torch.Tensor) -> list[int]:
    """The likeliest label of each slice; repeats are one, and blanks fall out."""
    best = log_p.argmax(dim=1).unique_consecutive().tolist()
    return [label for label in best if label != BLANK]


def beam_search(log_p: torch.Tensor, width: int = 8) -> list[int]:
    """The likeliest string: keeps the `width` best beginnings, each with the probability that its last slice was blank
    and that it was the last digit (a digit said twice needs a blank between)."""
    beams = {(): (1.0, 0.0)}
    for row in log_p.exp().tolist():
        grown: dict[tuple[int, ...], list[float]] = defaultdict(lambda: [0.0, 0.0])
        for string, (blank, digit) in beams.items():
            grown[string][0] += (blank + digit) * row[BLANK]
            if string:
                grown[string][1] += digit * row[string[-1]]
            for label in range(BLANK):
                if row[label] > 1e-4:
                    before = blank if string and label == string[-1] else blank + digit
                    grown[string + (label,)][1] += before * row[label]
        kept = sorted(grown.items(), key=lambda item: -sum(item[1]))[:width]
        total = sum(kept[0][1])  # the best is scaled to 1, or hundreds of slices would underflow
        beams = {string: (blank / total, digit / total) for string, (blank, digit) in kept}
    return list(max(beams, key=lambda string: sum(beams[string])))


def edits(said: list[int], heard: list[int]) -> int:
    """The least number of insertions, deletions and replacements between two strings (Levenshtein)."""
    row = list(range(len(heard) + 1))
    for i, a in enumerate(said, 1):
        diagonal, row[0] = row[0], i
        for j, b in enumerate(heard, 1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (a != b))
    return row[-1]


def error_rate(said: Sequence[list[int]], heard: Sequence[list[int]]) -> float:
    """Edits by characters said."""
    return sum(map(edits, said, heard)) / sum(map(len, said))
