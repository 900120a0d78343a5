# SPDX-License-Identifier: MIT
"""Inputs at the edge of what an op takes: 0-d, empty, of one row, NaN coordinates, bytes, sizes 1 that broadcast."""

from __future__ import annotations

import math

import numpy as np
import pytest
from op_table.harness import to_numpy

import plait
import plait.nn.functional as F


def close(got: plait.Tensor, want: object, tol: float = 1e-6) -> bool:
    return np.allclose(to_numpy(got), np.asarray(want), rtol=tol, atol=tol, equal_nan=True)


# ---------------------------------------------------------------- empty batches


@pytest.mark.parametrize("options", [{}, {"batch_first": True}, {"num_layers": 2, "bidirectional": True}])
@pytest.mark.parametrize("name", ["RNN", "LSTM", "GRU"])
def test_recurrent_layers_of_no_sequence(name: str, options: dict) -> None:
    layer = getattr(plait.nn, name)(3, 2, **options)
    x = plait.zeros(*((0, 4) if options.get("batch_first") else (4, 0)), 3, requires_grad=True)
    y, _ = layer(x)
    y.sum().backward()
    assert y.shape == (*x.shape[:2], 4 if options.get("bidirectional") else 2)
    assert x.grad is not None and x.grad.shape == x.shape
    assert all(p.grad is not None and not p.grad.any() for p in layer.parameters())


@pytest.mark.parametrize("name", ["BatchNorm1d", "InstanceNorm1d"])
def test_running_statistics_of_no_sample(name: str) -> None:
    layer = getattr(plait.nn, name)(2, track_running_stats=True)
    x = plait.zeros(0, 2, 5, requires_grad=True)
    y = layer(x)
    y.sum().backward()
    assert y.shape == x.shape
    assert layer.running_mean.tolist() == [0, 0]
    assert layer.running_var.tolist() == [1, 1]


def test_batch_norm_of_an_empty_line() -> None:
    x = plait.zeros(0, requires_grad=True)
    y = F.batch_norm(x, plait.zeros(0), plait.zeros(0), training=True)
    y.sum().backward()
    assert y.shape == (0,)


def test_pixels_of_no_channel() -> None:
    assert F.pixel_shuffle(plait.zeros(1, 0, 2, 2), 1).shape == (1, 0, 2, 2)
    assert F.pixel_unshuffle(plait.zeros(0, 1, 4, 4), 2).shape == (0, 4, 2, 2)


def test_pools_refuse_no_channel_and_take_no_sample() -> None:
    for d in (1, 2, 3):
        for name in ("max_pool", "avg_pool"):
            pool = getattr(F, f"{name}{d}d")
            assert pool(plait.zeros(0, 2, *[4] * d), 2).shape == (0, 2, *[2] * d)
            for shape in ((0, *[4] * d), (2, 0, *[4] * d)):
                with pytest.raises(ValueError, match="channel"):
                    pool(plait.zeros(*shape), 2)


def test_mean_beside_the_variance_of_nothing() -> None:
    for fn in (plait.var_mean, plait.std_mean):
        assert all(math.isnan(t.item()) for t in fn(plait.zeros(0)))
        assert plait.stack(fn(plait.zeros(2, 0), 1)).isnan().all()
        spread, mean = fn(plait.tensor([[1.0, 3.0]]), 1)
        assert mean.tolist() == [2]
        assert spread.item() == pytest.approx(2 if fn is plait.var_mean else 2**0.5)


# ---------------------------------------------------------------- 0-d and one row


def test_losses_and_activations_of_one_number() -> None:
    x, none = plait.tensor(0.3, requires_grad=True), plait.tensor(0)
    assert F.multi_margin_loss(x, none).item() == 0
    assert F.multi_margin_loss(x, none, reduction="none").shape == ()
    assert F.multilabel_margin_loss(x, none).item() == 0
    y = F.prelu(-x, plait.tensor([0.25]))
    assert y.shape == ()
    y.backward()
    assert x.grad is not None
    assert x.grad.item() == -0.25


def test_covariance_of_one_row() -> None:
    x = plait.tensor([[1.0, 2.0, 4.0]])
    assert plait.cov(x).shape == plait.corrcoef(x).shape == ()
    assert plait.cov(x).item() == pytest.approx(np.cov(x.numpy()))


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"fweights": plait.ones(3)}, TypeError),
        ({"aweights": plait.ones(3).long()}, TypeError),
        ({"fweights": plait.tensor([1, -1, 1])}, ValueError),
        ({"aweights": plait.tensor([1.0, -1.0, 1.0])}, ValueError),
        ({"aweights": plait.ones(2)}, ValueError),
    ],
)
def test_weights_of_a_covariance(options: dict, error: type[Exception]) -> None:
    with pytest.raises(error, match="cov"):
        plait.cov(plait.ones(2, 3), **options)


def test_differences_of_order_0_are_the_input() -> None:
    x = plait.tensor([1, 2, 4])
    assert plait.diff(x, 0, append=plait.tensor([7])).tolist() == [1, 2, 4]
    assert plait.diff(x, 1, append=plait.tensor([7])).tolist() == [1, 2, 3]


def test_no_combination_is_a_part_of_the_graph() -> None:
    x = plait.tensor([1.0], requires_grad=True)
    y = plait.combinations(x, 2)
    assert y.shape == (0, 2)
    assert y.requires_grad
    y.sum().backward()
    assert x.grad is not None and x.grad.tolist() == [0]


def test_an_empty_index_is_a_part_of_the_graph() -> None:
    x = plait.tensor([1.0, 2.0], requires_grad=True)
    for dtype in (plait.int64, plait.int32, plait.uint8):
        y = x.gather(0, plait.zeros(2, 0, dtype=dtype))
        assert y.shape == (2, 0)
        assert y.requires_grad


# ---------------------------------------------------------------- shapes that meet in size 1


def test_cosine_similarity_broadcasts_along_its_dimension() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((1, 2, 3)), rng.standard_normal((2, 1, 3))
    for dim in (-2, 1, 0, 2):
        wa, wb = np.broadcast_arrays(a, b)
        want = (wa * wb).sum(dim) / np.linalg.norm(wa, axis=dim) / np.linalg.norm(wb, axis=dim)
        assert close(F.cosine_similarity(plait.tensor(a), plait.tensor(b), dim=dim), want)


def test_tensordot_of_size_1() -> None:
    a, b = np.random.default_rng(0).standard_normal((3, 1, 2)), np.random.default_rng(1).standard_normal((4, 2, 5))
    got = plait.tensordot(plait.tensor(a), plait.tensor(b), dims=([1, 2], [0, 1]))
    assert close(got, np.tensordot(np.broadcast_to(a, (3, 4, 2)), b, ([1, 2], [0, 1])))
    with pytest.raises(ValueError, match="same sizes"):
        plait.tensordot(plait.ones(2, 3), plait.ones(2, 4), dims=([1], [1]))


@pytest.mark.parametrize("shape", [(4, 3), (4,), (1, 3), (4, 1)])
def test_variances_of_the_gaussian_loss(shape: tuple[int, ...]) -> None:
    x, t = plait.rand(4, 3), plait.rand(4, 3)
    v = plait.rand(*shape) + 0.5
    wide = v.numpy()[:, None] if shape == (4,) else v.numpy()
    want = 0.5 * (np.log(wide) + (x.numpy() - t.numpy()) ** 2 / wide).mean()
    assert F.gaussian_nll_loss(x, t, v).item() == pytest.approx(want, rel=1e-5)


def test_cross_product_of_three() -> None:
    for a, b in ((plait.ones(5, 3), plait.ones(5, 1)), (plait.ones(5, 5, 3), plait.ones(5, 3))):
        with pytest.raises(ValueError, match="cross"):
            plait.linalg.cross(a, b)


# ---------------------------------------------------------------- indices


def test_negative_indices_along_a_dimension() -> None:
    x = np.arange(6.0).reshape(2, 3)
    index = np.array([[-1, 0], [1, -3]])
    assert close(plait.take_along_dim(plait.tensor(x), plait.tensor(index), 1), np.take_along_axis(x, index, 1))
    with pytest.raises(IndexError):
        plait.take_along_dim(plait.tensor(x), plait.tensor([[-4], [0]]), 1)


def test_splits_at_a_tensor() -> None:
    x = plait.arange(6)
    for at in (plait.tensor(3), plait.tensor([1, 4]), plait.tensor([], dtype=plait.int64)):
        want = np.array_split(np.arange(6), at.tolist())
        assert [p.tolist() for p in x.tensor_split(at)] == [w.tolist() for w in want]
        assert [p.tolist() for p in plait.tensor_split(x, tensor_indices_or_sections=at)] == [w.tolist() for w in want]
    with pytest.raises(ValueError, match="int64"):
        x.tensor_split(plait.tensor([1.0]))


def test_gradient_of_a_value_that_fills_one_slice_twice() -> None:
    x, v = plait.zeros(2, 5, requires_grad=True), plait.tensor(2.0, requires_grad=True)
    y = x.index_fill(-1, plait.tensor([0, 1, 1, -3 + 5, 0]), v)
    (y * plait.arange(10.0).reshape(2, 5)).sum().backward()
    assert v.grad is not None and x.grad is not None
    assert v.grad.item() == 0 + 1 + 2 + 5 + 6 + 7
    assert x.grad.tolist() == [[0, 0, 0, 3, 4], [0, 0, 0, 8, 9]]


def test_distinct_slices_are_ordered_as_by_numpy() -> None:
    x = np.random.default_rng(0).integers(0, 2, (4, 3, 5))
    for dim in range(3):
        assert plait.unique(plait.tensor(x), dim=dim).tolist() == np.unique(x, axis=dim).tolist()


# ---------------------------------------------------------------- one value for all elements


def test_one_value_fills_an_expanded_tensor() -> None:
    assert plait.zeros(1).expand(2).fill_(1.0).tolist() == [1, 1]
    assert plait.ones(3, 1).expand(3, 2).zero_().tolist() == [[0, 0]] * 3
    t = plait.zeros(1).expand(2)
    t[0] = 1.0
    assert t.tolist() == [1, 1]
    for call in (lambda: t.copy_(plait.tensor([1.0, 2.0])), lambda: t.add_(1), lambda: t.masked_fill_(t > 0, 1)):
        with pytest.raises(RuntimeError, match="single memory location"):
            call()


def test_views_of_an_expanded_tensor_in_place() -> None:
    def x() -> plait.Tensor:
        return plait.zeros(1, 1).expand(1, 3)

    assert x().unsqueeze_(0).shape == (1, 1, 3)
    assert x().squeeze_(0).shape == (3,)
    assert x().transpose_(0, 1).shape == (3, 1)
    assert x().t_().shape == (3, 1)


# ---------------------------------------------------------------- images


def circular(x: np.ndarray, before: int, behind: int) -> np.ndarray:
    """What is cut off is gone before the rest wraps around."""
    cut = x[..., max(-before, 0) : x.shape[-1] - max(-behind, 0)]
    return np.pad(cut, [(0, 0)] * (x.ndim - 1) + [(max(before, 0), max(behind, 0))], mode="wrap")


@pytest.mark.parametrize("pad", [(-2, 1), (1, -2), (-1, -1), (2, 2), (-1, 3)])
def test_circular_padding_of_what_is_left(pad: tuple[int, int]) -> None:
    x = plait.arange(5.0).reshape(1, 1, 5).requires_grad_()
    y = F.pad(x, pad, mode="circular")
    assert close(y.detach(), circular(np.arange(5.0).reshape(1, 1, 5), *pad))
    y.sum().backward()
    assert x.grad is not None
    want = np.bincount(circular(np.arange(5).reshape(1, 1, 5), *pad).ravel(), minlength=5)
    assert x.grad.flatten().tolist() == want.tolist()


@pytest.mark.parametrize("align", [False, True])
@pytest.mark.parametrize("padding", ["zeros", "border", "reflection"])
@pytest.mark.parametrize("mode", ["bilinear", "nearest", "bicubic"])
def test_samples_at_no_place(mode: str, padding: str, align: bool) -> None:
    """A coordinate that is NaN or infinite takes no other sample with it, forward or backward."""
    image = plait.ones(1, 2, 3, 3, requires_grad=True)
    for odd in (math.nan, math.inf, -math.inf, 2.5e38, -2.5e38):
        grid = plait.tensor([[[[0.0, 0.0], [odd, 0.0], [0.0, odd]]]], requires_grad=True)
        y = F.grid_sample(image, grid, mode=mode, padding_mode=padding, align_corners=align)
        assert close(y[..., 0].detach(), np.ones((1, 2, 1)))
        if padding == "zeros" and mode != "bicubic":
            assert not y[..., 1:].any()
        (g,) = plait.autograd.grad(y[..., 0].sum(), grid)
        assert g[0, 0, 0].isfinite().all()
    if mode == "nearest":
        assert not g.any()


def test_samples_of_no_image() -> None:
    x = plait.zeros(0, 1, 3, 3, requires_grad=True)
    y = F.grid_sample(x, plait.zeros(0, 2, 2, 2), align_corners=False)
    y.sum().backward()
    assert y.shape == (0, 1, 2, 2)


@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
def test_bytes_are_resized_as_floats_and_rounded(mode: str) -> None:
    x = plait.arange(64, dtype=plait.uint8).reshape(1, 1, 8, 8) * 3
    for size, antialias in (((4, 4), False), ((4, 4), True), ((13, 5), False), ((16, 16), True)):
        got = F.interpolate(x, size, mode=mode, antialias=antialias)
        assert got.dtype == plait.uint8
        want = F.interpolate(x.double(), size, mode=mode, antialias=antialias).clamp(0, 255)
        assert (got.double() - want).abs().max().item() <= 1.01  # every pass is rounded
    with pytest.raises(TypeError, match="interpolate"):
        F.interpolate(x.int(), (4, 4), mode=mode)


def test_normalize_into_a_tensor() -> None:
    out = plait.empty(0)
    assert F.normalize(plait.tensor([[3.0, 4.0]]), out=out) is out
    assert close(out, [[0.6, 0.8]])


def test_adaptive_max_pool1d_gives_indices_at_the_top_level() -> None:
    x = plait.tensor([[[1.0, 3.0, 2.0, 4.0]]])
    values, indices = plait.adaptive_max_pool1d(x, 2)
    assert values.tolist() == [[[3, 4]]]
    assert indices.tolist() == [[[1, 3]]]
    assert F.adaptive_max_pool1d(x, 2).tolist() == [[[3, 4]]]


def test_sums_of_integers_by_einsum_are_int64() -> None:
    for dtype in (plait.int8, plait.uint8, plait.bool):
        x = plait.ones(20, 20, dtype=dtype)
        assert plait.einsum("ij->i", x).tolist() == [20] * 20
        assert plait.einsum("ij->", x).item() == 400
        assert plait.einsum("ij->", x).dtype == plait.int64
        assert plait.einsum("ij->ji", x).dtype == dtype


def test_alpha_dropout_of_a_line_outside_training() -> None:
    x = plait.rand(5)
    assert F.feature_alpha_dropout(x, training=False) is x
    with pytest.raises(ValueError, match="feature_alpha_dropout"):
        F.feature_alpha_dropout(x, training=True)


def test_gradient_of_ctc_behind_and_before_log_softmax() -> None:
    """Behind log_softmax that of the paths; of the log probabilities themselves that plus exp(log_probs)."""
    logits = plait.randn(6, 2, 4, dtype=plait.float64, requires_grad=True)
    targets, lengths = plait.tensor([[1, 2], [3, 3]]), ((6, 5), (2, 1))
    loss = lambda x: F.ctc_loss(x.log_softmax(-1), targets, *lengths, reduction="sum")  # noqa: E731
    assert plait.autograd.gradcheck(loss, (logits,))
    x = logits.detach().log_softmax(-1).requires_grad_()
    (g,) = plait.autograd.grad(F.ctc_loss(x, targets, *lengths, reduction="sum"), x)
    assert close(g.sum(-1), np.array([[0, 0]] * 5 + [[0, 0]]), 1e-9)


def test_fractional_pools_take_samples_for_more_images() -> None:
    x = plait.rand(4, 5, 5, 5)
    samples = plait.rand(2, 4, 3)
    got = F.fractional_max_pool3d(x, 2, output_size=2, _random_samples=samples)
    assert plait.equal(got, F.fractional_max_pool3d(x, 2, output_size=2, _random_samples=samples[:1]))
