# SPDX-License-Identifier: MIT
"""ResNet-18 for 32x32 images (He et al. 2015, with the 3x3 stem used for CIFAR)."""

from __future__ import annotations

from typing import Any

from . import Case, Data, train_step, workload

# Multiply-adds of one image: the stem, then per stage the 3x3 convolutions and the 1x1 shortcut.
_STEM = 32 * 32 * 64 * 3 * 9
_STAGE_1 = 4 * 32 * 32 * 64 * 64 * 9
_LATER_STAGE = 16 * 16 * 128 * (64 * 9 + 3 * 128 * 9 + 64)
_FORWARD = 2 * (_STEM + _STAGE_1 + 3 * _LATER_STAGE + 512 * 10)


def resnet18(torch: Any, classes: int = 10) -> Any:
    nn, F = torch.nn, torch.nn.functional

    class Block(nn.Module):
        def __init__(self, inputs: int, outputs: int, stride: int) -> None:
            super().__init__()
            self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
            self.bn1 = nn.BatchNorm2d(outputs)
            self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
            self.bn2 = nn.BatchNorm2d(outputs)
            self.shortcut = nn.Sequential()
            if stride != 1 or inputs != outputs:
                self.shortcut = nn.Sequential(
                    nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
                )

        def forward(self, x: Any) -> Any:
            y = F.relu(self.bn1(self.conv1(x)))
            return F.relu(self.bn2(self.conv2(y)) + self.shortcut(x))

    blocks = []
    for inputs, outputs, stride in ((64, 64, 1), (64, 128, 2), (128, 256, 2), (256, 512, 2)):
        blocks += [Block(inputs, outputs, stride), Block(outputs, outputs, 1)]
    return nn.Sequential(
        nn.Conv2d(3, 64, 3, 1, 1, bias=False),
        nn.BatchNorm2d(64),
        nn.ReLU(),
        *blocks,
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(512, classes),
    )


@workload("train", "resnet-18, 32x32, SGD+momentum, batch 16", flops=16 * (3 * _FORWARD - 2 * _STEM))
def training(torch: Any, data: Data) -> Case:
    model = resnet18(torch)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9, weight_decay=5e-4)
    x, y = data.normal(16, 3, 32, 32), data.integers(10, 16)
    return Case(train_step(optimizer, lambda: torch.nn.functional.cross_entropy(model(x), y)), [model])


@workload("inference", "resnet-18, 32x32, inference, batch 8", flops=8 * _FORWARD)
def inference(torch: Any, data: Data) -> Case:
    model = resnet18(torch).eval()
    x = data.normal(8, 3, 32, 32)

    def step() -> Any:
        with torch.no_grad():
            return model(x)

    return Case(step, [model])
