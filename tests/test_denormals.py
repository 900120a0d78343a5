# SPDX-License-Identifier: MIT
"""Denormal numbers: while kernels flush them, a denormal operand is a zero of its sign to every op, comparisons,
tests, sorting and extremes included; ops that only move values move it as it is. Without flushing they are numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from op_table import SPECS
from op_table.harness import Call, convert, show, tensors, to_numpy
from op_table.positions import exact_tensor
from op_table.spec import OpSpec, Sample

import plait

TINY = {"float32": 1e-40, "float64": 1e-310}
# What ops of the bits of a number say of it is no matter of its value.
BITS = {"nextafter", "frexp", "view", "signbit"}


@contextmanager
def flushing(on: bool) -> Iterator[None]:
    plait.set_flush_denormal(on)
    try:
        yield
    finally:
        plait.set_flush_denormal(True)


def flushed(x: np.ndarray) -> np.ndarray:
    if x.dtype.kind != "f":
        return x
    return np.where(np.abs(x) < np.finfo(x.dtype).tiny, 0.0, x)


def with_tiny(sample: Sample, dtype: str, zero: bool) -> tuple[list, dict]:
    """The arguments, every third element of each float64 array a denormal of either sign, or a zero of that sign."""
    rng = np.random.default_rng(0)

    def array(a: np.ndarray) -> plait.Tensor:
        if a.dtype != np.float64:
            return plait.from_numpy(np.ascontiguousarray(a))
        values = np.array(a, dtype=np.float64)
        places = rng.random(values.shape) < 0.34
        signs = np.where(rng.random(values.shape) < 0.5, -1.0, 1.0)
        tiny = signs * (0.0 if zero else TINY[dtype])
        return exact_tensor(np.where(places, tiny, values), dtype)

    args, kwargs = convert((sample.args, sample.kwargs), array, lambda name: getattr(plait, name))
    return list(args), kwargs


def outcome(spec: OpSpec, sample: Sample, dtype: str, zero: bool) -> list[np.ndarray] | type[BaseException]:
    call = Call(spec, sample, dtype)
    args, kwargs = with_tiny(sample, dtype, zero)
    call.args, call.kwargs = tuple(args), kwargs
    plait.manual_seed(0)
    try:
        return [flushed(to_numpy(t)) for t in tensors(call())]
    except (ValueError, RuntimeError, TypeError, IndexError, NotImplementedError) as error:
        return type(error)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("spec", [pytest.param(s, id=s.id) for s in SPECS if s.name.split(".")[-1] not in BITS])
def test_a_denormal_operand_is_a_zero(spec: OpSpec, dtype: str) -> None:
    if dtype not in spec.dtypes:
        pytest.skip("not of this dtype")
    for sample in spec.samples(spec.gen()):
        got, want = (outcome(spec, sample, dtype, zero) for zero in (False, True))
        context = f"{spec.name}{show(sample)} of {dtype}"
        if isinstance(want, type) or isinstance(got, type):
            assert got is want, f"{context}: {got}, with zeros {want}"
            continue
        for x, y in zip(got, want, strict=True):
            assert np.array_equal(x, y, equal_nan=x.dtype.kind == "f"), f"{context}:\n{x}\nwith zeros\n{y}"


@pytest.mark.tiny
@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16"])
def test_what_looks_at_a_denormal_agrees(dtype: str) -> None:
    x = exact_tensor(np.array([TINY.get(dtype, 1e-40)]), dtype)
    zero = x - x
    for on in (True, False):
        with flushing(on):
            assert bool(x) is bool(x[0]) is (not on)
            assert bool(x != 0) is bool(x > 0) is bool(x.bool()) is bool(x.any()) is bool(x.max()) is (not on)
            assert x.nonzero().numel() == int(not on)
            assert x.count_nonzero().item() == int(not on)
            assert plait.equal(x, zero) is plait.equal(zero, x) is on
            both = plait.cat([x, zero, -x, x])
            order = both.argsort(stable=True).tolist()
            assert order == ([0, 1, 2, 3] if on else [2, 1, 0, 3])
            assert both.argmax().item() == 0
            assert both.argmin().item() == (0 if on else 2)
            assert both.unique().numel() == (1 if on else 3)
            assert bool(plait.maximum(zero, x) != zero) is (not on)
            assert bool(plait.isin(x, zero)) is on
            assert plait.where(x > zero, 1, 0).item() == int(not on)


def test_angle_of_a_denormal_height() -> None:
    for y in (5e-324, -5e-324, 1e-310):
        for on in (True, False):
            with flushing(on):
                got = plait.atan2(plait.tensor([y], dtype=plait.float64), plait.tensor([-1.0], dtype=plait.float64))
                assert got.item() == np.arctan2(y, -1.0)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_without_flushing_denormals_are_numbers(dtype: str) -> None:
    tiny = TINY[dtype]
    x = exact_tensor(np.array([tiny, -tiny, 3 * tiny, 0.0]), dtype)
    reference = x.numpy()
    with flushing(False):
        for name in ("neg", "abs", "floor", "sign", "sqrt", "log", "tanh", "sin", "expm1", "reciprocal"):
            with np.errstate(all="ignore"):
                fn = {"neg": np.negative, "abs": np.abs}.get(name) or getattr(np, name)
                assert np.allclose(getattr(x, name)().numpy(), fn(reference), rtol=1e-4, atol=0, equal_nan=True), name
        assert np.array_equal((x + x).numpy(), reference + reference)
        assert np.array_equal((x * 2).numpy(), reference * 2)
        assert x.sum().item() == reference.sum()
        assert np.array_equal(plait.fmod(x, x[2]).numpy(), np.fmod(reference, reference[2]))
