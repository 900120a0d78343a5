# SPDX-License-Identifier: MIT
"""Tunes the matrix products: cache blocks, and where an operand is read unpacked.

    python bench/tune/gemm.py

Prints the times under every candidate beside those of the present numbers, which are in fill_blocks() and tuning() of
cpp/kernels/isa/gemm_kernels.cpp. kc decides bits: a new one for a level changes results in the last place.
"""

from __future__ import annotations

from functools import partial

from common import Step, main, tune

import plait

UNPACKED = (16, 64, 192, 1 << 40)  # columns or rows; the last: always


def product(m: int, n: int, k: int, dtype: str, transposed_a: bool = False) -> Step:
    kind = getattr(plait, dtype)
    a, b, out = plait.rand(m, k, dtype=kind), plait.rand(k, n, dtype=kind), plait.empty(m, n, dtype=kind)
    if transposed_a:
        a = plait.rand(k, m, dtype=kind).t()
    return lambda: plait.matmul(a, b, out=out)


SQUARE = ((128, 128, 128), (256, 256, 256), (512, 512, 512), (1024, 1024, 1024))
DEEP = ((64, 64, 4096), (256, 256, 2048), (512, 512, 1536))
NARROW = ((512, 16, 512), (512, 64, 512), (512, 128, 512), (512, 512, 512))
FLAT = ((8, 512, 512), (16, 512, 512), (64, 512, 512), (256, 512, 512))
FLOATS = {"f32": "float32", "f64": "float64"}
WORKLOADS = {
    f"{short} {m}x{n}x{k}" + (" a^T" if transposed else ""): partial(product, m, n, k, dtype, transposed)
    for short, dtype in FLOATS.items()
    for m, n, k in {*SQUARE, *DEEP, *NARROW, *FLAT}
    for transposed in (False, True)
}


def run() -> None:
    for short in FLOATS:

        def of(*shapes: tuple[int, int, int], suffix: str = "", short: str = short) -> list[str]:
            return [f"{short} {m}x{n}x{k}{suffix}" for m, n, k in shapes]

        small = 1 if short == "f32" else 2
        for field, candidates, names in (
            ("kc", [c // small for c in (256, 512, 768, 1024)], of(*SQUARE, *DEEP)),
            ("mc", (480, 960, 1920), of(*SQUARE)),
            ("nc", (256, 384, 512, 768), of(*SQUARE)),
            ("unpacked_a_rows", UNPACKED, of(*NARROW)),
            ("unpacked_a_cols", UNPACKED, of(*NARROW, suffix=" a^T")),
            ("unpacked_b", UNPACKED, of(*FLAT)),
        ):
            tune(f"gemm_{short}.{field}", candidates, names)


if __name__ == "__main__":
    main(WORKLOADS, run)
