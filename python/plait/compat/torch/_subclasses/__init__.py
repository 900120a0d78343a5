# SPDX-License-Identifier: MIT
"""Classes of tensors that only a compiler makes."""

from .fake_tensor import FakeTensor, FakeTensorMode

__all__ = ["FakeTensor", "FakeTensorMode"]
