# SPDX-License-Identifier: MIT
"""Jobs with fastai; nothing is shuffled, so that the numbers repeat."""

from __future__ import annotations

import tempfile
from typing import Any

from client import Client, pattern, set_weights, summary

client = Client("fastai", "a vision learner with xresnet, a tabular learner, callbacks, saved and loaded")


@client.job
def vision() -> Any:
    import torch
    from fastai.callback import progress, schedule  # noqa: F401 (no_bar, fit_one_cycle)
    from fastai.data.core import DataLoaders
    from fastai.learner import Learner
    from fastai.losses import CrossEntropyLossFlat
    from fastai.metrics import accuracy
    from fastai.vision.models.xresnet import xresnet18

    items = [(pattern(3, 32, 32, seed=i), torch.tensor(i % 3)) for i in range(24)]
    loaders = DataLoaders.from_dsets(items[:16], items[16:], bs=8, shuffle=False, num_workers=0, device="cpu")
    loaders.train.shuffle = False
    with tempfile.TemporaryDirectory() as folder:
        learner = Learner(
            loaders,
            set_weights(xresnet18(n_out=3)),
            loss_func=CrossEntropyLossFlat(),
            metrics=accuracy,
            path=folder,
        )
        with learner.no_bar(), learner.no_logging():
            learner.fit_one_cycle(2, 1e-3)
        learner.save("weights")
        learner.load("weights")
        predictions, targets = learner.get_preds(dl=loaders.valid)
    return [[float(v) for v in row] for row in learner.recorder.values] + [summary(predictions), summary(targets)]


@client.job
def tabular() -> Any:
    import numpy as np
    import pandas as pd
    import torch
    from fastai.tabular.all import Categorify, CategoryBlock, FillMissing, Normalize, TabularPandas, tabular_learner

    n = 64
    frame = pd.DataFrame({name: pattern(n, seed=i).numpy() for i, name in enumerate("ab")})
    frame.loc[::9, "b"] = np.nan
    frame["kind"] = [("wool", "silk", "linen")[i % 3] for i in range(n)]
    frame["y"] = np.where(frame["a"] > 0, "yes", "no")
    table = TabularPandas(
        frame,
        procs=[Categorify, FillMissing, Normalize],
        cat_names=["kind"],
        cont_names=["a", "b"],
        y_names="y",
        y_block=CategoryBlock(),
        splits=(list(range(48)), list(range(48, n))),
    )
    learner = tabular_learner(table.dataloaders(bs=16, shuffle_train=False, device="cpu"), layers=[8])
    set_weights(learner.model)
    learner.dls.train.shuffle = False
    with learner.no_bar(), learner.no_logging():
        learner.fit(2, 1e-2)
    predictions, _ = learner.get_preds()
    return [float(torch.as_tensor(predictions).shape[0]), summary(torch.as_tensor(predictions))]
