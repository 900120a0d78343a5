# SPDX-License-Identifier: MIT
"""Losses that are compositions of tensor operators.

Every one takes ``reduction``: ``"mean"`` (default) and ``"sum"`` give a 0-d tensor, ``"none"`` one value per
element or sample. Anything else raises ``ValueError``. ``size_average`` and ``reduce`` are its old form.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ... import _core
from ..._autocast import float32_in_autocast
from ..._core import ArgumentError, Tensor, _nn
from ._common import reduce_loss, resolve_reduction
from .distance import pairwise_distance

__all__ = [
    "cosine_embedding_loss",
    "gaussian_nll_loss",
    "hinge_embedding_loss",
    "linear_cross_entropy",
    "margin_ranking_loss",
    "multi_margin_loss",
    "multilabel_margin_loss",
    "multilabel_soft_margin_loss",
    "poisson_nll_loss",
    "soft_margin_loss",
    "triplet_margin_loss",
    "triplet_margin_with_distance_loss",
]


@float32_in_autocast
def poisson_nll_loss(
    input: Tensor,
    target: Tensor,
    log_input: bool = True,
    full: bool = False,
    size_average: bool | None = None,
    eps: float = 1e-8,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Negative log likelihood of counts under a Poisson distribution.

    Args:
        input: the logarithm of the expected count, or the expected count if ``log_input`` is false.
        target: observed counts, of the same shape.
        log_input: ``exp(input) - target * input`` if true, else ``input - target * log(input + eps)``.
        full: whether Stirling's approximation of ``log(target!)`` is added for targets above 1.
        eps: see ``log_input``. Default: 1e-8.
        reduction: see above.

    Example:
        >>> import plait
        >>> from plait.nn import functional as F
        >>> F.poisson_nll_loss(plait.zeros(2), plait.ones(2))
        tensor(1.)
    """
    reduction = resolve_reduction("poisson_nll_loss", reduction, size_average, reduce)
    loss = input.exp() - target * input if log_input else input - target * (input + eps).log()
    if full:
        large = target > 1
        safe = _core.where(large, target, _core.ones_like(target))
        stirling = safe * safe.log() - safe + 0.5 * (2 * math.pi * safe).log()
        loss = loss + _core.where(large, stirling, _core.zeros_like(stirling))
    return reduce_loss(loss, reduction)


def gaussian_nll_loss(
    input: Tensor,
    target: Tensor,
    var: Tensor | float,
    full: bool = False,
    eps: float = 1e-6,
    reduction: str = "mean",
) -> Tensor:
    """Negative log likelihood under a normal distribution (Nix & Weigend 1994).

    ``0.5 * (log(max(var, eps)) + (input - target) ** 2 / max(var, eps))``

    Args:
        input: means, (N, ...).
        target: samples, of the same shape.
        var: variances, of the same shape, with 1 for one of its dimensions, or without the last; or one number.
        full: whether ``0.5 * log(2 * pi)`` is added. Default: ``False``.
        eps: smallest variance; the gradient ignores this limit. Default: 1e-6.
        reduction: see above.

    Raises:
        ValueError: if ``var`` has a negative entry or its shape does not fit.

    Example:
        >>> import plait
        >>> from plait.nn import functional as F
        >>> F.gaussian_nll_loss(plait.zeros(2), plait.ones(2), plait.ones(2))
        tensor(0.5000)
    """
    resolve_reduction("gaussian_nll_loss", reduction)
    if isinstance(var, (int, float)):
        if var < 0:
            raise ArgumentError(f"gaussian_nll_loss: expected var >= 0, got {var}")
        var = _core.full_like(input, var)
    elif not var.is_meta and bool((var < 0).any()):
        raise ArgumentError("gaussian_nll_loss: expected var >= 0, got a negative entry")
    if var.shape != input.shape:
        if tuple(input.shape[:-1]) == tuple(var.shape):
            var = var.unsqueeze(-1)
        elif var.dim() != input.dim() or [v for v, n in zip(var.shape, input.shape) if v != n] != [1]:
            raise ArgumentError(
                f"gaussian_nll_loss: expected var of shape {tuple(input.shape)} or {tuple(input.shape[:-1])}, "
                f"got {tuple(var.shape)}"
            )
    # The limit is applied to the values only: var keeps its gradient below eps.
    var = var + (var.detach().clamp(min=eps) - var.detach())
    loss = 0.5 * (var.log() + (input - target) ** 2 / var)
    if full:
        loss = loss + 0.5 * math.log(2 * math.pi)
    return reduce_loss(loss, reduction)


@float32_in_autocast
def hinge_embedding_loss(
    input: Tensor,
    target: Tensor,
    margin: float = 1.0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """``input`` where ``target`` is 1, ``max(0, margin - input)`` where it is -1.

    Args:
        input: any shape, usually a distance.
        target: 1 or -1, of the same shape.
        margin: see above. Default: 1.
        reduction: see above.

    Example:
        >>> import plait
        >>> from plait.nn import functional as F
        >>> F.hinge_embedding_loss(plait.tensor([0.5, 0.5]), plait.tensor([1.0, -1.0]))
        tensor(0.5000)
    """
    reduction = resolve_reduction("hinge_embedding_loss", reduction, size_average, reduce)
    zeros = _core.zeros_like(input)
    # Written as two terms, so that a target other than 1 and -1 counts in both.
    similar = _core.where(target == -1, zeros, input)
    apart = _core.where(target == 1, zeros, (margin - input).clamp_min(0))
    return reduce_loss(similar + apart, reduction)


@float32_in_autocast
def margin_ranking_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """``max(0, -target * (input1 - input2) + margin)``.

    Args:
        input1: any shape, floating point.
        input2: of the same shape.
        target: 1 if ``input1`` should rank higher, else -1; of the same shape.
        margin: Default: 0.
        reduction: see above.

    Raises:
        ValueError: if the numbers of dimensions differ.

    Example:
        >>> import plait
        >>> from plait.nn import functional as F
        >>> F.margin_ranking_loss(plait.tensor([1.0]), plait.tensor([3.0]), plait.tensor([1.0]))
        tensor(2.)
    """
    reduction = resolve_reduction("margin_ranking_loss", reduction, size_average, reduce)
    if not input1.dim() == input2.dim() == target.dim():
        raise ArgumentError(
            "margin_ranking_loss: expected inputs and target with one number of dimensions, got "
            f"{tuple(input1.shape)}, {tuple(input2.shape)} and {tuple(target.shape)}"
        )
    return reduce_loss((margin - target * (input1 - input2)).clamp_min(0), reduction)


@float32_in_autocast
def soft_margin_loss(
    input: Tensor, target: Tensor, size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean"
) -> Tensor:
    """``log(1 + exp(-target * input))`` for targets 1 and -1, of the shape of ``input``.

    Example:
        >>> import plait
        >>> from plait.nn import functional as F
        >>> F.soft_margin_loss(plait.tensor([2.0, -2.0]), plait.tensor([1.0, 1.0]))
        tensor(1.1269)
    """
    reduction = resolve_reduction("soft_margin_loss", reduction, size_average, reduce)
    return reduce_loss(_nn.softplus(-(target * input), 1.0, 40.0), reduction)


@float32_in_autocast
def cosine_embedding_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """``1 - cos`` where ``target`` is 1, ``max(0, cos - margin)`` where it is -1.

    Args:
        input1: (N, D) or (D), floating point.
        input2: of the same shape.
        target: 1 or -1, (N) or 0-d.
        margin: between -1 and 1. Default: 0.
        reduction: see above.

    Raises:
        ValueError: if the shapes do not fit.

    Example:
        >>> import plait
        >>> from plait.nn import functional as F
        >>> F.cosine_embedding_loss(plait.ones(1, 2), -plait.ones(1, 2), plait.tensor([1]))
        tensor(2.)
    """
    reduction = resolve_reduction("cosine_embedding_loss", reduction, size_average, reduce)
    if input1.dim() not in (1, 2) or target.dim() != input1.dim() - 1 or input2.dim() != input1.dim():
        raise ArgumentError(
            "cosine_embedding_loss: expected inputs (N, D) and target (N), or (D) and 0-d, got "
            f"{tuple(input1.shape)}, {tuple(input2.shape)} and {tuple(target.shape)}"
        )
    # The constant keeps the gradient finite at 0 vectors.
    dot = (input1 * input2).sum(-1)
    squares = ((input1 * input1).sum(-1) + 1e-12) * ((input2 * input2).sum(-1) + 1e-12)
    cosine = dot / squares.sqrt()
    zeros = _core.zeros_like(cosine)
    similar = _core.where(target == 1, 1 - cosine, zeros)
    apart = _core.where(target == -1, (cosine - margin).clamp_min(0), zeros)
    return reduce_loss(similar + apart, reduction)


@float32_in_autocast
def multi_margin_loss(
    input: Tensor,
    target: Tensor,
    p: int = 1,
    margin: float = 1.0,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """``sum over j != y of max(0, margin - x[y] + x[j]) ** p / C`` for one class y per sample.

    Args:
        input: scores, (N, C) or (C).
        target: classes, (N) or 0-d.
        p: 1 or 2. Default: 1.
        margin: Default: 1.
        weight: (C), multiplied to the terms of a sample by its class. Default: none.
        reduction: see above.

    Raises:
        ValueError: if ``p`` is neither 1 nor 2 or the shapes do not fit.

    Example:
        >>> import plait
        >>> from plait.nn import functional as F
        >>> F.multi_margin_loss(plait.tensor([[0.1, 0.2, 0.8]]), plait.tensor([2]))
        tensor(0.2333)
    """
    reduction = resolve_reduction("multi_margin_loss", reduction, size_average, reduce)
    if p not in (1, 2):
        raise ArgumentError(f"multi_margin_loss: expected p to be 1 or 2, got {p}")
    single = input.dim() < 2
    if input.dim() == 0:
        input = input.reshape(1)
    if input.dim() > 2 or target.dim() > 1 or target.numel() * input.shape[-1] != input.numel():
        raise ArgumentError(
            f"multi_margin_loss: expected (N, C) and (N), got {tuple(input.shape)} and {tuple(target.shape)}"
        )
    if weight is not None and tuple(weight.shape) != (input.shape[-1],):
        raise ArgumentError(
            f"multi_margin_loss: expected weight of shape ({input.shape[-1]},), got {tuple(weight.shape)}"
        )
    scores = input.reshape(-1, input.shape[-1])
    index = target.reshape(-1, 1)
    terms = (margin - scores.gather(1, index) + scores).clamp_min(0)
    if p == 2:
        terms = terms * terms
    if weight is not None:
        terms = terms * weight[index]
    own = _core.zeros_like(scores).scatter(1, index, 1.0) > 0
    loss = terms.masked_fill(own, 0).sum(1) / input.shape[-1]
    return reduce_loss(loss.reshape(target.shape) if single else loss, reduction)


@float32_in_autocast
def multilabel_margin_loss(
    input: Tensor, target: Tensor, size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean"
) -> Tensor:
    """``sum over labels y and other classes j of max(0, 1 - (x[y] - x[j])) / C``.

    Args:
        input: scores, (N, C) or (C).
        target: labels of each sample, int64, of the same shape; the list ends at the first -1.
        reduction: see above.

    Raises:
        ValueError: if the shapes differ.

    Example:
        >>> import plait
        >>> from plait.nn import functional as F
        >>> F.multilabel_margin_loss(plait.tensor([[0.1, 0.2, 0.4, 0.8]]), plait.tensor([[3, 0, -1, 1]]))
        tensor(0.8500)
    """
    reduction = resolve_reduction("multilabel_margin_loss", reduction, size_average, reduce)
    single = input.dim() < 2
    if input.shape != target.shape or input.dim() > 2:
        raise ArgumentError(
            "multilabel_margin_loss: expected input and target of one shape (N, C) or (C), got "
            f"{tuple(input.shape)} and {tuple(target.shape)}"
        )
    classes = input.shape[-1] if input.dim() else 1
    scores, labels = input.reshape(-1, classes), target.reshape(-1, classes)
    valid = (labels >= 0).long().cumprod(1)
    index = labels * valid
    is_label = _core.zeros_like(labels).scatter_add(1, index, valid) > 0
    gaps = 1 - (scores.gather(1, index).unsqueeze(2) - scores.unsqueeze(1))
    counted = (valid > 0).unsqueeze(2) & ~is_label.unsqueeze(1)
    loss = gaps.clamp_min(0).masked_fill(~counted, 0).sum((1, 2)) / classes
    return reduce_loss(loss.reshape(()) if single else loss, reduction)


def multilabel_soft_margin_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Mean over the classes of the binary cross entropy of ``sigmoid(input)``.

    Args:
        input: scores, (N, C).
        target: 0 or 1, of the same shape.
        weight: (C), multiplied to the terms. Default: none.
        reduction: see above; ``"none"`` gives (N).

    Example:
        >>> import plait
        >>> from plait.nn import functional as F
        >>> F.multilabel_soft_margin_loss(plait.tensor([[0.0, 2.0]]), plait.tensor([[1.0, 0.0]]))
        tensor(1.4100)
    """
    reduction = resolve_reduction("multilabel_soft_margin_loss", reduction, size_average, reduce)
    loss = target * _nn.softplus(-input, 1.0, 40.0) + (1 - target) * _nn.softplus(input, 1.0, 40.0)
    if weight is not None:
        loss = loss * weight
    return reduce_loss(loss.mean(-1), reduction)


def _triplet(
    distance: Callable[[Tensor, Tensor], Tensor],
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    margin: float,
    swap: bool,
    reduction: str,
) -> Tensor:
    near = distance(anchor, positive)
    far = distance(anchor, negative)
    if swap:
        far = _core.minimum(far, distance(positive, negative))
    return reduce_loss((margin + near - far).clamp_min(0), reduction)


@float32_in_autocast
def triplet_margin_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    margin: float = 1.0,
    p: float = 2,
    eps: float = 1e-6,
    swap: bool = False,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """``max(0, d(anchor, positive) - d(anchor, negative) + margin)`` with a p-norm distance.

    Args:
        anchor: (N, D) or (D), floating point.
        positive: of the same shape.
        negative: of the same shape.
        margin: greater than 0. Default: 1.
        p: order of the norm. Default: 2.
        eps: see :func:`pairwise_distance`. Default: 1e-6.
        swap: use ``d(positive, negative)`` where it is smaller (Balntas et al. 2016). Default: ``False``.
        reduction: see above.

    Raises:
        ValueError: if ``margin`` is not positive or the numbers of dimensions differ.

    Example:
        >>> import plait
        >>> from plait.nn import functional as F
        >>> F.triplet_margin_loss(plait.zeros(1, 2), plait.zeros(1, 2), plait.ones(1, 2))
        tensor(0.)
    """
    reduction = resolve_reduction("triplet_margin_loss", reduction, size_average, reduce)
    if margin <= 0:
        raise ArgumentError(f"triplet_margin_loss: expected margin > 0, got {margin}")
    if not anchor.dim() == positive.dim() == negative.dim():
        raise ArgumentError(
            "triplet_margin_loss: expected inputs with one number of dimensions, got "
            f"{tuple(anchor.shape)}, {tuple(positive.shape)} and {tuple(negative.shape)}"
        )
    return _triplet(lambda a, b: pairwise_distance(a, b, p, eps), anchor, positive, negative, margin, swap, reduction)


def triplet_margin_with_distance_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    *,
    distance_function: Callable[[Tensor, Tensor], Tensor] | None = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: str = "mean",
) -> Tensor:
    """As :func:`triplet_margin_loss`, with a distance of one's own.

    Args:
        anchor: (N, ...).
        positive: of the same shape.
        negative: of the same shape.
        distance_function: maps two tensors to their distances. Default: :func:`pairwise_distance`.
        margin: greater than 0. Default: 1.
        swap: as for :func:`triplet_margin_loss`.
        reduction: see above.

    Raises:
        ValueError: if ``margin`` is not positive.

    Example:
        >>> import plait
        >>> from plait.nn import functional as F
        >>> F.triplet_margin_with_distance_loss(plait.zeros(1, 2), plait.zeros(1, 2), plait.ones(1, 2))
        tensor(0.)
    """
    resolve_reduction("triplet_margin_with_distance_loss", reduction)
    if margin <= 0:
        raise ArgumentError(f"triplet_margin_with_distance_loss: expected margin > 0, got {margin}")
    return _triplet(distance_function or pairwise_distance, anchor, positive, negative, margin, swap, reduction)


def linear_cross_entropy(
    input: Tensor,
    linear_weight: Tensor,
    target: Tensor,
    *,
    linear_bias: Tensor | None = None,
    weight: Tensor | None = None,
    reduction: str = "mean",
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    options: Any = None,
) -> Tensor:
    """``cross_entropy(linear(input, linear_weight, linear_bias), target)``.

    Args:
        input: (N, in) or (in).
        linear_weight: (C, in), or (C, d1, ..., in) for results of more dimensions.
        target: classes, (N, d1, ...), or probabilities of the shape of the results.
        linear_bias: of the shape of ``linear_weight`` without its last dimension.
        weight: weights of the classes, (C).
        reduction: ``"none"``, ``"mean"`` or ``"sum"``. Default: ``"mean"``.
        ignore_index: a class that does not count. Default: -100.
        label_smoothing: in [0, 1]. Default: 0.
        options: accepted and ignored: the results are computed whole.

    Returns:
        The loss.

    Example:
        >>> import plait
        >>> from plait.nn import functional as F
        >>> F.linear_cross_entropy(plait.zeros(2, 4), plait.zeros(3, 4), plait.tensor([0, 2]))
        tensor(1.0986)
    """
    if ignore_index is not None and target.is_floating_point():
        raise ArgumentError(
            f"linear_cross_entropy: expected no ignore_index with class probabilities, got {ignore_index}"
        )
    if linear_weight.dim() > 2 and input.dim() != 2:
        raise ArgumentError(
            f"linear_cross_entropy: expected a batch (N, in) for a weight {tuple(linear_weight.shape)}, "
            f"got {tuple(input.shape)}"
        )
    bias = None if linear_bias is None else linear_bias.reshape(-1)
    *outer, width = linear_weight.shape
    results = _nn.linear(input, linear_weight.reshape(math.prod(outer), width), bias)
    results = results.reshape(*input.shape[:-1], *outer)
    index = -100 if ignore_index is None else ignore_index
    return _nn.cross_entropy(
        results, target, weight, ignore_index=index, reduction=reduction, label_smoothing=label_smoothing
    )
