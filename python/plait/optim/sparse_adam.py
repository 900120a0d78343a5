# SPDX-License-Identifier: MIT
"""Adam on sparse gradients."""

from __future__ import annotations

from typing import Any, ClassVar

from .. import _core
from .._core import ArgumentError, Tensor
from ._hyperparameters import at_least, given
from .optimizer import Optimizer, ParamsT

__all__ = ["SparseAdam"]


class SparseAdam(Optimizer):
    """Adam that changes only the elements with an entry in a sparse gradient, and their averages.

    m = beta1 m + (1 - beta1) g and v = beta2 v + (1 - beta2) g^2 at the entries of g, then
    p -= lr sqrt(1 - beta2^t) / (1 - beta1^t) m / (sqrt(v) + eps).

    Args:
        params: tensors or groups; their gradients must be sparse.
        lr: learning rate. Default: 1e-3.
        betas: decay of the averages. Default: (0.9, 0.999).
        eps: added to the denominator. Default: 1e-8.
        maximize: whether to ascend. Default: ``False``.

    Raises:
        ValueError: a hyperparameter out of range.
        RuntimeError: in step, a gradient that is dense.

    Example:
        >>> table = plait.nn.Embedding(10, 2, sparse=True)
        >>> opt = plait.optim.SparseAdam(table.parameters(), lr=0.1)
        >>> before = table.weight.detach().clone()
        >>> table(plait.tensor([3])).sum().backward()
        >>> opt.step()
        >>> (table.weight != before).any(1).nonzero().flatten()
        tensor([3])
    """

    HYPERPARAMETERS: ClassVar = {"lr": at_least(0), "eps": at_least(0)}
    STATE = ("exp_avg", "exp_avg_sq", "step")

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        maximize: bool = False,
    ) -> None:
        if not all(0 <= b < 1 for b in betas):
            raise ArgumentError(f"SparseAdam: expected betas from 0 up to 1, got {betas}")
        super().__init__(params, given(locals()))

    def _step_group(self, group: dict[str, Any]) -> None:
        if _core._ops.with_grad(group["params"]):
            raise RuntimeError(
                "SparseAdam: expected sparse gradients, got a dense one, please consider Adam instead\n"
                "hint: nn.Embedding(..., sparse=True) gives sparse gradients"
            )

    def _step_sparse(self, p: Tensor, grad: Any, group: dict[str, Any]) -> None:
        state = self.state[p]
        if not state:
            self._init_state(p, state, group)
        state["step"] += 1
        t = float(state["step"])
        beta1, beta2 = group["betas"]
        at = tuple(grad._indices())
        g = -grad._values() if group["maximize"] else grad._values()
        m = state["exp_avg"][at].lerp(g, 1 - beta1)
        v = state["exp_avg_sq"][at].lerp(g * g, 1 - beta2)
        state["exp_avg"][at], state["exp_avg_sq"][at] = m, v
        size = float(group["lr"]) * (1 - beta2**t) ** 0.5 / (1 - beta1**t)
        p.detach()[at] -= size * m / (v.sqrt() + group["eps"])
