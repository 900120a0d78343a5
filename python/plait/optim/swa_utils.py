# SPDX-License-Identifier: MIT
"""Averages of weights: stochastic weight averaging and exponential moving averages."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from copy import deepcopy
from typing import Any

from .. import _core
from .._core import ArgumentError
from ..autograd.grad_mode import no_grad
from ..nn import Module
from ._schedule_base import LRScheduler, per_group
from .optimizer import Optimizer

__all__ = [
    "SWALR",
    "AveragedModel",
    "get_ema_avg_fn",
    "get_ema_multi_avg_fn",
    "get_swa_avg_fn",
    "get_swa_multi_avg_fn",
    "update_bn",
]


def get_ema_avg_fn(decay: float = 0.999) -> Callable[[Any, Any, Any], Any]:
    """The update of an exponential moving average: ``decay * average + (1 - decay) * new``.

    Raises:
        ValueError: ``decay`` is not in [0, 1].

    Example:
        >>> import plait
        >>> average = plait.optim.swa_utils.get_ema_avg_fn(0.9)
        >>> average(plait.tensor(1.0), plait.tensor(2.0), 1)
        tensor(1.1000)
    """
    if not 0.0 <= decay <= 1.0:
        raise ArgumentError(f"get_ema_avg_fn: expected decay in [0, 1], got {decay}")

    def update(averaged: Any, new: Any, count: Any) -> Any:
        return decay * averaged + (1 - decay) * new

    return update


def get_swa_avg_fn() -> Callable[[Any, Any, Any], Any]:
    """The update of a plain mean: ``average + (new - average) / (count + 1)``."""

    def update(averaged: Any, new: Any, count: Any) -> Any:
        return averaged + (new - averaged) / (count + 1)

    return update


def _of_lists(update: Callable[[Any, Any, Any], Any]) -> Callable[[Any, Any, Any], None]:
    """The update of one tensor as one of lists of tensors, in place."""

    def update_all(averaged: Any, new: Any, count: Any) -> None:
        for a, b in zip(averaged, new, strict=True):
            a.copy_(update(a, b, count))

    return update_all


def get_ema_multi_avg_fn(decay: float = 0.999) -> Callable[[Any, Any, Any], None]:
    """:func:`get_ema_avg_fn` for lists of tensors: ``AveragedModel(model, multi_avg_fn=...)``."""
    return _of_lists(get_ema_avg_fn(decay))


def get_swa_multi_avg_fn() -> Callable[[Any, Any, Any], None]:
    """:func:`get_swa_avg_fn` for lists of tensors."""
    return _of_lists(get_swa_avg_fn())


class AveragedModel(Module):
    """A copy of a model whose parameters are averages over the calls of :meth:`update_parameters`.

    Args:
        model: the model that is trained.
        device: must be the CPU or None.
        avg_fn: (average, new value, count) -> new average; default: the plain mean.
        multi_avg_fn: the same for lists of tensors, in place; not together with ``avg_fn``.
        use_buffers: average the buffers too instead of copying them.

    Raises:
        ValueError: both ``avg_fn`` and ``multi_avg_fn``.

    Source: Izmailov et al., "Averaging weights leads to wider optima and better generalization", UAI 2018.

    Example:
        >>> import plait
        >>> model = plait.nn.Linear(2, 1)
        >>> averaged = plait.optim.swa_utils.AveragedModel(model)
        >>> averaged.update_parameters(model)
        >>> bool((averaged.module.weight == model.weight).all())
        True
    """

    def __init__(
        self,
        model: Any,
        device: Any = None,
        avg_fn: Callable[[Any, Any, Any], Any] | None = None,
        multi_avg_fn: Callable[[Any, Any, Any], None] | None = None,
        use_buffers: bool = False,
    ) -> None:
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise ArgumentError("AveragedModel: expected avg_fn or multi_avg_fn, got both")
        self.module = deepcopy(model)
        if device is not None:
            self.module = self.module.to(device)
        self.register_buffer("n_averaged", _core.tensor(0, dtype=_core.int64))
        self.avg_fn = avg_fn
        self.multi_avg_fn = multi_avg_fn
        self.use_buffers = use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.module(*args, **kwargs)

    def _averaged(self, module: Any) -> list[Any]:
        return [*module.parameters(), *(module.buffers() if self.use_buffers else ())]

    def update_parameters(self, model: Any) -> None:
        """Take the present parameters of ``model`` into the average."""
        own = [p.detach() for p in self._averaged(self.module)]
        new = [p.detach() for p in self._averaged(model)]
        with no_grad():
            if int(self.n_averaged) == 0:
                for a, b in zip(own, new, strict=True):
                    a.copy_(b)
            elif self.multi_avg_fn is not None:
                self.multi_avg_fn(own, new, self.n_averaged)
            else:
                average = self.avg_fn or get_swa_avg_fn()
                for a, b in zip(own, new, strict=True):
                    a.copy_(average(a, b, int(self.n_averaged)))
            if not self.use_buffers:
                for a, b in zip(self.module.buffers(), model.buffers(), strict=True):
                    a.detach().copy_(b.detach())
            self.n_averaged += 1


def update_bn(loader: Iterable[Any], model: Any, device: Any = None) -> None:
    """Compute the running statistics of all batch-norm layers anew from one pass over ``loader``.

    Args:
        loader: batches, or tuples and lists whose first entry is the batch.
        model: e.g. an averaged model.
        device: where batches are moved; the CPU or None.

    Example:
        >>> import plait
        >>> model = plait.nn.BatchNorm1d(1, momentum=None)
        >>> plait.optim.swa_utils.update_bn([plait.tensor([[1.0], [3.0]])], model)
        >>> model.running_mean
        tensor([2.])
    """
    layers = [m for m in model.modules() if hasattr(m, "reset_running_stats") and hasattr(m, "momentum")]
    if not layers:
        return
    momenta = [m.momentum for m in layers]
    was_training = model.training
    for m in layers:
        m.reset_running_stats()
        m.momentum = None  # a cumulative average
    model.train()
    with no_grad():
        for batch in loader:
            x = batch[0] if isinstance(batch, (list, tuple)) else batch
            model(x if device is None else x.to(device))
    for m, momentum in zip(layers, momenta):
        m.momentum = momentum
    model.train(was_training)


class SWALR(LRScheduler):
    """Anneal the rate to a constant in ``anneal_epochs`` steps and hold it there.

    Args:
        optimizer: whose rates are set.
        swa_lr: the constant, a number or one for each group.
        anneal_epochs: steps of the annealing, default 10.
        anneal_strategy: "cos" or "linear".
        last_epoch: see :class:`~plait.optim.lr_scheduler.LRScheduler`.

    Raises:
        ValueError: unknown strategy or negative ``anneal_epochs``.

    Example:
        >>> import plait
        >>> opt = plait.optim.SGD([plait.zeros(1, requires_grad=True)], lr=1.0)
        >>> schedule = plait.optim.swa_utils.SWALR(opt, swa_lr=0.5, anneal_epochs=1)
        >>> opt.step()
        >>> schedule.step()
        >>> opt.param_groups[0]["lr"]
        0.5
    """

    def __init__(
        self,
        optimizer: Optimizer,
        swa_lr: float | list[float],
        anneal_epochs: int = 10,
        anneal_strategy: str = "cos",
        last_epoch: int = -1,
    ) -> None:
        if anneal_strategy not in ("cos", "linear"):
            raise ArgumentError(f"SWALR: expected anneal_strategy 'cos' or 'linear', got {anneal_strategy!r}")
        if not isinstance(anneal_epochs, int) or anneal_epochs < 0:
            raise ArgumentError(f"SWALR: expected anneal_epochs >= 0, got {anneal_epochs!r}")
        for group, lr in zip(optimizer.param_groups, per_group("SWALR", "swa_lr", swa_lr, optimizer)):
            group["swa_lr"] = lr
        self.anneal_epochs = anneal_epochs
        self._anneal_func_type = anneal_strategy
        super().__init__(optimizer, last_epoch)

    def _share(self, t: int) -> float:
        """How much of the way to ``swa_lr`` is done at t."""
        done = max(0.0, min(1.0, t / max(1, self.anneal_epochs)))
        return (1 - math.cos(math.pi * done)) / 2 if self._anneal_func_type == "cos" else done

    def get_lr(self) -> list[Any]:
        self._warn_outside_step()
        t = self._step_count - (0 if self.anneal_epochs == 0 else 1)
        before, now = self._share(max(0, t - 1)), self._share(t)
        rates = []
        for group in self.optimizer.param_groups:
            # Undo the share done so far to find where the annealing began; at its end nothing is left of it.
            start = group["lr"]
            if 0 < before < 1:
                start = (group["lr"] - before * group["swa_lr"]) / (1 - before)
            elif before == 1:
                start = group["swa_lr"]
            rates.append(group["swa_lr"] * now + start * (1 - now))
        return rates
