# SPDX-License-Identifier: MIT
"""Tracing: graphs of functions and modules, their text, changes of them, and the modules that run them."""

from __future__ import annotations

import copy
import math
import operator
import pickle
import random
import subprocess
import sys
from collections import namedtuple
from typing import Any

import numpy as np
import pytest

import plait
import plait.nn.functional as F
from plait import fx, nn
from plait.fx.experimental.optimization import fuse, remove_dropout
from plait.fx.graph import Graph
from plait.fx.graph_module import _assign_attr, _copy_attr
from plait.fx.immutable_collections import immutable_dict, immutable_list
from plait.fx.node import map_aggregate
from plait.fx.passes.shape_prop import ShapeProp
from plait.fx.proxy import Attribute, TraceError

Pair = namedtuple("Pair", "first second")


def scale(x: Any, factor: float) -> Any:
    """A function that no proxy can go through."""
    return x * factor if float(x.sum()) > 0 else x


def shifted(x: Any) -> Any:
    return x + int(x.shape[0])


fx.wrap("scale")
fx.wrap("len")


@fx.wrap
def counted(x: Any) -> Any:
    return x * len(x)


class Block(nn.Module):
    """A residual block with a list of layers, a parameter, a buffer, and a tensor as a plain attribute."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 3, 3, padding=1)
        self.bn1 = nn.BatchNorm2d(3)
        self.relu = nn.ReLU()
        self.down = nn.Sequential(nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3))
        self.list = nn.ModuleList([nn.Linear(4, 4) for _ in range(2)])
        self.w = nn.Parameter(plait.rand(3))
        self.register_buffer("b", plait.rand(1))
        self.plain = plait.rand(4)

    def forward(self, x: plait.Tensor) -> plait.Tensor:
        identity = self.down(x)
        out = self.relu(self.bn1(self.conv1(x)))
        out += identity
        out = self.relu(out)
        for layer in self.list:
            out = layer(out)
        return out * self.w.view(1, 3, 1, 1) + self.b + self.plain


BLOCK_CODE = """
def forward(self, x : plait.Tensor) -> plait.Tensor:
    down_0 = getattr(self.down, "0")(x)
    down_1 = getattr(self.down, "1")(down_0);  down_0 = None
    conv1 = self.conv1(x);  x = None
    bn1 = self.bn1(conv1);  conv1 = None
    relu = self.relu(bn1);  bn1 = None
    add = relu + down_1;  relu = down_1 = None
    relu_1 = self.relu(add);  add = None
    list_0 = getattr(self.list, "0")(relu_1);  relu_1 = None
    list_1 = getattr(self.list, "1")(list_0);  list_0 = None
    w = self.w
    view = w.view(1, 3, 1, 1);  w = None
    mul = list_1 * view;  list_1 = view = None
    b = self.b
    add_1 = mul + b;  mul = b = None
    plain = self.plain
    add_2 = add_1 + plain;  add_1 = plain = None
    return add_2
"""


@pytest.fixture
def block() -> Block:
    plait.manual_seed(0)
    return Block().eval()


def code(f: Any, **kwargs: Any) -> list[str]:
    """The lines of the function's graph."""
    text = fx.symbolic_trace(f, **kwargs).code
    return [line.strip() for line in text.split("def forward", 1)[1].strip().split("\n")[1:]]


def names(graph: Any) -> list[str]:
    return [node.name for node in graph.nodes]


# -- text ------------------------------------------------------------------------------------------------------------


def test_text_of_a_module(block: Block) -> None:
    traced = fx.symbolic_trace(block)
    assert traced.code.strip() == BLOCK_CODE.strip()
    assert type(traced).__name__ == "Block"
    assert isinstance(traced, fx.GraphModule)
    assert isinstance(traced, nn.Module)
    readable = traced.print_readable(print_output=False)
    assert readable.startswith("class Block(plait.nn.Module):\n    def forward(self, x : plait.Tensor)")
    assert "(bn1): BatchNorm2d" in str(traced)
    assert BLOCK_CODE.strip() in str(traced)


def test_text_of_a_graph() -> None:
    def f(x: plait.Tensor, y: int = 2, *rest: Any, flag: bool = True, **others: Any) -> Any:
        return plait.relu(x).sum(0, keepdim=True)[:, 1] * y

    assert str(fx.symbolic_trace(f).graph) == (
        "graph():\n"
        "    %x : plait.Tensor [num_users=1] = placeholder[target=x]\n"
        "    %y : int [num_users=1] = placeholder[target=y](default=2)\n"
        "    %flag : bool [num_users=0] = placeholder[target=flag](default=True)\n"
        "    %_rest : [num_users=0] = placeholder[target=*rest]\n"
        "    %_others : [num_users=0] = placeholder[target=**others]\n"
        "    %relu : [num_users=1] = call_function[target=plait.relu](args = (%x,), kwargs = {})\n"
        "    %sum_1 : [num_users=1] = call_method[target=sum](args = (%relu, 0), kwargs = {keepdim: True})\n"
        "    %getitem : [num_users=1] = call_function[target=operator.getitem]"
        "(args = (%sum_1, (slice(None, None, None), 1)), kwargs = {})\n"
        "    %mul : [num_users=1] = call_function[target=operator.mul](args = (%getitem, %y), kwargs = {})\n"
        "    return mul"
    )


TEXTS = {
    "operators": (
        lambda x, y: (x + 1, 2 - x, x @ y, -x, ~x, x**2, 2**x, x // 3, x % 3, x & y, x | 1, x ^ y, x << 1, x == y),
        "add = x + 1\nsub = 2 - x\nmatmul = x @ y\nneg = -x\ninvert = ~x\npow_1 = x ** 2\npow_2 = 2 ** x\n"
        "floordiv = x // 3\n"
        "mod = x % 3\nand_ = x & y\nor_ = x | 1\nxor = x ^ y\nlshift = x << 1\neq = x == y;  x = y = None",
    ),
    "reflected": (lambda x: (x < 3, 1 / x, 5 // x), "lt = x < 3\ntruediv = 1 / x\nfloordiv = 5 // x;  x = None"),
    "abs": (lambda x: abs(x), "abs_1 = _operator_abs(x);  x = None"),
    "slices": (
        lambda x: (x[1:3], x[..., None], x[0:2, x.size(0)], x[x > 0]),
        "getitem = x[slice(1, 3, None)]\ngetitem_1 = x[(Ellipsis, None)]\nsize = x.size(0)\n"
        "getitem_2 = x[(slice(0, 2, None), size)];  size = None\ngt = x > 0\ngetitem_3 = x[gt];  x = gt = None",
    ),
    "attributes": (
        lambda x: (x.shape, x.T, getattr(x, "a-b"), x.shape[1:]),
        "getattr_1 = x.shape\ngetitem = getattr_1[slice(1, None, None)];  getattr_1 = None\n"
        "getattr_2 = x.shape\ngetattr_3 = x.T\ngetattr_4 = getattr(x, 'a-b');  x = None",
    ),
    "methods": (
        lambda x: x.add_(1).to(plait.float64, copy=True).max(dim=0)[0],
        "add_ = x.add_(1);  x = None\nto = add_.to(plait.float64, copy = True);  add_ = None\n"
        "max_1 = to.max(dim = 0);  to = None\ngetitem = max_1[0];  max_1 = None",
    ),
    "functions": (
        lambda x: plait.cat([x, x], dim=1) + plait.zeros(x.shape[0]),
        "cat = plait.cat([x, x], dim = 1)\ngetattr_1 = x.shape;  x = None\ngetitem = getattr_1[0];  getattr_1 = None\n"
        "zeros = plait.zeros(getitem);  getitem = None\nadd = cat + zeros;  cat = zeros = None",
    ),
    "unpacking": (
        lambda x: _unpack(x),
        "split = x.split(2);  x = None\ngetitem = split[0]\ngetitem_1 = split[1];  split = None\n"
        "add = getitem + getitem_1;  getitem = getitem_1 = None",
    ),
    "spelled out": (
        lambda x: F.relu(F.dropout(x, training=False)),
        "dropout = plait.nn.functional.dropout(x, p = 0.5, training = False, inplace = False);  x = None\n"
        "relu = plait.nn.functional.relu(dropout, inplace = False);  dropout = None",
    ),
    "as called": (lambda x: F.conv2d(x, x), "conv2d = plait.nn.functional.conv2d(x, x);  x = None"),
    "einsum": (lambda x: plait.einsum("ij->i", x), "einsum = plait.einsum('ij->i', x);  x = None"),
    "assertion": (
        lambda x: plait._assert(x.dim() == 2, "two"),
        "dim = x.dim();  x = None\neq = dim == 2;  dim = None\n"
        "_assert = plait._assert(eq, 'two');  eq = _assert = None",
    ),
    "named tuple": (
        lambda x: Pair(x, 1),
        "pair = test_fx_Pair(x, 1);  x = None",
    ),
    "reserved names": (
        lambda x, input, device: input + device,
        "input_1 = input\ndevice_1 = device\nadd = input_1 + device_1;  input_1 = device_1 = None",
    ),
}  # fmt: skip


def _unpack(x: Any) -> Any:
    a, b = x.split(2)
    return a + b


@pytest.mark.parametrize("name", TEXTS)
def test_text_of_a_function(name: str) -> None:
    f, expected = TEXTS[name]
    assert code(f)[:-1] == expected.split("\n")


def test_constants_in_results() -> None:
    def f(x: Any) -> Any:
        nest = {"a": [x, (1,)], "b": slice(x, None), 3: None}
        return nest, float("inf"), -math.inf, 1j, "a'b", plait.float32, plait.device("cpu"), plait.strided, ...

    traced = fx.symbolic_trace(f)
    assert code(f)[-1] == (
        "return ({'a': [x, (1,)], 'b': slice(x, None, None), 3: None}, inf, -inf, 1j, \"a'b\", plait.float32, "
        "device(type='cpu'), plait.strided, Ellipsis)"
    )
    assert traced(5) == f(5)
    assert math.isnan(fx.symbolic_trace(lambda x: (x, math.nan))(1)[1])


def test_names_are_unique_and_mean_nothing_else() -> None:
    namespace = fx.graph._Namespace()
    wanted = ["a", "a", "a_1", "b_3", "b", "b_3", "sum", "sum", "x.y", "0", "a-b", "c_01", "inf"]
    got = [namespace.create_name(name, None) for name in wanted]
    assert got == ["a", "a_1", "a_2", "b_3", "b", "b_4", "sum_1", "sum_2", "x_y", "_0", "a_b", "c_01", "inf_1"]
    rng = random.Random(0)
    taken = [namespace.create_name(rng.choice("de") + rng.choice(["", "_1", "_2", "_1_1"]), None) for _ in range(200)]
    assert len(set(taken)) == 200


# -- what cannot be traced -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("f", "error", "text"),
    [
        (lambda x: 1 if x.sum() > 0 else 2, TraceError, "branch or loop"),
        (lambda x: x and 1, TraceError, "branch or loop"),
        (lambda x: [y for y in x], TraceError, "cannot be iterated"),
        (lambda x: max(*x), TraceError, "cannot be iterated"),
        (lambda x: {**x}, TraceError, "cannot be iterated"),
        (lambda x: x.__len__(), RuntimeError, "length"),
        (lambda x: int(x), TypeError, "cannot become a number"),
        (lambda x: range(x.shape[0]), TypeError, "cannot become a number"),
        (lambda x: [1, 2][x], TypeError, "cannot become a number"),
        (lambda x: operator.setitem(x, 0, 1), TypeError, "assignments"),
        (lambda x: x + object(), NotImplementedError, "object"),
        (lambda x: nn.Linear(2, 2)(x), NameError, "not part of the module"),
        (lambda x: nn.Parameter(plait.ones(2)) + x, NameError, "not part of the module"),
    ],
)
def test_errors_say_what_cannot_be_traced(f: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        fx.symbolic_trace(f)
    # Nothing stays replaced.
    assert "__getattribute__" not in vars(nn.Module)
    assert "__call__" not in vars(nn.Module)
    assert not hasattr(scale, "_records")
    assert not fx._symbolic_trace.is_fx_tracing()


def test_proxies_of_two_tracers_do_not_mix() -> None:
    x, y = (fx.Proxy(Graph().placeholder("x"), fx.Tracer()) for _ in range(2))
    with pytest.raises(RuntimeError, match="one tracer"):
        plait.add(x, y)


# -- running ---------------------------------------------------------------------------------------------------------


def copies(traced: Any, again: bool = True) -> dict[str, Any]:
    return {
        "itself": traced,
        "deepcopy": copy.deepcopy(traced),
        "copy": copy.copy(traced),
        "pickle": pickle.loads(pickle.dumps(traced)),
        "traced again": fx.symbolic_trace(traced) if again else None,
        "transformed": fx.Transformer(traced).transform(),
        "interpreted": fx.Interpreter(traced).run,
        "keeping values": fx.Interpreter(traced, garbage_collect_values=False).run,
    }


def test_copies_give_the_same(block: Block) -> None:
    x = plait.randn(2, 3, 4, 4)
    expected = block(x)
    traced = fx.symbolic_trace(block)
    for name, run in copies(traced).items():
        assert plait.equal(run(x), expected), name
        if isinstance(run, nn.Module):
            assert run.code == traced.code, name
            assert not run.training, name
            assert set(run.state_dict()) == {*block.state_dict(), "plain"}, name
            assert run.graph.owning_module is run or name == "copy", name


def test_parameters_are_shared_and_train(block: Block) -> None:
    traced = fx.symbolic_trace(block)
    assert traced.conv1.weight is block.conv1.weight
    assert copy.deepcopy(traced).conv1.weight is not block.conv1.weight
    traced.train()
    assert block.bn1.training  # the modules are the same objects
    traced(plait.randn(2, 3, 4, 4)).sum().backward()
    assert block.w.grad is not None
    assert {name for name, _ in traced.named_parameters()} == {name for name, _ in block.named_parameters()}
    traced.load_state_dict(traced.state_dict())


def test_nested_modules_of_wrapped_calls_and_leaves(block: Block) -> None:
    class Outer(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.block = block

        def forward(self, x: Any) -> Any:
            return self.block(x) * 2

    class Leaves(fx.Tracer):
        def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
            return module_qualified_name == "block"

    tracer = Leaves()
    outer = Outer().eval()
    graph = tracer.trace(outer)
    assert names(graph) == ["x", "block", "mul", "output"]
    x = plait.randn(1, 3, 4, 4)
    assert plait.equal(fx.GraphModule(outer, graph)(x), outer(x))
    inner = names(fx.symbolic_trace(outer).graph)
    assert inner[1:4] == ["block_down_0", "block_down_1", "block_conv1"]
    assert tracer.is_leaf_module(nn.Linear(1, 1), "x") is False
    assert fx.Tracer().is_leaf_module(nn.Linear(1, 1), "x")
    assert not fx.Tracer().is_leaf_module(nn.Sequential(), "x")
    assert not fx.Tracer().is_leaf_module(outer, "x")


def test_wrapped_functions_stay_whole() -> None:
    traced = fx.symbolic_trace(lambda x: counted(scale(x, 2)) + math.sqrt(x.shape[0]) + len(x))
    called = [node.name for node in traced.graph.nodes if node.meta.get("is_wrapped")]
    assert called == ["scale", "counted", "sqrt", "len_1"]
    head = traced.code.split("def forward")[0].split()
    assert head == [
        f'plait.fx._symbolic_trace.wrap("{n}")' for n in ("test_fx_scale", "test_fx_counted", "math_sqrt", "len")
    ]
    x = plait.ones(4)
    assert plait.equal(traced(x), x * 2 * 4 + 2 + 4)
    assert plait.equal(fx.symbolic_trace(traced)(-x), -x * 4 + 2 + 4)
    assert plait.equal(scale(x, 3), x * 3)
    tracer = fx.Tracer(autowrap_functions=(shifted,))
    assert names(tracer.trace(lambda x: shifted(x))) == ["x", "shifted", "output"]
    with pytest.raises(NotImplementedError, match="top level"):
        fx.wrap("len")
    with pytest.raises(RuntimeError, match="function or its name"):
        fx.wrap(3)  # type: ignore[arg-type]


def test_concrete_arguments() -> None:
    def f(x: Any, flag: bool = True, y: Any = None) -> Any:
        return (x + 1 if flag else x - 1) if y is None else x

    assert code(f, concrete_args={"flag": False, "y": None})[-2:] == ["sub = x - 1;  x = None", "return sub"]
    traced = fx.symbolic_trace(f, concrete_args={"flag": False})
    traced(1, False)
    with pytest.raises(AssertionError, match="flag has been specialized to have value False"):
        traced(1, True)

    def nested(x: Any, d: Any) -> Any:
        return {"r": [d["a"] + x * d["b"], x]}

    traced = fx.symbolic_trace(nested, concrete_args={"d": {"a": fx.PH, "b": 2}})
    for name in ("itself", "deepcopy", "copy", "pickle", "transformed", "interpreted"):
        run = copies(traced, again=False)[name]
        assert run(3, {"a": 4, "b": 2}) == {"r": [10, 3]}
        with pytest.raises(AssertionError, match="d has been specialized"):
            run(3, {"a": 4, "b": 3})


def test_all_kinds_of_parameters() -> None:
    def f(a: Any, b: Any = 2, *c: Any, d: Any = 4, **e: Any) -> Any:
        return a + b + c[0] + d + e["k"]

    traced = fx.symbolic_trace(f)
    assert traced(1, 2, 4, 3, k=5) == 15
    assert names(traced.graph)[:5] == ["a", "b", "d", "_c", "_e"]


def test_tensors_become_attributes() -> None:
    constant = plait.ones(2)
    traced = fx.symbolic_trace(lambda x: x + constant + plait.zeros(2) + constant)
    assert code(lambda x: x + constant)[0] == "_tensor_constant0 = self._tensor_constant0"
    assert set(traced.state_dict()) == {"_tensor_constant0", "_tensor_constant1"}
    np.testing.assert_array_equal(traced(plait.ones(2)).numpy(), [3.0, 3.0])


def test_tensors_are_indexed_by_proxies() -> None:
    table = plait.arange(6).view(3, 2)
    lines = code(lambda x: (table[x], table[:, x]))
    assert lines[1] == "getitem = _tensor_constant0.__getitem__(x);  _tensor_constant0 = None"
    traced = fx.symbolic_trace(lambda x: (table[x], table[:, x, None]))
    rows, columns = traced(plait.tensor([1, 0]))
    assert rows.tolist() == [[2, 3], [0, 1]]
    assert columns.tolist() == [[[1], [0]], [[3], [2]], [[5], [4]]]

    def assign(x: Any) -> Any:
        filled = plait.zeros(2)
        filled[0] = x
        return filled

    assert fx.symbolic_trace(assign)(5.0).tolist() == [5.0, 0.0]


def test_shapes_of_parameters() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.w = nn.Parameter(plait.ones(2, 3))
            self.list = nn.ParameterList([nn.Parameter(plait.ones(3))])

        def forward(self, x: Any) -> Any:
            return x @ self.w if self.w.shape[0] == 2 else x + self.list[0]

    with pytest.raises(TraceError):
        fx.Tracer().trace(Net())
    graph = fx.Tracer(param_shapes_constant=True).trace(Net())
    assert names(graph) == ["x", "w", "matmul", "output"]


def test_attributes_are_recorded_when_used() -> None:
    graph = Graph()
    x = fx.Proxy(graph.placeholder("x"))
    method = x.relu
    assert isinstance(method, Attribute)
    assert names(graph) == ["x"]
    assert method().node.op == "call_method"
    assert x.shape[0].node.args[0].op == "call_function"
    assert names(graph) == ["x", "relu", "getattr_1", "getitem"]
    assert repr(x) == "Proxy(x)"
    assert len({x, method}) == 2


# -- reading and changing graphs -------------------------------------------------------------------------------------


def small() -> tuple[Graph, Any, Any, Any]:
    graph = Graph()
    x = graph.placeholder("x")
    y = graph.call_function(plait.relu, (x,))
    z = graph.call_method("sum", (y,), {"dim": 0})
    graph.output((z, y))
    return graph, x, y, z


def test_nodes_know_their_neighbours() -> None:
    graph, x, y, z = small()
    assert list(graph.nodes) == [x, y, z, graph.output_node()]
    assert list(reversed(graph.nodes)) == [graph.output_node(), z, y, x]
    assert len(graph.nodes) == 4
    assert (y.prev, y.next, x.prev.op, graph.output_node().next.op) == (x, z, "root", "root")
    assert list(y.users) == [z, graph.output_node()]
    assert z.all_input_nodes == [y]
    assert graph.find_nodes(op="call_function", target=plait.relu) == [y]
    assert graph.find_nodes(op="call_method") == [z]


def test_users_follow_arguments() -> None:
    graph, x, y, z = small()
    z.args = (x,)
    assert list(y.users) == [graph.output_node()]
    assert list(x.users) == [y, z]
    z.update_kwarg("dim", 1)
    z.update_arg(0, y)
    z.insert_arg(1, [x, {"k": x}])
    assert z.all_input_nodes == [y, x]
    z.replace_input_with(x, y)
    assert z.args == (y, [y, {"k": y}])
    assert z.kwargs == {"dim": 1}
    with pytest.raises(TypeError, match="no change"):
        z.args[1].append(1)
    with pytest.raises(TypeError, match="no change"):
        z.kwargs["dim"] = 2
    with graph.inserting_after(x):
        new = graph.call_function(plait.tanh, (x,))
    assert y.replace_all_uses_with(new, delete_user_cb=lambda user: user is not z) == [graph.output_node()]
    assert y.replace_all_uses_with(new) == [z]
    graph.lint()
    graph.erase_node(y)
    assert names(graph) == ["x", "tanh", "sum_1", "output"]
    assert list(x.users) == [new]


def test_nodes_that_are_used_are_not_erased() -> None:
    graph, _, y, _ = small()
    with pytest.raises(RuntimeError, match="nothing uses"):
        graph.erase_node(y)
    with pytest.raises(RuntimeError, match="this graph"):
        small()[0].erase_node(graph.output_node())


def test_places_for_new_nodes() -> None:
    graph, x, y, z = small()
    with graph.inserting_before(y):
        graph.placeholder("a")
        graph.placeholder("b")
    with graph.inserting_after(y):
        graph.get_attr("c")
    with graph.inserting_before():
        graph.placeholder("first")
    with graph.inserting_after():
        graph.placeholder("last")
    assert names(graph) == ["first", "x", "a", "b", "relu", "c", "sum_1", "output", "last"]
    z.prepend(x)
    y.append(graph.output_node())
    assert names(graph) == ["first", "a", "b", "relu", "output", "c", "x", "sum_1", "last"]
    with pytest.raises(RuntimeError, match="comes later"):
        graph.lint()
    with pytest.raises(ValueError, match="this graph"):
        graph.inserting_before(small()[1])
    with pytest.raises(RuntimeError, match="another one"):
        graph.call_method("relu", (small()[1],))


def test_dead_code() -> None:
    def f(x: Any) -> Any:
        plait.rand_like(x)
        plait.tanh(x).exp()
        plait._assert(x.shape[0] == 1, "one")
        return x

    graph = fx.symbolic_trace(f).graph
    assert graph.eliminate_dead_code()
    assert names(graph) == ["x", "rand_like", "getattr_1", "getitem", "eq", "_assert", "output"]
    assert not graph.eliminate_dead_code()
    assert graph.eliminate_dead_code(lambda node: node.op in ("placeholder", "output"))
    assert names(graph) == ["x", "output"]


def test_graphs_copied_into_graphs() -> None:
    graph, *_ = small()
    new = Graph()
    a = new.placeholder("a")
    first = next(iter(graph.nodes))
    result = new.graph_copy(graph, {first: a})
    new.output(result)
    new.lint()
    assert names(new) == ["a", "relu", "sum_1", "output"]
    assert [str(n) for n in result] == ["sum_1", "relu"]
    other = copy.deepcopy(new)
    assert str(other) == str(new)
    assert str(pickle.loads(pickle.dumps(new))) == str(new)
    new.erase_node(new.output_node())
    assert len(other.nodes) == 4


def test_lint_looks_at_the_module(block: Block) -> None:
    traced = fx.symbolic_trace(block)
    traced.graph.lint()
    assert traced.delete_submodule("down.0")
    assert not traced.delete_submodule("down.0")
    with pytest.raises(RuntimeError, match="does not have"):
        traced.graph.lint()
    assert traced.add_submodule("down.0", nn.Identity())
    assert traced.add_submodule("new.inner", nn.Identity())
    traced.graph.lint()
    traced.delete_all_unused_submodules()
    assert "new" not in dict(traced.named_modules())
    assert "down.0" in dict(traced.named_modules())


def test_modules_of_dicts_and_attributes(block: Block) -> None:
    graph = fx.symbolic_trace(lambda x: x).graph
    with graph.inserting_before(graph.output_node()):
        layer = graph.call_module("a.b", (next(iter(graph.nodes)),))
    graph.output_node().args = (layer,)
    relu = nn.ReLU()
    assert fx.GraphModule({"a.b": relu}, graph).a.b is relu
    with pytest.raises(RuntimeError, match=r"a\.b"):
        fx.GraphModule({}, graph)
    empty = nn.Module()
    _copy_attr(block, empty, "down.0.weight")
    _assign_attr(plait.ones(1), empty, "c.d")
    assert set(empty.state_dict()) == {"down.0.weight", "c.d"}


def test_code_follows_the_graph() -> None:
    traced = fx.symbolic_trace(lambda x: plait.relu(x))
    (node,) = traced.graph.find_nodes(op="call_function")
    node.target = plait.neg
    assert traced(plait.ones(1)).item() == 1
    traced.recompile()
    assert traced(plait.ones(1)).item() == -1
    traced.graph = fx.symbolic_trace(lambda x: x * 3).graph
    assert traced(plait.ones(1)).item() == 3


def test_table(capsys: pytest.CaptureFixture[str]) -> None:
    small()[0].print_tabular()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["opcode", "name", "target", "args", "kwargs"]
    assert lines[4].split()[:3] == ["call_method", "sum_1", "sum"]


def test_aggregates() -> None:
    nest = (1, [2, {"a": slice(3, None)}], Pair(4, (5,)))
    mapped = map_aggregate(nest, lambda x: x if x is None else x * 10)
    assert mapped == (10, [20, {"a": slice(30, None)}], Pair(40, (50,)))
    assert type(mapped[2]) is Pair
    assert type(pickle.loads(pickle.dumps(mapped[1]))) is immutable_list
    assert type(copy.deepcopy(mapped[1][1])) is immutable_dict


# -- programs over graphs --------------------------------------------------------------------------------------------


def test_interpreter_says_where_it_failed() -> None:
    traced = fx.symbolic_trace(lambda x: plait.relu(x).view(3))
    with pytest.raises(Exception, match="view") as error:
        fx.Interpreter(traced).run(plait.ones(2))
    assert any("call_method[target=view]" in note for note in error.value.__notes__)
    with pytest.raises(RuntimeError, match="expected an argument for x"):
        fx.Interpreter(traced).run()


def test_tracebacks_show_generated_code() -> None:
    import traceback

    traced = fx.symbolic_trace(lambda x: plait.relu(x).view(3))
    try:
        traced(plait.ones(2))
    except RuntimeError as error:
        assert "view = relu.view(3)" in "".join(traceback.format_exception(error))


def test_patterns() -> None:
    traced = fx.symbolic_trace(lambda x, y: plait.relu(x + y) * plait.relu(plait.relu(x + 1) + y) + F.relu(x))
    matches = fx.replace_pattern(traced, lambda a, b: plait.relu(a + b), lambda a, b: plait.tanh(a) - b)
    assert len(matches) == 2
    x, y = plait.randn(3), plait.randn(3)
    expected = (x.tanh() - y) * ((x + 1).relu().tanh() - y) + x.relu()
    np.testing.assert_allclose(traced(x, y).numpy(), expected.numpy(), rtol=1e-6)
    assert not fx.replace_pattern(traced, lambda a: plait.exp(a), lambda a: a)
    assert len(fx.replace_pattern(traced, lambda a: F.relu(a, False), lambda a: a.sigmoid())) == 1
    with pytest.raises(ValueError, match="one result"):
        fx.replace_pattern(traced, lambda a: (a, a + 1), lambda a: a)


def test_a_pattern_needed_inside_stays() -> None:
    def f(x: Any) -> Any:
        inner = x + 1
        return plait.relu(inner), inner

    traced = fx.symbolic_trace(f)
    assert not fx.replace_pattern(traced, lambda a: plait.relu(a + 1), lambda a: a)


def test_shapes(block: Block) -> None:
    traced = fx.symbolic_trace(block)
    ShapeProp(traced).propagate(plait.ones(2, 3, 4, 4))
    meta = {n.name: n.meta["tensor_meta"] for n in traced.graph.nodes}
    assert tuple(meta["view"].shape) == (1, 3, 1, 1)
    assert meta["conv1"].dtype is plait.float32
    assert meta["x"].stride == (48, 16, 4, 1)


def test_batch_norm_is_folded(block: Block) -> None:
    with plait.no_grad():
        for module in block.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.running_mean.uniform_(-1, 1)
                module.running_var.uniform_(0.5, 2)
                module.weight.uniform_(0.5, 2)
    x = plait.randn(2, 3, 4, 4)
    expected = block(x)
    fused = fuse(block)
    assert not any(isinstance(m, nn.BatchNorm2d) for m in fused.modules())
    np.testing.assert_allclose(fused(x).detach().numpy(), expected.detach().numpy(), rtol=1e-4, atol=1e-5)
    assert plait.equal(block(x), expected)
    net = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2), nn.Dropout()).eval()
    assert names(remove_dropout(fuse(net)).graph) == ["input_1", "_0", "output"]


def test_it_is_imported_when_asked_for() -> None:
    program = (
        "import sys, plait; assert 'plait.fx' not in sys.modules; plait.fx.Graph; assert 'plait.fx' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
