# SPDX-License-Identifier: MIT
"""The first program of Keras' users: a Sequential 784-128-10, compiled, fitted and evaluated, on plait.

    python -m plait examples/keras_mnist.py --data DIR

DIR holds the four IDX files (the default is the folder PLAIT_DATA names). Keras is multi-backend; run by
`python -m plait` it takes its PyTorch backend, and PyTorch is plait here. Nothing else changes: layers, losses,
optimizers, metrics, callbacks and the progress bar are Keras' own. Needs `pip install keras`.
Writes keras_mnist.keras (the model) and keras_mnist.png (curves, confusion matrix, mistakes).
"""

from __future__ import annotations

import time

import keras
import numpy as np
from keras import layers

from plait.datasets import MNIST

from _report import draw_report
from _training import History, options, start


def build() -> keras.Sequential:
    """Images (N, 28, 28) to probabilities (N, 10)."""
    return keras.Sequential(
        [
            keras.Input(shape=(28, 28)),
            layers.Flatten(),  # (N, 784)
            layers.Dense(128, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )


def main() -> None:
    defaults = {"epochs": 5, "batch_size": 32, "lr": 1e-3}
    short = {"epochs": 2, "batch_size": 64, "lr": 2e-3}
    parser = options("keras_mnist.py", "Train a Keras Sequential on MNIST.", short=short, **defaults)
    parser.add_argument("--data", help="folder of the IDX files, if not $PLAIT_DATA")
    args = parser.parse_args()
    start(args)
    keras.utils.set_random_seed(args.seed)

    train, test = MNIST(args.data, train=True), MNIST(args.data, train=False)
    x_train, x_test = train.images[:, 0].numpy(), test.images[:, 0].numpy()  # (N, 28, 28) in [0, 1]
    y_train, y_test = train.targets.numpy(), test.targets.numpy()

    model = build()
    model.summary()
    model.compile(
        optimizer=keras.optimizers.Adam(args.lr),
        loss="sparse_categorical_crossentropy",  # targets are class numbers, not one-hot rows
        metrics=["accuracy"],
    )
    began = time.perf_counter()
    fitted = model.fit(
        x_train,
        y_train,
        batch_size=args.batch_size,
        epochs=args.epochs,
        validation_data=(x_test, y_test),
    )
    seconds = time.perf_counter() - began
    loss, accuracy = model.evaluate(x_test, y_test, verbose=0)

    file = args.output / "keras_mnist.keras"
    model.save(file)
    reloaded = keras.saving.load_model(file)
    assert reloaded.evaluate(x_test, y_test, verbose=0) == [loss, accuracy], "the reloaded model gives other numbers"

    history = History(
        train_loss=fitted.history["loss"],
        train_accuracy=fitted.history["accuracy"],
        test_loss=fitted.history["val_loss"],
        test_accuracy=fitted.history["val_accuracy"],
        seconds=seconds,
    )
    predicted = np.argmax(reloaded.predict(x_test, verbose=0), axis=1)
    figure = args.output / "keras_mnist.png"
    draw_report(figure, "MNIST by a Keras Sequential", history, x_test[:, None], y_test, predicted)
    print(
        f"keras_mnist: test accuracy {accuracy:.2%}, after reloading {np.mean(predicted == y_test):.2%}, "
        f"{args.epochs} epochs in {seconds:.1f} s on the {keras.backend.backend()} backend, figure in {figure}"
    )


if __name__ == "__main__":
    main()
