# SPDX-License-Identifier: MIT
"""Jobs with keras, on its torch backend."""

from __future__ import annotations

import math
import tempfile
from pathlib import Path
from typing import Any

import client as shared

client = shared.Client(
    "keras",
    "Sequential, functional and subclassed models; layers, losses, metrics, optimizers, callbacks, files, own training "
    "loops, TorchModuleWrapper, DataLoader; keras.ops; 7 of keras.applications",
    "TensorFlow's parts: tf.data, text layers, export",
)
OPTIMIZERS = "SGD RMSprop Adam AdamW Adagrad Adadelta Adamax Nadam Ftrl Lion Adafactor Lamb Muon"
LOSSES = (
    "BinaryCrossentropy BinaryFocalCrossentropy CategoricalCrossentropy CategoricalFocalCrossentropy "
    "CategoricalHinge CosineSimilarity Dice Hinge Huber KLDivergence LogCosh MeanAbsoluteError "
    "MeanAbsolutePercentageError MeanSquaredError MeanSquaredLogarithmicError Poisson SquaredHinge Tversky"
)


def pattern(*shape: int, seed: int = 0) -> Any:
    """The numbers of all jobs, as an array."""
    return shared.pattern(*shape, seed=seed).numpy()


def set_weights(model: Any) -> Any:
    """Give every variable numbers of the size that training starts from; moving variances stay positive."""
    values = []
    for i, w in enumerate(model.weights):
        if len(w.shape) > 1:
            values.append(pattern(*w.shape, seed=i) / math.sqrt(math.prod(w.shape[:-1]) / 3))
        elif "variance" in w.path or "gamma" in w.path:
            values.append(pattern(*w.shape, seed=i) * 0.2 + 1)
        elif w.dtype == "float32":
            values.append(pattern(*w.shape, seed=i) * 0.1)
        else:
            values.append(w.numpy())
    model.set_weights(values)
    return model


def summary(t: Any) -> list[float]:
    """Mean, mean of squares, first and last number."""
    import keras
    import numpy as np

    a = np.asarray(keras.ops.convert_to_numpy(t), dtype="float64").reshape(-1)
    return [float(a.mean()), float((a * a).mean()), float(a[0]), float(a[-1])]


def trained(model: Any, *args: Any, **kwargs: Any) -> list[float]:
    """All numbers of the history of fit()."""
    history = model.fit(*args, shuffle=False, verbose=0, **kwargs).history
    return [float(x) for name in sorted(history) for x in history[name]]


# ---- models ----


@client.job
def sequential() -> Any:
    import keras
    from keras import layers

    x = pattern(96, 8, 8, 1)
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
    set_weights(model).compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
    losses = trained(model, x, y, batch_size=32, epochs=2, validation_data=(x[:20], y[:20]))
    return [losses, *model.evaluate(x, y, verbose=0), summary(model.predict(x, verbose=0))]


@client.job
def subclass() -> Any:
    import keras

    class Net(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.hidden = keras.layers.Dense(16, activation=keras.activations.tanh)
            self.out = keras.layers.Dense(1, activation="sigmoid")

        def call(self, inputs: Any, training: bool = False) -> Any:
            return self.out(self.hidden(inputs))

    x = pattern(200, 2)
    y = (x[:, 0] * x[:, 1] > 0).astype("float32")
    model = Net()
    model(x[:1])
    set_weights(model).compile("adam", keras.losses.BinaryCrossentropy(), metrics=["accuracy", keras.metrics.AUC()])
    return [trained(model, x, y, epochs=3, batch_size=20, validation_split=0.1), summary(model.predict(x, verbose=0))]


@client.job
def several_inputs_and_outputs() -> Any:
    import keras
    from keras import layers

    title, picture = layers.Input((6,), name="title", dtype="int32"), layers.Input((8, 8, 3), name="picture")
    t = layers.Bidirectional(layers.GRU(5))(layers.Embedding(20, 4, mask_zero=True)(title))
    p = layers.GlobalAveragePooling2D()(layers.SeparableConv2D(7, 3, padding="same", activation="gelu")(picture))
    h = layers.Dropout(0.0)(layers.concatenate([t, p]))
    outputs = {
        "price": layers.Dense(1, name="price")(h),
        "kind": layers.Dense(3, activation="softmax", name="kind")(h),
    }
    model = set_weights(keras.Model({"title": title, "picture": picture}, outputs))
    model.compile(
        keras.optimizers.RMSprop(0.005),
        {"price": "mse", "kind": keras.losses.CategoricalFocalCrossentropy()},
        loss_weights={"price": 0.3, "kind": 1.0},
        metrics={"price": ["mae"], "kind": ["accuracy", keras.metrics.TopKCategoricalAccuracy(2)]},
    )
    n = 24
    x = {"title": (abs(pattern(n, 6, seed=1)) * 19.9).astype("int32"), "picture": pattern(n, 8, 8, 3, seed=2)}
    kinds = keras.utils.to_categorical((abs(pattern(n, seed=3)) * 2.9).astype(int), 3)
    y = {"price": pattern(n, 1, seed=4), "kind": kinds}
    losses = trained(
        model,
        x,
        y,
        epochs=2,
        batch_size=8,
        sample_weight={"price": abs(x["picture"]).mean((1, 2, 3)), "kind": x["title"][:, 0] + 1.0},
    )
    made = model.predict(x, verbose=0)
    return [losses, summary(made["price"]), summary(made["kind"])]


@client.job
def recurrent() -> Any:
    import keras
    from keras import layers

    x = keras.Input((7, 6))
    h = layers.Bidirectional(layers.LSTM(4, return_sequences=True), merge_mode="sum")(x)
    h = layers.GRU(5, return_sequences=True, reset_after=False, go_backwards=True)(h)
    h = layers.LSTM(3, return_sequences=True, unroll=True, activation="relu")(h)
    h, *state = layers.SimpleRNN(4, return_sequences=True, return_state=True)(layers.Masking()(h))
    h = layers.RNN([layers.GRUCell(3), layers.LSTMCell(3)])(h, initial_state=None)
    model = set_weights(keras.Model(x, [layers.Dense(1)(h), *state]))
    model.compile(keras.optimizers.SGD(0.1, momentum=0.9, nesterov=True), ["mse", "mae"])
    losses = trained(model, pattern(10, 7, 6), [pattern(10, 1), pattern(10, 4)], epochs=3, batch_size=5)
    frames = set_weights(keras.Sequential([layers.Input((3, 6, 6, 2)), layers.ConvLSTM2D(3, 3, padding="same")]))
    return [losses, *map(summary, model.predict(pattern(3, 7, 6), verbose=0)), summary(frames(pattern(2, 3, 6, 6, 2)))]


@client.job
def attention() -> Any:
    import keras
    from keras import layers

    x = keras.Input((9, 8))
    h = layers.MultiHeadAttention(2, 4)(x, x, use_causal_mask=True)
    h = layers.LayerNormalization()(x + h)
    h = layers.GroupQueryAttention(4, 4, 2)(h, h) + layers.AdditiveAttention()([h, h]) + layers.Attention()([h, h])
    h = layers.RMSNormalization()(layers.GroupNormalization(2)(h))
    h = layers.EinsumDense("abc,cd->abd", (None, 5), activation="silu")(h)
    model = set_weights(keras.Model(x, layers.Dense(1)(layers.GlobalMaxPooling1D()(h))))
    model.compile(keras.optimizers.AdamW(0.01), keras.losses.Huber())
    return [trained(model, pattern(12, 9, 8), pattern(12, 1), epochs=2, batch_size=4)]


@client.job
def convolutions() -> Any:
    from keras import layers

    made = []
    for layer, shape in (
        (layers.Conv1D(4, 3, strides=2, padding="causal"), (2, 9, 3)),
        (layers.Conv2D(6, 3, groups=3, dilation_rate=2, padding="same"), (2, 9, 8, 3)),
        (layers.Conv3D(2, 2, padding="same", strides=2), (1, 5, 6, 7, 2)),
        (layers.DepthwiseConv2D(3, depth_multiplier=2, strides=2, padding="same"), (2, 7, 8, 3)),
        (layers.SeparableConv1D(4, 3), (2, 9, 3)),
        (layers.Conv1DTranspose(4, 3, strides=2, padding="same"), (2, 5, 3)),
        (layers.Conv2DTranspose(4, 4, strides=3, output_padding=1), (2, 5, 4, 3)),
        (layers.AveragePooling2D(3, 2, padding="same"), (2, 7, 8, 3)),
        (layers.MaxPooling2D((2, 3), padding="same"), (2, 7, 8, 3)),
        (layers.UpSampling2D((2, 3), interpolation="bilinear"), (1, 4, 5, 2)),
        (layers.ZeroPadding2D(((1, 0), (2, 1))), (1, 3, 4, 2)),
        (layers.SpectralNormalization(layers.Conv2D(4, 3)), (1, 5, 6, 2)),
    ):
        layer.build(shape)
        if not isinstance(layer, layers.SpectralNormalization):
            made.append(summary(set_weights(layer)(pattern(*shape))))
        else:
            set_weights(layer)
            made.append(summary(layer(pattern(*shape), training=True)))
    return made


# ---- what training needs ----


@client.job
def optimizers() -> Any:
    import keras

    made = []
    for name in OPTIMIZERS.split():
        model = set_weights(keras.Sequential([keras.Input((4,)), keras.layers.Dense(5), keras.layers.Dense(1)]))
        kind = getattr(keras.optimizers, name)
        plain = name != "Muon"
        optimizer = kind(0.05, clipnorm=0.5, use_ema=True, ema_momentum=0.9) if plain else kind(0.05)
        model.compile(keras.optimizers.LossScaleOptimizer(optimizer) if name == "Adam" else optimizer, "mse")
        made.append(trained(model, pattern(12, 4), pattern(12, 1, seed=5), batch_size=4, epochs=2))
    return made


@client.job
def schedules() -> Any:
    import keras

    s = keras.optimizers.schedules
    return [
        [float(schedule(step)) for step in (0, 3, 10, 25)]
        for schedule in (
            s.CosineDecay(0.1, 20, alpha=0.1, warmup_target=0.3, warmup_steps=5),
            s.CosineDecayRestarts(0.1, 7),
            s.ExponentialDecay(0.1, 5, 0.9, staircase=True),
            s.InverseTimeDecay(0.1, 4, 0.5),
            s.PiecewiseConstantDecay([2, 12], [1.0, 0.5, 0.1]),
            s.PolynomialDecay(0.1, 8, cycle=True),
        )
    ]


@client.job
def losses() -> Any:
    import keras

    y, p = abs(pattern(6, 4)), abs(pattern(6, 4, seed=1)) * 0.9 + 0.05
    y, p = y / y.sum(1, keepdims=True), p / p.sum(1, keepdims=True)
    hard = (y > 0.3).astype("float32")
    made = []
    for name in LOSSES.split():
        function = getattr(keras.losses, name)()
        made.append(float(function(hard if "inary" in name or "inge" in name else y, p)))
    labels = y.argmax(1)
    made.append(float(keras.losses.SparseCategoricalCrossentropy(from_logits=True)(labels, p)))
    made.append(float(keras.losses.CTC()((abs(pattern(3, 4)) * 2.9 + 1).astype(int), pattern(3, 9, 5))))
    made.append(float(keras.losses.Circle()(labels, p)))
    return made


@client.job
def metrics() -> Any:
    import keras

    m = keras.metrics
    p = abs(pattern(40, seed=1))
    y = (abs(pattern(40)) + p > 0.9).astype("float32")
    made = []
    for metric in (
        m.AUC(),
        m.AUC(curve="PR"),
        m.BinaryAccuracy(),
        m.Precision(),
        m.Recall(thresholds=[0.3, 0.6]),
        m.PrecisionAtRecall(0.7),
        m.SensitivityAtSpecificity(0.6),
        m.FalsePositives(),
        m.BinaryIoU(),
        m.MeanSquaredError(),
        m.RootMeanSquaredError(),
        m.R2Score(),
        m.F1Score(average="micro"),
        m.LogCoshError(),
        m.PearsonCorrelation(axis=0),
        m.ConcordanceCorrelation(axis=0),
    ):
        for i in (0, 20):
            metric.update_state(y[i : i + 20, None], p[i : i + 20, None])
        made.append(keras.ops.convert_to_numpy(metric.result()).reshape(-1).tolist())
    mean = m.MeanIoU(3)
    mean.update_state((abs(pattern(30)) * 2.9).astype(int), (abs(pattern(30, seed=9)) * 2.9).astype(int))
    top = m.SparseTopKCategoricalAccuracy(2)
    top.update_state((abs(pattern(30)) * 5).astype(int) % 5, pattern(30, 5))
    return [made, float(mean.result()), float(top.result())]


@client.job
def callbacks() -> Any:
    import keras

    x, y = pattern(40, 3), pattern(40, 1, seed=1)

    def model() -> Any:
        m = set_weights(keras.Sequential([keras.Input((3,)), keras.layers.Dense(4), keras.layers.Dense(1)]))
        m.compile(keras.optimizers.SGD(0.3), "mse")
        return m

    made = []
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        c = keras.callbacks
        best = str(place / "best.keras")
        calls = [
            c.EarlyStopping(monitor="val_loss", patience=4, restore_best_weights=True),
            c.ModelCheckpoint(best, monitor="val_loss", save_best_only=True),
            c.ReduceLROnPlateau(monitor="val_loss", factor=0.3, patience=1, min_delta=0.01),
            c.CSVLogger(str(place / "log.csv")),
            c.TerminateOnNaN(),
            c.BackupAndRestore(str(place / "backup")),
        ]
        m = model()
        made.append(trained(m, x, y, epochs=12, batch_size=8, validation_split=0.25, callbacks=calls))
        made.append(m.evaluate(x, y, verbose=0))
        made.append(keras.saving.load_model(best).evaluate(x, y, verbose=0))
        made.append([float(n) for line in (place / "log.csv").read_text().split()[1:] for n in line.split(",")])
        rate = c.LearningRateScheduler(lambda epoch, lr: lr * (0.5 if epoch else 1))
        seen: list[float] = []
        watch = c.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(logs["loss"]))
        made.append(trained(model(), x, y, epochs=3, callbacks=[rate, watch]))
        made.append(seen)
    return made


@client.job
def files() -> Any:
    import keras
    from keras import layers

    @keras.saving.register_keras_serializable("jobs")
    class Scaled(layers.Layer):
        def __init__(self, by: float = 2.0, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.by = by

        def build(self, shape: Any) -> None:
            self.shift = self.add_weight(shape=(shape[-1],), initializer="ones")

        def call(self, x: Any) -> Any:
            return x * self.by + self.shift

        def get_config(self) -> dict[str, Any]:
            return {**super().get_config(), "by": self.by}

    model = keras.Sequential([layers.Input((5,)), layers.Dense(4, "relu"), Scaled(3.0), layers.BatchNormalization()])
    set_weights(model).compile("adam", "mse")
    x, y = pattern(16, 5), pattern(16, 4, seed=2)
    model.fit(x, y, epochs=1, shuffle=False, verbose=0)
    with tempfile.TemporaryDirectory() as folder:
        model.save(f"{folder}/whole.keras")
        model.save_weights(f"{folder}/only.weights.h5")
        copies = [keras.saving.load_model(f"{folder}/whole.keras")]
        copies.append(keras.models.clone_model(model))
        copies[-1].load_weights(f"{folder}/only.weights.h5")
        copies.append(keras.models.model_from_json(model.to_json()))
        copies[-1].set_weights(model.get_weights())
    losses = [trained(m, x, y, epochs=2) for m in (model, copies[0])]  # the state of the optimizer was saved
    return [losses, *[summary(copy(x)) for copy in copies]]


@client.job
def loop_with_torch() -> Any:
    import keras
    import torch

    model = set_weights(keras.Sequential([keras.Input((4,)), keras.layers.Dense(8, "relu"), keras.layers.Dense(1)]))
    made = []
    for optimizer in (torch.optim.Adam(model.parameters(), lr=0.01), keras.optimizers.Adam(0.01)):
        for i in range(3):
            x, y = torch.from_numpy(pattern(8, 4, seed=i)), torch.from_numpy(pattern(8, 1, seed=i + 1))
            model.zero_grad()
            loss = keras.ops.mean(keras.losses.mean_squared_error(y, model(x, training=True)))
            loss.backward()
            with torch.no_grad():
                if isinstance(optimizer, torch.optim.Optimizer):
                    optimizer.step()
                else:
                    optimizer.apply([w.value.grad for w in model.trainable_weights], model.trainable_weights)
            made.append(loss.item())
    return [made, summary(model(pattern(5, 4)))]


@client.job
def own_step() -> Any:
    import keras
    import torch

    class Model(keras.Model):
        def train_step(self, data: Any) -> Any:
            x, y = data
            self.zero_grad()
            loss = self.compute_loss(y=y, y_pred=self(x, training=True))
            loss.backward()
            weights = self.trainable_weights
            with torch.no_grad():
                self.optimizer.apply([w.value.grad for w in weights], weights)
            for metric in self.metrics:
                metric.update_state(loss) if metric.name == "loss" else metric.update_state(y, self(x))
            return {m.name: m.result() for m in self.metrics}

    inputs = keras.Input((4,))
    model = set_weights(Model(inputs, keras.layers.Dense(1)(keras.layers.Dense(8, "elu")(inputs))))
    model.compile("adam", "mse", metrics=["mae"])
    return trained(model, pattern(20, 4), pattern(20, 1, seed=3), epochs=2, batch_size=5)


@client.job
def module_of_torch() -> Any:
    import keras
    import torch

    class Net(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            inner = torch.nn.Sequential(torch.nn.Linear(4, 6), torch.nn.BatchNorm1d(6), torch.nn.Tanh())
            with torch.no_grad():
                for i, p in enumerate(inner.parameters()):
                    p.copy_(torch.from_numpy(pattern(*p.shape, seed=i)))
            self.inner = keras.layers.TorchModuleWrapper(inner)
            self.out = keras.layers.Dense(1, kernel_initializer="ones")

        def call(self, x: Any) -> Any:
            return self.out(self.inner(x))

    model = Net()
    model.compile(keras.optimizers.SGD(0.1), "mse")
    return [
        trained(model, pattern(24, 4), pattern(24, 1, seed=3), epochs=3, batch_size=8),
        len(model.trainable_weights),
    ]


@client.job
def sources_of_data() -> Any:
    import keras
    import torch

    class Batches(keras.utils.PyDataset):
        def __len__(self) -> int:
            return 5

        def __getitem__(self, i: int) -> Any:
            return pattern(4, 3, seed=i), pattern(4, 1, seed=i + 1)

    def generator() -> Any:
        i = 0
        while True:
            yield pattern(4, 3, seed=i), pattern(4, 1, seed=i + 1)
            i = (i + 1) % 5

    x, y = pattern(20, 3, seed=7), pattern(20, 1, seed=8)
    loader = torch.utils.data.DataLoader(
        torch.utils.data.TensorDataset(torch.from_numpy(x), torch.from_numpy(y)), batch_size=6
    )
    made = []
    for data, options in (
        (Batches(workers=2, use_multiprocessing=False), {}),
        (generator(), {"steps_per_epoch": 5}),
        (loader, {}),
    ):
        model = set_weights(keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)]))
        model.compile(keras.optimizers.SGD(0.1), "mse")
        history = model.fit(data, epochs=2, verbose=0, shuffle=False, **options).history
        made += [history["loss"], model.evaluate(loader, verbose=0), summary(model.predict(loader, verbose=0))]
    return made


@client.job
def mixed_precision() -> Any:
    import keras

    made = []
    for name in ("mixed_bfloat16", "mixed_float16"):
        layer = keras.layers.Dense(8, dtype=name)
        layer.build((None, 16))
        set_weights(layer)
        x = pattern(4, 16)
        out = layer(x)
        made.append([str(out.dtype)[-8:] == name[6:][-8:], layer.kernel.dtype == "float32"])
        made.append([round(v, 2) for v in summary(keras.ops.cast(out, "float32"))])
    return made


# ---- keras.ops ----


@client.job
def ops_of_matrices() -> Any:
    from keras import ops

    a = pattern(3, 5, 5) + 3 * ops.convert_to_numpy(ops.eye(5))
    b = pattern(3, 5, 2, seed=1)
    positive = ops.matmul(a, ops.transpose(a, (0, 2, 1)))
    q, r = ops.qr(a)
    lu, _ = ops.lu_factor(a)
    made = [
        ops.cholesky(positive),
        ops.cholesky_inverse(ops.cholesky(positive)),
        ops.det(a),
        ops.inv(a),
        ops.solve(a, b),
        ops.solve_triangular(a, b, lower=True),
        ops.matmul(q, r),
        ops.abs(r),
        lu,
        ops.eigh(positive)[0],
        ops.svd(a, compute_uv=False),
        ops.lstsq(pattern(7, 3), pattern(7, 2, seed=2)),
        ops.norm(a, ord="nuc", axis=(1, 2)),
        ops.norm(a, ord=3, axis=1),
        ops.logdet(positive),
        ops.slogdet(a)[1],
        ops.einsum("bij,bjk,bik->b", a, a, a),
        ops.tensordot(a, b, [[0, 1], [0, 1]]),
        ops.kron(a[0, :2, :2], b[0]),
        ops.jvp(lambda x: ops.sin(x) * x, (ops.convert_to_tensor(a[0]),), (ops.convert_to_tensor(a[1]),))[1],
    ]
    return [summary(m) for m in made]


@client.job
def ops_of_signals() -> Any:
    import numpy as np
    from keras import ops

    x, im = pattern(2, 64), pattern(2, 64, seed=1)
    real, imaginary = ops.stft(x, 16, 8, 16)
    made = [
        *ops.fft((x, im)),
        *ops.fft2((pattern(4, 6), pattern(4, 6, seed=2))),
        *ops.rfft(x),
        ops.irfft(ops.rfft(x)),
        real,
        imaginary,
        ops.istft((real, imaginary), 16, 8, 16),
        ops.extract_sequences(x, 8, 4),
        ops.logsumexp(x, axis=1),
        ops.erf(x),
        ops.erfinv(x),
        ops.segment_sum(x[0], (abs(im[0]) * 4.9).astype(int), num_segments=5),
        ops.in_top_k(np.arange(4), pattern(4, 5), 2),
        ops.cumsum(x, axis=1),
        ops.associative_scan(ops.add, x, axis=1),
        ops.correlate(x[0], im[0], mode="full"),
        ops.histogram(x[0], bins=7)[0],
        ops.digitize(x, np.linspace(-1, 1, 5)),
        ops.quantile(x, 0.3, axis=1),
        ops.median(x),
        ops.searchsorted(np.sort(x[0]), im[0]),
        ops.top_k(x, 3)[0],
        ops.argsort(x)[:, :5],
        ops.view_as_real(ops.view_as_complex(pattern(3, 2))),
    ]
    return [summary(m) for m in made]


@client.job
def ops_of_pictures() -> Any:
    from keras import ops

    x = abs(pattern(2, 7, 9, 3))
    shear = [[1.1, 0.2, -1.0, 0.1, 0.9, 0.5, 0.0, 0.0]] * 2
    made = [
        *[ops.image.resize(x, (5, 12), interpolation=way) for way in ("bilinear", "nearest", "bicubic")],
        ops.image.resize(x, (4, 4), antialias=True, pad_to_aspect_ratio=True),
        *[ops.image.affine_transform(x, shear, fill_mode=m) for m in ("constant", "reflect", "wrap", "nearest")],
        ops.image.map_coordinates(x[0], abs(pattern(3, 10)) * 2, order=1),
        ops.image.extract_patches(x, (3, 3), strides=2, padding="same"),
        ops.image.rgb_to_hsv(x),
        ops.image.hsv_to_rgb(x),
        ops.image.rgb_to_grayscale(x),
        ops.image.gaussian_blur(x, (3, 3), (1.0, 1.5)),
        ops.image.crop_images(x, top_cropping=1, left_cropping=2, target_height=4, target_width=5),
        ops.image.perspective_transform(
            x, [[[0, 0], [8, 0], [0, 6], [8, 6]]] * 2, [[[1, 0], [8, 1], [0, 5], [7, 6]]] * 2
        ),
    ]
    return [summary(m) for m in made]


@client.job
def preprocessing() -> Any:
    import numpy as np
    from keras import layers

    x = abs(pattern(3, 8, 10, 3)) * 255
    normalization = layers.Normalization()
    normalization.adapt(pattern(50, 3) * 4 + 1)
    bins = layers.Discretization([-0.5, 0.0, 0.4])
    made = [
        normalization(pattern(4, 3)),
        bins(pattern(20)),
        layers.CategoryEncoding(6, output_mode="multi_hot")(np.array([[1, 3], [0, 5]])),
        layers.Rescaling(1 / 127.5, offset=-1)(x),
        layers.Resizing(5, 6, crop_to_aspect_ratio=True)(x),
        layers.CenterCrop(4, 6)(x),
        layers.AutoContrast(value_range=(0, 255))(x),
        layers.RandomFlip(seed=1)(x, training=False),
    ]
    return [summary(m) for m in made]


# ---- keras.applications ----


def _application(name: str, size: int, **kwargs: Any) -> Any:
    import keras

    x = pattern(4, size, size, 3)
    model = getattr(keras.applications, name)(weights=None, input_shape=(size, size, 3), classes=5, **kwargs)
    set_weights(model).compile(keras.optimizers.SGD(0.001), "sparse_categorical_crossentropy")
    before = model.predict(x, verbose=0)
    return [summary(before), trained(model, x, pattern(4) > 0, epochs=1, batch_size=4), len(model.weights)]


@client.job
def mobilenet_v2() -> Any:
    return _application("MobileNetV2", 64)


@client.job
def mobilenet_v3() -> Any:
    return _application("MobileNetV3Small", 64, dropout_rate=0.0)


@client.job
def resnet50() -> Any:
    return _application("ResNet50", 64)


@client.job
def efficientnet() -> Any:
    import keras

    model = keras.applications.EfficientNetB0(weights=None, input_shape=(32, 32, 3), classes=5)
    return summary(set_weights(model).predict(abs(pattern(2, 32, 32, 3)) * 255, verbose=0))


@client.job
def densenet() -> Any:
    return _application("DenseNet121", 64)


@client.job
def xception() -> Any:
    return _application("Xception", 71)


@client.job
def convnext() -> Any:
    import keras

    model = keras.applications.ConvNeXtTiny(weights=None, input_shape=(32, 32, 3), classes=5)
    return summary(set_weights(model).predict(abs(pattern(2, 32, 32, 3)) * 255, verbose=0))
