# SPDX-License-Identifier: MIT
"""Forward-mode derivatives: tensors that carry a tangent.

Ops are recorded as for backward, and a tangent is computed when it is asked for, by two passes of reverse mode
(J v is the derivative of u^T J by u, times v). So grad mode must be on between ``make_dual`` and ``unpack_dual``, and
every op on the way needs a second derivative.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from .. import _core
from .._core import ArgumentError, ArgumentTypeError, Tensor
from .function import dual_levels as _levels
from .grad_mode import enable_grad
from .run import grad

__all__ = ["UnpackedDualTensor", "dual_level", "enter_dual_level", "exit_dual_level", "make_dual", "unpack_dual"]


class UnpackedDualTensor(NamedTuple):
    """A value and its tangent.

    Attributes:
        primal: the value.
        tangent: of its shape; None where the value does not depend on a dual tensor.

    Example:
        >>> import plait
        >>> plait.autograd.forward_ad.UnpackedDualTensor(plait.ones(2), None).tangent is None
        True
    """

    primal: Tensor
    tangent: Tensor | None


def enter_dual_level() -> int:
    """Begin a level of tangents; see :class:`dual_level`.

    Returns:
        Its number.

    Raises:
        RuntimeError: a level is open already.

    Example:
        >>> import plait.autograd.forward_ad as fwAD
        >>> level = fwAD.enter_dual_level()
        >>> fwAD.exit_dual_level(level=level)
    """
    if _levels:
        raise RuntimeError("enter_dual_level: nested levels of forward mode are not supported")
    _levels.append([])
    return len(_levels) - 1


def exit_dual_level(*, level: int | None = None) -> None:
    """End a level of tangents, the innermost by default.

    Args:
        level: its number. Default: the innermost.

    Raises:
        RuntimeError: no such level is open.

    Example:
        >>> import plait.autograd.forward_ad as fwAD
        >>> level = fwAD.enter_dual_level()
        >>> fwAD.exit_dual_level(level=level)
    """
    if not _levels or (level is not None and level != len(_levels) - 1):
        raise RuntimeError(f"exit_dual_level: expected the level that is open, got {level}")
    _levels.pop()


class dual_level:
    """Inside the block, tensors made by :func:`make_dual` carry tangents through the ops they are given to.

    Raises:
        RuntimeError: a level is open already.

    Example:
        >>> import plait
        >>> import plait.autograd.forward_ad as fwAD
        >>> with fwAD.dual_level():
        ...     x = fwAD.make_dual(plait.tensor([3.0]), plait.tensor([1.0]))
        ...     tangent = fwAD.unpack_dual(x * x).tangent
        >>> tangent
        tensor([6.])
    """

    def __enter__(self) -> int:
        return enter_dual_level()

    def __exit__(self, *args: object) -> None:
        exit_dual_level()


def _open_level(name: str, level: int | None) -> list[tuple[Tensor, Tensor]]:
    if not _levels or (level is not None and not 0 <= level < len(_levels)):
        raise RuntimeError(f"{name}: no level of forward mode is open\nhint: call it inside dual_level()")
    return _levels[-1 if level is None else level]


def make_dual(tensor: Tensor, tangent: Tensor, *, level: int | None = None) -> Tensor:
    """A tensor of the values of ``tensor`` that carries ``tangent``.

    Args:
        tensor: floating point.
        tangent: of its shape; floating point, it takes the dtype of ``tensor``.
        level: its number. Default: the innermost.

    Returns:
        A tensor; gradients of ``tensor`` flow through it.

    Raises:
        RuntimeError: no level is open. ValueError: a tangent of another shape. TypeError: of no dtype that converts.

    Example:
        >>> import plait
        >>> import plait.autograd.forward_ad as fwAD
        >>> with fwAD.dual_level():
        ...     y = fwAD.unpack_dual(fwAD.make_dual(plait.zeros(1), plait.ones(1)).sin())
        >>> y.tangent
        tensor([1.])
    """
    duals = _open_level("make_dual", level)
    if not (tensor.is_floating_point() or tensor.is_complex()):
        raise ArgumentTypeError(f"make_dual: expected a floating-point dtype, got {tensor.dtype}")
    if tangent.shape != tensor.shape:
        raise ArgumentError(f"make_dual: expected a tangent of shape {tuple(tensor.shape)}, got {tuple(tangent.shape)}")
    if not tangent.is_floating_point() and not (tangent.is_complex() and tensor.is_complex()):
        raise ArgumentTypeError(f"make_dual: expected a tangent of {tensor.dtype}, got {tangent.dtype}")
    tangent = tangent.to(tensor.dtype)
    with enable_grad():
        dual = tensor.view_as(tensor) if tensor.requires_grad else tensor.detach().requires_grad_()
    duals.append((dual, tangent))
    return dual


def unpack_dual(tensor: Tensor, *, level: int | None = None) -> UnpackedDualTensor:
    """The value of a tensor and its tangent.

    Args:
        tensor: the result of ops on dual tensors, or one of them.
        level: its number. Default: the innermost.

    Returns:
        A named tuple ``(primal, tangent)``; the tangent is None where the tensor depends on no dual tensor, or outside
        of all levels.

    Example:
        >>> import plait
        >>> import plait.autograd.forward_ad as fwAD
        >>> fwAD.unpack_dual(plait.ones(1)).tangent is None
        True
    """
    if not _levels:
        return UnpackedDualTensor(tensor, None)
    duals = _open_level("unpack_dual", level)
    for dual, tangent in duals:
        if dual is tensor:
            return UnpackedDualTensor(dual.detach(), tangent)
    if not tensor.requires_grad or not duals:
        return UnpackedDualTensor(tensor, None)
    with enable_grad():
        seed = _core.zeros_like(tensor).requires_grad_()
        xs = [dual for dual, _ in duals]
        gs: tuple[Any, ...] = grad(tensor, xs, seed, create_graph=True, allow_unused=True)
        reached = [(g, t) for g, (_, t) in zip(gs, duals) if g is not None]
        if not reached:
            return UnpackedDualTensor(tensor, None)
        used = [(g, t) for g, t in reached if g.requires_grad]
        (tangent,) = grad(
            [g for g, _ in used],
            [seed],
            [t for _, t in used],
            create_graph=True,
            allow_unused=True,
            materialize_grads=True,
        )
    # Recorded where the tangent itself depends on something that requires grad.
    outside = any(t.requires_grad or not d.is_leaf for d, t in duals)
    return UnpackedDualTensor(tensor.detach() if not outside else tensor, tangent if outside else tangent.detach())
