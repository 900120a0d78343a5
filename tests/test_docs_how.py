# SPDX-License-Identifier: MIT
"""The tour of the house says what the code says: files, functions, excerpts, examples and drawings."""

from __future__ import annotations

import doctest
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import plait

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = sorted([DOCS / "how-plait-is-made.md", *(DOCS / "how").glob("*.md")])
FOLDERS = ("python", "cpp", "cmake", "tests", "tools", "bench")
FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# A name in backticks: `name()`, `Class::name()`, `CamelCase`, or a constant, kName.
FUNCTION = re.compile(r"^(?:\w+::)?(~?\w+)\(\)$")
TYPE = re.compile(r"^(?:[A-Z][a-z0-9]+)+$|^k[A-Z]\w+$|^[a-z]+(?:_[a-z0-9]+)+$|^[A-Z]+(?:_[A-Z0-9]+)+$")
FIRST_WORDS = {"GLOBAL", "REDUCE", "None", "MemoryError", "TypeError"}  # of pickle and Python
OF_PYTHON = {"backward", "save"}  # methods and functions that the pages call by their names in Python


def prose(page: Path) -> str:
    return FENCE.sub("", page.read_text())


def code_spans(page: Path) -> list[str]:
    return re.findall(r"`([^`\n]+)`", prose(page))


def source_files(page: Path) -> list[Path]:
    """The files that the page names, in its text or above an excerpt."""
    named = [span for span in code_spans(page) if span.split("/")[0] in FOLDERS]
    named += [title for title, _ in excerpts(page)]
    return [ROOT / name for name in named]


def excerpts(page: Path) -> Iterator[tuple[str, str]]:
    for info, text in FENCE.findall(page.read_text()):
        if title := re.search(r'title="([^"]+)"', info):
            yield title[1], text


def lines_of(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines()]


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.stem)
def test_the_files_that_a_page_names_exist(page: Path) -> None:
    missing = [str(path.relative_to(ROOT)) for path in source_files(page) if not path.exists()]
    assert not missing


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.stem)
def test_the_names_in_a_page_stand_in_the_files_it_names(page: Path) -> None:
    files = [path for path in source_files(page) if path.is_file()]
    text = "\n".join(path.read_text() for path in files)
    missing = []
    for span in code_spans(page):
        function = FUNCTION.match(span)
        name = function[1] if function else span if TYPE.match(span) else ""
        if not name or name in FIRST_WORDS or name in OF_PYTHON:
            continue
        if not re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text):
            missing.append(span)
    assert not missing, f"in none of {sorted({str(f.relative_to(ROOT)) for f in files})}"


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.stem)
def test_excerpts_are_parts_of_their_files(page: Path) -> None:
    for title, text in excerpts(page):
        lines, whole = lines_of(text), lines_of((ROOT / title).read_text())
        found = any(whole[i : i + len(lines)] == lines for i in range(len(whole)))
        assert found, f"{title} has not these lines:\n{text}"


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.stem)
def test_examples_run(page: Path) -> None:
    text = "\n".join(text for info, text in FENCE.findall(page.read_text()) if info == "pycon")
    threads = plait.get_num_threads()
    names: dict[str, Any] = {"__name__": "__main__"}
    test = doctest.DocTestParser().get_doctest(text, names, page.name, str(page), 0)
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    report: list[str] = []
    try:
        result = doctest.DocTestRunner(optionflags=flags).run(test, out=report.append)
    finally:
        plait.set_num_threads(threads)
    assert result.failed == 0, "".join(report)


def test_every_drawing_is_used_and_described() -> None:
    used = set()
    for page in PAGES:
        for alt, target in re.findall(r"!\[([^\]]*)\]\(([^)]+)\)", page.read_text()):
            drawing = (page.parent / target).resolve()
            assert len(alt) > 20 and drawing.exists(), (page.name, target)
            used.add(drawing)
    assert used == {path.resolve() for path in (DOCS / "drawings").glob("*.svg")}


@pytest.mark.parametrize("drawing", sorted((DOCS / "drawings").glob("*.svg")), ids=lambda p: p.stem)
def test_drawings_suit_a_phone_and_both_colour_schemes(drawing: Path) -> None:
    text = drawing.read_text()
    root = ElementTree.fromstring(text)
    width = float(root.attrib["viewBox"].split()[2])
    sizes = [float(size) for size in re.findall(r"font(?:-size)?: ?(?:bold |italic )?([\d.]+)px", text)]
    assert width <= 460 and min(sizes) >= 11  # a phone shows it at 0.8 of its size
    assert "prefers-color-scheme: dark" in text
    assert root.find("{http://www.w3.org/2000/svg}title") is not None
