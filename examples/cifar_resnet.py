# SPDX-License-Identifier: MIT
"""Trains a narrow ResNet-18 on 8,000 photographs of ten classes, with augmentation.

    python examples/cifar_resnet.py --data DIR

DIR holds cifar10_subset.npz (the default is the folder cifar10-subset in the one PLAIT_DATA names).
A residual block adds what it computes to what it was given, so that deep nets learn as shallow ones do (He et al.,
2016). So few pictures are soon known by heart; therefore the net never sees one twice as it was: each is shifted by
up to four pixels, mirrored by chance, and loses a square of eight pixels. At the end it is asked about the test
pictures as they are, and about them and their mirror images together.
Writes cifar_resnet.safetensors (the weights) and cifar_resnet.png (curves, confusion matrix, mistakes).
"""

from __future__ import annotations

from pathlib import Path

import plait
import plait.nn as nn
import plait.nn.functional as F
from plait.utils.data import DataLoader, TensorDataset

from _photos import CLASSES, Part, load_photos
from _training import Batch, accuracy, data_folder, finish, fit, options, predict, save_and_reload, start


class Block(nn.Module):
    """Two 3x3 convolutions beside a shortcut: (N, inputs, H, W) to (N, outputs, H / stride, W / stride)."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(outputs)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x: plait.Tensor) -> plait.Tensor:
        y = F.relu(self.norm1(self.conv1(x)))
        return F.relu(self.norm2(self.conv2(y)) + self.shortcut(x))


class Net(nn.Module):
    """Four stages of residual blocks: photographs (N, 3, 32, 32) in [0, 1] to scores (N, classes).

    With two blocks a stage it has the 18 layers of ResNet-18, at three eighths of its width.
    """

    def __init__(self, classes: int = 10, width: int = 24, blocks: int = 2) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU(), nn.MaxPool2d(2)
        )
        stages, inputs = [], width
        for stage in range(4):
            outputs = width * 2**stage
            stages += [
                Block(inputs, outputs, 2 if stage else 1),
                *(Block(outputs, outputs, 1) for _ in range(blocks - 1)),
            ]
            inputs = outputs
        self.stages = nn.Sequential(*stages)
        self.head = nn.Linear(8 * width, classes)

    def features(self, x: plait.Tensor) -> plait.Tensor:
        """What the last stage sees, averaged over the picture: (N, 8 * width)."""
        return self.stages(self.stem((x - 0.47) / 0.25)).mean(dim=(2, 3))

    def forward(self, x: plait.Tensor) -> plait.Tensor:
        return self.head(self.features(x))


def shifted(images: plait.Tensor, by: int = 4) -> plait.Tensor:
    """Each picture (N, C, H, W) shifted by up to `by` pixels both ways over mirrored edges, and mirrored by chance."""
    n, _, height, width = images.shape
    padded = F.pad(images, (by,) * 4, mode="reflect")
    rows = plait.randint(2 * by + 1, (n, 1)) + plait.arange(height)
    columns = plait.randint(2 * by + 1, (n, 1)) + plait.arange(width)
    columns = plait.where(plait.rand(n, 1) < 0.5, columns, columns.flip(1))
    return padded[plait.arange(n)[:, None, None], :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


def augmented(images: plait.Tensor, targets: plait.Tensor) -> plait.Tensor:
    """Pictures as they are learned from: shifted, mirrored, with a grey square of eight pixels somewhere."""
    images = shifted(images)
    n, _, height, width = images.shape
    rows = (plait.arange(height) - plait.randint(height, (n, 1))).abs() < 4
    columns = (plait.arange(width) - plait.randint(width, (n, 1))).abs() < 4
    return images.masked_fill((rows[:, :, None] & columns[:, None, :])[:, None], 0.47)


def as_pictures(part: Part) -> Batch:
    """Floats in [0, 1] and classes."""
    return plait.from_numpy(part[0]).float() / 255, plait.from_numpy(part[1])


def main() -> None:
    parser = options(
        "cifar_resnet.py",
        "Train a ResNet on photographs.",
        short={"epochs": 4, "width": 12},
        epochs=40,
        batch_size=64,
        lr=0.1,
    )
    parser.add_argument("--data", type=Path, default=data_folder("cifar10-subset"), help="folder of cifar10_subset.npz")
    parser.add_argument("--width", type=int, default=24, help="channels of the first stage")
    args = parser.parse_args()
    start(args)

    train, test = map(as_pictures, load_photos(args.data))
    loader = DataLoader(TensorDataset(*train), batch_size=args.batch_size, shuffle=True)
    model = Net(width=args.width)
    history = fit(
        model,
        loader,
        test,
        epochs=args.epochs,
        lr=args.lr,
        label_smoothing=0.1,
        change=augmented,
        one_cycle=True,
    )

    reloaded = save_and_reload(model, Net(width=args.width), args.output / "cifar_resnet.safetensors")
    # A mirrored photograph shows the same: the mean of what the net says of both errs less.
    both = predict(reloaded, test[0]) + predict(reloaded, test[0].flip(3))
    more = f"with mirror images {accuracy(both, test[1]):.2%}, "
    finish(args, "cifar_resnet", "Photographs, 32x32 pixels", history, reloaded, test, CLASSES, more)


if __name__ == "__main__":
    main()
