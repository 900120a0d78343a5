# SPDX-License-Identifier: MIT
"""Every pointwise op, in every float dtype: no element depends on its place, its neighbours or the length."""

from __future__ import annotations

import pytest
from op_table import SPECS
from op_table.positions import check_positions
from op_table.spec import FLOATS, OpSpec

TINY = ("exp", "digamma", "pow", "fmod", "lerp")

CASES = [
    pytest.param(s, d, id=f"{s.id}-{d}", marks=[pytest.mark.tiny] if d == "float32" and s.name in TINY else [])
    for s in SPECS
    if s.pointwise
    for d in s.dtypes
    if d in FLOATS
]


@pytest.mark.parametrize(("spec", "dtype"), CASES)
def test_positions(spec: OpSpec, dtype: str) -> None:
    check_positions(spec, dtype)
