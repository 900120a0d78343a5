# SPDX-License-Identifier: MIT
"""Sets, bins, order statistics and running sums."""

from __future__ import annotations

from typing import Any

from . import Case, Data, workload

N = 1 << 18


@workload("op", "isin, 1M integers among 1000")
def isin(torch: Any, data: Data) -> Case:
    x, among = data.integers(1_000_000, 1 << 20), torch.arange(1000)
    return Case(lambda: torch.isin(x, among).view(torch.uint8))


@workload("op", "isin, 256k floats among 1000")
def isin_floats(torch: Any, data: Data) -> Case:
    x = data.uniform(N)
    among = x[:1000].clone()
    return Case(lambda: torch.isin(x, among).view(torch.uint8))


@workload("op", "unique, 256k integers below 1000")
def unique(torch: Any, data: Data) -> Case:
    x = data.integers(1000, N)
    return Case(lambda: torch.unique(x))


@workload("op", "unique_consecutive, 256k integers")
def unique_consecutive(torch: Any, data: Data) -> Case:
    x = data.integers(2, N)
    return Case(lambda: torch.unique_consecutive(x))


@workload("op", "searchsorted, 256k floats among 1000")
def searchsorted(torch: Any, data: Data) -> Case:
    x, edges = data.uniform(N), data.uniform(1000).sort()[0]
    return Case(lambda: torch.searchsorted(edges, x))


@workload("op", "bincount, 256k integers below 1000")
def bincount(torch: Any, data: Data) -> Case:
    x = data.integers(1000, N)
    return Case(lambda: torch.bincount(x))


@workload("op", "histc, 256k floats, 50 bins")
def histc(torch: Any, data: Data) -> Case:
    x = data.uniform(N)
    return Case(lambda: torch.histc(x, 50, 0, 1))


# An element at an edge may fall into either bin.
@workload("op", "histogram, 256k floats, 50 bins", rtol=1e-3)
def histogram(torch: Any, data: Data) -> Case:
    x = data.uniform(N)
    return Case(lambda: torch.histogram(x, 50)[0])


@workload("op", "median, 256k floats")
def median(torch: Any, data: Data) -> Case:
    x = data.normal(N)
    return Case(lambda: x.median())


@workload("op", "median, 512 x 512, last dimension")
def median_rows(torch: Any, data: Data) -> Case:
    x = data.normal(512, 512)
    return Case(lambda: x.median(1)[0])


@workload("op", "topk of 10, 512 x 512")
def topk(torch: Any, data: Data) -> Case:
    x = data.normal(512, 512)
    return Case(lambda: x.topk(10)[0])


@workload("op", "mode, 512 x 512")
def mode(torch: Any, data: Data) -> Case:
    x = data.integers(100, 512, 512)
    return Case(lambda: x.mode(1)[0])


@workload("op", "cumsum, 256k floats", rtol=1e-4)
def cumsum(torch: Any, data: Data) -> Case:
    x = data.normal(N)
    return Case(lambda: x.cumsum(0))


@workload("op", "cumsum along the first dimension, 512 x 512", rtol=1e-4)
def cumsum_first(torch: Any, data: Data) -> Case:
    x = data.normal(512, 512)
    return Case(lambda: x.cumsum(0))


@workload("op", "logcumsumexp, 512 x 512")
def logcumsumexp(torch: Any, data: Data) -> Case:
    x = data.normal(512, 512)
    return Case(lambda: x.logcumsumexp(1))


@workload("op", "cov, 64 x 4096", rtol=1e-4)
def cov(torch: Any, data: Data) -> Case:
    x = data.normal(64, 4096)
    return Case(lambda: torch.cov(x))


@workload("op", "gradient, 512 x 512")
def gradient(torch: Any, data: Data) -> Case:
    x = data.normal(512, 512)
    return Case(lambda: torch.gradient(x))


@workload("op", "frexp, 256k floats")
def frexp(torch: Any, data: Data) -> Case:
    x = data.normal(N)
    return Case(lambda: tuple(torch.frexp(x)))


@workload("op", "gcd, 256k integers below 1000")
def gcd(torch: Any, data: Data) -> Case:
    x, y = data.integers(1000, N), data.integers(1000, N)
    return Case(lambda: torch.gcd(x, y))
