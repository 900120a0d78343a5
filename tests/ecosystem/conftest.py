# SPDX-License-Identifier: MIT
"""Packages of PyTorch's ecosystem run on plait; one file for each, skipped where it is not installed."""

from __future__ import annotations

import os

os.environ.setdefault("KERAS_BACKEND", "torch")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import plait.compat

plait.compat.install()
