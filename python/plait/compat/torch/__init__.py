# SPDX-License-Identifier: MIT
"""plait under PyTorch's name."""

from __future__ import annotations

if __name__ != "torch":
    raise ImportError("plait.compat.torch is imported under the name torch alone: plait.compat.install(); import torch")

import sys

from plait.compat import _modules

_modules.rename_classes()

from torch.torch_version import __version__ as __version__  # noqa: E402

from plait.compat._names import *  # noqa: E402, F403  (what PyTorch's packages ask beyond plait)

_modules.extend(
    globals(), "plait", {"Future": "torch.futures", "ScriptFunction": "torch.jit", "ScriptModule": "torch.jit"}
)
torch = sys.modules["torch"]  # PyTorch has itself as a name too
from torch import __config__ as __config__  # noqa: E402  (extend() leaves names with two underscores alone)
