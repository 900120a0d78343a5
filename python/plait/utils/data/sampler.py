# SPDX-License-Identifier: MIT
"""Samplers: the order in which a DataLoader visits a dataset."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence, Sized
from typing import Any, Generic, TypeVar

from ... import _core
from ..._core import ArgumentError, ArgumentTypeError, Generator, Tensor

__all__ = [
    "BatchSampler",
    "RandomSampler",
    "Sampler",
    "SequentialSampler",
    "SubsetRandomSampler",
    "WeightedRandomSampler",
]

T_co = TypeVar("T_co", covariant=True)


class Sampler(Generic[T_co]):
    """Base class; a subclass implements ``__iter__``, which gives indices, and usually ``__len__``.

    Args:
        data_source: accepted and ignored.

    Example:
        >>> import plait
        >>> class Reversed(plait.utils.data.Sampler):
        ...     def __iter__(self):
        ...         return iter([2, 1, 0])
        ...
        >>> list(plait.utils.data.DataLoader(plait.arange(3.0), sampler=Reversed(), batch_size=None))
        [tensor(2.), tensor(1.), tensor(0.)]
    """

    def __init__(self, data_source: Sized | None = None) -> None:
        pass

    def __iter__(self) -> Iterator[T_co]:
        raise NotImplementedError(f"{type(self).__name__}: a subclass of Sampler implements __iter__")


class SequentialSampler(Sampler[int]):
    """0, 1, 2, ... to the length of ``data_source``.

    Example:
        >>> import plait
        >>> list(plait.utils.data.SequentialSampler("abc"))
        [0, 1, 2]
    """

    def __init__(self, data_source: Sized) -> None:
        self.data_source = data_source

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.data_source)))

    def _order(self) -> Tensor:
        return _core.arange(len(self.data_source))

    def __len__(self) -> int:
        return len(self.data_source)


def _own_generator(generator: Any) -> Any:
    """The generator given, or a new one seeded by one draw from the global one.

    The draw happens at once: how the numbers are used later does not touch the global generator.
    """
    if generator is not None:
        return generator
    return Generator().manual_seed(int(_core.randint(2**63 - 1, ())))


def _check_num_samples(name: str, num_samples: Any) -> None:
    if not isinstance(num_samples, int) or isinstance(num_samples, bool) or num_samples <= 0:
        raise ArgumentError(f"{name}: expected num_samples to be a positive int, got {num_samples!r}")


class RandomSampler(Sampler[int]):
    """Indices in random order.

    Args:
        data_source: its length counts.
        replacement: draw each index anew instead of permuting.
        num_samples: how many indices to give, default the length.
        generator: of the random numbers; by default a new one is seeded from the global one for each pass.

    Raises:
        ValueError: ``num_samples`` is not positive.
        TypeError: ``replacement`` is no bool.

    Example:
        >>> import plait
        >>> sampler = plait.utils.data.RandomSampler(range(4), generator=plait.Generator().manual_seed(1))
        >>> sorted(sampler)
        [0, 1, 2, 3]
    """

    def __init__(
        self,
        data_source: Sized,
        replacement: bool = False,
        num_samples: int | None = None,
        generator: Any = None,
    ) -> None:
        if not isinstance(replacement, bool):
            raise ArgumentTypeError(f"RandomSampler: expected replacement to be a bool, got {replacement!r}")
        self.data_source = data_source
        self.replacement = replacement
        self._num_samples = num_samples
        self.generator = generator
        if num_samples is not None:
            _check_num_samples("RandomSampler", num_samples)

    @property
    def num_samples(self) -> int:
        """How many indices a pass gives."""
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def __iter__(self) -> Iterator[int]:
        return itertools.chain.from_iterable(t.tolist() for t in self._pieces(_own_generator(self.generator)))

    def _order(self) -> Tensor:
        """The indices of a pass as one tensor."""
        pieces = list(self._pieces(_own_generator(self.generator)))
        return _core.cat(pieces) if pieces else _core.empty(0, dtype=_core.int64)

    def _pieces(self, generator: Any) -> Iterator[Tensor]:
        """The indices of a pass, in pieces of the length of the data (with replacement: of 32)."""
        n, left = len(self.data_source), self.num_samples
        while left > 0 and n > 0:
            size = min(left, 32 if self.replacement else n)
            if self.replacement:
                yield _core.randint(n, (size,), dtype=_core.int64, generator=generator)
            else:
                yield _core.randperm(n, generator=generator)[:size]
            left -= size

    def __len__(self) -> int:
        return self.num_samples


class SubsetRandomSampler(Sampler[int]):
    """Given indices in random order.

    Args:
        indices: a sequence of indices.
        generator: see :class:`RandomSampler`.

    Example:
        >>> import plait
        >>> sorted(plait.utils.data.SubsetRandomSampler([1, 4, 6]))
        [1, 4, 6]
    """

    def __init__(self, indices: Sequence[int], generator: Any = None) -> None:
        self.indices = indices
        self.generator = generator

    def __iter__(self) -> Iterator[int]:
        order = _core.randperm(len(self.indices), generator=self.generator).tolist()
        return (self.indices[i] for i in order)

    def __len__(self) -> int:
        return len(self.indices)


class WeightedRandomSampler(Sampler[int]):
    """Indices 0 to len(weights) - 1, each drawn with a chance that is proportional to its weight.

    Args:
        weights: non-negative numbers, not all 0.
        num_samples: how many indices to draw.
        replacement: an index may be drawn again, default True.
        generator: see :class:`RandomSampler`.

    Raises:
        ValueError: a value out of range.

    Example:
        >>> import plait
        >>> list(plait.utils.data.WeightedRandomSampler([0.0, 1.0], num_samples=3))
        [1, 1, 1]
    """

    def __init__(
        self, weights: Sequence[float], num_samples: int, replacement: bool = True, generator: Any = None
    ) -> None:
        _check_num_samples("WeightedRandomSampler", num_samples)
        if not isinstance(replacement, bool):
            raise ArgumentTypeError(f"WeightedRandomSampler: expected replacement to be a bool, got {replacement!r}")
        self.weights = _core.as_tensor(weights, dtype=_core.float64)
        if self.weights.dim() != 1:
            raise ArgumentError(f"WeightedRandomSampler: expected 1-D weights, got shape {tuple(self.weights.shape)}")
        self.num_samples = num_samples
        self.replacement = replacement
        self.generator = generator

    def __iter__(self) -> Iterator[int]:
        drawn = _core.multinomial(self.weights, self.num_samples, self.replacement, generator=self.generator)
        return iter(drawn.tolist())

    def __len__(self) -> int:
        return self.num_samples


class BatchSampler(Sampler[list[int]]):
    """Lists of ``batch_size`` indices of another sampler.

    Args:
        sampler: the indices.
        batch_size: length of a list.
        drop_last: leave out a last, shorter list.

    Raises:
        ValueError: ``batch_size`` is not a positive int.

    Example:
        >>> import plait
        >>> list(plait.utils.data.BatchSampler(range(5), batch_size=2, drop_last=False))
        [[0, 1], [2, 3], [4]]
    """

    def __init__(self, sampler: Sampler[int] | Iterable[int], batch_size: int, drop_last: bool) -> None:
        if not isinstance(batch_size, int) or isinstance(batch_size, bool) or batch_size <= 0:
            raise ArgumentError(f"BatchSampler: expected batch_size to be a positive int, got {batch_size!r}")
        if not isinstance(drop_last, bool):
            raise ArgumentError(f"BatchSampler: expected drop_last to be a bool, got {drop_last!r}")
        self.sampler = sampler
        self.batch_size = batch_size
        self.drop_last = drop_last

    def __iter__(self) -> Iterator[list[int]]:
        return self._batches(iter(self.sampler))

    def _batches(self, indices: Iterator[int]) -> Iterator[list[int]]:
        while batch := list(itertools.islice(indices, self.batch_size)):
            if len(batch) < self.batch_size and self.drop_last:
                return
            yield batch

    def __len__(self) -> int:
        n = len(self.sampler)  # type: ignore[arg-type]
        return n // self.batch_size if self.drop_last else -(-n // self.batch_size)
