# SPDX-License-Identifier: MIT
"""The files of TensorBoard's projector: points, labels, a picture of all images, and what belongs together."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import numpy as np

from ..._core import ArgumentError
from ._records import png

__all__ = ["write_points"]


def _cell(value: Any) -> str:
    return re.sub(r"[\t\r\n]", " ", str(value))


def _rows(rows: Any) -> str:
    return "".join("\t".join(_cell(x) for x in row) + "\n" for row in rows)


def _sprite(images: np.ndarray) -> np.ndarray:
    """Images (N, C, H, W) in a square grid, (rows * H, rows * W, C) bytes."""
    n, c, h, w = images.shape
    if images.dtype != np.uint8:
        images = (np.nan_to_num(images).clip(0, 1) * 255).round().astype(np.uint8)
    side = math.ceil(math.sqrt(n))
    grid = np.zeros((side * side, h, w, c), np.uint8)
    grid[:n] = images.transpose(0, 2, 3, 1)
    return grid.reshape(side, side, h, w, c).transpose(0, 2, 1, 3, 4).reshape(side * h, side * w, c)


def write_points(
    log_dir: Path, points: np.ndarray, metadata: Any, images: np.ndarray | None, step: int, tag: str, header: Any
) -> None:
    """See ``SummaryWriter.add_embedding``."""
    if points.ndim != 2:
        raise ArgumentError(f"add_embedding: expected mat of 2 dimensions, got shape {points.shape}")
    if metadata is not None and len(metadata) != len(points):
        raise ArgumentError(f"add_embedding: expected a label for each of {len(points)} points, got {len(metadata)}")
    if images is not None and (images.ndim != 4 or len(images) != len(points)):
        raise ArgumentError(f"add_embedding: expected images (N, C, H, W) for {len(points)} points, got {images.shape}")
    place = f"{step:05d}/{re.sub(r'[^0-9A-Za-z_./-]', '_', tag)}"
    folder = log_dir / place
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tensors.tsv").write_text(_rows(points.tolist()))
    entry = [f'tensor_name: "{tag}:{step:05d}"', f'tensor_path: "{place}/tensors.tsv"']
    if metadata is not None:
        labels = _rows([header, *metadata]) if header else "".join(_cell(x) + "\n" for x in metadata)
        (folder / "metadata.tsv").write_text(labels)
        entry.append(f'metadata_path: "{place}/metadata.tsv"')
    if images is not None:
        (folder / "sprite.png").write_bytes(png(_sprite(images)))
        height, width = images.shape[2:]
        entry.append(
            f'sprite {{ image_path: "{place}/sprite.png" single_image_dim: {width} single_image_dim: {height} }}'
        )
    with open(log_dir / "projector_config.pbtxt", "a", encoding="utf-8") as file:
        file.write("embeddings {\n" + "".join(f"  {line}\n" for line in entry) + "}\n")
