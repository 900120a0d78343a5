# SPDX-License-Identifier: MIT
"""Fits the polynomials of the headers of cpp/kernels/isa and of cpp/kernels/special, and checks those there.

    python tools/fit_math.py --check               # errors of the coefficients in the headers; 1 where one is too large
    python tools/fit_math.py exp_float erf_far     # coefficients from scratch, or of all fits without names

A table of coefficients in the headers is marked by a comment `// fit NAME: ERROR`; the polynomials that follow it are
the next call of poly() or the next table of pieces. ERROR bounds the approximation error, relative to the exact
function, in exact arithmetic: what rounding adds is measured by the accuracy tests. Fits are minimax by Remez' exchange
in 40 digits (Remez, 1934). The headers' coefficients were found by weighted least squares and rounded one by one, so
that a fit gives other digits of about the same error; those in the headers stay, because results keep their bits.

Needs mpmath.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import mpmath as mp
import numpy as np
from special_fits import SPECIAL

mp.mp.dps = 40
Real = Callable[[mp.mpf], mp.mpf]
KERNELS = Path(__file__).parents[1] / "cpp" / "kernels"
HEADERS = [*sorted((KERNELS / "isa").glob("*.h")), *sorted((KERNELS / "special").glob("*.cpp"))]
SLACK = 1.02  # ERROR is printed with two digits


@dataclass(frozen=True)
class Fit:
    """p(t) close to q(t) on [low, high]; |p - q| * weight(t) is the error relative to the function that p serves."""

    q: Real
    weight: Real
    low: mp.mpf
    high: mp.mpf
    count: int  # coefficients
    first: mp.mpf | None = None  # of a polynomial whose first coefficient is given

    def error(self, coefficients: list[mp.mpf], points: int = 400) -> mp.mpf:
        """The largest over nodes that are close at the ends, where errors of minimax polynomials lie."""
        return max(abs(mp.polyval(coefficients[::-1], t) - self.q(t)) * self.weight(t) for t in self.nodes(points))

    def nodes(self, points: int) -> list[mp.mpf]:
        middle, half = (self.low + self.high) / 2, (self.high - self.low) / 2
        return [middle - half * mp.cos(mp.pi * (i + mp.mpf(1) / 2) / points) for i in range(points)]

    def solve(self, points: int = 400) -> list[mp.mpf]:
        """The coefficients with the smallest largest error."""
        nodes, fixed = self.nodes(points), self.first is not None
        powers = range(int(fixed), self.count)
        target = [self.q(t) - (self.first or 0) for t in nodes]
        weight = [self.weight(t) for t in nodes]
        n = len(powers)
        at = [int((i + 0.5) * points / (n + 1)) for i in range(n + 1)]
        for _ in range(60):
            rows = [[nodes[i] ** p for p in powers] + [(-1) ** k / weight[i]] for k, i in enumerate(at)]
            solution = list(mp.lu_solve(mp.matrix(rows), mp.matrix([target[i] for i in at])))[:n]
            errors = [
                (mp.fsum(c * t**p for c, p in zip(solution, powers)) - y) * w for t, y, w in zip(nodes, target, weight)
            ]
            peaks = alternating_peaks(errors, n + 1)
            if peaks in (at, None):
                break
            at = peaks
        return [self.first, *solution] if fixed else solution


def alternating_peaks(errors: list[mp.mpf], count: int) -> list[int] | None:
    """The places of `count` extrema of alternating sign; None where there are fewer."""
    runs: list[list[int]] = [[0]]
    for i in range(1, len(errors)):
        if (errors[i] > 0) == (errors[i - 1] > 0):
            runs[-1].append(i)
        else:
            runs.append([i])
    peaks = [max(run, key=lambda i: abs(errors[i])) for run in runs]
    while len(peaks) > count:
        peaks.pop(0 if abs(errors[peaks[0]]) < abs(errors[peaks[-1]]) else -1)
    return peaks if len(peaks) == count else None


# ---------------------------------------------------------------- the functions


def real(x: float | str) -> mp.mpf:
    return mp.mpf(x)


def taylor(term: Callable[[int], mp.mpf]) -> Real:
    """The sum of term(k) t^k, for functions whose closed form cancels near 0."""
    terms = [term(k) for k in range(60)]
    return lambda t: mp.polyval(terms[::-1], t)


HALF_LN2, EIGHTH_TURN = mp.log(2) / 2, mp.pi / 4
exp_rest = taylor(lambda k: 1 / mp.factorial(k + 2))  # (e^r - 1 - r) / r^2
log_rest = taylor(lambda k: (-1) ** k / mp.mpf(k + 3))  # (log(1 + f) - f + f^2 / 2) / f^3 for |f| < 1/2
atanh_rest = taylor(lambda k: 2 / mp.mpf(2 * k + 3))  # (2 atanh(s) / s - 2) / z
asin_rest = taylor(lambda k: mp.binomial(2 * k + 2, k + 1) / mp.mpf(4) ** (k + 1) / (2 * k + 3))
sin_rest = taylor(lambda k: (-1) ** (k + 1) / mp.factorial(2 * k + 3))  # (sin(r) / r - 1) / z
cos_rest = taylor(lambda k: (-1) ** k / mp.factorial(2 * k + 4))  # (cos(r) - 1 + z / 2) / z^2
sinh_rest = taylor(lambda k: 1 / mp.factorial(2 * k + 3))


def odd_rest(f: Real, limit: float) -> Real:
    """(f(x) / x - 1) / z as a function of z = x^2, whose value at 0 is `limit`."""

    def rest(z: mp.mpf) -> mp.mpf:
        x = mp.sqrt(z)
        return (f(x) / x - 1) / z if z > 1e-12 else mp.mpf(limit)

    return rest


def odd(q: Real, f: Real, high: mp.mpf, count: int) -> Fit:
    """f(x) = x (1 + z q(z)), z = x^2 up to high^2."""
    return Fit(q, lambda z: z * mp.sqrt(z) / f(mp.sqrt(z)), mp.mpf(0), high**2, count)


def exponential(count: int, first: mp.mpf | None = None) -> Fit:
    return Fit(exp_rest, lambda r: r * r / mp.exp(r), -HALF_LN2, HALF_LN2, count, first)


def double_atanh(high: mp.mpf, count: int) -> Fit:
    """log(1 + f) = 2 atanh(s) = s (2 + z q(z)) for s = f / (2 + f) up to `high`, z = s^2."""
    return Fit(atanh_rest, lambda z: z / 2, mp.mpf(0), high**2, count)


def normal_tail(a: mp.mpf) -> mp.mpf:
    """P(Z <= -a) of the standard normal distribution."""
    return mp.erfc(a / mp.sqrt(2)) / 2


def gelu_grad_tail(a: mp.mpf) -> mp.mpf:
    return normal_tail(a) - a * mp.npdf(a)


def far_tail(u: mp.mpf) -> mp.mpf:
    """a e^(a^2 / 2) P(Z <= -a) where u = 1 / (a^2 + 3.75)."""
    a = mp.sqrt(1 / u - real("3.75"))
    return a * mp.exp(a * a / 2) * normal_tail(a)


def inverse_erf(of_argument: Callable[[mp.mpf], mp.mpf], low: float, high: float, count: int) -> Fit:
    """erfinv(y) / y, where of_argument(t) is w = -log(1 - y^2)."""

    def ratio(t: mp.mpf) -> mp.mpf:
        y = mp.sqrt(-mp.expm1(-of_argument(t)))
        return mp.erfinv(y) / y if y > 0 else mp.sqrt(mp.pi) / 2

    return Fit(ratio, lambda t: 1 / ratio(t), real(low), real(high), count)


FITS = {
    "exp_float": exponential(5, real("0.5")),
    "exp_double": exponential(10),
    "exp_pow": exponential(6),
    "log1p_float": Fit(
        log_rest, lambda f: abs(f**3 / mp.log1p(f)) if f else f, mp.sqrt(0.5) - 1, mp.sqrt(2) - 1, 8
    ),
    "log1p_double": double_atanh((mp.sqrt(2) - 1) / (mp.sqrt(2) + 1), 7),
    "log_of_float": double_atanh((mp.sqrt(2) - 1) / (mp.sqrt(2) + 1), 4),
    # log(1 + e) = 2 s + 2 s z p(z) for e up to 1
    "log1p_unit": Fit(lambda z: atanh_rest(z) / 2, lambda z: z, real(0), real(1) / 9, 4),
    "tanh_float": odd(odd_rest(mp.tanh, -1 / 3), mp.tanh, real("0.625"), 5),
    "sinh_float": odd(sinh_rest, mp.sinh, real(1), 4),
    "sin_float": odd(sin_rest, mp.sin, EIGHTH_TURN, 3),
    "sin_of_float": odd(sin_rest, mp.sin, EIGHTH_TURN, 4),
    "cos_float": Fit(cos_rest, lambda z: z * z / mp.cos(mp.sqrt(z)), real(0), EIGHTH_TURN**2, 3),
    "cos_of_float": Fit(cos_rest, lambda z: z * z / mp.cos(mp.sqrt(z)), real(0), EIGHTH_TURN**2, 4),
    "asin_of_float": odd(asin_rest, mp.asin, real("0.5"), 6),
    "atan_float": odd(odd_rest(mp.atan, -1 / 3), mp.atan, real(1), 9),
    "erf_near": Fit(
        lambda z: mp.erf(mp.sqrt(z)) / mp.sqrt(z) - 1,
        lambda z: mp.sqrt(z) / mp.erf(mp.sqrt(z)), real("1e-12"), real("0.81"), 7,
    ),
    # erf(a) = 1 - e^(-a q(a)): an error of q counts a erfc(a) times
    "erf_far": Fit(
        lambda a: -mp.log(mp.erfc(a)) / a, lambda a: a * mp.erfc(a) / mp.erf(a), real("0.9"), real(4), 7
    ),
    "far_tail": Fit(far_tail, lambda u: 1 / far_tail(u), 1 / real(14.6**2 + 3.75), 1 / real(9 + 3.75), 6),
    "erfinv_near": inverse_erf(lambda t: t + real("3.125"), -3.125, 3.125, 23),
    "erfinv_middle": inverse_erf(lambda t: (t + real("3.25")) ** 2, -0.75, 0.75, 19),
    "erfinv_far": inverse_erf(lambda t: (t + 5) ** 2, -1, 1, 17),
}  # fmt: skip


def special_fit(name: str) -> Fit:
    """An entry of SPECIAL; the argument is t in [-1, 1]."""
    f, argument, scale = SPECIAL[name].f, SPECIAL[name].argument, SPECIAL[name].scale
    return Fit(
        lambda t: f(argument(t)),
        lambda t: 1 / abs((scale or f)(argument(t))),
        mp.mpf(-1),
        mp.mpf(1),
        SPECIAL[name].count,
    )


FITS |= {name: special_fit(name) for name in SPECIAL}

# Evaluated in float32, whose compiler rounds the coefficients; the others in double.
SINGLE = {
    "exp_float", "log1p_float", "log1p_unit", "tanh_float", "sinh_float", "sin_float", "cos_float", "atan_float",
    "erf_near", "erf_far", "far_tail",
}  # fmt: skip

# Tables of eight pieces over [0, end): each is a polynomial in a - center.
PIECES: dict[str, Real] = {"normal_tail": normal_tail, "gelu_grad_tail": gelu_grad_tail, "erfc_near": mp.erfc}
ZERO = 0.05  # where |gelu_grad_tail| is smaller, near its zero at 0.75, the absolute error counts


def piece(name: str, number: int, end: float, center: float) -> Fit:
    f, width = PIECES[name], real(end) / 8
    least = ZERO if name == "gelu_grad_tail" else 0
    return Fit(
        lambda h: f(center + h),
        lambda h: 1 / max(abs(f(center + h)), least),
        number * width - center,
        (number + 1) * width - center,
        8,
    )


# ---------------------------------------------------------------- the headers

NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d*)?(?:e[+-]?\d+)?(?:\s*/\s*\d+)?(?=f?\b)", re.IGNORECASE)
MARK = re.compile(r"// fit (\w+): ([\d.e+-]+)")


@dataclass(frozen=True)
class Table:
    """The coefficients behind a mark of a header, as they are written."""

    name: str
    bound: float
    numbers: list[str]


def tables() -> Iterator[Table]:
    for header in HEADERS:
        text = header.read_text()
        for mark in MARK.finditer(text):
            name, rest = mark[1], text[mark.end() :]
            if name in PIECES or name in SPECIAL:
                body = rest[rest.index("= {") : rest.index("};")]
                numbers = NUMBER.findall(body)
            else:
                body = closed(rest[rest.index("poly(") + len("poly") :])
                numbers = NUMBER.findall(body)[-FITS[name].count :]  # the argument may hold a number too
            yield Table(name, float(mark[2]), numbers)


def closed(text: str) -> str:
    """What stands in the parentheses at the start of the text."""
    depth = 0
    for i, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if depth == 0:
            return text[1:i]
    raise ValueError("expected a closing parenthesis")


def measured(table: Table) -> mp.mpf:
    """The error of a header's coefficients."""
    single = table.name in SINGLE or table.name in PIECES
    values = [real(float(np.float32(x)) if single else float(x)) for x in table.numbers]
    if table.name not in PIECES:
        return FITS[table.name].error(values, 50 if table.name in SPECIAL else 400)
    end, centers, columns = values[0], values[1:9], values[9:]
    fits = [piece(table.name, i, end, centers[i]) for i in range(8)]
    return max(f.error(columns[i::8], 100) for i, f in enumerate(fits))


def check() -> list[str]:
    """Prints every table's error; the names of those that pass their bounds or are missing."""
    wrong, seen = [], set()
    for table in tables():
        error = measured(table)
        seen.add(table.name)
        good = error <= table.bound * SLACK
        print(f"{table.name:16} {len(table.numbers):3} numbers  error {mp.nstr(error, 3):>9}  stated {table.bound:g}"
              + ("" if good else "  TOO LARGE"))  # fmt: skip
        if not good:
            wrong.append(table.name)
    return wrong + sorted((FITS.keys() | PIECES.keys()) - seen)


def print_fit(name: str) -> None:
    if name not in PIECES:
        fit = FITS[name]
        coefficients = fit.solve(200 if name in SPECIAL else 400)
        print(f"{name}: {fit.count} coefficients on [{mp.nstr(fit.low, 6)}, {mp.nstr(fit.high, 6)}], "
              f"error {mp.nstr(fit.error(coefficients), 3)}")  # fmt: skip
        print("  ", ", ".join(mp.nstr(c, 17) for c in coefficients))
        return
    (table,) = (t for t in tables() if t.name == name)
    end, centers = float(table.numbers[0]), [real(float(np.float32(x))) for x in table.numbers[1:9]]
    for i, center in enumerate(centers):
        fit = piece(name, i, end, center)
        coefficients = fit.solve(200)
        print(f"{name} {i}: around {mp.nstr(center, 9)}, error {mp.nstr(fit.error(coefficients, 100), 3)}")
        print("  ", ", ".join(mp.nstr(c, 9) for c in coefficients))


def main() -> int:
    parser = argparse.ArgumentParser(description="Fits and checks the polynomials of the elementary functions.")
    parser.add_argument("names", nargs="*", help="fits to print; all by default")
    parser.add_argument("--check", action="store_true", help="check the coefficients in the headers")
    args = parser.parse_args()
    if args.check:
        wrong = check()
        print("wrong or missing: " + ", ".join(wrong) if wrong else "all within their bounds")
        return 1 if wrong else 0
    for name in args.names or [*FITS, *PIECES]:
        print_fit(name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
