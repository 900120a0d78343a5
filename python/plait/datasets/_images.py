# SPDX-License-Identifier: MIT
"""What the image datasets share: images and targets in memory, one transform for each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .._core import ArgumentIndexError, Tensor
from ..utils.data import Dataset

__all__ = ["ImageDataset"]


class ImageDataset(Dataset[Any]):
    """Images in one tensor and an int for each. A subclass sets ``data`` and ``targets``.

    Attributes:
        data: the images as they are stored.
        targets: int64, (n,).
        classes: a name for each class.
        transform: applied to ``_raw(i)``, or None: items are float32 tensors (channels, height, width).
        target_transform: applied to the target, or None.
    """

    classes: list[str]
    data: Tensor
    targets: Tensor

    def __init__(
        self,
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
    ) -> None:
        self.transform = transform
        self.target_transform = target_transform

    def _raw(self, index: int) -> Any:
        """What ``transform`` is given for one image."""
        raise NotImplementedError

    def _raw_batch(self, indices: Tensor) -> Any:
        """The stored images at ``indices``, as ``_batch`` of a transform takes them: see ``ToTensor``."""
        return self.data.index_select(0, indices)

    def _to_float(self, raw: Tensor) -> Tensor:
        """The default transform, for a batch: float32 (n, channels, height, width)."""
        raise NotImplementedError

    @property
    def images(self) -> Tensor:
        """All images as the dataset gives them without a transform: float32 (n, channels, height, width)."""
        return self._to_float(self.data)

    @property
    def class_to_idx(self) -> dict[str, int]:
        """The target of each class's name."""
        return {name: i for i, name in enumerate(self.classes)}

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        n = len(self)
        if not -n <= index < n:
            raise ArgumentIndexError(f"{type(self).__name__}: expected an index in [{-n}, {n}), got {index}")
        if self.transform is None:
            image = self._to_float(self.data[index].unsqueeze(0))[0]
        else:
            image = self.transform(self._raw(index))
        target: Any = int(self.targets[index])
        if self.target_transform is not None:
            target = self.target_transform(target)
        return image, target

    @property
    def _batches_directly(self) -> bool:
        return self.target_transform is None and (self.transform is None or can_batch(self.transform))

    def _fetch_batch(self, indices: Tensor) -> list[Tensor]:
        raw = self._raw_batch(indices)
        images = self._to_float(raw) if self.transform is None else self.transform._batch(raw)  # type: ignore[attr-defined]
        return [images, self.targets.index_select(0, indices)]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self)} images, {len(self.classes)} classes)"


def can_batch(transform: Any) -> bool:
    """Whether a transform is known to do to a batch what it does to single images."""
    return bool(getattr(transform, "_can_batch", False))
