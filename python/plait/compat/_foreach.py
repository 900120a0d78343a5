# SPDX-License-Identifier: MIT
"""``torch._foreach_*``: one op over lists of tensors, as optimizers outside of plait call it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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


def _at(operand: Any, i: int) -> Any:
    """What stands beside tensor ``i``: an element of a list, or the operand that all share."""
    if isinstance(operand, list | tuple):
        return operand[i]
    if isinstance(operand, Tensor) and operand.dim() == 1:
        return operand[i].item()  # one scalar for each tensor
    return operand


def _over(name: str, in_place: bool) -> Callable[..., Any]:
    def foreach(tensors: Sequence[Tensor], *operands: Any, **keywords: Any) -> Any:
        _check_lengths(name, tensors, operands)
        results = []
        for i, tensor in enumerate(tensors):
            method = getattr(tensor, name + "_" if in_place else name)
            results.append(_call(name, method, [_at(o, i) for o in operands], keywords))
        return None if in_place else results

    foreach.__name__ = f"_foreach_{name}{'_' if in_place else ''}"
    foreach.__doc__ = f"``{name}`` of each tensor{', in place' if in_place else ''}."
    return foreach


def _call(name: str, method: Callable[..., Any], operands: list[Any], keywords: dict[str, Any]) -> Any:
    if name in ("addcmul", "addcdiv") and len(operands) == 3:  # the factor may stand without its name
        return method(*operands[:2], value=operands[2])
    if name == "lerp" and "scalars" in keywords:
        return method(*operands, keywords["scalars"])
    return method(*operands, **keywords)


def _check_lengths(name: str, tensors: Sequence[Tensor], operands: Sequence[Any]) -> None:
    for operand in operands:
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
