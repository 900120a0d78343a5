# SPDX-License-Identifier: MIT
"""``plait.serialization`` with the names of types and settings."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import IO, Any, TypeAlias

from plait.compat._modules import extend

FILE_LIKE: TypeAlias = str | os.PathLike[str] | IO[bytes]
MAP_LOCATION: TypeAlias = Callable[..., Any] | Any | str | dict[str, str] | None
DEFAULT_PROTOCOL = 2

extend(globals(), "plait.serialization")
