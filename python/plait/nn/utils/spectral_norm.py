# SPDX-License-Identifier: MIT
"""Spectral normalisation with the old names of its state, ``<name>_orig``, ``<name>_u`` and ``<name>_v``."""

from __future__ import annotations

from typing import Any, TypeVar

from ... import _core
from ..._core import ArgumentError, Tensor
from ...autograd.grad_mode import no_grad
from .. import functional as F
from ..modules.module import Module
from ..parameter import Parameter

__all__ = ["SpectralNorm", "remove_spectral_norm", "spectral_norm"]

M = TypeVar("M", bound=Module)


class SpectralNorm:
    """The hook that computes the weight before each forward.

    Args:
        name: of the parameter.
        n_power_iterations: steps of the power iteration in each forward pass.
        dim: the dimension of the outputs.
        eps: added against a division by 0.

    Raises:
        ValueError: fewer than one step of the power iteration.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> layer = nn.utils.spectral_norm(nn.Linear(2, 3))
        >>> [type(hook).__name__ for hook in layer._forward_pre_hooks.values()]
        ['SpectralNorm']
    """

    def __init__(self, name: str, n_power_iterations: int, dim: int, eps: float) -> None:
        if n_power_iterations <= 0:
            raise ArgumentError(f"spectral_norm: expected n_power_iterations > 0, got {n_power_iterations}")
        self.name, self.n_power_iterations, self.dim, self.eps = name, n_power_iterations, dim, eps

    def matrix(self, weight: Tensor) -> Tensor:
        """The weight as a matrix with ``dim`` as rows."""
        return weight.movedim(self.dim, 0).flatten(1) if weight.dim() > 1 else weight.reshape(-1, 1)

    def compute_weight(self, module: Module, do_power_iteration: bool) -> Tensor:
        """The weight over its largest singular value.

        Args:
            module: the module.
            do_power_iteration: whether its vectors take a step.
        """
        weight = getattr(module, self.name + "_orig")
        u, v = getattr(module, self.name + "_u"), getattr(module, self.name + "_v")
        matrix = self.matrix(weight)
        if do_power_iteration:
            with no_grad():
                for _ in range(self.n_power_iterations):
                    v.copy_(F.normalize(matrix.t() @ u, dim=0, eps=self.eps))
                    u.copy_(F.normalize(matrix @ v, dim=0, eps=self.eps))
                u, v = u.clone(), v.clone()  # the next forward must not change what this backward needs
        return weight / _core.dot(u, matrix @ v)

    def __call__(self, module: Module, inputs: Any) -> None:
        setattr(module, self.name, self.compute_weight(module, module.training))


def spectral_norm(
    module: M, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12, dim: int | None = None
) -> M:
    """Divide a weight by its largest singular value, found by power iteration (Miyato et al. 2018).

    The old form: :func:`plait.nn.utils.parametrizations.spectral_norm` does the same without a hook.

    Args:
        module: has the weight.
        name: the weight's name. Default: ``"weight"``.
        n_power_iterations: iterations in each forward in training mode. Default: 1.
        eps: smallest norm. Default: 1e-12.
        dim: the dimension that is the rows of the matrix. Default: 0, and 1 for transposed convolutions.

    Returns:
        The module.

    Raises:
        RuntimeError: if the weight has this hook already.

    Example:
        >>> from plait import nn
        >>> layer = nn.utils.spectral_norm(nn.Linear(4, 3))
        >>> sorted(layer.state_dict())
        ['bias', 'weight_orig', 'weight_u', 'weight_v']
    """
    for hook in module._forward_pre_hooks.values():
        if isinstance(hook, SpectralNorm) and hook.name == name:
            raise ArgumentError(f"spectral_norm: expected no spectral norm on '{name}', found one")
    if dim is None:
        dim = 1 if type(module).__name__.startswith("ConvTranspose") else 0
    hook = SpectralNorm(name, n_power_iterations, dim, eps)
    weight = getattr(module, name)
    with no_grad():
        rows, columns = hook.matrix(weight).shape
        u, v = (
            F.normalize(_core.randn(n, dtype=weight.dtype, device=weight.device), dim=0, eps=eps)
            for n in (rows, columns)
        )
    del module._parameters[name]
    module.register_parameter(name + "_orig", Parameter(weight.detach()))
    setattr(module, name, weight.detach())
    module.register_buffer(name + "_u", u)
    module.register_buffer(name + "_v", v)
    module.register_forward_pre_hook(hook)
    return module


def remove_spectral_norm(module: M, name: str = "weight") -> M:
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
        >>> layer = nn.utils.spectral_norm(nn.Linear(2, 3))
        >>> layer = nn.utils.remove_spectral_norm(layer)
        >>> [name for name, _ in layer.named_parameters()]
        ['bias', 'weight']
    """
    for key, hook in module._forward_pre_hooks.items():
        if isinstance(hook, SpectralNorm) and hook.name == name:
            with no_grad():
                weight = hook.compute_weight(module, False)
            delattr(module, name)
            del module._buffers[name + "_u"], module._buffers[name + "_v"], module._parameters[name + "_orig"]
            module.register_parameter(name, Parameter(weight.detach()))
            del module._forward_pre_hooks[key]
            return module
    raise ArgumentError(
        f"remove_spectral_norm: expected spectral norm on '{name}' of {type(module).__name__}, found none"
    )
