# SPDX-License-Identifier: MIT
"""A zero in every size of every operand: forward, backward and double backward compute or refuse, and nothing crashes.

Every sample of the op table is taken with each dimension of each of its tensors cut to 0, and so with dimensions of one
size, which its operands may share. A call that is accepted has gradients, and where the op has second derivatives
those too. Each family runs in a child process, so that a crash names the op.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from itertools import combinations, count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from op_table import SPECS
from op_table.harness import Call, convert, cotangents, float_results, show
from op_table.spec import Dtype, OpSpec, Sample, arrays

import plait

FAMILIES = sorted({s.family for s in SPECS})
REFUSED = (ValueError, TypeError, IndexError, RuntimeError, NotImplementedError)


def places_to_cut(shapes: list[tuple[int, ...]]) -> Iterator[set[tuple[int, int]]]:
    """Sets of (array, dimension): each alone, and those of one size, which operands may share, in pairs and all."""
    places = [(i, d) for i, shape in enumerate(shapes) for d, size in enumerate(shape) if size > 0]
    found: set[frozenset[tuple[int, int]]] = {frozenset([p]) for p in places}
    for size in {shapes[i][d] for i, d in places}:
        equal = [(i, d) for i, d in places if shapes[i][d] == size]
        found |= {frozenset(pair) for pair in combinations(equal, 2)} | {frozenset(equal)}
    yield from map(set, sorted(found, key=sorted))


def with_zeros(sample: Sample) -> Iterator[Sample]:
    """The sample with dimensions of its arrays cut to 0, in every such way."""
    for places in places_to_cut([a.shape for a in arrays([sample.args, sample.kwargs])]):
        number = count()

        def cut(a: np.ndarray, places: set[tuple[int, int]] = places, number: Iterator[int] = number) -> np.ndarray:
            i = next(number)
            return a[tuple(slice(0 if (i, d) in places else None) for d in range(a.ndim))]

        args, kwargs = convert((sample.args, sample.kwargs), cut, Dtype)
        yield Sample(args, kwargs, sample.label)


def differentiate(spec: OpSpec, call: Call, results: list[plait.Tensor]) -> None:
    """First gradients, then those of their sum."""
    results = [y for y in results if y.requires_grad]
    if not results or not call.inputs:
        return
    twice = spec.second_order()
    first = plait.autograd.grad(results, call.inputs, cotangents(results), create_graph=twice, allow_unused=True)
    for x, g in zip(call.inputs, first):
        assert g is None or g.shape == x.shape, f"gradient of shape {g.shape} for {x.shape}"
    again = [g for g in first if g is not None and g.requires_grad]
    if twice and again:
        plait.autograd.grad(again, call.inputs, cotangents(again, seed=2), allow_unused=True)


def check(spec: OpSpec, sample: Sample) -> None:
    call = Call(spec, sample, spec.dtypes[0], grad=spec.grad and spec.dtypes[0].startswith("float"))
    try:
        result = call()
    except REFUSED as error:
        assert "report it" not in str(error), f"{spec.name}{show(sample)}: {error}"
        return
    try:
        differentiate(spec, call, float_results(result))
    except Exception as error:
        raise AssertionError(f"{spec.name}{show(sample)}: {type(error).__name__}: {error}") from error


def check_family(family: str) -> None:
    failures: list[Any] = []
    for spec in SPECS:
        if spec.family != family:
            continue
        print(spec.name, flush=True)
        for sample in spec.samples(spec.gen()):
            for empty in with_zeros(sample):
                try:
                    check(spec, empty)
                except AssertionError as error:
                    failures.append(error)
    assert not failures, f"{len(failures)} calls:\n" + "\n".join(map(str, failures))


@pytest.mark.parametrize("family", FAMILIES)
def test_empty_sizes(family: str) -> None:
    here = str(Path(__file__).parent)
    program = f"import sys; sys.path.insert(0, {here!r}); import test_empty_sizes as t; t.check_family({family!r})"
    result = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=280,
        env=os.environ | {"OMP_NUM_THREADS": "2"},
    )
    last = result.stdout.split()[-1] if result.stdout else "the start"
    assert result.returncode == 0, f"at {last}: exit {result.returncode}\n{result.stderr[-6000:]}"
