# SPDX-License-Identifier: MIT
"""Adam and AdamW."""

from __future__ import annotations

from typing import Any, ClassVar

from .. import _core
from .._core import Tensor
from ._hyperparameters import at_least, given, within
from .optimizer import Optimizer, ParamsT, numbers

__all__ = ["Adam", "AdamW"]


class Adam(Optimizer):
    """Adam: steps scaled by running averages of the gradient and of its square.

    With gradient g (plus ``weight_decay`` * p) at step t::

        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g^2
        p = p - lr / (1 - beta1^t) * m / (sqrt(v / (1 - beta2^t)) + eps)

    ``amsgrad`` puts the largest v so far in the place of v.

    Args:
        params: parameters or parameter groups.
        lr: learning rate, default 1e-3.
        betas: (beta1, beta2), each in [0, 1), default (0.9, 0.999).
        eps: added to the denominator, default 1e-8.
        weight_decay: L2 penalty, default 0.
        amsgrad: never let the denominator shrink.
        maximize: climb instead of descend.
        decoupled_weight_decay: shrink p by lr * weight_decay instead of adding to the gradient (AdamW).
        foreach, capturable, fused: accepted for compatibility; the step is always one fused pass.
        differentiable: must be False.

    Raises:
        ValueError: a hyperparameter out of range.

    Source: Kingma and Ba, "Adam: a method for stochastic optimization", ICLR 2015; amsgrad: Reddi et al., "On
    the convergence of Adam and beyond", ICLR 2018.

    Example:
        >>> import plait
        >>> w = plait.ones(2, requires_grad=True)
        >>> opt = plait.optim.Adam([w], lr=0.5)
        >>> (w * w).sum().backward()
        >>> opt.step()
        >>> [round(x, 4) for x in w.tolist()]
        [0.5, 0.5]
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
        amsgrad: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ) -> None:
        super().__init__(params, given(locals()))

    def _state_names(self, group: dict[str, Any]) -> tuple[str, ...]:
        return (*self.STATE, "max_exp_avg_sq") if group["amsgrad"] else self.STATE

    def _step_group(self, group: dict[str, Any]) -> None:
        params, averages, squares, steps, *more = self._inputs(group)
        largest = more[0] if more else []
        hyper = numbers(group, "lr", "betas", "eps", "weight_decay")
        flags = (group["decoupled_weight_decay"], group["maximize"])
        _core._ops.adam_step(params, averages, squares, largest, steps, *hyper, *flags)


class AdamW(Adam):
    """Adam with decoupled weight decay: p shrinks by lr * weight_decay, apart from the gradient.

    The arguments are those of :class:`Adam`, without ``decoupled_weight_decay``; ``weight_decay`` is 0.01 by
    default.

    Args:
        foreach: accepted; all tensors are taken in one pass anyway.

    Raises:
        ValueError: a hyperparameter out of range.

    Source: Loshchilov and Hutter, "Decoupled weight decay regularization", ICLR 2019.

    Example:
        >>> import plait
        >>> w = plait.ones(2, requires_grad=True)
        >>> opt = plait.optim.AdamW([w], lr=0.1, weight_decay=0.5)
        >>> (w * w).sum().backward()
        >>> opt.step()
        >>> [round(x, 4) for x in w.tolist()]
        [0.85, 0.85]
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        super().__init__(**given(locals()), params=params, decoupled_weight_decay=True)
