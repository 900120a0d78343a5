# SPDX-License-Identifier: MIT
"""What the namespace can do, as the standard asks for it."""

from __future__ import annotations

from typing import Any

from .._core import dtype
from ._dtypes import DTYPES, isdtype
from ._package import plait

__all__ = ["__array_namespace_info__"]


class _Info:
    def capabilities(self) -> dict[str, Any]:
        return {"boolean indexing": True, "data-dependent shapes": True, "max dimensions": 64}

    def default_device(self) -> Any:
        return plait.device("cpu")

    def devices(self) -> list[Any]:
        return [plait.device("cpu")]

    def default_dtypes(self, *, device: Any = None) -> dict[str, dtype]:
        real = plait.get_default_dtype()
        found = {"real floating": real, "integral": plait.int64, "indexing": plait.int64}
        if "complex64" in DTYPES:
            found["complex floating"] = DTYPES["complex128" if real == plait.float64 else "complex64"]
        return found

    def dtypes(self, *, device: Any = None, kind: Any = None) -> dict[str, dtype]:
        return {name: d for name, d in DTYPES.items() if kind is None or isdtype(d, kind)}


def __array_namespace_info__() -> _Info:
    """An object that tells capabilities, devices and dtypes.

    Returns:
        An object with the methods ``capabilities``, ``default_device``, ``default_dtypes``, ``devices`` and ``dtypes``.

    Example:
        >>> import plait
        >>> plait.array_api.__array_namespace_info__().default_dtypes()["integral"]
        plait.int64
    """
    return _Info()
