# SPDX-License-Identifier: MIT
"""Digits scattered over cluttered canvases: pictures for programs that find them, with boxes, labels and masks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.colors import ListedColormap

import plait
import plait.nn as nn
import plait.nn.functional as F
from plait.datasets import MNIST

SIZE, FRAMES = 64, (22, 26, 30, 34)  # pixels of a canvas, and of the squares to which digits are scaled
SCRAPS = 10  # pieces of other digits on a canvas
COLOURS = ("#1f5fbf", "#e08a1e", "#1e7a46", "#c0392b", "#7b4fa3", "#8c5a3c", "#d65fa4", "#5b6675", "#8f9a1f", "#1aa3b8")

GREYS = ListedColormap([str(1 - level / 5) for level in range(6)])  # few shades: the noise stays, the file is small
Digits = tuple[plait.Tensor, plait.Tensor]  # images (N, 1, 28, 28) and what they show (N,)


@dataclass
class Canvases:
    """Images (N, 1, SIZE, SIZE) in [0, 1]; of each its boxes (K, 4), as x1, y1, x2, y2, and labels (K,); masks
    (N, SIZE, SIZE) that say of every pixel 0 for background and 1 + d for the ink of a digit d."""

    images: plait.Tensor
    boxes: list[plait.Tensor]
    labels: list[plait.Tensor]
    masks: plait.Tensor

    def __len__(self) -> int:
        return len(self.images)


def scaled(digits: plait.Tensor, rng: np.random.Generator) -> list[np.ndarray]:
    """Each digit (28, 28) at one of the sizes, cut to its ink."""
    frame = rng.integers(len(FRAMES), size=len(digits))
    cut: list[Any] = [None] * len(digits)
    for index, size in enumerate(FRAMES):
        chosen = np.flatnonzero(frame == index)
        if len(chosen):
            pictures = F.interpolate(digits[chosen], (size, size), mode="bilinear").numpy()[:, 0]
            for place, picture in zip(chosen, pictures, strict=True):
                rows, columns = (np.flatnonzero(picture.max(axis=axis) > 0.3) for axis in (1, 0))
                cut[place] = picture[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return cut


def free_place(
    rng: np.random.Generator, height: int, width: int, taken: list[tuple[int, int, int, int]]
) -> tuple[int, int] | None:
    """Where a picture covers no other one's box by more than 2 pixels, or None if ten trials found nothing."""
    for _ in range(10):
        x, y = int(rng.integers(SIZE - width + 1)), int(rng.integers(SIZE - height + 1))
        if all(x + width <= a + 2 or c <= x + 2 or y + height <= b + 2 or d <= y + 2 for a, b, c, d in taken):
            return x, y
    return None


def read_digits(folder: str | None, train: bool) -> Digits:
    data = MNIST(folder, train=train)
    return data.images, data.targets


def scatter(digits: Digits, count: int, seed: int) -> Canvases:
    """`count` canvases, each with 1 to 4 digits, SCRAPS pieces of others, and noise; the same for the same seed."""
    rng = np.random.default_rng(seed)
    each = rng.integers(1, 5, size=count)
    chosen = rng.integers(len(digits[0]), size=each.sum())
    pictures, names = scaled(digits[0][chosen], rng), digits[1][chosen].numpy()
    scraps = digits[0][rng.integers(len(digits[0]), size=(count, SCRAPS))].numpy()[:, :, 0]
    cuts, places = rng.integers(5, 16, size=(count, SCRAPS, 2)), rng.integers(SIZE - 7, size=(count, SCRAPS, 2))
    shades, inks = rng.uniform(0.5, 1, size=(count, SCRAPS)), rng.uniform(0.6, 1, size=len(chosen))
    result = Canvases(plait.zeros(count, 1, SIZE, SIZE), [], [], plait.zeros(count, SIZE, SIZE, dtype=plait.int64))
    images, masks, digit = result.images.numpy()[:, 0], result.masks.numpy(), 0
    for index, (image, mask) in enumerate(zip(images, masks, strict=True)):
        for scrap, (a, b), (x, y), shade in zip(scraps[index], cuts[index], places[index], shades[index], strict=True):
            under = image[y : y + 7, x : x + 7]
            np.maximum(under, shade * scrap[a : a + 7, b : b + 7], out=under)
        boxes: list[tuple[int, int, int, int]] = []
        labels = []
        for _ in range(each[index]):
            height, width = pictures[digit].shape
            place = free_place(rng, height, width, boxes)
            if place is not None:
                x, y = place
                under = image[y : y + height, x : x + width]
                np.maximum(under, inks[digit] * pictures[digit], out=under)
                mask[y : y + height, x : x + width][pictures[digit] > 0.4] = 1 + names[digit]
                boxes.append((x, y, x + width, y + height))
                labels.append(int(names[digit]))
            digit += 1
        result.boxes.append(plait.tensor(boxes, dtype=plait.float32))
        result.labels.append(plait.tensor(labels))
    result.images += 0.08 * plait.from_numpy(rng.standard_normal(result.images.shape, dtype=np.float32))
    result.images.clamp_(0, 1)
    return result


def block(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    """What nets that look at canvases are made of."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()
    )
