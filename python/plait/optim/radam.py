# SPDX-License-Identifier: MIT
"""RAdam."""

from __future__ import annotations

from typing import Any, ClassVar

from .. import _core
from .._core import Tensor
from ._hyperparameters import at_least, given, within
from .optimizer import Optimizer, ParamsT, numbers

__all__ = ["RAdam"]


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

    HYPERPARAMETERS: ClassVar = {
        "lr": at_least(0),
        "betas": {"beta1": within(0, 1), "beta2": within(0, 1)},
        "eps": at_least(0),
        "weight_decay": at_least(0),
    }
    STATE = ("exp_avg", "exp_avg_sq", "step")

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
        super().__init__(params, given(locals()))

    def _step_group(self, group: dict[str, Any]) -> None:
        hyper = numbers(group, "lr", "betas", "eps", "weight_decay")
        _core._ops.radam_step(*self._inputs(group), *hyper, group["decoupled_weight_decay"], group["maximize"])
