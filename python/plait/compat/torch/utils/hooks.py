# SPDX-License-Identifier: MIT
"""``plait.utils.hooks`` with what packages ask when they write tensors."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, TypeVar

from plait.compat._modules import extend

__all__ = ["unserializable_hook", "warn_if_has_hooks"]

F = TypeVar("F", bound=Callable[..., Any])

extend(globals(), "plait.utils.hooks")


def unserializable_hook(f: F) -> F:
    """Mark a hook that need not be written: no warning is given for it."""
    f.__torch_unserializable__ = True  # type: ignore[attr-defined]
    return f


def warn_if_has_hooks(tensor: Any) -> None:
    """Warn of hooks of a tensor, which files do not have."""
    for hook in (getattr(tensor, "_backward_hooks", None) or {}).values():
        if not hasattr(hook, "__torch_unserializable__"):
            warnings.warn(f"backward hook {hook!r} on tensor will not be serialized", stacklevel=2)
