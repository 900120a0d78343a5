# SPDX-License-Identifier: MIT
"""Every public name is documented by one template, and every example runs.

A docstring has, in this order and as far as they apply:

    A summary: one sentence in the imperative, or what the function is, with a period.

    Text: formulas, what happens at the edges.

    Args:
        name: meaning, shape, dtype, unit. Default: ``value``.      (each parameter by its name)

    Attributes:
        name: as in Args.                                           (a class; those of a tuple are its parameters)

    Returns:
        meaning and shape.                                          (a function with a result)

    Raises:
        Error: when.

    Source: Author, "Title", place and year.                        (a published method)

    Example:
        >>> code that runs

A method, and a function without parameters, may say all in its text, as long as it names its parameters; "other
arguments as there" names those of the class that the text refers to. What only stands in for something else ("The old
name of ...", "See ...") and what is there for programs that switch devices needs a summary.
"""

from __future__ import annotations

import doctest
import enum
import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from typing import Any

import numpy
import pytest

import plait
from plait._docstrings import sections

ORDER = ["", "Args", "Attributes", "Returns", "Raises", "Source", "Example"]
# Words that end like verbs in the third person and are none.
NOUNS = {
    "Address", "Always", "Angles", "Averages", "Bytes", "Class", "Convolutions", "Counts", "Cross", "Datasets",
    "Degrees", "Distances", "Elements", "Grids", "Images", "Indices", "Limits", "Lists", "Logits", "Matrices",
    "Names", "Numbers", "Ops", "Pairs", "Parameters", "Positions", "Probabilities", "Products", "Radians", "Rows",
    "Samples", "Schedules", "Sequences", "Sizes", "Steps", "Sums", "Switches", "This", "Values", "Vectors", "Whether",
}  # fmt: skip


# Modules whose names are public in the module above them, and the stand-ins for devices that are not there.
INSIDE = ("plait.nn.functional.", "plait.nn.modules", "plait.autograd.variable")
STAND_INS = ("plait.cuda.", "plait.jit.", "plait.backends.", "plait.mps.", "plait.amp.")
# Modules that are reached through the names of others alone.
OTHER_NAMES = ("plait.compat.torch", "plait.compat.functorch", "plait.compat.tensorflow", "plait.compat.operators.")
ALIAS = r"The (?:old|older|in-place) (?:name|place|form|spelling)s? of|See :|:(?:func|meth|class):`|Accepted for"
# "The arguments are those of :class:`Conv2d`": the names are said there.
REFERS = r"arguments as there|(?:[Aa]rguments|[Ss]ame as|[Ll]ike|[Aa]s|[Ss]ee|[Ff]or)\b[^.]*:(?:class|func|meth):`"
# Words of Python's own, and options that exist for PyTorch's sake and are described where a family begins.
UNTOLD = {"args", "kwargs", "ctx", "options"}


# Docstrings that are not in the template yet.
MISSING: frozenset[str] = frozenset()


def modules() -> list[str]:
    names = ["plait"]
    for info in pkgutil.walk_packages(plait.__path__, "plait."):
        if info.name.startswith(OTHER_NAMES):
            continue
        if not any(part.startswith(("_", "lib")) for part in info.name.split(".")):
            names += [] if info.name.startswith(INSIDE) else [info.name]
    return names


def public_names() -> Iterator[tuple[str, Any]]:
    """Each public function, class and method once, under its first name."""
    seen: set[int] = set()
    for module_name in modules():
        module = importlib.import_module(module_name)
        assert module.__doc__, f"{module_name} has no docstring"
        listed = list(getattr(module, "__all__", ()))
        assert len(listed) == len(set(listed)), f"{module_name}.__all__ lists a name twice"
        for name in getattr(module, "__all__", ()):
            value = getattr(module, name)
            if id(value) in seen or not (callable(value) or inspect.isclass(value)) or isinstance(value, plait.dtype):
                continue
            seen.add(id(value))
            yield f"{module_name}.{name}", value
            if inspect.isclass(value) and str(value.__module__).startswith("plait"):
                yield from public_members(f"{module_name}.{name}", value, seen)


def public_members(path: str, cls: type, seen: set[int]) -> Iterator[tuple[str, Any]]:
    for name, member in vars(cls).items():
        if name.startswith("_"):
            continue
        value = getattr(member, "__func__", member)
        is_function = callable(value) and not inspect.isclass(value)
        if (is_function or isinstance(value, property)) and id(value) not in seen:
            seen.add(id(value))
            if inspect.getdoc(getattr(cls, name, None)) and not value.__doc__:
                continue  # an override that keeps the promises of what it overrides
            yield f"{path}.{name}", value


def parameters(value: Any) -> list[str]:
    if isinstance(value, property) or (inspect.isclass(value) and issubclass(value, enum.Enum)):
        return []
    try:
        signature = inspect.signature(value)
    except (TypeError, ValueError):
        return []
    return [p.name for p in signature.parameters.values() if p.name not in ("self", "cls") and p.name[0] != "_"]


def has_result(value: Any) -> bool:
    if inspect.isclass(value) or isinstance(value, property):
        return False
    try:
        return inspect.signature(value).return_annotation not in ("None", None, inspect.Signature.empty, "NoReturn")
    except (TypeError, ValueError):
        return False


def raises(value: Any) -> bool:
    """Whether a function, or the making of an object, refuses arguments by itself."""
    function = vars(value).get("__init__") if inspect.isclass(value) else inspect.unwrap(value)
    try:
        return re.search(r"raise Argument\w*Error\(", inspect.getsource(function)) is not None
    except (TypeError, OSError):  # not written in Python
        return False


def problems(path: str, value: Any) -> list[str]:
    """What the docstring of a public name lacks."""
    text = inspect.cleandoc(value.__doc__ or "")
    while re.match(rf"{path.split('.')[-1]}\(.*\n", text):  # the signatures come first
        text = text.partition("\n\n")[2]
    if not text:
        return ["a docstring"]
    found = sections(text)
    prose = "\n".join(found[""]).strip()
    summary = prose.partition("\n\n")[0].replace("\n", " ")
    wrong = []
    if not re.search(r"[.:](?:$|\s)", summary):
        wrong.append("a summary that ends with a period")
    verb = re.match(r"([A-Z][a-z]+[^s\W]s) (?:[a-z`]|:)", summary)
    if verb and verb[1] not in NOUNS:
        wrong.append(f"the imperative, not {verb[1]!r}")
    if [name for name in ORDER if name in found] != [name for name in found if name in ORDER]:
        wrong.append(f"sections in order, not {list(found)}")
    if re.match(ALIAS, summary) or path.startswith(STAND_INS):
        return wrong
    described = "\n".join([prose, *found.get("Args", []), *found.get("Attributes", [])])
    if re.search(REFERS, prose):
        described += " ".join(parameters(value))
    wrong += [
        f"the parameter {name}"
        for name in parameters(value)
        if name not in UNTOLD and not re.search(rf"(?<!\w){re.escape(name.rstrip('_'))}_?(?!\w)", described)
    ]
    if not isinstance(value, property) and raises(value) and not re.search(r"\bRaises?\b|\braises\b", text):
        wrong.append("Raises")
    owner = path.split(".")[-2]
    if owner[:1].isupper() or isinstance(value, property) or not parameters(value):
        return wrong
    if has_result(value) and "Returns" not in found and not re.match(r"Return|Whether|The |A |An ", summary):
        wrong.append("Returns")
    if "Example" not in found:
        wrong.append("Example")
    return wrong


CASES = dict(public_names())


@pytest.mark.parametrize("path", sorted(set(CASES) - MISSING))
def test_template(path: str) -> None:
    wrong = problems(path, CASES[path])
    assert not wrong, f"{path}: expected {', '.join(wrong)}"


def test_the_list_of_missing_docstrings_shrinks() -> None:
    assert not MISSING - set(CASES), "names that are gone"
    done = [path for path in sorted(MISSING) if not problems(path, CASES[path])]
    assert not done, f"documented now: take them off the list: {done}"


@pytest.mark.parametrize("path", sorted(path for path, value in CASES.items() if ">>>" in (value.__doc__ or "")))
def test_example(path: str) -> None:
    if path == "plait.datasets.Digits":
        pytest.importorskip("sklearn")
    plait.manual_seed(0)
    names = {"plait": plait, "nn": plait.nn, "F": plait.nn.functional, "np": numpy}
    text = inspect.cleandoc(CASES[path].__doc__)
    test = doctest.DocTestParser().get_doctest(text, names, path, None, 0)
    output: list[str] = []
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    doctest.DocTestRunner(optionflags=flags).run(test, out=output.append)
    assert not output, "\n".join(output)
