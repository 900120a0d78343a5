# SPDX-License-Identifier: MIT
"""Tunes pointwise loops and copies: the grains of threads, the blocks, and where results are stored past the caches.

    python bench/tune/pointwise.py

Prints the times under every candidate and, at the end, the two tables for cpp/kernels/isa. The threshold of
non-temporal stores, kStreamBytes of cpp/kernels/table.h, is compiled in: there the script shows whether the stores are
faster at the sizes where they are used.
"""

from __future__ import annotations

from functools import partial

from common import Step, initialiser, least_times, main, tune

import plait

THREADS = plait.get_num_threads()


def add(n: int) -> Step:
    x, y, out = plait.rand(n), plait.rand(n), plait.empty(n)
    return lambda: plait.add(x, y, out=out)


def add_row(rows: int, columns: int) -> Step:
    x, y, out = plait.rand(rows, columns), plait.rand(columns), plait.empty(rows, columns)
    return lambda: plait.add(x, y, out=out)


def add_transposed(rows: int, columns: int) -> Step:
    x, y, out = plait.rand(rows, columns), plait.rand(columns, rows), plait.empty(rows, columns)
    return lambda: plait.add(x, y.t(), out=out)


def add_part(rows: int, columns: int) -> Step:
    x, out = plait.rand(rows, columns + 8), plait.empty(rows, columns)
    return lambda: plait.add(x[:, 3:-5], 1.0, out=out)


def transpose(rows: int, columns: int) -> Step:
    x, out = plait.rand(rows, columns), plait.empty(columns, rows)
    return lambda: out.copy_(x.t())


def copy_part(rows: int, columns: int) -> Step:
    x, out = plait.rand(rows, columns + 8), plait.empty(rows, columns)
    return lambda: out.copy_(x[:, 3:-5])


def copy_every_second(rows: int, columns: int) -> Step:
    x, out = plait.rand(rows, 2 * columns), plait.empty(rows, columns)
    return lambda: out.copy_(x[:, ::2])


def add_in_parts(n: int, parts: int) -> Step:
    """The same sum in parts that are too small for non-temporal stores."""
    x, y, out = plait.rand(n), plait.rand(n), plait.empty(n)
    cut = [tuple(t[i * n // parts : (i + 1) * n // parts] for t in (x, y, out)) for i in range(parts)]

    def step() -> None:
        for a, b, c in cut:
            plait.add(a, b, out=c)

    return step


MIB = 1 << 20
SIZES = (20_000, 50_000, 100_000, 200_000, 400_000)
STREAM = (24, 48, 96)  # MiB of three arrays, per thread; kStreamBytes is 16
WORKLOADS = {
    **{f"add {n}": partial(add, n) for n in SIZES},
    **{f"add row {r}x{c}": partial(add_row, r, c) for r, c in ((2000, 48), (1000, 96), (500, 200), (250, 400))},
    **{
        f"add transposed {r}x{c}": partial(add_transposed, r, c)
        for r, c in ((40, 64), (80, 96), (150, 200), (300, 300), (700, 700))
    },
    **{f"add part {r}x{c}": partial(add_part, r, c) for r, c in ((64, 4000), (16, 40_000), (4, 160_000))},
    **{f"transpose {r}x{c}": partial(transpose, r, c) for r, c in ((8, 20_000), (100, 1000), (400, 500), (1000, 1000))},
    **{f"copy part {r}x{c}": partial(copy_part, r, c) for r, c in ((20_000, 4), (8000, 16), (2000, 64), (100, 2000))},
    **{f"copy every second {r}x{c}": partial(copy_every_second, r, c) for r, c in ((4000, 24), (1000, 96), (20, 5000))},
    **{f"store whole {m} MiB": partial(add, m * MIB * THREADS // 12) for m in STREAM},
    **{f"store parts {m} MiB": partial(add_in_parts, m * MIB * THREADS // 12, m // 4) for m in STREAM},
}


def named(*starts: str) -> list[str]:
    return [name for name in WORKLOADS if name.startswith(starts)]


PRESENT = {
    "pointwise": {"grain": 32768, "direct_block": 16384, "long_row": 128, "copied_short": 4096, "copied_long": 65536,
                  "copied_bytes": 64 * MIB},
    "copy": {"grain": 32768, "min_row_bytes": 16, "long_row": 64, "block_bytes": 16384, "tile_run": 256,
             "tile_panel": 64, "tile_panel_few": 1024},
}  # fmt: skip
GRAINS, BLOCKS = (8192, 16384, 65536), (4096, 65536)
CANDIDATES = {
    "pointwise.grain": (GRAINS, [f"add {n}" for n in SIZES]),
    "pointwise.direct_block": (BLOCKS, named("add row", "add part")),
    "pointwise.long_row": ((32, 64, 256), named("add row")),
    "pointwise.copied_short": ((1024, 16384), named("add transposed")),
    "pointwise.copied_long": ((16384, 262144), named("add transposed")),
    "copy.grain": (GRAINS, named("transpose", "copy")),
    "copy.min_row_bytes": ((8, 32, 64), named("copy part")),
    "copy.long_row": ((16, 256), named("copy every second")),
    "copy.block_bytes": (BLOCKS, named("copy")),
    "copy.tile_run": ((64, 1024), named("transpose")),
    "copy.tile_panel": ((32, 128), named("transpose")),
    "copy.tile_panel_few": ((256, 4096), named("transpose 8x")),
}


def run() -> None:
    tables = {family: dict(fields) for family, fields in PRESENT.items()}
    for number, (candidates, names) in CANDIDATES.items():
        family, field = number.split(".")
        tables[family][field] = tune(number, candidates, names) or tables[family][field]
    times = {name: row[0] for name, row in least_times([{}], named("store"), rounds=7).items()}
    print("\nnon-temporal stores of x + y, against normal ones:")
    for mib in STREAM:
        gain = times[f"store parts {mib} MiB"] / times[f"store whole {mib} MiB"]
        print(f"  {mib:3} MiB a thread: {gain:.2f} times as fast")
    print("\n" + initialiser("PointwiseTuning", tables["pointwise"], "bench/tune/pointwise.py"))
    print("\n" + initialiser("CopyTuning", tables["copy"], "bench/tune/pointwise.py"))


if __name__ == "__main__":
    main(WORKLOADS, run)
