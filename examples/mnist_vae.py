# SPDX-License-Identifier: MIT
"""An autoencoder and a variational one on MNIST: what they rebuild, what they dream up, and the map they make.

    python examples/mnist_vae.py --data DIR

DIR holds the four IDX files (the default is the folder PLAIT_DATA names). With --download they are fetched.
Writes mnist_vae.safetensors (the weights of the variational one) and mnist_vae.png.

Both squeeze an image x through a code z of 20 numbers. The autoencoder's code is a point. The variational one's is a
cloud q(z|x) = N(mean, deviation^2), and what it minimises, -ELBO, is a bound on how surprised it is by x, in nats:

    -log p(x) <= -ELBO = E_q[-log p(x|z)] + KL(q(z|x) || N(0, 1))
    KL = the sum over the code of 1/2 (mean^2 + deviation^2 - 1 - log deviation^2)
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.ticker import MaxNLocator
from tqdm import tqdm

import plait
import plait.nn as nn
import plait.nn.functional as F
from plait.datasets import MNIST
from plait.utils.data import DataLoader

from _report import STYLE
from _training import options, save_and_reload, start

CODE = 20


class Autoencoder(nn.Module):
    """Images (N, 784) to scores of their pixels (N, 784), and the code's mean and log variance (N, CODE)."""

    def __init__(self, variational: bool) -> None:
        super().__init__()
        self.variational = variational
        self.encoder = nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 256), nn.ReLU())
        self.mean = nn.Linear(256, CODE)
        self.log_variance = nn.Linear(256, CODE)
        self.decoder = nn.Sequential(
            nn.Linear(CODE, 256), nn.ReLU(), nn.Linear(256, 512), nn.ReLU(), nn.Linear(512, 784)
        )

    def forward(self, x: plait.Tensor) -> tuple[plait.Tensor, plait.Tensor, plait.Tensor]:
        h = self.encoder(x)
        mean, log_variance = self.mean(h), self.log_variance(h)
        code = mean
        if self.variational:
            # z = mean + deviation * noise: the draw is outside of what is learned, so gradients pass through it.
            code = mean + (0.5 * log_variance).exp() * plait.randn_like(mean)
        return self.decoder(code), mean, log_variance


def losses(model: Autoencoder, x: plait.Tensor) -> tuple[plait.Tensor, plait.Tensor]:
    """-log p(x|z) and KL, each a mean over the images, in nats. Pixels between 0 and 1 count as probabilities."""
    scores, mean, log_variance = model(x)
    rebuilt = F.binary_cross_entropy_with_logits(scores, x, reduction="sum") / len(x)
    kl = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum() / len(x)
    return rebuilt, kl


@dataclass
class Curves:
    """One value per epoch, on test images, in nats; `train` while it learned."""

    train: list[float] = field(default_factory=list)
    rebuilt: list[float] = field(default_factory=list)
    kl: list[float] = field(default_factory=list)

    @property
    def negative_elbo(self) -> list[float]:
        return [a + b for a, b in zip(self.rebuilt, self.kl)]


@plait.no_grad()
def test(model: Autoencoder, images: plait.Tensor) -> tuple[float, float]:
    """The two losses over all images, one draw of the code each."""
    model.eval()
    both = plait.tensor([[loss.item() for loss in losses(model, part)] for part in images.split(1000)])
    rebuilt, kl = both.mean(dim=0).tolist()
    return rebuilt, kl


def fit(model: Autoencoder, train: plait.Tensor, held_out: plait.Tensor, epochs: int, batch: int, lr: float) -> Curves:
    """Adam under a cosine schedule; a KL only where the model is variational."""
    loader = DataLoader(train, batch_size=batch, shuffle=True)
    optimizer = plait.optim.Adam(model.parameters(), lr=lr)
    schedule = plait.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=epochs * len(loader))
    kind = "VAE" if model.variational else "autoencoder"
    curves = Curves()
    for epoch in range(1, epochs + 1):
        model.train()
        seen, total = 0, 0.0
        with tqdm(loader, desc=f"{kind} {epoch:2d}/{epochs}", unit="batch", ncols=100) as bar:
            for x in bar:
                rebuilt, kl = losses(model, x)
                loss = rebuilt + kl if model.variational else rebuilt
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                schedule.step()
                seen += len(x)
                total += loss.item() * len(x)
                bar.set_postfix_str(f"loss {total / seen:.1f} nats", refresh=False)
        rebuilt, kl = test(model, held_out)
        curves.train.append(total / seen)
        curves.rebuilt.append(rebuilt)
        curves.kl.append(kl)
    return curves


@plait.no_grad()
def codes(model: Autoencoder, images: plait.Tensor) -> plait.Tensor:
    """The means (N, CODE) of images (N, 784)."""
    return model.mean(model.encoder(images))


@plait.no_grad()
def rebuild(model: Autoencoder, images: plait.Tensor) -> plait.Tensor:
    """Images (N, 784) through the code and back, without noise."""
    return model.decoder(codes(model, images)).sigmoid()


@plait.no_grad()
def dream(model: Autoencoder, images: plait.Tensor, count: int) -> plait.Tensor:
    """New images (count, 784). The VAE's codes come from N(0, 1); the other's, for fairness, are as wide as its own."""
    noise = plait.randn(count, CODE)
    if not model.variational:
        z = codes(model, images)
        noise = z.mean(dim=0) + noise * z.std(dim=0)
    return model.decoder(noise).sigmoid()


def page(images: plait.Tensor, columns: int) -> plait.Tensor:
    """Images (N, 784) as one picture, row after row."""
    rows = len(images) // columns
    return images.view(rows, columns, 28, 28).transpose(1, 2).reshape(rows * 28, columns * 28)


def draw(
    path: Path, plain: Autoencoder, vae: Autoencoder, curves: Curves, test_set: MNIST, images: plait.Tensor
) -> None:
    with plt.rc_context(STYLE):
        figure = plt.figure(figsize=(12, 7.2), layout="constrained")
        left, right = figure.subfigures(1, 2, width_ratios=[1, 1.12])
        top, below = left.subfigures(2, 1, height_ratios=[1, 1.45])
        axes = top.subplots()
        epochs = range(1, len(curves.train) + 1)
        axes.plot(epochs, curves.train, color="#8a94a6", label="-ELBO, training")
        axes.plot(epochs, curves.negative_elbo, color="#1f5fbf", linewidth=2, marker="o", markersize=3.5,
                  label="-ELBO, test")  # fmt: skip
        axes.plot(epochs, curves.rebuilt, color="#2a9d6f", label="of it: image from code")
        axes.plot(epochs, curves.kl, color="#c0392b", label="of it: KL")
        axes.set(title=f"VAE, in nats: -ELBO {curves.negative_elbo[-1]:.1f}", xlabel="epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.legend(ncols=2, fontsize=9, loc="upper right")

        first = images[:10]
        rebuilt, dreamt = below.subplots(2, 1, height_ratios=[3, 4])
        rebuilt.imshow(page(plait.cat([first, rebuild(plain, first), rebuild(vae, first)]), 10), cmap="gray_r")
        rebuilt.set_title("Rebuilt: real, autoencoder, VAE")
        pair = plait.cat([page(dream(model, images, 20), 5) for model in (plain, vae)], dim=1)
        gap = plait.zeros(len(pair), 14)
        pair = plait.cat([pair[:, :140], gap, pair[:, 140:]], dim=1)
        dreamt.imshow(pair, cmap="gray_r")
        dreamt.set_title("From random codes: autoencoder (left), VAE (right)")
        for axes in (rebuilt, dreamt):
            axes.set_axis_off()

        # The 20 numbers of a code seen from the side on which they differ most: principal components.
        z = codes(vae, images)
        centred = z - z.mean(dim=0)
        _, _, directions = plait.linalg.svd(centred, full_matrices=False)
        flat = centred @ directions[:2].T  # (N, 2)
        axes = right.subplots()
        targets = test_set.targets
        axes.scatter(flat[:5000, 0], flat[:5000, 1], c=targets[:5000], cmap="tab10", s=5, alpha=0.6, linewidths=0)
        for digit in range(10):
            x, y = flat[targets == digit].median(dim=0).values.tolist()
            axes.text(x, y, str(digit), fontsize=15, fontweight="bold", ha="center", va="center",
                      bbox={"boxstyle": "circle,pad=0.15", "facecolor": "white", "edgecolor": plt.cm.tab10(digit),
                            "linewidth": 2})  # fmt: skip
        axes.set(title="Map of the VAE's codes, coloured by digit (it never saw the labels)", xticks=[], yticks=[])
        axes.set_xlabel("first principal component")
        axes.set_ylabel("second principal component")
        figure.savefig(path, dpi=80)
        plt.close(figure)


def main() -> None:
    parser = options("mnist_vae.py", "Train an autoencoder and a VAE on MNIST.", short={"epochs": 1},
                     epochs=12, batch_size=128, lr=2e-3)  # fmt: skip
    parser.add_argument("--data", help="folder of the IDX files, if not $PLAIT_DATA")
    parser.add_argument("--download", action="store_true", help="fetch the files that are missing")
    args = parser.parse_args()
    start(args)

    train_set = MNIST(args.data, train=True, download=args.download)
    test_set = MNIST(args.data, train=False, download=args.download)
    train, held_out = train_set.images.flatten(1), test_set.images.flatten(1)

    began = time.perf_counter()
    plain, vae = Autoencoder(variational=False), Autoencoder(variational=True)
    # The autoencoder is there to compare with, and has its fill sooner.
    fit(plain, train, held_out, max(1, args.epochs // 4), args.batch_size, args.lr)
    curves = fit(vae, train, held_out, args.epochs, args.batch_size, args.lr)
    seconds = time.perf_counter() - began

    errors = [F.mse_loss(rebuild(model, held_out), held_out).item() for model in (plain, vae)]
    reloaded = save_and_reload(vae, Autoencoder(variational=True), args.output / "mnist_vae.safetensors")
    assert plait.equal(rebuild(reloaded, held_out), rebuild(vae, held_out)), "the loaded weights give other numbers"
    figure = args.output / "mnist_vae.png"
    draw(figure, plain, reloaded, curves, test_set, held_out)
    print(
        f"mnist vae: -ELBO {curves.negative_elbo[-1]:.1f} nats on test images, rebuilt with a mean squared error of "
        f"{errors[0]:.4f} (autoencoder) and {errors[1]:.4f} (VAE), {args.epochs} epochs in {seconds:.1f} s, "
        f"figure in {figure}"
    )


if __name__ == "__main__":
    main()
