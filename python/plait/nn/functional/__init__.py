# SPDX-License-Identifier: MIT
"""Neural network operators as functions; usually imported as ``F``.

What has a kernel of its own comes from the core; the rest is composed of tensor operators.
"""

from __future__ import annotations

import inspect as _inspect

from ..._arguments import explains_arguments as _explains_arguments
from ..._core import _nn, relu_
from . import activation as _activation
from . import attention as _attention
from . import channel_dropout as _channel_dropout
from . import ctc as _ctc
from . import distance as _distance
from . import lookup as _lookup
from . import loss as _loss
from . import norm as _norm
from . import pooling as _pooling
from . import products as _products
from . import resize as _resize
from . import vision as _vision
from .activation import *  # noqa: F403
from .attention import *  # noqa: F403
from .channel_dropout import *  # noqa: F403
from .ctc import *  # noqa: F403
from .distance import *  # noqa: F403
from .lookup import *  # noqa: F403
from .loss import *  # noqa: F403
from .norm import *  # noqa: F403
from .pooling import *  # noqa: F403
from .products import *  # noqa: F403
from .resize import *  # noqa: F403
from .vision import *  # noqa: F403

adaptive_avg_pool1d = _nn.adaptive_avg_pool1d
adaptive_max_pool1d = _nn.adaptive_max_pool1d
avg_pool1d = _nn.avg_pool1d
avg_pool2d = _nn.avg_pool2d
avg_pool3d = _nn.avg_pool3d
batch_norm = _nn.batch_norm
bilinear = _nn.bilinear
binary_cross_entropy = _nn.binary_cross_entropy
binary_cross_entropy_with_logits = _nn.binary_cross_entropy_with_logits
celu = _nn.celu
conv1d = _nn.conv1d
conv2d = _nn.conv2d
conv3d = _nn.conv3d
conv_transpose1d = _nn.conv_transpose1d
conv_transpose2d = _nn.conv_transpose2d
conv_transpose3d = _nn.conv_transpose3d
cross_entropy = _nn.cross_entropy
dropout = _nn.dropout
elu = _nn.elu
elu_ = _nn.elu_
gelu = _nn.gelu
group_norm = _nn.group_norm
hardshrink = _nn.hardshrink
hardsigmoid = _nn.hardsigmoid
hardswish = _nn.hardswish
hardtanh = _nn.hardtanh
hardtanh_ = _nn.hardtanh_
huber_loss = _nn.huber_loss
kl_div = _nn.kl_div
l1_loss = _nn.l1_loss
layer_norm = _nn.layer_norm
leaky_relu = _nn.leaky_relu
leaky_relu_ = _nn.leaky_relu_
linear = _nn.linear
logsigmoid = _nn.logsigmoid
max_pool1d = _nn.max_pool1d
max_pool2d = _nn.max_pool2d
max_pool3d = _nn.max_pool3d
mish = _nn.mish
mse_loss = _nn.mse_loss
nll_loss = _nn.nll_loss
one_hot = _nn.one_hot
pad = _nn.pad
prelu = _nn.prelu
relu = _nn.relu
relu6 = _nn.relu6
rms_norm = _nn.rms_norm
selu = _nn.selu
sigmoid = _nn.sigmoid
silu = _nn.silu
smooth_l1_loss = _nn.smooth_l1_loss
softplus = _nn.softplus
softshrink = _nn.softshrink
softsign = _nn.softsign
tanh = _nn.tanh
tanhshrink = _nn.tanhshrink
threshold = _nn.threshold

__all__ = [
    "adaptive_avg_pool1d",
    "adaptive_max_pool1d",
    "avg_pool1d",
    "avg_pool2d",
    "avg_pool3d",
    "batch_norm",
    "bilinear",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "celu",
    "conv1d",
    "conv2d",
    "conv3d",
    "conv_transpose1d",
    "conv_transpose2d",
    "conv_transpose3d",
    "cross_entropy",
    "dropout",
    "elu",
    "elu_",
    "gelu",
    "group_norm",
    "hardshrink",
    "hardsigmoid",
    "hardswish",
    "hardtanh",
    "hardtanh_",
    "huber_loss",
    "kl_div",
    "l1_loss",
    "layer_norm",
    "leaky_relu",
    "leaky_relu_",
    "linear",
    "logsigmoid",
    "max_pool1d",
    "max_pool2d",
    "max_pool3d",
    "mish",
    "mse_loss",
    "nll_loss",
    "one_hot",
    "pad",
    "prelu",
    "relu",
    "relu6",
    "relu_",
    "rms_norm",
    "selu",
    "sigmoid",
    "silu",
    "smooth_l1_loss",
    "softplus",
    "softshrink",
    "softsign",
    "tanh",
    "tanhshrink",
    "threshold",
]
__all__ += _activation.__all__
__all__ += _attention.__all__
__all__ += _ctc.__all__
__all__ += _distance.__all__
__all__ += _channel_dropout.__all__
__all__ += _lookup.__all__
__all__ += _resize.__all__
__all__ += _products.__all__
__all__ += _loss.__all__
__all__ += _norm.__all__
__all__ += _pooling.__all__
__all__ += _vision.__all__

for _name in __all__:
    if _inspect.isfunction(globals()[_name]):
        globals()[_name] = _explains_arguments(globals()[_name])
