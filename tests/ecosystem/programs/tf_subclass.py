import numpy as np
import tensorflow as tf
from tensorflow.keras import layers


class Classifier(tf.keras.Model):
    def __init__(self):
        super().__init__()
        self.hidden = layers.Dense(16, activation="relu")
        self.dropout = layers.Dropout(0.1)
        self.out = layers.Dense(1, activation="sigmoid")

    def call(self, inputs, training=False):
        return self.out(self.dropout(self.hidden(inputs), training=training))


rng = np.random.default_rng(0)
x = rng.normal(size=(1000, 2)).astype("float32")
y = (x[:, 0] * x[:, 1] > 0).astype("float32")

model = Classifier()
model.compile(
    optimizer=tf.keras.optimizers.Adam(learning_rate=0.02),
    loss=tf.keras.losses.BinaryCrossentropy(),
    metrics=["accuracy"],
)
history = model.fit(x, y, batch_size=32, epochs=15, validation_split=0.2, verbose=2)
model.summary()
print("accuracy:", history.history["val_accuracy"][-1], tf.keras.__name__)
print(model.predict(x[:2]).shape)
