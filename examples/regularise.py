# SPDX-License-Identifier: MIT
"""Eight ways to keep a net from learning its examples by heart, each against none, and all that go together.

    python examples/regularise.py --data DIR

DIR holds the IDX files of MNIST (the default is the folder PLAIT_DATA names). The net learns from 1,000 digits, of
which some labels are wrong, as where labels were collected in haste: it can learn them all by heart, wrong ones too.
What it should learn is to read other digits: it is tested on 10,000. Only early stopping looks at 500 more digits, to
see when to stop. Every way has the same net, number of epochs and seeds.
Writes regularise.safetensors (the net with all together) and regularise.png (results, curves, pictures).
"""

from __future__ import annotations

import copy
import time
from dataclasses import dataclass, field
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

from _report import STYLE
from _training import accuracy, options, save_and_reload, start

Images = tuple[torch.Tensor, torch.Tensor]


@dataclass
class Way:
    """What is done against learning by heart; as it stands, nothing."""

    l1: float = 0.0  # times the sum of the sizes of all weights, added to the loss: small weights become zero
    l2: float = 0.0  # times the sum of their squares: large weights become small
    dropout: float = 0.0  # the share of hidden values that a step leaves out, so that none can be relied on
    smoothing: float = 0.0  # the share of the target that is spread over all classes: never be too sure
    mixup: bool = False  # examples are mixtures of two, and so are their targets (Zhang et al., 2018)
    augment: bool = False  # digits are turned, stretched and moved a little, by chance, anew in each epoch
    early: bool = False  # the weights of the epoch with the best validation loss are kept
    snapshots: int = 1  # the rate falls to zero so many times; the nets at its ends vote (Huang et al., 2017)


WAYS = {
    "none": Way(),
    "L1": Way(l1=3e-4),
    "L2": Way(l2=2e-3),
    "dropout": Way(dropout=0.5),
    "early stopping": Way(early=True),
    "label smoothing": Way(smoothing=0.3),
    "mixup": Way(mixup=True),
    "augmentation": Way(augment=True),
    "snapshot ensemble": Way(snapshots=5),
    "together": Way(l2=1e-4, dropout=0.2, smoothing=0.1, augment=True),
}


@dataclass
class Result:
    nets: list[nn.Module]  # one, or those that vote
    curve: list[float] = field(default_factory=list)  # test loss by epoch
    accuracy: float = 0.0
    loss: float = 0.0
    by_heart: float = 0.0  # the share of wrong labels that the net gives back


def build(way: Way) -> nn.Module:
    """Digits (N, 1, 28, 28) to scores (N, 10)."""
    layers: list[nn.Module] = [nn.Flatten()]
    for inputs in (784, 128):
        layers += [nn.Linear(inputs, 128), nn.ReLU(), nn.Dropout(way.dropout)]
    return nn.Sequential(*layers, nn.Linear(128, 10))


def moved(images: torch.Tensor) -> torch.Tensor:
    """Each image turned by up to 15 degrees, stretched by up to a tenth, and moved by up to 2 pixels."""
    count = len(images)
    angle = (torch.rand(count) * 2 - 1) * np.pi / 12
    size = 1 + (torch.rand(count) * 2 - 1) * 0.1
    shift = (torch.rand(count, 2) * 2 - 1) * 2 / 14  # coordinates go from -1 to 1 over 28 pixels
    turn = torch.stack([angle.cos(), -angle.sin(), angle.sin(), angle.cos()], dim=1).view(count, 2, 2)
    theta = torch.cat([turn * size.view(-1, 1, 1), shift.unsqueeze(2)], dim=2)
    return F.grid_sample(images, F.affine_grid(theta, list(images.shape), align_corners=False), align_corners=False)


def mixed(images: torch.Tensor, targets: torch.Tensor) -> Images:
    """Each example mixed with another one of the batch, half of each at most on average."""
    share, other = torch.rand(len(images)), torch.randperm(len(images))
    weight = share.view(-1, 1, 1, 1)
    targets = share.unsqueeze(1) * targets + (1 - share).unsqueeze(1) * targets[other]
    return weight * images + (1 - weight) * images[other], targets


def loss_of(model: nn.Module, images: torch.Tensor, targets: torch.Tensor, way: Way) -> torch.Tensor:
    """The cross-entropy of a batch changed as `way` says, and what it adds for the weights."""
    targets = F.one_hot(targets, 10).float()
    if way.augment:
        images = moved(images)
    if way.mixup:
        images, targets = mixed(images, targets)
    loss = F.cross_entropy(model(images), targets, label_smoothing=way.smoothing)
    weights = [layer.weight for layer in model if isinstance(layer, nn.Linear)]
    if way.l1:
        loss = loss + way.l1 * sum(weight.abs().sum() for weight in weights)
    if way.l2:
        loss = loss + way.l2 * sum(weight.square().sum() for weight in weights)
    return loss


def vote(nets: list[nn.Module], images: torch.Tensor) -> torch.Tensor:
    """The logarithm of the mean of the nets' probabilities: (N, 10)."""
    with torch.no_grad():
        chances = torch.stack([F.softmax(net.eval()(images), dim=1) for net in nets]).mean(dim=0)
    return chances.clamp(min=1e-7).log()


def fit(way: Way, train: Images, valid: Images, test: Images, args: Any) -> Result:
    """Trains for args.epochs epochs. The rate falls from args.lr to 0, once or once for each snapshot."""
    model = build(way)
    result = Result([model])
    optimizer = torch.optim.Adam(model.parameters(), lr=args.lr)
    batches = -(-len(train[0]) // args.batch_size)
    length = args.epochs * batches // way.snapshots
    schedule = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, T_0=length)
    best, step, snapshots = float("inf"), 0, []
    for _ in range(args.epochs):
        model.train()
        for rows in torch.randperm(len(train[0])).split(args.batch_size):
            optimizer.zero_grad()
            loss_of(model, train[0][rows], train[1][rows], way).backward()
            optimizer.step()
            step += 1
            if step % length == 0:
                snapshots.append(copy.deepcopy(model))
            schedule.step()
        result.curve.append(F.nll_loss(vote([model], test[0][:2000]), test[1][:2000]).item())
        if way.early and (loss := F.nll_loss(vote([model], valid[0]), valid[1]).item()) < best:
            best, result.nets = loss, [copy.deepcopy(model)]
    if way.snapshots > 1:
        result.nets = snapshots
    return result


def judge(result: Result, train: Images, wrong: torch.Tensor, test: Images) -> None:
    """Measures what the net reads of the test, and what it gives back of the wrong labels."""
    scores = vote(result.nets, test[0])
    result.accuracy, result.loss = accuracy(scores, test[1]), F.nll_loss(scores, test[1]).item()
    result.by_heart = accuracy(vote(result.nets, train[0][wrong]), train[1][wrong])


def draw(path: Path, results: dict[str, list[Result]], images: torch.Tensor) -> None:
    """Left: test accuracy of each seed. Middle: test loss by epoch. Right: what two of the ways do to a picture."""
    with plt.rc_context(STYLE):
        figure = plt.figure(figsize=(12, 5), layout="constrained")
        left, right = figure.subfigures(1, 2, width_ratios=[3.4, 1])
        dots, curves = left.subplots(1, 2, width_ratios=[1.25, 1])
        base = np.mean([one.accuracy for one in results["none"]])
        dots.axvline(base, color="#8a94a6", linestyle="--")
        for place, (name, seeds) in enumerate(results.items()):
            colour = "#8a94a6" if name == "none" else "#1f5fbf"
            mean = np.mean([one.accuracy for one in seeds])
            dots.barh(place, mean - base, left=base, height=0.55, color="#9db8dd")
            dots.scatter([one.accuracy for one in seeds], [place] * len(seeds), s=14, color=colour, zorder=3)
        dots.set_xlim(left=base - 0.01)
        dots.set_yticks(range(len(results)), results)
        dots.invert_yaxis()
        dots.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        dots.set_title("Test digits read right, a dot for each seed")
        dots.grid(axis="y", visible=False)
        shown = {"none": "#8a94a6", "L2": "#2e8b57", "dropout": "#e08e0b", "mixup": "#7b4fa3", "together": "#1f5fbf"}
        for name, colour in shown.items():
            mean = np.mean([one.curve for one in results[name]], axis=0)
            curves.plot(range(1, len(mean) + 1), mean, color=colour, linewidth=2, label=name)
        curves.set(title="Test loss while they learn", xlabel="epoch")
        curves.legend()
        targets = F.one_hot(torch.arange(6), 10).float()
        columns = {"as they are": images, "augmented": moved(images), "mixed": mixed(images, targets)[0]}
        for column, (name, pictures) in zip(right.subplots(6, 3).T, columns.items(), strict=True):
            column[0].set_title(name, fontsize=9, loc="center", fontweight="normal")
            for axes, picture in zip(column, pictures, strict=True):
                axes.imshow(picture[0], cmap="gray_r", vmin=0, vmax=1)
                axes.set_axis_off()
        figure.savefig(path, dpi=85)
        plt.close(figure)


def main() -> None:
    short = {"epochs": 25, "repeats": 1}
    parser = options("regularise.py", "Compare regularisers.", short=short, epochs=50, batch_size=50, lr=3e-3)
    parser.add_argument("--data", help="folder of the IDX files, if not $PLAIT_DATA")
    parser.add_argument("--images", type=int, default=1000, help="training images")
    parser.add_argument("--wrong", type=float, default=0.15, help="share of training labels that are made wrong")
    parser.add_argument("--repeats", type=int, default=3, help="seeds for each way")
    args = parser.parse_args()
    start(args)

    data, tested = MNIST(args.data, train=True), MNIST(args.data, train=False)
    wrong = torch.rand(args.images) < args.wrong
    targets = data.targets[: args.images]
    targets = torch.where(wrong, (targets + torch.randint(1, 10, targets.shape)) % 10, targets)
    train = data.images[: args.images], targets
    valid = data.images[args.images : args.images + 500], data.targets[args.images : args.images + 500]
    test = tested.images, tested.targets

    began = time.perf_counter()
    results: dict[str, list[Result]] = {name: [] for name in WAYS}
    with tqdm(total=len(WAYS) * args.repeats, desc="nets", unit="net", ncols=100) as bar:
        for seed in range(args.repeats):
            for name, way in WAYS.items():
                bar.set_postfix_str(name)
                torch.manual_seed(args.seed + seed)  # the same first weights and order for all
                results[name].append(fit(way, train, valid, test, args))
                judge(results[name][-1], train, wrong, test)
                bar.update()
    seconds = time.perf_counter() - began

    print(f"{'':18} {'test':>8} {'against none':>13} {'test loss':>10} {'wrong labels given back':>24}")
    mean = {name: np.mean([(r.accuracy, r.loss, r.by_heart) for r in seeds], axis=0) for name, seeds in results.items()}
    for name, (right, loss, by_heart) in mean.items():
        gain = 100 * (right - mean["none"][0])
        print(f"{name:18} {right:8.2%} {gain:+9.2f} points {loss:6.3f} {by_heart:20.1%}")

    last = results["together"][-1]
    reloaded = save_and_reload(last.nets[0], build(WAYS["together"]), args.output / "regularise.safetensors")
    assert accuracy(vote([reloaded], test[0]), test[1]) == last.accuracy, "the reloaded net differs"
    figure = args.output / "regularise.png"
    draw(figure, results, train[0][:6])
    better = sum(right > mean["none"][0] for right, _, _ in mean.values())
    print(
        f"regularise: {mean['none'][0]:.2%} of test digits right with none, {mean['together'][0]:.2%} with all "
        f"together, gain {100 * (mean['together'][0] - mean['none'][0]):.2f} points; {better} of {len(WAYS) - 1} "
        f"better than none; the same after reloading; {seconds:.1f} s, figure in {figure}"
    )


if __name__ == "__main__":
    main()
