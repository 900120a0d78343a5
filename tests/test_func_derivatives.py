# SPDX-License-Identifier: MIT
"""Derivatives of functions, against closed forms and finite differences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import plait
from plait.func import grad, grad_and_value, hessian, jacfwd, jacrev, jvp, linearize, vjp, vmap


def points(*shape: int, seed: int = 0) -> plait.Tensor:
    return plait.from_numpy(np.random.default_rng(seed).uniform(0.5, 1.5, shape))


def field(x: plait.Tensor) -> plait.Tensor:
    return plait.stack([x.prod(), x.sin().sum(), (x[0] / x[-1])])


def close(a: plait.Tensor, b: Any, tol: float = 1e-10) -> None:
    expected = b.detach().numpy() if isinstance(b, plait.Tensor) else np.asarray(b)
    np.testing.assert_allclose(a.detach().numpy(), expected, rtol=tol, atol=tol)


def differences(f: Any, x: plait.Tensor, h: float = 1e-6) -> np.ndarray:
    columns = []
    for i in range(x.numel()):
        step = plait.zeros_like(x)
        step.view(-1)[i] = h
        columns.append(((f(x + step) - f(x - step)) / (2 * h)).numpy())
    return np.stack(columns, -1)


def test_grad() -> None:
    x = points(4)
    close(grad(lambda a: (a**3).sum())(x), 3 * x.numpy() ** 2)
    g, value = grad_and_value(lambda a, b: (a * b).sum(), argnums=(0, 1))(x, 2 * x)
    close(g[0], 2 * x)
    close(g[1], x)
    assert value == (2 * x * x).sum() and not value.requires_grad and not g[0].requires_grad
    g, aux = grad(lambda a: (a.sum(), {"twice": a * 2}), has_aux=True)(x)
    close(aux["twice"], 2 * x)
    assert not aux["twice"].requires_grad
    tree = grad(lambda p: (p["w"] * p["b"][0]).sum())({"w": x, "b": [x + 1]})
    close(tree["w"], x + 1)
    close(tree["b"][0], x)
    close(grad(lambda a, *, k: (a * k).sum())(x, k=3), np.full(4, 3.0))
    assert grad(lambda a: plait.ones(()))(x).tolist() == [0] * 4


def test_grad_of_grad() -> None:
    f = lambda a: a.sin()  # noqa: E731
    for n, expected in enumerate((np.cos, lambda v: -np.sin(v), lambda v: -np.cos(v))):
        g = f
        for _ in range(n + 1):
            g = grad(g)
        close(g(plait.tensor(0.7, dtype=plait.float64)), expected(0.7))
    # The inner derivative holds the outer variable fixed.
    mixed = grad(lambda a: a * grad(lambda b: a * b * b)(a))
    close(mixed(plait.tensor(2.0, dtype=plait.float64)), 24.0)  # a * 2 a^2


def test_gradients_flow_outside() -> None:
    w = points(3).requires_grad_()
    g = grad(lambda a: (a * a * w).sum())(points(3, seed=1))
    assert g.requires_grad
    g.sum().backward()
    close(w.grad, 2 * points(3, seed=1))
    x = points(3).requires_grad_()
    grad(lambda a: (a**3).sum())(x).sum().backward()
    close(x.grad, 6 * x)
    assert plait.ones(1, requires_grad=True).grad is None


@pytest.mark.parametrize("jacobian", [jacrev, jacfwd])
def test_jacobians(jacobian: Any) -> None:
    x = points(3)
    close(jacobian(field)(x), differences(field, x), 1e-7)
    close(jacobian(lambda a: a.sum())(x), np.ones(3))
    assert jacobian(lambda a: a.reshape(3, 1))(points(1, 3)).shape == (3, 1, 1, 3)
    by_a, by_b = jacobian(lambda a, b: a * b, argnums=(0, 1))(x, x + 1)
    close(by_a, np.diag((x + 1).numpy()))
    close(by_b, np.diag(x.numpy()))
    first, second = jacobian(lambda a: (a * 2, a.sum()))(x)
    close(first, 2 * np.eye(3))
    close(second, np.ones(3))
    block, aux = jacobian(lambda a: (a * a, a), has_aux=True)(x)
    close(block, np.diag(2 * x.numpy()))
    close(aux, x)
    assert jacobian(lambda a: a[:0])(x).shape == (0, 3)


def test_hessian() -> None:
    x = points(3)
    f = lambda a: (a.sin() * a.prod()).sum()  # noqa: E731
    expected = differences(grad(f), x)
    for g in (hessian(f), jacfwd(jacrev(f)), jacrev(jacfwd(f)), jacrev(grad(f)), jacfwd(grad(f))):
        close(g(x), expected, 1e-7)


def test_vjp_and_jvp() -> None:
    x, v = points(3), points(3, seed=1)
    jacobian = differences(field, x)
    y, pullback = vjp(field, x)
    assert not y.requires_grad
    close(pullback(v)[0], v.numpy() @ jacobian, 1e-7)
    close(pullback(v)[0], v.numpy() @ jacobian, 1e-7)
    value, tangent = jvp(field, (x,), (v,))
    close(value, field(x))
    close(tangent, jacobian @ v.numpy(), 1e-7)
    value, tangent_of = linearize(field, x)
    for k in (1, 2):
        close(tangent_of(k * v), k * jacobian @ v.numpy(), 1e-7)
    _, (ta, tb), aux = jvp(lambda p, q: ((p * q, q.sum()), 7), (x, x), (v, plait.zeros_like(x)), has_aux=True)
    close(ta, x * v)
    assert tb == 0 and aux == 7
    # Tangents of gradients, gradients of tangents.
    close(jvp(grad(lambda t: (t**3).sum()), (x,), (v,))[1], 6 * x * v)
    close(grad(lambda t: jvp(lambda s: (s**3).sum(), (t,), (v,))[1])(x), 6 * x * v)


def test_under_vmap() -> None:
    x = points(4, 3)
    loop = lambda f: np.stack([f(row).numpy() for row in x])  # noqa: E731
    for f in (grad(lambda a: (a**3).sum()), jacrev(field), jacfwd(field), hessian(lambda a: (a**3).prod())):
        close(vmap(f)(x), loop(f))
    v = points(4, 3, seed=1)
    got = vmap(lambda a, t: jvp(field, (a,), (t,))[1])(x, v)
    close(got, np.stack([jvp(field, (a,), (t,))[1].numpy() for a, t in zip(x, v)]))
    pullback = vjp(field, x[0])[1]
    close(vmap(pullback)(plait.eye(3, dtype=plait.float64))[0], jacrev(field)(x[0]))
    w = points(3, seed=2)
    by_w = vmap(grad(lambda p, a: (p * a).sin().sum()), (None, 0))(w, x)
    close(by_w, x.numpy() * np.cos((w * x).numpy()))
    close(grad(lambda p: vmap(lambda a: (p * a).sum())(x).sin().sum())(w), (x * (x @ w).cos()[:, None]).sum(0))


def test_refuses() -> None:
    x = plait.ones(3)
    with pytest.raises(ValueError, match="0-d"):
        grad(lambda a: a)(x)
    with pytest.raises(TypeError, match="int64"):
        grad(lambda a: a.sum())(plait.arange(3))
    with pytest.raises(ValueError, match="argnums"):
        grad(lambda a: a.sum(), argnums=1)(x)
    with pytest.raises(TypeError, match="tuple of two"):
        grad(lambda a: a.sum(), has_aux=True)(x)
    with pytest.raises(ValueError, match="cotangents"):
        vjp(lambda a: a, x)[1](plait.ones(2))
    with pytest.raises(ValueError, match="tangents"):
        jvp(lambda a: a, (x,), (plait.ones(2),))
    with pytest.raises(TypeError, match="tuples"):
        jvp(lambda a: a, x, x)
