# SPDX-License-Identifier: MIT
"""Packages of PyTorch's ecosystem run on plait; with ``--all`` a package that is not installed is a failure."""

from __future__ import annotations

import plait.compat

plait.compat.install()
