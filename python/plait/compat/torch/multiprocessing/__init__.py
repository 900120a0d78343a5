# SPDX-License-Identifier: MIT
"""``plait.multiprocessing`` and the modules that programs import from it."""

from plait.compat._modules import extend

extend(globals(), "plait.multiprocessing")
from plait.multiprocessing import *  # noqa: E402, F403

from . import reductions as reductions  # noqa: E402
from .reductions import init_reductions as init_reductions  # noqa: E402
from .spawn import spawn as spawn  # noqa: E402  (the function has the name, not the module)
