# SPDX-License-Identifier: MIT
"""Jobs with torchmetrics."""

from __future__ import annotations

from typing import Any

from client import Client, pattern

client = Client("torchmetrics", "classification, regression and image scores")


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
