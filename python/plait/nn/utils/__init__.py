# SPDX-License-Identifier: MIT
"""Tools around modules and parameters."""

from __future__ import annotations

from typing import Any as _Any

from ..._core import ArgumentTypeError as _ArgumentTypeError
from ..modules.module import Module as _Module
from . import parametrizations, parametrize, rnn, stateless
from .clip_grad import clip_grad_norm_, clip_grad_value_, clip_grads_with_norm_, get_total_norm
from .convert_parameters import parameters_to_vector, vector_to_parameters
from .fusion import fuse_conv_bn_eval, fuse_conv_bn_weights, fuse_linear_bn_eval, fuse_linear_bn_weights
from .spectral_norm import remove_spectral_norm, spectral_norm
from .weight_norm import remove_weight_norm, weight_norm

__all__ = [
    "clip_grad_norm_",
    "clip_grad_value_",
    "clip_grads_with_norm_",
    "fuse_conv_bn_eval",
    "fuse_conv_bn_weights",
    "fuse_linear_bn_eval",
    "fuse_linear_bn_weights",
    "get_total_norm",
    "parameters_to_vector",
    "parametrizations",
    "parametrize",
    "prune",
    "remove_spectral_norm",
    "remove_weight_norm",
    "rnn",
    "skip_init",
    "spectral_norm",
    "stateless",
    "vector_to_parameters",
    "weight_norm",
]


def skip_init(module_cls: type[_Module], *args: _Any, **kwargs: _Any) -> _Module:
    """A module whose parameters are not worth initialising, because they will be loaded.

    Args:
        module_cls: a class of modules.
        args: of the class.
        kwargs: of the class; ``device``, the CPU by default, is where the parameters are in the end.

    Returns:
        The module; the values of its parameters are not set. It is made on the device "meta", where initialising costs
        nothing, so the class must take ``device``.

    Raises:
        TypeError: no class of modules, or one that does not take ``device``.

    Example:
        >>> from plait import nn
        >>> nn.utils.skip_init(nn.Linear, 2, 3).weight.shape
        plait.Size([3, 2])
    """
    if not (isinstance(module_cls, type) and issubclass(module_cls, _Module)):
        raise _ArgumentTypeError(f"skip_init: expected a class of modules, got {module_cls!r}")
    device = kwargs.pop("device", "cpu")
    return module_cls(*args, device="meta", **kwargs).to_empty(device=device)


def __getattr__(name: str) -> _Any:
    """``prune`` is imported when it is first used."""
    if name == "prune":
        from importlib import import_module

        return import_module(f"{__name__}.prune")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
