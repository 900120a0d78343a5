# SPDX-License-Identifier: MIT
"""Numbers that cut loops for speed change no result; PLAIT_TUNE replaces them by name."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

PROGRAM = """
import hashlib, plait
h = hashlib.sha256()
x = plait.arange(300 * 130, dtype=plait.float32).reshape(300, 130).sin()
y, column, row = x.exp(), x[:, :1], x[:1]
for t in (x + y, x.t() * y.t(), x + y[:, ::2].repeat(1, 2), x * column, x * row, x[::3, ::7] - y[::3, ::7],
          x.t().contiguous(), x[:, 5:80].contiguous(), x.reshape(3, 100, 130).permute(2, 0, 1).contiguous(),
          x[:, :3].t().contiguous(), x.double().t() + x.t(), (x[:, 5:80] > 0).t().contiguous(), x[::2].half() + 1):
    h.update(t.contiguous().numpy().tobytes())
a = plait.zeros(130, 300)
a.t().copy_(x)
print(h.hexdigest(), hashlib.sha256(a.numpy().tobytes()).hexdigest())
"""


def run(tune: str, program: str = PROGRAM) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if k != "PLAIT_TUNE"} | ({"PLAIT_TUNE": tune} if tune else {})
    return subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)


def test_no_result_depends_on_how_loops_are_cut() -> None:
    want = run("")
    assert want.returncode == 0, want.stderr
    for tune in (
        "pointwise.grain=64,pointwise.direct_block=48,pointwise.long_row=8",
        "pointwise.copied_short=1,pointwise.copied_long=1",
        "pointwise.copied_bytes=1,pointwise.long_row=100000",
        "copy.grain=16,copy.min_row_bytes=4096,copy.long_row=2,copy.block_bytes=256",
        "copy.tile_run=24,copy.tile_panel=40,copy.tile_panel_few=33,copy.min_row_bytes=1",
    ):
        got = run(tune)
        assert got.stdout == want.stdout, f"{tune}: {got.stderr}"


@pytest.mark.parametrize(
    "tune", ["grain=4", "pointwise.grane=4", "pointwise.grain", "pointwise.grain=x", "copy.grain=0"]
)
def test_a_wrong_override_is_an_error(tune: str) -> None:
    result = run(tune, "import plait; plait.ones(3) + 1")
    assert result.returncode != 0
    assert "PLAIT_TUNE: expected NAME=NUMBER with one of pointwise.grain, " in result.stderr
    assert f", got {tune}" in result.stderr
