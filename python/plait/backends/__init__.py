# SPDX-License-Identifier: MIT
"""Switches of other libraries that device-agnostic programs set. None of them changes anything."""

from __future__ import annotations

from types import SimpleNamespace

from .. import _core
from . import cudnn

__all__ = ["cpu", "cuda", "cudnn", "mkl", "mkldnn", "mps", "openmp"]


class _Backend(SimpleNamespace):
    """Attributes that may be set freely, and ``is_available()``."""

    _available = False

    def is_available(self) -> bool:
        """Whether plait uses this backend."""
        return self._available

    def is_built(self) -> bool:
        """Whether plait was built with this backend."""
        return self._available


class _Cpu:
    """The one device."""

    def get_cpu_capability(self) -> str:
        """The instruction-set level in use: "GENERIC", "AVX2" or "AVX512"."""
        return _core._isa_name().upper()


cpu = _Cpu()
cuda = _Backend(matmul=SimpleNamespace(allow_tf32=False), cufft_plan_cache=SimpleNamespace(max_size=0))
mps = _Backend()
mkl = _Backend()
mkldnn = _Backend(enabled=False)
openmp = _Backend(_available=True)
