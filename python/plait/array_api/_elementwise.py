# SPDX-License-Identifier: MIT
"""Functions of elements, and logic."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from .._core import ArgumentTypeError, Tensor
from ._package import plait

_UNARY = [
    "abs",
    "acos",
    "acosh",
    "asin",
    "asinh",
    "atan",
    "atanh",
    "bitwise_not",
    "cos",
    "cosh",
    "exp",
    "expm1",
    "isfinite",
    "isinf",
    "isnan",
    "log",
    "log1p",
    "log2",
    "log10",
    "logical_not",
    "negative",
    "positive",
    "reciprocal",
    "round",
    "sign",
    "signbit",
    "sin",
    "sinh",
    "square",
    "sqrt",
    "tan",
    "tanh",
]
_ROUNDING = ["ceil", "floor", "trunc"]
_BINARY = [
    "atan2",
    "bitwise_and",
    "bitwise_left_shift",
    "bitwise_or",
    "bitwise_right_shift",
    "bitwise_xor",
    "copysign",
    "divide",
    "greater",
    "greater_equal",
    "hypot",
    "less",
    "less_equal",
    "logaddexp",
    "logical_and",
    "logical_or",
    "logical_xor",
    "maximum",
    "minimum",
    "multiply",
    "nextafter",
    "not_equal",
    "pow",
    "remainder",
    "subtract",
]

__all__ = [
    "add",
    "bitwise_invert",
    "clip",
    "conj",
    "equal",
    "floor_divide",
    "imag",
    "real",
    *(n for n in _UNARY if n != "bitwise_not"),
    *_ROUNDING,
    *_BINARY,
]


def _check(name: str, x: Any) -> None:
    if not isinstance(x, Tensor):
        raise ArgumentTypeError(f"{name}: expected a Tensor, got {type(x).__name__}")


def _unary(name: str, f: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def call(x: Tensor, /) -> Tensor:
        _check(name, x)
        return f(x)

    return _named(call, name)


def _named(call: Callable[..., Any], name: str) -> Callable[..., Any]:
    call.__name__ = call.__qualname__ = name
    call.__doc__ = (
        f"See :`{name}` of the array API standard; :func:`plait.{name}` of tensors, or a tensor and a number."
    )
    return call


def _operands(name: str, x1: Any, x2: Any) -> tuple[Any, Any]:
    """Both as tensors of the dtypes that the standard gives them: a number takes that of the tensor."""
    if not isinstance(x1, Tensor) and not isinstance(x2, Tensor):
        raise ArgumentTypeError(
            f"{name}: expected at least one Tensor, got {type(x1).__name__} and {type(x2).__name__}"
        )
    if isinstance(x1, Tensor) and isinstance(x2, Tensor):
        # 0-d tensors take part in promotion like all others.
        if x1.dtype != x2.dtype and x1.dim() * x2.dim() == 0:
            common = plait.promote_types(x1.dtype, x2.dtype)
            return x1.to(common), x2.to(common)
        return x1, x2
    if not isinstance(x1, Tensor):
        return plait.full((), x1, dtype=_dtype_beside(x1, x2)), x2
    return x1, plait.full((), x2, dtype=_dtype_beside(x2, x1))


def _dtype_beside(number: Any, x: Tensor) -> Any:
    return plait.result_type(plait.empty(1, dtype=x.dtype), number)


def _binary(name: str, f: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def call(x1: Any, x2: Any, /) -> Tensor:
        return f(*_operands(name, x1, x2))

    return _named(call, name)


for _name in _UNARY:
    globals()[_name] = _unary(_name, getattr(plait, _name))
bitwise_invert = _unary("bitwise_invert", plait.bitwise_not)
for _name in _BINARY:
    globals()[_name] = _binary(_name, getattr(plait, _name))
add = _binary("add", plait.add)
equal = _binary("equal", plait.eq)


def _floor_divide(a: Tensor, b: Tensor) -> Tensor:
    """The standard's quotients of and by infinities, which are those of a division."""
    quotient = plait.floor_divide(a, b)
    if not quotient.is_floating_point():
        return quotient
    infinite = (plait.isinf(a) & plait.isfinite(b)) | (plait.isfinite(a) & plait.isinf(b))
    exact = a / b
    # A finite number by an infinity is -1 where the signs differ and the number is not 0 in Python; here -0.
    return plait.where(infinite, exact, quotient)


def _remainder(a: Tensor, b: Tensor) -> Tensor:
    """The standard's zeros have the sign of the divisor."""
    rest = plait.remainder(a, b)
    return plait.where(rest == 0, plait.copysign(rest, b), rest) if rest.is_floating_point() else rest


floor_divide = _binary("floor_divide", _floor_divide)
remainder = _binary("remainder", _remainder)
del bitwise_not  # type: ignore[name-defined]  # noqa: F821


def _rounding(name: str) -> Callable[..., Tensor]:
    f = getattr(plait, name)
    return _unary(name, lambda x: f(x) if x.is_floating_point() else x.clone())


for _name in _ROUNDING:
    globals()[_name] = _rounding(_name)


def round(x: Tensor, /) -> Tensor:
    """The nearest integers, halves to even; parts of complex numbers each.

    Args:
        x: a tensor.

    Returns:
        A tensor of its shape.

    Example:
        >>> import plait
        >>> plait.array_api.round(plait.tensor([0.5, 1.5]))
        tensor([0., 2.])
    """
    if x.is_complex():
        return plait.complex(plait.round(x.real), plait.round(x.imag))
    return plait.round(x)


def sign(x: Tensor, /) -> Tensor:
    """-1, 0 or 1, NaN for NaN; ``x / |x|`` of complex numbers.

    Args:
        x: a tensor.

    Returns:
        A tensor of its shape.

    Example:
        >>> import plait
        >>> plait.array_api.sign(plait.tensor([-2.0, 0.0]))
        tensor([-1.,  0.])
    """
    if x.is_complex():
        return plait.sgn(x)
    return plait.sign(x) if not x.is_floating_point() else plait.where(plait.isnan(x), x, plait.sign(x))


def clip(x: Tensor, /, min: Any = None, max: Any = None) -> Tensor:
    """The elements limited to [min, max]; the result has the dtype of ``x``.

    Args:
        x: any tensor.
        min: a number or a tensor that broadcasts; None for no limit.
        max: a number or a tensor that broadcasts; None for no limit.

    Returns:
        A tensor of the broadcast shape.

    Example:
        >>> import plait
        >>> plait.array_api.clip(plait.tensor([1, 5]), max=3)
        tensor([1, 3])
    """
    limits = [v for v in (min, max) if isinstance(v, Tensor)]
    shape = plait.broadcast_shapes(x.shape, *(t.shape for t in limits))
    result = x.expand(shape) if limits else x
    for limit, larger in ((min, True), (max, False)):
        if limit is None:
            continue
        bound = limit if isinstance(limit, Tensor) else _limit(limit, x)
        result = (plait.maximum if larger else plait.minimum)(result, bound.to(x.dtype))
    return result.clone() if result is x or result.data_ptr() == x.data_ptr() else result


def _limit(value: Any, x: Tensor) -> Tensor:
    """A number as a 0-d tensor of x's dtype; limits beyond an integer dtype are its ends."""
    if not x.is_floating_point() and not math.isnan(value):
        info = plait.iinfo(x.dtype)
        value = info.min if value < info.min else info.max if value > info.max else value
    return plait.full((), value, dtype=x.dtype)


def conj(x: Tensor, /) -> Tensor:
    """The complex conjugate; ``x`` itself where it is real.

    Args:
        x: a tensor.

    Returns:
        A tensor of its shape.

    Example:
        >>> import plait
        >>> plait.array_api.conj(plait.ones(2))
        tensor([1., 1.])
    """
    return plait.conj(x).resolve_conj() if x.is_complex() else x


def real(x: Tensor, /) -> Tensor:
    """The real parts.

    Args:
        x: a tensor.

    Returns:
        A tensor of its shape.

    Example:
        >>> import plait
        >>> plait.array_api.real(plait.ones(2))
        tensor([1., 1.])
    """
    return x.real


def imag(x: Tensor, /) -> Tensor:
    """The imaginary parts; 0 of real numbers.

    Args:
        x: a tensor.

    Returns:
        A tensor of its shape.

    Example:
        >>> import plait
        >>> plait.array_api.imag(plait.ones(2))
        tensor([0., 0.])
    """
    return x.imag if x.is_complex() else plait.zeros_like(x)


def signbit(x: Tensor, /) -> Tensor:
    """Whether the sign bit is set: of negative numbers and -0.

    Args:
        x: a tensor.

    Returns:
        A tensor of its shape.

    Example:
        >>> import plait
        >>> plait.array_api.signbit(plait.tensor([-0.0, 1.0]))
        tensor([ True, False])
    """
    return plait.signbit(x)
