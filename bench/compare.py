# SPDX-License-Identifier: MIT
"""Times the workloads in plait and in a peer, side by side in one process.

    python bench/compare.py --vs torch
    python bench/compare.py --vs torch+compile --only train --threads 1 --json after.json
    python bench/compare.py --vs torch --memory

Both sides get the same inputs and the same initial weights and must agree on the results of the first steps
before anything is timed. See bench/README.md for the method.
"""

from __future__ import annotations

import argparse
import importlib
import json
import re
import resource
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
from measure import alternate

from machine import Limits, cpu_model, measure_limits
from workloads import Case, Workload, load

_CHECK_STEPS = 5
_MEMORY_STEPS = 10


def main() -> int:
    args = _arguments()
    chosen = [w for w in load() if re.search(args.only, f"{w.kind}: {w.name}")]
    if args.list:
        print("\n".join(f"{w.kind}: {w.name}" for w in chosen))
        return 0
    if args.memory_child:
        return _memory_child(args.memory_child, chosen[0], args.threads)
    if args.memory:
        return _memory(args, [w for w in chosen if w.kind != "op"])
    return _compare(args, chosen)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Times the workloads in plait and in a peer, by turns.")
    parser.add_argument("--vs", default="torch", choices=("torch", "torch+compile"), help="the peer")
    parser.add_argument("--threads", type=int, help="threads of both sides (default: plait's own choice)")
    parser.add_argument("--only", default="", metavar="PATTERN", help="a regular expression over 'kind: name'")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all times to FILE")
    parser.add_argument("--quick", action="store_true", help="few and short rounds")
    parser.add_argument("--memory", action="store_true", help="compare peak memory in place of time")
    parser.add_argument("--list", action="store_true", help="list the workloads and exit")
    parser.add_argument("--memory-child", help=argparse.SUPPRESS)
    return parser.parse_args()


# ---------------------------------------------------------------------------------------------- time


def _compare(args: argparse.Namespace, chosen: list[Workload]) -> int:
    # plait first: it reads the affinity mask and the CPU quota for its default number of threads.
    ours, theirs = importlib.import_module("plait"), importlib.import_module("torch")
    threads = args.threads or ours.get_num_threads()
    for side in (ours, theirs):
        side.set_num_threads(threads)
    assert ours.get_num_threads() == theirs.get_num_threads() == threads
    limits = measure_limits(threads)
    print(f"plait {ours.__version__} and {args.vs} {theirs.__version__} on {cpu_model()}, {threads} threads")
    print(f"limits: {limits.flops / 1e9:.0f} GFLOP/s, copy {limits.bandwidth / 1e9:.1f} GB/s\n")
    print(f"{'workload':54}{'plait':>12}{args.vs:>16}{'ratio':>8}{'plait runs at':>18}{'of limit':>10}")

    results, failed = [], 0
    for workload in chosen:
        try:
            result = _compare_one(workload, ours, theirs, args, limits)
        except Exception as error:  # one broken workload must not hide the others
            print(f"{workload.name:54}failed: {type(error).__name__}: {error}", flush=True)
            failed += 1
            continue
        results.append(result)
        print(_row(result), flush=True)

    _print_means(results)
    if args.json:
        report = {
            "plait": ours.__version__,
            "peer": f"{args.vs} {theirs.__version__}",
            "cpu": cpu_model(),
            "threads": threads,
            "limits": {"flops": limits.flops, "bandwidth": limits.bandwidth},
            "results": results,
        }
        args.json.write_text(json.dumps(report, indent=1))
    return 1 if failed else 0


def _compare_one(
    workload: Workload, ours: Any, theirs: Any, args: argparse.Namespace, limits: Limits
) -> dict[str, Any]:
    for side in (ours, theirs):
        side.manual_seed(0)
    cases = [workload.case(ours), workload.case(theirs)]
    if args.vs == "torch+compile":
        _compile(theirs, cases[1])
    states = [_state(module) for module in cases[1].modules]
    difference = _check(workload, cases, (ours, theirs), states)

    rounds, seconds, budget = (3, 0.005, 2.0) if args.quick else (15, 0.02, 8.0)
    times = alternate(
        [case.step for case in cases],
        rounds=rounds,
        round_seconds=seconds,
        budget=budget,
        before_round=lambda side: _set_state(cases[side], (ours, theirs)[side], states),
    )
    mine, peer = (statistics.median(side) for side in times)
    ratio = statistics.median(b / a for a, b in zip(*times))
    rate, limit, unit = 0.0, 0.0, ""
    if workload.flops:
        rate, limit, unit = workload.flops / mine, limits.flops, "GFLOP/s"
    elif workload.traffic:
        rate, limit, unit = workload.traffic / mine, limits.bandwidth, "GB/s"
    return {
        "name": workload.name,
        "kind": workload.kind,
        "plait": mine,
        "peer": peer,
        "ratio": ratio,
        "rate": rate,
        "unit": unit,
        "share": rate / limit if limit else 0.0,
        "difference": difference,
        "rounds": {"plait": times[0], "peer": times[1]},
    }


def _state(module: Any) -> dict[str, np.ndarray]:
    return {name: np.array(value.detach().numpy()) for name, value in module.state_dict().items()}


def _set_state(case: Case, side: Any, states: list[dict[str, np.ndarray]]) -> None:
    for module, state in zip(case.modules, states):
        module.load_state_dict({name: side.from_numpy(value) for name, value in state.items()})


def _check(workload: Workload, cases: list[Case], sides: tuple[Any, Any], states: list[Any]) -> float:
    """Gives both sides the same weights, runs some steps, and returns the largest relative difference.

    Dropout is off meanwhile: the libraries draw different random numbers.
    """
    layers = [m for case in cases for top in case.modules for m in top.modules() if hasattr(m, "p")]
    rates = [layer.p for layer in layers]
    for case, side in zip(cases, sides):
        _set_state(case, side, states)
    for layer in layers:
        layer.p = 0.0
    worst = 0.0
    for _ in range(_CHECK_STEPS):
        for mine, peer in zip(*(_arrays(case.step()) for case in cases), strict=True):
            assert mine.shape == peer.shape and mine.dtype == peer.dtype, f"{mine.shape} and {peer.shape}"
            worst = max(worst, float(np.abs(mine - peer).max() / max(np.abs(peer).max(), 1e-30)))
    for layer, rate in zip(layers, rates):
        layer.p = rate
    if not worst <= workload.rtol:
        raise AssertionError(f"results differ by {worst:.1e}, allowed are {workload.rtol:.0e}")
    return worst


def _arrays(result: Any) -> list[np.ndarray]:
    return [value.detach().numpy() for value in (result if isinstance(result, tuple) else (result,))]


def _compile(torch: Any, case: Case) -> None:
    """Compiles the modules in place, or the step where there are none. Compiling happens in the check."""
    called = [module for module in case.modules if not isinstance(module, torch.nn.ParameterList)]
    for module in called:
        module.compile()
    if not case.modules:
        case.step = torch.compile(case.step)


def _row(result: dict[str, Any]) -> str:
    rate = f"{result['rate'] / 1e9:.1f} {result['unit']}" if result["unit"] else ""
    share = f"{result['share']:.0%}" if result["share"] else ""
    times = f"{_time(result['plait']):>12}{_time(result['peer']):>16}"
    return f"{result['name']:54}{times}{result['ratio']:>8.2f}{rate:>18}{share:>10}"


def _time(seconds: float) -> str:
    for unit, scale in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= scale:
            return f"{seconds / scale:.3g} {unit}"
    return f"{seconds * 1e9:.0f} ns"


def _print_means(results: list[dict[str, Any]]) -> None:
    print()
    groups = {
        "all workloads": results,
        "end to end": [r for r in results if r["kind"] != "op"],
        "single operators": [r for r in results if r["kind"] == "op"],
    }
    for title, group in groups.items():
        if group:
            mean = statistics.geometric_mean(r["ratio"] for r in group)
            lowest = min(group, key=lambda r: r["ratio"])
            print(f"geometric mean, {title} ({len(group)}): {mean:.2f}; lowest {lowest['ratio']:.2f}, {lowest['name']}")


# -------------------------------------------------------------------------------------------- memory


def _memory(args: argparse.Namespace, chosen: list[Workload]) -> int:
    print(f"peak resident memory of a fresh process after {_MEMORY_STEPS} steps, and what is above the import\n")
    print(f"{'workload':54}{'plait':>20}{args.vs:>20}{'ratio':>8}")
    failed = 0
    for workload in chosen:
        columns, peaks = [], []
        for side in ("plait", args.vs):
            command = [
                sys.executable,
                __file__,
                "--memory-child",
                side,
                "--only",
                f"^{re.escape(f'{workload.kind}: {workload.name}')}$",
            ]
            command += ["--threads", str(args.threads)] if args.threads else []
            child = subprocess.run(command, capture_output=True, text=True)
            if child.returncode:
                columns.append("failed")
                failed += 1
                print(child.stderr.strip().splitlines()[-1], file=sys.stderr)
                continue
            imported, peak = json.loads(child.stdout)
            peaks.append(peak)
            columns.append(f"{peak:.0f} ({peak - imported:+.0f}) MB")
        ratio = f"{peaks[1] / peaks[0]:.2f}" if len(peaks) == 2 else ""
        print(f"{workload.name:54}{columns[0]:>20}{columns[1]:>20}{ratio:>8}", flush=True)
    return 1 if failed else 0


def _memory_child(side: str, workload: Workload, threads: int | None) -> int:
    """Prints the peak resident memory in MB after the import and after some steps."""
    library = importlib.import_module(side.removesuffix("+compile"))
    if threads:
        library.set_num_threads(threads)
    imported = _peak_megabytes()
    case = workload.case(library)
    if side.endswith("+compile"):
        _compile(library, case)
    for _ in range(_MEMORY_STEPS):
        case.step()
    print(json.dumps([imported, _peak_megabytes()]))
    return 0


def _peak_megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    sys.exit(main())
