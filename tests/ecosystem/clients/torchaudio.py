# SPDX-License-Identifier: MIT
"""Jobs with torchaudio."""

from __future__ import annotations

from typing import Any

from client import Client, loss_and_gradients, pattern, set_weights, summary

client = Client(
    "torchaudio",
    "recursive filters, spectrograms, cepstra, resampling; a Conformer with gradients",
    "its decoders in C++ and on GPUs",
)


def _sound() -> Any:
    import math

    import torch

    t = torch.arange(2000) / 16000
    return torch.stack([(2 * math.pi * 440 * t).sin(), (2 * math.pi * (200 + 3000 * t) * t).sin()])


@client.job
def filters() -> Any:
    import torch
    import torchaudio.functional as F

    x, b, a = _sound(), torch.tensor([0.3, 0.2, 0.1]), torch.tensor([1.0, -0.5, 0.2])
    found = [F.lowpass_biquad(x, 16000, 500.0), F.equalizer_biquad(x, 16000, 1000.0, 6.0), F.overdrive(x, 20, 20)]
    found += [F.lfilter(x, a, b), F.filtfilt(x, a, b), F.treble_biquad(x, 16000, 3.0), F.phaser(x, 16000)]
    return [summary(f) for f in found]


@client.job
def features() -> Any:
    import torchaudio.functional as F
    from torchaudio import transforms

    x, sizes = _sound(), {"n_fft": 256, "n_mels": 20}
    found = [transforms.Spectrogram(256)(x), transforms.MelSpectrogram(16000, **sizes)(x)]
    found += [transforms.MFCC(16000, n_mfcc=8, melkwargs=sizes)(x), transforms.Resample(16000, 11025)(x)]
    found += [transforms.MuLawEncoding()(x), F.spectral_centroid(x, 16000, 0, x.new_ones(256), 256, 128, 256)]
    return [summary(f) for f in found]


@client.job
def conformer() -> Any:
    import torch
    from torchaudio.models import Conformer

    model = set_weights(Conformer(8, num_heads=2, ffn_dim=16, num_layers=2, depthwise_conv_kernel_size=3)).eval()
    output, lengths = model(pattern(2, 10, 8), torch.tensor([10, 7]))
    return [summary(output), lengths.tolist(), loss_and_gradients(model, output.square().mean())]
