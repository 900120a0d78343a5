# SPDX-License-Identifier: MIT
"""Where PyTorch keeps quantisation."""

from . import quantization as quantization

__all__ = ["quantization"]
