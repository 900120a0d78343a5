# SPDX-License-Identifier: MIT
"""Wrappers that programs for several devices use; here there is one device."""

from __future__ import annotations

from typing import Any

from ..modules.module import Module

__all__ = ["DataParallel"]


class DataParallel(Module):
    """Call ``module``; its parameters are named with the prefix ``module.``, as such programs expect.

    Args:
        module: the module to call.
        device_ids: accepted for existing programs.
        output_device: accepted for existing programs.
        dim: accepted for existing programs.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> model = nn.DataParallel(nn.Linear(2, 1))
        >>> [name for name, _ in model.named_parameters()]
        ['module.weight', 'module.bias']
    """

    def __init__(self, module: Module, device_ids: Any = None, output_device: Any = None, dim: int = 0) -> None:
        super().__init__()
        self.dim = dim
        self.module = module
        self.device_ids: list[Any] = []

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        return self.module(*inputs, **kwargs)
