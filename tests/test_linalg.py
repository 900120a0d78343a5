# SPDX-License-Identifier: MIT
"""Decompositions that are unique up to signs, derivatives of symmetric matrices, singular matrices."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import plait
from plait import Tensor, linalg
from plait.autograd import gradcheck, gradgradcheck

SHAPES = [(1, 1), (2, 2), (3, 3), (5, 3), (3, 5), (8, 8), (16, 16), (17, 17), (33, 20), (20, 33)]
BATCHES: list[tuple[int, ...]] = [(), (3,), (20,)]
DTYPES = [plait.float32, plait.float64]
EPS = {plait.float32: 2.0**-23, plait.float64: 2.0**-52}


def randn(*shape: int, dtype: plait.dtype = plait.float64, seed: int = 0) -> Tensor:
    return plait.randn(*shape, dtype=dtype, generator=plait.Generator().manual_seed(seed))


def symmetric(a: Tensor) -> Tensor:
    return a + a.mT


def spd(a: Tensor) -> Tensor:
    return a @ a.mT + a.shape[-1] * plait.eye(a.shape[-1], dtype=a.dtype)


def assert_close(got: Tensor, want: Tensor, room: float) -> None:
    assert got.shape == want.shape
    assert float((got - want).abs().max()) <= room if got.numel() else True


def assert_orthonormal(q: Tensor) -> None:
    assert_close(q.mT @ q, plait.eye(q.shape[-1], dtype=q.dtype).expand(*q.shape[:-2], -1, -1), 80 * EPS[q.dtype])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("batch", BATCHES)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("full", [False, True])
def test_svd(shape: tuple[int, int], batch: tuple[int, ...], dtype: plait.dtype, full: bool) -> None:
    a = randn(*batch, *shape, dtype=dtype)
    u, s, vh = linalg.svd(a, full_matrices=full)
    k = min(shape)
    assert u.shape == (*batch, shape[0], shape[0] if full else k)
    assert vh.shape == (*batch, shape[1] if full else k, shape[1])
    assert_orthonormal(u)
    assert_orthonormal(vh.mT)
    assert_close((u[..., :k] * s.unsqueeze(-2)) @ vh[..., :k, :], a, 400 * EPS[dtype])
    np.testing.assert_allclose(s.double(), np.linalg.svd(a.double().numpy())[1], atol=400 * EPS[dtype])
    assert_close(linalg.svdvals(a), s, 400 * EPS[dtype])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("batch", BATCHES)
@pytest.mark.parametrize("n", [1, 2, 3, 8, 16, 17, 40])
@pytest.mark.parametrize("uplo", ["L", "U"])
def test_eigh(n: int, batch: tuple[int, ...], dtype: plait.dtype, uplo: str) -> None:
    a = symmetric(randn(*batch, n, n, dtype=dtype))
    half = a.tril() if uplo == "L" else a.triu()
    w, v = linalg.eigh(half, UPLO=uplo)
    assert_orthonormal(v)
    assert_close((v * w.unsqueeze(-2)) @ v.mT, a, 300 * EPS[dtype])
    np.testing.assert_allclose(w.double(), np.linalg.eigvalsh(a.double().numpy()), atol=300 * EPS[dtype])
    assert_close(linalg.eigvalsh(half, UPLO=uplo), w, 400 * EPS[dtype])


@pytest.mark.parametrize("n", [2, 3, 8, 20])
def test_equal_and_zero_values(n: int) -> None:
    """Vectors of equal eigenvalues and of singular values 0 are orthonormal too."""
    for a in (plait.eye(n), plait.zeros(n, n), plait.ones(n, n), plait.diag(plait.arange(n) // 2 * 1.0)):
        w, v = linalg.eigh(a)
        assert_orthonormal(v)
        assert_close((v * w) @ v.T, a, 1e-5)
        u, s, vh = linalg.svd(a.expand(3, n, n))
        assert_orthonormal(u)
        assert_orthonormal(vh.mT)
        assert_close((u * s.unsqueeze(-2)) @ vh, a.expand(3, n, n), 1e-5)


@pytest.mark.parametrize("scale", [1e-30, 1e-12, 1e12, 1e30])
def test_extreme_sizes(scale: float) -> None:
    """Squares of the elements over- or underflow in float32."""
    a = randn(20, 4, 4, dtype=plait.float32)
    np.testing.assert_allclose(linalg.svdvals(a * scale) / scale, linalg.svdvals(a), rtol=1e-4, atol=1e-6)
    s = symmetric(a)
    np.testing.assert_allclose(linalg.eigvalsh(s * scale) / scale, linalg.eigvalsh(s), rtol=1e-4, atol=1e-5)
    q, r = linalg.qr(a * scale)
    assert_orthonormal(q)
    assert_close(q @ (r / scale), a, 1e-5)


def test_results_do_not_depend_on_threads() -> None:
    batch, large = spd(randn(100, 8, 8)), spd(randn(130, 130))
    before = plait.get_num_threads()
    results = []
    try:
        for threads in (1, 2, 3):
            plait.set_num_threads(threads)
            results.append(
                [x for a in (batch, large) for f in (linalg.svd, linalg.eigh, linalg.qr, linalg.lu) for x in f(a)]
            )
    finally:
        plait.set_num_threads(before)
    for other in results[1:]:
        assert all(plait.equal(x, y) for x, y in zip(results[0], other))


def magnitudes(*tensors: Tensor) -> tuple[Tensor, ...]:
    """What the signs of vectors do not change."""
    return tuple(t.abs() for t in tensors)


DERIVATIVES: dict[str, tuple[Callable, tuple[int, ...]]] = {
    "cholesky": (lambda a: linalg.cholesky(spd(a)), (2, 3, 3)),
    "cholesky_upper": (lambda a: linalg.cholesky(spd(a), upper=True), (3, 3)),
    "cholesky_ex": (lambda a: linalg.cholesky_ex(spd(a)).L, (3, 3)),
    "cholesky_solve": (lambda a: plait.cholesky_solve(a + 1, a.tril() + 2 * plait.eye(3)), (2, 3, 3)),
    "cholesky_solve_upper": (lambda a: plait.cholesky_solve(a + 1, a.triu() + 2 * plait.eye(3), upper=True), (3, 3)),
    "cholesky_inverse": (lambda a: plait.cholesky_inverse(a.tril() + 2 * plait.eye(3)), (3, 3)),
    "eigh": (lambda a: magnitudes(*linalg.eigh(symmetric(a))), (2, 3, 3)),
    "eigh_upper": (lambda a: magnitudes(*linalg.eigh(symmetric(a), UPLO="U")), (3, 3)),
    "eigvalsh": (lambda a: linalg.eigvalsh(symmetric(a)), (2, 3, 3)),
    "svd_square": (lambda a: magnitudes(*linalg.svd(a)), (2, 3, 3)),
    "svd_tall": (lambda a: magnitudes(*linalg.svd(a, full_matrices=False)), (4, 2)),
    "svd_wide": (lambda a: magnitudes(*linalg.svd(a, full_matrices=False)), (2, 4)),
    "svd_old": (lambda a: magnitudes(*plait.svd(a)), (4, 2)),
    "svd_full": (lambda a: linalg.svd(a).S, (4, 2)),
    "qr_wide": (lambda a: tuple(linalg.qr(a, "complete")), (2, 4)),
    "lstsq_tall": (lambda a: linalg.lstsq(a, a[..., :1] * a[..., 1:2]).solution, (2, 4, 2)),
    "lstsq_wide": (lambda a: linalg.lstsq(a, a[..., :1] + 1).solution, (2, 3)),
    "pinv_hermitian": (lambda a: linalg.pinv(spd(a), hermitian=True), (3, 3)),
    "lu": (lambda a: linalg.lu(a)[1:], (2, 3, 3)),
    "lu_wide": (lambda a: linalg.lu(a)[1:], (2, 3, 4)),
    "lu_tall": (lambda a: linalg.lu(a)[1:], (4, 3)),
}


@pytest.mark.parametrize("name", DERIVATIVES)
def test_derivatives(name: str) -> None:
    f, shape = DERIVATIVES[name]
    a = randn(*shape, seed=len(name)).requires_grad_()
    assert gradcheck(f, (a,))
    assert gradgradcheck(f, (a,))


def test_gradients_are_symmetric() -> None:
    a = spd(randn(3, 3)).requires_grad_()
    linalg.cholesky(a)[1, 0].backward()
    assert a.grad is not None
    assert_close(a.grad, a.grad.mT, 1e-12)


@pytest.mark.parametrize("rank", [0, 1, 2])
def test_gradient_of_a_determinant_that_is_0(rank: int) -> None:
    a = (randn(3, rank) @ randn(rank, 3, seed=1)).requires_grad_()
    (g,) = plait.autograd.grad(linalg.det(a), a)
    minors = [
        [(-1) ** (i + j) * np.linalg.det(np.delete(np.delete(a.detach().numpy(), i, 0), j, 1)) for j in range(3)]
        for i in range(3)
    ]
    np.testing.assert_allclose(g, minors, atol=1e-12)


def test_derivatives_that_do_not_exist() -> None:
    a = randn(4, 2).requires_grad_()
    with pytest.raises(RuntimeError, match=r"linalg.qr.*complete"):
        linalg.qr(a, "complete").Q.sum().backward()
    with pytest.raises(RuntimeError, match=r"linalg.qr.*Q"):
        linalg.qr(a, "r").R.sum().backward()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("m", "n"), [(161, 161), (200, 333), (333, 200), (350, 350)])
def test_large_matrices(m: int, n: int, dtype: plait.dtype) -> None:
    """Of several blocks."""
    a, eps = randn(m, n, dtype=dtype), EPS[dtype]
    p, lower, upper = linalg.lu(a)
    assert_close(p @ lower @ upper, a, 2000 * eps)
    q, r = linalg.qr(a)
    assert_close(q @ r, a, 400 * eps)
    assert_close(q.mT @ q, plait.eye(q.shape[1], dtype=dtype), 400 * eps)
    assert_close(linalg.qr(a, "complete").Q[:, : q.shape[1]], q, 400 * eps)
    if m == n:
        s = symmetric(a)
        w, v = linalg.eigh(s)
        assert_close((v * w) @ v.mT, s, 4000 * eps)
        assert_close(v.mT @ v, plait.eye(n, dtype=dtype), 400 * eps)
        b = a + n * plait.eye(n, dtype=dtype)
        assert_close(b @ linalg.inv(b), plait.eye(n, dtype=dtype), 400 * eps)
        assert_close(b @ linalg.solve(b, a), a, 4000 * eps)
    a[:, -1] = 0
    a[-1] *= m >= n  # a row of zeros is exchanged to the end
    assert linalg.lu_factor_ex(a).info == min(m, n)


def test_low_rank() -> None:
    plait.manual_seed(0)
    a = randn(30, 4) @ randn(4, 20, seed=1)
    for x in (a, a.mT, a.expand(2, -1, -1)):
        u, s, v = plait.svd_lowrank(x, q=6)
        assert_close((u * s.unsqueeze(-2)) @ v.mT, x, 1e-10)
        np.testing.assert_allclose(s[..., :4], np.linalg.svd(x.numpy(), compute_uv=False)[..., :4], rtol=1e-10)
    u, s, v = plait.pca_lowrank(a, q=5)
    centred = a - a.mean(0)
    assert_close((u * s) @ v.mT, centred, 1e-10)
    with pytest.raises(ValueError, match=r"pca_lowrank.*q"):
        plait.pca_lowrank(a, q=21)


@pytest.mark.parametrize("largest", [True, False])
@pytest.mark.parametrize("general", [True, False])
@pytest.mark.parametrize("batch", [(), (2,)])
def test_lobpcg(batch: tuple[int, ...], general: bool, largest: bool) -> None:
    plait.manual_seed(0)
    a = spd(randn(*batch, 30, 30))
    b = spd(randn(*batch, 30, 30, seed=1)) if general else None
    w, x = plait.lobpcg(a, k=3, B=b, largest=largest, tol=1e-8)
    right = x if b is None else b @ x
    assert_close(a @ x, right * w.unsqueeze(-2), 1e-4)
    all_of_them = np.sort(np.linalg.eigvals(a.numpy() if b is None else np.linalg.solve(b.numpy(), a.numpy())).real, -1)
    want = all_of_them[..., ::-1][..., :3] if largest else all_of_them[..., :3]
    np.testing.assert_allclose(w, want, rtol=1e-8)
    with pytest.raises(ValueError, match=r"lobpcg.*third"):
        plait.lobpcg(a, k=11)


def test_gradient_of_lobpcg() -> None:
    a = randn(6, 6).requires_grad_()
    assert gradcheck(lambda x: magnitudes(*plait.lobpcg(spd(x), k=2)), (a,))


@pytest.mark.parametrize("n", [2, 20])
def test_singular_matrices(n: int) -> None:
    a = plait.eye(n).repeat(3, 1, 1)
    a[1, 1, 1] = 0
    for f in (linalg.inv, linalg.lu_factor, lambda x: linalg.solve(x, plait.ones(3, n, 1)), plait.inverse):
        with pytest.raises(linalg.LinAlgError, match=r"\(Batch element 1\).*singular"):
            f(a)
    a[1, 1, 1] = -1
    with pytest.raises(linalg.LinAlgError, match=r"\(Batch element 1\).*positive-definite.*2"):
        linalg.cholesky(a)
    assert linalg.cholesky_ex(a).info.tolist() == [0, 2, 0]
    with pytest.raises(RuntimeError):
        linalg.cholesky_ex(a, check_errors=True)


@pytest.mark.parametrize("n", [3, 20])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_numbers_that_are_not_finite(n: int, value: float) -> None:
    a = plait.eye(n).repeat(2, 1, 1)
    a[1, 2, 1] = value
    for f in (linalg.svd, linalg.svdvals, linalg.eigh, linalg.eigvalsh):
        with pytest.raises(linalg.LinAlgError, match=r"\(Batch element 1\).*finite"):
            f(a)


@pytest.mark.parametrize("shape", [(4, 3), (2, 3, 5), (20, 17), (3, 0), (0, 3)])
def test_qr_modes(shape: tuple[int, ...]) -> None:
    a = randn(*shape)
    q, r = linalg.qr(a, mode="complete")
    assert q.shape == (*shape[:-1], shape[-2])
    assert_orthonormal(q)
    assert_close(q @ r, a, 1e-13)
    assert linalg.qr(a, mode="r").Q.shape == (0,)
    assert_close(linalg.qr(a, mode="r").R, linalg.qr(a).R, 0)
    assert plait.equal(plait.qr(a, some=False).Q, q)
    with pytest.raises(ValueError, match=r"linalg.qr.*mode"):
        linalg.qr(a, mode="raw")


def test_old_names() -> None:
    a = randn(4, 3)
    u, s, v = plait.svd(a)
    assert_close((u * s) @ v.mT, a, 1e-12)
    factors, pivots, info = plait.lu(a, get_infos=True)
    assert plait.equal(factors, linalg.lu_factor(a).LU)
    assert plait.equal(pivots, a.lu()[1])
    assert info == 0
    assert plait.svd(a, compute_uv=False).U.shape == (4, 4)
    assert_close(a.norm("nuc"), s.sum(), 1e-12)
    assert a.norm("nuc", keepdim=True, dim=(0, 1)).shape == (1, 1)
    assert_close(linalg.norm(a, "nuc"), s.sum(), 1e-12)
    assert_close(linalg.norm(a, 2), s[0], 1e-12)


# ---- Complex matrices ----


def crandn(*shape: int, seed: int = 0) -> Tensor:
    return plait.complex(randn(*shape, seed=seed), randn(*shape, seed=seed + 100))


def hermitian(a: Tensor) -> Tensor:
    return a + a.mH


def positive(a: Tensor) -> Tensor:
    return a @ a.mH + 3 * plait.eye(a.shape[-1], dtype=a.real.dtype)


def assert_unitary(q: Tensor) -> None:
    assert_close(q.mH @ q, plait.eye(q.shape[-1], dtype=q.dtype).expand(*q.shape[:-2], -1, -1), 1e-12)


@pytest.mark.parametrize("batch", [(), (3,), (0,)])
@pytest.mark.parametrize("n", [0, 1, 3, 8, 20])
def test_complex_squares(n: int, batch: tuple[int, ...]) -> None:
    a, b = crandn(*batch, n, n) + 4 * plait.eye(n), crandn(*batch, n, 2, seed=1)
    x, h = a.numpy(), positive(a)
    np.testing.assert_allclose(linalg.inv(a), np.linalg.inv(x), atol=1e-12)
    np.testing.assert_allclose(linalg.solve(a, b), np.linalg.solve(x, b.numpy()), atol=1e-12)
    np.testing.assert_allclose(linalg.det(a), np.linalg.det(x), rtol=1e-10)
    for got, want in zip(linalg.slogdet(a), np.linalg.slogdet(x)):
        np.testing.assert_allclose(got, want, atol=1e-12)
    lower = linalg.cholesky(h)
    assert_close(lower @ lower.mH, h, 1e-11)
    upper = linalg.cholesky(h, upper=True)
    assert_close(upper.mH @ upper, h, 1e-11)
    assert_close(h @ plait.cholesky_solve(b, lower), b, 1e-11)
    assert_close(a.tril() @ linalg.solve_triangular(a, b, upper=False), b, 1e-11)
    factors, pivots = linalg.lu_factor(a)
    assert_close(a.mH @ linalg.lu_solve(factors, pivots, b, adjoint=True), b, 1e-11)
    w, v = linalg.eigh(hermitian(a))
    assert w.dtype == plait.float64
    assert_unitary(v)
    assert_close((v * w.unsqueeze(-2)) @ v.mH, hermitian(a), 1e-11)
    w, v = linalg.eig(a)
    assert_close(a @ v, v * w.unsqueeze(-2), 1e-11)
    ld, order = linalg.ldl_factor(hermitian(a), hermitian=True)
    assert_close(hermitian(a) @ linalg.ldl_solve(ld, order, b, hermitian=True), b, 1e-10)
    assert_close(linalg.matrix_exp(a) @ linalg.matrix_exp(-a), plait.eye(n, dtype=a.dtype).expand(a.shape), 1e-6)
    assert_close(linalg.matrix_power(a, -2) @ a @ a, plait.eye(n, dtype=a.dtype).expand(a.shape), 1e-11)


@pytest.mark.parametrize("shape", [(3, 3), (2, 4, 3), (3, 4), (20, 17), (3, 0)])
def test_complex_rectangles(shape: tuple[int, ...]) -> None:
    a = crandn(*shape)
    u, s, vh = linalg.svd(a, full_matrices=False)
    assert s.dtype == plait.float64
    assert_unitary(u)
    assert_unitary(vh.mH)
    assert_close((u * s.unsqueeze(-2)) @ vh, a, 1e-12)
    q, r = linalg.qr(a)
    assert_unitary(q)
    assert_close(q @ r, a, 1e-12)
    p, lower, upper = linalg.lu(a)
    assert_close(p @ lower @ upper, a, 1e-12)
    np.testing.assert_allclose(linalg.pinv(a), np.linalg.pinv(a.numpy()), atol=1e-11)
    b = crandn(*shape[:-1], 2, seed=1)
    if a.numel():
        np.testing.assert_allclose(linalg.lstsq(a, b).solution, np.linalg.pinv(a.numpy()) @ b.numpy(), atol=1e-11)
        reflectors, tau = plait.geqrf(a)
        want = linalg.qr(a, "complete").Q.mH @ b
        assert_close(plait.ormqr(reflectors, tau, b, transpose=True), want, 1e-12)


@pytest.mark.parametrize("n", [2, 3, 10])
def test_eigenvalues_of_real_matrices(n: int) -> None:
    a = randn(4, n, n)
    w, v = linalg.eig(a)
    assert_close(a.to(v.dtype) @ v, v * w.unsqueeze(-2), 1e-11)
    np.testing.assert_allclose(v.abs().square().sum(-2), np.ones((4, n)), rtol=1e-12)
    assert plait.equal(linalg.eigvals(a).real.sort()[0], w.real.sort()[0])
    with pytest.raises(linalg.LinAlgError, match=r"finite"):
        linalg.eig(a * float("nan"))


COMPLEX_DERIVATIVES: dict[str, tuple[Callable, tuple[int, ...]]] = {
    "cholesky": (lambda a: linalg.cholesky(positive(a)), (2, 3, 3)),
    "solve": (lambda a: linalg.solve(a, a[..., :2] + 1), (2, 3, 3)),
    "solve_left": (lambda a: linalg.solve(a, a[..., :2, :] + 1, left=False), (3, 3)),
    "solve_triangular": (lambda a: linalg.solve_triangular(a, a + 1, upper=True), (2, 3, 3)),
    "inv": (linalg.inv, (2, 3, 3)),
    "det": (linalg.det, (2, 3, 3)),
    "slogdet": (lambda a: tuple(linalg.slogdet(a)), (2, 3, 3)),
    "lu": (lambda a: linalg.lu(a)[1:], (3, 4)),
    "qr": (lambda a: tuple(linalg.qr(a)), (4, 3)),
    "qr_wide": (lambda a: tuple(linalg.qr(a)), (3, 4)),
    "householder_product": (lambda a: linalg.householder_product(a, a[..., 0, :2] / 2), (4, 3)),
    "svdvals": (linalg.svdvals, (4, 3)),
    "svd": (lambda a: magnitudes(*linalg.svd(a, full_matrices=False)), (4, 3)),
    "svd_both": (lambda a: (lambda u, s, vh: u @ vh)(*linalg.svd(a, full_matrices=False)), (3, 4)),
    "eigh": (lambda a: magnitudes(*linalg.eigh(hermitian(a))), (2, 3, 3)),
    "eig": (lambda a: (linalg.eig(a)[0], linalg.eig(a)[1].abs()), (3, 3)),
    "eigvals": (linalg.eigvals, (3, 3)),
    "pinv": (linalg.pinv, (3, 2)),
    "matrix_exp": (linalg.matrix_exp, (2, 2)),
}


@pytest.mark.parametrize("name", COMPLEX_DERIVATIVES)
def test_complex_derivatives(name: str) -> None:
    f, shape = COMPLEX_DERIVATIVES[name]
    a = crandn(*shape, seed=len(name)).requires_grad_()
    assert gradcheck(f, (a,))
    assert gradgradcheck(f, (a,))


@pytest.mark.parametrize("f", [lambda a: magnitudes(*linalg.eig(a)), lambda a: linalg.eigvals(a).abs()])
def test_derivatives_of_complex_results(f: Callable) -> None:
    a = randn(3, 3, seed=4).requires_grad_()
    assert gradcheck(f, (a,))
    assert gradgradcheck(f, (a,))
