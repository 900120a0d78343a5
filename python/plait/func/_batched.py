# SPDX-License-Identifier: MIT
"""Tensors with a hidden batch dimension: what :func:`vmap` gives the function that it maps.

A :class:`BatchedTensor` shows the shape of one example and holds the values of all, with the batch in front. An op on
it goes through ``__torch_function__`` to the op's batching rule, which calls ops on the values; without a rule the op
runs on one example after the other. Values may be batched again, by the vmap outside: each level takes off its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from .. import _core
from .._core import ArgumentError, Tensor

__all__ = ["BatchedTensor", "Level", "active_levels", "batch", "dispatch", "lift", "new_level", "plain", "value_at"]


class Level:
    """One vmap that is running: its depth, the number of examples, what random ops do."""

    def __init__(self, depth: int, size: int, randomness: str) -> None:
        self.depth, self.size, self.randomness = depth, size, randomness


_active: list[Level] = []


def active_levels() -> list[Level]:
    """The vmaps that are running, the outermost first."""
    return _active


@contextmanager
def new_level(size: int, randomness: str) -> Iterator[Level]:
    """A vmap over ``size`` examples runs."""
    level = Level(len(_active) + 1, size, randomness)
    _active.append(level)
    try:
        yield level
    finally:
        _active.pop()


def _refuses(what: str) -> Callable[..., Any]:
    def method(self: Tensor, *args: Any, **kwargs: Any) -> Any:
        raise RuntimeError(
            f"vmap: {what} of a tensor that stands for a batch of examples has no single value\n"
            "hint: write it with tensor ops, such as where() in place of an if"
        )

    return method


class BatchedTensor(Tensor):
    """One example's view of a batch; see the module."""

    _value: Tensor
    _level: Level
    _shape: _core.Size

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return dispatch(func, args, kwargs or {})

    # What asks for memory or for one value cannot be answered.
    for _name, _what in {
        "item": "item()",
        "tolist": "tolist()",
        "numpy": "numpy()",
        "__array__": "an array",
        "__bool__": "the truth",
        "__float__": "float()",
        "__int__": "int()",
        "__index__": "the use as an index",
        "__complex__": "complex()",
        "data_ptr": "data_ptr()",
        "__dlpack__": "__dlpack__()",
        "backward": "backward()",
    }.items():
        locals()[_name] = _refuses(_what)
    del _name, _what

    # Questions about an example, answered without a call to the core.

    @property
    def shape(self) -> _core.Size:
        return self._shape

    @property
    def dtype(self) -> _core.dtype:
        return self._value.dtype

    @property
    def ndim(self) -> int:
        return len(self._shape)

    def dim(self) -> int:
        return len(self._shape)

    ndimension = dim

    def size(self, dim: int | None = None) -> Any:
        return self._shape if dim is None else self._shape[dim]

    def numel(self) -> int:
        return self._shape.numel()

    nelement = numel

    def is_floating_point(self) -> bool:
        return self._value.is_floating_point()

    def is_complex(self) -> bool:
        return self._value.is_complex()

    def __len__(self) -> int:
        return self._shape[0]

    __hash__ = object.__hash__

    @property
    def T(self) -> Tensor:
        return self.permute(tuple(range(self.dim() - 1, -1, -1)))

    @property
    def mT(self) -> Tensor:
        return self.transpose(-2, -1)

    @property
    def requires_grad(self) -> bool:
        return self._value.requires_grad

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        self._value.requires_grad = value

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        self._value.requires_grad_(requires_grad)
        return self

    @property
    def grad_fn(self) -> Any:
        return self._value.grad_fn

    @property
    def is_leaf(self) -> bool:
        return self._value.is_leaf

    @property
    def data(self) -> Tensor:
        return batch(self._value.data, self._level)

    def __getitem__(self, index: Any) -> Tensor:
        from ._rules import get_item

        return get_item(self, index)

    def __setitem__(self, index: Any, value: Any) -> None:
        from ._rules import set_item

        set_item(self, index, value)

    def __iter__(self) -> Iterator[Tensor]:
        return iter(self.unbind(0))

    def __repr__(self, *, tensor_contents: str | None = None) -> str:
        return f"BatchedTensor(level={self._level.depth}, batch={self._level.size}, value={self._value!r})"

    def __deepcopy__(self, memo: Any) -> Tensor:
        return batch(self._value.detach().clone(), self._level)

    def to(self, *args: Any, **kwargs: Any) -> Tensor:
        return batch(self._value.to(*args, **kwargs), self._level)


def batch(value: Tensor, level: Level) -> Tensor:
    """The tensor whose examples are the entries of the first dimension of ``value``."""
    # One element in memory, repeated: the shape and dtype of an example without its values.
    shown = _core.zeros((), dtype=value.dtype).expand(tuple(value.shape)[1:])
    shape = shown.shape
    tensor = _core._make_subclass(BatchedTensor, shown)
    tensor._value, tensor._level, tensor._shape = value, level, shape
    return tensor


def value_at(x: Any, level: Level) -> Any:
    """The values behind a tensor that is batched at this level, else None."""
    return x._value if isinstance(x, BatchedTensor) and x._level is level else None


def lift(x: Tensor, levels: list[Level] | None = None) -> Tensor:
    """``x`` as a tensor that is batched at all these levels: repeated, without a copy, where it is not."""
    levels = active_levels() if levels is None else levels
    if not levels:
        return x
    value = value_at(x, levels[-1])
    if value is None:
        value = x.unsqueeze(0).expand(levels[-1].size, *x.shape)
    return batch(lift(value, levels[:-1]), levels[-1])


def plain(x: Tensor) -> Tensor:
    """The tensor without all batch levels: their dimensions are in front."""
    while isinstance(x, BatchedTensor):
        x = x._value
    return x


def _top_level(values: Any) -> Level | None:
    """The innermost vmap that one of the arguments belongs to."""
    top = None
    for v in values:
        if isinstance(v, BatchedTensor):
            found: Level | None = v._level
        elif isinstance(v, list | tuple):
            found = _top_level(v)
        elif isinstance(v, dict):
            found = _top_level(v.values())
        else:
            continue
        if found is not None and (top is None or found.depth > top.depth):
            top = found
    return top


def rewrap(result: Any, level: Level) -> Any:
    """Results of a rule as tensors that are batched at this level."""
    if isinstance(result, Tensor):
        return batch(result, level)
    if isinstance(result, list | tuple):
        items = [rewrap(r, level) for r in result]
        return tuple(items) if type(result) in (list, tuple) else type(result)(items)
    return result


# What an example answers like its batch.
_QUESTIONS = {
    "stride", "is_contiguous", "is_signed", "element_size", "storage_offset", "get_device", "is_inference", "is_conj",
    "is_neg", "is_pinned", "is_shared", "is_same_size", "is_tensor",
}  # fmt: skip


# The ops behind operators, and whether the operands are the other way round.
_OPERATORS = {
    "__eq__": ("eq", False),
    "__invert__": ("bitwise_not", False),
    "__floordiv__": ("floor_divide", False),
    "__rsub__": ("sub", True),
    "__rtruediv__": ("div", True),
    "__rfloordiv__": ("floor_divide", True),
    "__rmod__": ("remainder", True),
    "__rpow__": ("pow", True),
    "__rmatmul__": ("matmul", True),
    **{
        f"__{prefix}{name}__": (f"bitwise_{op}{suffix}", False)
        for name, op in (
            ("and", "and"),
            ("or", "or"),
            ("xor", "xor"),
            ("lshift", "left_shift"),
            ("rshift", "right_shift"),
        )
        for prefix, suffix in (("", ""), ("i", "_"))
    },
    "__rlshift__": ("bitwise_left_shift", True),
    "__rrshift__": ("bitwise_right_shift", True),
}


def dispatch(func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    """Run an op at the innermost level of its arguments."""
    from ._rules import find_rule

    if (operator := _OPERATORS.get(getattr(func, "__name__", ""))) is not None:
        name, turned = operator
        func, args = getattr(Tensor, name), args[::-1] if turned else args

    level = _top_level((args, kwargs))
    assert level is not None
    name = getattr(func, "__name__", "")
    if name in ("__get__", "__set__"):
        owner = func.__self__
        if isinstance(owner, property):  # written in ops
            return (owner.fget if name == "__get__" else owner.fset)(*args, **kwargs)
        return Tensor.__torch_function__(func, (), args, kwargs)  # of the example itself
    if name in _QUESTIONS:
        return Tensor.__torch_function__(func, (), args, kwargs)
    if hasattr(func, "__wrapped__"):  # a function in Python: the ops in it are dispatched
        return func.__wrapped__(*args, **kwargs)
    if kwargs.get("out") is not None:
        raise ArgumentError(f"vmap: {name} with out= is not possible; use its result")
    rule = find_rule(name)
    result = rule(func, level, args, kwargs)
    return result if result is args[0] else rewrap(result, level)


def example(x: Any, level: Level, i: int) -> Any:
    """An argument as example number ``i`` has it."""
    value = value_at(x, level)
    if value is not None:
        return value.select(0, i)
    if isinstance(x, list | tuple) and not hasattr(x, "n_fields"):
        return type(x)(example(v, level, i) for v in x) if type(x) in (list, tuple) else x
    return x


def stacked(name: str, results: list[Any]) -> Any:
    """The results of all examples as one with the batch in front."""
    first = results[0]
    if isinstance(first, Tensor):
        if any(r.shape != first.shape for r in results):
            raise RuntimeError(
                f"vmap: {name} gives results of different shapes for different examples, such as {tuple(first.shape)} "
                f"and {tuple(next(r.shape for r in results if r.shape != first.shape))}"
            )
        return _core.stack(results)
    if isinstance(first, list | tuple):
        items = [stacked(name, list(r)) for r in zip(*results)]
        return tuple(items) if type(first) in (list, tuple) else type(first)(items)
    if any(r != first for r in results):
        raise RuntimeError(f"vmap: {name} gives different results for different examples, which are no tensors")
    return first


def one_by_one(func: Any, level: Level, args: Any, kwargs: dict[str, Any]) -> Any:
    """The rule of an op that has none: one example after the other."""
    if level.size == 0:
        raise RuntimeError(f"vmap: {func.__name__} has no batching rule and there is no example to run it on")
    return stacked(
        func.__name__,
        [
            func(
                *(example(a, level, i) for a in args),
                **{k: example(v, level, i) for k, v in kwargs.items()},
            )
            for i in range(level.size)
        ],
    )
