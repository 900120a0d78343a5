# SPDX-License-Identifier: MIT
"""What may stand for an operand: tensors or numbers, in which range, and where a result may be written."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from op_table import SPECS
from op_table.harness import Call, tensors
from op_table.spec import OpSpec

import plait

BOTH = ["add", "sub", "subtract", "mul", "multiply", "div", "divide", "true_divide", "floor_divide", "result_type"]
EITHER = [
    "pow",
    "float_power",
    "remainder",
    "xlogy",
    "bitwise_and",
    "bitwise_or",
    "bitwise_xor",
    "bitwise_left_shift",
    "bitwise_right_shift",
    "isin",
]
SECOND = [
    "eq",
    "ne",
    "lt",
    "le",
    "gt",
    "ge",
    "not_equal",
    "less",
    "less_equal",
    "greater",
    "greater_equal",
    "fmod",
    "copysign",
    "rsub",
    "clamp_min",
    "clamp_max",
]
NEITHER = [
    "atan2",
    "arctan2",
    "hypot",
    "heaviside",
    "maximum",
    "minimum",
    "fmax",
    "fmin",
    "logaddexp",
    "logaddexp2",
    "logical_and",
    "logical_or",
    "logical_xor",
]


@pytest.mark.tiny
@pytest.mark.parametrize("name", [*BOTH, *EITHER, *SECOND, *NEITHER])
def test_which_operands_may_be_numbers(name: str) -> None:
    op, t = getattr(plait, name), plait.tensor([1, 2, 3])
    op(t, t)
    allowed = {(t, 3): name not in NEITHER, (2, t): name in BOTH or name in EITHER, (2, 3): name in BOTH}
    for args, accepted in allowed.items():
        if accepted:
            op(*args)
            continue
        with pytest.raises(TypeError, match="Tensor"):
            op(*args)


def test_operators_take_numbers_on_both_sides() -> None:
    t = plait.tensor([3, 5])
    assert (2**t).tolist() == [8, 32]
    assert (7 % t).tolist() == [1, 2]
    assert (7 // t).tolist() == [2, 1]
    assert (6 & t).tolist() == [2, 4]
    assert (1 << t).tolist() == [8, 32]
    assert t.__rpow__(2).tolist() == [8, 32]


@pytest.mark.parametrize("name", ["max", "min"])
def test_extremes_of_two_tensors_with_one_element(name: str) -> None:
    op = getattr(plait, name)
    want = {"max": [3, 5], "min": [1, 3]}[name]
    for other in (plait.tensor([3]), plait.tensor(3)):
        assert op(plait.tensor([1, 5]), other).tolist() == want
    assert op(plait.tensor([1, 5]), 0).indices.item() == (1 if name == "max" else 0)


def test_a_tensor_with_dimensions_is_no_number() -> None:
    x = plait.ones(2, 2)
    one = plait.tensor([1])
    for call in (
        lambda: x.masked_fill(x > 0, plait.tensor([2.0])),
        lambda: plait.add(x, x, alpha=one),
        lambda: plait.narrow(x, 0, plait.tensor(True), 1),
    ):
        with pytest.raises((TypeError, ValueError)):
            call()
    assert x.masked_fill(x > 0, plait.tensor(2.0)).sum().item() == 8
    assert x.sum(plait.tensor(1)).tolist() == [2, 2]


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "uint32", "int8", "int16", "int32"])
def test_clamp_between_integers(dtype: str) -> None:
    x = plait.tensor([5, 7], dtype=getattr(plait, dtype))
    wide = plait.tensor([300_000_000_000, 6])
    assert plait.clamp(x, min=wide).tolist() == [300_000_000_000, 7]
    assert plait.clamp(x, min=wide).dtype == plait.int64
    assert plait.clamp(x, max=wide[1:]).tolist() == [5, 6]
    assert plait.clamp(plait.tensor([True, False]), min=plait.tensor([2, 2])).tolist() == [2, 2]
    for call in (lambda: x.clamp(min=2**40), lambda: x.clamp(max=-(2**40)), lambda: plait.clamp_min(x, 2**40)):
        with pytest.raises(ValueError, match=f"clamp: expected bounds in the range of {dtype}"):
            call()
    before = x.clone()
    with pytest.raises(ValueError, match="range"):
        x.clamp_(min=2**40)
    assert plait.equal(x, before)


# ---------------------------------------------------------------- out=


def unary_calls() -> list:
    return [
        pytest.param(s, id=s.id)
        for s in SPECS
        if "o" in s.variants and s.pointwise and s.family in ("unary", "activation", "binary")
    ]


@pytest.mark.parametrize("spec", unary_calls())
def test_an_output_lies_across_no_input(spec: OpSpec) -> None:
    """out= may be an input itself, never a part of it moved by a few elements; nothing is written then."""
    for sample in spec.samples(spec.gen()):
        call = Call(spec, sample, spec.dtypes[0])
        result = tensors(call())
        first = call.args[0] if call.args else None
        if not isinstance(first, plait.Tensor) or first.dim() != 1 or first.numel() < 7 or len(result) != 1:
            continue
        if result[0].dtype != first.dtype or result[0].shape != first.shape:
            continue
        n = first.numel()
        memory = plait.zeros(n + 3, dtype=first.dtype)
        source = memory[:n].copy_(first)
        before = memory.clone()
        fn: Callable = lookup(spec.name)
        with pytest.raises(RuntimeError, match="single memory location"):
            fn(source, *call.args[1:], **call.kwargs, out=memory[3:])
        assert memory.tolist() == before.tolist() or memory.isnan().any()
        assert fn(source, *call.args[1:], **call.kwargs, out=source) is source
        return


def lookup(name: str) -> Callable:
    fn = plait
    for part in name.split("."):
        fn = getattr(fn, part)
    return fn  # type: ignore[return-value]


def test_an_output_is_no_item_of_a_list() -> None:
    x = plait.ones(4)
    with pytest.raises(RuntimeError, match="single memory location"):
        plait.cat([x[:2], x[2:]], out=x)
    with pytest.raises(RuntimeError, match="single memory location"):
        plait.cat([x], out=x)
    assert plait.add(x[::2], x[1::2], out=x[::2]).tolist() == [2, 2]


# ---------------------------------------------------------------- gradients at NaN


@pytest.mark.parametrize("create_graph", [False, True])
def test_gradients_at_nan(create_graph: bool) -> None:
    """Where a NaN decides, the gradient goes through: a NaN in the data is not hidden by zeros."""
    F = plait.nn.functional
    nan = float("nan")
    for fn in (F.relu, F.relu6, F.hardtanh, F.elu, F.celu, F.hardswish, F.threshold):
        x = plait.tensor([nan, 1.0], requires_grad=True)
        y = fn(x, 0.0, 0.0) if fn is F.threshold else fn(x)
        (g,) = plait.autograd.grad(y.sum(), x, create_graph=create_graph)
        assert g[0].item() == 1, fn
    for fn in (plait.maximum, plait.minimum):
        a = plait.tensor([nan, 1.0, nan, 2.0], requires_grad=True)
        b = plait.tensor([1.0, nan, nan, 2.0], requires_grad=True)
        ga, gb = plait.autograd.grad(fn(a, b).sum(), (a, b), create_graph=create_graph)
        assert ga.tolist() == gb.tolist() == [1, 1, 1, 0.5]
    for fn in (plait.max, plait.min):
        x = plait.tensor([nan, 1.0, nan], requires_grad=True)
        (g,) = plait.autograd.grad(fn(x), x, create_graph=create_graph)
        assert g.tolist() == [0.5, 0, 0.5]


@pytest.mark.parametrize("create_graph", [False, True])
def test_the_gradient_of_remainder_is_its_own_quotient(create_graph: bool) -> None:
    """a - b q with q = floor(a / b) of the exact quotient: 2 / 0.4f is below 5, though it rounds to 5."""
    a, b = plait.tensor([2.0, 7.0, -7.0]), plait.tensor([0.4, 2.0, 2.0], requires_grad=True)
    y = plait.remainder(a, b)
    (g,) = plait.autograd.grad(y.sum(), b, create_graph=create_graph)
    assert g.tolist() == [-4, -3, 4]
