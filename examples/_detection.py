# SPDX-License-Identifier: MIT
"""What detectors of digits share: the net's lower part, mean average precision, the figure of boxes, the test."""

from __future__ import annotations

import time
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.ticker import MaxNLocator
from torch import nn
from torchvision.ops import box_iou

from _canvases import COLOURS, GREYS, Canvases, block, read_digits, scatter
from _report import STYLE, plt
from _training import save_and_reload

Found = dict[str, torch.Tensor]  # of a canvas: boxes (K, 4), labels (K,), scores (K,)


class Backbone(nn.Module):
    """Images (N, 1, H, W) to features: "middle" (N, 48, H / 4, W / 4) and "small" (N, 96, H / 8, W / 8)."""

    channels = {"middle": 48, "small": 96}

    def __init__(self) -> None:
        super().__init__()
        self.middle = nn.Sequential(block(1, 16, stride=2), block(16, 32, stride=2), block(32, 48))
        self.small = nn.Sequential(block(48, 96, stride=2), block(96, 96), block(96, 96))

    def forward(self, images: torch.Tensor) -> OrderedDict[str, torch.Tensor]:
        middle = self.middle(images)
        return OrderedDict(middle=middle, small=self.small(middle))


def matches(
    found: Found, boxes: torch.Tensor, labels: torch.Tensor, label: int, least: float
) -> list[tuple[float, bool]]:
    """Score and truth of each box found with this label: true where it overlaps, by at least `least`, a box of the
    label that no surer one took."""
    chosen = found["labels"] == label
    scores, order = found["scores"][chosen].sort(descending=True)
    overlap = box_iou(found["boxes"][chosen][order], boxes[labels == label]).numpy().copy()
    result = []
    for score, row in zip(scores.tolist(), overlap, strict=True):
        true = bool(row.size) and row.max() >= least
        if true:
            overlap[:, row.argmax()] = 0  # taken
        result.append((score, true))
    return result


def average_precisions(found: list[Found], truth: Canvases, least: float = 0.5) -> np.ndarray:
    """The average precision of each digit: precision (how much of what was found is true) over recall (how much of the
    truth was found), with the best precision at this recall or more, at 101 recalls, as COCO counts it."""
    result = []
    for label in range(10):
        pairs = [
            pair
            for one, boxes, labels in zip(found, truth.boxes, truth.labels, strict=True)
            for pair in matches(one, boxes, labels, label, least)
        ]
        pairs.sort(key=lambda pair: -pair[0])
        true = np.cumsum([pair[1] for pair in pairs])
        recall = true / max(1, sum(int((labels == label).sum()) for labels in truth.labels))
        precision = true / np.arange(1, len(pairs) + 1)
        best = np.append(np.maximum.accumulate(precision[::-1])[::-1], 0.0)
        result.append(best[np.searchsorted(recall, np.linspace(0, 1, 101))].mean())
    return np.array(result)


def draw(path: Path, title: str, test: Canvases, found: list[Found], losses: Any, means: Any) -> None:
    """Left: canvases with the boxes found. Right: curves and the average precision of each digit."""
    shown = [index for index in range(len(test)) if len(test.labels[index]) >= 3][:8]
    precisions = average_precisions(found, test)
    with plt.rc_context(STYLE):
        figure = plt.figure(figsize=(12, 5.2), layout="constrained")
        left, right = figure.subfigures(1, 2, width_ratios=[2.3, 1])
        left.suptitle("Boxes surer than 0.4; dashed: missed", fontsize=11, fontweight="bold", x=0.01, ha="left")
        for axes, index in zip(left.subplots(2, 4).flat, shown, strict=False):
            axes.imshow(test.images[index, 0], cmap=GREYS, vmin=0, vmax=1, interpolation="nearest")
            axes.set(xticks=[], yticks=[])
            axes.spines[["top", "right"]].set_visible(True)
            sure = found[index]["scores"] > 0.4
            boxes, labels = found[index]["boxes"][sure], found[index]["labels"][sure]
            for box, label, score in zip(boxes, labels.tolist(), found[index]["scores"][sure].tolist(), strict=True):
                draw_box(axes, box, f"{label}  {score:.2f}", COLOURS[label])
            overlap = box_iou(test.boxes[index], boxes) * (test.labels[index].unsqueeze(1) == labels)
            for box, row in zip(test.boxes[index], overlap, strict=True):
                if not (row >= 0.5).any():
                    draw_box(axes, box, "", "black", linestyle="--")
        curve, bars = right.subplots(2, 1)
        epochs = range(1, len(losses) + 1)
        curve.plot(epochs, losses, color="#8a94a6", label="loss (training)")
        curve.plot(epochs, means, color="#1f5fbf", linewidth=2, marker="o", markersize=3.5, label="mAP@0.5 (test)")
        curve.set(title="Learning", xlabel="epoch", ylim=(0, None))
        curve.xaxis.set_major_locator(MaxNLocator(integer=True))
        curve.legend()
        bars.bar_label(bars.bar(range(10), precisions, color=COLOURS), fmt="%.2f", fontsize=7.5)
        bars.set(title="Average precision of each digit, test", ylim=(0, 1.1), xticks=range(10))
        bars.grid(axis="x", visible=False)
        figure.suptitle(
            f"{title}: mAP@0.5 {precisions.mean():.3f} on {len(test)} test canvases", fontsize=14, x=0.01, ha="left"
        )
        figure.savefig(path, dpi=75)
        plt.close(figure)


def draw_box(axes: Any, box: torch.Tensor, text: str, colour: str, linestyle: str = "-") -> None:
    x1, y1, x2, y2 = (value - 0.5 for value in box.tolist())  # a pixel is drawn around its index
    axes.add_patch(plt.Rectangle((x1, y1), x2 - x1, y2 - y1, fill=False, color=colour, linestyle=linestyle))
    axes.text(
        x1, max(y1 - 1.5, 3.5), text, color=colour, fontsize=8, fontweight="bold",
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 0.4},
    )  # fmt: skip


def train_and_test(name: str, title: str, args: Any, make: Any, fit: Any, detect: Any) -> None:
    """Trains what `make()` gives, tests it after its weights were read again, draws, prints the result."""
    test = scatter(read_digits(args.data, train=False), args.tested, seed=1000)
    model = make()
    began = time.perf_counter()
    losses, means = fit(model, read_digits(args.data, train=True), test, args)
    seconds = time.perf_counter() - began

    model = save_and_reload(model, make(), args.output / f"{name}.safetensors")
    found = detect(model, test.images)
    by_digit = average_precisions(found, test)
    assert by_digit.mean() == means[-1], "the reloaded network finds other boxes"
    strict = average_precisions(found, test, least=0.75)
    figure = args.output / f"{name}.png"
    draw(figure, title, test, found, losses, means)
    print(
        f"{name}: mAP@0.5 {by_digit.mean():.3f} (digits {by_digit.min():.3f} to {by_digit.max():.3f}), at 0.75 "
        f"{strict.mean():.3f}, the same after reloading; {args.epochs * args.canvases} canvases in {seconds:.1f} s, "
        f"figure in {figure}"
    )
