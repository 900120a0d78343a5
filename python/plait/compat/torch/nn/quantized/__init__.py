# SPDX-License-Identifier: MIT
"""The older place of :mod:`torch.ao.nn.quantized`."""

from torch.ao.nn.quantized import FloatFunctional

__all__ = ["FloatFunctional"]
