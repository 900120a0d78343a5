# SPDX-License-Identifier: MIT
"""Jacobians, Hessians and products with them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .._core import ArgumentError, Tensor, ones_like, stack, zeros_like
from .grad_mode import enable_grad
from .run import grad

__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]


def _as_tuple(x: Any) -> tuple[tuple[Tensor, ...], bool]:
    return (tuple(x), True) if isinstance(x, tuple | list) else ((x,), False)


def _leaves(xs: tuple[Tensor, ...], create_graph: bool) -> tuple[Tensor, ...]:
    return tuple(x.view_as(x) if create_graph and x.requires_grad else x.detach().requires_grad_() for x in xs)


def _results(output: Any, create_graph: bool) -> Any:
    if create_graph:
        return output
    return tuple(y.detach() for y in output) if isinstance(output, tuple | list) else output.detach()


def jacobian(
    func: Callable[..., Any], inputs: Tensor | tuple[Tensor, ...], create_graph: bool = False, strict: bool = False
) -> Any:
    """The Jacobian of ``func`` at ``inputs``: shape ``output.shape + input.shape``, nested in tuples like them.

    Args:
        create_graph: whether the result can be differentiated. Default: ``False``.
        strict: whether an output that does not depend on an input is an error. Default: ``False``.

    Example:
        >>> plait.autograd.functional.jacobian(lambda x: x * x, plait.tensor([1.0, 2.0]))
        tensor([[2., 0.],
                [0., 4.]])
    """
    xs, many_inputs = _as_tuple(inputs)
    with enable_grad():
        xs = _leaves(xs, create_graph)
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
    """The Hessian of a scalar ``func`` at ``inputs``.

    Args:
        create_graph: whether the result can be differentiated. Default: ``False``.
        strict: whether an output that does not depend on an input is an error. Default: ``False``.

    Example:
        >>> import plait
        >>> plait.autograd.functional.hessian(lambda x: (x**3).sum(), plait.tensor([1.0, 2.0]))
        tensor([[ 6.,  0.],
                [ 0., 12.]])
    """
    _, many = _as_tuple(inputs)

    def first(*xs: Tensor) -> Any:
        with enable_grad():
            gs = grad(func(*xs), xs, create_graph=True, allow_unused=True)
        gs = tuple(zeros_like(x) if g is None else g for g, x in zip(gs, xs))
        return gs if many else gs[0]

    return jacobian(first, inputs, create_graph=create_graph, strict=strict)


def vjp(
    func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """``func(inputs)`` and the product of ``v`` with its Jacobian.

    Args:
        create_graph: whether the result can be differentiated. Default: ``False``.
        strict: whether an output that does not depend on an input is an error. Default: ``False``.

    Returns:
        The function's value and the product, of the shape of the inputs.

    Example:
        >>> plait.autograd.functional.vjp(lambda x: x * x, plait.tensor([1.0, 2.0]), plait.tensor([1.0, 1.0]))
        (tensor([1., 4.]), tensor([2., 4.]))
    """
    xs, many = _as_tuple(inputs)
    with enable_grad():
        xs = _leaves(xs, create_graph)
        output = func(*xs)
        gs = grad(output, xs, v, create_graph=create_graph, allow_unused=not strict, materialize_grads=True)
    return _results(output, create_graph), (gs if many else gs[0])


def jvp(
    func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """``func(inputs)`` and the product of its Jacobian with ``v``, by differentiating the product from the left.

    Args:
        create_graph: whether the result can be differentiated. Default: ``False``.
        strict: whether an output that does not depend on an input is an error. Default: ``False``.

    Returns:
        The function's value and the product, of the shape of the outputs.

    Raises:
        ValueError: ``v`` does not have the shapes of the inputs.

    Example:
        >>> plait.autograd.functional.jvp(lambda x: x * x, plait.tensor([1.0, 2.0]), plait.tensor([1.0, 0.0]))
        (tensor([1., 4.]), tensor([2., 0.]))
    """
    xs, _ = _as_tuple(inputs)
    vs = _as_tuple(v)[0] if v is not None else tuple(ones_like(x) for x in xs)
    if len(vs) != len(xs) or any(a.shape != x.shape for a, x in zip(vs, xs)):
        raise ArgumentError(
            f"jvp: expected v of shapes {[tuple(x.shape) for x in xs]}, got {[tuple(a.shape) for a in vs]}"
        )
    if v is None and not all(x.numel() == 1 for x in xs):
        raise ArgumentError("jvp: expected v, which may be left out for one input of one element only")
    with enable_grad():
        xs = _leaves(xs, create_graph)
        output = func(*xs)
        ys, many = _as_tuple(output)
        # v^T J is linear in the seeds: its derivative by them, times v, is J v.
        seeds = tuple(zeros_like(y).requires_grad_() for y in ys)
        gs = grad(ys, xs, seeds, create_graph=True, allow_unused=not strict, materialize_grads=True)
        if any(g.requires_grad for g in gs):
            ts = grad(gs, seeds, vs, create_graph=create_graph, allow_unused=True, materialize_grads=True)
        else:
            ts = tuple(zeros_like(y) for y in ys)
    return _results(output, create_graph), (ts if many else ts[0])


def vhp(
    func: Callable[..., Tensor], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """``func(inputs)``, a scalar, and the product of ``v`` with its Hessian.

    Args:
        create_graph: whether the result can be differentiated. Default: ``False``.
        strict: whether an output that does not depend on an input is an error. Default: ``False``.

    Returns:
        The function's value and the product, of the shape of the inputs.

    Example:
        >>> import plait
        >>> plait.autograd.functional.vhp(lambda x: (x**3).sum(), plait.tensor([1.0, 2.0]), plait.ones(2))[1]
        tensor([ 6., 12.])
    """
    xs, many = _as_tuple(inputs)
    vs = _as_tuple(v)[0] if v is not None else tuple(ones_like(x) for x in xs)
    with enable_grad():
        xs = _leaves(xs, create_graph)
        output = func(*xs)
        gs = grad(output, xs, create_graph=True, allow_unused=not strict, materialize_grads=True)
        used = [(g, a) for g, a in zip(gs, vs) if g.requires_grad]
        if used:
            firsts, seeds = zip(*used)
            hs = grad(firsts, xs, seeds, create_graph=create_graph, allow_unused=True, materialize_grads=True)
        else:
            hs = tuple(zeros_like(x) for x in xs)
    return _results(output, create_graph), (hs if many else hs[0])


def hvp(
    func: Callable[..., Tensor], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """``func(inputs)``, a scalar, and the product of its Hessian, which is symmetric, with ``v``.

    Args:
        create_graph: whether the result can be differentiated. Default: ``False``.
        strict: whether an output that does not depend on an input is an error. Default: ``False``.

    Returns:
        The function's value and the product, of the shape of the inputs.

    Example:
        >>> import plait
        >>> plait.autograd.functional.hvp(lambda x: (x**3).sum(), plait.tensor([1.0, 2.0]), plait.ones(2))[1]
        tensor([ 6., 12.])
    """
    return vhp(func, inputs, v, create_graph, strict)
