# SPDX-License-Identifier: MIT
"""Parameters: numbers and tensors of one shape, probabilities and logits, triangles of matrices."""

from __future__ import annotations

import functools
from collections.abc import Callable
from numbers import Number
from typing import Any, Generic, TypeVar

from .. import _core
from .._core import ArgumentError, Tensor, _nn
from .._tensor import finfo
from ..autograd.grad_mode import enable_grad

__all__ = [
    "broadcast_all",
    "clamp_probs",
    "lazy_property",
    "logits_to_probs",
    "probs_to_logits",
    "tril_matrix_to_vec",
    "vec_to_tril_matrix",
]

euler_constant = 0.57721566490153286060
T = TypeVar("T")


def broadcast_all(*values: Any) -> tuple[Tensor, ...]:
    """Parameters as tensors of one shape.

    Args:
        values: numbers or tensors that broadcast against each other. Numbers take the dtype of the first tensor, or the
            default one where all are numbers.

    Returns:
        Tensors of one shape.

    Raises:
        ValueError: something that is neither a number nor a tensor.

    Example:
        >>> import plait
        >>> a, b = plait.distributions.utils.broadcast_all(0.0, plait.ones(2))
        >>> a
        tensor([0., 0.])
    """
    for v in values:
        if not isinstance(v, (Tensor, Number)):
            raise ArgumentError(f"broadcast_all: expected numbers and tensors, got {type(v).__name__}")
    first = next((v for v in values if isinstance(v, Tensor)), None)
    dtype = _core.get_default_dtype() if first is None else first.dtype
    full = [v if isinstance(v, Tensor) else _core.tensor(v, dtype=dtype) for v in values]
    return tuple(_core.broadcast_tensors(*full))


def only_one(name: str, **given: Any) -> None:
    """Raise unless exactly one parameter is given.

    Args:
        name: of the distribution, for the error.
        given: the parameters that exclude each other; None stands for one that is not given.

    Raises:
        ValueError: none or several.

    Example:
        >>> from plait.distributions.utils import only_one
        >>> only_one("Bernoulli", probs=0.5, logits=None)
    """
    present = [key for key, value in given.items() if value is not None]
    if len(present) != 1:
        names = " or ".join(given) if len(given) == 2 else "one of " + ", ".join(given)
        raise ArgumentError(f"{name}: expected {names}, got {' and '.join(present) or 'neither'}")


def clamp_probs(probs: Tensor) -> Tensor:
    """Probabilities moved into [eps, 1 - eps], so that their logits are finite.

    Args:
        probs: in [0, 1], floating point; eps is that of the dtype.

    Returns:
        The shape of ``probs``.

    Example:
        >>> import plait
        >>> bool(plait.distributions.utils.clamp_probs(plait.zeros(1)) > 0)
        True
    """
    eps = finfo(probs.dtype).eps
    return probs.clamp(eps, 1 - eps)


def logits_to_probs(logits: Tensor, is_binary: bool = False) -> Tensor:
    """Probabilities of logits.

    Args:
        logits: unnormalised log-probabilities along the last dimension; for ``is_binary`` log-odds.
        is_binary: whether each element is a probability of its own. Default: ``False``.

    Returns:
        The shape of ``logits``.

    Example:
        >>> import plait
        >>> plait.distributions.utils.logits_to_probs(plait.zeros(2))
        tensor([0.5000, 0.5000])
    """
    return logits.sigmoid() if is_binary else logits.softmax(-1)


def probs_to_logits(probs: Tensor, is_binary: bool = False) -> Tensor:
    """Logits of probabilities: their logarithms, or log-odds for ``is_binary``.

    Args:
        probs: in [0, 1]; see :func:`clamp_probs` for 0 and 1.
        is_binary: whether each element is a probability of its own. Default: ``False``.

    Returns:
        The shape of ``probs``.

    Example:
        >>> import plait
        >>> plait.distributions.utils.probs_to_logits(plait.tensor(0.5), is_binary=True)
        tensor(0.)
    """
    clamped = clamp_probs(probs)
    return clamped.log() - (-clamped).log1p() if is_binary else clamped.log()


class lazy_property(Generic[T]):
    """A property that is computed at first use and is an attribute from then on.

    Args:
        wrapped: the method.

    Example:
        >>> from plait.distributions.utils import lazy_property
        >>> class Circle:
        ...     @lazy_property
        ...     def area(self):
        ...         print("computing")
        ...         return 3.0
        ...
        >>> circle = Circle()
        >>> circle.area + circle.area
        computing
        6.0
    """

    def __init__(self, wrapped: Callable[[Any], T]) -> None:
        self.wrapped = wrapped
        functools.update_wrapper(self, wrapped)  # type: ignore[arg-type]

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        if instance is None:
            return self
        with enable_grad():
            value = self.wrapped(instance)
        setattr(instance, self.wrapped.__name__, value)
        return value


def tril_matrix_to_vec(mat: Tensor, diag: int = 0) -> Tensor:
    """The elements on and below a diagonal, row by row.

    Args:
        mat: (*, D, D).
        diag: the last diagonal that counts, 0 the main one. Default: 0.

    Returns:
        One more dimension less than ``mat`` has: (*, number of elements).

    Raises:
        ValueError: a diagonal outside the matrix.

    Example:
        >>> import plait
        >>> plait.distributions.utils.tril_matrix_to_vec(plait.tensor([[1, 2], [3, 4]]))
        tensor([1, 3, 4])
    """
    n = mat.shape[-1]
    if not -n <= diag < n:
        raise ArgumentError(f"tril_matrix_to_vec: expected diag in {-n}..{n - 1}, got {diag}")
    rows, columns = _core.tril_indices(n, n, diag)
    return mat[..., rows, columns]


def vec_to_tril_matrix(vec: Tensor, diag: int = 0) -> Tensor:
    """The matrix whose elements on and below a diagonal are given row by row; the others are 0.

    Args:
        vec: (*, number of elements).
        diag: the last diagonal that is filled, 0 the main one. Default: 0.

    Returns:
        (*, D, D).

    Raises:
        ValueError: a number of elements that no triangle has.

    Example:
        >>> import plait
        >>> plait.distributions.utils.vec_to_tril_matrix(plait.tensor([1, 3, 4]))
        tensor([[1, 0],
                [3, 4]])
    """
    count = vec.shape[-1]
    n = 0
    # Rows of a D x D triangle up to `diag` have max(0, min(D, row + 1 + diag)) elements.
    while (held := sum(max(0, min(n, row + 1 + diag)) for row in range(n))) < count:
        n += 1
    if held != count:
        raise ArgumentError(
            f"vec_to_tril_matrix: expected the elements of a triangle, got {count} with diag {diag}; "
            f"the next triangle has {held}"
        )
    rows, columns = _core.tril_indices(n, n, diag)
    return vec.new_zeros(*vec.shape[:-1], n * n).index_copy(-1, rows * n + columns, vec).reshape(*vec.shape[:-1], n, n)


def binary_entropy_with_logits(logits: Tensor, value: Tensor) -> Tensor:
    """The log-loss ``-(value log(p) + (1 - value) log(1 - p))`` with ``p = sigmoid(logits)``, elementwise.

    Args:
        logits: log-odds.
        value: in [0, 1]; it broadcasts against ``logits``.

    Returns:
        The shape of both.

    Example:
        >>> import plait
        >>> plait.distributions.utils.binary_entropy_with_logits(plait.zeros(()), plait.ones(()))
        tensor(0.6931)
    """
    logits, value = _core.broadcast_tensors(logits, value.to(logits.dtype))
    return _nn.binary_cross_entropy_with_logits(logits, value, reduction="none")


def _standard_normal(shape: Any, dtype: Any, device: Any = None) -> Tensor:
    return _core.randn(list(shape), dtype=dtype)


def _uniform_inside(shape: Any, dtype: Any) -> Tensor:
    """Uniform numbers of (0, 1), without 0 and 1."""
    info = finfo(dtype)
    return _core.rand(list(shape), dtype=dtype).clamp(info.tiny, 1 - info.eps / 2)


def _sum_rightmost(value: Tensor, dim: int) -> Tensor:
    """The sum over the last `dim` dimensions."""
    return value.sum(list(range(-dim, 0))) if dim else value
