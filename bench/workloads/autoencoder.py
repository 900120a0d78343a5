# SPDX-License-Identifier: MIT
"""A dense autoencoder."""

from __future__ import annotations

from typing import Any

from . import Case, Data, train_step, workload


@workload(
    "train",
    "autoencoder 784-256-32-256-784, batch 128",
    flops=2 * 128 * (2 * 784 * 256 + 3 * (256 * 32 + 32 * 256 + 256 * 784)),
)
def autoencoder(torch: Any, data: Data) -> Case:
    nn = torch.nn
    model = nn.Sequential(
        nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 32), nn.ReLU(),
        nn.Linear(32, 256), nn.ReLU(), nn.Linear(256, 784), nn.Sigmoid(),
    )  # fmt: skip
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    x = data.uniform(128, 784)
    return Case(train_step(optimizer, lambda: nn.functional.mse_loss(model(x), x)), [model])
