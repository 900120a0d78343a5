#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Write python/plait/_sobol_directions.npz from the table of Joe and Kuo.

``python tools/sobol_directions.py new-joe-kuo-6.21201``: the table that S. Joe and F. Y. Kuo publish with "Constructing
Sobol sequences with better two-dimensional projections" (SIAM J. Sci. Comput. 30, 2008). Its rows are the dimension,
the degree ``s`` of the primitive polynomial, its inner coefficients ``a``, and the numbers ``m_1 ... m_s``.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

DIMENSIONS = 1111  # all polynomials of degree 13 and less
TARGET = Path(__file__).parents[1] / "python" / "plait" / "_sobol_directions.npz"


def main() -> None:
    """Read the table that the argument names."""
    polynomials = np.ones(DIMENSIONS, np.uint16)
    starts = np.zeros((DIMENSIONS, 13), np.uint16)
    starts[0] = 1
    for line in Path(sys.argv[1]).read_text().splitlines()[1:]:
        dimension, degree, inner, *numbers = map(int, line.split())
        if dimension <= DIMENSIONS:
            polynomials[dimension - 1] = 2**degree + 2 * inner + 1
            starts[dimension - 1, :degree] = numbers
    np.savez_compressed(TARGET, polynomials=polynomials, starts=starts)


if __name__ == "__main__":
    main()
