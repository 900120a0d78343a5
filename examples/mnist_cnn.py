# SPDX-License-Identifier: MIT
"""Trains a CNN on MNIST.

    python examples/mnist_cnn.py --data DIR

DIR holds the four IDX files (the default is the folder PLAIT_DATA names). With --download they are fetched.
Writes mnist_cnn.safetensors (the weights) and mnist_cnn.png (curves, confusion matrix, mistakes).
"""

from __future__ import annotations

import plait
import plait.nn as nn
import plait.nn.functional as F
from plait.datasets import MNIST
from plait.utils.data import DataLoader

from _training import finish, fit, options, save_and_reload, start


class Net(nn.Module):
    """Two 5x5 convolutions with batch normalisation: (N, 1, 28, 28) to scores (N, 10)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 5)
        self.conv2 = nn.Conv2d(16, 32, 5)
        self.norm1 = nn.BatchNorm2d(16)
        self.norm2 = nn.BatchNorm2d(32)
        self.fc1 = nn.Linear(32 * 4 * 4, 128)
        self.dropout = nn.Dropout(0.3)
        self.fc2 = nn.Linear(128, 10)

    def forward(self, x: plait.Tensor) -> plait.Tensor:
        x = F.max_pool2d(F.relu(self.norm1(self.conv1(x))), 2)
        x = F.max_pool2d(F.relu(self.norm2(self.conv2(x))), 2)
        x = F.relu(self.fc1(x.flatten(1)))
        return self.fc2(self.dropout(x))


def main() -> None:
    parser = options("mnist_cnn.py", "Train a CNN on MNIST.", short={"epochs": 1}, epochs=5, batch_size=64, lr=2e-3)
    parser.add_argument("--data", help="folder of the IDX files, if not $PLAIT_DATA")
    parser.add_argument("--download", action="store_true", help="fetch the files that are missing")
    args = parser.parse_args()
    start(args)

    train = MNIST(args.data, train=True, download=args.download)
    test = MNIST(args.data, train=False, download=args.download)
    loader = DataLoader(train, batch_size=args.batch_size, shuffle=True)
    model = Net()
    history = fit(model, loader, (test.images, test.targets), epochs=args.epochs, lr=args.lr)

    reloaded = save_and_reload(model, Net(), args.output / "mnist_cnn.safetensors")
    finish(args, "mnist_cnn", "MNIST, 28x28 pixels", history, reloaded, (test.images, test.targets))


if __name__ == "__main__":
    main()
