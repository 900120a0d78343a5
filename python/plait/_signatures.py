# SPDX-License-Identifier: MIT
"""The parameters of the op table as Python writes them: annotations and ``inspect.signature`` objects.

The table is parsed in C++ (``cpp/ops/signature.h``); its rows arrive here as the data that ``OpRow`` describes.
"""

from __future__ import annotations

import inspect
import keyword
from typing import Any, NotRequired, TypedDict

__all__ = ["OpRow", "ParameterRow", "annotation", "make_signature", "python_name", "returns", "shown_name"]


class ParameterRow(TypedDict):
    """One parameter of an op."""

    name: str
    kind: str  # "Tensor", "int[]", ...: a key of _ANNOTATIONS
    optional: bool  # None is allowed
    repeat: int  # int[N]: one int stands for N; 0 for other kinds
    keyword_only: bool
    default: NotRequired[Any]  # absent: required


class OpRow(TypedDict):
    """One entry of the op table, as ``_core._op_table()`` gives it."""

    name: str
    signature: str
    where: str  # "f" plait.name, "m" Tensor.name, "n" nn.functional.name, "s" a submodule's, "o" out=, "p" private
    doc: str
    parameters: list[ParameterRow]
    varargs: bool  # the last positional parameter may be given as separate arguments
    results: list[tuple[bool, list[tuple[str, str]]]]  # alternatives: whether it is a tuple, (kind, name) of each item


_ANNOTATIONS = {
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
    "int?[]": "int | None | Sequence[int | None]",
    "float[]": "Sequence[float]",
    "Tensor[]": "Sequence[Tensor]",
    "Tensor?[]": "Sequence[Tensor | None]",
}
# Results have one Python type where parameters take several.
_RESULTS = {"Tensor[]": "tuple[Tensor, ...]", "Dtype": "dtype"}


def python_name(parameter: ParameterRow) -> str:
    """The parameter's name, with an underscore where it is a word of Python's (``random_(from, to)``)."""
    return parameter["name"] + "_" * keyword.iskeyword(parameter["name"])


def shown_name(row: OpRow) -> str:
    """The op's name where it is shown: a submodule's op begins with the name of the submodule."""
    return row["name"].partition("_")[2] if "s" in row["where"] else row["name"]


def annotation(parameter: ParameterRow) -> str:
    """The Python type of a parameter."""
    text = _ANNOTATIONS[parameter["kind"]]
    return f"{text} | None" if parameter["optional"] else text


def returns(row: OpRow) -> str:
    """The Python type of an op's result; several are possible where it depends on the arguments."""
    alternatives = []
    for is_tuple, items in row["results"]:
        types = [_RESULTS.get(kind, kind) for kind, _ in items]
        if is_tuple:
            alternatives.append(f"tuple[{', '.join(types)}]" if types else "None")
        else:
            alternatives.append(types[0])
    return " | ".join(alternatives)


def make_signature(row: OpRow) -> inspect.Signature:
    """The ``inspect.Signature`` of an op."""
    parameters = []
    seen_default = False
    for p in row["parameters"]:
        kind = inspect.Parameter.KEYWORD_ONLY if p["keyword_only"] else inspect.Parameter.POSITIONAL_OR_KEYWORD
        default = p.get("default", inspect.Parameter.empty)
        if default is not inspect.Parameter.empty:
            seen_default = True
        elif seen_default and not p["keyword_only"]:
            default = None  # Python knows no required parameter behind one with a default
        parameters.append(inspect.Parameter(python_name(p), kind, default=default, annotation=annotation(p)))
    return inspect.Signature(parameters, return_annotation=returns(row))
