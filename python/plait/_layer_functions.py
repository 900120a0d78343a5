# SPDX-License-Identifier: MIT
"""What layers compute, in the argument order of PyTorch's lower level: ``plait.batch_norm`` and its like.

Programs written against ``torch.nn.functional`` do not need them; traced and exported ones do.
"""

from __future__ import annotations

from typing import Any

from . import _core
from ._arguments import explains_arguments
from ._core import ArgumentError, Tensor
from .nn import functional as F

__all__ = [
    "affine_grid_generator",
    "batch_norm",
    "conv_tbc",
    "convolution",
    "embedding",
    "embedding_renorm_",
    "grid_sampler",
    "grid_sampler_2d",
    "grid_sampler_3d",
    "gru_cell",
    "instance_norm",
    "lstm_cell",
    "max_pool1d_with_indices",
    "native_batch_norm",
    "native_channel_shuffle",
    "native_group_norm",
    "native_layer_norm",
    "norm_except_dim",
    "rnn_relu_cell",
    "rnn_tanh_cell",
]

_SAMPLING = ("bilinear", "nearest", "bicubic")
_PADDING = ("zeros", "border", "reflection")


def batch_norm(
    input: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    training: bool,
    momentum: float,
    eps: float,
    cudnn_enabled: bool = True,
) -> Tensor:
    return _core._ops._batch_norm(input, running_mean, running_var, weight, bias, training, momentum, eps)


def instance_norm(
    input: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    use_input_stats: bool,
    momentum: float,
    eps: float,
    cudnn_enabled: bool = True,
) -> Tensor:
    return F.instance_norm(input, running_mean, running_var, weight, bias, use_input_stats, momentum, eps)


def embedding(
    weight: Tensor, indices: Tensor, padding_idx: int = -1, scale_grad_by_freq: bool = False, sparse: bool = False
) -> Tensor:
    return F.embedding(
        indices, weight, None if padding_idx == -1 else padding_idx, None, 2.0, scale_grad_by_freq, sparse
    )


def embedding_renorm_(input: Tensor, indices: Tensor, max_norm: float, norm_type: float) -> Tensor:
    rows = indices.reshape(-1).unique()
    with _no_grad():
        input.index_copy_(0, rows, _core_renorm(input.index_select(0, rows), norm_type, max_norm))
    return input


def _no_grad() -> Any:
    from .autograd.grad_mode import no_grad

    return no_grad()


def _core_renorm(rows: Tensor, p: float, max_norm: float) -> Tensor:
    from ._functions import renorm

    return renorm(rows, p, 0, max_norm)


def grid_sampler(
    input: Tensor, grid: Tensor, interpolation_mode: int, padding_mode: int, align_corners: bool
) -> Tensor:
    return F.grid_sample(input, grid, _SAMPLING[interpolation_mode], _PADDING[padding_mode], align_corners)


def grid_sampler_2d(
    input: Tensor, grid: Tensor, interpolation_mode: int, padding_mode: int, align_corners: bool
) -> Tensor:
    return grid_sampler(input, grid, interpolation_mode, padding_mode, align_corners)


def grid_sampler_3d(
    input: Tensor, grid: Tensor, interpolation_mode: int, padding_mode: int, align_corners: bool
) -> Tensor:
    return grid_sampler(input, grid, interpolation_mode, padding_mode, align_corners)


def affine_grid_generator(theta: Tensor, size: Any, align_corners: bool) -> Tensor:
    return F.affine_grid(theta, size, align_corners)


def convolution(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Any,
    padding: Any,
    dilation: Any,
    transposed: bool,
    output_padding: Any,
    groups: int,
) -> Tensor:
    n = weight.dim() - 2
    if n not in (1, 2, 3):
        raise ArgumentError(f"convolution: expected a weight of 3 to 5 dimensions, got shape {tuple(weight.shape)}")
    if transposed:
        return getattr(F, f"conv_transpose{n}d")(input, weight, bias, stride, padding, output_padding, groups, dilation)
    return getattr(F, f"conv{n}d")(input, weight, bias, stride, padding, dilation, groups)


def conv_tbc(input: Tensor, weight: Tensor, bias: Tensor, pad: int = 0) -> Tensor:
    if input.dim() != 3 or weight.dim() != 3:
        raise ArgumentError(
            f"conv_tbc: expected (time, batch, channels) and (kernel, channels, out), got shapes {tuple(input.shape)} "
            f"and {tuple(weight.shape)}"
        )
    return F.conv1d(input.permute(1, 2, 0), weight.permute(2, 1, 0), bias, 1, pad).permute(2, 0, 1)


def max_pool1d_with_indices(
    input: Tensor, kernel_size: Any, stride: Any = (), padding: Any = 0, dilation: Any = 1, ceil_mode: bool = False
) -> tuple[Tensor, Tensor]:
    step = None if isinstance(stride, list | tuple) and not stride else stride
    return F.max_pool1d(input, kernel_size, step, padding, dilation, ceil_mode, True)


def native_layer_norm(
    input: Tensor, normalized_shape: Any, weight: Tensor | None, bias: Tensor | None, eps: float
) -> tuple[Tensor, Tensor, Tensor]:
    shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
    dims = tuple(range(input.dim() - len(shape), input.dim()))
    mean, scale = _moments(input.detach(), dims, eps)  # statistics, which no gradient takes part in
    return F.layer_norm(input, shape, weight, bias, eps), mean, scale


def native_group_norm(
    input: Tensor, weight: Tensor | None, bias: Tensor | None, N: int, C: int, HxW: int, group: int, eps: float
) -> tuple[Tensor, Tensor, Tensor]:
    mean, scale = _moments(input.reshape(N, group, C // group * HxW), (2,), eps)
    y = F.group_norm(input, group, weight, bias, eps)
    return y, mean.reshape(N, group), scale.reshape(N, group)


def native_batch_norm(
    input: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    training: bool,
    momentum: float,
    eps: float,
) -> tuple[Tensor, Tensor, Tensor]:
    y = F.batch_norm(input, running_mean, running_var, weight, bias, training, momentum, eps)
    if not training:
        nothing = input.new_zeros(0)
        return y, nothing, nothing
    mean, scale = _moments(input.detach(), (0, *range(2, input.dim())), eps)
    return y, mean.reshape(-1), scale.reshape(-1)


def _moments(x: Tensor, dims: tuple[int, ...], eps: float) -> tuple[Tensor, Tensor]:
    """The mean, and 1 over the standard deviation."""
    variance, mean = _core.var_mean(x, dims, correction=0, keepdim=True)
    return mean, (variance + eps).rsqrt()


def native_channel_shuffle(input: Tensor, groups: int) -> Tensor:
    return F.channel_shuffle(input, groups)


def norm_except_dim(v: Tensor, pow: int = 2, dim: int = 0) -> Tensor:
    if dim == -1:
        return v.norm(pow)
    return v.norm(pow, [d for d in range(v.dim()) if d != dim], keepdim=True)


def _gates(
    input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None, b_hh: Tensor | None
) -> tuple[Tensor, Tensor]:
    return F.linear(input, w_ih, b_ih), F.linear(hx, w_hh, b_hh)


def rnn_tanh_cell(
    input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None, b_hh: Tensor | None = None
) -> Tensor:
    a, b = _gates(input, hx, w_ih, w_hh, b_ih, b_hh)
    return (a + b).tanh()


def rnn_relu_cell(
    input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None, b_hh: Tensor | None = None
) -> Tensor:
    a, b = _gates(input, hx, w_ih, w_hh, b_ih, b_hh)
    return (a + b).relu()


def gru_cell(
    input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None, b_hh: Tensor | None = None
) -> Tensor:
    a, b = _gates(input, hx, w_ih, w_hh, b_ih, b_hh)
    (reset_a, update_a, new_a), (reset_b, update_b, new_b) = a.chunk(3, -1), b.chunk(3, -1)
    update = (update_a + update_b).sigmoid()
    new = (new_a + (reset_a + reset_b).sigmoid() * new_b).tanh()
    return new + update * (hx - new)


def lstm_cell(
    input: Tensor, hx: Any, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None, b_hh: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    h, c = hx
    a, b = _gates(input, h, w_ih, w_hh, b_ih, b_hh)
    i, f, g, o = (a + b).chunk(4, -1)
    cell = f.sigmoid() * c + i.sigmoid() * g.tanh()
    return o.sigmoid() * cell.tanh(), cell


# What each stands for; its arguments are those, in another order.
_SEE = {
    "affine_grid_generator": "affine_grid", "batch_norm": "batch_norm", "conv_tbc": "conv1d", "convolution": "conv2d",
    "embedding": "embedding", "embedding_renorm_": "embedding", "grid_sampler": "grid_sample",
    "grid_sampler_2d": "grid_sample", "grid_sampler_3d": "grid_sample", "instance_norm": "instance_norm",
    "max_pool1d_with_indices": "max_pool1d", "native_batch_norm": "batch_norm",
    "native_channel_shuffle": "channel_shuffle", "native_group_norm": "group_norm",
    "native_layer_norm": "layer_norm",
}  # fmt: skip
_CELLS = {"gru_cell": "GRUCell", "lstm_cell": "LSTMCell", "rnn_relu_cell": "RNNCell", "rnn_tanh_cell": "RNNCell"}

for _name in __all__:
    if _name in _SEE:
        _text = f"See :func:`plait.nn.functional.{_SEE[_name]}`, whose arguments these are in another order."
    elif _name in _CELLS:
        _text = f"See :class:`plait.nn.{_CELLS[_name]}`: one step with the weights and biases given."
    else:
        _text = "See :func:`plait.nn.utils.weight_norm`: the norms of the slices along a dimension."
    globals()[_name].__doc__ = _text
    globals()[_name] = explains_arguments(globals()[_name])
