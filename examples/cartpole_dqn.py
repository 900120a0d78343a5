# SPDX-License-Identifier: MIT
"""Learns to balance a pole on a cart from rewards alone: deep Q-learning on gymnasium's CartPole.

    python examples/cartpole_dqn.py

No data: eight carts are driven at once (package gymnasium). A net foretells the sum of rewards to come after a push to
the left and after one to the right, and the larger is chosen. What happened is kept in a memory and learned from many
times, in any order. The target, reward + what is foretold for the next state, comes from a copy of the net that stands
still for a while (Mnih et al., 2015): the net does not chase itself. The net picks the next push and the copy values it
(van Hasselt et al., 2016), or luck would be taken for worth. cartpole.py solves the same task by its policy.
Writes cartpole_dqn.safetensors and cartpole_dqn.png (returns, the pushes as a map, an episode before and after).
"""

from __future__ import annotations

import argparse
import copy
import time

import numpy as np
from tqdm import tqdm

import plait as torch
import plait.nn as nn
import plait.nn.functional as F

from _cartpole import Chooser, carts, draw, drive
from _training import options, save_and_reload, start

CARTS, STEPS, UPDATES = 8, 32, 128  # a round is STEPS pushes of every cart, then UPDATES batches to learn from
DISCOUNT, MEMORY = 0.99, 50_000


class Net(nn.Module):
    """States (..., 4) to the sums of rewards to come (..., 2) after a push to the left and to the right."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(4, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 2))

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        return self.layers(states)


def better(net: Net) -> Chooser:
    """The push of which more is foretold."""
    return lambda states: net(states).argmax(dim=-1)


def to_right(net: Net) -> Chooser:
    """How much more is foretold of a push to the right, drawn into 0 to 1."""

    def shade(states: torch.Tensor) -> torch.Tensor:
        left, right = net(states).unbind(-1)
        return (right - left).sigmoid()

    return shade


class Memory:
    """The last pushes, as rows of one table: state, push, reward, whether the pole fell, next state."""

    def __init__(self) -> None:
        self.rows, self.count = torch.zeros(MEMORY, 4 + 3 + 4), 0

    def add(self, *columns: np.ndarray) -> None:
        new = torch.from_numpy(np.column_stack(columns).astype(np.float32))
        self.rows[(self.count + torch.arange(len(new))) % MEMORY] = new  # the oldest give way
        self.count += len(new)

    def sample(self, size: int) -> tuple[torch.Tensor, ...]:
        rows = self.rows[torch.randint(min(self.count, MEMORY), (size,))]
        return rows.split([4, 1, 1, 1, 4], dim=1)


class Driver:
    """Drives the carts into the memory and keeps the returns of finished episodes."""

    def __init__(self, seed: int) -> None:
        self.carts, self.memory, self.random = carts(CARTS), Memory(), np.random.default_rng(seed)
        self.state = self.carts.reset(seed=seed)[0]
        self.running = np.zeros(CARTS)
        self.returns: list[float] = []

    def round(self, net: Net, explore: float) -> None:
        """STEPS pushes of every cart, each with the chance `explore` of being any push."""
        for _ in range(STEPS):
            with torch.no_grad():
                pushes = better(net)(torch.tensor(self.state)).numpy()
            pushes = np.where(self.random.random(CARTS) < explore, self.random.integers(2, size=CARTS), pushes)
            before = self.state
            self.state, rewards, fell, cut, info = self.carts.step(pushes)
            ended = fell | cut
            after = self.state.copy()
            if ended.any():  # where the episode ended, not where the next one began
                after[ended] = np.stack(info["final_obs"][ended])
            self.memory.add(before, pushes, rewards, fell, after)
            self.running += rewards
            self.returns += self.running[ended].tolist()
            self.running[ended] = 0


def loss_of(net: Net, still: Net, batch: tuple[torch.Tensor, ...]) -> torch.Tensor:
    """The error of what was foretold; Huber's, so that a rare large error does not tear the net."""
    states, pushes, rewards, fell, after = batch
    with torch.no_grad():
        following = still(after).gather(1, net(after).argmax(dim=1, keepdim=True))
        target = rewards + DISCOUNT * (1 - fell) * following
    return F.smooth_l1_loss(net(states).gather(1, pushes.long()), target)


def learn(net: Net, args: argparse.Namespace) -> list[tuple[int, float]]:
    """Trains, keeps the weights that drove best in trials, and returns each finished episode as (pushes, return)."""
    optimizer = torch.optim.Adam(net.parameters(), lr=args.lr)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.05, total_iters=args.epochs)
    driver, still = Driver(args.seed), copy.deepcopy(net)
    best, best_weights = 0.0, net.state_dict()
    episodes: list[tuple[int, float]] = []
    with tqdm(range(1, args.epochs + 1), desc="cartpole_dqn", unit="round", ncols=100) as bar:
        for done in bar:
            driver.round(net, explore=max(0.04, 1 - done / 30))
            still.load_state_dict(net.state_dict())
            for _ in range(UPDATES):
                loss = loss_of(net, still, driver.memory.sample(args.batch_size))
                optimizer.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(net.parameters(), 10.0)
                optimizer.step()
            schedule.step()
            if done % 10 == 0 or done == args.epochs:
                mean = drive(better(net), 20, args.seed + 2)[0].mean()
                if mean >= best:
                    best, best_weights = mean, copy.deepcopy(net.state_dict())
            episodes += [(done * STEPS * CARTS, value) for value in driver.returns[len(episodes) :]]
            bar.set_postfix_str(f"best trial {best:.0f} of 500", refresh=False)
    net.load_state_dict(best_weights)
    return episodes


def main() -> None:
    short = {"epochs": 60, "tests": 20}
    parser = options("cartpole_dqn.py", "Balance a pole.", short=short, epochs=200, batch_size=64, lr=2e-3)
    parser.add_argument("--tests", type=int, default=100, help="episodes at the end, without chance in the pushes")
    args = parser.parse_args()
    start(args)

    began = time.perf_counter()
    net = Net()
    before = drive(better(net), 1, args.seed + 1)[1]
    episodes = learn(net, args)
    seconds = time.perf_counter() - began

    reloaded = save_and_reload(net, Net(), args.output / "cartpole_dqn.safetensors")
    returns, states = drive(better(reloaded), args.tests, args.seed + 1)
    assert (returns == drive(better(net), args.tests, args.seed + 1)[0]).all(), "other returns after reloading"
    figure = args.output / "cartpole_dqn.png"
    title = "Foretold for right against left (blue: right), cart in the middle"
    draw(figure, episodes, title, to_right(reloaded), before, states)
    print(
        f"cartpole_dqn: mean return {returns.mean():.1f} of 500 in {args.tests} episodes, the lowest "
        f"{returns.min():.0f}, the same after reloading; {args.epochs * STEPS * CARTS:,} pushes in {seconds:.1f} s, "
        f"figure in {figure}"
    )


if __name__ == "__main__":
    main()
