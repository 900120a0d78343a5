# SPDX-License-Identifier: MIT
"""Transforms of images, as datasets apply them.

Images are tensors (channels, height, width), or, before :class:`ToTensor`, uint8 NumPy arrays (height, width)
or (height, width, channels), or PIL images. What changes their geometry returns the kind it is given.
"""

from __future__ import annotations

import enum
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from . import _core
from ._core import ArgumentError, ArgumentTypeError, Tensor
from ._tensor import iinfo

__all__ = [
    "CenterCrop",
    "Compose",
    "ConvertImageDtype",
    "Grayscale",
    "Lambda",
    "Normalize",
    "Pad",
    "RandomApply",
    "RandomCrop",
    "RandomHorizontalFlip",
    "RandomVerticalFlip",
    "Resize",
    "ToTensor",
]


def _pair(name: str, value: Any) -> tuple[int, int]:
    if isinstance(value, int):
        return value, value
    if isinstance(value, Sequence) and len(value) in (1, 2) and all(isinstance(v, int) for v in value):
        return value[0], value[-1]
    raise ArgumentError(f"{name}: expected a size or a pair (height, width), got {value!r}")


def _is_tensor(image: Any) -> bool:
    return isinstance(image, Tensor)


def _is_pil(image: Any) -> bool:
    pil = sys.modules.get("PIL.Image")  # who has an image has imported it
    return pil is not None and isinstance(image, pil.Image)


def _as_image(name: str, image: Any) -> Any:
    """A tensor, array or PIL image; other things that NumPy can read become arrays."""
    if _is_tensor(image) or isinstance(image, np.ndarray) or _is_pil(image):
        return image
    if hasattr(image, "__array_interface__") or hasattr(image, "__array__"):
        return np.asarray(image)
    raise ArgumentTypeError(f"{name}: expected a tensor, an array or a PIL image, got {type(image).__name__}")


def _size(image: Any) -> tuple[int, int]:
    """(height, width)."""
    if _is_pil(image):
        return image.height, image.width
    return tuple(image.shape[-2:]) if _is_tensor(image) else tuple(image.shape[:2])


def _cut(image: Any, top: int, left: int, height: int, width: int) -> Any:
    if _is_pil(image):
        return image.crop((left, top, left + width, top + height))
    if _is_tensor(image):
        return image[..., top : top + height, left : left + width]
    return image[top : top + height, left : left + width]


def _flip(image: Any, axis: int) -> Any:
    """Mirror along -1 (width) or -2 (height)."""
    if _is_pil(image):
        return image.transpose({-1: 0, -2: 1}[axis])  # Image.Transpose.FLIP_LEFT_RIGHT, FLIP_TOP_BOTTOM
    if _is_tensor(image):
        return image.flip(axis)
    return np.ascontiguousarray(np.flip(image, {-1: 1, -2: 0}[axis]))


def _random() -> float:
    return float(_core.rand(()))


def _random_int(end: int) -> int:
    return int(_core.randint(end, ()))


class Compose:
    """Apply transforms one after the other.

    Args:
        transforms: functions of an image.

    Example:
        >>> import numpy, plait
        >>> t = plait.transforms.Compose([plait.transforms.ToTensor(), plait.transforms.Normalize(0.5, 0.5)])
        >>> t(numpy.full((1, 1), 255, numpy.uint8)).tolist()
        [[[1.0]]]
    """

    def __init__(self, transforms: Sequence[Callable[[Any], Any]]) -> None:
        self.transforms = list(transforms)

    def __call__(self, image: Any) -> Any:
        for t in self.transforms:
            image = t(image)
        return image

    @property
    def _can_batch(self) -> bool:
        # A stored batch (n, height, width) becomes one of images by ToTensor alone.
        first = self.transforms[:1]
        return (
            bool(first)
            and isinstance(first[0], ToTensor)
            and all(getattr(t, "_can_batch", False) for t in self.transforms)
        )

    def _batch(self, images: Tensor) -> Tensor:
        for t in self.transforms:
            images = t._batch(images)  # type: ignore[attr-defined]
        return images

    def __repr__(self) -> str:
        return "Compose(\n" + "".join(f"    {t}\n" for t in self.transforms) + ")"


# NumPy's dtype for the values of PIL images whose mode is not one of bytes.
_PIL_DTYPES = {"I": np.int32, "I;16": np.int16, "I;16L": np.int16, "I;16B": np.int16, "F": np.float32}


def _pil_values(image: Any) -> np.ndarray:
    array = np.array(image, _PIL_DTYPES.get(image.mode, np.uint8))
    return array * np.uint8(255) if image.mode == "1" else array


class ToTensor:
    """uint8 images (height, width[, channels]) to float32 tensors (channels, height, width) in [0, 1].

    PIL images of other modes than bytes and bits, and arrays of other dtypes, keep their values; tensors stay as
    they are.

    Example:
        >>> import numpy, plait
        >>> plait.transforms.ToTensor()(numpy.zeros((4, 5, 3), numpy.uint8)).shape
        plait.Size([3, 4, 5])
    """

    _can_batch = True

    def __call__(self, image: Any) -> Tensor:
        if _is_tensor(image):
            return image
        array = _as_image("ToTensor", image)
        if _is_pil(array):
            array = _pil_values(array)
        if array.ndim not in (2, 3):
            raise ArgumentError(f"ToTensor: expected an image of 2 or 3 dimensions, got shape {array.shape}")
        array = array[None] if array.ndim == 2 else array.transpose(2, 0, 1)
        tensor = _core.from_numpy(np.array(array, order="C"))  # a copy: the image stays its owner's
        return tensor.to(_core.float32).div_(255) if tensor.dtype == _core.uint8 else tensor

    def _batch(self, images: Any) -> Tensor:
        """The same for uint8 (n, height, width), or an array (n, height, width, channels)."""
        if isinstance(images, np.ndarray):
            return _core.from_numpy(images).permute(0, 3, 1, 2).contiguous().to(_core.float32).div_(255)
        if images.dim() != 3 or images.dtype != _core.uint8:
            return images
        return images.unsqueeze(1).to(_core.float32).div_(255)

    def __repr__(self) -> str:
        return "ToTensor()"


class Normalize:
    """(image - mean) / std for each channel.

    Args:
        mean, std: a number, or one for each channel; std is not 0.
        inplace: write into the image.

    Raises:
        ValueError: a std is 0.
        TypeError: the image is no floating-point tensor.

    Example:
        >>> import plait
        >>> plait.transforms.Normalize([0.5], [0.5])(plait.ones(1, 1, 2))
        tensor([[[1., 1.]]])
    """

    _can_batch = True

    def __init__(self, mean: float | Sequence[float], std: float | Sequence[float], inplace: bool = False) -> None:
        self.mean, self.std, self.inplace = mean, std, inplace
        self._mean = _core.as_tensor(mean, dtype=_core.float32).reshape(-1, 1, 1)
        self._std = _core.as_tensor(std, dtype=_core.float32).reshape(-1, 1, 1)
        if bool((self._std == 0).any()):
            raise ArgumentError(f"Normalize: expected std other than 0, got {std}")

    def __call__(self, image: Tensor) -> Tensor:
        if not _is_tensor(image) or not image.is_floating_point():
            kind = image.dtype if _is_tensor(image) else type(image).__name__
            raise ArgumentTypeError(
                f"Normalize: expected a floating-point tensor, got {kind}\nhint: ToTensor() comes first"
            )
        mean, std = self._mean.to(image.dtype), self._std.to(image.dtype)
        return image.sub_(mean).div_(std) if self.inplace else (image - mean).div_(std)

    _batch = __call__

    def __repr__(self) -> str:
        return f"Normalize(mean={self.mean}, std={self.std})"


class ConvertImageDtype:
    """Change the dtype of an image; between integers and floats the range is scaled.

    Args:
        dtype: e.g. ``plait.float32``.

    Example:
        >>> import plait
        >>> plait.transforms.ConvertImageDtype(plait.uint8)(plait.ones(1, 1, 2))
        tensor([[[255, 255]]], dtype=plait.uint8)
    """

    def __init__(self, dtype: _core.dtype) -> None:
        self.dtype = dtype

    def __call__(self, image: Tensor) -> Tensor:
        to_float = self.dtype in (_core.float32, _core.float64, _core.float16, _core.bfloat16)
        if image.is_floating_point() == to_float:
            return image.to(self.dtype)
        if to_float:
            return image.to(self.dtype) / iinfo(image.dtype).max
        largest = iinfo(self.dtype).max
        return (image * (largest + 1 - 1e-3)).to(self.dtype)


class Lambda:
    """A function as a transform.

    Args:
        lambd: a function of the image.

    Raises:
        TypeError: ``lambd`` cannot be called.

    Example:
        >>> import plait
        >>> plait.transforms.Lambda(lambda image: image * 2)(plait.ones(1, 1, 2))
        tensor([[[2., 2.]]])
    """

    def __init__(self, lambd: Callable[[Any], Any]) -> None:
        if not callable(lambd):
            raise ArgumentTypeError(f"Lambda: expected a function, got {type(lambd).__name__}")
        self.lambd = lambd

    def __call__(self, image: Any) -> Any:
        return self.lambd(image)


class Pad:
    """Add a border.

    Args:
        padding: one width for all sides, or (left and right, top and bottom), or (left, top, right, bottom).
        fill: the value, default 0.
        padding_mode: "constant", "edge", "reflect" or "symmetric", as in ``numpy.pad``.

    Raises:
        ValueError: widths that are negative or not 1, 2 or 4 numbers, or another mode.

    Example:
        >>> import plait
        >>> plait.transforms.Pad(1)(plait.ones(3, 6, 8)).shape
        plait.Size([3, 8, 10])
    """

    def __init__(self, padding: int | Sequence[int], fill: float = 0, padding_mode: str = "constant") -> None:
        sides = [padding] if isinstance(padding, int) else list(padding)
        if len(sides) not in (1, 2, 4) or any(not isinstance(s, int) or s < 0 for s in sides):
            raise ArgumentError(f"Pad: expected 1, 2 or 4 widths >= 0, got {padding!r}")
        if padding_mode not in ("constant", "edge", "reflect", "symmetric"):
            raise ArgumentError(f"Pad: expected constant, edge, reflect or symmetric, got {padding_mode!r}")
        left, top, right, bottom = (sides * 4)[:4] if len(sides) != 2 else sides * 2
        self.padding = (left, top, right, bottom)
        self.fill = fill
        self.padding_mode = padding_mode

    def __call__(self, image: Any) -> Any:
        image = _as_image("Pad", image)
        left, top, right, bottom = self.padding
        if _is_pil(image):
            return _padded_pil(image, self.padding, self.fill, self.padding_mode)
        array = image.numpy() if _is_tensor(image) else image
        widths = [(0, 0)] * array.ndim
        height_axis = array.ndim - 2 if _is_tensor(image) else 0
        widths[height_axis], widths[height_axis + 1] = (top, bottom), (left, right)
        values = {"constant_values": self.fill} if self.padding_mode == "constant" else {}
        padded = np.pad(array, widths, self.padding_mode, **values)  # type: ignore[call-overload]
        return _core.from_numpy(padded) if _is_tensor(image) else padded


def _padded_pil(image: Any, padding: tuple[int, int, int, int], fill: Any, mode: str) -> Any:
    from PIL import Image, ImageOps

    left, top, right, bottom = padding
    if mode == "constant":
        bands = len(image.getbands())
        return ImageOps.expand(image, padding, fill if bands == 1 or not isinstance(fill, int) else (fill,) * bands)
    array = np.asarray(image)
    padded = np.pad(array, [(top, bottom), (left, right), (0, 0)][: array.ndim], mode)  # type: ignore[call-overload]
    made = Image.fromarray(padded)
    if image.mode == "P":
        made.putpalette(image.getpalette())
    return made


class CenterCrop:
    """Cut the middle out; an image that is smaller gets a border of zeros.

    Args:
        size: of the result, one number or (height, width).

    Example:
        >>> import plait
        >>> plait.transforms.CenterCrop(4)(plait.ones(3, 6, 8)).shape
        plait.Size([3, 4, 4])
    """

    def __init__(self, size: int | Sequence[int]) -> None:
        self.size = _pair("CenterCrop", size)

    def __call__(self, image: Any) -> Any:
        image = _as_image("CenterCrop", image)
        (h, w), (height, width) = _size(image), self.size
        rows, columns = max(0, height - h), max(0, width - w)
        if rows or columns:
            image = Pad((columns // 2, rows // 2, (columns + 1) // 2, (rows + 1) // 2))(image)
            h, w = _size(image)
        return _cut(image, round((h - height) / 2), round((w - width) / 2), height, width)


class RandomCrop:
    """Cut a part of a fixed size out at a random place.

    Args:
        size: of the result, one number or (height, width).
        padding: border added first, see :class:`Pad`.
        pad_if_needed: add borders to images that are smaller.
        fill, padding_mode: of the borders.

    Raises:
        ValueError: the image is smaller than ``size``.

    Example:
        >>> import plait
        >>> plait.transforms.RandomCrop(4)(plait.ones(3, 6, 8)).shape
        plait.Size([3, 4, 4])
    """

    def __init__(
        self,
        size: int | Sequence[int],
        padding: int | Sequence[int] | None = None,
        pad_if_needed: bool = False,
        fill: float = 0,
        padding_mode: str = "constant",
    ) -> None:
        self.size = _pair("RandomCrop", size)
        self.pad = Pad(padding, fill, padding_mode) if padding is not None else None
        self.pad_if_needed = pad_if_needed
        self.fill, self.padding_mode = fill, padding_mode

    def __call__(self, image: Any) -> Any:
        image = _as_image("RandomCrop", image)
        if self.pad is not None:
            image = self.pad(image)
        (h, w), (height, width) = _size(image), self.size
        if self.pad_if_needed and (h < height or w < width):
            image = Pad((max(0, width - w), max(0, height - h)), self.fill, self.padding_mode)(image)
            h, w = _size(image)
        if h < height or w < width:
            raise ArgumentError(f"RandomCrop: expected an image of at least {self.size}, got {(h, w)}")
        return _cut(image, _random_int(h - height + 1), _random_int(w - width + 1), height, width)


class RandomHorizontalFlip:
    """Mirror left and right with probability ``p``, default 0.5.

    Example:
        >>> import plait
        >>> plait.transforms.RandomHorizontalFlip()(plait.ones(3, 6, 8)).shape
        plait.Size([3, 6, 8])
    """

    def __init__(self, p: float = 0.5) -> None:
        self.p = p

    def __call__(self, image: Any) -> Any:
        return _flip(_as_image("RandomHorizontalFlip", image), -1) if _random() < self.p else image


class RandomVerticalFlip:
    """Mirror top and bottom with probability ``p``, default 0.5.

    Example:
        >>> import plait
        >>> plait.transforms.RandomVerticalFlip()(plait.ones(3, 6, 8)).shape
        plait.Size([3, 6, 8])
    """

    def __init__(self, p: float = 0.5) -> None:
        self.p = p

    def __call__(self, image: Any) -> Any:
        return _flip(_as_image("RandomVerticalFlip", image), -2) if _random() < self.p else image


class RandomApply:
    """Apply transforms, all of them with probability ``p``, default 0.5.

    Example:
        >>> import plait
        >>> flip = plait.transforms.RandomHorizontalFlip(1.0)
        >>> plait.transforms.RandomApply([flip], p=1.0)(plait.arange(2.0).reshape(1, 1, 2))
        tensor([[[1., 0.]]])
    """

    def __init__(self, transforms: Sequence[Callable[[Any], Any]], p: float = 0.5) -> None:
        self.transforms, self.p = list(transforms), p

    def __call__(self, image: Any) -> Any:
        return Compose(self.transforms)(image) if _random() < self.p else image


class InterpolationMode(enum.Enum):
    """How :class:`Resize` finds values between pixels.

    Example:
        >>> import plait
        >>> plait.transforms.InterpolationMode.BICUBIC.value
        'bicubic'
    """

    NEAREST = "nearest"
    NEAREST_EXACT = "nearest-exact"
    BILINEAR = "bilinear"
    BICUBIC = "bicubic"
    BOX = "box"
    HAMMING = "hamming"
    LANCZOS = "lanczos"


# PIL's numbers of the modes.
_PIL_MODES = {"nearest": 0, "nearest-exact": 0, "lanczos": 1, "bilinear": 2, "bicubic": 3, "box": 4, "hamming": 5}


class Resize:
    """Change the size of an image, with what is larger than a pixel of the result smoothed away first.

    Args:
        size: (height, width), or the length of the shorter side; the longer one is then rounded down.
        interpolation: a mode of :class:`InterpolationMode`, its name, or PIL's number. Default: bilinear. Tensors and
            arrays have nearest, nearest-exact, bilinear and bicubic.
        max_size: of the longer side, with a ``size`` of one number.
        antialias: smooth before making smaller; PIL images always are. Default: True.

    Returns:
        A PIL image for one, else a tensor or array of the same dtype.

    Raises:
        ValueError: an unknown mode, or ``max_size`` with two sizes or not above ``size``.

    Example:
        >>> import plait
        >>> plait.transforms.Resize(3)(plait.ones(3, 6, 8)).shape
        plait.Size([3, 3, 4])
    """

    def __init__(
        self,
        size: int | Sequence[int],
        interpolation: InterpolationMode | str | int = InterpolationMode.BILINEAR,
        max_size: int | None = None,
        antialias: bool | None = True,
    ) -> None:
        _pair("Resize", size)
        self.size, self.max_size, self.antialias = size, max_size, antialias
        if isinstance(interpolation, int):
            interpolation = {n: name for name, n in reversed(_PIL_MODES.items())}.get(interpolation, "")
        mode = getattr(interpolation, "value", interpolation)
        if mode not in _PIL_MODES:
            raise ArgumentError(f"Resize: expected an interpolation among {', '.join(_PIL_MODES)}, got {mode!r}")
        self.interpolation = InterpolationMode(mode)
        if max_size is not None:
            if not isinstance(size, int) and len(size) != 1:
                raise ArgumentError(f"Resize: expected max_size with one size alone, got size {size!r}")
            if max_size <= _pair("Resize", size)[0]:
                raise ArgumentError(f"Resize: expected max_size above size, got {max_size} and {size}")

    def _target(self, h: int, w: int) -> tuple[int, int]:
        if not isinstance(self.size, int) and len(self.size) == 2:
            return self.size[0], self.size[1]
        short, long = (h, w) if h <= w else (w, h)
        new_short = _pair("Resize", self.size)[0]
        new_long = int(new_short * long / short)
        if self.max_size is not None and new_long > self.max_size:
            new_short, new_long = int(self.max_size * new_short / new_long), self.max_size
        return (new_short, new_long) if h <= w else (new_long, new_short)

    def __call__(self, image: Any) -> Any:
        image = _as_image("Resize", image)
        size = self._target(*_size(image))
        if size == _size(image):
            return image
        if _is_pil(image):
            return image.resize(size[::-1], _PIL_MODES[self.interpolation.value])
        if _is_tensor(image):
            return self._resized(image, size)
        planes = _core.from_numpy(np.array(image, order="C"))
        planes = planes.unsqueeze(0) if planes.dim() == 2 else planes.permute(2, 0, 1)
        resized = self._resized(planes, size)
        return (resized[0] if image.ndim == 2 else resized.permute(1, 2, 0).contiguous()).numpy()

    def _resized(self, image: Tensor, size: tuple[int, int]) -> Tensor:
        """A tensor (..., height, width), computed in float32 and rounded if it is one of integers."""
        from .nn.functional import interpolate

        mode = self.interpolation.value
        smooth = mode in ("bilinear", "bicubic")
        if not smooth and not mode.startswith("nearest"):
            raise ArgumentError(f"Resize: expected a PIL image for the interpolation {mode}, got a tensor or array")
        planes = image.reshape(1, -1, *image.shape[-2:])
        planes = planes if planes.is_floating_point() else planes.to(_core.float32)
        options = {"align_corners": False, "antialias": bool(self.antialias)} if smooth else {}
        result = interpolate(planes, size=size, mode=mode, **options)
        if not image.is_floating_point():
            if image.dtype == _core.uint8:
                result = result.clamp(0, 255)
            result = result.round().to(image.dtype)
        return result.reshape(*image.shape[:-2], *size)


class Grayscale:
    """The brightness of an RGB tensor: 0.2989 R + 0.587 G + 0.114 B.

    Args:
        num_output_channels: 1, or 3 equal ones.

    Example:
        >>> import plait
        >>> plait.transforms.Grayscale()(plait.ones(3, 6, 8)).shape
        plait.Size([1, 6, 8])
    """

    def __init__(self, num_output_channels: int = 1) -> None:
        self.num_output_channels = num_output_channels

    def __call__(self, image: Any) -> Tensor:
        tensor = ToTensor()(image)
        if tensor.shape[-3] == 3:
            weights = _core.tensor([0.2989, 0.587, 0.114], dtype=tensor.dtype).reshape(3, 1, 1)
            tensor = (tensor * weights).sum(-3, keepdim=True)
        return tensor.expand(*tensor.shape[:-3], self.num_output_channels, *tensor.shape[-2:])
