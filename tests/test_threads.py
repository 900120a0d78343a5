# SPDX-License-Identifier: MIT
"""The same bits at any number of threads, forward and backward, and run after run."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from op_table import SPECS
from op_table.harness import digest, forward_and_backward, show
from op_table.spec import OpSpec

import plait

COUNTS = (1, 2, 3, 7)


LARGE = [
    pytest.param(s, d, id=f"{s.id}-{d}")
    for s in SPECS
    if s.large
    for d in dict.fromkeys((s.dtypes[0], "float32", "bfloat16"))
    if d in s.dtypes
]


@pytest.mark.parametrize(("spec", "dtype"), LARGE)
def test_threads(spec: OpSpec, dtype: str) -> None:
    assert spec.large is not None
    samples = list(spec.large(spec.gen("large")))
    for sample in samples if dtype != "bfloat16" else samples[:1]:
        hashes = {}
        for count in COUNTS:
            plait.set_num_threads(count)
            hashes[count] = digest(forward_and_backward(spec, sample, dtype))
        assert len(set(hashes.values())) == 1, f"{spec.name} {show(sample)}: {hashes}"


@pytest.mark.tiny
@pytest.mark.parametrize("spec", [pytest.param(s, id=s.id) for s in SPECS if not s.large])
def test_threads_small(spec: OpSpec) -> None:
    """Ops without a large sample at least do not care for the setting."""
    sample = next(iter(spec.samples(spec.gen())))
    hashes = set()
    for count in (1, 3):
        plait.set_num_threads(count)
        hashes.add(digest(forward_and_backward(spec, sample, spec.dtypes[0])))
    assert len(hashes) == 1


def test_random_numbers_do_not_depend_on_threads() -> None:
    hashes = set()
    for count in COUNTS:
        plait.set_num_threads(count)
        plait.manual_seed(3)
        draws = [
            plait.rand(300_007),
            plait.randn(300_007),
            plait.randint(0, 1000, (200_003,)),
            plait.randperm(100_003),
            plait.bernoulli(plait.full((200_003,), 0.3)),
            plait.nn.functional.dropout(plait.ones(300_007), 0.4),
        ]
        hashes.add(digest(draws))
    assert len(hashes) == 1


def test_training_step_does_not_depend_on_threads() -> None:
    nn, hashes = plait.nn, set()
    for count in COUNTS:
        plait.set_num_threads(count)
        plait.manual_seed(0)
        net = nn.Sequential(
            nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
            nn.Linear(8 * 14 * 14, 64), nn.LayerNorm(64), nn.GELU(), nn.Dropout(0.2), nn.Linear(64, 10),
        )  # fmt: skip
        optimizer = plait.optim.Adam(net.parameters(), lr=1e-3)
        x, y = plait.randn(64, 1, 28, 28), plait.randint(0, 10, (64,))
        for _ in range(3):
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(x), y).backward()
            optimizer.step()
        hashes.add(digest(list(net.parameters())))
    assert len(hashes) == 1


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_results_beyond_the_caches(dtype: str) -> None:
    """Large results are written another way on one thread than on many: the values are the same."""
    rows, columns = 1040, 2048 if dtype == "float32" else 1024  # 8.5 MB
    x = plait.randn(rows, columns, dtype=getattr(plait, dtype))

    def gradient(f: Callable[[plait.Tensor], plait.Tensor], t: plait.Tensor) -> plait.Tensor:
        t = t.detach().requires_grad_()
        return plait.autograd.grad(f(t), t, t.detach().cos())[0]

    ops = {
        "transpose": lambda t: t.t().contiguous(),
        "exp": plait.exp,
        "softmax": lambda t: plait.nn.functional.softmax(t, -1),
        "layer_norm": lambda t: plait.nn.functional.layer_norm(t, (columns,)),
        "softmax gradient": lambda t: gradient(lambda u: plait.nn.functional.softmax(u, -1), t),
        "layer_norm gradient": lambda t: gradient(lambda u: plait.nn.functional.layer_norm(u, (columns,)), t),
    }
    for name, op in ops.items():
        small = [op(part) for part in x.split(65)]
        expected = plait.cat(small, 1 if name == "transpose" else 0)
        for count in (1, 7):
            plait.set_num_threads(count)
            assert plait.equal(op(x), expected), name


def test_set_num_threads() -> None:
    plait.set_num_threads(2)
    assert plait.get_num_threads() == 2
    for wrong in (0, -1):
        with pytest.raises((ValueError, RuntimeError)):
            plait.set_num_threads(wrong)
    assert plait.get_num_threads() == 2


@pytest.mark.parametrize("dtype", [plait.float32, plait.float64])
@pytest.mark.parametrize(("m", "k", "n"), [(2, 5000, 2), (3, 70001, 5), (8, 3001, 8), (5, 511, 3), (7, 1025, 9)])
def test_products_of_tiny_sides(m: int, k: int, n: int, dtype: plait.dtype) -> None:
    """A long sum between few rows and columns: right in every layout, the same bits at every number of threads."""
    a, b = plait.rand(m, k, dtype=dtype), plait.rand(k, n, dtype=dtype)
    want = a.double().numpy() @ b.double().numpy()
    threads = plait.get_num_threads()
    try:
        for left in (a, a.t().contiguous().t(), plait.cat([a, a], 1)[:, ::2] if k % 2 else a):
            exact = (
                want if left.shape == a.shape and plait.equal(left, a) else left.double().numpy() @ b.double().numpy()
            )
            for right in (b, b.t().contiguous().t()):
                results = []
                for count in (1, 2, 5):
                    plait.set_num_threads(count)
                    results.append(left @ right)
                assert all(plait.equal(results[0], r) for r in results)
                assert abs(results[0].double().numpy() - exact).max() <= 3e-6 * k
        added = plait.addmm(plait.ones(m, n, dtype=dtype), a, b, beta=2, alpha=0.5)
        assert abs(added.double().numpy() - (2 + 0.5 * want)).max() <= 3e-6 * k
    finally:
        plait.set_num_threads(threads)
