# SPDX-License-Identifier: MIT
"""Folding a batch norm in evaluation mode into the layer before it."""

from __future__ import annotations

import copy
from typing import Any, TypeVar

from ... import _core
from ..._core import ArgumentError, Tensor
from ..modules.module import Module
from ..parameter import Parameter

__all__ = ["fuse_conv_bn_eval", "fuse_conv_bn_weights", "fuse_linear_bn_eval", "fuse_linear_bn_weights"]

M = TypeVar("M", bound=Module)


def fuse_conv_bn_weights(
    conv_w: Tensor,
    conv_b: Tensor | None,
    bn_rm: Tensor,
    bn_rv: Tensor,
    bn_eps: float,
    bn_w: Tensor | None,
    bn_b: Tensor | None,
    transpose: bool = False,
) -> tuple[Parameter, Parameter]:
    """Weight and bias of the convolution that equals ``batch_norm(conv(x))`` with running statistics.

    Args:
        conv_w: weight of the convolution.
        conv_b: its bias or ``None``.
        bn_rm: running mean of the norm, (C_out).
        bn_rv: running variance, (C_out).
        bn_eps: the norm's epsilon.
        bn_w: its weight or ``None``.
        bn_b: its bias or ``None``.
        transpose: whether the convolution is transposed, with C_out as dimension 1. Default: ``False``.

    Returns:
        The weight and the bias of the convolution that does both.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> conv, bn = nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2)
        >>> weight, bias = nn.utils.fuse_conv_bn_weights(
        ...     conv.weight, conv.bias, bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias
        ... )
        >>> weight.shape, bias.shape
        (plait.Size([2, 1, 3, 3]), plait.Size([2]))
    """
    bias = _core.zeros_like(bn_rm) if conv_b is None else conv_b
    scale = (bn_rv + bn_eps).rsqrt() * (_core.ones_like(bn_rm) if bn_w is None else bn_w)
    shift = _core.zeros_like(bn_rm) if bn_b is None else bn_b
    shape = [1] * conv_w.dim()
    shape[1 if transpose else 0] = -1
    weight = (conv_w * scale.reshape(shape)).to(conv_w.dtype)
    fused = ((bias - bn_rm) * scale + shift).to(bias.dtype)
    return (
        Parameter(weight.detach(), conv_w.requires_grad),
        Parameter(fused.detach(), bias.requires_grad),
    )


def fuse_linear_bn_weights(
    linear_w: Tensor,
    linear_b: Tensor | None,
    bn_rm: Tensor,
    bn_rv: Tensor,
    bn_eps: float,
    bn_w: Tensor | None,
    bn_b: Tensor | None,
) -> tuple[Parameter, Parameter]:
    """As :func:`fuse_conv_bn_weights`, for a linear layer.

    Returns:
        The weight and the bias of the linear layer that does both.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> linear, bn = nn.Linear(3, 2), nn.BatchNorm1d(2)
        >>> weight, bias = nn.utils.fuse_linear_bn_weights(
        ...     linear.weight, linear.bias, bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias
        ... )
        >>> weight.shape, bias.shape
        (plait.Size([2, 3]), plait.Size([2]))
    """
    return fuse_conv_bn_weights(linear_w, linear_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b)


def _fuse(layer: M, bn: Any, transpose: bool) -> M:
    if layer.training or bn.training:
        raise ArgumentError("fuse: expected both modules in evaluation mode\nhint: call .eval() first")
    if bn.running_mean is None or bn.running_var is None:
        raise ArgumentError("fuse: expected a batch norm with running statistics")
    fused = copy.deepcopy(layer)
    fused.weight, fused.bias = fuse_conv_bn_weights(
        fused.weight, fused.bias, bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias, transpose
    )
    return fused


def fuse_conv_bn_eval(conv: M, bn: Module, transpose: bool = False) -> M:
    """A copy of the convolution that does the batch norm's work too; both must be in evaluation mode.

    Args:
        conv: a convolution in evaluation mode.
        bn: the batch norm behind it, in evaluation mode.
        transpose: whether it is a transposed convolution. Default: ``False``.

    Raises:
        ValueError: if one is in training mode or the norm has no running statistics.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> conv, bn = nn.Conv2d(1, 2, 3).eval(), nn.BatchNorm2d(2).eval()
        >>> fused = nn.utils.fuse_conv_bn_eval(conv, bn)
        >>> x = plait.ones(1, 1, 3, 3)
        >>> plait.allclose(fused(x), bn(conv(x)), atol=1e-6)
        True
    """
    return _fuse(conv, bn, transpose)


def fuse_linear_bn_eval(linear: M, bn: Module) -> M:
    """A copy of the linear layer that does the batch norm's work too; both must be in evaluation mode.

    Args:
        bn: the batch norm behind it, in evaluation mode.

    Raises:
        ValueError: if one is in training mode, the norm has no running statistics, or the widths differ.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> linear, bn = nn.Linear(2, 3).eval(), nn.BatchNorm1d(3).eval()
        >>> fused = nn.utils.fuse_linear_bn_eval(linear, bn)
        >>> x = plait.ones(1, 2)
        >>> plait.allclose(fused(x), bn(linear(x)), atol=1e-6)
        True
    """
    if linear.out_features != bn.num_features and bn.num_features != 1:
        raise ArgumentError(
            "fuse_linear_bn_eval: expected out_features == num_features, got "
            f"{linear.out_features} and {bn.num_features}"
        )
    return _fuse(linear, bn, transpose=False)
