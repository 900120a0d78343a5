# SPDX-License-Identifier: MIT
"""The MNIST program PyTorch's users know: `import torch` has become `import plait as torch`.

    python examples/mnist_classic.py --data DIR [--mlp]

It is written the way such programs were and are written, and is kept so.
"""

from __future__ import print_function

import argparse

import plait as torch
import plait.nn as nn
import plait.nn.functional as F
import plait.optim as optim
import plait.utils.data
from plait import datasets, transforms


class Net(nn.Module):
    def __init__(self):
        super(Net, self).__init__()
        self.conv1 = nn.Conv2d(1, 32, 3, 1)
        self.conv2 = nn.Conv2d(32, 64, 3, 1)
        self.dropout1 = nn.Dropout2d(0.25)
        self.dropout2 = nn.Dropout2d(0.5)
        self.fc1 = nn.Linear(9216, 128)
        self.fc2 = nn.Linear(128, 10)

    def forward(self, x):
        x = F.relu(self.conv1(x))
        x = F.relu(self.conv2(x))
        x = self.dropout1(F.max_pool2d(x, 2))
        x = x.view(-1, 9216)
        x = self.dropout2(F.relu(self.fc1(x)))
        return F.log_softmax(self.fc2(x), dim=1)


class MLP(nn.Module):
    def __init__(self):
        super(MLP, self).__init__()
        self.fc1 = nn.Linear(784, 128)
        self.fc2 = nn.Linear(128, 10)

    def forward(self, x):
        x = F.relu(self.fc1(x.view(-1, 784)))
        return F.log_softmax(self.fc2(x), dim=1)


def train(args, model, device, train_loader, criterion, optimizer, scheduler, epoch):
    model.train()
    for batch_idx, (data, target) in enumerate(train_loader):
        data, target = data.to(device), target.to(device)
        optimizer.zero_grad()
        output = model(data)
        loss = criterion(output, target)
        loss.backward()
        optimizer.step()
        scheduler.step()
        if batch_idx % args.log_interval == 0:
            done = batch_idx * len(data)
            print("epoch {} [{:5d}/{}] loss {:.4f}".format(epoch, done, len(train_loader.dataset), loss.item()))


def test(model, device, test_loader, criterion):
    model.eval()
    test_loss = 0
    correct = 0
    with torch.no_grad():
        for data, target in test_loader:
            data, target = data.to(device), target.to(device)
            output = model(data)
            test_loss += criterion(output, target).item() * len(data)
            pred = output.argmax(dim=1, keepdim=True)
            correct += pred.eq(target.view_as(pred)).sum().item()
    total = len(test_loader.dataset)
    accuracy = 100.0 * correct / total
    print("test: loss {:.4f}, accuracy {}/{} ({:.2f}%)".format(test_loss / total, correct, total, accuracy))


def main():
    parser = argparse.ArgumentParser(description="The classical MNIST program")
    parser.add_argument("--data", default=None, help="folder of the IDX files (default: $PLAIT_DATA)")
    parser.add_argument("--mlp", action="store_true", help="a 784-128-10 MLP with Adam in place of the CNN")
    parser.add_argument("--batch-size", type=int, default=None, help="default: 64, with --mlp 16")
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--log-interval", type=int, default=100)
    args = parser.parse_args()
    batch_size = args.batch_size or (16 if args.mlp else 64)

    torch.manual_seed(args.seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.1307,), (0.3081,))])
    train_data = datasets.MNIST(args.data, train=True, transform=transform)
    test_data = datasets.MNIST(args.data, train=False, transform=transform)
    train_loader = torch.utils.data.DataLoader(train_data, batch_size=batch_size, shuffle=True)
    test_loader = torch.utils.data.DataLoader(test_data, batch_size=1000)

    if args.mlp:
        model = MLP().to(device)
        optimizer = optim.Adam(model.parameters(), lr=3e-3)
    else:
        model = Net().to(device)
        optimizer = optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    scheduler = optim.lr_scheduler.CosineAnnealingLR(optimizer, args.epochs * len(train_loader))
    criterion = nn.CrossEntropyLoss()

    for epoch in range(1, args.epochs + 1):
        train(args, model, device, train_loader, criterion, optimizer, scheduler, epoch)
        test(model, device, test_loader, criterion)


if __name__ == "__main__":
    main()
