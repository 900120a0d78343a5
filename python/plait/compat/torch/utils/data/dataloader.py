# SPDX-License-Identifier: MIT
"""``plait.utils.data.dataloader`` with the classes of PyTorch's iterators."""

from __future__ import annotations

from typing import Any

from plait.compat._modules import extend
from plait.utils.data.dataloader import DataLoader, _Pass
from plait.utils.data.dataset import IterableDataset

_BaseDataLoaderIter = _Pass


class _DatasetKind:
    """How a loader asks its dataset: by index, or in the dataset's own order."""

    Map, Iterable = 0, 1


class _Stream(IterableDataset):
    """Any iterable, as a dataset that gives its own batches; otherwise it looks like the iterable itself."""

    def __init__(self, iterable: Any) -> None:
        self._iterable = iterable

    def __iter__(self) -> Any:
        return iter(self._iterable)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name == "_iterable":
            raise AttributeError(name)
        return getattr(self._iterable, name)


def _as_loader(like: Any) -> DataLoader[Any]:
    """A loader with the attributes of an object that stands for one."""
    if isinstance(like, DataLoader):
        return like
    options: dict[str, Any] = {
        name: getattr(like, name)
        for name in ("collate_fn", "timeout", "worker_init_fn", "generator", "pin_memory", "num_workers")
        if hasattr(like, name)
    }
    if options.get("num_workers"):
        names = ("prefetch_factor", "persistent_workers", "multiprocessing_context")
        options |= {name: getattr(like, name) for name in names if hasattr(like, name)}
    if like._dataset_kind == _DatasetKind.Iterable:
        size = getattr(like, "batch_size", None) if like._auto_collation else None
        return DataLoader(_Stream(like.dataset), batch_size=size, drop_last=like.drop_last, **options)
    order = "batch_sampler" if like._auto_collation else "sampler"
    if not like._auto_collation:
        options["batch_size"] = None
    return DataLoader(like.dataset, **{order: like._index_sampler}, **options)


class _SingleProcessDataLoaderIter(_Pass):
    """A pass over a loader, or over an object with a loader's attributes."""

    def __init__(self, loader: Any) -> None:
        super().__init__(_as_loader(loader), None)


class _MultiProcessingDataLoaderIter(_SingleProcessDataLoaderIter):
    """The same with workers: ``loader.num_workers`` decides."""


extend(globals(), "plait.utils.data.dataloader")
