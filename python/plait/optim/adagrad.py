# SPDX-License-Identifier: MIT
"""Adagrad."""

from __future__ import annotations

from typing import Any

from .. import _core
from .._core import Tensor
from .optimizer import Optimizer, ParamsT, check_flags, check_hyperparameters, new_step

__all__ = ["Adagrad"]

_INF = float("inf")
_STATE = ("sum", "step")


class Adagrad(Optimizer):
    """Gradient descent with each step divided by the root of the sum of all squared gradients.

    With gradient g (plus ``weight_decay`` * p) at step t::

        s = s + g^2
        p = p - lr / (1 + (t - 1) * lr_decay) * g / (sqrt(s) + eps)

    Args:
        params: parameters or parameter groups.
        lr: learning rate, default 1e-2.
        lr_decay: how fast the learning rate falls with the steps, default 0.
        weight_decay: L2 penalty, default 0.
        initial_accumulator_value: what s starts with, default 0.
        eps: added to the denominator, default 1e-10.
        maximize: climb instead of descend.
        foreach, fused: accepted for compatibility; the step is always one fused pass.
        differentiable: must be False.

    Raises:
        ValueError: a hyperparameter out of range.

    Source: Duchi, Hazan and Singer, "Adaptive subgradient methods for online learning and stochastic
    optimization", JMLR 12, 2011.

    Example:
        >>> import plait
        >>> w = plait.ones(2, requires_grad=True)
        >>> opt = plait.optim.Adagrad([w], lr=0.1)
        >>> (w * w).sum().backward()
        >>> opt.step()
        >>> [round(x, 4) for x in w.tolist()]
        [0.9, 0.9]
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        check_hyperparameters(
            "Adagrad",
            lr=(lr, 0, _INF),
            lr_decay=(lr_decay, 0, _INF),
            weight_decay=(weight_decay, 0, _INF),
            initial_accumulator_value=(initial_accumulator_value, 0, _INF),
            eps=(eps, 0, _INF),
        )
        check_flags("Adagrad", differentiable)
        defaults = {
            "lr": lr,
            "lr_decay": lr_decay,
            "eps": eps,
            "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "fused": fused,
        }
        super().__init__(params, defaults)
        for group in self.param_groups:
            for p in group["params"]:
                self._init_state(p, self.state[p], group)

    def _init_state(self, p: Tensor, state: dict[str, Any], group: dict[str, Any]) -> None:
        state["step"] = new_step()
        state["sum"] = _core.full_like(p, group["initial_accumulator_value"]).detach()

    def share_memory(self) -> None:
        """Does nothing: threads share the state already."""

    def _step_group(self, group: dict[str, Any]) -> None:
        _core._ops.adagrad_step(
            *self._inputs(group, _STATE),
            float(group["lr"]),
            float(group["lr_decay"]),
            float(group["eps"]),
            float(group["weight_decay"]),
            group["maximize"],
        )
