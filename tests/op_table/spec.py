# SPDX-License-Identifier: MIT
"""What a test knows about an op: how to call it, its NumPy reference, its inputs and its tolerances.

Samples hold NumPy arrays. A float64 array stands for "a tensor of the dtype under test"; an array of any other
dtype (indices, masks) keeps its own. Scalars, lists and `None` are passed on as they are.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

HALVES = ("float16", "bfloat16")
FLOATS = ("float32", "float64", *HALVES)
SIGNED = ("int8", "int16", "int32", "int64")
INTS = ("uint8", "uint16", "uint32", "uint64", *SIGNED)
NUMBERS = (*FLOATS, *INTS)
ALL = (*NUMBERS, "bool")

# Lengths around the vector widths of every instruction set (4 to 64 lanes), and primes.
LENGTHS = (0, 1, 2, 7, 15, 16, 17, 31, 33, 67, 131)
SPECIAL = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 3.0, 100.0, -100.0, 1e-3])


@dataclass(frozen=True)
class Dtype:
    """A dtype argument of an op, by name: plait's for the op, NumPy's for the reference."""

    name: str


@dataclass(frozen=True)
class Sample:
    args: tuple
    kwargs: dict[str, Any] = field(default_factory=dict)
    label: str = ""  # "special" marks NaN and infinities: values only, no gradients


def case(*args: Any, label: str = "", **kwargs: Any) -> Sample:
    return Sample(args, kwargs, label)


@dataclass(frozen=True)
class BadCall:
    """A call that has to raise `error` with a message that `pattern` finds."""

    sample: Sample
    error: type[BaseException]
    pattern: str
    dtype: str = "float32"


def bad(error: type[BaseException], pattern: str, *args: Any, dtype: str = "float32", **kwargs: Any) -> BadCall:
    return BadCall(Sample(args, kwargs), error, pattern, dtype)


class Gen:
    """Reproducible random inputs; one per op, seeded by its name."""

    def __init__(self, name: str, domain: tuple[float, float]):
        self.rng = np.random.default_rng(zlib.crc32(name.encode()))
        self.domain = domain

    def __call__(self, *shape: int, lo: float | None = None, hi: float | None = None) -> np.ndarray:
        low = self.domain[0] if lo is None else lo
        high = self.domain[1] if hi is None else hi
        return np.asarray(self.rng.uniform(low, high, shape))

    def ints(self, *shape: int, lo: int = 0, hi: int) -> np.ndarray:
        return np.asarray(self.rng.integers(lo, hi, shape), dtype=np.int64)

    def bools(self, *shape: int) -> np.ndarray:
        return np.asarray(self.rng.random(shape) < 0.5)

    def distinct(self, *shape: int) -> np.ndarray:
        """A permutation of small integers: no ties for max, sort and their like, in any dtype up to n = 50."""
        n = int(np.prod(shape))
        return self.rng.permutation(np.arange(n) - n // 2).reshape(shape).astype(np.float64)

    def spd(self, n: int) -> np.ndarray:
        a = self.rng.standard_normal((n, n))
        return a @ a.T + n * np.eye(n)


@dataclass(frozen=True)
class OpSpec:
    """One op. See the families beside this file for examples.

    name      path below `plait`: "exp", "nn.functional.relu"
    ref       the same function on NumPy arrays; floats arrive as float64
    samples   gen -> samples, for values, gradients, strides
    large     gen -> samples big enough that several threads take part
    dtypes    dtypes under test
    out       dtype rule of the result(s): "same" (promotion of the tensors), "promote" (scalars count too),
              "where" (the first operand does not count), "float" (integers give float32), "sum" (integers give
              int64), a dtype name, a tuple of these for several results, or None
    tol       allowed error in units in the last place (with `scale`: in eps * scale), by dtype name
    scale     what rounding errors are relative to, such as sum(|x|): a function with the arguments of ref, or
              a number for max(number, |result|)
    grad      float64 arrays of a sample get gradients, except argument positions in `nograd`
    gradgrad  second derivatives are checked too
    variants  of f(unction), m(ethod), i(n-place), o(ut=)
    errors    calls that must fail
    """

    name: str
    ref: Callable | None
    samples: Callable[[Gen], Iterable[Sample]]
    large: Callable[[Gen], Iterable[Sample]] | None = None
    dtypes: tuple[str, ...] = FLOATS
    out: Any = "same"
    tol: Any = None
    scale: Callable | float | None = None
    domain: tuple[float, float] = (-3.0, 3.0)
    grad: bool = True
    gradgrad: bool | None = None
    grad_samples: Callable[[Gen], Iterable[Sample]] | None = None
    grad_tol: float = 16.0
    nograd: tuple[int | str, ...] = ()
    variants: str = "fm"
    method: str | None = None
    errors: Callable[[], Iterable[BadCall]] | None = None
    int_ref_float: bool = False  # the reference sees integer inputs as float64
    exact_strides: bool = True  # other strides give the same bits
    pointwise: bool = False  # element i of the result depends on elements i of the operands only
    family: str = ""

    @property
    def id(self) -> str:
        return self.name.removeprefix("nn.functional.")

    def gen(self, purpose: str = "") -> Gen:
        return Gen(self.name + purpose, self.domain)

    def tolerance(self, dtype: str) -> float:
        table = {"float32": 2.0, "float64": 4.0, "float16": 1.0, "bfloat16": 1.0}
        if isinstance(self.tol, dict):
            table |= self.tol
        elif self.tol is not None:
            table |= {"float32": self.tol, "float64": self.tol}
        return table.get(dtype, 0.0)

    def second_order(self) -> bool:
        return self.grad if self.gradgrad is None else self.gradgrad

    def gradient_samples(self) -> Iterable[Sample]:
        """Samples small enough for finite differences over every element."""
        source = self.grad_samples or self.samples
        for sample in source(self.gen()):
            if sample.label != "special" and 0 < total_size(sample) <= 80:
                yield sample


def convert_arrays(value: Any, leaf: Callable[[np.ndarray], Any], dtype_leaf: Callable[[str], Any] = str) -> Any:
    """Nested lists, tuples and dicts with each array, and each dtype by its name, converted."""
    if isinstance(value, np.ndarray):
        return leaf(value)
    if isinstance(value, Dtype):
        return dtype_leaf(value.name)
    if isinstance(value, (list, tuple)):
        return type(value)(convert_arrays(v, leaf, dtype_leaf) for v in value)
    if isinstance(value, dict):
        return {k: convert_arrays(v, leaf, dtype_leaf) for k, v in value.items()}
    return value


def arrays(value: Any) -> Iterable[np.ndarray]:
    """All arrays in nested lists, tuples and dicts."""
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, (list, tuple)):
        for v in value:
            yield from arrays(v)
    elif isinstance(value, dict):
        yield from arrays(list(value.values()))


def total_size(sample: Sample) -> int:
    return sum(a.size for a in arrays([sample.args, sample.kwargs]))
