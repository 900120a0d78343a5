# SPDX-License-Identifier: MIT
"""Says of every pixel to which digit it belongs: a U-Net on digits scattered over cluttered canvases.

    python examples/segment_digits.py --data DIR

DIR holds the IDX files of MNIST (the default is the folder PLAIT_DATA names). Each canvas of 64 x 64 pixels holds 1 to
4 digits and scraps of others, which look like ink but count as background. A U-Net (Ronneberger, Fischer and Brox,
2015) goes down to where it sees whole digits, and up again to single pixels; at each size the way up is handed what the
way down saw. Test canvases are made of test digits. The result is the intersection over union (IoU): of the pixels that
belong to a class or are given to it, the share for which both is true, over the whole test, averaged over the classes.
Writes segment_digits.safetensors (the weights) and segment_digits.png (pictures, truth, predictions, the classes).
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.ticker import MaxNLocator

import plait as torch
import plait.nn as nn
import plait.nn.functional as F

from _canvases import COLOURS, GREYS, Canvases, block, read_digits, scatter
from _report import STYLE, plt
from _training import EpochBar, options, save_and_reload, start

CLASSES = ("none", *map(str, range(10)))


class Up(nn.Module):
    """Twice the height and width, and beside it what the way down saw at that size."""

    def __init__(self, inputs: int, beside: int, outputs: int) -> None:
        super().__init__()
        self.larger = nn.ConvTranspose2d(inputs, outputs, 2, stride=2)
        self.both = block(outputs + beside, outputs)

    def forward(self, x: torch.Tensor, beside: torch.Tensor) -> torch.Tensor:
        return self.both(torch.cat([self.larger(x), beside], dim=1))


class UNet(nn.Module):
    """Images (N, 1, H, W) to scores (N, 11, H, W) and coarse ones (N, 11, H / 8, W / 8); 8 divides H and W."""

    def __init__(self, widths: tuple[int, int, int, int] = (8, 24, 48, 96)) -> None:
        super().__init__()
        a, b, c, d = widths
        self.down1 = nn.Sequential(block(1, 16, stride=2), block(16, b))  # to 32 x 32
        self.down2 = nn.Sequential(block(b, c, stride=2), block(c, c))  # to 16 x 16
        self.down3 = nn.Sequential(block(c, d, stride=2), block(d, d), block(d, d))  # to 8 x 8
        self.coarse = nn.Conv2d(d, len(CLASSES), 1)
        self.up3 = Up(d, c, c)
        self.up2 = Up(c, b, b)
        self.up1 = Up(b, 1, a)  # beside it is the image itself
        self.head = nn.Conv2d(a, len(CLASSES), 1)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        large = self.down1(x)
        middle = self.down2(large)
        small = self.down3(middle)
        return self.head(self.up1(self.up2(self.up3(small, middle), large), x)), self.coarse(small)


def dice_loss(scores: torch.Tensor, masks: torch.Tensor) -> torch.Tensor:
    """1 - 2 |A and B| / (|A| + |B|), with probabilities for A, averaged over the classes. Cross-entropy counts pixels,
    nine of ten of which are background; here each class weighs the same."""
    p = F.softmax(scores, dim=1)
    truth = F.one_hot(masks, len(CLASSES)).permute(0, 3, 1, 2)
    both = (p * truth).sum(dim=(0, 2, 3))
    return 1 - ((2 * both + 1) / (p.sum(dim=(0, 2, 3)) + truth.sum(dim=(0, 2, 3)) + 1)).mean()


def loss_of(model: UNet, images: torch.Tensor, masks: torch.Tensor) -> torch.Tensor:
    """What the pixels lose, and what the smallest features lose: they name the digit in each square of 8 x 8 pixels, so
    that the way down learns from the first step on (deep supervision)."""
    scores, coarse = model(images)
    squares = F.max_pool2d(masks.float(), 8).long()
    return F.cross_entropy(scores, masks) + dice_loss(scores, masks) + F.cross_entropy(coarse, squares)


@torch.no_grad()
def predict(model: UNet, images: torch.Tensor) -> torch.Tensor:
    """The scores (N, 11, H, W), in evaluation mode."""
    model.eval()
    return torch.cat([model(part)[0] for part in images.split(50)])


def intersection_over_union(predicted: torch.Tensor, masks: torch.Tensor) -> np.ndarray:
    """The IoU of each class over all pixels of all canvases."""
    confusion = torch.bincount(len(CLASSES) * masks.flatten() + predicted.flatten(), minlength=len(CLASSES) ** 2)
    table = confusion.reshape(len(CLASSES), len(CLASSES)).numpy()
    both = table.diagonal()
    return both / (table.sum(axis=0) + table.sum(axis=1) - both)


def fit(model: UNet, digits: Any, test: Canvases, args: Any) -> tuple[list[float], list[float]]:
    """AdamW with a rate that rises, then falls; new canvases in every epoch. Returns losses and mean IoUs."""
    steps = -(-args.canvases // args.batch_size)
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, args.lr, args.epochs * steps, pct_start=0.15)
    losses: list[float] = []
    means: list[float] = []
    for epoch in range(1, args.epochs + 1):
        train, total = scatter(digits, args.canvases, args.seed + epoch), 0.0
        model.train()
        batches = zip(train.images.split(args.batch_size), train.masks.split(args.batch_size), strict=True)
        with EpochBar(list(batches), epoch, args.epochs) as bar:
            for images, masks in bar:
                loss = loss_of(model, images, masks)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                schedule.step()
                total += loss.item() / steps
                bar.set_postfix_str(f"loss {loss.item():.3f}", refresh=False)
            means.append(
                intersection_over_union(predict(model, test.images[:100]).argmax(dim=1), test.masks[:100]).mean()
            )
            losses.append(total)
            bar.set_postfix_str(f"loss {total:.3f}, test IoU {means[-1]:.3f}")
    return losses, means


def draw(path: Path, test: Canvases, predicted: torch.Tensor, iou: np.ndarray, losses: Any, means: Any) -> None:
    """Left: canvases, truth, predictions, one to a column. Right: curves and the IoU of each class."""
    shown = [index for index in range(len(test)) if len(test.labels[index]) >= 3][:6]
    colours = ListedColormap(("#ffffff", *COLOURS))
    with plt.rc_context(STYLE):
        figure = plt.figure(figsize=(12, 4.9), layout="constrained")
        left, right = figure.subfigures(1, 2, width_ratios=[2.3, 1])
        rows = left.subplots(3, len(shown), squeeze=False)
        for column, index in zip(rows.T, shown, strict=True):
            column[0].imshow(test.images[index, 0], cmap=GREYS, vmin=0, vmax=1, interpolation="nearest")
            for axes, mask in zip(column[1:], (test.masks[index], predicted[index]), strict=True):
                axes.imshow(mask, cmap=colours, vmin=0, vmax=len(CLASSES) - 1, interpolation="nearest")
            for (x1, y1, _, _), label in zip(test.boxes[index].tolist(), test.labels[index].tolist(), strict=True):
                column[1].text(x1, y1, label, color=COLOURS[label], fontsize=9, fontweight="bold", ha="right", va="top")
        for line, name in zip(rows, ("canvas", "truth", "prediction"), strict=True):
            line[0].set_ylabel(name, fontsize=11)
            for axes in line:
                axes.set(xticks=[], yticks=[])
                axes.spines[["top", "right"]].set_visible(True)
        curve, bars = right.subplots(2, 1)
        epochs = range(1, len(losses) + 1)
        curve.plot(epochs, losses, color="#8a94a6", label="loss (training)")
        curve.plot(
            epochs,
            means,
            color="#1f5fbf",
            linewidth=2,
            marker="o",
            markersize=3.5,
            label="mean IoU (100 test canvases)",
        )
        curve.set(title="Learning", xlabel="epoch", ylim=(0, None))
        curve.xaxis.set_major_locator(MaxNLocator(integer=True))
        curve.legend()
        drawn = bars.bar(CLASSES, iou, color=("#aab2c0", *COLOURS))
        bars.bar_label(drawn, fmt="%.2f", fontsize=7.5)
        bars.set(title="IoU of each class, test", ylim=(0, 1.08))
        bars.grid(axis="x", visible=False)
        figure.suptitle(
            f"Digits among scraps: mean IoU {iou.mean():.3f} on {len(test)} test canvases",
            fontsize=14,
            x=0.01,
            ha="left",
        )
        figure.savefig(path, dpi=75)
        plt.close(figure)


def main() -> None:
    short = {"epochs": 3, "canvases": 1000, "batch_size": 5, "tested": 100}
    parser = options("segment_digits.py", "Find the pixels of digits.", short=short,
                     epochs=9, batch_size=10, lr=4e-3)  # fmt: skip
    parser.add_argument("--data", help="folder of the IDX files, if not $PLAIT_DATA")
    parser.add_argument("--canvases", type=int, default=1250, help="canvases in an epoch")
    parser.add_argument("--tested", type=int, default=300, help="canvases to test with")
    args = parser.parse_args()
    start(args)

    test = scatter(read_digits(args.data, train=False), args.tested, seed=1000)
    model = UNet()
    began = time.perf_counter()
    losses, means = fit(model, read_digits(args.data, train=True), test, args)
    seconds = time.perf_counter() - began

    before = predict(model, test.images)
    model = save_and_reload(model, UNet(), args.output / "segment_digits.safetensors")
    scores = predict(model, test.images)
    assert torch.equal(scores, before), "the reloaded network gives other scores"
    predicted = scores.argmax(dim=1)
    iou = intersection_over_union(predicted, test.masks)
    figure = args.output / "segment_digits.png"
    draw(figure, test, predicted, iou, losses, means)
    right = (predicted == test.masks).float().mean().item()
    print(
        f"segment_digits: mean IoU {iou.mean():.3f} (digits {iou[1:].min():.3f} to {iou[1:].max():.3f}), {right:.1%} "
        f"of pixels right, the same after reloading; {args.epochs * args.canvases} canvases in {seconds:.1f} s, "
        f"figure in {figure}"
    )


if __name__ == "__main__":
    main()
