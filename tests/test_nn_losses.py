# SPDX-License-Identifier: MIT
"""Values and gradients of the losses and distances against NumPy."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest

import plait
import plait.nn.functional as F
from plait import nn

F64 = plait.float64
RNG = np.random.default_rng(0)
X, Y, Z = (RNG.normal(size=(5, 4)) for _ in range(3))
SIGN = np.where(RNG.normal(size=(5, 4)) > 0, 1.0, -1.0)
PROB = 1 / (1 + np.exp(-Y))
COUNTS = RNG.integers(0, 9, size=(5, 4)).astype(float)
CLASSES = np.array([0, 3, 1, 1, 2])
WEIGHT = np.array([0.5, 1.0, 2.0, 0.1])


def logsumexp(x: np.ndarray) -> np.ndarray:
    return np.log(np.exp(x).sum(1, keepdims=True))


LOGP = X - logsumexp(X)
PICKED = LOGP[np.arange(5), CLASSES]
D = np.abs(X - Y)


def distance(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.sqrt(((a - b + 1e-6) ** 2).sum(-1))


COSINE = (X * Y).sum(1) / np.sqrt((X**2).sum(1) * (Y**2).sum(1))
SOFTPLUS_NEG = np.log1p(np.exp(-X))
SOFTPLUS_POS = np.log1p(np.exp(X))
OWN = np.eye(4, dtype=bool)[CLASSES]
MARGINS = np.where(OWN, 0, np.maximum(0, 1 - X[np.arange(5), CLASSES][:, None] + X))
STIRLING = np.where(COUNTS > 1, COUNTS * np.log(np.maximum(COUNTS, 1)) - COUNTS
                    + 0.5 * np.log(2 * np.pi * np.maximum(COUNTS, 1)), 0)  # fmt: skip

# module, arguments, one value per element or sample
CASES: list[tuple[Any, tuple[np.ndarray, ...], np.ndarray]] = [
    (nn.L1Loss, (X, Y), D),
    (nn.MSELoss, (X, Y), D**2),
    (lambda **k: nn.SmoothL1Loss(beta=0.5, **k), (X, Y), np.where(D < 0.5, D**2, D - 0.25)),
    (lambda **k: nn.HuberLoss(delta=0.5, **k), (X, Y), np.where(D < 0.5, 0.5 * D**2, 0.5 * (D - 0.25))),
    (nn.BCELoss, (PROB, COUNTS / 9), -(COUNTS / 9 * np.log(PROB) + (1 - COUNTS / 9) * np.log(1 - PROB))),
    (nn.BCEWithLogitsLoss, (X, PROB), PROB * SOFTPLUS_NEG + (1 - PROB) * SOFTPLUS_POS),
    (nn.KLDivLoss, (LOGP, PROB), PROB * (np.log(PROB) - LOGP)),
    (nn.PoissonNLLLoss, (X, COUNTS), np.exp(X) - COUNTS * X),
    (lambda **k: nn.PoissonNLLLoss(full=True, **k), (X, COUNTS), np.exp(X) - COUNTS * X + STIRLING),
    (lambda **k: nn.GaussianNLLLoss(full=True, **k), (X, Y, PROB),
     0.5 * (np.log(PROB) + (X - Y) ** 2 / PROB + math.log(2 * math.pi))),
    (nn.HingeEmbeddingLoss, (X, SIGN), np.where(SIGN == 1, X, np.maximum(0, 1 - X))),
    (nn.SoftMarginLoss, (X, SIGN), np.log1p(np.exp(-SIGN * X))),
    (lambda **k: nn.MarginRankingLoss(margin=0.2, **k), (X, Y, SIGN), np.maximum(0, -SIGN * (X - Y) + 0.2)),
    (lambda **k: nn.CosineEmbeddingLoss(margin=0.1, **k), (X, Y, SIGN[:, 0]),
     np.where(SIGN[:, 0] == 1, 1 - COSINE, np.maximum(0, COSINE - 0.1))),
    (nn.TripletMarginLoss, (X, Y, Z), np.maximum(0, distance(X, Y) - distance(X, Z) + 1)),
    (lambda **k: nn.TripletMarginWithDistanceLoss(swap=True, **k), (X, Y, Z),
     np.maximum(0, distance(X, Y) - np.minimum(distance(X, Z), distance(Y, Z)) + 1)),
    (nn.MultiLabelSoftMarginLoss, (X, (SIGN + 1) / 2),
     np.where(SIGN == 1, SOFTPLUS_NEG, SOFTPLUS_POS).mean(1)),
    (nn.MultiMarginLoss, (X, CLASSES), MARGINS.sum(1) / 4),
    (lambda **k: nn.MultiMarginLoss(p=2, **k), (X, CLASSES), (MARGINS**2).sum(1) / 4),
    (nn.CrossEntropyLoss, (X, CLASSES), -PICKED),
    (lambda **k: nn.CrossEntropyLoss(label_smoothing=0.2, **k), (X, CLASSES), -0.8 * PICKED - 0.2 * LOGP.mean(1)),
    (nn.CrossEntropyLoss, (X, PROB), -(PROB * LOGP).sum(1)),
    (nn.NLLLoss, (LOGP, CLASSES), -PICKED),
]  # fmt: skip


def tensors(arrays: tuple[np.ndarray, ...]) -> list[plait.Tensor]:
    return [plait.from_numpy(a.copy()) for a in arrays]


@pytest.mark.parametrize("case", range(len(CASES)))
def test_loss(case: int) -> None:
    make, arrays, expected = CASES[case]
    args = tensors(arrays)
    np.testing.assert_allclose(make(reduction="none")(*args).numpy(), expected, rtol=1e-9, atol=1e-9)
    assert make(reduction="sum")(*args).item() == pytest.approx(expected.sum())
    assert make()(*args).item() == pytest.approx(expected.mean())
    first = args[0].requires_grad_()
    assert plait.autograd.gradcheck(lambda x: make()(x, *args[1:]), (first,), atol=1e-5)
    with pytest.raises(ValueError, match="reduction"):
        make(reduction="average")(*args)


def test_weighted_means_divide_by_the_weights() -> None:
    w = plait.from_numpy(WEIGHT)
    per_sample = -PICKED * WEIGHT[CLASSES]
    x, classes = tensors((X, CLASSES))
    logp = plait.from_numpy(LOGP)
    for loss in (nn.CrossEntropyLoss(weight=w)(x, classes), nn.NLLLoss(weight=w)(logp, classes)):
        assert loss.item() == pytest.approx(per_sample.sum() / WEIGHT[CLASSES].sum())
    classes[0] = -100
    assert nn.CrossEntropyLoss()(x, classes).item() == pytest.approx(-PICKED[1:].mean())
    assert nn.CrossEntropyLoss(ignore_index=1)(x, plait.from_numpy(CLASSES)).item() == pytest.approx(
        -PICKED[CLASSES != 1].mean()
    )
    assert nn.NLLLoss2d is not None
    assert "weight" in nn.CrossEntropyLoss(weight=w).state_dict()


def test_other_options() -> None:
    x, p = tensors((X, PROB))
    logits = nn.BCEWithLogitsLoss(pos_weight=plait.from_numpy(WEIGHT))(x, p)
    assert logits.item() == pytest.approx((PROB * WEIGHT * SOFTPLUS_NEG + (1 - PROB) * SOFTPLUS_POS).mean())
    logp, logq = tensors((LOGP, np.log(PROB)))
    assert nn.KLDivLoss(reduction="batchmean")(logp, p).item() == pytest.approx(
        (PROB * (np.log(PROB) - LOGP)).sum() / 5
    )
    assert nn.KLDivLoss(reduction="sum", log_target=True)(logp, logq).item() == pytest.approx(
        (PROB * (np.log(PROB) - LOGP)).sum()
    )
    assert F.gaussian_nll_loss(x, p, 2.0).item() == pytest.approx((0.5 * (math.log(2) + (X - PROB) ** 2 / 2)).mean())


def test_multilabel_margin_loss() -> None:
    x = plait.tensor([[0.1, 0.2, 0.4, 0.8]], dtype=F64)
    target = plait.tensor([[3, 0, -1, 1]])
    # Labels 3 and 0 against the other classes 1 and 2.
    expected = sum(max(0, 1 - (x[0, y].item() - x[0, j].item())) for y in (3, 0) for j in (1, 2)) / 4
    assert nn.MultiLabelMarginLoss()(x, target).item() == pytest.approx(expected)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: F.gaussian_nll_loss(x, x, -x.abs() - 1), "var >= 0"),
        (lambda x: F.gaussian_nll_loss(x, x, plait.ones(3)), "var of shape"),
        (lambda x: F.margin_ranking_loss(x, x[0], x), "one number of dimensions"),
        (lambda x: F.cosine_embedding_loss(x, x, x), "expected inputs"),
        (lambda x: F.multi_margin_loss(x, plait.zeros(3).long()), r"expected \(N, C\)"),
        (lambda x: F.multi_margin_loss(x, plait.zeros(5).long(), p=3), "p to be 1 or 2"),
        (lambda x: F.multilabel_margin_loss(x, plait.zeros(5).long()), "one shape"),
        (lambda x: F.triplet_margin_loss(x, x, x, margin=0), "margin > 0"),
        (lambda x: nn.TripletMarginWithDistanceLoss(margin=-1.0), "margin > 0"),
    ],
)
def test_loss_errors(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call(plait.ones(5, 4))


# ---- connectionist temporal classification ---------------------------------------------------------------


def ctc_by_enumeration(probs: np.ndarray, labels: list[int], blank: int) -> float:
    """Sum over every path of the probability of those that collapse to the labels."""
    steps, classes = probs.shape
    total = 0.0
    for path in itertools.product(range(classes), repeat=steps):
        collapsed = [c for i, c in enumerate(path) if c != blank and (i == 0 or path[i - 1] != c)]
        if collapsed == labels:
            total += np.prod([probs[t, c] for t, c in enumerate(path)])
    return -math.log(total) if total > 0 else math.inf


def test_ctc_equals_the_sum_over_paths() -> None:
    plait.manual_seed(0)
    log_probs = plait.randn(5, 4, 3, dtype=F64).log_softmax(-1)
    labels = [[1, 2], [1, 1], [2], []]
    lengths = [5, 4, 3, 2]
    padded = plait.tensor([[1, 2], [1, 1], [2, 0], [0, 0]])
    probs = np.exp(log_probs.numpy())
    expected = [ctc_by_enumeration(probs[: lengths[i], i], labels[i], 0) for i in range(4)]
    got = F.ctc_loss(log_probs, padded, plait.tensor(lengths), plait.tensor([2, 2, 1, 0]), reduction="none")
    np.testing.assert_allclose(got.numpy(), expected)
    flat = plait.tensor([1, 2, 1, 1, 2])
    mean = F.ctc_loss(log_probs, flat, lengths, [2, 2, 1, 0])
    assert mean.item() == pytest.approx(np.mean(np.array(expected) / [2, 2, 1, 1]))
    single = F.ctc_loss(log_probs[:, 0], plait.tensor([1, 2]), plait.tensor(5), plait.tensor(2), reduction="none")
    assert single.item() == pytest.approx(expected[0])


def test_ctc_with_a_blank_among_the_labels() -> None:
    """It is a state of its own: two steps suffice for (1, 0), and three pass 110, 010, and 100 in three ways."""
    log_probs = plait.full((3, 1, 3), 1 / 3, dtype=F64).log()
    loss = F.ctc_loss(log_probs[:2], plait.tensor([[1, 0]]), (2,), (2,), reduction="sum")
    assert loss.item() == pytest.approx(2 * math.log(3))
    loss = F.ctc_loss(log_probs, plait.tensor([[1, 0]]), (3,), (2,), reduction="sum")
    assert loss.item() == pytest.approx(-math.log(5 / 27))


def test_ctc_gradient_and_impossible_targets() -> None:
    logits = plait.randn(4, 2, 3, dtype=F64).requires_grad_()

    def loss(x: plait.Tensor, zero: bool = False) -> plait.Tensor:
        targets = plait.tensor([[1, 2, 0], [1, 1, 1]])  # three equal labels need five steps
        return nn.CTCLoss(reduction="none", zero_infinity=zero)(x.log_softmax(-1), targets, (4, 4), (2, 3))

    assert plait.autograd.gradcheck(lambda x: loss(x)[0], (logits,))
    assert loss(logits)[1].item() == math.inf
    zero = loss(logits, zero=True)
    assert zero[1].item() == 0.0
    zero.sum().backward()
    assert logits.grad[:, 1].abs().max().item() == 0.0
    with pytest.raises(ValueError, match="expected blank in"):
        F.ctc_loss(logits, plait.tensor([[1], [1]]), (4, 4), (1, 1), blank=3)
    with pytest.raises(ValueError, match="input_lengths of at most 4"):
        F.ctc_loss(logits, plait.tensor([[1], [1]]), (5, 4), (1, 1))


# ---- distances and others --------------------------------------------------------------------------------


def test_distances() -> None:
    x, y = tensors((X, Y))
    np.testing.assert_allclose(nn.CosineSimilarity()(x, y).numpy(), COSINE)
    np.testing.assert_allclose(nn.PairwiseDistance()(x, y).numpy(), distance(X, Y))
    np.testing.assert_allclose(
        nn.PairwiseDistance(1, keepdim=True)(x, y).numpy(), np.abs(X - Y + 1e-6).sum(1, keepdims=True)
    )
    pairs = [np.linalg.norm(X[i] - X[j]) for i in range(5) for j in range(i + 1, 5)]
    np.testing.assert_allclose(F.pdist(x).numpy(), pairs)
    np.testing.assert_allclose(F.normalize(x, dim=1).numpy(), X / np.linalg.norm(X, axis=1, keepdims=True))
    with pytest.raises(ValueError, match="pdist: expected a 2-D input"):
        F.pdist(x[0])


def test_adaptive_log_softmax() -> None:
    plait.manual_seed(0)
    layer = nn.AdaptiveLogSoftmaxWithLoss(8, 20, [4, 10], dtype=F64)
    x = plait.randn(6, 8, dtype=F64)
    target = plait.tensor([0, 3, 4, 9, 10, 19])
    log_prob = layer.log_prob(x)
    np.testing.assert_allclose(np.exp(log_prob.detach().numpy()).sum(1), 1)
    output, loss = layer(x, target)
    np.testing.assert_allclose(output.detach().numpy(), log_prob.detach().numpy()[np.arange(6), target.numpy()])
    assert loss.item() == pytest.approx(-output.mean().item())
    assert layer.predict(x).tolist() == log_prob.argmax(1).tolist()
    with pytest.raises(ValueError, match="cutoffs"):
        nn.AdaptiveLogSoftmaxWithLoss(8, 20, [10, 4])
    with pytest.raises(ValueError, match="targets within"):
        layer(x, target + 1)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"size_average": True}, "mean"),
        ({"size_average": False}, "sum"),
        ({"reduce": False}, "none"),
        ({"size_average": False, "reduce": True}, "sum"),
    ],
)
def test_the_old_form_of_reduction(old: dict[str, bool], new: str) -> None:
    with pytest.warns(FutureWarning, match="size_average and reduce"):
        assert nn.CrossEntropyLoss(**old).reduction == new
    x, sign = tensors((X, SIGN))
    with pytest.warns(FutureWarning, match="size_average and reduce"):
        got = F.soft_margin_loss(x, sign, **old)
    np.testing.assert_allclose(got.numpy(), F.soft_margin_loss(x, sign, reduction=new).numpy())
