# SPDX-License-Identifier: MIT
"""Adadelta."""

from __future__ import annotations

from typing import Any, ClassVar

from .. import _core
from .._core import Tensor
from ._hyperparameters import at_least, between, given
from .optimizer import Optimizer, ParamsT, numbers

__all__ = ["Adadelta"]


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

    HYPERPARAMETERS: ClassVar = {
        "lr": at_least(0),
        "rho": between(0, 1),
        "eps": at_least(0),
        "weight_decay": at_least(0),
    }
    STATE = ("square_avg", "acc_delta", "step")

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
        super().__init__(params, given(locals()))

    def _step_group(self, group: dict[str, Any]) -> None:
        hyper = numbers(group, "lr", "rho", "eps", "weight_decay")
        _core._ops.adadelta_step(*self._inputs(group), *hyper, group["maximize"])
