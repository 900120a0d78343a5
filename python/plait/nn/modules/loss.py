# SPDX-License-Identifier: MIT
"""Losses as modules.

All take ``reduction``: ``"mean"`` (default) and ``"sum"`` give a 0-d tensor, ``"none"`` one value per element
or sample. ``size_average`` and ``reduce`` are its old form.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from ..._core import ArgumentError, Tensor
from .. import functional as F
from ..functional._common import resolve_reduction
from ._arguments import Count, Fraction, NonNegativeReal, Positive, PositiveReal, checks_arguments
from .distance import PairwiseDistance
from .module import Module

__all__ = [
    "BCELoss",
    "BCEWithLogitsLoss",
    "CTCLoss",
    "CosineEmbeddingLoss",
    "CrossEntropyLoss",
    "GaussianNLLLoss",
    "HingeEmbeddingLoss",
    "HuberLoss",
    "KLDivLoss",
    "L1Loss",
    "LinearCrossEntropyLoss",
    "MSELoss",
    "MarginRankingLoss",
    "MultiLabelMarginLoss",
    "MultiLabelSoftMarginLoss",
    "MultiMarginLoss",
    "NLLLoss",
    "NLLLoss2d",
    "PoissonNLLLoss",
    "SmoothL1Loss",
    "SoftMarginLoss",
    "TripletMarginLoss",
    "TripletMarginWithDistanceLoss",
]


class _Loss(Module):
    reduction: str

    @checks_arguments
    def __init__(self, size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean") -> None:
        super().__init__()
        self.reduction = resolve_reduction(type(self).__name__, reduction, size_average, reduce)


class _WeightedLoss(_Loss):
    weight: Tensor | None

    @checks_arguments
    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.register_buffer("weight", weight)


class L1Loss(_Loss):
    """``|input - target|``.

    Args:
        reduction: see above.
        size_average, reduce: the older spelling of ``reduction``.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.L1Loss()(plait.tensor([1.0, 3.0]), plait.tensor([0.0, 0.0])).item()
        2.0
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.l1_loss(input, target, reduction=self.reduction)


class MSELoss(_Loss):
    """``(input - target) ** 2``.

    Args:
        reduction: see above.
        size_average, reduce: the older spelling of ``reduction``.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.MSELoss()(plait.tensor([1.0, 3.0]), plait.tensor([0.0, 0.0])).item()
        5.0
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.mse_loss(input, target, reduction=self.reduction)


class SmoothL1Loss(_Loss):
    """``0.5 * d ** 2 / beta`` where ``d = |input - target| < beta``, else ``d - 0.5 * beta`` (Girshick 2015).

    Args:
        reduction: see above.
        beta: Default: 1; 0 gives :class:`L1Loss`.
        size_average, reduce: the older spelling of ``reduction``.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.SmoothL1Loss()(plait.tensor([0.0, 0.0]), plait.tensor([0.5, 3.0]))
        tensor(1.3125)
    """

    @checks_arguments
    def __init__(
        self,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
        beta: NonNegativeReal = 1.0,
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.beta = beta

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.smooth_l1_loss(input, target, reduction=self.reduction, beta=self.beta)


class HuberLoss(_Loss):
    """``0.5 * d ** 2`` where ``d = |input - target| < delta``, else ``delta * (d - 0.5 * delta)`` (Huber 1964).

    Args:
        reduction: see above.
        delta: greater than 0. Default: 1.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.HuberLoss()(plait.tensor([0.0, 0.0]), plait.tensor([0.5, 3.0]))
        tensor(1.3125)
    """

    @checks_arguments
    def __init__(self, reduction: str = "mean", delta: PositiveReal = 1.0) -> None:
        super().__init__(reduction=reduction)
        self.delta = delta

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.huber_loss(input, target, reduction=self.reduction, delta=self.delta)


class NLLLoss(_WeightedLoss):
    """``-input[target] * weight[target]`` of log probabilities, (N, C, ...) or (C), and classes, (N, ...) or 0-d.

    The mean is weighted: it divides by the sum of the weights of the targets.

    Args:
        weight: (C). Default: ones.
        ignore_index: a target that does not count. Default: -100.
        reduction: see above.
        size_average, reduce: the older spelling of ``reduction``.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.NLLLoss()(plait.zeros(1, 2).log_softmax(1), plait.tensor([1]))
        tensor(0.6931)
    """

    @checks_arguments
    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        ignore_index: int = -100,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(weight, size_average, reduce, reduction)
        self.ignore_index = ignore_index

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.nll_loss(input, target, self.weight, ignore_index=self.ignore_index, reduction=self.reduction)


class NLLLoss2d(NLLLoss):
    """:class:`NLLLoss` of images, under its old name."""


class CrossEntropyLoss(_WeightedLoss):
    """Cross entropy of scores (logits) and classes or class probabilities: log-softmax and :class:`NLLLoss` in one.

    Shape: input (N, C, ...) or (C); target (N, ...) or 0-d of integers, or the input's shape of probabilities.

    Args:
        weight: (C). Default: ones.
        ignore_index: a target class that does not count. Default: -100.
        reduction: see above.
        label_smoothing: share of the uniform distribution in the target (Szegedy et al. 2015). Default: 0.
        size_average, reduce: the older spelling of ``reduction``.

    Raises:
        ValueError: in forward, if the shapes do not fit.
        IndexError: in forward, if a target is no class.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> loss = nn.CrossEntropyLoss()(plait.zeros(3, 5), plait.tensor([1, 0, 4]))
        >>> round(loss.item(), 4)
        1.6094
    """

    @checks_arguments
    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        ignore_index: int = -100,
        reduce: bool | None = None,
        reduction: str = "mean",
        label_smoothing: Fraction = 0.0,
    ) -> None:
        super().__init__(weight, size_average, reduce, reduction)
        self.ignore_index = ignore_index
        self.label_smoothing = label_smoothing

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.cross_entropy(
            input,
            target,
            self.weight,
            ignore_index=self.ignore_index,
            reduction=self.reduction,
            label_smoothing=self.label_smoothing,
        )


class LinearCrossEntropyLoss(Module):
    """The cross entropy of a linear layer's results, the layer included; see ``functional.linear_cross_entropy``.

    Args:
        in_features: size of the last dimension of the input.
        num_classes: number of classes C.
        out_features: further dimensions of the layer's results behind the classes. Default: none.
        bias: whether the layer has one. Default: ``False``.
        device: the CPU or "meta"; ``None`` is the default device.
        dtype: of the parameters. Default: the default dtype.
        reduction: ``"none"``, ``"mean"`` or ``"sum"``. Default: ``"mean"``.
        weight: weights of the classes.
        ignore_index: a class that does not count. Default: -100.
        label_smoothing: in [0, 1]. Default: 0.
        options: accepted and ignored: the results are computed whole.

    Attributes:
        linear: the layer.

    Raises:
        ValueError: an unknown reduction, or weights of another number than there are classes.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.LinearCrossEntropyLoss(4, 3)(plait.ones(2, 4), plait.tensor([0, 2])).shape
        plait.Size([])
    """

    @checks_arguments
    def __init__(
        self,
        in_features: Count,
        num_classes: Positive,
        *,
        out_features: tuple[int, ...] = (),
        bias: bool = False,
        device: Any = None,
        dtype: Any = None,
        reduction: str = "mean",
        weight: Tensor | None = None,
        ignore_index: int | None = None,
        label_smoothing: Fraction = 0.0,
        options: Any = None,
    ) -> None:
        super().__init__()
        from .linear import Linear

        self.reduction = resolve_reduction("LinearCrossEntropyLoss", reduction)
        self.ignore_index, self.label_smoothing = ignore_index, label_smoothing
        if weight is not None and tuple(weight.shape) != (num_classes,):
            raise ArgumentError(
                f"LinearCrossEntropyLoss: expected weight of shape ({num_classes},), got {tuple(weight.shape)}"
            )
        self.results = (num_classes, *out_features)
        self.linear = Linear(in_features, math.prod(self.results), bias, device=device, dtype=dtype)
        self.register_buffer("weight", weight)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        bias = self.linear.bias
        return F.linear_cross_entropy(
            input,
            self.linear.weight.reshape(*self.results, self.linear.in_features),
            target,
            linear_bias=None if bias is None else bias.reshape(self.results),
            weight=self.weight,
            reduction=self.reduction,
            ignore_index=self.ignore_index,
            label_smoothing=self.label_smoothing,
        )


class BCELoss(_WeightedLoss):
    """``-(target * log(input) + (1 - target) * log(1 - input))`` of probabilities, each log at least -100.

    Args:
        weight: multiplied to the terms; broadcasts. Default: none.
        reduction: see above.
        size_average, reduce: the older spelling of ``reduction``.

    Raises:
        ValueError: in forward, if the shapes differ.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.BCELoss()(plait.tensor([0.5, 0.5]), plait.tensor([1.0, 0.0]))
        tensor(0.6931)
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.binary_cross_entropy(input, target, self.weight, reduction=self.reduction)


class BCEWithLogitsLoss(_WeightedLoss):
    """Sigmoid and :class:`BCELoss` in one stable step.

    Args:
        weight: multiplied to the terms; broadcasts. Default: none.
        reduction: see above.
        pos_weight: multiplied to the terms of positive targets; broadcasts. Default: none.
        size_average, reduce: the older spelling of ``reduction``.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> round(nn.BCEWithLogitsLoss()(plait.zeros(3), plait.ones(3)).item(), 4)
        0.6931
    """

    pos_weight: Tensor | None

    @checks_arguments
    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
        pos_weight: Tensor | None = None,
    ) -> None:
        super().__init__(weight, size_average, reduce, reduction)
        self.register_buffer("pos_weight", pos_weight)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.binary_cross_entropy_with_logits(
            input, target, self.weight, pos_weight=self.pos_weight, reduction=self.reduction
        )


class KLDivLoss(_Loss):
    """``target * (log(target) - input)``: the divergence of log probabilities ``input`` from ``target``.

    Args:
        reduction: see above, or ``"batchmean"``: the sum over the batch size, the divergence as defined.
        log_target: whether ``target`` holds log probabilities. Default: ``False``.
        size_average, reduce: the older spelling of ``reduction``.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.KLDivLoss(reduction="batchmean")(plait.tensor([[0.5, 0.5]]).log(), plait.tensor([[0.25, 0.75]]))
        tensor(0.1308)
    """

    @checks_arguments
    def __init__(
        self,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
        log_target: bool = False,
    ) -> None:
        by_batch = reduction == "batchmean" and size_average is None and reduce is None
        super().__init__(size_average, reduce, "mean" if by_batch else reduction)
        if by_batch:
            self.reduction = reduction
        self.log_target = log_target

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.kl_div(input, target, reduction=self.reduction, log_target=self.log_target)


class PoissonNLLLoss(_Loss):
    """Negative log likelihood of counts; see :func:`plait.nn.functional.poisson_nll_loss`.

    Args:
        log_input: whether the input is the logarithm of the expected count. Default: ``True``.
        full: whether Stirling's approximation of ``log(target!)`` is added. Default: ``False``.
        eps: added to the expected count before the logarithm. Default: 1e-8.
        reduction: see above.
        size_average, reduce: the older spelling of ``reduction``.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.PoissonNLLLoss()(plait.zeros(2), plait.ones(2))
        tensor(1.)
    """

    @checks_arguments
    def __init__(
        self,
        log_input: bool = True,
        full: bool = False,
        size_average: bool | None = None,
        eps: float = 1e-8,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.log_input = log_input
        self.full = full
        self.eps = eps

    def forward(self, log_input: Tensor, target: Tensor) -> Tensor:
        return F.poisson_nll_loss(
            log_input,
            target,
            log_input=self.log_input,
            full=self.full,
            eps=self.eps,
            reduction=self.reduction,
        )


class GaussianNLLLoss(_Loss):
    """Negative log likelihood under a normal distribution; see :func:`plait.nn.functional.gaussian_nll_loss`.

    Args:
        full: whether the constant term is added. Default: ``False``.
        eps: smallest variance. Default: 1e-6.
        reduction: see above.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.GaussianNLLLoss()(plait.zeros(2), plait.ones(2), plait.ones(2))
        tensor(0.5000)
    """

    @checks_arguments
    def __init__(self, *, full: bool = False, eps: float = 1e-6, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)
        self.full = full
        self.eps = eps

    def forward(self, input: Tensor, target: Tensor, var: Tensor | float) -> Tensor:
        return F.gaussian_nll_loss(input, target, var, full=self.full, eps=self.eps, reduction=self.reduction)


class HingeEmbeddingLoss(_Loss):
    """``input`` where the target is 1, ``max(0, margin - input)`` where it is -1.

    Args:
        margin: Default: 1.
        reduction: see above.
        size_average, reduce: the older spelling of ``reduction``.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.HingeEmbeddingLoss()(plait.tensor([0.5, 0.5]), plait.tensor([1.0, -1.0]))
        tensor(0.5000)
    """

    @checks_arguments
    def __init__(
        self, margin: float = 1.0, size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean"
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.margin = margin

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.hinge_embedding_loss(input, target, margin=self.margin, reduction=self.reduction)


class SoftMarginLoss(_Loss):
    """``log(1 + exp(-target * input))`` for targets 1 and -1.

    Args:
        reduction: see above.
        size_average, reduce: the older spelling of ``reduction``.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.SoftMarginLoss()(plait.tensor([2.0, -2.0]), plait.tensor([1.0, 1.0]))
        tensor(1.1269)
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.soft_margin_loss(input, target, reduction=self.reduction)


class MultiLabelMarginLoss(_Loss):
    """Margin loss with several labels per sample; see :func:`plait.nn.functional.multilabel_margin_loss`.

    Args:
        reduction: see above.
        size_average, reduce: the older spelling of ``reduction``.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.MultiLabelMarginLoss()(plait.tensor([[0.1, 0.2, 0.4, 0.8]]), plait.tensor([[3, 0, -1, 1]]))
        tensor(0.8500)
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.multilabel_margin_loss(input, target, reduction=self.reduction)


class MultiLabelSoftMarginLoss(_WeightedLoss):
    """Mean over the classes of the binary cross entropy of ``sigmoid(input)``.

    Args:
        weight: (C). Default: ones.
        reduction: see above.
        size_average, reduce: the older spelling of ``reduction``.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.MultiLabelSoftMarginLoss()(plait.tensor([[0.0, 2.0]]), plait.tensor([[1.0, 0.0]]))
        tensor(1.4100)
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.multilabel_soft_margin_loss(input, target, weight=self.weight, reduction=self.reduction)


class MultiMarginLoss(_WeightedLoss):
    """``sum over j != y of max(0, margin - x[y] + x[j]) ** p / C`` for one class y per sample.

    Args:
        p: 1 or 2. Default: 1.
        margin: Default: 1.
        weight: (C). Default: ones.
        reduction: see above.
        size_average, reduce: the older spelling of ``reduction``.

    Raises:
        ValueError: if ``p`` is neither 1 nor 2, or ``weight`` is not 1-D.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.MultiMarginLoss()(plait.tensor([[0.1, 0.2, 0.8]]), plait.tensor([2]))
        tensor(0.2333)
    """

    @checks_arguments
    def __init__(
        self,
        p: float = 1,
        margin: float = 1.0,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(weight, size_average, reduce, reduction)
        if p not in (1, 2):
            raise ArgumentError(f"MultiMarginLoss: expected p to be 1 or 2, got {p}")
        if weight is not None and weight.dim() != 1:
            raise ArgumentError(f"MultiMarginLoss: expected a 1-D weight, got {tuple(weight.shape)}")
        self.p = int(p)
        self.margin = margin

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.multi_margin_loss(
            input, target, p=self.p, margin=self.margin, weight=self.weight, reduction=self.reduction
        )


class CosineEmbeddingLoss(_Loss):
    """``1 - cos(x1, x2)`` where the target is 1, ``max(0, cos(x1, x2) - margin)`` where it is -1.

    Args:
        margin: between -1 and 1. Default: 0.
        reduction: see above.
        size_average, reduce: the older spelling of ``reduction``.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.CosineEmbeddingLoss()(plait.ones(1, 2), -plait.ones(1, 2), plait.tensor([1]))
        tensor(2.)
    """

    @checks_arguments
    def __init__(
        self, margin: float = 0.0, size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean"
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.margin = margin

    def forward(self, input1: Tensor, input2: Tensor, target: Tensor) -> Tensor:
        return F.cosine_embedding_loss(input1, input2, target, margin=self.margin, reduction=self.reduction)


class MarginRankingLoss(_Loss):
    """``max(0, -target * (x1 - x2) + margin)`` for targets 1 and -1.

    Args:
        margin: Default: 0.
        reduction: see above.
        size_average, reduce: the older spelling of ``reduction``.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.MarginRankingLoss()(plait.tensor([1.0]), plait.tensor([3.0]), plait.tensor([1.0]))
        tensor(2.)
    """

    @checks_arguments
    def __init__(
        self, margin: float = 0.0, size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean"
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.margin = margin

    def forward(self, input1: Tensor, input2: Tensor, target: Tensor) -> Tensor:
        return F.margin_ranking_loss(input1, input2, target, margin=self.margin, reduction=self.reduction)


class TripletMarginLoss(_Loss):
    """``max(0, d(anchor, positive) - d(anchor, negative) + margin)`` with a p-norm distance.

    Args:
        margin: greater than 0. Default: 1.
        p: order of the norm. Default: 2.
        eps: added to every difference. Default: 1e-6.
        swap: use ``d(positive, negative)`` where it is smaller. Default: ``False``.
        reduction: see above.
        size_average, reduce: the older spelling of ``reduction``.

    Raises:
        ValueError: if ``margin`` is not positive.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.TripletMarginLoss()(plait.zeros(1, 2), plait.zeros(1, 2), plait.ones(1, 2))
        tensor(0.)
    """

    @checks_arguments
    def __init__(
        self,
        margin: float = 1.0,
        p: float = 2.0,
        eps: float = 1e-6,
        swap: bool = False,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        if margin <= 0:
            raise ArgumentError(f"TripletMarginLoss: expected margin > 0, got {margin}")
        self.margin = margin
        self.p = p
        self.eps = eps
        self.swap = swap

    def forward(self, anchor: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
        return F.triplet_margin_loss(
            anchor,
            positive,
            negative,
            margin=self.margin,
            p=self.p,
            eps=self.eps,
            swap=self.swap,
            reduction=self.reduction,
        )


class TripletMarginWithDistanceLoss(_Loss):
    """:class:`TripletMarginLoss` with a distance of one's own.

    Args:
        distance_function: maps two tensors to their distances. Default: the pairwise 2-norm.
        margin: greater than 0. Default: 1.
        swap: as for :class:`TripletMarginLoss`.
        reduction: see above.

    Raises:
        ValueError: if ``margin`` is not positive.
    """

    @checks_arguments
    def __init__(
        self,
        *,
        distance_function: Callable[[Tensor, Tensor], Tensor] | None = None,
        margin: float = 1.0,
        swap: bool = False,
        reduction: str = "mean",
    ) -> None:
        super().__init__(reduction=reduction)
        if margin <= 0:
            raise ArgumentError(f"TripletMarginWithDistanceLoss: expected margin > 0, got {margin}")
        self.distance_function = PairwiseDistance() if distance_function is None else distance_function
        self.margin = margin
        self.swap = swap

    def forward(self, anchor: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
        return F.triplet_margin_with_distance_loss(
            anchor,
            positive,
            negative,
            distance_function=self.distance_function,
            margin=self.margin,
            swap=self.swap,
            reduction=self.reduction,
        )


class CTCLoss(_Loss):
    """Connectionist temporal classification; see :func:`plait.nn.functional.ctc_loss`.

    Args:
        blank: the class that stands for no label. Default: 0.
        reduction: see above; the mean divides each loss by its target length first.
        zero_infinity: whether an impossible target gives 0 instead of infinity. Default: ``False``.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> scores = plait.zeros(4, 1, 3).log_softmax(2)  # 4 steps, 1 sequence, 3 classes
        >>> nn.CTCLoss()(scores, plait.tensor([[1, 2]]), plait.tensor([4]), plait.tensor([2]))
        tensor(0.8432)
    """

    @checks_arguments
    def __init__(self, blank: Count = 0, reduction: str = "mean", zero_infinity: bool = False) -> None:
        super().__init__(reduction=reduction)
        self.blank = blank
        self.zero_infinity = zero_infinity

    def forward(
        self,
        log_probs: Tensor,
        targets: Tensor,
        input_lengths: Tensor | Sequence[int],
        target_lengths: Tensor | Sequence[int],
    ) -> Tensor:
        return F.ctc_loss(
            log_probs,
            targets,
            input_lengths,
            target_lengths,
            self.blank,
            self.reduction,
            self.zero_infinity,
        )
