# SPDX-License-Identifier: MIT
"""Random sizes and tensors for measurements."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from typing import Any

import torch

__all__ = ["FuzzedParameter", "FuzzedTensor", "Fuzzer", "ParameterAlias"]


class ParameterAlias:
    """Among the values of a distribution: that of the parameter with this name."""

    def __init__(self, alias_to: str) -> None:
        self.alias_to = alias_to

    def __repr__(self) -> str:
        return f"ParameterAlias[alias_to: {self.alias_to}]"


class FuzzedParameter:
    """A random number by name.

    Args:
        name: by which tensors and constraints refer to it.
        minval, maxval: bounds of "uniform" and "loguniform".
        distribution: "uniform", "loguniform", or values with their probabilities.
        strict: whether probabilities must sum to 1.
    """

    def __init__(
        self,
        name: str,
        minval: float | None = None,
        maxval: float | None = None,
        distribution: str | dict[Any, float] | None = None,
        strict: bool = False,
    ) -> None:
        if distribution is None:
            raise ValueError("FuzzedParameter: expected a distribution")
        if isinstance(distribution, str):
            if distribution not in ("uniform", "loguniform"):
                raise ValueError(f"FuzzedParameter: expected 'uniform' or 'loguniform', got {distribution!r}")
            if minval is None or maxval is None:
                raise ValueError(f"FuzzedParameter: expected minval and maxval for {distribution!r}")
        elif strict and abs(sum(distribution.values()) - 1) > 1e-3:
            raise ValueError("FuzzedParameter: expected probabilities that sum to 1")
        self._name, self._minval, self._maxval, self._distribution = name, minval, maxval, distribution

    @property
    def name(self) -> str:
        """By which it is referred to."""
        return self._name

    def sample(self, state: random.Random) -> Any:
        """A value."""
        if isinstance(self._distribution, dict):
            return state.choices(list(self._distribution), list(self._distribution.values()))[0]
        low, high = self._minval, self._maxval
        assert low is not None and high is not None
        if self._distribution == "loguniform":
            value = math.exp(state.uniform(math.log(low), math.log(high)))
            return min(max(round(value), low), high) if isinstance(low, int) else value
        return state.randint(low, high) if isinstance(low, int) and isinstance(high, int) else state.uniform(low, high)


class FuzzedTensor:
    """A random tensor by name.

    Args:
        name: under which it is given.
        size: numbers, or names of parameters.
        steps: take every n-th element along each dimension of a larger tensor.
        probability_contiguous: of a tensor whose dimensions are not permuted in memory.
        min_elements, max_elements: bounds of the number of elements.
        max_allocation_bytes: bound of its memory.
        dim_parameter: name of the parameter that says how many of the sizes are used.
        roll_parameter: name of the parameter that says by how many places sizes are rotated.
        dtype: of the elements.
        cuda: must be False.
        tensor_constructor: called with size, dtype and the parameters.
    """

    def __init__(
        self,
        name: str,
        size: tuple[Any, ...],
        steps: tuple[Any, ...] | None = None,
        probability_contiguous: float = 0.5,
        min_elements: int | None = None,
        max_elements: int | None = None,
        max_allocation_bytes: int | None = None,
        dim_parameter: str | None = None,
        roll_parameter: str | None = None,
        dtype: Any = torch.float32,
        cuda: bool = False,
        tensor_constructor: Callable[..., Any] | None = None,
    ) -> None:
        if cuda:
            raise RuntimeError("FuzzedTensor: expected cuda=False; plait computes on the CPU")
        self._name, self._size, self._steps = name, size, steps
        self._probability_contiguous = probability_contiguous
        self._min_elements, self._max_elements = min_elements, max_elements
        self._max_allocation_bytes = max_allocation_bytes
        self._dim_parameter, self._roll_parameter = dim_parameter, roll_parameter
        self._dtype = dtype
        self._constructor = tensor_constructor or self.default_tensor_constructor

    @property
    def name(self) -> str:
        """Under which it is given."""
        return self._name

    @staticmethod
    def default_tensor_constructor(size: Any, dtype: Any, **kwargs: Any) -> Any:
        """Normal numbers, or ints from 0 to 126."""
        if dtype.is_floating_point or dtype.is_complex:
            return torch.rand(size=size, dtype=dtype)
        return torch.randint(0, 127, size=size, dtype=dtype)

    def sizes(self, params: dict[str, Any]) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Size and allocated size for these parameters."""
        count = params[self._dim_parameter] if self._dim_parameter else len(self._size)

        def numbers(values: tuple[Any, ...]) -> tuple[int, ...]:
            return tuple(int(params.get(v, v) if isinstance(v, str) else v) for v in values[:count])

        size = numbers(self._size)
        steps = numbers(self._steps or ())
        steps += (1,) * (len(size) - len(steps))
        if self._roll_parameter and size:
            roll = int(params[self._roll_parameter]) % len(size)
            size, steps = size[roll:] + size[:roll], steps[roll:] + steps[:roll]
        return size, tuple(n * step for n, step in zip(size, steps))

    def satisfies_constraints(self, params: dict[str, Any]) -> bool:
        """Whether sizes stay within the bounds."""
        size, allocated = self.sizes(params)
        elements = math.prod(size)
        if self._max_elements is not None and elements > self._max_elements:
            return False
        if self._min_elements is not None and elements < self._min_elements:
            return False
        return (
            self._max_allocation_bytes is None
            or math.prod(allocated) * self._dtype.itemsize <= self._max_allocation_bytes
        )

    def make(self, params: dict[str, Any], state: random.Random) -> tuple[Any, dict[str, Any]]:
        """The tensor, and what there is to know of it."""
        size, allocated = self.sizes(params)
        order = list(range(len(size)))
        if len(size) > 1 and state.random() > self._probability_contiguous:
            state.shuffle(order)
        raw = self._constructor(size=tuple(allocated[d] for d in order), dtype=self._dtype, **params)
        tensor = raw.permute(tuple(order.index(d) for d in range(len(size)))) if len(size) > 1 else raw
        steps = tuple(a // max(n, 1) for a, n in zip(allocated, size))
        tensor = tensor[tuple(slice(0, n * step, step) for n, step in zip(size, steps))]
        properties = {
            "numel": int(tensor.numel()),
            "order": order,
            "steps": steps,
            "is_contiguous": tensor.is_contiguous(),
            "dtype": str(self._dtype),
        }
        return tensor, properties


def _flat(values: Any) -> list[Any]:
    return [x for v in values for x in (v if isinstance(v, (list, tuple)) else [v])]


class Fuzzer:
    """Draws parameters and tensors that satisfy the constraints.

    Args:
        parameters: of class FuzzedParameter, in lists of any depth of one.
        tensors: of class FuzzedTensor.
        constraints: functions of the parameters, by name, that must be true.
        seed: of the random numbers.
    """

    def __init__(
        self,
        parameters: Any,
        tensors: Any,
        constraints: list[Callable[..., bool]] | None = None,
        seed: int | None = None,
    ) -> None:
        self._parameters, self._tensors = _flat(parameters), _flat(tensors)
        self._constraints = constraints or []
        self._seed = seed if seed is not None else random.randrange(2**32)
        self._accepted = self._drawn = 0

    @property
    def rejection_rate(self) -> float:
        """Share of draws that violated a constraint."""
        return (self._drawn - self._accepted) / self._drawn if self._drawn else 0.0

    def take(self, n: int) -> Iterator[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]]:
        """``n`` times the tensors, their properties and the parameters."""
        state = random.Random(self._seed)
        for _ in range(n):
            params = self._draw(state)
            made = {t.name: t.make(params, state) for t in self._tensors}
            yield {k: v[0] for k, v in made.items()}, {k: v[1] for k, v in made.items()}, params

    def _draw(self, state: random.Random) -> dict[str, Any]:
        for _ in range(1000):
            self._drawn += 1
            params = {p.name: p.sample(state) for p in self._parameters}
            for name, value in params.items():
                while isinstance(value, ParameterAlias):
                    value = params[value.alias_to]
                params[name] = value
            if all(c(**params) for c in self._constraints) and all(
                t.satisfies_constraints(params) for t in self._tensors
            ):
                self._accepted += 1
                return params
        raise ValueError("Fuzzer: no draw of 1000 satisfied the constraints")
