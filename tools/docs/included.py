# SPDX-License-Identifier: MIT
"""Documents of the repository as pages of the book, with links that lead to pages."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

__all__ = ["DOCUMENTS", "pages", "relinked"]

# Document: page.
DOCUMENTS = {
    "TORCH.md": "ecosystem.md",
    "NAMES.md": "names.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changes.md",
    "bench/README.md": "benchmarks.md",
    "third_party/README.md": "third-party.md",
    "examples/README.md": "gallery/index.md",
    "README.md": "index.md",
}
# Those that are pages as they are.
VERBATIM = [name for name in DOCUMENTS if name not in ("README.md", "examples/README.md")]


def pages(root: Path) -> dict[str, str]:
    """The text of each page that is a document."""
    return {DOCUMENTS[name]: relinked((root / name).read_text(encoding="utf-8"), name) for name in VERBATIM}


def relinked(text: str, document: str) -> str:
    """The text with links to documents and programs as links to their pages; other files are named, not linked."""
    page = DOCUMENTS[document]

    def link(match: re.Match[str]) -> str:
        shown, target, anchor = match[1], match[2], match[3] or ""
        if re.match(r"\w+:", target):
            return match[0]
        path = posixpath.normpath(posixpath.join(posixpath.dirname(document), target))
        program = re.fullmatch(r"examples/(\w+)\.py", path)
        of_book = path.removeprefix("docs/") if path.startswith("docs/") else None
        to = f"gallery/{program[1]}.md" if program else DOCUMENTS.get(path, of_book)
        if to is None:
            return shown
        return f"[{shown}]({posixpath.relpath(to, posixpath.dirname(page) or '.')}{anchor})"

    return re.sub(r"(?<!!)\[([^\]]*)\]\(([^)#\s]+)(#[^)]*)?\)", link, text)
