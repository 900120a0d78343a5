# SPDX-License-Identifier: MIT
"""Small real datasets."""

from .digits import Digits
from .mnist import KMNIST, MNIST, FashionMNIST

__all__ = ["KMNIST", "MNIST", "Digits", "FashionMNIST"]
