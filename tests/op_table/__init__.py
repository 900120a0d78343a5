# SPDX-License-Identifier: MIT
"""The op table: one `OpSpec` per op, by family. `SPECS` drives every generic test."""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import replace

from .harness import lookup
from .spec import OpSpec

_HELPERS = ("spec", "harness", "positions")


def _collect() -> list[OpSpec]:
    specs: list[OpSpec] = []
    for module in sorted(m.name for m in pkgutil.iter_modules(__path__) if m.name not in _HELPERS):
        family = importlib.import_module(f"{__name__}.{module}")
        specs.extend(replace(s, family=module) for s in family.SPECS)
    return specs


ALL_SPECS = _collect()
SPECS = [s for s in ALL_SPECS if lookup(s.name) is not None]
MISSING = [s.name for s in ALL_SPECS if lookup(s.name) is None]
