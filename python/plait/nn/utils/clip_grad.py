# SPDX-License-Identifier: MIT
"""Limiting gradients."""

from __future__ import annotations

from collections.abc import Iterable

from ... import _core
from ..._core import Tensor
from ...autograd.grad_mode import no_grad

__all__ = ["clip_grad_norm_", "clip_grad_value_", "clip_grads_with_norm_", "get_total_norm"]


def _gradients(parameters: Tensor | Iterable[Tensor]) -> list[Tensor]:
    tensors = [parameters] if isinstance(parameters, Tensor) else parameters
    return [_elements(p.grad) for p in tensors if p.grad is not None]


def _elements(gradient: Tensor) -> Tensor:
    """What a gradient is scaled by: itself, or the values of a sparse one, whose equal entries are added up."""
    if gradient.layout == "strided":
        return gradient
    _core._set_sparse_parts(gradient, gradient.detach().coalesce())  # type: ignore[attr-defined]
    return gradient._values()  # type: ignore[attr-defined]


def get_total_norm(
    tensors: Tensor | Iterable[Tensor],
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """The norm of all tensors together, as if they were one vector.

    Args:
        tensors: one or several; any shapes.
        norm_type: order of the norm, ``inf`` included. Default: 2.
        error_if_nonfinite: whether a norm that is infinite or NaN raises. Default: ``False``.
        foreach: accepted for existing programs.

    Raises:
        RuntimeError: see ``error_if_nonfinite``.

    Example:
        >>> import plait
        >>> plait.nn.utils.get_total_norm([plait.tensor([3.0]), plait.tensor([4.0])])
        tensor(5.)
    """
    tensors = [tensors] if isinstance(tensors, Tensor) else list(tensors)
    norm_type = float(norm_type)
    if not tensors:
        return _core.tensor(0.0)
    if norm_type > 0:
        total = _core._ops.grad_norm(tensors, norm_type)
    else:
        with no_grad():
            norms = _core.stack([t.detach().norm(norm_type) for t in tensors])
            total = norms.norm(norm_type)
    if error_if_nonfinite and not bool(total.isfinite()):
        raise RuntimeError(
            f"clip_grad_norm_: expected a finite norm of order {norm_type} of the gradients, got {total.item()}\n"
            "hint: pass error_if_nonfinite=False to clip by it anyway"
        )
    return total


def clip_grads_with_norm_(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    total_norm: Tensor,
    foreach: bool | None = None,
) -> None:
    """Scale the gradients, in place, by ``max_norm / (total_norm + 1e-6)`` if that is less than 1.

    Args:
        foreach: accepted; all tensors are taken in one pass anyway.
        parameters: a tensor or an iterable of tensors.

    Example:
        >>> import plait
        >>> w = plait.ones(2, requires_grad=True)
        >>> (w * plait.tensor([3.0, 4.0])).sum().backward()
        >>> plait.nn.utils.clip_grads_with_norm_([w], 1.0, plait.tensor(5.0))
        >>> w.grad
        tensor([0.6000, 0.8000])
    """
    if isinstance(total_norm, Tensor) and total_norm.is_meta:
        return
    factor = float(max_norm) / (float(total_norm) + 1e-6)
    if not factor >= 1.0:  # NaN too must reach the gradients
        _core._ops.scale_tensors(_gradients(parameters), factor)


def clip_grad_norm_(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Scale the gradients, in place, so that their common norm is at most ``max_norm``.

    Args:
        parameters: their ``.grad`` is scaled; those without are left out.
        max_norm: the limit.
        norm_type: order of the norm. Default: 2.
        error_if_nonfinite: whether an infinite or NaN norm raises. Default: ``False``.
        foreach: accepted for existing programs.

    Returns:
        The norm before scaling.

    Raises:
        RuntimeError: see ``error_if_nonfinite``; no gradient has changed then.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> p = nn.Parameter(plait.zeros(2))
        >>> p.grad = plait.tensor([3.0, 4.0])
        >>> nn.utils.clip_grad_norm_([p], max_norm=1.0).item()
        5.0
        >>> round(p.grad.norm().item(), 4)
        1.0
    """
    parameters = [parameters] if isinstance(parameters, Tensor) else list(parameters)
    total = get_total_norm(_gradients(parameters), norm_type, error_if_nonfinite)
    clip_grads_with_norm_(parameters, max_norm, total)
    return total


def clip_grad_value_(parameters: Tensor | Iterable[Tensor], clip_value: float, foreach: bool | None = None) -> None:
    """Limit every entry of the gradients, in place, to ``[-clip_value, clip_value]``.

    Args:
        foreach: accepted; all tensors are taken in one pass anyway.
        parameters: a tensor or an iterable of tensors.

    Example:
        >>> import plait
        >>> w = plait.ones(2, requires_grad=True)
        >>> (w * plait.tensor([5.0, 0.5])).sum().backward()
        >>> plait.nn.utils.clip_grad_value_([w], 1.0)
        >>> w.grad
        tensor([1.0000, 0.5000])
    """
    limit = float(clip_value)
    with no_grad():
        for grad in _gradients(parameters):
            grad.clamp_(min=-limit, max=limit)
