# SPDX-License-Identifier: MIT
"""What the installation is and how it runs."""

from __future__ import annotations

from typing import Any

from . import _core
from ._core import ArgumentError
from .version import __version__

__all__ = [
    "are_deterministic_algorithms_enabled",
    "compile",
    "get_default_device",
    "get_deterministic_debug_mode",
    "get_float32_matmul_precision",
    "get_num_interop_threads",
    "is_anomaly_check_nan_enabled",
    "is_anomaly_enabled",
    "is_deterministic_algorithms_warn_only_enabled",
    "is_warn_always_enabled",
    "moved",
    "set_anomaly_enabled",
    "set_default_device",
    "set_default_tensor_type",
    "set_deterministic_debug_mode",
    "set_float32_matmul_precision",
    "set_num_interop_threads",
    "set_warn_always",
    "show_config",
    "use_deterministic_algorithms",
]


def show_config() -> str:
    """Describe the build and the machine: instruction set, matrix-multiply provider, threads, compiler.

    Returns:
        One line per fact.

    Example:
        >>> print(plait.show_config())  # doctest: +SKIP
        instruction set  avx512 (of generic, avx2, avx512)
        ...
    """
    rows = [
        ("version", __version__),
        ("instruction set", f"{_core._isa_name()} (of generic, avx2, avx512; PLAIT_ISA lowers it)"),
        ("cpu", _core._cpu_model()),
        ("matrix multiply", f"{_core._gemm_provider()} (PLAIT_GEMM=blas|engine overrides)"),
        ("threads", f"{_core.get_num_threads()} (OMP_NUM_THREADS, set_num_threads)"),
        ("compiler", _core._compiler()),
    ]
    return "\n".join(f"{name:<16} {value}" for name, value in rows)


def compile(model: Any = None, **options: Any) -> Any:
    """Return the model unchanged: nothing is compiled, each op runs when it is called.

    Accepts the arguments of ``torch.compile`` and works as a decorator with or without them.

    Example:
        >>> import plait
        >>> model = plait.compile(plait.nn.Linear(2, 1))
        >>> model(plait.ones(3, 2)).shape
        plait.Size([3, 1])
    """
    if model is None:
        return lambda f: f
    return model


def get_num_interop_threads() -> int:
    """Always 1: ops run one after the other, each on up to ``get_num_threads()`` threads."""
    return 1


def set_num_interop_threads(num: int) -> None:
    """Accepted for programs that call it; there is no pool between ops."""


_deterministic = False
_warn_only = False
_warn_always = False
_precision = "highest"


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Accepted for programs that call it: results never depend on the number of threads or on the run."""
    global _deterministic, _warn_only
    _deterministic, _warn_only = bool(mode), bool(mode) and warn_only


def is_deterministic_algorithms_warn_only_enabled() -> bool:
    """Whether ``use_deterministic_algorithms`` was told to warn only; False at first."""
    return _warn_only


def set_deterministic_debug_mode(debug_mode: int | str) -> None:
    """See ``use_deterministic_algorithms``: 0 or "default" is False, 1 or "warn" True with warnings, 2 or "error" True.

    Args:
        debug_mode: a number or its name.

    Raises:
        ValueError: another number or name.

    Example:
        >>> plait.set_deterministic_debug_mode("error")
        >>> plait.get_deterministic_debug_mode()
        2
        >>> plait.set_deterministic_debug_mode("default")
    """
    modes = {"default": 0, "warn": 1, "error": 2}
    mode = modes.get(debug_mode, -1) if isinstance(debug_mode, str) else debug_mode
    if mode not in modes.values():
        raise ArgumentError(f"set_deterministic_debug_mode: expected a mode of {modes}, got {debug_mode!r}")
    use_deterministic_algorithms(mode > 0, warn_only=mode == 1)


def get_deterministic_debug_mode() -> int:
    """What ``set_deterministic_debug_mode`` was told, a number; 0 at first."""
    return 0 if not _deterministic else 1 if _warn_only else 2


def set_warn_always(b: bool, /) -> None:
    """Accepted for programs that call it: how often a warning is shown is Python's to decide."""
    global _warn_always
    _warn_always = bool(b)


def is_warn_always_enabled() -> bool:
    """What ``set_warn_always`` was told; False at first."""
    return _warn_always


def is_anomaly_enabled() -> bool:
    """Whether :class:`plait.autograd.detect_anomaly` is on."""
    return _core._anomaly_mode() > 0


def is_anomaly_check_nan_enabled() -> bool:
    """Whether :class:`plait.autograd.detect_anomaly` looks for NaN in gradients."""
    return _core._anomaly_mode() != 1


def set_anomaly_enabled(enabled: bool, check_nan: bool = True) -> None:
    """Turn the search for anomalies of backward on or off; see :class:`plait.autograd.set_detect_anomaly`.

    Args:
        enabled: whether it is on.
        check_nan: whether NaN in gradients raises. Default: ``True``.

    Example:
        >>> plait.set_anomaly_enabled(False)
        >>> plait.is_anomaly_enabled()
        False
    """
    _core._set_anomaly_mode(0 if not enabled else 2 if check_nan else 1)


def set_default_tensor_type(t: Any, /) -> None:
    """See :func:`plait.set_default_dtype`; takes a typed constructor such as ``DoubleTensor``, or its name."""
    from ._tensor import _as_dtype

    _core.set_default_dtype(_as_dtype(t))


def are_deterministic_algorithms_enabled() -> bool:
    """What ``use_deterministic_algorithms`` was told; False at first."""
    return _deterministic


def set_float32_matmul_precision(precision: str) -> None:
    """Accepted for programs that call it: float32 products are always computed in float32.

    Raises:
        ValueError: for anything but "highest", "high" and "medium".
    """
    global _precision
    if precision not in ("highest", "high", "medium"):
        raise ArgumentError(f"set_float32_matmul_precision: expected 'highest', 'high' or 'medium', got {precision!r}")
    _precision = precision


def get_float32_matmul_precision() -> str:
    """What ``set_float32_matmul_precision`` was told; "highest" at first."""
    return _precision


def set_default_device(device: Any) -> None:
    """Where tensors are made that name no device: the CPU (None), or "meta" for tensors without data.

    ``with plait.device("meta"):`` does the same for a block. Both hold for the thread they are called in.

    Raises:
        ValueError: another device.

    Example:
        >>> import plait
        >>> plait.set_default_device("meta")
        >>> plait.zeros(2)
        tensor(..., device='meta', size=(2,))
        >>> plait.set_default_device(None)
    """
    _core._set_default_device(device)


def get_default_device() -> Any:
    """Where tensors are made that name no device."""
    return _core._default_device()


def moved(t: _core.Tensor, device: Any) -> _core.Tensor:
    """``t`` on ``device``: itself where it is there, else a tensor without data, since none come from "meta"."""
    meta = device != "cpu" and _core._check_device("to", device).type == "meta"
    return t if meta == t.is_meta else _core._ops._to_place(t, meta)
