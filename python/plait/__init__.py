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

from ._boot import _core
from ._core import *  # noqa: F403  (the names are listed in _core.__all__)
from ._functions import (
    _assert as _assert,
)
from ._functions import (
    broadcast_shapes,
    combinations,
    corrcoef,
    cov,
    cumulative_trapezoid,
    dist,
    gradient,
    histogramdd,
    is_inference,
    is_nonzero,
    is_same_size,
    is_signed,
    is_storage,
    isreal,
    nanquantile,
    quantile,
    renorm,
    trapezoid,
    trapz,
    typename,
    unravel_index,
    vander,
)
from ._layouts import (
    channels_last,
    channels_last_3d,
    contiguous_format,
    layout,
    memory_format,
    preserve_format,
    sparse_coo,
    sparse_csr,
    strided,
)
from ._products import cdist, chain_matmul, cross, einsum, tensordot
from ._runtime import (
    are_deterministic_algorithms_enabled,
    compile,
    get_default_device,
    get_deterministic_debug_mode,
    get_float32_matmul_precision,
    get_num_interop_threads,
    is_anomaly_check_nan_enabled,
    is_anomaly_enabled,
    is_deterministic_algorithms_warn_only_enabled,
    is_warn_always_enabled,
    set_anomaly_enabled,
    set_default_device,
    set_default_tensor_type,
    set_deterministic_debug_mode,
    set_float32_matmul_precision,
    set_num_interop_threads,
    set_warn_always,
    show_config,
    use_deterministic_algorithms,
)
from ._tensor import (
    BFloat16Tensor,
    BoolTensor,
    ByteTensor,
    CharTensor,
    ComplexDoubleTensor,
    ComplexFloatTensor,
    DoubleTensor,
    FloatTensor,
    HalfTensor,
    IntTensor,
    LongTensor,
    ShortTensor,
    asarray,
    finfo,
    iinfo,
    is_floating_point,
    is_tensor,
    numel,
)
from .autograd.grad_mode import enable_grad, inference_mode, no_grad, set_grad_enabled
from .random import get_rng_state, initial_seed, manual_seed, seed, set_rng_state
from .version import __version__ as __version__

if TYPE_CHECKING:
    from . import amp as amp
    from . import autograd as autograd
    from . import backends as backends
    from . import cuda as cuda
    from . import datasets as datasets
    from . import distributed as distributed
    from . import distributions as distributions
    from . import fft as fft
    from . import fx as fx
    from . import nn as nn
    from . import optim as optim
    from . import signal as signal
    from . import special as special
    from . import testing as testing
    from . import transforms as transforms
    from . import utils as utils
    from ._dropouts import (
        alpha_dropout_,
        feature_alpha_dropout_,
        feature_dropout,
        feature_dropout_,
        native_dropout,
    )
    from ._sparse import sparse_coo_tensor, sparse_csr_tensor
    from ._sparse_products import dsmm, hspmm, saddmm, smm, sparse_compressed_tensor, spmm, sspaddmm
    from ._spectral import (
        bartlett_window,
        blackman_window,
        hamming_window,
        hann_window,
        istft,
        kaiser_window,
        stft,
    )
    from ._summary import summary
    from ._tensor_str import set_printoptions
    from .amp import autocast
    from .amp.autocast_mode import (
        autocast_decrement_nesting,
        autocast_increment_nesting,
        clear_autocast_cache,
        get_autocast_cpu_dtype,
        get_autocast_dtype,
        get_autocast_gpu_dtype,
        is_autocast_cache_enabled,
        is_autocast_cpu_enabled,
        is_autocast_enabled,
        set_autocast_cache_enabled,
        set_autocast_cpu_dtype,
        set_autocast_cpu_enabled,
        set_autocast_dtype,
        set_autocast_enabled,
    )
    from .func import vmap
    from .linalg._lowrank import lobpcg, lu, pca_lowrank, svd_lowrank
    from .nn.functional import (
        alpha_dropout,
        channel_shuffle,
        cosine_embedding_loss,
        cosine_similarity,
        ctc_loss,
        feature_alpha_dropout,
        hinge_embedding_loss,
        margin_ranking_loss,
        pairwise_distance,
        pdist,
        pixel_shuffle,
        pixel_unshuffle,
        poisson_nll_loss,
        rrelu,
        rrelu_,
        triplet_margin_loss,
    )
    from .serialization import load, save
    from .storage import (
        BFloat16Storage,
        BoolStorage,
        ByteStorage,
        CharStorage,
        ComplexDoubleStorage,
        ComplexFloatStorage,
        DoubleStorage,
        FloatStorage,
        HalfStorage,
        IntStorage,
        LongStorage,
        ShortStorage,
        TypedStorage,
        UntypedStorage,
        from_file,
    )

e = _math.e
inf = _math.inf
nan = _math.nan
pi = _math.pi
newaxis = None


_SUBMODULES = {
    "_C",
    "amp",
    "array_api",
    "autograd",
    "backends",
    "cuda",
    "datasets",
    "distributed",
    "distributions",
    "fft",
    "fx",
    "func",
    "jit",
    "linalg",
    "mps",
    "multiprocessing",
    "nn",
    "optim",
    "signal",
    "overrides",
    "profiler",
    "quasirandom",
    "sparse",
    "special",
    "storage",
    "testing",
    "transforms",
    "utils",
    "version",
}

_LAZY = {
    "set_printoptions": "_tensor_str",
    # The functions behind layers in the argument order of PyTorch's lower level.
    **dict.fromkeys(
        (
            "affine_grid_generator",
            "batch_norm",
            "conv_tbc",
            "convolution",
            "embedding",
            "embedding_renorm_",
            "grid_sampler",
            "grid_sampler_2d",
            "grid_sampler_3d",
            "gru_cell",
            "instance_norm",
            "lstm_cell",
            "max_pool1d_with_indices",
            "native_batch_norm",
            "native_channel_shuffle",
            "native_group_norm",
            "native_layer_norm",
            "norm_except_dim",
            "rnn_relu_cell",
            "rnn_tanh_cell",
        ),
        "_layer_functions",
    ),
    **dict.fromkeys(
        ("bartlett_window", "blackman_window", "hamming_window", "hann_window", "istft", "kaiser_window", "stft"),
        "_spectral",
    ),
    "autocast": "amp",
    **dict.fromkeys(
        (
            "autocast_decrement_nesting",
            "autocast_increment_nesting",
            "clear_autocast_cache",
            "get_autocast_cpu_dtype",
            "get_autocast_dtype",
            "get_autocast_gpu_dtype",
            "is_autocast_cache_enabled",
            "is_autocast_cpu_enabled",
            "is_autocast_enabled",
            "set_autocast_cache_enabled",
            "set_autocast_cpu_dtype",
            "set_autocast_cpu_enabled",
            "set_autocast_dtype",
            "set_autocast_enabled",
        ),
        "amp.autocast_mode",
    ),
    "load": "serialization",
    "sparse_coo_tensor": "_sparse",
    "sparse_csr_tensor": "_sparse",
    **dict.fromkeys(
        ("dsmm", "hspmm", "saddmm", "smm", "sparse_compressed_tensor", "spmm", "sspaddmm"), "_sparse_products"
    ),
    "save": "serialization",
    "summary": "_summary",
    **dict.fromkeys(
        (
            "BFloat16Storage",
            "BoolStorage",
            "ByteStorage",
            "CharStorage",
            "ComplexDoubleStorage",
            "ComplexFloatStorage",
            "DoubleStorage",
            "FloatStorage",
            "HalfStorage",
            "IntStorage",
            "LongStorage",
            "ShortStorage",
            "TypedStorage",
            "UntypedStorage",
            "from_file",
        ),
        "storage",
    ),
    "vmap": "func",
    **dict.fromkeys(("lobpcg", "lu", "pca_lowrank", "svd_lowrank"), "linalg._lowrank"),
    # Functions of nn.functional that PyTorch shows here too.
    **dict.fromkeys(
        (
            "alpha_dropout",
            "channel_shuffle",
            "cosine_embedding_loss",
            "cosine_similarity",
            "ctc_loss",
            "feature_alpha_dropout",
            "hinge_embedding_loss",
            "margin_ranking_loss",
            "pairwise_distance",
            "pdist",
            "pixel_shuffle",
            "pixel_unshuffle",
            "poisson_nll_loss",
            "rrelu",
            "rrelu_",
            "triplet_margin_loss",
        ),
        "nn.functional",
    ),
    **dict.fromkeys(
        ("alpha_dropout_", "feature_alpha_dropout_", "feature_dropout", "feature_dropout_", "native_dropout"),
        "_dropouts",
    ),
}


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
    "ComplexDoubleTensor",
    "ComplexFloatTensor",
    "DoubleTensor",
    "FloatTensor",
    "HalfTensor",
    "IntTensor",
    "LongTensor",
    "ShortTensor",
    "alpha_dropout",
    "alpha_dropout_",
    "are_deterministic_algorithms_enabled",
    "asarray",
    "autocast",
    "autocast_decrement_nesting",
    "autocast_increment_nesting",
    "bartlett_window",
    "blackman_window",
    "broadcast_shapes",
    "cdist",
    "chain_matmul",
    "channel_shuffle",
    "clear_autocast_cache",
    "combinations",
    "compile",
    "corrcoef",
    "cosine_embedding_loss",
    "cosine_similarity",
    "cov",
    "cross",
    "ctc_loss",
    "cumulative_trapezoid",
    "dist",
    "channels_last",
    "channels_last_3d",
    "contiguous_format",
    "preserve_format",
    "sparse_coo",
    "sparse_csr",
    "strided",
    "e",
    "einsum",
    "enable_grad",
    "feature_alpha_dropout",
    "feature_alpha_dropout_",
    "feature_dropout",
    "feature_dropout_",
    "finfo",
    "get_autocast_cpu_dtype",
    "get_autocast_dtype",
    "get_autocast_gpu_dtype",
    "get_default_device",
    "get_float32_matmul_precision",
    "get_num_interop_threads",
    "get_rng_state",
    "gradient",
    "hamming_window",
    "hann_window",
    "hinge_embedding_loss",
    "histogramdd",
    "iinfo",
    "inf",
    "inference_mode",
    "initial_seed",
    "is_autocast_cache_enabled",
    "is_autocast_cpu_enabled",
    "is_autocast_enabled",
    "is_floating_point",
    "is_inference",
    "is_nonzero",
    "is_same_size",
    "is_signed",
    "is_storage",
    "is_tensor",
    "isreal",
    "istft",
    "kaiser_window",
    "load",
    "layout",
    "lobpcg",
    "lu",
    "manual_seed",
    "margin_ranking_loss",
    "memory_format",
    "nan",
    "nanquantile",
    "native_dropout",
    "newaxis",
    "no_grad",
    "numel",
    "pairwise_distance",
    "pca_lowrank",
    "pdist",
    "pi",
    "pixel_shuffle",
    "pixel_unshuffle",
    "poisson_nll_loss",
    "quantile",
    "renorm",
    "rrelu",
    "rrelu_",
    "save",
    "seed",
    "set_autocast_cache_enabled",
    "set_autocast_cpu_dtype",
    "set_autocast_cpu_enabled",
    "set_autocast_dtype",
    "set_autocast_enabled",
    "set_default_device",
    "set_float32_matmul_precision",
    "set_grad_enabled",
    "set_num_interop_threads",
    "set_printoptions",
    "set_rng_state",
    "show_config",
    "stft",
    "summary",
    "dsmm",
    "hspmm",
    "saddmm",
    "smm",
    "sparse_compressed_tensor",
    "sparse_coo_tensor",
    "sparse_csr_tensor",
    "spmm",
    "sspaddmm",
    "svd_lowrank",
    "tensordot",
    "trapezoid",
    "trapz",
    "triplet_margin_loss",
    "typename",
    "unravel_index",
    "use_deterministic_algorithms",
    "vander",
    "vmap",
    "get_deterministic_debug_mode",
    "is_anomaly_check_nan_enabled",
    "is_anomaly_enabled",
    "is_deterministic_algorithms_warn_only_enabled",
    "is_warn_always_enabled",
    "set_anomaly_enabled",
    "set_default_tensor_type",
    "set_deterministic_debug_mode",
    "set_warn_always",
    "BFloat16Storage",
    "BoolStorage",
    "ByteStorage",
    "CharStorage",
    "ComplexDoubleStorage",
    "ComplexFloatStorage",
    "DoubleStorage",
    "FloatStorage",
    "HalfStorage",
    "IntStorage",
    "LongStorage",
    "ShortStorage",
    "TypedStorage",
    "UntypedStorage",
    "from_file",
]
