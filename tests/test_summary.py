# SPDX-License-Identifier: MIT
"""plait.summary: shapes, parameters, operations and memory of a model's layers."""

from __future__ import annotations

from typing import Any

import pytest

import plait
from plait import nn


class Tagger(nn.Module):
    """Calls one layer twice and one not at all; gives a tuple."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(10, 8)
        self.state = nn.LSTM(8, 16, batch_first=True)
        self.head = nn.Sequential(nn.Dropout(0.5), nn.Linear(16, 16))
        self.unused = nn.Linear(2, 2)

    def forward(self, x: plait.Tensor, *, scale: float = 1.0) -> Any:
        y, state = self.state(self.words(x))
        return self.head(self.head(y)) * scale, state


def test_layers() -> None:
    net = nn.Sequential(nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8), nn.Flatten(), nn.LazyLinear(10))
    found = plait.summary(net, plait.zeros(2, 1, 28, 28))
    assert [(x.name, x.kind, x.input_shape, x.output_shape) for x in found.layers] == [
        ("", "Sequential", (2, 1, 28, 28), (2, 10)),
        ("0", "Conv2d", (2, 1, 28, 28), (2, 8, 26, 26)),
        ("1", "BatchNorm2d", (2, 8, 26, 26), (2, 8, 26, 26)),
        ("2", "Flatten", (2, 8, 26, 26), (2, 5408)),
        ("3", "Linear", (2, 5408), (2, 10)),
    ]
    assert [x.parameters for x in found.layers] == [54186, 80, 16, 0, 54090]
    assert [x.flops for x in found.layers] == [411008, 2 * 2 * 8 * 676 * 9, 0, 0, 2 * 2 * 5408 * 10]
    assert (found.total_parameters, found.total_flops) == (54186, 411008)
    assert found.parameter_bytes == 4 * 54186 + 2 * 4 * 8 + 8  # with the running mean, variance and count
    assert found.input_bytes == 4 * 2 * 784
    assert found.output_bytes == 4 * 2 * (3 * 5408 + 10)


def test_calls_and_modes() -> None:
    net = Tagger()
    net.head.eval()
    net.words.weight.requires_grad_(False)
    plait.manual_seed(0)
    before = plait.get_rng_state()
    found = plait.summary(net, plait.zeros(5, 4, dtype=plait.int64), scale=2.0)
    assert net.training and net.state.training and not net.head.training and not net.head[0].training
    assert plait.equal(plait.get_rng_state(), before)
    assert not net.head[1]._forward_hooks and net.head[1].weight.grad is None
    layers = {x.name: x for x in found.layers}
    assert list(layers) == ["", "words", "state", "head", "head.0", "head.1"]
    assert (layers["head.1"].calls, layers["head.1"].flops) == (2, 2 * 2 * 20 * 16 * 16)
    assert layers["state"].flops == 2 * 20 * 64 * (8 + 16)
    assert layers["state"].output_shape == [(5, 4, 16), [(1, 5, 16), (1, 5, 16)]]
    assert layers["head"].is_leaf is False and layers["head.0"].is_leaf
    assert found.total_parameters == found.trainable_parameters + 80 == sum(p.numel() for p in net.parameters())
    text = str(found)
    assert repr(found) == text and "1: Linear x2" in text and "[5, 4, 16] +1" in text and "80 frozen" in text


def test_arguments() -> None:
    class Sum(nn.Module):
        def forward(self, a: plait.Tensor, b: dict[str, plait.Tensor]) -> dict[str, plait.Tensor]:
            return {"sum": a + b["x"], "b": b["x"]}

    found = plait.summary(Sum(), (plait.zeros(2, 3), {"x": plait.zeros(3)}))
    (layer,) = found.layers
    assert (layer.input_shape, layer.output_shape) == ([(2, 3), {"x": (3,)}], {"sum": (2, 3), "b": (3,)})
    assert (found.input_bytes, layer.parameters, layer.flops) == (36, 0, 0)
    assert "[2, 3] +1" in str(found)
    net = nn.Linear(2, 2)
    with pytest.raises(TypeError, match="expected a module"):
        plait.summary(lambda x: x, plait.zeros(1))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="linear"):
        plait.summary(net, plait.zeros(3))
    assert net.training


def test_recurrent_backward_is_counted() -> None:
    from plait.utils.flop_counter import FlopCounterMode

    for layer, gates in ((nn.LSTM(3, 4), 16), (nn.GRU(3, 4), 12)):
        with FlopCounterMode(display=False) as counter:
            layer(plait.ones(5, 2, 3))[0].sum().backward()
        inputs, states = 2 * 10 * gates * 3, 2 * 10 * gates * 4
        assert counter.get_total_flops() == inputs + states + inputs + 2 * states  # the input needs no gradient
