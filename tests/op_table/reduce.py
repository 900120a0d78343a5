# SPDX-License-Identifier: MIT
"""Reductions, scans, and the searches that go with them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from scipy import special

from .spec import ALL, FLOATS, INTS, NUMBERS, Dtype, Gen, OpSpec, Sample, bad, case

REDUCED = (1, 2, 7, 15, 16, 17, 31, 33, 67, 131)


def axes(dim: Any) -> Any:
    return tuple(dim) if isinstance(dim, (list, tuple)) else dim


def reduction(f: Callable) -> Callable:
    """NumPy's reduction under PyTorch's argument names."""
    return lambda x, dim=None, keepdim=False, dtype=None: f(
        x if dtype is None else x.astype(dtype), axis=axes(dim) if x.ndim else None, keepdims=keepdim
    )


def lengths(g: Gen) -> Iterable[Sample]:
    for n in REDUCED:
        yield case(g(n))
        yield case(g(3, n), dim=1)
        yield case(g(n, 3), dim=0)


def sum_samples(g: Gen) -> Iterable[Sample]:
    yield from lengths(g)
    yield case(g())
    yield case(g(), dim=0)
    yield case(g(0))
    yield case(g(0, 3), dim=0)
    yield case(g(0, 3), dim=1)
    yield case(g(2, 3, 4), dim=(0, 2))
    yield case(g(2, 3, 4), dim=[1, -1], keepdim=True)
    yield case(g(2, 3, 4, 5), dim=(1, 3))
    yield case(g(2, 3, 4), dim=-1, keepdim=True)
    yield case(np.broadcast_to(g(5, 1), (5, 9)), dim=1)
    yield case(g(1031), dim=0)
    yield case(np.array([1.0, np.nan, 2.0]), label="special")
    yield case(np.array([[1.0, np.inf, 2.0], [-np.inf, 1.0, np.inf]]), dim=1, label="special")


def nonempty(samples: Callable) -> Callable:
    def chosen(g: Gen) -> Iterable[Sample]:
        return (s for s in samples(g) if s.args[0].size)

    return chosen


def sum_with_dtype(g: Gen) -> Iterable[Sample]:
    yield case(g(33), dtype=Dtype("float64"))
    yield case(g(3, 17), dim=1, dtype=Dtype("float64"))


def reduce_large(g: Gen) -> Iterable[Sample]:
    yield case(g(300_007))
    yield case(g(601, 499), dim=1)
    yield case(g(601, 499), dim=0)
    yield case(g(7, 20_011), dim=1)
    yield case(g(20_011, 7), dim=0)
    yield case(g(23, 101, 67), dim=1)
    yield case(g(23, 101, 67), dim=(0, 2))


def dim_large(g: Gen) -> Iterable[Sample]:
    return (s for s in reduce_large(g) if isinstance(s.kwargs.get("dim", 0), int))


def dim_errors(name: str) -> Callable:
    return lambda: [
        bad(IndexError, rf"{name}.*2", np.ones((2, 3)), dim=2),
        bad(IndexError, rf"{name}.*-3", np.ones((2, 3)), dim=-3),
    ]


def dims_errors(name: str) -> Callable:
    return lambda: [*dim_errors(name)(), bad((RuntimeError, ValueError), name, np.ones((2, 3)), dim=(0, 0))]


def magnitude(f: Callable) -> Callable:
    return lambda x, *args, **kwargs: f(np.abs(np.nan_to_num(x.astype(np.float64))), *args, **kwargs)


def reduce(name: str, ref: Callable, **options: Any) -> OpSpec:
    defaults: dict[str, Any] = {"samples": sum_samples, "large": reduce_large, "errors": dims_errors(name)}
    return OpSpec(name, ref, **(defaults | options))


# ---------------------------------------------------------------- variance and norms


def variance(x: np.ndarray, dim: Any = None, correction: float = 1, keepdim: bool = False) -> np.ndarray:
    with np.errstate(all="ignore"):
        mean = np.mean(x, axis=axes(dim), keepdims=True)
        total = np.sum(np.abs(x - mean) ** 2, axis=axes(dim), keepdims=keepdim)
        count = x.size / max(np.prod(total.shape), 1)
        return total / max(count - correction, 0) if count != correction else total / 0.0 * (total == 0)


def std(x: np.ndarray, **kwargs: Any) -> np.ndarray:
    return np.sqrt(variance(x, **kwargs))


def var_samples(g: Gen) -> Iterable[Sample]:
    for n in REDUCED[1:]:
        yield case(g(n))
        yield case(g(3, n), dim=1)
        yield case(g(n, 3), dim=0, correction=0)
    yield case(g(2, 3, 4), dim=(0, 2), keepdim=True)
    yield case(g(2, 3, 4), dim=(0, 2), correction=2)
    yield case(g(5) + 100.0, dim=0)  # a large mean must not eat the digits
    yield case(g(1031), dim=0)


def norm(x: np.ndarray, p: Any = 2, dim: Any = None, keepdim: bool = False) -> np.ndarray:
    a = np.abs(x)
    if p in ("fro", 2):
        return np.sqrt(np.sum(a * a, axis=axes(dim), keepdims=keepdim))
    if p == np.inf:
        return np.max(a, axis=axes(dim), keepdims=keepdim)
    if p == -np.inf:
        return np.min(a, axis=axes(dim), keepdims=keepdim)
    if p == 0:
        return np.sum(a != 0, axis=axes(dim), keepdims=keepdim).astype(np.float64)
    return np.sum(a**p, axis=axes(dim), keepdims=keepdim) ** (1 / p)


def norm_samples(g: Gen) -> Iterable[Sample]:
    for n in (1, 2, 15, 16, 17, 67):
        yield case(g(n))
        yield case(g(3, n), dim=1)
    yield case(g(2, 3, 4), dim=(0, 2), keepdim=True)
    for p in (1, 2, 3, 0.5, np.inf, -np.inf, 0):
        yield case(g(3, 7), p, 1)
        yield case(g(17), p)
    yield case(g(4, 5), p="fro")


def vector_norm(x: np.ndarray, ord: Any = 2, dim: Any = None, keepdim: bool = False) -> np.ndarray:
    return norm(x, ord, dim, keepdim)


def logsumexp(x: np.ndarray, dim: Any, keepdim: bool = False) -> np.ndarray:
    return special.logsumexp(x, axis=axes(dim), keepdims=keepdim)


def logsumexp_samples(g: Gen) -> Iterable[Sample]:
    for n in REDUCED:
        yield case(g(3, n), dim=1)
        yield case(g(n, 3), dim=0)
    yield case(g(), dim=0)
    yield case(g(2, 3, 4), dim=(0, 2), keepdim=True)
    yield case(100 * g(3, 17), dim=1)
    yield case(np.array([[-np.inf, -np.inf], [np.inf, 1.0], [-np.inf, 2.0]]), dim=1, label="special")


def logsumexp_large(g: Gen) -> Iterable[Sample]:
    return (s for s in reduce_large(g) if "dim" in s.kwargs)


# ---------------------------------------------------------------- extremes with indices


def distinct_samples(g: Gen) -> Iterable[Sample]:
    for n in (1, 2, 15, 16):
        yield case(g.distinct(3, n), dim=1)
        yield case(g.distinct(n, 3), dim=0)
    yield case(g.distinct(47, 1), dim=0)
    yield case(g.distinct(1, 33), dim=1)
    yield case(g(), dim=0)
    yield case(g.distinct(2, 3, 4), dim=1, keepdim=True)
    yield case(g.distinct(2, 3, 4), dim=-3)


def whole_samples(g: Gen) -> Iterable[Sample]:
    for n in (1, 2, 15, 16, 17, 33, 47):
        yield case(g.distinct(n))
    yield case(g())
    yield case(g.distinct(3, 16))


def with_nan(samples: Callable) -> Callable:
    def more(g: Gen) -> Iterable[Sample]:
        yield from samples(g)
        yield case(np.array([1.0, np.nan, 3.0, np.inf]), dim=0, label="special")
        yield case(np.array([[1.0, 2.0], [np.nan, -np.inf]]), dim=1, label="special")

    return more


def extreme(value: Callable, index: Callable) -> Callable:
    def ref(x: np.ndarray, dim: int | None = None, keepdim: bool = False) -> Any:
        if dim is None:
            return value(x)
        if x.ndim == 0:
            return x, np.zeros((), np.int64)
        where = np.expand_dims(index(x, axis=dim), dim)
        values = np.take_along_axis(x, where, axis=dim)
        return (values, where) if keepdim else (values.squeeze(dim), where.squeeze(dim))

    return ref


def arg(index: Callable) -> Callable:
    def ref(x: np.ndarray, dim: int | None = None, keepdim: bool = False) -> np.ndarray:
        if x.ndim == 0:
            return np.zeros((), np.int64)
        return np.asarray(index(x, axis=dim, keepdims=keepdim))

    return ref


def arg_samples(g: Gen) -> Iterable[Sample]:
    yield from whole_samples(g)
    yield from distinct_samples(g)
    yield case(np.array([1.0, 3.0, 3.0, 0.0]), dim=0)  # the first of equals
    yield case(np.array([1.0, np.nan, 3.0, np.nan]), label="special")


def empty_error(name: str) -> Callable:
    return lambda: [
        *dim_errors(name)(),
        bad((IndexError, ValueError, RuntimeError), name, np.ones((0,))),
        bad((IndexError, ValueError), name, np.ones((0, 3)), dim=0),
    ]


LOGICAL = tuple(d for d in ALL if d != "uint8")  # PyTorch keeps uint8 there, for programs older than bool


def aminmax(x: np.ndarray, dim: int | None = None, keepdim: bool = False) -> Any:
    return np.min(x, axis=dim, keepdims=keepdim), np.max(x, axis=dim, keepdims=keepdim)


# ---------------------------------------------------------------- scans


def scan_samples(g: Gen) -> Iterable[Sample]:
    for n in (0, 1, 2, 15, 16, 17, 33, 67):
        yield case(g(n), dim=0)
    yield case(g(3, 17), dim=1)
    yield case(g(17, 3), dim=0)
    yield case(g(2, 5, 3), dim=1)
    yield case(g(2, 5, 3), dim=-3)
    yield case(g(), dim=0)


def scan_large(g: Gen) -> Iterable[Sample]:
    yield case(g(601, 499), dim=1)
    yield case(g(601, 499), dim=0)
    yield case(g(100_003), dim=0)


def scan(f: Callable) -> Callable:
    return lambda x, dim, dtype=None: f(x.reshape(x.shape or (1,)), axis=dim).reshape(x.shape)


def cum_extreme(pick: Callable) -> Callable:
    def ref(x: np.ndarray, dim: int) -> Any:
        x = np.moveaxis(x, dim, 0)
        values, indices = x.copy(), np.zeros(x.shape, np.int64)
        for i in range(1, len(x)):
            better = pick(x[i], values[i - 1])
            values[i] = np.where(better, x[i], values[i - 1])
            indices[i] = np.where(better, i, indices[i - 1])
        return np.moveaxis(values, 0, dim), np.moveaxis(indices, 0, dim)

    return ref


def logcumsumexp(x: np.ndarray, dim: int) -> np.ndarray:
    return np.logaddexp.accumulate(x.reshape(x.shape or (1,)), axis=dim).reshape(x.shape)


def median(x: np.ndarray, dim: int | None = None, keepdim: bool = False) -> Any:
    if dim is None:
        return np.sort(x, axis=None)[(x.size - 1) // 2]
    order = np.argsort(x, axis=dim, kind="stable")
    where = np.take(order, [(x.shape[dim] - 1) // 2], axis=dim)
    values = np.take_along_axis(x, where, axis=dim)
    return (values, where) if keepdim else (values.squeeze(dim), where.squeeze(dim))


def prod_samples(g: Gen) -> Iterable[Sample]:
    for n in (1, 2, 7, 15, 16, 17, 33):
        yield case(g(n))
        yield case(g(3, n), dim=1)
        yield case(g(n, 3), dim=0, keepdim=True)
    yield case(g())
    yield case(g(0))
    yield case(g(0, 3), dim=0)
    yield case(g(2, 3, 4), dim=-2)


def single_dims(g: Gen) -> Iterable[Sample]:
    return (s for s in sum_samples(g) if isinstance(s.kwargs.get("dim", 0), int))


def nan_samples(g: Gen) -> Iterable[Sample]:
    for keepdim in (False, True):
        for dim in (0, 1, (0, 1)):
            yield case(
                np.where(g.rng.random((5, 17)) < 0.3, np.nan, g(5, 17)), dim=dim, keepdim=keepdim, label="special"
            )
    yield case(g(33))


def nanmedian(x: np.ndarray, dim: int | None = None, keepdim: bool = False) -> Any:
    """The lower of two middle values of those that are not NaN."""
    if dim is None:
        return median(x[~np.isnan(x)])
    rows = np.moveaxis(x, dim, -1)
    values = np.stack([median(r[~np.isnan(r)]) for r in rows.reshape(-1, rows.shape[-1])]).reshape(rows.shape[:-1])
    where = np.argmax(rows == values[..., None], -1)
    return (np.expand_dims(values, dim), np.expand_dims(where, dim)) if keepdim else (values, where)


def histc(x: np.ndarray, bins: int = 100, min: float = 0, max: float = 0) -> np.ndarray:
    if min == max and x.size:
        min, max = x.min(), x.max()
    if min == max:
        min, max = min - 1, max + 1
    return np.histogram(x, bins, (min, max))[0].astype(x.dtype)


SPECS = [
    reduce(
        "sum",
        reduction(np.sum),
        dtypes=ALL,
        out="sum",
        tol={"float32": 8, "float64": 8},
        scale=magnitude(reduction(np.sum)),
        exact_strides=False,  # along and across memory, terms are added in different orders
    ),
    OpSpec(
        "sum",
        reduction(np.sum),
        sum_with_dtype,
        dtypes=("float32",),
        out="float64",
        tol={"float64": 64},
        scale=1.0,
        exact_strides=False,
    ),
    reduce(
        "mean",
        reduction(np.mean),
        samples=nonempty(sum_samples),
        tol={"float32": 8, "float64": 8},
        scale=magnitude(reduction(np.mean)),
        exact_strides=False,
        errors=lambda: [*dims_errors("mean")(), bad(TypeError, "mean.*int64", np.array([1, 2]))],
    ),
    reduce("nansum", reduction(np.nansum), tol=8, scale=magnitude(reduction(np.sum)), exact_strides=False),
    reduce(
        "prod",
        reduction(np.prod),
        samples=prod_samples,
        domain=(0.7, 1.4),
        dtypes=(*FLOATS, *INTS),
        out="sum",
        large=dim_large,
        tol={"float32": 64, "float64": 64, "float16": 4, "bfloat16": 4},
        errors=dim_errors("prod"),
    ),
    reduce(
        "amax",
        reduction(np.max),
        samples=nonempty(sum_samples),
        dtypes=ALL,
        errors=dims_errors("amax"),
        grad_samples=distinct_samples,
    ),
    reduce(
        "amin",
        reduction(np.min),
        samples=nonempty(sum_samples),
        dtypes=ALL,
        errors=dims_errors("amin"),
        grad_samples=distinct_samples,
    ),
    reduce("var", variance, samples=var_samples, tol=8, scale=0.1, errors=dims_errors("var"), exact_strides=False),
    reduce("std", std, samples=var_samples, tol=8, scale=0.1, errors=dims_errors("std"), exact_strides=False),
    OpSpec(
        "var_mean",
        lambda x, **k: (variance(x, **k), np.mean(x, axis=axes(k.get("dim")), keepdims=k.get("keepdim", False))),
        var_samples,
        out=("same", "same"),
        tol=16,
        scale=1.0,
        variants="f",
        exact_strides=False,
    ),
    OpSpec(
        "std_mean",
        lambda x, **k: (std(x, **k), np.mean(x, axis=axes(k.get("dim")), keepdims=k.get("keepdim", False))),
        var_samples,
        out=("same", "same"),
        tol=16,
        scale=1.0,
        variants="f",
        exact_strides=False,
    ),
    reduce("norm", norm, samples=norm_samples, tol=8, errors=None),
    OpSpec(
        "linalg.vector_norm",
        vector_norm,
        lambda g: [
            case(g(17)),
            case(g(3, 17), dim=1),
            case(g(3, 7), ord=1, dim=1),
            case(g(3, 7), ord=3, dim=0),
        ],
        tol=8,
        variants="f",
    ),
    reduce(
        "logsumexp",
        logsumexp,
        samples=logsumexp_samples,
        large=logsumexp_large,
        tol=8,
        scale=1.0,
        grad_tol=128,
        exact_strides=False,
    ),  # the error of exp(x - result) grows with |x|
    reduce(
        "all",
        reduction(np.all),
        samples=single_dims,
        dtypes=LOGICAL,
        out="bool",
        grad=False,
        large=dim_large,
        errors=dim_errors("all"),
    ),
    reduce(
        "any",
        reduction(np.any),
        samples=single_dims,
        dtypes=LOGICAL,
        out="bool",
        grad=False,
        large=dim_large,
        errors=dim_errors("any"),
    ),
    reduce(
        "count_nonzero",
        lambda x, dim=None: np.count_nonzero(x, axis=axes(dim)),
        dtypes=ALL,
        out="int64",
        grad=False,
        samples=lambda g: [case(g(33)), case(g(3, 17), dim=1), case(g(3, 17), dim=(0, 1))],
        large=None,
        errors=None,
    ),
    OpSpec(
        "max",
        extreme(np.max, np.argmax),
        with_nan(distinct_samples),
        dim_large,
        dtypes=NUMBERS,
        out=("same", "int64"),
        errors=lambda: empty_error("max")()[:2] + empty_error("max")()[3:],
    ),
    OpSpec(
        "min",
        extreme(np.min, np.argmin),
        with_nan(distinct_samples),
        dim_large,
        dtypes=NUMBERS,
        out=("same", "int64"),
        errors=lambda: empty_error("min")()[:2] + empty_error("min")()[3:],
    ),
    OpSpec("max", extreme(np.max, np.argmax), whole_samples, dtypes=ALL, errors=lambda: empty_error("max")()[2:3]),
    OpSpec("min", extreme(np.min, np.argmin), whole_samples, dtypes=ALL, errors=lambda: empty_error("min")()[2:3]),
    OpSpec(
        "argmax",
        arg(np.argmax),
        arg_samples,
        dim_large,
        dtypes=NUMBERS,
        out="int64",
        grad=False,
        errors=empty_error("argmax"),
    ),
    OpSpec(
        "argmin",
        arg(np.argmin),
        arg_samples,
        dim_large,
        dtypes=NUMBERS,
        out="int64",
        grad=False,
        errors=empty_error("argmin"),
    ),
    OpSpec("aminmax", aminmax, lambda g: [case(g.distinct(17)), case(g.distinct(3, 17), dim=1)], out=("same", "same")),
    OpSpec("median", median, lambda g: [case(g.distinct(n)) for n in (1, 2, 16, 17)], dtypes=("float32", "float64")),
    OpSpec(
        "median",
        median,
        lambda g: [case(g.distinct(3, 16), dim=1), case(g.distinct(5, 3), dim=0, keepdim=True)],
        dtypes=("float32", "float64"),
        out=("same", "int64"),
    ),
    OpSpec(
        "cumsum",
        scan(np.cumsum),
        scan_samples,
        scan_large,
        dtypes=NUMBERS,
        out="sum",
        tol=16,
        scale=lambda x, dim: scan(np.cumsum)(np.abs(x.astype(float)), dim),
        variants="fmi",
        errors=dim_errors("cumsum"),
    ),
    OpSpec(
        "cumprod",
        scan(np.cumprod),
        scan_samples,
        scan_large,
        dtypes=NUMBERS,
        out="sum",
        domain=(0.7, 1.4),
        tol={"float32": 64, "float64": 64, "float16": 4, "bfloat16": 4},
        variants="fmi",
        errors=dim_errors("cumprod"),
    ),
    OpSpec(
        "cummax",
        cum_extreme(np.greater_equal),
        lambda g: [case(g.distinct(17), dim=0), case(g.distinct(3, 5), dim=1)],
        out=("same", "int64"),
    ),
    OpSpec(
        "cummin",
        cum_extreme(np.less_equal),
        lambda g: [case(g.distinct(17), dim=0), case(g.distinct(3, 5), dim=1)],
        out=("same", "int64"),
    ),
    OpSpec("logcumsumexp", logcumsumexp, lambda g: [case(g(17), dim=0), case(g(3, 5), dim=1)], tol=8, scale=1.0),
    reduce(
        "nanmean",
        reduction(np.nanmean),
        samples=nan_samples,
        dtypes=("float32", "float64"),
        tol=8,
        scale=1.0,
        exact_strides=False,
    ),
    OpSpec("nanmedian", nanmedian, lambda g: [case(g.distinct(n)) for n in (1, 2, 17)], dtypes=("float32", "float64")),
    OpSpec(
        "nanmedian",
        nanmedian,
        lambda g: [case(np.array([[3.0, np.nan, 1.0, 2.0], [np.nan, np.nan, 5.0, 4.0]]), 1)],
        dtypes=("float32", "float64"),
        out=("same", "int64"),
    ),
    OpSpec(
        "histc",
        histc,
        lambda g: [case(g(131), 7), case(g(33), bins=4, min=-1, max=2), case(g(5), 3, 2, 2), case(g(0), 3)],
        dtypes=("float32", "float64"),
        grad=False,
        variants="fmo",
        errors=lambda: [
            bad((ValueError, RuntimeError), "histc.*0", np.ones(3), 0),
            bad((ValueError, RuntimeError), "histc", np.ones(3), 3, 2, 1),
        ],
    ),
]
