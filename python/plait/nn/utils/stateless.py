# SPDX-License-Identifier: MIT
"""Modules as functions of their parameters, under an older name."""

from __future__ import annotations

from typing import Any

from ..._core import Tensor
from ..modules.module import Module

__all__ = ["functional_call"]


def functional_call(
    module: Module,
    parameters_and_buffers: dict[str, Tensor],
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """See :func:`plait.func.functional_call`.

    Args:
        module: stays as it is.
        parameters_and_buffers: tensors by name.
        args: the arguments.
        kwargs: the keyword arguments.
        tie_weights: whether a tensor also stands for other names of the same parameter. Default: ``True``.
        strict: whether every parameter and buffer must be given. Default: ``False``.
    """
    from ...func import functional_call as call

    return call(module, parameters_and_buffers, args, kwargs, tie_weights=tie_weights, strict=strict)
