# SPDX-License-Identifier: MIT
"""Timing of statements: repeated runs with a fixed number of threads, and tables that compare them."""

from .utils.common import *  # noqa: F403
from .utils.compare import *  # noqa: F403
from .utils.fuzzer import *  # noqa: F403
from .utils.timer import *  # noqa: F403
