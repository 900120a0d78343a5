# SPDX-License-Identifier: MIT
"""Learns from photographs without labels, then from a few with: contrastive learning.

    python examples/simclr.py --data DIR

DIR holds cifar10_subset.npz (the default is the folder cifar10-subset in the one PLAIT_DATA names). Every picture is
shown in two views: cut out, mirrored and coloured at random. The net gives each view a vector, and is to find, among
all views of the batch, the other one of the same picture (Chen et al., 2020): of 2 N vectors, the one most alike to
z_i should be its partner z_j,

    loss_i = -log( exp(z_i z_j / t) / sum over k != i of exp(z_i z_k / t) ),     |z| = 1.

No label is used. What was learned shows afterwards, when a few pictures of each class have labels: a linear layer on
the features, and the whole net trained further, against the same net trained on the few from scratch.
Writes simclr.safetensors (the net) and simclr.png (accuracy, loss, views, nearest neighbours).
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from cifar_resnet import Net, as_pictures
from tqdm import tqdm

import plait as torch
import plait.nn as nn
import plait.nn.functional as F

from _few import Results, at_ten, compare, draw_lines, draw_neighbours, features, few_options
from _photos import load_photos
from _report import STYLE, plt
from _training import Batch, data_folder, options, save_and_reload, start


def view(images: torch.Tensor) -> torch.Tensor:
    """A part of each picture (N, 3, H, W), between a fifth and all of it, mirrored and coloured by chance."""
    n = len(images)
    side = (0.2 + 0.8 * torch.rand(n)).sqrt()
    across, down = (2 * torch.rand(2, n) - 1) * (1 - side)
    zero = torch.zeros(n)
    mirror = torch.where(torch.rand(n) < 0.5, 1.0, -1.0)
    places = torch.stack([torch.stack([side * mirror, zero, across], 1), torch.stack([zero, side, down], 1)], 1)
    grid = F.affine_grid(places, images.shape, align_corners=False)
    images = F.grid_sample(images, grid, align_corners=False)

    light, contrast, colour = 0.6 + 0.8 * torch.rand(3, n, 1, 1, 1)
    colour = torch.where(torch.rand(n, 1, 1, 1) < 0.2, 0.0, colour)  # a fifth of the views is grey
    grey = images.mean(dim=1, keepdim=True)
    images = (grey + (images - grey) * colour) * light
    mean = images.mean(dim=(1, 2, 3), keepdim=True)
    return (mean + (images - mean) * contrast).clamp(0, 1)


def contrast_loss(first: torch.Tensor, second: torch.Tensor, temperature: float = 0.2) -> torch.Tensor:
    """The mean of loss_i above over both views; row i of `first` and row i of `second` are partners."""
    n = len(first)
    vectors = F.normalize(torch.cat([first, second]), dim=1)
    alike = (vectors @ vectors.T / temperature).fill_diagonal_(float("-inf"))
    return F.cross_entropy(alike, torch.arange(2 * n).roll(n))


def learn(net: Net, images: torch.Tensor, args: Any) -> list[float]:
    """Trains the features below a small head, which is thrown away; the mean loss of each epoch."""
    width = net.head.in_features
    head = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 64))
    parameters = [*net.stem.parameters(), *net.stages.parameters(), *head.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=args.lr, weight_decay=1e-3)
    batches = len(images) // args.batch_size
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=args.lr, total_steps=args.epochs * batches)
    losses = []
    net.train()
    for epoch in range(1, args.epochs + 1):
        total = 0.0
        with tqdm(range(1, batches + 1), desc=f"epoch {epoch:2d}/{args.epochs}", unit="batch", ncols=100) as bar:
            rows = torch.randperm(len(images))
            for step in bar:
                batch = images[rows[(step - 1) * args.batch_size : step * args.batch_size]]
                first, second = head(net.features(torch.cat([view(batch), view(batch)]))).chunk(2)
                loss = contrast_loss(first, second)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                schedule.step()
                total += loss.item()
                bar.set_postfix_str(f"loss {total / step:.3f}", refresh=False)
        losses.append(total / batches)
    return losses


def draw(path: Path, args: Any, losses: list[float], results: Results, vectors: torch.Tensor, test: Batch) -> None:
    """Accuracy over the number of labels, the loss, pictures with two views each, and neighbours by features."""
    with plt.rc_context(STYLE):
        figure = plt.figure(figsize=(12, 6.2), layout="constrained")
        left, right = figure.subfigures(1, 2, width_ratios=[1.25, 1])
        upper, lower = left.subfigures(2, 1, height_ratios=[1.35, 1])
        lines, curve = upper.subplots(1, 2, width_ratios=[1.5, 1])
        draw_lines(lines, args.shots, results, 0.1)
        curve.plot(range(1, len(losses) + 1), losses, color="#1f5fbf", linewidth=2)
        curve.set_title("Loss without labels")
        curve.set_xlabel("epoch")
        lower.suptitle("Pictures, and two views of each", fontsize=11, fontweight="bold")
        pictures = test[0][16:24]
        for line, images in zip(lower.subplots(3, 8), (pictures, view(pictures), view(pictures)), strict=True):
            for axes, image in zip(line, images, strict=True):
                axes.imshow(image.permute(1, 2, 0).numpy(), interpolation="nearest")
                axes.set_axis_off()
        draw_neighbours(right, vectors, test, list(range(30, 36)))
        figure.savefig(path, dpi=70)
        plt.close(figure)


def main() -> None:
    short: dict[str, Any] = {"epochs": 2, "width": 8, "draws": 1, "shots": [10], "steps": 40}
    parser = options("simclr.py", "Contrastive learning.", short=short, epochs=6, batch_size=200, lr=3e-3)
    parser.add_argument("--data", type=Path, default=data_folder("cifar10-subset"), help="folder of cifar10_subset.npz")
    parser.add_argument("--width", type=int, default=12, help="channels of the first stage")
    few_options(parser)
    args = parser.parse_args()
    start(args)

    train, test = map(as_pictures, load_photos(args.data))
    net = Net(width=args.width, blocks=1)
    began = time.perf_counter()
    losses = learn(net, train[0], args)

    reloaded = save_and_reload(net, Net(width=args.width, blocks=1), args.output / "simclr.safetensors")
    vectors = features(reloaded, test[0])
    assert vectors.equal(features(net, test[0])), "other features after reloading"
    results = compare(reloaded, lambda: Net(width=args.width, blocks=1), train, test, args)
    seconds = time.perf_counter() - began

    figure = args.output / "simclr.png"
    draw(figure, args, losses, results, vectors, test)
    shots, share = at_ten(args.shots, results)
    print(
        f"simclr: with {shots} labels of each class {share['linear']:.1%} right by features learned without labels, "
        f"{share['fine-tuned']:.1%} fine-tuned, {share['from scratch']:.1%} from scratch, gain "
        f"{100 * (max(share['linear'], share['fine-tuned']) - share['from scratch']):.1f} points; {seconds:.1f} s, "
        f"figure in {figure}"
    )


if __name__ == "__main__":
    main()
