# SPDX-License-Identifier: MIT
"""The op table's signatures as Python sees them: ``inspect.signature`` objects and type stubs."""

from __future__ import annotations

import inspect
import re
from typing import Any, NamedTuple

__all__ = ["Parameter", "ParsedSignature", "make_signature", "parse"]

_PYTHON_TYPES = {
    "Tensor": "Tensor",
    "Operand": "Tensor | Number",
    "Scalar": "Number",
    "int": "int",
    "float": "float",
    "bool": "bool",
    "str": "str",
    "Dtype": "dtype",
    "Generator": "Generator",
    "Device": "DeviceLike",
    "any": "Any",
    "int[]": "int | Sequence[int]",
    "float[]": "Sequence[float]",
    "Tensor[]": "Sequence[Tensor]",
    "Tensor?[]": "Sequence[Tensor | None]",
}


class Parameter(NamedTuple):
    """One parameter: its name, Python annotation, default literal (None: required) and kind."""

    name: str
    annotation: str
    default: str | None
    keyword_only: bool
    is_int_list: bool


class ParsedSignature(NamedTuple):
    """An op's name, parameters, and result annotation."""

    name: str
    parameters: list[Parameter]
    returns: str


def _split(text: str) -> list[str]:
    parts, depth, start = [], 0, 0
    for i, c in enumerate(text):
        if c in "([":
            depth += 1
        elif c in ")]":
            depth -= 1
        elif c == "," and depth == 0:
            parts.append(text[start:i])
            start = i + 1
    parts.append(text[start:])
    return [p.strip() for p in parts if p.strip()]


def _annotation(kind: str) -> str:
    optional = kind.endswith("?")
    base = kind.rstrip("?")
    if re.fullmatch(r"int\[\d+\]", base):
        base = "int[]"
    elif re.fullmatch(r"int\?\[\d+\]", base):
        return "int | None | Sequence[int | None]"
    name = _PYTHON_TYPES[base]
    return f"{name} | None" if optional else name


def _returns(text: str) -> str:
    text = text.strip()
    if "|" in text:
        return " | ".join(_returns(part) for part in text.split("|"))
    if text.startswith("("):
        inner = ", ".join(_returns(p.split()[0]) for p in _split(text[1:-1]))
        return f"tuple[{inner}]"
    simple = {"Tensor[]": "tuple[Tensor, ...]", "int[]": "Size", "Dtype": "dtype", "Scalar": "Number", "()": "None"}
    return simple.get(text, text.split("(")[0] or "None")


def parse(text: str) -> ParsedSignature:
    """Parse a signature such as ``softmax(Tensor input, int dim, *, Dtype? dtype=None) -> Tensor``."""
    head, _, result = text.rpartition("->")
    name, _, rest = head.partition("(")
    parameters = []
    keyword_only = False
    for part in _split(rest.rstrip()[:-1]):
        if part == "*":
            keyword_only = True
            continue
        kind, _, declaration = part.partition(" ")
        pname, equals, default = declaration.partition("=")
        value = default.strip() if equals else None
        annotation = _annotation(kind)
        if value == "None" and not annotation.endswith("None") and annotation != "Any":
            annotation += " | None"
        parameters.append(Parameter(pname.strip(), annotation, value, keyword_only, kind.rstrip("?") == "int[]"))
    return ParsedSignature(name.strip(), parameters, _returns(result))


def make_signature(text: str) -> inspect.Signature:
    """The ``inspect.Signature`` of an op-table signature."""
    parsed = parse(text)
    parameters: list[Any] = []
    for p in parsed.parameters:
        kind = inspect.Parameter.KEYWORD_ONLY if p.keyword_only else inspect.Parameter.POSITIONAL_OR_KEYWORD
        default = inspect.Parameter.empty if p.default is None else _literal(p.default)
        parameters.append(inspect.Parameter(p.name, kind, default=default, annotation=p.annotation))
    # A required parameter behind one with a default cannot be written in Python: show it as keyword-only.
    seen_default = False
    for i, p in enumerate(parameters):
        if p.default is not inspect.Parameter.empty:
            seen_default = True
        elif seen_default and p.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD:
            parameters[i] = p.replace(default=None)
    return inspect.Signature(parameters, return_annotation=parsed.returns)


def _literal(text: str) -> Any:
    special = {"None": None, "True": True, "False": False, "inf": float("inf"), "-inf": float("-inf")}
    if text in special:
        return special[text]
    if text.startswith("'"):
        return text[1:-1]
    if text[0] in "([":
        return tuple(int(v) for v in _split(text[1:-1]))
    return float(text) if re.search(r"[.en]", text) else int(text)
