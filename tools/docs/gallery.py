# SPDX-License-Identifier: MIT
"""The gallery: examples/README.md with its pictures, and one page for each program with its source."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from included import relinked

__all__ = ["pages", "pictures", "programs", "shared"]

README = "examples/README.md"


def programs(root: Path) -> list[str]:
    """The names of all programs, in alphabetical order."""
    folder = root / "examples"
    return sorted(f.stem for f in folder.glob("*.py") if not f.stem.startswith("_") and f.stem != "run_all")


def shared(root: Path) -> list[str]:
    """The names of the modules that programs share."""
    return sorted(f.stem for f in (root / "examples").glob("_*.py"))


def pictures(root: Path) -> dict[str, Path]:
    """Where the pictures stand in the book, and their files."""
    return {f"gallery/pictures/{file.name}": file for file in sorted((root / "examples/pictures").glob("*.png"))}


def pages(root: Path) -> dict[str, str]:
    """The text of the index and of each program's page."""
    readme = (root / README).read_text(encoding="utf-8")
    alternatives = {name: text for text, name in re.findall(r"!\[([^\]]*)\]\(pictures/(\w+)\.png\)", readme)}
    rows = {row[0]: row for row in map(_cells, readme.splitlines()) if len(row) == 4}
    names = programs(root)
    made = {f"gallery/{name}.md": _program(root, name, rows.get(name), alternatives.get(name)) for name in names}
    made |= {f"gallery/{name}.md": _program(root, name) for name in shared(root)}
    text, _, _ = readme.partition("## Pictures")
    introduction, table = re.fullmatch(r"(.*?)(^\| program.*)", text, re.S | re.M).groups()  # type: ignore[union-attr]
    cards = [_card(rows[name], alternatives[name]) for name in names if name in alternatives]
    grid = f'<div class="cards" markdown="1">\n\n{"".join(cards)}</div>\n'
    made["gallery/index.md"] = f"{relinked(introduction, README)}{grid}\n## All programs\n\n{relinked(table, README)}"
    return made


def _cells(line: str) -> list[str]:
    """The cells of a row of the table, the first one without its link."""
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    name = re.fullmatch(r"\[(\w+)\]\(\w+\.py\)", cells[0])
    return [name[1], *cells[1:]] if name else []


def _card(row: list[str], alternative: str) -> str:
    name, shows, result, _ = row
    text = f'<div class="card" markdown="1">\n\n[![{alternative}](pictures/{name}.png)]({name}.md)\n\n'
    return f"{text}**[{name}]({name}.md)**: {shows}\n\n{result}\n\n</div>\n"


def _program(root: Path, name: str, row: list[str] | None = None, alternative: str | None = None) -> str:
    source = (root / f"examples/{name}.py").read_text(encoding="utf-8")
    docstring = ast.get_docstring(ast.parse(source)) or ""
    parts = [f"# {name}", docstring]
    if row is not None and row[2]:
        parts.append(f"**Result**: {row[2]}" + (f" ({row[3]} seconds)" if re.fullmatch(r"[\d.]+", row[3]) else ""))
    if alternative is not None:
        parts.append(f"![{alternative}](pictures/{name}.png)")
    imported = sorted(set(re.findall(r"^(?:from|import) (_[a-z]\w*)", source, re.M)) - {"__future__"})
    links = ", ".join(f"[{part}]({part}.md)" for part in imported)
    parts.append(
        f"## The source\n\n`examples/{name}.py`" + (f"; it shares {links} with other programs:" if links else ":")
    )
    parts.append(f"```python\n{source}```")
    return "\n\n".join(parts) + "\n"
