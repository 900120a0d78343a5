# SPDX-License-Identifier: MIT
"""Warnings point at the line of the user's program."""

from __future__ import annotations

import warnings
from typing import Any

import pytest

import plait
from plait import nn
from plait.nn import functional as F

X = plait.rand(4, 1)
LOSSES = [F.mse_loss, F.l1_loss, F.smooth_l1_loss, F.huber_loss, nn.MSELoss(), nn.L1Loss(), nn.HuberLoss()]
CALLS = [
    *(lambda loss=loss: loss(X, plait.rand(4)) for loss in LOSSES),
    lambda: F.softmax(X),
    lambda: nn.Softmax()(X),
    lambda: F.dropout2d(X),
    lambda: nn.Dropout3d()(X),
    lambda: F.grid_sample(plait.rand(1, 1, 2, 2), plait.zeros(1, 1, 1, 2)),
    lambda: F.soft_margin_loss(X, X, size_average=True),
    lambda: nn.LSTM(2, 2, dropout=0.5),
    lambda: nn.Linear(0, 2),
    lambda: nn.init.normal(X),
    lambda: plait.optim.SGD([X, X], lr=0.1),
]


@pytest.mark.parametrize("number", range(len(CALLS)))
def test_warnings_name_the_line_of_the_call(number: int) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        CALLS[number]()
    assert caught
    assert all(w.filename == __file__ for w in caught), [w.filename for w in caught]


@pytest.mark.parametrize("loss", LOSSES)
def test_losses_warn_of_a_target_of_another_shape(loss: Any) -> None:
    with pytest.warns(UserWarning, match=r"target size .*\(4\D*\) .* input size .*\(4, 1\).*broadcasting"):
        result = loss(X, plait.rand(4))
    assert result.shape == ()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        loss(X, plait.rand(4, 1))
        with pytest.raises(UserWarning, match="target size"):
            loss(X, plait.rand(4))


def test_a_warning_is_said_once_per_line_whatever_the_batch() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        for n in range(1, 6):
            F.dropout2d(plait.ones(n, 3))
    assert len(caught) == 1
