# SPDX-License-Identifier: MIT
"""Pointwise ops whose operands, destination or gradient differ in dtype."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from op_table import SPECS
from op_table.harness import relayout, same_bits, to_numpy
from op_table.spec import ALL, FLOATS, HALVES
from references.dtypes import CATEGORY

import plait
import plait.nn.functional as F

COMPARISONS = [
    *("eq_", "ne_", "lt_", "le_", "gt_", "ge_", "not_equal_", "less_", "less_equal_", "greater_", "greater_equal_"),
    *("logical_and_", "logical_or_", "logical_xor_"),
]
# In-place forms with one tensor beside self; those of three operands take more of it.
IN_PLACE = sorted(
    {
        s.name + "_"
        for s in SPECS
        if "i" in s.variants and s.family == "binary" and "." not in s.name and hasattr(plait.Tensor, s.name + "_")
    }
    | set(COMPARISONS)
)
LAYOUTS = ("contiguous", "strided", "transposed", "zero_dim", "one")


def dtype(name: str) -> plait.dtype:
    return getattr(plait, name)


def values(shape: tuple[int, ...], name: str, seed: int = 0, lo: int = 0) -> plait.Tensor:
    """Small integers, which every dtype holds."""
    array = np.random.default_rng(seed).integers(lo, 4, shape)
    return plait.from_numpy(np.asarray(array)).to(dtype(name))


def target(layout: str, name: str) -> plait.Tensor:
    shape = {"zero_dim": (), "one": (1,)}.get(layout, (5, 21))
    t = values(shape, name)
    return relayout(t, layout) if layout in ("strided", "transposed") else t


def operands(layout: str, name: str) -> list[plait.Tensor]:
    """What may stand beside a target: a tensor of its shape, one that broadcasts, a 0-d one."""
    if layout in ("zero_dim", "one"):
        return [values(() if layout == "zero_dim" else (1,), name, 1, 1)]
    return [
        values((5, 21), name, 1, 1),
        values((21, 5), name, 2, 1).t(),
        values((21,), name, 3, 1),
        values((), name, 4, 1),
    ]


def extra(op: str, x: plait.Tensor) -> tuple:
    return (x,) if op in ("lerp_", "addcmul_", "addcdiv_") else ()


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("op", IN_PLACE)
def test_in_place_is_the_result_cast(op: str, layout: str) -> None:
    """x.op_(y) of any two dtypes: the out-of-place result, cast to x's dtype; refused where that loses its kind."""
    wrote = 0
    for name in ALL:
        for other in ALL:
            for y in [*operands(layout, other), *([1, 2.0] if other == name else [])]:
                x = target(layout, name)
                args = (y, *extra(op, values(tuple(x.shape), name, 5, 1)))
                try:
                    want = getattr(x, op[:-1])(*args)
                except TypeError:  # no such kernel
                    continue
                context = f"{name} {op} {other} {layout}"
                if CATEGORY[str(want.dtype).split(".")[-1]] > CATEGORY[name]:
                    with pytest.raises((TypeError, RuntimeError)):
                        getattr(x, op)(*args)
                    continue
                wrote += 1
                assert getattr(x, op)(*args) is x, context
                assert same_bits(x, want.to(dtype(name))), f"{context}: {x}, expected {want}"
    assert wrote


@pytest.mark.tiny
@pytest.mark.parametrize("name", ALL)
def test_logical_not_in_place(name: str) -> None:
    for layout in LAYOUTS:
        x = target(layout, name)
        want = (to_numpy(x) == 0).astype(np.float64)
        x.logical_not_()
        assert np.array_equal(to_numpy(x).astype(np.float64), want), layout


@pytest.mark.tiny
@pytest.mark.parametrize("name", HALVES)
@pytest.mark.parametrize("op", COMPARISONS)
def test_comparisons_in_place_on_halves(op: str, name: str) -> None:
    """Against NumPy, not against another form of the same op."""
    ufunc = {
        **{"eq_": np.equal, "ne_": np.not_equal, "not_equal_": np.not_equal, "lt_": np.less, "less_": np.less},
        **{"le_": np.less_equal, "less_equal_": np.less_equal, "gt_": np.greater, "greater_": np.greater},
        **{"ge_": np.greater_equal, "greater_equal_": np.greater_equal, "logical_and_": np.logical_and},
        **{"logical_or_": np.logical_or, "logical_xor_": np.logical_xor},
    }[op]
    for n in (1, 2, 7, 16, 33, 131):
        x, y = values((n,), name), values((n,), name, 1)
        want = ufunc(to_numpy(x), to_numpy(y)).astype(np.float64)
        assert np.array_equal(to_numpy(getattr(x, op)(y)), want), n


@pytest.mark.parametrize("name", [d for d in ALL if d not in FLOATS])
def test_an_integer_target_takes_no_part_in_the_graph(name: str) -> None:
    x = plait.tensor([1.0, 2.0], requires_grad=True)
    for op in (*COMPARISONS, "copy_"):
        t = values((2,), name)
        want = getattr(t.clone(), op)(x.detach())
        getattr(t, op)(x)
        assert not t.requires_grad
        assert t.grad_fn is None
        assert same_bits(t, want), op


# ---------------------------------------------------------------- gradients


def differentiable() -> dict[str, tuple[Callable[..., plait.Tensor], int]]:
    """Name -> (function, number of operands): the table's pointwise ops of several, and losses made of them."""
    ops: dict[str, tuple[Callable[..., plait.Tensor], int]] = {}
    for s in SPECS:
        if s.family != "binary" or not s.grad:
            continue
        ops[s.name] = (getattr(plait, s.name), 3 if s.name in ("lerp", "addcmul", "addcdiv") else 2)
    ops["where"] = (lambda a, b: plait.where(plait.tensor([True, False, True]), a, b), 2)
    ops["clamp"] = (plait.clamp, 3)
    ops["clamp_min"] = (plait.clamp_min, 2)
    for name in (
        "mse_loss",
        "l1_loss",
        "smooth_l1_loss",
        "huber_loss",
        "kl_div",
        "poisson_nll_loss",
        "soft_margin_loss",
    ):
        ops[name] = (getattr(F, name), 2)
    ops["binary_cross_entropy_with_logits"] = (F.binary_cross_entropy_with_logits, 2)
    ops["margin_ranking_loss"] = (lambda a, b: F.margin_ranking_loss(a, b, plait.tensor([1, 0, 1]).to(plait.uint8)), 2)
    ops["weighted logits"] = (
        lambda a, b: F.binary_cross_entropy_with_logits(a, b, pos_weight=plait.tensor([2.0, 3.0, 4.0])),
        2,
    )
    ops["gaussian_nll_loss"] = (F.gaussian_nll_loss, 3)
    ops["smooth_l1_loss beta"] = (lambda a, b: F.smooth_l1_loss(a, b, beta=0.3), 2)
    return ops


OPS = differentiable()
OTHERS = ("uint8", "uint16", "uint64", "int8", "int64", "bool", "float16", "bfloat16", "float64", "number")


def mixed_operands(count: int, at: int, learn: str, other: str) -> list:
    """`count` operands: the one at `at` of dtype `learn` requires grad, the others are of dtype `other`."""
    made: list = []
    for i in range(count):
        if i == at:
            t = plait.tensor([0.75, 1.25, 2.5], dtype=dtype(learn))
            made.append(t.requires_grad_())
        elif other == "number":
            made.append(3)
        else:
            made.append(plait.tensor([1, 1, 1] if other == "bool" else [7, 2, 3], dtype=dtype(other)))
    return made


def in_float64(args: list, at: int) -> list:
    return [
        a.detach().double().requires_grad_(i == at) if isinstance(a, plait.Tensor) else a for i, a in enumerate(args)
    ]


def gradient_of(fn: Callable, args: list, at: int, create_graph: bool) -> plait.Tensor | None:
    y = fn(*args)
    weight = plait.tensor([1.0, -0.5, 2.0], dtype=y.dtype) if y.dim() else plait.ones((), dtype=y.dtype)
    (g,) = plait.autograd.grad(y, [args[at]], grad_outputs=weight, create_graph=create_graph)
    return g


PLACES = [(name, at) for name, (_, n) in OPS.items() for at in range(n) if (name, at) != ("weighted logits", 1)]
CASES = [(name, at, learn) for name, at in PLACES for learn in ("float32", "float64")]


@pytest.mark.parametrize(("name", "at", "learn"), CASES)
def test_gradient_beside_another_dtype(name: str, at: int, learn: str) -> None:
    """The gradient is that of the same values in float64, with and without create_graph; or the call fails."""
    fn, count = OPS[name]
    tried = 0
    for other in OTHERS:
        args = mixed_operands(count, at, learn, other)
        try:
            y = fn(*args)
        except (TypeError, RuntimeError, ValueError):
            continue  # refused at forward: for all dtypes of this kind
        if not y.requires_grad:
            continue
        tried += 1
        exact = in_float64(args, at)
        want = gradient_of(fn, exact, at, False)
        room = {"float16": 2e-3, "bfloat16": 2e-2}.get(
            str(y.dtype).split(".")[-1], 2e-6 if learn == "float32" else 1e-12
        )
        for create_graph in (False, True):
            g = gradient_of(fn, args, at, create_graph)
            context = f"{name} operand {at} of {learn} beside {other}, create_graph={create_graph}"
            assert g.dtype == dtype(learn), context
            assert np.allclose(to_numpy(g), to_numpy(want), rtol=room, atol=room), f"{context}: {g}, expected {want}"
    assert tried, name


@pytest.mark.parametrize(("name", "at"), PLACES)
def test_second_gradient_beside_another_dtype(name: str, at: int) -> None:
    fn, count = OPS[name]
    for other in OTHERS:
        args = mixed_operands(count, at, "float64", other)
        exact = in_float64(args, at)
        second = []
        for operands in (args, exact):
            try:
                g = gradient_of(fn, operands, at, True)
            except (TypeError, RuntimeError, ValueError):
                break
            if not g.requires_grad:
                break
            second.append(plait.autograd.grad(g.sum(), [operands[at]])[0])
        if len(second) == 2:
            assert np.allclose(to_numpy(second[0]), to_numpy(second[1]), rtol=1e-10, atol=1e-10), (
                f"{name} operand {at} beside {other}: {second[0]}, expected {second[1]}"
            )


@pytest.mark.tiny
def test_quotient_of_uint8_and_a_learnable_tensor() -> None:
    """d(a / x)/dx = -a / x^2, of which -a is no uint8."""
    a, x = plait.tensor([200], dtype=plait.uint8), plait.tensor([1.0], requires_grad=True)
    for divide in (plait.div, plait.true_divide, plait.divide):
        (g,) = plait.autograd.grad(divide(a, x).sum(), x, create_graph=True)
        assert g.item() == -200
        (second,) = plait.autograd.grad(g.sum(), x)
        assert second.item() == 400


def test_products_of_halves_do_not_overflow_in_derivatives() -> None:
    """d hypot(a, x)/dx has a^2, infinite in float16 where the op itself was computed in float32."""
    a, x = plait.tensor([300.0], dtype=plait.float16), plait.tensor([400.0], requires_grad=True)
    for op, want in ((plait.atan2, -300 / 250_000), (lambda u, v: plait.pow(v, u / u * 2), 800)):
        (g,) = plait.autograd.grad(op(a, x).sum(), x, create_graph=True)
        assert abs(g.item() / want - 1) < 1e-6


def test_table_of_cases_is_complete() -> None:
    assert len(IN_PLACE) >= 30
    assert {"div", "true_divide", "lerp", "pow", "logaddexp2", "atan2"} <= set(OPS)


@pytest.mark.parametrize("second", ["float16", "bfloat16", "float64", "int32", "bool"])
@pytest.mark.parametrize(
    ("equation", "shapes"),
    [
        ("ij,ij->ij", ((3, 4), (3, 4))),
        ("i,j->ij", ((3,), (4,))),
        ("...i,...i->...i", ((2, 3), (3,))),
        (",ij->ji", ((), (2, 3))),
        ("ijk,lkj->il", ((2, 1, 1), (3, 1, 1))),
        ("ij,jk->ik", ((2, 5), (1, 3))),
        ("i,j,k->kji", ((2,), (3,), (2,))),
    ],
)
def test_einsum_promotes_where_nothing_is_summed(
    equation: str, shapes: tuple[tuple[int, ...], ...], second: str
) -> None:
    """A sum over a size of 1, or over one operand alone, comes with no product of matrices."""
    names = ["float32", second, "int16"][: len(shapes)]
    xs = [values(shape, name, seed=i) for i, (shape, name) in enumerate(zip(shapes, names))]
    got = plait.einsum(equation, *xs)
    assert got.dtype == plait.promote_types(dtype("float32"), dtype(second))
    np.testing.assert_array_equal(got.double().numpy(), np.einsum(equation, *[x.double().numpy() for x in xs]))


@pytest.mark.parametrize("equation", ["ij,jk->ik", "ij,j->i", "ij,ij->", "ij,jk,kj->i"])
def test_einsum_sums_over_one_dtype(equation: str) -> None:
    shapes = {"ij": (2, 3), "jk": (3, 4), "j": (3,), "kj": (4, 3)}
    parts = [shapes[labels] for labels in equation.split("->")[0].split(",")]
    xs = [values(shape, name) for shape, name in zip(parts, ("float32", "int64", "float32"))]
    with pytest.raises(TypeError, match="einsum: expected tensors of one dtype"):
        plait.einsum(equation, *xs)
