# SPDX-License-Identifier: MIT
"""Docstrings of plait's template as Markdown, with names that are documented as links."""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Callable

from plait._docstrings import EVERY_OP, sections

__all__ = ["escaped", "rendered", "signature_text", "summary"]

# A name as a docstring writes it -> the link to its place, or None.
Resolve = Callable[[str], str | None]

_TITLES = {"Args": "Arguments", "Returns": "Returns", "Raises": "Raises", "Attributes": "Attributes"}
_INLINE = re.compile(
    r"""
    :(?:\w+):`[~!]?(?P<reference>[^`<]+?)(?:\s*<[^`>]*>)?` |
    ``(?P<literal>.+?)`` |
    `(?P<code>[^`\n]+)` |
    (?P<address>https?://[^\s<>)]+[\w/])
    """,
    re.X | re.S,
)


def escaped(text: str) -> str:
    """Text in which nothing means anything to Markdown."""
    return re.sub(r"([\\`*_{}\[\]|#])", r"\\\1", text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _code(text: str) -> str:
    mark = "``" if "`" in text else "`"
    return f"{mark}{text}{mark}"


def inline(text: str, resolve: Resolve) -> str:
    """One paragraph: code and references are marked, all else is escaped."""
    out, end = [], 0
    for match in _INLINE.finditer(text):
        out.append(escaped(text[end : match.start()]))
        end = match.end()
        if match["address"]:
            out.append(f"<{match['address']}>")
            continue
        name = match["reference"] or match["literal"] or match["code"]
        shown = re.sub(r"\s+", " ", name)
        link = resolve(name) if match["reference"] or name.startswith("plait.") else None
        out.append(f"[{_code(shown)}]({link})" if link else _code(shown))
    return "".join(out) + escaped(text[end:])


def _prose(lines: list[str], resolve: Resolve) -> str:
    """Paragraphs, with what is indented as code."""
    out = []
    for block in re.split(r"\n\s*\n", "\n".join(lines).strip("\n")):
        if not block.strip():
            continue
        if all(line.startswith("    ") for line in block.split("\n")):
            out.append(f"```text\n{textwrap.dedent(block)}\n```")
            continue
        head, *rest = re.split(r"\n(?=    )", block, maxsplit=1)  # an indented formula ends a paragraph
        out.append(inline(re.sub(r"::$", ":", head), resolve))
        out += [f"```text\n{textwrap.dedent(part)}\n```" for part in rest]
    return "\n\n".join(out)


def _entries(lines: list[str], resolve: Resolve, named: bool) -> str:
    """A list of `name: text`; lines that are indented more go on with the entry above them."""
    items: list[str] = []
    for line in textwrap.dedent("\n".join(lines)).split("\n"):
        if line.startswith(" ") and items:
            items[-1] += " " + line.strip()
        elif line.strip():
            items.append(line.strip())
    out = []
    for item in items:
        match = re.match(r"([\w.*]+(?:, [\w.*]+)*)(?: \(((?:[^()]|\([^()]*\))*)\))?:\s*(.*)", item)
        if match is None or not named:
            out.append(f"- {inline(item, resolve)}")
            continue
        names = ", ".join(_code(name) for name in match[1].split(", "))
        kind = f" ({inline(match[2], resolve)})" if match[2] else ""
        out.append(f"- {names}{kind}: {inline(match[3], resolve)}")
    return "\n".join(out)


def _text(docstring: str) -> str:
    """The docstring without the signatures that an op's begins with."""
    text = inspect.cleandoc(docstring)
    while re.match(r"\w+\([^\n]*\)(?: -> [^\n]*)?\n", text):
        text = text.partition("\n\n")[2] if text.partition("\n")[2].startswith("\n") else text.partition("\n")[2]
    return text.lstrip("\n")


def summary(docstring: str, resolve: Resolve) -> str:
    """The first paragraph."""
    return inline(_text(docstring).partition("\n\n")[0], resolve)


def rendered(docstring: str, resolve: Resolve) -> str:
    """The whole docstring."""
    found = sections(_text(docstring))
    found["Raises"] = [line for line in found.get("Raises", []) if line.strip() != EVERY_OP]
    parts = [_prose(found.pop("", []), resolve)]
    for name, lines in found.items():
        if not any(lines):
            continue
        if name == "Example":
            parts.append(f"```pycon\n{textwrap.dedent(chr(10).join(lines)).strip(chr(10))}\n```")
        elif name == "Source":
            text = " ".join(line.strip() for line in lines).removeprefix("Source:")
            parts.append(f"**Source**: {inline(text.strip(), resolve)}")
        elif name == "Returns":
            parts.append(f"**Returns**: {inline(' '.join(line.strip() for line in lines).strip(), resolve)}")
        else:
            parts.append(f"**{_TITLES[name]}**\n\n{_entries(lines, resolve, True)}")
    return "\n\n".join(part for part in parts if part)


def signature_text(name: str, signature: inspect.Signature, width: int = 88) -> str:
    """A signature as one writes it, on one line or one line for each parameter."""
    parts: list[str] = []
    star = slash = False
    for p in signature.parameters.values():
        if p.name in ("self", "cls") and not parts and p.annotation is p.empty:
            continue
        if slash and p.kind is not p.POSITIONAL_ONLY:
            parts.append("/")
        slash = p.kind is p.POSITIONAL_ONLY
        if p.kind is p.KEYWORD_ONLY and not star:
            parts.append("*")
        star = star or p.kind in (p.KEYWORD_ONLY, p.VAR_POSITIONAL)
        mark = {p.VAR_POSITIONAL: "*", p.VAR_KEYWORD: "**"}.get(p.kind, "")
        annotation = "" if p.annotation is p.empty else f": {_annotation(p.annotation)}"
        default = (
            "" if p.default is p.empty else f" = {_default(p.default)}" if annotation else f"={_default(p.default)}"
        )
        parts.append(f"{mark}{p.name}{annotation}{default}")
    if slash:
        parts.append("/")
    result = "" if signature.return_annotation is signature.empty else f" -> {_annotation(signature.return_annotation)}"
    line = f"{name}({', '.join(parts)}){result}"
    if len(line) <= width:
        return line
    return f"{name}(\n" + "".join(f"    {part},\n" for part in parts) + f"){result}"


def _annotation(value: object) -> str:
    return value if isinstance(value, str) else inspect.formatannotation(value)


def _default(value: object) -> str:
    text = repr(value)
    if inspect.isclass(value) or inspect.isroutine(value):
        return getattr(value, "__name__", text)
    return re.sub(r"<(?:[\w.]+\.)?(\w+)[^>]*>", r"\1", text)  # <object object at 0x...>
