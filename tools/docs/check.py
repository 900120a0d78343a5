# SPDX-License-Identifier: MIT
"""Checks every link of the built book: files and anchors are there, and nothing is fetched from elsewhere.

    python tools/docs/check.py build/site

Links to other sites are counted, not followed.
"""

from __future__ import annotations

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

__all__ = ["check"]

# Attributes of an element whose target is loaded with the page.
LOADED = {"script": "src", "img": "src", "source": "src", "iframe": "src", "link": "href"}


class Page(HTMLParser):
    """The links, anchors and loaded files of a page."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.feed(file.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what an element links to, loads, or is called."""
        values = {name: value for name, value in attrs if value is not None}
        self.anchors |= {values[name] for name in ("id", "name") if name in values}
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        if tag in LOADED and LOADED[tag] in values and values.get("rel") not in ("canonical", "alternate"):
            self.loaded.append(values[LOADED[tag]])


def check(site: Path) -> tuple[list[str], int, int]:
    """What is wrong, and how many links lead within the site and out of it."""
    pages = {file.resolve(): Page(file) for file in sorted(site.rglob("*.html"))}
    wrong, inside, outside = [], 0, 0
    for file, page in pages.items():
        if file.name == "404.html":  # its addresses are those of the place where the site will stand
            continue
        shown = file.relative_to(site.resolve())
        wrong += [f"{shown}: loads {url}" for url in page.loaded if urlsplit(url).netloc]
        for url in page.links + page.loaded:
            parts = urlsplit(url)
            if parts.scheme or parts.netloc:
                outside += 1
                continue
            inside += 1
            target = (file.parent / unquote(parts.path)).resolve() if parts.path else file
            if target.is_dir():
                target /= "index.html"
            if not target.exists():
                wrong.append(f"{shown}: no file for {url}")
            elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].anchors:
                wrong.append(f"{shown}: no anchor for {url}")
    return wrong, inside, outside


def main() -> int:
    """Print what is wrong, or what was checked."""
    site = Path(sys.argv[1])
    wrong, inside, outside = check(site)
    print("\n".join(wrong) if wrong else f"{site}: {inside} links lead where they say; {outside} lead to other sites")
    return 1 if wrong or not inside else 0


if __name__ == "__main__":
    sys.exit(main())
