# SPDX-License-Identifier: MIT
"""Eigenvalues and singular values at the edges of their algorithms: sizes, batches, ranks, scales."""

from __future__ import annotations

import numpy as np
import pytest

import plait
from plait import Tensor, linalg

EPS = {plait.float32: 2.0**-23, plait.float64: 2.0**-52}
DTYPES = list(EPS)
SIZES = [1, 2, 3, 15, 16, 17, 31, 32, 33, 63, 64, 65, 80, 81, 159, 160, 161]


def randn(*shape: int, dtype: plait.dtype = plait.float64, seed: int = 0) -> Tensor:
    return plait.randn(*shape, dtype=dtype, generator=plait.Generator().manual_seed(seed))


def check_svd(a: Tensor) -> None:
    """Against the definition, and the values against NumPy's."""
    k, room = min(a.shape[-2:]), EPS[a.dtype] * (30 + 2 * max(a.shape[-2:]))
    u, s, vh = linalg.svd(a, full_matrices=False)
    want = np.linalg.svd(a.double().numpy(), compute_uv=False)
    size = max(float(want.max()), 1e-300)
    one = plait.eye(k, dtype=a.dtype)
    assert float((u.mT @ u - one).abs().max()) <= room
    assert float((vh @ vh.mT - one).abs().max()) <= room
    assert float(((u * s.unsqueeze(-2)) @ vh - a).abs().max()) <= room * size
    np.testing.assert_allclose(s.double(), want, rtol=0, atol=room * size)
    np.testing.assert_allclose(linalg.svdvals(a).double(), want, rtol=0, atol=room * size)
    assert float(s.min()) >= 0


def check_eigh(a: Tensor) -> None:
    n, room = a.shape[-1], EPS[a.dtype] * (30 + 2 * a.shape[-1])
    w, v = linalg.eigh(a)
    want = np.linalg.eigvalsh(a.double().numpy())
    size = max(float(np.abs(want).max()), 1e-300)
    assert float((v.mT @ v - plait.eye(n, dtype=a.dtype)).abs().max()) <= room
    assert float(((v * w.unsqueeze(-2)) @ v.mT - a).abs().max()) <= room * size
    np.testing.assert_allclose(w.double(), want, rtol=0, atol=room * size)
    np.testing.assert_allclose(linalg.eigvalsh(a).double(), want, rtol=0, atol=room * size)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("batch", [(), (1,), (5,), (19,)])
@pytest.mark.parametrize("n", SIZES)
def test_sizes(n: int, batch: tuple[int, ...], dtype: plait.dtype) -> None:
    if n > 64 and batch == (19,):
        pytest.skip("too large for a batch")
    a = randn(*batch, n, n, dtype=dtype)
    check_svd(a)
    check_eigh(a + a.mT)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("batch", [(), (19,)])
@pytest.mark.parametrize(
    "shape", [(1, 5), (7, 3), (64, 1), (40, 33), (64, 17), (65, 64), (170, 165), (400, 163), (300, 9)]
)
def test_rectangles(shape: tuple[int, int], batch: tuple[int, ...], dtype: plait.dtype) -> None:
    if shape[0] > 100 and batch:
        pytest.skip("too large for a batch")
    a = randn(*batch, *shape, dtype=dtype)
    check_svd(a)
    check_svd(a.mT)
    check_svd(a.mT.contiguous())


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("count", [1, 20])
@pytest.mark.parametrize("n", [2, 3, 4, 9, 16, 24, 70])
def test_structure(n: int, count: int, dtype: plait.dtype) -> None:
    """Zeros where an iteration divides, equal values, low ranks, wide ranges; all of them in one batch too."""
    shift = plait.eye(n, dtype=dtype).roll(1, 0).tril()
    swap = plait.eye(n, dtype=dtype).flip(0)
    middle = randn(n, n, dtype=dtype)
    middle[n // 2] = 0
    middle[:, n // 2] = 0
    falling = plait.diag(2.0 ** -(plait.arange(n, dtype=dtype)))
    examples = [
        plait.zeros(n, n, dtype=dtype),
        plait.eye(n, dtype=dtype),
        plait.ones(n, n, dtype=dtype),
        shift,
        shift.T,
        shift + plait.eye(n, dtype=dtype),
        swap,
        middle,
        falling,
        falling @ randn(n, n, dtype=dtype) @ falling,
        randn(n, 1, dtype=dtype) @ randn(1, n, dtype=dtype, seed=1),
        randn(n, n // 2, dtype=dtype) @ randn(n // 2, n, dtype=dtype, seed=1),
        plait.diag(plait.arange(n) % 2).to(dtype),
        randn(n, n, dtype=dtype).triu(),
    ]
    for a in examples:
        check_svd(a.repeat(count, 1, 1))
        check_eigh((a + a.T).repeat(count, 1, 1))
    everything = plait.stack(examples)
    check_svd(everything)
    check_eigh(everything + everything.mT)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [3, 12, 20, 70])
def test_scales(n: int, dtype: plait.dtype) -> None:
    """Squares of the elements over- or underflow."""
    a = randn(20, n, n, dtype=dtype)
    symmetric = a + a.mT
    far = 100 if dtype == plait.float32 else 1000
    for exponent in (-far, -far // 2, far // 2, far):
        scale = 2.0**exponent
        room = 400 * EPS[dtype] * n
        np.testing.assert_allclose(linalg.svdvals(a * scale) / scale, linalg.svdvals(a), rtol=0, atol=room)
        np.testing.assert_allclose(
            linalg.eigvalsh(symmetric * scale) / scale, linalg.eigvalsh(symmetric), rtol=0, atol=room
        )
        for q in (linalg.eigh(symmetric * scale).eigenvectors, linalg.svd(a * scale).U):
            assert float((q.mT @ q - plait.eye(n, dtype=dtype)).abs().max()) <= room


@pytest.mark.parametrize("n", [4, 20, 70])
def test_one_matrix_that_is_not_finite(n: int) -> None:
    a = plait.eye(n).repeat(20, 1, 1)
    a[13, 1, 0] = float("nan")
    for f in (linalg.svd, linalg.svdvals, linalg.eigh, linalg.eigvalsh):
        with pytest.raises(linalg.LinAlgError, match=r"\(Batch element 13\).*finite"):
            f(a)
