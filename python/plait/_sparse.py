# SPDX-License-Identifier: MIT
"""Sparse tensors: indices and values, both ordinary tensors, under the names of a tensor.

A sparse tensor is an object of :class:`SparseTensor`. The core keeps its parts with it, so that gradients can be
sparse, and hands every call that is given one to :func:`plait._sparse_ops.call` (``cpp/bindings/overrides.h``). What is
known there and here is composed of ops on the parts: gradients reach the values through them. All else raises.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

from . import _core, _tensor_str
from ._core import ArgumentError, ArgumentTypeError, Tensor
from ._layouts import sparse_coo, sparse_csr
from .autograd.grad_mode import no_grad

__all__ = [
    "SparseTensor",
    "check_sparse_tensor_invariants",
    "coo",
    "csr",
    "entry_rows",
    "flat",
    "layout_of",
    "sparse_coo_tensor",
    "sparse_csr_tensor",
    "to_coo",
    "to_csr",
]


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

    def _coalesced_(self, coalesced: bool) -> SparseTensor:
        """Say of the entries that they are in order and differ, or that they may not."""
        self._check("_coalesced_", "coo")
        self._replace(coo(self._indices(), self._values(), self.shape, coalesced))
        return self

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

    def ccol_indices(self) -> Tensor:
        """Not for the layouts that there are."""
        self._check("ccol_indices", "csc")
        raise AssertionError

    def row_indices(self) -> Tensor:
        """Not for the layouts that there are."""
        self._check("row_indices", "csc")
        raise AssertionError

    def _nnz(self) -> int:
        return self._values().shape[self.crow_indices().dim() - 1 if self._layout() == "csr" else 0]

    def sparse_dim(self) -> int:
        """How many dimensions the indices name."""
        return 2 if self._layout() == "csr" else self._indices().shape[0]

    def dense_dim(self) -> int:
        """How many dimensions an entry has."""
        return self._values().dim() - (self.crow_indices().dim() if self._layout() == "csr" else 1)

    def is_coalesced(self) -> bool:
        """Whether the entries are in order and none occurs twice."""
        self._check("is_coalesced", "coo")
        return _core._sparse_parts(self)[4]

    is_sparse = property(lambda self: self._layout() == "coo", doc="Whether the layout is COO.")
    is_sparse_csr = property(lambda self: self._layout() == "csr", doc="Whether the layout is CSR.")
    layout = property(
        lambda self: sparse_csr if self._layout() == "csr" else sparse_coo, doc="``sparse_coo`` or ``sparse_csr``."
    )

    # ---- Other forms ----

    def coalesce(self) -> SparseTensor:
        """The entries in order, those of the same place added up."""
        self._check("coalesce", "coo")
        if self.is_coalesced():
            return self
        indices, sizes = self._indices(), self.shape[: self.sparse_dim()]
        place, group = flat(indices, sizes).unique(return_inverse=True)
        start = _core.zeros(place.shape[0], *self._values().shape[1:], dtype=self.dtype)
        values = start.index_add(0, group, self._values())
        rows = []
        for size in reversed(sizes):
            rows.append(place % size)
            place = place.div(size, rounding_mode="floor")
        unique = _core.stack(rows[::-1]) if rows else indices[:, : place.shape[0]]
        return coo(unique, values, self.shape, True)

    def to_dense(self, dtype: Any = None, *, masked_grad: bool | None = None) -> Tensor:
        """The tensor with all its elements. Gradients are those of the entries."""
        if masked_grad is False and self.requires_grad:
            raise NotImplementedError("to_dense: expected masked_grad=True: gradients are those of the entries")
        t = to_coo(self)
        sparse = t.sparse_dim()
        sizes = t.shape[:sparse]
        count = 1
        for s in sizes:
            count *= s
        whole = _core.zeros(count, *t.shape[sparse:], dtype=t.dtype)
        whole = whole.index_add(0, flat(t._indices(), sizes), t._values()).reshape(t.shape)
        return whole if dtype is None else whole.to(dtype)

    def to_sparse(self, sparse_dim: int | None = None, *, layout: Any = None, **_: Any) -> SparseTensor:
        """The tensor in COO, or in the given layout."""
        if sparse_dim not in (None, self.sparse_dim()):
            raise ArgumentError(f"to_sparse: expected sparse_dim {self.sparse_dim()}, got {sparse_dim}")
        return to_csr(self) if layout_of("to_sparse", layout) == "csr" else to_coo(self)

    def to_sparse_coo(self) -> SparseTensor:
        """The tensor in COO."""
        return to_coo(self)

    def to_sparse_csr(self, dense_dim: int | None = None) -> SparseTensor:
        """The matrix in CSR."""
        return to_csr(self)

    def _replace(self, by: Tensor) -> SparseTensor:
        """Become another sparse tensor."""
        if not isinstance(by, SparseTensor) or by._layout() != self._layout():
            raise ArgumentTypeError(f"expected a sparse result in {self._layout().upper()} to write in place")
        if by.dtype != self.dtype:
            raise ArgumentTypeError(f"expected a result of {self.dtype} to write in place, got {by.dtype}")
        _core._set_sparse_parts(self, by)
        self.__dict__.pop("_order", None)
        return self

    def _with(self, values: Tensor) -> SparseTensor:
        """Other values at the same places."""
        layout, indices, columns, _, coalesced = _core._sparse_parts(self)
        before = self.dim() - self.dense_dim()
        size = [*self.shape[:before], *values.shape[1 if columns is None else columns.dim() :]]
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
    T = property(lambda self: self.t())  # type: ignore[assignment]
    H = property(lambda self: self.t().conj())  # type: ignore[assignment]
    mT = property(lambda self: self.transpose(-2, -1))  # type: ignore[assignment]
    mH = property(lambda self: self.transpose(-2, -1).conj())  # type: ignore[assignment]
    real = property(lambda self: self._with(self._values().real))  # type: ignore[assignment]
    imag = property(lambda self: self._with(self._values().imag))  # type: ignore[assignment]

    def retain_grad(self) -> None:
        """Keep the gradient of the values."""
        self._values().retain_grad()

    def detach(self) -> SparseTensor:
        """The same entries outside the graph."""
        return self._with(self._values().detach())

    def detach_(self) -> SparseTensor:
        """Take the values out of the graph."""
        return self._replace(self.detach())

    def register_hook(self, hook: Callable[[Any], Any]) -> Any:  # type: ignore[override]
        """Call ``hook(gradient)`` with the gradient, sparse, whenever it is known; it may return another."""

        def on_values(gradient: Tensor) -> Tensor | None:
            other = hook(self._with(gradient))
            return None if other is None else other._values()

        return self._values().register_hook(on_values)

    def zero_(self) -> SparseTensor:
        """Drop all entries."""
        return self._replace(no_entries(self.shape, self.dtype, self._layout(), self.dense_dim()))

    def sparse_resize_(self, size: Sequence[int], sparse_dim: int, dense_dim: int) -> SparseTensor:
        """Other sizes, none smaller, for the same entries."""
        self._check("sparse_resize_", "coo")
        fits = (sparse_dim, dense_dim) == (self.sparse_dim(), self.dense_dim()) or self._nnz() == 0
        if not fits or (self._nnz() and any(a < b for a, b in zip(size, self.shape))):
            raise ArgumentError(
                f"sparse_resize_: expected {self.sparse_dim()} sparse and {self.dense_dim()} dense dimensions of sizes "
                f"from {tuple(self.shape)}, got {sparse_dim} and {dense_dim} of {tuple(size)}"
            )
        if self._nnz() == 0:
            return self.sparse_resize_and_clear_(size, sparse_dim, dense_dim)
        dense = tuple(size[sparse_dim:])
        if dense != tuple(self.shape[sparse_dim:]):
            raise ArgumentError(f"sparse_resize_: expected dense sizes {tuple(self.shape[sparse_dim:])}, got {dense}")
        return self._replace(coo(self._indices(), self._values(), size, self.is_coalesced()))

    def sparse_resize_and_clear_(self, size: Sequence[int], sparse_dim: int, dense_dim: int) -> SparseTensor:
        """Other sizes, and no entries."""
        self._check("sparse_resize_and_clear_", "coo")
        if sparse_dim + dense_dim != len(size):
            raise ArgumentError(f"sparse_resize_and_clear_: expected {sparse_dim + dense_dim} sizes, got {tuple(size)}")
        return self._replace(no_entries(size, self.dtype, "coo", dense_dim))

    def resize_as_sparse_(self, the_template: SparseTensor) -> SparseTensor:
        """The sizes of another sparse tensor for the same entries."""
        return self.sparse_resize_(the_template.shape, the_template.sparse_dim(), the_template.dense_dim())

    # ---- Python ----

    def __repr__(self, *, tensor_contents: str | None = None) -> str:
        return _tensor_str.sparse_str(self, *_core._sparse_parts(self)[:4])

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(repr(self), spec)

    def __reduce_ex__(self, protocol: Any) -> Any:
        layout, indices, columns, values, coalesced = _core._sparse_parts(self)
        state = (layout, indices, columns, values.detach(), list(self.shape), coalesced)
        attributes = {k: v for k, v in self.__dict__.items() if k != "_order"} or None
        return _rebuild, (*state, self.requires_grad and self.is_leaf, attributes)

    def __deepcopy__(self, memo: dict[int, Any]) -> SparseTensor:
        if id(self) not in memo:
            if not self.is_leaf:
                raise RuntimeError("deepcopy: only tensors that no op has made can be copied\nhint: use detach()")
            rebuild, state = self.__reduce_ex__(4)
            memo[id(self)] = rebuild(*copy.deepcopy(state, memo))
        return memo[id(self)]

    def __iter__(self) -> Any:
        return iter(self.unbind())

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        raise ArgumentTypeError("numpy: not implemented for sparse tensors\nhint: use to_dense().numpy()")

    def item(self) -> Any:
        """Not for sparse tensors."""
        raise ArgumentTypeError("item: not implemented for sparse tensors\nhint: use to_dense()")

    def data_ptr(self) -> int:
        """Not for sparse tensors."""
        raise ArgumentTypeError("data_ptr: not implemented for sparse tensors\nhint: look at values()")


def _rebuild(
    layout: str,
    indices: Tensor,
    columns: Any,
    values: Tensor,
    size: list[int],
    coalesced: bool,
    requires_grad: bool,
    attributes: dict[str, Any] | None = None,
) -> SparseTensor:
    t = _core._make_sparse(layout, indices, columns, values.requires_grad_(requires_grad), size, coalesced)
    t.__dict__.update(attributes or {})
    return t


# ---- Indices --------------------------------------------------------------------------------------------


def flat(indices: Tensor, sizes: Sequence[int]) -> Tensor:
    """Each entry's place in the flattened sparse dimensions."""
    place = _core.zeros(indices.shape[1], dtype=_core.int64)
    for row, size in zip(indices, sizes):
        place = place * size + row
    return place


def _begin(rows: Tensor, count: int) -> Tensor:
    """Where each of ``count`` rows begins when the entries are in order of their rows."""
    return _core.cat([_core.zeros(1, dtype=_core.int64), rows.bincount(minlength=count).cumsum(0)])


def entry_rows(begin: Tensor) -> Tensor:
    """The row of each entry."""
    return _core.arange(begin.shape[0] - 1).repeat_interleave(begin[1:] - begin[:-1])


# ---- Making them ----------------------------------------------------------------------------------------

_LAYOUTS = {None: "coo", "sparse_coo": "coo", "sparse_csr": "csr"}


def layout_of(op: str, layout: Any) -> str:
    """``"coo"`` or ``"csr"``; raises for a layout that there is not."""
    if layout not in _LAYOUTS:
        raise NotImplementedError(f"{op}: expected layout plait.sparse_coo or plait.sparse_csr, got {layout}")
    return _LAYOUTS[layout]


def no_entries(size: Sequence[int], dtype: Any, layout: str = "coo", dense_dim: int = 0) -> SparseTensor:
    """A sparse tensor of zeros."""
    shape = [int(s) for s in size]
    before = len(shape) - dense_dim
    if layout == "coo":
        values = _core.zeros(0, *shape[before:], dtype=dtype)
        return coo(_core.zeros(before, 0, dtype=_core.int64), values, shape, True)
    batch = shape[: before - 2]
    begin = _core.zeros(*batch, shape[before - 2] + 1, dtype=_core.int64)
    values = _core.zeros(*batch, 0, *shape[before:], dtype=dtype)
    return csr(begin, _core.zeros(*batch, 0, dtype=_core.int64), values, shape)


class check_sparse_tensor_invariants:
    """Whether constructors also check what costs more than a pass over the indices: order claimed by the caller.

    Use it as a context, or turn it on and off with :meth:`enable` and :meth:`disable`. Indices are always checked
    against the sizes.

    Args:
        enable: whether it is on within the context. Default: ``True``.

    Example:
        >>> with plait.sparse.check_sparse_tensor_invariants():
        ...     plait.sparse.check_sparse_tensor_invariants.is_enabled()
        True
    """

    _on = False

    def __init__(self, enable: bool = True) -> None:
        self._wanted = enable

    @staticmethod
    def is_enabled() -> bool:
        """Whether it is on."""
        return check_sparse_tensor_invariants._on

    @staticmethod
    def enable() -> None:
        """Turn it on."""
        check_sparse_tensor_invariants._on = True

    @staticmethod
    def disable() -> None:
        """Turn it off."""
        check_sparse_tensor_invariants._on = False

    def __enter__(self) -> check_sparse_tensor_invariants:
        self._before = check_sparse_tensor_invariants._on
        check_sparse_tensor_invariants._on = self._wanted
        return self

    def __exit__(self, *_: object) -> None:
        check_sparse_tensor_invariants._on = self._before


def _check_cpu(name: str, device: Any) -> None:
    if _core._check_device(name, device).type == "meta":
        raise NotImplementedError(f"{name}: sparse tensors are on the CPU alone, not on the device meta")


def sparse_coo_tensor(
    indices: Any = None,
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
        device: the CPU.
        pin_memory: accepted and ignored.
        requires_grad: whether gradients of the values are wanted. Default: ``False``.
        check_invariants: whether ``is_coalesced=True`` is checked; indices always are. Default: as
            :class:`plait.sparse.check_sparse_tensor_invariants` says.
        is_coalesced: whether the indices are in order and differ. Default: ``False``.

    Raises:
        ValueError: shapes that do not fit, an index outside ``size``.
        TypeError: indices that are not integers.

    Example:
        >>> plait.sparse_coo_tensor([[0, 1], [2, 0]], [3.0, 4.0], (2, 3)).to_dense()
        tensor([[0., 0., 3.],
                [4., 0., 0.]])
    """
    _check_cpu("sparse_coo_tensor", device)
    if values is None:
        shape = indices if size is None else size
        if shape is None:
            raise ArgumentTypeError("sparse_coo_tensor: expected indices and values, or a size, got neither")
        return no_entries(shape, dtype or _core.get_default_dtype()).requires_grad_(requires_grad)
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
    checked = check_sparse_tensor_invariants.is_enabled() if check_invariants is None else check_invariants
    if is_coalesced and checked:
        places = flat(at, shape[: at.shape[0]])
        if not bool((places[1:] > places[:-1]).all()):
            raise ArgumentError("sparse_coo_tensor: expected indices in order, none twice, with is_coalesced=True")
    t = coo(at, v, shape, bool(is_coalesced) or at.shape[1] < 2)
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
        crow_indices: (*, rows + 1): row r has the entries from ``crow_indices[r]`` up to ``crow_indices[r + 1]``.
            With more than one dimension, a batch of matrices with as many entries each.
        col_indices: (*, entries), integers.
        values: (*, entries, *sizes of dense dimensions).
        size: (*, rows, columns, *sizes of dense dimensions). Default: the smallest.
        dtype: of the values. Default: theirs.
        device: the CPU.
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
    _check_cpu("sparse_csr_tensor", device)
    begin, columns = (_as_indices("sparse_csr_tensor", i) for i in (crow_indices, col_indices))
    v = _as_values(values, dtype)
    batch, n = begin.shape[:-1], columns.dim()
    if begin.dim() == 0 or begin.shape[-1] == 0 or columns.shape[:-1] != batch or v.shape[:n] != columns.shape:
        raise ArgumentError(
            "sparse_csr_tensor: expected crow_indices (*, rows + 1), col_indices (*, entries) and values "
            f"(*, entries, ...), got shapes {tuple(begin.shape)}, {tuple(columns.shape)} and {tuple(v.shape)}"
        )
    if size is None:
        size = (*batch, begin.shape[-1] - 1, int(columns.max()) + 1 if columns.numel() else 0, *v.shape[n:])
    shape = [int(s) for s in size]
    if len(shape) != n + 1 + v.dim() - n or shape[: n - 1] != list(batch) or shape[n + 1 :] != list(v.shape[n:]):
        raise ArgumentError(
            f"sparse_csr_tensor: expected a size (*{tuple(batch)}, rows, columns, *{tuple(v.shape[n:])}), "
            f"got {tuple(shape)}"
        )
    rises = bool((begin[..., 1:] >= begin[..., :-1]).all()) and bool((begin[..., 0] == 0).all())
    rises = rises and bool((begin[..., -1] == columns.shape[-1]).all())
    inside = columns.numel() == 0 or (int(columns.min()) >= 0 and int(columns.max()) < shape[n])
    if shape[n - 1] != begin.shape[-1] - 1 or not rises or not inside:
        raise ArgumentError(
            f"sparse_csr_tensor: expected crow_indices of {shape[n - 1] + 1} numbers that rise from 0 to the number of "
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
        return t if t._layout() == "coo" else _csr_to_coo(t)
    count = t.dim() if sparse_dim is None else sparse_dim
    if not 0 <= count <= t.dim():
        raise ArgumentError(f"to_sparse: expected sparse_dim from 0 to {t.dim()}, got {sparse_dim}")
    with no_grad():
        kept = t != 0
        if count < t.dim():
            kept = kept.flatten(count).any(-1)
        at = kept.nonzero().t().contiguous()
    return coo(at, t[tuple(at)] if count else t[None], t.shape, True)


def _csr_to_coo(t: SparseTensor) -> SparseTensor:
    begin, columns, values = t.crow_indices(), t.col_indices(), t._values()
    batch = columns.shape[:-1]
    if not batch:
        return coo(_core.stack([entry_rows(begin), columns]), values, t.shape, True)
    rows = [entry_rows(b) for b in begin.reshape(-1, begin.shape[-1])]
    matrices = _core.arange(len(rows)).repeat_interleave(columns.shape[-1])
    places = []
    for size in reversed(batch):
        places.append(matrices % size)
        matrices = matrices.div(size, rounding_mode="floor")
    at = _core.stack([*places[::-1], _core.cat(rows), columns.reshape(-1)])
    return coo(at, values.reshape(-1, *values.shape[columns.dim() :]), t.shape, True)


def to_csr(t: Tensor, dense_dim: int | None = None) -> SparseTensor:
    """Matrices of any layout in CSR; those of a dense batch must have as many entries each."""
    if isinstance(t, SparseTensor):
        if t._layout() == "csr":
            return t
        if t.sparse_dim() != 2:
            raise ArgumentError(f"to_sparse_csr: expected two sparse dimensions, got {t.sparse_dim()}")
        s = t.coalesce()
        rows, columns = s._indices()
        return csr(_begin(rows, s.shape[0]), columns.contiguous(), s._values(), s.shape)
    before = t.dim() - (dense_dim or 0)
    if before < 2 or before > t.dim():
        raise ArgumentError(f"to_sparse_csr: expected a matrix, got shape {tuple(t.shape)} with dense_dim={dense_dim}")
    if before == 2:
        return to_csr(to_coo(t, 2))
    matrices = [to_csr(m, dense_dim) for m in t.flatten(0, before - 3)]
    if len({m._nnz() for m in matrices}) > 1:
        raise ArgumentError(
            "to_sparse_csr: expected as many entries in each matrix, got " + ", ".join(str(m._nnz()) for m in matrices)
        )
    parts = [_core.stack(p) for p in zip(*((m.crow_indices(), m.col_indices(), m._values()) for m in matrices))]
    batch = t.shape[: before - 2]
    begin, columns, values = (p.reshape(*batch, *p.shape[1:]) for p in parts)
    return csr(begin, columns, values, t.shape)
