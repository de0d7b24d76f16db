"""Keras Tuner's Hyperband on JAX, as its documentation shows it. None of our code.

`python keras_script.py TASK VALUES SEED SECONDS` writes a line of JSON to VALUES after each epoch, until it is ended.
"""

import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ["KERAS_BACKEND"] = "jax"

import keras
import keras_tuner
import numpy as np
from keras import layers


class Values(keras.callbacks.Callback):
    """Writes the validation loss after each epoch."""

    def __init__(self, file: str, settings: dict[str, Any]) -> None:
        super().__init__()
        self.file, self.settings = file, settings

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        value = float((logs or {})["val_loss"])
        with Path(self.file).open("a") as file:
            file.write(json.dumps({"time": time.time(), "trial": "", "loss": value, "settings": self.settings}) + "\n")


class Network(keras_tuner.HyperModel):
    """Builds and fits a candidate."""

    def __init__(self, task: dict[str, Any], features: int, values_file: str) -> None:
        super().__init__()
        self.task, self.features, self.values_file = task, features, values_file

    def build(self, hp: keras_tuner.HyperParameters) -> keras.Model:
        space = self.task["space"]
        model = keras.Sequential([keras.Input((self.features,))])
        units = hp.Choice("units", space["units"])
        dropout = hp.Float("dropout", *space["dropout"])
        for _ in range(hp.Int("layers", *space["layers"])):
            model.add(layers.Dense(units, activation="relu"))
            model.add(layers.Dropout(dropout))
        model.add(layers.Dense(self.task["outputs"]))
        is_regression = self.task["outputs"] == 1
        loss = "mse" if is_regression else keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        optimizer = keras.optimizers.SGD(
            hp.Float("learning_rate", *space["learning_rate"], sampling="log"),
            momentum=hp.Float("momentum", *space["momentum"]),
            weight_decay=hp.Float("weight_decay", *space["weight_decay"], sampling="log"),
        )
        model.compile(optimizer, loss)
        return model

    def fit(self, hp: keras_tuner.HyperParameters, model: keras.Model, *arguments: Any, **keywords: Any) -> Any:
        batch_size = hp.Choice("batch_size", self.task["space"]["batch_size"])
        settings = {name: value for name, value in hp.values.items() if not name.startswith("tuner/")}
        keywords["callbacks"] = [*keywords["callbacks"], Values(self.values_file, settings)]
        return model.fit(*arguments, batch_size=batch_size, **keywords)


def main(task_file: str, values_file: str, seed: int) -> None:
    """Searches until it is ended: Keras Tuner has no budget of time."""
    task = json.loads(Path(task_file).read_text())
    arrays = np.load(task["arrays"])
    keras.utils.set_random_seed(seed)
    tuner = keras_tuner.Hyperband(
        Network(task, arrays["train_inputs"].shape[1], values_file),
        objective="val_loss",
        max_epochs=task["epochs"],
        hyperband_iterations=1000,
        seed=seed,
        directory=tempfile.mkdtemp(),
        project_name="search",
    )
    validation = arrays["validation_inputs"], arrays["validation_targets"]
    tuner.search(arrays["train_inputs"], arrays["train_targets"], validation_data=validation, verbose=0)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
