# SPDX-License-Identifier: MIT
"""The coefficients in the kernels' elementary functions reach the errors that are stated beside them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

pytest.importorskip("mpmath", reason="fits are checked in extended precision, by mpmath")
sys.path.insert(0, str(Path(__file__).parents[1] / "tools"))
import fit_math

if not all(header.exists() for header in fit_math.HEADERS):
    pytest.skip("the headers are not here: installed package", allow_module_level=True)

TABLES = list(fit_math.tables())


@pytest.mark.parametrize("table", [pytest.param(t, id=t.name) for t in TABLES])
def test_stated_error_is_reached(table: fit_math.Table) -> None:
    assert fit_math.measured(table) <= table.bound * fit_math.SLACK


def test_every_fit_has_its_table() -> None:
    assert sorted(t.name for t in TABLES) == sorted(fit_math.FITS | fit_math.PIECES)


def test_a_fit_from_scratch_is_as_good() -> None:
    (stated,) = (t.bound for t in TABLES if t.name == "exp_float")
    fit = fit_math.FITS["exp_float"]
    assert fit.error(fit.solve()) <= stated
