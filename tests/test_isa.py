# SPDX-License-Identifier: MIT
"""Every instruction-set level computes what the default level computes, close to rounding."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from op_table import SPECS
from op_table.harness import check_close, forward_and_backward, to_numpy
from op_table.spec import OpSpec

LEVELS = ("generic", "avx2")
CHECKED = [s for s in SPECS if s.ref is not None and "float32" in s.dtypes]

PROGRAM = """
import sys
sys.path.insert(0, sys.argv[1])
import numpy as np
from test_isa import CHECKED, results
np.savez(sys.argv[2], **{f"{i}:{j}": a for i, s in enumerate(CHECKED) for j, a in enumerate(results(s))})
"""


def results(spec: OpSpec) -> list[np.ndarray]:
    """Results and gradients of all samples, as float64."""
    return [
        to_numpy(t)
        for sample in spec.samples(spec.gen())
        if sample.label != "special"
        for t in forward_and_backward(spec, sample, "float32")
    ]


@pytest.fixture(scope="module", params=LEVELS)
def level(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> np.lib.npyio.NpzFile:
    path = tmp_path_factory.mktemp("isa") / f"{request.param}.npz"
    command = [sys.executable, "-c", PROGRAM, str(Path(__file__).parent), str(path)]
    subprocess.run(command, check=True, env=os.environ | {"PLAIT_ISA": request.param}, timeout=240)
    return np.load(path)


@pytest.mark.parametrize("index", range(len(CHECKED)), ids=[s.id for s in CHECKED])
def test_isa(level: np.lib.npyio.NpzFile, index: int) -> None:
    spec = CHECKED[index]
    for j, here in enumerate(results(spec)):
        there = level[f"{index}:{j}"]
        if here.dtype.kind != "f":
            assert np.array_equal(here, there), spec.name
            continue
        scale = np.maximum(np.abs(here), np.max(np.abs(here), initial=1.0, where=np.isfinite(here)))
        check_close(there, here, "float32", 2 * max(spec.grad_tol, spec.tolerance("float32")), scale, spec.name)


@pytest.mark.parametrize("level_name", LEVELS)
def test_level_is_chosen_by_the_environment(level_name: str) -> None:
    program = "import plait; print(plait.show_config())"
    environment = os.environ | {"PLAIT_ISA": level_name}
    run = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert level_name in run.stdout


def test_unknown_level_is_refused() -> None:
    environment = os.environ | {"PLAIT_ISA": "sse9"}
    run = subprocess.run([sys.executable, "-c", "import plait; plait.ones(3) + 1"], env=environment,
                         capture_output=True, text=True)  # fmt: skip
    assert run.returncode != 0
    assert "sse9" in run.stderr
