# SPDX-License-Identifier: MIT
"""How ``vmap`` reads an index that is a tensor; plait's needs no help."""

from __future__ import annotations

from typing import Any

__all__ = ["TransformGetItemToIndex"]


class TransformGetItemToIndex:
    """A context without an effect."""

    def __enter__(self) -> TransformGetItemToIndex:
        return self

    def __exit__(self, *error: Any) -> None:
        pass
