# SPDX-License-Identifier: MIT
"""Parametrizations, weight and spectral normalisation."""

from __future__ import annotations

import copy

import numpy as np
import pytest

import plait
from plait import nn
from plait.nn.utils import parametrizations, parametrize, remove_weight_norm, weight_norm


def array(t: plait.Tensor) -> np.ndarray:
    return t.detach().numpy()


class Double(nn.Module):
    def forward(self, x: plait.Tensor) -> plait.Tensor:
        return 2 * x

    def right_inverse(self, x: plait.Tensor) -> plait.Tensor:
        return x / 2


class Positive(nn.Module):
    def forward(self, x: plait.Tensor) -> plait.Tensor:
        return x.abs()


def test_reading_assigning_and_training_go_through_the_parametrization() -> None:
    layer = nn.Linear(2, 3)
    before = array(layer.weight).copy()
    assert parametrize.register_parametrization(layer, "weight", Double()) is layer
    assert isinstance(layer, nn.Linear)
    assert type(layer).__name__ == "ParametrizedLinear"
    assert parametrize.type_before_parametrizations(layer) is nn.Linear
    assert parametrize.is_parametrized(layer, "weight")
    assert not parametrize.is_parametrized(layer, "bias")
    np.testing.assert_allclose(array(layer.weight), before)
    np.testing.assert_allclose(array(layer.parametrizations.weight.original), before / 2)
    layer.weight = plait.ones(3, 2)
    np.testing.assert_allclose(array(layer.parametrizations.weight.original), 0.5)
    layer(plait.ones(1, 2)).sum().backward()
    np.testing.assert_allclose(array(layer.parametrizations.weight.original.grad), 2.0)
    assert list(layer.state_dict()) == ["bias", "parametrizations.weight.original"]


def test_several_parametrizations_and_removal() -> None:
    layer = nn.Linear(2, 2)
    parametrize.register_parametrization(layer, "weight", Positive())
    parametrize.register_parametrization(layer, "weight", Double())
    value = array(layer.weight)
    assert (value >= 0).all()
    with pytest.raises(RuntimeError, match="right_inverse"):
        layer.weight = plait.zeros(2, 2)
    parametrize.remove_parametrizations(layer, "weight")
    assert type(layer) is nn.Linear
    assert isinstance(layer.weight, nn.Parameter)
    np.testing.assert_array_equal(array(layer.weight), value)
    parametrize.register_parametrization(layer, "weight", Double())
    parametrize.remove_parametrizations(layer, "weight", leave_parametrized=False)
    np.testing.assert_allclose(array(layer.weight), value / 2)
    with pytest.raises(ValueError, match="to be parametrized"):
        parametrize.remove_parametrizations(layer, "weight")


def test_shapes_are_kept_unless_unsafe() -> None:
    class Shrink(nn.Module):
        def forward(self, x: plait.Tensor) -> plait.Tensor:
            return x[:1]

    layer = nn.Linear(2, 3)
    with pytest.raises(ValueError, match="to be kept"):
        parametrize.register_parametrization(layer, "weight", Shrink())
    assert type(layer) is nn.Linear
    assert isinstance(layer.weight, nn.Parameter)
    with pytest.raises(ValueError, match="found none"):
        parametrize.register_parametrization(layer, "wieght", Double())
    parametrize.register_parametrization(layer, "weight", Shrink(), unsafe=True)
    assert tuple(layer.weight.shape) == (1, 2)


def test_copies_and_transfer() -> None:
    layer = parametrize.register_parametrization(nn.Linear(2, 2), "weight", Double())
    twin = copy.deepcopy(layer)
    np.testing.assert_array_equal(array(twin.weight), array(layer.weight))
    twin.weight = plait.zeros(2, 2)
    assert array(layer.weight).any()
    other = parametrize.transfer_parametrizations_and_params(layer, nn.Linear(2, 2))
    np.testing.assert_allclose(array(other.weight), array(layer.weight))


def test_cached_computes_once() -> None:
    calls = []

    class Count(nn.Module):
        def forward(self, x: plait.Tensor) -> plait.Tensor:
            calls.append(1)
            return x

    layer = parametrize.register_parametrization(nn.Linear(2, 2), "weight", Count())
    calls.clear()
    with parametrize.cached():
        assert layer.weight is layer.weight
    assert len(calls) == 1
    layer.weight, layer.weight  # noqa: B018
    assert len(calls) == 3


@pytest.mark.parametrize("dim", [0, 1, None])
def test_weight_norm(dim: int | None) -> None:
    layer = nn.Linear(4, 3)
    before = array(layer.weight).copy()
    parametrizations.weight_norm(layer, dim=dim)
    np.testing.assert_allclose(array(layer.weight), before, rtol=1e-6)
    g = layer.parametrizations.weight.original0
    expected = np.linalg.norm(before) if dim is None else np.linalg.norm(before, axis=1 - dim, keepdims=True)
    np.testing.assert_allclose(array(g), expected, rtol=1e-6)
    with plait.no_grad():
        g.mul_(2)
    np.testing.assert_allclose(array(layer.weight), 2 * before, rtol=1e-6)


def test_old_weight_norm() -> None:
    layer = nn.Linear(4, 3)
    before = array(layer.weight).copy()
    x = plait.randn(2, 4)
    expected = array(layer(x))
    assert weight_norm(layer) is layer
    assert sorted(layer.state_dict()) == ["bias", "weight_g", "weight_v"]
    np.testing.assert_allclose(array(layer(x)), expected, rtol=1e-5)
    layer(x).sum().backward()
    assert layer.weight_g.grad is not None
    with pytest.raises(RuntimeError, match="found one"):
        weight_norm(layer)
    remove_weight_norm(layer)
    assert isinstance(layer.weight, nn.Parameter)
    np.testing.assert_allclose(array(layer.weight), before, rtol=1e-6)
    assert not layer._forward_pre_hooks
    with pytest.raises(ValueError, match="found none"):
        remove_weight_norm(layer)


def test_spectral_norm() -> None:
    plait.manual_seed(0)
    layer = parametrizations.spectral_norm(nn.Linear(6, 4, dtype=plait.float64), n_power_iterations=3)
    for _ in range(20):
        layer.weight  # noqa: B018
    assert np.linalg.norm(array(layer.weight), 2) == pytest.approx(1.0, abs=1e-4)
    layer.eval()
    np.testing.assert_array_equal(array(layer.weight), array(layer.weight))
    layer(plait.randn(2, 6, dtype=plait.float64)).sum().backward()
    assert layer.parametrizations.weight.original.grad is not None
    assert [name for name, _ in layer.named_buffers()] == [
        "parametrizations.weight.0._u",
        "parametrizations.weight.0._v",
    ]
