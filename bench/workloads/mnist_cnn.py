# SPDX-License-Identifier: MIT
"""The CNN of PyTorch's classical MNIST program."""

from __future__ import annotations

from typing import Any

from . import Case, Data, train_step, workload

_FORWARD = 64 * 2 * (26 * 26 * 32 * 9 + 24 * 24 * 64 * 32 * 9 + 9216 * 128 + 128 * 10)


# Three times the forward pass, less the gradient of the images.
@workload("train", "mnist cnn, SGD+momentum, batch 64", flops=3 * _FORWARD - 64 * 2 * 26 * 26 * 32 * 9)
def mnist_cnn(torch: Any, data: Data) -> Case:
    nn, F = torch.nn, torch.nn.functional

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv1 = nn.Conv2d(1, 32, 3, 1)
            self.conv2 = nn.Conv2d(32, 64, 3, 1)
            self.dropout1 = nn.Dropout(0.25)
            self.dropout2 = nn.Dropout(0.5)
            self.fc1 = nn.Linear(9216, 128)
            self.fc2 = nn.Linear(128, 10)

        def forward(self, x: Any) -> Any:
            x = F.relu(self.conv1(x))
            x = F.relu(self.conv2(x))
            x = self.dropout1(F.max_pool2d(x, 2))
            x = self.dropout2(F.relu(self.fc1(torch.flatten(x, 1))))
            return F.log_softmax(self.fc2(x), dim=1)

    model = Net()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    x, y = data.uniform(64, 1, 28, 28), data.integers(10, 64)
    return Case(train_step(optimizer, lambda: F.nll_loss(model(x), y)), [model])
