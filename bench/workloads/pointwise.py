# SPDX-License-Identifier: MIT
"""Elementwise operators: overhead, a chain with its backward, and memory bandwidth."""

from __future__ import annotations

from typing import Any

from . import Case, Data, workload

_4M, _16M = 1 << 22, 1 << 24


@workload("op", "add, 1,000 elements", traffic=12 * 1000)
def add_1k(torch: Any, data: Data) -> Case:
    a, b = data.normal(1000), data.normal(1000)
    return Case(lambda: a + b)


@workload("op", "add, 16M elements", traffic=12 * _16M)
def add_16m(torch: Any, data: Data) -> Case:
    a, b = data.normal(_16M), data.normal(_16M)
    return Case(lambda: a + b)


@workload("op", "20 x tanh with backward, 64 elements")
def tanh_chain(torch: Any, data: Data) -> Case:
    x = data.normal(64).requires_grad_()

    def step() -> Any:
        x.grad = None
        y = x
        for _ in range(20):
            y = torch.tanh(y)
        y.sum().backward()
        return y.detach(), x.grad

    return Case(step)


@workload("op", "gelu, 4M elements", traffic=8 * _4M)
def gelu(torch: Any, data: Data) -> Case:
    x = data.normal(_4M)
    return Case(lambda: torch.nn.functional.gelu(x))
