# SPDX-License-Identifier: MIT
"""Tensors made in inference mode: what they allow, and that everything else raises where PyTorch raises."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Iterator

import numpy as np
import pytest

import plait
import plait.nn.functional as F

OUTSIDE = "outside InferenceMode is not allowed"
SAVED = "Inference tensors cannot be saved for backward"


@pytest.fixture
def inside() -> plait.Tensor:
    with plait.inference_mode():
        return plait.tensor([1.0, 2.0])


def leaf() -> plait.Tensor:
    return plait.tensor([3.0, 4.0], requires_grad=True)


@pytest.mark.tiny
def test_marks() -> None:
    normal = leaf()
    with plait.inference_mode():
        assert plait.is_inference_mode_enabled()
        assert not plait.is_grad_enabled()
        made = {
            "factory": plait.ones(2),
            "zero elements": plait.ones(0),
            "large": plait.ones(5000),
            "number": plait.tensor(1),
            "integers": plait.arange(3),
            "result": normal * 2,
            "copy": normal.clone(),
            "numpy": plait.from_numpy(np.ones(2)),
            "view": plait.ones(2, 3).t()[0],
            "parameter": plait.nn.Linear(2, 2).weight,
        }
        views = [normal[0], normal.detach(), normal.view(2, 1)]
    for name, t in made.items():
        assert t.is_inference(), name
        assert plait.is_inference(t), name
    assert not any(v.is_inference() for v in views)
    assert not normal.is_inference()
    assert not plait.is_inference_mode_enabled()
    assert plait.is_grad_enabled()


def test_views_outside_are_inference_tensors_and_copies_are_not(inside: plait.Tensor) -> None:
    for view in (inside[0], inside.view(2, 1), inside.detach(), inside.t(), inside.data):
        assert view.is_inference()
    for normal in (
        inside.clone(),
        inside + 1,
        inside.double(),
        inside.to(plait.float32, copy=True),
        copy.deepcopy(inside),
    ):
        assert not normal.is_inference()
        normal += 1
        normal.requires_grad_()


def test_nothing_is_recorded_inside() -> None:
    x = leaf()
    with plait.inference_mode():
        for mode in (plait.enable_grad(), plait.set_grad_enabled(True), plait.no_grad()):
            with mode:
                assert not (x * 2).requires_grad
        assert not plait.is_grad_enabled()
    assert (x * 2).requires_grad


@pytest.mark.parametrize(
    "op",
    [
        lambda t, x: t.add_(1),
        lambda t, x: t.mul_(t),
        lambda t, x: t.copy_(x.detach()),
        lambda t, x: t.zero_(),
        lambda t, x: t.__setitem__(0, 5.0),
        lambda t, x: t[0].fill_(1),
        lambda t, x: t.view(2, 1).sigmoid_(),
        lambda t, x: t.unsqueeze_(0),
        lambda t, x: t.uniform_(),
        lambda t, x: t.index_fill_(0, plait.tensor([0]), 1.0),
        lambda t, x: t.masked_fill_(plait.tensor([True, False]), 1.0),
        lambda t, x: plait.exp(x.detach(), out=t),
        lambda t, x: F.relu(t, inplace=True),
    ],
)
def test_in_place_outside_raises(op: Callable, inside: plait.Tensor) -> None:
    before = inside.tolist()
    for guard in (plait.enable_grad(), plait.no_grad()):
        with guard, pytest.raises(RuntimeError, match=OUTSIDE):
            op(inside, leaf())
    assert inside.tolist() == before
    assert inside.shape == (2,)
    with plait.inference_mode():
        op(inside, leaf())


def test_requires_grad(inside: plait.Tensor) -> None:
    with pytest.raises(RuntimeError, match=OUTSIDE):
        inside.requires_grad_()
    with pytest.raises(RuntimeError, match=OUTSIDE):
        inside.requires_grad = True
    with plait.inference_mode():
        assert inside.requires_grad_().requires_grad
    inside.requires_grad_(False)


@pytest.mark.parametrize(
    "op",
    [
        lambda x, t: x * t,
        lambda x, t: t * x,
        lambda x, t: x / t,
        lambda x, t: x @ t,
        lambda x, t: plait.atan2(x, t),
        lambda x, t: F.linear(x, t.view(1, 2)),
        lambda x, t: plait.where(t > 1, x, 2 * x) * t,
        lambda x, t: F.mse_loss(x, t),
        lambda x, t: plait.maximum(x, t),
    ],
)
def test_saving_raises(op: Callable, inside: plait.Tensor) -> None:
    with pytest.raises(RuntimeError, match=SAVED):
        op(leaf(), inside)
    with plait.no_grad():
        op(leaf(), inside)
    assert op(leaf().detach(), inside).requires_grad is False
    y = op(leaf(), inside.clone())
    y.sum().backward()


@pytest.mark.parametrize(
    ("op", "want"),
    [
        (lambda x, t: x + t, [1, 1]),
        (lambda x, t: t - x, [-1, -1]),
        (lambda x, t: plait.cat([x, t]), [1, 1]),
        (lambda x, t: x.clone().add_(t), [1, 1]),
        (lambda x, t: x * t.tolist()[0], [1, 1]),
        (lambda x, t: plait.lerp(x, t, 0.25), [0.75, 0.75]),
        (lambda x, t: plait.addcmul(x, t, t), [1, 1]),
        (lambda x, t: plait.addcdiv(x, t, t), [1, 1]),
    ],
)
def test_ops_that_keep_nothing_of_it_are_recorded(op: Callable, want: list, inside: plait.Tensor) -> None:
    x = leaf()
    op(x, inside).sum().backward()
    assert x.grad.tolist() == want


def test_custom_function(inside: plait.Tensor) -> None:
    class Double(plait.autograd.Function):
        @staticmethod
        def forward(ctx, x, t):  # type: ignore[no-untyped-def]
            ctx.save_for_backward(t)
            return x * t

        @staticmethod
        def backward(ctx, g):  # type: ignore[no-untyped-def]
            return g * ctx.saved_tensors[0], None

    with pytest.raises(RuntimeError, match=SAVED):
        Double.apply(leaf(), inside)


def test_version_counter(inside: plait.Tensor) -> None:
    with pytest.raises(RuntimeError, match="Inference tensors do not track version counter"):
        _ = inside._version
    assert inside.clone()._version == 0


def test_normal_tensors_are_changed_and_counted_inside() -> None:
    x = plait.ones(2)
    y = x * leaf()  # saves x
    with plait.inference_mode():
        x.add_(1)
        assert x.tolist() == [2, 2]
    assert x._version == 1
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


def test_view_of_a_normal_tensor_made_inside() -> None:
    base = leaf() * 2
    with plait.inference_mode():
        view = base[0]
    assert not view.is_inference()
    assert not view.requires_grad
    assert view.tolist() == view.numpy().tolist()
    with pytest.raises(RuntimeError, match="view"):
        view.add_(1)


@pytest.mark.tiny
def test_forms() -> None:
    x = leaf()

    @plait.inference_mode()
    def called(t: plait.Tensor) -> plait.Tensor:
        return t * 2

    @plait.inference_mode
    def bare(t: plait.Tensor) -> plait.Tensor:
        return t * 2

    @plait.inference_mode(mode=False)
    def off(t: plait.Tensor) -> plait.Tensor:
        return t * 2

    @plait.inference_mode()
    def generator(t: plait.Tensor) -> Iterator[plait.Tensor]:
        for _ in range(2):
            yield t * 2

    assert called(x).is_inference()
    assert bare(x).is_inference()
    assert off(x).requires_grad
    for y in generator(x):
        assert y.is_inference()
        assert not plait.is_inference_mode_enabled()
    with plait.inference_mode():
        assert off(x).requires_grad
        with plait.inference_mode(False):
            assert plait.is_grad_enabled()
            assert not plait.ones(1).is_inference()
        assert plait.ones(1).is_inference()
    with plait.no_grad():
        with plait.inference_mode():
            pass
        assert not plait.is_grad_enabled()
    with pytest.raises(KeyError), plait.inference_mode():
        raise KeyError
    assert not plait.is_inference_mode_enabled()


def test_the_mode_is_of_a_thread() -> None:
    seen = []
    with plait.inference_mode():
        thread = threading.Thread(target=lambda: seen.append((plait.is_inference_mode_enabled(), plait.ones(1))))
        thread.start()
        thread.join()
    assert seen[0][0] is False
    assert not seen[0][1].is_inference()


def test_a_model_trains_after_inference() -> None:
    model = plait.nn.Sequential(plait.nn.Linear(3, 4), plait.nn.BatchNorm1d(4), plait.nn.ReLU(), plait.nn.Linear(4, 2))
    x = plait.randn(5, 3)
    with plait.inference_mode():
        model(x)
    model.train()
    optimizer = plait.optim.Adam(model.parameters())
    F.cross_entropy(model(x), plait.tensor([0, 1, 0, 1, 1])).backward()
    optimizer.step()
    with pytest.raises(RuntimeError, match=SAVED), plait.inference_mode(False):
        with plait.inference_mode():
            images = plait.randn(5, 3)
        model(images)


def test_a_model_made_inside_does_not_train() -> None:
    with plait.inference_mode():
        model = plait.nn.Linear(2, 1)
    with plait.no_grad():
        model(plait.ones(1, 2))
    with pytest.raises(RuntimeError):
        model(plait.ones(1, 2)).sum().backward()
        plait.optim.SGD(model.parameters(), lr=0.1).step()


def test_what_a_layer_writes_by_the_way_is_checked(inside: plait.Tensor) -> None:
    x = plait.rand(4, 2)
    with pytest.raises(RuntimeError, match=OUTSIDE):
        F.batch_norm(x, inside, plait.ones(2), training=True)
    assert inside.tolist() == [1.0, 2.0]
    F.batch_norm(x, inside, plait.ones(2))  # statistics that are only read


def test_mark_dirty(inside: plait.Tensor) -> None:
    class AddOne(plait.autograd.Function):
        @staticmethod
        def forward(ctx, x: plait.Tensor, w: plait.Tensor) -> plait.Tensor:
            ctx.mark_dirty(x)
            return x

        @staticmethod
        def backward(ctx, g: plait.Tensor) -> tuple[plait.Tensor, None]:
            return g, None

    with pytest.raises(RuntimeError, match=OUTSIDE):
        AddOne.apply(inside, leaf())
