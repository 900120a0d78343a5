# SPDX-License-Identifier: MIT
"""Checkpointed functions: all that a plain call gives, and less memory; hooks of what is saved for backward."""

from __future__ import annotations

import collections
import dataclasses
import gc
import weakref
from collections.abc import Iterator
from typing import Any

import pytest

import plait
from plait import nn
from plait.autograd import grad
from plait.autograd.graph import disable_saved_tensors_hooks, save_on_cpu, saved_tensors_hooks
from plait.nn import functional as F
from plait.utils.checkpoint import (
    CheckpointError,
    checkpoint,
    checkpoint_sequential,
    set_checkpoint_early_stop,
)

Point = collections.namedtuple("Point", ["x", "y"])


@dataclasses.dataclass
class Record:
    x: Any
    other: int


def leaf(*values: float) -> plait.Tensor:
    return plait.tensor(values, dtype=plait.float64, requires_grad=True)


def tensors_in(obj: Any) -> Iterator[plait.Tensor]:
    if isinstance(obj, plait.Tensor):
        yield obj
    elif isinstance(obj, dict):
        yield from (t for v in obj.values() for t in tensors_in(v))
    elif isinstance(obj, (list, tuple)):
        yield from (t for v in obj for t in tensors_in(v))
    elif isinstance(obj, Record):
        yield obj.x


STRUCTURES = {
    "tensor": lambda y: y,
    "dict": lambda y: {"a": y, "b": 3},
    "list": lambda y: [y, "s", None],
    "nested": lambda y: (y, ({"k": [y * 2]}, 1)),
    "named": lambda y: Point(y, 2),
    "dataclass": lambda y: Record(y, 1),
}


@pytest.mark.parametrize("name", list(STRUCTURES))
def test_results_of_any_structure(name: str) -> None:
    make = STRUCTURES[name]
    x = leaf(0.5, 2.0)
    plain, wrapped = make(x.exp().sin()), checkpoint(lambda t: make(t.exp().sin()), x)
    assert type(plain) is type(wrapped)
    for a, b in zip(tensors_in(plain), tensors_in(wrapped), strict=True):
        assert b.requires_grad
        (ga,), (gb,) = grad(a.sum(), x, retain_graph=True), grad(b.sum(), x, retain_graph=True)
        assert plait.equal(ga, gb)


def test_tensors_that_come_in_by_any_way_and_are_used_elsewhere() -> None:
    def run(call: Any) -> list[Any]:
        x, w = leaf(0.5, 2.0), leaf(3.0, 4.0)
        y = x.exp()
        outs = [
            call(lambda a, m: a * m.sin(), 1, m=y),
            call(lambda: y.cos() * w),
            call(lambda d: d["k"][0].square(), {"k": [y]}),
            call(lambda a, b: (a * b).sin(), y, w),
        ]
        (sum(o.sum() for o in outs) + y.sum()).backward()
        return [x.grad, w.grad]

    for plain, wrapped in zip(run(lambda f, *args, **options: f(*args, **options)), run(checkpoint), strict=True):
        assert plait.allclose(plain, wrapped)


@pytest.mark.parametrize("early_stop", [True, False])
def test_derivatives_of_all_orders(early_stop: bool) -> None:
    plait.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1)).double()
    x = plait.randn(5, 3, dtype=plait.float64, requires_grad=True)
    with set_checkpoint_early_stop(early_stop):
        assert plait.autograd.gradcheck(lambda t: checkpoint(net, t), (x,))
        assert plait.autograd.gradgradcheck(lambda t: checkpoint(net, t), (x,))
        (gw,) = grad(checkpoint(net, x).sum(), net[0].weight)
        assert plait.allclose(gw, grad(net(x).sum(), net[0].weight)[0])

        def penalty(call: Any) -> plait.Tensor:
            (g,) = grad(call(net, x).sum(), x, create_graph=True)
            return grad((g.norm(2, 1) - 1).square().sum(), net[0].weight)[0]

        assert plait.allclose(penalty(checkpoint), penalty(lambda f, t: f(t)))
        y = checkpoint(net, x).sum()
        first = grad(y, x, retain_graph=True)[0]
        assert plait.equal(first, grad(y, x)[0])
        with pytest.raises(RuntimeError, match="second time"):
            grad(y, x)


def test_hooks_are_called_once_with_the_whole_gradient() -> None:
    w = leaf(2.0)
    seen: list[Any] = []
    w.register_hook(lambda g: seen.append(g.tolist()))
    (checkpoint(lambda: w * 1) + 3 * w).backward()
    assert seen == [[4.0]]


def test_what_needs_no_gradient_has_none() -> None:
    net = nn.Linear(2, 2).requires_grad_(False)
    assert not checkpoint(net, plait.ones(2)).requires_grad
    a, b = checkpoint(lambda t: (t * 2, t.detach()), leaf(1.0))
    assert a.requires_grad
    assert not b.requires_grad
    with plait.no_grad():
        assert not checkpoint(lambda t: t * 2, leaf(1.0)).requires_grad


def test_random_numbers_and_their_generator() -> None:
    x = leaf(*range(50))
    for part in (lambda t: F.dropout(t.sin(), 0.5) * t, lambda t: F.dropout(t.sin(), 0.5)):
        plait.manual_seed(3)
        want = part(x)
        after = plait.rand(2)
        (g,) = grad(want.sum(), x)
        plait.manual_seed(3)
        y = checkpoint(part, x)
        assert plait.equal(after, plait.rand(2))
        state = plait.get_rng_state()
        assert plait.equal(grad(y.sum(), x)[0], g)
        assert plait.equal(state, plait.get_rng_state())


def test_autocast_in_the_second_run() -> None:
    net, x = nn.Sequential(nn.Linear(4, 4), nn.Sigmoid(), nn.Linear(4, 4)), plait.randn(3, 4, requires_grad=True)
    with plait.autocast("cpu"):
        plain, wrapped = net(x), checkpoint(net, x)
    assert wrapped.dtype == plait.bfloat16
    assert plait.equal(grad(plain.sum(), x)[0], grad(wrapped.sum(), x)[0])


def test_nested_checkpoints_compute_inputs_again() -> None:
    alive: list[Any] = []

    def inner(t: plait.Tensor) -> plait.Tensor:
        return t.sin().exp()

    def outer(t: plait.Tensor) -> plait.Tensor:
        middle = t.cos() * 2
        alive.append(weakref.ref(middle))
        return checkpoint(inner, middle).square()

    x = leaf(0.3, 1.5)
    y = checkpoint(outer, x)
    gc.collect()
    assert alive[0]() is None
    want = ((x.cos() * 2).sin().exp().square()).sum()
    assert plait.allclose(grad(y.sum(), x, create_graph=True)[0], grad(want, x)[0])
    deep = checkpoint(lambda a: checkpoint(lambda b: checkpoint(lambda c: c.sin().exp(), b.cos()), a.tan()), x)
    assert plait.allclose(grad(deep.sum(), x)[0], grad(x.tan().cos().sin().exp().sum(), x)[0])


def test_saved_tensors_are_dropped_and_go_after_backward() -> None:
    alive: list[Any] = []

    def part(t: plait.Tensor) -> plait.Tensor:
        for _ in range(3):
            t = t.exp().neg()
            alive.append(weakref.ref(t))
        return t.sum()

    x = leaf(0.1)
    y = checkpoint(part, x)
    gc.collect()
    assert [r() for r in alive] == [None] * 3
    y.backward()
    gc.collect()
    assert [r() for r in alive] == [None] * len(alive)


def test_memory_of_a_deep_stack() -> None:
    x = plait.ones(1 << 18, requires_grad=True)
    blocks = [lambda t: t.sin().cos().sin().cos() for _ in range(16)]
    peaks = []
    for call in (lambda f, t: f(t), checkpoint):
        before, t = plait.memory_stats()["allocated_bytes"], x
        for f in blocks:
            t = call(f, t)
        peaks.append(plait.memory_stats()["allocated_bytes"] - before)
        t.sum().backward()
    assert peaks[1] < 0.4 * peaks[0]


def test_functions_that_change() -> None:
    state = {"n": 0}

    def fickle(t: plait.Tensor) -> plait.Tensor:
        state["n"] += 1
        return t.exp() if state["n"] % 2 else t.exp().exp()

    with pytest.raises(CheckpointError, match="second run"), set_checkpoint_early_stop(False):
        checkpoint(fickle, leaf(1.0)).backward()
    x = leaf(1.0, 2.0)
    y = x * 1
    z = checkpoint(plait.exp, y)
    y.mul_(2)
    with pytest.raises(RuntimeError, match="inplace"):
        z.sum().backward()


def test_modules_with_state_and_sequences() -> None:
    x = plait.randn(4, 3, requires_grad=True)
    net = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3), nn.ReLU(), nn.Linear(3, 2))
    g = grad(net(x).square().sum(), x)[0]
    for parts in (1, 2, 4):
        assert plait.allclose(grad(checkpoint_sequential(net, parts, x).square().sum(), x)[0], g, atol=1e-6)
    lstm = nn.LSTM(3, 5)
    out, _ = checkpoint(lstm, x[None])
    g = grad(lstm(x[None])[0].sum(), x)[0]
    assert plait.allclose(grad(out.sum(), x)[0], g, atol=1e-6)
    with pytest.raises(ValueError, match="determinism"):
        checkpoint(plait.exp, x, determinism_check="yes")


def test_context_functions() -> None:
    seen: list[str] = []

    class Note:
        def __init__(self, name: str) -> None:
            self.name = name

        def __enter__(self) -> None:
            seen.append(self.name)

        def __exit__(self, *exc: object) -> None:
            pass

    x = leaf(1.0)
    checkpoint(plait.exp, x, context_fn=lambda: (Note("first"), Note("second"))).backward()
    assert seen == ["first", "second"]


# ---- hooks of saved tensors --------------------------------------------------------------------------------


def test_hooks_see_what_is_saved() -> None:
    x = leaf(1.0, 2.0)
    packed: list[Any] = []
    with saved_tensors_hooks(lambda t: packed.append(t) or len(packed) - 1, lambda i: packed[i]):
        y = (x * x).exp()
    assert all(not t.requires_grad for t in packed)
    assert len(packed) >= 2
    (g,) = grad(y.sum(), x, create_graph=True)
    assert plait.allclose(g, 2 * x * (x * x).exp())
    (gg,) = grad(g.sum(), x)
    assert plait.allclose(gg, (2 + 4 * x * x) * (x * x).exp())


def test_hooks_reach_functions_of_python_and_in_place_forms() -> None:
    class Cube(plait.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return x**3

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            (x,) = ctx.saved_tensors
            return 3 * x * x * g

    count = [0, 0]

    def pack(t: Any) -> Any:
        count[0] += 1
        return t

    def unpack(t: Any) -> Any:
        count[1] += 1
        return t

    x = leaf(1.0, 2.0)
    with saved_tensors_hooks(pack, unpack):
        y = Cube.apply(x)
        z = (x * 1).exp_()
    (y + z).sum().backward()
    assert plait.allclose(x.grad, 3 * x.detach().square() + x.detach().exp())
    assert count[0] >= 2
    assert count[1] >= 2


def test_hooks_nest_and_may_fail() -> None:
    x = leaf(1.0)
    calls: list[str] = []
    with saved_tensors_hooks(lambda t: calls.append("outer") or t, lambda t: t):
        x.exp()
        with saved_tensors_hooks(lambda t: calls.append("inner") or t, lambda t: t):
            x.exp()
        x.exp()
    x.exp()
    assert calls == ["outer", "inner", "outer"]

    def fail(t: Any) -> Any:
        raise KeyError("pack")

    with pytest.raises(KeyError, match="pack"), saved_tensors_hooks(fail, lambda t: t):
        x.exp()
    with saved_tensors_hooks(lambda t: t, lambda t: 3):
        y = x.exp()
    with pytest.raises(TypeError, match="unpack_hook"):
        y.backward()
    with save_on_cpu():
        y = x.exp()
    y.backward()
    with disable_saved_tensors_hooks("no"), pytest.raises(RuntimeError, match="no"):
        checkpoint(plait.exp, x)
    assert x.exp().requires_grad
