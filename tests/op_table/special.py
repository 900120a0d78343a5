# SPDX-License-Identifier: MIT
"""Special functions, against SciPy. How exact they are is tested in test_special.py, against more digits."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from scipy import special

from .spec import FLOATS, NUMBERS, Gen, OpSpec, Sample, bad, case
from .unary import to_float

S = "special."


def function(name: str, ref: Callable, **options: Any) -> OpSpec:
    """An entry of plait.special with one operand."""
    return to_float(S + name, ref, **({"variants": "fo", "tol": 16, "scale": 1.0} | options))


def pairs(*, degrees: bool = False, numbers: bool = True) -> Callable[[Gen], Iterable[Sample]]:
    """Two operands that broadcast; the second one may be a degree."""

    def samples(g: Gen) -> Iterable[Sample]:
        def second(*shape: int) -> np.ndarray:
            return g.ints(*shape, hi=9) if degrees else g(*shape, lo=0.3, hi=5.0)

        yield case(g(), second())
        for n in (0, 1, 7, 33):
            yield case(g(n), second(n))
        yield case(g(4, 1), second(5))
        yield case(g(2, 0, 3), second(3))
        if numbers:
            yield case(g(7), 2 if degrees else 1.5)

    return samples


def pair(name: str, ref: Callable, *, degrees: bool = False, **options: Any) -> OpSpec:
    defaults: dict[str, Any] = {
        "samples": pairs(degrees=degrees),
        "large": lambda g: [case(g(301, 99), g.ints(99, hi=9) if degrees else g(99, lo=0.3, hi=5.0))],
        "dtypes": FLOATS, "out": "float", "variants": "fo", "pointwise": True, "tol": 16, "scale": 1.0,
        "nograd": (1,) if degrees else (), "domain": (-2.0, 2.0) if degrees else (0.3, 5.0),
    }  # fmt: skip
    return OpSpec(name if name.startswith("igamma") else S + name, ref, **(defaults | options))


def chebyshev(kind: str, shifted: bool = False) -> Callable:
    evaluate = {
        "t": special.eval_chebyt, "u": special.eval_chebyu,
        "v": lambda n, x: special.eval_chebyu(n, x) - np.where(n > 0, special.eval_chebyu(n - 1, x), 0),
        "w": lambda n, x: special.eval_chebyu(n, x) + np.where(n > 0, special.eval_chebyu(n - 1, x), 0),
    }[kind]  # fmt: skip
    return lambda x, n: evaluate(n, 2 * x - 1 if shifted else x)


def polynomial(name: str, evaluate: Callable, **options: Any) -> OpSpec:
    return pair(name, lambda x, n: evaluate(n, x), **({"degrees": True, "grad": False, "tol": 1e3} | options))


def mvlgamma(x: np.ndarray, p: int) -> np.ndarray:
    return p * (p - 1) / 4 * np.log(np.pi) + sum(special.gammaln(x - j / 2) for j in range(p))


def mvlgamma_samples(g: Gen) -> Iterable[Sample]:
    for p in (1, 3):
        for shape in ((), (7,), (0,), (2, 3)):
            yield case(g(*shape), p)


def decaying(f: Callable) -> Callable:
    """f, whose limits at the infinities are 0."""
    return lambda x: np.where(np.isinf(x), 0.0 * f(np.sign(x)), f(x))  # 0, or NaN left of the domain


def growing(f: Callable) -> Callable:
    """f, whose limits at the infinities are infinite."""
    return lambda x: np.where(np.isinf(x), np.inf * f(np.sign(x)), f(x))


POSITIVE = {"domain": (0.2, 9.0)}
SPECS = [
    function("airy_ai", decaying(lambda x: special.airy(x)[0]), grad=False),
    function("bessel_j0", decaying(special.j0)),
    function("bessel_j1", decaying(special.j1)),
    function("bessel_y0", decaying(special.y0), **POSITIVE),
    function("bessel_y1", decaying(special.y1), **POSITIVE),
    to_float("i0", growing(special.i0), tol=16),
    function("i0e", special.i0e),
    function("i1", growing(special.i1), scale=None),
    function("i1e", special.i1e),
    function("modified_bessel_i0", growing(special.i0), scale=None),
    function("modified_bessel_i1", growing(special.i1), scale=None),
    function("modified_bessel_k0", special.k0, scale=None, **POSITIVE),
    function("modified_bessel_k1", special.k1, scale=None, **POSITIVE),
    function("scaled_modified_bessel_k0", special.k0e, scale=None, **POSITIVE),
    function("scaled_modified_bessel_k1", special.k1e, scale=None, **POSITIVE),
    function("spherical_bessel_j0", lambda x: special.spherical_jn(0, x)),
    function("erfcx", special.erfcx, scale=None),
    function("ndtr", special.ndtr),
    function("log_ndtr", special.log_ndtr),
    function("ndtri", special.ndtri, domain=(0.05, 0.95)),
    function("entr", special.entr, **POSITIVE),
    pair("xlog1py", special.xlog1py, nograd=()),
    pair("zeta", special.zeta, domain=(1.2, 5.0), nograd=(0,), samples=pairs(numbers=False)),
    *(
        pair(name, ref, tol=64, variants=variants, samples=pairs(numbers=False), **options)
        for name, ref, variants in (
            ("gammainc", special.gammainc, "fo"), ("gammaincc", special.gammaincc, "fo"),
            ("igamma", special.gammainc, "fmio"), ("igammac", special.gammaincc, "fmio"),
        )
        for options in ({"nograd": (0,)}, {"gradgrad": False, "large": None})  # in the first operand: once
    ),
    polynomial("chebyshev_polynomial_t", special.eval_chebyt, grad=True),
    polynomial("shifted_chebyshev_polynomial_t", lambda n, x: special.eval_chebyt(n, 2 * x - 1), grad=True, tol=1e6),
    *(pair(f"chebyshev_polynomial_{k}", chebyshev(k), degrees=True, grad=False, tol=1e3) for k in "uvw"),
    *(
        pair(f"shifted_chebyshev_polynomial_{k}", chebyshev(k, True), degrees=True, grad=False, tol=1e6)
        for k in "uvw"
    ),
    polynomial("hermite_polynomial_h", special.eval_hermite, grad=True),
    polynomial("hermite_polynomial_he", special.eval_hermitenorm, grad=True),
    polynomial("laguerre_polynomial_l", special.eval_laguerre),
    polynomial("legendre_polynomial_p", special.eval_legendre),
    *(
        OpSpec(
            name, mvlgamma, mvlgamma_samples, dtypes=NUMBERS, out="float", int_ref_float=True, domain=(2.0, 6.0),
            tol=16, scale=1.0, variants=variants, pointwise=True,
            errors=lambda: [bad(ValueError, "mvlgamma.*at least 1, got 0", np.ones(3), 0)],
        )
        for name, variants in (("mvlgamma", "fmio"), (S + "multigammaln", "fo"))
    ),
]  # fmt: skip
