# SPDX-License-Identifier: MIT
"""How a batch is made out of what the sampler gives, or out of a stream."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from ... import _core
from ..._core import Tensor
from ._collate import default_collate
from .dataset import batch_source
from .sampler import BatchSampler, RandomSampler, SequentialSampler

__all__ = ["End", "Recipe", "index_tensors"]


class End:
    """What a stream that is used up gives in place of a batch."""


@dataclass
class Recipe:
    """What a loader does to make a batch; each worker has a copy with its own dataset."""

    dataset: Any
    collate: Callable[[Any], Any]
    is_stream: bool
    batch_size: int | None  # of a stream
    drop_last: bool
    in_batches: bool  # a task is a list of indices, not one index

    def fetcher(self) -> Callable[[Any], Any]:
        """A function from what a task names to a batch, for one pass."""
        if self.is_stream:
            return _Stream(self)
        dataset, collate = self.dataset, self.collate
        if not self.in_batches:
            return lambda index: collate(dataset[index])
        source = self.source()
        if source is not None:
            return lambda indices: source(_core.as_tensor(indices, dtype=_core.int64))
        several = getattr(dataset, "__getitems__", None)
        if callable(several):
            return lambda indices: collate(several(indices))
        return lambda indices: collate([dataset[i] for i in indices])

    def source(self) -> Any:
        """See :func:`~plait.utils.data.dataset.batch_source`; None with a collate function of the user's."""
        return batch_source(self.dataset) if self.collate is default_collate else None


def index_tensors(batches: Any) -> Iterator[Tensor] | None:
    """What the common batch samplers give, as tensors cut from the whole order; None for others."""
    if type(batches) is not BatchSampler or type(batches.sampler) not in (SequentialSampler, RandomSampler):
        return None
    sampler: Any = batches.sampler
    order = sampler._order()
    size = batches.batch_size
    end = len(order) - len(order) % size if batches.drop_last else len(order)
    return (order[i : min(i + size, end)] for i in range(0, end, size))


class _Stream:
    """Batches of an IterableDataset. An iterator that has ended is not asked again."""

    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe
        self._samples: Iterator[Any] | None = None
        self._ended = False

    def _next(self) -> Any:
        if self._ended:
            return End
        if self._samples is None:
            self._samples = iter(self._recipe.dataset)
        sample = next(self._samples, End)
        self._ended = sample is End
        return sample

    def __call__(self, _: None) -> Any:
        recipe = self._recipe
        if recipe.batch_size is None:
            sample = self._next()
            return End if sample is End else recipe.collate(sample)
        samples: list[Any] = []
        while len(samples) < recipe.batch_size and (sample := self._next()) is not End:
            samples.append(sample)
        if not samples or (recipe.drop_last and len(samples) < recipe.batch_size):
            return End
        return recipe.collate(samples)
