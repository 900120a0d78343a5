# SPDX-License-Identifier: MIT
"""Sobol sequences against SciPy's, and what scrambling keeps."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import qmc

import plait
from plait.quasirandom import SobolEngine


@pytest.mark.parametrize("dimension", [1, 2, 7, 40, 1111])
def test_the_sequence_of_joe_and_kuo(dimension: int) -> None:
    expected = qmc.Sobol(dimension, scramble=False, bits=30).random(64)
    np.testing.assert_array_equal(SobolEngine(dimension).draw(64, dtype=plait.float64).numpy(), expected)


def test_parts_make_the_whole() -> None:
    whole = SobolEngine(5).draw(100)
    engine = SobolEngine(5)
    parts = [engine.draw(n) for n in (1, 0, 30, 2)]
    assert plait.equal(plait.cat(parts), whole[:33])
    assert plait.equal(engine.fast_forward(7).draw(60), whole[40:]) and engine.num_generated == 100
    assert plait.equal(engine.reset().draw(3), whole[:3])
    out = plait.empty(0)
    assert engine.reset().draw(4, out=out) is out and plait.equal(out, whole[:4])


def test_scrambled_points_are_balanced() -> None:
    engine = SobolEngine(6, scramble=True, seed=3)
    points = engine.draw_base2(8, dtype=plait.float64)
    cells = (points * 256).floor().long()
    assert all(sorted(cells[:, d].tolist()) == list(range(256)) for d in range(6))
    assert plait.equal(points, SobolEngine(6, True, 3).draw(256, dtype=plait.float64))
    assert not plait.equal(points, SobolEngine(6, True, 4).draw(256, dtype=plait.float64))
    assert repr(engine) == "SobolEngine(dimension=6, scramble=True, seed=3)"


def test_errors() -> None:
    with pytest.raises(ValueError, match="dimension from 1 to 1111, got 0"):
        SobolEngine(0)
    engine = SobolEngine(2)
    engine.draw(3)
    with pytest.raises(ValueError, match="power of 2, got m=2 after 3 points"):
        engine.draw_base2(2)
    assert engine.draw_base2(0).shape == (1, 2)
    with pytest.raises(ValueError, match="got -1"):
        engine.draw(-1)
