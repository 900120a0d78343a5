# SPDX-License-Identifier: MIT
"""Saving and loading: what comes back, what files look like, and what damaged or hostile files do."""

from __future__ import annotations

import contextlib
import copy
import io
import json
import math
import os
import pathlib
import subprocess
import sys
from collections import Counter, OrderedDict, UserList, deque
from typing import Any

import numpy as np
import pytest

import plait
from plait import serialization
from plait.serialization import FileFormatError

DTYPES = [
    "float32",
    "float64",
    "float16",
    "bfloat16",
    "int64",
    "int32",
    "int16",
    "int8",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "bool",
]


def round_trip(obj: Any) -> Any:
    file = io.BytesIO()
    plait.save(obj, file)
    file.seek(0)
    return plait.load(file)


def raw(header: Any, data: bytes = b"", length: int | None = None) -> io.BytesIO:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return io.BytesIO((len(text) if length is None else length).to_bytes(8, "little") + text + data)


def same(a: Any, b: Any) -> bool:
    if isinstance(a, plait.Tensor):
        return a.dtype == b.dtype and a.shape == b.shape and a.tolist() == b.tolist()
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and np.array_equal(a, b)
    if type(a) is not type(b):
        return False
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[k], b[k]) for k in a)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    return a == b or (isinstance(a, float) and math.isnan(a) and math.isnan(b))


# ---- what comes back ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "dtype", ["uint16", "uint32", "uint64", ">f4", ">i8", "S3", "U2", "M8[s]", "m8[ms]", "f4", "?"]
)
@pytest.mark.parametrize("shape", [(), (0,), (2, 3)])
def test_arrays_of_any_plain_dtype(dtype: str, shape: tuple[int, ...]) -> None:
    array = np.arange(math.prod(shape)).astype("i8").reshape(shape).astype(dtype)
    back = round_trip({"a": array, "b": [array[..., :0] if shape else array]})
    assert same(back["a"], array) and back["b"][0].dtype == array.dtype


def test_random_states_of_numpy() -> None:
    state = np.random.RandomState(3).get_state()
    assert same(round_trip(state), state)


def test_empty_things_stay_apart() -> None:
    back = round_trip([np.zeros((0, n)) for n in range(1, 5)])
    assert [a.shape for a in back] == [(0, 1), (0, 2), (0, 3), (0, 4)]


def test_arrays_of_objects_are_refused() -> None:
    with pytest.raises(TypeError, match="dtype object at 'a'"):
        round_trip({"a": np.array([None])})


def test_arguments_of_pickle_are_ignored(tmp_path: pathlib.Path) -> None:
    plait.save({"a": plait.ones(2)}, tmp_path / "a", pickle_module=json, pickle_protocol=4)
    plait.save({"a": plait.ones(2)}, tmp_path / "b", json, 2, False)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (1,), (0,), (3, 0, 2), (2, 3)])
def test_tensors(dtype: str, shape: tuple[int, ...]) -> None:
    n = math.prod(shape)
    t = (plait.arange(n) % 2).reshape(shape).to(getattr(plait, dtype))
    assert same(round_trip(t), t)


def test_special_values_keep_their_bits() -> None:
    t = plait.tensor([0.0, -0.0, float("inf"), -float("inf"), float("nan"), 1e-45, 3.4e38])
    back = round_trip(t)
    assert back.numpy().tobytes() == t.numpy().tobytes()


def test_layouts_become_contiguous() -> None:
    t = plait.arange(12).reshape(3, 4)
    for view in (t.t(), t[:, ::2], t[1:], t.expand(2, 3, 4)):
        back = round_trip(view)
        assert same(back, view)
        assert back.is_contiguous()


@pytest.mark.parametrize(
    "obj",
    [
        None,
        True,
        3,
        -(2**70),
        1.5,
        1e300,
        float("inf"),
        float("-inf"),
        float("nan"),
        "text \u00e4\u4e2d\U0001f600",
        "",
        [],
        {},
        (),
        [1, [2.0, "x", None, False]],
        (1, (2, [3])),
        {"a": 1, "b": {"c": (1, 2)}},
        {
            1: "int",
            2.5: "float",
            False: "bool",
            None: "none",
            (1, "a"): "tuple",
            "s": "str",
        },
        {"$tensor": "a key like ours", "": 0},
        OrderedDict(b=1, a=2),
        OrderedDict([(3, 1)]),
        Counter("abracadabra"),
        {1, 2},
        frozenset({3}),
    ],
    ids=repr,
)
def test_values(obj: Any) -> None:
    assert same(round_trip(obj), obj)


def test_other_kinds() -> None:
    obj = {
        "dtype": plait.bfloat16,
        "size": plait.Size([2, 3]),
        "device": plait.device("cpu"),
        "array": np.arange(6, dtype=np.int16).reshape(2, 3),
        "number": np.float32(0.5),
    }
    back = round_trip(obj)
    assert back["dtype"] is plait.bfloat16
    assert isinstance(back["size"], plait.Size)
    assert back["size"] == (2, 3)
    assert back["device"] == plait.device("cpu")
    assert same(back["array"], obj["array"])
    assert back["number"] == 0.5


def test_other_sequences_are_lists() -> None:
    got = round_trip(UserList([1, deque([plait.ones(2)])]))
    assert got[0] == 1 and type(got) is type(got[1]) is list and got[1][0].tolist() == [1.0, 1.0]
    with pytest.raises(TypeError, match="got range at"):
        plait.save(range(3), io.BytesIO())


def test_shared_tensors_are_written_once_and_stay_shared() -> None:
    w = plait.randn(100, 100)
    file = io.BytesIO()
    plait.save({"a": w, "b": w, "view": w.t(), "alias": w.detach()}, file)
    assert file.tell() < 2 * 40_000 + 2_000  # w and its transpose
    file.seek(0)
    back = plait.load(file)
    assert back["a"] is back["b"]
    assert back["a"] is back["alias"]
    assert back["view"] is not back["a"]


def test_requires_grad_and_parameters() -> None:
    p = plait.nn.Parameter(plait.ones(2))
    leaf = plait.ones(2, requires_grad=True)
    back = round_trip([p, leaf, leaf * 2, plait.nn.Parameter(plait.ones(1), requires_grad=False)])
    assert isinstance(back[0], plait.nn.Parameter)
    assert back[0].requires_grad
    assert back[1].requires_grad
    assert not back[2].requires_grad
    assert not back[3].requires_grad


def test_training_state() -> None:
    p = plait.ones(3, requires_grad=True)
    opt = plait.optim.Adam([p], lr=0.1)
    scheduler = plait.optim.lr_scheduler.MultiStepLR(opt, [1, 3])
    (p * p).sum().backward()
    opt.step()
    scheduler.step()
    g = plait.Generator().manual_seed(3)
    plait.rand(5, generator=g)
    back = round_trip({"opt": opt.state_dict(), "sched": scheduler.state_dict(), "rng": g.get_state()})
    assert same(back["opt"]["state"][0], opt.state_dict()["state"][0])
    assert back["opt"]["param_groups"] == opt.state_dict()["param_groups"]
    assert back["sched"] == scheduler.state_dict()
    h = plait.Generator()
    h.set_state(back["rng"])
    assert plait.rand(3, generator=h).tolist() == plait.rand(3, generator=g).tolist()


@pytest.mark.parametrize("mmap", [False, True])
def test_paths_and_mmap(tmp_path: pathlib.Path, mmap: bool) -> None:
    obj = {"x": plait.randn(5), "b": plait.tensor([True]), "h": plait.ones(3).to(plait.bfloat16)}
    for path in (tmp_path / "a.st", str(tmp_path / "b.st")):
        plait.save(obj, path)
        back = plait.load(path, mmap=mmap)
        assert same(back, obj)
        back["x"].zero_()
        assert same(plait.load(path), obj)  # the file is untouched


def test_map_location() -> None:
    file = io.BytesIO()
    plait.save(plait.ones(1), file)
    for location in ("cpu", plait.device("cpu"), {"cuda:0": "cpu"}, lambda storage, loc: storage):
        file.seek(0)
        assert plait.load(file, map_location=location, weights_only=True).item() == 1
    with pytest.raises(ValueError, match="cuda"):
        plait.load(file, map_location="cuda")
    with pytest.raises(ValueError, match="pickle"):
        plait.load(file, pickle_module=json)


def test_file_object_at_an_offset() -> None:
    file = io.BytesIO()
    file.write(b"before")
    plait.save([plait.arange(3)], file)
    file.seek(6)
    assert plait.load(file)[0].tolist() == [0, 1, 2]


# ---- other programs ----------------------------------------------------------------------------------------


def test_layout_of_the_file() -> None:
    file = io.BytesIO()
    plait.save({"b": plait.tensor([1], dtype=plait.uint8), "w": plait.tensor([1.0, 2.0])}, file)
    data = file.getvalue()
    n = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + n])
    assert (8 + n) % 8 == 0
    assert header.pop("__metadata__").keys() == {"format", "plait.tree"}
    # Larger elements first, so that all are aligned; no gap between them.
    assert header == {
        "w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]},
        "b": {"dtype": "U8", "shape": [1], "data_offsets": [8, 9]},
    }
    assert np.frombuffer(data[8 + n : 16 + n], "<f4").tolist() == [1, 2]


def test_safetensors_package_both_ways(tmp_path: pathlib.Path) -> None:
    st = pytest.importorskip("safetensors.numpy", reason="the safetensors package is not installed")
    arrays = {"w": np.arange(6, dtype=np.float32).reshape(2, 3), "n": np.array([True, False])}
    st.save_file(arrays, tmp_path / "theirs")
    back = plait.load(tmp_path / "theirs")
    assert all(np.array_equal(back[k].numpy(), v) for k, v in arrays.items())
    plait.save({k: plait.from_numpy(v) for k, v in arrays.items()}, tmp_path / "ours")
    theirs = st.load_file(tmp_path / "ours")
    assert all(np.array_equal(theirs[k], v) for k, v in arrays.items())


def test_file_without_our_tree() -> None:
    header = {
        "b": {"dtype": "I16", "shape": [1], "data_offsets": [0, 2]},
        "a": {"dtype": "U8", "shape": [], "data_offsets": [2, 3]},
    }
    back = plait.load(raw(header, b"\x01\x02\x03"))
    assert list(back) == ["b", "a"]
    assert (back["b"].tolist(), back["a"].item()) == ([513], 3)


# ---- what cannot be saved ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: plait.optim.SGD([plait.ones(1, requires_grad=True)]), r"got SGD at the top.*\n.*sgd\.state_dict\(\)"),
        (lambda: {"net": [plait.Generator()]}, r"got Generator at 'net\.0'"),
        (lambda: plait.Generator(), r"get_state\(\)"),
        (lambda: {"f": print}, "got builtin_function_or_method at 'f'"),
        (lambda: {object(): 1}, "dict keys"),
        (lambda: 1j, "got complex"),
    ],
)
def test_refused_objects_leave_no_file(tmp_path: pathlib.Path, make: Any, message: str) -> None:
    path = tmp_path / "model"
    with pytest.raises(TypeError, match=f"(?s)save: expected.*{message}"):
        plait.save(make(), path)
    assert list(tmp_path.iterdir()) == []


def test_a_list_inside_itself() -> None:
    obj: list[Any] = []
    obj.append(obj)
    with pytest.raises(ValueError, match="nesting"):
        plait.save(obj, io.BytesIO())


# ---- atomic writing ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize("at", ["write", "fsync", "replace"])
def test_a_failure_leaves_the_old_file(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, at: str, error: BaseException
) -> None:
    path = tmp_path / "model"
    plait.save({"x": plait.ones(3)}, path)

    def fail(*args: Any, **kwargs: Any) -> Any:
        raise error

    if at == "write":
        monkeypatch.setattr(serialization, "_tensor_bytes", fail)
    else:
        monkeypatch.setattr(os, at, fail)
    with pytest.raises(type(error)):
        plait.save({"x": plait.zeros(3)}, path)
    monkeypatch.undo()
    assert [p.name for p in tmp_path.iterdir()] == ["model"]
    assert plait.load(path)["x"].tolist() == [1, 1, 1]


def test_kill_at_any_moment_leaves_a_whole_file(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "model"
    script = (
        "import sys, plait\n"
        "i = 0\n"
        "while True:\n"
        "    i += 1\n"
        "    plait.save({'x': plait.full((50_000,), i), 'i': i}, sys.argv[1])\n"
        "    print(i, flush=True)\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    for delay in (1, 2, 4):
        process = subprocess.Popen(
            [sys.executable, "-c", script, str(path)], stdout=subprocess.PIPE, text=True, env=environment
        )
        assert process.stdout is not None
        for _ in range(delay):
            process.stdout.readline()
        process.kill()
        process.communicate()
        back = plait.load(path)
        assert (back["x"] == back["i"]).all()


def test_links_and_modes_stay(tmp_path: pathlib.Path) -> None:
    target, link = tmp_path / "real", tmp_path / "link"
    plait.save(1, target)
    target.chmod(0o640)
    link.symlink_to(target)
    plait.save(2, link)
    assert link.is_symlink()
    assert plait.load(target) == 2
    assert target.stat().st_mode & 0o777 == 0o640


def test_missing_folder(tmp_path: pathlib.Path) -> None:
    with pytest.raises(FileNotFoundError):
        plait.save(1, tmp_path / "no" / "file")
    with pytest.raises(FileNotFoundError):
        plait.load(tmp_path / "none")


# ---- damaged and hostile files -----------------------------------------------------------------------------

F4 = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
TREE = "plait.tree"


def entry(**changes: Any) -> dict[str, Any]:
    return {"x": {**F4, **changes}}


def tree(node: Any) -> dict[str, Any]:
    text = node if isinstance(node, str) else json.dumps(node)
    return {"__metadata__": {TREE: text}, "x": F4}


@pytest.mark.parametrize(
    ("file", "message"),
    [
        (io.BytesIO(b""), "at least 8 bytes"),
        (io.BytesIO(b"\x01\x02"), "at least 8 bytes"),
        (raw(b"{}", length=2**63), "at most 100000000 bytes"),
        (raw(b"{}", length=100_000_001), "at most 100000000 bytes"),
        (raw(b"{}", length=1000), "cut short"),
        (raw(b"[]"), "begins with"),
        (raw(b'{"a":'), "JSON"),
        (raw(b"{\xff}"), "JSON"),
        (raw(b"{" * 100_000), "JSON"),
        (raw(b'{"a":NaN}'), "got NaN"),
        (raw(b'{"x":1,"x":2}'), "'x' twice"),
        (raw({"__metadata__": 3}), "__metadata__"),
        (raw({"__metadata__": {"a": 1}}), "__metadata__"),
        (raw({"x": 3}), "dtype, shape and data_offsets"),
        (raw({"x": {"dtype": "F32", "shape": [2]}}, bytes(8)), "dtype, shape and data_offsets"),
        (raw(entry(extra=1), bytes(8)), "dtype, shape and data_offsets"),
        (raw(entry(dtype="F33"), bytes(8)), "'F33', which is unknown"),
        (raw(entry(dtype="F8_E4M3"), bytes(2)), "'F8_E4M3', which plait does not have"),
        (raw(entry(dtype=["F32"]), bytes(8)), "dtype among"),
        (raw(entry(shape=[-2]), bytes(8)), "sizes >= 0"),
        (raw(entry(shape=[2.0]), bytes(8)), "sizes >= 0"),
        (raw(entry(shape=[True, 2]), bytes(8)), "sizes >= 0"),
        (raw(entry(shape=2), bytes(8)), "sizes >= 0"),
        (raw(entry(shape=[2**63]), bytes(8)), "sizes >= 0"),
        (
            raw(entry(shape=[2**62, 4, 1]), bytes(8)),
            "expected 73786976294838206464 bytes",
        ),  # wraps to 0 in 64 bits
        (raw(entry(shape=[2**32, 2**32]), bytes(8)), "expected 73786976294838206464 bytes"),
        (raw(entry(shape=[3]), bytes(8)), "expected 12 bytes"),
        (raw(entry(data_offsets=[8, 0]), bytes(8)), "offsets"),
        (raw(entry(data_offsets=[0, 8, 16]), bytes(8)), "two offsets"),
        (raw(entry(data_offsets=[-8, 0]), bytes(8)), "two offsets"),
        (raw(entry(data_offsets=[0.0, 8.0]), bytes(8)), "two offsets"),
        (raw(entry(data_offsets=[4, 12]), bytes(12)), "a gap"),
        (raw({"x": F4, "y": {**F4, "data_offsets": [4, 12]}}, bytes(12)), "an overlap"),
        (raw({"x": F4, "y": F4}, bytes(8)), "an overlap"),
        (raw(entry(), bytes(7)), "cut short"),
        (raw(entry(), bytes(9)), "belong to no tensor"),
        (raw(entry(dtype="BOOL", shape=[8]), b"\x00\x01\x02\x00\x00\x00\x00\x00"), "bytes 0 and 1"),
        (raw(tree("{"), bytes(8)), "the tree in JSON"),
        (raw(tree({"$tensor": "y"}), bytes(8)), "a tensor 'y'"),
        (raw(tree({"$tensor": "x", "evil": 1}), bytes(8)), "known kind"),
        (raw(tree({"$call": ["os.system", "x"]}), bytes(8)), "known kind"),
        (raw(tree({"$dtype": "Tensor"}), bytes(8)), "known kind"),
        (raw(tree({"$dtype": "__builtins__"}), bytes(8)), "known kind"),
        (raw(tree({"$dict": [1]}), bytes(8)), "contents of a dict"),
        (raw(tree({"$dict": [[[], 1]]}), bytes(8)), "contents of a dict"),
        (raw(tree({"$set": [[]]}), bytes(8)), "contents of a set"),
        (raw(tree({"$size": [-1]}), bytes(8)), "known kind"),
        (raw(tree("[" * 300 + "]" * 300), bytes(8)), "depth"),
        (raw(tree("[" * 100_000), bytes(8)), "JSON"),
        (io.BytesIO(b"PK\x03\x04" + bytes(100)), "zip file"),
        (io.BytesIO(b"\x80\x04\x95" + bytes(100)), "pickle"),
        (io.BytesIO(b"\x93NUMPY" + bytes(100)), "NumPy"),
        (io.BytesIO(b"\x89HDF\r\n\x1a\n" + bytes(100)), "HDF5"),
    ],
)
def test_bad_files(file: io.BytesIO, message: str) -> None:
    file.seek(0)
    with pytest.raises(FileFormatError, match=f"load: .*{message}"):
        plait.load(file)
    assert issubclass(FileFormatError, ValueError)
    assert issubclass(FileFormatError, RuntimeError)


def test_every_header_length_is_read() -> None:
    """A length may be the bytes with which another kind of file begins: 640 is a pickle's, 67,324,752 a zip's."""
    entry = b'{"x":{"dtype":"U8","shape":[],"data_offsets":[0,1]}'
    for length in range(64, 70_001, 8):
        text = entry + b" " * (length - len(entry) - 1) + b"}"
        assert plait.load(io.BytesIO(length.to_bytes(8, "little") + text + b"\x07"))["x"].item() == 7, length


def test_saved_headers_of_awkward_lengths() -> None:
    seen = set()
    for n in range(1, 1400):
        file = io.BytesIO()
        plait.save({"w" * n: plait.ones(2)}, file)
        length = int.from_bytes(file.getvalue()[:8], "little")
        if length in seen:
            continue
        seen.add(length)
        file.seek(0)
        assert plait.load(file)["w" * n].tolist() == [1, 1], length
    assert {640, 896, 1152, 1408} <= seen


def test_every_cut_and_every_flipped_byte_of_the_header() -> None:
    file = io.BytesIO()
    plait.save({"w": plait.arange(3), "s": [1, (2.5, None)]}, file)
    data = file.getvalue()
    for n in range(len(data)):
        with pytest.raises(FileFormatError):
            plait.load(io.BytesIO(data[:n]))
    start = 8 + int.from_bytes(data[:8], "little")
    for i in range(start):
        for flip in (0x01, 0x20, 0x80):
            damaged = bytearray(data)
            damaged[i] ^= flip
            # Some changes still make a file, others are refused; nothing else happens.
            with contextlib.suppress(FileFormatError):
                plait.load(io.BytesIO(bytes(damaged)))


def test_loading_into_a_model_is_all_or_nothing(tmp_path: pathlib.Path) -> None:
    model = plait.nn.Linear(3, 2)
    path = tmp_path / "m"
    plait.save(model.state_dict(), path)
    data = path.read_bytes()
    before = [p.tolist() for p in model.parameters()]
    path.write_bytes(data[:-1])
    with pytest.raises(FileFormatError):
        model.load_state_dict(plait.load(path))
    assert [p.tolist() for p in model.parameters()] == before


def test_no_pickle_on_the_way(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "m"
    plait.save({"x": plait.ones(2), "t": (1, {2})}, path)
    script = (
        "import sys\n"
        "import plait\n"
        "sys.addaudithook(lambda event, args: event.startswith('pickle') and print('PICKLE'))\n"
        "plait.load(sys.argv[1])\n"
        "print('loaded')\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    out = subprocess.run(
        [sys.executable, "-c", script, str(path)], capture_output=True, text=True, env=environment, check=True
    ).stdout.split()
    assert out == ["loaded"]


# ---- memory that is shared, files of unusual kinds --------------------------------------------------------


VIEWS = {
    "slice": lambda t: t[2:5],
    "every other": lambda t: t[::2],
    "transposed": lambda t: t.view(2, 3).t(),
    "reshaped": lambda t: t.view(3, 2),
    "detached": lambda t: t.detach(),
    "expanded": lambda t: t[:1].expand(4),
    "other dtype": lambda t: t.view(plait.int64),
    "last": lambda t: t[5],
}


@pytest.mark.parametrize("again", [copy.deepcopy, round_trip], ids=["deepcopy", "save"])
@pytest.mark.parametrize("first", [None, *VIEWS])
@pytest.mark.parametrize("second", list(VIEWS))
def test_copies_keep_common_memory(again: Any, first: str | None, second: str) -> None:
    t = plait.arange(6.0, dtype=plait.float64)
    a = t if first is None else VIEWS[first](t)
    b = VIEWS[second](t)
    a2, b2 = again([a, b])
    assert plait.equal(a, a2)
    assert plait.equal(b, b2)
    alone = {first, second} <= {"expanded", "slice", "last"} and "expanded" in (first, second)
    if again is round_trip and alone:
        return  # written on its own, without its strides
    for x, y in ((a, a2), (b, b2)):  # a write shows wherever it shows in the original
        for v in (x, y):
            v[(0,) * v.dim()] = 77
        assert plait.equal(a, a2)
        assert plait.equal(b, b2)
    assert t.sum() != 0


def test_copies_of_single_views_and_of_modules() -> None:
    class Net(plait.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("whole", plait.arange(6.0))
            self.register_buffer("part", self.whole[2:4])

    for net in (Net(), copy.deepcopy(Net())):
        net.whole[2] = 9
        assert net.part.tolist() == [9, 3]
    state = round_trip(Net().state_dict())
    state["part"].zero_()
    assert state["whole"].tolist() == [0, 1, 0, 0, 4, 5]
    file = io.BytesIO()
    plait.save(plait.zeros(100_000)[:2], file)
    assert len(file.getvalue()) < 1000


@pytest.mark.parametrize(
    "view",
    [
        ["float32", 4, [6], [1]],
        ["float32", 3, [1], [1]],
        ["float99", 4, [2], [1]],
        ["float32", 4, [2], [9]],
        ["float32", 4, [0], [1]],
        ["float32", 4, [2], [1, 1]],
        ["float32", -4, [2], [1]],
        ["float32", 4, [2], [2**62]],
        ["float32", 4, [2**62], [1]],
        ["float32", 4, [2]],
        ["bool", 4, [4], [1]],
        7,
    ],
)
def test_bad_views(view: Any) -> None:
    tree = json.dumps([{"$tensor": "t"}, {"$tensor": "t", "view": view}])
    entry = {"dtype": "F32", "shape": [6], "data_offsets": [0, 24]}
    with pytest.raises(FileFormatError, match=r"view within|bytes 0 and 1"):
        plait.load(raw({"__metadata__": {"plait.tree": tree}, "t": entry}, np.arange(6.0, dtype="f4").tobytes()))


@pytest.mark.parametrize("array", [np.array(3.0), np.array(True), np.zeros((0, 2)), np.arange(6)[::-2]])
def test_arrays_keep_their_shape(array: Any) -> None:
    again = round_trip({"x": array})["x"]
    assert again.shape == array.shape
    assert again.dtype == array.dtype
    assert (again == array).all()


class Hesitant(io.RawIOBase):
    """Takes and gives three bytes at a time."""

    def __init__(self, data: bytes = b"") -> None:
        self.inner = io.BytesIO(data)

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        return self.inner.write(bytes(data[:3]))

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        piece = self.inner.read(min(3, len(buffer)))
        buffer[: len(piece)] = piece
        return len(piece)

    def seekable(self) -> bool:
        return True

    def seek(self, *args: Any) -> int:
        return self.inner.seek(*args)

    def tell(self) -> int:
        return self.inner.tell()


def test_short_writes_and_reads() -> None:
    obj = {"x": plait.arange(30.0), "y": plait.zeros(0), "z": plait.tensor([True, False])}
    file = Hesitant()
    plait.save(obj, file)
    again = plait.load(Hesitant(file.inner.getvalue()))
    assert all(plait.equal(again[k], obj[k]) for k in obj)

    class Full(Hesitant):
        def write(self, data: Any) -> int:
            return 0

    with pytest.raises(OSError, match="more bytes"):
        plait.save(obj, Full())


@pytest.mark.parametrize("name", ["語" * 80, "x" * 255, b"bytes", "ü" * 127])
def test_names_of_files(tmp_path: Any, name: Any) -> None:
    path = os.path.join(os.fsencode(tmp_path) if isinstance(name, bytes) else tmp_path, name)
    plait.save(plait.ones(2), path)
    plait.save(plait.ones(3), path)
    assert plait.load(path).tolist() == [1, 1, 1]
    assert plait.load(path, mmap=True).tolist() == [1, 1, 1]
    assert len(os.listdir(tmp_path)) == 1


def test_bytes_of_bools_are_checked_however_a_file_is_read(tmp_path: Any) -> None:
    path = tmp_path / "bools"
    plait.save({"b": plait.tensor([True, False])}, path)
    path.write_bytes(path.read_bytes()[:-1] + b"A")
    for mapped in (False, True):
        with pytest.raises(FileFormatError, match="bytes 0 and 1"):
            plait.load(path, mmap=mapped)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-32-le"])
def test_headers_are_utf_8(encoding: str) -> None:
    text = '{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}'.encode(encoding)
    with pytest.raises(FileFormatError):
        plait.load(io.BytesIO(len(text).to_bytes(8, "little") + text))


def test_temporary_files_of_killed_saves_are_removed_by_the_next(tmp_path: Any) -> None:
    script = (
        "import os, signal, sys, plait\n"
        "os.fsync = lambda f: os.kill(os.getpid(), signal.SIGKILL)\n"
        f"plait.save(plait.zeros(10), {str(tmp_path / 'a')!r})\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    subprocess.run([sys.executable, "-c", script], env=environment, check=False)
    assert [n for n in os.listdir(tmp_path) if n.endswith(".tmp")]
    in_use, descriptor = plait.serialization._make_temporary(str(tmp_path))
    (tmp_path / "mine.tmp").write_text("not ours")
    plait.save(plait.zeros(2), tmp_path / "b")
    assert sorted(os.listdir(tmp_path)) == sorted([os.path.basename(in_use), "b", "mine.tmp"])
    os.close(descriptor)
