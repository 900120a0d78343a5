# SPDX-License-Identifier: MIT
"""Recurrent layers over whole sequences, composed of products and pointwise operators.

A sequence lies in one matrix, time step after time step, as packed sequences do: the rows of step t belong to the
first ``sizes[t]`` samples, and ``sizes`` never rises. The products with the input are taken for all steps at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby

from ... import _core
from ..._core import Tensor, _nn

__all__ = ["cell", "run_layers"]

State = tuple[Tensor, ...]
Run = Callable[[Tensor, State], tuple[Tensor, State]]  # gates (steps, samples, width) and state to outputs and state


def cell(
    mode: str,
    gates: Tensor,
    state: State,
    weight: Tensor,
    bias: Tensor | None,
    projection: Tensor | None = None,
) -> State:
    """One step: the new state from ``gates = x @ weight_ih.T + bias_ih`` and the old state.

    RNN: h = act(gates + U h).  LSTM: i, f, o = sigmoid, g = tanh of gates + U h; c = f c + i g; h = o tanh(c).
    GRU: r, z = sigmoid(gates + U h); n = tanh(gates_n + r (U_n h)); h = (1 - z) n + z h.
    """
    h = state[0]
    recurrent = _nn.linear(h, weight, bias)
    if mode == "LSTM":
        i, f, g, o = (gates + recurrent).chunk(4, 1)
        c = f.sigmoid() * state[1] + i.sigmoid() * g.tanh()
        h = o.sigmoid() * c.tanh()
        if projection is not None:
            h = _nn.linear(h, projection)
        return h, c
    if mode == "GRU":
        xr, xz, xn = gates.chunk(3, 1)
        hr, hz, hn = recurrent.chunk(3, 1)
        update = (xz + hz).sigmoid()
        new = (xn + (xr + hr).sigmoid() * hn).tanh()
        return (new + update * (h - new),)
    total = gates + recurrent
    return (total.tanh() if mode == "RNN_TANH" else _nn.relu(total),)


def _runs(gates: Tensor, sizes: Sequence[int]) -> list[Tensor]:
    """The gates of steps with equally many samples together: each (steps, samples, width)."""
    runs = [(size, len(list(steps))) for size, steps in groupby(sizes)]
    # One split, not a slice for each run: the gradient of a slice has the size of the whole sequence.
    parts = gates.split([size * steps for size, steps in runs])
    return [part.view(steps, size, gates.shape[1]) for part, (size, steps) in zip(parts, runs)]


def _run_forward(run: Run, gates: Tensor, state: State, sizes: Sequence[int]) -> tuple[Tensor, State]:
    outputs, ended = [], []
    for part in _runs(gates, sizes):
        size = part.shape[1]
        if size < state[0].shape[0]:  # the samples behind `size` ended in the step before
            ended.append(tuple(s[size:] for s in state))
            state = tuple(s[:size] for s in state)
        output, state = run(part, state)
        outputs.append(output.flatten(0, 1))
    ended.append(state)
    return _joined(outputs), tuple(_joined(parts) for parts in zip(*reversed(ended)))


def _run_backward(run: Run, gates: Tensor, start: State, sizes: Sequence[int]) -> tuple[Tensor, State]:
    outputs = []
    state = tuple(s[: sizes[-1]] for s in start)
    for part in reversed(_runs(gates, sizes)):
        rows, size = state[0].shape[0], part.shape[1]
        if size > rows:  # more samples begin, from the end of the sequence seen
            state = tuple(_core.cat([s, s0[rows:size]]) for s, s0 in zip(state, start))
        output, state = run(part, state)
        outputs.append(output.flatten(0, 1))
    return _joined(outputs[::-1]), state


def _joined(parts: Sequence[Tensor]) -> Tensor:
    return parts[0] if len(parts) == 1 else _core.cat(parts)


def _layer(
    mode: str, dtype: _core.dtype, weight: Tensor, bias: Tensor | None, projection: Tensor | None, reverse: bool
) -> Run:
    """What takes a run of steps with equally many samples: one op for LSTM and GRU, else cell by cell."""
    if mode in ("LSTM", "GRU") and projection is None and dtype in (_core.float32, _core.float64):
        op = _core._ops.lstm if mode == "LSTM" else _core._ops.gru

        def fused(gates: Tensor, state: State) -> tuple[Tensor, State]:
            output, *last = op(gates, *state, weight, bias, reverse)
            return output, tuple(last)

        return fused

    def stepwise(gates: Tensor, state: State) -> tuple[Tensor, State]:
        outputs = []
        steps = gates.unbind()
        for step in reversed(steps) if reverse else steps:
            state = cell(mode, step, state, weight, bias, projection)
            outputs.append(state[0])
        return _core.stack(outputs[::-1] if reverse else outputs), state

    return stepwise


def run_layers(
    mode: str,
    data: Tensor,
    sizes: Sequence[int],
    state: State,
    weights: Sequence[Sequence[Tensor]],
    has_bias: bool,
    num_layers: int,
    bidirectional: bool,
    dropout: float,
) -> tuple[Tensor, State]:
    """All layers and directions.

    Args:
        mode: ``"RNN_TANH"``, ``"RNN_RELU"``, ``"LSTM"`` or ``"GRU"``.
        data: (sum of sizes, input size).
        sizes: samples per time step, never rising.
        state: h, and c for LSTM, each (num_layers * directions, batch, width).
        weights: per layer and direction: weight_ih, weight_hh, [bias_ih, bias_hh], [weight_hr].
        has_bias: whether the biases are there.
        num_layers: number of layers.
        bidirectional: whether each layer also runs from the end.
        dropout: probability of dropping an output between layers (0 in evaluation).

    Returns:
        The outputs of the last layer, (sum of sizes, directions * width), and the last state.
    """
    if mode != "GRU" and _core._autocast_enabled():
        state = tuple(s.to(_core._autocast_dtype()) if s.dtype != _core.float64 else s for s in state)
    directions = 2 if bidirectional else 1
    last: list[State] = []
    for layer in range(num_layers):
        outputs = []
        for direction in range(directions):
            index = layer * directions + direction
            w_ih, w_hh, *rest = weights[index]
            b_ih, b_hh = (rest[0], rest[1]) if has_bias else (None, None)
            projection = rest[-1] if len(rest) % 2 else None

            start = tuple(s[index] for s in state)
            gates = _nn.linear(data, w_ih, b_ih)
            layer_run = _layer(mode, gates.dtype, w_hh, b_hh, projection, direction == 1)
            output, end = (_run_backward if direction else _run_forward)(layer_run, gates, start, sizes)
            outputs.append(output)
            last.append(end)
        data = outputs[0] if directions == 1 else _core.cat(outputs, 1)
        if dropout > 0.0 and layer + 1 < num_layers:
            data = _nn.dropout(data, dropout, True)
    return data, tuple(_core.stack(parts) for parts in zip(*last))
