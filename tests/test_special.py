# SPDX-License-Identifier: MIT
"""How exact the special functions are, in float64 against 40 digits, and what they do at the edges."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import plait
from plait import special

mp = pytest.importorskip("mpmath", reason="errors of a few units in the last place need more digits")
INF, NAN = math.inf, math.nan


def logs(low: float, high: float, n: int = 60) -> np.ndarray:
    return np.geomspace(low, high, n) * (1 + 1e-3 * np.sin(np.arange(n)))


def between(low: float, high: float, n: int = 60) -> np.ndarray:
    return low + (high - low) * np.modf(0.5 + np.arange(n) * 0.6180339887498949)[0]


def errors(got: np.ndarray, want: list[Any], scale: Callable | None, xs: list[tuple]) -> np.ndarray:
    """In units of the last place of the result, or of `scale`."""
    result = []
    for y, exact, x in zip(got, want, xs):
        size = abs(exact) if scale is None else scale(exact, *x)
        unit = mp.mpf(2) ** (mp.frexp(size)[1] - 53)
        result.append(float(abs(mp.mpf(float(y)) - exact) / unit))
    return np.array(result)


def check(name: str, reference: Callable, *operands: np.ndarray, ulp: float, scale: Callable | None = None) -> None:
    with mp.workdps(40):
        f = getattr(special, name, None) or getattr(plait._core._ops, name)
        got = f(*(plait.tensor(x, dtype=plait.float64) for x in operands)).numpy()
        xs = list(zip(*(map(mp.mpf, map(float, x)) for x in operands)))
        found = errors(got, [reference(*x) for x in xs], scale, xs)
    worst = int(np.argmax(found))
    assert found[worst] <= ulp, f"{name}{tuple(float(x[worst]) for x in operands)}: {found[worst]:.1f} ulp"


def amplitude(y: Any, x: Any) -> Any:
    return max(abs(y), mp.sqrt(2 / (mp.pi * abs(x))))


ZEROS = np.array([2.404825557695773, 5.520078110286311, 8.653727912911013, 3.8317059702075125, 7.015586669815619])


@pytest.mark.parametrize("order", [0, 1])
def test_bessel(order: int) -> None:
    near, far = np.concatenate([between(-8.5, 8.5), ZEROS, -ZEROS]), np.append(logs(9.6, 1e8), 1e15)
    check(f"bessel_j{order}", lambda x: mp.besselj(order, x), near, ulp=5)
    check(f"bessel_j{order}", lambda x: mp.besselj(order, x), far, ulp=5, scale=amplitude)
    near = np.concatenate([between(0, 8.5), logs(1e-300, 1), np.array([0.8935769662791675, 2.197141326031017])])
    check(f"bessel_y{order}", lambda x: mp.bessely(order, x), near[near > 0], ulp=5)
    check(f"bessel_y{order}", lambda x: mp.bessely(order, x), far, ulp=5, scale=amplitude)


@pytest.mark.parametrize("order", [0, 1])
def test_modified_bessel(order: int) -> None:
    x, positive = np.concatenate([between(-30, 30), logs(1e-5, 700)]), logs(1e-8, 650, 100)
    check(f"i{order}", lambda x: mp.besseli(order, x), x, ulp=6)
    check(f"i{order}e", lambda x: mp.besseli(order, x) * mp.exp(-abs(x)), x, ulp=6)
    check(f"modified_bessel_k{order}", lambda x: mp.besselk(order, x), positive, ulp=6)
    check(f"scaled_modified_bessel_k{order}", lambda x: mp.besselk(order, x) * mp.exp(x), positive, ulp=6)


def test_airy() -> None:
    check("airy_ai", mp.airyai, np.append(between(-4.8, 4.8, 100), [-2.338107410459767, -4.08794944413097]), ulp=4)
    check("airy_ai", mp.airyai, logs(4, 100), ulp=4)
    check("airy_ai", mp.airyai, -logs(4.8, 1e5), ulp=5, scale=lambda y, x: 1 / mp.sqrt(mp.pi) / mp.root(abs(x), 4))


def test_spherical_bessel() -> None:
    check("spherical_bessel_j0", mp.sinc, between(-3, 3), ulp=2)


def normal(x: Any) -> Any:
    return mp.erfc(-x / mp.sqrt(2)) / 2


def normal_inverse(p: Any) -> Any:
    x = mp.mpf(special.ndtri(plait.tensor(float(p), dtype=plait.float64)).item())
    for _ in range(3):
        error = normal(x) - p if x < 0 else (1 - p) - normal(-x)
        x -= error * mp.sqrt(2 * mp.pi) * mp.exp(x * x / 2)
    return x


def test_normal_distribution() -> None:
    check("erfcx", lambda x: mp.exp(x * x) * mp.erfc(x), np.concatenate([between(-26, 26), logs(1e-5, 1e4)]), ulp=5)
    check("ndtr", normal, between(-37, 8, 120), ulp=5)
    check(
        "log_ndtr",
        lambda x: mp.log1p(-normal(-x)) if x > 0 else mp.log(normal(x)),
        np.concatenate([between(-37, 12), -logs(1, 1e4)]),
        ulp=5,
    )
    near_half = 0.5 + logs(1e-10, 0.4)
    check("ndtri", normal_inverse, np.concatenate([between(0, 1), logs(1e-300, 0.9), near_half]), ulp=4)
    check("entr", lambda x: -x * mp.log(x), logs(1e-10, 10), ulp=2)
    check("xlog1py", lambda a, b: a * mp.log1p(b), logs(1e-3, 1e3), logs(1e-9, 1e9), ulp=3)


def test_digamma_beside_its_poles() -> None:
    check("digamma", mp.digamma, -logs(1e-300, 0.4, 120), ulp=4)
    check("digamma", mp.digamma, np.array([-1e-10, -5e-20, -1 - 1e-9, -7 + 1e-7]), ulp=4)
    check("digamma", mp.digamma, logs(1e-10, 1e5), ulp=8, scale=lambda y, x: max(abs(y), 1))
    assert special.digamma(plait.tensor([-1e-10])).item() == pytest.approx(1e10)


def test_zeta_and_polygamma() -> None:
    def zeta(s: Any, q: Any) -> Any:
        with mp.workdps(150):
            return mp.zeta(s, q)

    check("zeta", zeta, 1 + logs(1e-3, 50), logs(1e-2, 1e3)[::-1].copy(), ulp=10)
    x = plait.tensor([0.0, -1.0, -3.0, INF], dtype=plait.float64)
    assert plait.polygamma(2, x).tolist() == [-INF, -INF, -INF, 0.0]
    assert plait.polygamma(1, x).tolist() == [INF, INF, INF, 0.0]
    edges = [(1.0, 2.0, INF), (0.5, 2.0, NAN), (2.0, 0.0, INF), (2.0, -3.0, INF), (2.5, -0.5, NAN), (2.0, INF, 0.0)]
    for s, q, want in edges:
        got = special.zeta(plait.tensor(s, dtype=plait.float64), q).item()
        assert got == want or (math.isnan(got) and math.isnan(want)), (s, q)
    half = special.zeta(plait.tensor(2.0, dtype=plait.float64), -0.5).item()  # pi^2 / 2 + 4
    assert half == pytest.approx(math.pi**2 / 2 + 4, rel=1e-14)


# ---- Incomplete gamma function


def gamma_operands() -> tuple[np.ndarray, np.ndarray]:
    a = np.concatenate([logs(1e-3, 1e4), logs(1e-3, 30), logs(10, 1e5)])
    x = np.concatenate([logs(1e-3, 1e4) * logs(1e-2, 3)[::-1], logs(1e-6, 40)[::-1], logs(10, 1e5)])
    x[120:] += 3 * np.sqrt(x[120:]) * np.sin(np.arange(60))
    return a, x


def lower(a: Any, x: Any) -> Any:
    return mp.gammainc(a, 0, x, regularized=True)


def upper(a: Any, x: Any) -> Any:
    return mp.gammainc(a, x, mp.inf, regularized=True)


def lower_slope(a: Any, x: Any) -> Any:
    with mp.workdps(70):
        h = a * mp.mpf(10) ** -20
        if x < a:
            return (lower(a + h, x) - lower(a - h, x)) / (2 * h)
        return (upper(a - h, x) - upper(a + h, x)) / (2 * h)


@pytest.mark.parametrize(("name", "reference"), [("gammainc", lower), ("gammaincc", upper)])
def test_incomplete_gamma(name: str, reference: Callable) -> None:
    def scale(y: Any, a: Any, x: Any) -> Any:
        return abs(y) * (1 + abs(mp.log(abs(y)))) if abs(y) > 1e-290 else 1e-280

    check(name, reference, *gamma_operands(), ulp=20, scale=scale)


def test_gradients_of_the_incomplete_gamma_function() -> None:
    a, x = gamma_operands()

    def scale(y: Any, a: Any, x: Any) -> Any:
        return abs(y) * (1 + abs(mp.log(abs(y)))) if abs(y) > 1e-290 else 1e-280

    check("_gammainc_grad_a", lower_slope, a[::2], x[::2], ulp=20, scale=scale)
    density = lambda a, x: mp.exp((a - 1) * mp.log(x) - x - mp.loggamma(a))  # noqa: E731
    ratio = lambda a, x: -lower_slope(a, x) / density(a, x)  # noqa: E731
    check("_standard_gamma_grad", ratio, a[::2], x[::2], ulp=40)


@pytest.mark.parametrize(
    ("a", "x", "want"),
    [(0.0, 1.0, 1.0), (0.0, 0.0, NAN), (1.0, 0.0, 0.0), (-1.0, 1.0, NAN), (1.0, -1.0, NAN), (2.0, INF, 1.0),
     (INF, 2.0, 0.0), (INF, INF, NAN), (1e-300, 1e-300, 1.0), (1e10, 1e10, 0.5), (1e300, 1.0, 0.0)],
)  # fmt: skip
def test_edges_of_the_incomplete_gamma_function(a: float, x: float, want: float) -> None:
    p = special.gammainc(plait.tensor(a, dtype=plait.float64), x).item()
    q = special.gammaincc(plait.tensor(a, dtype=plait.float64), x).item()
    assert (math.isnan(p) and math.isnan(q)) if math.isnan(want) else abs(p - want) < 3e-6 and abs(p + q - 1) < 1e-15


# ---- Orthogonal polynomials

KINDS = {
    "t": lambda n, t: mp.cos(n * t),
    "u": lambda n, t: mp.sin((n + 1) * t) / mp.sin(t),
    "v": lambda n, t: mp.cos((n + 0.5) * t) / mp.cos(t / 2),
    "w": lambda n, t: mp.sin((n + 0.5) * t) / mp.sin(t / 2),
}


@pytest.mark.parametrize("kind", KINDS)
def test_chebyshev_of_every_degree(kind: str) -> None:
    x, n = between(-0.999, 0.999, 200), np.arange(200.0)
    check(f"chebyshev_polynomial_{kind}", lambda x, n: KINDS[kind](n, mp.acos(x)), x, n, ulp=2,
          scale=lambda y, x, n: (n + 1) ** (1 if kind == "t" else 2))  # fmt: skip
    f = getattr(special, f"chebyshev_polynomial_{kind}")
    for degree in (3, 63, 64, 65, 300):  # both forms, also outside [-1, 1]
        x = np.array([1.01, -1.02, 1.5, -1.3])
        want = [mp.re(KINDS[kind](degree, mp.acos(mp.mpc(v)))) for v in x]
        got = f(plait.tensor(x), degree).numpy()
        np.testing.assert_allclose(got, np.array([float(w) for w in want]), rtol=1e-11)
    ends = {"t": (1, 1), "u": (66, -66), "v": (1, 131 * -1), "w": (131, -1)}[kind]
    assert f(plait.tensor([1.0, -1.0]), 65).tolist() == [ends[0], ends[1] if kind != "t" else -1]
    assert f(plait.tensor([0.5]), -1).tolist() == [0.0]


def test_polynomials_of_huge_degree_end() -> None:
    x = plait.tensor([0.3, -2.0, 1.0])
    for name in special._native.__all__:
        if "polynomial" in name:
            assert getattr(special, name)(x, plait.tensor(1e300)).shape == (3,)


def test_names_and_aliases() -> None:
    assert special.psi is plait.digamma and special.gammaln is plait.lgamma and special.expit is plait.sigmoid
    x = plait.tensor([0.5, 2.0], requires_grad=True)
    assert plait.igamma(x, 1.0).tolist() == special.gammainc(x, 1.0).tolist()
    with pytest.raises(NotImplementedError, match="airy_ai"):
        special.airy_ai(x)
    with pytest.raises(NotImplementedError, match="zeta"):
        special.zeta(x, 1.0)
    with pytest.raises(TypeError, match="expected a tensor, got two numbers"):
        special.chebyshev_polynomial_t(0.5, 2)
    y = plait.tensor([3.0, 4.0])
    assert y.clone().polygamma_(1).tolist() == y.polygamma(1).tolist()
    with pytest.raises(ValueError, match="from 0 to 170"):
        y.polygamma_(-1)
