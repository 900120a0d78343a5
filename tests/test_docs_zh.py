# SPDX-License-Identifier: MIT
"""The Chinese pages say what the English ones say: the same code, figures, headings, tables and links."""

from __future__ import annotations

import re

import pytest
from test_docs_how import FENCE, ROOT
from test_docs_how import prose as prose_of

PAIRS = {
    "README.md": "README.zh-CN.md",
    "docs/index.md": "docs/zh/index.md",
    "docs/first-hour.md": "docs/zh/first-hour.md",
}
pairs = pytest.mark.parametrize(("english", "chinese"), PAIRS.items(), ids=list(PAIRS))


def text_of(page: str) -> str:
    return (ROOT / page).read_text()


def prose(page: str) -> str:
    return prose_of(ROOT / page)


def rows(page: str) -> list[str]:
    return [line for line in prose(page).splitlines() if line.startswith("|")]


def targets(page: str) -> list[str]:
    """Where the links lead, from the root of the repository; to the English page where there are both."""
    found = []
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        name, _, anchor = target.partition("#")
        if "://" not in target and name:
            name = str(((ROOT / page).parent / name).resolve().relative_to(ROOT))
            name = next((english for english, chinese in PAIRS.items() if chinese == name), name)
        found.append(f"{name}#{anchor}" if anchor else name)
    return sorted(target for target in found if target not in PAIRS)


@pairs
def test_the_code_is_the_same(english: str, chinese: str) -> None:
    assert FENCE.findall(text_of(chinese)) == FENCE.findall(text_of(english))


@pairs
def test_the_figures_of_tables_are_the_same(english: str, chinese: str) -> None:
    def figures(page: str) -> list[list[str]]:
        return [sorted(re.findall(r"\d+(?:\.\d+)?", row)) for row in rows(page)]

    assert figures(chinese) == figures(english)


@pairs
def test_headings_and_links_are_the_same(english: str, chinese: str) -> None:
    def levels(page: str) -> list[str]:
        return re.findall(r"^#+ ", prose(page), re.MULTILINE)

    assert levels(chinese) == levels(english)
    assert targets(chinese) == targets(english)


@pairs
def test_a_paragraph_is_one_line(english: str, chinese: str) -> None:
    """A line break within Chinese text would be shown as a space."""
    assert not re.findall(r"[\u3000-\u9fff\uff00-\uffef]\n[\u4e00-\u9fff]", prose(chinese))
