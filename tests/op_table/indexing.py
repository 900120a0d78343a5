# SPDX-License-Identifier: MIT
"""Gathering, scattering, masking, sorting, embedding. `x[...]` itself is tested in test_indexing.py."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from .spec import ALL, FLOATS, NUMBERS, SIGNED, Gen, OpSpec, Sample, bad, case

F = "nn.functional."


def gather(x: np.ndarray, dim: int, index: np.ndarray) -> np.ndarray:
    cut = tuple(slice(None) if a == dim % x.ndim else slice(0, n) for a, n in enumerate(index.shape))
    return np.take_along_axis(x[cut], index, axis=dim)


def gather_samples(g: Gen) -> Iterable[Sample]:
    yield case(g(5), 0, g.ints(7, hi=5))
    yield case(g(3, 17), 1, g.ints(3, 5, hi=17))
    yield case(g(17, 3), 0, g.ints(33, 3, hi=17))
    yield case(g(4, 5, 3), -2, g.ints(2, 6, 3, hi=5))
    yield case(g(4, 5), 1, g.ints(0, 3, hi=5))


def gather_large(g: Gen) -> Iterable[Sample]:
    yield case(g(601, 499), 1, g.ints(601, 307, hi=499))
    yield case(g(601, 499), 0, g.ints(307, 499, hi=601))


def scatter_with(update: Callable) -> Callable:
    def ref(x: np.ndarray, dim: int, index: np.ndarray, src: Any) -> np.ndarray:
        result = x.copy()
        for place in np.ndindex(index.shape):
            target = list(place)
            target[dim] = index[place]
            value = src[place] if isinstance(src, np.ndarray) else src
            result[tuple(target)] = update(result[tuple(target)], value)
        return result

    return ref


def permutations(g: Gen, rows: int, count: int, n: int) -> np.ndarray:
    """Row-wise distinct indices: what scatter writes twice is not defined."""
    return np.stack([g.rng.permutation(n)[:count] for _ in range(rows)]).astype(np.int64)


def scatter_samples(g: Gen) -> Iterable[Sample]:
    yield case(g(5), 0, permutations(g, 1, 3, 5)[0], g(3))
    yield case(g(3, 9), 1, permutations(g, 3, 5, 9), g(3, 5))
    yield case(g(9, 3), 0, permutations(g, 3, 4, 9).T, g(4, 3))
    yield case(g(3, 9), -1, permutations(g, 3, 5, 9), 2)
    yield case(g(3, 9), -1, permutations(g, 3, 5, 9), g(4, 6), label="special")  # only a part of src is used


def scatter_add_samples(g: Gen) -> Iterable[Sample]:
    yield case(g(5), 0, g.ints(7, hi=5), g(7))
    yield case(g(3, 9), 1, g.ints(3, 17, hi=9), g(3, 17))
    yield case(g(9, 3), 0, g.ints(4, 3, hi=9), g(4, 3))
    yield case(g(3, 9), -1, g.ints(2, 5, hi=9), g(4, 6), label="special")  # only a part of src is used


def scatter_add_large(g: Gen) -> Iterable[Sample]:
    yield case(g(1009), 0, g.ints(200_003, hi=1009), g(200_003))
    yield case(g(501, 37), 0, g.ints(4001, 37, hi=501), g(4001, 37))


def index_select_samples(g: Gen) -> Iterable[Sample]:
    yield case(g(5), 0, g.ints(7, hi=5))
    yield case(g(17, 5), 0, g.ints(3, hi=17))
    yield case(g(3, 17), 1, g.ints(33, hi=17))
    yield case(g(2, 5, 3), -2, g.ints(4, hi=5))
    yield case(g(4, 3), 0, np.zeros(0, np.int64))
    yield case(g(1), 0, np.zeros(1, np.int64))


def index_select(x: np.ndarray, dim: int, index: np.ndarray) -> np.ndarray:
    return np.take(x, index, axis=dim)


def index_select_large(g: Gen) -> Iterable[Sample]:
    yield case(g(601, 499), 0, g.ints(1501, hi=601))
    yield case(g(601, 499), 1, g.ints(601, hi=499))


def index_add(x: np.ndarray, dim: int, index: np.ndarray, source: np.ndarray, alpha: float = 1) -> np.ndarray:
    result = np.moveaxis(x.copy(), dim, 0)
    np.add.at(result, index, np.moveaxis(alpha * source, dim, 0))
    return np.moveaxis(result, 0, dim)


def index_copy(x: np.ndarray, dim: int, index: np.ndarray, source: np.ndarray) -> np.ndarray:
    result = np.moveaxis(x.copy(), dim, 0)
    result[index] = np.moveaxis(source, dim, 0)
    return np.moveaxis(result, 0, dim)


def index_fill(x: np.ndarray, dim: int, index: np.ndarray, value: float) -> np.ndarray:
    result = np.moveaxis(x.copy(), dim, 0)
    result[index] = value
    return np.moveaxis(result, 0, dim)


def masked_fill(x: np.ndarray, mask: np.ndarray, value: Any) -> np.ndarray:
    return np.where(mask, np.asarray(value, dtype=x.dtype), x)


def masked_fill_samples(g: Gen) -> Iterable[Sample]:
    for n in (0, 1, 15, 16, 17, 33, 67):
        yield case(g(n), g.bools(n), 2)
    yield case(g(3, 17), g.bools(17), 1)
    yield case(g(3, 17), g.bools(3, 1), g())
    yield case(g(), g.bools(), 1)


def masked_fill_large(g: Gen) -> Iterable[Sample]:
    yield case(g(601, 499), g.bools(601, 499), 2)
    yield case(g(601, 499), g.bools(499), 2)


def masked_select(x: np.ndarray, mask: np.ndarray) -> np.ndarray:
    x, mask = np.broadcast_arrays(x, mask)
    return x[mask]


def masked_scatter(x: np.ndarray, mask: np.ndarray, source: np.ndarray) -> np.ndarray:
    result = x.copy()
    full = np.broadcast_to(mask, x.shape)
    result[full] = source.reshape(-1)[: full.sum()]
    return result


def take(x: np.ndarray, index: np.ndarray) -> np.ndarray:
    return x.reshape(-1)[index]


# ---------------------------------------------------------------- sorting


SORTED = (*FLOATS, *SIGNED)  # uint8 has too few values for samples without ties


def sort(x: np.ndarray, dim: int = -1, descending: bool = False, stable: bool = False) -> Any:
    if x.ndim == 0:
        return x, np.zeros((), np.int64)
    order = np.argsort(-x.astype(np.float64) if descending else x, axis=dim, kind="stable")
    return np.take_along_axis(x, order, axis=dim), order


def sort_samples(g: Gen) -> Iterable[Sample]:
    for n in (0, 1, 2, 15, 16, 17, 33, 47):
        yield case(g.distinct(n))
        yield case(g.distinct(n), descending=True)
    yield case(g.distinct(3, 17), dim=1)
    yield case(g.distinct(17, 3), dim=0, descending=True)
    yield case(g.distinct(2, 5, 3), dim=1)
    yield case(g())
    yield case(np.array([2.0, 1.0, 2.0, 1.0, 2.0, 1.0]), stable=True, label="special")
    yield case(np.array([1.0, np.nan, -np.inf, np.inf, 0.0]), label="special")


def sort_large(g: Gen) -> Iterable[Sample]:
    yield case(g.distinct(100_003))
    yield case(g.distinct(211, 499), dim=1)
    yield case(g.distinct(499, 211), dim=0)


def topk(x: np.ndarray, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> Any:
    values, order = sort(x, dim, descending=largest)
    cut = [slice(None)] * x.ndim
    cut[dim] = slice(0, k)
    return values[tuple(cut)], order[tuple(cut)]


def topk_samples(g: Gen) -> Iterable[Sample]:
    for n, k in ((1, 1), (5, 0), (15, 3), (16, 16)):
        yield case(g.distinct(n), k)
        yield case(g.distinct(3, n), k, dim=1, largest=False)
    yield case(g.distinct(9, 3), 4, 0)
    yield case(g.distinct(47), 8)
    yield case(g.distinct(33), 33)


def topk_large(g: Gen) -> Iterable[Sample]:
    yield case(g.distinct(211, 499), 5)
    yield case(g.distinct(100_003), 100)


def kthvalue(x: np.ndarray, k: int, dim: int = -1, keepdim: bool = False) -> Any:
    values, order = sort(x, dim)
    pick = [slice(None)] * x.ndim
    pick[dim] = slice(k - 1, k)
    values, order = values[tuple(pick)], order[tuple(pick)]
    return (values, order) if keepdim else (values.squeeze(dim), order.squeeze(dim))


def searchsorted(edges: np.ndarray, x: np.ndarray, right: bool = False) -> np.ndarray:
    return np.searchsorted(edges, x, side="right" if right else "left")


def bincount(x: np.ndarray, weights: np.ndarray | None = None, minlength: int = 0) -> np.ndarray:
    return np.bincount(x, weights, minlength)


# ---------------------------------------------------------------- embedding


def embedding(index: np.ndarray, weight: np.ndarray, padding_idx: int | None = None) -> np.ndarray:
    return weight[index]


def embedding_samples(g: Gen) -> Iterable[Sample]:
    yield case(g.ints(5, hi=7), g(7, 3))
    yield case(g.ints(2, 4, hi=9), g(9, 5))
    yield case(g.ints(hi=9), g(9, 5))
    yield case(g.ints(3, 3, hi=3), g(3, 17))
    yield case(g.ints(0, hi=3), g(3, 4))
    yield case(g.ints(6, hi=5).astype(np.int32), g(5, 16))


def embedding_large(g: Gen) -> Iterable[Sample]:
    yield case(g.ints(5003, hi=1009), g(1009, 67))
    yield case(g.ints(40_009, hi=11), g(11, 17))


def one_hot(index: np.ndarray, num_classes: int = -1) -> np.ndarray:
    classes = int(index.max()) + 1 if num_classes == -1 else num_classes
    return (index[..., None] == np.arange(classes)).astype(np.int64)


def one_hot_samples(g: Gen) -> Iterable[Sample]:
    yield case(g.ints(7, hi=5))
    yield case(g.ints(2, 3, hi=5), num_classes=6)
    yield case(g.ints(hi=5), 5)
    yield case(np.zeros((0, 3), np.int64), 4)


def index_errors(name: str) -> Callable:
    """Of ops that take (x, dim, index)."""
    x = np.ones((2, 3))
    return lambda: [
        bad(IndexError, rf"{name}.*3", x, 1, np.array([[0, 3]])),
        bad(IndexError, rf"{name}.*2", x, 2, np.zeros((2, 2), np.int64)),
        bad((TypeError, IndexError), rf"{name}.*float32", x, 1, np.ones((2, 2))),
        bad((ValueError, IndexError), name, x, 1, np.zeros(2, np.int64)),
    ]


def select_errors() -> list:
    x = np.ones((2, 3))
    return [
        bad(IndexError, "index_select.*3", x, 1, np.array([3])),
        bad(IndexError, "index_select.*-4|index_select.*-1", x, 1, np.array([-4])),
        bad(IndexError, "index_select.*2", x, 2, np.array([0])),
        bad((ValueError, IndexError), "index_select", x, 1, np.array([[0]])),
        bad((TypeError, IndexError), "index_select", x, 1, np.ones(2)),
    ]


def mode(x: np.ndarray, dim: int = -1, keepdim: bool = False) -> Any:
    """The smallest of the most frequent values, and where it stands last."""

    def one(row: np.ndarray) -> tuple[Any, int]:
        values, counts = np.unique(row, return_counts=True)
        value = values[np.argmax(counts)]
        return value, int(np.flatnonzero(row == value)[-1])

    rows = np.moveaxis(x, dim, -1)
    found = [one(r) for r in rows.reshape(-1, rows.shape[-1])]
    shape = rows.shape[:-1]
    return np.array([v for v, _ in found], x.dtype).reshape(shape), np.array([i for _, i in found]).reshape(shape)


def put(x: np.ndarray, index: np.ndarray, source: np.ndarray, accumulate: bool = False) -> np.ndarray:
    result = x.copy().ravel()
    if accumulate:
        np.add.at(result, index, source)
    else:
        result[index] = source
    return result.reshape(x.shape)


def scatter_reduce(
    x: np.ndarray, dim: int, index: np.ndarray, src: np.ndarray, reduce: str, include_self: bool = True
) -> np.ndarray:
    fold = {"sum": np.sum, "mean": np.mean, "max": np.max, "min": np.min, "prod": np.prod}[reduce.removeprefix("a")]
    result = x.copy()
    for row in range(x.shape[0]):
        for column in range(x.shape[1]):
            values = list(src[row][index[row] == column])
            if values:
                result[row, column] = fold(([x[row, column]] if include_self else []) + values)
    return result


def unique(x: np.ndarray, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None) -> Any:
    return np.unique(x, return_inverse=return_inverse, return_counts=return_counts, axis=dim)


def unique_consecutive(x: np.ndarray, return_inverse: bool = False, return_counts: bool = False) -> Any:
    first = np.concatenate([[True], x[1:] != x[:-1]])
    inverse = np.cumsum(first) - 1
    results = [x[first]] + [inverse] * return_inverse + [np.bincount(inverse)] * return_counts
    return tuple(results) if len(results) > 1 else results[0]


SPECS = [
    OpSpec("gather", gather, gather_samples, gather_large, dtypes=ALL, out="input", errors=index_errors("gather")),
    OpSpec(
        "scatter",
        scatter_with(lambda old, new: new),
        scatter_samples,
        dtypes=ALL,
        out="input",
        variants="fmi",
        errors=lambda: [
            bad(IndexError, "scatter.*3", np.ones((2, 3)), 1, np.array([[0, 3]]), np.ones((1, 2))),
            bad(IndexError, "scatter.*-1", np.ones((2, 3)), 1, np.array([[0, -1]]), np.ones((1, 2))),
        ],
    ),
    OpSpec(
        "scatter_add",
        scatter_with(lambda old, new: old + new),
        scatter_add_samples,
        scatter_add_large,
        dtypes=NUMBERS,
        out="input",
        variants="fmi",
        tol={"float32": 16, "float64": 16, "float16": 8, "bfloat16": 8},
        scale=64.0,  # about the sum of the absolute values that meet in one place
        errors=lambda: [
            bad(IndexError, "scatter_add.*3", np.ones((2, 3)), 1, np.array([[0, 3]]), np.ones((1, 2))),
            bad(TypeError, "scatter_add", np.ones((2, 3)), 1, np.array([[0, 1]]), np.ones((1, 2), np.int64)),
        ],
    ),
    OpSpec(
        "index_select",
        index_select,
        index_select_samples,
        index_select_large,
        dtypes=ALL,
        out="input",
        errors=select_errors,
    ),
    OpSpec(
        "index_add",
        index_add,
        lambda g: [
            case(g(5, 3), 0, g.ints(7, hi=5), g(7, 3)),
            case(g(3, 9), 1, g.ints(4, hi=9), g(3, 4)),
            case(g(5), 0, g.ints(3, hi=5), g(3), alpha=2),
        ],
        out="input",
        variants="fmi",
        scale=8.0,
        tol={"float32": 4, "float64": 4, "float16": 4, "bfloat16": 4},
    ),
    OpSpec(
        "index_copy",
        index_copy,
        lambda g: [case(g(5, 3), 0, np.array([4, 0]), g(2, 3)), case(g(3, 9), 1, np.array([8, 2, 3]), g(3, 3))],
        out="input",
        variants="fmi",
    ),
    OpSpec(
        "index_fill",
        index_fill,
        lambda g: [case(g(5, 3), 0, np.array([4, 0]), 2.0), case(g(3, 9), 1, np.array([8, 2, 3]), 1)],
        out="input",
        variants="fmi",
    ),
    OpSpec(
        "masked_fill",
        masked_fill,
        masked_fill_samples,
        masked_fill_large,
        dtypes=ALL,
        out="input",
        variants="fmi",
        errors=lambda: [
            bad(
                ValueError, r"masked_fill.*\(3,\).*\(2,\)|masked_fill.*\(2,\).*\(3,\)", np.ones(3), np.ones(2, bool), 1
            ),
            bad(TypeError, "masked_fill.*bool", np.ones(3), np.ones(3), 1),
        ],
    ),
    OpSpec(
        "masked_select",
        masked_select,
        lambda g: (
            [case(g(n), g.bools(n)) for n in (0, 1, 17, 33)]
            + [case(g(3, 17), g.bools(17)), case(g(3, 1), g.bools(3, 5))]
        ),
        dtypes=ALL,
        out="input",
    ),
    OpSpec(
        "masked_scatter",
        masked_scatter,
        lambda g: [case(g(17), g.bools(17), g(17)), case(g(3, 5), g.bools(5), g(15))],
        out="input",
        variants="fmi",
    ),
    OpSpec("take", take, lambda g: [case(g(3, 5), g.ints(7, hi=15)), case(g(17), g.ints(2, 3, hi=17))], out="input"),
    OpSpec(
        "take_along_dim",
        lambda x, index, dim: np.take_along_axis(x, index, dim),
        lambda g: [case(g(3, 7), g.ints(3, 4, hi=7), 1)],
        out="input",
    ),
    OpSpec(
        "sort",
        sort,
        sort_samples,
        sort_large,
        dtypes=SORTED,
        out=("same", "int64"),
        errors=lambda: [bad(IndexError, "sort.*2", np.ones((2, 3)), dim=2)],
    ),
    OpSpec("argsort", lambda *a, **k: sort(*a, **k)[1], sort_samples, dtypes=SORTED, out="int64", grad=False),
    OpSpec("msort", lambda x: np.sort(x, 0), lambda g: [case(g.distinct(5, 3))], variants="fm"),
    OpSpec(
        "topk",
        topk,
        topk_samples,
        topk_large,
        dtypes=SORTED,
        out=("same", "int64"),
        errors=lambda: [
            bad((ValueError, IndexError, RuntimeError), "topk.*4", np.ones(3), 4),
            bad((ValueError, RuntimeError), "topk.*-1", np.ones(3), -1),
            bad(IndexError, "topk.*1", np.ones(3), 1, 1),
        ],
    ),
    OpSpec(
        "kthvalue",
        kthvalue,
        lambda g: [case(g.distinct(17), 5), case(g.distinct(3, 7), 2, dim=1)],
        out=("same", "int64"),
    ),
    OpSpec(
        "searchsorted",
        searchsorted,
        lambda g: [case(np.sort(g(9)), g(17)), case(np.sort(g(9)), g(2, 3), right=True)],
        out="int64",
        grad=False,
        variants="f",
        dtypes=("float32", "float64"),
    ),
    OpSpec(
        "bincount",
        bincount,
        lambda g: [case(g.ints(33, hi=7)), case(g.ints(5, hi=3), minlength=9)],
        out="int64",
        grad=False,
        dtypes=("float32",),
    ),
    OpSpec(
        "nonzero",
        lambda x: np.argwhere(x),
        lambda g: (
            [case(np.where(g.bools(n), g(n), 0.0)) for n in (0, 1, 17, 33)]
            + [case(np.where(g.bools(3, 5), g(3, 5), 0.0)), case(g.bools(2, 3, 4)), case(np.ones(()))]
        ),
        dtypes=ALL,
        out="int64",
        grad=False,
    ),
    OpSpec(
        F + "embedding",
        embedding,
        embedding_samples,
        embedding_large,
        out="input",
        grad_tol=64,
        variants="f",
        errors=lambda: [
            bad(IndexError, "embedding.*7", np.array([1, 7]), np.ones((7, 3))),
            bad(IndexError, "embedding.*-1", np.array([1, -1]), np.ones((7, 3))),
            bad(TypeError, "embedding.*float32", np.ones(2), np.ones((7, 3))),
            bad(ValueError, "embedding", np.array([1, 2]), np.ones(7)),
        ],
    ),
    OpSpec(
        F + "one_hot",
        one_hot,
        one_hot_samples,
        dtypes=("float32",),
        out="int64",
        grad=False,
        variants="f",
        errors=lambda: [
            bad((ValueError, IndexError, RuntimeError), "one_hot.*3", np.array([0, 3]), num_classes=3),
            bad((ValueError, IndexError, RuntimeError), "one_hot.*-1", np.array([0, -1])),
            bad(TypeError, "one_hot", np.ones(2)),
        ],
    ),
    OpSpec(
        "argwhere",
        np.argwhere,
        lambda g: [case(np.where(g.bools(3, 5), g(3, 5), 0.0)), case(np.ones(()))],
        out="int64",
        grad=False,
    ),
    OpSpec(
        "bucketize",
        lambda x, edges, right=False: np.searchsorted(edges, x, "right" if right else "left"),
        lambda g: [case(g(3, 5), np.sort(g(9))), case(g(17), np.sort(g(4)), right=True), case(g(17), np.zeros(0))],
        out="int64",
        grad=False,
        variants="fo",
        dtypes=("float32", "float64"),
    ),
    OpSpec(
        "isin",
        lambda x, y, assume_unique=False, invert=False: np.isin(x, y, invert=invert),
        lambda g: [
            case(g.ints(33, hi=9), g.ints(4, hi=9)),
            case(g.ints(3, 5, hi=9), 4, invert=True),
            case(g.distinct(17), g.distinct(5)),
        ],
        out="bool",
        grad=False,
        variants="f",
        dtypes=("float32",),
    ),
    OpSpec(
        "mode",
        mode,
        lambda g: [case(g.ints(33, hi=5).astype(np.float64)), case(g.ints(4, 17, hi=3).astype(np.float64), dim=0)],
        out=("same", "int64"),
        dtypes=("float32", "float64", "int64"),
        grad=False,
    ),
    OpSpec(
        "put",
        put,
        lambda g: [case(g(3, 4), np.array([0, 7, -1]), g(3)), case(g(5), np.array([1, 1, 2]), g(3), accumulate=True)],
        errors=lambda: [
            bad(IndexError, "put.*5", np.ones(5), np.array([5]), np.ones(1)),
            bad((ValueError, RuntimeError), "put", np.ones(5), np.array([1, 2]), np.ones(1)),
        ],
    ),
    OpSpec(
        "scatter_reduce",
        scatter_reduce,
        lambda g: [
            case(g(3, 7), 1, g.ints(3, 9, hi=7), g(3, 9), how, include_self=own)
            for how in ("sum", "mean", "amax", "amin", "prod", "max", "min")
            for own in (True, False)
        ],
        domain=(0.5, 2.0),
        dtypes=("float32", "float64"),
        tol=16,
        variants="fmio",
        grad_tol=64,
        gradgrad=False,
        errors=lambda: [
            bad(
                (ValueError, RuntimeError), "scatter_reduce.*median", np.ones(3), 0, np.array([0]), np.ones(1), "median"
            )
        ],
    ),
    OpSpec(
        "unique",
        unique,
        lambda g: [
            case(g.ints(33, hi=9)),
            case(g.ints(33, hi=9), return_inverse=True, return_counts=True),
            case(g.ints(7, 2, hi=2), dim=0),
            case(np.zeros(0, np.int64)),
        ],
        dtypes=("float32",),
        grad=False,
        out=None,
    ),
    OpSpec(
        "unique_consecutive",
        unique_consecutive,
        lambda g: [case(g.ints(33, hi=3)), case(g.ints(33, hi=3), return_inverse=True, return_counts=True)],
        dtypes=("float32",),
        grad=False,
        out=None,
    ),
]
