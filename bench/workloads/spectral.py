# SPDX-License-Identifier: MIT
"""Fourier transforms of one long line, of a prime length and of many short lines."""

from __future__ import annotations

from typing import Any

from . import Case, Data, workload


def complex_normal(torch: Any, data: Data, *shape: int) -> Any:
    return torch.complex(data.normal(*shape), data.normal(*shape))


@workload("op", "fft, 1024", flops=5 * 1024 * 10)
def fft_1024(torch: Any, data: Data) -> Case:
    x = complex_normal(torch, data, 1024)
    return Case(lambda: torch.view_as_real(torch.fft.fft(x)))


@workload("op", "fft, 2**20", flops=5 * 2**20 * 20)
def fft_million(torch: Any, data: Data) -> Case:
    x = complex_normal(torch, data, 1 << 20)
    return Case(lambda: torch.view_as_real(torch.fft.fft(x)))


@workload("op", "fft, a prime, 65537", flops=5 * 65537 * 16)
def fft_prime(torch: Any, data: Data) -> Case:
    x = complex_normal(torch, data, 65537)
    return Case(lambda: torch.view_as_real(torch.fft.fft(x)))


@workload("op", "fft, 3125 x 64", flops=5 * 3125 * 64 * 6)
def fft_short_lines(torch: Any, data: Data) -> Case:
    x = complex_normal(torch, data, 3125, 64)
    return Case(lambda: torch.view_as_real(torch.fft.fft(x)))


@workload("op", "fft, 390 x 512", flops=5 * 390 * 512 * 9)
def fft_lines(torch: Any, data: Data) -> Case:
    x = complex_normal(torch, data, 390, 512)
    return Case(lambda: torch.view_as_real(torch.fft.fft(x)))


@workload("op", "rfft, 12500 x 16", flops=2.5 * 12500 * 16 * 4)
def rfft_short_lines(torch: Any, data: Data) -> Case:
    x = data.normal(12500, 16)
    return Case(lambda: torch.view_as_real(torch.fft.rfft(x)))


@workload("op", "irfft, 390 x 512", flops=2.5 * 390 * 512 * 9)
def irfft_lines(torch: Any, data: Data) -> Case:
    x = complex_normal(torch, data, 390, 257)
    return Case(lambda: torch.fft.irfft(x))


@workload("op", "rfft, 1000 x 400", flops=2.5 * 1000 * 400 * 8.6)
def rfft_lines(torch: Any, data: Data) -> Case:
    x = data.normal(1000, 400)
    return Case(lambda: torch.view_as_real(torch.fft.rfft(x)))


@workload("op", "fft2, 16 x 256 x 256", flops=5 * 16 * 256 * 256 * 16)
def fft_images(torch: Any, data: Data) -> Case:
    x = complex_normal(torch, data, 16, 256, 256)
    return Case(lambda: torch.view_as_real(torch.fft.fft2(x)))


@workload("op", "stft, 10 s at 16 kHz, n_fft 400", flops=2.5 * 1001 * 400 * 8.6)
def stft(torch: Any, data: Data) -> Case:
    x, window = data.normal(160_000), torch.hann_window(400)
    return Case(lambda: torch.view_as_real(torch.stft(x, 400, 160, window=window, return_complex=True)))


@workload("op", "istft, 10 s at 16 kHz, n_fft 512", rtol=1e-4)
def istft(torch: Any, data: Data) -> Case:
    window = torch.hann_window(512)
    x = torch.stft(data.normal(160_000), 512, 128, window=window, return_complex=True)
    return Case(lambda: torch.istft(x, 512, 128, window=window))
