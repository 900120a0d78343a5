# SPDX-License-Identifier: MIT
"""Parts of PyTorch's binary module that packages reach for."""

from __future__ import annotations

import contextlib
import contextvars
import enum
from typing import Any

import plait
from plait import Generator, Size, Tensor, device, dtype
from plait._core import _disabled_torch_function_impl as _disabled_torch_function_impl
from plait.overrides import DisableTorchFunction, DisableTorchFunctionSubclass

from . import _nn as _nn

__all__ = ["DisableTorchFunction", "DisableTorchFunctionSubclass", "Generator", "Size", "Tensor", "device", "dtype"]


class DispatchKey(enum.Enum):
    """Names of the layers through which PyTorch sends a call; there are none here."""

    Undefined = enum.auto()
    CPU = enum.auto()
    CUDA = enum.auto()
    Meta = enum.auto()
    Autograd = enum.auto()
    AutogradCPU = enum.auto()
    AutocastCPU = enum.auto()
    AutocastCUDA = enum.auto()
    AutocastXPU = enum.auto()
    Python = enum.auto()
    CompositeImplicitAutograd = enum.auto()
    CompositeExplicitAutograd = enum.auto()


class DispatchKeySet:
    """A set of such names."""

    def __init__(self, *keys: DispatchKey) -> None:
        self._keys = frozenset(keys)

    def __or__(self, other: DispatchKeySet) -> DispatchKeySet:
        return DispatchKeySet(*(self._keys | other._keys))

    def has(self, key: DispatchKey) -> bool:
        """Whether the name is in it."""
        return key in self._keys


excluded_keys: contextvars.ContextVar[frozenset[str]] = contextvars.ContextVar("excluded_keys", default=frozenset())


@contextlib.contextmanager
def _ExcludeDispatchKeyGuard(keys: DispatchKeySet) -> Any:
    token = excluded_keys.set(excluded_keys.get() | {key.name for key in keys._keys})
    try:
        yield
    finally:
        excluded_keys.reset(token)


TensorBase = Tensor
_TensorBase = Tensor
_TensorMeta = type(Tensor)


def _get_tracing_state() -> None:
    return None


def _is_tracing() -> bool:
    return False


def _log_api_usage_once(name: str) -> None:
    pass


def _get_accelerator() -> Any:
    return plait.device("cpu")


def _get_privateuse1_backend_name() -> str:
    return "privateuseone"


def _are_functorch_transforms_active() -> bool:
    return False


def _has_torch_function(args: Any) -> bool:
    return plait.overrides.has_torch_function(args)


def _cuda_getCurrentRawStream(index: int) -> int:
    raise RuntimeError("torch._C._cuda_getCurrentRawStream: there is no CUDA; plait computes on the CPU")


@contextlib.contextmanager
def _DisableFuncTorch() -> Any:
    yield
