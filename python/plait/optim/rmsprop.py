# SPDX-License-Identifier: MIT
"""RMSprop."""

from __future__ import annotations

from typing import Any, ClassVar

from .. import _core
from .._core import Tensor
from ._hyperparameters import at_least, given
from .optimizer import Optimizer, ParamsT, numbers

__all__ = ["RMSprop"]


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

    HYPERPARAMETERS: ClassVar = {
        "lr": at_least(0),
        "alpha": at_least(0),
        "eps": at_least(0),
        "weight_decay": at_least(0),
        "momentum": at_least(0),
    }
    STATE = ("square_avg", "step")

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
        super().__init__(params, given(locals()))

    def _state_names(self, group: dict[str, Any]) -> tuple[str, ...]:
        averages = ("grad_avg",) if group["centered"] else ()
        buffers = ("momentum_buffer",) if group["momentum"] > 0 else ()
        return (*self.STATE, *averages, *buffers)

    def _step_group(self, group: dict[str, Any]) -> None:
        params, square_avgs, steps, *more = self._inputs(group)
        grad_avgs = more.pop(0) if group["centered"] else []
        buffers = more.pop() if more else []
        hyper = numbers(group, "lr", "alpha", "eps", "weight_decay", "momentum")
        _core._ops.rmsprop_step(params, square_avgs, grad_avgs, buffers, steps, *hyper, group["maximize"])
