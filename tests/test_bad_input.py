# SPDX-License-Identifier: MIT
"""Hostile arguments: every integer of every op at its limits, wrong kinds everywhere; only exceptions, no crash.

No call takes long either, whatever the integer: the time goes by the work, and what does take long can be interrupted.
Each op runs in a child process of its own group, so that a crash names the op.
"""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import plait
from plait import _core

EXTREMES = (0, -1, 1, 2**31, -(2**31), 2**63 - 1, -(2**63))
GROUPS = 8
SECONDS = 40
ALLOWED = (ValueError, TypeError, IndexError, RuntimeError, NotImplementedError, MemoryError, OverflowError)


def plain(parameter: dict, shape: tuple[int, ...]) -> object:
    """An ordinary value of a parameter's kind."""
    kind = parameter["kind"]
    if kind in ("Tensor", "Operand"):
        return plait.ones(shape)
    if kind.startswith("Tensor"):
        return [plait.ones(shape), plait.ones(shape)]
    if kind == "int[]":
        return [1] * max(parameter["repeat"], 1)
    if kind == "float[]":
        return [1.0]
    return {"int": 1, "float": 0.5, "Scalar": 1.0, "bool": True, "str": "mean", "Dtype": plait.float32}.get(kind)


def attempts(parameters: list[dict]) -> list[tuple[list, dict]]:
    """Calls with ordinary values, or with the defaults, in which one argument at a time is replaced by wrong ones."""
    calls = []
    for shape in ((2, 3), (1, 2, 4, 4), (3, 3), (3,), (), (0, 2)):
        ordinary = [plain(p, shape) for p in parameters]
        defaults = [p.get("default", value) for p, value in zip(parameters, ordinary)]
        for usual in (ordinary, defaults):
            calls.append(call_of(parameters, usual))
            for i, p in enumerate(parameters):
                for value in wrong_values(p, len(ordinary[i]) if isinstance(ordinary[i], list) else 1):
                    calls.append(call_of(parameters, [*usual[:i], value, *usual[i + 1 :]]))
    return calls


def call_of(parameters: list[dict], values: list) -> tuple[list, dict]:
    """The positional and the keyword arguments that hand over these values."""
    positional = [v for v, p in zip(values, parameters) if not p["keyword_only"]]
    keywords = {
        p["name"]: v for v, p in zip(values, parameters) if p["keyword_only"] and ("default" not in p or v is not None)
    }
    return positional, keywords


def wrong_values(parameter: dict, length: int) -> list[object]:
    kind = parameter["kind"]
    wrong: list[object] = [None, "x", object(), float("nan"), plait.zeros(0), plait.ones(2, dtype=plait.bool)]
    if kind == "int[]":
        wrong += [[e] * length for e in EXTREMES] + [[], [1] * 9]
    if kind.startswith(("int", "Scalar", "float")):
        wrong += list(EXTREMES)
    if kind.startswith("Tensor"):
        wrong += [
            plait.tensor([2**63 - 1, -(2**63)]),
            plait.tensor([0, -1, 5]),
            plait.full((2, 3), float("nan")),
        ]
    return wrong


def functions(row: dict) -> list:
    name, found = row["name"], []
    if "f" in row["where"]:
        found.append(getattr(plait, name))
    elif "n" in row["where"]:
        found.append(getattr(plait.nn.functional, name))
    elif "m" in row["where"]:
        found.append(getattr(plait.Tensor, name))
    elif "s" in row["where"]:
        module, _, there = name.partition("_")
        found.append(getattr(getattr(plait, module), there))
    return found


def try_all(group: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))  # an absurd size fails here, not in the machine
    rows = [r for r in _core._op_table() if set(r["where"]) & set("fmns")]
    for row in rows[group::GROUPS]:
        print(row["name"], flush=True)
        for f in functions(row):
            for positional, keywords in attempts(row["parameters"]):
                try:
                    with ended_by_a_signal(f"{row['name']}{positional}{keywords}"):
                        f(*positional, **keywords)
                except ALLOWED as error:
                    if "report it" in str(error):
                        raise AssertionError(f"{row['name']}{positional}{keywords}: {error}") from error


@contextmanager
def ended_by_a_signal(call: str) -> Iterator[None]:
    """Raises in a call that goes on for much longer than any here has reason to."""

    def raise_error(*_: object) -> None:
        raise AssertionError(f"{call} takes longer than {SECONDS} seconds")

    signal.signal(signal.SIGALRM, raise_error)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)


@pytest.mark.slow
@pytest.mark.parametrize("group", range(GROUPS))
def test_extremes(group: int) -> None:
    here = str(Path(__file__).parent)
    program = f"import sys; sys.path.insert(0, {here!r}); import test_bad_input; test_bad_input.try_all({group})"
    result = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=280,
        env=os.environ | {"OMP_NUM_THREADS": "2"},
    )
    last = result.stdout.split()[-1] if result.stdout else "the start"
    assert result.returncode == 0, f"at {last}: exit {result.returncode}\n{result.stderr[-3000:]}"


LARGE = (10**6, 2**31 - 1, 2**31, 2**40, 2**63 - 1)
# Integers that are no amount of work: sizes that make nothing, windows and strides beyond the input.
TINY_WORK = """
lambda k: plait.triu_indices(k, 0)
lambda k: plait.tril_indices(0, k)
lambda k: plait.triu_indices(k, 2)
lambda k: plait.tril_indices(2, 2, -k)
lambda k: plait.triu_indices(3, 3, k)
lambda k: gradient(lambda x, w: F.conv2d(x, w, stride=k), plait.rand(1, 1, 9, 9), plait.rand(1, 1, 1, 1))
lambda k: gradient(lambda x, w: F.conv2d(x, w, dilation=k), plait.rand(1, 1, 9, 9), plait.rand(1, 1, 1, 1))
lambda k: gradient(
    lambda x, w: F.conv2d(x, w, stride=(k, 1), padding=1), plait.rand(2, 8, 3, 3), plait.rand(8, 8, 3, 3)
)
lambda k: gradient(lambda x, w: F.conv2d(x, w, stride=k, groups=4), plait.rand(2, 4, 3, 3), plait.rand(4, 1, 3, 3))
lambda k: gradient(
    lambda x, w: F.conv3d(x, w, stride=(2, k, 1), padding=1), plait.rand(1, 1, 3, 3, 3), plait.rand(1, 1, 1, 1, 1)
)
lambda k: gradient(lambda x, w: F.conv_transpose2d(x, w, stride=k), plait.rand(1, 1, 1, 1), plait.rand(1, 1, 2, 2))
lambda k: F.max_pool1d(plait.rand(1, 1, 4), k, ceil_mode=True)
lambda k: F.max_pool2d(plait.rand(1, 1, 4, 4), k, ceil_mode=True)
lambda k: F.max_pool3d(plait.rand(1, 1, 4, 4, 4), k, ceil_mode=True)
lambda k: F.max_pool3d(plait.rand(1, 1, 4, 4, 4), k, padding=k // 2, ceil_mode=True)
lambda k: F.max_pool1d(plait.rand(1, 1, 4), 1, stride=k)
lambda k: F.avg_pool1d(plait.rand(1, 1, 4), k, ceil_mode=True)
lambda k: F.avg_pool2d(plait.rand(1, 1, 4, 4), k, padding=k // 2, ceil_mode=True)
lambda k: F.lp_pool1d(plait.rand(1, 1, 4), 2, k, ceil_mode=True)
lambda k: F.local_response_norm(plait.rand(1, 3, 4), k)
lambda k: plait.rand(4).roll(k)
lambda k: plait.rand(4, 4).rot90(k)
lambda k: plait.rand(4).diff(k)
lambda k: plait.rand(4, 4).triu(k)
lambda k: plait.rand(4, 4).diagonal(k)
lambda k: plait.rand(4).chunk(k)
lambda k: plait.rand(4).unfold(0, 4, k)
"""


def no_work() -> None:
    F = plait.nn.functional

    def gradient(fn, *operands: plait.Tensor) -> None:
        operands = tuple(x.requires_grad_() for x in operands)
        fn(*operands).sum().backward()

    calls = eval("[" + TINY_WORK.replace("\nlambda", ",\nlambda").lstrip(",\n") + "]", {**globals(), **locals()})
    resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))
    for i, call in enumerate(calls):
        for k in LARGE:
            print(i, k, flush=True)
            try:
                with ended_by_a_signal(f"call {i} with {k}"):
                    call(k)
            except ALLOWED as error:
                assert "report it" not in str(error), (i, k)


def test_no_work_takes_no_time() -> None:
    here = str(Path(__file__).parent)
    program = f"import sys; sys.path.insert(0, {here!r}); import test_bad_input; test_bad_input.no_work()"
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=280, env=os.environ, check=False
    )
    assert result.returncode == 0, f"at {result.stdout.splitlines()[-1:]}: {result.returncode}\n{result.stderr[-3000:]}"


def test_windows_beyond_the_input_see_all_of_it() -> None:
    """The values of pools and convolutions whose kernel or stride is far larger than the input."""
    F = plait.nn.functional
    x = plait.tensor([[[3.0, 1.0, 4.0, 2.0]]])
    for k in (9, 10**6, 2**31 - 1):
        values, indices = F.max_pool1d(x, k, padding=k // 2, stride=k, ceil_mode=True, return_indices=True)
        assert (values.flatten()[0].item(), indices.flatten()[0].item()) == (4, 2)
        assert F.avg_pool1d(x, k, ceil_mode=True, padding=0).item() == 2.5
        assert F.local_response_norm(x.reshape(1, 4, 1), k, alpha=1.0, beta=1.0).flatten()[0].item() == pytest.approx(
            3 / (1 + 30 / k), rel=1e-5
        )
        assert F.conv1d(x, plait.ones(1, 1, 2), stride=k).item() == 4
        y = F.max_pool2d(x.reshape(1, 1, 2, 2), k, padding=(k // 2, 0), ceil_mode=True)
        assert y.max().item() == 4


@pytest.mark.parametrize(("rows", "columns"), [(0, 0), (3, 0), (0, 3), (1, 1), (4, 6), (6, 4)])
@pytest.mark.parametrize("offset", range(-8, 9))
def test_triangles(rows: int, columns: int, offset: int) -> None:
    for name in ("tril", "triu"):
        got = getattr(plait, f"{name}_indices")(rows, columns, offset)
        mask = plait.ones(rows, columns).numpy()
        want = getattr(plait.tensor(mask), name)(offset).nonzero().t()
        assert got.tolist() == want.tolist()


MEMORY_ENDS = """
import resource
import plait
x = plait.zeros(1).expand(60_000_000)
resource.setrlimit(resource.RLIMIT_AS, (3 << 29, 3 << 29))
for use in (lambda: x.tolist(), lambda: x.split(1), lambda: x.unbind(), lambda: list(x), lambda: plait.empty(2**40)):
    try:
        use()
    except MemoryError:
        continue
    raise AssertionError("no MemoryError")
assert plait.ones(2).tolist() == [1, 1]
"""


def test_results_for_which_there_is_no_memory() -> None:
    """A list or a tuple of a tensor's parts that does not fit raises, and the process goes on."""
    result = subprocess.run([sys.executable, "-c", MEMORY_ENDS], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr[-3000:]


def test_windows_say_which_end_of_their_range_was_left() -> None:
    F, x = plait.nn.functional, plait.rand(1, 1, 4)
    for call in (lambda k: F.conv1d(x, x[:, :, :1], stride=k), lambda k: F.max_pool1d(x, 2, stride=k)):
        for k, text in ((0, "at least 1"), (2**62, "at most 2147483647")):
            with pytest.raises(ValueError, match=f"stride of {text}"):
                call(k)
