# SPDX-License-Identifier: MIT
"""Adagrad."""

from __future__ import annotations

from typing import Any, ClassVar

from .. import _core
from .._core import Tensor
from ._hyperparameters import at_least, given
from .optimizer import Optimizer, ParamsT, numbers

__all__ = ["Adagrad"]


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

    HYPERPARAMETERS: ClassVar = {
        "lr": at_least(0),
        "lr_decay": at_least(0),
        "weight_decay": at_least(0),
        "initial_accumulator_value": at_least(0),
        "eps": at_least(0),
    }
    STATE = ("sum", "step")

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
        super().__init__(params, given(locals()))
        for group in self.param_groups:
            for p in group["params"]:
                self._init_state(p, self.state[p], group)

    def _init_state(self, p: Tensor, state: dict[str, Any], group: dict[str, Any]) -> None:
        super()._init_state(p, state, group)
        state["sum"].fill_(group["initial_accumulator_value"])

    def share_memory(self) -> None:
        """Move the state to memory that forked processes see."""
        from .._shared_memory import share

        share(t for state in self.state.values() for t in state.values() if isinstance(t, Tensor))

    def _step_sparse(self, p: Tensor, grad: Any, group: dict[str, Any]) -> None:
        lr, lr_decay, eps, weight_decay = numbers(group, "lr", "lr_decay", "eps", "weight_decay")
        if weight_decay != 0:
            raise RuntimeError("Adagrad: expected weight_decay 0 with sparse gradients, got weight decay")
        state = self.state[p]
        state["step"] += 1
        at = tuple(grad._indices())
        g = -grad._values() if group["maximize"] else grad._values()
        total = state["sum"][at] + g * g
        state["sum"][at] = total
        p.detach()[at] -= lr / (1 + (float(state["step"]) - 1) * lr_decay) * g / (total.sqrt() + eps)

    def _step_group(self, group: dict[str, Any]) -> None:
        hyper = numbers(group, "lr", "lr_decay", "eps", "weight_decay")
        _core._ops.adagrad_step(*self._inputs(group), *hyper, group["maximize"])
