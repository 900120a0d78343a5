# SPDX-License-Identifier: MIT
"""Adamax."""

from __future__ import annotations

from typing import Any

from .. import _core
from .._core import Tensor
from .optimizer import Optimizer, ParamsT, check_flags, check_hyperparameters, new_step

__all__ = ["Adamax"]

_INF = float("inf")
_STATE = ("exp_avg", "exp_inf", "step")


class Adamax(Optimizer):
    """Adam with a decaying maximum of the gradient in the place of its root mean square.

    With gradient g (plus ``weight_decay`` * p) at step t::

        m = beta1 * m + (1 - beta1) * g
        u = max(beta2 * u, |g| + eps)
        p = p - lr / (1 - beta1^t) * m / u

    Args:
        params: parameters or parameter groups.
        lr: learning rate, default 2e-3.
        betas: (beta1, beta2), each in [0, 1), default (0.9, 0.999).
        eps: added to |g|, default 1e-8.
        weight_decay: L2 penalty, default 0.
        maximize: climb instead of descend.
        foreach, capturable: accepted for compatibility; the step is always one fused pass.
        differentiable: must be False.

    Raises:
        ValueError: a hyperparameter out of range.

    Source: Kingma and Ba, "Adam: a method for stochastic optimization", ICLR 2015, section 7.1.

    Example:
        >>> import plait
        >>> w = plait.ones(2, requires_grad=True)
        >>> opt = plait.optim.Adamax([w], lr=0.25)
        >>> (w * w).sum().backward()
        >>> opt.step()
        >>> w.tolist()
        [0.75, 0.75]
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        check_hyperparameters(
            "Adamax",
            lr=(lr, 0, _INF),
            beta1=(betas[0], 0, 1),
            beta2=(betas[1], 0, 1),
            eps=(eps, 0, _INF),
            weight_decay=(weight_decay, 0, _INF),
        )
        check_flags("Adamax", differentiable)
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults)

    def _init_state(self, p: Tensor, state: dict[str, Any], group: dict[str, Any]) -> None:
        state["step"] = new_step()
        state["exp_avg"] = _core.zeros_like(p)
        state["exp_inf"] = _core.zeros_like(p)

    def _step_group(self, group: dict[str, Any]) -> None:
        beta1, beta2 = group["betas"]
        _core._ops.adamax_step(
            *self._inputs(group, _STATE),
            float(group["lr"]),
            float(beta1),
            float(beta2),
            float(group["eps"]),
            float(group["weight_decay"]),
            group["maximize"],
        )
