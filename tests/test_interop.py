# SPDX-License-Identifier: MIT
"""Memory shared with NumPy and DLPack, and tensors that survive pickle and copy."""

from __future__ import annotations

import copy
import gc
import io
import pickle

import numpy as np
import pytest

import plait

NUMPY_DTYPES = [
    "float32",
    "float64",
    "float16",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "int8",
    "int16",
    "int32",
    "int64",
    "bool",
]
ALL_DTYPES = [*NUMPY_DTYPES, "bfloat16"]


@pytest.mark.tiny
@pytest.mark.parametrize("name", NUMPY_DTYPES)
def test_from_numpy_shares(name: str) -> None:
    a = np.zeros((3, 4), dtype=name)
    t = plait.from_numpy(a)
    assert t.dtype == getattr(plait, name) and tuple(t.shape) == (3, 4)
    a[1, 2] = 1
    assert t[1, 2].item() == 1
    t[2, 3] = 1
    assert a[2, 3] == 1
    b = t.numpy()
    assert b.dtype == a.dtype
    b[0, 0] = 1
    assert a[0, 0] == 1


def test_from_numpy_keeps_strides() -> None:
    a = np.arange(24.0).reshape(2, 3, 4)
    for view in (a.T, a[:, ::2], a[..., 1:3], a[1], a.transpose(1, 0, 2), a[:, :, 2:2]):
        t = plait.from_numpy(view)
        np.testing.assert_array_equal(t.numpy(), view)
        assert tuple(s * 8 for s in t.stride()) == view.strides or 0 in view.shape
    t = plait.from_numpy(np.array(5.0))
    assert t.shape == () and t.item() == 5.0


def test_from_numpy_refuses() -> None:
    for wrong in (np.array(["a"]), np.array([object()]), np.zeros(2, "datetime64[s]")):
        with pytest.raises(TypeError):
            plait.from_numpy(wrong)
    for wrong in ([1, 2], 3, None):
        with pytest.raises(TypeError):
            plait.from_numpy(wrong)
    with pytest.raises(ValueError):
        plait.from_numpy(np.arange(4.0)[::-1])  # negative strides


def test_numpy_outlives_and_is_outlived() -> None:
    t = plait.from_numpy(np.arange(1000.0))
    gc.collect()
    assert t.sum().item() == 499500
    a = plait.arange(1000.0).numpy()
    gc.collect()
    assert a.sum() == 499500
    a = plait.arange(6.0).reshape(2, 3).t()[1].numpy()
    gc.collect()
    assert a.tolist() == [1.0, 4.0]


def test_numpy_of_views() -> None:
    x = plait.arange(24.0).reshape(2, 3, 4)
    v = x.permute(2, 0, 1)[1:3]
    a = v.numpy()
    assert a.shape == (2, 2, 3)
    a[0, 0, 0] = -1
    assert x[0, 0, 1].item() == -1


def test_numpy_refuses_what_it_cannot_show() -> None:
    with pytest.raises(RuntimeError, match="detach"):
        plait.ones(2, requires_grad=True).numpy()
    with pytest.raises(TypeError):
        plait.ones(2, dtype=plait.bfloat16).numpy()
    assert plait.ones(2, requires_grad=True).numpy(force=True).tolist() == [1.0, 1.0]


def test_array_protocol() -> None:
    x = plait.arange(6.0).reshape(2, 3)
    a = np.asarray(x)
    assert np.shares_memory(a, x.numpy())
    b = np.array(x)
    assert not np.shares_memory(b, x.numpy())
    assert np.asarray(x, dtype=np.float64).dtype == np.float64
    assert np.sum(np.asarray(x)) == 15
    np.testing.assert_allclose(np.sin(x.numpy()), plait.sin(x).numpy(), rtol=1e-6)
    with pytest.raises((RuntimeError, ValueError, TypeError)):
        np.asarray(plait.ones(2, requires_grad=True))


def test_numpy_scalars_as_operands() -> None:
    x = plait.ones(2)
    assert (x * np.float64(2.0)).tolist() == [2.0, 2.0]
    assert (x * np.float32(2.0)).dtype == plait.float32
    assert (x + np.int64(1)).tolist() == [2.0, 2.0]
    assert x[np.int64(1)].item() == 1.0
    assert plait.zeros(np.int64(2), np.int32(3)).shape == (2, 3)
    assert x.sum(dim=np.int64(0)).item() == 2.0
    assert plait.full((2,), np.float64(1.5)).tolist() == [1.5, 1.5]


@pytest.mark.parametrize("name", NUMPY_DTYPES)
def test_dlpack_with_numpy(name: str) -> None:
    x = plait.ones(3, 4, dtype=getattr(plait, name)).t()
    a = np.from_dlpack(x)
    assert a.shape == (4, 3) and a.dtype == np.dtype(name)
    assert np.shares_memory(a, x.numpy())
    b = np.zeros((2, 3), dtype=name)
    t = plait.from_dlpack(b)
    b[1, 1] = 1
    assert t[1, 1].item() == 1 and t.dtype == getattr(plait, name)


def test_dlpack_between_tensors() -> None:
    x = plait.arange(6.0).reshape(2, 3)
    y = plait.from_dlpack(x)
    y[0, 0] = 9
    assert x[0, 0].item() == 9
    z = plait.utils.dlpack.from_dlpack(plait.utils.dlpack.to_dlpack(x)) if hasattr(plait.utils, "dlpack") else y
    assert z.data_ptr() == x.data_ptr()
    b = plait.from_dlpack(plait.ones(2, dtype=plait.bfloat16))
    assert b.dtype == plait.bfloat16
    with pytest.raises((RuntimeError, BufferError)):
        np.from_dlpack(plait.ones(2, requires_grad=True))
    assert x.__dlpack_device__()[0] == 1  # CPU
    del x, y, z
    gc.collect()


def test_dlpack_keeps_memory_alive() -> None:
    a = np.from_dlpack(plait.arange(1000.0))
    gc.collect()
    assert a.sum() == 499500
    t = plait.from_dlpack(np.arange(1000.0))
    gc.collect()
    assert t.sum().item() == 499500


def test_buffer_in() -> None:
    x = plait.frombuffer(bytearray(b"\x01\x02\x03\x04"), dtype=plait.uint8)
    assert x.tolist() == [1, 2, 3, 4]
    raw = bytearray(np.arange(4, dtype=np.float32).tobytes())
    y = plait.frombuffer(raw, dtype=plait.float32, offset=4, count=2)
    assert y.tolist() == [1.0, 2.0]
    raw[4:8] = np.float32(7).tobytes()
    assert y[0].item() == 7.0
    for arguments in (
        {"dtype": plait.float32, "offset": 17},
        {"dtype": plait.float64, "offset": 1},
        {"dtype": plait.float32, "count": 5},
    ):
        with pytest.raises((ValueError, RuntimeError)):
            plait.frombuffer(raw, **arguments)


@pytest.mark.parametrize("name", ALL_DTYPES)
def test_pickle(name: str) -> None:
    x = (plait.arange(24) % 2).reshape(2, 3, 4).to(getattr(plait, name))
    for t in (x, x.permute(2, 0, 1), x[1], x[:, ::2], x[:0], x[0, 0, 0]):
        for protocol in (2, pickle.HIGHEST_PROTOCOL):
            y = pickle.loads(pickle.dumps(t, protocol))
            assert y.dtype == t.dtype and plait.equal(y, t) and y.shape == t.shape
            assert not y.requires_grad


def test_pickle_of_leaves_and_graphs() -> None:
    x = plait.ones(2, requires_grad=True)
    y = pickle.loads(pickle.dumps(x))
    assert y.requires_grad and y.is_leaf
    p = pickle.loads(pickle.dumps(plait.nn.Parameter(plait.ones(2))))
    assert isinstance(p, plait.nn.Parameter) and p.requires_grad
    buffer = io.BytesIO()
    pickle.dump({"a": [x, 1]}, buffer)
    assert plait.equal(pickle.loads(buffer.getvalue())["a"][0], x)


@pytest.mark.parametrize("name", ALL_DTYPES)
def test_copies(name: str) -> None:
    x = plait.ones(3, 4, dtype=getattr(plait, name))
    y = copy.deepcopy(x)
    assert y.dtype == x.dtype and plait.equal(x, y) and y.data_ptr() != x.data_ptr()
    z = copy.copy(x)
    assert plait.equal(z, x)


def test_deepcopy_rules() -> None:
    x = plait.ones(2, requires_grad=True)
    x.sum().backward()
    y = copy.deepcopy(x)
    assert y.requires_grad and y.is_leaf and plait.equal(y.grad, x.grad)
    assert y.grad.data_ptr() != x.grad.data_ptr()
    made = copy.deepcopy(x * 2)  # a result of recorded ops: its values, outside the graph
    assert made.tolist() == [2.0, 2.0] and not made.requires_grad
    shared = plait.ones(3)
    pair = copy.deepcopy([shared, shared])
    assert pair[0] is pair[1]
    p = copy.deepcopy(plait.nn.Parameter(plait.ones(2)))
    assert isinstance(p, plait.nn.Parameter)


def test_array_namespace() -> None:
    x = plait.ones(2)
    if not hasattr(x, "__array_namespace__"):
        pytest.skip("no array namespace")
    xp = x.__array_namespace__()
    assert xp.sum(x).item() == 2.0


def test_tolist_round_trip() -> None:
    for a in (np.arange(6).reshape(2, 3), np.array(1.5), np.zeros((2, 0)), np.array([True, False])):
        np.testing.assert_array_equal(np.array(plait.from_numpy(a).tolist()).reshape(a.shape), a)


def test_readonly_arrays_stay_unchanged() -> None:
    a = np.arange(3.0)
    a.flags.writeable = False
    t = plait.from_numpy(a)
    assert t.tolist() == [0.0, 1.0, 2.0]
    with pytest.raises(ValueError, match="read-only"):
        t.add_(1)
    assert a.tolist() == [0.0, 1.0, 2.0]


def test_ufuncs_of_numpy_give_tensors() -> None:
    x = plait.tensor([0.0, 1.0])
    for y in (np.sin(x), np.add(np.ones(2, np.float32), x), np.sqrt(plait.tensor(4.0)), np.isnan(x)):
        assert isinstance(y, plait.Tensor)
    assert np.exp(x).tolist() == pytest.approx([1.0, np.e]) and np.isnan(x).dtype == plait.bool
    assert np.modf(x)[1].tolist() == [0.0, 1.0]
