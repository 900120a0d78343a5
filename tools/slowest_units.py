# SPDX-License-Identifier: MIT
"""Prints which files of a build took longest, from ninja's log.

    python tools/slowest_units.py BUILD_DIR [--count 20]

The log holds the wall time of each step; files that ccache answered, and steps of earlier runs that were not
repeated, count with what they took last. A fair figure needs a fresh build on a quiet machine:

    CCACHE_DISABLE=1 ninja -C BUILD_DIR
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple


class Step(NamedTuple):
    seconds: float
    output: str


def steps(log: Path) -> list[Step]:
    """The last run of every object file in the log, slowest first."""
    last: dict[str, Step] = {}
    for line in log.read_text().splitlines():
        if line.startswith("#"):
            continue
        start, end, _, output, _ = line.split("\t")  # times in milliseconds
        if output.endswith((".o", ".gch")):
            last[output] = Step((int(end) - int(start)) / 1000, output)
    return sorted(last.values(), reverse=True)


def target(step: Step) -> str:
    """The CMake target of an object file: CMakeFiles/<target>.dir/..."""
    return next((part.removesuffix(".dir") for part in Path(step.output).parts if part.endswith(".dir")), "other")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=Path)
    parser.add_argument("--count", type=int, default=20, help="files to print")
    args = parser.parse_args()
    found = steps(args.build / ".ninja_log")
    for step in found[: args.count]:
        print(f"{step.seconds:8.2f} s  {step.output}")
    totals: dict[str, float] = defaultdict(float)
    for step in found:
        totals[target(step)] += step.seconds
    print()
    for name, seconds in sorted(totals.items(), key=lambda item: -item[1]):
        print(f"{seconds:8.2f} s  {name}")
    print(f"{sum(totals.values()):8.2f} s  in all, {len(found)} files")


if __name__ == "__main__":
    main()
