# SPDX-License-Identifier: MIT
"""Moving memory: transpose, gather of rows, and the backward of an embedding."""

from __future__ import annotations

from typing import Any

from . import Case, Data, workload


@workload("op", "transpose and copy, 4096 x 4096", traffic=8 * 4096 * 4096)
def transpose(torch: Any, data: Data) -> Case:
    x = data.normal(4096, 4096)
    return Case(lambda: x.t().contiguous())


# Reads the 8192 rows of gy and writes the whole table.
@workload("op", "embedding backward, 30000 x 256, 8192 tokens", traffic=4 * 256 * (8192 + 30000))
def embedding_backward(torch: Any, data: Data) -> Case:
    table = data.normal(30000, 256).requires_grad_()
    tokens, gy = data.integers(30000, 32, 256), data.normal(32, 256, 256)
    y = torch.nn.functional.embedding(tokens, table)

    def step() -> Any:
        table.grad = None
        y.backward(gy, retain_graph=True)
        return table.grad

    return Case(step)


@workload("op", "gather of 100k rows of 64", traffic=8 * 100_000 * 64)
def gather(torch: Any, data: Data) -> Case:
    x, rows = data.normal(100_000, 64), data.integers(100_000, 100_000)
    return Case(lambda: x[rows])
