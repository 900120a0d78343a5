# SPDX-License-Identifier: MIT
"""Modules that find the shapes of their parameters in their first forward."""

from __future__ import annotations

from typing import Any

from ..parameter import is_lazy
from .module import Module

__all__ = ["LazyModuleMixin"]


class LazyModuleMixin(Module):
    """Base of modules whose parameters get a shape from the first input.

    A subclass holds ``UninitializedParameter`` and ``UninitializedBuffer`` entries and defines
    ``initialize_parameters`` with the signature of ``forward``, which materialises them. After the first
    forward the module is an ordinary one of the class ``cls_to_become``.

    Before that, it can be moved, saved and loaded, but an optimizer must not be given its parameters yet.
    """

    cls_to_become: type[Module] | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._initialize_hook = self.register_forward_pre_hook(_infer_parameters, with_kwargs=True)

    def initialize_parameters(self, *args: Any, **kwargs: Any) -> None:
        """Give the parameters their shapes, from the arguments of ``forward``."""
        raise NotImplementedError(f"{type(self).__name__} is missing the required initialize_parameters method")

    def has_uninitialized_params(self) -> bool:
        """Whether a parameter or buffer still has no shape."""
        return any(is_lazy(t) for t in (*self._parameters.values(), *self._buffers.values()))


def _infer_parameters(module: LazyModuleMixin, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    module.initialize_parameters(*args, **kwargs)
    if module.has_uninitialized_params():
        raise RuntimeError(f"{type(module).__name__}: initialize_parameters left parameters without a shape")
    module._initialize_hook.remove()
    del module._initialize_hook
    if module.cls_to_become is not None:
        module.__class__ = module.cls_to_become  # type: ignore[assignment]
