# SPDX-License-Identifier: MIT
"""Event files, read back by a parser of their format."""

from __future__ import annotations

import pathlib
import struct
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import plait
from plait.utils.tensorboard import SummaryWriter, _records


def fields(data: bytes) -> Iterator[tuple[int, Any]]:
    """(number, value) of a protocol-buffer message."""

    def varint() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    at = 0
    while at < len(data):
        key = varint()
        if key & 7 == 0:
            yield key >> 3, varint()
        elif key & 7 == 1:
            yield key >> 3, struct.unpack_from("<d", data, at)[0]
            at += 8
        elif key & 7 == 5:
            yield key >> 3, struct.unpack_from("<f", data, at)[0]
            at += 4
        else:
            n = varint()
            yield key >> 3, data[at : at + n]
            at += n


def events(folder: pathlib.Path) -> list[tuple[int, dict[int, Any]]]:
    """(step, summary value) of all events in the folder's file."""
    (path,) = folder.glob("events.out.tfevents.*")
    data = path.read_bytes()
    found, at = [], 0
    while at < len(data):
        length, check = struct.unpack_from("<QI", data, at)
        assert check == _records._masked_crc(data[at : at + 8])
        body = data[at + 12 : at + 12 + length]
        assert struct.unpack_from("<I", data, at + 12 + length)[0] == _records._masked_crc(body)
        at += 16 + length
        message = dict(fields(body))
        if 3 in message:
            assert message[3] == b"brain.Event:2"
            assert not found
        else:
            found.append((message.get(2, 0), dict(fields(dict(fields(message[5]))[1]))))
    return found


def test_checksum_is_castagnoli() -> None:
    crc = (_records._masked_crc(b"123456789") - 0xA282EAD8) & 0xFFFFFFFF
    assert ((crc >> 17) | (crc << 15)) & 0xFFFFFFFF == 0xE3069283


def test_scalars_and_text(tmp_path: pathlib.Path) -> None:
    with SummaryWriter(tmp_path) as writer:
        writer.add_scalar("loss", plait.tensor(0.5), 3)
        writer.add_scalar("loss", 0.25)
        writer.add_scalar("big", 1.0, 2**40)
        writer.add_text("note", "**bold** \u00e4", 1)
        writer.add_scalars("acc", {"a": 1.0, "b": 0.5}, 2)
    found = events(tmp_path)
    assert [(step, value[1], value.get(2)) for step, value in found[:3]] == [
        (3, b"loss", 0.5),
        (0, b"loss", 0.25),
        (2**40, b"big", 1.0),
    ]
    text = found[3][1]
    assert text[1] == b"note/text_summary"
    assert dict(fields(text[8]))[8] == "**bold** \u00e4".encode()
    assert events(tmp_path / "acc_b")[0][1][2] == 0.5


def test_histogram(tmp_path: pathlib.Path) -> None:
    values = plait.tensor([0.0, 1.0, 1.0, 3.0])
    with SummaryWriter(tmp_path) as writer:
        writer.add_histogram("h", values, 1, bins=3)
        writer.add_histogram("constant", plait.ones(5), 1)
        for bad in (plait.zeros(0), plait.tensor([float("nan")])):
            with pytest.raises(ValueError, match="finite"):
                writer.add_histogram("bad", bad)
    (_, first), _ = events(tmp_path)
    numbers = dict(fields(first[5]))
    assert [numbers[i] for i in range(1, 6)] == [0.0, 3.0, 4.0, 5.0, 11.0]
    assert np.frombuffer(numbers[6], "<f8").tolist() == [0, 1, 2, 3]
    assert np.frombuffer(numbers[7], "<f8").tolist() == [0, 1, 2, 1]


def pixels(data: bytes) -> np.ndarray:
    """The image in an unfiltered PNG file."""
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    at, body, head = 8, b"", b""
    while at < len(data):
        (n,) = struct.unpack_from(">I", data, at)
        kind, chunk = data[at + 4 : at + 8], data[at + 8 : at + 8 + n]
        assert struct.unpack_from(">I", data, at + 8 + n)[0] == zlib.crc32(kind + chunk)
        head = chunk if kind == b"IHDR" else head
        body += chunk if kind == b"IDAT" else b""
        at += 12 + n
    width, height, _, color = struct.unpack_from(">IIBB", head)
    rows = np.frombuffer(zlib.decompress(body), np.uint8).reshape(height, -1)
    assert not rows[:, 0].any()
    return rows[:, 1:].reshape(height, width, {0: 1, 2: 3, 6: 4}[color])


def test_images(tmp_path: pathlib.Path) -> None:
    image = np.arange(30, dtype=np.uint8).reshape(2, 5, 3)
    with SummaryWriter(tmp_path) as writer:
        writer.add_image("hwc", image, 1, dataformats="HWC")
        writer.add_image("chw", plait.from_numpy(image.transpose(2, 0, 1).copy()))
        writer.add_image("float", plait.tensor([[0.0, 0.5], [1.0, 2.0]]), dataformats="HW")
        writer.add_images("grid", np.full((3, 1, 2, 2), 9, np.uint8))
        for bad, dims in ((np.zeros((2, 2)), "CHW"), (np.zeros((2, 3, 3)), "CHW"), (np.zeros((2, 2)), "XY")):
            with pytest.raises(ValueError, match="add_image"):
                writer.add_image("bad", bad, dataformats=dims)
    values = [dict(fields(value[4])) for _, value in events(tmp_path)]
    assert (values[0][1], values[0][2], values[0][3]) == (2, 5, 3)
    np.testing.assert_array_equal(pixels(values[0][4]), image)
    np.testing.assert_array_equal(pixels(values[1][4]), image)
    assert pixels(values[2][4]).reshape(-1).tolist() == [0, 128, 255, 255]
    grid = pixels(values[3][4])[..., 0]
    assert grid.shape == (4, 4)
    assert (grid[2:, 2:] == 0).all()
    assert (grid[:2] == 9).all()


def test_closed_writer_opens_again(tmp_path: pathlib.Path) -> None:
    writer = SummaryWriter(tmp_path / "a" / "b")
    assert writer.get_logdir().endswith("b")
    writer.add_scalar("x", 1.0, 0)
    writer.flush()
    assert len(events(tmp_path / "a" / "b")) == 1
    writer.close()
    writer.close()
    writer.add_scalar("x", 2.0, 1)
    writer.close()


def test_graph(tmp_path: pathlib.Path) -> None:
    class Net(plait.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = plait.nn.Sequential(plait.nn.Linear(4, 3), plait.nn.ReLU(), plait.nn.Dropout(0.5))
            self.head = plait.nn.Linear(3, 2)

        def forward(self, x: plait.Tensor, scale: plait.Tensor) -> plait.Tensor:
            y = self.body(x)
            return self.head(y) + self.head(y * scale)

    net = Net()
    with SummaryWriter(tmp_path) as writer:
        writer.add_graph(net, (plait.ones(5, 4), plait.tensor(2.0)))
    assert net.training and not net.body[0]._forward_hooks
    (path,) = tmp_path.glob("events.out.tfevents.*")
    data = path.read_bytes()
    (first,) = struct.unpack_from("<Q", data, 0)
    (length,) = struct.unpack_from("<Q", data, 16 + first)
    event = dict(fields(data[16 + first + 12 :][:length]))
    nodes = {}
    for number, node in fields(event[4]):
        if number == 1:
            inputs = [v.decode() for k, v in fields(node) if k == 3]
            parts = dict(fields(node))
            nodes[parts[1].decode()] = (parts[2].decode(), inputs)
    assert nodes["input/0"] == ("IO Node", []) and nodes["Net/head/weight"] == ("Parameter", [])
    assert nodes["Net/body/0/linear"] == ("linear", ["input/0", "Net/body/0/weight", "Net/body/0/bias"])
    assert nodes["Net/body/1/relu"] == ("relu", ["Net/body/0/linear"])
    assert nodes["Net/add"][1] == ["Net/head/linear", "Net/head/linear_1"]
    assert nodes["output/0"] == ("IO Node", ["Net/add"])


def test_embedding(tmp_path: pathlib.Path) -> None:
    with SummaryWriter(tmp_path) as writer:
        writer.add_embedding(plait.eye(3), ["a", "b\tc", 3], plait.rand(3, 1, 2, 4), global_step=7, tag="points")
        writer.add_embedding(np.ones((2, 2)), [["x", 1], ["y", 2]], metadata_header=["name", "n"])
        with pytest.raises(ValueError, match="label"):
            writer.add_embedding(plait.eye(3), ["a"])
    folder = tmp_path / "00007" / "points"
    assert (folder / "tensors.tsv").read_text().splitlines()[1] == "0.0\t1.0\t0.0"
    assert (folder / "metadata.tsv").read_text() == "a\nb c\n3\n"
    assert struct.unpack_from(">II", (folder / "sprite.png").read_bytes(), 16) == (8, 4)
    assert (tmp_path / "00000" / "default" / "metadata.tsv").read_text() == "name\tn\nx\t1\ny\t2\n"
    config = (tmp_path / "projector_config.pbtxt").read_text()
    assert config.count("embeddings {") == 2 and "single_image_dim: 4 single_image_dim: 2" in config
