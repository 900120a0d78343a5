# SPDX-License-Identifier: MIT
"""Ops at the edge: statistics they update, nothing to average, huge and tiny numbers, short rows, NaN."""

from __future__ import annotations

import math

import numpy as np
import pytest

import plait
import plait.nn.functional as F

NAN, INF = float("nan"), float("inf")


def x23() -> plait.Tensor:
    return plait.tensor([[3.0, 1.0, 2.0], [4.0, 6.0, 5.0]])


# ---------------------------------------------------------------- normalisation


def test_batch_norm_updates_its_statistics() -> None:
    x = plait.tensor([[1.0, 10.0], [3.0, 30.0], [5.0, 20.0]])
    mean, var = plait.zeros(2), plait.ones(2)
    F.batch_norm(x, mean, var, training=True, momentum=0.1)
    np.testing.assert_allclose(mean.numpy(), [0.3, 2.0], rtol=1e-6)
    np.testing.assert_allclose(var.numpy(), [0.9 + 0.4, 0.9 + 10.0], rtol=1e-6)  # the unbiased variance
    before = mean.clone()
    F.batch_norm(x, mean, var, training=False)
    assert plait.equal(mean, before)


@pytest.mark.parametrize("shape", [(9, 12, 5), (8, 12, 2, 2), (40, 8, 4, 4), (3, 12, 1), (9, 8, 7, 7), (2, 12, 5)])
def test_norms_of_few_elements_a_channel(shape: tuple[int, ...]) -> None:
    c = shape[1]
    rng = np.random.default_rng(0)
    x, w, b, g = (rng.normal(size=s) for s in (shape, c, c, shape))
    ones = (1,) * (len(shape) - 2)

    def normalised(x: plait.Tensor, dims: tuple[int, ...]) -> plait.Tensor:
        d = x - x.mean(dims, keepdim=True)
        return d * ((d * d).mean(dims, keepdim=True) + 1e-5).rsqrt()

    def batch(x: plait.Tensor, w: plait.Tensor, b: plait.Tensor) -> plait.Tensor:
        dims = (0, *range(2, x.dim()))
        return normalised(x, dims) * w.view(c, *ones) + b.view(c, *ones)

    def group(x: plait.Tensor, w: plait.Tensor, b: plait.Tensor) -> plait.Tensor:
        parts = normalised(x.reshape(shape[0], 4, -1), (2,))
        return parts.reshape(*shape) * w.view(c, *ones) + b.view(c, *ones)

    def fused_batch(x: plait.Tensor, w: plait.Tensor, b: plait.Tensor) -> plait.Tensor:
        return F.batch_norm(x, None, None, w, b, training=True)

    def fused_group(x: plait.Tensor, w: plait.Tensor, b: plait.Tensor) -> plait.Tensor:
        return F.group_norm(x, 4, w, b)

    for fused, composed in ((fused_batch, batch), (fused_group, group)):
        want = [plait.tensor(v, requires_grad=True) for v in (x, w, b)]
        y = composed(*want)
        y.backward(plait.tensor(g))
        for dtype, tol in ((plait.float64, 1e-10), (plait.float32, 2e-5)):
            got = [plait.tensor(v, dtype=dtype, requires_grad=True) for v in (x, w, b)]
            z = fused(*got)
            z.backward(plait.tensor(g, dtype=dtype))
            np.testing.assert_allclose(z.detach().numpy(), y.detach().numpy(), rtol=tol, atol=tol)
            for u, v in zip(got, want, strict=True):
                scale = np.abs(v.grad.numpy()).max()
                np.testing.assert_allclose(u.grad.numpy(), v.grad.numpy(), rtol=tol, atol=tol * scale)


@pytest.mark.parametrize("shape", [(70, 100), (300, 260), (5, 60, 70), (4, 8, 40, 30)])
@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "bfloat16", "bool"])
def test_transposed_operands_of_many_elements(shape: tuple[int, ...], dtype: str) -> None:
    order = tuple(reversed(range(len(shape))))
    x, z = (plait.randint(-9, 9, shape).to(getattr(plait, dtype)) for _ in range(2))
    row, y = x[..., :1], z.permute(order).contiguous().permute(order)
    assert y.shape == z.shape and not y.is_contiguous()
    for f in (lambda y: x + y, lambda y: x < y, lambda y: plait.where(row > 0, y, x), lambda y: y.double(),
              lambda y: plait.maximum(y, row), lambda y: x.clone().mul_(y),
              lambda y: x.permute(order) * y.permute(order),
              lambda y: plait.add(y, y, out=plait.empty_like(x))):  # fmt: skip
        assert f(y).equal(f(z))


def test_norms_of_constant_input() -> None:
    x = plait.full((4, 8), 3.0)
    assert plait.allclose(F.layer_norm(x, (8,)), plait.zeros(4, 8), atol=1e-3)
    assert plait.allclose(F.batch_norm(x, None, None, training=True), plait.zeros(4, 8), atol=1e-3)
    assert plait.allclose(F.group_norm(x, 2), plait.zeros(4, 8), atol=1e-3)


# ---------------------------------------------------------------- losses and embedding


def test_losses_with_nothing_to_average() -> None:
    x = plait.randn(3, 4)
    ignored = plait.full((3,), -100)
    assert math.isnan(F.cross_entropy(x, ignored).item())
    assert F.cross_entropy(x, ignored, reduction="sum").item() == 0.0
    assert math.isnan(F.nll_loss(x, ignored).item())
    assert math.isnan(F.mse_loss(plait.zeros(0), plait.zeros(0)).item())
    assert F.mse_loss(plait.zeros(0), plait.zeros(0), reduction="sum").item() == 0.0


def test_ignored_targets_get_no_gradient() -> None:
    x = plait.randn(3, 4, requires_grad=True)
    F.cross_entropy(x, plait.tensor([1, -100, 2])).backward()
    assert not x.grad[1].any() and x.grad[0].any()


def test_cross_entropy_of_huge_logits() -> None:
    x = plait.tensor([[1e4, 0.0], [-1e4, 1e4]], requires_grad=True)
    loss = F.cross_entropy(x, plait.tensor([0, 1]))
    assert loss.item() == 0.0
    F.cross_entropy(x, plait.tensor([1, 0])).backward()
    assert plait.isfinite(x.grad).all()


def test_cdist_of_equal_rows_and_its_modes() -> None:
    x = plait.randn(40, 3, dtype=plait.float64, requires_grad=True)
    d = plait.cdist(x, x.detach())
    d.sum().backward()
    assert np.abs(np.diag(d.detach().numpy())).max() < 1e-6 and x.grad.isfinite().all()
    exact = plait.cdist(x, x, compute_mode="donot_use_mm_for_euclid_dist")
    assert np.diag(exact.detach().numpy()).max() == 0 and plait.allclose(d, exact, atol=1e-6)
    y = x.detach()[:4]
    assert plait.allclose(plait.cdist(y, y + 1, compute_mode="use_mm_for_euclid_dist"), plait.cdist(y, y + 1))
    with pytest.raises(ValueError, match="cdist: expected a compute_mode"):
        plait.cdist(y, y, compute_mode="fast")


def test_embedding_padding() -> None:
    weight = plait.randn(5, 3, requires_grad=True)
    y = F.embedding(plait.tensor([1, 0, 1, 4]), weight, padding_idx=0)
    assert plait.equal(y[1], weight[0])
    y.sum().backward()
    assert weight.grad.sum(1).tolist() == [0.0, 6.0, 0.0, 0.0, 3.0]
    weight.grad = None
    F.embedding(plait.tensor([4, 1]), weight, padding_idx=-1).sum().backward()
    assert weight.grad.sum(1).tolist() == [0.0, 3.0, 0.0, 0.0, 0.0]


# ---------------------------------------------------------------- numbers at the edge


@pytest.mark.parametrize("n", [1, 7, 8, 15, 16, 17, 31, 33, 64, 67])
def test_value_does_not_depend_on_its_place(n: int) -> None:
    """One value, everywhere in a vector of any length: every element gets the same bits, NaN too."""
    for value in (0.3, -1.7, NAN, INF, -INF, -0.0, 1e-30, 3e38, 88.8, -104.0):
        x = plait.full((n,), value)
        for f in (plait.exp, plait.tanh, plait.erf, F.gelu, F.silu, plait.sigmoid, plait.log, plait.sin, plait.sqrt,
                  F.softplus, F.relu, plait.log1p, plait.expm1, plait.abs, lambda t: t**2.5, F.elu):  # fmt: skip
            y = f(x)
            bits = y.view(plait.int32)
            same = (bits == bits[0]) | (y.isnan() & y[0].isnan())
            assert same.all(), (f, value, n)


@pytest.mark.parametrize("n", [1, 15, 16, 17, 33])
def test_gradient_at_nan_does_not_depend_on_its_place(n: int) -> None:
    for f in (
        F.relu,
        F.gelu,
        F.silu,
        F.elu,
        plait.abs,
        F.leaky_relu,
        lambda t: t.clamp(-1, 1),
        plait.tanh,
        plait.sigmoid,
    ):
        x = plait.full((n,), NAN, requires_grad=True)
        f(x).sum().backward()
        first = x.grad[0]
        assert (x.grad.isnan() == first.isnan()).all(), f
        if not first.isnan():
            assert (x.grad == first).all(), f


def test_accuracy_far_out() -> None:
    x = np.concatenate([np.linspace(-100, 100, 4001), np.geomspace(1e-30, 80, 500)]).astype(np.float32)
    t = plait.from_numpy(x)
    wide = x.astype(np.float64)
    for f, ref in (
        (plait.exp, np.exp),
        (plait.tanh, np.tanh),
        (plait.expm1, np.expm1),
        (plait.sin, np.sin),
        (plait.cos, np.cos),
    ):
        with np.errstate(over="ignore"):
            want = ref(wide)
            rounded = np.abs(want).astype(np.float32)
        got = f(t).double().numpy()
        spacing = np.spacing(rounded).astype(np.float64)
        finite = np.isfinite(rounded) & (np.abs(want) > 1.2e-38)
        assert np.max(np.abs(got - want)[finite] / spacing[finite]) <= 2, f


def test_sin_of_large_arguments() -> None:
    x = np.array([1e3, 1e4, 12345.678, 1e5, 3e6, 1e8, 1e20, 3e38], np.float32)
    np.testing.assert_allclose(plait.sin(plait.from_numpy(x)).numpy(), np.sin(x.astype(np.float64)), atol=3e-7)
    np.testing.assert_allclose(plait.cos(plait.from_numpy(x)).numpy(), np.cos(x.astype(np.float64)), atol=3e-7)


def test_long_sums_are_accurate() -> None:
    """Partial sums in float32 must not lose what NumPy's pairwise sum keeps."""
    n = 2_000_003
    assert plait.full((n,), 0.1).sum().item() == pytest.approx(n * float(np.float32(0.1)), rel=1e-6)
    assert plait.full((n,), 0.1).mean().item() == pytest.approx(float(np.float32(0.1)), rel=1e-6)
    x = plait.full((n,), 1e4) + plait.arange(n) % 2
    assert x.var().item() == pytest.approx(0.25, rel=1e-3)
    assert plait.ones(300_000, dtype=plait.bfloat16).sum().item() == pytest.approx(300_000, rel=1e-2)
    assert plait.ones(60_000, dtype=plait.float16).sum().item() == 60_000


@pytest.mark.parametrize("dtype", [plait.float16, plait.bfloat16])
@pytest.mark.parametrize("k", [1, 37, 300, 40_000])
def test_half_vector_times_matrix_is_rounded_once(dtype: plait.dtype, k: int) -> None:
    """In every layout, with a batch, a scale, a bias and what C held before."""
    plait.manual_seed(k)
    n, half_ulp = 21, 2.0**-11 if dtype == plait.float16 else 2.0**-8
    x, c = plait.randn(2, 1, k).to(dtype), plait.randn(2, 1, n).to(dtype)
    w = (plait.randn(2, k, n) / k**0.5).to(dtype)
    layouts = [w, w.mT.contiguous().mT, plait.stack([w, w], 3)[..., 0], w[:1].expand(2, k, n)]

    def check(y: plait.Tensor, want: plait.Tensor) -> None:
        assert y.dtype == dtype
        assert ((y.double() - want).abs() <= 1.01 * half_ulp * want.abs() + 1e-5).all()

    for m in layouts:
        want = x.double() @ m.double()
        check(x @ m, want)
        check(m.mT @ x.mT, want.mT)
        check(plait.baddbmm(c, x, m, beta=0.5, alpha=2.0), 0.5 * c.double() + 2 * want)
        check(F.linear(x[0], m[0].T, c[0, 0]), want[0] + c[0].double())
        check(plait.mv(m[1].T, x[1, 0]), want[1, 0])


def test_softmax_edges() -> None:
    assert plait.softmax(plait.tensor([[-INF, 0.0]]), 1).tolist() == [[0.0, 1.0]]
    assert plait.softmax(plait.full((1, 3), -INF), 1).isnan().all()
    assert plait.softmax(plait.tensor([1e30, 1e30]), 0).tolist() == [0.5, 0.5]
    x = plait.randn(2, 3).bfloat16()
    assert F.softmax(x, dim=1, dtype=plait.float32).dtype == plait.float32


def test_denormals() -> None:
    """Flushed inside kernels by default; kept on request; movements of data never touch them."""
    tiny = plait.tensor([1e-40, -1e-40])
    assert tiny.clone().tolist() == tiny.tolist() and (tiny.view(plait.int32) != 0).all()
    assert plait.cat([tiny, tiny]).view(plait.int32).ne(0).all()
    if not hasattr(plait, "set_flush_denormal"):
        pytest.skip("no switch")
    try:
        plait.set_flush_denormal(False)
        assert (plait.tensor([1e-38]) * 0.01).item() > 0
    finally:
        plait.set_flush_denormal(True)


def test_nan_in_extremes() -> None:
    for n in (3, 16, 17, 33, 40):
        for place in {0, n // 2, n - 1}:
            x = plait.arange(float(n))
            x[place] = NAN
            assert x.max().isnan() and x.min().isnan() and x.amax().isnan()
            assert x.argmax().item() == place and x.argmin().item() == place
            assert x.max(0).indices.item() == place
            assert plait.maximum(x, plait.zeros(n))[place].isnan()
            assert not plait.fmax(x, plait.zeros(n)).isnan().any()
            assert F.relu(x)[place].isnan() and x.clamp(0, 1)[place].isnan()
            assert F.max_pool1d(x[None, None], n).isnan().all()


@pytest.mark.parametrize("name", ["gelu", "gelu_tanh", "silu", "sigmoid", "softplus", "mish", "elu"])
def test_far_tails_of_activations(name: str) -> None:
    """To the left nothing comes back up or falls: 0 (elu: -1), at every length of the tail."""
    functional = plait.nn.functional
    f = (lambda x: functional.gelu(x, approximate="tanh")) if name == "gelu_tanh" else getattr(functional, name)
    for dtype in (plait.float32, plait.float64):
        x = plait.cat(
            [plait.linspace(-300, -20, 2001, dtype=dtype), plait.tensor([-1e4, -1e30, -math.inf], dtype=dtype)]
        )
        limit = -1.0 if name == "elu" else 0.0
        assert (f(x[:-1]) - limit).abs().max().item() < 1e-6
        right = plait.linspace(20, 300, 2001, dtype=dtype)
        want = plait.ones_like(right) if name == "sigmoid" else right
        assert (f(right) - want).abs().max().item() < 1e-6


@pytest.mark.parametrize("dim", [1, 2])
@pytest.mark.parametrize("rows", [16, 600, 1201])
def test_short_rows(rows: int, dim: int) -> None:
    """Blocks of transposed rows: full ones, a partial last one, several columns side by side."""
    x = np.random.default_rng(rows).standard_normal((rows, 5, 3)).astype(np.float32)
    gy = np.random.default_rng(1).standard_normal(x.shape).astype(np.float32)
    e = np.exp(x.astype(np.float64))
    y = e / e.sum(dim, keepdims=True)
    t = plait.tensor(x, requires_grad=True)
    got = plait.softmax(t, dim)
    got.backward(plait.tensor(gy))
    np.testing.assert_allclose(got.detach().numpy(), y, rtol=1e-6)
    # The two terms of the difference are of size 1 and may cancel: their rounding stays.
    np.testing.assert_allclose(t.grad.numpy(), y * (gy - (gy * y).sum(dim, keepdims=True)), rtol=1e-5, atol=5e-7)
    np.testing.assert_allclose(plait.log_softmax(t, dim).detach().numpy(), np.log(y), rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(t.detach().cumsum(dim).numpy(), x.astype(np.float64).cumsum(dim), rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(t.detach().cumprod(dim).numpy(), x.astype(np.float64).cumprod(dim), rtol=1e-6)


@pytest.mark.parametrize("stride", [1, 2, 3, 2**31 - 1])
@pytest.mark.parametrize("width", [40, 61])
def test_pools_of_whole_vectors(width: int, stride: int) -> None:
    x = np.random.default_rng(width).standard_normal((2, 3, 9, width)).astype(np.float32)
    t = plait.tensor(x)
    starts = range(0, width - 4, stride)
    windows = np.stack([x[..., i : i + 5] for i in starts], axis=-2)
    kernel, step = (1, 5), (1, stride)
    best, at = F.max_pool2d(t, kernel, step, return_indices=True)
    assert np.array_equal(best.numpy(), windows.max(-1))
    assert np.array_equal(F.max_pool2d(t, kernel, step).numpy(), windows.max(-1))
    assert np.array_equal(
        np.take_along_axis(x.reshape(2, 3, -1), at.numpy().reshape(2, 3, -1), 2), best.numpy().reshape(2, 3, -1)
    )
    t.requires_grad_(True)
    mean = F.avg_pool2d(t, kernel, step)
    np.testing.assert_allclose(mean.detach().numpy(), windows.mean(-1), rtol=1e-5, atol=1e-6)
    mean.sum().backward()
    want = np.zeros(width)
    for i in starts:
        want[i : i + 5] += 0.2
    np.testing.assert_allclose(t.grad.numpy(), np.broadcast_to(want, x.shape), rtol=1e-6)


def test_atan2_at_the_edges() -> None:
    v = np.array([0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, 2e-38, 3e38], dtype=np.float32)
    y, x = (a.ravel() for a in np.meshgrid(v, v))
    got, want = plait.atan2(plait.tensor(y), plait.tensor(x)).numpy(), np.arctan2(y, x)
    np.testing.assert_allclose(got, want, rtol=3e-7, atol=2e-38)
    assert np.array_equal(np.signbit(got)[~np.isnan(want)], np.signbit(want)[~np.isnan(want)])


@pytest.mark.parametrize("name", ["sin", "cos", "tan", "arcsin", "arccos", "arctan"])
def test_trigonometry_in_float64(name: str) -> None:
    """At most 2 ulp, near multiples of pi/2 as well."""
    rng = np.random.default_rng(5)
    small = 10.0 ** rng.uniform(-20, 0, 20_000)
    if name in ("arcsin", "arccos"):
        x = np.concatenate([small, -small, 1 - small, rng.uniform(-1, 1, 50_000), [0.5, -0.5]])
    else:
        x = np.concatenate([small, -small, rng.uniform(-9e5, 9e5, 50_000), np.arange(1, 50_000) * (np.pi / 2)])
    want = getattr(np, name)(x.astype(np.longdouble))
    got = getattr(plait, name)(plait.from_numpy(x)).numpy()
    assert np.max(np.abs(got - want) / np.spacing(np.abs(want).astype(np.float64))) <= 2


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_fmod_is_exact(dtype: str) -> None:
    rng = np.random.default_rng(6)
    a = rng.standard_normal(50_000) * 10.0 ** rng.uniform(-5, 12, 50_000)
    b = rng.standard_normal(50_000) * 10.0 ** rng.uniform(-3, 3, 50_000)
    a[:5000] = b[:5000] * np.round(rng.uniform(-1e6, 1e6, 5000))
    special = np.array([0.0, -0.0, 1.0, -1.0, 2.5, np.inf, -np.inf, np.nan, 5e5, 1e30])
    pairs = [np.ravel(v) for v in np.meshgrid(special, special)]
    a, b = (np.concatenate(v).astype(dtype) for v in ((a, pairs[0]), (b, pairs[1])))
    for name, reference in (("fmod", np.fmod), ("remainder", np.remainder)):
        with np.errstate(all="ignore"):
            want = reference(a, b)
        got = getattr(plait, name)(plait.from_numpy(a), plait.from_numpy(b)).numpy()
        np.testing.assert_array_equal(got, want)
