# SPDX-License-Identifier: MIT
"""Trains a small CNN on scikit-learn's 1,797 real handwritten digits, in seconds.

    python examples/digits_cnn.py

Writes digits_cnn.safetensors (the weights) and digits_cnn.png (curves, confusion matrix, mistakes).
"""

from __future__ import annotations

import plait
import plait.nn as nn
import plait.nn.functional as F
from plait.datasets import Digits
from plait.utils.data import DataLoader

from _training import finish, fit, options, save_and_reload, start


class Net(nn.Module):
    """Three 3x3 convolutions with batch normalisation: (N, 1, 8, 8) to scores (N, 10)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, padding=1)
        self.conv2 = nn.Conv2d(16, 32, 3, padding=1)
        self.conv3 = nn.Conv2d(32, 32, 3, padding=1)
        self.norm1 = nn.BatchNorm2d(16)
        self.norm2 = nn.BatchNorm2d(32)
        self.norm3 = nn.BatchNorm2d(32)
        self.dropout = nn.Dropout(0.3)
        self.fc = nn.Linear(32 * 4 * 4, 10)

    def forward(self, x: plait.Tensor) -> plait.Tensor:
        x = F.relu(self.norm1(self.conv1(x)))
        x = F.relu(self.norm2(self.conv2(x)))
        x = F.max_pool2d(x, 2)
        x = F.relu(self.norm3(self.conv3(x)))
        return self.fc(self.dropout(x.flatten(1)))


def main() -> None:
    parser = options("digits_cnn.py", "Train a CNN on Digits.", short={"epochs": 8}, epochs=20, batch_size=32, lr=3e-3)
    args = parser.parse_args()
    start(args)

    train, test = Digits(train=True), Digits(train=False)
    loader = DataLoader(train, batch_size=args.batch_size, shuffle=True)
    model = Net()
    history = fit(
        model,
        loader,
        (test.images, test.targets),
        epochs=args.epochs,
        lr=args.lr,
        label_smoothing=0.1,
    )

    reloaded = save_and_reload(model, Net(), args.output / "digits_cnn.safetensors")
    finish(args, "digits_cnn", "Handwritten digits, 8x8 pixels", history, reloaded, (test.images, test.targets))


if __name__ == "__main__":
    main()
