# SPDX-License-Identifier: MIT
"""Multi-layer perceptrons, from overhead-bound to GEMM-bound."""

from __future__ import annotations

from typing import Any

from . import Case, Data, train_step, workload


def _small(torch: Any, data: Data, batch: int) -> Case:
    nn, F = torch.nn, torch.nn.functional
    model = nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    x, y = data.uniform(batch, 784), data.integers(10, batch)
    return Case(train_step(optimizer, lambda: F.cross_entropy(model(x), y)), [model])


# Forward, and backward to the weights of both layers and to the input of the second.
@workload("train", "mlp 784-128-10, Adam, batch 64", flops=2 * 64 * (2 * 784 * 128 + 3 * 128 * 10))
def small_64(torch: Any, data: Data) -> Case:
    return _small(torch, data, 64)


@workload("train", "mlp 784-128-10, Adam, batch 1", flops=2 * (2 * 784 * 128 + 3 * 128 * 10))
def small_1(torch: Any, data: Data) -> Case:
    return _small(torch, data, 1)


def _large(torch: Any, data: Data) -> tuple[Any, Any]:
    nn, F = torch.nn, torch.nn.functional
    model = nn.Sequential(nn.Linear(1024, 2048), nn.GELU(), nn.Linear(2048, 2048), nn.GELU(), nn.Linear(2048, 1000))
    x, y = data.normal(256, 1024), data.integers(1000, 256)
    return model, lambda: F.cross_entropy(model(x), y)


_LARGE_FLOPS = 2 * 256 * (2 * 1024 * 2048 + 3 * 2048 * 2048 + 3 * 2048 * 1000)


@workload("train", "mlp 1024-2048-2048-1000, GELU, Adam, batch 256", flops=_LARGE_FLOPS)
def large_adam(torch: Any, data: Data) -> Case:
    model, loss = _large(torch, data)
    return Case(train_step(torch.optim.Adam(model.parameters(), lr=1e-4), loss), [model])


@workload("train", "mlp 1024-2048-2048-1000, GELU, SGD+momentum, batch 256", flops=_LARGE_FLOPS)
def large_sgd(torch: Any, data: Data) -> Case:
    model, loss = _large(torch, data)
    return Case(train_step(torch.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9), loss), [model])
