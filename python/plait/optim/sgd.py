# SPDX-License-Identifier: MIT
"""Stochastic gradient descent."""

from __future__ import annotations

from typing import Any, ClassVar

from .. import _core
from .._core import ArgumentError, Tensor
from ._hyperparameters import at_least, given
from .optimizer import Optimizer, ParamsT, numbers

__all__ = ["SGD"]


class SGD(Optimizer):
    """Gradient descent with momentum, which may be Nesterov's.

    With gradient g (plus ``weight_decay`` * p)::

        b = momentum * b + (1 - dampening) * g        (b = g in a parameter's first step)
        p = p - lr * b                                (Nesterov: p - lr * (g + momentum * b))

    Args:
        params: parameters or parameter groups.
        lr: learning rate, default 1e-3.
        momentum: factor of the running sum of gradients, default 0.
        dampening: share of a new gradient that is left out of the running sum, default 0.
        weight_decay: L2 penalty, default 0.
        nesterov: look one step ahead; needs momentum > 0 and dampening 0.
        maximize: climb instead of descend.
        foreach, fused: accepted for compatibility; the step is always one fused pass over all parameters.
        differentiable: must be False.

    Raises:
        ValueError: a hyperparameter out of range.

    Source: Sutskever et al., "On the importance of initialization and momentum in deep learning", ICML 2013.

    Example:
        >>> import plait
        >>> w = plait.ones(2, requires_grad=True)
        >>> opt = plait.optim.SGD([w], lr=0.1, momentum=0.9)
        >>> (w * w).sum().backward()
        >>> opt.step()
        >>> w.tolist()
        [0.800000011920929, 0.800000011920929]
    """

    HYPERPARAMETERS: ClassVar = {
        "lr": at_least(0),
        "momentum": at_least(0),
        "weight_decay": at_least(0),
    }
    STATE = ("momentum_buffer",)

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ArgumentError(
                f"SGD: expected momentum > 0 and dampening 0 with nesterov, got momentum {momentum} and "
                f"dampening {dampening}"
            )
        super().__init__(params, given(locals()))

    def _step_group(self, group: dict[str, Any]) -> None:
        lr, momentum, dampening, weight_decay = numbers(group, "lr", "momentum", "dampening", "weight_decay")
        fixed = (weight_decay, group["nesterov"], group["maximize"])
        if momentum == 0:
            _core._ops.sgd_step(_core._ops.with_grad(group["params"]), [], lr, 0.0, 0.0, *fixed)
            return
        inputs = _core._optim_inputs(group["params"], self.state, self.STATE)
        if inputs is None:
            inputs = self._first_step(group, lr, momentum, fixed)
        _core._ops.sgd_step(*inputs, lr, momentum, dampening, *fixed)

    def _step_sparse(self, p: Tensor, grad: Any, group: dict[str, Any]) -> None:
        if group["weight_decay"] != 0:
            raise RuntimeError("SGD: expected weight_decay 0 with sparse gradients, got weight decay")
        if group["momentum"] == 0:
            p.detach().add_(grad, alpha=float(group["lr"]) * (1 if group["maximize"] else -1))
            return
        # The momentum of elements without an entry moves on too: the step is dense.
        p.grad = grad.to_dense()
        self._step_group({**group, "params": [p]})
        p.grad = grad

    def _first_step(
        self, group: dict[str, Any], lr: float, momentum: float, fixed: tuple[float, bool, bool]
    ) -> tuple[list[Tensor], list[Tensor]]:
        """Step the parameters that have no buffer yet; return the others with theirs.

        b = g in a parameter's first step: a buffer of zeros without dampening gives just that.
        """
        params = _core._ops.with_grad(group["params"])
        old = [p for p in params if self.state[p].get("momentum_buffer") is not None]
        buffers = [self.state[p]["momentum_buffer"] for p in old]
        new = [p for p in params if self.state[p].get("momentum_buffer") is None]
        for p in new:
            self.state[p]["momentum_buffer"] = _core.zeros_like(p)
        _core._ops.sgd_step(new, [self.state[p]["momentum_buffer"] for p in new], lr, momentum, 0.0, *fixed)
        return old, buffers
