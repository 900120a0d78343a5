# SPDX-License-Identifier: MIT
"""The standard's Fourier transforms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .._core import Tensor, dtype

__all__ = [
    "fft",
    "fftfreq",
    "fftn",
    "fftshift",
    "hfft",
    "ifft",
    "ifftn",
    "ifftshift",
    "ihfft",
    "irfft",
    "irfftn",
    "rfft",
    "rfftfreq",
    "rfftn",
]


def _plait_fft() -> Any:
    from .. import fft as module

    return module


def _along(name: str) -> Callable[..., Tensor]:
    def call(x: Tensor, /, *, n: int | None = None, axis: int = -1, norm: str = "backward") -> Tensor:
        return getattr(_plait_fft(), name)(x, n, axis, norm)

    return _named(call, name)


def _over(name: str) -> Callable[..., Tensor]:
    def call(x: Tensor, /, *, s: Any = None, axes: Any = None, norm: str = "backward") -> Tensor:
        return getattr(_plait_fft(), name)(x, s, axes, norm)

    return _named(call, name)


def _named(call: Callable[..., Any], name: str) -> Callable[..., Any]:
    call.__name__ = call.__qualname__ = name
    call.__doc__ = f"See :`fft.{name}` of the array API standard; :func:`plait.fft.{name}`."
    return call


fft = _along("fft")
ifft = _along("ifft")
rfft = _along("rfft")
irfft = _along("irfft")
hfft = _along("hfft")
ihfft = _along("ihfft")
fftn = _over("fftn")
ifftn = _over("ifftn")
rfftn = _over("rfftn")
irfftn = _over("irfftn")


def fftfreq(n: int, /, *, d: float = 1.0, dtype: dtype | None = None, device: Any = None) -> Tensor:
    return _plait_fft().fftfreq(n, d, dtype=dtype, device=device)


def rfftfreq(n: int, /, *, d: float = 1.0, dtype: dtype | None = None, device: Any = None) -> Tensor:
    return _plait_fft().rfftfreq(n, d, dtype=dtype, device=device)


def fftshift(x: Tensor, /, *, axes: Any = None) -> Tensor:
    return _plait_fft().fftshift(x, axes)


def ifftshift(x: Tensor, /, *, axes: Any = None) -> Tensor:
    return _plait_fft().ifftshift(x, axes)
