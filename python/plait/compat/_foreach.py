# SPDX-License-Identifier: MIT
"""``torch._foreach_*``: one op over lists of tensors, as optimizers outside of plait call it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import repeat
from typing import Any

from .._core import Tensor

__all__: list[str] = []

_UNARY = (
    *("abs", "acos", "asin", "atan", "ceil", "cos", "cosh", "erf", "erfc", "exp", "expm1", "floor", "frac", "lgamma"),
    *("log", "log10", "log1p", "log2", "neg", "reciprocal", "round", "rsqrt", "sigmoid", "sign", "sin", "sinh"),
    *("sqrt", "tan", "tanh", "trunc"),
)
_BINARY = ("add", "sub", "mul", "div", "pow", "maximum", "minimum", "clamp_max", "clamp_min")
_TERNARY = ("addcmul", "addcdiv", "lerp")
_METHODS = {"maximum": "clamp_min", "minimum": "clamp_max"}  # which take numbers too, and work in place


def _column(operand: Any) -> Iterable[Any]:
    """What stands beside each tensor: the elements of a list, or the operand that all share."""
    if isinstance(operand, list | tuple):
        return operand
    if isinstance(operand, Tensor) and operand.dim() == 1:
        return operand.tolist()  # one scalar for each tensor
    return repeat(operand)


def _method(name: str, in_place: bool) -> Callable[..., Any]:
    method = getattr(Tensor, _METHODS.get(name, name) + ("_" if in_place else ""))
    if name in ("addcmul", "addcdiv"):  # the factor may stand without its name
        return lambda tensor, first, second, value=1: method(tensor, first, second, value=value)
    return method


def _over(name: str, in_place: bool) -> Callable[..., Any]:
    method = _method(name, in_place)

    def foreach(tensors: Sequence[Tensor], *operands: Any, **keywords: Any) -> Any:
        _check_lengths(name, tensors, operands)
        if name == "lerp" and "scalars" in keywords:
            operands = (*operands, keywords.pop("scalars"))
        call = partial(method, **keywords) if keywords else method
        results = map(call, tensors, *map(_column, operands))
        if not in_place:
            return list(results)
        deque(results, 0)
        return None

    foreach.__name__ = f"_foreach_{name}{'_' if in_place else ''}"
    foreach.__doc__ = f"``{name}`` of each tensor{', in place' if in_place else ''}."
    return foreach


def _check_lengths(name: str, tensors: Sequence[Tensor], operands: Sequence[Any]) -> None:
    for operand in map(_column, operands):
        if isinstance(operand, list | tuple) and len(operand) != len(tensors):
            raise RuntimeError(
                f"_foreach_{name}: expected lists of one length, got {len(tensors)} tensors and {len(operand)} operands"
            )


for _name in _UNARY + _BINARY + _TERNARY:
    for _in_place in (False, True):
        _function = _over(_name, _in_place)
        globals()[_function.__name__] = _function
        __all__.append(_function.__name__)


def _foreach_zero_(tensors: Sequence[Tensor]) -> None:
    """Fill each tensor with 0."""
    for tensor in tensors:
        tensor.zero_()


def _foreach_copy_(tensors: Sequence[Tensor], sources: Sequence[Tensor], non_blocking: bool = False) -> None:
    """Copy each source into its tensor."""
    _check_lengths("copy_", tensors, [list(sources)])
    for tensor, source in zip(tensors, sources):
        tensor.copy_(source)


def _foreach_norm(tensors: Sequence[Tensor], ord: float = 2, dtype: Any = None) -> list[Tensor]:
    """The vector norm of each tensor."""
    from ..linalg import vector_norm

    return [vector_norm(tensor, ord, dtype=dtype) for tensor in tensors]


def _foreach_max(tensors: Sequence[Tensor]) -> list[Tensor]:
    """The largest element of each tensor."""
    return [tensor.max() for tensor in tensors]


__all__ += ["_foreach_copy_", "_foreach_max", "_foreach_norm", "_foreach_zero_"]
