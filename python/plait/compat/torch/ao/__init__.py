# SPDX-License-Identifier: MIT
"""Where PyTorch keeps quantisation."""

from . import nn as nn
from . import quantization as quantization

__all__ = ["nn", "quantization"]
