# SPDX-License-Identifier: MIT
"""Softmax over very many classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from ... import _core
from ..._core import ArgumentError, Tensor
from .. import functional as F
from ._arguments import Count, Positive, PositiveReal, checks_arguments
from .container import ModuleList, Sequential
from .linear import Linear
from .module import Module

__all__ = ["AdaptiveLogSoftmaxWithLoss"]


class _ASMoutput(NamedTuple):
    output: Tensor
    loss: Tensor


class AdaptiveLogSoftmaxWithLoss(Module):
    """Log-softmax over classes sorted by frequency, rare ones in clusters of less width (Grave et al. 2016).

    Forward takes the input, (N, in_features) or (in_features), and the targets, (N) or 0-d, and returns the log
    probability of each target and the mean negative log likelihood.

    Args:
        in_features: width of the input.
        n_classes: number of classes.
        cutoffs: rising class indices at which the clusters begin.
        div_value: by which the width shrinks from cluster to cluster. Default: 4.
        head_bias: whether the head has a bias. Default: ``False``.
        device: the CPU or "meta"; ``None`` is the default device.
        dtype: of the parameters. Default: the default dtype.

    Raises:
        ValueError: if ``cutoffs`` does not rise within 1..n_classes - 1; in forward, if shapes or targets do
            not fit.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> layer = nn.AdaptiveLogSoftmaxWithLoss(8, 20, cutoffs=[5, 10])
        >>> tuple(layer(plait.randn(3, 8), plait.tensor([0, 7, 19])).output.shape)
        (3,)
    """

    @checks_arguments
    def __init__(
        self,
        in_features: Count,
        n_classes: Positive,
        cutoffs: Sequence[int],
        div_value: PositiveReal = 4.0,
        head_bias: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        cutoffs = list(cutoffs)
        if (
            not cutoffs
            or any(not isinstance(c, int) for c in cutoffs)
            or cutoffs != sorted(set(cutoffs))
            or cutoffs[0] <= 0
            or cutoffs[-1] > n_classes - 1
        ):
            raise ArgumentError(
                "AdaptiveLogSoftmaxWithLoss: expected cutoffs to be different, rising integers within "
                f"1..{n_classes - 1}, got {cutoffs}"
            )
        self.in_features = in_features
        self.n_classes = n_classes
        self.cutoffs = [*cutoffs, n_classes]
        self.div_value = div_value
        self.head_bias = head_bias
        self.shortlist_size = self.cutoffs[0]
        self.n_clusters = len(self.cutoffs) - 1
        self.head_size = self.shortlist_size + self.n_clusters
        options = {"device": device, "dtype": dtype}
        self.head = Linear(in_features, self.head_size, bias=head_bias, **options)
        self.tail = ModuleList()
        for i in range(self.n_clusters):
            width = int(in_features // div_value ** (i + 1))
            size = self.cutoffs[i + 1] - self.cutoffs[i]
            self.tail.append(
                Sequential(
                    Linear(in_features, width, bias=False, **options),
                    Linear(width, size, bias=False, **options),
                )
            )

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        self.head.reset_parameters()
        for cluster in self.tail:
            for layer in cluster:  # type: ignore[attr-defined]
                layer.reset_parameters()

    def forward(self, input_: Tensor, target_: Tensor) -> _ASMoutput:
        batched = target_.dim() == 1
        if target_.dim() > 1 or input_.dim() != target_.dim() + 1 or tuple(input_.shape[:-1]) != tuple(target_.shape):
            raise ArgumentError(
                "AdaptiveLogSoftmaxWithLoss: expected input (N, in_features) and target (N), or (in_features) "
                f"and 0-d, got {tuple(input_.shape)} and {tuple(target_.shape)}"
            )
        target = target_ if batched else target_.unsqueeze(0)
        if target.numel() and not (int(target.min()) >= 0 and int(target.max()) < self.n_classes):
            raise ArgumentError(
                f"AdaptiveLogSoftmaxWithLoss: expected targets within 0..{self.n_classes - 1}, got "
                f"{int(target.min())}..{int(target.max())}"
            )
        log_prob = self.log_prob(input_ if batched else input_.unsqueeze(0))
        output = log_prob.gather(1, target.unsqueeze(1)).squeeze(1)
        loss = (-output).mean()
        return _ASMoutput(output if batched else output.squeeze(0), loss)

    def log_prob(self, input: Tensor) -> Tensor:
        """Log probabilities of all classes: (N, in_features) to (N, n_classes).

        Args:
            input: (N, in_features).
        """
        head = F.log_softmax(self.head(input), dim=1)
        parts = [head[:, : self.shortlist_size]]
        for i, cluster in enumerate(self.tail):
            within = F.log_softmax(cluster(input), dim=1)
            parts.append(within + head[:, self.shortlist_size + i].unsqueeze(1))
        return _core.cat(parts, 1)

    def predict(self, input: Tensor) -> Tensor:
        """The most probable class of each row: (N, in_features) to (N).

        Args:
            input: (N, in_features).
        """
        return self.log_prob(input).argmax(1)
