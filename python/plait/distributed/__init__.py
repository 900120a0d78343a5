# SPDX-License-Identifier: MIT
"""Programs for many processes, in one: the group of all processes has one member, this process.

What the processes of a group do together (sums, means, copies) is then the identity, so that a program for many runs
as it stands. More processes than one are refused when the group begins.
"""

from __future__ import annotations

from . import _collectives, _group, _stores
from ._collectives import *  # noqa: F403
from ._group import *  # noqa: F403
from ._stores import *  # noqa: F403

__all__ = [*_collectives.__all__, *_group.__all__, *_stores.__all__]
