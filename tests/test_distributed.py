# SPDX-License-Identifier: MIT
"""Programs for many processes, in a group of one."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

import plait
from plait import distributed as dist
from plait import nn


@pytest.fixture
def one() -> Iterator[None]:
    dist.init_process_group("gloo", rank=0, world_size=1, store=dist.HashStore())
    yield
    if dist.is_initialized():
        dist.destroy_process_group()


def begin_and_end(**options: Any) -> tuple[Any, ...]:
    dist.init_process_group(**options)
    try:
        x = plait.ones(2)
        dist.all_reduce(x)
        assert x.tolist() == [1, 1]
        return dist.get_rank(), dist.get_world_size(), dist.get_backend()
    finally:
        dist.destroy_process_group()


def test_ways_to_meet(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = {"backend": "gloo", "rank": 0, "world_size": 1}
    for store in (dist.HashStore(), dist.FileStore(str(tmp_path / "a"), 1), dist.TCPStore("127.0.0.1", 0, 1, True)):
        assert begin_and_end(**numbers, store=store) == (0, 1, "gloo")
    for method in ("tcp://127.0.0.1:29712", f"file://{tmp_path}/b"):
        assert begin_and_end(**numbers, init_method=method) == (0, 1, "gloo")
    with pytest.raises(ValueError, match="environment variable RANK"):
        begin_and_end(backend="gloo")
    for name, value in {"RANK": "0", "WORLD_SIZE": "1", "MASTER_ADDR": "localhost", "MASTER_PORT": "1"}.items():
        monkeypatch.setenv(name, value)
    assert begin_and_end() == (0, 1, "undefined")
    assert begin_and_end(backend="cpu:gloo", init_method="env://") == (0, 1, "cpu:gloo")
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(NotImplementedError, match="expected world_size=1, got 2"):
        begin_and_end(backend="gloo")
    assert not dist.is_initialized()


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"rank": 0, "world_size": 0}, ValueError),
        ({"rank": 3, "world_size": 1}, ValueError),
        ({"rank": 1, "world_size": 4}, NotImplementedError),
        ({}, ValueError),
        ({"backend": "nope", "rank": 0, "world_size": 1}, ValueError),
        ({"backend": "nccl", "rank": 0, "world_size": 1}, RuntimeError),
        ({"init_method": "env://", "rank": 0, "world_size": 1}, ValueError),
    ],
)
def test_groups_that_cannot_be(options: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error, match="expected"):
        dist.init_process_group(**{"backend": "gloo", "store": dist.HashStore(), **options})
    assert not dist.is_initialized()


def test_without_a_group() -> None:
    assert dist.is_available()
    assert dist.group.WORLD is None
    for ask in (dist.get_rank, dist.get_world_size, dist.get_backend, dist.barrier, dist.destroy_process_group):
        with pytest.raises(ValueError, match="has not been initialized"):
            ask()
    with pytest.raises(ValueError, match="has not been initialized"):
        dist.all_reduce(plait.ones(1))
    with pytest.raises(ValueError, match="has not been initialized"):
        plait.utils.data.DistributedSampler(range(3))


@pytest.mark.usefixtures("one")
def test_questions() -> None:
    world = dist.group.WORLD
    assert world is dist.GroupMember.WORLD
    assert (world.rank(), world.size(), world.name()) == (0, 1, "gloo")
    assert dist.get_process_group_ranks(world) == [dist.get_global_rank(world, 0)] == [dist.get_group_rank(world, 0)]
    assert dist.get_rank(dist.GroupMember.NON_GROUP_MEMBER) == -1
    with pytest.raises(ValueError, match="twice"):
        dist.init_process_group("gloo", rank=0, world_size=1, store=dist.HashStore())
    part = dist.new_group([0])
    assert (dist.get_rank(part), dist.get_backend(part)) == (0, "gloo")
    dist.barrier(part)
    dist.destroy_process_group(part)
    with pytest.raises(ValueError, match="not destroyed"):
        dist.barrier(part)
    with pytest.raises(ValueError, match=r"\[0\], got \[0, 1\]"):
        dist.new_group([0, 1])
    assert dist.new_subgroups(1)[0].size() == 1
    assert list(plait.utils.data.DistributedSampler(range(3), shuffle=False)) == [0, 1, 2]


@pytest.mark.usefixtures("one")
@pytest.mark.parametrize("dtype", [plait.float32, plait.bfloat16, plait.int64, plait.bool, plait.complex64])
def test_collectives(dtype: Any) -> None:
    x = plait.tensor([1, 0]).to(dtype)
    for op in dist.ReduceOp.SUM, dist.ReduceOp.MAX, dist.ReduceOp.PRODUCT, dist.ReduceOp.BOR:
        assert dist.all_reduce(x, op) is None
        dist.reduce(x, 0, op)
    dist.broadcast(x, 0)
    assert plait.equal(x, plait.tensor([1, 0]).to(dtype))
    for write in (
        lambda out: dist.all_gather([out], x),
        lambda out: dist.all_gather_into_tensor(out, x),
        lambda out: dist.gather(x, [out]),
        lambda out: dist.scatter(out, [x]),
        lambda out: dist.reduce_scatter(out, [x]),
        lambda out: dist.reduce_scatter_tensor(out, x),
        lambda out: dist.all_to_all([out], [x]),
        lambda out: dist.all_to_all_single(out, x, [2], [2]),
    ):
        out = plait.zeros(2, dtype=dtype)
        assert write(out) is None
        assert plait.equal(out, x)
        with pytest.raises(ValueError, match=r"expected s(hape|izes)"):
            write(plait.zeros(3, dtype=dtype))
    work = dist.all_reduce(x, async_op=True)
    assert work.wait()
    assert work.is_completed()
    assert work.result()[0] is x


@pytest.mark.usefixtures("one")
def test_wrong_calls_change_nothing() -> None:
    x, two = plait.ones(2), [plait.zeros(2), plait.zeros(2)]
    for call in (
        lambda: dist.all_gather(two, x),
        lambda: dist.gather(x, two),
        lambda: dist.gather(x),
        lambda: dist.scatter(x, two),
        lambda: dist.reduce_scatter(x, two),
        lambda: dist.broadcast(x, 1),
        lambda: dist.broadcast(x),
        lambda: dist.reduce(x, 2),
        lambda: dist.all_gather([two[0].double()], x),
        lambda: dist.send(x, 1),
        lambda: dist.recv(x, 0),
        lambda: dist.isend(x, 1),
        lambda: dist.irecv(x, 0),
        lambda: dist.all_reduce(x, group="x"),
    ):
        with pytest.raises(ValueError, match="expected"):
            call()
    for call in (lambda: dist.all_reduce([x]), lambda: dist.broadcast(3, 0)):
        with pytest.raises(TypeError, match="expected a Tensor"):
            call()
    with pytest.raises(RuntimeError, match="floating-point"):
        dist.all_reduce(plait.ones(2).long(), dist.ReduceOp.AVG)
    assert x.tolist() == [1, 1]
    assert two[0].tolist() == [0, 0]


@pytest.mark.usefixtures("one")
def test_objects_are_copied() -> None:
    value, out = {"a": [1]}, [None]
    for write in (
        lambda: dist.all_gather_object(out, value),
        lambda: dist.gather_object(value, out),
        lambda: dist.scatter_object_list(out, [value], 0),
    ):
        out[0] = None
        write()
        assert out == [value]
        assert out[0] is not value
    objects = [value, 2]
    dist.broadcast_object_list(objects, 0)
    assert objects == [value, 2]


def test_stores(tmp_path: Any) -> None:
    path = str(tmp_path / "store")
    for store in (dist.HashStore(), dist.FileStore(path), dist.TCPStore("localhost", 0, 1, True)):
        store.set("a", "1")
        assert (store.get("a"), store.add("n", 3), store.add("n", -1), store.get("n")) == (b"1", 3, 2, b"2")
        assert (store.check(["a", "n"]), store.check(["b"]), store.num_keys()) == (True, False, 2)
        assert (store.delete_key("a"), store.delete_key("a")) == (True, False)
        assert [store.compare_set("k", *pair) for pair in (("", "v"), ("v", "w"), ("x", "z"))] == [b"v", b"w", b"w"]
        with pytest.raises(dist.DistStoreError, match="expected the keys"):
            store.wait(["none"], timedelta(milliseconds=1))
        part = dist.PrefixStore("p", store)
        part.set("x", "y")
        assert store.get("p/x") == b"y"
    assert dist.FileStore(path).get("p/x") == b"y"
    with pytest.raises(dist.DistStoreError, match="first store of port 1"):
        dist.TCPStore("localhost", 1)
    store = dist.HashStore()
    threading.Timer(0.05, store.set, ("late", "x")).start()
    assert store.get("late") == b"x"


@pytest.mark.usefixtures("one")
def test_data_parallel() -> None:
    net = nn.Linear(3, 2)
    model = nn.parallel.DistributedDataParallel(net, broadcast_buffers=False, find_unused_parameters=True)
    model(plait.ones(2, 3)).sum().backward()
    assert net.weight.grad.tolist() == [[2, 2, 2]] * 2
    assert sorted(model.state_dict()) == ["module.bias", "module.weight"]
    assert model.process_group is dist.group.WORLD
    with model.no_sync():
        assert not model.require_backward_grad_sync
    assert model.require_backward_grad_sync
    with pytest.raises(RuntimeError, match="requires grad"):
        nn.parallel.DistributedDataParallel(nn.ReLU())
