# SPDX-License-Identifier: MIT
"""Jobs with skorch."""

from __future__ import annotations

from typing import Any

from client import Client, pattern, set_weights, summary

client = Client(
    "skorch", "a classifier; pipelines, cross-validation and grid search (two processes) of scikit-learn, callbacks"
)


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


@client.job
def with_scikit_learn() -> Any:
    import numpy as np
    import torch
    from sklearn.base import clone
    from sklearn.model_selection import GridSearchCV, cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from skorch import NeuralNetRegressor
    from skorch.callbacks import EarlyStopping, EpochScoring

    class Network(torch.nn.Module):
        def __init__(self, width: int = 4) -> None:
            super().__init__()
            self.layers = torch.nn.Sequential(torch.nn.Linear(3, width), torch.nn.Tanh(), torch.nn.Linear(width, 1))
            set_weights(self)

        def forward(self, x: Any) -> Any:
            return self.layers(x)

    x = pattern(60, 3).numpy()
    y = (x.sum(1, keepdims=True) > 0).astype(np.float32)
    net = NeuralNetRegressor(
        Network,
        max_epochs=8,
        lr=0.1,
        train_split=None,
        iterator_train__shuffle=False,
        verbose=0,
        callbacks=[EpochScoring("r2", on_train=True, lower_is_better=False), EarlyStopping("train_loss", patience=3)],
    )
    pipeline = make_pipeline(StandardScaler(), clone(net))
    scores = cross_val_score(pipeline, x, y, cv=3, scoring="neg_mean_squared_error")
    grid = {"module__width": [2, 4], "lr": [0.05, 0.1]}
    search = GridSearchCV(net, grid, cv=2, scoring="neg_mean_squared_error", n_jobs=2)  # processes of loky
    search.fit(x, y)
    return [scores.tolist(), search.best_params_["module__width"], search.best_params_["lr"], search.best_score_]
