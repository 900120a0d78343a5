# SPDX-License-Identifier: MIT
"""The other spellings of an op: arguments by position and by name, named results, operators, in-place forms."""

from __future__ import annotations

import numpy as np
import pytest

import plait
import plait.nn.functional as F

NAN, INF = float("nan"), float("inf")


def x23() -> plait.Tensor:
    return plait.tensor([[3.0, 1.0, 2.0], [4.0, 6.0, 5.0]])


@pytest.mark.tiny
def test_reduction_spellings() -> None:
    x = x23()
    for s in (x.sum(1), x.sum(dim=1), x.sum(-1), x.sum((1,)), x.sum([1]), plait.sum(x, 1), plait.sum(x, dim=(1,)),
              plait.sum(input=x, dim=1), x.sum(axis=1)):  # fmt: skip
        assert s.tolist() == [6.0, 15.0]
    assert plait.sum(x, 1, True).shape == x.sum(1, keepdim=True).shape == (2, 1)
    assert x.sum((0, 1)).item() == x.sum(dim=()).item() == x.sum(dim=None).item() == 21.0
    assert x.mean(0).tolist() == [3.5, 3.5, 3.5] and x.mean(dtype=plait.float64).dtype == plait.float64
    assert x.mean((0, 1), keepdim=True).shape == (1, 1)
    assert x.prod(1).tolist() == [6.0, 120.0]
    assert x.var(0, unbiased=False).tolist() == [0.25, 6.25, 2.25]
    assert x.var(0, correction=0).tolist() == x.var(dim=0, unbiased=False).tolist()
    assert x.std(unbiased=False).item() == pytest.approx(np.std(x.numpy()))
    assert plait.std(x, 1).tolist() == pytest.approx([1.0, 1.0])
    assert x.argmax().item() == 4 and x.argmax(1).tolist() == [0, 1] and x.argmax(dim=1, keepdim=True).shape == (2, 1)
    assert x.all().item() is True and (x > 5).any(1).tolist() == [False, True]
    assert (
        x.norm(p=1).item() == 21.0 and plait.norm(x, 2, 1).shape == (2,) and x.norm(dim=0, keepdim=True).shape == (1, 3)
    )
    assert x.cumsum(1).tolist() == plait.cumsum(x, dim=-1).tolist() == [[3.0, 4.0, 6.0], [4.0, 10.0, 15.0]]


def test_max_and_min_forms() -> None:
    x = x23()
    assert x.max().item() == 6.0 and x.min().item() == 1.0
    values, indices = x.max(1)
    assert values.tolist() == [3.0, 6.0] and indices.tolist() == [0, 1]
    result = plait.min(x, dim=0)
    assert result.values.tolist() == result[0].tolist() == [3.0, 1.0, 2.0]
    assert result.indices.tolist() == [0, 0, 0]
    assert plait.max(x, 1, keepdim=True)[0].shape == (2, 1)
    assert plait.max(x, plait.full((3,), 3.0)).tolist() == [[3.0, 3.0, 3.0], [4.0, 6.0, 5.0]]
    assert x.min(plait.tensor(2.0)).tolist() == [[2.0, 1.0, 2.0], [2.0, 2.0, 2.0]]
    assert isinstance(result, tuple) and len(result) == 2


def test_named_results() -> None:
    x = x23()
    assert x.sort(1, descending=True).values.tolist() == [[3.0, 2.0, 1.0], [6.0, 5.0, 4.0]]
    assert plait.sort(x).indices.tolist() == [[1, 2, 0], [0, 2, 1]]
    assert x.topk(2).values.tolist() == [[3.0, 2.0], [6.0, 5.0]]
    assert plait.topk(x, k=1, dim=0, largest=False).indices.tolist() == [[0, 0, 0]]
    assert plait.median(x, 1).values.tolist() == [2.0, 5.0]


def test_shape_spellings() -> None:
    x = x23()
    for y in (
        x.view(3, 2),
        x.view((3, 2)),
        x.view([3, 2]),
        x.reshape(3, 2),
        x.reshape((3, -1)),
        plait.reshape(x, (3, 2)),
    ):
        assert y.shape == (3, 2)
    for y in (x.permute(1, 0), x.permute((1, 0)), x.permute([1, 0]), x.t(), x.T, x.transpose(0, 1),
              plait.permute(x, (1, 0)),
              x.permute(dims=(1, 0))):  # fmt: skip
        assert y.shape == (3, 2) and y[0, 1].item() == 4.0
    assert x.repeat(2, 1).shape == x.repeat((2, 1)).shape == (4, 3)
    assert x.expand(4, 2, 3).shape == x.expand((4, 2, 3)).shape == (4, 2, 3)
    assert (
        x.flip(1).tolist() == x.flip((1,)).tolist() == plait.flip(x, [1]).tolist() == [[2.0, 1.0, 3.0], [5.0, 6.0, 4.0]]
    )
    assert x.roll(1, 0).tolist() == plait.roll(x, shifts=1, dims=0).tolist()
    assert plait.cat((x, x)).shape == plait.cat([x, x], 0).shape == plait.cat(tensors=(x, x), dim=0).shape == (4, 3)
    assert plait.cat((x, x), axis=1).shape == (2, 6)
    assert x.squeeze().shape == (2, 3) and x.unsqueeze(-1).shape == (2, 3, 1)
    assert x.tile(2).shape == x.tile((2,)).shape == (2, 6)
    assert [t.shape[0] for t in x.split(1)] == [1, 1] and len(plait.split(x, [1, 2], dim=1)) == 2
    assert x.flatten().shape == (6,) and plait.flatten(x, start_dim=1).shape == (2, 3)
    assert x.size() == x.shape and x.dim() == x.ndim == 2 and x.ndimension() == 2
    assert x.new_zeros(2, 2).shape == x.new_zeros((2, 2)).shape


def test_clamp_spellings() -> None:
    x = plait.tensor([-2.0, 0.5, 2.0])
    for y in (x.clamp(-1, 1), x.clamp(min=-1, max=1), plait.clamp(x, -1, 1), plait.clip(x, -1, 1), x.clip(-1, 1)):
        assert y.tolist() == [-1.0, 0.5, 1.0]
    assert x.clamp_min(0).tolist() == x.clamp(min=0).tolist() == [0.0, 0.5, 2.0]
    assert x.clamp_max(1).tolist() == [-2.0, 0.5, 1.0]
    y = x.clone()
    assert y.clamp_(0, 1) is y and y.tolist() == [0.0, 0.5, 1.0]
    assert plait.tensor([1, 5]).clamp(max=2.5).dtype == plait.float32


def test_unique() -> None:
    x = plait.tensor([3, 1, 3, 2, 1, 3])
    assert plait.unique(x).tolist() == [1, 2, 3]
    values, inverse, counts = plait.unique(x, return_inverse=True, return_counts=True)
    assert values[inverse].tolist() == x.tolist() and counts.tolist() == [2, 1, 3]
    assert x.unique().tolist() == [1, 2, 3]
    assert plait.unique_consecutive(plait.tensor([1, 1, 2, 1])).tolist() == [1, 2, 1]
    rows = plait.tensor([[1, 2], [1, 2], [0, 1]])
    assert plait.unique(rows, dim=0).tolist() == [[0, 1], [1, 2]]


def test_where_and_nonzero_forms() -> None:
    x = plait.tensor([[0.0, 1.0], [2.0, 0.0]])
    assert plait.nonzero(x).tolist() == x.nonzero().tolist() == [[0, 1], [1, 0]]
    rows, columns = plait.nonzero(x, as_tuple=True)
    assert rows.tolist() == [0, 1] and columns.tolist() == [1, 0]
    assert [t.tolist() for t in plait.where(x > 0)] == [[0, 1], [1, 0]]
    assert x.where(x > 0, plait.tensor(-1.0)).tolist() == [[-1.0, 1.0], [2.0, -1.0]]
    assert plait.where(x > 0, 1.0, 0.0).dtype == plait.float32
    assert plait.argwhere(x).tolist() == [[0, 1], [1, 0]]


def test_functional_in_place() -> None:
    for f in (F.relu, F.leaky_relu, F.elu, F.silu, F.relu6, F.hardtanh, F.selu):
        x = plait.tensor([-1.0, 2.0])
        expected = f(x)
        assert f(x, inplace=True) is x and plait.equal(x, expected), f
    x = plait.tensor([-1.0, 2.0])
    assert plait.relu_(x) is x and x.tolist() == [0.0, 2.0]
    y = plait.ones(100)
    assert F.dropout(y, 0.5, inplace=True) is y and (y == 0).any()


def test_operator_functions() -> None:
    a, b = plait.tensor([5.0, 7.0]), plait.tensor([2.0, 4.0])
    assert plait.add(a, b, alpha=2).tolist() == [9.0, 15.0]
    assert plait.sub(a, b).tolist() == (a - b).tolist() and plait.rsub(a, 1).tolist() == [-4.0, -6.0]
    assert plait.div(a, b, rounding_mode="floor").tolist() == [2.0, 1.0]
    assert a.add(1).mul(2).sub(3).div(4).tolist() == [(5 + 1) * 2 / 4 - 0.75, (7 + 1) * 2 / 4 - 0.75]
    assert plait.pow(2, b).tolist() == [4.0, 16.0] and a.pow(2).tolist() == [25.0, 49.0]
    assert plait.mul(a, 2).tolist() == [10.0, 14.0]
    with pytest.raises((ValueError, RuntimeError)):
        plait.div(a, b, rounding_mode="up")


def test_integer_division() -> None:
    a, b = plait.tensor([7, -7, 7, -7]), plait.tensor([2, 2, -2, -2])
    assert (a // b).tolist() == [3, -4, -4, 3]
    assert (a % b).tolist() == [1, 1, -1, -1]
    assert plait.fmod(a, b).tolist() == [1, -1, 1, -1]
    assert plait.div(a, b, rounding_mode="trunc").tolist() == [3, -3, -3, 3]
    assert (a / b).tolist() == [3.5, -3.5, -3.5, 3.5]
    for f in (lambda: a // 0, lambda: a % 0, lambda: plait.fmod(a, 0), lambda: plait.div(a, 0, rounding_mode="trunc")):
        with pytest.raises((ZeroDivisionError, RuntimeError)):
            f()
    assert plait.isinf(plait.tensor([1.0]) / 0).all() and plait.isnan(plait.tensor([1.0]) % 0).all()
    smallest = plait.tensor([-(2**63)])
    assert smallest.abs().item() == -(2**63)
    smallest // -1  # must not trap
    smallest % -1


def test_float_remainders() -> None:
    a = plait.tensor([5.5, -5.5, 5.5, -5.5, INF, 1.0])
    b = plait.tensor([2.0, 2.0, -2.0, -2.0, 1.0, INF])
    np.testing.assert_array_equal((a % b).numpy(), [1.5, 0.5, -0.5, -1.5, NAN, 1.0])
    np.testing.assert_array_equal(plait.fmod(a, b).numpy(), [1.5, -1.5, 1.5, -1.5, NAN, 1.0])
    np.testing.assert_array_equal((a // b).numpy()[:4], [2.0, -3.0, -3.0, 2.0])


def test_split_spellings() -> None:
    x = plait.arange(8).reshape(2, 2, 2)
    for split, dim in ((plait.vsplit, 0), (plait.hsplit, 1), (plait.dsplit, 2)):
        for parts in (split(x, sections=2), split(x, indices=[1]), plait.tensor_split(x, sections=2, dim=dim),
                      plait.tensor_split(x, indices=(1,), dim=dim)):  # fmt: skip
            assert [p.tolist() for p in parts] == [p.tolist() for p in x.split(1, dim)]
