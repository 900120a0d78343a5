# SPDX-License-Identifier: MIT
"""x[...] and x[...] = y against NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import plait

BASE = np.arange(4 * 5 * 6, dtype=np.float64).reshape(4, 5, 6)
MASK = (BASE[:, :, 0] % 7) < 3  # (4, 5)
I = np.array

KEYS: list[Any] = [
    0, -1, 3, (1, 2), (1, -1, 3), (..., 0), (0, ...), ..., (), (..., None), None, (None, 1, None),
    slice(None), slice(1, 3), slice(None, None, 2), slice(1, None, 3), slice(-3, -1), slice(10, 20), slice(3, 1),
    (slice(None), 2), (slice(1, 3), slice(None, None, 2), slice(-2, None)), (1, slice(None), None, 2),
    (slice(None), slice(0, 0)), (..., slice(None, None, 4)), (slice(None), ..., 1),
    I([0, 2]), I([[0, 1], [3, 2]]), I([-1, 0, -4]), (I([0, 1]), I([2, 3])), (I([0, 1]), I([2, 3]), I([5, -6])),
    (slice(None), I([0, 4, 2])), (slice(None), slice(None), I([1, 1])), (I([0, 1]), slice(None), I([2, 3])),
    (I([0, 1]), 2), (2, I([0, 1])), (I([[0], [1]]), I([2, 3, 4])), (slice(1, 3), I([0, 1]), I([2, 3])),
    (I([0, 1]), slice(1, 4), slice(None, None, 2)), (I([0, 1]), None, I([2, 3])), (None, I([0, 1])),
    (..., I([0, 1])), (I(3),), (I(1), I([0, 2])), np.zeros(0, np.int64), (slice(None), np.zeros((2, 0), np.int64)),
    MASK, MASK[:, 0], (slice(None), MASK[0]), (MASK, 2), (MASK[:, 0], I([0])),
    BASE > 50, (MASK, None), (MASK[:, 0], slice(1, 3)), np.zeros((4, 5), bool), True, False, (True, 1),
    [0, 2], [True, False, True, False], (slice(None), [0, 2]), ([0, 1], [2, 3]),
    np.int64(2), (np.int32(1), np.int64(-1)), np.uint8(3), (I([0, 1]), np.int64(2)),
]  # fmt: skip


def to_plait(key: Any) -> Any:
    if isinstance(key, np.ndarray):
        return plait.from_numpy(key.copy())
    if isinstance(key, tuple):
        return tuple(to_plait(k) for k in key)
    return key


def same(got: plait.Tensor, want: np.ndarray) -> None:
    want = np.asarray(want)
    assert tuple(got.shape) == want.shape
    np.testing.assert_array_equal(got.numpy(), want)


@pytest.mark.tiny
@pytest.mark.parametrize("key", KEYS, ids=str)
def test_get(key: Any) -> None:
    x = plait.from_numpy(BASE.copy())
    expected = BASE[key if not isinstance(key, list) else np.asarray(key)]
    same(x[to_plait(key)], expected)
    if isinstance(key, (tuple, list)) and not isinstance(key, list):
        same(x[key], expected)  # NumPy arrays and lists as they are


@pytest.mark.parametrize("key", KEYS, ids=str)
def test_get_transposed(key: Any) -> None:
    swapped = np.ascontiguousarray(BASE.transpose(2, 1, 0))
    x = plait.from_numpy(swapped).permute(2, 1, 0)
    same(x[to_plait(key)], BASE[key if not isinstance(key, list) else np.asarray(key)])


@pytest.mark.parametrize("key", KEYS, ids=str)
def test_set_scalar(key: Any) -> None:
    want, x = BASE.copy(), plait.from_numpy(BASE.copy())
    want[key if not isinstance(key, list) else np.asarray(key)] = -7
    x[to_plait(key)] = -7
    same(x, want)


@pytest.mark.parametrize("key", KEYS, ids=str)
def test_set_tensor(key: Any) -> None:
    numpy_key = key if not isinstance(key, list) else np.asarray(key)
    want, x = BASE.copy(), plait.from_numpy(BASE.copy())
    value = 1000.0 + np.arange(want[numpy_key].size).reshape(want[numpy_key].shape)
    want[numpy_key] = value
    x[to_plait(key)] = plait.from_numpy(np.array(value))
    unique = len(np.unique(BASE[numpy_key])) == BASE[numpy_key].size
    if unique:  # where an index occurs twice, either write may win
        same(x, want)


@pytest.mark.parametrize("key", KEYS, ids=str)
def test_gradient(key: Any) -> None:
    """The gradient of a selection adds up where an element was taken more than once."""
    x = plait.from_numpy(BASE.copy()).requires_grad_()
    numpy_key = key if not isinstance(key, list) else np.asarray(key)
    places = np.arange(BASE.size).reshape(BASE.shape)[numpy_key]
    weights = np.linspace(1, 2, places.size).reshape(places.shape)
    (x[to_plait(key)] * plait.from_numpy(weights)).sum().backward()
    want = np.zeros(BASE.size)
    np.add.at(want, places.reshape(-1), weights.reshape(-1))
    np.testing.assert_allclose(x.grad.numpy(), want.reshape(BASE.shape), rtol=1e-12)


@pytest.mark.parametrize(
    "name", ["float32", "float16", "bfloat16", "int8", "uint8", "uint16", "uint64", "int64", "bool"]
)
def test_dtypes(name: str) -> None:
    dtype = getattr(plait, name)
    values = (np.arange(24).reshape(4, 6) % 2).astype(np.float32)
    x = plait.from_numpy(values).to(dtype)
    for key in (1, (slice(None), slice(1, None, 2)), np.array([3, 0]), values > 0):
        same(x[to_plait(key)].float(), values[key])
        y = x.clone()
        y[to_plait(key)] = 1
        want = values.copy()
        want[key] = 1
        same(y.float(), want)


def test_set_broadcasts_and_casts() -> None:
    x = plait.zeros(3, 4, dtype=plait.int64)
    x[1] = plait.tensor([1.9, 2.0, 3.0, 4.0])
    x[:, 0] = 5
    x[plait.tensor([0, 2]), 1:] = plait.tensor([[7], [8]])
    assert x.tolist() == [[5, 7, 7, 7], [5, 2, 3, 4], [5, 8, 8, 8]]
    x[...] = 0
    assert not x.any()
    x[x == 0] = 2
    assert x.sum().item() == 24


def test_set_with_gradient() -> None:
    x = plait.zeros(4, dtype=plait.float64)
    v = plait.tensor([1.0, 2.0], dtype=plait.float64, requires_grad=True)
    y = x.clone()
    y[1:3] = v * 3
    y[plait.tensor([0])] = v[0]
    (y * plait.tensor([1.0, 10.0, 100.0, 1000.0], dtype=plait.float64)).sum().backward()
    assert v.grad.tolist() == [31.0, 300.0]


def test_set_in_the_graph_masks_the_old_value() -> None:
    x = plait.ones(4, requires_grad=True)
    y = x * 2
    y[1] = 0
    y[plait.tensor([False, False, True, False])] = 7.0
    y.sum().backward()
    assert x.grad.tolist() == [2.0, 0.0, 0.0, 2.0]


def test_repeated_indices_accumulate_in_index_put() -> None:
    x = plait.zeros(3)
    x.index_put_((plait.tensor([0, 1, 1]),), plait.tensor([1.0, 2.0, 3.0]), accumulate=True)
    assert x.tolist() == [1.0, 5.0, 0.0]


def test_augmented_assignment() -> None:
    x = plait.arange(6.0).reshape(2, 3)
    x[0] += 10
    x[:, 1] *= 2
    x[plait.tensor([1]), plait.tensor([2])] -= 1
    assert x.tolist() == [[10.0, 22.0, 12.0], [3.0, 8.0, 4.0]]


@pytest.mark.parametrize(
    "key",
    [4, -5, (0, 5), (0, 0, 0, 0), np.array([4]), np.array([-5]), (0, np.array([0, 5])), np.ones(5, bool),
     np.ones((4, 6), bool), (np.array([0, 1]), np.array([0, 1, 2])), 2**63 - 1, -(2**63)],
    ids=str,
)  # fmt: skip
def test_out_of_range(key: Any) -> None:
    x = plait.zeros(4, 5, 6)
    with pytest.raises(IndexError):
        x[to_plait(key)]
    with pytest.raises(IndexError):
        x[to_plait(key)] = 1.0
    assert not x.any()


@pytest.mark.parametrize("key", [1.5, "a", {}, np.array([0.5, 1.0]), (0, 1.0), object], ids=str)
def test_wrong_kind(key: Any) -> None:
    with pytest.raises((TypeError, IndexError)):
        plait.zeros(4, 5)[to_plait(key)]


def test_negative_step_names_the_alternative() -> None:
    with pytest.raises(ValueError, match="step"):
        plait.zeros(4)[::-1]
    with pytest.raises(ValueError, match=r"step|zero"):
        plait.zeros(4)[::0]


def test_set_shape_mismatch() -> None:
    x = plait.zeros(3, 4)
    with pytest.raises((RuntimeError, ValueError)):
        x[0] = plait.ones(5)
    with pytest.raises((RuntimeError, ValueError, IndexError)):
        x[plait.tensor([0, 1])] = plait.ones(3, 4)
    assert not x.any()


def test_zero_dim() -> None:
    x = plait.tensor(3.0)
    assert x[...].item() == 3.0
    assert tuple(x[None].shape) == (1,)
    assert x[True].tolist() == [3.0]
    assert x[False].tolist() == []
    x[...] = 4
    assert x.item() == 4.0
    x[()] = 5
    assert x.item() == 5.0
    with pytest.raises(IndexError):
        x[0]


def test_tensor_scalar_is_an_int() -> None:
    x = plait.arange(10)
    i = plait.tensor(3)
    assert x[i].dim() == 0
    assert x[i : plait.tensor(7) : 2].tolist() == [3, 5]
    assert list(range(10))[i] == 3


def test_basic_indexing_is_a_view_advanced_a_copy() -> None:
    x = plait.zeros(3, 4)
    x[1][2] = 5
    x[:, 1:][0, 0] = 6
    assert x[1, 2] == 5 and x[0, 1] == 6
    x[plait.tensor([0])][0, 0] = 9
    x[plait.tensor([True, False, False])].fill_(9)
    assert x[0, 0] == 0


def test_iteration_and_len() -> None:
    x = plait.arange(6).reshape(3, 2)
    assert len(x) == 3
    assert [row.tolist() for row in x] == [[0, 1], [2, 3], [4, 5]]
    a, b, c = x
    assert c.tolist() == [4, 5]
    assert a.tolist() == [0, 1] and b.tolist() == [2, 3]
    with pytest.raises(TypeError):
        len(plait.tensor(1))
    with pytest.raises(TypeError):
        iter(plait.tensor(1))
    assert 3 in x and 9 not in x
