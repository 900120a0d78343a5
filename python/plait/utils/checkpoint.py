# SPDX-License-Identifier: MIT
"""Activation checkpointing: keep the inputs of a part of the model and compute it again in backward."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .. import _core
from .._core import ArgumentError, Tensor
from ..autograd import Function, backward
from ..autograd.grad_mode import enable_grad, no_grad
from ..random import get_rng_state, set_rng_state

__all__ = ["checkpoint", "checkpoint_sequential"]


class _Recompute(Function):
    """Run a function without a graph; backward runs it again with one and goes through that.

    Inputs: the function with its arguments that are no tensors, a tensor that asks for a gradient so that
    backward comes here even if no input does (the function may hold parameters), and the tensors.
    """

    @staticmethod
    def forward(ctx: Any, run: Callable[..., Any], keep_random: bool, _: Tensor, *tensors: Any) -> Any:
        ctx.run = run
        ctx.random_state = get_rng_state() if keep_random else None
        ctx.save_for_backward(*tensors)
        with no_grad():
            return run(*tensors)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> tuple[Any, ...]:
        inputs = []
        for t in ctx.saved_tensors:
            copy = t.detach()
            inputs.append(copy.requires_grad_(t.requires_grad))
        state = None
        if ctx.random_state is not None:
            state = get_rng_state()
            set_rng_state(ctx.random_state)
        try:
            with enable_grad():
                results = ctx.run(*inputs)
        finally:
            if state is not None:
                set_rng_state(state)
        results = results if isinstance(results, tuple) else (results,)
        pairs = [(y, g) for y, g in zip(results, grads) if isinstance(y, Tensor) and y.requires_grad and g is not None]
        if pairs:
            backward([y for y, _ in pairs], [g for _, g in pairs])
        return (None, None, None, *(x.grad for x in inputs))


def checkpoint(
    function: Callable[..., Any],
    *args: Any,
    use_reentrant: bool | None = None,
    preserve_rng_state: bool = True,
    context_fn: Any = None,
    determinism_check: str = "default",
    debug: bool = False,
    **kwargs: Any,
) -> Any:
    """Compute ``function(*args, **kwargs)`` without keeping what its backward needs.

    Backward computes the function again, with the same random numbers, so memory is traded for time.

    Args:
        function: any function of tensors and other things; it may use parameters. It must not have effects
            that a second call would spoil.
        args, kwargs: its arguments. Gradients flow to tensors among ``args`` and to parameters.
        preserve_rng_state: draw the same random numbers in the second run (dropout), default True.
        use_reentrant, context_fn, determinism_check, debug: accepted.

    Returns:
        The result of the function: a tensor or a tuple.

    Source: Chen et al., "Training deep nets with sublinear memory cost", arXiv 1604.06174.

    Example:
        >>> import plait
        >>> from plait.utils.checkpoint import checkpoint
        >>> x = plait.ones(2, requires_grad=True)
        >>> checkpoint(lambda t: t.exp().sum(), x).backward()
        >>> bool((x.grad == x.detach().exp()).all())
        True
    """
    if not _core.is_grad_enabled():
        return function(*args, **kwargs)
    is_tensor = [isinstance(a, Tensor) for a in args]

    def run(*tensors: Any) -> Any:
        rest = iter(tensors)
        return function(*(next(rest) if t else a for a, t in zip(args, is_tensor)), **kwargs)

    tensors = [a for a, t in zip(args, is_tensor) if t]
    args = tuple(None if t else a for a, t in zip(args, is_tensor))
    reason = _core.empty(0, requires_grad=True)
    return _Recompute.apply(run, preserve_rng_state, reason, *tensors)


def checkpoint_sequential(
    functions: Any, segments: int, input: Any, use_reentrant: bool | None = None, **kwargs: Any
) -> Any:
    """Run modules one after the other in ``segments`` parts, each checkpointed but the last.

    Args:
        functions: an ``nn.Sequential`` or a list of modules or functions.
        segments: number of parts, from 1 to the number of functions.
        input: the argument of the first one.
        kwargs: ``preserve_rng_state``.
        use_reentrant: accepted; both ways are the same here.

    Returns:
        What the last function returned.

    Raises:
        ValueError: ``segments`` out of range.

    Example:
        >>> import plait
        >>> from plait.utils.checkpoint import checkpoint_sequential
        >>> x = plait.ones(2, requires_grad=True)
        >>> checkpoint_sequential([plait.exp, plait.log, plait.sum], 2, x).item()
        2.0
    """
    steps: Sequence[Callable[..., Any]] = list(functions)
    if not 1 <= segments <= len(steps):
        raise ArgumentError(f"checkpoint_sequential: expected segments in [1, {len(steps)}], got {segments}")

    def part(begin: int, end: int) -> Callable[[Any], Any]:
        def run(x: Any) -> Any:
            for step in steps[begin:end]:
                x = step(x)
            return x

        return run

    size = len(steps) // segments
    for i in range(segments - 1):
        input = checkpoint(part(i * size, (i + 1) * size), input, **kwargs)
    return part((segments - 1) * size, len(steps))(input)
