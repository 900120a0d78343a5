# SPDX-License-Identifier: MIT
"""Every job of every client gives PyTorch's numbers."""

from __future__ import annotations

import numpy as np
import pytest
from client import ATOL, RTOL, all_clients, flat

CLIENTS = all_clients()


@pytest.mark.parametrize(("client", "job"), [(c, j) for c, client in CLIENTS.items() for j in client.jobs])
def test_job(client: str, job: str) -> None:
    declared = CLIENTS[client]
    if not declared.is_installed():
        pytest.skip(f"{declared.package} is not installed")
    np.testing.assert_allclose(flat(declared.jobs[job]()), declared.expected()[job], rtol=RTOL, atol=ATOL)
