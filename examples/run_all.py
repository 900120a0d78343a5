# SPDX-License-Identifier: MIT
"""Runs every program of this folder in a process of its own, and prints one table: result and seconds.

    python examples/run_all.py [--short] [NAME ...]

Models and figures go to a temporary folder. A program that fails or lacks its data shows the last line of its error.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

FOLDER = Path(__file__).parent


def programs() -> list[str]:
    """The names of all programs, in alphabetical order."""
    return sorted(f.stem for f in FOLDER.glob("*.py") if not f.stem.startswith("_") and f.stem != "run_all")


def command(name: str) -> list[str]:
    """How the program is started: one written with `import torch` is run by plait, as its docstring says."""
    file = FOLDER / f"{name}.py"
    through_plait = f"python -m plait examples/{name}.py" in file.read_text(encoding="utf-8")
    return [sys.executable, *(["-m", "plait"] if through_plait else []), str(file)]


def run(name: str, short: bool, output: str, limit: float) -> tuple[bool, str, float]:
    """Whether the program ended well, its last line, and the seconds it took."""
    began = time.perf_counter()
    usage = subprocess.run([*command(name), "--help"], capture_output=True, text=True)
    arguments = []
    if short and "--short" in usage.stdout:
        arguments.append("--short")
    if "--output" in usage.stdout:
        arguments += ["--output", output]
    try:
        done = subprocess.run([*command(name), *arguments], capture_output=True, text=True, timeout=limit)
    except subprocess.TimeoutExpired:
        return False, f"stopped after {limit:.0f} s", limit
    lines = (done.stderr if done.returncode else done.stdout).strip().splitlines()
    line = lines[-1].split(", figure in ")[0] if lines else "no output"
    return done.returncode == 0, line, time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description="Run every example and print its result.")
    parser.add_argument("names", nargs="*", help="programs to run, if not all")
    parser.add_argument("--short", action="store_true", help="the short form of each, where it has one")
    parser.add_argument("--limit", type=float, default=1800, help="seconds after which a program is stopped")
    args = parser.parse_args()
    known = programs()
    names = [Path(name).stem for name in args.names] or known
    if unknown := set(names) - set(known):
        parser.error(f"no such program: {', '.join(sorted(unknown))}")

    failed = 0
    print("| program | seconds | result |\n| --- | ---: | --- |", flush=True)
    with tempfile.TemporaryDirectory() as output:
        for name in names:
            fine, line, seconds = run(name, args.short, output, args.limit)
            failed += not fine
            print(f"| {name} | {seconds:.0f} | {'' if fine else 'FAILED: '}{line} |", flush=True)
    sys.exit(min(failed, 1))


if __name__ == "__main__":
    main()
