# SPDX-License-Identifier: MIT
"""Weight normalisation with the old names of its parameters, ``<name>_g`` and ``<name>_v``."""

from __future__ import annotations

from typing import Any, TypeVar

from ..._core import ArgumentError
from ..modules.module import Module
from ..parameter import Parameter
from .parametrizations import norm_except

__all__ = ["WeightNorm", "remove_weight_norm", "weight_norm"]

M = TypeVar("M", bound=Module)


class WeightNorm:
    """The hook that computes the weight before each forward.

    Args:
        name: of the parameter.
        dim: the dimension that keeps a norm of its own.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> layer = nn.utils.weight_norm(nn.Linear(2, 3))
        >>> [type(hook).__name__ for hook in layer._forward_pre_hooks.values()]
        ['WeightNorm']
    """

    def __init__(self, name: str, dim: int | None) -> None:
        self.name = name
        self.dim = -1 if dim is None else dim

    def compute_weight(self, module: Module) -> Any:
        """``g * v / |v|``.

        Args:
            module: the module.
        """
        g, v = getattr(module, self.name + "_g"), getattr(module, self.name + "_v")
        return v * (g / norm_except(v, self.dim))

    def __call__(self, module: Module, inputs: Any) -> None:
        setattr(module, self.name, self.compute_weight(module))


def weight_norm(module: M, name: str = "weight", dim: int = 0) -> M:
    """Train length and direction of a weight apart: ``w = g * v / |v|`` (Salimans & Kingma 2016).

    The old form: :func:`plait.nn.utils.parametrizations.weight_norm` does the same without a hook.

    Args:
        module: has the weight.
        name: the weight's name. Default: ``"weight"``.
        dim: the dimension whose slices have a norm each. Default: 0.

    Returns:
        The module.

    Raises:
        RuntimeError: if the weight has this hook already.

    Example:
        >>> from plait import nn
        >>> layer = nn.utils.weight_norm(nn.Linear(4, 3))
        >>> [name for name, _ in layer.named_parameters()]
        ['bias', 'weight_g', 'weight_v']
    """
    for hook in module._forward_pre_hooks.values():
        if isinstance(hook, WeightNorm) and hook.name == name:
            raise ArgumentError(f"weight_norm: expected no weight norm on '{name}', found one")
    hook = WeightNorm(name, dim)
    weight = getattr(module, name)
    delattr(module, name)
    module.register_parameter(name + "_g", Parameter(norm_except(weight.detach(), hook.dim)))
    module.register_parameter(name + "_v", Parameter(weight.detach()))
    setattr(module, name, hook.compute_weight(module))
    module.register_forward_pre_hook(hook)
    return module


def remove_weight_norm(module: M, name: str = "weight") -> M:
    """Make the weight an ordinary parameter again, with its present value.

    Args:
        module: the module that has it.
        name: of its parameter. Default: "weight".

    Returns:
        The module.

    Raises:
        ValueError: if the weight has no such hook.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> layer = nn.utils.weight_norm(nn.Linear(2, 3))
        >>> layer = nn.utils.remove_weight_norm(layer)
        >>> [name for name, _ in layer.named_parameters()]
        ['bias', 'weight']
    """
    for key, hook in module._forward_pre_hooks.items():
        if isinstance(hook, WeightNorm) and hook.name == name:
            weight = hook.compute_weight(module).detach()
            delattr(module, name)
            del module._parameters[name + "_g"], module._parameters[name + "_v"]
            setattr(module, name, Parameter(weight))
            del module._forward_pre_hooks[key]
            return module
    raise ArgumentError(f"remove_weight_norm: expected weight norm on '{name}' of {type(module).__name__}, found none")
