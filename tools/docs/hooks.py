# SPDX-License-Identifier: MIT
"""What MkDocs calls while it builds the book: it adds the pages made from the repository and from plait itself."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

sys.path.insert(0, str(Path(__file__).parent))

import gallery
import included
from reference import Reference

__all__ = ["on_config", "on_files"]

ROOT = Path(__file__).parents[2]
GALLERY = (gallery.programs, gallery.shared)


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put the pages of the programs and of the modules into the navigation."""
    config.extra["reference"] = reference = Reference(ROOT)
    add_to_nav(config.nav, "api/index.md", reference.navigation())
    programs, shared = ([{name: f"gallery/{name}.md"} for name in names(ROOT)] for names in GALLERY)
    add_to_nav(config.nav, "gallery/index.md", [*programs, {"Shared parts": shared}])
    config.watch += [str(ROOT / folder) for folder in ("examples", "python/plait", "tools/docs")]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add pages and pictures that are not in docs/."""
    pages = included.pages(ROOT) | gallery.pages(ROOT) | config.extra["reference"].texts()
    for path, text in pages.items():
        files.append(File.generated(config, path, content=text))
    for path, source in gallery.pictures(ROOT).items():
        files.append(File.generated(config, path, abs_src_path=str(source)))
    return files


def add_to_nav(nav: Any, index: str, entries: list[Any]) -> None:
    """Append entries to the section of the navigation that begins with a page."""
    for section in nav:
        for pages in section.values():
            if pages[0] == index:
                pages += entries
