# SPDX-License-Identifier: MIT
"""Products of matrices and vectors. Errors are measured against the product of the absolute values."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from .spec import FLOATS, Gen, OpSpec, Sample, bad, case

F = "nn.functional."
# The order of a sum depends on the strides: each layout has the loop that reads it best.
MATMUL = {
    "dtypes": (*FLOATS, "int32", "int64"),
    "tol": {"float32": 4, "float64": 4, "float16": 1.5, "bfloat16": 1.5},
    "exact_strides": False,
}

# (m, k, n): one, register tiles plus and minus one, primes, thin and flat.
SIZES = [
    (1, 1, 1),
    (2, 3, 4),
    (1, 17, 5),
    (7, 1, 9),
    (5, 33, 1),
    (15, 16, 17),
    (16, 16, 16),
    (17, 31, 33),
    (31, 7, 65),
    (64, 64, 64),
    (6, 130, 16),
    (97, 13, 53),
    (3, 300, 2),
    (129, 5, 3),
]


def absolute(f: Callable) -> Callable:
    """The same product of absolute values: what rounding errors are relative to."""

    def scale(*args: Any, **kwargs: Any) -> np.ndarray:
        def size(v: Any) -> Any:
            if isinstance(v, (list, tuple)):
                return type(v)(size(x) for x in v)
            return np.abs(v) if isinstance(v, np.ndarray) else abs(v) if isinstance(v, (int, float)) else v

        return f(*(size(a) for a in args), **{k: size(v) for k, v in kwargs.items()})

    return scale


def product(name: str, ref: Callable, samples: Callable, **options: Any) -> OpSpec:
    return OpSpec(name, ref, samples, **(MATMUL | {"scale": absolute(ref)} | options))


def mm_samples(g: Gen) -> Iterable[Sample]:
    for m, k, n in SIZES:
        yield case(g(m, k), g(k, n))
        yield case(g(k, m).T, g(n, k).T)
    yield case(g(0, 3), g(3, 2))
    yield case(g(3, 0), g(0, 2))
    yield case(g(3, 2), g(2, 0))


def mm_large(g: Gen) -> Iterable[Sample]:
    yield case(g(257, 301), g(301, 263))
    yield case(g(5, 2003), g(2003, 601))
    yield case(g(2003, 5), g(5, 301))
    yield case(g(3, 50_021), g(50_021, 3))


def matmul_samples(g: Gen) -> Iterable[Sample]:
    yield from mm_samples(g)
    yield case(g(5), g(5))
    yield case(g(0), g(0))
    yield case(g(4, 33), g(33))
    yield case(g(33), g(33, 4))
    yield case(g(17, 3).T, g(17))
    yield case(g(3, 4, 5), g(3, 5, 2))
    yield case(g(3, 4, 5), g(5, 2))
    yield case(g(4, 5), g(3, 5, 2))
    yield case(g(2, 1, 4, 5), g(3, 5, 6))
    yield case(g(3, 4, 5), g(5))
    yield case(g(5), g(3, 5, 4))
    yield case(np.broadcast_to(g(1, 4, 5), (3, 4, 5)), g(3, 5, 4))
    yield case(g(0, 4, 5), g(0, 5, 2))
    yield case(g(3, 4, 0), g(3, 0, 2))
    yield case(np.array([[np.inf, 1.0], [np.nan, 2.0]]), np.array([[1.0, 0.0], [1.0, 2.0]]), label="special")


def bmm_samples(g: Gen) -> Iterable[Sample]:
    for b, (m, k, n) in zip((1, 2, 3, 5, 2, 3), SIZES[:6]):
        yield case(g(b, m, k), g(b, k, n))
    yield case(g(0, 2, 3), g(0, 3, 4))
    yield case(g(2, 3, 0), g(2, 0, 4))
    yield case(g(4, 3, 2).transpose(2, 1, 0), g(2, 5, 4).transpose(0, 2, 1))


def bmm_large(g: Gen) -> Iterable[Sample]:
    yield case(g(24, 61, 67), g(24, 67, 59))
    yield case(g(2, 201, 203), g(2, 203, 205))


def addmm(b: np.ndarray, x: np.ndarray, y: np.ndarray, beta: float = 1, alpha: float = 1) -> np.ndarray:
    # beta = 0 ignores b, so that NaN there do not spread
    return alpha * (x @ y) + (beta * b if beta else 0)


def addmm_samples(g: Gen) -> Iterable[Sample]:
    for m, k, n in SIZES[:10]:
        yield case(g(n), g(m, k), g(k, n))
    yield case(g(4, 1), g(4, 5), g(5, 3))
    yield case(g(1), g(4, 5), g(5, 3))
    yield case(g(4, 3), g(4, 5), g(5, 3), beta=2, alpha=3)
    yield case(g(3), g(4, 0), g(0, 3))
    yield case(np.full((4, 3), np.nan), g(4, 5), g(5, 3), beta=0, label="special")


def vector_samples(g: Gen) -> Iterable[Sample]:
    for n in (0, 1, 7, 15, 16, 17, 33, 67, 1031):
        yield case(g(n), g(n))


def mv_samples(g: Gen) -> Iterable[Sample]:
    for m, n in ((1, 1), (3, 17), (17, 3), (16, 16), (33, 67), (5, 0), (0, 5)):
        yield case(g(m, n), g(n))
    yield case(g(7, 19).T, g(7))


def linear(x: np.ndarray, w: np.ndarray, b: np.ndarray | None = None) -> np.ndarray:
    return x @ w.T + (0 if b is None else b)


def linear_samples(g: Gen) -> Iterable[Sample]:
    for m, k, n in SIZES[:10]:
        yield case(g(m, k), g(n, k), g(n))
    yield case(g(5, 7), g(3, 7))
    yield case(g(7), g(3, 7), g(3))
    yield case(g(2, 3, 4, 5), g(6, 5), g(6))
    yield case(g(0, 5), g(3, 5), g(3))
    yield case(g(2, 0), g(3, 0), g(3))


def linear_large(g: Gen) -> Iterable[Sample]:
    yield case(g(256, 211), g(307, 211), g(307))
    yield case(g(1, 2003), g(1009, 2003), g(1009))


def einsum(equation: str, *operands: np.ndarray) -> np.ndarray:
    return np.einsum(equation, *operands)


EQUATIONS = [
    ("ij,jk->ik", (3, 4), (4, 5)),
    ("ij,jk", (3, 4), (4, 5)),
    ("bij,bjk->bik", (2, 3, 4), (2, 4, 5)),
    ("ij->ji", (3, 4)),
    ("ij->", (3, 4)),
    ("ij->i", (3, 4)),
    ("ii->i", (4, 4)),
    ("ii", (4, 4)),
    ("i,j->ij", (3,), (4,)),
    ("i,i->", (5,), (5,)),
    ("bhid,bhjd->bhij", (2, 2, 3, 4), (2, 2, 5, 4)),
    ("...ij,...jk->...ik", (2, 3, 4), (2, 4, 5)),
    ("...i,i->...", (2, 3, 4), (4,)),
    ("ij,ij->ij", (3, 4), (3, 4)),
    ("ijk,jk->i", (2, 3, 4), (3, 4)),
    ("ij,jk,kl->il", (2, 3), (3, 4), (4, 2)),
    ("b i, i o -> b o", (2, 3), (3, 4)),
    ("ik,jkl,il->ij", (2, 3), (4, 3, 5), (2, 5)),
]


def einsum_samples(g: Gen) -> Iterable[Sample]:
    for equation, *shapes in EQUATIONS:
        yield case(equation, *(g(*s) for s in shapes))


def bilinear(x: np.ndarray, y: np.ndarray, w: np.ndarray, b: np.ndarray | None = None) -> np.ndarray:
    return np.einsum("...i,oij,...j->...o", x, w, y) + (0 if b is None else b)


def tensordot(a: np.ndarray, b: np.ndarray, dims: Any = 2) -> np.ndarray:
    return np.tensordot(a, b, axes=dims)


def attention(
    q: np.ndarray, k: np.ndarray, v: np.ndarray, attn_mask: np.ndarray | None = None, is_causal: bool = False
) -> np.ndarray:
    scores = q @ np.swapaxes(k, -1, -2) / np.sqrt(q.shape[-1])
    if is_causal:
        attn_mask = np.tril(np.ones(scores.shape[-2:], bool))
    if attn_mask is not None:
        scores = np.where(attn_mask, scores, -np.inf) if attn_mask.dtype == bool else scores + attn_mask
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    return weights / weights.sum(-1, keepdims=True) @ v


def attention_samples(g: Gen) -> Iterable[Sample]:
    yield case(g(1, 1, 1, 4), g(1, 1, 1, 4), g(1, 1, 1, 4))
    yield case(g(2, 2, 3, 2), g(2, 2, 5, 2), g(2, 2, 5, 2))
    yield case(g(3, 5, 4), g(3, 5, 4), g(3, 5, 4), is_causal=True)
    yield case(g(2, 1, 4, 2), g(2, 1, 4, 2), g(2, 1, 4, 3), attn_mask=np.tri(4, dtype=bool))
    yield case(g(1, 2, 3, 4), g(1, 2, 5, 4), g(1, 2, 5, 4), attn_mask=g(3, 5))
    yield case(g(2, 3, 17, 8), g(2, 3, 33, 8), g(2, 3, 33, 16))
    yield case(g(1, 2, 67, 19), g(1, 2, 67, 19), g(1, 2, 67, 19), is_causal=True)


def attention_large(g: Gen) -> Iterable[Sample]:
    yield case(g(2, 4, 129, 32), g(2, 4, 131, 32), g(2, 4, 131, 32))
    yield case(g(1, 3, 201, 16), g(1, 3, 201, 16), g(1, 3, 201, 16), is_causal=True)


def inner_error(name: str) -> Callable:
    return lambda: [bad(ValueError, rf"{name}.*\(2, 3\).*\(4, 5\)", np.ones((2, 3)), np.ones((4, 5)))]


SPECS = [
    product(
        "mm",
        np.matmul,
        mm_samples,
        large=mm_large,
        variants="fmo",
        errors=lambda: [
            *inner_error("mm")(),
            bad(ValueError, "mm.*2", np.ones(3), np.ones((3, 2))),
            bad(TypeError, "mm", np.ones((2, 2)), np.ones((2, 2), np.int64)),
        ],
    ),
    product(
        "matmul",
        np.matmul,
        matmul_samples,
        large=mm_large,
        variants="fmo",
        errors=lambda: [
            *inner_error("matmul")(),
            bad(ValueError, r"matmul.*\(3,\).*\(4,\)", np.ones(3), np.ones(4)),
            bad(ValueError, r"matmul.*at least 1 dimension.*\(\).*\(3,\)", np.ones(()), np.ones(3)),
            bad(ValueError, r"matmul.*\(2, 3, 4\).*\(3, 4, 5\)", np.ones((2, 3, 4)), np.ones((3, 4, 5))),
        ],
    ),
    product(
        "bmm",
        np.matmul,
        bmm_samples,
        large=bmm_large,
        variants="fmo",
        errors=lambda: [
            bad(ValueError, r"bmm.*\(2, 3, 4\).*\(3, 4, 5\)", np.ones((2, 3, 4)), np.ones((3, 4, 5))),
            bad(ValueError, r"bmm.*\(2, 3, 4\).*\(2, 5, 6\)", np.ones((2, 3, 4)), np.ones((2, 5, 6))),
            bad(ValueError, "bmm", np.ones((3, 4)), np.ones((4, 5))),
        ],
    ),
    product(
        "mv",
        np.matmul,
        mv_samples,
        errors=lambda: [bad(ValueError, r"mv.*\(2, 3\).*\(4,\)", np.ones((2, 3)), np.ones(4))],
    ),
    product(
        "dot",
        np.dot,
        vector_samples,
        errors=lambda: [
            bad(ValueError, r"dot.*\(3,\).*\(4,\)", np.ones(3), np.ones(4)),
            bad(ValueError, "dot", np.ones((2, 3)), np.ones((2, 3))),
        ],
    ),
    product(
        "outer",
        np.outer,
        lambda g: [case(g(m), g(n)) for m, n in ((1, 1), (3, 17), (17, 3), (0, 4), (33, 31))],
        errors=lambda: [bad(ValueError, "outer", np.ones((2, 2)), np.ones(2))],
    ),
    product(
        "addmm",
        addmm,
        addmm_samples,
        scale=lambda b, x, y, beta=1, alpha=1: addmm(np.abs(np.nan_to_num(b)), np.abs(x), np.abs(y), beta, alpha),
        variants="fm",
        errors=lambda: [
            bad(ValueError, r"addmm.*\(2, 3\).*\(4, 5\)", np.ones(5), np.ones((2, 3)), np.ones((4, 5))),
            bad(ValueError, "addmm", np.ones(4), np.ones((2, 3)), np.ones((3, 5))),
        ],
    ),
    product(
        "baddbmm",
        addmm,
        lambda g: [case(g(2, 3, 5), g(2, 3, 4), g(2, 4, 5)), case(g(5), g(2, 3, 4), g(2, 4, 5), beta=2, alpha=3)],
    ),
    product("addmv", addmm, lambda g: [case(g(3), g(3, 17), g(17)), case(g(3), g(3, 4), g(4), beta=2, alpha=3)]),
    product(
        "einsum",
        einsum,
        einsum_samples,
        variants="f",
        dtypes=("float32", "float64"),
        tol=8,
        errors=lambda: [
            bad(ValueError, "einsum", "ij,jk->ik", np.ones((2, 3)), np.ones((4, 5))),
            bad(ValueError, "einsum", "ij,jk->iq", np.ones((2, 3)), np.ones((3, 5))),
            bad(ValueError, "einsum", "ij,jk->ik", np.ones((2, 3))),
            bad(ValueError, "einsum", "ijk->i", np.ones((2, 3))),
            bad(ValueError, "einsum", "i!->i", np.ones((2, 3))),
        ],
    ),
    product(
        "tensordot",
        tensordot,
        lambda g: [
            case(g(2, 3, 4), g(3, 4, 5), dims=2),
            case(g(3, 4), g(4, 3), dims=1),
            case(g(2, 3, 4), g(4, 5, 2), dims=([2, 0], [0, 2])),
        ],
        variants="f",
        dtypes=("float32", "float64"),
        tol=8,
        scale=lambda a, b, dims: np.maximum(1, tensordot(np.abs(a), np.abs(b), dims)),
    ),
    product(
        "chain_matmul",
        lambda *m: np.linalg.multi_dot(m),
        lambda g: [case(g(2, 3), g(3, 4), g(4, 5))],
        variants="f",
        dtypes=("float32", "float64"),
        tol=8,
    ),
    product("kron", np.kron, lambda g: [case(g(2, 3), g(4, 5)), case(g(3), g(4))], variants="f"),
    product(
        F + "linear",
        linear,
        linear_samples,
        large=linear_large,
        variants="f",
        errors=lambda: [
            bad(ValueError, r"linear.*\(2, 3\).*\(5, 4\)", np.ones((2, 3)), np.ones((5, 4))),
            bad(ValueError, "linear.*bias|linear", np.ones((2, 3)), np.ones((5, 3)), np.ones(4)),
        ],
    ),
    product(
        F + "bilinear",
        bilinear,
        lambda g: [case(g(5, 3), g(5, 4), g(2, 3, 4), g(2)), case(g(3), g(4), g(2, 3, 4))],
        variants="f",
        dtypes=("float32", "float64"),
        tol=8,
    ),
    OpSpec(
        F + "scaled_dot_product_attention",
        attention,
        attention_samples,
        attention_large,
        variants="f",
        tol=32,
        scale=1.0,
        dtypes=("float32", "float64"),
        grad_tol=64,
    ),
    product(
        "addbmm",
        lambda x, a, b, beta=1, alpha=1: alpha * (a @ b).sum(0) + (beta * x if beta else 0),
        lambda g: [case(g(3, 5), g(2, 3, 4), g(2, 4, 5)), case(g(5), g(2, 3, 4), g(2, 4, 5), beta=2, alpha=3)],
        scale=lambda x, a, b, beta=1, alpha=1: alpha * (abs(a) @ abs(b)).sum(0) + abs(beta * x),
    ),
    product(
        "addr",
        lambda x, a, b, beta=1, alpha=1: alpha * np.outer(a, b) + (beta * x if beta else 0),
        lambda g: [case(g(3, 4), g(3), g(4)), case(g(4), g(3), g(4), beta=2, alpha=3)],
        scale=lambda x, a, b, beta=1, alpha=1: alpha * np.outer(abs(a), abs(b)) + abs(beta * x),
    ),
    product("ger", np.outer, lambda g: [case(g(3), g(5)), case(g(17), g(1))]),
    product("inner", np.inner, lambda g: [case(g(17), g(17)), case(g(3, 5), g(4, 5)), case(g(3, 5), g(5))]),
    product("vdot", np.vdot, lambda g: [case(g(17), g(17)), case(g(0), g(0))]),
]
