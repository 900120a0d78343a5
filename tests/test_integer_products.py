# SPDX-License-Identifier: MIT
"""Products of integer matrices wrap around in their dtype: exact at any size, layout and number of threads."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys

import numpy as np
import pytest

import plait

DTYPES = ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64")
# (m, k, n): around register tiles of 4 and 12 rows, 8 to 32 columns, and blocks of 240 x 256; vectors; nothing.
SIZES = [
    (1, 1, 1), (1, 33, 1), (1, 300, 70), (1, 9, 2100), (70, 33, 1), (3, 7, 5), (12, 16, 32), (13, 17, 33),
    (24, 1025, 63), (250, 3, 40), (5, 257, 300), (31, 0, 31), (0, 4, 3), (2, 5, 0),
]  # fmt: skip


def values(rng: np.random.Generator, shape: tuple[int, ...], dtype: str, kind: str) -> np.ndarray:
    info = np.iinfo(dtype)
    if kind == "extreme":
        return rng.choice(np.array([info.min, info.max, 0, 1], dtype), shape)
    if kind == "of int32":  # the least and the greatest, from which 64-bit products have a shorter way
        return rng.choice(np.array([max(info.min, -(2**31)), min(info.max, 2**31 - 1)], dtype), shape)
    return rng.integers(info.min, info.max, shape, dtype=dtype, endpoint=True)


def laid_out(a: np.ndarray, layout: str) -> plait.Tensor:
    """The same matrices by rows, by columns, or with gaps between elements and rows."""
    if layout == "rows":
        return plait.from_numpy(a.copy())
    if layout == "columns":
        return plait.from_numpy(np.ascontiguousarray(a.swapaxes(-1, -2))).mT
    m, n = a.shape[-2:]
    wide = np.zeros((*a.shape[:-2], 2 * m + 1, 3 * n + 1), a.dtype)
    wide[..., : 2 * m : 2, : 3 * n : 3] = a
    return plait.from_numpy(wide)[..., : 2 * m : 2, : 3 * n : 3]


def product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Modulo 2**64, and then of the dtype: NumPy's own integers wrap around, too."""
    return (a.astype(np.uint64) @ b.astype(np.uint64)).astype(a.dtype)


@pytest.mark.parametrize("kind", ["any", "extreme", "of int32"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_matrices(dtype: str, kind: str) -> None:
    rng = np.random.default_rng(0)
    for m, k, n in SIZES:
        a, b = values(rng, (m, k), dtype, kind), values(rng, (k, n), dtype, kind)
        expected = product(a, b)
        for left, right in itertools.product(("rows", "columns", "gaps"), repeat=2):
            y = laid_out(a, left) @ laid_out(b, right)
            assert y.dtype == getattr(plait, dtype)
            np.testing.assert_array_equal(y.numpy(), expected, err_msg=f"{m, k, n} {left} {right}")


@pytest.mark.parametrize("dtype", DTYPES)
def test_batches(dtype: str) -> None:
    rng = np.random.default_rng(1)
    for left, right in (((6, 4, 5), (6, 5, 3)), ((2, 1, 33, 40), (3, 40, 20)), ((3, 2, 9), (9,)), ((7,), (2, 7, 3))):
        a, b = values(rng, left, dtype, "any"), values(rng, right, dtype, "any")
        for layout in ("rows", "columns", "gaps"):
            x = laid_out(a, layout) if a.ndim > 1 else plait.from_numpy(a)
            y = laid_out(b, layout) if b.ndim > 1 else plait.from_numpy(b)
            np.testing.assert_array_equal((x @ y).numpy(), product(a, b))
    a, b = values(rng, (6, 4, 5), dtype, "any"), values(rng, (6, 5, 3), dtype, "any")
    np.testing.assert_array_equal(plait.bmm(plait.from_numpy(a), plait.from_numpy(b)).numpy(), product(a, b))


@pytest.mark.parametrize("dtype", DTYPES)
def test_products_of_other_names(dtype: str) -> None:
    rng = np.random.default_rng(2)
    a, b, v = (values(rng, shape, dtype, "any") for shape in ((70, 40), (40, 33), (40,)))
    c, row = values(rng, (70, 33), dtype, "any"), values(rng, (33,), dtype, "any")
    ta, tb, tv, tc, trow = map(plait.from_numpy, (a, b, v, c, row))
    with np.errstate(over="ignore"):
        for scale, of_c in ((1, 1), (3, 2), (1, 0), (0, 1)):
            expected = (
                product(a, b).astype(np.uint64) * np.uint64(scale) + c.astype(np.uint64) * np.uint64(of_c)
            ).astype(dtype)
            np.testing.assert_array_equal(plait.addmm(tc, ta, tb, beta=of_c, alpha=scale).numpy(), expected)
        np.testing.assert_array_equal(plait.addmm(trow, ta, tb).numpy(), product(a, b) + row)
        np.testing.assert_array_equal(plait.addmv(tc[:, 0], ta, tv).numpy(), product(a, v[:, None])[:, 0] + c[:, 0])
    np.testing.assert_array_equal(plait.mv(ta, tv).numpy(), product(a, v[:, None])[:, 0])
    np.testing.assert_array_equal(plait.mv(tb.mT, tv).numpy(), product(b.T, v[:, None])[:, 0])
    assert plait.dot(tv, tb[:, 1]).item() == product(v[None], b[:, 1:2]).item()
    np.testing.assert_array_equal(plait.einsum("ij,jk->ki", ta, tb).numpy(), product(a, b).T)
    np.testing.assert_array_equal(plait.tensordot(ta, tb, dims=1).numpy(), product(a, b))
    out = plait.empty(33, 70, dtype=ta.dtype).mT
    plait.matmul(ta, tb, out=out)
    np.testing.assert_array_equal(out.numpy(), product(a, b))


def test_long_sums_and_threads() -> None:
    rng = np.random.default_rng(3)
    threads = plait.get_num_threads()
    try:
        for dtype in ("int8", "int16", "int32", "int64"):
            a, b = values(rng, (100, 3000), dtype, "any"), values(rng, (3000, 500), dtype, "any")
            for count in (1, 2, 3, 7):
                plait.set_num_threads(count)
                y = plait.from_numpy(a) @ plait.from_numpy(b)
                np.testing.assert_array_equal(y.numpy(), product(a, b))
                v = plait.from_numpy(a) @ plait.from_numpy(b[:, 0].copy())
                np.testing.assert_array_equal(v.numpy(), product(a, b[:, :1])[:, 0])
    finally:
        plait.set_num_threads(threads)


@pytest.mark.parametrize("level", ["generic", "avx2"])
def test_levels(level: str) -> None:
    """The same tests with the kernels of lower instruction sets."""
    if os.environ.get("PLAIT_ISA"):
        pytest.skip("runs at one level already")
    environment = {**os.environ, "PLAIT_ISA": level}
    probe = [sys.executable, "-c", "import plait; print(plait.show_config())"]
    if subprocess.run(probe, env=environment, capture_output=True, check=False).returncode:
        pytest.skip(f"this build or CPU has no {level}")
    tests = [sys.executable, "-m", "pytest", "-q", "-x", "-k", "matrices or other_names", __file__]
    done = subprocess.run(tests, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
