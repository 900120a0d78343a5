# SPDX-License-Identifier: MIT
"""The part of a dataset that one of several processes trains on."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sized

from ... import _core
from ..._core import ArgumentError, Generator
from .sampler import Sampler

__all__ = ["DistributedSampler"]


class DistributedSampler(Sampler[int]):
    """Every ``num_replicas``-th index, from ``rank`` on: processes see parts of the same order.

    Args:
        dataset: its length counts.
        num_replicas: how many processes there are. Default: those of the group of all processes.
        rank: which one this is, from 0. Default: its number in that group.
        shuffle: a new order in each epoch, default True; see :meth:`set_epoch`.
        seed: of the order; the same in all processes.
        drop_last: leave out what does not divide evenly. Else, the default, the first indices come again, so that
            all processes get equally many.

    Raises:
        ValueError: a number is not given and there is no group (``plait.distributed``), or the rank is out of range.

    Example:
        >>> import plait
        >>> list(plait.utils.data.DistributedSampler(range(5), num_replicas=2, rank=1, shuffle=False))
        [1, 3, 0]
    """

    def __init__(
        self,
        dataset: Sized,
        num_replicas: int | None = None,
        rank: int | None = None,
        shuffle: bool = True,
        seed: int = 0,
        drop_last: bool = False,
    ) -> None:
        if num_replicas is None or rank is None:
            from ... import distributed

            num_replicas = distributed.get_world_size() if num_replicas is None else num_replicas
            rank = distributed.get_rank() if rank is None else rank
        if num_replicas < 1 or not 0 <= rank < num_replicas:
            raise ArgumentError(f"DistributedSampler: expected a rank in [0, {num_replicas - 1}], got {rank}")
        self.dataset = dataset
        self.num_replicas = num_replicas
        self.rank = rank
        self.epoch = 0
        self.drop_last = drop_last
        n = len(dataset)
        self.num_samples = n // num_replicas if drop_last else -(-n // num_replicas)
        self.total_size = self.num_samples * num_replicas
        self.shuffle = shuffle
        self.seed = seed

    def __iter__(self) -> Iterator[int]:
        n = len(self.dataset)
        order = list(range(n))
        if self.shuffle:
            order = _core.randperm(n, generator=Generator().manual_seed(self.seed + self.epoch)).tolist()
        endless = itertools.cycle(order)
        return itertools.islice(endless, self.rank, self.total_size, self.num_replicas)

    def __len__(self) -> int:
        return self.num_samples

    def set_epoch(self, epoch: int) -> None:
        """Say which epoch begins; without it every epoch has the same order."""
        self.epoch = epoch
