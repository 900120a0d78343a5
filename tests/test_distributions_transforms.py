# SPDX-License-Identifier: MIT
"""Transforms: inverses, Jacobians against finite differences, shapes; constraints; the registries."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import plait
import plait.distributions as D
from plait.distributions import constraints as C
from plait.distributions import transforms as T


def f64(*values: Any) -> Any:
    return plait.tensor(*values, dtype=plait.float64)


def matrix(n: int) -> Any:
    return plait.from_numpy(np.random.default_rng(0).normal(size=(n, n)))


# Transforms, and a value that they take.
TRANSFORMS = {
    "Exp": (T.ExpTransform(), f64([-1.0, 0.5])),
    "Power": (T.PowerTransform(f64(-1.5)), f64([0.5, 2.0])),
    "Sigmoid": (T.SigmoidTransform(), f64([-3.0, 0.5])),
    "Softplus": (T.SoftplusTransform(), f64([-3.0, 0.5])),
    "Tanh": (T.TanhTransform(), f64([-2.0, 0.5])),
    "Affine": (T.AffineTransform(1.0, -2.0), f64([-2.0, 0.5])),
    "AffineTensor": (T.AffineTransform(f64([1.0, 2.0]), f64([3.0, -4.0])), f64([-2.0, 0.5])),
    "AffineEvent": (T.AffineTransform(f64([1.0, 2.0]), f64([3.0, -4.0]), event_dim=1), f64([[-2.0, 0.5]])),
    "Compose": (T.ComposeTransform([T.AffineTransform(0.0, 2.0), T.ExpTransform()]), f64([-1.0, 0.5])),
    "ComposeEvents": (
        T.ComposeTransform([T.ExpTransform(), T.AffineTransform(0.0, 0.2), T.StickBreakingTransform()]),
        f64([[-1.0, 0.5], [0.3, 0.1]]),
    ),
    "Inverse": (T.ExpTransform().inv, f64([0.4, 2.0])),
    "Independent": (T.IndependentTransform(T.ExpTransform(), 1), f64([[-1.0, 0.5], [0.0, 1.0]])),
    "Reshape": (T.ReshapeTransform((4,), (2, 2)), f64([[1.0, 2.0, 3.0, 4.0]])),
    "CorrCholesky": (T.CorrCholeskyTransform(), f64([[0.3, -0.7, 1.1], [0.0, 0.2, -2.0]])),
    "StickBreaking": (T.StickBreakingTransform(), f64([[0.3, -0.7, 1.1]])),
    "CumulativeDistribution": (T.CumulativeDistributionTransform(D.Normal(f64(1.0), f64(2.0))), f64([-1.0, 2.0])),
    "Cat": (T.CatTransform([T.ExpTransform(), T.identity_transform], 0, [1, 2]), f64([0.5, 1.0, -1.0])),
    "CatLast": (T.CatTransform([T.TanhTransform(), T.ExpTransform()], -1, [1, 2]), f64([[0.5, 1.0, -1.0]])),
    "Stack": (T.StackTransform([T.ExpTransform(), T.AffineTransform(1.0, 3.0)], 0), f64([[0.5, 1.0], [2.0, -1.0]])),
    "Identity": (T.identity_transform, f64([0.5])),
}
MANY_TO_ONE = {
    "Abs": (T.AbsTransform(), f64([-2.0, 3.0])),
    "Softmax": (T.SoftmaxTransform(), f64([[0.3, 1.0, -1.0]])),
    "LowerCholesky": (T.LowerCholeskyTransform(), matrix(3)),
}


@pytest.mark.parametrize("name", TRANSFORMS)
def test_inverse_and_codomain(name: str) -> None:
    t, x = TRANSFORMS[name]
    y = t(x)
    assert t.bijective and t.inv.bijective
    np.testing.assert_allclose(t.inv(y).numpy(), x.numpy(), rtol=1e-9, atol=1e-12)
    assert bool(t.codomain.check(y).all()) and bool(t.domain.check(x).all())
    assert t.inv.inv is t or t.inv.inv == t
    assert tuple(t.forward_shape(x.shape)) == tuple(y.shape) and tuple(t.inverse_shape(y.shape)) == tuple(x.shape)
    assert t.inv.domain.event_dim == t.codomain.event_dim


@pytest.mark.parametrize("name", MANY_TO_ONE)
def test_inverse_is_one_of_several(name: str) -> None:
    t, x = MANY_TO_ONE[name]
    y = t(x)
    assert not t.bijective
    np.testing.assert_allclose(t(t.inv(y)).numpy(), y.numpy(), rtol=1e-9, atol=1e-12)
    assert bool(t.codomain.check(y).all())


def jacobian(t: Any, x: np.ndarray, pick: np.ndarray | None) -> np.ndarray:
    """dy / dx of one event by central differences; `pick`: the elements of y that are free."""
    flat, h = x.reshape(-1), 1e-6
    columns = []
    for i in range(flat.size):
        ends = []
        for sign in (1, -1):
            moved = flat.copy()
            moved[i] += sign * h
            y = t(plait.from_numpy(moved.reshape(x.shape))).numpy().reshape(-1)
            ends.append(y if pick is None else y[pick])
        columns.append((ends[0] - ends[1]) / (2 * h))
    return np.stack(columns, -1)


@pytest.mark.parametrize("name", TRANSFORMS)
def test_log_abs_det_jacobian(name: str) -> None:
    t, x = TRANSFORMS[name]
    y = t(x)
    got = t.log_abs_det_jacobian(x, y)
    events = t.domain.event_dim
    batch = x.shape[: x.dim() - events]
    assert got.shape == batch
    np.testing.assert_allclose(t.inv.log_abs_det_jacobian(y, x).numpy(), -got.numpy(), rtol=1e-9)
    if events == 0:  # every element for itself: the diagonal of the whole Jacobian
        expected = np.log(np.abs(np.diagonal(jacobian(t, x.numpy(), None)))).reshape(x.shape)
        np.testing.assert_allclose(got.numpy(), expected, rtol=1e-6, atol=1e-8)
        return
    for index in np.ndindex(*batch):
        event = x[index].numpy()
        size, after = event.size, y[index].numel()
        pick = None
        if name == "CorrCholesky":
            n = y.shape[-1]
            pick = np.array([i * n + j for i in range(n) for j in range(i)])
        elif after > size:  # a simplex: the last element follows from the others
            pick = np.arange(size)
        slope = np.linalg.slogdet(jacobian(t, event, pick))[1]
        np.testing.assert_allclose(got[index].item(), slope, rtol=1e-6, atol=1e-7)


def test_gradients_flow_through_transforms() -> None:
    for t, x in list(TRANSFORMS.values()):
        assert plait.autograd.gradcheck(t, (x.clone().requires_grad_(),))


@pytest.mark.parametrize("name", TRANSFORMS)
def test_cache(name: str) -> None:
    plain, x = TRANSFORMS[name]
    t = plain.with_cache(1)
    y = t(x)
    if name != "Identity":
        assert t(x) is y and t.inv(y) is x
    assert plain.with_cache(0) is plain


def test_equality_and_copies() -> None:
    assert T.ExpTransform() == T.ExpTransform() and T.ExpTransform() != T.TanhTransform()
    assert T.AffineTransform(1.0, 2.0) == T.AffineTransform(1.0, 2.0) != T.AffineTransform(1.0, 3.0)
    assert T.PowerTransform(2.0) == T.PowerTransform(2.0) != T.PowerTransform(3.0)
    assert T.ExpTransform().inv == T.ExpTransform().inv
    t = T.ComposeTransform([T.ExpTransform(), T.AffineTransform(0.0, 2.0)])
    _ = t.inv
    for other in (copy.deepcopy(t), pickle.loads(pickle.dumps(t))):
        assert other == t and plait.equal(other.inv(plait.ones(1)), t.inv(plait.ones(1)))
    assert repr(t) == "ComposeTransform(\n    ExpTransform(),\n    AffineTransform()\n)"


def test_sign_turns_the_distribution_function_around() -> None:
    d = D.TransformedDistribution(D.Normal(f64(0.0), f64(1.0)), [D.AffineTransform(1.0, -2.0)])
    reference = D.Normal(f64(1.0), f64(2.0))
    x = f64([-1.0, 0.0, 2.0])
    np.testing.assert_allclose(d.cdf(x).numpy(), reference.cdf(x).numpy(), rtol=1e-10)
    np.testing.assert_allclose(d.icdf(f64([0.1, 0.7])).numpy(), reference.icdf(f64([0.1, 0.7])).numpy(), rtol=1e-8)
    np.testing.assert_allclose(d.log_prob(x).numpy(), reference.log_prob(x).numpy(), rtol=1e-10)


def test_events_of_transformed_distributions() -> None:
    normal = D.Normal(plait.zeros(3, 2), plait.ones(3, 2))
    d = D.TransformedDistribution(normal, D.StickBreakingTransform())
    assert d.batch_shape == (3,) and d.event_shape == (3,) and d.sample((5,)).shape == (5, 3, 3)
    assert d.log_prob(d.sample((5,))).shape == (5, 3)
    wider = D.TransformedDistribution(D.Normal(0.0, 1.0), D.AffineTransform(plait.zeros(4), plait.ones(4)))
    assert wider.batch_shape == (4,) and wider.log_prob(wider.sample()).shape == (4,)
    assert d.expand((7, 3)).sample().shape == (7, 3, 3)
    flat = D.TransformedDistribution(
        D.Independent(D.Normal(plait.zeros(4), plait.ones(4)), 1), D.ReshapeTransform((4,), (2, 2))
    )
    assert flat.event_shape == (2, 2) and flat.log_prob(flat.sample((3,))).shape == (3,)
    with pytest.raises(ValueError, match="dimension"):
        D.TransformedDistribution(D.Normal(0.0, 1.0), D.StickBreakingTransform())
    with pytest.raises(ValueError, match="transforms"):
        D.TransformedDistribution(D.Normal(0.0, 1.0), [abs])  # type: ignore[list-item]


# ---- Constraints ----

MEMBERS: list[tuple[Any, Any, Any]] = [
    (C.boolean, [0.0, 1.0], [0.5, -1.0]),
    (C.integer_interval(0, 3), [0.0, 3.0], [1.5, 4.0]),
    (C.nonnegative_integer, [0.0, 9.0], [-1.0, 0.5]),
    (C.positive_integer, [1.0, 9.0], [0.0, 1.5]),
    (C.real, [-1.0, 1.0], [float("nan"), float("nan")]),
    (C.positive, [0.1, 9.0], [0.0, -1.0]),
    (C.nonnegative, [0.0, 9.0], [-0.1, -1.0]),
    (C.greater_than(2.0), [2.1, 9.0], [2.0, -1.0]),
    (C.greater_than_eq(2.0), [2.0, 9.0], [1.9, -1.0]),
    (C.less_than(2.0), [1.9, -9.0], [2.0, 3.0]),
    (C.interval(1.0, 2.0), [1.0, 2.0], [0.9, 2.1]),
    (C.half_open_interval(1.0, 2.0), [1.0, 1.9], [0.9, 2.0]),
    (C.unit_interval, [0.0, 1.0], [-0.1, 1.1]),
]


@pytest.mark.parametrize(("constraint", "inside", "outside"), MEMBERS, ids=lambda v: repr(v)[:40])
def test_numbers(constraint: Any, inside: Any, outside: Any) -> None:
    assert constraint.check(plait.tensor(inside)).tolist() == [True, True]
    assert constraint.check(plait.tensor(outside)).tolist() == [False, False]
    assert constraint.event_dim == 0


def test_vectors_and_matrices() -> None:
    def all_of(constraint: Any, good: Any, bad: Any) -> None:
        assert bool(constraint.check(plait.tensor(good)).all())
        assert constraint.check(plait.tensor(bad)).tolist() is False

    all_of(C.simplex, [0.2, 0.8], [0.3, 0.8])
    all_of(C.one_hot, [0.0, 1.0], [1.0, 1.0])
    all_of(C.multinomial(3), [1.0, 2.0], [1.0, 3.0])
    all_of(C.real_vector, [1.0, 2.0], [float("nan"), 2.0])
    all_of(C.lower_triangular, [[1.0, 0.0], [2.0, -1.0]], [[1.0, 3.0], [2.0, 1.0]])
    all_of(C.lower_cholesky, [[1.0, 0.0], [2.0, 1.0]], [[1.0, 0.0], [2.0, -1.0]])
    all_of(C.corr_cholesky, [[1.0, 0.0], [0.6, 0.8]], [[1.0, 0.0], [2.0, 1.0]])
    all_of(C.symmetric, [[1.0, 2.0], [2.0, 1.0]], [[1.0, 0.0], [2.0, 1.0]])
    assert C.square.check(plait.zeros(4, 2, 2)).tolist() == [True] * 4
    assert C.square.check(plait.zeros(4, 2, 3)).tolist() == [False] * 4
    assert C.independent(C.positive, 1).event_dim == 1 and repr(C.independent(C.positive, 1)).startswith("Independent")
    with pytest.raises(ValueError, match="dependent"):
        C.dependent.check(plait.zeros(1))
    with pytest.raises(ValueError, match="dimensions"):
        C.real_vector.check(plait.zeros(()))


REGISTERED = [
    C.real, C.positive, C.nonnegative, C.greater_than(2.0), C.greater_than_eq(f64([1.0, 2.0])), C.less_than(-1.0),
    C.interval(-1.0, 3.0), C.unit_interval, C.half_open_interval(0.0, 2.0), C.real_vector, C.simplex, C.lower_cholesky,
    C.independent(C.positive, 1), C.cat([C.positive, C.real], -1, [1, 1]), C.stack([C.positive, C.real], -1),
]  # fmt: skip


@pytest.mark.parametrize("constraint", REGISTERED, ids=repr)
@pytest.mark.parametrize("registry", [D.biject_to, D.transform_to], ids=["biject_to", "transform_to"])
def test_registries_lead_into_the_set(registry: Any, constraint: Any) -> None:
    t = registry(constraint)
    x = plait.from_numpy(np.random.default_rng(1).normal(size=(5, 2, 2)))
    y = t(x)
    assert bool(constraint.check(y).all())
    np.testing.assert_allclose(t(t.inv(y)).numpy(), y.numpy(), rtol=1e-9, atol=1e-12)
    if registry is D.biject_to and constraint is not C.lower_cholesky:
        np.testing.assert_allclose(t.inv(y).numpy(), x.numpy(), rtol=1e-9)


def test_correlations_from_numbers() -> None:
    x = plait.from_numpy(np.random.default_rng(1).normal(size=(5, 6)))
    y = D.biject_to(C.corr_cholesky)(x)
    assert y.shape == (5, 4, 4) and bool(C.corr_cholesky.check(y).all())


def test_registry_of_ones_own() -> None:
    registry = D.constraint_registry.ConstraintRegistry()

    class Even(C.Constraint):
        is_discrete = True

        def check(self, value: Any) -> Any:
            return value % 2 == 0

    registry.register(Even, lambda c: T.AffineTransform(0, 2))
    assert registry(Even())(plait.ones(1)).tolist() == [2.0]
    with pytest.raises(NotImplementedError, match="Real"):
        registry(C.real)
    with pytest.raises(TypeError, match="constraint"):
        registry.register(3, lambda c: T.identity_transform)


def test_triangles() -> None:
    from plait.distributions.utils import tril_matrix_to_vec, vec_to_tril_matrix

    m = plait.arange(32.0).reshape(2, 4, 4)
    for diag in (-2, -1, 0):
        vec = tril_matrix_to_vec(m, diag)
        assert plait.equal(vec_to_tril_matrix(vec, diag), m.tril(diag))
    with pytest.raises(ValueError, match="diag"):
        tril_matrix_to_vec(m, 4)
    with pytest.raises(ValueError, match="triangle"):
        vec_to_tril_matrix(plait.zeros(4))
