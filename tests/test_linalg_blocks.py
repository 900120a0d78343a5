# SPDX-License-Identifier: MIT
"""Decompositions at the edges of the sizes between which an algorithm takes over from another."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import plait
from plait import Tensor, linalg

EDGES = (8, 16, 32, 64, 128, 160)
SIZES = sorted({n + d for n in EDGES for d in (-1, 0, 1)} | {1, 2, 225})
SHAPES = [(17, 40), (40, 17), (65, 130), (130, 65), (161, 230), (230, 161), (300, 3)]
EPS = {plait.float32: 2.0**-23, plait.float64: 2.0**-52}
DTYPES = list(EPS)

# The same numbers in other orders of memory.
LAYOUTS: dict[str, Callable[[Tensor], Tensor]] = {
    "rows": lambda a: a,
    "columns": lambda a: a.mT.contiguous().mT,
    "steps": lambda a: a.repeat_interleave(2, -1)[..., ::2],
}


def randn(*shape: int, dtype: plait.dtype = plait.float64, seed: int = 0) -> Tensor:
    return plait.randn(*shape, dtype=dtype, generator=plait.Generator().manual_seed(seed))


def error(got: Tensor, want: Tensor) -> float:
    """The largest difference in units of the last place of the largest number."""
    assert got.shape == want.shape
    size = max(float(want.abs().max()), 1.0)
    return float((got - want).abs().max()) / size / EPS[got.dtype]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("n", SIZES)
def test_squares(n: int, layout: str, dtype: plait.dtype) -> None:
    a = LAYOUTS[layout](randn(n, n, dtype=dtype) + 2 * n**0.5 * plait.eye(n, dtype=dtype))
    one = plait.eye(n, dtype=dtype)
    p, lower, upper = linalg.lu(a)
    assert error(p @ lower @ upper, a) <= 20 + n
    assert float(lower.abs().max()) <= 1
    assert error(a @ linalg.inv(a), one) <= 20 + 4 * n
    factors, pivots = linalg.lu_factor(a)
    for k in (1, 8, 70):
        b = randn(n, k, dtype=dtype, seed=k)
        assert error(a @ linalg.solve(a, b), b) <= 40 + 4 * n
        assert error(a.mT @ linalg.lu_solve(factors, pivots, b, adjoint=True), b) <= 40 + 4 * n
        for triangle, up in ((a.tril(), False), (a.triu(), True)):
            assert error(triangle @ linalg.solve_triangular(a, b, upper=up), b) <= 40 + 4 * n
            small = a / (2 * n)
            unit = (triangle - triangle.diag().diag()) / (2 * n) + one
            assert error(unit @ linalg.solve_triangular(small, b, upper=up, unitriangular=True), b) <= 40 + 4 * n
    want = np.linalg.slogdet(a.double().numpy())
    sign, log = linalg.slogdet(a)
    assert float(sign) == want[0]
    np.testing.assert_allclose(float(log), want[1], rtol=(20 + n) * EPS[dtype], atol=(20 + n) * EPS[dtype])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES + [(n, n) for n in SIZES])
def test_rectangles(shape: tuple[int, int], dtype: plait.dtype) -> None:
    a, k = randn(*shape, dtype=dtype), min(shape)
    p, lower, upper = linalg.lu(a)
    assert error(p @ lower @ upper, a) <= 40 + 2 * k
    q, r = linalg.qr(a)
    assert error(q @ r, a) <= 20 + k
    assert error(q.mT @ q, plait.eye(k, dtype=dtype)) <= 20 + k
    assert error(linalg.qr(a, "complete").Q[:, :k], q) <= 20 + k


@pytest.mark.parametrize("n", [8, 17, 64, 65, 160, 200])
@pytest.mark.parametrize("dtype", DTYPES)
def test_the_place_of_a_zero_pivot(n: int, dtype: plait.dtype) -> None:
    """The first zero on U's diagonal is named, wherever the block of it lies."""
    for zero in sorted({0, 1, n // 2, n - 2, n - 1}):
        a = plait.eye(n, dtype=dtype).repeat(3, 1, 1)
        a[1, zero, zero] = 0
        a[1, n - 1, n - 1] *= zero != n - 2
        assert linalg.lu_factor_ex(a).info.tolist() == [0, zero + 1, 0]
        for f in (linalg.inv, linalg.lu_factor, lambda x: linalg.solve(x, x)):
            with pytest.raises(linalg.LinAlgError, match=rf"\(Batch element 1\).*singular.* {zero + 1}$"):
                f(a)


@pytest.mark.parametrize("n", [20, 64, 200])
@pytest.mark.parametrize("dtype", DTYPES)
def test_numbers_near_the_limits(n: int, dtype: plait.dtype) -> None:
    """Pivots and norms whose reciprocals or squares leave the range."""
    for exponent in (-126, -140) if dtype == plait.float32 else (-1022, -1060):
        a = (randn(n, n) + 2 * n**0.5 * plait.eye(n)) * 2.0 ** (exponent // 2)
        a = (a * 2.0 ** (exponent - exponent // 2)).to(dtype)
        _, lower, upper = linalg.lu(a)
        assert bool(plait.isfinite(lower).all())
        assert bool(plait.isfinite(upper).all())
        q, r = linalg.qr(a)
        assert bool(plait.isfinite(q).all())
        assert bool(plait.isfinite(r).all())
    large = randn(n, n, dtype=dtype) * (1e35 if dtype == plait.float32 else 1e304)
    q, r = linalg.qr(large)
    assert error(q.mT @ q, plait.eye(n, dtype=dtype)) <= 20 + n


@pytest.mark.parametrize("n", [15, 16, 17, 64, 65, 161])
def test_complex_squares(n: int) -> None:
    a = plait.complex(randn(n, n), randn(n, n, seed=1)) + 2 * n**0.5 * plait.eye(n, dtype=plait.complex128)
    b = plait.complex(randn(n, 70), randn(n, 70, seed=1))
    one = plait.eye(n, dtype=plait.complex128)
    for x in (a, a.mT, a.mH):
        assert float((x @ linalg.inv(x) - one).abs().max()) <= 1e-12
        assert float((x @ linalg.solve(x, b) - b).abs().max()) <= 1e-11
        assert float((x.mH @ linalg.lu_solve(*linalg.lu_factor(x), b, adjoint=True) - b).abs().max()) <= 1e-11


def test_results_do_not_depend_on_threads() -> None:
    before = plait.get_num_threads()
    a = randn(200, 200) + 30 * plait.eye(200)
    batch = randn(70, 20, 20) + 9 * plait.eye(20)
    results = []
    try:
        for threads in (1, 2, 3):
            plait.set_num_threads(threads)
            results.append(
                [
                    y
                    for x in (a, batch)
                    for y in (
                        linalg.inv(x),
                        linalg.solve(x, x.mT),
                        linalg.solve_triangular(x, x, upper=True),
                        *linalg.lu(x),
                        *linalg.qr(x),
                        *linalg.eigh(x),
                        linalg.eigvalsh(x),
                        *linalg.svd(x),
                        linalg.svdvals(x),
                    )
                ]
            )
    finally:
        plait.set_num_threads(before)
    for other in results[1:]:
        assert all(plait.equal(x, y) for x, y in zip(results[0], other))
