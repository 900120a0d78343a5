# SPDX-License-Identifier: MIT
"""The older place of ``torch.func``, with the functions that took the parameters of a module out of it."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from plait.func import (
    functional_call,
    grad,
    grad_and_value,
    hessian,
    jacfwd,
    jacrev,
    jvp,
    stack_module_state,
    vjp,
    vmap,
)
from plait.nn import Module

__all__ = [
    "FunctionalModule",
    "FunctionalModuleWithBuffers",
    "combine_state_for_ensemble",
    "grad",
    "grad_and_value",
    "hessian",
    "jacfwd",
    "jacrev",
    "jvp",
    "make_functional",
    "make_functional_with_buffers",
    "vjp",
    "vmap",
]


class FunctionalModuleWithBuffers(Module):
    """``module(params, buffers, *args)``: a module that is called with its state."""

    def __init__(self, model: Module) -> None:
        super().__init__()
        self.stateless_model = copy.deepcopy(model).to("meta")
        self.param_names = tuple(name for name, _ in model.named_parameters())
        self.buffer_names = tuple(name for name, _ in model.named_buffers())

    def forward(self, params: Sequence[Any], buffers: Sequence[Any], *args: Any, **kwargs: Any) -> Any:
        """The result of the module with this state."""
        state = {**dict(zip(self.param_names, params)), **dict(zip(self.buffer_names, buffers))}
        return functional_call(self.stateless_model, state, args, kwargs)


class FunctionalModule(FunctionalModuleWithBuffers):
    """``module(params, *args)``: a module without buffers that is called with its parameters."""

    def forward(self, params: Sequence[Any], *args: Any, **kwargs: Any) -> Any:  # type: ignore[override]
        """The result of the module with these parameters."""
        return super().forward(params, (), *args, **kwargs)


def _parameters(model: Module, disable_autograd_tracking: bool) -> tuple[Any, ...]:
    return tuple(p.detach() if disable_autograd_tracking else p for p in model.parameters())


def make_functional(model: Module, disable_autograd_tracking: bool = False) -> tuple[FunctionalModule, tuple[Any, ...]]:
    """The module as a function of its parameters, and the parameters.

    Raises:
        RuntimeError: the module has buffers.
    """
    if any(True for _ in model.buffers()):
        raise RuntimeError("make_functional: expected a module without buffers\nhint: use make_functional_with_buffers")
    return FunctionalModule(model), _parameters(model, disable_autograd_tracking)


def make_functional_with_buffers(
    model: Module, disable_autograd_tracking: bool = False
) -> tuple[FunctionalModuleWithBuffers, tuple[Any, ...], tuple[Any, ...]]:
    """The module as a function of its parameters and buffers, with both."""
    parameters = _parameters(model, disable_autograd_tracking)
    return FunctionalModuleWithBuffers(model), parameters, tuple(model.buffers())


def combine_state_for_ensemble(
    models: Sequence[Module],
) -> tuple[FunctionalModuleWithBuffers, tuple[Any, ...], tuple[Any, ...]]:
    """One function for modules of a kind, with their parameters and buffers stacked."""
    params, buffers = stack_module_state(list(models))  # type: ignore[arg-type]
    return FunctionalModuleWithBuffers(models[0]), tuple(params.values()), tuple(buffers.values())
