# SPDX-License-Identifier: MIT
"""How samples become a batch."""

from __future__ import annotations

import re
from typing import Any

from plait.utils.data import default_collate, default_convert

__all__ = ["default_collate", "default_collate_fn_map", "default_convert"]

np_str_obj_array_pattern = re.compile(r"[SaUO]")
default_collate_fn_map: dict[Any, Any] = {}  # types that a program adds for `collate`


def collate(batch: Any, *, collate_fn_map: Any = None) -> Any:
    """The batch of samples of a type in the map, by its function; else as :func:`default_collate`."""
    for kind, function in {**(collate_fn_map or {}), **default_collate_fn_map}.items():
        if isinstance(batch[0], kind):
            return function(batch, collate_fn_map=collate_fn_map)
    return default_collate(batch)
