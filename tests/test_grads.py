# SPDX-License-Identifier: MIT
"""Gradients: finite differences in float64, then every other float against float64."""

from __future__ import annotations

import pytest
from op_table import SPECS
from op_table.harness import (
    check_gradients,
    check_low_precision_gradients,
    check_recorded_gradients,
    check_saved_values,
    check_second_gradients,
    check_single_gradients,
)
from op_table.spec import OpSpec

DIFFERENTIABLE = [pytest.param(s, id=s.id) for s in SPECS if s.grad]
TWICE = [pytest.param(s, id=s.id) for s in SPECS if s.grad and s.second_order()]
LOW = [
    pytest.param(s, d, id=f"{s.id}-{d}", marks=[pytest.mark.tiny] if d == "float32" else [])
    for s in SPECS
    if s.grad
    for d in s.dtypes
    if d in ("float32", "float16", "bfloat16")
]


@pytest.mark.parametrize("spec", DIFFERENTIABLE)
def test_grads(spec: OpSpec) -> None:
    for sample in spec.gradient_samples():
        check_gradients(spec, sample)


@pytest.mark.parametrize("spec", DIFFERENTIABLE)
def test_single_grads(spec: OpSpec) -> None:
    for sample in spec.gradient_samples():
        check_single_gradients(spec, sample)


@pytest.mark.parametrize("spec", DIFFERENTIABLE)
def test_saved_values(spec: OpSpec) -> None:
    for sample in spec.gradient_samples():
        check_saved_values(spec, sample)


@pytest.mark.parametrize("spec", TWICE)
def test_recorded_grads(spec: OpSpec) -> None:
    for sample in spec.gradient_samples():
        check_recorded_gradients(spec, sample)


@pytest.mark.parametrize("spec", TWICE)
def test_gradgrad(spec: OpSpec) -> None:
    for sample in spec.gradient_samples():
        check_second_gradients(spec, sample)


@pytest.mark.parametrize(("spec", "dtype"), LOW)
def test_low_precision_grads(spec: OpSpec, dtype: str) -> None:
    for sample in (spec.grad_samples or spec.samples)(spec.gen()):
        if sample.label != "special":
            check_low_precision_gradients(spec, sample, dtype)


@pytest.mark.parametrize("spec", [pytest.param(s, id=s.id) for s in SPECS if s.large and s.grad])
def test_large_grads(spec: OpSpec) -> None:
    for sample in spec.large(spec.gen("large")):
        check_low_precision_gradients(spec, sample, "float32")
