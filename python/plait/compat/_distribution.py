# SPDX-License-Identifier: MIT
"""The metadata of the distribution ``torch`` that plait stands for."""

from __future__ import annotations

import importlib.metadata
from typing import Any

from ._modules import VERSION

__all__ = ["FILES", "here"]

# By name, as in a dist-info folder; RECORD depends on the place and is written by ``adopt``.
FILES = {
    "METADATA": (
        "Metadata-Version: 2.1\n"
        "Name: torch\n"
        f"Version: {VERSION}\n"
        "Summary: plait under PyTorch's name\n"
        "Requires-Dist: plait\n"
    ),
    "WHEEL": "Wheel-Version: 1.0\nGenerator: plait\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    "INSTALLER": "plait\n",
    "top_level.txt": "torch\n",
}


class _Distribution(importlib.metadata.Distribution):
    def read_text(self, filename: str) -> str | None:
        return FILES.get(filename)

    def locate_file(self, path: Any) -> Any:
        raise FileNotFoundError(f"torch {VERSION}: the distribution has no files of its own, plait has them")


def here() -> list[importlib.metadata.Distribution]:
    """The distribution, unless the environment has it as files."""
    adopted = importlib.metadata.MetadataPathFinder.find_distributions(
        importlib.metadata.DistributionFinder.Context(name="torch")
    )
    return [] if any(d.version == VERSION for d in adopted) else [_Distribution()]
