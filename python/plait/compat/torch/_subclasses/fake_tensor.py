# SPDX-License-Identifier: MIT
"""Tensors of a compiler, without data: there are none."""

__all__ = ["FakeTensor", "FakeTensorMode", "is_fake"]


class FakeTensor:
    """There is no object of this class."""


class FakeTensorMode:
    """There is no object of this class."""


def is_fake(x: object) -> bool:
    """False."""
    return False
