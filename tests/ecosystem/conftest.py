# SPDX-License-Identifier: MIT
"""Packages of PyTorch's ecosystem run on plait."""

from __future__ import annotations

import pytest

import plait.compat

plait.compat.install()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--all-clients", action="store_true", help="a client that is not installed is a failure")
