# SPDX-License-Identifier: MIT
"""Jobs with optuna."""

from __future__ import annotations

from typing import Any

from client import Client

client = Client("optuna", "the Gaussian-process sampler finds a minimum; a learning rate chosen by TPE")


@client.job
def gaussian_process() -> Any:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(sampler=optuna.samplers.GPSampler(seed=0, n_startup_trials=4))
    study.optimize(lambda trial: (trial.suggest_float("x", -1, 1) - 0.3) ** 2, n_trials=10)
    return [round(study.best_value, 3)]


@client.job
def learning_rate() -> Any:
    import optuna
    import torch

    optuna.logging.set_verbosity(optuna.logging.ERROR)

    def objective(trial: Any) -> float:
        w = torch.tensor([1.0, -2.0], requires_grad=True)
        optimizer = torch.optim.SGD([w], lr=trial.suggest_float("lr", 1e-3, 1.0, log=True))
        for step in range(10):
            optimizer.zero_grad()
            loss = (w * w).sum()
            loss.backward()
            optimizer.step()
            trial.report(loss.item(), step)
            if trial.should_prune():
                raise optuna.TrialPruned
        return loss.item()

    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=0), pruner=optuna.pruners.MedianPruner())
    study.optimize(objective, n_trials=10)
    return [study.best_params["lr"], study.best_value, float(len(study.trials))]
