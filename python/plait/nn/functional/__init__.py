# SPDX-License-Identifier: MIT
"""Neural network operators as functions; usually imported as ``F``.

What has a kernel of its own comes from the core's op table (``_native``); the rest is composed of tensor operators.
"""

from __future__ import annotations

import inspect as _inspect

from ..._arguments import explains_arguments as _explains_arguments
from ..._core import relu_
from ..._docstrings import documented as _documented
from . import _native
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
from ._native import *  # noqa: F403
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

__all__ = ["relu_"]
__all__ += _native.__all__
__all__ += _activation.__all__
__all__ += _attention.__all__
__all__ += _channel_dropout.__all__
__all__ += _ctc.__all__
__all__ += _distance.__all__
__all__ += _lookup.__all__
__all__ += _loss.__all__
__all__ += _norm.__all__
__all__ += _pooling.__all__
__all__ += _products.__all__
__all__ += _resize.__all__
__all__ += _vision.__all__

for _name in __all__:
    if _inspect.isfunction(globals()[_name]):
        globals()[_name] = _documented(_explains_arguments(globals()[_name]))
