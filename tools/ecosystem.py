#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The jobs of PyTorch's ecosystem (tests/ecosystem): record PyTorch's numbers, compare, write the table of TORCH.md.

``python tools/ecosystem.py record [client ...]``
    in an environment with PyTorch: runs the jobs and writes ``tests/ecosystem/values/*.json``.
``python tools/ecosystem.py compare [client[.job] ...]``
    runs the jobs on what ``import torch`` finds and prints the largest difference and the seconds of each.
``python tools/ecosystem.py table``
    writes the table of clients into TORCH.md, from what the modules of the jobs declare and the pinned versions.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import re
import sys
import time
import traceback
from pathlib import Path

ROOT = Path(__file__).parents[1]
ECOSYSTEM = ROOT / "tests" / "ecosystem"
sys.path.insert(0, str(ECOSYSTEM))

from client import ATOL, RTOL, Client, all_clients, flat  # noqa: E402

BEGIN, END = "<!-- clients: begin -->\n", "<!-- clients: end -->\n"


def chosen(names: list[str]) -> list[tuple[Client, str]]:
    """The jobs that the arguments name: all, those of a client, ``client.job``."""
    jobs = [(name, client, job) for name, client in all_clients().items() for job in client.jobs]
    return [(client, job) for name, client, job in jobs if not names or name in names or f"{name}.{job}" in names]


def record(names: list[str]) -> int:
    """Write PyTorch's numbers of the chosen jobs."""
    import torch

    if "plait" in torch.__version__:
        sys.exit("record: torch is plait here; the numbers are PyTorch's")
    for client, job in chosen(names):
        if not client.is_installed():
            print(f"{client.package}: not installed")
            continue
        start = time.perf_counter()
        values = client.expected()
        values[job] = [float(f"{x:.9g}") for x in flat(client.jobs[job]())]
        kept = {name: values[name] for name in client.jobs if name in values}
        lines = ",\n".join(f" {json.dumps(name)}: {json.dumps(numbers)}" for name, numbers in kept.items())
        client.values_file.write_text("{\n" + lines + "\n}\n")
        print(f"{client.package} {job}: {time.perf_counter() - start:.1f} s", flush=True)
    return 0


def compare(names: list[str]) -> int:
    """Print how far the numbers of the chosen jobs are from PyTorch's; the number of jobs that differ or fail."""
    bad = 0
    for client, job in chosen(names):
        if not client.is_installed():
            print(f"{client.package}: not installed")
            continue
        start = time.perf_counter()
        try:
            found, expected = flat(client.jobs[job]()), client.expected()[job]
            if len(found) != len(expected):
                raise AssertionError(f"{len(found)} numbers, expected {len(expected)}")
            excess = max(abs(f - e) / (ATOL + RTOL * abs(e)) for f, e in zip(found, expected))
            verdict = f"{'ok' if excess <= 1 else 'DIFFERS'} ({excess:.3f} of the tolerance)"
            bad += not excess <= 1
        except Exception as error:
            verdict, bad = f"FAILED {type(error).__name__}: {str(error)[:200]}", bad + 1
            if names:
                traceback.print_exc()
        print(f"{client.package} {job}: {verdict}, {time.perf_counter() - start:.1f} s", flush=True)
    return min(bad, 1)


def pinned() -> dict[str, str]:
    """The versions of the packages that the tests are run with."""
    lines = (ECOSYSTEM / "requirements.txt").read_text().splitlines()
    return dict(line.split("#")[0].strip().split("==") for line in lines if "==" in line)


def table_text() -> str:
    """The table of clients."""
    versions = pinned()
    rows = [
        f"| {c.package} | {versions.get(c.package, 'not pinned')} | {c.runs} ({len(c.jobs)}) | {c.missing} |"
        for c in sorted(all_clients().values(), key=lambda c: c.package.lower())
    ]
    return (
        "\n".join(["| package | version | what is run (jobs) | not there |", "| --- | --- | --- | --- |", *rows]) + "\n"
    )


def table(_: list[str]) -> int:
    """Write the table into TORCH.md."""
    page = ROOT / "TORCH.md"
    text = page.read_text()
    page.write_text(re.sub(f"{BEGIN}.*?{END}", lambda _: BEGIN + table_text() + END, text, flags=re.DOTALL))
    return 0


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["record", "compare", "table"])
    parser.add_argument("names", nargs="*", metavar="client[.job]")
    arguments = parser.parse_args()
    if arguments.command == "compare" and importlib.util.find_spec("torch") is None:
        import plait.compat

        plait.compat.install()
    return {"record": record, "compare": compare, "table": table}[arguments.command](arguments.names)


if __name__ == "__main__":
    sys.exit(main())
