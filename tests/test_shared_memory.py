# SPDX-License-Identifier: MIT
"""Tensors in memory that other processes see."""

from __future__ import annotations

import gc
import multiprocessing
import os
from typing import Any

import pytest

import plait
from plait import nn


def in_child(work: Any) -> None:
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


@pytest.mark.parametrize("dtype", [plait.float32, plait.bfloat16, plait.int64, plait.bool])
def test_a_forked_process_writes_what_the_parent_sees(dtype: Any) -> None:
    t = plait.zeros(3, 4, dtype=dtype)
    assert not t.is_shared()
    assert t.share_memory_() is t
    assert t.is_shared()
    assert t[1:].is_shared()
    in_child(lambda: t[1].fill_(1))
    assert t.float().sum(1).tolist() == [0, 4, 0]
    assert not t.clone().is_shared()


def test_values_strides_and_graph_stay() -> None:
    x = plait.arange(6.0).reshape(2, 3).t()
    x.share_memory_()
    assert x.stride() == (1, 3)
    assert x.tolist() == [[0, 3], [1, 4], [2, 5]]
    p = nn.Parameter(plait.ones(2))
    p.share_memory_()
    p.square().sum().backward()
    assert p.grad.tolist() == [2, 2]
    assert plait.zeros(0).share_memory_().shape == (0,)


def test_all_that_show_the_memory_move() -> None:
    base = plait.zeros(6)
    part, storage = base[:3], base.untyped_storage()
    part.share_memory_()
    assert base.is_shared()
    assert storage.is_shared()
    assert storage == base.untyped_storage()
    assert storage.nbytes() == 24
    in_child(lambda: part[1].fill_(4))
    assert base.tolist() == [0, 4, 0, 0, 0, 0]
    net = nn.Linear(1, 1)
    for value in net.state_dict().values():
        value.share_memory_()
    assert net.weight.is_shared()
    plait.UntypedStorage(3).share_memory_()


def test_modules_learn_in_a_child() -> None:
    net = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    net[1].register_buffer("part", net[1].running_mean[1:])
    net(plait.randn(4, 2)).sum().backward()
    optimizer = plait.optim.SGD(net.parameters(), lr=0.5)
    assert net.share_memory() is net
    assert all(t.is_shared() for t in [*net.parameters(), *net.buffers(), net[0].weight.grad])
    before = net[0].weight.detach().clone()

    def learn() -> None:
        net(plait.randn(8, 2)).square().sum().backward()
        optimizer.step()
        net[1].running_mean.fill_(7)

    in_child(learn)
    assert not plait.equal(net[0].weight, before)
    assert net[1].part.tolist() == [7]


def fill(queue: Any, t: Any) -> None:
    t[0] += 5
    queue.put(plait.arange(4.0))
    queue.get()


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_tensors_sent_to_processes_share_memory(method: str) -> None:
    context = multiprocessing.get_context(method)
    t = plait.zeros(2).share_memory_()
    queue, back = context.Queue(), None
    process = context.Process(target=fill, args=(queue, t))
    process.start()
    try:
        back = queue.get(timeout=60)
        queue.put(None)
        process.join(60)
    finally:
        process.kill()
    assert t.tolist() == [5, 0]
    assert back.tolist() == [0, 1, 2, 3]
    assert back.is_shared()


def add_to_first(a: Any, b: Any, net: Any, queue: Any) -> None:
    a[0] += 5
    queue.put((float(b[0]), net.weight.is_shared()))


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_arguments_of_a_process_keep_what_they_share(method: str) -> None:
    context = multiprocessing.get_context(method)
    base, net = plait.zeros(4), nn.Linear(2, 2).share_memory()
    queue = context.Queue()
    a, b = base[:2].share_memory_(), base[:3]
    process = context.Process(target=add_to_first, args=(a, b, net, queue))
    process.start()
    try:
        assert queue.get(timeout=60) == (5, True)
    finally:
        process.kill()
        process.join()
    assert base.tolist() == [5, 0, 0, 0]


def wait_with_memory(queue: Any) -> None:
    queue.put(plait.ones(1000).share_memory_())
    queue.get()


def test_a_killed_process_leaves_no_file() -> None:
    def files() -> set[str]:
        return {name for name in os.listdir("/dev/shm") if not name.startswith("sem.")}

    before = files()
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    process = context.Process(target=wait_with_memory, args=(queue,))
    process.start()
    t = queue.get(timeout=60)
    process.kill()
    process.join()
    assert t.sum() == 1000
    assert files() == before


def test_blocks_are_given_back() -> None:
    def open_files() -> int:
        gc.collect()
        return len(os.listdir("/proc/self/fd"))

    before = open_files()
    tensors = [plait.ones(100).share_memory_() for _ in range(5)]
    assert open_files() > before
    del tensors
    assert open_files() == before


def write(number: int, t: Any) -> None:
    t[number] = number + 1


def fail(number: int) -> None:
    if number == 1:
        raise KeyError("colour")


def leave(number: int) -> None:
    os._exit(3 + number)


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_spawn(method: str) -> None:
    mp = plait.multiprocessing
    t = plait.zeros(2)
    mp.spawn(write, (t,), nprocs=2, start_method=method) if method == "spawn" else mp.start_processes(
        write, (t.share_memory_(),), nprocs=2, start_method=method
    )
    assert t.tolist() == [1, 2]
    with pytest.raises(mp.ProcessRaisedException, match="colour") as caught:
        mp.start_processes(fail, nprocs=2, start_method=method)
    assert caught.value.error_index == 1
    with pytest.raises(mp.ProcessExitedException, match="exit code 3"):
        mp.start_processes(leave, start_method=method)


def test_jit_and_modules_say_what_to_use() -> None:
    module = plait.jit.script(nn.Linear(1, 1))
    assert not hasattr(module, "save")
    with pytest.raises(AttributeError, match="state_dict"):
        module.save("x")
    module.save = 3
    assert module.save == 3
    with pytest.raises(AttributeError, match=r"plait\.load"):
        plait.jit.load("x")
