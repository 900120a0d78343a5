# SPDX-License-Identifier: MIT
"""Attacks on an MNIST classifier, and training that withstands them.

    python examples/robust_mnist.py --data DIR

DIR holds the four IDX files (the default is the folder PLAIT_DATA names). Three networks of one shape are
trained: on the images as they are, on images changed by FGSM, on images changed by PGD. Each is then attacked.
Prints one table of accuracies; writes robust_mnist.safetensors (the weights of the last network) and
robust_mnist.png (the table, accuracy by the size of the attack, pictures).

An attack looks for the change d of an image x, no pixel of it larger than eps, that raises the loss most:

    max  L(model(x + d), target)   over  |d| <= eps,  0 <= x + d <= 1

FGSM (Goodfellow, Shlens and Szegedy, 2015) takes one step along the sign of the gradient. PGD (Madry et al.,
2018) starts at a random d, takes many smaller steps, and after each goes back to where |d| <= eps.
Adversarial training is training on what the attack returns.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

import plait
import plait.nn as nn
import plait.nn.functional as F
from plait.datasets import MNIST
from plait.utils.data import DataLoader, TensorDataset

from _report import STYLE, plt
from _training import accuracy, fit, options, predict, save_and_reload, start

Attack = Callable[[nn.Module, plait.Tensor, plait.Tensor, float], plait.Tensor]


class Net(nn.Module):
    """Two convolutions with stride 2: (N, 1, 28, 28) to scores (N, 10)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 4, stride=2, padding=1)
        self.conv2 = nn.Conv2d(16, 32, 4, stride=2, padding=1)
        self.fc1 = nn.Linear(32 * 7 * 7, 100)
        self.fc2 = nn.Linear(100, 10)

    def forward(self, x: plait.Tensor) -> plait.Tensor:
        x = F.relu(self.conv1(x))
        x = F.relu(self.conv2(x))
        return self.fc2(F.relu(self.fc1(x.flatten(1))))


def gradient_sign(model: nn.Module, x: plait.Tensor, targets: plait.Tensor) -> plait.Tensor:
    """The sign of dL/dx. The gradients of the weights are not computed: nobody asks for them."""
    x = x.detach().requires_grad_()
    loss = F.cross_entropy(model(x), targets)
    (gradient,) = plait.autograd.grad(loss, x)
    return gradient.sign()


def noise(model: nn.Module, x: plait.Tensor, targets: plait.Tensor, eps: float) -> plait.Tensor:
    """No attack but a change of the same size: each pixel by eps, up or down by chance."""
    return (x + eps * plait.randn_like(x).sign()).clamp(0, 1)


def fgsm(model: nn.Module, x: plait.Tensor, targets: plait.Tensor, eps: float) -> plait.Tensor:
    """x' = clip(x + eps sign(dL/dx))."""
    return (x + eps * gradient_sign(model, x, targets)).clamp(0, 1)


def pgd(
    model: nn.Module, x: plait.Tensor, targets: plait.Tensor, eps: float, steps: int = 20, size: float = 0.1
) -> plait.Tensor:
    """d <- clip(d + size eps sign(dL/dx), -eps, eps), `steps` times from a random d."""
    changed = (x + eps * (2 * plait.rand_like(x) - 1)).clamp(0, 1)
    for _ in range(steps):
        changed = changed + size * eps * gradient_sign(model, changed, targets)
        changed = (x + (changed - x).clamp(-eps, eps)).clamp(0, 1)
    return changed


def fgsm_from_noise(model: nn.Module, x: plait.Tensor, targets: plait.Tensor, eps: float) -> plait.Tensor:
    """FGSM from a random d. Training needs the random start: without it the network learns to fool the one
    step, and PGD still breaks it (Wong, Rice and Kolter, 2020)."""
    return pgd(model, x, targets, eps, steps=1, size=1.25)


def pgd_short(model: nn.Module, x: plait.Tensor, targets: plait.Tensor, eps: float) -> plait.Tensor:
    """PGD for training, where each step costs a pass forward and back."""
    return pgd(model, x, targets, eps, steps=4, size=0.4)


TRAINED_ON: dict[str, Attack | None] = {"plain": None, "FGSM": fgsm_from_noise, "PGD": pgd_short}
TESTED_ON: dict[str, Attack | None] = {"clean": None, "noise": noise, "FGSM": fgsm, "PGD": pgd}
COLORS = {"plain": "#8a94a6", "FGSM": "#e08a1e", "PGD": "#1f5fbf"}


def attacked(
    model: nn.Module, attack: Attack | None, x: plait.Tensor, targets: plait.Tensor, eps: float, seed: int
) -> plait.Tensor:
    """The images (N, 1, 28, 28) that `attack` returns, the same for the same seed."""
    if attack is None:
        return x
    model.eval()
    plait.manual_seed(seed)
    parts = zip(x.split(500), targets.split(500), strict=True)
    return plait.cat([attack(model, part, target, eps) for part, target in parts])


def train(kind: str, args: Any, data: MNIST, test: tuple[plait.Tensor, plait.Tensor]) -> nn.Module:
    plait.manual_seed(args.seed)
    model = Net()
    attack = TRAINED_ON[kind]
    change = None if attack is None else lambda x, targets: attack(model, x, targets, args.eps)
    images, targets = data.images[: args.images], data.targets[: args.images]
    loader = DataLoader(TensorDataset(images, targets), batch_size=args.batch_size, shuffle=True)
    print(f"training on {'images as they are' if attack is None else f'images changed by {kind}'}")
    fit(model, loader, test, epochs=args.epochs, lr=args.lr, change=change)
    return model


def draw(path: Path, models: dict[str, nn.Module], table: dict[str, dict[str, float]], curves: Any, args: Any,
         x: plait.Tensor, targets: plait.Tensor) -> None:  # fmt: skip
    """Upper: the table as bars, accuracy by eps. Lower: one image of each digit, as PGD changes it per network."""
    first = [int((targets == digit).nonzero()[0]) for digit in range(10)]
    x, targets = x[first], targets[first]
    with plt.rc_context(STYLE):
        figure = plt.figure(figsize=(12, 8.6), layout="constrained")
        upper, lower = figure.subfigures(2, 1, height_ratios=[1, 1.25])
        bars, lines = upper.subplots(1, 2, width_ratios=[1.25, 1])
        for place, (kind, row) in enumerate(table.items()):
            at = np.arange(len(row)) + 0.27 * (place - 1)
            drawn = bars.bar(at, [100 * v for v in row.values()], 0.25, color=COLORS[kind], label=kind)
            bars.bar_label(drawn, fmt="%.0f", fontsize=9)
            eps, values = zip(*curves[kind], strict=True)
            lines.plot(eps, [100 * v for v in values], color=COLORS[kind], marker="o", markersize=3.5, label=kind)
        bars.set_xticks(range(len(TESTED_ON)), TESTED_ON)
        bars.set_title(f"Right under a change of at most {args.eps:g}, %")
        bars.grid(axis="x", visible=False)
        bars.set_ylim(0, 108)
        lines.axvline(args.eps, color="#c0392b", linewidth=1, linestyle=":")
        lines.set(title="Right under PGD, %", xlabel="largest change of a pixel", ylim=(0, 103))
        lines.legend(title="trained on")

        rows: dict[str, plait.Tensor | None] = {"image": x}
        rows |= {kind: attacked(model, pgd, x, targets, args.eps, args.seed) for kind, model in models.items()}
        for (kind, images), line in zip(rows.items(), lower.subplots(len(rows), 10), strict=True):
            read = predict(models[kind], images).argmax(dim=1) if kind in models else targets
            for digit, axes in enumerate(line):
                axes.imshow(images[digit, 0].numpy(), cmap="gray_r", vmin=0, vmax=1)
                axes.set(xticks=[], yticks=[])
                right = int(read[digit]) == digit
                if kind in models:
                    axes.set_title(
                        f"read as {int(read[digit])}", fontsize=9, loc="center",
                        color="#1e7a46" if right else "#c0392b", fontweight="normal" if right else "bold",
                    )  # fmt: skip
            line[0].set_ylabel(kind if kind == "image" else f"PGD against\n{kind}", fontsize=9)
        figure.suptitle(
            f"MNIST under attack: trained on PGD, {table['PGD']['PGD']:.1%} stay right; trained plainly, "
            f"{table['plain']['PGD']:.1%}", fontsize=14, x=0.01, ha="left",
        )  # fmt: skip
        figure.savefig(path, dpi=75)
        plt.close(figure)


def main() -> None:
    short = {"epochs": 1, "images": 16000, "batch_size": 64, "tested": 200}
    defaults = {"epochs": 4, "batch_size": 128, "lr": 2e-3}
    parser = options("robust_mnist.py", "Attack and defend a classifier of digits.", short=short, **defaults)
    parser.add_argument("--data", help="folder of the IDX files, if not $PLAIT_DATA")
    parser.add_argument("--eps", type=float, default=0.2, help="largest change of a pixel, which is in [0, 1]")
    parser.add_argument("--images", type=int, default=60000, help="images to train on")
    parser.add_argument("--tested", type=int, default=2000, help="images to attack")
    args = parser.parse_args()
    start(args)

    data, test = MNIST(args.data, train=True), MNIST(args.data, train=False)
    x, targets = test.images[: args.tested], test.targets[: args.tested]
    models = {kind: train(kind, args, data, (x, targets)) for kind in TRAINED_ON}
    before = predict(models["PGD"], x)
    models["PGD"] = save_and_reload(models["PGD"], Net(), args.output / "robust_mnist.safetensors")
    assert plait.equal(predict(models["PGD"], x), before), "the reloaded network gives other scores"

    def right(model: nn.Module, attack: Attack | None, eps: float, count: int | None = None) -> float:
        shown = attacked(model, attack, x[:count], targets[:count], eps, args.seed)
        return accuracy(predict(model, shown), targets[:count])

    table = {
        kind: {name: right(model, attack, args.eps) for name, attack in TESTED_ON.items()}
        for kind, model in tqdm(models.items(), desc="attacks", ncols=100)
    }
    sizes = [args.eps * share for share in (0, 0.25, 0.5, 0.75, 1, 1.25, 1.5)]
    curves = {
        kind: [(eps, right(model, pgd, eps, 500)) for eps in sizes]
        for kind, model in tqdm(models.items(), desc="sizes", ncols=100)
    }
    print(f"{'trained on':12}" + "".join(f"{name:>9}" for name in TESTED_ON))
    for kind, row in table.items():
        print(f"{kind:12}" + "".join(f"{value:9.2%}" for value in row.values()))
    figure = args.output / "robust_mnist.png"
    draw(figure, models, table, curves, args, x, targets)
    plain, robust = table["plain"], table["PGD"]
    print(
        f"robust_mnist: eps {args.eps:g}, plain {plain['clean']:.2%} clean, {plain['PGD']:.2%} under PGD; trained "
        f"on PGD {robust['clean']:.2%} clean, {robust['PGD']:.2%} under PGD, figure in {figure}"
    )


if __name__ == "__main__":
    main()
