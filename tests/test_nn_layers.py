# SPDX-License-Identifier: MIT
"""Values of the layers against NumPy, and their errors."""

from __future__ import annotations

import copy
import math
from typing import Any

import numpy as np
import pytest

import plait
import plait.nn.functional as F
from plait import nn

F64 = plait.float64


def randn(*shape: int) -> plait.Tensor:
    return plait.randn(*shape, dtype=F64)


def array(t: plait.Tensor) -> np.ndarray:
    return t.detach().numpy()


def assert_close(got: plait.Tensor, expected: Any, tol: float = 1e-10) -> None:
    np.testing.assert_allclose(array(got), expected, rtol=tol, atol=tol)


@pytest.fixture(autouse=True)
def _seed() -> None:
    plait.manual_seed(0)


# ---- linear ----------------------------------------------------------------------------------------------


def test_linear() -> None:
    layer = nn.Linear(3, 4, dtype=F64)
    x = randn(2, 5, 3)
    assert_close(layer(x), array(x) @ array(layer.weight).T + array(layer.bias))
    assert_close(nn.Linear(3, 4, bias=False, dtype=F64)(x * 0), np.zeros((2, 5, 4)))
    with pytest.raises(RuntimeError):
        layer(randn(2, 4))


def test_bilinear() -> None:
    layer = nn.Bilinear(3, 4, 2, dtype=F64)
    a, b = randn(5, 3), randn(5, 4)
    expected = np.einsum("ni,kij,nj->nk", array(a), array(layer.weight), array(b)) + array(layer.bias)
    assert_close(layer(a, b), expected)
    with pytest.raises(ValueError, match="bilinear: expected inputs"):
        layer(b, a)
    with pytest.raises(ValueError, match="in1_features to be an int greater than 0"):
        nn.Bilinear(0, 1, 1)


def test_identity_flatten_unflatten() -> None:
    x = randn(2, 3, 4)
    assert nn.Identity(1, a=2)(x) is x
    assert tuple(nn.Flatten()(x).shape) == (2, 12)
    assert tuple(nn.Flatten(0, 1)(x).shape) == (6, 4)
    assert tuple(nn.Unflatten(2, (2, -1))(x).shape) == (2, 3, 2, 2)
    with pytest.raises(TypeError, match="expected sizes to be ints"):
        nn.Unflatten(1, (2.0, 3))


# ---- convolution -----------------------------------------------------------------------------------------


def conv2d_reference(
    x: np.ndarray, w: np.ndarray, b: np.ndarray, stride: int, padding: int, dilation: int, groups: int
) -> np.ndarray:
    x = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    n, _, height, width = x.shape
    out_channels, per_group, kh, kw = w.shape
    oh = (height - dilation * (kh - 1) - 1) // stride + 1
    ow = (width - dilation * (kw - 1) - 1) // stride + 1
    y = np.zeros((n, out_channels, oh, ow))
    for o in range(out_channels):
        first = o // (out_channels // groups) * per_group
        for i in range(oh):
            for j in range(ow):
                rows = slice(i * stride, i * stride + dilation * (kh - 1) + 1, dilation)
                columns = slice(j * stride, j * stride + dilation * (kw - 1) + 1, dilation)
                patch = x[:, first : first + per_group, rows, columns]
                y[:, o, i, j] = (patch * w[o]).sum((1, 2, 3)) + b[o]
    return y


@pytest.mark.parametrize(("stride", "padding", "dilation", "groups"), [(1, 0, 1, 1), (2, 1, 1, 2), (1, 2, 2, 4)])
def test_conv2d(stride: int, padding: int, dilation: int, groups: int) -> None:
    layer = nn.Conv2d(4, 8, 3, stride, padding, dilation, groups, dtype=F64)
    x = randn(2, 4, 7, 6)
    expected = conv2d_reference(array(x), array(layer.weight), array(layer.bias), stride, padding, dilation, groups)
    assert_close(layer(x), expected)
    assert_close(layer(x[0]), expected[0])


def test_conv_padding_same_and_modes() -> None:
    x = randn(1, 2, 5, 6)
    same = nn.Conv2d(2, 3, 4, padding="same", dtype=F64)
    assert tuple(same(x).shape) == (1, 3, 5, 6)
    left = nn.Conv2d(2, 3, 3, padding=1, padding_mode="circular", dtype=F64)
    padded = np.pad(array(x), ((0, 0), (0, 0), (1, 1), (1, 1)), mode="wrap")
    expected = conv2d_reference(padded, array(left.weight), array(left.bias), 1, 0, 1, 1)
    assert_close(left(x), expected)
    for mode, numpy_mode in (("reflect", "reflect"), ("replicate", "edge")):
        layer = nn.Conv2d(2, 3, 3, padding=1, padding_mode=mode, dtype=F64)
        padded = np.pad(array(x), ((0, 0), (0, 0), (1, 1), (1, 1)), mode=numpy_mode)
        assert_close(layer(x), conv2d_reference(padded, array(layer.weight), array(layer.bias), 1, 0, 1, 1))
    assert tuple(nn.Conv1d(2, 3, 3, padding="valid")(plait.zeros(1, 2, 9)).shape) == (1, 3, 7)
    assert tuple(nn.Conv3d(2, 3, 2, stride=2)(plait.zeros(1, 2, 4, 5, 6)).shape) == (1, 3, 2, 2, 3)


def test_conv_transpose_is_the_gradient_of_conv() -> None:
    up = nn.ConvTranspose2d(3, 2, 3, stride=2, padding=1, bias=False, dtype=F64)
    y = randn(1, 3, 4, 5)
    got = up(y, output_size=(8, 10))
    x = plait.zeros(1, 2, 8, 10, dtype=F64, requires_grad=True)
    F.conv2d(x, up.weight.detach(), None, 2, 1).backward(y)
    assert_close(got, array(x.grad))
    assert tuple(up(y).shape) == (1, 2, 7, 9)
    with pytest.raises(ValueError, match=r"expected output_size within 7\.\.8"):
        up(y, output_size=(9, 10))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: nn.Conv2d(3, 4, 3, groups=2), "multiples of groups=2"),
        (lambda: nn.Conv2d(3, 4, 3, groups=0), "groups to be an int greater than 0"),
        (lambda: nn.Conv2d(3, 4, 3, padding="full"), "expected padding 'valid', 'same'"),
        (lambda: nn.Conv2d(3, 4, 3, stride=2, padding="same"), "stride 1 with padding='same'"),
        (lambda: nn.Conv2d(3, 4, 3, padding_mode="mirror"), "expected padding_mode"),
        (lambda: nn.ConvTranspose1d(3, 4, 3, padding_mode="reflect"), "expected padding_mode 'zeros'"),
    ],
)
def test_conv_arguments(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_lazy_modules_become_ordinary_ones() -> None:
    net = nn.Sequential(nn.LazyConv2d(4, 3), nn.LazyBatchNorm2d(), nn.Flatten(), nn.LazyLinear(2))
    assert repr(net[3].weight) == "<UninitializedParameter>"
    with pytest.raises(RuntimeError, match="no shape before the first forward"):
        net[0].weight.shape  # noqa: B018
    assert tuple(net(plait.randn(2, 3, 5, 5)).shape) == (2, 2)
    assert [type(m) for m in net] == [nn.Conv2d, nn.BatchNorm2d, nn.Flatten, nn.Linear]
    assert net[0].in_channels == 3
    assert net[3].in_features == 36
    assert not net[3]._forward_pre_hooks


def test_lazy_modules_take_the_dtype_asked_for_before_their_first_input() -> None:
    net = nn.Sequential(nn.LazyConv1d(4, 3), nn.LazyBatchNorm1d(), nn.Flatten(), nn.LazyLinear(2)).double()
    copied = copy.deepcopy(net)
    for model in (net, copied):
        assert model(plait.zeros(2, 3, 8, dtype=plait.float64)).dtype == plait.float64
        dtypes = {t.dtype for t in model.state_dict().values() if t.is_floating_point()}
        assert dtypes == {plait.float64}


def test_lazy_modules_load_a_state() -> None:
    lazy, source = nn.LazyLinear(2), nn.Linear(3, 2)
    lazy.load_state_dict(source.state_dict())
    x = plait.randn(4, 3)
    np.testing.assert_array_equal(array(lazy(x)), array(source(x)))


# ---- normalisation ---------------------------------------------------------------------------------------


def normalise(x: np.ndarray, axes: Any, eps: float = 1e-5) -> np.ndarray:
    mean = x.mean(axes, keepdims=True)
    return (x - mean) / np.sqrt(x.var(axes, keepdims=True) + eps)


@pytest.mark.parametrize(
    ("kind", "shape"), [("1d", (6, 3)), ("1d", (6, 3, 4)), ("2d", (5, 3, 4, 2)), ("3d", (2, 3, 2, 2, 2))]
)
def test_batch_norm(kind: str, shape: tuple[int, ...]) -> None:
    layer = getattr(nn, f"BatchNorm{kind}")(3, dtype=F64)
    x = randn(*shape) * 2 + 1
    axes = tuple(i for i in range(len(shape)) if i != 1)
    values = array(x)
    assert_close(layer(x), normalise(values, axes))
    count = values.size / 3
    assert_close(layer.running_mean, 0.1 * values.mean(axes))
    assert_close(layer.running_var, 0.9 + 0.1 * values.var(axes) * count / (count - 1))
    assert layer.num_batches_tracked.item() == 1
    layer.eval()
    broadcast = (1, 3, *(1,) * (len(shape) - 2))
    mean, var = array(layer.running_mean).reshape(broadcast), array(layer.running_var).reshape(broadcast)
    assert_close(layer(x), (values - mean) / np.sqrt(var + 1e-5))
    assert layer.num_batches_tracked.item() == 1


def test_batch_norm_variants() -> None:
    average = nn.BatchNorm1d(2, momentum=None, dtype=F64)
    a, b = randn(4, 2), randn(4, 2)
    average(a), average(b)
    assert_close(average.running_mean, (array(a).mean(0) + array(b).mean(0)) / 2)
    plain = nn.BatchNorm1d(2, affine=False, track_running_stats=False).eval()
    assert plain.weight is None
    assert plain.running_mean is None
    x = plait.randn(5, 2)
    np.testing.assert_allclose(array(plain(x)), normalise(array(x), 0), atol=1e-5)
    assert nn.BatchNorm2d(3, bias=False).bias is None
    with pytest.raises(ValueError, match=r"expected 4D input \(got 2D input\)"):
        nn.BatchNorm2d(3)(plait.zeros(2, 3))
    average.reset_running_stats()
    assert average.running_mean.tolist() == [0.0, 0.0]


def test_instance_norm() -> None:
    layer = nn.InstanceNorm2d(3, affine=True, track_running_stats=True, dtype=F64)
    x = randn(4, 3, 5, 6)
    values = array(x)
    assert_close(layer(x), normalise(values, (2, 3)))
    assert_close(layer.running_mean, 0.1 * values.mean((2, 3)).mean(0))
    assert_close(layer.running_var, 0.9 + 0.1 * values.var((2, 3), ddof=1).mean(0))
    assert_close(nn.InstanceNorm1d(3)(x[0, :, 0]), normalise(values[0, :, 0], 1))
    with pytest.raises(ValueError, match="more than 1 spatial element"):
        nn.InstanceNorm1d(3)(randn(2, 3, 1))
    with pytest.raises(ValueError, match="num_features"):
        layer(randn(2, 4, 5, 5))


def test_layer_group_and_rms_norm() -> None:
    x = randn(4, 6, 5)
    values = array(x)
    assert_close(nn.LayerNorm(5, dtype=F64)(x), normalise(values, -1))
    assert_close(nn.LayerNorm((6, 5), elementwise_affine=False)(x), normalise(values, (1, 2)))
    assert nn.LayerNorm(5, bias=False).bias is None
    grouped = normalise(values.reshape(4, 2, 15), -1).reshape(4, 6, 5)
    assert_close(nn.GroupNorm(2, 6, dtype=F64)(x), grouped)
    rms = values / np.sqrt((values**2).mean(-1, keepdims=True) + 1e-6)
    layer = nn.RMSNorm(5, eps=1e-6, dtype=F64)
    layer.weight.data.fill_(2.0)
    assert_close(layer(x), 2 * rms)
    with pytest.raises(ValueError, match="multiples of num_groups"):
        nn.GroupNorm(4, 6)
    with pytest.raises(ValueError, match="rms_norm: expected an input"):
        layer(randn(2, 4))


def test_local_response_norm() -> None:
    x = randn(2, 5, 3)
    values = array(x)
    padded = np.pad(values**2, ((0, 0), (1, 1), (0, 0)))
    mean = (padded[:, :-2] + padded[:, 1:-1] + padded[:, 2:]) / 3
    assert_close(nn.LocalResponseNorm(3, alpha=0.5, k=2.0)(x), values / (2 + 0.5 * mean) ** 0.75)
    with pytest.raises(ValueError, match="at least 3 dimensions"):
        nn.LocalResponseNorm(3)(randn(2, 5))


# ---- dropout ---------------------------------------------------------------------------------------------


def test_dropout() -> None:
    x = plait.ones(200, 50)
    y = array(nn.Dropout(0.25)(x))
    assert set(np.unique(y)) <= {0.0, np.float32(1 / 0.75)}
    assert abs((y == 0).mean() - 0.25) < 0.02
    assert nn.Dropout(0.25).eval()(x) is x or (array(nn.Dropout(0.25).eval()(x)) == 1).all()
    assert (array(nn.Dropout(1.0)(x)) == 0).all()
    with pytest.raises(ValueError, match="between 0 and 1"):
        nn.Dropout(1.5)


@pytest.mark.parametrize(
    ("layer", "shape", "channels"),
    [
        (nn.Dropout1d(0.5), (8, 16, 5), 2),
        (nn.Dropout1d(0.5), (128, 5), 1),
        (nn.Dropout2d(0.5), (8, 16, 3, 4), 2),
        (nn.Dropout3d(0.5), (8, 16, 2, 3, 2), 2),
        (nn.Dropout3d(0.5), (128, 2, 3, 2), 1),
    ],
)
def test_channels_are_dropped_as_a_whole(layer: nn.Module, shape: tuple[int, ...], channels: int) -> None:
    y = array(layer(plait.ones(*shape))).reshape(*shape[:channels], -1)
    assert ((y == 0).all(-1) | (y == 2).all(-1)).all()
    dropped = (y == 0).all(-1).mean()
    assert 0.25 < dropped < 0.75


def test_dropout2d_of_a_matrix_drops_elements() -> None:
    with pytest.warns(UserWarning, match="dropout2d"):
        y = array(nn.Dropout2d(0.5)(plait.ones(64, 64)))
    assert set(np.unique(y)) == {0.0, 2.0}
    assert 0.4 < (y == 0).mean() < 0.6
    assert (y == 0).any(0).all()


def test_alpha_dropout_keeps_mean_and_variance() -> None:
    y = array(nn.AlphaDropout(0.3)(plait.randn(400, 400)))
    assert abs(y.mean()) < 0.02
    assert abs(y.std() - 1) < 0.02
    z = array(nn.FeatureAlphaDropout(0.3)(plait.ones(50, 40, 6)))
    assert (np.ptp(z, axis=-1) == 0).all()


# ---- embedding -------------------------------------------------------------------------------------------


def test_embedding() -> None:
    table = nn.Embedding(6, 3, padding_idx=-1, dtype=F64)
    assert table.padding_idx == 5
    assert table.weight[5].tolist() == [0.0, 0.0, 0.0]
    index = plait.tensor([[1, 5], [1, 0]])
    y = table(index)
    assert_close(y, array(table.weight)[array(index)])
    y.sum().backward()
    np.testing.assert_array_equal(array(table.weight.grad)[:, 0], [1, 2, 0, 0, 0, 0])
    with pytest.raises(IndexError):
        table(plait.tensor([6]))
    with pytest.raises(ValueError, match="padding_idx"):
        nn.Embedding(6, 3, padding_idx=6)


def test_embedding_max_norm_rescales_used_rows() -> None:
    values = np.array([[3.0, 4.0], [0.3, 0.4], [6.0, 8.0]])
    table = nn.Embedding.from_pretrained(plait.from_numpy(values.copy()), max_norm=1.0)
    assert not table.weight.requires_grad
    assert_close(table(plait.tensor([0, 1, 0])), [[0.6, 0.8], [0.3, 0.4], [0.6, 0.8]], tol=1e-6)
    assert_close(table.weight[2], [6.0, 8.0])


@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
def test_embedding_bag(mode: str) -> None:
    bag = nn.EmbeddingBag(7, 3, mode=mode, dtype=F64)
    index, offsets = [1, 2, 6, 2, 2, 4], [0, 3, 3]
    rows = array(bag.weight)
    reduce = {"sum": np.sum, "mean": np.mean, "max": np.max}[mode]
    expected = [reduce(rows[[1, 2, 6]], 0), np.zeros(3), reduce(rows[[2, 2, 4]], 0)]
    assert_close(bag(plait.tensor(index), plait.tensor(offsets)), expected)
    assert_close(bag(plait.tensor([index[:3], index[3:]])), [expected[0], expected[2]])
    bag(plait.tensor(index), plait.tensor(offsets)).sum().backward()
    total = array(bag.weight.grad).sum()
    assert total == pytest.approx({"sum": 18.0, "mean": 6.0, "max": 6.0}[mode])
    with pytest.raises(ValueError, match="rise from 0"):
        bag(plait.tensor(index), plait.tensor([1, 2]))


# ---- pooling ---------------------------------------------------------------------------------------------


def test_pooling_modules() -> None:
    x = randn(2, 3, 6, 8)
    blocks = array(x).reshape(2, 3, 3, 2, 4, 2)
    assert_close(nn.MaxPool2d(2)(x), blocks.max((3, 5)))
    assert_close(nn.AvgPool2d(2)(x), blocks.mean((3, 5)))
    assert_close(nn.LPPool2d(2, 2)(x), np.sqrt((blocks**2).sum((3, 5))))
    assert_close(nn.AdaptiveAvgPool2d((3, 4))(x), blocks.mean((3, 5)))
    assert_close(nn.AdaptiveAvgPool2d(1)(x), array(x).mean((2, 3), keepdims=True))
    assert_close(nn.AdaptiveMaxPool2d((3, 4))(x), blocks.max((3, 5)))
    assert tuple(nn.AdaptiveAvgPool2d((None, 2))(x).shape) == (2, 3, 6, 2)
    assert_close(nn.MaxPool1d(2)(x[:, :, 0]), array(x)[:, :, 0].reshape(2, 3, 4, 2).max(-1))
    assert_close(nn.AvgPool1d(2)(x[:, :, 0]), array(x)[:, :, 0].reshape(2, 3, 4, 2).mean(-1))


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_unpooling_puts_maxima_back(dims: int) -> None:
    x = randn(2, 3, *(4,) * dims)
    pool = getattr(nn, f"MaxPool{dims}d")(2, return_indices=True)
    unpool = getattr(nn, f"MaxUnpool{dims}d")(2)
    values, indices = pool(x)
    back = array(unpool(values, indices))
    kept = back != 0
    assert kept.sum() == values.numel()
    np.testing.assert_array_equal(back[kept], array(x)[kept])
    with pytest.raises(ValueError, match="one shape"):
        unpool(values, indices[:1])


def test_fractional_pooling() -> None:
    x = randn(2, 3, 9, 10)
    values, indices = nn.FractionalMaxPool2d(2, output_size=(4, 5), return_indices=True)(x)
    assert tuple(values.shape) == (2, 3, 4, 5)
    picked = np.take_along_axis(array(x).reshape(2, 3, -1), array(indices).reshape(2, 3, -1), -1)
    np.testing.assert_array_equal(picked.reshape(2, 3, 4, 5), array(values))
    assert tuple(nn.FractionalMaxPool3d(2, output_ratio=0.5)(randn(2, 6, 6, 6)).shape) == (2, 3, 3, 3)
    with pytest.raises(ValueError, match="exactly one"):
        nn.FractionalMaxPool2d(2)


# ---- padding, resizing, rearranging ----------------------------------------------------------------------


def test_padding_modules() -> None:
    x = randn(1, 2, 4, 5)
    widths = ((0, 0), (0, 0), (3, 0), (1, 2))
    for layer, mode in (
        (nn.ZeroPad2d((1, 2, 3, 0)), "constant"),
        (nn.ReflectionPad2d((1, 2, 3, 0)), "reflect"),
        (nn.ReplicationPad2d((1, 2, 3, 0)), "edge"),
        (nn.CircularPad2d((1, 2, 3, 0)), "wrap"),
    ):
        assert_close(layer(x), np.pad(array(x), widths, mode=mode))
    assert_close(nn.ConstantPad2d((1, 2, 3, 0), 7.0)(x), np.pad(array(x), widths, constant_values=7.0))
    assert nn.ReflectionPad1d(2).padding == (2, 2)
    with pytest.raises(ValueError, match="1 or 4 numbers"):
        nn.ReflectionPad2d((1, 2))


def test_resizing() -> None:
    x = randn(1, 2, 3, 4)
    values = array(x)
    assert_close(nn.Upsample(scale_factor=2)(x), values.repeat(2, 2).repeat(2, 3))
    assert_close(nn.UpsamplingNearest2d(size=(6, 8))(x), values.repeat(2, 2).repeat(2, 3))
    line = plait.tensor([[[0.0, 1.0, 3.0]]], dtype=F64)
    up = F.interpolate(line, size=5, mode="linear", align_corners=True)
    assert_close(up, [[[0.0, 0.5, 1.0, 2.0, 3.0]]])
    assert_close(F.interpolate(line, size=6, mode="linear"), [[[0.0, 0.25, 0.75, 1.5, 2.5, 3.0]]])
    ramp = plait.arange(8, dtype=F64).view(1, 1, 1, 8).expand(1, 1, 2, 8)
    shrunk = F.interpolate(ramp, size=(1, 4), mode="bilinear", antialias=True)
    assert (np.diff(array(shrunk)[0, 0, 0]) > 0).all()
    cubic = F.interpolate(ramp, size=(2, 8), mode="bicubic")
    assert_close(cubic, array(ramp))
    assert_close(F.interpolate(x, size=(1, 2), mode="area"), values.reshape(1, 2, 1, 3, 2, 2).mean((3, 5)))
    with pytest.raises(ValueError, match="exactly one of size and scale_factor"):
        F.interpolate(x)
    with pytest.raises(ValueError, match="4-D input for mode 'bilinear'"):
        F.interpolate(line, size=3, mode="bilinear")
    with pytest.raises(ValueError, match="align_corners"):
        F.interpolate(x, size=2, align_corners=True)


def test_sampling_with_the_identity_grid_returns_the_image() -> None:
    x = randn(2, 3, 4, 5)
    theta = plait.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]], dtype=F64).expand(2, 2, 3)
    for align in (False, True):
        grid = F.affine_grid(theta, (2, 3, 4, 5), align_corners=align)
        for mode in ("bilinear", "nearest", "bicubic"):
            for padding in ("zeros", "border", "reflection"):
                assert_close(F.grid_sample(x, grid, mode, padding, align), array(x), tol=1e-7)
    outside = plait.full((2, 1, 1, 2), 5.0, dtype=F64)
    assert_close(F.grid_sample(x, outside, align_corners=True), np.zeros((2, 3, 1, 1)))
    edge = F.grid_sample(x, outside, padding_mode="border", align_corners=True)
    assert_close(edge, array(x)[:, :, -1:, -1:])
    with pytest.raises(ValueError, match="grid_sample: expected input"):
        F.grid_sample(x, grid[:1])


def test_rearranging() -> None:
    x = randn(2, 8, 3, 4)
    shuffled = nn.PixelShuffle(2)(x)
    expected = array(x).reshape(2, 2, 2, 2, 3, 4).transpose(0, 1, 4, 2, 5, 3).reshape(2, 2, 6, 8)
    assert_close(shuffled, expected)
    assert_close(nn.PixelUnshuffle(2)(shuffled), array(x))
    mixed = array(x).reshape(2, 2, 4, 3, 4).transpose(0, 2, 1, 3, 4).reshape(2, 8, 3, 4)
    assert_close(nn.ChannelShuffle(2)(x), mixed)
    with pytest.raises(ValueError, match="multiple of 9 channels"):
        nn.PixelShuffle(3)(x)


def test_unfold_gives_patches_and_fold_adds_them() -> None:
    x = randn(2, 3, 5, 6)
    patches = nn.Unfold((2, 3), stride=(1, 2), padding=1)(x)
    padded = np.pad(array(x), ((0, 0), (0, 0), (1, 1), (1, 1)))
    columns = [padded[:, :, i : i + 2, j : j + 3].reshape(2, -1) for i in range(6) for j in range(0, 6, 2)]
    assert_close(patches, np.stack(columns, -1))
    fold = nn.Fold((5, 6), (2, 3), stride=(1, 2), padding=1)
    # Adjoint: <unfold(x), p> == <x, fold(p)>.
    p = plait.randn(*patches.shape, dtype=F64)
    left, right = (patches * p).sum().item(), (x * fold(p)).sum().item()
    assert left == pytest.approx(right)
    with pytest.raises(ValueError, match="fold: expected"):
        fold(p[:, :-1])
    with pytest.raises(ValueError, match="at least as large as the patch"):
        nn.Unfold(9)(x)


# ---- activations -----------------------------------------------------------------------------------------

SELU = (1.6732632423543772, 1.0507009873554805)
ERF = np.vectorize(math.erf)


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


ACTIVATIONS: list[tuple[nn.Module, Any]] = [
    (nn.ReLU(), lambda x: np.maximum(x, 0)),
    (nn.ReLU6(), lambda x: np.clip(x, 0, 6)),
    (nn.LeakyReLU(0.2), lambda x: np.where(x > 0, x, 0.2 * x)),
    (nn.ELU(1.5), lambda x: np.where(x > 0, x, 1.5 * np.expm1(x))),
    (nn.CELU(2.0), lambda x: np.where(x > 0, x, 2 * np.expm1(x / 2))),
    (nn.SELU(), lambda x: SELU[1] * np.where(x > 0, x, SELU[0] * np.expm1(x))),
    (nn.GELU(), lambda x: 0.5 * x * (1 + ERF(x / math.sqrt(2)))),
    (nn.GELU("tanh"), lambda x: 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))),
    (nn.SiLU(), lambda x: x * sigmoid(x)),
    (nn.Mish(), lambda x: x * np.tanh(np.log1p(np.exp(x)))),
    (nn.Sigmoid(), sigmoid),
    (nn.Tanh(), np.tanh),
    (nn.Softplus(2.0), lambda x: np.log1p(np.exp(2 * x)) / 2),
    (nn.Softsign(), lambda x: x / (1 + abs(x))),
    (nn.Hardtanh(-2.0, 1.0), lambda x: np.clip(x, -2, 1)),
    (nn.Hardsigmoid(), lambda x: np.clip(x + 3, 0, 6) / 6),
    (nn.Hardswish(), lambda x: x * np.clip(x + 3, 0, 6) / 6),
    (nn.LogSigmoid(), lambda x: np.log(sigmoid(x))),
    (nn.Threshold(0.5, 9.0), lambda x: np.where(x > 0.5, x, 9.0)),
    (nn.Tanhshrink(), lambda x: x - np.tanh(x)),
    (nn.Softshrink(0.4), lambda x: np.sign(x) * np.maximum(abs(x) - 0.4, 0)),
    (nn.Hardshrink(0.4), lambda x: np.where(abs(x) > 0.4, x, 0)),
    (nn.PReLU(), lambda x: np.where(x > 0, x, 0.25 * x)),
    (nn.RReLU().eval(), lambda x: np.where(x > 0, x, (1 / 8 + 1 / 3) / 2 * x)),
    (nn.Softmax(1), lambda x: np.exp(x) / np.exp(x).sum(1, keepdims=True)),
    (nn.Softmin(1), lambda x: np.exp(-x) / np.exp(-x).sum(1, keepdims=True)),
    (nn.LogSoftmax(1), lambda x: x - np.log(np.exp(x).sum(1, keepdims=True))),
    (nn.GLU(1), lambda x: x[:, :3] * sigmoid(x[:, 3:])),
]


@pytest.mark.parametrize(("layer", "reference"), ACTIVATIONS, ids=lambda v: type(v).__name__)
def test_activation(layer: nn.Module, reference: Any) -> None:
    layer = layer.double()
    x = randn(4, 6, 5) * 3
    assert_close(layer(x), reference(array(x)))
    if hasattr(layer, "inplace"):
        twin = type(layer)(**{**_arguments(layer), "inplace": True})
        y = x.clone()
        if isinstance(layer, nn.RReLU):
            twin.eval()
        assert twin(y) is y
        assert_close(y, reference(array(x)))


def _arguments(layer: nn.Module) -> dict[str, Any]:
    known = ("alpha", "negative_slope", "min_val", "max_val", "threshold", "value", "lower", "upper")
    return {k: v for k, v in vars(layer).items() if k in known} if not isinstance(layer, nn.ReLU6) else {}


@pytest.mark.parametrize(
    "name",
    ["relu6", "hardtanh", "hardsigmoid", "hardswish", "mish", "celu", "selu", "logsigmoid", "softsign", "tanhshrink",
     "softshrink", "hardshrink"],
)  # fmt: skip
def test_activation_gradients(name: str) -> None:
    function = getattr(F, name)
    x = (randn(40) * 4).requires_grad_()
    assert plait.autograd.gradcheck(function, (x,))
    y = (x.detach() * 1).requires_grad_()
    z = y * 1
    if name in ("relu6", "hardtanh", "hardsigmoid", "hardswish", "mish", "celu", "selu"):
        function(z, inplace=True).sum().backward()
        function(x).sum().backward()
        assert_close(y.grad, array(x.grad))


def test_activations_at_the_ends_of_the_range() -> None:
    x = plait.tensor([-1e30, -50.0, 50.0, 1e30], requires_grad=True)
    for name in ("hardswish", "mish", "celu", "selu", "logsigmoid", "softsign", "hardtanh", "softshrink"):
        x.grad = None
        y = getattr(F, name)(x)
        y.sum().backward()
        assert np.isfinite(array(y)).all(), name
        assert np.isfinite(array(x.grad)).all(), name


def test_implicit_softmax_dim_warns() -> None:
    x = randn(2, 3)
    with pytest.warns(UserWarning, match="implicit dimension"):
        assert_close(F.softmax(x), array(F.softmax(x, 1)))
    with pytest.warns(UserWarning, match="implicit dimension"):
        assert_close(nn.LogSoftmax()(x[0]), array(F.log_softmax(x[0], 0)))


def test_gumbel_softmax() -> None:
    logits = plait.tensor([[0.0, 2.0, -1.0]]).expand(2000, 3)
    hard = F.gumbel_softmax(logits, hard=True)
    assert set(np.unique(np.round(array(hard), 5))) == {0.0, 1.0}
    expected = np.exp([0.0, 2.0, -1.0]) / np.exp([0.0, 2.0, -1.0]).sum()
    np.testing.assert_allclose(array(hard).mean(0), expected, atol=0.05)
    np.testing.assert_allclose(array(F.gumbel_softmax(logits, tau=2.0)).sum(1), 1, atol=1e-5)


def test_rrelu_draws_slopes_in_training() -> None:
    y = array(nn.RReLU(0.1, 0.3)(-plait.ones(1000)))
    assert (y >= -0.3).all() and (y <= -0.1).all()
    assert y.std() > 0.03


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: F.glu(plait.zeros(3)), "even size"),
        (lambda: F.prelu(plait.zeros(2, 3), plait.zeros(2)), "prelu: expected one weight"),
        (lambda: F.rrelu(plait.zeros(2), 0.3, 0.1), "lower <= upper"),
        (lambda: F.softshrink(plait.zeros(2), -1.0), "lambd >= 0"),
        (lambda: F.celu(plait.zeros(2), 0.0), "alpha other than 0"),
        (lambda: nn.Hardtanh(1.0, 0.0), "min_val < max_val"),
        (lambda: nn.Softmax2d()(plait.zeros(2, 3)), "3D or 4D"),
    ],
)
def test_activation_errors(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
