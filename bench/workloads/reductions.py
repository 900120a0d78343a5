# SPDX-License-Identifier: MIT
"""Softmax, layer normalisation, reduction, pooling and sorting."""

from __future__ import annotations

from typing import Any

from . import Case, Data, workload


@workload("op", "softmax, 4096 x 1024", traffic=8 * 4096 * 1024)
def softmax(torch: Any, data: Data) -> Case:
    x = data.normal(4096, 1024)
    return Case(lambda: torch.softmax(x, dim=1))


# Reads x, writes y; reads x and gy, writes gx.
@workload("op", "layer_norm, 4096 x 768, forward and backward", traffic=4 * 5 * 4096 * 768)
def layer_norm(torch: Any, data: Data) -> Case:
    norm = torch.nn.LayerNorm(768)
    x, gy = data.normal(4096, 768).requires_grad_(), data.normal(4096, 768)

    def step() -> Any:
        x.grad = norm.weight.grad = norm.bias.grad = None
        y = norm(x)
        y.backward(gy)
        return y.detach(), x.grad, norm.weight.grad, norm.bias.grad

    return Case(step, [norm])


@workload("op", "sum over the first axis, 4096 x 4096", traffic=4 * 4096 * 4096)
def sum_first(torch: Any, data: Data) -> Case:
    x = data.normal(4096, 4096)
    return Case(lambda: x.sum(dim=0))


@workload("op", "max_pool2d 3x3/2, 16 x 64 x 112 x 112", traffic=4 * 16 * 64 * (112 * 112 + 56 * 56))
def max_pool(torch: Any, data: Data) -> Case:
    x = data.normal(16, 64, 112, 112)
    return Case(lambda: torch.nn.functional.max_pool2d(x, 3, stride=2, padding=1))


@workload("op", "sort, 1M elements")
def sort(torch: Any, data: Data) -> Case:
    x = data.normal(1 << 20)
    return Case(lambda: torch.sort(x)[0])
