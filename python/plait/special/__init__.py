# SPDX-License-Identifier: MIT
"""Special functions: gamma, error, Bessel and Airy functions, orthogonal polynomials, statistics."""

from __future__ import annotations

from .._core import (
    digamma,
    erf,
    erfc,
    erfinv,
    exp2,
    expm1,
    i0,
    log1p,
    log_softmax,
    logit,
    logsumexp,
    polygamma,
    round,
    sinc,
    softmax,
    xlogy,
)
from .._core import digamma as psi
from .._core import lgamma as gammaln
from .._core import sigmoid as expit
from . import _native
from ._native import *  # noqa: F403

__all__ = [
    *_native.__all__,
    "digamma",
    "erf",
    "erfc",
    "erfinv",
    "exp2",
    "expit",
    "expm1",
    "gammaln",
    "i0",
    "log1p",
    "log_softmax",
    "logit",
    "logsumexp",
    "polygamma",
    "psi",
    "round",
    "sinc",
    "softmax",
    "xlogy",
]
