# SPDX-License-Identifier: MIT
"""The MNIST program PyTorch's users know: `import torch` has become `import plait as torch`.

    python examples/mnist_classic.py --data DIR [--mlp]

It is written the way such programs were and are written, and is kept so.
Writes mnist_classic.pt (the weights) and mnist_classic.png (loss, test pictures with what was read).
"""

from __future__ import print_function

import argparse
import os
import time

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

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
    losses = []
    for batch_idx, (data, target) in enumerate(train_loader):
        data, target = data.to(device), target.to(device)
        optimizer.zero_grad()
        output = model(data)
        loss = criterion(output, target)
        loss.backward()
        optimizer.step()
        scheduler.step()
        losses.append(loss.item())
        if batch_idx % args.log_interval == 0:
            done = batch_idx * len(data)
            print("epoch {} [{:5d}/{}] loss {:.4f}".format(epoch, done, len(train_loader.dataset), loss.item()))
    return losses


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
    return accuracy


def draw(path, losses, model, test_loader):
    data, target = next(iter(test_loader))
    model.eval()
    with torch.no_grad():
        pred = model(data).argmax(dim=1)
    fig = plt.figure(figsize=(11, 4), layout="constrained")
    left, right = fig.subfigures(1, 2)
    ax = left.subplots()
    ax.plot(losses, color="#1f5fbf", linewidth=0.8)
    ax.set_xlabel("batch")
    ax.set_title("Loss while it learns", loc="left", fontweight="bold")
    right.suptitle("Test pictures and what was read", fontweight="bold")
    for i, ax in enumerate(right.subplots(4, 8).flat):
        ax.imshow(data[i, 0], cmap="gray_r")
        ax.set_title(pred[i].item(), fontsize=9, color="black" if pred[i] == target[i] else "red")
        ax.axis("off")
    fig.savefig(path, dpi=90)
    plt.close(fig)


def main():
    parser = argparse.ArgumentParser(description="The classical MNIST program")
    parser.add_argument("--data", default=None, help="folder of the IDX files (default: $PLAIT_DATA)")
    parser.add_argument("--mlp", action="store_true", help="a 784-128-10 MLP with Adam in place of the CNN")
    parser.add_argument("--batch-size", type=int, default=None, help="default: 64, with --mlp 16")
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--short", action="store_true", help="learn from the first 10,000 pictures alone")
    parser.add_argument("--threads", type=int, default=None, help="CPU threads, if not all")
    parser.add_argument("--output", default=os.path.dirname(__file__), help="folder for the weights and the figure")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--log-interval", type=int, default=100)
    args = parser.parse_args()
    batch_size = args.batch_size or (16 if args.mlp else 64)

    torch.manual_seed(args.seed)
    if args.threads is not None:
        torch.set_num_threads(args.threads)
    os.makedirs(args.output, exist_ok=True)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.1307,), (0.3081,))])
    train_data = datasets.MNIST(args.data, train=True, transform=transform)
    test_data = datasets.MNIST(args.data, train=False, transform=transform)
    if args.short:
        train_data = torch.utils.data.Subset(train_data, range(10000))
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

    losses = []
    began = time.time()
    for epoch in range(1, args.epochs + 1):
        losses += train(args, model, device, train_loader, criterion, optimizer, scheduler, epoch)
        accuracy = test(model, device, test_loader, criterion)
    seconds = time.time() - began

    path = os.path.join(args.output, "mnist_classic.pt")
    torch.save(model.state_dict(), path)
    reloaded = (MLP() if args.mlp else Net()).to(device)
    reloaded.load_state_dict(torch.load(path))
    again = test(reloaded, device, test_loader, criterion)
    figure = os.path.join(args.output, "mnist_classic.png")
    draw(figure, losses, reloaded, test_loader)
    print(
        "mnist_classic: test accuracy {:.2f}%, after reloading {:.2f}%, {} epochs in {:.1f} s, figure in {}".format(
            accuracy, again, args.epochs, seconds, figure
        )
    )


if __name__ == "__main__":
    main()
