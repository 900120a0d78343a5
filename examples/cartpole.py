# SPDX-License-Identifier: MIT
"""Learns to balance a pole on a cart from rewards alone: proximal policy optimisation on gymnasium's CartPole.

    python examples/cartpole.py

No data: eight carts are driven at once (package gymnasium). The policy says how likely a push to the right is, the
value net how long the pole will stay up. A push that led to more than the value net expected becomes likelier, but in
one round never by more than a fifth (Schulman et al., 2017): that is what keeps the policy from breaking.
Writes cartpole.safetensors (both nets) and cartpole.png (returns, the policy as a map, an episode before and after).
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from matplotlib import pyplot as plt
from tqdm import tqdm

import plait as torch
import plait.nn as nn
import plait.nn.functional as F
from plait.distributions import Categorical

from _report import STYLE
from _training import options, save_and_reload, start

CARTS, STEPS = 8, 128  # a round is STEPS pushes of every cart
DISCOUNT, LAMBDA, CLIP = 0.99, 0.95, 0.2


class Agent(nn.Module):
    """Two small nets on position, speed, angle and angular speed: (N, 4) to scores of both pushes and a value."""

    def __init__(self) -> None:
        super().__init__()
        self.policy, self.value = self.net(2, 0.01), self.net(1, 1.0)

    @staticmethod
    def net(outputs: int, gain: float) -> nn.Sequential:
        layers = [nn.Linear(4, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, outputs)]
        for layer, scale in zip(layers[::2], (2**0.5, 2**0.5, gain), strict=True):
            nn.init.orthogonal_(layer.weight, scale)
            nn.init.zeros_(layer.bias)
        return nn.Sequential(*layers)

    def forward(self, states: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return self.policy(states), self.value(states).squeeze(-1)


def carts(count: int) -> Any:
    """`count` carts side by side; one whose pole fell starts anew in the same step."""
    same_step = {"autoreset_mode": gymnasium.vector.AutoresetMode.SAME_STEP}
    return gymnasium.make_vec("CartPole-v1", num_envs=count, vectorization_mode="sync", vector_kwargs=same_step)


def advantages(rewards: torch.Tensor, values: torch.Tensor, after: torch.Tensor, ended: torch.Tensor) -> torch.Tensor:
    """How much better than expected each push was (Schulman et al., 2016); all are (STEPS, CARTS).

    delta_t = reward_t + DISCOUNT * value(state after t) - value_t, advantage_t = delta_t + DISCOUNT * LAMBDA *
    advantage_(t+1), where an episode's end cuts the sum. `after` is 0 where the pole fell.
    """
    deltas = rewards + DISCOUNT * after - values
    result = torch.zeros_like(deltas)
    following = torch.zeros(deltas.shape[1])
    for step in reversed(range(len(deltas))):
        following = deltas[step] + DISCOUNT * LAMBDA * (1 - ended[step]) * following
        result[step] = following
    return result


class Driver:
    """Drives the carts for a round at a time and keeps the returns of finished episodes."""

    def __init__(self, seed: int) -> None:
        self.carts = carts(CARTS)
        self.state = self.carts.reset(seed=seed)[0]
        self.running = np.zeros(CARTS)
        self.returns: list[float] = []

    def round(self, agent: Agent) -> dict[str, torch.Tensor]:
        """States, pushes, their log-probabilities, values and advantages, each (STEPS * CARTS, ...)."""
        kept: dict[str, list[torch.Tensor]] = {}
        for _ in range(STEPS):
            states = torch.tensor(self.state)
            scores, values = agent(states)
            choice = Categorical(logits=scores)
            pushes = choice.sample()
            self.state, rewards, fell, cut, info = self.carts.step(pushes.numpy())
            ended = fell | cut
            self.running += rewards
            self.returns += self.running[ended].tolist()
            self.running[ended] = 0
            # The state after the push: where an episode ended, not the one the next began with.
            after = self.state.copy()
            if ended.any():
                after[ended] = np.stack(info["final_obs"][ended])
            values_after = agent(torch.tensor(after))[1] * torch.tensor(~fell)
            row = {"states": states, "pushes": pushes, "chances": choice.log_prob(pushes), "values": values}
            row |= {"after": values_after, "ended": torch.tensor(ended).float()}
            row["rewards"] = torch.tensor(rewards, dtype=torch.float32)
            for name, value in row.items():
                kept.setdefault(name, []).append(value)
        batch = {name: torch.stack(values) for name, values in kept.items()}
        rewards, after, cuts = (batch.pop(name) for name in ("rewards", "after", "ended"))
        batch["advantages"] = advantages(rewards, batch["values"], after, cuts)
        return {name: value.flatten(0, 1) for name, value in batch.items()}


def loss_of(agent: Agent, batch: dict[str, torch.Tensor]) -> torch.Tensor:
    """The clipped objective, the error of the value net, and a little reward for not being sure too early."""
    scores, values = agent(batch["states"])
    choice = Categorical(logits=scores)
    ratio = (choice.log_prob(batch["pushes"]) - batch["chances"]).exp()
    advantage = (batch["advantages"] - batch["advantages"].mean()) / (batch["advantages"].std() + 1e-8)
    gain = torch.minimum(ratio * advantage, ratio.clamp(1 - CLIP, 1 + CLIP) * advantage).mean()
    error = F.mse_loss(values, batch["values"] + batch["advantages"])
    return -gain + 0.5 * error - 0.01 * choice.entropy().mean()


def learn(agent: Agent, args: argparse.Namespace) -> list[tuple[int, float]]:
    """Trains and returns each finished episode as (pushes so far, return)."""
    optimizer = torch.optim.Adam(agent.parameters(), lr=args.lr, eps=1e-5)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.05, total_iters=args.epochs)
    driver = Driver(args.seed)
    episodes: list[tuple[int, float]] = []
    with tqdm(range(1, args.epochs + 1), desc="cartpole", unit="round", ncols=100) as bar:
        for done in bar:
            with torch.no_grad():
                batch = driver.round(agent)
            for _ in range(6):
                for rows in torch.randperm(STEPS * CARTS).split(args.batch_size):
                    loss = loss_of(agent, {name: value[rows] for name, value in batch.items()})
                    optimizer.zero_grad()
                    loss.backward()
                    nn.utils.clip_grad_norm_(agent.parameters(), 0.5)
                    optimizer.step()
            schedule.step()
            episodes += [(done * STEPS * CARTS, value) for value in driver.returns[len(episodes) :]]
            bar.set_postfix_str(f"return {np.mean(driver.returns[-20:]):.0f} of 500", refresh=False)
    return episodes


def drive(agent: Agent, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The likelier push always, `count` carts for an episode: their returns, and the first one's states."""
    world = carts(count)
    state, _ = world.reset(seed=seed)
    returns, running, states = np.zeros(count), np.ones(count, dtype=bool), []
    while running.any():
        with torch.no_grad():
            pushes = agent(torch.tensor(state))[0].argmax(dim=1)
        if running[0]:
            states.append(state[0].copy())
        state, rewards, fell, cut, _ = world.step(pushes.numpy())
        returns += rewards * running
        running &= ~(fell | cut)
    return returns, np.stack(states)


def draw(path: Path, episodes: list[tuple[int, float]], agent: Agent, before: np.ndarray, after: np.ndarray) -> None:
    """Returns over time, the chance of a push to the right over angle and its speed, and two episodes' states."""
    with plt.rc_context(STYLE), torch.no_grad():
        figure = plt.figure(figsize=(12, 6.4), layout="constrained")
        upper, lower = figure.subfigures(2, 1, height_ratios=[1.6, 1])
        curve, plane = upper.subplots(1, 2)
        when, returns = np.array(episodes).T
        curve.scatter(when, returns, s=6, color="#9db8dd", label="an episode")
        width = min(20, len(returns))
        means = np.convolve(returns, np.ones(width) / width, "valid")
        curve.plot(when[width - 1 :], means, color="#1f5fbf", lw=2, label=f"mean of {width}")
        curve.axhline(475, color="#8a94a6", linestyle="--", label="475: solved")
        curve.set_title("Return: steps until the pole falls, at most 500")
        curve.set_xlabel("pushes")
        curve.legend(loc="lower right")

        angle, speed = np.meshgrid(np.linspace(-0.2, 0.2, 80), np.linspace(-2, 2, 80))
        points = np.stack([0 * angle, 0 * angle, angle, speed], axis=-1).astype(np.float32)
        chance = F.softmax(agent.policy(torch.tensor(points)), dim=-1)[..., 1].numpy()
        extent = (-11.5, 11.5, -2, 2)
        shade = plane.imshow(chance, origin="lower", extent=extent, aspect="auto", cmap="RdBu", vmin=-0.3, vmax=1.3)
        plane.set_title("The policy: chance of a push to the right, cart in the middle")
        plane.set_xlabel("angle of the pole, degrees (right is positive)")
        plane.set_ylabel("its speed, rad/s")
        plane.grid(False)
        upper.colorbar(shade, ax=plane, boundaries=np.linspace(0, 1, 101), ticks=[0, 0.5, 1])

        for axes, column, title in zip(
            lower.subplots(1, 2), (2, 0), ("Angle of the pole, degrees", "Place of the cart"), strict=True
        ):
            for states, colour, name in ((before, "#c0392b", "untrained: falls"), (after, "#1f5fbf", "trained")):
                axes.plot(np.degrees(states[:, 2]) if column == 2 else states[:, 0], color=colour, label=name)
            axes.set_title(title)
            axes.set_xlabel("step")
            axes.legend(loc="upper right" if column == 2 else "lower right")
        figure.savefig(path, dpi=90)
        plt.close(figure)


def main() -> None:
    short = {"epochs": 30, "tests": 20}
    parser = options("cartpole.py", "Balance a pole.", short=short, epochs=120, batch_size=256, lr=2.5e-3)
    parser.add_argument("--tests", type=int, default=100, help="episodes at the end, without chance in the pushes")
    args = parser.parse_args()
    start(args)

    began = time.perf_counter()
    agent = Agent()
    before = drive(agent, 1, args.seed + 1)[1]
    episodes = learn(agent, args)
    seconds = time.perf_counter() - began

    reloaded = save_and_reload(agent, Agent(), args.output / "cartpole.safetensors")
    returns, states = drive(reloaded, args.tests, args.seed + 1)
    assert (returns == drive(agent, args.tests, args.seed + 1)[0]).all(), "other returns after reloading"
    pushes = args.epochs * STEPS * CARTS
    figure = args.output / "cartpole.png"
    draw(figure, episodes, reloaded, before, states)
    print(
        f"cartpole: mean return {returns.mean():.1f} of 500 in {args.tests} episodes, the lowest {returns.min():.0f}, "
        f"the same after reloading; {pushes:,} pushes in {seconds:.1f} s, figure in {figure}"
    )


if __name__ == "__main__":
    main()
