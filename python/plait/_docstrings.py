# SPDX-License-Identifier: MIT
"""Complete docstrings for ops, put together when somebody reads one.

The op table holds what is particular to an op. What follows from its signature, or is the same for every op, is
added here: the arguments that the text does not describe, the result, and the errors that every op raises.
"""

from __future__ import annotations

import inspect
import keyword
import re
from collections.abc import Callable
from typing import Any

__all__ = ["EVERY_OP", "complete", "documented", "sections"]

_SECTIONS = ("Args", "Attributes", "Returns", "Raises", "Source", "Example")

# What parameters of these names mean in every op that does not say otherwise.
_COMMON = {
    "input": "the operand.",
    "self": "the tensor itself.",
    "other": "the second operand.",
    "tensor": "the operand.",
    "tensors": "the operands.",
    "dim": "the dimension; negative ones count from the last.",
    "dim0": "one of the two dimensions; negative ones count from the last.",
    "dim1": "one of the two dimensions; negative ones count from the last.",
    "dim2": "the other of the two dimensions.",
    "dims": "the dimensions; negative ones count from the last.",
    "keepdim": "whether the reduced dimensions stay, with size 1.",
    "dtype": "the dtype of the result.",
    "size": "the sizes of the result.",
    "shape": "the sizes of the result.",
    "out": "a tensor that takes the result; it is resized if need be.",
    "generator": "where random numbers come from; None is the generator of `plait.manual_seed`.",
    "requires_grad": "whether autograd records what is done with the result.",
    "inplace": "whether the result is written into `input`.",
    "device": 'where the result is: the CPU or "meta". Default: where the tensors are, else the default device.',
    "layout": "accepted; there is one layout.",
    "memory_format": "accepted and ignored.",
    "pin_memory": "accepted and ignored.",
    "non_blocking": "accepted and ignored.",
    "reduction": "'mean', 'sum' or 'none' of the elements' losses.",
    "size_average": "the older spelling of `reduction`.",
    "reduce": "the older spelling of `reduction`.",
    "weight": "the weights.",
    "bias": "added to the result.",
    "eps": "added against a division by 0.",
    "index": "the places along `dim`, integers.",
    "value": "the number that is written.",
    "descending": "whether the largest come first.",
    "stable": "whether equal elements keep their order.",
    "largest": "whether the largest are taken, else the smallest.",
    "sorted": "whether the result is in order.",
    "training": "whether this is training; otherwise the op does what it does in evaluation.",
    "correction": "the sum of squared deviations is divided by the number of elements less this.",
    "unbiased": "the older spelling of `correction`: True stands for 1, False for 0.",
}
_RESULTS = {
    "Tensor": "A tensor.",
    "tuple[Tensor, ...]": "A tuple of tensors.",
    "None": "None.",
    "Size": "The sizes.",
}
# The error that the docstring of each op ends its list with.
EVERY_OP = "ArgumentTypeError: an argument of another kind, or of a dtype that the op does not take."


def sections(text: str) -> dict[str, list[str]]:
    """The lines of a docstring by section; "" is the text before the first. An example needs no header."""
    found: dict[str, list[str]] = {"": []}
    name = ""
    for line in text.rstrip().split("\n"):
        header = re.fullmatch(r"(\w+):(?: \S.*)?", line)
        title = header[1].replace("Examples", "Example") if header else ""
        if title in _SECTIONS:
            name = title
            found.setdefault(name, [line] if name == "Source" else [])
            continue
        if line.startswith(">>>") and name != "Example":
            name = "Example"
            found[name] = []
        elif line and line[0] != " " and name in _SECTIONS[:4]:
            name = ""  # text goes on behind the section
        indent = "    " if name == "Example" and line and not line.startswith("    ") else ""
        found[name].append(indent + line)
    return found


def _blocks(lines: list[str]) -> list[tuple[list[str], list[str]]]:
    """The entries of an Args section, ``a, b: text``: the parameters and the lines of each."""
    blocks: list[tuple[list[str], list[str]]] = []
    for line in lines:
        match = re.match(r" {4}([\w*]+(?:, [\w*]+)*)(?: \([^)]*\))?:", line)
        if match:
            blocks.append(([name.strip("* ") for name in match[1].split(",")], []))
        if blocks:
            blocks[-1][1].append(line)
    return blocks


def _name(p: inspect.Parameter) -> str:
    name = p.name.removesuffix("_")  # see make_signature
    return name if keyword.iskeyword(name) else p.name


def _argument(p: inspect.Parameter) -> str:
    text = _COMMON.get(_name(p), "")
    default = "" if p.default is inspect.Parameter.empty else f"Default: {p.default!r}."
    if not text and not default:
        return f"    {_name(p)}: {p.annotation}."
    return f"    {_name(p)} ({p.annotation}): {f'{text} {default}'.strip()}"


def _arguments(lines: list[str], signature: inspect.Signature) -> list[str]:
    """All parameters in the order of the signature; those that ``lines`` describe keep their words."""
    blocks = _blocks(lines)
    written: set[int] = set()
    result: list[str] = []
    for p in signature.parameters.values():
        own = [i for i, (names, _) in enumerate(blocks) if _name(p) in names]
        if not own:
            result.append(_argument(p))
        elif own[0] not in written:
            written.add(own[0])
            result += blocks[own[0]][1]
    for i, (_, block) in enumerate(blocks):  # parameters of other overloads
        if i not in written:
            result += block
    return result


def _result(heading: str, signature: inspect.Signature) -> str:
    name = heading.partition("(")[0]
    if name.endswith("_") and not name.endswith("__"):
        return "The tensor itself."
    fields = re.search(r"-> \((.+)\)$", heading.split("\n")[0])
    if fields:
        return f"A named tuple ({', '.join(f.split()[-1] for f in fields[1].split(','))})."
    kind = str(signature.return_annotation)
    return _RESULTS.get(kind, f"{kind}.")


def complete(doc: str, signature: inspect.Signature) -> str:
    """``doc``, which begins with the signatures, with the sections that an op's entry leaves to its signature."""
    heading, _, text = doc.partition("\n\n")
    return f"{heading}\n\n{complete_text(text, signature, heading)}" if text.strip() else doc


def documented(fn: Callable[..., Any]) -> Callable[..., Any]:
    """``fn``, a function of tensors, with such a docstring."""
    if fn.__doc__ and not fn.__doc__.startswith("See "):
        fn.__doc__ = complete_text(inspect.cleandoc(fn.__doc__), inspect.signature(fn))
    return fn


def complete_text(text: str, signature: inspect.Signature, heading: str = "") -> str:
    """The same for a docstring of Python."""
    found = sections(text)
    if signature.parameters:
        found["Args"] = _arguments(found.get("Args", []), signature)
    found.setdefault("Returns", ["    " + _result(heading, signature)])
    raises = found.setdefault("Raises", [])
    if not any("TypeError" in line for line in raises):
        raises.append("    " + EVERY_OP)
    parts = ["\n".join(found[""]).strip("\n")]
    for name in _SECTIONS:
        if name in found:
            body = "\n".join(found[name]).strip("\n")
            parts.append(body if name == "Source" else f"{name}:\n{body}")
    return "\n\n".join(parts) + "\n"
