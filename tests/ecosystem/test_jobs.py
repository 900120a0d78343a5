# SPDX-License-Identifier: MIT
"""Every job gives PyTorch's numbers."""

from __future__ import annotations

import importlib.util
import json
from typing import Any

import numpy as np
import pytest
from jobs import JOBS, VALUES


def flat(values: Any) -> list[float]:
    return [x for v in values for x in flat(v)] if isinstance(values, list) else [values]


@pytest.mark.parametrize("name", JOBS)
def test_job(name: str) -> None:
    package, function = JOBS[name]
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"{package} is not installed")
    expected = flat(json.loads(VALUES.read_text())[name])
    np.testing.assert_allclose(flat(function()), expected, rtol=2e-4, atol=2e-5)
