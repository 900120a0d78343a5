# SPDX-License-Identifier: MIT
"""Normalisation layers as functions. Running statistics are tested in test_op_edges.py."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from references import norm as rn

from .spec import Gen, OpSpec, Sample, bad, case

F = "nn.functional."
NORM: dict[str, Any] = {"variants": "f", "tol": {"float32": 16, "float64": 32, "float16": 2, "bfloat16": 2},
                        "scale": 2.0, "grad_tol": 64, "nograd": (1, 2, "running_mean", "running_var")}  # fmt: skip


def batch_samples(g: Gen) -> Iterable[Sample]:
    def positive(n: int) -> np.ndarray:
        return g(n, lo=0.5, hi=2.0)

    for shape in ((4, 3), (2, 3, 5), (3, 2, 3, 2), (2, 2, 2, 3, 2), (5, 17), (7, 1, 33), (2, 5, 7, 9)):
        c = shape[1]
        yield case(g(*shape), g(c), positive(c), g(c), g(c))
        yield case(g(*shape), None, None, g(c), g(c), training=True)
    yield case(g(4, 3), g(3), positive(3), g(3), g(3), training=True)  # what it does to them: test_op_edges.py
    yield case(g(4, 3), g(3), positive(3))
    yield case(g(6, 3), None, None, training=True)
    yield case(g(4, 3), None, None, g(3), g(3), training=True, eps=0.1)
    yield case(g(9, 4) + 30.0, None, None, training=True)  # a large mean


def batch_large(g: Gen) -> Iterable[Sample]:
    yield case(g(9, 17, 47, 43), None, None, g(17), g(17), training=True)
    yield case(g(3001, 97), None, None, g(97), g(97), training=True)
    yield case(g(9, 17, 47, 43), g(17), g(17, lo=0.5, hi=2.0), g(17), g(17))


def layer_samples(g: Gen) -> Iterable[Sample]:
    for n in (2, 5, 15, 16, 17, 33, 67, 131):
        yield case(g(3, n), (n,), g(n), g(n))
    yield case(g(2, 3, 4), (3, 4), g(3, 4), g(3, 4))
    yield case(g(2, 3, 5), (5,))
    yield case(g(2, 3, 5), [5], g(5), None, 0.1)
    yield case(g(7), (7,), g(7), g(7))
    yield case(g(0, 7), (7,), g(7), g(7))
    yield case(g(3, 9) + 30.0, (9,))


def layer_large(g: Gen) -> Iterable[Sample]:
    yield case(g(601, 499), (499,), g(499), g(499))
    yield case(g(7, 30_011), (30_011,), g(30_011), g(30_011))


def rms_samples(g: Gen) -> Iterable[Sample]:
    for n in (1, 2, 15, 16, 17, 33, 67):
        yield case(g(3, n), (n,), g(n), eps=1e-5)
    yield case(g(2, 3, 4), (3, 4), g(3, 4), eps=1e-5)
    yield case(g(2, 3, 5), (5,), None, 0.1)


def group_samples(g: Gen) -> Iterable[Sample]:
    for shape, groups in (((2, 4), 2), ((2, 6, 3), 3), ((2, 4, 3, 3), 2), ((3, 4, 2), 1), ((2, 4, 5), 4)):
        c = shape[1]
        yield case(g(*shape), groups, g(c), g(c))
    yield case(g(2, 6, 5, 7), 3, g(6), g(6), 0.1)
    yield case(g(2, 4, 5), 2)


def group_large(g: Gen) -> Iterable[Sample]:
    yield case(g(9, 24, 37, 41), 6, g(24), g(24))


def instance_samples(g: Gen) -> Iterable[Sample]:
    yield case(g(2, 3, 7))
    yield case(g(2, 3, 4, 5), weight=g(3), bias=g(3))


def local_response(x: np.ndarray, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> np.ndarray:
    squares = np.pad(x * x, [(0, 0), (size // 2, (size - 1) // 2)] + [(0, 0)] * (x.ndim - 2))
    window = sum(squares[:, i : i + x.shape[1]] for i in range(size)) / size
    return x / (k + alpha * window) ** beta


def batch_errors() -> list:
    x = np.ones((4, 3))
    return [
        bad(ValueError, r"batch_norm.*\b3\b", x, np.ones(4), np.ones(4)),
        bad(ValueError, "batch_norm.*weight", x, np.ones(3), np.ones(3), np.ones(2)),
        bad(ValueError, "batch_norm.*bias", x, np.ones(3), np.ones(3), np.ones(3), np.ones(2)),
        bad(ValueError, "batch_norm", np.ones((1, 3)), None, None, training=True),
        bad((ValueError, RuntimeError), "batch_norm", x, None, None),
    ]


def layer_errors() -> list:
    return [
        bad(ValueError, r"layer_norm.*\(2, 3\)", np.ones((2, 3)), (4,)),
        bad(ValueError, "layer_norm.*weight", np.ones((2, 3)), (3,), np.ones(4)),
        bad(ValueError, "layer_norm.*bias", np.ones((2, 3)), (3,), np.ones(3), np.ones(4)),
        bad(ValueError, "layer_norm", np.ones(3), (2, 3)),
    ]


def spec(name: str, ref: Callable, samples: Callable, **options: Any) -> OpSpec:
    return OpSpec(F + name, ref, samples, **(NORM | options))


SPECS = [
    spec("batch_norm", rn.batch_norm, batch_samples, large=batch_large, errors=batch_errors),
    spec("layer_norm", rn.layer_norm, layer_samples, large=layer_large, errors=layer_errors, nograd=()),
    spec("rms_norm", rn.rms_norm, rms_samples, nograd=()),
    spec(
        "group_norm",
        rn.group_norm,
        group_samples,
        large=group_large,
        nograd=(),
        errors=lambda: [
            bad(ValueError, r"group_norm.*\b4\b.*\b3\b|group_norm.*\b3\b.*\b4\b", np.ones((2, 4, 5)), 3),
            bad(ValueError, "group_norm", np.ones((2, 4, 5)), 0),
            bad(ValueError, "group_norm.*weight", np.ones((2, 4, 5)), 2, np.ones(3)),
        ],
    ),
    spec("instance_norm", rn.instance_norm, instance_samples, nograd=()),
    spec(
        "local_response_norm",
        local_response,
        lambda g: [case(g(2, 5, 4), 3), case(g(1, 4, 2, 3), 2, alpha=0.1)],
        nograd=(),
    ),
]
