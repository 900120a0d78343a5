# SPDX-License-Identifier: MIT
"""Which cases ``pytest`` runs by itself, and what makes it run all of them: by conftest.py."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import CASES, spread

import plait

SUITE = """
import pytest

@pytest.mark.parametrize("i", [pytest.param(i, marks=[pytest.mark.slow] if i in (0, 9) else []) for i in range(10)])
def test_many(i): pass

@pytest.mark.parametrize("i", range(2))
def test_few(i): pass

class TestOfAClass:
    @pytest.mark.parametrize("i", range(7))
    def test_many(self, i): pass

@pytest.mark.slow
def test_slow(): pass
"""
QUICK = {"test_many": [1, 4, 8], "test_few": [0, 1], "TestOfAClass::test_many": [0, 3, 6]}
ALL = {"test_many": range(10), "test_few": range(2), "TestOfAClass::test_many": range(7)}


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    folder = tmp_path / "tests"
    (folder / "ecosystem").mkdir(parents=True)
    (folder / "conftest.py").write_text((Path(__file__).parent / "conftest.py").read_text(encoding="utf-8"))
    (folder / "test_suite.py").write_text(SUITE)
    (folder / "ecosystem" / "test_clients.py").write_text("def test_client(): pass")
    (tmp_path / "pytest.ini").write_text("[pytest]\ntestpaths = tests\nmarkers = slow: of the suite")
    return tmp_path


def run(suite: Path, *arguments: str) -> tuple[set[str], str]:
    """The tests that ran, without the name of their file, and the last line."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-v", "-p", "no:cacheprovider", *arguments],
        cwd=suite,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(Path(plait.__file__).parents[1]), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    lines = [line for line in done.stdout.splitlines() if "PASSED" in line]
    ids = {next(word for word in line.split() if ".py::" in word) for line in lines}
    return {name.partition("::")[2] for name in ids}, done.stdout.splitlines()[-1]


def ids(cases: dict[str, list[int]] | dict[str, range]) -> set[str]:
    return {f"{test}[{i}]" for test, numbers in cases.items() for i in numbers}


def test_a_few_cases_of_every_test_run(suite: Path) -> None:
    ran, summary = run(suite)
    assert ran == ids(QUICK)
    assert "8 passed, 12 deselected" in summary


def test_all_means_all(suite: Path) -> None:
    ran, summary = run(suite, "--all")
    assert ran == ids(ALL) | {"test_slow"}
    assert "deselected" not in summary


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("tests/test_suite.py",), ids(ALL) | {"test_slow"}),
        (("tests/test_suite.py::test_many",), ids({"test_many": range(10)})),
        (("tests/ecosystem",), {"test_client"}),
        (("-k", "test_few or test_slow"), ids({"test_few": range(2)}) | {"test_slow"}),
        (("-m", "slow"), {"test_slow", "test_many[0]", "test_many[9]"}),
    ],
    ids=["file", "test", "folder", "keyword", "mark"],
)
def test_what_is_asked_for_runs_whole(suite: Path, arguments: tuple[str, ...], expected: set[str]) -> None:
    assert run(suite, *arguments)[0] == expected


@pytest.mark.skipif(importlib.util.find_spec("xdist") is None, reason="pytest-xdist is not installed")
@pytest.mark.parametrize(("arguments", "expected"), [((), QUICK), (("-k", "test_few"), {"test_few": range(2)})])
def test_a_process_of_xdist_chooses_alike(suite: Path, arguments: tuple[str, ...], expected: dict[str, range]) -> None:
    assert run(suite, "-p", "xdist", "-n", "1", *arguments)[0] == ids(expected)


@pytest.mark.parametrize("count", [0, 1, CASES, CASES + 1, 100])
def test_spread(count: int) -> None:
    positions = spread(count, CASES)
    assert len(positions) == min(count, CASES)
    assert positions <= set(range(count))
    assert not count or {0, count - 1} <= positions
