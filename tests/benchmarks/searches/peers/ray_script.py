"""Ray Tune with ASHA, as its documentation shows it: two trials at a time, a core each. None of our code.

`python ray_script.py TASK VALUES SEED SECONDS` writes a line of JSON to VALUES after each epoch.
"""

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ray import tune
from ray.tune.schedulers import ASHAScheduler
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def train_one(settings: dict[str, Any], task: dict[str, Any], values_file: str) -> None:
    """Trains a candidate and reports its validation loss after each epoch."""
    arrays = np.load(task["arrays"])
    part = {
        name: TensorDataset(torch.from_numpy(arrays[f"{name}_inputs"]), torch.from_numpy(arrays[f"{name}_targets"]))
        for name in ("train", "validation")
    }
    criterion = nn.CrossEntropyLoss() if task["outputs"] > 1 else nn.MSELoss()
    layers: list[nn.Module] = []
    width = arrays["train_inputs"].shape[1]
    for _ in range(settings["layers"]):
        layers += [nn.Linear(width, settings["units"]), nn.ReLU(), nn.Dropout(settings["dropout"])]
        width = settings["units"]
    model = nn.Sequential(*layers, nn.Linear(width, task["outputs"]))
    optimizer = torch.optim.SGD(
        model.parameters(),
        lr=settings["learning_rate"],
        momentum=settings["momentum"],
        weight_decay=settings["weight_decay"],
    )
    train = DataLoader(part["train"], batch_size=settings["batch_size"], shuffle=True)
    validation = DataLoader(part["validation"], batch_size=512)
    for _ in range(task["epochs"]):
        model.train()
        for inputs, targets in train:
            optimizer.zero_grad()
            loss = criterion(model(inputs), targets)
            loss.backward()
            optimizer.step()
        model.eval()
        total = 0.0
        with torch.no_grad():
            for inputs, targets in validation:
                total += criterion(model(inputs), targets).item() * len(inputs)
        value = total / len(part["validation"])
        with Path(values_file).open("a") as file:
            name = tune.get_context().get_trial_id()
            file.write(json.dumps({"time": time.time(), "trial": name, "loss": value, "settings": settings}) + "\n")
        tune.report({"loss": value})


def main(task_file: str, values_file: str, seed: int, seconds: float) -> None:
    """Searches until the time is over."""
    task = json.loads(Path(task_file).read_text())
    space = task["space"]
    np.random.seed(seed)  # what Tune draws from
    tuner = tune.Tuner(
        tune.with_resources(tune.with_parameters(train_one, task=task, values_file=values_file), {"cpu": 1}),
        param_space={
            "batch_size": tune.choice(space["batch_size"]),
            "learning_rate": tune.loguniform(*space["learning_rate"]),
            "momentum": tune.uniform(*space["momentum"]),
            "weight_decay": tune.loguniform(*space["weight_decay"]),
            "layers": tune.randint(space["layers"][0], space["layers"][1] + 1),
            "units": tune.choice(space["units"]),
            "dropout": tune.uniform(*space["dropout"]),
        },
        tune_config=tune.TuneConfig(
            metric="loss",
            mode="min",
            scheduler=ASHAScheduler(max_t=task["epochs"]),
            num_samples=-1,
            time_budget_s=seconds,
            reuse_actors=True,
        ),
        run_config=tune.RunConfig(storage_path=tempfile.mkdtemp(), verbose=0),
    )
    tuner.fit()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4]))
