# SPDX-License-Identifier: MIT
"""Memory blocks of tensors as objects."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import plait

KINDS = ["Float", "Double", "Half", "BFloat16", "Long", "Int", "Short", "Char", "Byte", "Bool"]


def test_bytes_of_a_tensor() -> None:
    x = plait.arange(6.0).reshape(2, 3)
    s = x[1:].untyped_storage()
    assert s == x.t().untyped_storage()
    assert hash(s) == hash(x.untyped_storage())
    assert s.data_ptr() == x.data_ptr()
    assert (s.nbytes(), s.size(), len(s), s.element_size()) == (24, 24, 24, 1)
    assert s[:4].tolist() == [0, 0, 0, 0]
    assert s[6] == 128
    s[4:8] = 0
    assert x[0].tolist() == [0, 0, 2]
    with pytest.raises(IndexError):
        s[24]
    for other in (s.clone(), copy.copy(s), copy.deepcopy(s), pickle.loads(pickle.dumps(s))):
        assert other.tolist() == s.tolist()
        assert other != s
    assert s.float().tolist() == [float(b) for b in s]


@pytest.mark.parametrize("kind", KINDS)
def test_elements_of_a_tensor(kind: str) -> None:
    of = getattr(plait, f"{kind}Storage")
    x = plait.ones(3).to(of.dtype)
    s = x.storage()
    assert isinstance(s, of)
    assert x.storage_type() is of
    assert s.type().endswith(f".{kind}Storage")
    assert (s.size(), s.dtype, s.tolist()) == (3, x.dtype, x.tolist())
    assert s.nbytes() == 3 * s.element_size() == x.nbytes
    s[0] = 0
    assert not x[0]
    assert plait.is_storage(s)
    made = of([1, 0])
    assert made.tolist() == [1, 0]
    assert getattr(plait, f"{kind}Tensor")(made).tolist() == [1, 0]
    assert s.copy_(of([0, 1, 1])).tolist() == [0, 1, 1]
    assert x.tolist() == [0, 1, 1]
    again = pickle.loads(pickle.dumps(s))
    assert (again.dtype, again.tolist()) == (s.dtype, s.tolist())


def test_making_storages() -> None:
    assert plait.UntypedStorage().nbytes() == 0
    assert plait.UntypedStorage(5).nbytes() == 5
    assert plait.UntypedStorage([1, 255]).tolist() == [1, 255]
    assert plait.TypedStorage([1.5], dtype=plait.float64).nbytes() == 8
    block = plait.UntypedStorage([0, 0, 128, 63])
    assert plait.TypedStorage(wrap_storage=block, dtype=plait.float32).tolist() == [1]
    assert plait.FloatStorage.from_buffer(b"\x3f\x80\0\0", byte_order="big").tolist() == [1]
    for wrong in ("x", [1.5], ["1"]):
        with pytest.raises(TypeError, match="UntypedStorage: expected"):
            plait.UntypedStorage(wrong)
    with pytest.raises(ValueError, match="UntypedStorage: expected"):
        plait.UntypedStorage(-1)
    with pytest.raises(TypeError, match="TypedStorage: expected"):
        plait.TypedStorage(wrap_storage=block)


def test_memory_grows_for_all_that_show_it() -> None:
    x = plait.arange(4.0)
    view, storage = x[1:], x.untyped_storage()
    storage.resize_(64)
    assert (storage.nbytes(), x.untyped_storage().nbytes()) == (64, 64)
    view.fill_(5)
    assert x.tolist() == [0, 5, 5, 5]
    assert x.resize_(6).shape == (6,)
    assert x.untyped_storage() == storage
    y = view.resize_(40)  # longer than the memory
    x[1] = 8
    assert (y[0], y.shape) == (8, (40,))
    with pytest.raises(ValueError, match="at least the 164 bytes"):
        storage.resize_(0)
    del y, view
    plait.arange(3.0).untyped_storage().resize_(0)


def test_set() -> None:
    x = plait.arange(6.0)
    assert plait.empty(0).set_(x.untyped_storage(), 1, (2, 2), (3, 1)).tolist() == [[1, 2], [4, 5]]
    assert plait.empty(0).set_(x.storage()).tolist() == x.tolist()
    assert plait.empty(0).set_(x, 4, (2,)).tolist() == [4, 5]
    assert plait.empty(0).set_(source=x.storage(), storage_offset=5, size=1).tolist() == [5]
    block = plait.UntypedStorage(8)
    y = plait.empty(0).set_(block, 0, (10,))
    assert (y.shape, block.nbytes()) == ((10,), 40)
    assert plait.ones(3).set_().shape == (0,)
    with pytest.raises(TypeError, match="set_: expected a source of"):
        plait.ones(1).double().set_(x)
    with pytest.raises(ValueError, match="set_: expected sizes"):
        plait.ones(1).set_(x, -1, (2,))
    with pytest.raises(RuntimeError, match="does not require grad"):
        plait.ones(1, requires_grad=True).set_(x)


def test_files(tmp_path: Any) -> None:
    path = tmp_path / "numbers"
    np.arange(4, dtype=np.float32).tofile(path)
    kept = plait.from_file(path, size=4)
    shared = plait.from_file(str(path), shared=True, size=4)
    shared[0] = 9
    kept[1] = 7
    assert np.fromfile(path, np.float32).tolist() == [9, 1, 2, 3]
    assert kept.tolist()[1:] == [7, 2, 3]
    plait.from_file(tmp_path / "new", shared=True, size=3, dtype=plait.int16).fill_(2)
    assert np.fromfile(tmp_path / "new", np.int16).tolist() == [2, 2, 2]
    assert plait.FloatStorage.from_file(str(path), False, 2).tolist() == [9, 1]
    assert plait.UntypedStorage.from_file(path, False, 16).filename == str(path)
    with pytest.raises(ValueError, match="at most the 16 bytes"):
        plait.from_file(path, size=5)
    with pytest.raises(FileNotFoundError):
        plait.from_file(tmp_path / "none", size=1)


def test_old_names_of_types() -> None:
    x = plait.ones(2)
    assert x.type("torch.DoubleTensor").dtype == plait.float64
    assert x.double().type(plait.Tensor).dtype == plait.float32
    for wrong in ("torch.cuda.FloatTensor", "torch.NoTensor", 3):
        with pytest.raises(TypeError, match="expected a dtype"):
            x.type(wrong)
    with pytest.raises(TypeError, match="expected sizes"):
        plait.LongTensor(2.5)
    assert plait.FloatTensor([1], device="cpu").tolist() == [1]
