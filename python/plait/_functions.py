# SPDX-License-Identifier: MIT
"""Functions made of other ops: quantiles, statistics of samples, integrals, shapes."""

from __future__ import annotations

import builtins
import itertools
import math
import sys
from typing import Any, NamedTuple

from . import _core
from ._arguments import explains_arguments, takes_out
from ._autocast import float32_in_autocast
from ._core import ArgumentError, ArgumentIndexError, ArgumentTypeError, Tensor

__all__ = [
    "broadcast_shapes",
    "combinations",
    "corrcoef",
    "cov",
    "cumulative_trapezoid",
    "dist",
    "gradient",
    "histogramdd",
    "is_inference",
    "is_nonzero",
    "is_same_size",
    "is_signed",
    "is_storage",
    "isreal",
    "nanquantile",
    "quantile",
    "renorm",
    "trapezoid",
    "trapz",
    "typename",
    "unravel_index",
    "vander",
]


# ---- Quantiles ------------------------------------------------------------------------------------------

_INTERPOLATIONS = ("linear", "lower", "higher", "midpoint", "nearest")


def _quantile(
    name: str, x: Tensor, q: float | Tensor, dim: int | None, keepdim: bool, interpolation: str, skip_nan: bool
) -> Tensor:
    if not x.is_floating_point():
        raise ArgumentTypeError(f"{name}: expected a floating-point dtype, got {x.dtype}")
    if interpolation not in _INTERPOLATIONS:
        raise ArgumentError(f"{name}: expected interpolation to be one of {_INTERPOLATIONS}, got {interpolation!r}")
    qs = q if isinstance(q, Tensor) else x.new_tensor(float(q))
    if qs.dim() > 1:
        raise ArgumentError(f"{name}: expected q to be a number or 1-d, got shape {tuple(qs.shape)}")
    if qs.dtype != x.dtype:
        raise ArgumentTypeError(f"{name}: expected q of the input's dtype {x.dtype}, got {qs.dtype}")
    if not qs.is_meta and not bool(((qs >= 0) & (qs <= 1)).all()):
        raise ArgumentError(f"{name}: expected q between 0 and 1, got {qs.tolist()}")
    lines = x.reshape(-1) if dim is None or x.dim() == 0 else x.movedim(dim, -1)
    n = lines.shape[-1]
    if n == 0:
        raise ArgumentError(f"{name}: expected at least one element, got shape {tuple(x.shape)}")
    lines = lines.sort(-1)[0]  # NaN is last
    nans = lines.detach().isnan()
    rank = qs.reshape(-1) * ((n - 1 - nans.sum(-1, keepdim=True)).clamp(min=0) if skip_nan else n - 1)
    if not skip_nan:
        rank = _core.where(nans.any(-1, keepdim=True), float(n - 1), rank)
    if interpolation in ("lower", "higher", "nearest"):
        rounded = {"lower": rank.floor, "higher": rank.ceil, "nearest": rank.round}[interpolation]()
        result = lines.gather(-1, rounded.long().expand(*lines.shape[:-1], -1))
    else:
        below = rank.floor()
        weight = rank - below if interpolation == "linear" else _core.full_like(rank, 0.5)
        low, high = (lines.gather(-1, i.long().expand(*lines.shape[:-1], -1)) for i in (below, rank.ceil()))
        result = _core.lerp(low, high, weight.expand_as(low))
    result = result.movedim(-1, 0)
    if keepdim and x.dim() > 0:
        shape = [1] * x.dim() if dim is None else [1 if d == dim % x.dim() else s for d, s in enumerate(x.shape)]
        result = result.reshape(-1, *shape)
    return result if qs.dim() else result[0]


@explains_arguments
@takes_out
@float32_in_autocast
def quantile(
    input: Tensor,
    q: float | Tensor,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    interpolation: str = "linear",
) -> Tensor:
    """The value below which a share ``q`` of the elements lies; NaN where there is a NaN.

    Args:
        input: any shape, floating point.
        q: a number or a 1-d tensor of the input's dtype, in [0, 1].
        dim: the dimension of the samples. Default: all elements.
        keepdim: whether it stays, with size 1. Default: ``False``.
        interpolation: between two elements: ``"linear"``, ``"lower"``, ``"higher"``, ``"midpoint"``, ``"nearest"``.
        out: takes the result. Default: a new tensor.

    Returns:
        The input's shape without ``dim``; a 1-d ``q`` is a first dimension before it.

    Raises:
        ValueError: ``q`` out of range or no elements. TypeError: dtypes.

    Example:
        >>> import plait
        >>> plait.quantile(plait.tensor([1.0, 2.0, 3.0, 4.0]), plait.tensor([0.25, 0.5]))
        tensor([1.7500, 2.5000])
    """
    return _quantile("quantile", input, q, dim, keepdim, interpolation, False)


@explains_arguments
@takes_out
@float32_in_autocast
def nanquantile(
    input: Tensor,
    q: float | Tensor,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    interpolation: str = "linear",
) -> Tensor:
    """:func:`quantile` of the elements that are not NaN; NaN where there are none.

    Example:
        >>> import plait
        >>> plait.nanquantile(plait.tensor([1.0, float("nan"), 3.0]), 0.5)
        tensor(2.)
    """
    return _quantile("nanquantile", input, q, dim, keepdim, interpolation, True)


# ---- Statistics of samples ------------------------------------------------------------------------------


@explains_arguments
def cov(
    input: Tensor, *, correction: int = 1, fweights: Tensor | None = None, aweights: Tensor | None = None
) -> Tensor:
    """The covariance matrix of variables (rows) over observations (columns).

    Args:
        input: (variables, observations), or one variable (observations).
        correction: the divisor is the number of observations minus this. Default: 1.
        fweights: how often each observation counts, integers.
        aweights: how much each observation weighs.

    Raises:
        ValueError: more than 2 dimensions, or weights of another length than the observations or below 0.
        TypeError: ``fweights`` are no integers, or ``aweights`` no floats.

    Example:
        >>> import plait
        >>> plait.cov(plait.tensor([[0.0, 1.0, 2.0], [2.0, 1.0, 0.0]]))
        tensor([[ 1., -1.],
                [-1.,  1.]])
    """
    if input.dim() > 2:
        raise ArgumentError(f"cov: expected at most 2 dimensions, got shape {tuple(input.shape)}")
    x = input.reshape(1, -1) if input.dim() < 2 else input
    x = x if x.is_floating_point() or x.is_complex() else x.to(_core.get_default_dtype())
    weights = None
    if fweights is not None and (fweights.is_floating_point() or fweights.dtype == _core.bool):
        raise ArgumentTypeError(f"cov: expected fweights of an integer dtype, got {fweights.dtype}")
    if aweights is not None and not aweights.is_floating_point():
        raise ArgumentTypeError(f"cov: expected aweights of a floating-point dtype, got {aweights.dtype}")
    for name, w in (("fweights", fweights), ("aweights", aweights)):
        if w is not None and not w.is_meta and bool((w < 0).any()):
            raise ArgumentError(f"cov: {name} cannot be negative")
    for w in (fweights, aweights):
        if w is not None:
            if w.dim() > 1 or w.numel() != x.shape[1]:
                raise ArgumentError(f"cov: expected weights of shape {(x.shape[1],)}, got {tuple(w.shape)}")
            weights = w if weights is None else weights * w
    if weights is None:
        total: Any = x.shape[1]
        centered = x - x.mean(1, keepdim=True)
        product = centered @ centered.mH
    else:
        total = weights.sum()
        centered = x - (x * weights).sum(1, keepdim=True) / total
        product = (centered * weights) @ centered.mH
    if aweights is not None and correction != 0:
        used = aweights if fweights is None else aweights * fweights
        divisor = total - correction * (used * aweights).sum() / total
    else:
        divisor = total - correction
    divisor = divisor.clamp(min=0) if isinstance(divisor, Tensor) else max(divisor, 0)
    result = product / divisor
    return result.squeeze()


class HistogramDD(NamedTuple):
    """What :func:`histogramdd` gives: the counts and the edges of each column.

    Attributes:
        hist: the counts, one dimension for each column.
        bin_edges: a tensor of edges for each column.
    """

    hist: Tensor
    bin_edges: tuple[Tensor, ...]


def _column_edges(input: Tensor, bins: list[int], range: Any) -> list[Tensor]:
    columns = input.shape[-1]
    if range is None:
        if input.numel() == 0:
            low, high = [0.0] * columns, [1.0] * columns
        else:
            rows = input.reshape(-1, columns)
            low, high = rows.amin(0).tolist(), rows.amax(0).tolist()
    else:
        limits = [float(v) for v in range]
        if len(limits) != 2 * columns:
            raise ArgumentError(f"histogramdd: expected a range of {2 * columns} numbers, got {len(limits)}")
        low, high = limits[0::2], limits[1::2]
    # The edges of each column are those that a histogram of nothing over its range has.
    nothing = input.new_zeros(0)
    return [
        nothing.histogram(n, range=(a, b) if a != b else (a - 0.5, b + 0.5)).bin_edges
        for n, a, b in zip(bins, low, high)
    ]


@explains_arguments
def histogramdd(
    input: Tensor,
    bins: Any,
    *,
    range: Any = None,
    weight: Tensor | None = None,
    density: bool = False,
) -> HistogramDD:
    """How many points fall into each cell of a grid, and the edges of the grid.

    Args:
        input: (..., N), float32 or float64: points of N coordinates; leading dimensions are joined.
        bins: numbers of bins for the N columns, one number for all, or N tensors of edges, ascending.
        range: the smallest and largest edge of each column, 2 N numbers. Default: those of the data.
        weight: of the shape (...); summed in place of counting.
        density: whether the result is divided by its sum and the volumes of the cells. Default: ``False``.

    Returns:
        ``hist`` of N dimensions, of the input's dtype, and ``bin_edges``, N tensors.

    Raises:
        ValueError: shapes that do not fit, or a range that is not ascending.
        TypeError: other dtypes.

    Example:
        >>> import plait
        >>> points = plait.tensor([[0.0, 1.0], [1.0, 0.0], [1.0, 0.0]])
        >>> plait.histogramdd(points, bins=[2, 2]).hist
        tensor([[0., 1.],
                [2., 0.]])
    """
    if input.dim() < 2:
        raise ArgumentError(f"histogramdd: expected at least 2 dimensions, got shape {tuple(input.shape)}")
    if input.dtype not in (_core.float32, _core.float64):
        raise ArgumentTypeError(f"histogramdd: expected float32 or float64, got {input.dtype}")
    if weight is not None and (weight.shape != input.shape[:-1] or weight.dtype != input.dtype):
        raise ArgumentError(
            f"histogramdd: expected weights of shape {tuple(input.shape[:-1])} and dtype {input.dtype}, got "
            f"{tuple(weight.shape)} and {weight.dtype}"
        )
    columns = input.shape[-1]
    given = [bins] * columns if isinstance(bins, int) else list(bins)
    if len(given) != columns:
        raise ArgumentError(f"histogramdd: expected bins for {columns} columns, got {len(given)}")
    input = input.detach()
    if all(isinstance(b, Tensor) for b in given):
        edges = [b.clone() for b in given]
    else:
        edges = _column_edges(input, given, range)
    points = input.reshape(-1, columns)
    cell = points.new_zeros(points.shape[0], dtype=_core.int64)
    inside = _core.ones_like(cell, dtype=_core.bool)
    for k, e in enumerate(edges):
        x, n = points[:, k].contiguous(), e.shape[0] - 1
        place = _core.searchsorted(e, x, right=True) - 1
        place = _core.where(x == e[-1], n - 1, place)
        inside &= (place >= 0) & (place < n)
        cell = cell * n + place
    shape = [e.shape[0] - 1 for e in edges]
    weights = None if weight is None else weight.reshape(-1)[inside].double()
    size = math.prod(shape)
    hist = _core.bincount(cell[inside], weights, minlength=size).double()[:size].reshape(shape)
    if density:
        hist = hist / hist.sum()
        for k, e in enumerate(edges):
            hist = hist / e.double().diff().reshape([-1 if d == k else 1 for d in builtins.range(columns)])
    return HistogramDD(hist.to(input.dtype), tuple(edges))


@explains_arguments
def corrcoef(input: Tensor) -> Tensor:
    """Pearson's correlation coefficients of variables (rows) over observations (columns); see :func:`cov`.

    Raises:
        ValueError: more than 2 dimensions.

    Example:
        >>> import plait
        >>> plait.corrcoef(plait.tensor([[0.0, 1.0, 2.0], [4.0, 2.0, 0.0]]))
        tensor([[ 1., -1.],
                [-1.,  1.]])
    """
    if input.dim() > 2:
        raise ArgumentError(f"corrcoef: expected at most 2 dimensions, got shape {tuple(input.shape)}")
    c = cov(input)
    if c.dim() == 0:
        return c / c
    d = _core.real(c.diag()).sqrt()
    r = c / d[:, None] / d[None, :]
    return _core.complex(r.real.clamp(-1, 1), r.imag.clamp(-1, 1)) if r.is_complex() else r.clamp(-1, 1)


@explains_arguments
def dist(input: Tensor, other: Tensor, p: float = 2) -> Tensor:
    """``norm(input - other, p)`` over all elements.

    Example:
        >>> import plait
        >>> plait.dist(plait.tensor([3.0, 0.0]), plait.tensor([0.0, 4.0]))
        tensor(5.)
    """
    return (input - other).norm(p)


@explains_arguments
def renorm(input: Tensor, p: float, dim: int, maxnorm: float) -> Tensor:
    """``input`` with every slice along ``dim`` whose p-norm exceeds ``maxnorm`` scaled down to it.

    Raises:
        ValueError: fewer than 2 dimensions.

    Example:
        >>> import plait
        >>> plait.renorm(plait.tensor([[3.0, 4.0], [0.3, 0.4]]), 2, 0, 1.0)
        tensor([[0.6000, 0.8000],
                [0.3000, 0.4000]])
    """
    if input.dim() < 2:
        raise ArgumentError(f"renorm: expected at least 2 dimensions, got shape {tuple(input.shape)}")
    others = [d for d in range(input.dim()) if d != dim % input.dim()]
    norms = input.norm(p, others, keepdim=True) if others else input.abs()
    return input * _core.where(norms > maxnorm, maxnorm / (norms + 1e-7), 1.0)


# ---- Derivatives of samples -----------------------------------------------------------------------------


def _spacings(spacing: Any, dims: list[int], input: Tensor) -> list[Any]:
    """The distance, or the coordinates, along each dimension."""
    if isinstance(spacing, Tensor):
        raise ArgumentTypeError("gradient: expected spacing to be a number or a list of numbers or tensors, got Tensor")
    if spacing is None or isinstance(spacing, int | float):
        return [1 if spacing is None else spacing] * len(dims)
    spacings = list(spacing)
    if len(spacings) != len(dims):
        raise ArgumentError(f"gradient: expected spacings for {len(dims)} dimensions, got {len(spacings)}")
    for s, d in zip(spacings, dims):
        if isinstance(s, Tensor) and s.shape != (input.shape[d],):
            raise ArgumentError(
                f"gradient: expected {input.shape[d]} coordinates for dimension {d}, got shape {tuple(s.shape)}"
            )
    return spacings


def _slopes(f: Tensor, spacing: Any, edge_order: int) -> Tensor:
    """df/dx along the last dimension: second order inside, ``edge_order`` at the ends."""
    n = f.shape[-1]
    at = lambda i, count=1: f.narrow(-1, i % n, count)  # noqa: E731
    if isinstance(spacing, Tensor):
        step = spacing.diff()
        a, b = step[:-1], step[1:]
    else:
        step = _core.full((n - 1,), spacing, dtype=f.dtype if f.is_floating_point() else None, device=f.device)
        a, b = step[:-1], step[1:]
    before, here, after = at(0, n - 2), at(1, n - 2), at(2, n - 2)
    if isinstance(spacing, Tensor):
        inner = -b / (a * (a + b)) * before + (b - a) / (a * b) * here + a / (b * (a + b)) * after
    else:
        inner = (after - before) / (2 * spacing)
    first, last = step[:1], step[-1:]
    if edge_order == 1:
        left, right = (at(1) - at(0)) / first, (at(-1) - at(-2)) / last
    else:
        c, d = step[1:2], step[-2:-1]
        left = (
            -(2 * first + c) / (first * (first + c)) * at(0)
            + (first + c) / (first * c) * at(1)
            - first / (c * (first + c)) * at(2)
        )
        right = (
            last / (d * (d + last)) * at(-3)
            - (d + last) / (d * last) * at(-2)
            + (2 * last + d) / (last * (d + last)) * at(-1)
        )
    return _core.cat([left, inner, right], -1)


@explains_arguments
def gradient(input: Tensor, *, spacing: Any = 1, dim: Any = None, edge_order: int = 1) -> tuple[Tensor, ...]:
    """Estimate the derivative of sampled values along dimensions by differences of neighbours.

    Inside, the estimate is exact for parabolas; at the ends for lines, or for parabolas with ``edge_order=2``.

    Args:
        input: the samples; integers are taken as floats.
        spacing: the distance of neighbours, one for each dimension, or a 1-d tensor of coordinates for each.
            Default: 1.
        dim: a dimension or several. Default: all of them.
        edge_order: 1 or 2. Default: 1.

    Returns:
        A tensor of the input's shape for each dimension.

    Raises:
        ValueError: fewer than ``edge_order + 1`` samples along a dimension, or a dimension named twice.
        TypeError: ``spacing`` is a tensor, not a list of them.

    Example:
        >>> import plait
        >>> plait.gradient(plait.tensor([1.0, 4.0, 9.0, 16.0]))
        (tensor([3., 4., 6., 7.]),)
    """
    if edge_order not in (1, 2):
        raise ArgumentError(f"gradient: expected edge_order 1 or 2, got {edge_order}")
    if not input.dtype.is_signed and input.dtype != _core.bool:
        raise ArgumentTypeError(f"gradient: expected a signed dtype, got {input.dtype}")
    if isinstance(dim, int):
        given = [dim]
    elif dim is not None:
        given = list(dim)
    else:
        several = isinstance(spacing, list | tuple)
        given = list(range(len(spacing) if several else input.dim()))
        if several and len(given) != input.dim():
            raise ArgumentError(f"gradient: expected spacings for {input.dim()} dimensions, got {len(given)}")
    if any(not -input.dim() <= d < input.dim() for d in given):
        raise ArgumentIndexError(f"gradient: expected dimensions of shape {tuple(input.shape)}, got {given}")
    dims = [d % input.dim() for d in given]
    if len(set(dims)) != len(dims):
        raise ArgumentError(f"gradient: dim {given} names a dimension twice")
    for d in dims:
        if input.shape[d] < edge_order + 1:
            raise ArgumentError(
                f"gradient: expected at least {edge_order + 1} samples along dimension {d}, got shape "
                f"{tuple(input.shape)}"
            )
    return tuple(
        _slopes(input.movedim(d, -1), s, edge_order).movedim(-1, d)
        for d, s in zip(dims, _spacings(spacing, dims, input))
    )


# ---- Integrals ------------------------------------------------------------------------------------------


def _areas(name: str, y: Tensor, x: Tensor | None, dx: float, dim: int) -> Tensor:
    y = y if y.is_floating_point() or y.is_complex() else y.to(_core.get_default_dtype())
    n = y.shape[dim]
    if n == 0:
        return y
    left, right = y.narrow(dim, 0, n - 1), y.narrow(dim, 1, n - 1)
    if x is None:
        return (left + right) * (dx / 2)
    if x.shape[-1 if x.dim() == 1 else dim] != n:
        raise ArgumentError(f"{name}: expected x with {n} points along dimension {dim}, got shape {tuple(x.shape)}")
    steps = x.diff() if x.dim() == 1 else x.diff(dim=dim)
    if x.dim() == 1:
        steps = steps.reshape([-1 if d == dim % y.dim() else 1 for d in range(y.dim())])
    return (left + right) * steps / 2


@explains_arguments
def trapezoid(y: Tensor, x: Tensor | None = None, *, dx: float = 1, dim: int = -1) -> Tensor:
    """The integral of samples along a dimension by the trapezoidal rule.

    Args:
        y: the samples.
        x: where they were taken, 1-d or of the shape of ``y``. Default: ``dx`` apart.
        dx: the distance of two samples. Default: 1.
        dim: the dimension of the samples. Default: the last.

    Example:
        >>> import plait
        >>> plait.trapezoid(plait.tensor([1.0, 2.0, 3.0]))
        tensor(4.)
    """
    if x is None and y.shape[dim] > 1:  # half of the first and last, all in between
        y = y if y.is_floating_point() or y.is_complex() else y.to(_core.get_default_dtype())
        return (y.narrow(dim, 1, y.shape[dim] - 2).sum(dim) + (y.select(dim, 0) + y.select(dim, -1)) / 2) * dx
    return _areas("trapezoid", y, x, dx, dim).sum(dim)


def trapz(y: Tensor, x: Tensor | None = None, *, dx: float = 1, dim: int = -1) -> Tensor:
    """See :func:`trapezoid`."""
    return trapezoid(y, x, dx=dx, dim=dim)


@explains_arguments
def cumulative_trapezoid(y: Tensor, x: Tensor | None = None, *, dx: float = 1, dim: int = -1) -> Tensor:
    """The running value of :func:`trapezoid`; one element shorter than ``y``.

    Args:
        x: where the samples were taken, 1-d or of the shape of ``y``. Default: ``dx`` apart.
        dx: the distance of two samples. Default: 1.
        dim: the dimension of the samples. Default: the last.

    Example:
        >>> import plait
        >>> plait.cumulative_trapezoid(plait.tensor([1.0, 2.0, 3.0]))
        tensor([1.5000, 4.0000])
    """
    return _areas("cumulative_trapezoid", y, x, dx, dim).cumsum(dim)


# ---- Shapes and combinations ----------------------------------------------------------------------------


def broadcast_shapes(*shapes: Any) -> Any:
    """The shape that tensors of these shapes broadcast to.

    Raises:
        ValueError: if they do not.

    Example:
        >>> import plait
        >>> plait.broadcast_shapes((2, 1), (3,))
        plait.Size([2, 3])
    """
    one = _core.zeros((), device="cpu")  # a tensor of any shape without its memory
    tensors = [one.expand((s,) if isinstance(s, int) else tuple(s)) for s in shapes]
    return _core.broadcast_tensors(*tensors)[0].shape if tensors else _core.Size([])


@explains_arguments
def unravel_index(indices: Tensor, shape: Any) -> tuple[Tensor, ...]:
    """The index of each dimension of ``shape`` for indices into the flattened tensor.

    Raises:
        TypeError: indices that are not integers.

    Example:
        >>> import plait
        >>> plait.unravel_index(plait.tensor([1, 5]), (2, 3))
        (tensor([0, 1]), tensor([1, 2]))
    """
    if indices.is_floating_point() or indices.dtype == _core.bool:
        raise ArgumentTypeError(f"unravel_index: expected integers, got {indices.dtype}")
    sizes = (shape,) if isinstance(shape, int) else tuple(shape)
    result: list[Tensor] = []
    for size in reversed(sizes):
        result.append(indices % size)
        indices = indices.div(size, rounding_mode="floor")
    return tuple(reversed(result))


@explains_arguments
def combinations(input: Tensor, r: int = 2, with_replacement: bool = False) -> Tensor:
    """All choices of ``r`` elements of a vector, one a row, as :mod:`itertools` orders them.

    Args:
        input: a vector.
        with_replacement: whether an element may be chosen again. Default: ``False``.

    Returns:
        Shape (number of choices, r).

    Raises:
        ValueError: ``input`` is no vector, or ``r`` is negative.

    Example:
        >>> import plait
        >>> plait.combinations(plait.tensor([1, 2, 3]))
        tensor([[1, 2],
                [1, 3],
                [2, 3]])
    """
    if input.dim() != 1 or r < 0:
        raise ArgumentError(f"combinations: expected a vector and r >= 0, got {tuple(input.shape)} and {r}")
    if r == 2:
        first, second = _core.triu_indices(input.shape[0], input.shape[0], 0 if with_replacement else 1)
        return _core.stack([input[first], input[second]], 1)
    choose = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    rows = list(choose(range(input.shape[0]), r))
    if r == 0:
        return input.new_empty(0)
    return input[_core.tensor(rows, dtype=_core.int64, device=input.device).reshape(len(rows), r)]


@explains_arguments
def vander(x: Tensor, N: int | None = None, increasing: bool = False) -> Tensor:
    """The Vandermonde matrix: powers of the elements of a vector, one a column.

    Args:
        x: a vector.
        N: the number of columns. Default: as many as elements.
        increasing: whether the powers rise from left to right. Default: ``False``.

    Raises:
        ValueError: ``x`` is no vector.

    Example:
        >>> import plait
        >>> plait.vander(plait.tensor([2, 3]), 3)
        tensor([[4, 2, 1],
                [9, 3, 1]])
    """
    if x.dim() != 1:
        raise ArgumentError(f"vander: expected a vector, got shape {tuple(x.shape)}")
    powers = _core.arange(x.shape[0] if N is None else N, device=x.device)
    return x[:, None] ** (powers if increasing else powers.flip(0))


# ---- Questions about tensors ----------------------------------------------------------------------------


@explains_arguments
def is_nonzero(input: Tensor) -> bool:
    """Whether the one element of ``input`` is not 0. Raises RuntimeError for another number of elements.

    Example:
        >>> import plait
        >>> plait.is_nonzero(plait.tensor([2.0]))
        True
    """
    if input.numel() != 1:
        raise ArgumentError(f"is_nonzero: expected one element, got shape {tuple(input.shape)}")
    return bool(input)


def _assert(condition: Any, message: str) -> None:
    """``assert condition, message`` as a function, which traces and graphs can have."""
    if _core._has_torch_function(condition):
        _core._call_taken_over(_assert, (condition, message), {})
    elif not condition:
        raise AssertionError(message)


@explains_arguments
def is_signed(input: Tensor) -> bool:
    """Whether the dtype has negative values.

    Args:
        input: a tensor.

    Example:
        >>> import plait
        >>> plait.is_signed(plait.ones(2, dtype=plait.uint8))
        False
    """
    return input.is_signed()


@explains_arguments
def is_inference(input: Tensor) -> bool:
    """Whether the tensor was made in inference mode.

    Args:
        input: a tensor.

    Example:
        >>> import plait
        >>> plait.is_inference(plait.ones(2))
        False
    """
    return input.is_inference()


@explains_arguments
def is_same_size(input: Tensor, other: Tensor) -> bool:
    """Whether the shapes are equal.

    Args:
        input: a tensor.
        other: another.

    Example:
        >>> import plait
        >>> plait.is_same_size(plait.ones(2, 3), plait.ones(3, 2))
        False
    """
    return input.shape == other.shape


@explains_arguments
def isreal(input: Tensor) -> Tensor:
    """True where the imaginary part is 0, as it is everywhere in a tensor of a real dtype.

    Args:
        input: a tensor of any shape and dtype.

    Returns:
        A bool tensor of the shape of ``input``.

    Example:
        >>> import plait
        >>> plait.isreal(plait.ones(2))
        tensor([True, True])
    """
    if input.is_complex():
        return input.imag == 0
    return _core.ones_like(input, dtype=_core.bool)


def is_storage(obj: Any) -> bool:
    """Whether ``obj`` is what ``Tensor.untyped_storage()`` or ``Tensor.storage()`` returns.

    Example:
        >>> import plait
        >>> plait.is_storage(plait.ones(2).untyped_storage())
        True
    """
    storage = sys.modules.get("plait.storage")  # who has one has imported it
    return storage is not None and isinstance(obj, (storage.UntypedStorage, storage.TypedStorage))


def typename(obj: Any) -> str:
    """The name of the type: for tensors the legacy one, such as ``plait.FloatTensor``.

    Args:
        obj: anything.

    Example:
        >>> import plait
        >>> plait.typename(plait.ones(2))
        'plait.FloatTensor'
    """
    if isinstance(obj, Tensor):
        return str(obj.type())
    module = type(obj).__module__
    return type(obj).__qualname__ if module == "builtins" else f"{module}.{type(obj).__qualname__}"


for _f in (quantile, nanquantile, cov, corrcoef, dist, renorm, is_nonzero, isreal):
    setattr(Tensor, _f.__name__, _f)
