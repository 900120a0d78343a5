# SPDX-License-Identifier: MIT
"""Floating-point operations of matrix products, convolutions and attention, counted while a program runs."""

from __future__ import annotations

import math
from typing import Any

from plait import Tensor
from plait.overrides import TorchFunctionMode

__all__ = ["FlopCounterMode"]


def _product(a: Tensor, b: Tensor, result: Tensor) -> int:
    return 2 * result.numel() * a.shape[-1]


def _linear(x: Tensor, weight: Tensor, result: Tensor) -> int:
    return 2 * result.numel() * weight.shape[-1]


def _convolution(x: Tensor, weight: Tensor, result: Tensor) -> int:
    return 2 * result.numel() * math.prod(weight.shape[1:])


def _transposed(x: Tensor, weight: Tensor, result: Tensor) -> int:
    return 2 * x.numel() * math.prod(weight.shape[1:])


_COUNTS = {
    **dict.fromkeys(("matmul", "mm", "bmm", "mv", "__matmul__"), _product),
    "linear": _linear,
    **dict.fromkeys(("conv1d", "conv2d", "conv3d"), _convolution),
    **dict.fromkeys(("conv_transpose1d", "conv_transpose2d", "conv_transpose3d"), _transposed),
}


class FlopCounterMode(TorchFunctionMode):
    """Count while the context is open; two operations for a multiplication and an addition.

    Calls are seen where Python makes them: those of ``backward`` are not counted.

    Args:
        mods: accepted; there is one total.
        depth: accepted.
        display: whether to print the total at the end. Default: ``True``.
        custom_mapping: functions of (arguments..., out_val) by op, for ops that are not counted.
    """

    def __init__(self, mods: Any = None, depth: int = 2, display: bool = True, custom_mapping: Any = None) -> None:
        self.display = display
        self.custom_mapping = custom_mapping or {}
        self.flop_counts: dict[str, dict[str, int]] = {"Global": {}}

    def get_total_flops(self) -> int:
        """The operations so far."""
        return sum(self.flop_counts["Global"].values())

    def get_flop_counts(self) -> dict[str, dict[str, int]]:
        """The operations by op."""
        return self.flop_counts

    def __exit__(self, *error: Any) -> None:
        super().__exit__(*error)
        if self.display:
            print(f"Total: {self.get_total_flops()} FLOP")

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        name = getattr(func, "__name__", "")
        counts = self.flop_counts["Global"]
        if func in self.custom_mapping:
            counts[name] = counts.get(name, 0) + self.custom_mapping[func](*args, **(kwargs or {}), out_val=result)
        elif name in _COUNTS:
            operands = [*args, *(kwargs or {}).values()]
            counts[name] = counts.get(name, 0) + _COUNTS[name](operands[0], operands[1], result)
        elif name == "scaled_dot_product_attention":
            q, k, v = args[:3] if len(args) >= 3 else [kwargs[n] for n in ("query", "key", "value")]
            each = 2 * math.prod(q.shape[:-1]) * k.shape[-2] * (q.shape[-1] + v.shape[-1])
            counts[name] = counts.get(name, 0) + each
        return result
