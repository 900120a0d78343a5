# SPDX-License-Identifier: MIT
"""Compares two files written by `compare.py --json`, before and after a change.

python bench/compare_json.py before.json after.json
"""

from __future__ import annotations

import argparse
import json
import statistics
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(description="Compares two files written by compare.py --json.")
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    args = parser.parse_args()
    before, after = (
        {result["name"]: result for result in json.loads(path.read_text())["results"]}
        for path in (args.before, args.after)
    )
    # The peer did not change between the files: its ratio shows how far the machine did.
    print(f"{'workload':54}{'before':>12}{'after':>12}{'speed-up':>10}{'peer':>8}{'ratio':>16}")
    gains = []
    for name in (name for name in before if name in after):
        old, new = before[name], after[name]
        gains.append(old["plait"] / new["plait"])
        print(
            f"{name:54}{old['plait'] * 1e6:>9.1f} us{new['plait'] * 1e6:>9.1f} us{gains[-1]:>10.2f}"
            f"{old['peer'] / new['peer']:>8.2f}{old['ratio']:>8.2f} ->{new['ratio']:>5.2f}"
        )
    for name in sorted(before.keys() ^ after.keys()):
        print(f"{name:54}only in {'before' if name in before else 'after'}")
    if gains:
        print(f"\ngeometric mean of the speed-up: {statistics.geometric_mean(gains):.2f}")


if __name__ == "__main__":
    main()
