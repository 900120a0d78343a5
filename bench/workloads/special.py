# SPDX-License-Identifier: MIT
"""Special functions, and random variables with their gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import Case, Data, workload

N = 1 << 18


def declare(name: str, arguments: Callable[[Data], tuple[Any, ...]], rtol: float = 1e-5) -> None:
    """A function of torch.special of 262,144 floats each."""

    @workload("op", f"special.{name}, 256k elements", rtol=rtol)
    def function(torch: Any, data: Data) -> Case:
        operands, f = arguments(data), getattr(torch.special, name)
        return Case(lambda: f(*operands))


declare("erfcx", lambda data: (data.normal(N),))
declare("ndtr", lambda data: (data.normal(N),))
declare("ndtri", lambda data: (data.uniform(N) * 0.98 + 0.01,))
declare("log_ndtr", lambda data: (data.normal(N),))
declare("erfinv", lambda data: (data.uniform(N) * 1.8 - 0.9,))
declare("entr", lambda data: (data.uniform(N),))
declare("xlog1py", lambda data: (data.uniform(N), data.uniform(N)))
declare("digamma", lambda data: (data.uniform(N) * 10 + 0.1,))
declare("gammaln", lambda data: (data.uniform(N) * 10 + 0.1,))
declare("zeta", lambda data: (data.uniform(N) + 1.5, data.uniform(N) + 1))
declare("gammainc", lambda data: (data.uniform(N) * 10 + 0.1, data.uniform(N) * 10))
declare("gammaincc", lambda data: (data.uniform(N) * 10 + 0.1, data.uniform(N) * 10))
declare("bessel_j0", lambda data: (data.normal(N) * 5,))
declare("bessel_y0", lambda data: (data.uniform(N) * 5 + 0.1,))
declare("i0", lambda data: (data.normal(N),))
declare("i1e", lambda data: (data.normal(N),))
declare("scaled_modified_bessel_k0", lambda data: (data.uniform(N) * 3 + 0.1,))
declare("airy_ai", lambda data: (data.normal(N) * 3,), rtol=1e-4)
declare("legendre_polynomial_p", lambda data: (data.uniform(N) * 2 - 1, data.integers(8, N) * 1.0))


# The gradient alone: the samples are given. PyTorch's has three digits.
def sample_gradient(torch: Any, name: str) -> Any:
    return getattr(torch if hasattr(torch, name) else torch._core._ops, name)


@workload("op", "gradient of gamma samples, 64k elements", rtol=1e-2)
def gamma_gradient(torch: Any, data: Data) -> Case:
    alpha, x, f = (
        data.uniform(1 << 16) * 5 + 0.1,
        data.uniform(1 << 16) * 5,
        sample_gradient(torch, "_standard_gamma_grad"),
    )
    return Case(lambda: f(alpha, x))


@workload("op", "gradient of Dirichlet samples, 16k x 4", rtol=1e-2)
def dirichlet_gradient(torch: Any, data: Data) -> Case:
    alpha, x, f = (
        data.uniform(1 << 14, 4) * 3 + 0.1,
        data.uniform(1 << 14, 4) + 0.05,
        sample_gradient(torch, "_dirichlet_grad"),
    )
    x, total = x / x.sum(-1, True), alpha.sum(-1, True).expand(1 << 14, 4)
    return Case(lambda: f(x, alpha, total))


# Random numbers differ: the check compares zeros.
@workload("op", "binomial samples of 100 trials, 64k elements")
def binomial(torch: Any, data: Data) -> Case:
    count, p = data.uniform(1 << 16) * 0 + 100, data.uniform(1 << 16)
    return Case(lambda: torch.binomial(count, p) * 0)


@workload("op", "Poisson samples of mean 20, 64k elements")
def poisson(torch: Any, data: Data) -> Case:
    rate = data.uniform(1 << 16) * 0 + 20
    return Case(lambda: torch.poisson(rate) * 0)
