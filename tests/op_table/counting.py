# SPDX-License-Identifier: MIT
"""Histograms, number theory, neighbours and parts of floats, reductions into named slices."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from .binary import pair_samples
from .shape import each, move
from .spec import FLOATS, INTS, LENGTHS, Gen, OpSpec, Sample, bad, case


def integer_pairs(g: Gen) -> Iterable[Sample]:
    for n in LENGTHS:
        yield case(g(n, lo=-40, hi=40), g(n, lo=-40, hi=40))
    yield case(g(3, 17), g(17))
    yield case(g(3, 1), g(1, 4))
    yield case(g(), g(3))
    yield case(g.ints(33, hi=90), g.ints(33, hi=90).astype(np.int16))


def whole(name: str, ref: Callable) -> OpSpec:
    return OpSpec(
        name,
        ref,
        integer_pairs,
        dtypes=INTS,
        out="promote",
        grad=False,
        variants="fmio",
        pointwise=True,
        errors=lambda: [
            bad(TypeError, rf"{name}.*float32", np.ones(2), np.ones(2)),
            bad(ValueError, name, np.ones(2), np.ones(3), dtype="int64"),
        ],
    )


def frexp_samples(g: Gen) -> Iterable[Sample]:
    for n in LENGTHS:
        yield case(g(n))
    yield case(g())
    yield case(g(3, 4))
    yield case(np.array([0.0, -0.0, 1.0, -8.0, 0.75]))


def histogram(x: np.ndarray, bins: Any = 100, *, range: Any = None, weight: Any = None, density: bool = False) -> tuple:
    hist, edges = np.histogram(x, bins, range, density, weight)
    return hist.astype(np.float64), edges


def index_reduce(
    x: np.ndarray, dim: int, index: np.ndarray, source: np.ndarray, reduce: str, include_self: bool = True
) -> np.ndarray:
    fold = {"mean": np.mean, "amax": np.max, "amin": np.min, "prod": np.prod}[reduce]
    result, rows, parts = x.copy(), np.moveaxis(x, dim, 0), np.moveaxis(source, dim, 0)
    target = np.moveaxis(result, dim, 0)
    for i in range(rows.shape[0]):
        met = [parts[k] for k in range(len(index)) if index[k] == i]
        if met:
            target[i] = fold(np.stack(([rows[i]] if include_self else []) + met), axis=0)
    return result


def index_reduce_samples(g: Gen) -> Iterable[Sample]:
    for how in ("mean", "amax", "amin", "prod"):
        for own in (True, False):
            yield case(g(3, 7), 1, g.ints(9, hi=7), g(3, 9), how, include_self=own)
            yield case(g(4, 2), 0, g.ints(5, hi=4), g(5, 2), how, include_self=own)


def sum_to_size(x: np.ndarray, *size: int) -> np.ndarray:
    lead = x.ndim - len(size)
    axes = tuple(range(lead)) + tuple(lead + i for i, s in enumerate(size) if s == 1 and x.shape[lead + i] != 1)
    return x.sum(axes, keepdims=True).reshape(size)


def nonzero_static(x: np.ndarray, *, size: int, fill_value: int = -1) -> np.ndarray:
    places = np.argwhere(x)[:size]
    return np.concatenate([places, np.full((size - len(places), x.ndim), fill_value)])


def narrowed(x: np.ndarray, dim: int, start: int, length: int) -> np.ndarray:
    return np.take(x, range(start % x.shape[dim], start % x.shape[dim] + length), dim)


COPIES = [
    move("alias_copy", lambda x: x, each(lambda g: case(g(3, 4)), lambda g: case(g())), variants="fo"),
    move("detach_copy", lambda x: x, each(lambda g: case(g(3, 4))), variants="fo", grad=False),
    move("diagonal_copy", np.diagonal, each(lambda g: case(g(3, 4)), lambda g: case(g(3, 4), -1)), variants="fo"),
    move("expand_copy", np.broadcast_to, each(lambda g: case(g(3, 1), (2, 3, 4))), variants="fo"),
    move(
        "narrow_copy",
        narrowed,
        each(lambda g: case(g(5, 3), 0, 1, 3), lambda g: case(g(5, 3), 1, -2, 2)),
        variants="fmo",
    ),
    move("permute_copy", np.transpose, each(lambda g: case(g(2, 3, 4), (2, 0, 1))), variants="fo"),
    move("select_copy", lambda x, dim, i: np.take(x, i, dim), each(lambda g: case(g(3, 4), 1, -1)), variants="fo"),
    move("slice_copy", lambda x, d, a, b, s: x[:, a:b:s], each(lambda g: case(g(2, 7), 1, 1, 6, 2)), variants="fo"),
    move("split_copy", lambda x, n: [x[:n], x[n:]], each(lambda g: case(g(5, 2), 3)), variants="f"),
    move(
        "split_with_sizes_copy", lambda x, s: [x[: s[0]], x[s[0] :]], each(lambda g: case(g(5), [1, 4])), variants="f"
    ),
    move("squeeze_copy", lambda x: x.squeeze(), each(lambda g: case(g(1, 3, 1))), variants="fo"),
    move("t_copy", np.transpose, each(lambda g: case(g(3, 4)), lambda g: case(g(3))), variants="fo"),
    move("transpose_copy", np.swapaxes, each(lambda g: case(g(2, 3, 4), 0, -1)), variants="fo"),
    move("unbind_copy", list, each(lambda g: case(g(3, 2))), variants="f"),
    move(
        "unfold_copy",
        lambda x, d, n, s: np.lib.stride_tricks.sliding_window_view(x, n, d)[::s],
        each(lambda g: case(g(7, 2), 0, 3, 2)),
        variants="fo",
    ),
    move("unsqueeze_copy", np.expand_dims, each(lambda g: case(g(3), 1)), variants="fo"),
    move("unsafe_chunk", lambda x, n: np.array_split(x, n), each(lambda g: case(g(6, 2), 3))),
    move("unsafe_split", lambda x, n: [x[:n], x[n:]], each(lambda g: case(g(5, 2), 3))),
    move("unsafe_split_with_sizes", lambda x, s: [x[: s[0]], x[s[0] :]], each(lambda g: case(g(5), [1, 4]))),
]

SPECS = [
    whole("gcd", np.gcd),
    whole("lcm", np.lcm),
    OpSpec(
        "nextafter",
        np.nextafter,
        lambda g: pair_samples(g, scalars=False, mixed=False),
        dtypes=("float64",),
        grad=False,
        variants="fmio",
        tol={"float64": 0},
        pointwise=True,
        errors=lambda: [bad(TypeError, "nextafter", np.ones(2), np.ones(2), dtype="int64")],
    ),
    OpSpec(
        "frexp",
        np.frexp,
        frexp_samples,
        dtypes=FLOATS,
        out=("same", "int32"),
        grad_samples=lambda g: [case(g(7, lo=0.6, hi=0.9)), case(g(3, 2, lo=1.2, hi=1.9))],
        errors=lambda: [bad(TypeError, "frexp.*int64", np.ones(2), dtype="int64")],
    ),
    OpSpec(
        "histogram",
        histogram,
        lambda g: [
            case(g(131), 7),
            case(g(33), bins=4, range=(-1.0, 2.0)),
            case(g(4, 5), np.array([-3.0, -1.0, 0.5, 3.0])),
            case(g(33), 5, weight=g(33, lo=0, hi=2)),
            case(g(33), 5, density=True),
            case(np.ones(4), 3),
        ],
        dtypes=("float32", "float64"),
        grad=False,
        out=("same", "same"),
        tol=16,
        errors=lambda: [
            bad(ValueError, "histogram.*0", np.ones(3), 0),
            bad(ValueError, "histogram", np.ones(3), 3, range=(2.0, 1.0)),
            bad(TypeError, "histogram.*int64", np.ones(3), 3, dtype="int64"),
        ],
    ),
    OpSpec(
        "index_reduce",
        index_reduce,
        index_reduce_samples,
        domain=(0.5, 2.0),
        dtypes=("float32", "float64"),
        tol=16,
        variants="fmio",
        grad_tol=64,
        gradgrad=False,
        errors=lambda: [
            bad(ValueError, "index_reduce.*sum", np.ones(3), 0, np.array([0]), np.ones(1), "sum"),
            bad(ValueError, r"index_reduce.*\(2,\)", np.ones(3), 0, np.array([0]), np.ones(2), "prod"),
            bad(IndexError, "index 3", np.ones(3), 0, np.array([3]), np.ones(1), "prod"),
        ],
    ),
    move(
        "as_strided_scatter",
        lambda x, src, size, stride: np.concatenate([src, x[len(src) :]]),
        each(lambda g: case(g(6), g(2), (2,), (1,))),
        exact_strides=False,
        dtypes=FLOATS,
        errors=lambda: [bad(ValueError, "as_strided_scatter", np.ones(4), np.ones(3), (2,), (1,))],
    ),
    OpSpec(
        "Tensor.sum_to_size",
        sum_to_size,
        lambda g: [case(g(2, 3), 1, 3), case(g(2, 3, 4), 3, 1), case(g(2, 3), 2, 3)],
        dtypes=("float32", "float64"),
        tol=8,
        errors=lambda: [bad(ValueError, r"sum_to_size.*\(2,\)", np.ones((2, 3)), 2)],
    ),
    OpSpec(
        "nonzero_static",
        nonzero_static,
        lambda g: [case(np.where(g.bools(9), g(9), 0.0), size=n) for n in (0, 3, 12)] + [case(g.bools(2, 3), size=2)],
        dtypes=("float32", "int64"),
        out="int64",
        grad=False,
        errors=lambda: [bad(ValueError, "nonzero_static.*-1", np.ones(3), size=-1)],
    ),
    *COPIES,
]
