# SPDX-License-Identifier: MIT
"""The handwritten digits that come with scikit-learn."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from .. import _core
from .._core import ArgumentError, Generator, Tensor
from ._images import ImageDataset

__all__ = ["Digits"]


class Digits(ImageDataset):
    """1,797 handwritten digits of 8x8 pixels, the test part of the UCI set. Needs scikit-learn, no network.

    Args:
        train: the training part; False: the test part. The split has a fixed seed.
        test_size: share of the test part, default 0.2 (360 images).
        seed: of the split, default 0.
        transform, target_transform: applied to the image, float32 (1, 8, 8), and the target.

    Items are (image, int): float32 (1, 8, 8) in [0, 1], and 0 to 9. ``data`` is float32 (n, 1, 8, 8).

    Raises:
        ImportError: scikit-learn is not installed.
        ValueError: ``test_size`` is not between 0 and 1.

    Source: Alpaydin and Kaynak, "Optical recognition of handwritten digits", UCI repository, 1998.

    Example:
        >>> import plait
        >>> train, test = plait.datasets.Digits(), plait.datasets.Digits(train=False)
        >>> len(train), len(test), train.data.shape[1:]
        (1437, 360, plait.Size([1, 8, 8]))
    """

    classes = [str(i) for i in range(10)]

    def __init__(
        self,
        train: bool = True,
        test_size: float = 0.2,
        seed: int = 0,
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
    ) -> None:
        super().__init__(transform, target_transform)
        if not 0 < test_size < 1:
            raise ArgumentError(f"Digits: expected test_size between 0 and 1, got {test_size}")
        try:
            from sklearn.datasets import load_digits  # type: ignore[import-untyped]
        except ImportError as error:
            raise ImportError(
                "Digits: expected scikit-learn, which has them, got none\nhint: pip install scikit-learn"
            ) from error
        digits = load_digits()
        n = len(digits.target)
        order = _core.randperm(n, generator=Generator().manual_seed(seed))
        n_test = math.ceil(n * test_size)
        part = order[n_test:] if train else order[:n_test]
        images = _core.from_numpy(digits.images.astype("float32") / 16).unsqueeze(1)
        self.train = train
        self.data = images.index_select(0, part)
        self.targets = _core.from_numpy(digits.target.astype("int64")).index_select(0, part)

    def _raw(self, index: int) -> Tensor:
        return self.data[index]

    def _to_float(self, raw: Tensor) -> Tensor:
        return raw.clone()
