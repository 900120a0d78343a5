# SPDX-License-Identifier: MIT
"""Packages of PyTorch's ecosystem run on plait; each is skipped where it is not installed."""

from __future__ import annotations

import plait.compat

plait.compat.install()
