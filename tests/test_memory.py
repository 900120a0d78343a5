# SPDX-License-Identifier: MIT
"""The allocator: reuse, bounds, statistics, and what happens when memory runs out."""

from __future__ import annotations

import gc
import resource
import time
from collections.abc import Iterator

import numpy as np
import pytest
from op_table import SPECS
from op_table.harness import Call, digest, forward_and_backward, tensors
from op_table.spec import OpSpec

import plait
from plait import _core


@pytest.fixture(autouse=True)
def _no_planned_failure() -> Iterator[None]:
    yield
    _core._fail_allocation_after(0)


def in_use() -> int:
    gc.collect()
    return plait.memory_stats()["allocated_bytes"]


def test_statistics() -> None:
    before = in_use()
    x = plait.empty(1 << 20)
    assert in_use() - before >= 4 << 20
    stats = plait.memory_stats()
    assert stats["peak_allocated_bytes"] >= stats["allocated_bytes"]
    del x
    assert in_use() == before
    plait.reset_peak_memory_stats()
    assert plait.memory_stats()["peak_allocated_bytes"] == in_use()


def test_blocks_are_used_again() -> None:
    plait.empty_cache()
    for _ in range(3):
        plait.empty(1 << 20)
    hits = plait.memory_stats()["cache_hits"]
    for _ in range(10):
        plait.empty(1 << 20)
    assert plait.memory_stats()["cache_hits"] >= hits + 10
    assert plait.memory_stats()["cached_bytes"] >= 4 << 20
    plait.empty_cache()
    assert plait.memory_stats()["cached_bytes"] == 0


def test_the_cache_is_bounded() -> None:
    try:
        plait.set_memory_cache_limit(8 << 20)
        blocks = [plait.empty(1 << 20) for _ in range(8)]
        del blocks
        assert plait.memory_stats()["cached_bytes"] <= 8 << 20
    finally:
        plait.set_memory_cache_limit(4 << 30)


def test_memory_is_aligned() -> None:
    for n in (1, 3, 17, 1000, 100_003):
        assert plait.empty(n).data_ptr() % 64 == 0


def test_steps_of_changing_shape_do_not_grow() -> None:
    """No cache per shape: the resident size settles."""
    rng = np.random.default_rng(0)
    w = plait.randn(32, 1, 3, 3, requires_grad=True)

    def step() -> None:
        n, size = (int(v) for v in rng.integers(1, 40, 2))
        x = plait.randn(n, 1, size + 3, size + 3)
        plait.nn.functional.conv2d(x, w).relu().softmax(1).sum((0, 2, 3)).std().backward()
        w.grad = None

    for _ in range(300):
        step()
    before_bytes, before = in_use(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(1000):
        step()
    assert in_use() == before_bytes
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < before + 64 * 1024  # KiB


@pytest.mark.parametrize("spec", [pytest.param(s, id=s.id) for s in SPECS])
def test_out_of_memory_anywhere(spec: OpSpec) -> None:
    """Every allocation of forward and backward fails once: an exception, no leak, inputs as they were."""
    sample = max(
        spec.gradient_samples() if spec.grad else list(spec.samples(spec.gen()))[:4], key=lambda s: len(s.args)
    )
    call = Call(spec, sample, spec.dtypes[0])
    given = tensors([call.args, list(call.kwargs.values())])
    forward_and_backward(spec, sample, spec.dtypes[0])
    before, state = in_use(), digest(given)
    for k in range(1, 200):
        _core._fail_allocation_after(k)
        try:
            call()
        except MemoryError:
            _core._fail_allocation_after(0)
        else:
            break
        assert digest(given) == state or spec.id == "batch_norm"
    else:
        raise AssertionError("more than 200 allocations")
    assert in_use() <= before


def test_memory_that_could_not_be_had_is_no_peak() -> None:
    plait.reset_peak_memory_stats()
    before = plait.memory_stats()["peak_allocated_bytes"]
    with pytest.raises(MemoryError):
        plait.empty(1 << 45, dtype=plait.float64)
    assert plait.memory_stats()["peak_allocated_bytes"] == before


def test_memory_that_nobody_asks_for_again_goes_back() -> None:
    """Blocks are kept for a loop that wants them again, and given back seconds after a spike."""
    plait.empty_cache()
    spike = [plait.zeros(4 << 20) for _ in range(8)]
    del spike
    gc.collect()
    kept = plait.memory_stats()["cached_bytes"]
    assert kept >= 8 * (16 << 20)
    time.sleep(11)
    del_now = plait.zeros(1 << 18)
    del del_now
    assert plait.memory_stats()["cached_bytes"] < kept // 4
