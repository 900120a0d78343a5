# SPDX-License-Identifier: MIT
"""Optimizers against their formulas in NumPy float64, and what surrounds the step."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import plait
from plait import optim


class Reference:
    """One parameter's trajectory by the formulas of the docstrings, in float64."""

    def __init__(self, name: str, options: dict[str, Any], p: np.ndarray) -> None:
        self.p = p.astype(np.float64)
        self.name, self.o, self.t = name, options, 0
        self.s: dict[str, Any] = {}

    def step(self, g: np.ndarray) -> None:
        o = self.o
        self.t += 1
        g = -g if o.get("maximize") else g
        decay, lr = o["weight_decay"], o["lr"]
        if o.get("decoupled_weight_decay"):
            self.p = self.p * (1 - lr * decay)
        else:
            g = g + decay * self.p
        getattr(self, self.name.lower())(g, lr)

    def old(self, key: str, start: float = 0.0) -> Any:
        return self.s.get(key, np.full_like(self.p, start))

    def moments(self, g: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        b1, b2 = self.o["betas"]
        m = self.s["m"] = b1 * self.old("m") + (1 - b1) * g
        v = self.s["v"] = b2 * self.old("v") + (1 - b2) * g * g
        return m, v

    def sgd(self, g: np.ndarray, lr: float) -> None:
        mu = self.o["momentum"]
        if mu:
            b = mu * self.s["b"] + (1 - self.o["dampening"]) * g if "b" in self.s else g
            self.s["b"] = b
            g = g + mu * b if self.o["nesterov"] else b
        self.p = self.p - lr * g

    def adam(self, g: np.ndarray, lr: float) -> None:
        b1, b2 = self.o["betas"]
        m, v = self.moments(g)
        if self.o["amsgrad"]:
            v = self.s["vmax"] = np.maximum(self.old("vmax"), v)
        step = lr / (1 - b1**self.t)
        self.p = self.p - step * m / (np.sqrt(v / (1 - b2**self.t)) + self.o["eps"])

    adamw = adam

    def rmsprop(self, g: np.ndarray, lr: float) -> None:
        a = self.o["alpha"]
        v = self.s["v"] = a * self.old("v") + (1 - a) * g * g
        if self.o["centered"]:
            mean = self.s["mean"] = a * self.old("mean") + (1 - a) * g
            v = v - mean * mean
        d = g / (np.sqrt(v) + self.o["eps"])
        if self.o["momentum"]:
            d = self.s["b"] = self.o["momentum"] * self.old("b") + d
        self.p = self.p - lr * d

    def adagrad(self, g: np.ndarray, lr: float) -> None:
        s = self.s["s"] = self.old("s", self.o["initial_accumulator_value"]) + g * g
        rate = lr / (1 + (self.t - 1) * self.o["lr_decay"])
        self.p = self.p - rate * g / (np.sqrt(s) + self.o["eps"])

    def adadelta(self, g: np.ndarray, lr: float) -> None:
        rho, eps = self.o["rho"], self.o["eps"]
        v = self.s["v"] = rho * self.old("v") + (1 - rho) * g * g
        d = np.sqrt(self.old("u") + eps) / np.sqrt(v + eps) * g
        self.s["u"] = rho * self.old("u") + (1 - rho) * d * d
        self.p = self.p - lr * d

    def adamax(self, g: np.ndarray, lr: float) -> None:
        b1, b2 = self.o["betas"]
        m = self.s["m"] = b1 * self.old("m") + (1 - b1) * g
        u = self.s["u"] = np.maximum(b2 * self.old("u"), abs(g) + self.o["eps"])
        self.p = self.p - lr / (1 - b1**self.t) * m / u

    def nadam(self, g: np.ndarray, lr: float) -> None:
        b1, b2 = self.o["betas"]
        m, v = self.moments(g)
        mu, ahead = (b1 * (1 - 0.5 * 0.96 ** ((self.t + k) * self.o["momentum_decay"])) for k in (0, 1))
        product = self.s["product"] = self.s.get("product", 1.0) * mu
        d = g * (1 - mu) / (1 - product) + m * ahead / (1 - product * ahead)
        self.p = self.p - lr * d / (np.sqrt(v / (1 - b2**self.t)) + self.o["eps"])

    def radam(self, g: np.ndarray, lr: float) -> None:
        b1, b2 = self.o["betas"]
        m, v = self.moments(g)
        m = m / (1 - b1**self.t)
        big = 2 / (1 - b2) - 1
        r = big - 2 * self.t * b2**self.t / (1 - b2**self.t)
        if r > 5:
            c = np.sqrt((r - 4) * (r - 2) * big / ((big - 4) * (big - 2) * r))
            m = m * c * np.sqrt(1 - b2**self.t) / (np.sqrt(v) + self.o["eps"])
        self.p = self.p - lr * m

    def rprop(self, g: np.ndarray, lr: float) -> None:
        (down, up), (low, high) = self.o["etas"], self.o["step_sizes"]
        sign = np.sign(g * self.old("prev"))
        factor = np.where(sign > 0, up, np.where(sign < 0, down, 1))
        size = self.s["size"] = np.clip(self.old("size", lr) * factor, low, high)
        g = np.where(sign < 0, 0, g)
        self.p = self.p - np.sign(g) * size
        self.s["prev"] = g

    def asgd(self, g: np.ndarray, lr: float) -> None:
        eta, mu = self.s.get("eta", lr), self.s.get("mu", 1.0)
        self.p = self.p * (1 - self.o["lambd"] * eta) - eta * g
        self.s["ax"] = self.old("ax") + mu * (self.p - self.old("ax"))
        self.s["eta"] = lr / (1 + self.o["lambd"] * lr * self.t) ** self.o["alpha"]
        self.s["mu"] = 1 / max(1, self.t - self.o["t0"])


CASES: list[tuple[str, dict[str, Any]]] = [
    ("SGD", {"lr": 0.05}),
    ("SGD", {"lr": 0.05, "momentum": 0.9, "dampening": 0.25, "weight_decay": 0.1}),
    ("SGD", {"lr": 0.05, "momentum": 0.9, "nesterov": True, "maximize": True}),
    ("Adam", {"lr": 0.02}),
    ("Adam", {"lr": 0.02, "weight_decay": 0.1, "amsgrad": True, "betas": (0.7, 0.9)}),
    ("Adam", {"lr": 0.02, "maximize": True, "eps": 0.1}),
    ("AdamW", {"lr": 0.02}),
    ("AdamW", {"lr": 0.02, "weight_decay": 0.3, "amsgrad": True}),
    ("RMSprop", {"lr": 0.01, "weight_decay": 0.1}),
    ("RMSprop", {"lr": 0.01, "momentum": 0.8}),
    ("RMSprop", {"lr": 0.01, "centered": True, "eps": 1e-2}),
    ("RMSprop", {"lr": 0.01, "centered": True, "momentum": 0.8, "eps": 1e-2, "maximize": True}),
    ("Adagrad", {"lr": 0.1, "lr_decay": 0.02, "weight_decay": 0.1, "initial_accumulator_value": 0.3}),
    ("Adadelta", {"lr": 1.0, "weight_decay": 0.1}),
    ("Adamax", {"lr": 0.02, "weight_decay": 0.1}),
    ("NAdam", {"lr": 0.02, "weight_decay": 0.1}),
    ("NAdam", {"lr": 0.02, "weight_decay": 0.1, "decoupled_weight_decay": True}),
    ("RAdam", {"lr": 0.02, "weight_decay": 0.1}),
    ("RAdam", {"lr": 0.02, "weight_decay": 0.1, "decoupled_weight_decay": True, "betas": (0.9, 0.9)}),
    ("Rprop", {"lr": 0.01}),
    ("ASGD", {"lr": 0.05, "weight_decay": 0.1, "t0": 10, "lambd": 0.01}),
]
IDS = [f"{name}-{'-'.join(k for k in options if k != 'lr') or 'plain'}" for name, options in CASES]
SHAPES = [(), (1,), (7, 5), (16,), (33,), (0, 3), (2, 3, 4)]


def gradients(shape: tuple[int, ...], steps: int, seed: int) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    # A drift with noise, so that signs both stay and change.
    drift = rng.standard_normal(shape)
    return [0.5 * drift + rng.standard_normal(shape) for _ in range(steps)]


def make(name: str, options: dict[str, Any], params: Any) -> optim.Optimizer:
    return getattr(optim, name)(params, **options)


def set_grad(p: plait.Tensor, g: np.ndarray) -> None:
    p.grad = plait.tensor(g.tolist(), dtype=p.dtype).reshape(p.shape)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("name", "options"), CASES, ids=IDS)
def test_trajectory(name: str, options: dict[str, Any], dtype: str) -> None:
    steps = 50
    rng = np.random.default_rng(0)
    starts = [rng.standard_normal(shape) for shape in SHAPES]
    if dtype == "float32":
        starts = [s.astype(np.float32).astype(np.float64) for s in starts]
    params = [plait.tensor(s.tolist(), dtype=getattr(plait, dtype)).reshape(s.shape).requires_grad_() for s in starts]
    opt = make(name, options, params)
    group = opt.param_groups[0]
    references = [Reference(name, {"weight_decay": 0.0, **group}, s) for s in starts]
    all_gradients = [gradients(shape, steps, i) for i, shape in enumerate(SHAPES)]
    for t in range(steps):
        for p, r, gs in zip(params, references, all_gradients):
            g = gs[t].astype(dtype).astype(np.float64)
            set_grad(p, g)
            r.step(g)
        opt.step()
    tolerance = 2e-5 if dtype == "float32" else 1e-6  # float64: some state is rounded to float32
    for p, r in zip(params, references):
        np.testing.assert_allclose(p.detach().numpy(), r.p, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize(("name", "options"), CASES, ids=IDS)
def test_sixteen_bit_parameters_go_through_float32(name: str, options: dict[str, Any]) -> None:
    for dtype, tolerance in ((plait.float16, 2e-3), (plait.bfloat16, 2e-2)):
        start = plait.linspace(-1, 1, 37).to(dtype)
        low, high = start.clone().requires_grad_(), start.to(plait.float32).requires_grad_()
        options = {**options, "eps": 1e-2} if "eps" in make(name, options, [low]).defaults else options
        pair = [(p, make(name, options, [p])) for p in (low, high)]
        g = plait.linspace(0.5, 2, 37).to(dtype)
        for p, opt in pair:
            p.grad = g.to(p.dtype)
            opt.step()
        assert low.dtype == dtype
        np.testing.assert_allclose(low.detach().float().numpy(), high.detach().numpy(), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize(("name", "options"), CASES, ids=IDS)
def test_same_bits_in_any_layout_and_at_any_thread_count(name: str, options: dict[str, Any]) -> None:
    n = 70_000  # above the size from which several threads take part
    rng = np.random.default_rng(1)
    start, gs = rng.standard_normal((n, 2)).astype(np.float32), gradients((n, 2), 3, 2)

    def run(layout: str, threads: int) -> np.ndarray:
        plait.set_num_threads(threads)
        base = plait.from_numpy(start.copy())
        if layout == "transposed":
            p = base.t().contiguous().t()
        elif layout == "strided":
            p = plait.zeros(n, 4)[:, ::2]
            p.copy_(base)
        else:
            p = base
        p = p.detach().requires_grad_()
        opt = make(name, options, [p])
        for g in gs:
            p.grad = plait.from_numpy(g.astype(np.float32))
            opt.step()
        return p.detach().contiguous().numpy()

    expected = run("plain", 1)
    for layout, threads in (("plain", 2), ("plain", 7), ("transposed", 2), ("strided", 3)):
        np.testing.assert_array_equal(run(layout, threads), expected)


def test_parameters_without_a_gradient_stay_and_get_no_state() -> None:
    a, b = plait.ones(3, requires_grad=True), plait.ones(3, requires_grad=True)
    opt = optim.Adam([a, b])
    a.grad = plait.ones(3)
    opt.step()
    assert b.tolist() == [1, 1, 1]
    assert b not in opt.state or not opt.state[b]
    assert float(opt.state[a]["step"]) == 1
    b.grad = plait.ones(3)
    opt.step()
    assert float(opt.state[a]["step"]) == 2
    assert float(opt.state[b]["step"]) == 1


def test_momentum_begins_with_the_first_gradient_of_each_parameter() -> None:
    a, b = plait.zeros(1, requires_grad=True), plait.zeros(1, requires_grad=True)
    opt = optim.SGD([a, b], lr=1.0, momentum=0.5, dampening=0.5)
    a.grad = plait.ones(1)
    opt.step()
    b.grad = plait.ones(1)
    opt.step()
    assert a.item() == -2.0  # 1, then 0.5 * 1 + 0.5 * 1
    assert b.item() == -1.0


def test_step_bumps_versions_and_is_not_recorded() -> None:
    p = plait.ones(2, requires_grad=True)
    y = (p * p).sum()
    y.backward(retain_graph=True)
    before = p._version
    optim.SGD([p], lr=0.1).step()
    assert p._version > before
    assert p.is_leaf
    assert p.requires_grad
    with pytest.raises(RuntimeError, match="modified"):
        y.backward()


def test_groups_have_their_own_hyperparameters() -> None:
    a, b = plait.zeros(1, requires_grad=True), plait.zeros(1, requires_grad=True)
    opt = optim.SGD([{"params": [a], "lr": 0.5}, {"params": b}], lr=0.25)
    a.grad = b.grad = plait.ones(1)
    opt.step()
    assert (a.item(), b.item()) == (-0.5, -0.25)
    c = plait.zeros(1, requires_grad=True)
    opt.add_param_group({"params": [c]})
    c.grad = plait.ones(1)
    opt.param_groups[2]["lr"] = 2.0
    opt.step()
    assert c.item() == -2.0


def test_lr_may_be_a_tensor() -> None:
    p = plait.zeros(1, requires_grad=True)
    opt = optim.SGD([p], lr=plait.tensor(0.5))
    p.grad = plait.ones(1)
    opt.step()
    opt.param_groups[0]["lr"].fill_(0.25)
    opt.step()
    assert p.item() == -0.75


def test_zero_grad() -> None:
    p = plait.ones(2, requires_grad=True)
    opt = optim.SGD([p], lr=0.1)
    (p * p).sum().backward()
    grad = p.grad
    opt.zero_grad(set_to_none=False)
    assert p.grad is grad
    assert p.grad.tolist() == [0, 0]
    opt.zero_grad()
    assert p.grad is None
    opt.zero_grad()


def test_closure_runs_with_gradients_and_gives_the_loss() -> None:
    p = plait.ones(1, requires_grad=True)
    opt = optim.SGD([p], lr=0.25)

    def closure() -> plait.Tensor:
        opt.zero_grad()
        loss = (p * p).sum()
        loss.backward()
        return loss

    with plait.no_grad():
        assert opt.step(closure).item() == 1.0
    assert p.item() == 0.5


def test_hooks_run_around_the_step_of_any_subclass() -> None:
    seen = []

    class Mine(optim.Optimizer):
        def __init__(self, params: Any) -> None:
            super().__init__(params, {"lr": 0.1})

        def step(self, closure: Any = None) -> None:
            seen.append("step")

    for opt in (Mine([plait.zeros(1, requires_grad=True)]), optim.SGD([plait.zeros(1, requires_grad=True)])):
        seen.clear()
        before = opt.register_step_pre_hook(lambda *_: seen.append("before"))
        opt.register_step_post_hook(lambda *_: seen.append("after"))
        opt.step()
        assert [s for s in seen if s != "step"] == ["before", "after"]
        before.remove()
        opt.step()
        assert seen.count("before") == 1


def test_pre_hook_may_replace_the_arguments() -> None:
    p = plait.ones(1, requires_grad=True)
    opt = optim.SGD([p], lr=0.1)
    opt.register_step_pre_hook(lambda o, args, kwargs: ((lambda: 7,), {}))
    assert opt.step() == 7
    opt.register_step_pre_hook(lambda *_: 3)
    with pytest.raises(RuntimeError, match="pre-hook"):
        opt.step()


def train(opt: optim.Optimizer, p: plait.Tensor, steps: int) -> None:
    for _ in range(steps):
        opt.zero_grad()
        ((p - 1) ** 4).sum().backward()
        opt.step()


@pytest.mark.parametrize(("name", "options"), CASES, ids=IDS)
def test_resume_from_a_state_dict_gives_the_same_bits(name: str, options: dict[str, Any]) -> None:
    p = plait.linspace(-1, 1, 9).requires_grad_()
    opt = make(name, options, [p])
    train(opt, p, 5)
    state, values = copy.deepcopy(opt.state_dict()), p.detach().clone()
    train(opt, p, 5)

    q = values.requires_grad_()
    resumed = make(name, {**options, "lr": 123.0}, [q])
    resumed.load_state_dict(state)
    train(resumed, q, 5)
    assert q.tolist() == p.tolist()


@pytest.mark.parametrize("name", ["SGD", "Adam", "RMSprop", "Adagrad"])
def test_pickle_and_deepcopy(name: str) -> None:
    p = plait.linspace(-1, 1, 9).requires_grad_()
    opt = make(name, {"lr": 0.01}, [p])
    train(opt, p, 3)
    clones = [copy.deepcopy(opt), pickle.loads(pickle.dumps(opt))]
    train(opt, p, 3)
    for clone in clones:
        q = clone.param_groups[0]["params"][0]
        assert q is not p
        train(clone, q, 3)
        assert q.tolist() == p.tolist()


def test_state_dict_has_the_known_format() -> None:
    a, b = plait.zeros(2, requires_grad=True), plait.zeros(3, requires_grad=True)
    opt = optim.Adam([{"params": [a]}, {"params": [b], "lr": 0.5}])
    a.grad, b.grad = plait.ones(2), plait.ones(3)
    opt.step()
    state = opt.state_dict()
    assert state.keys() == {"state", "param_groups"}
    assert [g["params"] for g in state["param_groups"]] == [[0], [1]]
    assert state["state"][1].keys() == {"step", "exp_avg", "exp_avg_sq"}
    assert state["state"][1]["step"].dtype == plait.float32
    assert state["state"][1]["step"].shape == ()
    assert state["param_groups"][1]["lr"] == 0.5
    assert "initial_lr" not in state["param_groups"][0]


def test_load_state_dict_casts_to_the_parameter_but_not_the_step() -> None:
    p = plait.zeros(2, requires_grad=True)
    opt = optim.Adam([p])
    p.grad = plait.ones(2)
    opt.step()
    q = plait.zeros(2, dtype=plait.float64, requires_grad=True)
    other = optim.Adam([q])
    other.load_state_dict(opt.state_dict())
    assert other.state[q]["exp_avg"].dtype == plait.float64
    assert other.state[q]["step"].dtype == plait.float32
    assert other.state[q]["exp_avg"] is not opt.state[p]["exp_avg"]


def test_load_state_dict_refuses_other_structures_and_changes_nothing() -> None:
    p, q = plait.zeros(1, requires_grad=True), plait.zeros(1, requires_grad=True)
    opt = optim.SGD([p], lr=0.1)
    for other in (optim.SGD([p, q], lr=0.5), optim.SGD([{"params": [p]}, {"params": [q]}], lr=0.5)):
        with pytest.raises(ValueError, match="expected 1 param"):
            opt.load_state_dict(other.state_dict())
    with pytest.raises(ValueError, match="param_groups"):
        opt.load_state_dict({"state": {}})
    assert opt.param_groups[0]["lr"] == 0.1


def test_named_parameters() -> None:
    p = plait.zeros(1, requires_grad=True)
    opt = optim.SGD([("w", p)], lr=0.1)
    assert opt.param_groups[0]["params"][0] is p
    assert opt.state_dict()["param_groups"][0]["param_names"] == ["w"]


def test_repr() -> None:
    text = repr(optim.SGD([plait.zeros(1, requires_grad=True)], lr=0.1))
    assert text.startswith("SGD (\nParameter Group 0\n    dampening: 0\n")
    assert "    lr: 0.1\n" in text
    assert text.endswith(")")


P = plait.zeros(2, requires_grad=True)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: optim.SGD([], lr=0.1), ValueError, "empty parameter list"),
        (lambda: optim.SGD(P, lr=0.1), TypeError, "iterable of tensors"),
        (lambda: optim.SGD([3], lr=0.1), TypeError, "tensors, got int"),
        (lambda: optim.SGD([{"params": {P}}], lr=0.1), TypeError, "set"),
        (lambda: optim.SGD([P * 2], lr=0.1), ValueError, "leaf"),
        (lambda: optim.SGD([{"params": [P]}, {"params": [P]}], lr=0.1), ValueError, "one group"),
        (lambda: optim.SGD([{"lr": 0.1}], lr=0.1), ValueError, "key 'params'"),
        (lambda: optim.SGD([P], lr=-1), ValueError, "SGD: expected lr >= 0, got -1"),
        (lambda: optim.SGD([P], lr=float("nan")), ValueError, "lr"),
        (lambda: optim.SGD([P], momentum=-1), ValueError, "momentum"),
        (lambda: optim.SGD([P], lr="fast"), ValueError, "SGD: expected lr >= 0, got 'fast'"),
        (lambda: optim.SGD([{"params": [P], "lr": -2}]), ValueError, "SGD: expected lr >= 0, got -2"),
        (lambda: optim.Adam([P], betas=0.9), ValueError, r"Adam: expected betas to be \(beta1, beta2\), got 0.9"),
        (lambda: optim.Adafactor([P], eps=(-1, 1e-3)), ValueError, "eps1 >= 0 or None, got -1"),
        (lambda: optim.SGD([P], nesterov=True), ValueError, "nesterov"),
        (lambda: optim.Adam([P], betas=(1.0, 0.9)), ValueError, r"Adam: expected beta1 in \[0, 1\), got 1.0"),
        (lambda: optim.AdamW([P], betas=(0.9, -0.1)), ValueError, "AdamW: expected beta2"),
        (lambda: optim.Adam([P], eps=-1), ValueError, "eps"),
        (lambda: optim.Adam([P], differentiable=True), NotImplementedError, "differentiable"),
        (lambda: optim.RMSprop([P], alpha=-1), ValueError, "alpha"),
        (lambda: optim.Adagrad([P], lr_decay=-1), ValueError, "lr_decay"),
        (lambda: optim.Adadelta([P], rho=2), ValueError, "rho"),
        (lambda: optim.Rprop([P], etas=(1.5, 2)), ValueError, "etas"),
        (lambda: optim.LBFGS([{"params": [P]}, {"params": []}]), ValueError, "one parameter group"),
        (lambda: optim.LBFGS([P], line_search_fn="x"), ValueError, "strong_wolfe"),
    ],
)
def test_bad_arguments(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


def test_a_parameter_given_twice_warns() -> None:
    with pytest.warns(UserWarning, match="twice"):
        optim.SGD([P, P], lr=0.1)


def test_bad_state_raises_before_anything_changes() -> None:
    p = plait.ones(2, requires_grad=True)
    opt = optim.Adam([p])
    p.grad = plait.ones(2)
    opt.step()
    values = p.tolist()
    opt.state[p]["exp_avg_sq"] = plait.zeros(3)
    with pytest.raises(ValueError, match=r"exp_avg_sq of the parameter's shape \(2,\), got \(3,\)"):
        opt.step()
    opt.state[p]["exp_avg_sq"] = plait.zeros(2, dtype=plait.float64)
    with pytest.raises(TypeError, match="dtype float32, got float64"):
        opt.step()
    assert p.tolist() == values
    assert float(opt.state[p]["step"]) == 1


@pytest.mark.parametrize("line_search", [None, "strong_wolfe"])
def test_lbfgs_finds_the_minimum(line_search: str | None) -> None:
    rng = np.random.default_rng(0)
    a = plait.from_numpy(rng.standard_normal((12, 5)))
    b = plait.from_numpy(rng.standard_normal(12))
    w, c = plait.zeros(5, dtype=plait.float64), plait.zeros((), dtype=plait.float64)
    w.requires_grad_()
    c.requires_grad_()
    exact = {"tolerance_grad": 1e-12, "tolerance_change": 1e-15, "line_search_fn": line_search}
    opt = optim.LBFGS([w, c], lr=1 if line_search else 0.5, max_iter=100, **exact)

    def closure() -> plait.Tensor:
        opt.zero_grad()
        loss = ((a @ w + c - b) ** 2).sum()
        loss.backward()
        return loss

    for _ in range(5):
        opt.step(closure)
    full = np.concatenate([a.numpy(), np.ones((12, 1))], 1)
    best = np.linalg.lstsq(full, b.numpy(), rcond=None)[0]
    np.testing.assert_allclose(np.append(w.detach().numpy(), c.item()), best, atol=1e-6)


def test_lbfgs_with_line_search_solves_rosenbrock() -> None:
    x = plait.tensor([-1.2, 1.0], dtype=plait.float64, requires_grad=True)
    opt = optim.LBFGS([x], max_iter=100, tolerance_change=1e-15, line_search_fn="strong_wolfe")

    def closure() -> plait.Tensor:
        opt.zero_grad()
        loss = (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2
        loss.backward()
        return loss

    opt.step(closure)
    np.testing.assert_allclose(x.detach().numpy(), [1, 1], atol=1e-6)


@pytest.mark.parametrize("p", [1.0, 2.0, 3.0, 0.5, float("inf")])
def test_grad_norm_and_scale(p: float) -> None:
    from plait import _core

    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal(shape).astype(np.float32) for shape in [(5,), (40_000,), (3, 70), (0,)]]
    tensors = [plait.from_numpy(a) for a in arrays]
    tensors[2] = tensors[2].t()
    flat = np.concatenate([a.reshape(-1) for a in arrays]).astype(np.float64)
    expected = abs(flat).max() if p == float("inf") else (abs(flat) ** p).sum() ** (1 / p)
    bits = set()
    for threads in (1, 2, 7):
        plait.set_num_threads(threads)
        norm = _core._ops.grad_norm(tensors, p)
        assert norm.shape == ()
        np.testing.assert_allclose(norm.item(), expected, rtol=1e-6)
        bits.add(norm.item())
    assert len(bits) == 1
    _core._ops.scale_tensors(tensors, 0.5)
    np.testing.assert_array_equal(tensors[1].numpy(), arrays[1])  # the same memory
    np.testing.assert_allclose(_core._ops.grad_norm(tensors, p).item(), expected / 2, rtol=1e-6)
    assert np.isnan(_core._ops.grad_norm([plait.tensor([1.0, float("nan"), 2.0])], p).item())


def test_adafactor() -> None:
    rng = np.random.default_rng(0)
    starts = [rng.standard_normal((4, 6)), rng.standard_normal(5)]
    params = [plait.tensor(s.tolist(), dtype=plait.float64, requires_grad=True) for s in starts]
    opt = optim.Adafactor(params, lr=0.05, weight_decay=0.1)
    rows, columns, variance = np.zeros((4, 1)), np.zeros((1, 6)), np.zeros(5)
    for t in range(1, 20):
        gs = [rng.standard_normal(s.shape) for s in starts]
        for p, g in zip(params, gs):
            set_grad(p, g)
        opt.step()
        weight = t**-0.8
        rows += weight * ((gs[0] ** 2).mean(1, keepdims=True) - rows)
        columns += weight * ((gs[0] ** 2).mean(0, keepdims=True) - columns)
        variance += weight * (gs[1] ** 2 - variance)
        for i, moment in enumerate((rows * columns / rows.mean(), variance)):
            size = np.sqrt(starts[i].size)
            rate = max(1e-3, np.linalg.norm(starts[i]) / size) * min(0.05, t**-0.5)
            update = gs[i] / np.sqrt(moment)
            starts[i] = starts[i] * (1 - 0.05 * 0.1)
            starts[i] = starts[i] - rate * update / max(1, np.linalg.norm(update) / size)
    for p, s in zip(params, starts):
        np.testing.assert_allclose(p.detach().numpy(), s, rtol=1e-9)
    with pytest.raises(ValueError, match="beta2_decay"):
        optim.Adafactor(params, beta2_decay=0.1)


@pytest.mark.parametrize("shape", [(4, 6), (6, 4)])
def test_muon_steps_along_the_orthogonal_factor(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    g = rng.standard_normal(shape)
    w = plait.zeros(*shape, dtype=plait.float64, requires_grad=True)
    opt = optim.Muon([w], lr=1.0, weight_decay=0, nesterov=False, ns_steps=30, ns_coefficients=(1.5, -0.5, 0))
    set_grad(w, g)
    opt.step()
    u, _, v = np.linalg.svd(g, full_matrices=False)
    scale = np.sqrt(max(1, shape[0] / shape[1]))
    np.testing.assert_allclose(w.detach().numpy(), -scale * (u @ v), atol=1e-6)
    with pytest.raises(ValueError, match="matrices"):
        optim.Muon([plait.zeros(2, requires_grad=True)])
    with pytest.raises(ValueError, match="adjust_lr_fn"):
        optim.Muon([w], adjust_lr_fn="x")
