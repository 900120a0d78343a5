# SPDX-License-Identifier: MIT
"""plait: deep learning on CPUs, with PyTorch's names.

Import it in place of PyTorch::

    import plait as torch
    import plait.nn as nn
    import plait.nn.functional as F
"""

from __future__ import annotations

import importlib as _importlib
import math as _math
from typing import TYPE_CHECKING, Any

from . import _core
from ._core import *  # noqa: F403  (the names are listed in _core.__all__)
from ._products import cdist, chain_matmul, cross, einsum, tensordot
from ._runtime import (
    compile,
    get_num_interop_threads,
    set_num_interop_threads,
    show_config,
    use_deterministic_algorithms,
)
from ._tensor import (
    BFloat16Tensor,
    BoolTensor,
    ByteTensor,
    CharTensor,
    DoubleTensor,
    FloatTensor,
    HalfTensor,
    IntTensor,
    LongTensor,
    ShortTensor,
    Tensor,
    asarray,
    finfo,
    iinfo,
    is_floating_point,
    is_tensor,
    numel,
    result_type,
    set_printoptions,
)
from .autograd.grad_mode import enable_grad, inference_mode, no_grad, set_grad_enabled
from .random import get_rng_state, initial_seed, manual_seed, seed, set_rng_state

if TYPE_CHECKING:
    from . import amp as amp
    from . import autograd as autograd
    from . import backends as backends
    from . import cuda as cuda
    from . import datasets as datasets
    from . import nn as nn
    from . import optim as optim
    from . import transforms as transforms
    from . import utils as utils
    from .serialization import load, save

__version__ = "0.1.0"

e = _math.e
inf = _math.inf
nan = _math.nan
pi = _math.pi
newaxis = None

strided = "strided"
contiguous_format = "contiguous_format"
preserve_format = "preserve_format"
channels_last = "channels_last"

_SUBMODULES = {
    "amp",
    "autograd",
    "backends",
    "cuda",
    "datasets",
    "jit",
    "linalg",
    "mps",
    "nn",
    "optim",
    "special",
    "transforms",
    "utils",
}

_LAZY = {"load": "serialization", "save": "serialization"}


def __getattr__(name: str) -> Any:
    """Submodules are imported when they are first used, so that ``import plait`` stays quick."""
    if name in _LAZY:
        value = getattr(_importlib.import_module(f"{__name__}.{_LAZY[name]}"), name)
        globals()[name] = value
        return value
    if name in _SUBMODULES:
        try:
            return _importlib.import_module(f"{__name__}.{name}")
        except ModuleNotFoundError as error:
            if error.name != f"{__name__}.{name}":
                raise
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(set(globals()) | _SUBMODULES | set(_LAZY))


__all__ = [
    *_core.__all__,
    "BFloat16Tensor",
    "BoolTensor",
    "ByteTensor",
    "CharTensor",
    "DoubleTensor",
    "FloatTensor",
    "HalfTensor",
    "IntTensor",
    "LongTensor",
    "ShortTensor",
    "Tensor",
    "asarray",
    "cdist",
    "chain_matmul",
    "compile",
    "cross",
    "e",
    "einsum",
    "enable_grad",
    "finfo",
    "get_num_interop_threads",
    "get_rng_state",
    "iinfo",
    "inf",
    "inference_mode",
    "initial_seed",
    "is_floating_point",
    "is_tensor",
    "load",
    "manual_seed",
    "nan",
    "newaxis",
    "no_grad",
    "numel",
    "pi",
    "result_type",
    "save",
    "seed",
    "set_grad_enabled",
    "set_num_interop_threads",
    "set_printoptions",
    "set_rng_state",
    "show_config",
    "tensordot",
    "use_deterministic_algorithms",
]
