# SPDX-License-Identifier: MIT
"""Image files, read and written by Pillow. Images are uint8 tensors (channels, height, width)."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps, ImageSequence, features

from ... import Tensor, from_numpy, uint8

__all__ = ["OPERATORS"]

UNCHANGED, GRAY, GRAY_ALPHA, RGB, RGBA = range(5)  # the modes that an image is asked for in


def read_file(path: str) -> Tensor:
    """The bytes of a file."""
    return from_numpy(np.frombuffer(Path(path).read_bytes(), np.uint8).copy())


def write_file(path: str, data: Tensor) -> None:
    """Write bytes into a file."""
    check_bytes(data)
    Path(path).write_bytes(data.numpy().tobytes())


def check_bytes(data: Tensor) -> None:
    if data.dtype != uint8 or data.dim() != 1 or data.numel() == 0:
        raise RuntimeError(f"image: expected bytes as a uint8 tensor of one dimension, got {data.dtype} {data.shape}")


def opened(data: Tensor, formats: tuple[str, ...]) -> Image.Image:
    check_bytes(data)
    try:
        return Image.open(io.BytesIO(data.numpy().tobytes()), formats=formats)
    except Image.UnidentifiedImageError as error:
        raise RuntimeError(f"image: expected a file of {' or '.join(formats)}") from error


def as_tensor(image: Image.Image) -> Tensor:
    """(channels, height, width), in the memory order of pixels."""
    pixels = np.array(image)
    return from_numpy(pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1))


def upright(image: Image.Image, apply_exif_orientation: bool) -> Image.Image:
    return ImageOps.exif_transpose(image) if apply_exif_orientation else image


def luminance(colour: Any) -> Any:
    """(height, width, 1) of (height, width, 3), in libpng's 15 bits: 0.2989, 0.587 and the rest."""
    red, green, blue = np.moveaxis(colour.astype(np.uint32), -1, 0)
    return ((9794 * red + 19234 * green + 3740 * blue) >> 15).astype(colour.dtype)[..., None]


def in_mode(pixels: Any, mode: int) -> Any:
    """Pixels (height, width, 1 to 4 channels) as gray or colour, with or without alpha."""
    if mode == UNCHANGED:
        return pixels
    has_alpha = pixels.shape[-1] in (2, 4)
    colour = pixels[..., :-1] if has_alpha else pixels
    alpha = pixels[..., -1:] if has_alpha else np.full_like(pixels[..., :1], np.iinfo(pixels.dtype).max)
    if mode in (GRAY, GRAY_ALPHA):
        colour = luminance(colour) if colour.shape[-1] == 3 else colour
    else:
        colour = np.broadcast_to(colour, (*colour.shape[:2], 3))
    return np.concatenate([colour, alpha], -1) if mode in (GRAY_ALPHA, RGBA) else np.ascontiguousarray(colour)


def decode_png(data: Tensor, mode: int, apply_exif_orientation: bool = False) -> Tensor:
    """Of a PNG file. Samples of 16 bits are read from gray images, which become uint16.

    As it is, an image with a palette is the numbers of its colours.
    """
    image = opened(data, ("PNG",))
    if data[24].item() == 16:  # bits of a sample, in the header
        if not image.mode.startswith("I"):
            raise NotImplementedError(
                "image: PNG files with samples of 16 bits are read if they are gray without alpha"
            )
        pixels = np.array(upright(image, apply_exif_orientation)).astype(np.uint16)
    else:
        if image.mode == "P" and mode != UNCHANGED:
            image = image.convert("RGBA" if "transparency" in image.info else "RGB")
        elif image.mode == "1":
            image = image.convert("L")
        pixels = np.array(upright(image, apply_exif_orientation))
    return from_numpy(in_mode(pixels.reshape(*pixels.shape[:2], -1), mode).transpose(2, 0, 1))


def decode_jpeg(data: Tensor, mode: int, apply_exif_orientation: bool = False) -> Tensor:
    """Of a JPEG file; gray is the luminance of the file itself."""
    if mode not in (UNCHANGED, GRAY, RGB):
        raise RuntimeError("image: JPEG files are read as they are, as gray or as RGB")
    image = opened(data, ("JPEG", "MPO"))
    if image.mode == "CMYK":
        raise NotImplementedError("image: JPEG files in CMYK are not read")
    if mode == GRAY:
        image.draft("L", image.size)
    elif mode == RGB:
        image = image.convert("RGB")
    return as_tensor(upright(image, apply_exif_orientation))


def decode_webp(encoded_data: Tensor, mode: int) -> Tensor:
    """Of a WebP file, which is not made gray."""
    image = opened(encoded_data, ("WEBP",))
    return as_tensor(image.convert({RGB: "RGB", RGBA: "RGBA"}.get(mode, image.mode)))


def decode_gif(encoded_data: Tensor) -> Tensor:
    """Of a GIF file, in RGB; with several frames (frames, channels, height, width)."""
    frames = [np.array(frame.convert("RGB")) for frame in ImageSequence.Iterator(opened(encoded_data, ("GIF",)))]
    if len(frames) == 1:
        return from_numpy(frames[0].transpose(2, 0, 1))
    return from_numpy(np.stack(frames).transpose(0, 3, 1, 2))


def decode_image(data: Tensor, mode: int, apply_exif_orientation: bool = False) -> Tensor:
    """Of a file of any of these formats."""
    check_bytes(data)
    start = data[:12].numpy().tobytes()
    if start.startswith(b"\xff\xd8\xff"):
        return decode_jpeg(data, mode, apply_exif_orientation)
    if start.startswith(b"\x89PNG"):
        return decode_png(data, mode, apply_exif_orientation)
    if start.startswith(b"GIF8"):
        return decode_gif(data)
    if start.startswith(b"RIFF") and start.endswith(b"WEBP"):
        return decode_webp(data, mode)
    raise RuntimeError("image: expected a file of JPEG, PNG, GIF or WebP")


def encoded(image: Tensor, **options: Any) -> Tensor:
    if image.dtype != uint8 or image.dim() != 3 or image.shape[0] not in (1, 3):
        raise RuntimeError(
            f"image: expected a uint8 tensor of shape (1 or 3, height, width), got {image.dtype} {image.shape}"
        )
    pixels = image.numpy()
    pixels = np.ascontiguousarray(pixels[0] if len(pixels) == 1 else pixels.transpose(1, 2, 0))
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, **options)
    return from_numpy(np.frombuffer(file.getvalue(), np.uint8).copy())


def encode_jpeg(data: Tensor, quality: int) -> Tensor:
    """A JPEG file of an image."""
    return encoded(data, format="JPEG", quality=quality)


def encode_png(data: Tensor, compression_level: int) -> Tensor:
    """A PNG file of an image; the level goes from 0, the fastest, to 9."""
    if not 0 <= compression_level <= 9:
        raise RuntimeError(f"image: expected a compression level between 0 and 9, got {compression_level}")
    return encoded(data, format="PNG", compress_level=compression_level)


def jpeg_version() -> int:
    """The version of the interface of libjpeg."""
    return 62


def is_compiled_against_turbo() -> bool:
    """Whether JPEG files are read by libjpeg-turbo."""
    return bool(features.check("libjpeg_turbo"))


OPERATORS: dict[str, Callable[..., Any]] = {
    "_is_compiled_against_turbo": is_compiled_against_turbo,
    "_jpeg_version": jpeg_version,
    "decode_gif": decode_gif,
    "decode_image": decode_image,
    "decode_jpeg": decode_jpeg,
    "decode_png": decode_png,
    "decode_webp": decode_webp,
    "encode_jpeg": encode_jpeg,
    "encode_png": encode_png,
    "read_file": read_file,
    "write_file": write_file,
}
