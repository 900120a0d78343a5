# SPDX-License-Identifier: MIT
"""Makes a trained CNN smaller, in two ways: it loses its small weights, or it teaches a small net.

    python examples/prune_distill.py --data DIR

DIR holds the IDX files of MNIST (the default is the folder PLAIT_DATA names). Pruning sets the weights nearest to zero
to zero, over all layers together, and lets the rest learn a little more; the file shrinks where zeros are not stored.
Distillation (Hinton et al., 2015) trains a net of a thirtieth of the size on the teacher's softened answers, which say
more than a label: this 4 looks a little like a 9. The same small net is trained on labels alone to compare: with all
60,000 labels so small a net is short of weights, not of knowledge, and the teacher's answers gain it nothing.
Writes prune_distill.safetensors (pruned net and student) and prune_distill.png (size and accuracy, filters, weights).
"""

from __future__ import annotations

import copy
import gzip
import io
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from matplotlib import pyplot as plt
from matplotlib.ticker import PercentFormatter
from mnist_cnn import Net
from tqdm import tqdm

import plait as torch
import plait.nn as nn
import plait.nn.functional as F
import plait.nn.utils.prune as prune
from plait.datasets import MNIST

from _report import STYLE
from _training import accuracy, options, predict, start

SHARES = (0.5, 0.8, 0.95)  # of the weights that are pruned, one after the other
TEMPERATURE = 4.0
Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


class Small(nn.Module):
    """The student: pictures (N, 1, 28, 28) to scores (N, 10) with about 2,600 weights."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 5, stride=2)
        self.conv2 = nn.Conv2d(6, 8, 5, stride=2)
        self.fc = nn.Linear(8 * 4 * 4, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc(F.relu(self.conv2(F.relu(self.conv1(x)))).flatten(1))


def fit(name: str, model: nn.Module, images: torch.Tensor, loss_of: Loss, epochs: int, args: Any) -> None:
    """Trains with Adam under a falling rate; `loss_of` takes the scores of a batch and the rows it came from."""
    optimizer = torch.optim.Adam(model.parameters(), lr=args.lr)
    batches = -(-len(images) // args.batch_size)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=args.lr, total_steps=epochs * batches)
    model.train()
    with tqdm(total=epochs * batches, desc=name, unit="batch", ncols=100) as bar:
        for _ in range(epochs):
            for rows in torch.randperm(len(images)).split(args.batch_size):
                loss = loss_of(model(images[rows]), rows)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                schedule.step()
                bar.set_postfix_str(f"loss {loss.item():.4f}", refresh=False)
                bar.update()


def layers(model: nn.Module) -> list[tuple[nn.Module, str]]:
    """The weights that can be pruned, as nn.utils.prune names them."""
    return [(layer, "weight") for layer in model.modules() if isinstance(layer, nn.Conv2d | nn.Linear)]


def kept(model: nn.Module) -> int:
    """How many weights of convolutions and linear layers are not zero."""
    return sum(int((layer.weight != 0).sum()) for layer, _ in layers(model))


def pruned_to(model: nn.Module, share: float) -> None:
    """Masks weights of `model` until `share` of all is zero; what is masked already counts."""
    total = sum(layer.weight.numel() for layer, _ in layers(model))
    prune.global_unstructured(layers(model), prune.L1Unstructured, amount=round(kept(model) - (1 - share) * total))


def made_permanent(model: nn.Module) -> Net:
    """A copy whose masks are gone and whose weights hold the zeros."""
    model = copy.deepcopy(model)
    for layer, name in layers(model):
        prune.remove(layer, name)
    return model


def kilobytes(model: nn.Module) -> float:
    """The size of the weights as a file under gzip, which stores a run of zeros in almost nothing."""
    buffer = io.BytesIO()
    torch.save(model.state_dict(), buffer)
    return len(gzip.compress(buffer.getvalue())) / 1000


def draw(path: Path, table: dict[str, tuple[int, float, float]], teacher: nn.Module, pruned: nn.Module) -> None:
    """Accuracy over size for every net, and the second layer's filters and all weights before and after pruning."""
    with plt.rc_context(STYLE), torch.no_grad():
        figure = plt.figure(figsize=(12, 5.4), layout="constrained")
        left, right = figure.subfigures(1, 2, width_ratios=[1.15, 1])
        plane = left.subplots()
        for index, (name, (_, size, share)) in enumerate(table.items()):
            colour = "#c0392b" if name.startswith("small") else "#1f5fbf"
            plane.scatter(size, share, s=60, color=colour, zorder=3)
            above = index % 2 == 0
            plane.annotate(
                f"{name}\n{share:.2%}, {size:.0f} KB",
                (size, share),
                xytext=(0, 10 if above else -12),
                textcoords="offset points",
                ha="center",
                va="bottom" if above else "top",
                fontsize=8.5,
            )
        plane.set_xscale("log")
        plane.margins(0.2, 0.25)
        plane.yaxis.set_major_formatter(PercentFormatter(1.0))
        plane.set_title("Test accuracy and size of the compressed file")
        plane.set_xlabel("kilobytes, logarithmic")
        pictures, weights = right.subfigures(2, 1, height_ratios=[1, 1.1])
        pictures.suptitle(
            "Second layer: filters before and after (white: zero)",
            fontsize=11,
            fontweight="bold",
            x=0.01,
            ha="left",
        )
        for row, model in zip(pictures.subplots(2, 10), (teacher, pruned), strict=True):
            for index, axes in enumerate(row):
                axes.imshow(model.conv2.weight[index, 0], cmap="RdBu", vmin=-0.2, vmax=0.2)
                axes.set_axis_off()
        axes = weights.subplots()
        for model, colour, name in ((teacher, "#9db8dd", "before"), (pruned, "#1f5fbf", "after, without zeros")):
            values = model.fc1.weight.flatten()
            axes.hist(values[values != 0].numpy(), bins=120, range=(-0.15, 0.15), color=colour, label=name)
        axes.set_title("Weights of the largest layer")
        axes.set_yticks([])
        axes.legend()
        figure.savefig(path, dpi=90)
        plt.close(figure)


def main() -> None:
    short = {"epochs": 2, "images": 4000}
    parser = options("prune_distill.py", "Prune and distil a CNN.", short=short, epochs=3, batch_size=100, lr=3e-3)
    parser.add_argument("--data", help="folder of the IDX files, if not $PLAIT_DATA")
    parser.add_argument("--images", type=int, default=60_000, help="training images used")
    args = parser.parse_args()
    start(args)

    train, test = MNIST(args.data, train=True), MNIST(args.data, train=False)
    images, targets = train.images[: args.images], train.targets[: args.images]
    models: dict[str, nn.Module] = {}
    began = time.perf_counter()

    def from_labels(scores: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        return F.cross_entropy(scores, targets[rows])

    teacher = models["the CNN"] = Net()
    fit("the CNN", teacher, images, from_labels, args.epochs, args)

    # Step by step: what a step takes away, the weights that are left learn to replace.
    model = copy.deepcopy(teacher)
    for share in SHARES:
        pruned_to(model, share)
        name = f"{share:.0%} pruned"
        fit(name, model, images, from_labels, max(1, args.epochs // 2), args)
        models[name] = made_permanent(model)

    answers = predict(teacher, images)
    soft = F.softmax(answers / TEMPERATURE, dim=1)

    def from_teacher(scores: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        # The gradient of softened answers shrinks as 1 / TEMPERATURE^2: the factor makes up for it.
        softened = F.kl_div(F.log_softmax(scores / TEMPERATURE, dim=1), soft[rows], reduction="batchmean")
        return 0.9 * TEMPERATURE**2 * softened + 0.1 * from_labels(scores, rows)

    for name, loss_of in (("small, labels alone", from_labels), ("small, distilled", from_teacher)):
        torch.manual_seed(args.seed)  # the same weights and order for both
        models[name] = Small()
        fit(name, models[name], images, loss_of, 2 * args.epochs, args)
    seconds = time.perf_counter() - began

    table: dict[str, tuple[int, float, float]] = {}
    file = args.output / "prune_distill.safetensors"
    torch.save({f"{name}: {key}": value for name in models for key, value in models[name].state_dict().items()}, file)
    read_again = torch.load(file)
    print(f"{'net':20} {'weights':>8} {'KB':>6} {'accuracy':>9}")
    for name, model in models.items():
        fresh = type(model)()
        fresh.load_state_dict({key: read_again[f"{name}: {key}"] for key in fresh.state_dict()})
        table[name] = kept(fresh), kilobytes(fresh), accuracy(predict(fresh, test.images), test.targets)
        assert table[name][2] == accuracy(predict(model, test.images), test.targets), "other answers after reloading"
        print(f"{name:20} {table[name][0]:8,} {table[name][1]:6.0f} {table[name][2]:9.2%}")

    figure = args.output / "prune_distill.png"
    draw(figure, table, teacher, models["80% pruned"])
    half, most = table["50% pruned"][2], table["95% pruned"][2]
    print(
        f"prune_distill: {table['the CNN'][2]:.2%} right, {half:.2%} without half of the weights "
        f"({100 * (half - table['the CNN'][2]):+.2f} points), {most:.2%} without 95%; a small net "
        f"{table['small, labels alone'][2]:.2%} from labels, {table['small, distilled'][2]:.2%} distilled; the same "
        f"after reloading; {seconds:.1f} s, figure in {figure}"
    )


if __name__ == "__main__":
    main()
