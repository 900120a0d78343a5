# SPDX-License-Identifier: MIT
"""CIFAR-10, CIFAR-100 and a tenth of the former, photographs of 32x32 pixels."""

from __future__ import annotations

import hashlib
import os
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from .. import _core
from .._core import ArgumentError, Tensor
from ._files import download_file, root_folder
from ._images import ImageDataset

__all__ = ["CIFAR10", "CIFAR100", "CIFAR10Subset"]

_PIXELS = 3 * 32 * 32


class _Photos(ImageDataset):
    """``data`` is uint8 (n, 32, 32, 3)."""

    def _set(self, images: np.ndarray, labels: np.ndarray) -> None:
        name = type(self).__name__
        if images.shape != (len(labels), 32, 32, 3) or images.dtype != np.uint8:
            raise ArgumentError(
                f"{name}: expected uint8 images (n, 32, 32, 3) for {len(labels)} labels, got {images.dtype} "
                f"{images.shape}"
            )
        if len(labels) and not 0 <= labels.min() <= labels.max() < len(self.classes):
            raise ArgumentError(
                f"{name}: expected labels from 0 to {len(self.classes) - 1}, got {labels.min()} to {labels.max()}"
            )
        self.data = _core.from_numpy(np.ascontiguousarray(images))
        self.targets = _core.from_numpy(labels.astype(np.int64))

    def _raw(self, index: int) -> np.ndarray:
        return self.data[index].numpy()

    def _raw_batch(self, indices: Tensor) -> np.ndarray:
        return self.data.index_select(0, indices).numpy()  # (n, height, width, channels) as an array: see ToTensor

    def _to_float(self, raw: Any) -> Tensor:
        images = _core.as_tensor(raw).permute(0, 3, 1, 2).contiguous()
        return images.to(_core.float32).div_(255)


class CIFAR10(_Photos):
    """60,000 photographs of 32x32 pixels in 10 classes: 50,000 to train with and 10,000 to test.

    Args:
        root: the folder above ``cifar-10-batches-bin`` or ``cifar-10-batches-py``, or one of these. Default: the
            environment variable PLAIT_DATA.
        train: the training part; False: the test part.
        transform: applied to the image, a uint8 NumPy array (32, 32, 3); see :mod:`plait.transforms`. None: items are
            float32 tensors (3, 32, 32) in [0, 1].
        target_transform: applied to the target, an int.
        download: fetch the binary form to ``root`` where it is missing, and check its hash.

    ``data`` is uint8 (n, 32, 32, 3), ``targets`` int64 (n,), ``images`` float32 (n, 3, 32, 32).

    Raises:
        FileNotFoundError: the files are not there; the text lists the folders.
        ValueError: a file is damaged.
        OSError: the download failed.

    Source: Krizhevsky, "Learning multiple layers of features from tiny images", 2009.

    Example:
        >>> data = plait.datasets.CIFAR10("data", train=False, download=True)  # doctest: +SKIP
        >>> len(data), data.data.shape, data.classes[data[0][1]]  # doctest: +SKIP
        (10000, plait.Size([10000, 32, 32, 3]), 'cat')
    """

    classes = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
    folders = ("cifar-10-batches-bin", "cifar-10-batches-py")
    train_files = [f"data_batch_{i}" for i in range(1, 6)]
    test_files = ["test_batch"]
    label_bytes = 1  # before an image in the binary form; the last of them is the label
    label_name = "labels"  # in the other form
    archive = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"
    archive_md5 = "c32a1d4ab5d03f1284b67883e8d87530"

    def __init__(
        self,
        root: str | os.PathLike[str] | None = None,
        train: bool = True,
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
        download: bool = False,
    ) -> None:
        super().__init__(transform, target_transform)
        self.root = root_folder(type(self).__name__, root)
        self.train = train
        files = self.train_files if train else self.test_files
        folder = self._find(files)
        if folder is None and download:
            self._download()
            folder = self._find(files)
        if folder is None:
            raise FileNotFoundError(
                f"{type(self).__name__}: expected {files[0]} and the others in {self.folders[0]} or {self.folders[1]} "
                f"in {self.root}, got none\nhint: download=True fetches them where a network allows"
            )
        parts = [self._read(folder, file) for file in files]
        planes = np.concatenate([images for images, _ in parts]).reshape(-1, 3, 32, 32)
        self._set(planes.transpose(0, 2, 3, 1), np.concatenate([labels for _, labels in parts]))

    def _find(self, files: list[str]) -> Path | None:
        for folder in (*(self.root / name for name in self.folders), self.root):
            if all((folder / f"{file}.bin").is_file() or (folder / file).is_file() for file in files):
                return folder
        return None

    def _read(self, folder: Path, file: str) -> tuple[np.ndarray, np.ndarray]:
        """Images (n, 3072) and labels (n,) of one file."""
        path = folder / f"{file}.bin"
        if not path.is_file():
            return _read_pickle(folder / file, self.label_name)
        data = np.fromfile(path, np.uint8)
        row = self.label_bytes + _PIXELS
        if data.size % row:
            raise ArgumentError(f"{type(self).__name__}: expected rows of {row} bytes, got {data.size} bytes: {path}")
        rows = data.reshape(-1, row)
        return rows[:, self.label_bytes :], rows[:, self.label_bytes - 1]

    def _download(self) -> None:
        path = self.root / self.archive.rpartition("/")[2]
        if not path.is_file() or hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest() != self.archive_md5:
            download_file([self.archive], path, self.archive_md5)
        folder = self.root / self.folders[0]
        folder.mkdir(exist_ok=True)
        wanted = {f"{self.folders[0]}/{file}.bin" for file in self.train_files + self.test_files}
        with tarfile.open(path) as archive:
            for member in archive:
                source = archive.extractfile(member) if member.name in wanted else None
                if source is not None:
                    (self.root / member.name).write_bytes(source.read())


class CIFAR100(CIFAR10):
    """60,000 photographs of 32x32 pixels in 100 classes; the arguments are those of :class:`CIFAR10`.

    Source: Krizhevsky, "Learning multiple layers of features from tiny images", 2009.

    Example:
        >>> data = plait.datasets.CIFAR100("data", train=False, download=True)  # doctest: +SKIP
        >>> len(data), data.classes[data[0][1]]  # doctest: +SKIP
        (10000, 'mountain')
    """

    classes = (  # noqa: SIM905
        "apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel can "
        "castle caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur dolphin "
        "elephant flatfish forest fox girl hamster house kangaroo keyboard lamp lawn_mower leopard lion lizard "
        "lobster man maple_tree motorcycle mountain mouse mushroom oak_tree orange orchid otter palm_tree pear "
        "pickup_truck pine_tree plain plate poppy porcupine possum rabbit raccoon ray road rocket rose sea seal shark "
        "shrew skunk skyscraper snail snake spider squirrel streetcar sunflower sweet_pepper table tank telephone "
        "television tiger tractor train trout tulip turtle wardrobe whale willow_tree wolf woman worm"
    ).split()
    folders = ("cifar-100-binary", "cifar-100-python")
    train_files = ["train"]
    test_files = ["test"]
    label_bytes = 2
    label_name = "fine_labels"
    archive = "https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz"
    archive_md5 = "03b5dce01913d631647c71ecec9e9cb8"


class CIFAR10Subset(_Photos):
    """10,000 photographs of CIFAR-10 from one file: the first 8,000 to train with and the rest to test.

    Args:
        root: the folder with ``cifar10_subset.npz``, or the one above ``cifar10-subset``. The file has ``x``, uint8
            (n, 32, 32, 3), and ``y``, the classes. Default: the environment variable PLAIT_DATA.
        train: the training part; False: the test part.
        transform, target_transform: as for :class:`CIFAR10`.

    Raises:
        FileNotFoundError: the file is not there.
        ValueError: the file is damaged.

    Source: Krizhevsky, "Learning multiple layers of features from tiny images", 2009.

    Example:
        >>> data = plait.datasets.CIFAR10Subset("data", train=False)  # doctest: +SKIP
        >>> len(data), data.data.shape  # doctest: +SKIP
        (2000, plait.Size([2000, 32, 32, 3]))
    """

    classes = CIFAR10.classes

    def __init__(
        self,
        root: str | os.PathLike[str] | None = None,
        train: bool = True,
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
    ) -> None:
        super().__init__(transform, target_transform)
        self.root = root_folder("CIFAR10Subset", root)
        self.train = train
        places = [self.root / folder / "cifar10_subset.npz" for folder in ("cifar10-subset", ".")]
        path = next((place for place in places if place.is_file()), None)
        if path is None:
            raise FileNotFoundError(
                f"CIFAR10Subset: expected one of {', '.join(str(place) for place in places)}, got none"
            )
        try:
            with np.load(path, allow_pickle=False) as file:
                images, labels = file["x"], file["y"]
        except (OSError, ValueError, KeyError) as error:
            raise ArgumentError(
                f"CIFAR10Subset: expected arrays x and y, got a damaged file: {path} ({error})"
            ) from None
        part = slice(8000) if train else slice(8000, None)
        self._set(images[part], labels[part])


def _read_pickle(path: Path, label_name: str) -> tuple[np.ndarray, np.ndarray]:
    """The form of Python programs: a pickle of a dict, which is read and not run."""
    from .._pickle_machine import Machine
    from .._pickle_names import find

    def no_storage(key: Any) -> Any:
        raise ArgumentError(f"CIFAR10: expected a pickle without storages, got {key!r:.50}: {path}")

    batch = Machine(path.read_bytes(), 0, lambda module, name: find(module, name, {}), no_storage, "latin1").run()
    images, labels = (batch.get("data"), batch.get(label_name)) if isinstance(batch, dict) else (None, None)
    is_list = isinstance(labels, list) and all(type(label) is int for label in labels)
    if not isinstance(images, np.ndarray) or images.shape[1:] != (_PIXELS,) or not is_list:
        raise ArgumentError(f"CIFAR10: expected a dict of images (n, {_PIXELS}) and {label_name}, got another: {path}")
    return images, np.asarray(labels)
