# SPDX-License-Identifier: MIT
"""One case of every distribution of numbers, beside SciPy's."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

import plait
import plait.distributions as D


@dataclass
class Case:
    """``make`` takes float64 tensors of the parameters; ``reference`` is SciPy's for one set of them."""

    name: str
    make: Any
    reference: Any
    parameters: list[tuple[float, ...]]
    discrete: bool = False

    def distribution(self, **options: Any) -> Any:
        columns = (plait.tensor(c, dtype=plait.float64) for c in zip(*self.parameters))
        return self.make(*columns, **options)

    def references(self) -> list[Any]:
        return [self.reference(*p) for p in self.parameters]


def _continuous_bernoulli(p: float) -> Any:
    class Reference(stats.rv_continuous):
        def _pdf(self, x: Any) -> Any:
            c = 2.0 if p == 0.5 else 2 * math.atanh(1 - 2 * p) / (1 - 2 * p)
            return c * p**x * (1 - p) ** (1 - x)

    return Reference(a=0.0, b=1.0)()


def _kumaraswamy(a: float, b: float) -> Any:
    class Reference(stats.rv_continuous):
        def _cdf(self, x: Any) -> Any:
            return 1 - (1 - x**a) ** b

        def _pdf(self, x: Any) -> Any:
            return a * b * x ** (a - 1) * (1 - x**a) ** (b - 1)

    return Reference(a=0.0, b=1.0)()


CASES = [
    Case("Bernoulli", D.Bernoulli, stats.bernoulli, [(0.2,), (0.7,)], True),
    Case("Beta", D.Beta, stats.beta, [(0.5, 2.0), (3.0, 1.5), (20.0, 30.0)]),
    Case("Binomial", D.Binomial, stats.binom, [(3.0, 0.2), (50.0, 0.9), (1000.0, 0.3)], True),
    Case("Cauchy", D.Cauchy, stats.cauchy, [(0.0, 1.0), (-2.0, 0.3)]),
    Case("Chi2", D.Chi2, stats.chi2, [(0.7,), (5.0,)]),
    Case("ContinuousBernoulli", D.ContinuousBernoulli, _continuous_bernoulli, [(0.1,), (0.5,), (0.8,)]),
    Case("Exponential", D.Exponential, lambda r: stats.expon(scale=1 / r), [(0.5,), (3.0,)]),
    Case("FisherSnedecor", D.FisherSnedecor, stats.f, [(3.0, 9.0), (1.5, 20.0)]),
    Case("Gamma", D.Gamma, lambda a, r: stats.gamma(a, scale=1 / r), [(0.3, 2.0), (1.0, 1.0), (7.0, 0.5)]),
    Case(
        "GeneralizedPareto",
        D.GeneralizedPareto,
        lambda loc, scale, c: stats.genpareto(c, loc, scale),
        [(0.0, 1.0, 0.0), (1.0, 2.0, 0.2), (-1.0, 0.5, -0.4)],
    ),
    Case("Geometric", D.Geometric, lambda p: stats.geom(p, loc=-1), [(0.2,), (0.7,)], True),
    Case("Gumbel", D.Gumbel, stats.gumbel_r, [(0.0, 1.0), (1.0, 3.0)]),
    Case("HalfCauchy", D.HalfCauchy, lambda s: stats.halfcauchy(scale=s), [(1.0,), (2.0,)]),
    Case("HalfNormal", D.HalfNormal, lambda s: stats.halfnorm(scale=s), [(1.0,), (2.0,)]),
    Case("InverseGamma", D.InverseGamma, lambda a, r: stats.invgamma(a, scale=r), [(3.0, 2.0), (6.0, 0.5)]),
    Case("Kumaraswamy", D.Kumaraswamy, _kumaraswamy, [(2.0, 1.5), (0.8, 2.0)]),
    Case("Laplace", D.Laplace, stats.laplace, [(0.0, 1.0), (1.0, 0.3)]),
    Case("LogNormal", D.LogNormal, lambda m, s: stats.lognorm(s, scale=math.exp(m)), [(0.0, 0.5), (1.0, 0.3)]),
    Case("NegativeBinomial", D.NegativeBinomial, lambda n, p: stats.nbinom(n, 1 - p), [(3.0, 0.4), (0.5, 0.7)], True),
    Case("Normal", D.Normal, stats.norm, [(0.0, 1.0), (-1.0, 2.5)]),
    Case("Pareto", D.Pareto, lambda s, a: stats.pareto(a, scale=s), [(1.0, 3.0), (2.0, 5.0)]),
    Case("Poisson", D.Poisson, stats.poisson, [(0.5,), (9.9,), (10.1,), (300.0,)], True),
    Case("StudentT", D.StudentT, stats.t, [(3.0, 0.0, 1.0), (9.0, 1.0, 2.0)]),
    Case("Uniform", D.Uniform, lambda a, b: stats.uniform(a, b - a), [(0.0, 1.0), (-3.0, 2.0)]),
    Case("VonMises", D.VonMises, lambda m, k: stats.vonmises(k, loc=m), [(0.0, 0.1), (1.0, 4.0), (-2.0, 80.0)]),
    Case("Weibull", D.Weibull, lambda s, k: stats.weibull_min(k, scale=s), [(1.0, 1.5), (2.0, 3.0)]),
]
BY_NAME = {case.name: case for case in CASES}


def points(case: Case, reference: Any, count: int = 9) -> np.ndarray:
    """Values where the distribution has probability, from the middle to the tails."""
    q = reference.ppf(np.linspace(0.02, 0.98, count))
    return np.unique(q) if case.discrete else q
