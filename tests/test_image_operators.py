# SPDX-License-Identifier: MIT
"""Operators for image files, which stand on Pillow."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import plait

pytest.importorskip("PIL")

from PIL import Image

from plait.compat.operators import image as ops

PIXELS = np.random.default_rng(0).integers(0, 256, (7, 9, 4)).astype(np.uint8)


def file_of(pixels: Any, kind: str, mode: str | None = None, **options: Any) -> plait.Tensor:
    file = io.BytesIO()
    picture = Image.fromarray(pixels)
    (picture.convert(mode) if mode else picture).save(file, kind, **options)
    return plait.from_numpy(np.frombuffer(file.getvalue(), np.uint8).copy())


def planes(*channels: Any) -> np.ndarray:
    return np.stack(channels)


def test_png() -> None:
    red, green, blue, alpha = np.moveaxis(PIXELS, -1, 0)
    opaque = np.full_like(red, 255)
    gray = np.floor(0.2989 * red + 0.587 * green + 0.1141 * blue)
    colour = file_of(PIXELS, "PNG")
    for mode, want in (
        (0, planes(red, green, blue, alpha)),
        (3, planes(red, green, blue)),
        (4, planes(red, green, blue, alpha)),
    ):
        np.testing.assert_array_equal(ops.decode_png(colour, mode).numpy(), want)
    got = ops.decode_image(colour, 2).numpy()
    np.testing.assert_array_equal(got[1], alpha)
    assert np.abs(got[0].astype(int) - gray).max() <= 1

    one = file_of(red, "PNG")
    for mode, want in ((0, [red]), (1, [red]), (2, [red, opaque]), (3, [red] * 3), (4, [red, red, red, opaque])):
        np.testing.assert_array_equal(ops.decode_png(one, mode).numpy(), planes(*want))
    wide = red.astype(np.uint16) * 257
    got = ops.decode_png(file_of(wide, "PNG"), 4)
    assert got.dtype == plait.uint16
    np.testing.assert_array_equal(got.numpy(), planes(wide, wide, wide, np.full_like(wide, 65535)))
    palette = file_of(PIXELS[..., :3], "PNG", "P")
    assert ops.decode_png(palette, 0).shape == (1, 7, 9) and ops.decode_png(palette, 3).shape == (3, 7, 9)


def test_jpeg() -> None:
    smooth = np.add.outer(np.arange(16) * 9, np.arange(24) * 4).astype(np.uint8)
    colour = plait.from_numpy(planes(smooth, smooth[::-1], smooth).copy())
    file = ops.encode_jpeg(colour, 95)
    got = ops.decode_jpeg(file, 0)
    assert got.shape == (3, 16, 24) and (got.float() - colour.float()).abs().mean() < 4
    assert ops.decode_image(file, 1).shape == (1, 16, 24)
    gray = ops.encode_jpeg(colour[:1], 95)
    np.testing.assert_array_equal(ops.decode_jpeg(gray, 3).numpy(), np.repeat(ops.decode_jpeg(gray, 0).numpy(), 3, 0))
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    turned = file_of(smooth, "JPEG", exif=exif)
    np.testing.assert_array_equal(
        ops.decode_jpeg(turned, 0, True).numpy()[0], np.rot90(ops.decode_jpeg(turned, 0).numpy()[0], -1)
    )
    with pytest.raises(RuntimeError, match="as gray or as RGB"):
        ops.decode_jpeg(file, 4)
    with pytest.raises(NotImplementedError, match="CMYK"):
        ops.decode_jpeg(file_of(PIXELS[..., :3], "JPEG", "CMYK"), 0)


def test_other_files(tmp_path: Path) -> None:
    black, white = np.zeros((5, 6), np.uint8), np.full((5, 6), 255, np.uint8)
    one = ops.decode_image(file_of(white, "GIF"), 0)
    assert one.shape == (3, 5, 6) and one.min() == 255
    two = ops.decode_gif(file_of(white, "GIF", save_all=True, append_images=[Image.fromarray(black)]))
    assert two.shape == (2, 3, 5, 6) and two[0].min() == 255 and two[1].max() == 0

    path = str(tmp_path / "bytes")
    ops.write_file(path, plait.arange(5, dtype=plait.uint8))
    assert ops.read_file(path).tolist() == [0, 1, 2, 3, 4]
    for level in (0, 9):
        x = plait.from_numpy(PIXELS[..., :3].transpose(2, 0, 1).copy())
        assert plait.equal(ops.decode_png(ops.encode_png(x, level), 0), x)


def test_errors() -> None:
    for data in (plait.zeros(4), plait.zeros(2, 2, dtype=plait.uint8), plait.zeros(0, dtype=plait.uint8)):
        with pytest.raises(RuntimeError, match="uint8 tensor of one dimension"):
            ops.decode_image(data, 0)
    with pytest.raises(RuntimeError, match="JPEG, PNG, GIF or WebP"):
        ops.decode_image(plait.zeros(20, dtype=plait.uint8), 0)
    with pytest.raises(RuntimeError, match="file of PNG"):
        ops.decode_png(plait.zeros(20, dtype=plait.uint8), 0)
    with pytest.raises(RuntimeError, match="1 or 3, height, width"):
        ops.encode_png(plait.zeros(2, 4, 4, dtype=plait.uint8), 6)
    with pytest.raises(RuntimeError, match="between 0 and 9"):
        ops.encode_png(plait.zeros(1, 4, 4, dtype=plait.uint8), 10)
