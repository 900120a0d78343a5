# SPDX-License-Identifier: MIT
"""Activations, softmax and its relatives, dropout."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from scipy import special

from .spec import SPECIAL, Gen, OpSpec, Sample, bad, case
from .unary import sigmoid, unary_large, unary_samples, with_args

F = "nn.functional."


def activation(name: str, ref: Callable, **options: Any) -> OpSpec:
    defaults: dict[str, Any] = {"samples": unary_samples, "large": unary_large, "variants": "f", "pointwise": True}
    return OpSpec(name, ref, **(defaults | options))


def softplus(x: np.ndarray, beta: float = 1, threshold: float = 20) -> np.ndarray:
    return np.where(x * beta > threshold, x, np.logaddexp(0, beta * x) / beta)


def elu(x: np.ndarray, alpha: float = 1.0) -> np.ndarray:
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0))) + 0 * np.where(np.isinf(x), 0, x)


def gelu(x: np.ndarray, approximate: str = "none") -> np.ndarray:
    if approximate == "tanh":
        return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))
    return 0.5 * x * special.erfc(-x / np.sqrt(2))


def finite_samples(g: Gen) -> Iterable[Sample]:
    return (s for s in unary_samples(g) if s.label != "special")


def approximate_tanh(g: Gen) -> Iterable[Sample]:
    for s in finite_samples(g):
        yield case(*s.args, approximate="tanh")


def selu(x: np.ndarray) -> np.ndarray:
    alpha, scale = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946
    return scale * np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


# ---------------------------------------------------------------- softmax family


def softmax(x: np.ndarray, dim: int = -1, dtype: str | None = None) -> np.ndarray:
    shifted = np.exp(x - np.max(x, axis=dim, keepdims=True, initial=-np.inf)) if x.size else x
    return shifted / np.sum(shifted, axis=dim, keepdims=True) if x.size else x


def log_softmax(x: np.ndarray, dim: int = -1, dtype: str | None = None) -> np.ndarray:
    if not x.size:
        return x
    shifted = x - np.max(x, axis=dim, keepdims=True)
    return shifted - np.log(np.sum(np.exp(shifted), axis=dim, keepdims=True))


def softmax_samples(g: Gen) -> Iterable[Sample]:
    for n in (1, 2, 5, 15, 16, 17, 33, 67, 257):
        yield case(g(3, n), dim=1)
        yield case(g(n), dim=0)
    yield case(g(), dim=0)
    yield case(g(17, 3), dim=0)
    yield case(g(5, 7, 3), dim=1)
    yield case(g(5, 7, 3), dim=-3)
    yield case(g(0, 4), dim=1)
    yield case(g(4, 0), dim=0)
    yield case(100 * g(4, 19), dim=-1)
    rows = np.stack([np.where(np.isnan(SPECIAL), 1.0, SPECIAL), np.where(np.inf == SPECIAL, 0.0, SPECIAL)])
    yield case(rows, dim=1, label="special")
    yield case(np.array([[-np.inf, 1.0, -np.inf, 2.0], [0.0, -np.inf, 3.0, -np.inf]]), dim=1, label="special")
    yield case(np.full((2, 17), -np.inf), dim=1, label="special")


def softmax_large(g: Gen) -> Iterable[Sample]:
    yield case(g(601, 499), dim=1)
    yield case(g(499, 601), dim=0)
    yield case(g(31, 499, 23), dim=1)


def softmax_errors(name: str) -> Callable:
    return lambda: [
        bad(IndexError, rf"{name}.*2", np.ones((2, 3)), dim=2),
        bad(IndexError, rf"{name}.*-3", np.ones((2, 3)), dim=-3),
    ]


def glu(x: np.ndarray, dim: int = -1) -> np.ndarray:
    a, b = np.split(x, 2, axis=dim)
    return a * sigmoid(b)


def glu_samples(g: Gen) -> Iterable[Sample]:
    yield case(g(4, 34))
    yield case(g(4, 6, 3), dim=1)
    yield case(g(8), dim=0)


def normalize(x: np.ndarray, p: float = 2.0, dim: int = 1, eps: float = 1e-12) -> np.ndarray:
    norm = np.sum(np.abs(x) ** p, axis=dim, keepdims=True) ** (1 / p)
    return x / np.maximum(norm, eps)


def normalize_samples(g: Gen) -> Iterable[Sample]:
    yield case(g(3, 17))
    yield case(g(3, 5, 2), dim=-1)
    yield case(g(5, 4), p=1.0, dim=0)
    yield case(np.zeros((2, 3)), label="special")


def prelu(x: np.ndarray, weight: np.ndarray) -> np.ndarray:
    w = weight.reshape([1, -1] + [1] * (x.ndim - 2)) if weight.size > 1 else weight
    return np.where(x > 0, x, w * x)


def prelu_samples(g: Gen) -> Iterable[Sample]:
    yield case(g(3, 5), g(1))
    yield case(g(3, 5), g(5))
    yield case(g(2, 3, 4), g(3))
    yield case(g(33), g(1))


def keep(x: np.ndarray, p: float = 0.5, training: bool = True, inplace: bool = False) -> np.ndarray:
    return np.zeros_like(x) if training and p == 1 else x


def dropout_samples(g: Gen) -> Iterable[Sample]:
    """The cases without chance; the others are in test_random.py."""
    yield case(g(33), p=0.5, training=False)
    yield case(g(33), p=0.0, training=True)
    yield case(g(3, 17), p=1.0, training=True)
    yield case(g(0), p=0.5, training=False)


def image_dropout_samples(dims: int) -> Callable[[Gen], Iterable[Sample]]:
    def samples(g: Gen) -> Iterable[Sample]:
        x = g(2, 3, *range(4, 4 + dims))
        yield case(x, p=0.5, training=False)
        yield case(x, p=0.0, training=True)
        yield case(x, p=1.0, training=True)
        yield case(x[:1, :2, ..., :2], p=0.0, training=True)

    return samples


def dropout_errors(name: str) -> Callable:
    return lambda: [
        bad(ValueError, rf"{name}.*1\.5", np.ones(3), p=1.5),
        bad(ValueError, rf"{name}.*-0\.1", np.ones(3), p=-0.1),
    ]


ROUND_TWICE = {"float16": 2, "bfloat16": 2}

SPECS = [
    activation("relu", lambda x: np.where(np.isnan(x), x, np.maximum(x, 0)), variants="fmi"),
    activation(F + "relu", lambda x: np.where(np.isnan(x), x, np.maximum(x, 0))),
    activation(F + "relu6", lambda x: np.where(np.isnan(x), x, np.clip(x, 0, 6)), domain=(-4.0, 9.0)),
    activation(F + "leaky_relu", lambda x, negative_slope=0.01: np.where(x > 0, x, negative_slope * x)),
    activation(
        F + "leaky_relu",
        lambda x, negative_slope=0.01: np.where(x > 0, x, negative_slope * x),
        samples=with_args(negative_slope=0.25),
    ),
    activation(
        F + "leaky_relu",
        lambda x, negative_slope=0.01: np.where(x > 0, x, negative_slope * x),
        samples=lambda g: [case(g(33), negative_slope=s) for s in (0.0, -0.5, 2.0)],
        large=None,
    ),
    activation(F + "elu", elu),
    activation(F + "elu", elu, samples=with_args(alpha=0.5)),
    activation(
        F + "elu", elu, samples=lambda g: [case(g(33), alpha=a) for a in (0.0, -0.5)], large=None, gradgrad=False
    ),
    activation(F + "selu", selu, tol=3),
    activation(
        F + "celu",
        lambda x, alpha=1.0: np.maximum(x, 0) + np.minimum(0, alpha * np.expm1(x / alpha)),
        samples=finite_samples,
        tol=3,
    ),
    activation(F + "gelu", gelu, samples=finite_samples, tol=4, scale=lambda x: np.abs(x)),
    activation(F + "gelu", gelu, samples=approximate_tanh, tol=4, scale=lambda x, approximate=None: np.abs(x)),
    activation(F + "silu", lambda x: x * sigmoid(x), samples=finite_samples, tol=3),
    activation(F + "mish", lambda x: x * np.tanh(np.logaddexp(0, x)), samples=finite_samples, tol=4),
    activation(F + "sigmoid", sigmoid),
    activation(F + "tanh", np.tanh),
    activation(F + "softplus", softplus, tol=3),
    activation(F + "softplus", softplus, samples=with_args(beta=2.0, threshold=4.0), tol=3),
    activation(F + "softsign", lambda x: x / (1 + np.abs(x)), samples=finite_samples, tol={**ROUND_TWICE}),
    activation(F + "logsigmoid", lambda x: -np.logaddexp(0, -x), tol=3),
    activation(F + "hardtanh", lambda x: np.where(np.isnan(x), x, np.clip(x, -1, 1))),
    activation(
        F + "hardsigmoid",
        lambda x: np.clip(x + 3, 0, 6) / 6,
        domain=(-4.0, 4.0),
        samples=finite_samples,
        scale=1.0,
        gradgrad=False,
    ),
    activation(
        F + "hardswish", lambda x: x * np.clip(x + 3, 0, 6) / 6, domain=(-4.0, 4.0), samples=finite_samples, scale=1.0
    ),
    activation(F + "tanhshrink", lambda x: x - np.tanh(x), samples=finite_samples, scale=1.0),
    activation(
        F + "softshrink",
        lambda x: np.where(x > 0.5, x - 0.5, np.where(x < -0.5, x + 0.5, 0)),
        samples=finite_samples,
        scale=1.0,
    ),
    activation(F + "hardshrink", lambda x: np.where(np.abs(x) > 0.5, x, 0), samples=finite_samples),
    activation(
        F + "threshold",
        lambda x, threshold, value: np.where(x > threshold, x, value),
        samples=lambda g: (case(*s.args, 0.5, 2.0) for s in finite_samples(g)),
        large=None,
    ),
    OpSpec(F + "prelu", prelu, prelu_samples, variants="f"),
    OpSpec(
        F + "glu", glu, glu_samples, variants="f", tol=4, errors=lambda: [bad(ValueError, "glu.*5", np.ones((2, 5)))]
    ),
    OpSpec(
        "softmax",
        softmax,
        softmax_samples,
        softmax_large,
        tol=8,
        scale=0.1,
        variants="fm",
        errors=softmax_errors("softmax"),
    ),
    OpSpec(
        "log_softmax",
        log_softmax,
        softmax_samples,
        softmax_large,
        tol=8,
        scale=1.0,
        variants="fm",
        errors=softmax_errors("log_softmax"),
    ),
    OpSpec(F + "softmax", softmax, softmax_samples, tol=8, scale=0.1, variants="f"),
    OpSpec(F + "log_softmax", log_softmax, softmax_samples, tol=8, scale=1.0, variants="f"),
    OpSpec(F + "softmin", lambda x, dim: softmax(-x, dim), lambda g: [case(g(3, 17), dim=1)], tol=8, variants="f"),
    OpSpec(
        F + "normalize", normalize, normalize_samples, tol={"float32": 6, "float64": 6, **ROUND_TWICE}, variants="f"
    ),
    OpSpec(F + "dropout", keep, dropout_samples, variants="f", errors=dropout_errors("dropout")),
    OpSpec(F + "dropout1d", keep, image_dropout_samples(1), variants="f", errors=dropout_errors("dropout1d")),
    OpSpec(F + "dropout2d", keep, image_dropout_samples(2), variants="f", errors=dropout_errors("dropout2d")),
    OpSpec(F + "dropout3d", keep, image_dropout_samples(3), variants="f", errors=dropout_errors("dropout3d")),
    OpSpec(F + "alpha_dropout", keep, lambda g: [case(g(33), training=False)], variants="f"),
]
