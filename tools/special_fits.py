# SPDX-License-Identifier: MIT
"""What the polynomials of the special functions approximate; fit_math.py fits and checks them.

Each entry is a function of x and the interval of x that t in [-1, 1] stands for. The error counts relative to the
function, or to `scale` where that is given.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import mpmath as mp

__all__ = ["SPECIAL", "Special"]

mp.mp.dps = 40  # zeros are computed when this module is imported
Real = Callable[[mp.mpf], mp.mpf]
INFINITY = mp.mpf(10) ** 60


@dataclass(frozen=True)
class Special:
    """f on the interval that `argument` maps [-1, 1] to, by `count` coefficients."""

    f: Real
    argument: Real
    count: int
    scale: Real | None = None


def between(low: float, high: float) -> Real:
    middle, half = (mp.mpf(low) + high) / 2, (mp.mpf(high) - low) / 2
    return lambda t: middle + half * t


def squares_below(high: float) -> Real:
    """t = 2 (x / high)^2 - 1"""
    return lambda t: high * mp.sqrt((t + 1) / 2)


def above(low: float) -> Real:
    """t = 2 low / x - 1"""
    return lambda t: 2 * mp.mpf(low) / (t + 1) if t > -1 else INFINITY


def squares_above(low: float) -> Real:
    """t = 2 (low / x)^2 - 1"""
    return lambda t: mp.mpf(low) * mp.sqrt(2 / (t + 1)) if t > -1 else INFINITY


def one(x: mp.mpf) -> mp.mpf:
    return mp.mpf(1)


# ---- Bessel functions


def scaled_i(order: int) -> Real:
    return lambda x: mp.exp(-x) * mp.sqrt(x) * mp.besseli(order, x)


def scaled_k(order: int) -> Real:
    return lambda x: mp.exp(x) * mp.sqrt(x) * mp.besselk(order, x)


def k0_regular(x: mp.mpf) -> mp.mpf:
    return mp.besselk(0, x) + mp.log(x / 2) * mp.besseli(0, x)


def k1_regular(x: mp.mpf) -> mp.mpf:
    return x * (mp.besselk(1, x) - mp.log(x / 2) * mp.besseli(1, x))


def y0_regular(x: mp.mpf) -> mp.mpf:
    return mp.bessely(0, x) - 2 / mp.pi * mp.log(x) * mp.besselj(0, x)


def y1_regular(x: mp.mpf) -> mp.mpf:
    return (mp.bessely(1, x) - 2 / mp.pi * (mp.log(x) * mp.besselj(1, x) - 1 / x)) / x


def j(order: int) -> Real:
    return lambda x: mp.besselj(order, x)


def y(order: int) -> Real:
    return lambda x: mp.bessely(order, x)


def beside(f: Real, zero: mp.mpf) -> Real:
    """f(x) / (x - zero)"""
    return lambda x: f(x) / (x - zero)


def hankel(order: int, part: int) -> Real:
    """P and x Q of sqrt(pi x / 2) (J + i Y) = (P + i Q) e^(i chi), chi = x - (2 order + 1) pi / 4 (DLMF 10.18)."""

    def f(x: mp.mpf) -> mp.mpf:
        chi, c = x - (2 * order + 1) * mp.pi / 4, mp.sqrt(mp.pi * x / 2)
        z = c * (mp.besselj(order, x) + 1j * mp.bessely(order, x)) * mp.exp(-1j * chi)
        return x * z.imag if part else z.real

    return f


# ---- Airy function


def zeta(x: mp.mpf) -> mp.mpf:
    return 2 * x ** mp.mpf("1.5") / 3


def of_zeta(argument: Real) -> Real:
    return lambda t: (3 * argument(t) / 2) ** (mp.mpf(2) / 3)


def scaled_airy(x: mp.mpf) -> mp.mpf:
    return mp.airyai(x) * mp.exp(zeta(x)) * mp.root(x, 4)


def airy_wave(part: int) -> Real:
    """P and zeta Q of sqrt(pi) x^(1/4) (Ai(-x) - i Bi(-x)) = (P + i Q) e^(i (zeta - pi / 4)) (DLMF 9.7)."""

    def f(x: mp.mpf) -> mp.mpf:
        z = mp.sqrt(mp.pi) * mp.root(x, 4) * (mp.airyai(-x) - 1j * mp.airybi(-x)) * mp.exp(-1j * (zeta(x) - mp.pi / 4))
        return zeta(x) * z.imag if part else z.real

    return f


# ---- Error and gamma functions


def scaled_erfc(x: mp.mpf) -> mp.mpf:
    if x > 100:  # the asymptotic series
        z = -1 / (2 * x * x)
        value = mp.fsum(mp.fac2(2 * k - 1) * z**k for k in range(1, 12)) + 1
        return value / (x * mp.sqrt(mp.pi))
    return mp.exp(x * x) * mp.erfc(x)


def erfcx_rest(x: mp.mpf) -> mp.mpf:
    return (1 + 2 * x) * scaled_erfc(x)


def shepherd_laframboise(t: mp.mpf) -> mp.mpf:
    """t = (x - 3.75) / (x + 3.75)"""
    return mp.mpf("3.75") * (1 + t) / (1 - t) if t < 1 else INFINITY


def lgamma1p_rest(a: mp.mpf) -> mp.mpf:
    return mp.loggamma(1 + a) / (a * (a - 1))


J_ZERO, Y_ZERO = mp.besseljzero, mp.besselyzero
SPECIAL = {
    "i0_far": Special(scaled_i(0), above(8), 23),
    "i1_far": Special(scaled_i(1), above(8), 23),
    "k0_near": Special(k0_regular, squares_below(2), 11, one),
    "k1_near": Special(k1_regular, squares_below(2), 11),
    "k0_far": Special(scaled_k(0), above(2), 24),
    "k1_far": Special(scaled_k(1), above(2), 24),
    "j0_near": Special(j(0), squares_below(1.2), 8),
    "j0_zero1": Special(beside(j(0), J_ZERO(0, 1)), between(1.2, 3.9), 17),
    "j0_zero2": Special(beside(j(0), J_ZERO(0, 2)), between(3.9, 7.1), 18),
    "j0_zero3": Special(beside(j(0), J_ZERO(0, 3)), between(7.1, 9.5), 15),
    "j1_near": Special(lambda x: mp.besselj(1, x) / x, squares_below(1.8), 9),
    "j1_zero1": Special(beside(j(1), J_ZERO(1, 1)), between(1.8, 5.4), 18),
    "j1_zero2": Special(beside(j(1), J_ZERO(1, 2)), between(5.4, 8.5), 18),
    "y0_near": Special(y0_regular, squares_below(0.5), 8, one),
    "y0_zero1": Special(beside(y(0), Y_ZERO(0, 1)), between(0.5, 1.4), 26),
    "y0_peak": Special(y(0), between(1.4, 2.8), 22),
    "y0_zero2": Special(beside(y(0), Y_ZERO(0, 2)), between(2.8, 5.4), 20),
    "y0_zero3": Special(beside(y(0), Y_ZERO(0, 3)), between(5.4, 8.6), 18),
    "y1_near": Special(y1_regular, squares_below(1.5), 10, one),
    "y1_zero1": Special(beside(y(1), Y_ZERO(1, 1)), between(1.5, 3.8), 26),
    "y1_zero2": Special(beside(y(1), Y_ZERO(1, 2)), between(3.8, 7.0), 20),
    "y1_zero3": Special(beside(y(1), Y_ZERO(1, 3)), between(7.0, 9.5), 16),
    "hankel_p0": Special(hankel(0, 0), squares_above(8.5), 12),
    "hankel_q0": Special(hankel(0, 1), squares_above(8.5), 14),
    "hankel_p1": Special(hankel(1, 0), squares_above(8.5), 12),
    "hankel_q1": Special(hankel(1, 1), squares_above(8.5), 14),
    "airy_middle": Special(mp.airyai, between(-1.2, 1.2), 20),
    "airy_right": Special(scaled_airy, between(1.2, 4), 28),
    "airy_far": Special(scaled_airy, of_zeta(above(16 / 3)), 16),  # zeta(4) = 16/3
    "airy_zero1": Special(beside(mp.airyai, mp.airyaizero(1)), between(-3.2, -1.2), 19),
    "airy_zero2": Special(beside(mp.airyai, mp.airyaizero(2)), between(-4.8, -3.2), 18),
    "airy_p": Special(airy_wave(0), of_zeta(squares_above(7)), 13),
    "airy_q": Special(airy_wave(1), of_zeta(squares_above(7)), 17),
    "erfcx": Special(erfcx_rest, shepherd_laframboise, 32),
    "lgamma1p": Special(lgamma1p_rest, between(0, 1), 21),
    "rgamma1p": Special(lambda a: mp.rgamma(1 + a), between(0, 1), 16),
}
