# SPDX-License-Identifier: MIT
"""Files of PyTorch's: what comes back of them, and what damaged and hostile ones do.

Those in references/pytorch_files were written by PyTorch. Others are put together here, of pickles in which classes
and functions are names alone.
"""

from __future__ import annotations

import argparse
import copyreg
import datetime
import io
import os
import pathlib
import pickle
import subprocess
import sys
import tarfile
import zipfile
from collections import Counter, OrderedDict, defaultdict
from typing import Any

import numpy as np
import pytest

import plait
from plait import nn
from plait.serialization import FileFormatError

FILES = pathlib.Path(__file__).parent / "references" / "pytorch_files"
OLD_AND_NEW = pytest.mark.parametrize("suffix", ["", "_old"])


def read(name: str, **options: Any) -> Any:
    return plait.load(FILES / f"{name}.pt", **options)


# ---- files of PyTorch's ------------------------------------------------------------------------------------


@OLD_AND_NEW
@pytest.mark.parametrize("weights_only", [None, True, False])
def test_dtypes(suffix: str, weights_only: bool | None) -> None:
    back = read("dtypes" + suffix, weights_only=weights_only)
    assert len(back) == 12
    for name, t in back.items():
        assert t.dtype == getattr(plait, name)
        assert t.shape == (2, 3)
        assert not t.requires_grad
        expected = [[0, 1, 1], [1, 1, 1]] if name == "bool" else [[0, 1, 2], [3, 4, 5]]
        assert t.to(plait.complex128).real.tolist() == expected


@OLD_AND_NEW
def test_views_share_their_storage(suffix: str) -> None:
    back = read("views" + suffix)
    base = back["base"]
    assert base.tolist() == list(range(12))
    assert back["again"] is base
    assert back["transposed"].stride() == (1, 4)
    assert back["part"].tolist() == [2, 5, 8]
    assert (back["part"].stride(), back["part"].storage_offset()) == ((3,), 2)
    assert back["expanded"].tolist() == [[5] * 3] * 2
    assert back["expanded"].stride() == (0, 0)
    base[5] = -1
    assert back["matrix"][1, 1] == back["transposed"][1, 1] == back["part"][1] == back["expanded"][1, 2] == -1
    assert back["empty"].shape == (0, 3)
    assert back["scalar"].item() == 7
    assert back["conj"].tolist() == [1 - 2j]
    assert back["imag"].tolist() == [-2]


@OLD_AND_NEW
def test_training_goes_on(suffix: str) -> None:
    back = read("training" + suffix)
    model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Linear(3, 1))
    model.load_state_dict(back["model"])
    assert model[1].num_batches_tracked.item() == 2
    assert back["model"]._metadata["1"] == {"version": 2}
    optimizer = plait.optim.AdamW(model.parameters())
    optimizer.load_state_dict(back["optimizer"])
    assert optimizer.param_groups[0]["betas"] == (0.5, 0.75)
    assert optimizer.state[model[0].weight]["step"] == 2
    scheduler = plait.optim.lr_scheduler.StepLR(optimizer, 2)
    scheduler.load_state_dict(back["scheduler"])
    assert scheduler.last_epoch == 2
    model(plait.ones(4, 2)).sum().backward()
    optimizer.step()
    assert back["random"].tolist() == [1, 2, 3]
    assert back["epoch"] == 2


@OLD_AND_NEW
def test_plain_data(suffix: str) -> None:
    back = read("plain" + suffix)
    assert back["numbers"] == [1, -1, 255, 65536, 2**40, -(2**70), 0.5, float("inf"), True, None, 1 + 2j]
    assert back["texts"] == ["", "a", "\N{EURO SIGN}", "x" * 300, b"\x00\xff", bytearray(b"ab")]
    sets = [{1, 2}, frozenset([3])]
    assert back["containers"] == [(), (1,), (1, 2, 3, 4), *sets, {(1, "a"): 2.5, 3: None}, slice(1, None, 2)]
    assert back["ordered"] == OrderedDict(b=1, a=2)
    assert type(back["counter"]) is Counter
    assert back["counter"]["a"] == 2
    assert back["default"] == defaultdict(list, {1: [2]})
    assert back["default"][7] == []
    assert back["namespace"] == argparse.Namespace(lr=0.5, layers=[1, 2])
    array, number, text, date = back["numpy"]
    assert (array.dtype, array.tolist()) == (np.float32, [[0, 3], [1, 4], [2, 5]])
    assert type(number) is np.float64
    assert (text.tolist(), date.dtype.str, str(date[0])) == (["ab"], "<M8[D]", "2020-01-02")
    assert back["torch"][:3] == [plait.float16, plait.Size([1, 2]), plait.device("cpu")]
    parameter, leaf = back["torch"][3:]
    assert (type(parameter), parameter.tag, leaf.requires_grad) == (nn.Parameter, "a", True)
    assert [s.to_dense().tolist() for s in back["sparse"]] == [[[1, 0], [0, 1]]] * 2


@OLD_AND_NEW
def test_whole_modules_need_their_classes_named_safe(suffix: str) -> None:
    with pytest.raises(FileFormatError, match=r"Sequential at obj\['net'\]\[0\]\nhint: .*state_dict\(\)"):
        read("module" + suffix)
    names = plait.serialization.get_unsafe_globals_in_checkpoint(FILES / f"module{suffix}.pt")
    assert [name.rpartition(".")[2] for name in names] == ["ReLU", "Sequential", "Linear"]
    with plait.serialization.safe_globals([nn.Sequential, nn.Linear, nn.ReLU]):
        net = read("module" + suffix)["net"][0]
        assert plait.serialization.get_unsafe_globals_in_checkpoint(FILES / f"module{suffix}.pt") == []
    x = plait.randn(3, 2)
    assert plait.equal(net(x), (x @ net[0].weight.t() + net[0].bias).relu())
    with pytest.raises(FileFormatError):
        read("module" + suffix)


# ---- files put together here -------------------------------------------------------------------------------


class Name:
    """A class or function in a pickle."""

    def __init__(self, name: str) -> None:
        self.module, _, self.name = name.rpartition(".")


class Call:
    """The result of a call in a pickle, with a state if there is one."""

    def __init__(self, name: str, *args: Any, state: Any = None, new: bool = False) -> None:
        self.name, self.args, self.state, self.new = Name(name), args, state, new


class Stored:
    """A storage in a pickle."""

    def __init__(self, *key: Any) -> None:
        self.key = key


class Pickler(pickle._Pickler):  # type: ignore[name-defined,misc]
    def persistent_id(self, obj: Any) -> Any:
        return obj.key if isinstance(obj, Stored) else None

    def save(self, obj: Any, save_persistent_id: bool = True) -> None:
        if isinstance(obj, Name):
            self.write(b"c" + f"{obj.module}\n{obj.name}\n".encode())
        elif isinstance(obj, Call) and id(obj) in self.memo:
            self.write(self.get(self.memo[id(obj)][0]))
        elif isinstance(obj, Call):
            self.save(obj.name)
            self.save(obj.args)
            self.write(b"\x81" if obj.new else b"R")
            self.memoize(obj)
            if obj.state is not None:
                self.save(obj.state)
                self.write(b"b")
        else:
            super().save(obj, save_persistent_id)


def pickled(obj: Any, protocol: int = 2) -> bytes:
    out = io.BytesIO()
    Pickler(out, protocol).dump(obj)
    return out.getvalue()


def zipped(obj: Any, *data: bytes, order: str | None = None, method: int = 0, **entries: bytes) -> io.BytesIO:
    """A file of the zip format: an object, or a pickle, and the bytes of storages 0, 1, ..."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as z:
        z.writestr("archive/data.pkl", obj if isinstance(obj, bytes) else pickled(obj))
        if order is not None:
            z.writestr("archive/byteorder", order)
        for i, piece in enumerate(data):
            z.writestr(f"archive/data/{i}", piece)
        for name, piece in entries.items():
            z.writestr(f"archive/{name}", piece)
    out.seek(0)
    return out


def storage(count: int, kind: str = "torch.FloatStorage", key: Any = "0", place: str = "cpu") -> Stored:
    return Stored("storage", Name(kind), key, place, count)


def tensor(store: Any, size: tuple[int, ...], stride: tuple[int, ...], offset: int = 0, *rest: Any) -> Call:
    return Call("torch._utils._rebuild_tensor_v2", store, offset, size, stride, False, OrderedDict(), *rest)


FOUR = np.arange(4, dtype="<f4").tobytes()


def four() -> Call:
    return tensor(storage(4), (4,), (1,))


def test_either_byte_order() -> None:
    big = [np.arange(4, dtype=">f4").tobytes(), np.array([1 + 2j], ">c8").tobytes(), bytes([1, 0])]
    obj = [
        four(),
        tensor(storage(1, "torch.ComplexFloatStorage", "1"), (1,), (1,)),
        tensor(storage(2, "torch.BoolStorage", "2"), (2,), (1,)),
    ]
    back = plait.load(zipped(obj, *big, order="big"))
    assert [t.tolist() for t in back] == [[0, 1, 2, 3], [1 + 2j], [True, False]]
    assert plait.load(zipped(four(), FOUR, order="little")).tolist() == [0, 1, 2, 3]
    with pytest.raises(FileFormatError, match="byte order"):
        plait.load(zipped(four(), FOUR, order="middle"))


@pytest.mark.parametrize("order", ["little", "big"])
def test_untyped_storages_of_tensors_with_a_dtype(order: str) -> None:
    untyped = storage(8, "torch.storage.UntypedStorage")
    rest = (False, OrderedDict(), Name("torch.int32"))
    t = Call("torch._utils._rebuild_tensor_v3", untyped, 1, (1,), (1,), *rest)
    data = np.array([1, 258], "<i4" if order == "little" else ">i4").tobytes()
    assert plait.load(zipped([t, t], data, order=order))[1].tolist() == [258]


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_compressed_entries_and_places_in_other_files(method: int, tmp_path: pathlib.Path) -> None:
    file = zipped({"x": four()}, FOUR, method=method)
    assert plait.load(file)["x"].tolist() == [0, 1, 2, 3]
    shifted = io.BytesIO(b"before" + file.getvalue())
    shifted.seek(6)
    assert plait.load(shifted)["x"].tolist() == [0, 1, 2, 3]
    (tmp_path / "x.pt").write_bytes(file.getvalue())
    assert plait.load(tmp_path / "x.pt", mmap=True)["x"].tolist() == [0, 1, 2, 3]


def test_mapped_files_are_not_changed(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "views.pt"
    path.write_bytes((FILES / "views.pt").read_bytes())
    back = plait.load(path, mmap=True)
    back["base"][5] = -1
    assert back["matrix"][1, 1] == -1
    assert plait.load(path)["base"][5] == 5
    with pytest.raises(ValueError, match="zip file with mmap"):
        read("views_old", mmap=True)
    with pytest.raises(ValueError, match="a path with mmap"):
        plait.load(zipped(four(), FOUR), mmap=True)


def test_map_location() -> None:
    def gpu() -> io.BytesIO:
        return zipped([tensor(storage(4, place="cuda:1"), (4,), (1,))] * 2, FOUR)

    assert plait.load(gpu())[0].device == plait.device("cpu")
    assert plait.load(gpu(), "cpu")[1].tolist() == [0, 1, 2, 3]
    assert plait.load(gpu(), {"cuda:1": "cpu"})[0].tolist() == [0, 1, 2, 3]
    seen = []
    plait.load(gpu(), lambda store, place: seen.append((store.nbytes(), place)) or store)
    assert seen == [(16, "cuda:1")]
    with pytest.raises(ValueError, match="expected map_location to return"):
        plait.load(gpu(), lambda store, place: 3)
    for wrong in ("cuda:0", {"cuda:1": "cuda:0"}):
        with pytest.raises(ValueError, match="expected map_location 'cpu'"):
            plait.load(gpu(), wrong)


def test_storages_themselves() -> None:
    back = plait.load(zipped([storage(4), four()], FOUR))
    assert back[0].nbytes() == 16
    assert back[0] == back[1].untyped_storage()


def old(obj: Any, keys: list[Any], *data: bytes) -> io.BytesIO:
    """A file of the format before the zip format."""
    start = [0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}, obj, keys]
    return io.BytesIO(b"".join([*map(pickled, start), *data]))


def test_storages_within_storages() -> None:
    whole = Stored("storage", Name("torch.FloatStorage"), "7", "cpu", 4, None)
    part = Stored("storage", Name("torch.FloatStorage"), "7", "cpu", 4, ("8", 1, 2))
    obj = [tensor(whole, (4,), (1,)), tensor(part, (2,), (1,))]
    back = plait.load(old(obj, ["7"], (4).to_bytes(8, "little"), FOUR))
    assert back[1].tolist() == [1, 2]
    back[0][2] = 9
    assert back[1].tolist() == [1, 9]


def test_strings_of_python_2() -> None:
    """Protocols 0 to 2 of Python 2 have strings of bytes, ``__builtin__`` and objects without ``__new__``."""
    data = b"\x80\x02}(U\x01kT\x02\x00\x00\x00\xc3\xa4U\x01sS'a\\n'\nU\x01ic__builtin__\nxrange\n(K\x03tRu."
    assert plait.load(zipped(data)) == {"k": "ä", "s": "a\n", "i": range(3)}
    assert plait.load(zipped(data), encoding="latin1")["k"] == "Ã¤"
    assert plait.load(zipped(data), encoding="bytes")[b"k"] == b"\xc3\xa4"


@pytest.mark.parametrize("protocol", range(2, 6))
def test_protocols(protocol: int) -> None:
    obj = [{"a": (1, 2.5, None, True)}, "x" * 70000, b"y" * 300, {1}, frozenset([2]), 2**3000, [[]] * 2000]
    assert plait.load(zipped(pickle.dumps(obj, protocol))) == obj
    assert plait.load(zipped(pickled(four(), protocol), FOUR)).tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("protocol", range(6))
def test_plain_objects_of_every_protocol(protocol: int) -> None:
    now = datetime.datetime(2020, 1, 2, 3, 4, 5, 6, datetime.UTC)
    obj = [pathlib.Path("a/b"), now, datetime.timedelta(1, 2, 3), argparse.Namespace(a=[1]), Counter("ab"), 1j, "ä\n"]
    assert plait.load(zipped(pickle.dumps([obj, obj], protocol))) == [obj, obj]
    arrays = [np.arange(3.0), np.asfortranarray(np.ones((2, 2))), np.array(5), np.zeros((0, 2)), np.dtype(">i4")]
    back = plait.load(zipped(pickle.dumps(arrays, protocol)))
    for a, b in zip(arrays, back, strict=True):
        assert np.array_equal(a, b)
    assert back[1].flags.f_contiguous


def test_memory_formats() -> None:
    assert plait.load(zipped([Name("torch.channels_last")])) == [plait.channels_last]


def test_a_list_inside_itself() -> None:
    obj: list[Any] = [1]
    obj.append(obj)
    back = plait.load(zipped(obj))
    assert back[1] is back


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(2, 1)


class Config:
    def __init__(self) -> None:
        raise AssertionError("no constructor runs")


def test_classes_of_the_program_when_it_names_them_safe() -> None:
    obj = {"cfg": Call("lib.Config", state={"width": 3}, new=True), "f": Name("lib.double"), "n": Call("lib.double", 4)}
    with pytest.raises(FileFormatError, match=r"lib\.Config at obj\['cfg'\]\nhint: .*add_safe_globals\(\[Config\]\)"):
        plait.load(zipped(obj))
    safe = [(Config, "lib.Config"), (lambda x: 2 * x, "lib.double")]
    with plait.serialization.safe_globals(safe), pytest.raises(FileFormatError, match=r"lib\.double at obj\['f'\]"):
        plait.load(zipped(obj))
    del obj["f"]
    plait.serialization.add_safe_globals(safe)
    try:
        back = plait.load(zipped(obj), weights_only=True)
        assert plait.serialization.get_safe_globals()[0] is Config
    finally:
        plait.serialization.clear_safe_globals()
    assert (type(back["cfg"]), back["cfg"].width, back["n"]) == (Config, 3, 8)
    assert plait.serialization.get_safe_globals() == []
    with pytest.raises(TypeError, match="classes and functions"):
        plait.serialization.add_safe_globals([3])


# ---- what is refused ---------------------------------------------------------------------------------------


def nested(levels: int) -> bytes:
    return b"\x80\x02" + b"]" * levels + b"a" * (levels - 1) + b"."


def hashing_bomb() -> bytes:
    """A tuple of two tuples of two tuples ... as a key: each hash of it would take 2**60 steps."""
    return b"\x80\x02}(K\x01K\x02\x86" + b"2\x86" * 60 + b"N" + b"u."


def many_defaultdicts() -> bytes:
    one = b"ccollections\ndefaultdict\ncbuiltins\nlist\n\x85R"
    return b"\x80\x02" + one * 3000 + b"0" * 2999 + b"."


def defaults_in_defaults() -> bytes:
    one = b"ccollections\ndefaultdict\ncbuiltins\nlist\n\x85RK\x01"
    return b"\x80\x02" + one * 3000 + b"N" + b"s" * 3000 + b"."


COO = Call("torch.serialization._get_layout", "torch.sparse_coo")
ARRAY = "numpy._core.multiarray._reconstruct"


def array(*state: Any) -> Call:
    return Call(ARRAY, Name("numpy.ndarray"), (0,), b"b", state=state)


def dtype(name: str, *state: Any) -> Call:
    return Call("numpy.dtype", name, False, True, state=state or None)


@pytest.mark.parametrize(
    ("obj", "data", "message"),
    [
        (Call("os.system", "true"), b"", r"os\.system at the top"),
        ([1, {"a": (Call("posix.system", "true"),)}], b"", r"posix\.system at obj\[1\]\['a'\]\[0\]"),
        ({Call("builtins.eval", "1"): 1}, b"", r"builtins\.eval at obj\[key Foreign\]"),
        (Call("builtins.getattr", Name("builtins.dict"), "x"), b"", r"builtins\.getattr at the top"),
        (Name("torch._utils._rebuild_tensor_v2"), b"", "_rebuild_tensor_v2 at the top"),
        (OrderedDict(a=Name("collections.OrderedDict")), b"", r"OrderedDict at obj\['a'\]"),
        (Call("torch.FloatTensor"), b"", r"torch\.FloatTensor at the top"),
        (tensor(storage(4, "torch.QInt8Storage"), (4,), (1,)), bytes(4), "QInt8Storage.*\nhint: quantised"),
        (Name("torch.float8_e4m3fn"), b"", "float8_e4m3fn at the top\nhint: plait does not have this dtype"),
        (Call("collections.OrderedDict", state={"keys": 1}), b"", "attributes that OrderedDict leaves free"),
        (Call("collections.defaultdict", Name("builtins.eval")), b"", r"builtins\.eval"),
        (Call("collections.defaultdict", Name("torch.Size")), b"", "begins with"),
        (Call("builtins.bytearray", 2**40), b"", "expected bytes"),
        (Call("builtins.bytes", 2**40), b"", "expected bytes"),
        (Call("builtins.set", [[1]]), b"", "small tuples as keys, got list"),
        ({2**70: 1}, b"", "small tuples as keys, got int"),
        (four(), FOUR[:-1], "expected 16 bytes of storage '0', got 15"),
        (tensor(storage(5), (4,), (1,)), FOUR, "expected 20 bytes of storage '0', got 16"),
        (tensor(storage(2**61), (4,), (1,)), FOUR, "number of elements"),
        (tensor(storage(-4), (4,), (1,)), FOUR, "number of elements"),
        (tensor(storage(4, key="../../etc"), (4,), (1,)), FOUR, "an entry"),
        (tensor(storage(4, key=0), (4,), (1,)), FOUR, "string about a storage"),
        (tensor(storage(4, "builtins.list"), (4,), (1,)), FOUR, "class of storages"),
        (tensor(storage(4), (5,), (1,)), FOUR, "within the 16 bytes"),
        (tensor(storage(4), (4,), (1,), 1), FOUR, "within the 16 bytes"),
        (tensor(storage(4), (2, 2), (3, 1)), FOUR, "within the 16 bytes"),
        (tensor(storage(4), (2,), (2**62,)), FOUR, "within the 16 bytes"),
        (tensor(storage(4), (4,), (-1,), 3), FOUR, "sizes and strides"),
        (tensor(storage(4), (4,), (1,), -1), FOUR, "sizes and strides"),
        (tensor(storage(4), (2**62, 4), (0, 0)), FOUR, "sizes and strides"),
        (tensor(storage(4), (4, 1), (1,)), FOUR, "sizes and strides"),
        (tensor(storage(4), (1,) * 65, (1,) * 65), FOUR, "sizes and strides"),
        (tensor(storage(4), (2.0,), (1,)), FOUR, "sizes and strides"),
        (tensor(FOUR, (4,), (1,)), FOUR, "a storage and a dtype"),
        (tensor(storage(16, "torch.BoolStorage"), (16,), (1,)), bytes(15) + b"\x02", "bytes 0 and 1"),
        (Call("torch._utils._rebuild_parameter", 3, True, None), b"", "expected a tensor"),
        (Call("torch._utils._rebuild_sparse_tensor", COO, (3,)), b"", "damaged"),
        (Call("torch._utils._rebuild_tensor_v2"), b"", "damaged"),
        (array(1, (2**40,), dtype("f4"), False, b"1234"), b"", "bytes of an array"),
        (array(1, (1,), dtype("O8"), False, [1]), b"", "numpy.dtype"),
        (array(1, (1,), dtype("f4", 3, "<", (1,), None, None, -1, -1, 0), False, b"1234"), b"", "structured"),
        (array(1, (4,), dtype("b1"), False, b"\x00\x01\x02\x00"), b"", "bytes 0 and 1"),
        (array(1, (2**62, 4), dtype("f4"), False, b""), b"", "bytes of an array"),
        (dtype("(2**60,)f4"), b"", "numpy.dtype"),
        (Call("numpy._core.multiarray.scalar", dtype("f4"), b"123"), b"", "bytes of one number"),
        (Call("datetime.datetime", [1]), b"", "plain arguments"),
        (Call("pathlib.PosixPath", 3), b"", "plain arguments"),
        (nested(5000), b"", "nesting of at most 1000"),
        (hashing_bomb(), b"", "small tuples as keys"),
        (many_defaultdicts(), b"", "defaultdicts"),
        (defaults_in_defaults(), b"", "defaultdicts"),
        (b"\x80\x02X\xff\xff\xff\xffab.", b"", "expected 4294967295 more bytes"),
        (b"\x80\x04\x8e" + b"\xff" * 7 + b"\x7f.", b"", "more bytes"),
        (b"\x80\x04\x95" + b"\xff" * 8, b"", "frame"),
        (b"\x80\x09.", b"", "protocols 0 to 5"),
        (b"\x80\x02.", b"", "damaged"),
        (b"\x80\x02(.", b"", "a mark"),
        (b"\x80\x02t.", b"", "damaged"),
        (b"\x80\x02K\x01", b"", "cut short"),
        (b"\x80\x02h\x05.", b"", "damaged"),
        (b"\x80\x02\xff.", b"", "an opcode"),
        (b"\x80\x02\x82\x01.", b"", "copyreg"),
        (b"\x80\x05\x97.", b"", "buffers outside"),
        (b"\x80\x02P1\n.", b"", "protocol 0"),
        (b"\x80\x02K\x01Q.", b"", "expected a storage"),
        (b"\x80\x02I" + b"9" * 5000 + b"\n.", b"", "damaged"),
        (b"\x80\x02K\x01)R.", b"", "to make an object, got int"),
        (b"\x80\x02]K\x01b.", b"", "has a state"),
        (b"\x80\x02)K\x01a.", b"", "to append to"),
        (b"\x80\x02](K\x01u.", b"", "odd number"),
        (b"\x80\x02](K\x01K\x01u.", b"", "a dict to fill"),
    ],
    ids=lambda value: value[:20] if isinstance(value, str) else "",
)
def test_refused_objects(obj: Any, data: bytes, message: str) -> None:
    with pytest.raises(FileFormatError, match=f"(?s)load: .*{message}"):
        plait.load(zipped(obj, data))


CHAINS = {  # what begins a link, and what ends it, by kind
    "list": (b"]", b"a"),
    "tuple": (b"", b"\x85"),
    "dict": (b"}K\x01", b"s"),
    "ordered": (b"ccollections\nOrderedDict\n)RK\x01", b"s"),
    "counter": (b"ccollections\nCounter\n)RK\x01", b"s"),
    "namespace": (b"cargparse\nNamespace\n)\x81}X\x01\x00\x00\x00a", b"sb"),
    "default": (b"ccollections\ndefaultdict\n)RK\x01", b"s"),
    "set": (b"", b"\x85cbuiltins\nfrozenset\n2\x85"),
    "parameter": (b"ctorch.nn.parameter\nParameter\n", b"\x85R"),
    "foreign": (b"cos\nsystem\n", b"\x85R"),
}


@pytest.mark.parametrize("kind", CHAINS)
def test_long_chains_neither_crash_nor_hang(kind: str) -> None:
    """Not when they are read, not when they are refused, and not when they are freed."""
    begin, end = CHAINS[kind]
    for last in (b"N.", b"N", b"N\xff"):
        with pytest.raises(FileFormatError):
            plait.load(zipped(b"\x80\x02" + begin * 50_000 + last[:1] + end * 50_000 + last[1:]))


def test_registered_numbers_of_copyreg_are_not_looked_up() -> None:
    copyreg.add_extension("os", "system", 240)
    try:
        with pytest.raises(FileFormatError, match="copyreg"):
            plait.load(zipped(b"\x80\x02\x82\xf0."))
    finally:
        copyreg.remove_extension("os", "system", 240)


def patched(file: io.BytesIO, at: int, data: bytes) -> io.BytesIO:
    content = bytearray(file.getvalue())
    content[at : at + len(data)] = data
    return io.BytesIO(content)


def overlapping() -> io.BytesIO:
    """Two entries of the directory over the same bytes."""
    file = zipped([four(), tensor(storage(4, key="1"), (4,), (1,))], FOUR, FOUR)
    infos = zipfile.ZipFile(file).infolist()
    at = file.getvalue().rindex(b"PK\x01\x02")
    return patched(file, at + 42, infos[1].header_offset.to_bytes(4, "little"))


def bomb() -> io.BytesIO:
    """Zeros in a thousandth of their size."""
    return zipped(tensor(storage(25 * 10**5), (4,), (1,)), bytes(10**7), method=zipfile.ZIP_DEFLATED)


def tar() -> io.BytesIO:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as t:
        t.addfile(tarfile.TarInfo("storages"), io.BytesIO())
    out.seek(0)
    return out


def renamed(name: str) -> io.BytesIO:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as z:
        z.writestr(name, b"")
    out.seek(0)
    return out


def count(n: int) -> bytes:
    return n.to_bytes(8, "little")


@pytest.mark.parametrize(
    ("file", "message"),
    [
        (overlapping(), "over another"),
        (bomb(), "a size that"),
        (tar(), "tar file.*\nhint: "),
        (zipped(four(), FOUR, **{"constants.pkl": b""}), "TorchScript"),
        (renamed("x.npy"), r"no?t? ?.*data\.pkl.*\nhint: .*NumPy"),
        (renamed("other"), r"one data\.pkl, got 0"),
        (io.BytesIO(b"PK\x05\x06" + bytes(18)), r"one data\.pkl, got 0"),
        (io.BytesIO(zipped(four(), FOUR).getvalue()[:-30]), "zip file"),
        (zipped(four()), "an entry 'data/0'"),
        (io.BytesIO(pickle.dumps({"a": 1}, 2)), r"torch\.save, got a pickle of something else"),
        (io.BytesIO(pickled(0x1950A86A20F9469CFC6C) + pickled(7) + pickled(7)), "version 1001"),
        (old(four(), ["1"], count(4), FOUR), "storage '1'"),
        (old(four(), ["0", "0"], count(4), FOUR), "each once"),
        (old(four(), ["0"], count(4), FOUR[:-1]), "cut short"),
        (old(four(), ["0"], count(3), FOUR), "storage '0'"),
        (old(four(), ["0"], count(2**63 - 1), FOUR), "cut short"),
        (old(four(), ["0"]), "the end of the file"),
        (old(four(), [], count(4), FOUR), "storage '0'"),
    ],
)
def test_refused_files(file: io.BytesIO, message: str) -> None:
    with pytest.raises(FileFormatError, match=f"(?s)load: .*{message}"):
        plait.load(file)


def test_damaged_pickles_are_noticed() -> None:
    file = zipped(four(), FOUR)
    with pytest.raises(FileFormatError, match="checksum"):
        plait.load(patched(file, file.getvalue().index(b"FloatStorage"), b"H"))


@pytest.mark.parametrize("name", ["views", "views_old"])
def test_every_cut_is_noticed(name: str) -> None:
    data = (FILES / f"{name}.pt").read_bytes()
    for size in range(0, len(data), 7):
        with pytest.raises(FileFormatError):
            plait.load(io.BytesIO(data[:size]))


def test_nothing_is_imported_for_a_file() -> None:
    code = (
        "import sys, io, plait\n"
        "assert 'plait._pickle_machine' not in sys.modules, 'the reader is imported when it is needed'\n"
        f"data = plait.load({str(FILES / 'plain.pt')!r})\n"
        "assert 'pickle' not in sys.modules or 'numpy' in sys.modules\n"
        "sys.addaudithook(lambda e, a: e in ('import', 'exec', 'os.system', 'pickle.find_class') and print(e, a))\n"
        f"plait.load({str(FILES / 'plain.pt')!r}), plait.load({str(FILES / 'training_old.pt')!r})\n"
        "try: plait.load(sys.argv[1])\n"
        "except ValueError as error: print(str(error)[:80])\n"
    )
    path = FILES / "module.pt"
    out = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True, timeout=60
    )
    assert out.stdout.startswith("load: expected tensors, containers and plain data, got torch.nn.modules")
    assert out.stdout.count("\n") == 1


def test_mutated_files() -> None:
    """A short run of the fuzzer, whose longer runs are for changes of the reader."""
    tool = pathlib.Path(__file__).parent.parent / "tools" / "fuzz_files.py"
    paths = [str(path) for path in sorted(FILES.glob("*.pt"))]
    command = [sys.executable, str(tool), "--count", "1500", "--seed", "7", *paths]
    out = subprocess.run(
        command, capture_output=True, text=True, timeout=300, env={**os.environ, "OMP_NUM_THREADS": "1"}
    )
    assert out.returncode == 0, out.stdout + out.stderr
    assert out.stdout.startswith("1500 files")


def test_large_objects() -> None:
    obj = {"numbers": list(range(200_000)), "rows": [[i, str(i)] for i in range(20_000)]}
    assert plait.load(zipped(obj)) == obj


# ---- whole modules in files of plait's ---------------------------------------------------------------------


class Whole(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Linear(2, width)
        self.again = self.first
        self.body = nn.Sequential(nn.Conv1d(1, 2, 3, padding="same"), nn.BatchNorm1d(2), nn.ReLU())
        self.encoder = nn.TransformerEncoderLayer(4, 2, 8, batch_first=True)
        self.rnn = nn.LSTM(2, 3)
        self.scale = nn.Parameter(plait.ones(2), requires_grad=False)
        self.register_buffer("mean", plait.zeros(1), persistent=False)
        self.names = ["a", ("b", 2)]

    def forward(self, x: Any) -> Any:
        return self.again(self.first(x)) * self.scale


def saved(obj: Any) -> io.BytesIO:
    file = io.BytesIO()
    plait.save(obj, file)
    file.seek(0)
    return file


def test_whole_modules_by_reference() -> None:
    net = Whole(2).eval()
    file = saved({"net": net, "twice": [net]})
    with pytest.raises(FileFormatError, match=r"Whole'\nhint: plait\.serialization\.add_safe_globals\(\[Whole\]\)"):
        plait.load(file, weights_only=False)
    file.seek(0)
    with plait.serialization.safe_globals([Whole]):
        back = plait.load(file)
    copy = back["net"]
    assert back["twice"][0] is copy
    assert copy.again is copy.first
    assert (str(copy), copy.training, copy.names) == (str(net), False, ["a", ("b", 2)])
    assert list(copy.state_dict()) == list(net.state_dict())
    x = plait.randn(3, 2)
    assert plait.equal(copy(x), net(x))
    y = plait.randn(1, 3, 4)
    assert plait.equal(copy.encoder(y), net.encoder(y))
    copy.scale.requires_grad_()
    copy.register_parameter("more", nn.Parameter(plait.ones(1)))
    assert "more" in dict(copy.named_parameters())


def test_layers_need_no_trust() -> None:
    net = nn.Sequential(nn.Linear(2, 3), nn.GELU(), nn.Linear(3, 1))
    back = plait.load(saved(net))
    x = plait.randn(4, 2)
    assert plait.equal(back(x), net(x))


def test_modules_that_cannot_be_saved() -> None:
    hooked = nn.Linear(2, 2)
    hooked.register_forward_hook(lambda *args: None)
    with pytest.raises(TypeError, match="got function at '_forward_hooks"):
        plait.save(hooked, io.BytesIO())
    named = nn.utils.parametrizations.weight_norm(nn.Linear(2, 2))
    with pytest.raises(TypeError, match=r"ParametrizedLinear.*\nhint: .*state_dict\(\)"):
        plait.save(named, io.BytesIO())


PROGRAM = """
import io, torch
from torch import nn
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(2, 1)
    def forward(self, x):
        return self.fc(x)
net, file = Net(), io.BytesIO()
torch.save(net, file)
for trusted in (False, True):
    file.seek(0)
    try:
        print(torch.equal(torch.load(file, weights_only=False)(torch.ones(2)), net(torch.ones(2))))
    except RuntimeError as error:
        print(str(error).splitlines()[-1][:60])
    torch.serialization.add_safe_globals([Net])
"""


def test_whole_modules_of_a_program_of_pytorch(tmp_path: pathlib.Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    command = [sys.executable, "-m", "plait", str(tmp_path / "program.py")]
    out = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert out.stdout.splitlines() == ["hint: plait.serialization.add_safe_globals([Net]) lets plait", "True"], out


LINEAR = "plait.nn.modules.linear.Linear"
EMPTY: dict[str, Any] = {"_parameters": {}, "_buffers": {}, "_modules": {}}


@pytest.mark.parametrize(
    ("node", "message"),
    [
        ({"$module": "os.system", "state": EMPTY}, "'os.system'"),
        ({"$module": "plait.nn.sys.exit", "state": EMPTY}, "named safe"),
        ({"$module": "plait.nn.functional.relu", "state": EMPTY}, "named safe"),
        ({"$module": "plait.nn.parameter.Parameter", "state": EMPTY}, "named safe"),
        ({"$module": 3, "state": EMPTY}, "named safe"),
        ({"$module": LINEAR}, "with its state"),
        ({"$module": LINEAR, "state": 3}, "with its state"),
        ({"$module": LINEAR, "state": {}}, "_parameters of a module"),
        ({"$module": LINEAR, "state": {**EMPTY, "_parameters": {"weight": 3}}}, "table of Parameter"),
        ({"$module": LINEAR, "state": {**EMPTY, "_modules": {"weight": 3}}}, "table of Module"),
        ({"$again": 0}, "number of a module"),
        ({"$again": "x"}, "number of a module"),
        ({"$function": "os.system"}, "function of nn.functional"),
        ({"$function": "__builtins__"}, "function of nn.functional"),
    ],
)
def test_bad_modules(node: Any, message: str) -> None:
    import json

    text = json.dumps({"__metadata__": {"plait.tree": json.dumps(node)}}).encode()
    with pytest.raises(FileFormatError, match=message):
        plait.load(io.BytesIO(len(text).to_bytes(8, "little") + text))


def test_modules_in_modules_are_bounded() -> None:
    import json

    node: dict[str, Any] = {"$module": LINEAR, "state": EMPTY}
    for _ in range(200):
        node = {"$module": LINEAR, "state": {**EMPTY, "_modules": {"a": node}}}
    text = json.dumps({"__metadata__": {"plait.tree": json.dumps(node)}}).encode()
    with pytest.raises(FileFormatError, match="depth"):
        plait.load(io.BytesIO(len(text).to_bytes(8, "little") + text))
