# SPDX-License-Identifier: MIT
"""Rprop."""

from __future__ import annotations

from typing import Any, ClassVar

from .. import _core
from .._core import Tensor
from ._hyperparameters import Rule, at_least, given
from .optimizer import Optimizer, ParamsT, numbers

__all__ = ["Rprop"]


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

    HYPERPARAMETERS: ClassVar = {
        "lr": at_least(0),
        "etas": Rule("with 0 < eta- < 1 < eta+", lambda etas: 0 < etas[0] < 1 < etas[1]),
    }
    STATE = ("prev", "step_size", "step")

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
        super().__init__(params, given(locals()))

    def _init_state(self, p: Tensor, state: dict[str, Any], group: dict[str, Any]) -> None:
        super()._init_state(p, state, group)
        state["step_size"].fill_(float(group["lr"]))

    def _step_group(self, group: dict[str, Any]) -> None:
        hyper = numbers(group, "etas", "step_sizes")
        _core._ops.rprop_step(*self._inputs(group), *hyper, group["maximize"])
