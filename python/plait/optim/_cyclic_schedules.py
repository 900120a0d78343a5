# SPDX-License-Identifier: MIT
"""Schedules that move the learning rate and the momentum against each other."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from .._core import ArgumentError
from ._schedule_base import (
    LRScheduler,
    check_optimizer,
    check_positive_int,
    load_functions,
    per_group,
    save_functions,
    set_lr,
)
from .optimizer import Optimizer

__all__ = ["CyclicLR", "OneCycleLR"]


class _MomentumCycle(LRScheduler):
    """What CyclicLR and OneCycleLR share: momentum (or beta1) that moves against the rate."""

    def _init_momentum(self, optimizer: Optimizer, base: Any, high: Any, last_epoch: int) -> None:
        name = type(self).__name__
        if not {"momentum", "betas"} & optimizer.defaults.keys():
            raise ArgumentError(
                f"{name}: expected an optimizer with momentum or betas, got {type(optimizer).__name__}\n"
                "hint: cycle_momentum=False leaves the momentum alone"
            )
        self.use_beta1 = "betas" in optimizer.defaults
        self.base_momentums = per_group(name, "base_momentum", base, optimizer)
        self.max_momentums = per_group(name, "max_momentum", high, optimizer)
        if last_epoch == -1:
            for group, low, top in zip(optimizer.param_groups, self.base_momentums, self.max_momentums):
                self._set_momentum(group, top)
                group["max_momentum"] = top
                group["base_momentum"] = low

    def _set_momentum(self, group: dict[str, Any], value: float) -> None:
        if self.use_beta1:
            group["betas"] = (value, *group["betas"][1:])
        else:
            group["momentum"] = value


class CyclicLR(_MomentumCycle):
    """Move the rate up and down between two bounds, and momentum the other way.

    Args:
        optimizer: whose rates are set.
        base_lr, max_lr: the bounds, numbers or one for each group.
        step_size_up, step_size_down: steps of the rise, default 2000, and of the fall, default the same.
        mode: "triangular"; "triangular2" halves the height each cycle; "exp_range" scales it by gamma^t.
        gamma: see ``mode``, default 1.
        scale_fn: own factor of the height, a function of the cycle or of t; ``mode`` is ignored then.
        scale_mode: "cycle" or "iterations": what ``scale_fn`` is given.
        cycle_momentum: also move ``momentum`` (or beta1) between ``max_momentum`` and ``base_momentum``.
        base_momentum, max_momentum: default 0.8 and 0.9.
        last_epoch: see :class:`LRScheduler`.

    Raises:
        ValueError: unknown mode, or an optimizer without momentum.

    Source: Smith, "Cyclical learning rates for training neural networks", WACV 2017.

    Example:
        >>> import plait
        >>> opt = plait.optim.SGD([plait.zeros(1, requires_grad=True)], lr=1.0, momentum=0.9)
        >>> schedule = plait.optim.lr_scheduler.CyclicLR(opt, base_lr=0.1, max_lr=0.3, step_size_up=2)
        >>> rates = []
        >>> for _ in range(5):
        ...     rates.append(round(schedule.get_last_lr()[0], 4))
        ...     opt.step()
        ...     schedule.step()
        >>> rates
        [0.1, 0.2, 0.3, 0.2, 0.1]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        base_lr: float | list[float],
        max_lr: float | list[float],
        step_size_up: int = 2000,
        step_size_down: int | None = None,
        mode: str = "triangular",
        gamma: float = 1.0,
        scale_fn: Callable[[float], float] | None = None,
        scale_mode: str = "cycle",
        cycle_momentum: bool = True,
        base_momentum: float | list[float] = 0.8,
        max_momentum: float | list[float] = 0.9,
        last_epoch: int = -1,
    ) -> None:
        check_optimizer("CyclicLR", optimizer)
        base_lrs = per_group("CyclicLR", "base_lr", base_lr, optimizer)
        self.max_lrs = per_group("CyclicLR", "max_lr", max_lr, optimizer)
        if mode not in ("triangular", "triangular2", "exp_range") and scale_fn is None:
            raise ArgumentError(f"CyclicLR: expected mode triangular, triangular2 or exp_range, got {mode!r}")
        if last_epoch == -1:
            for group, lr in zip(optimizer.param_groups, base_lrs):
                set_lr(group, lr)
        up = float(step_size_up)
        self.total_size = up + (up if step_size_down is None else float(step_size_down))
        self.step_ratio = up / self.total_size
        self.mode = mode
        self.gamma = gamma
        self._scale_fn_custom = scale_fn
        self.scale_mode = scale_mode
        if scale_fn is None:
            self.scale_mode = "iterations" if mode == "exp_range" else "cycle"
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self._init_momentum(optimizer, base_momentum, max_momentum, last_epoch)
        super().__init__(optimizer, last_epoch)
        self.base_lrs = base_lrs

    def scale_fn(self, x: float) -> float:
        """The factor of the height at cycle or step ``x``."""
        if self._scale_fn_custom is not None:
            return self._scale_fn_custom(x)
        if self.mode == "triangular2":
            return 1 / 2.0 ** (x - 1)
        return self.gamma**x if self.mode == "exp_range" else 1.0

    def get_lr(self) -> list[Any]:
        self._warn_outside_step()
        cycle = math.floor(1 + self.last_epoch / self.total_size)
        x = 1.0 + self.last_epoch / self.total_size - cycle  # position in the cycle, 0 to 1
        height = x / self.step_ratio if x <= self.step_ratio else (x - 1) / (self.step_ratio - 1)
        height *= self.scale_fn(cycle if self.scale_mode == "cycle" else self.last_epoch)
        if self.cycle_momentum:
            for group, low, top in zip(self.optimizer.param_groups, self.base_momentums, self.max_momentums):
                self._set_momentum(group, top - (top - low) * height)
        return [low + (top - low) * height for low, top in zip(self.base_lrs, self.max_lrs, strict=True)]

    def state_dict(self) -> dict[str, Any]:
        state = super().state_dict()
        f = self._scale_fn_custom
        state["_scale_fn_custom"] = None if f is None else save_functions([f])[0]
        return state

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        super().load_state_dict({k: v for k, v in state_dict.items() if k != "_scale_fn_custom"})
        load_functions([self._scale_fn_custom], [state_dict["_scale_fn_custom"]])


class OneCycleLR(_MomentumCycle):
    """One rise to ``max_lr`` and one fall far below the start, over the whole training.

    Args:
        optimizer: whose rates are set.
        max_lr: highest rate, a number or one for each group.
        total_steps: length of the training; or give ``epochs`` and ``steps_per_epoch``.
        pct_start: share of the rise, default 0.3.
        anneal_strategy: "cos" or "linear".
        cycle_momentum: also move ``momentum`` (or beta1) the other way.
        base_momentum, max_momentum: default 0.85 and 0.95.
        div_factor: first rate = max_lr / div_factor, default 25.
        final_div_factor: last rate = first rate / final_div_factor, default 1e4.
        three_phase: fall back to the first rate as fast as it rose, then to the last.
        last_epoch: see :class:`LRScheduler`.

    Raises:
        ValueError: no length given, a value out of range, or more steps than ``total_steps``.

    Source: Smith and Topin, "Super-convergence: very fast training of neural networks using large learning
    rates", arXiv 1708.07120.

    Example:
        >>> import plait
        >>> opt = plait.optim.SGD([plait.zeros(1, requires_grad=True)], lr=1.0, momentum=0.9)
        >>> schedule = plait.optim.lr_scheduler.OneCycleLR(opt, max_lr=1.0, total_steps=4)
        >>> rates = []
        >>> for _ in range(4):
        ...     rates.append(round(schedule.get_last_lr()[0], 4))
        ...     opt.step()
        ...     schedule.step()
        >>> rates
        [0.04, 0.8117, 0.2831, 0.0]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float | list[float],
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        cycle_momentum: bool = True,
        base_momentum: float | list[float] = 0.85,
        max_momentum: float | list[float] = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        last_epoch: int = -1,
    ) -> None:
        check_optimizer("OneCycleLR", optimizer)
        if total_steps is None:
            if epochs is None or steps_per_epoch is None:
                raise ArgumentError("OneCycleLR: expected total_steps, or epochs and steps_per_epoch, got neither")
            check_positive_int("OneCycleLR", "epochs", epochs)
            check_positive_int("OneCycleLR", "steps_per_epoch", steps_per_epoch)
            total_steps = epochs * steps_per_epoch
        check_positive_int("OneCycleLR", "total_steps", total_steps)
        if not isinstance(pct_start, (int, float)) or not 0 <= pct_start <= 1:
            raise ArgumentError(f"OneCycleLR: expected pct_start in [0, 1], got {pct_start!r}")
        if anneal_strategy not in ("cos", "linear"):
            raise ArgumentError(f"OneCycleLR: expected anneal_strategy 'cos' or 'linear', got {anneal_strategy!r}")
        self.total_steps = total_steps
        self._anneal_func_type = anneal_strategy
        rise = float(pct_start * total_steps) - 1
        # (last t, key of the rate at the start and end, key of the momentum at the start and end)
        up = (rise, "initial_lr", "max_lr", "max_momentum", "base_momentum")
        if three_phase:
            self._schedule_phases = [
                up,
                (2 * rise, "max_lr", "initial_lr", "base_momentum", "max_momentum"),
                (total_steps - 1, "initial_lr", "min_lr", "max_momentum", "max_momentum"),
            ]
        else:
            self._schedule_phases = [
                up,
                (total_steps - 1, "max_lr", "min_lr", "base_momentum", "max_momentum"),
            ]
        if last_epoch == -1:
            for group, top in zip(optimizer.param_groups, per_group("OneCycleLR", "max_lr", max_lr, optimizer)):
                group["initial_lr"] = top / div_factor
                group["max_lr"] = top
                group["min_lr"] = group["initial_lr"] / final_div_factor
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self._init_momentum(optimizer, base_momentum, max_momentum, last_epoch)
        super().__init__(optimizer, last_epoch)

    def _anneal(self, start: float, end: float, done: float) -> float:
        if self._anneal_func_type == "cos":
            return end + (start - end) / 2.0 * (1 + math.cos(math.pi * done))
        return (end - start) * done + start

    def get_lr(self) -> list[Any]:
        self._warn_outside_step()
        t = self.last_epoch
        if t > self.total_steps:
            raise ArgumentError(f"OneCycleLR: expected at most {self.total_steps} steps, got step {t}")
        begin = 0.0
        for phase in self._schedule_phases[:-1]:
            if t <= phase[0]:
                break
            begin = phase[0]
        else:
            phase = self._schedule_phases[-1]
        end, lr_from, lr_to, momentum_from, momentum_to = phase
        done = (t - begin) / (end - begin)
        if self.cycle_momentum:
            for group in self.optimizer.param_groups:
                self._set_momentum(group, self._anneal(group[momentum_from], group[momentum_to], done))
        return [self._anneal(group[lr_from], group[lr_to], done) for group in self.optimizer.param_groups]
