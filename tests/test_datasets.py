# SPDX-License-Identifier: MIT
"""The datasets, the IDX reader, and the transforms."""

from __future__ import annotations

import gzip
import hashlib
import os
import pathlib
import urllib.request
from typing import Any

import numpy as np
import pytest

import plait
from plait import datasets, transforms
from plait.datasets.mnist import read_idx
from plait.utils.data import DataLoader


def idx(array: np.ndarray, code: int = 8) -> bytes:
    sizes = b"".join(n.to_bytes(4, "big") for n in array.shape)
    return bytes([0, 0, code, array.ndim]) + sizes + array.astype(array.dtype.newbyteorder(">")).tobytes()


@pytest.fixture
def folder(tmp_path: pathlib.Path) -> pathlib.Path:
    """Six train and four test images in MNIST's files."""
    rng = np.random.default_rng(0)
    for prefix, n in (("train", 6), ("t10k", 4)):
        images = rng.integers(0, 256, (n, 28, 28), dtype=np.uint8)
        labels = np.arange(n, dtype=np.uint8)
        (tmp_path / f"{prefix}-images-idx3-ubyte").write_bytes(idx(images))
        (tmp_path / f"{prefix}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(labels)))
    return tmp_path


def mnist_folder() -> str | None:
    """Where the real files are: PLAIT_DATA, or a folder shared/data beside the checkout."""
    places = [os.environ.get("PLAIT_DATA"), pathlib.Path(__file__).parents[2] / "shared" / "data"]
    for place in places:
        for sub in (".", "mnist", "MNIST/raw"):
            if place and any(pathlib.Path(place, sub).glob("t10k-images-idx3-ubyte*")):
                return str(place)
    return None


# ---- digits ------------------------------------------------------------------------------------------------


def test_digits() -> None:
    pytest.importorskip("sklearn", reason="scikit-learn holds the images")
    train, test = datasets.Digits(), datasets.Digits(train=False)
    assert (len(train), len(test)) == (1437, 360)
    image, target = train[0]
    assert (image.dtype, tuple(image.shape), type(target)) == (plait.float32, (1, 8, 8), int)
    assert tuple(train.data.shape) == (1437, 1, 8, 8)
    assert train.targets.dtype == plait.int64
    assert (train.data.min().item(), train.data.max().item()) == (0.0, 1.0)
    everything = np.concatenate([train.data.numpy(), test.data.numpy()]).reshape(1797, -1)
    from sklearn.datasets import load_digits

    original = load_digits().data / 16
    assert sorted(map(tuple, everything.tolist())) == sorted(map(tuple, original.astype("float32").tolist()))
    assert datasets.Digits().targets.tolist() == train.targets.tolist()
    assert datasets.Digits(seed=1).targets.tolist() != train.targets.tolist()
    assert len(datasets.Digits(train=False, test_size=0.5)) == 899
    assert train[-1][1] == train.targets[-1].item()
    with pytest.raises(IndexError):
        train[1437]
    with pytest.raises(ValueError, match="test_size"):
        datasets.Digits(test_size=1.5)


# ---- mnist -------------------------------------------------------------------------------------------------


def test_mnist_items(folder: pathlib.Path) -> None:
    train, test = datasets.MNIST(folder), datasets.MNIST(str(folder), train=False)
    assert (len(train), len(test)) == (6, 4)
    assert train.data.dtype == plait.uint8
    assert tuple(train.data.shape) == (6, 28, 28)
    assert tuple(train.images.shape) == (6, 1, 28, 28)
    image, target = train[2]
    assert (image.dtype, tuple(image.shape), target) == (plait.float32, (1, 28, 28), 2)
    expected = train.data[2].numpy().astype(np.float32) / np.float32(255)
    np.testing.assert_array_equal(image[0].numpy(), expected)
    assert train[-1][1] == 5
    assert train.class_to_idx["3"] == 3
    assert "6 images" in repr(train)
    with pytest.raises(IndexError, match=r"\[-6, 6\)"):
        train[6]


def test_folders_are_searched(folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MNIST/raw", "mnist"):
        root = folder / "data" / name.replace("/", "-")
        (root / name).parent.mkdir(parents=True)
        (root / name).symlink_to(folder)
        assert len(datasets.MNIST(root)) == 6
        monkeypatch.setenv("PLAIT_DATA", str(root))
        assert len(datasets.MNIST()) == 6
    monkeypatch.delenv("PLAIT_DATA")
    with pytest.raises(FileNotFoundError, match="PLAIT_DATA"):
        datasets.MNIST()
    with pytest.raises(FileNotFoundError, match=r"(?s)train-images-idx3-ubyte or .*download=True"):
        datasets.KMNIST(folder / "data")


def test_transforms_of_items(folder: pathlib.Path) -> None:
    seen: list[Any] = []

    def look(image: Any) -> Any:
        seen.append(image)
        return 1.0

    data = datasets.MNIST(folder, transform=look, target_transform=lambda t: -t)
    assert data[3] == (1.0, -3)
    assert isinstance(seen[0], np.ndarray)
    assert (seen[0].dtype, seen[0].shape) == (np.uint8, (28, 28))


@pytest.mark.parametrize("workers", [0, 2])
def test_loading_batches_equals_single_samples(folder: pathlib.Path, workers: int) -> None:
    normal = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.1307,), (0.3081,))])
    for transform in (None, transforms.ToTensor(), normal):
        data = datasets.MNIST(folder, transform=transform)
        assert data._batches_directly
        singles = [data[i] for i in range(6)]
        batches = list(DataLoader(data, 4, num_workers=workers))
        for i, (image, target) in enumerate(singles):
            batch, at = batches[i // 4], i % 4
            np.testing.assert_array_equal(batch[0][at].numpy(), image.numpy())
            assert batch[1][at].item() == target


def test_random_transforms_repeat_with_any_workers(folder: pathlib.Path) -> None:
    augment = transforms.Compose(
        [transforms.RandomCrop(28, padding=4), transforms.RandomHorizontalFlip(), transforms.ToTensor()]
    )
    data = datasets.MNIST(folder, transform=augment)
    assert not data._batches_directly
    runs = []
    for workers in (1, 3, 2):
        plait.manual_seed(0)
        runs.append([b[0].tolist() for b in DataLoader(data, 2, shuffle=True, num_workers=workers)])
    assert runs[0] == runs[1] == runs[2]


def test_the_real_files() -> None:
    root = mnist_folder()
    if root is None:
        pytest.skip("the MNIST files are not here; PLAIT_DATA may name their folder")
    test = datasets.MNIST(root, train=False)
    assert len(test) == 10_000
    assert test.targets[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    counts = np.bincount(test.targets.numpy()).tolist()
    assert counts == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert test.images.mean().item() == pytest.approx(0.1325, abs=1e-4)


# ---- CIFAR -------------------------------------------------------------------------------------------------


def python2_pickle(images: np.ndarray, labels: list[int], name: bytes) -> bytes:
    """A batch as Python 2 wrote it: a dict of a uint8 array and a list, with strings of bytes."""
    n = len(images).to_bytes(2, "little")
    array = (
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\x00\x85U\x01btR(K\x01M" + n + b"M\x00\x0c\x86"
        b"cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89"
        b"T" + images.size.to_bytes(4, "little") + images.tobytes() + b"tb"
    )
    items = b"".join(b"K" + bytes([label]) for label in labels)
    return b"\x80\x02}(U\x04data" + array + b"U" + bytes([len(name)]) + name + b"](" + items + b"eu."


def photos(n: int, classes: int) -> tuple[np.ndarray, list[int]]:
    rng = np.random.default_rng(1)
    return rng.integers(0, 256, (n, 3072), dtype=np.uint8), rng.integers(0, classes, n).tolist()


def test_cifar_reads_both_forms(tmp_path: pathlib.Path) -> None:
    images, labels = photos(10, 10)
    for folder in ("cifar-10-batches-bin", "cifar-10-batches-py"):
        (tmp_path / folder[-3:] / folder).mkdir(parents=True)
    for i, name in enumerate([*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]):
        part = slice(2 * i % 10, 2 * i % 10 + 2)
        rows = np.concatenate([np.array(labels[part], np.uint8)[:, None], images[part]], axis=1)
        (tmp_path / "bin" / "cifar-10-batches-bin" / f"{name}.bin").write_bytes(rows.tobytes())
        text = python2_pickle(images[part], labels[part], b"labels")
        (tmp_path / "-py" / "cifar-10-batches-py" / name).write_bytes(text)
    expected = images.reshape(10, 3, 32, 32)
    for root in (tmp_path / "bin", tmp_path / "-py", tmp_path / "-py" / "cifar-10-batches-py"):
        train, test = datasets.CIFAR10(root), datasets.CIFAR10(str(root), train=False)
        assert (len(train), len(test), test.targets.tolist()) == (10, 2, labels[:2])
        np.testing.assert_array_equal(train.data.numpy(), expected.transpose(0, 2, 3, 1))
        np.testing.assert_array_equal(train.images.numpy(), expected.astype(np.float32) / 255)
        assert train[3][1] == labels[3] and train.class_to_idx["cat"] == 3
        np.testing.assert_array_equal(train[3][0].numpy(), train.images[3].numpy())
    flip = transforms.Compose([transforms.RandomHorizontalFlip(1.0), transforms.ToTensor()])
    flipped = datasets.CIFAR10(tmp_path / "bin", transform=flip)
    np.testing.assert_array_equal(flipped[0][0].numpy(), train.images[0].numpy()[..., ::-1])
    for transform in (None, transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.5, 0.4, 0.3), 0.2)])):
        data = datasets.CIFAR10(tmp_path / "bin", transform=transform)
        assert data._batches_directly
        (batch,) = DataLoader(data, 10)
        np.testing.assert_array_equal(batch[0].numpy(), np.stack([data[i][0].numpy() for i in range(10)]))


def test_cifar_hundred(tmp_path: pathlib.Path) -> None:
    images, labels = photos(3, 100)
    (tmp_path / "cifar-100-binary").mkdir()
    fine = np.stack([np.zeros(3), labels], 1).astype(np.uint8)
    (tmp_path / "cifar-100-binary" / "test.bin").write_bytes(np.concatenate([fine, images], 1).tobytes())
    assert datasets.CIFAR100(tmp_path, train=False).targets.tolist() == labels
    assert len(datasets.CIFAR100.classes) == 100 and sorted(datasets.CIFAR100.classes) == datasets.CIFAR100.classes
    (tmp_path / "test").write_bytes(python2_pickle(images, labels, b"fine_labels"))
    (tmp_path / "cifar-100-binary" / "test.bin").unlink()
    assert datasets.CIFAR100(tmp_path, train=False).targets.tolist() == labels


def test_damaged_cifar(tmp_path: pathlib.Path) -> None:
    with pytest.raises(FileNotFoundError, match="cifar-10-batches-bin"):
        datasets.CIFAR10(tmp_path)
    (tmp_path / "test_batch.bin").write_bytes(bytes(3072))
    with pytest.raises(ValueError, match="rows of 3073 bytes"):
        datasets.CIFAR10(tmp_path, train=False)
    (tmp_path / "test_batch.bin").write_bytes(b"\x0a" + bytes(3072))
    with pytest.raises(ValueError, match="labels from 0 to 9"):
        datasets.CIFAR10(tmp_path, train=False)
    (tmp_path / "test_batch.bin").unlink()
    for data in (b"cos\nsystem\n(U\x04exitR.", b"\x80\x02}.", b"\x80\x02"):
        (tmp_path / "test_batch").write_bytes(data)
        with pytest.raises(ValueError):
            datasets.CIFAR10(tmp_path, train=False)


def test_cifar_subset(tmp_path: pathlib.Path) -> None:
    images, labels = np.zeros((8003, 32, 32, 3), np.uint8), np.arange(8003) % 10
    images[8001] = 7
    np.savez_compressed(tmp_path / "cifar10_subset.npz", x=images, y=labels)
    train, test = datasets.CIFAR10Subset(tmp_path), datasets.CIFAR10Subset(tmp_path, train=False)
    assert (len(train), len(test), test.targets.tolist()) == (8000, 3, [0, 1, 2])
    assert (test[1][0].shape, test.data[1].min().item()) == ((3, 32, 32), 7)
    with pytest.raises(FileNotFoundError, match="cifar10-subset"):
        datasets.CIFAR10Subset(tmp_path / "none")
    np.savez(tmp_path / "cifar10_subset.npz", x=images)
    with pytest.raises(ValueError, match="arrays x and y"):
        datasets.CIFAR10Subset(tmp_path)


def test_cifar_download(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import io
    import tarfile

    images, labels = photos(2, 100)
    rows = np.concatenate([np.stack([np.zeros(2), labels], 1).astype(np.uint8), images], 1).tobytes()
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name in ("cifar-100-binary/test.bin", "cifar-100-binary/train.bin", "../outside", "/outside"):
            info = tarfile.TarInfo(name)
            info.size = len(rows)
            archive.addfile(info, io.BytesIO(rows))
    data = packed.getvalue()
    monkeypatch.setattr(urllib.request, "urlopen", lambda url, timeout: io.BytesIO(data))
    root = tmp_path / "a" / "b"
    with pytest.raises(OSError, match="MD5"):
        datasets.CIFAR100(root, download=True)
    monkeypatch.setattr(datasets.CIFAR100, "archive_md5", hashlib.md5(data, usedforsecurity=False).hexdigest())
    assert datasets.CIFAR100(root, train=False, download=True).targets.tolist() == labels
    assert not list(tmp_path.glob("**/outside"))
    monkeypatch.setattr(urllib.request, "urlopen", None)
    assert len(datasets.CIFAR100(root, download=True)) == 2


# ---- IDX files ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("code", "dtype"), [(8, "u1"), (9, "i1"), (11, "i2"), (12, "i4"), (13, "f4"), (14, "f8")])
def test_idx_dtypes(tmp_path: pathlib.Path, code: int, dtype: str) -> None:
    array = np.arange(6).reshape(2, 3).astype(dtype)
    (tmp_path / "f").write_bytes(idx(array, code))
    back = read_idx(tmp_path / "f")
    assert back.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(back, array)


GOOD = idx(np.zeros((2, 3), np.uint8))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0\0",
        b"hello world",
        b"\0\0\x07\x01" + bytes(8),
        GOOD[:-1],
        GOOD + b"\0",
        GOOD[:6],
        b"\0\0\x08\x02" + b"\xff" * 8,
        gzip.compress(GOOD, mtime=0)[:-5],
        b"\x1f\x8b" + b"rubbish",
    ],
)
def test_damaged_idx(tmp_path: pathlib.Path, data: bytes) -> None:
    (tmp_path / "f").write_bytes(data)
    with pytest.raises(ValueError, match="read_idx: expected"):
        read_idx(tmp_path / "f")


def test_files_that_do_not_fit_together(folder: pathlib.Path) -> None:
    labels = folder / "train-labels-idx1-ubyte.gz"
    for array, message in (
        (np.zeros(5, np.uint8), "a label for each of 6"),
        (np.full(6, 10, np.uint8), "labels below 10"),
        (np.zeros((6, 1), np.uint8), "labels of 1"),
    ):
        labels.write_bytes(idx(array))
        with pytest.raises(ValueError, match=message):
            datasets.MNIST(folder)


# ---- downloading -------------------------------------------------------------------------------------------


def test_download(tmp_path: pathlib.Path, folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    served: dict[str, bytes] = {}
    asked: list[str] = []

    class Tiny(datasets.MNIST):
        folder_names = ["tiny"]
        mirrors = ["https://broken.example/", "https://wrong.example/", "https://good.example/"]
        files = {}

    for file in ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"):
        path = folder / file
        data = gzip.compress(path.read_bytes()) if path.exists() else (folder / f"{file}.gz").read_bytes()
        served[f"https://good.example/{file}.gz"] = data
        served[f"https://wrong.example/{file}.gz"] = data[:-1]
        Tiny.files[file] = hashlib.md5(data, usedforsecurity=False).hexdigest()

    def urlopen(url: str, timeout: float) -> Any:
        import io

        asked.append(url)
        if url not in served:
            raise OSError("no such host")
        return io.BytesIO(served[url])

    monkeypatch.setattr(urllib.request, "urlopen", urlopen)
    root = tmp_path / "new"
    assert len(Tiny(root, download=True)) == 6
    assert len(asked) == 6
    assert sorted(p.name for p in (root / "tiny").iterdir()) == [f"{f}.gz" for f in sorted(Tiny.files)]
    assert len(Tiny(root)) == 6
    served.clear()
    with pytest.raises(OSError, match=r"broken\.example"):
        Tiny(tmp_path / "other", download=True)
    assert list((tmp_path / "other" / "tiny").iterdir()) == []


# ---- transforms --------------------------------------------------------------------------------------------


def test_to_tensor() -> None:
    image = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    tensor = transforms.ToTensor()(image)
    assert (tensor.dtype, tuple(tensor.shape)) == (plait.float32, (3, 2, 4))
    np.testing.assert_array_equal(tensor.numpy(), image.transpose(2, 0, 1).astype(np.float32) / np.float32(255))
    assert transforms.ToTensor()(np.zeros((2, 2), np.float32)).dtype == plait.float32
    assert transforms.ToTensor()(tensor) is tensor
    with pytest.raises(ValueError, match="2 or 3 dimensions"):
        transforms.ToTensor()(np.zeros(3))
    with pytest.raises(TypeError, match="got str"):
        transforms.ToTensor()("x")


def test_normalize() -> None:
    x = plait.rand(3, 2, 2)
    y = transforms.Normalize((0.1, 0.2, 0.3), (0.5, 0.6, 0.7))(x)
    expected = (x.numpy() - np.float32([[[0.1]], [[0.2]], [[0.3]]])) / np.float32([[[0.5]], [[0.6]], [[0.7]]])
    np.testing.assert_allclose(y.numpy(), expected, rtol=1e-6)
    with pytest.raises(TypeError, match="ToTensor"):
        transforms.Normalize(0.5, 0.5)(np.zeros((2, 2)))
    with pytest.raises(ValueError, match="std other than 0"):
        transforms.Normalize(0.5, 0.0)


@pytest.mark.parametrize("kind", ["tensor", "array"])
def test_geometry(kind: str) -> None:
    array = np.arange(30, dtype=np.uint8).reshape(5, 6)
    image = plait.from_numpy(array[None].copy()) if kind == "tensor" else array

    def out(t: Any) -> np.ndarray:
        result = t(image)
        return result[0].numpy() if kind == "tensor" else result

    np.testing.assert_array_equal(out(transforms.CenterCrop(3)), array[1:4, 2:5])
    np.testing.assert_array_equal(out(transforms.CenterCrop((8, 3))), np.pad(array, ((1, 2), (0, 0)))[:, 2:5])
    np.testing.assert_array_equal(out(transforms.RandomHorizontalFlip(1.0)), array[:, ::-1])
    np.testing.assert_array_equal(out(transforms.RandomHorizontalFlip(0.0)), array)
    np.testing.assert_array_equal(out(transforms.RandomVerticalFlip(1.0)), array[::-1])
    np.testing.assert_array_equal(
        out(transforms.Pad((1, 2), fill=7)), np.pad(array, ((2, 2), (1, 1)), constant_values=7)
    )
    np.testing.assert_array_equal(out(transforms.Pad([1, 2, 3, 4])), np.pad(array, ((2, 4), (1, 3))))
    np.testing.assert_array_equal(out(transforms.Pad(1, padding_mode="edge")), np.pad(array, 1, "edge"))
    places = {out(transforms.RandomCrop(4)).tobytes() for _ in range(60)}
    assert places == {array[i : i + 4, j : j + 4].tobytes() for i in range(2) for j in range(3)}
    assert out(transforms.RandomCrop(8, pad_if_needed=True)).shape == (8, 8)
    assert out(transforms.CenterCrop(7)).tolist() == np.pad(array, ((1, 1), (0, 1))).tolist()
    with pytest.raises(ValueError, match="image of at least"):
        transforms.RandomCrop((5, 7))(image)


def test_other_transforms() -> None:
    x = plait.rand(3, 4, 6)
    gray = transforms.Grayscale()(x)
    np.testing.assert_allclose(gray[0].numpy(), np.tensordot([0.2989, 0.587, 0.114], x.numpy(), 1), rtol=1e-5)
    assert tuple(transforms.Grayscale(3)(x).shape) == (3, 4, 6)
    assert transforms.ConvertImageDtype(plait.uint8)(plait.tensor([0.0, 1.0])).tolist() == [0, 255]
    assert transforms.ConvertImageDtype(plait.float32)(plait.tensor([255], dtype=plait.uint8)).tolist() == [1.0]
    assert transforms.Lambda(lambda v: v + 1)(1) == 2
    assert transforms.RandomApply([transforms.Lambda(lambda v: v + 1)], p=1.0)(1) == 2
    assert transforms.RandomApply([transforms.Lambda(lambda v: v + 1)], p=0.0)(1) == 1
    assert "ToTensor()" in repr(transforms.Compose([transforms.ToTensor()]))
    with pytest.raises(TypeError, match="function"):
        transforms.Lambda(3)
    with pytest.raises(ValueError, match="Pad"):
        transforms.Pad(-1)
    with pytest.raises(ValueError, match="CenterCrop"):
        transforms.CenterCrop("x")


def test_resize() -> None:
    x = plait.ones(1, 4, 8)
    assert tuple(transforms.Resize(2)(x).shape) == (1, 2, 4)
    assert tuple(transforms.Resize((3, 5))(x).shape) == (1, 3, 5)
    assert transforms.Resize(2)(x).tolist() == plait.ones(1, 2, 4).tolist()
    assert transforms.Resize(4)(x) is x
    sizes = {(640, 480): (298, 224), (480, 640): (224, 298), (500, 333): (336, 224)}
    for size, target in sizes.items():
        assert tuple(transforms.Resize(224)(plait.zeros(1, *size)).shape[1:]) == target
    assert tuple(transforms.Resize(8, max_size=9)(plait.zeros(3, 10, 40)).shape) == (3, 2, 9)
    assert tuple(transforms.Resize([2])(plait.zeros(2, 3, 4, 8)).shape) == (2, 3, 2, 4)


def test_resize_smooths() -> None:
    # A triangle of twice the width: rows of 8 pixels to 4, as PIL does it.
    array = np.tile(np.arange(8) * 8, (8, 1)).astype(np.uint8)
    weights = np.array([[max(0.0, 1 - abs(j - (2 * i + 0.5)) / 2) for j in range(8)] for i in range(4)])
    weights /= weights.sum(1, keepdims=True)
    expected = np.rint(array[0] @ weights.T).astype(np.uint8)
    for image in (array, plait.from_numpy(array)[None]):
        out = transforms.Resize((8, 4))(image)
        row = out[0] if image is array else out[0, 0].numpy()
        assert type(out) is type(image)
        assert out.dtype == image.dtype
        np.testing.assert_array_equal(row, expected)
    sharp = transforms.Resize((8, 4), antialias=False)(plait.from_numpy(array).float()[None])[0, 0]
    assert sharp.tolist() == [4, 20, 36, 52]
    assert transforms.Resize(4, "nearest")(array)[0].tolist() == [0, 16, 32, 48]
    spike = np.zeros((6, 6), np.uint8)
    spike[2:4, 2:4] = 255
    assert transforms.Resize(12, transforms.InterpolationMode.BICUBIC)(spike).max() == 255
    colours = np.random.default_rng(0).integers(0, 255, (6, 9, 3)).astype(np.uint8)
    assert transforms.Resize(3)(colours).shape == (3, 4, 3)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((2, "cubic"), "interpolation"),
        ((2, 17), "interpolation"),
        (((2, 3), "bilinear", 5), "max_size"),
        ((5, "bilinear", 5), "max_size"),
        (("x",), "size"),
    ],
)
def test_bad_resize(arguments: Any, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        transforms.Resize(*arguments)
    with pytest.raises(ValueError, match="PIL"):
        transforms.Resize(2, "lanczos")(np.zeros((4, 4), np.uint8))


def test_pil_images() -> None:
    pil = pytest.importorskip("PIL.Image")
    array = np.random.default_rng(0).integers(0, 255, (8, 6, 3)).astype(np.uint8)
    image = pil.fromarray(array)
    resized = transforms.Resize((4, 3))(image)
    assert isinstance(resized, pil.Image)
    np.testing.assert_array_equal(np.asarray(resized), np.asarray(image.resize((3, 4), 2)))
    close = transforms.Resize((4, 3))(array).astype(int) - np.asarray(resized)
    assert abs(close).max() <= 1
    for t in (
        transforms.CenterCrop(4),
        transforms.CenterCrop((10, 3)),
        transforms.Pad((1, 2, 3, 4), fill=7),
        transforms.Pad(2, padding_mode="reflect"),
        transforms.RandomHorizontalFlip(1.0),
        transforms.RandomVerticalFlip(1.0),
        transforms.RandomCrop(8, padding=2, pad_if_needed=True),
    ):
        plait.manual_seed(0)
        out = t(image)
        assert isinstance(out, pil.Image)
        plait.manual_seed(0)
        np.testing.assert_array_equal(np.asarray(out), t(array))
    bits = pil.fromarray(np.array([[0, 255], [255, 0]], np.uint8)).convert("1")
    assert transforms.ToTensor()(bits).tolist() == [[[0.0, 1.0], [1.0, 0.0]]]
    assert transforms.ToTensor()(pil.fromarray(np.array([[70000]], np.int32))).tolist() == [[[70000]]]
    np.testing.assert_array_equal(transforms.ToTensor()(image).numpy(), transforms.ToTensor()(array).numpy())
