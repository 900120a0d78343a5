# SPDX-License-Identifier: MIT
"""Arithmetic and functions of complex numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import Case, Data, workload
from .spectral import complex_normal

N = 1 << 18


def declare(name: str, operands: int = 1) -> None:
    """A function of torch of 262,144 complex numbers each."""

    @workload("op", f"complex {name}, 256k elements")
    def function(torch: Any, data: Data) -> Case:
        f: Callable[..., Any] = getattr(torch, name)
        x = [complex_normal(torch, data, N) for _ in range(operands)]
        return Case(lambda: parts(torch, f(*x)))


def parts(torch: Any, y: Any) -> Any:
    return torch.view_as_real(y) if y.is_complex() else y


for name in ("add", "mul", "div"):
    declare(name, 2)
for name in ("abs", "angle", "sgn", "exp", "log", "sqrt", "sin", "tanh", "reciprocal", "sum"):
    declare(name)


@workload("op", "complex cumsum, 256k elements", rtol=1e-4)
def cumsum(torch: Any, data: Data) -> Case:
    x = complex_normal(torch, data, N)
    return Case(lambda: torch.view_as_real(x.cumsum(0)))


@workload("op", "complex dot product, 256k elements", rtol=1e-4)
def vdot(torch: Any, data: Data) -> Case:
    x, y = complex_normal(torch, data, N), complex_normal(torch, data, N)
    return Case(lambda: torch.view_as_real(torch.vdot(x, y)))


@workload("op", "complex matmul, 256", flops=8 * 256**3)
def matmul(torch: Any, data: Data) -> Case:
    x, y = complex_normal(torch, data, 256, 256), complex_normal(torch, data, 256, 256)
    return Case(lambda: torch.view_as_real(x @ y))


@workload("op", "complex batched matmul, 100 x 16 x 16", flops=8 * 100 * 16**3)
def bmm(torch: Any, data: Data) -> Case:
    x, y = complex_normal(torch, data, 100, 16, 16), complex_normal(torch, data, 100, 16, 16)
    return Case(lambda: torch.view_as_real(x @ y))
