# SPDX-License-Identifier: MIT
"""Activation functions as modules. Unless said otherwise the output has the shape of the input."""

from __future__ import annotations

import math
from typing import Annotated, Any, TypeAlias

from ... import _core
from ..._core import ArgumentError, Tensor
from ..._warn import warn_user
from ...autograd.grad_mode import no_grad
from .. import functional as F
from ..parameter import Parameter
from ._arguments import Choice, Count, NonNegativeReal, NonZeroReal, checks_arguments
from .module import Module

__all__ = [
    "CELU",
    "ELU",
    "GELU",
    "GLU",
    "SELU",
    "Hardshrink",
    "Hardsigmoid",
    "Hardswish",
    "Hardtanh",
    "LeakyReLU",
    "LogSigmoid",
    "LogSoftmax",
    "Mish",
    "PReLU",
    "RReLU",
    "ReLU",
    "ReLU6",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softmax2d",
    "Softmin",
    "Softplus",
    "Softshrink",
    "Softsign",
    "Tanh",
    "Tanhshrink",
    "Threshold",
]


_Approximate: TypeAlias = Annotated[str, Choice("none", "tanh")]


def _inplace_repr(text: str, inplace: bool) -> str:
    if not inplace:
        return text
    return f"{text}, inplace=True" if text else "inplace=True"


class _Inplace(Module):
    """Base of activations whose only argument is ``inplace``."""

    inplace: bool

    @checks_arguments
    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def extra_repr(self) -> str:
        return _inplace_repr("", self.inplace)


class ReLU(_Inplace):
    """``max(x, 0)``.

    Args:
        inplace: whether the input is overwritten. Default: ``False``.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.ReLU()(plait.tensor([-1.0, 2.0])).tolist()
        [0.0, 2.0]
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.relu(input, self.inplace)


class SiLU(_Inplace):
    """``x * sigmoid(x)``, also called swish (Hendrycks & Gimpel 2016).

    Args:
        inplace: whether the input is overwritten. Default: ``False``.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.SiLU()(plait.tensor([-2.0, 0.5, 3.0]))
        tensor([-0.2384,  0.3112,  2.8577])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.silu(input, self.inplace)


class Mish(_Inplace):
    """``x * tanh(softplus(x))`` (Misra 2019).

    Args:
        inplace: whether the input is overwritten. Default: ``False``.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.Mish()(plait.tensor([-2.0, 0.5, 3.0]))
        tensor([-0.2525,  0.3752,  2.9865])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.mish(input, self.inplace)


class SELU(_Inplace):
    """``scale * (max(0, x) + min(0, alpha * (exp(x) - 1)))`` with self-normalising constants.

    Args:
        inplace: whether the input is overwritten. Default: ``False``.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.SELU()(plait.tensor([-2.0, 0.5, 3.0]))
        tensor([-1.5202,  0.5254,  3.1521])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.selu(input, self.inplace)


class Hardsigmoid(_Inplace):
    """``relu6(x + 3) / 6``.

    Args:
        inplace: whether the input is overwritten. Default: ``False``.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.Hardsigmoid()(plait.tensor([-2.0, 0.5, 3.0]))
        tensor([0.1667, 0.5833, 1.0000])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.hardsigmoid(input, self.inplace)


class Hardswish(_Inplace):
    """``x * relu6(x + 3) / 6`` (Howard et al. 2019).

    Args:
        inplace: whether the input is overwritten. Default: ``False``.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.Hardswish()(plait.tensor([-2.0, 0.5, 3.0]))
        tensor([-0.3333,  0.2917,  3.0000])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.hardswish(input, self.inplace)


class Sigmoid(Module):
    """``1 / (1 + exp(-x))``.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.Sigmoid()(plait.tensor([-2.0, 0.5, 3.0]))
        tensor([0.1192, 0.6225, 0.9526])
    """

    def forward(self, input: Tensor) -> Tensor:
        return input.sigmoid()


class Tanh(Module):
    """The hyperbolic tangent.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.Tanh()(plait.tensor([-2.0, 0.5, 3.0]))
        tensor([-0.9640,  0.4621,  0.9951])
    """

    def forward(self, input: Tensor) -> Tensor:
        return input.tanh()


class LogSigmoid(Module):
    """``log(sigmoid(x))``, without overflow.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.LogSigmoid()(plait.tensor([-2.0, 0.5, 3.0]))
        tensor([-2.1269, -0.4741, -0.0486])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.logsigmoid(input)


class Softsign(Module):
    """``x / (1 + |x|)``.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.Softsign()(plait.tensor([-2.0, 0.5, 3.0]))
        tensor([-0.6667,  0.3333,  0.7500])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.softsign(input)


class Tanhshrink(Module):
    """``x - tanh(x)``.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.Tanhshrink()(plait.tensor([-2.0, 0.5, 3.0]))
        tensor([-1.0360,  0.0379,  2.0049])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.tanhshrink(input)


class GELU(Module):
    """``x * Phi(x)`` with the normal distribution function Phi (Hendrycks & Gimpel 2016).

    Args:
        approximate: ``"none"`` (default) or ``"tanh"``,
            ``0.5 * x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x ** 3)))``.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.GELU()(plait.tensor([-2.0, 0.5, 3.0]))
        tensor([-0.0455,  0.3457,  2.9960])
    """

    @checks_arguments
    def __init__(self, approximate: _Approximate = "none") -> None:
        super().__init__()
        self.approximate = approximate

    def forward(self, input: Tensor) -> Tensor:
        return F.gelu(input, approximate=self.approximate)

    def extra_repr(self) -> str:
        return f"approximate={self.approximate!r}"


class ELU(Module):
    """``x`` if positive, else ``alpha * (exp(x) - 1)`` (Clevert et al. 2015).

    Args:
        alpha: see above. Default: 1.
        inplace: whether the input is overwritten. Default: ``False``.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.ELU()(plait.tensor([-2.0, 0.5, 3.0]))
        tensor([-0.8647,  0.5000,  3.0000])
    """

    @checks_arguments
    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__()
        self.alpha = alpha
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        return F.elu(input, self.alpha, self.inplace)

    def extra_repr(self) -> str:
        return _inplace_repr(f"alpha={self.alpha}", self.inplace)


class CELU(Module):
    """``max(0, x) + min(0, alpha * (exp(x / alpha) - 1))`` (Barron 2017).

    Args:
        alpha: see above; not 0. Default: 1.
        inplace: whether the input is overwritten. Default: ``False``.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.CELU()(plait.tensor([-2.0, 0.5, 3.0]))
        tensor([-0.8647,  0.5000,  3.0000])
    """

    @checks_arguments
    def __init__(self, alpha: NonZeroReal = 1.0, inplace: bool = False) -> None:
        super().__init__()
        self.alpha = alpha
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        return F.celu(input, self.alpha, self.inplace)

    def extra_repr(self) -> str:
        return _inplace_repr(f"alpha={self.alpha}", self.inplace)


class LeakyReLU(Module):
    """``x`` if positive, else ``negative_slope * x``.

    Args:
        negative_slope: see above. Default: 0.01.
        inplace: whether the input is overwritten. Default: ``False``.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.LeakyReLU(0.1)(plait.tensor([-2.0, 0.5, 3.0]))
        tensor([-0.2000,  0.5000,  3.0000])
    """

    @checks_arguments
    def __init__(self, negative_slope: float = 1e-2, inplace: bool = False) -> None:
        super().__init__()
        self.negative_slope = negative_slope
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        return F.leaky_relu(input, self.negative_slope, self.inplace)

    def extra_repr(self) -> str:
        return _inplace_repr(f"negative_slope={self.negative_slope}", self.inplace)


class RReLU(Module):
    """Leaky ReLU with slopes drawn from U(lower, upper) in training, their mean in evaluation (Xu et al. 2015).

    Args:
        lower: Default: 1/8.
        upper: Default: 1/3.
        inplace: whether the input is overwritten. Default: ``False``.

    Raises:
        ValueError: unless ``lower <= upper``, both finite.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.RReLU(0.1, 0.3).eval()(plait.tensor([-1.0, 2.0]))
        tensor([-0.2000,  2.0000])
    """

    @checks_arguments
    def __init__(self, lower: float = 1.0 / 8, upper: float = 1.0 / 3, inplace: bool = False) -> None:
        super().__init__()
        if not -math.inf < lower <= upper < math.inf:
            raise ArgumentError(f"RReLU: expected finite lower <= upper, got {lower} and {upper}")
        self.lower = lower
        self.upper = upper
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        return F.rrelu(input, self.lower, self.upper, self.training, self.inplace)

    def extra_repr(self) -> str:
        return _inplace_repr(f"lower={self.lower}, upper={self.upper}", self.inplace)


class PReLU(Module):
    """``x`` if positive, else ``weight * x`` with a learned slope (He et al. 2015).

    Args:
        num_parameters: 1, or the number of channels (dimension 1 of the input). Default: 1.
        init: initial slope. Default: 0.25.
        device: the CPU or "meta"; ``None`` is the default device.
        dtype: of the parameter. Default: the default dtype.

    Attributes:
        weight: (num_parameters).

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.PReLU()(plait.tensor([-2.0, 0.5, 3.0])).detach()
        tensor([-0.5000,  0.5000,  3.0000])
    """

    weight: Tensor

    @checks_arguments
    def __init__(self, num_parameters: Count = 1, init: float = 0.25, device: Any = None, dtype: Any = None) -> None:
        super().__init__()
        self.num_parameters = num_parameters
        self.init = init
        self.weight = Parameter(_core.empty(num_parameters, device=device, dtype=dtype))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set the slopes to ``init``."""
        with no_grad():
            self.weight.fill_(self.init)

    def forward(self, input: Tensor) -> Tensor:
        return F.prelu(input, self.weight)

    def extra_repr(self) -> str:
        return f"num_parameters={self.num_parameters}"


class Threshold(Module):
    """``x`` if greater than ``threshold``, else ``value``.

    Args:
        threshold: see above.
        value: see above.
        inplace: whether the input is overwritten. Default: ``False``.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.Threshold(1.0, 0.0)(plait.tensor([-2.0, 0.5, 3.0]))
        tensor([0., 0., 3.])
    """

    @checks_arguments
    def __init__(self, threshold: float, value: float, inplace: bool = False) -> None:
        super().__init__()
        self.threshold = threshold
        self.value = value
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        return F.threshold(input, self.threshold, self.value, self.inplace)

    def extra_repr(self) -> str:
        return _inplace_repr(f"threshold={self.threshold}, value={self.value}", self.inplace)


class Hardtanh(Module):
    """``x`` limited to ``[min_val, max_val]``.

    Args:
        min_val: lower bound. Default: -1.
        max_val: upper bound. Default: 1.
        inplace: whether the input is overwritten. Default: ``False``.
        min_value: the old name of ``min_val``.
        max_value: the old name of ``max_val``.

    Raises:
        ValueError: if ``max_val <= min_val``.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.Hardtanh()(plait.tensor([-2.0, 0.5, 3.0]))
        tensor([-1.0000,  0.5000,  1.0000])
    """

    @checks_arguments
    def __init__(
        self,
        min_val: float = -1.0,
        max_val: float = 1.0,
        inplace: bool = False,
        min_value: float | None = None,
        max_value: float | None = None,
    ) -> None:
        super().__init__()
        for old, new in ((min_value, "min_val"), (max_value, "max_val")):
            if old is not None:
                warn_user(f"Hardtanh: {new}ue is the old name of {new}", FutureWarning)
        self.min_val = min_val if min_value is None else min_value
        self.max_val = max_val if max_value is None else max_value
        self.inplace = inplace
        if not self.min_val < self.max_val:
            raise ArgumentError(f"Hardtanh: expected min_val < max_val, got {self.min_val} and {self.max_val}")

    def forward(self, input: Tensor) -> Tensor:
        return F.hardtanh(input, self.min_val, self.max_val, self.inplace)

    def extra_repr(self) -> str:
        return _inplace_repr(f"min_val={self.min_val}, max_val={self.max_val}", self.inplace)


class ReLU6(Hardtanh):
    """``min(max(x, 0), 6)``.

    Args:
        inplace: whether the input is overwritten. Default: ``False``.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.ReLU6()(plait.tensor([-2.0, 0.5, 3.0]))
        tensor([0.0000, 0.5000, 3.0000])
    """

    @checks_arguments
    def __init__(self, inplace: bool = False) -> None:
        super().__init__(0.0, 6.0, inplace)

    def extra_repr(self) -> str:
        return _inplace_repr("", self.inplace)


class Softplus(Module):
    """``log(1 + exp(beta * x)) / beta``, and ``x`` itself where ``beta * x > threshold``.

    Args:
        beta: Default: 1.
        threshold: Default: 20.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.Softplus()(plait.tensor([-2.0, 0.5, 3.0]))
        tensor([0.1269, 0.9741, 3.0486])
    """

    @checks_arguments
    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        super().__init__()
        self.beta = beta
        self.threshold = threshold

    def forward(self, input: Tensor) -> Tensor:
        return F.softplus(input, self.beta, self.threshold)

    def extra_repr(self) -> str:
        return f"beta={self.beta}, threshold={self.threshold}"


class Softshrink(Module):
    """``x`` moved by ``lambd`` towards 0, and 0 if nearer than that.

    Args:
        lambd: not negative. Default: 0.5.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.Softshrink()(plait.tensor([-2.0, 0.5, 3.0]))
        tensor([-1.5000,  0.0000,  2.5000])
    """

    @checks_arguments
    def __init__(self, lambd: NonNegativeReal = 0.5) -> None:
        super().__init__()
        self.lambd = lambd

    def forward(self, input: Tensor) -> Tensor:
        return F.softshrink(input, self.lambd)

    def extra_repr(self) -> str:
        return str(self.lambd)


class Hardshrink(Module):
    """0 where ``-lambd <= x <= lambd``, else ``x``.

    Args:
        lambd: Default: 0.5.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.Hardshrink()(plait.tensor([-2.0, 0.5, 3.0]))
        tensor([-2.,  0.,  3.])
    """

    @checks_arguments
    def __init__(self, lambd: float = 0.5) -> None:
        super().__init__()
        self.lambd = lambd

    def forward(self, input: Tensor) -> Tensor:
        return F.hardshrink(input, self.lambd)

    def extra_repr(self) -> str:
        return str(self.lambd)


class GLU(Module):
    """``a * sigmoid(b)`` for the halves ``a, b`` of the input along ``dim`` (Dauphin et al. 2016).

    Shape: the size along ``dim`` is halved.

    Args:
        dim: Default: -1.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.GLU()(plait.tensor([1.0, 2.0, 0.0, 0.0]))
        tensor([0.5000, 1.0000])
    """

    @checks_arguments
    def __init__(self, dim: int = -1) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        return F.glu(input, self.dim)

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


class Softmax(Module):
    """``exp(x) / sum(exp(x))`` along ``dim``.

    Args:
        dim: the dimension that sums to 1. Without it, it is chosen by the number of dimensions, with a
            warning (see :func:`plait.nn.functional.softmax`).

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.Softmax(dim=1)(plait.zeros(1, 4)).tolist()
        [[0.25, 0.25, 0.25, 0.25]]
    """

    dim: int | None

    @checks_arguments
    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        return F.softmax(input, self.dim, _stacklevel=5)

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


class LogSoftmax(Module):
    """``log(softmax(x))`` along ``dim``, in one stable step.

    Args:
        dim: as for :class:`Softmax`.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.LogSoftmax(dim=0)(plait.tensor([-2.0, 0.5, 3.0]))
        tensor([-5.0851, -2.5851, -0.0851])
    """

    dim: int | None

    @checks_arguments
    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        return F.log_softmax(input, self.dim, _stacklevel=5)

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


class Softmin(Module):
    """``softmax(-x)`` along ``dim``.

    Args:
        dim: as for :class:`Softmax`.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.Softmin(dim=0)(plait.tensor([-2.0, 0.5, 3.0]))
        tensor([0.9184, 0.0754, 0.0062])
    """

    dim: int | None

    @checks_arguments
    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        return F.softmin(input, self.dim, _stacklevel=5)

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


class Softmax2d(Module):
    """Softmax over the channels of (N, C, H, W) or (C, H, W).

    Raises:
        ValueError: in forward, if the input has neither 3 nor 4 dimensions.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.Softmax2d()(plait.zeros(1, 2, 1, 1)).flatten()
        tensor([0.5000, 0.5000])
    """

    def forward(self, input: Tensor) -> Tensor:
        if input.dim() not in (3, 4):
            raise ArgumentError(f"Softmax2d: expected input to be 3D or 4D, got {tuple(input.shape)}")
        return F.softmax(input, -3)
