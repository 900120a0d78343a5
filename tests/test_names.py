# SPDX-License-Identifier: MIT
"""Further names of PyTorch's: layers in the order of its lower level, orthogonal weights, modes, test helpers."""

from __future__ import annotations

import numpy as np
import pytest

import plait
from plait import nn
from plait.nn import functional as F
from plait.nn.utils import parametrizations


def close(a: plait.Tensor, b: plait.Tensor, tol: float = 1e-5) -> None:
    np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), rtol=tol, atol=tol)


def test_norms() -> None:
    x, w, b = plait.randn(4, 6, 5), plait.rand(6), plait.rand(6)
    mean, var = plait.zeros(6), plait.ones(6)
    y = plait.batch_norm(x, w, b, mean.clone(), var.clone(), True, 0.1, 1e-5, True)
    close(y, F.batch_norm(x, mean.clone(), var.clone(), w, b, True))
    close(plait.batch_norm(x, w, b, mean, var, False, 0.1, 1e-5), F.batch_norm(x, mean, var, w, b))
    close(plait.instance_norm(x, w, b, None, None, True, 0.1, 1e-5), F.instance_norm(x, weight=w, bias=b))
    y, saved_mean, scale = plait.native_batch_norm(x, w, b, None, None, True, 0.1, 1e-5)
    close(saved_mean, x.mean((0, 2)))
    close(scale, (x.var((0, 2), correction=0) + 1e-5).rsqrt())
    assert plait.native_batch_norm(x, w, b, mean, var, False, 0.1, 1e-5)[1].shape == (0,)
    y, saved_mean, scale = plait.native_layer_norm(x, (5,), None, None, 1e-5)
    close(y, F.layer_norm(x, (5,)))
    assert saved_mean.shape == scale.shape == (4, 6, 1)
    y, saved_mean, scale = plait.native_group_norm(x, w, b, 4, 6, 5, 2, 1e-5)
    close(y, F.group_norm(x, 2, w, b))
    close(saved_mean, x.reshape(4, 2, 15).mean(2))
    close(plait.norm_except_dim(x, 2, 1), x.norm(2, (0, 2), keepdim=True))


def test_convolutions_and_pools() -> None:
    x, w, b = plait.randn(2, 4, 9), plait.randn(6, 2, 3), plait.randn(6)
    close(plait.convolution(x, w, b, [2], [1], [1], False, [0], 2), F.conv1d(x, w, b, 2, 1, 1, 2))
    v = plait.randn(4, 3, 3)
    close(plait.convolution(x, v, None, [2], [1], [1], True, [1], 1), F.conv_transpose1d(x, v, None, 2, 1, 1))
    t = plait.randn(7, 2, 4)
    close(plait.conv_tbc(t, plait.ones(3, 4, 5), plait.zeros(5), 1)[1], t[:3].sum((0, 2)).unsqueeze(1).expand(2, 5))
    values, places = plait.max_pool1d_with_indices(x, 3)
    assert values.shape == places.shape == (2, 4, 3)
    image, grid = plait.randn(1, 2, 4, 4), plait.rand(1, 3, 3, 2)
    close(plait.grid_sampler(image, grid, 0, 1, False), F.grid_sample(image, grid, "bilinear", "border", False))
    close(plait.grid_sampler_2d(image, grid, 1, 0, True), F.grid_sample(image, grid, "nearest", "zeros", True))
    theta = plait.randn(1, 2, 3)
    close(plait.affine_grid_generator(theta, (1, 1, 2, 2), False), F.affine_grid(theta, (1, 1, 2, 2), False))
    close(plait.native_channel_shuffle(image, 2), F.channel_shuffle(image, 2))
    with pytest.raises(ValueError, match="convolution"):
        plait.convolution(x, plait.ones(2, 2), None, [1], [0], [1], False, [0], 1)


def test_lookups() -> None:
    table = plait.randn(5, 3)
    close(plait.embedding(table, plait.tensor([1, 4])), table[[1, 4]])
    large = plait.ones(4, 3) * 10
    assert plait.embedding_renorm_(large, plait.tensor([1, 1, 2]), 1.0, 2.0) is large
    np.testing.assert_allclose(large.norm(2, 1).numpy(), [300**0.5, 1, 1, 300**0.5], rtol=1e-5)


def test_cells() -> None:
    x, h, c = plait.randn(2, 3), plait.randn(2, 4), plait.randn(2, 4)
    for cell, f in (
        (nn.GRUCell(3, 4), plait.gru_cell),
        (nn.RNNCell(3, 4), plait.rnn_tanh_cell),
        (nn.RNNCell(3, 4, nonlinearity="relu"), plait.rnn_relu_cell),
    ):
        close(f(x, h, cell.weight_ih, cell.weight_hh, cell.bias_ih, cell.bias_hh), cell(x, h))
    cell = nn.LSTMCell(3, 4)
    for a, b in zip(plait.lstm_cell(x, (h, c), *cell.parameters()), cell(x, (h, c))):
        close(a, b)


@pytest.mark.parametrize("shape", [(4, 4), (5, 3), (3, 5)])
@pytest.mark.parametrize("kind", [None, "matrix_exp", "cayley", "householder"])
@pytest.mark.parametrize("trivial", [True, False])
def test_orthogonal(shape: tuple[int, int], kind: str | None, trivial: bool) -> None:
    layer = nn.Linear(*shape)
    parametrizations.orthogonal(layer, "weight", kind, use_trivialization=trivial)
    k = min(shape)

    def check() -> None:
        w = layer.weight if layer.weight.shape[0] >= layer.weight.shape[1] else layer.weight.T
        close(w.T @ w, plait.eye(k), 1e-4)

    check()
    layer(plait.randn(2, shape[0])).sum().backward()
    plait.optim.SGD(layer.parameters(), 0.1).step()
    check()
    if trivial or kind == "householder":
        tall = plait.linalg.qr(plait.randn(max(shape), k))[0]
        wanted = tall if shape[1] >= shape[0] else tall.T
        layer.weight = wanted
        close(layer.weight, wanted, 1e-4)


def test_orthogonal_refuses() -> None:
    with pytest.raises(ValueError, match="map"):
        parametrizations.orthogonal(nn.Linear(2, 2), orthogonal_map="qr")
    with pytest.raises(ValueError, match="2 dimensions"):
        parametrizations.orthogonal(nn.Linear(2, 2), "bias")


def test_losses_and_norms_of_other_names() -> None:
    x, w, b = plait.randn(3, 4), plait.randn(5, 4), plait.randn(5)
    target = plait.tensor([0, 4, 2])
    close(F.linear_cross_entropy(x, w, target, linear_bias=b), F.cross_entropy(F.linear(x, w, b), target))
    several = plait.randn(5, 2, 4)
    expected = F.cross_entropy(plait.einsum("ni,cdi->ncd", x, several), plait.ones(3, 2, dtype=plait.int64))
    close(F.linear_cross_entropy(x, several, plait.ones(3, 2, dtype=plait.int64)), expected)
    loss = nn.LinearCrossEntropyLoss(4, 5, bias=True, label_smoothing=0.1)
    close(loss(x, target), F.cross_entropy(loss.linear(x), target, label_smoothing=0.1))
    image = plait.randn(2, 6, 3, 3)
    close(nn.CrossMapLRN2d(3, 0.1)(image), F.local_response_norm(image, 3, 0.1))


def test_modes() -> None:
    plait.set_deterministic_debug_mode("warn")
    assert plait.get_deterministic_debug_mode() == 1 and plait.is_deterministic_algorithms_warn_only_enabled()
    plait.set_deterministic_debug_mode(0)
    assert plait.get_deterministic_debug_mode() == 0 and not plait.are_deterministic_algorithms_enabled()
    with pytest.raises(ValueError, match="debug_mode"):
        plait.set_deterministic_debug_mode("all")
    with plait.autograd.detect_anomaly(check_nan=False):
        assert plait.is_anomaly_enabled() and not plait.is_anomaly_check_nan_enabled()
    assert not plait.is_anomaly_enabled()
    plait.set_anomaly_enabled(True)
    assert plait.is_anomaly_enabled() and plait.is_anomaly_check_nan_enabled()
    plait.set_anomaly_enabled(False)
    plait.set_warn_always(True)
    assert plait.is_warn_always_enabled()
    plait.set_warn_always(False)
    plait.set_default_tensor_type(plait.DoubleTensor)
    assert plait.get_default_dtype() == plait.float64
    plait.set_default_tensor_type("plait.FloatTensor")


def test_methods() -> None:
    x = plait.zeros(2)
    assert x.set_(plait.ones(3)) is x and x.tolist() == [1, 1, 1] and x.set_().shape == (0,)
    with pytest.raises(RuntimeError, match="set_"):
        plait.ones(1, requires_grad=True).set_(x)
    assert plait.zeros(2, 3, 4).permute(2, 0, 1).dim_order() == (1, 2, 0)
    rows = plait.tensor([[3.0, 4.0]])
    close(rows.clone().renorm_(2, 0, 1.0), plait.renorm(rows, 2, 0, 1.0))
    close(plait.ones(1).arctan2_(plait.ones(1)), plait.atan2(plait.ones(1), plait.ones(1)))


def test_tensors_for_tests() -> None:
    for dtype in (plait.float16, plait.float64, plait.int8, plait.uint8, plait.bool):
        x = plait.testing.make_tensor((4, 5), dtype=dtype)
        assert x.shape == (4, 5) and x.dtype == dtype
    x = plait.testing.make_tensor(50, dtype=plait.int64, low=0, high=2, exclude_zero=True)
    assert x.tolist() == [1] * 50
    x = plait.testing.make_tensor(3, 4, dtype=plait.float32, noncontiguous=True, requires_grad=True)
    assert not x.is_contiguous() and x.requires_grad
    with pytest.raises(ValueError, match="low < high"):
        plait.testing.make_tensor(2, dtype=plait.float32, low=3, high=2)
    plait.testing.assert_allclose(plait.ones(2), [1, 1])
    with pytest.raises(AssertionError):
        plait.testing.assert_allclose(plait.ones(2), [1, 2])
