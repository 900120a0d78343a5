# SPDX-License-Identifier: MIT
"""Programs around subclasses of Tensor: classes that carry data, names of operators, parameters, copies, batches."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

import plait
from plait import _C, nn, overrides
from plait.nn import functional as F


class Sub(plait.Tensor):
    pass


class Meta(plait.Tensor):
    """Carries a dictionary through every call."""

    meta: dict[str, Any]

    @staticmethod
    def __new__(cls: Any, x: Any, meta: Any = None) -> Meta:
        return plait.as_tensor(x).as_subclass(cls)

    def __init__(self, x: Any, meta: Any = None) -> None:
        self.meta = meta or {}

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = super().__torch_function__(func, types, args, kwargs or {})
        flat = [a for group in args for a in (group if isinstance(group, list | tuple) else [group])]
        metas = [a.meta for a in flat if isinstance(a, Meta) and "meta" in a.__dict__]
        for r in result if isinstance(result, tuple) else [result]:
            if isinstance(r, Meta) and metas:
                r.meta = metas[0]
        return result


class Quiet(plait.Tensor):
    """Its results are plain tensors, but for some."""

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        with _C.DisableTorchFunctionSubclass():
            result = func(*args, **kwargs or {})
        kept = {plait.Tensor.clone, plait.Tensor.to, plait.Tensor.detach, plait.Tensor.requires_grad_}
        return result.as_subclass(cls if func in kept else plait.Tensor) if isinstance(result, plait.Tensor) else result


class Seen(plait.Tensor):
    calls: list[tuple[str, list[str]]] = []

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        cls.calls.append((func.__name__, [type(a).__name__ for a in args]))
        return super().__torch_function__(func, types, args, kwargs or {})


class MyParameter(nn.Parameter):
    pass


def meta() -> Meta:
    return Meta([[1.0, 2.0], [3.0, 4.0]], meta={"spacing": [2]})


@pytest.mark.parametrize(
    "f",
    [
        lambda t: t + 1,
        lambda t: 1 - t,
        lambda t: t[0],
        lambda t: t[t > 2],
        lambda t: t.clone().add_(1),
        lambda t: plait.stack([t, t]),
        lambda t: plait.cat([plait.ones(2, 2), t]),
        lambda t: t.max(1).values,
        lambda t: t.split(1)[1],
        lambda t: next(iter(t)),
        lambda t: F.relu(t),
        lambda t: F.interpolate(t[None, None], scale_factor=2),
        lambda t: nn.Linear(2, 3)(t),
        lambda t: t.to(plait.float64),
        lambda t: t.real,
        lambda t: plait.zeros_like(t),
        lambda t: pickle.loads(pickle.dumps(t)),
        copy.copy,
        copy.deepcopy,
        lambda t: next(iter(plait.utils.data.DataLoader([t, t], batch_size=2))),
        lambda t: next(iter(plait.utils.data.DataLoader([{"x": t}] * 2, batch_size=2, num_workers=1)))["x"],
    ],
)
def test_what_a_class_carries_goes_along(f: Any) -> None:
    result = f(meta())
    assert type(result) is Meta and result.meta == {"spacing": [2]}


def test_copies_own_what_they_carry() -> None:
    t = Sub([1.0])
    t.note = [1]
    twin = copy.deepcopy(t)
    twin.note.append(2)
    assert type(twin) is Sub and t.note == [1] and twin.note == [1, 2]


def test_deepcopy_is_one_call() -> None:
    t = plait.ones(2).as_subclass(Seen)
    Seen.calls.clear()
    assert type(copy.deepcopy(t)) is Seen
    assert [name for name, _ in Seen.calls] == ["__deepcopy__"]
    assert type(pickle.loads(pickle.dumps(t))) is Seen


OPERATORS = {
    "add": lambda s: 1 + s,
    "sub": lambda s: s - 1,
    "__rsub__": lambda s: 1 - s,
    "mul": lambda s: 2 * s,
    "div": lambda s: s / 2,
    "__rtruediv__": lambda s: 2 / s,
    "__floordiv__": lambda s: s // 2,
    "__rfloordiv__": lambda s: 5 // s,
    "remainder": lambda s: s % 2,
    "__rmod__": lambda s: 5 % s,
    "pow": lambda s: s**2,
    "__rpow__": lambda s: 2**s,
    "matmul": lambda s: s @ s,
    "__eq__": lambda s: s == 1,
    "ne": lambda s: s != 1,
    "gt": lambda s: s > 1,
    "neg": lambda s: -s,
    "__and__": lambda s: s & 1,
    "bitwise_or": lambda s: 4 | s,
    "__xor__": lambda s: s ^ 1,
    "__lshift__": lambda s: s << 1,
    "__rrshift__": lambda s: 8 >> s,
    "__invert__": lambda s: ~s,
}


@pytest.mark.parametrize("name", OPERATORS)
def test_operators_have_pytorchs_names_and_the_tensor_first(name: str) -> None:
    plain = plait.tensor([3, 1, 2])
    s = plain.as_subclass(Seen)
    Seen.calls.clear()
    result = OPERATORS[name](s)
    assert Seen.calls[0][0] == name and Seen.calls[0][1][0] == "Seen"
    assert type(result) is Seen and result.tolist() == OPERATORS[name](plain).tolist()
    if name != "matmul":
        vmapped = plait.func.vmap(OPERATORS[name])(plain)
        assert vmapped.tolist() == OPERATORS[name](plain).tolist()


def test_methods_that_answer_without_an_op() -> None:
    s = plait.ones(2).as_subclass(Seen)
    Seen.calls.clear()
    assert s.is_contiguous() and s.requires_grad_(False) is s and s.requires_grad_(requires_grad=True).requires_grad
    assert [name for name, _ in Seen.calls] == ["is_contiguous", "requires_grad_", "requires_grad_", "__get__"]
    with pytest.raises(TypeError, match="requires_grad_"):
        plait.ones(2).requires_grad_(True, False)


def test_two_tensors_keep_their_places() -> None:
    s = plait.ones(2).as_subclass(Seen)
    Seen.calls.clear()
    _ = plait.zeros(2) - s
    s += plait.ones(2)
    assert Seen.calls == [("sub", ["Tensor", "Seen"]), ("add_", ["Seen", "Tensor"])] and type(s) is Seen
    assert s.tolist() == [2, 2]


def test_a_class_whose_results_are_plain() -> None:
    t = plait.ones(2).as_subclass(Quiet)
    assert [
        type(r).__name__ for r in (t + 1, t.sum(), t.clone(), t.to(plait.float64), t.detach(), t.requires_grad_())
    ] == [
        "Tensor",
        "Tensor",
        "Quiet",
        "Quiet",
        "Quiet",
        "Quiet",
    ]

    class Off(plait.Tensor):
        __torch_function__ = _C._disabled_torch_function_impl

    off = plait.ones(2).as_subclass(Off)
    assert type(off + 1) is type(plait.exp(off)) is type(off[0]) is plait.Tensor


def test_text_names_the_class() -> None:
    assert repr(Sub([1.0, 2.0]).requires_grad_()) == "Sub([1., 2.], requires_grad=True)"
    assert repr(plait.eye(2).as_subclass(Sub)) == "Sub([[1., 0.],\n     [0., 1.]])"
    assert repr(nn.Parameter(plait.ones(1))) == "Parameter containing:\ntensor([1.], requires_grad=True)"
    assert repr(nn.Buffer(plait.ones(1))) == "tensor([1.])"
    assert repr(nn.Parameter(Sub([1.0]))) == "Parameter(Sub([1.], requires_grad=True))"


def test_subclasses_of_parameter() -> None:
    p = MyParameter(plait.ones(2))
    p.tag = "a"
    m = nn.Module()
    m.weight = p
    assert type(m.weight) is MyParameter and [n for n, _ in m.named_parameters()] == ["weight"]
    assert type(copy.deepcopy(m).weight) is MyParameter and type(p + 1) is plait.Tensor
    again = pickle.loads(pickle.dumps(p))
    assert type(again) is MyParameter and again.tag == "a" and again.requires_grad
    optimizer = plait.optim.SGD(m.parameters(), lr=1.0)
    m.weight.sum().backward()
    optimizer.step()
    assert m.weight.tolist() == [0, 0]


def test_parameters_and_buffers_of_a_subclass() -> None:
    m = nn.Linear(2, 1)
    m.weight = nn.Parameter(Sub([[1.0, 2.0]]))
    m.mean = nn.Buffer(Sub([1.0]))
    assert type(m.weight) is Sub and isinstance(m.weight, nn.Parameter) and m.weight.requires_grad and m.weight.is_leaf
    assert len(list(m.parameters())) == 2 and list(m.state_dict()) == ["weight", "bias", "mean"]
    assert type(m.mean) is Sub and isinstance(m.mean, nn.Buffer) and not isinstance(m.mean, nn.Parameter)
    optimizer = plait.optim.SGD(m.parameters(), lr=1.0)
    y = m(plait.ones(1, 2))
    assert type(y) is Sub
    y.sum().backward()
    optimizer.step()
    assert m.weight.tolist() == [[0.0, 1.0]]
    twin = copy.deepcopy(m)
    assert type(twin.weight) is Sub and isinstance(twin.weight, nn.Parameter)
    assert type(m.double().weight) is Sub and m.weight.dtype == plait.float64
    for other in (plait.ones(1), Sub([1.0]), 3, None, m):
        assert not isinstance(other, nn.Parameter)


def test_modes_see_tensors_made_of_data() -> None:
    class Double(overrides.TorchFunctionMode):
        def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            kwargs = dict(kwargs or {})
            if func in (plait.tensor, plait.as_tensor, plait.ones):
                kwargs.setdefault("dtype", plait.float64)
            return func(*args, **kwargs)

    with Double():
        made = [plait.tensor([1.0]), plait.as_tensor([1.0]), plait.ones(1), plait.tensor([1], dtype=plait.int8)]
        assert plait.tensor(1.0, requires_grad=True).requires_grad
    assert [t.dtype for t in made] == [plait.float64] * 3 + [plait.int8]
    assert plait.tensor([1.0]).dtype == plait.float32


def test_names_of_what_is_taken_over() -> None:
    for f, name in (
        (plait.add, "plait.add"),
        (plait.Tensor.add, "plait.Tensor.add"),
        (plait.Tensor.__getitem__, "plait.Tensor.__getitem__"),
        (plait.Tensor.shape.__get__, "plait.Tensor.shape.__get__"),
        (plait.Tensor.T.__get__, "plait.Tensor.T.__get__"),
        (F.relu, "plait.nn.functional.relu"),
        (plait.linalg.svd, "plait.linalg.svd"),
        (plait.fft.fft, "plait.fft.fft"),
        (len, None),
    ):
        assert overrides.resolve_name(f) == name
    assert overrides.is_tensor_method_or_property(plait.Tensor.grad.__set__)
    assert not overrides.is_tensor_method_or_property(plait.exp)


def test_calls_within_a_handler_may_be_taken_over_again() -> None:
    with _C.DisableTorchFunctionSubclass():
        assert type(Sub([1.0]) + 1) is plait.Tensor
        with overrides.enable_reentrant_dispatch():
            assert type(Sub([1.0]) + 1) is Sub
        assert type(Sub([1.0]) + 1) is plait.Tensor


def test_dispatch_below_autograd_is_refused() -> None:
    class Below(plait.Tensor):
        @classmethod
        def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            raise AssertionError

    for make in (
        lambda: plait.ones(2).as_subclass(Below),
        lambda: plait.Tensor._make_subclass(Below, plait.ones(2)),
        lambda: Below([1.0]),
        lambda: plait.Tensor._make_wrapper_subclass(Below, (2, 3), dtype=plait.float64),
    ):
        with pytest.raises(NotImplementedError, match=r"Below.*__torch_dispatch__(.|\n)*__torch_function__"):
            make()
