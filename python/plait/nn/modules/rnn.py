# SPDX-License-Identifier: MIT
"""Recurrent layers and cells."""

from __future__ import annotations

import math
from typing import Annotated, Any, TypeAlias

from ... import _core
from ..._core import ArgumentError, ArgumentTypeError, Tensor
from ..._warn import warn_user
from .. import functional as F
from .. import init
from ..functional.recurrent import cell, run_layers
from ..parameter import Parameter
from ..utils.rnn import PackedSequence
from ._arguments import Choice, Count, Flag, Fraction, Positive, checks_arguments
from .module import Module

__all__ = ["GRU", "LSTM", "RNN", "GRUCell", "LSTMCell", "RNNBase", "RNNCell", "RNNCellBase"]

_Nonlinearity: TypeAlias = Annotated[str, Choice("tanh", "relu")]
_GATES = {"RNN_TANH": 1, "RNN_RELU": 1, "LSTM": 4, "GRU": 3}


def _check_sizes(
    name: str,
    mode: str,
    input_size: int,
    hidden_size: int,
    num_layers: int,
    dropout: float,
    proj_size: int,
) -> None:
    if mode not in _GATES:
        raise ArgumentError(f"{name}: expected mode to be one of {', '.join(_GATES)}, got {mode!r}")
    if isinstance(dropout, bool):
        raise ArgumentTypeError(f"{name}: expected dropout to be a number between 0 and 1, got {dropout}")
    if proj_size >= hidden_size:
        raise ArgumentError(f"{name}: expected proj_size of 0 to hidden_size - 1, got {proj_size}")
    if proj_size and mode != "LSTM":
        raise ArgumentError(f"{name}: expected no proj_size, which only LSTM has")
    if dropout > 0 and num_layers == 1:
        warn_user(f"{name}: dropout acts between layers; with num_layers=1, dropout={dropout} has no effect")


class RNNBase(Module):
    """Base of :class:`RNN`, :class:`LSTM` and :class:`GRU`: parameters, checks, packing.

    Args:
        mode: "RNN_TANH", "RNN_RELU", "LSTM" or "GRU".
        input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, proj_size: as for :class:`LSTM`.
        device, dtype: of the parameters.

    Attributes:
        weight_ih_l{k}: (gates * hidden_size, input size of layer k).
        weight_hh_l{k}: (gates * hidden_size, hidden_size), or proj_size instead of hidden_size.
        bias_ih_l{k}, bias_hh_l{k}: (gates * hidden_size).
        weight_hr_l{k}: (proj_size, hidden_size), if ``proj_size`` > 0.

    The second direction has the suffix ``_reverse``. All are drawn from U(-k, k), k = 1 / sqrt(hidden_size).

    Raises:
        TypeError: sizes that are not ints.
        ValueError: sizes or a dropout out of range.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.RNNBase("GRU", 3, 4).weight_ih_l0.shape
        plait.Size([12, 3])
    """

    mode: str
    input_size: int
    hidden_size: int
    num_layers: int
    bias: bool
    batch_first: bool
    dropout: float
    bidirectional: bool
    proj_size: int

    @checks_arguments
    def __init__(
        self,
        mode: str,
        input_size: Positive,
        hidden_size: Positive,
        num_layers: Positive = 1,
        bias: Flag = True,
        batch_first: Flag = False,
        dropout: Fraction = 0.0,
        bidirectional: bool = False,
        proj_size: Count = 0,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        _check_sizes(type(self).__name__, mode, input_size, hidden_size, num_layers, dropout, proj_size)
        self.mode = mode
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.bias = bias
        self.batch_first = batch_first
        self.dropout = float(dropout)
        self.bidirectional = bidirectional
        self.proj_size = proj_size
        self._all_weights: list[list[str]] = []
        directions = 2 if bidirectional else 1
        for layer in range(num_layers):
            width = input_size if layer == 0 else (proj_size or hidden_size) * directions
            for direction in range(directions):
                suffix = f"_l{layer}" + ("_reverse" if direction else "")
                shapes = self._weight_shapes(width)
                for kind, shape in shapes.items():
                    setattr(self, kind + suffix, Parameter(_core.empty(shape, device=device, dtype=dtype)))
                self._all_weights.append([kind + suffix for kind in shapes])
        self.reset_parameters()

    def _weight_shapes(self, width: int) -> dict[str, tuple[int, ...]]:
        """The parameters of one layer and direction, whose input has ``width`` elements."""
        rows, state = _GATES[self.mode] * self.hidden_size, self.proj_size or self.hidden_size
        shapes: dict[str, tuple[int, ...]] = {"weight_ih": (rows, width), "weight_hh": (rows, state)}
        if self.bias:
            shapes |= {"bias_ih": (rows,), "bias_hh": (rows,)}
        if self.proj_size:
            shapes["weight_hr"] = (self.proj_size, self.hidden_size)
        return shapes

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        bound = 1.0 / math.sqrt(self.hidden_size)
        for weight in self.parameters():
            init.uniform_(weight, -bound, bound)

    def flatten_parameters(self) -> None:
        """Do nothing: the parameters need no special layout on a CPU."""

    @property
    def all_weights(self) -> list[list[Parameter]]:
        """The parameters, one list per layer and direction."""
        return [[getattr(self, name) for name in names] for names in self._all_weights]

    @property
    def _flat_weights_names(self) -> list[str]:
        return [name for names in self._all_weights for name in names]

    @property
    def _flat_weights(self) -> list[Parameter]:
        return [getattr(self, name) for name in self._flat_weights_names]

    def _state_sizes(self) -> tuple[int, ...]:
        """Width of each part of the state."""
        h = self.proj_size or self.hidden_size
        return (h, self.hidden_size) if self.mode == "LSTM" else (h,)

    def _run(self, input: Any, hx: tuple[Tensor, ...] | None) -> tuple[Any, tuple[Tensor, ...]]:
        """Forward of all kinds; the state is a tuple here."""
        packed = isinstance(input, PackedSequence)
        order = undo = None
        if packed:
            data, sizes = input.data, input.batch_sizes.tolist()
            order, undo = input.sorted_indices, input.unsorted_indices
            batch = sizes[0]
            batched = True
        else:
            if input.dim() not in (2, 3):
                raise ArgumentError(f"{type(self).__name__}: expected input to be 2D or 3D, got {tuple(input.shape)}")
            batched = input.dim() == 3
            x = input.transpose(0, 1) if batched and self.batch_first else input
            if not batched:
                x = x.unsqueeze(1)
            steps, batch = x.shape[0], x.shape[1]
            if steps == 0:
                raise ArgumentError(f"{type(self).__name__}: expected at least one time step, got {tuple(input.shape)}")
            data, sizes = x.flatten(0, 1), [batch] * steps
        if data.shape[-1] != self.input_size:
            raise ArgumentError(
                f"{type(self).__name__}: expected input of width input_size={self.input_size}, got "
                f"{data.shape[-1]} in shape {tuple(data.shape if packed else input.shape)}"
            )
        state = self._initial_state(hx, batch, batched, order, data)
        output, last = run_layers(
            self.mode,
            data,
            sizes,
            state,
            self.all_weights,
            self.bias,
            self.num_layers,
            self.bidirectional,
            self.dropout if self.training else 0.0,
        )
        if packed:
            if undo is not None:
                last = tuple(s.index_select(1, undo) for s in last)
            return PackedSequence(output, input.batch_sizes, order, undo), last
        output = output.view(len(sizes), batch, output.shape[1])
        if not batched:
            return output.squeeze(1), tuple(s.squeeze(1) for s in last)
        return (output.transpose(0, 1) if self.batch_first else output), last

    def _initial_state(
        self,
        hx: tuple[Tensor, ...] | None,
        batch: int,
        batched: bool,
        order: Tensor | None,
        data: Tensor,
    ) -> tuple[Tensor, ...]:
        count = self.num_layers * (2 if self.bidirectional else 1)
        widths = self._state_sizes()
        if hx is None:
            return tuple(data.new_zeros(count, batch, width) for width in widths)
        state = []
        for part, width in zip(hx, widths):
            expected = (count, batch, width) if batched else (count, width)
            if tuple(part.shape) != expected:
                raise ArgumentError(
                    f"{type(self).__name__}: expected hidden state of shape {expected}, got {tuple(part.shape)}"
                )
            if not batched:
                part = part.unsqueeze(1)
            state.append(part if order is None else part.index_select(1, order))
        return tuple(state)

    def extra_repr(self) -> str:
        text = f"{self.input_size}, {self.hidden_size}"
        for name, usual in (
            ("proj_size", 0),
            ("num_layers", 1),
            ("bias", True),
            ("batch_first", False),
            ("dropout", 0),
            ("bidirectional", False),
        ):
            value = getattr(self, name)
            if value != usual:
                text += f", {name}={value}"
        return text


class RNN(RNNBase):
    """Elman network: ``h[t] = tanh(W_ih x[t] + b_ih + W_hh h[t-1] + b_hh)``.

    Args:
        input_size: width of the input.
        hidden_size: width H of the state.
        num_layers: number of layers, each fed with the outputs of the one before. Default: 1.
        nonlinearity: ``"tanh"`` (default) or ``"relu"``.
        bias: whether there are biases. Default: ``True``.
        batch_first: whether sequences are (N, L, ...) instead of (L, N, ...). Default: ``False``.
        dropout: probability of dropping an output between layers in training. Default: 0.
        bidirectional: whether each layer also runs from the end. Default: ``False``.
        device: the CPU or "meta"; ``None`` is the default device.
        dtype: of the parameters. Default: the default dtype.

    Forward takes the input, (L, N, input_size), (L, input_size) or a packed sequence, and optionally the initial
    state, (num_layers * D, N, H) or (num_layers * D, H) with D directions; it returns the outputs of the last
    layer, (L, N, D * H), and the last state.

    Raises:
        ValueError: another nonlinearity than "tanh" and "relu".

    Example:
        >>> import plait
        >>> from plait import nn
        >>> output, h = nn.RNN(10, 20, 2)(plait.randn(5, 3, 10))
        >>> tuple(output.shape), tuple(h.shape)
        ((5, 3, 20), (2, 3, 20))
    """

    @checks_arguments
    def __init__(
        self,
        input_size: Positive,
        hidden_size: Positive,
        num_layers: Positive = 1,
        nonlinearity: _Nonlinearity = "tanh",
        bias: Flag = True,
        batch_first: Flag = False,
        dropout: Fraction = 0.0,
        bidirectional: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            f"RNN_{nonlinearity.upper()}",
            input_size,
            hidden_size,
            num_layers,
            bias,
            batch_first,
            dropout,
            bidirectional,
            0,
            device,
            dtype,
        )
        self.nonlinearity = nonlinearity

    def forward(self, input: Any, hx: Tensor | None = None) -> tuple[Any, Tensor]:
        output, (h,) = self._run(input, None if hx is None else (hx,))
        return output, h


class GRU(RNNBase):
    """Gated recurrent units (Cho et al. 2014).

    r, z = sigmoid(W x + b + U h + c); n = tanh(W_n x + b_n + r * (U_n h + c_n)); h' = (1 - z) * n + z * h.

    Args:
        input_size: width of the input.
        hidden_size: width H of the state.
        num_layers: number of layers. Default: 1.
        bias: whether there are biases. Default: ``True``.
        batch_first: whether sequences are (N, L, ...) instead of (L, N, ...). Default: ``False``.
        dropout: probability of dropping an output between layers in training. Default: 0.
        bidirectional: whether each layer also runs from the end. Default: ``False``.
        device: the CPU or "meta"; ``None`` is the default device.
        dtype: of the parameters. Default: the default dtype.

    Inputs and outputs as for :class:`RNN`. The rows of the weights are ordered r, z, n.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> output, last = nn.GRU(3, 4)(plait.ones(5, 2, 3))
        >>> output.shape, last.shape
        (plait.Size([5, 2, 4]), plait.Size([1, 2, 4]))
    """

    @checks_arguments
    def __init__(
        self,
        input_size: Positive,
        hidden_size: Positive,
        num_layers: Positive = 1,
        bias: Flag = True,
        batch_first: Flag = False,
        dropout: Fraction = 0.0,
        bidirectional: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            "GRU",
            input_size,
            hidden_size,
            num_layers,
            bias,
            batch_first,
            dropout,
            bidirectional,
            0,
            device,
            dtype,
        )

    def forward(self, input: Any, hx: Tensor | None = None) -> tuple[Any, Tensor]:
        output, (h,) = self._run(input, None if hx is None else (hx,))
        return output, h


class LSTM(RNNBase):
    """Long short-term memory (Hochreiter & Schmidhuber 1997).

    i, f, o = sigmoid(W x + b + U h + c); g = tanh(...); c' = f * c + i * g; h' = o * tanh(c').

    Args:
        input_size: width of the input.
        hidden_size: width H of the cell.
        num_layers: number of layers. Default: 1.
        bias: whether there are biases. Default: ``True``.
        batch_first: whether sequences are (N, L, ...) instead of (L, N, ...). Default: ``False``.
        dropout: probability of dropping an output between layers in training. Default: 0.
        bidirectional: whether each layer also runs from the end. Default: ``False``.
        proj_size: if greater than 0, h is projected to this width (Sak et al. 2014). Default: 0.
        device: the CPU or "meta"; ``None`` is the default device.
        dtype: of the parameters. Default: the default dtype.

    Inputs as for :class:`RNN`; the state is a pair (h, c). The rows of the weights are ordered i, f, g, o.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> lstm = nn.LSTM(10, 20, batch_first=True, bidirectional=True)
        >>> output, (h, c) = lstm(plait.randn(3, 5, 10))
        >>> tuple(output.shape), tuple(h.shape), tuple(c.shape)
        ((3, 5, 40), (2, 3, 20), (2, 3, 20))
    """

    @checks_arguments
    def __init__(
        self,
        input_size: Positive,
        hidden_size: Positive,
        num_layers: Positive = 1,
        bias: Flag = True,
        batch_first: Flag = False,
        dropout: Fraction = 0.0,
        bidirectional: bool = False,
        proj_size: Count = 0,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            "LSTM",
            input_size,
            hidden_size,
            num_layers,
            bias,
            batch_first,
            dropout,
            bidirectional,
            proj_size,
            device,
            dtype,
        )

    def forward(self, input: Any, hx: tuple[Tensor, Tensor] | None = None) -> tuple[Any, tuple[Tensor, Tensor]]:
        output, (h, c) = self._run(input, None if hx is None else tuple(hx))
        return output, (h, c)


class RNNCellBase(Module):
    """Base of the cells: one step of one layer.

    Args:
        input_size, hidden_size, bias: as for :class:`LSTMCell`.
        num_chunks: gates, whose weights are stacked.
        device, dtype: of the parameters.

    Attributes:
        weight_ih: (gates * hidden_size, input_size).
        weight_hh: (gates * hidden_size, hidden_size).
        bias_ih, bias_hh: (gates * hidden_size), or ``None``.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> isinstance(nn.GRUCell(3, 4), nn.RNNCellBase)
        True
    """

    weight_ih: Tensor
    weight_hh: Tensor
    bias_ih: Tensor | None
    bias_hh: Tensor | None

    @checks_arguments
    def __init__(
        self,
        input_size: Count,
        hidden_size: Count,
        bias: bool,
        num_chunks: Count,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.bias = bias
        rows = num_chunks * hidden_size
        self.weight_ih = Parameter(_core.empty(rows, input_size, device=device, dtype=dtype))
        self.weight_hh = Parameter(_core.empty(rows, hidden_size, device=device, dtype=dtype))
        for name in ("bias_ih", "bias_hh"):
            value = Parameter(_core.empty(rows, device=device, dtype=dtype)) if bias else None
            self.register_parameter(name, value)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new initial values from U(-k, k), k = 1 / sqrt(hidden_size)."""
        bound = 1.0 / math.sqrt(self.hidden_size) if self.hidden_size > 0 else 0
        for weight in self.parameters():
            init.uniform_(weight, -bound, bound)

    def _step(self, mode: str, input: Tensor, state: tuple[Tensor, ...] | None) -> tuple[Tensor, ...]:
        name = type(self).__name__
        if input.dim() not in (1, 2):
            raise ArgumentError(f"{name}: expected input to be 1D or 2D, got {tuple(input.shape)}")
        if input.shape[-1] != self.input_size:
            raise ArgumentError(
                f"{name}: expected input of width input_size={self.input_size}, got {tuple(input.shape)}"
            )
        batched = input.dim() == 2
        x = input if batched else input.unsqueeze(0)
        if state is None:
            zeros = x.new_zeros(x.shape[0], self.hidden_size)
            state = (zeros, zeros) if mode == "LSTM" else (zeros,)
        else:
            for part in state:
                if tuple(part.shape) != (*input.shape[:-1], self.hidden_size):
                    raise ArgumentError(
                        f"{name}: expected hidden state of shape {(*input.shape[:-1], self.hidden_size)}, "
                        f"got {tuple(part.shape)}"
                    )
            state = state if batched else tuple(s.unsqueeze(0) for s in state)
        gates = F.linear(x, self.weight_ih, self.bias_ih)
        state = cell(mode, gates, state, self.weight_hh, self.bias_hh)
        return state if batched else tuple(s.squeeze(0) for s in state)

    def extra_repr(self) -> str:
        text = f"{self.input_size}, {self.hidden_size}"
        if self.bias is not True:
            text += f", bias={self.bias}"
        if getattr(self, "nonlinearity", "tanh") != "tanh":
            text += f", nonlinearity={self.nonlinearity}"
        return text


class RNNCell(RNNCellBase):
    """One step of an :class:`RNN`: (N, input_size) and (N, hidden_size) to (N, hidden_size).

    Args:
        input_size: width of the input.
        hidden_size: width of the state.
        bias: whether there are biases. Default: ``True``.
        nonlinearity: ``"tanh"`` (default) or ``"relu"``.
        device: the CPU or "meta"; ``None`` is the default device.
        dtype: of the parameters. Default: the default dtype.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.RNNCell(3, 4)(plait.ones(2, 3)).shape
        plait.Size([2, 4])
    """

    nonlinearity: _Nonlinearity

    @checks_arguments
    def __init__(
        self,
        input_size: Count,
        hidden_size: Count,
        bias: bool = True,
        nonlinearity: _Nonlinearity = "tanh",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 1, device, dtype)
        self.nonlinearity = nonlinearity

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        if self.nonlinearity not in ("tanh", "relu"):
            raise ArgumentError(f"RNNCell: expected nonlinearity 'tanh' or 'relu', got {self.nonlinearity!r}")
        return self._step(f"RNN_{self.nonlinearity.upper()}", input, None if hx is None else (hx,))[0]


class LSTMCell(RNNCellBase):
    """One step of an :class:`LSTM`: (N, input_size) and a pair (h, c) to the new pair.

    Args:
        input_size: width of the input.
        hidden_size: width of the state.
        bias: whether there are biases. Default: ``True``.
        device: the CPU or "meta"; ``None`` is the default device.
        dtype: of the parameters. Default: the default dtype.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> h, c = nn.LSTMCell(4, 6)(plait.randn(3, 4))
        >>> tuple(h.shape)
        (3, 6)
    """

    @checks_arguments
    def __init__(
        self, input_size: Count, hidden_size: Count, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 4, device, dtype)

    def forward(self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        h, c = self._step("LSTM", input, None if hx is None else tuple(hx))
        return h, c


class GRUCell(RNNCellBase):
    """One step of a :class:`GRU`: (N, input_size) and (N, hidden_size) to (N, hidden_size).

    Args:
        input_size: width of the input.
        hidden_size: width of the state.
        bias: whether there are biases. Default: ``True``.
        device: the CPU or "meta"; ``None`` is the default device.
        dtype: of the parameters. Default: the default dtype.

    Example:
        >>> import plait
        >>> from plait import nn
        >>> nn.GRUCell(3, 4)(plait.ones(2, 3)).shape
        plait.Size([2, 4])
    """

    @checks_arguments
    def __init__(
        self, input_size: Count, hidden_size: Count, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 3, device, dtype)

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        return self._step("GRU", input, None if hx is None else (hx,))[0]
