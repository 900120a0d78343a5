# SPDX-License-Identifier: MIT
"""Initial values of parameters. Every function fills a tensor in place, without autograd, and returns it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from .. import _core
from .._core import ArgumentError, Tensor
from .._warn import warn_user
from ..autograd.grad_mode import no_grad

__all__ = [
    "calculate_gain",
    "constant",
    "constant_",
    "dirac",
    "dirac_",
    "eye",
    "eye_",
    "kaiming_normal",
    "kaiming_normal_",
    "kaiming_uniform",
    "kaiming_uniform_",
    "normal",
    "normal_",
    "ones_",
    "orthogonal",
    "orthogonal_",
    "sparse",
    "sparse_",
    "trunc_normal_",
    "uniform",
    "uniform_",
    "xavier_normal",
    "xavier_normal_",
    "xavier_uniform",
    "xavier_uniform_",
    "zeros_",
]

_LINEAR = (
    "linear",
    "conv1d",
    "conv2d",
    "conv3d",
    "conv_transpose1d",
    "conv_transpose2d",
    "conv_transpose3d",
    "sigmoid",
)


def calculate_gain(nonlinearity: str, param: int | float | None = None) -> float:
    """The factor by which weights are scaled so that a nonlinearity keeps the variance of its input.

    1 for linear maps and ``sigmoid``, 5/3 for ``tanh``, sqrt(2) for ``relu``, sqrt(2 / (1 + slope ** 2)) for
    ``leaky_relu``, 3/4 for ``selu``.

    Args:
        nonlinearity: its name in ``plait.nn.functional``.
        param: the negative slope of ``leaky_relu``. Default: 0.01.

    Raises:
        ValueError: if the nonlinearity is unknown or ``param`` is no number.

    Example:
        >>> from plait import nn
        >>> nn.init.calculate_gain("leaky_relu", 1.0)
        1.0
    """
    if nonlinearity in _LINEAR:
        return 1
    if nonlinearity == "tanh":
        return 5.0 / 3
    if nonlinearity == "relu":
        return math.sqrt(2.0)
    if nonlinearity == "leaky_relu":
        if param is None:
            param = 0.01
        elif isinstance(param, bool) or not isinstance(param, (int, float)):
            raise ArgumentError(f"calculate_gain: expected a number as negative slope, got {param!r}")
        return math.sqrt(2.0 / (1 + param**2))
    if nonlinearity == "selu":
        return 3.0 / 4
    raise ArgumentError(f"calculate_gain: expected a known nonlinearity, got {nonlinearity!r}")


def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Any = None) -> Tensor:
    """Fill with numbers from the uniform distribution on [a, b).

    Args:
        tensor: any shape, floating point.
        a: lower bound. Default: 0.
        b: upper bound. Default: 1.
        generator: the source of random numbers. Default: the global one.

    Returns:
        The tensor.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> w = nn.init.uniform_(plait.empty(3, 5), -1.0, 1.0)
        >>> bool((w.abs() <= 1).all())
        True
    """
    with no_grad():
        return tensor.uniform_(a, b, generator=generator)


def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Any = None) -> Tensor:
    """Fill with numbers from the normal distribution; arguments as for :func:`uniform_`.

    Args:
        generator: where the random numbers come from. Default: the global one.

    Returns:
        The tensor.

    Example:
        >>> import plait
        >>> plait.nn.init.normal_(plait.empty(2, 3)).shape
        plait.Size([2, 3])
    """
    with no_grad():
        return tensor.normal_(mean, std, generator=generator)


def trunc_normal_(
    tensor: Tensor,
    mean: float = 0.0,
    std: float = 1.0,
    a: float = -2.0,
    b: float = 2.0,
    generator: Any = None,
) -> Tensor:
    """Fill with numbers from the normal distribution cut off outside [a, b].

    Args:
        tensor: any shape, floating point.
        mean: mean of the distribution before the cut. Default: 0.
        std: its standard deviation. Default: 1.
        a: lower bound, in the units of the values. Default: -2.
        b: upper bound. Default: 2.
        generator: the source of random numbers. Default: the global one.

    Returns:
        The tensor.

    Example:
        >>> import plait
        >>> plait.nn.init.trunc_normal_(plait.empty(2, 3)).shape
        plait.Size([2, 3])
    """
    if (mean < a - 2 * std) or (mean > b + 2 * std):
        warn_user("trunc_normal_: the mean is more than 2 std away from [a, b]; the values may be distributed wrongly")

    def cdf(x: float) -> float:
        return (1.0 + math.erf(x / math.sqrt(2.0))) / 2.0

    # A uniform number between the cut-off probabilities, sent through the inverse of the normal distribution.
    with no_grad():
        low, high = cdf((a - mean) / std), cdf((b - mean) / std)
        tensor.uniform_(2 * low - 1, 2 * high - 1, generator=generator)
        return tensor.erfinv_().mul_(std * math.sqrt(2.0)).add_(mean).clamp_(min=a, max=b)


def constant_(tensor: Tensor, val: float) -> Tensor:
    """Fill with ``val``.

    Args:
        tensor: the tensor that is filled, in place.

    Returns:
        The tensor.

    Example:
        >>> import plait
        >>> plait.nn.init.constant_(plait.empty(2), 0.5)
        tensor([0.5000, 0.5000])
    """
    with no_grad():
        return tensor.fill_(val)


def ones_(tensor: Tensor) -> Tensor:
    """Fill with 1.

    Args:
        tensor: the tensor that is filled, in place.

    Returns:
        The tensor.

    Example:
        >>> import plait
        >>> plait.nn.init.ones_(plait.empty(2))
        tensor([1., 1.])
    """
    return constant_(tensor, 1.0)


def zeros_(tensor: Tensor) -> Tensor:
    """Fill with 0.

    Args:
        tensor: the tensor that is filled, in place.

    Returns:
        The tensor.

    Example:
        >>> import plait
        >>> plait.nn.init.zeros_(plait.empty(2))
        tensor([0., 0.])
    """
    return constant_(tensor, 0.0)


def eye_(tensor: Tensor) -> Tensor:
    """Make a matrix the identity, as far as it is square.

    Args:
        tensor: the tensor that is filled, in place.

    Returns:
        The tensor.

    Raises:
        ValueError: if the tensor is not 2-D.

    Example:
        >>> import plait
        >>> plait.nn.init.eye_(plait.empty(2, 2))
        tensor([[1., 0.],
                [0., 1.]])
    """
    if tensor.dim() != 2:
        raise ArgumentError(f"eye_: expected a 2-D tensor, got {tuple(tensor.shape)}")
    with no_grad():
        return tensor.copy_(_core.eye(*tensor.shape, dtype=tensor.dtype, device=tensor.device))


def dirac_(tensor: Tensor, groups: int = 1) -> Tensor:
    """Make a convolution weight pass its input through, channel by channel.

    Args:
        tensor: (out channels, in channels / groups, kernel...) with 3 to 5 dimensions.
        groups: number of groups; each passes its channels through. Default: 1.

    Returns:
        The tensor.

    Raises:
        ValueError: if the number of dimensions or of channels does not fit.

    Example:
        >>> import plait
        >>> plait.nn.init.dirac_(plait.empty(1, 1, 3))
        tensor([[[0., 1., 0.]]])
    """
    if tensor.dim() not in (3, 4, 5):
        raise ArgumentError(f"dirac_: expected a tensor of 3 to 5 dimensions, got {tuple(tensor.shape)}")
    if tensor.shape[0] % groups:
        raise ArgumentError(f"dirac_: expected dimension 0 in multiples of {groups} groups, got {tensor.shape[0]}")
    per_group = tensor.shape[0] // groups
    middle = tuple(size // 2 for size in tensor.shape[2:])
    with no_grad():
        tensor.zero_()
        for g in range(groups):
            for d in range(min(per_group, tensor.shape[1])):
                tensor[(g * per_group + d, d, *middle)] = 1
    return tensor


def _fans(op: str, tensor: Tensor) -> tuple[int, int]:
    """Number of inputs of one output, and of outputs of one input, of a linear map or convolution."""
    if tensor.dim() < 2:
        raise ArgumentError(f"{op}: expected a tensor of at least 2 dimensions, got {tuple(tensor.shape)}")
    field = math.prod(tensor.shape[2:])
    return tensor.shape[1] * field, tensor.shape[0] * field


def _calculate_fan_in_and_fan_out(tensor: Tensor) -> tuple[int, int]:
    return _fans("init", tensor)


def xavier_uniform_(tensor: Tensor, gain: float = 1.0, generator: Any = None) -> Tensor:
    """Fill from the uniform distribution on [-a, a], a = gain * sqrt(6 / (fan_in + fan_out)).

    Args:
        tensor: at least 2-D, floating point: (out, in, kernel...).
        gain: a factor (see :func:`calculate_gain`). Default: 1.
        generator: the source of random numbers. Default: the global one.

    Returns:
        The tensor.

    Raises:
        ValueError: if the tensor has fewer than 2 dimensions.

    Source: Glorot & Bengio 2010, "Understanding the difficulty of training deep feedforward neural networks".

    Example:
        >>> import plait
        >>> plait.nn.init.xavier_uniform_(plait.empty(2, 3)).shape
        plait.Size([2, 3])
    """
    fan_in, fan_out = _fans("xavier_uniform_", tensor)
    bound = gain * math.sqrt(6.0 / (fan_in + fan_out))
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: Any = None) -> Tensor:
    """Fill from the normal distribution with std = gain * sqrt(2 / (fan_in + fan_out)).

    Arguments and source as for :func:`xavier_uniform_`.

    Args:
        generator: where the random numbers come from. Default: the global one.

    Returns:
        The tensor.

    Example:
        >>> import plait
        >>> plait.nn.init.xavier_normal_(plait.empty(2, 3)).shape
        plait.Size([2, 3])
    """
    fan_in, fan_out = _fans("xavier_normal_", tensor)
    return normal_(tensor, 0.0, gain * math.sqrt(2.0 / (fan_in + fan_out)), generator)


def _fan(op: str, tensor: Tensor, mode: str) -> int:
    mode = mode.lower()
    if mode not in ("fan_in", "fan_out"):
        raise ArgumentError(f"{op}: expected mode 'fan_in' or 'fan_out', got {mode!r}")
    return _fans(op, tensor)[mode == "fan_out"]


def _calculate_correct_fan(tensor: Tensor, mode: str) -> int:
    return _fan("init", tensor, mode)


def _kaiming_std(op: str, tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float:
    return calculate_gain(nonlinearity, a) / math.sqrt(_fan(op, tensor, mode))


def _is_empty(tensor: Tensor) -> bool:
    if 0 not in tensor.shape:
        return False
    warn_user("Initializing zero-element tensors is a no-op")
    return True


def kaiming_uniform_(
    tensor: Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Any = None,
) -> Tensor:
    """Fill from the uniform distribution on [-b, b], b = gain * sqrt(3 / fan).

    Args:
        tensor: at least 2-D, floating point: (out, in, kernel...).
        a: the negative slope, if the nonlinearity is ``leaky_relu``. Default: 0.
        mode: ``"fan_in"`` keeps the variance in the forward pass, ``"fan_out"`` in the backward pass.
        nonlinearity: what follows the map (see :func:`calculate_gain`). Default: ``"leaky_relu"``.
        generator: the source of random numbers. Default: the global one.

    Returns:
        The tensor.

    Raises:
        ValueError: if ``mode`` or ``nonlinearity`` is unknown or the tensor has fewer than 2 dimensions.

    Source: He et al. 2015, "Delving deep into rectifiers".

    Example:
        >>> import plait
        >>> plait.nn.init.kaiming_uniform_(plait.empty(2, 3)).shape
        plait.Size([2, 3])
    """
    if _is_empty(tensor):
        return tensor
    bound = math.sqrt(3.0) * _kaiming_std("kaiming_uniform_", tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(
    tensor: Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Any = None,
) -> Tensor:
    """Fill from the normal distribution with std = gain / sqrt(fan).

    Arguments, errors and source as for :func:`kaiming_uniform_`.

    Args:
        generator: where the random numbers come from. Default: the global one.

    Returns:
        The tensor.

    Example:
        >>> import plait
        >>> plait.nn.init.kaiming_normal_(plait.empty(2, 3)).shape
        plait.Size([2, 3])
    """
    if _is_empty(tensor):
        return tensor
    return normal_(tensor, 0.0, _kaiming_std("kaiming_normal_", tensor, a, mode, nonlinearity), generator)


def orthogonal_(tensor: Tensor, gain: float = 1, generator: Any = None) -> Tensor:
    """Fill with a (semi-)orthogonal matrix; dimensions behind the first count as one.

    Args:
        tensor: at least 2-D, floating point.
        gain: a factor. Default: 1.
        generator: the source of random numbers. Default: the global one.

    Returns:
        The tensor.

    Raises:
        ValueError: if the tensor has fewer than 2 dimensions.

    Source: Saxe et al. 2013, "Exact solutions to the nonlinear dynamics of learning in deep linear networks".

    Example:
        >>> import plait
        >>> w = plait.nn.init.orthogonal_(plait.empty(2, 2))
        >>> plait.allclose(w @ w.T, plait.eye(2), atol=1e-6)
        True
    """
    if tensor.dim() < 2:
        raise ArgumentError(f"orthogonal_: expected a tensor of at least 2 dimensions, got {tuple(tensor.shape)}")
    if tensor.numel() == 0 or tensor.is_meta:
        return tensor
    import numpy as np

    rows, columns = tensor.shape[0], tensor.numel() // tensor.shape[0]
    with no_grad():
        normal = _core.empty(max(rows, columns), min(rows, columns), dtype=_core.float64, device="cpu")
        # QR of a normal matrix, with the signs of R's diagonal moved to Q, is uniform over the rotations.
        q, r = np.linalg.qr(normal.normal_(0.0, 1.0, generator=generator).numpy())
        q = q * np.sign(np.diag(r))
        if rows < columns:
            q = q.T
        values = _core.from_numpy(np.ascontiguousarray(q)).view(tensor.shape)
        return tensor.copy_(values).mul_(gain)


def sparse_(tensor: Tensor, sparsity: float, std: float = 0.01, generator: Any = None) -> Tensor:
    """Fill a matrix from a normal distribution and set a share of each column to 0 (Martens 2010).

    Args:
        tensor: 2-D, floating point.
        sparsity: the share of zeros in each column, rounded up.
        std: standard deviation of the rest. Default: 0.01.
        generator: the source of random numbers. Default: the global one.

    Returns:
        The tensor.

    Raises:
        ValueError: if the tensor is not 2-D.

    Example:
        >>> import plait
        >>> (plait.nn.init.sparse_(plait.empty(4, 2), sparsity=0.5) == 0).sum(0)
        tensor([2, 2])
    """
    if tensor.dim() != 2:
        raise ArgumentError(f"sparse_: expected a 2-D tensor, got {tuple(tensor.shape)}")
    rows, columns = tensor.shape
    zeros = math.ceil(sparsity * rows)
    with no_grad():
        tensor.normal_(0.0, std, generator=generator)
        for column in range(columns):
            tensor[_core.randperm(rows, generator=generator, device=tensor.device)[:zeros], column] = 0
    return tensor


def _old_name(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    new = function.__name__
    old = new[:-1]

    def renamed(*args: Any, **kwargs: Any) -> Tensor:
        warn_user(f"nn.init.{old} is the old name of nn.init.{new}", FutureWarning)
        return function(*args, **kwargs)

    renamed.__name__ = renamed.__qualname__ = old
    renamed.__doc__ = f"The old name of :func:`{new}`."
    return renamed


uniform = _old_name(uniform_)
normal = _old_name(normal_)
constant = _old_name(constant_)
eye = _old_name(eye_)
dirac = _old_name(dirac_)
xavier_uniform = _old_name(xavier_uniform_)
xavier_normal = _old_name(xavier_normal_)
kaiming_uniform = _old_name(kaiming_uniform_)
kaiming_normal = _old_name(kaiming_normal_)
orthogonal = _old_name(orthogonal_)
sparse = _old_name(sparse_)
