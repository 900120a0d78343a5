# SPDX-License-Identifier: MIT
"""RAdam."""

from __future__ import annotations

from typing import Any

from .. import _core
from .._core import Tensor
from .optimizer import Optimizer, ParamsT, check_flags, check_hyperparameters, new_step

__all__ = ["RAdam"]

_INF = float("inf")
_STATE = ("exp_avg", "exp_avg_sq", "step")


class RAdam(Optimizer):
    """Adam that scales by the second moment only once its estimate is reliable.

    With gradient g (plus ``weight_decay`` * p) at step t, R = 2 / (1 - beta2) - 1 and
    r = R - 2 * t * beta2^t / (1 - beta2^t)::

        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g^2
        p = p - lr * m / (1 - beta1^t)                                          while r <= 5
        p = p - lr * m / (1 - beta1^t) * c * sqrt(1 - beta2^t) / (sqrt(v) + eps)   after that,
        c = sqrt((r - 4) * (r - 2) * R / ((R - 4) * (R - 2) * r))

    Args:
        params: parameters or parameter groups.
        lr: learning rate, default 1e-3.
        betas: (beta1, beta2), each in [0, 1), default (0.9, 0.999).
        eps: added to the denominator, default 1e-8.
        weight_decay: L2 penalty, default 0.
        decoupled_weight_decay: shrink p by lr * weight_decay instead of adding to the gradient.
        maximize: climb instead of descend.
        foreach, capturable: accepted for compatibility; the step is always one fused pass.
        differentiable: must be False.

    Raises:
        ValueError: a hyperparameter out of range.

    Source: Liu et al., "On the variance of the adaptive learning rate and beyond", ICLR 2020.

    Example:
        >>> import plait
        >>> w = plait.ones(2, requires_grad=True)
        >>> opt = plait.optim.RAdam([w], lr=0.1)
        >>> (w * w).sum().backward()
        >>> opt.step()
        >>> [round(x, 4) for x in w.tolist()]
        [0.8, 0.8]
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_hyperparameters(
            "RAdam",
            lr=(lr, 0, _INF),
            beta1=(betas[0], 0, 1),
            beta2=(betas[1], 0, 1),
            eps=(eps, 0, _INF),
            weight_decay=(weight_decay, 0, _INF),
        )
        check_flags("RAdam", differentiable)
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "decoupled_weight_decay": decoupled_weight_decay,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def _init_state(self, p: Tensor, state: dict[str, Any], group: dict[str, Any]) -> None:
        state["step"] = new_step()
        state["exp_avg"] = _core.zeros_like(p)
        state["exp_avg_sq"] = _core.zeros_like(p)

    def _step_group(self, group: dict[str, Any]) -> None:
        beta1, beta2 = group["betas"]
        _core._ops.radam_step(
            *self._inputs(group, _STATE),
            float(group["lr"]),
            float(beta1),
            float(beta2),
            float(group["eps"]),
            float(group["weight_decay"]),
            group["decoupled_weight_decay"],
            group["maximize"],
        )
