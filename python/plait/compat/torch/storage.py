# SPDX-License-Identifier: MIT
"""Classes of memory blocks. Tensors own their memory; ``untyped_storage()`` tells its address and size."""

from plait.compat._names import TypedStorage, UntypedStorage

__all__ = ["TypedStorage", "UntypedStorage"]

_LegacyStorage = TypedStorage
