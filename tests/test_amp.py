# SPDX-License-Identifier: MIT
"""Autocast and gradient scaling."""

from __future__ import annotations

import threading
import warnings
from typing import Any

import pytest

import plait
from plait import amp, nn
from plait.nn import functional as F
from plait.optim import SGD, Adam

HALVES = [plait.bfloat16, plait.float16]
f32, f64, bf16 = plait.float32, plait.float64, plait.bfloat16
inf = float("inf")


def dtype_of(call: Any, dtype: Any = plait.bfloat16) -> Any:
    with plait.autocast("cpu", dtype=dtype):
        result = call()
    return (result[0] if isinstance(result, tuple) else result).dtype


A = plait.randn(4, 4)
X = plait.randn(1, 2, 8, 8)
LOWER = {
    "matmul": lambda a: a @ a,
    "mm": lambda a: a.mm(a),
    "bmm": lambda a: a[None].bmm(a[None]),
    "addmm": lambda a: plait.addmm(a, a, a),
    "baddbmm": lambda a: plait.baddbmm(a[None], a[None], a[None]),
    "addbmm": lambda a: plait.addbmm(a, a[None], a[None]),
    "linear": lambda a: F.linear(a, a, a[0]),
    "einsum": lambda a: plait.einsum("ij,jk", a, a),
    "tensordot": lambda a: plait.tensordot(a, a, 1),
    "inner": lambda a: plait.inner(a, a),
    "chain_matmul": lambda a: plait.linalg.multi_dot([a, a, a]),
    "conv1d": lambda a: F.conv1d(a[None], a[:, :, None]),
    "conv2d": lambda a: F.conv2d(a[None, None], a[None, None]),
    "conv3d": lambda a: F.conv3d(a[None, None, None], a[None, None, None]),
    "conv_transpose2d": lambda a: F.conv_transpose2d(a[None, None], a[None, None]),
    "scaled_dot_product_attention": lambda a: F.scaled_dot_product_attention(a[None], a[None], a[None]),
    "multi_head_attention": lambda a: nn.MultiheadAttention(4, 2)(a[None], a[None], a[None]),
    "prelu": lambda a: F.prelu(a, a.new_ones(1)),
    "RNN": lambda a: nn.RNN(4, 3)(a[None]),
    "LSTM": lambda a: nn.LSTM(4, 3, num_layers=2)(a[None]),
    "RNNCell": lambda a: nn.RNNCell(4, 3)(a),
}
FLOAT32 = {
    "prod": lambda a: a.prod(),
    "mse_loss": lambda a: F.mse_loss(a, a),
    "l1_loss": lambda a: F.l1_loss(a, a),
    "huber_loss": lambda a: F.huber_loss(a, a),
    "smooth_l1_loss": lambda a: F.smooth_l1_loss(a, a),
    "cross_entropy": lambda a: F.cross_entropy(a, plait.zeros(4, dtype=plait.int64)),
    "nll_loss": lambda a: F.nll_loss(a, plait.zeros(4, dtype=plait.int64)),
    "kl_div": lambda a: F.kl_div(a, a, reduction="sum"),
    "binary_cross_entropy_with_logits": lambda a: F.binary_cross_entropy_with_logits(a, a),
    "cosine_embedding_loss": lambda a: F.cosine_embedding_loss(a, a, plait.ones(4)),
    "hinge_embedding_loss": lambda a: F.hinge_embedding_loss(a, plait.ones(4, 4)),
    "margin_ranking_loss": lambda a: F.margin_ranking_loss(a, a, plait.ones(4, 4)),
    "multi_margin_loss": lambda a: F.multi_margin_loss(a, plait.zeros(4, dtype=plait.int64)),
    "multilabel_margin_loss": lambda a: F.multilabel_margin_loss(a, plait.zeros(4, 4, dtype=plait.int64)),
    "soft_margin_loss": lambda a: F.soft_margin_loss(a, plait.ones(4, 4)),
    "triplet_margin_loss": lambda a: F.triplet_margin_loss(a, a, a),
    "poisson_nll_loss": lambda a: F.poisson_nll_loss(a, a),
    "ctc_loss": lambda a: F.ctc_loss(a[:, None], plait.tensor([[1]]), [4], [1]),
    "grid_sample": lambda a: F.grid_sample(a[None, None], plait.zeros(1, 2, 2, 2), align_corners=False),
    "cdist": lambda a: plait.cdist(a, a),
    "quantile": lambda a: plait.quantile(a, 0.5),
    "avg_pool3d": lambda a: F.avg_pool3d(a[None, None, None], (1, 2, 2)),
    "max_pool3d": lambda a: F.max_pool3d(a[None, None, None], (1, 2, 2)),
    "trace": lambda a: a.trace(),
    "local_response_norm": lambda a: F.local_response_norm(a[None], 2),
    "GRU": lambda a: nn.GRU(4, 3)(a[None].float()),
}
AS_GIVEN = {
    "add": lambda a: a + a,
    "softmax": lambda a: a.softmax(0),
    "layer_norm": lambda a: F.layer_norm(a, (4,)),
    "relu": lambda a: a.relu(),
    "sum": lambda a: a.sum(),
    "mv": lambda a: plait.mv(a, a[0]),
    "outer": lambda a: plait.outer(a[0], a[0]),
    "interpolate": lambda a: F.interpolate(a[None, None], scale_factor=2),
    "max_pool2d": lambda a: F.max_pool2d(a[None], 2),
}


@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize("name", list(LOWER))
def test_products_run_in_the_16_bit_dtype(name: str, dtype: Any) -> None:
    assert dtype_of(lambda: LOWER[name](A), dtype) == dtype
    assert dtype_of(lambda: LOWER[name](A.to(bf16)), dtype) == dtype
    if name not in ("multi_head_attention", "RNN", "LSTM", "RNNCell"):
        assert dtype_of(lambda: LOWER[name](A.double()), dtype) == f64
    with plait.autocast("cpu", enabled=False):
        result = LOWER[name](A)
        assert (result[0] if isinstance(result, tuple) else result).dtype == f32


@pytest.mark.parametrize("name", list(FLOAT32))
def test_ops_that_need_range_run_in_float32(name: str) -> None:
    assert dtype_of(lambda: FLOAT32[name](A.to(bf16))) == f32
    assert dtype_of(lambda: FLOAT32[name](A)) == f32
    if name != "GRU":
        assert dtype_of(lambda: FLOAT32[name](A.double())) == f64


@pytest.mark.parametrize("name", list(AS_GIVEN))
def test_other_ops_run_in_the_dtype_they_are_given(name: str) -> None:
    for dtype in (f32, f64, bf16):
        assert dtype_of(lambda dtype=dtype: AS_GIVEN[name](A.to(dtype))) == dtype


def test_joining_ops_take_the_widest_dtype() -> None:
    half = A.to(bf16)
    index = plait.tensor([0, 1, 2, 3])
    assert dtype_of(lambda: plait.cat([A, half])) == f32
    assert dtype_of(lambda: plait.stack([half, half])) == bf16
    assert dtype_of(lambda: half.index_copy(0, index, A)) == f32
    assert dtype_of(lambda: A.index_copy(0, index, half)) == f32


def test_out_and_in_place_forms_are_left_alone() -> None:
    assert dtype_of(lambda: plait.mm(A, A, out=plait.empty(4, 4))) == f32
    assert dtype_of(lambda: A.clone().addmm_(A, A)) == f32


def test_values_and_gradients_are_those_of_explicit_casts() -> None:
    net, x = nn.Linear(4, 3), plait.randn(5, 4)
    with plait.autocast("cpu"):
        y = net(x)
    want = F.linear(x.to(bf16), net.weight.to(bf16), net.bias.to(bf16))
    assert plait.equal(y, want)
    y.float().sum().backward()
    got = net.weight.grad.clone()
    assert got.dtype == f32
    net.zero_grad()
    want.float().sum().backward()
    assert plait.equal(got, net.weight.grad)


def test_weights_are_converted_once() -> None:
    net, x = nn.Linear(64, 64, bias=False), plait.randn(2, 64, dtype=bf16)

    def casts(**options: Any) -> int:
        with plait.autocast("cpu", **options):
            y = net(x) + net(x)
        nodes, todo = set(), [y.grad_fn]
        while todo:
            node = todo.pop()
            if node is None or node in nodes:
                continue
            nodes.add(node)
            todo.extend(n for n, _ in node.next_functions)
        return sum("Cast" in n.name() or "To" in n.name() for n in nodes)

    assert casts() == 1
    assert casts(cache_enabled=False) == 2
    with plait.autocast("cpu"):
        with plait.no_grad():
            net(x)
        net(x).sum().backward()
    assert net.weight.grad is not None
    with plait.no_grad():
        net.weight.zero_()
    with plait.autocast("cpu"):
        assert (net(x) == 0).all()  # not a copy of a block before


def test_modes() -> None:
    assert not plait.is_autocast_enabled("cpu")
    with plait.autocast("cpu", dtype=plait.float16):
        assert plait.is_autocast_enabled("cpu")
        assert not plait.is_autocast_enabled()
        assert plait.get_autocast_dtype("cpu") == plait.float16
        with plait.autocast("cpu", enabled=False):
            assert not plait.is_autocast_cpu_enabled()
            assert (A @ A).dtype == f32
        assert (A @ A).dtype == plait.float16
        seen: list[bool] = []
        thread = threading.Thread(target=lambda: seen.append(plait.is_autocast_enabled("cpu")))
        thread.start()
        thread.join()
        assert seen == [False]
    assert plait.get_autocast_dtype("cpu") == bf16
    with pytest.raises(ValueError, match="inside"), plait.autocast("cpu"):
        raise ValueError("inside")
    assert not plait.is_autocast_enabled("cpu")

    @plait.autocast("cpu")
    def product(n: int) -> Any:
        return product(n - 1) if n else A @ A

    assert product(3).dtype == bf16
    assert (A @ A).dtype == f32
    plait.set_autocast_enabled("cpu", True)
    try:
        assert (A @ A).dtype == bf16
    finally:
        plait.set_autocast_enabled("cpu", False)


@pytest.mark.parametrize("options", [{"device_type": "cuda"}, {"device_type": "cpu", "dtype": f32}])
def test_what_is_not_available_warns(options: Any) -> None:
    with pytest.warns(UserWarning, match="autocast is off") as caught:
        context = plait.autocast(**options)
    assert caught[0].filename == __file__
    with context:
        assert (A @ A).dtype == f32
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plait.autocast("cuda", enabled=False)
        amp.GradScaler("cuda", enabled=False)
    with pytest.raises(ValueError, match="device_type"):
        plait.autocast(3)
    with pytest.warns(UserWarning, match="nothing is scaled"):
        assert not amp.GradScaler("cuda").is_enabled()


@pytest.mark.parametrize("cast", [None, f32])
def test_custom_functions(cast: Any) -> None:
    seen: list[Any] = []

    class Product(plait.autograd.Function):
        @staticmethod
        @amp.custom_fwd(device_type="cpu", cast_inputs=cast)
        def forward(ctx: Any, a: Any, b: Any) -> Any:
            ctx.save_for_backward(a, b)
            seen.append((a.dtype, plait.is_autocast_enabled("cpu")))
            return a @ b

        @staticmethod
        @amp.custom_bwd(device_type="cpu")
        def backward(ctx: Any, g: Any) -> Any:
            a, b = ctx.saved_tensors
            seen.append(plait.is_autocast_enabled("cpu"))
            return g @ b.mT, a.mT @ g

    x = plait.randn(3, 3, requires_grad=True)
    with plait.autocast("cpu"):
        y = Product.apply(x, x.to(bf16))
    y.float().sum().backward()
    assert y.dtype == (bf16 if cast is None else f32)
    assert seen == [(f32, cast is None), cast is None]
    assert x.grad.dtype == f32


# ---- the scaler --------------------------------------------------------------------------------------------


def parameter(*values: float) -> Any:
    return nn.Parameter(plait.tensor(values))


@pytest.mark.parametrize("bad", [inf, -inf, float("nan")])
def test_steps_with_an_overflow_are_left_out(bad: float) -> None:
    scaler = amp.GradScaler("cpu", init_scale=8.0)
    p, q = parameter(1.0, 1.0), parameter(1.0)
    optimizer = Adam([p, q], lr=1.0)
    scaler.scale(plait.tensor(1.0))
    p.grad, q.grad = plait.tensor([1.0, bad]), plait.ones(1)
    assert scaler.step(optimizer) is None
    scaler.update()
    assert p.tolist() == [1, 1]
    assert q.tolist() == [1]
    assert not optimizer.state
    assert scaler.get_scale() == 4


def test_scale_grows_and_backs_off() -> None:
    scaler = amp.GradScaler("cpu", init_scale=2.0, growth_interval=2, growth_factor=4.0)
    p = parameter(1.0)
    optimizer, scales = SGD([p], lr=0.0), []
    for overflow in (0, 0, 0, 1, 0, 0):
        scaler.scale(p.sum())
        p.grad = plait.tensor([inf if overflow else 1.0])
        scaler.step(optimizer)
        scaler.update()
        scales.append(scaler.get_scale())
    assert scales == [2, 8, 8, 4, 4, 16]
    largest = amp.GradScaler("cpu", init_scale=3e38, growth_interval=1)
    largest.scale(p.sum())
    p.grad = plait.ones(1)
    largest.step(optimizer)
    largest.update()
    assert largest.get_scale() == pytest.approx(3e38)


def test_order_of_calls() -> None:
    scaler = amp.GradScaler("cpu", init_scale=16.0)
    p = parameter(0.0, 0.0)
    optimizer = SGD([p], lr=1.0)
    with pytest.raises(RuntimeError, match="scale"):
        scaler.update()
    scaler.scale((p * plait.tensor([3.0, 4.0])).sum()).backward()
    with pytest.raises(RuntimeError, match="before"):
        scaler.update()
    scaler.unscale_(optimizer)
    assert p.grad.tolist() == [3, 4]
    with pytest.raises(RuntimeError, match="already been called"):
        scaler.unscale_(optimizer)
    scaler.step(optimizer)
    assert p.tolist() == [-3, -4]
    for again in (scaler.step, scaler.unscale_):
        with pytest.raises(RuntimeError):
            again(optimizer)
    scaler.update()
    with pytest.raises(RuntimeError, match="Closure"):
        scaler.step(optimizer, closure=lambda: None)
    optimizer.zero_grad()
    with pytest.raises(RuntimeError, match="gradients"):
        scaler.step(optimizer)
    p16 = nn.Parameter(plait.ones(1, dtype=plait.float16))
    p16.grad = plait.ones(1, dtype=plait.float16)
    with pytest.raises(ValueError, match="FP16"):
        scaler.unscale_(SGD([p16], lr=1.0))
    with pytest.raises(ValueError, match="scale"):
        scaler.scale(3)
    assert scaler.scale([plait.ones(()), (plait.ones(()),)]) == [16.0, (16.0,)]


def test_state_of_the_scaler() -> None:
    scaler = amp.GradScaler("cpu", init_scale=4.0, growth_interval=7)
    scaler.scale(plait.ones(()))
    scaler.update(1024.0)
    again = amp.GradScaler("cpu")
    again.load_state_dict(scaler.state_dict())
    assert again.state_dict() == scaler.state_dict()
    assert again.get_scale() == 1024
    off = amp.GradScaler("cpu", enabled=False)
    assert off.state_dict() == {}
    assert off.get_scale() == 1
    p = parameter(1.0)
    optimizer = SGD([p], lr=1.0)
    loss = p.sum()
    assert off.scale(loss) is loss
    loss.backward()
    off.unscale_(optimizer)
    off.step(optimizer)
    off.update()
    assert p.tolist() == [0]
    with pytest.raises(RuntimeError, match="enabled"):
        scaler.load_state_dict({})


def test_float16_training_needs_the_scaler() -> None:
    plait.manual_seed(0)
    w = parameter(*[0.5] * 8)
    optimizer, scaler = SGD([w], lr=0.1), amp.GradScaler("cpu", init_scale=2.0**14)
    x = plait.full((16, 8), 1e-4)
    for _ in range(2):
        optimizer.zero_grad()
        with plait.autocast("cpu", dtype=plait.float16):
            loss = F.mse_loss(x @ w[:, None], plait.zeros(16, 1)) * 1e-2
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
    assert (w.grad != 0).all()
