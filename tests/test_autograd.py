# SPDX-License-Identifier: MIT
"""The engine: what is recorded, how gradients flow and accumulate, and what misuse says."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import numpy as np
import pytest

import plait
from plait.autograd import Function, gradcheck, gradgradcheck

F64 = plait.float64


def leaf(*values: float) -> plait.Tensor:
    return plait.tensor(values, dtype=F64, requires_grad=True)


# ---------------------------------------------------------------- recording


def test_leaf_and_history() -> None:
    x = leaf(1.0, 2.0)
    assert x.is_leaf and x.requires_grad and x.grad_fn is None and x.grad is None
    y = x * 2
    assert not y.is_leaf and y.requires_grad and y.grad_fn is not None
    assert "mul" in type(y.grad_fn).__name__.lower() or "mul" in str(y.grad_fn).lower()
    z = plait.ones(2) * 3
    assert z.is_leaf and not z.requires_grad and z.grad_fn is None


def test_requires_grad_spreads() -> None:
    a, b = plait.ones(2), leaf(1.0, 1.0)
    assert not (a + a).requires_grad
    assert (a + b).requires_grad
    assert not (b > 0).requires_grad
    assert not b.argmax().requires_grad


def test_only_floats_require_grad() -> None:
    for dtype in (plait.int64, plait.bool, plait.uint8):
        with pytest.raises(RuntimeError):
            plait.ones(2, dtype=dtype).requires_grad_()
        with pytest.raises(RuntimeError):
            plait.ones(2, dtype=dtype, requires_grad=True)


def test_requires_grad_attribute() -> None:
    x = plait.ones(2)
    assert x.requires_grad_() is x
    x.requires_grad = False
    assert not x.requires_grad
    x.requires_grad = True
    y = x * 2
    with pytest.raises(RuntimeError):
        y.requires_grad = False
    with pytest.raises(RuntimeError):
        y.requires_grad_(False)


def test_detach_shares_memory_and_cuts() -> None:
    x = leaf(1.0, 2.0)
    y = (x * 2).detach()
    assert not y.requires_grad and y.is_leaf
    d = x.detach()
    assert d.data_ptr() == x.data_ptr()
    ((x * 2).detach() * x).sum().backward()
    assert x.grad.tolist() == [2.0, 4.0]
    z = x * 2
    assert z.detach_() is z
    assert z.is_leaf


# ---------------------------------------------------------------- backward


def test_backward_accumulates() -> None:
    x = leaf(1.0, 2.0)
    (x * x).sum().backward()
    assert x.grad.tolist() == [2.0, 4.0]
    (3 * x).sum().backward()
    assert x.grad.tolist() == [5.0, 7.0]
    x.grad = None
    x.sum().backward()
    assert x.grad.tolist() == [1.0, 1.0]
    x.grad.zero_()
    assert x.grad.tolist() == [0.0, 0.0]


def test_backward_with_gradient() -> None:
    x = leaf(1.0, 2.0)
    y = x * x
    y.backward(plait.tensor([1.0, 10.0], dtype=F64))
    assert x.grad.tolist() == [2.0, 40.0]
    with pytest.raises(RuntimeError):
        (x * x).backward()  # not a scalar
    with pytest.raises(RuntimeError):
        (x * x).backward(plait.ones(3, dtype=F64))


def test_backward_of_one_element() -> None:
    x = leaf(2.0)
    (x**3).backward()
    assert x.grad.tolist() == [12.0]
    y = plait.tensor(2.0, requires_grad=True)
    (y**3).backward()
    assert y.grad.item() == 12.0 and y.grad.shape == ()


def test_backward_without_graph() -> None:
    with pytest.raises(RuntimeError):
        plait.ones(1).backward()
    with pytest.raises(RuntimeError):
        leaf(1.0).detach().backward()


def test_backward_twice() -> None:
    x = leaf(1.0, 2.0)
    y = (x * x).sum()
    y.backward()
    with pytest.raises(RuntimeError, match=r"second time|retain_graph"):
        y.backward()
    x.grad = None
    y = (x * x).sum()
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad.tolist() == [4.0, 8.0]


def test_backward_twice_without_saved_tensors() -> None:
    x = leaf(1.0)
    y = x + 1
    y.backward()
    y.backward()  # addition keeps nothing that could be freed
    assert x.grad.item() == 2.0


def test_what_no_input_waits_for_is_not_computed() -> None:
    asked: list[plait.Tensor] = []
    x, w = leaf(1.0, 2.0), leaf(3.0, 4.0)
    h = w * 2
    h.register_hook(asked.append)
    y = (x * h).sum()
    (gx,) = plait.autograd.grad(y, x, retain_graph=True)
    assert gx.tolist() == [6.0, 8.0] and not asked
    (gw,) = plait.autograd.grad(y, w, retain_graph=True)
    assert gw.tolist() == [2.0, 4.0] and len(asked) == 1
    y.backward(inputs=[x])
    assert w.grad is None and x.grad is not None and len(asked) == 1


def test_inputs_of_changed_views() -> None:
    base, v = leaf(1.0, 2.0, 3.0), leaf(5.0, 7.0)
    x = base * 1
    x[:2].mul_(v)
    (gv,) = plait.autograd.grad(x.sum(), v, retain_graph=True)
    (gb,) = plait.autograd.grad(x.sum(), base)
    assert gv.tolist() == [1.0, 2.0] and gb.tolist() == [5.0, 7.0, 1.0]


def test_backward_into_chosen_inputs() -> None:
    a, b = leaf(2.0), leaf(3.0)
    (a * b).backward(inputs=[a])
    assert a.grad.item() == 3.0 and b.grad is None


def test_diamond() -> None:
    x = leaf(2.0)
    a = x * 3
    b = a * a
    c = a + b
    (b * c).backward()
    # f = 9x^2 (3x + 9x^2); f' = 81x^2 + 324x^3
    assert x.grad.item() == 81 * 4 + 324 * 8


def test_fan_out_accumulates_in_full() -> None:
    x = leaf(1.0)
    total = x * 0
    for i in range(100):
        total = total + x * i
    total.backward()
    assert x.grad.item() == sum(range(100))


def test_unused_branches_cost_nothing() -> None:
    x = leaf(1.0)
    calls = []
    y = x * 2
    unused = x * 3
    unused.register_hook(lambda g: calls.append(g))
    y.backward()
    assert x.grad.item() == 2.0 and not calls


def test_multiple_outputs() -> None:
    x = leaf(3.0, 1.0, 2.0)
    values, _ = x.sort()
    (values * plait.tensor([1.0, 10.0, 100.0], dtype=F64)).sum().backward()
    assert x.grad.tolist() == [100.0, 1.0, 10.0]
    x.grad = None
    a, b = x.split([1, 2])
    (a.sum() + 2 * b.sum()).backward()
    assert x.grad.tolist() == [1.0, 2.0, 2.0]
    x.grad = None
    x.chunk(3)[1].sum().backward()  # the others get no gradient
    assert x.grad.tolist() == [0.0, 1.0, 0.0]


def test_mixed_precision_graph() -> None:
    x = plait.tensor([1.5], requires_grad=True)
    y = (x.double() * 2).half().float() * 3
    y.backward()
    assert x.grad.dtype == plait.float32 and x.grad.item() == 6.0


def test_gradient_has_the_shape_and_dtype_of_its_leaf() -> None:
    x = plait.ones(3, requires_grad=True)
    w = plait.ones(2, 3, dtype=F64)
    (x * w).sum().backward()
    assert x.grad.dtype == plait.float32 and x.grad.shape == (3,)


def test_grad_attribute_is_checked() -> None:
    x = leaf(1.0, 2.0)
    with pytest.raises((RuntimeError, TypeError)):
        x.grad = 1.0
    with pytest.raises(RuntimeError):
        x.grad = plait.ones(3, dtype=F64)
    with pytest.raises(RuntimeError):
        x.grad = plait.ones(2)
    x.grad = plait.ones(2, dtype=F64)
    x.sum().backward()
    assert x.grad.tolist() == [2.0, 2.0]


# ---------------------------------------------------------------- autograd.grad


def test_grad() -> None:
    x, y = leaf(2.0), leaf(3.0)
    gx, gy = plait.autograd.grad(x * x * y, (x, y))
    assert (gx.item(), gy.item()) == (12.0, 4.0)
    assert x.grad is None and y.grad is None
    (g,) = plait.autograd.grad(x * 5, x)
    assert g.item() == 5.0


def test_grad_of_intermediate() -> None:
    x = leaf(2.0)
    y = x * 3
    (g,) = plait.autograd.grad(y * y, y)
    assert g.item() == 12.0


def test_grad_unused() -> None:
    x, y = leaf(2.0), leaf(3.0)
    with pytest.raises(RuntimeError):
        plait.autograd.grad(x * 2, (x, y))
    gx, gy = plait.autograd.grad(x * 2, (x, y), allow_unused=True)
    assert gx.item() == 2.0 and gy is None
    _, gy = plait.autograd.grad(x * 2, (x, y), materialize_grads=True)
    assert gy.item() == 0.0
    with pytest.raises(RuntimeError):
        plait.autograd.grad(x * 2, plait.ones(1))


def test_grad_outputs() -> None:
    x = leaf(1.0, 2.0)
    (g,) = plait.autograd.grad(
        [x * 2, x * x], x, grad_outputs=[plait.ones(2, dtype=F64), plait.tensor([0.0, 1.0], dtype=F64)]
    )
    assert g.tolist() == [2.0, 6.0]


def test_higher_orders() -> None:
    x = leaf(2.0)
    y = x**4
    wanted = [32.0, 48.0, 48.0, 24.0]
    for w in wanted:
        (y,) = plait.autograd.grad(y, x, create_graph=True)
        assert y.item() == pytest.approx(w)
    (y,) = plait.autograd.grad(y.sum(), x, allow_unused=True)
    assert y is None or y.item() == 0.0


def test_backward_with_create_graph() -> None:
    x = leaf(3.0)
    (x**3).backward(create_graph=True)
    assert x.grad.requires_grad
    (g,) = plait.autograd.grad(x.grad, x)
    assert g.item() == 18.0
    x.grad = None


def test_gradient_penalty() -> None:
    """The WGAN-GP pattern: a gradient's norm inside a loss."""
    plait.manual_seed(0)
    net = plait.nn.Sequential(plait.nn.Linear(3, 5), plait.nn.Tanh(), plait.nn.Linear(5, 1)).double()
    x = plait.randn(4, 3, dtype=F64, requires_grad=True)
    (g,) = plait.autograd.grad(net(x).sum(), x, create_graph=True)
    ((g.norm(2, dim=1) - 1) ** 2).mean().backward()
    weight = net[0].weight
    analytic = weight.grad.clone()

    def penalty() -> float:
        (g,) = plait.autograd.grad(net(x).sum(), x)
        return ((g.norm(2, dim=1) - 1) ** 2).mean().item()

    with plait.no_grad():
        for i in range(5):
            old = weight[i, 0].item()
            weight[i, 0] = old + 1e-6
            with plait.enable_grad():
                above = penalty()
            weight[i, 0] = old - 1e-6
            with plait.enable_grad():
                below = penalty()
            weight[i, 0] = old
            assert analytic[i, 0].item() == pytest.approx((above - below) / 2e-6, rel=1e-5, abs=1e-8)


# ---------------------------------------------------------------- grad mode


def test_a_view_made_without_grad_mode_does_not_require_grad() -> None:
    for base in (leaf(1.0, 2.0), leaf(1.0, 2.0) * 1):
        with plait.no_grad():
            views = [base[0], base.view(2, 1), base.detach(), *base.unbind()]
        for view in views:
            assert not view.requires_grad
            assert not (view * 2).requires_grad
            view.numpy()


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: plait.no_grad(), False),
        (lambda: plait.enable_grad(), True),
        (lambda: plait.set_grad_enabled(False), False),
        (lambda: plait.set_grad_enabled(True), True),
        (lambda: plait.inference_mode(), False),
    ],
    ids=["no_grad", "enable_grad", "set_false", "set_true", "inference"],
)
def test_grad_mode(make: Any, expected: bool) -> None:
    x = leaf(1.0)
    with make():
        assert plait.is_grad_enabled() is expected
        assert (x * 2).requires_grad is expected
    assert plait.is_grad_enabled()

    if not isinstance(make(), plait.set_grad_enabled):
        plait.set_grad_enabled(True)

        @make()
        def f(x: plait.Tensor) -> plait.Tensor:
            """Doubles."""
            return x * 2

        assert f(x).requires_grad is expected
        assert f.__name__ == "f" and f.__doc__ == "Doubles."
    plait.set_grad_enabled(True)
    assert plait.is_grad_enabled()


def test_grad_mode_nests_and_survives_exceptions() -> None:
    x = leaf(1.0)
    with plait.no_grad():
        with plait.enable_grad():
            assert (x * 2).requires_grad
        assert not (x * 2).requires_grad
    with pytest.raises(KeyError), plait.no_grad():
        raise KeyError
    assert plait.is_grad_enabled()


def test_no_grad_bare_decorator_and_generator() -> None:
    x = leaf(1.0)

    @plait.no_grad
    def f() -> bool:
        return (x * 2).requires_grad

    @plait.no_grad()
    def steps() -> Any:
        for _ in range(3):
            yield (x * 2).requires_grad

    assert f() is False
    for value in steps():
        assert value is False
        assert plait.is_grad_enabled()


def test_set_grad_enabled_as_a_function() -> None:
    plait.set_grad_enabled(False)
    try:
        assert not plait.is_grad_enabled()
    finally:
        plait.set_grad_enabled(True)


def test_grad_mode_is_per_thread() -> None:
    import threading

    seen = []
    with plait.no_grad():
        worker = threading.Thread(target=lambda: seen.append(plait.is_grad_enabled()))
        worker.start()
        worker.join()
    assert seen == [True]


def test_parameters_require_grad_even_under_no_grad() -> None:
    with plait.no_grad():
        assert plait.ones(2, requires_grad=True).requires_grad
        assert plait.nn.Parameter(plait.ones(2)).requires_grad


# ---------------------------------------------------------------- hooks


def test_tensor_hook_changes_the_gradient() -> None:
    x = leaf(1.0, 2.0)
    y = x * 3
    handle = y.register_hook(lambda g: g * 10)
    y.sum().backward()
    assert x.grad.tolist() == [30.0, 30.0]
    handle.remove()
    x.grad = None
    (x * 3).sum().backward()
    assert x.grad.tolist() == [3.0, 3.0]


def test_leaf_hook() -> None:
    x = leaf(1.0)
    seen: list[float] = []
    x.register_hook(lambda g: seen.append(g.item()))
    x.register_hook(lambda g: g + 1)
    (x * 2).backward()
    assert seen == [2.0] and x.grad.item() == 3.0
    with pytest.raises(RuntimeError):
        plait.ones(1).register_hook(lambda g: g)


def test_post_accumulate_grad_hook() -> None:
    x = leaf(1.0)
    seen: list[float] = []
    x.register_post_accumulate_grad_hook(lambda p: seen.append(p.grad.item()))
    (x * 2).backward()
    (x * 2).backward()
    assert seen == [2.0, 4.0]


def test_retain_grad() -> None:
    x = leaf(1.0, 2.0)
    y = x * 2
    y.retain_grad()
    z = (y * y).sum()
    z.backward()
    assert y.grad.tolist() == [4.0, 8.0]
    w = x * 2
    (w * 1).sum().backward()
    with pytest.warns(UserWarning):
        assert w.grad is None


def test_error_in_hook_reaches_the_caller() -> None:
    x = leaf(1.0)
    y = x * 2

    def broken(g: plait.Tensor) -> None:
        raise KeyError("from the hook")

    y.register_hook(broken)
    with pytest.raises(KeyError, match="from the hook"):
        y.backward()
    (x * 2).backward()  # the engine is still in order
    assert x.grad.item() == 2.0


# ---------------------------------------------------------------- in place


def test_leaf_cannot_change_in_place() -> None:
    x = leaf(1.0, 2.0)
    for change in (lambda: x.add_(1), lambda: x.zero_(), lambda: x.__setitem__(0, 3.0), lambda: x.view(2, 1).mul_(2)):
        with pytest.raises(RuntimeError):
            change()
    assert x.tolist() == [1.0, 2.0]
    with plait.no_grad():
        x += 1
    assert x.tolist() == [2.0, 3.0] and x.requires_grad and x.is_leaf
    x.data.mul_(2)
    assert x.tolist() == [4.0, 6.0]


def test_in_place_is_recorded() -> None:
    x = leaf(1.0, 2.0)
    y = x * 1
    y.mul_(3)
    y += x
    y[0] *= 5
    y.sum().backward()
    assert x.grad.tolist() == [20.0, 4.0]


def test_in_place_makes_a_tensor_part_of_the_graph() -> None:
    x = leaf(1.0, 2.0)
    y = plait.zeros(2, dtype=F64)
    y += x * 2
    assert y.requires_grad
    y.sum().backward()
    assert x.grad.tolist() == [2.0, 2.0]


def test_saved_tensor_changed_in_place() -> None:
    x = leaf(1.0, 2.0)
    y = x * 2
    z = y * y  # keeps y
    y.add_(1)
    with pytest.raises(RuntimeError, match=r"in.?place|modified|version"):
        z.sum().backward()
    y = x.exp()  # keeps its result
    y.mul_(2)
    with pytest.raises(RuntimeError, match=r"in.?place|modified|version"):
        y.sum().backward()
    y = x * 2
    z = y + 1  # keeps nothing
    y.add_(1)
    z.sum().backward()


def test_in_place_on_a_view_changes_the_base() -> None:
    x = leaf(1.0, 2.0, 3.0, 4.0)
    base = x * 1
    view = base.view(2, 2)[1]
    view.mul_(10)
    (base * plait.tensor([1.0, 2.0, 3.0, 4.0], dtype=F64)).sum().backward()
    assert x.grad.tolist() == [1.0, 2.0, 30.0, 40.0]


def test_in_place_on_a_base_changes_its_views() -> None:
    x = leaf(1.0, 2.0, 3.0, 4.0)
    base = x * 1
    view = base[1:3]
    base.mul_(5)
    assert view.tolist() == [10.0, 15.0]
    view.sum().backward()
    assert x.grad.tolist() == [0.0, 5.0, 5.0, 0.0]


def test_in_place_on_a_view_then_the_view_is_used() -> None:
    x = leaf(1.0, 2.0, 3.0)
    base = x * 2
    a, b = base[:2], base[1:]
    a.mul_(3)
    b.add_(a.detach() * 0 + 1)
    (a.sum() + b.sum()).backward()
    assert x.grad.tolist() == [6.0, 12.0, 2.0]


def test_in_place_write_of_a_graph_into_a_plain_buffer() -> None:
    x = leaf(1.0, 2.0)
    buffer = plait.zeros(2, 2, dtype=F64)
    buffer[0] = x
    buffer[1] = x * x
    buffer.sum().backward()
    assert x.grad.tolist() == [3.0, 5.0]


def test_in_place_under_no_grad_on_a_view_of_a_leaf() -> None:
    w = leaf(1.0, 2.0, 3.0)
    with plait.no_grad():
        w[1:].zero_()
    assert w.tolist() == [1.0, 0.0, 0.0] and w.is_leaf
    w.sum().backward()
    assert w.grad.tolist() == [1.0, 1.0, 1.0]


def test_version_error_through_views() -> None:
    x = leaf(1.0, 2.0)
    y = x * 1
    z = y * y
    y[0] = 7.0
    with pytest.raises(RuntimeError, match=r"in.?place|modified|version"):
        z.sum().backward()


def test_numpy_of_a_tensor_in_the_graph() -> None:
    x = leaf(1.0)
    with pytest.raises(RuntimeError, match="detach"):
        x.numpy()
    assert x.detach().numpy().tolist() == [1.0]


# ---------------------------------------------------------------- Function


class Cube(Function):
    @staticmethod
    def forward(ctx: Any, x: plait.Tensor, factor: float = 1.0) -> plait.Tensor:
        ctx.save_for_backward(x)
        ctx.factor = factor
        return factor * x**3

    @staticmethod
    def backward(ctx: Any, gy: plait.Tensor) -> Any:
        (x,) = ctx.saved_tensors
        return gy * 3 * ctx.factor * x**2, None


class TwoResults(Function):
    @staticmethod
    def forward(ctx: Any, x: plait.Tensor, y: plait.Tensor) -> Any:
        ctx.save_for_backward(x, y)
        return x * y, x + y

    @staticmethod
    def backward(ctx: Any, g_product: plait.Tensor, g_sum: plait.Tensor) -> Any:
        x, y = ctx.saved_tensors
        assert g_product is not None and g_sum is not None
        return (
            g_product * y + g_sum if ctx.needs_input_grad[0] else None,
            g_product * x + g_sum if ctx.needs_input_grad[1] else None,
        )


def test_function() -> None:
    x = leaf(1.0, 2.0)
    y = Cube.apply(x, 2.0)
    assert y.tolist() == [2.0, 16.0]
    y.sum().backward()
    assert x.grad.tolist() == [6.0, 24.0]
    assert gradcheck(lambda t: Cube.apply(t, 0.5), (x,))
    assert gradgradcheck(lambda t: Cube.apply(t, 0.5), (x,))
    assert not Cube.apply(plait.ones(2)).requires_grad


def test_function_with_two_results() -> None:
    x, y = leaf(2.0), leaf(3.0)
    p, s = TwoResults.apply(x, y)
    (p * 10 + s).backward()
    assert (x.grad.item(), y.grad.item()) == (31.0, 21.0)
    x.grad = None
    p, s = TwoResults.apply(x, y.detach())
    p.backward()  # the gradient of the unused result arrives as zeros
    assert x.grad.item() == 3.0


def test_function_non_differentiable_result() -> None:
    class Sorted(Function):
        @staticmethod
        def forward(ctx: Any, x: plait.Tensor) -> Any:
            values, order = x.sort()
            ctx.mark_non_differentiable(order)
            ctx.save_for_backward(order)
            return values, order

        @staticmethod
        def backward(ctx: Any, g: plait.Tensor, _: Any) -> plait.Tensor:
            (order,) = ctx.saved_tensors
            return plait.zeros_like(g).scatter(0, order, g)

    x = leaf(3.0, 1.0, 2.0)
    values, order = Sorted.apply(x)
    assert values.requires_grad and not order.requires_grad
    (values * plait.tensor([1.0, 2.0, 3.0], dtype=F64)).sum().backward()
    assert x.grad.tolist() == [3.0, 1.0, 2.0]


def test_function_with_setup_context() -> None:
    class Square(Function):
        @staticmethod
        def forward(x: plait.Tensor) -> plait.Tensor:
            return x * x

        @staticmethod
        def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
            ctx.save_for_backward(inputs[0])

        @staticmethod
        def backward(ctx: Any, g: plait.Tensor) -> plait.Tensor:
            return 2 * ctx.saved_tensors[0] * g

    x = leaf(3.0)
    Square.apply(x).backward()
    assert x.grad.item() == 6.0


def test_function_mark_dirty() -> None:
    class Double(Function):
        @staticmethod
        def forward(ctx: Any, x: plait.Tensor) -> plait.Tensor:
            x.mul_(2)
            ctx.mark_dirty(x)
            return x

        @staticmethod
        def backward(ctx: Any, g: plait.Tensor) -> plait.Tensor:
            return 2 * g

    x = leaf(1.0)
    y = x * 3
    z = Double.apply(y)
    assert z is y and z.item() == 6.0
    z.backward()
    assert x.grad.item() == 6.0


def test_function_errors() -> None:
    class WrongCount(Function):
        @staticmethod
        def forward(ctx: Any, x: plait.Tensor) -> plait.Tensor:
            return x * 2

        @staticmethod
        def backward(ctx: Any, g: plait.Tensor) -> Any:
            return g, g

    class WrongShape(Function):
        @staticmethod
        def forward(ctx: Any, x: plait.Tensor) -> plait.Tensor:
            return x * 2

        @staticmethod
        def backward(ctx: Any, g: plait.Tensor) -> Any:
            return plait.ones(7, dtype=F64)

    class Raises(Function):
        @staticmethod
        def forward(ctx: Any, x: plait.Tensor) -> plait.Tensor:
            return x * 2

        @staticmethod
        def backward(ctx: Any, g: plait.Tensor) -> Any:
            raise ZeroDivisionError("backward of mine")

    x = leaf(1.0, 2.0)
    with pytest.raises(RuntimeError):
        WrongCount.apply(x).sum().backward()
    with pytest.raises(RuntimeError):
        WrongShape.apply(x).sum().backward()
    with pytest.raises(ZeroDivisionError, match="backward of mine"):
        Raises.apply(x).sum().backward()


def test_function_saved_tensor_changed_in_place() -> None:
    x = leaf(1.0, 2.0)
    y = x * 1
    z = Cube.apply(y)
    y.mul_(2)
    with pytest.raises(RuntimeError, match=r"in.?place|modified|version"):
        z.sum().backward()


# ---------------------------------------------------------------- checks


def test_gradcheck() -> None:
    x = leaf(0.3, -0.7)
    assert gradcheck(lambda t: t.sin() * t, (x,))
    assert gradcheck(lambda t: (t.exp(), t.sum()), (x,))
    assert gradgradcheck(lambda t: t.sin() * t, (x,))

    class Wrong(Function):
        @staticmethod
        def forward(ctx: Any, x: plait.Tensor) -> plait.Tensor:
            return x * x

        @staticmethod
        def backward(ctx: Any, g: plait.Tensor) -> plait.Tensor:
            return g

    with pytest.raises(RuntimeError):
        gradcheck(Wrong.apply, (x,))
    assert not gradcheck(Wrong.apply, (x,), raise_exception=False)


# ---------------------------------------------------------------- conventions at kinks


def gradient_of(f: Any, *values: float) -> list[float]:
    x = leaf(*values)
    f(x).sum().backward()
    return x.grad.tolist()


@pytest.mark.tiny
def test_subgradients() -> None:
    nf = plait.nn.functional
    assert gradient_of(lambda x: x.relu(), 0.0, -0.0, 1.0) == [0.0, 0.0, 1.0]
    assert gradient_of(lambda x: x.abs(), 0.0, -2.0, 2.0) == [0.0, -1.0, 1.0]
    assert gradient_of(lambda x: x.clamp(-1, 1), -1.0, 1.0, 2.0, 0.0) == [1.0, 1.0, 0.0, 1.0]
    assert gradient_of(lambda x: nf.leaky_relu(x, 0.1), 0.0) == [0.1]
    assert gradient_of(lambda x: x.sign(), 3.0) == [0.0]
    assert gradient_of(lambda x: x.round() + x.floor(), 3.3) == [0.0]
    assert gradient_of(lambda x: x.amax(), 1.0, 1.0, 0.0) == [0.5, 0.5, 0.0]
    assert gradient_of(lambda x: plait.maximum(x, plait.tensor([1.0, 0.0], dtype=F64)), 1.0, 2.0) == [0.5, 1.0]
    assert gradient_of(lambda x: x.norm(), 0.0, 0.0) == [0.0, 0.0]
    assert gradient_of(lambda x: x.prod(), 0.0, 2.0, 3.0) == [6.0, 0.0, 0.0]
    assert gradient_of(lambda x: x.prod(), 0.0, 0.0, 3.0) == [0.0, 0.0, 0.0]
    assert gradient_of(lambda x: x.cumprod(0), 2.0, 0.0, 3.0) == [1.0, 8.0, 0.0]
    assert gradient_of(lambda x: x**0, 0.0, 2.0) == [0.0, 0.0]
    assert gradient_of(lambda x: x**2, 0.0) == [0.0]
    assert gradient_of(lambda x: x.sqrt(), 0.0) == [float("inf")]
    assert gradient_of(lambda x: plait.where(x > 0, x, x * 0), -1.0, 1.0) == [0.0, 1.0]
    assert gradient_of(lambda x: x.max(), 1.0, 2.0) == [0.0, 1.0]
    assert gradient_of(lambda x: nf.l1_loss(x, plait.zeros(2, dtype=F64), reduction="sum"), 0.0, 2.0) == [0.0, 1.0]
    assert gradient_of(lambda x: nf.smooth_l1_loss(x, plait.zeros(2, dtype=F64), reduction="sum"), 0.5, 3.0) == [
        0.5,
        1.0,
    ]


def test_where_hides_infinite_gradients_only_from_the_chosen_branch() -> None:
    """The known trap: 0 * inf is NaN, as in PyTorch."""
    x = leaf(0.0)
    plait.where(x > 0, x.sqrt(), plait.zeros(1, dtype=F64)).sum().backward()
    assert np.isnan(x.grad.item())


# ---------------------------------------------------------------- memory and depth


@pytest.mark.slow
def test_a_million_ops_deep() -> None:
    x = plait.ones(1, requires_grad=True)
    y = x
    for _ in range(1_000_000):
        y = y + 1
    y.backward()
    assert x.grad.item() == 1.0
    del y


def test_deep_graph_is_freed_without_backward() -> None:
    x = plait.ones(1, requires_grad=True)
    y = x
    for _ in range(200_000):
        y = y * 1.0
    del y
    gc.collect()


def test_graph_is_released() -> None:
    x = leaf(*([1.0] * 100))
    y = x.exp()
    kept = weakref.ref(y)
    z = y.sum()
    z.backward()
    del y, z
    gc.collect()
    assert kept() is None


def test_memory_stays_flat() -> None:
    if not hasattr(plait, "memory_stats"):
        pytest.skip("no allocator statistics")
    w = plait.randn(64, 64, requires_grad=True)

    def step(n: int) -> None:
        x = plait.randn(n, 64)
        (x @ w).tanh().sum().backward()
        w.grad = None

    for n in range(1, 60):
        step(n)
    before = plait.memory_stats()["allocated_bytes"]
    for _ in range(5):
        for n in range(1, 60):
            step(n)
    assert plait.memory_stats()["allocated_bytes"] == before


def test_backward_from_threads() -> None:
    """Graphs of different threads do not disturb each other."""
    import threading

    errors: list[BaseException] = []

    def work(seed: int) -> None:
        try:
            x = plait.full((50,), float(seed), dtype=F64, requires_grad=True)
            for _ in range(50):
                x.grad = None
                (x * x).sum().backward()
                assert x.grad.tolist() == [2.0 * seed] * 50
        except BaseException as error:
            errors.append(error)

    workers = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for w in workers:
        w.start()
    for w in workers:
        w.join()
    assert not errors


def test_checkpoint() -> None:
    from plait.utils.checkpoint import checkpoint

    calls = []

    def block(x: plait.Tensor) -> plait.Tensor:
        calls.append(1)
        return (x * x).sin()

    x = leaf(0.3, 0.5)
    checkpoint(block, x, use_reentrant=False).sum().backward()
    expected = [2 * v * np.cos(v * v) for v in (0.3, 0.5)]
    np.testing.assert_allclose(x.grad.numpy(), expected, rtol=1e-12)
    assert len(calls) == 2
