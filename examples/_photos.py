# SPDX-License-Identifier: MIT
"""The photographs that several examples learn from, as arrays: this file needs NumPy alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np

CLASSES = ("plane", "car", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "lorry")
Part = tuple[np.ndarray, np.ndarray]


def load_photos(folder: Path) -> tuple[Part, Part]:
    """8,000 photographs of CIFAR-10 to learn from and the rest to test: uint8 (N, 3, 32, 32) and classes (N,)."""
    with np.load(folder / "cifar10_subset.npz") as file:
        images, classes = file["x"].transpose(0, 3, 1, 2).copy(), file["y"].astype(np.int64)
    return (images[:8000], classes[:8000]), (images[8000:], classes[8000:])
