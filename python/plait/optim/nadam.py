# SPDX-License-Identifier: MIT
"""NAdam."""

from __future__ import annotations

from typing import Any, ClassVar

from .. import _core
from .._core import Tensor
from ._hyperparameters import at_least, given, within
from .optimizer import Optimizer, ParamsT, numbers

__all__ = ["NAdam"]


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

    HYPERPARAMETERS: ClassVar = {
        "lr": at_least(0),
        "betas": {"beta1": within(0, 1), "beta2": within(0, 1)},
        "eps": at_least(0),
        "weight_decay": at_least(0),
        "momentum_decay": at_least(0),
    }
    STATE = ("exp_avg", "exp_avg_sq", "mu_product", "step")

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
        super().__init__(params, given(locals()))

    def _init_state(self, p: Tensor, state: dict[str, Any], group: dict[str, Any]) -> None:
        super()._init_state(p, state, group)
        state["mu_product"] = _core.ones((), dtype=_core.float32)

    def _step_group(self, group: dict[str, Any]) -> None:
        hyper = numbers(group, "lr", "betas", "eps", "weight_decay", "momentum_decay")
        _core._ops.nadam_step(*self._inputs(group), *hyper, group["decoupled_weight_decay"], group["maximize"])
