# SPDX-License-Identifier: MIT
"""Datasets: things with an index, things to iterate over, and combinations of them."""

from __future__ import annotations

import bisect
import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Generic, TypeVar

from ... import _core
from ..._core import ArgumentError, ArgumentIndexError, ArgumentTypeError, Tensor

__all__ = [
    "ChainDataset",
    "ConcatDataset",
    "Dataset",
    "IterableDataset",
    "StackDataset",
    "Subset",
    "TensorDataset",
    "random_split",
]

T_co = TypeVar("T_co", covariant=True)


class Dataset(Generic[T_co]):
    """A collection of samples by index; a subclass implements ``__getitem__`` and usually ``__len__``.

    It may also implement ``__getitems__(indices)``, which returns a list of samples at once.

    Example:
        >>> import plait
        >>> class Squares(plait.utils.data.Dataset):
        ...     def __len__(self):
        ...         return 5
        ...     def __getitem__(self, i):
        ...         return i * i
        >>> Squares()[3], len(Squares() + Squares())
        (9, 10)
    """

    def __getitem__(self, index: Any) -> T_co:
        raise NotImplementedError(f"{type(self).__name__}: a subclass of Dataset implements __getitem__")

    def __add__(self, other: Dataset[T_co]) -> ConcatDataset[T_co]:
        return ConcatDataset([self, other])


class IterableDataset(Dataset[T_co]):
    """A stream of samples; a subclass implements ``__iter__``.

    With several DataLoader workers each one iterates over the dataset: use
    :func:`~plait.utils.data.get_worker_info` in ``__iter__`` to give each its own part.

    Example:
        >>> import plait
        >>> class Count(plait.utils.data.IterableDataset):
        ...     def __iter__(self):
        ...         return iter(range(4))
        >>> [batch.tolist() for batch in plait.utils.data.DataLoader(Count(), batch_size=2)]
        [[0, 1], [2, 3]]
    """

    def __iter__(self) -> Iterator[T_co]:
        raise NotImplementedError(f"{type(self).__name__}: a subclass of IterableDataset implements __iter__")

    def __add__(self, other: Dataset[T_co]) -> ChainDataset[T_co]:  # type: ignore[override]
        return ChainDataset([self, other])


class TensorDataset(Dataset[tuple[Any, ...]]):
    """Samples along the first dimension of tensors: item i is ``(t[i] for each t)``.

    DataLoader fetches whole batches of it with one gather.

    Args:
        tensors: tensors whose first dimensions are equal.

    Raises:
        ValueError: the first dimensions differ.

    Example:
        >>> import plait
        >>> data = plait.utils.data.TensorDataset(plait.zeros(3, 2), plait.arange(3))
        >>> data[1]
        (tensor([0., 0.]), tensor(1))
    """

    def __init__(self, *tensors: Tensor) -> None:
        sizes = [tuple(t.shape) for t in tensors]
        if not tensors or any(len(s) == 0 or s[0] != sizes[0][0] for s in sizes):
            raise ArgumentError(f"TensorDataset: expected tensors with the same first dimension, got shapes {sizes}")
        self.tensors = tensors

    def __getitem__(self, index: Any) -> tuple[Any, ...]:
        return tuple(t[index] for t in self.tensors)

    def __len__(self) -> int:
        return self.tensors[0].shape[0]

    def _fetch_batch(self, indices: Tensor) -> list[Tensor]:
        """The samples at ``indices`` (1-D int64), already collated. See :func:`batch_source`."""
        return [t.index_select(0, indices) for t in self.tensors]


class StackDataset(Dataset[Any]):
    """Datasets of the same length side by side: item i is a tuple, or a dict, of their items i.

    Args:
        args: datasets, for tuples.
        kwargs: datasets, for dicts.

    Raises:
        ValueError: none given, both kinds given, or the lengths differ.

    Example:
        >>> import plait
        >>> data = plait.utils.data.StackDataset(x=plait.arange(3), y=[4, 5, 6])
        >>> data[1]
        {'x': tensor(1), 'y': 5}
    """

    def __init__(self, *args: Dataset[Any], **kwargs: Dataset[Any]) -> None:
        if bool(args) == bool(kwargs):
            raise ArgumentError("StackDataset: expected datasets by position or by name, got both or none")
        self.datasets: Any = args or kwargs
        lengths = [len(d) for d in (args or kwargs.values())]  # type: ignore[arg-type]
        if len(set(lengths)) != 1:
            raise ArgumentError(f"StackDataset: expected datasets of one length, got lengths {lengths}")
        self._length = lengths[0]

    def __getitem__(self, index: Any) -> Any:
        if isinstance(self.datasets, dict):
            return {k: d[index] for k, d in self.datasets.items()}
        return tuple(d[index] for d in self.datasets)

    def __len__(self) -> int:
        return self._length


class ConcatDataset(Dataset[T_co]):
    """Datasets one behind the other.

    Args:
        datasets: datasets with an index.

    Raises:
        ValueError: none given.
        TypeError: one is an IterableDataset.

    Example:
        >>> import plait
        >>> a, b = plait.utils.data.TensorDataset(plait.ones(2)), plait.utils.data.TensorDataset(plait.zeros(3))
        >>> len(plait.utils.data.ConcatDataset([a, b]))
        5
    """

    def __init__(self, datasets: Iterable[Dataset[T_co]]) -> None:
        self.datasets = list(datasets)
        if not self.datasets:
            raise ArgumentError("ConcatDataset: expected at least one dataset, got none")
        if any(isinstance(d, IterableDataset) for d in self.datasets):
            raise ArgumentTypeError("ConcatDataset: expected datasets with an index, got an IterableDataset")
        self.cumulative_sizes = list(itertools.accumulate(len(d) for d in self.datasets))  # type: ignore[arg-type]

    def __len__(self) -> int:
        return self.cumulative_sizes[-1]

    def __getitem__(self, index: int) -> T_co:
        n = len(self)
        if not -n <= index < n:
            raise ArgumentIndexError(f"ConcatDataset: expected an index in [{-n}, {n}), got {index}")
        index %= n
        which = bisect.bisect_right(self.cumulative_sizes, index)
        return self.datasets[which][index - (self.cumulative_sizes[which - 1] if which else 0)]


class ChainDataset(IterableDataset[T_co]):
    """IterableDatasets one behind the other.

    Args:
        datasets: iterable datasets.

    Example:
        >>> import plait
        >>> class Count(plait.utils.data.IterableDataset):
        ...     def __iter__(self):
        ...         return iter(range(2))
        ...
        >>> list(plait.utils.data.ChainDataset([Count(), Count()]))
        [0, 1, 0, 1]
    """

    def __init__(self, datasets: Iterable[Dataset[T_co]]) -> None:
        self.datasets = datasets

    def __iter__(self) -> Iterator[T_co]:
        for d in self.datasets:
            if not isinstance(d, IterableDataset):
                raise ArgumentTypeError(f"ChainDataset: expected IterableDatasets, got {type(d).__name__}")
            yield from d

    def __len__(self) -> int:
        return sum(len(d) for d in self.datasets)  # type: ignore[arg-type, misc]


class Subset(Dataset[T_co]):
    """The samples of a dataset at given indices.

    Args:
        dataset: with an index.
        indices: into ``dataset``, in the order of the subset.

    Example:
        >>> import plait
        >>> plait.utils.data.Subset("abcd", [3, 0])[0]
        'd'
    """

    def __init__(self, dataset: Dataset[T_co], indices: Sequence[int]) -> None:
        self.dataset = dataset
        self.indices = indices

    def __getitem__(self, index: Any) -> T_co:
        if isinstance(index, list):
            return self.dataset[[self.indices[i] for i in index]]
        return self.dataset[self.indices[index]]

    def __getitems__(self, indices: list[int]) -> list[T_co]:
        fetch = getattr(self.dataset, "__getitems__", None)
        if callable(fetch):
            return fetch([self.indices[i] for i in indices])
        return [self.dataset[self.indices[i]] for i in indices]

    def __len__(self) -> int:
        return len(self.indices)


def batch_source(dataset: Any) -> Any:
    """A function from indices (1-D int64 tensor) to a collated batch, or None: fetch samples singly.

    A class may offer ``_fetch_batch``; it is used only if ``__getitem__`` is that of the same class, so that
    a subclass which changes single samples is respected. Subsets of such datasets map their indices.
    """
    if isinstance(dataset, Subset):
        if not _defines_samples(dataset, Subset):
            return None
        inner = batch_source(dataset.dataset)
        if inner is None:
            return None
        indices = _core.as_tensor(dataset.indices, dtype=_core.int64)
        return lambda i: inner(indices.index_select(0, i))
    for cls in type(dataset).__mro__:
        if "_fetch_batch" in cls.__dict__:
            fits = _defines_samples(dataset, cls) and getattr(dataset, "_batches_directly", True)
            return dataset._fetch_batch if fits else None
    return None


def _defines_samples(dataset: Any, cls: type) -> bool:
    """Whether samples of ``dataset`` are fetched by the methods of ``cls`` and not of a subclass."""
    own = type(dataset)
    return all(
        getattr(own, name, None) is getattr(cls, name, None) for name in ("__getitem__", "__getitems__", "__len__")
    )


def random_split(dataset: Dataset[T_co], lengths: Sequence[int | float], generator: Any = None) -> list[Subset[T_co]]:
    """Split a dataset at random into subsets that do not overlap.

    Args:
        dataset: with a length.
        lengths: sizes that sum to it, or shares that sum to 1; what rounding leaves over goes to the first
            subsets, one sample each.
        generator: of the permutation, default the global one.

    Returns:
        A list of :class:`Subset`.

    Raises:
        ValueError: the lengths do not fit.

    Example:
        >>> import plait
        >>> parts = plait.utils.data.random_split(range(10), [0.7, 0.3], plait.Generator().manual_seed(0))
        >>> [len(p) for p in parts]
        [7, 3]
    """
    n = len(dataset)  # type: ignore[arg-type]
    if math.isclose(sum(lengths), 1) and sum(lengths) <= 1:
        if any(not 0 <= share <= 1 for share in lengths):
            raise ArgumentError(f"random_split: expected shares in [0, 1], got {list(lengths)}")
        sizes = [math.floor(n * share) for share in lengths]
        for i in range(n - sum(sizes)):
            sizes[i % len(sizes)] += 1
    else:
        sizes = [int(size) for size in lengths]
    if sum(sizes) != n or any(size < 0 for size in sizes):
        raise ArgumentError(f"random_split: expected lengths that sum to {n}, got {list(lengths)}")
    order = _core.randperm(n, generator=generator).tolist()
    ends = list(itertools.accumulate(sizes))
    return [Subset(dataset, order[end - size : end]) for size, end in zip(sizes, ends)]
