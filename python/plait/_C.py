# SPDX-License-Identifier: MIT
"""What programs with Tensor subclasses import from ``torch._C``."""

from __future__ import annotations

from ._core import _disabled_torch_function_impl
from .overrides import DisableTorchFunction, DisableTorchFunctionSubclass

__all__ = ["DisableTorchFunction", "DisableTorchFunctionSubclass", "_disabled_torch_function_impl"]
