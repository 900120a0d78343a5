# SPDX-License-Identifier: MIT
"""What the installation is and how it runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import _core

__all__ = [
    "compile",
    "get_num_interop_threads",
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
        ("version", __import__("plait").__version__),
        ("instruction set", f"{_core._isa_name()} (of generic, avx2, avx512; PLAIT_ISA lowers it)"),
        ("cpu", _core._cpu_model()),
        ("matrix multiply", f"{_core._gemm_provider()} (PLAIT_GEMM=blas|engine overrides)"),
        ("threads", f"{_core.get_num_threads()} (OMP_NUM_THREADS, set_num_threads)"),
        ("compiler", _core._compiler()),
    ]
    return "\n".join(f"{name:<16} {value}" for name, value in rows)


def compile(model: Any = None, **options: Any) -> Any:
    """Return the model unchanged: every op is a fused kernel already, so there is nothing to compile.

    Accepts the arguments of ``torch.compile`` and works as a decorator with or without them.
    """
    if model is None:
        return lambda f: f
    return model


def get_num_interop_threads() -> int:
    """Always 1: ops run one after the other, each on up to ``get_num_threads()`` threads."""
    return 1


def set_num_interop_threads(num: int) -> None:
    """Accepted for programs that call it; there is no pool between ops."""


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Accepted for programs that call it: results never depend on the number of threads or on the run."""


_Decorator = Callable[[Any], Any]
