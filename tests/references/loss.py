# SPDX-License-Identifier: MIT
"""Losses as their formulas read."""

from __future__ import annotations

import numpy as np


def reduce(losses: np.ndarray, reduction: str, weights: np.ndarray | None = None) -> np.ndarray:
    """`weights`: what a weighted mean divides by."""
    if reduction == "none":
        return losses
    if reduction == "sum":
        return losses.sum()
    return losses.sum() / weights.sum() if weights is not None else losses.mean()


def log_softmax(x: np.ndarray, axis: int) -> np.ndarray:
    shifted = x - x.max(axis=axis, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True))


def nll_loss(
    x: np.ndarray,  # (n, c, *d) or (c,): log-probabilities
    target: np.ndarray,  # (n, *d): class indices
    weight: np.ndarray | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
) -> np.ndarray:
    axis = 0 if x.ndim == 1 else 1
    weight = np.ones(x.shape[axis]) if weight is None else weight
    used = target != ignore_index
    index = np.where(used, target, 0)
    picked = np.take_along_axis(x, np.expand_dims(index, axis), axis=axis).squeeze(axis)
    w = np.where(used, weight[index], 0.0)
    return reduce(-w * picked, reduction, w)


def cross_entropy(
    x: np.ndarray,
    target: np.ndarray,
    weight: np.ndarray | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> np.ndarray:
    axis = 0 if x.ndim == 1 else 1
    classes = x.shape[axis]
    logp = log_softmax(x, axis)
    shape = [1] * x.ndim
    shape[axis] = classes
    w = np.ones(shape) if weight is None else weight.reshape(shape)
    if target.dtype.kind == "f":  # probabilities of the classes
        smooth = target * (1 - label_smoothing) + label_smoothing / classes
        losses = -(smooth * logp * w).sum(axis=axis)
        count = np.full(1, float(x.size // classes))
        return reduce(losses, reduction, count)
    # (1 - s) * nll + s / classes * sum over classes of -w * logp
    used = target != ignore_index
    index = np.where(used, target, 0)
    picked = np.take_along_axis(w * logp, np.expand_dims(index, axis), axis=axis).squeeze(axis)
    spread = (w * logp).sum(axis=axis) / classes
    losses = np.where(used, -(1 - label_smoothing) * picked - label_smoothing * spread, 0.0)
    return reduce(losses, reduction, np.where(used, w.reshape(-1)[index], 0.0))


def mse_loss(x: np.ndarray, y: np.ndarray, reduction: str = "mean") -> np.ndarray:
    return reduce((x - y) ** 2, reduction)


def l1_loss(x: np.ndarray, y: np.ndarray, reduction: str = "mean") -> np.ndarray:
    return reduce(np.abs(x - y), reduction)


def smooth_l1_loss(x: np.ndarray, y: np.ndarray, reduction: str = "mean", beta: float = 1.0) -> np.ndarray:
    d = np.abs(x - y)
    return reduce(np.where(d < beta, 0.5 * d * d / (beta or 1.0), d - 0.5 * beta), reduction)


def huber_loss(x: np.ndarray, y: np.ndarray, reduction: str = "mean", delta: float = 1.0) -> np.ndarray:
    d = np.abs(x - y)
    return reduce(np.where(d <= delta, 0.5 * d * d, delta * (d - 0.5 * delta)), reduction)


def binary_cross_entropy(
    x: np.ndarray, y: np.ndarray, weight: np.ndarray | None = None, reduction: str = "mean"
) -> np.ndarray:
    with np.errstate(divide="ignore"):
        log_x, log_not_x = np.maximum(np.log(x), -100), np.maximum(np.log1p(-x), -100)  # never infinite
    losses = -(y * log_x + (1 - y) * log_not_x)
    return reduce(losses if weight is None else losses * weight, reduction)


def binary_cross_entropy_with_logits(
    x: np.ndarray,
    y: np.ndarray,
    weight: np.ndarray | None = None,
    reduction: str = "mean",
    pos_weight: np.ndarray | None = None,
) -> np.ndarray:
    p = 1.0 if pos_weight is None else pos_weight
    losses = p * y * np.logaddexp(0, -x) + (1 - y) * np.logaddexp(0, x)
    return reduce(losses if weight is None else losses * weight, reduction)


def kl_div(x: np.ndarray, y: np.ndarray, reduction: str = "mean", log_target: bool = False) -> np.ndarray:
    if log_target:
        losses = np.exp(y) * (y - x)
    else:
        losses = np.where(y > 0, y * np.log(np.where(y > 0, y, 1.0)), 0.0) - y * x
    if reduction == "batchmean":
        return losses.sum() / x.shape[0]
    return reduce(losses, reduction)


def poisson_nll_loss(x: np.ndarray, y: np.ndarray, log_input: bool = True, reduction: str = "mean") -> np.ndarray:
    losses = np.exp(x) - y * x if log_input else x - y * np.log(x + 1e-8)
    return reduce(losses, reduction)


def gaussian_nll_loss(x: np.ndarray, y: np.ndarray, var: np.ndarray, reduction: str = "mean") -> np.ndarray:
    var = np.maximum(var, 1e-6)
    return reduce(0.5 * (np.log(var) + (x - y) ** 2 / var), reduction)


def hinge_embedding_loss(x: np.ndarray, y: np.ndarray, margin: float = 1.0, reduction: str = "mean") -> np.ndarray:
    return reduce(np.where(y == 1, x, np.maximum(0, margin - x)), reduction)


def margin_ranking_loss(a: np.ndarray, b: np.ndarray, y: np.ndarray, margin: float = 0.0, reduction: str = "mean"):
    return reduce(np.maximum(0, -y * (a - b) + margin), reduction)


def soft_margin_loss(x: np.ndarray, y: np.ndarray, reduction: str = "mean") -> np.ndarray:
    return reduce(np.log1p(np.exp(-y * x)), reduction)


def cosine_similarity(a: np.ndarray, b: np.ndarray, dim: int = 1, eps: float = 1e-8) -> np.ndarray:
    norms = np.sqrt((a * a).sum(dim)), np.sqrt((b * b).sum(dim))
    return (a * b).sum(dim) / (np.maximum(norms[0], eps) * np.maximum(norms[1], eps))


def cosine_embedding_loss(a: np.ndarray, b: np.ndarray, y: np.ndarray, margin: float = 0.0, reduction: str = "mean"):
    squares = ((a * a).sum(-1) + 1e-12) * ((b * b).sum(-1) + 1e-12)
    cos = (a * b).sum(-1) / np.sqrt(squares)
    return reduce(np.where(y == 1, 1 - cos, np.maximum(0, cos - margin)), reduction)


def triplet_margin_loss(
    anchor: np.ndarray, positive: np.ndarray, negative: np.ndarray, margin: float = 1.0, reduction: str = "mean"
) -> np.ndarray:
    def distance(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.sqrt(((a - b + 1e-6) ** 2).sum(-1))

    return reduce(np.maximum(0, distance(anchor, positive) - distance(anchor, negative) + margin), reduction)
