# SPDX-License-Identifier: MIT
"""Linear algebra whose results are unique. Errors are measured against numbers of the size of 1: samples are well
conditioned. Factors that are unique up to signs, and derivatives of symmetric matrices, are in test_linalg.py."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy import linalg

from .spec import Gen, OpSpec, Sample, bad, case

# Sizes around those of lanes and blocks.
SIZES = (0, 1, 2, 3, 5, 8, 15, 16, 17, 24)
BATCHES: tuple[tuple[int, ...], ...] = ((), (3,), (2, 2), (0,))
FLOATS = ("float32", "float64")
COMMON: dict[str, Any] = {"dtypes": FLOATS, "tol": 256, "scale": 1.0, "variants": "f", "grad_tol": 4096}


def mT(a: np.ndarray) -> np.ndarray:
    return np.swapaxes(a, -1, -2)


def square(g: Gen, *shape: int) -> np.ndarray:
    """Matrices that dominate their diagonals, whose pivots are there or elsewhere."""
    n = shape[-1]
    a = g(*shape, n, lo=-1, hi=1) + 2 * n * np.eye(n)
    return a[..., ::-1] if len(shape) > 1 else a


def spd(g: Gen, *shape: int) -> np.ndarray:
    a = g(*shape, shape[-1], lo=-1, hi=1)
    return a @ mT(a) + shape[-1] * np.eye(shape[-1])


def triangular(g: Gen, *shape: int) -> np.ndarray:
    """The half that is not read holds large numbers."""
    n = shape[-1]
    return g(*shape, n, lo=-1, hi=1) + 3 * np.eye(n)


def squares(make: Callable = square) -> Callable[[Gen], Iterable[Sample]]:
    def samples(g: Gen) -> Iterable[Sample]:
        for n in SIZES:
            yield case(make(g, n))
        for batch in BATCHES:
            yield case(make(g, *batch, 3))
        yield case(make(g, 19, 4))

    return samples


def small(make: Callable = square) -> Callable[[Gen], Iterable[Sample]]:
    return lambda g: [case(make(g, 3)), case(make(g, 2, 2)), case(make(g, 1))]


def many(make: Callable = square) -> Callable[[Gen], Iterable[Sample]]:
    return lambda g: [case(make(g, 300, 8)), case(make(g, 40, 33)), case(make(g, 150))]


def systems(make: Callable, **options: Any) -> Callable[[Gen], Iterable[Sample]]:
    def samples(g: Gen) -> Iterable[Sample]:
        for n in SIZES:
            yield case(make(g, n), g(n, 3), **options)
        for a, b in (((3,), (3,)), ((), (3,)), ((3,), ()), ((2, 1), (3,)), ((0,), (0,))):
            yield case(make(g, *a, 4), g(*b, 4, 2), **options)
        yield case(make(g, 3), g(3, 0), **options)

    return samples


def right_first(samples: Callable) -> Callable[[Gen], Iterable[Sample]]:
    return lambda g: [case(s.args[1], s.args[0], *s.args[2:], **s.kwargs) for s in samples(g)]


def not_square(name: str) -> Callable:
    return lambda: [
        bad(ValueError, rf"{name}.*square.*\(2, 3\)", np.ones((2, 3))),
        bad(ValueError, rf"{name}.*2 dimensions.*\(3,\)", np.ones(3)),
        bad(TypeError, rf"{name}.*int64", np.ones((2, 2), np.int64)),
        bad(TypeError, rf"{name}.*float16", np.ones((2, 2)), dtype="float16"),
    ]


def no_matrix(name: str) -> Callable:
    return lambda: not_square(name)()[1:]


def solve(a: np.ndarray, b: np.ndarray, left: bool = True) -> np.ndarray:
    if b.ndim == 1 or (b.ndim == a.ndim - 1 and b.shape == a.shape[:-1]):
        return linalg.solve(a, b[..., None])[..., 0]
    return linalg.solve(a, b) if left else mT(linalg.solve(mT(a), mT(b)))


def triangle(a: np.ndarray, upper: bool, unit: bool) -> np.ndarray:
    half = np.triu(a, 1) if upper else np.tril(a, -1)
    return half + np.eye(a.shape[-1]) * (1 if unit else np.diagonal(a, 0, -2, -1)[..., None])


def solve_triangular(
    a: np.ndarray, b: np.ndarray, *, upper: bool, left: bool = True, unitriangular: bool = False
) -> Any:
    return solve(triangle(a, upper, unitriangular), b, left) if left or b.ndim > 1 else None


def triangular_solve(
    b: np.ndarray, a: np.ndarray, upper: bool = True, transpose: bool = False, unitriangular: bool = False
) -> Any:
    t = triangle(a, upper, unitriangular)
    return linalg.solve(mT(t) if transpose else t, b), a


def triangular_samples(g: Gen) -> Iterable[Sample]:
    yield from systems(triangular, upper=False)(g)
    yield from systems(triangular, upper=True)(g)
    yield case(triangular(g, 2, 3), g(2, 2, 3), upper=True, left=False)
    yield case(triangular(g, 17), g(4, 17), upper=False, left=False)
    yield case(triangular(g, 3), g(2, 3, 2), upper=False, unitriangular=True)
    yield case(triangular(g, 20), g(20, 2), upper=True, unitriangular=True)


def lu_factor(a: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Row by row, as in textbooks."""
    lu, k = a.copy(), min(a.shape[-2:])
    pivots = np.zeros((*a.shape[:-2], k), np.int32)
    for index in np.ndindex(a.shape[:-2]):
        m = lu[index]
        for i in range(k):
            p = i + int(np.argmax(np.abs(m[i:, i])))
            pivots[index][i] = p + 1
            m[[i, p]] = m[[p, i]]
            m[i + 1 :, i] /= m[i, i]
            m[i + 1 :, i + 1 :] -= np.outer(m[i + 1 :, i], m[i, i + 1 :])
    return lu, pivots


def lu_unpack(lu: np.ndarray, pivots: np.ndarray) -> tuple[np.ndarray, ...]:
    m, n = lu.shape[-2:]
    k = min(m, n)
    p = np.zeros((*lu.shape[:-1], m))
    for index in np.ndindex(lu.shape[:-2]):
        order = np.arange(m)
        for i in range(k):
            order[[i, pivots[index][i] - 1]] = order[[pivots[index][i] - 1, i]]
        p[index][order, np.arange(m)] = 1
    return p, np.tril(lu[..., :k], -1) + np.eye(m, k), np.triu(lu[..., :k, :])


def lu(a: np.ndarray) -> tuple[np.ndarray, ...]:
    return lu_unpack(*lu_factor(a))


def lu_solve(f: np.ndarray, pivots: np.ndarray, b: np.ndarray, *, left: bool = True, adjoint: bool = False) -> Any:
    p, lower, upper = lu_unpack(f, pivots)
    a = p @ lower @ upper
    return solve(mT(a) if adjoint else a, b, left)


def rectangles(g: Gen) -> Iterable[Sample]:
    for m, n in ((0, 0), (1, 1), (3, 3), (4, 2), (2, 4), (8, 8), (0, 2), (2, 0), (17, 16), (16, 17), (24, 5), (5, 24)):
        yield case(g(m, n))
    yield case(g(3, 4, 3))
    yield case(g(2, 2, 2, 3))
    yield case(g(0, 2, 3))


def small_rectangles(g: Gen) -> Iterable[Sample]:
    yield from (case(g(3, 3)), case(g(4, 2)), case(g(2, 4)), case(g(2, 3, 2)))


def large_rectangles(g: Gen) -> Iterable[Sample]:
    yield from (case(g(300, 7, 9)), case(g(40, 40, 33)), case(g(150, 131)))


def lu_solve_samples(g: Gen) -> Iterable[Sample]:
    for n in SIZES:
        yield case(*lu_factor(square(g, n)), g(n, 2))
    yield case(*lu_factor(square(g, 2, 3)), g(2, 3, 2), adjoint=True)
    yield case(*lu_factor(square(g, 3)), g(2, 2, 3), left=False)
    yield case(*lu_factor(square(g, 18)), g(2, 18), left=False, adjoint=True)


def qr(a: np.ndarray) -> Any:
    return tuple(linalg.qr(a))


def reflectors(a: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    h, tau = linalg.qr(a, "raw")
    return mT(h), tau


def householder_product(a: np.ndarray, tau: np.ndarray) -> np.ndarray:
    q = np.broadcast_to(np.eye(a.shape[-2]), (*a.shape[:-1], a.shape[-2]))
    for i in range(tau.shape[-1]):
        v = np.concatenate([np.zeros((*a.shape[:-2], i)), np.ones((*a.shape[:-2], 1)), a[..., i + 1 :, i]], -1)
        h = np.eye(a.shape[-2]) - tau[..., i, None, None] * v[..., :, None] * v[..., None, :]
        q = q @ h
    return q


def ormqr(a: np.ndarray, tau: np.ndarray, c: np.ndarray, left: bool = True, transpose: bool = False) -> np.ndarray:
    q = householder_product(a, tau)
    q = mT(q) if transpose else q
    return q @ c if left else c @ q


def product_samples(g: Gen) -> Iterable[Sample]:
    for m, n, k in ((0, 0, 0), (1, 1, 1), (4, 3, 3), (4, 3, 2), (5, 5, 4), (8, 8, 8), (20, 17, 17), (3, 2, 0)):
        yield case(*(x[..., :k] if x.ndim == 1 else x for x in reflectors(g(m, n))))
    yield case(*reflectors(g(2, 4, 3)))


def ormqr_samples(g: Gen) -> Iterable[Sample]:
    yield case(*reflectors(g(4, 3)), g(4, 2))
    yield case(*reflectors(g(2, 4, 3)), g(2, 4, 2), transpose=True)
    yield case(*reflectors(g(4, 3)), g(2, 4), left=False)
    yield case(*reflectors(g(3, 5)), g(3, 2))
    yield case(*reflectors(g(20, 17)), g(3, 20), left=False, transpose=True)


def deficient(g: Gen) -> Iterable[Sample]:
    """Of full rank, and below."""
    yield from (case(g(3, 3)), case(g(4, 2)), case(g(2, 4)), case(g(2, 3, 2)), case(g(0, 2)), case(g(17, 20)))
    yield case(g(4, 2) @ g(2, 3))
    yield case(g(20, 3) @ g(3, 18))


def lstsq(a: np.ndarray, b: np.ndarray, rcond: float | None = None, *, driver: str = "gelsy") -> tuple[np.ndarray, ...]:
    vector = b.ndim == a.ndim - 1
    right = b[..., None] if vector else b
    x = linalg.pinv(a) @ right
    rank = np.asarray(linalg.matrix_rank(a), np.int64)
    by_svd, full = driver in ("gelsd", "gelss"), a.shape[-2] > a.shape[-1] and (rank == a.shape[-1]).all()
    rest = ((a @ x - right) ** 2).sum(-2) if full and driver != "gelsy" else np.zeros(0)
    return (
        x[..., 0] if vector else x,
        rest[..., 0] if vector and rest.size else rest,
        np.zeros(0, np.int64) if driver == "gels" else rank,
        linalg.svd(a, compute_uv=False) if by_svd else np.zeros(0),
    )


def lstsq_samples(g: Gen) -> Iterable[Sample]:
    yield case(g(4, 3), g(4, 2))
    yield case(g(3, 4), g(3, 2))
    yield case(g(2, 4, 3), g(2, 4))
    for driver in ("gels", "gelsd", "gelss"):
        yield case(g(20, 17), g(20, 2), driver=driver)
        yield case(g(3, 5), g(3, 2), driver=driver)
    yield case(g(4, 3), g(4, 2), driver="gels")


def symmetric_factors(g: Gen, *shape: int) -> tuple[np.ndarray, np.ndarray]:
    """L D L^T without exchanges, as sytrf packs it."""
    n = shape[-1]
    ld = np.tril(g(*shape, n, lo=-0.5, hi=0.5), -1) + np.eye(n) * g(*shape, 1, lo=1, hi=2)
    return ld, np.broadcast_to(np.arange(1, n + 1, dtype=np.int32), shape).copy()


def ldl_product(ld: np.ndarray) -> np.ndarray:
    lower = np.tril(ld, -1) + np.eye(ld.shape[-1])
    return lower * np.diagonal(ld, 0, -2, -1)[..., None, :] @ mT(lower)


def matrix_exp(a: np.ndarray) -> np.ndarray:
    """The series for a 1,024th of the matrix, squared ten times, in more digits."""
    x = a.astype(np.longdouble) / 1024
    term = np.broadcast_to(np.eye(a.shape[-1], dtype=np.longdouble), a.shape)
    total = term
    for k in range(1, 25):
        term = np.einsum("...ij,...jk->...ik", term, x) / k
        total = total + term
    for _ in range(10):
        total = np.einsum("...ij,...jk->...ik", total, total)
    return total.astype(np.float64)


def exp_samples(g: Gen) -> Iterable[Sample]:
    yield from (case(g(n, n)) for n in (0, 1, 2, 3, 5))
    yield case(g(2, 3, 3) * np.array([1e-9, 0.1])[:, None, None])
    yield case(np.stack([np.zeros((2, 2)), g(2, 2), np.array([[0.0, 9.0], [-9.0, 0.0]])]))
    yield case(g(17, 17) / 4)


def norm_samples(*orders: Any) -> Callable[[Gen], Iterable[Sample]]:
    return lambda g: [case(g(3, 4), ord) for ord in orders] + [case(g(2, 3, 4), ord) for ord in orders]


def matrix_norm(a: np.ndarray, ord: Any = "fro") -> np.ndarray:
    return linalg.norm(a, ord, (-2, -1))


def spec(name: str, ref: Callable, samples: Callable, **options: Any) -> OpSpec:
    return OpSpec(name, ref, samples, **(COMMON | options))


SYMMETRIC: dict[str, Any] = {"grad": False}  # the gradient is that of a symmetric matrix: test_linalg.py

SPECS = [
    spec(
        "linalg.cholesky",
        linalg.cholesky,
        squares(spd),
        large=many(spd),
        variants="fo",
        **SYMMETRIC,
        errors=not_square("linalg.cholesky"),
    ),
    spec(
        "linalg.cholesky_ex",
        lambda a: (linalg.cholesky(a), np.zeros(a.shape[:-2], np.int32)),
        squares(spd),
        out=("same", "int32"),
        errors=not_square("linalg.cholesky"),
        **SYMMETRIC,
    ),
    spec("cholesky", linalg.cholesky, squares(spd), variants="fmo", **SYMMETRIC),
    spec(
        "cholesky_solve",
        lambda b, a: linalg.solve(np.tril(a) @ mT(np.tril(a)), b),
        right_first(systems(triangular)),
        grad=False,
        variants="fmo",
    ),
    spec(
        "cholesky_inverse",
        lambda a: linalg.inv(np.tril(a) @ mT(np.tril(a))),
        squares(triangular),
        grad=False,
        variants="fmo",
    ),
    spec(
        "linalg.inv",
        linalg.inv,
        squares(),
        large=many(),
        variants="fo",
        grad_samples=small(),
        exact_strides=False,
        errors=not_square("linalg.inv"),
    ),
    spec("inverse", linalg.inv, squares(), variants="fmo", grad_samples=small(), exact_strides=False),
    spec(
        "linalg.inv_ex",
        lambda a: (linalg.inv(a), np.zeros(a.shape[:-2], np.int32)),
        squares(),
        out=("same", "int32"),
        grad_samples=small(),
        exact_strides=False,
    ),
    spec(
        "linalg.solve",
        solve,
        lambda g: [
            *systems(square)(g),
            case(square(g, 3), g(3)),
            case(square(g, 2, 3), g(2, 3)),
            case(square(g, 2, 3), g(2, 2, 3), left=False),
        ],
        large=lambda g: [case(square(g, 300, 8), g(300, 8, 3)), case(square(g, 120), g(120, 50))],
        variants="fo",
        errors=lambda: [
            *not_square("linalg.solve")()[:0],
            bad(ValueError, r"linalg.solve.*\(3, 3\).*\(4, 1\)", np.eye(3), np.ones((4, 1))),
            bad(ValueError, r"linalg.solve.*square.*\(2, 3\)", np.ones((2, 3)), np.ones(3)),
            bad(
                RuntimeError,
                r"linalg.solve: \(Batch element 1\).*singular",
                np.stack([np.eye(2), np.zeros((2, 2))]),
                np.ones((2, 2, 1)),
            ),
        ],
    ),
    spec(
        "linalg.solve_ex",
        lambda a, b: (solve(a, b), np.zeros(a.shape[:-2], np.int32)),
        systems(square),
        out=("same", "int32"),
    ),
    spec(
        "linalg.solve_triangular",
        solve_triangular,
        triangular_samples,
        variants="fo",
        exact_strides=False,
        large=lambda g: [
            case(triangular(g, 300, 8), g(300, 8, 5), upper=True),
            case(triangular(g, 120) + 100 * np.eye(120), g(120, 50), upper=False),
        ],
        errors=lambda: [
            bad(ValueError, r"linalg.solve_triangular.*\(3, 3\).*\(4, 1\)", np.eye(3), np.ones((4, 1)), upper=True)
        ],
    ),
    spec(
        "triangular_solve",
        triangular_solve,
        lambda g: [
            case(g(3, 2), triangular(g, 3)),
            case(g(2, 3, 2), triangular(g, 2, 3), False),
            case(g(3, 2), triangular(g, 3), True, True),
            case(g(20, 2), triangular(g, 20), False, True, True),
        ],
        variants="fm",
        exact_strides=False,
    ),
    spec(
        "linalg.lu_factor",
        lu_factor,
        rectangles,
        large=large_rectangles,
        out=("same", "int32"),
        grad_samples=small_rectangles,
        errors=no_matrix("linalg.lu_factor"),
        tol=2048,
    ),
    spec(
        "linalg.lu_factor_ex",
        lambda a: (*lu_factor(a), np.zeros(a.shape[:-2], np.int32)),
        rectangles,
        out=("same", "int32", "int32"),
        grad_samples=small_rectangles,
        tol=2048,
    ),
    spec(
        "linalg.lu",
        lu,
        rectangles,
        large=large_rectangles,
        grad=False,  # P has none, the others in test_linalg.py
        tol=2048,
        errors=lambda: [*no_matrix("linalg.lu")(), bad(ValueError, "linalg.lu.*pivot", np.eye(2), pivot=False)],
    ),
    spec(
        "linalg.lu_solve",
        lu_solve,
        lu_solve_samples,
        variants="fo",
        errors=lambda: [
            bad(ValueError, r"pivots from 1 to 2, got 3", np.eye(2), np.array([3, 2], np.int32), np.ones((2, 1))),
            bad(TypeError, r"lu_solve.*int32.*int64", np.eye(2), np.array([1, 2]), np.ones((2, 1))),
        ],
    ),
    spec(
        "lu_solve",
        lambda b, f, pivots: lu_solve(f, pivots, b),
        lambda g: [case(g(3, 2), *lu_factor(square(g, 3))), case(g(2, 17, 2), *lu_factor(square(g, 2, 17)))],
        variants="fmo",
    ),
    spec("lu_unpack", lu_unpack, lambda g: [case(*lu_factor(s.args[0])) for s in rectangles(g)], grad=False),
    spec(
        "linalg.det",
        linalg.det,
        squares(),
        large=lambda g: [case(g(300, 5, 5)), case(g(40, 17, 17))],
        scale=lambda a: np.prod(linalg.norm(a, axis=-1), -1),
        variants="fo",
        grad_samples=small(),
        exact_strides=False,
        errors=not_square("linalg.det"),
    ),
    spec(
        "det",
        linalg.det,
        squares(),
        scale=lambda a: np.prod(linalg.norm(a, axis=-1), -1),
        variants="fm",
        grad_samples=small(),
        exact_strides=False,
    ),
    spec(
        "linalg.slogdet",
        linalg.slogdet,
        squares(),
        grad_samples=small(),
        exact_strides=False,
        errors=not_square("linalg.slogdet"),
    ),
    spec("slogdet", linalg.slogdet, squares(), grad_samples=small(), variants="fm", exact_strides=False),
    spec(
        "logdet",
        lambda a: np.where(linalg.slogdet(a)[0] < 0, np.nan, linalg.slogdet(a)[1]),
        squares(spd),
        variants="fm",
        grad_samples=small(spd),
        exact_strides=False,
    ),
    spec(
        "linalg.qr",
        qr,
        rectangles,
        large=large_rectangles,
        grad_samples=small_rectangles,
        tol=4096,
        errors=no_matrix("linalg.qr"),
    ),
    spec(
        "qr",
        qr,
        small_rectangles,
        variants="fm",
    ),
    spec("geqrf", reflectors, lambda g: [case(g(4, 3)), case(g(2, 20, 17))], variants="fm", grad=False),
    spec(
        "linalg.householder_product",
        lambda a, tau: householder_product(a, tau)[..., : a.shape[-1]],
        product_samples,
        variants="fo",
        errors=lambda: [
            bad(ValueError, r"householder_product.*\(2, 3\)", np.ones((2, 3)), np.ones(2)),
            bad(ValueError, r"householder_product.*\(4,\)", np.ones((4, 3)), np.ones(4)),
        ],
    ),
    spec("orgqr", lambda a, tau: householder_product(a, tau)[..., : a.shape[-1]], product_samples, variants="fmo"),
    spec("ormqr", ormqr, ormqr_samples, variants="fmo"),
    spec(
        "linalg.svdvals",
        lambda a: linalg.svd(a, compute_uv=False),
        rectangles,
        large=large_rectangles,
        variants="fo",
        grad_samples=small_rectangles,
        errors=no_matrix("linalg.svdvals"),
    ),
    spec(
        "linalg.pinv",
        lambda a, **_: linalg.pinv(a, rcond=1e-6),
        lambda g: [
            *(case(s.args[0], rtol=1e-4) for s in deficient(g)),
            case(g(3, 2)),
            case(spd(g, 3), hermitian=True),
            case(g(3, 2), atol=0.001, rtol=np.full((), 1e-4)),
        ],
        variants="fo",
        grad_samples=lambda g: [case(g(3, 2)), case(g(2, 2, 3)), case(square(g, 3))],
        tol=4096,
        errors=no_matrix("linalg.pinv"),
    ),
    spec(
        "pinverse",
        lambda a, rcond=1e-15: linalg.pinv(a, rcond),
        lambda g: [case(g(3, 2)), case(g(2, 2, 4), 1e-3)],
        variants="fm",
        tol=1024,
    ),
    spec(
        "linalg.matrix_rank",
        lambda a, tol=None, **o: np.asarray(
            np.sum(linalg.svd(a, compute_uv=False) > (1e-3 if tol is None else tol), -1), np.int64
        ),
        lambda g: [
            *(case(s.args[0], rtol=1e-4) for s in deficient(g)),
            case(g(3, 2)),
            case(spd(g, 3), hermitian=True),
            case(np.diag([3.0, 2.0, 1.0]), 1.5),
            case(np.diag([3.0, 2.0, 1.0]), atol=np.full((), 1e-2)),
        ],
        out="int64",
        grad=False,
        variants="fo",
        errors=no_matrix("linalg.matrix_rank"),
    ),
    spec(
        "linalg.lstsq",
        lstsq,
        lstsq_samples,
        out=("same", "same", "int64", "same"),
        grad=False,  # of the solution alone: test_linalg.py
        tol=4096,
        errors=lambda: [
            bad(ValueError, r"linalg.lstsq.*\(3, 2\).*\(4, 1\)", np.ones((3, 2)), np.ones((4, 1))),
            bad(ValueError, r"linalg.lstsq.*driver", np.ones((3, 2)), np.ones((3, 1)), driver="qr"),
        ],
    ),
    spec(
        "linalg.ldl_factor",
        lambda a: symmetric_factors(Gen("linalg.ldl_factor", (-3.0, 3.0)), *a.shape[:-1]),
        lambda g: [
            case(ldl_product(symmetric_factors(Gen("linalg.ldl_factor", (-3.0, 3.0)), *s)[0]))
            for s in ((1,), (2, 3), (17,))
        ],
        out=("same", "int32"),
        grad=False,
        errors=not_square("linalg.ldl_factor"),
    ),
    spec(
        "linalg.ldl_factor_ex",
        lambda a: (
            a,
            np.broadcast_to(np.arange(1, a.shape[-1] + 1, dtype=np.int32), a.shape[:-1]),
            np.zeros(a.shape[:-2], np.int32),
        ),
        lambda g: [case(np.eye(3)), case(np.zeros((0, 2, 2))), case(np.eye(20) * 2)],
        out=("same", "int32", "int32"),
        grad=False,
    ),
    spec(
        "linalg.ldl_solve",
        lambda ld, pivots, b: solve(ldl_product(ld), b),
        lambda g: [
            case(*symmetric_factors(g, 3), g(3, 2)),
            case(*symmetric_factors(g, 2, 3), g(3, 2)),
            case(*symmetric_factors(g, 17), g(2, 17, 2)),
            case(*symmetric_factors(g, 0), g(0, 2)),
        ],
        grad=False,
        variants="fo",
    ),
    spec(
        "linalg.matrix_exp",
        matrix_exp,
        exp_samples,
        large=lambda g: [case(g(100, 5, 5)), case(g(60, 60) / 8)],
        scale=lambda a: np.max(np.abs(matrix_exp(np.abs(a))), initial=1.0),
        tol=64,
        grad_samples=lambda g: [case(g(2, 2)), case(g(2, 3, 3) / 2)],
        errors=not_square("linalg.matrix_exp"),
    ),
    spec(
        "matrix_exp",
        matrix_exp,
        lambda g: [case(g(3, 3))],
        scale=lambda a: np.max(np.abs(matrix_exp(np.abs(a))), initial=1.0),
        tol=64,
        variants="fm",
    ),
    *(
        spec(
            name,
            lambda a, n: np.asarray(linalg.matrix_power(a, n)),
            lambda g: [case(square(g, 3) / 6, n) for n in (0, 1, 2, 3, 7, -1, -2)] + [case(square(g, 2, 2) / 4, 3)],
            scale=64.0,
            exact_strides=False,
            variants=variants,
            errors=lambda: [bad(ValueError, r"linalg.matrix_power.*\(2, 3\)", np.ones((2, 3)), 2)],
        )
        for name, variants in (("linalg.matrix_power", "fo"), ("matrix_power", "fmo"))
    ),
    spec(
        "linalg.eigvalsh",
        linalg.eigvalsh,
        squares(spd),
        large=many(spd),
        variants="fo",
        **SYMMETRIC,
        errors=not_square("linalg.eigvalsh"),
    ),
    spec("linalg.matrix_norm", matrix_norm, norm_samples("fro", "nuc", 2, -2, 1, -1, np.inf, -np.inf)),
    spec(
        "linalg.cond",
        lambda a, p=None: linalg.cond(a, p),
        lambda g: [case(square(g, 3)), *(case(square(g, 2, 3), p) for p in ("fro", "nuc", 1, -1, 2, -2, np.inf))],
        exact_strides=False,
    ),
    spec(
        "linalg.tensorinv",
        lambda a, ind=2: linalg.tensorinv(a, ind),
        lambda g: [case(square(g, 4).reshape(2, 2, 4)), case(square(g, 6).reshape(6, 2, 3), 1)],
        exact_strides=False,
    ),
    spec("linalg.tensorsolve", linalg.tensorsolve, lambda g: [case(square(g, 4).reshape(2, 2, 4), g(2, 2))]),
    spec(
        "linalg.vander",
        lambda x, N=None: np.stack([np.vander(r, N, True) for r in x.reshape(-1, x.shape[-1])]).reshape(*x.shape, -1),
        lambda g: [case(g(4)), case(g(2, 3), N=5), case(g(3), N=2)],
    ),
    spec(
        "linalg.diagonal",
        lambda a, offset=0: np.diagonal(a, offset, -2, -1),
        lambda g: [case(g(3, 4)), case(g(2, 3, 3), offset=1)],
    ),
]
