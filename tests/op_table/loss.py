# SPDX-License-Identifier: MIT
"""Losses, with every reduction."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from references import loss as rl

from .spec import Gen, OpSpec, Sample, bad, case

F = "nn.functional."
REDUCTIONS = ("mean", "sum", "none")


def pairs(target: Callable[[Gen], Callable] | None = None, **kwargs: Any) -> Callable[[Gen], Iterable[Sample]]:
    """(input, target) of equal shape, in every reduction."""

    def samples(g: Gen) -> Iterable[Sample]:
        second = target(g) if target else g
        for reduction in REDUCTIONS:
            for n in (1, 7, 16, 17, 33, 131):
                yield case(g(n), second(n), reduction=reduction, **kwargs)
            yield case(g(3, 5), second(3, 5), reduction=reduction, **kwargs)
            yield case(g(), second(), reduction=reduction, **kwargs)
        yield case(g(4, 3, 2), second(4, 3, 2), **kwargs)
        yield case(g(0), second(0), reduction="sum", **kwargs)

    return samples


def pair_large(target: Callable[[Gen], Callable] | None = None) -> Callable[[Gen], Iterable[Sample]]:
    def samples(g: Gen) -> Iterable[Sample]:
        second = target(g) if target else g
        yield case(g(300_007), second(300_007))
        yield case(g(300_007), second(300_007), reduction="none")

    return samples


def probabilities(g: Gen) -> Callable:
    return lambda *shape: g(*shape, lo=0.05, hi=0.95)


def signs(g: Gen) -> Callable:
    return lambda *shape: np.where(g.bools(*shape), 1.0, -1.0)


def chain(*samples: Callable[[Gen], Iterable[Sample]]) -> Callable[[Gen], Iterable[Sample]]:
    def joined(g: Gen) -> Iterable[Sample]:
        for s in samples:
            yield from s(g)

    return joined


def class_samples(g: Gen) -> Iterable[Sample]:
    for reduction in REDUCTIONS:
        for n, c in ((1, 2), (4, 3), (5, 1), (3, 17), (16, 16), (7, 131)):
            yield case(g(n, c), g.ints(n, hi=c), reduction=reduction)
        yield case(g(5, 4), g.ints(5, hi=4), g(4, lo=0.2, hi=2.0), reduction=reduction)
        yield case(g(2, 3, 4), g.ints(2, 4, hi=3), reduction=reduction)
        yield case(g(2, 3, 2, 2), g.ints(2, 2, 2, hi=3), g(3, lo=0.2, hi=2.0), reduction=reduction)
        yield case(g(6, 4), np.array([0, 2, 3, 2, 1, 2]), ignore_index=2, reduction=reduction)
        yield case(g(6, 4), np.array([0, -100, 3, 2, -100, 2]), reduction=reduction)
    yield case(g(4), g.ints(hi=4))


def smooth_class_samples(g: Gen) -> Iterable[Sample]:
    yield from class_samples(g)
    for reduction in REDUCTIONS:
        yield case(g(5, 4), g.ints(5, hi=4), label_smoothing=0.1, reduction=reduction)
        yield case(
            g(5, 4), np.array([0, 1, -100, 3, 2]), g(4, lo=0.2, hi=2.0), label_smoothing=0.3, reduction=reduction
        )
        target = g(5, 4, lo=0.1, hi=1.0)
        target /= target.sum(1, keepdims=True)
        yield case(g(5, 4), target, reduction=reduction)
        yield case(g(5, 4), target, g(4, lo=0.2, hi=2.0), label_smoothing=0.2, reduction=reduction)
    yield case(50 * g(6, 5), g.ints(6, hi=5))
    target = g(2, 3, 4, lo=0.1, hi=1.0)
    yield case(g(2, 3, 4), target / target.sum(1, keepdims=True))


def class_large(g: Gen) -> Iterable[Sample]:
    yield case(g(3001, 101), g.ints(3001, hi=101))
    yield case(g(37, 9011), g.ints(37, hi=9011))
    yield case(g(9, 21, 41, 37), g.ints(9, 41, 37, hi=21))


def class_errors(name: str) -> Callable:
    return lambda: [
        bad((IndexError, ValueError), rf"{name}.*3", np.ones((2, 3)), np.array([0, 3])),
        bad((IndexError, ValueError), rf"{name}.*-1", np.ones((2, 3)), np.array([0, -1])),
        bad(ValueError, rf"{name}", np.ones((2, 3)), np.array([0, 1, 2])),
        bad(ValueError, rf"{name}.*weight", np.ones((2, 3)), np.array([0, 1]), np.ones(4)),
        bad(ValueError, rf"{name}.*(reduction|average)", np.ones((2, 3)), np.array([0, 1]), reduction="average"),
    ]


def shape_errors(name: str) -> Callable:
    return lambda: [
        bad(ValueError, rf"{name}.*\(2, 3\).*\(4,\)", np.ones((2, 3)), np.ones(4)),
        bad(ValueError, rf"{name}.*(reduction|average)", np.ones(3), np.ones(3), reduction="average"),
    ]


def embedding_pairs(g: Gen) -> Iterable[Sample]:
    for reduction in REDUCTIONS:
        yield case(g(5, 4), g(5, 4), signs(g)(5), reduction=reduction)
        yield case(g(5, 4), g(5, 4), signs(g)(5), margin=0.3, reduction=reduction)


LOSS: dict[str, Any] = {
    "variants": "f",
    "tol": {"float32": 8, "float64": 16, "float16": 2, "bfloat16": 2},
    "scale": 1.0,
}


def loss(name: str, ref: Callable, samples: Callable, **options: Any) -> OpSpec:
    return OpSpec(F + name, ref, samples, **(LOSS | {"errors": shape_errors(name)} | options))


SPECS = [
    loss("mse_loss", rl.mse_loss, pairs(), large=pair_large()),
    loss("l1_loss", rl.l1_loss, pairs(), large=pair_large()),
    loss("smooth_l1_loss", rl.smooth_l1_loss, chain(pairs(), pairs(beta=0.5)), large=pair_large()),
    loss("huber_loss", rl.huber_loss, chain(pairs(), pairs(delta=0.5)), large=pair_large()),
    loss(
        "cross_entropy",
        rl.cross_entropy,
        smooth_class_samples,
        large=class_large,
        errors=class_errors("cross_entropy"),
        nograd=(2,),
    ),
    loss("nll_loss", rl.nll_loss, class_samples, large=class_large, errors=class_errors("nll_loss"), nograd=(2,)),
    loss(
        "binary_cross_entropy",
        rl.binary_cross_entropy,
        pairs(probabilities),
        domain=(0.05, 0.95),
        large=pair_large(probabilities),
        nograd=(2,),
        errors=lambda: [
            *shape_errors("binary_cross_entropy")(),
            bad(ValueError, r"binary_cross_entropy.*0.*1", np.array([0.5, 1.5]), np.array([0.0, 1.0])),
        ],
    ),
    loss(
        "binary_cross_entropy",
        rl.binary_cross_entropy,
        lambda g: [
            case(np.array([0.0, 1.0, 0.0, 1.0]), np.array([0.0, 1.0, 1.0, 0.0]), reduction="none"),
            case(g(5), g(5), g(5), reduction="none"),
        ],
        domain=(0.05, 0.95),
        scale=100.0,
        grad=False,
        errors=None,
    ),
    loss(
        "binary_cross_entropy_with_logits",
        rl.binary_cross_entropy_with_logits,
        chain(
            pairs(probabilities),
            lambda g: [
                case(g(4, 3), probabilities(g)(4, 3), weight=g(3, lo=0.2, hi=2.0), pos_weight=g(3, lo=0.2, hi=2.0))
            ],
            lambda g: [case(np.array([-200.0, 200.0, -200.0, 200.0]), np.array([0.0, 1.0, 1.0, 0.0]))],
        ),
        large=pair_large(probabilities),
        nograd=("weight", "pos_weight"),
    ),
    loss(
        "kl_div",
        rl.kl_div,
        chain(
            pairs(probabilities),
            pairs(log_target=True),
            lambda g: [
                case(g(3, 5), probabilities(g)(3, 5), reduction="batchmean"),
                case(g(4), np.array([0.0, 0.5, 1.0, 0.0]), reduction="sum", label="special"),
            ],
        ),
        large=pair_large(probabilities),
    ),
    loss("poisson_nll_loss", rl.poisson_nll_loss, pairs(probabilities), errors=None),
    loss(
        "gaussian_nll_loss",
        rl.gaussian_nll_loss,
        lambda g: [case(g(3, 5), g(3, 5), g(3, 5, lo=0.3, hi=2.0), reduction=r) for r in REDUCTIONS],
        errors=None,
    ),
    loss("hinge_embedding_loss", rl.hinge_embedding_loss, pairs(signs), nograd=(1,), errors=None),
    loss(
        "margin_ranking_loss",
        rl.margin_ranking_loss,
        lambda g: [case(g(5), g(5), signs(g)(5), margin=0.2, reduction=r) for r in REDUCTIONS],
        nograd=(2,),
        errors=None,
    ),
    loss("soft_margin_loss", rl.soft_margin_loss, pairs(signs), nograd=(1,), errors=None),
    loss("cosine_embedding_loss", rl.cosine_embedding_loss, embedding_pairs, nograd=(2,), errors=None),
    loss(
        "triplet_margin_loss",
        rl.triplet_margin_loss,
        lambda g: [case(g(4, 3), g(4, 3), g(4, 3), reduction=r) for r in REDUCTIONS],
        scale=4.0,  # the loss is a difference of distances up to 10, which are rounded first
        errors=None,
    ),
    OpSpec(
        F + "cosine_similarity",
        rl.cosine_similarity,
        lambda g: [case(g(3, 17), g(3, 17)), case(g(3, 4, 2), g(3, 4, 2)), case(g(5), g(5), dim=0)],
        variants="f",
        tol=8,
        scale=1.0,
        exact_strides=False,
    ),
]
