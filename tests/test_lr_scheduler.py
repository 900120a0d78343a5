# SPDX-License-Identifier: MIT
"""Learning-rate schedules against their closed forms."""

from __future__ import annotations

import copy
import math
import warnings
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

import plait
from plait.optim import SGD, Adam
from plait.optim import lr_scheduler as L
from plait.optim.swa_utils import SWALR

BASE = [0.1, 0.5]


def optimizer(kind: type = SGD) -> Any:
    p, q = plait.zeros(1, requires_grad=True), plait.zeros(1, requires_grad=True)
    return kind([{"params": [p]}, {"params": [q], "lr": BASE[1]}], lr=BASE[0])


def rates(opt: Any) -> list[float]:
    return [g["lr"] for g in opt.param_groups]


def cosine(start: float, end: float, x: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * x)) / 2


def warm_restart(t: int) -> float:
    """Position in the period at t, for T_0 = 3, T_mult = 2."""
    length = 3
    while t >= length:
        t -= length
        length *= 2
    return t / length


def triangle(t: int, up: int, down: int) -> tuple[int, float]:
    """(cycle from 1, height)."""
    cycle, x = divmod(t, up + down)
    return cycle + 1, x / up if x <= up else (up + down - x) / down


def one_cycle(t: int) -> float:
    """From 1/25 of the maximum to it in 8 of 30 steps and down to 1e-4 of the start."""
    if t <= 8:
        return cosine(1 / 25, 1, t / 8)
    return cosine(1, 1 / 25 / 1e4, (t - 8) / 21)


# name: (the schedule, the rate of a group from its base rate and t)
SCHEDULES: dict[str, tuple[Callable[[Any], Any], Callable[[float, int], float]]] = {
    "lambda": (lambda o: L.LambdaLR(o, lambda t: 1 / (1 + t)), lambda b, t: b / (1 + t)),
    "multiplicative": (lambda o: L.MultiplicativeLR(o, lambda t: 0.9), lambda b, t: b * 0.9**t),
    "step": (lambda o: L.StepLR(o, 3, 0.5), lambda b, t: b * 0.5 ** (t // 3)),
    "multistep": (
        lambda o: L.MultiStepLR(o, [2, 5, 5, 9], 0.5),
        lambda b, t: b * 0.5 ** sum(t >= m for m in (2, 5, 5, 9)),
    ),
    "constant": (lambda o: L.ConstantLR(o, 0.25, 4), lambda b, t: b * (0.25 if t < 4 else 1)),
    "linear": (lambda o: L.LinearLR(o, 0.25, 0.75, 8), lambda b, t: b * (0.25 + 0.5 * min(t, 8) / 8)),
    "exponential": (lambda o: L.ExponentialLR(o, 0.9), lambda b, t: b * 0.9**t),
    "polynomial": (lambda o: L.PolynomialLR(o, 8, 2.0), lambda b, t: b * (1 - min(t, 8) / 8) ** 2),
    "cosine": (lambda o: L.CosineAnnealingLR(o, 5, 0.01), lambda b, t: cosine(b, 0.01, t / 5)),
    "restarts": (
        lambda o: L.CosineAnnealingWarmRestarts(o, 3, 2, 0.01),
        lambda b, t: cosine(b, 0.01, warm_restart(t)),
    ),
    "cyclic": (
        lambda o: L.CyclicLR(o, 0.01, 0.1, 4, 3, cycle_momentum=False),
        lambda b, t: 0.01 + 0.09 * triangle(t, 4, 3)[1],
    ),
    "cyclic2": (
        lambda o: L.CyclicLR(o, 0.01, 0.1, 4, mode="triangular2", cycle_momentum=False),
        lambda b, t: 0.01 + 0.09 * triangle(t, 4, 4)[1] / 2 ** (triangle(t, 4, 4)[0] - 1),
    ),
    "cyclic-exp": (
        lambda o: L.CyclicLR(o, 0.01, 0.1, 4, mode="exp_range", gamma=0.9, cycle_momentum=False),
        lambda b, t: 0.01 + 0.09 * triangle(t, 4, 4)[1] * 0.9**t,
    ),
    "one-cycle": (
        lambda o: L.OneCycleLR(o, BASE, total_steps=30, cycle_momentum=False),
        lambda b, t: b * one_cycle(t),
    ),
    "sequential": (
        lambda o: L.SequentialLR(o, [L.LinearLR(o, 0.5, total_iters=4), L.ExponentialLR(o, 0.9)], [4]),
        lambda b, t: b * ((0.5 + 0.5 * t / 4) if t < 4 else 0.9 ** (t - 4)),
    ),
    "chained": (
        lambda o: L.ChainedScheduler([L.ConstantLR(o, 0.1, 3), L.ExponentialLR(o, 0.9)]),
        lambda b, t: b * (0.1 if t < 3 else 1) * 0.9**t,
    ),
    "swa": (lambda o: SWALR(o, 0.05, 4), lambda b, t: cosine(b, 0.05, min(t, 4) / 4)),
    "swa-linear": (lambda o: SWALR(o, 0.05, 4, "linear"), lambda b, t: b + (0.05 - b) * min(t, 4) / 4),
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_closed_form(name: str) -> None:
    make, closed = SCHEDULES[name]
    opt = optimizer()
    scheduler = make(opt)
    for t in range(25):
        expected = [closed(b, t) for b in BASE]
        assert rates(opt) == pytest.approx(expected, rel=1e-9, abs=1e-12), f"t = {t}"
        assert scheduler.get_last_lr() == rates(opt)
        opt.step()
        scheduler.step()


@pytest.mark.parametrize("name", SCHEDULES)
def test_resume(name: str) -> None:
    make, _ = SCHEDULES[name]
    opt = optimizer()
    scheduler = make(opt)
    for _ in range(7):
        opt.step()
        scheduler.step()
    saved = copy.deepcopy((opt.state_dict(), scheduler.state_dict()))
    other = optimizer()
    resumed = make(other)
    other.load_state_dict(saved[0])
    resumed.load_state_dict(saved[1])
    for _ in range(7):
        for o, s in ((opt, scheduler), (other, resumed)):
            o.step()
            s.step()
        assert rates(other) == rates(opt)


@pytest.mark.parametrize("kind", [SGD, Adam])
def test_momentum_moves_against_the_rate(kind: type) -> None:
    opt = optimizer(kind)
    scheduler = L.OneCycleLR(opt, 1.0, total_steps=10, anneal_strategy="linear", pct_start=0.5)
    seen = []
    for _ in range(9):
        group = opt.param_groups[0]
        seen.append((group["lr"], group["betas"][0] if kind is Adam else group["momentum"]))
        opt.step()
        scheduler.step()
    top = max(range(9), key=lambda i: seen[i][0])
    assert seen[top][1] == pytest.approx(0.85)
    assert seen[0][1] == pytest.approx(0.95)
    assert all((a[0] < b[0]) == (a[1] > b[1]) for a, b in pairwise(seen))


def test_one_cycle_ends() -> None:
    opt = optimizer()
    scheduler = L.OneCycleLR(opt, 1.0, epochs=2, steps_per_epoch=2)
    for _ in range(4):
        opt.step()
        scheduler.step()
    with pytest.raises(ValueError, match="at most 4 steps"):
        scheduler.step()


def test_plateau() -> None:
    opt = optimizer()
    scheduler = L.ReduceLROnPlateau(opt, factor=0.5, patience=2, cooldown=1, min_lr=[0.05, 0.2])
    metrics = [1.0, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9]
    seen = []
    for m in metrics:
        scheduler.step(plait.tensor(m))
        seen.append(rates(opt))
    assert seen[3] == BASE
    assert seen[4] == [0.05, 0.25]
    assert seen[7] == [0.05, 0.25]  # one step of cooldown, then patience again
    assert seen[8] == [0.05, 0.2]
    assert seen[-1] == [0.05, 0.2]
    state = scheduler.state_dict()
    again = L.ReduceLROnPlateau(optimizer())
    again.load_state_dict(state)
    assert again.best == pytest.approx(0.9)
    assert again.patience == 2


@pytest.mark.parametrize("mode", ["min", "max"])
@pytest.mark.parametrize("threshold_mode", ["rel", "abs"])
def test_plateau_threshold(mode: str, threshold_mode: str) -> None:
    scheduler = L.ReduceLROnPlateau(optimizer(), mode, patience=100, threshold=0.1, threshold_mode=threshold_mode)
    sign = 1 if mode == "max" else -1
    scheduler.step(10.0)
    margin = 1.0 if threshold_mode == "rel" else 0.1
    scheduler.step(10.0 + sign * margin * 0.99)
    assert scheduler.num_bad_epochs == 1
    scheduler.step(10.0 + sign * margin * 1.01)
    assert scheduler.num_bad_epochs == 0


def test_lr_tensor_is_changed_in_place() -> None:
    lr = plait.tensor(1.0)
    opt = SGD([plait.zeros(1, requires_grad=True)], lr=lr)
    scheduler = L.ExponentialLR(opt, 0.5)
    opt.step()
    scheduler.step()
    assert lr.item() == 0.5
    assert opt.param_groups[0]["lr"] is lr


def test_order_warning() -> None:
    opt = optimizer()
    scheduler = L.StepLR(opt, 1)
    with pytest.warns(UserWarning, match=r"before optimizer\.step"):
        scheduler.step()
    opt = optimizer()
    scheduler = L.StepLR(opt, 1)
    opt.step()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scheduler.step()
        scheduler.step()
    with pytest.warns(UserWarning, match="get_last_lr"):
        scheduler.get_lr()


def test_last_epoch_needs_initial_lr() -> None:
    with pytest.raises(KeyError, match="initial_lr"):
        L.StepLR(optimizer(), 1, last_epoch=3)


def test_callable_objects_are_saved_functions_are_not() -> None:
    class Decay:
        def __init__(self, rate: float) -> None:
            self.rate = rate

        def __call__(self, t: int) -> float:
            return self.rate**t

    scheduler = L.LambdaLR(optimizer(), [Decay(0.5), lambda t: 1.0])
    state = scheduler.state_dict()
    assert state["lr_lambdas"] == [{"rate": 0.5}, None]
    other = L.LambdaLR(optimizer(), [Decay(0.9), lambda t: 1.0])
    other.load_state_dict(state)
    assert other.lr_lambdas[0].rate == 0.5


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda o: L.StepLR(3, 1), TypeError),
        (lambda o: L.StepLR(o, 0), ValueError),
        (lambda o: L.LambdaLR(o, [lambda t: 1.0]), ValueError),
        (lambda o: L.MultiplicativeLR(o, 3), TypeError),
        (lambda o: L.ConstantLR(o, 2.0), ValueError),
        (lambda o: L.LinearLR(o, 0.0), ValueError),
        (lambda o: L.LinearLR(o, 0.5, 2.0), ValueError),
        (lambda o: L.CosineAnnealingLR(o, 0), ValueError),
        (lambda o: L.CosineAnnealingWarmRestarts(o, 0), ValueError),
        (lambda o: L.CosineAnnealingWarmRestarts(o, 1).step(-1), ValueError),
        (lambda o: L.CyclicLR(o, 0.1, 1, mode="x"), ValueError),
        (lambda o: L.OneCycleLR(o, 1.0), ValueError),
        (lambda o: L.OneCycleLR(o, 1.0, total_steps=0), ValueError),
        (lambda o: L.OneCycleLR(o, 1.0, total_steps=5, pct_start=2.0), ValueError),
        (lambda o: L.OneCycleLR(o, 1.0, total_steps=5, anneal_strategy="x"), ValueError),
        (lambda o: L.ReduceLROnPlateau(o, factor=1.0), ValueError),
        (lambda o: L.ReduceLROnPlateau(o, mode="x"), ValueError),
        (lambda o: L.ReduceLROnPlateau(o, threshold_mode="x"), ValueError),
        (lambda o: L.ReduceLROnPlateau(o, min_lr=[0.1]), ValueError),
        (lambda o: L.SequentialLR(o, [], []), ValueError),
        (lambda o: L.SequentialLR(o, [L.StepLR(o, 1)], [1]), ValueError),
        (lambda o: L.ChainedScheduler([]), ValueError),
        (lambda o: L.ChainedScheduler([L.StepLR(o, 1), L.StepLR(optimizer(), 1)]), ValueError),
        (lambda o: L.ChainedScheduler([L.ReduceLROnPlateau(o)]), ValueError),
        (lambda o: SWALR(o, 0.1, anneal_strategy="x"), ValueError),
        (lambda o: SWALR(o, 0.1, anneal_epochs=-1), ValueError),
    ],
)
def test_bad_arguments(call: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match=r": expected|ReduceLROnPlateau needs"):
        call(optimizer())


def test_cyclic_needs_momentum() -> None:
    opt = plait.optim.Adagrad([plait.zeros(1, requires_grad=True)])
    with pytest.raises(ValueError, match="momentum or betas"):
        L.CyclicLR(opt, 0.1, 1.0)
