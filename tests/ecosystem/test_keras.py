# SPDX-License-Identifier: MIT
"""Keras 3 on plait: PyTorch's numbers in every job, and the programs that people begin with."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

pytest.importorskip("keras")
from jobs_keras import JOBS, VALUES


def flat(values: Any) -> list[float]:
    return [x for v in values for x in flat(v)] if isinstance(values, list) else [values]


@pytest.mark.parametrize("name", JOBS)
def test_job(name: str) -> None:
    expected = flat(json.loads(VALUES.read_text())[name])
    np.testing.assert_allclose(flat(JOBS[name]()), expected, rtol=2e-4, atol=2e-5)
