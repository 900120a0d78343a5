# SPDX-License-Identifier: MIT
"""Convolution, transposed convolution, pooling, unfolding and resizing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import numpy as np
from references import conv as rc
from references import pool as rp

from .matmul import absolute
from .spec import Gen, OpSpec, Sample, bad, case

F = "nn.functional."


def conv1d_samples(g: Gen) -> Iterable[Sample]:
    for n, c, size, o, k in ((1, 1, 1, 1, 1), (2, 3, 9, 4, 3), (1, 5, 33, 7, 5), (3, 16, 17, 16, 1)):
        yield case(g(n, c, size), g(o, c, k), g(o))
    yield case(g(3, 9), g(4, 3, 3))
    yield case(g(2, 3, 10), g(4, 3, 3), None, 2, 1)
    yield case(g(2, 4, 12), g(6, 2, 3), g(6), stride=3, padding=2, dilation=2, groups=2)
    yield case(g(2, 3, 9), g(4, 3, 4), g(4), padding="same")
    yield case(g(2, 3, 9), g(4, 3, 3), padding="valid")
    yield case(g(2, 18, 21), g(18, 1, 5), g(18), stride=2, padding=2, groups=18)
    yield case(g(0, 4, 9), g(6, 2, 3), g(6), groups=2)
    yield case(g(2, 0, 9), g(6, 0, 3), g(6), padding=1)


def conv2d_samples(g: Gen) -> Iterable[Sample]:
    yield case(g(1, 1, 1, 1), g(1, 1, 1, 1), g(1))
    yield case(g(1, 1, 5, 5), g(2, 1, 3, 3), g(2))
    yield case(g(2, 2, 4, 5), g(3, 2, 2, 3), g(3))
    yield case(g(2, 3, 9, 7), g(4, 3, 3, 3), None, 1, 1)
    yield case(g(3, 6, 5), g(4, 3, 3, 3), g(4))
    yield case(g(1, 2, 7, 6), g(2, 2, 3, 2), g(2), stride=(2, 1), padding=(1, 2))
    yield case(g(2, 4, 11, 9), g(6, 2, 3, 3), g(6), stride=2, padding=2, dilation=2, groups=2)
    yield case(g(1, 6, 8, 8), g(6, 1, 3, 3), g(6), padding=1, groups=6)
    yield case(g(1, 3, 8, 7), g(6, 1, 3, 3), padding=1, groups=3)
    yield case(g(2, 16, 6, 6), g(17, 16, 1, 1), g(17))
    yield case(g(2, 3, 17, 19), g(8, 3, 7, 7), stride=2, padding=3)
    yield case(g(2, 3, 6, 7), g(4, 3, 4, 3), g(4), padding="same")
    yield case(g(2, 3, 6, 7), g(4, 3, 3, 3), padding="same", dilation=2)
    yield case(g(2, 3, 6, 7), g(4, 3, 3, 3), padding="valid")
    yield case(g(1, 33, 5, 5), g(31, 33, 3, 3), g(31), padding=1)
    yield case(g(2, 18, 9, 13), g(17, 18, 3, 3), g(17), padding=1)
    yield case(g(3, 5, 4, 6), g(7, 5, 4, 6), g(7))
    yield case(g(1, 2, 9, 9), g(3, 2, 1, 1), g(3), stride=4)
    yield case(g(1, 3, 19, 17), g(5, 3, 2, 5), stride=(3, 4), padding=(1, 2))
    yield case(g(0, 3, 6, 6), g(4, 3, 3, 3), g(4))
    yield case(g(2, 20, 7, 5), g(30, 2, 3, 3), g(30), stride=2, padding=1, groups=10)
    yield case(g(3, 7, 4, 6), g(7, 1, 5, 3), padding=(3, 1), dilation=(1, 2), groups=7)
    yield case(g(16, 3, 5, 6), g(5, 3, 3, 3), g(5), stride=(1, 2), padding=1)
    yield case(g(2, 3, 9, 8), g(4, 3, 4, 2), g(4), stride=(4, 3), padding=1)
    yield case(g(0, 8, 6, 6), g(8, 1, 3, 3), g(8), padding=1, groups=8)
    yield case(g(2, 0, 6, 5), g(4, 0, 3, 3), g(4), padding=1, groups=2)


def conv3d_samples(g: Gen) -> Iterable[Sample]:
    yield case(g(1, 1, 2, 2, 2), g(1, 1, 1, 2, 1), g(1))
    yield case(g(2, 3, 5, 6, 7), g(4, 3, 3, 2, 3), g(4))
    yield case(g(1, 4, 6, 5, 5), g(4, 2, 3, 3, 3), g(4), stride=(2, 1, 1), padding=1, groups=2)
    yield case(g(1, 2, 6, 6, 6), g(2, 2, 2, 2, 2), dilation=2)
    yield case(g(2, 4, 5, 6), g(3, 2, 2, 3, 3))
    yield case(g(1, 16, 3, 4, 5), g(16, 1, 3, 2, 3), g(16), padding=1, groups=16)
    yield case(g(0, 4, 3, 4, 5), g(4, 1, 3, 2, 3), g(4), padding=1, groups=4)


def conv_large(dims: int) -> Callable[[Gen], Iterable[Sample]]:
    def samples(g: Gen) -> Iterable[Sample]:
        size = {1: (1031,), 2: (37, 41), 3: (11, 13, 9)}[dims]
        kernel = (3,) * dims
        yield case(g(5, 16, *size), g(24, 16, *kernel), g(24), padding=1)
        yield case(g(1, 32, *size), g(32, 1, *kernel), g(32), padding=1, groups=32)

    return samples


def transpose1d_samples(g: Gen) -> Iterable[Sample]:
    yield case(g(1, 1, 1), g(1, 1, 1), g(1))
    yield case(g(2, 3, 7), g(3, 4, 3), g(4))
    yield case(g(2, 4, 7), g(4, 3, 3), g(6), stride=2, padding=1, output_padding=1, groups=2, dilation=2)
    yield case(g(3, 5), g(3, 2, 4), None, 3)
    yield case(g(2, 3, 5), g(3, 2, 3), stride=1, padding=1, dilation=2, output_padding=1)


def transpose2d_samples(g: Gen) -> Iterable[Sample]:
    yield case(g(1, 1, 1, 1), g(1, 1, 1, 1), g(1))
    yield case(g(1, 2, 3, 3), g(2, 2, 2, 2), g(2))
    yield case(g(2, 3, 5, 4), g(3, 4, 3, 3), g(4))
    yield case(g(2, 4, 5, 5), g(4, 3, 4, 4), g(3), 2, 1)
    yield case(g(1, 4, 4, 5), g(4, 2, 3, 3), g(4), stride=2, padding=1, output_padding=1, groups=2)
    yield case(g(1, 2, 4, 5), g(2, 3, 3, 2), stride=(2, 1), padding=(0, 1), dilation=(1, 2))
    yield case(g(3, 4, 5), g(3, 2, 2, 2), stride=2)
    yield case(g(2, 17, 6, 6), g(17, 15, 4, 4), stride=2, padding=1)
    yield case(g(0, 6, 5, 4), g(6, 1, 3, 3), g(6), stride=2, groups=6)
    yield case(g(2, 0, 5, 4), g(0, 2, 3, 3), g(4), stride=2, groups=2)


def transpose3d_samples(g: Gen) -> Iterable[Sample]:
    yield case(g(1, 1, 2, 2, 2), g(1, 1, 2, 1, 2), g(1))
    yield case(g(2, 3, 3, 4, 3), g(3, 2, 3, 2, 3), g(2), stride=2, padding=1, output_padding=1)


def transpose_large(dims: int) -> Callable[[Gen], Iterable[Sample]]:
    def samples(g: Gen) -> Iterable[Sample]:
        size = {1: (511,), 2: (19, 23), 3: (7, 9, 5)}[dims]
        yield case(g(5, 24, *size), g(24, 16, *(3,) * dims), g(16), stride=2, padding=1)

    return samples


def conv_errors(name: str, dims: int) -> Callable:
    def errors() -> list:
        size = (6,) * dims
        x, w = np.ones((2, 4, *size)), np.ones((3, 4, *(3,) * dims))
        return [
            bad(ValueError, rf"{name}.*\b5\b", np.ones((2, 5, *size)), w),
            bad(ValueError, name, x, w, np.ones(4)),
            bad(ValueError, name, np.ones((2, 4, *(2,) * dims)), w),
            bad(ValueError, rf"{name}.*stride", x, w, stride=0),
            bad(ValueError, rf"{name}.*padding", x, w, padding=-1),
            bad(ValueError, rf"{name}.*dilation", x, w, dilation=0),
            bad(ValueError, rf"{name}.*groups", x, w, groups=0),
            bad(ValueError, rf"{name}.*groups", x, w, groups=3),
            bad(ValueError, rf"{name}.*same", x, w, padding="same", stride=2),
            bad(ValueError, name, x, w, padding="full"),
            bad(ValueError, name, np.ones(4), w),
            bad(ValueError, rf"{name}.*output channel", x, np.ones((0, 4, *(3,) * dims))),
            bad(TypeError, rf"{name}", x, w.astype(np.int64)),
        ]

    return errors


def transpose_errors(name: str, dims: int) -> Callable:
    def errors() -> list:
        x, w = np.ones((2, 4, *(6,) * dims)), np.ones((4, 3, *(3,) * dims))
        return [
            bad(ValueError, rf"{name}.*\b5\b", np.ones((2, 5, *(6,) * dims)), w),
            bad(ValueError, name, x, w, np.ones(4)),
            bad(ValueError, rf"{name}.*output_padding", x, w, output_padding=1),
            bad(ValueError, rf"{name}.*stride", x, w, stride=0),
            bad(ValueError, rf"{name}.*groups", x, w, groups=3),
            bad(ValueError, rf"{name}.*output channel", x, np.ones((4, 0, *(3,) * dims))),
        ]

    return errors


CONV_TOL: dict[str, Any] = {
    "tol": {"float32": 4, "float64": 4, "float16": 1.5, "bfloat16": 1.5},
    "variants": "f",
    "grad_tol": 32,
}


def tolerances(dims: int) -> dict[str, Any]:
    """In 2-D, small kernels in float32 may take Winograd's algorithm, whose sums are up to 8 times less accurate."""
    return CONV_TOL | ({"tol": CONV_TOL["tol"] | {"float32": 8}} if dims == 2 else {})


def convolution(dims: int, samples: Callable) -> OpSpec:
    return OpSpec(f"{F}conv{dims}d", rc.conv, samples, conv_large(dims), scale=absolute(rc.conv),
                  errors=conv_errors(f"conv{dims}d", dims), **tolerances(dims))  # fmt: skip


def transposed(dims: int, samples: Callable) -> OpSpec:
    return OpSpec(f"{F}conv_transpose{dims}d", rc.conv_transpose, samples, transpose_large(dims),
                  scale=absolute(rc.conv_transpose), errors=transpose_errors(f"conv_transpose{dims}d", dims),
                  **tolerances(dims))  # fmt: skip


# ---------------------------------------------------------------- pooling


def pool_cases(dims: int, g: Gen, values: Callable) -> Iterable[Sample]:
    size = (9, 7, 5)[:dims] if dims > 1 else (17,)
    small = (4, 5, 3)[:dims]
    yield case(values(1, 1, *(2,) * dims), 2)
    yield case(values(2, 2, *small), 2)
    yield case(values(2, 3, *size), 3, 2)
    yield case(values(2, 3, *size), 2, 1, 1)
    yield case(values(3, *size), 3, stride=2, padding=1)
    yield case(values(2, 3, *size), 3, stride=2, ceil_mode=True)
    yield case(values(2, 3, *size), 2, stride=3, padding=1, ceil_mode=True)
    yield case(values(1, 33, *size), (3, 2, 2)[:dims], stride=(2, 1, 1)[:dims])


def max_pool_samples(dims: int) -> Callable[[Gen], Iterable[Sample]]:
    def samples(g: Gen) -> Iterable[Sample]:
        yield from pool_cases(dims, g, g.distinct)
        size = (9, 8, 7)[:dims]
        yield case(g.distinct(2, 2, *size), 2, stride=1, dilation=2)
        x = g(1, 2, *size)
        x[0, 0, ..., 2] = np.nan
        yield case(x, 2, label="special")

    return samples


def max_pool_with_indices(dims: int) -> Callable[[Gen], Iterable[Sample]]:
    def samples(g: Gen) -> Iterable[Sample]:
        for s in pool_cases(dims, g, g.distinct):
            yield case(*s.args, **s.kwargs, return_indices=True)

    return samples


def avg_pool_samples(dims: int) -> Callable[[Gen], Iterable[Sample]]:
    def samples(g: Gen) -> Iterable[Sample]:
        yield from pool_cases(dims, g, g)
        size = (9, 8, 7)[:dims]
        yield case(g(2, 2, *size), 3, stride=2, padding=1, count_include_pad=False)
        yield case(g(2, 2, *size), 3, stride=2, padding=1, ceil_mode=True, count_include_pad=False)
        if dims > 1:
            yield case(g(2, 2, *size), 3, stride=2, divisor_override=5)

    return samples


def adaptive_samples(dims: int, distinct: bool) -> Callable[[Gen], Iterable[Sample]]:
    def samples(g: Gen) -> Iterable[Sample]:
        make = g.distinct if distinct else g
        size = (9, 7, 5)[:dims]
        yield case(make(2, 2, *(4,) * dims), 1)
        yield case(make(2, 3, *size), 3)
        yield case(make(3, *size), (4, 2, 3)[:dims] if dims > 1 else 4)
        yield case(make(1, 2, *size), 5)
        yield case(make(2, 2, *(3,) * dims), 5)  # more outputs than inputs
        yield case(make(1, 1, *(4, 3, 3)[:dims]), 2)
        if dims > 1:
            yield case(make(2, 2, *size), (None, 3, 2)[:dims])

    return samples


def pool_large(dims: int, *args: Any) -> Callable[[Gen], Iterable[Sample]]:
    def samples(g: Gen) -> Iterable[Sample]:
        size = {1: (8009,), 2: (89, 91), 3: (21, 19, 20)}[dims]
        yield case(g(4, 10, *size), *args)

    return samples


def pool_errors(name: str, dims: int) -> Callable:
    def errors() -> list:
        x = np.ones((2, 3, *(6,) * dims))
        return [
            bad(ValueError, rf"{name}.*kernel", x, 0),
            bad(ValueError, rf"{name}.*stride", x, 2, 0),
            bad(ValueError, rf"{name}.*padding", x, 2, 2, 2),
            bad(ValueError, rf"{name}.*padding", x, 2, 2, -1),
            bad(ValueError, name, x, 7),
            bad(ValueError, name, np.ones(3) if dims > 1 else np.ones((2, 2, 2, 2)), 2),
        ]

    return errors


def adaptive_errors(name: str, dims: int) -> Callable:
    return lambda: [bad(ValueError, name, np.ones((2, 3, *(6,) * dims)), -1)]


def pools(dims: int) -> list[OpSpec]:
    avg, top = partial(_with_dims, rp.avg_pool, dims), partial(_with_dims, rp.max_pool, dims)
    max_name, avg_name = f"max_pool{dims}d", f"avg_pool{dims}d"
    return [
        OpSpec(F + max_name, top, max_pool_samples(dims), pool_large(dims, 3, 2, 1), variants="f",
               errors=pool_errors(max_name, dims)),
        OpSpec(F + max_name, top, max_pool_with_indices(dims), variants="f", out=("same", "int64")),
        OpSpec(F + avg_name, avg, avg_pool_samples(dims), pool_large(dims, 3, 2, 1), variants="f", tol=4,
               scale=lambda x, *args, **kwargs: avg(np.abs(x), *args, **kwargs),
               errors=pool_errors(avg_name, dims)),
        OpSpec(f"{F}adaptive_avg_pool{dims}d", lambda x, n: rp.adaptive(x, dims, n, np.mean),
               adaptive_samples(dims, False), pool_large(dims, 5), variants="f", tol=4, scale=1.0,
               errors=adaptive_errors(f"adaptive_avg_pool{dims}d", dims)),
        OpSpec(f"{F}adaptive_max_pool{dims}d", lambda x, n: rp.adaptive(x, dims, n, np.max),
               adaptive_samples(dims, True), pool_large(dims, 5), variants="f",
               errors=adaptive_errors(f"adaptive_max_pool{dims}d", dims)),
    ]  # fmt: skip


def _with_dims(f: Callable, dims: int, x: np.ndarray, *args: Any, **kwargs: Any) -> Any:
    return f(x, dims, *args, **kwargs)


# ---------------------------------------------------------------- windows and resizing


def unfold(x: np.ndarray, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> np.ndarray:
    kernel, pad = rc.per_dim(kernel_size, 2), rc.per_dim(padding, 2)
    x = np.pad(x, [(0, 0), (0, 0), (pad[0], pad[0]), (pad[1], pad[1])])
    w = rc.dilated_windows(x, kernel, rc.per_dim(stride, 2), rc.per_dim(dilation, 2))  # n c oh ow kh kw
    n, c, oh, ow, kh, kw = w.shape
    return w.transpose(0, 1, 4, 5, 2, 3).reshape(n, c * kh * kw, oh * ow)


def fold(x: np.ndarray, output_size: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1):
    """Adds overlapping patches: the adjoint of unfold, built from unfold's own positions."""
    kh, kw = rc.per_dim(kernel_size, 2)
    n, ck = x.shape[:2]
    c = ck // (kh * kw)
    places = np.arange(1, output_size[0] * output_size[1] + 1, dtype=np.float64).reshape(1, 1, *output_size)
    index = unfold(places, kernel_size, dilation, padding, stride)[0].astype(int)  # (kh * kw, l); 0 is padding
    y = np.zeros((n, c, output_size[0] * output_size[1] + 1), dtype=x.dtype)
    np.add.at(y, (slice(None), slice(None), index), x.reshape(n, c, kh * kw, -1))
    return y[..., 1:].reshape(n, c, *output_size)


def nearest(x: np.ndarray, size: Any = None, scale_factor: Any = None, mode: str = "nearest") -> np.ndarray:
    for axis, out in enumerate(target_size(x, size, scale_factor), start=2):
        source = np.floor(np.arange(out) * (x.shape[axis] / out)).astype(int)
        x = np.take(x, source, axis=axis)
    return x


def target_size(x: np.ndarray, size: Any, scale_factor: Any) -> tuple[int, ...]:
    dims = x.ndim - 2
    if size is not None:
        return rc.per_dim(size, dims)
    return tuple(int(i * s) for i, s in zip(x.shape[2:], rc.per_dim(scale_factor, dims)))


def linear_resize(
    x: np.ndarray, size: Any = None, scale_factor: Any = None, mode: str = "bilinear", align_corners: bool = False
) -> np.ndarray:
    for axis, out in enumerate(target_size(x, size, scale_factor), start=2):
        n = x.shape[axis]
        if align_corners:
            at = np.arange(out) * ((n - 1) / (out - 1) if out > 1 else 0.0)
        else:
            at = np.maximum((np.arange(out) + 0.5) * (n / out) - 0.5, 0)
        low = np.minimum(np.floor(at).astype(int), n - 1)
        high = np.minimum(low + 1, n - 1)
        weight = (at - low).reshape([-1 if a == axis else 1 for a in range(x.ndim)])
        x = np.take(x, low, axis=axis) * (1 - weight) + np.take(x, high, axis=axis) * weight
    return x


def pixel_shuffle(x: np.ndarray, r: int) -> np.ndarray:
    n, c, h, w = x.shape
    return x.reshape(n, c // r**2, r, r, h, w).transpose(0, 1, 4, 2, 5, 3).reshape(n, c // r**2, h * r, w * r)


def pixel_unshuffle(x: np.ndarray, r: int) -> np.ndarray:
    n, c, h, w = x.shape
    return x.reshape(n, c, h // r, r, w // r, r).transpose(0, 1, 3, 5, 2, 4).reshape(n, c * r**2, h // r, w // r)


SPECS = [
    convolution(1, conv1d_samples),
    convolution(2, conv2d_samples),
    convolution(3, conv3d_samples),
    transposed(1, transpose1d_samples),
    transposed(2, transpose2d_samples),
    transposed(3, transpose3d_samples),
    *pools(1),
    *pools(2),
    *pools(3),
    OpSpec(
        F + "unfold",
        unfold,
        lambda g: [
            case(g(2, 3, 5, 6), 3),
            case(g(1, 2, 5, 4), (2, 3), padding=1, stride=2),
            case(g(1, 2, 7, 7), 2, dilation=2),
        ],
        variants="f",
    ),
    OpSpec(
        F + "fold",
        fold,
        lambda g: [
            case(g(2, 12, 12), (4, 5), 2),
            case(g(1, 18, 9), (5, 5), 3, padding=1, stride=2),
            case(g(1, 8, 6), (3, 4), 2),
        ],
        variants="f",
        scale=4.0,
    ),
    OpSpec(
        F + "interpolate",
        nearest,
        lambda g: [
            case(g(2, 3, 4), size=9),
            case(g(2, 3, 4, 5), scale_factor=2),
            case(g(1, 2, 4, 5), size=(3, 7)),
            case(g(1, 1, 2, 3, 2), scale_factor=2),
        ],
        variants="f",
    ),
    OpSpec(
        F + "interpolate",
        linear_resize,
        lambda g: [
            case(g(2, 3, 4, 5), scale_factor=2, mode="bilinear"),
            case(g(1, 2, 4, 5), size=(3, 7), mode="bilinear", align_corners=True),
            case(g(1, 2, 5), size=8, mode="linear"),
        ],
        variants="f",
        tol=8,
        scale=3.0,
        dtypes=("float32", "float64"),
    ),
    OpSpec(
        F + "pixel_shuffle",
        pixel_shuffle,
        lambda g: [case(g(2, 8, 3, 4), 2), case(g(1, 9, 2, 2), 3)],
        variants="f",
        errors=lambda: [bad(ValueError, "pixel_shuffle", np.ones((1, 3, 2, 2)), 2)],
    ),
    OpSpec(
        F + "pixel_unshuffle", pixel_unshuffle, lambda g: [case(g(2, 2, 4, 6), 2), case(g(1, 2, 4, 6), 2)], variants="f"
    ),
]
