# SPDX-License-Identifier: MIT
"""Jobs with skorch."""

from __future__ import annotations

from typing import Any

from client import Client, pattern, set_weights, summary

client = Client("skorch", "a classifier fitted, scored")


@client.job
def classifier() -> Any:
    import numpy as np
    import torch
    from skorch import NeuralNetClassifier

    x = pattern(64, 5).numpy()
    y = (x.sum(1) > 0).astype(np.int64)
    net = NeuralNetClassifier(
        set_weights(torch.nn.Sequential(torch.nn.Linear(5, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2))),
        criterion=torch.nn.CrossEntropyLoss,
        max_epochs=5,
        lr=0.1,
        train_split=None,
        iterator_train__shuffle=False,
        verbose=0,
    )
    net.fit(x, y)
    return [net.history[-1, "train_loss"], float(net.score(x, y)), *summary(torch.tensor(net.predict_proba(x)))]
