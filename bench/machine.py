# SPDX-License-Identifier: MIT
"""The machine the benchmarks run on: its name, and its limits measured on the spot."""

from __future__ import annotations

import ctypes
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

_COPY_BYTES = 128 << 20


@dataclass(frozen=True)
class Limits:
    """Peak arithmetic in FLOP/s and copy bandwidth in bytes/s; 0 where they could not be measured."""

    flops: float
    bandwidth: float


def cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines() if sys.platform == "linux" else []:
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def measure_limits(threads: int) -> Limits:
    """Compiles cpp/limits.cpp for this machine and runs it. Without a compiler the limits are 0."""
    compiler = os.environ.get("CXX") or shutil.which("g++") or shutil.which("c++")
    if compiler is None:
        return Limits(0.0, 0.0)
    source = Path(__file__).parent / "cpp" / "limits.cpp"
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "limits.so"
        flags = ["-std=c++20", "-O3", "-march=native", "-shared", "-fPIC", "-pthread"]
        subprocess.run([compiler, *flags, str(source), "-o", str(library)], check=True)
        limits = ctypes.CDLL(str(library))
    limits.plait_limit_fma.restype = limits.plait_limit_copy.restype = ctypes.c_double
    limits.plait_limit_copy.argtypes = [ctypes.c_int, ctypes.c_size_t]
    return Limits(limits.plait_limit_fma(threads), limits.plait_limit_copy(threads, _COPY_BYTES))
