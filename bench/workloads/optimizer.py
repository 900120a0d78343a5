# SPDX-License-Identifier: MIT
"""One optimizer step over 10 million parameters in 40 tensors."""

from __future__ import annotations

from typing import Any

from . import Case, Data, workload

_TENSORS, _ROWS, _COLUMNS = 40, 512, 512
_PARAMETERS = _TENSORS * _ROWS * _COLUMNS


def _case(torch: Any, data: Data, optimizer: Any, **options: Any) -> Case:
    weights = torch.nn.ParameterList([torch.nn.Parameter(data.normal(_ROWS, _COLUMNS)) for _ in range(_TENSORS)])
    for weight in weights:
        weight.grad = data.normal(_ROWS, _COLUMNS)
    update = optimizer(weights.parameters(), **options)

    def step() -> Any:
        update.step()
        return weights[0].detach()

    return Case(step, [weights])


# Reads the gradient; reads and writes the weight and both moments.
@workload("op", "Adam over 10M parameters", traffic=4 * 7 * _PARAMETERS)
def adam(torch: Any, data: Data) -> Case:
    return _case(torch, data, torch.optim.Adam, lr=1e-3)


@workload("op", "SGD+momentum over 10M parameters", traffic=4 * 5 * _PARAMETERS)
def sgd(torch: Any, data: Data) -> Case:
    return _case(torch, data, torch.optim.SGD, lr=1e-3, momentum=0.9)
