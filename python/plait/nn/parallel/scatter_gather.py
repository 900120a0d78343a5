# SPDX-License-Identifier: MIT
"""Cutting batches up for several devices, and putting results together; here there is one device."""

from __future__ import annotations

from typing import Any

from ... import _core

__all__ = ["gather", "scatter", "scatter_kwargs"]


def scatter(inputs: Any, target_gpus: Any = None, dim: int = 0) -> list[Any]:
    """The inputs in a list with one entry, that of the one device.

    Args:
        inputs: tensors, or containers of them.
        target_gpus: accepted for existing programs.
        dim: accepted for existing programs.

    Example:
        >>> from plait import nn
        >>> nn.parallel.scatter((1, 2))
        [(1, 2)]
    """
    return [inputs]


def scatter_kwargs(
    inputs: tuple[Any, ...], kwargs: dict[str, Any] | None, target_gpus: Any = None, dim: int = 0
) -> tuple[tuple[Any, ...], tuple[dict[str, Any], ...]]:
    """Positional and keyword arguments for each device.

    Args:
        inputs: the positional arguments.
        kwargs: the keyword arguments.
        target_gpus: accepted for existing programs.
        dim: accepted for existing programs.

    Returns:
        Two tuples with an entry for the one device.

    Example:
        >>> from plait.nn.parallel.scatter_gather import scatter_kwargs
        >>> scatter_kwargs((1,), {"a": 2})
        (((1,),), ({'a': 2},))
    """
    return (tuple(inputs),), (dict(kwargs or {}),)


def gather(outputs: Any, target_device: Any = None, dim: int = 0) -> Any:
    """Put results of several calls together: tensors are concatenated, within containers of the same kind.

    Args:
        outputs: a list of results, tensors or tuples, lists and dictionaries of tensors.
        target_device: accepted for existing programs.
        dim: the dimension along which tensors are concatenated; 0-d tensors become vectors. Default: 0.

    Returns:
        One result.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.parallel.gather([plait.ones(1, 2), plait.zeros(1, 2)])
        tensor([[1., 1.],
                [0., 0.]])
    """
    first = outputs[0]
    if isinstance(first, _core.Tensor):
        return _core.cat([t.reshape(1) if t.dim() == 0 else t for t in outputs], dim)
    if first is None:
        return None
    if isinstance(first, dict):
        return type(first)((key, gather([o[key] for o in outputs], target_device, dim)) for key in first)
    parts = [gather(list(part), target_device, dim) for part in zip(*outputs)]
    return type(first)(*parts) if hasattr(first, "_fields") else type(first)(parts)
