# SPDX-License-Identifier: MIT
"""The place of ChannelShuffle in PyTorch."""

from __future__ import annotations

from plait.compat._modules import extend

extend(globals(), "plait.nn.modules.pixelshuffle")
