# SPDX-License-Identifier: MIT
"""A search for the shape of a network by evolution, beside the shape that one would take at first.

    python examples/architecture_search.py --data DIR

DIR holds the four IDX files of MNIST (the default is the folder PLAIT_DATA names). A shape is a list of convolutions,
each with a kernel, a width, and with or without normalisation, a way past it and pooling after it; then a head. No
shape may need more multiplications than the default. The first generation is the default and changed copies of it. Each
further one comes from winners of small tournaments, each changed in one place, and the oldest die, good or not (Real et
al., 2019).
`--jobs` trains so many shapes at a time, in processes of their own; the result does not depend on it.
The best is trained again beside the default from several seeds and tested on images that no decision has seen.
Writes architecture_search.safetensors (the weights of the best) and architecture_search.png (the search, both shapes).
"""

from __future__ import annotations

import multiprocessing
import random
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.ticker import PercentFormatter
from tqdm import tqdm

import plait
import plait.nn as nn
import plait.nn.functional as F
from plait.datasets import MNIST

from _report import STYLE, plt
from _training import accuracy, options, predict, save_and_reload, start

Images = tuple[plait.Tensor, plait.Tensor]
KERNELS, WIDTHS, MOST_BLOCKS = (3, 5), (8, 12, 16, 24, 32), 5


@dataclass(frozen=True)
class Block:
    kernel: int
    width: int
    norm: bool = False  # batch normalisation
    skip: bool = False  # the input is added to the output, where both have the same width
    pool: bool = False  # the largest of each 2 by 2 values


@dataclass(frozen=True)
class Shape:
    blocks: tuple[Block, ...]
    mean: bool = False  # the head sees the mean of each channel, not every value

    def sizes(self) -> list[tuple[int, int]]:
        """Channels and side of the picture before each block, and at the end."""
        sizes = [(1, 28)]
        for block in self.blocks:
            sizes.append((block.width, sizes[-1][1] // (2 if block.pool else 1)))
        return sizes

    def cost(self) -> int:
        """Multiplications for one picture."""
        *before, (last, end) = self.sizes()
        layers = zip(self.blocks, before, strict=True)
        total = sum(side**2 * block.kernel**2 * channels * block.width for block, (channels, side) in layers)
        return total + 10 * last * (1 if self.mean else end**2)


DEFAULT = Shape((Block(5, 8, pool=True), Block(5, 16, pool=True)))


class Layer(nn.Module):
    """A convolution that keeps the picture's size, ReLU, and what the block has around them."""

    def __init__(self, inputs: int, block: Block) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, block.width, block.kernel, padding=block.kernel // 2)
        self.norm = nn.BatchNorm2d(block.width) if block.norm else nn.Identity()
        self.skip = block.skip and inputs == block.width
        self.pool = nn.MaxPool2d(2) if block.pool else nn.Identity()

    def forward(self, x: plait.Tensor) -> plait.Tensor:
        y = F.relu(self.norm(self.conv(x)))
        return self.pool(x + y if self.skip else y)


def build(shape: Shape) -> nn.Module:
    """Images (N, 1, 28, 28) to scores (N, 10)."""
    *before, (channels, side) = shape.sizes()
    layers = [Layer(inputs, block) for block, (inputs, _) in zip(shape.blocks, before, strict=True)]
    head = nn.AdaptiveAvgPool2d(1) if shape.mean else nn.Identity()
    return nn.Sequential(*layers, head, nn.Flatten(), nn.Linear(channels * (1 if shape.mean else side**2), 10))


def any_block(chance: random.Random) -> Block:
    return Block(chance.choice(KERNELS), chance.choice(WIDTHS), *(chance.random() < 0.5 for _ in range(3)))


def allowed(shape: Shape) -> bool:
    """Whether it is not dearer than the default, and leaves at least 3 by 3 values of a picture."""
    return 1 <= len(shape.blocks) <= MOST_BLOCKS and shape.cost() <= DEFAULT.cost() and shape.sizes()[-1][1] >= 3


def changed(shape: Shape, chance: random.Random) -> Shape:
    """The same but for one place: a block more or less, one property of a block, or the head."""
    while True:
        blocks, place = list(shape.blocks), chance.randrange(len(shape.blocks))
        kind = chance.choice(["more", "less", "kernel", "width", "norm", "skip", "pool", "head"])
        if kind == "more":
            blocks.insert(place, any_block(chance))
        elif kind == "less":
            del blocks[place]
        elif kind != "head":
            blocks[place] = replace(blocks[place], **{kind: getattr(any_block(chance), kind)})
        child = Shape(tuple(blocks), shape.mean ^ (kind == "head"))
        if child != shape and allowed(child):
            return child


def fit(shape: Shape, train: Images, test: Images, epochs: int, seed: int) -> tuple[nn.Module, float]:
    """The trained network and the share of `test` it has right."""
    plait.manual_seed(seed)
    model = build(shape)
    optimizer, steps = plait.optim.AdamW(model.parameters()), epochs * -(-len(train[0]) // 50)
    schedule = plait.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=5e-3, total_steps=steps)
    model.train()
    for _ in range(epochs):
        for rows in plait.randperm(len(train[0])).split(50):
            optimizer.zero_grad()
            F.cross_entropy(model(train[0][rows]), train[1][rows]).backward()
            optimizer.step()
            schedule.step()
    return model, accuracy(predict(model, test[0]), test[1])


@cache
def parts(data: str | None, images: int) -> tuple[Images, Images]:
    """What is learned from while searching, and 2,000 other images to compare on."""
    whole = MNIST(data, train=True)
    return tuple((whole.images[rows], whole.targets[rows]) for rows in (slice(images), slice(images, images + 2000)))


def score(shape: Shape, args: Any) -> float:
    """What a worker is asked for: the share right of the images to compare on."""
    return fit(shape, *parts(args.data, args.images), args.epochs, args.seed)[1]


def search(args: Any) -> list[tuple[int, Shape, float]]:
    """Every shape tried, with its generation and score."""
    chance, known = random.Random(args.seed), {}
    tried: list[tuple[int, Shape, float]] = []
    shapes = [DEFAULT] + [changed(changed(DEFAULT, chance), chance) for _ in range(args.population - 1)]
    with ProcessPoolExecutor(args.jobs, multiprocessing.get_context("spawn"), plait.set_num_threads, (1,)) as workers:
        several = workers.map if args.jobs > 1 else map
        for generation in range(args.generations):
            found = several(partial(score, args=args), shapes)
            bar = tqdm(found, f"generation {generation + 1}", len(shapes), unit="shape", ncols=100)
            for shape, right in zip(shapes, bar, strict=True):
                known[shape] = right
                tried.append((generation, shape, right))
            living, shapes = [shape for _, shape, _ in tried[-2 * args.population :]], []
            while len(shapes) < args.population:
                child = changed(max(chance.sample(living, 4), key=known.__getitem__), chance)
                if child not in known and child not in shapes:
                    shapes.append(child)
    return tried


def draw_shape(axes: Any, title: str, shape: Shape) -> None:
    """The blocks from the picture at the bottom to the head at the top; a box is as wide as its block."""
    ends = "picture", "mean, 10 scores" if shape.mean else "10 scores"
    for height, (block, (inputs, _)) in enumerate(zip([ends[0], *shape.blocks, ends[1]], [(0, 0), *shape.sizes()])):
        width, text, colour = 40, block, "#eef1f6"
        if isinstance(block, Block):
            text = f"{block.kernel} x {block.kernel}, {block.width} wide"
            text += ", norm" * block.norm + ", skip" * (block.skip and inputs == block.width) + ", pool" * block.pool
            width, colour = 60 + 1.2 * block.width, "#9db8dd"
        axes.barh(height, width, left=-width / 2, height=0.7, color=colour)
        axes.text(0, height, text, ha="center", va="center", fontsize=8.5)
    axes.set_title(f"{title}: {shape.cost() / 1e6:.2f} million")
    axes.set(xlim=(-50, 50), ylim=(-0.6, MOST_BLOCKS + 1.6))
    axes.set_axis_off()


def draw(path: Path, tried: list[tuple[int, Shape, float]], best: Shape, tests: dict[str, list[float]]) -> None:
    """Left: every shape by cost and score. Middle: the default and the best. Right: the test."""
    with plt.rc_context(STYLE):
        figure, (plane, *shapes, result) = plt.subplots(
            1, 4, figsize=(12, 4.4), layout="constrained", width_ratios=[1.5, 1, 1, 0.6]
        )
        found = [one for one in tried if one[1] not in (DEFAULT, best)]
        ages, costs, rights = zip(*((age + 1, shape.cost() / 1e6, right) for age, shape, right in found), strict=True)
        dots = plane.scatter(costs, rights, c=ages, cmap="Blues", vmin=-1, edgecolor="#8a94a6")
        edges, ticks = np.arange(0.5, max(ages) + 1), range(1, max(ages) + 1)
        figure.colorbar(dots, ax=plane, label="generation", boundaries=edges, ticks=ticks)
        for name, shape, colour in (("default", DEFAULT, "#c0392b"), ("best", best, "#1f5fbf")):
            right = next(one for _, tested, one in tried if tested == shape)
            plane.scatter(shape.cost() / 1e6, right, color=colour, marker="*", s=180, label=name, zorder=3)
        plane.set(title="Every shape tried", xlabel="million multiplications for a picture", ylabel="right")
        plane.set_ylim(bottom=np.quantile(rights, 0.3) - 0.02)
        plane.legend(loc="upper left")
        for axes, title, shape in zip(shapes, ("Default", "Best"), (DEFAULT, best), strict=True):
            draw_shape(axes, title, shape)
        for place, (name, values) in enumerate(tests.items()):
            result.scatter([place] * len(values), values, color="#c0392b" if name == "default" else "#1f5fbf")
        result.set(title="Test, by seed", xlim=(-0.5, 1.5), xticks=(0, 1), xticklabels=tests)
        for axes in (plane, result):
            axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0 if axes is plane else 1))
        figure.savefig(path, dpi=85)
        plt.close(figure)


def main() -> None:
    short = {"generations": 4, "population": 5, "epochs": 3, "repeats": 1}
    parser = options("architecture_search.py", "Search for a network's shape.", short=short, epochs=4)
    parser.add_argument("--data", help="folder of the IDX files, if not $PLAIT_DATA")
    parser.add_argument("--images", type=int, default=1000, help="training images")
    parser.add_argument("--population", type=int, default=7, help="shapes of a generation")
    parser.add_argument("--generations", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=1, help="shapes trained at a time")
    parser.add_argument("--repeats", type=int, default=3, help="seeds for the comparison at the end")
    args = parser.parse_args()
    start(args)

    tried = search(args)
    best = max(tried, key=lambda one: one[2])[1]
    data = MNIST(args.data, train=False)
    train, test = parts(args.data, args.images)[0], (data.images, data.targets)
    tests: dict[str, list[float]] = {"default": [], "best": []}
    for seed in tqdm(range(1, args.repeats + 1), desc="again, from other seeds", ncols=100):
        for name, shape in (("default", DEFAULT), ("best", best)):
            model, right = fit(shape, train, test, 3 * args.epochs, args.seed + seed)
            tests[name].append(right)
    reloaded = save_and_reload(model, build(best), args.output / "architecture_search.safetensors")
    assert accuracy(predict(reloaded, test[0]), test[1]) == tests["best"][-1], "the reloaded network differs"

    figure = args.output / "architecture_search.png"
    draw(figure, tried, best, tests)
    default, found = np.mean(tests["default"]), np.mean(tests["best"])
    print(
        f"architecture_search: test accuracy {found:.2%} by the best of {len(tried)} shapes, {default:.2%} by "
        f"default, gain {100 * (found - default):.2f} points; {best.cost() / 1e6:.2f} million multiplications instead "
        f"of {DEFAULT.cost() / 1e6:.2f}; the same after reloading; figure in {figure}"
    )


if __name__ == "__main__":
    main()
