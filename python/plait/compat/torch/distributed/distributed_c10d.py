# SPDX-License-Identifier: MIT
"""``torch.distributed`` by the name of the module that has most of it in PyTorch."""

from __future__ import annotations

from torch.distributed import *  # noqa: F403
from torch.distributed import default_pg_timeout as default_pg_timeout

from plait.distributed._collectives import all_gather_into_tensor as _all_gather_base
from plait.distributed._collectives import reduce_scatter_tensor as _reduce_scatter_base
from plait.distributed._group import ProcessGroup, find_group

__all__ = ["_all_gather_base", "_get_default_group", "_rank_not_in_group", "_reduce_scatter_base"]


def _get_default_group() -> ProcessGroup:
    """The group of all processes."""
    world = find_group()
    assert world is not None
    return world


def _rank_not_in_group(group: object) -> bool:
    return find_group(group) is None
