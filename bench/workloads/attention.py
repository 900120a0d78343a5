# SPDX-License-Identifier: MIT
"""Scaled dot-product attention."""

from __future__ import annotations

from typing import Any

from . import Case, Data, workload


# Two products of which a causal mask needs half.
@workload("op", "causal attention, 8 x 1024 x 64", flops=2 * 8 * 1024 * 1024 * 64)
def causal(torch: Any, data: Data) -> Case:
    q, k, v = (data.normal(1, 8, 1024, 64) for _ in range(3))
    return Case(lambda: torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True))
