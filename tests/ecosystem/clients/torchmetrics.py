# SPDX-License-Identifier: MIT
"""Jobs with torchmetrics."""

from __future__ import annotations

from typing import Any

from client import Client, pattern, summary

client = Client(
    "torchmetrics", "24 scores of classification, regression, images, audio, text and retrieval; collections"
)


@client.job
def scores() -> Any:
    import torch
    import torchmetrics

    scores, labels = pattern(50, 4), (pattern(50, seed=3) * 2 + 2).long().clamp(0, 3)
    metrics = torchmetrics.MetricCollection(
        {
            "accuracy": torchmetrics.classification.MulticlassAccuracy(4),
            "f1": torchmetrics.classification.MulticlassF1Score(4),
            "auroc": torchmetrics.classification.MulticlassAUROC(4),
            "calibration": torchmetrics.classification.MulticlassCalibrationError(4),
        }
    )
    metrics.update(scores.softmax(1), labels)
    found = {k: v.item() for k, v in metrics.compute().items()}
    r2 = torchmetrics.R2Score()(scores[:, 0], scores[:, 0] + 0.1 * scores[:, 1])
    ssim = torchmetrics.image.StructuralSimilarityIndexMeasure(data_range=2.0)
    return [
        *found.values(),
        r2.item(),
        ssim(pattern(1, 1, 24, 24), pattern(1, 1, 24, 24) * 0.9).item(),
        torch.ones(1).item(),
    ]


@client.job
def more_scores() -> Any:
    import torch
    import torchmetrics

    scores, labels = pattern(40, 3), (pattern(40, seed=5) * 1.5 + 1.5).long().clamp(0, 2)
    classes = torchmetrics.classification
    found = [
        metric(scores.softmax(1), labels)
        for metric in (
            classes.MulticlassConfusionMatrix(3),
            classes.MulticlassAveragePrecision(3),
            classes.MulticlassCohenKappa(3),
            classes.MulticlassMatthewsCorrCoef(3),
            classes.MulticlassJaccardIndex(3),
        )
    ]
    a, b = pattern(30), pattern(30) + 0.3 * pattern(30, seed=1)
    for metric in (torchmetrics.PearsonCorrCoef(), torchmetrics.SpearmanCorrCoef(), torchmetrics.KendallRankCorrCoef()):
        found.append(metric(a, b))
    found.append(torchmetrics.audio.SignalNoiseRatio()(a, b))
    found.append(torchmetrics.text.WordErrorRate()(["a loom of wood"], ["the loom of wood"]))
    found.append(torchmetrics.text.BLEUScore(2)(["the loom of wood"], [["a loom of wood", "the loom of old wood"]]))
    found.append(torchmetrics.text.Perplexity()(pattern(2, 5, 7), torch.arange(10).reshape(2, 5) % 7))
    found.append(torchmetrics.retrieval.RetrievalMAP()(scores[:, 0], labels > 0, indexes=torch.arange(40) // 8))
    found.append(
        torchmetrics.image.PeakSignalNoiseRatio(data_range=2.0)(pattern(1, 1, 8, 8), pattern(1, 1, 8, 8) * 0.9)
    )
    mean = torchmetrics.MeanMetric()
    for x in a.split(7):
        mean.update(x)
    return [summary(f.double()) for f in [*found, mean.compute()]]
