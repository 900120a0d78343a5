# SPDX-License-Identifier: MIT
"""How ``Module.to`` reads its arguments."""

from __future__ import annotations

from typing import Any

import plait

__all__: list[str] = []


def _parse_to(*args: Any, **kwargs: Any) -> tuple[Any, Any, bool, Any]:
    """(device, dtype, non_blocking, memory_format) of the arguments of ``to``."""
    device, dtype = kwargs.get("device"), kwargs.get("dtype")
    rest = []
    for arg in args:
        if isinstance(arg, plait.Tensor):
            device, dtype = arg.device, arg.dtype
        elif isinstance(arg, plait.dtype):
            dtype = arg
        elif isinstance(arg, str | plait.device) and device is None:
            device = arg
        elif arg is not None:
            rest.append(arg)
    non_blocking = bool(kwargs.get("non_blocking", rest[0] if rest else False))
    return (plait.device(device) if device is not None else None), dtype, non_blocking, kwargs.get("memory_format")
