# SPDX-License-Identifier: MIT
"""Window functions, which fade a stretch of a signal in and out before it is transformed.

Each is computed in float64 and rounded once. Options of all of them: ``sym``: whether the window is symmetric, as
filters want it, or one period of a periodic one, as transforms do; ``dtype`` float32 or float64, default: the default
dtype; ``layout`` is accepted; ``device`` is the CPU or "meta"; ``requires_grad``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from .. import _core
from .._core import ArgumentError, Tensor, _special
from .._core import dtype as _dtype
from .._meta import makes_on_device

__all__ = [
    "bartlett",
    "blackman",
    "cosine",
    "exponential",
    "gaussian",
    "general_cosine",
    "general_hamming",
    "hamming",
    "hann",
    "kaiser",
    "nuttall",
]


def _places(name: str, M: Any, sym: bool, dtype: _dtype | None, layout: Any) -> tuple[Tensor, int, int]:
    """0, 1, ..., M - 1 in float64, the length of the window's period, and M as a number, which may be in a tensor."""
    if isinstance(M, Tensor):
        M = int(M)
    if M < 0:
        raise ArgumentError(f"{name}: expected a window length M of at least 0, got {M}")
    if layout not in (None, "strided"):
        raise ArgumentError(f"{name}: expected the strided layout, got {layout}")
    if (dtype or _core.get_default_dtype()) not in (_core.float32, _core.float64):
        raise ArgumentError(f"{name}: expected float32 or float64, got {dtype}")
    return _core.arange(M, dtype=_core.float64), (M - 1 if sym and M > 1 else M), M


def _rounded(window: Tensor, dtype: _dtype | None, requires_grad: bool) -> Tensor:
    result = window.to(dtype or _core.get_default_dtype())
    return result.requires_grad_() if requires_grad else result


def _cosines(
    name: str, M: int, a: Iterable[float], sym: bool, dtype: _dtype | None, layout: Any, requires_grad: bool
) -> Tensor:
    n, period, M = _places(name, M, sym, dtype, layout)
    window = _core.zeros(M, dtype=_core.float64)
    for i, weight in enumerate(a):
        window = window + (-1) ** i * weight * (n * (2 * math.pi * i / max(period, 1))).cos()
    if M == 1:
        window = _core.ones(1, dtype=_core.float64)
    return _rounded(window, dtype, requires_grad)


@makes_on_device
def general_cosine(
    M: int,
    *,
    a: Iterable[float],
    sym: bool = True,
    dtype: _dtype | None = None,
    layout: Any = "strided",
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """A sum of cosines: the sum over i of (-1)**i a[i] cos(2 pi i n / N), N = M - 1 or, periodic, M.

    Args:
        M: the length.
        a: the weights of the cosines.
        sym, dtype, layout, device, requires_grad: see the module.

    Returns:
        ``M`` numbers.

    Raises:
        ValueError: a negative ``M``, no weights, another dtype or layout.

    Example:
        >>> import plait
        >>> plait.signal.windows.general_cosine(5, a=[0.5, 0.5])
        tensor([0.0000, 0.5000, 1.0000, 0.5000, 0.0000])
    """
    weights = list(a)
    if not weights:
        raise ArgumentError("general_cosine: expected at least one coefficient in a, got none")
    return _cosines("general_cosine", M, weights, sym, dtype, layout, requires_grad)


@makes_on_device
def general_hamming(
    M: int,
    *,
    alpha: float = 0.54,
    sym: bool = True,
    dtype: _dtype | None = None,
    layout: Any = "strided",
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """alpha - (1 - alpha) cos(2 pi n / N).

    Args:
        M: the length.
        alpha: the height between the cosine's lows and its middle. Default: 0.54.
        sym, dtype, layout, device, requires_grad: see the module.

    Returns:
        ``M`` numbers.

    Example:
        >>> import plait
        >>> plait.signal.windows.general_hamming(3)
        tensor([0.0800, 1.0000, 0.0800])
    """
    return _cosines("general_hamming", M, (alpha, 1.0 - alpha), sym, dtype, layout, requires_grad)


@makes_on_device
def hamming(
    M: int,
    *,
    sym: bool = True,
    dtype: _dtype | None = None,
    layout: Any = "strided",
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """0.54 - 0.46 cos(2 pi n / N), R. W. Hamming's window.

    Args:
        M: the length.
        sym, dtype, layout, device, requires_grad: see the module.

    Returns:
        ``M`` numbers.

    Example:
        >>> import plait
        >>> plait.signal.windows.hamming(3)
        tensor([0.0800, 1.0000, 0.0800])
    """
    return _cosines("hamming", M, (0.54, 0.46), sym, dtype, layout, requires_grad)


@makes_on_device
def hann(
    M: int,
    *,
    sym: bool = True,
    dtype: _dtype | None = None,
    layout: Any = "strided",
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """0.5 - 0.5 cos(2 pi n / N), J. von Hann's window.

    Args:
        M: the length.
        sym, dtype, layout, device, requires_grad: see the module.

    Returns:
        ``M`` numbers.

    Example:
        >>> import plait
        >>> plait.signal.windows.hann(4, sym=False)
        tensor([0.0000, 0.5000, 1.0000, 0.5000])
    """
    return _cosines("hann", M, (0.5, 0.5), sym, dtype, layout, requires_grad)


@makes_on_device
def blackman(
    M: int,
    *,
    sym: bool = True,
    dtype: _dtype | None = None,
    layout: Any = "strided",
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """0.42 - 0.5 cos(2 pi n / N) + 0.08 cos(4 pi n / N), R. B. Blackman's window.

    Args:
        M: the length.
        sym, dtype, layout, device, requires_grad: see the module.

    Returns:
        ``M`` numbers.

    Example:
        >>> import plait
        >>> plait.signal.windows.blackman(4, sym=False)[1:]
        tensor([0.3400, 1.0000, 0.3400])
    """
    return _cosines("blackman", M, (0.42, 0.5, 0.08), sym, dtype, layout, requires_grad)


@makes_on_device
def nuttall(
    M: int,
    *,
    sym: bool = True,
    dtype: _dtype | None = None,
    layout: Any = "strided",
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """A sum of four cosines with side lobes below -93 dB.

    Args:
        M: the length.
        sym, dtype, layout, device, requires_grad: see the module.

    Returns:
        ``M`` numbers.

    Source: Nuttall, "Some windows with very good sidelobe behavior", IEEE Transactions on Acoustics, Speech, and Signal
        Processing 1981.

    Example:
        >>> import plait
        >>> plait.signal.windows.nuttall(3)[1:2]
        tensor([1.])
    """
    a = (0.3635819, 0.4891775, 0.1365995, 0.0106411)
    return _cosines("nuttall", M, a, sym, dtype, layout, requires_grad)


@makes_on_device
def cosine(
    M: int,
    *,
    sym: bool = True,
    dtype: _dtype | None = None,
    layout: Any = "strided",
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Half a period of a sine, sin(pi (n + 1/2) / M), M + 1 in place of M for a periodic one.

    Args:
        M: the length.
        sym, dtype, layout, device, requires_grad: see the module.

    Returns:
        ``M`` numbers.

    Example:
        >>> import plait
        >>> plait.signal.windows.cosine(3)
        tensor([0.5000, 1.0000, 0.5000])
    """
    n, _, M = _places("cosine", M, sym, dtype, layout)
    return _rounded(((n + 0.5) * (math.pi / (M + 1 if not sym and M > 1 else max(M, 1)))).sin(), dtype, requires_grad)


@makes_on_device
def exponential(
    M: int,
    *,
    center: float | None = None,
    tau: float = 1.0,
    sym: bool = True,
    dtype: _dtype | None = None,
    layout: Any = "strided",
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """e**(-|n - center| / tau), Poisson's window.

    Args:
        M: the length.
        center: the place of the top; only of a window that is not symmetric. Default: the middle.
        tau: the decay. Default: 1.
        sym, dtype, layout, device, requires_grad: see the module.

    Returns:
        ``M`` numbers.

    Raises:
        ValueError: ``tau`` of 0 or less, ``center`` of a symmetric window.

    Example:
        >>> import plait
        >>> plait.signal.windows.exponential(3)
        tensor([0.3679, 1.0000, 0.3679])
    """
    n, _, M = _places("exponential", M, sym, dtype, layout)
    if tau <= 0:
        raise ArgumentError(f"exponential: expected tau above 0, got {tau}")
    if sym and center is not None:
        raise ArgumentError(f"exponential: expected no center of a symmetric window, got {center}")
    if center is None:
        center = (M if not sym and M > 1 else M - 1) / 2.0
    return _rounded((-(n - center).abs() / tau).exp(), dtype, requires_grad)


@makes_on_device
def gaussian(
    M: int,
    *,
    std: float = 1.0,
    sym: bool = True,
    dtype: _dtype | None = None,
    layout: Any = "strided",
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """e**(-((n - middle) / std)**2 / 2).

    Args:
        M: the length.
        std: the standard deviation. Default: 1.
        sym, dtype, layout, device, requires_grad: see the module.

    Returns:
        ``M`` numbers.

    Raises:
        ValueError: ``std`` of 0 or less.

    Example:
        >>> import plait
        >>> plait.signal.windows.gaussian(3)
        tensor([0.6065, 1.0000, 0.6065])
    """
    n, _, M = _places("gaussian", M, sym, dtype, layout)
    if std <= 0:
        raise ArgumentError(f"gaussian: expected std above 0, got {std}")
    middle = (M if not sym and M > 1 else M - 1) / 2.0
    return _rounded((((n - middle) / std).square() * -0.5).exp(), dtype, requires_grad)


@makes_on_device
def bartlett(
    M: int,
    *,
    sym: bool = True,
    dtype: _dtype | None = None,
    layout: Any = "strided",
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """1 - |2 n / N - 1|, the triangle, M. S. Bartlett's window.

    Args:
        M: the length.
        sym, dtype, layout, device, requires_grad: see the module.

    Returns:
        ``M`` numbers.

    Example:
        >>> import plait
        >>> plait.signal.windows.bartlett(5)
        tensor([0.0000, 0.5000, 1.0000, 0.5000, 0.0000])
    """
    n, period, M = _places("bartlett", M, sym, dtype, layout)
    window = 1 - (n * (2 / period) - 1).abs() if M > 1 else _core.ones(M, dtype=_core.float64)
    return _rounded(window, dtype, requires_grad)


@makes_on_device
def kaiser(
    M: int,
    *,
    beta: float = 12.0,
    sym: bool = True,
    dtype: _dtype | None = None,
    layout: Any = "strided",
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """I0(beta sqrt(1 - (2 n / N - 1)**2)) / I0(beta), I0 the modified Bessel function.

    Args:
        M: the length.
        beta: the shape: 0 is a rectangle, 12 is close to a Gaussian. Default: 12.
        sym, dtype, layout, device, requires_grad: see the module.

    Returns:
        ``M`` numbers.

    Raises:
        ValueError: a negative ``beta``.

    Source: Kaiser and Schafer, "On the use of the I0-sinh window for spectrum analysis", IEEE Transactions on
        Acoustics, Speech, and Signal Processing 1980.

    Example:
        >>> import plait
        >>> plait.signal.windows.kaiser(3, beta=2.0)
        tensor([0.4387, 1.0000, 0.4387])
    """
    n, period, M = _places("kaiser", M, sym, dtype, layout)
    if beta < 0:
        raise ArgumentError(f"kaiser: expected beta of at least 0, got {beta}")
    if M <= 1:
        return _rounded(_core.ones(M, dtype=_core.float64), dtype, requires_grad)
    root = (1 - (n * (2 / period) - 1).square()).clamp(min=0).sqrt()
    scale = _core.tensor(float(beta), dtype=_core.float64)
    # Of the scaled functions, because I0 itself overflows.
    window = _special.i0e(root * beta) / _special.i0e(scale) * (root * beta - beta).exp()
    return _rounded(window, dtype, requires_grad)
