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
import itertools
import posixpath
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from test_docstrings import modules

import plait

ROOT = Path(__file__).parent.parent
PAGES = sorted(page.stem for page in (ROOT / "docs").glob("*.md") if page.stem != "how-plait-is-made")
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
    for (language, text), (following, shown) in itertools.pairwise(blocks):
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


@pytest.fixture(scope="module")
def tools() -> Iterator[Callable[[str], Any]]:
    """What imports a module of tools/docs, which makes pages."""
    sys.path.insert(0, str(ROOT / "tools" / "docs"))
    yield importlib.import_module
    sys.path.remove(str(ROOT / "tools" / "docs"))


@pytest.fixture(scope="module")
def reference(tools: Callable[[str], Any]) -> dict[str, str]:
    """The pages of the reference."""
    return tools("reference").Reference(ROOT).texts()


def test_the_gallery_has_every_program_and_picture(tools: Callable[[str], Any]) -> None:
    gallery = tools("gallery")
    pages = gallery.pages(ROOT)
    assert {f"gallery/{name}.md" for name in gallery.programs(ROOT)} < set(pages)
    index = pages["gallery/index.md"]
    assert not [name for name in gallery.programs(ROOT) if f"]({name}.md)" not in index]
    assert not [path for path in gallery.pictures(ROOT) if f"]({path.removeprefix('gallery/')})" not in index]


def test_the_reference_has_every_public_name(reference: dict[str, str]) -> None:
    anchors = {name for text in reference.values() for name in re.findall(r'(?:\{ #|<a id=")([\w.]+)', text)}
    public = {
        f"{module}.{name}" for module in modules() for name in getattr(importlib.import_module(module), "__all__", ())
    }
    methods = {f"plait.Tensor.{name}" for name in dir(plait.Tensor) if not name.startswith("_")}
    assert not sorted((public | methods) - anchors)


def test_links_of_the_reference_lead_to_names(reference: dict[str, str]) -> None:
    anchors = {f"{page}#{name}" for page, text in reference.items() for name in re.findall(r"\{ #([\w.]+)", text)}
    wrong = []
    for page, text in reference.items():
        for path, name in re.findall(r"\]\(([\w./-]*)#([\w.]+)\)", text):
            target = posixpath.normpath(posixpath.join(posixpath.dirname(page), path)) if path else page
            if f"{target}#{name}" not in anchors and f'<a id="{name}">' not in reference.get(target, ""):
                wrong.append((page, f"{path}#{name}"))
    assert not wrong
