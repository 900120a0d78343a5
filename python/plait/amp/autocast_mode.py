# SPDX-License-Identifier: MIT
"""Autocast: ops that gain from a 16-bit dtype get their operands in it. ``cpp/ops/autocast.h`` says how."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from .. import _core
from .._autocast import cast_tensor
from .._core import ArgumentError, Tensor
from .._warn import warn_user

__all__ = [
    "autocast",
    "autocast_decrement_nesting",
    "autocast_increment_nesting",
    "clear_autocast_cache",
    "custom_bwd",
    "custom_fwd",
    "get_autocast_cpu_dtype",
    "get_autocast_dtype",
    "get_autocast_gpu_dtype",
    "is_autocast_available",
    "is_autocast_cache_enabled",
    "is_autocast_cpu_enabled",
    "is_autocast_enabled",
    "set_autocast_cache_enabled",
    "set_autocast_cpu_dtype",
    "set_autocast_cpu_enabled",
    "set_autocast_dtype",
    "set_autocast_enabled",
]


class _Nesting(threading.local):
    depth = 0


_nesting = _Nesting()


def is_autocast_available(device_type: str) -> bool:
    """Whether :class:`autocast` works for a device: for "cpu".

    Args:
        device_type: "cpu", "cuda", ...
    """
    return str(device_type) == "cpu"


def is_autocast_enabled(device_type: str | None = None) -> bool:
    """Whether this thread is within :class:`autocast` of a device.

    Args:
        device_type: default None, which in PyTorch is "cuda": False.

    Example:
        >>> import plait
        >>> with plait.autocast("cpu"):
        ...     plait.is_autocast_enabled("cpu")
        True
    """
    return device_type is not None and str(device_type) == "cpu" and _core._autocast_enabled()


def set_autocast_enabled(device_type: Any, enabled: bool | None = None) -> None:
    """Begin or end autocast in this thread; :class:`autocast` does it for a block.

    Args:
        device_type: "cpu"; nothing happens for others.
        enabled: which of both.

    Example:
        >>> import plait
        >>> plait.set_autocast_enabled("cpu", True)
        >>> plait.ones(2, 2).mm(plait.ones(2, 2)).dtype
        plait.bfloat16
        >>> plait.set_autocast_enabled("cpu", False)
    """
    if enabled is not None and str(device_type) == "cpu":
        _core._set_autocast_enabled(enabled)


def get_autocast_dtype(device_type: str) -> Any:
    """The 16-bit dtype of autocast in this thread, at first bfloat16 (float16 for other devices than the CPU).

    Args:
        device_type: "cpu", "cuda", ...

    Example:
        >>> import plait
        >>> plait.get_autocast_dtype("cpu")
        plait.bfloat16
    """
    return _core._autocast_dtype() if str(device_type) == "cpu" else _core.float16


def set_autocast_dtype(device_type: str, dtype: Any) -> None:
    """Set the 16-bit dtype of autocast in this thread.

    Args:
        device_type: "cpu"; nothing happens for others.
        dtype: bfloat16 or float16.

    Example:
        >>> import plait
        >>> plait.set_autocast_dtype("cpu", plait.float16)
        >>> plait.get_autocast_dtype("cpu")
        plait.float16
        >>> plait.set_autocast_dtype("cpu", plait.bfloat16)
    """
    if str(device_type) == "cpu":
        _core._set_autocast_dtype(dtype)


def is_autocast_cpu_enabled() -> bool:
    """:func:`is_autocast_enabled` of "cpu"."""
    return _core._autocast_enabled()


def set_autocast_cpu_enabled(enabled: bool) -> None:
    """:func:`set_autocast_enabled` of "cpu"."""
    _core._set_autocast_enabled(enabled)


def get_autocast_cpu_dtype() -> Any:
    """:func:`get_autocast_dtype` of "cpu"."""
    return _core._autocast_dtype()


def set_autocast_cpu_dtype(dtype: Any) -> None:
    """:func:`set_autocast_dtype` of "cpu"."""
    _core._set_autocast_dtype(dtype)


def get_autocast_gpu_dtype() -> Any:
    """float16: what programs find that ask for a device which is not there."""
    return _core.float16


def is_autocast_cache_enabled() -> bool:
    """Whether the 16-bit copies of weights are kept until the outermost autocast ends."""
    return _core._autocast_cache_enabled()


def set_autocast_cache_enabled(enabled: bool) -> None:
    """Set whether the 16-bit copies of weights are kept.

    Args:
        enabled: False converts a weight again each time it is used.

    Example:
        >>> import plait
        >>> plait.set_autocast_cache_enabled(True)
    """
    _core._set_autocast_cache_enabled(enabled)


def clear_autocast_cache() -> None:
    """Forget the 16-bit copies of weights."""
    _core._clear_autocast_cache()


def autocast_increment_nesting() -> int:
    """Note that an autocast block begins in this thread; returns how many are open."""
    _nesting.depth += 1
    return _nesting.depth


def autocast_decrement_nesting() -> int:
    """Note that an autocast block ends in this thread; returns how many are open."""
    _nesting.depth -= 1
    return _nesting.depth


class autocast:
    """A context manager and decorator in which ops choose their dtypes.

    - Products (``linear``, ``matmul``, ``bmm``, ``conv*``, ``scaled_dot_product_attention``, ...) get their
      floating-point operands in ``dtype``, and give results in it.
    - Losses, ``prod``, decompositions, three-dimensional pools and others that need range get them in float32.
    - ``cat``, ``stack`` and ``index_copy`` get the widest dtype of their operands.
    - All other ops compute in the dtypes they are given. float64 is left alone, and so are calls with ``out=`` and
      in-place forms.

    Weights are converted once in a block. Run the forward pass and the loss within, backward outside.

    Args:
        device_type: "cpu"; for others, which are not there, it warns and does nothing.
        dtype: bfloat16 (the default) or float16.
        enabled: False makes a block without autocast within one with it. Default True.
        cache_enabled: keep converted weights until the outermost block ends. Default True.

    Raises:
        ValueError: ``device_type`` is no str.

    Example:
        >>> import plait
        >>> x = plait.ones(2, 2)
        >>> with plait.amp.autocast("cpu", dtype=plait.bfloat16):
        ...     y = x @ x
        >>> y.dtype
        plait.bfloat16
    """

    def __init__(
        self,
        device_type: str = "cpu",
        dtype: Any = None,
        enabled: bool = True,
        cache_enabled: bool | None = None,
    ) -> None:
        if not isinstance(device_type, str):
            raise ArgumentError(f"autocast: expected device_type to be a str, got {type(device_type).__name__}")
        self.device = device_type
        self.fast_dtype = get_autocast_dtype(device_type) if dtype is None else dtype
        self._cache_enabled = is_autocast_cache_enabled() if cache_enabled is None else cache_enabled
        if enabled and device_type != "cpu":
            warn_user(f"autocast: {device_type!r} is not available; autocast is off")
            enabled = False
        if enabled and self.fast_dtype not in (_core.bfloat16, _core.float16):
            warn_user(f"autocast: expected dtype bfloat16 or float16, got {self.fast_dtype}; autocast is off")
            enabled = False
        self._enabled = enabled
        self._before: list[tuple[bool, Any, bool]] = []

    def __enter__(self) -> autocast:
        self._before.append((_core._autocast_enabled(), _core._autocast_dtype(), _core._autocast_cache_enabled()))
        if self.device == "cpu":
            _core._set_autocast_dtype(self.fast_dtype if self._enabled else _core._autocast_dtype())
            _core._set_autocast_enabled(self._enabled)
        _core._set_autocast_cache_enabled(self._cache_enabled)
        autocast_increment_nesting()
        return self

    def __exit__(self, *exc: object) -> None:
        if autocast_decrement_nesting() == 0:
            _core._clear_autocast_cache()
        enabled, dtype, cache = self._before.pop()
        _core._set_autocast_enabled(enabled)
        _core._set_autocast_dtype(dtype)
        _core._set_autocast_cache_enabled(cache)

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            with self:
                return function(*args, **kwargs)

        return wrapper


def _converted(value: Any, device_type: str, dtype: Any) -> Any:
    """``value`` with the floating-point tensors in it in ``dtype``; float64 stays."""
    if isinstance(value, Tensor):
        return cast_tensor(value, dtype) if device_type == "cpu" else value
    if isinstance(value, (str, bytes, np.ndarray)):
        return value
    if isinstance(value, Mapping):
        return {_converted(k, device_type, dtype): _converted(v, device_type, dtype) for k, v in value.items()}
    if isinstance(value, Iterable):
        items = (_converted(v, device_type, dtype) for v in value)
        return type(value)(items) if isinstance(value, (list, tuple)) else items  # type: ignore[call-arg]
    return value


def custom_fwd(
    fwd: Callable[..., Any] | None = None, *, device_type: str = "cpu", cast_inputs: Any = None
) -> Callable[..., Any]:
    """Decorate ``forward`` of an ``autograd.Function`` that is used within autocast.

    Args:
        fwd: ``forward``, whose first argument is the context.
        device_type: "cpu"; nothing changes for others.
        cast_inputs: within autocast, get floating-point tensors in this dtype and run without autocast. Default
            None: run with autocast as it is.

    Returns:
        The decorated function.

    Example:
        >>> import plait
        >>> class Double(plait.autograd.Function):
        ...     @staticmethod
        ...     @plait.amp.custom_fwd(device_type="cpu", cast_inputs=plait.float32)
        ...     def forward(ctx, x):
        ...         return x + x
        ...     @staticmethod
        ...     @plait.amp.custom_bwd(device_type="cpu")
        ...     def backward(ctx, g):
        ...         return g + g
        >>> with plait.autocast("cpu"):
        ...     print(Double.apply(plait.ones(2).bfloat16()).dtype)
        plait.float32
    """
    if fwd is None:
        return functools.partial(custom_fwd, device_type=device_type, cast_inputs=cast_inputs)
    forward = fwd

    @functools.wraps(forward)
    def decorated(*args: Any, **kwargs: Any) -> Any:
        args[0]._dtype = get_autocast_dtype(device_type)
        within = is_autocast_enabled(device_type)
        args[0]._fwd_used_autocast = within and cast_inputs is None
        if cast_inputs is None or not within:
            return forward(*args, **kwargs)
        with autocast(device_type, enabled=False):
            args = (args[0], *(_converted(a, device_type, cast_inputs) for a in args[1:]))
            return forward(*args, **{k: _converted(v, device_type, cast_inputs) for k, v in kwargs.items()})

    return decorated


def custom_bwd(bwd: Callable[..., Any] | None = None, *, device_type: str = "cpu") -> Callable[..., Any]:
    """Decorate ``backward`` of an ``autograd.Function``: it runs with autocast as ``forward`` did.

    Args:
        bwd: ``backward``, whose first argument is the context; ``forward`` is decorated with :func:`custom_fwd`.
        device_type: "cpu"; nothing changes for others.

    Returns:
        The decorated function.
    """
    if bwd is None:
        return functools.partial(custom_bwd, device_type=device_type)
    backward = bwd

    @functools.wraps(backward)
    def decorated(*args: Any, **kwargs: Any) -> Any:
        with autocast(device_type, dtype=args[0]._dtype, enabled=args[0]._fwd_used_autocast):
            return backward(*args, **kwargs)

    return decorated
