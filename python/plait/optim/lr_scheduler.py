# SPDX-License-Identifier: MIT
"""Learning-rate schedules: call ``scheduler.step()`` after ``optimizer.step()``.

t counts the calls of ``scheduler.step()``. Schedules that multiply the present rate can be combined: each
applies its factor to what the others left.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, SupportsFloat

from .._core import ArgumentError, ArgumentTypeError
from .._warn import warn_user
from ._cyclic_schedules import CyclicLR, OneCycleLR
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

_LRScheduler = LRScheduler  # the old name of the base class

__all__ = [
    "ChainedScheduler",
    "ConstantLR",
    "CosineAnnealingLR",
    "CosineAnnealingWarmRestarts",
    "CyclicLR",
    "ExponentialLR",
    "LRScheduler",
    "LambdaLR",
    "LinearLR",
    "MultiStepLR",
    "MultiplicativeLR",
    "OneCycleLR",
    "PolynomialLR",
    "ReduceLROnPlateau",
    "SequentialLR",
    "StepLR",
]


class LambdaLR(LRScheduler):
    """lr = base lr * lr_lambda(t).

    Args:
        optimizer: whose rates are set.
        lr_lambda: a function of t, or one for each group.
        last_epoch: see :class:`LRScheduler`.

    Raises:
        ValueError: a list whose length is not the number of groups.

    Example:
        >>> import plait
        >>> opt = plait.optim.SGD([plait.zeros(1, requires_grad=True)], lr=1.0)
        >>> scheduler = plait.optim.lr_scheduler.LambdaLR(opt, lambda t: 1 / (1 + t))
        >>> opt.step(); scheduler.step()
        >>> scheduler.get_last_lr()
        [0.5]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        lr_lambda: Callable[[int], float] | list[Callable[[int], float]],
        last_epoch: int = -1,
    ) -> None:
        name = type(self).__name__
        check_optimizer(name, optimizer)
        self.lr_lambdas = per_group(name, "lr_lambda", lr_lambda, optimizer)
        for f in self.lr_lambdas:
            if not callable(f):
                raise ArgumentTypeError(f"{name}: expected lr_lambda to be a function, got {type(f).__name__}")
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Any]:
        self._warn_outside_step()
        return [base * f(self.last_epoch) for f, base in zip(self.lr_lambdas, self.base_lrs, strict=True)]

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "lr_lambdas": save_functions(self.lr_lambdas)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.__dict__.update({k: v for k, v in state_dict.items() if k != "lr_lambdas"})
        load_functions(self.lr_lambdas, state_dict["lr_lambdas"])


class MultiplicativeLR(LambdaLR):
    """lr = last lr * lr_lambda(t). The arguments are those of :class:`LambdaLR`.

    Example:
        >>> import plait
        >>> opt = plait.optim.SGD([plait.zeros(1, requires_grad=True)], lr=1.0)
        >>> schedule = plait.optim.lr_scheduler.MultiplicativeLR(opt, lambda t: 0.5)
        >>> rates = []
        >>> for _ in range(3):
        ...     rates.append(round(schedule.get_last_lr()[0], 4))
        ...     opt.step()
        ...     schedule.step()
        >>> rates
        [1.0, 0.5, 0.25]
    """

    def get_lr(self) -> list[Any]:
        self._warn_outside_step()
        if self._is_initial:
            return self._current()
        groups = self.optimizer.param_groups
        return [group["lr"] * f(self.last_epoch) for f, group in zip(self.lr_lambdas, groups, strict=True)]


class _FactorLR(LRScheduler):
    """A schedule that multiplies all rates by the same number at each t."""

    def _factor(self, t: int) -> float:
        """lr(t) / lr(t - 1); at t = 0, lr(0) / base lr."""
        raise NotImplementedError

    def _closed(self, t: int) -> float:
        """lr(t) / base lr."""
        raise NotImplementedError

    def get_lr(self) -> list[Any]:
        self._warn_outside_step()
        factor = self._factor(self.last_epoch)
        rates = self._current()
        return rates if factor == 1 else [lr * factor for lr in rates]

    def _get_closed_form_lr(self) -> list[Any]:
        factor = self._closed(self.last_epoch)
        return [base * factor for base in self.base_lrs]


class StepLR(_FactorLR):
    """Multiply the rate by ``gamma`` every ``step_size`` steps.

    Args:
        optimizer: whose rates are set.
        step_size: steps between two changes.
        gamma: factor, default 0.1.
        last_epoch: see :class:`LRScheduler`.

    Raises:
        ValueError: ``step_size`` is not positive.

    Example:
        >>> import plait
        >>> opt = plait.optim.SGD([plait.zeros(1, requires_grad=True)], lr=1.0)
        >>> schedule = plait.optim.lr_scheduler.StepLR(opt, step_size=2, gamma=0.1)
        >>> rates = []
        >>> for _ in range(5):
        ...     rates.append(round(schedule.get_last_lr()[0], 4))
        ...     opt.step()
        ...     schedule.step()
        >>> rates
        [1.0, 1.0, 0.1, 0.1, 0.01]
    """

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1) -> None:
        if not step_size > 0:  # a float works too, as in PyTorch
            raise ArgumentError(f"StepLR: expected step_size > 0, got {step_size!r}")
        self.step_size = step_size
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def _factor(self, t: int) -> float:
        return self.gamma if t > 0 and t % self.step_size == 0 else 1.0

    def _closed(self, t: int) -> float:
        return self.gamma ** (t // self.step_size)


class MultiStepLR(_FactorLR):
    """Multiply the rate by ``gamma`` at each of the given t.

    Args:
        optimizer: whose rates are set.
        milestones: the t at which the rate changes.
        gamma: factor, default 0.1.
        last_epoch: see :class:`LRScheduler`.

    Example:
        >>> import plait
        >>> opt = plait.optim.SGD([plait.zeros(1, requires_grad=True)], lr=1.0)
        >>> schedule = plait.optim.lr_scheduler.MultiStepLR(opt, milestones=[1, 2], gamma=0.1)
        >>> rates = []
        >>> for _ in range(3):
        ...     rates.append(round(schedule.get_last_lr()[0], 4))
        ...     opt.step()
        ...     schedule.step()
        >>> rates
        [1.0, 0.1, 0.01]
    """

    def __init__(
        self, optimizer: Optimizer, milestones: Iterable[int], gamma: float = 0.1, last_epoch: int = -1
    ) -> None:
        self.milestones = Counter(milestones)
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def _factor(self, t: int) -> float:
        return self.gamma ** self.milestones[t] if t in self.milestones else 1.0

    def _closed(self, t: int) -> float:
        return self.gamma ** bisect_right(sorted(self.milestones.elements()), t)


class ConstantLR(_FactorLR):
    """Hold the rate at ``factor`` times itself for the first ``total_iters`` steps.

    Args:
        optimizer: whose rates are set.
        factor: in [0, 1], default 1/3.
        total_iters: steps at the lower rate, default 5.
        last_epoch: see :class:`LRScheduler`.

    Raises:
        ValueError: ``factor`` out of range.

    Example:
        >>> import plait
        >>> opt = plait.optim.SGD([plait.zeros(1, requires_grad=True)], lr=1.0)
        >>> schedule = plait.optim.lr_scheduler.ConstantLR(opt, factor=0.5, total_iters=2)
        >>> rates = []
        >>> for _ in range(3):
        ...     rates.append(round(schedule.get_last_lr()[0], 4))
        ...     opt.step()
        ...     schedule.step()
        >>> rates
        [0.5, 0.5, 1.0]
    """

    def __init__(
        self, optimizer: Optimizer, factor: float = 1.0 / 3, total_iters: int = 5, last_epoch: int = -1
    ) -> None:
        if not 0 <= factor <= 1:
            raise ArgumentError(f"ConstantLR: expected factor in [0, 1], got {factor}")
        self.factor = factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def _factor(self, t: int) -> float:
        if t == 0:
            return self.factor
        return 1.0 / self.factor if t == self.total_iters else 1.0

    def _closed(self, t: int) -> float:
        return 1.0 if t >= self.total_iters else self.factor


class LinearLR(_FactorLR):
    """Change the rate's factor linearly from ``start_factor`` to ``end_factor`` in ``total_iters`` steps.

    Args:
        optimizer: whose rates are set.
        start_factor: in (0, 1], default 1/3.
        end_factor: in [0, 1], default 1.
        total_iters: steps of the change, default 5.
        last_epoch: see :class:`LRScheduler`.

    Raises:
        ValueError: a factor out of range.

    Example:
        >>> import plait
        >>> opt = plait.optim.SGD([plait.zeros(1, requires_grad=True)], lr=1.0)
        >>> schedule = plait.optim.lr_scheduler.LinearLR(opt, start_factor=0.5, total_iters=2)
        >>> rates = []
        >>> for _ in range(3):
        ...     rates.append(round(schedule.get_last_lr()[0], 4))
        ...     opt.step()
        ...     schedule.step()
        >>> rates
        [0.5, 0.75, 1.0]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1.0 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:
        if not 0 < start_factor <= 1:
            raise ArgumentError(f"LinearLR: expected start_factor in (0, 1], got {start_factor}")
        if not 0 <= end_factor <= 1:
            raise ArgumentError(f"LinearLR: expected end_factor in [0, 1], got {end_factor}")
        self.start_factor = start_factor
        self.end_factor = end_factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def _factor(self, t: int) -> float:
        if t == 0:
            return self.start_factor
        if self._is_initial or t > self.total_iters:
            return 1.0
        slope = self.end_factor - self.start_factor
        return 1.0 + slope / (self.total_iters * self.start_factor + (t - 1) * slope)

    def _closed(self, t: int) -> float:
        slope = self.end_factor - self.start_factor
        return self.start_factor + slope * min(self.total_iters, t) / self.total_iters


class ExponentialLR(_FactorLR):
    """Multiply the rate by ``gamma`` at each step.

    Args:
        optimizer: whose rates are set.
        gamma: factor.
        last_epoch: see :class:`LRScheduler`.

    Example:
        >>> import plait
        >>> opt = plait.optim.SGD([plait.zeros(1, requires_grad=True)], lr=1.0)
        >>> schedule = plait.optim.lr_scheduler.ExponentialLR(opt, gamma=0.5)
        >>> rates = []
        >>> for _ in range(3):
        ...     rates.append(round(schedule.get_last_lr()[0], 4))
        ...     opt.step()
        ...     schedule.step()
        >>> rates
        [1.0, 0.5, 0.25]
    """

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1) -> None:
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def _factor(self, t: int) -> float:
        return 1.0 if self._is_initial else self.gamma

    def _closed(self, t: int) -> float:
        return self.gamma**t


class PolynomialLR(_FactorLR):
    """lr = base lr * (1 - t / total_iters)^power, and 0 from ``total_iters`` on.

    Args:
        optimizer: whose rates are set.
        total_iters: steps until 0, default 5.
        power: exponent, default 1.
        last_epoch: see :class:`LRScheduler`.

    Example:
        >>> import plait
        >>> opt = plait.optim.SGD([plait.zeros(1, requires_grad=True)], lr=1.0)
        >>> schedule = plait.optim.lr_scheduler.PolynomialLR(opt, total_iters=4)
        >>> rates = []
        >>> for _ in range(5):
        ...     rates.append(round(schedule.get_last_lr()[0], 4))
        ...     opt.step()
        ...     schedule.step()
        >>> rates
        [1.0, 0.75, 0.5, 0.25, 0.0]
    """

    def __init__(self, optimizer: Optimizer, total_iters: int = 5, power: float = 1.0, last_epoch: int = -1) -> None:
        self.total_iters = total_iters
        self.power = power
        super().__init__(optimizer, last_epoch)

    def _factor(self, t: int) -> float:
        if self._is_initial or t > self.total_iters:
            return 1.0
        return ((1.0 - t / self.total_iters) / (1.0 - (t - 1) / self.total_iters)) ** self.power

    def _closed(self, t: int) -> float:
        return (1.0 - min(self.total_iters, t) / self.total_iters) ** self.power


class CosineAnnealingLR(LRScheduler):
    """Half a period of a cosine from the base rate to ``eta_min`` in ``T_max`` steps (and back after that)::

        lr = eta_min + (base lr - eta_min) * (1 + cos(pi * t / T_max)) / 2

    Args:
        optimizer: whose rates are set.
        T_max: steps until the least rate.
        eta_min: least rate, default 0.
        last_epoch: see :class:`LRScheduler`.

    Raises:
        ValueError: ``T_max`` is not positive.

    Source: Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts", ICLR 2017.

    Example:
        >>> import plait
        >>> opt = plait.optim.SGD([plait.zeros(1, requires_grad=True)], lr=1.0)
        >>> scheduler = plait.optim.lr_scheduler.CosineAnnealingLR(opt, T_max=2)
        >>> opt.step(); scheduler.step()
        >>> round(scheduler.get_last_lr()[0], 6)
        0.5
    """

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1) -> None:
        if T_max <= 0:
            raise ArgumentError(f"CosineAnnealingLR: expected T_max > 0, got {T_max}")
        self.T_max = T_max
        self.eta_min = eta_min
        super().__init__(optimizer, last_epoch)

    def _height(self, t: int) -> float:
        return 1 + math.cos(math.pi * t / self.T_max)

    def get_lr(self) -> list[Any]:
        self._warn_outside_step()
        t, rates = self.last_epoch, self._current()
        if self._is_initial:
            return rates
        if self._step_count == 1 and t > 0:
            return self._get_closed_form_lr()
        if (t - 1 - self.T_max) % (2 * self.T_max) == 0:
            # The last height was 0: there is no ratio, so the first rise is added.
            rise = (1 - math.cos(math.pi / self.T_max)) / 2
            return [lr + (base - self.eta_min) * rise for lr, base in zip(rates, self.base_lrs, strict=True)]
        ratio = self._height(t) / self._height(t - 1)
        return [ratio * (lr - self.eta_min) + self.eta_min for lr in rates]

    def _get_closed_form_lr(self) -> list[Any]:
        height = self._height(self.last_epoch)
        return [self.eta_min + (base - self.eta_min) * height / 2 for base in self.base_lrs]


class CosineAnnealingWarmRestarts(LRScheduler):
    """Fall along a cosine from the base rate to ``eta_min``, and start again; each period is longer.

    Args:
        optimizer: whose rates are set.
        T_0: steps of the first period.
        T_mult: factor from a period to the next, an int >= 1, default 1.
        eta_min: least rate, default 0.
        last_epoch: see :class:`LRScheduler`.

    Raises:
        ValueError: ``T_0`` or ``T_mult`` out of range.

    Source: Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts", ICLR 2017.

    Example:
        >>> import plait
        >>> opt = plait.optim.SGD([plait.zeros(1, requires_grad=True)], lr=1.0)
        >>> schedule = plait.optim.lr_scheduler.CosineAnnealingWarmRestarts(opt, T_0=2)
        >>> rates = []
        >>> for _ in range(5):
        ...     rates.append(round(schedule.get_last_lr()[0], 4))
        ...     opt.step()
        ...     schedule.step()
        >>> rates
        [1.0, 0.5, 1.0, 0.5, 1.0]
    """

    def __init__(
        self, optimizer: Optimizer, T_0: int, T_mult: int = 1, eta_min: float = 0.0, last_epoch: int = -1
    ) -> None:
        check_positive_int("CosineAnnealingWarmRestarts", "T_0", T_0)
        check_positive_int("CosineAnnealingWarmRestarts", "T_mult", T_mult)
        self.T_0 = T_0
        self.T_i = T_0
        self.T_mult = T_mult
        self.eta_min = eta_min
        self.T_cur: float = last_epoch
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Any]:
        self._warn_outside_step()
        height = (1 + math.cos(math.pi * self.T_cur / self.T_i)) / 2
        return [self.eta_min + (base - self.eta_min) * height for base in self.base_lrs]

    def step(self, epoch: float | None = None) -> None:
        """Go on to the next t and set the rates.

        Args:
            epoch: set t to this instead; fractions move inside a period between batches.

        Raises:
            ValueError: ``epoch`` is negative.
        """
        if epoch is None and self.last_epoch < 0:
            epoch = 0
        if epoch is None:
            epoch = self.last_epoch + 1
            self.T_cur += 1
            if self.T_cur >= self.T_i:
                self.T_cur %= self.T_i
                self.T_i *= self.T_mult
        elif epoch < 0:
            raise ArgumentError(f"CosineAnnealingWarmRestarts: expected epoch >= 0, got {epoch}")
        elif self.T_mult == 1:
            self.T_i, self.T_cur = self.T_0, epoch % self.T_0
        else:
            periods = int(math.log(epoch / self.T_0 * (self.T_mult - 1) + 1, self.T_mult))
            self.T_i = self.T_0 * self.T_mult**periods
            self.T_cur = epoch - self.T_0 * (self.T_mult**periods - 1) / (self.T_mult - 1)
        self.last_epoch = math.floor(epoch)
        self._in_step = True
        try:
            values = self.get_lr()
        finally:
            self._in_step = False
        self._apply(values)


class _Composite(LRScheduler):
    """A schedule made of schedules."""

    _unsaved = (*LRScheduler._unsaved, "_schedulers")

    def _take(self, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None) -> Optimizer:
        name = type(self).__name__
        if len(schedulers) < 1:
            raise ArgumentError(f"{name}: expected at least one scheduler, got none")
        for i, s in enumerate(schedulers):
            if not hasattr(s, "optimizer"):
                raise ArgumentTypeError(f"{name}: expected schedulers, got {type(s).__name__} at position {i}")
            if isinstance(s, ReduceLROnPlateau):
                raise ArgumentError(f"{name}: ReduceLROnPlateau needs a metric at each step and cannot be a part of it")
            if optimizer is None:
                optimizer = s.optimizer
            if s.optimizer is not optimizer:
                raise ArgumentError(f"{name}: expected schedulers of one optimizer, got another one at position {i}")
        assert optimizer is not None
        self._schedulers = list(schedulers)
        self.optimizer = optimizer
        return optimizer

    def get_lr(self) -> list[Any]:
        return self._current()

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "_schedulers": [s.state_dict() for s in self._schedulers]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.__dict__.update({k: v for k, v in state_dict.items() if k != "_schedulers"})
        for s, saved in zip(self._schedulers, state_dict["_schedulers"], strict=True):
            s.load_state_dict(saved)


class SequentialLR(_Composite):
    """Run schedules one after the other.

    Args:
        optimizer: whose rates are set.
        schedulers: the schedules, in order.
        milestones: the t at which the next one takes over, one less than schedules.
        last_epoch: see :class:`LRScheduler`.

    Raises:
        ValueError: the lengths do not fit, or a schedule belongs to another optimizer.

    Example:
        >>> import plait
        >>> from plait.optim.lr_scheduler import CosineAnnealingLR, LinearLR, SequentialLR
        >>> opt = plait.optim.SGD([plait.zeros(1, requires_grad=True)], lr=1.0)
        >>> warm_up = LinearLR(opt, start_factor=0.5, total_iters=2)
        >>> scheduler = SequentialLR(opt, [warm_up, CosineAnnealingLR(opt, T_max=10)], milestones=[2])
        >>> scheduler.get_last_lr()
        [0.5]
    """

    def __init__(
        self, optimizer: Optimizer, schedulers: list[LRScheduler], milestones: list[int], last_epoch: int = -1
    ) -> None:
        self._take(schedulers, optimizer)
        if len(milestones) != len(schedulers) - 1:
            raise ArgumentError(
                f"SequentialLR: expected {len(schedulers) - 1} milestones for {len(schedulers)} schedulers, "
                f"got {len(milestones)}"
            )
        self._milestones = milestones
        self.last_epoch = last_epoch + 1
        for group in optimizer.param_groups:
            set_lr(group, group["initial_lr"])
        # Making the schedules took each one's first step: take it back, and do it for the first one alone.
        self._undo(self)
        first = self._schedulers[bisect_right(milestones, 0)]
        first._initial_step()
        self._last_lr = first.get_last_lr()

    def _undo(self, scheduler: Any) -> None:
        if isinstance(scheduler, _Composite):
            for s in scheduler._schedulers:
                self._undo(s)
        else:
            scheduler.last_epoch -= 1

    def step(self) -> None:  # type: ignore[override]
        """Step the schedule whose turn it is."""
        self.last_epoch += 1
        turn = bisect_right(self._milestones, self.last_epoch)
        scheduler = self._schedulers[turn]
        if turn > 0 and self._milestones[turn - 1] == self.last_epoch:
            scheduler._update_lr(0)
        else:
            scheduler.step()
        self._last_lr = scheduler.get_last_lr()


class ChainedScheduler(_Composite):
    """Run schedules together, each multiplying what the others left.

    Args:
        schedulers: schedules of one optimizer.
        optimizer: theirs; may be left out.

    Raises:
        ValueError: none given, or one belongs to another optimizer.

    Example:
        >>> import plait
        >>> from plait.optim import lr_scheduler
        >>> opt = plait.optim.SGD([plait.zeros(1, requires_grad=True)], lr=1.0)
        >>> parts = [lr_scheduler.ConstantLR(opt, 0.5, 1), lr_scheduler.ExponentialLR(opt, 0.5)]
        >>> schedule = lr_scheduler.ChainedScheduler(parts)
        >>> opt.step()
        >>> schedule.step()
        >>> schedule.get_last_lr()
        [0.5]
    """

    def __init__(self, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None = None) -> None:
        self._take(schedulers, optimizer)
        self._last_lr = self._current()

    def step(self) -> None:  # type: ignore[override]
        """Step all schedules."""
        for s in self._schedulers:
            s.step()
        self._last_lr = self._current()


class ReduceLROnPlateau(LRScheduler):
    """Lower the rate when a metric has not improved for a while.

    Args:
        optimizer: whose rates are set.
        mode: "min" if a smaller metric is better, or "max".
        factor: of the rate, < 1, default 0.1.
        patience: steps without improvement that are let pass, default 10.
        threshold: smallest change that counts as improvement, default 1e-4.
        threshold_mode: "rel": relative to the best metric, or "abs".
        cooldown: steps after a change during which nothing is counted, default 0.
        min_lr: lower bound of the rate, a number or one for each group, default 0.
        eps: smaller changes of the rate are left out, default 1e-8.

    Raises:
        ValueError: a value out of range.

    Example:
        >>> import plait
        >>> opt = plait.optim.SGD([plait.zeros(1, requires_grad=True)], lr=1.0)
        >>> scheduler = plait.optim.lr_scheduler.ReduceLROnPlateau(opt, patience=1)
        >>> for loss in [3.0, 3.0, 3.0]:
        ...     opt.step()
        ...     scheduler.step(loss)
        >>> scheduler.get_last_lr()
        [0.1]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        mode: str = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: str = "rel",
        cooldown: int = 0,
        min_lr: list[float] | float = 0,
        eps: float = 1e-8,
    ) -> None:
        name = "ReduceLROnPlateau"
        check_optimizer(name, optimizer)
        if factor >= 1.0:
            raise ArgumentError(f"{name}: expected factor < 1, got {factor}")
        if mode not in ("min", "max"):
            raise ArgumentError(f"{name}: expected mode 'min' or 'max', got {mode!r}")
        if threshold_mode not in ("rel", "abs"):
            raise ArgumentError(f"{name}: expected threshold_mode 'rel' or 'abs', got {threshold_mode!r}")
        self.optimizer = optimizer
        self.mode = mode
        self.factor = factor
        self.patience = patience
        self.threshold = threshold
        self.threshold_mode = threshold_mode
        self.cooldown = cooldown
        self.default_min_lr = None if isinstance(min_lr, (list, tuple)) else min_lr
        self.min_lrs = per_group(name, "min_lr", min_lr, optimizer)
        self.eps = eps
        self.last_epoch = 0
        self._last_lr = self._current()
        self._reset()

    def _reset(self) -> None:
        self.best = math.inf if self.mode == "min" else -math.inf
        self.cooldown_counter = 0
        self.num_bad_epochs = 0

    @property
    def in_cooldown(self) -> bool:
        """Whether the last change is less than ``cooldown`` steps ago."""
        return self.cooldown_counter > 0

    def step(self, metrics: SupportsFloat, epoch: int | None = None) -> None:  # type: ignore[override]
        """Look at the metric and lower the rates if it has not improved for long enough.

        Args:
            metrics: the metric, a number or a 0-d tensor.
            epoch: set t to this instead (deprecated).
        """
        current = float(metrics)
        if epoch is not None:
            warn_user("ReduceLROnPlateau: the argument epoch of step() is deprecated")
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        if self._is_better(current, self.best):
            self.best = current
            self.num_bad_epochs = 0
        else:
            self.num_bad_epochs += 1
        if self.in_cooldown:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            self._reduce_lr()
            self.cooldown_counter = self.cooldown
            self.num_bad_epochs = 0
        self._last_lr = self._current()

    def _reduce_lr(self) -> None:
        groups = self.optimizer.param_groups
        if len(groups) != len(self.min_lrs):
            if self.default_min_lr is None:
                raise RuntimeError(
                    f"ReduceLROnPlateau: expected min_lr for each of {len(groups)} parameter groups, got "
                    f"{len(self.min_lrs)}\nhint: a group was added; extend scheduler.min_lrs too"
                )
            self.min_lrs = [self.default_min_lr] * len(groups)
        for group, least in zip(groups, self.min_lrs):
            old = float(group["lr"])
            new = max(old * self.factor, least)
            if old - new > self.eps:
                set_lr(group, new)

    def _is_better(self, value: float, best: float) -> bool:
        sign = 1 if self.mode == "max" else -1
        if self.threshold_mode == "rel":
            margin = best * (1 + sign * self.threshold)
        else:
            margin = best + sign * self.threshold
        return value > margin if self.mode == "max" else value < margin
