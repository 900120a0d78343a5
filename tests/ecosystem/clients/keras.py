# SPDX-License-Identifier: MIT
"""Jobs with keras."""

from __future__ import annotations

from typing import Any

from client import Client, pattern

client = Client("keras", "a CNN, and a network with LSTM and attention: fit, evaluate, predict")


@client.job
def sequential() -> Any:
    import keras
    import numpy as np
    from keras import layers

    x = np.asarray(pattern(96, 8, 8, 1).numpy())
    y = (x.mean((1, 2, 3)) > 0).astype("int64")
    model = keras.Sequential(
        [
            layers.Input((8, 8, 1)),
            layers.Conv2D(4, 3, activation="relu"),
            layers.BatchNormalization(),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(2, activation="softmax"),
        ]
    )
    model.set_weights(
        [np.asarray(pattern(*w.shape, seed=i).numpy()) * 0.3 + (i > 1) for i, w in enumerate(model.get_weights())]
    )
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(x, y, batch_size=32, epochs=2, shuffle=False, verbose=0)
    return [*history.history["loss"], *model.evaluate(x, y, verbose=0), *map(float, model.predict(x, verbose=0)[:3, 0])]


@client.job
def functional() -> Any:
    import keras
    import numpy as np
    from keras import layers

    tokens = (np.arange(60).reshape(5, 12) * 7) % 20
    inputs = layers.Input((12,))
    h = layers.Embedding(20, 8)(inputs)
    h = layers.LSTM(6, return_sequences=True)(h)
    h = layers.LayerNormalization()(h + layers.MultiHeadAttention(2, 3)(h, h))
    model = keras.Model(inputs, layers.Dense(1)(layers.GlobalAveragePooling1D()(h)))
    model.set_weights([np.asarray(pattern(*w.shape, seed=i).numpy()) * 0.5 for i, w in enumerate(model.get_weights())])
    model.compile("sgd", "mse")
    loss = model.train_on_batch(tokens, np.linspace(0, 1, 5)[:, None])
    return [float(loss), *map(float, model.predict(tokens, verbose=0)[:, 0])]
