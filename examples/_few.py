# SPDX-License-Identifier: MIT
"""What a net that has learned elsewhere is worth where few pictures have labels: three ways to use it, and drawings.

linear         its features stay as they are, and a linear layer on them is trained
fine-tuned     all of it is trained further, below a new linear layer
from scratch   the same net with random weights is trained on the few pictures alone
"""

from __future__ import annotations

import argparse
import copy
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from cifar_resnet import Net, augmented
from tqdm import tqdm

import plait
import plait.nn as nn
import plait.nn.functional as F

from _report import main_plane
from _training import Batch, accuracy, predict

_COLOURS = ("#1f5fbf", "#2e8b57", "#8a94a6", "#c0392b")
Results = dict[str, np.ndarray]


def few_options(parser: argparse.ArgumentParser) -> None:
    """Adds --shots, --draws and --steps."""
    parser.add_argument("--shots", type=int, nargs="+", default=[5, 10, 20, 50], help="known pictures of a class")
    parser.add_argument("--draws", type=int, default=2, help="draws of the known pictures, for each number")
    parser.add_argument("--steps", type=int, default=50, help="steps of training on the known pictures")


def few(part: Batch, shots: int) -> Batch:
    """`shots` pictures of each class, drawn at random."""
    rows = [(part[1] == index).nonzero().flatten() for index in range(int(part[1].max()) + 1)]
    chosen = plait.cat([one[plait.randperm(len(one))[:shots]] for one in rows])
    return part[0][chosen], part[1][chosen]


def features(net: Net, images: plait.Tensor) -> plait.Tensor:
    """What the net hands to its linear layer, in evaluation mode: (N, 8 * width)."""
    net.eval()
    with plait.no_grad():
        return plait.cat([net.features(one) for one in images.split(500)])


def linear(net: Net, known: Batch, test: Batch) -> float:
    """The accuracy of a linear layer on the features of `net`, which do not change."""
    inputs, tests = features(net, known[0]), features(net, test[0])
    mean, scale = inputs.mean(dim=0), inputs.std(dim=0) + 1e-3
    layer = nn.Linear(inputs.shape[1], int(known[1].max()) + 1)
    optimizer = plait.optim.AdamW(layer.parameters(), lr=1e-2, weight_decay=0.1)
    for _ in range(100):
        optimizer.zero_grad()
        F.cross_entropy(layer((inputs - mean) / scale), known[1]).backward()
        optimizer.step()
    with plait.no_grad():
        return accuracy(layer((tests - mean) / scale), test[1])


def trained(net: Net, known: Batch, test: Batch, steps: int, lr: float) -> float:
    """The accuracy after a copy of `net` with a new linear layer was trained on the known pictures, augmented."""
    net = copy.deepcopy(net)
    net.head = nn.Linear(net.head.in_features, int(known[1].max()) + 1)
    optimizer = plait.optim.AdamW(net.parameters(), lr=lr, weight_decay=0.05)
    schedule = plait.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=lr, total_steps=steps)
    net.train()
    for _ in range(steps):
        rows = plait.randint(len(known[1]), (32,))
        optimizer.zero_grad()
        F.cross_entropy(net(augmented(known[0][rows], known[1][rows])), known[1][rows]).backward()
        optimizer.step()
        schedule.step()
    return accuracy(predict(net, test[0]), test[1])


def compare(net: Net, fresh: Callable[[], Net], train: Batch, test: Batch, args: argparse.Namespace) -> Results:
    """Accuracies (number of shots, number of draws) of the three ways; every way gets the same pictures."""
    results = {name: np.zeros((len(args.shots), args.draws)) for name in ("linear", "fine-tuned", "from scratch")}
    for cell in tqdm(list(np.ndindex(len(args.shots), args.draws)), desc="few pictures", unit="draw", ncols=100):
        known = few(train, args.shots[cell[0]])
        results["linear"][cell] = linear(net, known, test)
        results["fine-tuned"][cell] = trained(net, known, test, args.steps, lr=1e-3)
        results["from scratch"][cell] = trained(fresh(), known, test, args.steps, lr=3e-3)
    return results


def at_ten(shots: list[int], results: Results) -> tuple[int, dict[str, float]]:
    """The mean accuracies for ten pictures of a class, or for as many as the first column has; and how many."""
    place = shots.index(10) if 10 in shots else 0
    return shots[place], {name: float(values[place].mean()) for name, values in results.items()}


def draw_lines(axes: Any, shots: list[int], results: Results, chance: float) -> None:
    """Mean accuracy over the number of pictures, with the range of the draws."""
    for (name, values), colour in zip(results.items(), _COLOURS, strict=False):
        axes.plot(shots, 100 * values.mean(axis=1), marker="o", color=colour, label=name)
        axes.fill_between(shots, *100 * np.array([values.min(axis=1), values.max(axis=1)]), color=colour, alpha=0.12)
    axes.axhline(100 * chance, color="#8a94a6", linestyle="--", linewidth=1)
    axes.set_xscale("log")
    axes.set_xticks(shots, shots)
    axes.minorticks_off()
    axes.set_xlabel("known pictures of each class")
    axes.set_title("% right (dashed: by chance)")
    axes.legend(loc="upper left")


def draw_plane(axes: Any, vectors: plait.Tensor, truth: plait.Tensor, names: Sequence[str]) -> None:
    """The vectors (N, D) of four classes on the two directions in which they differ most."""
    points, classes = main_plane(vectors), truth.numpy()
    for index, (name, colour) in enumerate(zip(names, _COLOURS, strict=True)):
        axes.scatter(*points[classes == index].T, s=8, alpha=0.6, color=colour, label=name)
    axes.set_title("Features on two directions")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.legend(markerscale=2)


def draw_neighbours(figure: Any, vectors: plait.Tensor, test: Batch, rows: list[int]) -> None:
    """A row for each of the pictures `rows`: itself, and six with the most alike vectors; green: of its class."""
    figure.suptitle("A picture, and those with the most alike features", fontsize=11, fontweight="bold")
    units = F.normalize(vectors - vectors.mean(dim=0), dim=1)
    for line, index in zip(figure.subplots(len(rows), 7), rows, strict=True):
        for axes, place in zip(line, (units @ units[index]).topk(7).indices.tolist(), strict=True):
            axes.imshow(test[0][place].permute(1, 2, 0).numpy(), interpolation="nearest")
            axes.set_xticks([])
            axes.set_yticks([])
            axes.grid(False)
            alike = bool(test[1][place] == test[1][index])
            colour = "black" if place == index else "#2e8b57" if alike else "#c0392b"
            axes.spines[:].set(color=colour, linewidth=2.5, visible=True)
