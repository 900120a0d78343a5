# SPDX-License-Identifier: MIT
"""Batch and instance normalisation, which share their running statistics."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ... import _core
from ..._core import ArgumentError, Tensor
from .. import functional as F
from .. import init
from ..parameter import Parameter, UninitializedBuffer, UninitializedParameter, is_lazy
from ._arguments import Count, checks_arguments
from .lazy import LazyModuleMixin
from .module import Module

__all__ = [
    "BatchNorm1d",
    "BatchNorm2d",
    "BatchNorm3d",
    "InstanceNorm1d",
    "InstanceNorm2d",
    "InstanceNorm3d",
    "LazyBatchNorm1d",
    "LazyBatchNorm2d",
    "LazyBatchNorm3d",
    "LazyInstanceNorm1d",
    "LazyInstanceNorm2d",
    "LazyInstanceNorm3d",
    "SyncBatchNorm",
]


class _NormBase(Module):
    """Parameters and running statistics of batch and instance normalisation."""

    # Version 2 added num_batches_tracked.
    _version = 2
    num_features: int
    eps: float
    momentum: float | None
    affine: bool
    track_running_stats: bool
    weight: Tensor | None
    bias: Tensor | None
    running_mean: Tensor | None
    running_var: Tensor | None
    num_batches_tracked: Tensor | None

    @checks_arguments
    def __init__(
        self,
        num_features: Count,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.num_features = num_features
        self.eps = eps
        self.momentum = momentum
        self.affine = affine
        self.track_running_stats = track_running_stats
        if affine:
            self.weight = Parameter(_core.empty(num_features, device=device, dtype=dtype))
        else:
            self.register_parameter("weight", None)
        if affine and bias:
            self.bias = Parameter(_core.empty(num_features, device=device, dtype=dtype))
        else:
            self.register_parameter("bias", None)
        if track_running_stats:
            self.register_buffer("running_mean", _core.zeros(num_features, device=device, dtype=dtype))
            self.register_buffer("running_var", _core.ones(num_features, device=device, dtype=dtype))
            self.register_buffer("num_batches_tracked", _core.tensor(0, dtype=_core.int64, device=device))
        else:
            for name in ("running_mean", "running_var", "num_batches_tracked"):
                self.register_buffer(name, None)
        self.reset_parameters()

    def reset_running_stats(self) -> None:
        """Set the running mean to 0, the running variance to 1 and the count of batches to 0."""
        if self.track_running_stats:
            self.running_mean.zero_()  # type: ignore[union-attr]
            self.running_var.fill_(1)  # type: ignore[union-attr]
            self.num_batches_tracked.zero_()  # type: ignore[union-attr]

    def reset_parameters(self) -> None:
        """Reset the statistics, the weight to 1 and the bias to 0."""
        self.reset_running_stats()
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)

    def _check_input_dim(self, input: Tensor) -> None:
        raise NotImplementedError

    def extra_repr(self) -> str:
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}"
        )

    def _load_from_state_dict(
        self,
        state_dict: Mapping[str, Any],
        prefix: str,
        local_metadata: Mapping[str, Any],
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        version = local_metadata.get("version")
        key = prefix + "num_batches_tracked"
        if (version is None or version < 2) and self.track_running_stats and key not in state_dict:
            count = self.num_batches_tracked
            state_dict[key] = _core.tensor(0, dtype=_core.int64, device="cpu") if count is None else count  # type: ignore[index]
        super()._load_from_state_dict(
            state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs
        )


class _BatchNorm(_NormBase):
    def forward(self, input: Tensor) -> Tensor:
        self._check_input_dim(input)
        momentum = self.momentum
        training = self.training
        if training and self.track_running_stats and self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
            if momentum is None:  # a plain average of all batches
                momentum = 1.0 if self.num_batches_tracked.is_meta else 1.0 / self.num_batches_tracked.item()
        if training and not self.track_running_stats:
            running_mean = running_var = None
        else:
            running_mean, running_var = self.running_mean, self.running_var
        return F.batch_norm(
            input,
            running_mean,
            running_var,
            self.weight,
            self.bias,
            training or (running_mean is None and running_var is None),
            0.0 if momentum is None else momentum,
            self.eps,
        )


class BatchNorm1d(_BatchNorm):
    """Normalise every channel over the batch (Ioffe & Szegedy 2015).

    ``y = (x - mean) / sqrt(var + eps) * weight + bias``, in training with the statistics of the batch (biased
    variance), in evaluation with the running ones (unbiased variance).

    Shape: (N, C) or (N, C, L), unchanged.

    Args:
        num_features: C.
        eps: added to the variance. Default: 1e-5.
        momentum: weight of a batch in the running statistics; ``None`` averages all batches. Default: 0.1.
        affine: whether there are ``weight`` and ``bias``. Default: ``True``.
        track_running_stats: whether there are running statistics; without them the batch's own are used in
            evaluation too. Default: ``True``.
        device: the CPU or "meta"; ``None`` is the default device.
        dtype: of the parameters. Default: the default dtype.
        bias: whether there is a ``bias`` if ``affine``. Default: ``True``.

    Attributes:
        weight: (C), ones. bias: (C), zeros.
        running_mean: (C). running_var: (C). num_batches_tracked: 0-d.

    Raises:
        ValueError: in forward, if the input has another number of dimensions or channels, or, in training, a
            single value per channel.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> y = nn.BatchNorm1d(3)(plait.randn(64, 3))
        >>> bool(y.mean(0).abs().max() < 1e-5)
        True
    """

    def _check_input_dim(self, input: Tensor) -> None:
        if input.dim() not in (2, 3):
            raise ArgumentError(f"BatchNorm1d: expected 2D or 3D input (got {input.dim()}D input)")


class BatchNorm2d(_BatchNorm):
    """Batch normalisation of images, (N, C, H, W); arguments as for :class:`BatchNorm1d`.

    Args:
        device, dtype: of the parameters.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.BatchNorm2d(3)(plait.ones(2, 3, 4, 4)).shape
        plait.Size([2, 3, 4, 4])
    """

    def _check_input_dim(self, input: Tensor) -> None:
        if input.dim() != 4:
            raise ArgumentError(f"BatchNorm2d: expected 4D input (got {input.dim()}D input)")


class BatchNorm3d(_BatchNorm):
    """Batch normalisation of volumes, (N, C, D, H, W); arguments as for :class:`BatchNorm1d`.

    Args:
        device, dtype: of the parameters.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.BatchNorm3d(3)(plait.ones(2, 3, 4, 4, 4)).shape
        plait.Size([2, 3, 4, 4, 4])
    """

    def _check_input_dim(self, input: Tensor) -> None:
        if input.dim() != 5:
            raise ArgumentError(f"BatchNorm3d: expected 5D input (got {input.dim()}D input)")


class SyncBatchNorm(_BatchNorm):
    """Batch normalisation of (N, C, ...) that programs for several devices name; here there is one.

    Arguments as for :class:`BatchNorm1d`; ``process_group`` is accepted and not used.

    Args:
        device, dtype: of the parameters.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.SyncBatchNorm(3)(plait.ones(2, 3, 4)).shape
        plait.Size([2, 3, 4])
    """

    @checks_arguments
    def __init__(
        self,
        num_features: Count,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        process_group: Any = None,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias=bias)
        self.process_group = process_group

    def _check_input_dim(self, input: Tensor) -> None:
        if input.dim() < 2:
            raise ArgumentError(f"SyncBatchNorm: expected at least 2D input (got {input.dim()}D input)")

    @classmethod
    def convert_sync_batchnorm(cls, module: Module, process_group: Any = None) -> Module:
        """Return a module in which every batch norm is a :class:`SyncBatchNorm` with the same tensors.

        Args:
            process_group: accepted; there is one process.
        """
        result = module
        if isinstance(module, _BatchNorm) and not isinstance(module, cls):
            result = cls(
                module.num_features,
                module.eps,
                module.momentum,
                module.affine,
                module.track_running_stats,
                process_group,
                bias=module.bias is not None or not module.affine,
            )
            for name, param in module._parameters.items():
                result._parameters[name] = param
            for name, buffer in module._buffers.items():
                result._buffers[name] = buffer
            result.training = module.training
        for name, child in list(module.named_children()):
            result.add_module(name, cls.convert_sync_batchnorm(child, process_group))
        return result


class _InstanceNorm(_NormBase):
    _dims: int

    @checks_arguments
    def __init__(
        self,
        num_features: Count,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias=bias)

    def _check_input_dim(self, input: Tensor) -> None:
        n = self._dims
        if input.dim() not in (n + 1, n + 2):
            raise ArgumentError(
                f"{type(self).__name__}: expected {n + 1}D or {n + 2}D input (got {input.dim()}D input)"
            )

    def forward(self, input: Tensor) -> Tensor:
        self._check_input_dim(input)
        channels = input.shape[-self._dims - 1]
        if channels != self.num_features and self.affine:
            raise ArgumentError(
                f"{type(self).__name__}: expected input's size at dim={input.dim() - self._dims - 1} to match "
                f"num_features ({self.num_features}), but got: {channels}"
            )
        batched = input.dim() == self._dims + 2
        out = F.instance_norm(
            input if batched else input.unsqueeze(0),
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            self.training or not self.track_running_stats,
            0.0 if self.momentum is None else self.momentum,
            self.eps,
        )
        return out if batched else out.squeeze(0)


class InstanceNorm1d(_InstanceNorm):
    """Normalise every channel of every sample over its positions (Ulyanov et al. 2016).

    Shape: (N, C, L) or (C, L), unchanged.

    Args:
        num_features: C.
        eps: added to the variance. Default: 1e-5.
        momentum: weight of a batch in the running statistics. Default: 0.1.
        affine: whether there are ``weight`` and ``bias``. Default: ``False``.
        track_running_stats: whether running statistics are kept, and used in evaluation. Default: ``False``.
        device: the CPU or "meta"; ``None`` is the default device.
        dtype: of the parameters. Default: the default dtype.
        bias: whether there is a ``bias`` if ``affine``. Default: ``True``.

    Raises:
        ValueError: in forward, if the input has another number of dimensions or channels, or a single
            position.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.InstanceNorm1d(3)(plait.ones(2, 3, 4)).shape
        plait.Size([2, 3, 4])
    """

    _dims = 1


class InstanceNorm2d(_InstanceNorm):
    """Instance normalisation of images, (N, C, H, W) or (C, H, W); arguments as for :class:`InstanceNorm1d`.

    Args:
        device, dtype: of the parameters.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.InstanceNorm2d(3)(plait.ones(2, 3, 4, 4)).shape
        plait.Size([2, 3, 4, 4])
    """

    _dims = 2


class InstanceNorm3d(_InstanceNorm):
    """Instance normalisation of volumes, (N, C, D, H, W) or (C, D, H, W); see :class:`InstanceNorm1d`.

    Args:
        device, dtype: of the parameters.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.InstanceNorm3d(3)(plait.ones(2, 3, 4, 4, 4)).shape
        plait.Size([2, 3, 4, 4, 4])
    """

    _dims = 3


class _LazyNorm(LazyModuleMixin, _NormBase):
    """A normalisation that reads ``num_features`` from its first input."""

    def _init_lazy(self, affine: bool, track: bool, bias: bool, device: Any, dtype: Any) -> None:
        if affine:
            self.weight = UninitializedParameter(device=device, dtype=dtype)
            if bias:
                self.bias = UninitializedParameter(device=device, dtype=dtype)
        if track:
            self.running_mean = UninitializedBuffer(device=device, dtype=dtype)
            self.running_var = UninitializedBuffer(device=device, dtype=dtype)
            self.register_buffer("num_batches_tracked", _core.tensor(0, dtype=_core.int64, device=device))
        self.affine = affine
        self.track_running_stats = track

    def reset_running_stats(self) -> None:
        """Reset the statistics; does nothing before the first forward."""
        if not is_lazy(self.running_mean) and self.num_features != 0:
            super().reset_running_stats()

    def reset_parameters(self) -> None:
        """Reset parameters and statistics; does nothing before the first forward."""
        if not self.has_uninitialized_params() and self.num_features != 0:
            super().reset_parameters()

    def initialize_parameters(self, input: Tensor) -> None:  # type: ignore[override]
        if not self.has_uninitialized_params():
            return
        self._check_input_dim(input)
        dims = getattr(self, "_dims", None)
        self.num_features = input.shape[1 if dims is None else -dims - 1]
        tensors = (self.weight, self.bias, self.running_mean, self.running_var)
        for tensor in tensors:
            if is_lazy(tensor):
                tensor.materialize((self.num_features,))  # type: ignore[union-attr]
        self.reset_parameters()


class _LazyBatchNorm(_LazyNorm, _BatchNorm):
    @checks_arguments
    def __init__(
        self,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(0, eps, momentum, False, False, device, dtype)
        self._init_lazy(affine, track_running_stats, bias, device, dtype)


class _LazyInstanceNorm(_LazyNorm, _InstanceNorm):
    @checks_arguments
    def __init__(
        self,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(0, eps, momentum, False, False, device, dtype)
        self._init_lazy(affine, track_running_stats, bias, device, dtype)


class LazyBatchNorm1d(_LazyBatchNorm, BatchNorm1d):
    """A :class:`BatchNorm1d` that reads ``num_features`` from its first input; other arguments as there.

    Args:
        device, dtype: of the parameters.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.LazyBatchNorm1d()(plait.ones(2, 3, 4)).shape
        plait.Size([2, 3, 4])
    """

    cls_to_become = BatchNorm1d


class LazyBatchNorm2d(_LazyBatchNorm, BatchNorm2d):
    """A :class:`BatchNorm2d` that reads ``num_features`` from its first input; other arguments as there.

    Args:
        device, dtype: of the parameters.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.LazyBatchNorm2d()(plait.ones(2, 3, 4, 4)).shape
        plait.Size([2, 3, 4, 4])
    """

    cls_to_become = BatchNorm2d


class LazyBatchNorm3d(_LazyBatchNorm, BatchNorm3d):
    """A :class:`BatchNorm3d` that reads ``num_features`` from its first input; other arguments as there.

    Args:
        device, dtype: of the parameters.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.LazyBatchNorm3d()(plait.ones(2, 3, 4, 4, 4)).shape
        plait.Size([2, 3, 4, 4, 4])
    """

    cls_to_become = BatchNorm3d


class LazyInstanceNorm1d(_LazyInstanceNorm, InstanceNorm1d):
    """An :class:`InstanceNorm1d` that reads ``num_features`` from its first input; other arguments as there.

    Args:
        device, dtype: of the parameters.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.LazyInstanceNorm1d()(plait.ones(2, 3, 4)).shape
        plait.Size([2, 3, 4])
    """

    cls_to_become = InstanceNorm1d


class LazyInstanceNorm2d(_LazyInstanceNorm, InstanceNorm2d):
    """An :class:`InstanceNorm2d` that reads ``num_features`` from its first input; other arguments as there.

    Args:
        device, dtype: of the parameters.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.LazyInstanceNorm2d()(plait.ones(2, 3, 4, 4)).shape
        plait.Size([2, 3, 4, 4])
    """

    cls_to_become = InstanceNorm2d


class LazyInstanceNorm3d(_LazyInstanceNorm, InstanceNorm3d):
    """An :class:`InstanceNorm3d` that reads ``num_features`` from its first input; other arguments as there.

    Args:
        device, dtype: of the parameters.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.LazyInstanceNorm3d()(plait.ones(2, 3, 4, 4, 4)).shape
        plait.Size([2, 3, 4, 4, 4])
    """

    cls_to_become = InstanceNorm3d
