# SPDX-License-Identifier: MIT
"""The place of InstanceNorm layers in PyTorch."""

from __future__ import annotations

from plait.compat._modules import extend

extend(globals(), "plait.nn.modules.batchnorm")
