# SPDX-License-Identifier: MIT
"""Probability distributions: sampling, log-probabilities, entropies, divergences."""

from __future__ import annotations

from .bernoulli import Bernoulli, Geometric
from .categorical import Categorical, OneHotCategorical
from .distribution import Distribution, Independent
from .exponential import Exponential, Laplace
from .kl import kl_divergence, register_kl
from .normal import LogNormal, Normal
from .uniform import Uniform

__all__ = [
    "Bernoulli",
    "Categorical",
    "Distribution",
    "Exponential",
    "Geometric",
    "Independent",
    "Laplace",
    "LogNormal",
    "Normal",
    "OneHotCategorical",
    "Uniform",
    "kl_divergence",
    "register_kl",
]
