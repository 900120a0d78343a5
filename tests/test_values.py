# SPDX-License-Identifier: MIT
"""Every op against its NumPy reference, in every dtype of its spec."""

from __future__ import annotations

import pytest
from op_table import SPECS
from op_table.harness import check_values
from op_table.spec import OpSpec

PAIRS = [
    pytest.param(s, d, id=f"{s.id}-{d}", marks=[pytest.mark.tiny] if d == "float32" else [])
    for s in SPECS
    if s.ref is not None
    for d in s.dtypes
]


@pytest.mark.parametrize(("spec", "dtype"), PAIRS)
def test_values(spec: OpSpec, dtype: str) -> None:
    for sample in spec.samples(spec.gen()):
        check_values(spec, sample, dtype)


@pytest.mark.parametrize("spec", [pytest.param(s, id=s.id) for s in SPECS if s.large and s.ref])
def test_large_values(spec: OpSpec) -> None:
    """Sizes that are split over threads, blocks and chunks."""
    for sample in spec.large(spec.gen("large")):
        check_values(spec, sample, spec.dtypes[0])
