# SPDX-License-Identifier: MIT
"""Tensors on the device "meta": every op gives them the geometry that it gives tensors with values, or says no."""

from __future__ import annotations

import copy
import io
import pickle
import warnings
from typing import Any

import numpy as np
import pytest
from op_table import SPECS
from op_table.harness import LAYOUTS, Call, tensors
from op_table.spec import OpSpec

import plait
from plait import nn

# Their results depend on values, in shape or as numbers: they raise NotImplementedError.
DATA_DEPENDENT = {
    "allclose",
    "argwhere",
    "bincount",
    "count_nonzero",
    "equal",
    "masked_select",
    "nonzero",
    "one_hot",  # without num_classes
    "linalg.lstsq",  # of full rank or not
    "repeat_interleave",  # without output_size
    "unique",
    "unique_consecutive",
}


def on_meta(value: Any) -> Any:
    if isinstance(value, plait.Tensor):
        return value.to("meta")
    if isinstance(value, (list, tuple)):
        return type(value)(map(on_meta, value))
    if isinstance(value, dict):
        return {k: on_meta(v) for k, v in value.items()}
    return value


def geometry(result: Any) -> list[tuple]:
    return [(t.dtype, tuple(t.shape), t.stride(), t.requires_grad) for t in tensors(result)]


def meta_result(spec: OpSpec, call: Call) -> Any:
    """The result on "meta", or None where the op says that it needs values."""
    try:
        return call.spec and lookup_op(spec)(*on_meta(call.args), **on_meta(call.kwargs))
    except NotImplementedError as error:
        assert "meta" in str(error), f"{spec.name}: {error}"
        return None


def lookup_op(spec: OpSpec) -> Any:
    from op_table.harness import lookup

    return lookup(spec.name)


def report(dtype: str = "float32") -> dict[str, list[str]]:
    """The ops by what they do with tensors of "meta"; a list of differences for those that differ."""
    kinds: dict[str, list[str]] = {"same": [], "error": [], "differs": []}
    for spec in SPECS:
        used = dtype if dtype in spec.dtypes else spec.dtypes[0]
        answers = set()
        for sample in spec.samples(spec.gen()):
            call = Call(spec, sample, used)
            want = call()
            try:
                got = meta_result(spec, call)
            except Exception as error:
                kinds["differs"].append(f"{spec.name}: {type(error).__name__} {error}")
                answers.add("differs")
                break
            if got is None:
                answers.add("error")
            elif geometry(got) != geometry(want) or not all(t.is_meta for t in tensors(got)):
                kinds["differs"].append(f"{spec.name}: {geometry(got)} for {geometry(want)}")
                answers.add("differs")
                break
            else:
                answers.add("same")
        if "differs" not in answers:
            kinds["error" if answers == {"error"} else "same"].append(spec.name)
    return kinds


@pytest.mark.parametrize("spec", [pytest.param(s, id=s.id) for s in SPECS])
def test_every_op(spec: OpSpec) -> None:
    dtype = "float32" if "float32" in spec.dtypes else spec.dtypes[0]
    for sample in spec.samples(spec.gen()):
        call = Call(spec, sample, dtype)
        got, want = meta_result(spec, call), call()
        if got is None:
            assert spec.id in DATA_DEPENDENT, f"{spec.name} needs no values"
            continue
        assert geometry(got) == geometry(want)
        assert all(t.is_meta for t in tensors(got))


@pytest.mark.parametrize("spec", [pytest.param(s, id=s.id) for s in SPECS if s.grad])
def test_every_gradient(spec: OpSpec) -> None:
    for sample in spec.gradient_samples():
        call = Call(spec, sample, "float64", LAYOUTS[0], grad=True)
        inputs = {id(x): x.detach().to("meta").requires_grad_() for x in call.inputs}

        def moved(value: Any, inputs: dict[int, plait.Tensor] = inputs) -> Any:
            if isinstance(value, plait.Tensor):
                return inputs.get(id(value), value.detach().to("meta"))
            if isinstance(value, (list, tuple)):
                return type(value)(map(moved, value))
            return {k: moved(v) for k, v in value.items()} if isinstance(value, dict) else value

        try:
            results = tensors(lookup_op(spec)(*moved(call.args), **moved(call.kwargs)))
        except NotImplementedError:
            return
        results = [y for y in results if y.requires_grad]
        if not results:
            continue
        grads = plait.autograd.grad(
            results, list(inputs.values()), [plait.empty_like(y) for y in results], allow_unused=True
        )
        for x, g in zip(inputs.values(), grads):
            assert g is None or (g.is_meta and g.shape == x.shape and g.dtype == x.dtype)


# ---- making --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make",
    [
        lambda **kw: plait.empty(2, 3, **kw),
        lambda **kw: plait.zeros(2, 3, **kw),
        lambda **kw: plait.ones(2, 3, dtype=plait.int64, **kw),
        lambda **kw: plait.full((2,), 7, **kw),
        lambda **kw: plait.arange(5, **kw),
        lambda **kw: plait.arange(0.0, 1.0, 0.25, **kw),
        lambda **kw: plait.linspace(0, 1, 5, **kw),
        lambda **kw: plait.eye(3, **kw),
        lambda **kw: plait.rand(2, 3, **kw),
        lambda **kw: plait.randn(2, 3, dtype=plait.complex64, **kw),
        lambda **kw: plait.randint(0, 9, (4,), **kw),
        lambda **kw: plait.randperm(4, **kw),
        lambda **kw: plait.tensor([[1, 2], [3, 4]], **kw),
        lambda **kw: plait.as_tensor(np.zeros((2, 3)), **kw),
        lambda **kw: plait.empty_strided((2, 3), (1, 2), **kw),
        lambda **kw: plait.tril_indices(3, 3, **kw),
        lambda **kw: plait.hann_window(8, **kw),
        lambda **kw: plait.scalar_tensor(2.0, **kw),
    ],
)
def test_factories(make: Any) -> None:
    plain = make()
    assert not plain.is_meta
    with plait.device("meta"):
        inside = make()
        assert not make(device="cpu").is_meta
    plait.set_default_device("meta")
    try:
        assert plait.get_default_device() == plait.device("meta")
        by_default = make()
    finally:
        plait.set_default_device(None)
    for t in (make(device="meta"), make(device=plait.device("meta")), inside, by_default):
        assert t.is_meta and not t.is_cpu and t.device == plait.device("meta")
        assert geometry(t) == geometry(plain)
    assert not make().is_meta and plait.get_default_device() == plait.device("cpu")


def test_like_and_new_follow_the_tensor() -> None:
    x, m = plait.ones(2, 3), plait.ones(2, 3, device="meta")
    for name in ("empty_like", "zeros_like", "ones_like", "rand_like", "randn_like"):
        f = getattr(plait, name)
        assert f(m).is_meta and not f(x).is_meta
        assert f(x, device="meta").is_meta and not f(m, device="cpu").is_meta
        with plait.device("meta"):
            assert not f(x).is_meta
    assert plait.zeros_like(m, device="cpu").sum().item() == 0
    assert m.new_zeros(3).is_meta and not m.new_zeros(3, device="cpu").is_meta and x.new_ones(2, device="meta").is_meta
    assert m.new_tensor([1.0]).is_meta and m.new_full((2,), 1.0).is_meta
    assert plait.tensor(m).is_meta and plait.as_tensor(m) is m


def test_draws_no_numbers() -> None:
    plait.manual_seed(3)
    want = plait.rand(4)
    plait.manual_seed(3)
    plait.rand(100, device="meta"), plait.empty(5, device="meta").normal_(), plait.randperm(9, device="meta")
    nn.functional.dropout(plait.ones(50, device="meta"))
    assert plait.equal(plait.rand(4), want)


def test_size_costs_nothing() -> None:
    x = plait.empty(10**6, 10**6, device="meta")
    assert x.numel() == 10**12 and x.nbytes == 4 * 10**12 and x.data_ptr() == 0
    assert x.untyped_storage().nbytes() == 4 * 10**12 and x.untyped_storage().data_ptr() == 0
    y = (x @ x.mT + 1).relu().softmax(-1)[::2, None].sum(0)
    assert y.shape == (1, 10**6)
    assert plait.conv2d(plait.empty(8, 3, 10**5, 10**5, device="meta"), plait.empty(4, 3, 3, 3, device="meta")).is_meta
    with pytest.raises((RuntimeError, ValueError), match=r"2\*\*63"):
        plait.empty(2**40, 2**40, device="meta")


# ---- moving --------------------------------------------------------------------------------------------------


def test_to() -> None:
    x = plait.arange(6.0).reshape(2, 3).t()
    m = x.to("meta")
    assert m.is_meta and m.stride() == x.stride() and m.to("meta") is m and m.to(m.device) is m
    assert x.to("meta", plait.float16).dtype == plait.float16 and x.to(m).is_meta and m.double().is_meta
    assert not x.to(device="cpu").is_meta
    for out in (lambda: m.to("cpu"), lambda: m.cpu(), lambda: m.to(x), lambda: plait.zeros(3, 2).copy_(m)):
        with pytest.raises(NotImplementedError, match="Cannot copy out of meta tensor; no data!"):
            out()
    version = m._version
    assert m.copy_(x) is m and m._version == version + 1
    with pytest.raises(ValueError):
        m.copy_(plait.ones(7))
    y = plait.ones(2, requires_grad=True).to("meta")
    assert y.requires_grad and y.grad_fn is not None


@pytest.mark.parametrize(
    "ask",
    [
        lambda m: m.item(),
        lambda m: m.tolist(),
        lambda m: m.numpy(),
        lambda m: np.asarray(m),
        lambda m: bool(m),
        lambda m: float(m),
        lambda m: int(m),
        lambda m: m.__dlpack__(),
        lambda m: memoryview(m),
        lambda m: plait.ones(3)[m.long()],
        lambda m: plait.ones(3).index_put_((m.long(),), plait.tensor(1.0)),
        lambda m: plait.ones(3).gather(0, m.long().reshape(1)),
        lambda m: plait.ones(3).index_select(0, m.long()),
        lambda m: nn.functional.embedding(m.long(), plait.ones(3, 2)),
        lambda m: setattr(plait.ones(()), "data", m),
        lambda m: setattr(plait.ones((), requires_grad=True), "grad", m),
        lambda m: m.__dlpack_device__(),
        lambda m: 1.0 in m,
        lambda m: plait.nonzero(m),
        lambda m: plait.equal(m, m),
        lambda m: plait.ones(2).add_(m),
        lambda m: plait.ones(2, 2) + plait.ones(2, device="meta"),
        lambda m: plait.cat([plait.ones(2), plait.ones(2, device="meta")]),
        lambda m: plait.add(m, m, out=plait.empty(())),
        lambda m: m.apply_(lambda v: v),
        lambda m: m.to_sparse(),
        lambda m: plait.ones(2).to_sparse().to("meta"),
        lambda m: plait.sparse_coo_tensor([[0]], [1.0], (2,), device="meta"),
        lambda m: m.share_memory_(),
    ],
)
def test_values_are_refused(ask: Any) -> None:
    with pytest.raises((NotImplementedError, RuntimeError, TypeError, ValueError, BufferError), match=r"meta|data"):
        ask(plait.ones((), device="meta"))


def test_mixed_devices() -> None:
    m = plait.ones(2, 3, device="meta")
    i = plait.tensor([1, 0])
    assert m.index_select(0, i).is_meta and m.gather(0, plait.zeros(1, 3, dtype=plait.int64)).shape == (1, 3)
    assert nn.functional.embedding(i, m).shape == (2, 3) and m[plait.tensor([True, False])].shape == (1, 3)
    assert (m + plait.tensor(2.0)).is_meta and (plait.tensor(2.0, dtype=plait.float64) * m).dtype == plait.float32
    assert m[plait.tensor([0, 1, 1])].shape == (3, 3) and m[[0, 1]].shape == (2, 3)
    m[plait.tensor([0])] = plait.ones(3)
    with plait.device("meta"):
        assert plait.ones(4).is_meta and m[[1, 0]].is_meta and not plait.ones(3, device="cpu")[[0, 1]].is_meta
    with pytest.raises(RuntimeError, match="same device"):
        plait.matmul(m, plait.ones(3, 2))
    assert not plait.ones(2).is_meta  # an error leaves nothing behind


def test_views_and_versions() -> None:
    m = plait.empty(4, 6, device="meta")
    v = m[1:, ::2].t().unsqueeze(0)
    assert v._base is m and v.shape == (1, 3, 3) and v.storage_offset() == 6
    m.zero_(), m.fill_(2), m.uniform_(), nn.init.kaiming_uniform_(m), m[0].add_(1)
    assert v._version == m._version == 5
    w = plait.ones(3, device="meta", requires_grad=True)
    with pytest.raises(RuntimeError, match="leaf"):
        w.add_(1)
    y = w.exp()
    y.mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()
    assert plait.add(m, m, out=plait.empty(0, device="meta")).shape == (4, 6)


def test_repr() -> None:
    m = plait.ones((), device="meta")
    assert repr(plait.ones(2, 3, device="meta")) == "tensor(..., device='meta', size=(2, 3))"
    x = plait.ones(0, device="meta", dtype=plait.int64)
    assert repr(x) == f"tensor(..., device='meta', size=(0,), dtype={plait.int64})"
    p = nn.Parameter(plait.ones(2, device="meta"))
    assert repr(p) == "Parameter containing:\ntensor(..., device='meta', size=(2,), requires_grad=True)"
    assert repr(plait.device("meta")) == "device(type='meta')"
    assert f"{m}" == repr(m) == "tensor(..., device='meta', size=())" and m.type().endswith("meta.FloatTensor")
    assert not m.is_set_to(plait.ones((), device="meta")) and m.is_set_to(m.detach())


# ---- modules -------------------------------------------------------------------------------------------------


def model(**options: Any) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1, **options),
        nn.BatchNorm2d(8, **options),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(8 * 16, 10, **options),
        nn.LayerNorm(10, **options),
    )


def test_module_on_meta() -> None:
    plain = model()
    x, target = plait.empty(2, 3, 8, 8, device="meta"), plait.empty(2, dtype=plait.int64, device="meta")
    with plait.device("meta"):
        inside = model()
    for net in (model(device="meta"), inside, model().to("meta"), model().to(device="meta")):
        assert all(p.is_meta for p in (*net.parameters(), *net.buffers()))
        assert {k: v.shape for k, v in net.state_dict().items()} == {k: v.shape for k, v in plain.state_dict().items()}
        loss = nn.functional.cross_entropy(net(x), target)
        loss.backward()
        assert loss.shape == () and all(p.grad.is_meta and p.grad.shape == p.shape for p in net.parameters())
        for kind in (plait.optim.SGD, plait.optim.AdamW):
            kind(net.parameters(), lr=0.1).step()
    with pytest.raises(NotImplementedError, match="to_empty"):
        inside.to("cpu")


def test_recurrent_and_attention_layers() -> None:
    with plait.device("meta"):
        nets = [nn.LSTM(4, 5, 2, bidirectional=True), nn.GRU(4, 5), nn.RNN(4, 5)]
        nets += [nn.TransformerEncoderLayer(4, 2, 8, batch_first=True)]
        x = plait.ones(3, 2, 4, requires_grad=True)
    for net in nets:
        y = net(x)
        y = y[0] if isinstance(y, tuple) else y
        want = copy.deepcopy(net).to_empty(device="cpu")(plait.ones(3, 2, 4))
        assert geometry(y.detach()) == geometry((want[0] if isinstance(want, tuple) else want).detach())
        y.sum().backward()
        assert x.grad.is_meta


def test_loading_into_meta() -> None:
    plain, net = model(), model(device="meta")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        net.load_state_dict(plain.state_dict())
    assert "assign=True" in str(caught[0].message) and net[0].weight.is_meta
    net.load_state_dict(plain.state_dict(), assign=True)
    x = plait.rand(2, 3, 8, 8)
    plain.eval(), net.eval()
    assert plait.equal(net(x), plain(x)) and isinstance(net[0].weight, nn.Parameter)
    with pytest.raises(RuntimeError, match="Cannot copy out of meta tensor"):
        plain.load_state_dict(model(device="meta").state_dict())
    empty = model(device="meta").to_empty(device="cpu")
    empty.load_state_dict(plain.state_dict())
    assert plait.equal(empty.eval()(x), plain(x))
    skipped = nn.utils.skip_init(nn.Linear, 3, 4)
    assert not skipped.weight.is_meta and skipped.weight.shape == (4, 3)


def test_moving_a_module_makes_parameters_anew() -> None:
    net = nn.Linear(2, 3)
    weight = net.weight
    net.to("meta")
    assert not weight.is_meta and net.weight.is_meta and net.weight is not weight and net.weight.requires_grad


def test_training_step_with_hooks() -> None:
    net, seen = nn.Linear(3, 2, device="meta"), []
    y = plait.utils.checkpoint.checkpoint(net, plait.ones(4, 3, device="meta"), use_reentrant=False)
    y.register_hook(lambda g: seen.append((g.is_meta, plait.ones(1).is_meta, plait.tensor([1.0]).item())))
    y.sum().backward()
    assert seen == [(True, False, 1.0)]  # a program's own tensors have values, within backward too
    assert nn.utils.clip_grad_norm_(net.parameters(), 1.0).is_meta
    plait.optim.Adam(net.parameters()).step()


def test_functions_of_a_program() -> None:
    class Double(plait.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: plait.Tensor) -> plait.Tensor:
            ctx.save_for_backward(x)
            return x * 2

        @staticmethod
        def backward(ctx: Any, g: plait.Tensor) -> plait.Tensor:
            assert plait.tensor([2.0]).item() == 2
            return g * 2 + ctx.saved_tensors[0] * 0

    x = plait.ones(3, device="meta", requires_grad=True)
    with plait.autograd.graph.saved_tensors_hooks(lambda t: (t, plait.tensor(1).item()), lambda packed: packed[0]):
        y = Double.apply(x.exp())
    assert plait.autograd.grad(y.sum(), x)[0].shape == (3,)
    assert plait.func.vmap(lambda v: v.sum())(x.detach().reshape(3, 1)).is_meta


# ---- files and copies ----------------------------------------------------------------------------------------


def through_pickle(t: Any) -> Any:
    return pickle.loads(pickle.dumps(t))


def through_file(t: Any) -> Any:
    file = io.BytesIO()
    plait.save(t, file)
    file.seek(0)
    return plait.load(file)


@pytest.mark.parametrize("path", [through_pickle, through_file, copy.copy, copy.deepcopy])
def test_copies_keep_the_geometry(path: Any) -> None:
    x = plait.empty(3, 4, device="meta", dtype=plait.float64).t()
    p = nn.Parameter(plait.empty(2, device="meta"))
    for t in (x, p, plait.ones(2, device="meta", requires_grad=True)):
        got = path(t)
        assert type(got) is type(t) and got.is_meta and geometry(got) == geometry(t)
    big = path(plait.empty(10**6, 10**6, device="meta"))
    assert big.shape == (10**6, 10**6)


def test_load_to_meta() -> None:
    file = io.BytesIO()
    plait.save({"a": plait.ones(2, 3), "b": [plait.arange(3)]}, file)
    file.seek(0)
    got = plait.load(file, map_location="meta")
    assert got["a"].is_meta and got["a"].shape == (2, 3) and got["b"][0].dtype == plait.int64


def test_the_context_is_of_its_thread() -> None:
    import threading

    found = []
    with plait.device("meta"):
        thread = threading.Thread(target=lambda: found.append(plait.ones(1).is_meta))
        thread.start()
        thread.join()
        with plait.device("cpu"):
            assert not plait.ones(1).is_meta
        assert plait.ones(1).is_meta
    assert found == [False] and not plait.ones(1).is_meta
