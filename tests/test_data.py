# SPDX-License-Identifier: MIT
"""Datasets, samplers, collating, and the DataLoader with and without workers."""

from __future__ import annotations

import collections
import gc
import io
import os
import signal
import subprocess
import sys
import threading
import time
from typing import Any

import numpy as np
import pytest

import plait
from plait.utils.data import (
    BatchSampler,
    ChainDataset,
    ConcatDataset,
    DataLoader,
    Dataset,
    IterableDataset,
    RandomSampler,
    SequentialSampler,
    StackDataset,
    Subset,
    SubsetRandomSampler,
    TensorDataset,
    WeightedRandomSampler,
    default_collate,
    default_convert,
    get_worker_info,
    random_split,
)


class Numbers(Dataset[int]):
    """0 .. n - 1, one by one."""

    def __init__(self, n: int) -> None:
        self.n = n

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, i: int) -> int:
        if not 0 <= i < self.n:
            raise IndexError(i)
        return i


class Noisy(Numbers):
    """Draws random numbers while samples are fetched."""

    def __getitem__(self, i: int) -> tuple[int, Any]:  # type: ignore[override]
        time.sleep(0.001 * (i % 3))
        return i, plait.rand(2)


class Stream(IterableDataset[int]):
    """0 .. n - 1, shared out among the workers."""

    def __init__(self, n: int) -> None:
        self.n = n

    def __iter__(self) -> Any:
        info = get_worker_info()
        return iter(range(self.n) if info is None else range(info.id, self.n, info.num_workers))


def values(batch: Any) -> Any:
    if isinstance(batch, plait.Tensor):
        return batch.tolist()
    return [values(x) for x in batch]


# ---- datasets ----------------------------------------------------------------------------------------------


def test_tensor_dataset() -> None:
    data = TensorDataset(plait.arange(6).reshape(3, 2), plait.arange(3))
    assert len(data) == 3
    assert values(data[1]) == [[2, 3], 1]
    assert values(data[-1]) == [[4, 5], 2]
    for bad in ((plait.zeros(2), plait.zeros(3)), (plait.tensor(1.0),), ()):
        with pytest.raises(ValueError, match="same first dimension"):
            TensorDataset(*bad)


def test_combinations() -> None:
    both = Numbers(2) + Numbers(3)
    assert isinstance(both, ConcatDataset)
    assert [both[i] for i in range(5)] == [0, 1, 0, 1, 2]
    assert both[-1] == 2
    with pytest.raises(IndexError, match=r"index in \[-5, 5\)"):
        both[5]
    assert list(ChainDataset([Stream(2), Stream(1)])) == [0, 1, 0]
    assert list(Stream(1) + Stream(2)) == [0, 0, 1]
    assert StackDataset(Numbers(3), Numbers(3))[2] == (2, 2)
    assert StackDataset(a=Numbers(3), b=Numbers(3))[1] == {"a": 1, "b": 1}
    subset = Subset(Numbers(5), [4, 2])
    assert (len(subset), subset[0], subset[1]) == (2, 4, 2)
    with pytest.raises(ValueError, match="at least one"):
        ConcatDataset([])
    with pytest.raises(TypeError, match="IterableDataset"):
        ConcatDataset([Stream(1)])
    with pytest.raises(ValueError, match="one length"):
        StackDataset(Numbers(1), Numbers(2))
    with pytest.raises(NotImplementedError):
        Dataset()[0]


def test_random_split() -> None:
    parts = random_split(Numbers(10), [0.5, 0.3, 0.2], plait.Generator().manual_seed(0))
    assert [len(p) for p in parts] == [5, 3, 2]
    assert sorted(x for p in parts for x in p) == list(range(10))
    again = random_split(Numbers(10), [5, 3, 2], plait.Generator().manual_seed(0))
    assert [list(p) for p in parts] == [list(p) for p in again]
    assert [len(p) for p in random_split(Numbers(11), [0.5, 0.5])] == [6, 5]
    for lengths in ([3, 3], [0.5, 0.6], [11, -1]):
        with pytest.raises(ValueError, match="random_split: expected"):
            random_split(Numbers(10), lengths)


# ---- samplers ----------------------------------------------------------------------------------------------


def test_samplers() -> None:
    assert list(SequentialSampler(range(3))) == [0, 1, 2]
    shuffled = RandomSampler(range(50))
    first, second = list(shuffled), list(shuffled)
    assert sorted(first) == list(range(50)) == sorted(second)
    assert first != second
    assert len(RandomSampler(range(4), num_samples=7)) == 7
    drawn = collections.Counter(RandomSampler(range(4), num_samples=10))
    assert sum(drawn.values()) == 10
    assert min(drawn.values()) >= 2  # whole permutations, one after the other
    replaced = list(RandomSampler(range(3), replacement=True, num_samples=100))
    assert len(replaced) == 100
    assert set(replaced) == {0, 1, 2}
    assert list(RandomSampler([])) == []
    assert sorted(SubsetRandomSampler([7, 3, 5])) == [3, 5, 7]
    assert set(WeightedRandomSampler([0.0, 1.0, 1.0], 50)) == {1, 2}
    assert sorted(WeightedRandomSampler([1.0, 1.0, 1.0], 3, replacement=False)) == [0, 1, 2]
    assert list(BatchSampler(range(5), 2, drop_last=True)) == [[0, 1], [2, 3]]
    assert len(BatchSampler(range(5), 2, drop_last=False)) == 3


def test_seeded_samplers_repeat() -> None:
    for make in (
        lambda g: RandomSampler(range(20), generator=g),
        lambda g: RandomSampler(range(20), replacement=True, generator=g),
        lambda g: SubsetRandomSampler(range(20), generator=g),
        lambda g: WeightedRandomSampler([1.0] * 20, 20, generator=g),
    ):
        a, b = (list(make(plait.Generator().manual_seed(3))) for _ in range(2))
        assert a == b


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda: RandomSampler(range(3), num_samples=0), ValueError),
        (lambda: RandomSampler(range(3), replacement=1), TypeError),
        (lambda: WeightedRandomSampler([1.0], -1), ValueError),
        (lambda: WeightedRandomSampler([[1.0]], 1), ValueError),
        (lambda: BatchSampler(range(3), 0, False), ValueError),
        (lambda: BatchSampler(range(3), True, False), ValueError),
        (lambda: BatchSampler(range(3), 1, 0), ValueError),
    ],
)
def test_bad_samplers(call: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match=": expected"):
        call()


# ---- collating ---------------------------------------------------------------------------------------------

Point = collections.namedtuple("Point", "x y")


def test_collate() -> None:
    assert default_collate([1, 2]).dtype == plait.int64
    assert default_collate([1.0, 2.0]).dtype == plait.float64
    assert default_collate([True, False]).dtype == plait.bool
    assert default_collate([np.float32(1), np.float32(2)]).dtype == plait.float32
    assert default_collate(["a", "b"]) == ["a", "b"]
    assert values(default_collate([plait.zeros(2), plait.ones(2)])) == [[0, 0], [1, 1]]
    assert values(default_collate([np.arange(2), np.arange(2)])) == [[0, 1], [0, 1]]
    assert values(default_collate([(1, 2.0), (3, 4.0)])) == [[1, 3], [2.0, 4.0]]
    assert values(default_collate([[1, 2], [3, 4]])) == [[1, 3], [2, 4]]
    batch = default_collate([{"p": Point(1, "a")}, {"p": Point(2, "b")}])
    assert isinstance(batch["p"], Point)
    assert batch["p"].x.tolist() == [1, 2]
    assert list(batch["p"].y) == ["a", "b"]
    with pytest.raises(ValueError, match=r"lengths \[1, 2\]"):
        default_collate([[1], [1, 2]])
    with pytest.raises(TypeError, match="got object"):
        default_collate([object()])
    with pytest.raises(TypeError, match="got NoneType"):
        default_collate([None])
    with pytest.raises((ValueError, RuntimeError)):
        default_collate([plait.zeros(2), plait.zeros(3)])


def test_convert() -> None:
    converted = default_convert({"a": np.arange(2), "b": [np.float64(1), "x"], "c": Point(np.ones(1), 2)})
    assert converted["a"].tolist() == [0, 1]
    assert converted["b"][0].item() == 1.0
    assert converted["b"][1] == "x"
    assert isinstance(converted["c"], Point)
    assert converted["c"].y == 2


# ---- the loader --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_batches(workers: int) -> None:
    loader = DataLoader(Numbers(7), batch_size=3, num_workers=workers)
    assert len(loader) == 3
    assert [values(b) for b in loader] == [[0, 1, 2], [3, 4, 5], [6]]
    assert [values(b) for b in loader] == [[0, 1, 2], [3, 4, 5], [6]]
    dropping = DataLoader(Numbers(7), batch_size=3, drop_last=True, num_workers=workers)
    assert len(dropping) == 2
    assert [values(b) for b in dropping] == [[0, 1, 2], [3, 4, 5]]
    single = DataLoader(Numbers(3), batch_size=None, num_workers=workers)
    assert list(single) == [0, 1, 2]
    chosen = DataLoader(Numbers(9), batch_sampler=[[8], [1, 2]], num_workers=workers)
    assert [values(b) for b in chosen] == [[8], [1, 2]]
    ordered = DataLoader(Numbers(9), 2, sampler=[3, 1, 2], num_workers=workers)
    assert [values(b) for b in ordered] == [[3, 1], [2]]
    collated = DataLoader(Numbers(4), 2, collate_fn=sum, num_workers=workers)
    assert list(collated) == [1, 5]
    assert list(DataLoader(Numbers(0), num_workers=workers)) == []


@pytest.mark.parametrize("workers", [0, 1, 2, 3])
def test_streams(workers: int) -> None:
    loader = DataLoader(Stream(11), batch_size=2, num_workers=workers)
    batches = [values(b) for b in loader]
    assert sorted(x for b in batches for x in b) == list(range(11))
    assert all(len(b) <= 2 for b in batches)
    assert sorted(DataLoader(Stream(5), batch_size=None, num_workers=workers)) == list(range(5))
    full = DataLoader(Stream(11), batch_size=2, drop_last=True, num_workers=workers)
    assert all(len(b) == 2 for b in full)


def test_order_and_random_numbers_do_not_depend_on_the_number_of_workers() -> None:
    def run(**options: Any) -> list[Any]:
        plait.manual_seed(5)
        return [values(b) for b in DataLoader(Noisy(23), batch_size=4, shuffle=True, **options)]

    expected = run(num_workers=1)
    assert sorted(i for b in expected for i in b[0]) == list(range(23))
    assert [b[0] for b in run()] == [b[0] for b in expected]
    assert run(num_workers=3) == expected
    assert run(num_workers=2, prefetch_factor=7, persistent_workers=True) == expected
    assert run(num_workers=2, multiprocessing_context="fork") == expected
    assert run(num_workers=1, generator=plait.Generator().manual_seed(1)) != expected


def test_a_pass_draws_one_number_from_the_global_generator() -> None:
    states = []
    for shuffle, workers in ((False, 0), (True, 0), (True, 2)):
        plait.manual_seed(7)
        list(DataLoader(Noisy(9) if workers else Numbers(9), shuffle=shuffle, num_workers=workers))
        states.append(plait.get_rng_state().tolist())
    assert states[0] == states[1] == states[2]


def test_without_workers_samples_draw_from_the_global_generator() -> None:
    plait.manual_seed(7)
    drawn = [b[1].flatten().tolist() for b in DataLoader(Noisy(5))]
    plait.manual_seed(7)
    plait.randint(9, ())  # the loader's seed
    assert drawn == [plait.rand(2).tolist() for _ in range(5)]


def test_passes_differ() -> None:
    loader = DataLoader(Noisy(9), batch_size=9, shuffle=True)
    (first,), (second,) = ([values(b) for b in loader] for _ in range(2))
    assert first[0] != second[0]
    assert first[1] != second[1]


def test_batches_of_tensors_are_gathered_at_once() -> None:
    x, y = plait.randn(11, 2), plait.arange(11)
    data = TensorDataset(x, y)

    def shuffled(**options: Any) -> list[Any]:
        generator = plait.Generator().manual_seed(2)
        return [values(b) for b in DataLoader(data, 4, shuffle=True, generator=generator, **options)]

    assert shuffled() == shuffled(collate_fn=lambda samples: default_collate(samples))
    subset = Subset(data, [10, 3, 5])
    assert [values(b) for b in DataLoader(subset, 2)] == [
        [x[[10, 3]].tolist(), [10, 3]],
        [x[[5]].tolist(), [5]],
    ]
    batches = list(DataLoader(data, 3, sampler=[4, 4, 1]))
    assert batches[0][1].tolist() == [4, 4, 1]
    batches[0][0].zero_()
    assert (x[4] != 0).any()  # a copy, not a view of the data

    class Doubled(TensorDataset):
        def __getitem__(self, i: Any) -> Any:
            return tuple(2 * t for t in super().__getitem__(i))

    assert next(iter(DataLoader(Doubled(y), 3)))[0].tolist() == [0, 2, 4]


def test_getitems_is_used() -> None:
    class Batched(Numbers):
        def __getitems__(self, indices: list[int]) -> list[int]:
            return [10 * i for i in indices]

    assert values(next(iter(DataLoader(Batched(4), 3)))) == [0, 10, 20]
    assert values(next(iter(DataLoader(Subset(Batched(4), [3, 1]), 2)))) == [30, 10]


# ---- workers -----------------------------------------------------------------------------------------------


def test_worker_info_and_init() -> None:
    seen: set[tuple[int, int]] = set()

    class Who(Numbers):
        def __getitem__(self, i: int) -> int:
            info = get_worker_info()
            assert info is not None
            assert info.dataset is self
            assert info.seed is not None
            seen.add((info.id, info.num_workers))
            return i

    started: list[int] = []
    data = Who(20)
    list(DataLoader(data, num_workers=2, worker_init_fn=started.append))
    assert sorted(started) == [0, 1]
    assert seen <= {(0, 2), (1, 2)}
    assert get_worker_info() is None


@pytest.mark.parametrize("workers", [0, 2])
def test_exceptions_reach_the_loop(workers: int) -> None:
    class Broken(Numbers):
        def __getitem__(self, i: int) -> int:
            if i == 5:
                raise KeyError("sample five")
            return i

    it = iter(DataLoader(Broken(9), batch_size=2, num_workers=workers))
    assert values(next(it)) == [0, 1]
    assert values(next(it)) == [2, 3]
    with pytest.raises(KeyError, match="sample five") as caught:
        next(it)
    assert any("__getitem__" in str(entry) for entry in caught.traceback)
    if workers:
        assert "worker" in caught.value.__notes__[0]
        assert values(next(it)) == [6, 7]


def test_stop_iteration_in_a_sample_does_not_end_the_loop() -> None:
    class Ending(Numbers):
        def __getitem__(self, i: int) -> int:
            raise StopIteration

    with pytest.raises(RuntimeError, match="StopIteration"):
        list(DataLoader(Ending(4), num_workers=1))


def test_broken_init() -> None:
    def fail(worker: int) -> None:
        raise OSError("no disk")

    with pytest.raises(OSError, match="no disk"):
        list(DataLoader(Numbers(4), num_workers=2, worker_init_fn=fail))


def test_timeout() -> None:
    class Slow(Numbers):
        def __getitem__(self, i: int) -> int:
            release.wait(20)
            return i

    release = threading.Event()
    loader = DataLoader(Slow(2), num_workers=1, timeout=0.05)
    with pytest.raises(RuntimeError, match=r"timed out after 0\.05 seconds"):
        next(iter(loader))
    release.set()


def wait_for_threads(count: int) -> int:
    for _ in range(200):
        gc.collect()
        if threading.active_count() <= count:
            break
        time.sleep(0.02)
    return threading.active_count()


def test_abandoned_passes_leave_no_threads() -> None:
    before = threading.active_count()
    for _ in range(4):
        it = iter(DataLoader(Numbers(100), num_workers=3))
        next(it)
    del it
    assert wait_for_threads(before) <= before


def test_persistent_workers_stay_and_go_with_the_loader() -> None:
    before = threading.active_count()
    names: set[str] = set()

    class Who(Numbers):
        def __getitem__(self, i: int) -> int:
            names.add(str(threading.get_ident()))
            return i

    loader = DataLoader(Who(30), num_workers=2, persistent_workers=True)
    for _ in range(5):
        assert len(list(loader)) == 30
    assert len(names) <= 2
    old = iter(loader)
    next(old)
    assert len(list(loader)) == 30
    with pytest.raises(RuntimeError, match="newer"):
        next(old)
    del loader, old
    assert wait_for_threads(before) <= before


def run_script(text: str, send: int | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    process = subprocess.Popen(
        [sys.executable, "-c", text],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    if send is not None:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(0.2)
        process.send_signal(send)
    out, err = process.communicate(timeout=60)
    return subprocess.CompletedProcess([], process.returncode, out, err)


SLOW = """
import time, plait
from plait.utils.data import DataLoader, Dataset
class Slow(Dataset):
    def __len__(self): return 10
    def __getitem__(self, i):
        time.sleep(30 if i else 0)
        return i
it = iter(DataLoader(Slow(), num_workers=2))
print(next(it).item(), flush=True)
"""


def test_interrupt_is_answered_while_a_worker_is_slow() -> None:
    started = time.monotonic()
    result = run_script(SLOW + "next(it)", send=signal.SIGINT)
    assert "KeyboardInterrupt" in result.stderr
    assert time.monotonic() - started < 25


def test_program_ends_with_a_pass_under_way() -> None:
    result = run_script(
        "import plait\nfrom plait.utils.data import DataLoader\n"
        "it = iter(DataLoader(range(1000), num_workers=3))\nnext(it)\nprint('end')"
    )
    assert result.stdout.strip() == "end"
    assert result.returncode == 0, result.stderr


def test_fork_in_the_middle() -> None:
    loader = DataLoader(Numbers(40), batch_size=4, num_workers=2, persistent_workers=True)
    it = iter(loader)
    next(it)
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            try:
                next(it)
            except RuntimeError:
                code = 0 if len(list(loader)) == 10 else 2
        finally:
            os._exit(code)
    for _ in range(500):
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            break
        time.sleep(0.02)
    else:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        pytest.fail("the child hangs")
    assert os.waitstatus_to_exitcode(status) == 0
    assert len(list(it)) == 9


# ---- resuming ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("own_generator", [False, True])
def test_resume_in_the_middle_of_a_pass(workers: int, own_generator: bool) -> None:
    def make(seed: int, workers: int) -> DataLoader[Any]:
        generator = plait.Generator().manual_seed(seed) if own_generator else None
        return DataLoader(Noisy(23), 4, shuffle=True, num_workers=workers, generator=generator)

    plait.manual_seed(1)
    loader = make(1, workers)
    list(loader)
    it = iter(loader)
    next(it)
    next(it)
    file = io.BytesIO()
    plait.save({"loader": loader.state_dict(), "rng": plait.get_rng_state()}, file)
    rest = [values(b) for b in it]
    after = [values(b) for b in loader]

    for other_workers in (1, 3) if workers else (0,):
        file.seek(0)
        saved = plait.load(file)
        plait.manual_seed(99)
        resumed = make(99, other_workers)
        resumed.load_state_dict(saved["loader"])
        plait.set_rng_state(saved["rng"])
        assert resumed.state_dict()["batches"] == 2
        assert [values(b) for b in resumed] == rest
        assert [values(b) for b in resumed] == after


def test_resume_does_not_fetch_what_is_done() -> None:
    fetched: list[int] = []

    class Recording(Numbers):
        def __getitem__(self, i: int) -> int:
            fetched.append(i)
            return i

    loader = DataLoader(Recording(10), 2)
    it = iter(loader)
    for _ in range(3):
        next(it)
    state = loader.state_dict()
    fetched.clear()
    loader.load_state_dict(state)
    assert [values(b) for b in loader] == [[6, 7], [8, 9]]
    assert fetched == [6, 7, 8, 9]


def test_resume_at_the_ends() -> None:
    loader = DataLoader(Numbers(4), 2, shuffle=True)
    fresh = loader.state_dict()
    assert fresh["batches"] == 0
    loader.load_state_dict(fresh)
    assert len(list(loader)) == 2
    it = iter(loader)
    next(it)
    next(it)
    loader.load_state_dict(loader.state_dict())  # all batches handed out, the end not yet seen
    assert list(loader) == []
    assert len(list(loader)) == 2
    with pytest.raises(ValueError, match="load_state_dict"):
        loader.load_state_dict({"version": 2, "generators": []})


@pytest.mark.parametrize("workers", [0, 2])
def test_resume_of_a_stream(workers: int) -> None:
    loader = DataLoader(Stream(11), 2, num_workers=workers)
    it = iter(loader)
    next(it)
    next(it)
    state = loader.state_dict()
    rest = [values(b) for b in it]
    loader.load_state_dict(state)
    assert [values(b) for b in loader] == rest


@pytest.mark.parametrize(
    "options",
    [
        {"num_workers": -1},
        {"timeout": -1},
        {"prefetch_factor": 2},
        {"persistent_workers": True},
        {"num_workers": 1, "prefetch_factor": 0},
        {"batch_size": 0},
        {"batch_size": 2.5},
        {"shuffle": True, "sampler": [0]},
        {"batch_sampler": [[0]], "batch_size": 2},
        {"batch_sampler": [[0]], "shuffle": True},
        {"batch_size": None, "drop_last": True},
    ],
)
def test_bad_options(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=": expected"):
        DataLoader(Numbers(3), **options)


def test_bad_options_of_streams() -> None:
    for options in ({"shuffle": True}, {"sampler": [0]}, {"batch_sampler": [[0]]}):
        with pytest.raises(ValueError, match="IterableDataset"):
            DataLoader(Stream(3), **options)
