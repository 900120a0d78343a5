# SPDX-License-Identifier: MIT
"""Recursive filters of signals, alignments of texts with sounds, the loss of transducers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ... import Tensor, arange, autograd, cat, enable_grad, from_numpy, full, no_grad, stack

__all__ = ["OPERATORS"]

BLOCK = 128  # samples of a filter that one matrix product gives


def block_matrices(a: np.ndarray, block: int) -> tuple[np.ndarray, np.ndarray]:
    """What a block of outputs is of the block's inputs and of the outputs before it.

    ``y[t] = x[t] - sum_k a[k] y[t - k]``, k from 1, is linear: a unit input or a unit output of the past, followed
    through the recurrence, gives a column.

    Args:
        a: (order,), ``a[0]`` of the newest past output.
        block: outputs in a block.

    Returns:
        (block, block) and (block, order), the oldest past output first.
    """
    order = len(a)
    response = np.zeros((order + block, order + 1))
    response[:order, :order] = np.eye(order)  # the past
    response[order, order] = 1  # a unit input at the block's beginning
    for t in range(order, order + block):
        if order:
            response[t] -= a[::-1] @ response[t - order : t]
    impulse = response[order:, order]
    lags = np.subtract.outer(np.arange(block), np.arange(block))
    return np.where(lags >= 0, impulse[np.maximum(lags, 0)], 0.0), response[order:, :order]


def recursive_filter(x: Tensor, a: Tensor, past: Tensor) -> Tensor:
    """``y[t] = x[t] - sum_k a[k] y[t - k]`` in blocks.

    Args:
        x: (channels, batch, time).
        a: (channels, order), ``a[:, 0]`` of the newest past output.
        past: (channels, batch, order), the outputs before the first, the oldest first.
    """
    y = x.new_empty(x.shape)
    length = x.shape[2]
    block = min(BLOCK, max(length, 1))
    both = [block_matrices(row, block) for row in a.double().numpy()]
    inputs, before = (from_numpy(np.stack(m)).to(x.dtype).transpose(1, 2) for m in zip(*both))
    for first in range(0, length, block):
        n = min(block, length - first)
        y[:, :, first : first + n] = x[:, :, first : first + n] @ inputs[:, :n, :n] + past @ before[:, :, :n]
        past = cat([past, y[:, :, first : first + n]], dim=2)[:, :, n:]
    return y


@no_grad()
def _lfilter_core_loop(waveform: Tensor, a_coeff_flipped: Tensor, padded_output_waveform: Tensor) -> None:
    """Fill the output of an all-pole filter.

    Args:
        waveform: (batch, channels, time).
        a_coeff_flipped: (channels, order + 1), the last one 1.
        padded_output_waveform: (batch, channels, order + time), ``order`` outputs of the past first.
    """
    order = a_coeff_flipped.shape[1] - 1
    past = padded_output_waveform[:, :, :order].transpose(0, 1)
    y = recursive_filter(waveform.transpose(0, 1), a_coeff_flipped[:, :order].flip(1), past)
    padded_output_waveform[:, :, order:] = y.transpose(0, 1)


@no_grad()
def _overdrive_core_loop(
    waveform: Tensor, temp: Tensor, last_in: Tensor, last_out: Tensor, output_waveform: Tensor
) -> None:
    """``last_out = temp[t] - temp[t - 1] + 0.995 last_out``, mixed with the signal; all (channels, time)."""
    steps = temp.clone()
    steps[:, 1:] -= temp[:, :-1]
    steps[:, 0] -= last_in
    y = recursive_filter(steps.unsqueeze(0), steps.new_tensor([[-0.995]]), last_out.view(1, -1, 1))[0]
    output_waveform.copy_(waveform * 0.5 + y * 0.75)


def forced_align(
    log_probs: Tensor, targets: Tensor, input_lengths: Tensor, target_lengths: Tensor, blank: int
) -> tuple[Tensor, Tensor]:
    """The likeliest path of connectionist temporal classification through a text (Graves et al. 2006), by Viterbi.

    Args:
        log_probs: (1, time, classes).
        targets: (1, length), without blanks.
        input_lengths, target_lengths: (1,), how much of the two counts.
        blank: the class between labels.

    Returns:
        (1, time) labels, and ``log_probs`` itself.
    """
    if log_probs.dim() != 3 or log_probs.shape[0] != 1:
        raise RuntimeError(f"forced_align: expected log_probs (1, time, classes), got {tuple(log_probs.shape)}")
    time, length = int(input_lengths[0]), int(target_lengths[0])
    labels = targets[0, :length].numpy()
    repeats = int((labels[1:] == labels[:-1]).sum())
    if time < length + repeats:
        raise RuntimeError(
            f"forced_align: expected an input of at least {length + repeats} steps for {length} labels of which "
            f"{repeats} repeat the one before, got {time}"
        )
    states = np.full(2 * length + 1, blank)
    states[1::2] = labels
    skips = np.zeros(len(states), bool)  # from two states before: over the blank between labels that differ
    skips[3::2] = labels[1:] != labels[:-1]
    scores = log_probs[0, :time].detach().double().numpy()[:, states]
    best, back = np.full(len(states), -np.inf), np.zeros((time, len(states)), np.int64)
    best[:2] = scores[0, :2]
    for t in range(1, time):
        one = np.concatenate([[-np.inf], best[:-1]])
        two = np.where(skips, np.concatenate([[-np.inf] * 2, best[:-2]]) if len(best) > 2 else -np.inf, -np.inf)
        choices = np.stack([best, one, two])
        back[t] = choices.argmax(0)
        best = choices.max(0) + scores[t]
    state = len(states) - 1
    if length and best[-2] > best[-1]:
        state -= 1
    path = np.empty(time, states.dtype)
    for t in reversed(range(time)):
        path[t] = states[state]
        state -= back[t, state]
    found = full((1, log_probs.shape[1]), blank, dtype=targets.dtype)
    found[0, :time] = from_numpy(path).to(targets.dtype)
    return found, log_probs


def transducer_costs(scores: Tensor, targets: Tensor, times: Tensor, lengths: Tensor, blank: int) -> Tensor:
    """Minus the logarithm of the probability of a text, over all its alignments.

    ``alpha[t, u] = log(exp(alpha[t-1, u] + blank[t-1, u]) + exp(alpha[t, u-1] + label[t, u-1]))``, diagonal by diagonal
    (Graves 2012, "Sequence transduction with recurrent neural networks", section 2.4).

    Args:
        scores: (batch, time, length + 1, classes), logarithms of probabilities.
        targets: (batch, length).
        times, lengths: (batch,), how much of the two counts.
        blank: the class that moves on in time.

    Returns:
        (batch,).
    """
    batch, time, rows, _ = scores.shape
    blanks = scores[..., blank]
    index = targets.long().view(batch, 1, rows - 1, 1).expand(batch, time, rows - 1, 1)
    labels = scores[:, :, :-1].gather(3, index)[..., 0]
    never = scores.new_full((batch,), -1e30)
    alpha: list[Any] = [scores.new_zeros(batch), *[never] * (rows - 1)]  # of the diagonal t + u = d
    ends: list[list[Any]] = [[None] * rows for _ in range(time)]
    ends[0][0] = alpha[0]
    for d in range(1, time + rows - 1):
        after = [never] * rows
        for u in range(max(0, d - time + 1), min(d, rows - 1) + 1):
            t = d - u
            stay = alpha[u] + blanks[:, t - 1, u] if t > 0 else never
            move = alpha[u - 1] + labels[:, t, u - 1] if u > 0 else never
            after[u] = ends[t][u] = stay.logaddexp(move)
        alpha = after
    grid = stack([stack(row, 1) for row in ends], 1)
    at = arange(batch), (times - 1).long(), lengths.long()
    return -(grid[at] + blanks[at])


def rnnt_loss_forward(
    logits: Tensor,
    targets: Tensor,
    logit_lengths: Tensor,
    target_lengths: Tensor,
    blank: int,
    clamp: float,
    fused_log_softmax: bool,
) -> tuple[Tensor, Tensor]:
    """The costs (batch,) of :func:`transducer_costs`, and their derivatives by the logits, clamped if ``clamp > 0``."""
    blank = blank if blank >= 0 else logits.shape[-1] + blank
    with enable_grad():
        x = logits.detach().requires_grad_()
        scores = x.log_softmax(-1) if fused_log_softmax else x
        costs = transducer_costs(scores, targets, logit_lengths, target_lengths, blank)
        (gradient,) = autograd.grad(costs.sum(), x)
    return costs.detach(), gradient.clamp(-clamp, clamp) if clamp > 0 else gradient


OPERATORS: dict[str, Callable[..., Any]] = {
    "_lfilter_core_loop": _lfilter_core_loop,
    "_overdrive_core_loop": _overdrive_core_loop,
    "forced_align": forced_align,
    "rnnt_loss_forward": rnnt_loss_forward,
}
