# SPDX-License-Identifier: MIT
"""Muon."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from .. import _core
from .._core import ArgumentError, Tensor
from ..autograd.grad_mode import no_grad
from ._hyperparameters import at_least, given, one_of, within
from .optimizer import Optimizer, ParamsT

__all__ = ["Muon"]


class Muon(Optimizer):
    """Momentum whose matrix is made nearly orthogonal before the step. For the matrices inside a network.

    With gradient g::

        b = b + (1 - momentum) * (g - b)
        u = orthogonalise(b)                  (Nesterov: of g + momentum * (b - g))
        p = p * (1 - lr * weight_decay) - lr * s * u

    The singular values of u are near 1: X = b / |b|, then ``ns_steps`` times X = a X + (b A + c A^2) X with
    A = X X^T, in the dtype of the parameter. Vectors, embeddings and the last layer are better left to AdamW.

    Args:
        params: matrices, or parameter groups of matrices.
        lr: learning rate, default 1e-3.
        weight_decay: decoupled, default 0.1.
        momentum: default 0.95.
        nesterov: look one step ahead, default True.
        ns_coefficients: (a, b, c) of the iteration.
        eps: least norm to divide by, default 1e-7.
        ns_steps: iterations, below 100, default 5.
        adjust_lr_fn: the scale s: "original" (default): sqrt(max(1, rows / columns)); "match_rms_adamw":
            0.2 * sqrt(max(rows, columns)).

    Raises:
        ValueError: a parameter that is no matrix, or a hyperparameter out of range.

    Source: Jordan et al., "Muon: an optimizer for hidden layers in neural networks", 2024.

    Example:
        >>> import plait
        >>> w = plait.eye(2, requires_grad=True)
        >>> opt = plait.optim.Muon([w], lr=0.1, weight_decay=0)
        >>> (w * w).sum().backward()
        >>> opt.step()
        >>> bool((w.diagonal() < 1).all())
        True
    """

    HYPERPARAMETERS: ClassVar = {
        "lr": at_least(0),
        "weight_decay": at_least(0),
        "momentum": at_least(0),
        "eps": at_least(0),
        "ns_steps": within(0, 100),
        "adjust_lr_fn": one_of(None, "original", "match_rms_adamw"),
    }
    STATE = ("momentum_buffer",)

    def __init__(
        self,
        params: ParamsT,
        lr: float = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_coefficients: tuple[float, float, float] = (3.4445, -4.775, 2.0315),
        eps: float = 1e-7,
        ns_steps: int = 5,
        adjust_lr_fn: str | None = None,
    ) -> None:
        super().__init__(params, given(locals()))

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        super().add_param_group(param_group)
        for p in self.param_groups[-1]["params"]:
            if p.dim() != 2:
                self.param_groups.pop()
                raise ArgumentError(f"Muon: expected matrices, got a parameter of shape {tuple(p.shape)}")

    def _step_group(self, group: dict[str, Any]) -> None:
        with no_grad():
            for p in _core._ops.with_grad(group["params"]):
                state = self.state[p]
                if not state:
                    state["momentum_buffer"] = _core.zeros_like(p)
                self._update(p, state["momentum_buffer"], group)

    def _update(self, p: Tensor, buffer: Tensor, group: dict[str, Any]) -> None:
        g, lr, momentum = p.grad, float(group["lr"]), group["momentum"]
        buffer.lerp_(g, 1 - momentum)
        update = g.lerp(buffer, momentum) if group["nesterov"] else buffer
        rows, columns = p.shape
        if group["adjust_lr_fn"] == "match_rms_adamw":
            scale = 0.2 * math.sqrt(max(rows, columns))
        else:
            scale = math.sqrt(max(1.0, rows / columns)) if columns else 1.0
        p.mul_(1 - lr * group["weight_decay"])
        p.add_(_orthogonalise(update, group), alpha=-lr * scale)


def _orthogonalise(x: Tensor, group: dict[str, Any]) -> Tensor:
    """The matrix with the singular vectors of x and singular values near 1."""
    a, b, c = group["ns_coefficients"]
    tall = x.shape[0] > x.shape[1]
    x = x.t() if tall else x  # the smaller product of the two
    x = x / x.norm().clamp(min=group["eps"])
    for _ in range(group["ns_steps"]):
        gram = x @ x.t()
        x = a * x + (b * gram + c * (gram @ gram)) @ x
    return x.t() if tall else x
