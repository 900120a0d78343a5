# SPDX-License-Identifier: MIT
"""Gradient clipping, parameter vectors, fusion, DataParallel, and the examples of the docstrings."""

from __future__ import annotations

import doctest
import importlib
import math
import pkgutil

import numpy as np
import pytest

import plait
from plait import nn
from plait.nn import utils


def parameters(*grads: list[float] | None) -> list[nn.Parameter]:
    result = []
    for grad in grads:
        p = nn.Parameter(plait.zeros(2 if grad is None else len(grad)))
        if grad is not None:
            p.grad = plait.tensor(grad)
        result.append(p)
    return result


@pytest.mark.parametrize(("order", "norm"), [(2.0, 13.0), (1.0, 19.0), (math.inf, 12.0)])
def test_clip_grad_norm(order: float, norm: float) -> None:
    ps = parameters([3.0, -4.0], None, [12.0])
    total = utils.clip_grad_norm_(iter(ps), 6.5, norm_type=order)
    assert total.item() == pytest.approx(norm)
    np.testing.assert_allclose(ps[0].grad.numpy(), np.array([3.0, -4.0]) * 6.5 / norm, rtol=1e-5)
    assert ps[1].grad is None
    before = ps[0].grad.tolist()
    utils.clip_grad_norm_(ps, 100.0)
    assert ps[0].grad.tolist() == before
    assert utils.clip_grad_norm_([], 1.0).item() == 0.0


def test_clip_grad_norm_reports_bad_gradients() -> None:
    (p,) = parameters([math.nan, 1.0])
    with pytest.raises(RuntimeError, match="expected a finite norm"):
        utils.clip_grad_norm_(p, 1.0, error_if_nonfinite=True)
    assert p.grad[1].item() == 1.0


def test_clip_grad_value() -> None:
    (p,) = parameters([3.0, -4.0])
    utils.clip_grad_value_(p, 3.5)
    assert p.grad.tolist() == [3.0, -3.5]


def test_parameters_as_a_vector() -> None:
    net = nn.Linear(2, 2)
    vector = utils.parameters_to_vector(net.parameters())
    assert tuple(vector.shape) == (6,)
    utils.vector_to_parameters(plait.arange(6.0), net.parameters())
    assert net.weight.tolist() == [[0.0, 1.0], [2.0, 3.0]]
    assert net.bias.tolist() == [4.0, 5.0]
    with pytest.raises(ValueError, match="vector of 6 elements"):
        utils.vector_to_parameters(plait.zeros(5), net.parameters())
    assert net.bias.tolist() == [4.0, 5.0]


@pytest.mark.parametrize("transpose", [False, True])
def test_fused_batch_norm(transpose: bool) -> None:
    conv = nn.ConvTranspose2d(3, 4, 3) if transpose else nn.Conv2d(3, 4, 3, bias=False)
    norm = nn.BatchNorm2d(4)
    for _ in range(3):
        norm(plait.randn(8, 4, 5, 5) * 2 + 1)
    conv.eval(), norm.eval()
    x = plait.randn(2, 3, 6, 6)
    fused = utils.fuse_conv_bn_eval(conv, norm, transpose)
    np.testing.assert_allclose(fused(x).detach().numpy(), norm(conv(x)).detach().numpy(), atol=1e-5)
    with pytest.raises(ValueError, match="evaluation mode"):
        utils.fuse_conv_bn_eval(conv, norm.train(), transpose)


def test_data_parallel_calls_its_module() -> None:
    net = nn.Linear(2, 3)
    wrapped = nn.DataParallel(net)
    x = plait.randn(4, 2)
    np.testing.assert_array_equal(wrapped(x).detach().numpy(), net(x).detach().numpy())
    assert list(wrapped.state_dict()) == ["module.weight", "module.bias"]


def _submodules() -> list[str]:
    return sorted(m.name for m in pkgutil.walk_packages(nn.__path__, "plait.nn."))


@pytest.mark.parametrize("name", _submodules())
def test_examples_of_the_docstrings(name: str) -> None:
    module = importlib.import_module(name)
    plait.manual_seed(0)
    # Docstrings of the core's operators take these names for granted.
    names = {"plait": plait, "F": nn.functional}
    failed, _ = doctest.testmod(module, optionflags=doctest.NORMALIZE_WHITESPACE, extraglobs=names)
    assert failed == 0


@pytest.mark.parametrize("name", nn.__all__)
def test_every_public_name_has_a_docstring(name: str) -> None:
    assert getattr(nn, name).__doc__


def test_every_function_has_a_docstring() -> None:
    missing = [name for name in nn.functional.__all__ if not getattr(nn.functional, name).__doc__]
    assert missing == []


def test_every_functional_operator_of_the_core_is_public() -> None:
    from plait import _core

    native = {name for name in dir(_core._nn) if not name.startswith("_")}
    assert native <= set(nn.functional.__all__)
    assert len(nn.functional.__all__) == len(set(nn.functional.__all__))
