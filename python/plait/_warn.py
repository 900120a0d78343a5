# SPDX-License-Identifier: MIT
"""Warnings that point at the user's line."""

from __future__ import annotations

import os
import sys
import warnings

__all__ = ["warn_user"]

_PACKAGE = os.path.dirname(__file__) + os.sep


def warn_user(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn about a call of the package, at the line outside of it where the call came from.

    Args:
        message: what to say. Without what differs from call to call, so that it is said once per line.
        category: the kind of warning.
    """
    frame, depth = sys._getframe(1), 2
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame, depth = frame.f_back, depth + 1
    warnings.warn(message, category, stacklevel=depth)
