# SPDX-License-Identifier: MIT
"""Sparse tensors against the dense ones that they stand for."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import plait
from plait import nn

INDICES = [[0, 2, 1, 0, 2, 2], [1, 0, 3, 1, 3, 0]]  # two places twice, not in order
SIZE = (3, 4)


def values(requires_grad: bool = False) -> plait.Tensor:
    v = plait.arange(1.0, 7.0, dtype=plait.float64)
    return v.requires_grad_() if requires_grad else v


def coo(v: plait.Tensor | None = None) -> Any:
    return plait.sparse_coo_tensor(INDICES, values() if v is None else v, SIZE)


def dense_array() -> np.ndarray:
    a = np.zeros(SIZE)
    np.add.at(a, tuple(np.array(INDICES)), np.arange(1.0, 7.0))
    return a


FORMS = {"coo": coo, "coalesced": lambda: coo().coalesce(), "csr": lambda: coo().to_sparse_csr()}


@pytest.fixture(params=FORMS)
def sparse(request: pytest.FixtureRequest) -> Any:
    return FORMS[request.param]()


def same(t: Any, expected: Any, sparse: bool = False) -> None:
    assert (t.layout != "strided") == sparse
    np.testing.assert_allclose((t.to_dense() if sparse else t).detach().numpy(), expected, rtol=1e-12, atol=1e-12)


def test_what_it_says_of_itself(sparse: Any) -> None:
    assert sparse.shape == SIZE and sparse.dim() == 2 and sparse.numel() == 12 and sparse.dtype == plait.float64
    assert sparse.is_sparse == (sparse.layout == "sparse_coo") and sparse.is_sparse_csr != sparse.is_sparse
    assert isinstance(sparse, plait.Tensor) and not plait.ones(2).is_sparse
    same(sparse, dense_array(), sparse=True)


def test_parts() -> None:
    c = coo()
    assert not c.is_coalesced() and c._nnz() == 6
    for name in ("values", "indices"):
        with pytest.raises(RuntimeError, match="coalesce"):
            getattr(c, name)()
    c = c.coalesce()
    assert c.indices().tolist() == [[0, 1, 2, 2], [1, 3, 0, 3]] and c.values().tolist() == [5.0, 3.0, 8.0, 5.0]
    r = coo().to_sparse_csr()
    assert r.crow_indices().tolist() == [0, 1, 2, 4] and r.col_indices().tolist() == [1, 3, 0, 3]
    same(r.to_sparse_coo(), dense_array(), sparse=True)
    same(plait.tensor(dense_array()).to_sparse(), dense_array(), sparse=True)


@pytest.mark.parametrize("threads", [1, 3])
def test_products(sparse: Any, threads: int) -> None:
    before = plait.get_num_threads()
    plait.set_num_threads(threads)
    a, b = dense_array(), np.random.default_rng(0).standard_normal((4, 5))
    d = plait.tensor(b)
    for y in (sparse @ d, plait.mm(sparse, d), plait.sparse.mm(sparse, d), sparse.matmul(d)):
        same(y, a @ b)
    same(sparse @ d[:, 0], a @ b[:, 0])
    same(d.t()[:, :3] @ sparse, b.T[:, :3] @ a)
    c = plait.ones(3, 5, dtype=plait.float64)
    same(plait.sparse.addmm(c, sparse, d, beta=2, alpha=3), 2 + 3 * a @ b)
    same(plait.sparse.mm(sparse, sparse.t()), a @ a.T, sparse=True)
    plait.set_num_threads(before)


def test_arithmetic(sparse: Any) -> None:
    a = dense_array()
    d = np.arange(12.0).reshape(SIZE)
    same(sparse * 2, a * 2, True)
    same(3 * sparse, a * 3, True)
    same(sparse / 2, a / 2, True)
    same(-sparse, -a, True)
    same(sparse + sparse, a * 2, True)
    same(sparse - sparse * 3, a * -2, True)
    same(sparse * plait.tensor(d), a * d, True)
    same(plait.tensor(d) * sparse, a * d, True)
    same(sparse * sparse, a * a, True)
    same(sparse + plait.tensor(d), a + d)
    same(plait.tensor(d) + sparse, a + d)
    same(plait.tensor(d).add_(sparse, alpha=2), 2 * a + d)
    same(sparse.t(), a.T, True)
    same(sparse.transpose(0, -1), a.T, True)
    same(sparse.square(), a * a, True)
    same(plait.sin(sparse), np.sin(a), True)
    same(plait.cat([sparse, sparse], 1), np.concatenate([a, a], 1), True)
    same(sparse.index_select(0, plait.tensor([2, 0, 2])), a[[2, 0, 2]], True)
    assert sparse.sum().item() == a.sum()
    same(plait.sparse.sum(sparse, 0), a.sum(0), True)
    same(plait.sparse.sum(sparse, (0, 1)), a.sum())


def test_softmax_is_over_the_entries(sparse: Any) -> None:
    a = dense_array()
    with np.errstate(divide="ignore"):
        e = np.where(a != 0, np.exp(a), 0)
    for dim in (0, 1):
        total = e.sum(dim, keepdims=True)
        expected = e / np.where(total == 0, 1, total)
        same(plait.sparse.softmax(sparse, dim), expected, True)
        got = plait.sparse.log_softmax(sparse, dim).to_sparse_coo()
        np.testing.assert_allclose(got.values().numpy(), np.log(expected[tuple(got.indices().numpy())]), atol=1e-12)


def test_gradients_of_values_and_dense_operands() -> None:
    d = plait.rand(4, 2, dtype=plait.float64, requires_grad=True)
    weights = plait.rand(SIZE, dtype=plait.float64)
    for f in (
        lambda v, d: coo(v) @ d,
        lambda v, d: coo(v).to_sparse_csr() @ d,
        lambda v, d: plait.sparse.mm(coo(v).t(), d[:3]),
        lambda v, d: (coo(v) * weights).to_dense() + d.sum(),
        lambda v, d: plait.sparse.softmax(coo(v), 1).to_dense() * d.sum(),
        lambda v, d: plait.sparse.mm(coo(v), coo(v).t()).to_dense() * d.sum(),
        lambda v, d: plait.sparse.sum(coo(v), 0).to_dense() * d.sum(),
    ):
        assert plait.autograd.gradcheck(f, (values(True), d))
    assert plait.autograd.gradgradcheck(lambda v, d: coo(v) @ d, (values(True), d))


def test_leaf() -> None:
    a = plait.sparse_coo_tensor(INDICES, values(), SIZE, requires_grad=True)
    assert a.requires_grad and a.is_leaf and a.grad is None
    (a @ plait.ones(4, 1, dtype=plait.float64)).sum().backward()
    assert a.grad.is_sparse and a.grad._values().tolist() == [1.0] * 6


def test_hybrid_and_empty() -> None:
    t = plait.sparse_coo_tensor([[0, 2]], plait.ones(2, 3), (4, 3))
    assert t.sparse_dim() == 1 and t.dense_dim() == 1
    assert t.to_dense().sum(1).tolist() == [3.0, 0.0, 3.0, 0.0]
    for e in (plait.sparse_coo_tensor((3, 4)), plait.zeros(3, 4).to_sparse(), plait.zeros(3, 4).to_sparse_csr()):
        assert e._nnz() == 0 and e.to_dense().tolist() == plait.zeros(3, 4).tolist()
        assert (e @ plait.ones(4, 2)).tolist() == plait.zeros(3, 2).tolist()
    assert (plait.zeros(0, 4).to_sparse() @ plait.ones(4, 2)).shape == (0, 2)


def test_printing_and_copies(sparse: Any) -> None:
    text = repr(sparse)
    assert text.startswith("tensor(") and f"nnz={sparse._nnz()}" in text and f"layout={sparse.layout}" in text
    for twin in (copy.deepcopy(sparse), pickle.loads(pickle.dumps(sparse)), sparse.clone()):
        assert twin.layout == sparse.layout
        same(twin, dense_array(), True)


def test_what_is_not_there_raises(sparse: Any) -> None:
    for use in (
        plait.exp,
        plait.sort,
        bool,
        float,
        np.asarray,
        lambda t: t[plait.tensor([0])],
        lambda t: t.item(),
        plait.tensor,
    ):
        with pytest.raises((NotImplementedError, TypeError), match="sparse"):
            use(sparse)
    with pytest.raises(ValueError, match=r"\(3, 4\).*\(3, 2\)"):
        sparse @ plait.ones(3, 2, dtype=plait.float64)
    with pytest.raises(TypeError, match="one dtype"):
        sparse @ plait.ones(4, 2)


@pytest.mark.parametrize(
    "make",
    [
        lambda: plait.sparse_coo_tensor([[0, 5]], [1.0, 2.0], (3,)),
        lambda: plait.sparse_coo_tensor([[-1]], [1.0], (3,)),
        lambda: plait.sparse_coo_tensor([[0, 1]], [1.0], (3,)),
        lambda: plait.sparse_coo_tensor([[0]], [1.0], (3, 3)),
        lambda: plait.sparse_csr_tensor([0, 2], [0], [1.0], (1, 2)),
        lambda: plait.sparse_csr_tensor([0, 1], [3], [1.0], (1, 2)),
        lambda: plait.sparse_csr_tensor([1, 1], [0], [1.0], (1, 2)),
    ],
)
def test_bad_parts_raise(make: Any) -> None:
    with pytest.raises(ValueError, match="expected"):
        make()


# ---- Sparse gradients of tables ----


def twins(cls: type = nn.Embedding, **options: Any) -> tuple[Any, Any]:
    plait.manual_seed(0)
    a = cls(7, 3, sparse=True, **options)
    b = cls(7, 3, **options)
    b.load_state_dict(a.state_dict())
    return a, b


@pytest.mark.parametrize("padding_idx", [None, 2])
def test_embedding_gradient(padding_idx: int | None) -> None:
    a, b = twins(padding_idx=padding_idx)
    index = plait.tensor([[1, 2, 1], [5, 2, 0]])
    for m in (a, b):
        for _ in range(2):  # accumulates
            (m(index).square().sum() + m(index[0]).sum()).backward()
    assert a.weight.grad.is_sparse and not b.weight.grad.is_sparse
    np.testing.assert_allclose(a.weight.grad.to_dense().numpy(), b.weight.grad.numpy(), rtol=1e-6)


@pytest.mark.parametrize("mode", ["sum", "mean"])
def test_embedding_bag_gradient(mode: str) -> None:
    a, b = twins(nn.EmbeddingBag, mode=mode)
    for m in (a, b):
        m(plait.tensor([1, 2, 4, 1]), plait.tensor([0, 3])).square().sum().backward()
    assert a.weight.grad.is_sparse
    np.testing.assert_allclose(a.weight.grad.to_dense().numpy(), b.weight.grad.numpy(), rtol=1e-6)


def test_sparse_and_dense_uses_of_one_table() -> None:
    a, b = twins()
    for m in (a, b):
        (m(plait.tensor([1, 1])).sum() + (m.weight * 2).sum()).backward()
        m(plait.tensor([3])).sum().backward()
    assert a.weight.grad.tolist() == b.weight.grad.tolist()


@pytest.mark.parametrize(
    "make",
    [
        lambda p: plait.optim.SGD(p, lr=0.1),
        lambda p: plait.optim.SGD(p, lr=0.1, momentum=0.9),
        lambda p: plait.optim.Adagrad(p, lr=0.1),
    ],
)
def test_optimizers_on_sparse_gradients(make: Any) -> None:
    a, b = twins()
    for m in (a, b):
        optimizer = make(m.parameters())
        for index in ([1, 2, 1], [4, 1], [6, 6]):
            optimizer.zero_grad()
            m(plait.tensor(index)).square().sum().backward()
            nn.utils.clip_grad_norm_(m.parameters(), 2.0)
            optimizer.step()
    np.testing.assert_allclose(a.weight.detach().numpy(), b.weight.detach().numpy(), rtol=1e-5)


def test_sparse_adam_is_adam_where_there_are_entries() -> None:
    a, b = twins()
    optimizers = plait.optim.SparseAdam(a.parameters(), lr=0.1), plait.optim.Adam(b.parameters(), lr=0.1)
    for m, optimizer in zip((a, b), optimizers):
        for _ in range(3):
            optimizer.zero_grad()
            m(plait.tensor([1, 2, 1])).square().sum().backward()
            optimizer.step()
    np.testing.assert_allclose(a.weight.detach().numpy(), b.weight.detach().numpy(), rtol=1e-5)
    with pytest.raises(RuntimeError, match="SparseAdam"):
        plait.optim.Adam(a.parameters()).step()
    with pytest.raises(RuntimeError, match="sparse gradients"):
        plait.optim.SparseAdam(b.parameters()).step()


def test_zeroing_a_sparse_gradient() -> None:
    a, _ = twins()
    a(plait.tensor([1])).sum().backward()
    a.weight.grad.zero_()
    assert a.weight.grad._nnz() == 0
    optimizer = plait.optim.SGD(a.parameters(), lr=0.1)
    optimizer.zero_grad()
    assert a.weight.grad is None
