# SPDX-License-Identifier: MIT
"""The version of PyTorch whose names are here, and the version of plait that has them."""

from __future__ import annotations

from torch.torch_version import __version__ as __version__

from plait.version import __version__ as plait

__all__ = ["__version__", "cuda", "debug", "git_version", "hip", "plait", "xpu"]

cuda: str | None = None
hip: str | None = None
xpu: str | None = None
debug = False
git_version = "unknown"
