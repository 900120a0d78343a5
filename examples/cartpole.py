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

import numpy as np
from tqdm import tqdm

import plait as torch
import plait.nn as nn
import plait.nn.functional as F
from plait.distributions import Categorical

from _cartpole import Chooser, carts, draw, drive
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


def likelier(agent: Agent) -> Chooser:
    """The likelier push, without chance."""
    return lambda states: agent(states)[0].argmax(dim=1)


def chance_of_right(agent: Agent) -> Chooser:
    """The chance of a push to the right."""
    return lambda states: F.softmax(agent.policy(states), dim=-1)[..., 1]


def main() -> None:
    short = {"epochs": 30, "tests": 20}
    parser = options("cartpole.py", "Balance a pole.", short=short, epochs=120, batch_size=256, lr=2.5e-3)
    parser.add_argument("--tests", type=int, default=100, help="episodes at the end, without chance in the pushes")
    args = parser.parse_args()
    start(args)

    began = time.perf_counter()
    agent = Agent()
    before = drive(likelier(agent), 1, args.seed + 1)[1]
    episodes = learn(agent, args)
    seconds = time.perf_counter() - began

    reloaded = save_and_reload(agent, Agent(), args.output / "cartpole.safetensors")
    returns, states = drive(likelier(reloaded), args.tests, args.seed + 1)
    assert (returns == drive(likelier(agent), args.tests, args.seed + 1)[0]).all(), "other returns after reloading"
    pushes = args.epochs * STEPS * CARTS
    figure = args.output / "cartpole.png"
    title = "The policy: chance of a push to the right, cart in the middle"
    draw(figure, episodes, title, chance_of_right(reloaded), before, states)
    print(
        f"cartpole: mean return {returns.mean():.1f} of 500 in {args.tests} episodes, the lowest {returns.min():.0f}, "
        f"the same after reloading; {pushes:,} pushes in {seconds:.1f} s, figure in {figure}"
    )


if __name__ == "__main__":
    main()
