# SPDX-License-Identifier: MIT
"""Tensors that carry tangents."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import plait
import plait.autograd.forward_ad as fwAD


def test_tangents() -> None:
    x, t = plait.rand(3, dtype=plait.float64) + 0.5, plait.rand(3, dtype=plait.float64)
    with fwAD.dual_level():
        dual = fwAD.make_dual(x, t)
        assert fwAD.unpack_dual(dual).tangent is t
        value, tangent = fwAD.unpack_dual(dual.sin() * dual.prod())
        both = fwAD.make_dual(x, 2 * t)
        mixed = fwAD.unpack_dual(dual * both).tangent
        assert fwAD.unpack_dual(x * 2).tangent is None
        w = plait.ones(3, dtype=plait.float64, requires_grad=True)
        assert fwAD.unpack_dual(w * 2).tangent is None
    expected = x.cos() * t * x.prod() + x.sin() * (x.prod() / x * t).sum()
    assert plait.allclose(tangent, expected) and not tangent.requires_grad and not value.requires_grad
    assert plait.allclose(mixed, 3 * x * t)
    assert fwAD.unpack_dual(x).tangent is None


def test_modules() -> None:
    layer = plait.nn.Linear(3, 2)
    x, t = plait.randn(4, 3), plait.randn(4, 3)
    with fwAD.dual_level():
        tangent = fwAD.unpack_dual(layer(fwAD.make_dual(x, t))).tangent
    assert plait.allclose(tangent, t @ layer.weight.t(), atol=1e-6)


def test_gradients_of_tangents() -> None:
    x = plait.tensor([2.0], dtype=plait.float64, requires_grad=True)
    with fwAD.dual_level():
        tangent = fwAD.unpack_dual(fwAD.make_dual(x, plait.ones(1, dtype=plait.float64)) ** 3).tangent
    assert tangent.tolist() == [12.0]
    tangent.sum().backward()
    assert x.grad.tolist() == [12.0]


def test_refuses() -> None:
    with pytest.raises(RuntimeError, match="dual_level"):
        fwAD.make_dual(plait.ones(1), plait.ones(1))
    with fwAD.dual_level():
        for wrong in (plait.ones(2), plait.ones(1, dtype=plait.complex64)):
            with pytest.raises((ValueError, TypeError), match="tangent"):
                fwAD.make_dual(plait.ones(1), wrong)
        with pytest.raises(RuntimeError, match="nested"), fwAD.dual_level():
            pass
        with pytest.raises(TypeError, match="int64"):
            fwAD.make_dual(plait.arange(1), plait.arange(1))
    with pytest.raises(RuntimeError, match="exit_dual_level"):
        fwAD.exit_dual_level()


class Exp(plait.autograd.Function):
    """Without backward: forward mode alone knows its derivative."""

    @staticmethod
    def forward(ctx: Any, x: Any, scale: float = 1.0) -> Any:
        y = (x * scale).exp()
        ctx.scale = scale
        ctx.save_for_forward(y)
        return y

    @staticmethod
    def jvp(ctx: Any, tangent: Any, scale: Any = None) -> Any:
        (y,) = ctx.saved_tensors
        assert scale is None
        return tangent * y * ctx.scale


def test_functions_with_jvp() -> None:
    x = plait.tensor([0.5, 1.0], dtype=plait.float64)
    v = plait.tensor([1.0, 2.0], dtype=plait.float64)
    with fwAD.dual_level():
        y = Exp.apply(fwAD.make_dual(x, v) * 2, 3.0).sin()
        value, tangent = fwAD.unpack_dual(y)
    inside = np.exp(6 * x.numpy())
    np.testing.assert_allclose(value.numpy(), np.sin(inside))
    np.testing.assert_allclose(tangent.numpy(), np.cos(inside) * inside * 6 * v.numpy())
    with fwAD.dual_level():
        assert fwAD.unpack_dual(Exp.apply(x)).tangent is None
    both = dict(check_forward_ad=True, check_backward_ad=False)
    assert plait.autograd.gradcheck(Exp.apply, (x.requires_grad_(),), **both)


def test_gradcheck_of_forward_mode() -> None:
    class Wrong(Exp):
        @staticmethod
        def jvp(ctx: Any, tangent: Any) -> Any:
            return tangent

    z = plait.tensor([1.0 + 2.0j], dtype=plait.complex128, requires_grad=True)
    assert plait.autograd.gradcheck(lambda t: (t * t, t.abs()), (z,), check_forward_ad=True)
    x = plait.tensor([0.5], dtype=plait.float64, requires_grad=True)
    with pytest.raises(RuntimeError, match="forward mode"):
        plait.autograd.gradcheck(Wrong.apply, (x,), check_forward_ad=True, check_backward_ad=False)


def test_tangents_take_the_dtype() -> None:
    with fwAD.dual_level():
        x = fwAD.make_dual(plait.ones(2, dtype=plait.float64), plait.ones(2))
        assert fwAD.unpack_dual(x * 2).tangent.dtype == plait.float64
        with pytest.raises(TypeError, match="tangent"):
            fwAD.make_dual(plait.ones(2), plait.ones(2, dtype=plait.int64))
