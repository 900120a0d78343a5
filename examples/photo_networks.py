# SPDX-License-Identifier: MIT
"""AlexNet, GoogLeNet, ResNet-50 and Inception v3 learn from photographs: the seconds that a step of training takes.

    python -m plait examples/photo_networks.py --data DIR

A PyTorch program as it is: started with plain `python`, where PyTorch is installed, it measures PyTorch. The networks
are torchvision's definitions (`pip install torchvision`) with ten classes. DIR holds cifar10_subset.npz (the default
is the folder cifar10-subset in the one PLAIT_DATA names); its pictures are enlarged to the 224 or 299 pixels that the
networks were made for. Each takes a few steps of SGD on the same pictures: the loss falls as it gets to know them.

    forward    what the network says, and how far off that is
    backward   the derivative of the loss by each of its millions of weights
    step       every weight moves against its derivative

Writes photo_networks-LIBRARY.json (the times), photo_networks.pt (the trained GoogLeNet) and photo_networks.png (times,
losses, pictures). Where the folder also holds the times of the other library, the figure shows both.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import numpy as np
import torch
import torch.nn.functional as F
from matplotlib import pyplot as plt
from torch import nn
from torchvision import models
from tqdm import tqdm

from _photos import CLASSES, load_photos

LIBRARY = "plait" if "plait" in torch.__version__ else "PyTorch"
# Pixels the network expects, and how much its side exits, which help the gradient into the depth, count in the loss.
NETWORKS: dict[str, tuple[str, int, float]] = {
    "AlexNet": ("alexnet", 224, 0.0),
    "GoogLeNet": ("googlenet", 224, 0.3),
    "ResNet-50": ("resnet50", 224, 0.0),
    "Inception v3": ("inception_v3", 299, 0.4),
}
COLOURS = {"plait": "#1f5fbf", "PyTorch": "#8a94a6"}
Measured = dict[str, dict[str, Any]]


def build(name: str) -> nn.Module:
    """The network of torchvision with ten classes and random weights."""
    function = NETWORKS[name][0]
    side_exits = {"init_weights": False} if NETWORKS[name][2] else {}
    return getattr(models, function)(weights=None, num_classes=len(CLASSES), **side_exits)


def enlarged(images: np.ndarray, size: int) -> torch.Tensor:
    """uint8 (N, 3, 32, 32) to floats (N, 3, size, size) around 0."""
    small = torch.from_numpy(images).float() / 255
    return (F.interpolate(small, size=(size, size), mode="bilinear", align_corners=False) - 0.47) / 0.25


def loss_of(output: Any, targets: torch.Tensor, side_weight: float) -> torch.Tensor:
    """The cross entropy of the scores, and of those of the side exits where the network has some."""
    if isinstance(output, torch.Tensor):
        return F.cross_entropy(output, targets)
    main, *sides = output
    return F.cross_entropy(main, targets) + side_weight * sum(F.cross_entropy(side, targets) for side in sides)


def train(name: str, model: nn.Module, images: torch.Tensor, targets: torch.Tensor, args: Any) -> dict[str, Any]:
    """One step to warm up, then `--steps` more: CPU seconds of their parts (the least of each), and the losses."""
    optimizer = torch.optim.SGD(model.parameters(), lr=args.lr, momentum=0.9)
    parts: list[tuple[float, ...]] = []
    losses = []
    model.train()
    for _ in tqdm(range(args.steps + 1), desc=f"{LIBRARY}, {name}", unit="step", ncols=100):
        marks = [time.process_time()]
        loss = loss_of(model(images), targets, NETWORKS[name][2])
        marks.append(time.process_time())
        optimizer.zero_grad()
        loss.backward()
        marks.append(time.process_time())
        optimizer.step()
        marks.append(time.process_time())
        parts.append(tuple(np.diff(marks)))
        losses.append(loss.item())
    seconds = dict(zip(("forward", "backward", "step"), np.min(parts[1:], axis=0).tolist(), strict=True))
    weights = sum(parameter.numel() for parameter in model.parameters())
    return {"seconds": seconds, "losses": losses, "weights": weights}


def same_after_reloading(name: str, model: nn.Module, images: torch.Tensor, path: Path) -> bool:
    """Whether the network says the same after its weights went through a file."""
    torch.save(model.state_dict(), path)
    fresh = build(name)
    fresh.load_state_dict(torch.load(path))
    with torch.no_grad():
        return torch.equal(model.eval()(images), fresh.eval()(images))


def total(measured: dict[str, Any]) -> float:
    """CPU seconds of a whole step."""
    return sum(measured["seconds"].values())


def draw(path: Path, tables: dict[str, Measured], shown: np.ndarray, names: list[str], batch: int) -> None:
    """Bars of the times, in three shades, the losses, and the pictures."""
    style = {"axes.spines.top": False, "axes.spines.right": False, "axes.titleweight": "bold", "legend.frameon": False}
    with plt.rc_context(style | {"axes.titlelocation": "left", "axes.titlesize": 11}):
        figure = plt.figure(figsize=(12, 4.8), layout="constrained")
        left, right = figure.subfigures(1, 2, width_ratios=[2.5, 1])
        bars, curves = left.subplots(1, 2, width_ratios=[1.6, 1])
        height = 0.8 / len(tables)
        for row, (library, table) in enumerate(tables.items()):
            for place, name in enumerate(table):
                start, y = 0.0, place + (row - (len(tables) - 1) / 2) * height
                for shade, (part, seconds) in zip((1.0, 0.65, 0.35), table[name]["seconds"].items(), strict=True):
                    label = f"{library}: {part}" if place == 0 else None
                    bars.barh(y, seconds, 0.9 * height, left=start, color=COLOURS[library], alpha=shade, label=label)
                    start += seconds
                bars.text(start, y, f" {start:.2f} s", va="center", fontsize=9)
        table = tables[LIBRARY]
        bars.set_yticks(
            range(len(table)), [f"{name}\n{one['weights'] / 1e6:.0f} M weights" for name, one in table.items()]
        )
        bars.invert_yaxis()
        bars.set_title(f"CPU seconds of a step on {batch} pictures")
        bars.margins(x=0.12)
        bars.legend(fontsize=8, loc="upper right")
        for name, one in table.items():
            curves.plot(range(len(one["losses"])), one["losses"], marker="o", markersize=4, label=name)
        curves.set_title(f"Loss on these pictures ({LIBRARY})")
        curves.set_xlabel("step")
        curves.grid(color="#e4e7ec")
        curves.legend(fontsize=9)
        right.suptitle("Pictures of 32 pixels, enlarged", fontsize=11, fontweight="bold")
        for index, axes in enumerate(right.subplots(2, 2).flat):
            axes.set_axis_off()
            if index < len(shown):
                axes.imshow(np.clip(shown[index].transpose(1, 2, 0) * 0.25 + 0.47, 0, 1))
                axes.set_title(names[index], fontsize=9, fontweight="normal")
        figure.savefig(path, dpi=80)
        plt.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(
        description="Time training steps of known networks.", formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    data = Path(os.environ.get("PLAIT_DATA", "."), "cifar10-subset")
    parser.add_argument("--data", type=Path, default=data, help="folder of cifar10_subset.npz")
    parser.add_argument("--steps", "--epochs", type=int, default=4, help="measured steps on the same pictures")
    parser.add_argument("--batch-size", type=int, default=4, help="pictures in a step")
    parser.add_argument("--networks", nargs="+", default=list(NETWORKS), choices=list(NETWORKS), help="which of them")
    parser.add_argument("--lr", type=float, default=0.005, help="learning rate")
    parser.add_argument("--seed", type=int, default=0, help="seed of the weights")
    parser.add_argument("--threads", type=int, help="CPU threads, if not all")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent, help="folder for times, net and figure")
    parser.add_argument("--short", action="store_true", help="two steps on two pictures")
    args = parser.parse_args()
    if args.short:
        args.steps, args.batch_size = 2, 2
    torch.manual_seed(args.seed)
    if args.threads is not None:
        torch.set_num_threads(args.threads)
    args.output.mkdir(parents=True, exist_ok=True)

    (images, classes), _ = load_photos(args.data)
    images, targets = images[: args.batch_size], torch.from_numpy(classes[: args.batch_size])
    measured: Measured = {}
    kept = "GoogLeNet" if "GoogLeNet" in args.networks else args.networks[0]
    same = False
    for name in args.networks:
        model = build(name)
        pictures = enlarged(images, NETWORKS[name][1])
        measured[name] = train(name, model, pictures, targets, args)
        if name == kept:
            same = same_after_reloading(name, model, pictures, args.output / "photo_networks.pt")

    times = args.output / f"photo_networks-{LIBRARY}.json"
    times.write_text(json.dumps(measured, indent=2) + "\n", encoding="utf-8")
    tables = {LIBRARY: measured}
    for library in COLOURS:
        other = args.output / f"photo_networks-{library}.json"
        if library != LIBRARY and other.exists():
            tables[library] = json.loads(other.read_text(encoding="utf-8"))
    figure = args.output / "photo_networks.png"
    shown = enlarged(images[:4], 224).numpy()
    draw(figure, tables, shown, [CLASSES[int(index)] for index in classes[:4]], args.batch_size)
    texts = [f"{name} {total(one):.2f} s" for name, one in measured.items()]
    fell = sum(one["losses"][-1] < one["losses"][0] for one in measured.values())
    print(
        f"photo_networks: {LIBRARY}, a step on {args.batch_size} pictures takes {', '.join(texts)} of CPU; the loss of "
        f"{fell} of {len(measured)} fell; {'the same' if same else 'OTHER NUMBERS'} after reloading; figure in {figure}"
    )


if __name__ == "__main__":
    main()
