"""The same in Keras on JAX, as its documentation shows it: arrays in memory, compile, fit. None of our code.

`python keras_on_jax.py FOLDER EPOCHS SEED` prints the seconds of each epoch's training and then the accuracy on the
test files, a line of JSON each.
"""

import json
import os
import sys
import time
from pathlib import Path

os.environ["KERAS_BACKEND"] = "jax"

import keras
import numpy as np
from keras import layers


class EpochTimes(keras.callbacks.Callback):
    """Prints what each epoch takes."""

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self.started = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        # JAX computes ahead: the epoch's mean loss is there when its last step is done.
        float((logs or {})["loss"])
        print(json.dumps({"seconds": time.perf_counter() - self.started}), flush=True)


def read(folder: str, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Pixels (n, 784) from 0 to 1, and labels (n,)."""
    raw = Path(folder) / "MNIST" / "raw"
    images = np.fromfile(raw / f"{split}-images-idx3-ubyte", np.uint8, offset=16).reshape(-1, 784)
    labels = np.fromfile(raw / f"{split}-labels-idx1-ubyte", np.uint8, offset=8)
    return images.astype("float32") / 255, labels.astype("int32")


def main(folder: str, epochs: int, seed: int) -> None:
    """Trains the classic network."""
    keras.utils.set_random_seed(seed)
    images, labels = read(folder, "train")
    model = keras.Sequential(
        [
            keras.Input((784,)),
            layers.Dense(512, activation="relu"),
            layers.Dense(256, activation="relu"),
            layers.Dense(10),
        ]
    )
    model.compile(keras.optimizers.Adam(0.01), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(images, labels, batch_size=64, epochs=epochs, verbose=0, callbacks=[EpochTimes()])
    images, labels = read(folder, "t10k")
    scores = model.predict(images, batch_size=1000, verbose=0)
    print(json.dumps({"accuracy": float((scores.argmax(axis=1) == labels).mean())}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
