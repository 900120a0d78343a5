# SPDX-License-Identifier: MIT
"""Random numbers: reproducible by seed, right in distribution, wrong arguments refused."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

import plait

N = 200_000
DRAWS: dict[str, Callable[[], plait.Tensor]] = {
    "rand": lambda: plait.rand(50),
    "randn": lambda: plait.randn(50),
    "randint": lambda: plait.randint(0, 1000, (50,)),
    "randperm": lambda: plait.randperm(50),
    "normal": lambda: plait.normal(1.0, 2.0, (50,)),
    "bernoulli": lambda: plait.bernoulli(plait.full((50,), 0.5)),
    "multinomial": lambda: plait.multinomial(plait.ones(20), 10),
    "rand_like": lambda: plait.rand_like(plait.ones(50)),
    "randn_like": lambda: plait.randn_like(plait.ones(50)),
    "randint_like": lambda: plait.randint_like(plait.ones(50), 1000),
    "uniform_": lambda: plait.empty(50).uniform_(-1, 1),
    "normal_": lambda: plait.empty(50).normal_(1, 2),
    "exponential_": lambda: plait.empty(50).exponential_(),
    "random_": lambda: plait.empty(50).random_(0, 1000),
    "dropout": lambda: plait.nn.functional.dropout(plait.ones(50)),
}


@pytest.mark.tiny
@pytest.mark.parametrize("name", DRAWS)
def test_seed(name: str) -> None:
    draw = DRAWS[name]
    plait.manual_seed(7)
    a, b = draw(), draw()
    plait.manual_seed(7)
    assert plait.equal(draw(), a) and plait.equal(draw(), b)
    assert not plait.equal(a, b)
    plait.manual_seed(8)
    assert not plait.equal(draw(), a)


def test_state() -> None:
    plait.manual_seed(1)
    plait.rand(3)
    state = plait.get_rng_state()
    a = plait.rand(5)
    plait.set_rng_state(state)
    assert plait.equal(plait.rand(5), a)
    assert plait.initial_seed() == 1
    assert isinstance(plait.seed(), int)


def test_generator() -> None:
    g = plait.Generator()
    assert g.manual_seed(3) is g and g.initial_seed() == 3
    plait.manual_seed(0)
    before = plait.get_rng_state()
    a = plait.rand(5, generator=g)
    assert plait.equal(plait.get_rng_state(), before)  # the default stream did not move
    g.manual_seed(3)
    assert plait.equal(plait.rand(5, generator=g), a)
    state = g.get_state()
    b = plait.randn(4, generator=g)
    g.set_state(state)
    assert plait.equal(plait.randn(4, generator=g), b)
    for f in (lambda: plait.randperm(9, generator=g), lambda: plait.randint(0, 9, (5,), generator=g),
              lambda: plait.multinomial(plait.ones(9), 4, generator=g),
              lambda: plait.empty(4).normal_(generator=g)):  # fmt: skip
        g.manual_seed(5)
        first = f()
        g.manual_seed(5)
        assert plait.equal(f(), first)


def test_generator_copies() -> None:
    g = plait.Generator().manual_seed(11)
    plait.rand(3, generator=g)
    twins = [copy.deepcopy(g), pickle.loads(pickle.dumps(g))]
    expected = plait.rand(4, generator=g)
    for twin in twins:
        assert plait.equal(plait.rand(4, generator=twin), expected)


def test_fork_rng() -> None:
    plait.manual_seed(0)
    with plait.random.fork_rng():
        plait.rand(100)
    a = plait.rand(3)
    plait.manual_seed(0)
    assert plait.equal(plait.rand(3), a)


# ---------------------------------------------------------------- distributions


def fits(values: plait.Tensor, distribution: Callable) -> bool:
    """Kolmogorov-Smirnov; the seed is fixed, so this never flickers."""
    return stats.kstest(values.double().numpy().ravel(), distribution).pvalue > 1e-3


@pytest.mark.parametrize("dtype", [plait.float32, plait.float64])
def test_uniform(dtype: plait.dtype) -> None:
    plait.manual_seed(2)
    x = plait.rand(N, dtype=dtype)
    assert x.min().item() >= 0 and x.max().item() < 1
    assert fits(x, stats.uniform.cdf)
    assert abs(np.corrcoef(x.numpy()[:-1], x.numpy()[1:])[0, 1]) < 0.01
    y = plait.empty(N, dtype=dtype).uniform_(-3, 5)
    assert y.min().item() >= -3 and y.max().item() < 5
    assert fits(y, stats.uniform(-3, 8).cdf)


@pytest.mark.parametrize("dtype", [plait.float32, plait.float64])
def test_normal(dtype: plait.dtype) -> None:
    plait.manual_seed(3)
    x = plait.randn(N, dtype=dtype)
    assert fits(x, stats.norm.cdf)
    assert x.abs().max().item() > 4  # tails exist
    assert fits(plait.empty(N, dtype=dtype).normal_(2, 3), stats.norm(2, 3).cdf)
    assert plait.isfinite(x).all()


def test_cauchy_geometric_log_normal() -> None:
    plait.manual_seed(6)
    assert fits(plait.empty(N, dtype=plait.float64).cauchy_(1, 2), stats.cauchy(1, 2).cdf)
    assert fits(plait.empty(N, dtype=plait.float64).log_normal_(0.5, 0.25), stats.lognorm(0.25, scale=np.exp(0.5)).cdf)
    x = plait.empty(N).geometric_(0.25)
    assert x.min().item() == 1 and abs(x.mean().item() - 4) < 0.1 and plait.equal(x, x.round())


@pytest.mark.parametrize("dtype", [plait.float16, plait.bfloat16])
def test_half_precision(dtype: plait.dtype) -> None:
    plait.manual_seed(4)
    x = plait.rand(N, dtype=dtype).float()
    assert x.min().item() >= 0 and x.max().item() < 1
    assert abs(x.mean().item() - 0.5) < 0.01
    y = plait.randn(N, dtype=dtype).float()
    assert abs(y.mean().item()) < 0.02 and abs(y.std().item() - 1) < 0.02


@pytest.mark.parametrize("n", [1, 7, 15, 16, 17, 33, 1031])
def test_every_position_varies(n: int) -> None:
    """No lane of the generator is stuck, at any length."""
    plait.manual_seed(5)
    draws = np.stack([plait.rand(n).numpy() for _ in range(50)])
    assert (draws.std(axis=0) > 0.15).all()
    draws = np.stack([plait.randn(n).numpy() for _ in range(50)])
    assert (draws.std(axis=0) > 0.5).all()


def test_normal_with_tensors() -> None:
    plait.manual_seed(6)
    mean = plait.tensor([0.0, 100.0]).expand(N // 2, 2)
    x = plait.normal(mean, plait.tensor([1.0, 10.0]).expand(N // 2, 2))
    assert abs(x[:, 0].mean().item()) < 0.02 and abs(x[:, 1].std().item() - 10) < 0.1
    assert plait.normal(mean[:3], 1.0).shape == (3, 2)
    assert plait.normal(2.0, mean[:3] + 1).shape == (3, 2)
    with pytest.raises((ValueError, RuntimeError)):
        plait.normal(0.0, -1.0, (3,))


@pytest.mark.parametrize(("low", "high"), [(0, 2), (-5, 5), (0, 10), (10, 11), (-(2**40), 2**40)])
def test_randint(low: int, high: int) -> None:
    plait.manual_seed(7)
    x = plait.randint(low, high, (20_000,))
    assert x.dtype == plait.int64 and x.min().item() >= low and x.max().item() < high
    if high - low <= 10:
        counts = np.bincount(x.numpy() - low, minlength=high - low)
        assert stats.chisquare(counts).pvalue > 1e-3 if high - low > 1 else counts[0] == 20_000
    assert plait.randint(high, (3,)).shape == (3,) if high > 0 else True
    assert plait.randint(0, 3, (4,), dtype=plait.float32).dtype == plait.float32


def test_randperm() -> None:
    plait.manual_seed(8)
    for n in (0, 1, 2, 17, 10_007):
        p = plait.randperm(n)
        assert p.dtype == plait.int64 and sorted(p.tolist()) == list(range(n))
    firsts = np.bincount([plait.randperm(5)[0].item() for _ in range(3000)], minlength=5)
    assert stats.chisquare(firsts).pvalue > 1e-3
    assert plait.randperm(5, dtype=plait.int32).dtype == plait.int32


def test_bernoulli() -> None:
    plait.manual_seed(9)
    p = plait.tensor([0.0, 0.2, 0.7, 1.0]).expand(N // 4, 4)
    x = plait.bernoulli(p)
    assert set(x.unique().tolist()) <= {0.0, 1.0}
    np.testing.assert_allclose(x.mean(0).numpy(), [0.0, 0.2, 0.7, 1.0], atol=0.01)
    assert abs(plait.empty(N).bernoulli_(0.3).mean().item() - 0.3) < 0.01
    for wrong in (1.5, -0.1):
        with pytest.raises((ValueError, RuntimeError)):
            plait.bernoulli(plait.full((3,), wrong))


def test_multinomial() -> None:
    plait.manual_seed(10)
    w = plait.tensor([0.0, 1.0, 3.0, 6.0])
    x = plait.multinomial(w, N, replacement=True)
    np.testing.assert_allclose(np.bincount(x.numpy(), minlength=4) / N, [0.0, 0.1, 0.3, 0.6], atol=0.01)
    for _ in range(20):
        assert sorted(plait.multinomial(w, 3).tolist()) == [1, 2, 3]
    assert plait.multinomial(w.expand(5, 4), 2).shape == (5, 2)
    heavy = [plait.multinomial(w, 1).item() for _ in range(2000)]
    assert abs(heavy.count(3) / 2000 - 0.6) < 0.05
    for bad, n in ((w, 5), (-w, 1), (w * 0, 1), (w, 0), (plait.ones(2, 2, 2), 1), (w * float("nan"), 1)):
        with pytest.raises((ValueError, RuntimeError)):
            plait.multinomial(bad, n)


def test_exponential() -> None:
    plait.manual_seed(11)
    x = plait.empty(N).exponential_(2.0)
    assert x.min().item() >= 0 and plait.isfinite(x).all()
    assert fits(x, stats.expon(scale=0.5).cdf)


# ---------------------------------------------------------------- dropout


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_dropout(p: float) -> None:
    plait.manual_seed(12)
    x = plait.ones(N, requires_grad=True)
    y = plait.nn.functional.dropout(x, p)
    kept = y.detach() != 0
    assert abs(kept.double().mean().item() - (1 - p)) < 0.01
    assert plait.allclose(y.detach()[kept], plait.tensor(1 / (1 - p)))
    y.sum().backward()
    assert plait.equal(x.grad, y.detach())


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_feature_dropout_drops_whole_channels(dims: int) -> None:
    plait.manual_seed(13)
    f = getattr(plait.nn.functional, f"dropout{dims}d")
    y = f(plait.ones(50, 40, *(3,) * dims), 0.3)
    flat = y.reshape(50, 40, -1)
    assert plait.equal(flat.amin(2), flat.amax(2))
    assert abs((flat[..., 0] == 0).double().mean().item() - 0.3) < 0.03


def test_alpha_dropout_keeps_moments() -> None:
    plait.manual_seed(14)
    y = plait.nn.functional.alpha_dropout(plait.randn(N), 0.2, training=True)
    assert abs(y.mean().item()) < 0.02 and abs(y.std().item() - 1) < 0.02


def test_bernoulli_noise_is_not_shared_between_calls() -> None:
    plait.manual_seed(15)
    a = plait.nn.functional.dropout(plait.ones(1000), 0.5)
    b = plait.nn.functional.dropout(plait.ones(1000), 0.5)
    assert abs(((a != 0) == (b != 0)).double().mean().item() - 0.5) < 0.1


@pytest.mark.parametrize(
    "call",
    [
        lambda: plait.randint(5, 5, (3,)), lambda: plait.randint(5, 2, (3,)), lambda: plait.randperm(-1),
        lambda: plait.empty(3).uniform_(1, 0), lambda: plait.empty(3).normal_(0, -1), lambda: plait.rand(-1),
        lambda: plait.empty(3).exponential_(-1.0), lambda: plait.empty(3, dtype=plait.int64).normal_(),
        lambda: plait.randn(3, dtype=plait.int64), lambda: plait.empty(3).bernoulli_(2.0),
    ],
)  # fmt: skip
def test_wrong_arguments(call: Callable) -> None:
    with pytest.raises((ValueError, RuntimeError, TypeError, NotImplementedError)):
        call()


def test_dropouts_beside_plaits() -> None:
    plait.manual_seed(0)
    x = plait.ones(40, 50, 6)
    y = plait.feature_dropout(x, 0.25, True)
    assert (y[..., :1] == y).all() and y.unique().tolist() == pytest.approx([0.0, 1 / 0.75])
    assert (y[..., 0] == 0).float().mean().item() == pytest.approx(0.25, abs=0.05)
    assert plait.feature_dropout(x, 0.5, False) is x
    for f in (plait.feature_dropout_, plait.alpha_dropout_, plait.feature_alpha_dropout_):
        z = x.clone()
        assert f(z, 0.5, True) is z and not plait.equal(z, x)
    a = plait.ones(1000, requires_grad=True)
    out, kept = plait.native_dropout(a, 0.5, True)
    assert plait.equal(out, kept * 2.0) and kept.dtype == plait.bool
    assert plait.equal(plait.autograd.grad(out.sum(), a)[0], out)
    out, kept = plait.native_dropout(a, 0.5, False)
    assert plait.equal(out, a) and kept.all()
    with pytest.raises(ValueError, match="N, C"):
        plait.feature_dropout(plait.ones(3), 0.5, True)
    with pytest.raises(ValueError, match="p"):
        plait.feature_dropout(x, 1.5, True)
    assert plait.rrelu_ is plait.nn.functional.rrelu_
