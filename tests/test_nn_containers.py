# SPDX-License-Identifier: MIT
"""Sequential, ModuleList, ModuleDict, ParameterList and ParameterDict."""

from __future__ import annotations

from collections import OrderedDict

import pytest

import plait
from plait import nn


def kinds(modules: object) -> list[str]:
    return [type(m).__name__ for m in modules]


def test_sequential_calls_and_indexes() -> None:
    net = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
    assert tuple(net(plait.ones(4, 2)).shape) == (4, 1)
    assert len(net) == 3
    assert net[-1] is net[2]
    assert kinds(net[:2]) == ["Linear", "ReLU"]
    assert kinds(net[::2]) == ["Linear", "Linear"]
    with pytest.raises(IndexError):
        net[3]
    named = nn.Sequential(OrderedDict(first=nn.ReLU(), second=nn.Tanh()))
    assert [name for name, _ in named.named_children()] == ["first", "second"]
    assert named.second is named[1]
    with pytest.raises(TypeError, match="is not a Module subclass"):
        nn.Sequential(nn.ReLU(), 3)


def test_sequential_changes() -> None:
    net = nn.Sequential(nn.ReLU())
    assert net.append(nn.Tanh()) is net
    net.insert(0, nn.Sigmoid())
    net.extend([nn.GELU()])
    assert kinds(net) == ["Sigmoid", "ReLU", "Tanh", "GELU"]
    net[1] = nn.SiLU()
    assert isinstance(net.pop(0), nn.Sigmoid)
    assert kinds(net) == ["SiLU", "Tanh", "GELU"]
    del net[0]
    assert list(net._modules) == ["0", "1"]
    assert kinds(net + nn.Sequential(nn.ELU())) == ["Tanh", "GELU", "ELU"]
    net += nn.Sequential(nn.ELU())
    assert kinds(net) == ["Tanh", "GELU", "ELU"]
    del net[1:]
    assert kinds(net) == ["Tanh"]
    assert kinds(net * 2) == ["Tanh", "Tanh"]
    with pytest.raises(ValueError, match="Sequential"):
        net + [nn.ReLU()]
    with pytest.raises(IndexError):
        net.insert(5, nn.ReLU())


def test_module_list() -> None:
    layers = nn.ModuleList(nn.Linear(i + 1, 1) for i in range(3))
    assert len(list(layers.parameters())) == 6
    assert layers[-1].in_features == 3
    assert kinds(layers[1:]) == ["Linear", "Linear"]
    assert isinstance(layers[1:], nn.ModuleList)
    layers.append(nn.ReLU()).extend([nn.Tanh()])
    layers.insert(0, nn.GELU())
    layers += [nn.ELU()]
    assert kinds(layers) == ["GELU", "Linear", "Linear", "Linear", "ReLU", "Tanh", "ELU"]
    layers[0] = nn.SiLU()
    assert isinstance(layers.pop(-1), nn.ELU)
    del layers[1:3]
    assert kinds(layers) == ["SiLU", "Linear", "ReLU", "Tanh"]
    assert list(layers._modules) == ["0", "1", "2", "3"]
    assert kinds(layers + [nn.ReLU()])[-1] == "ReLU"
    with pytest.raises(IndexError):
        layers[9]
    with pytest.raises(TypeError):
        layers.append(3)
    with pytest.raises(NotImplementedError):
        layers(plait.ones(1))


def test_module_list_repr_joins_equal_entries() -> None:
    layers = nn.ModuleList([nn.ReLU(), nn.ReLU(), nn.Tanh()])
    assert repr(layers) == "ModuleList(\n  (0-1): 2 x ReLU()\n  (2): Tanh()\n)"


def test_module_dict() -> None:
    table = nn.ModuleDict({"a": nn.ReLU(), "b": nn.Linear(1, 1)})
    table["c"] = nn.Tanh()
    table.update([("d", nn.ELU())])
    assert list(table) == list(table.keys()) == ["a", "b", "c", "d"]
    assert "b" in table
    assert isinstance(table.pop("a"), nn.ReLU)
    del table["c"]
    assert kinds(table.values()) == ["Linear", "ELU"]
    assert [k for k, _ in table.items()] == ["b", "d"]
    assert list(table.state_dict()) == ["b.weight", "b.bias"]
    table.clear()
    assert len(table) == 0
    with pytest.raises(KeyError):
        table["b"]
    with pytest.raises(ValueError, match="expected pairs"):
        table.update([("a", nn.ReLU(), 3)])
    with pytest.raises(TypeError):
        table.update(3)


def test_parameter_list() -> None:
    params = nn.ParameterList([plait.zeros(2), nn.Parameter(plait.ones(3))])
    params.append(plait.zeros(1)).extend([plait.zeros(4)])
    assert [p.numel() for p in params] == [2, 3, 1, 4]
    assert all(isinstance(p, nn.Parameter) for p in params)
    assert list(params.state_dict()) == ["0", "1", "2", "3"]
    params[0] = plait.ones(5)
    assert params[0].numel() == 5
    assert [p.numel() for p in params[1:3]] == [3, 1]
    assert repr(nn.ParameterList([plait.zeros(2, 3), plait.zeros(1)])) == (
        f"ParameterList(\n    (0): Parameter containing: [{plait.float32} of size 2x3]\n"
        f"    (1): Parameter containing: [{plait.float32} of size 1]\n)"
    )
    with pytest.raises(IndexError):
        params[7]
    with pytest.raises(TypeError):
        params.extend(plait.zeros(2))
    with pytest.raises(RuntimeError):
        params(1)


def test_parameter_dict() -> None:
    params = nn.ParameterDict({"a": plait.zeros(2)})
    params["b"] = plait.zeros(3)
    assert isinstance(params["b"], nn.Parameter)
    assert list(params.keys()) == ["a", "b"]
    assert list(params.state_dict()) == ["a", "b"]
    assert params.get("c") is None
    assert params.setdefault("c", plait.zeros(1)).numel() == 1
    assert params.pop("c").numel() == 1
    merged = params | nn.ParameterDict({"d": plait.zeros(4)})
    assert list(merged) == ["a", "b", "d"]
    assert merged.popitem()[0] == "d"
    assert list(nn.ParameterDict.fromkeys(["x", "y"], 1).items()) == [("x", 1), ("y", 1)]
    params.clear()
    assert len(params) == 0
    with pytest.raises(KeyError):
        params["a"]
    with pytest.raises(TypeError):
        params[3] = plait.zeros(1)
