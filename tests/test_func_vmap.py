# SPDX-License-Identifier: MIT
"""vmap gives what a loop over the examples gives, for every op; nested, over other dimensions, with random ops."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from op_table import SPECS
from op_table.harness import Call, lookup, show, tensors, to_numpy
from op_table.spec import OpSpec, Sample

import plait
from plait.func import functional_call, grad, stack_module_state, vmap

EXAMPLES = 3
# They ask for a value, differ in shape from example to example, draw numbers, or write what all share.
NO_EXAMPLE_RESULTS = {
    "nn.functional.dropout", "nn.functional.gaussian_nll_loss", "nn.functional.batch_norm",
    "equal", "allclose", "nonzero", "argwhere", "masked_select", "unique", "unique_consecutive", "result_type",
    "bincount", "is_nonzero",
}  # fmt: skip


def variants(t: plait.Tensor) -> plait.Tensor:
    """Examples of the shape of ``t``: its elements in other orders."""
    rows = [t]
    for k in range(1, EXAMPLES):
        rows.append(t.reshape(-1).roll(k).reshape(t.shape) if t.numel() else t)
    return plait.stack(rows)


def batched_places(args: list[Any]) -> list[tuple[int, ...]]:
    """Which arguments differ from example to example: all tensors, then each alone."""
    places = [i for i, a in enumerate(args) if isinstance(a, plait.Tensor)]
    return list(dict.fromkeys([tuple(places), *((p,) for p in places)])) if places else []


def check(spec: OpSpec, sample: Sample, dtype: str) -> None:
    call = Call(spec, sample, dtype)
    f, args = lookup(spec.name), list(call.args)
    for places in batched_places(args):
        given = [variants(a) if i in places else a for i, a in enumerate(args)]
        dims = tuple(0 if i in places else None for i in range(len(args)))
        try:
            loop = [
                tensors(f(*(a[i] if d == 0 else a for a, d in zip(given, dims)), **call.kwargs))
                for i in range(EXAMPLES)
            ]
        except Exception:
            continue  # not all orders are valid arguments
        if any(len({(t.shape, t.dtype) for t in ts}) != 1 for ts in zip(*loop)):
            continue
        results = tensors(vmap(lambda *a: f(*a, **call.kwargs), dims)(*given))
        for k, (got, wanted) in enumerate(zip(results, zip(*loop))):
            expected = plait.stack(list(wanted))
            what = f"{spec.name} {dtype} {dims} result {k}: {show(sample)}"
            assert got.shape == expected.shape and got.dtype == expected.dtype, f"{what}: {got.shape} {got.dtype}"
            a, b = to_numpy(got), to_numpy(expected)
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5, err_msg=what)


@pytest.mark.parametrize(
    "spec", [pytest.param(s, id=s.id) for s in SPECS if s.name not in NO_EXAMPLE_RESULTS and "float32" in s.dtypes]
)
def test_equals_loop(spec: OpSpec) -> None:
    samples = [s for s in spec.samples(spec.gen()) if s.label != "special"]
    small = [s for s in samples if sum(np.size(a) for a in s.args if isinstance(a, np.ndarray)) <= 400]
    for sample in small[:: max(1, len(small) // 10)]:
        check(spec, sample, "float32")


def test_dimensions() -> None:
    x = plait.arange(24.0).reshape(2, 3, 4)
    assert vmap(lambda a: a.sum(0), 1)(x).tolist() == x.sum(0).tolist()
    assert vmap(lambda a: a * 2, -1, 1)(x).tolist() == (x * 2).movedim(-1, 1).tolist()
    y = vmap(lambda d: {"s": d["a"] + d["b"][0]}, ({"a": 0, "b": [None]},))({"a": x, "b": [plait.ones(4)]})
    assert y["s"].tolist() == (x + 1).tolist()
    first, second = vmap(lambda a: (a.sum(), a), out_dims=(0, 2))(x)
    assert first.shape == (2,) and second.shape == (3, 4, 2)
    assert vmap(lambda a: plait.ones(3))(x).shape == (2, 3)
    assert vmap(lambda a, *, b: a + b)(plait.ones(2), b=plait.ones(2)).tolist() == [2, 2]
    assert vmap(lambda a, b: a * b, (0, None))(plait.ones(2), 3).tolist() == [3, 3]
    assert vmap(lambda a: a + 1)(plait.zeros(0, 3)).shape == (0, 3)


def test_nested() -> None:
    a, b = plait.arange(3.0), plait.arange(4.0)
    table = vmap(vmap(lambda x, y: x * 10 + y, (None, 0)), (0, None))(a, b)
    assert table.tolist() == (a[:, None] * 10 + b).tolist()
    x, w = plait.randn(3, 4, 5), plait.randn(3, 5, 2)
    y = vmap(lambda m, n: vmap(lambda row: row @ n)(m))(x, w)
    np.testing.assert_allclose(y.numpy(), (x @ w).numpy(), rtol=1e-5, atol=1e-6)


def test_chunks() -> None:
    x = plait.randn(7, 3)
    whole = vmap(lambda a: (a.sum(), a.outer(a)))(x)
    for size in (1, 3, 7, 20):
        parts = vmap(lambda a: (a.sum(), a.outer(a)), chunk_size=size)(x)
        assert all(plait.equal(p, q) for p, q in zip(parts, whole))
    assert vmap(lambda a: a, out_dims=1, chunk_size=2)(x).tolist() == x.t().tolist()


def test_promotion_of_examples_without_dimensions() -> None:
    for a, b in (
        (plait.ones(3), plait.ones(2, dtype=plait.float64)),
        (plait.ones(3, dtype=plait.int64), plait.ones(2)),
    ):
        for f in (lambda x, y: x + y, lambda x, y: y * x):
            assert vmap(f, (None, 0))(a, b).dtype == f(a, b[0]).dtype
            assert vmap(f, (0, None))(a, b[0]).dtype == f(a[0], b[0]).dtype


def test_in_place() -> None:
    def f(x: plait.Tensor, y: plait.Tensor) -> plait.Tensor:
        z = x.clone()
        z += y
        z[0] = 5
        z[1:].mul_(2)
        z.clamp_(max=7)
        return z

    x, y = plait.randn(4, 3), plait.randn(4, 3)
    assert plait.equal(vmap(f)(x, y), plait.stack([f(a, b) for a, b in zip(x, y)]))
    assert plait.equal(vmap(lambda a: a.new_zeros(3).copy_(a))(x), x)
    with pytest.raises(RuntimeError, match="same for all"):
        vmap(lambda a: plait.zeros(3).add_(a))(x)


def test_indexing() -> None:
    x, i = plait.randn(4, 5, 3), plait.randint(0, 5, (4, 2))
    loop = lambda f, *xs: plait.stack([f(*v) for v in zip(*xs)])  # noqa: E731
    for f in (
        lambda a, k: a[0],
        lambda a, k: a[..., None, 1:],
        lambda a, k: a[k],
        lambda a, k: a[:, k.clamp(max=2)],
        lambda a, k: a[k, k.clamp(max=2)],
        lambda a, k: a[k[0] : 5] if isinstance(k, int) else a[1:4:2, ::2],
        lambda a, k: plait.where(a > 0, a, 0),
        lambda a, k: a.masked_fill(a > 0, 1),
        lambda a, k: a.index_put((k,), plait.ones(2, 3)),
        lambda a, k: a.index_select(0, k),
    ):
        assert plait.equal(vmap(f)(x, i), loop(f, x, i))
    assert plait.equal(vmap(lambda a: a[plait.tensor([1, 1])])(x), x[:, [1, 1]])

    def put(a: plait.Tensor, k: plait.Tensor) -> plait.Tensor:
        a = a.clone()
        a[k] = 1.0
        a[:, 0] = a[:, 1]
        a[a > 1] = 0
        return a

    assert plait.equal(vmap(put)(x, i), loop(put, x, i))


def test_random_numbers() -> None:
    x = plait.ones(4, 50)
    noise = lambda a: a + plait.randn_like(a)  # noqa: E731
    with pytest.raises(RuntimeError, match="randomness"):
        vmap(noise)(x)
    with pytest.raises(RuntimeError, match="randomness"):
        vmap(lambda a: a + plait.randn(50))(x)
    for f in (
        noise,
        lambda a: plait.nn.functional.dropout(a),
        lambda a: plait.bernoulli(a / 2),
        lambda a: a.multinomial(2),
    ):
        rows = vmap(f, randomness="different")(x).tolist()
        assert all(r != rows[0] for r in rows[1:])
        rows = vmap(f, randomness="same")(x).tolist()
        assert all(r == rows[0] for r in rows[1:])


def test_refuses() -> None:
    x = plait.ones(3, 2)
    for f, dims, pattern in (
        (lambda a: a, 2, "out of range"),
        (lambda a: a, (0, 0), "nested like"),
        (lambda a: a, None, "in_dims"),
        (lambda a: 1, 0, "return Tensors"),
    ):
        with pytest.raises((ValueError, TypeError), match=pattern):
            vmap(f, dims)(x)
    with pytest.raises(ValueError, match="one size"):
        vmap(plait.add)(x, plait.ones(2, 2))
    with pytest.raises(ValueError, match="out_dim"):
        vmap(lambda a: a, out_dims=5)(x)
    with pytest.raises(ValueError, match="randomness"):
        vmap(lambda a: a, randomness="some")
    for f in (lambda a: a if a.sum() > 0 else -a, lambda a: a[0].item(), lambda a: float(a[0]), lambda a: a.numpy()):
        with pytest.raises(RuntimeError, match="single value"):
            vmap(f)(x)
    with pytest.raises(RuntimeError, match="different shapes"):
        vmap(lambda a: a.nonzero())(plait.tensor([[1, 0], [1, 1]]))


def network() -> plait.nn.Module:
    return plait.nn.Sequential(
        plait.nn.Conv2d(2, 4, 3, padding=1), plait.nn.GroupNorm(2, 4), plait.nn.ReLU(), plait.nn.MaxPool2d(2),
        plait.nn.Flatten(), plait.nn.LayerNorm(16), plait.nn.Linear(16, 3),
    )  # fmt: skip


def test_gradients_of_examples() -> None:
    model = network()
    parameters = {k: v.detach() for k, v in model.named_parameters()}
    x, target = plait.randn(5, 2, 4, 4), plait.tensor([0, 1, 2, 0, 1])

    def loss(p: Any, image: plait.Tensor, wanted: plait.Tensor) -> plait.Tensor:
        return plait.nn.functional.cross_entropy(functional_call(model, p, (image[None],)), wanted[None])

    found = vmap(grad(loss), (None, 0, 0))(parameters, x, target)
    for k in parameters:
        one = plait.stack([grad(loss)(parameters, a, t)[k] for a, t in zip(x, target)])
        assert not found[k].requires_grad
        np.testing.assert_allclose(found[k].numpy(), one.numpy(), rtol=1e-3, atol=1e-5)


def test_ensembles() -> None:
    models = [network().eval() for _ in range(3)]
    parameters, buffers = stack_module_state(models)
    x = plait.randn(6, 2, 4, 4)
    y = vmap(lambda p, b: functional_call(models[0], (p, b), (x,)))(parameters, buffers)
    expected = plait.stack([m(x) for m in models])
    np.testing.assert_allclose(y.detach().numpy(), expected.detach().numpy(), rtol=1e-4, atol=1e-5)
    y.sum().backward()
    expected.sum().backward()
    got, wanted = parameters["0.weight"].grad, plait.stack([m[0].weight.grad for m in models])
    np.testing.assert_allclose(got.numpy(), wanted.numpy(), rtol=1e-3, atol=1e-4)


def test_autograd_grad_inside() -> None:
    x = plait.tensor([1.0, 2.0, 3.0], requires_grad=True)
    y = x**2
    rows = plait.eye(3)
    expected = plait.diag(2 * x.detach())
    assert plait.allclose(plait.vmap(lambda v: plait.autograd.grad(y, x, v, retain_graph=True)[0])(rows), expected)
    (batched,) = plait.autograd.grad(y, x, rows, retain_graph=True, is_grads_batched=True)
    assert plait.allclose(batched, expected)
    two = plait.vmap(plait.vmap(lambda v: plait.autograd.grad(y, x, v, retain_graph=True)[0]))(rows.reshape(1, 3, 3))
    assert plait.allclose(two[0], expected)

    def slope(row: plait.Tensor) -> plait.Tensor:
        row = row.detach().requires_grad_()
        return plait.autograd.grad((row**3).sum(), row)[0]

    assert plait.allclose(plait.vmap(slope)(rows + 1), 3 * (rows + 1) ** 2)
    with pytest.raises(RuntimeError, match="vmap"):
        plait.vmap(lambda v: plait.autograd.backward(y, v) or v)(rows)
    with pytest.raises(ValueError, match="shape"):
        plait.vmap(lambda v: plait.autograd.grad(y, x, v[:2])[0])(rows)
