# SPDX-License-Identifier: MIT
"""Hooks of modules."""

from __future__ import annotations

import gc
import pickle
import weakref
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import pytest

import plait
from plait import nn
from plait.nn.modules import _hooks
from plait.utils.hooks import RemovableHandle


@pytest.fixture
def layer() -> nn.Linear:
    linear = nn.Linear(1, 1, bias=False)
    linear.weight.data.fill_(2.0)
    return linear


def test_forward_hooks_run_in_order_and_may_replace(layer: nn.Linear) -> None:
    order: list[str] = []
    layer.register_forward_pre_hook(lambda m, args: order.append("pre"))
    layer.register_forward_hook(lambda m, args, out: order.append("first"))
    layer.register_forward_hook(lambda m, args, out: order.append("before"), prepend=True)
    layer.register_forward_hook(lambda m, args, out: out + 1)
    assert layer(plait.ones(1, 1)).item() == 3.0
    assert order == ["pre", "before", "first"]


def test_pre_hook_replaces_arguments(layer: nn.Linear) -> None:
    handle = layer.register_forward_pre_hook(lambda m, args: args[0] * 10)
    assert layer(plait.ones(1, 1)).item() == 20.0
    handle.remove()
    handle.remove()
    assert layer(plait.ones(1, 1)).item() == 2.0
    with layer.register_forward_pre_hook(lambda m, args: (args[0] * 3,)):
        assert layer(plait.ones(1, 1)).item() == 6.0
    assert layer(plait.ones(1, 1)).item() == 2.0


def test_hooks_with_keyword_arguments() -> None:
    class Scale(nn.Module):
        def forward(self, x: float, factor: float = 1.0) -> float:
            return x * factor

    m = Scale()
    m.register_forward_pre_hook(lambda m, args, kwargs: (args, {"factor": kwargs["factor"] + 1}), with_kwargs=True)
    m.register_forward_hook(lambda m, args, kwargs, out: out + kwargs["factor"], with_kwargs=True)
    assert m(2.0, factor=4.0) == 15.0
    m.register_forward_pre_hook(lambda m, args, kwargs: 3, with_kwargs=True)
    with pytest.raises(RuntimeError, match="expected None or a pair"):
        m(2.0, factor=4.0)


def test_always_call_runs_after_an_error() -> None:
    class Fails(nn.Module):
        def forward(self, x: Any) -> Any:
            raise ValueError("no")

    m = Fails()
    seen: list[Any] = []
    m.register_forward_hook(lambda m, args, out: seen.append(("plain", out)))
    m.register_forward_hook(lambda m, args, out: seen.append(("always", out)), always_call=True)
    with pytest.raises(ValueError, match="no"):
        m(1)
    assert seen == [("always", None)]


def test_backward_hooks_see_and_replace_gradients(layer: nn.Linear) -> None:
    seen: list[Any] = []
    layer.register_full_backward_pre_hook(lambda m, grad_out: (grad_out[0] * 10,))
    layer.register_full_backward_hook(lambda m, grad_in, grad_out: seen.append((grad_in, grad_out)))
    layer.register_full_backward_hook(lambda m, grad_in, grad_out: (grad_in[0] + 1,))
    x = plait.ones(1, 1, requires_grad=True)
    layer(x).sum().backward()
    ((grad_in, grad_out),) = seen
    assert grad_out[0].item() == 10.0
    assert grad_in[0].item() == 20.0
    assert x.grad.item() == 21.0
    assert layer.weight.grad.item() == 10.0


def test_backward_hook_without_input_gradient(layer: nn.Linear) -> None:
    seen: list[Any] = []
    layer.register_full_backward_hook(lambda m, grad_in, grad_out: seen.append((grad_in, grad_out[0].item())))
    layer(plait.ones(1, 1)).sum().backward()
    assert seen == [((None,), 1.0)]


def test_backward_hook_with_several_inputs_and_outputs() -> None:
    class Pair(nn.Module):
        def forward(self, a: Any, b: Any, flag: str) -> Any:
            return a * b, a + b

    m = Pair()
    seen: list[Any] = []
    m.register_full_backward_hook(lambda m, grad_in, grad_out: seen.append((grad_in, grad_out)))
    a, b = plait.tensor([2.0], requires_grad=True), plait.tensor([3.0], requires_grad=True)
    product, total = m(a, b, "x")
    (product * 10 + total).sum().backward()
    ((grad_in, grad_out),) = seen
    assert [g.item() for g in grad_out] == [10.0, 1.0]
    assert [g if g is None else g.item() for g in grad_in] == [31.0, 21.0, None]
    assert a.grad.item() == 31.0


def test_global_hooks(layer: nn.Linear) -> None:
    seen: list[str] = []
    handles = [
        _hooks.register_module_forward_pre_hook(lambda m, args: seen.append(f"pre {type(m).__name__}")),
        _hooks.register_module_forward_hook(lambda m, args, out: seen.append(f"post {type(m).__name__}")),
    ]
    nn.Sequential(layer)(plait.ones(1, 1))
    for handle in handles:
        handle.remove()
    layer(plait.ones(1, 1))
    assert seen == ["pre Sequential", "pre Linear", "post Linear", "post Sequential"]


def test_hooks_are_copied_with_the_module(layer: nn.Linear) -> None:
    import copy

    layer.register_forward_hook(_add_one)
    assert copy.deepcopy(layer)(plait.ones(1, 1)).item() == 3.0


def _add_one(module: nn.Module, args: Any, out: plait.Tensor) -> plait.Tensor:
    return out + 1


def _registrations() -> list[Callable[[Any], RemovableHandle]]:
    tensor = plait.ones(1, requires_grad=True)
    node = (tensor * 2).grad_fn
    module = nn.Linear(1, 1)
    optimizer = plait.optim.SGD(module.parameters(), lr=0.1)
    return [
        tensor.register_hook,
        tensor.register_post_accumulate_grad_hook,
        node.register_hook,
        node.register_prehook,
        module.register_forward_hook,
        module.register_load_state_dict_post_hook,
        _hooks.register_module_forward_hook,
        optimizer.register_step_post_hook,
    ]


@pytest.mark.parametrize("register", _registrations())
def test_every_registration_returns_the_same_kind_of_handle(register: Callable[[Any], RemovableHandle]) -> None:
    with register(lambda *args: None) as handle:
        assert type(handle) is RemovableHandle
    handle.remove()  # a second call does nothing


def test_handle_keeps_nothing_alive() -> None:
    module = nn.Linear(1, 1)
    handle = module.register_forward_hook(lambda m, args, out: None)
    gone = weakref.ref(module)
    del module
    gc.collect()
    assert gone() is None
    handle.remove()


def test_handle_takes_its_entries_out_of_every_table() -> None:
    hooks: OrderedDict[int, str] = OrderedDict()
    flags: OrderedDict[int, str] = OrderedDict()
    handle = RemovableHandle(hooks, extra_dict=flags)
    hooks[handle.id] = flags[handle.id] = "mine"
    other = RemovableHandle(hooks, extra_dict=[flags])
    hooks[other.id] = "another"
    handle.remove()
    assert hooks == {other.id: "another"}
    assert not flags


def test_handle_travels_with_its_table() -> None:
    hooks: OrderedDict[int, str] = OrderedDict()
    handle = RemovableHandle(hooks)
    hooks[handle.id] = "mine"
    copied_hooks, copy = pickle.loads(pickle.dumps((hooks, handle)))
    copy.remove()
    assert not copied_hooks
    assert hooks
    alone = pickle.loads(pickle.dumps(handle))
    alone.remove()
    assert hooks
    assert RemovableHandle(hooks).id > handle.id


def test_hook_of_a_tensor_is_off_although_only_the_graph_is_left() -> None:
    calls: list[plait.Tensor] = []
    x = plait.ones(1, requires_grad=True)
    y = x * 2
    handle = y.register_hook(calls.append)
    z = y * 3
    del y
    gc.collect()
    handle.remove()
    z.backward()
    assert not calls


def test_hook_of_a_tensor_stays_without_its_handle() -> None:
    x = plait.ones(1, requires_grad=True)
    x.register_hook(lambda g: g * 10)
    gc.collect()
    x.sum().backward()
    assert x.grad is not None and x.grad.tolist() == [10.0]
