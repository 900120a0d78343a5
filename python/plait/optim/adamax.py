# SPDX-License-Identifier: MIT
"""Adamax."""

from __future__ import annotations

from typing import Any, ClassVar

from .. import _core
from .._core import Tensor
from ._hyperparameters import at_least, given, within
from .optimizer import Optimizer, ParamsT, numbers

__all__ = ["Adamax"]


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

    HYPERPARAMETERS: ClassVar = {
        "lr": at_least(0),
        "betas": {"beta1": within(0, 1), "beta2": within(0, 1)},
        "eps": at_least(0),
        "weight_decay": at_least(0),
    }
    STATE = ("exp_avg", "exp_inf", "step")

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
        super().__init__(params, given(locals()))

    def _step_group(self, group: dict[str, Any]) -> None:
        hyper = numbers(group, "lr", "betas", "eps", "weight_decay")
        _core._ops.adamax_step(*self._inputs(group), *hyper, group["maximize"])
