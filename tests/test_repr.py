# SPDX-License-Identifier: MIT
"""How tensors print: PyTorch's format."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import plait

NAN, INF = float("nan"), float("inf")


@pytest.fixture(autouse=True)
def _default_print_options() -> Iterator[None]:
    plait.set_printoptions(profile="default")
    yield
    plait.set_printoptions(profile="default")


CASES = [
    (lambda: plait.tensor([1.0, 2.5]), "tensor([1.0000, 2.5000])"),
    (lambda: plait.tensor([1.0, 2.0]), "tensor([1., 2.])"),
    (lambda: plait.tensor([1, 20, -3]), "tensor([ 1, 20, -3])"),
    (lambda: plait.tensor([True, False]), "tensor([ True, False])"),
    (lambda: plait.tensor(3.0), "tensor(3.)"),
    (lambda: plait.tensor(3.14159), "tensor(3.1416)"),
    (lambda: plait.tensor(7), "tensor(7)"),
    (lambda: plait.tensor(True), "tensor(True)"),
    (lambda: plait.tensor([]), "tensor([])"),
    (lambda: plait.zeros(2, 0), "tensor([], size=(2, 0))"),
    (lambda: plait.zeros(0, dtype=plait.int64), "tensor([], dtype=int64)"),
    (lambda: plait.tensor([[1.0, 2.0], [3.0, 4.0]]), "tensor([[1., 2.],\n        [3., 4.]])"),
    (lambda: plait.zeros(2, 1, 2), "tensor([[[0., 0.]],\n\n        [[0., 0.]]])"),
    (lambda: plait.tensor([1e-8, 1.0]), "tensor([1.0000e-08, 1.0000e+00])"),
    (lambda: plait.tensor([1e8, 1.5]), "tensor([1.0000e+08, 1.5000e+00])"),
    (lambda: plait.tensor([100000.0, 1.0]), "tensor([1.0000e+05, 1.0000e+00])"),
    (lambda: plait.tensor([999.5, -1.0]), "tensor([999.5000,  -1.0000])"),
    (lambda: plait.tensor([NAN, INF, -INF, 1.0]), "tensor([nan, inf, -inf, 1.])"),
    (lambda: plait.tensor([NAN, 1.5]), "tensor([   nan, 1.5000])"),
    (lambda: plait.ones(2, dtype=plait.float64), "tensor([1., 1.], dtype=float64)"),
    (lambda: plait.ones(2, dtype=plait.int32), "tensor([1, 1], dtype=int32)"),
    (lambda: plait.ones(2, dtype=plait.float16), "tensor([1., 1.], dtype=float16)"),
    (lambda: plait.ones(2, dtype=plait.bfloat16), "tensor([1., 1.], dtype=bfloat16)"),
    (lambda: plait.ones(2, dtype=plait.uint8), "tensor([1, 1], dtype=uint8)"),
    (lambda: plait.ones(2, requires_grad=True), "tensor([1., 1.], requires_grad=True)"),
    (lambda: plait.tensor([-0.5, 0.25]), "tensor([-0.5000,  0.2500])"),
    (lambda: plait.tensor([0.0, -0.0]), "tensor([0., -0.])"),
]  # fmt: skip


def plain(text: str) -> str:
    """Without the name of the package in front of a dtype."""
    return text.replace("dtype=plait.", "dtype=").replace("dtype=torch.", "dtype=")


@pytest.mark.tiny
@pytest.mark.parametrize("i", range(len(CASES)))
def test_repr(i: int) -> None:
    make, expected = CASES[i]
    assert plain(repr(make())) == expected
    assert str(make()) == repr(make())


def test_grad_fn_is_named() -> None:
    x = plait.ones(2, requires_grad=True)
    assert plain(repr(x * 2)).startswith("tensor([2., 2.], grad_fn=<")


def test_summary_of_large_tensors() -> None:
    text = repr(plait.arange(2000))
    assert text == "tensor([   0,    1,    2,  ..., 1997, 1998, 1999])"
    text = repr(plait.zeros(100, 100))
    assert text.count("...") == 7 and len(text.splitlines()) == 7
    assert len(repr(plait.zeros(1000, 1000))) < 600


def test_wrapping() -> None:
    lines = repr(plait.arange(40)).splitlines()
    assert len(lines) == 3 and all(len(line) <= 80 for line in lines)
    assert lines[1].startswith("        ")


def test_print_options() -> None:
    plait.set_printoptions(precision=2)
    assert repr(plait.tensor([1.23456])) == "tensor([1.23])"
    plait.set_printoptions(profile="default", threshold=5)
    assert "..." in repr(plait.arange(10))
    plait.set_printoptions(profile="default", sci_mode=True)
    assert repr(plait.tensor([1.5])) == "tensor([1.5000e+00])"
    plait.set_printoptions(profile="default", sci_mode=False)
    assert repr(plait.tensor([1e-8, 1.0])) == "tensor([0.0000, 1.0000])"
    plait.set_printoptions(profile="default", linewidth=30)
    assert all(len(line) <= 30 for line in repr(plait.arange(30)).splitlines())


def test_parameter() -> None:
    assert repr(plait.nn.Parameter(plait.ones(2))) == "Parameter containing:\ntensor([1., 1.], requires_grad=True)"


def test_names_of_things() -> None:
    assert str(plait.float32).endswith(".float32")
    assert str(plait.device("cpu")) == "cpu" and repr(plait.device("cpu")) == "device(type='cpu')"
    assert (
        repr(plait.tensor([[1.0, 2.0]]).max(1))
        .replace("torch", "plait")
        .startswith("plait.return_types.max(\nvalues=tensor([2.]),\nindices=tensor([1]))")
    )


def test_long_prints_are_quick() -> None:
    assert len(repr(plait.zeros(3000, 3000))) < 600
    assert len(repr(plait.randn(2, 500, 500, 3))) < 6000


def test_steps_of_the_graph_have_classes_of_their_own() -> None:
    x = plait.ones(2, requires_grad=True)
    step = (x * 2).sum().grad_fn
    names = [type(step).__name__]
    while step.next_functions:
        step = step.next_functions[0][0]
        names.append(type(step).__name__)
    assert names == ["SumBackward0", "MulBackward0", "AccumulateGrad"]
    assert isinstance(step, plait.autograd.graph.Node) and step.variable is x
    assert repr(type((x * 3).grad_fn)) == "<class 'MulBackward0'>"
    assert type((x * 3).grad_fn) is type((x * 4).grad_fn)


def test_integers_of_numpy_are_shown_without_a_dtype() -> None:
    assert repr(plait.arange(3).numpy()) == "array([0, 1, 2])"
