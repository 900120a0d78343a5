# SPDX-License-Identifier: MIT
"""``plait.distributed``, whose group has one process, and more names that packages ask for."""

from __future__ import annotations

import datetime

from plait.compat._modules import extend

extend(globals(), "plait.distributed")
from plait.distributed import *  # noqa: E402, F403

from . import device_mesh as device_mesh  # noqa: E402
from .device_mesh import DeviceMesh as DeviceMesh  # noqa: E402
from .device_mesh import init_device_mesh as init_device_mesh  # noqa: E402

_all_gather_base = all_gather_into_tensor  # noqa: F405
_reduce_scatter_base = reduce_scatter_tensor  # noqa: F405
default_pg_timeout = datetime.timedelta(minutes=30)
DistError = RuntimeError


def is_available() -> bool:
    """False: packages take True for all of it, tensors and layers spread over several processes among them.

    A group of one process is there all the same, see ``plait.distributed``.
    """
    return False


def is_ucc_available() -> bool:
    """False."""
    return False


def is_xccl_available() -> bool:
    """False."""
    return False


def supports_complex(reduceOp: object) -> bool:
    """Whether complex numbers can be combined so: not by order or bits."""
    return str(reduceOp) in ("RedOpType.SUM", "RedOpType.AVG", "RedOpType.PRODUCT")
