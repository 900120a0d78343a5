# SPDX-License-Identifier: MIT
"""Why does the network say so? Five explanations of a CNN on MNIST, on one page of pictures.

    python -m plait examples/explain_digits.py --data DIR

DIR holds the four IDX files (the default is the folder PLAIT_DATA names). Captum and SHAP are written for PyTorch,
which is plait here; LIME asks for a function on NumPy arrays. Needs `pip install captum shap lime`.
Writes explain_digits.safetensors (the weights) and explain_digits.png.

With f(x) the score of the digit that is read, and b an image to compare with (here a black one):

    saliency               |df/dx|
    integrated gradients   (x - b) * mean of df/dx between b and x;    they sum to f(x) - f(b)
    Grad-CAM               relu(sum over channels k of a_k A_k),       a_k the mean of df/dA_k over the picture
    SHAP (gradients)       integrated gradients, averaged over images b of the data
    LIME                   weights of a linear model of f, fitted to pictures with some regions wiped out

A map that does not depend on what was learned explains nothing (Adebayo et al., 2018). So each is drawn again for
the same network with random weights; the rank correlation of the two, over the pixels with ink, should be far below 1.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import shap
import torch
import torch.nn.functional as F
from captum.attr import IntegratedGradients, LayerAttribution, LayerGradCam, Saliency
from lime.lime_image import LimeImageExplainer
from scipy.stats import spearmanr
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from tqdm import tqdm

from plait.datasets import MNIST

from _report import STYLE, plt
from _training import fit, options, predict, save_and_reload, start

Method = Callable[[nn.Module, torch.Tensor, torch.Tensor], np.ndarray]


class Net(nn.Module):
    """Images (N, 1, 28, 28) to scores (N, 10)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 5, padding=2)
        self.conv2 = nn.Conv2d(16, 32, 5, padding=2)
        self.fc = nn.Linear(32 * 7 * 7, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        return self.fc(x.flatten(1))


def saliency(model: nn.Module, x: torch.Tensor, read: torch.Tensor) -> np.ndarray:
    return Saliency(model).attribute(x.clone().requires_grad_(), target=read)[:, 0].numpy()


def integrated(model: nn.Module, x: torch.Tensor, read: torch.Tensor) -> np.ndarray:
    return IntegratedGradients(model).attribute(x, target=read, n_steps=64)[:, 0].detach().numpy()


def grad_cam(model: nn.Module, x: torch.Tensor, read: torch.Tensor) -> np.ndarray:
    coarse = LayerGradCam(model, model.conv2).attribute(x, target=read, relu_attributions=True)  # (N, 1, 14, 14)
    return LayerAttribution.interpolate(coarse, (28, 28), "bilinear")[:, 0].detach().numpy()


def shap_gradients(background: torch.Tensor, model: nn.Module, x: torch.Tensor, read: torch.Tensor) -> np.ndarray:
    values = shap.GradientExplainer(model, background).shap_values(x, nsamples=100, rseed=0)  # (N, 1, 28, 28, 10)
    return np.stack([value[0, :, :, digit] for value, digit in zip(values, read.tolist(), strict=True)])


def lime(model: nn.Module, x: torch.Tensor, read: torch.Tensor) -> np.ndarray:
    def scores(pictures: np.ndarray) -> np.ndarray:
        """Grey pictures in three equal channels (N, 28, 28, 3) to probabilities (N, 10)."""
        return predict(model, torch.tensor(pictures[:, None, :, :, 0]).float()).softmax(dim=1).numpy()

    def regions(picture: np.ndarray) -> np.ndarray:
        """Squares of 4x4 pixels, numbered by rows."""
        row, column = np.indices(picture.shape[:2]) // 4
        return row * 7 + column

    maps = []
    for image, digit in zip(x[:, 0].numpy(), read.tolist(), strict=True):
        found = LimeImageExplainer(random_state=0).explain_instance(
            np.repeat(image[..., None], 3, axis=2).astype("float64"),
            scores, labels=(digit,), top_labels=None, hide_color=0, num_samples=300, batch_size=100,
            segmentation_fn=regions,
        )  # fmt: skip
        weight = dict(found.local_exp[digit])
        maps.append(np.vectorize(lambda region, weight=weight: weight.get(region, 0.0))(found.segments))
    return np.stack(maps)


def rank_correlation(a: np.ndarray, b: np.ndarray, x: np.ndarray) -> float:
    """Spearman's, averaged over the maps (N, 28, 28). Only pixels with ink count: on the black rest several
    methods are 0 whatever the weights are."""
    return float(np.mean([spearmanr(p[ink], q[ink]).statistic for p, q, ink in zip(a, b, x > 0, strict=True)]))


def draw(path: Path, x: np.ndarray, read: Any, maps: Any, random: Any, alike: dict[str, float], title: str) -> None:
    """Rows: the digits. Columns: the image, then each method with the trained and with random weights."""
    with plt.rc_context(STYLE):
        figure, grid = plt.subplots(len(x), 1 + 2 * len(maps), figsize=(12, 1.12 * len(x) + 1.2), layout="constrained")
        for axes in grid.flat:
            axes.set(xticks=[], yticks=[])
            axes.grid(False)
        for row in range(len(x)):
            grid[row, 0].imshow(x[row], cmap="gray_r")
            grid[row, 0].set_ylabel(f"read as {read[row]}", fontsize=9)
            for place, name in enumerate(maps):
                for column, values in ((1 + 2 * place, maps[name][row]), (2 + 2 * place, random[name][row])):
                    most = np.abs(values).max() or 1.0  # red speaks for the digit, blue against it
                    grid[row, column].imshow(values, cmap="RdBu_r", vmin=-most, vmax=most)
                    grid[row, column].contour(x[row], [0.5], colors="#404040", linewidths=0.5)
        for place, name in enumerate(maps):
            grid[0, 1 + 2 * place].set_title(name, fontsize=10)
            grid[-1, 1 + 2 * place].set_xlabel("trained", fontsize=9)
            grid[-1, 2 + 2 * place].set_xlabel(f"random\nalike {alike[name]:.2f}", fontsize=9)
        figure.suptitle(title, fontsize=14, x=0.01, ha="left")
        figure.savefig(path, dpi=80)
        plt.close(figure)


def main() -> None:
    parser = options(
        "explain_digits.py", "Explain a classifier of digits.",
        short={"epochs": 1, "images": 8000, "shown": 3}, epochs=2, batch_size=64, lr=2e-3,
    )  # fmt: skip
    parser.add_argument("--data", help="folder of the IDX files, if not $PLAIT_DATA")
    parser.add_argument("--images", type=int, default=30000, help="images to train on")
    parser.add_argument("--shown", type=int, default=6, help="digits to explain")
    args = parser.parse_args()
    start(args)

    train, test = MNIST(args.data, train=True), MNIST(args.data, train=False)
    part = TensorDataset(train.images[: args.images], train.targets[: args.images])
    checked = test.images[:2000], test.targets[:2000]
    model = Net()
    history = fit(
        model, DataLoader(part, batch_size=args.batch_size, shuffle=True), checked, epochs=args.epochs, lr=args.lr
    )
    trained = predict(model, checked[0])
    model = save_and_reload(model, Net(), args.output / "explain_digits.safetensors")
    assert torch.equal(predict(model, checked[0]), trained), "the reloaded network gives other scores"

    x = test.images[[int((test.targets == digit).nonzero()[1]) for digit in range(args.shown)]]
    read = predict(model, x).argmax(dim=1)
    torch.manual_seed(args.seed + 1)
    untrained = Net().eval()
    methods: dict[str, Method] = {
        "saliency": saliency,
        "integrated gradients": integrated,
        "Grad-CAM": grad_cam,
        "SHAP": functools.partial(shap_gradients, train.images[:50]),
        "LIME": lime,
    }
    maps, random = {}, {}
    for name, method in tqdm(methods.items(), desc="explanations", ncols=100):
        maps[name], random[name] = method(model, x, read), method(untrained, x, read)
    alike = {name: rank_correlation(maps[name], random[name], x[:, 0].numpy()) for name in methods}

    with torch.no_grad():
        scores, black = model(x), model(torch.zeros_like(x))
    difference = (scores - black).gather(1, read[:, None])[:, 0].numpy()
    error = float(np.abs(maps["integrated gradients"].sum((1, 2)) - difference).max() / np.abs(difference).max())
    print("alike with random weights: " + ", ".join(f"{name} {value:.2f}" for name, value in alike.items()))
    figure = args.output / "explain_digits.png"
    title = (
        f"What speaks for the digit (red) and against it (blue); {history.test_accuracy[-1]:.1%} of digits read right"
    )
    draw(figure, x[:, 0].numpy(), read.tolist(), maps, random, alike, title)
    print(
        f"explain_digits: test accuracy {history.test_accuracy[-1]:.2%}, {len(maps)} methods, integrated gradients sum "
        f"to the score within {error:.1%}, most alike with random weights {max(alike.values()):.2f}, figure in {figure}"
    )


if __name__ == "__main__":
    main()
