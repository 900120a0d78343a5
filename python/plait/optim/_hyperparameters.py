# SPDX-License-Identifier: MIT
"""Which values a hyper-parameter may have.

An optimizer declares one rule for each of its hyper-parameters that has bounds, in ``HYPERPARAMETERS``; names,
order, types and defaults stand in the signature of its ``__init__``. The base class checks what it is given.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias

from .._core import ArgumentError

__all__ = ["Rule", "Rules", "at_least", "at_most", "between", "check", "given", "one_of", "optional", "within"]


class Rule(NamedTuple):
    """A condition, and its words after "expected lr"."""

    text: str
    holds: Callable[[Any], bool]


# A hyper-parameter of several numbers has a rule for each of them, under the number's name.
Rules: TypeAlias = Mapping[str, "Rule | Mapping[str, Rule]"]


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError, RuntimeError):
        return False
    return True


def _number(text: str, holds: Callable[[float], bool]) -> Rule:
    return Rule(text, lambda value: _is_number(value) and holds(float(value)))


def at_least(low: float) -> Rule:
    return _number(f">= {low}", lambda x: x >= low)


def at_most(high: float) -> Rule:
    return _number(f"<= {high}", lambda x: x <= high)


def within(low: float, high: float) -> Rule:
    """low <= x < high."""
    return _number(f"in [{low}, {high})", lambda x: low <= x < high)


def between(low: float, high: float) -> Rule:
    """low <= x <= high."""
    return _number(f"in [{low}, {high}]", lambda x: low <= x <= high)


def one_of(*values: Any) -> Rule:
    return Rule(" or ".join(map(repr, values)), lambda value: value in values)


def optional(rule: Rule) -> Rule:
    return Rule(f"{rule.text} or None", lambda value: value is None or rule.holds(value))


def given(scope: dict[str, Any]) -> dict[str, Any]:
    """The hyper-parameters among the ``locals()`` of an optimizer's ``__init__``."""
    return {name: value for name, value in scope.items() if name not in ("self", "params", "__class__")}


def check(optimizer: str, rules: Rules, values: Mapping[str, Any]) -> None:
    """Raise ArgumentError for the first value that breaks its rule."""
    for name, rule in rules.items():
        if name not in values:
            continue
        value = values[name]
        if isinstance(rule, Rule):
            _check_one(optimizer, name, rule, value)
            continue
        if not isinstance(value, (tuple, list)) or len(value) != len(rule):
            raise ArgumentError(f"{optimizer}: expected {name} to be ({', '.join(rule)}), got {value!r}")
        for (part, part_rule), number in zip(rule.items(), value):
            _check_one(optimizer, part, part_rule, number)


def _check_one(optimizer: str, name: str, rule: Rule, value: Any) -> None:
    if not rule.holds(value):
        raise ArgumentError(f"{optimizer}: expected {name} {rule.text}, got {value!r}")
