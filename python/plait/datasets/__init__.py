# SPDX-License-Identifier: MIT
"""Small real datasets."""

from .cifar import CIFAR10, CIFAR100, CIFAR10Subset
from .digits import Digits
from .mnist import KMNIST, MNIST, FashionMNIST

__all__ = ["CIFAR10", "CIFAR100", "KMNIST", "MNIST", "CIFAR10Subset", "Digits", "FashionMNIST"]
