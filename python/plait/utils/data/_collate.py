# SPDX-License-Identifier: MIT
"""Making a batch out of samples."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, MutableMapping, MutableSequence, Sequence
from typing import Any

import numpy as np

from ... import _core
from ..._core import ArgumentError, ArgumentTypeError, Tensor

__all__ = ["default_collate", "default_convert"]


def _rebuild(original: Any, values: Any) -> Any:
    """A mapping or sequence of the type of ``original``, or a plain one if values do not make that type."""
    mutable = (MutableMapping, MutableSequence)
    try:
        if isinstance(original, mutable) and type(original) not in (dict, list):
            made = copy.copy(original)  # what a defaultdict and the like know beside their entries stays
            if isinstance(made, MutableMapping):
                made.update(values)
            else:
                made[:] = values
            return made
        return type(original)(values)
    except TypeError:
        return dict(values) if isinstance(original, Mapping) else list(values)


def _from_array(array: np.ndarray) -> Tensor:
    if not array.flags.writeable or any(stride < 0 for stride in array.strides):
        array = array.copy()
    return _core.from_numpy(array)


def default_convert(data: Any) -> Any:
    """Turn the NumPy arrays and scalars in a nested structure into tensors; what is neither stays as it is.

    Args:
        data: anything; mappings and sequences are gone through.

    Returns:
        The same structure.

    Example:
        >>> import numpy, plait
        >>> plait.utils.data.default_convert([numpy.arange(2), "name"])
        [tensor([0, 1]), 'name']
    """
    if isinstance(data, Tensor):
        return data
    if isinstance(data, np.ndarray):
        return data if data.dtype.kind in "SUO" else _from_array(data)
    if isinstance(data, np.generic) and data.dtype.kind not in "SUO":
        return _core.as_tensor(data)
    if isinstance(data, Mapping):
        return _rebuild(data, {k: default_convert(v) for k, v in data.items()})
    if isinstance(data, tuple):
        values = [default_convert(x) for x in data]
        return type(data)(*values) if hasattr(data, "_fields") else values
    if isinstance(data, Sequence) and not isinstance(data, (str, bytes)):
        return _rebuild(data, [default_convert(x) for x in data])
    return data


def default_collate(batch: Sequence[Any]) -> Any:
    """Put samples together with a new first dimension.

    Args:
        batch: a non-empty list of samples of one structure.

    Returns:
        Tensors and arrays of equal shapes are stacked; ints become an int64 tensor, floats a float64 one,
        bools a bool one; strings and bytes stay lists; mappings, named tuples, tuples and lists are put
        together entry by entry, plain tuples as lists.

    Raises:
        TypeError: another type of sample.
        ValueError: samples of different length.

    Example:
        >>> import plait
        >>> plait.utils.data.default_collate([{"x": 1, "name": "a"}, {"x": 2, "name": "b"}])
        {'x': tensor([1, 2]), 'name': ['a', 'b']}
    """
    first = batch[0]
    if isinstance(first, Tensor):
        return _stacked(batch)
    if isinstance(first, np.ndarray):
        if first.dtype.kind in "SUO":
            raise _unknown(first.dtype)
        return _stacked([_from_array(x) if isinstance(x, np.ndarray) else x for x in batch])
    if isinstance(first, np.generic) and first.dtype.kind not in "SUO":
        return _from_array(np.array(batch, first.dtype))
    if isinstance(first, bool):
        return _core.tensor(list(batch), dtype=_core.bool)
    if isinstance(first, float):
        return _core.tensor(batch, dtype=_core.float64)
    if isinstance(first, int):
        return _core.tensor(list(batch))
    if isinstance(first, (str, bytes)):
        return batch
    if isinstance(first, Mapping):
        return _rebuild(first, {k: default_collate([sample[k] for sample in batch]) for k in first})
    if isinstance(first, Sequence):
        lengths = {len(sample) for sample in batch}
        if len(lengths) != 1:
            raise ArgumentError(
                f"default_collate: expected samples of one length, got lengths {sorted(lengths)}\n"
                "hint: pad them, or pass a collate_fn to DataLoader"
            )
        columns = [default_collate(column) for column in zip(*batch)]
        if hasattr(first, "_fields"):
            return type(first)(*columns)
        return columns if isinstance(first, tuple) else _rebuild(first, columns)
    raise _unknown(type(first))


def _stacked(tensors: Sequence[Any]) -> Tensor:
    try:
        return _core.stack(list(tensors), 0)
    except (RuntimeError, TypeError, ValueError):
        shapes = list(dict.fromkeys(tuple(getattr(t, "shape", ())) for t in tensors))
        kinds = sorted({type(t).__name__ for t in tensors})
        if len(kinds) > 1:
            raise ArgumentTypeError(f"default_collate: expected samples of one type, got {', '.join(kinds)}") from None
        if len(shapes) == 1:
            raise
        raise ArgumentError(
            f"default_collate: expected samples of one shape, got shapes {', '.join(map(str, shapes[:8]))}"
            f"{', ...' if len(shapes) > 8 else ''}\nhint: make them equal in the dataset, or pass a collate_fn to "
            "DataLoader (nn.utils.rnn.pad_sequence pads a list of tensors)"
        ) from None


def _unknown(kind: Any) -> TypeError:
    name = getattr(kind, "__name__", str(kind))
    return TypeError(
        f"default_collate: expected tensors, arrays, numbers, strings, mappings or sequences, got {name}\n"
        "hint: convert samples in the dataset (transforms.ToTensor() for images), or pass a collate_fn"
    )


CollateFn = Callable[[list[Any]], Any]
