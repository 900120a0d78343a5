# SPDX-License-Identifier: MIT
"""Sparse tensors: indices and values, both ordinary tensors, under the names of a tensor.

A sparse tensor is an object of :class:`SparseTensor`. The core keeps its parts with it, so that gradients can be
sparse, and hands every call that is given one to :func:`call` (``cpp/bindings/overrides.h``). What is known here is
composed of ops on the parts: gradients reach the values through them. All else raises.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from . import _core
from ._core import ArgumentError, ArgumentTypeError, Tensor
from .autograd.grad_mode import no_grad

__all__ = ["SparseTensor", "call", "sparse_coo_tensor", "sparse_csr_tensor", "to_coo", "to_csr"]


def coo(indices: Tensor, values: Tensor, size: Sequence[int], coalesced: bool = False) -> SparseTensor:
    return _core._make_sparse("coo", indices, None, values, list(size), coalesced)


def csr(begin: Tensor, columns: Tensor, values: Tensor, size: Sequence[int]) -> SparseTensor:
    return _core._make_sparse("csr", begin, columns, values, list(size), True)


class SparseTensor(Tensor):
    """A tensor most of whose elements are 0; see :func:`plait.sparse_coo_tensor`."""

    # ---- Parts ----

    def values(self) -> Tensor:
        """The values, one entry each. Raises RuntimeError for a COO tensor that is not coalesced."""
        self._check_coalesced("values")
        return self._values() if self._values().requires_grad else self._values().detach()

    def indices(self) -> Tensor:
        """The indices, one column for each entry. Raises RuntimeError for a tensor that is not coalesced."""
        self._check("indices", "coo")
        self._check_coalesced("indices")
        return self._indices()

    def _check(self, name: str, layout: str) -> None:
        if self._layout() != layout:
            raise ArgumentError(f"{name}: expected a sparse tensor in {layout.upper()}, got {self._layout().upper()}")

    def _check_coalesced(self, name: str) -> None:
        if not _core._sparse_parts(self)[4]:
            raise ArgumentError(f"{name}: Cannot get {name} on an uncoalesced tensor, please call .coalesce() first")

    def _layout(self) -> str:
        return _core._sparse_parts(self)[0]

    def _indices(self) -> Tensor:
        self._check("_indices", "coo")
        return _core._sparse_parts(self)[1]

    def _values(self) -> Tensor:
        return _core._sparse_parts(self)[3]

    def crow_indices(self) -> Tensor:
        """Where each row begins among the entries, and where the last ends."""
        self._check("crow_indices", "csr")
        return _core._sparse_parts(self)[1]

    def col_indices(self) -> Tensor:
        """The column of each entry."""
        self._check("col_indices", "csr")
        return _core._sparse_parts(self)[2]

    def _nnz(self) -> int:
        return self._values().shape[0]

    def sparse_dim(self) -> int:
        """How many dimensions the indices name."""
        return 2 if self._layout() == "csr" else self._indices().shape[0]

    def dense_dim(self) -> int:
        """How many dimensions an entry has."""
        return self.dim() - self.sparse_dim()

    def is_coalesced(self) -> bool:
        """Whether the entries are in order and none occurs twice."""
        self._check("is_coalesced", "coo")
        return _core._sparse_parts(self)[4]

    is_sparse = property(lambda self: self._layout() == "coo", doc="Whether the layout is COO.")
    is_sparse_csr = property(lambda self: self._layout() == "csr", doc="Whether the layout is CSR.")
    layout = property(lambda self: f"sparse_{self._layout()}", doc="``sparse_coo`` or ``sparse_csr``.")

    # ---- Other forms ----

    def coalesce(self) -> SparseTensor:
        """The entries in order, those of the same place added up."""
        self._check("coalesce", "coo")
        if self.is_coalesced():
            return self
        indices, sizes = self._indices(), self.shape[: self.sparse_dim()]
        place, group = _flat(indices, sizes).unique(return_inverse=True)
        start = _core.zeros(place.shape[0], *self._values().shape[1:], dtype=self.dtype)
        values = start.index_add(0, group, self._values())
        rows = []
        for size in reversed(sizes):
            rows.append(place % size)
            place = place.div(size, rounding_mode="floor")
        unique = _core.stack(rows[::-1]) if rows else indices[:, : place.shape[0]]
        return coo(unique, values, self.shape, True)

    def to_dense(self, dtype: Any = None, *, masked_grad: bool | None = None) -> Tensor:
        """The tensor with all its elements."""
        t = to_coo(self)
        sparse = t.sparse_dim()
        sizes = t.shape[:sparse]
        count = 1
        for s in sizes:
            count *= s
        whole = _core.zeros(count, *t.shape[sparse:], dtype=t.dtype)
        whole = whole.index_add(0, _flat(t._indices(), sizes), t._values()).reshape(t.shape)
        return whole if dtype is None else whole.to(dtype)

    def to_sparse(self, sparse_dim: int | None = None, *, layout: Any = None, **_: Any) -> SparseTensor:
        """The tensor in COO, or in the given layout."""
        return to_csr(self) if layout == "sparse_csr" else to_coo(self)

    def to_sparse_coo(self) -> SparseTensor:
        """The tensor in COO."""
        return to_coo(self)

    def to_sparse_csr(self, dense_dim: int | None = None) -> SparseTensor:
        """The matrix in CSR."""
        return to_csr(self)

    def _with(self, values: Tensor) -> SparseTensor:
        """Other values at the same places."""
        layout, indices, columns, _, coalesced = _core._sparse_parts(self)
        size = [*self.shape[: self.sparse_dim()], *values.shape[1:]]
        return _core._make_sparse(layout, indices, columns, values, size, coalesced)

    def _rows(self) -> tuple[Tensor, Tensor, Tensor]:
        """A matrix as rows for products: where they begin, columns, values. The order of a COO matrix is kept."""
        if self._layout() == "csr":
            return self.crow_indices(), self.col_indices(), self._values()
        known = self.__dict__.get("_order")
        if known is None:
            rows, columns = self._indices()
            order = None if bool((rows[1:] >= rows[:-1]).all()) else rows.argsort(stable=True)
            begin = _begin(rows, self.shape[0])
            known = begin, (columns if order is None else columns[order]).contiguous(), order
            self.__dict__["_order"] = known
        begin, columns, order = known
        return begin, columns, self._values() if order is None else self._values()[order]

    # ---- Autograd: the values stand for the tensor ----

    @property
    def requires_grad(self) -> bool:  # type: ignore[override]
        """Whether gradients flow to the values."""
        return self._values().requires_grad

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        self._values().requires_grad = value

    def requires_grad_(self, requires_grad: bool = True) -> SparseTensor:  # type: ignore[override]
        """Ask for gradients of the values."""
        self._values().requires_grad_(requires_grad)
        return self

    @property
    def grad(self) -> Any:  # type: ignore[override]
        """The gradient, sparse, at the places of the entries."""
        gradient = self._values().grad if self._values().is_leaf else None
        return None if gradient is None else self._with(gradient)

    @grad.setter
    def grad(self, value: Any) -> None:
        self._values().grad = None if value is None else value._values()

    grad_fn = property(lambda self: self._values().grad_fn)  # type: ignore[assignment]
    is_leaf = property(lambda self: self._values().is_leaf)  # type: ignore[assignment]
    data = property(lambda self: self.detach())  # type: ignore[assignment]
    T = property(lambda self: _transpose(self, 0, 1))  # type: ignore[assignment]

    def retain_grad(self) -> None:
        """Keep the gradient of the values."""
        self._values().retain_grad()

    def detach(self) -> SparseTensor:
        """The same entries outside the graph."""
        return self._with(self._values().detach())

    def detach_(self) -> SparseTensor:
        """Take the values out of the graph."""
        self._values().detach_()
        return self

    def zero_(self) -> SparseTensor:
        """Drop all entries."""
        empty = coo(self._indices()[:, :0], self._values()[:0].detach(), self.shape, True)
        _core._set_sparse_parts(self, empty)
        self.__dict__.pop("_order", None)
        return self

    # ---- Python ----

    def __repr__(self, *, tensor_contents: str | None = None) -> str:
        layout, indices, columns, values, _ = _core._sparse_parts(self)
        parts = {"indices": indices} if layout == "coo" else {"crow_indices": indices, "col_indices": columns}
        lines = []
        for name, part in {**parts, "values": values.detach()}.items():
            text = repr(part).replace("\n", "\n" + " " * (len("tensor(") + len(name) + 1))
            lines.append(f"{name}={text}")
        tail = f"size={tuple(self.shape)}, nnz={self._nnz()}"
        if self.dtype != _core.get_default_dtype():
            tail += f", dtype={self.dtype}"
        tail += f", layout=plait.sparse_{layout}"
        if self.grad_fn is not None:
            tail += f", grad_fn=<{self.grad_fn.name()}>"
        elif self.requires_grad:
            tail += ", requires_grad=True"
        return "tensor(" + (",\n" + " " * 7).join([*lines, tail]) + ")"

    def __reduce_ex__(self, protocol: Any) -> Any:
        layout, indices, columns, values, coalesced = _core._sparse_parts(self)
        state = (layout, indices, columns, values.detach(), list(self.shape), coalesced)
        return _rebuild, (*state, self.requires_grad and self.is_leaf)

    def __deepcopy__(self, memo: dict[int, Any]) -> SparseTensor:
        if id(self) not in memo:
            rebuild, state = self.__reduce_ex__(4)
            memo[id(self)] = rebuild(*[s.clone() if isinstance(s, Tensor) else s for s in state])
        return memo[id(self)]

    def __iter__(self) -> Any:
        raise NotImplementedError("iteration: not implemented for sparse tensors\nhint: use to_dense()")

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        raise ArgumentTypeError("numpy: not implemented for sparse tensors\nhint: use to_dense().numpy()")

    def item(self) -> Any:
        """Not for sparse tensors."""
        raise ArgumentTypeError("item: not implemented for sparse tensors\nhint: use to_dense()")

    def data_ptr(self) -> int:
        """Not for sparse tensors."""
        raise ArgumentTypeError("data_ptr: not implemented for sparse tensors\nhint: look at values()")


def _rebuild(
    layout: str, indices: Tensor, columns: Any, values: Tensor, size: list[int], coalesced: bool, requires_grad: bool
) -> SparseTensor:
    return _core._make_sparse(layout, indices, columns, values.requires_grad_(requires_grad), size, coalesced)


# ---- Indices --------------------------------------------------------------------------------------------


def _flat(indices: Tensor, sizes: Sequence[int]) -> Tensor:
    """Each entry's place in the flattened sparse dimensions."""
    place = _core.zeros(indices.shape[1], dtype=_core.int64)
    for row, size in zip(indices, sizes):
        place = place * size + row
    return place


def _begin(rows: Tensor, count: int) -> Tensor:
    """Where each of ``count`` rows begins when the entries are in order of their rows."""
    return _core.cat([_core.zeros(1, dtype=_core.int64), rows.bincount(minlength=count).cumsum(0)])


def _entry_rows(begin: Tensor) -> Tensor:
    return _core.arange(begin.shape[0] - 1).repeat_interleave(begin[1:] - begin[:-1])


# ---- Making them ----------------------------------------------------------------------------------------


def sparse_coo_tensor(
    indices: Any,
    values: Any = None,
    size: Any = None,
    *,
    dtype: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
    check_invariants: bool | None = None,
    is_coalesced: bool | None = None,
) -> Tensor:
    """A sparse tensor in coordinate format: the element at ``indices[:, e]`` is ``values[e]``.

    Entries of the same place add up. ``sparse_coo_tensor(size)`` has no entries.

    Args:
        indices: (sparse dimensions, entries), integers.
        values: (entries, *sizes of dense dimensions); numbers in a sequence, or a tensor.
        size: the sizes. Default: the smallest that hold the indices.
        dtype: of the values. Default: theirs.
        device: accepted; there is one device, the CPU.
        pin_memory: accepted and ignored.
        requires_grad: whether gradients of the values are wanted. Default: ``False``.
        check_invariants: accepted; indices are always checked.
        is_coalesced: whether the indices are in order and differ. Default: ``False``.

    Raises:
        ValueError: shapes that do not fit, an index outside ``size``.
        TypeError: indices that are not integers.

    Example:
        >>> plait.sparse_coo_tensor([[0, 1], [2, 0]], [3.0, 4.0], (2, 3)).to_dense()
        tensor([[0., 0., 3.],
                [4., 0., 0.]])
    """
    _core._check_device("sparse_coo_tensor", device)
    if values is None:
        shape = [int(s) for s in (indices if size is None else size)]
        empty = _core.zeros(0, dtype=dtype)
        return coo(_core.zeros(len(shape), 0, dtype=_core.int64), empty, shape, True).requires_grad_(requires_grad)
    at = _as_indices("sparse_coo_tensor", indices)
    v = _as_values(values, dtype)
    if at.dim() == 1 and at.shape[0] == 0:
        at = at.reshape(0 if size is None else len(size), 0)
    if v.dim() == 0:
        v = v.expand(at.shape[1:2])
    if at.dim() != 2 or v.dim() < 1 or v.shape[0] != at.shape[1]:
        raise ArgumentError(
            "sparse_coo_tensor: expected indices (dimensions, entries) and values (entries, ...), got shapes "
            f"{tuple(at.shape)} and {tuple(v.shape)}"
        )
    if size is None:
        if at.shape[1] == 0 and at.shape[0] > 0:
            raise ArgumentError("sparse_coo_tensor: expected a size where there are no entries")
        size = [*(at.max(1).values + 1).tolist(), *v.shape[1:]] if at.shape[0] else list(v.shape[1:])
    shape = [int(s) for s in size]
    if len(shape) != at.shape[0] + v.dim() - 1 or shape[at.shape[0] :] != list(v.shape[1:]):
        raise ArgumentError(
            f"sparse_coo_tensor: expected a size of {at.shape[0]} sparse dimensions and {tuple(v.shape[1:])}, "
            f"got {tuple(shape)}"
        )
    for d, row in enumerate(at):
        if row.numel() and (int(row.min()) < 0 or int(row.max()) >= shape[d]):
            raise ArgumentError(
                f"sparse_coo_tensor: expected indices of dimension {d} from 0 to {shape[d] - 1}, "
                f"got {int(row.min())} to {int(row.max())}"
            )
    t = coo(at, v, shape, bool(is_coalesced))
    return t.detach().requires_grad_() if requires_grad else t


def sparse_csr_tensor(
    crow_indices: Any,
    col_indices: Any,
    values: Any,
    size: Any = None,
    *,
    dtype: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
    check_invariants: bool | None = None,
) -> Tensor:
    """A sparse matrix by rows: row r has ``values[e]`` in column ``col_indices[e]`` for the e of that row.

    Args:
        crow_indices: (rows + 1): row r has the entries from ``crow_indices[r]`` up to ``crow_indices[r + 1]``.
        col_indices: (entries), integers.
        values: (entries).
        size: (rows, columns). Default: the smallest.
        dtype: of the values. Default: theirs.
        device: accepted; there is one device, the CPU.
        pin_memory: accepted and ignored.
        requires_grad: whether gradients of the values are wanted. Default: ``False``.
        check_invariants: accepted; indices are always checked.

    Raises:
        ValueError: indices that do not fit each other or ``size``.
        TypeError: indices that are not integers.

    Example:
        >>> plait.sparse_csr_tensor([0, 1, 2], [2, 0], [3.0, 4.0], (2, 3)).to_dense()
        tensor([[0., 0., 3.],
                [4., 0., 0.]])
    """
    _core._check_device("sparse_csr_tensor", device)
    begin, columns = (_as_indices("sparse_csr_tensor", i) for i in (crow_indices, col_indices))
    v = _as_values(values, dtype)
    if begin.dim() != 1 or columns.dim() != 1 or v.shape != columns.shape or begin.numel() == 0:
        raise ArgumentError(
            "sparse_csr_tensor: expected 1-D indices and as many values as column indices, got shapes "
            f"{tuple(begin.shape)}, {tuple(columns.shape)} and {tuple(v.shape)}"
        )
    if size is None:
        size = (begin.shape[0] - 1, int(columns.max()) + 1 if columns.numel() else 0)
    shape = [int(s) for s in size]
    rises = bool((begin[1:] >= begin[:-1]).all()) and int(begin[0]) == 0 and int(begin[-1]) == columns.shape[0]
    inside = columns.numel() == 0 or (int(columns.min()) >= 0 and int(columns.max()) < shape[-1])
    if len(shape) != 2 or shape[0] != begin.shape[0] - 1 or not rises or not inside:
        raise ArgumentError(
            f"sparse_csr_tensor: expected crow_indices of {shape[0] + 1} numbers that rise from 0 to the number of "
            f"entries, and column indices inside the size {tuple(shape)}"
        )
    t = csr(begin, columns, v, shape)
    return t.detach().requires_grad_() if requires_grad else t


def _as_indices(op: str, indices: Any) -> Tensor:
    t = _core.as_tensor(indices)
    if t.numel() and (t.is_floating_point() or t.dtype == _core.bool):
        raise ArgumentTypeError(f"{op}: expected integer indices, got {t.dtype}")
    return t.to(_core.int64).contiguous()


def _as_values(values: Any, dtype: Any) -> Tensor:
    t = values if isinstance(values, Tensor) else _core.tensor(values)
    return t if dtype is None else t.to(dtype)


def to_coo(t: Tensor, sparse_dim: int | None = None) -> SparseTensor:
    """A tensor of any layout in COO; the entries of a dense one are those that are not 0."""
    if isinstance(t, SparseTensor):
        if t._layout() == "coo":
            return t
        return coo(_core.stack([_entry_rows(t.crow_indices()), t.col_indices()]), t._values(), t.shape, True)
    count = t.dim() if sparse_dim is None else sparse_dim
    with no_grad():
        kept = t != 0
        if count < t.dim():
            kept = kept.flatten(count).any(-1)
        at = kept.nonzero().t().contiguous()
    return coo(at, t[tuple(at)] if count else t[None], t.shape, True)


def to_csr(t: Tensor) -> SparseTensor:
    """A matrix of any layout in CSR."""
    if isinstance(t, SparseTensor) and t._layout() == "csr":
        return t
    if t.dim() != 2:
        raise ArgumentError(f"to_sparse_csr: expected a matrix, got shape {tuple(t.shape)}")
    s = to_coo(t).coalesce()
    rows, columns = s._indices()
    return csr(_begin(rows, s.shape[0]), columns.contiguous(), s._values(), s.shape)


# ---- Calls ----------------------------------------------------------------------------------------------

_HANDLERS: dict[str, Callable[..., Any]] = {}


def call(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """``func(*args, **kwargs)`` where an argument is a sparse tensor."""
    name = getattr(func, "__name__", str(func))
    handler = _HANDLERS.get(name)
    if handler is None:
        raise NotImplementedError(f"{name}: not implemented for sparse tensors\nhint: use to_dense()")
    return handler(*args, **kwargs)


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
    return to_csr(result) if t._layout() == "csr" else result


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
        return _replace(input, _add(input, other, alpha=alpha))
    _check_shapes("add_", input, other)
    t = to_coo(other)
    if input.is_contiguous():
        sparse = t.sparse_dim()
        values = t._values() if alpha == 1 else t._values() * alpha
        input.view(-1, *input.shape[sparse:]).index_add_(0, _flat(t._indices(), t.shape[:sparse]), values)
        return input
    return input.add_(t.to_dense(), alpha=alpha)


@_handles("sub_", "subtract_")
def _sub_(input: Any, other: Any, *, alpha: Any = 1) -> Any:
    return _add_(input, other, alpha=-alpha)


def _replace(t: SparseTensor, by: SparseTensor) -> SparseTensor:
    _core._set_sparse_parts(t, by)
    t.__dict__.pop("_order", None)
    return t


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
    sizes = a.shape[: a.sparse_dim()]
    x, y = _flat(a._indices(), sizes), _flat(b._indices(), sizes)
    place = _core.searchsorted(y, x).clamp(max=max(y.shape[0] - 1, 0))
    common = (y[place] == x) if y.shape[0] else _core.zeros_like(x, dtype=_core.bool)
    values = a._values()[common] * b._values()[place[common]]
    return _like(input, coo(a._indices()[:, common], values, a.shape, True))


@_handles("div", "true_divide", "divide")
def _div(input: Any, other: Any, *, rounding_mode: str | None = None) -> Any:
    if not _is_sparse(input) or not _as_number(other):
        raise ArgumentTypeError("div: expected a sparse tensor divided by a number\nhint: use to_dense()")
    values = input._values()
    return input._with(values.div(other) if rounding_mode is None else values.div(other, rounding_mode=rounding_mode))


@_handles("mul_", "multiply_")
def _mul_(input: Any, other: Any) -> Any:
    if not _as_number(other):
        return _replace(input, _mul(input, other))
    input._values().mul_(other)
    return input


@_handles("div_")
def _div_(input: Any, other: Any) -> Any:
    input._values().div_(other)
    return input


@_handles("clone")
def _clone(input: Any, *, memory_format: Any = None) -> Any:
    layout, indices, columns, values, coalesced = _core._sparse_parts(input)
    columns = None if columns is None else columns.clone()
    return _core._make_sparse(layout, indices.clone(), columns, values.clone(), list(input.shape), coalesced)


# Functions that are 0 at 0 act on the values; those that are not linear, on the sums of equal entries.
def _define_pointwise(name: str, linear: bool) -> None:
    def apply(input: Any, *args: Any, **kwargs: Any) -> Any:
        t = input if linear or input._layout() == "csr" else input.coalesce()
        return t._with(getattr(t._values(), name)(*args, **kwargs))

    _HANDLERS[name] = apply


for _name in ("neg", "negative", "positive", "to", "float", "double", "half", "bfloat16", "type", "cpu", "contiguous"):
    _define_pointwise(_name, True)
for _name in (
    *("abs", "absolute", "asin", "asinh", "atan", "atanh", "ceil", "erf", "erfinv", "expm1", "floor", "frac", "log1p"),
    *("nan_to_num", "pow", "relu", "round", "sgn", "sign", "sin", "sinh", "sqrt", "square", "tan", "tanh", "trunc"),
    *("deg2rad", "rad2deg", "int", "long", "short", "bool"),
):
    _define_pointwise(_name, False)


# ---- Products ----


@_handles("matmul", "mm", "mv", "spmm", "smm", "__matmul__")
def _mm(input: Any, mat2: Any = None, other: Any = None, vec: Any = None) -> Any:
    b = mat2 if mat2 is not None else other if other is not None else vec
    if input.dim() != 2 or b.dim() not in (1, 2) or input.shape[1] != b.shape[0]:
        raise ArgumentError(
            f"mm: expected matrices (n, k) and (k, m), got shapes {tuple(input.shape)} and {tuple(b.shape)}"
        )
    if _is_sparse(input) and _is_sparse(b):
        return _sparse_times_sparse(input, b)
    if not _is_sparse(input):
        return _mm(_transpose(b, 0, 1), input.t()).t()
    begin, columns, values = input._rows()
    dense = b if b.dim() == 2 else b.unsqueeze(1)
    y = _core._ops._csr_mm(values, dense, begin, columns)
    return y if b.dim() == 2 else y.squeeze(1)


def _sparse_times_sparse(a: Any, b: Any) -> Any:
    """Each entry of ``a`` times the entries of one row of ``b``."""
    begin, columns, values = a._rows()
    other_begin, other_columns, other_values = b._rows()
    counts = (other_begin[1:] - other_begin[:-1])[columns]
    entry = _core.arange(columns.shape[0]).repeat_interleave(counts)
    within = _core.arange(entry.shape[0]) - (counts.cumsum(0) - counts)[entry]
    place = other_begin[columns[entry]] + within
    at = _core.stack([_entry_rows(begin)[entry], other_columns[place]])
    product = coo(at, values[entry] * other_values[place], (a.shape[0], b.shape[1])).coalesce()
    return _like(a, product)


@_handles("addmm", "sspaddmm")
def _addmm(input: Any, mat1: Any, mat2: Any, *, beta: Any = 1, alpha: Any = 1) -> Any:
    product = _mm(mat1, mat2)
    first = input if beta == 1 else input * beta
    if _is_sparse(first) and not _is_sparse(product):
        first = first.to_dense()
    return first + (product if alpha == 1 else product * alpha)


# ---- Shapes and reductions ----


@_handles("transpose", "swapaxes", "swapdims")
def _transpose(input: Any, dim0: int, dim1: int) -> Any:
    t = to_coo(input)
    n = t.dim()
    if not (-n <= dim0 < n and -n <= dim1 < n):
        raise _core.ArgumentIndexError(f"transpose: expected dimensions from {-n} to {n - 1}, got {dim0} and {dim1}")
    a, b = dim0 % n, dim1 % n
    if max(a, b) >= t.sparse_dim():
        raise ArgumentError("transpose: expected two sparse dimensions\nhint: use to_dense()")
    order = list(range(n))
    order[a], order[b] = b, a
    indices = t._indices()[order[: t.sparse_dim()]]
    result = coo(indices, t._values(), [t.shape[d] for d in order], a == b and t.is_coalesced())
    return _like(input, result)


@_handles("t")
def _t(input: Any) -> Any:
    return _transpose(input, 0, 1)


@_handles("sum")
def _sum(input: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    values = input._values() if dtype is None else input._values().to(dtype)
    if dim is None:
        return values.sum()
    t = to_coo(input)
    sparse, n = t.sparse_dim(), t.dim()
    dims = {d % n for d in ([dim] if isinstance(dim, int) else dim)}
    dense = [d - sparse + 1 for d in dims if d >= sparse]
    if dense:
        values = values.sum(dense)
    kept = [d for d in range(sparse) if d not in dims]
    shape = [s for d, s in enumerate(t.shape) if d not in dims]
    if not kept:
        return values.sum(0)
    return coo(t._indices()[kept], values, shape).coalesce()


def _softmax(input: Any, dim: int, log: bool, dtype: Any) -> Any:
    """Over the entries along a dimension; what is no entry counts as -inf."""
    t = to_coo(input).coalesce()
    values = t._values() if dtype is None else t._values().to(dtype)
    dim %= t.dim()
    if dim >= t.sparse_dim():
        place = dim - t.sparse_dim() + 1
        return t._with(values.log_softmax(place) if log else values.softmax(place))
    others = [d for d in range(t.sparse_dim()) if d != dim]
    lines = _flat(t._indices()[others], [t.shape[d] for d in others])
    names, group = lines.unique(return_inverse=True)
    count = (names.shape[0], *values.shape[1:])
    index = group.reshape(-1, *[1] * (values.dim() - 1)).expand(values.shape)
    with no_grad():
        largest = _core.full(count, float("-inf"), dtype=values.dtype).scatter_reduce(0, index, values, "amax")
    shifted = values - largest[group]
    exponentials = shifted.exp()
    total = _core.zeros(count, dtype=values.dtype).index_add(0, group, exponentials)
    return t._with(shifted - total.log()[group] if log else exponentials / total[group])


@_handles("softmax")
def _softmax_call(input: Any, dim: int, dtype: Any = None, **_: Any) -> Any:
    return _softmax(input, dim, False, dtype)


@_handles("log_softmax")
def _log_softmax_call(input: Any, dim: int, dtype: Any = None, **_: Any) -> Any:
    return _softmax(input, dim, True, dtype)


@_handles("norm")
def _norm(input: Any, p: Any = 2, *args: Any, **kwargs: Any) -> Any:
    return to_coo(input).coalesce()._values().norm(p)


@_handles("cat", "concat", "concatenate")
def _cat(tensors: Any, dim: int = 0) -> Any:
    parts = [to_coo(t) for t in tensors]
    dim %= parts[0].dim()
    if dim >= parts[0].sparse_dim():
        raise ArgumentError("cat: expected a sparse dimension\nhint: use to_dense()")
    indices, offset = [], 0
    for t in parts:
        at = t._indices().clone()
        at[dim] += offset
        offset += t.shape[dim]
        indices.append(at)
    shape = list(parts[0].shape)
    shape[dim] = offset
    return coo(_core.cat(indices, 1), _core.cat([t._values() for t in parts]), shape)


@_handles("index_select")
def _index_select(input: Any, dim: int, index: Tensor) -> Any:
    t = to_coo(input)
    dim %= t.dim()
    if dim >= t.sparse_dim():
        return t._with(t._values().index_select(dim - t.sparse_dim() + 1, index))
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
