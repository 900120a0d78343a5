# SPDX-License-Identifier: MIT
"""Ops defined in Python."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

from .. import _core
from .._core import ArgumentTypeError, Tensor
from .grad_mode import no_grad

__all__ = ["Function", "FunctionCtx", "once_differentiable"]

# Of each level of forward mode: the tensors to differentiate by and their tangents (see forward_ad.py).
dual_levels: list[list[tuple[Tensor, Tensor]]] = []


class FunctionCtx:
    """What ``forward`` leaves for ``backward``. Other values may be set as attributes.

    Args:
        function: the :class:`Function` that is applied.

    Example:
        >>> class Scale(plait.autograd.Function):
        ...     @staticmethod
        ...     def forward(ctx, x, factor):
        ...         ctx.factor = factor
        ...         return x * factor
        ...     @staticmethod
        ...     def backward(ctx, grad):
        ...         return grad * ctx.factor, None
        >>> x = plait.ones(1, requires_grad=True)
        >>> Scale.apply(x, 3.0).backward()
        >>> x.grad
        tensor([3.])
    """

    def __init__(self, function: type[Function] | None = None) -> None:
        self._function = function
        self._to_save: tuple[Tensor | None, ...] = ()
        self._for_jvp: tuple[Tensor | None, ...] | None = None
        self._dirty: tuple[Tensor, ...] = ()
        self._non_differentiable: tuple[Tensor, ...] = ()
        self._materialize = True
        self._unpacked: tuple[Tensor | None, ...] | None = None
        self.needs_input_grad: tuple[bool, ...] = ()

    def save_for_backward(self, *tensors: Tensor | None) -> None:
        """Keep inputs or results for ``backward``, which finds them in ``saved_tensors``.

        Args:
            tensors: tensors or None.

        Raises:
            TypeError: when the call is recorded, for something other than tensors and None.
        """
        self._to_save = tensors

    def _checked_to_save(self) -> list[Tensor | None]:
        for t in self._to_save:
            if t is not None and not isinstance(t, Tensor):
                raise ArgumentTypeError(
                    f"save_for_backward: can only save Tensors and None, got {type(t).__name__}\n"
                    "hint: set other values as attributes of ctx"
                )
        return list(self._to_save)

    def save_for_forward(self, *tensors: Tensor | None) -> None:
        """Keep tensors for ``jvp``, which finds them in ``saved_tensors``.

        Args:
            tensors: tensors or None.
        """
        self._for_jvp = tensors

    @property
    def saved_tensors(self) -> tuple[Tensor | None, ...]:
        """What was saved, in order. Raises RuntimeError when a saved tensor was changed in place since."""
        return self._to_save if self._unpacked is None else self._unpacked

    def mark_dirty(self, *tensors: Tensor) -> None:
        """Declare inputs that ``forward`` has changed in place; they must be returned.

        Args:
            tensors: inputs of ``forward`` that it changed.
        """
        self._dirty = tensors

    def mark_non_differentiable(self, *tensors: Tensor) -> None:
        """Declare results that no gradient flows to.

        Args:
            tensors: outputs without a gradient.
        """
        self._non_differentiable = tensors

    def set_materialize_grads(self, value: bool) -> None:
        """Whether ``backward`` gets zeros (the default) or None for results without a gradient.

        Args:
            value: True, as at first: gradients that are not there arrive as zeros; False: as None.
        """
        self._materialize = value

    def _run_backward(self, saved: tuple[Tensor | None, ...], gradients: tuple[Tensor | None, ...]) -> Any:
        self._unpacked = saved
        try:
            return self._function.backward(self, *gradients)  # type: ignore[union-attr]
        finally:
            self._unpacked = None


class Function:
    """Base of ops defined in Python: ``forward`` computes, ``backward`` gives the gradients.

    ``forward(ctx, *args)`` returns a tensor or a tuple; ``backward(ctx, *gradients)`` takes one gradient per result
    and returns one per argument of ``forward`` (None for what is no tensor). Alternatively ``forward(*args)`` with a
    ``setup_context(ctx, inputs, output)``. Call it as ``MyFunction.apply(*args)``. Written in ops, ``backward`` can be
    differentiated again. With ``jvp``, forward mode takes the tangents of results from there.

    Example:
        >>> class Square(plait.autograd.Function):
        ...     @staticmethod
        ...     def forward(ctx, x):
        ...         ctx.save_for_backward(x)
        ...         return x * x
        ...     @staticmethod
        ...     def backward(ctx, gy):
        ...         (x,) = ctx.saved_tensors
        ...         return 2 * x * gy
        >>> x = plait.tensor(3.0, requires_grad=True)
        >>> Square.apply(x).backward()
        >>> x.grad
        tensor(6.)
    """

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        """Compute the result; to be overridden."""
        raise NotImplementedError("Function: a subclass must define forward")

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        """Save what backward needs when forward takes no ctx; to be overridden.

        Args:
            inputs: the arguments of ``forward``.
            output: what it returned.
        """
        raise NotImplementedError("Function: setup_context is not defined")

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        """Return one gradient per argument of forward; to be overridden.

        Args:
            gradients: one for each output of ``forward``.
        """
        raise NotImplementedError("Function: a subclass must define backward to be differentiated")

    @staticmethod
    def jvp(ctx: Any, *tangents: Any) -> Any:
        """Return one tangent per output of forward; to be overridden for forward mode.

        Args:
            tangents: one for each argument of ``forward``; zeros, or None with ``set_materialize_grads(False)``, where
                an argument carries none.
        """
        raise NotImplementedError("Function: jvp is not defined")

    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        """Run ``forward`` and record it when an argument requires grad."""
        if kwargs:
            args, kwargs = cls._with_places(args, kwargs)
        ctx = FunctionCtx(cls)
        ctx.needs_input_grad = tuple(isinstance(a, Tensor) and a.requires_grad for a in args)
        recorded = _core.is_grad_enabled() and any(ctx.needs_input_grad)
        with no_grad():
            if cls.setup_context is not Function.setup_context:
                output = cls.forward(*args, **kwargs)
                cls.setup_context(ctx, args, output)
            else:
                output = cls.forward(ctx, *args, **kwargs)
        if dual_levels and cls.jvp is not Function.jvp:
            return cls._with_tangents(ctx, args, output)
        if not recorded:
            return output
        many = type(output) in (tuple, list)
        results = _core._connect_function(
            ctx,
            f"{cls.__name__}Backward",
            args,
            list(output) if many else [output],
            ctx._checked_to_save(),
            list(ctx._dirty),
            list(ctx._non_differentiable),
            ctx._materialize,
        )
        ctx._to_save = ()
        return type(output)(results) if many else results[0]

    @classmethod
    def _with_tangents(cls, ctx: FunctionCtx, args: tuple[Any, ...], output: Any) -> Any:
        """The results as dual tensors, with what ``jvp`` makes of the tangents of ``args``."""
        from .forward_ad import make_dual, unpack_dual

        tangents = [unpack_dual(a).tangent if isinstance(a, Tensor) else None for a in args]
        if all(t is None for t in tangents):
            return output
        if ctx._materialize:
            tangents = [
                _core.zeros_like(a) if t is None and isinstance(a, Tensor) else t for a, t in zip(args, tangents)
            ]
        ctx._unpacked = ctx._for_jvp
        try:
            made = cls.jvp(ctx, *tangents)
        finally:
            ctx._unpacked = None
        if type(output) not in (tuple, list):
            return output if made is None else make_dual(output.detach(), made)
        return type(output)(y if t is None else make_dual(y.detach(), t) for y, t in zip(output, made))

    @classmethod
    def _with_places(cls, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments of ``forward`` in order, so that each has a place for its gradient; the rest by keyword."""
        with_ctx = cls.setup_context is Function.setup_context
        given = inspect.signature(cls.forward).bind(*([None] if with_ctx else []), *args, **kwargs)
        given.apply_defaults()
        return given.args[1:] if with_ctx else given.args, given.kwargs


def once_differentiable(backward: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate a ``backward`` that must not be differentiated: under ``create_graph`` its results are cut off.

    Returns:
        The decorated ``backward``.

    Example:
        >>> import plait
        >>> class Double(plait.autograd.Function):
        ...     @staticmethod
        ...     def forward(ctx, x):
        ...         return x * 2
        ...     @staticmethod
        ...     @plait.autograd.function.once_differentiable
        ...     def backward(ctx, grad):
        ...         return grad * 2
        ...
        >>> x = plait.ones(1, requires_grad=True)
        >>> Double.apply(x).backward()
        >>> x.grad
        tensor([2.])
    """

    @functools.wraps(backward)
    def wrapper(ctx: Any, *gradients: Any) -> Any:
        with no_grad():
            return backward(ctx, *gradients)

    return wrapper
