# SPDX-License-Identifier: MIT
"""The bytes of an event file: protocol-buffer fields, records with checksums, PNG images.

An event file is a run of records: length (uint64), checksum of the length, the event, checksum of the event.
The checksum is CRC-32C (Castagnoli), rotated and shifted by a constant.
"""

from __future__ import annotations

import struct
import zlib

import numpy as np

__all__ = [
    "buckets_value",
    "event",
    "file_header",
    "graph_event",
    "histogram_value",
    "image_value",
    "png",
    "record",
    "scalar_value",
    "text_value",
]


def _crc_table() -> list[int]:
    table = []
    for n in range(256):
        for _ in range(8):
            n = (n >> 1) ^ (0x82F63B78 if n & 1 else 0)
        table.append(n)
    return table


_TABLE = _crc_table()


def _masked_crc(data: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _TABLE[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    crc ^= 0xFFFFFFFF
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def record(data: bytes) -> bytes:
    """One record of the file."""
    length = struct.pack("<Q", len(data))
    checks = struct.pack("<I", _masked_crc(length)), struct.pack("<I", _masked_crc(data))
    return length + checks[0] + data + checks[1]


# ---- protocol buffers: a field is its number and wire type, then the value -------------------------------


def _varint(n: int) -> bytes:
    n &= 2**64 - 1
    out = bytearray()
    while n > 0x7F:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    return bytes([*out, n])


def _int(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _double(field: int, value: float) -> bytes:
    return _varint(field << 3 | 1) + struct.pack("<d", value)


def _float(field: int, value: float) -> bytes:
    return _varint(field << 3 | 5) + struct.pack("<f", value)


def _bytes(field: int, value: bytes | str) -> bytes:
    data = value.encode() if isinstance(value, str) else value
    return _varint(field << 3 | 2) + _varint(len(data)) + data


def file_header(wall_time: float) -> bytes:
    """The event that begins a file."""
    return _double(1, wall_time) + _bytes(3, "brain.Event:2")


def event(wall_time: float, step: int, value: bytes) -> bytes:
    """An event with one summary value."""
    return _double(1, wall_time) + _int(2, step) + _bytes(5, _bytes(1, value))


def graph_event(wall_time: float, graph: bytes) -> bytes:
    """An event with a GraphDef."""
    return _double(1, wall_time) + _bytes(4, graph)


def scalar_value(tag: str, value: float) -> bytes:
    """A number."""
    return _bytes(1, tag) + _float(2, value)


def text_value(tag: str, text: str, plugin: str = "text", content: bytes = b"") -> bytes:
    """A text in Markdown, or one that a plugin of TensorBoard reads by what stands in its content."""
    metadata = _bytes(1, _bytes(1, plugin) + (_bytes(2, content) if content else b""))  # plugin_data
    shape = _bytes(2, _int(1, 1))  # one dimension of size 1
    tensor = _int(1, 7) + _bytes(2, shape) + _bytes(8, text)  # 7: strings
    return _bytes(1, tag) + _bytes(8, tensor) + _bytes(9, metadata)


def histogram_value(tag: str, values: np.ndarray, bins: str | int) -> bytes:
    """The distribution of finite values (float64, 1-D, not empty)."""
    counts, edges = np.histogram(values, bins)
    moments = [values.min(), values.max(), values.size, values.sum(), np.square(values).sum()]
    return buckets_value(tag, [float(x) for x in moments], edges, np.concatenate([[0], counts]))


def buckets_value(tag: str, moments: list[float], limits: np.ndarray, counts: np.ndarray) -> bytes:
    """A histogram from its least and greatest value, number, sum, sum of squares, and its buckets.

    Bucket i counts the values in (limits[i-1], limits[i]]; the first one begins below everything.
    """
    numbers = b"".join(_double(i, x) for i, x in enumerate(moments, 1))
    numbers += _bytes(6, limits.astype("<f8").tobytes()) + _bytes(7, counts.astype("<f8").tobytes())
    return _bytes(1, tag) + _bytes(5, numbers)


def png(image: np.ndarray) -> bytes:
    """A PNG file of a uint8 image (height, width, channels) with 1, 3 or 4 channels."""
    height, width, channels = image.shape
    color = {1: 0, 3: 2, 4: 6}[channels]
    rows = np.zeros((height, 1 + width * channels), np.uint8)  # each row begins with its filter: none
    rows[:, 1:] = image.reshape(height, -1)

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, color, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows.tobytes()))
        + chunk(b"IEND", b"")
    )


def image_value(tag: str, image: np.ndarray, file: bytes | None = None) -> bytes:
    """A uint8 image (height, width, channels), as a PNG file or as the file given."""
    height, width, channels = image.shape
    fields = _int(1, height) + _int(2, width) + _int(3, channels) + _bytes(4, png(image) if file is None else file)
    return _bytes(1, tag) + _bytes(4, fields)
