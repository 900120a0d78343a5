# SPDX-License-Identifier: MIT
"""Recurrent layers, cells, and packed sequences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import plait
from plait import nn
from plait.nn.utils import rnn as rnn_utils

F64 = plait.float64


def array(t: plait.Tensor) -> np.ndarray:
    return t.detach().numpy()


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def step(kind: str, x: np.ndarray, state: tuple[np.ndarray, ...], w: list[np.ndarray]) -> tuple[np.ndarray, ...]:
    """One step of one layer, straight from the formulas."""
    h = state[0]
    gx, gh = x @ w[0].T + w[2], h @ w[1].T + w[3]
    if kind == "LSTM":
        i, f, g, o = np.split(gx + gh, 4, -1)
        c = sigmoid(f) * state[1] + sigmoid(i) * np.tanh(g)
        return sigmoid(o) * np.tanh(c), c
    if kind == "GRU":
        (xr, xz, xn), (hr, hz, hn) = np.split(gx, 3, -1), np.split(gh, 3, -1)
        z = sigmoid(xz + hz)
        return ((1 - z) * np.tanh(xn + sigmoid(xr + hr) * hn) + z * h,)
    return (np.tanh(gx + gh) if kind == "RNN" else np.maximum(gx + gh, 0),)


def reference(layer: Any, kind: str, x: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
    """Outputs (L, N, D * H) and last states of a whole network on (L, N, width)."""
    parts = 2 if kind == "LSTM" else 1
    last: list[tuple[np.ndarray, ...]] = []
    for k in range(layer.num_layers):
        outputs = []
        for suffix in ("", "_reverse") if layer.bidirectional else ("",):
            w = [array(getattr(layer, f"{name}_l{k}{suffix}")) for name in
                 ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]  # fmt: skip
            state = (np.zeros((x.shape[1], layer.hidden_size)),) * parts
            hs = []
            for t in range(len(x))[:: -1 if suffix else 1]:
                state = step(kind, x[t], state, w)
                hs.append(state[0])
            outputs.append(np.stack(hs[::-1] if suffix else hs))
            last.append(state)
        x = np.concatenate(outputs, -1)
    return x, [np.stack(s) for s in zip(*last)]


def make(kind: str, **options: Any) -> Any:
    plait.manual_seed(1)
    if kind == "RELU":
        return nn.RNN(3, 5, nonlinearity="relu", dtype=F64, **options)
    return getattr(nn, kind)(3, 5, dtype=F64, **options)


KINDS = ["RNN", "RELU", "LSTM", "GRU"]


def states(kind: str, last: Any) -> tuple[plait.Tensor, ...]:
    return last if kind == "LSTM" else (last,)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("options", [{}, {"num_layers": 2, "bidirectional": True}])
def test_outputs(kind: str, options: dict[str, Any]) -> None:
    layer = make(kind, **options)
    x = plait.randn(6, 2, 3, dtype=F64)
    output, last = layer(x)
    expected, expected_last = reference(layer, kind, array(x))
    np.testing.assert_allclose(array(output), expected, atol=1e-12)
    for got, want in zip(states(kind, last), expected_last):
        np.testing.assert_allclose(array(got), want, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_layouts_agree(kind: str) -> None:
    layer = make(kind, num_layers=2)
    first = make(kind, num_layers=2, batch_first=True)
    first.load_state_dict(layer.state_dict())
    x = plait.randn(4, 2, 3, dtype=F64)
    output, last = layer(x)
    np.testing.assert_allclose(array(first(x.transpose(0, 1))[0]), array(output).swapaxes(0, 1))
    alone, alone_last = layer(x[:, 0])
    np.testing.assert_allclose(array(alone), array(output)[:, 0])
    for a, b in zip(states(kind, alone_last), states(kind, last)):
        np.testing.assert_allclose(array(a), array(b)[:, 0])


@pytest.mark.parametrize("kind", KINDS)
def test_a_state_continues_a_sequence(kind: str) -> None:
    layer = make(kind, num_layers=2)
    x = plait.randn(6, 2, 3, dtype=F64)
    output, _ = layer(x)
    _, state = layer(x[:4])
    rest, _ = layer(x[4:], state)
    np.testing.assert_allclose(array(rest), array(output)[4:])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("bidirectional", [False, True])
def test_packed_sequences_equal_single_ones(kind: str, bidirectional: bool) -> None:
    layer = make(kind, num_layers=2, bidirectional=bidirectional)
    lengths = [2, 5, 3]
    sequences = [plait.randn(n, 3, dtype=F64) for n in lengths]
    packed = rnn_utils.pack_sequence(sequences, enforce_sorted=False)
    output, last = layer(packed)
    padded, got_lengths = rnn_utils.pad_packed_sequence(output)
    assert got_lengths.tolist() == lengths
    for i, sequence in enumerate(sequences):
        alone, alone_last = layer(sequence)
        np.testing.assert_allclose(array(padded)[: lengths[i], i], array(alone), atol=1e-12)
        assert (array(padded)[lengths[i] :, i] == 0).all()
        for a, b in zip(states(kind, last), states(kind, alone_last)):
            np.testing.assert_allclose(array(a)[:, i], array(b), atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("bidirectional", [False, True])
def test_packed_sequences_have_the_gradients_of_single_ones(kind: str, bidirectional: bool) -> None:
    layer = make(kind, num_layers=2, bidirectional=bidirectional)
    sequences = [plait.randn(n, 3, dtype=F64).requires_grad_() for n in (2, 5, 3, 2)]
    operands = [*sequences, *layer.parameters()]

    def total(output: plait.Tensor, last: Any) -> plait.Tensor:
        return output.square().sum() + sum(s.sin().sum() for s in states(kind, last))

    output, last = layer(rnn_utils.pack_sequence(sequences, enforce_sorted=False))
    packed = plait.autograd.grad(total(output.data, last), operands)
    alone = plait.autograd.grad(sum(total(*layer(sequence)) for sequence in sequences), operands)
    for a, b in zip(packed, alone):
        np.testing.assert_allclose(array(a), array(b), atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_gradients(kind: str) -> None:
    layer = make(kind)
    x = plait.randn(3, 2, 3, dtype=F64).requires_grad_()

    def run(x: plait.Tensor) -> plait.Tensor:
        output, last = layer(x)
        return output.sum(-1) * 1.5 + sum(s.sum() for s in states(kind, last))

    assert plait.autograd.gradcheck(run, (x,))
    run(x).sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum().item() > 0 for p in layer.parameters())


@pytest.mark.parametrize("kind", KINDS)
def test_samples_do_not_depend_on_threads(kind: str) -> None:
    """Threads take samples through the whole sequence: whoever takes one, it gets the same bits."""
    layer = make(kind)
    values = plait.randn(4, 37, 3, dtype=F64)
    results = []
    for threads in (1, 2, 3, 7):
        plait.set_num_threads(threads)
        layer.zero_grad()
        x = values.clone().requires_grad_()
        output, _ = layer(x)
        (output * output).sum().backward()
        assert x.grad is not None
        results.append([array(t) for t in (output, x.grad, *(p.grad for p in layer.parameters()))])
    for other in results[1:]:
        assert all(np.array_equal(a, b) for a, b in zip(results[0], other, strict=True))
    few, _ = layer(values[:, 5:8])
    np.testing.assert_allclose(array(few), results[0][0][:, 5:8], atol=1e-12)


def test_projection() -> None:
    layer = nn.LSTM(3, 5, 2, proj_size=2, bidirectional=True)
    output, (h, c) = layer(plait.randn(4, 2, 3))
    assert tuple(output.shape) == (4, 2, 4)
    assert tuple(h.shape) == (4, 2, 2)
    assert tuple(c.shape) == (4, 2, 5)
    assert tuple(layer.weight_hr_l1_reverse.shape) == (2, 5)


def test_names_shapes_and_initial_values() -> None:
    layer = nn.LSTM(3, 5, num_layers=2, bidirectional=True)
    assert list(layer.state_dict())[:6] == [
        "weight_ih_l0",
        "weight_hh_l0",
        "bias_ih_l0",
        "bias_hh_l0",
        "weight_ih_l0_reverse",
        "weight_hh_l0_reverse",
    ]
    assert tuple(layer.weight_ih_l1.shape) == (20, 10)
    assert all(p.abs().max().item() <= 5**-0.5 for p in layer.parameters())
    assert [len(w) for w in layer.all_weights] == [4] * 4
    assert layer._flat_weights_names[:5] == [
        "weight_ih_l0",
        "weight_hh_l0",
        "bias_ih_l0",
        "bias_hh_l0",
        "weight_ih_l0_reverse",
    ]
    assert all(w is layer._parameters[name] for w, name in zip(layer._flat_weights, layer._flat_weights_names))
    assert "bias_ih_l0" not in nn.GRU(3, 5, bias=False).state_dict()
    assert repr(layer) == "LSTM(3, 5, num_layers=2, bidirectional=True)"
    layer.flatten_parameters()


def test_dropout_acts_between_layers_only_in_training() -> None:
    layer = nn.GRU(3, 50, num_layers=2, dropout=0.5)
    x = plait.randn(4, 2, 3)
    assert not np.array_equal(array(layer(x)[0]), array(layer(x)[0]))
    layer.eval()
    assert np.array_equal(array(layer(x)[0]), array(layer(x)[0]))
    with pytest.warns(UserWarning, match="no effect"):
        nn.GRU(3, 5, dropout=0.5)


@pytest.mark.parametrize(("kind", "cell"), [("RNN", nn.RNNCell), ("LSTM", nn.LSTMCell), ("GRU", nn.GRUCell)])
def test_cells(kind: str, cell: Any) -> None:
    layer = cell(3, 5, dtype=F64)
    x = plait.randn(2, 3, dtype=F64)
    w = [array(getattr(layer, n)) for n in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]
    state: Any = (np.zeros((2, 5)),) * (2 if kind == "LSTM" else 1)
    got: Any = None
    for _ in range(2):
        state = step(kind, array(x), state, w)
        got = layer(x, got)
    for a, b in zip(states(kind, got), state):
        np.testing.assert_allclose(array(a), b)
    alone = layer(x[0])
    assert tuple(states(kind, alone)[0].shape) == (5,)
    with pytest.raises(ValueError, match="input_size=3"):
        layer(plait.zeros(2, 4))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: nn.GRU(3, 0), ValueError, "hidden_size to be an int greater than 0"),
        (lambda: nn.GRU(3, 5, num_layers=0), ValueError, "num_layers to be an int greater than 0"),
        (lambda: nn.GRU(3, 5.0), TypeError, "hidden_size to be an int"),
        (lambda: nn.GRU(3, 5, dropout=2), ValueError, "between 0 and 1"),
        (lambda: nn.RNN(3, 5, nonlinearity="gelu"), ValueError, "'tanh' or 'relu'"),
        (lambda: nn.LSTM(3, 5, proj_size=5), ValueError, "proj_size of 0 to"),
        (lambda: nn.GRU(3, 5)(plait.zeros(4, 2, 7)), ValueError, "input_size=3"),
        (lambda: nn.GRU(3, 5)(plait.zeros(3)), ValueError, "2D or 3D"),
        (lambda: nn.GRU(3, 5)(plait.zeros(4, 2, 3), plait.zeros(1, 3, 5)), ValueError, "hidden state of shape"),
        (lambda: nn.GRU(3, 5)(plait.zeros(0, 2, 3)), ValueError, "at least one time step"),
    ],
)
def test_errors(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


# ---- sequences -------------------------------------------------------------------------------------------


def test_padding_sequences() -> None:
    rows = [plait.tensor([1.0, 2.0, 3.0]), plait.tensor([4.0])]
    assert rnn_utils.pad_sequence(rows).tolist() == [[1.0, 4.0], [2.0, 0.0], [3.0, 0.0]]
    left = rnn_utils.pad_sequence(rows, batch_first=True, padding_value=-1.0, padding_side="left")
    assert left.tolist() == [[1.0, 2.0, 3.0], [-1.0, -1.0, 4.0]]
    back = rnn_utils.unpad_sequence(rnn_utils.pad_sequence(rows), plait.tensor([3, 1]))
    assert [r.tolist() for r in back] == [[1.0, 2.0, 3.0], [4.0]]
    with pytest.raises(ValueError, match="at least one"):
        rnn_utils.pad_sequence([])
    with pytest.raises(ValueError, match="expected sequences"):
        rnn_utils.pad_sequence([plait.zeros(2, 3), plait.zeros(2, 4)])


def test_packing() -> None:
    x = plait.arange(12.0).view(3, 4)
    packed = rnn_utils.pack_padded_sequence(x, [2, 4, 1], batch_first=True, enforce_sorted=False)
    assert packed.sorted_indices.tolist() == [1, 0, 2]
    assert packed.unsorted_indices.tolist() == [1, 0, 2]
    assert packed.batch_sizes.tolist() == [3, 2, 1, 1]
    assert packed.data.tolist() == [4, 0, 8, 5, 1, 6, 7]
    padded, lengths = rnn_utils.pad_packed_sequence(packed, batch_first=True, padding_value=-1, total_length=5)
    assert lengths.tolist() == [2, 4, 1]
    assert padded.tolist() == [[0, 1, -1, -1, -1], [4, 5, 6, 7, -1], [8, -1, -1, -1, -1]]
    assert [r.tolist() for r in rnn_utils.unpack_sequence(packed)] == [[0, 1], [4, 5, 6, 7], [8]]
    assert packed.double().data.dtype == F64
    with pytest.raises(ValueError, match="enforce_sorted=False"):
        rnn_utils.pack_padded_sequence(x, [2, 4, 1], batch_first=True)
    with pytest.raises(ValueError, match="greater than 0"):
        rnn_utils.pack_padded_sequence(x, [2, 0, 1], batch_first=True)
    with pytest.raises(ValueError, match="at most 4"):
        rnn_utils.pack_padded_sequence(x, [5, 2, 1], batch_first=True)
    with pytest.raises(ValueError, match="total_length"):
        rnn_utils.pad_packed_sequence(packed, total_length=2)


def test_gradients_pass_through_packing() -> None:
    x = plait.ones(3, 2, requires_grad=True)
    padded, _ = rnn_utils.pad_packed_sequence(rnn_utils.pack_padded_sequence(x, [3, 1]))
    (padded * 2).sum().backward()
    assert x.grad.tolist() == [[2.0, 2.0], [2.0, 0.0], [2.0, 0.0]]


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("op", [plait._core._ops.lstm, plait._core._ops.gru])
def test_second_derivatives_of_a_layer(op: Any, bias: bool, reverse: bool) -> None:
    plait.manual_seed(0)
    steps, batch, hidden = 3, 2, 2
    parts, n_states = (4, 2) if op is plait._core._ops.lstm else (3, 1)

    def leaf(*shape: int) -> Any:
        return plait.randn(*shape, dtype=F64).requires_grad_()

    states = [leaf(batch, hidden) for _ in range(n_states)]
    inputs = [leaf(steps, batch, parts * hidden), *states, leaf(parts * hidden, hidden)]
    inputs += [leaf(parts * hidden)] if bias else []

    def run(*inputs: Any) -> tuple[Any, ...]:
        return tuple(op(*inputs, *([] if bias else [None]), reverse))

    assert plait.autograd.gradgradcheck(run, tuple(inputs))
    loss = sum((o.sin() * (i + 1)).sum() for i, o in enumerate(run(*inputs)))
    plain = plait.autograd.grad(loss, inputs, retain_graph=True)
    recorded = plait.autograd.grad(loss, inputs, create_graph=True)
    for a, b in zip(plain, recorded, strict=True):
        assert plait.allclose(a, b, rtol=1e-10)


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU])
@pytest.mark.parametrize("options", [{}, {"bidirectional": True}, {"num_layers": 2, "bias": False}])
def test_second_derivatives_of_modules(kind: type, options: dict[str, Any]) -> None:
    plait.manual_seed(0)
    layer = kind(2, 3, **options).double()
    x = plait.randn(3, 2, 2, dtype=F64).requires_grad_()
    assert plait.autograd.gradgradcheck(lambda x: layer(x)[0], (x,))
    (g,) = plait.autograd.grad(layer(x)[0].sum(), x, create_graph=True)
    g.square().sum().backward()
    assert all(w.grad is not None for w in layer.parameters() if w.dim() == 2)


def test_third_derivative_of_a_recurrent_layer() -> None:
    layer = nn.GRU(1, 1).double()
    x = plait.tensor([[[0.3]], [[-0.2]]], dtype=plait.float64, requires_grad=True)

    def second(x: Any) -> Any:
        (g,) = plait.autograd.grad(layer(x)[0].sum(), x, create_graph=True)
        return plait.autograd.grad(g.square().sum(), x, create_graph=True)[0]

    assert plait.autograd.gradcheck(second, (x,))
