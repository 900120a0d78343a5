# SPDX-License-Identifier: MIT
"""What functions make of sparse tensors, against the same of the dense ones."""

from __future__ import annotations

import copy
import io
import pickle
from typing import Any

import numpy as np
import pytest
from test_sparse import FORMS, INDICES, SIZE, coo, dense_array, same, values

import plait
from plait import _sparse_ops, nn

HYBRID = lambda: plait.sparse_coo_tensor([[0, 2, 0]], plait.arange(9.0).reshape(3, 3), (4, 3))  # noqa: E731
ALL = {**FORMS, "hybrid": HYBRID}


@pytest.fixture(params=FORMS)
def sparse(request: pytest.FixtureRequest) -> Any:
    return FORMS[request.param]()


@pytest.fixture(params=ALL)
def any_sparse(request: pytest.FixtureRequest) -> Any:
    return ALL[request.param]()


CASTS = {"to": plait.float32, "type_as": plait.ones(1)}


@pytest.mark.parametrize("name", [*_sparse_ops._LINEAR, *_sparse_ops._NOT_LINEAR])
def test_functions_that_are_0_at_0(any_sparse: Any, name: str) -> None:
    t = any_sparse / 20 if name in ("asin", "erfinv", "atanh") else any_sparse
    args = [CASTS[name]] if name in CASTS else []
    expected = getattr(t.to_dense(), name)(*args)
    got = getattr(t, name)(*args)
    assert got.layout == t.layout and got.dtype == expected.dtype
    np.testing.assert_allclose(got.to_dense().cdouble().numpy(), expected.cdouble().numpy(), rtol=1e-6)


@pytest.mark.parametrize("name", ["neg_", "abs_", "sqrt_", "tanh_", "relu_", "mul_", "div_", "add_", "sub_", "zero_"])
def test_in_place(any_sparse: Any, name: str) -> None:
    args = {"mul_": [3], "div_": [2], "add_": [any_sparse.clone()], "sub_": [any_sparse.clone()]}.get(name, [])
    expected = getattr(any_sparse.to_dense(), name)(*[a.to_dense() if isinstance(a, plait.Tensor) else a for a in args])
    t = any_sparse.clone()
    assert getattr(t, name)(*args) is t and t.layout == any_sparse.layout
    np.testing.assert_allclose(t.to_dense().numpy(), expected.numpy(), rtol=1e-6)


def test_in_place_keeps_the_dtype() -> None:
    t = coo().long()
    with pytest.raises(TypeError, match="int64"):
        t.div_(2)
    assert t.dtype == plait.int64


SHAPES = {
    "permute": lambda t: t.permute(1, 0),
    "transpose": lambda t: t.transpose(-1, 0),
    "movedim": lambda t: t.movedim(0, -1),
    "mT": lambda t: t.mT,
    "H": lambda t: t.H,
    "unsqueeze": lambda t: t.unsqueeze(1),
    "unsqueeze last": lambda t: t.unsqueeze(-1),
    "squeeze": lambda t: t.unsqueeze(0).squeeze(0),
    "squeeze all": lambda t: t.unsqueeze(-1).squeeze(),
    "select": lambda t: t.select(1, -1),
    "row": lambda t: t[2],
    "element": lambda t: t[0, 1],
    "slice": lambda t: t[1:, ::2],
    "new axis": lambda t: t[None, ..., 0],
    "narrow_copy": lambda t: plait.narrow_copy(t, 0, 1, 2),
    "unbind": lambda t: t.unbind(1)[3],
    "index_select": lambda t: t.index_select(-1, plait.tensor([3, 0, 0])),
    "stack": lambda t: plait.stack([t, t], 1),
    "cat": lambda t: plait.cat([t, t * 2], -1),
    "hstack": lambda t: plait.hstack([t, t]),
    "vstack": lambda t: plait.vstack([t, t]),
    "sum": lambda t: t.sum(1, keepdim=True),
    "iteration": lambda t: list(t)[2],
}


@pytest.mark.parametrize("name", SHAPES)
def test_shapes(sparse: Any, name: str) -> None:
    got, expected = SHAPES[name](sparse), SHAPES[name](plait.tensor(dense_array()))
    assert got.shape == expected.shape
    same(got, expected.numpy(), got.layout != "strided")


def test_shapes_of_dense_dimensions() -> None:
    t = HYBRID()
    a = t.to_dense()
    for f in (
        lambda t: t[2],
        lambda t: t[:, 1],
        lambda t: plait.cat([t, t], 1),
        lambda t: t.unsqueeze(-1),
        lambda t: t.unsqueeze(0),
        lambda t: t.sum(1),
        lambda t: t.index_select(1, plait.tensor([2, 0])),
    ):
        got = f(t)
        assert got.shape == f(a).shape and (got.to_dense() if got.is_sparse else got).tolist() == f(a).tolist()
    with pytest.raises(ValueError, match="sparse dimensions"):
        t.transpose(0, 1)


def test_products_of_every_name(sparse: Any) -> None:
    a, b, c = dense_array(), np.random.default_rng(0).standard_normal((4, 2)), np.ones((3, 2))
    d, e = plait.tensor(b), plait.tensor(c)
    same(plait.spmm(sparse, d), a @ b)
    same(plait.dsmm(sparse, d), a @ b)
    same(plait.smm(sparse, d), a @ b, True)
    same(plait.hspmm(sparse, d), a @ b, True)
    same(plait.saddmm(e, sparse, d, beta=2), 2 * c + a @ b)
    same(e.clone().addmm_(sparse, d), c + a @ b)
    same(plait.addmv(e[:, 0], sparse, d[:, 0]), c[:, 0] + a @ b[:, 0])
    same(nn.functional.linear(d.t(), sparse, e[:, 0]), b.T @ a.T + c[:, 0])
    same(nn.functional.linear(sparse, d.t()), a @ b)
    same(plait.mm(sparse, d, out=plait.empty(3, 2, dtype=plait.float64)), a @ b)
    square = plait.tensor(a.T @ a)
    same(plait.sspaddmm(square.to_sparse(), sparse.t(), plait.tensor(a)), 2 * a.T @ a, True)
    for reduce, expected in (("mean", [5, 3, 6.5]), ("amax", [5, 3, 8]), ("amin", [5, 3, 5])):
        one = plait.sparse.mm(sparse.to_sparse_coo().coalesce(), plait.ones(4, 1, dtype=plait.float64), reduce)
        assert one[:, 0].tolist() == expected


def test_products_of_batches() -> None:
    t = plait.stack([coo(), coo() * 2])
    b = plait.rand(2, 4, 3, dtype=plait.float64)
    same(t.bmm(b), t.to_dense().numpy() @ b.numpy())


@pytest.mark.parametrize("dtype", [plait.complex128, plait.complex64, plait.int64, plait.uint8, plait.float16])
def test_products_of_every_kind_of_number(sparse: Any, dtype: Any) -> None:
    b = plait.arange(8).reshape(4, 2).to(dtype)
    t = sparse.to(dtype)
    if dtype.is_complex:
        t, b = t * (1 + 2j), b * (2 - 1j)
    y = t @ b
    assert y.dtype == dtype
    np.testing.assert_allclose(y.numpy(), t.to_dense().numpy() @ b.numpy(), rtol=1e-3 if dtype.itemsize == 2 else 1e-6)


def test_complex_gradients() -> None:
    v = plait.randn(6, dtype=plait.complex128, requires_grad=True)
    b = plait.randn(4, 2, dtype=plait.complex128, requires_grad=True)
    assert plait.autograd.gradcheck(lambda v, b: plait.sparse_coo_tensor(INDICES, v, SIZE) @ b, (v, b))


@pytest.mark.parametrize("width", [1, 2, 7, 16, 17, 33, 63, 64, 65, 130, 200])
@pytest.mark.parametrize("dtype", [plait.float32, plait.float64])
def test_columns_of_a_product(width: int, dtype: Any) -> None:
    """Every width against float64, and the same bits at any number of threads and in any part of the columns."""
    rng = np.random.default_rng(width)
    a = rng.standard_normal((57, 41)) * (rng.random((57, 41)) < 0.2)
    a[5:20] = 0
    b = plait.tensor(rng.standard_normal((41, width)), dtype=dtype)
    t = plait.tensor(a, dtype=dtype).to_sparse_csr()
    y = t @ b
    np.testing.assert_allclose(y.numpy(), t.to_dense().double().numpy() @ b.double().numpy(), rtol=2e-5, atol=1e-5)
    before = plait.get_num_threads()
    for threads in (1, 2, 3):
        plait.set_num_threads(threads)
        assert plait.equal(t @ b, y)
    plait.set_num_threads(before)


def test_many_rows_at_any_number_of_threads() -> None:
    rng = np.random.default_rng(0)
    begin = np.concatenate([[0], np.cumsum(rng.integers(0, 9, 5000) ** 3 // 40)])  # rows of very different lengths
    columns, v = rng.integers(0, 700, begin[-1]), rng.standard_normal(begin[-1])
    t = plait.sparse_csr_tensor(begin, columns, plait.tensor(v), (5000, 700))
    b = plait.tensor(rng.standard_normal((700, 33)))
    same(t @ b, t.to_dense().numpy() @ b.numpy())
    mask = plait.sparse.sampled_addmm(t, plait.ones(5000, 2, dtype=plait.float64), plait.ones(2, 700).double(), beta=0)
    assert mask.values().unique().tolist() == [2.0]
    y = t @ b
    for threads in (1, 2, 5):
        plait.set_num_threads(threads)
        assert plait.equal(t @ b, y)


def test_sampled_addmm() -> None:
    x, b = plait.rand(3, 5, dtype=plait.float64), plait.rand(5, 4, dtype=plait.float64)
    t = coo().to_sparse_csr()
    got = plait.sparse.sampled_addmm(t, x, b, beta=2, alpha=3)
    same(got, (2 * dense_array() + 3 * x.numpy() @ b.numpy()) * (dense_array() != 0), True)
    half = plait.sparse.sampled_addmm(t.half(), x.half(), b.half())
    assert half.dtype == plait.float16

    def f(v: Any, x: Any, b: Any) -> Any:
        a = plait.sparse_csr_tensor([0, 1, 2, 4], [1, 3, 0, 3], v, SIZE)
        return plait.sparse.sampled_addmm(a, x, b, beta=0.5).values()

    v = plait.rand(4, dtype=plait.float64, requires_grad=True)
    assert plait.autograd.gradcheck(f, (v, x.requires_grad_(), b.requires_grad_()))
    assert plait.autograd.gradgradcheck(f, (v, x, b))
    with pytest.raises(TypeError, match="CSR"):
        plait.sparse.sampled_addmm(coo(), x, b)
    with pytest.raises(ValueError, match=r"\(3, 5\) and \(4, 4\)"):
        plait.sparse.sampled_addmm(t, x, b[:4])


def test_spdiags() -> None:
    d = plait.arange(1.0, 13.0).reshape(3, 4)
    got = plait.sparse.spdiags(d, plait.tensor([0, -1, 2]), (3, 5)).to_dense()
    expected = np.zeros((3, 5))
    for row, k in enumerate((0, -1, 2)):
        for j in range(4):
            if 0 <= j - k < 3:
                expected[j - k, j] = d[row, j].item()
    assert got.tolist() == expected.tolist()
    assert plait.sparse.spdiags(d[0], plait.tensor(1), (2, 2), plait.sparse_csr).layout == plait.sparse_csr
    with pytest.raises(ValueError, match="differ"):
        plait.sparse.spdiags(d, plait.tensor([0, 0, 2]), (3, 5))


def test_batches_of_matrices() -> None:
    a = np.arange(24.0).reshape(2, 3, 4) % 5
    a[:, 0] = [0, 1, 0, 2]
    t = plait.sparse_csr_tensor([[0, 1, 2], [0, 0, 2]], [[0, 1], [0, 1]], [[1.0, 2], [3, 4]], (2, 2, 2))
    assert t.to_dense().tolist() == [[[1, 0], [0, 2]], [[0, 0], [3, 4]]]
    assert (t._nnz(), t.sparse_dim(), t.dense_dim()) == (2, 2, 0) and t.shape == (2, 2, 2)
    same(t * 2, 2 * t.to_dense().numpy(), True)
    dense = plait.ones(2, 3, 2)
    assert dense.to_sparse_csr()._nnz() == 6 and dense.to_sparse_csr(1).dense_dim() == 1
    for again in (
        dense.to_sparse_csr(),
        dense.to_sparse_csr(dense_dim=1),
        pickle.loads(pickle.dumps(t)).to(plait.float32),
    ):
        assert plait.equal(again.to_dense(), again.to_sparse_coo().to_dense())
    dense[0, 0, 0] = 0
    with pytest.raises(ValueError, match="as many entries"):
        dense.to_sparse_csr()


def test_masks(any_sparse: Any) -> None:
    d = plait.arange(1.0, 13.0).reshape(any_sparse.shape)
    got = d.sparse_mask(any_sparse)
    assert got.layout == any_sparse.layout and got._nnz() == any_sparse._nnz()
    part = any_sparse.to_dense()
    part[0] = 0
    again = part.to_sparse(any_sparse.sparse_dim()).sparse_mask(any_sparse.to_sparse_coo().coalesce())
    assert plait.equal(again.to_dense().to(part.dtype), part)
    with pytest.raises(TypeError, match="sparse mask"):
        d.sparse_mask(d)


def test_others_of_the_same_kind(any_sparse: Any) -> None:
    for f in (plait.zeros_like, plait.empty_like, lambda t: t.new_zeros(4, 3), lambda t: t.new_empty((4, 3))):
        t = f(any_sparse)
        assert t.layout == any_sparse.layout and t._nnz() == 0 and t.dtype == any_sparse.dtype
    assert plait.zeros_like(any_sparse, layout=plait.strided).sum() == 0
    assert plait.equal(plait.zeros_like(any_sparse).copy_(any_sparse).to_dense(), any_sparse.to_dense())
    assert plait.is_floating_point(any_sparse) and not any_sparse.is_complex() and plait.numel(any_sparse) == 12
    assert plait.result_type(any_sparse, 1.5) == any_sparse.dtype and any_sparse.new_tensor([1.0]).layout == "strided"
    with pytest.raises(NotImplementedError, match=r"strided.*sparse_coo"):
        plait.zeros(2, layout=plait.sparse_coo)


def test_sizes_change() -> None:
    t = coo()
    assert t.sparse_resize_((5, 6), 2, 0) is t and t.shape == (5, 6) and t.to_dense()[2, 3].item() == 5 + 3 - 3
    assert t.sparse_resize_and_clear_((2, 2, 3), 2, 1)._nnz() == 0 and t.to_dense().shape == (2, 2, 3)
    with pytest.raises(ValueError, match=r"\(3, 4\)"):
        coo().sparse_resize_((2, 4), 2, 0)


def test_files_and_copies(any_sparse: Any) -> None:
    any_sparse.note = "kept"
    for twin in (copy.deepcopy(any_sparse), pickle.loads(pickle.dumps(any_sparse))):
        assert twin.note == "kept"
    m = nn.Module()
    m.register_buffer("adjacency", any_sparse)
    file = io.BytesIO()
    plait.save({"state": m.state_dict(), "again": [any_sparse], "leaf": any_sparse.clone().requires_grad_()}, file)
    file.seek(0)
    loaded = plait.load(file)
    for twin in (loaded["state"]["adjacency"], loaded["again"][0], loaded["leaf"].detach(), copy.deepcopy(m).adjacency):
        assert (twin.layout, twin.dtype, twin.shape, twin._nnz()) == (
            any_sparse.layout,
            any_sparse.dtype,
            any_sparse.shape,
            any_sparse._nnz(),
        )
        assert plait.equal(twin.to_dense(), any_sparse.to_dense())
        assert not twin.is_sparse or twin.is_coalesced() == any_sparse.is_coalesced()
    assert loaded["leaf"].requires_grad and loaded["leaf"].is_leaf
    m.adjacency.mul_(0)
    m.load_state_dict(loaded["state"])
    assert plait.equal(m.adjacency.to_dense(), loaded["again"][0].to_dense())
    assert m.double().adjacency.dtype == plait.float64


def test_files_with_other_indices_raise() -> None:
    file = io.BytesIO()
    plait.save(plait.sparse_coo_tensor([[2]], [1.0], (3,)), file)
    for old, new in ((b'\\"size\\":[3]', b'\\"size\\":[2]'), (b'\\"coo\\"', b'\\"csr\\"')):
        data = file.getvalue().replace(old.replace(b":", b": "), new.replace(b":", b": "))
        assert data != file.getvalue()
        with pytest.raises(plait.serialization.FileFormatError, match="sparse"):
            plait.load(io.BytesIO(data))


def test_text() -> None:
    t = plait.sparse_coo_tensor([[0, 1], [2, 0]], [3.0, 4.0], (2, 3))
    expected = (
        "tensor(indices=tensor([[0, 1],\n                       [2, 0]]),\n       values=tensor([3., 4.]),\n"
        "       size=(2, 3), nnz=2, layout=plait.sparse_coo)"
    )
    assert repr(t) == str(t) == f"{t}" == expected
    assert repr(t.double().requires_grad_()).endswith(
        "nnz=2, dtype=plait.float64, layout=plait.sparse_coo,\n       requires_grad=True)"
    )
    assert repr(plait.sparse_coo_tensor((2, 3))) == (
        "tensor(indices=tensor([], size=(2, 0)),\n       values=tensor([], size=(0,)),\n"
        "       size=(2, 3), nnz=0, layout=plait.sparse_coo)"
    )
    assert repr(t.to_sparse_csr()) == (
        "tensor(crow_indices=tensor([0, 1, 2]),\n       col_indices=tensor([2, 0]),\n"
        "       values=tensor([3., 4.]), size=(2, 3), nnz=2, layout=plait.sparse_csr)"
    )


def test_hooks_and_properties() -> None:
    v = values(True)
    t = coo(v).coalesce()
    seen = []
    t.register_hook(lambda g: seen.append(g.layout) or g * 2)
    t.to_dense().sum().backward()
    assert seen == ["sparse_coo"] and v.grad.tolist() == [2.0] * 6
    assert t.detach().requires_grad is False and coo().type() == "plait.sparse.DoubleTensor"
    z = plait.sparse_coo_tensor([[0]], [1 + 2j], (2,))
    assert z.imag.to_dense().tolist() == [2, 0] and z.conj().to_dense().tolist() == [1 - 2j, 0]


def test_constructors() -> None:
    assert plait.sparse_coo_tensor(size=(2, 3))._nnz() == 0
    assert plait.sparse.DoubleTensor(plait.tensor([[1]]), plait.ones(1), plait.Size([2])).dtype == plait.float64
    c = plait.sparse_compressed_tensor([0, 1], [0], [2.0], layout=plait.sparse_csr)
    assert c.layout == plait.sparse_csr and c.shape == (1, 1)
    check = plait.sparse.check_sparse_tensor_invariants
    assert not check.is_enabled()
    with check(), pytest.raises(ValueError, match="is_coalesced"):
        plait.sparse_coo_tensor([[1, 0]], [1.0, 2.0], (2,), is_coalesced=True)
    assert not check.is_enabled()


def bad(f: Any, error: Any, text: str) -> Any:
    return pytest.param(f, error, text, id=text)


@pytest.mark.parametrize(
    ("f", "error", "text"),
    [
        bad(lambda t: t.pow(0), ValueError, "above 0"),
        bad(lambda t: t ** plait.ones(4), TypeError, "a number"),
        bad(lambda t: plait.exp(t), NotImplementedError, r"exp: not implemented for plait\.sparse_c"),
        bad(lambda t: t.index_select(0, plait.tensor([7])), IndexError, "from 0 to 2"),
        bad(lambda t: t.select(0, 3), IndexError, "from -3 to 2"),
        bad(lambda t: t[0, 0, 0], IndexError, "at most 2"),
        bad(lambda t: t.transpose(0, 2), IndexError, "from -2 to 1"),
        bad(lambda t: t.to_sparse(layout="sparse_csc"), NotImplementedError, "sparse_csc"),
        bad(lambda t: plait.cat([t, t.to_dense()]), TypeError, "dense"),
        bad(lambda t: plait.cat([t, t.t()]), ValueError, "shapes that differ"),
        bad(lambda t: nn.Parameter(t), NotImplementedError, "Parameter: not implemented for sparse"),
        bad(lambda t: t.sum(2), IndexError, "from -2 to 1"),
        bad(lambda t: plait.sparse.mm(t, plait.ones(4, 2).double(), "max"), ValueError, "reduce"),
    ],
)
def test_bad_calls(sparse: Any, f: Any, error: Any, text: str) -> None:
    with pytest.raises(error, match=text):
        f(sparse)
