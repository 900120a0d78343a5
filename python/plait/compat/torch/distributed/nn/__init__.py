# SPDX-License-Identifier: MIT
"""What processes do together, with gradients."""

from . import functional as functional
from .functional import *  # noqa: F403
