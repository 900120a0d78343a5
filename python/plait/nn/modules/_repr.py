# SPDX-License-Identifier: MIT
"""The text form of modules."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .module import Module

__all__ = ["indent_rest", "module_repr", "repeated_repr"]


def indent_rest(text: str, spaces: int = 2) -> str:
    """Indent every line of ``text`` but the first."""
    return text.replace("\n", "\n" + " " * spaces)


def module_repr(module: Module) -> str:
    """``Name(extra)`` on one line for a leaf, else one indented line per child."""
    extra = module.extra_repr()
    lines = extra.split("\n") if extra else []
    children = [f"({name}): {indent_rest(repr(child))}" for name, child in module._modules.items()]
    return _assemble(module._get_name(), lines, children)


def repeated_repr(module: Module) -> str:
    """As :func:`module_repr`, with runs of equal children written once as ``(0-5): 6 x ...``."""
    runs: list[tuple[int, int, str]] = []
    for index, child in enumerate(module._modules.values()):
        text = repr(child)
        if runs and runs[-1][2] == text:
            runs[-1] = (runs[-1][0], index, text)
        else:
            runs.append((index, index, text))
    lines = []
    for first, last, text in runs:
        label = f"({first})" if first == last else f"({first}-{last})"
        count = "" if first == last else f"{last - first + 1} x "
        lines.append(indent_rest(f"{label}: {count}{text}"))
    return _assemble(module._get_name(), [], lines)


def _assemble(name: str, extra: list[str], children: list[str]) -> str:
    if len(extra) == 1 and not children:
        return f"{name}({extra[0]})"
    lines = extra + children
    if not lines:
        return f"{name}()"
    return f"{name}(\n  " + "\n  ".join(lines) + "\n)"
