# SPDX-License-Identifier: MIT
"""Timing by turns: the sides take the same number of rounds, one after the other, in changing order."""

from __future__ import annotations

import gc
import math
import time
from collections.abc import Callable, Sequence

Step = Callable[[], object]


def seconds_of(step: Step, calls: int) -> float:
    """The mean time of one of `calls` calls in a row."""
    began = time.perf_counter()
    for _ in range(calls):
        step()
    return (time.perf_counter() - began) / calls


def calls_for(step: Step, seconds: float) -> int:
    """How many calls in a row take about `seconds`."""
    calls = 1
    while (taken := seconds_of(step, calls) * calls) < seconds / 10:
        calls *= 4
    return max(1, math.ceil(seconds * calls / taken))


def alternate(
    steps: Sequence[Step],
    *,
    rounds: int,
    round_seconds: float,
    budget: float = math.inf,
    before_round: Callable[[int], None] = lambda side: None,
) -> list[list[float]]:
    """The time of one call in each round, for each step.

    A round of a side is long enough to last `round_seconds`, and is preceded by `before_round(side)` and one
    call that is not timed. Rounds are fewer, but at least 5 (or `rounds`), where they would pass `budget`.
    """
    calls = []
    for side, step in enumerate(steps):
        before_round(side)
        step()
        calls.append(calls_for(step, round_seconds))
    times: list[list[float]] = [[] for _ in steps]
    gc.collect()
    began = time.perf_counter()
    for number in range(rounds):
        order = range(len(steps)) if number % 2 == 0 else reversed(range(len(steps)))
        for side in order:
            before_round(side)
            steps[side]()
            times[side].append(seconds_of(steps[side], calls[side]))
        if number + 1 >= min(rounds, 5) and time.perf_counter() - began > budget:
            break
    return times
