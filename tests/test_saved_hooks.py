# SPDX-License-Identifier: MIT
"""Functions that see what is saved for backward, and hooks on several gradients."""

from __future__ import annotations

from typing import Any

import pytest

import plait
from plait.autograd import graph


def test_every_op_saves_through_the_hooks() -> None:
    packed: list[plait.Tensor] = []

    def pack(t: plait.Tensor) -> int:
        packed.append(t)
        return len(packed) - 1

    def unpack(place: int) -> plait.Tensor:
        return packed[place].clone()

    x = plait.randn(4, 3, requires_grad=True)
    w = plait.randn(3, 3, requires_grad=True)

    def f() -> plait.Tensor:
        return ((x @ w).tanh() * x).exp().sum()

    expected = plait.autograd.grad(f(), (x, w))
    with graph.saved_tensors_hooks(pack, unpack):
        y = f()
    assert len(packed) >= 4 and all(not t.requires_grad for t in packed)
    for a, b in zip(plait.autograd.grad(y, (x, w)), expected):
        assert plait.equal(a, b)


def test_second_derivatives_pass_the_hooks() -> None:
    x = plait.randn(5, dtype=plait.float64).requires_grad_()
    with graph.saved_tensors_hooks(lambda t: t.tolist(), lambda v: plait.tensor(v, dtype=plait.float64)):
        y = (x.sin() * x.exp()).sum()
        (g,) = plait.autograd.grad(y, x, create_graph=True)
        (h,) = plait.autograd.grad(g.sum(), x)
    assert plait.allclose(h, 2 * x.cos() * x.exp())


def test_custom_functions_save_through_the_hooks() -> None:
    class Square(plait.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: plait.Tensor) -> plait.Tensor:
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx: Any, gy: plait.Tensor) -> plait.Tensor:
            (x,) = ctx.saved_tensors
            return 2 * x * gy

    x = plait.ones(2, requires_grad=True)
    with graph.saved_tensors_hooks(lambda t: t + 1, lambda t: t):
        y = Square.apply(x)
    y.sum().backward()
    assert x.grad.tolist() == [4.0, 4.0]


def test_hooks_are_nested_and_may_be_refused() -> None:
    seen: list[str] = []
    x = plait.ones(2, requires_grad=True)
    with graph.saved_tensors_hooks(lambda t: seen.append("outer") or t, lambda t: t):
        with graph.saved_tensors_hooks(lambda t: seen.append("inner") or t, lambda t: t):
            x.exp()
        x.exp()
    x.exp()
    assert seen == ["inner", "outer"]
    same = graph.saved_tensors_hooks(lambda t: t, lambda t: t)
    with graph.disable_saved_tensors_hooks("not here"), pytest.raises(RuntimeError, match="not here"), same:
        pass
    with graph.saved_tensors_hooks(lambda t: 3, lambda t: 3):
        y = x.exp().sum()
    with pytest.raises(TypeError, match=r"unpack_hook.*int"):
        y.backward()

    def fails(t: plait.Tensor) -> None:
        raise KeyError("pack")

    with pytest.raises(KeyError), graph.saved_tensors_hooks(fails, lambda t: t):
        x.exp()
    x.exp().sum().backward()


def test_copies_survive_changes_in_place() -> None:
    x = plait.ones(3, requires_grad=True)
    a = x * 2
    with graph.save_on_cpu():
        y = (a * a).sum()
    a.detach().zero_()
    y.backward()
    assert x.grad.tolist() == [8.0] * 3


def test_hooks_on_several_gradients() -> None:
    a, b, c = (plait.ones(2, requires_grad=True) for _ in range(3))
    runs: list[Any] = []
    handle = graph.register_multi_grad_hook((a, b, c), runs.append)
    (a * b).sum().backward()
    assert [None if g is None else g.tolist() for g in runs[0]] == [[1, 1], [1, 1], None]
    (a * b * c).sum().backward()
    assert len(runs) == 2 and None not in runs[1]
    plait.autograd.grad((a * c).sum(), [a])
    assert len(runs) == 3 and runs[2][1] is None and runs[2][2] is None
    handle.remove()
    (a * b).sum().backward()
    assert len(runs) == 3
    firsts: list[Any] = []
    with graph.register_multi_grad_hook((a, b), firsts.append, mode="any"):
        (a * b).sum().backward()
    assert len(firsts) == 1 and firsts[0].shape == (2,)
    with pytest.raises(ValueError, match="at least one"):
        graph.register_multi_grad_hook((), print)
    with pytest.raises(ValueError, match="mode"):
        graph.register_multi_grad_hook((a,), print, mode="some")


def test_versions_and_edges() -> None:
    x = plait.ones(2, requires_grad=True)
    a = x * 2
    y = (a * a).sum()
    graph.increment_version(a)
    with pytest.raises(RuntimeError, match="inplace"):
        y.backward()
    edge = graph.get_gradient_edge(a)
    assert edge.node is a.grad_fn and edge.output_nr == 0
