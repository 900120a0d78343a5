# SPDX-License-Identifier: MIT
"""Timing of one build under several values of its tuned numbers, each in a process of its own that waits for its turn.

Numbers are replaced by the environment: PLAIT_TUNE for those of the kernel table, PLAIT_CONV for the algorithm of
convolutions. The processes take turns, in changing order, and a workload's time is the least over its rounds: a
neighbour on the machine can only add to a time.
"""

from __future__ import annotations

import math
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

Step = Callable[[], object]
Workloads = Mapping[str, Callable[[], Step]]
ROUND_SECONDS = 0.02

sys.path.insert(0, str(Path(__file__).parents[1]))


class Side:
    """A process with its own settings; it answers the name of a workload with the time of a call."""

    def __init__(self, settings: Mapping[str, str]):
        self.settings = settings
        command = [sys.executable, os.path.abspath(sys.argv[0]), "--serve"]
        self.process = subprocess.Popen(
            command, env=os.environ | settings, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def seconds(self, workload: str) -> float:
        """NaN where the workload cannot run under these settings."""
        assert self.process.stdin is not None and self.process.stdout is not None
        print(workload, file=self.process.stdin, flush=True)
        return float(self.process.stdout.readline() or "nan")

    def close(self) -> None:
        self.process.communicate()


def serve(workloads: Workloads) -> None:
    """The loop of a side's process: reads names, prints seconds."""
    steps: dict[str, tuple[Step, int]] = {}
    for line in sys.stdin:
        name = line.strip()
        try:
            if name not in steps:
                step = workloads[name]()
                step()
                began = time.perf_counter()
                step()
                steps[name] = step, max(1, math.ceil(ROUND_SECONDS / (time.perf_counter() - began)))
            step, calls = steps[name]
            began = time.perf_counter()
            for _ in range(calls):
                step()
            print((time.perf_counter() - began) / calls, flush=True)
        except (ValueError, RuntimeError):
            print("nan", flush=True)


def least_times(
    settings: Sequence[Mapping[str, str]], names: Sequence[str], rounds: int = 15
) -> dict[str, list[float]]:
    """For each workload the least time of a call in seconds under each of the settings."""
    sides = [Side(s) for s in settings]
    times = {}
    for name in names:
        best = [math.inf] * len(sides)
        for number in range(rounds):
            order = range(len(sides)) if number % 2 == 0 else reversed(range(len(sides)))
            for i in order:
                seconds = sides[i].seconds(name)
                best[i] = seconds if math.isnan(seconds) else min(best[i], seconds)
        times[name] = best
    for side in sides:
        side.close()
    return times


def tune(number: str, candidates: Sequence[int], names: Sequence[str], rounds: int = 15) -> int | None:
    """Prints the times for each candidate of a tuned number; the best one, or None where the present number stays.

    Two sides run with the present number. What they differ by is noise, and a candidate has to gain twice as much.
    """
    settings = [{}, {}, *({"PLAIT_TUNE": f"{number}={c}"} for c in candidates)]
    times = least_times(settings, names, rounds)
    print(f"\n{number:26}" + "".join(f"{c:>14}" for c in ("present", "again", *candidates)))
    for name, row in times.items():
        print(f"  {name:24}" + "".join(f"{t * 1e6:>11.1f} us" for t in row))

    def mean(ratios: Iterable[float]) -> float:
        return math.exp(statistics.fmean(math.log(r) for r in ratios))

    means = [mean(row[i] / row[0] for row in times.values()) for i in range(len(settings))]
    noise = mean(max(row[:2]) / min(row[:2]) for row in times.values()) - 1
    print(f"  {'mean against present':24}" + "".join(f"{m:>14.3f}" for m in means))
    best = min(range(2, len(settings)), key=lambda i: means[i])
    good = means[best] < 1 - max(0.01, 2 * noise)
    print(f"  noise {noise:.1%}: {candidates[best - 2] if good else 'the present number stays'}", flush=True)
    return candidates[best - 2] if good else None


def initialiser(struct: str, fields: Mapping[str, object], script: str) -> str:
    """The C++ text of a tuned table, with its origin."""
    import plait

    from machine import cpu_model

    origin = f"// tuned: {script}, {cpu_model()}, {plait.get_num_threads()} threads, {time.strftime('%Y-%m')}"
    body = "\n".join(f"    .{name} = {value}," for name, value in fields.items())
    return f"{origin}\nconstexpr {struct} kTuning = {{\n{body}\n}};"


def main(workloads: Workloads, run: Callable[[], None]) -> None:
    """Serves where this process was started as a side; else runs the script."""
    serve(workloads) if "--serve" in sys.argv[1:] else run()
