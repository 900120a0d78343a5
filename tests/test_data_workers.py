# SPDX-License-Identifier: MIT
"""What workers have of their own, as threads and as processes: dataset, random numbers, failures."""

from __future__ import annotations

import collections
import dataclasses
import functools
import gc
import os
import pickle
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import zipfile
from typing import Any

import numpy as np
import pytest

import plait
from plait.utils.data import (
    DataLoader,
    Dataset,
    DistributedSampler,
    IterableDataset,
    TensorDataset,
    default_collate,
    get_worker_info,
)

KINDS = [{}, {"multiprocessing_context": "fork"}]


def kinds_of_worker(*workers: int) -> Any:
    """Parametrize over options of a loader: threads and processes."""
    options = [{"num_workers": n, **kind} for n in workers for kind in (KINDS if n else KINDS[:1])]
    names = [f"{o['num_workers']}-{o.get('multiprocessing_context', 'threads')}" for o in options]
    return pytest.mark.parametrize("options", options, ids=names)


class By(Dataset[Any]):
    """Samples made by a function of the dataset and the index."""

    def __init__(self, n: int, make: Any, **attributes: Any) -> None:
        self.n, self.make = n, make
        self.__dict__.update(attributes)

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, i: int) -> Any:
        return self.make(self, i)


def flat(loader: Any) -> list[Any]:
    return [x for batch in loader for x in (batch.tolist() if isinstance(batch, plait.Tensor) else batch)]


# ---- random numbers ----------------------------------------------------------------------------------------


@kinds_of_worker(0, 1, 2)
def test_seeding_acts_on_what_samples_draw_from(options: dict[str, Any]) -> None:
    def seeded(_: Any, i: int) -> Any:
        plait.manual_seed(3)
        return plait.rand(())

    def restored(_: Any, i: int) -> Any:
        state = plait.get_rng_state()
        first = plait.rand(())
        plait.set_rng_state(state)
        return (plait.rand(()) == first).float()

    def forked(_: Any, i: int) -> Any:
        before = plait.initial_seed()
        with plait.random.fork_rng():
            plait.manual_seed(1)
            a = plait.rand(())
        assert plait.initial_seed() == before
        return a

    plait.manual_seed(3)
    expected = plait.rand(()).item()
    assert set(flat(DataLoader(By(4, seeded), **options))) == {expected}
    assert flat(DataLoader(By(4, restored), **options)) == [1.0] * 4
    assert len(set(flat(DataLoader(By(4, forked), **options)))) == 1


def test_seeding_in_a_sampler_decides_its_order() -> None:
    class Epochs(plait.utils.data.Sampler[int]):
        def __iter__(self) -> Any:
            plait.manual_seed(4)
            yield from plait.randperm(20).tolist()

    plait.manual_seed(4)
    expected = plait.randperm(20).tolist()
    assert flat(DataLoader(range(20), sampler=Epochs())) == expected


@kinds_of_worker(1, 3)
def test_workers_have_seeds_of_their_own(options: dict[str, Any]) -> None:
    def seeds(_: Any, i: int) -> Any:
        info = get_worker_info()
        assert info is not None
        assert plait.initial_seed() == info.seed
        return info.seed

    loader = DataLoader(By(6, seeds), **options)
    assert len({*flat(loader), *flat(loader)}) == 2 * options["num_workers"]


def draws(_: Any, i: int) -> Any:
    return np.random.rand(), np.random.randn(), random.random(), random.randint(0, 2**40), plait.rand(()).item()


def seed_all(worker: int) -> None:
    seed = plait.initial_seed() % 2**32
    np.random.seed(seed)
    random.seed(seed)


@kinds_of_worker(1, 2)
@pytest.mark.parametrize("init", [None, seed_all])
def test_streams_of_modules_are_those_of_the_worker(options: dict[str, Any], init: Any) -> None:
    runs = []
    for _ in range(2):
        plait.manual_seed(1)
        np.random.seed(1)
        random.seed(1)
        loader = DataLoader(By(8, draws), batch_size=2, worker_init_fn=init, collate_fn=list, **options)
        runs.append([*flat(loader), *flat(loader)])
        main = np.random.rand(), random.random()
    assert runs[0] == runs[1]
    for column in zip(*runs[0]):
        assert len(set(column)) == len(column)
    np.random.seed(1)
    random.seed(1)
    assert main == (np.random.rand(), random.random())


def test_threads_draw_undisturbed() -> None:
    def seeded(_: Any, i: int) -> Any:
        np.random.seed(i)
        random.seed(i)
        time.sleep(0.0005)
        return np.random.rand(), random.random()

    found = flat(DataLoader(By(60, seeded), num_workers=4, collate_fn=list))
    assert found == [(np.random.RandomState(i).rand(), random.Random(i).random()) for i in range(60)]


def test_functions_of_the_modules_stay_functions() -> None:
    list(DataLoader(range(2), num_workers=1))
    for function in (np.random.rand, np.random.randint, np.random.seed, random.random, random.choice):
        assert callable(pickle.loads(pickle.dumps(function)))
    assert isinstance(np.random.mtrand._rand, np.random.RandomState)
    np.random.seed(3)
    state = np.random.get_state()
    a = np.random.mtrand._rand.rand()
    np.random.set_state(state)
    assert np.random.rand() == a == np.random.RandomState(3).rand()
    random.seed(3)
    assert [random.random(), random.gauss(0, 1)] == [(r := random.Random(3)).random(), r.gauss(0, 1)]


# ---- the dataset -------------------------------------------------------------------------------------------


class Span(IterableDataset[int]):
    """The example of IterableDataset's documentation: the worker's function cuts the worker's part."""

    def __init__(self, begin: int, end: int) -> None:
        self.begin, self.end = begin, end

    def __iter__(self) -> Any:
        return iter(range(self.begin, self.end))


def cut(worker: int) -> None:
    info = get_worker_info()
    assert info is not None
    d, share = info.dataset, -(-(info.dataset.end - info.dataset.begin) // info.num_workers)
    d.begin += worker * share
    d.end = min(d.begin + share, d.end)


@kinds_of_worker(1, 2, 3)
def test_changes_of_the_dataset_stay_in_the_worker(options: dict[str, Any]) -> None:
    data = Span(3, 20)
    loader = DataLoader(data, worker_init_fn=cut, **options)
    for _ in range(2):
        assert sorted(flat(loader)) == list(range(3, 20))
    assert (data.begin, data.end) == (3, 20)


@kinds_of_worker(2)
def test_changes_by_the_main_program_are_not_seen_in_a_pass(options: dict[str, Any]) -> None:
    data = By(8, lambda d, i: d.value, value=1)
    loader = DataLoader(data, persistent_workers=True, **options)
    found = []
    for batch in loader:
        data.value = 2
        found.append(batch.item())
    assert found == [1] * 8
    assert flat(loader) == [1] * 8


class Scratch(Dataset[Any]):
    """Works in what it holds: an array, a view of it, a tensor, a list, an object, a dict."""

    def __init__(self) -> None:
        self.array = np.zeros(20000)
        self.part = self.array[10:20]
        self.tensor = plait.zeros(20000)
        self.items = [0]
        self.table = collections.defaultdict(list)
        self.me = self

    def __len__(self) -> int:
        return 120

    def __getitem__(self, i: int) -> Any:
        assert self.me is self
        self.array[:] = i
        self.tensor.fill_(i)
        self.items[0] = i
        self.table["at"] = [i]
        time.sleep(0)
        self.array += 1
        self.tensor += 1
        total = float(self.array.sum()) / 20000
        return total, float(self.tensor.mean()), float(self.part[3]), self.items[0] + 1.0, self.table["at"][0] + 1.0


@kinds_of_worker(0, 2, 4)
def test_datasets_may_work_in_what_they_hold(options: dict[str, Any]) -> None:
    columns = list(zip(*flat(DataLoader(Scratch(), batch_size=3, collate_fn=list, **options))))
    for column in columns:
        assert list(column) == [float(i + 1) for i in range(120)]


def read_record(d: Any, i: int) -> int:
    d.file.seek(8 * i)
    time.sleep(0)
    return int(d.file.read(8))


@pytest.mark.parametrize("mode", ["rb", "r", "unbuffered"])
def test_open_files_have_a_position_for_each_thread(tmp_path: Any, mode: str) -> None:
    path = tmp_path / "records"
    path.write_text("".join(f"{i:8}" for i in range(200)))
    options = {"mode": "rb", "buffering": 0} if mode == "unbuffered" else {"mode": mode}
    with open(path, **options) as file:
        assert flat(DataLoader(By(200, read_record, file=file), num_workers=4, batch_size=3)) == list(range(200))


def test_files_that_are_opened_at_the_first_access(tmp_path: Any) -> None:
    path = tmp_path / "records"
    path.write_text("".join(f"{i:8}" for i in range(200)))

    def read(d: Any, i: int) -> int:
        if d.file is None:
            d.file = open(path)  # noqa: SIM115
        return read_record(d, i)

    data = By(200, read, file=None)
    assert flat(DataLoader(data, num_workers=3)) == list(range(200))
    assert data.file is None


def test_what_threads_cannot_copy_makes_processes(tmp_path: Any) -> None:
    connection = sqlite3.connect(tmp_path / "db")
    connection.execute("create table t (k integer primary key, v real)")
    connection.executemany("insert into t values (?, ?)", [(i, i / 2) for i in range(20)])
    connection.commit()

    def row(d: Any, i: int) -> Any:
        return d.connection.execute("select v from t where k = ?", (i,)).fetchone()[0], os.getpid()

    rows = flat(DataLoader(By(20, row, connection=connection), num_workers=2, collate_fn=list))
    assert [v for v, _ in rows] == [i / 2 for i in range(20)]
    assert len({pid for _, pid in rows} - {os.getpid()}) == 2
    running = (i for i in range(100))
    assert flat(DataLoader(By(4, lambda d, i: next(d.running), running=running), num_workers=2)) == [0, 0, 1, 1]
    assert next(running) == 0


def test_large_data_are_shared_by_threads() -> None:
    large, many = np.zeros(3 << 20), [{"k": i} for i in range(20_000)]

    def check(d: Any, i: int) -> int:
        return int(d.large is large) + int(d.many[5] is many[5]) + int(d.many is not many)

    assert flat(DataLoader(By(2, check, large=large, many=many), num_workers=1)) == [3, 3]


@kinds_of_worker(2)
def test_modes_and_threads_of_workers(options: dict[str, Any]) -> None:
    def look(_: Any, i: int) -> list[Any]:
        plait.set_num_threads(7)
        return [plait.is_grad_enabled()]

    before = plait.get_num_threads()
    with plait.no_grad():
        assert flat(DataLoader(By(2, look), collate_fn=lambda b: b[0], **options)) == [False, False]
    assert flat(DataLoader(By(2, look), collate_fn=lambda b: b[0], **options)) == [True, True]
    assert plait.get_num_threads() == before


# ---- streams -----------------------------------------------------------------------------------------------


class Once(IterableDataset[int]):
    """An iterator that objects to being asked again."""

    def __init__(self, n: int) -> None:
        self.n = n

    def __iter__(self) -> Any:
        class Rows:
            def __init__(self, n: int) -> None:
                self.left, self.ended = n, False

            def __iter__(self) -> Any:
                return self

            def __next__(self) -> int:
                assert not self.ended
                if self.left == 0:
                    self.ended = True
                    raise StopIteration
                self.left -= 1
                return self.left

        return Rows(self.n)


@kinds_of_worker(0, 1, 2)
@pytest.mark.parametrize("batch_size", [None, 2, 3])
def test_a_stream_that_has_ended_is_not_asked_again(options: dict[str, Any], batch_size: int | None) -> None:
    loader = DataLoader(Once(4), batch_size=batch_size, collate_fn=lambda x: x, **options)
    count = max(1, options["num_workers"])
    found = list(loader) if batch_size is None else flat(loader)
    assert sorted(found) == sorted([0, 1, 2, 3] * count)


# ---- processes ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("context", ["fork", "spawn"])
def test_processes_send_tensors_arrays_and_objects(context: str) -> None:
    data = TensorDataset(plait.arange(7), plait.randn(7, 3).bfloat16(), plait.zeros(7, 0), plait.arange(7) > 3)
    expected = list(DataLoader(data, batch_size=2))
    loader = DataLoader(data, batch_size=2, num_workers=2, multiprocessing_context=context, persistent_workers=True)
    for _ in range(2):
        for got, want in zip(loader, expected, strict=True):
            for a, b in zip(got, want, strict=True):
                assert a.dtype == b.dtype
                assert plait.equal(a, b)
    if context == "fork":
        mixed = By(4, lambda d, i: {"t": plait.ones(i), "a": np.full(i + 1000, i), "s": f"<{i}>", "n": None})
        batches = list(DataLoader(mixed, num_workers=2, collate_fn=lambda b: b[0], **KINDS[1]))
        for i, b in enumerate(batches):
            assert (b["t"].tolist(), b["s"], b["n"]) == ([1.0] * i, f"<{i}>", None)
            b["a"] += 1  # memory of its own
            assert b["a"].tolist() == [i + 1] * (i + 1000)


def test_batches_of_processes_do_not_share_memory() -> None:
    loader = DataLoader(plait.arange(40), batch_size=4, num_workers=2, multiprocessing_context="fork")
    batches = [b.mul_(2) for b in loader]
    assert [x for b in batches for x in b.tolist()] == list(range(0, 80, 2))


class Odd(Exception):
    """Cannot be made from its arguments."""

    def __init__(self, a: int, *, b: int) -> None:
        super().__init__(f"odd {a} {b}")


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (lambda: KeyError("colour"), KeyError),
        (lambda: Odd(1, b=2), RuntimeError),
        (lambda: UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"), UnicodeDecodeError),
        (lambda: StopIteration(3), RuntimeError),
    ],
)
def test_exceptions_of_processes(make: Any, kind: type[Exception]) -> None:
    def fail(_: Any, i: int) -> int:
        if i == 2:
            raise make()
        return i

    it = iter(DataLoader(By(5, fail), num_workers=2, **KINDS[1]))
    assert [next(it).item(), next(it).item()] == [0, 1]
    with pytest.raises(kind) as caught:
        next(it)
    notes = [*getattr(caught.value, "__notes__", []), *getattr(caught.value.__cause__, "__notes__", [])]
    assert "worker 0" in notes[-1] and "in fail" in notes[-1]
    assert [next(it).item(), next(it).item()] == [3, 4]
    with pytest.raises(Exception, match=r"pickle|lambda"):
        next(iter(DataLoader(By(1, lambda d, i: lambda: 0), num_workers=1, collate_fn=list, **KINDS[1])))


@pytest.mark.parametrize("how", ["kill", "exit"])
def test_death_of_a_process_is_noticed(how: str) -> None:
    def die(_: Any, i: int) -> int:
        if i == 3:
            os._exit(7) if how == "exit" else os.kill(os.getpid(), signal.SIGKILL)
        return i

    with pytest.raises(RuntimeError, match="SIGKILL" if how == "kill" else "code 7"):
        list(DataLoader(By(8, die), num_workers=2, **KINDS[1]))


def test_timeout_and_end_of_processes() -> None:
    loader = DataLoader(By(2, lambda d, i: time.sleep(30)), num_workers=1, timeout=0.1, **KINDS[1])
    started = time.monotonic()
    with pytest.raises(RuntimeError, match="timed out"):
        next(iter(loader))
    gc.collect()
    assert time.monotonic() - started < 10


SCRIPT = """
import os, time, plait
from plait.utils.data import DataLoader, Dataset
class Slow(Dataset):
    def __len__(self): return 10
    def __getitem__(self, i):
        time.sleep(30 if i else 0)
        return os.getpid()
plait.randn(2000, 2000).sum()  # threads run
it = iter(DataLoader(Slow(), num_workers=2, multiprocessing_context="fork"))
print(next(it).item(), flush=True)
next(it)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_processes_end_with_the_program(number: int) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    program = subprocess.Popen(
        [sys.executable, "-c", SCRIPT], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert program.stdout is not None
    worker = int(program.stdout.readline())
    program.send_signal(number)
    program.wait(20)
    if number == signal.SIGINT:
        for _ in range(100):
            try:
                os.kill(worker, 0)
            except ProcessLookupError:
                break
            time.sleep(0.05)
        else:
            pytest.fail("the worker lives on")
    else:
        os.kill(worker, signal.SIGKILL)


def test_no_process_or_descriptor_is_left() -> None:
    def open_files() -> int:
        return len(os.listdir("/proc/self/fd"))

    loader = DataLoader(By(9, lambda d, i: i), num_workers=2, **KINDS[1])
    list(loader)
    before = open_files()
    for _ in range(3):
        list(loader)
        next(iter(loader))
    gc.collect()
    assert open_files() <= before
    assert not [t for t in threading.enumerate() if "plait-data" in t.name and t.is_alive() and not t.daemon]


@pytest.mark.parametrize(
    "options",
    [
        {"multiprocessing_context": "fork"},
        {"multiprocessing_context": "spoon", "num_workers": 1},
        {"multiprocessing_context": 3, "num_workers": 1},
    ],
)
def test_bad_contexts(options: dict[str, Any]) -> None:
    with pytest.raises((ValueError, TypeError), match="multiprocessing_context"):
        DataLoader(range(3), **options)


# ---- batches and orders ------------------------------------------------------------------------------------


def test_collation_keeps_kinds_of_mapping_and_explains_shapes() -> None:
    sample = collections.defaultdict(list, a=1)
    batch = default_collate([sample, sample])
    assert type(batch) is collections.defaultdict
    assert batch.default_factory is list
    assert batch["a"].tolist() == [1, 1]
    assert sample["a"] == 1
    with pytest.raises(RuntimeError, match=r"collate_fn"):
        next(iter(DataLoader([plait.zeros(1), plait.zeros(2)], batch_size=2)))
    with pytest.raises(ValueError, match=r"\(1,\), \(2,\)"):
        default_collate([np.zeros(1), np.zeros(2)])


@pytest.mark.parametrize("n", [1, 2, 10, 11])
@pytest.mark.parametrize("replicas", [1, 3, 4])
@pytest.mark.parametrize("drop_last", [False, True])
def test_distributed_sampler(n: int, replicas: int, drop_last: bool) -> None:
    def parts(epoch: int, shuffle: bool) -> list[list[int]]:
        samplers = [DistributedSampler(range(n), replicas, r, shuffle, 3, drop_last) for r in range(replicas)]
        for s in samplers:
            s.set_epoch(epoch)
        assert all(len(list(s)) == len(s) for s in samplers)
        return [list(s) for s in samplers]

    for shuffle in (False, True):
        indices = [i for part in parts(0, shuffle) for i in part]
        assert set(indices) <= set(range(n))
        assert len(set(indices)) == (n if not drop_last else n // replicas * replicas)
    if n > 9 and not drop_last:
        assert parts(0, True) == parts(0, True) != parts(1, True)
    with pytest.raises(ValueError, match="rank"):
        DistributedSampler(range(n), replicas, replicas)
    with pytest.raises(ValueError, match="process group"):
        DistributedSampler(range(n))


# ---- copies of datasets ------------------------------------------------------------------------------------


class Parts:
    """One of each kind of thing that a dataset may hold."""

    def __init__(self, folder: Any) -> None:
        self.lock = threading.Lock()
        self.method = self.me
        self.partial = functools.partial(self.me)
        self.deque = collections.deque([[1]], maxlen=3)
        self.ordered = collections.OrderedDict(b=[1], a=2)
        self.default = collections.defaultdict(list, k=[1])
        self.counter = collections.Counter("aab")
        self.stream, self.python = np.random.default_rng(0), random.Random(1)
        self.generator = plait.Generator().manual_seed(3)
        self.array = np.asfortranarray(np.arange(12.0).reshape(3, 4))
        self.flipped = self.array[::-1].T
        self.tensor = plait.zeros(4)
        self.part = self.tensor[1:]
        self.net = plait.nn.Sequential(plait.nn.Linear(2, 2), plait.nn.BatchNorm1d(2))
        self.tied = self.net[0].weight
        self.pair = (self.tensor, [1])
        with zipfile.ZipFile(folder / "a.zip", "w") as file:
            file.writestr("a", "hello")
        self.zip = zipfile.ZipFile(folder / "a.zip")

    def me(self) -> Any:
        return self


def test_private_copies(tmp_path: Any) -> None:
    from plait.utils.data._private_copy import private_copy

    old = Parts(tmp_path)
    (new,) = private_copy(old)
    assert new.method() is new.partial() is new
    assert new.lock is old.lock
    for name in ("deque", "ordered", "default", "counter"):
        a, b = getattr(old, name), getattr(new, name)
        assert a == b
        assert type(a) is type(b)
        assert a is not b
    new.default["x"].append(1)
    assert "x" not in old.default
    assert new.deque.maxlen == 3
    assert list(new.ordered) == ["b", "a"]
    assert new.ordered["b"] is not old.ordered["b"]
    assert new.stream.random() == old.stream.random()
    assert new.python.random() == old.python.random()
    assert plait.rand((), generator=new.generator) == plait.rand((), generator=old.generator)
    new.array[0, 0] = 7
    assert new.flipped[0, -1] == 7
    assert old.array[0, 0] == 0
    new.tensor[1] = 5
    assert new.part[0] == 5
    assert old.tensor[1] == 0
    assert new.pair[0] is new.tensor
    assert new.tied is new.net[0].weight
    assert new.tied is not old.tied
    new.net(plait.ones(3, 2))
    assert old.net[1].num_batches_tracked == 0
    assert new.zip.read("a") == old.zip.read("a") == b"hello"


def test_a_dataset_may_close_its_file(tmp_path: Any) -> None:
    path = tmp_path / "records"
    path.write_text("".join(f"{i:8}" for i in range(50)))

    class Closing(By):
        def __del__(self) -> None:
            self.file.close()

    data = Closing(50, read_record, file=open(path))  # noqa: SIM115
    for _ in range(2):
        assert flat(DataLoader(data, num_workers=2)) == list(range(50))
    gc.collect()
    assert not data.file.closed


def test_lists_of_arrays_are_data_or_scratch() -> None:
    from plait.utils.data._private_copy import private_copy

    class Samples:
        def __init__(self, size: int, count: int) -> None:
            self.pairs = [(np.zeros(size), i) for i in range(count)]
            self.table = {"a": {"b": [plait.zeros(size) for _ in range(count)]}}
            self.scratch = np.zeros(size)

    for size, count, shared in ((100, 1000, False), (1 << 16, 100, True), (1 << 20, 3, False)):
        old = Samples(size, count)
        (new,) = private_copy(old)
        assert (new.pairs[1][0] is old.pairs[1][0]) == shared
        assert (new.table["a"]["b"][1] is old.table["a"]["b"][1]) == shared
        assert new.table["a"] is not old.table["a"]
        assert new.scratch is not old.scratch


def test_slots_and_loops_are_copied() -> None:
    from plait.utils.data._private_copy import private_copy

    @dataclasses.dataclass(slots=True)
    class Slots:
        items: list[Any]

    old = Slots([1])
    old.items.append(old)
    (new,) = private_copy(old)
    assert new.items[1] is new
    assert new.items is not old.items
