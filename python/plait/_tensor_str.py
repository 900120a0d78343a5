# SPDX-License-Identifier: MIT
"""How tensors print."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from . import _core
from ._core import ArgumentError, Tensor
from ._layouts import sparse_coo, sparse_csr

__all__ = ["printoptions", "set_printoptions", "sparse_str", "tensor_str"]


@dataclass
class _Options:
    precision: int = 4
    threshold: float = 1000
    edgeitems: int = 3
    linewidth: int = 80
    sci_mode: bool | None = None


_options = _Options()
_PROFILES = {
    "default": _Options(),
    "short": _Options(precision=2, edgeitems=2),
    "full": _Options(threshold=math.inf),
}


def set_printoptions(
    precision: int | None = None,
    threshold: float | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    profile: str | None = None,
    sci_mode: bool | None = None,
) -> None:
    """Set how tensors print.

    Args:
        precision: digits behind the point (4).
        threshold: more elements than this are summarised (1000).
        edgeitems: elements shown at each end of a summarised dimension (3).
        linewidth: characters of a line (80).
        profile: "default", "short" or "full"; the others then change it.
        sci_mode: always or never scientific notation; None decides by the values.

    Raises:
        ValueError: an unknown profile.

    Example:
        >>> import plait
        >>> plait.set_printoptions(precision=2)
        >>> plait.tensor([1 / 3])
        tensor([0.33])
        >>> plait.set_printoptions(profile="default")
    """
    global _options
    if profile is not None:
        if profile not in _PROFILES:
            raise ArgumentError(f"set_printoptions: expected profile default, short or full, got {profile!r}")
        _options = replace(_PROFILES[profile])
    changes: dict[str, Any] = {
        k: v
        for k, v in {
            "precision": precision,
            "threshold": threshold,
            "edgeitems": edgeitems,
            "linewidth": linewidth,
        }.items()
        if v is not None
    }
    _options = replace(_options, sci_mode=sci_mode, **changes)


@contextmanager
def printoptions(**options: Any) -> Iterator[None]:
    """The options of :func:`set_printoptions` for a block of code."""
    global _options
    before = _options
    set_printoptions(**options)
    try:
        yield
    finally:
        _options = before


def _make_formatter(shown: np.ndarray) -> _Formatter | _ComplexFormatter:
    return _ComplexFormatter(shown) if shown.dtype.kind == "c" else _Formatter(shown)


class _ComplexFormatter:
    """The real parts in one format, the imaginary parts in another, joined by their sign."""

    def __init__(self, shown: np.ndarray) -> None:
        self.real, self.imag = _Formatter(shown.real), _Formatter(shown.imag)
        self.width = self.real.width + self.imag.width + 1

    def __call__(self, value: Any) -> str:
        imag = self.imag.text(value.imag).strip()
        if imag[0] not in "+-":
            imag = "+" + imag
        return self.real(value.real) + imag + "j"


class _Formatter:
    """One format for all the elements shown, so that columns line up."""

    def __init__(self, shown: np.ndarray) -> None:
        self.floating = shown.dtype.kind == "f"
        self.sci = False
        self.integral = False
        values = shown.ravel()
        if not self.floating:
            texts = [str(v) for v in values]
        else:
            nonzero = np.abs(values[np.isfinite(values) & (values != 0)].astype(np.float64))
            if nonzero.size:
                self.integral = bool(np.all(nonzero == np.ceil(nonzero)))
                largest, smallest = float(nonzero.max()), float(nonzero.min())
                if self.integral:
                    self.sci = largest / smallest > 1000.0 or largest > 1.0e8
                else:
                    self.sci = largest / smallest > 1000.0 or largest > 1.0e8 or smallest < 1.0e-4
            else:
                self.integral = not np.any(np.isfinite(values) & (values != 0)) and bool(values.size)
            if _options.sci_mode is not None:
                self.sci = _options.sci_mode
            # Zeros, infinities and NaN do not widen the columns.
            texts = [self.text(v) for v in values[np.isfinite(values) & (values != 0)]]
        self.width = max((len(t) for t in texts), default=1)

    def text(self, value: Any) -> str:
        if not self.floating:
            return str(value)
        if self.sci:
            return f"{value:.{_options.precision}e}"
        if self.integral:
            text = f"{value:.0f}"
            return text + "." if math.isfinite(value) else text
        return f"{value:.{_options.precision}f}"

    def __call__(self, value: Any) -> str:
        return self.text(value).rjust(self.width)


def _summarise(array: np.ndarray) -> np.ndarray:
    """The corner elements that will be shown."""
    for axis, size in enumerate(array.shape):
        if size > 2 * _options.edgeitems:
            keep = list(range(_options.edgeitems)) + list(range(size - _options.edgeitems, size))
            array = np.take(array, keep, axis=axis)
    return array


def _vector(array: np.ndarray, indent: int, summarise: bool, formatter: _Formatter | _ComplexFormatter) -> str:
    width = formatter.width + 2
    per_line = max(1, (_options.linewidth - indent) // width)
    if summarise and array.shape[0] > 2 * _options.edgeitems:
        texts = [formatter(v) for v in array[: _options.edgeitems]]
        texts += [" ..."]
        texts += [formatter(v) for v in array[-_options.edgeitems :]]
    else:
        texts = [formatter(v) for v in array]
    lines = [", ".join(texts[i : i + per_line]) for i in range(0, len(texts), per_line)]
    return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"


def _nested(array: np.ndarray, indent: int, summarise: bool, formatter: _Formatter | _ComplexFormatter) -> str:
    if array.ndim == 0:
        return formatter(array[()])
    if array.ndim == 1:
        return _vector(array, indent, summarise, formatter)
    if summarise and array.shape[0] > 2 * _options.edgeitems:
        rows = [_nested(a, indent + 1, summarise, formatter) for a in array[: _options.edgeitems]]
        rows += ["..."]
        rows += [_nested(a, indent + 1, summarise, formatter) for a in array[-_options.edgeitems :]]
    else:
        rows = [_nested(a, indent + 1, summarise, formatter) for a in array]
    separator = "," + "\n" * (array.ndim - 1) + " " * (indent + 1)
    return "[" + separator.join(rows) + "]"


def _with_suffixes(body: str, suffixes: list[str], prefix_width: int) -> str:
    out = body
    column = len(body) - body.rfind("\n") - 1 + (0 if "\n" in body else prefix_width)
    for suffix in suffixes:
        if column + len(suffix) + 2 > _options.linewidth:
            out += ",\n" + " " * prefix_width + suffix
            column = prefix_width + len(suffix)
        else:
            out += ", " + suffix
            column += len(suffix) + 2
    return out


def _has_default_dtype(t: Tensor) -> bool:
    default = _core.get_default_dtype()
    return t.dtype in (default, default.to_complex(), _core.int64, _core.bool)


def _body(t: Tensor, indent: int) -> str:
    """The elements, in columns that begin at ``indent``."""
    summarise = t.numel() > _options.threshold
    array = (t.float() if t.dtype == _core.bfloat16 else t).numpy()
    return _nested(array, indent, summarise, _make_formatter(_summarise(array) if summarise else array))


def _history(t: Tensor) -> list[str]:
    if t.grad_fn is not None:
        return [f"grad_fn=<{t.grad_fn.name()}>"]
    return ["requires_grad=True"] if t.requires_grad else []


def sparse_str(self: Tensor, layout: str, indices: Tensor, columns: Tensor | None, values: Tensor) -> str:
    """The text of a sparse tensor: its parts, then what is not the default."""
    names = ["indices"] if columns is None else ["crow_indices", "col_indices"]
    lines = []
    for name, part in zip([*names, "values"], [indices, *([] if columns is None else [columns]), values.detach()]):
        start = f"{name}=tensor("
        text = _body(part, len("tensor(") + len(start)) if part.numel() else f"[], size={tuple(part.shape)}"
        lines.append(f"{start}{text})")
    entries = values.shape[0 if columns is None else columns.dim() - 1]
    tail = [f"size={tuple(self.shape)}", f"nnz={entries}"]
    if not _has_default_dtype(self):
        tail.append(f"dtype={self.dtype}")
    tail += [f"layout={sparse_csr if layout == 'csr' else sparse_coo}", *_history(values)]
    body = "tensor(" + (",\n" + " " * len("tensor(")).join(lines)
    if layout == "coo":
        body += ",\n" + " " * len("tensor(") + tail.pop(0)
    return _with_suffixes(body, tail, len("tensor(")) + ")"


def tensor_str(self: Tensor) -> str:
    """The text of ``repr(tensor)``: values in columns, then what is not the default."""
    kind = type(self)
    plain = kind is Tensor or kind.__module__ in ("plait.nn.parameter", "torch.nn.parameter")
    start = "tensor(" if plain else f"{kind.__name__}("
    suffixes = []
    t = self.detach()
    if t.is_meta:
        body = "..."
        suffixes += ["device='meta'", f"size={tuple(self.shape)}"]
        if self.dtype != _core.get_default_dtype():
            suffixes.append(f"dtype={self.dtype}")
    elif t.numel() == 0:
        body = "[]"
        if t.dim() != 1:
            suffixes.append(f"size={tuple(self.shape)}")
        if self.dtype != _core.get_default_dtype():
            suffixes.append(f"dtype={self.dtype}")
    else:
        if not _has_default_dtype(self):
            suffixes.append(f"dtype={self.dtype}")
        body = _body(t, len(start))
    suffixes += _history(self)
    text = _with_suffixes(start + body, suffixes, len(start)) + ")"
    return f"Parameter({text})" if not plain and getattr(self, "_is_param", False) else text
