# SPDX-License-Identifier: MIT
"""Tensors in reference cycles: Python's collector finds them, whatever the cycle passes through."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import plait
from plait import nn


class Tag:
    """Something that can be referred to weakly."""


@pytest.fixture(autouse=True)
def no_automatic_collection() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def leaf() -> plait.Tensor:
    return plait.ones(3, requires_grad=True)


TENSORS: dict[str, Callable[[], plait.Tensor]] = {
    "plain": lambda: plait.ones(3),
    "leaf": leaf,
    "result": lambda: leaf() * 2,
    "view": lambda: leaf()[:2],
    "parameter": lambda: nn.Parameter(plait.ones(3)),
    "buffer": lambda: nn.Buffer(plait.ones(3)),
    "large": lambda: plait.ones(100_000),
}


def freed(make: Callable[[], Any]) -> bool:
    """Whether what ``make`` returns (or a Tag in it) is gone after a collection and not before."""
    reference = weakref.ref(make())
    assert reference() is not None, "there was no cycle"
    gc.collect()
    return reference() is None


@pytest.mark.parametrize("kind", TENSORS)
def test_attribute_of_itself(kind: str) -> None:
    def make() -> plait.Tensor:
        t = TENSORS[kind]()
        t.me = t
        return t

    assert freed(make)


@pytest.mark.parametrize("kind", TENSORS)
def test_attribute_of_an_owner(kind: str) -> None:
    def make() -> Tag:
        owner = Tag()
        owner.tensor = TENSORS[kind]()
        owner.tensor.owner = owner
        return owner

    assert freed(make)


@pytest.mark.parametrize("kind", TENSORS)
def test_dict_of_attributes(kind: str) -> None:
    def make() -> Tag:
        owner = Tag()
        owner.tensor = TENSORS[kind]()
        owner.tensor.__dict__["owner"] = [owner]
        return owner

    assert freed(make)


def test_parameter_that_knows_its_module() -> None:
    def make() -> nn.Module:
        m = nn.Linear(2, 2)
        m.weight.owner = m
        m(plait.ones(1, 2)).sum().backward()
        return m

    assert freed(make)


@pytest.mark.parametrize("register", ["register_hook", "register_post_accumulate_grad_hook"])
@pytest.mark.parametrize("runs", [False, True])
def test_hook_whose_closure_holds_the_module(register: str, runs: bool) -> None:
    def make() -> nn.Module:
        m = nn.Linear(2, 2)
        getattr(m.weight, register)(lambda value: None if m.training else value)
        if runs:
            m(plait.ones(1, 2)).sum().backward()
        return m

    assert freed(make)


def test_hook_of_a_result_whose_closure_holds_it() -> None:
    def make() -> Tag:
        tag = Tag()
        y = leaf() * 2
        tag.y = y
        y.register_hook(lambda g: g if tag else None)
        return tag

    assert freed(make)


@pytest.mark.parametrize("register", ["register_hook", "register_prehook"])
def test_hook_of_a_node(register: str) -> None:
    def make() -> Tag:
        tag = Tag()
        tag.y = leaf() * 2
        getattr(tag.y.grad_fn, register)(lambda *gradients: tag and None)
        return tag

    assert freed(make)


class Keep(plait.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: plait.Tensor, results: int, tag: Tag | None) -> Any:
        ys = [x * (i + 2) for i in range(results)]
        ctx.y = ys[0]
        ctx.tag = tag
        return ys[0] if results == 1 else tuple(ys)

    @staticmethod
    def backward(ctx: Any, *gradients: plait.Tensor) -> Any:
        return sum(gradients) * 2, None, None


@pytest.mark.parametrize("results", [1, 3])
@pytest.mark.parametrize("use", ["dropped", "backward", "create_graph", "error", "kept graph"])
def test_result_kept_on_the_context(results: int, use: str) -> None:
    def make() -> Tag:
        tag = Tag()
        x = leaf()
        y = Keep.apply(x, results, tag)
        y = y if results == 1 else y[0]
        if use == "backward":
            y.sum().backward()
        elif use == "create_graph":
            plait.autograd.grad(y.pow(2).sum(), x, create_graph=True)
        elif use == "kept graph":
            y.sum().backward(retain_graph=True)
        elif use == "error":
            with pytest.raises(RuntimeError):
                (y.sum() * plait.ones(3)).backward()
        return tag

    assert freed(make)


def test_context_without_a_cycle_goes_at_once() -> None:
    class Plain(plait.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: plait.Tensor, tag: Tag) -> plait.Tensor:
            ctx.tag, ctx.x = tag, x
            y = x * 2
            ctx.save_for_backward(x, y)
            return y

        @staticmethod
        def backward(ctx: Any, g: plait.Tensor) -> Any:
            return g * 2, None

    def make() -> Tag:
        tag = Tag()
        Plain.apply(leaf(), tag).sum().backward()
        return tag

    reference = weakref.ref(make())
    assert reference() is None


def test_memory_of_many_steps_is_bounded() -> None:
    gc.enable()
    references = []
    for _ in range(2000):
        tag = Tag()
        references.append(weakref.ref(tag))
        Keep.apply(leaf(), 1, tag).sum().backward()
    assert sum(r() is not None for r in references) < 1000


def test_what_is_in_use_stays() -> None:
    tag = Tag()
    reference = weakref.ref(tag)
    p = nn.Parameter(plait.ones(3))
    p.me = p
    p.register_hook(lambda g, tag=tag: g * 10)
    y = Keep.apply(p, 1, None)
    y.me = y
    del tag
    gc.collect()
    assert reference() is not None
    y.sum().backward()
    assert p.grad.tolist() == [20.0] * 3
    assert p.me is p


def test_tensor_survives_a_finalizer_that_keeps_it() -> None:
    kept = []

    class Phoenix:
        def __del__(self) -> None:
            kept.append(self.y)

    def make() -> None:
        phoenix = Phoenix()
        x = leaf()
        phoenix.y = x * 2
        phoenix.y.register_hook(lambda g: (phoenix, g * 3)[1])

    make()
    gc.collect()
    (y,) = kept
    assert y.tolist() == [2.0] * 3
    y.sum().backward()  # its graph is whole


def test_collector_lists_tensors() -> None:
    t = plait.ones(3)
    p = nn.Parameter(plait.ones(2))
    found = [o for o in gc.get_objects() if isinstance(o, plait.Tensor)]
    assert any(o is t for o in found)
    assert any(o is p for o in found)


def test_slots_of_a_subclass_take_part() -> None:
    class Slotted(plait.Tensor):
        __slots__ = ("other",)

    def make() -> plait.Tensor:
        t = plait._core._make_subclass(Slotted, plait.ones(2))
        t.other = t
        return t

    assert freed(make)


@pytest.mark.slow
def test_collection_beside_other_threads() -> None:
    """Collections run while another thread changes graphs without the GIL."""
    stop = threading.Event()
    w = plait.ones(200, 200, requires_grad=True)

    def work() -> None:
        while not stop.is_set():
            y = w * 2
            for _ in range(5):
                y = Keep.apply(y, 1, None).view(40_000).mul_(0.5).view(200, 200)
            y.sum().backward()
            w.grad = None

    threads = [threading.Thread(target=work) for _ in range(2)]
    for t in threads:
        t.start()
    for _ in range(30):
        gc.collect()
    stop.set()
    for t in threads:
        t.join()
