# SPDX-License-Identifier: MIT
"""One page about a trained classifier: loss and accuracy curves, confusion matrix, misclassified images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import MaxNLocator, PercentFormatter

if TYPE_CHECKING:
    from _training import History

_TRAIN, _TEST, _WRONG = "#8a94a6", "#1f5fbf", "#c0392b"
STYLE: dict[str, Any] = {
    "font.size": 10,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e4e7ec",
    "axes.axisbelow": True,
    "legend.frameon": False,
}


def draw_report(
    path: Path,
    title: str,
    history: History,
    images: Any,
    targets: Any,
    predicted: Any,
    names: Sequence[str] | None = None,
    mistakes_shown: int = 12,
) -> None:
    """Writes the figure as a PNG to `path`.

    Images are (N, 1, H, W) or in colour (N, 3, H, W), in [0, 1]; targets and predicted are (N,); `names` are those of
    the classes, if numbers do not name them.
    """
    truth, guess = np.asarray(targets), np.asarray(predicted)
    names = names or [str(index) for index in range(int(truth.max()) + 1)]
    classes = len(names)
    wrong = np.flatnonzero(truth != guess)
    with plt.rc_context(STYLE):
        figure = plt.figure(figsize=(12, 6.6), layout="constrained")
        upper, lower = figure.subfigures(2, 1, height_ratios=[2.5, 1])
        loss, accuracy, confusion = upper.subplots(1, 3, width_ratios=[1, 1, 1.05])
        draw_curves(loss, "Loss", history.train_loss, history.test_loss)
        draw_curves(accuracy, "Accuracy", history.train_accuracy, history.test_accuracy)
        accuracy.yaxis.set_major_formatter(PercentFormatter(1.0))
        _draw_confusion(confusion, np.histogram2d(truth, guess, bins=classes, range=[[0, classes]] * 2)[0], names)
        _draw_mistakes(lower, np.asarray(images), truth, guess, wrong, names, mistakes_shown)
        right = len(truth) - len(wrong)
        figure.suptitle(
            f"{title}: {right / len(truth):.2%} of {len(truth):,} test images right",
            fontsize=14,
            x=0.01,
            ha="left",
        )
        figure.savefig(path, dpi=110)
        plt.close(figure)


def main_plane(vectors: Any) -> np.ndarray:
    """Rows (N, D) on the two directions in which they differ most (principal components): (N, 2)."""
    rows = np.asarray(vectors)
    centred = rows - rows.mean(axis=0)
    return centred @ np.linalg.svd(centred, full_matrices=False)[2][:2].T


def label_points(axes: Any, x: np.ndarray, y: np.ndarray, names: list[str]) -> None:
    """Names at the right of points (x, y), each moved up past those that it would cover."""
    width, height = 0.3 * np.ptp(x), 0.032 * np.ptp(y)
    places: dict[int, float] = {}
    for index in np.argsort(y):
        taken = (place + height for other, place in places.items() if abs(x[other] - x[index]) < width)
        places[index] = max([y[index], *taken])
        axes.annotate(
            names[index],
            (x[index], y[index]),
            xytext=(x[index] + 0.03 * np.ptp(x), places[index]),
            va="center",
            fontsize=8.5,
            arrowprops={"arrowstyle": "-", "color": "#c5ccd8", "shrinkA": 0, "shrinkB": 2},
        )
    axes.set_xlim(right=x.max() + 1.5 * width)
    axes.set_ylim(top=max(places.values()) + height)


def draw_curves(axes: Any, name: str, train: list[float], test: list[float]) -> None:
    epochs = range(1, len(train) + 1)
    axes.plot(epochs, train, color=_TRAIN, label="training (while it learns)")
    axes.plot(epochs, test, color=_TEST, linewidth=2, marker="o", markersize=3.5, label="test")
    axes.set_title(name)
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend()


def _draw_confusion(axes: Any, counts: np.ndarray, names: Sequence[str]) -> None:
    """Rows are the true classes; the shade is the square root of a cell's share, so single errors show."""
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(np.sqrt(share), cmap="Blues", vmin=0, vmax=1.15)
    for row, column in np.argwhere(counts > 0):
        on_diagonal = row == column
        axes.text(
            column,
            row,
            f"{counts[row, column]:.0f}",
            ha="center",
            va="center",
            fontsize=8.5 if counts.max() < 1000 else 7.5,
            color="white" if on_diagonal else _WRONG,
            fontweight="normal" if on_diagonal else "bold",
        )
    axes.set_title("Confusion matrix")
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    axes.set_xticks(range(len(counts)), names, rotation=90 if max(map(len, names)) > 2 else 0)
    axes.set_yticks(range(len(counts)), names)
    axes.tick_params(length=0)
    axes.grid(False)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _draw_mistakes(
    figure: Any,
    images: np.ndarray,
    truth: np.ndarray,
    guess: np.ndarray,
    wrong: np.ndarray,
    names: Sequence[str],
    shown: int,
) -> None:
    count = min(len(wrong), shown)
    note = f"Misclassified: {len(wrong):,}" + (f", the first {count} shown" if len(wrong) > count else "")
    figure.suptitle(note if count else "Misclassified: none", fontsize=11, fontweight="bold", x=0.01, ha="left")
    for place, axes in enumerate(figure.subplots(1, shown)):
        axes.set_axis_off()
        if place < count:
            index = wrong[place]
            axes.imshow(images[index].transpose(1, 2, 0), cmap="gray_r", vmin=0, vmax=1)
            between = ", read as " if names[truth[index]].isdigit() else ",\nseen as "
            text = f"{names[truth[index]]}{between}{names[guess[index]]}"
            axes.set_title(text, fontsize=9, fontweight="normal", loc="center", color=_WRONG)
