# SPDX-License-Identifier: MIT
"""The book: its programs run and print what it shows, and the reference has every public name.

The blocks of a page marked `python` are one program, run from the top; a block marked `text` behind one shows what it
prints, and `pycon` is a session. What is marked `py` is only shown: it needs more than plait.
"""

from __future__ import annotations

import contextlib
import doctest
import importlib
import io
import re
import sys
from pathlib import Path

import pytest
from test_docstrings import modules

import plait

ROOT = Path(__file__).parent.parent
PAGES = ["index", "first-hour", "from-pytorch", "from-keras", "performance", "deployment", "scale", "reliability"]
PAGES = [*PAGES, "security"]
NUMBER = re.compile(r"-?\d+\.\d+(?:e[-+]\d+)?")


def fences(page: str) -> list[tuple[str, str]]:
    """The language and text of each fenced block."""
    text = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
    return re.findall(r"^```(\w+)\n(.*?)^```$", text, re.S | re.M)


def same(printed: str, shown: str) -> bool:
    """Equal, but for two units in the last digit of fractions: sums are in the order of the instruction set."""
    pairs = list(zip(NUMBER.findall(printed), NUMBER.findall(shown)))
    frame = [re.sub(r"\s+", " ", NUMBER.sub("#", text)).strip() for text in (printed, shown)]
    unit = [10.0 ** -len(b.partition("e")[0].partition(".")[2]) for _, b in pairs]
    near = (abs(float(a) - float(b)) <= 2.001 * u for (a, b), u in zip(pairs, unit))
    return frame[0] == frame[1] and all(near)


@pytest.mark.parametrize("page", PAGES)
def test_programs_print_what_is_shown(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if page == "first-hour":
        pytest.importorskip("sklearn")
    monkeypatch.chdir(tmp_path)
    threads = plait.get_num_threads()
    names: dict[str, object] = {"__name__": "book"}
    blocks = [*fences(page), ("", "")]
    for (language, text), (following, shown) in zip(blocks, blocks[1:]):
        if language == "pycon":
            test = doctest.DocTestParser().get_doctest(text, names, page, None, 0)
            assert doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test, clear_globs=False).failed == 0
            names |= test.globs
        if language == "python":
            printed = io.StringIO()
            with contextlib.redirect_stdout(printed):
                exec(compile(text, f"{page}.md", "exec"), names)
            expected = shown if following == "text" else ""
            assert same(printed.getvalue(), expected), f"after\n{text}\nprinted\n{printed.getvalue()}"
    plait.set_num_threads(threads)
    plait.manual_seed(0)
