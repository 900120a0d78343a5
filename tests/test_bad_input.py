# SPDX-License-Identifier: MIT
"""Hostile arguments: every integer of every op at its limits, wrong kinds everywhere; only exceptions, no crash.

Each op runs in a child process of its own group, so that a crash names the op.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

import plait
from plait import _core

EXTREMES = (0, -1, 1, 2**31, -(2**31), 2**63 - 1, -(2**63))
GROUPS = 8
ALLOWED = (ValueError, TypeError, IndexError, RuntimeError, NotImplementedError, MemoryError, OverflowError)


def plain(parameter: dict, shape: tuple[int, ...]) -> object:
    """An ordinary value of a parameter's kind."""
    kind = parameter["kind"]
    if kind in ("Tensor", "Operand"):
        return plait.ones(shape)
    if kind.startswith("Tensor"):
        return [plait.ones(shape), plait.ones(shape)]
    if kind == "int[]":
        return [1] * max(parameter["repeat"], 1)
    if kind == "float[]":
        return [1.0]
    return {"int": 1, "float": 0.5, "Scalar": 1.0, "bool": True, "str": "mean", "Dtype": plait.float32}.get(kind)


def attempts(parameters: list[dict]) -> list[tuple[list, dict]]:
    calls = []
    for shape in ((2, 3), (1, 2, 4, 4), (3,), (), (0, 2)):
        usual = [plain(p, shape) for p in parameters]

        def call(values: list) -> tuple[list, dict]:
            positional = [v for v, p in zip(values, parameters) if not p["keyword_only"]]
            keywords = {
                p["name"]: v
                for v, p in zip(values, parameters)
                if p["keyword_only"] and ("default" not in p or v is not None)
            }
            return positional, keywords

        calls.append(call(usual))
        for i, p in enumerate(parameters):
            kind = p["kind"]
            wrong: list[object] = [None, "x", object(), float("nan"), plait.zeros(0), plait.ones(2, dtype=plait.bool)]
            if kind == "int[]":
                wrong += [[e] * len(usual[i]) for e in EXTREMES] + [[], [1] * 9]  # type: ignore[arg-type]
            if kind.startswith(("int", "Scalar", "float")):
                wrong += list(EXTREMES)
            if kind.startswith("Tensor"):
                wrong += [
                    plait.tensor([2**63 - 1, -(2**63)]),
                    plait.tensor([0, -1, 5]),
                    plait.full((2, 3), float("nan")),
                ]
            for value in wrong:
                calls.append(call([*usual[:i], value, *usual[i + 1 :]]))
    return calls


def functions(row: dict) -> list:
    name, found = row["name"], []
    if "f" in row["where"]:
        found.append(getattr(plait, name))
    elif "n" in row["where"]:
        found.append(getattr(plait.nn.functional, name))
    elif "m" in row["where"]:
        found.append(getattr(plait.Tensor, name))
    return found


def try_all(group: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))  # an absurd size fails here, not in the machine
    rows = [r for r in _core._op_table() if set(r["where"]) & set("fmn")]
    for row in rows[group::GROUPS]:
        print(row["name"], flush=True)
        for f in functions(row):
            for positional, keywords in attempts(row["parameters"]):
                if huge(positional):
                    continue
                try:
                    f(*positional, **keywords)
                except ALLOWED as error:
                    if "report it" in str(error):
                        raise AssertionError(f"{row['name']}{positional}{keywords}: {error}") from error


def huge(arguments: list) -> bool:
    """Sizes that are legal and merely large would take minutes."""

    def is_huge(a: object) -> bool:
        return any(map(is_huge, a)) if isinstance(a, list) else isinstance(a, int) and a == 2**31

    return any(map(is_huge, arguments))


@pytest.mark.parametrize("group", range(GROUPS))
def test_extremes(group: int) -> None:
    here = str(Path(__file__).parent)
    program = f"import sys; sys.path.insert(0, {here!r}); import test_bad_input; test_bad_input.try_all({group})"
    result = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=280,
        env=os.environ | {"OMP_NUM_THREADS": "2"},
    )
    last = result.stdout.split()[-1] if result.stdout else "the start"
    assert result.returncode == 0, f"at {last}: exit {result.returncode}\n{result.stderr[-3000:]}"
