# SPDX-License-Identifier: MIT
"""Decompositions of one matrix, and of many small ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import Case, Data, workload

# What a step returns is unique: vectors, whose signs are free, are multiplied together again.
_OPS: dict[str, Callable[[Any, Any, Any, Any], Any]] = {
    "solve": lambda linalg, a, s, b: linalg.solve(a, b),
    "cholesky": lambda linalg, a, s, b: linalg.cholesky(s),
    "inv": lambda linalg, a, s, b: linalg.inv(a),
    "det": lambda linalg, a, s, b: linalg.slogdet(a)[1],
    "lu_factor": lambda linalg, a, s, b: linalg.lu_factor(a)[0],
    "lu": lambda linalg, a, s, b: linalg.lu(a)[2],
    "qr": lambda linalg, a, s, b: linalg.qr(a)[1].abs(),
    "svd": lambda linalg, a, s, b: linalg.svd(a, full_matrices=False)[1],
    "svdvals": lambda linalg, a, s, b: linalg.svdvals(a),
    "eigh": lambda linalg, a, s, b: linalg.eigh(s)[0],
    "eigvalsh": lambda linalg, a, s, b: linalg.eigvalsh(s),
    "solve_triangular": lambda linalg, a, s, b: linalg.solve_triangular(s, b, upper=False),
}
_SHAPES = ((8,), (64,), (512,), (1024,), (1000, 4), (1000, 8), (1000, 16), (1000, 32))


def _declare(op: str, shape: tuple[int, ...], dtype: str) -> None:
    size = " x ".join(map(str, shape))
    # Among pivots that are equal but for rounding each library takes another.
    rtol = 2.0 if op.startswith("lu") else 1e-2

    @workload("op", f"linalg.{op}, {size}, {dtype}", rtol=rtol)
    def run(torch: Any, data: Data) -> Case:
        n = shape[-1]
        a = data.normal(*shape, n) + 0.5 * n**0.5 * torch.eye(n)
        s, b = a @ a.mT + n * torch.eye(n), data.normal(*shape, 8)
        a, s, b = (x.to(getattr(torch, dtype)) for x in (a, s, b))
        return Case(lambda: _OPS[op](torch.linalg, a, s, b))


for _op in _OPS:
    for _dtype in ("float32", "float64"):
        for _shape in _SHAPES:
            _declare(_op, _shape, _dtype)
