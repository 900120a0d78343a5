# SPDX-License-Identifier: MIT
"""The wrapper of programs that run in several processes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ..modules.module import Module

__all__ = ["DistributedDataParallel"]


class DistributedDataParallel(Module):
    """Call ``module``; its parameters are named with the prefix ``module.``, as such programs expect.

    The mean of the gradients over a group of one process is the gradient itself.

    Args:
        module: the module to call.
        device_ids: accepted for existing programs.
        output_device: accepted for existing programs.
        dim: accepted for existing programs.
        options: accepted for existing programs.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> model = nn.parallel.DistributedDataParallel(nn.Linear(2, 1))
        >>> [name for name, _ in model.named_parameters()]
        ['module.weight', 'module.bias']
    """

    def __init__(
        self, module: Module, device_ids: Any = None, output_device: Any = None, dim: int = 0, **options: Any
    ) -> None:
        super().__init__()
        self.dim = dim
        self.module = module
        self.device_ids = device_ids

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        return self.module(*inputs, **kwargs)

    @contextmanager
    def no_sync(self) -> Iterator[None]:
        """Leave gradients as they are for a while; they always are."""
        yield

    def join(self, *args: Any, **options: Any) -> Any:
        """A context for uneven numbers of batches; one process has no other to wait for."""
        return self.no_sync()
