# SPDX-License-Identifier: MIT
"""XOR step by step: forward, gradients by hand, update; then the same net again with gradients by autograd.

    python examples/xor_by_hand.py

The first half is written as one writes it with NumPy: `@`, `.T`, `axis=0, keepdims=True`, `+=` mean what they mean
there, and arrays become tensors and back without a copy. The second half shows that `backward()` finds the same
numbers.
Writes xor_by_hand.npz (the weights) and xor_by_hand.png (losses, the difference of the two ways, the learned surface).
"""

from __future__ import annotations

import time
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from tqdm import tqdm

import plait
import plait.nn.functional as F

from _report import STYLE
from _training import options, start

Weights = dict[str, plait.Tensor]

# The four rows of the truth table, (4, 2), and what XOR says of them, (4, 1). float64, as NumPy's arrays are.
X = plait.tensor([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=plait.float64)
Y = plait.tensor([[0], [1], [1], [0]], dtype=plait.float64)


def initial_weights(seed: int, hidden: int) -> Weights:
    """NumPy draws them; plait takes them over. Tensors and arrays share one piece of memory here."""
    random = np.random.default_rng(seed)
    return {
        "W1": plait.from_numpy(random.standard_normal((2, hidden))),
        "b1": plait.from_numpy(np.zeros((1, hidden))),
        "W2": plait.from_numpy(random.standard_normal((hidden, 1))),
        "b2": plait.from_numpy(np.zeros((1, 1))),
    }


def sigmoid(z: plait.Tensor) -> plait.Tensor:
    return 1 / (1 + plait.exp(-z))


def forward(w: Weights, x: plait.Tensor) -> tuple[plait.Tensor, plait.Tensor]:
    """Inputs (n, 2) to the hidden layer (n, hidden) and the output (n, 1), a probability."""
    a1 = plait.tanh(x @ w["W1"] + w["b1"])
    a2 = sigmoid(a1 @ w["W2"] + w["b2"])
    return a1, a2


def loss_of(a2: plait.Tensor) -> plait.Tensor:
    """Binary cross-entropy, the mean of -[y log a + (1 - y) log(1 - a)]."""
    return -(Y * plait.log(a2) + (1 - Y) * plait.log(1 - a2)).mean()


def gradients_by_hand(w: Weights, a1: plait.Tensor, a2: plait.Tensor) -> Weights:
    """The chain rule, layer by layer from the end. L is the loss, n the number of rows.

    output:  z2 = a1 W2 + b2,  a2 = sigmoid(z2)    dL/dz2 = (a2 - y) / n
             dL/dW2 = a1' dL/dz2                   dL/db2 = the sum of dL/dz2 over the rows
    hidden:  z1 = x W1 + b1,  a1 = tanh(z1)        dL/dz1 = (dL/dz2 W2') * (1 - a1^2)
             dL/dW1 = x' dL/dz1                    dL/db1 = the sum of dL/dz1 over the rows
    """
    dz2 = (a2 - Y) / len(X)  # (4, 1): cross-entropy's 1 / (a (1 - a)) cancels sigmoid's slope
    dz1 = (dz2 @ w["W2"].T) * (1 - a1**2)  # (4, hidden)
    return {
        "W1": X.T @ dz1,
        "b1": dz1.sum(axis=0, keepdims=True),
        "W2": a1.T @ dz2,
        "b2": dz2.sum(axis=0, keepdims=True),
    }


def train_by_hand(w: Weights, steps: int, lr: float) -> list[float]:
    """Gradient descent with the formulas above; the loss of every step."""
    losses = []
    for _ in tqdm(range(steps), desc="by hand    ", unit="step", ncols=100):
        a1, a2 = forward(w, X)
        losses.append(float(loss_of(a2)))
        for name, gradient in gradients_by_hand(w, a1, a2).items():
            w[name] -= lr * gradient
    return losses


def train_by_autograd(w: Weights, steps: int, lr: float) -> list[float]:
    """The same, but backward() fills in .grad, and PyTorch's optimizer makes the step."""
    parameters = [tensor.requires_grad_() for tensor in w.values()]
    optimizer = plait.optim.SGD(parameters, lr=lr)
    losses = []
    for _ in tqdm(range(steps), desc="by autograd", unit="step", ncols=100):
        hidden = plait.tanh(X @ w["W1"] + w["b1"])
        loss = F.binary_cross_entropy_with_logits(hidden @ w["W2"] + w["b2"], Y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    for tensor in parameters:
        tensor.requires_grad_(False)
    return losses


def difference(one: Weights, other: Weights) -> float:
    """The largest difference of any two numbers."""
    return max(float((one[name] - other[name]).abs().max()) for name in one)


def first_gradients_differ(w: Weights) -> float:
    """One step looked at closely: the largest difference of a gradient by hand from autograd's."""
    by_hand = gradients_by_hand(w, *forward(w, X))
    leaves = {name: tensor.clone().requires_grad_() for name, tensor in w.items()}
    hidden = plait.tanh(X @ leaves["W1"] + leaves["b1"])
    F.binary_cross_entropy_with_logits(hidden @ leaves["W2"] + leaves["b2"], Y).backward()
    return difference(by_hand, {name: leaf.grad for name, leaf in leaves.items()})


def draw(path: Path, by_hand: list[float], by_autograd: list[float], w: Weights) -> None:
    with plt.rc_context(STYLE):
        figure, (curves, apart, surface) = plt.subplots(1, 3, figsize=(12, 3.8), layout="constrained")
        curves.plot(by_hand, color="#1f5fbf", linewidth=5, alpha=0.35, label="gradients by hand")
        curves.plot(by_autograd, color="#c0392b", linewidth=1.2, label="gradients by autograd")
        curves.set(title="Loss", xlabel="step", yscale="log")
        curves.legend()

        gap = np.abs(np.subtract(by_hand, by_autograd))
        apart.plot(np.maximum(gap, 1e-18), color="#8a94a6", linewidth=1)
        apart.axhline(1e-6, color="#c0392b", linestyle="--", linewidth=1, label="asked for: 1e-6")
        apart.set(title="How far the two losses are apart", xlabel="step", yscale="log", ylim=(1e-18, 1e-5))
        apart.legend(loc="center right")

        axis = np.linspace(-0.5, 1.5, 121)
        grid = plait.from_numpy(np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2))
        heights = forward(w, grid)[1].reshape(121, 121).numpy()
        colours = surface.contourf(axis, axis, heights, levels=np.linspace(0, 1, 21), cmap="RdBu", alpha=0.85)
        figure.colorbar(colours, ax=surface, ticks=[0, 0.5, 1], label="the net's answer")
        surface.contour(axis, axis, heights, levels=[0.5], colors="black", linewidths=1)
        for (a, b), y in zip(X.tolist(), Y[:, 0].tolist()):
            surface.text(a, b, f"{y:.0f}", ha="center", va="center", fontweight="bold",
                         bbox={"boxstyle": "circle", "facecolor": "white", "edgecolor": "black"})  # fmt: skip
        surface.set(title="What was learned", xlabel="first input", ylabel="second input", xticks=[0, 1], yticks=[0, 1])
        surface.grid(False)
        figure.savefig(path, dpi=100)
        plt.close(figure)


def main() -> None:
    parser = options("xor_by_hand.py", "XOR with gradients by hand, then by autograd.", short={"epochs": 1500},
                     epochs=3000, lr=0.5)  # fmt: skip
    parser.add_argument("--hidden", type=int, default=8, help="neurons in the hidden layer")
    args = parser.parse_args()
    start(args)

    began = time.perf_counter()
    first = first_gradients_differ(initial_weights(args.seed, args.hidden))
    print(f"first step: the gradients by hand and by autograd differ by at most {first:.1e}")
    w, v = initial_weights(args.seed, args.hidden), initial_weights(args.seed, args.hidden)
    by_hand = train_by_hand(w, args.epochs, args.lr)
    by_autograd = train_by_autograd(v, args.epochs, args.lr)
    apart = max(difference(w, v), float(np.abs(np.subtract(by_hand, by_autograd)).max()))
    assert apart < 1e-6, f"the two ways differ by {apart}"
    seconds = time.perf_counter() - began

    # np.savez takes tensors as it takes arrays.
    np.savez(args.output / "xor_by_hand.npz", **w)
    with np.load(args.output / "xor_by_hand.npz") as file:
        loaded = {name: plait.from_numpy(file[name]) for name in file.files}
    answers = forward(loaded, X)[1]
    assert plait.equal(answers, forward(w, X)[1]), "the loaded weights give other numbers"

    for (a, b), y, answer in zip(X.int().tolist(), Y[:, 0].tolist(), answers[:, 0].tolist()):
        print(f"{a} xor {b} = {y:.0f}, the net says {answer:.4f}")
    right = int(((answers > 0.5) == (Y > 0.5)).sum())
    figure = args.output / "xor_by_hand.png"
    draw(figure, by_hand, by_autograd, w)
    print(
        f"xor: {right} of 4 right, loss {by_hand[-1]:.5f}, by hand and by autograd apart by at most {apart:.1e}, "
        f"{args.epochs} steps twice in {seconds:.1f} s, figure in {figure}"
    )


if __name__ == "__main__":
    main()
