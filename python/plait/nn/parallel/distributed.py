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
        module: the module to call; a parameter of it requires grad.
        device_ids: accepted for existing programs.
        output_device: accepted for existing programs.
        dim: accepted for existing programs.
        broadcast_buffers: accepted for existing programs.
        process_group: default: the group of all processes, if there is one; see ``plait.distributed``.
        options: accepted for existing programs.

    Raises:
        RuntimeError: no parameter requires grad.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> model = nn.parallel.DistributedDataParallel(nn.Linear(2, 1))
        >>> [name for name, _ in model.named_parameters()]
        ['module.weight', 'module.bias']
    """

    def __init__(
        self,
        module: Module,
        device_ids: Any = None,
        output_device: Any = None,
        dim: int = 0,
        broadcast_buffers: bool = True,
        process_group: Any = None,
        **options: Any,
    ) -> None:
        super().__init__()
        if not any(p.requires_grad for p in module.parameters()):
            raise RuntimeError("DistributedDataParallel: expected a parameter that requires grad, got a module without")
        self.dim = dim
        self.module = module
        self.device_ids = device_ids
        self.output_device = output_device
        self.broadcast_buffers = broadcast_buffers
        self.find_unused_parameters = bool(options.get("find_unused_parameters", False))
        self.gradient_as_bucket_view = bool(options.get("gradient_as_bucket_view", False))
        self.static_graph = bool(options.get("static_graph", False))
        self.require_backward_grad_sync = True
        self._process_group = process_group

    @property
    def process_group(self) -> Any:
        """The group whose processes learn together; None if there is none."""
        from ...distributed import group

        return group.WORLD if self._process_group is None else self._process_group

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        return self.module(*inputs, **kwargs)

    @contextmanager
    def no_sync(self) -> Iterator[None]:
        """Leave gradients as they are for a while; they always are."""
        before, self.require_backward_grad_sync = self.require_backward_grad_sync, False
        try:
            yield
        finally:
            self.require_backward_grad_sync = before

    @contextmanager
    def join(self, *args: Any, **options: Any) -> Iterator[None]:
        """A context for uneven numbers of batches; one process has no other to wait for."""
        yield
