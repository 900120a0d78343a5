# SPDX-License-Identifier: MIT
"""The fixed cost of a call: what is left when the arithmetic is next to nothing.

    python bench/overhead.py            # plait beside torch
    python bench/overhead.py --vs ""    # plait alone

All on one thread. Times are medians over rounds that alternate between the sides; the import time is the
median over fresh processes, less that of `import numpy`.
"""

from __future__ import annotations

import argparse
import importlib
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from measure import Step, alternate

_CHAIN = 100


def add(torch: Any) -> Step:
    a, b = torch.ones(8), torch.ones(8)
    return lambda: a + b


def add_scalar(torch: Any) -> Step:
    a = torch.ones(8)
    return lambda: a + 1.0


def view(torch: Any) -> Step:
    a = torch.ones(8)
    return lambda: a.view(2, 4)


def index(torch: Any) -> Step:
    a = torch.ones(8)
    return lambda: a[1:5]


def item(torch: Any) -> Step:
    a = torch.ones(())
    return a.item


def forward_node(torch: Any) -> Step:
    """A chain of additions that is recorded."""
    a, b = torch.ones(8, requires_grad=True), torch.ones(8)

    def step() -> Any:
        y = a
        for _ in range(_CHAIN):
            y = y + b
        return y

    return step


def backward_node(torch: Any) -> Step:
    """backward() alone through that chain; the graph is kept."""
    y = forward_node(torch)()
    gy = torch.ones(8)
    return lambda: y.backward(gy, retain_graph=True)


def linear(torch: Any) -> Step:
    layer, x = torch.nn.Linear(8, 8), torch.ones(1, 8)
    return lambda: layer(x)


def _network(torch: Any) -> Any:
    nn = torch.nn
    layers = [layer for _ in range(8) for layer in (nn.Linear(8, 8), nn.ReLU())]
    model = nn.Sequential(*layers)
    model(torch.ones(1, 8)).sum().backward()
    return model


def module_call(torch: Any) -> Step:
    model, x = _network(torch), torch.ones(1, 8)
    return lambda: model(x)


def zero_grad(torch: Any) -> Step:
    optimizer = torch.optim.SGD(_network(torch).parameters(), lr=0.0)
    return lambda: optimizer.zero_grad(set_to_none=False)


def sgd_step(torch: Any) -> Step:
    return torch.optim.SGD(_network(torch).parameters(), lr=0.0, momentum=0.9).step


def adam_step(torch: Any) -> Step:
    return torch.optim.Adam(_network(torch).parameters(), lr=0.0).step


# What is timed, and how many operations one call is.
_CASES: list[tuple[str, Callable[[Any], Step], int]] = [
    ("a + b, 8 elements", add, 1),
    ("a + 1.0, 8 elements", add_scalar, 1),
    ("a.view(2, 4)", view, 1),
    ("a[1:5]", index, 1),
    ("a.item()", item, 1),
    ("recorded a + b, per node", forward_node, _CHAIN),
    ("backward, per node", backward_node, _CHAIN),
    ("Linear(8, 8) on one row", linear, 1),
    ("8 x (Linear, ReLU) in Sequential", module_call, 1),
    ("zero_grad, 16 parameters", zero_grad, 1),
    ("SGD step, 16 parameters", sgd_step, 1),
    ("Adam step, 16 parameters", adam_step, 1),
]


def import_seconds(library: str) -> float:
    """The median cost of importing `library` after numpy, in fresh processes."""

    def once(program: str) -> float:
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", program], check=True)
        return time.perf_counter() - began

    return statistics.median(once(f"import numpy, {library}") - once("import numpy") for _ in range(9))


def main() -> None:
    parser = argparse.ArgumentParser(description="The fixed cost of a call.")
    parser.add_argument("--vs", default="torch", help="the peer, or nothing")
    args = parser.parse_args()
    names = ["plait"] + ([args.vs] if args.vs else [])
    sides = [importlib.import_module(name) for name in names]
    for side in sides:
        side.set_num_threads(1)

    print(f"{'':36}" + "".join(f"{name:>12}" for name in names))
    for title, build, operations in _CASES:
        times = alternate([build(side) for side in sides], rounds=15, round_seconds=0.02)
        row = [statistics.median(side) / operations * 1e6 for side in times]
        ratio = f"{row[1] / row[0]:>8.2f}" if len(row) == 2 else ""
        print(f"{title:36}" + "".join(f"{value:>9.2f} us" for value in row) + ratio, flush=True)
    row = [import_seconds(name) * 1e3 for name in names]
    print(f"{'import, after numpy':36}" + "".join(f"{value:>9.0f} ms" for value in row))


if __name__ == "__main__":
    main()
