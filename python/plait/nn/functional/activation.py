# SPDX-License-Identifier: MIT
"""Activation functions beside the core's: random and gated ones, in-place forms, softmax with an implicit dim."""

from __future__ import annotations

from typing import Any

from ... import _core
from ..._core import ArgumentError, Tensor, _nn
from ..._warn import warn_user
from ._common import apply_inplace

__all__ = [
    "celu_",
    "glu",
    "gumbel_softmax",
    "log_softmax",
    "rrelu",
    "rrelu_",
    "selu_",
    "softmax",
    "softmin",
    "threshold_",
]


def celu_(input: Tensor, alpha: float = 1.0) -> Tensor:
    """``celu`` in place; returns ``input``.

    Example:
        >>> import plait
        >>> from plait.nn import functional as F
        >>> x = plait.tensor([-1.0, 2.0])
        >>> F.celu_(x)
        tensor([-0.6321,  2.0000])
    """
    return _nn.celu(input, alpha, inplace=True)


def selu_(input: Tensor) -> Tensor:
    """``selu`` in place; returns ``input``.

    Example:
        >>> import plait
        >>> from plait.nn import functional as F
        >>> F.selu_(plait.tensor([-1.0, 2.0]))
        tensor([-1.1113,  2.1014])
    """
    return _nn.selu(input, inplace=True)


def threshold_(input: Tensor, threshold: float, value: float) -> Tensor:
    """``threshold`` in place; returns ``input``.

    Example:
        >>> import plait
        >>> from plait.nn import functional as F
        >>> F.threshold_(plait.tensor([0.5, 2.0]), 1.0, 0.0)
        tensor([0., 2.])
    """
    return _nn.threshold(input, threshold, value, inplace=True)


def glu(input: Tensor, dim: int = -1) -> Tensor:
    """``a * sigmoid(b)`` for the two halves ``a, b`` of ``input`` along ``dim`` (Dauphin et al. 2016).

    Raises:
        ValueError: if the size along ``dim`` is odd, or ``input`` is 0-d.

    Example:
        >>> import plait
        >>> from plait.nn import functional as F
        >>> F.glu(plait.tensor([1.0, 2.0, 0.0, 0.0]))
        tensor([0.5000, 1.0000])
    """
    if input.dim() == 0:
        raise ArgumentError("glu: expected an input of at least one dimension, got a 0-d tensor")
    if input.size(dim) % 2:
        raise ArgumentError(
            f"glu: expected an even size along dim {dim}, got {input.size(dim)} in shape {tuple(input.shape)}"
        )
    a, b = input.chunk(2, dim)
    return a * b.sigmoid()


def rrelu(
    input: Tensor,
    lower: float = 1.0 / 8,
    upper: float = 1.0 / 3,
    training: bool = False,
    inplace: bool = False,
) -> Tensor:
    """Leaky ReLU with a random slope per element (Xu et al. 2015).

    Args:
        input: any shape, floating point.
        lower: lower end of the uniform distribution of the slopes. Default: 1/8.
        upper: upper end. Default: 1/3.
        training: whether slopes are drawn; otherwise the mean ``(lower + upper) / 2`` is used.
        inplace: whether ``input`` is overwritten. Default: ``False``.

    Raises:
        ValueError: if ``lower > upper``.

    Example:
        >>> import plait
        >>> from plait.nn import functional as F
        >>> F.rrelu(plait.tensor([-1.0, 2.0]), 0.1, 0.3)
        tensor([-0.2000,  2.0000])
    """
    if lower > upper:
        raise ArgumentError(f"rrelu: expected lower <= upper, got {lower} > {upper}")
    if not training:
        return _nn.leaky_relu(input, (lower + upper) / 2, inplace=inplace)
    slope = _core.empty_like(input).uniform_(lower, upper)
    return apply_inplace(lambda x: _core.where(x >= 0, x, x * slope), input, inplace)


def rrelu_(input: Tensor, lower: float = 1.0 / 8, upper: float = 1.0 / 3, training: bool = False) -> Tensor:
    """``rrelu`` in place; returns ``input``.

    Example:
        >>> import plait
        >>> from plait.nn import functional as F
        >>> F.rrelu_(plait.tensor([-1.0, 2.0]), 0.1, 0.3)
        tensor([-0.2000,  2.0000])
    """
    return rrelu(input, lower, upper, training, inplace=True)


def _implicit_dim(op: str, ndim: int) -> int:
    warn_user(f"{op}: implicit dimension choice is deprecated; pass dim=... explicitly")
    return 0 if ndim in (0, 1, 3) else 1


def softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """``exp(input) / sum(exp(input))`` along ``dim``, computed without overflow.

    Args:
        input: any shape, floating point.
        dim: the dimension that sums to 1. Left out, it is 0 for inputs of 0, 1 or 3 dimensions and 1
            otherwise, with a warning.
        dtype: convert the input to this dtype first. Default: keep it.

    Example:
        >>> import plait
        >>> from plait.nn import functional as F
        >>> F.softmax(plait.zeros(2, 4), dim=1)[0].tolist()
        [0.25, 0.25, 0.25, 0.25]
    """
    if dim is None:
        dim = _implicit_dim("softmax", input.dim())
    return input.softmax(dim) if dtype is None else input.softmax(dim, dtype=dtype)


def log_softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """``log(softmax(input, dim))`` in one stable step; arguments as for :func:`softmax`.

    Example:
        >>> import plait
        >>> from plait.nn import functional as F
        >>> F.log_softmax(plait.zeros(2), dim=0)
        tensor([-0.6931, -0.6931])
    """
    if dim is None:
        dim = _implicit_dim("log_softmax", input.dim())
    return input.log_softmax(dim) if dtype is None else input.log_softmax(dim, dtype=dtype)


def softmin(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """``softmax(-input, dim)``; arguments as for :func:`softmax`.

    Example:
        >>> import plait
        >>> from plait.nn import functional as F
        >>> F.softmin(plait.tensor([0.0, 1.0]), dim=0)
        tensor([0.7311, 0.2689])
    """
    if dim is None:
        dim = _implicit_dim("softmin", input.dim())
    return softmax(-input, dim, dtype=dtype)


def gumbel_softmax(logits: Tensor, tau: float = 1, hard: bool = False, eps: float = 1e-10, dim: int = -1) -> Tensor:
    """A differentiable sample from the categorical distribution of ``logits`` (Jang et al. 2016).

    Args:
        logits: unnormalised log probabilities, any shape.
        tau: temperature; the sample becomes one-hot as it goes to 0. Default: 1.
        hard: return exact one-hot vectors, with the gradient of the soft sample. Default: ``False``.
        eps: unused, accepted for existing programs.
        dim: the dimension of the categories. Default: -1.

    Example:
        >>> import plait
        >>> from plait.nn import functional as F
        >>> F.gumbel_softmax(plait.zeros(2, 3), hard=True).sum(1)
        tensor([1., 1.])
    """
    noise = -_core.empty_like(logits).exponential_().log()
    soft = softmax((logits + noise) / tau, dim)
    if not hard:
        return soft
    index = soft.max(dim, keepdim=True)[1]
    one_hot = _core.zeros_like(logits).scatter_(dim, index, 1.0)
    return one_hot - soft.detach() + soft
