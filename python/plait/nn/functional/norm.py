# SPDX-License-Identifier: MIT
"""Normalisation: instance, local response and vector norms."""

from __future__ import annotations

import math

from ... import _core
from ..._autocast import float32_in_autocast
from ..._core import ArgumentError, Tensor, _nn
from ...autograd.grad_mode import no_grad
from ._common import widened

__all__ = ["instance_norm", "local_response_norm", "normalize"]


def instance_norm(
    input: Tensor,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Normalise each channel of each sample over its positions (Ulyanov et al. 2016).

    Args:
        input: (N, C, ...), floating point.
        running_mean: (C), averaged over the batch and updated in place if input statistics are used.
        running_var: (C), likewise.
        weight: (C), multiplied to the result.
        bias: (C), added to the result.
        use_input_stats: normalise by the input's own statistics; otherwise by the running ones.
        momentum: weight of the new statistics in the running ones. Default: 0.1.
        eps: added to the variance. Default: 1e-5.

    Raises:
        ValueError: if there is one position per channel, or running statistics are asked for but missing.

    Example:
        >>> import plait
        >>> from plait.nn import functional as F
        >>> F.instance_norm(plait.tensor([[[1.0, 3.0]]]))
        tensor([[[-1.0000,  1.0000]]])
    """
    if input.dim() < 2:
        raise ArgumentError(f"instance_norm: expected an input of at least 2 dimensions, got {input.dim()}")
    batch, channels = input.shape[0], input.shape[1]
    if not use_input_stats:
        if running_mean is None or running_var is None:
            raise ArgumentError("instance_norm: expected running_mean and running_var if use_input_stats is False")
        return _core._ops._batch_norm(input, running_mean, running_var, weight, bias, False, momentum, eps)
    if input.dim() == 2 or math.prod(input.shape[2:]) == 1:
        raise ArgumentError(
            f"instance_norm: expected more than 1 spatial element when training, got input {tuple(input.shape)}"
        )

    # Every (sample, channel) pair is one channel of a batch norm over a batch of 1.
    def repeated(t: Tensor | None) -> Tensor | None:
        return None if t is None else t.repeat(batch)

    mean, var = repeated(running_mean), repeated(running_var)
    folded = input.reshape(1, batch * channels, *input.shape[2:])
    out = _core._ops._batch_norm(folded, mean, var, repeated(weight), repeated(bias), True, momentum, eps)
    with no_grad():
        if running_mean is not None and mean is not None and batch:
            running_mean.copy_(mean.view(batch, channels).mean(0))
        if running_var is not None and var is not None and batch:
            running_var.copy_(var.view(batch, channels).mean(0))
    return out.view(input.shape)


@float32_in_autocast
def local_response_norm(input: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> Tensor:
    """Divide by ``(k + alpha * mean of squares over size neighbouring channels) ** beta`` (AlexNet, 2012).

    Args:
        input: (N, C, ...), floating point, at least 3 dimensions.
        size: number of neighbouring channels.
        alpha: factor of the mean. Default: 1e-4.
        beta: exponent. Default: 0.75.
        k: constant. Default: 1.

    Raises:
        ValueError: if the input has fewer than 3 dimensions, or ``size`` is below 1.

    Example:
        >>> import plait
        >>> from plait.nn import functional as F
        >>> F.local_response_norm(plait.ones(1, 2, 1), 2).flatten()
        tensor([1.0000, 0.9999])
    """
    if input.dim() < 3:
        raise ArgumentError(f"local_response_norm: expected an input of at least 3 dimensions, got {input.dim()}")
    if size < 1:
        raise ArgumentError(f"local_response_norm: expected a size of at least 1, got {size}")
    if input.numel() == 0:
        return input
    batch, channels = input.shape[0], input.shape[1]
    squares = (input * input).reshape(batch, 1, channels, -1)
    if size > 2 * channels:  # all channels are in the window of each
        mean = squares.sum(2, keepdim=True).expand(squares.shape).reshape(input.shape) / size
    else:
        padded = _nn.pad(squares, (0, 0, size // 2, (size - 1) // 2))
        mean = _nn.avg_pool2d(padded, (size, 1), stride=1).view(input.shape)
    return input / (mean * alpha + k) ** beta


def normalize(input: Tensor, p: float = 2.0, dim: int = 1, eps: float = 1e-12, out: Tensor | None = None) -> Tensor:
    """``input / max(norm(input, p), eps)`` along ``dim``.

    Args:
        input: any shape, floating point.
        p: the order of the norm. Default: 2.
        dim: the dimension, or several. Default: 1.
        eps: smallest divisor. Default: 1e-12.
        out: a tensor that takes the result, and its shape if it is empty.

    Example:
        >>> import plait
        >>> from plait.nn import functional as F
        >>> F.normalize(plait.tensor([[3.0, 4.0]])).norm(dim=1).item()
        1.0
    """
    x = widened(input)  # 16-bit floats have no 1e-12
    result = (x / x.norm(p, dim, keepdim=True).clamp_min(eps)).to(input.dtype)
    return result if out is None else _core.div(result, 1, out=out)
