# SPDX-License-Identifier: MIT
"""Modules as functions of their parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .._core import ArgumentError, Tensor, stack
from ..nn.modules.batchnorm import _BatchNorm
from ..nn.modules.module import Module

__all__ = ["functional_call", "replace_all_batch_norm_modules_", "stack_module_state"]


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


def stack_module_state(models: Sequence[Module]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The parameters and the buffers of several modules of one kind, each stacked: an ensemble for ``vmap``.

    Args:
        models: modules of one class, in one mode.

    Returns:
        Two dicts by name; each tensor has the number of modules as first dimension. The parameters require grad where
        those of the modules do, and are leaves.

    Raises:
        ValueError: no modules, or of different classes or modes.

    Example:
        >>> import plait
        >>> models = [plait.nn.Linear(2, 1) for _ in range(3)]
        >>> parameters, buffers = plait.func.stack_module_state(models)
        >>> parameters["weight"].shape
        plait.Size([3, 1, 2])
    """
    models = list(models)
    if not models:
        raise ArgumentError("stack_module_state: expected at least one module, got none")
    if any(type(m) is not type(models[0]) for m in models):
        raise ArgumentError("stack_module_state: expected modules of one class")
    if any(m.training != models[0].training for m in models):
        raise ArgumentError("stack_module_state: expected all modules in one mode, training or not")

    def stacked(tables: list[dict[str, Tensor]]) -> dict[str, Tensor]:
        out = {}
        for name, first in tables[0].items():
            whole = stack([t[name].detach() for t in tables])
            out[name] = whole.requires_grad_(first.requires_grad)
        return out

    return stacked([dict(m.named_parameters()) for m in models]), stacked([dict(m.named_buffers()) for m in models])


def replace_all_batch_norm_modules_(root: Module) -> Module:
    """Let the batch norms of a module do without running statistics, in place: statistics of the batch alone.

    Args:
        root: the module.

    Returns:
        The module.

    Example:
        >>> import plait
        >>> model = plait.nn.Sequential(plait.nn.BatchNorm1d(2))
        >>> plait.func.replace_all_batch_norm_modules_(model)[0].running_mean is None
        True
    """
    for module in root.modules():
        if isinstance(module, _BatchNorm):
            module.running_mean = module.running_var = module.num_batches_tracked = None
            module.track_running_stats = False
    return root
