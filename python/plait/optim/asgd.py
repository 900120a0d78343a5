# SPDX-License-Identifier: MIT
"""Averaged stochastic gradient descent."""

from __future__ import annotations

from typing import Any, ClassVar

from .. import _core
from .._core import Tensor
from ._hyperparameters import at_least, given
from .optimizer import Optimizer, ParamsT, numbers

__all__ = ["ASGD"]


class ASGD(Optimizer):
    """Gradient descent with a falling step size that also keeps the average of the parameters' path.

    With gradient g (plus ``weight_decay`` * p) at step t::

        p   = p * (1 - lambd * eta) - eta * g
        ax  = ax + mu * (p - ax)
        eta = lr / (1 + lambd * lr * t)^alpha,   mu = 1 / max(1, t - t0)        for the next step

    The average is ``state[p]["ax"]``.

    Args:
        params: parameters or parameter groups.
        lr: learning rate, default 1e-2.
        lambd: decay term, default 1e-4.
        alpha: power of the fall of eta, default 0.75.
        t0: the step at which averaging starts, default 1e6.
        weight_decay: L2 penalty, default 0.
        maximize: climb instead of descend.
        foreach, capturable: accepted for compatibility; the step is always one fused pass.
        differentiable: must be False.

    Raises:
        ValueError: a hyperparameter out of range.

    Source: Polyak and Juditsky, "Acceleration of stochastic approximation by averaging", SIAM J. Control and
    Optimization 30, 1992.

    Example:
        >>> import plait
        >>> w = plait.ones(2, requires_grad=True)
        >>> opt = plait.optim.ASGD([w], lr=0.25, lambd=0)
        >>> (w * w).sum().backward()
        >>> opt.step()
        >>> w.tolist()
        [0.5, 0.5]
    """

    HYPERPARAMETERS: ClassVar = {
        "lr": at_least(0),
        "weight_decay": at_least(0),
    }
    STATE = ("ax", "eta", "mu", "step")

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-2,
        lambd: float = 1e-4,
        alpha: float = 0.75,
        t0: float = 1e6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        super().__init__(params, given(locals()))

    def _init_state(self, p: Tensor, state: dict[str, Any], group: dict[str, Any]) -> None:
        super()._init_state(p, state, group)
        state["eta"] = _core.full((), float(group["lr"]), dtype=_core.float32)
        state["mu"] = _core.ones((), dtype=_core.float32)

    def _step_group(self, group: dict[str, Any]) -> None:
        hyper = numbers(group, "lr", "lambd", "alpha", "t0", "weight_decay")
        _core._ops.asgd_step(*self._inputs(group), *hyper, group["maximize"])
