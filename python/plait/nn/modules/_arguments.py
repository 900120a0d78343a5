# SPDX-License-Identifier: MIT
"""What the constructors of modules accept.

``checks_arguments`` holds the arguments of a constructor against its annotations, so a rule stands once, beside the
parameter it is for. The aliases below are the types with a range; ``int``, ``float``, ``str`` and ``Tensor`` say what
they say, and anything else (``bool``, ``Any``, a class) is left to the constructor. Defaults are trusted.
"""

from __future__ import annotations

import functools
import math
import numbers
import operator
import types
import typing
from collections.abc import Callable, Sequence
from typing import Annotated, Any, NamedTuple, TypeAlias, TypeVar

from ..._core import ArgumentError, ArgumentTypeError, Tensor

__all__ = [
    "Choice",
    "Count",
    "Counts",
    "Flag",
    "Fraction",
    "Ints",
    "NonNegativeReal",
    "NonZero",
    "NonZeroReal",
    "Positive",
    "PositiveReal",
    "PositiveReals",
    "Positives",
    "Sizes",
    "checks_arguments",
]

_F = TypeVar("_F", bound=Callable[..., Any])


class Range(NamedTuple):
    """The values that fit, and how an error names them; nan lies in no range."""

    fits: Callable[[Any], Any]
    words: str


class Choice(Range):
    """One of a few strings."""

    def __new__(cls, *options: str) -> Choice:
        words = " or ".join([", ".join(map(repr, options[:-1])), repr(options[-1])])
        return super().__new__(cls, options.__contains__, words)


_AT_LEAST_0 = Range(lambda v: v >= 0, "of at least 0")
_AT_LEAST_1 = Range(lambda v: v >= 1, "greater than 0")
_ABOVE_0 = Range(lambda v: v > 0, "greater than 0")
_NOT_0 = Range(lambda v: v < 0 or v > 0, "other than 0")

# Integers; a module with ``_dims`` takes one number or one per dimension where there may be several.
Count: TypeAlias = Annotated[int, _AT_LEAST_0]
Positive: TypeAlias = Annotated[int, _AT_LEAST_1]
NonZero: TypeAlias = Annotated[int, _NOT_0]
Counts: TypeAlias = Annotated[int | Sequence[int], _AT_LEAST_0]
Positives: TypeAlias = Annotated[int | Sequence[int], _AT_LEAST_1]
# Sizes of an output; None keeps the size of the input.
Sizes: TypeAlias = Annotated[int | Sequence[int | None] | None, _AT_LEAST_0]
# In whatever number the constructor asks for.
Ints: TypeAlias = int | Sequence[int]

Fraction: TypeAlias = Annotated[float, Range(lambda v: 0 <= v <= 1, "between 0 and 1")]
PositiveReal: TypeAlias = Annotated[float, _ABOVE_0]
PositiveReals: TypeAlias = Annotated[float | Sequence[float], Range(lambda v: 0 < v < math.inf, "greater than 0")]
NonNegativeReal: TypeAlias = Annotated[float, _AT_LEAST_0]
NonZeroReal: TypeAlias = Annotated[float, _NOT_0]
# A bool that no other value stands for; a plain ``bool`` is anything that is true or false.
Flag: TypeAlias = Annotated[bool, "alone"]


def _is_int(value: Any) -> bool:
    if isinstance(value, bool):
        return False
    try:
        operator.index(value)
    except (TypeError, ValueError, RuntimeError):
        return False
    return True


def _is_real(value: Any) -> bool:
    if isinstance(value, Tensor):
        return value.numel() == 1 and not value.is_complex()
    return isinstance(value, numbers.Real)


_TESTS: dict[Any, tuple[Callable[[Any], bool], str]] = {
    int: (_is_int, "an int"),
    float: (_is_real, "a number"),
    bool: (lambda value: isinstance(value, bool), "a bool"),
    str: (lambda value: isinstance(value, str), "a string"),
    Tensor: (lambda value: isinstance(value, Tensor), "a Tensor"),
    types.NoneType: (lambda value: value is None, "None"),
}
_PLURALS = {int: "ints", float: "numbers"}


class _Rule(NamedTuple):
    """The types of an argument, of the entries where it may be a sequence, and the range of its numbers or strings."""

    scalars: tuple[Any, ...]
    entries: tuple[Any, ...]
    range: Range | None

    def expected(self, count: int | None) -> str:
        words = [_TESTS[kind][1] for kind in self.scalars if kind is not types.NoneType]
        if self.entries:
            plural = _PLURALS[self.entries[0]]
            words.append(f"{count or 'several'} {plural}" if count != 1 else f"1 {plural[:-1]}")
        if types.NoneType in self.scalars:
            words.append("None")
        if isinstance(self.range, Choice):
            return self.range.words
        return " or ".join(words) + (f" {self.range.words}" if self.range else "")

    def has_type(self, value: Any, kinds: tuple[Any, ...]) -> bool:
        return any(_TESTS[kind][0](value) for kind in kinds)

    def in_range(self, value: Any) -> bool:
        if self.range is None or value is None or (isinstance(value, str) and not isinstance(self.range, Choice)):
            return True
        return bool(self.range.fits(value))

    def check(self, owner: Any, name: str, value: Any) -> None:
        """Raise if ``value`` does not fit."""
        if self.has_type(value, self.scalars):
            if not self.in_range(value):
                self.fail(owner, name, ArgumentError, repr(value))
        elif not self.entries or not _is_sequence(value):
            self.fail(owner, name, ArgumentTypeError, type(value).__name__)
        else:
            self.check_entries(owner, name, value)

    def check_entries(self, owner: Any, name: str, value: Any) -> None:
        values = list(value)
        if not all(self.has_type(entry, self.entries) for entry in values):
            self.fail(owner, name, ArgumentTypeError, repr(value))
        count = getattr(owner, "_dims", None)
        counted = self.range is None or count is None or len(values) in (1, count)
        # An empty sequence stands for None.
        counted = counted or (not values and types.NoneType in self.scalars)
        if not counted or not all(self.in_range(entry) for entry in values):
            self.fail(owner, name, ArgumentError, repr(value))

    def fail(self, owner: Any, name: str, error: type[Exception], got: str) -> typing.NoReturn:
        expected = self.expected(getattr(owner, "_dims", None) if self.range else None)
        raise error(f"{type(owner).__name__}: expected {name} to be {expected}, got {got}")


def _is_sequence(value: Any) -> bool:
    if isinstance(value, Tensor):
        return value.dim() == 1
    return hasattr(value, "__len__") and hasattr(value, "__getitem__") and not isinstance(value, (str, bytes, dict))


def _rule(annotation: Any) -> _Rule | None:
    """The rule that ``annotation`` states; None where it leaves the argument to the constructor."""
    scalars: list[Any] = []
    entries: list[Any] = []
    bounds: Range | str | None = None
    parts = [annotation]
    while parts:
        part = parts.pop(0)
        origin = typing.get_origin(part)
        if origin is Annotated:
            inner, bounds = typing.get_args(part)
            parts.append(inner)
        elif origin in (typing.Union, types.UnionType):
            parts[:0] = typing.get_args(part)
        elif origin is Sequence:
            entry = typing.get_args(part)[0]
            entries += typing.get_args(entry) or [entry]
        elif part in _TESTS and (part is not bool or bounds):
            scalars.append(part)
        else:
            return None
    return _Rule(tuple(scalars), tuple(entries), bounds if isinstance(bounds, Range) else None)


def checks_arguments(init: _F) -> _F:
    """``init``, a constructor, that holds its arguments against their annotations before it does anything."""
    order: list[tuple[str, _Rule | None]] = []
    by_name: dict[str, _Rule | None] = {}

    def read_rules() -> None:
        # At the first call: most programs use a few modules.
        hints = typing.get_type_hints(init, include_extras=True)
        code = init.__code__  # type: ignore[attr-defined]
        names = code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount]
        by_name.update((name, _rule(hints.get(name, Any))) for name in names)
        order[:] = list(by_name.items())[: code.co_argcount - 1]

    @functools.wraps(init)
    def checked(self: Any, *args: Any, **kwargs: Any) -> None:
        if not by_name:
            read_rules()
        for (name, rule), value in zip(order, args):
            if rule is not None:
                rule.check(self, name, value)
        for name, value in kwargs.items():
            rule = by_name.get(name)
            if rule is not None:
                rule.check(self, name, value)
        init(self, *args, **kwargs)

    return checked  # type: ignore[return-value]
