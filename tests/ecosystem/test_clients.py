# SPDX-License-Identifier: MIT
"""Every job of every client gives PyTorch's numbers; the table of clients says what is run."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest
from client import ATOL, RTOL, all_clients, flat

CLIENTS = all_clients()
ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(("client", "job"), [(c, j) for c, client in CLIENTS.items() for j in client.jobs])
def test_job(client: str, job: str, request: pytest.FixtureRequest) -> None:
    declared = CLIENTS[client]
    if not declared.is_installed() and not request.config.getoption("--all"):
        pytest.skip(f"{declared.package} is not installed")
    np.testing.assert_allclose(flat(declared.jobs[job]()), declared.expected()[job], rtol=RTOL, atol=ATOL)


@pytest.mark.parametrize("client", CLIENTS)
def test_every_job_has_numbers(client: str) -> None:
    assert list(CLIENTS[client].expected()) == list(CLIENTS[client].jobs)


def test_the_page_has_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = importlib.util.spec_from_file_location("ecosystem_tool", ROOT / "tools" / "ecosystem.py")
    assert spec is not None and spec.loader is not None
    tool = importlib.util.module_from_spec(spec)
    monkeypatch.setattr(sys, "path", list(sys.path))
    spec.loader.exec_module(tool)
    assert tool.BEGIN + tool.table_text() + tool.END in (ROOT / "TORCH.md").read_text(), (
        "python tools/ecosystem.py table"
    )
