# SPDX-License-Identifier: MIT
"""How tensors are sent to other processes."""

from __future__ import annotations

from multiprocessing.reduction import ForkingPickler
from typing import Any

from plait._shared_memory import reduce_shared as reduce_tensor
from plait._shared_memory import register_reducers as init_reductions

__all__ = ["ForkingPickler", "StorageWeakRef", "init_reductions", "reduce_tensor"]


class StorageWeakRef:
    """Names the memory of a storage, by its address, without keeping it."""

    def __init__(self, storage: Any) -> None:
        self.cdata = storage._cdata if hasattr(storage, "_cdata") else storage.untyped()._cdata

    def __hash__(self) -> int:
        return self.cdata

    def __eq__(self, other: object) -> bool:
        return isinstance(other, StorageWeakRef) and self.cdata == other.cdata
