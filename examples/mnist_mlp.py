# SPDX-License-Identifier: MIT
"""The first network of most courses: 784-128-10 on MNIST, with Adam, and a look at what its neurons see.

    python examples/mnist_mlp.py --data DIR

DIR holds the four IDX files (the default is the folder PLAIT_DATA names). With --download they are fetched.
The loop is written out: scores, loss, gradients, step. Writes mnist_mlp.safetensors (the weights) and mnist_mlp.png
(curves, the most certain mistakes, the weights of hidden neurons as images).
"""

from __future__ import annotations

import time
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import MaxNLocator, PercentFormatter
from tqdm import tqdm

import plait
import plait.nn as nn
import plait.nn.functional as F
from plait.datasets import MNIST
from plait.utils.data import DataLoader

from _report import STYLE
from _training import Batch, History, accuracy, options, predict, save_and_reload, start


class MLP(nn.Module):
    """Images (N, 1, 28, 28) to scores (N, 10)."""

    def __init__(self, hidden: int = 128) -> None:
        super().__init__()
        self.fc1 = nn.Linear(784, hidden)
        self.fc2 = nn.Linear(hidden, 10)

    def forward(self, x: plait.Tensor) -> plait.Tensor:
        x = x.flatten(1)  # (N, 784)
        x = F.relu(self.fc1(x))  # (N, hidden)
        return self.fc2(x)  # no softmax: cross_entropy takes scores


def train_one_epoch(
    model: MLP,
    loader: DataLoader[Batch],
    optimizer: plait.optim.Optimizer,
    schedule: plait.optim.lr_scheduler.LRScheduler,
    label: str,
) -> tuple[float, float]:
    """One pass over the training images; the mean loss and accuracy while it learned."""
    model.train()
    seen, right, total = 0, 0.0, 0.0
    with tqdm(loader, desc=label, unit="batch", ncols=100) as bar:
        for images, targets in bar:
            scores = model(images)
            loss = F.cross_entropy(scores, targets)
            optimizer.zero_grad()  # gradients add up unless they are cleared
            loss.backward()
            optimizer.step()
            schedule.step()

            seen += len(targets)
            right += accuracy(scores, targets) * len(targets)
            total += loss.item() * len(targets)
            bar.set_postfix_str(f"loss {total / seen:.4f}, accuracy {right / seen:.2%}", refresh=False)
    return total / seen, right / seen


def draw(path: Path, history: History, model: MLP, test: Batch, scores: plait.Tensor) -> None:
    """Curves to the left; in the middle what the net gets wrong most surely; to the right what neurons look for."""
    images, targets = test
    chances = F.softmax(scores, dim=1)
    sure, guess = chances.max(dim=1)
    wrong = plait.nonzero(guess != targets).flatten()
    worst = wrong[sure[wrong].argsort(descending=True)][:12].tolist()
    with plt.rc_context(STYLE):
        figure = plt.figure(figsize=(12, 4.6), layout="constrained")
        left, middle, right = figure.subfigures(1, 3, width_ratios=[1.05, 1, 1])

        loss, share = left.subplots(2, 1, sharex=True)
        epochs = range(1, len(history.train_loss) + 1)
        for axes, title, train, held_out in (
            (loss, "Loss", history.train_loss, history.test_loss),
            (share, "Accuracy", history.train_accuracy, history.test_accuracy),
        ):
            axes.plot(epochs, train, color="#8a94a6", marker="o", markersize=3, label="training (while it learns)")
            axes.plot(epochs, held_out, color="#1f5fbf", linewidth=2, marker="o", markersize=4, label="test")
            axes.set_title(title)
        share.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        share.set_xlabel("epoch")
        share.xaxis.set_major_locator(MaxNLocator(integer=True))
        loss.legend()

        middle.suptitle("Wrong, and most sure of it", fontsize=11, fontweight="bold", x=0.02, ha="left")
        for axes, index in zip(middle.subplots(3, 4).flat, worst):
            axes.imshow(images[index, 0], cmap="gray_r", vmin=0, vmax=1)
            axes.set_title(f"{targets[index]}, read as {guess[index]}", fontsize=8, loc="center", color="#c0392b")
        # A neuron's 784 weights are an image: where ink speaks for it (blue) and against it (red).
        right.suptitle("What hidden neurons look for", fontsize=11, fontweight="bold", x=0.02, ha="left")
        order = model.fc2.weight.abs().max(dim=0).values.argsort(descending=True)
        for axes, index in zip(right.subplots(4, 5).flat, order.tolist()):
            weights = model.fc1.weight[index].detach().view(28, 28)
            limit = np.quantile(weights.abs(), 0.99)
            axes.imshow(weights, cmap="RdBu", vmin=-limit, vmax=limit)
        for axes in (*middle.axes, *right.axes):
            axes.set_axis_off()
        figure.savefig(path, dpi=80)
        plt.close(figure)


def main() -> None:
    parser = options("mnist_mlp.py", "Train an MLP (784-128-10) on MNIST.", short={"epochs": 2},
                     epochs=5, batch_size=64, lr=2e-3)  # fmt: skip
    parser.add_argument("--hidden", type=int, default=128, help="neurons in the hidden layer")
    parser.add_argument("--data", help="folder of the IDX files, if not $PLAIT_DATA")
    parser.add_argument("--download", action="store_true", help="fetch the files that are missing")
    args = parser.parse_args()
    start(args)

    train = MNIST(args.data, train=True, download=args.download)
    held_out = MNIST(args.data, train=False, download=args.download)
    test = (held_out.images, held_out.targets)
    loader = DataLoader(train, batch_size=args.batch_size, shuffle=True)
    model = MLP(args.hidden)
    optimizer = plait.optim.Adam(model.parameters(), lr=args.lr)
    # Large steps in the beginning, ever smaller ones to the end: worth half a percent here.
    schedule = plait.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=args.epochs * len(loader))

    history = History()
    began = time.perf_counter()
    for epoch in range(1, args.epochs + 1):
        loss, share = train_one_epoch(model, loader, optimizer, schedule, f"epoch {epoch:2d}/{args.epochs}")
        scores = predict(model, test[0])
        history.train_loss.append(loss)
        history.train_accuracy.append(share)
        history.test_loss.append(F.cross_entropy(scores, test[1]).item())
        history.test_accuracy.append(accuracy(scores, test[1]))
    history.seconds = time.perf_counter() - began

    reloaded = save_and_reload(model, MLP(args.hidden), args.output / "mnist_mlp.safetensors")
    assert plait.equal(predict(reloaded, test[0]), scores), "the loaded weights give other numbers"
    figure = args.output / "mnist_mlp.png"
    draw(figure, history, reloaded, test, scores)
    print(
        f"mnist mlp: test accuracy {history.test_accuracy[-1]:.2%}, {args.epochs} epochs in {history.seconds:.1f} s, "
        f"figure in {figure}"
    )


if __name__ == "__main__":
    main()
