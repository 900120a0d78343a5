# SPDX-License-Identifier: MIT
"""Sums of float16 and bfloat16 that meet at one place are kept in float32 and rounded once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from op_table.harness import to_numpy

import plait
import plait.nn.functional as F

HALVES = (plait.float16, plait.bfloat16)
N = 3000  # past 2048 and 256, where adding 1 changes nothing


def ones(shape: tuple[int, ...], dtype: plait.dtype) -> plait.Tensor:
    return plait.ones(shape, dtype=dtype)


def gradient(fn: Callable[[plait.Tensor], plait.Tensor], x: plait.Tensor) -> plait.Tensor:
    x = x.detach().requires_grad_()
    fn(x).sum().backward()
    assert x.grad is not None
    return x.grad


# name -> function of (size of the destination, dtype) that adds N ones to element 0
SUMS: dict[str, Callable[[int, plait.dtype], plait.Tensor]] = {
    "scatter_add": lambda m, d: plait.zeros(m, dtype=d).scatter_add(0, plait.zeros(N).long(), ones((N,), d)),
    "scatter_add_": lambda m, d: plait.zeros(m, dtype=d).scatter_add_(0, plait.zeros(N).long(), ones((N,), d)),
    "scatter_add columns": lambda m, d: plait.zeros(m, 2, dtype=d).scatter_add(
        0, plait.zeros(N, 2).long(), ones((N, 2), d)
    )[:, 1],
    "scatter add": lambda m, d: plait.zeros(m, dtype=d).scatter(0, plait.zeros(N).long(), ones((N,), d), reduce="add"),
    "scatter_reduce sum": lambda m, d: plait.zeros(m, dtype=d).scatter_reduce(
        0, plait.zeros(N).long(), ones((N,), d), "sum"
    ),
    "index_add": lambda m, d: plait.zeros(m, dtype=d).index_add(0, plait.zeros(N).long(), ones((N,), d)),
    "index_add rows": lambda m, d: plait.zeros(m, 20, dtype=d).index_add(0, plait.zeros(N).long(), ones((N, 20), d))[
        :, 7
    ],
    "index_add strided": lambda m, d: (
        plait.zeros(3, m, dtype=d).t().index_add_(0, plait.zeros(N).long(), ones((N, 3), d))[:, 2]
    ),
    "index_put_": lambda m, d: plait.zeros(m, dtype=d).index_put_((plait.zeros(N).long(),), ones((N,), d), True),
    "index_put_ one value": lambda m, d: plait.zeros(m, dtype=d).index_put_(
        (plait.zeros(N).long(),), ones((), d), True
    ),
    "put_": lambda m, d: plait.zeros(m, dtype=d).put_(plait.zeros(N).long(), ones((N,), d), accumulate=True),
    "gradient of index_select": lambda m, d: gradient(
        lambda x: x.index_select(0, plait.zeros(N).long()), plait.zeros(m, dtype=d)
    ),
    "gradient of indexing": lambda m, d: gradient(lambda x: x[plait.zeros(N).long()], plait.zeros(m, dtype=d)),
    "gradient of gather": lambda m, d: gradient(lambda x: x.gather(0, plait.zeros(N).long()), plait.zeros(m, dtype=d)),
    "gradient of take": lambda m, d: gradient(lambda x: x.take(plait.zeros(N).long()), plait.zeros(m, dtype=d)),
    "gradient of embedding": lambda m, d: gradient(
        lambda x: F.embedding(plait.zeros(N).long(), x), plait.zeros(m, 3, dtype=d)
    )[:, 1],
    "gradient of embedding_bag": lambda m, d: gradient(
        lambda x: F.embedding_bag(plait.zeros(1, N).long(), x, mode="sum").expand(1, 3), plait.zeros(m, 3, dtype=d)
    )[:, 1],
    "embedding_bag": lambda m, d: F.embedding_bag(plait.zeros(1, N).long(), ones((m, 1), d), mode="sum")[0],
}


@pytest.mark.parametrize("dtype", HALVES, ids=str)
@pytest.mark.parametrize("name", SUMS)
def test_sums_of_ones(name: str, dtype: plait.dtype) -> None:
    for size in (1, 5, 100_003):  # few places and many, of which few are met
        y = SUMS[name](size, dtype)
        assert y.dtype == dtype
        want = plait.tensor(float(N)).to(dtype).item()
        assert y[0].item() == want, f"{size}: {y[0].item()}, expected {want}"
        assert not y[1:].any()


@pytest.mark.parametrize("dtype", HALVES, ids=str)
def test_sums_are_rounded_once(dtype: plait.dtype) -> None:
    """Random values at random places, into a tensor that is not 0, both ways round."""
    rng = np.random.default_rng(0)
    for size in (7, 4000):
        x = plait.from_numpy(rng.standard_normal((size, 3)).astype(np.float32)).to(dtype)
        index = plait.from_numpy(rng.integers(0, size, (250, 3)))
        src = plait.from_numpy(rng.standard_normal((250, 3)).astype(np.float32)).to(dtype)
        want = to_numpy(x).astype(np.float32)
        for i in range(250):
            for j in range(3):
                want[int(index[i, j]), j] += float(src[i, j])
        want = plait.from_numpy(want).to(dtype)
        assert plait.equal(x.scatter_add(0, index, src), want)
        assert plait.equal(x.t().contiguous().t().scatter_add(0, index, src), want)
        assert plait.equal(x.t().scatter_add(1, index.t(), src.t()).t(), want)
        rows = plait.zeros(size, 3, dtype=dtype) + x
        rows.index_add_(0, index[:, 0].contiguous(), src)
        exact = to_numpy(x).astype(np.float32)
        for i in range(250):
            exact[int(index[i, 0])] += to_numpy(src[i]).astype(np.float32)
        assert plait.equal(rows, plait.from_numpy(exact).to(dtype))


@pytest.mark.parametrize("dtype", HALVES, ids=str)
def test_products_are_rounded_once(dtype: plait.dtype) -> None:
    step = plait.full((8,), 1.001, dtype=plait.float32).to(dtype)
    got = plait.ones(2, dtype=dtype).scatter_reduce(0, plait.zeros(8).long(), step, "prod")
    want = plait.tensor(float(step[0]) ** 8).to(dtype)
    assert got[0].item() == want.item()
