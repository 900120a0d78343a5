# SPDX-License-Identifier: MIT
"""Makes the helper packages of this folder importable and keeps process-wide settings from leaking."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import plait


@pytest.fixture(autouse=True)
def _settings() -> Iterator[None]:
    threads = plait.get_num_threads()
    dtype = plait.get_default_dtype()
    yield
    if plait.get_num_threads() != threads:
        plait.set_num_threads(threads)
    if plait.get_default_dtype() != dtype:
        plait.set_default_dtype(dtype)
    assert plait.is_grad_enabled(), "the test left gradients disabled"
