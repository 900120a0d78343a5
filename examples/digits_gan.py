# SPDX-License-Identifier: MIT
"""A GAN that learns to draw 8x8 digits on demand, from scikit-learn's real ones.

    python examples/digits_gan.py

Writes digits_gan.png: ten drawings of each digit beside ten real ones.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from tqdm import tqdm

import plait
import plait.nn as nn
import plait.nn.functional as F
from plait.datasets import Digits
from plait.utils.data import DataLoader

NOISE = 32


class Generator(nn.Module):
    """Noise (N, NOISE) and the wanted digits (N,) to images (N, 1, 8, 8)."""

    def __init__(self) -> None:
        super().__init__()
        self.start = nn.Linear(NOISE + 10, 128 * 2 * 2)
        self.grow = nn.Sequential(
            nn.BatchNorm2d(128), nn.ReLU(),
            nn.ConvTranspose2d(128, 64, 4, 2, 1), nn.BatchNorm2d(64), nn.ReLU(),
            nn.ConvTranspose2d(64, 1, 4, 2, 1), nn.Sigmoid(),
        )  # fmt: skip

    def forward(self, noise: plait.Tensor, digits: plait.Tensor) -> plait.Tensor:
        wanted = F.one_hot(digits, 10).float()
        return self.grow(self.start(plait.cat([noise, wanted], dim=1)).view(-1, 128, 2, 2))


class Critic(nn.Module):
    """Images (N, 1, 8, 8) and the digits they should show (N,) to one score each: real or drawn."""

    def __init__(self) -> None:
        super().__init__()
        self.look = nn.Sequential(
            nn.Conv2d(11, 64, 4, 2, 1), nn.LeakyReLU(0.2), nn.Dropout(0.3),
            nn.Conv2d(64, 128, 4, 2, 1), nn.LeakyReLU(0.2), nn.Dropout(0.3),
            nn.Flatten(), nn.Linear(128 * 2 * 2, 1), nn.Flatten(0),
        )  # fmt: skip

    def forward(self, images: plait.Tensor, digits: plait.Tensor) -> plait.Tensor:
        wanted = F.one_hot(digits, 10).float()[:, :, None, None].expand(-1, 10, 8, 8)
        return self.look(plait.cat([images, wanted], dim=1))


def draw(path: Path, drawn: plait.Tensor, real: plait.Tensor) -> None:
    """Two panels of 10 x 10 images (100, 1, 8, 8), a row per digit."""
    figure, panels = plt.subplots(1, 2, figsize=(10, 5.2), layout="constrained")
    for axes, title, images in zip(panels, ("drawn by the generator", "real"), (drawn, real)):
        framed = F.pad(images, (2, 2, 2, 2))  # 12x12
        page = framed.view(10, 10, 12, 12).permute(0, 2, 1, 3).reshape(120, 120)
        axes.imshow(page.numpy(), cmap="gray_r", vmin=0, vmax=1)
        axes.set_title(title, loc="left", fontweight="bold")
        axes.set_axis_off()
    figure.savefig(path, dpi=110)
    plt.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(description="Train a GAN on Digits.")
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--output", type=Path, default=Path(__file__).parent, help="folder for the figure")
    args = parser.parse_args()
    plait.manual_seed(args.seed)
    if args.threads is not None:
        plait.set_num_threads(args.threads)
    args.output.mkdir(parents=True, exist_ok=True)

    digits = Digits(train=True)
    loader = DataLoader(digits, batch_size=args.batch_size, shuffle=True, drop_last=True)
    generator, critic = Generator(), Critic()
    step_g = plait.optim.Adam(generator.parameters(), lr=args.lr, betas=(0.5, 0.999))
    step_c = plait.optim.Adam(critic.parameters(), lr=args.lr, betas=(0.5, 0.999))

    began = time.perf_counter()
    with tqdm(range(args.epochs), unit="epoch", ncols=100) as bar:
        for _ in bar:
            for real, targets in loader:
                drawn = generator(plait.randn(len(real), NOISE), targets)
                # Real images are scored 0.9, not 1: a critic that is never quite sure teaches better.
                loss_c = F.binary_cross_entropy_with_logits(
                    critic(real, targets), plait.full((len(real),), 0.9)
                ) + F.binary_cross_entropy_with_logits(critic(drawn.detach(), targets), plait.zeros(len(real)))
                step_c.zero_grad()
                loss_c.backward()
                step_c.step()

                loss_g = F.binary_cross_entropy_with_logits(critic(drawn, targets), plait.ones(len(real)))
                step_g.zero_grad()
                loss_g.backward()
                step_g.step()
            bar.set_postfix_str(f"critic {loss_c.item():.3f}, generator {loss_g.item():.3f}")
    seconds = time.perf_counter() - began

    generator.eval()
    rows = plait.arange(10).repeat_interleave(10)
    with plait.no_grad():
        drawn = generator(plait.randn(100, NOISE), rows)
    real = plait.cat([digits.images[digits.targets == digit][:10] for digit in range(10)])
    figure = args.output / "digits_gan.png"
    draw(figure, drawn, real)
    print(f"digits gan: {args.epochs} epochs in {seconds:.1f} s, figure in {figure}")


if __name__ == "__main__":
    main()
