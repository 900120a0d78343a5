# SPDX-License-Identifier: MIT
"""Names of layouts and memory formats, as objects that print with their module and compare as text."""

from __future__ import annotations

__all__ = [
    "channels_last",
    "channels_last_3d",
    "contiguous_format",
    "layout",
    "memory_format",
    "preserve_format",
    "sparse_coo",
    "sparse_csr",
    "strided",
]


class _Name(str):
    __slots__ = ()

    def __repr__(self) -> str:
        return f"{type(self).__module__}.{str.__str__(self)}"

    def __str__(self) -> str:
        return repr(self)

    def __reduce__(self) -> tuple[type, tuple[str]]:
        return type(self), (str.__str__(self),)


class layout(_Name):
    """How a tensor keeps its elements: ``strided``, ``sparse_coo`` or ``sparse_csr``.

    Example:
        >>> import plait
        >>> plait.zeros(2).layout
        plait.strided
    """

    __slots__ = ()


class memory_format(_Name):
    """An order of dimensions in memory: ``contiguous_format``, ``preserve_format``, ``channels_last``, ...

    Example:
        >>> import plait
        >>> plait.channels_last
        plait.channels_last
    """

    __slots__ = ()


layout.__module__ = memory_format.__module__ = "plait"

strided = layout("strided")
sparse_coo = layout("sparse_coo")
sparse_csr = layout("sparse_csr")
contiguous_format = memory_format("contiguous_format")
preserve_format = memory_format("preserve_format")
channels_last = memory_format("channels_last")
channels_last_3d = memory_format("channels_last_3d")
