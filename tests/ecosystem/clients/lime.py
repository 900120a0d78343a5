# SPDX-License-Identifier: MIT
"""Jobs with lime."""

from __future__ import annotations

from typing import Any

from client import Client, pattern, set_weights

client = Client("lime", "an explanation of a table's row")


@client.job
def tabular() -> Any:
    import torch
    from lime.lime_tabular import LimeTabularExplainer

    network = set_weights(torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Tanh(), torch.nn.Linear(8, 2)))

    def predict(x: Any) -> Any:
        with torch.no_grad():
            return network(torch.from_numpy(x).float()).softmax(1).numpy()

    data = pattern(50, 4).double().numpy()
    explainer = LimeTabularExplainer(data, mode="classification", discretize_continuous=False, random_state=0)
    explanation = explainer.explain_instance(data[0], predict, num_features=4, num_samples=500)
    return [weight for _, weight in sorted(explanation.as_map()[1])]
