# SPDX-License-Identifier: MIT
"""Learns to tell digits it was never trained on from a few pictures of each: prototypical networks.

    python examples/few_shot.py --data DIR

DIR holds the IDX files of MNIST (the default is the folder PLAIT_DATA names). The net sees the digits 0 to 4 while it
learns. Then it is asked about 5 to 9: in each episode it gets one or five pictures of each new digit, and has to name
others. The prototype of a digit is the mean of its pictures' vectors, and the answer is the nearest prototype
(Snell et al., 2017). Four ways to get vectors are compared on the same episodes: the net, the same net with random
weights, the same net trained from the episode's few pictures alone, and the pixels themselves.
Writes few_shot.safetensors (the weights) and few_shot.png (results, the map of the new digits, an episode).
"""

from __future__ import annotations

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
from plait.datasets import MNIST

from _report import STYLE, main_plane
from _training import options, save_and_reload, start

WAYS, QUERIES = 5, 15  # digits in an episode, pictures to name of each
COLOURS = ("#1f5fbf", "#c0392b", "#2e8b57", "#e08e0b", "#7b4fa3")
Episode = tuple[torch.Tensor, torch.Tensor, torch.Tensor]


class Net(nn.Module):
    """Three convolutions with batch normalisation: pictures (N, 1, 28, 28) to vectors (N, 288)."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            *(self.block(*channels) for channels in ((1, 16), (16, 32), (32, 32))),
            nn.Flatten(),
        )

    @staticmethod
    def block(inputs: int, outputs: int) -> nn.Module:
        return nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(), nn.MaxPool2d(2)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layers(x)


def by_digit(data: MNIST, digits: range) -> list[torch.Tensor]:
    """The pictures of each digit."""
    return [data.images[data.targets == digit] for digit in digits]


def draw_episode(pictures: list[torch.Tensor], shots: int) -> Episode:
    """Known pictures (WAYS, shots, 1, 28, 28), pictures to name (WAYS * QUERIES, 1, 28, 28), and their names."""
    chosen = [one[torch.randint(len(one), (shots + QUERIES,))] for one in pictures]
    known = torch.stack([one[:shots] for one in chosen])
    queries = torch.cat([one[shots:] for one in chosen])
    return known, queries, torch.arange(WAYS).repeat_interleave(QUERIES)


def scores(net: nn.Module, known: torch.Tensor, queries: torch.Tensor) -> torch.Tensor:
    """Minus the squared distance of every query to every prototype: (WAYS * QUERIES, WAYS)."""
    vectors = net(torch.cat([known.flatten(0, 1), queries]))
    prototypes = vectors[: known.shape[0] * known.shape[1]].unflatten(0, known.shape[:2]).mean(dim=1)
    return -torch.cdist(vectors[known.shape[0] * known.shape[1] :], prototypes).square()


def turned(pictures: list[torch.Tensor]) -> list[torch.Tensor]:
    """More to learn from: the digits turned by 90, 180 and 270 degrees count as digits of their own."""
    return [one.rot90(turns, (2, 3)) for one in pictures for turns in range(4)]


def learn(net: nn.Module, pictures: list[torch.Tensor], epochs: int, episodes: int, lr: float) -> None:
    """Episodes of five classes out of those given; the loss is the cross entropy of the scores."""
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=epochs)
    net.train()
    for epoch in range(1, epochs + 1):
        right = 0.0
        with tqdm(range(1, episodes + 1), desc=f"epoch {epoch:2d}/{epochs}", unit="episode", ncols=100) as bar:
            for step in bar:
                classes = torch.randperm(len(pictures))[:WAYS].tolist()
                known, queries, names = draw_episode([pictures[index] for index in classes], shots=5)
                answer = scores(net, known, queries)
                loss = F.cross_entropy(answer, names)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                right += (answer.argmax(dim=1) == names).float().mean().item()
                bar.set_postfix_str(f"loss {loss.item():.3f}, right {right / step:.1%}", refresh=False)
        schedule.step()


def from_scratch(known: torch.Tensor, queries: torch.Tensor) -> torch.Tensor:
    """What the episode's own pictures teach a fresh net with a linear layer: scores (WAYS * QUERIES, WAYS)."""
    net = nn.Sequential(Net(), nn.Linear(288, WAYS))
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
    names = torch.arange(WAYS).repeat_interleave(known.shape[1])
    for _ in range(30):
        optimizer.zero_grad()
        F.cross_entropy(net(known.flatten(0, 1)), names).backward()
        optimizer.step()
    # The statistics of so few batches are far from settled: those of the queries themselves serve.
    with torch.no_grad():
        return net(queries)


def evaluate(net: nn.Module, episodes: list[Episode]) -> list[float]:
    """The share of right answers in each episode."""
    net.eval()
    with torch.no_grad():
        answers = [(scores(net, known, queries).argmax(dim=1), names) for known, queries, names in episodes]
    return [(answer == names).float().mean().item() for answer, names in answers]


def draw(path: Path, results: dict[int, dict[str, list[float]]], net: nn.Module, new: list[torch.Tensor]) -> None:
    """Bars of the results, the new digits on the two main directions of their vectors, and an episode."""
    with plt.rc_context(STYLE), torch.no_grad():
        figure = plt.figure(figsize=(12, 6.4), layout="constrained")
        left, right = figure.subfigures(1, 2, width_ratios=[1.25, 1])
        bars, plane = left.subplots(2, 1)
        for place, (shots, shares) in enumerate(results.items()):
            for index, values in enumerate(shares.values()):
                x, height = index + 0.4 * place - 0.2, np.mean(values)
                bars.bar(
                    x, height, 0.37, color=("#9db8dd", "#1f5fbf")[place], label=None if index else f"{shots} known"
                )
                bars.text(x, height + 0.01, f"{height:.0%}", ha="center", fontsize=9)
        bars.set_xticks(range(len(shares)), shares)
        bars.yaxis.set_major_formatter(PercentFormatter(1.0))
        bars.axhline(1 / WAYS, color="#8a94a6", linestyle="--", linewidth=1)
        bars.set_title("Pictures of the digits 5 to 9 named rightly (dashed: by chance)")
        bars.set_ylim(0, 1.1)
        bars.legend(ncols=2, loc="upper right")
        bars.grid(axis="x", visible=False)

        points = main_plane(net(torch.cat([one[:150] for one in new]))).reshape(WAYS, 150, 2)
        for index, cloud in enumerate(points):
            plane.scatter(*cloud.T, s=7, color=COLOURS[index], alpha=0.6, label=str(5 + index))
            plane.scatter(*cloud.mean(axis=0), s=150, color=COLOURS[index], marker="*", edgecolor="black")
        plane.set_title("Vectors of digits never trained on, on two directions; stars: means")
        plane.set_xticks([])
        plane.set_yticks([])
        plane.legend(title="digit", markerscale=2)

        known, queries, _ = draw_episode(new, shots=1)
        answer = scores(net, known, queries).argmax(dim=1)
        right.suptitle("An episode: one known picture of each digit, and answers", fontsize=11, fontweight="bold")
        grid = right.subplots(WAYS, 8)
        for row, column in np.ndindex(grid.shape):
            axes = grid[row, column]
            axes.set_axis_off()
            query = row * QUERIES + column - 1
            axes.imshow(
                known[row, 0, 0] if column == 0 else queries[query, 0], cmap="gray" if column == 0 else "gray_r"
            )
            if column:
                said = int(answer[query])
                axes.set_title(str(5 + said), fontsize=10, loc="center", color="#2e8b57" if said == row else "#c0392b")
        figure.savefig(path, dpi=90)
        plt.close(figure)


def main() -> None:
    short: dict[str, Any] = {"epochs": 2, "tests": 20}
    parser = options("few_shot.py", "Few-shot digits.", short=short, epochs=6, batch_size=100, lr=2e-3)
    parser.add_argument("--data", help="folder of the IDX files, if not $PLAIT_DATA")
    parser.add_argument("--tests", type=int, default=100, help="episodes of new digits, for each number of pictures")
    args = parser.parse_args()  # an epoch is as many episodes as the batch size says
    start(args)

    old = turned(by_digit(MNIST(args.data, train=True), range(5)))
    new = by_digit(MNIST(args.data, train=False), range(5, 10))
    net = Net()
    began = time.perf_counter()
    learn(net, old, args.epochs, args.batch_size, args.lr)
    seconds = time.perf_counter() - began

    reloaded = save_and_reload(net, Net(), args.output / "few_shot.safetensors")
    results: dict[int, dict[str, list[float]]] = {}
    for shots in (1, 5):
        episodes = [draw_episode(new, shots) for _ in range(args.tests)]
        scratch = []
        for known, queries, names in tqdm(episodes, desc=f"{shots} known, alone", unit="episode", ncols=100):
            scratch.append((from_scratch(known, queries).argmax(dim=1) == names).float().mean().item())
        results[shots] = {
            "prototypes": evaluate(reloaded, episodes),
            "pixels": evaluate(nn.Flatten(), episodes),
            "random net": evaluate(Net(), episodes),
            "from scratch": scratch,
        }
        assert results[shots]["prototypes"] == evaluate(net, episodes), "other answers after reloading"

    figure = args.output / "few_shot.png"
    draw(figure, results, reloaded, new)
    shares = {shots: [f"{np.mean(values):.1%}" for values in one.values()] for shots, one in results.items()}
    print(
        f"few_shot: {shares[5][0]} of new digits right from five pictures each (pixels {shares[5][1]}, random net "
        f"{shares[5][2]}, from scratch {shares[5][3]}), {shares[1][0]} from one (pixels {shares[1][1]}); the same "
        f"after reloading; {args.epochs * args.batch_size} episodes in {seconds:.1f} s, figure in {figure}"
    )


if __name__ == "__main__":
    main()
