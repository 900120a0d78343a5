# SPDX-License-Identifier: MIT
"""The short-time Fourier transform, its inverse, and the window functions of the main namespace."""

from __future__ import annotations

import functools
import operator
import warnings
from typing import Any

from . import _core, fft
from ._arguments import explains_arguments
from ._core import ArgumentError, ArgumentTypeError, Tensor
from ._core import dtype as _dtype
from ._meta import makes_on_device
from .nn import functional as F
from .signal import windows

__all__ = ["bartlett_window", "blackman_window", "hamming_window", "hann_window", "istft", "kaiser_window", "stft"]


def _window(name: str, window: Tensor | None, n_fft: int, win_length: int | None, like: Tensor) -> Tensor:
    """The window of win_length in the middle of n_fft places."""
    length = n_fft if win_length is None else win_length
    if not 0 < length <= n_fft:
        raise ArgumentError(f"{name}: expected 0 < win_length <= n_fft, got {length} and {n_fft}")
    if window is None:
        window = like.new_ones(length)
    if tuple(window.shape) != (length,):
        raise ArgumentError(f"{name}: expected a 1-d window of win_length {length}, got shape {tuple(window.shape)}")
    left = (n_fft - length) // 2
    return window if length == n_fft else F.pad(window, (left, n_fft - length - left))


@explains_arguments
def stft(
    input: Tensor,
    n_fft: int,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: Tensor | None = None,
    center: bool = True,
    pad_mode: str = "reflect",
    normalized: bool = False,
    onesided: bool | None = None,
    return_complex: bool | None = None,
    align_to_window: bool | None = None,
) -> Tensor:
    """The short-time Fourier transform: the transforms of stretches of a signal, each times a window.

    Args:
        input: (length) or (batch, length), real or complex.
        n_fft: the length of a stretch.
        hop_length: the distance of two stretches. Default: ``n_fft // 4``.
        win_length: the length of the window, which stands in the middle of the stretch. Default: ``n_fft``.
        window: (win_length). Default: ones.
        center: whether stretch t is centred at ``t * hop_length``, the signal being padded. Default: ``True``.
        pad_mode: how it is padded; see :func:`plait.nn.functional.pad`. Default: ``"reflect"``.
        normalized: whether the result is divided by the root of ``n_fft``. Default: ``False``.
        onesided: whether only the first ``n_fft // 2 + 1`` frequencies are given. Default: for real signals.
        return_complex: whether the result is complex; otherwise real and imaginary part are a last dimension of size 2.
            It must be given for real signals.
        align_to_window: without ``center``, whether the first window begins with the signal, not the first stretch.

    Returns:
        (batch, frequencies, stretches), complex, or that and 2.

    Raises:
        ValueError: lengths that do not fit, ``align_to_window`` with ``center``, no ``return_complex``.
        TypeError: an integer signal.

    Example:
        >>> import plait
        >>> x = plait.ones(8)
        >>> plait.stft(x, 4, center=False, return_complex=True).real[0]
        tensor([4., 4., 4., 4., 4.])
    """
    hop = n_fft // 4 if hop_length is None else hop_length
    complex_values = input.is_complex() or (window is not None and window.is_complex())
    if not (input.is_floating_point() or input.is_complex()):
        raise ArgumentTypeError(f"stft: expected a floating-point or complex signal, got {input.dtype}")
    if input.dim() not in (1, 2):
        raise ArgumentError(f"stft: expected a signal of 1 or 2 dimensions, got shape {tuple(input.shape)}")
    if return_complex is None:
        if not complex_values:
            raise ArgumentError(
                "stft: expected return_complex for a real signal, got None"
                "\nhint: return_complex=True gives a complex tensor, False real and imaginary parts"
            )
        return_complex = True
    if center and align_to_window is not None:
        raise ArgumentError("stft: expected align_to_window with center=False only")
    if hop <= 0 or n_fft <= 0:
        raise ArgumentError(f"stft: expected hop_length and n_fft of at least 1, got {hop} and {n_fft}")
    weights = _window("stft", window, n_fft, win_length, input)
    onesided = not complex_values if onesided is None else onesided
    if onesided and complex_values:
        raise ArgumentError("stft: expected onesided=False for a complex signal or window")
    x = input if input.dim() == 2 else input.unsqueeze(0)
    if center:
        x = F.pad(x.unsqueeze(0), (n_fft // 2, n_fft // 2), pad_mode).squeeze(0)
    elif align_to_window:
        rest = n_fft - (n_fft if win_length is None else win_length)
        x = F.pad(x, (rest // 2, rest - rest // 2))
    if x.shape[-1] < n_fft:
        raise ArgumentError(f"stft: expected n_fft of at most {x.shape[-1]}, the length of the signal, got {n_fft}")
    frames = x.unfold(-1, n_fft, hop) * weights  # (batch, stretches, n_fft)
    norm = "ortho" if normalized else None
    spectrum = fft.rfft(frames, norm=norm) if onesided else fft.fft(frames, norm=norm)
    result = spectrum.transpose(-1, -2)
    if input.dim() == 1:
        result = result.squeeze(0)
    return result if return_complex else _core.view_as_real(result)


@explains_arguments
def istft(
    input: Tensor,
    n_fft: int,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: Tensor | None = None,
    center: bool = True,
    normalized: bool = False,
    onesided: bool | None = None,
    length: int | None = None,
    return_complex: bool = False,
) -> Tensor:
    """The signal whose :func:`stft` is nearest to ``input``: stretches times the window, added, divided by its squares.

    Args:
        input: (frequencies, stretches) or (batch, frequencies, stretches), complex.
        n_fft, hop_length, win_length, window, center, normalized, onesided: as for :func:`stft`.
        length: the length of the signal, which is cut or padded with zeros. Default: as far as windows reach.
        return_complex: whether the signal is complex; ``onesided`` must be ``False`` then. Default: ``False``.

    Returns:
        (length) or (batch, length).

    Raises:
        ValueError: sizes that do not fit, or places that no window covers. TypeError: a real input.

    Source: Griffin and Lim, "Signal estimation from modified short-time Fourier transform", IEEE Transactions on
        Acoustics, Speech, and Signal Processing 1984.

    Example:
        >>> import plait
        >>> w = plait.hann_window(4)
        >>> y = plait.stft(plait.arange(8.0), 4, window=w, return_complex=True)
        >>> plait.istft(y, 4, window=w).round(decimals=3)[:4]
        tensor([0., 1., 2., 3.])
    """
    hop = n_fft // 4 if hop_length is None else hop_length
    if not input.is_complex():
        raise ArgumentTypeError(f"istft: expected a complex spectrum, got {input.dtype}")
    if input.dim() not in (2, 3) or input.numel() == 0:
        raise ArgumentError(f"istft: expected a spectrum of 2 or 3 dimensions with elements, got {tuple(input.shape)}")
    if return_complex and onesided:
        raise ArgumentError("istft: expected onesided=False with return_complex=True")
    complex_window = window is not None and window.is_complex()
    onesided = input.shape[-2] != n_fft and not return_complex if onesided is None else onesided
    rows = n_fft // 2 + 1 if onesided else n_fft
    if input.shape[-2] != rows:
        raise ArgumentError(f"istft: expected {rows} frequencies for n_fft {n_fft}, got {input.shape[-2]}")
    if complex_window and not return_complex:
        raise ArgumentError("istft: expected return_complex=True with a complex window")
    if hop <= 0:
        raise ArgumentError(f"istft: expected hop_length of at least 1, got {hop}")
    real = input.real
    weights = _window("istft", window, n_fft, win_length, real)
    if not 0 < hop <= (n_fft if win_length is None else win_length):
        raise ArgumentError(f"istft: expected 0 < hop_length <= win_length, got {hop}")
    spectrum = (input if input.dim() == 3 else input.unsqueeze(0)).transpose(-1, -2)
    norm = "ortho" if normalized else None
    if return_complex:
        frames = fft.ifft(spectrum, norm=norm)
    else:  # the first half stands for the other
        frames = fft.irfft(spectrum[..., : n_fft // 2 + 1], n_fft, norm=norm)
    count = frames.shape[-2]
    total = n_fft + hop * (count - 1)
    parts = -(-n_fft // hop)  # of a stretch, each hop long

    def added(stretches: Tensor) -> Tensor:
        if stretches.is_complex():
            return _core.complex(added(stretches.real), added(stretches.imag))
        if parts > 32:
            at = (
                _core.arange(count, device=stretches.device).unsqueeze(1) * hop
                + _core.arange(n_fft, device=stretches.device)
            ).reshape(-1)
            flat = stretches.flatten(-2)
            return flat.new_zeros(*flat.shape[:-1], total).index_add(-1, at, flat)
        pieces = F.pad(stretches, (0, parts * hop - n_fft)).unflatten(-1, (parts, hop))
        rows = [F.pad(pieces[..., i, :], (0, 0, i, parts - 1 - i)) for i in range(parts)]
        return functools.reduce(operator.add, rows).flatten(-2)[..., :total]

    signal = added(frames * weights)
    envelope = added((weights * weights).expand(count, n_fft))
    start = n_fft // 2 if center else 0
    end = start + length if length is not None else total - n_fft // 2 if center else total
    signal, envelope = signal[..., start:end], envelope[start:end]
    if envelope.numel() == 0 or (not envelope.is_meta and envelope.detach().abs().min().item() <= 1e-11):
        raise ArgumentError("istft: expected windows that cover every place of the signal")
    signal = signal / envelope
    if end > total:
        warnings.warn("istft: length is beyond the last window; the end is padded with zeros", stacklevel=3)
        signal = F.pad(signal, (0, end - total))
    return signal if input.dim() == 3 else signal.squeeze(0)


# ---- Windows


def _old(name: str, length: int, dtype: _dtype | None, requires_grad: bool, make: Any, **options: Any) -> Tensor:
    if length < 0:
        raise ArgumentError(f"{name}: expected a window length of at least 0, got {length}")
    wanted = dtype or _core.get_default_dtype()
    if not wanted.is_floating_point:
        raise ArgumentTypeError(f"{name}: expected a floating-point dtype, got {wanted}")
    result = make(length, dtype=_core.float64, **options).to(wanted)
    return result.requires_grad_() if requires_grad else result


@makes_on_device
def hann_window(
    window_length: int,
    periodic: bool = True,
    *,
    dtype: _dtype | None = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """0.5 - 0.5 cos(2 pi n / N), J. von Hann's window.

    Args:
        window_length: the length.
        periodic: whether the window is one period, N = window_length, as transforms want it, or symmetric,
            N = window_length - 1. Default: ``True``.
        dtype: a floating-point dtype. Default: the default dtype.
        layout: accepted; there is one layout.
        device: the CPU or "meta".
        pin_memory: accepted and ignored.
        requires_grad: whether autograd records what is done with the result. Default: ``False``.

    Returns:
        ``window_length`` numbers.

    Raises:
        ValueError: a negative length. TypeError: another dtype.

    Example:
        >>> import plait
        >>> plait.hann_window(4)
        tensor([0.0000, 0.5000, 1.0000, 0.5000])
    """
    return _old("hann_window", window_length, dtype, requires_grad, windows.hann, sym=not periodic)


@makes_on_device
def hamming_window(
    window_length: int,
    periodic: bool = True,
    alpha: float = 0.54,
    beta: float = 0.46,
    *,
    dtype: _dtype | None = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """alpha - beta cos(2 pi n / N), R. W. Hamming's window. Other arguments as for :func:`hann_window`.

    Args:
        window_length: the length.
        periodic: as there.
        alpha: the constant. Default: 0.54.
        beta: the weight of the cosine. Default: 0.46.
        dtype, layout, device, pin_memory, requires_grad: as there.

    Returns:
        ``window_length`` numbers.

    Example:
        >>> import plait
        >>> plait.hamming_window(4)
        tensor([0.0800, 0.5400, 1.0000, 0.5400])
    """
    return _old(
        "hamming_window", window_length, dtype, requires_grad, windows.general_cosine, a=(alpha, beta), sym=not periodic
    )


@makes_on_device
def blackman_window(
    window_length: int,
    periodic: bool = True,
    *,
    dtype: _dtype | None = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """0.42 - 0.5 cos(2 pi n / N) + 0.08 cos(4 pi n / N). The arguments are those of :func:`hann_window`.

    Args:
        window_length, periodic, dtype, layout, device, pin_memory, requires_grad: as there.

    Returns:
        ``window_length`` numbers.

    Example:
        >>> import plait
        >>> plait.blackman_window(4)[1:]
        tensor([0.3400, 1.0000, 0.3400])
    """
    return _old("blackman_window", window_length, dtype, requires_grad, windows.blackman, sym=not periodic)


@makes_on_device
def bartlett_window(
    window_length: int,
    periodic: bool = True,
    *,
    dtype: _dtype | None = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """1 - |2 n / N - 1|, the triangle. The arguments are those of :func:`hann_window`.

    Args:
        window_length, periodic, dtype, layout, device, pin_memory, requires_grad: as there.

    Returns:
        ``window_length`` numbers.

    Example:
        >>> import plait
        >>> plait.bartlett_window(4)
        tensor([0.0000, 0.5000, 1.0000, 0.5000])
    """
    return _old("bartlett_window", window_length, dtype, requires_grad, windows.bartlett, sym=not periodic)


@makes_on_device
def kaiser_window(
    window_length: int,
    periodic: bool = True,
    beta: float = 12.0,
    *,
    dtype: _dtype | None = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """I0(beta sqrt(1 - (2 n / N - 1)**2)) / I0(beta). Other arguments as for :func:`hann_window`.

    Args:
        window_length: the length.
        periodic: as there.
        beta: the shape. Default: 12.
        dtype, layout, device, pin_memory, requires_grad: as there.

    Returns:
        ``window_length`` numbers.

    Example:
        >>> import plait
        >>> plait.kaiser_window(3, periodic=False, beta=2.0)
        tensor([0.4387, 1.0000, 0.4387])
    """
    return _old("kaiser_window", window_length, dtype, requires_grad, windows.kaiser, beta=abs(beta), sym=not periodic)
