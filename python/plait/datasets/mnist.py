# SPDX-License-Identifier: MIT
"""MNIST and the datasets in its format, read from IDX files."""

from __future__ import annotations

import gzip
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from .. import _core
from .._core import ArgumentError, Tensor
from ._files import download_file, root_folder
from ._images import ImageDataset

__all__ = ["KMNIST", "MNIST", "FashionMNIST", "read_idx"]

_IDX_DTYPES = {8: ">u1", 9: ">i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}


def read_idx(path: str | os.PathLike[str]) -> np.ndarray:
    """Read an IDX file, plain or compressed with gzip.

    The format: two zero bytes, a code of the dtype, the number of dimensions, each size as a big-endian
    int32, then the elements.

    Args:
        path: of the file.

    Returns:
        An array with the file's dtype in the machine's byte order.

    Raises:
        ValueError: the file is cut or is no IDX file.

    Example:
        >>> import plait
        >>> import pathlib, tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "labels"
        >>> _ = path.write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 2, 7, 9]))  # uint8, 1 dimension, 2 elements
        >>> plait.datasets.mnist.read_idx(path)
        array([7, 9], dtype=uint8)
    """
    raw = Path(path).read_bytes()
    if raw[:2] == b"\x1f\x8b":
        try:
            raw = gzip.decompress(raw)
        except (OSError, EOFError, ValueError) as error:
            raise ArgumentError(
                f"read_idx: expected a complete gzip file, got a damaged one: {path} ({error})"
            ) from None
    if len(raw) < 4 or raw[:2] != b"\0\0" or raw[2] not in _IDX_DTYPES:
        raise ArgumentError(f"read_idx: expected an IDX file, got one that begins with {raw[:4]!r}: {path}")
    dtype, dims = np.dtype(_IDX_DTYPES[raw[2]]), raw[3]
    start = 4 + 4 * dims
    if len(raw) < start:
        raise ArgumentError(f"read_idx: expected a header of {start} bytes, got a file of {len(raw)}: {path}")
    shape = [int.from_bytes(raw[4 + 4 * i : 8 + 4 * i], "big") for i in range(dims)]
    size = math.prod(shape) * dtype.itemsize
    if len(raw) - start != size:
        raise ArgumentError(
            f"read_idx: expected {size} bytes for shape {tuple(shape)}, got {len(raw) - start}; "
            f"the file is damaged: {path}"
        )
    return np.frombuffer(raw, dtype, offset=start).reshape(shape).astype(dtype.newbyteorder("="))


class MNIST(ImageDataset):
    """70,000 handwritten digits of 28x28 pixels: 60,000 to train with and 10,000 to test.

    Args:
        root: the folder with the four files (``train-images-idx3-ubyte`` and so on, with or without ``.gz``),
            or one above it: looked for are ``root/MNIST/raw``, ``root/MNIST``, ``root/mnist`` and ``root``.
            Default: the environment variable PLAIT_DATA.
        train: the training part; False: the test part.
        transform: applied to the image, a uint8 NumPy array (28, 28); see :mod:`plait.transforms`. None:
            items are float32 tensors (1, 28, 28) in [0, 1].
        target_transform: applied to the target, an int.
        download: fetch missing files to ``root/MNIST/raw`` and check their hashes.

    ``data`` is uint8 (n, 28, 28), ``targets`` int64 (n,), ``images`` float32 (n, 1, 28, 28).

    Raises:
        FileNotFoundError: the files are not there; the text lists the folders.
        ValueError: a file is damaged.
        OSError: the download failed everywhere.

    Source: LeCun, Cortes and Burges, "The MNIST database of handwritten digits".

    Example:
        >>> data = plait.datasets.MNIST("data", train=False, download=True)  # doctest: +SKIP
        >>> len(data), data.data.shape  # doctest: +SKIP
        (10000, plait.Size([10000, 28, 28]))
    """

    classes = [str(i) for i in range(10)]
    folder_names = ["MNIST/raw", "MNIST", "mnist", "."]
    mirrors = ["https://ossci-datasets.s3.amazonaws.com/mnist/", "http://yann.lecun.com/exdb/mnist/"]
    # MD5 of the compressed files, as published with them.
    files = {
        "train-images-idx3-ubyte": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
        "train-labels-idx1-ubyte": "d53e105ee54ea40749a09fcbcd1e9432",
        "t10k-images-idx3-ubyte": "9fb629c4189551a2d022fa330f9573f3",
        "t10k-labels-idx1-ubyte": "ec29112dd5afa0611ce80d1b7f02629c",
    }

    def __init__(
        self,
        root: str | os.PathLike[str] | None = None,
        train: bool = True,
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
        download: bool = False,
    ) -> None:
        super().__init__(transform, target_transform)
        name = type(self).__name__
        self.root = root_folder(name, root)
        self.train = train
        prefix = "train" if train else "t10k"
        images = self._read(f"{prefix}-images-idx3-ubyte", download)
        labels = self._read(f"{prefix}-labels-idx1-ubyte", download)
        if images.dtype != np.uint8 or images.ndim != 3 or labels.dtype != np.uint8 or labels.ndim != 1:
            raise ArgumentError(
                f"{name}: expected uint8 images of 3 dimensions and labels of 1, got {images.dtype} "
                f"{images.shape} and {labels.dtype} {labels.shape}"
            )
        if len(images) != len(labels):
            raise ArgumentError(f"{name}: expected a label for each of {len(images)} images, got {len(labels)}")
        if len(labels) and labels.max() >= len(self.classes):
            raise ArgumentError(f"{name}: expected labels below {len(self.classes)}, got {labels.max()}")
        self.data = _core.from_numpy(images)
        self.targets = _core.from_numpy(labels.astype(np.int64))

    def _read(self, file: str, download: bool) -> np.ndarray:
        folders = [self.root / folder for folder in self.folder_names]
        for folder in folders:
            for path in (folder / file, folder / f"{file}.gz"):
                if path.is_file():
                    return read_idx(path)
        if not download:
            raise FileNotFoundError(
                f"{type(self).__name__}: expected {file} or {file}.gz in one of "
                f"{', '.join(str(f) for f in folders)}, got none\n"
                "hint: download=True fetches it where a network allows"
            )
        path = folders[0] / f"{file}.gz"
        download_file([mirror + f"{file}.gz" for mirror in self.mirrors], path, self.files[file])
        return read_idx(path)

    def _raw(self, index: int) -> np.ndarray:
        return self.data[index].numpy()

    def _to_float(self, raw: Tensor) -> Tensor:
        return raw.unsqueeze(1).to(_core.float32).div_(255)


class FashionMNIST(MNIST):
    """70,000 pictures of clothes in MNIST's format; the arguments are those of :class:`MNIST`.

    Source: Xiao, Rasul and Vollgraf, "Fashion-MNIST: a novel image dataset for benchmarking machine learning
    algorithms", arXiv 1708.07747.

    Example:
        >>> data = plait.datasets.FashionMNIST("data", train=False, download=True)  # doctest: +SKIP
        >>> len(data), data.data.shape  # doctest: +SKIP
        (10000, plait.Size([10000, 28, 28]))
    """

    classes = [
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    ]
    folder_names = ["FashionMNIST/raw", "FashionMNIST", "fashion-mnist", "fashion_mnist", "."]
    mirrors = ["http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"]
    files = {
        "train-images-idx3-ubyte": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
        "train-labels-idx1-ubyte": "25c81989df183df01b3e8a0aad5dffbe",
        "t10k-images-idx3-ubyte": "bef4ecab320f06d8554ea6380940ec79",
        "t10k-labels-idx1-ubyte": "bb300cfdad3c16e7a12a480ee83cd310",
    }


class KMNIST(MNIST):
    """70,000 cursive Japanese characters in MNIST's format; the arguments are those of :class:`MNIST`.

    Source: Clanuwat et al., "Deep learning for classical Japanese literature", arXiv 1812.01718.

    Example:
        >>> data = plait.datasets.KMNIST("data", train=False, download=True)  # doctest: +SKIP
        >>> len(data), data.data.shape  # doctest: +SKIP
        (10000, plait.Size([10000, 28, 28]))
    """

    classes = ["o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"]
    folder_names = ["KMNIST/raw", "KMNIST", "kmnist", "."]
    mirrors = ["http://codh.rois.ac.jp/kmnist/dataset/kmnist/"]
    files = {
        "train-images-idx3-ubyte": "bdb82020997e1d708af4cf47b453dcf7",
        "train-labels-idx1-ubyte": "e144d726b3acfaa3e44228e80efcd344",
        "t10k-images-idx3-ubyte": "5c965bf0a639b31b8f53240b1b52f4d7",
        "t10k-labels-idx1-ubyte": "7320c461ea6c1c855c0b718fb2a4b134",
    }
