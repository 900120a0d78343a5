# SPDX-License-Identifier: MIT
"""state_dict and load_state_dict."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import numpy as np
import pytest

import plait
from plait import nn


def snapshot(module: nn.Module) -> dict[str, np.ndarray]:
    return {name: t.detach().numpy().copy() for name, t in module.state_dict().items()}


def assert_same(a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> None:
    assert list(a) == list(b)
    for name in a:
        np.testing.assert_array_equal(a[name], b[name])


def make() -> nn.Sequential:
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))


KEYS = [
    "0.weight",
    "0.bias",
    "1.weight",
    "1.bias",
    "1.running_mean",
    "1.running_var",
    "1.num_batches_tracked",
    "2.weight",
    "2.bias",
]


def test_round_trip() -> None:
    source, target = make(), make()
    source(plait.randn(5, 3))
    state = source.state_dict()
    assert isinstance(state, OrderedDict)
    assert list(state) == KEYS
    result = target.load_state_dict(state)
    assert repr(result) == "<All keys matched successfully>"
    assert result.missing_keys == result.unexpected_keys == []
    assert_same(snapshot(source), snapshot(target))


def test_entries_share_memory_and_are_detached() -> None:
    layer = nn.Linear(2, 2)
    state = layer.state_dict()
    assert not state["weight"].requires_grad
    state["weight"].fill_(7.0)
    assert layer.weight[0, 0].item() == 7.0
    assert layer.state_dict(keep_vars=True)["weight"] is layer.weight
    assert list(layer.state_dict(prefix="x.")) == ["x.weight", "x.bias"]
    mine: dict[str, Any] = {}
    assert layer.state_dict(destination=mine) is mine


def test_all_problems_are_listed_and_nothing_changes() -> None:
    net = make()
    state = make().state_dict()
    del state["2.bias"]
    state["2.extra"] = plait.zeros(1)
    state["0.weight"] = plait.zeros(4, 5)
    before = snapshot(net)
    with pytest.raises(RuntimeError) as caught:
        net.load_state_dict(state)
    text = str(caught.value)
    assert text.startswith("Error(s) in loading state_dict for Sequential:\n\t")
    assert 'Missing key(s) in state_dict: "2.bias".' in text
    assert 'Unexpected key(s) in state_dict: "2.extra".' in text
    assert "size mismatch for 0.weight: copying a param with shape" in text
    assert_same(before, snapshot(net))


def test_not_strict_accepts_other_keys_but_no_other_shapes() -> None:
    net = make()
    state = make().state_dict()
    del state["2.bias"]
    state["9.w"] = plait.zeros(1)
    result = net.load_state_dict(state, strict=False)
    assert result.missing_keys == ["2.bias"]
    assert result.unexpected_keys == ["9.w"]
    state["0.weight"] = plait.zeros(1, 1)
    before = snapshot(net)
    with pytest.raises(RuntimeError, match="size mismatch"):
        net.load_state_dict(state, strict=False)
    assert_same(before, snapshot(net))


def test_values_are_checked() -> None:
    layer = nn.Linear(2, 2)
    with pytest.raises(TypeError, match="expected state_dict to be a dict, got list"):
        layer.load_state_dict([1])
    with pytest.raises(RuntimeError, match="expected a Tensor from the checkpoint but received int"):
        layer.load_state_dict({"weight": 3, "bias": plait.zeros(2)})


def test_dtype_of_the_module_is_kept_and_assign_takes_the_tensor() -> None:
    layer = nn.Linear(2, 2)
    state = nn.Linear(2, 2).double().state_dict()
    layer.load_state_dict(state)
    assert layer.weight.dtype == plait.float32
    layer.bias.requires_grad_(False)
    layer.load_state_dict(state, assign=True)
    assert layer.weight.dtype == plait.float64
    assert isinstance(layer.weight, nn.Parameter)
    assert layer.weight.requires_grad
    assert not layer.bias.requires_grad
    layer.weight.data.fill_(3.0)
    assert state["weight"][0, 0].item() == 3.0


def test_a_batch_norm_without_counter_loads() -> None:
    state = {k: v for k, v in make().state_dict().items() if "num_batches" not in k}
    net = make()
    net.load_state_dict(state)
    assert "1.num_batches_tracked" not in state


def test_non_persistent_buffers_are_left_out() -> None:
    m = nn.Module()
    m.register_buffer("kept", plait.zeros(1))
    m.register_buffer("cache", plait.zeros(1), persistent=False)
    assert list(m.state_dict()) == ["kept"]
    m.load_state_dict({"kept": plait.ones(1)})
    assert m.kept.item() == 1.0


class WithExtra(nn.Linear):
    def get_extra_state(self) -> Any:
        return {"steps": getattr(self, "steps", 0)}

    def set_extra_state(self, state: Any) -> None:
        self.steps = state["steps"]


def test_extra_state() -> None:
    a, b = WithExtra(1, 1), WithExtra(1, 1)
    a.steps = 5
    state = a.state_dict()
    assert state["_extra_state"] == {"steps": 5}
    b.load_state_dict(state)
    assert b.steps == 5
    with pytest.raises(RuntimeError, match="Unexpected key"):
        nn.Linear(1, 1).load_state_dict(state)
    del state["_extra_state"]
    with pytest.raises(RuntimeError, match="Missing key"):
        b.load_state_dict(state)


def test_hooks() -> None:
    net = nn.Sequential(nn.Linear(1, 1))
    seen: list[str] = []
    net.register_state_dict_pre_hook(lambda m, prefix, keep: seen.append(f"save {prefix!r}"))
    net.register_state_dict_post_hook(lambda m, state, prefix, meta: state.update(note=plait.zeros(1)))
    state = net.state_dict()
    assert "note" in state
    net.register_load_state_dict_pre_hook(lambda m, state, *rest: state.pop("note"))
    handle = net[0].register_load_state_dict_post_hook(lambda m, keys: keys.missing_keys.clear())
    assert net.load_state_dict(state).unexpected_keys == []
    del state["0.bias"]
    state["0.weight"].fill_(8.0)
    net.load_state_dict(OrderedDict(state, note=plait.zeros(1)))
    assert net[0].weight.item() == 8.0
    handle.remove()
    with pytest.raises(RuntimeError, match="Missing key"):
        net.load_state_dict(OrderedDict(state, note=plait.zeros(1)))
    assert seen == ["save ''"]


def test_own_loading_code_is_called() -> None:
    class Renamed(nn.Linear):
        def _load_from_state_dict(self, state_dict: Any, prefix: str, *args: Any) -> None:
            if prefix + "w" in state_dict:
                state_dict[prefix + "weight"] = state_dict.pop(prefix + "w")
            super()._load_from_state_dict(state_dict, prefix, *args)

    net = nn.Sequential(Renamed(1, 1))
    net.load_state_dict({"0.w": plait.full((1, 1), 4.0), "0.bias": plait.zeros(1)})
    assert net[0].weight.item() == 4.0
