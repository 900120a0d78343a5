# SPDX-License-Identifier: MIT
"""What functions do with sparse tensors: :func:`call` is asked for every call that is given one.

A handler stands under the name of the function. It is composed of ops on the parts (``_sparse.py``), so gradients reach
the values through it. A function without one raises.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from . import _core
from ._core import ArgumentError, ArgumentIndexError, ArgumentTypeError, Tensor
from ._sparse import SparseTensor, coo, entry_rows, flat, layout_of, no_entries, to_coo, to_csr
from .autograd.grad_mode import no_grad

__all__ = ["call"]

_HANDLERS: dict[str, Callable[..., Any]] = {}


def call(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """``func(*args, **kwargs)`` where an argument is a sparse tensor."""
    name = getattr(func, "__name__", str(func))
    handler = _HANDLERS.get(name)
    if handler is None:
        if name not in _QUESTIONS:
            layout = next((t.layout for t in _tensors(args, kwargs) if _is_sparse(t)), "sparse")
            raise NotImplementedError(f"{name}: not implemented for {layout} tensors\nhint: use to_dense()")
        args = tuple(_stand_in(a) if _is_sparse(a) else a for a in args)
        return func(*args, **{k: _stand_in(v) if _is_sparse(v) else v for k, v in kwargs.items()})
    out = kwargs.pop("out", None) if kwargs else None
    result = handler(*args, **kwargs)
    return result if out is None else out.resize_(result.shape).copy_(result)


def _tensors(args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
    found: list[Any] = []
    for a in (*args, *kwargs.values()):
        found += a if isinstance(a, list | tuple) else [a]
    return found


# Functions that look at the dtype and the shape alone: they are given an empty tensor of that dtype.
_QUESTIONS = {
    *("element_size", "get_device", "is_complex", "is_conj", "is_floating_point", "is_inference", "is_neg"),
    *("is_pinned", "is_shared", "is_signed", "result_type", "can_cast", "new_tensor", "is_same_size", "numel"),
}


def _stand_in(t: Tensor) -> Tensor:
    return _core.zeros((), dtype=t.dtype).expand(t.shape)


def _handles(*names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def note(f: Callable[..., Any]) -> Callable[..., Any]:
        _HANDLERS.update(dict.fromkeys(names, f))
        return f

    return note


def _is_sparse(t: Any) -> bool:
    return isinstance(t, SparseTensor)


def _as_number(t: Any) -> bool:
    return not isinstance(t, Tensor) or (not _is_sparse(t) and t.dim() == 0)


def _check_shapes(op: str, a: Tensor, b: Tensor) -> None:
    if a.shape != b.shape:
        raise ArgumentError(f"{op}: expected sparse tensors of one shape, got {tuple(a.shape)} and {tuple(b.shape)}")


def _like(t: SparseTensor, result: SparseTensor) -> SparseTensor:
    """A result in the layout of ``t``."""
    return to_csr(result) if t._layout() == "csr" and result.sparse_dim() == 2 else result


def _wrapped_dim(op: str, dim: int, n: int) -> int:
    if not -n <= dim < n:
        raise ArgumentIndexError(f"{op}: expected a dimension from {-n} to {n - 1}, got {dim}")
    return dim % n


@_handles("add")
def _add(input: Any, other: Any, *, alpha: Any = 1) -> Any:
    if not (_is_sparse(input) and _is_sparse(other)):
        if _as_number(input) or _as_number(other):
            raise ArgumentTypeError("add: expected a tensor of the same shape beside a sparse one, got a number")
        _check_shapes("add", input, other)
        a, b = (t.to_dense() if _is_sparse(t) else t for t in (input, other))
        return _core.add(a, b, alpha=alpha)
    _check_shapes("add", input, other)
    a, b = to_coo(input), to_coo(other)
    if a.sparse_dim() != b.sparse_dim():
        raise ArgumentError(f"add: expected as many sparse dimensions, got {a.sparse_dim()} and {b.sparse_dim()}")
    second = b._values() if alpha == 1 else b._values() * alpha
    dtype = _core.promote_types(a.dtype, second.dtype)
    values = _core.cat([a._values().to(dtype), second.to(dtype)])
    return _like(input, coo(_core.cat([a._indices(), b._indices()], 1), values, a.shape).coalesce())


@_handles("sub", "subtract")
def _sub(input: Any, other: Any, *, alpha: Any = 1) -> Any:
    return _add(input, other, alpha=-alpha)


@_handles("add_")
def _add_(input: Any, other: Any, *, alpha: Any = 1) -> Any:
    if _is_sparse(input):
        return input._replace(_add(input, other, alpha=alpha))
    _check_shapes("add_", input, other)
    t = to_coo(other)
    if input.is_contiguous():
        sparse = t.sparse_dim()
        values = t._values() if alpha == 1 else t._values() * alpha
        input.view(-1, *input.shape[sparse:]).index_add_(0, flat(t._indices(), t.shape[:sparse]), values)
        return input
    return input.add_(t.to_dense(), alpha=alpha)


@_handles("sub_", "subtract_")
def _sub_(input: Any, other: Any, *, alpha: Any = 1) -> Any:
    return _add_(input, other, alpha=-alpha)


def _at_entries(t: SparseTensor, other: Tensor) -> Tensor:
    """The elements of a dense tensor, broadcast to the shape of ``t``, at its entries."""
    return other.expand(t.shape)[tuple(to_coo(t)._indices())]


@_handles("mul", "multiply")
def _mul(input: Any, other: Any) -> Any:
    if not _is_sparse(input):
        input, other = other, input
    if _as_number(other):
        return input._with(input._values() * other)
    if not _is_sparse(other):
        return input._with(input._values() * _at_entries(input, other))
    _check_shapes("mul", input, other)
    a, b = to_coo(input).coalesce(), to_coo(other).coalesce()
    place, common = _look_up(b, a)
    values = a._values()[common] * b._values()[place[common]]
    return _like(input, coo(a._indices()[:, common], values, a.shape, True))


@_handles("div", "true_divide", "divide")
def _div(input: Any, other: Any, *, rounding_mode: str | None = None) -> Any:
    if not _is_sparse(input) or not _as_number(other):
        raise ArgumentTypeError("div: expected a sparse tensor divided by a number\nhint: use to_dense()")
    t = input if rounding_mode is None or input._layout() == "csr" else input.coalesce()
    return t._with(t._values().div(other, rounding_mode=rounding_mode))


@_handles("floor_divide")
def _floor_divide(input: Any, other: Any) -> Any:
    return _div(input, other, rounding_mode="floor")


@_handles("mul_", "multiply_")
def _mul_(input: Any, other: Any) -> Any:
    if not _is_sparse(input):
        return input.mul_(other.to_dense())
    if not _as_number(other):
        return input._replace(_mul(input, other))
    input._values().mul_(other)
    return input


@_handles("div_", "divide_", "true_divide_")
def _div_(input: Any, other: Any, *, rounding_mode: str | None = None) -> Any:
    return input._replace(_div(input, other, rounding_mode=rounding_mode))


@_handles("pow", "__pow__")
def _pow(input: Any, exponent: Any) -> Any:
    if not _is_sparse(input) or not _as_number(exponent):
        raise ArgumentTypeError("pow: expected a sparse tensor and a number\nhint: use to_dense()")
    if not exponent > 0:
        raise ArgumentError(f"pow: expected an exponent above 0, which leaves zeros alone, got {exponent}")
    t = input if input._layout() == "csr" else input.coalesce()
    return t._with(t._values().pow(exponent))


@_handles("clone")
def _clone(input: Any, *, memory_format: Any = None) -> Any:
    layout, indices, columns, values, coalesced = _core._sparse_parts(input)
    columns = None if columns is None else columns.clone()
    return _core._make_sparse(layout, indices.clone(), columns, values.clone(), list(input.shape), coalesced)


@_handles("copy_")
def _copy_(input: Any, src: Any, non_blocking: bool = False) -> Any:
    if not (_is_sparse(input) and _is_sparse(src)):
        raise ArgumentTypeError("copy_: expected two sparse tensors or two dense ones\nhint: use to_dense()")
    _check_shapes("copy_", input, src)
    return input._replace(_clone(src.to(input.dtype)))


@_handles("fill_")
def _fill_(input: Any, value: Any) -> Any:
    if input._layout() != "csr":
        raise NotImplementedError("fill_: not implemented for sparse_coo tensors\nhint: use to_dense()")
    input._values().fill_(value)
    return input


@_handles("any")
def _any(input: Any) -> Any:
    return (input if input._layout() == "csr" else input.coalesce())._values().any()


# ---- Functions that are 0 at 0 act on the values ----


def _define_pointwise(name: str, linear: bool) -> None:
    """Where the function is not linear, it acts on the sums of equal entries."""

    def apply(input: Any, *args: Any, **kwargs: Any) -> Any:
        t = input if linear or input._layout() == "csr" else input.coalesce()
        values = getattr(t._values(), name)(*args, **kwargs)
        return input if values is input._values() else t._with(values)

    def apply_in_place(input: Any, *args: Any, **kwargs: Any) -> Any:
        return input._replace(apply(input, *args, **kwargs))

    _HANDLERS[name] = apply
    _HANDLERS[name + "_"] = apply_in_place


_LINEAR = (
    *("neg", "negative", "positive", "conj", "conj_physical", "resolve_conj", "resolve_neg", "cpu", "contiguous"),
    *("to", "float", "double", "half", "bfloat16", "cfloat", "cdouble", "int", "long", "short", "char", "byte"),
    *("bool", "type_as"),
)
_NOT_LINEAR = (
    *("abs", "absolute", "angle", "asin", "asinh", "atan", "atanh", "ceil", "erf", "erfinv", "expm1", "floor"),
    *("frac", "log1p", "nan_to_num", "relu", "round", "sgn", "sign", "sin", "sinh", "sqrt", "square"),
    *("tan", "tanh", "trunc", "deg2rad", "rad2deg", "isnan", "isinf", "isposinf", "isneginf", "signbit"),
)
for _name in (*_LINEAR, *_NOT_LINEAR):
    _define_pointwise(_name, _name in _LINEAR)


@_handles("type")
def _type(input: Any, dtype: Any = None, non_blocking: bool = False) -> Any:
    if dtype is None:
        return input._values().type().replace("plait.", "plait.sparse.")
    return input._with(input._values().type(dtype))


@_handles("dropout")
def _dropout(input: Any, *args: Any, **kwargs: Any) -> Any:
    from .nn.functional import dropout

    return input._with(dropout(input._values(), *args, **kwargs))


# ---- Other tensors of the same kind ----


def _new(
    dense: str,
    size: Sequence[int],
    like: SparseTensor,
    dense_dim: int,
    dtype: Any,
    layout: Any,
    options: dict[str, Any],
) -> Any:
    dtype = like.dtype if dtype is None else dtype
    if layout == "strided":
        return getattr(_core, dense)(*size, dtype=dtype, **options)
    kind = like._layout() if layout is None else layout_of(dense, layout)
    return no_entries(size, dtype, kind, dense_dim)


@_handles("zeros_like", "empty_like")
def _zeros_like(input: Any, *, dtype: Any = None, layout: Any = None, memory_format: Any = None, **options: Any) -> Any:
    return _new("zeros", input.shape, input, input.dense_dim(), dtype, layout, options)


@_handles("new_zeros", "new_empty")
def _new_zeros(input: Any, *size: Any, dtype: Any = None, layout: Any = None, **options: Any) -> Any:
    sizes = size[0] if len(size) == 1 and not isinstance(size[0], int) else size
    return _new("zeros", sizes, input, 0, dtype, layout, options)


def _define_filled(name: str) -> None:
    def apply(input: Any, *args: Any, layout: Any = None, **kwargs: Any) -> Any:
        if layout == "strided":
            return getattr(_core, name)(_stand_in(input), *args, **kwargs)
        if input._layout() != "csr":
            raise NotImplementedError(f"{name}: not implemented for sparse_coo tensors\nhint: layout=plait.strided")
        return input._with(getattr(_core, name)(input._values(), *args, **kwargs))

    _HANDLERS[name] = apply


for _name in ("ones_like", "full_like", "rand_like", "randn_like"):
    _define_filled(_name)


@_handles("sparse_mask")
def _sparse_mask(input: Any, mask: Any) -> Any:
    """The elements of ``input`` at the entries of ``mask``."""
    if not _is_sparse(mask):
        raise ArgumentTypeError("sparse_mask: expected a sparse mask, got a dense tensor")
    _check_shapes("sparse_mask", input, mask)
    if not _is_sparse(input):
        at = to_coo(mask)
        return mask._with(input[tuple(at._indices())].reshape(mask._values().shape))
    own, at = to_coo(input).coalesce(), to_coo(mask)
    if own.sparse_dim() != at.sparse_dim():
        raise ArgumentError(
            f"sparse_mask: expected as many sparse dimensions, got {own.sparse_dim()} and {at.sparse_dim()}"
        )
    place, found = _look_up(own, at)
    if own._nnz() == 0:
        return mask._with(_core.zeros_like(mask._values(), dtype=own.dtype))
    values = own._values()[place]
    values = values.where(found.reshape(-1, *[1] * (values.dim() - 1)), _core.zeros((), dtype=values.dtype))
    return mask._with(values.reshape(mask._values().shape))


def _look_up(t: SparseTensor, at: SparseTensor) -> tuple[Tensor, Tensor]:
    """For each entry of ``at`` which entry of ``t``, coalesced, has its place, and whether there is one."""
    sizes = t.shape[: t.sparse_dim()]
    known, wanted = flat(t._indices(), sizes), flat(at._indices(), sizes)
    place = _core.searchsorted(known, wanted).clamp(max=max(known.shape[0] - 1, 0))
    return place, (known[place] == wanted) if known.shape[0] else _core.zeros_like(wanted, dtype=_core.bool)


# ---- Products ----


@_handles("matmul", "mm", "mv")
def _mm(input: Any, mat2: Any = None, other: Any = None, vec: Any = None) -> Any:
    b = mat2 if mat2 is not None else other if other is not None else vec
    if input.dim() != 2 or b.dim() not in (1, 2) or input.shape[1] != b.shape[0]:
        raise ArgumentError(
            f"mm: expected matrices (n, k) and (k, m), got shapes {tuple(input.shape)} and {tuple(b.shape)}"
        )
    if _is_sparse(input) and _is_sparse(b):
        return _sparse_times_sparse(input, b)
    if not _is_sparse(input):
        return _mm(b.t(), input.t()).t()
    _check_matrix("mm", input)
    begin, columns, values = input._rows()
    dense = b if b.dim() == 2 else b.unsqueeze(1)
    y = _core._ops._csr_mm(values, dense, begin, columns)
    return y if b.dim() == 2 else y.squeeze(1)


def _check_matrix(op: str, t: SparseTensor) -> None:
    if t.dim() != 2 or t.sparse_dim() != 2:
        raise ArgumentError(
            f"{op}: expected a matrix of 2 sparse dimensions, got shape {tuple(t.shape)} with {t.sparse_dim()}"
        )


def _sparse_times_sparse(a: Any, b: Any) -> Any:
    """Each entry of ``a`` times the entries of one row of ``b``."""
    _check_matrix("mm", a)
    _check_matrix("mm", b)
    begin, columns, values = a._rows()
    other_begin, other_columns, other_values = b._rows()
    counts = (other_begin[1:] - other_begin[:-1])[columns]
    entry = _core.arange(columns.shape[0]).repeat_interleave(counts)
    within = _core.arange(entry.shape[0]) - (counts.cumsum(0) - counts)[entry]
    place = other_begin[columns[entry]] + within
    at = _core.stack([entry_rows(begin)[entry], other_columns[place]])
    product = coo(at, values[entry] * other_values[place], (a.shape[0], b.shape[1])).coalesce()
    return _like(a, product)


@_handles("addmm", "addmv")
def _addmm(input: Any, mat1: Any, mat2: Any = None, *, vec: Any = None, beta: Any = 1, alpha: Any = 1) -> Any:
    product = _mm(mat1, vec if mat2 is None else mat2)
    first = input if beta == 1 else input * beta
    if _is_sparse(first) and not _is_sparse(product):
        first = first.to_dense()
    return first + (product if alpha == 1 else product * alpha)


@_handles("addmm_", "addmv_")
def _addmm_(input: Any, mat1: Any, mat2: Any = None, **options: Any) -> Any:
    result = _addmm(input, mat1, mat2, **options)
    return input._replace(result) if _is_sparse(input) else input.copy_(result)


@_handles("linear")
def _linear(input: Any, weight: Any, bias: Any = None) -> Any:
    if input.dim() > 2:
        y = _linear(input.reshape(-1, input.shape[-1]), weight).reshape(*input.shape[:-1], weight.shape[0])
    else:
        y = _mm(weight, input) if input.dim() == 1 else _mm(input, weight.t())
    return y if bias is None else y + bias


@_handles("bmm")
def _bmm(input: Any, mat2: Any) -> Any:
    """The matrices of a batch as the blocks of one matrix."""
    shapes = tuple(input.shape), tuple(mat2.shape)
    if not _is_sparse(input) or _is_sparse(mat2) or input.dim() != 3 or mat2.dim() != 3:
        raise ArgumentTypeError(f"bmm: expected a sparse (b, n, k) and a dense (b, k, m), got shapes {shapes}")
    (b, n, k), m = input.shape, mat2.shape[2]
    if mat2.shape[:2] != (b, k):
        raise ArgumentError(f"bmm: expected shapes (b, n, k) and (b, k, m), got {shapes[0]} and {shapes[1]}")
    t = to_coo(input)
    batch, rows, columns = t._indices()
    blocks = coo(_core.stack([batch * n + rows, batch * k + columns]), t._values(), (b * n, b * k))
    return _mm(blocks, mat2.reshape(b * k, m)).reshape(b, n, m)


@_handles("dot", "vdot")
def _dot(input: Any, tensor: Any) -> Any:
    return _sum(_mul(input, tensor))


def reduced_mm(a: Any, b: Tensor, reduce: str) -> Tensor:
    """``a @ b`` with the mean, the largest or the smallest of the terms in place of their sum."""
    begin, columns, values = a._rows()
    rows = entry_rows(begin)
    terms = values[:, None] * b[columns]
    zeros = _core.zeros(a.shape[0], b.shape[1], dtype=terms.dtype)
    return zeros.scatter_reduce(0, rows[:, None].expand(terms.shape), terms, reduce, include_self=False)


# ---- Shapes ----


@_handles("permute")
def _permute(input: Any, *dims: Any) -> Any:
    order = [
        _wrapped_dim("permute", d, input.dim()) for d in (dims[0] if dims and not isinstance(dims[0], int) else dims)
    ]
    if sorted(order) != list(range(input.dim())):
        raise ArgumentError(f"permute: expected each dimension of shape {tuple(input.shape)} once, got {tuple(order)}")
    t = to_coo(input)
    sparse = t.sparse_dim()
    if order == list(range(t.dim())):
        return input
    if sorted(order[:sparse]) != list(range(sparse)):
        raise ArgumentError(
            f"permute: expected the {sparse} sparse dimensions to stay before the others, got {tuple(order)}\n"
            "hint: use to_dense()"
        )
    values = t._values().permute(0, *(d - sparse + 1 for d in order[sparse:]))
    return _like(input, coo(t._indices()[order[:sparse]], values, [t.shape[d] for d in order]))


@_handles("transpose", "swapaxes", "swapdims")
def _transpose(input: Any, dim0: int, dim1: int) -> Any:
    n = input.dim()
    a, b = (_wrapped_dim("transpose", d, n) for d in (dim0, dim1))
    order = list(range(n))
    order[a], order[b] = b, a
    return _permute(input, order)


@_handles("t", "adjoint")
def _t(input: Any) -> Any:
    if input.dim() > 2:
        raise ArgumentError(f"t: expected at most 2 dimensions, got shape {tuple(input.shape)}")
    return input if input.dim() < 2 else _permute(input, (1, 0))


@_handles("movedim", "moveaxis")
def _movedim(input: Any, source: Any, destination: Any) -> Any:
    n = input.dim()
    moved = [_wrapped_dim("movedim", d, n) for d in ([source] if isinstance(source, int) else source)]
    places = [_wrapped_dim("movedim", d, n) for d in ([destination] if isinstance(destination, int) else destination)]
    order: list[Any] = [None] * n
    for d, place in zip(moved, places, strict=True):
        order[place] = d
    rest = iter(d for d in range(n) if d not in moved)
    return _permute(input, [next(rest) if d is None else d for d in order])


@_handles("unsqueeze")
def _unsqueeze(input: Any, dim: int) -> Any:
    t = to_coo(input)
    n, sparse = t.dim() + 1, t.sparse_dim()
    dim = _wrapped_dim("unsqueeze", dim, n)
    shape = [*t.shape[:dim], 1, *t.shape[dim:]]
    if dim > sparse:
        return coo(t._indices(), t._values().unsqueeze(dim - sparse + 1), shape, t.is_coalesced())
    at = t._indices()
    row = _core.zeros(1, at.shape[1], dtype=at.dtype)
    return coo(_core.cat([at[:dim], row, at[dim:]]), t._values(), shape, t.is_coalesced())


@_handles("squeeze")
def _squeeze(input: Any, dim: Any = None) -> Any:
    t = to_coo(input)
    dims = range(t.dim()) if dim is None else [dim] if isinstance(dim, int) else dim
    wrapped = {_wrapped_dim("squeeze", d, t.dim()) for d in dims}
    gone = {d for d in wrapped if t.shape[d] == 1}
    sparse = t.sparse_dim()
    dense = [d - sparse + 1 for d in gone if d >= sparse]
    kept = [d for d in range(sparse) if d not in gone]
    shape = [s for d, s in enumerate(t.shape) if d not in gone]
    return coo(t._indices()[kept], t._values().squeeze(tuple(dense)) if dense else t._values(), shape, t.is_coalesced())


@_handles("select")
def _select(input: Any, dim: int, index: int) -> Any:
    t = to_coo(input)
    dim = _wrapped_dim("select", dim, t.dim())
    size, sparse = t.shape[dim], t.sparse_dim()
    if not -size <= index < size:
        raise ArgumentIndexError(f"select: expected an index from {-size} to {size - 1}, got {index}")
    shape = [s for d, s in enumerate(t.shape) if d != dim]
    if dim >= sparse:
        return coo(t._indices(), t._values().select(dim - sparse + 1, index % size), shape, t.is_coalesced())
    chosen = t._indices()[dim] == index % size
    at, values = t._indices()[:, chosen], t._values()[chosen]
    if sparse == 1:
        return values.sum(0)
    return coo(at[[d for d in range(sparse) if d != dim]], values, shape, t.is_coalesced())


@_handles("narrow_copy")
def _narrow_copy(input: Any, dim: int, start: int, length: int) -> Any:
    dim = _wrapped_dim("narrow_copy", dim, input.dim())
    return _index_select(input, dim, _core.arange(start, start + length))


@_handles("__getitem__")
def _getitem(input: Any, index: Any) -> Any:
    parts = list(index) if isinstance(index, tuple) else [index]
    given = sum(p is not None and p is not Ellipsis for p in parts)
    if Ellipsis in [p for p in parts if not isinstance(p, Tensor)]:
        place = parts.index(Ellipsis)
        parts[place : place + 1] = [slice(None)] * (input.dim() - given)
    if given > input.dim():
        raise ArgumentIndexError(f"__getitem__: expected at most {input.dim()} indices, got {given}")
    t, dim = input, 0
    for p in parts:
        if p is None:
            t = _unsqueeze(t, dim)
        elif isinstance(p, int) and not isinstance(p, bool):
            t = _select(t, dim, p)
            continue
        elif isinstance(p, slice):
            t = t if p == slice(None) else _index_select(t, dim, _core.arange(t.shape[dim])[p])
        else:
            raise ArgumentTypeError(
                f"__getitem__: expected ints, slices, None or ... for a sparse tensor, got {type(p).__name__}\n"
                "hint: index_select(dim, index)"
            )
        dim += 1
    return t


@_handles("unbind")
def _unbind(input: Any, dim: int = 0) -> Any:
    return tuple(_select(input, dim, i) for i in range(input.shape[dim]))


@_handles("cat", "concat", "concatenate")
def _cat(tensors: Any, dim: int = 0) -> Any:
    if not all(map(_is_sparse, tensors)):
        raise ArgumentTypeError("cat: expected sparse tensors alone or dense ones alone\nhint: use to_sparse()")
    parts = [to_coo(t) for t in tensors]
    dim = _wrapped_dim("cat", dim, parts[0].dim())
    sparse = parts[0].sparse_dim()
    for t in parts:
        if t.sparse_dim() != sparse or [*t.shape[:dim], *t.shape[dim + 1 :]] != [
            *parts[0].shape[:dim],
            *parts[0].shape[dim + 1 :],
        ]:
            raise ArgumentError(
                f"cat: expected shapes that differ in dimension {dim} alone and as many sparse dimensions, "
                f"got {tuple(parts[0].shape)} and {tuple(t.shape)}"
            )
    total = sum(t.shape[dim] for t in parts)
    indices, values, offset = [], [], 0
    for t in parts:
        at, v = t._indices(), t._values()
        if dim < sparse:
            at = at.clone()
            at[dim] += offset
        else:  # zeros where the others have elements
            sizes = [list(v.shape), list(v.shape)]
            sizes[0][dim - sparse + 1], sizes[1][dim - sparse + 1] = offset, total - offset - t.shape[dim]
            before, after = (_core.zeros(s, dtype=v.dtype) for s in sizes)
            v = _core.cat([before, v, after], dim - sparse + 1)
        offset += t.shape[dim]
        indices.append(at)
        values.append(v)
    shape = list(parts[0].shape)
    shape[dim] = total
    return _like(tensors[0], coo(_core.cat(indices, 1), _core.cat(values), shape))


@_handles("stack")
def _stack(tensors: Any, dim: int = 0) -> Any:
    dim = _wrapped_dim("stack", dim, tensors[0].dim() + 1)
    return _cat([_unsqueeze(t, dim) for t in tensors], dim)


@_handles("hstack")
def _hstack(tensors: Any) -> Any:
    return _cat(tensors, 0 if tensors[0].dim() == 1 else 1)


@_handles("vstack")
def _vstack(tensors: Any) -> Any:
    return _cat([_unsqueeze(t, 0) if t.dim() == 1 else t for t in tensors], 0)


@_handles("index_select")
def _index_select(input: Any, dim: int, index: Tensor) -> Any:
    t = to_coo(input)
    dim = _wrapped_dim("index_select", dim, t.dim())
    if dim >= t.sparse_dim():
        return t._with(t._values().index_select(dim - t.sparse_dim() + 1, index))
    size = t.shape[dim]
    if index.numel() and (int(index.min()) < 0 or int(index.max()) >= size):
        raise ArgumentIndexError(f"index_select: expected indices from 0 to {size - 1}, got {index.tolist()[:10]}")
    order = index.argsort(stable=True)
    chosen, row = index[order], t._indices()[dim]
    first = _core.searchsorted(chosen, row)
    counts = _core.searchsorted(chosen, row, right=True) - first
    entry = _core.arange(row.shape[0]).repeat_interleave(counts)
    within = _core.arange(entry.shape[0]) - (counts.cumsum(0) - counts)[entry]
    at = t._indices()[:, entry]
    at[dim] = order[first[entry] + within]
    shape = list(t.shape)
    shape[dim] = index.shape[0]
    return _like(input, coo(at, t._values()[entry], shape).coalesce())


# ---- Reductions ----


@_handles("sum")
def _sum(input: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    values = input._values() if dtype is None else input._values().to(dtype)
    if dim is None:
        return values.sum()
    t = to_coo(input)
    sparse, n = t.sparse_dim(), t.dim()
    dims = {_wrapped_dim("sum", d, n) for d in ([dim] if isinstance(dim, int) else dim)}
    dense = [d - sparse + 1 for d in dims if d >= sparse]
    if dense:
        values = values.sum(dense)
    kept = [d for d in range(sparse) if d not in dims]
    shape = [s for d, s in enumerate(t.shape) if d not in dims]
    if not kept and not keepdim:
        return values.sum(0)
    result = coo(t._indices()[kept], values, shape).coalesce() if kept else values.sum(0).to_sparse()
    for d in sorted(dims) if keepdim else ():
        result = _unsqueeze(result, d)
    return _like(input, result) if keepdim else result


def _softmax(input: Any, dim: int, log: bool, dtype: Any) -> Any:
    """Over the entries along a dimension; what is no entry counts as -inf."""
    t = to_coo(input).coalesce()
    values = t._values() if dtype is None else t._values().to(dtype)
    dim = _wrapped_dim("softmax", dim, t.dim())
    if dim >= t.sparse_dim():
        place = dim - t.sparse_dim() + 1
        return t._with(values.log_softmax(place) if log else values.softmax(place))
    others = [d for d in range(t.sparse_dim()) if d != dim]
    lines = flat(t._indices()[others], [t.shape[d] for d in others])
    names, group = lines.unique(return_inverse=True)
    count = (names.shape[0], *values.shape[1:])
    index = group.reshape(-1, *[1] * (values.dim() - 1)).expand(values.shape)
    with no_grad():
        largest = _core.full(count, float("-inf"), dtype=values.dtype).scatter_reduce(0, index, values, "amax")
    shifted = values - largest[group]
    exponentials = shifted.exp()
    total = _core.zeros(count, dtype=values.dtype).index_add(0, group, exponentials)
    return t._with(shifted - total.log()[group] if log else exponentials / total[group])


def _define_softmax(name: str, log: bool) -> None:
    def apply(input: Any, dim: int, dtype: Any = None, **_: Any) -> Any:
        return _like(input, _softmax(input, dim, log, dtype))

    _HANDLERS[name] = apply


_define_softmax("softmax", False)
_define_softmax("log_softmax", True)


@_handles("norm")
def _norm(input: Any, p: Any = 2, *args: Any, **kwargs: Any) -> Any:
    return to_coo(input).coalesce()._values().norm(p)
