# SPDX-License-Identifier: MIT
"""Fourier transforms, their short-time form and windows, against NumPy and SciPy."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy import signal

import plait
from plait import fft

ONE = ["fft.fft", "fft.ifft", "fft.rfft", "fft.irfft", "fft.hfft", "fft.ihfft"]
TWO = ["fft.fft2", "fft.ifft2", "fft.rfft2", "fft.irfft2", "fft.hfft2", "fft.ihfft2"]
SEVERAL = ["fft.fftn", "fft.ifftn", "fft.rfftn", "fft.irfftn", "fft.hfftn", "fft.ihfftn"]
NORMS = (None, "backward", "ortho", "forward")
EPS = {"float32": 2.0**-23, "float64": 2.0**-52}
# Every radix, their squares and products, primes that are none, lengths beside the vectors', long lines.
LENGTHS = (*range(1, 36), 49, 64, 77, 97, 121, 128, 169, 200, 243, 255, 256, 257, 500, 512, 1001, 1009, 1024, 2310,
           4096, 5003, 8191, 16384, 65536, 100000)  # fmt: skip


def named(name: str) -> Any:
    return getattr(fft, name.removeprefix("fft."))


def is_real_input(name: str) -> bool:
    return name.startswith(("fft.rfft", "fft.ihfft"))


def operand(shape: tuple[int, ...], dtype: str, real: bool, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(shape)
    x = x if real else x + 1j * rng.standard_normal(shape)
    return x.astype(dtype if real else {"float32": "complex64", "float64": "complex128"}[dtype])


def hermitian_n(x: np.ndarray, s: Any = None, axes: Any = None, norm: Any = None) -> np.ndarray:
    """NumPy has hfft alone: transforms along the other dimensions, then it."""
    axes = tuple(range(x.ndim)) if axes is None else axes
    for i, axis in enumerate(axes[:-1]):
        x = np.fft.fft(x, s[i] if s else None, axis, norm)
    return np.fft.hfft(x, s[-1] if s else None, axes[-1], norm)


def inverse_hermitian_n(x: np.ndarray, s: Any = None, axes: Any = None, norm: Any = None) -> np.ndarray:
    axes = tuple(range(x.ndim)) if axes is None else axes
    x = np.fft.ihfft(x, s[-1] if s else None, axes[-1], norm)
    for i, axis in enumerate(axes[:-1]):
        x = np.fft.ifft(x, s[i] if s else None, axis, norm)
    return x


def reference(name: str) -> Any:
    other = {"hfftn": hermitian_n, "hfft2": hermitian_n, "ihfftn": inverse_hermitian_n, "ihfft2": inverse_hermitian_n}
    short = name.removeprefix("fft.")
    return other.get(short) or getattr(np.fft, short)


def check(got: plait.Tensor, want: np.ndarray, dtype: str, factor: float = 16.0) -> None:
    """The error counts relative to the root mean square of the result."""
    assert tuple(got.shape) == want.shape
    assert got.is_complex() == np.iscomplexobj(want)
    parts = got.detach().numpy()
    assert parts.dtype.itemsize == (8 if got.is_complex() else 4) * (2 if dtype == "float64" else 1)
    if want.size:
        size = math.sqrt(float(np.mean(np.abs(want) ** 2)))
        assert np.abs(parts - want).max() <= factor * EPS[dtype] * size


# ---- Values


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ONE)
def test_lengths(name: str, dtype: str) -> None:
    for n in LENGTHS:
        for batch in (1, 2, 9, 33):
            if n * batch > 40000 and batch > 1:
                continue
            x = operand((batch, n), dtype, is_real_input(name), n)
            if n == 1 and name in ("fft.irfft", "fft.hfft"):
                continue
            check(named(name)(plait.from_numpy(x)), reference(name)(x.astype(np.result_type(x, "f8"))), dtype, 24)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("name", ONE)
def test_lengths_dimensions_and_norms(name: str, norm: str | None) -> None:
    x = operand((3, 7, 10), "float64", is_real_input(name))
    for dim in (0, 1, -1):
        for n in (None, 1, 4, 6, 11, 40):
            got = named(name)(plait.from_numpy(x), n, dim, norm)
            check(got, reference(name)(x, n, dim, norm), "float64")


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("name", [*TWO, *SEVERAL])
def test_several_dimensions(name: str, norm: str | None) -> None:
    x = operand((4, 5, 6), "float64", is_real_input(name))
    t = plait.from_numpy(x)
    cases: list[tuple[Any, Any]] = [(None, (0, 2)), (None, (2, 0)), ((3, 8), (1, 2)), ((7, 5), (-1, 0))]
    if name in SEVERAL:
        cases += [(None, None), ((2, 9, 5), (2, 0, 1)), (None, (1,))]
        check(named(name)(t, (3, 4)), reference(name)(x, (3, 4), (-2, -1)), "float64")
    else:
        check(named(name)(t), reference(name)(x, axes=(-2, -1)), "float64")
    for s, dim in cases:
        got = named(name)(t, s, norm=norm) if dim is None else named(name)(t, s, dim, norm)
        check(got, reference(name)(x, s, dim, norm), "float64")


def test_columns_of_every_width() -> None:
    for n in (1, 2, 5, 16, 17, 33, 128, 4097, 5000):
        for inner in (2, 3, 8, 16, 17):
            x = operand((2, n, inner), "float64", False, n)
            check(fft.fft(plait.from_numpy(x), dim=1), np.fft.fft(x, axis=1), "float64")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("n", [2, 4, 6, 34, 64, 258, 510])
def test_real_lines_side_by_side(n: int, dtype: str) -> None:
    """As many lines as lanes, fewer and more; half of the length may have any factors."""
    rng = np.random.default_rng(n)
    for lines in (2, 7, 8, 9, 16, 33):
        x = rng.standard_normal((lines, n)).astype(dtype)
        want = np.fft.rfft(x.astype(np.float64))
        got = plait.fft.rfft(plait.from_numpy(x))
        tolerance = (2e-6 if dtype == "float32" else 1e-14) * n
        np.testing.assert_allclose(got.numpy(), want, atol=tolerance)
        np.testing.assert_allclose(plait.fft.irfft(got, n).numpy(), x, atol=tolerance)


def test_strides_and_dtypes() -> None:
    x = operand((6, 8), "float64", False)
    check(fft.fft(plait.from_numpy(x).t()), np.fft.fft(x.T), "float64")
    check(fft.ifft(plait.from_numpy(x)[:, ::2], dim=0), np.fft.ifft(x[:, ::2], axis=0), "float64")
    for dtype in (plait.int64, plait.int8, plait.uint8, plait.bool):
        t = plait.tensor([1, 0, 3, 2]).to(dtype)
        for f in (fft.fft, fft.rfft, fft.irfft):
            assert f(t).dtype == (plait.float32 if f is fft.irfft else plait.complex64)
        check(fft.fft(t), np.fft.fft(t.numpy().astype(float)), "float32")
    out = plait.empty(0, dtype=plait.complex128)
    assert fft.fft(plait.from_numpy(x), out=out) is out and out.shape == (6, 8)
    assert fft.fft(plait.zeros(0, 3)).shape == (0, 3) and fft.rfft(plait.zeros(2, 0, 4)).shape == (2, 0, 3)
    assert fft.fftn(plait.tensor(2.0)).item() == 2 and fft.fftn(plait.ones(2), dim=()).tolist() == [1, 1]


def test_imaginary_parts_that_have_no_place_count_as_0() -> None:
    x = np.array([1 + 5j, 2 + 1j, 3 - 2j])
    check(fft.irfft(plait.from_numpy(x)), np.fft.irfft(x), "float64")
    check(fft.irfft(plait.from_numpy(x), 5), np.fft.irfft(x, 5), "float64")


# ---- Gradients


@pytest.mark.parametrize("norm", [None, "ortho", "forward"])
@pytest.mark.parametrize("name", [*ONE, "fft.rfftn", "fft.irfftn", "fft.fft2", "fft.hfft2", "fft.ihfft2"])
def test_gradients(name: str, norm: str | None) -> None:
    for n in (4, 5):
        x = plait.from_numpy(operand((3, n), "float64", is_real_input(name))).requires_grad_()
        f = named(name)
        y = f(x, norm=norm)
        weight = plait.from_numpy(operand(tuple(y.shape), "float64", not y.is_complex(), 1))
        # <w, F x> is linear in x: its gradient is the adjoint of w, found from the columns of F.
        (grad,) = plait.autograd.grad(y, x, weight, create_graph=True)
        basis = np.eye(3 * n).reshape(3 * n, 3, n)
        units = [basis] if not x.is_complex() else [basis, 1j * basis]
        parts = []
        for unit in units:
            columns = [f(plait.from_numpy(np.ascontiguousarray(e)).to(x.dtype), norm=norm).numpy() for e in unit]
            parts.append([np.real(np.vdot(c, weight.numpy())) for c in columns])
        want = np.array(parts[0]) + (1j * np.array(parts[1]) if len(parts) == 2 else 0)
        np.testing.assert_allclose(grad.detach().numpy().reshape(-1), want, atol=1e-12)


def test_second_gradients() -> None:
    x = plait.from_numpy(operand((2, 6), "float64", True)).requires_grad_()
    spectrum = plait.view_as_real(fft.rfft(x))
    (g,) = plait.autograd.grad((spectrum**4).sum(), x, create_graph=True)
    (second,) = plait.autograd.grad((g * g).sum(), x)
    step = 1e-5
    for i in range(3):

        def energy(h: float, i: int = i) -> float:
            moved = x.detach().clone()
            moved[0, i] += h
            moved.requires_grad_()
            (g,) = plait.autograd.grad((plait.view_as_real(fft.rfft(moved)) ** 4).sum(), moved)
            return (g * g).sum().item()

        numeric = (energy(step) - energy(-step)) / (2 * step)
        assert second[0, i].item() == pytest.approx(numeric, rel=1e-5)


# ---- Threads, plans, errors


def test_bits_do_not_depend_on_threads() -> None:
    threads = plait.get_num_threads()
    try:
        for shape in ((1, 1 << 17), (1, 10007), (70, 300), (40, 1000)):
            z, r = (plait.from_numpy(operand(shape, "float32", real)) for real in (False, True))
            results = []
            for count in (1, 2, 3):
                plait.set_num_threads(count)
                results.append([fft.fft(z).numpy().tobytes(), fft.rfft(r).numpy().tobytes(),
                                fft.irfft(z).numpy().tobytes(), fft.fft(z, dim=0).numpy().tobytes()])  # fmt: skip
            assert results[0] == results[1] == results[2]
    finally:
        plait.set_num_threads(threads)


def test_more_lengths_than_plans_are_kept() -> None:
    x = plait.ones(200, dtype=plait.float64)
    for n in (*range(60, 200), *range(60, 70)):
        assert abs(fft.fft(x[:n])[0].item() - n) < 1e-10


@pytest.mark.parametrize(
    ("call", "error", "pattern"),
    [
        (lambda x: fft.fft(x, 0), ValueError, "fft: expected at least 1 element"),
        (lambda x: fft.irfft(x[:, :1]), ValueError, "irfft: expected at least 1 element"),
        (lambda x: fft.fft(x, dim=2), IndexError, "fft"),
        (lambda x: fft.fft(x[0, 0]), IndexError, "0-d"),
        (lambda x: fft.fftn(x[0, 0], dim=(0,)), IndexError, "0-d"),
        (lambda x: fft.rfft2(x[0, 0], dim=(-1,)), IndexError, "0-d"),
        (lambda x: fft.irfftn(x[0, 0], (2,), (0,)), IndexError, "0-d"),
        (lambda x: fft.fft(x, norm="bad"), ValueError, "norm.*'bad'"),
        (lambda x: fft.fft(x.half()), TypeError, "float16"),
        (lambda x: fft.rfft(x.to(plait.complex64)), TypeError, "rfft: expected a real dtype"),
        (lambda x: fft.fftn(x, (2,), (0, 1)), ValueError, "as many sizes"),
        (lambda x: fft.fftn(x, (2, 2, 2)), ValueError, "at most 2 sizes"),
        (lambda x: fft.fftn(x, dim=(0, 0)), (ValueError, IndexError, RuntimeError), "fft"),
        (lambda x: fft.rfftn(x, dim=()), ValueError, "at least one dimension"),
        (lambda x: fft.fftfreq(-1), ValueError, "fftfreq"),
        (lambda x: fft.fftfreq(3, dtype=plait.int32), TypeError, "fftfreq"),
    ],
)
def test_bad_calls(call: Any, error: Any, pattern: str) -> None:
    with pytest.raises(error, match=pattern):
        call(plait.ones(3, 4))


def test_frequencies_and_shifts() -> None:
    for n in (1, 2, 5, 8):
        np.testing.assert_allclose(fft.fftfreq(n, 0.1, dtype=plait.float64).numpy(), np.fft.fftfreq(n, 0.1), rtol=1e-15)
        np.testing.assert_allclose(fft.rfftfreq(n, dtype=plait.float64).numpy(), np.fft.rfftfreq(n), rtol=1e-15)
        x = np.arange(3.0 * n).reshape(3, n)
        for dim in (None, 0, (0, 1)):
            assert (fft.fftshift(plait.from_numpy(x), dim).numpy() == np.fft.fftshift(x, dim)).all()
            assert (fft.ifftshift(plait.from_numpy(x), dim).numpy() == np.fft.ifftshift(x, dim)).all()
    assert fft.fftfreq(0).shape == (0,) and fft.fftshift(plait.tensor(1.0)).item() == 1.0


# ---- Short-time transforms


@pytest.mark.parametrize("name", plait.signal.windows.__all__)
def test_length_of_a_window_may_be_a_tensor(name: str) -> None:
    function = getattr(plait.signal.windows, name)
    options = {"general_cosine": {"a": [0.5, 0.5]}, "general_hamming": {"alpha": 0.6}}.get(name, {})
    for length in (0, 1, 2, 7):
        for dtype in (plait.int32, plait.int64, plait.bfloat16):
            assert plait.equal(function(plait.tensor(length, dtype=dtype), **options), function(length, **options))


@pytest.mark.parametrize("center", [True, False])
@pytest.mark.parametrize("normalized", [True, False])
@pytest.mark.parametrize(("n_fft", "hop", "length"), [(8, 2, 8), (9, 3, 6), (16, 4, 16), (9, 4, 9), (40, 1, 40)])
def test_stft_and_back(n_fft: int, hop: int, length: int, normalized: bool, center: bool) -> None:
    x = operand((2, 50), "float64", True)
    window = plait.signal.windows.hamming(length, sym=False, dtype=plait.float64)
    options = {"hop_length": hop, "win_length": length, "window": window, "center": center, "normalized": normalized}
    y = plait.stft(plait.from_numpy(x), n_fft, return_complex=True, **options)
    padded = np.pad(x, ((0, 0), (n_fft // 2, n_fft // 2)), "reflect") if center else x
    left = (n_fft - length) // 2
    w = np.pad(window.numpy(), (left, n_fft - length - left))
    starts = range(0, padded.shape[1] - n_fft + 1, hop)
    want = np.stack([np.fft.rfft(padded[:, s : s + n_fft] * w) for s in starts], -1)
    check(y, want / (math.sqrt(n_fft) if normalized else 1), "float64")
    if center:
        back = plait.istft(y, n_fft, length=50, **options)
        reached = back.numpy()[:, : hop * (y.shape[-1] - 1)]
        np.testing.assert_allclose(reached, x[:, : reached.shape[1]], atol=1e-12)


def test_stft_forms() -> None:
    x = plait.from_numpy(operand((20,), "float32", True))
    y = x.stft(8, return_complex=True)
    assert y.shape == (5, 11) and plait.equal(plait.view_as_real(y), plait.stft(x, 8, return_complex=False))
    assert plait.stft(x, 8, onesided=False, return_complex=True).shape == (8, 11)
    assert plait.stft(x.to(plait.complex64), 8).shape == (8, 11)
    aligned = plait.stft(x, 8, 2, 4, center=False, align_to_window=True, return_complex=True)
    assert aligned.shape == (5, 9)
    z = plait.stft(x.to(plait.complex64), 8, window=plait.hann_window(8))
    back = plait.istft(z, 8, window=plait.hann_window(8), return_complex=True)
    np.testing.assert_allclose(back.numpy(), x.numpy(), atol=1e-5)
    x.requires_grad_()
    plait.istft(
        plait.stft(x, 8, window=plait.hann_window(8), return_complex=True), 8, window=plait.hann_window(8)
    ).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), np.ones(20), atol=1e-5)


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda x: plait.stft(x, 4), ValueError),
        (lambda x: plait.stft(x.reshape(1, 1, 12), 4, return_complex=True), ValueError),
        (lambda x: plait.stft(x, 20, center=False, return_complex=True), ValueError),
        (lambda x: plait.stft(x, 4, window=plait.ones(5), return_complex=True), ValueError),
        (lambda x: plait.stft(x, 4, win_length=5, return_complex=True), ValueError),
        (lambda x: plait.stft(x, 4, hop_length=0, return_complex=True), ValueError),
        (lambda x: plait.stft(x, 4, align_to_window=True, return_complex=True), ValueError),
        (lambda x: plait.stft(x.long(), 4, return_complex=True), TypeError),
        (lambda x: plait.istft(x.reshape(3, 4), 4), TypeError),
        (lambda x: plait.istft(x.reshape(3, 4).to(plait.complex64), 6), ValueError),
        (lambda x: plait.istft(x.reshape(3, 4).to(plait.complex64), 4, hop_length=5), ValueError),
        (lambda x: plait.istft(x.reshape(3, 4).to(plait.complex64), 4, window=plait.hann_window(4), center=False),
         ValueError),
    ],
)  # fmt: skip
def test_bad_short_time_calls(call: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="stft: expected"):
        call(plait.arange(12.0))


# ---- Windows

WINDOWS: dict[str, tuple[dict[str, Any], Any]] = {
    "bartlett": ({}, "bartlett"), "blackman": ({}, "blackman"), "cosine": ({}, "cosine"), "hann": ({}, "hann"),
    "hamming": ({}, "hamming"), "nuttall": ({}, "nuttall"), "kaiser": ({"beta": 7.5}, ("kaiser", 7.5)),
    "gaussian": ({"std": 2.5}, ("gaussian", 2.5)), "exponential": ({"tau": 3.0}, ("exponential", None, 3.0)),
    "general_cosine": ({"a": [0.3, 0.5, 0.2]}, ("general_cosine", [0.3, 0.5, 0.2])),
    "general_hamming": ({"alpha": 0.7}, ("general_hamming", 0.7)),
}  # fmt: skip


@pytest.mark.parametrize("sym", [True, False])
@pytest.mark.parametrize("name", WINDOWS)
def test_windows(name: str, sym: bool) -> None:
    options, spec = WINDOWS[name]
    f = getattr(plait.signal.windows, name)
    for m in (0, 1, 2, 3, 8, 51):
        want = signal.get_window(spec, m, fftbins=not sym) if m > 0 else np.zeros(0)
        np.testing.assert_allclose(f(m, sym=sym, dtype=plait.float64, **options).numpy(), want, atol=1e-14)
        assert f(m, sym=sym, **options).dtype == plait.float32
    assert f(3, requires_grad=True, **options).requires_grad
    for bad in ({"M": -1}, {"M": 3, "dtype": plait.float16}, {"M": 3, "layout": "sparse"}):
        with pytest.raises(ValueError, match=r"expected"):
            f(**bad, **options)


def test_old_windows() -> None:
    for name in ("hann", "blackman", "bartlett", "hamming"):
        f, new = getattr(plait, f"{name}_window"), getattr(plait.signal.windows, name)
        for periodic in (True, False):
            assert plait.equal(f(7, periodic), new(7, sym=not periodic))
        assert f(5, dtype=plait.float16).dtype == plait.float16
        with pytest.raises(ValueError, match="at least 0"):
            f(-1)
        with pytest.raises(TypeError, match="floating-point"):
            f(3, dtype=plait.int32)
    assert plait.equal(plait.kaiser_window(7, beta=3.0), plait.signal.windows.kaiser(7, beta=3.0, sym=False))
    np.testing.assert_allclose(plait.hamming_window(4, True, 0.5, 0.25).numpy(), [0.25, 0.5, 0.75, 0.5], atol=1e-7)
    w = plait.signal.windows
    bad: list[Any] = [
        lambda: w.exponential(4, tau=0),
        lambda: w.exponential(4, center=1.0),
        lambda: w.gaussian(4, std=0),
        lambda: w.kaiser(4, beta=-1),
        lambda: w.general_cosine(4, a=[]),
    ]
    for call in bad:
        with pytest.raises(ValueError, match="expected"):
            call()
