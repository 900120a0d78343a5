# SPDX-License-Identifier: MIT
"""Automatic differentiation: backward passes, gradient modes, custom functions, numerical checks."""

from .._core import Node
from . import forward_ad, functional, graph
from .function import Function
from .grad_mode import enable_grad, inference_mode, no_grad, set_grad_enabled
from .gradcheck import GradcheckError, gradcheck, gradgradcheck
from .run import backward, detect_anomaly, grad, set_detect_anomaly
from .variable import Variable

__all__ = [
    "Function",
    "GradcheckError",
    "Node",
    "Variable",
    "backward",
    "detect_anomaly",
    "enable_grad",
    "forward_ad",
    "functional",
    "grad",
    "gradcheck",
    "gradgradcheck",
    "graph",
    "inference_mode",
    "no_grad",
    "set_detect_anomaly",
    "set_grad_enabled",
]
