# SPDX-License-Identifier: MIT
"""Pointwise ops of two and three tensors: arithmetic, comparison, logic, selection."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from scipy import special

from .spec import ALL, FLOATS, INTS, LENGTHS, NUMBERS, SIGNED, SPECIAL, BadCall, Gen, OpSpec, Sample, bad, case


def pair_samples(
    g: Gen, *, lo: float | None = None, scalars: bool = True, mixed: bool = True, flag: bool = True
) -> Iterable[Sample]:
    """Equal shapes, broadcasts, 0-d, empty, mixed dtypes and Python scalars; `lo` bounds the second operand."""

    def second(*shape: int) -> np.ndarray:
        return g(*shape) if lo is None else g(*shape, lo=lo)

    for n in LENGTHS:
        yield case(g(n), second(n))
    yield case(g(), second())
    yield case(g(3, 17), second(17))
    yield case(g(3, 17), second(3, 1))
    yield case(g(17), second(4, 1))
    yield case(g(2, 1, 5), second(3, 1))
    yield case(g(4, 5), second())
    yield case(g(), second(4, 5))
    yield case(g(0), second(1))
    yield case(g(3, 0, 2), second(1, 2))
    yield case(np.broadcast_to(g(1, 7), (5, 7)), second(5, 7))
    if mixed:
        yield case(g(33), second(33).astype(np.float32))
        yield case(g(33), g.ints(33, lo=1, hi=9))
    if scalars:
        yield case(g(33), 2)
        yield case(g(33), 1.5)
    if scalars and flag:
        yield case(g(2, 3), True)
    first, other = (a.ravel() for a in np.meshgrid(SPECIAL, SPECIAL))
    if lo is None:
        yield case(first, other, label="special")


def positive_second(lo: float) -> Callable[[Gen], Iterable[Sample]]:
    return lambda g: pair_samples(g, lo=lo)


def no_scalars(g: Gen) -> Iterable[Sample]:
    return pair_samples(g, scalars=False)


def pair_large(g: Gen) -> Iterable[Sample]:
    yield case(g(300_007), g(300_007))
    yield case(g(601, 499), g(499))
    yield case(g(601, 1), g(499))


def broadcast_errors(name: str) -> Callable[[], Iterable[BadCall]]:
    return lambda: [
        bad(ValueError, rf"{name}.*\(3, 4\).*\(3, 5\)", np.ones((3, 4)), np.ones((3, 5))),
        bad(ValueError, rf"{name}.*\(2,\).*\(3,\)", np.ones(2), np.ones(3)),
        bad(TypeError, name, np.ones(2), "three"),
    ]


def binary(name: str, ref: Callable, **options: Any) -> OpSpec:
    defaults: dict[str, Any] = {
        "samples": pair_samples,
        "large": pair_large,
        "dtypes": NUMBERS,
        "out": "promote",
        "variants": "fmio",
        "errors": broadcast_errors(name),
        "pointwise": True,
    }
    return OpSpec(name, ref, **(defaults | options))


def alias(name: str, ref: Callable, **options: Any) -> OpSpec:
    """A second name: enough to see that it is the same op."""
    short = {"errors": None, "dtypes": ("float32", "int64"), "large": None, "samples": alias_samples}
    return binary(name, ref, **(short | options))


def compare(name: str, ref: Callable, **options: Any) -> OpSpec:
    return binary(name, ref, **({"dtypes": ALL, "out": "bool", "grad": False} | options))


def to_float(name: str, ref: Callable, **options: Any) -> OpSpec:
    return binary(name, ref, **({"out": "float", "int_ref_float": True} | options))


def scaled_add(x: Any, y: Any, alpha: float = 1) -> np.ndarray:
    return np.add(x, np.multiply(y, alpha, dtype=None) if alpha != 1 else y)


def addends(x: Any, y: Any, alpha: float = 1) -> np.ndarray:
    """What the error of x + alpha y is relative to: without fused multiply-adds alpha y is rounded first."""
    return np.abs(np.asarray(x, np.float64)) + np.abs(np.multiply(y, alpha, dtype=np.float64))


def add_samples(g: Gen) -> Iterable[Sample]:
    yield from pair_samples(g, flag=False)
    yield case(g(33), g(33), alpha=2)
    yield case(g(3, 17), g(17), alpha=3)


def div_samples(g: Gen) -> Iterable[Sample]:
    yield from pair_samples(g, lo=0.4)
    first, other = (a.ravel() for a in np.meshgrid(SPECIAL, SPECIAL))
    yield case(first, other, label="special")


def alias_samples(g: Gen) -> Iterable[Sample]:
    yield case(g(3, 17), g(17, lo=0.4))


def subtract(x: Any, y: Any, alpha: float = 1) -> np.ndarray:
    return np.subtract(x, np.multiply(y, alpha) if alpha != 1 else y)


def divide(x: Any, y: Any, rounding_mode: str | None = None) -> np.ndarray:
    if rounding_mode == "floor":
        return floor_divide(x, y)
    quotient = np.true_divide(x, y)
    return np.trunc(quotient) if rounding_mode == "trunc" else quotient


def floor_divide(x: Any, y: Any) -> np.ndarray:
    quotient = np.floor_divide(x, y)
    with np.errstate(all="ignore"):
        return np.where(np.isinf(np.true_divide(x, y)), np.true_divide(x, y), quotient)


def div_rounded(mode: str) -> Callable[[Gen], Iterable[Sample]]:
    def samples(g: Gen) -> Iterable[Sample]:
        for sample in pair_samples(g, lo=0.4):
            yield case(*sample.args, rounding_mode=mode)

    return samples


def int_power_samples(g: Gen) -> Iterable[Sample]:
    for n in LENGTHS:
        yield case(g(n), g(n, lo=0.0, hi=0.7))
    yield case(g(3, 17), g(17, lo=0.0, hi=0.7))
    for exponent in (0, 1, 2, 3):
        yield case(g(33), exponent)
    yield case(2, g(17, lo=0.0))


def float_power_samples(g: Gen) -> Iterable[Sample]:
    yield from pair_samples(g, scalars=False)
    for exponent in (0, 1, 2, 3, 0.5, -1, -2, -0.5, 2.5, 1 / 3):
        yield case(g(33), exponent)
    yield case(2, g(17))
    yield case(0.5, g(17))


def shift_samples(g: Gen) -> Iterable[Sample]:
    for n in LENGTHS:
        yield case(g(n), g(n, lo=0.0, hi=1.2))
    yield case(g(3, 17), 2)


def int_pairs(g: Gen) -> Iterable[Sample]:
    for n in LENGTHS:
        yield case(g(n), g(n))
    yield case(g(3, 17), g(17))
    yield case(g(3, 17), g())


def where_samples(g: Gen) -> Iterable[Sample]:
    for n in LENGTHS:
        yield case(g.bools(n), g(n), g(n))
    yield case(g.bools(3, 1), g(17), g(3, 17))
    yield case(g.bools(), g(5), g(5))
    yield case(g.bools(3, 17), g(17), 2)
    yield case(g.bools(3, 17), 1.5, g(3, 17))
    yield case(g.bools(13), SPECIAL, SPECIAL[::-1], label="special")


def where_large(g: Gen) -> Iterable[Sample]:
    yield case(g.bools(601, 499), g(601, 499), g(499))


def triples(g: Gen) -> Iterable[Sample]:
    for n in LENGTHS:
        yield case(g(n), g(n), g(n, lo=0.5))
    yield case(g(3, 17), g(17), g(3, 1, lo=0.5))
    yield case(g(17), g(4, 1), g(lo=0.5))


def triples_with_value(g: Gen) -> Iterable[Sample]:
    yield from triples(g)
    yield case(g(33), g(33), g(33, lo=0.5), value=2)


def triple_large(g: Gen) -> Iterable[Sample]:
    yield case(g(300_007), g(300_007), g(300_007, lo=0.5))


def lerp_samples(g: Gen) -> Iterable[Sample]:
    yield from triples(g)
    yield case(g(33), g(33), 0.25)
    yield case(g(33), g(33), 0.75)


def heaviside(x: np.ndarray, at_zero: np.ndarray) -> np.ndarray:
    return np.where(x == 0, at_zero, (x > 0).astype(x.dtype))


def logical(ref: Callable) -> Callable:
    return lambda x, y: ref(np.asarray(x) != 0, np.asarray(y) != 0)


def isclose(x: Any, y: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> np.ndarray:
    return np.isclose(x, y, rtol=rtol, atol=atol, equal_nan=equal_nan)


def isclose_samples(g: Gen) -> Iterable[Sample]:
    x = g(33)
    yield case(x, x + np.where(g.bools(33), 0.5, 0.0))
    yield case(x, x + 0.01, rtol=0.0, atol=0.5)
    first, other = (a.ravel() for a in np.meshgrid(SPECIAL, SPECIAL))
    yield case(first, other, label="special")
    yield case(first, other, equal_nan=True, label="special")


DIVISORS = positive_second(0.4)  # integers become at least 2, floats stay away from zero


def rsub_samples(g: Gen) -> Iterable[Sample]:
    yield case(g(17), g(17))
    yield case(g(3, 17), g(3, 1))
    yield case(g(17), 2)
    yield case(g(17), g(17), alpha=2)


SPECS = [
    binary("add", scale=addends, ref=scaled_add, samples=add_samples, dtypes=ALL),
    binary("sub", scale=addends, ref=subtract, samples=add_samples),
    binary("mul", np.multiply, dtypes=ALL),
    to_float("div", divide, samples=div_samples, dtypes=ALL),
    alias("subtract", subtract),
    alias("multiply", np.multiply),
    alias("divide", divide, out="float", int_ref_float=True, variants="fm"),
    alias("true_divide", np.true_divide, out="float", int_ref_float=True, variants="fm"),
    alias("arctan2", np.arctan2, out="float", int_ref_float=True, variants="fm"),
    alias("greater", np.greater, out="bool", grad=False),
    alias("greater_equal", np.greater_equal, out="bool", grad=False),
    alias("less", np.less, out="bool", grad=False),
    alias("less_equal", np.less_equal, out="bool", grad=False),
    alias("not_equal", np.not_equal, out="bool", grad=False),
    binary(
        "div",
        divide,
        samples=div_rounded("floor"),
        large=None,
        dtypes=("float32", "float64", *INTS),
        variants="fm",
        errors=None,
    ),
    binary(
        "div",
        divide,
        samples=div_rounded("trunc"),
        large=None,
        dtypes=("float32", "float64", *INTS),
        variants="fm",
        errors=None,
    ),
    binary("floor_divide", floor_divide, samples=DIVISORS, dtypes=("float32", "float64", *INTS), grad=False),
    binary("remainder", np.remainder, samples=DIVISORS, dtypes=("float32", "float64", *INTS)),
    binary("fmod", np.fmod, samples=DIVISORS, dtypes=("float32", "float64", *INTS)),
    binary("pow", np.power, samples=int_power_samples, domain=(-1.5, 1.5), dtypes=SIGNED, grad=False, large=None),
    binary("pow", np.power, samples=float_power_samples, domain=(0.3, 2.5), tol=4, dtypes=FLOATS, errors=None),
    to_float("atan2", np.arctan2, samples=no_scalars),
    binary("maximum", np.maximum, samples=no_scalars, dtypes=ALL, variants="fmo"),
    binary("minimum", np.minimum, samples=no_scalars, dtypes=ALL, variants="fmo"),
    binary("fmax", np.fmax, samples=no_scalars, dtypes=NUMBERS, variants="fmo"),
    binary("fmin", np.fmin, samples=no_scalars, dtypes=NUMBERS, variants="fmo"),
    binary("hypot", np.hypot, samples=no_scalars, dtypes=FLOATS),
    binary("copysign", np.copysign, samples=no_scalars, dtypes=("float32", "float64")),
    binary("logaddexp", np.logaddexp, samples=no_scalars, dtypes=FLOATS, scale=1.0, variants="fmo"),
    binary("logaddexp2", np.logaddexp2, samples=no_scalars, dtypes=FLOATS, scale=1.0, variants="fmo"),
    to_float(
        "xlogy",
        special.xlogy,
        samples=lambda g: pair_samples(g, lo=0.3, scalars=False),
        domain=(0.0, 4.0),
        tol={"float16": 2, "bfloat16": 2},
    ),
    binary(
        "heaviside", heaviside, samples=lambda g: pair_samples(g, scalars=False, mixed=False), dtypes=FLOATS, grad=False
    ),
    compare("eq", np.equal),
    compare("ne", np.not_equal),
    compare("lt", np.less),
    compare("le", np.less_equal),
    compare("gt", np.greater),
    compare("ge", np.greater_equal),
    compare("logical_and", logical(np.logical_and), samples=no_scalars),
    compare("logical_or", logical(np.logical_or), samples=no_scalars),
    compare("logical_xor", logical(np.logical_xor), samples=no_scalars),
    binary("bitwise_and", np.bitwise_and, samples=int_pairs, dtypes=(*INTS, "bool"), grad=False),
    binary("bitwise_or", np.bitwise_or, samples=int_pairs, dtypes=(*INTS, "bool"), grad=False),
    binary("bitwise_xor", np.bitwise_xor, samples=int_pairs, dtypes=(*INTS, "bool"), grad=False),
    binary("bitwise_left_shift", np.left_shift, samples=shift_samples, dtypes=INTS, grad=False),
    binary("bitwise_right_shift", np.right_shift, samples=shift_samples, dtypes=INTS, grad=False),
    OpSpec(
        "isclose",
        isclose,
        isclose_samples,
        out="bool",
        grad=False,
        dtypes=("float32", "float64"),
        variants="fm",
        pointwise=True,
    ),
    OpSpec(
        "where",
        np.where,
        where_samples,
        large=where_large,
        dtypes=ALL,
        out="where",
        variants="f",
        pointwise=True,
        errors=lambda: [
            bad(ValueError, r"where.*\(2,\).*\(3,\)", np.ones(2, bool), np.ones(3), np.ones(3)),
            bad(TypeError, "where.*bool", np.ones(3), np.ones(3), np.ones(3)),
        ],
    ),
    OpSpec(
        "lerp",
        lambda a, b, w: a + w * (b - a),
        lerp_samples,
        triple_large,
        out="same",
        scale=4.0,
        variants="fmio",
        pointwise=True,
    ),
    OpSpec(
        "addcmul",
        lambda a, b, c, value=1: a + value * b * c,
        triples_with_value,
        triple_large,
        scale=lambda a, b, c, value=1: abs(a) + abs(value * b * c),
        tol={"float16": 2, "bfloat16": 2},
        variants="fmio",
        pointwise=True,
    ),
    OpSpec(
        "addcdiv",
        lambda a, b, c, value=1: a + value * b / c,
        triples_with_value,
        triple_large,
        scale=lambda a, b, c, value=1: abs(a) + abs(value * b / c),
        tol={"float16": 2, "bfloat16": 2},
        variants="fmio",
        pointwise=True,
    ),
    binary(
        "rsub",
        errors=None,
        ref=lambda x, y, alpha=1: np.subtract(y, np.multiply(x, alpha)),
        samples=rsub_samples,
        variants="f",
    ),
    OpSpec(
        "float_power",
        lambda x, y: np.power(np.asarray(x) * 1.0, y),
        lambda g: [case(g(17), g(17)), case(g(3, 5), 2), case(2.0, g(7)), case(g(5), -1.5)],
        domain=(0.3, 2.5),
        dtypes=("float32", "float64", "int64"),
        out="float64",
        tol=4,
        variants="fo",
        pointwise=True,
    ),
    OpSpec(
        "ldexp",
        lambda x, y: x * np.exp2(y),
        lambda g: [case(g(17), g.ints(17, lo=-5, hi=6)), case(g(3, 5), g(5))],
        dtypes=("float32", "float64"),
        tol=4,
        variants="fmo",
        pointwise=True,
    ),
]
