# SPDX-License-Identifier: MIT
"""What programs written for PyTorch do and expect: reinforcement learning, GANs, old names, errors, printing."""

from __future__ import annotations

import importlib
import math
from collections import namedtuple

import numpy as np
import pytest

import plait as torch
import plait.nn as nn
import plait.nn.functional as F
import plait.optim as optim
from plait.distributions import Categorical, Independent, Normal


def test_reinforce_with_categorical():
    torch.manual_seed(543)
    policy = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 2), nn.Softmax(dim=1))
    optimizer = optim.Adam(policy.parameters(), lr=1e-2)
    rng = np.random.default_rng(0)
    totals = []
    for _ in range(40):
        log_probs, rewards = [], []
        for _ in range(20):
            state = rng.standard_normal(4)
            m = Categorical(policy(torch.from_numpy(state).float().unsqueeze(0)))
            action = m.sample()
            log_probs.append(m.log_prob(action))
            rewards.append(float(action.item() == int(state[0] > 0)))
        returns = torch.tensor(rewards)
        returns = (returns - returns.mean()) / (returns.std() + np.finfo(np.float32).eps.item())
        loss = torch.cat([-log_prob * R for log_prob, R in zip(log_probs, returns)]).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        totals.append(sum(rewards))
    assert np.mean(totals[-10:]) > np.mean(totals[:10]) + 2


def test_actor_critic_with_a_gaussian_policy():
    torch.manual_seed(0)
    Saved = namedtuple("Saved", ["log_prob", "value", "reward"])
    mu, value = nn.Linear(1, 1), nn.Linear(1, 1)
    log_std = nn.Parameter(torch.zeros(1))
    optimizer = optim.Adam([*mu.parameters(), *value.parameters(), log_std], lr=0.05)
    for _ in range(60):
        saved = []
        for _ in range(16):
            state = torch.ones(1)
            dist = Independent(Normal(mu(state), log_std.exp()), 1)
            action = dist.sample()
            saved.append(Saved(dist.log_prob(action), value(state), -float((action - 2.0).pow(2))))
        rewards = torch.tensor([s.reward for s in saved])
        values = torch.cat([s.value for s in saved])
        advantage = rewards - values.detach()
        policy_loss = -(torch.stack([s.log_prob for s in saved]) * advantage).mean()
        loss = policy_loss + F.smooth_l1_loss(values, rewards)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(mu.parameters(), 1.0)
        optimizer.step()
    assert abs(mu(torch.ones(1)).item() - 2.0) < 0.7


def test_wasserstein_gan_with_gradient_penalty():
    torch.manual_seed(0)
    critic = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1))
    real, fake = torch.randn(6, 3), torch.randn(6, 3)
    alpha = torch.rand(6, 1)
    mixed = (alpha * real + (1 - alpha) * fake).requires_grad_(True)
    scores = critic(mixed)
    gradients = torch.autograd.grad(
        outputs=scores, inputs=mixed, grad_outputs=torch.ones_like(scores),
        create_graph=True, retain_graph=True, only_inputs=True,
    )[0]  # fmt: skip
    penalty = ((gradients.norm(2, dim=1) - 1) ** 2).mean()
    penalty.backward()
    # W2 diag(1 - h^2) W1 is the gradient of the critic.
    w1, b1 = (p.detach().double().numpy() for p in critic[0].parameters())
    h = np.tanh(mixed.detach().double().numpy() @ w1.T + b1)
    expected = ((1 - h**2) * critic[2].weight.detach().double().numpy()) @ w1
    np.testing.assert_allclose(gradients.detach().numpy(), expected, rtol=1e-4, atol=1e-6)
    assert critic[0].weight.grad.abs().sum() > 0


def test_spectral_norm_of_a_discriminator():
    torch.manual_seed(0)
    layer = nn.utils.spectral_norm(nn.Conv2d(2, 4, 3), n_power_iterations=50)
    assert sorted(layer.state_dict()) == ["bias", "weight_orig", "weight_u", "weight_v"]
    layer(torch.randn(1, 2, 5, 5)).sum().backward()
    singular = np.linalg.svd(layer.weight.detach().double().numpy().reshape(4, -1), compute_uv=False)
    assert singular[0] == pytest.approx(1.0, abs=1e-4)
    assert layer.weight_orig.grad is not None
    other = nn.utils.spectral_norm(nn.Conv2d(2, 4, 3))
    other.load_state_dict(layer.state_dict())
    assert torch.equal(other.weight_u, layer.weight_u)
    nn.utils.remove_spectral_norm(layer)
    assert isinstance(layer.weight, nn.Parameter) and sorted(layer.state_dict()) == ["bias", "weight"]


def test_moving_average_of_weights():
    model = nn.Linear(1, 1, bias=False)
    average = optim.swa_utils.AveragedModel(model, multi_avg_fn=optim.swa_utils.get_ema_multi_avg_fn(0.9))
    for value in (1.0, 2.0, 3.0):
        model.weight.data.fill_(value)
        average.update_parameters(model)
    assert average.module.weight.item() == pytest.approx(0.9 * (0.9 * 1.0 + 0.1 * 2.0) + 0.1 * 3.0)


def test_own_schedule_and_old_names():
    from plait.nn.modules.utils import _pair
    from plait.optim.lr_scheduler import _LRScheduler

    class Warmup(_LRScheduler):
        def __init__(self, optimizer, steps, last_epoch=-1):
            self.steps = steps
            super().__init__(optimizer, last_epoch)

        def get_lr(self):
            return [base * min(1, (self.last_epoch + 1) / self.steps) for base in self.base_lrs]

    optimizer = optim.SGD([nn.Parameter(torch.ones(1))], lr=1.0)
    schedule = Warmup(optimizer, 4)
    rates = []
    for _ in range(5):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    assert rates == [0.25, 0.5, 0.75, 1.0, 1.0]
    assert _pair(3) == (3, 3) and _pair((1, 2)) == (1, 2)
    optim.lr_scheduler.StepLR(optimizer, 1.0, gamma=0.95)  # a tutorial writes the step so


@pytest.mark.parametrize(
    "name", ["backends.cudnn", "distributions.categorical", "distributions.normal", "distributions.kl", "nn.parallel",
             "testing", "utils.data.sampler", "version"],
)  # fmt: skip
def test_modules_that_programs_import(name):
    assert importlib.import_module(f"plait.{name}").__doc__


def test_weights_updated_inside_the_graph():
    """One step of MAML through functional_call: d/dw of L(w - a L'(w)) is (1 - 2 a x^2) L'(w - a L'(w))."""
    layer = nn.Linear(1, 1, bias=False)
    layer.weight.data.fill_(2.0)
    params = dict(layer.named_parameters())
    x, y, a = torch.tensor([[3.0]]), torch.tensor([[1.0]]), 0.01
    (g,) = torch.autograd.grad(
        F.mse_loss(torch.func.functional_call(layer, params, (x,)), y), layer.weight, None, True, True
    )
    fast = {"weight": layer.weight - a * g}
    F.mse_loss(torch.func.functional_call(layer, fast, x), y).backward()
    step = 2.0 - a * 2 * 3 * (2 * 3 - 1)
    assert layer.weight.grad.item() == pytest.approx((1 - 2 * a * 9) * 2 * 3 * (step * 3 - 1), rel=1e-5)
    assert isinstance(layer.weight, nn.Parameter) and layer.weight.item() == 2.0
    with pytest.raises(RuntimeError, match="unknown names"):
        torch.func.functional_call(layer, {"bias": y}, x)


def test_flattening_images_in_place():
    images = torch.arange(12.0).reshape(3, 1, 2, 2)
    images.resize_(images.shape[0], 4)
    assert images.tolist() == np.arange(12.0).reshape(3, 4).tolist()
    assert images.resize_((2, 2)).tolist() == [[0.0, 1.0], [2.0, 3.0]]
    assert images.resize_(8).shape == (8,) and images[:4].tolist() == [0.0, 1.0, 2.0, 3.0]
    assert images.resize_as_(torch.zeros(2, 0)).shape == (2, 0)
    with pytest.raises(RuntimeError, match="requires grad"):
        torch.ones(2, requires_grad=True).resize_(1)


def test_scripts_are_the_functions():
    @torch.jit.script
    def double(x):
        return x * 2

    layer = nn.Linear(1, 1)
    assert double(torch.ones(1)).item() == 2.0 and torch.jit.trace(layer, torch.ones(1)) is layer


def test_settings_that_programs_make():
    torch.backends.cudnn.benchmark = True
    torch.set_float32_matmul_precision("high")
    assert torch.get_float32_matmul_precision() == "high"
    torch.set_float32_matmul_precision("highest")
    with pytest.raises(ValueError, match="medium"):
        torch.set_float32_matmul_precision("low")
    torch.set_default_device("cpu")
    assert torch.get_default_device() == torch.device("cpu")
    torch.use_deterministic_algorithms(True)
    assert torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(False)


def test_products_with_jacobians():
    def f(x):
        return torch.stack([x[0] * x[1], x[1] ** 3])

    x, v = torch.tensor([2.0, 3.0]), torch.tensor([1.0, 10.0])
    y, jv = torch.autograd.functional.jvp(f, x, v)
    assert y.tolist() == [6.0, 27.0] and not y.requires_grad
    assert jv.tolist() == [3.0 + 20.0, 270.0]
    assert torch.autograd.functional.vjp(f, x, v)[1].tolist() == [3.0, 2.0 + 270.0]
    _, hv = torch.autograd.functional.hvp(lambda x: f(x).sum(), x, v)
    assert hv.tolist() == [10.0, 1.0 + 180.0]
    assert torch.autograd.functional.hvp(lambda x: x.sum(), x, v)[1].tolist() == [0.0, 0.0]


# ---- Errors, printing, small things ---------------------------------------------------------------------


def test_anomaly_mode_names_the_op():
    x = torch.tensor([0.0], requires_grad=True)
    with torch.autograd.detect_anomaly(), pytest.raises(RuntimeError, match=r"'SqrtBackward0' returned nan values"):
        (x.sqrt() * 0).backward()
    (x.sqrt() * 0).backward()
    assert x.grad.isnan()
    with torch.autograd.set_detect_anomaly(True), torch.autograd.set_detect_anomaly(False):
        (x.sqrt() * 0).backward()


def test_numbers_that_do_not_fit():
    small = torch.zeros(2, dtype=torch.int8)
    calls = [
        lambda: torch.full((2,), math.inf, dtype=torch.int64),
        lambda: torch.full_like(small, 128),
        lambda: torch.tensor([256], dtype=torch.uint8),
        lambda: torch.tensor([[1.0], [math.nan]], dtype=torch.int64),
        lambda: small.fill_(-129),
        lambda: small.masked_fill(small == 0, 200),
        lambda: small.__setitem__(0, 2**31),
        lambda: torch.zeros(1, dtype=torch.int64).__setitem__(0, 2**63),
    ]
    for call in calls:
        with pytest.raises(RuntimeError, match="without overflow"):
            call()
    assert small.tolist() == [0, 0]
    assert torch.full((1,), -1, dtype=torch.uint8).item() == 255
    assert torch.tensor([2**63 - 1, -(2**63)]).tolist() == [2**63 - 1, -(2**63)]
    assert torch.full((1,), math.nan, dtype=torch.bool).item() is True


def test_errors_that_pytorch_programs_catch():
    with pytest.raises(RuntimeError, match="out of bounds"):
        torch.zeros(2, 3).gather(1, torch.tensor([[5]]))
    with pytest.raises(IndexError):
        torch.zeros(2, 3).gather(1, torch.tensor([[5]]))
    with pytest.raises(IndexError):
        torch.zeros(2).sum(3)
    with pytest.raises(ValueError, match="3 elements"):
        int(torch.ones(3))
    with pytest.raises(RuntimeError, match="3 elements"):
        torch.ones(3).item()
    with pytest.raises(RuntimeError, match="cuda:3"):
        torch.ones(1).to(3)


def test_devices():
    assert torch.device("cpu:0").index == 0 and torch.device("cpu").index is None
    assert repr(torch.device("cpu", 0)) == "device(type='cpu', index=0)" and str(torch.device("cpu:0")) == "cpu:0"
    assert torch.device("cpu:0") != torch.device("cpu") and torch.zeros(1, device="cpu:0").device.type == "cpu"


def test_median_of_all_shares_its_gradient():
    x = torch.tensor([1.0, 3.0, 1.0, 0.0, 5.0], requires_grad=True)
    x.median().backward()
    assert x.grad.tolist() == [0.5, 0.0, 0.5, 0.0, 0.0]
    y = torch.tensor([1.0, 3.0, 1.0, 0.0, 5.0], requires_grad=True)
    y.median(0)[0].backward()
    assert y.grad.sum() == 1.0 and y.grad.max() == 1.0


def test_equal_promotes():
    assert torch.equal(torch.tensor([1, 2]), torch.tensor([1.0, 2.0]))
    assert not torch.equal(torch.tensor([1, 2]), torch.tensor([[1, 2]]))


def test_what_programs_print():
    w, b = nn.Parameter(torch.ones(1)), nn.Parameter(torch.ones(1))
    text = repr(optim.SGD([{"params": [w]}, {"params": [b], "lr": 0.5}], lr=0.1))
    assert "\n    weight_decay: 0\n\nParameter Group 1\n" in text
    y = w * 2
    assert repr(y) == "tensor([2.], grad_fn=<MulBackward0>)"
    assert repr(y.grad_fn).startswith("<MulBackward0 object at 0x")
    text = repr(nn.ParameterDict({"w": w}))
    assert text == "ParameterDict(  (w): Parameter containing: [plait.FloatTensor of size 1])"
    assert repr(Normal(torch.zeros(2), 1.0)) == "Normal(loc: plait.Size([2]), scale: plait.Size([2]))"


def test_assert_close():
    close = torch.testing.assert_close
    close(torch.ones(2), torch.ones(2) + 1e-7)
    close({"a": [torch.ones(1), 2.0]}, {"a": [torch.ones(1), 2.0]})
    close(torch.tensor([math.nan, math.inf]), torch.tensor([math.nan, math.inf]), equal_nan=True)
    for a, b, words in [
        (torch.ones(2), torch.tensor([1.0, 1.1]), "1 / 2"),
        (torch.ones(2), torch.ones(3), "shapes"),
        (torch.ones(2), torch.ones(2).double(), "dtypes"),
        (torch.tensor([math.nan]), torch.tensor([math.nan]), "not close"),
        (torch.tensor([1.0]), torch.tensor([math.inf]), "not close"),
        ([torch.ones(1)], [torch.zeros(1)], r"\[0\]"),
        (1.0, 2.0, "Scalars"),
    ]:
        with pytest.raises(AssertionError, match=words):
            close(a, b)


def test_variable_is_a_leaf_of_its_own() -> None:
    data = torch.ones(2)
    v = torch.autograd.Variable(data, requires_grad=True)
    assert v is not data and v.requires_grad and not data.requires_grad and v.data_ptr() == data.data_ptr()
    (v * 3).sum().backward()
    assert v.grad.tolist() == [3, 3] and data.grad is None
    cut = torch.autograd.Variable(v * 2)
    assert cut.is_leaf and not cut.requires_grad
    assert type(torch.autograd.Variable(torch.nn.Parameter(data))) is torch.Tensor
    assert isinstance(data, torch.autograd.Variable) and not isinstance(2.0, torch.autograd.Variable)
    assert torch.autograd.Variable().shape == (0,)
    with pytest.raises(TypeError, match="Variable"):
        torch.autograd.Variable([1.0])
    assert not any((data.is_xpu, data.is_xla, data.is_ipu, data.is_mtia, data.is_maia, data.is_vulkan))


def test_names_of_steps_and_states() -> None:
    x = torch.ones(2, 3, requires_grad=True)
    names = {
        "NativeLayerNormBackward0": F.layer_norm(x, (3,)),
        "NllLossBackward0": F.cross_entropy(x, torch.tensor([0, 1])),
        "Log1PBackward0": x.log1p(),
        "LinalgDetBackward0": torch.linalg.det(x[:, :2]),
        "AddBackward0": x + 1,
    }
    assert {y.grad_fn.name() for y in names.values()} == set(names)
    state = nn.Linear(1, 1).state_dict()
    assert type(state).__name__ == "OrderedDict" and state._metadata[""] == {"version": 1}
