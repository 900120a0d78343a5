# SPDX-License-Identifier: MIT
"""Jobs with shap."""

from __future__ import annotations

from typing import Any

from client import Client, flat, pattern, set_weights

client = Client("shap", "DeepExplainer and KernelExplainer")


def _network() -> Any:
    import torch

    return set_weights(torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2)))


@client.job
def deep() -> Any:
    import shap

    return flat(shap.DeepExplainer(_network(), pattern(20, 4)).shap_values(pattern(3, 4, seed=1)).tolist())


@client.job
def kernel() -> Any:
    import shap
    import torch

    network = _network()

    def predict(x: Any) -> Any:
        with torch.no_grad():
            return network(torch.as_tensor(x, dtype=torch.float32)).numpy()

    explainer = shap.KernelExplainer(predict, pattern(10, 4).numpy())
    return flat(explainer.shap_values(pattern(2, 4, seed=1).numpy(), silent=True).tolist())
