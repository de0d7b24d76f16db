"""Optuna and a plain loop, as one would write it first: TPE, a DataLoader, ASHA on what is reported each epoch.

`python optuna_script.py TASK VALUES SEED SECONDS` writes a line of JSON to VALUES after each epoch. None of our code.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
import optuna
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def main(task_file: str, values_file: str, seed: int, seconds: float) -> None:
    """Searches until the time is over."""
    task = json.loads(Path(task_file).read_text())
    space, arrays = task["space"], np.load(task["arrays"])
    part = {
        name: TensorDataset(torch.from_numpy(arrays[f"{name}_inputs"]), torch.from_numpy(arrays[f"{name}_targets"]))
        for name in ("train", "validation")
    }
    features = arrays["train_inputs"].shape[1]
    criterion = nn.CrossEntropyLoss() if task["outputs"] > 1 else nn.MSELoss()

    def objective(trial: optuna.Trial) -> float:
        settings = {
            "batch_size": trial.suggest_categorical("batch_size", space["batch_size"]),
            "learning_rate": trial.suggest_float("learning_rate", *space["learning_rate"], log=True),
            "momentum": trial.suggest_float("momentum", *space["momentum"]),
            "weight_decay": trial.suggest_float("weight_decay", *space["weight_decay"], log=True),
            "layers": trial.suggest_int("layers", *space["layers"]),
            "units": trial.suggest_categorical("units", space["units"]),
            "dropout": trial.suggest_float("dropout", *space["dropout"]),
        }
        layers: list[nn.Module] = []
        width = features
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
        lowest = float("inf")
        for epoch in range(task["epochs"]):
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
                line = {"time": time.time(), "trial": trial.number, "loss": value, "settings": settings}
                file.write(json.dumps(line) + "\n")
            lowest = min(lowest, value)
            trial.report(value, epoch)
            if trial.should_prune():
                raise optuna.TrialPruned
        return lowest

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    torch.manual_seed(seed)
    study = optuna.create_study(
        sampler=optuna.samplers.TPESampler(seed=seed), pruner=optuna.pruners.SuccessiveHalvingPruner()
    )
    study.optimize(objective, timeout=seconds)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4]))
