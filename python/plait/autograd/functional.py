# SPDX-License-Identifier: MIT
"""Jacobians, Hessians and products with them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .._core import Tensor, stack, zeros_like
from .grad_mode import enable_grad
from .run import grad

__all__ = ["hessian", "jacobian", "vjp"]


def _as_tuple(x: Any) -> tuple[tuple[Tensor, ...], bool]:
    return (tuple(x), True) if isinstance(x, tuple | list) else ((x,), False)


def jacobian(
    func: Callable[..., Any], inputs: Tensor | tuple[Tensor, ...], create_graph: bool = False, strict: bool = False
) -> Any:
    """The Jacobian of ``func`` at ``inputs``: shape ``output.shape + input.shape``, nested in tuples like them.

    Example:
        >>> plait.autograd.functional.jacobian(lambda x: x * x, plait.tensor([1.0, 2.0]))
        tensor([[2., 0.],
                [0., 4.]])
    """
    xs, many_inputs = _as_tuple(inputs)
    with enable_grad():
        xs = tuple(x.view_as(x) if create_graph and x.requires_grad else x.detach().requires_grad_() for x in xs)
        ys, many_outputs = _as_tuple(func(*xs))
        rows: list[Any] = []
        for y in ys:
            flat = y.reshape(-1)
            per_input: list[list[Tensor]] = [[] for _ in xs]
            for i in range(flat.numel()):
                gs = grad(flat[i], xs, retain_graph=True, create_graph=create_graph, allow_unused=not strict)
                for k, g in enumerate(gs):
                    per_input[k].append(zeros_like(xs[k]) if g is None else g)
            blocks = tuple(
                (stack(p) if p else zeros_like(x)[None][:0]).reshape(*y.shape, *x.shape) for p, x in zip(per_input, xs)
            )
            rows.append(blocks if many_inputs else blocks[0])
    return tuple(rows) if many_outputs else rows[0]


def hessian(
    func: Callable[..., Tensor], inputs: Tensor | tuple[Tensor, ...], create_graph: bool = False, strict: bool = False
) -> Any:
    """The Hessian of a scalar ``func`` at ``inputs``."""
    _, many = _as_tuple(inputs)

    def first(*xs: Tensor) -> Any:
        with enable_grad():
            gs = grad(func(*xs), xs, create_graph=True, allow_unused=True)
        gs = tuple(zeros_like(x) if g is None else g for g, x in zip(gs, xs))
        return gs if many else gs[0]

    return jacobian(first, inputs, create_graph=create_graph, strict=strict)


def vjp(
    func: Callable[..., Any], inputs: Tensor | tuple[Tensor, ...], v: Any = None, create_graph: bool = False
) -> tuple[Any, Any]:
    """``func(inputs)`` and the product of ``v`` with its Jacobian."""
    xs, many = _as_tuple(inputs)
    with enable_grad():
        xs = tuple(x.detach().requires_grad_() for x in xs)
        output = func(*xs)
        gs = grad(output, xs, v, create_graph=create_graph, allow_unused=True, materialize_grads=True)
    return output, (gs if many else gs[0])
