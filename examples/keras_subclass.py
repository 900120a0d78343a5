# SPDX-License-Identifier: MIT
"""A Keras Model by subclass, with one output and BinaryCrossentropy: is the digit in the picture odd?

    python -m plait examples/keras_subclass.py --data DIR

DIR holds the four IDX files (the default is the folder PLAIT_DATA names). A subclass makes its layers in
`__init__` and says in `call` what becomes of the input; compile, fit and evaluate are as for a Sequential. Keras
runs on its PyTorch backend, and PyTorch is plait here. Needs `pip install keras`.

The last layer gives a logit z. The probability is p = 1 / (1 + exp(-z)), and the loss of a target y in {0, 1} is

    L = -y log p - (1 - y) log(1 - p),    dL/dz = p - y

Writes keras_subclass.weights.h5 (the weights) and keras_subclass.png (curves, histogram of p, mistakes).
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers

from plait.datasets import MNIST

from _report import STYLE, plt
from _training import options, start


class OddOrEven(keras.Model):
    """Images (N, 28, 28) to logits (N, 1)."""

    def __init__(self) -> None:
        super().__init__()
        self.flatten = layers.Flatten()
        self.hidden = layers.Dense(128, activation="relu")
        self.dropout = layers.Dropout(0.2)
        self.logit = layers.Dense(1)

    def call(self, x: Any, training: bool = False) -> Any:
        x = self.hidden(self.flatten(x))
        # Keras hands `training` down: fit says True, evaluate and predict say False.
        return self.logit(self.dropout(x, training=training))


def build(lr: float) -> OddOrEven:
    model = OddOrEven()
    model.compile(
        optimizer=keras.optimizers.Adam(lr),
        loss=keras.losses.BinaryCrossentropy(from_logits=True),
        # A metric works on what the model gives: a logit is above 0 where the probability is above 1/2.
        metrics=[
            keras.metrics.BinaryAccuracy(name="accuracy", threshold=0.0),
            keras.metrics.AUC(name="auc", from_logits=True),
        ],
    )
    return model


def draw(path: Path, history: dict[str, list[float]], images: Any, odd: Any, p: Any, digits: Any) -> None:
    """Left: the loss. Middle: p of odd and of even digits. Right: the mistakes it was surest of."""
    with plt.rc_context(STYLE):
        figure = plt.figure(figsize=(12, 3.9), layout="constrained")
        curves, shares, mistakes = figure.subfigures(1, 3, width_ratios=[1, 1.05, 1])
        epochs = range(1, len(history["loss"]) + 1)
        axes = curves.subplots()
        axes.plot(epochs, history["loss"], color="#8a94a6", label="training (while it learns)")
        axes.plot(epochs, history["val_loss"], color="#1f5fbf", linewidth=2, marker="o", markersize=3.5, label="test")
        axes.set(title="Binary cross-entropy", xlabel="epoch", xticks=list(epochs), ylim=(0, None))
        axes.legend()

        axes = shares.subplots()
        for wanted, color, name in ((0, "#e08a1e", "even digits"), (1, "#1f5fbf", "odd digits")):
            axes.hist(p[odd == wanted], bins=np.linspace(0, 1, 41), color=color, alpha=0.75, label=name)
        axes.set_yscale("log")
        axes.set(title="Probability of odd, test images", xlabel="p")
        axes.legend(loc="upper center")

        surest = np.argsort(-np.abs(p - odd))[:12]
        mistakes.suptitle("The surest mistakes", fontsize=11, fontweight="bold", x=0.03, ha="left")
        for index, axes in zip(surest, mistakes.subplots(3, 4).flat, strict=True):
            axes.set_axis_off()
            axes.imshow(images[index], cmap="gray_r", vmin=0, vmax=1)
            axes.set_title(f"{digits[index]}: p {p[index]:.2f}", fontsize=9, loc="center", color="#c0392b")
        right = np.mean((p > 0.5) == odd)
        figure.suptitle(f"Odd or even, by a Keras Model: {right:.2%} of {len(p):,} test images right", fontsize=14,
                        x=0.01, ha="left")  # fmt: skip
        figure.savefig(path, dpi=80)
        plt.close(figure)


def main() -> None:
    defaults = {"epochs": 5, "batch_size": 64, "lr": 1e-3}
    parser = options("keras_subclass.py", "Train a Keras Model subclass on MNIST.", short={"epochs": 2}, **defaults)
    parser.add_argument("--data", help="folder of the IDX files, if not $PLAIT_DATA")
    args = parser.parse_args()
    start(args)
    keras.utils.set_random_seed(args.seed)

    train, test = MNIST(args.data, train=True), MNIST(args.data, train=False)
    x_train, x_test = train.images[:, 0].numpy(), test.images[:, 0].numpy()  # (N, 28, 28) in [0, 1]
    digits = test.targets.numpy()
    y_train, y_test = (train.targets.numpy() % 2).astype("float32"), (digits % 2).astype("float32")

    model = build(args.lr)
    began = time.perf_counter()
    before = model.evaluate(x_test, y_test, verbose=0, return_dict=True)
    history = model.fit(
        x_train, y_train, batch_size=args.batch_size, epochs=args.epochs, validation_data=(x_test, y_test)
    ).history
    seconds = time.perf_counter() - began
    after = model.evaluate(x_test, y_test, verbose=0, return_dict=True)

    file = args.output / "keras_subclass.weights.h5"
    model.save_weights(file)
    reloaded = build(args.lr)
    reloaded(x_test[:1])  # a subclass has its weights once it has seen an input
    reloaded.optimizer.build(reloaded.trainable_variables)  # its averages are in the file too
    reloaded.load_weights(file)
    assert reloaded.evaluate(x_test, y_test, verbose=0, return_dict=True) == after, "reloading changed the numbers"

    p = 1 / (1 + np.exp(-reloaded.predict(x_test, verbose=0)[:, 0].astype("float64")))
    figure = args.output / "keras_subclass.png"
    draw(figure, history, x_test, y_test, p, digits)
    print(
        f"keras_subclass: test loss {before['loss']:.3f} before, {after['loss']:.3f} after {args.epochs} epochs in "
        f"{seconds:.1f} s, accuracy {after['accuracy']:.2%}, AUC {after['auc']:.4f}, reloaded equal, figure in {figure}"
    )


if __name__ == "__main__":
    main()
