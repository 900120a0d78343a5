# SPDX-License-Identifier: MIT
"""Tensors spread over several processes: there are none."""

from __future__ import annotations

from typing import Any

__all__ = ["DTensor", "Partial", "Placement", "Replicate", "Shard"]


class DTensor:
    """There is no object of this class."""

    def __init__(self, *args: Any, **options: Any) -> None:
        raise RuntimeError("DTensor: plait runs in one process, no tensor is spread")


class Placement:
    """How a tensor would be spread."""


class Replicate(Placement):
    """See :class:`Placement`."""


class Shard(Placement):
    """See :class:`Placement`."""

    def __init__(self, dim: int) -> None:
        self.dim = dim


class Partial(Placement):
    """See :class:`Placement`."""
