# SPDX-License-Identifier: MIT
"""Learns connect-four from nothing but its own games, the way AlphaGo Zero learned Go.

    python examples/connect_four.py

No data. One net says which moves are worth a look (policy) and who will win (value). A tree search asks it about
positions some moves ahead and returns better probabilities than the net's own; the net learns to foretell them and the
result, which makes the next search better (Silver et al., 2017). Many games are searched at once, each in its own
tree: each step of all searches is one batch for the net. Needs no book, no rules of thumb and no other player.
Writes connect_four.safetensors and connect_four.png (results while it learns; three positions with the
probabilities of the policy and of the search).
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.ticker import PercentFormatter
from tqdm import tqdm

import plait as torch
import plait.nn as nn
import plait.nn.functional as F

import _connect_four as rules
from _connect_four import COLUMNS, ROWS, Bits
from _report import STYLE
from _training import options, save_and_reload, start

EXPLORE = 1.5  # how much the policy counts against the values found so far
KEPT = 6  # rounds of self-play to learn from
# What the figure shows, as the columns played (the leftmost is 0); blue moves next. The row of two must be stopped
# before it is three with both ends open, which is too late: the second column and the fifth do it.
POSITIONS = {"The first move": "", "Stop three in a column": "13151", "Look two moves ahead": "332"}
Examples = tuple[np.ndarray, np.ndarray, np.ndarray]  # pictures, the search's probabilities, results


class Net(nn.Module):
    """Positions (N, 2, 6, 7) to scores of the columns (N, 7) and the result expected by the player to move (N,)."""

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for inputs in (2, width, width, width):
            layers += [nn.Conv2d(inputs, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
        self.body = nn.Sequential(*layers, nn.Flatten(), nn.Linear(width * ROWS * COLUMNS, 64), nn.ReLU())
        self.policy, self.value = nn.Linear(64, COLUMNS), nn.Linear(64, 1)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        x = self.body(x)
        return self.policy(x), self.value(x).tanh().squeeze(-1)


def ask(net: Net, own: Bits, stones: Bits) -> tuple[np.ndarray, np.ndarray]:
    """The net's probabilities (N, 7), 0 for full columns, and values (N,)."""
    net.eval()
    with torch.no_grad():
        scores, values = net(torch.from_numpy(rules.planes(own, stones)))
        scores = scores.masked_fill(torch.from_numpy(~rules.legal(stones)), -torch.inf)
        return F.softmax(scores, dim=1).numpy(), values.numpy()


class Search:
    """A tree for each of G positions, in arrays (G, nodes, 7): an entry for each move of each node; 0 is the root."""

    def __init__(self, net: Net, own: Bits, stones: Bits, simulations: int, noise: float = 0.0) -> None:
        games, nodes = len(own), simulations + 1
        self.net, self.rows = net, np.arange(games)
        self.own, self.stones = np.zeros((2, games, nodes), np.uint64)
        self.over, self.result = np.zeros((games, nodes), bool), np.zeros((games, nodes), np.float32)
        self.prior, self.visits, self.total = np.zeros((3, games, nodes, COLUMNS), np.float32)
        self.child = np.full((games, nodes, COLUMNS), -1)  # the node that a move leads to, -1 if not tried yet
        self.own[:, 0], self.stones[:, 0] = own, stones
        self.prior[:, 0] = ask(net, own, stones)[0]
        if noise > 0:  # so that self-play also tries what the policy thinks little of
            random = np.random.dirichlet([1.0] * COLUMNS, games) * rules.legal(stones)
            random /= random.sum(axis=1, keepdims=True)
            self.prior[:, 0] = (1 - noise) * self.prior[:, 0] + noise * random
        for node in range(1, nodes):
            self.simulate(node)

    def best_move(self, games: np.ndarray, nodes: np.ndarray) -> np.ndarray:
        """The move with the largest mean value + EXPLORE * prior * sqrt(visits of the node) / (1 + visits)."""
        visits, prior = self.visits[games, nodes], self.prior[games, nodes]
        mean = self.total[games, nodes] / np.maximum(visits, 1)
        bonus = EXPLORE * prior * np.sqrt(visits.sum(axis=1, keepdims=True) + 1) / (1 + visits)
        return np.where(prior > 0, mean + bonus, -np.inf).argmax(axis=1)

    def simulate(self, new: int) -> None:
        """Goes down every tree to a move not tried yet, makes node `new` of it, and carries its value up again."""
        path: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
        games, nodes, leaf = self.rows, np.zeros_like(self.rows), np.full_like(self.rows, new)
        while len(games):
            moves = self.best_move(games, nodes)
            path.append((games, nodes, moves))
            children = self.child[games, nodes, moves]
            fresh = children < 0
            self.grow(games[fresh], nodes[fresh], moves[fresh], new)
            ended = ~fresh & self.over[games, children]
            leaf[games[ended]] = children[ended]
            on = ~(fresh | ended)
            games, nodes = games[on], children[on]

        values = self.result[self.rows, leaf]
        asked = np.flatnonzero(~self.over[self.rows, leaf])
        if len(asked):
            prior, values[asked] = ask(self.net, self.own[asked, new], self.stones[asked, new])
            self.prior[asked, new] = prior
        for games, nodes, moves in reversed(path):
            values[games] = -values[games]  # what is good for one player is bad for the other
            self.visits[games, nodes, moves] += 1
            self.total[games, nodes, moves] += values[games]

    def grow(self, games: np.ndarray, nodes: np.ndarray, moves: np.ndarray, new: int) -> None:
        """Makes the nodes that these moves lead to."""
        own, stones = rules.play(self.own[games, nodes], self.stones[games, nodes], moves)
        self.own[games, new], self.stones[games, new] = own, stones
        self.over[games, new], self.result[games, new] = rules.result(own, stones)
        self.child[games, nodes, moves] = new

    def probabilities(self) -> np.ndarray:
        """How often each move of the root was tried: (G, 7)."""
        return self.visits[:, 0] / self.visits[:, 0].sum(axis=1, keepdims=True)


def policy_player(net: Net) -> Any:
    """The move that the net thinks best, without a search."""
    return lambda own, stones: ask(net, own, stones)[0].argmax(axis=1)


def search_player(net: Net, simulations: int) -> Any:
    """The move that the search tried most."""
    return lambda own, stones: Search(net, own, stones, simulations).probabilities().argmax(axis=1)


def self_play(net: Net, games: int, simulations: int) -> Examples:
    """Every position of `games` games of the search against itself, and its mirror image."""
    own, stones = rules.empty(games)
    running, kept, results = np.arange(games), [], np.zeros((games, ROWS * COLUMNS), np.float32)
    for turn in range(ROWS * COLUMNS):
        chances = Search(net, own, stones, simulations, noise=0.25).probabilities()
        kept.append((rules.planes(own, stones), chances, running, turn))
        # The opening by chance, for variety; then the best.
        moves = (chances.cumsum(axis=1) > np.random.random((len(chances), 1))).argmax(axis=1)
        moves = moves if turn < 12 else chances.argmax(axis=1)
        own, stones = rules.play(own, stones, moves)
        over, value = rules.result(own, stones)
        # The value is seen by the player who would move next, and turns over from turn to turn before that.
        signs = np.where((np.arange(ROWS * COLUMNS) - turn) % 2 == 1, 1.0, -1.0)
        results[running[over]] = value[over, None] * signs
        own, stones, running = own[~over], stones[~over], running[~over]
        if not len(running):
            break
    pictures, chances = (np.concatenate([row[part] for row in kept]) for part in (0, 1))
    ends = np.concatenate([results[rows, turn] for _, _, rows, turn in kept])
    both = np.concatenate([pictures, pictures[..., ::-1]]), np.concatenate([chances, chances[:, ::-1]])
    return *both, np.concatenate([ends, ends])


def learn(net: Net, args: argparse.Namespace) -> dict[str, list[float]]:
    """Rounds of self-play and training; returns the policy's share of wins after each, without a search."""
    optimizer = torch.optim.AdamW(net.parameters(), lr=args.lr, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=args.epochs, eta_min=args.lr / 20)
    memory: list[Examples] = []
    curves: dict[str, list[float]] = {"random": [], "look-ahead": []}
    with tqdm(range(args.epochs), desc="self-play and training", unit="round", ncols=110) as bar:
        for _ in bar:
            memory = [*memory[1 - KEPT :], self_play(net, args.games, args.simulations)]
            pictures, chances, ends = (torch.from_numpy(np.concatenate(part)) for part in zip(*memory, strict=True))
            net.train()
            for rows in torch.randint(len(ends), (args.steps, args.batch_size)):
                scores, values = net(pictures[rows])
                # A cross-entropy whose targets are probabilities, and the error of the foretold result.
                loss = F.cross_entropy(scores, chances[rows]) + F.mse_loss(values, ends[rows])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            schedule.step()
            for name, other in (("random", rules.at_random), ("look-ahead", rules.look_ahead)):
                curves[name].append(float((rules.match(policy_player(net), other, 150) > 0).mean()))
            bar.set_postfix_str(f"loss {loss.item():.2f}, {curves['look-ahead'][-1]:.0%} against look-ahead")
    return curves


def draw(path: Path, curves: dict[str, list[float]], shares: dict[str, float], net: Net, simulations: int) -> None:
    """Left: wins by round. Right: what the policy and the search think of three positions."""
    with plt.rc_context(STYLE):
        figure = plt.figure(figsize=(12, 5), layout="constrained")
        left, right = figure.subfigures(1, 2, width_ratios=[1, 1.75])
        axes = left.subplots()
        for (name, values), colour in zip(curves.items(), ("#8a94a6", "#1f5fbf"), strict=True):
            rounds = range(1, len(values) + 1)
            axes.plot(rounds, values, color=colour, marker="o", markersize=3, label=f"policy alone against {name}")
            axes.scatter(len(values) + 1, shares[name], color=colour, marker="*", s=140, zorder=3)
        axes.scatter([], [], color="#444c5a", marker="*", s=140, label="with search, at the end")
        axes.yaxis.set_major_formatter(PercentFormatter(1.0))
        axes.set(title="Games won", xlabel="round of self-play", ylim=(0, 1.03))
        axes.legend(loc="center right", bbox_to_anchor=(1, 0.55))
        panels = right.subplots(2, 3, height_ratios=[1.7, 1])
        for (board, bars), (title, moves) in zip(panels.T, POSITIONS.items(), strict=True):
            seen = rules.position(moves)
            chances = {"policy": ask(net, *seen)[0], "search": Search(net, *seen, simulations).probabilities()}
            rules.draw_board(board, title, *seen)
            rules.draw_chances(bars, chances)
        panels[1, 2].legend(loc="upper right")
        figure.savefig(path, dpi=85)
        plt.close(figure)


def main() -> None:
    short = {"epochs": 4, "games": 48, "simulations": 24, "steps": 30, "tests": 50}
    parser = options("connect_four.py", "Learn a game from self-play.", short=short, epochs=12, batch_size=256, lr=3e-3)
    parser.add_argument("--games", type=int, default=80, help="games of self-play in a round")
    parser.add_argument("--simulations", type=int, default=32, help="positions in a search; in tests twice as many")
    parser.add_argument("--steps", type=int, default=40, help="batches to learn from after each round")
    parser.add_argument("--tests", type=int, default=100, help="games against each player at the end")
    args = parser.parse_args()
    start(args)
    np.random.seed(args.seed)

    began = time.perf_counter()
    net = Net()
    curves = learn(net, args)
    seconds = time.perf_counter() - began

    reloaded = save_and_reload(net, Net(), args.output / "connect_four.safetensors")
    for moves in POSITIONS.values():
        same = zip(ask(net, *rules.position(moves)), ask(reloaded, *rules.position(moves)), strict=True)
        assert all(np.array_equal(a, b) for a, b in same), "other answers after reloading"
    shares, thought = {}, 2 * args.simulations
    for name, other in (("random", rules.at_random), ("look-ahead", rules.look_ahead)):
        shares[name] = float((rules.match(search_player(reloaded, thought), other, args.tests) > 0).mean())
    figure = args.output / "connect_four.png"
    draw(figure, curves, shares, reloaded, thought)
    print(
        f"connect_four: with search {shares['random']:.1%} of {args.tests} games won against random moves, "
        f"{shares['look-ahead']:.1%} against a one-step look-ahead; the policy alone {curves['random'][-1]:.1%}, "
        f"{curves['look-ahead'][-1]:.1%}; the same after reloading; {args.epochs * args.games:,} games of self-play in "
        f"{seconds:.1f} s, figure in {figure}"
    )


if __name__ == "__main__":
    main()
