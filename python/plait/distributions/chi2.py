# SPDX-License-Identifier: MIT
"""The chi-squared distribution."""

from __future__ import annotations

from .._core import Tensor
from . import constraints
from .gamma import Gamma
from .utils import broadcast_all

__all__ = ["Chi2"]


class Chi2(Gamma):
    """The sum of the squares of ``df`` normal numbers: ``Gamma(df / 2, 1 / 2)``.

    Args:
        df: the degrees of freedom, > 0.
        validate_args: whether arguments are checked. Default: as ``set_default_validate_args`` was told.

    Example:
        >>> import plait
        >>> plait.distributions.Chi2(plait.tensor(3.0)).variance
        tensor(6.)
    """

    arg_constraints = {"df": constraints.positive}
    _parameter_dims = Gamma._parameter_dims

    def __init__(self, df: Tensor | float, validate_args: bool | None = None) -> None:
        (df,) = broadcast_all(df)
        super().__init__(0.5 * df, 0.5, validate_args=validate_args)

    @property
    def df(self) -> Tensor:
        """The degrees of freedom."""
        return self.concentration * 2
