# SPDX-License-Identifier: MIT
"""plait under PyTorch's name."""

from __future__ import annotations

if __name__ != "torch":
    raise ImportError("plait.compat.torch is imported under the name torch alone: plait.compat.install(); import torch")

import sys

from plait.compat import _modules

_modules.rename_classes()

from torch.futures import Future  # noqa: E402, F401
from torch.jit import ScriptFunction, ScriptModule  # noqa: E402, F401
from torch.torch_version import __version__ as __version__  # noqa: E402

from plait.compat._names import *  # noqa: E402, F403  (what PyTorch's packages ask beyond plait)

_modules.extend(globals(), "plait")
torch = sys.modules["torch"]  # PyTorch has itself as a name too

for _name in _modules.EAGER:
    __import__(f"torch.{_name}")
del _name
