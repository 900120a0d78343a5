# SPDX-License-Identifier: MIT
"""Adadelta."""

from __future__ import annotations

from typing import Any

from .. import _core
from .._core import Tensor
from .optimizer import Optimizer, ParamsT, check_flags, check_hyperparameters, new_step

__all__ = ["Adadelta"]

_INF = float("inf")
_STATE = ("square_avg", "acc_delta", "step")


class Adadelta(Optimizer):
    """Steps scaled by the ratio of the running root mean squares of past steps and of gradients.

    With gradient g (plus ``weight_decay`` * p)::

        v = rho * v + (1 - rho) * g^2
        d = sqrt(u + eps) / sqrt(v + eps) * g
        u = rho * u + (1 - rho) * d^2
        p = p - lr * d

    Args:
        params: parameters or parameter groups.
        lr: factor of the step, default 1.0.
        rho: smoothing of the running averages, in [0, 1], default 0.9.
        eps: added under the roots, default 1e-6.
        weight_decay: L2 penalty, default 0.
        maximize: climb instead of descend.
        foreach, capturable: accepted for compatibility; the step is always one fused pass.
        differentiable: must be False.

    Raises:
        ValueError: a hyperparameter out of range.

    Source: Zeiler, "ADADELTA: an adaptive learning rate method", arXiv 1212.5701.

    Example:
        >>> import plait
        >>> w = plait.ones(2, requires_grad=True)
        >>> opt = plait.optim.Adadelta([w], eps=0.01)
        >>> (w * w).sum().backward()
        >>> opt.step()
        >>> bool((w < 1).all())
        True
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        capturable: bool = False,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_hyperparameters(
            "Adadelta",
            lr=(lr, 0, _INF),
            eps=(eps, 0, _INF),
            weight_decay=(weight_decay, 0, _INF),
        )
        if not 0 <= rho <= 1:
            raise ValueError(f"Adadelta: expected rho in [0, 1], got {rho}")
        check_flags("Adadelta", differentiable)
        defaults = {
            "lr": lr,
            "rho": rho,
            "eps": eps,
            "weight_decay": weight_decay,
            "maximize": maximize,
            "capturable": capturable,
            "foreach": foreach,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def _init_state(self, p: Tensor, state: dict[str, Any], group: dict[str, Any]) -> None:
        state["step"] = new_step()
        state["square_avg"] = _core.zeros_like(p)
        state["acc_delta"] = _core.zeros_like(p)

    def _step_group(self, group: dict[str, Any]) -> None:
        _core._ops.adadelta_step(
            *self._inputs(group, _STATE),
            float(group["lr"]),
            float(group["rho"]),
            float(group["eps"]),
            float(group["weight_decay"]),
            group["maximize"],
        )
