# SPDX-License-Identifier: MIT
"""Adafactor."""

from __future__ import annotations

from typing import Any, ClassVar

from .. import _core
from .._core import Tensor
from .._tensor import finfo
from ..autograd.grad_mode import no_grad
from ._hyperparameters import at_least, at_most, given, optional
from .optimizer import Optimizer, ParamsT

__all__ = ["Adafactor"]


class Adafactor(Optimizer):
    """Adaptive steps with little memory: of a matrix's second moments only row and column means are kept.

    With gradient g at step t, weight w = t^beta2_decay, and RMS(x) = sqrt(mean(x^2))::

        R = R + w * (mean of g^2 along rows - R);   C = C + w * (mean along columns - C)
        u = g / sqrt(R C / mean(R))                 for vectors: g / sqrt(V), V the mean of g^2 over time
        s = max(eps2, RMS(p)) * min(lr, 1 / sqrt(t))
        p = p * (1 - lr * weight_decay) - s * u / max(1, RMS(u) / d)

    Args:
        params: parameters or parameter groups.
        lr: upper bound of the relative step, default 1e-2.
        beta2_decay: exponent of the weight of new gradients, <= 0, default -0.8.
        eps: (eps1, eps2): the floor of the root of the second moments, default the dtype's epsilon; and of
            RMS(p), default 1e-3.
        d: bound on RMS(u), default 1.
        weight_decay: share of p that is taken away in each step times lr, default 0.
        foreach: accepted for compatibility.
        maximize: climb instead of descend.

    Raises:
        ValueError: a hyperparameter out of range.

    Source: Shazeer and Stern, "Adafactor: adaptive learning rates with sublinear memory cost", ICML 2018.

    Example:
        >>> import plait
        >>> w = plait.ones(3, 4, requires_grad=True)
        >>> opt = plait.optim.Adafactor([w])
        >>> (w * w).sum().backward()
        >>> opt.step()
        >>> opt.state[w]["row_var"].shape
        plait.Size([3, 1])
    """

    HYPERPARAMETERS: ClassVar = {
        "lr": at_least(0),
        "beta2_decay": at_most(0),
        "eps": {"eps1": optional(at_least(0)), "eps2": at_least(0)},
        "d": at_least(1),
        "weight_decay": at_least(0),
    }

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-2,
        beta2_decay: float = -0.8,
        eps: tuple[float | None, float] = (None, 1e-3),
        d: float = 1.0,
        weight_decay: float = 0.0,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, given(locals()))

    def _init_state(self, p: Tensor, state: dict[str, Any], group: dict[str, Any]) -> None:
        state["step"] = _core.zeros((), dtype=_core.float32)
        if p.dim() > 1:
            state["row_var"] = _core.zeros(*p.shape[:-1], 1, dtype=p.dtype)
            state["col_var"] = _core.zeros(*p.shape[:-2], 1, p.shape[-1], dtype=p.dtype)
        else:
            state["variance"] = _core.zeros_like(p)

    def _step_group(self, group: dict[str, Any]) -> None:
        with no_grad():
            for p in _core._ops.with_grad(group["params"]):
                state = self.state[p]
                if not state:
                    self._init_state(p, state, group)
                self._update(p, state, group)

    def _update(self, p: Tensor, state: dict[str, Any], group: dict[str, Any]) -> None:
        g = -p.grad if group["maximize"] else p.grad
        lr = float(group["lr"])
        eps1, eps2 = group["eps"]
        eps1 = finfo(p.dtype).eps if eps1 is None else eps1
        state["step"] += 1
        t = float(state["step"])
        weight = t ** group["beta2_decay"]
        size = p.numel() ** 0.5
        rate = max(eps2, float(p.norm()) / size) * min(lr, t**-0.5) if size else 0.0
        if group["weight_decay"] != 0:
            p.mul_(1 - lr * group["weight_decay"])
        square = g * g
        if p.dim() > 1:
            rows, columns = state["row_var"], state["col_var"]
            rows.lerp_(square.mean(-1, keepdim=True), weight)
            columns.lerp_(square.mean(-2, keepdim=True), weight)
            moment = rows * columns / rows.mean(-2, keepdim=True).clamp(min=eps1)
        else:
            moment = state["variance"].lerp_(square, weight)
        update = g * moment.clamp(min=eps1 * eps1).rsqrt()
        clip = max(1.0, float(update.norm()) / (size * group["d"])) if size else 1.0
        p.add_(update, alpha=-rate / clip)
