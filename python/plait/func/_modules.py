# SPDX-License-Identifier: MIT
"""Modules as functions of their parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ._core import ArgumentError, Tensor
from .nn.modules.module import Module

__all__ = ["functional_call"]


def functional_call(
    module: Module,
    parameter_and_buffer_dicts: Mapping[str, Tensor] | Sequence[Mapping[str, Tensor]],
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """``module(*args, **kwargs)`` with other tensors in place of its parameters and buffers, for this call.

    Gradients reach the tensors given, so that an updated set of weights can be differentiated through.

    Args:
        module: stays as it is.
        parameter_and_buffer_dicts: tensors by the names of ``named_parameters`` and ``named_buffers``, or several
            such mappings.
        args: the arguments, a tuple, or one argument.
        kwargs: the keyword arguments.
        tie_weights: whether a tensor also stands for other names of the same parameter. Default: ``True``.
        strict: whether every parameter and buffer must be given. Default: ``False``.

    Returns:
        What the module returned.

    Raises:
        ValueError: unknown names; with ``strict`` also missing ones.

    Example:
        >>> import plait
        >>> layer = plait.nn.Linear(2, 1)
        >>> zeros = {name: plait.zeros_like(p) for name, p in layer.named_parameters()}
        >>> plait.func.functional_call(layer, zeros, (plait.ones(1, 2),))
        tensor([[0.]])
    """
    mappings = (
        [parameter_and_buffer_dicts]
        if isinstance(parameter_and_buffer_dicts, Mapping)
        else (parameter_and_buffer_dicts)
    )
    given = {name: t for mapping in mappings for name, t in mapping.items()}
    own = dict(module.named_parameters(remove_duplicate=False)) | dict(module.named_buffers(remove_duplicate=False))
    unknown, missing = sorted(set(given) - set(own)), sorted(set(own) - set(given))
    if unknown or (strict and missing):
        raise ArgumentError(f"functional_call: unknown names {unknown}, missing names {missing if strict else []}")
    if tie_weights:
        by_tensor = {id(own[name]): t for name, t in given.items()}
        given |= {name: by_tensor[id(t)] for name, t in own.items() if name not in given and id(t) in by_tensor}
    places = []
    for name in given:
        owner, _, leaf = name.rpartition(".")
        submodule = module.get_submodule(owner)
        places.append((submodule._parameters if leaf in submodule._parameters else submodule._buffers, leaf, name))
    saved = [table[leaf] for table, leaf, _ in places]
    try:
        for table, leaf, name in places:
            table[leaf] = given[name]
        arguments = () if args is None else args if isinstance(args, tuple) else (args,)
        return module(*arguments, **(kwargs or {}))
    finally:
        for (table, leaf, _), value in zip(places, saved):
            table[leaf] = value
