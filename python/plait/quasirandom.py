# SPDX-License-Identifier: MIT
"""Sobol sequences: points that fill the unit cube more evenly than random ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from . import _core
from ._core import ArgumentError, Tensor

__all__ = ["SobolEngine"]


def _directions(dimension: int, bits: int) -> np.ndarray:
    """The direction numbers (dimension, bits), the numbers ``m_j 2^(bits - j)`` of Joe and Kuo.

    With a polynomial of degree s and coefficients a,
    ``m_j = m_{j-s} ^ 2^s m_{j-s} ^ sum_k 2^k a_k m_{j-k}`` (xor), k from 1 to s - 1.
    """
    table = np.load(Path(__file__).with_name("_sobol_directions.npz"))
    numbers = np.ones((dimension, bits), np.int64)  # the first dimension: all 1
    for row, polynomial, start in zip(numbers[1:], table["polynomials"][1:].tolist(), table["starts"][1:]):
        degree = polynomial.bit_length() - 1
        row[:degree] = start[:degree]
        for j in range(degree, bits):
            new = row[j - degree] ^ (row[j - degree] << degree)
            for k in range(1, degree):
                if polynomial >> (degree - k) & 1:
                    new ^= row[j - k] << k
            row[j] = new
    return numbers << np.arange(bits - 1, -1, -1)


class SobolEngine:
    """A Sobol sequence in the unit cube, scrambled if wished.

    The sequence of Joe and Kuo ("Constructing Sobol sequences with better two-dimensional projections", SIAM J. Sci.
    Comput. 30, 2008), in the order of Gray codes. Scrambled are the digits, by a random lower triangular matrix and a
    random shift (Matousek, "On the L2-discrepancy for anchored boxes", J. Complexity 14, 1998).

    Args:
        dimension: of the points, from 1 to 1,111.
        scramble: whether to scramble. Default: False.
        seed: of the scrambling; None: the global generator. Default: None.

    Raises:
        ValueError: if ``dimension`` is out of range.

    Example:
        >>> import plait
        >>> plait.quasirandom.SobolEngine(dimension=2).draw(3)
        tensor([[0.0000, 0.0000],
                [0.5000, 0.5000],
                [0.7500, 0.2500]])
    """

    MAXBIT = 30
    MAXDIM = 1111

    def __init__(self, dimension: int, scramble: bool = False, seed: int | None = None) -> None:
        if not 1 <= dimension <= self.MAXDIM:
            raise ArgumentError(f"SobolEngine: expected a dimension from 1 to {self.MAXDIM}, got {dimension}")
        self.dimension, self.scramble, self.seed = dimension, scramble, seed
        numbers = _directions(dimension, self.MAXBIT)
        first = np.zeros(dimension, np.int64)
        if scramble:
            numbers, first = self._scrambled(numbers)
        self.sobolstate, self.shift = _core.from_numpy(numbers), _core.from_numpy(first)
        self.reset()

    def _scrambled(self, numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Multiply the digits of each number by a matrix of bits; and the first point."""
        bits = self.MAXBIT
        generator = None if self.seed is None else _core.Generator().manual_seed(self.seed)
        places = 1 << np.arange(bits, dtype=np.int64)
        first = _core.randint(2, (self.dimension, bits), generator=generator).numpy() @ places
        matrices = np.tril(_core.randint(2, (self.dimension, bits, bits), generator=generator).numpy(), -1)
        matrices += np.eye(bits, dtype=matrices.dtype)
        digits = numbers[:, None, :] >> np.arange(bits - 1, -1, -1)[:, None] & 1  # the most significant one first
        return np.einsum("dik,dkj->dij", matrices, digits).transpose(0, 2, 1) % 2 @ places[::-1], first

    def draw(self, n: int = 1, out: Tensor | None = None, dtype: Any = None) -> Tensor:
        """The next points.

        Args:
            n: how many. Default: 1.
            out: a tensor to write them into, resized. Default: None.
            dtype: floating point. Default: None, the default dtype.

        Returns:
            (n, dimension), from 0 (inclusive) to 1 (exclusive).

        Raises:
            ValueError: if ``n`` is negative, or the sequence ends before: it has 2^30 points.

        Example:
            >>> import plait
            >>> plait.quasirandom.SobolEngine(1).draw(4).flatten().tolist()
            [0.0, 0.5, 0.75, 0.25]
        """
        self._check("draw", n)
        count = _core.arange(self.num_generated, self.num_generated + n, dtype=_core.int64)
        points = self._points(count)
        self._advance(n)
        values = (points.double() / 2**self.MAXBIT).to(dtype or _core.get_default_dtype())
        if out is None:
            return values
        out.resize_(values.shape)
        return out.copy_(values)

    def _points(self, index: Tensor) -> Tensor:
        """(n, dimension): a point is the first one, changed by the directions that its Gray code names."""
        code = (index ^ (index >> 1)).unsqueeze(1)
        points = self.shift.expand(index.shape[0], self.dimension).clone()
        for bit in range(int(index[-1]).bit_length() if len(index) else 0):
            points ^= (code >> bit & 1) * self.sobolstate[:, bit]
        return points

    def _check(self, name: str, n: int) -> None:
        if n < 0 or self.num_generated + n > 2**self.MAXBIT:
            raise ArgumentError(
                f"SobolEngine.{name}: expected n from 0 to {2**self.MAXBIT - self.num_generated}, the points that are "
                f"left of 2^{self.MAXBIT}, got {n}"
            )

    def _advance(self, n: int) -> None:
        self.num_generated += n
        if n:
            self.quasi = self._points(_core.tensor([self.num_generated - 1]))[0]

    def draw_base2(self, m: int, out: Tensor | None = None, dtype: Any = None) -> Tensor:
        """The next ``2^m`` points, which keep the balance of the sequence.

        Args:
            m: the logarithm of how many.
            out: as for :meth:`draw`. Default: None.
            dtype: as for :meth:`draw`. Default: None.

        Raises:
            ValueError: if the number of points would then be no power of 2.

        Example:
            >>> import plait
            >>> plait.quasirandom.SobolEngine(3).draw_base2(4).mean(0).tolist()
            [0.46875, 0.46875, 0.46875]
        """
        total = self.num_generated + 2**m
        if total & (total - 1):
            raise ArgumentError(
                f"SobolEngine.draw_base2: expected 2^m to complete a power of 2, got m={m} after {self.num_generated} "
                "points\nhint: reset() begins again, draw(n) takes any number"
            )
        return self.draw(2**m, out, dtype)

    def reset(self) -> SobolEngine:
        """Begin again with the first point.

        Example:
            >>> import plait
            >>> engine = plait.quasirandom.SobolEngine(1)
            >>> bool((engine.draw(5) == engine.reset().draw(5)).all())
            True
        """
        self.quasi, self.num_generated = self.shift.clone(), 0
        return self

    def fast_forward(self, n: int) -> SobolEngine:
        """Leave out points.

        Args:
            n: how many.

        Raises:
            ValueError: as :meth:`draw`.

        Example:
            >>> import plait
            >>> plait.quasirandom.SobolEngine(1).fast_forward(2).draw(2).flatten().tolist()
            [0.75, 0.25]
        """
        self._check("fast_forward", n)
        self._advance(n)
        return self

    def __repr__(self) -> str:
        parts = [f"dimension={self.dimension}"]
        if self.scramble:
            parts.append("scramble=True")
        if self.seed is not None:
            parts.append(f"seed={self.seed}")
        return f"{type(self).__name__}({', '.join(parts)})"
