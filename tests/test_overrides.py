# SPDX-License-Identifier: MIT
"""Subclasses of Tensor, __torch_function__, modes; devices and ops as objects."""

from __future__ import annotations

import copy
import inspect
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import plait
from plait import nn, overrides
from plait.nn import functional as F


class Sub(plait.Tensor):
    pass


class SubSub(Sub):
    pass


class Logged(plait.Tensor):
    names: list[str] = []

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        cls.names.append(getattr(func, "__name__", ""))
        return super().__torch_function__(func, types, args, kwargs or {})


class Duck:
    """Takes over calls without being a tensor."""

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return func.__name__, types, len(args), kwargs


def sub(kind: type = Sub) -> Any:
    return plait.tensor([1.0, 2.0, 3.0]).as_subclass(kind)


RESULTS: dict[str, Callable[[Any], Any]] = {
    "operator": lambda s: s + 1,
    "reflected": lambda s: 1 - s,
    "plain operand": lambda s: plait.ones(3) * s,
    "function": plait.exp,
    "method": lambda s: s.sum(),
    "in place": lambda s: s.clone().add_(1),
    "index": lambda s: s[0],
    "attribute": lambda s: s.T,
    "data": lambda s: s.data,
    "Python method": lambda s: s.double(),
    "tuple": lambda s: s.split(1)[1],
    "named tuple": lambda s: s.max(0).values,
    "list of tensors": lambda s: plait.cat([plait.ones(1), s]),
    "functional op": lambda s: F.softmax(s, 0),
    "functional composition": lambda s: F.cosine_similarity(s, s, 0),
    "composition": lambda s: plait.cdist(s[None], s[None]),
    "module": lambda s: nn.Linear(3, 2)(s),
    "creation": plait.zeros_like,
    "item of iteration": lambda s: next(iter(s)),
    "detach": lambda s: s.detach(),
    "copy": copy.deepcopy,
}


@pytest.mark.parametrize("name", RESULTS)
def test_results_have_the_class(name: str) -> None:
    s = sub()
    assert type(RESULTS[name](s)) is Sub
    assert type(RESULTS[name](sub(SubSub))) is SubSub
    plain = RESULTS[name](plait.tensor([1.0, 2.0, 3.0]))
    assert type(plain) is plait.Tensor


def test_the_most_derived_class_wins() -> None:
    assert type(sub() + sub(SubSub)) is SubSub
    assert type(sub(SubSub) + sub()) is SubSub

    class Other(plait.Tensor):
        pass

    with pytest.raises(TypeError, match="no implementation found"):
        sub() + sub(Other)


def test_parameters_leave_no_trace() -> None:
    p = nn.Parameter(plait.ones(3))
    assert type(p + 1) is plait.Tensor
    assert type(p[0]) is plait.Tensor
    assert type(nn.Buffer(plait.ones(3)) + 1) is plait.Tensor
    assert type(p + sub()) is Sub


def test_gradients_flow_through_a_subclass() -> None:
    x = plait.ones(3, requires_grad=True)
    y = (x.as_subclass(Sub) * 2).sum()
    y.backward()
    assert type(y) is Sub
    assert x.grad.tolist() == [2.0] * 3
    leaf = Sub([1.0, 2.0]).requires_grad_()
    (leaf * leaf).sum().backward()
    assert type(leaf.grad) is plait.Tensor
    assert leaf.grad.tolist() == [2.0, 4.0]


def test_as_subclass_shares_memory() -> None:
    x = plait.zeros(2)
    s = x.as_subclass(Sub)
    s[0] = 1
    assert x.tolist() == [1.0, 0.0]
    with pytest.raises(TypeError, match="subclass of Tensor"):
        x.as_subclass(int)
    made = plait.Tensor._make_subclass(Sub, x, True)
    assert type(made) is Sub and made.requires_grad and made.data_ptr() == x.data_ptr()


def test_what_a_class_sees() -> None:
    x = plait.ones(3).as_subclass(Logged)
    for name, call in {
        "add": lambda: x + 1,
        "size": lambda: x.size(),
        "__get__": lambda: x.shape,
        "__getitem__": lambda: x[0],
        "softmax": lambda: F.softmax(x, 0),
        "cat": lambda: plait.cat([x]),
        "to": lambda: x.to(plait.float64),
        "numpy": lambda: x.numpy(),
        "cosine_similarity": lambda: F.cosine_similarity(x, x, 0),
        "cdist": lambda: plait.cdist(plait.ones(1, 3), plait.ones(1, 3).as_subclass(Logged)),
    }.items():
        Logged.names.clear()
        call()
        assert Logged.names[0] == name
        assert len(Logged.names) == 1
    Logged.names.clear()
    x[0] = 5
    assert Logged.names == ["__setitem__"]


def test_other_classes_take_over() -> None:
    assert plait.add(Duck(), 1) == ("add", (Duck,), 2, {})
    assert plait.add(plait.ones(2), other=Duck())[:3] == ("add", (Duck,), 1)
    assert (plait.ones(2) + Duck())[0] == "add"
    assert F.softmax(Duck(), dim=0)[0] == "softmax"
    assert F.cosine_similarity(Duck(), plait.ones(2))[0] == "cosine_similarity"
    assert plait.stack([plait.ones(2), Duck()])[1] == (Duck,)
    with pytest.raises(TypeError):
        plait.ones(2) + object()

    class Declines:
        @classmethod
        def __torch_function__(cls, *args: Any, **kwargs: Any) -> Any:
            return NotImplemented

    with pytest.raises(TypeError, match=r"no implementation found for 'plait.add'.*Declines"):
        plait.add(Declines(), 1)


def test_errors_pass_through() -> None:
    class Fails(plait.Tensor):
        @classmethod
        def __torch_function__(cls, *args: Any, **kwargs: Any) -> Any:
            raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        plait.ones(2).as_subclass(Fails) + 1


def test_modes_see_every_call() -> None:
    class Names(overrides.TorchFunctionMode):
        def __init__(self, tag: str) -> None:
            self.tag = tag

        def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            seen.append((self.tag, func.__name__))
            return func(*args, **(kwargs or {}))

    seen: list[tuple[str, str]] = []
    with Names("outer"), Names("inner"):
        x = plait.ones(2).exp()
    assert seen == [("inner", "ones"), ("outer", "ones"), ("inner", "exp"), ("outer", "exp")]
    assert (x + 1).tolist() and len(seen) == 4
    with Names("off"), overrides.DisableTorchFunction():
        plait.ones(2)
    assert len(seen) == 4


def test_turning_classes_off() -> None:
    with overrides.DisableTorchFunctionSubclass():
        assert type(sub() + 1) is plait.Tensor
    assert type(sub() + 1) is Sub


def test_questions() -> None:
    assert overrides.is_tensor_like(plait.ones(1)) and overrides.is_tensor_like(Duck())
    assert not overrides.is_tensor_like(3)
    assert overrides.has_torch_function((1, Duck())) and not overrides.has_torch_function((plait.ones(1),))
    assert overrides.has_torch_function_unary(sub())
    assert not overrides.has_torch_function_variadic(nn.Parameter(plait.ones(1)), 3)
    assert overrides.resolve_name(plait.Tensor.exp) == "plait.Tensor.exp"
    assert overrides.is_tensor_method_or_property(plait.Tensor.add)
    assert not overrides.is_tensor_method_or_property(plait.add)


def test_function_of_a_program() -> None:
    def double(x: Any) -> Any:
        if overrides.has_torch_function_unary(x):
            return overrides.handle_torch_function(double, (x,), x)
        return x * 2

    assert double(Duck())[:2] == ("double", (Duck,))
    assert type(double(sub())) is Sub
    wrapped = overrides.wrap_torch_function(lambda x: (x,))(lambda x: x)
    assert wrapped(Duck())[1] == (Duck,)


# ---- Ops and devices as objects ----


def test_ops_take_attributes() -> None:
    F.relu.mark = 1
    assert F.relu.mark == 1
    del F.relu.mark
    assert plait.add.__name__ == "add" and plait.add.__module__ == "plait"
    assert pickle.loads(pickle.dumps(plait.add)) is plait.add
    assert pickle.loads(pickle.dumps(F.relu)) is F.relu


def test_devices_can_be_named_and_not_used() -> None:
    for name, index in {"cuda": None, "cuda:1": 1, "meta": None, "mps": None, "cpu:0": 0}.items():
        d = plait.device(name)
        assert (d.type, d.index, str(d)) == (name.split(":")[0], index, name)
        assert d == plait.device(name) and hash(d) == hash(plait.device(name))
        assert copy.deepcopy(d) == d
    assert plait.device("cuda", 2) == plait.device("cuda:2") == plait.device(2)
    assert plait.device("cpu") != plait.device("cuda")
    for use in (
        lambda: plait.ones(2, device="cuda"),
        lambda: plait.ones(2, device=plait.device("mps")),
        lambda: plait.ones(2).to("cuda"),
        lambda: plait.tensor([1.0], device="cuda"),
        lambda: nn.Linear(2, 2).to("cuda"),
        lambda: nn.Linear(2, 2, device="cuda:0"),
        lambda: plait.device("cuda").__enter__(),
    ):
        with pytest.raises(plait.ArgumentError, match="expected device 'cpu'"):
            use()
    for bad in ("gpu", "cuda:", "cuda:x", "cuda:-1", "", "cuda:1:2"):
        with pytest.raises(ValueError):
            plait.device(bad)


def test_numpy_of_a_leaf_without_grad_mode() -> None:
    x = plait.ones(2, requires_grad=True)
    with plait.no_grad():
        assert x.numpy().tolist() == [1.0, 1.0]
    with pytest.raises(RuntimeError, match="requires grad"):
        x.numpy()


def test_older_spellings() -> None:
    x, a, b = plait.ones(2), plait.full((2,), 3.0), plait.full((2,), 2.0)
    assert x.clone().add_(2, a).tolist() == [7.0, 7.0]
    assert x.clone().sub_(2, a).tolist() == [-5.0, -5.0]
    assert x.clone().addcmul_(2, a, b).tolist() == [13.0, 13.0]
    assert x.clone().addcdiv_(2, a, b).tolist() == [4.0, 4.0]
    assert [t.tolist() for t in x.split(split_size=1)] == [[1.0], [1.0]]


def test_from_dlpack_with_device_and_copy() -> None:
    a = np.ones(2)
    shared = plait.from_dlpack(a, device="cpu")
    copied = plait.from_dlpack(a, copy=True)
    a[0] = 5
    assert shared.tolist() == [5.0, 1.0] and copied.tolist() == [1.0, 1.0]


def test_storage_says_its_size() -> None:
    t = plait.ones(3, 4)[1:]
    assert t.untyped_storage().nbytes() == t.untyped_storage().size() == 48


def test_module_as_a_callable_object() -> None:
    m = nn.Linear(2, 2)
    assert list(inspect.signature(m).parameters) == ["args", "kwargs"]
    assert "in_features" in inspect.signature(nn.Linear).parameters

    class Wrapper(nn.Module):
        def __init__(self, inner: nn.Module) -> None:
            super().__init__()
            self.inner = inner

        def __getattr__(self, name: str) -> Any:
            try:
                return super().__getattr__(name)
            except AttributeError:
                return getattr(self.inner, name)

    assert Wrapper(m).in_features == 2
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = m.nothing


def test_optimizer_that_wraps_another() -> None:
    w = plait.ones(2, requires_grad=True)

    class Wrapped(plait.optim.Optimizer):
        def __init__(self, inner: plait.optim.Optimizer) -> None:
            self.inner = inner

        def step(self, closure: Any = None) -> Any:
            return self.inner.step(closure)

    (w * 2).sum().backward()
    Wrapped(plait.optim.SGD([w], lr=0.5)).step()
    assert w.tolist() == [0.0, 0.0]


class Watched(plait.Tensor):
    """Notes the calls that it is asked to take over."""

    calls: list[str] = []

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        owner = getattr(func, "__self__", None)
        cls.calls.append(f"{getattr(owner, '__name__', '')}.{func.__name__}".lstrip("."))
        return super().__torch_function__(func, types, args, kwargs or {})


def test_questions_and_attributes_that_are_set() -> None:
    t = plait.ones(1).as_subclass(Watched)
    for use, name in (
        (len, "__len__"),
        (bool, "__bool__"),
        (float, "__float__"),
        (int, "__int__"),
    ):
        Watched.calls.clear()
        assert use(t) == 1 and type(use(t)) is type(use(plait.ones(1))) and name in Watched.calls
    Watched.calls.clear()
    t.requires_grad = True
    t.grad = plait.zeros(1)
    t.data = plait.full((1,), 3.0)
    del t.grad
    assert [c for c in Watched.calls if "set" in c or "delete" in c] == [
        "requires_grad.__set__",
        "grad.__set__",
        "data.__set__",
        "grad.__delete__",
    ]
    assert t.item() == 3 and t.grad is None and t.requires_grad
    with pytest.raises(TypeError, match="0-d"):
        len(plait.ones(()).as_subclass(Watched))
    with pytest.raises(RuntimeError, match="ambiguous"):
        bool(plait.ones(2).as_subclass(Watched))
