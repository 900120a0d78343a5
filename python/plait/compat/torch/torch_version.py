# SPDX-License-Identifier: MIT
"""A version that compares by its numbers."""

from __future__ import annotations

import re
from typing import Any

from plait.compat._modules import VERSION

__all__ = ["TorchVersion"]

# Phases of a release in order (PEP 440); a local version comes after the release without one.
_PHASES = {"dev": -4, "a": -3, "alpha": -3, "b": -2, "beta": -2, "rc": -1, "c": -1, "": 0, "post": 1}
_PATTERN = re.compile(r"v?(\d+(?:\.\d+)*)[.\-_]?(?:(dev|alpha|beta|rc|post|a|b|c)[.\-_]?(\d*))?(?:\+(.*))?$")


def _key(version: Any) -> tuple[Any, ...]:
    if isinstance(version, tuple | list):
        version = ".".join(map(str, version))
    match = _PATTERN.match(str(version).strip().lower())
    if match is None:
        raise ValueError(f"TorchVersion: expected a version such as '2.13.0', got {str(version)!r}")
    numbers, phase, count, local = match.groups()
    release = [int(n) for n in numbers.split(".")]
    while release and release[-1] == 0:
        release.pop()
    return tuple(release), _PHASES[phase or ""], int(count or 0), local or ""


class TorchVersion(str):
    """The version as text; comparisons with texts, tuples and versions go by number."""

    def __lt__(self, other: Any) -> bool:
        return _key(self) < _key(other)

    def __le__(self, other: Any) -> bool:
        return _key(self) <= _key(other)

    def __gt__(self, other: Any) -> bool:
        return _key(self) > _key(other)

    def __ge__(self, other: Any) -> bool:
        return _key(self) >= _key(other)

    def __eq__(self, other: object) -> bool:
        try:
            return _key(self) == _key(other)
        except ValueError:
            return False

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(str(self))


__version__ = TorchVersion(VERSION)
