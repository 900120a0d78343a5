# SPDX-License-Identifier: MIT
"""What README and CONTRIBUTING show is what the sources hold and what the programs print."""

from __future__ import annotations

import contextlib
import doctest
import importlib.metadata
import io
import re
import tomllib
from pathlib import Path

import pytest

import plait

ROOT = Path(__file__).parent.parent


def blocks(document: str, language: str) -> list[str]:
    """The fenced code blocks of one language."""
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / document).read_text(), re.S)


def squeezed(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


def quotations(document: str) -> list[tuple[str, str]]:
    """The C++ and Python blocks of a document, each with the last file that the text before it names."""
    found, path = [], ""
    for text, block in re.findall(r"(.*?)```(?:cpp|python)\n(.*?)```", (ROOT / document).read_text(), re.S):
        path = re.findall(r"`((?:cpp|python|tests)/[\w/]+\.\w+)`", text)[-1]
        found.append((path, block))
    return found


@pytest.mark.parametrize(("path", "block"), quotations("CONTRIBUTING.md"))
def test_what_contributing_quotes_stands_in_the_sources(path: str, block: str) -> None:
    assert squeezed(block) in squeezed((ROOT / path).read_text())


def test_contributing_names_files_that_exist() -> None:
    named = re.findall(r"`((?:cpp|python|tests|tools|bench)/[\w./]+)`", (ROOT / "CONTRIBUTING.md").read_text())
    assert named
    assert not [path for path in named if not (ROOT / path).exists()]


def test_the_example_op_runs() -> None:
    (session,) = blocks("CONTRIBUTING.md", "pycon")
    test = doctest.DocTestParser().get_doctest(session, {}, "CONTRIBUTING.md", None, 0)
    assert doctest.DocTestRunner().run(test).failed == 0


def test_the_first_program_of_the_readme_runs() -> None:
    program, output = blocks("README.md", "python")[0], blocks("README.md", "text")[0]
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(program, "README.md", "exec"), {"__name__": "readme"})
    # The order of sums is that of the instruction set, so the numbers may differ in their last digits.
    form = re.compile(r"epoch \d: loss \d\.\d\d, test accuracy (0\.\d{3})")
    lines = printed.getvalue().splitlines()
    assert len(lines) == len(output.splitlines()) and all(form.fullmatch(line) for line in lines)
    assert float(form.fullmatch(lines[-1])[1]) > 0.9  # type: ignore[index]
    plait.manual_seed(0)


def test_the_version_stands_in_one_place() -> None:
    """What is installed has it, and the changelog's first section is about it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert "version" in project["dynamic"] and "version" not in project
    heading = re.search(r"^## (?:Unreleased: )?(\S+?):?(?: |$)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert heading is not None and heading[1] == plait.__version__
    assert re.fullmatch(r"\d+\.\d+\.\d+(?:(?:a|b|rc)\d+)?", plait.__version__)
    for package in importlib.metadata.distributions(name="plait"):
        if Path(str(package.locate_file("plait"))).resolve() == Path(plait.__file__).resolve().parent:
            assert package.version == plait.__version__
