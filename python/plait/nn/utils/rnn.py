# SPDX-License-Identifier: MIT
"""Sequences of different lengths: padding and packing.

A packed sequence holds, time step after time step, the rows of the samples that are that long; the samples are sorted
by falling length.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

from ... import _core
from ..._core import ArgumentError, ArgumentTypeError, Tensor

__all__ = [
    "PackedSequence",
    "invert_permutation",
    "pack_padded_sequence",
    "pack_sequence",
    "pad_packed_sequence",
    "pad_sequence",
    "unpack_sequence",
    "unpad_sequence",
]


class _Packed(NamedTuple):
    data: Tensor
    batch_sizes: Tensor
    sorted_indices: Tensor | None
    unsorted_indices: Tensor | None


class PackedSequence(_Packed):
    """Sequences of different lengths without padding, as recurrent modules take and return them.

    Made by :func:`pack_padded_sequence` and :func:`pack_sequence`.

    Attributes:
        data: (sum of the lengths, ...).
        batch_sizes: number of samples in each time step, int64.
        sorted_indices: the order in which the samples were sorted, or ``None``.
        unsorted_indices: its inverse.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> packed = nn.utils.rnn.pack_sequence([plait.ones(3), plait.ones(1)])
        >>> packed.batch_sizes
        tensor([2, 1, 1])
    """

    __slots__ = ()

    def __new__(
        cls,
        data: Tensor,
        batch_sizes: Tensor | None = None,
        sorted_indices: Tensor | None = None,
        unsorted_indices: Tensor | None = None,
    ) -> PackedSequence:
        if batch_sizes is None:
            if not isinstance(data, (tuple, list)) or len(data) != 2:
                raise ArgumentTypeError("PackedSequence: expected data and batch_sizes")
            data, batch_sizes = data
        if unsorted_indices is None:
            unsorted_indices = invert_permutation(sorted_indices)
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)

    def to(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """Convert the data, as :meth:`plait.Tensor.to` does."""
        return self._replace(data=self.data.to(*args, **kwargs))

    def cpu(self) -> PackedSequence:
        """Return the sequence; its data is on the CPU."""
        return self

    def double(self) -> PackedSequence:
        """The data as ``float64``."""
        return self._replace(data=self.data.double())

    def float(self) -> PackedSequence:
        """The data as ``float32``."""
        return self._replace(data=self.data.float())

    def half(self) -> PackedSequence:
        """The data as ``float16``."""
        return self._replace(data=self.data.half())

    def long(self) -> PackedSequence:
        """The data as ``int64``."""
        return self._replace(data=self.data.long())

    def int(self) -> PackedSequence:
        """The data as ``int32``."""
        return self._replace(data=self.data.int())

    def pin_memory(self) -> PackedSequence:
        """Return the sequence; there is no device to copy to."""
        return self

    @property
    def is_cuda(self) -> bool:
        """``False``: plait computes on the CPU."""
        return False

    def is_pinned(self) -> bool:
        """``False``."""
        return False


def invert_permutation(permutation: Tensor | None) -> Tensor | None:
    """The permutation that undoes ``permutation``; ``None`` for ``None``.

    Example:
        >>> import plait
        >>> plait.nn.utils.rnn.invert_permutation(plait.tensor([2, 0, 1]))
        tensor([1, 2, 0])
    """
    if permutation is None:
        return None
    inverse = _core.empty_like(permutation)
    return inverse.scatter_(0, permutation, _core.arange(permutation.numel(), device=permutation.device))


def _lengths(op: str, lengths: Tensor | Sequence[int]) -> list[int]:
    values = lengths.tolist() if isinstance(lengths, Tensor) else [int(n) for n in lengths]
    if not values:
        raise ArgumentError(f"{op}: expected at least one sequence, got none")
    if min(values) <= 0:
        raise ArgumentError(f"{op}: expected lengths greater than 0, got {values}")
    return values


def pack_padded_sequence(
    input: Tensor,
    lengths: Tensor | Sequence[int],
    batch_first: bool = False,
    enforce_sorted: bool = True,
) -> PackedSequence:
    """Pack padded sequences.

    Args:
        input: (T, B, ...), or (B, T, ...) with ``batch_first``.
        lengths: (B), each from 1 to T.
        batch_first: see above. Default: ``False``.
        enforce_sorted: whether the lengths must be falling; otherwise the samples are sorted here, and put back
            in order by :func:`pad_packed_sequence`. Default: ``True``.

    Returns:
        A :class:`PackedSequence`.

    Raises:
        ValueError: if a length is out of range, or they are not falling though ``enforce_sorted``.

    Example:
        >>> import plait
        >>> from plait.nn.utils.rnn import pack_padded_sequence
        >>> packed = pack_padded_sequence(plait.tensor([[1, 4], [2, 5], [3, 0]]), [3, 2])
        >>> packed.data.tolist(), packed.batch_sizes.tolist()
        ([1, 4, 2, 5, 3], [2, 2, 1])
    """
    op = "pack_padded_sequence"
    values = _lengths(op, lengths)
    x = input.transpose(0, 1) if batch_first else input
    steps, batch = x.shape[0], x.shape[1]
    if len(values) != batch:
        raise ArgumentError(f"{op}: expected {batch} lengths for input {tuple(input.shape)}, got {len(values)}")
    if max(values) > steps:
        raise ArgumentError(f"{op}: expected lengths of at most {steps}, got {max(values)}")
    order = None
    if not enforce_sorted:
        ranking = sorted(range(batch), key=lambda i: -values[i])
        order = _core.tensor(ranking, dtype=_core.int64, device=x.device)
        values = [values[i] for i in ranking]
        x = x.index_select(1, order)
    elif any(a < b for a, b in itertools.pairwise(values)):
        raise ArgumentError(
            f"{op}: expected falling lengths, got {values}\nhint: pass enforce_sorted=False to have them sorted"
        )
    longest = values[0]
    sizes = [sum(n > t for n in values) for t in range(longest)]
    inside = _inside(longest, values)
    return PackedSequence(x[:longest][inside], _core.tensor(sizes, dtype=_core.int64, device="cpu"), order, None)


def _inside(steps: int, lengths: list[int]) -> Tensor:
    """(steps, batch): whether a step is within its sequence; on the CPU, as the sizes are."""
    ends = _core.tensor(lengths, dtype=_core.int64, device="cpu")
    return _core.arange(steps, device="cpu").unsqueeze(1) < ends


def pad_packed_sequence(
    sequence: PackedSequence,
    batch_first: bool = False,
    padding_value: float = 0.0,
    total_length: int | None = None,
) -> tuple[Tensor, Tensor]:
    """The inverse of :func:`pack_padded_sequence`.

    Args:
        sequence: the packed sequences.
        batch_first: whether the result is (B, T, ...) instead of (T, B, ...). Default: ``False``.
        padding_value: what stands behind the end of a sequence. Default: 0.
        total_length: T. Default: the longest length.

    Returns:
        The padded sequences and their lengths (int64).

    Raises:
        ValueError: if ``total_length`` is less than the longest length.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> packed = nn.utils.rnn.pack_sequence([plait.tensor([1, 2]), plait.tensor([3])])
        >>> nn.utils.rnn.pad_packed_sequence(packed, batch_first=True)
        (tensor([[1, 2],
                [3, 0]]), tensor([2, 1]))
    """
    sizes = sequence.batch_sizes.tolist()
    steps, batch = len(sizes), sizes[0]
    if total_length is not None:
        if total_length < steps:
            raise ArgumentError(f"pad_packed_sequence: expected total_length of at least {steps}, got {total_length}")
        steps = total_length
    lengths = [sum(i < size for size in sizes) for i in range(batch)]
    inside = _inside(steps, lengths)
    data = sequence.data
    padded = data.new_full((steps, batch, *data.shape[1:]), padding_value)
    padded = padded.index_put((inside,), data)
    length_tensor = _core.tensor(lengths, dtype=_core.int64, device="cpu")
    if sequence.unsorted_indices is not None:
        padded = padded.index_select(1, sequence.unsorted_indices)
        length_tensor = length_tensor[sequence.unsorted_indices]
    return (padded.transpose(0, 1) if batch_first else padded), length_tensor


def pad_sequence(
    sequences: Tensor | Sequence[Tensor],
    batch_first: bool = False,
    padding_value: float = 0.0,
    padding_side: str = "right",
) -> Tensor:
    """Stack sequences of different lengths, (L, ...) each, into one tensor.

    Args:
        sequences: their dimensions behind the first must be equal.
        batch_first: whether the result is (B, T, ...) instead of (T, B, ...). Default: ``False``.
        padding_value: what stands beside the shorter sequences. Default: 0.
        padding_side: ``"right"`` (default) or ``"left"``.

    Returns:
        (T, N, ...), or (N, T, ...) with ``batch_first``.

    Raises:
        ValueError: if there is no sequence, shapes do not fit, or ``padding_side`` is unknown.
        TypeError: if ``sequences`` is neither a tensor nor a list of tensors.

    Example:
        >>> import plait
        >>> from plait.nn.utils.rnn import pad_sequence
        >>> pad_sequence([plait.tensor([1, 2]), plait.tensor([3])], batch_first=True).tolist()
        [[1, 2], [3, 0]]
    """
    if padding_side not in ("right", "left"):
        raise ArgumentError(f"pad_sequence: expected padding_side 'right' or 'left', got {padding_side!r}")
    if not isinstance(sequences, (Tensor, list, tuple)):
        raise ArgumentTypeError(f"pad_sequence: expected a list of tensors, got {type(sequences).__name__}")
    rows = list(sequences)
    if not rows:
        raise ArgumentError("pad_sequence: expected at least one sequence, got none")
    rest = tuple(rows[0].shape[1:])
    for row in rows:
        if row.dim() == 0 or tuple(row.shape[1:]) != rest:
            raise ArgumentError(
                f"pad_sequence: expected sequences (L, {', '.join(map(str, rest))}), got {tuple(row.shape)}"
            )
    longest = max(row.shape[0] for row in rows)
    padded = []
    for row in rows:
        gap = longest - row.shape[0]
        if gap:
            fill = row.new_full((gap, *rest), padding_value)
            row = _core.cat([row, fill] if padding_side == "right" else [fill, row])
        padded.append(row)
    return _core.stack(padded, 0 if batch_first else 1)


def unpad_sequence(
    padded_sequences: Tensor, lengths: Tensor | Sequence[int], batch_first: bool = False
) -> list[Tensor]:
    """The inverse of :func:`pad_sequence`: the sequences with the given lengths.

    Args:
        padded_sequences: (T, N, ...).
        batch_first: whether it is (N, T, ...). Default: ``False``.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.utils.rnn.unpad_sequence(plait.tensor([[1, 3], [2, 0]]), plait.tensor([2, 1]))
        [tensor([1, 2]), tensor([3])]
    """
    rows = padded_sequences if batch_first else padded_sequences.transpose(0, 1)
    values = lengths.tolist() if isinstance(lengths, Tensor) else list(lengths)
    return [rows[i, :n] for i, n in enumerate(values)]


def pack_sequence(sequences: Sequence[Tensor], enforce_sorted: bool = True) -> PackedSequence:
    """Pack a list of sequences, (L, ...) each; arguments and errors as for :func:`pack_padded_sequence`.

    Returns:
        A :class:`PackedSequence`.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.utils.rnn.pack_sequence([plait.tensor([1, 2]), plait.tensor([3])]).data
        tensor([1, 3, 2])
    """
    return pack_padded_sequence(pad_sequence(sequences), [s.shape[0] for s in sequences], enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences: PackedSequence) -> list[Tensor]:
    """The list of sequences that was packed.

    Args:
        packed_sequences: what :func:`pack_sequence` returned.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> packed = nn.utils.rnn.pack_sequence([plait.tensor([1, 2]), plait.tensor([3])])
        >>> nn.utils.rnn.unpack_sequence(packed)
        [tensor([1, 2]), tensor([3])]
    """
    padded, lengths = pad_packed_sequence(packed_sequences, batch_first=True)
    return unpad_sequence(padded, lengths, batch_first=True)
