# SPDX-License-Identifier: MIT
"""NAdam."""

from __future__ import annotations

from typing import Any

from .. import _core
from .._core import Tensor
from .optimizer import Optimizer, ParamsT, check_flags, check_hyperparameters, new_step

__all__ = ["NAdam"]

_INF = float("inf")
_STATE = ("exp_avg", "exp_avg_sq", "mu_product", "step")


class NAdam(Optimizer):
    """Adam with Nesterov's momentum.

    With gradient g (plus ``weight_decay`` * p) at step t, and the running product P of all mu::

        mu(t) = beta1 * (1 - 0.96^(t * momentum_decay) / 2)
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g^2
        d = g * (1 - mu(t)) / (1 - P(t)) + m * mu(t+1) / (1 - P(t+1))
        p = p - lr * d / (sqrt(v / (1 - beta2^t)) + eps)

    Args:
        params: parameters or parameter groups.
        lr: learning rate, default 2e-3.
        betas: (beta1, beta2), each in [0, 1), default (0.9, 0.999).
        eps: added to the denominator, default 1e-8.
        weight_decay: L2 penalty, default 0.
        momentum_decay: how fast mu rises to beta1, default 4e-3.
        decoupled_weight_decay: shrink p by lr * weight_decay instead of adding to the gradient.
        maximize: climb instead of descend.
        foreach, capturable: accepted for compatibility; the step is always one fused pass.
        differentiable: must be False.

    Raises:
        ValueError: a hyperparameter out of range.

    Source: Dozat, "Incorporating Nesterov momentum into Adam", ICLR 2016 workshop.

    Example:
        >>> import plait
        >>> w = plait.ones(2, requires_grad=True)
        >>> opt = plait.optim.NAdam([w], lr=0.1)
        >>> (w * w).sum().backward()
        >>> opt.step()
        >>> bool((w < 1).all())
        True
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum_decay: float = 4e-3,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_hyperparameters(
            "NAdam",
            lr=(lr, 0, _INF),
            beta1=(betas[0], 0, 1),
            beta2=(betas[1], 0, 1),
            eps=(eps, 0, _INF),
            weight_decay=(weight_decay, 0, _INF),
            momentum_decay=(momentum_decay, 0, _INF),
        )
        check_flags("NAdam", differentiable)
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "momentum_decay": momentum_decay,
            "decoupled_weight_decay": decoupled_weight_decay,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def _init_state(self, p: Tensor, state: dict[str, Any], group: dict[str, Any]) -> None:
        state["step"] = new_step()
        state["mu_product"] = _core.ones((), dtype=_core.float32)
        state["exp_avg"] = _core.zeros_like(p)
        state["exp_avg_sq"] = _core.zeros_like(p)

    def _step_group(self, group: dict[str, Any]) -> None:
        beta1, beta2 = group["betas"]
        _core._ops.nadam_step(
            *self._inputs(group, _STATE),
            float(group["lr"]),
            float(beta1),
            float(beta2),
            float(group["eps"]),
            float(group["weight_decay"]),
            float(group["momentum_decay"]),
            group["decoupled_weight_decay"],
            group["maximize"],
        )
