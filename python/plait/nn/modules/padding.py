# SPDX-License-Identifier: MIT
"""Padding of the last 1 to 3 dimensions of (N, C, ...) or (C, ...).

``padding`` is one number for all sides, or one per side: (left, right, top, bottom, front, back), the last
dimension first. Negative numbers cut off.
"""

from __future__ import annotations

from ..._core import ArgumentError, Tensor
from .. import functional as F
from ._arguments import Ints, checks_arguments
from .module import Module
from .utils import ntuple

__all__ = [
    "CircularPad1d",
    "CircularPad2d",
    "CircularPad3d",
    "ConstantPad1d",
    "ConstantPad2d",
    "ConstantPad3d",
    "ReflectionPad1d",
    "ReflectionPad2d",
    "ReflectionPad3d",
    "ReplicationPad1d",
    "ReplicationPad2d",
    "ReplicationPad3d",
    "ZeroPad1d",
    "ZeroPad2d",
    "ZeroPad3d",
]


class _Pad(Module):
    _dims: int
    _mode: str
    padding: tuple[int, ...]

    @checks_arguments
    def __init__(self, padding: Ints) -> None:
        super().__init__()
        self.padding = ntuple(padding, 2 * self._dims)
        if not self._has_sizes(len(self.padding)):
            raise ArgumentError(
                f"{type(self).__name__}: expected 1 or {2 * self._dims} numbers as padding, got {self.padding}"
            )

    def _has_sizes(self, count: int) -> bool:
        return count == 2 * self._dims

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, self._mode)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class _ConstantPad(_Pad):
    value: float | None

    @checks_arguments
    def __init__(self, padding: Ints, value: float | None) -> None:
        super().__init__(padding)
        self.value = value

    def _has_sizes(self, count: int) -> bool:
        # Fewer sizes are those of the last dimensions.
        return count in range(0, 2 * self._dims + 1, 2)

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, "constant", self.value)

    def extra_repr(self) -> str:
        return f"padding={self.padding}, value={self.value}"


class ConstantPad1d(_ConstantPad):
    """Pad a sequence with ``value``.

    Args:
        padding: (left, right), or one number.
        value: what is put there.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.ConstantPad1d((1, 2), 9.0)(plait.tensor([[1.0, 2.0]])).tolist()
        [[9.0, 1.0, 2.0, 9.0, 9.0]]
    """

    _dims = 1


class ConstantPad2d(_ConstantPad):
    """Pad an image with ``value``; see :class:`ConstantPad1d`.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.ConstantPad2d(1, 0.5)(plait.ones(2, 3, 4, 4)).shape
        plait.Size([2, 3, 6, 6])
    """

    _dims = 2


class ConstantPad3d(_ConstantPad):
    """Pad a volume with ``value``; see :class:`ConstantPad1d`.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.ConstantPad3d(1, 0.5)(plait.ones(2, 3, 4, 4, 4)).shape
        plait.Size([2, 3, 6, 6, 6])
    """

    _dims = 3


class _ZeroPad(_ConstantPad):
    @checks_arguments
    def __init__(self, padding: Ints) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class ZeroPad1d(_ZeroPad):
    """Pad a sequence with 0.

    Args:
        padding: (left, right), or one number.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.ZeroPad1d((1, 2))(plait.ones(1, 2))
        tensor([[0., 1., 1., 0., 0.]])
    """

    _dims = 1


class ZeroPad2d(_ZeroPad):
    """Pad an image with 0.

    Args:
        padding: (left, right, top, bottom), or one number.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.ZeroPad2d(1)(plait.ones(2, 3, 4, 4)).shape
        plait.Size([2, 3, 6, 6])
    """

    _dims = 2


class ZeroPad3d(_ZeroPad):
    """Pad a volume with 0.

    Args:
        padding: (left, right, top, bottom, front, back), or one number.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.ZeroPad3d(1)(plait.ones(2, 3, 4, 4, 4)).shape
        plait.Size([2, 3, 6, 6, 6])
    """

    _dims = 3


class ReflectionPad1d(_Pad):
    """Pad a sequence with its mirror image; the edge is not repeated.

    Args:
        padding: (left, right), or one number; less than the length.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.ReflectionPad1d(2)(plait.tensor([[1.0, 2.0, 3.0]])).tolist()
        [[3.0, 2.0, 1.0, 2.0, 3.0, 2.0, 1.0]]
    """

    _dims = 1
    _mode = "reflect"


class ReflectionPad2d(_Pad):
    """Pad an image with its mirror image; see :class:`ReflectionPad1d`.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.ReflectionPad2d(1)(plait.ones(2, 3, 4, 4)).shape
        plait.Size([2, 3, 6, 6])
    """

    _dims = 2
    _mode = "reflect"


class ReflectionPad3d(_Pad):
    """Pad a volume with its mirror image; see :class:`ReflectionPad1d`.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.ReflectionPad3d(1)(plait.ones(2, 3, 4, 4, 4)).shape
        plait.Size([2, 3, 6, 6, 6])
    """

    _dims = 3
    _mode = "reflect"


class ReplicationPad1d(_Pad):
    """Pad a sequence by repeating its edge.

    Args:
        padding: (left, right), or one number.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.ReplicationPad1d(1)(plait.arange(3.0)[None])
        tensor([[0., 0., 1., 2., 2.]])
    """

    _dims = 1
    _mode = "replicate"


class ReplicationPad2d(_Pad):
    """Pad an image by repeating its edge; see :class:`ReplicationPad1d`.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.ReplicationPad2d(1)(plait.ones(2, 3, 4, 4)).shape
        plait.Size([2, 3, 6, 6])
    """

    _dims = 2
    _mode = "replicate"


class ReplicationPad3d(_Pad):
    """Pad a volume by repeating its edge; see :class:`ReplicationPad1d`.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.ReplicationPad3d(1)(plait.ones(2, 3, 4, 4, 4)).shape
        plait.Size([2, 3, 6, 6, 6])
    """

    _dims = 3
    _mode = "replicate"


class CircularPad1d(_Pad):
    """Pad a sequence with its other end.

    Args:
        padding: (left, right), or one number; at most the length.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.CircularPad1d(1)(plait.arange(3.0)[None])
        tensor([[2., 0., 1., 2., 0.]])
    """

    _dims = 1
    _mode = "circular"


class CircularPad2d(_Pad):
    """Pad an image with its opposite edge; see :class:`CircularPad1d`.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.CircularPad2d(1)(plait.ones(2, 3, 4, 4)).shape
        plait.Size([2, 3, 6, 6])
    """

    _dims = 2
    _mode = "circular"


class CircularPad3d(_Pad):
    """Pad a volume with its opposite edge; see :class:`CircularPad1d`.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.CircularPad3d(1)(plait.ones(2, 3, 4, 4, 4)).shape
        plait.Size([2, 3, 6, 6, 6])
    """

    _dims = 3
    _mode = "circular"
