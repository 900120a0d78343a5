# SPDX-License-Identifier: MIT
"""Initial values: nn.init and the defaults of the modules."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import plait
from plait import nn
from plait.nn import init


def array(t: plait.Tensor) -> np.ndarray:
    return t.detach().numpy()


@pytest.fixture(autouse=True)
def _seed() -> None:
    plait.manual_seed(0)


def test_gains() -> None:
    assert init.calculate_gain("conv2d") == 1
    assert init.calculate_gain("tanh") == pytest.approx(5 / 3)
    assert init.calculate_gain("relu") == pytest.approx(math.sqrt(2))
    assert init.calculate_gain("leaky_relu") == pytest.approx(math.sqrt(2 / (1 + 1e-4)))
    assert init.calculate_gain("leaky_relu", 2) == pytest.approx(math.sqrt(2 / 5))
    assert init.calculate_gain("selu") == 0.75
    with pytest.raises(ValueError, match="known nonlinearity"):
        init.calculate_gain("sine")
    with pytest.raises(ValueError, match="a number as negative slope"):
        init.calculate_gain("leaky_relu", True)


UNIFORM = [
    (lambda t: init.uniform_(t, -2.0, 3.0), -2.0, 3.0),
    (init.xavier_uniform_, -math.sqrt(6 / 500), math.sqrt(6 / 500)),
    (lambda t: init.xavier_uniform_(t, gain=2.0), -2 * math.sqrt(6 / 500), 2 * math.sqrt(6 / 500)),
    (init.kaiming_uniform_, -math.sqrt(6 / 200), math.sqrt(6 / 200)),
    (lambda t: init.kaiming_uniform_(t, mode="fan_out", nonlinearity="linear"), -math.sqrt(0.01), math.sqrt(0.01)),
]


@pytest.mark.parametrize("case", range(len(UNIFORM)))
def test_uniform_distributions(case: int) -> None:
    fill, low, high = UNIFORM[case]
    t = plait.empty(300, 200)
    assert fill(t) is t
    values = array(t)
    assert low <= values.min() < low + 0.01 * (high - low)
    assert high - 0.01 * (high - low) < values.max() <= high
    assert values.mean() == pytest.approx((low + high) / 2, abs=0.01 * (high - low))


NORMAL = [
    (lambda t: init.normal_(t, 1.0, 2.0), 1.0, 2.0),
    (init.xavier_normal_, 0.0, math.sqrt(2 / 500)),
    (init.kaiming_normal_, 0.0, math.sqrt(2 / 200)),
    (lambda t: init.kaiming_normal_(t, a=1.0, mode="fan_out"), 0.0, math.sqrt(1 / 300)),
]


@pytest.mark.parametrize("case", range(len(NORMAL)))
def test_normal_distributions(case: int) -> None:
    fill, mean, std = NORMAL[case]
    values = array(fill(plait.empty(300, 200)))
    assert values.mean() == pytest.approx(mean, abs=0.02 * std)
    assert values.std() == pytest.approx(std, rel=0.02)


def test_truncated_normal() -> None:
    values = array(init.trunc_normal_(plait.empty(300, 200), mean=0.5, std=2.0, a=-1.0, b=3.0))
    assert values.min() >= -1
    assert values.max() <= 3
    counts, _ = np.histogram(values, bins=4, range=(-1, 3))
    assert counts[1] > counts[0]
    with pytest.warns(UserWarning, match="more than 2 std"):
        init.trunc_normal_(plait.empty(2), mean=9.0)


def test_constants_and_patterns() -> None:
    t = plait.empty(3, 2)
    assert init.constant_(t, 4.0).tolist() == [[4.0, 4.0]] * 3
    assert init.zeros_(t).tolist() == [[0.0, 0.0]] * 3
    assert init.ones_(t).tolist() == [[1.0, 1.0]] * 3
    assert init.eye_(t).tolist() == [[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]]
    sparse = array(init.sparse_(plait.empty(10, 6), sparsity=0.25))
    assert ((sparse == 0).sum(0) == 3).all()


@pytest.mark.parametrize("shape", [(4, 6), (6, 4), (5, 5), (8, 2, 3)])
def test_orthogonal(shape: tuple[int, ...]) -> None:
    m = array(init.orthogonal_(plait.empty(*shape), gain=2.0)).reshape(shape[0], -1)
    small = m @ m.T if m.shape[0] <= m.shape[1] else m.T @ m
    np.testing.assert_allclose(small, 4 * np.eye(len(small)), atol=1e-5)


def test_dirac_passes_channels_through() -> None:
    conv = nn.Conv2d(4, 4, 3, padding=1, groups=2, bias=False)
    init.dirac_(conv.weight, groups=2)
    x = plait.randn(1, 4, 5, 5)
    np.testing.assert_allclose(array(conv(x)), array(x), atol=1e-6)


def test_gradients_stay_off() -> None:
    p = nn.Parameter(plait.empty(3, 3))
    for fill in (init.normal_, init.eye_, init.orthogonal_, init.xavier_uniform_):
        assert fill(p).requires_grad
        assert p.grad_fn is None


def test_old_names_warn() -> None:
    with pytest.warns(FutureWarning, match="xavier_uniform_"):
        init.xavier_uniform(plait.empty(2, 2))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: init.xavier_uniform_(plait.empty(3)), "at least 2 dimensions"),
        (lambda: init.kaiming_normal_(plait.empty(3, 3), mode="fan_avg"), "mode 'fan_in' or 'fan_out'"),
        (lambda: init.eye_(plait.empty(3)), "2-D"),
        (lambda: init.dirac_(plait.empty(3, 3)), "3 to 5 dimensions"),
        (lambda: init.sparse_(plait.empty(3), 0.1), "2-D"),
        (lambda: init.orthogonal_(plait.empty(3)), "at least 2 dimensions"),
    ],
)
def test_errors(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize(
    ("make", "bound"),
    [
        (lambda: nn.Linear(400, 100), 1 / 20),
        (lambda: nn.Conv2d(16, 32, 5), 1 / 20),
        (lambda: nn.Conv1d(16, 32, 25, groups=1), 1 / 20),
        (lambda: nn.ConvTranspose2d(32, 16, 5), 1 / 20),
        (lambda: nn.Bilinear(400, 10, 5), 1 / 20),
        (lambda: nn.GRU(10, 400), 1 / 20),
    ],
)
def test_default_initial_values(make: Any, bound: float) -> None:
    for name, p in make().named_parameters():
        values = np.abs(array(p))
        assert values.max() <= bound, name
        if values.size > 50:
            assert values.max() > 0.8 * bound, name


def test_embeddings_and_norms_start_as_documented() -> None:
    table = array(nn.Embedding(300, 50).weight)
    assert table.std() == pytest.approx(1.0, rel=0.05)
    for norm in (nn.BatchNorm2d(4), nn.LayerNorm(4), nn.GroupNorm(2, 4)):
        assert norm.weight.tolist() == [1.0] * 4
        assert norm.bias.tolist() == [0.0] * 4
