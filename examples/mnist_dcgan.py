# SPDX-License-Identifier: MIT
"""Draws handwritten digits on demand: a DCGAN, two convolutional nets that learn against each other.

    python examples/mnist_dcgan.py --data DIR

DIR holds the four IDX files of MNIST (the default is the folder PLAIT_DATA names). The generator makes a picture from
noise and the digit that is wanted; the critic is to tell its pictures from real ones (Radford et al., 2016, with the
digit told to both). Each learns from the other: the critic's gradient says to the generator what gave it away.

A classifier that was trained on real digits judges the drawings by the inception score (Salimans et al., 2016),

    exp( mean over pictures of KL( p(digit | picture) || p(digit) ) ),

which is 10 where every picture is surely one digit and all digits are equally frequent, and 1 where it cannot tell.
It says nothing of variety within a digit; drawings that are more typical than real ones score more than these.

Writes mnist_dcgan.safetensors (the generator) and mnist_dcgan.png (drawings over time, score, the last drawings).
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from matplotlib import pyplot as plt
from mnist_cnn import Net
from tqdm import tqdm

import plait as torch
import plait.nn as nn
import plait.nn.functional as F
from plait.datasets import MNIST
from plait.utils.data import DataLoader, TensorDataset

from _report import STYLE
from _training import fit, options, predict, save_and_reload, start

NOISE = 64
JUDGED = 2000  # pictures that the classifier judges


class Generator(nn.Module):
    """Noise (N, NOISE) and the wanted digits (N,) to pictures (N, 1, 28, 28)."""

    def __init__(self) -> None:
        super().__init__()
        self.start = nn.Linear(NOISE + 10, 64 * 7 * 7, bias=False)
        self.grow = nn.Sequential(
            nn.BatchNorm2d(64), nn.ReLU(),
            nn.ConvTranspose2d(64, 32, 4, 2, 1, bias=False), nn.BatchNorm2d(32), nn.ReLU(),
            nn.ConvTranspose2d(32, 1, 4, 2, 1), nn.Sigmoid(),
        )  # fmt: skip

    def forward(self, noise: torch.Tensor, digits: torch.Tensor) -> torch.Tensor:
        wanted = F.one_hot(digits, 10).float()
        return self.grow(self.start(torch.cat([noise, wanted], dim=1)).view(-1, 64, 7, 7))


class Critic(nn.Module):
    """Pictures (N, 1, 28, 28) and the digits they should show (N,) to one score each: real or drawn.

    The score is that of a picture plus that of a picture for its digit, a product with the digit's vector (Miyato and
    Koyama, 2018).
    """

    def __init__(self) -> None:
        super().__init__()
        self.look = nn.Sequential(
            nn.Conv2d(1, 32, 4, 2, 1), nn.LeakyReLU(0.2), nn.Dropout(0.3),
            nn.Conv2d(32, 64, 4, 2, 1, bias=False), nn.BatchNorm2d(64), nn.LeakyReLU(0.2), nn.Dropout(0.3),
            nn.Flatten(),
        )  # fmt: skip
        self.real = nn.Linear(64 * 7 * 7, 1)
        self.digit = nn.Embedding(10, 64 * 7 * 7)
        nn.init.normal_(self.digit.weight, std=0.02)

    def forward(self, images: torch.Tensor, digits: torch.Tensor) -> torch.Tensor:
        seen = self.look(images)
        return self.real(seen).flatten() + (seen * self.digit(digits)).sum(dim=1)


def says(scores: torch.Tensor, real: float) -> torch.Tensor:
    """The loss of scores (N,) that should say `real`: 1 for real, 0 for drawn."""
    return F.binary_cross_entropy_with_logits(scores, torch.full_like(scores, real))


def learn(generator: Generator, critic: Critic, loader: DataLoader[Any], name: str, args: Any) -> None:
    """One epoch: for each batch a step of the critic, then one of the generator, by the optimizers of `args`."""
    adam_c, adam_g = args.optimizers
    generator.train()
    with tqdm(loader, desc=name, unit="batch", ncols=100) as bar:
        for real, digits in bar:
            drawn = generator(torch.randn(len(real), NOISE), digits)
            # Real pictures are to score 0.9, not 1: a critic that is never quite sure teaches better.
            loss_c = says(critic(real, digits), 0.9) + says(critic(drawn.detach(), digits), 0.0)
            adam_c.zero_grad()
            loss_c.backward()
            adam_c.step()

            critic.requires_grad_(False)
            loss_g = says(critic(drawn, digits), 1.0)
            adam_g.zero_grad()
            loss_g.backward()
            adam_g.step()
            critic.requires_grad_(True)
            bar.set_postfix_str(f"critic {loss_c.item():.3f}, generator {loss_g.item():.3f}", refresh=False)


def draw_digits(generator: Generator, noise: torch.Tensor) -> torch.Tensor:
    """The digits 0 to 9 over and over, one for each row of noise."""
    generator.eval()
    with torch.no_grad():
        return generator(noise, torch.arange(len(noise)) % 10)


def inception_score(judge: nn.Module, images: torch.Tensor) -> float:
    """The score of the formula above."""
    logs = predict(judge, images).log_softmax(dim=1)
    shares = logs.exp()
    return ((shares * (logs - shares.mean(dim=0).log())).sum(dim=1).mean()).exp().item()


def page(images: torch.Tensor) -> torch.Tensor:
    """Pictures (10 n, 1, 28, 28) side by side, ten in a row."""
    return images.view(-1, 10, 28, 28).permute(0, 2, 1, 3).reshape(-1, 280)


def draw(path: Path, over_time: list[torch.Tensor], scores: list[float], of_real: float, last: torch.Tensor) -> None:
    """The same noise after every epoch, the score by epoch, and a page of the last drawings."""
    with plt.rc_context(STYLE | {"axes.grid": False}):
        figure, (early, curve, late) = plt.subplots(
            1, 3, figsize=(12, 4.4), layout="constrained", width_ratios=[1.25, 1, 1]
        )
        early.imshow(page(torch.cat(over_time)).numpy(), cmap="gray_r", vmin=0, vmax=1)
        early.set_title("The same noise, epoch by epoch")
        early.set_yticks([28 * row + 14 for row in range(len(over_time))], range(len(over_time)))
        early.set_ylabel("epoch")
        early.set_xticks([])
        curve.plot(range(len(scores)), scores, color="#1f5fbf", marker="o", linewidth=2, label="drawn")
        curve.axhline(of_real, color="#8a94a6", linestyle="--", label="real test pictures")
        curve.set_title("Inception score")
        curve.set_xlabel("epoch")
        curve.grid(True)
        curve.legend(loc="lower right")
        late.imshow(page(last).numpy(), cmap="gray_r", vmin=0, vmax=1)
        late.set_title("On demand: 0 to 9, ten times")
        late.set_axis_off()
        figure.savefig(path, dpi=90)
        plt.close(figure)


def main() -> None:
    short: dict[str, Any] = {"epochs": 2, "pictures": 10000}
    parser = options("mnist_dcgan.py", "A DCGAN on MNIST.", short=short, epochs=4, batch_size=64, lr=1e-3)
    parser.add_argument("--data", help="folder of the IDX files, if not $PLAIT_DATA")
    parser.add_argument("--pictures", type=int, default=20000, help="how many real pictures to learn from")
    args = parser.parse_args()
    start(args)

    train, test = MNIST(args.data, train=True), MNIST(args.data, train=False)
    part = TensorDataset(train.images[: args.pictures], train.targets[: args.pictures])
    loader = DataLoader(part, batch_size=args.batch_size, shuffle=True, drop_last=True)
    judge = Net()
    judged = (test.images[:JUDGED], test.targets[:JUDGED])
    print("a classifier, to judge the drawings:")
    fit(judge, loader, judged, epochs=1, lr=2e-3)
    of_real = inception_score(judge, judged[0])

    generator, critic = Generator(), Critic()
    args.optimizers = [
        torch.optim.Adam(net.parameters(), lr=args.lr, betas=(0.5, 0.999)) for net in (critic, generator)
    ]
    schedules = [torch.optim.lr_scheduler.LinearLR(one, 1.0, 0.1, total_iters=args.epochs) for one in args.optimizers]
    noise = torch.randn(JUDGED, NOISE)
    drawn = draw_digits(generator, noise)
    over_time, scores = [drawn[:10]], [inception_score(judge, drawn)]
    began = time.perf_counter()
    for epoch in range(1, args.epochs + 1):
        learn(generator, critic, loader, f"epoch {epoch:2d}/{args.epochs}", args)
        for schedule in schedules:
            schedule.step()
        drawn = draw_digits(generator, noise)
        over_time.append(drawn[:10])
        scores.append(inception_score(judge, drawn))
    seconds = time.perf_counter() - began

    reloaded = save_and_reload(generator, Generator(), args.output / "mnist_dcgan.safetensors")
    assert draw_digits(reloaded, noise).equal(drawn), "other drawings after reloading"
    right = (predict(judge, drawn).argmax(dim=1) == torch.arange(JUDGED) % 10).float().mean().item()
    figure = args.output / "mnist_dcgan.png"
    draw(figure, over_time, scores, of_real, drawn[:100])
    print(
        f"mnist_dcgan: inception score {scores[-1]:.2f}, {scores[-1] / of_real:.1%} of that of real pictures "
        f"({of_real:.2f}), {right:.1%} read as the digit that was wanted; the same after reloading; "
        f"{args.epochs} epochs in {seconds:.1f} s, figure in {figure}"
    )


if __name__ == "__main__":
    main()
