# SPDX-License-Identifier: MIT
"""The groups into which the reference divides the names of plait and the methods of Tensor, which are many.

An op belongs to the group of the file in cpp/ that declares it, a function written in Python to that of its module.
"""

from __future__ import annotations

import re
from fnmatch import fnmatch
from functools import cache
from pathlib import Path
from typing import Any

__all__ = ["GROUPS", "group"]

# Title: names, files in cpp/ and Python modules, as patterns. The first that matches a name decides, then its file.
GROUPS: dict[str, tuple[str, ...]] = {
    "Types and errors": (
        "Tensor", "dtype", "device", "layout", "memory_format", "Size", "Node", "finfo", "iinfo", "*Error", "*Tensor",
        "can_cast", "promote_types", "result_type", "is_floating_point", "is_signed", "is_tensor", "is_storage",
        "typename", "type", "type_as", "to", "byte", "char", "cpu", "pi", "e", "inf", "nan", "newaxis", "numel",
        "element_size", "get_device", "*_format", "channels_last*", "strided", "is_set_to", "plait.dtype",
    ),
    "Creation": (
        "arange", "range", "empty*", "eye", "full", "linspace", "logspace", "ones", "zeros", "scalar_tensor", "tensor",
        "as_tensor", "asarray", "from_*", "frombuffer", "vander", "tril_indices", "triu_indices", "new*",
        "ops/create/create.cpp",
    ),
    "Random numbers": (
        "rand", "randint", "randn", "randperm", "Generator", "default_generator", "ops/create/random.cpp",
        "ops/create/samplers.cpp", "plait.random",
    ),
    "Arithmetic and functions": ("dist", "is_nonzero", "kernels/pointwise/*", "ops/pointwise/*", "ops/special/*"),
    "Complex numbers": ("isreal", "ops/complex/*"),
    "Reductions and scans": (
        "quantile", "nanquantile", "cov", "corrcoef", "trap*", "cumulative_trapezoid", "gradient", "renorm*",
        "ops/reduce/*",
    ),
    "Sorting and counting": ("isin", "combinations", "histogramdd", "ops/sort/*"),
    "Shapes and views": (
        "broadcast_shapes", "is_same_size", "size", "stride", "dim", "ndim", "ndimension", "nelement", "shape", "T",
        "H", "mT", "mH", "is_contiguous", "storage_offset", "dim_order", "resize_*", "names", "ops/view/*",
        "ops/rearrange/*", "ops/copy.cpp",
    ),
    "Indexing": ("unravel_index", "ops/index/*"),
    "Linear algebra": ("ops/matmul/*", "ops/linalg/*", "plait._products", "plait.linalg*"),
    "Neural networks": ("*_pool?d", "ops/nn/*", "plait.nn*", "plait._dropouts"),
    "Fourier transforms": ("plait._spectral",),
    "Sparse tensors": ("*sparse*", "to_dense", "plait._sparse*"),
    "Gradients and modes": (
        "is_grad_enabled", "is_inference*", "*anomaly*", "backward", "grad", "grad_fn", "requires_grad*", "retain*",
        "is_leaf", "output_nr", "data", "register_*", "plait.autograd*", "plait.amp*", "plait.func",
    ),
    "Storage and files": ("*Storage", "data_ptr", "plait.serialization", "plait.storage", "plait._storage"),
    "Settings and interchange": ("*",),
}  # fmt: skip

_DECLARED = (
    r'"(\w+)\([^"\n]*(?:Tensor|->)',  # an entry of the op table
    r"^PLAIT_\w+\(\w+, (\w+),",  # a line of a .def
    r"^PLAIT_\w+ALIAS\((\w+), \w+",
)


@cache
def _sources(cpp: Path) -> dict[str, str]:
    """The file, as a path in cpp/, that declares each op."""
    found: dict[str, str] = {}
    for file in sorted([*(cpp / "ops").rglob("*.cpp"), *cpp.rglob("*.def")]):
        text = file.read_text(encoding="utf-8")
        for pattern in _DECLARED:
            for name in re.findall(pattern, text, re.M):
                found.setdefault(name, file.relative_to(cpp).as_posix())
    return found


def group(root: Path, name: str, value: Any) -> str:
    """The title of the group that a name belongs to."""
    sources = _sources(root / "cpp")
    plain = name.rstrip("_")
    module = getattr(value, "__module__", None) or f"plait.{type(value).__name__}"
    place = sources.get(name) or sources.get(plain) or str(module)
    for key in (name, plain, place):
        for title, patterns in GROUPS.items():
            if patterns != ("*",) and any(fnmatch(key, pattern) for pattern in patterns):
                return title
    return next(reversed(GROUPS))
