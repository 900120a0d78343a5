# SPDX-License-Identifier: MIT
"""Matrix products."""

from __future__ import annotations

from typing import Any

from . import Case, Data, workload


def _square(torch: Any, data: Data, n: int) -> Case:
    a, b = data.normal(n, n), data.normal(n, n)
    return Case(lambda: a @ b)


@workload("op", "matmul, 64", flops=2 * 64**3)
def matmul_64(torch: Any, data: Data) -> Case:
    return _square(torch, data, 64)


@workload("op", "matmul, 512", flops=2 * 512**3)
def matmul_512(torch: Any, data: Data) -> Case:
    return _square(torch, data, 512)


@workload("op", "matmul, 2048", flops=2 * 2048**3)
def matmul_2048(torch: Any, data: Data) -> Case:
    return _square(torch, data, 2048)


@workload("op", "batched matmul, 96 x (128x64x128)", flops=2 * 96 * 128 * 64 * 128)
def batched(torch: Any, data: Data) -> Case:
    a, b = data.normal(96, 128, 64), data.normal(96, 64, 128)
    return Case(lambda: a @ b)


def _integers(torch: Any, data: Data, dtype: str) -> Case:
    a, b = (data.integers(100, 512, 512).to(getattr(torch, dtype)) for _ in range(2))
    return Case(lambda: a @ b)


@workload("op", "matmul of int8, 512")
def matmul_int8(torch: Any, data: Data) -> Case:
    return _integers(torch, data, "int8")


@workload("op", "matmul of int32, 512")
def matmul_int32(torch: Any, data: Data) -> Case:
    return _integers(torch, data, "int32")


@workload("op", "matmul of int64, 512")
def matmul_int64(torch: Any, data: Data) -> Case:
    return _integers(torch, data, "int64")
