# SPDX-License-Identifier: MIT
"""Optimizers over several processes, of which there is one."""

from __future__ import annotations

from typing import Any

from plait.optim import Optimizer

__all__ = ["ZeroRedundancyOptimizer"]


class ZeroRedundancyOptimizer(Optimizer):
    """An optimizer whose state is shared out among the processes (Rajbhandari et al. 2020); the one has all of it.

    Args:
        params: parameters or groups.
        optimizer_class: the optimizer that does the work.
        process_group, parameters_as_bucket_view, overlap_with_ddp: accepted.
        **defaults: of the optimizer.
    """

    def __init__(
        self,
        params: Any,
        optimizer_class: type[Optimizer],
        process_group: Any = None,
        parameters_as_bucket_view: bool = False,
        overlap_with_ddp: bool = False,
        **defaults: Any,
    ) -> None:
        self.optim = optimizer_class(params, **defaults)
        super().__init__(self.optim.param_groups, self.optim.defaults)
        self._share()

    def _share(self) -> None:
        """Schedules and hooks see the groups and the state of the optimizer that does the work."""
        self.param_groups, self.state = self.optim.param_groups, self.optim.state

    def step(self, closure: Any = None, **kwargs: Any) -> Any:
        """A step of the optimizer."""
        return self.optim.step(closure, **kwargs) if closure is not None else self.optim.step(**kwargs)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group of parameters."""
        if any(group is param_group for group in self.optim.param_groups):
            super().add_param_group(param_group)
            return
        self.optim.add_param_group(param_group)
        self._share()

    def consolidate_state_dict(self, to: int = 0) -> None:
        """The state is whole already."""

    def state_dict(self) -> dict[str, Any]:
        """The optimizer's."""
        return self.optim.state_dict()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Load the optimizer's."""
        self.optim.load_state_dict(state_dict)
        self._share()
