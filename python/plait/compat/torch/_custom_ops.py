# SPDX-License-Identifier: MIT
"""The older names of :mod:`torch.library`."""

from torch.library import custom_op, impl, register_fake

__all__ = ["custom_op", "impl", "impl_abstract"]

impl_abstract = register_fake
