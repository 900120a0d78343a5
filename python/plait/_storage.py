# SPDX-License-Identifier: MIT
"""The memory block of a tensor."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from . import _core
from ._core import ArgumentError, Tensor

__all__ = ["Storage"]


class Storage:
    """The memory block of a tensor: its address, its bytes, and which tensors share it."""

    def __init__(self, t: Tensor) -> None:
        self._t = t

    @classmethod
    def from_file(cls, filename: str | os.PathLike[str], shared: bool = False, nbytes: int = 0) -> Storage:
        """The first ``nbytes`` of a file, mapped; written to the file if ``shared``, else kept by the process.

        Raises:
            ValueError: if the file has fewer bytes.
        """
        size = os.path.getsize(filename)
        if not 0 <= nbytes <= size:
            raise ArgumentError(f"from_file: expected at most the {size} bytes of the file, got nbytes={nbytes}")
        if nbytes == 0:  # nothing can be mapped
            return cls(_core.empty(0, dtype=_core.uint8))
        return cls(_core.as_tensor(np.memmap(filename, np.uint8, "r+" if shared else "c", shape=(nbytes,))))

    def _bytes(self) -> Tensor:
        return _core.as_strided(self._t.detach().view(_core.uint8), (self.nbytes(),), (1,), 0)

    def __getitem__(self, index: Any) -> Any:
        """A byte as a number, a slice as a storage that shares the memory."""
        part = self._bytes()[index]
        return type(self)(part) if isinstance(index, slice) else int(part)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return self._t.numpy() if dtype is None else self._t.numpy().astype(dtype)

    def data_ptr(self) -> int:
        return self._t.data_ptr() - self._t.storage_offset() * self._t.itemsize

    def nbytes(self) -> int:
        return self._t._storage_nbytes()

    def size(self) -> int:
        return self.nbytes()

    def __len__(self) -> int:
        return self.nbytes()

    @property
    def device(self) -> Any:
        return self._t.device

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Storage) and self._t._shares_storage(other._t)

    def __hash__(self) -> int:
        return hash(self.data_ptr())
