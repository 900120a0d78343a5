# SPDX-License-Identifier: MIT
"""Pointwise ops of one tensor."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from scipy import special

from .spec import ALL, FLOATS, INTS, LENGTHS, NUMBERS, SIGNED, SPECIAL, Gen, OpSpec, Sample, bad, case


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x)) if np.iscomplexobj(x) else special.expit(x)


def unary_samples(g: Gen) -> Iterable[Sample]:
    yield case(g())
    for n in LENGTHS:
        yield case(g(n))
    yield case(g(3, 5))
    yield case(g(2, 3, 4))
    yield case(g(5, 1, 7))
    yield case(g(2, 0, 3))
    yield case(np.broadcast_to(g(5, 1), (5, 9)))
    yield case(SPECIAL, label="special")
    yield case(np.tile(SPECIAL, 5)[:61], label="special")  # the same values in other lanes


def unary_large(g: Gen) -> Iterable[Sample]:
    yield case(g(300_007))
    yield case(g(601, 499).T)


def unary(name: str, ref: Callable, **options: Any) -> OpSpec:
    defaults: dict[str, Any] = {"samples": unary_samples, "large": unary_large, "variants": "fmio", "pointwise": True}
    return OpSpec(name, ref, **(defaults | options))


def to_float(name: str, ref: Callable, **options: Any) -> OpSpec:
    """Ops whose result is a float also for integers and bool."""
    return unary(name, ref, **({"dtypes": ALL, "out": "float", "int_ref_float": True} | options))


def round_half_even(x: np.ndarray, decimals: int = 0) -> np.ndarray:
    return np.rint(x * 10.0**decimals) / 10.0**decimals if decimals else np.rint(x)


def clamp(x: np.ndarray, min: Any = None, max: Any = None) -> np.ndarray:
    # A NaN stays; where min > max the result is max.
    result = x
    if min is not None:
        result = np.where(np.isnan(result), result, np.maximum(result, min))
    if max is not None:
        result = np.where(np.isnan(result), result, np.minimum(result, max))
    return result


def clamp_samples(g: Gen) -> Iterable[Sample]:
    for sample in unary_samples(g):
        yield case(*sample.args, min=-1, max=2, label=sample.label)
    yield case(g(17), min=0)
    yield case(g(17), max=1)
    yield case(g(17), 2, 1)
    yield case(g(4, 17), g(17), g(4, 1))
    yield case(g(4, 17), min=g(17))


def sinc(x: np.ndarray) -> np.ndarray:
    return np.where(x == 0, 1.0, np.sin(np.pi * x) / np.where(x == 0, 1.0, np.pi * x))


def nan_to_num(x: np.ndarray, nan: float = 0.0, posinf: Any = None, neginf: Any = None) -> np.ndarray:
    top = 1e400 if posinf is None else posinf  # overflows to the largest value of the dtype
    return np.where(np.isnan(x), nan, np.where(x == np.inf, top, np.where(x == -np.inf, neginf, x)))


def logit(x: np.ndarray, eps: float | None = None) -> np.ndarray:
    if eps is not None:
        x = np.clip(x, eps, 1 - eps)
    return np.log(x / (1 - x))


def lgamma(x: np.ndarray) -> np.ndarray:
    return np.where(np.isinf(x), np.inf, special.gammaln(x))


def isnan(x: np.ndarray) -> np.ndarray:
    return np.isnan(x) if x.dtype.kind == "f" else np.zeros(x.shape, bool)


def isinf(x: np.ndarray) -> np.ndarray:
    return np.isinf(x) if x.dtype.kind == "f" else np.zeros(x.shape, bool)


def with_args(*args: Any, **kwargs: Any) -> Callable[[Gen], Iterable[Sample]]:
    def samples(g: Gen) -> Iterable[Sample]:
        for sample in unary_samples(g):
            yield case(*sample.args, *args, label=sample.label, **kwargs)

    return samples


def no_bool(name: str) -> Callable:
    return lambda: [bad(TypeError, name, np.array([True, False]))]


def float_only(name: str) -> Callable:
    return lambda: [bad(TypeError, f"{name}.*int64", np.array([1, 2]))]


def polygamma(n: int, x: np.ndarray) -> np.ndarray:
    # SciPy's holds for x > 0; the recurrence psi_n(x + 1) = psi_n(x) + (-1)^n n! / x^(n + 1) carries it below.
    result = np.zeros(x.shape)
    with np.errstate(all="ignore"):
        while np.any(x < 0.1):
            low = x < 0.1
            result = np.where(low, result - (-1.0) ** n * special.factorial(n) / x ** (n + 1), result)
            x = np.where(low, x + 1, x)
        return result + special.polygamma(n, x)


SPECS = [
    unary("abs", np.abs, dtypes=NUMBERS),
    unary("absolute", np.abs, dtypes=NUMBERS),
    unary("neg", np.negative, dtypes=NUMBERS, errors=no_bool("neg")),
    unary("negative", np.negative, dtypes=NUMBERS),
    unary("positive", np.positive, dtypes=NUMBERS, variants="fm"),
    unary("sign", lambda x: np.sign(np.nan_to_num(x, nan=0.0)) if x.dtype != bool else x, dtypes=ALL),
    unary("square", lambda x: x * x, dtypes=NUMBERS),
    unary("floor", lambda x: np.floor(x) if x.dtype.kind == "f" else x, dtypes=NUMBERS),
    unary("ceil", lambda x: np.ceil(x) if x.dtype.kind == "f" else x, dtypes=NUMBERS),
    unary("trunc", lambda x: np.trunc(x) if x.dtype.kind == "f" else x, dtypes=NUMBERS),
    unary("fix", lambda x: np.trunc(x) if x.dtype.kind == "f" else x, dtypes=NUMBERS),
    unary("round", lambda x: np.rint(x) if x.dtype.kind == "f" else x, dtypes=NUMBERS),
    unary("frac", lambda x: np.where(np.isinf(x), np.nan, x - np.trunc(x))),
    to_float("reciprocal", lambda x: 1 / x),
    to_float("sqrt", np.sqrt, domain=(0.1, 9.0)),
    to_float("rsqrt", lambda x: 1 / np.sqrt(x), domain=(0.1, 9.0)),
    to_float("exp", np.exp),
    to_float("exp2", np.exp2),
    to_float("expm1", np.expm1),
    to_float("log", np.log, domain=(0.1, 9.0)),
    to_float("log2", np.log2, domain=(0.1, 9.0)),
    to_float("log10", np.log10, domain=(0.1, 9.0)),
    to_float("log1p", np.log1p, domain=(-0.9, 9.0)),
    to_float("sin", np.sin),
    to_float("cos", np.cos),
    to_float("tan", np.tan, domain=(-1.4, 1.4)),
    to_float("asin", np.arcsin, domain=(-0.95, 0.95)),
    to_float("acos", np.arccos, domain=(-0.95, 0.95)),
    to_float("atan", np.arctan),
    to_float("arcsin", np.arcsin, domain=(-0.95, 0.95)),
    to_float("arccos", np.arccos, domain=(-0.95, 0.95)),
    to_float("arctan", np.arctan),
    to_float("sinh", np.sinh),
    to_float("cosh", np.cosh),
    to_float("tanh", np.tanh),
    to_float("asinh", np.arcsinh),
    to_float("acosh", np.arccosh, domain=(1.1, 9.0)),
    to_float("atanh", np.arctanh, domain=(-0.9, 0.9)),
    to_float("erf", special.erf),
    to_float("erfc", special.erfc, tol={"float64": 8}),
    to_float("erfinv", special.erfinv, domain=(-0.9, 0.9)),
    to_float("lgamma", lgamma, domain=(0.2, 6.0), tol=4, scale=1.0),
    to_float("digamma", special.digamma, domain=(0.2, 6.0), tol=8, scale=1.0),
    to_float("sigmoid", sigmoid),
    to_float("sinc", sinc, tol=8, scale=1.0),
    to_float("deg2rad", np.deg2rad, domain=(-180.0, 180.0)),
    to_float("rad2deg", np.rad2deg),
    unary("logit", logit, domain=(0.05, 0.95), tol=4, scale=1.0, dtypes=FLOATS),
    OpSpec(
        "clamp", clamp, clamp_samples, dtypes=(*FLOATS, *SIGNED), variants="fmio", pointwise=True,
        errors=lambda: [bad((ValueError, RuntimeError), "clamp", np.ones(3))],
    ),
    unary("nan_to_num", nan_to_num, samples=with_args(nan=0.5, posinf=7.0, neginf=-7.0)),
    unary("isnan", isnan, dtypes=ALL, out="bool", grad=False, variants="fm"),
    unary("isinf", isinf, dtypes=ALL, out="bool", grad=False, variants="fm"),
    unary("isfinite", lambda x: ~isnan(x) & ~isinf(x), dtypes=ALL, out="bool", grad=False, variants="fm"),
    unary("signbit", np.signbit, dtypes=("float32", "float64"), out="bool", grad=False, variants="fm"),
    unary("logical_not", np.logical_not, dtypes=ALL, out="bool", grad=False, variants="fm"),
    unary(
        "bitwise_not", np.invert, dtypes=(*INTS, "bool"), grad=False,
        errors=lambda: [bad(TypeError, "bitwise_not.*float32", np.ones(3))],
    ),
    unary("sgn", lambda x: np.sign(np.nan_to_num(x, nan=0.0)), dtypes=NUMBERS),
    to_float("arcsinh", np.arcsinh),
    to_float("arccosh", np.arccosh, domain=(1.1, 9.0)),
    to_float("arctanh", np.arctanh, domain=(-0.9, 0.9)),
    unary("isposinf", np.isposinf, dtypes=("float32", "float64"), out="bool", grad=False, variants="fmo"),
    unary("isneginf", np.isneginf, dtypes=("float32", "float64"), out="bool", grad=False, variants="fmo"),
    OpSpec("clip", clamp, clamp_samples, dtypes=(*FLOATS, *SIGNED), variants="fmio", pointwise=True),
    unary("clamp_min", clamp, samples=with_args(0.5), large=None, variants="fmio"),
    unary("clamp_max", lambda x, top: clamp(x, max=top), samples=with_args(0.5), large=None, variants="fmio"),
    OpSpec(
        "polygamma", polygamma, lambda g: [case(n, g(k)) for n in range(5) for k in (1, 17)],
        domain=(0.2, 6.0), dtypes=FLOATS, tol=16, variants="fo", grad_tol=64, pointwise=True,
        errors=lambda: [bad(ValueError, "polygamma.*-1", -1, np.ones(3))],
    ),
    OpSpec(
        "polygamma", polygamma, lambda g: [case(3, np.array([-0.5, -2.25, -30.1, -1500.3, 0.0, -1.0, 80.0, np.inf]))],
        dtypes=("float64",), tol=64, variants="f", grad=False,
    ),
]  # fmt: skip
