# SPDX-License-Identifier: MIT
"""``plait.utils.data.dataloader`` with the classes of PyTorch's iterators."""

from __future__ import annotations

from plait.compat._modules import extend


class _BaseDataLoaderIter:
    """There is no object of this class: loaders are iterated by generators."""


class _SingleProcessDataLoaderIter(_BaseDataLoaderIter):
    """See :class:`_BaseDataLoaderIter`."""


class _MultiProcessingDataLoaderIter(_BaseDataLoaderIter):
    """See :class:`_BaseDataLoaderIter`."""


extend(globals(), "plait.utils.data.dataloader")
