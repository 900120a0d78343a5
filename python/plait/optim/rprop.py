# SPDX-License-Identifier: MIT
"""Rprop."""

from __future__ import annotations

from typing import Any

from .. import _core
from .._core import Tensor
from .optimizer import Optimizer, ParamsT, check_flags, check_hyperparameters, new_step

__all__ = ["Rprop"]

_INF = float("inf")
_STATE = ("prev", "step_size", "step")


class Rprop(Optimizer):
    """Resilient backpropagation: steps whose size follows the sign of the gradient alone. For full batches.

    Each element has its step size s, which grows by eta+ while the gradient keeps its sign. When the sign
    changes, s shrinks by eta-, the element stays, and its gradient counts as 0 in the next step::

        p = p - s * sign(g)

    Args:
        params: parameters or parameter groups.
        lr: the first step size, default 1e-2.
        etas: (eta-, eta+) with 0 < eta- < 1 < eta+, default (0.5, 1.2).
        step_sizes: least and largest step size, default (1e-6, 50).
        maximize: climb instead of descend.
        capturable, foreach: accepted for compatibility; the step is always one fused pass.
        differentiable: must be False.

    Raises:
        ValueError: a hyperparameter out of range.

    Source: Riedmiller and Braun, "A direct adaptive method for faster backpropagation learning: the RPROP
    algorithm", ICNN 1993.

    Example:
        >>> import plait
        >>> w = plait.ones(2, requires_grad=True)
        >>> opt = plait.optim.Rprop([w], lr=0.25)
        >>> (w * w).sum().backward()
        >>> opt.step()
        >>> w.tolist()
        [0.75, 0.75]
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50),
        *,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_hyperparameters("Rprop", lr=(lr, 0, _INF))
        if not 0 < etas[0] < 1 < etas[1]:
            raise ValueError(f"Rprop: expected etas with 0 < eta- < 1 < eta+, got {etas}")
        check_flags("Rprop", differentiable)
        defaults = {
            "lr": lr,
            "etas": etas,
            "step_sizes": step_sizes,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults)

    def _init_state(self, p: Tensor, state: dict[str, Any], group: dict[str, Any]) -> None:
        state["step"] = new_step()
        state["prev"] = _core.zeros_like(p)
        state["step_size"] = _core.full_like(p, float(group["lr"])).detach()

    def _step_group(self, group: dict[str, Any]) -> None:
        _core._ops.rprop_step(
            *self._inputs(group, _STATE),
            float(group["etas"][0]),
            float(group["etas"][1]),
            float(group["step_sizes"][0]),
            float(group["step_sizes"][1]),
            group["maximize"],
        )
