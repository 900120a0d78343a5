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
    "get_float32_matmul_precision",
    "get_num_interop_threads",
    "set_default_device",
    "set_float32_matmul_precision",
    "set_num_interop_threads",
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
_precision = "highest"


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Accepted for programs that call it: results never depend on the number of threads or on the run."""
    global _deterministic
    _deterministic = bool(mode)


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
    """Accepted for programs that call it. Raises ValueError for any device but the CPU."""
    if device is not None:
        _core.device(device)


def get_default_device() -> Any:
    """The CPU."""
    return _core.device("cpu")
