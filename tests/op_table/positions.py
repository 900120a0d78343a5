# SPDX-License-Identifier: MIT
"""The value of a pointwise op at index i depends on the operands at i alone.

Kernels take elements in vectors, with a masked vector at the end, and skip work that no element of a vector needs. None
of that may be seen: an element has the bits that it has as the only one, in every length, at every offset, beside
numbers and beside NaN, infinities, zeros and denormals.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

import plait

from .harness import Call, convert, dtype_values, show, tensors
from .spec import Dtype, OpSpec, Sample, arrays

MOST = 256  # elements of a sample that are computed alone
LENGTHS = range(1, 71)
TINY = {"float16": 6e-8, "bfloat16": 1e-39, "float32": 1e-39, "float64": 1e-310}  # denormals
HUGE = {"float16": 6e4, "bfloat16": 1e30, "float32": 1e30, "float64": 1e300}


def neighbours(dtype: str) -> tuple[float, ...]:
    return (np.nan, np.inf, -np.inf, 0.0, -0.0, -1.0, TINY[dtype], -TINY[dtype], HUGE[dtype])


def exact_tensor(values: np.ndarray, dtype: str) -> plait.Tensor:
    """From NumPy without plait's conversions, which may flush denormals."""
    if dtype == "bfloat16":
        bits = (values.astype(np.float32).view(np.uint32) >> 16).astype(np.int16)
        return plait.from_numpy(bits).view(plait.bfloat16)
    return plait.from_numpy(values.astype(dtype))


def vectors(spec: OpSpec) -> Iterator[Sample]:
    """All samples that differ in the values of their arrays only, as one sample of vectors of equal length."""
    groups: dict[str, tuple[Sample, list[list[np.ndarray]]]] = {}
    for sample in spec.samples(spec.gen()):
        operands = list(arrays([sample.args, sample.kwargs]))
        if not operands:
            continue
        kinds = repr(convert([sample.args, sample.kwargs], lambda a: a.dtype.name, lambda name: name))
        flat = [a.ravel() for a in np.broadcast_arrays(*operands)]
        groups.setdefault(kinds, (sample, []))[1].append(flat)
    for sample, parts in groups.values():
        whole = [np.concatenate(p) for p in zip(*parts)]
        order = np.random.default_rng(0).permutation(len(whole[0]))[:MOST]
        yield replaced(sample, [w[order] for w in whole])


def replaced(sample: Sample, operands: list[np.ndarray]) -> Sample:
    """The sample with other arrays, in their order."""
    rest = iter(operands)
    args, kwargs = convert((sample.args, sample.kwargs), lambda _: next(rest), Dtype)
    return Sample(args, kwargs, sample.label)


class Vectors:
    """A sample bound to a dtype, whose elements can be chosen and replaced."""

    def __init__(self, spec: OpSpec, sample: Sample, dtype: str):
        self.call = Call(spec, sample, dtype)
        self.context = f"{spec.name} {dtype} {show(sample)}"
        given = [*sample.args, *sample.kwargs.values()]
        self.operands = [*self.call.args, *self.call.kwargs.values()]
        for i, value in enumerate(given):
            if isinstance(value, np.ndarray) and value.dtype == np.float64:
                self.operands[i] = exact_tensor(dtype_values(value, dtype), dtype)
        self.floats = [i for i, x in enumerate(given) if isinstance(x, np.ndarray) and x.dtype.kind == "f"]
        self.n = next(len(x) for x in given if isinstance(x, np.ndarray))

    def replaced(self, index: int, value: plait.Tensor) -> list:
        return [*self.operands[:index], value, *self.operands[index + 1 :]]

    def bits(self, part: slice = slice(None), operands: list | None = None) -> np.ndarray:
        """Of the op on a part of the operands, as integers; every NaN is the same one."""
        chosen = [x[part] if isinstance(x, plait.Tensor) else x for x in operands or self.operands]
        count = len(self.call.args)
        self.call.args, self.call.kwargs = tuple(chosen[:count]), dict(zip(self.call.kwargs, chosen[count:]))
        (result,) = tensors(self.call())
        nan = result.isnan().numpy()
        if result.dtype == plait.bfloat16:
            result = result.view(plait.int16)
        bits = result.numpy().view(f"u{result.element_size()}").copy()
        bits[nan] = np.iinfo(bits.dtype).max
        return bits


def check_positions(spec: OpSpec, dtype: str) -> None:
    for sample in vectors(spec):
        v = Vectors(spec, sample, dtype)
        alone = np.concatenate([v.bits(slice(i, i + 1)) for i in range(v.n)])
        same(v, v.bits(), alone, "all at once")
        for length in LENGTHS:
            start = 5 * length % max(1, v.n - length)
            part = slice(start, start + length)
            same(v, v.bits(part), alone[part], f"elements {start} to {start + length}")
        for index in v.floats:
            check_neighbours(v, dtype, index, alone)


def check_neighbours(v: Vectors, dtype: str, index: int, alone: np.ndarray) -> None:
    """Special values in operand `index`: one kind in some places, then all kinds among each other."""
    name = str(v.operands[index].dtype).rsplit(".", 1)[-1]
    values = v.operands[index].to(plait.float64).numpy().copy()
    kinds = neighbours(name)
    there = []
    for value in kinds:
        operands = v.replaced(index, exact_tensor(np.full(v.n, value), name))
        there.append(v.bits(operands=operands))
        for i in range(min(4, v.n)):
            same(v, there[-1][i : i + 1], v.bits(slice(i, i + 1), operands), f"operand {index} {value} at {i}")
    places = np.arange(v.n)
    mixtures = [np.where(places % 7 == phase, kind, -1) for kind in range(len(kinds)) for phase in (0, 3)]
    mixtures += [np.random.default_rng(seed).integers(-len(kinds), len(kinds), v.n) for seed in range(4)]
    for kind in mixtures:
        mixed = np.where(kind >= 0, np.asarray(kinds)[np.maximum(kind, 0)], values)
        want = np.where(kind >= 0, np.stack(there)[np.maximum(kind, 0), places], alone)
        got = v.bits(operands=v.replaced(index, exact_tensor(mixed, name)))
        same(v, got, want, f"operand {index} beside {sorted({kinds[k] for k in kind if k >= 0}, key=str)}")


def same(v: Vectors, got: np.ndarray, want: np.ndarray, what: str) -> None:
    wrong = np.flatnonzero(got != want)
    if wrong.size:
        i = wrong[0]
        raise AssertionError(
            f"{v.context}: {what}: {wrong.size} of {got.size} depend on their neighbours, "
            f"first at {i}: bits {got[i]:#x}, alone {want[i]:#x}"
        )
