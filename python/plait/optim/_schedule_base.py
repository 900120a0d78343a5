# SPDX-License-Identifier: MIT
"""The base class of the learning-rate schedules, and what they share."""

from __future__ import annotations

import types
from collections.abc import Iterable
from typing import Any

from .._core import ArgumentError, ArgumentTypeError, Tensor
from .._warn import warn_user
from .optimizer import Optimizer

__all__ = [
    "LRScheduler",
    "check_optimizer",
    "check_positive_int",
    "load_functions",
    "per_group",
    "save_functions",
    "set_lr",
]


def check_optimizer(name: str, optimizer: Any) -> None:
    if not isinstance(optimizer, Optimizer):
        raise ArgumentTypeError(f"{name}: expected an Optimizer, got {type(optimizer).__name__}")


def check_positive_int(name: str, what: str, value: Any) -> None:
    if not isinstance(value, int) or value <= 0:
        raise ArgumentError(f"{name}: expected {what} to be a positive int, got {value!r}")


def per_group(name: str, what: str, value: Any, optimizer: Optimizer) -> list[Any]:
    """One value for each parameter group: the list given, or the value repeated."""
    n = len(optimizer.param_groups)
    if not isinstance(value, (list, tuple)):
        return [value] * n
    if len(value) != n:
        raise ArgumentError(
            f"{name}: expected {what} with one value for each of {n} parameter groups, got {len(value)}"
        )
    return list(value)


def set_lr(group: dict[str, Any], lr: Any) -> None:
    if isinstance(group["lr"], Tensor):
        group["lr"].fill_(float(lr))
    else:
        group["lr"] = lr


def save_functions(functions: Iterable[Any]) -> list[Any]:
    """What state_dict keeps of functions: the attributes of callable objects, nothing of plain functions."""
    return [None if isinstance(f, types.FunctionType) else dict(getattr(f, "__dict__", {})) for f in functions]


def load_functions(functions: Iterable[Any], saved: Iterable[Any]) -> None:
    for function, attributes in zip(functions, saved):
        if attributes is not None:
            function.__dict__.update(attributes)


class LRScheduler:
    """Base class of the schedules; a subclass implements ``get_lr()``.

    Args:
        optimizer: whose groups' ``"lr"`` is set.
        last_epoch: -1 to start; t of the last step when training goes on with a loaded optimizer.

    Raises:
        TypeError: ``optimizer`` is no Optimizer.
        KeyError: ``last_epoch`` is given, but the groups have no ``"initial_lr"``.

    Example:
        >>> import plait
        >>> opt = plait.optim.SGD([plait.zeros(1, requires_grad=True)], lr=1.0)
        >>> scheduler = plait.optim.lr_scheduler.StepLR(opt, step_size=2, gamma=0.5)
        >>> rates = []
        >>> for epoch in range(4):
        ...     opt.step()
        ...     scheduler.step()
        ...     rates += scheduler.get_last_lr()
        >>> rates
        [1.0, 0.5, 0.5, 0.25]
    """

    _is_initial = False
    _in_step = False
    _unsaved: tuple[str, ...] = ("optimizer", "_is_initial", "_in_step")

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        name = type(self).__name__
        check_optimizer(name, optimizer)
        self.optimizer = optimizer
        for i, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                lr = group["lr"]
                group.setdefault("initial_lr", lr.clone() if isinstance(lr, Tensor) else lr)
            elif "initial_lr" not in group:
                raise KeyError(
                    f"{name}: expected 'initial_lr' in parameter group {i} to go on; "
                    "hint: load the optimizer's state first"
                )
        self.base_lrs = [group["initial_lr"] for group in optimizer.param_groups]
        self.last_epoch = last_epoch
        self._initial_step()

    def _initial_step(self) -> None:
        self._step_count = 0
        self._is_initial = True
        try:
            self.step()
        finally:
            self._is_initial = False

    def get_lr(self) -> list[Any]:
        """The rates of all groups at ``last_epoch``; called by :meth:`step`."""
        raise NotImplementedError(f"{type(self).__name__}: a subclass of LRScheduler implements get_lr()")

    def get_last_lr(self) -> list[Any]:
        """The rates that the last :meth:`step` set, one for each group."""
        return self._last_lr

    def step(self, epoch: int | None = None) -> None:
        """Go on to the next t and set the rates.

        Args:
            epoch: set t to this instead (deprecated).
        """
        if self._step_count == 1 and self.optimizer._steps_taken == 0:
            warn_user(
                f"{type(self).__name__}: step() was called before optimizer.step(), which skips the first "
                "rate of the schedule; call optimizer.step() first"
            )
        self._step_count += 1
        if epoch is not None:
            warn_user(f"{type(self).__name__}: the argument epoch of step() is deprecated")
        self._update_lr(epoch)

    def _update_lr(self, epoch: int | None = None) -> None:
        self._in_step = True
        try:
            if epoch is None:
                self.last_epoch += 1
                values = self.get_lr()
            else:
                self.last_epoch = epoch
                values = getattr(self, "_get_closed_form_lr", self.get_lr)()
        finally:
            self._in_step = False
        self._apply(values)

    def _apply(self, values: list[Any]) -> None:
        for group, lr in zip(self.optimizer.param_groups, values, strict=True):
            set_lr(group, lr)
        self._last_lr = self._current()

    def _current(self) -> list[Any]:
        rates = [group["lr"] for group in self.optimizer.param_groups]
        return [lr.clone() if isinstance(lr, Tensor) else lr for lr in rates]

    def _warn_outside_step(self) -> None:
        if not self._in_step:
            warn_user("get_lr() is for step(); the rates in use are in get_last_lr()")

    def state_dict(self) -> dict[str, Any]:
        """All attributes but the optimizer. Of functions only callable objects' attributes are kept."""
        return {k: v for k, v in self.__dict__.items() if k not in self._unsaved}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what :meth:`state_dict` gave. The optimizer's state is loaded apart."""
        self.__dict__.update(state_dict)
