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

import plait

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


@pytest.mark.parametrize("name", ["amax", "amin", "aminmax"])
def test_extremes_of_nan_give_nan(name: str) -> None:
    """An extreme that is NaN equals no element, so all of its elements get NaN; the others their shares."""
    x = plait.tensor([[1.0, float("nan"), 3.0], [2.0, 2.0, 5.0]], requires_grad=True)
    result = getattr(plait, name)(x, dim=1)
    for y in result if isinstance(result, tuple) else (result,):
        x.grad = None
        y.sum().backward(retain_graph=True)
        assert x.grad[0].isnan().all() and not x.grad[1].isnan().any() and x.grad[1].sum() == 1


def test_max_of_all_elements_shares_among_nans() -> None:
    x = plait.tensor([1.0, float("nan"), 3.0, float("nan")], requires_grad=True)
    x.max().backward()
    assert x.grad.tolist() == [0.0, 0.5, 0.0, 0.5]


@pytest.mark.parametrize("reduce", ["amax", "amin"])
def test_scattered_extremes_of_nan_give_nan(reduce: str) -> None:
    src = plait.tensor([1.0, float("nan"), 3.0], requires_grad=True)
    plait.zeros(2).scatter_reduce(0, plait.tensor([0, 1, 0]), src, reduce, include_self=False).sum().backward()
    assert src.grad[1].isnan() and not src.grad[[0, 2]].isnan().any()


def test_mode_counts_every_nan_as_a_value_of_its_own() -> None:
    values, indices = plait.tensor([[float("nan"), 3.0, float("nan"), 1.0], [2.0, float("nan"), 2.0, 1.0]]).mode()
    assert values.tolist() == [1.0, 2.0] and indices.tolist() == [3, 2]


def test_logcumsumexp_of_nan() -> None:
    x = plait.tensor([1.0, float("nan"), 3.0], requires_grad=True)
    x.logcumsumexp(0).sum().backward()
    assert x.grad.isnan().all()


@pytest.mark.parametrize("name", ["hardtanh", "relu6", "softshrink", "hardshrink"])
def test_activations_of_nan_have_slope_1(name: str) -> None:
    """At every place of a vector: the slope says that the data are no numbers, rather than hide it."""
    x = plait.full((33,), float("nan"), requires_grad=True)
    getattr(plait.nn.functional, name)(x).backward(plait.ones(33))
    assert (x.grad == 1).all()


def test_statistics_of_norms_take_no_gradient() -> None:
    x = plait.randn(2, 3, dtype=plait.float64, requires_grad=True)
    y, *statistics = plait.native_layer_norm(x, (3,), None, None, 1e-5)
    assert y.requires_grad and not any(s.requires_grad for s in statistics)
    y, *statistics = plait.native_batch_norm(x, None, None, None, None, True, 0.1, 1e-5)
    assert y.requires_grad and not any(s.requires_grad for s in statistics)
