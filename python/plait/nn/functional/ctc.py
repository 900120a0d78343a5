# SPDX-License-Identifier: MIT
"""Connectionist temporal classification (Graves et al. 2006).

The target y1..yS is extended to z = (blank, y1, blank, ..., yS, blank). With a[t, s] the log probability of all
paths that reach z[s] at time t,

    a[t, s] = logsumexp(a[t-1, s], a[t-1, s-1], a[t-1, s-2] if z[s] differs from z[s-2])
              + log_probs[t, z[s]]

and the loss is -logsumexp of the last two entries at the last time. The recursion runs over time in Python and
over the batch and s in tensors; autograd gives the gradient. To it comes exp(log_probs), as in PyTorch: behind
log_softmax, whose backward takes it away again, the gradient is the same. A blank among the labels counts as a label,
as in PyTorch.
"""

from __future__ import annotations

from collections.abc import Sequence

from ... import _core
from ..._autocast import float32_in_autocast
from ..._core import ArgumentError, Tensor
from ._common import resolve_reduction

__all__ = ["ctc_loss"]

# Stands for log(0): far below any log probability, yet differences of two stay finite.
_IMPOSSIBLE = -1e30


@float32_in_autocast
def ctc_loss(
    log_probs: Tensor,
    targets: Tensor,
    input_lengths: Tensor | Sequence[int],
    target_lengths: Tensor | Sequence[int],
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> Tensor:
    """Negative log probability of a label sequence, summed over all alignments with the input.

    Args:
        log_probs: (T, N, C) or (T, C), log probabilities, as from ``log_softmax``.
        targets: labels without blanks: (N, S), or all sequences in one row, or (S) for one sequence.
        input_lengths: (N) or 0-d, each at most T.
        target_lengths: (N) or 0-d.
        blank: the class that stands for no label. Default: 0.
        reduction: ``"mean"`` divides each loss by its target length and averages over the batch; ``"sum"``,
            ``"none"``.
        zero_infinity: whether an impossible target gives 0 (and no gradient) instead of infinity.

    Raises:
        ValueError: if shapes, lengths or ``blank`` do not fit together.

    Example:
        >>> import plait
        >>> from plait.nn import functional as F
        >>> p = plait.full((1, 1, 2), 0.5).log()
        >>> round(F.ctc_loss(p, plait.tensor([[1]]), (1,), (1,)).item(), 4)
        0.6931
    """
    resolve_reduction("ctc_loss", reduction)
    if log_probs.dim() not in (2, 3):
        raise ArgumentError(f"ctc_loss: expected log_probs (T, N, C) or (T, C), got {tuple(log_probs.shape)}")
    single = log_probs.dim() == 2
    if single:
        log_probs = log_probs.unsqueeze(1)
    steps, batch, classes = log_probs.shape
    if not 0 <= blank < classes:
        raise ArgumentError(f"ctc_loss: expected blank in 0..{classes - 1}, got {blank}")
    lengths_in = _lengths("input_lengths", input_lengths, batch)
    lengths_out = _lengths("target_lengths", target_lengths, batch)
    if max(lengths_in, default=0) > steps:
        raise ArgumentError(f"ctc_loss: expected input_lengths of at most {steps}, got {max(lengths_in)}")
    labels = _padded_targets(targets, lengths_out, batch, blank)

    states = 2 * labels.shape[1] + 1
    extended = _core.full((batch, states), blank, dtype=_core.int64, device=log_probs.device)
    extended[:, 1::2] = labels
    # A step of two is allowed onto a label that differs from the one before it; a blank follows a blank.
    skip = _core.zeros(batch, states, dtype=_core.bool, device=log_probs.device)
    if states > 2:
        skip[:, 2:] = extended[:, 2:] != extended[:, :-2]
    emit = log_probs.gather(2, extended.unsqueeze(0).expand(steps, batch, states))

    last = _core.tensor(lengths_in, dtype=_core.int64, device=log_probs.device)
    unnormalised = _gradient_of_exp(log_probs, last) if log_probs.requires_grad else None
    start = log_probs.new_full((batch, states), _IMPOSSIBLE)
    first = min(2, states)
    alpha = _core.cat([emit[0, :, :first], start[:, first:]], 1) if steps else start
    one = log_probs.new_full((batch, 1), _IMPOSSIBLE)
    for t in range(1, steps):
        by_one = _core.cat([one, alpha[:, :-1]], 1)
        by_two = _core.cat([one, one, alpha[:, :-2]], 1)[:, :states].masked_fill(~skip, _IMPOSSIBLE)
        moved = _core.stack([alpha, by_one, by_two]).logsumexp(0) + emit[t]
        alpha = _core.where((last > t).unsqueeze(1), moved, alpha)

    end = 2 * _core.tensor(lengths_out, dtype=_core.int64, device=log_probs.device).unsqueeze(1)
    final = alpha.gather(1, end)
    before = alpha.gather(1, (end - 1).clamp(min=0)).masked_fill(end == 0, _IMPOSSIBLE)
    loss = -_core.cat([final, before], 1).logsumexp(1)
    if unnormalised is not None:
        loss = loss + unnormalised
    # Without input only the empty target is possible.
    no_input = (last == 0) & (end.squeeze(1) == 0)
    loss = loss.masked_fill(no_input, 0)
    impossible = (loss.detach() > -_IMPOSSIBLE / 2) | ((last == 0) & ~no_input)
    loss = loss.masked_fill(impossible, 0.0 if zero_infinity else float("inf"))

    if reduction == "mean":
        divisor = loss.new_tensor([max(1, n) for n in lengths_out])
        return (loss / divisor).mean()
    if reduction == "sum":
        return loss.sum()
    return loss.squeeze(0) if single else loss


def _gradient_of_exp(log_probs: Tensor, lengths: Tensor) -> Tensor:
    """(N) zeros whose gradient is exp(log_probs) at the times below each length."""
    inside = (_core.arange(log_probs.shape[0], device=log_probs.device).unsqueeze(1) < lengths).unsqueeze(2)
    total = _core.where(inside, log_probs.exp(), 0.0).sum((0, 2))
    return total - total.detach()


def _lengths(name: str, value: Tensor | Sequence[int], batch: int) -> list[int]:
    lengths = value.reshape(-1).tolist() if isinstance(value, Tensor) else [int(v) for v in value]
    if len(lengths) != batch:
        raise ArgumentError(f"ctc_loss: expected {batch} {name}, got {len(lengths)}")
    if min(lengths, default=0) < 0:
        raise ArgumentError(f"ctc_loss: expected {name} of at least 0, got {min(lengths)}")
    return lengths


def _padded_targets(targets: Tensor, lengths: list[int], batch: int, blank: int) -> Tensor:
    """The labels as (N, S), with blanks behind the end of each sequence."""
    longest = max(lengths, default=0)
    labels = _core.full((batch, longest), blank, dtype=_core.int64, device=targets.device)
    if targets.dim() == 2:
        if targets.shape[0] != batch or targets.shape[1] < longest:
            raise ArgumentError(
                f"ctc_loss: expected targets of shape ({batch}, at least {longest}), got {tuple(targets.shape)}"
            )
        rows = [targets[i, :n] for i, n in enumerate(lengths)]
    else:
        if targets.numel() < sum(lengths):
            raise ArgumentError(f"ctc_loss: expected {sum(lengths)} targets, got {targets.numel()}")
        rows = list(targets.reshape(-1)[: sum(lengths)].split(lengths)) if lengths else []
    for i, row in enumerate(rows):
        labels[i, : lengths[i]] = row
    return labels
