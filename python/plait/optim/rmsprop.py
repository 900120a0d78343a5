# SPDX-License-Identifier: MIT
"""RMSprop."""

from __future__ import annotations

from typing import Any

from .. import _core
from .._core import Tensor
from .optimizer import Optimizer, ParamsT, check_flags, check_hyperparameters, new_step

__all__ = ["RMSprop"]

_INF = float("inf")


class RMSprop(Optimizer):
    """Gradient descent with each step divided by the running root mean square of the gradient.

    With gradient g (plus ``weight_decay`` * p)::

        v = alpha * v + (1 - alpha) * g^2
        d = g / (sqrt(v) + eps)                centered: sqrt(v - a^2), a the running mean of g
        b = momentum * b + d;  p = p - lr * b

    Args:
        params: parameters or parameter groups.
        lr: learning rate, default 1e-2.
        alpha: smoothing of the running averages, default 0.99.
        eps: added to the denominator, default 1e-8.
        weight_decay: L2 penalty, default 0.
        momentum: factor of the running sum of steps, default 0.
        centered: divide by the estimated standard deviation instead.
        maximize: climb instead of descend.
        capturable, foreach: accepted for compatibility; the step is always one fused pass.
        differentiable: must be False.

    Raises:
        ValueError: a hyperparameter out of range.

    Source: Hinton, "Neural networks for machine learning", lecture 6e, 2012; centered: Graves, "Generating
    sequences with recurrent neural networks", arXiv 1308.0850.

    Example:
        >>> import plait
        >>> w = plait.ones(2, requires_grad=True)
        >>> opt = plait.optim.RMSprop([w], lr=0.01)
        >>> (w * w).sum().backward()
        >>> opt.step()
        >>> [round(x, 4) for x in w.tolist()]
        [0.9, 0.9]
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_hyperparameters(
            "RMSprop",
            lr=(lr, 0, _INF),
            alpha=(alpha, 0, _INF),
            eps=(eps, 0, _INF),
            weight_decay=(weight_decay, 0, _INF),
            momentum=(momentum, 0, _INF),
        )
        check_flags("RMSprop", differentiable)
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "alpha": alpha,
            "eps": eps,
            "centered": centered,
            "weight_decay": weight_decay,
            "capturable": capturable,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def _init_state(self, p: Tensor, state: dict[str, Any], group: dict[str, Any]) -> None:
        state["step"] = new_step()
        state["square_avg"] = _core.zeros_like(p)
        if group["momentum"] > 0:
            state["momentum_buffer"] = _core.zeros_like(p)
        if group["centered"]:
            state["grad_avg"] = _core.zeros_like(p)

    def _step_group(self, group: dict[str, Any]) -> None:
        keys = ["square_avg", "step"]
        if group["centered"]:
            keys.append("grad_avg")
        if group["momentum"] > 0:
            keys.append("momentum_buffer")
        params, square_avgs, steps, *more = self._inputs(group, tuple(keys))
        _core._ops.rmsprop_step(
            params,
            square_avgs,
            more.pop(0) if group["centered"] else [],
            more.pop() if group["momentum"] > 0 else [],
            steps,
            float(group["lr"]),
            float(group["alpha"]),
            float(group["eps"]),
            float(group["weight_decay"]),
            float(group["momentum"]),
            group["maximize"],
        )
