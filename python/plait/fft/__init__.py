# SPDX-License-Identifier: MIT
"""Discrete Fourier transforms under ``torch.fft``'s names.

The transforms come from the core's op table (``_native``); frequencies and shifts are composed of tensor operators.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .. import _core
from .._arguments import explains_arguments
from .._core import ArgumentError, ArgumentTypeError, Tensor
from .._core import dtype as _dtype
from . import _native
from ._native import *  # noqa: F403

__all__ = ["fftfreq", "fftshift", "ifftshift", "rfftfreq"]
__all__ += _native.__all__


def _frequencies(name: str, n: int, count: int, d: float, out: Tensor | None, options: dict[str, Any]) -> Tensor:
    if not isinstance(n, int) or n < 0:
        raise ArgumentError(f"{name}: expected n to be an int of at least 0, got {n!r}")
    requires_grad = options.pop("requires_grad")
    dtype = options["dtype"] or _core.get_default_dtype()
    if not (dtype.is_floating_point or dtype.is_complex):
        raise ArgumentTypeError(f"{name}: expected a floating-point or complex dtype, got {dtype}")
    k = _core.arange(count, dtype=_core.float64, device=options["device"])
    if name == "fftfreq":
        k = _core.where(k < (n + 1) // 2, k, k - n)
    result = (k / (n * d) if n else k).to(dtype)
    if out is not None:
        out.resize_(result.shape)
        return out.copy_(result)
    return result.requires_grad_() if requires_grad else result


@explains_arguments
def fftfreq(
    n: int,
    d: float = 1.0,
    *,
    out: Tensor | None = None,
    dtype: _dtype | None = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """The frequencies of the numbers that :func:`fft` gives: ``[0, 1, ..., -2, -1] / (d n)``.

    Args:
        n: the length of the signal.
        d: the time between two samples. Default: 1.
        out: a tensor that takes the result.
        dtype: a floating-point or complex dtype. Default: the default dtype.
        layout: accepted; there is one layout.
        device: the CPU or "meta".
        requires_grad: whether autograd records what is done with the result. Default: ``False``.

    Returns:
        ``n`` frequencies; those of the second half are negative.

    Raises:
        ValueError: a negative ``n``. TypeError: an integer dtype.

    Example:
        >>> import plait
        >>> plait.fft.fftfreq(4)
        tensor([ 0.0000,  0.2500, -0.5000, -0.2500])
    """
    return _frequencies("fftfreq", n, n, d, out, {"dtype": dtype, "device": device, "requires_grad": requires_grad})


@explains_arguments
def rfftfreq(
    n: int,
    d: float = 1.0,
    *,
    out: Tensor | None = None,
    dtype: _dtype | None = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """The frequencies of the numbers that :func:`rfft` gives: ``[0, 1, ..., n // 2] / (d n)``.

    The arguments are those of :func:`fftfreq`.

    Args:
        n: the length of the signal.
        d: the time between two samples. Default: 1.
        out, dtype, layout, device, requires_grad: as there.

    Returns:
        ``n // 2 + 1`` frequencies.

    Raises:
        ValueError: a negative ``n``. TypeError: an integer dtype.

    Example:
        >>> import plait
        >>> plait.fft.rfftfreq(4)
        tensor([0.0000, 0.2500, 0.5000])
    """
    return _frequencies(
        "rfftfreq", n, n // 2 + 1, d, out, {"dtype": dtype, "device": device, "requires_grad": requires_grad}
    )


def _shifted(x: Tensor, dim: int | Sequence[int] | None, sign: int) -> Tensor:
    dims = range(x.dim()) if dim is None else [dim] if isinstance(dim, int) else list(dim)
    if not dims:
        return x.clone()
    halves = [x.shape[d] // 2 for d in dims]
    return _core.roll(x, [sign * h for h in halves], list(dims))


@explains_arguments
def fftshift(input: Tensor, dim: int | Sequence[int] | None = None) -> Tensor:
    """Move the frequency 0 from the first place to the middle.

    Args:
        input: any shape and dtype.
        dim: the dimensions. Default: all.

    Returns:
        The shape of ``input``.

    Example:
        >>> import plait
        >>> plait.fft.fftshift(plait.fft.fftfreq(4))
        tensor([-0.5000, -0.2500,  0.0000,  0.2500])
    """
    return _shifted(input, dim, 1)


@explains_arguments
def ifftshift(input: Tensor, dim: int | Sequence[int] | None = None) -> Tensor:
    """Undo :func:`fftshift`: move the frequency 0 from the middle to the first place.

    Args:
        input: any shape and dtype.
        dim: the dimensions. Default: all.

    Returns:
        The shape of ``input``.

    Example:
        >>> import plait
        >>> plait.fft.ifftshift(plait.tensor([-1.0, 0.0, 1.0]))
        tensor([ 0.,  1., -1.])
    """
    return _shifted(input, dim, -1)
