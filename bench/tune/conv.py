# SPDX-License-Identifier: MIT
"""Tunes convolutions, float32, forward: the choice between algorithms, and the numbers that cut their work.

    python bench/tune/conv.py

Prints the time of every algorithm that supports a problem, forced by PLAIT_CONV, beside that of the library's own
choice, and fits the cost model of Winograd's algorithm (WinogradCosts) to 3 x 3 kernels: its time, in multiply-adds of
implicit_gemm, is linear in the costs of a product, of the transforms of inputs, outputs and weights, and of a tap.
Then follow numbers of ConvTuning in cpp/kernels/isa/conv_tuning_kernels.cpp under other values.
A build without PLAIT_CONV shows its own times only.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from functools import partial

import numpy as np
from common import Step, least_times, main, tune

import plait
from plait.nn import functional as F

ALGORITHMS = (
    "gemm_1x1", "full_kernel_gemm", "patch_gemm", "space_to_batch", "channel_interleaved", "winograd",
    "image_interleaved", "direct", "implicit_gemm",
)  # fmt: skip
TILE, POINTS = 4, 36  # Winograd F(4 x 4, 3 x 3): outputs of a tile along an axis, coefficients of its input


@dataclass(frozen=True)
class Problem:
    images: int
    inputs: int
    outputs: int
    size: int  # of the square images
    kernel: int = 3
    stride: int = 1
    groups: int = 1
    dilation: int = 1

    def __str__(self) -> str:
        options = {"stride": self.stride, "groups": self.groups, "dilation": self.dilation}
        rest = "".join(f", {name} {value}" for name, value in options.items() if value != 1)
        return f"{self.images} x {self.inputs}->{self.outputs}, {self.size}^2, {self.kernel}x{self.kernel}{rest}"

    @property
    def positions(self) -> int:
        return self.images * (-(-self.size // self.stride)) ** 2

    @property
    def products(self) -> int:
        return self.positions * self.inputs * self.outputs // self.groups * self.kernel**2

    def step(self) -> Step:
        x = plait.rand(self.images, self.inputs, self.size, self.size)
        w = plait.rand(self.outputs, self.inputs // self.groups, self.kernel, self.kernel)
        padding = self.dilation * (self.kernel - 1) // 2
        return partial(F.conv2d, x, w, None, self.stride, padding, self.dilation, self.groups)


CHANNELS = ((3, 16), (8, 8), (16, 16), (16, 64), (64, 16), (64, 64), (128, 128))
THREE = [Problem(images, i, o, size) for i, o in CHANNELS for images, size in ((1, 28), (4, 28), (4, 56))]
OTHERS = [
    Problem(4, 64, 64, 28, kernel=1), Problem(4, 64, 64, 28, stride=2), Problem(2, 3, 64, 112, kernel=7, stride=2),
    Problem(4, 3, 32, 64, kernel=4, stride=4), Problem(4, 64, 64, 28, groups=64), Problem(4, 64, 64, 28, groups=8),
    Problem(16, 4, 4, 16), Problem(64, 8, 8, 12), Problem(2, 64, 64, 32, dilation=2), Problem(32, 64, 10, 3),
    Problem(4, 32, 32, 28, kernel=5), Problem(4, 1, 8, 28, kernel=5),
]  # fmt: skip
PROBLEMS = {str(p): p for p in (*THREE, *OTHERS)}
WORKLOADS = {name: p.step for name, p in PROBLEMS.items()}


KIB = 1 << 10
NUMBERS = {
    "direct_out_channels": ((2, 8, 16), (Problem(16, 4, 4, 16), Problem(4, 64, 8, 28), Problem(4, 3, 16, 56))),
    "direct_tile_bytes": ((64 * KIB, 512 * KIB), (Problem(4, 64, 2, 56), Problem(2, 32, 4, 112))),
    "pack_or_read_channels": ((4, 20, 40), (Problem(4, 64, 16, 28, kernel=5), Problem(4, 32, 32, 28, kernel=5))),
    "unpacked_weight_panels": ((2, 16), (Problem(1, 256, 256, 7, kernel=5), Problem(1, 128, 128, 14, stride=2))),
    "winograd_weight_bytes": ((96 * KIB, 384 * KIB), (Problem(4, 64, 64, 56), Problem(4, 256, 256, 14))),
    "winograd_input_bytes": ((160 * KIB, 640 * KIB), (Problem(4, 64, 64, 56), Problem(4, 256, 256, 14))),
    "winograd_sum_bytes": ((160 * KIB, 640 * KIB), (Problem(4, 64, 64, 56), Problem(4, 256, 256, 14))),
    "winograd_tile_bytes": ((2048 * KIB, 32768 * KIB), (Problem(4, 64, 64, 56), Problem(8, 128, 128, 28))),
}
WORKLOADS |= {str(p): p.step for _, problems in NUMBERS.values() for p in problems}


def report() -> None:
    """Names each problem on the standard error, where the library then names the algorithm that it runs."""
    for name, problem in PROBLEMS.items():
        print(f"problem {name}", file=sys.stderr, flush=True)
        problem.step()()


def algorithms_run(forced: str) -> dict[str, str]:
    """The algorithm of each problem under PLAIT_CONV; nothing for a build that does not report it."""
    environment = os.environ | {"PLAIT_VERBOSE": "1"} | ({"PLAIT_CONV": forced} if forced else {})
    run = subprocess.run([sys.executable, __file__, "--report"], env=environment, stderr=subprocess.PIPE, text=True)
    found: dict[str, str] = {}
    name = ""
    for line in run.stderr.splitlines():
        if line.startswith("problem "):
            name = line.removeprefix("problem ")
        elif match := re.search(r"conv forward f32 (\w+):", line):
            found.setdefault(name, match[1])  # the first: algorithms may call others
    return found


def fit_winograd(times: dict[str, dict[str, float]]) -> None:
    """Least squares in relative errors, first for a multiply-add of implicit_gemm, then for Winograd's costs."""
    direct = np.array([[1, 1 / p.outputs] for p in THREE]) * np.array([[p.products] for p in THREE])
    wanted = np.array([times[str(p)]["implicit_gemm"] for p in THREE])
    (unit, packing), *_ = np.linalg.lstsq(direct / wanted[:, None], np.ones(len(THREE)), rcond=None)
    rows = []
    for p in THREE:
        tiles = p.images * (-(-p.size // TILE)) ** 2
        pairs = p.inputs * p.outputs
        rows.append([pairs * tiles * POINTS, pairs * tiles * POINTS / p.outputs, pairs * tiles * POINTS / p.inputs,
                     pairs * POINTS, pairs * p.kernel**2])  # fmt: skip
    wanted = np.array([times[str(p)]["winograd"] for p in THREE]) / unit
    features = np.array(rows) / wanted[:, None]
    costs, *_ = np.linalg.lstsq(features, np.ones(len(THREE)), rcond=None)
    error = np.abs(features @ costs - 1)
    print(f"\nmultiply-add of implicit_gemm: {unit * 1e12:.1f} ps; packing costs {packing / unit:.1f} output channels")
    print(".winograd = {"
          + ", ".join(f".{n} = {c:.3g}" for n, c in zip(("product", "input", "output", "weights", "tap"), costs))
          + f"}},  // mean error {np.mean(error):.0%}, largest {np.max(error):.0%}")  # fmt: skip


def run() -> None:
    chosen = algorithms_run("")
    forced = ALGORITHMS if chosen else ()
    ran = {name: algorithms_run(name) for name in forced}
    settings = [{}, *({"PLAIT_CONV": name} for name in forced)]
    times: dict[str, dict[str, float]] = {}
    for name, (own, *others) in least_times(settings, list(PROBLEMS), rounds=7).items():
        times[name] = {a: t for a, t in zip(forced, others) if ran[a].get(name) == a}
        line = f"{name:44} {own * 1e6:9.1f} us {2 * PROBLEMS[name].products / own / 1e9:7.1f} GFLOP/s"
        line += f"  {chosen.get(name, '')}; "
        line += ", ".join(f"{a} {t / own:.2f}" for a, t in sorted(times[name].items(), key=lambda item: item[1]))
        print(line, flush=True)
    if all({"winograd", "implicit_gemm"} <= times[str(p)].keys() for p in THREE):
        fit_winograd(times)
    for number, (candidates, problems) in NUMBERS.items():
        tune(f"conv.{number}", candidates, [str(p) for p in problems])


if __name__ == "__main__":
    report() if "--report" in sys.argv[1:] else main(WORKLOADS, run)
