# SPDX-License-Identifier: MIT
"""autograd.Function: what forward may take and return."""

from __future__ import annotations

from typing import Any

import pytest

import plait


class Mixed(plait.autograd.Function):
    """Results of every kind: tensors, what is none, and None."""

    seen: Any = None

    @staticmethod
    def forward(ctx: Any, x: plait.Tensor, other: Any = None, *, kind: type = tuple) -> Any:
        return kind((None, x * 2, other, x * 3))

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        Mixed.seen = gradients
        return gradients[1] * 2 + gradients[3] * 3, None


@pytest.mark.parametrize("other", [None, 3, 1.5, "text", True, (1, 2), {"k": 1}, object()])
def test_results_that_are_no_tensors_have_their_place(other: Any) -> None:
    x = plait.ones(2, requires_grad=True)
    none, a, same, b = Mixed.apply(x, other)
    assert none is None and same is other
    (a + 10 * b).sum().backward()
    assert x.grad.tolist() == [32.0, 32.0]
    assert len(Mixed.seen) == 4 and Mixed.seen[0] is None and Mixed.seen[2] is None


def test_function_takes_keywords() -> None:
    x = plait.ones(2, requires_grad=True)
    Mixed.apply(x=x, other=1)[1].sum().backward()
    assert x.grad.tolist() == [2.0, 2.0]
    Mixed.apply(x)[1].sum().backward()
    results = Mixed.apply(x, kind=list)
    assert type(results) is list
    with pytest.raises(TypeError):
        Mixed.apply(x, unknown=1)


def test_list_of_results_stays_a_list() -> None:
    class Pair(plait.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: plait.Tensor) -> list[plait.Tensor]:
            return [x * 2, x * 3]

        @staticmethod
        def backward(ctx: Any, a: plait.Tensor, b: plait.Tensor) -> plait.Tensor:
            return a * 2 + b * 3

    x = plait.ones(2, requires_grad=True)
    results = Pair.apply(x)
    assert type(results) is list
    sum(results).sum().backward()
    assert x.grad.tolist() == [5.0, 5.0]


def test_result_that_is_no_tensor_alone() -> None:
    class Nothing(plait.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: plait.Tensor) -> None:
            return None

    assert Nothing.apply(plait.ones(2, requires_grad=True)) is None


class SaveAnything(plait.autograd.Function):
    @staticmethod
    def forward(ctx, x, other):
        ctx.save_for_backward(x, other)
        return x * 2

    @staticmethod
    def backward(ctx, gy):
        return gy * 2, None


def test_what_is_saved_is_checked_where_it_is_needed() -> None:
    """Without a graph nothing is kept, and so nothing is wrong."""
    assert SaveAnything.apply(plait.ones(2), "other").tolist() == [2, 2]
    x = plait.ones(2, requires_grad=True)
    with pytest.raises(TypeError, match="can only save Tensors and None, got str\nhint: set other values"):
        SaveAnything.apply(x, "other")
    SaveAnything.apply(x, None).sum().backward()
    assert x.grad.tolist() == [2, 2]
