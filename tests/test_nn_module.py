# SPDX-License-Identifier: MIT
"""The base class: attributes, registration, iteration, modes, conversion, copies, text and errors."""

from __future__ import annotations

import copy
import gc
import pickle
import weakref
from typing import Any

import numpy as np
import pytest

import plait
from plait import nn


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.hidden = nn.Linear(3, 4)
        self.norm = nn.BatchNorm1d(4)
        self.out = nn.Linear(4, 2)

    def forward(self, x: plait.Tensor) -> plait.Tensor:
        return self.out(self.norm(self.hidden(x)).relu())


class OldStyleNet(nn.Module):
    def __init__(self) -> None:
        super(OldStyleNet, self).__init__()  # noqa: UP008
        self.fc = nn.Linear(2, 2)


def names(pairs: Any) -> list[str]:
    return [name for name, _ in pairs]


# ---- attributes ------------------------------------------------------------------------------------------


def test_assigned_parameters_and_modules_are_found_in_order() -> None:
    net = Net()
    assert names(net.named_parameters()) == [
        "hidden.weight",
        "hidden.bias",
        "norm.weight",
        "norm.bias",
        "out.weight",
        "out.bias",
    ]
    assert names(net.named_buffers()) == ["norm.running_mean", "norm.running_var", "norm.num_batches_tracked"]
    assert names(net.named_children()) == ["hidden", "norm", "out"]
    assert len(list(OldStyleNet().parameters())) == 2


def test_reassigning_keeps_the_position_and_deleting_frees_it() -> None:
    m = nn.Module()
    m.a, m.b = nn.Parameter(plait.zeros(1)), nn.Parameter(plait.zeros(2))
    new = nn.Parameter(plait.ones(1))
    m.a = new
    assert m.a is new
    assert names(m.named_parameters()) == ["a", "b"]
    del m.a
    assert not hasattr(m, "a")
    m.a = nn.Parameter(plait.zeros(3))
    assert names(m.named_parameters()) == ["b", "a"]


def test_kinds_replace_each_other() -> None:
    m = nn.Module()
    m.x = nn.Parameter(plait.zeros(1))
    m.x = nn.ReLU()
    assert names(m.named_parameters()) == []
    assert names(m.named_children()) == ["x"]
    m.x = nn.Parameter(plait.zeros(1))
    assert names(m.named_children()) == []
    assert names(m.named_parameters()) == ["x"]
    m.y = 3
    m.y = nn.Buffer(plait.zeros(1), persistent=False)
    assert names(m.named_buffers()) == ["y"]
    assert list(m.state_dict()) == ["x"]


def test_none_reserves_a_name() -> None:
    m = nn.Module()
    m.register_parameter("w", None)
    m.register_buffer("b", None)
    assert m.w is None
    assert m.b is None
    assert list(m.parameters()) == []
    m.w = nn.Parameter(plait.ones(2))
    m.b = plait.ones(2)
    assert list(m.state_dict()) == ["w", "b"]
    m.w = None
    assert list(m.state_dict()) == ["b"]


def test_the_tables_and_the_attributes_agree() -> None:
    m = nn.Module()
    first, second = nn.Linear(1, 1), nn.Linear(1, 1)
    m.layer = first
    m._modules["layer"] = second  # how programs exchange layers
    assert m.layer is second
    m._parameters["w"] = nn.Parameter(plait.zeros(1))
    assert m.w is m._parameters["w"]
    del m._parameters["w"]
    assert not hasattr(m, "w")
    assert m._modules.pop("layer") is second
    assert not hasattr(m, "layer")
    m._modules.update(a=first)
    assert m.a is first
    m._modules.clear()
    assert not hasattr(m, "a")


@pytest.mark.parametrize(
    ("value", "kind"),
    [(nn.Parameter(plait.zeros(1)), "parameters"), (nn.ReLU(), "module"), (nn.Buffer(plait.zeros(1)), "buffer")],
)
def test_assignment_before_init_says_so(value: Any, kind: str) -> None:
    class Forgot(nn.Module):
        def __init__(self) -> None:
            self.x = value

    with pytest.raises(AttributeError, match=rf"cannot assign {kind} before Module.__init__\(\) call"):
        Forgot()


def test_wrong_assignments() -> None:
    m = nn.Linear(2, 2)
    with pytest.raises(TypeError, match="cannot assign 'Tensor' as parameter 'weight'"):
        m.weight = plait.zeros(2, 2)
    m.layer = nn.ReLU()
    with pytest.raises(TypeError, match="cannot assign 'int' as child module 'layer'"):
        m.layer = 3
    m.register_buffer("seen", plait.zeros(1))
    with pytest.raises(TypeError, match="cannot assign 'float' as buffer 'seen'"):
        m.seen = 1.0
    with pytest.raises(AttributeError, match="'Linear' object has no attribute 'weigth'"):
        m.weigth  # noqa: B018
    with pytest.raises(AttributeError):
        del m.missing
    assert m.weight.requires_grad
    assert isinstance(m.layer, nn.ReLU)


@pytest.mark.parametrize("kind", ["parameter", "buffer", "module"])
def test_registration_checks_names(kind: str) -> None:
    m = nn.Module()
    m.taken = 1
    register = getattr(m, f"register_{kind}")
    value = {"parameter": nn.Parameter(plait.zeros(1)), "buffer": plait.zeros(1), "module": nn.ReLU()}[kind]
    with pytest.raises(TypeError, match="name should be a string"):
        register(3, value)
    with pytest.raises(KeyError, match="contain"):
        register("a.b", value)
    with pytest.raises(KeyError, match="empty"):
        register("", value)
    with pytest.raises(KeyError, match="already exists"):
        register("taken", value)
    with pytest.raises(TypeError):
        register("x", "no tensor")
    register("x", value)
    register("x", value)
    assert m.x is value


def test_a_computed_tensor_is_no_parameter() -> None:
    m = nn.Module()
    w = nn.Parameter(plait.ones(2))
    with pytest.raises(TypeError):
        m.register_parameter("w", w * 2)


def test_constructor_arguments_are_checked() -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument 'bais'"):
        nn.Module(bais=1)


def test_parameter() -> None:
    data = plait.ones(2, 3)
    p = nn.Parameter(data)
    assert isinstance(p, plait.Tensor)
    assert p.requires_grad
    assert p.is_leaf
    data[0, 0] = 5.0
    assert p[0, 0].item() == 5.0
    assert not nn.Parameter(data, requires_grad=False).requires_grad
    assert not isinstance(p * 2, nn.Parameter)
    assert repr(p).startswith("Parameter containing:\ntensor(")
    with pytest.raises(TypeError, match="expected data to be a Tensor, got list"):
        nn.Parameter([1.0])
    twin = copy.deepcopy(p)
    assert isinstance(twin, nn.Parameter)
    assert twin.requires_grad
    twin.data[0, 1] = 9.0
    assert p[0, 1].item() == 1.0
    again = pickle.loads(pickle.dumps(p))
    assert isinstance(again, nn.Parameter)
    np.testing.assert_array_equal(again.detach().numpy(), p.detach().numpy())


def test_a_module_is_freed_without_the_collector() -> None:
    gc.disable()
    try:
        net = Net()
        parameter = weakref.ref(net)
        del net
        assert parameter() is None
    finally:
        gc.enable()


# ---- looking up and walking ------------------------------------------------------------------------------


def test_look_up_by_path() -> None:
    net = nn.Sequential(nn.Linear(2, 2), nn.Sequential(nn.BatchNorm1d(2)))
    assert net.get_submodule("") is net
    assert net.get_submodule("1.0") is net[1][0]
    assert net.get_parameter("0.bias") is net[0].bias
    assert net.get_buffer("1.0.running_var") is net[1][0].running_var
    with pytest.raises(AttributeError, match="Sequential has no attribute `5`"):
        net.get_submodule("5")
    with pytest.raises(AttributeError, match=r"not an nn\.Module"):
        net.get_submodule("0.weight")
    with pytest.raises(AttributeError, match=r"not an nn\.Parameter"):
        net.get_parameter("1.0.running_mean")
    with pytest.raises(AttributeError, match="not a buffer"):
        net.get_buffer("0.weight")
    net.set_submodule("1.0", nn.ReLU())
    assert isinstance(net[1][0], nn.ReLU)
    with pytest.raises(AttributeError):
        net.set_submodule("1.7", nn.ReLU(), strict=True)


def test_shared_modules_and_parameters_are_yielded_once() -> None:
    layer = nn.Linear(2, 2)
    net = nn.Sequential(layer, layer)
    assert names(net.named_modules()) == ["", "0"]
    assert names(net.named_modules(remove_duplicate=False)) == ["", "0", "1"]
    assert len(list(net.parameters())) == 2
    assert len(list(net.named_parameters(remove_duplicate=False))) == 4
    assert names(net.named_children()) == ["0"]
    assert names(net.named_parameters(prefix="p")) == ["p.0.weight", "p.0.bias"]
    assert names(Net().named_parameters(recurse=False)) == []


def test_apply_visits_children_first() -> None:
    seen: list[str] = []
    net = nn.Sequential(nn.Linear(2, 2), nn.Sequential(nn.ReLU()))
    assert net.apply(lambda m: seen.append(type(m).__name__)) is net
    assert seen == ["Linear", "ReLU", "Sequential", "Sequential"]


# ---- mode, gradients, conversion -------------------------------------------------------------------------


def test_train_and_eval_reach_all_children() -> None:
    net = nn.Sequential(nn.Dropout(0.5), nn.Sequential(nn.BatchNorm1d(3)))
    assert net.eval() is net
    assert not any(m.training for m in net.modules())
    net.train()
    assert all(m.training for m in net.modules())
    with pytest.raises(ValueError, match="boolean"):
        net.train("yes")


def test_gradients_are_dropped_or_zeroed() -> None:
    net = nn.Linear(2, 1)
    net(plait.ones(1, 2)).sum().backward()
    assert net.weight.grad is not None
    net.zero_grad(set_to_none=False)
    assert net.weight.grad.tolist() == [[0.0, 0.0]]
    net.zero_grad()
    assert net.weight.grad is None
    assert net.requires_grad_(False) is net
    assert not net.weight.requires_grad
    net.requires_grad_()
    assert net.weight.requires_grad


def test_conversion_keeps_the_parameter_objects() -> None:
    net = Net()
    before = list(net.parameters())
    counter = net.norm.num_batches_tracked
    assert net.double() is net
    assert [id(p) for p in net.parameters()] == [id(p) for p in before]
    assert {p.dtype for p in net.parameters()} == {plait.float64}
    assert net.norm.running_mean.dtype == plait.float64
    assert net.norm.num_batches_tracked.dtype == counter.dtype == plait.int64
    assert net.float().hidden.weight.dtype == plait.float32
    assert net.half().hidden.weight.dtype == plait.float16
    assert net.bfloat16().hidden.weight.dtype == plait.bfloat16
    assert net.to(plait.float64).out.weight.dtype == plait.float64
    assert net.to("cpu", plait.float32).out.weight.dtype == plait.float32
    assert net.to(plait.zeros(1, dtype=plait.float64)).out.weight.dtype == plait.float64
    assert net.to(device=plait.device("cpu"), dtype=plait.float32).out.weight.dtype == plait.float32
    assert net.cpu() is net
    with pytest.raises(TypeError, match="only accepts floating point"):
        net.to(plait.int64)
    with pytest.raises(TypeError):
        net.to([1])


def test_conversion_converts_gradients() -> None:
    net = nn.Linear(2, 1)
    net(plait.ones(1, 2)).sum().backward()
    net.double()
    assert net.weight.grad.dtype == plait.float64


# ---- calling ---------------------------------------------------------------------------------------------


def test_forward_must_be_defined() -> None:
    with pytest.raises(NotImplementedError, match='missing the required "forward" function'):
        nn.Module()(1)


def test_an_error_names_the_module_and_its_input() -> None:
    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.blocks = nn.ModuleList([nn.Sequential(nn.ReLU(), nn.Linear(3, 4))])

        def forward(self, x: plait.Tensor) -> plait.Tensor:
            return self.blocks[0](x)

    with pytest.raises(RuntimeError) as caught:
        Model()(plait.ones(2, 5))
    assert caught.value.__notes__ == [
        "in Model.blocks.0.1: Linear(in_features=3, out_features=4, bias=True) got input (2, 5)"
    ]


# ---- copies and text -------------------------------------------------------------------------------------


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_copies_are_independent_and_complete(duplicate: Any) -> None:
    net = Net()
    net.extra = {"note": [1, 2]}
    net.eval()
    twin = duplicate(net)
    assert not twin.training
    assert twin.extra == net.extra
    x = plait.randn(5, 3)
    np.testing.assert_array_equal(twin(x).detach().numpy(), net(x).detach().numpy())
    twin.hidden.weight.data.fill_(0.0)
    assert net.hidden.weight.abs().sum().item() > 0
    twin.hidden = nn.Linear(3, 4)
    assert twin._modules["hidden"] is twin.hidden
    assert isinstance(net.hidden, nn.Linear)
    assert twin.hidden is not net.hidden
    twin._modules["out"] = nn.ReLU()
    assert isinstance(twin.out, nn.ReLU)


def test_deepcopy_with_a_computed_tensor_on_self() -> None:
    net = nn.Linear(2, 2)
    net.last = net(plait.ones(1, 2))
    twin = copy.deepcopy(net)
    np.testing.assert_array_equal(twin.last.detach().numpy(), net.last.detach().numpy())


def test_shared_parameters_stay_shared_in_copies() -> None:
    net = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    net[1].weight = net[0].weight
    twin = copy.deepcopy(net)
    assert twin[0].weight is twin[1].weight


def test_repr() -> None:
    assert repr(nn.Linear(3, 4, bias=False)) == "Linear(in_features=3, out_features=4, bias=False)"
    assert repr(nn.Sequential()) == "Sequential()"
    assert repr(Net()) == (
        "Net(\n"
        "  (hidden): Linear(in_features=3, out_features=4, bias=True)\n"
        "  (norm): BatchNorm1d(4, eps=1e-05, momentum=0.1, affine=True, bias=True, track_running_stats=True)\n"
        "  (out): Linear(in_features=4, out_features=2, bias=True)\n"
        ")"
    )

    class Titled(nn.Sequential):
        def extra_repr(self) -> str:
            return "title=a\nlines=2"

    assert repr(Titled(nn.ReLU())) == "Titled(\n  title=a\n  lines=2\n  (0): ReLU()\n)"
    assert "hidden" in dir(Net())
    assert "0" not in dir(nn.Sequential(nn.ReLU()))


def test_compile_does_nothing_and_share_memory_returns_the_module() -> None:
    net = Net()
    assert net.compile() is None
    assert net.share_memory() is net
