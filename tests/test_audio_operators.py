# SPDX-License-Identifier: MIT
"""Filters, alignments and the transducer's loss against SciPy and against all paths, one by one."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy.signal import lfilter

import plait
from plait.compat.operators.torchaudio import OPERATORS


@pytest.mark.parametrize("length", [0, 1, 5, 128, 300])
@pytest.mark.parametrize("order", [0, 1, 2, 5])
def test_recursive_filter(order: int, length: int) -> None:
    rng = np.random.default_rng(order)
    x = rng.standard_normal((2, 3, length))
    a = np.concatenate([np.ones((3, 1)), rng.uniform(-0.3, 0.3, (3, order))], 1)
    padded = plait.zeros(2, 3, order + length, dtype=plait.float64)
    OPERATORS["_lfilter_core_loop"](plait.tensor(x), plait.tensor(a[:, ::-1].copy()), padded)
    expected = np.stack([lfilter([1.0], a[c], x[:, c]) if length else x[:, c] for c in range(3)], 1)
    np.testing.assert_allclose(padded[:, :, order:].numpy(), expected, rtol=1e-10, atol=1e-12)


def test_overdrive() -> None:
    rng = np.random.default_rng(1)
    wave, temp = rng.standard_normal((2, 2, 200))
    out = plait.zeros(2, 200, dtype=plait.float64)
    last = plait.zeros(2, dtype=plait.float64)
    OPERATORS["_overdrive_core_loop"](plait.tensor(wave), plait.tensor(temp), last, last, out)
    np.testing.assert_allclose(out.numpy(), wave * 0.5 + lfilter([1, -1], [1, -0.995], temp) * 0.75, atol=1e-10)


def collapsed(path: tuple[int, ...]) -> list[int]:
    return [c for c, _ in itertools.groupby(path) if c != 0]


@pytest.mark.parametrize("labels", [[1], [1, 2], [1, 1], [2, 1, 2]])
def test_the_likeliest_alignment(labels: list[int]) -> None:
    scores = np.random.default_rng(len(labels)).standard_normal((6, 3))
    paths = [p for p in itertools.product(range(3), repeat=6) if collapsed(p) == labels]
    best = max(paths, key=lambda p: scores[np.arange(6), p].sum())
    lengths = plait.tensor([6]), plait.tensor([len(labels)])
    found, _ = OPERATORS["forced_align"](plait.tensor(scores[None]), plait.tensor([labels]), *lengths, 0)
    assert found.tolist() == [list(best)]


def test_an_input_too_short_for_its_labels() -> None:
    with pytest.raises(RuntimeError, match="at least 3 steps for 2 labels of which 1 repeat"):
        lengths = plait.tensor([2]), plait.tensor([2])
        OPERATORS["forced_align"](plait.zeros(1, 2, 3), plait.tensor([[1, 1]]), *lengths, 0)


def transducer_cost(scores: np.ndarray, labels: list[int], blank: int) -> float:
    """Over all orders of ``time`` blanks, the last one at the end, and the labels."""
    time, total = scores.shape[0], -math.inf
    for places in itertools.combinations(range(time - 1 + len(labels)), len(labels)):
        t = u = 0
        value = 0.0
        for step in range(time - 1 + len(labels)):
            if step in places:
                value, u = value + scores[t, u, labels[u]], u + 1
            else:
                value, t = value + scores[t, u, blank], t + 1
        total = np.logaddexp(total, value + scores[t, u, blank])
    return -float(total)


def test_transducer_loss() -> None:
    logits = np.random.default_rng(2).standard_normal((2, 4, 4, 5))
    targets, times, lengths = [[1, 2, 3], [2, 2, 0]], [4, 3], [3, 2]
    kinds = [plait.tensor(t, dtype=plait.int32) for t in (targets, times, lengths)]
    costs, gradient = OPERATORS["rnnt_loss_forward"](plait.tensor(logits), *kinds, -1, -1.0, True)

    def expected(values: np.ndarray) -> list[float]:
        scores = values - np.log(np.exp(values).sum(-1, keepdims=True))
        parts = [scores[i, : times[i], : lengths[i] + 1] for i in range(2)]
        return [transducer_cost(parts[i], targets[i][: lengths[i]], 4) for i in range(2)]

    np.testing.assert_allclose(costs.numpy(), expected(logits), rtol=1e-10)
    for index in ((0, 0, 0, 1), (0, 3, 3, 4), (1, 1, 1, 2), (1, 3, 3, 0)):
        step = np.zeros_like(logits)
        step[index] = 1e-6
        slope = (sum(expected(logits + step)) - sum(expected(logits - step))) / 2e-6
        assert gradient[index].item() == pytest.approx(slope, abs=1e-7)
